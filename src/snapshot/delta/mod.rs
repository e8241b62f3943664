//! Differences of two snapshots: the increases of counters, and their rates.

mod accessor;
mod backend;
mod counter;
mod frontend;
mod increase;
mod info;
mod listener;
mod object;
mod pairing;
mod process;
mod reset;
mod rows;
mod server;

pub use backend::BackendDelta;
pub use frontend::FrontendDelta;
pub use increase::{Covers, Increase, ProcessIncrease, RateRange};
pub use info::InfoDelta;
pub use listener::ListenerDelta;
pub use object::ObjectStanding;
pub use process::{ProcessDelta, Standing};
pub use server::ServerDelta;

use std::fmt;
use std::sync::Arc;

use super::{Process, Snapshot};
use crate::error::Result;
use crate::field::RowKind;
use object::{Entry, Object};
use pairing::Pair;
use reset::{Counters, Fallen};
use rows::Rows;

/// Difference between two snapshots of a cluster: the increases of all counters, their rates, and the
/// processes for which these are known.
///
/// # Processes
///
/// A process of the later snapshot is found in the earlier one by its host, its process id, its start
/// and its node, and not by its address or label. A worker that becomes an old worker of its master is
/// still the same process, and a process that was restarted is another one. Only processes that are
/// [`Counted`](Standing::Counted) contribute to the figures. [`processes`](Delta::processes) lists the
/// others with the reason, so no rate silently leaves out a process or guesses.
///
/// # Time
///
/// The difference of a process covers the time between the ends of its two replies. A merged rate is
/// the sum of the rates of the processes, each over its own time, so a process that answers late does
/// not change the rates of the others. The times are those of the clock of the host that read the
/// process. If that clock was set in between, rates are wrong by the same share of the time.
///
/// # Counters
///
/// A counter that fell makes its process [`Reset`](Standing::Reset) for this difference. The counters
/// of `show stat` have 64 bits and do not wrap. Some of `show info` have 32 bits: see [`InfoDelta`].
/// A `clear counters all` is not noticed if all counters have since grown beyond their earlier values,
/// which takes a process as long as it took before.
/// Counters that processes [share](crate::guide::shared_counters) count once.
/// [`guide::rates`](crate::guide::rates) describes the traps.
///
/// Cheap to clone; `Send` and `Sync`; keeps both snapshots alive.
///
/// With the feature `serde` it is written as a map of `processes`, `info`, `frontends`, `listeners`,
/// `backends` and `servers`. It cannot be read back; store the snapshots instead.
///
/// # Example
///
/// ```no_run
/// # async fn example() -> haproxyadmin::Result<()> {
/// use std::time::Duration;
///
/// use haproxyadmin::Cluster;
///
/// let cluster = Cluster::from_dir("/run/haproxy").await?;
/// let earlier = cluster.snapshot().await?;
/// tokio::time::sleep(Duration::from_secs(2)).await;
/// let delta = cluster.snapshot().await?.since(&earlier);
/// for backend in delta.backends() {
///     println!("{}: {:?} requests per second", backend.name(), backend.rate("stot")?);
/// }
/// for process in delta.not_counted() {
///     println!("without {}: {}", process.label(), process.standing());
/// }
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct Delta(Arc<Inner>);

struct Inner {
    later: Snapshot,
    earlier: Snapshot,
    /// The processes of the later snapshot in its order, then those that only the earlier one has.
    processes: Vec<ProcessDelta>,
    entries: Vec<Entry>,
}

impl Snapshot {
    /// Returns the difference between an earlier snapshot and this one: increases and rates of all
    /// counters. Does no I/O.
    pub fn since(&self, earlier: &Self) -> Delta {
        Delta::new(self, earlier)
    }
}

impl Delta {
    fn new(later: &Snapshot, earlier: &Snapshot) -> Self {
        let counters = Counters::new();
        let (mut processes, mut rows) = (Vec::new(), Vec::new());
        for pair in pairing::pairs(later.processes(), earlier.processes()) {
            let (process, found) = compare(pair, later, earlier, &counters);
            if pair.later.is_some() {
                rows.push(found);
            }
            processes.push(process);
        }
        let before: Vec<Option<&Process>> = processes.iter().map(ProcessDelta::earlier).collect();
        let entries = object::entries(later, &before, &rows);
        let (later, earlier) = (later.clone(), earlier.clone());
        Self(Arc::new(Inner { later, earlier, processes, entries }))
    }

    /// Returns the later snapshot.
    pub fn later(&self) -> &Snapshot {
        &self.0.later
    }

    /// Returns the earlier snapshot.
    pub fn earlier(&self) -> &Snapshot {
        &self.0.earlier
    }

    /// Returns every process of both snapshots: first the processes of the later one, in its order,
    /// then those that only the earlier one has.
    pub fn processes(&self) -> &[ProcessDelta] {
        &self.0.processes
    }

    /// Returns the processes that contribute to the figures.
    pub fn counted(&self) -> impl Iterator<Item = &ProcessDelta> {
        self.0.processes.iter().filter(|process| process.is_counted())
    }

    /// Returns the processes that do not contribute to the figures.
    pub fn not_counted(&self) -> impl Iterator<Item = &ProcessDelta> {
        self.0.processes.iter().filter(|process| !process.is_counted())
    }

    /// Returns the shortest and the longest time that the differences of a process cover; `None` if
    /// no process was counted.
    pub fn covers(&self) -> Option<Covers> {
        Covers::of(self.counted().filter_map(ProcessDelta::covers))
    }

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
        let found = self.objects_of(RowKind::Frontend, name).next();
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
        let found = self.objects_of(RowKind::Backend, name).next();
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
        let found = self.objects_of(RowKind::Server, backend).find(|server| server.name() == name);
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

    /// Returns the objects of a kind that belong to the proxy called `proxy`.
    fn objects_of(&self, kind: RowKind, proxy: &str) -> impl Iterator<Item = Object> {
        self.objects(kind).filter(move |object| object.proxy() == proxy)
    }
}

/// Compares the two replies of a process. Returns the pairs of its rows if it is counted.
fn compare(
    pair: Pair,
    later: &Snapshot,
    earlier: &Snapshot,
    counters: &Counters,
) -> (ProcessDelta, Option<Rows>) {
    let later = pair.later.and_then(|at| later.processes().get(at));
    let earlier = pair.earlier.and_then(|at| earlier.processes().get(at));
    let mut process = ProcessDelta {
        standing: pair.standing,
        later: later.cloned(),
        earlier: earlier.cloned(),
        modules_cleared: false,
    };
    let (Some(later), Some(earlier), Standing::Counted) = (later, earlier, pair.standing) else {
        return (process, None);
    };
    let (Some(now), Some(then)) = (later.report(), earlier.report()) else { return (process, None) };
    let rows = Rows::new(&now.stat, &then.stat);
    let pairs = now.stat.rows().zip(&rows.earlier);
    let pairs = pairs.filter_map(|(row, earlier)| Some((row, then.stat.row((*earlier)? as usize)?)));
    let fallen = pairs.map(|(now, then)| counters.compare(now, then)).fold(Fallen::default(), Fallen::or);
    if fallen.own || reset::info_fell(&now.info, &then.info) {
        process.standing = Standing::Reset;
        return (process, None);
    }
    process.modules_cleared = fallen.modules;
    (process, Some(rows))
}

impl fmt::Debug for Delta {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Delta").field("processes", &self.0.processes).finish_non_exhaustive()
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
