//! Asking every process at once.

mod candidate;
mod classify;
pub(super) mod directory;
mod duplicate;
mod expected;
mod listed;
mod table;

pub use table::{Ignored, IgnoredReason};

pub(crate) use candidate::Listing;
pub(crate) use table::{Classification, MembershipTable, Socket};

use std::collections::HashSet;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use futures::FutureExt as _;
use futures::future::{BoxFuture, join, join_all};
use tracing::Instrument;

use super::identity::Identity;
use super::selector::Selector;
use super::shared_counters::SharedCounterFinder;
use crate::address::Address;
use crate::error::{Error, ErrorKind, Problem, Result};
use crate::process::{self, ProcessClient};
use crate::protocol::Nbproc;
use crate::show::stat::StatFilter;
use crate::show::{Info, Reading};
use crate::snapshot::{Label, Record, Snapshot, labels_beside};
use crate::transport::{Deadline, Limits, Permits, StatsSocket};
use candidate::Candidate;
use classify::Classified;
use listed::Listed;

/// What all views of one cluster share.
pub(super) struct Shared {
    pub(super) source: Arc<str>,
    pub(super) dirs: Vec<PathBuf>,
    pub(super) addresses: Vec<Address>,
    pub(super) limits: Limits,
    pub(super) excluded: Vec<Box<str>>,
    pub(super) ignore_refused: bool,
    pub(super) expected: Vec<Selector>,
    pub(super) expected_count: usize,
    /// One for each connection that may be open.
    pub(super) permits: Arc<Permits>,
    pub(super) table: Mutex<MembershipTable>,
    /// Held while it is found out whether two sockets lead to one process.
    pub(super) comparing: tokio::sync::Mutex<()>,
    pub(super) shared_counters: SharedCounterFinder,
}

/// A socket that was asked, and its answer.
pub(super) struct Probe {
    candidate: Candidate,
    member: ProcessClient,
    answer: Result<Reading>,
    /// Microseconds since 1970 at which the answer ended.
    read_at: u64,
    /// Whether the process lists the socket, if it is one of several (`nbproc`).
    listed: Option<Listed>,
}

/// A member, and what is kept of its answer.
pub(super) struct ProbedMember {
    candidate: Candidate,
    member: ProcessClient,
    record: Record,
}

impl Shared {
    /// Asks every member, and every socket of which it is not known yet whether it
    /// is one. All of it shares one time limit. A fresh sweep looks at every socket as
    /// if it was not known.
    pub(super) async fn sweep(&self, scope: &StatFilter, is_fresh: bool, limits: Limits) -> Result<Snapshot> {
        let deadline = &Deadline::new(limits);
        let listing = self.candidates(is_fresh, deadline).await;
        let records = self.records(scope, &listing, deadline).await?;
        let requirements = self.requirements(&listing, &records);
        Ok(Snapshot::with_requirements(records.into_iter().map(Arc::new), requirements))
    }

