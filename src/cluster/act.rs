//! Sending a command to every process at once.

use std::sync::Arc;

use futures::future::join_all;
use tracing::Instrument;

use super::Cluster;
use super::outcome::{Outcome, Outcomes, Presence};
use super::target::Target;
use crate::aggregate::{Record, Snapshot};
use crate::error::{Error, Problem, Result};
use crate::model::{Row, Scope};
use crate::protocol::{Answer, Change, Command, malformed};
use crate::transport::{self, Deadline};

impl Cluster {
    /// Has every member execute a command that changes something. `scope` is what is
    /// read before, if that was asked for.
    pub(super) async fn change(&self, command: Command, scope: Scope) -> Result<Outcomes<Change>> {
        let command = &command;
        let job = |target: Target, deadline| async move { target.change(command, &deadline).await };
        self.each(command, scope, job).await
    }

    /// Asks every member for something that is read from the text it prints.
    pub(super) async fn ask<T: Send + Sync + 'static>(
        &self,
        command: Command,
        read: impl Fn(Vec<u8>) -> Result<T> + Sync,
    ) -> Result<Outcomes<T>> {
        let (command, read) = (&command, &read);
        let job = |target: Target, deadline| async move { target.ask(command, read, &deadline).await };
        self.each(command, Scope::Nothing, job).await
    }

    /// Does `job` with every member that permits `command`, all at once, and judges
    /// what came of it when all have finished.
    ///
    /// Nothing is sent to anybody if the line of `command` cannot be sent.
    pub(super) async fn each<T, J, F>(&self, command: &Command, scope: Scope, job: J) -> Result<Outcomes<T>>
    where
        T: Send + Sync + 'static,
        J: Fn(Target, Deadline) -> F,
        F: Future<Output = Result<Presence<T>>>,
    {
        transport::check_line(&command.line()).map_err(|error| error.during(command.shown()))?;
        let deadline = Deadline::new(self.limits());
        let only = self.view.only.as_deref();
        let targets = self.shared.targets(only, command, &deadline).await?;
        if command.is_for_one() && targets.len() != 1 {
            let text = format!("a reference is that of one process, and this would reach {}", targets.len());
            return Err(Error::invalid(text).during(command.shown()));
        }
        let span = tracing::debug_span!("act", command = command.shown(), processes = targets.len());
        let outcomes = async {
            let done =
                join_all(targets.iter().map(|target| self.one(target, command, &scope, &job, &deadline)));
            let (mut outcomes, mut records) = (Vec::new(), Vec::new());
            for (outcome, record) in done.await {
                outcomes.push(outcome);
                records.extend(record.map(Arc::new));
            }
            let previous = self.view.previous.then(|| Snapshot::new(records));
            Outcomes::new(command.shown(), outcomes, previous)
        }
        .instrument(span)
        .await;
        let failed = outcomes.failed().count();
        tracing::debug!(command = command.shown(), processes = targets.len(), failed, "act");
        if self.view.partial { Ok(outcomes) } else { outcomes.all() }
    }

    async fn one<T, J, F>(
        &self,
        target: &Target,
        command: &Command,
        scope: &Scope,
        job: &J,
        deadline: &Deadline,
    ) -> (Outcome<T>, Option<Record>)
    where
        J: Fn(Target, Deadline) -> F,
        F: Future<Output = Result<Presence<T>>>,
    {
        let placed = |error: Error| error.during(command.shown()).at(target.member.address());
        let mut record = None;
        let mut permitted = target.permits(command).map_err(placed);
        if self.view.previous && permitted.is_ok() {
            // Who wants to know what was there before does not want to lose it.
            let before = target.read(scope, deadline).await;
            if let Err(failure) = &before.answer {
                let unmet = Error::new(Problem::Unmet(failure.clone()));
                permitted = Err(placed(unmet));
            }
            record = Some(before);
        }
        let result = match permitted {
            Ok(()) => job(target.clone(), *deadline).await,
            Err(error) => Err(error),
        };
        (Outcome::new(target.process.clone(), result), record)
    }
}

impl Target {
    /// Has the process execute a command that changes something.
    pub(super) async fn change(&self, command: &Command, deadline: &Deadline) -> Result<Presence<Change>> {
        match self.execute(command, deadline).await? {
            Answer::Change(change) => Ok(Presence::Here(change)),
            Answer::NotHere(words) => Ok(Presence::NotHere(words)),
            // Of a command that changes something, what was printed is no answer.
            Answer::Data(data) => Err(self.placed(command, malformed("a message", &data))),
        }
    }

    /// Asks the process for something that is read from the text it prints.
    pub(super) async fn ask<T>(
        &self,
        command: &Command,
        read: impl Fn(Vec<u8>) -> Result<T>,
        deadline: &Deadline,
    ) -> Result<Presence<T>> {
        match self.execute(command, deadline).await? {
            Answer::Data(data) => match read(data) {
                Ok(value) => Ok(Presence::Here(value)),
                Err(error) => Err(error.during(command.shown()).at(self.member.address())),
            },
            Answer::NotHere(words) => Ok(Presence::NotHere(words)),
            Answer::Change(_) => Err(self.placed(command, malformed("data", b""))),
        }
    }

    /// Whether `show stat` has such a row.
    pub(super) async fn lists(
        &self,
        scope: &Scope,
        is_it: impl Fn(Row<'_>) -> bool,
        deadline: &Deadline,
    ) -> Result<bool> {
        Ok(self.member.read(scope, deadline).await?.stat.rows().any(is_it))
    }

    pub(super) async fn execute(&self, command: &Command, deadline: &Deadline) -> Result<Answer> {
        self.member.execute(command, self.is_one_of_several(), deadline).await
    }

    /// The error that a command met with at this process.
    pub(super) fn placed(&self, command: &Command, problem: Problem) -> Error {
        Error::new(problem).during(command.shown()).at(self.member.address())
    }
}
