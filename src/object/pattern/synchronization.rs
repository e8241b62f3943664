//! Changes that bring one process from the entries that it holds to the wanted ones.

mod edit;

pub(crate) use edit::Edit;

use std::collections::HashSet;

use super::PatternId;
use super::bulk::{Additions, Bulk, divide_slow};
use super::plan::{Steps, Wanted, text_of};
use super::verbs::Verbs;
use crate::cluster::OnceJob;
use crate::error::{Error, ErrorKind, Result};
use crate::level::Level;
use crate::process::{Batch, IdentifiedConnection, LONGEST};
use crate::protocol::{Change, Command, Response};
use crate::show::{Entries, Entry};
use crate::transport::Deadline;

/// The wanted entries of a map or an ACL.
///
/// The entries are read and changed on one connection, because the references of entries are valid
/// in one process only.
pub(super) struct Synchronization<'a> {
    pub(super) verbs: &'static Verbs,
    pub(super) id: &'a PatternId,
    pub(super) wanted: &'a [Wanted],
}

/// The commands that change one process.
struct Changes {
    /// `None` if no entry is added.
    additions: Option<Additions>,
    /// Commands that set values and delete entries, in this order.
    others: Vec<Batch>,
}

impl Changes {
    /// Checks that the process executes the commands one by one, and that they fit its buffers.
    ///
    /// # Errors
    ///
    /// - The errors of [`Additions::batches_for`].
    async fn check(&self, connection: &mut IdentifiedConnection<'_>, deadline: &Deadline) -> Result<()> {
        if let Some(additions) = &self.additions {
            additions.batches_for(connection, deadline).await?;
        }
        self.others.iter().try_for_each(|batch| connection.check(batch))
    }
}

impl OnceJob for Synchronization<'_> {
    type Answer = Change;

    async fn run(
        &self,
        connection: &mut IdentifiedConnection<'_>,
        deadline: &Deadline,
    ) -> Result<Response<Change>> {
        let held = match self.read(connection, deadline).await? {
            Response::Value(held) => held,
            Response::Absent(words) => return Ok(Response::Absent(words)),
        };
        let held: Vec<_> = held.iter().collect();
        let steps = Steps::new(&held, self.wanted);
        let added = self.wanted.len() - steps.found;
        let all = added + steps.set.len() + steps.delete.len();
        if all == 0 {
            return Ok(Response::Value(Change::Unchanged(IN_SYNC.into())));
        }
        // Entries are added first and deleted last: an entry of both lists is there at all times.
        let changes = self.changes(&steps, &held)?;
        changes.check(connection, deadline).await?;
        let stopped = |error: Error| error.without_count().leaving(format!("stopped among {all} changes"));
        if let Err(error) = self.add(&changes, connection, deadline).await {
            // HAProxy executes the commands behind a refused one, so that each further call would add them again.
            return Err(match self.take_back(&held, connection, deadline).await {
                Ok(()) => error.without_count(),
                Err(_) => stopped(error),
            });
        }
        self.finish(&changes, connection, deadline).await.map_err(stopped)?;
        let words = format!("{added} added, {} changed, {} deleted", steps.set.len(), steps.delete.len());
        Ok(Response::Value(Change::Changed(Some(words.into()))))
    }
}

