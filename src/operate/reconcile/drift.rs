//! Differences between the processes themselves.

use std::collections::{BTreeSet, HashMap, HashSet};
use std::fmt::Display;
use std::hash::Hash;
use std::net::SocketAddr;

use super::plan::{Plan, Stages, backend_name};
use super::planning::changes;
use super::step::{Blocked, BlockedReason, EntryChanges, ServerChange, Step};
use crate::cluster::{Cluster, Outcomes, Target};
use crate::error::{Error, ErrorKind, Problem, Result};
use crate::object::{Contents, PatternId, Plan as EntryPlan};
use crate::operate::settings::{Found, ServerSettings, SettingsScope, read_settings};
use crate::protocol::Response;
use crate::show::stat::StatFilter;
use crate::show::{AdminState, Entry, PatternInfo};

/// The processes that the others are compared with: [`Cluster::drift`](crate::Cluster::drift).
///
/// # Example
///
/// ```no_run
/// # async fn example(cluster: haproxyadmin::Cluster) -> haproxyadmin::Result<()> {
/// use haproxyadmin::reconcile::Reference;
///
/// let drift = cluster.drift(Reference::Majority).await?;
/// println!("{drift}");
/// # Ok(())
/// # }
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Reference {
    /// For each value by itself, the one that more processes hold than any other value.
    Majority,
    /// The process with this label.
    Process(Box<str>),
}

impl Reference {
    /// Returns the process with this label as the reference.
    pub fn process(label: impl Into<Box<str>>) -> Self {
        Self::Process(label.into())
    }
}

/// The servers that one process holds, and the plan of the process.
struct Holder<'a> {
    label: &'a str,
    found: &'a Found,
    servers: HashMap<(&'a str, &'a str), &'a ServerSettings>,
    backends: HashSet<&'a str>,
    stages: Stages,
    error: Option<Error>,
}

/// The value that the processes should hold.
enum Verdict<T> {
    Value(T),
    NoMajority,
    /// The reference does not have the object.
    Nothing,
}

/// Compares the processes with each other.
pub(super) async fn drift(cluster: &Cluster, reference: &Reference) -> Result<Outcomes<Plan>> {
    let is_partial = cluster.is_partial();
    let cluster = &cluster.allow_partial();
    let job = |target: Target, deadline| async move {
        Ok(match read_settings(&target, &SettingsScope::All, &deadline).await? {
            Response::Value(found) if found.is_stopping => Response::Absent("the process is stopping".into()),
            response => response,
        })
    };
    let outcomes = cluster.fan_out().each(&SettingsScope::All.command(), StatFilter::Nothing, job).await?;
    let mut comparison = Comparison {
        reference,
        holders: outcomes.values().map(|(label, found)| Holder::new(label, found)).collect(),
    };
    comparison.check_reference()?;
    comparison.servers();
    comparison.maps(cluster).await?;
    comparison.acls(cluster).await?;
    comparison.certificates(cluster).await?;
    let plans = comparison.holders.into_iter().map(|holder| {
        let plan = holder.error.map_or_else(|| Ok(Plan::from(holder.stages)), Err);
        (holder.found.settings.address.clone(), plan)
    });
    let mut plans: HashMap<_, _> = plans.collect();
    let outcomes = outcomes.with_command("drift").then(|address, _| {
        Ok(Response::Value(plans.remove(address).unwrap_or_else(|| Ok(Plan::default()))?))
    });
    if is_partial { Ok(outcomes) } else { outcomes.all() }
}

impl<'a> Holder<'a> {
    fn new(label: &'a str, found: &'a Found) -> Self {
        let servers = &found.settings.servers;
        let of_servers = servers.iter().map(|server| &*server.backend);
        Self {
            label,
            found,
            servers: servers.iter().map(|server| ((&*server.backend, &*server.name), server)).collect(),
            backends: found.backends.iter().map(|name| &**name).chain(of_servers).collect(),
            stages: Stages::default(),
            error: None,
        }
    }

    fn block(&mut self, object: impl Display, difference: impl Display) {
        self.stages.blocked.push(Blocked {
            object: object.to_string().into(),
            difference: difference.to_string().into(),
            reason: BlockedReason::NoMajority,
        });
    }

