//! Errors that name the command, the process and the cause.

mod failure;
mod kind;
mod problem;

use std::any::Any;
use std::fmt;
use std::io;
use std::sync::Arc;

pub use failure::Failure;
pub use kind::ErrorKind;

pub(crate) use problem::{Malformed, Problem};

use crate::address::{Address, ParseAddressError, WorkerId};

/// Result of every operation of this crate that can fail.
///
/// # Example
///
/// ```no_run
/// async fn weight(cluster: &haproxyadmin::Cluster) -> haproxyadmin::Result<u64> {
///     let server = cluster.server("app", "web1").await?;
///     Ok(server.weight().and_then(|weight| weight.same().copied()).unwrap_or(0))
/// }
/// ```
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// Error of any operation of this crate.
///
/// The text names the command (verb and object names, never values), the address of the
/// process and the cause. Code decides by [`kind`](Error::kind); people read
/// [`Display`](fmt::Display):
///
/// ```text
/// `show stat` on /run/haproxy/2.sock: line 14, column "scur": expected a whole number, found "12a"
/// ```
///
/// The text contains the cause, so [`source`](std::error::Error::source) always returns
/// `None`.
///
/// Cloning is cheap: clones share one allocation, which includes the error of the operating
/// system.
///
/// # Serialisation
///
/// With the feature `serde` an error is written as a map of `kind`, `message` (the cause
/// alone) and, if they are known, `command` and `address`. It cannot be read back, because the
/// snapshot, the outcomes and the error of the operating system that it may hold are not
/// written.
///
/// # Example
///
/// ```no_run
/// # async fn example(cluster: haproxyadmin::Cluster) -> haproxyadmin::Result<()> {
/// use haproxyadmin::ErrorKind;
///
/// match cluster.server("app", "web1").await {
///     Ok(server) => println!("{}", server.status()),
///     Err(error) if error.kind() == ErrorKind::NotFound => println!("no such server"),
///     Err(error) => return Err(error),
/// }
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct Error(Arc<Repr>);

#[derive(Clone)]
struct Repr {
    command: Option<Box<str>>,
    address: Option<Address>,
    problem: Problem,
}

/// All answers of the processes to a call that failed.
#[derive(Debug, Clone)]
pub(crate) struct Answers {
    /// The result that the call would have returned. The call chooses the type.
    pub(crate) result: Arc<dyn Any + Send + Sync>,
    /// Label and error of each process that failed.
    pub(crate) failed: Arc<[(Box<str>, Error)]>,
    /// Requirements of the cluster that were not met.
    pub(crate) missing: Arc<[Box<str>]>,
}

impl Error {
    /// Returns an error of kind `kind` with the cause `text`, for tests of code that uses this
    /// crate.
    ///
    /// # Example
    ///
    /// ```
    /// use haproxyadmin::{Error, ErrorKind};
    ///
    /// let error = Error::from_kind(ErrorKind::Timeout, "no byte within 5s")
    ///     .with_command("disable server app/web1")
    ///     .with_address("/run/haproxy/1.sock".parse()?);
    /// assert_eq!(error.kind(), ErrorKind::Timeout);
    /// assert_eq!(
    ///     error.to_string(),
    ///     "`disable server app/web1` on /run/haproxy/1.sock: no byte within 5s"
    /// );
    /// # Ok::<(), Error>(())
    /// ```
    pub fn from_kind(kind: ErrorKind, text: impl Into<String>) -> Self {
        Self::new(Problem::Given { kind, text: text.into() })
    }

    /// Sets the command that failed: verb and object names, without values.
    #[must_use]
    pub fn with_command(mut self, command: impl Into<Box<str>>) -> Self {
        Arc::make_mut(&mut self.0).command = Some(command.into());
        self
    }

    /// Sets the address of the process.
    #[must_use]
    pub fn with_address(mut self, address: Address) -> Self {
        Arc::make_mut(&mut self.0).address = Some(address);
        self
    }

    pub(crate) fn new(problem: impl Into<Problem>) -> Self {
        Self(Arc::new(Repr { command: None, address: None, problem: problem.into() }))
    }

    pub(crate) fn invalid(text: impl Into<String>) -> Self {
        Self::new(Problem::InvalidInput(text.into()))
    }

    /// Returns the error of a process that is not used because of an earlier failure to read it.
    pub(crate) fn unidentified(failure: Failure) -> Self {
        Self::new(Problem::Unidentified(failure))
    }

    /// Returns the error of a read that is incomplete. `text` names all failures; `answered` is
    /// the number of processes that answered.
    ///
    /// If a single process failed and no process answered, the result keeps the command and the
    /// address of that failure.
    pub(crate) fn incomplete(answered: usize, text: String, answers: Answers) -> Self {
        let failed = Arc::clone(&answers.failed);
        let cause = common_cause(&failed, answered);
        let problem = |text| Problem::Incomplete { text, cause: cause.cloned(), answers: Some(answers) };
        match (&*failed, cause) {
            ([_], Some(own)) => {
                let Repr { command, address, .. } = &*own.0;
                let problem = problem(own.reason());
                Self(Arc::new(Repr { command: command.clone(), address: address.clone(), problem }))
            }
            _ => Self::new(problem(text)),
        }
    }

