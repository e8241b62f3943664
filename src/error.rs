//! What can go wrong, told so that it can be read at night: which command, on
//! which process, and what HAProxy said.

use std::any::Any;
use std::fmt;
use std::io;
use std::time::Duration;

use crate::aggregate::{Failure, Snapshot};
use crate::model::{Level, Version};
use crate::{Address, Outcomes};

/// Result of everything in this crate that can fail.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// Error of any operation of this crate.
///
/// Its text names the command (verb and object names, never values), the address
/// of the process and the cause. [`kind`](Error::kind) is for code,
/// [`Display`](fmt::Display) for people:
///
/// ```text
/// `show stat` on /run/haproxy/2.sock: line 14, column "scur": expected a whole number, found "12a"
/// ```
///
/// The text holds the cause, so [`source`](std::error::Error::source) is always
/// `None`.
pub struct Error(Box<Repr>);

struct Repr {
    command: Option<Box<str>>,
    address: Option<Address>,
    problem: Problem,
}

/// What kind of thing went wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(rename_all = "snake_case"))]
#[non_exhaustive]
pub enum ErrorKind {
    /// An argument was refused before anything was sent.
    InvalidInput,
    /// Nobody listens at the address, or it cannot be reached or opened.
    Connect,
    /// A time limit passed.
    Timeout,
    /// The connection ended without a single byte of answer: the process closed
    /// it, or died.
    Closed,
    /// The connection broke while it was in use.
    Io,
    /// The answer ended before its end.
    Truncated,
    /// The answer is longer than the limit allows.
    TooLarge,
    /// The answer is not what the command prints.
    Malformed,
    /// This release of HAProxy does not know the command. Where that is known
    /// beforehand, nothing was sent.
    Unsupported,
    /// No process of the cluster has an object of that name.
    NotFound,
    /// Something failed on some processes of the cluster: what the others said is
    /// in [`Error::snapshot`] for a read of figures, in [`Error::outcomes`] for
    /// everything else.
    Incomplete,
    /// HAProxy refused the command; its words are in the text. Nothing was changed,
    /// but for a change of several parts that was made in part, which its words tell.
    Refused,
    /// The level of the stats socket does not permit the command.
    PermissionDenied,
    /// A command that changes something was sent, and its reply was lost: whether
    /// it was executed is not known, and it may still be. It is never repeated by
    /// itself; read back, or repeat it if that does no harm.
    OutcomeUnknown,
    /// A call that adds many entries stopped on its way: some are in, or may be.
    /// [`Error::entries`] says how many for certain.
    Partly,
    /// Processes of the cluster hold different things where one was asked for.
    Diverging,
    /// What answers at the address is not a stats socket of a HAProxy process.
    NotHaproxy,
    /// A kind that a newer version of this crate stored.
    #[cfg_attr(feature = "serde", serde(other))]
    Other,
}

/// The cause itself, with what is needed to say it.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Problem {
    #[error("{0}")]
    InvalidInput(String),
    #[error("cannot connect: {0}")]
    Connect(io::Error),
    #[error("{step}: no {what} within {limit:?}")]
    Timeout { step: &'static str, what: &'static str, limit: Duration },
    #[error("closed without an answer")]
    Closed,
    #[error("connection broke: {0}")]
    Io(io::Error),
    #[error("cannot read directory {}: {error}", .path.display())]
    Directory { path: std::path::PathBuf, error: io::Error },
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
    #[error("{text}")]
    Incomplete { text: String, snapshot: Option<Snapshot> },
    #[error("not a stats socket of a HAProxy process: {0}")]
    NotHaproxy(String),
    #[error("refused: {0:?}")]
    Refused(Box<str>),
    /// A process refused the command because it does not run the proxy (any more).
    #[error("refused: {0:?}")]
    Stopped(Box<str>),
    #[error("needs level {needs} of the stats socket: {words:?}")]
    PermissionDenied { needs: Level, words: Box<str> },
    #[error("needs HAProxy {}.{} or later, and this is {version}", .needs.0, .needs.1)]
    TooOld { needs: (u16, u16), version: Version },
    /// What kept a process from saying who it is: nothing was sent to it.
    #[error("{0}")]
    Unmet(Failure),
    /// The command was not sent: its process seems to be the one that the command
    /// reaches at this other address.
    #[error("the process is reached at {0}")]
    ReachedAt(Address),
    #[error("outcome unknown: {0}")]
    OutcomeUnknown(Box<Problem>),
    /// A command of many entries that stopped on its way.
    #[error("after {done} of {all} entries: {cause}")]
    Partly { done: usize, all: usize, cause: Box<Problem> },
    #[error("{0}")]
    Diverging(String),
    /// What several processes said, of which some failed.
    #[error("{text}")]
    Several { kind: ErrorKind, text: String, outcomes: Box<dyn Any + Send + Sync> },
}

