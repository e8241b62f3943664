//! Servers that are added, that change in place, or that enter traffic.

use std::collections::{HashMap, HashSet};

use tokio::time::Instant;

use super::sending::{Order, Sent};
use super::{ApplyWork, Open};
use crate::error::Result;
use crate::operate::reconcile::server::DesiredServer;
use crate::operate::reconcile::step::{ServerChange, Step};
use crate::operate::settings::{set_address, set_weight};
use crate::operate::wait::{Condition, is_up};
use crate::protocol::{Command, ServerName};
use crate::show::AdminState;
use crate::snapshot::BackendStats;

impl ApplyWork {
    /// Takes the steps of servers that stay or come, and waits until all servers that should take traffic are up.
    pub(super) async fn enter(&self, process: &Open<'_>) {
        let sent = match self.orders(process) {
            Ok(orders) => self.send(process, &orders).await,
            Err(error) => Err(error),
        };
        match sent {
            Ok(Sent::All(_)) => self.wait_until_up(process).await,
            Ok(Sent::Replaced) => {}
            Err(error) => self.fail(process.address, error),
        }
    }

    fn orders<'a>(&self, process: &'a Open<'_>) -> Result<Vec<Order<'a>>> {
        let wanted: HashMap<(&str, &str), &DesiredServer> = self.desired_servers().collect();
        let mut orders = Vec::new();
        for step in &process.stages.entering {
            let Step::Server { backend, server, change } = step else { continue };
            let server = (&**backend, &**server);
            let commands = commands(server, change, wanted.get(&server).copied())?;
            orders.push(Order { server, commands, step: Some(step) });
        }
        Ok(orders)
    }

    /// Waits until the servers that should take traffic are up, also those that an earlier call has put into traffic:
    /// the next stages lead requests to them, and take others away. A backend fails if they are not up in time. A backend
    /// that has failed or that lacks a server is held back anyway, and not waited for.
    async fn wait_until_up(&self, process: &Open<'_>) {
        let (start, within) = (Instant::now(), self.terms.up_within);
        let stages = &*process.stages;
        let mut lists = [&stages.entering, &stages.entries, &stages.leaving].into_iter();
        if within.is_zero() || lists.all(Vec::is_empty) {
            return;
        }
        let cluster = self.only(process);
        for backend in &self.desired.backends {
            let wanted = backend.servers.iter().filter(|server| server.is_for_traffic());
            let wanted: HashSet<&str> = wanted.map(|server| &*server.name).collect();
            if wanted.is_empty() || stages.lacking.contains(&backend.name) || stages.is_absent(&backend.name)
            {
                continue;
            }
            if self.has_failed(process, &backend.name) {
                continue;
            }
            let left = within.saturating_sub(start.elapsed());
            let result = match cluster.backend_ref(&backend.name) {
                Ok(backend) => self.wait_until(process, &backend, AreUp(&wanted), left).await,
                Err(error) => Err(error),
            };
            match result {
                Ok(true) => {}
                Ok(false) => return,
                Err(error) => self.fail_backend(process, &backend.name, error),
            }
        }
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

/// The condition that those of these servers that a backend has are up. If one is not there, the process was replaced, and
/// the next plan has the addition.
struct AreUp<'a>(&'a HashSet<&'a str>);

impl Condition<BackendStats> for AreUp<'_> {
    fn lacks(&self, backend: &BackendStats) -> Option<String> {
        let servers = backend.servers();
        let mut wanted = servers.iter().filter(|server| self.0.contains(server.name()));
        wanted.find_map(|server| {
            let lack = is_up().lacks(server)?;
            Some(format!("{}/{}: {lack}", backend.name(), server.name()))
        })
    }
}
