use std::collections::{HashMap, HashSet};
use std::fmt::{self, Display};

use super::desired::Desired;
use super::server::{DesiredBackend, DesiredServer, backend_name, is_in};
use super::step::{Blocked, BlockedReason, ServerChange, Step};
use crate::cluster::Outcomes;
use crate::operate::settings::{Found, ServerSettings};
use crate::show::AdminState;

/// The steps that bring one process from the state that it shows to the desired state, in their order:
/// [`Cluster::plan`](crate::Cluster::plan). For [`Cluster::drift`](crate::Cluster::drift), the steps that would
/// make the process equal to the others.
///
/// [`Display`](fmt::Display) prints one line for each.
///
/// # Example
///
/// ```no_run
/// # async fn example(
/// #     cluster: haproxyadmin::Cluster,
/// #     desired: haproxyadmin::reconcile::Desired,
/// # ) -> haproxyadmin::Result<()> {
/// let plans = cluster.plan(&desired).await?;
/// if plans.are_in_sync() {
///     println!("nothing to do");
/// }
/// for (label, plan) in plans.values() {
///     println!("{label}: {} steps", plan.steps.len());
/// }
/// # Ok(())
/// # }
/// ```
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[non_exhaustive]
pub struct Plan {
    /// Steps, in the order in which [`Cluster::apply`](crate::Cluster::apply) takes them.
    pub steps: Vec<Step>,
    /// Differences for which the process has no step.
    pub blocked: Vec<Blocked>,
    /// Backends, maps, ACLs and certificates of the desired state that the process does not have. This is no
    /// difference while another process has them.
    pub absent: Vec<Box<str>>,
}

impl Plan {
    /// Returns `true` if the process shows no difference.
    pub fn is_empty(&self) -> bool {
        self.steps.is_empty() && self.blocked.is_empty()
    }
}

impl Outcomes<Plan> {
    /// Returns `true` if every process was read and shows no difference.
    pub fn are_in_sync(&self) -> bool {
        self.is_complete() && self.values().all(|(_, plan)| plan.is_empty())
    }
}

impl fmt::Display for Plan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { steps, blocked, absent } = self;
        if self.is_empty() && absent.is_empty() {
            return f.write_str("nothing to do");
        }
        let steps = steps.iter().map(Step::to_string);
        let blocked = blocked.iter().map(Blocked::to_string);
        let absent = absent.iter().map(|name| format!("{name}: not in this process"));
        let lines: Vec<_> = steps.chain(blocked).chain(absent).collect();
        f.write_str(&lines.join("\n"))
    }
}

/// The steps of one process, by the stage in which they are taken.
///
/// A certificate is there before anything needs it, and a server before an entry of a map leads to it. Servers
/// leave when no entry leads to them any more.
#[derive(Debug, Clone, Default)]
pub(super) struct Stages {
    pub(super) certificates: Vec<Step>,
    /// Servers that are added, that change in place, or that enter traffic.
    pub(super) entering: Vec<Step>,
    /// Maps and ACLs.
    pub(super) entries: Vec<Step>,
    /// Servers that leave traffic or are deleted.
    pub(super) leaving: Vec<Step>,
    /// The steps of servers that leave and are in traffic, while they are being planned. The budgets may hold them up,
    /// so the others leave first.
    in_traffic: Vec<Step>,
    pub(super) blocked: Vec<Blocked>,
    /// Backends that lack a server in traffic, because the process has no step for it.
    pub(super) lacking: HashSet<Box<str>>,
    pub(super) absent: Vec<Box<str>>,
}

impl From<Stages> for Plan {
    fn from(stages: Stages) -> Self {
        let Stages { certificates, entering, entries, leaving, blocked, absent, .. } = stages;
        Self { steps: [certificates, entering, entries, leaving].concat(), blocked, absent }
    }
}

impl Stages {
    /// Returns `true` if there is no step.
    pub(super) fn is_empty(&self) -> bool {
        self.steps().next().is_none()
    }

    pub(super) fn steps(&self) -> impl Iterator<Item = &Step> {
        [&self.certificates, &self.entering, &self.entries, &self.leaving].into_iter().flatten()
    }

