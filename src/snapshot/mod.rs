//! Many values to one: the rows of all processes as one frontend, backend,
//! server or listener each, and the rules by which figures are merged.

mod count_range;
#[cfg(feature = "serde")]
mod extra;
#[cfg(feature = "serde")]
mod format;
mod index;
mod label;
mod merge;
mod process;
mod record;
mod requirement;
mod shared_counters;
mod sharing;
mod stats;

pub use count_range::CountRange;
pub use label::Label;
pub use merge::{Agreement, Bound, Limit, MetricValue};
pub use process::Process;
pub use requirement::{Required, Requirement};
pub use shared_counters::ShmStatsFile;
pub use sharing::{CounterSharing, Sharers};
pub use stats::{BackendStats, ClusterInfo, FrontendStats, ListenerStats, ServerStats, Uptime};

pub(crate) use label::labels_beside;
pub(crate) use record::Record;
pub(crate) use shared_counters::SharedCounters;

use std::cmp::Ordering;
use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, OnceLock};

use crate::address::Address;
use crate::error::{Error, Problem, Result};
use index::Index;

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
/// process, known by its host and address, the newer answer wins.
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
/// when a process leaves or restarts. Counters that processes keep together in one
/// `shm-stats-file` count once; see [`guide::shared_counters`](crate::guide::shared_counters). Old workers ([`Process::is_stopping`]) count
/// in sums, since their traffic is real; states, weights, limits and ages are those
/// of the processes that are not stopping, unless all are.
#[derive(Clone)]
pub struct Snapshot(Arc<Inner>);

struct Inner {
    processes: Vec<Process>,
    /// Met ones too: a newer one replaces an older one when snapshots are joined.
    requirements: Vec<Requirement>,
    /// Position of each process by its label; made by the first look-up.
    by_label: OnceLock<HashMap<Label, usize>>,
    index: OnceLock<Index>,
}

impl Snapshot {
    /// Of several records of one process the newest stays.
    pub(crate) fn new(records: impl IntoIterator<Item = Arc<Record>>) -> Self {
        Self::with_requirements(records, [])
    }

