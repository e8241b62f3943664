use std::fmt;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use super::label::Label;
use super::record::Record;
use super::shared_counters::{SharedCounters, ShmStatsFile};
use crate::address::Address;
use crate::error::Failure;
use crate::level::Level;
use crate::show::stat::StatTable;
use crate::show::{Info, ProcessReport};
use crate::version::Version;

/// One HAProxy process in a [`Snapshot`](crate::Snapshot): its identity, and its answer or
/// the reason why there is none.
///
/// Cheap to clone.
///
/// With the feature `serde` it is written as a map of `label`, `host`, `address`, `pid`,
/// `version`, `level`, `read_at`, `started_at`, `stopping` and `failure`; what is not known
/// is left out. Times are in microseconds since 1970. It cannot be read back, since it is a
/// view of the [`Snapshot`](crate::Snapshot), which is written with all rows.
#[derive(Clone)]
pub struct Process {
    pub(super) label: Label,
    pub(crate) record: Arc<Record>,
    stopping: bool,
}

impl Process {
    pub(super) fn new(label: Label, record: Arc<Record>) -> Self {
        // Merging asks for every figure anew.
        let stopping = record.is_stopping();
        Self { label, record, stopping }
    }

    /// Short name of the process, unique in its snapshot.
    ///
    /// The label that the user gave, unless several processes were given the same.
    /// Otherwise the relative process number where `Nbproc` is above 1 in all that
    /// answered, else the shortest end of the address that no other process has.
    pub fn label(&self) -> &Label {
        &self.label
    }

    /// Host that the process was read from. Two hosts with a
    /// `/run/haproxy/1.sock` are told apart by it.
    pub fn host(&self) -> &str {
        &self.record.host
    }

    /// Address of its stats socket.
    pub fn address(&self) -> &Address {
        &self.record.address
    }

    /// When it answered, or was given up; 1970 for what was written down with a
    /// time that this platform does not have.
    pub fn read_at(&self) -> SystemTime {
        since_1970(Duration::from_micros(self.record.read_at)).unwrap_or(SystemTime::UNIX_EPOCH)
    }

    /// What it answered, if it did.
    pub fn report(&self) -> Option<&ProcessReport> {
        self.record.answer.as_ref().ok()
    }

    /// Why it did not answer, if it did not.
    pub fn failure(&self) -> Option<&Failure> {
        self.record.answer.as_ref().err()
    }

    /// What it says of itself.
    pub fn info(&self) -> Option<&Info> {
        self.record.info()
    }

    /// Its rows.
    pub fn stat(&self) -> Option<&StatTable> {
        self.report().map(|reading| &reading.stat)
    }

    /// Returns the level of its socket. `None` if the process did not answer, or is of a
    /// release before 1.9, which has no command that tells.
    pub fn level(&self) -> Option<Level> {
        self.report()?.level
    }

    /// Its release.
    pub fn version(&self) -> Option<Version> {
        self.record.version()
    }

    /// Process id on its host.
    pub fn pid(&self) -> Option<u64> {
        self.info()?.pid()
    }

    /// Relative process number: 1 to `Nbproc`.
    pub fn number(&self) -> Option<u64> {
        self.info()?.process_num()
    }

    /// Name of its node: `node` of the configuration, the host name if not set.
    pub fn node(&self) -> Option<&str> {
        self.info()?.node()
    }

    /// When it started, to the second. Releases before 2.6 do not say; there it
    /// is derived from the time it has been up, and may be two seconds off. `None`
    /// for a time that this platform does not have.
    pub fn started_at(&self) -> Option<SystemTime> {
        since_1970(Duration::from_secs(self.record.started_at()?))
    }

    /// The file in which it keeps counters together with other processes
    /// (`shm-stats-file`); `None` if it has none, or if that is not known.
    ///
    /// A file is seen only on this host, for processes whose `/proc/PID` may be read.
    /// Elsewhere it is declared with
    /// [`ClusterBuilder::shared_counters`](crate::ClusterBuilder::shared_counters).
    pub fn shm_stats_file(&self) -> Option<&ShmStatsFile> {
        self.shared_counters().map(|shared| &shared.file)
    }

    /// Why it is not known of some of its objects whether their counters are in
    /// [`shm_stats_file`](Process::shm_stats_file); `None` if it is known of all.
    pub fn shm_stats_file_problem(&self) -> Option<&str> {
        self.shared_counters()?.problem.as_deref()
    }

    pub(super) fn shared_counters(&self) -> Option<&SharedCounters> {
        self.record.shared.as_deref()
    }

    /// Whether it is an old worker that only finishes what it has (`Stopping`).
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
            started_at: self.record.started_at().and_then(|seconds| seconds.checked_mul(1_000_000)),
            stopping: self.is_stopping(),
            failure: self.failure(),
        }
        .serialize(serializer)
    }
}

/// What HAProxy or a written snapshot says may be later than any time.
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
        let mut record = Record::new("host".into(), "/run/1.sock".parse().unwrap(), Ok(reading));
        record.read_at = u64::MAX;
        let process = Process::new("1.sock".into(), Arc::new(record));
        assert_eq!(process.started_at(), None);
        assert!(process.read_at() >= SystemTime::UNIX_EPOCH);
    }
}
