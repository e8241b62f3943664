//! Differences of two snapshots: the increases of counters, and their rates.

mod accessor;
mod backend;
mod comparison;
mod counter;
mod difference;
mod entry;
mod frontend;
mod increase;
mod info;
mod listener;
mod object;
mod process;
mod server;

pub use backend::BackendDelta;
pub use difference::Delta;
pub use entry::ObjectStanding;
pub use frontend::FrontendDelta;
pub use increase::{Covers, Increase, ProcessIncrease, RateRange};
pub use info::InfoDelta;
pub use listener::ListenerDelta;
pub use process::{ProcessDelta, Standing};
pub use server::ServerDelta;

use super::Snapshot;
use crate::error::Result;
use crate::field::RowKind;
use object::Object;

impl Snapshot {
    /// Returns the difference between an earlier snapshot and this one: increases and rates of all
    /// counters. Does no I/O.
    pub fn since(&self, earlier: &Self) -> Delta {
        Delta::new(self, earlier)
    }
}

impl Delta {
    /// Returns every frontend: those of the later snapshot, then those that are gone.
    pub fn frontends(&self) -> Vec<FrontendDelta> {
        self.objects(RowKind::Frontend).map(FrontendDelta).collect()
    }

    /// Returns the frontend called `name`.
    ///
    /// # Errors
    ///
    /// - The errors of [`Snapshot::frontend`] of the later snapshot, if the frontend is not gone
    ///   either.
    pub fn frontend(&self, name: &str) -> Result<FrontendDelta> {
        let found = self.find(RowKind::Frontend, name, "FRONTEND");
        found.map(FrontendDelta).ok_or_else(|| self.later().absent(format!("frontend {name:?}")))
    }

    /// Returns every backend: those of the later snapshot, then those that are gone.
    pub fn backends(&self) -> Vec<BackendDelta> {
        self.objects(RowKind::Backend).map(BackendDelta).collect()
    }

    /// Returns the backend called `name`.
    ///
    /// # Errors
    ///
    /// - The errors of [`Snapshot::backend`] of the later snapshot, if the backend is not gone either.
    pub fn backend(&self, name: &str) -> Result<BackendDelta> {
        let found = self.find(RowKind::Backend, name, "BACKEND");
        found.map(BackendDelta).ok_or_else(|| self.later().absent(format!("backend {name:?}")))
    }

    /// Returns every server: those of the later snapshot, then those that are gone.
    pub fn servers(&self) -> Vec<ServerDelta> {
        self.objects(RowKind::Server).map(ServerDelta).collect()
    }

    /// Returns the server called `name` of the backend called `backend`.
    ///
    /// # Errors
    ///
    /// - The errors of [`Snapshot::server`] of the later snapshot, if the server is not gone either.
    pub fn server(&self, backend: &str, name: &str) -> Result<ServerDelta> {
        let found = self.find(RowKind::Server, backend, name);
        let absent = || self.later().absent(format!("server {:?}", format!("{backend}/{name}")));
        found.map(ServerDelta).ok_or_else(absent)
    }

    /// Returns every listener of every frontend that has `option socket-stats`: those of the later
    /// snapshot, then those that are gone.
    pub fn listeners(&self) -> Vec<ListenerDelta> {
        self.objects(RowKind::Listener).map(ListenerDelta).collect()
    }

    /// Returns the increases of the counters of `show info`.
    pub fn info(&self) -> InfoDelta {
        InfoDelta::new(self.clone())
    }

    fn objects(&self, kind: RowKind) -> impl Iterator<Item = Object> {
        let entries = (0u32..).zip(&self.0.entries).filter(move |(_, entry)| entry.kind == kind);
        entries.map(|(at, _)| Object::new(self.clone(), at))
    }

    /// Returns the object with these names: of the later snapshot, or gone.
    fn find(&self, kind: RowKind, proxy: &str, name: &str) -> Option<Object> {
        let later = self.later();
        let found = later.index().find(kind, proxy, name).first();
        let gone = || self.gone(kind, proxy).find(|object| object.name() == name);
        found.map(|id| Object::new(self.clone(), *id)).or_else(gone)
    }

    /// Returns the servers of a backend, or the listeners of a frontend.
    fn children(&self, parent: &Object, kind: RowKind) -> impl Iterator<Item = Object> {
        let children = self.later().index().children(parent.number());
        let children = children.iter().map(|id| Object::new(self.clone(), *id));
        children.chain(self.gone(kind, parent.proxy()))
    }

    /// Returns the objects of a kind and a proxy that only the earlier snapshot has.
    fn gone(&self, kind: RowKind, proxy: &str) -> impl Iterator<Item = Object> {
        let later = self.later().index().kinds().count();
        let entries = (0u32..).zip(&self.0.entries).skip(later);
        let gone = entries.filter(move |(_, entry)| entry.kind == kind);
        gone.map(|(at, _)| Object::new(self.clone(), at)).filter(move |object| object.proxy() == proxy)
    }
}

#[cfg(feature = "serde")]
impl serde::Serialize for Delta {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        use serde::ser::SerializeMap as _;

        let mut map = serializer.serialize_map(Some(6))?;
        map.serialize_entry("processes", self.processes())?;
        map.serialize_entry("info", &self.info())?;
        map.serialize_entry("frontends", &self.frontends())?;
        map.serialize_entry("listeners", &self.listeners())?;
        map.serialize_entry("backends", &self.backends())?;
        map.serialize_entry("servers", &self.servers())?;
        map.end()
    }
}
