//! Replacement of a certificate, a CA file or a CRL file on all processes or on none.

use std::collections::{HashMap, HashSet};
use std::sync::{Mutex, MutexGuard, PoisonError};

use futures::future::join_all;
use tokio::sync::OwnedMutexGuard;

use super::lock;
use super::mark::Mark;
use super::store::{Setting, Store, Verbs};
use crate::address::Address;
use crate::cluster::{Identity, OnceJob, Outcomes, Target};
use crate::error::{Error, ErrorKind, Problem, Result};
use crate::process::{IdentifiedConnection, ProcessClient};
use crate::protocol::{Change, Command, Response};
use crate::show::stat::StatFilter;
use crate::snapshot::Label;
use crate::transport::Deadline;

/// A new certificate, and the processes that hold it in a transaction so far.
///
/// The steps of a call, each on all processes at once:
///
/// 1. Put the certificate into a transaction, and read it back ([`Fill`]).
/// 2. Identify each process again, and read its transaction again.
/// 3. Commit the transaction of the first process, then all others. If an earlier step failed, abort
///    the transactions instead.
/// 4. Read each certificate back.
pub(super) struct Replacement {
    store: Store,
    set: Command,
    is_strict: bool,
    /// Every process that may hold a transaction of this call.
    begun: Mutex<Vec<Begun>>,
}

/// A transaction that one process may hold.
#[derive(Clone)]
struct Begun {
    member: ProcessClient,
    identity: Identity,
}

/// A process that holds the new certificate in a transaction.
#[derive(Clone)]
struct Ready {
    begun: Begun,
    old: Old,
    new: Mark,
}

/// The certificate in use before.
#[derive(Clone)]
enum Old {
    None,
    Known(Mark),
    /// HAProxy's description of it cannot be read, or HAProxy may die when it prints the description.
    Unknown,
}

/// The results of the processes, by address.
type Results = HashMap<Address, Result<Response<Change>>>;

impl Replacement {
    /// Checks the text.
    ///
    /// # Errors
    ///
    /// - The errors of [`Store::set_command`].
    pub(super) fn new(store: &Store, text: &str) -> Result<Self> {
        let set = store.set_command(text)?;
        let is_strict = !store.cluster.is_partial();
        Ok(Self { store: store.clone(), set, is_strict, begun: Mutex::default() })
    }

    pub(super) async fn run(self) -> Result<Outcomes<Change>> {
        let cluster = &self.store.cluster;
        let this = &self;
        let fill = |target: Target, deadline| async move {
            let fill = Fill { replacement: this, member: &target.member };
            let _turn = lock::turn(&target.member, &deadline).await?;
            target.execute_once(&fill, &deadline).await.map_err(Error::without_effect)
        };
        let filled = cluster.allow_partial().fan_out().each(&self.set, StatFilter::Nothing, fill).await?;
        let ready: Vec<(Label, Ready)> =
            filled.values().map(|(label, ready)| (label.clone(), ready.clone())).collect();
        let expected = ready.first().map(|(_, ready)| ready.new.clone());
        let own: HashMap<Address, Mark> = ready
            .iter()
            .map(|(_, ready)| (ready.begun.member.address().clone(), ready.new.clone()))
            .collect();

        let is_whole = filled.is_complete() || !self.is_strict;
        let checks = if is_whole { self.check_all(&ready, expected.as_ref()).await } else { Vec::new() };
        let is_failed = |check: &Result<()>| check.as_ref().is_err_and(|error| !error.is_worker_ended());
        let is_given_up = !is_whole || self.is_strict && checks.iter().any(is_failed);
        let mut results = Results::new();
        let mut sound = Vec::new();
        for ((label, ready), check) in ready.into_iter().zip(checks) {
            match check {
                Ok(()) => sound.push((label, ready)),
                Err(error) => drop(results.insert(ready.begun.member.address().clone(), Err(error))),
            }
        }
        if !is_given_up {
            self.commit_all(sound, &mut results).await;
        }

        let left = self.abort_all(&results, &own, expected.as_ref()).await;
        let outcomes = filled.then(|address, _| match results.remove(address) {
            // An old worker behind a master, which would have lost the certificate anyway.
            Some(Err(error)) if error.is_worker_ended() => Ok(Response::Absent(error.reason().into())),
            Some(result) => result,
            None if left.contains(address) => Ok(Response::Value(Change::Unchanged(NOT_ABORTED.into()))),
            None => Ok(Response::Value(Change::Unchanged(ABORTED.into()))),
        });
        let outcomes =
            outcomes.map_errors(
                |address, error| {
                    if left.contains(address) { error.with_leftover(LEFT) } else { error }
                },
            );
        if self.is_strict { outcomes.all() } else { Ok(outcomes) }
    }

