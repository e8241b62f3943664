//! Reading the settings of one process.

use std::collections::{HashMap, HashSet};

use super::remembered::ProcessSettings;
use super::server::ServerSettings;
use crate::cluster::{Identity, Target};
use crate::error::Result;
use crate::field::RowKind;
use crate::protocol::{Command, Response, ServerName};
use crate::show::ServerState;
use crate::show::stat::{Row, StatFilter};
use crate::snapshot::Record;
use crate::transport::Deadline;

/// The servers to read.
pub(in crate::operate) enum Scope<'a> {
    All,
    Backend(&'a str),
    Server(&'a ServerName),
}

/// The settings of a process.
pub(in crate::operate) struct Found {
    pub(in crate::operate) settings: ProcessSettings,
    pub(in crate::operate) identity: Identity,
    /// Names of the backends that `show stat` lists.
    pub(in crate::operate) backends: HashSet<Box<str>>,
    pub(in crate::operate) is_stopping: bool,
    /// `true` if the process can add servers.
    pub(in crate::operate) adds_servers: bool,
}

impl Scope<'_> {
    fn backend(&self) -> Option<&str> {
        match self {
            Self::All => None,
            Self::Backend(name) => Some(name),
            Self::Server(name) => Some(name.backend()),
        }
    }

    /// Returns the query for the states.
    pub(in crate::operate) fn command(&self) -> Command {
        let command = Command::read("show servers state");
        match self.backend() {
            Some(name) => command.word(name),
            None => command,
        }
    }

    fn contains(&self, server: &ServerState) -> bool {
        !matches!(self, Self::Server(name) if *server.name != *name.name())
    }
}

/// Reads the settings: `show servers state` and `show stat`, from the same process. Each reply also identifies
/// the process.
pub(in crate::operate) async fn read(
    target: &Target,
    scope: &Scope<'_>,
    deadline: &Deadline,
) -> Result<Response<Found>> {
    let filter = scope.backend().map_or(StatFilter::All, StatFilter::backend);
    loop {
        let (before, states) = match states(target, &scope.command(), deadline).await? {
            Response::Value(read) => read,
            Response::Absent(words) => return Ok(Response::Absent(words)),
        };
        let record = target.look(&filter, deadline).await?;
        let identity = Identity::of(&record).ok_or_else(Identity::missing)?;
        // If they differ, another process has answered the second query.
        if before.fits(&identity) {
            let states = states.into_iter().filter(|state| scope.contains(state)).collect();
            return Ok(found(target, &record, identity, states));
        }
    }
}

/// Reads the states of the servers, and the identity of the process, on one connection.
async fn states(
    target: &Target,
    command: &Command,
    deadline: &Deadline,
) -> Result<Response<(Identity, Vec<ServerState>)>> {
    let (info, at, answer) = target.member.identified_query(command, deadline).await?;
    let answer = match answer {
        Response::Value(answer) => answer,
        Response::Absent(words) => return Ok(Response::Absent(words)),
    };
    let with_context = target.member.with_context(command);
    let states = ServerState::read(&answer).map_err(|error| with_context(error.into()))?;
    if states.is_empty() && target.member.nbproc(&info).lists_foreign_backends() {
        return Ok(Response::Absent("no servers listed by `show servers state`".into()));
    }
    Ok(Response::Value((Identity::new(&info, at).ok_or_else(Identity::missing)?, states)))
}

fn found(target: &Target, record: &Record, identity: Identity, states: Vec<ServerState>) -> Response<Found> {
    let rows = || record.answer.iter().flat_map(|report| report.stat.rows());
    let servers = rows().filter(|row| row.kind() == RowKind::Server);
    let servers: HashMap<(&str, &str), Row<'_>> =
        servers.map(|row| ((row.proxy(), row.name()), row)).collect();
    let backends = rows().filter(|row| row.kind() == RowKind::Backend).map(|row| row.proxy().into());
    let settings = ProcessSettings {
        host: target.host().into(),
        address: target.member.address().clone(),
        label: target.label().into(),
        pid: identity.pid(),
        started_at: identity.started_at(),
        servers: Vec::new(),
        patterns: None,
    };
    let join = |state: ServerState| {
        let row = servers.get(&(&*state.backend, &*state.name)).copied();
        ServerSettings::new(state, row.as_ref())
    };
    Response::Value(Found {
        settings: ProcessSettings { servers: states.into_iter().map(join).collect(), ..settings },
        identity,
        backends: backends.collect(),
        is_stopping: record.is_stopping(),
        adds_servers: record.version().is_some_and(|version| version >= (2, 6)),
    })
}
