use std::fmt;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use super::label::Label;
use super::record::Record;
use super::shared_counters::{CounterSource, SharedCounters, ShmStatsFile};
use crate::address::Address;
use crate::error::{ErrorKind, Failure};
use crate::field::{Col, Column};
use crate::level::Level;
use crate::shm::RowCounters;
use crate::show::stat::{Cells as _, Row, StatTable};
use crate::show::{Info, ProcessReport};
use crate::version::Version;

/// One HAProxy process in a [`Snapshot`](crate::Snapshot): its identity, and either its report or
/// the reason why it did not answer.
///
/// Cheap to clone.
///
/// With the feature `serde` it is written as a map of `label`, `host`, `address`, `pid`, `version`,
/// `level`, `read_at`, `counters_read_at` (if the counters were read from a file), `started_at`,
/// `stopping` and `failure`; values that are not known are left out. Times are in microseconds since 1970. It cannot be read back, because it is a view of the
/// [`Snapshot`](crate::Snapshot), which is written with all rows.
///
/// # Example
///
/// ```no_run
/// # async fn example() -> haproxyadmin::Result<()> {
/// use haproxyadmin::Cluster;
///
/// let cluster = Cluster::from_dir("/run/haproxy").await?;
/// let snapshot = cluster.allow_partial().snapshot().await?;
/// for process in snapshot.processes() {
///     match process.failure() {
///         Some(failure) => println!("{}: {failure}", process.label()),
///         None => println!("{}: {:?}, {:?}", process.label(), process.pid(), process.version()),
///     }
/// }
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct Process {
    pub(super) label: Label,
    pub(crate) record: Arc<Record>,
    stopping: bool,
}

impl Process {
    pub(crate) fn new(label: Label, record: Arc<Record>) -> Self {
        // Kept, because merging reads it for every figure.
        let stopping = record.is_stopping();
        Self { label, record, stopping }
    }

    /// Returns the short name of the process, unique in its snapshot.
    ///
    /// This is the label that the user gave, unless several processes were given the same one.
    /// Otherwise it is the relative process number if `Nbproc` is above 1 in all processes that
    /// answered, and else the shortest end of the address that no other process has. The end comes
    /// without a final `.sock` if it is unique without it: `p1` for `/run/haproxy/p1.sock`. Among
    /// processes with relative numbers, an end that is a number keeps its `.sock` or its folder.
    pub fn label(&self) -> &Label {
        &self.label
    }

    /// Returns the host that the process was read from. It distinguishes two processes on two hosts
    /// that both have a `/run/haproxy/1.sock`.
    pub fn host(&self) -> &str {
        &self.record.host
    }

    /// Returns the address of its stats socket.
    pub fn address(&self) -> &Address {
        &self.record.address
    }

    /// Returns the time when the answer of the process was complete, or when the read was given up.
    /// Returns 1970 if a stored snapshot has a time that this platform cannot represent.
    pub fn read_at(&self) -> SystemTime {
        since_1970(Duration::from_micros(self.record.read_at)).unwrap_or(SystemTime::UNIX_EPOCH)
    }

    /// Returns the report of the process, or `None` if it did not answer.
    pub fn report(&self) -> Option<&ProcessReport> {
        self.record.answer.as_ref().ok().map(|report| &**report)
    }

    /// Returns the reason why the process did not answer, or `None` if it did.
    pub fn failure(&self) -> Option<&Failure> {
        self.record.answer.as_ref().err()
    }

    /// Returns its `show info`, or `None` if it did not answer.
    pub fn info(&self) -> Option<&Info> {
        self.record.info()
    }

    /// Returns its rows of `show stat`, or `None` if it did not answer.
    pub fn stat(&self) -> Option<&StatTable> {
        self.report().map(|reading| &reading.stat)
    }

