//! Asking every process at once, and finding out on the way who they are.

use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use futures::future::join_all;
use tokio::sync::Semaphore;
use tracing::Instrument;

use super::directory::{self, SocketFile};
use super::identity::{self, Identity};
use super::roster::{Ignored, IgnoredReason, Known, Roster, Standing};
use crate::Address;
use crate::aggregate::{Record, Snapshot};
use crate::error::{Error, ErrorKind, Problem, Result};
use crate::model::{Reading, Scope};
use crate::process::Member;
use crate::transport::{Deadline, Limits, QUEUE, StatsSocket, Step};

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

const LIST: Step = Step::one("reading the directory", "end of the list");

/// A socket that may be asked.
#[derive(Debug, Clone)]
struct Candidate {
    address: Address,
    /// The file, if it is one of a directory.
    inode: Option<(u64, u64)>,
}

/// A socket that was asked.
struct Asked {
    candidate: Candidate,
    member: Member,
    answer: Result<Reading>,
}

impl Shared {
    /// Asks every member, and every socket of which it is not known yet whether it
    /// is one.
    pub(super) async fn sweep(&self, scope: &Scope) -> Result<Snapshot> {
        let candidates = self.candidates().await?;
        let span = tracing::debug_span!("sweep", sockets = candidates.len());
        async {
            let (spared, asked): (Vec<_>, Vec<_>) =
                candidates.into_iter().partition(|candidate| self.is_duplicate(candidate));
            let mut records = self.judge(self.ask(scope, asked).await);
            // A duplicate is spared as long as the process it leads to answers
            // elsewhere and is still the same.
            let (again, _): (Vec<_>, Vec<_>) =
                spared.into_iter().partition(|candidate| !self.still_duplicate(candidate, &records));
            if !again.is_empty() {
                records.extend(self.judge(self.ask(scope, again).await));
            }
            self.drop_duplicates(&mut records).await;
            let records = records.into_iter().map(|(_, record)| Arc::new(record));
            let snapshot = Snapshot::new(records);
            tracing::debug!(
                processes = snapshot.processes().len(),
                failed = snapshot.failed().count(),
                "sweep"
            );
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
        self.roster().clear();
        self.expect_addresses();
    }

    /// Counts every given address as a member until it proves to be none.
    pub(super) fn expect_addresses(&self) {
        let mut roster = self.roster();
        for address in &self.addresses {
            roster.set(address.clone(), None, Standing::Member { answered: false });
        }
    }

    /// An error if nobody is a member.
    pub(super) fn some_member(&self) -> Result<()> {
        if !self.members().is_empty() {
            return Ok(());
        }
        let places: Vec<_> = self.dirs.iter().map(|dir| dir.display().to_string()).collect();
        let mut text = format!("HAProxy stats socket in {}", places.join(", "));
        for (at, ignored) in self.ignored().iter().enumerate() {
            text.push_str(if at == 0 { "; ignored: " } else { ", " });
            text.push_str(&ignored.to_string());
        }
        Err(Error::new(Problem::NotFound(text)))
    }

    fn roster(&self) -> MutexGuard<'_, Roster> {
        // What it holds is whole after every statement.
        self.roster.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Every socket that might be asked: the given addresses, those in the
    /// directories now, and the members that were there before.
    async fn candidates(&self) -> Result<Vec<Candidate>> {
        let mut candidates: Vec<Candidate> = Vec::new();
        let mut add = |address: Address, inode| {
            if candidates.iter().all(|known: &Candidate| known.address != address) {
                candidates.push(Candidate { address, inode });
            }
        };
        for address in &self.addresses {
            add(address.clone(), None);
        }
        let found = self.list().await?;
        let mut roster = self.roster();
        for SocketFile { path, inode } in found {
            let name = path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
            let address = Address::from(path);
            if self.excluded.iter().any(|pattern| directory::fits(pattern, &name)) {
                roster.set(address, Some(inode), Standing::Ignored(IgnoredReason::Excluded));
                continue;
            }
            add(address, Some(inode));
        }
        for (address, answered) in roster.members() {
            if answered {
                add(address.clone(), None);
            }
        }
        // A file that was there once, and never answered, was never a member; and
        // nothing is remembered of what is ignored and gone.
        let gone = |known: &Known| known.inode.is_some();
        roster.retain(|address, known| {
            candidates.iter().any(|one| one.address == *address)
                || matches!(known.standing, Standing::Ignored(IgnoredReason::Excluded))
                || !gone(known)
        });
        candidates.retain(|candidate| match roster.get(&candidate.address) {
            // What was found to be something else is that as long as it is the
            // same file.
            Some(Known { inode, standing: Standing::Ignored(reason) }) => {
                *inode != candidate.inode || *reason == IgnoredReason::Refused
            }
            _ => true,
        });
        Ok(candidates)
    }

    /// Sockets in the directories, read on a thread that may wait.
    async fn list(&self) -> Result<Vec<SocketFile>> {
        if self.dirs.is_empty() {
            return Ok(Vec::new());
        }
        let dirs = self.dirs.clone();
        let listing = tokio::task::spawn_blocking(move || {
            let mut found = Vec::new();
            for dir in dirs {
                match directory::sockets(&dir) {
                    Ok(sockets) => found.extend(sockets),
                    Err(error) => return Err(Error::new(Problem::Directory { path: dir, error })),
                }
            }
            Ok(found)
        });
        let deadline = Deadline::new(self.limits);
        match deadline.bound(LIST, self.limits.total, listing).await? {
            Ok(found) => found,
            Err(error) => Err(Error::new(Problem::Io(std::io::Error::other(error)))),
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

    fn member(&self, address: &Address) -> Member {
        Member {
            socket: StatsSocket::with_limits(address.clone(), self.limits),
            source: Arc::clone(&self.source),
            label: self.labels.get(address).cloned(),
        }
    }

    /// Sorts what was asked into members, whose records come back, and others.
    fn judge(&self, asked: Vec<Asked>) -> Vec<(Candidate, Record)> {
        let mut roster = self.roster();
        let mut records = Vec::new();
        for Asked { candidate, member, answer } in asked {
            let before = roster.get(&candidate.address).map(|known| &known.standing);
            let answered = matches!(before, Some(Standing::Member { answered: true }));
            match self.reason_to_ignore(&candidate, &answer) {
                Some(Verdict::Gone) if !answered => roster.remove(&candidate.address),
                Some(Verdict::Ignore(reason)) if !answered => {
                    roster.set(candidate.address, candidate.inode, Standing::Ignored(reason));
                }
                _ => {
                    let standing = Standing::Member { answered: answered || answer.is_ok() };
                    roster.set(candidate.address.clone(), candidate.inode, standing);
                    records.push((candidate, member.record(answer)));
                }
            }
        }
        records
    }

    /// Why a socket that has not been a member so far should be none.
    fn reason_to_ignore(&self, candidate: &Candidate, answer: &Result<Reading>) -> Option<Verdict> {
        let of_directory = candidate.inode.is_some();
        let error = match answer {
            Ok(reading) => {
                let several = reading.info.nbproc().is_some_and(|processes| processes > 1);
                let shared = several && identity::is_shared(&reading.sockets, &candidate.address);
                return shared.then_some(Verdict::Ignore(IgnoredReason::Shared));
            }
            Err(error) => error,
        };
        let io = error.io().map(std::io::Error::kind);
        match (error.kind(), io) {
            (ErrorKind::Connect, Some(std::io::ErrorKind::NotFound)) if of_directory => Some(Verdict::Gone),
            (ErrorKind::Connect, Some(std::io::ErrorKind::ConnectionRefused))
                if of_directory && self.ignore_refused =>
            {
                Some(Verdict::Ignore(IgnoredReason::Refused))
            }
            (ErrorKind::Connect, _) if error.io().is_some_and(is_datagram) => {
                Some(Verdict::Ignore(IgnoredReason::Datagram))
            }
            (ErrorKind::Unsupported, _) => Some(Verdict::Ignore(IgnoredReason::Master)),
            (ErrorKind::NotHaproxy, _) => {
                Some(Verdict::Ignore(IgnoredReason::NotHaproxy(error.reason().into())))
            }
            _ => None,
        }
    }

    fn is_duplicate(&self, candidate: &Candidate) -> bool {
        let roster = self.roster();
        roster.get(&candidate.address).is_some_and(|known| {
            matches!(known.standing, Standing::Duplicate { .. }) && known.inode == candidate.inode
        })
    }

    fn still_duplicate(&self, candidate: &Candidate, records: &[(Candidate, Record)]) -> bool {
        let roster = self.roster();
        let Some(Known { standing: Standing::Duplicate { of, identity }, .. }) =
            roster.get(&candidate.address)
        else {
            return false;
        };
        let record = records.iter().find(|(_, record)| record.address == *of);
        record.and_then(|(_, record)| Identity::of(record)).is_some_and(|now| now.fits(identity))
    }

    /// Keeps one of several records of the same process: the one that was read
    /// through the highest level.
    async fn drop_duplicates(&self, records: &mut Vec<(Candidate, Record)>) {
        let level = |record: &Record| record.answer.as_ref().ok().map(|reading| reading.level);
        records.sort_by(|(_, a), (_, b)| level(b).cmp(&level(a)).then_with(|| a.address.cmp(&b.address)));
        let mut kept: Vec<(Candidate, Record)> = Vec::with_capacity(records.len());
        for (candidate, record) in records.drain(..) {
            let mut same = None;
            if let Some(identity) = Identity::of(&record) {
                for (_, other) in &kept {
                    let suspect = Identity::of(other).is_some_and(|of_other| of_other.fits(&identity));
                    if suspect && self.is_same_process(other, &record).await {
                        same = Some((other.address.clone(), identity));
                        break;
                    }
                }
            }
            match same {
                None => kept.push((candidate, record)),
                Some((of, identity)) => {
                    let standing = Standing::Duplicate { of, identity };
                    self.roster().set(candidate.address, candidate.inode, standing);
                }
            }
        }
        *records = kept;
    }

    /// Whether two answers that look alike are of one process: it names both
    /// sockets as its own, or its count of connections goes on from one to the
    /// other.
    async fn is_same_process(&self, a: &Record, b: &Record) -> bool {
        let named = |one: &Record, other: &Record| {
            let list = one.answer.as_ref().map(|reading| &reading.sockets);
            list.is_ok_and(|list| identity::names(list, &one.address, &other.address))
        };
        if named(a, b) || named(b, a) {
            return true;
        }
        let (a, b) = (self.member(&a.address), self.member(&b.address));
        let mut last = None;
        for member in [&a, &b, &a, &b, &a, &b] {
            let connections = member.info(&self.limits).await.ok().and_then(|info| info.cum_conns());
            if connections.is_none() || connections <= last {
                return false;
            }
            last = connections;
        }
        true
    }
}

/// What to do with a socket that is no member.
enum Verdict {
    Ignore(IgnoredReason),
    /// The file went away between being listed and being asked.
    Gone,
}

/// Whether a connection failed because the socket is no stream socket.
fn is_datagram(error: &std::io::Error) -> bool {
    // EPROTOTYPE has no kind of its own.
    cfg!(unix) && error.raw_os_error() == Some(if cfg!(target_os = "linux") { 91 } else { 41 })
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
