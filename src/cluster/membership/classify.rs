//! Classification of the probed sockets as members, ignored sockets or absent files.

use std::collections::HashSet;
use std::io;

use super::candidate::{Candidate, Listing};
use super::directory;
use super::directory::{FileId, SocketFile};
use super::listed::Listed;
use super::probe::{Probe, ProbedMember};
use super::state::Membership;
use super::table::{Classification, Entry, IgnoredReason};
use crate::address::Address;
use crate::error::ErrorKind;
use crate::transport::Deadline;

/// The meaning of an answer for a socket that is not a member yet.
enum ProbeResult {
    /// The socket is a member.
    Member,
    /// The socket is ignored.
    Ignore(IgnoredReason),
    /// The file was removed after it was listed and before it was probed.
    Gone,
    /// No process answered, so the answer means nothing.
    Silent,
}

/// The classification of a socket by one call.
#[derive(Debug)]
pub(super) struct Classified {
    pub(super) address: Address,
    pub(super) file: Option<FileId>,
    /// `None` if the socket is gone and never was a member.
    pub(super) classification: Option<Classification>,
}

impl Membership {
    /// Returns every socket that may be probed: the explicitly given addresses, the sockets that
    /// are in the directories now, and the members that have answered before.
    ///
    /// A fresh listing disregards all earlier findings about the sockets.
    pub(crate) async fn candidates(&self, is_fresh: bool, deadline: &Deadline) -> Listing {
        let mut listing = Listing { is_fresh, ..Listing::default() };
        let found = self.list(&mut listing, deadline).await;
        let mut seen = HashSet::new();
        let mut candidates = Vec::new();
        let mut add = |address: &Address, file, given| {
            let is_new = seen.insert(address.clone());
            if is_new {
                candidates.push(Candidate { address: address.clone(), file, given });
            }
            is_new
        };
        for address in &self.addresses {
            // Reading the metadata blocks no longer than connecting to the file.
            add(address, directory::file_id_of(address), true);
        }
        for SocketFile { path, id } in found {
            let name = path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
            let address = Address::from(path);
            let is_new = add(&address, Some(id), false);
            let reason = if self.excluded.iter().any(|pattern| directory::fits(pattern, &name)) {
                IgnoredReason::Excluded
            } else if directory::is_passing(&name) {
                IgnoredReason::Temporary
            } else {
                continue;
            };
            // An explicitly given address is probed, even if its name is excluded.
            if is_new {
                listing.excluded.push((address, id, reason));
            }
        }
        let mut table = self.table();
        if !is_fresh {
            for (address, _) in table.members().filter(|(_, answered)| *answered) {
                add(address, None, false);
            }
            // If a file is gone and never answered, it never was a member.
            table.retain(|address, known| {
                known.file.is_none() || seen.contains(address) || listing.is_out_of_sight(address)
            });
            table.retain_sockets(|address| seen.contains(address));
        }
        let excluded: HashSet<&Address> = listing.excluded.iter().map(|(address, ..)| address).collect();
        candidates.retain(|candidate| {
            if excluded.contains(&candidate.address) {
                return false;
            }
            match table.get(&candidate.address) {
                // A classification stays valid while the file is the same. Explicitly given
                // addresses are probed on every call.
                Some(Entry { file: Some(file), classification: Classification::Ignored(reason) })
                    if !is_fresh =>
                {
                    candidate.given
                        || Some(*file) != candidate.file
                        || matches!(reason, IgnoredReason::Refused | IgnoredReason::Excluded)
                }
                _ => true,
            }
        });
        listing.candidates = candidates;
        listing
    }

    /// Classifies the probed sockets. Returns the members with their answers, and adds the
    /// classification of every socket to `classified`.
    pub(super) fn classify(
        &self,
        is_fresh: bool,
        asked: Vec<Probe>,
        classified: &mut Vec<Classified>,
    ) -> Vec<ProbedMember> {
        let table = self.table();
        let mut answers = Vec::new();
        for asked in asked {
            let probe_result = self.probe_result(&asked);
            let Probe { candidate, member, answer, read_at, .. } = asked;
            let known = table.get(&candidate.address).filter(|_| !is_fresh);
            let before = known.map(|known| &known.classification);
            let answered = matches!(before, Some(Classification::Member { answered: true }));
            let ignored = matches!(before, Some(Classification::Ignored(_)));
            let classification = match probe_result {
                ProbeResult::Gone if !answered => None,
                ProbeResult::Ignore(reason) if !answered => Some(Classification::Ignored(reason)),
                // A master process or another program does not become a member if it does not
                // answer while it restarts.
                ProbeResult::Silent if ignored => continue,
                _ => {
                    let classification = Classification::Member { answered: answered || answer.is_ok() };
                    let mut record = member.record(answer);
                    record.read_at = read_at;
                    answers.push(ProbedMember { candidate: candidate.clone(), member, record });
                    Some(classification)
                }
            };
            classified.push(Classified { address: candidate.address, file: candidate.file, classification });
        }
        answers
    }

    /// Returns the meaning of an answer for a socket that has not been a member so far.
    fn probe_result(&self, asked: &Probe) -> ProbeResult {
        let error = match (&asked.answer, asked.listed) {
            (Ok(_), None | Some(Listed::One)) => return ProbeResult::Member,
            (Ok(_), Some(Listed::Several)) => return ProbeResult::Ignore(IgnoredReason::Shared),
            (Ok(_), Some(Listed::Nowhere)) => return ProbeResult::Ignore(IgnoredReason::Unlisted),
            (Err(error), _) => error,
        };
        // The user expects a process at an address given explicitly, so a failure there is
        // reported. A directory may hold sockets of other programs.
        if asked.candidate.given || asked.candidate.file.is_none() {
            return ProbeResult::Member;
        }
        match (error.kind(), error.io()) {
            (ErrorKind::Connect | ErrorKind::AccessDenied, Some(io)) => match io.kind() {
                io::ErrorKind::NotFound => ProbeResult::Gone,
                io::ErrorKind::ConnectionRefused if self.ignore_refused => {
                    ProbeResult::Ignore(IgnoredReason::Refused)
                }
                _ if is_datagram(io) => ProbeResult::Ignore(IgnoredReason::Datagram),
                _ => ProbeResult::Silent,
            },
            (ErrorKind::Unsupported, _) => ProbeResult::Ignore(IgnoredReason::Master),
            (ErrorKind::NotHaproxy, _) => {
                ProbeResult::Ignore(IgnoredReason::NotHaproxy(error.reason().into()))
            }
            (ErrorKind::Closed | ErrorKind::Io | ErrorKind::Timeout, _) => ProbeResult::Silent,
            _ => ProbeResult::Member,
        }
    }
}

/// Returns `true` if connecting failed because the socket is a datagram socket (`EPROTOTYPE`: 91 on
/// Linux, 41 on other Unix systems).
fn is_datagram(error: &io::Error) -> bool {
    // `io::ErrorKind` has no kind for EPROTOTYPE.
    cfg!(unix) && error.raw_os_error() == Some(if cfg!(target_os = "linux") { 91 } else { 41 })
}
