//! Servers that leave traffic or are deleted, within the budgets.

use std::collections::HashSet;

use futures::future::join_all;

use super::entering::commands;
use super::{ApplyWork, Open, own};
use crate::cluster::Cluster;
use crate::error::Result;
use crate::object::BackendRef;
use crate::operate::reconcile::step::{ServerChange, Step};
use crate::operate::wait::{Condition, is_serving, is_up};
use crate::show::AdminState;
use crate::show::stat::{StatFilter, State, Status};
use crate::snapshot::{BackendStats, ServerStats};

/// A server that leaves, with its steps in their order.
struct Leaver<'a> {
    server: &'a str,
    steps: Vec<(&'a Step, &'a ServerChange)>,
}

impl ApplyWork {
    /// Takes the steps of servers that leave, each backend by itself.
    pub(super) async fn leave(&self, process: &Open<'_>) {
        let cluster = &self.only(process);
        let backends = leavers(&process.stages.leaving);
        let leaving =
            backends.iter().map(|(backend, leavers)| self.leave_backend(process, cluster, backend, leavers));
        for result in join_all(leaving).await {
            if let Err(error) = result {
                self.fail(process.address, own(error));
            }
        }
    }

    async fn leave_backend(
        &self,
        process: &Open<'_>,
        cluster: &Cluster,
        backend: &str,
        leavers: &[Leaver<'_>],
    ) -> Result<()> {
        let backend = &cluster.backend_ref(backend)?;
        let leaving: HashSet<&str> = leavers.iter().map(|leaver| leaver.server).collect();
        for some in leavers.chunks(self.terms.max_unavailable.max(1)) {
            let mut taken = HashSet::new();
            for leaver in some {
                let Some(step) = leaver.takes_out() else { continue };
                self.begin(process, step);
                let (max_unavailable, min_healthy) = (self.terms.max_unavailable, self.terms.min_healthy);
                let server = leaver.server;
                let budget =
                    Budget { server, leaving: &leaving, taken: &taken, max_unavailable, min_healthy };
                backend.wait_until(budget, self.terms.up_within).await.map_err(own)?;
                leaver.take_out(backend).await?;
                taken.insert(server);
            }
            let ends = some.iter().map(|leaver| self.end(process, backend, leaver));
            join_all(ends).await.into_iter().collect::<Result<()>>()?;
        }
        Ok(())
    }

    /// Takes the steps of a server that is out of traffic.
    async fn end(&self, process: &Open<'_>, backend: &BackendRef, leaver: &Leaver<'_>) -> Result<()> {
        let is_taken = leaver.takes_out().is_some();
        for (at, (step, change)) in leaver.steps.iter().enumerate() {
            let is_sent = at == 0 && is_taken && leaver.is_out_at_once();
            if !is_sent {
                self.take(backend, leaver.server, change).await.map_err(own)?;
            }
            self.done(process, step);
        }
        Ok(())
    }

    async fn take(&self, backend: &BackendRef, server: &str, change: &ServerChange) -> Result<()> {
        let server = backend.server_ref(server)?;
        match change {
            ServerChange::State { to: AdminState::Maint, .. } => {
                server.drain(self.terms.drain().then_maint()).await.map(drop)
            }
            ServerChange::Delete { from } => {
                if *from != AdminState::Maint {
                    server.drain(self.terms.drain()).await?;
                }
                server.delete(&self.terms.removal()).await.map(drop)
            }
            change => send(&server.cluster, (backend.name(), server.name()), change).await,
        }
    }
}

/// Sends the commands of a change to the processes of a view.
async fn send(cluster: &Cluster, server: (&str, &str), change: &ServerChange) -> Result<()> {
    for command in commands(server, change, None)? {
        cluster.fan_out().change(command, StatFilter::Nothing).await?;
    }
    Ok(())
}

/// Groups steps by backend and server, in their order.
fn leavers(steps: &[Step]) -> Vec<(&str, Vec<Leaver<'_>>)> {
    let mut backends: Vec<(&str, Vec<Leaver<'_>>)> = Vec::new();
    for step in steps {
        let Step::Server { backend, server, change } = step else { continue };
        let leavers = match backends.last_mut() {
            Some((last, leavers)) if *last == &**backend => leavers,
            _ => {
                backends.push((backend, Vec::new()));
                match backends.last_mut() {
                    Some((_, leavers)) => leavers,
                    None => continue,
                }
            }
        };
        match leavers.last_mut() {
            Some(last) if last.server == &**server => last.steps.push((step, change)),
            _ => leavers.push(Leaver { server, steps: vec![(step, change)] }),
        }
    }
    backends
}

impl<'a> Leaver<'a> {
    /// Returns the step that takes the server out of traffic, if it is in traffic.
    fn takes_out(&self) -> Option<&'a Step> {
        let (step, change) = self.steps.first()?;
        let is_in = match change {
            ServerChange::State { from, .. } | ServerChange::Delete { from } => *from == AdminState::Ready,
            ServerChange::Weight { to, .. } => *to == 0,
            _ => false,
        };
        is_in.then_some(step)
    }

    /// Returns `true` if the first step does no more than to take the server out of traffic.
    fn is_out_at_once(&self) -> bool {
        let first = self.steps.first().map(|(_, change)| *change);
        matches!(first, Some(ServerChange::Weight { .. } | ServerChange::State { to: AdminState::Drain, .. }))
    }

    /// Takes the server out of traffic. Its sessions go on.
    async fn take_out(&self, backend: &BackendRef) -> Result<()> {
        let server = (backend.name(), self.server);
        let drain = ServerChange::State { from: AdminState::Ready, to: AdminState::Drain };
        let change = match self.steps.first() {
            Some((_, change @ ServerChange::Weight { .. })) => change,
            _ => &drain,
        };
        send(&backend.cluster, server, change).await.map_err(own)
    }
}

/// The condition that a server may leave traffic.
struct Budget<'a> {
    server: &'a str,
    /// All servers that leave the backend.
    leaving: &'a HashSet<&'a str>,
    /// Those of them that are out of traffic, and not at their end yet.
    taken: &'a HashSet<&'a str>,
    max_unavailable: usize,
    min_healthy: usize,
}

