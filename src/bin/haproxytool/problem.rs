use std::{fmt, io};

use haproxyadmin::{Error, ErrorKind, Snapshot};

/// Why nothing could be done, or nothing be said of it.
pub(crate) enum Problem {
    /// The command line is wrong.
    Usage(String),
    Failed(Error),
    NotFound(String),
    Io(io::Error),
    File(String, io::Error),
}

impl Problem {
    /// That nobody has it; while some did not answer, that they did not.
    pub(crate) fn absent(what: &str, snapshot: &Snapshot) -> Self {
        match snapshot.clone().complete() {
            Ok(_) => Self::NotFound(what.to_owned()),
            Err(error) => Self::Failed(error),
        }
    }

    /// Exit status.
    pub(crate) fn code(&self) -> u8 {
        match self {
            Self::Usage(_) => 2,
            // An argument that was refused before anything was sent.
            Self::Failed(error) if error.kind() == ErrorKind::InvalidInput => 2,
            _ => 1,
        }
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
