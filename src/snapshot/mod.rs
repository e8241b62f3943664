//! The replies of many processes as one value: the [`Snapshot`], which merges the rows of all
//! processes into one frontend, backend, server or listener each, and the rules by which figures
//! are merged.

mod columns;
mod count_range;
mod delta;
#[cfg(feature = "serde")]
mod extra;
mod file_counters;
#[cfg(feature = "serde")]
mod format;
mod identity;
mod index;
mod label;
mod merge;
mod process;
mod record;
pub(crate) mod requirement;
mod shared_counters;
mod sharing;
mod stats;

pub use crate::error::Failure;
pub use count_range::CountRange;
pub use delta::{
    BackendDelta, Covers, Delta, FrontendDelta, Increase, InfoDelta, ListenerDelta, ObjectStanding,
    ProcessDelta, ProcessIncrease, RateRange, ServerDelta, Standing,
};
pub use label::Label;
pub use merge::{Agreement, Bound, Limit, MetricValue};
pub use process::Process;

pub use shared_counters::{CounterSource, ShmStatsFile};
pub use sharing::{CounterSharing, Sharers};
pub use stats::{BackendStats, ClusterInfo, FrontendStats, ListenerStats, ServerStats, Uptime};

pub(crate) use identity::Identity;
pub(crate) use label::{labels_beside, without_sock};
pub(crate) use record::Record;
pub(crate) use requirement::{Required, Requirement};
pub(crate) use shared_counters::{Local, SharedCounters};

use std::cmp::Ordering;
use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, OnceLock};

use crate::address::Address;
use crate::error::{Answers, Error, Problem, Result};
use columns::{Columns, ObjectColumns};
use index::Index;

/// The replies of the processes of a cluster at one moment, as an immutable value.
///
/// It holds every row of every process, the processes that answered, and the reason why each of the
/// others did not. [`frontends`](Snapshot::frontends), [`backends`](Snapshot::backends),
/// [`servers`](Snapshot::servers) and [`listeners`](Snapshot::listeners) are merged views of the
/// rows. Cheap to clone; `Send` and `Sync`.
///
/// # Joining
///
/// Each host can read its own processes, and a parent can join the snapshots that the hosts send.
/// [`join`](Snapshot::join) is associative, commutative and idempotent: a process is identified by
/// its host and address, and its newer answer wins.
///
/// # Serialisation
///
/// With the feature `serde` a snapshot is a map of `format` (1), `processes` and, if the cluster
/// has any, `requirements`. Columns and keys that this crate does not know are kept. So are fields
/// that a newer version of the crate stored with a process. The message format must be
/// self-describing, as JSON is.
///
/// # Meaning of the figures
///
/// A sum is over the processes that answered, and each process counts since its own start: the sum
/// falls when a process leaves or restarts. Counters that processes keep together in one
/// `shm-stats-file` count once; see [`guide::shared_counters`](crate::guide::shared_counters). Old
/// workers ([`Process::is_stopping`]) count in sums, because their traffic is real. States,
/// weights, limits and ages are taken from the processes that are not stopping, or from all
/// processes if all of them are stopping.
///
/// # Threads
///
/// A figure is merged when a method asks for it. If callers ask for a figure of object after object, it is merged for
/// all objects at once, and the next calls only look it up. With many rows, that call takes milliseconds, or
/// hundreds of them for every figure of 1,000,000 rows. It uses as many threads as the runtime of the caller has for
/// tasks; the threads end before it returns. An async service that must not be held up for so long asks on
/// [`tokio::task::spawn_blocking`].
///
/// # Example
///
/// ```no_run
/// # async fn example() -> haproxyadmin::Result<()> {
/// use haproxyadmin::Cluster;
///
/// let here = Cluster::from_dir("/run/haproxy").await?.snapshot().await?;
/// let there = Cluster::from_addresses(["192.0.2.7:9999"]).await?.snapshot().await?;
/// for backend in here.join(&there).backends() {
///     println!("{} {} {:?}", backend.name(), backend.requests(), backend.processes());
/// }
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct Snapshot(Arc<Inner>);