/// Where and how an answer departs from what its command prints.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Malformed {
    /// Line of the answer, counted from 1.
    pub(crate) line: usize,
    /// Column or key, where one is to blame.
    pub(crate) field: Option<Box<str>>,
    /// What should have been there.
    pub(crate) expected: &'static str,
    /// What was there, cut to [`SHOWN`] characters.
    pub(crate) found: Box<str>,
}

impl Error {
    pub(crate) fn new(problem: impl Into<Problem>) -> Self {
        Self(Box::new(Repr { command: None, address: None, problem: problem.into() }))
    }

    pub(crate) fn invalid(text: impl Into<String>) -> Self {
        Self::new(Problem::InvalidInput(text.into()))
    }

    /// Names the process, unless a more exact place is known already.
    pub(crate) fn at(mut self, address: &Address) -> Self {
        self.0.address.get_or_insert_with(|| address.clone());
        self
    }

    /// Names the command, unless a more exact one is known already. Arguments
    /// that may be secret must not be in it.
    pub(crate) fn during(mut self, command: impl Into<Box<str>>) -> Self {
        self.0.command.get_or_insert_with(|| command.into());
        self
    }

    /// What kind of thing went wrong.
    pub fn kind(&self) -> ErrorKind {
        self.0.problem.kind()
    }

    /// Address of the process, where one process is to blame. `None` for
    /// [`ErrorKind::Incomplete`], which names every process that did not answer in
    /// its text and in its [`snapshot`](Error::snapshot).
    pub fn address(&self) -> Option<&Address> {
        self.0.address.as_ref()
    }

    /// Command that failed: its verb and object names, without values. `None` where
    /// no single command did, as for [`ErrorKind::Incomplete`].
    pub fn command(&self) -> Option<&str> {
        self.0.command.as_deref()
    }

    /// The operating system's error, for [`ErrorKind::Connect`], [`ErrorKind::Io`]
    /// and what is unknown because of it.
    pub fn io(&self) -> Option<&io::Error> {
        self.0.problem.io()
    }

    /// What the processes that did answer said, for [`ErrorKind::Incomplete`] of
    /// a read.
    pub fn snapshot(&self) -> Option<&Snapshot> {
        match &self.0.problem {
            Problem::Incomplete { snapshot, .. } => snapshot.as_ref(),
            _ => None,
        }
    }

    /// What each process said to a command that failed on some of them, or was
    /// met nowhere. `T` is that of the call: [`Change`](crate::Change) for
    /// everything that changes something.
    pub fn outcomes<T: 'static>(&self) -> Option<&Outcomes<T>> {
        match &self.0.problem {
            Problem::Several { outcomes, .. } => outcomes.downcast_ref(),
            _ => None,
        }
    }

    /// Whether another process took over the address.
    pub(crate) fn is_replaced(&self) -> bool {
        matches!(self.0.problem, Problem::Replaced)
    }

    /// The other address at which the process of this error is reached.
    pub(crate) fn reached_at(&self) -> Option<&Address> {
        match &self.0.problem {
            Problem::ReachedAt(address) => Some(address),
            _ => None,
        }
    }

    /// Whether something may have been executed of which the reply was lost.
    pub(crate) fn is_unknown(&self) -> bool {
        match &self.0.problem {
            Problem::OutcomeUnknown(_) => true,
            Problem::Partly { cause, .. } => matches!(**cause, Problem::OutcomeUnknown(_)),
            _ => false,
        }
    }

    /// How many entries are in for certain, for [`ErrorKind::Partly`] of one process.
    pub fn entries(&self) -> Option<usize> {
        match &self.0.problem {
            Problem::Partly { done, .. } => Some(*done),
            _ => None,
        }
    }

    /// Says that the command may have been executed all the same.
    pub(crate) fn into_unknown(mut self) -> Self {
        self.0.problem = match self.0.problem {
            unknown @ Problem::OutcomeUnknown(_) => unknown,
            problem => Problem::OutcomeUnknown(Box::new(problem)),
        };
        self
    }

    /// Says how many entries of all are in, of a command that has many.
    pub(crate) fn after(mut self, done: usize, all: usize) -> Self {
        self.0.problem = Problem::Partly { done, all, cause: Box::new(self.0.problem) };
        self
    }

    /// The cause alone, without command and address.
    pub(crate) fn reason(&self) -> String {
        self.0.problem.to_string()
    }

    /// The cause, with the command where that is only a part of `whole`.
    pub(crate) fn reason_in(&self, whole: &str) -> String {
        match self.command() {
            Some(command) if command != whole => format!("`{command}`: {}", self.reason()),
            _ => self.reason(),
        }
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (&self.0.command, &self.0.address) {
            (Some(command), Some(address)) => write!(f, "`{command}` on {address}: ")?,
            (Some(command), None) => write!(f, "`{command}`: ")?,
            (None, Some(address)) => write!(f, "{address}: ")?,
            (None, None) => {}
        }
        self.0.problem.fmt(f)
    }
}

