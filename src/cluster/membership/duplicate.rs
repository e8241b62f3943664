//! Duplicates: a process that answers at several sockets counts once.

use std::collections::{HashMap, HashSet};

use futures::FutureExt as _;
use futures::future::{BoxFuture, join_all};

use super::candidate::Candidate;
use super::classify::Classified;
use super::directory;
use super::directory::FileId;
use super::probe::{Probe, ProbedMember};
use super::state::Membership;
use super::table::{Classification, Entry, Socket};
use crate::address::Address;
use crate::cluster::identity::Identity;
use crate::error::{Error, Problem, Result};
use crate::process::ProcessClient;
use crate::snapshot::Record;
use crate::transport::{Deadline, Step};

/// Number of connections that one socket gets between two readings of a counter.
const BURST: usize = 8;

const COMPARE: Step = Step::new("comparing with another socket", "turn");

/// A socket, and the identity that the process behind it reported.
struct Alike<'a> {
    member: &'a ProcessClient,
    file: Option<FileId>,
    identity: &'a Identity,
}

impl Membership {
    /// Returns the candidates that were duplicates in the last read. A candidate is left out if its
    /// file has been replaced since, or if the file of the socket that it duplicates has been
    /// replaced.
    pub(crate) fn duplicates(&self, candidates: &[Candidate]) -> HashSet<Address> {
        let table = self.table();
        if !table.has_duplicates() {
            return HashSet::new();
        }
        let files: HashMap<&Address, Option<FileId>> =
            candidates.iter().map(|candidate| (&candidate.address, candidate.file)).collect();
        let is_as_before = |address: &Address| {
            let file = files.get(address).copied().flatten();
            table.get(address).is_some_and(|known| known.file == file)
        };
        let is_duplicate = |candidate: &&Candidate| match table.get(&candidate.address) {
            Some(Entry { classification: Classification::Duplicate { of, .. }, .. }) => {
                is_as_before(&candidate.address) && is_as_before(of)
            }
            _ => false,
        };
        candidates.iter().filter(is_duplicate).map(|candidate| candidate.address.clone()).collect()
    }

    /// Returns the former duplicates that must be read after all, because their process has not
    /// answered through the other socket this time, or because the process is another one now.
    pub(super) fn no_duplicates_any_more(
        &self,
        asked: Vec<Probe>,
        answers: &[ProbedMember],
    ) -> Vec<Candidate> {
        let table = self.table();
        let must_be_read = |asked: &Probe| {
            let Some(Entry { classification: Classification::Duplicate { of, identity }, .. }) =
                table.get(&asked.candidate.address)
            else {
                return true;
            };
            // A duplicate that does not answer is no loss: its process is read through the other
            // socket.
            let Ok(reading) = &asked.answer else { return false };
            let fits = |now: Option<Identity>| now.is_some_and(|now| now.fits(identity));
            let elsewhere = answers.iter().find(|one| one.record.address == *of);
            !(fits(Identity::new(&reading.info, asked.read_at))
                && elsewhere.is_some_and(|one| fits(Identity::of(&one.record))))
        };
        asked.into_iter().filter(must_be_read).map(|asked| asked.candidate).collect()
    }

