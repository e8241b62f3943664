//! Reading all processes, and comparing them with the desired state.

use std::collections::HashMap;
use std::sync::Arc;

use futures::future::{try_join_all, try_join3};

use super::desired::{Desired, DesiredAcl, DesiredCertificate, DesiredMap};
use super::plan::Stages;
use super::server::backend_name;
use super::step::{EntryChanges, Step};
use crate::address::Address;
use crate::cluster::{Cluster, Identity, Outcomes, Target};
use crate::error::{Error, ErrorKind, Problem, Result};
use crate::object::{Leaf, PatternId, Plan as EntryPlan};
use crate::operate::settings::{SettingsScope, read_settings};
use crate::protocol::Response;
use crate::show::PatternInfo;
use crate::show::stat::StatFilter;
use crate::transport::Deadline;

/// A desired state that is valid.
#[derive(Clone)]
pub(super) struct Checked {
    pub(super) desired: Arc<Desired>,
    /// The certificates, in the order of the desired state.
    leaves: Vec<Leaf>,
}

/// The plan of one process, and its identity.
#[derive(Clone)]
pub(super) struct Planned {
    pub(super) identity: Identity,
    pub(super) stages: Stages,
}

/// The result of the comparison of one object: the step that each process needs, if it needs one.
struct Compared {
    /// Name in the list of absent objects.
    name: Box<str>,
    is_certificate: bool,
    results: HashMap<Address, Result<Response<Option<Step>>>>,
}

impl Checked {
    /// # Errors
    ///
    /// - The errors of [`Desired::check`].
    pub(super) fn new(cluster: &Cluster, desired: &Arc<Desired>) -> Result<Self> {
        let leaves = desired.check(cluster)?;
        Ok(Self { desired: Arc::clone(desired), leaves })
    }

    /// Returns the certificates, with what HAProxy shows of them.
    pub(super) fn certificates(&self) -> impl Iterator<Item = (&DesiredCertificate, &Leaf)> {
        self.desired.certificates.iter().zip(&self.leaves)
    }

    /// Reads every process and plans its steps.
    ///
    /// # Errors
    ///
    /// - The errors of a call through [`Cluster::allow_partial`].
    /// - `NotFound` if no process has one of the objects, unless these are a part of the processes.
    pub(super) async fn plan(&self, cluster: &Cluster, is_part: bool) -> Result<Outcomes<Planned>> {
        let cluster = &cluster.allow_partial();
        let outcomes = self.plan_servers(cluster).await?;
        let answering = outcomes.iter().filter(|outcome| outcome.value().is_some());
        let answering: Vec<Address> = answering.map(|outcome| outcome.address().clone()).collect();
        // A process that hangs has cost its limit.
        let objects = cluster.ask_still(&answering, |view| async move { self.compare_objects(&view).await });
        // If all of them have left, they are not compared.
        let Some(([certificates, maps, acls], doubles)) = objects.await? else { return Ok(outcomes) };
        let compared = certificates.iter().chain(&maps).chain(&acls);
        let outcomes = outcomes.then(|address, mut planned| {
            if let Some(error) = doubles.get(address) {
                return Err(error.clone());
            }
            for one in compared.clone() {
                one.add_to(&mut planned.stages, address)?;
            }
            Ok(Response::Value(planned))
        });
        if !is_part {
            self.check_presence(&outcomes, compared)?;
        }
        Ok(outcomes)
    }

    /// Compares the certificates, maps and ACLs. Finds the processes in which one of them is given twice.
    async fn compare_objects(
        &self,
        cluster: &Cluster,
    ) -> Result<([Vec<Compared>; 3], HashMap<Address, Error>)> {
        let desired = &*self.desired;
        let certificates = self.certificates().map(|(one, leaf)| compare_certificate(cluster, one, leaf));
        let maps = try_join_all(desired.maps.iter().map(|map| compare_map(cluster, map)));
        let acls = try_join_all(desired.acls.iter().map(|acl| compare_acl(cluster, acl)));
        let (certificates, maps, acls) = try_join3(try_join_all(certificates), maps, acls).await?;
        Ok(([certificates, maps, acls], find_doubles(cluster, desired).await?))
    }

    async fn plan_servers(&self, cluster: &Cluster) -> Result<Outcomes<Planned>> {
        let desired = &*self.desired;
        let job = |target: Target, deadline| async move { plan_servers(desired, &target, &deadline).await };
        cluster.fan_out().each(&SettingsScope::All.command(), StatFilter::Nothing, job).await
    }

    /// Checks that each object exists in a process, unless a process failed that may have it.
    fn check_presence<'a>(
        &self,
        outcomes: &Outcomes<Planned>,
        compared: impl Iterator<Item = &'a Compared>,
    ) -> Result<()> {
        if !outcomes.is_complete() || outcomes.values().next().is_none() {
            return Ok(());
        }
        let backends = self.desired.backends.iter().map(|one| backend_name(&one.name));
        for name in backends.chain(compared.map(|one| one.name.clone())) {
            if outcomes.values().all(|(_, planned)| planned.stages.absent.contains(&name)) {
                return Err(Error::new(Problem::NotFound(name.into())));
            }
        }
        Ok(())
    }
}