    /// Sets the address of the process, unless the error already has one.
    pub(crate) fn at(self, address: &Address) -> Self {
        if self.0.address.is_some() { self } else { self.with_address(address.clone()) }
    }

    /// Sets the command, unless the error already has one. The command must be redacted: no
    /// argument that may be secret.
    pub(crate) fn during(self, command: impl Into<Box<str>>) -> Self {
        if self.0.command.is_some() { self } else { self.with_command(command) }
    }

    /// Returns the kind of the error.
    ///
    /// If a call failed on all processes with errors of one kind, it fails with that kind. If
    /// it failed on some processes only, or with errors of different kinds, it fails with
    /// [`ErrorKind::Incomplete`].
    pub fn kind(&self) -> ErrorKind {
        self.0.problem.kind()
    }

    /// Returns the address of the process, if the call targeted this process alone. If the
    /// call targeted several processes, the text and [`failed`](Error::failed) name each process
    /// that failed.
    pub fn address(&self) -> Option<&Address> {
        self.0.address.as_ref()
    }

    /// Returns the command that failed: verb and object names, without values. `None` for a
    /// read of several processes.
    pub fn command(&self) -> Option<&str> {
        self.0.command.as_deref()
    }

    /// Returns the error of the operating system for [`ErrorKind::Connect`],
    /// [`ErrorKind::AccessDenied`], [`ErrorKind::Io`] and for errors caused by one of these. If
    /// all processes failed with errors of one kind, returns the error of the first process.
    #[doc(alias = "errno")]
    pub fn io(&self) -> Option<&io::Error> {
        self.0.problem.io()
    }

    /// Returns the label and the error of each process that failed, if the call went to the
    /// processes of a cluster. Empty for every other error.
    ///
    /// The answers of the other processes are in the [`snapshot`](Error::snapshot), the
    /// [`outcomes`](Error::outcomes) or the [`contents`](Error::contents) of the error.
    pub fn failed(&self) -> impl Iterator<Item = (&str, &Error)> {
        let failed = self.answers().map(|answers| &*answers.failed).unwrap_or_default();
        failed.iter().map(|(label, error)| (&**label, error))
    }

    /// Returns the requirements of the cluster that were not met, in words: directories that could
    /// not be read, and expected processes that are not members.
    pub fn missing(&self) -> impl Iterator<Item = &str> {
        let missing = self.answers().map(|answers| &*answers.missing).unwrap_or_default();
        missing.iter().map(|missing| &**missing)
    }

    /// Returns the answers of the processes to the call that failed.
    pub(crate) fn answers(&self) -> Option<&Answers> {
        match &self.0.problem {
            Problem::Incomplete { answers, .. } => answers.as_ref(),
            Problem::Several { answers, .. } => Some(answers),
            _ => None,
        }
    }

    /// Returns `true` if another process took over the address.
    pub(crate) fn is_replaced(&self) -> bool {
        matches!(self.0.problem, Problem::Replaced)
    }

    /// Returns `true` if a process that the view selects is not in the cluster.
    pub(crate) fn is_not_selected(&self) -> bool {
        matches!(self.0.problem, Problem::NotSelected(_))
    }

    /// Returns `true` if another connection held HAProxy's lock of all certificates.
    pub(crate) fn is_locked(&self) -> bool {
        matches!(self.0.problem, Problem::Locked(_))
    }

    /// Returns `true` if a master has no such worker.
    pub(crate) fn is_worker_missing(&self) -> bool {
        matches!(self.0.problem, Problem::NoWorker(_))
    }

    /// Returns `true` if an old worker has ended.
    pub(crate) fn is_worker_ended(&self) -> bool {
        matches!(self.0.problem, Problem::NoWorker(WorkerId::Pid(_)))
    }

    /// Returns `true` if the outcome is unknown because the connection broke.
    pub(crate) fn is_cut_off(&self) -> bool {
        let Problem::OutcomeUnknown(cause) = &self.0.problem else { return false };
        matches!(**cause, Problem::Closed | Problem::Truncated(_) | Problem::Io(_))
    }

    /// Returns the other address at which the command reaches the process of this error.
    pub(crate) fn reached_at(&self) -> Option<&Address> {
        match &self.0.problem {
            Problem::ReachedAt(address) => Some(address),
            _ => None,
        }
    }

    /// Returns `true` if the command may have been executed although it failed.
    pub(crate) fn is_unknown(&self) -> bool {
        match &self.0.problem {
            Problem::PartiallyApplied { cause, .. } | Problem::Unfinished { cause, .. } => {
                matches!(**cause, Problem::OutcomeUnknown(_))
            }
            problem => problem.kind() == ErrorKind::OutcomeUnknown,
        }
    }

