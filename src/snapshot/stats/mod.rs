//! The frontends, backends, servers and listeners of a snapshot, each merged over all
//! processes that have it.

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

use super::{Snapshot, index};
use crate::error::Result;
use crate::field::RowKind;
use object::Object;

impl Snapshot {
    /// Every frontend, in the order processes list them.
    pub fn frontends(&self) -> Vec<FrontendStats> {
        self.objects(RowKind::Frontend, FrontendStats)
    }

    /// The frontend called `name`.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::NotFound`](crate::ErrorKind::NotFound) if no process lists it;
    /// HAProxy lists no proxy that is `disabled` in its configuration.
    /// [`ErrorKind::Incomplete`](crate::ErrorKind::Incomplete) if no process that
    /// answered lists it and others did not answer; the error holds the snapshot.
    pub fn frontend(&self, name: &str) -> Result<FrontendStats> {
        self.find(RowKind::Frontend, name, "FRONTEND", || format!("frontend {name:?}")).map(FrontendStats)
    }

    /// Every backend, in the order processes list them.
    pub fn backends(&self) -> Vec<BackendStats> {
        self.objects(RowKind::Backend, BackendStats)
    }

    /// The backend called `name`.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::NotFound`](crate::ErrorKind::NotFound) if no process lists it;
    /// HAProxy lists no proxy that is `disabled` in its configuration.
    /// [`ErrorKind::Incomplete`](crate::ErrorKind::Incomplete) if no process that
    /// answered lists it and others did not answer; the error holds the snapshot.
    pub fn backend(&self, name: &str) -> Result<BackendStats> {
        self.find(RowKind::Backend, name, "BACKEND", || format!("backend {name:?}")).map(BackendStats)
    }

    /// Every server of every backend, in the order processes list them.
    pub fn servers(&self) -> Vec<ServerStats> {
        self.objects(RowKind::Server, ServerStats)
    }

    /// The server called `name` of the backend called `backend`.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::NotFound`](crate::ErrorKind::NotFound) if no process lists it;
    /// [`ErrorKind::Incomplete`](crate::ErrorKind::Incomplete) if no process that
    /// answered lists it and others did not answer; the error holds the snapshot.
    pub fn server(&self, backend: &str, name: &str) -> Result<ServerStats> {
        self.find(RowKind::Server, backend, name, || format!("server {:?}", format!("{backend}/{name}")))
            .map(ServerStats)
    }

    /// Every server called `name`, whatever its backend.
    pub fn servers_named(&self, name: &str) -> Vec<ServerStats> {
        self.servers().into_iter().filter(|server| server.name() == name).collect()
    }

    /// Every listener of every frontend that has `option socket-stats`.
    pub fn listeners(&self) -> Vec<ListenerStats> {
        self.objects(RowKind::Listener, ListenerStats)
    }

    /// The listener that `other` is, as it is in this snapshot.
    pub(crate) fn same_listener(&self, other: &ListenerStats) -> Result<ListenerStats> {
        let found = self.index().find(&self.0.processes, RowKind::Listener, other.frontend(), other.name());
        let first = other.0.rows().next();
        let is_other = |listener: &ListenerStats| match (first, listener.0.rows().next()) {
            (Some((_, one)), Some((_, two))) => index::same_listener(&one, &two),
            _ => false,
        };
        found.iter().map(|id| ListenerStats(Object::new(self.clone(), *id))).find(is_other).ok_or_else(|| {
            let name = format!("{}/{}", other.frontend(), other.name());
            self.absent(format!("listener {name:?}"))
        })
    }

    /// What the processes say of themselves, as one.
    pub fn info(&self) -> ClusterInfo {
        ClusterInfo::new(self.clone())
    }

    fn objects<T>(&self, kind: RowKind, make: impl Fn(Object) -> T) -> Vec<T> {
        self.index().of_kind(kind).map(|id| make(Object::new(self.clone(), id))).collect()
    }

    fn find(&self, kind: RowKind, proxy: &str, name: &str, what: impl Fn() -> String) -> Result<Object> {
        match self.index().find(&self.0.processes, kind, proxy, name).first() {
            Some(id) => Ok(Object::new(self.clone(), *id)),
            None => Err(self.absent(what())),
        }
    }
}
