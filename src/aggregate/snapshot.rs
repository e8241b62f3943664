use std::cmp::Ordering;
use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Arc, OnceLock};

use super::index::{self, Index};
use super::label;
use super::object::Object;
use super::process::{Process, Record};
use super::{Backend, ClusterInfo, Frontend, Listener, Server};
use crate::error::{Error, Problem, Result};
use crate::field::Kind;

/// What the processes of a cluster said at one moment: an immutable value.
///
/// It holds every row of every process, which processes answered, and why the
/// others did not. [`frontends`](Snapshot::frontends) and its like are merged
/// views over the rows. Cheap to clone; `Send` and `Sync`.
///
/// # Joining
///
/// Hosts can read their own processes and a parent can join what they send.
/// [`join`](Snapshot::join) is associative, commutative and idempotent: for each
/// process, known by its source and address, the newer answer wins.
///
/// # Serialisation
///
/// With the feature `serde` a snapshot is a map of `format` (1) and `processes`.
/// Columns and keys that this crate does not know are kept, and so are fields
/// that a newer version of it stored with a process. The format of the message
/// must be self-describing, as JSON is.
///
/// # What the figures mean
///
/// A sum is over the processes that answered, each since it started: it falls
/// when a process leaves or restarts. Old workers ([`Process::is_stopping`]) count
/// in sums, since their traffic is real; states, weights, limits and ages are those
/// of the processes that are not stopping, unless all are.
#[derive(Clone)]
pub struct Snapshot(Arc<Inner>);

pub(super) struct Inner {
    pub(super) processes: Vec<Process>,
    index: OnceLock<Index>,
}

impl Snapshot {
    /// Of several records of one process the newest stays.
    pub(crate) fn new(records: impl IntoIterator<Item = Arc<Record>>) -> Self {
        let mut newest: BTreeMap<Key, Arc<Record>> = BTreeMap::new();
        for record in records {
            let key = Key { source: record.source.clone(), address: record.address.to_string() };
            match newest.entry(key) {
                std::collections::btree_map::Entry::Vacant(entry) => {
                    entry.insert(record);
                }
                std::collections::btree_map::Entry::Occupied(mut entry) => {
                    if record.precedence(entry.get()).is_gt() {
                        entry.insert(record);
                    }
                }
            }
        }
        let labels = label::labels(newest.values().map(|record| &**record));
        let processes =
            newest.into_values().zip(labels).map(|(record, label)| Process { label, record }).collect();
        Self(Arc::new(Inner { processes, index: OnceLock::new() }))
    }

    /// Every process, in the order of sources and addresses.
    pub fn processes(&self) -> &[Process] {
        &self.0.processes
    }

    /// The process with that label.
    pub fn process(&self, label: &str) -> Option<&Process> {
        self.0.processes.iter().find(|process| **process.label() == *label)
    }

    /// Processes that did not answer.
    pub fn failed(&self) -> impl Iterator<Item = &Process> {
        self.0.processes.iter().filter(|process| process.failure().is_some())
    }

    /// Whether every process answered.
    pub fn is_complete(&self) -> bool {
        self.failed().next().is_none()
    }

    /// This snapshot if every process answered.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Incomplete`](crate::ErrorKind::Incomplete) otherwise; the
    /// error holds the snapshot and names who did not answer and why.
    pub fn complete(self) -> Result<Self> {
        let mut failures = self.failed().map(|process| {
            let reason = process.failure().map(|failure| failure.message.clone()).unwrap_or_default();
            format!("{}: {reason}", process.address())
        });
        let Some(first) = failures.next() else {
            drop(failures);
            return Ok(self);
        };
        let rest: Vec<String> = failures.collect();
        let failed = rest.len() + 1;
        let all = self.processes().len();
        let mut text = format!("{failed} of {all} processes did not answer: {first}");
        for failure in rest {
            text.push_str("; ");
            text.push_str(&failure);
        }
        Err(Error::new(Problem::Incomplete { text, snapshot: Some(self) }))
    }

    /// All processes of both snapshots; the newer answer of those in both.
    #[must_use]
    pub fn join(&self, other: &Self) -> Self {
        Self::joined([self, other])
    }

