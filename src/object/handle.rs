//! Objects with their figures: each knows its cluster, and acts through the reference of
//! the same object.

use std::net::IpAddr;
use std::ops::Deref;

use super::backend::BackendRef;
use super::frontend::FrontendRef;
use super::server::{AgentState, Health, ServerRef, ServerWeight, Weight};
use crate::cluster::{Cluster, Outcomes};
use crate::error::Result;
use crate::protocol::Change;
use crate::show::stat::StatFilter;
use crate::show::{AdminState, ServerState};
use crate::snapshot::{BackendStats, FrontendStats, ListenerStats, ServerStats};

/// Declares an object that has the figures of `$stats` and knows its cluster.
macro_rules! object {
    ($name:ident, $stats:ident, $what:literal) => {
        #[doc = concat!("A ", $what, " of a [`Cluster`] with its figures, as they were when it was read.")]
        ///
        #[doc = concat!("It dereferences to [`", stringify!($stats), "`], which has the accessor of every figure.")]
        /// Accessors never wait; methods that do are `async`. Cheap to clone; keeps its whole
        /// snapshot alive. Serde writes it as the figures alone.
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

/// Declares methods that call the method of the same name of the reference.
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
                #[doc = concat!("Those of [`", stringify!($reference), "::", stringify!($method), "`].")]
                pub async fn $method(&self, $($argument: $type),*) -> Result<$value> {
                    self.reference()?.$method($($argument),*).await
                }
            )*
        }
    };
}

/// Declares methods that every object has.
macro_rules! views {
    ($name:ident, $what:literal) => {
        impl $name {
            #[doc = concat!("Returns the same ", $what, ", whose calls go through another view of the cluster.")]
            #[must_use]
            pub fn on(&self, cluster: &Cluster) -> Self {
                Self { cluster: cluster.clone(), ..self.clone() }
            }

            /// Returns the cluster that it was read from.
            pub fn cluster(&self) -> &Cluster {
                &self.cluster
            }
        }
    };
}

object!(Server, ServerStats, "server");

delegate! {
    impl Server by ServerRef {
        /// Sets what the operator wants of it.
        async fn set_state(state: AdminState) -> Outcomes<Change>;
        /// Ends its maintenance, or its drain.
        async fn enable() -> Outcomes<Change>;
        /// Puts it into maintenance, instead of a drain if it was in one.
        async fn disable() -> Outcomes<Change>;
        /// Sets its weight.
        async fn set_weight(weight: Weight) -> Outcomes<Change>;
        /// Its weight in each process, now and initially.
        async fn fetch_weight() -> Outcomes<ServerWeight>;
        /// Its state in each process, what the operator wants apart from how it is.
        async fn fetch_state() -> Outcomes<ServerState>;
        /// Sets its address, and its port with it if one is given, in one command.
        async fn set_address(address: IpAddr, port: impl Into<Option<u16>>) -> Outcomes<Change>;
        /// Sets its port, and leaves its address as each process has it.
        async fn set_port(port: u16) -> Outcomes<Change>;
        /// Sets the name that its address is resolved from.
        async fn set_fqdn(host: &str) -> Outcomes<Change>;
        /// Sets how many requests it handles at once, in each process; more of them queue.
        async fn set_maxconn(requests: u32) -> Outcomes<Change>;
        /// Switches TLS to it on or off.
        async fn set_ssl(on: bool) -> Outcomes<Change>;
        /// Ends all sessions on it at once.
        async fn shutdown_sessions() -> Outcomes<Change>;
        /// Makes its health check have found that, until the next ones; for good where it has
        /// none.
        async fn set_health(health: Health) -> Outcomes<Change>;
        /// Makes its agent check have found that, until the next ones.
        async fn set_agent(agent: AgentState) -> Outcomes<Change>;
        /// Starts its health checks again.
        async fn enable_health() -> Outcomes<Change>;
        /// Stops its health checks; it stays as they last found it.
        async fn disable_health() -> Outcomes<Change>;
        /// Starts its agent checks again.
        async fn enable_agent() -> Outcomes<Change>;
        /// Stops its agent checks.
        async fn disable_agent() -> Outcomes<Change>;
        /// Sets the port of its health checks.
        async fn set_check_port(port: u16) -> Outcomes<Change>;
        /// Sets the address of its health checks, and their port with it if one is given.
        async fn set_check_address(address: IpAddr, port: impl Into<Option<u16>>) -> Outcomes<Change>;
        /// Sets the address of its agent checks, an IP address or the name of a host, and their
        /// port with it if one is given.
        async fn set_agent_address(host: &str, port: impl Into<Option<u16>>) -> Outcomes<Change>;
        /// Sets the port of its agent checks.
        async fn set_agent_port(port: u16) -> Outcomes<Change>;
        /// Sets what its agent checks send.
        async fn set_agent_send(text: &str) -> Outcomes<Change>;
    }
}

