//! Which sockets to ask, and what they turn out to be.

use std::collections::HashSet;
use std::io;

use super::directory::{self, FileId, SocketFile};
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
    /// The file, if it is one.
    pub(super) file: Option<FileId>,
    /// Whether the address was given, and not found in a directory.
    pub(super) given: bool,
}

/// What an answer says of a socket.
enum Verdict {
    /// It is one of HAProxy's.
    Member,
    /// It is of no use.
    Ignore(IgnoredReason),
    /// The file went away between being listed and being asked.
    Gone,
    /// Nothing: nobody answered.
    Silent,
}

const LIST: Step = Step::one("reading the directory", "end of the list");

impl Shared {
    /// Every socket that might be asked: the given addresses, those in the
    /// directories now, and the members that were there before.
    pub(super) async fn candidates(&self, deadline: &Deadline) -> Result<Vec<Candidate>> {
        let found = self.list(deadline).await?;
        let mut roster = self.roster();
        let mut seen = HashSet::new();
        let mut candidates = Vec::new();
        let mut add = |address: &Address, file, given| {
            if seen.insert(address.clone()) {
                candidates.push(Candidate { address: address.clone(), file, given });
            }
        };
        for address in &self.addresses {
            // Looking it up takes what connecting to it takes.
            let file = match address {
                Address::Unix(path) => directory::file_id(path),
                _ => None,
            };
            add(address, file, true);
        }
        for SocketFile { path, id } in found {
            let name = path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
            let address = Address::from(path);
            add(&address, Some(id), false);
            let reason = if self.excluded.iter().any(|pattern| directory::fits(pattern, &name)) {
                IgnoredReason::Excluded
            } else if directory::is_passing(&name) {
                IgnoredReason::Passing
            } else {
                continue;
            };
            roster.set(address, Some(id), Standing::Ignored(reason));
        }
        for (address, _) in roster.members().filter(|(_, answered)| *answered) {
            add(address, None, false);
        }
        // A file that went away and never answered was never a member.
        roster.retain(|address, known| known.file.is_none() || seen.contains(address));
        roster.retain_sockets(|address| seen.contains(address));
        candidates.retain(|candidate| match roster.get(&candidate.address) {
            // What a file was found to be it is as long as it is the same file. A
            // given address is asked each time.
            Some(Known { file: Some(file), standing: Standing::Ignored(reason) }) => {
                candidate.given || Some(*file) != candidate.file || *reason == IgnoredReason::Refused
            }
            _ => true,
        });
        Ok(candidates)
    }

    /// Sockets in the directories, read on a thread that may wait.
    async fn list(&self, deadline: &Deadline) -> Result<Vec<SocketFile>> {
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
        match deadline.bound(LIST, self.limits.total, listing).await? {
            Ok(found) => found,
            Err(error) => Err(Error::new(Problem::Io(io::Error::other(error)))),
        }
    }

    /// Sorts what was asked into members, whose answers come back, and others.
    pub(super) fn judge(&self, asked: Vec<Asked>) -> Vec<Answered> {
        let mut roster = self.roster();
        let mut answers = Vec::new();
        for Asked { candidate, member, answer } in asked {
            let before = roster.get(&candidate.address).map(|known| &known.standing);
            let answered = matches!(before, Some(Standing::Member { answered: true }));
            let ignored = matches!(before, Some(Standing::Ignored(_)));
            match self.verdict(&candidate, &answer) {
                Verdict::Gone if !answered => roster.remove(&candidate.address),
                Verdict::Ignore(reason) if !answered => {
                    roster.set(candidate.address, candidate.file, Standing::Ignored(reason));
                }
                // A master, or another program, that starts anew does not become a
                // member for not answering meanwhile.
                Verdict::Silent if ignored => {}
                _ => {
                    let standing = Standing::Member { answered: answered || answer.is_ok() };
                    roster.set(candidate.address.clone(), candidate.file, standing);
                    let record = member.record(answer);
                    answers.push(Answered { candidate, member, record });
                }
            }
        }
        answers
    }

    /// What an answer says of a socket that has not been a member so far.
    fn verdict(&self, candidate: &Candidate, answer: &Result<Reading>) -> Verdict {
        let error = match answer {
            Ok(reading) => {
                let several = reading.info.nbproc().is_some_and(|processes| processes > 1);
                let shared = several && identity::is_shared(&reading.sockets, &candidate.address);
                return if shared { Verdict::Ignore(IgnoredReason::Shared) } else { Verdict::Member };
            }
            Err(error) => error,
        };
        // Who was given an address wants a process there, and hears of it if there
        // is none. Of a directory nobody said that all in it is HAProxy's.
        if candidate.given || candidate.file.is_none() {
            return Verdict::Member;
        }
        match (error.kind(), error.io()) {
            (ErrorKind::Connect, Some(io)) => match io.kind() {
                io::ErrorKind::NotFound => Verdict::Gone,
                io::ErrorKind::ConnectionRefused if self.ignore_refused => {
                    Verdict::Ignore(IgnoredReason::Refused)
                }
                _ if is_datagram(io) => Verdict::Ignore(IgnoredReason::Datagram),
                _ => Verdict::Silent,
            },
            (ErrorKind::Unsupported, _) => Verdict::Ignore(IgnoredReason::Master),
            (ErrorKind::NotHaproxy, _) => Verdict::Ignore(IgnoredReason::NotHaproxy(error.reason().into())),
            (ErrorKind::Closed | ErrorKind::Io | ErrorKind::Timeout, _) => Verdict::Silent,
            _ => Verdict::Member,
        }
    }
}

/// Whether a connection failed because the socket is no stream socket.
fn is_datagram(error: &io::Error) -> bool {
    // EPROTOTYPE has no kind of its own.
    cfg!(unix) && error.raw_os_error() == Some(if cfg!(target_os = "linux") { 91 } else { 41 })
}