struct Inner {
    processes: Vec<Process>,
    /// All requirements, met or not: a newer one replaces an older one when snapshots are joined.
    requirements: Vec<Requirement>,
    /// Position of each process by its label; built by the first look-up.
    by_label: OnceLock<HashMap<Label, usize>>,
    /// Built by the first use. Snapshots with the same rows have it in common.
    index: Arc<OnceLock<Index>>,
    columns: OnceLock<Columns>,
}

impl Snapshot {
    /// Keeps the newest record of each process.
    pub(crate) fn new(records: impl IntoIterator<Item = Arc<Record>>) -> Self {
        Self::with_requirements(records, [])
    }

    /// Builds a snapshot of a cluster that has requirements. Keeps the newest record of each
    /// process, and the newest requirement about each thing.
    pub(crate) fn with_requirements(
        records: impl IntoIterator<Item = Arc<Record>>,
        requirements: impl IntoIterator<Item = Requirement>,
    ) -> Self {
        let records: Vec<Arc<Record>> = records.into_iter().collect();
        let mut newest: HashMap<(&str, &Address), &Arc<Record>> = HashMap::with_capacity(records.len());
        for record in &records {
            let kept = newest.entry((&record.host, &record.address)).or_insert(record);
            if record.precedence(kept).is_gt() {
                *kept = record;
            }
        }
        let mut requirements = Requirement::newest(requirements);
        let read_at = |host: &str, address: &Address| Some(newest.get(&(host, address))?.read_at);
        requirements.retain(|requirement| requirement.counts_beside(read_at));
        let mut newest: Vec<_> = newest.into_values().collect();
        newest.sort_by_cached_key(|record| ProcessOrder::of(record));
        let labels = label::labels(newest.iter().map(|record| &***record));
        let processes = newest
            .into_iter()
            .zip(labels)
            .map(|(record, label)| Process::new(label, Arc::clone(record)))
            .collect();
        Self(Arc::new(Inner {
            processes,
            requirements,
            by_label: OnceLock::new(),
            index: Arc::default(),
            columns: OnceLock::new(),
        }))
    }

    /// Returns every process, ordered by host and address.
    pub fn processes(&self) -> &[Process] {
        &self.0.processes
    }

    /// Returns the process with the label `label`.
    pub fn process(&self, label: &str) -> Option<&Process> {
        let processes = &self.0.processes;
        let by_label = self.0.by_label.get_or_init(|| {
            processes.iter().enumerate().map(|(at, process)| (process.label().clone(), at)).collect()
        });
        processes.get(*by_label.get(label)?)
    }

    /// Returns the processes that did not answer.
    pub fn failed(&self) -> impl Iterator<Item = &Process> {
        self.0.processes.iter().filter(|process| process.failure().is_some())
    }

    /// Returns all requirements of the cluster, met or not.
    #[cfg(feature = "serde")]
    fn requirements(&self) -> &[Requirement] {
        &self.0.requirements
    }

    /// Returns the requirements of the cluster that are not met: directories that could not be
    /// read, and expected processes and given addresses that are not members.
    pub fn missing(&self) -> impl Iterator<Item = &Requirement> {
        self.0.requirements.iter().filter(|requirement| requirement.failure().is_some())
    }

    /// Returns `true` if every process answered and nothing is [missing](Snapshot::missing).
    pub fn is_complete(&self) -> bool {
        self.failed().next().is_none() && self.missing().next().is_none()
    }

    /// Returns this snapshot if it is [complete](Snapshot::is_complete).
    ///
    /// # Errors
    ///
    /// - [`Incomplete`](crate::ErrorKind::Incomplete) if some processes answered and
    ///   others did not, if no process answered and the failures are of different kinds, or if
    ///   something is [missing](Snapshot::missing).
    /// - The kind of the failures if no process answered and all failures are of one kind. If there
    ///   is only one process, the error also has its address, its command and its error of the
    ///   operating system.
    ///
    /// The error names each process that did not answer with the reason, names each requirement
    /// that is not met, and [holds](Error::snapshot) this snapshot.
    pub fn complete(self) -> Result<Self> {
        match self.failures() {
            None => Ok(self),
            Some(failures) => Err(failures.into_error(self)),
        }
    }