    /// Adds or deletes a server, or notes why the process cannot.
    fn change_presence(&mut self, (backend, server): (&str, &str), change: ServerChange) {
        if self.found.adds_servers {
            let is_added = matches!(change, ServerChange::Add { .. });
            let stage = if is_added { &mut self.stages.entering } else { &mut self.stages.leaving };
            stage.push(Step::of_server(backend, server, change));
        } else {
            self.stages.blocked.push(Blocked {
                object: format!("{backend}/{server}").into(),
                difference: change.to_string().into(),
                reason: BlockedReason::NeedsRelease,
            });
        }
    }
}

struct Comparison<'a> {
    reference: &'a Reference,
    holders: Vec<Holder<'a>>,
}

impl Comparison<'_> {
    /// # Errors
    ///
    /// - `NotFound` if the chosen process did not answer or does not exist.
    fn check_reference(&self) -> Result<()> {
        let Reference::Process(label) = self.reference else { return Ok(()) };
        if self.holders.iter().any(|holder| *holder.label == **label) {
            return Ok(());
        }
        let labels: Vec<_> = self.holders.iter().map(|holder| holder.label).collect();
        let text = format!("process {label:?}; there are {}", labels.join(", "));
        Err(Error::new(Problem::NotFound(text)))
    }

    /// Decides about the values of processes, each with the label of its process.
    fn decide<T: Clone + Eq + Hash>(&self, values: &[(&str, T)]) -> Verdict<T> {
        if let Reference::Process(chosen) = self.reference {
            let own = values.iter().find(|(label, _)| **label == **chosen);
            return own.map_or(Verdict::Nothing, |(_, value)| Verdict::Value(value.clone()));
        }
        let mut counts: HashMap<&T, usize> = HashMap::new();
        for (_, value) in values {
            *counts.entry(value).or_default() += 1;
        }
        let most = counts.values().copied().max().unwrap_or(0);
        let mut winners = counts.into_iter().filter(|(_, count)| *count == most);
        match (winners.next(), winners.next()) {
            (Some((value, _)), None) => Verdict::Value(value.clone()),
            (Some(_), Some(_)) => Verdict::NoMajority,
            (None, _) => Verdict::Nothing,
        }
    }

    /// Decides if the processes should have an object of the configuration. Notes it where it is absent.
    fn compare_presence(&mut self, name: &str, has: impl Fn(&str) -> bool) {
        let values: Vec<_> = self.holders.iter().map(|holder| (holder.label, has(holder.label))).collect();
        if let Verdict::Value(true) = self.decide(&values) {
            for holder in self.holders.iter_mut().filter(|holder| !has(holder.label)) {
                holder.stages.absent.push(name.into());
            }
        }
    }

    fn servers(&mut self) {
        let backends: BTreeSet<&str> =
            self.holders.iter().flat_map(|holder| holder.backends.iter().copied()).collect();
        for backend in backends {
            let having: HashSet<&str> = self
                .holders
                .iter()
                .filter(|holder| holder.backends.contains(backend))
                .map(|holder| holder.label)
                .collect();
            self.compare_presence(&backend_name(backend), |label| having.contains(label));
        }
        // In the order of the configuration of the first process that has the server.
        let (mut seen, mut names) = (HashSet::new(), Vec::new());
        for holder in &self.holders {
            for server in &holder.found.settings.servers {
                let name = (&*server.backend, &*server.name);
                if seen.insert(name) {
                    names.push(name);
                }
            }
        }
        for name in names {
            self.server(name);
        }
    }

    fn server(&mut self, name: (&str, &str)) {
        let (backend, server) = name;
        let object = format!("{backend}/{server}");
        let of_backend = self.holders.iter().filter(|holder| holder.backends.contains(backend));
        let presence: Vec<_> =
            of_backend.map(|holder| (holder.label, holder.servers.contains_key(&name))).collect();
        let presence = self.decide(&presence);
        let shown: Vec<_> = self
            .holders
            .iter()
            .filter_map(|holder| Some((holder.label, *holder.servers.get(&name)?)))
            .collect();
        let address = self.decide(&values(&shown, address_of));
        let weight = self.decide(&values(&shown, |server| server.weight.value));
        let state = self.decide(&values(&shown, |server| server.state.value));
        for holder in self.holders.iter_mut().filter(|holder| holder.backends.contains(backend)) {
            let own = holder.servers.get(&name).copied();
            match (&presence, own) {
                (Verdict::NoMajority, own) => {
                    holder.block(&object, if own.is_some() { "is there" } else { "is not there" });
                    if own.is_none() {
                        continue;
                    }
                }
                (Verdict::Value(true), None) => {
                    let state = match &state {
                        Verdict::Value(state) => *state,
                        _ => AdminState::Ready,
                    };
                    match &address {
                        Verdict::Value(Some(address)) => {
                            let address = *address;
                            holder.change_presence(name, ServerChange::Add { address, state });
                        }
                        _ => holder.block(&object, "is not there"),
                    }
                    continue;
                }
                (Verdict::Value(false), Some(own)) => {
                    holder.change_presence(name, ServerChange::Delete { from: own.state.value });
                    continue;
                }
                _ => {}
            }
            if let Some(own) = own {
                compare_settings(holder, name, own, &address, &weight, &state);
            }
        }
    }

    async fn maps(&mut self, cluster: &Cluster) -> Result<()> {
        let lists = cluster.maps().await?;
        self.note_errors(&lists);
        for file in files(&lists) {
            let contents = cluster.map(PatternId::file(&file)?)?.show().await?;
            let step = |entries| Step::Map { id: file.clone(), entries };
            self.entries(&format!("map {file}"), &file, &contents, step);
        }
        Ok(())
    }

    async fn acls(&mut self, cluster: &Cluster) -> Result<()> {
        let lists = cluster.acls().await?;
        self.note_errors(&lists);
        for file in files(&lists) {
            let contents = cluster.acl(PatternId::file(&file)?)?.show().await?;
            let step = |entries| Step::Acl { id: file.clone(), entries };
            self.entries(&format!("ACL {file}"), &file, &contents, step);
        }
        Ok(())
    }

    fn has_holder(&self, label: &str) -> bool {
        self.holders.iter().any(|holder| holder.label == label)
    }

    fn entries(&mut self, name: &str, file: &str, contents: &Contents, step: impl Fn(EntryChanges) -> Step) {
        for (label, error) in contents.failed() {
            self.note_error(label, error);
        }
        let held: Vec<(&str, Vec<Entry<'_>>)> =
            contents.per_process().map(|(label, entries)| (&**label, entries.collect())).collect();
        // An old worker has the contents of the time before the reload.
        let held: Vec<_> = held.into_iter().filter(|(label, _)| self.has_holder(label)).collect();
        let having: HashSet<&str> = held.iter().map(|(label, _)| *label).collect();
        self.compare_presence(name, |label| having.contains(label));
        let texts: Vec<(&str, Vec<&[u8]>)> = held
            .iter()
            .map(|(label, entries)| (*label, entries.iter().map(Entry::as_bytes).collect()))
            .collect();
        let verdict = self.decide(&texts);
        let wanted = match &verdict {
            Verdict::Value(wanted) => held.iter().zip(&texts).find(|(_, (_, texts))| texts == wanted),
            _ => None,
        };
        for ((label, entries), (_, own)) in held.iter().zip(&texts) {
            let Some(holder) = self.holders.iter_mut().find(|holder| holder.label == *label) else {
                continue;
            };
            match (&verdict, wanted) {
                (Verdict::NoMajority, _) => holder.block(file, format!("{} entries", entries.len())),
                (_, Some(((_, wanted), (_, texts)))) if own != texts => {
                    holder.stages.entries.extend(changes(&EntryPlan::between(entries, wanted)).map(&step));
                }
                _ => {}
            }
        }
    }

    async fn certificates(&mut self, cluster: &Cluster) -> Result<()> {
        let lists = cluster.certificates().await?;
        let mut names = BTreeSet::new();
        for outcome in &lists {
            match outcome.error() {
                // A build without TLS.
                Some(error) if error.kind() == ErrorKind::Unsupported => {}
                Some(error) => self.note_error(outcome.label(), error),
                None => names.extend(outcome.value().into_iter().flatten().map(|one| one.name.clone())),
            }
        }
        for name in names {
            let shown = cluster.certificate(&name)?.show().await?;
            let served: Vec<(&str, Box<str>)> = shown
                .values()
                .map(|(label, details)| {
                    let served = details.leaf.as_ref();
                    let mark = served.map(|leaf| leaf.fingerprint.as_ref().unwrap_or(&leaf.serial).clone());
                    (&**label, mark.unwrap_or_default())
                })
                .collect();
            let served: Vec<_> = served.into_iter().filter(|(label, _)| self.has_holder(label)).collect();
            for outcome in shown.failed() {
                if let Some(error) = outcome.error().filter(|error| error.kind() != ErrorKind::Unsupported) {
                    self.note_error(outcome.label(), error);
                }
            }
            let having: HashSet<&str> = served.iter().map(|(label, _)| *label).collect();
            self.compare_presence(&format!("certificate {name}"), |label| having.contains(label));
            let verdict = self.decide(&served);
            for (label, own) in &served {
                let Some(holder) = self.holders.iter_mut().find(|holder| holder.label == *label) else {
                    continue;
                };
                match &verdict {
                    Verdict::NoMajority => holder.block(&name, format!("fingerprint {own}")),
                    Verdict::Value(to) if to != own => {
                        let from = Some(own.clone()).filter(|own| !own.is_empty());
                        let (name, to) = (name.clone(), to.clone());
                        holder.stages.certificates.push(Step::Certificate { name, from, to });
                    }
                    _ => {}
                }
            }
        }
        Ok(())
    }

    fn note_errors<T>(&mut self, outcomes: &Outcomes<T>) {
        for outcome in outcomes.failed() {
            if let Some(error) = outcome.error() {
                self.note_error(outcome.label(), error);
            }
        }
    }

    fn note_error(&mut self, label: &str, error: &Error) {
        let holder = self.holders.iter_mut().find(|holder| holder.label == label);
        if let Some(holder) = holder {
            holder.error.get_or_insert_with(|| error.clone());
        }
    }
}

