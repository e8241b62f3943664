use std::error::Error as StdError;
use std::fmt;

use crate::error::Error;

/// Failure of [`BackendRef::roll`](crate::BackendRef::roll): the servers in work, the step, the cause, and
/// the state in which the servers were left.
///
/// # Example
///
/// ```no_run
/// # async fn deploy(server: &str) -> std::io::Result<()> { Ok(()) }
/// # async fn example(app: haproxyadmin::BackendRef) {
/// use haproxyadmin::rolling::{Rolling, RollingStep};
///
/// if let Err(error) = app.roll(&Rolling::new(), |server| async move { deploy(server.name()).await }).await {
///     match error.step() {
///         RollingStep::Work => println!("the deploy of {:?} failed: {error}", error.servers()),
///         _ => println!("HAProxy: {error}"),
///     }
/// }
/// # }
/// ```
#[derive(Debug)]
pub struct RollingError {
    step: RollingStep,
    servers: Vec<String>,
    source: Box<dyn StdError + Send + Sync>,
    left: Option<Error>,
}

/// Step of [`BackendRef::roll`](crate::BackendRef::roll) that failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum RollingStep {
    /// Reading the servers and their states. Nothing was changed.
    Read,
    /// Waiting until enough other servers are up. Nothing was changed.
    KeepUp,
    /// Draining the servers.
    Drain,
    /// The work of the caller.
    Work,
    /// Setting the servers back to the state before.
    SetBack,
    /// Waiting until the servers are up again.
    Up,
}

impl RollingError {
    pub(super) fn new(
        step: RollingStep,
        servers: Vec<String>,
        source: Box<dyn StdError + Send + Sync>,
    ) -> Self {
        Self { step, servers, source, left: None }
    }

    /// Sets the error of setting the servers back.
    pub(super) fn left(mut self, error: Option<Error>) -> Self {
        self.left = error;
        self
    }

    /// Returns the step that failed.
    pub fn step(&self) -> RollingStep {
        self.step
    }

    /// Returns the names of the servers that were in work.
    pub fn servers(&self) -> &[String] {
        &self.servers
    }

    /// Returns `None` if every process has the states of the servers from before the work, and otherwise
    /// the error with which setting them back failed. Its outcomes name the processes.
    pub fn not_set_back(&self) -> Option<&Error> {
        self.left.as_ref()
    }
}

impl fmt::Display for RollingError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.step)?;
        if !self.servers.is_empty() {
            write!(f, " of {}", self.servers.join(", "))?;
        }
        match &self.left {
            None => Ok(()),
            Some(error) => write!(f, "; the servers were not set back everywhere: {error}"),
        }
    }
}

impl StdError for RollingError {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        Some(&*self.source)
    }
}

impl fmt::Display for RollingStep {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Read => "reading",
            Self::KeepUp => "waiting for the other servers",
            Self::Drain => "draining",
            Self::Work => "work",
            Self::SetBack => "setting back",
            Self::Up => "waiting for the health",
        })
    }
}