    /// Returns a snapshot of all processes of both snapshots. If a process is in both, its newer
    /// answer is kept.
    #[must_use]
    pub fn join(&self, other: &Self) -> Self {
        Self::joined([self, other])
    }

    /// Returns a snapshot of all processes of all `snapshots`. If a process is in several, its
    /// newest answer is kept.
    pub fn joined<'a>(snapshots: impl IntoIterator<Item = &'a Self>) -> Self {
        let (mut records, mut requirements) = (Vec::new(), Vec::new());
        for snapshot in snapshots {
            records.extend(snapshot.0.processes.iter().map(|process| Arc::clone(&process.record)));
            requirements.extend(snapshot.0.requirements.iter().cloned());
        }
        Self::with_requirements(records, requirements)
    }

    /// Returns a snapshot of only the processes for which `wanted` returns `true`. It has no
    /// requirements.
    #[must_use]
    pub fn filter(&self, mut wanted: impl FnMut(&Process) -> bool) -> Self {
        let kept = self.0.processes.iter().filter(|process| wanted(process));
        Self::new(kept.map(|process| Arc::clone(&process.record)))
    }

    /// Returns the error for an object that no answering process lists: `NotFound` if all processes
    /// answered, and the error of [`complete`](Snapshot::complete) if none did.
    pub(crate) fn absent(&self, what: String) -> Error {
        let Some(failures) = self.failures() else {
            return Error::new(Problem::NotFound(what));
        };
        let answered = match failures.answered {
            0 => return failures.into_error(self.clone()),
            1 => "process".to_owned(),
            n => format!("{n} processes"),
        };
        let text = format!("no such {what} in the {answered} that answered; {}", failures.text);
        Failures { text, ..failures }.into_error(self.clone())
    }

    /// Returns every reason why the snapshot is not complete.
    fn failures(&self) -> Option<Failures> {
        let (mut errors, mut reasons) = (Vec::new(), Vec::new());
        for process in self.processes() {
            if let Some(failure) = process.failure() {
                errors.push((process.label().to_string().into(), failure.to_error(process.address())));
                reasons.push(format!("{}: {failure}", process.address()));
            }
        }
        let all = self.processes().len();
        let missing: Vec<String> = self.missing().map(Requirement::to_string).collect();
        let mut texts = missing.clone();
        let answered = all - errors.len();
        if !errors.is_empty() {
            let failed = errors.len();
            texts.insert(0, format!("{failed} of {all} processes did not answer: {}", reasons.join("; ")));
        }
        (!texts.is_empty()).then(|| Failures { answered, missing, errors, text: texts.join("; ") })
    }

    /// Returns the bytes of memory that the rows of all processes
    /// ([`StatTable::heap_size`](crate::stat::StatTable::heap_size)), the index over them and the columns that
    /// were merged for all objects at once take. Builds the index if it does not exist yet.
    ///
    /// Headers, `show info`, addresses and labels are not counted. Rows that several snapshots
    /// share count in each of them.
    pub fn heap_size(&self) -> usize {
        let rows =
            self.0.processes.iter().filter_map(Process::stat).map(crate::show::stat::StatTable::heap_size);
        let columns = self.0.columns.get();
        rows.sum::<usize>() + self.index().heap_size() + columns.map_or(0, Columns::heap_size)
    }

    fn index(&self) -> &Index {
        self.0.index.get_or_init(|| Index::new(&self.0.processes))
    }

    /// Returns the merged columns of an object.
    fn columns(&self, object: u32) -> ObjectColumns<'_> {
        let columns = self.0.columns.get_or_init(Columns::new);
        ObjectColumns::new(columns, self.index(), &self.0.processes, object)
    }
}

