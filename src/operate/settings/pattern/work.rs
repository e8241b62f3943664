//! Restoring the entries of the maps and ACLs of one process.

use std::collections::HashMap;

use super::plan::{Terms, plan, plan_without};
use super::restoration::PatternRestoration;
use super::setting::{PatternSettings, ProcessPatterns};
use crate::cluster::{Identity, OnceJob};
use crate::count::counted;
use crate::error::{Error, Problem, Result};
use crate::object::{Edit, PatternId, PatternKind};
use crate::process::IdentifiedConnection;
use crate::protocol::Response;
use crate::show::PatternInfo;
use crate::transport::Deadline;

/// The remembered entries of one process.
pub(in super::super) struct Restoring<'a> {
    pub(in super::super) patterns: &'a ProcessPatterns,
    /// Process ID and start time of the process.
    pub(in super::super) incarnation: (u64, u64),
    /// `true` if differences from files count that were changed after the start of the process.
    pub(in super::super) with_changed_files: bool,
    /// `true` if nothing is changed.
    pub(in super::super) is_plan: bool,
}

impl OnceJob for Restoring<'_> {
    type Answer = (Identity, Vec<PatternRestoration>);

    async fn run(
        &self,
        connection: &mut IdentifiedConnection<'_>,
        deadline: &Deadline,
    ) -> Result<Response<Self::Answer>> {
        if connection.info.is_stopping() {
            return Ok(Response::Absent("the process is stopping".into()));
        }
        let identity = Identity::of_connection(connection)?;
        let (pid, started_at) = self.incarnation;
        let is_same = identity.may_be(pid, started_at);
        let terms = Terms { is_same, with_changed_files: self.with_changed_files };
        let held = held(connection, deadline).await?;
        let (mut lists, mut made, mut failed) = (Vec::new(), 0, None);
        for list in self.patterns.remembered() {
            let Some(id) = held.get(&(list.kind, list.file.clone())) else {
                lists.push(plan_without(list));
                continue;
            };
            match self.list(list, id, terms, connection, deadline).await? {
                Done { plan, error: None, .. } => {
                    made += plan.changes.len();
                    lists.push(plan);
                }
                Done { made: some, error: Some(error), .. } => {
                    made += some;
                    failed.get_or_insert(error);
                }
            }
        }
        match failed {
            None => Ok(Response::Value((identity, lists))),
            Some(error) if made == 0 => Err(error),
            Some(error) => Err(error.leaving(format!("{} were made", count(made)))),
        }
    }
}

/// The result of one list.
struct Done {
    plan: PatternRestoration,
    /// Number of changes that the process shows.
    made: usize,
    /// Cause if it does not show all of them.
    error: Option<Error>,
}

impl Restoring<'_> {
    /// Restores one list, and reads it back. Entries that are missing then are sent one by one, because
    /// HAProxy reads no entry of a payload behind one that it refuses.
    async fn list(
        &self,
        list: &PatternSettings,
        id: &PatternId,
        terms: Terms,
        connection: &mut IdentifiedConnection<'_>,
        deadline: &Deadline,
    ) -> Result<Done> {
        let (mut edit, plan) = look(list, id, terms, connection, deadline).await?;
        let all = plan.changes.len();
        if all == 0 || self.is_plan {
            return Ok(Done { plan, made: 0, error: None });
        }
        let stopped = |error: Error| error.without_count().leaving(format!("stopped among {all} changes"));
        let mut refused = None;
        for is_single in [false, true] {
            let sent = edit.apply(is_single, connection, deadline).await;
            refused = refused.or(sent.map_err(stopped)?);
            let rest;
            (edit, rest) = look(list, id, terms, connection, deadline).await.map_err(stopped)?;
            match rest.changes.len() {
                0 => return Ok(Done { plan, made: all, error: None }),
                missing if is_single => {
                    let not_kept = || {
                        let words = format!("the process does not keep {}", count(missing));
                        Error::new(Problem::Refused(words.into())).during(edit.show().redacted())
                    };
                    let error = Some(refused.unwrap_or_else(not_kept));
                    return Ok(Done { plan, made: all.saturating_sub(missing), error });
                }
                _ => {}
            }
        }
        Ok(Done { plan, made: all, error: None })
    }
}

/// Reads a list, and plans its changes.
async fn look(
    list: &PatternSettings,
    id: &PatternId,
    terms: Terms,
    connection: &mut IdentifiedConnection<'_>,
    deadline: &Deadline,
) -> Result<(Edit, PatternRestoration)> {
    let mut edit = Edit::new(list.kind, id)?;
    let shown = edit.held(connection, deadline).await?;
    let plan = plan(list, &shown, terms, &mut edit, connection);
    Ok((edit, plan))
}

/// Returns the maps and ACLs of the process, by their files.
async fn held(
    connection: &mut IdentifiedConnection<'_>,
    deadline: &Deadline,
) -> Result<HashMap<(PatternKind, Box<str>), PatternId>> {
    let mut held = HashMap::new();
    for kind in [PatternKind::Map, PatternKind::Acl] {
        let command = kind.list();
        let Response::Value(printed) = connection.ask(&command, deadline).await? else { continue };
        for info in PatternInfo::read(&String::from_utf8_lossy(&printed))? {
            if let Some(file) = info.file {
                let id = PatternId::file(&file).unwrap_or(PatternId::number(info.number));
                held.insert((kind, file), id);
            }
        }
    }
    Ok(held)
}

fn count(changes: usize) -> String {
    counted(changes, "change of an entry", "changes of entries")
}
