//! Asking every process at once.

use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use futures::future::{join, join_all};
use tokio::sync::Semaphore;
use tracing::Instrument;

use super::candidate::Candidate;
use super::roster::{Ignored, Roster, Standing};
use crate::Address;
use crate::aggregate::{Record, Snapshot};
use crate::error::{Error, Problem, Result};
use crate::model::{Reading, Scope};
use crate::process::Member;
use crate::transport::{Deadline, Limits, StatsSocket};

/// What all views of one cluster share.
pub(super) struct Shared {
    pub(super) source: Arc<str>,
    pub(super) dirs: Vec<PathBuf>,
    pub(super) addresses: Vec<Address>,
    pub(super) labels: HashMap<Address, Box<str>>,
    pub(super) limits: Limits,
    pub(super) excluded: Vec<Box<str>>,
    pub(super) ignore_refused: bool,
    /// One for each connection that may be open.
    pub(super) turns: Arc<Semaphore>,
    pub(super) roster: Mutex<Roster>,
    /// Held while it is found out whether two sockets lead to one process.
    pub(super) comparing: tokio::sync::Mutex<()>,
}

/// A socket that was asked, and its answer.
pub(super) struct Asked {
    pub(super) candidate: Candidate,
    pub(super) member: Member,
    pub(super) answer: Result<Reading>,
}

/// A member, and what is kept of its answer.
pub(super) struct Answered {
    pub(super) candidate: Candidate,
    pub(super) member: Member,
    pub(super) record: Record,
}

impl Shared {
    /// Asks every member, and every socket of which it is not known yet whether it
    /// is one. All of it shares one time limit.
    pub(super) async fn sweep(&self, scope: &Scope, limits: Limits) -> Result<Snapshot> {
        let deadline = &Deadline::new(limits);
        let candidates = self.candidates(deadline).await?;
        let records = self.records(scope, candidates, deadline).await?;
        Ok(Snapshot::new(records.into_iter().map(Arc::new)))
    }

    /// What the members among `candidates` answer.
    pub(super) async fn records(
        &self,
        scope: &Scope,
        candidates: Vec<Candidate>,
        deadline: &Deadline,
    ) -> Result<Vec<Record>> {
        let span = tracing::debug_span!("sweep", sockets = candidates.len());
        async {
            let (doubles, others): (Vec<_>, Vec<_>) =
                candidates.into_iter().partition(|candidate| self.is_duplicate(candidate));
            // Of a duplicate only who it is, for as long as that stays so.
            let asked = self.ask(scope, others, deadline);
            let (asked, doubles) = join(asked, self.ask(&Scope::Nothing, doubles, deadline)).await;
            let mut answers = self.judge(asked);
            let again = self.no_duplicates_any_more(doubles, &answers);
            answers.extend(self.judge(self.ask(scope, again, deadline).await));
            let records = self.without_duplicates(answers, deadline).await;
            if records.is_empty() {
                return Err(self.nobody());
            }
            let failed = records.iter().filter(|record| record.answer.is_err()).count();
            tracing::debug!(processes = records.len(), failed, "sweep");
            let mut roster = self.roster();
            for record in &records {
                roster.set_head(record);
            }
            drop(roster);
            Ok(records)
        }
        .instrument(span)
        .await
    }

    /// Addresses of the members.
    pub(super) fn members(&self) -> Vec<Address> {
        let mut members: Vec<_> = self.roster().members().map(|(address, _)| address.clone()).collect();
        members.sort();
        members
    }

    pub(super) fn ignored(&self) -> Vec<Ignored> {
        let mut ignored: Vec<_> = self.roster().ignored().collect();
        ignored.sort_by(|a, b| a.address.cmp(&b.address));
        ignored
    }

    /// Forgets everybody but the addresses that were given.
    pub(super) fn forget(&self) {
        self.roster().retain(|_, _| false);
        self.expect_addresses();
    }

    /// Counts every given address as a member until it proves to be none.
    pub(super) fn expect_addresses(&self) {
        let mut roster = self.roster();
        for address in &self.addresses {
            roster.set(address.clone(), None, Standing::Member { answered: false });
        }
    }

    /// The error that there is no member.
    pub(super) fn nobody(&self) -> Error {
        let dirs = self.dirs.iter().map(|dir| dir.display().to_string());
        let places: Vec<_> = dirs.chain(self.addresses.iter().map(Address::to_string)).collect();
        let mut text = format!("HAProxy stats socket in {}", places.join(", "));
        for (at, ignored) in self.ignored().iter().enumerate() {
            text.push_str(if at == 0 { "; ignored: " } else { ", " });
            text.push_str(&ignored.to_string());
        }
        Error::new(Problem::NotFound(text))
    }

    pub(super) fn roster(&self) -> MutexGuard<'_, Roster> {
        // What it holds is whole after every statement.
        self.roster.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Asks all of them at once.
    async fn ask(&self, scope: &Scope, candidates: Vec<Candidate>, deadline: &Deadline) -> Vec<Asked> {
        join_all(candidates.into_iter().map(|candidate| async move {
            let member = self.member(&candidate.address);
            let answer = member.read(scope, deadline).await;
            Asked { candidate, member, answer }
        }))
        .await
    }

    pub(super) fn member(&self, address: &Address) -> Member {
        let make = || StatsSocket::with_turns(address.clone(), self.limits, Arc::clone(&self.turns));
        Member {
            socket: self.roster().socket(address, make),
            source: Arc::clone(&self.source),
            label: self.labels.get(address).cloned(),
        }
    }
}

/// Turns for that many connections.
pub(super) fn turns(connections: usize) -> Arc<Semaphore> {
    Arc::new(Semaphore::new(connections.clamp(1, Semaphore::MAX_PERMITS)))
}

/// Name of this machine; `localhost` where it does not say.
pub(super) fn host_name() -> Arc<str> {
    let files = ["/proc/sys/kernel/hostname", "/etc/hostname"];
    let from_file = files.iter().find_map(|path| std::fs::read_to_string(path).ok());
    let name = from_file.or_else(|| std::env::var("HOSTNAME").ok()).unwrap_or_default();
    match name.trim() {
        "" => "localhost".into(),
        name => name.into(),
    }
}
