//! Claims: they keep a command that is not idempotent from reaching one process twice.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::address::Address;
use crate::cluster::identity::Identity;
use crate::cluster::membership::{Membership, Socket, directory};
use crate::error::Result;
use crate::process::{IdentifiedConnection, ProcessClient};
use crate::transport::Deadline;

/// The processes that a command has reached so far, with the address of the socket that led to
/// each.
///
/// Two sockets can lead to one process even if they led to two processes when they were read,
/// because a reload replaces the process behind a socket and not the file. Each connection
/// therefore identifies its process before the command is sent on it. The command is sent only if
/// no other connection has claimed the process.
pub(super) struct Claims {
    membership: Arc<Membership>,
    claimed: Mutex<Vec<(Address, Identity)>>,
}

/// A connection on which a command may be sent, or the reason why it may not be sent.
pub(super) enum Claim<'a> {
    /// The connection has claimed the process.
    Granted(Box<IdentifiedConnection<'a>>),
    /// The process seems to be the one that the command reaches through this address.
    Claimed(Address),
}

impl Claims {
    pub(super) fn new(membership: &Arc<Membership>) -> Self {
        Self { membership: Arc::clone(membership), claimed: Mutex::default() }
    }

    /// Connects to a process and claims it.
    pub(super) async fn claim<'a>(
        &self,
        member: &'a ProcessClient,
        deadline: &'a Deadline,
    ) -> Result<Claim<'a>> {
        let identified = member.identified(deadline).await?;
        let identity = Identity::of_connection(&identified)?;
        let mut claimed = self.claimed();
        let alike = claimed.iter().filter(|(_, other)| other.fits(&identity));
        for (address, other) in alike {
            let pair = [(address, other), (member.address(), &identity)].map(|(address, identity)| Socket {
                address: address.clone(),
                file: directory::file_id_of(address),
                identity: identity.clone(),
            });
            if address != member.address() && !self.membership.table().are_all_distinct(pair) {
                return Ok(Claim::Claimed(address.clone()));
            }
        }
        claimed.push((member.address().clone(), identity));
        Ok(Claim::Granted(Box::new(identified)))
    }

    /// Compares two sockets, and returns `true` if both lead to one process.
    pub(super) async fn is_one_process(
        &self,
        claimed: &Address,
        member: &ProcessClient,
        deadline: &Deadline,
    ) -> Result<bool> {
        let found = self.claimed().iter().find(|(address, _)| address == claimed).cloned();
        let Some((address, identity)) = found else { return Ok(false) };
        let first = self.membership.member(&address);
        self.membership.is_one_process(&identity, &first, member, deadline).await
    }

    /// Drops the claim of the connection to `address`, because the process refused the command or
    /// a reload replaced the process. Another connection can then claim the process.
    pub(super) fn release(&self, address: &Address) {
        self.claimed().retain(|(claimed, _)| claimed != address);
    }

    fn claimed(&self) -> MutexGuard<'_, Vec<(Address, Identity)>> {
        // The list is consistent after every statement, so a poisoned lock does no harm.
        self.claimed.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