    /// What the members among the candidates answer.
    ///
    /// What is found out about the sockets is kept when all of it is known: a call
    /// that is given up changes nothing.
    pub(super) fn records<'a>(
        &'a self,
        scope: &'a StatFilter,
        listing: &'a Listing,
        deadline: &'a Deadline,
    ) -> BoxFuture<'a, Result<Vec<Record>>> {
        self.read_all(scope, listing, deadline).boxed()
    }

    async fn read_all(
        &self,
        scope: &StatFilter,
        listing: &Listing,
        deadline: &Deadline,
    ) -> Result<Vec<Record>> {
        let is_fresh = listing.is_fresh;
        let span = tracing::debug_span!("sweep", sockets = listing.candidates.len());
        async {
            let mut classified = Vec::new();
            let known = if is_fresh { HashSet::new() } else { self.duplicates(&listing.candidates) };
            let is_duplicate = |candidate: &Candidate| known.contains(&candidate.address);
            let (duplicates, others): (Vec<_>, Vec<_>) =
                listing.candidates.iter().cloned().partition(is_duplicate);
            // Known duplicates are only asked for their identity.
            let asked = self.ask(scope, others, deadline);
            let (asked, duplicates) = join(asked, self.ask(&StatFilter::Nothing, duplicates, deadline)).await;
            let mut answers = self.classify(is_fresh, asked, &mut classified);
            let again = self.no_duplicates_any_more(duplicates, &answers);
            answers.extend(self.classify(is_fresh, self.ask(scope, again, deadline).await, &mut classified));
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

    /// Finds out which answers are of one process, and reads again those that a reload
    /// made stale meanwhile: answers from both sides of a reload would count one process
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
            answers.extend(self.classify(is_fresh, self.ask(scope, again, deadline).await, classified));
        }
    }

    /// Keeps what a call found out, and gives each member its label.
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
        // Comparisons of sockets that are gone.
        table.retain(|_, _| true);
        Self::label(&mut table, records);
        for record in &*records {
            table.set_last_known(record);
        }
    }

    /// Gives each member its label. A label is chosen once, beside those of all other
    /// members, and never changes or goes to another address.
    fn label(table: &mut MembershipTable, records: &mut [Record]) {
        for record in &mut *records {
            record.label = table.label(&record.address).map(|label| (**label).into());
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
            record.label = table.label(&record.address).map(|label| (**label).into());
        }
    }

    /// Addresses of the members.
    pub(super) fn members(&self) -> Vec<Address> {
        let mut members: Vec<_> = self.table().members().map(|(address, _)| address.clone()).collect();
        members.sort();
        members
    }

    pub(super) fn ignored(&self) -> Vec<Ignored> {
        let mut ignored: Vec<_> = self.table().ignored().collect();
        ignored.sort_by(|a, b| a.address.cmp(&b.address));
        ignored
    }

    /// Counts every given address as a member until it proves to be none.
    pub(super) fn expect_addresses(&self, table: &mut MembershipTable) {
        for address in &self.addresses {
            table.set(address.clone(), None, Classification::Member { answered: false });
        }
    }

    /// The error that there is no member: a directory that could not be read, or no
    /// socket that is one.
    pub(super) fn no_members(&self, listing: &Listing) -> Error {
        if let Some(failure) = listing.directories.iter().find_map(|(_, failure)| failure.clone()) {
            let stored = || Error::new(Problem::Unidentified(failure.clone()));
            return failure.error().cloned().unwrap_or_else(stored);
        }
        let dirs = self.dirs.iter().map(|dir| dir.display().to_string());
        let places: Vec<_> = dirs.chain(self.addresses.iter().map(Address::to_string)).collect();
        let mut text = format!("HAProxy stats socket in {}", places.join(", "));
        for (at, ignored) in self.ignored().iter().enumerate() {
            text.push_str(if at == 0 { "; ignored: " } else { ", " });
            text.push_str(&ignored.to_string());
        }
        Error::new(Problem::NotFound(text))
    }

    pub(super) fn table(&self) -> MutexGuard<'_, MembershipTable> {
        // What it holds is whole after every statement.
        self.table.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Asks all of them at once.
    ///
    /// Of more sockets than there are permits some have to wait. So that none of them
    /// waits for one that hangs, each is given up after a share of the time then, and
    /// those that were are asked again when the others have answered.
    async fn ask(&self, scope: &StatFilter, candidates: Vec<Candidate>, deadline: &Deadline) -> Vec<Probe> {
        let rounds = candidates.len().div_ceil(self.permits.count());
        let share = deadline.share(rounds);
        let patience = if rounds > 1 { &share } else { deadline };
        let asking = candidates.into_iter().map(|candidate| self.ask_one(scope, candidate, patience));
        let mut asked = join_all(asking).await;
        if rounds > 1 {
            let is_late =
                |asked: &Probe| matches!(&asked.answer, Err(error) if error.kind() == ErrorKind::Timeout);
            let (late, in_time): (Vec<_>, Vec<_>) = asked.into_iter().partition(is_late);
            asked = in_time;
            let asking = late.into_iter().map(|late| self.ask_one(scope, late.candidate, deadline));
            asked.extend(join_all(asking).await);
        }
        asked
    }

    async fn ask_one(&self, scope: &StatFilter, candidate: Candidate, deadline: &Deadline) -> Probe {
        let member = self.member(&candidate.address);
        let known = self.table().last_known(&candidate.address).cloned();
        let known = known.as_ref().and_then(|head| head.info());
        let answer = member.read_settled(scope, known, deadline).await;
        let read_at = process::now();
        let listed = match &answer {
            Ok(reading) if Nbproc::new(reading.info.nbproc()).shares_sockets() => {
                Some(Listed::find(&reading.sockets, &candidate.address, deadline).await)
            }
            _ => None,
        };
        Probe { candidate, member, answer, read_at, listed }
    }

    /// Finds out which counters of the records are kept in one file with those of other
    /// processes.
    pub(super) async fn find_shared_counters(&self, records: &mut [Record], deadline: &Deadline) {
        self.shared_counters.find(records, &|address| self.member(address), deadline).await;
    }

    pub(crate) fn member(&self, address: &Address) -> ProcessClient {
        let make = || StatsSocket::with_permits(address.clone(), self.limits, Arc::clone(&self.permits));
        ProcessClient { socket: self.table().socket(address, make), source: Arc::clone(&self.source) }
    }
}

/// The answers that are not of the process that answers at their socket by now.
///
/// Probe only if one of the processes has just started: then a reload or a restart is
/// under way, and the other sockets of its host may lead to the new process too.
async fn stale(answers: &[ProbedMember], deadline: &Deadline) -> Vec<usize> {
    let infos = || answers.iter().enumerate().filter_map(|(at, one)| Some((at, one, one.record.info()?)));
    let started: HashSet<&str> =
        infos().filter(|(_, _, info)| is_young(info)).filter_map(|(_, _, info)| info.node()).collect();
    let suspects: Vec<(usize, &ProbedMember, &Info)> =
        infos().filter(|(_, _, info)| info.node().is_some_and(|node| started.contains(node))).collect();
    // One socket alone is read from one process in any case.
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

/// Whether the process has started within the last seconds.
fn is_young(info: &Info) -> bool {
    info.uptime_sec().is_some_and(|seconds| seconds <= YOUNG)
}

/// Seconds after the start of a process in which a reload may be under way.
const YOUNG: u64 = 2;

/// How often answers are read again that a reload made stale.
const ATTEMPTS: usize = 5;
