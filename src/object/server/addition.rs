//! Addition of a server: several commands for each process.

use super::new_server::NewServer;
use super::state;
use crate::cluster::{Cluster, OnceJob, Outcomes, Target};
use crate::error::{Error, Problem, Result};
use crate::process::IdentifiedConnection;
use crate::protocol::{Change, Command, Response, ServerName};
use crate::show::stat::StatFilter;
use crate::show::{AdminState, OperationalState, ServerState};
use crate::transport::Deadline;

/// The commands that add a server, in the order in which every release accepts them.
struct Addition {
    add: Command,
    /// The other commands, each with the state of the server if the command fails.
    enable: Vec<(Command, &'static str)>,
    is_checked: bool,
}

/// State of the server if the reply to one of the other commands is lost.
const UNKNOWN: &str = "the server was added, and this command may have been executed";

/// Adds a server to its backend on every process, enables it, and reads its state.
pub(in crate::object) async fn add(
    cluster: &Cluster,
    name: &ServerName,
    server: &NewServer,
) -> Result<Outcomes<ServerState>> {
    let addition = &Addition::new(name, server)?;
    let job = |target: Target, deadline| async move { run(addition, name, &target, &deadline).await };
    cluster.fan_out().each(&addition.add, StatFilter::backend(name.backend()), job).await
}

async fn run(
    addition: &Addition,
    name: &ServerName,
    target: &Target,
    deadline: &Deadline,
) -> Result<Response<ServerState>> {
    if let Response::Absent(words) = target.execute_once(addition, deadline).await? {
        return Ok(Response::Absent(words));
    }
    let unverified =
        |error: Error| error.leaving("the server was added and enabled, and its state is unknown");
    match state(name, target, deadline).await.map_err(unverified)? {
        Response::Value(state) if addition.is_satisfied_with(&state) => Ok(Response::Value(state)),
        Response::Value(state) => {
            let words = format!("the state is {} and {}", state.administrative, state.operational).into();
            let left = "the server was added and enabled, and takes no traffic";
            Err(Error::new(Problem::Refused(words)).leaving(left))
        }
        Response::Absent(_) => {
            let left = "the server was added and enabled, and is not there any more";
            Err(Error::new(Problem::NotFound(format!("server {name} in `show servers state`"))).leaving(left))
        }
    }
}

impl Addition {
    fn new(name: &ServerName, server: &NewServer) -> Result<Self> {
        let write = |verb| Command::write(verb).word(name);
        // A new server is in maintenance, and HAProxy does not run its checks. If the server were
        // enabled first, it would take traffic that no check has vetted.
        let mut enable = Vec::new();
        if server.has_check() {
            enable
                .push((write("enable health"), "the server was added, and is in maintenance without checks"));
        }
        if server.has_agent() {
            enable.push((
                write("enable agent"),
                "the server was added, and is in maintenance without agent checks",
            ));
        }
        enable.push((write("enable server"), "the server was added, and is in maintenance"));
        let is_checked = server.has_check() || server.has_agent();
        Ok(Self { add: server.command(name)?, enable, is_checked })
    }

    /// Returns `true` if the server takes traffic, as far as its checks permit.
    ///
    /// A server that tracks another server (`track`) does not inherit its maintenance when it is
    /// added, and is down.
    fn is_satisfied_with(&self, state: &ServerState) -> bool {
        let is_up = self.is_checked || state.operational != OperationalState::Stopped;
        is_up && state.administrative.state() == AdminState::Ready
    }
}

impl OnceJob for Addition {
    type Answer = Change;

    async fn run(
        &self,
        connection: &mut IdentifiedConnection<'_>,
        deadline: &Deadline,
    ) -> Result<Response<Change>> {
        let added = connection.execute(&self.add, deadline).await?;
        if let Response::Absent(_) = added {
            return Ok(added);
        }
        for (command, left) in &self.enable {
            match connection.execute(command, deadline).await {
                Ok(Response::Value(_)) => {}
                Ok(Response::Absent(words)) => {
                    let refused = Error::new(Problem::Refused(words)).during(command.redacted());
                    return Err(refused.leaving("the server was added, and is not there any more"));
                }
                Err(error) if error.is_unknown() => return Err(error.leaving(UNKNOWN)),
                Err(error) => return Err(error.leaving(*left)),
            }
        }
        Ok(added)
    }
}
