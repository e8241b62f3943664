use std::{fmt, io};

use haproxyadmin::{Error, ErrorKind, Snapshot};

use crate::failure::Failures;

/// Reason why an action was not executed, or has nothing to print.
pub(crate) enum Problem {
    /// The command line is wrong.
    Usage(String),
    Failed(Error),
    NotFound(String),
    Io(io::Error),
    File(String, io::Error),
}

impl Problem {
    /// Reports that no process has the object, or the failures if some processes did not answer.
    pub(crate) fn absent(what: &str, snapshot: &Snapshot) -> Self {
        match snapshot.clone().complete() {
            Ok(_) => Self::NotFound(what.to_owned()),
            Err(error) => Self::Failed(error),
        }
    }

    /// Returns the exit status.
    pub(crate) fn code(&self) -> u8 {
        match self {
            Self::Usage(_) => 2,
            // The argument was refused before anything was sent.
            Self::Failed(error) if error.kind() == ErrorKind::InvalidInput => 2,
            _ => 1,
        }
    }

    pub(crate) fn kind(&self) -> &'static str {
        match self {
            Self::Usage(_) => "usage",
            Self::Failed(error) => error.kind().as_str(),
            Self::NotFound(_) => ErrorKind::NotFound.as_str(),
            Self::Io(_) | Self::File(..) => ErrorKind::Io.as_str(),
        }
    }

    /// Returns the failures of the processes.
    pub(crate) fn failures(&self) -> Failures {
        match self {
            Self::Failed(error) => Failures::of_error(error),
            _ => Failures::default(),
        }
    }

    /// Returns the text that the failures of the processes do not contain.
    pub(crate) fn headline(&self, failures: &Failures) -> Option<String> {
        let text = self.to_string();
        if failures.is_empty() {
            return Some(text);
        }
        let (absent, _) = text.split_once(" that answered; ")?;
        text.starts_with("no such ").then(|| format!("{absent} that answered"))
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Usage(text) => write!(f, "{text} (--help tells more)"),
            Self::Failed(error) => error.fmt(f),
            Self::NotFound(what) => write!(f, "no such {what}"),
            Self::Io(error) => error.fmt(f),
            Self::File(path, error) => write!(f, "{path}: {error}"),
        }
    }
}

impl From<Error> for Problem {
    fn from(error: Error) -> Self {
        Self::Failed(error)
    }
}

impl From<io::Error> for Problem {
    fn from(error: io::Error) -> Self {
        Self::Io(error)
    }
}
