//! Client of one HAProxy process: sends commands and reads their replies.

mod batch;

use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use futures::FutureExt as _;
use futures::future::BoxFuture;

pub(crate) use batch::{Batch, LONGEST};

use crate::address::Address;
use crate::error::{Error, ErrorKind, Failure, Problem, Result};
use crate::excerpt::excerpt;
use crate::protocol::{
    self, Change, Command, Form, Idempotency, Nbproc, PromptedReply, ReadReply, Reply, Request, Response,
    malformed, read_change, read_data,
};
use crate::show::stat::StatFilter;
use crate::show::{self, EntryReader, Info, ProcessReport, ReportParser, TableEntry};
use crate::snapshot::Record;
use crate::transport::{Deadline, Interactive, StatsSocket, Step};

/// Command that identifies a process, on any connection.
const IDENTIFYING: &str = "show info";

const STOPPING: Step = Step::new("waiting for the new worker", "answer");

/// Pauses before a stopping process is probed again.
const FIRST_PAUSE: Duration = Duration::from_millis(2);
const LAST_PAUSE: Duration = Duration::from_millis(100);

/// Client of a stats socket of the cluster.
#[derive(Debug, Clone)]
pub(crate) struct ProcessClient {
    pub(crate) socket: StatsSocket,
    pub(crate) host: Arc<str>,
}

impl ProcessClient {
    pub(crate) fn address(&self) -> &Address {
        self.socket.address()
    }

