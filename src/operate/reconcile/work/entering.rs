//! Servers that are added, that change in place, or that enter traffic.

use std::collections::{HashMap, HashSet};
use std::sync::{Mutex, PoisonError};

use super::{ApplyWork, Open, own};
use crate::cluster::{Identity, OnceJob, Target};
use crate::error::{Error, ErrorKind, Problem, Result};
use crate::operate::reconcile::server::DesiredServer;
use crate::operate::reconcile::step::{ServerChange, Step};
use crate::operate::settings::{set_address, set_weight};
use crate::operate::wait::{Condition, is_up};
use crate::process::IdentifiedConnection;
use crate::protocol::{Command, Response, ServerName};
use crate::show::AdminState;
use crate::show::stat::StatFilter;
use crate::snapshot::BackendStats;
use crate::transport::Deadline;

/// Number of steps on one connection. It bounds the time between two looks at the process behind it.
const TOGETHER: usize = 64;

/// A step, its server, and its commands.
struct Order<'a> {
    step: &'a Step,
    server: (&'a str, &'a str),
    commands: Vec<Command>,
}

impl ApplyWork {
    /// Takes the steps of servers that stay or come, and waits until the servers that enter traffic are up.
    pub(super) async fn enter(&self, process: &Open<'_>) {
        let result = match self.orders(process) {
            Ok(orders) => self.send_all(process, &orders).await,
            Err(error) => Err(error),
        };
        let result = match result {
            Ok(true) => self.wait_until_up(process).await,
            other => other.map(drop),
        };
        if let Err(error) = result {
            self.fail(process.address, own(error));
        }
    }

    fn orders<'a>(&self, process: &Open<'a>) -> Result<Vec<Order<'a>>> {
        let wanted: HashMap<(&str, &str), &DesiredServer> = self.desired_servers().collect();
        let mut orders = Vec::new();
        for step in &process.stages.entering {
            let Step::Server { backend, server, change } = step else { continue };
            let server = (&**backend, &**server);
            let commands = commands(server, change, wanted.get(&server).copied())?;
            orders.push(Order { step, server, commands });
        }
        Ok(orders)
    }

    /// Sends the commands of steps. Returns `false` if another process has taken the place of this one.
    ///
    /// # Errors
    ///
    /// - The first refusal. The other servers get their steps.
    /// - The error of a command, if no further one was sent.
    async fn send_all(&self, process: &Open<'_>, orders: &[Order<'_>]) -> Result<bool> {
        let (refused, refusal) = (Mutex::default(), Mutex::default());
        let done = |step: &Step| self.done(process, step);
        let cluster = self.only(process);
        for orders in orders.chunks(TOGETHER) {
            let identity = process.identity;
            let sending = &Sending { identity, orders, refused: &refused, refusal: &refusal, done: &done };
            let job = |target: Target, deadline| async move { target.execute_once(sending, &deadline).await };
            // It may add servers, and is not repeated on a connection that is lost.
            let command = &Command::write_once("set server").word("...");
            let sent = cluster.fan_out().each(command, StatFilter::Nothing, job).await?;
            if sent.values().any(|(_, is_same)| !is_same) {
                return Ok(false);
            }
        }
        match refusal.into_inner().unwrap_or_else(PoisonError::into_inner) {
            Some(error) => Err(error),
            None => Ok(true),
        }
    }

    async fn wait_until_up(&self, process: &Open<'_>) -> Result<()> {
        let mut entered: HashMap<&str, Vec<&str>> = HashMap::new();
        for step in &process.stages.entering {
            if let Step::Server {
                backend,
                server,
                change:
                    ServerChange::Add { state: AdminState::Ready, .. }
                    | ServerChange::State { to: AdminState::Ready, .. },
            } = step
            {
                entered.entry(backend).or_default().push(server);
            }
        }
        if self.terms.up_within.is_zero() {
            return Ok(());
        }
        let cluster = self.only(process);
        for (backend, servers) in entered {
            let backend = cluster.backend_ref(backend)?;
            backend.wait_until(AreUp(&servers), self.terms.up_within).await?;
        }
        Ok(())
    }
}

