use std::net::SocketAddr;
use std::time::Duration;

use tokio::time::{self, Instant};

use super::template::{ServerTemplate, has_address};
use crate::cluster::{OnceJob, Target};
use crate::error::{Error, Problem, Result};
use crate::object::server::state;
use crate::process::IdentifiedConnection;
use crate::protocol::{Command, Response, ServerName};
use crate::show::{AdminState, ServerState, previous_address};
use crate::transport::Deadline;

/// Sets the address of a slot that is free, and notices other clients that do the same.
///
/// HAProxy has no lock, and from 3.0 on it sets an address a moment after its answer. The protocol is
/// Fischer's: read that the slot is free, write within [`FRESH`], wait for [`SETTLING`], which is longer,
/// and read again. The last writer has the slot.
pub(super) struct Claim<'a> {
    name: &'a ServerName,
    template: &'a ServerTemplate,
    address: SocketAddr,
    set: Command,
}

/// The answer of one process to a claim.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Claimed {
    /// The slot was free, and has the new address unless another client changes it.
    Written,
    /// The slot was not free any more, and is as it was.
    TooLate,
}

impl<'a> Claim<'a> {
    pub(super) fn new(name: &'a ServerName, template: &'a ServerTemplate, address: SocketAddr) -> Self {
        Self { name, template, address, set: set_address(name, address) }
    }

    pub(super) fn command(&self) -> &Command {
        &self.set
    }

    pub(super) async fn run(&self, target: &Target, deadline: &Deadline) -> Result<Response<Claimed>> {
        // The address is there already if an earlier call has set it, or if another socket leads to the
        // same process.
        let may = |slot: &ServerState| self.template.is_free(slot) || has_address(slot, self.address);
        let change = match execute_if(self.name, may, &self.set, target, deadline).await {
            Ok(Response::Value(Some(change))) => change,
            Ok(Response::Value(None)) => return Ok(Response::Value(Claimed::TooLate)),
            Ok(Response::Absent(words)) => return Ok(Response::Absent(words)),
            Err(error) if error.is_unknown() => return Err(self.with_state(error, target, deadline).await),
            Err(error) => return Err(error),
        };
        match previous_address(&change, self.address) {
            Some(previous) if previous != self.template.address() && previous != self.address => {
                self.put_back(previous, target, deadline).await.map_err(|error| {
                    let left = "another client has taken the slot, and its address was replaced:";
                    error.leaving(format!("{left} it was {previous}"))
                })?;
                Ok(Response::Value(Claimed::TooLate))
            }
            _ => Ok(Response::Value(Claimed::Written)),
        }
    }

    /// Takes the own address off the slot, once it is there.
    ///
    /// Another client that has enabled the slot gets its address back. If the slot is in maintenance,
    /// the other client will not enable it, because it finds that it has lost it; so the slot is free.
    async fn put_back(&self, previous: SocketAddr, target: &Target, deadline: &Deadline) -> Result<()> {
        let is_own = |slot: &ServerState| has_address(slot, self.address);
        if let Response::Value(slot) = state_when(self.name, is_own, target, deadline).await? {
            let is_enabled = is_enabled(&slot);
            let address = if is_enabled { previous } else { self.template.address() };
            let may = |slot: &ServerState| is_own(slot) && self::is_enabled(slot) == is_enabled;
            execute_if(self.name, may, &set_address(self.name, address), target, deadline).await?;
        }
        Ok(())
    }

    /// Adds to an error whether the slot takes traffic, if the command may have been executed.
    async fn with_state(&self, error: Error, target: &Target, deadline: &Deadline) -> Error {
        // The time of the call may be over.
        match state(self.name, target, &Deadline::new(*deadline.limits())).await {
            Ok(Response::Value(slot)) if is_enabled(&slot) => error.with_leftover(ENABLED),
            Ok(_) => error,
            Err(_) => error.with_leftover(UNREAD),
        }
    }
}

const ENABLED: &str =
    "the slot is enabled, and this command may have replaced the address that another client has set";
const UNREAD: &str = "the state of the slot cannot be read";

/// Longest time from the moment at which a slot is read to the moment at which it is written.
const FRESH: Duration = Duration::from_millis(200);

/// Time after which every client that has found a slot free has written its address. The half that is
/// longer than [`FRESH`] is for the way of the command to HAProxy.
pub(super) const SETTLING: Duration = Duration::from_millis(400);

/// Number of times that a slot is read, if the process or this program is slow.
const READS: usize = 5;

/// Executes a job if the slot is as it `may` be. The time from the read to the job is limited, so that
/// no command is based on an old state. Returns `None` if the slot is not as it may be.
///
/// The read has a connection of its own, because HAProxy 3.2 dies if its reply is cut, and the
/// connection of a job is closed at once when the caller stops waiting.
pub(super) async fn execute_if<J: OnceJob>(
    name: &ServerName,
    may: impl Fn(&ServerState) -> bool,
    job: &J,
    target: &Target,
    deadline: &Deadline,
) -> Result<Response<Option<J::Answer>>> {
    for _ in 0..READS {
        let read_at = Instant::now();
        match state(name, target, deadline).await? {
            Response::Value(slot) if may(&slot) => {}
            Response::Value(_) => return Ok(Response::Value(None)),
            Response::Absent(words) => return Ok(Response::Absent(words)),
        }
        match target.execute_once(&Fresh { job, read_at }, deadline).await? {
            Response::Value(None) => {}
            executed => return Ok(executed),
        }
    }
    let (step, what) = ("read and change of the slot", "answers");
    Err(Error::new(Problem::Timeout { step, what, limit: FRESH }))
}

/// A job that is executed only if the read that permits it is not too old.
struct Fresh<'a, J> {
    job: &'a J,
    read_at: Instant,
}

impl<J: OnceJob> OnceJob for Fresh<'_, J> {
    type Answer = Option<J::Answer>;

    async fn run(
        &self,
        connection: &mut IdentifiedConnection<'_>,
        deadline: &Deadline,
    ) -> Result<Response<Self::Answer>> {
        if self.read_at.elapsed() > FRESH {
            return Ok(Response::Value(None));
        }
        Ok(match self.job.run(connection, deadline).await? {
            Response::Value(answer) => Response::Value(Some(answer)),
            Response::Absent(words) => Response::Absent(words),
        })
    }
}

/// Returns `true` if the slot is not in maintenance.
pub(super) fn is_enabled(slot: &ServerState) -> bool {
    slot.administrative.state() != AdminState::Maint
}

/// Pauses before an address that was set is read again.
const PAUSES: [Duration; 4] = [
    Duration::from_millis(2),
    Duration::from_millis(10),
    Duration::from_millis(50),
    Duration::from_millis(200),
];

/// Returns the command that sets an address and its port.
pub(super) fn set_address(name: &ServerName, address: SocketAddr) -> Command {
    let set = Command::write_once("set server").word(name).word("addr").word(address.ip());
    set.word("port").word(address.port())
}

/// Reads the state of a slot until it is as wanted, or the pauses are over.
pub(super) async fn state_when(
    name: &ServerName,
    is_wanted: impl Fn(&ServerState) -> bool,
    target: &Target,
    deadline: &Deadline,
) -> Result<Response<ServerState>> {
    for pause in PAUSES {
        match state(name, target, deadline).await? {
            Response::Value(state) if !is_wanted(&state) => time::sleep(pause).await,
            found => return Ok(found),
        }
    }
    state(name, target, deadline).await
}