    /// Returns the process of each answer, as the index of the first answer of the same process.
    /// Sorts the answers: answers through a socket of a higher level come first.
    pub(super) async fn processes(
        &self,
        answers: &mut [ProbedMember],
        deadline: &Deadline,
    ) -> Vec<Result<usize>> {
        let level = |one: &ProbedMember| one.record.answer.as_ref().ok().map(|reading| reading.level);
        answers.sort_by(|a, b| level(b).cmp(&level(a)).then_with(|| a.record.address.cmp(&b.record.address)));
        let identities: Vec<_> = answers.iter().map(|one| Identity::of(&one.record)).collect();
        let mut processes: Vec<Result<usize>> = (0..answers.len()).map(Ok).collect();
        for group in groups(&identities) {
            let sockets = group.iter().filter_map(|at| {
                let identity = identities.get(*at)?.as_ref()?;
                let one = answers.get(*at)?;
                Some((*at, Alike { member: &one.member, file: one.candidate.file, identity }))
            });
            let (places, alike): (Vec<usize>, Vec<Alike<'_>>) = sockets.unzip();
            for (found, at) in self.processes_of(&alike, deadline).await.into_iter().zip(&places) {
                if let Some(process) = processes.get_mut(*at) {
                    *process = found.map(|first| places.get(first).copied().unwrap_or(*at));
                }
            }
        }
        processes
    }

    /// Keeps one of several answers of the same process, and classifies the others as duplicates.
    pub(super) fn without_duplicates(
        answers: Vec<ProbedMember>,
        processes: Vec<Result<usize>>,
        classified: &mut Vec<Classified>,
    ) -> Vec<Record> {
        let address_of = |(at, process): (usize, &Result<usize>)| {
            let first = process.as_ref().ok().filter(|first| **first != at)?;
            Some(answers.get(*first)?.record.address.clone())
        };
        let duplicated: Vec<Option<Address>> = processes.iter().enumerate().map(address_of).collect();
        let mut kept = Vec::with_capacity(answers.len());
        for ((one, process), of) in answers.into_iter().zip(processes).zip(duplicated) {
            match (process, of) {
                (Ok(_), Some(of)) => {
                    let Some(identity) = Identity::of(&one.record) else { continue };
                    let Candidate { address, file, .. } = one.candidate;
                    let classification = Some(Classification::Duplicate { of, identity });
                    classified.push(Classified { address, file, classification });
                }
                (Ok(_), None) => kept.push(one.record),
                // The answer would be counted twice or not at all, and both may be wrong. Report
                // the error instead.
                (Err(error), _) => kept.push(one.member.record(Err(error), one.record.read_at)),
            }
        }
        kept
    }

    /// Returns the process of each socket, as the index of the first socket that leads to the same
    /// process. The identities of all sockets fit.
    ///
    /// The list of sockets that a process prints is not used as evidence: in containers, the same
    /// names mean different sockets.
    async fn processes_of(&self, sockets: &[Alike<'_>], deadline: &Deadline) -> Vec<Result<usize>> {
        // Workers of one master with one process ID.
        let masters: HashSet<_> = sockets.iter().map(|one| one.member.address().master()).collect();
        if masters.len() == 1 && !masters.contains(&None) {
            return vec![Ok(0); sockets.len()];
        }
        let own = || (0..sockets.len()).map(Ok).collect();
        if self.are_all_distinct(sockets) {
            return own();
        }
        // Only one comparison runs at a time, because a comparison raises the counters that it
        // compares.
        let turn = deadline.timeout(COMPARE, self.limits.command_timeout, self.comparing.lock()).await;
        let Ok(turn) = turn else {
            // The first socket counts in any case.
            let late = |(at, one): (usize, &Alike<'_>)| match at {
                0 => Ok(0),
                _ => Err(deadline.passed(COMPARE).at(one.member.address())),
            };
            return sockets.iter().enumerate().map(late).collect();
        };
        if self.are_all_distinct(sockets) {
            return own();
        }
        let found = compare(sockets, deadline).await;
        drop(turn);
        if found.iter().all(Result::is_ok) {
            let compared = sockets.iter().zip(&found).filter_map(|(one, process)| {
                let process = *process.as_ref().ok()?;
                Some((one.key(), process))
            });
            self.table().set_compared(compared);
        }
        found
    }

    /// Returns `true` if an earlier comparison found different processes behind all sockets.
    fn are_all_distinct(&self, sockets: &[Alike<'_>]) -> bool {
        self.table().are_all_distinct(sockets.iter().map(Alike::key))
    }

    /// Returns `true` if two sockets lead to one process. Compares the sockets if no earlier
    /// comparison has the answer.
    ///
    /// # Errors
    ///
    /// - The error of the comparison, if the sockets could not be compared, or if another process
    ///   answers at one of them by now.
    pub(crate) fn is_one_process<'a>(
        &'a self,
        identity: &'a Identity,
        one: &'a ProcessClient,
        other: &'a ProcessClient,
        deadline: &'a Deadline,
    ) -> BoxFuture<'a, Result<bool>> {
        let compare = async move {
            let sockets = [one, other].map(|member| {
                let file = directory::file_id_of(member.address());
                Alike { member, file, identity }
            });
            let found = self.processes_of(&sockets, deadline).await;
            let mut processes = found.into_iter();
            match (processes.next(), processes.next()) {
                (Some(Ok(one)), Some(Ok(other))) => Ok(one == other),
                (Some(Err(error)), _) | (_, Some(Err(error))) => Err(error),
                _ => Ok(false),
            }
        };
        compare.boxed()
    }
}

impl Alike<'_> {
    fn key(&self) -> Socket {
        let (address, identity) = (self.member.address().clone(), self.identity.clone());
        Socket { address, file: self.file, identity }
    }
}

