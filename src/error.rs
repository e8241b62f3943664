//! What can go wrong, told so that it can be read at night: which command, on
//! which process, and what HAProxy said.

use std::fmt;
use std::io;
use std::time::Duration;

use crate::Address;
use crate::aggregate::Snapshot;

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
    /// This release of HAProxy does not know the command.
    Unsupported,
    /// No process of the cluster has an object of that name.
    NotFound,
    /// Some processes of the cluster did not answer; the answers of the others
    /// are in [`Error::snapshot`].
    Incomplete,
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
        match &self.0.problem {
            Problem::InvalidInput(_) => ErrorKind::InvalidInput,
            Problem::Connect(_) => ErrorKind::Connect,
            Problem::Timeout { .. } => ErrorKind::Timeout,
            Problem::Closed => ErrorKind::Closed,
            Problem::Io(_) | Problem::Directory { .. } => ErrorKind::Io,
            Problem::Truncated(_) => ErrorKind::Truncated,
            Problem::TooLarge { .. } => ErrorKind::TooLarge,
            Problem::Malformed(_) => ErrorKind::Malformed,
            Problem::Unsupported(_) => ErrorKind::Unsupported,
            Problem::NotFound(_) => ErrorKind::NotFound,
            Problem::Incomplete { .. } => ErrorKind::Incomplete,
            Problem::NotHaproxy(_) => ErrorKind::NotHaproxy,
        }
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

    /// The operating system's error, for [`ErrorKind::Connect`] and
    /// [`ErrorKind::Io`].
    pub fn io(&self) -> Option<&io::Error> {
        match &self.0.problem {
            Problem::Connect(error) | Problem::Io(error) | Problem::Directory { error, .. } => Some(error),
            _ => None,
        }
    }

    /// What the processes that did answer said, for [`ErrorKind::Incomplete`] of
    /// a read.
    pub fn snapshot(&self) -> Option<&Snapshot> {
        match &self.0.problem {
            Problem::Incomplete { snapshot, .. } => snapshot.as_ref(),
            _ => None,
        }
    }

    /// The cause alone, without command and address.
    pub(crate) fn reason(&self) -> String {
        self.0.problem.to_string()
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
