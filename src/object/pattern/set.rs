use std::path::Path;

use super::bulk::Bulk;
use super::contents::Contents;
use super::deletion::Deletion;
use super::mirror::Text;
use super::plan::{Plan, Wanted};
use super::replacement::{Replacement, SINCE};
use super::synchronization::{IN_SYNC, Synchronization};
use super::verbs::Verbs;
use super::{Lookup, PatternId};
use crate::cluster::{Cluster, Outcomes, Target};
use crate::error::{Error, Result};
use crate::level::Level;
use crate::process::LONGEST;
use crate::protocol::{Change, Command, EntryRef, Response};
use crate::show::stat::StatFilter;
use crate::show::{Entries, PatternInfo};

/// The patterns of a map or an ACL, in each process of a cluster.
///
/// [`Map`](super::Map) and [`Acl`](super::Acl) document the methods.
#[derive(Debug, Clone)]
pub(super) struct PatternSet {
    cluster: Cluster,
    verbs: &'static Verbs,
    id: PatternId,
}

impl PatternSet {
    pub(super) fn new<P>(cluster: &Cluster, verbs: &'static Verbs, id: P) -> Result<Self>
    where
        P: TryInto<PatternId>,
        P::Error: Into<Error>,
    {
        Ok(Self { cluster: cluster.clone(), verbs, id: id.try_into().map_err(Into::into)? })
    }

    /// Reads the list of the sets of one kind from each process.
    pub(super) async fn list(cluster: &Cluster, verbs: &Verbs) -> Result<Outcomes<Vec<PatternInfo>>> {
        let read = |data: Vec<u8>| Ok(PatternInfo::read(&String::from_utf8_lossy(&data))?);
        cluster.fan_out().ask(query(verbs.show), read).await
    }

    pub(super) fn id(&self) -> &PatternId {
        &self.id
    }

    pub(super) fn on(&self, cluster: &Cluster) -> Self {
        Self { cluster: cluster.clone(), verbs: self.verbs, id: self.id.clone() }
    }

    pub(super) async fn show(&self) -> Result<Contents> {
        Ok(Contents::new(self.read(&self.cluster).await?))
    }

    async fn read(&self, cluster: &Cluster) -> Result<Outcomes<Entries>> {
        let command = &self.command(query(self.verbs.show))?;
        let job = |target: Target, deadline| async move { target.entries(command, &deadline).await };
        cluster.fan_out().each(command, StatFilter::Nothing, job).await
    }

    pub(super) async fn get(&self, text: &str) -> Result<Outcomes<Lookup>> {
        let command = self.command(query(self.verbs.get))?.secret(text)?;
        self.cluster.fan_out().ask(command, |data| Ok(Lookup::read(&data)?)).await
    }

    /// Adds one entry: the key and the value of a map, or the pattern of an ACL.
    pub(super) async fn add(&self, words: &[&str]) -> Result<Outcomes<Change>> {
        let mut command = self.addition()?;
        for word in words {
            command = command.secret(word)?;
        }
        self.change(command).await
    }

    /// Returns an empty list of entries to add.
    pub(super) fn bulk(&self) -> Result<Bulk> {
        Ok(Bulk::new(self.addition()?, LONGEST))
    }

    pub(super) async fn add_all(&self, bulk: Bulk) -> Result<Outcomes<Change>> {
        bulk.send(&self.cluster).await
    }

    /// Replaces the whole set by these entries: keys with the values of a map, or patterns of an
    /// ACL, which have no values.
    pub(super) async fn replace(
        &self,
        entries: impl IntoIterator<Item = Wanted>,
    ) -> Result<Outcomes<Change>> {
        let replacement = Replacement::new(self.verbs, &self.id, entries.into_iter().collect())?;
        replacement.run(&self.cluster).await
    }

    pub(super) async fn replace_mirrored(
        &self,
        entries: impl IntoIterator<Item = Wanted>,
        path: &Path,
    ) -> Result<Outcomes<Change>> {
        let entries: Vec<Wanted> = entries.into_iter().collect();
        let text = Text::new(&entries)?;
        let replacement = Replacement::new(self.verbs, &self.id, entries)?;
        text.mirror(path, replacement.run(&self.cluster)).await
    }

    pub(super) async fn plan(&self, wanted: impl IntoIterator<Item = Wanted>) -> Result<Outcomes<Plan>> {
        self.plan_on(&self.cluster, &self.checked(wanted)?).await
    }

    /// Makes every process hold exactly these entries.
    pub(super) async fn sync(&self, wanted: impl IntoIterator<Item = Wanted>) -> Result<Outcomes<Change>> {
        self.sync_checked(self.checked(wanted)?).await
    }

    pub(super) async fn sync_mirrored(
        &self,
        wanted: impl IntoIterator<Item = Wanted>,
        path: &Path,
    ) -> Result<Outcomes<Change>> {
        let wanted = self.checked(wanted)?;
        Text::new(&wanted)?.mirror(path, self.sync_checked(wanted)).await
    }

    async fn sync_checked(&self, wanted: Vec<Wanted>) -> Result<Outcomes<Change>> {
        let plans = self.plan_on(&self.cluster.allow_partial(), &wanted).await?;
        let is_strict = !self.cluster.is_partial();
        let unchanged = if is_strict && !plans.is_complete() {
            Some(GIVEN_UP)
        } else if plans.values().all(|(_, plan)| plan.is_empty()) {
            Some(IN_SYNC)
        } else {
            None
        };
        if let Some(words) = unchanged {
            let outcomes = plans.then(|_, _| Ok(Response::Value(Change::Unchanged(words.into()))));
            return if is_strict { outcomes.all() } else { Ok(outcomes) };
        }
        if plans.values().any(|(_, plan)| plan.is_replacement) {
            return self.replace(wanted).await;
        }
        let synchronization = &self.synchronization(&wanted);
        let job =
            |target: Target, deadline| async move { target.execute_once(synchronization, &deadline).await };
        self.cluster.fan_out().each(&synchronization.addition()?, StatFilter::Nothing, job).await
    }

    /// Compares the entries of each process with the wanted ones. A replacement is chosen if every
    /// process with the set can do it, and if one of them needs more changes than half of the wanted
    /// entries.
    async fn plan_on(&self, cluster: &Cluster, wanted: &[Wanted]) -> Result<Outcomes<Plan>> {
        let held = self.read(cluster).await?;
        let mut having = held.iter().filter(|outcome| outcome.value().is_some());
        let is_possible = having.all(|outcome| outcome.version().is_some_and(|version| version >= SINCE));
        let plans = held.then(|_, entries| {
            let entries: Vec<_> = entries.iter().collect();
            Ok(Response::Value(Plan::new(&entries, wanted)))
        });
        let is_replacement = is_possible && plans.values().any(|(_, plan)| plan.len() * 2 > wanted.len());
        Ok(plans.then(|_, plan| Ok(Response::Value(Plan { is_replacement, ..plan }))))
    }

    /// Checks that HAProxy can hold the wanted entries unchanged.
    fn checked(&self, wanted: impl IntoIterator<Item = Wanted>) -> Result<Vec<Wanted>> {
        let wanted: Vec<Wanted> = wanted.into_iter().collect();
        Bulk::of(self.addition()?, &wanted, LONGEST)?.additions()?;
        Ok(wanted)
    }

    fn synchronization<'a>(&'a self, wanted: &'a [Wanted]) -> Synchronization<'a> {
        Synchronization { verbs: self.verbs, id: &self.id, wanted }
    }

    pub(super) async fn delete(&self, text: &str) -> Result<Outcomes<Change>> {
        let verb = self.verbs.delete;
        self.change(self.command(Command::write_once(verb))?.key(text)?).await
    }

    /// Deletes all entries of these keys.
    pub(super) async fn delete_all<K: AsRef<str>>(
        &self,
        keys: impl IntoIterator<Item = K>,
    ) -> Result<Outcomes<Change>> {
        let verb = self.verbs.delete;
        let mut deletion = Deletion::new(self.command(Command::write_once(verb))?);
        for key in keys {
            deletion.key(key.as_ref())?;
        }
        deletion.send(&self.cluster).await
    }

    pub(super) async fn delete_entry(&self, entry: EntryRef) -> Result<Outcomes<Change>> {
        let verb = self.verbs.delete;
        self.change(self.command(Command::write(verb))?.reference(entry)).await
    }

    pub(super) async fn clear(&self) -> Result<Outcomes<Change>> {
        let verb = self.verbs.clear;
        self.change(self.command(Command::write(verb))?).await
    }

    /// Adds the file or number of the set to a command.
    pub(super) fn command(&self, command: Command) -> Result<Command> {
        command.text(&self.id.to_string())
    }

    pub(super) async fn change(&self, command: Command) -> Result<Outcomes<Change>> {
        self.cluster.fan_out().change(command, StatFilter::Nothing).await
    }

    /// Returns the command that adds an entry, without the entry.
    fn addition(&self) -> Result<Command> {
        let verb = self.verbs.add;
        self.command(Command::write_once(verb))
    }
}

/// Checks that HAProxy can hold the entries of a map unchanged.
///
/// # Errors
///
/// - The errors of [`Map::add`](super::Map::add).
pub(crate) fn check_map<'a>(
    cluster: &Cluster,
    id: &str,
    entries: impl IntoIterator<Item = (&'a str, &'a str)>,
) -> Result<()> {
    let entries = entries.into_iter().map(|(key, value)| (key.into(), Some(value.into())));
    PatternSet::new(cluster, &Verbs::MAP, id)?.checked(entries).map(drop)
}

/// Checks that HAProxy can hold the patterns of an ACL unchanged.
///
/// # Errors
///
/// - The errors of [`Acl::add`](super::Acl::add).
pub(crate) fn check_acl<'a>(
    cluster: &Cluster,
    id: &str,
    patterns: impl IntoIterator<Item = &'a str>,
) -> Result<()> {
    let patterns = patterns.into_iter().map(|pattern| (pattern.into(), None));
    PatternSet::new(cluster, &Verbs::ACL, id)?.checked(patterns).map(drop)
}

/// Message for a process that could be changed, if another process could not be read.
const GIVEN_UP: &str = "nothing was sent, because another process failed";

/// Returns a command that reads; from 3.4 on it needs level admin.
fn query(verb: &str) -> Command {
    Command::read(verb).needs(Level::Admin)
}