    /// Returns the number of entries that one process added for certain, or the number of keys that
    /// certainly have no entry any more, for [`ErrorKind::PartiallyApplied`]. `None` if several
    /// processes failed: each of their [`outcomes`](Error::outcomes) has its own number.
    pub fn entries(&self) -> Option<usize> {
        match &self.0.problem {
            Problem::PartiallyApplied { done, .. } => Some(*done),
            Problem::Several { cause: Some(cause), .. } if self.0.address.is_some() => cause.entries(),
            _ => None,
        }
    }

    /// Marks the error of a command that may have been executed although it failed.
    pub(crate) fn into_unknown(self) -> Self {
        self.map_problem(|problem| match problem {
            unknown @ Problem::OutcomeUnknown(_) => unknown,
            problem => Problem::OutcomeUnknown(Box::new(problem)),
        })
    }

    /// Returns the cause of an error of a command that cannot have changed what counts, without
    /// the number of entries and the doubt about its outcome.
    pub(crate) fn without_effect(self) -> Self {
        self.without_count().map_problem(|problem| match problem {
            Problem::OutcomeUnknown(cause) => *cause,
            problem => problem,
        })
    }

    /// Returns the cause of an error, without the number of entries.
    pub(crate) fn without_count(self) -> Self {
        self.map_problem(|problem| match problem {
            Problem::PartiallyApplied { cause, .. } => *cause,
            problem => problem,
        })
    }

    /// Marks the error of a command that added or deleted `done` of `all` entries for certain.
    pub(crate) fn after(self, done: usize, all: usize) -> Self {
        self.map_problem(|problem| Problem::PartiallyApplied { done, all, cause: Box::new(problem) })
    }

    /// Marks the error of a call of several commands that stopped after a change. `left` states what
    /// was done, and the state in which the object is left.
    pub(crate) fn leaving(self, left: impl Into<Box<str>>) -> Self {
        let left = left.into();
        self.map_problem(|problem| Problem::Unfinished { left, cause: Box::new(problem) })
    }

    /// States what the failed call left in the process. The kind of the error stays.
    pub(crate) fn with_leftover(self, left: &'static str) -> Self {
        self.map_problem(|problem| Problem::Leftover { left, cause: Box::new(problem) })
    }

    /// States how many entries the failed read has handed on, if any. The kind of the error stays.
    pub(crate) fn after_entries(self, entries: u64) -> Self {
        match entries {
            0 => self,
            _ => self.map_problem(|problem| Problem::HandedOn { entries, cause: Box::new(problem) }),
        }
    }

    /// Returns `true` if a read has failed that had handed entries on.
    pub(crate) fn has_handed_entries_on(&self) -> bool {
        matches!(self.0.problem, Problem::HandedOn { .. })
    }

    /// Returns HAProxy's message if it refused the command.
    pub(crate) fn refusal(&self) -> Option<&str> {
        match &self.0.problem {
            Problem::Refused(words) => Some(words),
            _ => None,
        }
    }

    fn map_problem(self, change: impl FnOnce(Problem) -> Problem) -> Self {
        let Repr { command, address, problem } = Arc::unwrap_or_clone(self.0);
        Self(Arc::new(Repr { command, address, problem: change(problem) }))
    }

    /// Returns the cause alone, without command and address.
    pub(crate) fn reason(&self) -> String {
        self.0.problem.to_string()
    }

    /// Returns the cause, with the command if it is not `whole` itself.
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

/// Supports conversions into an [`Address`](crate::Address) that cannot fail.
impl From<std::convert::Infallible> for Error {
    fn from(never: std::convert::Infallible) -> Self {
        match never {}
    }
}

impl From<ParseAddressError> for Error {
    fn from(error: ParseAddressError) -> Self {
        Self::invalid(error.to_string())
    }
}

impl From<Malformed> for Error {
    fn from(malformed: Malformed) -> Self {
        Self::new(malformed)
    }
}

/// Writes kind, command, address and cause.
#[cfg(feature = "serde")]
impl serde::Serialize for Error {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        #[derive(serde::Serialize)]
        #[serde(rename = "Error")]
        struct Written<'a> {
            kind: ErrorKind,
            #[serde(skip_serializing_if = "Option::is_none")]
            command: Option<&'a str>,
            #[serde(skip_serializing_if = "Option::is_none")]
            address: Option<&'a Address>,
            message: String,
        }

        let (command, address) = (self.command(), self.address());
        Written { kind: self.kind(), command, address, message: self.reason() }.serialize(serializer)
    }
}

/// Returns the error that stands for all failures of a call on several processes: the first one,
/// if no process succeeded and all errors are of one kind.
pub(crate) fn common_cause(failed: &[(Box<str>, Error)], succeeded: usize) -> Option<&Error> {
    let ((_, first), rest) = failed.split_first()?;
    (succeeded == 0 && rest.iter().all(|(_, error)| error.kind() == first.kind())).then_some(first)
}

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
}
