use std::fmt;
use std::sync::Arc;

use crate::address::Address;
use crate::cluster::selector::Selector;
use crate::error::{Error, Result};
use crate::protocol::{Change, Response};
use crate::snapshot::{Label, Process};
use crate::version::Version;

/// Outcome of one command on one process: the answer, the absence of the object, or the error.
///
/// Cheap to clone if `T` is.
///
/// # Example
///
/// ```no_run
/// # async fn example(cluster: haproxyadmin::Cluster) -> haproxyadmin::Result<()> {
/// let web1 = cluster.allow_partial().server_ref("app", "web1")?;
/// let outcomes = web1.disable().await?;
/// for outcome in &outcomes {
///     match outcome.result() {
///         Ok(Some(_)) => println!("{}: {}", outcome.label(), outcome.word()),
///         Ok(None) => println!("{}: no such server", outcome.label()),
///         Err(error) => println!("{}: {error}", outcome.label()),
///     }
/// }
/// # Ok(())
/// # }
/// ```
///
/// # Serialisation
///
/// With the feature `serde`, an outcome is written as a map of `label`, `host`, `address` and
/// `result`. `result` is `ok` with the `value`, `absent` with the `message` of HAProxy, or `failed`
/// or `unknown` with the `error`. It cannot be read back, because an [`Error`] cannot.
#[derive(Debug, Clone)]
pub struct Outcome<T> {
    label: Label,
    host: Arc<str>,
    address: Address,
    version: Option<Version>,
    result: Result<Response<T>>,
}

/// Constructors for tests of code that uses this crate. Collect the outcomes into
/// [`Outcomes`](crate::Outcomes).
impl<T> Outcome<T> {
    /// Returns the outcome of a process that answered with `value`.
    pub fn from_value(label: impl Into<Label>, address: impl Into<Address>, value: T) -> Self {
        Self::made(label.into(), address.into(), Ok(Response::Value(value)))
    }

    /// Returns the outcome of a process that does not have the object. `message` is the message of
    /// HAProxy, such as `No such server.`.
    pub fn from_absence(
        label: impl Into<Label>,
        address: impl Into<Address>,
        message: impl Into<Box<str>>,
    ) -> Self {
        Self::made(label.into(), address.into(), Ok(Response::Absent(message.into())))
    }

    /// Returns the outcome of a process on which the command failed. The error gets the address if
    /// it has none.
    pub fn from_error(label: impl Into<Label>, address: impl Into<Address>, error: Error) -> Self {
        let address = address.into();
        let error = error.at(&address);
        Self::made(label.into(), address, Err(error))
    }

    /// Sets the host that the process runs on. Default: `localhost`.
    #[must_use]
    pub fn with_host(mut self, host: impl Into<Arc<str>>) -> Self {
        self.host = host.into();
        self
    }

    /// Sets the release of the process. Default: unknown.
    #[must_use]
    pub fn with_version(mut self, version: Version) -> Self {
        self.version = Some(version);
        self
    }

    fn made(label: Label, address: Address, result: Result<Response<T>>) -> Self {
        Self { label, host: "localhost".into(), address, version: None, result }
    }
}

impl<T> Outcome<T> {
    pub(super) fn new(process: &Process, result: Result<Response<T>>) -> Self {
        Self {
            label: process.label().clone(),
            host: process.record.host.clone(),
            address: process.address().clone(),
            version: process.version(),
            result,
        }
    }

    /// Replaces the answer, if the process has the object and the command did not fail.
    pub(super) fn then<U>(self, next: impl FnOnce(&Address, T) -> Result<Response<U>>) -> Outcome<U> {
        let Self { label, host, address, version, result } = self;
        let result = match result {
            Ok(Response::Value(value)) => next(&address, value),
            Ok(Response::Absent(words)) => Ok(Response::Absent(words)),
            Err(error) => Err(error),
        };
        Outcome { label, host, address, version, result }
    }

