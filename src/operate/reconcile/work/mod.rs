//! The application of a desired state.

mod content;
mod entering;
mod leaving;

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use futures::channel::mpsc::UnboundedSender;
use futures::future::join_all;

use super::desired::Desired;
use super::outcome::{Applied, ApplyProgress};
use super::plan::Stages;
use super::planning::{Checked, Planned};
use super::server::DesiredServer;
use super::step::{BlockedReason, Step};
use super::terms::Apply;
use crate::address::Address;
use crate::cluster::{Cluster, Identity, Outcomes};
use crate::error::{Error, ErrorKind, Result};
use crate::protocol::Response;
use crate::snapshot::Label;

/// One application of a desired state.
pub(super) struct ApplyWork {
    pub(super) cluster: Cluster,
    desired: Arc<Desired>,
    pub(super) terms: Apply,
    progress: UnboundedSender<ApplyProgress>,
    records: Mutex<HashMap<Address, Record>>,
}

/// A process with steps to take.
pub(super) struct Open<'a> {
    pub(super) label: &'a Label,
    pub(super) address: &'a Address,
    pub(super) identity: &'a Identity,
    pub(super) stages: &'a Stages,
}

/// The work done on one process.
#[derive(Default)]
struct Record {
    identity: Option<Identity>,
    steps: Vec<Step>,
    /// The first failure. The process gets no further step.
    error: Option<Error>,
}

/// Number of times that the processes are read and changed. Only a process that is replaced, or that other
/// clients change, needs more than one.
const ROUNDS: usize = 8;

impl ApplyWork {
    pub(super) fn new(
        cluster: &Cluster,
        desired: Arc<Desired>,
        terms: Apply,
        progress: UnboundedSender<ApplyProgress>,
    ) -> Self {
        Self { cluster: cluster.clone(), desired, terms, progress, records: Mutex::default() }
    }

    pub(super) async fn run(self) -> Result<Outcomes<Applied>> {
        let checked = &Checked::new(&self.cluster, &self.desired)?;
        let mut round = 0;
        loop {
            let plans = checked.plan(&self.cluster).await?;
            let mut open = self.open(&plans);
            if round == ROUNDS {
                for process in open.drain(..) {
                    let next = process.stages.steps().next().map(Step::to_string).unwrap_or_default();
                    let text = format!("the process differs again after {ROUNDS} rounds: {next}");
                    self.fail(process.address, Error::from_kind(ErrorKind::Refused, text));
                }
            }
            if open.is_empty() {
                return self.finish(plans);
            }
            round += 1;
            // Each stage ends on all processes before the next one begins.
            self.replace_certificates(checked, &open).await;
            join_all(self.sound(&open).map(|process| self.enter(process))).await;
            self.change_entries(checked, &open).await;
            join_all(self.sound(&open).map(|process| self.leave(process))).await;
        }
    }

    /// Returns the processes that need steps and have not failed.
    fn open<'a>(&self, plans: &'a Outcomes<Planned>) -> Vec<Open<'a>> {
        let mut open = Vec::new();
        for outcome in plans {
            let Some(Planned { identity, stages }) = outcome.value() else { continue };
            let mut records = self.records();
            let record = records.entry(outcome.address().clone()).or_default();
            if !record.identity.as_ref().is_some_and(|before| before.fits(identity)) {
                // Another process has taken its place, and has nothing of what was done.
                record.identity = Some(identity.clone());
                record.steps.clear();
            }
            let again = stages.steps().find(|step| record.steps.iter().any(|done| done.is_like(step)));
            if let (Some(step), None) = (again, &record.error) {
                let text = format!("the process does not keep it: {step}");
                record.error = Some(Error::from_kind(ErrorKind::Refused, text));
            }
            if record.error.is_none() && !stages.is_empty() {
                open.push(Open { label: outcome.label(), address: outcome.address(), identity, stages });
            }
        }
        open
    }

    /// Returns the processes that have not failed meanwhile.
    pub(super) fn sound<'a, 'b>(&self, open: &'a [Open<'b>]) -> impl Iterator<Item = &'a Open<'b>> {
        let has_failed: Vec<bool> = {
            let records = self.records();
            let error =
                |process: &Open<'_>| records.get(process.address).is_some_and(|one| one.error.is_some());
            open.iter().map(error).collect()
        };
        open.iter().zip(has_failed).filter(|(_, has_failed)| !has_failed).map(|(process, _)| process)
    }

    /// Reports that a step begins to wait.
    pub(super) fn begin(&self, process: &Open<'_>, step: &Step) {
        self.report(process, step, false);
    }

    /// Records a step that was taken.
    pub(super) fn done(&self, process: &Open<'_>, step: &Step) {
        if let Some(record) = self.records().get_mut(process.address) {
            record.steps.push(step.clone());
        }
        self.report(process, step, true);
    }

    fn report(&self, process: &Open<'_>, step: &Step, is_done: bool) {
        // Without a reader, the progress is dropped.
        let progress = ApplyProgress { label: process.label.clone(), step: step.clone(), is_done };
        let _ = self.progress.unbounded_send(progress);
    }

    /// Records the failure of a process.
    pub(super) fn fail(&self, address: &Address, error: Error) {
        if let Some(record) = self.records().get_mut(address) {
            record.error.get_or_insert(error);
        }
    }

    /// Returns the servers that the desired state mentions, by the names of their backends and themselves.
    pub(super) fn desired_servers(&self) -> impl Iterator<Item = ((&str, &str), &DesiredServer)> {
        self.desired.backends.iter().flat_map(|backend| {
            backend.servers.iter().map(|server| ((&*backend.name, &*server.name), server))
        })
    }

    /// Returns a strict view of one process.
    pub(super) fn only(&self, process: &Open<'_>) -> Cluster {
        self.cluster.only([process.address]).strict()
    }

    fn finish(&self, plans: Outcomes<Planned>) -> Result<Outcomes<Applied>> {
        let mut records = std::mem::take(&mut *self.records());
        let mut record = |address: &Address| records.remove(address).unwrap_or_default();
        let plans = plans.map_errors(|address, error| after(error, &record(address).steps));
        let outcomes = plans.with_command("apply").then(|address, planned| {
            let Record { steps, error, .. } = record(address);
            match error.or_else(|| blocked(&planned.stages)) {
                Some(error) => Err(after(error, &steps)),
                None => Ok(Response::Value(Applied { steps })),
            }
        });
        if self.cluster.is_partial() { Ok(outcomes) } else { outcomes.all() }
    }

    fn records(&self) -> MutexGuard<'_, HashMap<Address, Record>> {
        self.records.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Returns the error of a process that has no step for a difference.
fn blocked(stages: &Stages) -> Option<Error> {
    let first = stages.blocked.first()?;
    let kind = match first.reason {
        BlockedReason::NeedsRelease => ErrorKind::Unsupported,
        _ => ErrorKind::Refused,
    };
    let more = match stages.blocked.len() {
        1 => String::new(),
        count => format!(", and {} more", count - 1),
    };
    Some(Error::from_kind(kind, format!("{first}{more}")))
}

/// States how many steps were taken before a failure.
fn after(error: Error, steps: &[Step]) -> Error {
    match steps.len() {
        0 => error,
        1 => error.leaving("1 step was taken before"),
        count => error.leaving(format!("{count} steps were taken before")),
    }
}

/// Returns the error of the only process of a call, without the summary of the call.
pub(super) fn own(error: Error) -> Error {
    let own = error.failed().next().map(|(_, own)| own.clone());
    own.unwrap_or(error)
}
