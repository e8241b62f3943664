//! One client of a fake master.

use std::io;
use std::pin::pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use futures::future::{BoxFuture, Either, select};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::sync::watch;

use super::command;
use super::state::{State, Worker};
use crate::Version;
use crate::fake::command::{Answer, Mode, Session, SeverityOutput};
use crate::fake::describe::{Fault, Received};
use crate::fake::serve::{
    End, Host, Reply, Request, Stream, commands, converse, fail, first, parts, to_requests,
};
use crate::level::Level;

/// The state that the connections of a master share.
pub(super) struct Site {
    state: Mutex<State>,
    pub(super) paused: watch::Sender<bool>,
    /// Counts the reloads. A reload ends all connections of the master.
    restarts: watch::Sender<u64>,
}

impl Site {
    pub(super) fn new(state: State) -> Self {
        Self { state: Mutex::new(state), paused: watch::Sender::new(false), restarts: watch::Sender::new(0) }
    }

    pub(super) fn state(&self) -> MutexGuard<'_, State> {
        // The state is consistent after every statement, so a poisoned lock does no harm.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Ends the connections, as a master that executes itself anew does.
    pub(super) fn restart(&self) {
        self.restarts.send_modify(|restarts| *restarts += 1);
    }
}

impl Host for Site {
    fn serve(self: Arc<Self>, stream: Box<dyn Stream>, level: Level) -> BoxFuture<'static, ()> {
        let mut restarts = self.restarts.subscribe();
        Box::pin(async move {
            let client = Client::new(stream, level, &self);
            // An I/O error means that the client is gone, so the result is ignored.
            select(pin!(client.serve()), pin!(restarts.changed())).await;
        })
    }
}

/// The process that a command is for.
#[derive(Clone)]
enum Target {
    Master,
    Worker(Worker),
}

/// The rest of a connection after a command.
enum Next {
    Goes,
    /// The rest of the bytes that have arrived is discarded.
    Discards,
    Ends,
}

struct Client<'a> {
    stream: Box<dyn Stream>,
    /// Number of the connection.
    connection: u64,
    level: Level,
    /// Severity of the messages of workers. Before 2.7 each command forgets it.
    output: SeverityOutput,
    /// Target of commands that name none.
    target: Target,
    /// True if a prompt follows each reply.
    has_prompt: bool,
    site: &'a Site,
}

impl<'a> Client<'a> {
    fn new(stream: Box<dyn Stream>, level: Level, site: &'a Site) -> Self {
        let output = SeverityOutput::None;
        let connection = site.state().connect();
        Self { stream, connection, level, output, target: Target::Master, has_prompt: false, site }
    }

    async fn serve(mut self) -> io::Result<()> {
        let mut held = Vec::new();
        loop {
            let text = String::from_utf8_lossy(&held).into_owned();
            let version = self.site.state().version.clone();
            let next = match split(&text, &version) {
                None => {
                    if self.stream.read_buf(&mut held).await? == 0 {
                        return Ok(());
                    }
                    continue;
                }
                Some(Line::Joined { before, prefix, rest }) => {
                    held.clear();
                    match self.all(&before, None, &version).await? {
                        Next::Goes => self.join(prefix, rest, &version).await?,
                        other => other,
                    }
                }
                Some(Line::Plain { request, rest }) => {
                    held = rest.as_bytes().to_vec();
                    self.all(&parts(request.line), request.payload, &version).await?
                }
            };
            match next {
                Next::Goes => {}
                Next::Discards => held.clear(),
                Next::Ends => return Ok(()),
            }
        }
    }

    /// Runs the commands of one line. The payload is for the last one.
    async fn all(&mut self, parts: &[&str], payload: Option<&str>, version: &Version) -> io::Result<Next> {
        let mut paused = self.site.paused.subscribe();
        // The sender lives in the site, so waiting cannot fail.
        let _ = paused.wait_for(|paused| !paused).await;
        for (index, part) in parts.iter().enumerate() {
            let payload = payload.filter(|_| index + 1 == parts.len());
            match self.one(part, payload, version).await? {
                Next::Goes => self.show_prompt().await?,
                Next::Discards => {
                    self.show_prompt().await?;
                    return Ok(Next::Discards);
                }
                Next::Ends => return Ok(Next::Ends),
            }
        }
        Ok(Next::Goes)
    }

    /// Prints the prompt, if the client wants one.
    async fn show_prompt(&mut self) -> io::Result<()> {
        if !self.has_prompt {
            return Ok(());
        }
        let prompt = match &self.target {
            Target::Worker(worker) => format!("{}> ", worker.state().process.pid),
            Target::Master if self.site.state().failed > 0 => "master[ReloadFailed]> ".to_owned(),
            Target::Master => "master> ".to_owned(),
        };
        self.stream.write_all(prompt.as_bytes()).await
    }