impl Budget<'_> {
    /// Returns `true` if a server counts as unavailable.
    fn is_unavailable(&self, server: &ServerStats) -> bool {
        if self.leaving.contains(server.name()) {
            return self.taken.contains(server.name());
        }
        // Maintenance and drain are on purpose. So is weight 0, with which a server is up.
        let is_on_purpose =
            server.status().values().all(|status| matches!(status.state, State::Maint | State::Drain));
        !is_on_purpose && is_up().lacks(server).is_some()
    }
}

/// Returns `true` if HAProxy sends new requests to a server, also before its checks have settled (`UP 1/3`).
fn takes_traffic(server: &ServerStats) -> bool {
    let is_up = |status: &Status| matches!(status.state, State::Up | State::NoCheck);
    let has_weight = server.weight().is_none_or(|weight| weight.values().any(|weight| *weight > 0));
    has_weight && server.status().values().any(is_up)
}

impl Condition<BackendStats> for Budget<'_> {
    fn lacks(&self, backend: &BackendStats) -> Option<String> {
        let servers = backend.servers();
        let own = servers.iter().find(|server| server.name() == self.server);
        // A server that takes no traffic is not missed.
        if !own.is_some_and(takes_traffic) {
            return None;
        }
        let (mut healthy, mut unavailable) = (0, 0);
        for other in servers.iter().filter(|other| other.name() != self.server) {
            let is_taken = self.taken.contains(other.name());
            healthy += usize::from(!is_taken && is_serving().lacks(other).is_none());
            unavailable += usize::from(self.is_unavailable(other));
        }
        let name = format!("{}/{}", backend.name(), self.server);
        if healthy < self.min_healthy {
            let least = self.min_healthy;
            return Some(format!("{name} cannot leave: {healthy} other servers are up, {least} are needed"));
        }
        if unavailable + 1 > self.max_unavailable {
            let most = self.max_unavailable;
            return Some(format!(
                "{name} cannot leave: {unavailable} servers are unavailable, of at most {most}"
            ));
        }
        None
    }
}
