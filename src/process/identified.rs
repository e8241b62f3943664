use futures::FutureExt as _;

use super::batch::{FITS_ALWAYS, longest};
use super::{Batch, FIRST_PAUSE, IDENTIFYING, LONGEST, ProcessClient, now};
use crate::error::{Error, ErrorKind, Problem, Result};
use crate::excerpt::excerpt_of_bytes;
use crate::protocol::{self, Change, Command, Form, ReadReply, Request, Response, read_change, read_data};
use crate::show::{Info, buffer_size};
use crate::transport::{Deadline, Interactive, Replies};
use crate::version::Version;

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
    /// Most bytes of a line with its payload, once it was asked for.
    longest: Option<usize>,
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
        let mut lines = &["prompt", "set severity-output number", IDENTIFYING][..];
        if member.is_behind_master() {
            // The connection is interactive already.
            lines = lines.get(1..).unwrap_or_default();
        }
        let mut sent = connection.send(&Request::fixed(IDENTIFYING, lines), deadline).await;
        sent.ended?;
        let info = sent.texts.pop().ok_or_else(|| Error::new(Problem::Closed))?;
        let info = rest_of_info(&mut connection, info, deadline);
        for reply in sent.texts {
            // From 3.0 on a master sets the severities itself, and prints nothing.
            if reply != b"\n" && !(reply.is_empty() && member.is_behind_master()) {
                let text = format!("it says {:?}", excerpt_of_bytes(&reply));
                return Err(Error::new(Problem::NotHaproxy(text)));
            }
        }
        Ok(Self { member, info: info.await?, at: now(), connection, longest: None })
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
        if !self.member.may_be_replaced() || self.info.is_stopping() {
            return Ok(false);
        }
        let sent = self.connection.send(&Request::fixed(IDENTIFYING, &[IDENTIFYING]), deadline).await;
        let now = match sent.texts.into_iter().next() {
            Some(info) => rest_of_info(&mut self.connection, info, deadline).await.ok(),
            None => None,
        };
        let Self { member, connection, info, .. } = self;
        // The next probe needs a connection too, and the limit may allow only one.
        drop(connection);
        let is_replaced = match now {
            Some(now) if now.is_stopping() => member.has_successor(&now, FIRST_PAUSE, deadline).await,
            // A reload closes the connections of the master.
            None if member.is_behind_master() => member.has_successor(&info, FIRST_PAUSE, deadline).await,
            // If this reply does not arrive, the replies to the commands arrived before it.
            _ => Ok(false),
        };
        is_replaced.map_err(Error::into_unknown)
    }

    fn request(&self, command: &Command) -> Result<Request> {
        let request = command.encode(Form::AtPrompt)?;
        if self.member.is_behind_master() {
            request.check_for_master()?;
        }
        Ok(request)
    }

    /// Checks that the process executes the commands of a batch one by one.
    ///
    /// # Errors
    ///
    /// - `InvalidInput` if the master in front of the process would wait for a payload.
    pub(crate) fn check(&self, batch: &Batch) -> Result<()> {
        if self.member.is_behind_master() { batch.request().check_for_master() } else { Ok(()) }
    }

    /// Reads the whole reply to a command.
    fn read<T>(&self, reply: Vec<u8>, command: &Command, read: ReadReply<T>) -> Result<Response<T>> {
        let member = self.member;
        protocol::check_ending_of(command, &reply).map_err(|error| member.lost(command, error))?;
        let response = read(member.with_severity(reply, command), command, member.nbproc(&self.info));
        response.map_err(Error::new).map_err(member.with_context(command))
    }

    /// Runs one command, and reads the reply with `read`.
    pub(super) async fn run<T>(
        &mut self,
        command: &Command,
        read: ReadReply<T>,
        deadline: &Deadline,
    ) -> Result<Response<T>> {
        let request = self.request(command)?;
        let sent = self.deliver(&request, deadline).boxed().await;
        match (sent.texts.into_iter().next(), sent.ended) {
            (Some(reply), _) => self.read(reply, command, read),
            (None, Err(error)) if sent.sent == 0 => Err(self.member.with_context(command)(error)),
            (None, ended) => {
                let error = ended.err().unwrap_or_else(|| Error::new(Problem::Closed));
                Err(self.member.lost(command, error))
            }
        }
    }

    /// Sends a request with one reply, also if HAProxy may miss the end of its payload.
    async fn deliver(&mut self, request: &Request, deadline: &Deadline) -> Replies {
        // The replies to surplus ends may arrive together with the reply to the command.
        let deadline = &if request.end().is_some() { deadline.for_reply_of(SURPLUS) } else { *deadline };
        let may_be_missed = request.end().is_some() && request.as_bytes().len() > FITS_ALWAYS;
        if may_be_missed && self.member.is_behind_master() {
            if let Err(error) = self.connection.join(deadline).await {
                return Replies { texts: Vec::new(), sent: 0, repeated: 0, ended: Err(error) };
            }
        }
        let sent = self.connection.send(request, deadline).await;
        // HAProxy closes behind the refusal of a payload that is too large.
        if sent.repeated > 0 && sent.ended.is_ok() && self.skip_replies(deadline).await.is_err() {
            // The next reply on this connection would be that of another command.
            self.connection.give_up();
        }
        sent
    }

    /// Reads replies until the process has identified itself again.
    async fn skip_replies(&mut self, deadline: &Deadline) -> Result<()> {
        // The last end that was sent may lack its line feed. The empty line ends it.
        let request = Request::fixed(IDENTIFYING, &[IDENTIFYING_AGAIN]);
        let mut next = self.connection.send(&request, deadline).await;
        loop {
            next.ended?;
            let text = next.texts.concat();
            if Info::begins(&text) {
                return rest_of_info(&mut self.connection, text, deadline).await.map(drop);
            }
            next = self.connection.receive(deadline).await;
        }
    }

    /// Runs one command.
    pub(crate) async fn execute(
        &mut self,
        command: &Command,
        deadline: &Deadline,
    ) -> Result<Response<Change>> {
        self.run(command, read_change, deadline).await
    }

    /// Runs one query, and returns the text of the answer.
    pub(crate) async fn ask(&mut self, command: &Command, deadline: &Deadline) -> Result<Response<Vec<u8>>> {
        self.run(command, read_data, deadline).await
    }

    /// Returns the most bytes that a line may have with its payload, for payloads of up to `wanted` bytes. Asks the
    /// process for the size of its buffers, unless they fit all buffers.
    ///
    /// # Errors
    ///
    /// - Those of a query, except for a refusal.
    pub(crate) async fn longest(&mut self, wanted: usize, deadline: &Deadline) -> Result<usize> {
        if let Some(longest) = self.longest {
            return Ok(longest);
        }
        if wanted <= FITS_ALWAYS {
            return Ok(LONGEST);
        }
        let deadline = &deadline.for_reply_of(POOLS);
        let buffer = match self.ask(&Command::read("show pools"), deadline).boxed().await {
            Ok(Response::Value(printed)) => buffer_size(&printed),
            Ok(Response::Absent(_)) => None,
            Err(error) => match error.kind() {
                ErrorKind::Refused | ErrorKind::Unsupported | ErrorKind::PermissionDenied => None,
                _ => return Err(error),
            },
        };
        // Up to 3.0, a process prints no pools if they do not fit one of its buffers.
        // A master in front of the worker has buffers too, of the same size.
        let version = self.info.version().filter(|_| !self.member.is_behind_master()).map(Version::parse);
        let longest = buffer.map_or(FITS_ALWAYS, |buffer| longest(buffer, version));
        self.longest = Some(longest);
        Ok(longest)
    }

    /// Runs one query, and returns the text of the answer, which may look like a prompt in the
    /// middle. The answer has ended when the process has identified itself again behind it.
    pub(crate) async fn dump(&mut self, command: &Command, deadline: &Deadline) -> Result<Response<Vec<u8>>> {
        let with_context = self.member.with_context(command);
        let request = self.request(command)?;
        let sent = self.connection.send(&request, deadline).boxed().await;
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
            reply.extend_from_slice(self.connection.prompt());
            reply.extend(text);
            next = self.connection.receive(deadline).boxed().await;
        }
        self.read(reply, command, read_data)
    }

    /// Runs the commands of a batch, one after the other. Sends nothing if [`check`](Self::check) fails.
    pub(crate) async fn execute_all(&mut self, batch: &Batch, deadline: &Deadline) -> Executed {
        if let Err(error) = self.check(batch) {
            return Executed { answers: Vec::new(), ended: Err(error) };
        }
        let commands = batch.commands();
        let sent = self.connection.send(batch.request(), deadline).boxed().await;
        let member = self.member;
        let answers = sent.texts.into_iter().zip(commands);
        let answers: Vec<_> =
            answers.map(|(reply, command)| self.read(reply, command, read_change)).collect();
        let ended = match (sent.ended, commands.get(answers.len())) {
            (Err(error), Some(command)) if sent.sent > 0 => Err(member.lost(command, error)),
            (Err(error), Some(command)) => Err(member.with_context(command)(error)),
            _ => Ok(()),
        };
        Executed { answers, ended }
    }
}

/// Empty line, with an empty reply of its own, and [`IDENTIFYING`].
const IDENTIFYING_AGAIN: &str = "\nshow info";

/// Most bytes of the replies to surplus ends that arrive at once. HAProxy 3.4 prints about 730 for each of them.
const SURPLUS: usize = 128 * 1024;

/// Most bytes of a reply to `show pools`. HAProxy 3.4 prints about 10,000.
const POOLS: usize = 128 * 1024;

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
        text.extend_from_slice(connection.prompt());
        text.extend(more.texts.concat());
    }
}
