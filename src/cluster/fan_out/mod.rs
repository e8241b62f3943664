//! Fan-out: sends a command to every process at once.

mod claims;
mod outcome;
mod outcomes;
mod target;

pub use outcome::Outcome;
pub use outcomes::Outcomes;

pub(crate) use target::{Target, Targets, choose};

use std::sync::Arc;

use futures::FutureExt as _;
use futures::future::{join, join_all};
use tracing::Instrument;

use super::identity::Identity;
use super::membership::Membership;
use super::view::View;
use crate::address::Address;
use crate::error::{Error, ErrorKind, Problem, Result};
use crate::process::{IdentifiedConnection, on_any_thread};
use crate::protocol::{Change, Command, Idempotency, Response, read_change, read_data};
use crate::show::Entries;
use crate::show::stat::{Row, StatFilter};
use crate::snapshot::{Record, Snapshot};
use crate::transport::Deadline;
use claims::Claim;

/// One call that goes to the members of a cluster.
#[derive(Clone, Copy)]
pub(crate) struct FanOut<'a> {
    membership: &'a Arc<Membership>,
    view: &'a View,
}

impl<'a> FanOut<'a> {
    pub(super) fn new(membership: &'a Arc<Membership>, view: &'a View) -> Self {
        Self { membership, view }
    }

    /// Executes a command that changes something on every member. If the view asks for the previous
    /// state, reads the rows in `scope` before.
    pub(crate) async fn change(self, command: Command, scope: StatFilter) -> Result<Outcomes<Change>> {
        let command = &Arc::new(command);
        // The threads of a runtime send and receive at the same time.
        let job = |target: Target, deadline| {
            let command = Arc::clone(command);
            let changing = async move { target.change(&command, &deadline).await }.boxed();
            async { on_any_thread(changing).await.map_err(Error::into_unknown)? }
        };
        self.each(command, scope, job).await
    }

