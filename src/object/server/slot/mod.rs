//! Slots: servers of a `server-template` line that get an address while HAProxy runs.

mod claim;
mod release;
mod template;

pub use template::ServerTemplate;

use std::collections::hash_map::DefaultHasher;
use std::collections::{BTreeMap, HashMap};
use std::hash::{Hash as _, Hasher as _};
use std::net::SocketAddr;

use tokio::time;

use super::{NewServer, Weight, state, states};
use crate::address::Address;
use crate::cluster::{Cluster, OnceJob, Outcome, Outcomes, Target};
use crate::error::{Error, ErrorKind, Problem, Result};
use crate::process::IdentifiedConnection;
use crate::protocol::{Change, Command, ProxyName, Response, ServerName};
use crate::show::stat::StatFilter;
use crate::show::{AdminState, ServerState};
use crate::transport::Deadline;
use claim::{Claim, Claimed, SETTLING, execute_if, is_enabled, set_address, state_when};
use template::has_address;

/// Slots that a call tries, if other clients take them at the same moment.
const ATTEMPTS: usize = 8;

/// Takes a slot of the backend on every process, enables it, and reads its state.
pub(in crate::object) async fn take(
    cluster: &Cluster,
    backend: &ProxyName,
    template: &ServerTemplate,
    server: &NewServer,
) -> Result<Outcomes<ServerState>> {
    let (address, weight) = server.for_slot()?;
    if address == template.address() {
        return Err(Error::invalid(format!("address {address}: it is the address of a free slot")));
    }
    Taking { cluster, backend, template, address, weight }.run().await
}

/// One call of [`BackendRef::take_slot`](crate::BackendRef::take_slot).
///
/// The steps, each on all processes at once:
///
/// 1. Read the slots, and choose one that is free on every process, or that has the address already
///    because a call has failed.
/// 2. Set its address, while it is in maintenance ([`Claim`]).
/// 3. Wait a moment, and read it. If another client has the slot on any process, give it back on the
///    others, and begin again unless a process has failed.
/// 4. Enable it, and read it back ([`Enabling`]).
struct Taking<'a> {
    cluster: &'a Cluster,
    backend: &'a ProxyName,
    template: &'a ServerTemplate,
    address: SocketAddr,
    weight: Weight,
}

/// The slots of each process.
type Slots = Outcomes<Vec<ServerState>>;

