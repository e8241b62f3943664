use std::fmt;
use std::sync::Arc;

use super::comparison::{Counters, compare, pairs};
use super::entry::{Entry, entries};
use super::increase::Covers;
use super::process::ProcessDelta;
use crate::snapshot::{Process, Snapshot};

/// Difference between two snapshots of a cluster: the increases of all counters, their rates, and the
/// processes for which these are known.
///
/// # Processes
///
/// A process of the later snapshot is found in the earlier one by its host, its process id, its start
/// and its node, and not by its address or label. A worker that becomes an old worker of its master is
/// still the same process, and a process that was restarted is another one. Only processes that are
/// [`Counted`](crate::snapshot::Standing::Counted) contribute to the figures.
/// [`processes`](Delta::processes) lists the others too, each with the reason.
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
/// A counter that fell makes its process [`Reset`](crate::snapshot::Standing::Reset) for this
/// difference. A `clear counters all` is not noticed if all counters have since grown beyond their
/// earlier values. The counters of `show stat` have 64 bits and do not wrap. Some of `show info` have
/// 32 bits: see [`InfoDelta`](crate::snapshot::InfoDelta). Counters that processes
/// [share](crate::guide::shared_counters) count once. [`guide::rates`](crate::guide::rates) describes
/// the traps.
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
pub struct Delta(pub(super) Arc<Inner>);

pub(super) struct Inner {
    later: Snapshot,
    earlier: Snapshot,
    /// The processes of the later snapshot in its order, then those that only the earlier one has.
    pub(super) processes: Vec<ProcessDelta>,
    pub(super) entries: Vec<Entry>,
}

impl Delta {
    pub(super) fn new(later: &Snapshot, earlier: &Snapshot) -> Self {
        let counters = Counters::new();
        let (mut processes, mut rows) = (Vec::new(), Vec::new());
        for pair in pairs(later.processes(), earlier.processes()) {
            let (process, found) = compare(pair, later, earlier, &counters);
            if pair.later.is_some() {
                rows.push(found);
            }
            processes.push(process);
        }
        let before: Vec<Option<&Process>> = processes.iter().map(ProcessDelta::earlier).collect();
        let entries = entries(later, &before, &rows);
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
}

impl fmt::Debug for Delta {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Delta").field("processes", &self.0.processes).finish_non_exhaustive()
    }
}
