use futures::FutureExt as _;

use super::{Batch, FIRST_PAUSE, IDENTIFYING, ProcessClient, now};
use crate::error::{Error, ErrorKind, Problem, Result};
use crate::excerpt::excerpt;
use crate::protocol::{self, Change, Command, Form, Nbproc, Request, Response, read_change, read_data};
use crate::show::Info;
use crate::transport::{Deadline, Interactive};

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

impl<'a> IdentifiedConnection<'a> {
    /// Connects to the process that listens, and lets it identify itself.
    pub(super) async fn open(member: &'a ProcessClient, deadline: &Deadline) -> Result<Self> {
        let mut connection = member.socket.interactive(deadline).await?;
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
        Ok(Self { member, info: info.await?, at: now(), connection })
    }

    /// Closes the connection. Returns the identification.
    pub(super) fn close(self) -> Info {
        self.info
    }

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
