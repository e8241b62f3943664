//! The members as a call has found them, for the next call that finds the same sockets.

use std::sync::{Arc, Mutex, PoisonError};

use super::candidate::Found;
use super::state::Membership;
use crate::process::ProcessClient;
use crate::snapshot::{Process, Snapshot};

/// The members, all of which have answered before. They are the same as long as the same sockets are found
/// and the membership table does not change.
#[derive(Debug)]
pub(crate) struct KnownMembers {
    found: Found,
    /// Version of the table that they come from. Without one, no other call may use them.
    version: Option<u64>,
    /// The last known identities.
    snapshot: Snapshot,
    clients: Vec<ProcessClient>,
}

/// The members that the last call has found.
pub(in crate::cluster) type LastMembers = Mutex<Option<Arc<KnownMembers>>>;

impl KnownMembers {
    /// Returns the last known identities, without rows.
    pub(crate) fn processes(&self) -> &[Process] {
        self.snapshot.processes()
    }

    /// Returns the client of each process, in the same order.
    pub(crate) fn clients(&self) -> &[ProcessClient] {
        &self.clients
    }
}

impl Membership {
    /// Returns the members, if nothing has changed since a call has found them.
    pub(crate) fn members_as_before(&self, found: &Found) -> Option<Arc<KnownMembers>> {
        let last = self.last_members.lock().unwrap_or_else(PoisonError::into_inner).clone()?;
        let is_same = found.is_like(&last.found) && last.version == Some(self.table().version());
        (found.is_whole() && is_same).then_some(last)
    }

    /// Returns the members with these last known identities. Keeps them for the next call if all that was
    /// found is known, and comes from one `version` of the membership table.
    pub(crate) fn known_members(
        &self,
        found: Found,
        version: Option<u64>,
        snapshot: Snapshot,
    ) -> Arc<KnownMembers> {
        let clients = snapshot.processes().iter().map(|process| self.member(process.address())).collect();
        let is_kept = found.is_whole() && version.is_some();
        let known = Arc::new(KnownMembers { found, version, snapshot, clients });
        if is_kept {
            *self.last_members.lock().unwrap_or_else(PoisonError::into_inner) = Some(Arc::clone(&known));
        }
        known
    }
}