    /// Returns the level of its socket. `None` if the process did not answer, or if its release is
    /// before 1.9, which has no command that prints the level.
    pub fn level(&self) -> Option<Level> {
        self.report()?.level
    }

    /// Returns its HAProxy release.
    pub fn version(&self) -> Option<Version> {
        self.record.version()
    }

    /// Returns its process id on its host.
    pub fn pid(&self) -> Option<u64> {
        self.info()?.pid()
    }

    /// Returns its relative process number: 1 to `Nbproc`.
    pub fn number(&self) -> Option<u64> {
        self.info()?.process_num()
    }

    /// Returns the name of its node: `node` of the configuration, or the host name if `node` is not
    /// set.
    pub fn node(&self) -> Option<&str> {
        self.info()?.node()
    }

    /// Returns the time when the process started, to the second. Releases before 2.6 do not print
    /// it; for them it is derived from the uptime, and may be off by two seconds. `None` if the
    /// process did not answer, or if this platform cannot represent the time.
    pub fn started_at(&self) -> Option<SystemTime> {
        since_1970(Duration::from_secs(self.record.started_at()?))
    }

    /// Returns the file in which the process keeps counters together with other processes
    /// (`shm-stats-file`). `None` if the process has no file, or if the file is not known.
    ///
    /// The file can be detected only for a process on this host with a readable `/proc/PID`. For
    /// other processes, declare it with
    /// [`ClusterBuilder::shared_counters`](crate::ClusterBuilder::shared_counters).
    pub fn shm_stats_file(&self) -> Option<&ShmStatsFile> {
        self.shared_counters().map(|shared| &shared.file).filter(|file| **file != ShmStatsFile::Unknown)
    }

    /// Returns the reason why it is not known, for some objects of the process, whether their
    /// counters are in [`shm_stats_file`](Process::shm_stats_file), or whether the process has such a file.
    /// `None` if this is known for all objects.
    pub fn shm_stats_file_problem(&self) -> Option<&str> {
        self.shared_counters()?.problem.as_deref()
    }

    /// Returns the origin of the counters of the process.
    pub fn counter_source(&self) -> CounterSource {
        if self.record.counters.is_some() { CounterSource::File } else { CounterSource::Reply }
    }

    /// Returns the time of the counters that are in [`shm_stats_file`](Process::shm_stats_file), if they
    /// were [read from there](crate::Snapshot::with_counters_from_files). Otherwise returns
    /// [`read_at`](Process::read_at), which is the time of all other figures.
    pub fn counters_read_at(&self) -> SystemTime {
        since_1970(Duration::from_micros(self.record.counters_read_at())).unwrap_or(SystemTime::UNIX_EPOCH)
    }

    /// Returns `true` if the value of a column in a row of the process was
    /// [read from its file](crate::Snapshot::with_counters_from_files): the column is
    /// [shared](Column::shared), and the object of the row has a `guid` and is in the file. `false` if
    /// it is from the reply to `show stat`.
    pub fn is_from_file(&self, row: &Row<'_>, column: &Column) -> bool {
        Col::named(column.name).is_some_and(|column| self.is_in_file(row.index(), column))
    }

    /// Returns the time since the process last renewed its place in its file, at the time when its
    /// [counters were read](Process::counters_read_at) from there. A process does this every second, unless
    /// it hangs, is [suspended](Process::is_suspended) or is [stopping](Process::is_stopping). Its
    /// counters are right all the same.
    ///
    /// `None` if its counters were not read from a file.
    pub fn heartbeat_age(&self) -> Option<Duration> {
        Some(Duration::from_micros(self.record.counters.as_ref()?.heartbeat_age?))
    }

    /// Returns `true` if the process was stopped by a signal (`SIGSTOP`) or by a debugger when its counters
    /// were read from a file.
    pub fn is_suspended(&self) -> bool {
        self.record.counters.as_ref().is_some_and(|counters| counters.suspended)
    }