    /// The same of a cluster that has requirements. Of several about one thing the
    /// newest stays.
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
        let mut newest: Vec<_> = newest.into_values().collect();
        newest.sort_by_cached_key(|record| ProcessOrder::of(record));
        let labels = label::labels(newest.iter().map(|record| &***record));
        let processes = newest
            .into_iter()
            .zip(labels)
            .map(|(record, label)| Process::new(label, Arc::clone(record)))
            .collect();
        let requirements = Requirement::newest(requirements);
        let (by_label, index) = (OnceLock::new(), OnceLock::new());
        Self(Arc::new(Inner { processes, requirements, by_label, index }))
    }

    /// Every process, in the order of sources and addresses.
    pub fn processes(&self) -> &[Process] {
        &self.0.processes
    }

    /// The process with that label.
    pub fn process(&self, label: &str) -> Option<&Process> {
        let processes = &self.0.processes;
        let by_label = self.0.by_label.get_or_init(|| {
            processes.iter().enumerate().map(|(at, process)| (process.label().clone(), at)).collect()
        });
        processes.get(*by_label.get(label)?)
    }

    /// Processes that did not answer.
    pub fn failed(&self) -> impl Iterator<Item = &Process> {
        self.0.processes.iter().filter(|process| process.failure().is_some())
    }

    /// All requirements of the cluster, met ones too.
    #[cfg(feature = "serde")]
    fn requirements(&self) -> &[Requirement] {
        &self.0.requirements
    }

    /// Requirements of the cluster that are not met: directories that could not be
    /// read, and expected processes that are not members.
    pub fn missing(&self) -> impl Iterator<Item = &Requirement> {
        self.0.requirements.iter().filter(|requirement| requirement.failure().is_some())
    }

    /// Whether every process answered and nothing is [missing](Snapshot::missing).
    pub fn is_complete(&self) -> bool {
        self.failed().next().is_none() && self.missing().next().is_none()
    }

    /// This snapshot if it is [complete](Snapshot::is_complete).
    ///
    /// # Errors
    ///
    /// - [`ErrorKind::Incomplete`](crate::ErrorKind::Incomplete) if some processes did
    ///   not answer, or none did and their failures are of different kinds,
    ///   also if something is [missing](Snapshot::missing);
    /// - the kind of the failures if no process answered and all failures are of one
    ///   kind. If there is one process, the error also has its address, its command and
    ///   its error of the operating system.
    ///
    /// The error names each process that did not answer and the reason, and what is
    /// missing, and [holds](Error::snapshot) this snapshot.
    pub fn complete(self) -> Result<Self> {
        match self.failures() {
            None => Ok(self),
            Some(failures) => Err(failures.into_error(self)),
        }
    }

    /// All processes of both snapshots; the newer answer of those in both.
    #[must_use]
    pub fn join(&self, other: &Self) -> Self {
        Self::joined([self, other])
    }

    /// All processes of all snapshots.
    pub fn joined<'a>(snapshots: impl IntoIterator<Item = &'a Self>) -> Self {
        let (mut records, mut requirements) = (Vec::new(), Vec::new());
        for snapshot in snapshots {
            records.extend(snapshot.0.processes.iter().map(|process| Arc::clone(&process.record)));
            requirements.extend(snapshot.0.requirements.iter().cloned());
        }
        Self::with_requirements(records, requirements)
    }

    /// Those processes for which `wanted` is true, alone.
    #[must_use]
    pub fn filter(&self, mut wanted: impl FnMut(&Process) -> bool) -> Self {
        let kept = self.0.processes.iter().filter(|process| wanted(process));
        Self::new(kept.map(|process| Arc::clone(&process.record)))
    }

    /// The error for an object that no process which answered lists: `NotFound` if all
    /// of them answered. If none answered, it is the error of
    /// [`complete`](Snapshot::complete).
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

    /// Everything that keeps the snapshot from being complete.
    fn failures(&self) -> Option<Failures> {
        let (mut errors, mut reasons) = (Vec::new(), Vec::new());
        for process in self.processes() {
            if let Some(failure) = process.failure() {
                errors.push(failure.to_error(process.address()));
                reasons.push(format!("{}: {failure}", process.address()));
            }
        }
        let all = self.processes().len();
        let mut texts: Vec<String> = self.missing().map(Requirement::to_string).collect();
        let (answered, unmet) = (all - errors.len(), texts.len());
        if !errors.is_empty() {
            let failed = errors.len();
            texts.insert(0, format!("{failed} of {all} processes did not answer: {}", reasons.join("; ")));
        }
        (!texts.is_empty()).then(|| Failures { answered, unmet, errors, text: texts.join("; ") })
    }

    /// Bytes of memory that the rows of all processes
    /// ([`StatTable::heap_size`](crate::StatTable::heap_size)) and the index over them take;
    /// the index is made if it is not there yet.
    ///
    /// Headers, `show info`, addresses and labels are not counted. Rows that
    /// several snapshots share count in each of them.
    pub fn heap_size(&self) -> usize {
        let rows =
            self.0.processes.iter().filter_map(Process::stat).map(crate::show::stat::StatTable::heap_size);
        rows.sum::<usize>() + self.index().heap_size()
    }

    fn index(&self) -> &Index {
        self.0.index.get_or_init(|| Index::new(&self.0.processes))
    }
}

/// Reasons why a snapshot is not complete; there is at least one.
struct Failures {
    /// Number of the processes that answered.
    answered: usize,
    /// Number of the requirements that are not met.
    unmet: usize,
    errors: Vec<Error>,
    /// Names all of them.
    text: String,
}

impl Failures {
    fn into_error(self, snapshot: Snapshot) -> Error {
        // A requirement that is not met did not fail for the reason of the processes.
        Error::incomplete(&self.errors, self.answered + self.unmet, self.text, Arc::new(snapshot))
    }
}

/// Place of a process in the order of a snapshot. Only addresses that were not read from
/// text can share one, such as a host that holds a `/`.
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
    /// Returns the answers of the processes to a read that failed: the figures of the
    /// processes that did answer, and the failures of the others.
    pub fn snapshot(&self) -> Option<&Snapshot> {
        self.answers()
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
        assert_eq!(labels, [r"\xfe.sock", r"\xff.sock"]);
        assert_eq!(Snapshot::new(records().into_iter().rev()), snapshot);
    }
}
