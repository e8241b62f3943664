use haproxyadmin::map::Contents;
use haproxyadmin::membership::Requirement;
use haproxyadmin::snapshot::Process;
use haproxyadmin::{Error, ErrorKind, Outcome, Outcomes, Snapshot};
use serde::Serialize;

/// The reason why something failed on one process.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub(crate) struct Failure {
    label: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    address: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    command: Option<String>,
    kind: ErrorKind,
    message: String,
}

/// Failures and missing requirements that make an answer incomplete.
#[derive(Debug, Default)]
pub(crate) struct Failures {
    pub(crate) processes: Vec<Failure>,
    /// Requirements of the cluster that are not met.
    pub(crate) missing: Vec<String>,
}

impl Failure {
    pub(crate) fn new<T>(outcome: &Outcome<T>, command: &str, kind: ErrorKind, message: &str) -> Self {
        Self {
            label: outcome.label().to_string(),
            address: Some(outcome.address().to_string()),
            command: Some(command.to_owned()).filter(|command| !command.is_empty()),
            kind,
            message: message.to_owned(),
        }
    }

    pub(crate) fn of_error(label: &str, error: &Error) -> Self {
        Self {
            label: label.to_string(),
            address: error.address().map(ToString::to_string),
            command: error.command().map(String::from),
            kind: error.kind(),
            message: reason(error),
        }
    }

    fn of_process(process: &Process) -> Option<Self> {
        let failure = process.failure()?;
        Some(Self {
            label: process.label().to_string(),
            address: Some(process.address().to_string()),
            command: None,
            kind: failure.kind,
            message: failure.message.to_string(),
        })
    }

    fn place(&self) -> String {
        match &self.address {
            Some(address) if *address != self.label => format!("{} ({address})", self.label),
            _ => self.label.clone(),
        }
    }
}

impl Failures {
    pub(crate) fn of_snapshot(snapshot: &Snapshot) -> Self {
        Self {
            processes: snapshot.failed().filter_map(Failure::of_process).collect(),
            missing: snapshot.missing().map(Requirement::to_string).collect(),
        }
    }

    pub(crate) fn of_outcomes<T>(outcomes: &Outcomes<T>) -> Self {
        let failure = |outcome: &Outcome<T>| {
            let error = outcome.error()?;
            Some(Failure::new(outcome, outcomes.command(), error.kind(), &reason(error)))
        };
        Self {
            processes: outcomes.failed().filter_map(failure).collect(),
            missing: outcomes.missing().map(Requirement::to_string).collect(),
        }
    }

    pub(crate) fn of_contents(contents: &Contents) -> Self {
        let processes = contents.failed().map(|(label, error)| Failure::of_error(label.as_ref(), error));
        Self {
            processes: processes.collect(),
            missing: contents.missing().map(Requirement::to_string).collect(),
        }
    }

    /// Returns the failures that an error holds.
    pub(crate) fn of_error(error: &Error) -> Self {
        let outcomes = || Self {
            processes: error.failed().map(|(label, error)| Failure::of_error(label, error)).collect(),
            missing: error.missing().map(String::from).collect(),
        };
        error.snapshot().map_or_else(outcomes, Self::of_snapshot)
    }

    /// Adds the failures and requirements that are not known yet.
    pub(crate) fn add(&mut self, others: Self) {
        for failure in others.processes {
            if !self.processes.contains(&failure) {
                self.processes.push(failure);
            }
        }
        for missing in others.missing {
            if !self.missing.contains(&missing) {
                self.missing.push(missing);
            }
        }
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.processes.is_empty() && self.missing.is_empty()
    }

    /// Returns a line for each reason, with the processes that it concerns.
    pub(crate) fn lines(&self) -> Vec<String> {
        let mut groups: Vec<(&Failure, Vec<String>)> = Vec::new();
        for failure in &self.processes {
            let is_same =
                |other: &Failure| (&other.command, &other.message) == (&failure.command, &failure.message);
            match groups.iter_mut().find(|(other, _)| is_same(other)) {
                Some((_, places)) => places.push(failure.place()),
                None => groups.push((failure, vec![failure.place()])),
            }
        }
        let line = |(failure, places): (&Failure, Vec<String>)| {
            let places = places.join(", ");
            match &failure.command {
                Some(command) => format!("`{command}` failed on {places}: {}", failure.message),
                None => format!("no answer from {places}: {}", failure.message),
            }
        };
        let missing = self.missing.iter().map(|missing| format!("missing: {missing}"));
        groups.into_iter().map(line).chain(missing).collect()
    }
}

/// Returns the cause of an error without its command and address, because an error is serialised as
/// parts.
pub(crate) fn reason(error: &Error) -> String {
    let parts = serde_json::to_value(error).unwrap_or_default();
    parts.get("message").and_then(|message| message.as_str()).map_or_else(|| error.to_string(), String::from)
}
