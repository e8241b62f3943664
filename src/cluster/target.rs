//! Whom a command goes to.

use std::collections::{HashMap, HashSet};
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
    /// HAProxy that is not asked elsewhere. One that hangs has said neither, and is
    /// sent what does no harm twice all the same: a member is not left out for being
    /// slow.
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
    /// found too old for `command`: it may have been replaced
    /// since. That may take half of the time, so that one that hangs leaves the rest
    /// to the others.
    ///
    /// # Errors
    ///
    /// `NotFound` if there is no member, or none that was chosen.
    pub(super) fn targets<'a>(
        &'a self,
        only: Option<&'a [Selector]>,
        command: &'a Command,
        deadline: &'a Deadline,
    ) -> BoxFuture<'a, Result<Vec<Target>>> {
        self.find_targets(only, command, deadline).boxed()
    }

    async fn find_targets(
        &self,
        only: Option<&[Selector]>,
        command: &Command,
        deadline: &Deadline,
    ) -> Result<Vec<Target>> {
        let candidates = self.candidates(deadline).await?;
        let mut silences = HashMap::new();
        let known = self.known(&candidates, only, command, &mut silences);
        let too_old = |one: &Arc<Record>| {
            let version = one.version();
            command.first_release().is_some_and(|needs| version.is_some_and(|version| version < needs))
        };
        let records = match known.filter(|known| !known.iter().any(too_old)) {
            Some(known) => known,
            None => self.identify(candidates, &deadline.half(), &mut silences).await?,
        };
        if records.is_empty() {
            return Err(self.nobody());
        }
        let snapshot = Snapshot::new(records);
        let chosen = choose(snapshot.processes(), only)?.into_iter();
        Ok(chosen
            .map(|process| Target {
                process: process.clone(),
                member: self.member(process.address()),
                silence: silences.remove(process.address()),
            })
            .collect())
    }

    /// Who the members among `candidates` are, or nothing if one of them must be asked
    /// that first.
    ///
    /// Nobody needs to be who is not chosen. Who hung when it was asked is not waited
    /// for again, unless the command does harm twice: the next read finds out.
    fn known(
        &self,
        candidates: &[Candidate],
        only: Option<&[Selector]>,
        command: &Command,
        silences: &mut HashMap<Address, Failure>,
    ) -> Option<Vec<Arc<Record>>> {
        let mut unknown = HashSet::new();
        let mut found = Vec::with_capacity(candidates.len());
        let roster = self.roster();
        for candidate in candidates {
            let address = &candidate.address;
            let known = roster.get(address).filter(|known| known.file == candidate.file);
            let head = roster.head(address);
            // Behind what is no file another process can be by now.
            let is_sure = candidate.file.is_some() || command.effect() != Effect::Add;
            found.push(match (known.map(|known| &known.standing), head, roster.hung(address)) {
                (Some(Standing::Member { answered: true }), Some(head), _) if is_sure => Ok(Arc::clone(head)),
                (Some(Standing::Member { answered: false }), None, Some(silence))
                    if command.effect() != Effect::Add =>
                {
                    // A question does no harm, and it may be awake by now.
                    if command.effect() == Effect::Change {
                        silences.insert(address.clone(), silence.clone());
                    }
                    Err((address, silence.clone()))
                }
                (Some(Standing::Duplicate { .. }), ..) if candidate.file.is_some() => continue,
                _ => {
                    unknown.insert(address);
                    Err((address, Failure { kind: ErrorKind::Other, message: "not asked".into() }))
                }
            });
        }
        drop(roster);
        let bare = |(address, failure)| Arc::new(self.member(address).kept(Err(failure)));
        let records: Vec<_> = found.into_iter().map(|one| one.unwrap_or_else(bare)).collect();
        let is_known = unknown.is_empty()
            || only.is_some_and(|only| {
                let snapshot = Snapshot::new(records.iter().cloned());
                let chosen = choose(snapshot.processes(), Some(only));
                chosen.is_ok_and(|chosen| chosen.iter().all(|one| !unknown.contains(one.address())))
            });
        is_known.then_some(records)
    }

    /// Asks who everybody is. Who does not say is who it was before.
    async fn identify(
        &self,
        candidates: Vec<Candidate>,
        deadline: &Deadline,
        silences: &mut HashMap<Address, Failure>,
    ) -> Result<Vec<Arc<Record>>> {
        let records = self.records(&Scope::Nothing, candidates, deadline).await?;
        silences.clear();
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
fn choose<'a>(processes: &'a [Process], only: Option<&[Selector]>) -> Result<Vec<&'a Process>> {
    let Some(only) = only else { return Ok(processes.iter().collect()) };
    let mut chosen = HashSet::new();
    for selector in only {
        let fitting = processes.iter().filter(|process| selector.fits(process));
        let Some(process) = fitting.max_by_key(|process| selector.is_label_of(process)) else {
            let labels: Vec<_> = processes.iter().map(|process| &**process.label()).collect();
            let text = format!("process {:?}; there are {}", selector.to_string(), labels.join(", "));
            return Err(Error::new(Problem::NotFound(text)));
        };
        chosen.insert(process.address());
    }
    if chosen.is_empty() {
        return Err(Error::new(Problem::NotFound("process: none was chosen".into())));
    }
    Ok(processes.iter().filter(|process| chosen.contains(process.address())).collect())
}
