use std::fmt;
use std::sync::Arc;

use super::outcome::Outcome;
use crate::address::Address;
use crate::error::{Answers, Error, ErrorKind, Problem, Result, common_cause};
use crate::protocol::Response;
use crate::snapshot::{Agreement, Label, Requirement, Snapshot};

/// Outcomes of one command on all processes of a cluster, in the order of the cluster.
///
/// Calls are strict by default: they apply [`all`](Outcomes::all). Calls through a view of
/// [`Cluster::allow_partial`](crate::Cluster::allow_partial) return the outcomes as they are; apply
/// [`all`](Outcomes::all), [`at_least`](Outcomes::at_least) or [`any`](Outcomes::any) to them.
/// These policies run after every process has answered or failed, and never keep the command from a
/// process.
///
/// A process that does not have the object has not failed: on HAProxy 2.2, each process of `nbproc`
/// runs only the objects that are bound to it.
///
/// # Example
///
/// ```no_run
/// # async fn example(cluster: haproxyadmin::Cluster) -> haproxyadmin::Result<()> {
/// let web1 = cluster.allow_partial().server_ref("app", "web1")?;
/// let outcomes = web1.disable().await?;
/// println!("{outcomes}");
/// if !outcomes.is_complete() {
///     // Retry on the processes where it failed: to disable a server twice does no harm.
///     cluster.only(outcomes.failed()).server_ref("app", "web1")?.disable().await?;
/// }
/// # Ok(())
/// # }
/// ```
///
/// # Outcomes for tests
///
/// Code that hides the cluster behind its own trait can be tested with outcomes that are collected
/// from [`Outcome`]s:
///
/// ```
/// use std::path::Path;
/// use haproxyadmin::{Change, Error, ErrorKind, Outcome, Outcomes, Result};
///
/// // The code under test, and the trait that hides the cluster from it.
/// trait Backend {
///     fn disable(&self, server: &str) -> Result<Outcomes<Change>>;
/// }
///
/// fn disable_and_report(backend: &impl Backend) -> String {
///     match backend.disable("web1") {
///         Ok(outcomes) => format!("disabled on {} processes", outcomes.values().count()),
///         Err(error) => {
///             let failed = error.outcomes::<Change>().map_or(0, |outcomes| outcomes.failed().count());
///             format!("failed on {failed} processes: {}", error.kind())
///         }
///     }
/// }
///
/// // A test of it.
/// struct Mock(Outcomes<Change>);
///
/// impl Backend for Mock {
///     fn disable(&self, _: &str) -> Result<Outcomes<Change>> {
///         self.0.clone().all()
///     }
/// }
///
/// let timeout = Error::from_kind(ErrorKind::Timeout, "no byte within 5s");
/// let outcomes: Outcomes<Change> = [
///     Outcome::from_value("1", Path::new("/run/haproxy/1.sock"), Change::Changed(None)),
///     Outcome::from_absence("2", Path::new("/run/haproxy/2.sock"), "No such server."),
///     Outcome::from_error("3", Path::new("/run/haproxy/3.sock"), timeout),
/// ]
/// .into_iter()
/// .collect();
/// let mock = Mock(outcomes.with_command("disable server app/web1"));
/// assert_eq!(disable_and_report(&mock), "failed on 1 processes: incomplete");
/// ```
///
/// # Serialisation
///
/// With the feature `serde`, the outcomes are written as a map of `command`, `outcomes` (the list
/// of every [`Outcome`]) and `missing` (left out if nothing is missing).
/// [`previous`](Outcomes::previous) is not included: it is a [`Snapshot`] and can be written by
/// itself.
#[derive(Debug, Clone)]
pub struct Outcomes<T> {
    command: Box<str>,
    list: Vec<Outcome<T>>,
    missing: Vec<Requirement>,
    previous: Option<Snapshot>,
}

impl<T> Outcomes<T> {
    pub(super) fn new(
        command: &str,
        list: Vec<Outcome<T>>,
        missing: Vec<Requirement>,
        previous: Option<Snapshot>,
    ) -> Self {
        Self { command: command.into(), list, missing, previous }
    }

    /// Replaces the answers: `next` returns the outcome of the process at an address.
    pub(crate) fn then<U>(self, mut next: impl FnMut(&Address, T) -> Result<Response<U>>) -> Outcomes<U> {
        let list = self.list.into_iter().map(|outcome| outcome.then(&mut next)).collect();
        Outcomes { command: self.command, list, missing: self.missing, previous: self.previous }
    }

