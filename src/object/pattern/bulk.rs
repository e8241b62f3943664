//! Addition of many entries to a map or an ACL with few commands.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::plan::Wanted;
use crate::cluster::{Cluster, OnceJob, Outcomes, Target};
use crate::count::counted;
use crate::error::{Error, ErrorKind, Problem, Result};
use crate::process::{Batch, Executed, IdentifiedConnection};
use crate::protocol::{Change, Command, Payload, Response, malformed};
use crate::show::stat::StatFilter;
use crate::transport::Deadline;

/// Entries, divided into commands of some length.
pub(super) struct Bulk {
    /// The command without the entry.
    base: Command,
    /// Most bytes of a command with its payload.
    longest: usize,
    /// Commands in their order, and the number of entries in each command of a list.
    commands: Vec<(Vec<Command>, usize)>,
    /// The lines of the current payload, and their number.
    payload: (String, usize),
}

impl Bulk {
    /// Commands have at most `longest` bytes. [`LONGEST`](crate::process::LONGEST) fits most processes;
    /// [`Additions::batches_for`] divides the entries anew for the others.
    pub(super) fn new(base: Command, longest: usize) -> Self {
        Self { base, longest, commands: Vec::new(), payload: (String::new(), 0) }
    }

    /// Creates a list of keys with their values, or of patterns.
    pub(super) fn of(base: Command, entries: &[Wanted], longest: usize) -> Result<Self> {
        let mut bulk = Self::new(base, longest);
        for (key, value) in entries {
            match value {
                Some(value) => bulk.pair(key, value)?,
                None => bulk.pattern(key)?,
            }
        }
        Ok(bulk)
    }

    /// Adds an entry of a map.
    ///
    /// A payload has no escapes, and a key in it ends at the first blank. An entry that a payload
    /// cannot express gets a command of its own.
    pub(super) fn pair(&mut self, key: &str, value: &str) -> Result<()> {
        let length = key.len() + value.len() + 2;
        let is_special = |byte| matches!(byte, b'\0' | b'\r' | b'\n');
        let ends_key = |byte| matches!(byte, b' ' | b'\t' | b'#') || is_special(byte);
        let is_fit = !key.is_empty() && !value.is_empty() && !value.starts_with([' ', '\t']);
        let is_long = self.base.length() + length > self.longest;
        if !is_fit || is_long || holds(key, ends_key) || holds(value, is_special) {
            self.flush()?;
            let command = self.base.clone().secret(key)?.secret(value)?;
            return self.push(command);
        }
        if self.base.length() + self.payload.0.len() + length > self.longest {
            self.flush()?;
        }
        let (lines, entries) = &mut self.payload;
        if *entries > 0 {
            lines.push('\n');
        }
        lines.extend([key, " ", value]);
        *entries += 1;
        Ok(())
    }

    /// Adds an entry of an ACL, which accepts no payload.
    pub(super) fn pattern(&mut self, pattern: &str) -> Result<()> {
        let command = self.base.clone().secret(pattern)?;
        self.push(command)
    }

    /// Sends all entries to every member, one chunk after the other.
    pub(super) async fn send(self, cluster: &Cluster) -> Result<Outcomes<Change>> {
        let base = &self.base.clone();
        let additions = &self.additions()?;
        let send = |target: Target, deadline| async move {
            if additions.batches.is_empty() {
                return Ok(Response::Value(Change::Unchanged("no entries".into())));
            }
            target.execute_once(additions, &deadline).await
        };
        cluster.fan_out().each(base, StatFilter::Nothing, send).await
    }

    /// Returns the commands, for one process or many.
    pub(super) fn additions(mut self) -> Result<Additions> {
        let batches = Arc::new(self.batches()?);
        Ok(Additions { base: self.base, longest: self.longest, batches, divided: Mutex::default() })
    }

    fn batches(&mut self) -> Result<Batches> {
        self.flush()?;
        let mut batches = Vec::new();
        for (commands, entries) in std::mem::take(&mut self.commands) {
            batches.extend(Batch::divide(commands)?.into_iter().map(|batch| (batch, entries)));
        }
        Ok(batches)
    }

    /// Makes a command of the current payload.
    fn flush(&mut self) -> Result<()> {
        let (lines, entries) = &mut self.payload;
        if *entries > 0 {
            let command = self.base.clone().payload(Payload::new(lines)?);
            self.commands.push((vec![command], *entries));
        }
        lines.clear();
        *entries = 0;
        Ok(())
    }

    /// Adds the command of one entry.
    fn push(&mut self, command: Command) -> Result<()> {
        command.check()?;
        match self.commands.last_mut().filter(|(_, entries)| *entries == 1) {
            Some((commands, _)) => commands.push(command),
            None => self.commands.push((vec![command], 1)),
        }
        Ok(())
    }
}

/// Returns `true` if a text holds one of the wanted bytes. The loop looks at all bytes, because it has no
/// branches then: entries are short, and there may be many.
fn holds(text: &str, is_wanted: impl Fn(u8) -> bool) -> bool {
    text.bytes().fold(false, |found, byte| found | is_wanted(byte))
}

