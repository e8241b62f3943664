//! Probes: the connections that identify and read the candidates.

use std::sync::Arc;

use futures::future::join_all;

use super::answered::Answered;
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
    pub(super) answer: Result<Arc<ProcessReport>>,
    /// Time at which the answer ended, in microseconds since 1970.
    pub(super) read_at: u64,
    /// Place of the socket in the list that the process prints. `None` if the process is not one of
    /// several (`nbproc`).
    pub(super) listed: Option<Listed>,
}

impl Probe {
    /// Returns `false` if several processes may answer at the socket.
    pub(super) fn is_of_one_process(&self) -> bool {
        matches!(self.listed, None | Some(Listed::One))
    }
}

/// A member, and the record of its answer.
pub(super) struct ProbedMember {
    pub(super) candidate: Candidate,
    pub(super) member: ProcessClient,
    pub(super) record: Record,
}

impl Membership {
    /// Probes all candidates at once. Hands the answers on to `answered` when they arrive.
    ///
    /// If there are more candidates than permits, some candidates have to wait. To keep them from
    /// waiting for an unresponsive process, each probe is first limited to a share of the time. The
    /// probes that timed out are repeated after the others have ended.
    pub(super) async fn ask(
        &self,
        scope: &StatFilter,
        candidates: Vec<Candidate>,
        deadline: &Deadline,
        answered: Option<&Answered<'_>>,
    ) -> Vec<Probe> {
        let rounds = candidates.len().div_ceil(self.permits.count());
        let share = deadline.share(rounds);
        let patience = if rounds > 1 { &share } else { deadline };
        let is_alone = candidates.len() == 1;
        let ask = async |candidate, deadline| {
            let probe = self.ask_one(scope, candidate, is_alone, deadline).await;
            if let (Some(answered), Ok(report), true) = (answered, &probe.answer, probe.is_of_one_process()) {
                answered.hand_on(&probe.member, report, probe.read_at);
            }
            probe
        };
        let mut asked = join_all(candidates.into_iter().map(|candidate| ask(candidate, patience))).await;
        if rounds > 1 {
            let is_late =
                |asked: &Probe| matches!(&asked.answer, Err(error) if error.kind() == ErrorKind::Timeout);
            let (late, in_time): (Vec<_>, Vec<_>) = asked.into_iter().partition(is_late);
            asked = in_time;
            asked.extend(join_all(late.into_iter().map(|late| ask(late.candidate, deadline))).await);
        }
        asked
    }

    async fn ask_one(
        &self,
        scope: &StatFilter,
        candidate: Candidate,
        is_alone: bool,
        deadline: &Deadline,
    ) -> Probe {
        let member = self.member(&candidate.address);
        let stopping = self.table().last_known(&candidate.address).and_then(|head| head.stopping_pid());
        let (answer, read_at) = if is_alone || *scope == StatFilter::Nothing {
            member.read_settled(scope, stopping, deadline).await
        } else {
            member.read_on_task(scope, stopping, deadline).await
        };
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