impl Taking<'_> {
    async fn run(&self) -> Result<Outcomes<ServerState>> {
        for attempt in 0..ATTEMPTS {
            let slots = self.slots().await?;
            let slots = if self.cluster.is_partial() { slots } else { slots.all()? };
            if slots.values().next().is_none() {
                return Ok(slots.then(|_, _| Ok(Response::Absent("No such server.".into()))));
            }
            let name = self.choose(&slots, attempt)?;
            let has_slots = slots.iter().filter(|outcome| outcome.value().is_some());
            let cluster = &self.cluster.allow_partial().only(has_slots);
            let claims = self.claim(cluster, &name).await?;
            let claims = self.verify(cluster, &name, claims).await?;
            let has_all = claims.values().all(|(_, claimed)| *claimed == Claimed::Written);
            let outcomes = if has_all {
                self.enable(cluster, &name, slots, claims).await?
            } else {
                self.give_back(cluster, &name, &claims).await?;
                if claims.failed().next().is_none() {
                    continue;
                }
                merged(slots, &claims.then(|_, _| Err(Error::new(Problem::Refused(LOST.into())))))
            };
            return if self.cluster.is_partial() { Ok(outcomes) } else { outcomes.all() };
        }
        let text = format!("other clients took {ATTEMPTS} slots at the same moment");
        Err(self.error(ErrorKind::Refused, text))
    }

    /// Reads the slots of each process.
    async fn slots(&self) -> Result<Slots> {
        let command = &Command::read("show servers state").word(self.backend);
        let job = |target: Target, deadline| async move { states(command, &target, &deadline).await };
        let states = self.cluster.allow_partial().fan_out().each(command, StatFilter::Nothing, job).await?;
        Ok(states.then(|_, mut states| {
            states.retain(|server| self.template.number(&server.name).is_some());
            Ok(if states.is_empty() {
                Response::Absent(format!("no server of the template {}", self.template.prefix()).into())
            } else {
                Response::Value(states)
            })
        }))
    }

    /// Chooses a slot that is free on every process. Different addresses choose different slots in each
    /// attempt, so that clients seldom choose the same one.
    ///
    /// The first attempt prefers a slot that has the address on some processes, and is free on the
    /// others: an earlier call has failed there.
    fn choose(&self, slots: &Slots, attempt: usize) -> Result<ServerName> {
        let mut usable_on: BTreeMap<u32, (usize, bool)> = BTreeMap::new();
        for slot in slots.values().flat_map(|(_, slots)| slots) {
            if let Some(number) = self.template.number(&slot.name) {
                let is_own = attempt == 0 && has_address(slot, self.address);
                let (processes, has_address) = usable_on.entry(number).or_default();
                *processes += usize::from(is_own || self.template.is_free(slot));
                *has_address |= is_own;
            }
        }
        let (all, processes) = (usable_on.len(), slots.values().count());
        usable_on.retain(|_, (on, _)| *on == processes);
        if let Some((number, _)) = usable_on.iter().find(|(_, (_, is_own))| *is_own) {
            return self.slot(*number);
        }
        let free: Vec<u32> = usable_on.into_keys().collect();
        let mut hasher = DefaultHasher::new();
        (self.address, attempt).hash(&mut hasher);
        let spread = u64::try_from(free.len()).ok().and_then(|count| hasher.finish().checked_rem(count));
        let chosen = spread.and_then(|at| free.get(usize::try_from(at).ok()?));
        let Some(number) = chosen else {
            let text = format!("no free slot: none of {all} servers is free on every process");
            return Err(self.error(ErrorKind::NotFound, text));
        };
        self.slot(*number)
    }

    fn slot(&self, number: u32) -> Result<ServerName> {
        ServerName::new(self.backend.as_str(), &format!("{}{number}", self.template.prefix()))
    }

    /// Returns an error of the whole call.
    fn error(&self, kind: ErrorKind, text: String) -> Error {
        let slot = format!("{}/{}...", self.backend, self.template.prefix());
        let command = Command::read("set server").word(slot).word("addr").word(self.address.ip());
        Error::from_kind(kind, text).during(command.redacted())
    }

    async fn claim(&self, cluster: &Cluster, name: &ServerName) -> Result<Outcomes<Claimed>> {
        let claim = &Claim::new(name, self.template, self.address);
        let job = |target: Target, deadline| async move { claim.run(&target, &deadline).await };
        cluster.fan_out().each(claim.command(), StatFilter::backend(name.backend()), job).await
    }

    /// Waits until other clients have written too, and reads the slot on every process where this call
    /// has written its address.
    async fn verify(
        &self,
        cluster: &Cluster,
        name: &ServerName,
        claims: Outcomes<Claimed>,
    ) -> Result<Outcomes<Claimed>> {
        time::sleep(SETTLING).await;
        let written = written(&claims);
        if written.is_empty() {
            return Ok(claims);
        }
        let command = &Command::read("show servers state").word(self.backend);
        let job = |target: Target, deadline| async move { state(name, &target, &deadline).await };
        let found = cluster.only(written).fan_out().each(command, StatFilter::Nothing, job).await?;
        let mut found = results(&found);
        Ok(claims.then(|address, claimed| match (claimed, found.remove(address)) {
            (Claimed::Written, Some(Ok(Response::Value(slot)))) if has_address(&slot, self.address) => {
                Ok(Response::Value(Claimed::Written))
            }
            (Claimed::TooLate, _) | (Claimed::Written, Some(Ok(Response::Value(_)))) => {
                Ok(Response::Value(Claimed::TooLate))
            }
            (Claimed::Written, Some(Ok(Response::Absent(words)))) => Ok(Response::Absent(words)),
            (Claimed::Written, Some(Err(error))) => Err(error.leaving(UNVERIFIED)),
            (Claimed::Written, None) => Ok(Response::Absent(ELSEWHERE.into())),
        }))
    }

    /// Gives the slot back on every process where this call has it. A slot that is enabled stays: it had
    /// the address before this call.
    async fn give_back(
        &self,
        cluster: &Cluster,
        name: &ServerName,
        claims: &Outcomes<Claimed>,
    ) -> Result<()> {
        let own = written(claims);
        if own.is_empty() {
            return Ok(());
        }
        let reset = &set_address(name, self.template.address());
        let may = &|slot: &ServerState| has_address(slot, self.address) && !is_enabled(slot);
        let job =
            |target: Target, deadline| async move { execute_if(name, may, reset, &target, &deadline).await };
        let given_back = cluster.only(own).fan_out().each(reset, StatFilter::Nothing, job).await?;
        if given_back.failed().next().is_some() {
            let left = "another client has taken the slot on another process, and this process was not reset";
            given_back.all().map_err(|error| error.leaving(left))?;
        }
        Ok(())
    }

    async fn enable(
        &self,
        cluster: &Cluster,
        name: &ServerName,
        slots: Slots,
        claims: Outcomes<Claimed>,
    ) -> Result<Outcomes<ServerState>> {
        let enabling = &Enabling::new(name, self.template, self.address, self.weight);
        let first = written(&claims);
        let mut enabled = HashMap::new();
        if !first.is_empty() {
            let job = |target: Target, deadline| async move { enabling.run(&target, &deadline).await };
            let outcomes =
                cluster.only(first).fan_out().each(&enabling.set, StatFilter::Nothing, job).await?;
            enabled = results(&outcomes);
        }
        let claims = claims.then(|address, _| {
            enabled.remove(address).unwrap_or_else(|| Ok(Response::Absent(ELSEWHERE.into())))
        });
        Ok(merged(slots, &claims))
    }
}