    /// All processes of all snapshots.
    pub fn joined<'a>(snapshots: impl IntoIterator<Item = &'a Self>) -> Self {
        let all = snapshots.into_iter().flat_map(|snapshot| &snapshot.0.processes);
        Self::new(all.map(|process| Arc::clone(&process.record)))
    }

    /// Those processes for which `wanted` is true, alone.
    #[must_use]
    pub fn filter(&self, mut wanted: impl FnMut(&Process) -> bool) -> Self {
        let kept = self.0.processes.iter().filter(|process| wanted(process));
        Self::new(kept.map(|process| Arc::clone(&process.record)))
    }

    /// Every frontend, in the order processes list them.
    pub fn frontends(&self) -> Vec<Frontend> {
        self.objects(Kind::Frontend, Frontend)
    }

    /// The frontend called `name`.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::NotFound`](crate::ErrorKind::NotFound) if no process that
    /// answered lists it. HAProxy lists no proxy that is `disabled` in its
    /// configuration.
    pub fn frontend(&self, name: &str) -> Result<Frontend> {
        self.find(Kind::Frontend, name, "FRONTEND", || format!("frontend {name:?}")).map(Frontend)
    }

    /// Every backend, in the order processes list them.
    pub fn backends(&self) -> Vec<Backend> {
        self.objects(Kind::Backend, Backend)
    }

    /// The backend called `name`.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::NotFound`](crate::ErrorKind::NotFound) if no process that
    /// answered lists it. HAProxy lists no proxy that is `disabled` in its
    /// configuration.
    pub fn backend(&self, name: &str) -> Result<Backend> {
        self.find(Kind::Backend, name, "BACKEND", || format!("backend {name:?}")).map(Backend)
    }

    /// Every server of every backend, in the order processes list them.
    pub fn servers(&self) -> Vec<Server> {
        self.objects(Kind::Server, Server)
    }

    /// The server called `name` of the backend called `backend`.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::NotFound`](crate::ErrorKind::NotFound) if no process that
    /// answered lists it.
    pub fn server(&self, backend: &str, name: &str) -> Result<Server> {
        self.find(Kind::Server, backend, name, || format!("server {:?}", format!("{backend}/{name}")))
            .map(Server)
    }

    /// Every server called `name`, whatever its backend.
    pub fn servers_named(&self, name: &str) -> Vec<Server> {
        self.servers().into_iter().filter(|server| server.name() == name).collect()
    }

    /// Every listener of every frontend that has `option socket-stats`.
    pub fn listeners(&self) -> Vec<Listener> {
        self.objects(Kind::Listener, Listener)
    }

    /// The listener that `other` is, as it is in this snapshot.
    pub(crate) fn same_listener(&self, other: &Listener) -> Result<Listener> {
        let found = self.index().find(&self.0.processes, Kind::Listener, other.frontend(), other.name());
        let first = other.0.rows().next();
        let is_other = |listener: &Listener| match (first, listener.0.rows().next()) {
            (Some((_, one)), Some((_, two))) => index::same_listener(&one, &two),
            _ => false,
        };
        found.iter().map(|id| Listener(Object::new(self.clone(), *id))).find(is_other).ok_or_else(|| {
            let name = format!("{}/{}", other.frontend(), other.name());
            Error::new(Problem::NotFound(format!("listener {name:?}")))
        })
    }

    /// What the processes say of themselves, as one.
    pub fn info(&self) -> ClusterInfo {
        ClusterInfo::new(self.clone())
    }

    /// Bytes of memory that rows and index take.
    pub fn heap_size(&self) -> usize {
        let rows = self.0.processes.iter().filter_map(Process::stat).map(crate::model::Dump::heap_size);
        rows.sum::<usize>() + self.index().heap_size()
    }

    pub(super) fn index(&self) -> &Index {
        self.0.index.get_or_init(|| Index::new(&self.0.processes))
    }

    fn objects<T>(&self, kind: Kind, make: impl Fn(Object) -> T) -> Vec<T> {
        self.index().of_kind(kind).map(|id| make(Object::new(self.clone(), id))).collect()
    }

    fn find(&self, kind: Kind, proxy: &str, name: &str, what: impl Fn() -> String) -> Result<Object> {
        match self.index().find(&self.0.processes, kind, proxy, name).first() {
            Some(id) => Ok(Object::new(self.clone(), *id)),
            None => Err(Error::new(Problem::NotFound(what()))),
        }
    }
}

/// What a process is known by.
#[derive(PartialEq, Eq)]
struct Key {
    source: Arc<str>,
    address: String,
}

impl Ord for Key {
    fn cmp(&self, other: &Self) -> Ordering {
        label::natural(&self.source, &other.source)
            .then_with(|| label::natural(&self.address, &other.address))
    }
}

impl PartialOrd for Key {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Record {
    /// Which of two records of one process is kept: the newer. At the same
    /// microsecond any fixed order will do.
    fn precedence(&self, other: &Self) -> Ordering {
        self.read_at.cmp(&other.read_at).then_with(|| {
            if self == other { Ordering::Equal } else { format!("{self:?}").cmp(&format!("{other:?}")) }
        })
    }
}

impl FromIterator<Snapshot> for Snapshot {
    fn from_iter<I: IntoIterator<Item = Snapshot>>(snapshots: I) -> Self {
        Self::joined(snapshots.into_iter().collect::<Vec<_>>().iter())
    }
}

impl PartialEq for Snapshot {
    fn eq(&self, other: &Self) -> bool {
        self.0.processes == other.0.processes
    }
}

impl Eq for Snapshot {}

impl fmt::Debug for Snapshot {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Snapshot").field("processes", &self.0.processes).finish_non_exhaustive()
    }
}
