use std::fmt;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use super::Label;
use crate::Address;
use crate::error::{Error, ErrorKind};
use crate::model::{Dump, Info, Level, Reading, Version};

/// One HAProxy process in a [`Snapshot`](crate::Snapshot): who it is, and what it
/// answered or why it did not.
///
/// Cheap to clone.
#[derive(Clone)]
pub struct Process {
    pub(super) label: Label,
    pub(super) record: Arc<Record>,
}

/// What is kept of one process.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Record {
    pub(crate) source: Arc<str>,
    pub(crate) address: Address,
    /// The label that the user gave.
    pub(crate) label: Option<Box<str>>,
    /// When the answer was complete or given up, microseconds since 1970.
    pub(crate) read_at: u64,
    pub(crate) answer: Result<Reading, Failure>,
    /// What a newer version of this crate stored beside it.
    #[cfg(feature = "serde")]
    pub(crate) extra: super::wire::Extra,
}

/// Why a process did not answer.
#[derive(Debug, Clone, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[non_exhaustive]
pub struct Failure {
    /// What kind of thing went wrong.
    pub kind: ErrorKind,
    /// The cause in words, without the address.
    pub message: Box<str>,
}

impl Process {
    /// Short name of the process, unique in its snapshot.
    ///
    /// The relative process number where `Nbproc` is above 1 in all that answered,
    /// otherwise the shortest end of the address that no other process has.
    pub fn label(&self) -> &Label {
        &self.label
    }

    /// Host that the process was read from. Two hosts with a
    /// `/run/haproxy/1.sock` are told apart by it.
    pub fn source(&self) -> &str {
        &self.record.source
    }

    /// Address of its stats socket.
    pub fn address(&self) -> &Address {
        &self.record.address
    }

    /// When it answered, or was given up.
    pub fn read_at(&self) -> SystemTime {
        SystemTime::UNIX_EPOCH + Duration::from_micros(self.record.read_at)
    }

    /// What it answered, if it did.
    pub fn reading(&self) -> Option<&Reading> {
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
    pub fn stat(&self) -> Option<&Dump> {
        self.reading().map(|reading| &reading.stat)
    }

    /// What its socket permits.
    pub fn level(&self) -> Option<Level> {
        self.reading().map(|reading| reading.level)
    }

    /// Its release.
    pub fn version(&self) -> Option<Version> {
        self.info()?.version().map(Version::parse)
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
    /// is derived from the time it has been up, and may be two seconds off.
    pub fn started_at(&self) -> Option<SystemTime> {
        self.record.started_at().map(|seconds| SystemTime::UNIX_EPOCH + Duration::from_secs(seconds))
    }

    /// Whether it is an old worker that only finishes what it has (`Stopping`).
    pub fn is_stopping(&self) -> bool {
        self.record.is_stopping()
    }
}

impl Record {
    pub(crate) fn new(source: Arc<str>, address: Address, answer: Result<Reading, Failure>) -> Self {
        Self {
            source,
            address,
            label: None,
            read_at: 0,
            answer,
            #[cfg(feature = "serde")]
            extra: super::wire::Extra::default(),
        }
    }

    pub(crate) fn info(&self) -> Option<&Info> {
        self.answer.as_ref().ok().map(|reading| &reading.info)
    }

    pub(crate) fn is_stopping(&self) -> bool {
        self.info().and_then(Info::stopping).is_some_and(|stopping| stopping > 0)
    }

    /// Seconds since 1970.
    pub(crate) fn started_at(&self) -> Option<u64> {
        let info = self.info()?;
        info.start_time_sec().or_else(|| (self.read_at / 1_000_000).checked_sub(info.uptime_sec()?))
    }
}

impl Failure {
    /// Keeps an error of reading a process. `reading` is what the whole reading is
    /// called; the command is only worth naming where it is a part of that.
    pub(crate) fn new(error: &Error, reading: &str) -> Self {
        let message = match error.command() {
            Some(command) if command != reading => format!("`{command}`: {}", error.reason()),
            _ => error.reason(),
        };
        Self { kind: error.kind(), message: message.into() }
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
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
            .field("source", &self.record.source)
            .field("address", &self.record.address)
            .field("pid", &self.pid())
            .field("failure", &self.failure())
            .finish_non_exhaustive()
    }
}