    /// Replaces the errors: `map` returns the error of the process at an address.
    pub(crate) fn map_errors(mut self, mut map: impl FnMut(&Address, Error) -> Error) -> Self {
        self.list = self.list.into_iter().map(|outcome| outcome.map_error(&mut map)).collect();
        self
    }

    /// Sets the command. Default for collected outcomes: an empty text.
    #[must_use]
    pub fn with_command(mut self, command: impl Into<Box<str>>) -> Self {
        self.command = command.into();
        self
    }

    /// Sets the figures that the processes had before the command.
    #[must_use]
    pub fn with_previous(mut self, previous: Snapshot) -> Self {
        self.previous = Some(previous);
        self
    }

    /// Returns the command that was sent, without values.
    pub fn command(&self) -> &str {
        &self.command
    }

    /// Returns the number of processes.
    pub fn len(&self) -> usize {
        self.list.len()
    }

    /// Returns `true` if there is no process. Only outcomes that the caller has collected can be
    /// empty.
    pub fn is_empty(&self) -> bool {
        self.list.is_empty()
    }

    /// Returns the outcome of each process.
    pub fn iter(&self) -> std::slice::Iter<'_, Outcome<T>> {
        self.list.iter()
    }

    /// Returns the outcome of the process with this label.
    pub fn get(&self, label: &str) -> Option<&Outcome<T>> {
        self.iter().find(|outcome| **outcome.label() == *label)
    }

    /// Returns the label and the answer of each process that has the object.
    pub fn values(&self) -> impl Iterator<Item = (&Label, &T)> {
        self.iter().filter_map(|outcome| Some((outcome.label(), outcome.value()?)))
    }

    /// Returns the outcomes of the processes on which the command failed or may have failed.
    pub fn failed(&self) -> impl Iterator<Item = &Outcome<T>> {
        self.iter().filter(|outcome| outcome.error().is_some())
    }

    /// Returns the requirements of the cluster that were not met when the command was sent:
    /// directories that could not be read, and expected processes and given addresses that are not
    /// members. A call through a view of [`Cluster::only`](crate::Cluster::only) has none.
    pub fn missing(&self) -> impl Iterator<Item = &Requirement> {
        self.missing.iter()
    }

    /// Returns `true` if the command failed on no process and nothing is
    /// [missing](Outcomes::missing).
    pub fn is_complete(&self) -> bool {
        self.failed().next().is_none() && self.missing.is_empty()
    }

    /// Returns the figures that the processes had right before the command. Returns `None` unless
    /// the call was made through a view of
    /// [`Cluster::with_previous`](crate::Cluster::with_previous).
    pub fn previous(&self) -> Option<&Snapshot> {
        self.previous.as_ref()
    }

    /// Returns the common value of all processes that have the object, or the list of their values
    /// if these differ. Returns `None` if no process has the object.
    pub fn agreement(&self) -> Option<Agreement<&T>>
    where
        T: PartialEq,
    {
        let (_, first) = self.values().next()?;
        if self.values().all(|(_, value)| value == first) {
            return Some(Agreement::Same(first));
        }
        Some(Agreement::Differs(self.values().map(|(label, value)| (label.clone(), value)).collect()))
    }
}

