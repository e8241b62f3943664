//! One HAProxy process: joins bytes, commands and meaning.

use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

use futures::FutureExt as _;
use futures::future::BoxFuture;

use crate::Address;
use crate::aggregate::{Failure, Record};
use crate::error::{Error, Problem, Result};
use crate::model::{Info, Reading, Scope, SweepParser};
use crate::protocol::{Answer, Command, Effect};
use crate::transport::{self, Deadline, Flow, Reply, Sink, StatsSocket};

/// What reading everything is called in errors and traces.
const READING: &str = "show info;show stat";

/// A stats socket of the cluster, and what the user said of it.
#[derive(Debug, Clone)]
pub(crate) struct Member {
    pub(crate) socket: StatsSocket,
    pub(crate) source: Arc<str>,
    pub(crate) label: Option<Box<str>>,
}

impl Member {
    pub(crate) fn address(&self) -> &Address {
        self.socket.address()
    }

    /// What the process says of itself and of the rows in `scope`, on one
    /// connection.
    pub(crate) fn read<'a>(
        &'a self,
        scope: &'a Scope,
        deadline: &'a Deadline,
    ) -> BoxFuture<'a, Result<Reading>> {
        self.sweep(scope, deadline).boxed()
    }

    async fn sweep(&self, scope: &Scope, deadline: &Deadline) -> Result<Reading> {
        let mut parser = SweepParser::new();
        self.socket.exchange(scope.line().as_bytes(), READING, deadline, &mut parser).await?;
        let absent = parser.is_absent();
        let reading = parser.finish().map_err(|error| error.at(self.address()))?;
        if reading.stat.is_empty() && !absent && matches!(scope, Scope::Proxy { .. }) {
            // Up to 3.2 a frontend and a backend may share a name, and HAProxy
            // takes the first one for it.
            return self.read(&Scope::All, deadline).await;
        }
        Ok(reading)
    }

    /// Runs a command on a connection of its own. `several` is whether the process
    /// is one of several of the same HAProxy.
    pub(crate) async fn execute(
        &self,
        command: &Command,
        several: bool,
        deadline: &Deadline,
    ) -> Result<Answer> {
        let reply = self.reply(command, deadline).await?;
        let answer = Answer::read(reply, command, several);
        answer.map_err(|problem| Error::new(problem).during(command.shown()).at(self.address()))
    }

    /// The whole reply to a command, as it is.
    pub(crate) async fn verbatim(&self, command: &Command, deadline: &Deadline) -> Result<Reply> {
        self.reply(command, deadline).await.map(Reply::whole)
    }

    /// The whole reply to a command, without that to what stands before it.
    ///
    /// Boxed, as is [`read`](Self::read): what is polled here is deep, and would be a
    /// part of the type of every future that a user makes.
    pub(crate) fn reply<'a>(
        &'a self,
        command: &'a Command,
        deadline: &'a Deadline,
    ) -> BoxFuture<'a, Result<Vec<u8>>> {
        self.own_reply(command, deadline).boxed()
    }

    async fn own_reply(&self, command: &Command, deadline: &Deadline) -> Result<Vec<u8>> {
        let changes = command.effect() != Effect::Read;
        let mut reply =
            self.socket.reply(command.wire().as_bytes(), command.shown(), deadline, changes).await?;
        let own = command.own_reply(&reply);
        let whole = match reply.get(own.clone()) {
            Some([]) | None if reply.len() > 1 => {
                let text = format!("{} bytes, and no answer to what follows it on the line", reply.len());
                Err(Error::new(Problem::Truncated(text)))
            }
            bytes => transport::check_ending(bytes.unwrap_or_default()),
        };
        match whole {
            Ok(()) => {
                reply.truncate(own.end);
                reply.drain(..own.start);
                Ok(reply)
            }
            Err(error) => {
                let error = error.during(command.shown()).at(self.address());
                Err(if changes { error.into_unknown() } else { error })
            }
        }
    }

    /// How many connections it has accepted so far, this one included.
    pub(crate) async fn connections(&self, deadline: &Deadline) -> Result<Option<u64>> {
        let reply = self.socket.command_within("show info", deadline).await?;
        let info = Info::parse(reply.as_bytes());
        Ok(info.map_err(|error| error.at(self.address()).during("show info"))?.cum_conns())
    }

    /// What is kept of an answer.
    pub(crate) fn record(&self, answer: Result<Reading>) -> Record {
        let answer = answer.map_err(|error| Failure::new(&error, READING));
        self.kept(answer)
    }

    /// The record of an answer, or of the want of one.
    pub(crate) fn kept(&self, answer: Result<Reading, Failure>) -> Record {
        let mut record = Record::new(self.source.clone(), self.address().clone(), answer);
        record.label.clone_from(&self.label);
        record.read_at = now();
        record
    }
}

impl Sink for SweepParser {
    fn feed(&mut self, bytes: &[u8]) -> Result<Flow> {
        SweepParser::feed(self, bytes)?;
        Ok(Flow::More)
    }
}

/// Microseconds since 1970.
fn now() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_micros()).unwrap_or(u64::MAX)
}
