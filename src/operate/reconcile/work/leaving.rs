//! Servers that leave traffic or are deleted, within the budgets.

use std::collections::HashSet;

use futures::future::join_all;

use super::entering::commands;
use super::sending::{Order, Sent};
use super::{ApplyWork, Open, own};
use crate::count::counted;
use crate::error::{ErrorKind, Result};
use crate::object::{BackendRef, ServerRef};
use crate::operate::reconcile::step::{ServerChange, Step};
use crate::operate::wait::{Condition, is_serving, is_up};
use crate::show::AdminState;
use crate::show::stat::{State, Status};
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
        let leaving = backends.iter().map(|(backend, leavers)| async move {
            match cluster.backend_ref(backend) {
                Ok(backend) => self.leave_backend(process, &backend, leavers).await,
                Err(error) => self.fail_backend(process, backend, error),
            }
        });
        join_all(leaving).await;
    }

    /// Takes the steps of the servers of one backend. A server that HAProxy refuses to delete is out of traffic, and
    /// the others go on. After another failure, the servers that are out of traffic finish their steps, and no other
    /// one is taken out.
    async fn leave_backend(&self, process: &Open<'_>, backend: &BackendRef, leavers: &[Leaver<'_>]) {
        let together = self.terms.max_unavailable.max(1);
        let leaving: HashSet<&str> = leavers.iter().map(|leaver| leaver.server).collect();
        let (in_traffic, out): (Vec<&Leaver<'_>>, Vec<&Leaver<'_>>) =
            leavers.iter().partition(|leaver| leaver.takes_out().is_some());
        let mut goes_on = true;
        for some in out.chunks(together) {
            if !self.is_there(process).await {
                return;
            }
            goes_on &= self.end_all(process, backend, some).await;
        }
        if !goes_on {
            return;
        }
        for some in in_traffic.chunks(together) {
            let (mut taken, mut is_stuck) = (Vec::new(), false);
            for leaver in some {
                let left = self.take_out(process, backend, leaver, &leaving, &taken).await;
                match left {
                    Ok(true) => taken.push(*leaver),
                    Ok(false) => return,
                    Err(error) => {
                        is_stuck = error.kind() != ErrorKind::Refused;
                        self.fail_backend(process, backend.name(), error);
                    }
                }
                if is_stuck {
                    break;
                }
            }
            if !self.end_all(process, backend, &taken).await || is_stuck {
                return;
            }
        }
    }

    /// Takes a server out of traffic when the budgets permit it. Its sessions go on. Returns `false` if another process
    /// answers.
    async fn take_out(
        &self,
        process: &Open<'_>,
        backend: &BackendRef,
        leaver: &Leaver<'_>,
        leaving: &HashSet<&str>,
        taken: &[&Leaver<'_>],
    ) -> Result<bool> {
        let Some((step, change)) = leaver.takes_out() else { return Ok(true) };
        self.begin(process, step);
        let budget = Budget {
            server: leaver.server,
            leaving,
            taken: &taken.iter().map(|leaver| leaver.server).collect(),
            max_unavailable: self.terms.max_unavailable,
            min_healthy: self.terms.min_healthy,
        };
        if !self.wait_until(process, backend, budget, self.terms.up_within).await? {
            return Ok(false);
        }
        let drain = ServerChange::State { from: AdminState::Ready, to: AdminState::Drain };
        let (change, step) = if leaver.is_out_at_once() { (change, Some(step)) } else { (&drain, None) };
        self.send_one(process, (backend.name(), leaver.server), change, step).await
    }

    /// Takes the other steps of servers that are out of traffic. Returns `false` if no further server may be taken out:
    /// one of these has sessions left, or another process answers.
    async fn end_all(&self, process: &Open<'_>, backend: &BackendRef, some: &[&Leaver<'_>]) -> bool {
        let ends = join_all(some.iter().map(|leaver| self.end(process, backend, leaver))).await;
        let mut goes_on = true;
        for end in ends {
            goes_on &= match end {
                Ok(is_there) => is_there,
                Err(error) => {
                    // A server that was not deleted is in maintenance.
                    let is_out = matches!(error.kind(), ErrorKind::Refused | ErrorKind::PartiallyApplied);
                    let is_unknown = error.is_unknown();
                    self.fail_backend(process, backend.name(), error);
                    is_out && !is_unknown
                }
            };
        }
        goes_on
    }

    /// Takes the steps of a server that is out of traffic. Returns `false` if another process answers.
    async fn end(&self, process: &Open<'_>, backend: &BackendRef, leaver: &Leaver<'_>) -> Result<bool> {
        let is_sent = leaver.takes_out().is_some() && leaver.is_out_at_once();
        for (step, change) in leaver.steps.iter().skip(usize::from(is_sent)) {
            let server = &backend.server_ref(leaver.server)?;
            let result = match change {
                ServerChange::State { to: AdminState::Maint, .. } => self.retire(server).await,
                ServerChange::Delete { from } => self.delete(server, *from).await,
                change => {
                    let server = (backend.name(), leaver.server);
                    if !self.send_one(process, server, change, Some(step)).await? {
                        return Ok(false);
                    }
                    continue;
                }
            };
            match result.map_err(own) {
                Ok(()) => self.done(process, step),
                // The server is gone with the process that had it, or the new process has not drained it in time.
                Err(error)
                    if matches!(error.kind(), ErrorKind::NotFound | ErrorKind::Timeout)
                        && !self.is_there(process).await =>
                {
                    return Ok(false);
                }
                Err(error) => return Err(error),
            }
        }
        Ok(true)
    }

    async fn retire(&self, server: &ServerRef) -> Result<()> {
        server.drain(self.terms.drain().then_maint()).await.map(drop)
    }

    async fn delete(&self, server: &ServerRef, from: AdminState) -> Result<()> {
        if from != AdminState::Maint {
            server.drain(self.terms.drain()).await?;
        }
        server.delete(&self.terms.removal()).await.map(drop)
    }

    /// Sends one change, and records its step. Returns `false` if another process answers.
    async fn send_one(
        &self,
        process: &Open<'_>,
        server: (&str, &str),
        change: &ServerChange,
        step: Option<&Step>,
    ) -> Result<bool> {
        let order = Order { server, commands: commands(server, change, None)?, step };
        match self.send(process, &[order]).await? {
            Sent::All(mut refusals) => refusals.pop().map_or(Ok(true), Err),
            Sent::Replaced => Ok(false),
        }
    }
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
    fn takes_out(&self) -> Option<(&'a Step, &'a ServerChange)> {
        self.steps.first().copied().filter(|(_, change)| match change {
            ServerChange::State { from, .. } | ServerChange::Delete { from } => *from == AdminState::Ready,
            ServerChange::Weight { to, .. } => *to == 0,
            _ => false,
        })
    }

    /// Returns `true` if the first step does no more than to take the server out of traffic.
    fn is_out_at_once(&self) -> bool {
        let first = self.steps.first().map(|(_, change)| *change);
        matches!(first, Some(ServerChange::Weight { .. } | ServerChange::State { to: AdminState::Drain, .. }))
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
            let (least, others) =
                (self.min_healthy, counted(healthy, "other server is", "other servers are"));
            return Some(format!("{name} cannot leave: {others} up, of at least {least}"));
        }
        if unavailable + 1 > self.max_unavailable {
            let (most, others) = (self.max_unavailable, counted(unavailable, "server is", "servers are"));
            return Some(format!("{name} cannot leave: {others} unavailable, of at most {most}"));
        }
        None
    }
}
