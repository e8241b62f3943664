//! Membership of the cluster: probes the candidates and reads the members, all at once.

mod answered;
mod candidate;
mod classify;
pub(super) mod directory;
mod duplicate;
mod expected;
mod found;
mod listed;
mod probe;
mod state;
mod table;

pub use table::{Ignored, IgnoredReason};

pub(crate) use candidate::{Candidate, Listing};
pub(crate) use found::KnownMembers;
pub(super) use state::Membership;
pub(crate) use table::{Classification, MembershipTable, Socket};

use std::collections::HashSet;
use std::sync::Arc;

use futures::FutureExt as _;
use futures::channel::mpsc::UnboundedSender;
use futures::future::{BoxFuture, join, join_all};
use tracing::Instrument;

use super::identity::Identity;
use crate::address::Address;
use crate::error::{Error, Problem, Result};
use crate::show::Info;
use crate::show::stat::StatFilter;
use crate::snapshot::{Label, Process, Record, Snapshot, labels_beside};
use crate::transport::{Deadline, Limits};
use answered::Answered;
use classify::Classified;
use probe::ProbedMember;

impl Membership {
    /// Returns the error for a cluster without members: the failure of a directory that could not
    /// be read, or the ignored sockets with the reasons.
    pub(super) fn no_members(&self, listing: &Listing) -> Error {
        if let Some(failure) = listing.directories.iter().find_map(|(_, failure)| failure.clone()) {
            let stored = || Error::unidentified(failure.clone());
            return failure.error().cloned().unwrap_or_else(stored);
        }
        let dirs = self.dirs.iter().map(|dir| dir.display().to_string());
        let masters = self.masters.iter().map(|master| format!("master {}", master.address()));
        let addresses = self.addresses.iter().map(Address::to_string);
        let places: Vec<_> = dirs.chain(addresses).chain(masters).collect();
        let mut text = format!("HAProxy stats socket in {}", places.join(", "));
        let mut ignored = self.ignored();
        // `build` has stored none of the findings.
        for (address, _, reason) in &listing.excluded {
            if ignored.iter().all(|ignored| ignored.address != *address) {
                ignored.push(Ignored { address: address.clone(), reason: reason.clone() });
            }
        }
        ignored.sort_by(|a, b| a.address.cmp(&b.address));
        for (at, ignored) in ignored.iter().enumerate() {
            text.push_str(if at == 0 { "; ignored: " } else { ", " });
            text.push_str(&ignored.to_string());
        }
        Error::new(Problem::NotFound(text))
    }

    /// Reads every member, and probes every candidate that is not classified yet. All of it shares
    /// one time limit. A fresh sweep disregards all earlier findings about the sockets.
    ///
    /// Hands the answers on to `sender` when they arrive.
    pub(super) async fn sweep(
        &self,
        scope: &StatFilter,
        is_fresh: bool,
        limits: Limits,
        sender: Option<&UnboundedSender<Process>>,
    ) -> Result<Snapshot> {
        let deadline = &Deadline::new(limits);
        let listing = self.candidates(is_fresh, deadline).await;
        let records = self.read_all(scope, &listing, deadline, sender).boxed().await?;
        let requirements = self.requirements(&listing, &records);
        Ok(Snapshot::with_requirements(records.into_iter().map(Arc::new), requirements))
    }

