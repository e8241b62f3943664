//! Restoring the settings of one process.

use super::pattern::{PatternRestoration, Restoring};
use super::plan::plan;
use super::reading::{Found, Scope, read};
use super::remembered::ProcessSettings;
use super::restoration::{Restoration, SettingChange};
use super::terms::Restore;
use crate::cluster::{Identity, OnceJob, Target};
use crate::count::counted;
use crate::error::{Error, ErrorKind, Problem, Result};
use crate::process::IdentifiedConnection;
use crate::protocol::Response;
use crate::transport::Deadline;

/// Restores the settings of one process. If another process takes its place meanwhile, through a reload,
/// the settings of the new process are restored.
pub(super) async fn restore(
    target: &Target,
    restore: &Restore<'_>,
    deadline: &Deadline,
) -> Result<Response<Restoration>> {
    loop {
        let (identity, mut restored) = match restore_servers(target, restore, deadline).await {
            Ok(Response::Value(restored)) => restored,
            Ok(Response::Absent(words)) => return Ok(Response::Absent(words)),
            Err(error) if is_refusal(&error) => {
                // It concerns servers only.
                let patterns = restore_patterns(target, restore, false, deadline).await;
                return Err(with_patterns(error, patterns));
            }
            Err(error) => return Err(error),
        };
        let after = |error: Error| match restored.changes.len() {
            0 => error,
            _ => error.leaving(format!("{} of servers were made before", count(&restored.changes))),
        };
        match restore_patterns(target, restore, false, deadline).await.map_err(after)? {
            Response::Value(Some((told, lists))) if told.fits(&identity) => restored.patterns = lists,
            Response::Value(Some(_)) => continue,
            Response::Value(None) => {}
            Response::Absent(words) => return Ok(Response::Absent(words)),
        }
        return Ok(Response::Value(restored));
    }
}

/// Returns the changes that one process needs.
pub(super) async fn look(
    target: &Target,
    restore: &Restore<'_>,
    deadline: &Deadline,
) -> Result<Response<Restoration>> {
    loop {
        let (now, mut plan) = match look_at_servers(target, restore, deadline).await? {
            Response::Value(looked) => looked,
            Response::Absent(words) => return Ok(Response::Absent(words)),
        };
        match restore_patterns(target, restore, true, deadline).await? {
            Response::Value(Some((told, lists))) if told.fits(&now.identity) => plan.patterns = lists,
            Response::Value(Some(_)) => continue,
            Response::Value(None) => {}
            Response::Absent(words) => return Ok(Response::Absent(words)),
        }
        return Ok(Response::Value(plan));
    }
}

/// Adds the outcome of the maps and ACLs to the error of the servers.
fn with_patterns(error: Error, patterns: Result<Response<Option<Patterns>>>) -> Error {
    match patterns {
        Ok(Response::Value(Some((_, lists)))) if !lists.iter().all(PatternRestoration::is_empty) => {
            error.leaving("the entries of maps and ACLs were restored")
        }
        Ok(_) => error,
        Err(other) => {
            let kind = match other.kind() {
                kind @ (ErrorKind::PartiallyApplied | ErrorKind::OutcomeUnknown) => kind,
                _ => error.kind(),
            };
            let text = format!("{}; maps and ACLs: {}", error.reason(), other.reason_in(""));
            let both = Error::from_kind(kind, text);
            match error.command() {
                Some(command) => both.with_command(command),
                None => both,
            }
        }
    }
}

/// Returns `true` if the process goes on to answer.
fn is_refusal(error: &Error) -> bool {
    matches!(error.kind(), ErrorKind::Refused | ErrorKind::PartiallyApplied | ErrorKind::Unsupported)
}

/// Finds the remembered settings of a process.
fn remembered<'a>(target: &Target, restore: &'a Restore<'_>) -> Option<&'a ProcessSettings> {
    restore.settings.of(target.host(), target.member.address(), target.label())
}

/// The maps and ACLs of a process.
type Patterns = (Identity, Vec<PatternRestoration>);

/// Restores the entries of maps and ACLs, or plans it. Returns `None` without asking the process if none were
/// remembered.
async fn restore_patterns(
    target: &Target,
    restore: &Restore<'_>,
    is_plan: bool,
    deadline: &Deadline,
) -> Result<Response<Option<Patterns>>> {
    let remembered = remembered(target, restore);
    let with_patterns = remembered.and_then(|process| Some((process, process.patterns.as_ref()?)));
    let Some((process, patterns)) =
        with_patterns.filter(|(_, patterns)| patterns.remembered().next().is_some())
    else {
        return Ok(Response::Value(None));
    };
    let incarnation = (process.pid, process.started_at);
    let with_changed_files = restore.changed_files;
    let job = Restoring { patterns, incarnation, with_changed_files, is_plan };
    Ok(match target.execute_once(&job, deadline).await? {
        Response::Value(done) => Response::Value(Some(done)),
        Response::Absent(words) => Response::Absent(words),
    })
}

