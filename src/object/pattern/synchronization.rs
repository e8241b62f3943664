//! Changes that bring one process from the entries that it holds to the wanted ones.

use super::PatternId;
use super::bulk::Bulk;
use super::plan::{Steps, Wanted, text_of};
use super::verbs::Verbs;
use crate::cluster::OnceJob;
use crate::error::{Error, ErrorKind, Problem, Result};
use crate::level::Level;
use crate::process::{Batch, IdentifiedConnection};
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
        let apply = self.apply(&steps, &held, connection, deadline);
        apply.await.map_err(|error| error.without_count().leaving(format!("stopped among {all} changes")))?;
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

    /// Adds entries first and deletes entries last: an entry of both lists is there at all times.
    async fn apply(
        &self,
        steps: &Steps,
        held: &[Entry<'_>],
        connection: &mut IdentifiedConnection<'_>,
        deadline: &Deadline,
    ) -> Result<()> {
        let new = self.wanted.get(steps.found..).unwrap_or_default();
        if !new.is_empty() {
            let bulk = Bulk::of(self.addition()?, new)?;
            present(bulk.additions()?.run(connection, deadline).await?)?;
        }
        let mut commands = Vec::new();
        for (from, to) in &steps.set {
            if let (Some(entry), Some((_, Some(value)))) = (held.get(*from), self.wanted.get(*to)) {
                let set = Command::write("set map").text(&self.id.to_string())?;
                commands.push(set.reference(entry.reference()).secret(value)?);
            }
        }
        let verb = self.verbs.delete;
        let delete = Command::write(verb).text(&self.id.to_string())?;
        let deleted = steps.delete.iter().filter_map(|at| held.get(*at));
        commands.extend(deleted.map(|entry| delete.clone().reference(entry.reference())));
        for batch in Batch::divide(commands)? {
            let executed = connection.execute_all(&batch, deadline).await;
            executed.answers.into_iter().try_for_each(|answer| present(answer?).map(drop))?;
            executed.ended?;
        }
        let now = present(self.read(connection, deadline).await?)?;
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

fn present<T>(response: Response<T>) -> Result<T> {
    match response {
        Response::Value(value) => Ok(value),
        Response::Absent(words) => Err(Error::new(Problem::Refused(words))),
    }
}

/// Message for a process that holds the wanted entries.
pub(super) const IN_SYNC: &str = "no difference";
