//! Objects with their figures. Each one knows its cluster, and acts through the reference to the
//! same object.

use std::net::IpAddr;
use std::ops::Deref;

use std::time::Duration;

use super::backend::BackendRef;
use super::frontend::FrontendRef;
use super::server::{
    AgentState, Health, NewServer, Removal, ServerRef, ServerTemplate, ServerWeight, Weight,
};
use crate::cluster::{Cluster, Outcomes};
use crate::error::Result;
use crate::protocol::Change;
use crate::show::stat::StatFilter;
use crate::show::{AdminState, ServerConnections, ServerState};
use crate::snapshot::{BackendStats, FrontendStats, ListenerStats, ServerStats};

/// Declares an object that has the figures of `$stats` and knows its cluster.
macro_rules! object {
    ($(#[$doc:meta])* $name:ident, $stats:ident, $what:literal) => {
        #[doc = concat!("A ", $what, " of a [`Cluster`] with its figures at the time of the snapshot.")]
        ///
        #[doc = concat!("It dereferences to [`", stringify!($stats), "`], which has an accessor for every figure.")]
        /// Accessors never wait; methods that send a command are `async`. A clone is cheap, and
        /// keeps the whole snapshot alive. Serde serializes only the figures.
        ///
        $(#[$doc])*
        #[derive(Debug, Clone)]
        pub struct $name {
            cluster: Cluster,
            stats: $stats,
        }

        impl $name {
            pub(super) fn new(cluster: &Cluster, stats: $stats) -> Self {
                Self { cluster: cluster.clone(), stats }
            }
        }

        impl Deref for $name {
            type Target = $stats;

            fn deref(&self) -> &$stats {
                &self.stats
            }
        }

        #[cfg(feature = "serde")]
        impl serde::Serialize for $name {
            fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                self.stats.serialize(serializer)
            }
        }
    };
}

/// Declares methods that call the method of the same name on the reference.
macro_rules! delegate {
    (impl $name:ident by $reference:ident { $(
        $(#[$doc:meta])*
        async fn $method:ident($($argument:ident: $type:ty),*) -> $value:ty;
    )* }) => {
        impl $name {
            $(
                $(#[$doc])*
                ///
                #[doc = concat!("See [`", stringify!($reference), "::", stringify!($method), "`].")]
                ///
                /// # Errors
                ///
                #[doc = concat!("- The errors of [`", stringify!($reference), "::", stringify!($method), "`].")]
                pub async fn $method(&self, $($argument: $type),*) -> Result<$value> {
                    self.reference()?.$method($($argument),*).await
                }
            )*
        }
    };
}

/// Declares the methods that every object has.
macro_rules! views {
    ($name:ident, $what:literal) => {
        impl $name {
            #[doc = concat!("Returns the same ", $what, ", acting through `cluster`, another view of the cluster.")]
            #[must_use]
            pub fn on(&self, cluster: &Cluster) -> Self {
                Self { cluster: cluster.clone(), ..self.clone() }
            }

            /// Returns the cluster from which the object was read.
            pub fn cluster(&self) -> &Cluster {
                &self.cluster
            }
        }
    };
}

object! {
    /// # Example
    ///
    /// ```no_run
    /// # async fn example(cluster: haproxyadmin::Cluster) -> haproxyadmin::Result<()> {
    /// use haproxyadmin::Weight;
    ///
    /// let web1 = cluster.server("app", "web1").await?;
    /// println!("{} weight {:?}", web1.status(), web1.weight());
    /// web1.set_weight(Weight::percent(50)).await?;
    /// # Ok(())
    /// # }
    /// ```
    Server, ServerStats, "server"
}

delegate! {
    impl Server by ServerRef {
        /// Sets the administrative state of the server.
        async fn set_state(state: AdminState) -> Outcomes<Change>;
        /// Ends the maintenance or drain of the server.
        async fn enable() -> Outcomes<Change>;
        /// Puts the server into maintenance.
        async fn disable() -> Outcomes<Change>;
        /// Sets the weight of the server.
        async fn set_weight(weight: Weight) -> Outcomes<Change>;
        /// Reads the current and the initial weight of the server from each process.
        async fn fetch_weight() -> Outcomes<ServerWeight>;
        /// Reads the administrative and the operational state of the server from each process.
        async fn fetch_state() -> Outcomes<ServerState>;
        /// Sets the address of the server, and its port if one is given.
        async fn set_address(address: IpAddr, port: impl Into<Option<u16>>) -> Outcomes<Change>;
        /// Sets the port of the server, and keeps its address.
        async fn set_port(port: u16) -> Outcomes<Change>;
        /// Sets the host name from which HAProxy resolves the address of the server.
        async fn set_fqdn(host: &str) -> Outcomes<Change>;
        /// Sets the number of requests that the server handles at once, in each process.
        async fn set_maxconn(requests: u32) -> Outcomes<Change>;
        /// Turns TLS to the server on or off.
        async fn set_ssl(on: bool) -> Outcomes<Change>;
        /// Ends all sessions on the server at once.
        async fn shutdown_sessions() -> Outcomes<Change>;
        /// Deletes the server from each process, after its sessions have ended.
        async fn delete(removal: &Removal) -> Outcomes<Change>;
        /// Gives a slot back on each process, after its sessions have ended.
        async fn release_slot(template: &ServerTemplate, removal: &Removal) -> Outcomes<Change>;
        /// Overrides the health check result of the server.
        async fn set_health(health: Health) -> Outcomes<Change>;
        /// Overrides the agent check result of the server.
        async fn set_agent(agent: AgentState) -> Outcomes<Change>;
        /// Starts the health checks of the server again.
        async fn enable_health() -> Outcomes<Change>;
        /// Stops the health checks of the server.
        async fn disable_health() -> Outcomes<Change>;
        /// Starts the agent checks of the server again.
        async fn enable_agent() -> Outcomes<Change>;
        /// Stops the agent checks of the server.
        async fn disable_agent() -> Outcomes<Change>;
        /// Sets the port of the health checks.
        async fn set_check_port(port: u16) -> Outcomes<Change>;
        /// Sets the address of the health checks, and their port if one is given.
        async fn set_check_address(address: IpAddr, port: impl Into<Option<u16>>) -> Outcomes<Change>;
        /// Sets the address of the agent checks, and their port if one is given.
        async fn set_agent_address(host: &str, port: impl Into<Option<u16>>) -> Outcomes<Change>;
        /// Sets the port of the agent checks.
        async fn set_agent_port(port: u16) -> Outcomes<Change>;
        /// Sets the text that the agent checks send.
        async fn set_agent_send(text: &str) -> Outcomes<Change>;
    }
}

views!(Server, "server");

impl Server {
    /// Reads the server again: [`Cluster::server`].
    ///
    /// # Errors
    ///
    /// - The errors of [`Cluster::server`].
    pub async fn refresh(&self) -> Result<Self> {
        self.cluster.server(self.backend(), self.name()).await
    }

    pub(crate) fn reference(&self) -> Result<ServerRef> {
        self.cluster.server_ref(self.backend(), self.name())
    }
}

object! {
    /// # Example
    ///
    /// ```no_run
    /// # async fn example(cluster: haproxyadmin::Cluster) -> haproxyadmin::Result<()> {
    /// let app = cluster.backend("app").await?;
    /// println!("{} {}", app.name(), app.requests());
    /// for server in app.servers() {
    ///     println!("{} {}", server.name(), server.status());
    /// }
    /// # Ok(())
    /// # }
    /// ```
    Backend, BackendStats, "backend"
}

impl Backend {
    /// Returns the backend's servers, in the order in which processes list them.
    pub fn servers(&self) -> Vec<Server> {
        self.stats.servers().into_iter().map(|server| Server::new(&self.cluster, server)).collect()
    }

    /// Returns the backend's server called `name`.
    ///
    /// # Errors
    ///
    /// - [`NotFound`](crate::ErrorKind::NotFound) if no process lists the server.
    /// - [`Incomplete`](crate::ErrorKind::Incomplete) if some processes did not answer, since one
    ///   of them may have it.
    pub fn server(&self, name: &str) -> Result<Server> {
        Ok(Server::new(&self.cluster, self.stats.server(name)?))
    }

    /// Returns a reference to the backend's server called `name`. Sends nothing.
    ///
    /// # Errors
    ///
    /// - The errors of [`Cluster::server_ref`].
    pub fn server_ref(&self, name: &str) -> Result<ServerRef> {
        self.reference()?.server_ref(name)
    }

    /// Reads the backend again: [`Cluster::backend`].
    ///
    /// # Errors
    ///
    /// - The errors of [`Cluster::backend`].
    pub async fn refresh(&self) -> Result<Self> {
        self.cluster.backend(self.name()).await
    }

    pub(crate) fn reference(&self) -> Result<BackendRef> {
        self.cluster.backend_ref(self.name())
    }
}

delegate! {
    impl Backend by BackendRef {
        /// Reads the states of the backend's servers from each process.
        async fn fetch_server_states() -> Outcomes<Vec<ServerState>>;
        /// Reads the connections of the backend's servers from each process.
        async fn fetch_server_connections() -> Outcomes<Vec<ServerConnections>>;
        /// Adds a server to the backend on each process, enables it, and reads its state back.
        async fn add_server(name: &str, server: &NewServer) -> Outcomes<ServerState>;
        /// Takes a free slot of a `server-template` line on each process, and enables it.
        async fn take_slot(template: &ServerTemplate, server: &NewServer) -> Outcomes<ServerState>;
        /// Ends all sessions on all servers of the backend at once.
        async fn shutdown_sessions() -> Outcomes<Change>;
        /// Lets rules choose the backend on each process.
        async fn publish() -> Outcomes<Change>;
        /// Keeps rules from choosing the backend on each process.
        async fn unpublish() -> Outcomes<Change>;
        /// Deletes the backend from each process, after its sessions have ended.
        async fn delete(within: Duration) -> Outcomes<Change>;
    }
}

views!(Backend, "backend");

object! {
    /// # Example
    ///
    /// ```no_run
    /// # async fn example(cluster: haproxyadmin::Cluster) -> haproxyadmin::Result<()> {
    /// let www = cluster.frontend("www").await?;
    /// println!("{} {}", www.name(), www.requests());
    /// www.set_maxconn(2_000).await?;
    /// # Ok(())
    /// # }
    /// ```
    Frontend, FrontendStats, "frontend"
}

delegate! {
    impl Frontend by FrontendRef {
        /// Enables the frontend, which then accepts connections again.
        async fn enable() -> Outcomes<Change>;
        /// Disables the frontend, which then accepts no connections until it is enabled.
        async fn disable() -> Outcomes<Change>;
        /// Closes the frontend's sockets permanently.
        async fn shutdown() -> Outcomes<Change>;
        /// Sets the number of connections that each process accepts at once for the frontend.
        async fn set_maxconn(connections: u32) -> Outcomes<Change>;
    }
}

impl Frontend {
    /// Returns the frontend's listeners, if the frontend has `option socket-stats`.
    pub fn listeners(&self) -> Vec<Listener> {
        let listeners = self.stats.listeners().into_iter();
        listeners.map(|listener| Listener::new(&self.cluster, listener)).collect()
    }

    /// Reads the frontend again: [`Cluster::frontend`].
    ///
    /// # Errors
    ///
    /// - The errors of [`Cluster::frontend`].
    pub async fn refresh(&self) -> Result<Self> {
        self.cluster.frontend(self.name()).await
    }

    fn reference(&self) -> Result<FrontendRef> {
        self.cluster.frontend_ref(self.name())
    }
}

views!(Frontend, "frontend");

object! {
    /// # Example
    ///
    /// ```no_run
    /// # async fn example(cluster: haproxyadmin::Cluster) -> haproxyadmin::Result<()> {
    /// for listener in cluster.listeners().await? {
    ///     println!("{}/{} {}", listener.frontend(), listener.name(), listener.status());
    /// }
    /// # Ok(())
    /// # }
    /// ```
    Listener, ListenerStats, "listener"
}

impl Listener {
    /// Reads the listener again. Requests only the rows of its frontend.
    ///
    /// # Errors
    ///
    /// - The errors of [`Cluster::frontend`], for this listener.
    pub async fn refresh(&self) -> Result<Self> {
        let snapshot = self.cluster.read(&StatFilter::frontend(self.frontend())).await?;
        Ok(Self::new(&self.cluster, snapshot.same_listener(&self.stats)?))
    }
}

views!(Listener, "listener");
