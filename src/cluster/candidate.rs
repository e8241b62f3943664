//! Which sockets to ask, and what they turn out to be.

use std::collections::HashSet;
use std::io;

use super::directory::{self, SocketFile};
use super::identity;
use super::roster::{IgnoredReason, Known, Standing};
use super::sweep::{Answered, Asked, Shared};
use crate::Address;
use crate::error::{Error, ErrorKind, Problem, Result};
use crate::model::Reading;
use crate::transport::{Deadline, Step};

/// A socket that may be asked.
#[derive(Debug, Clone)]
pub(super) struct Candidate {
    pub(super) address: Address,
    /// The file, if it is one of a directory.
    pub(super) inode: Option<(u64, u64)>,
}

/// What to do with a socket that is no member.
enum Verdict {
    Ignore(IgnoredReason),
    /// The file went away between being listed and being asked.
    Gone,
}

const LIST: Step = Step::one("reading the directory", "end of the list");

impl Shared {
    /// Every socket that might be asked: the given addresses, those in the
    /// directories now, and the members that were there before.
    pub(super) async fn candidates(&self) -> Result<Vec<Candidate>> {
        let found = self.list().await?;
        let mut roster = self.roster();
        let mut seen = HashSet::new();
        let mut candidates = Vec::new();
        let mut add = |address: &Address, inode| {
            if seen.insert(address.clone()) {
                candidates.push(Candidate { address: address.clone(), inode });
            }
        };
        for address in &self.addresses {
            add(address, None);
        }
        for SocketFile { path, inode } in found {
            let name = path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
            let address = Address::from(path);
            add(&address, Some(inode));
            if self.excluded.iter().any(|pattern| directory::fits(pattern, &name)) {
                roster.set(address, Some(inode), Standing::Ignored(IgnoredReason::Excluded));
            }
        }
        for (address, _) in roster.members().filter(|(_, answered)| *answered) {
            add(address, None);
        }
        // A file that went away and never answered was never a member.
        roster.retain(|address, known| known.inode.is_none() || seen.contains(address));
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
            for path in dirs {
                match directory::sockets(&path) {
                    Ok(sockets) => found.extend(sockets),
                    Err(error) => return Err(Error::new(Problem::Directory { path, error })),
                }
            }
            Ok(found)
        });
        let deadline = Deadline::new(self.limits);
        match deadline.bound(LIST, self.limits.total, listing).await? {
            Ok(found) => found,
            Err(error) => Err(Error::new(Problem::Io(io::Error::other(error)))),
        }
    }

    /// Sorts what was asked into members, whose records come back, and others.
    pub(super) fn judge(&self, asked: Vec<Asked>) -> Vec<Answered> {
        let mut roster = self.roster();
        let mut answers = Vec::new();
        for Asked { candidate, member, answer } in asked {
            let before = roster.get(&candidate.address).map(|known| &known.standing);
            let answered = matches!(before, Some(Standing::Member { answered: true }));
            match self.verdict(&candidate, &answer) {
                Some(Verdict::Gone) if !answered => roster.remove(&candidate.address),
                Some(Verdict::Ignore(reason)) if !answered => {
                    roster.set(candidate.address, candidate.inode, Standing::Ignored(reason));
                }
                _ => {
                    let standing = Standing::Member { answered: answered || answer.is_ok() };
                    roster.set(candidate.address.clone(), candidate.inode, standing);
                    answers.push((candidate, member.record(answer)));
                }
            }
        }
        answers
    }

    /// Why a socket that has not been a member so far should be none.
    fn verdict(&self, candidate: &Candidate, answer: &Result<Reading>) -> Option<Verdict> {
        let error = match answer {
            Ok(reading) => {
                let several = reading.info.nbproc().is_some_and(|processes| processes > 1);
                let shared = several && identity::is_shared(&reading.sockets, &candidate.address);
                return shared.then_some(Verdict::Ignore(IgnoredReason::Shared));
            }
            Err(error) => error,
        };
        let of_directory = candidate.inode.is_some();
        let ignore = |reason| Some(Verdict::Ignore(reason));
        match (error.kind(), error.io().map(io::Error::kind)) {
            (ErrorKind::Connect, Some(io::ErrorKind::NotFound)) if of_directory => Some(Verdict::Gone),
            (ErrorKind::Connect, Some(io::ErrorKind::ConnectionRefused))
                if of_directory && self.ignore_refused =>
            {
                ignore(IgnoredReason::Refused)
            }
            (ErrorKind::Connect, _) if error.io().is_some_and(is_datagram) => ignore(IgnoredReason::Datagram),
            (ErrorKind::Unsupported, _) => ignore(IgnoredReason::Master),
            (ErrorKind::NotHaproxy, _) => ignore(IgnoredReason::NotHaproxy(error.reason().into())),
            _ => None,
        }
    }
}

/// Whether a connection failed because the socket is no stream socket.
fn is_datagram(error: &io::Error) -> bool {
    // EPROTOTYPE has no kind of its own.
    cfg!(unix) && error.raw_os_error() == Some(if cfg!(target_os = "linux") { 91 } else { 41 })
}
