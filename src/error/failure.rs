use std::fmt;

use super::{Error, ErrorKind};
use crate::address::Address;

/// Reason why a process did not answer.
///
/// Two failures are equal if their kinds and messages are equal.
///
/// # Example
///
/// ```no_run
/// # async fn example(cluster: haproxyadmin::Cluster) -> haproxyadmin::Result<()> {
/// let snapshot = cluster.allow_partial().snapshot().await?;
/// for process in snapshot.failed() {
///     if let Some(failure) = process.failure() {
///         println!("{} {}", failure.kind, failure.message);
///     }
/// }
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[non_exhaustive]
pub struct Failure {
    /// Kind of the error.
    pub kind: ErrorKind,
    /// Cause in words, without the address.
    pub message: Box<str>,
    #[cfg_attr(feature = "serde", serde(skip))]
    error: Option<Error>,
}

impl Failure {
    /// Keeps the error of a read of one process. `reading` is the name of the whole read; the
    /// message names the command of the error if it has another name.
    pub(crate) fn new(error: Error, reading: &str) -> Self {
        let message = error.reason_in(reading).into();
        Self { kind: error.kind(), message, error: Some(error) }
    }

    /// Returns a failure that holds no [`Error`].
    pub(crate) fn without_error(kind: ErrorKind, message: impl Into<Box<str>>) -> Self {
        Self { kind, message: message.into(), error: None }
    }

    /// Returns the error, with its command and the error of the operating system. `None` if the
    /// snapshot that holds the failure was stored and read back.
    pub fn error(&self) -> Option<&Error> {
        self.error.as_ref()
    }

    /// Returns the error of the process at `address`. A failure that was stored and read back
    /// gives an error with its kind and message only.
    pub(crate) fn to_error(&self, address: &Address) -> Error {
        self.error.clone().unwrap_or_else(|| Error::unidentified(self.clone())).at(address)
    }
}

impl fmt::Debug for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Failure")
            .field("kind", &self.kind)
            .field("message", &self.message)
            .finish_non_exhaustive()
    }
}

impl PartialEq for Failure {
    fn eq(&self, other: &Self) -> bool {
        (self.kind, &self.message) == (other.kind, &other.message)
    }
}

impl Eq for Failure {}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}