    /// Ends a plan of servers.
    pub(super) fn put_in_traffic_last(&mut self) {
        self.leaving.append(&mut self.in_traffic);
    }

    /// Returns `true` if the process does not have this backend.
    pub(super) fn is_absent(&self, backend: &str) -> bool {
        self.absent.contains(&backend_name(backend))
    }

    /// Drops the steps that are held back, because these backends have failed or because a backend lacks a server.
    ///
    /// The other servers of such a backend carry its traffic, and stay. A map may lead to the backend, so maps and ACLs
    /// stay as they are. If they should change, they may lead to any server that leaves, and none leaves.
    pub(super) fn hold_back(&mut self, failed: &HashSet<Box<str>>) {
        self.entering.retain(|step| !step.is_in(failed));
        if failed.is_empty() && self.lacking.is_empty() {
            return;
        }
        if self.entries.is_empty() {
            self.leaving.retain(|step| !step.is_in(failed) && !step.is_in(&self.lacking));
        } else {
            self.entries.clear();
            self.leaving.clear();
        }
    }

    /// Plans the servers.
    pub(super) fn of_servers(desired: &Desired, found: &Found) -> Self {
        Self::planned(desired, &found.settings.servers, &found.backends, found.adds_servers)
    }

    fn planned(
        desired: &Desired,
        servers: &[ServerSettings],
        backends: &HashSet<Box<str>>,
        adds_servers: bool,
    ) -> Self {
        let mut stages = Self::default();
        let mut by_backend: HashMap<&str, Vec<&ServerSettings>> = HashMap::new();
        for server in servers {
            by_backend.entry(&*server.backend).or_default().push(server);
        }
        for backend in &desired.backends {
            let shown = by_backend.get(&*backend.name).map(Vec::as_slice);
            if shown.is_none() && !backends.contains(&backend.name) {
                stages.absent.push(backend_name(&backend.name));
                continue;
            }
            let planning = Planning { stages: &mut stages, backend: &backend.name, adds_servers };
            planning.run(backend, shown.unwrap_or_default());
        }
        stages
    }
}

/// The plan of one backend.
pub(super) struct Planning<'a> {
    pub(super) stages: &'a mut Stages,
    pub(super) backend: &'a str,
    /// True if the release adds and deletes servers.
    pub(super) adds_servers: bool,
}

