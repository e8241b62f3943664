//! Restoring the settings of one process.

use super::plan::plan;
use super::reading::{Found, Scope, read};
use super::restoration::{Restoration, SettingChange};
use super::terms::Restore;
use crate::cluster::{Identity, OnceJob, Target};
use crate::error::{Error, ErrorKind, Problem, Result};
use crate::process::IdentifiedConnection;
use crate::protocol::Response;
use crate::transport::Deadline;

/// Plans the changes of one process.
pub(super) async fn look(
    target: &Target,
    restore: &Restore<'_>,
    deadline: &Deadline,
) -> Result<Response<(Found, Restoration)>> {
    let remembered = restore.settings.of(target.host(), target.member.address(), target.label());
    let Some(remembered) = remembered else {
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

/// Restores the settings of one process, and reads them back. If another process takes its place
/// meanwhile, through a reload, the settings of the new process are restored.
pub(super) async fn restore(
    target: &Target,
    restore: &Restore<'_>,
    deadline: &Deadline,
) -> Result<Response<Restoration>> {
    let mut done: Option<(Identity, Restoration)> = None;
    loop {
        let looked = look(target, restore, deadline).await;
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
            return Ok(Response::Value(before.map_or(plan, |(_, sent)| sent)));
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
    match changes.len() {
        1 => "1 change".to_owned(),
        changes => format!("{changes} changes"),
    }
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