    /// Runs one command.
    async fn one(&mut self, part: &str, payload: Option<&str>, version: &Version) -> io::Result<Next> {
        let found = commands(part);
        let words: Vec<&str> = found.iter().flatten().map(String::as_str).collect();
        if let Some(prefix) = words.first().filter(|word| word.starts_with('@')) {
            let Some(target) = self.find(prefix) else { return self.refuse(&lost(prefix), version).await };
            if words.len() == 1 {
                self.target = target;
                return Ok(Next::Goes);
            }
            let rest = part.trim_start().split_once([' ', '\t']).map_or("", |(_, rest)| rest);
            return self.run(&target, rest, words.get(1..).unwrap_or_default(), payload).await;
        }
        match words.as_slice() {
            ["quit", ..] => {
                self.show_prompt().await?;
                return Ok(Next::Ends);
            }
            ["prompt"] => {
                self.has_prompt = !self.has_prompt;
                return Ok(Next::Goes);
            }
            [word @ ("user" | "operator"), ..] => {
                let level = if *word == "user" { Level::User } else { Level::Operator };
                if self.level < level {
                    return self.refuse("Permission denied!\n", version).await;
                }
                self.level = level;
                return Ok(Next::Goes);
            }
            ["expert-mode" | "experimental-mode" | "mcli-debug-mode", ..] if *version >= (2, 6) => {
                return Ok(Next::Goes);
            }
            ["set", "severity-output", arguments @ ..] if *version >= (2, 7) => {
                return match SeverityOutput::read(arguments.first().copied().unwrap_or_default()) {
                    Ok(output) => {
                        self.output = output;
                        Ok(Next::Goes)
                    }
                    Err(text) => self.refuse(&format!("{text}\n"), version).await,
                };
            }
            _ => {}
        }
        let target = match words.first() {
            Some(&"prompt") => Target::Master,
            _ => self.target.clone(),
        };
        self.run(&target, part, &words, payload).await
    }

    async fn run(
        &mut self,
        target: &Target,
        line: &str,
        words: &[&str],
        payload: Option<&str>,
    ) -> io::Result<Next> {
        match target {
            Target::Master => self.own(line, words, payload).await,
            Target::Worker(worker) => self.relay(worker, line, payload).await,
        }
    }

    /// Runs a command of the master itself.
    async fn own(&mut self, line: &str, words: &[&str], payload: Option<&str>) -> io::Result<Next> {
        let fault = self.record(line, words, payload);
        let executes = fault.as_ref().is_none_or(Fault::executes);
        let mut answer = command::run(&self.site.state(), self.level, words);
        let mut text = String::new();
        if self.output != SeverityOutput::None {
            // HAProxy hands the setting to the master as a command, which it does not have.
            let set = command::run(&self.site.state(), self.level, &["set"]);
            text.extend(set.and_then(|set| set.render(SeverityOutput::None)));
        }
        let is_reload = answer.is_none() && executes;
        if is_reload {
            answer = self.reload();
        }
        text.extend(answer.and_then(|answer| answer.render(SeverityOutput::None)));
        let next = self.send(fault, &text, if is_reload { Next::Ends } else { Next::Goes }).await;
        if is_reload {
            self.site.restart();
        }
        next
    }

    /// Notes a command for the master itself, and returns its fault.
    fn record(&self, line: &str, words: &[&str], payload: Option<&str>) -> Option<Fault> {
        let mut state = self.site.state();
        let words: Vec<_> = words.iter().map(|word| (*word).to_owned()).collect();
        let fault = state.faults.take(std::slice::from_ref(&words));
        let received = Received {
            connection: self.connection,
            at: state.log.elapsed(),
            level: self.level,
            command: line.trim().to_owned(),
            words,
            payload: payload.map(Into::into),
            executed: fault.as_ref().is_none_or(Fault::executes),
            fault: fault.clone(),
        };
        state.log.push(received);
        fault
    }

    /// Reloads, and returns the report, which older releases do not give.
    fn reload(&self) -> Option<Answer> {
        let mut state = self.site.state();
        let is_loaded = state.reload();
        let report = format!("Success={}\n--\n{}", u8::from(is_loaded), state.logs);
        (state.version >= (2, 7)).then_some(Answer::Dump(report))
    }