/// Returns the groups of two or more indices with fitting identities.
fn groups(identities: &[Option<Identity>]) -> Vec<Vec<usize>> {
    let known = identities.iter().enumerate().filter_map(|(at, identity)| Some((identity.as_ref()?, at)));
    let mut known: Vec<(&Identity, usize)> = known.collect();
    known.sort_by_key(|(identity, _)| identity.pid());
    let mut groups: Vec<Vec<usize>> = Vec::new();
    let alike = known.chunk_by(|(one, _), (other, _)| one.pid() == other.pid());
    for alike in alike.filter(|alike| alike.len() > 1) {
        let mut of_pid: Vec<(&Identity, Vec<usize>)> = Vec::new();
        for (identity, at) in alike {
            match of_pid.iter_mut().find(|(first, _)| first.fits(identity)) {
                Some((_, group)) => group.push(*at),
                None => of_pid.push((identity, vec![*at])),
            }
        }
        groups.extend(of_pid.into_iter().map(|(_, group)| group).filter(|group| group.len() > 1));
    }
    groups.sort_unstable();
    groups
}

/// Compares the sockets. Returns the result of [`Membership::processes_of`].
///
/// Each connection adds one to the connection counter (`CumConns`) of its process. In each round,
/// some of the sockets get a burst of connections. If the counter of another socket does not rise
/// by the size of the burst, that socket leads to another process than each of the sockets with a
/// burst. The binary digits of the number of a socket select the rounds in which it gets a burst.
/// Every two sockets therefore differ in at least one round, and seven rounds are enough for a
/// hundred sockets.
///
/// Counters also rise for other reasons, so sockets that seem to lead to one process are compared
/// pair by pair at the end.
async fn compare(sockets: &[Alike<'_>], deadline: &Deadline) -> Vec<Result<usize>> {
    let mut found: Vec<Result<usize>> = (0..sockets.len()).map(Ok).collect();
    let mut distinct: HashSet<(usize, usize)> = HashSet::new();
    if sockets.len() > 2 {
        for round in 0..usize::BITS - (sockets.len() - 1).leading_zeros() {
            let is_burst = |at: usize| at >> round & 1 == 1;
            let before = counts(sockets, &mut found, deadline).await;
            let bursts = sockets.iter().enumerate().filter(|(at, _)| is_burst(*at));
            join_all(bursts.map(|(_, one)| burst(one, deadline))).await;
            let after = counts(sockets, &mut found, deadline).await;
            let risen: Vec<bool> =
                before.iter().zip(&after).map(|(before, after)| has_risen(*before, *after)).collect();
            for (at, _) in risen.iter().enumerate().filter(|(_, risen)| !**risen) {
                distinct
                    .extend((0..sockets.len()).filter(|other| is_burst(*other)).map(|other| pair(at, other)));
            }
        }
    }
    let mut firsts: Vec<usize> = Vec::new();
    for at in 0..sockets.len() {
        let candidates: Vec<usize> =
            firsts.iter().copied().filter(|first| !distinct.contains(&pair(at, *first))).collect();
        for first in candidates {
            let is_open = |one: usize| matches!(found.get(one), Some(Ok(process)) if *process == one);
            if !is_open(first) || !is_open(at) {
                continue;
            }
            let (Some(one), Some(other)) = (sockets.get(first), sockets.get(at)) else { continue };
            let (place, process) = match is_same(one, other, deadline).await {
                Ok(false) => continue,
                Ok(true) => (at, Ok(first)),
                // The error belongs to the socket that could not be read, not to the other one.
                Err(error) if error.address() == Some(one.member.address()) => (first, Err(error)),
                Err(error) => (at, Err(error)),
            };
            if let Some(found) = found.get_mut(place) {
                *found = process;
            }
        }
        if matches!(found.get(at), Some(Ok(process)) if *process == at) {
            firsts.push(at);
        }
    }
    found
}

fn pair(one: usize, other: usize) -> (usize, usize) {
    (one.min(other), one.max(other))
}

/// Returns `true` if a counter rose by at least one burst, or if one of the two readings is not
/// known.
fn has_risen(before: Option<u64>, after: Option<u64>) -> bool {
    match (before, after) {
        (Some(before), Some(after)) => after.wrapping_sub(before) >= BURST as u64,
        _ => true,
    }
}

/// Reads the counters of all sockets at once. Stores the error of a socket that does not report its
/// counter in `found`.
async fn counts(sockets: &[Alike<'_>], found: &mut [Result<usize>], deadline: &Deadline) -> Vec<Option<u64>> {
    let asking = sockets.iter().zip(&*found).map(|(one, found)| async move {
        match found {
            Ok(_) => Some(count(one, deadline).await),
            Err(_) => None,
        }
    });
    let counts = join_all(asking).await;
    let keep = |(count, found): (Option<Result<u64>>, &mut Result<usize>)| match count? {
        Ok(count) => Some(count),
        Err(error) => {
            *found = Err(error);
            None
        }
    };
    counts.into_iter().zip(found).map(keep).collect()
}

/// Raises the counter of a process by one burst. An error is not reported here: the next reading of
/// the counter reports it.
async fn burst(socket: &Alike<'_>, deadline: &Deadline) {
    for _ in 0..BURST {
        if count(socket, deadline).await.is_err() {
            return;
        }
    }
}

/// Returns `true` if the counter of one socket continues at the other socket and back, in both
/// directions.
async fn is_same(one: &Alike<'_>, other: &Alike<'_>, deadline: &Deadline) -> Result<bool> {
    Ok(counts_go_on(one, other, deadline).await? && counts_go_on(other, one, deadline).await?)
}

/// Returns `true` if the counter at `around` continues at `burst` and back.
///
/// Each reading adds one to the counter. Two processes with counters that happen to be close look
/// the same for a while. A burst at one of them does not raise the counter of the other and so
/// tells them apart.
async fn counts_go_on(burst: &Alike<'_>, around: &Alike<'_>, deadline: &Deadline) -> Result<bool> {
    let mut last = count(around, deadline).await?;
    for socket in std::iter::repeat_n(burst, BURST).chain([around]) {
        let next = count(socket, deadline).await?;
        if next <= last {
            return Ok(false);
        }
        last = next;
    }
    Ok(true)
}

/// Returns the number of connections that the process behind a socket has accepted, this one
/// included.
async fn count(socket: &Alike<'_>, deadline: &Deadline) -> Result<u64> {
    let (info, read_at) = socket.member.info(deadline).await?;
    let problem = match info.cum_conns() {
        Some(_) if !Identity::new(&info, read_at).is_some_and(|now| now.fits(socket.identity)) => {
            Problem::Replaced
        }
        Some(count) => return Ok(count),
        None => Problem::NotFound("key \"CumConns\" in `show info`".into()),
    };
    Err(Error::new(problem).at(socket.member.address()))
}
