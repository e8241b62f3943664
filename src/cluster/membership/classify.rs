//! Classification of the probed sockets as members, ignored sockets or absent files.

use std::io;

use super::directory::FileId;
use super::listed::Listed;
use super::probe::{Probe, ProbedMember};
use super::state::Membership;
use super::table::{Classification, IgnoredReason};
use crate::address::{Address, WorkerId};
use crate::cluster::identity::Identity;
use crate::error::ErrorKind;

/// The meaning of an answer for a socket that is not a member yet.
enum ProbeResult {
    /// The socket is a member.
    Member,
    /// The socket is ignored.
    Ignore(IgnoredReason),
    /// The socket is ignored, because several processes of `nbproc` may answer at it.
    Shared(IgnoredReason),
    /// The file was removed, or the worker ended, after it was listed and before it was probed.
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
            let ignored = matches!(before, Some(Classification::Ignored(_) | Classification::Shared { .. }));
            let classification = match probe_result {
                ProbeResult::Gone if !answered || candidate.address.worker().is_some() => None,
                ProbeResult::Ignore(reason) if !answered => Some(Classification::Ignored(reason)),
                ProbeResult::Shared(reason) if !answered => {
                    let report = answer.as_ref().ok();
                    let identity = report.and_then(|report| Identity::new(&report.info, read_at));
                    Some(Classification::Shared { reason, identity })
                }
                // A master process or another program does not become a member if it does not
                // answer while it restarts.
                ProbeResult::Silent if ignored => continue,
                _ => {
                    let classification = Classification::Member { answered: answered || answer.is_ok() };
                    let record = member.record(answer, read_at);
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
            (Ok(_), Some(Listed::Several)) => return ProbeResult::Shared(IgnoredReason::Shared),
            (Ok(_), Some(Listed::Nowhere)) => return ProbeResult::Shared(IgnoredReason::Unlisted),
            (Err(error), _) => error,
        };
        // An old worker that has ended meanwhile.
        if error.kind() == ErrorKind::NotFound
            && asked.candidate.address.worker().is_some_and(|worker| worker != WorkerId::Number(1))
        {
            return ProbeResult::Gone;
        }
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