    /// Sends a query to every member, and parses the text of each answer with `read`.
    pub(crate) async fn ask<T: Send + Sync + 'static>(
        self,
        command: Command,
        read: impl Fn(Vec<u8>) -> Result<T> + Sync,
    ) -> Result<Outcomes<T>> {
        let (command, read) = (&command, &read);
        let job = |target: Target, deadline| async move { target.ask(command, read, &deadline).await };
        self.each(command, StatFilter::Nothing, job).await
    }

    /// Runs `job` at once for every member that permits `command`, and collects the outcomes when
    /// all jobs have ended.
    ///
    /// Sends nothing to any process if the line of `command` cannot be sent.
    pub(crate) async fn each<T, J, F>(
        self,
        command: &Command,
        scope: StatFilter,
        job: J,
    ) -> Result<Outcomes<T>>
    where
        T: Send + Sync + 'static,
        J: Fn(Target, Deadline) -> F,
        F: Future<Output = Result<Response<T>>>,
    {
        command.check()?;
        let deadline = Deadline::new(self.view.limits.unwrap_or(self.membership.limits));
        let only = self.view.only.as_deref();
        let Targets { targets, missing } = Targets::find(self.membership, only, command, &deadline).await?;
        if command.is_for_single_process() && targets.len() != 1 {
            let text = format!("a reference is that of one process, and this would reach {}", targets.len());
            return Err(Error::invalid(text).during(command.redacted()));
        }
        let span = tracing::debug_span!("act", command = command.redacted(), processes = targets.len());
        let outcomes = async {
            let sending = targets.iter().map(|target| self.one(target, command, &scope, &job, &deadline));
            let mut sent = join_all(sending).await;
            self.settle(&targets, &mut sent, command, &scope, &job, &deadline).await;
            let (mut outcomes, mut records) = (Vec::new(), Vec::new());
            for (outcome, record) in sent {
                outcomes.push(outcome);
                records.extend(record);
            }
            self.membership.find_shared_counters(&mut records, &deadline).await;
            let previous = self.view.previous.then(|| Snapshot::new(records.into_iter().map(Arc::new)));
            Outcomes::new(command.redacted(), outcomes, missing, previous)
        }
        .instrument(span)
        .await;
        let failed = outcomes.failed().count();
        tracing::debug!(command = command.redacted(), processes = targets.len(), failed, "act");
        if self.view.partial { Ok(outcomes) } else { outcomes.all() }
    }

    async fn one<T, J, F>(
        &self,
        target: &Target,
        command: &Command,
        scope: &StatFilter,
        job: &J,
        deadline: &Deadline,
    ) -> Sent<T>
    where
        J: Fn(Target, Deadline) -> F,
        F: Future<Output = Result<Response<T>>>,
    {
        // For errors of the call itself; an exchange with the process names its own command.
        let with_context = target.member.with_context(command);
        let mut record = None;
        let mut permitted = target.permits(command).map_err(&with_context);
        if let (true, Err(error)) = (self.view.previous, &permitted) {
            record = Some(target.unread(error.clone()));
        } else if self.view.previous {
            // If the previous state could not be read, the change is not sent.
            let before = target.read(scope, deadline).await;
            if let Err(failure) = &before.answer {
                let unmet = Error::unidentified(failure.clone());
                permitted = Err(with_context(unmet));
            }
            record = Some(before);
        }
        let result = match permitted {
            Ok(()) => job(target.clone(), *deadline).await.map_err(with_context),
            Err(error) => Err(error),
        };
        let result = match result {
            Err(error) if error.is_worker_ended() => Ok(Response::Absent(error.reason().into())),
            result => result,
        };
        (Outcome::new(&target.process, result), record)
    }

    /// Reduces the outcomes to one for each process, if several sockets turn out to lead to one
    /// process.
    ///
    /// If the process of a socket was claimed through another socket, the command has not been sent
    /// through the first one yet. The two sockets are compared. The command is sent if the socket
    /// leads to another process, or if the level of the other socket did not permit the command.
    async fn settle<T, J, F>(
        &self,
        targets: &[Target],
        sent: &mut Vec<Sent<T>>,
        command: &Command,
        scope: &StatFilter,
        job: &J,
        deadline: &Deadline,
    ) where
        J: Fn(Target, Deadline) -> F,
        F: Future<Output = Result<Response<T>>>,
    {
        let mut duplicates: Vec<Address> = Vec::new();
        for (at, target) in targets.iter().enumerate() {
            let Some(of) = reached_at(sent.get(at)) else { continue };
            let own = target.member.address();
            let error = match target.claims.is_one_process(&of, &target.member, deadline).await {
                Ok(true) if !is_denied(sent.iter(), &of) => {
                    duplicates.push(own.clone());
                    continue;
                }
                Ok(same) => {
                    if same {
                        target.claims.release(&of);
                        duplicates.push(of);
                    }
                    None
                }
                Err(error) => Some(target.member.with_context(command)(error)),
            };
            let now = match error {
                None => self.one(target, command, scope, job, deadline).await,
                Some(error) => (Outcome::new(&target.process, Err(error)), None),
            };
            if let Some(sent) = sent.get_mut(at) {
                *sent = now;
            }
        }
        if command.idempotency() != Idempotency::Safe {
            duplicates.extend(self.denied_duplicates(targets, sent, deadline).await);
        }
        sent.retain(|(outcome, _)| !duplicates.contains(outcome.address()));
    }

    /// Returns the sockets that did not permit a change and turn out to lead to a process that was
    /// reached through another socket. The other socket has a higher level.
    async fn denied_duplicates<T>(
        &self,
        targets: &[Target],
        sent: &[Sent<T>],
        deadline: &Deadline,
    ) -> Vec<Address> {
        let denied = || targets.iter().zip(sent).filter(|(_, sent)| is_denied_here(&sent.0));
        let reached = || targets.iter().zip(sent).filter(|(_, sent)| sent.0.value().is_some());
        if denied().next().is_none() || reached().next().is_none() {
            return Vec::new();
        }
        let identify = |(target, _): (&'_ Target, &'_ Sent<T>)| {
            let member = target.member.clone();
            async move {
                let (info, read_at) = member.info(deadline).await.ok()?;
                Some((Identity::new(&info, read_at)?, member))
            }
        };
        let identifying = join(join_all(denied().map(identify)), join_all(reached().map(identify)));
        let (denied, reached) = identifying.await;
        let mut duplicates = Vec::new();
        for (identity, member) in denied.iter().flatten() {
            for (_, other) in reached.iter().flatten().filter(|(other, _)| other.fits(identity)) {
                let is_one = self.membership.is_one_process(identity, other, member, deadline);
                // If the comparison fails, both outcomes stay.
                if is_one.await.is_ok_and(|is_one| is_one) {
                    duplicates.push(member.address().clone());
                    break;
                }
            }
        }
        duplicates
    }
}

/// The outcome of one process, and its state before the command.
type Sent<T> = (Outcome<T>, Option<Record>);

fn reached_at<T>(sent: Option<&Sent<T>>) -> Option<Address> {
    sent.and_then(|(outcome, _)| outcome.error()).and_then(Error::reached_at).cloned()
}

/// Returns `true` if the level of the socket at `address` did not permit the command.
fn is_denied<'a, T: 'a>(mut sent: impl Iterator<Item = &'a Sent<T>>, address: &Address) -> bool {
    sent.any(|(outcome, _)| outcome.address() == address && is_denied_here(outcome))
}

fn is_denied_here<T>(outcome: &Outcome<T>) -> bool {
    outcome.error().is_some_and(|error| error.kind() == ErrorKind::PermissionDenied)
}

/// Something that one process must not execute twice, for [`Target::execute_once`].
pub(crate) trait OnceJob: Sync {
    /// The answer of a process that has executed the job.
    type Answer: Send;

