//! Deletion of a server: several commands for each process.

use super::drain::{Drain, in_use};
use super::new_server::FIRST;
use super::{Removal, ServerRef, state};
use crate::cluster::{Outcomes, Target};
use crate::error::{Error, Problem, Result};
use crate::protocol::{Change, Command, Response, ServerName};
use crate::show::stat::StatFilter;
use crate::transport::{Deadline, Limits};

impl ServerRef {
    /// Deletes the server from each process, after its sessions have ended: `del server B/S`. Needs
    /// level admin and HAProxy 2.6.
    ///
    /// Each process gets these commands, one after the other:
    ///
    /// 1. `disable server B/S`. The server takes no more traffic.
    /// 2. `show servers conn B`, again and again, until no connection of the server is in use or the
    ///    [time](Removal::within) is over. If the sessions are to be ended by
    ///    [force](Removal::force), `shutdown sessions server B/S` then, and 5 s for the sessions to
    ///    end.
    /// 3. `del server B/S`. If HAProxy still finds sessions, the wait goes on while there is time.
    /// 4. `show servers state B`, which must not list the server any more.
    ///
    /// The wait asks every 100 ms at most, and repeats the first command each time, because a reload
    /// takes a server of the configuration back into traffic. A server that a reload has removed is
    /// absent. HAProxy 3.0 has a command that waits
    /// (`wait TIME srv-removable B/S`). It is not used, because it holds a connection to the stats
    /// socket for the whole time, ends up to half a second late, and does not tell the number of
    /// connections.
    ///
    /// A server of the configuration can be deleted too, and is back after a reload or a restart.
    ///
    /// # Errors
    ///
    /// - The errors of [`Outcomes::all`].
    /// - [`PartiallyApplied`](crate::ErrorKind::PartiallyApplied) if the server was put into
    ///   maintenance, and was not deleted: sessions are left after the time, with their number, or
    ///   HAProxy refuses to delete the server because another part of the configuration refers to it.
    ///   The server stays in maintenance until the process restarts or another client enables it.
    /// - [`PartiallyApplied`](crate::ErrorKind::PartiallyApplied) if the server was put into
    ///   maintenance, and its state is unknown: a later command got no answer. If the process has
    ///   restarted, a server of the configuration is back in traffic.
    /// - [`PartiallyApplied`](crate::ErrorKind::PartiallyApplied) if the server was deleted, and a
    ///   server of that name is listed again, or the state cannot be read.
    /// - [`Unsupported`](crate::ErrorKind::Unsupported) if the release is older than 2.6. Nothing is
    ///   sent to it.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future closes the connections, and each process may have executed any number of
    /// the commands: the server may be left in maintenance. While connections or states are read,
    /// the same as for [`fetch_state`](Self::fetch_state).
    ///
    /// # Example
    ///
    /// ```no_run
    /// # async fn example(server: haproxyadmin::ServerRef) -> haproxyadmin::Result<()> {
    /// use std::time::Duration;
    /// use haproxyadmin::server::Removal;
    ///
    /// server.delete(&Removal::new().within(Duration::from_secs(30)).force()).await?;
    /// # Ok(())
    /// # }
    /// ```
    #[doc(alias = "del server")]
    #[doc(alias = "show servers conn")]
    #[doc(alias = "wait srv-removable")]
    pub async fn delete(&self, removal: &Removal) -> Result<Outcomes<Change>> {
        let deletion = &Deletion { name: &self.name, removal };
        let command = &deletion.command();
        let job = |target: Target, deadline: Deadline| async move {
            deletion.run(command, &target, *deadline.limits()).await
        };
        self.cluster.fan_out().each(command, StatFilter::backend(self.backend()), job).await
    }
}

/// One call of [`ServerRef::delete`].
struct Deletion<'a> {
    name: &'a ServerName,
    removal: &'a Removal,
}

/// Beginning of the message that sessions are left.
const IN_USE: &str = "Server still has connections";

/// Beginning of the message that the server is not in maintenance.
const IN_TRAFFIC: &str = "Only servers in maintenance mode";

impl Deletion<'_> {
    fn command(&self) -> Command {
        Command::write_once("del server").word(self.name).since(FIRST)
    }

    async fn run(&self, delete: &Command, target: &Target, limits: Limits) -> Result<Response<Change>> {
        // The limits apply to each command: the wait may be longer.
        let deadline = || Deadline::new(limits);
        // Claims the process for the whole call: no other socket of the process gets a command.
        let disable = Command::write_once("disable server").word(self.name).since(FIRST);
        if let Response::Absent(words) = target.execute_once(&disable, &deadline()).await? {
            return Ok(Response::Absent(words));
        }
        let deleted = match self.delete(delete, target, limits).await? {
            Response::Value(change) => change,
            Response::Absent(words) => return Ok(Response::Absent(words)),
        };
        let unverified =
            |error: Error| error.leaving("the server was deleted, and the list of servers is unknown");
        match state(self.name, target, &deadline()).await.map_err(unverified)? {
            Response::Absent(_) => Ok(Response::Value(deleted)),
            Response::Value(_) => {
                let words = "`show servers state` lists a server of that name".into();
                Err(Error::new(Problem::Refused(words)).leaving("the server was deleted"))
            }
        }
    }

    /// Waits for the end of the sessions, and deletes the server.
    async fn delete(&self, delete: &Command, target: &Target, limits: Limits) -> Result<Response<Change>> {
        let mut drain = Drain::new(self.name, self.removal, target, limits);
        loop {
            let used = match drain.used().await {
                Ok(Response::Value(used)) => used,
                Ok(Response::Absent(words)) => return Ok(Response::Absent(words)),
                Err(error) => return Err(error.leaving(NOT_KNOWN)),
            };
            let (left, waited) = (drain.time_left(), drain.waited());
            if used == 0 || left.is_zero() {
                match target.execute_once(delete, &drain.deadline()).await {
                    Err(error) if error.refusal().is_some_and(|words| words.starts_with(IN_USE)) => {
                        if left.is_zero() {
                            return Err(error.leaving(format!("{KEPT}, {}", in_use(used, waited))));
                        }
                    }
                    Err(error) if error.refusal().is_some_and(|words| words.starts_with(IN_TRAFFIC)) => {
                        if left.is_zero() {
                            return Err(error.leaving(ENABLED));
                        }
                    }
                    Err(error) if error.is_unknown() => return Err(error.leaving(UNKNOWN)),
                    // The process is reached through another socket, which has the outcome.
                    Err(error) if error.reached_at().is_some() => return Err(error),
                    Err(error) if error.refusal().is_some() => return Err(error.leaving(KEPT)),
                    result => return result.map_err(|error| error.leaving(NOT_KNOWN)),
                }
            }
            if let Response::Absent(words) = drain.pause().await.map_err(|error| error.leaving(NOT_KNOWN))? {
                return Ok(Response::Absent(words));
            }
        }
    }
}

const KEPT: &str = "the server was put into maintenance, and was not deleted";

const ENABLED: &str = "the server was enabled meanwhile, and was not deleted";

/// The process may have restarted since the answer to `disable server`, with the server in traffic.
const NOT_KNOWN: &str = "the server was put into maintenance, and its state is unknown";

const UNKNOWN: &str = "the server was put into maintenance, and this command may have been executed";
