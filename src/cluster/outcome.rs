use std::fmt;

use crate::aggregate::{Agreement, Label, Process, Requirement, Snapshot};
use crate::error::{Error, ErrorKind, Problem, Result};
use crate::model::Version;
use crate::{Address, Change};

/// What each process of a cluster said to one command, in the cluster's order.
///
/// Every process was asked, and all of them were waited for, before any of the
/// policies here decides: none of them keeps the command from a process. A call
/// is strict by itself, and has ended in [`all`](Outcomes::all) when it gives this;
/// that of [`Cluster::allow_partial`](crate::Cluster::allow_partial) has not.
///
/// A process that does not have the object is no failure: on HAProxy 2.2 each
/// process of `nbproc` runs only what is bound to it.
///
/// # Example
///
/// ```no_run
/// # async fn example(cluster: haproxyadmin::Cluster) -> haproxyadmin::Result<()> {
/// let web1 = cluster.allow_partial().server_ref("app", "web1")?;
/// let outcomes = web1.disable().await?;
/// println!("{outcomes}");
/// if !outcomes.is_complete() {
///     // Once more where it failed; whether that does harm is for you to know.
///     cluster.only(outcomes.failed()).server_ref("app", "web1")?.disable().await?;
/// }
/// # Ok(())
/// # }
/// ```
#[derive(Debug)]
pub struct Outcomes<T> {
    command: Box<str>,
    list: Vec<Outcome<T>>,
    missing: Vec<Requirement>,
    previous: Option<Snapshot>,
}

/// What one process said to a command.
#[derive(Debug)]
pub struct Outcome<T> {
    process: Process,
    result: Result<Presence<T>>,
}

/// What a process said that did not fail.
#[derive(Debug)]
pub(super) enum Presence<T> {
    Here(T),
    /// It does not have the object; its words.
    NotHere(Box<str>),
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

    /// The command that was sent, without values.
    pub fn command(&self) -> &str {
        &self.command
    }

    /// How many processes were told.
    pub fn len(&self) -> usize {
        self.list.len()
    }

    /// Whether nobody was told, which no call returns.
    pub fn is_empty(&self) -> bool {
        self.list.is_empty()
    }

    /// The outcome of each process.
    pub fn iter(&self) -> std::slice::Iter<'_, Outcome<T>> {
        self.list.iter()
    }

    /// The outcome of the process with that label.
    pub fn get(&self, label: &str) -> Option<&Outcome<T>> {
        self.iter().find(|outcome| **outcome.label() == *label)
    }

    /// What the processes said that have the object.
    pub fn values(&self) -> impl Iterator<Item = (&Label, &T)> {
        self.iter().filter_map(|outcome| Some((outcome.label(), outcome.value()?)))
    }

    /// Processes on which it failed, or may have.
    pub fn failed(&self) -> impl Iterator<Item = &Outcome<T>> {
        self.iter().filter(|outcome| outcome.result.is_err())
    }

    /// Requirements of the cluster that were not met when the command was sent:
    /// directories that could not be read, and expected processes that are not members.
    /// A view of [`Cluster::only`](crate::Cluster::only) has none.
    pub fn missing(&self) -> impl Iterator<Item = &Requirement> {
        self.missing.iter()
    }

    /// Whether it failed nowhere and nothing is [missing](Outcomes::missing).
    pub fn is_complete(&self) -> bool {
        self.failed().next().is_none() && self.missing.is_empty()
    }

    /// What the processes said right before the command, for a call of
    /// [`Cluster::with_previous`](crate::Cluster::with_previous).
    pub fn previous(&self) -> Option<&Snapshot> {
        self.previous.as_ref()
    }

    /// The value that all processes have which have the object, or the list of what
    /// each of them has; `None` if nobody has it.
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
    /// These outcomes, if it failed nowhere and at least one process has the object.
    ///
    /// # Errors
    ///
    /// If it failed everywhere for the same reason, with the kind of that; with
    /// [`ErrorKind::Incomplete`] if it failed on some; with
    /// [`ErrorKind::NotFound`] if it failed nowhere and nobody has the object. The
    /// error [holds](Error::outcomes) these outcomes.
    pub fn all(self) -> Result<Self> {
        if !self.is_complete() {
            return Err(self.into_failure());
        }
        self.present(1)
    }

    /// These outcomes, if at least `least` processes did as they were told.
    ///
    /// # Errors
    ///
    /// Those of [`all`](Outcomes::all) otherwise.
    pub fn at_least(self, least: usize) -> Result<Self> {
        if self.values().count() < least && !self.is_complete() {
            return Err(self.into_failure());
        }
        self.present(least)
    }

    /// These outcomes, if at least one process did as it was told.
    ///
    /// # Errors
    ///
    /// Those of [`all`](Outcomes::all) otherwise.
    pub fn any(self) -> Result<Self> {
        self.at_least(1)
    }

    /// These outcomes, if that many processes have the object.
    fn present(self, least: usize) -> Result<Self> {
        let present = self.values().count();
        if present >= least {
            return Ok(self);
        }
        let absent = self.iter().find_map(Outcome::not_here).unwrap_or_default().to_owned();
        let (kind, text) = match present {
            0 => (ErrorKind::NotFound, format!("no such object: {absent:?}")),
            _ => (
                ErrorKind::Incomplete,
                format!("{present} of the {least} processes that should have it: {absent}"),
            ),
        };
        Err(self.into_error(kind, text))
    }

    fn into_failure(self) -> Error {
        let errors: Vec<&Error> = self.iter().filter_map(Outcome::error).collect();
        let (failed, all) = (errors.len(), self.list.len());
        let first = errors.first().map_or(ErrorKind::Incomplete, |error| error.kind());
        let everywhere =
            failed == all && self.missing.is_empty() && errors.iter().all(|error| error.kind() == first);
        let kind = if everywhere { first } else { ErrorKind::Incomplete };
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
        self.into_error(kind, text)
    }

    fn into_error(self, kind: ErrorKind, text: String) -> Error {
        let address = match self.list.as_slice() {
            [one] => Some(one.address().clone()),
            _ => None,
        };
        let command = self.command.clone();
        let error = Error::new(Problem::Several { kind, text, outcomes: Box::new(self) }).during(command);
        match address {
            Some(address) => error.at(&address),
            None => error,
        }
    }
}