/// Divides commands that change or delete existing entries into small batches.
///
/// HAProxy looks for such an entry in the whole list: in a map of 100,000 entries, 3.4 takes 0.5 ms and
/// 2.2 takes 7 ms. Between two batches it serves requests, and its answers come within the limits.
pub(super) fn divide_slow(commands: &[Command]) -> Result<Vec<Batch>> {
    const MOST: usize = 16;
    let mut batches = Vec::new();
    for few in commands.chunks(MOST) {
        batches.extend(Batch::divide(few.to_vec())?);
    }
    Ok(batches)
}

/// Batches, each with the number of entries in each of its commands.
type Batches = Vec<(Batch, usize)>;

/// The commands of one call, for processes with buffers of any size.
pub(super) struct Additions {
    /// The command without the entry.
    base: Command,
    /// Most bytes of a command with its payload in `batches`.
    longest: usize,
    batches: Arc<Batches>,
    /// Batches of commands of other lengths, by the length.
    divided: Mutex<HashMap<usize, Arc<Batches>>>,
}

impl Additions {
    /// Checks that the process executes the commands one by one.
    ///
    /// # Errors
    ///
    /// - The error of [`IdentifiedConnection::check`].
    pub(super) fn check(&self, connection: &IdentifiedConnection<'_>) -> Result<()> {
        self.batches.iter().try_for_each(|(batch, _)| connection.check(batch))
    }

    /// Returns the batches in their order, with commands that fit the buffers of the process.
    ///
    /// # Errors
    ///
    /// - The errors of [`IdentifiedConnection::longest`] and [`check`](Self::check).
    pub(super) async fn batches_for(
        &self,
        connection: &mut IdentifiedConnection<'_>,
        deadline: &Deadline,
    ) -> Result<Arc<Batches>> {
        self.check(connection)?;
        let commands = self.batches.iter().flat_map(|(batch, _)| batch.commands());
        let payloads = commands.filter_map(|command| Some(command.length() + command.payload_text()?.len()));
        let (count, wanted) = payloads.fold((0, 0), |(count, most), length| (count + 1, most.max(length)));
        let longest = connection.longest(wanted, deadline).await?;
        if wanted <= longest && (count < 2 || longest <= self.longest) {
            return Ok(Arc::clone(&self.batches));
        }
        let batches = self.divided(longest)?;
        batches.iter().try_for_each(|(batch, _)| connection.check(batch))?;
        Ok(batches)
    }

    /// Returns the batches with commands of at most `longest` bytes.
    fn divided(&self, longest: usize) -> Result<Arc<Batches>> {
        if let Some(batches) = self.lengths().get(&longest) {
            return Ok(Arc::clone(batches));
        }
        let mut bulk = Bulk::new(self.base.clone(), longest);
        for command in self.batches.iter().flat_map(|(batch, _)| batch.commands()) {
            let Some(lines) = command.payload_text() else {
                bulk.flush()?;
                bulk.push(command.clone())?;
                continue;
            };
            for line in lines.split('\n') {
                // `pair` has made each line of a key, a blank and a value.
                let (key, value) = line.split_once(' ').unwrap_or((line, ""));
                bulk.pair(key, value)?;
            }
        }
        let batches = Arc::new(bulk.batches()?);
        // A task on another thread may have divided them meanwhile, in the same way.
        Ok(Arc::clone(self.lengths().entry(longest).or_insert(batches)))
    }

    fn lengths(&self) -> MutexGuard<'_, HashMap<usize, Arc<Batches>>> {
        // The map is consistent after every statement, so a poisoned lock does no harm.
        self.divided.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl OnceJob for Additions {
    type Answer = Change;

    async fn run(
        &self,
        connection: &mut IdentifiedConnection<'_>,
        deadline: &Deadline,
    ) -> Result<Response<Change>> {
        let batches = &*self.batches_for(connection, deadline).await?;
        let all: usize = batches.iter().map(|(batch, entries)| batch.len() * entries).sum();
        let mut done = 0;
        for (batch, entries) in batches {
            let Executed { answers, ended } = connection.execute_all(batch, deadline).await;
            let mut failed = None;
            for answer in answers {
                match answer {
                    Ok(Response::Value(_)) => done += entries,
                    // HAProxy may still execute the commands after a refused one.
                    other => failed = failed.or(Some(other)),
                }
            }
            match (ended, failed) {
                (Ok(()), None) => {}
                (Err(error), None) if done == 0 => return Err(error),
                (Err(error), _) => return Err(error.after(done, all)),
                (Ok(()), Some(Ok(Response::Absent(words)))) if done == 0 => {
                    return Ok(Response::Absent(words));
                }
                (Ok(()), Some(Ok(Response::Absent(words)))) => {
                    return Err(Error::new(Problem::Refused(words)).after(done, all));
                }
                // If one of several entries of a command is refused, the entries before it were added.
                (Ok(()), Some(Err(error)))
                    if done > 0 || *entries > 1 && error.kind() == ErrorKind::Refused =>
                {
                    return Err(error.after(done, all));
                }
                (Ok(()), Some(Err(error))) => return Err(error),
                (Ok(()), Some(Ok(_))) => return Err(Error::new(malformed("a message", b""))),
            }
        }
        let words = counted(all, "entry", "entries");
        Ok(Response::Value(Change::Changed(Some(words.into()))))
    }
}