    /// Checks that each process still answers, and that its transaction holds the new certificate.
    async fn check_all(&self, ready: &[(Label, Ready)], expected: Option<&Mark>) -> Vec<Result<()>> {
        let deadline = &Deadline::new(self.store.cluster.limits());
        let check = |ready: &Ready| {
            let begun = ready.begun.clone();
            async move {
                let details = self.store.details(true)?;
                let (_turn, mut connection) = begun.connect(deadline).await?;
                let found = self.store.mark(true, &mut connection, deadline).await?;
                if found.as_ref().zip(expected).is_some_and(|(found, expected)| found.fits(expected)) {
                    return Ok(());
                }
                let words = "another client has changed or ended the transaction";
                Err(Error::new(Problem::Refused(words.into()))
                    .during(details.redacted())
                    .at(begun.member.address()))
            }
        };
        join_all(ready.iter().map(|(_, ready)| check(ready))).await
    }

    /// Commits the transaction of one process alone, because a certificate that one process refuses
    /// is mostly refused by all. If that succeeds, commits all others at once.
    async fn commit_all(&self, ready: Vec<(Label, Ready)>, results: &mut Results) {
        let mut served: Vec<Label> = Vec::new();
        let mut failed: Vec<(Ready, Error)> = Vec::new();
        let mut rest = ready.as_slice();
        while let Some((first, others)) = rest.split_first() {
            // The first process stands alone, until one has succeeded.
            let (now, later) =
                if served.is_empty() { (std::slice::from_ref(first), others) } else { (rest, &[][..]) };
            rest = later;
            let deadline = &Deadline::new(self.store.cluster.limits());
            let commits = now.iter().map(|(_, ready)| self.commit_for_certain(ready, deadline));
            for ((label, ready), result) in now.iter().zip(join_all(commits).await) {
                match result {
                    Ok(answer) => {
                        served.push(label.clone());
                        results.insert(ready.begun.member.address().clone(), Ok(answer));
                    }
                    Err(error) if error.is_worker_ended() => {
                        results.insert(ready.begun.member.address().clone(), Err(error));
                    }
                    Err(error) => failed.push((ready.clone(), error)),
                }
            }
            if self.is_strict && served.is_empty() && !failed.is_empty() {
                break;
            }
        }
        let served = served.as_slice();
        let explaining = failed.into_iter().map(|(ready, error)| async move {
            let error = self.explained(&ready, error, served).await;
            (ready.begun.member.address().clone(), Err(error))
        });
        results.extend(join_all(explaining).await);
    }

    /// Commits the transaction of a process. If the reply is lost, asks the process which certificate it
    /// serves.
    async fn commit_for_certain(&self, ready: &Ready, deadline: &Deadline) -> Result<Response<Change>> {
        match self.commit(ready, deadline).await {
            Err(error) if error.is_unknown() && self.is_served(ready).await => {
                let words = format!("{} {}", self.store.verbs().serves, ready.new).into();
                Ok(Response::Value(Change::Changed(Some(words))))
            }
            result => result,
        }
    }

    /// Returns `true` if a process serves the new certificate, after a commit without an answer.
    /// Returns `false` if the old certificate is the same or unknown, because then nothing tells.
    async fn is_served(&self, ready: &Ready) -> bool {
        let tells = match &ready.old {
            Old::None => true,
            Old::Known(old) => !old.fits(&ready.new),
            Old::Unknown => false,
        };
        tells && matches!(self.served(ready).await, Some(Ok(Some(found))) if found.fits(&ready.new))
    }