    /// Reads the report of the process, `show info` and the rows in `scope`, on one connection.
    pub(crate) fn read<'a>(
        &'a self,
        scope: &'a StatFilter,
        deadline: &'a Deadline,
    ) -> BoxFuture<'a, Result<ProcessReport>> {
        self.sweep(scope, deadline).boxed()
    }

    /// Reads the report as [`read`](Self::read) does, and once more if the process is stopping,
    /// unless the same process was stopping already in `known`.
    ///
    /// After a reload, the worker that is stopping may have accepted the connection; the next
    /// connection leads to the new worker.
    pub(crate) async fn read_settled(
        &self,
        scope: &StatFilter,
        known: Option<&Info>,
        deadline: &Deadline,
    ) -> Result<ProcessReport> {
        let reading = self.read(scope, deadline).await?;
        let is_known = known.is_some_and(|known| known.is_stopping() && known.pid() == reading.info.pid());
        if !reading.info.is_stopping() || is_known {
            return Ok(reading);
        }
        Ok(self.read(scope, deadline).await.unwrap_or(reading))
    }

    async fn sweep(&self, scope: &StatFilter, deadline: &Deadline) -> Result<ProcessReport> {
        let mut parser = ReportParser::new();
        self.socket.exchange(&ReportParser::request(scope)?, deadline, &mut parser).await?;
        let absent = parser.is_absent();
        let reading = parser.finish().map_err(|error| error.at(self.address()))?;
        if reading.stat.is_empty() && !absent && matches!(scope, StatFilter::Proxy { .. }) {
            // Up to 3.2, a frontend and a backend may share a name, and HAProxy looks at the
            // first one only.
            return self.read(&StatFilter::All, deadline).await;
        }
        Ok(reading)
    }

    /// Runs a command on a connection of its own.
    ///
    /// During a reload, the worker that is about to stop may accept the connection. It refuses some
    /// commands, because it no longer runs any proxy, and executes others without effect on the new
    /// worker. In both cases the command is sent again to the new worker.
    pub(crate) async fn execute<T>(
        &self,
        command: &Command,
        nbproc: Nbproc,
        read: ReadReply<T>,
        deadline: &Deadline,
    ) -> Result<Response<T>> {
        if command.is_identified() {
            return self.execute_in_successor(command, read, deadline).await;
        }
        let reply = self.reply(command, deadline).await?;
        match read(self.own_reply(command, &reply)?.to_vec(), command, nbproc) {
            Err(Problem::Stopped(_)) => self.execute_in_successor(command, read, deadline).await,
            response => response.map_err(Error::new).map_err(self.with_context(command)),
        }
    }

    /// Runs a command on connections that identify the process in the same reply, until the process
    /// is not stopping, or no other process answers at its address.
    async fn execute_in_successor<T>(
        &self,
        command: &Command,
        read: ReadReply<T>,
        deadline: &Deadline,
    ) -> Result<Response<T>> {
        let request = command.encode(Form::Identified)?;
        let mut pause = FIRST_PAUSE;
        loop {
            let reply = self.socket.reply(&request, deadline).boxed().await?;
            if !Info::begins(&reply) {
                // HAProxy has executed no part of the line, for example because it is too long.
                let response = self.own_reply(command, &reply).and_then(|own| {
                    let response = read(own.to_vec(), command, Nbproc::default());
                    response.map_err(Error::new).map_err(self.with_context(command))
                });
                let unidentified = || self.lost(command, Error::new(malformed("`show info`", &reply)));
                return Err(response.err().unwrap_or_else(unidentified));
            }
            let (info, rest) = Info::split(&reply).map_err(|error| self.lost(command, error))?;
            let own = self.own_reply(command, rest)?;
            let response = read(own.to_vec(), command, Nbproc::new(info.nbproc()));
            let response = response.map_err(Error::new).map_err(self.with_context(command));
            if !info.is_stopping() {
                return response;
            }
            match (self.has_successor(&info, pause, deadline).await, &response) {
                (Ok(true), _) => {}
                (Err(error), Ok(_)) if command.idempotency() != Idempotency::Safe => {
                    return Err(self.lost(command, error));
                }
                _ => return response,
            }
            pause = (pause * 2).min(LAST_PAUSE);
        }
    }

    /// Returns the part of a whole reply that belongs to the command itself.
    fn own_reply<'a>(&self, command: &Command, reply: &'a [u8]) -> Result<&'a [u8]> {
        let own = reply.get(command.bytes_before_reply(reply)..).unwrap_or_default();
        protocol::check_ending(own).map_err(|error| self.lost(command, error))?;
        Ok(own)
    }

    /// Returns `true` if the process that answers now is not the process of `before`; `false` if no
    /// process listens any more.
    ///
    /// # Errors
    ///
    /// - The errors of [`info`](Self::info): the process that listens did not say which one it is.
    async fn has_successor(&self, before: &Info, pause: Duration, deadline: &Deadline) -> Result<bool> {
        deadline.sleep(STOPPING, pause).await?;
        match self.info(deadline).await {
            Ok((now, _)) => Ok(now.pid() != before.pid()),
            Err(error) if matches!(error.kind(), ErrorKind::Connect | ErrorKind::Closed) => Ok(false),
            Err(error) => Err(error),
        }
    }

    /// Connects to the process and identifies it on the connection. If the process is stopping and
    /// another process answers in its place, connects to that process instead.
    pub(crate) fn identified<'a>(
        &'a self,
        deadline: &'a Deadline,
    ) -> BoxFuture<'a, Result<IdentifiedConnection<'a>>> {
        let identify = async move {
            let mut pause = FIRST_PAUSE;
            loop {
                let identified = self.identify(deadline).await?;
                if !identified.info.is_stopping() {
                    return Ok(identified);
                }
                // The next probe needs a connection too, and the limit may allow only one.
                let IdentifiedConnection { info, connection, .. } = identified;
                drop(connection);
                if !self.has_successor(&info, pause, deadline).await? {
                    return self.identify(deadline).await;
                }
                pause = (pause * 2).min(LAST_PAUSE);
            }
        };
        async move { identify.await.map_err(self.socket.with_context(IDENTIFYING)) }.boxed()
    }

    async fn identify(&self, deadline: &Deadline) -> Result<IdentifiedConnection<'_>> {
        let mut connection = self.socket.interactive(deadline).await?;
        let lines = ["prompt", "set severity-output number", IDENTIFYING];
        let sent = connection.send(&Request::fixed(IDENTIFYING, &lines), deadline).await;
        sent.ended?;
        let [prompt, severity, info] = sent.texts.as_slice() else {
            return Err(Error::new(Problem::Closed));
        };
        let info = rest_of_info(&mut connection, info.clone(), deadline);
        for reply in [prompt, severity] {
            if reply != b"\n" {
                let text = format!("it says {:?}", excerpt(&String::from_utf8_lossy(reply)));
                return Err(Error::new(Problem::NotHaproxy(text)));
            }
        }
        Ok(IdentifiedConnection { member: self, info: info.await?, at: now(), connection })
    }

    /// Runs a command on a connection of its own, and checks that the reply is complete. The reply
    /// may contain any text, including empty lines.
    pub(crate) fn dump<'a>(
        &'a self,
        command: &'a Command,
        nbproc: Nbproc,
        deadline: &'a Deadline,
    ) -> BoxFuture<'a, Result<Response<Vec<u8>>>> {
        async move {
            let mut reply = PromptedReply::default();
            self.socket.exchange(&command.encode(Form::StatTable)?, deadline, &mut reply).await?;
            let answer =
                reply.finish().and_then(|reply| read_data(reply, command, nbproc).map_err(Error::new));
            answer.map_err(self.with_context(command))
        }
        .boxed()
    }

    /// Runs `show table NAME` on a connection of its own, and hands each entry to `visit` when it
    /// arrives. Returns the number of entries.
    pub(crate) async fn visit_table(
        &self,
        command: &Command,
        nbproc: Nbproc,
        visit: impl FnMut(TableEntry<'_>) + Send,
        deadline: &Deadline,
    ) -> Result<Response<u64>> {
        let mut reader = EntryReader::new(visit);
        self.socket.exchange(&command.encode(Form::Alone)?, deadline, &mut reader).boxed().await?;
        match reader.finish().map_err(self.with_context(command))? {
            Ok(entries) => Ok(Response::Value(entries)),
            Err(reply) => {
                let own = self.own_reply(command, &reply)?;
                let response = read_data(own.to_vec(), command, nbproc).map_err(Error::new);
                match response.map_err(self.with_context(command))? {
                    Response::Absent(message) => Ok(Response::Absent(message)),
                    Response::Value(_) => {
                        Err(self.with_context(command)(Error::new(malformed("a stick table", own))))
                    }
                }
            }
        }
    }

    /// Returns the whole, unparsed reply to a command.
    pub(crate) async fn verbatim(&self, command: &Command, deadline: &Deadline) -> Result<Reply> {
        let reply = self.reply(command, deadline).await?;
        Reply::new(reply).map_err(|error| self.lost(command, error))
    }

    /// Returns the reply to a command on a connection of its own.
    ///
    /// Boxed like [`read`](Self::read): the future is deeply nested, and would otherwise be part of
    /// the type of every future that a user creates.
    fn reply<'a>(&'a self, command: &'a Command, deadline: &'a Deadline) -> BoxFuture<'a, Result<Vec<u8>>> {
        async move { self.socket.reply(&command.encode(Form::Alone)?, deadline).await }.boxed()
    }

    /// Returns the error for a reply that did not arrive completely.
    fn lost(&self, command: &Command, error: Error) -> Error {
        let error = self.with_context(command)(error);
        if command.idempotency() == Idempotency::Safe { error } else { error.into_unknown() }
    }

    /// Returns a function that names a command and this process in an error, unless the error names
    /// others.
    pub(crate) fn with_context<'a>(&'a self, command: &'a Command) -> impl Fn(Error) -> Error + 'a {
        self.socket.with_context(command.redacted())
    }

    /// Returns the reply to `show info`, and the time at which it ended, in microseconds since
    /// 1970.
    pub(crate) fn info<'a>(&'a self, deadline: &'a Deadline) -> BoxFuture<'a, Result<(Info, u64)>> {
        let ask = async move {
            let reply = self.socket.reply(&Request::fixed(IDENTIFYING, &[IDENTIFYING]), deadline).await?;
            let info = protocol::check_ending(&reply).and_then(|()| Info::parse(&reply));
            Ok((info.map_err(self.socket.with_context(IDENTIFYING))?, now()))
        };
        ask.boxed()
    }

    /// Returns the record of a reply that ended just now.
    pub(crate) fn record(&self, answer: Result<ProcessReport>) -> Record {
        let answer = answer.map_err(|error| Failure::new(error, show::READING));
        self.to_record(answer)
    }

    /// Returns the record of a reply that ended, or of a process that was given up, just now.
    pub(crate) fn to_record(&self, answer: Result<ProcessReport, Failure>) -> Record {
        let mut record = Record::new(self.host.clone(), self.address().clone(), answer);
        record.read_at = now();
        record
    }
}

