//! Causes of errors.

use std::fmt;
use std::io;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use super::{Answers, Error, ErrorKind, Failure};
use crate::address::{Address, WorkerId};
use crate::excerpt::excerpt_of_bytes;
use crate::level::Level;
use crate::version::Version;

/// Cause of an error, with the values that its text needs.
#[derive(Debug, Clone, thiserror::Error)]
pub(crate) enum Problem {
    #[error("{0}")]
    InvalidInput(String),
    #[error("cannot connect: {0}")]
    Connect(Arc<io::Error>),
    #[error("{step}: no {what} within {limit:?}")]
    Timeout { step: &'static str, what: &'static str, limit: Duration },
    #[error("closed without an answer")]
    Closed,
    #[error("connection broke: {0}")]
    Io(Arc<io::Error>),
    #[error("cannot read directory {}: {error}", .path.display())]
    Directory { path: PathBuf, error: Arc<io::Error> },
    #[error("cannot write file {}: {error}", .path.display())]
    File { path: PathBuf, error: Arc<io::Error> },
    #[error("another process answers at the address by now")]
    Replaced,
    #[error("answer ended early: {0}")]
    Truncated(String),
    #[error("answer is longer than the limit of {limit} bytes")]
    TooLarge { limit: usize },
    #[error("{0}")]
    Malformed(#[from] Malformed),
    #[error("unknown to this release: {0:?}")]
    Unsupported(String),
    #[error("no such {0}")]
    NotFound(String),
    /// The processes that a view selects are not in the cluster.
    #[error("no such {0}")]
    NotSelected(String),
    #[error("the master has no worker {0}")]
    NoWorker(WorkerId),
    /// A read that failed on one or more processes. `cause` is the error that stands for all
    /// failures, if one exists: see [`common_cause`](super::common_cause).
    #[error("{text}")]
    Incomplete { text: String, cause: Option<Error>, answers: Option<Answers> },
    #[error("not a stats socket of a HAProxy process: {0}")]
    NotHaproxy(String),
    #[error("refused: {0:?}")]
    Refused(Box<str>),
    /// A master could not load its configuration.
    #[error("{0}")]
    ReloadFailed(String),
    /// A process refused the command because it does not run the proxy, or no longer runs it.
    #[error("refused: {0:?}")]
    Stopped(Box<str>),
    /// Another connection held HAProxy's lock of all certificates.
    #[error("refused: {0:?}")]
    Locked(Box<str>),
    #[error("needs level {needs} of the stats socket: {words:?}")]
    PermissionDenied { needs: Level, words: Box<str> },
    #[error("needs HAProxy {}.{} or later, and this is {version}", .needs.0, .needs.1)]
    TooOld { needs: (u16, u16), version: Version },
    /// Failure of an earlier read. The call sent nothing to the process, or the failure comes
    /// from a stored snapshot.
    #[error("{0}")]
    Unidentified(Failure),
    /// The command was not sent, because its process seems to be a duplicate of the process
    /// that the command reaches at this other address.
    #[error("the process is reached at {0}")]
    ReachedAt(Address),
    #[error("outcome unknown: {0}")]
    OutcomeUnknown(Box<Problem>),
    /// A command with many entries that stopped before the last entry.
    #[error("after {done} of {all} entries: {cause}")]
    PartiallyApplied { done: usize, all: usize, cause: Box<Problem> },
    /// A read that stopped when the caller had got a part of its entries.
    #[error("the dump ended early, after entry {entries}; all entries up to it were handed on: {cause}")]
    HandedOn { entries: u64, cause: Box<Problem> },
    /// A call of several commands that stopped after a command that changed something. `left`
    /// states what was done, and the state in which the object is left.
    #[error("{left}: {cause}")]
    Unfinished { left: Box<str>, cause: Box<Problem> },
    /// A call that failed and left something in a process that no request sees.
    #[error("{cause}; {left}")]
    Leftover { left: &'static str, cause: Box<Problem> },
    #[error("{0}")]
    Diverging(String),
    /// A command that failed on one or more processes. `cause` is the error that stands for
    /// all failures, if one exists: see [`common_cause`](super::common_cause).
    #[error("{text}")]
    Several { kind: ErrorKind, text: String, cause: Option<Error>, answers: Answers },
    /// An error that the caller built with [`Error::from_kind`].
    #[error("{text}")]
    Given { kind: ErrorKind, text: String },
}

impl Problem {
    pub(super) fn io(&self) -> Option<&io::Error> {
        match self {
            Problem::Connect(error)
            | Problem::Io(error)
            | Problem::Directory { error, .. }
            | Problem::File { error, .. } => Some(error),
            Problem::OutcomeUnknown(cause)
            | Problem::PartiallyApplied { cause, .. }
            | Problem::HandedOn { cause, .. }
            | Problem::Unfinished { cause, .. }
            | Problem::Leftover { cause, .. } => cause.io(),
            Problem::Unidentified(failure) => failure.error()?.io(),
            Problem::Incomplete { cause, .. } | Problem::Several { cause, .. } => cause.as_ref()?.io(),
            _ => None,
        }
    }

    pub(super) fn kind(&self) -> ErrorKind {
        match self {
            Problem::InvalidInput(_) => ErrorKind::InvalidInput,
            Problem::Connect(error) if error.kind() == io::ErrorKind::PermissionDenied => {
                ErrorKind::AccessDenied
            }
            Problem::Connect(_) => ErrorKind::Connect,
            Problem::Timeout { .. } => ErrorKind::Timeout,
            Problem::Closed => ErrorKind::Closed,
            Problem::Io(_) | Problem::Directory { .. } | Problem::File { .. } | Problem::Replaced => {
                ErrorKind::Io
            }
            Problem::Truncated(_) => ErrorKind::Truncated,
            Problem::TooLarge { .. } => ErrorKind::TooLarge,
            Problem::Malformed(_) => ErrorKind::Malformed,
            Problem::Unsupported(_) | Problem::TooOld { .. } => ErrorKind::Unsupported,
            Problem::NotFound(_) | Problem::NotSelected(_) | Problem::NoWorker(_) => ErrorKind::NotFound,
            Problem::Incomplete { cause, .. } => cause.as_ref().map_or(ErrorKind::Incomplete, Error::kind),
            Problem::NotHaproxy(_) => ErrorKind::NotHaproxy,
            Problem::Refused(_) | Problem::Stopped(_) | Problem::Locked(_) | Problem::ReloadFailed(_) => {
                ErrorKind::Refused
            }
            Problem::PermissionDenied { .. } => ErrorKind::PermissionDenied,
            Problem::OutcomeUnknown(_) => ErrorKind::OutcomeUnknown,
            Problem::Leftover { cause, .. } | Problem::HandedOn { cause, .. } => cause.kind(),
            Problem::Diverging(_) => ErrorKind::Diverging,
            Problem::Several { kind, .. } | Problem::Given { kind, .. } => *kind,
            Problem::Unidentified(failure) => failure.kind,
            Problem::PartiallyApplied { .. } | Problem::Unfinished { .. } => ErrorKind::PartiallyApplied,
            Problem::ReachedAt(_) => ErrorKind::Other,
        }
    }
}

/// Place in an answer that does not match the format of its command.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Malformed {
    /// Line of the answer, counted from 1.
    pub(crate) line: usize,
    /// Column or key, if one is malformed.
    pub(crate) field: Option<Box<str>>,
    /// Description of the expected text.
    pub(crate) expected: &'static str,
    /// Text that was found, cut to [`LENGTH`](crate::excerpt::LENGTH) characters. `None` if it may be
    /// secret.
    pub(crate) found: Option<Box<str>>,
}

impl Malformed {
    pub(crate) fn new(line: usize, field: Option<&str>, expected: &'static str, found: &[u8]) -> Self {
        let found = Some(excerpt_of_bytes(found));
        Self { line, field: field.map(Into::into), expected, found }
    }

    /// Returns the error of a line that may be secret.
    pub(crate) fn secret(line: usize, expected: &'static str) -> Self {
        Self { line, field: None, expected, found: None }
    }
}

impl fmt::Display for Malformed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "line {}", self.line)?;
        if let Some(field) = &self.field {
            write!(f, ", column {field:?}")?;
        }
        write!(f, ": expected {}", self.expected)?;
        match &self.found {
            Some(found) => write!(f, ", found {found:?}"),
            None => Ok(()),
        }
    }
}

impl std::error::Error for Malformed {}