/// Plans the changes of the servers of one process.
async fn look_at_servers(
    target: &Target,
    restore: &Restore<'_>,
    deadline: &Deadline,
) -> Result<Response<(Found, Restoration)>> {
    let Some(remembered) = remembered(target, restore) else {
        return Ok(Response::Absent("no settings of this process were remembered".into()));
    };
    let now = match read(target, &Scope::All, deadline).await? {
        Response::Value(now) if now.is_stopping => {
            return Ok(Response::Absent("the process is stopping".into()));
        }
        Response::Value(now) => now,
        Response::Absent(words) => return Ok(Response::Absent(words)),
    };
    let plan = plan(remembered, &now, restore)?;
    Ok(Response::Value((now, plan)))
}

/// Restores the settings of the servers of one process, and reads them back.
async fn restore_servers(
    target: &Target,
    restore: &Restore<'_>,
    deadline: &Deadline,
) -> Result<Response<(Identity, Restoration)>> {
    let mut done: Option<(Identity, Restoration)> = None;
    loop {
        let looked = look_at_servers(target, restore, deadline).await;
        let unread = |error: Error| match &done {
            Some((_, plan)) => {
                error.leaving(format!("{} were sent, and not read back", count(&plan.changes)))
            }
            None => error,
        };
        let (now, plan) = match looked.map_err(unread)? {
            Response::Value(looked) => looked,
            Response::Absent(words) => return Ok(Response::Absent(words)),
        };
        let before = done.take().filter(|(told, _)| told.fits(&now.identity));
        if plan.is_empty() {
            let restored = before.map_or(plan, |(_, sent)| sent);
            return Ok(Response::Value((now.identity, restored)));
        }
        let mut sent = before.map(|(_, sent)| sent).unwrap_or_default();
        if let Some(again) = plan.changes.iter().find(|change| sent.has(change)) {
            return Err(not_kept(again, &sent));
        }
        let sending = Sending { identity: &now.identity, changes: &plan.changes };
        let after = |error: Error| match sent.changes.as_slice() {
            [] => error,
            _ if error.kind() == ErrorKind::PartiallyApplied => error,
            changes => error.leaving(format!("{} were made before", count(changes))),
        };
        match target.execute_once(&sending, deadline).await.map_err(after)? {
            Response::Value(Sent::All) => {
                sent.changes.extend(plan.changes);
                // Later plans do not know which servers were added.
                if sent.left.is_empty() {
                    sent.left = plan.left;
                }
                done = Some((now.identity, sent));
            }
            Response::Value(Sent::Replaced) => {}
            Response::Absent(words) => return Ok(Response::Absent(words)),
        }
    }
}

/// Returns the error of a process that needs a change again which it has executed.
fn not_kept(change: &SettingChange, sent: &Restoration) -> Error {
    let words = format!("the process does not keep it: {change}").into();
    let error = Error::new(Problem::Refused(words)).during(change.command.redacted());
    error.leaving(format!("{} were sent", count(&sent.changes)))
}

fn count(changes: &[SettingChange]) -> String {
    counted(changes.len(), "change", "changes")
}

/// Changes of one process, one after the other.
struct Sending<'a> {
    identity: &'a Identity,
    changes: &'a [SettingChange],
}

/// The answer of a process to the changes.
enum Sent {
    All,
    /// Another process answers, for which the changes were not planned. Nothing was sent to it.
    Replaced,
}

impl OnceJob for Sending<'_> {
    type Answer = Sent;

    async fn run(
        &self,
        connection: &mut IdentifiedConnection<'_>,
        deadline: &Deadline,
    ) -> Result<Response<Sent>> {
        if !Identity::of_connection(connection)?.fits(self.identity) {
            return Ok(Response::Value(Sent::Replaced));
        }
        let (mut done, mut refused) = (0, Refused::default());
        for change in self.changes {
            // The next change of the server may be the one that puts it into traffic.
            if refused.concerns(change) {
                continue;
            }
            match connection.execute(&change.command, deadline).await {
                Ok(Response::Value(_)) => done += 1,
                Ok(Response::Absent(words)) => {
                    let error = Error::new(Problem::Refused(words)).during(change.command.redacted());
                    refused.add(change, error);
                }
                Err(error) if error.refusal().is_some() || error.kind() == ErrorKind::Unsupported => {
                    refused.add(change, error);
                }
                Err(error) => return Err(left_after(error, done, self.changes.len())),
            }
        }
        match refused.error {
            Some(error) => Err(left_after(error, done, self.changes.len())),
            None => Ok(Response::Value(Sent::All)),
        }
    }
}

/// The servers with a change that HAProxy has refused.
#[derive(Default)]
struct Refused<'a> {
    servers: Vec<&'a SettingChange>,
    /// The first refusal.
    error: Option<Error>,
}

impl<'a> Refused<'a> {
    fn concerns(&self, change: &SettingChange) -> bool {
        self.servers.iter().any(|other| other.is_of_server_of(change))
    }

    fn add(&mut self, change: &'a SettingChange, error: Error) {
        self.servers.push(change);
        self.error.get_or_insert(error);
    }
}

/// States how many changes were made, if any were.
fn left_after(error: Error, done: usize, all: usize) -> Error {
    match done {
        0 => error,
        _ => error.leaving(format!("{done} of {all} changes were made")),
    }
}
