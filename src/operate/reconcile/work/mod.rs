//! The application of a desired state.

mod content;
mod entering;
mod leaving;
mod sending;

use std::borrow::Cow;
use std::collections::{HashMap, HashSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

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
use crate::cluster::{Cluster, Identity, Outcomes, Target};
use crate::count::counted;
use crate::error::{Error, ErrorKind, Result};
use crate::object::BackendRef;
use crate::operate::wait::Condition;
use crate::protocol::{Command, Response};
use crate::show::stat::StatFilter;
use crate::snapshot::{BackendStats, Label};

/// One application of a desired state.
pub(super) struct ApplyWork {
    pub(super) cluster: Cluster,
    desired: Arc<Desired>,
    pub(super) terms: Apply,
    progress: UnboundedSender<ApplyProgress>,
    /// True if an object may be in processes that are not asked.
    is_part: bool,
    records: Mutex<HashMap<Address, Record>>,
}

/// A process with steps to take.
pub(super) struct Open<'a> {
    pub(super) label: &'a Label,
    pub(super) address: &'a Address,
    pub(super) identity: &'a Identity,
    /// The steps that no failure holds back.
    pub(super) stages: Cow<'a, Stages>,
}

/// The work done on one process.
#[derive(Default)]
struct Record {
    identity: Option<Identity>,
    steps: Vec<Step>,
    /// The first failure.
    error: Option<Error>,
    /// True if the process gets no further step.
    is_over: bool,
    /// Backends with a failure. They get no further step.
    failed: HashSet<Box<str>>,
    /// True if this plan is given up: another process has taken the place, or a step waits for another process.
    needs_plan: bool,
}

/// Number of rounds in which the processes are read and changed. After the last one, they are read once more. Only a
/// process that is replaced, or that other clients change, needs more than one round with changes.
const ROUNDS: usize = 8;

impl ApplyWork {
    pub(super) fn new(
        cluster: &Cluster,
        desired: Arc<Desired>,
        terms: Apply,
        progress: UnboundedSender<ApplyProgress>,
        is_part: bool,
    ) -> Self {
        Self { cluster: cluster.clone(), desired, terms, progress, is_part, records: Mutex::default() }
    }

