//! The wait for the end of the sessions on a server in maintenance.

use std::time::Duration;

use tokio::time::{self, Instant};

use super::Removal;
use crate::cluster::Target;
use crate::count::counted;
use crate::error::Result;
use crate::protocol::{Change, Command, Response, ServerName};
use crate::show::ServerConnections;
use crate::transport::{Deadline, Limits};

/// The wait on one process. It has begun when it is made.
pub(super) struct Drain<'a> {
    name: &'a ServerName,
    removal: &'a Removal,
    target: &'a Target,
    /// The limits of each command: the wait may be longer.
    limits: Limits,
    start: Instant,
    pause: Duration,
}

/// Pauses between two looks at the connections.
const FIRST_PAUSE: Duration = Duration::from_millis(2);
const LAST_PAUSE: Duration = Duration::from_millis(100);

/// Time in which sessions end after they were ended by force.
const FORCED: Duration = Duration::from_secs(5);

impl<'a> Drain<'a> {
    pub(super) fn new(
        name: &'a ServerName,
        removal: &'a Removal,
        target: &'a Target,
        limits: Limits,
    ) -> Self {
        Self { name, removal, target, limits, start: Instant::now(), pause: FIRST_PAUSE }
    }

    /// Reads the number of connections of the server that are in use.
    pub(super) async fn used(&self) -> Result<Response<u64>> {
        let command = Command::read("show servers conn").word(self.name.backend());
        let read = |data: Vec<u8>| Ok(ServerConnections::used_of(self.name, data)?);
        Ok(match self.target.ask(&command, read, &self.deadline()).await? {
            Response::Value(Some(used)) => Response::Value(used),
            Response::Value(None) => Response::Absent("No such server.".into()),
            Response::Absent(words) => Response::Absent(words),
        })
    }

    pub(super) fn waited(&self) -> Duration {
        self.start.elapsed()
    }

    /// Returns the time that is left to wait: the time for the sessions to end, or the time after
    /// they were ended by force.
    pub(super) fn time_left(&self) -> Duration {
        let (within, waited) = (self.removal.time(), self.waited());
        match within.saturating_sub(waited) {
            Duration::ZERO if self.removal.is_forced() => {
                (within.saturating_add(FORCED)).saturating_sub(waited)
            }
            left => left,
        }
    }

    /// Ends the sessions if it is time for that, pauses, and puts the server into maintenance again,
    /// because a reload takes a server of the configuration back into traffic.
    pub(super) async fn pause(&mut self) -> Result<Response<Change>> {
        if self.removal.is_forced() && self.waited() >= self.removal.time() {
            let shutdown = Command::write("shutdown sessions server").word(self.name);
            self.target.change(&shutdown.refused_when_stopping(), &self.deadline()).await?;
        }
        time::sleep(self.pause.min(self.time_left())).await;
        self.pause = (self.pause * 2).min(LAST_PAUSE);
        let disable = Command::write("disable server").word(self.name);
        self.target.change(&disable, &self.deadline()).await
    }

    pub(super) fn deadline(&self) -> Deadline {
        Deadline::new(self.limits)
    }
}

/// Returns the rest of a message: the connections that are left after a wait.
pub(super) fn in_use(used: u64, waited: Duration) -> String {
    let connections = counted(used, "connection", "connections");
    let waited = Duration::from_millis(u64::try_from(waited.as_millis()).unwrap_or(u64::MAX));
    format!("with {connections} in use after {waited:?}")
}