    /// Returns `true` if the process answered, and has failed since because the counters in its file do
    /// not belong to its rows any more. It must be read through its socket.
    pub(crate) fn needs_reply(&self) -> bool {
        let is_other = self.failure().is_some_and(|failure| failure.kind == ErrorKind::NotFound);
        is_other && self.record.base.0.is_some()
    }

    pub(super) fn is_in_file(&self, row: usize, column: Col) -> bool {
        let place = self.shared_counters().and_then(|shared| shared.rows.get(row));
        self.record.counters.is_some()
            && column.declared().shared
            && matches!(place, Some(RowCounters::Shared(_)))
    }

    /// Returns the time of a value, in microseconds since 1970.
    pub(super) fn moment(&self, row: usize, column: Col) -> u64 {
        if self.is_in_file(row, column) { self.record.counters_read_at() } else { self.record.read_at }
    }

    pub(super) fn shared_counters(&self) -> Option<&SharedCounters> {
        self.record.shared.as_deref()
    }

    /// Returns `true` if the process is an old worker that only finishes its connections
    /// (`Stopping`).
    pub fn is_stopping(&self) -> bool {
        self.stopping
    }
}

impl PartialEq for Process {
    fn eq(&self, other: &Self) -> bool {
        self.label == other.label && self.record == other.record
    }
}

impl Eq for Process {}

impl fmt::Debug for Process {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Process")
            .field("label", &self.label)
            .field("host", &self.record.host)
            .field("address", &self.record.address)
            .field("pid", &self.pid())
            .field("failure", &self.failure())
            .finish_non_exhaustive()
    }
}

#[cfg(feature = "serde")]
impl serde::Serialize for Process {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        #[derive(serde::Serialize)]
        #[serde(rename = "Process")]
        struct Written<'a> {
            label: &'a str,
            host: &'a str,
            address: &'a Address,
            #[serde(skip_serializing_if = "Option::is_none")]
            pid: Option<u64>,
            #[serde(skip_serializing_if = "Option::is_none")]
            version: Option<Version>,
            #[serde(skip_serializing_if = "Option::is_none")]
            level: Option<Level>,
            read_at: u64,
            #[serde(skip_serializing_if = "Option::is_none")]
            counters_read_at: Option<u64>,
            #[serde(skip_serializing_if = "Option::is_none")]
            started_at: Option<u64>,
            stopping: bool,
            #[serde(skip_serializing_if = "Option::is_none")]
            failure: Option<&'a Failure>,
        }

        Written {
            label: self.label(),
            host: self.host(),
            address: self.address(),
            pid: self.pid(),
            version: self.version(),
            level: self.level(),
            read_at: self.record.read_at,
            counters_read_at: self.record.counters.as_ref().map(|counters| counters.read_at),
            started_at: self.record.started_at().and_then(|seconds| seconds.checked_mul(1_000_000)),
            stopping: self.is_stopping(),
            failure: self.failure(),
        }
        .serialize(serializer)
    }
}

/// Converts a time since 1970. HAProxy or a stored snapshot may print a time that is later than the
/// platform can represent.
fn since_1970(time: Duration) -> Option<SystemTime> {
    SystemTime::UNIX_EPOCH.checked_add(time)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::show::SocketList;

    #[test]
    fn a_time_later_than_any_is_none() {
        let info = b"Name: HAProxy\nStart_time_sec: 18446744073709551615\n\n";
        let reading = ProcessReport {
            info: Info::parse(info).unwrap(),
            level: Some(Level::User),
            sockets: SocketList::default(),
            stat: StatTable::empty(),
        };
        let mut record = Record::new("host".into(), "/run/1.sock".parse().unwrap(), Ok(reading.into()));
        record.read_at = u64::MAX;
        let process = Process::new("1.sock".into(), Arc::new(record));
        assert_eq!(process.started_at(), None);
        assert!(process.read_at() >= SystemTime::UNIX_EPOCH);
    }
}
