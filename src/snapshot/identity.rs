use super::record::Record;
use crate::show::Info;

/// Identity of a process, as the process reports it: process ID, start time and node name.
///
/// Two reports of one process have fitting identities. Two processes in containers can have fitting
/// identities too.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Identity {
    pid: u64,
    /// Seconds since 1970.
    started_at: u64,
    /// Seconds by which the start time may be wrong.
    accuracy: u64,
    node: Box<str>,
}

/// Seconds by which two start times of one process may differ if they are derived from its uptime.
/// HAProxy 2.6 and later report the start time exactly.
const DERIVED: u64 = 2;

impl Identity {
    pub(crate) fn of(record: &Record) -> Option<Self> {
        Self::new(record.info()?, record.read_at)
    }

    /// Returns the identity in `info`, which ended at `read_at`, in microseconds since 1970.
    /// Returns `None` if `info` lacks the process ID or the start time.
    pub(crate) fn new(info: &Info, read_at: u64) -> Option<Self> {
        Some(Self {
            pid: info.pid()?,
            started_at: Record::start_of(info, read_at)?,
            accuracy: if info.start_time_sec().is_some() { 0 } else { DERIVED },
            node: info.node().unwrap_or_default().into(),
        })
    }

    pub(crate) fn pid(&self) -> u64 {
        self.pid
    }

    /// Returns the start time, in seconds since 1970.
    pub(crate) fn started_at(&self) -> u64 {
        self.started_at
    }

    /// Returns `true` if a process with this process ID and start time may be this one.
    pub(crate) fn may_be(&self, pid: u64, started_at: u64) -> bool {
        self.pid == pid && self.started_at.abs_diff(started_at) <= self.accuracy
    }

    /// Returns `true` if both identities may belong to one process.
    pub(crate) fn fits(&self, other: &Self) -> bool {
        self.pid == other.pid
            && self.node == other.node
            && self.started_at.abs_diff(other.started_at) <= self.accuracy.max(other.accuracy)
    }
}
