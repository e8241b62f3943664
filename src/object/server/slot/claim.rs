use std::net::SocketAddr;
use std::time::Duration;

use tokio::time;

use super::template::{ServerTemplate, has_address};
use crate::cluster::Target;
use crate::error::Result;
use crate::object::server::state;
use crate::protocol::{Command, Response, ServerName};
use crate::show::{ServerState, previous_address};
use crate::transport::Deadline;

/// Sets the address of a slot that is free, and notices other clients that do the same.
///
/// HAProxy has no lock, and from 3.0 on it sets an address a moment after its answer. The protocol is
/// Fischer's: read that the slot is free, write, wait longer than another client takes from its read to
/// its write, and read again. The last writer has the slot.
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

/// Pauses before an address that was set is read again.
pub(super) const PAUSES: [Duration; 4] = [
    Duration::from_millis(2),
    Duration::from_millis(10),
    Duration::from_millis(50),
    Duration::from_millis(200),
];

impl<'a> Claim<'a> {
    pub(super) fn new(name: &'a ServerName, template: &'a ServerTemplate, address: SocketAddr) -> Self {
        Self { name, template, address, set: set_address(name, address) }
    }

    pub(super) fn command(&self) -> &Command {
        &self.set
    }

    pub(super) async fn run(&self, target: &Target, deadline: &Deadline) -> Result<Response<Claimed>> {
        match state(self.name, target, deadline).await? {
            // The address is there already if another socket leads to the same process.
            Response::Value(slot) if self.template.is_free(&slot) || has_address(&slot, self.address) => {}
            Response::Value(_) => return Ok(Response::Value(Claimed::TooLate)),
            Response::Absent(words) => return Ok(Response::Absent(words)),
        }
        let change = match target.execute_once(&self.set, deadline).await? {
            Response::Value(change) => change,
            Response::Absent(words) => return Ok(Response::Absent(words)),
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

    /// Gives another client its address back, once the own address is there.
    async fn put_back(&self, previous: SocketAddr, target: &Target, deadline: &Deadline) -> Result<()> {
        let is_own = |slot: &ServerState| has_address(slot, self.address);
        if let Response::Value(slot) = state_when(self.name, is_own, target, deadline).await? {
            if is_own(&slot) {
                target.execute_once(&set_address(self.name, previous), deadline).await?;
            }
        }
        Ok(())
    }
}

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
