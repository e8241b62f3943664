//! Certificates, maps and ACLs: calls that reach all processes at once.

use std::collections::HashMap;

use futures::future::join_all;

use super::{ApplyWork, Open};
use crate::address::Address;
use crate::cluster::{Cluster, Outcome, Outcomes};
use crate::error::{Error, ErrorKind, Result};
use crate::object::{Certificate, Leaf};
use crate::operate::reconcile::plan::Stages;
use crate::operate::reconcile::planning::Checked;
use crate::operate::reconcile::step::Step;
use crate::protocol::Change;

impl ApplyWork {
    /// Replaces each certificate on all processes that serve another one, or on none of them.
    pub(super) async fn replace_certificates(&self, checked: &Checked, open: &[Open<'_>]) {
        for (one, leaf) in checked.certificates() {
            let is_own = |step: &Step| matches!(step, Step::Certificate { name, .. } if *name == one.name);
            let needing = self.needing(open, |stages| &stages.certificates, is_own).await;
            if needing.is_empty() {
                continue;
            }
            // Through a partial view, some processes would commit without the others.
            let result = match self.view(&needing).strict().certificate(&one.name) {
                Ok(certificate) => {
                    abort_own(&certificate, &self.view(&needing), leaf).await;
                    certificate.replace(one.pem.as_str()).await
                }
                Err(error) => Err(error),
            };
            self.settle(&needing, &result);
        }
    }

    /// Gives each map and each ACL its entries, on all processes at once.
    pub(super) async fn change_entries(&self, checked: &Checked, open: &[Open<'_>]) {
        for map in &checked.desired.maps {
            let is_own = |step: &Step| matches!(step, Step::Map { id, .. } if *id == map.id);
            let needing = self.needing(open, |stages| &stages.entries, is_own).await;
            if !needing.is_empty() {
                let result = match self.view(&needing).map(&*map.id) {
                    Ok(object) => object.sync(map.pairs()).await,
                    Err(error) => Err(error),
                };
                self.settle(&needing, &result);
            }
        }
        for acl in &checked.desired.acls {
            let is_own = |step: &Step| matches!(step, Step::Acl { id, .. } if *id == acl.id);
            let needing = self.needing(open, |stages| &stages.entries, is_own).await;
            if !needing.is_empty() {
                let result = match self.view(&needing).acl(&*acl.id) {
                    Ok(object) => object.sync(&acl.patterns).await,
                    Err(error) => Err(error),
                };
                self.settle(&needing, &result);
            }
        }
    }

    /// Returns the processes that need a step, have not failed and were not replaced, with the step.
    async fn needing<'a, 'b>(
        &self,
        open: &'a [Open<'b>],
        stage: impl Fn(&'a Stages) -> &'a Vec<Step>,
        is_own: impl Fn(&Step) -> bool,
    ) -> Vec<(&'a Open<'b>, &'a Step)> {
        let needing = open.iter().filter_map(|process| {
            let step = stage(&process.stages).iter().find(|step| is_own(step))?;
            Some((process, step))
        });
        let looking = needing
            .map(|(process, step)| async move { self.is_there(process).await.then_some((process, step)) });
        join_all(looking).await.into_iter().flatten().collect()
    }

    fn view(&self, needing: &[(&Open<'_>, &Step)]) -> Cluster {
        self.cluster.only(needing.iter().map(|(process, _)| process.address))
    }

    /// Records the outcome of each process.
    fn settle(&self, needing: &[(&Open<'_>, &Step)], result: &Result<Outcomes<Change>>) {
        let outcomes = result.as_ref().ok().or_else(|| result.as_ref().err()?.outcomes::<Change>());
        let outcomes: HashMap<&Address, &Outcome<Change>> =
            outcomes.into_iter().flatten().map(|outcome| (outcome.address(), outcome)).collect();
        for (process, step) in needing {
            let outcome = outcomes.get(process.address);
            match (outcome.and_then(|outcome| outcome.error()), outcome, result) {
                (Some(own), ..) => self.fail(process.address, own.clone()),
                (None, None, Err(error)) => self.fail(process.address, error.clone()),
                (None, Some(outcome), Err(_)) if !outcome.value().is_some_and(Change::is_changed) => {
                    self.leave_step(process, step);
                }
                _ => self.done(process, step),
            }
        }
    }

    /// Records that a process has not taken a step because of another process.
    fn leave_step(&self, process: &Open<'_>, step: &Step) {
        if matches!(step, Step::Certificate { .. }) {
            // The next round would replace it on a part of the processes.
            let text = format!("{step}: nothing was done, because another process failed");
            self.fail(process.address, Error::from_kind(ErrorKind::Incomplete, text));
        } else {
            // The entries still lead to servers that should leave. The next round is without the other process.
            self.replan(process);
        }
    }
}

/// Ends the transactions that hold the wanted certificate: an application that was given up has left them, and they
/// would block the replacement. If this fails, the replacement fails and says why.
async fn abort_own(certificate: &Certificate, view: &Cluster, leaf: &Leaf) {
    let Ok(pending) = certificate.on(&view.allow_partial()).show_pending().await else { return };
    let own = pending.iter().filter(|outcome| {
        outcome.value().and_then(|details| details.leaf.as_ref()).is_some_and(|shown| leaf.is(shown))
    });
    let own: Vec<&Address> = own.map(Outcome::address).collect();
    if !own.is_empty() {
        let _ = certificate.on(&view.only(own).allow_partial()).abort().await;
    }
}