impl fmt::Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Error({:?}: {self})", self.kind())
    }
}

impl std::error::Error for Error {}

/// For conversions into an [`Address`](crate::Address) that cannot fail.
impl From<std::convert::Infallible> for Error {
    fn from(never: std::convert::Infallible) -> Self {
        match never {}
    }
}

impl From<Malformed> for Error {
    fn from(malformed: Malformed) -> Self {
        Self::new(malformed)
    }
}

impl Problem {
    fn io(&self) -> Option<&io::Error> {
        match self {
            Problem::Connect(error) | Problem::Io(error) | Problem::Directory { error, .. } => Some(error),
            Problem::OutcomeUnknown(cause) | Problem::Partly { cause, .. } => cause.io(),
            _ => None,
        }
    }

    fn kind(&self) -> ErrorKind {
        match self {
            Problem::InvalidInput(_) => ErrorKind::InvalidInput,
            Problem::Connect(_) => ErrorKind::Connect,
            Problem::Timeout { .. } => ErrorKind::Timeout,
            Problem::Closed => ErrorKind::Closed,
            Problem::Io(_) | Problem::Directory { .. } | Problem::Replaced => ErrorKind::Io,
            Problem::Truncated(_) => ErrorKind::Truncated,
            Problem::TooLarge { .. } => ErrorKind::TooLarge,
            Problem::Malformed(_) => ErrorKind::Malformed,
            Problem::Unsupported(_) | Problem::TooOld { .. } => ErrorKind::Unsupported,
            Problem::NotFound(_) => ErrorKind::NotFound,
            Problem::Incomplete { .. } => ErrorKind::Incomplete,
            Problem::NotHaproxy(_) => ErrorKind::NotHaproxy,
            Problem::Refused(_) | Problem::Stopped(_) => ErrorKind::Refused,
            Problem::PermissionDenied { .. } => ErrorKind::PermissionDenied,
            Problem::OutcomeUnknown(_) => ErrorKind::OutcomeUnknown,
            Problem::Diverging(_) => ErrorKind::Diverging,
            Problem::Several { kind, .. } => *kind,
            Problem::Unmet(failure) => failure.kind,
            Problem::Partly { .. } => ErrorKind::Partly,
            Problem::ReachedAt(_) => ErrorKind::Other,
        }
    }
}

impl Malformed {
    pub(crate) fn new(line: usize, field: Option<&str>, expected: &'static str, found: &[u8]) -> Self {
        Self { line, field: field.map(Into::into), expected, found: cut(&String::from_utf8_lossy(found)) }
    }
}

impl fmt::Display for Malformed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "line {}", self.line)?;
        if let Some(field) = &self.field {
            write!(f, ", column {field:?}")?;
        }
        write!(f, ": expected {}, found {:?}", self.expected, self.found)
    }
}

impl std::error::Error for Malformed {}

/// The first [`SHOWN`] characters of `text`, with a mark where more followed.
pub(crate) fn cut(text: &str) -> Box<str> {
    match text.char_indices().nth(SHOWN) {
        None => text.into(),
        Some((end, _)) => format!("{}...", text.get(..end).unwrap_or_default()).into(),
    }
}

/// How much of an offending text an error shows, in characters.
const SHOWN: usize = 80;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn message_names_command_address_and_cause() {
        let error = Error::from(Malformed::new(14, Some("scur"), "a whole number", b"12a"))
            .during("show stat")
            .at(&"/run/haproxy/2.sock".parse().unwrap());
        assert_eq!(
            error.to_string(),
            "`show stat` on /run/haproxy/2.sock: line 14, column \"scur\": expected a whole number, found \"12a\""
        );
        assert_eq!(error.kind(), ErrorKind::Malformed);
    }

    #[test]
    fn the_first_place_named_stays() {
        let error = Error::new(Problem::Closed).during("show info").during("sweep");
        assert_eq!(error.to_string(), "`show info`: closed without an answer");
    }

    #[test]
    fn long_text_is_cut_at_a_character() {
        let text = "é".repeat(81);
        assert_eq!(&*cut(&text), format!("{}...", "é".repeat(80)));
        assert_eq!(&*cut("short"), "short");
    }
}