    /// Replaces the error, if the command failed.
    pub(super) fn map_error(self, map: impl FnOnce(&Address, Error) -> Error) -> Self {
        let result = self.result.map_err(|error| map(&self.address, error));
        Self { result, ..self }
    }

    /// Returns the label of the process, which is unique in the cluster.
    pub fn label(&self) -> &Label {
        &self.label
    }

    /// Returns the address of the stats socket.
    pub fn address(&self) -> &Address {
        &self.address
    }

    /// Returns the host that the process runs on.
    pub fn host(&self) -> &str {
        &self.host
    }

    /// Returns the release of the process, as known when the process was last identified.
    pub fn version(&self) -> Option<Version> {
        self.version.clone()
    }

    /// Returns the answer, if the process has the object and the command did not fail.
    pub fn value(&self) -> Option<&T> {
        match &self.result {
            Ok(Response::Value(value)) => Some(value),
            _ => None,
        }
    }

    /// Returns the message of HAProxy, if the process does not have the object.
    pub fn absent(&self) -> Option<&str> {
        match &self.result {
            Ok(Response::Absent(words)) => Some(words),
            _ => None,
        }
    }

    /// Returns the error, if the command failed.
    ///
    /// The kind [`ErrorKind::OutcomeUnknown`](crate::ErrorKind::OutcomeUnknown) means that the
    /// process may have executed the command.
    pub fn error(&self) -> Option<&Error> {
        self.result.as_ref().err()
    }

    /// Returns the answer, or `None` if the process does not have the object.
    ///
    /// # Errors
    ///
    /// - The error of this process, if the command failed.
    pub fn result(&self) -> Result<Option<&T>, &Error> {
        self.result.as_ref().map(|presence| match presence {
            Response::Value(value) => Some(value),
            Response::Absent(_) => None,
        })
    }
}

impl Outcome<Change> {
    /// Returns the outcome as one word: `changed`, `unchanged`, `absent`, `failed` or `unknown`.
    pub fn word(&self) -> &'static str {
        match &self.result {
            Ok(Response::Value(change)) => change.word(),
            Ok(Response::Absent(_)) => "absent",
            Err(error) => word_of(error),
        }
    }

    /// Returns the message of HAProxy, or the cause of the error.
    pub fn message(&self) -> Option<String> {
        match &self.result {
            Ok(Response::Value(change)) => change.message().map(String::from),
            Ok(Response::Absent(words)) => Some(words.to_string()),
            Err(error) => Some(error.reason()),
        }
    }
}

/// Returns `unknown` if the process may have executed the command, and `failed` otherwise.
fn word_of(error: &Error) -> &'static str {
    if error.is_unknown() { "unknown" } else { "failed" }
}

impl<T> From<&Outcome<T>> for Selector {
    fn from(outcome: &Outcome<T>) -> Self {
        Self::from(outcome.address())
    }
}

impl<T: fmt::Display> fmt::Display for Outcome<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: ", self.label)?;
        match &self.result {
            Ok(Response::Value(value)) => value.fmt(f),
            Ok(Response::Absent(words)) => write!(f, "absent: {words}"),
            Err(error) => f.write_str(&error.reason()),
        }
    }
}

#[cfg(feature = "serde")]
impl<T: serde::Serialize> serde::Serialize for Outcome<T> {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        use serde::ser::SerializeStruct as _;

        let mut map = serializer.serialize_struct("Outcome", 5)?;
        map.serialize_field("label", &*self.label)?;
        map.serialize_field("host", &*self.host)?;
        map.serialize_field("address", &self.address)?;
        match &self.result {
            Ok(Response::Value(value)) => {
                map.serialize_field("result", "ok")?;
                map.serialize_field("value", value)?;
            }
            Ok(Response::Absent(words)) => {
                map.serialize_field("result", "absent")?;
                map.serialize_field("message", words)?;
            }
            Err(error) => {
                map.serialize_field("result", word_of(error))?;
                map.serialize_field("error", error)?;
            }
        }
        map.end()
    }
}
