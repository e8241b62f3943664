//! Probes: the connections that identify and read the candidates.

use futures::future::join_all;

use super::candidate::Candidate;
use super::listed::Listed;
use super::state::Membership;
use crate::error::{ErrorKind, Result};
use crate::process::ProcessClient;
use crate::protocol::Nbproc;
use crate::show::ProcessReport;
use crate::show::stat::StatFilter;
use crate::snapshot::Record;
use crate::transport::Deadline;

/// A candidate that was probed, and its answer.
pub(super) struct Probe {
    pub(super) candidate: Candidate,
    pub(super) member: ProcessClient,
    pub(super) answer: Result<ProcessReport>,
    /// Time at which the answer ended, in microseconds since 1970.
    pub(super) read_at: u64,
    /// Place of the socket in the list that the process prints. `None` if the process is not one of
    /// several (`nbproc`).
    pub(super) listed: Option<Listed>,
}

/// A member, and the record of its answer.
pub(super) struct ProbedMember {
    pub(super) candidate: Candidate,
    pub(super) member: ProcessClient,
    pub(super) record: Record,
}

impl Membership {
    /// Probes all candidates at once.
    ///
    /// If there are more candidates than permits, some candidates have to wait. To keep them from
    /// waiting for an unresponsive process, each probe is first limited to a share of the time. The
    /// probes that timed out are repeated after the others have ended.
    pub(super) async fn ask(
        &self,
        scope: &StatFilter,
        candidates: Vec<Candidate>,
        deadline: &Deadline,
    ) -> Vec<Probe> {
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

    pub(super) async fn ask_one(
        &self,
        scope: &StatFilter,
        candidate: Candidate,
        deadline: &Deadline,
    ) -> Probe {
        let member = self.member(&candidate.address);
        let known = self.table().last_known(&candidate.address).cloned();
        let known = known.as_ref().and_then(|head| head.info());
        let (answer, read_at) = member.read_settled(scope, known, deadline).await;
        let listed = match &answer {
            // A master leads to one process of several.
            Ok(reading)
                if Nbproc::new(reading.info.nbproc()).shares_sockets()
                    && candidate.address.worker().is_none() =>
            {
                Some(Listed::find(&reading.sockets, &candidate.address, deadline).await)
            }
            _ => None,
        };
        Probe { candidate, member, answer, read_at, listed }
    }
}