    /// True if the limits apply to each command of the job. The time of the call may be over when the job ends.
    const HAS_LIMITS_FOR_EACH_COMMAND: bool = false;

    /// Executes the job on a connection to the process.
    ///
    /// The future is declared `Send`. The compiler cannot infer this for an async closure, because
    /// the closure would have to accept every lifetime of the connection.
    fn run(
        &self,
        connection: &mut IdentifiedConnection<'_>,
        deadline: &Deadline,
    ) -> impl Future<Output = Result<Response<Self::Answer>>> + Send;
}

impl OnceJob for Command {
    type Answer = Change;

    async fn run(
        &self,
        connection: &mut IdentifiedConnection<'_>,
        deadline: &Deadline,
    ) -> Result<Response<Change>> {
        connection.execute(self, deadline).await
    }
}

impl Target {
    /// Executes a command that changes something on the process.
    pub(crate) async fn change(&self, command: &Command, deadline: &Deadline) -> Result<Response<Change>> {
        match command.idempotency() {
            Idempotency::NonIdempotent => self.execute_once(command, deadline).await,
            _ => self.member.execute(command, self.nbproc(), read_change, deadline).await,
        }
    }

    /// Executes a job on a connection that has claimed the process: no other connection of this
    /// call may send the job to it. If a reload replaces the process meanwhile, the new process
    /// executes the job.
    ///
    /// An answer counts only if it comes from the process that serves now. The process is therefore
    /// identified again after a refusal too: the new process may accept the command, and entries
    /// that were added before the refusal are lost with the old process. An unknown outcome is
    /// returned at once, because a connection that has lost a reply can answer no further command.
    pub(crate) async fn execute_once<J: OnceJob>(
        &self,
        job: &J,
        deadline: &Deadline,
    ) -> Result<Response<J::Answer>> {
        let mut rest = *deadline;
        loop {
            let deadline = rest;
            let mut connection = self.claimed(&deadline).await?;
            let result = job.run(&mut connection, &deadline).await;
            let is_unknown = result.as_ref().is_err_and(Error::is_unknown);
            if is_unknown {
                return result;
            }
            if J::HAS_LIMITS_FOR_EACH_COMMAND {
                rest = Deadline::new(*deadline.limits());
            }
            match (connection.was_replaced(&rest).boxed().await, &result) {
                (Ok(true), _) => {}
                (Err(error), Ok(_)) => return Err(error),
                _ => return result,
            }
            self.claims.release(self.member.address());
        }
    }

    /// Executes a job on a connection that has claimed the process. The job has a meaning for this
    /// process only, and is not executed again if a reload replaces the process meanwhile.
    pub(crate) async fn execute_in_place<J: OnceJob>(
        &self,
        job: &J,
        deadline: &Deadline,
    ) -> Result<Response<J::Answer>> {
        let mut connection = self.claimed(deadline).await?;
        job.run(&mut connection, deadline).await
    }

    async fn claimed<'a>(&'a self, deadline: &'a Deadline) -> Result<Box<IdentifiedConnection<'a>>> {
        match self.claims.claim(&self.member, deadline).await? {
            Claim::Granted(identified) => Ok(identified),
            Claim::Claimed(address) => Err(Error::new(Problem::ReachedAt(address))),
        }
    }

    /// Sends a query to the process, and parses the text of the answer with `read`.
    pub(crate) async fn ask<T>(
        &self,
        command: &Command,
        read: impl Fn(Vec<u8>) -> Result<T>,
        deadline: &Deadline,
    ) -> Result<Response<T>> {
        let response = self.member.execute(command, self.nbproc(), read_data, deadline).await?;
        read_value(response, read)
    }

    /// Queries a list from the process. Its entries may contain anything, including empty lines.
    pub(crate) async fn list<T>(
        &self,
        command: &Command,
        read: impl Fn(Vec<u8>) -> Result<T>,
        deadline: &Deadline,
    ) -> Result<Response<T>> {
        let response = self.member.dump(command, self.nbproc(), deadline).await?;
        read_value(response, read)
    }

    /// Queries the entries of a map or an ACL from the process.
    pub(crate) async fn entries(&self, command: &Command, deadline: &Deadline) -> Result<Response<Entries>> {
        self.member.entries(command, self.nbproc(), deadline).await
    }

    /// Returns `true` if `show stat` has a row that matches.
    pub(crate) async fn lists(
        &self,
        scope: &StatFilter,
        is_it: impl Fn(Row<'_>) -> bool,
        deadline: &Deadline,
    ) -> Result<bool> {
        Ok(self.member.read(scope, deadline).await?.stat.rows().any(is_it))
    }
}

fn read_value<T>(response: Response<Vec<u8>>, read: impl Fn(Vec<u8>) -> Result<T>) -> Result<Response<T>> {
    Ok(match response {
        Response::Value(data) => Response::Value(read(data)?),
        Response::Absent(message) => Response::Absent(message),
    })
}