async fn plan_servers(desired: &Desired, target: &Target, deadline: &Deadline) -> Result<Response<Planned>> {
    let stopping = || Ok(Response::Absent("the process is stopping".into()));
    if desired.backends.is_empty() {
        let (info, at) = target.member.info(deadline).await?;
        let identity = Identity::new(&info, at).ok_or_else(Identity::missing)?;
        let stages = Stages::default();
        return if info.is_stopping() {
            stopping()
        } else {
            Ok(Response::Value(Planned { identity, stages }))
        };
    }
    Ok(match read_settings(target, &SettingsScope::All, deadline).await? {
        Response::Value(found) if found.is_stopping => return stopping(),
        Response::Value(found) => {
            let stages = Stages::of_servers(desired, &found);
            Response::Value(Planned { identity: found.identity, stages })
        }
        Response::Absent(words) => Response::Absent(words),
    })
}

/// Finds the processes in which a map or an ACL is given by its file and by its number too, with their errors. It would
/// have the entries of both in turn. Only the processes know the numbers.
async fn find_doubles(cluster: &Cluster, desired: &Desired) -> Result<HashMap<Address, Error>> {
    let mut doubles = HashMap::new();
    let maps: Vec<&str> = desired.maps.iter().map(|map| &*map.id).collect();
    if has_number(&maps) {
        doubles.extend(doubles_of("map", &maps, &cluster.maps().await?)?);
    }
    let acls: Vec<&str> = desired.acls.iter().map(|acl| &*acl.id).collect();
    if has_number(&acls) {
        doubles.extend(doubles_of("ACL", &acls, &cluster.acls().await?)?);
    }
    Ok(doubles)
}

/// Returns `true` if one of several is given by its number.
fn has_number(ids: &[&str]) -> bool {
    ids.len() > 1 && ids.iter().any(|id| id.starts_with('#'))
}

fn doubles_of(
    what: &str,
    ids: &[&str],
    lists: &Outcomes<Vec<PatternInfo>>,
) -> Result<HashMap<Address, Error>> {
    let ids: Vec<(&str, PatternId)> = ids.iter().map(|id| Ok((*id, id.parse()?))).collect::<Result<_>>()?;
    let double = |info: &PatternInfo| {
        let mut same = ids.iter().filter(|(_, id)| id.is(info)).map(|(text, _)| *text);
        let (one, other) = (same.next()?, same.next()?);
        Some(Error::invalid(format!("{what} {one} and {what} {other} are one {what}")))
    };
    let doubles = lists.iter().filter_map(|outcome| {
        let error = outcome.value()?.iter().find_map(double)?;
        Some((outcome.address().clone(), error))
    });
    Ok(doubles.collect())
}

async fn compare_map(cluster: &Cluster, map: &DesiredMap) -> Result<Compared> {
    let plans = cluster.map(&*map.id)?.plan(map.pairs()).await?;
    let step = |plan: &EntryPlan| Some(Step::Map { id: map.id.clone(), entries: changes(plan)? });
    Ok(Compared::new(format!("map {}", map.id), &plans, step))
}

async fn compare_acl(cluster: &Cluster, acl: &DesiredAcl) -> Result<Compared> {
    let plans = cluster.acl(&*acl.id)?.plan(&acl.patterns).await?;
    let step = |plan: &EntryPlan| Some(Step::Acl { id: acl.id.clone(), entries: changes(plan)? });
    Ok(Compared::new(format!("ACL {}", acl.id), &plans, step))
}

/// Returns the numbers of changes, if there are any.
pub(super) fn changes(plan: &EntryPlan) -> Option<EntryChanges> {
    let EntryPlan { add, change, delete, .. } = plan;
    let changes = EntryChanges { add: add.len(), change: change.len(), delete: delete.len() };
    (!plan.is_empty()).then_some(changes)
}

async fn compare_certificate(cluster: &Cluster, one: &DesiredCertificate, leaf: &Leaf) -> Result<Compared> {
    let shown = cluster.certificate(&one.name)?.show().await?;
    Ok(Compared::new(format!("certificate {}", one.name), &shown, |details| {
        let served = details.leaf.as_ref();
        let (from, by_serial) = match served {
            Some(served) if leaf.is(served) => return None,
            Some(served) => (
                Some(served.fingerprint.as_ref().unwrap_or(&served.serial).clone()),
                served.fingerprint.is_none(),
            ),
            None => (None, false),
        };
        let to = if by_serial { leaf.serial() } else { leaf.fingerprint() };
        Some(Step::Certificate { name: one.name.clone(), from, to: to.into(), by_serial })
    })
    .of_certificate())
}

impl Compared {
    fn new<T>(name: String, outcomes: &Outcomes<T>, step: impl Fn(&T) -> Option<Step>) -> Self {
        let results = outcomes.iter().map(|outcome| {
            let response = |value: Option<&T>| match value {
                Some(value) => Response::Value(step(value)),
                None => Response::Absent(outcome.absent().unwrap_or_default().into()),
            };
            (outcome.address().clone(), outcome.result().map(response).map_err(Clone::clone))
        });
        Self { name: name.into(), is_certificate: false, results: results.collect() }
    }

    fn of_certificate(self) -> Self {
        Self { is_certificate: true, ..self }
    }

    /// Adds the step of the process at an address.
    ///
    /// # Errors
    ///
    /// - The error of the read.
    fn add_to(&self, stages: &mut Stages, address: &Address) -> Result<()> {
        let joined = || Error::from_kind(ErrorKind::Incomplete, "the process joined or left during the read");
        match self.results.get(address).ok_or_else(joined)? {
            Ok(Response::Value(step)) if self.is_certificate => stages.certificates.extend(step.clone()),
            Ok(Response::Value(step)) => stages.entries.extend(step.clone()),
            Ok(Response::Absent(_)) => stages.absent.push(self.name.clone()),
            Err(error) => return Err(error.clone()),
        }
        Ok(())
    }
}
