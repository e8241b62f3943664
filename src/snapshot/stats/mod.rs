//! Frontends, backends, servers and listeners of a snapshot, each merged over all processes that
//! have it.

mod accessor;
mod backend;
mod common;
mod frontend;
mod info;
mod listener;
mod object;
mod server;

pub use backend::BackendStats;
pub use frontend::FrontendStats;
pub use info::{ClusterInfo, Uptime};
pub use listener::ListenerStats;
pub use server::ServerStats;

pub(super) use frontend::requests;

use super::Snapshot;
use crate::error::Result;
use crate::field::RowKind;
use object::Object;

impl Snapshot {
    /// Returns every frontend, in the order in which the processes list them.
    pub fn frontends(&self) -> Vec<FrontendStats> {
        self.objects(RowKind::Frontend, FrontendStats)
    }

    /// Returns the frontend called `name`.
    ///
    /// # Errors
    ///
    /// - The errors of [`complete`](Snapshot::complete) if no process answered.
    /// - [`NotFound`](crate::ErrorKind::NotFound) if all processes answered, no requirement is
    ///   [missing](Snapshot::missing), and no process lists the frontend. HAProxy does not list a
    ///   proxy that is `disabled` in its configuration.
    /// - [`Incomplete`](crate::ErrorKind::Incomplete) if no process that answered lists the
    ///   frontend and the snapshot is not complete. The error holds the snapshot.
    pub fn frontend(&self, name: &str) -> Result<FrontendStats> {
        self.find(RowKind::Frontend, name, "FRONTEND", || format!("frontend {name:?}")).map(FrontendStats)
    }

    /// Returns every backend, in the order in which the processes list them.
    pub fn backends(&self) -> Vec<BackendStats> {
        self.objects(RowKind::Backend, BackendStats)
    }

    /// Returns the backend called `name`.
    ///
    /// # Errors
    ///
    /// - The errors of [`complete`](Snapshot::complete) if no process answered.
    /// - [`NotFound`](crate::ErrorKind::NotFound) if all processes answered, no requirement is
    ///   [missing](Snapshot::missing), and no process lists the backend. HAProxy does not list a
    ///   proxy that is `disabled` in its configuration.
    /// - [`Incomplete`](crate::ErrorKind::Incomplete) if no process that answered lists the backend
    ///   and the snapshot is not complete. The error holds the snapshot.
    pub fn backend(&self, name: &str) -> Result<BackendStats> {
        self.find(RowKind::Backend, name, "BACKEND", || format!("backend {name:?}")).map(BackendStats)
    }

    /// Returns every server of every backend, in the order in which the processes list them.
    pub fn servers(&self) -> Vec<ServerStats> {
        self.objects(RowKind::Server, ServerStats)
    }

    /// Returns the server called `name` of the backend called `backend`.
    ///
    /// # Errors
    ///
    /// - The errors of [`complete`](Snapshot::complete) if no process answered.
    /// - [`NotFound`](crate::ErrorKind::NotFound) if all processes answered, no requirement is
    ///   [missing](Snapshot::missing), and no process lists the server.
    /// - [`Incomplete`](crate::ErrorKind::Incomplete) if no process that answered lists the server
    ///   and the snapshot is not complete. The error holds the snapshot.
    pub fn server(&self, backend: &str, name: &str) -> Result<ServerStats> {
        self.find(RowKind::Server, backend, name, || format!("server {:?}", format!("{backend}/{name}")))
            .map(ServerStats)
    }

    /// Returns every server called `name`, in any backend.
    pub fn servers_named(&self, name: &str) -> Vec<ServerStats> {
        self.servers().into_iter().filter(|server| server.name() == name).collect()
    }

    /// Returns every listener of every frontend that has `option socket-stats`.
    pub fn listeners(&self) -> Vec<ListenerStats> {
        self.objects(RowKind::Listener, ListenerStats)
    }

    /// Returns the listener of this snapshot that is the same as `other`.
    pub(crate) fn same_listener(&self, other: &ListenerStats) -> Result<ListenerStats> {
        let found = self.index().find(RowKind::Listener, other.frontend(), other.name());
        let first = other.0.rows().next();
        let is_other = |listener: &ListenerStats| match (first, listener.0.rows().next()) {
            (Some((_, one)), Some((_, two))) => one.listener_id().is_same(&two.listener_id()),
            _ => false,
        };
        found.iter().map(|id| ListenerStats(Object::new(self.clone(), *id))).find(is_other).ok_or_else(|| {
            let name = format!("{}/{}", other.frontend(), other.name());
            self.absent(format!("listener {name:?}"))
        })
    }

    /// Returns the `show info` of all processes, merged into one.
    pub fn info(&self) -> ClusterInfo {
        ClusterInfo::new(self.clone())
    }

    fn objects<T>(&self, kind: RowKind, make: impl Fn(Object) -> T) -> Vec<T> {
        self.index().of_kind(kind).map(|id| make(Object::new(self.clone(), id))).collect()
    }

    fn find(&self, kind: RowKind, proxy: &str, name: &str, what: impl Fn() -> String) -> Result<Object> {
        match self.index().find(kind, proxy, name).first() {
            Some(id) => Ok(Object::new(self.clone(), *id)),
            None => Err(self.absent(what())),
        }
    }
}
