//! The socket of a fake master process.

mod command;
mod connection;
mod running;
mod state;

pub use running::RunningMaster;

use std::sync::Arc;

use super::serve::{Running, Socket};
use crate::error::{Error, Result};
use crate::level::Level;
use crate::{Address, Version};
use connection::Site;
use state::{Listed, State};

/// The description of a master process, which lists workers and leads commands to them.
///
/// The workers are fake processes that already run. When the [`Running`] of a worker is dropped,
/// the worker has exited: the master does not list it any more, and its connections through the
/// master end.
///
/// [`serve`](Master::serve) makes the master answer at an address in the framing of its release:
/// like HAProxy, it keeps a connection open after a command.
///
/// # Supported commands
///
/// | command | |
/// |---|---|
/// | `show proc` | without programs |
/// | `reload` | with the outcome that [`RunningMaster::next_reload`] or [`RunningMaster::fail_next_reload`] gave |
/// | `show startup-logs` | from 2.7 on |
/// | `show cli level`, `show version`, `user`, `operator`, `quit` | |
/// | `set severity-output` | for workers, as HAProxy does |
/// | `@!PID`, `@1`, `@master`, alone or before a command | |
/// | `@@!PID`, `@@1` | from 3.2 on |
///
/// `prompt` switches the prompt on and off. Any other command is unknown. The options that
/// allow experimental commands are taken and have no effect.
///
/// # Example
///
/// ```
/// # #[cfg(unix)]
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// use haproxyadmin::{fake, master::Master};
///
/// let dir = tempfile::tempdir()?;
/// let one = fake::Process::new("3.2").pid(11).serve(dir.path().join("one.sock")).await?;
/// let two = fake::Process::new("3.2").pid(12).serve(dir.path().join("two.sock")).await?;
/// let running = fake::Master::new("3.2").worker(&one).serve(dir.path().join("master.sock")).await?;
///
/// let master = Master::new(running.address().clone());
/// assert_eq!(master.processes().await?.workers[0].pid, 11);
/// running.next_reload(&two);
/// let reload = master.reload().await?;
/// assert_eq!(reload.processes.workers[0].pid, 12);
/// assert_eq!(reload.processes.old_workers[0].pid, 11);
///
/// // The old worker exits.
/// one.stop().await;
/// assert!(master.processes().await?.old_workers.is_empty());
/// # Ok(())
/// # }
/// # #[cfg(not(unix))]
/// # fn main() {}
/// ```
#[derive(Debug, Clone)]
#[must_use]
pub struct Master {
    version: Version,
    pid: u32,
    level: Level,
    reloads: u64,
    listed: Vec<Listed>,
    logs: Option<Box<str>>,
}

impl Master {
    /// Creates a master of this release, such as `2.6.12` or `3.4`, without workers.
    ///
    /// By default its level is `admin` and its process id is 1000.
    pub fn new(version: &str) -> Self {
        Self {
            version: Version::parse(version),
            pid: 1000,
            level: Level::Admin,
            reloads: 0,
            listed: Vec::new(),
            logs: None,
        }
    }

    /// Sets its process id.
    pub fn pid(mut self, pid: u32) -> Self {
        self.pid = pid;
        self
    }

    /// Sets the level of its socket, which also limits the commands to workers.
    pub fn level(mut self, level: Level) -> Self {
        self.level = level;
        self
    }

    /// Adds a worker of the current configuration.
    pub fn worker(mut self, worker: &Running) -> Self {
        self.listed.push(Listed::new(worker.shared(), 0));
        self
    }

    /// Adds a worker of a former configuration, which is stopping. `reloads` is the number of
    /// reloads since it was started, and counts as at least 1.
    pub fn old_worker(mut self, worker: &Running, reloads: u64) -> Self {
        let mut listed = Listed::new(worker.shared(), reloads.max(1));
        listed.is_old = true;
        self.reloads = self.reloads.max(listed.reloads);
        self.listed.push(listed);
        self
    }

    /// Sets the messages of the last start. The default is the end of the messages of a start
    /// without a problem.
    pub fn startup_logs(mut self, text: impl Into<Box<str>>) -> Self {
        self.logs = Some(text.into());
        self
    }

    /// Starts to answer at an address, as [`Process::serve`](crate::fake::Process::serve) does.
    ///
    /// # Errors
    ///
    /// - [`InvalidInput`](crate::ErrorKind::InvalidInput) if the release is older than 2.2, if two of the
    ///   processes have the same process id, or if the master cannot listen at the address.
    ///
    /// # Panics
    ///
    /// Panics outside a Tokio runtime with I/O and time enabled.
    pub async fn serve(self, address: impl Into<Address>) -> Result<RunningMaster> {
        self.check()?;
        let address = address.into();
        let level = self.level;
        for old in self.listed.iter().filter(|listed| listed.is_old) {
            old.stop();
        }
        let site =
            Arc::new(Site::new(State::new(self.version, self.pid, self.reloads, self.listed, self.logs)));
        let socket = Socket::listen(&address, level, false, &site).await;
        let socket =
            socket.map_err(|error| Error::invalid(format!("cannot listen at {address}: {error}")))?;
        Ok(RunningMaster::new(site, socket))
    }

    fn check(&self) -> Result<()> {
        if self.version < (2, 2) {
            let text = format!("HAProxy {:?}: expected a release from 2.2 on", self.version.as_str());
            return Err(Error::invalid(text));
        }
        let mut pids: Vec<u32> = self.listed.iter().map(Listed::pid).chain([self.pid]).collect();
        pids.sort_unstable();
        let mut pairs = pids.iter().zip(pids.iter().skip(1));
        match pairs.find(|(one, other)| one == other) {
            Some((pid, _)) => Err(Error::invalid(format!("there are two processes with the ID {pid}"))),
            None => Ok(()),
        }
    }
}
