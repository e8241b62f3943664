//! Differences between the processes themselves.

mod server;
mod verdict;

use std::collections::{BTreeSet, HashMap, HashSet};
use std::fmt::Display;
use std::hash::Hash;

use super::plan::{Plan, Planning, Stages};
use super::planning::changes;
use super::server::backend_name;
use super::step::{Blocked, BlockedReason, EntryChanges, Step};
use crate::cluster::{Cluster, Outcomes, Target};
use crate::error::{Error, ErrorKind, Problem, Result};
use crate::object::{Contents, PatternId, Plan as EntryPlan};
use crate::operate::settings::{Found, ServerSettings, SettingsScope, read_settings};
use crate::protocol::Response;
use crate::show::stat::StatFilter;
use crate::show::{Entry, PatternInfo, X509};
use server::{Common, address_of};
use verdict::Verdict;

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
    /// True if a read has timed out, whatever the first error is.
    is_hung: bool,
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
            is_hung: false,
        }
    }

    /// Notes a difference without a majority.
    fn block(&mut self, object: impl Display, difference: impl Display) {
        self.block_for(object, difference, BlockedReason::NoMajority);
    }

    fn block_for(&mut self, object: impl Display, difference: impl Display, reason: BlockedReason) {
        self.stages.blocked.push(Blocked {
            object: object.to_string().into(),
            difference: difference.to_string().into(),
            reason,
        });
    }

    /// Returns the plan of one backend.
    fn planning<'b>(&'b mut self, backend: &'b str) -> Planning<'b> {
        Planning { stages: &mut self.stages, backend, adds_servers: self.found.adds_servers }
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
        for holder in &mut self.holders {
            holder.stages.put_in_traffic_last();
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
        let common = Common {
            address: self.decide(&values(&shown, address_of)),
            weight: self.decide(&values(&shown, |server| server.weight.value)),
            state: self.decide(&values(&shown, |server| server.state.value)),
        };
        for holder in self.holders.iter_mut().filter(|holder| holder.backends.contains(backend)) {
            let own = holder.servers.get(&name).copied();
            match (&presence, own) {
                (Verdict::NoMajority, Some(_)) => holder.block(&object, "is there"),
                (Verdict::NoMajority, None) => holder.block(&object, "is not there"),
                (Verdict::Value(true), None) => match common.addition(server) {
                    Some(wanted) => holder.planning(backend).add(&wanted),
                    None => holder.block(&object, "is not there"),
                },
                (Verdict::Value(false), Some(own)) => holder.planning(backend).delete(own),
                _ => {}
            }
            if let (Some(own), false) = (own, matches!(presence, Verdict::Value(false))) {
                let (wanted, differing) = common.settings(own);
                for (difference, reason) in differing {
                    holder.block_for(&object, difference, reason);
                }
                holder.planning(backend).compare(&wanted, own);
            }
        }
    }

    /// Asks the processes that are compared and have not timed out: a process that hangs costs its limits once. Returns
    /// `None` if there is no such process.
    async fn ask<T, F>(&self, cluster: &Cluster, ask: impl Fn(Cluster) -> F) -> Result<Option<T>>
    where
        F: Future<Output = Result<T>>,
    {
        let answering = self.holders.iter().filter(|holder| !holder.is_hung);
        let answering: Vec<_> = answering.map(|holder| holder.found.settings.address.clone()).collect();
        cluster.ask_still(&answering, ask).await
    }

    async fn maps(&mut self, cluster: &Cluster) -> Result<()> {
        let lists = self.ask(cluster, |view| async move { view.maps().await }).await?;
        let Some(lists) = lists else { return Ok(()) };
        self.note_errors(&lists);
        for file in files(&lists) {
            let Ok(id) = &PatternId::file(&file) else {
                let having = having(&lists, |one| one.file.as_ref() == Some(&file));
                self.leave_out(&format!("map {file}"), &file, &having);
                continue;
            };
            let show = |view: Cluster| async move { view.map(id.clone())?.show().await };
            let Some(contents) = self.ask(cluster, show).await? else { return Ok(()) };
            let step = |entries| Step::Map { id: file.clone(), entries };
            self.entries(&format!("map {file}"), &file, &contents, step);
        }
        Ok(())
    }

    async fn acls(&mut self, cluster: &Cluster) -> Result<()> {
        let lists = self.ask(cluster, |view| async move { view.acls().await }).await?;
        let Some(lists) = lists else { return Ok(()) };
        self.note_errors(&lists);
        for file in files(&lists) {
            let Ok(id) = &PatternId::file(&file) else {
                let having = having(&lists, |one| one.file.as_ref() == Some(&file));
                self.leave_out(&format!("ACL {file}"), &file, &having);
                continue;
            };
            let show = |view: Cluster| async move { view.acl(id.clone())?.show().await };
            let Some(contents) = self.ask(cluster, show).await? else { return Ok(()) };
            let step = |entries| Step::Acl { id: file.clone(), entries };
            self.entries(&format!("ACL {file}"), &file, &contents, step);
        }
        Ok(())
    }

    /// Notes an object with a name that no command of this crate has.
    fn leave_out(&mut self, name: &str, object: &str, having: &HashSet<&str>) {
        self.compare_presence(name, |label| having.contains(label));
        for holder in self.holders.iter_mut().filter(|holder| having.contains(holder.label)) {
            holder.block_for(object, "not compared", BlockedReason::UnusableName);
        }
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
        let lists = self.ask(cluster, |view| async move { view.certificates().await }).await?;
        let Some(lists) = lists else { return Ok(()) };
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
            let name = &*name;
            if cluster.certificate(name).is_err() {
                let having = having(&lists, |one| *one.name == *name);
                self.leave_out(&format!("certificate {name}"), name, &having);
                continue;
            }
            let show = |view: Cluster| async move { view.certificate(name)?.show().await };
            let Some(shown) = self.ask(cluster, show).await? else { return Ok(()) };
            let served: Vec<(&str, Option<&X509>)> = shown
                .values()
                .map(|(label, details)| (&**label, details.leaf.as_ref()))
                .filter(|(label, _)| self.has_holder(label))
                .collect();
            for outcome in shown.failed() {
                if let Some(error) = outcome.error().filter(|error| error.kind() != ErrorKind::Unsupported) {
                    self.note_error(outcome.label(), error);
                }
            }
            let having: HashSet<&str> = served.iter().map(|(label, _)| *label).collect();
            self.compare_presence(&format!("certificate {name}"), |label| having.contains(label));
            let marks: Vec<_> = served.iter().map(|(label, leaf)| (*label, leaf.map(mark))).collect();
            let verdict = self.decide(&marks);
            for ((label, leaf), (_, own)) in served.iter().zip(&marks) {
                let Some(holder) = self.holders.iter_mut().find(|holder| holder.label == *label) else {
                    continue;
                };
                let difference = match own {
                    Some((own, true)) => format!("serial number {own}"),
                    Some((own, false)) => format!("fingerprint {own}"),
                    None => "fingerprint none".to_owned(),
                };
                match &verdict {
                    Verdict::NoMajority => holder.block(name, difference),
                    Verdict::Value(None) if own.is_some() => {
                        holder.block_for(name, difference, BlockedReason::NoValue);
                    }
                    Verdict::Value(Some((to, by_serial)))
                        if own.as_ref() != Some(&(to.clone(), *by_serial)) =>
                    {
                        let from = leaf.map(|leaf| match &leaf.fingerprint {
                            Some(fingerprint) if !by_serial => fingerprint.clone(),
                            _ => leaf.serial.clone(),
                        });
                        let (name, to, by_serial) = (name.into(), to.clone(), *by_serial);
                        holder.stages.certificates.push(Step::Certificate { name, from, to, by_serial });
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
            holder.is_hung |= error.kind() == ErrorKind::Timeout;
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

/// Returns the SHA-1 of a certificate, or its serial number and `true` if HAProxy does not print the SHA-1.
fn mark(leaf: &X509) -> (Box<str>, bool) {
    match &leaf.fingerprint {
        Some(fingerprint) => (fingerprint.clone(), false),
        None => (leaf.serial.clone(), true),
    }
}

/// Returns the files of all maps or ACLs. Those without a file have a number that depends on the configuration.
fn files(lists: &Outcomes<Vec<PatternInfo>>) -> BTreeSet<Box<str>> {
    lists.values().flat_map(|(_, list)| list.iter().filter_map(|one| one.file.clone())).collect()
}

/// Returns the labels of the processes that list an object.
fn having<T>(lists: &Outcomes<Vec<T>>, is_it: impl Fn(&T) -> bool) -> HashSet<&str> {
    lists.values().filter(|(_, list)| list.iter().any(&is_it)).map(|(label, _)| &**label).collect()
}
