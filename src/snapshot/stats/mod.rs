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

pub use backend::Backend;
pub use frontend::Frontend;
pub use info::{ClusterInfo, Uptime};
pub use listener::Listener;
pub use server::Server;

use super::{Snapshot, index};
use crate::error::Result;
use crate::field::RowKind;
use object::Object;

impl Snapshot {
    /// Every frontend, in the order processes list them.
    pub fn frontends(&self) -> Vec<Frontend> {
        self.objects(RowKind::Frontend, Frontend)
    }

    /// The frontend called `name`.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::NotFound`](crate::ErrorKind::NotFound) if no process lists it;
    /// HAProxy lists no proxy that is `disabled` in its configuration.
    /// [`ErrorKind::Incomplete`](crate::ErrorKind::Incomplete) if no process that
    /// answered lists it and others did not answer; the error holds the snapshot.
    pub fn frontend(&self, name: &str) -> Result<Frontend> {
        self.find(RowKind::Frontend, name, "FRONTEND", || format!("frontend {name:?}")).map(Frontend)
    }

    /// Every backend, in the order processes list them.
    pub fn backends(&self) -> Vec<Backend> {
        self.objects(RowKind::Backend, Backend)
    }

    /// The backend called `name`.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::NotFound`](crate::ErrorKind::NotFound) if no process lists it;
    /// HAProxy lists no proxy that is `disabled` in its configuration.
    /// [`ErrorKind::Incomplete`](crate::ErrorKind::Incomplete) if no process that
    /// answered lists it and others did not answer; the error holds the snapshot.
    pub fn backend(&self, name: &str) -> Result<Backend> {
        self.find(RowKind::Backend, name, "BACKEND", || format!("backend {name:?}")).map(Backend)
    }

    /// Every server of every backend, in the order processes list them.
    pub fn servers(&self) -> Vec<Server> {
        self.objects(RowKind::Server, Server)
    }

    /// The server called `name` of the backend called `backend`.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::NotFound`](crate::ErrorKind::NotFound) if no process lists it;
    /// [`ErrorKind::Incomplete`](crate::ErrorKind::Incomplete) if no process that
    /// answered lists it and others did not answer; the error holds the snapshot.
    pub fn server(&self, backend: &str, name: &str) -> Result<Server> {
        self.find(RowKind::Server, backend, name, || format!("server {:?}", format!("{backend}/{name}")))
            .map(Server)
    }

    /// Every server called `name`, whatever its backend.
    pub fn servers_named(&self, name: &str) -> Vec<Server> {
        self.servers().into_iter().filter(|server| server.name() == name).collect()
    }

    /// Every listener of every frontend that has `option socket-stats`.
    pub fn listeners(&self) -> Vec<Listener> {
        self.objects(RowKind::Listener, Listener)
    }

    /// The listener that `other` is, as it is in this snapshot.
    pub(crate) fn same_listener(&self, other: &Listener) -> Result<Listener> {
        let found = self.index().find(&self.0.processes, RowKind::Listener, other.frontend(), other.name());
        let first = other.0.rows().next();
        let is_other = |listener: &Listener| match (first, listener.0.rows().next()) {
            (Some((_, one)), Some((_, two))) => index::same_listener(&one, &two),
            _ => false,
        };
        found.iter().map(|id| Listener(Object::new(self.clone(), *id))).find(is_other).ok_or_else(|| {
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