/// Reasons why a snapshot is not complete; there is at least one.
struct Failures {
    /// Number of processes that answered.
    answered: usize,
    /// Requirements that are not met.
    missing: Vec<String>,
    /// Label and error of each process that did not answer.
    errors: Vec<(Box<str>, Error)>,
    /// Text that names all of the failures.
    text: String,
}

impl Failures {
    fn into_error(self, snapshot: Snapshot) -> Error {
        // An unmet requirement did not fail for the same reason as the processes.
        let succeeded = self.answered + self.missing.len();
        let missing = self.missing.into_iter().map(Into::into).collect();
        let answers = Answers { result: Arc::new(snapshot), failed: self.errors.into(), missing };
        Error::incomplete(succeeded, self.text, answers)
    }
}

/// Position of a process in the order of a snapshot. Two addresses can have the same text only if
/// they were not parsed from text, such as an address with a `/` in its host.
#[derive(PartialEq, Eq)]
struct ProcessOrder<'a> {
    host: &'a str,
    text: String,
    address: &'a Address,
}

impl<'a> ProcessOrder<'a> {
    fn of(record: &'a Record) -> Self {
        Self { host: &record.host, text: record.address.to_string(), address: &record.address }
    }
}

impl Ord for ProcessOrder<'_> {
    fn cmp(&self, other: &Self) -> Ordering {
        label::natural(self.host, other.host)
            .then_with(|| label::natural(&self.text, &other.text))
            .then_with(|| self.address.cmp(other.address))
    }
}

impl PartialOrd for ProcessOrder<'_> {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Error {
    /// Returns the answers of the processes to a read that failed: the figures of the processes
    /// that did answer, and the failures of the others.
    pub fn snapshot(&self) -> Option<&Snapshot> {
        self.answers()?.result.downcast_ref()
    }
}

impl FromIterator<Snapshot> for Snapshot {
    fn from_iter<I: IntoIterator<Item = Snapshot>>(snapshots: I) -> Self {
        Self::joined(snapshots.into_iter().collect::<Vec<_>>().iter())
    }
}

impl PartialEq for Snapshot {
    fn eq(&self, other: &Self) -> bool {
        self.0.processes == other.0.processes && self.0.requirements == other.0.requirements
    }
}

impl Eq for Snapshot {}

impl fmt::Debug for Snapshot {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let missing: Vec<_> = self.missing().collect();
        f.debug_struct("Snapshot")
            .field("processes", &self.0.processes)
            .field("missing", &missing)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::{ErrorKind, Failure};

    fn failed(address: Address) -> Arc<Record> {
        let failure = Failure::without_error(ErrorKind::Closed, "closed");
        Arc::new(Record::new("host".into(), address, Err(failure)))
    }

    #[test]
    fn one_address_in_two_spellings_is_one_process_and_either_order_keeps_the_same() {
        let [one, two] = ["/run/a.sock", "/run//a.sock"].map(|path| failed(path.parse().unwrap()));
        let kept = |records: [&Arc<Record>; 2]| -> Vec<String> {
            let snapshot = Snapshot::new(records.map(Arc::clone));
            snapshot.processes().iter().map(|process| process.address().to_string()).collect()
        };
        assert_eq!(kept([&one, &two]), ["/run/a.sock"]);
        assert_eq!(kept([&two, &one]), ["/run/a.sock"]);
    }

    #[cfg(unix)]
    #[test]
    fn addresses_that_are_no_text_have_labels_of_their_own() {
        use std::os::unix::ffi::OsStrExt;

        let address = |path: &[u8]| Address::Unix(std::ffi::OsStr::from_bytes(path).into());
        let records = || [b"/run/\xff.sock", b"/run/\xfe.sock"].map(|path| failed(address(path)));
        let snapshot = Snapshot::new(records());
        let labels: Vec<_> = snapshot.processes().iter().map(|process| &**process.label()).collect();
        assert_eq!(labels, [r"\xfe", r"\xff"]);
        assert_eq!(Snapshot::new(records().into_iter().rev()), snapshot);
    }
}