    /// Reads the certificate that a process serves, on a new connection. Returns `None` if that may be the old
    /// one, and HAProxy may die when it shows the old one.
    async fn served(&self, ready: &Ready) -> Option<Result<Option<Mark>>> {
        if self.store.verbs().may_be_deadly {
            return None;
        }
        let deadline = &Deadline::new(self.store.cluster.limits());
        let read = async {
            let (_turn, mut connection) = ready.begun.connect(deadline).await?;
            self.store.mark(false, &mut connection, deadline).await
        };
        Some(read.await)
    }

    async fn commit(&self, ready: &Ready, deadline: &Deadline) -> Result<Response<Change>> {
        let commit = self.store.commit_command()?;
        let Verbs { what, serves, .. } = self.store.verbs();
        let run = async {
            let (_turn, mut connection) = ready.begun.connect(deadline).await?;
            if let Response::Absent(words) = lock::execute(&commit, &mut connection, deadline).await? {
                return Err(Error::new(Problem::Refused(words)));
            }
            let found = self.store.mark(false, &mut connection, deadline).await;
            if connection.was_replaced(deadline).await? {
                return Err(Error::new(Problem::Replaced));
            }
            match found {
                Ok(Some(found)) if found.fits(&ready.new) => {
                    Ok(Response::Value(Change::Changed(Some(format!("{serves} {found}").into()))))
                }
                Ok(_) => Err(Error::new(Problem::Diverging(format!("{serves} another {what}")))),
                Err(error) => Err(error.into_unknown()),
            }
        };
        run.await.map_err(ready.begun.member.with_context(&commit))
    }

    /// Adds to the error of a commit which certificate the process serves, and the processes that serve
    /// the new one.
    async fn explained(&self, ready: &Ready, error: Error, served: &[Label]) -> Error {
        if served.is_empty() && !error.is_unknown() {
            // Nothing has changed anywhere.
            return error;
        }
        let Verbs { what, serves, served: served_before, .. } = self.store.verbs();
        let old = match &ready.old {
            Old::None => format!("no {what}"),
            Old::Known(old) => old.to_string(),
            Old::Unknown => format!("the {what} in use before"),
        };
        let new = &ready.new;
        let own = match self.served(ready).await {
            Some(Ok(Some(found))) => format!("the process {serves} {found}"),
            Some(Ok(None)) => format!("the process has no such {what}"),
            _ if error.is_unknown() => format!("the process {serves} {old} or {new}"),
            _ => format!("the process {served_before} {old}"),
        };
        let labels: Vec<&str> = served.iter().map(|label| &**label).collect();
        let others = if labels.is_empty() { "no process".to_owned() } else { labels.join(", ") };
        error.leaving(format!("{own}, {new} is {served_before} by {others}"))
    }

    /// Aborts the transactions that were not committed. If the outcome of a commit is unknown, its
    /// transaction is left alone, because the commit may still be running.
    ///
    /// `own` holds what each process had in its transaction after `set`. For a process that did not reply,
    /// `expected` is known instead.
    ///
    /// Returns the address of each process on which this failed.
    async fn abort_all(
        &self,
        results: &Results,
        own: &HashMap<Address, Mark>,
        expected: Option<&Mark>,
    ) -> HashSet<Address> {
        let deadline = &Deadline::new(self.store.cluster.limits());
        let is_over = |begun: &Begun| match results.get(begun.member.address()) {
            Some(Ok(_)) => true,
            Some(Err(error)) => error.is_unknown(),
            None => false,
        };
        let open: Vec<_> = self.begun().iter().filter(|begun| !is_over(begun)).cloned().collect();
        let aborting = open.iter().map(|begun| async move {
            let expected = own.get(begun.member.address()).or(expected);
            let failed = self.abort(begun, expected, deadline).await.is_err();
            failed.then(|| begun.member.address().clone())
        });
        join_all(aborting).await.into_iter().flatten().collect()
    }