    pub(super) async fn run(self) -> Result<Outcomes<Applied>> {
        let checked = &Checked::new(&self.cluster, &self.desired)?;
        let mut round = 0;
        loop {
            let plans =
                checked.plan(&self.cluster, self.is_part).await.map_err(|error| self.interrupted(error))?;
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
            let open = self.sound(open);
            join_all(open.iter().map(|process| self.enter(process))).await;
            let open = self.sound(open);
            self.change_entries(checked, &open).await;
            let open = self.sound(open);
            join_all(open.iter().map(|process| self.leave(process))).await;
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
                record.failed.clear();
            }
            record.needs_plan = false;
            let stages = record.hold_back(Cow::Borrowed(stages));
            let again = stages.steps().find(|step| record.steps.iter().any(|done| done.is_like(step)));
            if let Some(step) = again {
                let text = format!("the process does not keep it: {step}");
                record.fail(Error::from_kind(ErrorKind::Refused, text));
            }
            if !record.is_over && !stages.is_empty() {
                open.push(Open { label: outcome.label(), address: outcome.address(), identity, stages });
            }
        }
        open
    }

    /// Returns the processes that have not failed meanwhile, without the steps that a failure holds back.
    fn sound<'a>(&self, open: Vec<Open<'a>>) -> Vec<Open<'a>> {
        let records = self.records();
        let sound = open.into_iter().filter_map(|process| {
            let record = records.get(process.address).filter(|record| record.is_sound())?;
            Some(Open { stages: record.hold_back(process.stages), ..process })
        });
        sound.collect()
    }

    /// Returns `true` if the process that was planned answers at its address. If it does not, this plan is given up. The
    /// next one finds the reason.
    pub(super) async fn is_there(&self, process: &Open<'_>) -> bool {
        if !self.records().get(process.address).is_some_and(Record::is_sound) {
            return false;
        }
        let identity = process.identity;
        let job = |target: Target, deadline| async move {
            let (info, at) = target.member.info(&deadline).await?;
            Ok(Response::Value(Identity::new(&info, at).is_some_and(|found| found.fits(identity))))
        };
        let command = &Command::read("show info");
        let found = self.only(process).fan_out().each(command, StatFilter::Nothing, job).await;
        let is_there = found.is_ok_and(|found| found.values().all(|(_, is_same)| *is_same));
        if !is_there {
            self.replan(process);
        }
        is_there
    }

    /// Waits until a backend of the process meets a condition. A backend that `show stat` does not list is disabled or
    /// gone. It takes no traffic, and is not waited for. Returns `false` if another process answers.
    pub(super) async fn wait_until(
        &self,
        process: &Open<'_>,
        backend: &BackendRef,
        condition: impl Condition<BackendStats>,
        within: Duration,
    ) -> Result<bool> {
        match backend.wait_until(condition, within).await {
            Ok(_) => Ok(true),
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(true),
            Err(_) if !self.is_there(process).await => Ok(false),
            Err(error) => Err(own(error)),
        }
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

    /// Records the failure of a process, which gets no further step.
    pub(super) fn fail(&self, address: &Address, error: Error) {
        if let Some(record) = self.records().get_mut(address) {
            record.fail(error);
        }
    }

    /// Records the failure of a backend of a process: [`Stages::hold_back`].
    pub(super) fn fail_backend(&self, process: &Open<'_>, backend: &str, error: Error) {
        if let Some(record) = self.records().get_mut(process.address) {
            record.error.get_or_insert(error);
            record.failed.insert(backend.into());
        }
    }

    pub(super) fn has_failed(&self, process: &Open<'_>, backend: &str) -> bool {
        self.records().get(process.address).is_some_and(|record| record.failed.contains(backend))
    }

    /// Gives up the plan of a process, which gets no further step before the next plan.
    pub(super) fn replan(&self, process: &Open<'_>) {
        if let Some(record) = self.records().get_mut(process.address) {
            record.needs_plan = true;
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

    /// Returns the error of a read that failed on all processes, with the number of steps that were taken before.
    fn interrupted(&self, error: Error) -> Error {
        let steps: Vec<Step> = self.records().values().flat_map(|record| record.steps.clone()).collect();
        after(error, &steps)
    }

    fn finish(&self, plans: Outcomes<Planned>) -> Result<Outcomes<Applied>> {
        let mut records = std::mem::take(&mut *self.records());
        let mut record = |address: &Address| records.remove(address).unwrap_or_default();
        let plans = plans.map_errors(|address, error| {
            let Record { steps, error: first, .. } = record(address);
            after(first.unwrap_or(error), &steps)
        });
        let outcomes = plans.with_command("apply").then(|address, planned| {
            let Record { steps, error, .. } = record(address);
            match error.or_else(|| blocked(&planned.stages)) {
                Some(error) => Err(after(error, &steps)),
                None => Ok(Response::Value(Applied { steps })),
            }
        });
        let is_enough = self.cluster.is_partial() || self.is_part && outcomes.is_complete();
        if is_enough { Ok(outcomes) } else { outcomes.all() }
    }

    fn records(&self) -> MutexGuard<'_, HashMap<Address, Record>> {
        self.records.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Record {
    fn fail(&mut self, error: Error) {
        self.error.get_or_insert(error);
        self.is_over = true;
    }

    fn is_sound(&self) -> bool {
        !self.is_over && !self.needs_plan
    }

    /// Drops the steps that the failures hold back.
    fn hold_back<'a>(&self, mut stages: Cow<'a, Stages>) -> Cow<'a, Stages> {
        if !self.failed.is_empty() || !stages.lacking.is_empty() {
            stages.to_mut().hold_back(&self.failed);
        }
        stages
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
    if steps.is_empty() {
        return error;
    }
    error.leaving(counted(steps.len(), "step was taken before", "steps were taken before"))
}

/// Returns the error of the only process of a call, without the summary of the call.
pub(super) fn own(error: Error) -> Error {
    let own = error.failed().next().map(|(_, own)| own.clone());
    own.unwrap_or(error)
}
