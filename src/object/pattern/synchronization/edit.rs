//! Changes of single entries of a map or an ACL in one process, by their keys.

use std::slice::from_ref;

use super::super::bulk::{Bulk, divide_slow};
use super::super::plan::{Wanted, can_be_set};
use super::super::{PatternId, PatternKind};
use crate::error::{Error, Problem, Result};
use crate::process::{Batch, IdentifiedConnection, LONGEST};
use crate::protocol::{Command, EntryRef};
use crate::show::Entries;
use crate::transport::Deadline;

/// Changes of entries of one map or ACL, on one connection.
///
/// Unlike a synchronization, it leaves all other entries and their order as they are.
pub(crate) struct Edit {
    /// The commands without an entry.
    show: Command,
    add: Command,
    set: Command,
    delete: Command,
    added: Vec<Wanted>,
    /// Commands that set values and delete entries.
    others: Vec<Command>,
}

impl Edit {
    pub(crate) fn new(kind: PatternKind, id: &PatternId) -> Result<Self> {
        let verbs = kind.verbs();
        let text = id.to_string();
        let verb = verbs.add;
        let add = Command::write_once(verb).text(&text)?;
        let verb = verbs.delete;
        let delete = Command::write_once(verb).text(&text)?;
        Ok(Self {
            show: kind.show(id)?,
            add,
            set: Command::write("set map").text(&text)?,
            delete,
            added: Vec::new(),
            others: Vec::new(),
        })
    }

    /// Adds an entry: a key with its value, or a pattern.
    ///
    /// # Errors
    ///
    /// - `InvalidInput` if no command expresses the entry. The edit stays as it is.
    pub(crate) fn add(
        &mut self,
        key: &str,
        value: Option<&str>,
        connection: &IdentifiedConnection<'_>,
    ) -> Result<()> {
        let entry: Wanted = (key.into(), value.map(Into::into));
        Bulk::of(self.add.clone(), from_ref(&entry), LONGEST)?.additions()?.check(connection)?;
        self.added.push(entry);
        Ok(())
    }

    /// Sets the value of all entries of a key, which are the `held` ones.
    ///
    /// # Errors
    ///
    /// - `InvalidInput` if no command expresses the value. The edit stays as it is.
    pub(crate) fn set(
        &mut self,
        key: &str,
        held: &[EntryRef],
        value: &str,
        connection: &IdentifiedConnection<'_>,
    ) -> Result<()> {
        if !can_be_set(value) {
            return Err(Error::invalid("a value that `set map` cannot express").during(self.set.redacted()));
        }
        let commands = addressed(&self.set, key, held, |command| command.secret(value), connection)?;
        self.others.extend(commands);
        Ok(())
    }

    /// Deletes all entries of a key or a pattern, which are the `held` ones.
    ///
    /// # Errors
    ///
    /// - `InvalidInput` if no command expresses it. The edit stays as it is.
    pub(crate) fn delete(
        &mut self,
        key: &str,
        held: &[EntryRef],
        connection: &IdentifiedConnection<'_>,
    ) -> Result<()> {
        let commands = addressed(&self.delete, key, held, Ok, connection)?;
        self.others.extend(commands);
        Ok(())
    }

    /// Returns the query for the entries.
    pub(crate) fn show(&self) -> &Command {
        &self.show
    }

    /// Reads the entries.
    pub(crate) async fn held(
        &self,
        connection: &mut IdentifiedConnection<'_>,
        deadline: &Deadline,
    ) -> Result<Entries> {
        let printed = connection.dump(&self.show, deadline).await?.still_present();
        let context = |problem: Problem| Error::new(problem).during(self.show.redacted());
        Ok(Entries::read(printed.map_err(context)?)?)
    }

    /// Sends all changes. Returns the first refusal, if any, after all were sent. If HAProxy refuses an
    /// entry of a payload, it does not read the entries behind it; `is_single` sends each by itself.
    pub(crate) async fn apply(
        &self,
        is_single: bool,
        connection: &mut IdentifiedConnection<'_>,
        deadline: &Deadline,
    ) -> Result<Option<Error>> {
        let mut additions = Vec::new();
        for entries in self.added.chunks(if is_single { 1 } else { self.added.len().max(1) }) {
            let entries = Bulk::of(self.add.clone(), entries, LONGEST)?.additions()?;
            additions.push(entries.batches_for(connection, deadline).await?);
        }
        let others = divide_slow(&self.others)?;
        let mut batches: Vec<&Batch> = Vec::new();
        for additions in &additions {
            batches.extend(additions.iter().map(|(batch, _)| batch));
        }
        batches.extend(&others);
        let mut refused = None;
        for batch in batches {
            let executed = connection.execute_all(batch, deadline).await;
            for (command, answer) in batch.commands().iter().zip(executed.answers) {
                let refusal = match answer {
                    Ok(answer) => answer.still_present().map_err(Error::new),
                    Err(error) if error.is_unknown() => return Err(error),
                    Err(error) => Err(error),
                };
                if let (Err(error), None) = (refusal, &refused) {
                    refused = Some(error.during(command.redacted()));
                }
            }
            executed.ended?;
        }
        Ok(refused)
    }
}

/// Returns the commands that concern the entries of a key. A single entry is named by its key, because
/// HAProxy 3.0 and later find it at once. Several entries, and a key that no command expresses, are named
/// by their references.
fn addressed(
    base: &Command,
    key: &str,
    held: &[EntryRef],
    complete: impl Fn(Command) -> Result<Command>,
    connection: &IdentifiedConnection<'_>,
) -> Result<Vec<Command>> {
    let checked = |command: Command| {
        connection.check(&Batch::new(vec![command.clone()])?)?;
        command.check()?;
        Ok(command)
    };
    if let [_] = held {
        if let Ok(command) = base.clone().key(key).and_then(&complete).and_then(checked) {
            return Ok(vec![command]);
        }
    }
    held.iter().map(|entry| complete(base.clone().reference(*entry)).and_then(checked)).collect()
}