    /// Reads the members among the candidates.
    ///
    /// Stores the findings about the sockets at the end, when all of them are known. A call that is
    /// dropped before stores nothing.
    pub(super) fn records<'a>(
        &'a self,
        scope: &'a StatFilter,
        listing: &'a Listing,
        deadline: &'a Deadline,
    ) -> BoxFuture<'a, Result<Vec<Record>>> {
        self.read_all(scope, listing, deadline, None).boxed()
    }

    async fn read_all(
        &self,
        scope: &StatFilter,
        listing: &Listing,
        deadline: &Deadline,
        sender: Option<&UnboundedSender<Process>>,
    ) -> Result<Vec<Record>> {
        let is_fresh = listing.is_fresh;
        let span = tracing::debug_span!("sweep", sockets = listing.candidates.len());
        async {
            let mut classified = Vec::new();
            let known = if is_fresh { HashSet::new() } else { self.duplicates(&listing.candidates) };
            let is_duplicate = |candidate: &Candidate| known.contains(&candidate.address);
            let (duplicates, others): (Vec<_>, Vec<_>) =
                listing.candidates.iter().cloned().partition(is_duplicate);
            let answered = sender.map(|sender| Answered::new(self, &listing.candidates, sender));
            let answered = answered.as_ref();
            // Known duplicates are only asked for their identity.
            let asked = self.ask(scope, others, deadline, answered);
            let duplicates = self.ask(&StatFilter::Nothing, duplicates, deadline, None);
            let (asked, duplicates) = join(asked, duplicates).await;
            let mut answers = self.classify(is_fresh, asked, &mut classified);
            let again = self.no_duplicates_any_more(duplicates, &answers);
            let again = self.ask(scope, again, deadline, answered).await;
            answers.extend(self.classify(is_fresh, again, &mut classified));
            let processes = self.settle(scope, is_fresh, &mut answers, &mut classified, deadline).await;
            let mut records = Self::without_duplicates(answers, processes, &mut classified);
            self.keep(listing, classified, &mut records);
            self.find_shared_counters(&mut records, deadline).await;
            if records.is_empty() {
                return Err(self.no_members(listing));
            }
            let failed = records.iter().filter(|record| record.answer.is_err()).count();
            tracing::debug!(processes = records.len(), failed, "sweep");
            Ok(records)
        }
        .instrument(span)
        .await
    }

    /// Finds out which answers are of one process. Reads the answers again that became stale
    /// through a reload meanwhile: answers from before and after a reload would count one process
    /// twice.
    async fn settle(
        &self,
        scope: &StatFilter,
        is_fresh: bool,
        answers: &mut Vec<ProbedMember>,
        classified: &mut Vec<Classified>,
        deadline: &Deadline,
    ) -> Vec<Result<usize>> {
        let mut attempts = 0;
        loop {
            let mut stale = stale(answers, deadline).await;
            let mut processes = Vec::new();
            if stale.is_empty() || attempts == ATTEMPTS {
                processes = self.processes(answers, deadline).await;
                let is_replaced = |process: &Result<usize>| process.as_ref().is_err_and(Error::is_replaced);
                let replaced = processes.iter().enumerate().filter(|(_, process)| is_replaced(process));
                stale = replaced.map(|(at, _)| at).collect();
            }
            if stale.is_empty() || attempts == ATTEMPTS {
                return processes;
            }
            attempts += 1;
            let again = stale.iter().filter_map(|at| Some(answers.get(*at)?.candidate.clone())).collect();
            let mut at = 0;
            answers.retain(|_| {
                at += 1;
                !stale.contains(&(at - 1))
            });
            answers.extend(self.classify(is_fresh, self.ask(scope, again, deadline, None).await, classified));
        }
    }

    /// Stores the findings of a call in the membership table, and labels the members.
    fn keep(&self, listing: &Listing, classified: Vec<Classified>, records: &mut [Record]) {
        let mut table = self.table();
        if listing.is_fresh {
            table.forget();
            self.expect_addresses(&mut table);
        }
        for (address, file, reason) in &listing.excluded {
            table.set(address.clone(), Some(*file), Classification::Ignored(reason.clone()));
        }
        for Classified { address, file, classification } in classified {
            match classification {
                Some(classification) => table.set(address, file, classification),
                None => table.remove(&address),
            }
        }
        // Drops the comparisons of sockets that are gone.
        table.retain(|_, _| true);
        Self::label(&mut table, records);
        for record in &*records {
            table.set_last_known(record);
        }
    }

    /// Sets the label of each member. A label is chosen once, with regard to the labels of all
    /// other members. It never changes, and no other address ever gets it.
    fn label(table: &mut MembershipTable, records: &mut [Record]) {
        for record in &mut *records {
            record.label = table.label(&record.address).cloned();
        }
        let all: Vec<&Record> = records.iter().collect();
        let unlabelled: Vec<&Record> = all.iter().copied().filter(|record| record.label.is_none()).collect();
        if unlabelled.is_empty() {
            return;
        }
        let labels = labels_beside(&unlabelled, &all, table.labels());
        let chosen: Vec<(Address, Label)> =
            unlabelled.iter().map(|record| record.address.clone()).zip(labels).collect();
        for (address, label) in chosen {
            table.set_label(address, label);
        }
        for record in records.iter_mut().filter(|record| record.label.is_none()) {
            record.label = table.label(&record.address).cloned();
        }
    }
}

/// Returns the indices of stale answers: another process answers at their socket by now.
///
/// Probes the sockets only if a process of the same node has just started. In that case a reload or
/// restart is under way, and the other sockets of the host may lead to the new process too.
async fn stale(answers: &[ProbedMember], deadline: &Deadline) -> Vec<usize> {
    let infos = || answers.iter().enumerate().filter_map(|(at, one)| Some((at, one, one.record.info()?)));
    let started: HashSet<&str> =
        infos().filter(|(_, _, info)| is_young(info)).filter_map(|(_, _, info)| info.node()).collect();
    let suspects: Vec<(usize, &ProbedMember, &Info)> =
        infos().filter(|(_, _, info)| info.node().is_some_and(|node| started.contains(node))).collect();
    // A single socket leads to one process at a time, so nothing can be counted twice.
    if suspects.len() < 2 {
        return Vec::new();
    }
    let asking = suspects.into_iter().map(|(at, one, info)| async move {
        let (now, read_at) = one.member.info(deadline).await.ok()?;
        let (before, now) = (Identity::new(info, one.record.read_at)?, Identity::new(&now, read_at)?);
        (!now.fits(&before)).then_some(at)
    });
    join_all(asking).await.into_iter().flatten().collect()
}

/// Returns `true` if the process started at most [`YOUNG`] seconds ago.
fn is_young(info: &Info) -> bool {
    info.uptime_sec().is_some_and(|seconds| seconds <= YOUNG)
}

/// Number of seconds after the start of a process in which a reload may be under way.
const YOUNG: u64 = 2;

/// Maximum number of times that stale answers are read again.
const ATTEMPTS: usize = 5;
