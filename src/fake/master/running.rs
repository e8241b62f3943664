use std::fmt;
use std::sync::Arc;

use super::connection::Site;
use super::state::{Listed, Outcome};
use crate::Address;
use crate::fake::describe::{Fault, Received, When};
use crate::fake::serve::{Running, Socket};

/// A fake master that answers until this value is dropped.
///
/// Dropping it closes its connections and removes its socket file. Its workers are values of their
/// own, and go on.
///
/// # Cancel safety
///
/// Dropping the future of [`Master::serve`](crate::fake::Master::serve) leaves nothing behind.
/// Dropping the future of [`stop`](Self::stop) ends the master like dropping this value.
///
/// # Example
///
/// ```
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> haproxyadmin::Result<()> {
/// use std::net::SocketAddr;
/// use haproxyadmin::{ErrorKind, fake, master::Master};
///
/// let anywhere = SocketAddr::from(([127, 0, 0, 1], 0));
/// let worker = fake::Process::new("3.4").serve(anywhere).await?;
/// let running = fake::Master::new("3.4").worker(&worker).serve(anywhere).await?;
///
/// running.fail_next_reload("config : unknown keyword 'bogus'");
/// let error = Master::new(running.address().clone()).reload().await.unwrap_err();
/// assert_eq!(error.kind(), ErrorKind::Refused);
/// assert!(error.to_string().contains("unknown keyword 'bogus'"));
/// # Ok(())
/// # }
/// ```
#[must_use = "it stops when it is dropped"]
pub struct RunningMaster {
    site: Arc<Site>,
    socket: Socket,
}

impl RunningMaster {
    pub(super) fn new(site: Arc<Site>, socket: Socket) -> Self {
        Self { site, socket }
    }

    /// Returns the address given to [`Master::serve`](crate::fake::Master::serve), with the real
    /// port if the given port was 0.
    pub fn address(&self) -> &Address {
        self.socket.address()
    }

    /// Makes the next reload succeed. `worker` is then the worker of the current configuration, and
    /// the former ones are old workers with `Stopping: 1`, until they exit.
    ///
    /// A reload for which no outcome is given fails.
    pub fn next_reload(&self, worker: &Running) {
        self.site.state().plan(Outcome::Loaded(Listed::new(worker.shared(), 0)));
    }

    /// Makes the next reload fail. `reason` is the text of the alert behind its process ID.
    pub fn fail_next_reload(&self, reason: impl Into<Box<str>>) {
        self.site.state().plan(Outcome::Failed(reason.into()));
    }

    /// Reloads, as a signal or another client makes it. Ends all connections of the master.
    pub fn reload(&self) {
        self.site.state().reload();
        self.site.restart();
    }

    /// Returns the commands that the master received for itself, the oldest first, as many as
    /// [`Running::received`]. Commands to a worker are in the list of the worker.
    pub fn received(&self) -> Vec<Received> {
        self.site.state().log.entries()
    }

    /// Returns the same as [`received`](Self::received), and forgets these commands.
    pub fn take_received(&self) -> Vec<Received> {
        self.site.state().log.take()
    }

    /// Makes the master fail in this way, from the next command of its own on. Commands to workers
    /// have the faults of the [workers](Running::fail), where the order of several faults is described.
    pub fn fail(&self, fault: Fault) {
        self.site.state().faults.set(fault);
    }

    /// Makes some commands of the master fail in this way, as [`Running::fail_when`] does. The unit is a
    /// command.
    pub fn fail_when(&self, when: When, fault: Fault) {
        self.site.state().faults.add(when, fault);
    }

    /// Ends all faults: the master answers correctly again.
    pub fn heal(&self) {
        self.site.state().faults.clear();
    }

    /// Makes the master hang: it accepts connections but answers no command, also none to a worker,
    /// until [`resume`](Self::resume).
    pub fn pause(&self) {
        self.site.paused.send_replace(true);
    }

    /// Ends the pause, and answers the clients that still wait.
    pub fn resume(&self) {
        self.site.paused.send_replace(false);
    }

    /// Stops the master in order: its connections are closed and its socket file is removed when
    /// this returns.
    pub async fn stop(mut self) {
        self.socket.end().await;
    }

    /// Ends the master as a crash does: it stops listening, but its socket file stays.
    pub async fn kill(mut self) {
        self.socket.end().await;
        self.socket.keep_file();
    }
}

impl fmt::Debug for RunningMaster {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RunningMaster")
            .field("address", self.address())
            .field("state", &*self.site.state())
            .finish_non_exhaustive()
    }
}
