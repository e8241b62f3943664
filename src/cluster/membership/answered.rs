use std::collections::HashMap;
use std::sync::Arc;

use futures::channel::mpsc::UnboundedSender;

use super::candidate::Candidate;
use super::state::Membership;
use crate::address::Address;
use crate::error::{ErrorKind, Failure};
use crate::process::ProcessClient;
use crate::show::ProcessReport;
use crate::snapshot::{Label, Process, Record, labels_beside};

/// Recipient of the answers that arrive during a call.
pub(super) struct Answered<'a> {
    sender: &'a UnboundedSender<Process>,
    /// The label of every candidate, as far as it is known before the answers are.
    labels: HashMap<Address, Label>,
}

impl<'a> Answered<'a> {
    pub(super) fn new(
        membership: &Membership,
        candidates: &[Candidate],
        sender: &'a UnboundedSender<Process>,
    ) -> Self {
        let table = membership.table();
        let bare = |candidate: &Candidate| {
            let failure = Failure::without_error(ErrorKind::Other, "not asked");
            Record::new(Arc::clone(&membership.host), candidate.address.clone(), Err(failure))
        };
        let all: Vec<Record> = candidates.iter().map(bare).collect();
        let (mut labels, mut unlabelled) = (HashMap::new(), Vec::new());
        for record in &all {
            match table.label(&record.address) {
                Some(label) => drop(labels.insert(record.address.clone(), label.clone())),
                None => unlabelled.push(record),
            }
        }
        if !unlabelled.is_empty() {
            let chosen = labels_beside(&unlabelled, &all.iter().collect::<Vec<_>>(), table.labels());
            labels.extend(unlabelled.iter().map(|record| record.address.clone()).zip(chosen));
        }
        Self { sender, labels }
    }

    /// Hands on the answer of the process at one of the candidates.
    pub(super) fn hand_on(&self, member: &ProcessClient, report: &Arc<ProcessReport>, read_at: u64) {
        let Some(label) = self.labels.get(member.address()) else { return };
        let record = member.record(Ok(Arc::clone(report)), read_at);
        // Without a reader, the answer is only part of the snapshot.
        let _ = self.sender.unbounded_send(Process::new(label.clone(), Arc::new(record)));
    }
}
