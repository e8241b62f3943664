//! Asking every process at once.

use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use futures::future::join_all;
use tokio::sync::Semaphore;
use tracing::Instrument;

use super::candidate::Candidate;
use super::roster::{Ignored, Roster, Standing};
use crate::Address;
use crate::aggregate::{Record, Snapshot};
use crate::error::{Error, Problem, Result};
use crate::model::{Reading, Scope};
use crate::process::Member;
use crate::transport::{Deadline, Limits, QUEUE};

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
    pub(super) turns: Semaphore,
    pub(super) roster: Mutex<Roster>,
}

/// A socket that was asked, and its answer.
pub(super) struct Asked {
    pub(super) candidate: Candidate,
    pub(super) member: Member,
    pub(super) answer: Result<Reading>,
}

/// A member, and what is kept of its answer.
pub(super) type Answered = (Candidate, Record);

impl Shared {
    /// Asks every member, and every socket of which it is not known yet whether it
    /// is one.
    pub(super) async fn sweep(&self, scope: &Scope) -> Result<Snapshot> {
        let candidates = self.candidates().await?;
        let span = tracing::debug_span!("sweep", sockets = candidates.len());
        async {
            let (spared, asked): (Vec<_>, Vec<_>) =
                candidates.into_iter().partition(|candidate| self.is_duplicate(candidate));
            let mut answers = self.judge(self.ask(scope, asked).await);
            let again: Vec<_> = spared
                .into_iter()
                .filter(|candidate| !self.is_still_duplicate(candidate, &answers))
                .collect();
            answers.extend(self.judge(self.ask(scope, again).await));
            let answers = self.without_duplicates(answers).await;
            if answers.is_empty() {
                return Err(self.nobody());
            }
            let snapshot = Snapshot::new(answers.into_iter().map(|(_, record)| Arc::new(record)));
            let failed = snapshot.failed().count();
            tracing::debug!(processes = snapshot.processes().len(), failed, "sweep");
            Ok(snapshot)
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

    pub(super) fn member(&self, address: &Address) -> Member {
        Member {
            socket: self.roster().socket(address, self.limits),
            source: Arc::clone(&self.source),
            label: self.labels.get(address).cloned(),
        }
    }

    /// Asks all of them at once.
    async fn ask(&self, scope: &Scope, candidates: Vec<Candidate>) -> Vec<Asked> {
        let deadline = &Deadline::new(self.limits);
        join_all(candidates.into_iter().map(|candidate| async move {
            let member = self.member(&candidate.address);
            let answer = self.in_turn(scope, deadline, &member).await;
            Asked { candidate, member, answer }
        }))
        .await
    }

    /// Reads one process as soon as there is a turn; waiting for it counts.
    async fn in_turn(&self, scope: &Scope, deadline: &Deadline, member: &Member) -> Result<Reading> {
        let turn = deadline.bound(QUEUE, self.limits.total, self.turns.acquire()).await;
        let _turn = turn.map_err(|error| error.at(member.address()))?;
        member.read(scope, deadline).await
    }
}

/// Turns for that many connections.
pub(super) fn turns(connections: usize) -> Semaphore {
    Semaphore::new(connections.clamp(1, Semaphore::MAX_PERMITS))
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