views!(Server, "server");

impl Server {
    /// Reads the figures of now: [`Cluster::server`].
    ///
    /// # Errors
    ///
    /// Those of [`Cluster::server`].
    pub async fn refresh(&self) -> Result<Self> {
        self.cluster.server(self.backend(), self.name()).await
    }

    fn reference(&self) -> Result<ServerRef> {
        self.cluster.server_ref(self.backend(), self.name())
    }
}

object!(Backend, BackendStats, "backend");

impl Backend {
    /// Returns its servers, in the order processes list them.
    pub fn servers(&self) -> Vec<Server> {
        self.stats.servers().into_iter().map(|server| Server::new(&self.cluster, server)).collect()
    }

    /// Returns its server called `name`.
    ///
    /// # Errors
    ///
    /// - [`NotFound`](crate::ErrorKind::NotFound) if no process lists the server.
    /// - [`Incomplete`](crate::ErrorKind::Incomplete) if some processes did not answer.
    pub fn server(&self, name: &str) -> Result<Server> {
        Ok(Server::new(&self.cluster, self.stats.server(name)?))
    }

    /// Returns a reference to its server called `name`. No I/O.
    ///
    /// # Errors
    ///
    /// Those of [`Cluster::server_ref`].
    pub fn server_ref(&self, name: &str) -> Result<ServerRef> {
        self.reference()?.server_ref(name)
    }

    /// Reads the figures of now: [`Cluster::backend`].
    ///
    /// # Errors
    ///
    /// Those of [`Cluster::backend`].
    pub async fn refresh(&self) -> Result<Self> {
        self.cluster.backend(self.name()).await
    }

    fn reference(&self) -> Result<BackendRef> {
        self.cluster.backend_ref(self.name())
    }
}

delegate! {
    impl Backend by BackendRef {
        /// The states of its servers, in each process.
        async fn fetch_server_states() -> Outcomes<Vec<ServerState>>;
    }
}

views!(Backend, "backend");

object!(Frontend, FrontendStats, "frontend");

delegate! {
    impl Frontend by FrontendRef {
        /// Lets it accept connections again.
        async fn enable() -> Outcomes<Change>;
        /// Makes it accept no connections until it is enabled.
        async fn disable() -> Outcomes<Change>;
        /// Closes its sockets for good.
        async fn shutdown() -> Outcomes<Change>;
        /// Sets how many connections it takes at once, in each process.
        async fn set_maxconn(connections: u32) -> Outcomes<Change>;
    }
}

impl Frontend {
    /// Returns its listeners, if it has `option socket-stats`.
    pub fn listeners(&self) -> Vec<Listener> {
        let listeners = self.stats.listeners().into_iter();
        listeners.map(|listener| Listener::new(&self.cluster, listener)).collect()
    }

    /// Reads the figures of now: [`Cluster::frontend`].
    ///
    /// # Errors
    ///
    /// Those of [`Cluster::frontend`].
    pub async fn refresh(&self) -> Result<Self> {
        self.cluster.frontend(self.name()).await
    }

    fn reference(&self) -> Result<FrontendRef> {
        self.cluster.frontend_ref(self.name())
    }
}

views!(Frontend, "frontend");

object!(Listener, ListenerStats, "listener");

impl Listener {
    /// Reads the figures of now. HAProxy prints only the rows of its frontend.
    ///
    /// # Errors
    ///
    /// Those of [`Cluster::frontend`], for this listener.
    pub async fn refresh(&self) -> Result<Self> {
        let snapshot = self.cluster.read(&StatFilter::frontend(self.frontend())).await?;
        Ok(Self::new(&self.cluster, snapshot.same_listener(&self.stats)?))
    }
}

views!(Listener, "listener");
