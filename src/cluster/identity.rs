use crate::show::Info;
use crate::snapshot::Record;

/// What two answers of one process have in common. Answers of two processes
/// can have it in common too, in containers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Identity {
    pid: u64,
    /// Seconds since 1970.
    started_at: u64,
    /// Seconds that the start time may be off.
    accuracy: u64,
    node: Box<str>,
}

/// Seconds that start times of one process may be apart if they are derived from the
/// time it has been up. Releases since 2.6 tell their start exactly.
const DERIVED: u64 = 2;

impl Identity {
    pub(crate) fn of(record: &Record) -> Option<Self> {
        Self::new(record.info()?, record.read_at)
    }

    /// The identity that a process gave at `read_at`, in microseconds since 1970.
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

    /// Whether both may be of one process.
    pub(crate) fn fits(&self, other: &Self) -> bool {
        self.pid == other.pid
            && self.node == other.node
            && self.started_at.abs_diff(other.started_at) <= self.accuracy.max(other.accuracy)
    }
}
