use std::ops::Deref;

use crate::cluster::Cluster;
use crate::error::Result;
use crate::show::stat::StatFilter;
use crate::snapshot;

/// Makes `$name`: a figure of a snapshot that knows its cluster.
macro_rules! live {
    ($name:ident, $what:literal, $scope:expr, $find:expr) => {
        #[doc = concat!("A ", $what, " of a [`Cluster`]: its figures at the moment it was read.")]
        ///
        #[doc = concat!("It has everything a [`snapshot::", stringify!($name), "`](crate::snapshot::", stringify!($name), ")")]
        /// has, and is written by serde as that is. Accessors never wait; methods that do are
        /// `async` and say so. Cheap to clone; keeps its whole snapshot alive.
        #[derive(Debug, Clone)]
        pub struct $name {
            pub(super) cluster: Cluster,
            pub(crate) figures: snapshot::$name,
        }

        impl $name {
            pub(crate) fn new(cluster: &Cluster, figures: snapshot::$name) -> Self {
                Self { cluster: cluster.clone(), figures }
            }

            /// The same with the figures of now. Only its own proxy's rows are asked for.
            ///
            /// # Errors
            ///
            /// Those of [`Cluster::snapshot`], and
            /// [`ErrorKind::NotFound`](crate::ErrorKind::NotFound) if no process lists
            /// it any more; while some did not answer nobody knows, and it is
            /// [`ErrorKind::Incomplete`](crate::ErrorKind::Incomplete).
            ///
            /// # Cancel safety
            ///
            /// Dropping the future closes the connections and leaves nothing behind.
            pub async fn refresh(&self) -> Result<Self> {
                let scope: fn(&snapshot::$name) -> StatFilter = $scope;
                let snapshot = self.cluster.read(&scope(&self.figures)).await?;
                let find: fn(&snapshot::Snapshot, &snapshot::$name) -> Result<snapshot::$name> = $find;
                Ok(Self::new(&self.cluster, find(&snapshot, &self.figures)?))
            }

            /// The cluster it was read from.
            pub fn cluster(&self) -> &Cluster {
                &self.cluster
            }
        }

        #[cfg(feature = "serde")]
        impl serde::Serialize for $name {
            fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                self.figures.serialize(serializer)
            }
        }

        impl Deref for $name {
            type Target = snapshot::$name;

            fn deref(&self) -> &snapshot::$name {
                &self.figures
            }
        }
    };
}

live!(Frontend, "frontend", |old| StatFilter::frontend(old.name()), |snapshot, old| snapshot
    .frontend(old.name()));
live!(Backend, "backend", |old| StatFilter::backend(old.name()), |snapshot, old| snapshot
    .backend(old.name()));
live!(Server, "server", |old| StatFilter::backend(old.backend()), |snapshot, old| snapshot
    .server(old.backend(), old.name()));
live!(Listener, "listener", |old| StatFilter::frontend(old.frontend()), |snapshot, old| snapshot
    .same_listener(old));

impl Backend {
    /// Its servers, in the order processes list them.
    pub fn servers(&self) -> Vec<Server> {
        self.figures.servers().into_iter().map(|server| Server::new(&self.cluster, server)).collect()
    }

    /// Its server called `name`.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::NotFound`](crate::ErrorKind::NotFound) if no process lists it,
    /// [`ErrorKind::Incomplete`](crate::ErrorKind::Incomplete) if some did not
    /// answer.
    pub fn server(&self, name: &str) -> Result<Server> {
        Ok(Server::new(&self.cluster, self.figures.server(name)?))
    }
}

impl Frontend {
    /// Its listeners, if it has `option socket-stats`.
    pub fn listeners(&self) -> Vec<Listener> {
        let listeners = self.figures.listeners().into_iter();
        listeners.map(|listener| Listener::new(&self.cluster, listener)).collect()
    }
}
