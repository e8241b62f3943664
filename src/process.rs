//! One HAProxy process: joins bytes, commands and meaning.

use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

use crate::Address;
use crate::aggregate::{Failure, Record};
use crate::error::Result;
use crate::model::{Info, Reading, Scope, SweepParser};
use crate::transport::{Deadline, Flow, Sink, StatsSocket};

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
        let absent = parser.is_absent();
        let reading = parser.finish().map_err(|error| error.at(self.address()))?;
        if reading.stat.is_empty() && !absent && matches!(scope, Scope::Proxy { .. }) {
            // Up to 3.2 a frontend and a backend may share a name, and HAProxy
            // takes the first one for it.
            return Box::pin(self.read(&Scope::All, deadline)).await;
        }
        Ok(reading)
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