    /// Sends a command to a worker, in a session of its own.
    async fn relay(&mut self, worker: &Worker, line: &str, payload: Option<&str>) -> io::Result<Next> {
        let mut ended = worker.ended.subscribe();
        let mut paused = worker.paused.subscribe();
        let ended = pin!(ended.wait_for(|ended| *ended));
        let resumed = pin!(paused.wait_for(|paused| !paused));
        if matches!(select(resumed, ended).await, Either::Right(_)) {
            return Ok(Next::Ends);
        }
        let Reply { mut text, follows, fault, .. } = {
            let mut state = worker.state();
            let mut session = Session { output: self.output, ..Session::new(state.connect(), self.level) };
            to_requests(&mut state, &mut session, &[Request { line, payload }])
        };
        if self.has_prompt {
            let lines = payload.map_or(0, |payload| payload.lines().count() + 1);
            text.insert_str(0, &"+ ".repeat(lines));
        }
        // Behind a master, HAProxy does not follow a ring.
        if follows.is_some() {
            text.push('\n');
        }
        self.send(fault, &text, Next::Goes).await
    }

    /// Joins the client and a process (`@@`) until the process ends the session.
    async fn join(&mut self, prefix: &str, rest: &str, version: &Version) -> io::Result<Next> {
        let found = prefix.get(1..).and_then(|prefix| self.find(prefix));
        let Some(target) = found else { return self.refuse(&lost(prefix), version).await };
        let worker = match target {
            Target::Worker(worker) => worker,
            Target::Master => {
                let text = Answer::unsupported(&format!("`{prefix}`")).render(SeverityOutput::None);
                return self.send(None, &text.unwrap_or_default(), Next::Discards).await;
            }
        };
        let mut session = Session::new(worker.state().connect(), self.level);
        let line = rest.split('\n').next().unwrap_or_default();
        let held = if line.trim().is_empty() {
            session.mode = Mode::Interactive;
            self.stream.write_all(b"\n").await?;
            rest.get(line.len() + 1..).unwrap_or_default()
        } else {
            rest
        };
        let mut ended = worker.ended.subscribe();
        let joined = converse(&mut *self.stream, held.as_bytes().to_vec(), session, &worker);
        match select(pin!(joined), pin!(ended.wait_for(|ended| *ended))).await {
            Either::Left((Ok(End::Process), _)) => Ok(Next::Discards),
            Either::Left((Err(error), _)) => Err(error),
            _ => Ok(Next::Ends),
        }
    }

    /// Finds the target of a prefix.
    fn find(&self, prefix: &str) -> Option<Target> {
        let state = self.site.state();
        let worker = match prefix.strip_prefix('@')? {
            "" | "0" | "master" => return Some(Target::Master),
            name => match name.strip_prefix('!') {
                Some(pid) => state.by_pid(pid.parse().ok()?),
                None => state.by_number(name.parse().ok()?),
            },
        };
        worker.map(|worker| Target::Worker(Arc::clone(worker)))
    }

    /// Sends a message that has no end of its own. Until 2.6 the connection ends; later the rest of
    /// the line is discarded.
    async fn refuse(&mut self, text: &str, version: &Version) -> io::Result<Next> {
        let next = if *version < (2, 7) { Next::Ends } else { Next::Discards };
        self.send(None, text, next).await
    }

    async fn send(&mut self, fault: Option<Fault>, text: &str, next: Next) -> io::Result<Next> {
        if let Some(fault) = fault {
            fail(&mut *self.stream, fault, text.as_bytes()).await?;
            return Ok(Next::Ends);
        }
        self.stream.write_all(text.as_bytes()).await?;
        Ok(next)
    }
}

fn lost(prefix: &str) -> String {
    format!("Can't find the target PID matching the prefix '{prefix}'\n")
}

/// A line of the client.
enum Line<'a> {
    Plain {
        request: Request<'a>,
        rest: &'a str,
    },
    /// A line in which `@@` joins the client and a process, for this command and all that follows.
    Joined {
        before: Vec<&'a str>,
        prefix: &'a str,
        rest: &'a str,
    },
}

/// Splits off the first line with its payload if it is complete.
fn split<'a>(text: &'a str, version: &Version) -> Option<Line<'a>> {
    let (line, _) = text.split_once('\n')?;
    let mut before = parts(line);
    let joined = before.iter().position(|part| part.trim_start().starts_with("@@"));
    if let Some(index) = joined.filter(|_| *version >= (3, 2)) {
        // Each part before it is followed by a `;`.
        let start = before.iter().take(index).map(|part| part.len() + 1).sum();
        before.truncate(index);
        let rest = text.get(start..)?.trim_start_matches([' ', '\t']);
        let end = rest.find([' ', '\t', '\n'])?;
        let (prefix, rest) = rest.split_at_checked(end)?;
        return Some(Line::Joined { before, prefix, rest: rest.trim_start_matches([' ', '\t']) });
    }
    let (request, rest) = first(text, version)?;
    Some(Line::Plain { request, rest })
}