/// Returns the outcomes of all processes: those that have slots have the outcome of their claim.
fn merged(slots: Slots, claims: &Outcomes<ServerState>) -> Outcomes<ServerState> {
    let mut results = results(claims);
    let outcomes = slots
        .then(|address, _| results.remove(address).unwrap_or_else(|| Ok(Response::Absent(ELSEWHERE.into()))))
        .with_command(claims.command());
    match claims.previous() {
        Some(previous) => outcomes.with_previous(previous.clone()),
        None => outcomes,
    }
}

/// Returns the outcomes of the processes where the address was written.
fn written(claims: &Outcomes<Claimed>) -> Vec<&Outcome<Claimed>> {
    claims.iter().filter(|outcome| outcome.value() == Some(&Claimed::Written)).collect()
}

const UNVERIFIED: &str = "the address was set, and was neither read again nor enabled";
const LOST: &str = "another client has taken the slot on a process, and it was given back on the others";

/// Message for a socket that leads to the process of another socket.
const ELSEWHERE: &str = "the process is reached at another address";

/// Returns the result of each address.
fn results(outcomes: &Outcomes<ServerState>) -> HashMap<Address, Result<Response<ServerState>>> {
    let result = |outcome: &Outcome<ServerState>| match outcome.result() {
        Ok(Some(state)) => Ok(Response::Value(state.clone())),
        Ok(None) => Ok(Response::Absent(outcome.absent().unwrap_or_default().into())),
        Err(error) => Err(error.clone()),
    };
    outcomes.iter().map(|outcome| (outcome.address().clone(), result(outcome))).collect()
}

/// Adds what is left to an error of a later command, unless the error states it already, or the process
/// is reached through another socket, which has the outcome.
fn explained(error: Error, left: &'static str) -> Error {
    let is_told = error.kind() == ErrorKind::PartiallyApplied || error.reached_at().is_some();
    if is_told { error } else { error.leaving(left) }
}

/// The commands that let a slot take traffic. They begin with its address, because a reload may have
/// given it back meanwhile.
struct Enabling<'a> {
    name: &'a ServerName,
    template: &'a ServerTemplate,
    address: SocketAddr,
    set: Command,
    others: [Command; 2],
}

impl<'a> Enabling<'a> {
    fn new(name: &'a ServerName, template: &'a ServerTemplate, address: SocketAddr, weight: Weight) -> Self {
        let set = |what: &str| Command::write("set server").word(name).word(what);
        let others = [set("weight").word(weight), set("state").word(AdminState::Ready)];
        Self { name, template, address, set: set_address(name, address), others }
    }

    async fn run(&self, target: &Target, deadline: &Deadline) -> Result<Response<ServerState>> {
        let may = |slot: &ServerState| has_address(slot, self.address) || self.template.is_free(slot);
        let enabled = execute_if(self.name, may, self, target, deadline).await;
        match enabled.map_err(|error| explained(error, TAKEN))? {
            Response::Value(Some(_)) => {}
            Response::Value(None) => {
                let words = "another client has the slot by now";
                return Err(Error::new(Problem::Refused(words.into())).leaving("the slot was taken"));
            }
            Response::Absent(words) => return Ok(Response::Absent(words)),
        }
        let unverified =
            |error: Error| error.leaving("the slot was taken and enabled, and its state is unknown");
        let is_own = |slot: &ServerState| has_address(slot, self.address);
        let read = state_when(self.name, is_own, target, deadline).await.map_err(unverified)?;
        let found = match read {
            Response::Value(state) if !has_address(&state, self.address) => {
                let ip = state.address.map_or_else(|| "-".into(), |address| address.to_string());
                let port = state.port.map_or_else(|| "-".into(), |port| port.to_string());
                format!("another client has changed the address, which is {ip} port {port}")
            }
            Response::Value(state) if state.administrative.state() != AdminState::Ready => {
                format!("the state is {} and {}", state.administrative, state.operational)
            }
            Response::Absent(_) => "`show servers state` does not list the server".into(),
            taken @ Response::Value(_) => return Ok(taken),
        };
        Err(Error::new(Problem::Refused(found.into())).leaving("the slot was taken and enabled"))
    }
}

impl OnceJob for Enabling<'_> {
    type Answer = Change;

    async fn run(
        &self,
        connection: &mut IdentifiedConnection<'_>,
        deadline: &Deadline,
    ) -> Result<Response<Change>> {
        let leaving = |error: Error| {
            let left = if error.is_unknown() { MAYBE_ENABLED } else { TAKEN };
            error.leaving(left)
        };
        let mut answer = connection.execute(&self.set, deadline).await.map_err(leaving)?;
        for command in &self.others {
            if let Response::Absent(_) = answer {
                return Ok(answer);
            }
            answer = connection.execute(command, deadline).await.map_err(leaving)?;
        }
        Ok(answer)
    }
}

const TAKEN: &str = "the slot was taken, and was not enabled";
const MAYBE_ENABLED: &str = "the slot was taken, and this command may have been executed";
