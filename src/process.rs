//! One HAProxy process: joins bytes, commands and meaning.

use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

use crate::Address;
use crate::aggregate::{Failure, Record};
use crate::error::Result;
use crate::model::{Info, Reading, Scope, SweepParser};
use crate::transport::{Deadline, Flow, Limits, Sink, StatsSocket};

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
    pub(crate) async fn read(&self, scope: &Scope, deadline: &Deadline) -> Result<Reading> {
        let mut parser = SweepParser::new();
        self.socket.exchange(scope.line().as_bytes(), READING, deadline, &mut parser).await?;
        parser.finish().map_err(|error| error.at(self.address()))
    }

    /// What it says of itself alone.
    pub(crate) async fn info(&self, limits: &Limits) -> Result<Info> {
        let reply = self.socket.command_with("show info", *limits).await?;
        Info::parse(reply.as_bytes()).map_err(|error| error.at(self.address()).during("show info"))
    }

    /// What is kept of an answer.
    pub(crate) fn record(&self, answer: Result<Reading>) -> Record {
        let answer = answer.map_err(|error| Failure::new(&error, READING));
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