/// Returns the commands that change a server.
///
/// # Errors
///
/// - `InvalidInput` if a value cannot be sent.
pub(super) fn commands(
    (backend, server): (&str, &str),
    change: &ServerChange,
    wanted: Option<&DesiredServer>,
) -> Result<Vec<Command>> {
    let name = &ServerName::new(backend, server)?;
    let verb = |verb| Command::write(verb).word(name).refused_when_stopping();
    let set = || verb("set server");
    Ok(match change {
        ServerChange::Add { address, state } => {
            let Some(wanted) = wanted else { return Ok(Vec::new()) };
            // A new server is in maintenance, and HAProxy does not run its checks. If the server were enabled
            // first, it would take traffic that no check has vetted.
            let mut commands = vec![wanted.addition(name, *address)?];
            if wanted.has_check() {
                commands.push(verb("enable health"));
            }
            if wanted.has_agent() {
                commands.push(verb("enable agent"));
            }
            if *state != AdminState::Maint {
                commands.push(set().word("state").word(state));
            }
            commands
        }
        ServerChange::Address { from, to } => vec![set_address(name, *from, *to)],
        ServerChange::Weight { to, configured, .. } => vec![set_weight(name, Some(*configured), *to)?],
        ServerChange::HealthCheck => vec![verb("enable health")],
        ServerChange::AgentCheck => vec![verb("enable agent")],
        ServerChange::State { to, .. } => vec![set().word("state").word(to)],
        // `ServerRef::delete` has more to do than one command.
        ServerChange::Delete { .. } => Vec::new(),
    })
}

/// Steps of one process on one connection.
struct Sending<'a> {
    identity: &'a Identity,
    orders: &'a [Order<'a>],
    /// Servers with a step that HAProxy has refused. They get no further step.
    refused: &'a Mutex<HashSet<(&'a str, &'a str)>>,
    /// The first refusal.
    refusal: &'a Mutex<Option<Error>>,
    done: &'a (dyn Fn(&Step) + Sync),
}

impl OnceJob for Sending<'_> {
    /// False if another process answers, to which nothing was sent.
    type Answer = bool;

    async fn run(
        &self,
        connection: &mut IdentifiedConnection<'_>,
        deadline: &Deadline,
    ) -> Result<Response<bool>> {
        if !Identity::of_connection(connection)?.fits(self.identity) {
            return Ok(Response::Value(false));
        }
        for order in self.orders {
            // The next step of the server may be the one that puts it into traffic.
            let is_refused =
                self.refused.lock().unwrap_or_else(PoisonError::into_inner).contains(&order.server);
            if !is_refused && self.take(order, connection, deadline).await? {
                (self.done)(order.step);
            }
        }
        Ok(Response::Value(true))
    }
}

impl Sending<'_> {
    /// Takes one step. Returns `false` if HAProxy refuses it.
    async fn take(
        &self,
        order: &Order<'_>,
        connection: &mut IdentifiedConnection<'_>,
        deadline: &Deadline,
    ) -> Result<bool> {
        for command in &order.commands {
            // The limits apply to each command.
            let deadline = &Deadline::new(*deadline.limits());
            let error = match connection.execute(command, deadline).await {
                Ok(Response::Value(_)) => continue,
                Ok(Response::Absent(words)) => Error::new(Problem::Refused(words)).during(command.redacted()),
                Err(error) if error.refusal().is_some() || error.kind() == ErrorKind::Unsupported => error,
                Err(error) => return Err(error),
            };
            self.refuse(order, error);
            return Ok(false);
        }
        Ok(true)
    }

    fn refuse(&self, order: &Order<'_>, error: Error) {
        let mut refused = self.refused.lock().unwrap_or_else(PoisonError::into_inner);
        let own = self.orders.iter().find(|own| own.server == order.server);
        refused.extend(own.map(|own| own.server));
        self.refusal.lock().unwrap_or_else(PoisonError::into_inner).get_or_insert(error);
    }
}

/// The condition that these servers of a backend are up.
struct AreUp<'a>(&'a [&'a str]);

impl Condition<BackendStats> for AreUp<'_> {
    fn lacks(&self, backend: &BackendStats) -> Option<String> {
        let names: HashSet<&str> = self.0.iter().copied().collect();
        let servers = backend.servers();
        let mut entered = servers.iter().filter(|server| names.contains(server.name()));
        entered.find_map(|server| {
            let lack = is_up().lacks(server)?;
            Some(format!("{}/{}: {lack}", backend.name(), server.name()))
        })
    }
}