impl Synchronization<'_> {
    /// Returns the command that adds an entry, without the entry.
    pub(super) fn addition(&self) -> Result<Command> {
        let verb = self.verbs.add;
        Command::write_once(verb).text(&self.id.to_string())
    }

    /// Returns the commands of all changes. An entry that no command expresses fails here, before
    /// the first command is sent.
    fn changes(&self, steps: &Steps, held: &[Entry<'_>]) -> Result<Changes> {
        let new = self.wanted.get(steps.found..).unwrap_or_default();
        let additions = Bulk::of(self.addition()?, new, LONGEST)?.additions()?;
        let set = Command::write("set map").text(&self.id.to_string())?;
        let mut commands = Vec::new();
        for (from, to) in &steps.set {
            if let (Some(entry), Some((_, Some(value)))) = (held.get(*from), self.wanted.get(*to)) {
                commands.push(set.clone().reference(entry.reference()).secret(value)?);
            }
        }
        commands.extend(self.deletions(steps.delete.iter().filter_map(|at| held.get(*at)))?);
        Ok(Changes { additions: (!new.is_empty()).then_some(additions), others: divide_slow(&commands)? })
    }

    fn deletions<'e>(&self, entries: impl Iterator<Item = &'e Entry<'e>>) -> Result<Vec<Command>> {
        let verb = self.verbs.delete;
        let delete = Command::write(verb).text(&self.id.to_string())?;
        Ok(entries.map(|entry| delete.clone().reference(entry.reference())).collect())
    }

    async fn add(
        &self,
        changes: &Changes,
        connection: &mut IdentifiedConnection<'_>,
        deadline: &Deadline,
    ) -> Result<()> {
        if let Some(additions) = &changes.additions {
            additions.run(connection, deadline).await?.still_present().map_err(Error::new)?;
        }
        Ok(())
    }

    /// Deletes the wanted entries behind those that the process held before.
    async fn take_back(
        &self,
        held: &[Entry<'_>],
        connection: &mut IdentifiedConnection<'_>,
        deadline: &Deadline,
    ) -> Result<()> {
        let now = self.read(connection, deadline).await?.still_present().map_err(Error::new)?;
        let now: Vec<_> = now.iter().collect();
        let (before, added) = now.split_at_checked(held.len()).unwrap_or((&now, &[]));
        if !before.iter().map(Entry::as_bytes).eq(held.iter().map(Entry::as_bytes)) {
            return Err(Error::from_kind(ErrorKind::Refused, "another client has changed the entries"));
        }
        // Another client may have added entries in the same moment.
        let wanted: HashSet<_> = self.wanted.iter().map(text_of).collect();
        let deletions = self.deletions(added.iter().filter(|entry| wanted.contains(entry.as_bytes())))?;
        execute(&divide_slow(&deletions)?, connection, deadline).await
    }

    /// Sets values and deletes entries, and reads all of them back.
    async fn finish(
        &self,
        changes: &Changes,
        connection: &mut IdentifiedConnection<'_>,
        deadline: &Deadline,
    ) -> Result<()> {
        execute(&changes.others, connection, deadline).await?;
        let now = self.read(connection, deadline).await?.still_present().map_err(Error::new)?;
        let wanted = self.wanted.iter().map(text_of);
        if now.len() != self.wanted.len()
            || !now.iter().zip(wanted).all(|(now, text)| now.as_bytes() == &*text)
        {
            let text = "afterwards the process held other entries than the wanted ones";
            return Err(Error::from_kind(ErrorKind::Refused, text));
        }
        Ok(())
    }

    async fn read(
        &self,
        connection: &mut IdentifiedConnection<'_>,
        deadline: &Deadline,
    ) -> Result<Response<Entries>> {
        let verb = self.verbs.show;
        let show = Command::read(verb).needs(Level::Admin).text(&self.id.to_string())?;
        Ok(match connection.dump(&show, deadline).await? {
            Response::Value(printed) => Response::Value(Entries::read(printed)?),
            Response::Absent(words) => Response::Absent(words),
        })
    }
}

/// Executes commands, and stops at the first failure.
async fn execute(
    batches: &[Batch],
    connection: &mut IdentifiedConnection<'_>,
    deadline: &Deadline,
) -> Result<()> {
    for batch in batches {
        let executed = connection.execute_all(batch, deadline).await;
        for answer in executed.answers {
            answer?.still_present().map_err(Error::new)?;
        }
        executed.ended?;
    }
    Ok(())
}

/// Message for a process that holds the wanted entries.
pub(super) const IN_SYNC: &str = "no difference";