fn values<'a, T>(
    shown: &[(&'a str, &ServerSettings)],
    value: impl Fn(&ServerSettings) -> T,
) -> Vec<(&'a str, T)> {
    shown.iter().map(|(label, server)| (*label, value(server))).collect()
}

fn address_of(server: &ServerSettings) -> Option<SocketAddr> {
    server.address.as_ref().map(|address| address.value)
}

/// Compares the settings of a server that the process has.
fn compare_settings(
    holder: &mut Holder<'_>,
    (backend, server): (&str, &str),
    own: &ServerSettings,
    address: &Verdict<Option<SocketAddr>>,
    weight: &Verdict<u64>,
    state: &Verdict<AdminState>,
) {
    let object = format!("{backend}/{server}");
    let mut changes = Vec::new();
    match address {
        Verdict::NoMajority => {
            let shown = address_of(own).map_or_else(|| "none".to_owned(), |address| address.to_string());
            holder.block(&object, format!("address {shown}"));
        }
        Verdict::Value(Some(to)) if address_of(own) != Some(*to) => {
            changes.push(ServerChange::Address { from: address_of(own), to: *to });
        }
        _ => {}
    }
    let from = own.weight.value;
    match weight {
        Verdict::NoMajority => holder.block(&object, format!("weight {from}")),
        Verdict::Value(to) if *to != from => {
            let configured = own.weight.configured.unwrap_or(from);
            changes.push(ServerChange::Weight { from, to: *to, configured });
        }
        _ => {}
    }
    let from = own.state.value;
    match state {
        Verdict::NoMajority => holder.block(&object, format!("state {from}")),
        Verdict::Value(to) if *to != from => changes.push(ServerChange::State { from, to: *to }),
        _ => {}
    }
    let steps = changes.into_iter().map(|change| Step::of_server(backend, server, change));
    holder.stages.entering.extend(steps);
}

/// Returns the files of all maps or ACLs. Those without a file have a number that depends on the configuration.
fn files(lists: &Outcomes<Vec<PatternInfo>>) -> BTreeSet<Box<str>> {
    lists.values().flat_map(|(_, list)| list.iter().filter_map(|one| one.file.clone())).collect()
}
