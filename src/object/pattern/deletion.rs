//! Deletion of many keys of a map or patterns of an ACL on one connection.

use std::collections::HashSet;

use super::bulk::divide_slow;
use crate::cluster::{Cluster, OnceJob, Outcomes, Target};
use crate::count::counted;
use crate::error::{Error, Problem, Result};
use crate::process::{Executed, IdentifiedConnection};
use crate::protocol::{Change, Command, Response};
use crate::show::Info;
use crate::show::stat::StatFilter;
use crate::transport::Deadline;
use crate::version::Version;

/// Keys to delete, one command for each.
pub(super) struct Deletion {
    /// The command without the key.
    base: Command,
    commands: Vec<Command>,
    keys: HashSet<Box<str>>,
}

impl Deletion {
    pub(super) fn new(base: Command) -> Self {
        Self { base, commands: Vec::new(), keys: HashSet::new() }
    }

    /// Adds a key, unless it was added before.
    pub(super) fn key(&mut self, key: &str) -> Result<()> {
        let command = self.base.clone().key(key)?;
        command.check()?;
        if self.keys.insert(key.into()) {
            self.commands.push(command);
        }
        Ok(())
    }

    /// Sends all commands to every member.
    pub(super) async fn send(self, cluster: &Cluster) -> Result<Outcomes<Change>> {
        let job = &self;
        let send = |target: Target, deadline| async move {
            if job.commands.is_empty() {
                return Ok(Response::Value(Change::Unchanged("no keys".into())));
            }
            target.execute_once(job, &deadline).await
        };
        cluster.fan_out().each(&self.base, StatFilter::Nothing, send).await
    }
}

impl OnceJob for Deletion {
    type Answer = Change;

    /// Deletes all entries of each key.
    ///
    /// HAProxy 3.4 deletes one of several entries of a key. There, each key that was found is sent
    /// again, until HAProxy finds none of them.
    async fn run(
        &self,
        connection: &mut IdentifiedConnection<'_>,
        deadline: &Deadline,
    ) -> Result<Response<Change>> {
        let all = self.commands.len();
        let is_once_enough = deletes_all_of_a_key(&connection.info);
        let mut round = self.commands.clone();
        let (mut deleted, mut is_first) = (0, true);
        // The number of keys that have no entry any more.
        let mut gone = 0;
        while !round.is_empty() {
            let mut found = Vec::new();
            for batch in divide_slow(&round)? {
                let Executed { answers, ended } = connection.execute_all(&batch, deadline).await;
                let mut failed = None;
                for (command, answer) in batch.commands().iter().zip(answers) {
                    match answer {
                        Ok(Response::Value(_)) => {
                            deleted += usize::from(is_first);
                            gone += usize::from(is_once_enough);
                            found.push(command.clone());
                        }
                        Ok(Response::Absent(words)) if &*words == KEY_ABSENT => gone += 1,
                        Ok(Response::Absent(words)) => failed = failed.or(Some(Ok(words))),
                        Err(error) => failed = failed.or(Some(Err(error))),
                    }
                }
                match (ended, failed) {
                    (Ok(()), None) => {}
                    (Ok(()), Some(Ok(words))) if deleted == 0 => return Ok(Response::Absent(words)),
                    (Ok(()), Some(Ok(words))) => {
                        return Err(Error::new(Problem::Refused(words)).after(gone, all));
                    }
                    (Err(error), _) | (Ok(()), Some(Err(error))) if deleted == 0 => return Err(error),
                    (Err(error), _) | (Ok(()), Some(Err(error))) => return Err(error.after(gone, all)),
                }
            }
            round = if is_once_enough { Vec::new() } else { found };
            is_first = false;
        }
        let words = format!("{deleted} of {}", counted(all, "key", "keys")).into();
        Ok(Response::Value(if deleted > 0 { Change::Changed(Some(words)) } else { Change::Unchanged(words) }))
    }
}

/// Returns `true` if the release deletes all entries of a key at once: 3.2 does, and 3.4 does not.
fn deletes_all_of_a_key(info: &Info) -> bool {
    info.version().is_some_and(|version| Version::parse(version) < (3, 3))
}

/// Message of every release for a key or pattern without an entry.
const KEY_ABSENT: &str = "Key not found.";