impl<T: Send + Sync + 'static> Outcomes<T> {
    /// Returns these outcomes, if the command failed on no process and at least one process has the
    /// object.
    ///
    /// # Errors
    ///
    /// - The kind of the errors if the command failed on all processes and all errors are of one
    ///   kind.
    /// - [`ErrorKind::Incomplete`] if the command failed on some processes, if it failed on all of
    ///   them with errors of different kinds, or if something is [missing](Outcomes::missing).
    /// - [`ErrorKind::NotFound`] if the command failed on no process and no process has the object.
    ///
    /// The error [holds](Error::outcomes) these outcomes. If there is one process, the error also
    /// has the address of the process and the error of the operating system.
    pub fn all(self) -> Result<Self> {
        if !self.is_complete() {
            return Err(self.into_failure());
        }
        self.present(1)
    }

    /// Returns these outcomes, if at least `least` processes executed the command.
    ///
    /// # Errors
    ///
    /// - The errors of [`all`](Outcomes::all) if fewer processes executed the command.
    /// - [`ErrorKind::Incomplete`] if the command failed on no process, and some processes but
    ///   fewer than `least` have the object.
    pub fn at_least(self, least: usize) -> Result<Self> {
        if self.values().count() < least && !self.is_complete() {
            return Err(self.into_failure());
        }
        self.present(least)
    }

    /// Returns these outcomes, if at least one process executed the command.
    ///
    /// # Errors
    ///
    /// - The errors of [`all`](Outcomes::all) if no process executed the command.
    pub fn any(self) -> Result<Self> {
        self.at_least(1)
    }

    /// Returns these outcomes, if at least `least` processes have the object.
    fn present(self, least: usize) -> Result<Self> {
        let present = self.values().count();
        if present >= least {
            return Ok(self);
        }
        let absent = self.iter().find_map(Outcome::absent).unwrap_or_default().to_owned();
        let (kind, text) = match present {
            0 => (ErrorKind::NotFound, format!("no such object: {absent:?}")),
            _ => (
                ErrorKind::Incomplete,
                format!("{present} of the {least} processes that should have it: {absent}"),
            ),
        };
        Err(self.into_error(kind, text, None))
    }

    fn into_failure(self) -> Error {
        let errors = self.errors();
        let (failed, all) = (errors.len(), self.list.len());
        // A missing requirement does not share the cause of the failed processes, so there is no
        // common cause if a requirement is missing.
        let cause = common_cause(&errors, all - failed + self.missing.len()).cloned();
        let kind = cause.as_ref().map_or(ErrorKind::Incomplete, Error::kind);
        let mut text = match (failed, all) {
            (0, _) | (_, 1) => String::new(),
            _ => format!("{failed} of {all} processes failed: "),
        };
        for (at, outcome) in self.failed().enumerate() {
            if let Some(error) = outcome.error() {
                text.push_str(if at == 0 { "" } else { "; " });
                let place = if all > 1 { format!("{}: ", outcome.address()) } else { String::new() };
                text.extend([place, error.reason_in(&self.command)]);
            }
        }
        for missing in &self.missing {
            text.push_str(if text.is_empty() { "" } else { "; " });
            text.push_str(&missing.to_string());
        }
        self.into_error(kind, text, cause)
    }

    /// Returns the label and the error of each process that failed.
    fn errors(&self) -> Vec<(Box<str>, Error)> {
        let error = |outcome: &Outcome<T>| {
            let error = outcome.error()?.clone();
            Some((outcome.label().to_string().into(), error.at(outcome.address())))
        };
        self.iter().filter_map(error).collect()
    }

    fn into_error(self, kind: ErrorKind, text: String, cause: Option<Error>) -> Error {
        let address = match self.list.as_slice() {
            [one] => Some(one.address().clone()),
            _ => None,
        };
        let command = self.command.clone();
        let failed = self.errors().into();
        let missing = self.missing().map(|missing| missing.to_string().into()).collect();
        let answers = Answers { result: Arc::new(self), failed, missing };
        let mut error = Error::new(Problem::Several { kind, text, cause, answers });
        if !command.is_empty() {
            error = error.during(command);
        }
        match address {
            Some(address) => error.at(&address),
            None => error,
        }
    }
}

/// Access to the outcomes that an error holds.
impl Error {
    /// Returns the outcomes of a command that failed on some processes, or that found its object on
    /// no process. `T` is the type of the answers of the call: [`Change`](crate::Change) for every
    /// command that changes something.
    pub fn outcomes<T: 'static>(&self) -> Option<&Outcomes<T>> {
        self.answers()?.result.downcast_ref()
    }
}

impl<T> FromIterator<Outcome<T>> for Outcomes<T> {
    fn from_iter<I: IntoIterator<Item = Outcome<T>>>(outcomes: I) -> Self {
        Self::new("", outcomes.into_iter().collect(), Vec::new(), None)
    }
}

impl<'a, T> IntoIterator for &'a Outcomes<T> {
    type Item = &'a Outcome<T>;
    type IntoIter = std::slice::Iter<'a, Outcome<T>>;

    fn into_iter(self) -> Self::IntoIter {
        self.iter()
    }
}

impl<T> IntoIterator for Outcomes<T> {
    type Item = Outcome<T>;
    type IntoIter = std::vec::IntoIter<Outcome<T>>;

    fn into_iter(self) -> Self::IntoIter {
        self.list.into_iter()
    }
}

/// Writes one line for each process.
impl<T: fmt::Display> fmt::Display for Outcomes<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (at, outcome) in self.iter().enumerate() {
            write!(f, "{}{outcome}", if at == 0 { "" } else { "\n" })?;
        }
        Ok(())
    }
}

#[cfg(feature = "serde")]
impl<T: serde::Serialize> serde::Serialize for Outcomes<T> {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        use serde::ser::SerializeStruct as _;

        let is_whole = self.missing.is_empty();
        let mut map = serializer.serialize_struct("Outcomes", if is_whole { 2 } else { 3 })?;
        map.serialize_field("command", &self.command)?;
        map.serialize_field("outcomes", &self.list)?;
        if !is_whole {
            map.serialize_field("missing", &self.missing)?;
        }
        map.end()
    }
}
