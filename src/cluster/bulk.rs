//! Adding many entries to a map or an ACL with few commands.

use super::Cluster;
use super::outcome::{Outcomes, Presence};
use super::target::Target;
use crate::error::{Error, ErrorKind, Problem, Result};
use crate::model::Scope;
use crate::protocol::{Answer, Change, Command};
use crate::transport::{self, Deadline};

/// Entries, cut into commands that every release takes.
pub(super) struct Bulk {
    /// The command, up to the entry.
    base: Command,
    chunks: Vec<Chunk>,
    /// The lines of the payload under way, and how many they are.
    payload: (String, usize),
}

/// One command line.
struct Chunk {
    command: Command,
    entries: usize,
    /// Whether each entry is a command of its own on the line, with its own reply.
    joined: bool,
}

/// Bytes of a line with its payload. Releases before 3.4 take 15,360, and half of
/// that where `tune.bufsize` is half of its default; longer ones save little.
const LONGEST: usize = 7_000;

impl Bulk {
    pub(super) fn new(base: Command) -> Self {
        Self { base, chunks: Vec::new(), payload: (String::new(), 0) }
    }

    /// Adds an entry of a map.
    ///
    /// A payload has no escapes: its keys end at the first blank. What it cannot
    /// express has a command of its own.
    pub(super) fn pair(&mut self, key: &str, value: &str) -> Result<()> {
        let length = key.len() + value.len() + 2;
        let fits = !key.contains([' ', '\t', '#']) && !value.starts_with([' ', '\t']);
        let long = self.base.length() + length > LONGEST;
        let special = |text: &str| text.is_empty() || text.contains(['\0', '\r', '\n']);
        if !fits || long || special(key) || special(value) {
            self.flush();
            let command = self.base.clone().secret(key)?.secret(value)?;
            return self.push(Chunk { command, entries: 1, joined: false });
        }
        if self.base.length() + self.payload.0.len() + length > LONGEST {
            self.flush();
        }
        let (lines, entries) = &mut self.payload;
        if *entries > 0 {
            lines.push('\n');
        }
        lines.extend([key, " ", value]);
        *entries += 1;
        Ok(())
    }

    /// Adds an entry of an ACL, which takes no payload.
    pub(super) fn pattern(&mut self, pattern: &str) -> Result<()> {
        let command = self.base.clone().secret(pattern)?;
        match self.chunks.last_mut() {
            Some(last) if last.command.length() + command.length() <= LONGEST => {
                transport::check_line(&command.line()).map_err(|error| error.during(command.shown()))?;
                last.command.append(&command);
                last.entries += 1;
                Ok(())
            }
            _ => self.push(Chunk { command, entries: 1, joined: true }),
        }
    }

    /// Sends all of it to every member, one command behind the other.
    pub(super) async fn send(mut self, cluster: &Cluster) -> Result<Outcomes<Change>> {
        self.flush();
        let chunks = &self.chunks;
        let send = |target, deadline| async move { send(chunks, &target, &deadline).await };
        cluster.each(&self.base, Scope::Nothing, send).await
    }

    fn flush(&mut self) {
        let (lines, entries) = std::mem::take(&mut self.payload);
        if entries > 0 {
            let command = self.base.clone().payload(lines);
            self.chunks.push(Chunk { command, entries, joined: false });
        }
    }

    fn push(&mut self, chunk: Chunk) -> Result<()> {
        transport::check_line(&chunk.command.line()).map_err(|error| error.during(chunk.command.shown()))?;
        self.chunks.push(chunk);
        Ok(())
    }
}

async fn send(chunks: &[Chunk], target: &Target, deadline: &Deadline) -> Result<Presence<Change>> {
    let all = chunks.iter().map(|chunk| chunk.entries).sum();
    let mut done = 0;
    for chunk in chunks {
        let (entries, ended) = chunk.send(target, deadline).await;
        done += entries;
        match ended {
            Ok(Answer::NotHere(words)) if done == 0 => return Ok(Presence::NotHere(words)),
            Ok(Answer::NotHere(words)) => {
                return Err(chunk.placed(target, Error::new(Problem::Refused(words)).after(done, all)));
            }
            Ok(_) => {}
            // Of several entries in one command, those before the refused one are in.
            Err(error) if done > 0 || chunk.entries > 1 && error.kind() == ErrorKind::Refused => {
                return Err(chunk.placed(target, error.after(done, all)));
            }
            Err(error) => return Err(chunk.placed(target, error)),
        }
    }
    let words = match all {
        0 => return Ok(Presence::Here(Change::Unchanged("no entries".into()))),
        1 => "1 entry".into(),
        _ => format!("{all} entries").into(),
    };
    Ok(Presence::Here(Change::Changed(Some(words))))
}

impl Chunk {
    /// How many entries are in for certain, and how it ended.
    async fn send(&self, target: &Target, deadline: &Deadline) -> (usize, Result<Answer>) {
        if !self.joined {
            return match target.execute(&self.command, deadline).await {
                Ok(answer @ Answer::Change(_)) => (self.entries, Ok(answer)),
                other => (0, other),
            };
        }
        let reply = match target.member.reply(&self.command, deadline).await {
            Ok(reply) => reply,
            Err(error) => return (0, Err(error)),
        };
        // Each success is an empty line; what is none is the first failure.
        let done = reply.iter().take_while(|&&byte| byte == b'\n').count().min(self.entries);
        let rest = reply.get(done..).unwrap_or_default();
        let first = rest.windows(2).position(|pair| pair == b"\n\n").map_or(rest.len(), |at| at + 1);
        match rest.get(..first) {
            None | Some([]) if done == self.entries => (done, Ok(Answer::Change(Change::Changed(None)))),
            None | Some([]) => (done, Err(Error::new(Problem::Closed).into_unknown())),
            Some(words) => {
                let answer = Answer::read(words.to_vec(), &self.command, target.is_one_of_several());
                (done, answer.map_err(Error::new))
            }
        }
    }

    fn placed(&self, target: &Target, error: Error) -> Error {
        error.during(self.command.shown()).at(target.member.address())
    }
}