impl<T> Outcome<T> {
    pub(super) fn new(process: Process, result: Result<Presence<T>>) -> Self {
        Self { process, result }
    }

    /// Label of the process, unique in the cluster.
    pub fn label(&self) -> &Label {
        self.process.label()
    }

    /// Address of its stats socket.
    pub fn address(&self) -> &Address {
        self.process.address()
    }

    /// Host that the process runs on.
    pub fn source(&self) -> &str {
        self.process.source()
    }

    /// Its release, as it said when it was last asked who it is.
    pub fn version(&self) -> Option<Version> {
        self.process.version()
    }

    /// What it said, if it has the object and nothing failed.
    pub fn value(&self) -> Option<&T> {
        match &self.result {
            Ok(Presence::Here(value)) => Some(value),
            _ => None,
        }
    }

    /// HAProxy's words, if it does not have the object.
    pub fn not_here(&self) -> Option<&str> {
        match &self.result {
            Ok(Presence::NotHere(words)) => Some(words),
            _ => None,
        }
    }

    /// Why it failed, if it did. [`ErrorKind::OutcomeUnknown`] says that the command
    /// may have been executed.
    pub fn error(&self) -> Option<&Error> {
        self.result.as_ref().err()
    }

    /// What it said; `None` if it does not have the object.
    ///
    /// # Errors
    ///
    /// What went wrong on this process.
    pub fn result(&self) -> Result<Option<&T>, &Error> {
        self.result.as_ref().map(|presence| match presence {
            Presence::Here(value) => Some(value),
            Presence::NotHere(_) => None,
        })
    }
}

impl Outcome<Change> {
    /// What became of it, in one word: `changed`, `unchanged`, `not-here`, `failed`
    /// or `unknown`.
    pub fn word(&self) -> &'static str {
        match &self.result {
            Ok(Presence::Here(change)) if change.is_changed() => "changed",
            Ok(Presence::Here(_)) => "unchanged",
            Ok(Presence::NotHere(_)) => "not-here",
            Err(error) if error.is_unknown() => "unknown",
            Err(_) => "failed",
        }
    }

    /// HAProxy's words, or what went wrong.
    pub fn message(&self) -> Option<String> {
        match &self.result {
            Ok(Presence::Here(change)) => change.message().map(String::from),
            Ok(Presence::NotHere(words)) => Some(words.to_string()),
            Err(error) => Some(error.reason()),
        }
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

/// One line for each process.
impl<T: fmt::Display> fmt::Display for Outcomes<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (at, outcome) in self.iter().enumerate() {
            write!(f, "{}{outcome}", if at == 0 { "" } else { "\n" })?;
        }
        Ok(())
    }
}

impl<T: fmt::Display> fmt::Display for Outcome<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: ", self.label())?;
        match &self.result {
            Ok(Presence::Here(value)) => value.fmt(f),
            Ok(Presence::NotHere(words)) => write!(f, "not here: {words}"),
            Err(error) => f.write_str(&error.reason()),
        }
    }
}

/// A map of `command` and `outcomes`, each of which has `label`, `result` and
/// `message`.
#[cfg(feature = "serde")]
impl serde::Serialize for Outcomes<Change> {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        use serde::ser::SerializeStruct as _;

        let mut map = serializer.serialize_struct("Outcomes", 2)?;
        map.serialize_field("command", &self.command)?;
        map.serialize_field("outcomes", &self.list)?;
        map.end()
    }
}

#[cfg(feature = "serde")]
impl serde::Serialize for Outcome<Change> {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        use serde::ser::SerializeStruct as _;

        let mut map = serializer.serialize_struct("Outcome", 3)?;
        map.serialize_field("label", &**self.label())?;
        map.serialize_field("result", self.word())?;
        map.serialize_field("message", &self.message())?;
        map.end()
    }
}