impl Planning<'_> {
    fn run(mut self, backend: &DesiredBackend, shown: &[&ServerSettings]) {
        let by_name: HashMap<&str, &ServerSettings> =
            shown.iter().map(|server| (&*server.name, *server)).collect();
        for wanted in &backend.servers {
            match by_name.get(&*wanted.name) {
                Some(shown) if wanted.absent => self.delete(shown),
                Some(shown) => self.compare(wanted, shown),
                None if wanted.absent => {}
                None => self.add(wanted),
            }
        }
        if backend.exact {
            let mentioned: HashSet<&str> = backend.servers.iter().map(|server| &*server.name).collect();
            for server in shown.iter().filter(|server| !mentioned.contains(&*server.name)) {
                self.delete(server);
            }
        }
        self.stages.put_in_traffic_last();
    }

    /// Plans to add a server.
    pub(super) fn add(&mut self, wanted: &DesiredServer) {
        let Some(address) = wanted.address else {
            return self.block_wanted(wanted, "add", BlockedReason::NoAddress);
        };
        let state = wanted.wanted_state().unwrap_or(AdminState::Ready);
        let change = ServerChange::Add { address, state };
        if self.adds_servers {
            self.stages.entering.push(Step::of_server(self.backend, &wanted.name, change));
        } else {
            self.block_wanted(wanted, change, BlockedReason::NeedsRelease);
        }
    }

    /// Plans to delete a server.
    pub(super) fn delete(&mut self, shown: &ServerSettings) {
        let change = ServerChange::Delete { from: shown.state.value };
        if self.adds_servers {
            let step = Step::of_server(self.backend, &shown.name, change);
            self.leaving(shown).push(step);
        } else {
            self.block(&shown.name, change, BlockedReason::NeedsRelease);
        }
    }

    /// Returns the list for the steps of a server that leaves.
    fn leaving(&mut self, shown: &ServerSettings) -> &mut Vec<Step> {
        let is_in = is_in(shown.state.value, shown.weight.value);
        if is_in { &mut self.stages.in_traffic } else { &mut self.stages.leaving }
    }

    /// Plans the changes of a server that the process has. A server that leaves traffic changes when it is
    /// out, and a server that enters traffic changes before.
    pub(super) fn compare(&mut self, wanted: &DesiredServer, shown: &ServerSettings) {
        let (state, weight) = (shown.state.value, shown.weight.value);
        let to_state = wanted.wanted_state().unwrap_or(state);
        let to_weight = wanted.weight.unwrap_or(weight);
        // The sessions of a server in drain end before it goes into maintenance.
        let is_retiring = state != AdminState::Maint && to_state == AdminState::Maint;
        let is_leaving = is_retiring || is_in(state, weight) && !is_in(to_state, to_weight);

        let mut changes = Vec::new();
        if let Some(to) = wanted.address {
            let from = shown.address.as_ref().map(|address| address.value);
            let change = ServerChange::Address { from, to };
            match from {
                Some(from) if from == to => {}
                None if !shown.shown.has_negative_offset => {
                    let has_name = shown.fqdn.is_some();
                    let reason =
                        if has_name { BlockedReason::Unresolved } else { BlockedReason::NoIpAddress };
                    self.block_wanted(wanted, change, reason);
                }
                _ => changes.push(change),
            }
        }
        if to_weight != weight {
            let configured = shown.weight.configured.unwrap_or(weight);
            changes.push(ServerChange::Weight { from: weight, to: to_weight, configured });
        }
        let is_off = |check: Option<bool>| check == Some(false);
        if wanted.has_check() && is_off(shown.health_check.map(|check| check.value)) {
            changes.push(ServerChange::HealthCheck);
        }
        if wanted.has_agent() && is_off(shown.agent_check.map(|check| check.value)) {
            changes.push(ServerChange::AgentCheck);
        }
        if to_state != state {
            changes.push(ServerChange::State { from: state, to: to_state });
        }
        let is_entering = !is_in(state, weight) && is_in(to_state, to_weight);
        if is_entering {
            // The change that puts the server into traffic comes last: its state, or its weight.
            changes.sort_by_key(|change| match change {
                ServerChange::State { .. } => 2,
                ServerChange::Weight { .. } if state == to_state => 1,
                _ => 0,
            });
        }
        if is_entering && wanted.lacks_check(shown) {
            // No check would vet it.
            if let Some(change) = changes.pop() {
                self.block(&wanted.name, change, BlockedReason::NoCheck);
                self.stages.lacking.insert(self.backend.into());
            }
        }
        if is_leaving {
            // The change that takes the server out of traffic comes first.
            changes.sort_by_key(|change| match change {
                ServerChange::State { .. } => 0,
                ServerChange::Weight { .. } => 1,
                _ => 2,
            });
        }
        let steps = changes.into_iter().map(|change| Step::of_server(self.backend, &wanted.name, change));
        let steps: Vec<Step> = steps.collect();
        let list = if is_leaving { self.leaving(shown) } else { &mut self.stages.entering };
        list.extend(steps);
    }

    /// Notes that the process has no step for a server that it should have.
    fn block_wanted(&mut self, wanted: &DesiredServer, difference: impl Display, reason: BlockedReason) {
        self.block(&wanted.name, difference, reason);
        if wanted.is_for_traffic() {
            self.stages.lacking.insert(self.backend.into());
        }
    }

    /// Notes a difference without a step.
    pub(super) fn block(&mut self, server: &str, difference: impl Display, reason: BlockedReason) {
        let object = format!("{}/{server}", self.backend).into();
        self.stages.blocked.push(Blocked { object, difference: difference.to_string().into(), reason });
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::operate::reconcile::step::EntryChanges;
    use crate::operate::settings::{Setting, ShownServer};

    fn shown(name: &str, state: AdminState, weight: u64) -> ServerSettings {
        ServerSettings {
            backend: "app".into(),
            name: name.into(),
            id: 1,
            state: Setting { value: state, configured: Some(AdminState::Ready) },
            weight: Setting { value: weight, configured: Some(10) },
            maxconn: None,
            address: Some(Setting { value: "192.0.2.1:80".parse().unwrap(), configured: None }),
            fqdn: None,
            health_check: Some(Setting { value: false, configured: Some(true) }),
            agent_check: None,
            shown: ShownServer::default(),
        }
    }

    fn plan(
        servers: &[DesiredServer],
        is_exact: bool,
        shown: &[ServerSettings],
        adds_servers: bool,
    ) -> String {
        let app = servers.iter().cloned().fold(DesiredBackend::new("app"), DesiredBackend::server);
        let app = if is_exact { app.exact() } else { app };
        let backends = HashSet::from(["app".into()]);
        let stages = Stages::planned(&Desired::new().backend(app), shown, &backends, adds_servers);
        Plan::from(stages).to_string()
    }

    fn server(name: &str) -> DesiredServer {
        DesiredServer::new(name)
    }

    fn address(text: &str) -> std::net::SocketAddr {
        text.parse().unwrap()
    }

    #[test]
    fn a_server_changes_before_it_enters_traffic_and_after_it_leaves() {
        let all = |state| {
            let web1 = server("web1").address(address("192.0.2.9:81")).weight(5).state(state);
            web1.options(["check", "agent-check"])
        };
        let agent_check = Some(Setting { value: false, configured: Some(true) });
        let with_agent = ServerSettings { agent_check, ..shown("web1", AdminState::Maint, 10) };
        assert_eq!(
            plan(&[all(AdminState::Ready)], false, &[with_agent], true),
            "app/web1: address 192.0.2.1:80 -> 192.0.2.9:81\napp/web1: weight 10 -> 5\n\
             app/web1: health checks off -> on\napp/web1: agent checks off -> on\napp/web1: state maint -> ready"
        );
        assert_eq!(
            plan(&[all(AdminState::Maint)], false, &[shown("web1", AdminState::Ready, 10)], true),
            "app/web1: state ready -> maint\napp/web1: weight 10 -> 5\n\
             app/web1: address 192.0.2.1:80 -> 192.0.2.9:81\napp/web1: health checks off -> on"
        );
    }

    #[test]
    fn servers_come_before_others_leave() {
        let shown = [
            shown("old", AdminState::Ready, 10),
            shown("zero", AdminState::Ready, 10),
            shown("back", AdminState::Drain, 0),
        ];
        let wanted = [
            server("zero").weight(0),
            server("new").address(address("192.0.2.2:80")),
            server("back").weight(3).state(AdminState::Ready),
        ];
        assert_eq!(
            plan(&wanted, true, &shown, true),
            "app/new: add 192.0.2.2:80\napp/back: weight 0 -> 3\napp/back: state drain -> ready\n\
             app/zero: weight 10 -> 0\napp/old: delete"
        );
    }

    #[test]
    fn no_server_enters_traffic_without_its_check() {
        let with = |check: Option<bool>, state, weight| ServerSettings {
            health_check: check.map(|value| Setting { value, configured: Some(true) }),
            ..shown("web1", state, weight)
        };
        let wanted = [server("web1").weight(5).state(AdminState::Ready).options(["check"])];
        let plan = |shown| plan(&wanted, false, &[shown], true);
        let reason = "its options have a check, and the process has the server without it";
        assert_eq!(
            plan(with(None, AdminState::Maint, 5)),
            format!("app/web1: state maint -> ready: {reason}")
        );
        assert_eq!(
            plan(with(None, AdminState::Drain, 0)),
            format!("app/web1: weight 0 -> 5\napp/web1: state drain -> ready: {reason}")
        );
        assert_eq!(plan(with(None, AdminState::Ready, 0)), format!("app/web1: weight 0 -> 5: {reason}"));
        assert_eq!(
            plan(with(Some(false), AdminState::Ready, 0)),
            "app/web1: health checks off -> on\napp/web1: weight 0 -> 5"
        );
        // It is in traffic already.
        assert_eq!(plan(with(None, AdminState::Ready, 1)), "app/web1: weight 1 -> 5");
    }

    #[test]
    fn failures_hold_back_the_servers_that_carry_the_traffic() {
        let of = |backend: &str, name: &str| Step::of_server(backend, name, ServerChange::HealthCheck);
        let map = Step::Map { id: "a.map".into(), entries: EntryChanges { add: 1, change: 0, delete: 0 } };
        let stages = |entries: &[Step], lacking: &[&str]| Stages {
            entering: vec![of("a", "in"), of("b", "in")],
            entries: entries.to_vec(),
            leaving: vec![of("a", "out"), of("b", "out")],
            lacking: lacking.iter().map(|name| (*name).into()).collect(),
            ..Stages::default()
        };
        let left = |mut stages: Stages, failed: &[&str]| {
            stages.hold_back(&failed.iter().map(|name| (*name).into()).collect());
            Plan::from(stages).to_string().replace(": health checks off -> on", "")
        };
        assert_eq!(left(stages(&[], &[]), &[]), "a/in\nb/in\na/out\nb/out");
        assert_eq!(left(stages(&[], &[]), &["a"]), "b/in\nb/out");
        assert_eq!(left(stages(&[], &["a"]), &[]), "a/in\nb/in\nb/out");
        let maps = &[map];
        assert_eq!(left(stages(maps, &[]), &[]), "a/in\nb/in\na.map: add 1\na/out\nb/out");
        assert_eq!(left(stages(maps, &[]), &["a"]), "b/in");
        assert_eq!(left(stages(maps, &["a"]), &[]), "a/in\nb/in");
    }

    #[test]
    fn a_setting_that_is_not_given_is_left_alone() {
        let servers = [shown("web1", AdminState::Drain, 7), shown("web2", AdminState::Maint, 7)];
        let wanted = [server("web1"), DesiredServer::absent("web3")];
        assert_eq!(plan(&wanted, false, &servers, true), "nothing to do");
        // A server without weight leaves before one in traffic.
        let (gone, weights) = (["web1", "web2"].map(DesiredServer::absent), [("web1", 1), ("web2", 0)]);
        let ready = weights.map(|(name, weight)| shown(name, AdminState::Ready, weight));
        assert_eq!(plan(&gone, false, &ready, true), "app/web2: delete\napp/web1: delete");
        // A server that was added by a call that was given up is in maintenance.
        let added = [server("web2").address(address("192.0.2.1:80"))];
        assert_eq!(plan(&added, false, &servers, true), "app/web2: state maint -> ready");
    }

    #[test]
    fn what_a_release_cannot_do_is_blocked() {
        let to = address("192.0.2.2:80");
        let wanted = [server("web2").address(to), server("web3")];
        assert_eq!(
            plan(&wanted, true, &[shown("old", AdminState::Maint, 1)], false),
            "app/web2: add 192.0.2.2:80: needs HAProxy 2.6\napp/web3: add: the process does not have the \
             server, and no address is given to add it\napp/old: delete: needs HAProxy 2.6"
        );
    }

    #[test]
    fn an_address_is_set_if_the_server_has_one() {
        let none = |name: &str| ServerSettings { address: None, ..shown(name, AdminState::Ready, 10) };
        let name = Setting { value: "host.example".into(), configured: None };
        let unresolved = ServerSettings { fqdn: Some(name), ..none("name") };
        let offset = ShownServer { has_negative_offset: true, ..ShownServer::default() };
        let offset = ServerSettings { shown: offset, ..none("offset") };
        let to = address("192.0.2.2:80");
        let wanted = ["name", "unix", "offset"].map(|name| server(name).address(to));
        assert_eq!(
            plan(&wanted, true, &[unresolved, none("unix"), offset], true),
            "app/offset: address none -> 192.0.2.2:80\n\
             app/name: address none -> 192.0.2.2:80: its name is not resolved, and HAProxy sets no address then\n\
             app/unix: address none -> 192.0.2.2:80: it has a Unix socket in place of an IP address, and HAProxy does \
             not change that"
        );
    }

    #[test]
    fn a_backend_that_the_process_does_not_have_is_absent() {
        let desired = Desired::new().backend(DesiredBackend::new("nope"));
        let stages = Stages::planned(&desired, &[], &HashSet::new(), true);
        let plan = Plan::from(stages);
        assert!(plan.is_empty());
        assert_eq!(plan.to_string(), "backend nope: not in this process");
    }
}
