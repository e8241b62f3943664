//! The members of a view as a watch needs them: listed and read without those that hang.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use futures::future::join_all;

use super::Cluster;
use super::fan_out::{Targets, choose};
use super::membership::{Candidate, Listing, Membership};
use crate::address::Address;
use crate::error::{ErrorKind, Failure, Result};
use crate::process::{self, ProcessClient};
use crate::protocol::Command;
use crate::show::stat::StatFilter;
use crate::snapshot::{Label, Process, Record, Snapshot};
use crate::transport::Deadline;

/// A member of the cluster.
#[derive(Debug, Clone)]
pub(crate) struct Listed {
    pub(crate) address: Address,
    pub(crate) label: Label,
    /// Reason why the process did not answer, if this call has probed it.
    pub(crate) failure: Option<Failure>,
}

impl Cluster {
    /// Lists the members of this view, in the order of a snapshot. Asks no process if all candidates are
    /// known. Otherwise, or if `is_fresh` is set, probes all candidates, except for those at the addresses
    /// `apart`.
    ///
    /// # Errors
    ///
    /// - The errors of [`snapshot`](Cluster::snapshot) on a view of
    ///   [`allow_partial`](Cluster::allow_partial), if the list is fresh and nothing is `apart`.
    pub(crate) async fn list(&self, apart: &HashSet<Address>, is_fresh: bool) -> Result<Vec<Listed>> {
        let membership = &self.membership;
        let deadline = &Deadline::new(self.limits());
        let listing = membership.candidates(false, deadline).await;
        let probed = listing.without(apart);
        let mut failures = HashMap::new();
        if is_fresh || probed.candidates.iter().any(|candidate| membership.is_unknown(candidate)) {
            match membership.records(&StatFilter::Nothing, &probed, deadline).await {
                Ok(records) => {
                    let failed = |record: Record| Some((record.address, record.answer.err()?));
                    failures.extend(records.into_iter().filter_map(failed));
                }
                Err(error) if is_fresh && apart.is_empty() => return Err(error),
                // Otherwise the error only says that none of them is a member.
                Err(_) => {}
            }
        }
        let snapshot = Snapshot::new(membership.known_records(&listing));
        if is_fresh && apart.is_empty() {
            choose(snapshot.processes(), self.view.only.as_deref())?;
        }
        let is_chosen = |process: &&Process| {
            self.view.only.as_ref().is_none_or(|only| only.iter().any(|one| one.fits(process)))
        };
        let chosen = snapshot.processes().iter().filter(is_chosen);
        let listed = chosen.map(|process| Listed {
            address: process.address().clone(),
            label: process.label().clone(),
            failure: failures.remove(process.address()),
        });
        Ok(listed.collect())
    }

    /// Returns a client of the process at an address.
    pub(crate) fn client(&self, address: &Address) -> ProcessClient {
        self.membership.member(address)
    }

    /// Reads the report of every member of this view. The members in `failing` are not asked, and have
    /// failed with the reason given.
    ///
    /// # Errors
    ///
    /// - The errors of [`snapshot`](Cluster::snapshot) on a view of
    ///   [`allow_partial`](Cluster::allow_partial).
    pub(crate) async fn read_without(&self, failing: &HashMap<Address, Failure>) -> Result<Snapshot> {
        let membership = &self.membership;
        let deadline = &Deadline::new(self.limits());
        let failed = |address: &Address, failure: &Failure| {
            let mut record = membership.bare(address, failure.clone());
            record.read_at = process::now();
            record
        };
        let Some(only) = self.view.only.as_deref() else {
            let listing = membership.candidates(false, deadline).await;
            let members = listing.candidates.iter().map(|candidate| &candidate.address);
            let mut records: Vec<_> =
                members.filter_map(|address| Some(failed(address, failing.get(address)?))).collect();
            let asked = listing.without(&failing.keys().cloned().collect());
            match membership.records(&StatFilter::All, &asked, deadline).await {
                Ok(read) => records.extend(read),
                Err(error) if records.is_empty() => return Err(error),
                // None of those that were asked is a member.
                Err(_) => {}
            }
            let requirements = membership.requirements(&listing, &records);
            return Ok(Snapshot::with_requirements(records.into_iter().map(Arc::new), requirements));
        };
        let command = Command::read("show stat");
        let Targets { targets, .. } = Targets::find(membership, Some(only), &command, deadline).await?;
        let reading = targets.iter().map(|target| async {
            match failing.get(target.member.address()) {
                Some(failure) => failed(target.member.address(), failure),
                None => target.read(&StatFilter::All, deadline).await,
            }
        });
        let mut records = join_all(reading).await;
        membership.find_shared_counters(&mut records, deadline).await;
        Ok(Snapshot::new(records.into_iter().map(Arc::new)))
    }
}

impl Membership {
    /// Returns the last known identities of the members among the candidates.
    fn known_records(&self, listing: &Listing) -> Vec<Arc<Record>> {
        let member = |address: &Address| {
            let table = self.table();
            table.is_member(address).then(|| table.last_known(address).cloned())
        };
        let record = |candidate: &Candidate| {
            let known = member(&candidate.address)?;
            let not_asked = || Failure::without_error(ErrorKind::Other, "not asked");
            Some(known.unwrap_or_else(|| Arc::new(self.bare(&candidate.address, not_asked()))))
        };
        listing.candidates.iter().filter_map(record).collect()
    }

    /// Returns the record of a process that is not asked.
    fn bare(&self, address: &Address, failure: Failure) -> Record {
        let mut record = Record::new(Arc::clone(&self.host), address.clone(), Err(failure));
        record.label = self.table().label(address).map(|label| (**label).into());
        record
    }
}
