//! Whom a command goes to.

use std::collections::HashMap;
use std::sync::Arc;

use futures::FutureExt as _;
use futures::future::BoxFuture;

use super::candidate::Candidate;
use super::roster::Standing;
use super::selector::Selector;
use super::sweep::Shared;
use crate::Address;
use crate::aggregate::{Failure, Process, Record, Snapshot};
use crate::error::{Error, ErrorKind, Problem, Result};
use crate::model::{Info, Scope};
use crate::process::Member;
use crate::protocol::{Command, Effect};
use crate::transport::Deadline;

/// A member of the cluster, and who it is.
#[derive(Debug, Clone)]
pub(super) struct Target {
    pub(super) process: Process,
    pub(super) member: Member,
    /// Why it was not found out who it is, if that was tried and failed.
    silence: Option<Failure>,
}

impl Target {
    /// Whether it is one of several processes of the same HAProxy.
    pub(super) fn is_one_of_several(&self) -> bool {
        self.process.info().and_then(Info::nbproc).is_some_and(|processes| processes > 1)
    }

    /// Whether `command` may be sent.
    ///
    /// # Errors
    ///
    /// If the process is too old for it, or if it is not known whether it is a
    /// HAProxy that is not asked elsewhere. One that hangs has said neither; what
    /// does no harm twice is sent all the same, since it may only be slow.
    pub(super) fn permits(&self, command: &Command) -> Result<()> {
        if let (Some(needs), Some(version)) = (command.first_release(), self.process.version()) {
            if version < needs {
                return Err(Error::new(Problem::TooOld { needs, version }));
            }
        }
        let Some(silence) = &self.silence else { return Ok(()) };
        let met = self.process.info().is_some();
        match (silence.kind, command.effect()) {
            (ErrorKind::Timeout, Effect::Read | Effect::Change) => Ok(()),
            (ErrorKind::Timeout | ErrorKind::Connect | ErrorKind::Closed | ErrorKind::Io, _) if met => Ok(()),
            _ => Err(Error::new(Problem::Unmet(silence.clone()))),
        }
    }

    /// What is kept of its answer, under the label that it has in the cluster.
    pub(super) fn labelled(&self, mut record: Record) -> Record {
        record.label = Some((**self.process.label()).into());
        record
    }

    /// Reads it, if it can be reached at all.
    pub(super) async fn read(&self, scope: &Scope, deadline: &Deadline) -> Record {
        self.labelled(match &self.silence {
            Some(silence) => self.member.kept(Err(silence.clone())),
            None => self.member.record(self.member.read(scope, deadline).await),
        })
    }
}

impl Shared {
    /// The members at this moment, in order; of all of them, or of those chosen.
    ///
    /// Who they are is asked where it is not known, and again before a process is
    /// found too old for what `needs` a later release: it may have been replaced
    /// since. That may take half of the time, so that one that hangs leaves the rest
    /// to the others.
    ///
    /// # Errors
    ///
    /// `NotFound` if there is no member, or none that was chosen.
    pub(super) fn targets<'a>(
        &'a self,
        only: Option<&'a [Selector]>,
        needs: Option<(u16, u16)>,
        deadline: &'a Deadline,
    ) -> BoxFuture<'a, Result<Vec<Target>>> {
        self.find_targets(only, needs, deadline).boxed()
    }

    async fn find_targets(
        &self,
        only: Option<&[Selector]>,
        needs: Option<(u16, u16)>,
        deadline: &Deadline,
    ) -> Result<Vec<Target>> {
        let candidates = self.candidates(deadline).await?;
        let too_old =
            |head: &Arc<Record>| needs.is_some_and(|needs| head.version().is_some_and(|v| v < needs));
        let heads = self.heads(&candidates).filter(|heads| !heads.iter().any(too_old));
        let mut silences = HashMap::new();
        let heads = match heads {
            Some(heads) => heads,
            None => self.identify(candidates, &deadline.half(), &mut silences).await?,
        };
        if heads.is_empty() {
            return Err(self.nobody());
        }
        let snapshot = Snapshot::new(heads);
        let chosen = choose(snapshot.processes(), only)?;
        Ok(chosen
            .map(|process| Target {
                process: process.clone(),
                member: self.member(process.address()),
                silence: silences.remove(process.address()),
            })
            .collect())
    }

    /// Who the members among `candidates` are, or nothing if one of them has not
    /// said so yet.
    fn heads(&self, candidates: &[Candidate]) -> Option<Vec<Arc<Record>>> {
        let roster = self.roster();
        let mut heads = Vec::with_capacity(candidates.len());
        for candidate in candidates {
            let known = roster.get(&candidate.address).filter(|known| known.file == candidate.file)?;
            match &known.standing {
                Standing::Member { answered: true } => {
                    heads.push(Arc::clone(roster.head(&candidate.address)?));
                }
                // Another process may listen at an address that is no file.
                Standing::Duplicate { .. } if candidate.file.is_some() => {}
                _ => return None,
            }
        }
        Some(heads)
    }

    /// Asks who everybody is. Who does not say is who it was before.
    async fn identify(
        &self,
        candidates: Vec<Candidate>,
        deadline: &Deadline,
        silences: &mut HashMap<Address, Failure>,
    ) -> Result<Vec<Arc<Record>>> {
        let records = self.records(&Scope::Nothing, candidates, deadline).await?;
        let roster = self.roster();
        let heads = records.into_iter().map(|record| match &record.answer {
            Ok(_) => Arc::new(record),
            Err(failure) => {
                silences.insert(record.address.clone(), failure.clone());
                roster.head(&record.address).cloned().unwrap_or_else(|| Arc::new(record))
            }
        });
        Ok(heads.collect())
    }
}

/// Those of the processes that were chosen.
fn choose<'a>(
    processes: &'a [Process],
    only: Option<&'a [Selector]>,
) -> Result<impl Iterator<Item = &'a Process>> {
    for selector in only.unwrap_or_default() {
        if !processes.iter().any(|process| selector.fits(process)) {
            let labels: Vec<_> = processes.iter().map(|process| &**process.label()).collect();
            let text = format!("process {:?}; there are {}", selector.to_string(), labels.join(", "));
            return Err(Error::new(Problem::NotFound(text)));
        }
    }
    let fits = move |process: &&Process| match only {
        None => true,
        Some(only) => only.iter().any(|selector| selector.fits(process)),
    };
    Ok(processes.iter().filter(fits))
}