/// An open connection to one process, on which the process has identified itself.
///
/// Commands that are not idempotent are sent on such a connection: between two connections, another
/// process may have taken over the socket.
pub(crate) struct IdentifiedConnection<'a> {
    member: &'a ProcessClient,
    pub(crate) info: Info,
    /// Time of the identification, in microseconds since 1970.
    pub(crate) at: u64,
    connection: Interactive<'a>,
}

/// Answers to the commands of one connection.
pub(crate) struct Executed {
    /// The response to each command, in order.
    pub(crate) answers: Vec<Result<Response<Change>>>,
    /// The error that ended the connection before the last answer.
    pub(crate) ended: Result<()>,
}

impl IdentifiedConnection<'_> {
    /// Returns `true` if the process has begun to stop since it was identified, and another process
    /// answers in its place: there, the executed commands have no effect.
    ///
    /// # Errors
    ///
    /// - [`Problem::OutcomeUnknown`] if the process has begun to stop, and the process that listens now
    ///   did not say which one it is.
    pub(crate) async fn was_replaced(mut self, deadline: &Deadline) -> Result<bool> {
        if self.info.is_stopping() {
            return Ok(false);
        }
        let sent = self.connection.send(&Request::fixed(IDENTIFYING, &[IDENTIFYING]), deadline).await;
        let Some(info) = sent.texts.into_iter().next() else { return Ok(false) };
        // If this reply does not arrive, the replies to the commands arrived before it.
        let info = rest_of_info(&mut self.connection, info, deadline).await;
        let Self { member, connection, .. } = self;
        // The next probe needs a connection too, and the limit may allow only one.
        drop(connection);
        match info {
            Ok(info) if info.is_stopping() => {
                let is_replaced = member.has_successor(&info, FIRST_PAUSE, deadline).await;
                is_replaced.map_err(Error::into_unknown)
            }
            _ => Ok(false),
        }
    }

    fn nbproc(&self) -> Nbproc {
        Nbproc::new(self.info.nbproc())
    }

    /// Runs one command.
    pub(crate) async fn execute(
        &mut self,
        command: &Command,
        deadline: &Deadline,
    ) -> Result<Response<Change>> {
        let Executed { answers, ended } =
            self.execute_all(&Batch::new(vec![command.clone()])?, deadline).await;
        ended?;
        let none = || self.member.lost(command, Error::new(Problem::Closed));
        answers.into_iter().next().unwrap_or_else(|| Err(none()))
    }

    /// Runs one query, and returns the text of the answer.
    pub(crate) async fn ask(&mut self, command: &Command, deadline: &Deadline) -> Result<Response<Vec<u8>>> {
        let (member, nbproc) = (self.member, self.nbproc());
        let sent = self.connection.send(&command.encode(Form::AtPrompt)?, deadline).boxed().await;
        let with_context = member.with_context(command);
        sent.ended.map_err(&with_context)?;
        let reply = sent.texts.into_iter().next().ok_or_else(|| with_context(Error::new(Problem::Closed)))?;
        protocol::check_ending(&reply).map_err(&with_context)?;
        read_data(reply, command, nbproc).map_err(Error::new).map_err(with_context)
    }

    /// Runs one query, and returns the text of the answer, which may look like a prompt in the
    /// middle. The answer has ended when the process has identified itself again behind it.
    pub(crate) async fn dump(&mut self, command: &Command, deadline: &Deadline) -> Result<Response<Vec<u8>>> {
        let (member, nbproc) = (self.member, self.nbproc());
        let with_context = member.with_context(command);
        let sent = self.connection.send(&command.encode(Form::AtPrompt)?, deadline).boxed().await;
        sent.ended.map_err(&with_context)?;
        let mut reply = sent.texts.concat();
        let mut next =
            self.connection.send(&Request::fixed(IDENTIFYING, &[IDENTIFYING]), deadline).boxed().await;
        loop {
            next.ended.map_err(&with_context)?;
            let text = next.texts.concat();
            if Info::begins(&text) {
                let info = rest_of_info(&mut self.connection, text, deadline).await.map_err(&with_context)?;
                if info.pid() == self.info.pid() {
                    break;
                }
                return Err(with_context(Error::new(Problem::Replaced)));
            }
            reply.extend_from_slice(b"> ");
            reply.extend(text);
            next = self.connection.receive(deadline).boxed().await;
        }
        protocol::check_ending(&reply).map_err(&with_context)?;
        read_data(reply, command, nbproc).map_err(Error::new).map_err(with_context)
    }

    /// Runs the commands of a batch, one after the other.
    pub(crate) async fn execute_all(&mut self, batch: &Batch, deadline: &Deadline) -> Executed {
        let commands = batch.commands();
        let sent = self.connection.send(batch.request(), deadline).boxed().await;
        let (member, nbproc) = (self.member, self.nbproc());
        let answers = sent.texts.into_iter().zip(commands).map(|(reply, command)| {
            protocol::check_ending(&reply).map_err(|error| member.lost(command, error))?;
            read_change(reply, command, nbproc).map_err(Error::new).map_err(member.with_context(command))
        });
        let answers: Vec<_> = answers.collect();
        let ended = match (sent.ended, commands.get(answers.len())) {
            (Err(error), Some(command)) if sent.sent > 0 => Err(member.lost(command, error)),
            (Err(error), Some(command)) => Err(member.with_context(command)(error)),
            _ => Ok(()),
        };
        Executed { answers, ended }
    }
}

/// Reads the reply to `show info` on an interactive connection to its end; `text` is the part that
/// has arrived.
///
/// Up to 2.6, the description of the process may contain text that looks like a prompt. The reply
/// then continues after that text.
async fn rest_of_info(
    connection: &mut Interactive<'_>,
    mut text: Vec<u8>,
    deadline: &Deadline,
) -> Result<Info> {
    loop {
        match Info::parse(&text) {
            Err(error) if error.kind() == ErrorKind::Truncated => {}
            parsed => return parsed,
        }
        let more = connection.receive(deadline).await;
        more.ended?;
        text.extend_from_slice(b"> ");
        text.extend(more.texts.concat());
    }
}

/// Returns the current time, in microseconds since 1970.
pub(crate) fn now() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_micros()).unwrap_or(u64::MAX)
}
