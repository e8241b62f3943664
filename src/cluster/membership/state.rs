use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::found::{Found, KnownMembers, LastMembers};
use super::table::{Classification, Ignored, MembershipTable};
use crate::address::{Address, WorkerId};
use crate::cluster::selector::Selector;
use crate::cluster::shared_counters::SharedCounterFinder;
use crate::master::Master;
use crate::process::{ProcessClient, ServerNumbers};
use crate::snapshot::{Record, Snapshot};
use crate::transport::{Deadline, Limits, Permits, StatsSocket};

/// The state that all views of one cluster share.
pub(in crate::cluster) struct Membership {
    pub(in crate::cluster) host: Arc<str>,
    pub(in crate::cluster) dirs: Vec<PathBuf>,
    pub(in crate::cluster) addresses: Vec<Address>,
    pub(in crate::cluster) masters: Vec<Master>,
    /// Masters of given addresses, which are not asked for other workers.
    pub(in crate::cluster) others: Vec<Master>,
    pub(in crate::cluster) limits: Limits,
    pub(in crate::cluster) excluded: Vec<Box<str>>,
    pub(in crate::cluster) ignore_refused: bool,
    pub(in crate::cluster) expected: Vec<Selector>,
    pub(in crate::cluster) expected_count: usize,
    /// Permits for the connections that may be open at a time.
    pub(in crate::cluster) permits: Arc<Permits>,
    pub(in crate::cluster) table: Mutex<MembershipTable>,
    pub(in crate::cluster) last_members: LastMembers,
    /// Held while sockets are compared to find out if they lead to one process.
    pub(in crate::cluster) comparing: tokio::sync::Mutex<()>,
    pub(in crate::cluster) shared_counters: SharedCounterFinder,
    pub(in crate::cluster) server_numbers: Arc<ServerNumbers>,
}

impl Membership {
    /// Finds out which counters of the records are kept in one file together with other processes.
    pub(in crate::cluster) async fn find_shared_counters(&self, records: &mut [Record], deadline: &Deadline) {
        self.shared_counters.find(records, &|address| self.member(address), deadline).await;
    }

    /// Returns the addresses of the members, sorted.
    pub(in crate::cluster) fn members(&self) -> Vec<Address> {
        let mut members: Vec<_> = self.table().members().map(|(address, _)| address.clone()).collect();
        members.sort();
        members
    }

    pub(in crate::cluster) fn ignored(&self) -> Vec<Ignored> {
        let mut ignored: Vec<_> = self.table().ignored().collect();
        ignored.sort_by(|a, b| a.address.cmp(&b.address));
        ignored
    }

    /// Enters every explicitly given address, and the worker of every master, as a member that has not
    /// answered yet.
    pub(in crate::cluster) fn expect_addresses(&self, table: &mut MembershipTable) {
        let serving = self.masters.iter().map(|master| {
            let master = Box::new(master.address().clone());
            Address::Worker { worker: WorkerId::Number(1), master }
        });
        for address in self.addresses.iter().cloned().chain(serving) {
            table.set(address, None, Classification::Member { answered: false });
        }
    }

    pub(in crate::cluster) fn table(&self) -> MutexGuard<'_, MembershipTable> {
        // The table is consistent after every statement, so a poisoned lock does no harm.
        self.table.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn master(&self, address: &Address) -> Option<&Master> {
        self.masters.iter().chain(&self.others).find(|master| master.address() == address)
    }

    pub(crate) fn member(&self, address: &Address) -> ProcessClient {
        let make = || match address {
            Address::Worker { worker, master } => match self.master(master) {
                Some(master) => master.worker(*worker),
                None => StatsSocket::with_permits(address.clone(), self.limits, Arc::clone(&self.permits)),
            },
            _ => StatsSocket::with_permits(address.clone(), self.limits, Arc::clone(&self.permits)),
        };
        let (socket, last) = self.table().socket(address, make);
        let (host, numbers) = (Arc::clone(&self.host), Arc::clone(&self.server_numbers));
        ProcessClient { socket, host, numbers, last }
    }

    /// Returns the members, if nothing has changed since a call has found them.
    pub(crate) fn members_as_before(&self, found: &Found) -> Option<Arc<KnownMembers>> {
        let last = self.last_members.lock().unwrap_or_else(PoisonError::into_inner).clone()?;
        let is_same = found.is_like(&last.found) && last.version == Some(self.table().version());
        (found.is_whole() && is_same).then_some(last)
    }

    /// Returns the members with these last known identities. Keeps them for the next call if there is a `version`
    /// of the membership table that all of them come from.
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