    /// Aborts the transaction of a process, unless the process is gone, or the transaction holds
    /// another certificate and therefore is not of this call.
    async fn abort(&self, begun: &Begun, expected: Option<&Mark>, deadline: &Deadline) -> Result<()> {
        let (_turn, mut connection) = match begun.connect(deadline).await {
            Err(error) if error.is_replaced() || error.is_worker_ended() => return Ok(()),
            connection => connection?,
        };
        // A certificate that cannot be read is aborted too: the process said that this call began it.
        let found = self.store.mark(true, &mut connection, deadline).await.ok().flatten();
        let is_foreign = found.as_ref().zip(expected).is_some_and(|(found, expected)| !found.fits(expected));
        if !is_foreign {
            lock::execute(&self.store.abort_command()?, &mut connection, deadline).await?;
        }
        Ok(())
    }

    fn begun(&self) -> MutexGuard<'_, Vec<Begun>> {
        // The list is consistent after every statement, so a poisoned lock does no harm.
        self.begun.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The first step: one process gets a transaction with the new certificate.
struct Fill<'a> {
    replacement: &'a Replacement,
    member: &'a ProcessClient,
}

impl OnceJob for Fill<'_> {
    type Answer = Ready;

    async fn run(
        &self,
        connection: &mut IdentifiedConnection<'_>,
        deadline: &Deadline,
    ) -> Result<Response<Ready>> {
        let Replacement { store, set, is_strict, .. } = self.replacement;
        let listed = store.listed(connection, deadline).await?;
        if !store.is_in(&listed) {
            return if *is_strict {
                let text = format!("{} {:?}", store.verbs().what, store.name());
                Err(Error::new(Problem::NotFound(text)))
            } else {
                Ok(store.absent())
            };
        }
        let old = Old::read(store, connection, deadline).await?;
        let begun = Begun { member: self.member.clone(), identity: Identity::of_connection(connection)? };
        let setting = Setting { store, set: set.clone(), keeps_own: false };
        // If the reply is lost, the process may have begun the transaction.
        match setting.run(connection, deadline).await {
            Ok(Response::Absent(words)) => return Ok(Response::Absent(words)),
            Err(error) if !error.is_unknown() => return Err(error),
            Err(error) => {
                self.replacement.begun().push(begun);
                return Err(error);
            }
            Ok(Response::Value(_)) => self.replacement.begun().push(begun.clone()),
        }
        match store.mark(true, connection, deadline).await? {
            Some(new) => Ok(Response::Value(Ready { begun, old, new })),
            None => Err(Error::new(Problem::Refused("the transaction is empty".into()))),
        }
    }
}

impl Old {
    async fn read(
        store: &Store,
        connection: &mut IdentifiedConnection<'_>,
        deadline: &Deadline,
    ) -> Result<Self> {
        if store.verbs().may_be_deadly {
            return Ok(Self::Unknown);
        }
        match store.mark(false, connection, deadline).await {
            Ok(old) => Ok(old.map_or(Self::None, Self::Known)),
            Err(error) if error.kind() == ErrorKind::Malformed => Ok(Self::Unknown),
            Err(error) => Err(error),
        }
    }
}

impl Begun {
    /// Takes a [turn](lock::turn), and connects to the process that began the transaction.
    ///
    /// # Errors
    ///
    /// - [`Problem::Replaced`] if another process answers at its address.
    async fn connect<'a>(
        &'a self,
        deadline: &'a Deadline,
    ) -> Result<(OwnedMutexGuard<()>, IdentifiedConnection<'a>)> {
        let turn = lock::turn(&self.member, deadline).await?;
        Ok((turn, self.identity.connect(&self.member, deadline).await?))
    }
}

/// Messages for a process that took the certificate, if the call failed on another process.
const ABORTED: &str = "the transaction was aborted";
const NOT_ABORTED: &str = "the transaction was neither committed nor aborted";
/// Message for a process that failed.
const LEFT: &str = "a transaction may be left, because it could not be aborted";
