use std::time::Duration;

use futures::future::join;
use tokio::io::{AsyncReadExt, ReadHalf, WriteHalf, split};

use super::connect::Stream;
use super::deadline::{Deadline, RECEIVE};
use super::permits::{Permit, Reachability};
use super::worker::Message;
use super::{drain, exchange};
use crate::address::WorkerId;
use crate::error::{Error, Problem, Result};
use crate::protocol::Request;

/// A connection in interactive mode (`prompt`). Several command lines, one after the other,
/// reach the one process that accepted the connection.
///
/// Commands use it if the caller must know which process executes them. The process cannot exit
/// after a reload while the connection is open, so the caller closes the connection as soon as
/// the operation is over. Use it only for commands with short replies: a dump may contain text
/// that looks like a prompt.
pub(crate) struct Interactive<'a> {
    reader: ReadHalf<Box<dyn Stream>>,
    writer: WriteHalf<Box<dyn Stream>>,
    /// Bytes received after the last prompt.
    received: Vec<u8>,
    prompt: Prompt,
    reachability: &'a Reachability,
    permit: Permit<'a>,
    /// True while replies are missing.
    is_waiting: bool,
    /// True if the last lines were sent to their end.
    is_sent: bool,
}

/// Text behind each reply.
#[derive(Debug)]
enum Prompt {
    /// The prompt of a stats socket, behind a line feed.
    OfSocket,
    /// The prompt of a worker behind its master, with its process ID. The reply is empty, without
    /// its line feed, if the master executed the command (`set severity-output` from 3.0 on), or if
    /// the worker died.
    OfWorker(WorkerId, Vec<u8>),
}

/// Replies to one or more command lines.
#[derive(Debug)]
pub(crate) struct Replies {
    /// Reply to each line, in order. If the connection failed, the last replies are missing.
    pub(crate) texts: Vec<Vec<u8>>,
    /// Number of bytes that were sent.
    pub(crate) sent: usize,
    /// Error if replies are missing.
    pub(crate) ended: Result<()>,
}

impl<'a> Interactive<'a> {
    pub(super) fn new(stream: Box<dyn Stream>, permit: Permit<'a>, reachability: &'a Reachability) -> Self {
        Self::at_prompt(stream, Prompt::OfSocket, permit, reachability)
    }

    /// Makes a connection to a worker behind its master. `stream` has just shown the `prompt`.
    pub(super) fn of_worker(
        stream: Box<dyn Stream>,
        worker: WorkerId,
        prompt: Vec<u8>,
        permit: Permit<'a>,
        reachability: &'a Reachability,
    ) -> Self {
        Self::at_prompt(stream, Prompt::OfWorker(worker, prompt), permit, reachability)
    }

    fn at_prompt(
        stream: Box<dyn Stream>,
        prompt: Prompt,
        permit: Permit<'a>,
        reachability: &'a Reachability,
    ) -> Self {
        let (reader, writer) = split(stream);
        Self {
            reader,
            writer,
            received: Vec::new(),
            prompt,
            reachability,
            permit,
            is_waiting: false,
            is_sent: false,
        }
    }

    /// Returns the text of the prompt.
    pub(crate) fn prompt(&self) -> &[u8] {
        self.prompt.text()
    }

    /// Sends a request and waits for its replies.
    ///
    /// Each reply is the text before its prompt, without the prompts that HAProxy prints for the
    /// lines of a payload.
    pub(crate) async fn send(&mut self, request: &Request, deadline: &Deadline) -> Replies {
        self.run(request.as_bytes(), request.replies(), deadline).await
    }

    /// Waits for one more reply.
    pub(crate) async fn receive(&mut self, deadline: &Deadline) -> Replies {
        self.run(b"", 1, deadline).await
    }

    /// Sends a request to a worker and ends the connection. Returns the replies to all its commands,
    /// without the prompts.
    ///
    /// # Errors
    ///
    /// - The errors of [`StatsSocket::command`](super::StatsSocket::command).
    pub(super) async fn send_last(
        &mut self,
        request: &Request,
        deadline: &Deadline,
        sent: &mut usize,
    ) -> Result<Vec<u8>> {
        let lines = [request.as_bytes(), b"quit\n"].concat();
        (self.is_waiting, self.is_sent) = (true, false);
        let Self { reader, writer, received, prompt, reachability, is_sent, .. } = self;
        let exchange = async {
            let sending = async {
                let sending = exchange::send(writer, &lines, deadline, sent).await;
                *is_sent = matches!(sending, Ok(Ok(())));
                sending
            };
            let (sending, receiving) = join(sending, receive_all(reader, received, deadline)).await;
            receiving?;
            sending?.map_err(|error| Error::new(Problem::Io(error.into())))
        };
        reachability.watch(exchange).await?;
        self.is_waiting = false;
        prompt.remove(&std::mem::take(received), request.has_several_lines())
    }

    async fn run(&mut self, lines: &[u8], count: usize, deadline: &Deadline) -> Replies {
        let mut sent = 0;
        let mut replies = Vec::with_capacity(count);
        let Self { reader, writer, received, prompt, reachability, is_waiting, is_sent, .. } = self;
        (*is_waiting, *is_sent) = (true, lines.is_empty());
        let exchange = async {
            // Concurrently, because HAProxy stops reading while its replies are not read.
            let sending = async {
                let sending = exchange::send(writer, lines, deadline, &mut sent).await;
                *is_sent = matches!(sending, Ok(Ok(())));
                sending
            };
            let receiving = receive(reader, received, prompt, &mut replies, count, deadline);
            let (sending, receiving) = join(sending, receiving).await;
            // The error of receiving comes first: it says more than a broken connection.
            receiving?;
            sending?.map_err(|error| Error::new(Problem::Io(error.into())))
        };
        let ended = reachability.watch(exchange).await;
        let ended = if replies.len() == count { Ok(()) } else { ended };
        *is_waiting = ended.is_err();
        Replies { texts: replies, sent, ended }
    }
}

/// Behind a master, the connection of a reply that the caller no longer waits for is read to its end,
/// because the master keeps it until the worker has answered. If only a part of the lines was sent, the
/// connection is closed at once: `quit` would become a part of the last line.
impl Drop for Interactive<'_> {
    fn drop(&mut self) {
        if !self.is_waiting || !self.is_sent || matches!(self.prompt, Prompt::OfSocket) {
            return;
        }
        let (reader, writer) = split(Box::new(tokio::io::empty()) as Box<dyn Stream>);
        let reader = std::mem::replace(&mut self.reader, reader);
        let stream = reader.unsplit(std::mem::replace(&mut self.writer, writer));
        drain::in_background(stream, "quit\n", self.permit.take_own(), Duration::MAX);
    }
}

impl Prompt {
    fn text(&self) -> &[u8] {
        match self {
            Self::OfSocket => b"> ",
            Self::OfWorker(_, prompt) => prompt,
        }
    }

    /// Finds the next prompt; none begins in the first `scanned` bytes. Returns the length of the reply
    /// before it.
    fn find(&self, bytes: &[u8], scanned: usize) -> Option<usize> {
        let prompt = self.text();
        if matches!(self, Self::OfWorker(..)) && bytes.starts_with(prompt) {
            return Some(0);
        }
        let is_prompt = |part: &[u8]| part.strip_prefix(b"\n") == Some(prompt);
        let at = bytes.get(scanned..)?.windows(prompt.len() + 1).position(is_prompt)?;
        // The line feed before the prompt belongs to the reply.
        Some(scanned + at + 1)
    }

    /// Removes the prompts from the replies to several commands.
    ///
    /// # Errors
    ///
    /// - `Closed` and `Truncated` if the prompt behind the last reply is missing.
    fn remove(&self, bytes: &[u8], has_payload: bool) -> Result<Vec<u8>> {
        let is_lost = matches!(self.problem(bytes), Some(Problem::Closed)) || bytes.is_empty();
        let mut end = bytes.rsplit(|&byte| byte == b'\n').next().unwrap_or_default();
        let has_prompt = self.strip(end).is_some();
        while let Some(rest) = self.strip(end) {
            end = rest;
        }
        if is_lost || !has_prompt || !end.is_empty() {
            let text = format!("{} bytes, and no prompt at the end", bytes.len());
            return Err(Error::new(if is_lost { Problem::Closed } else { Problem::Truncated(text) }));
        }
        // The prompt before the first reply was received before.
        let mut replies = Vec::with_capacity(bytes.len());
        let mut is_behind_prompt = true;
        for mut line in bytes.split_inclusive(|&byte| byte == b'\n') {
            loop {
                if let Some(rest) = self.strip(line) {
                    (line, is_behind_prompt) = (rest, true);
                } else if let Some(rest) =
                    line.strip_prefix(PAYLOAD_PROMPT).filter(|_| has_payload && is_behind_prompt)
                {
                    line = rest;
                } else {
                    break;
                }
            }
            is_behind_prompt = false;
            replies.extend_from_slice(line);
        }
        Ok(replies)
    }

    /// Removes a prompt from the beginning of a line. The prompt of a worker shows the modes that a command
    /// of the connection has switched on: `4711(ex)> ` for `expert-mode` and `experimental-mode`.
    fn strip<'a>(&self, line: &'a [u8]) -> Option<&'a [u8]> {
        let (prompt, end) = (self.text(), b"> ");
        let rest = line.strip_prefix(prompt.strip_suffix(end)?)?;
        let modes = rest.strip_prefix(b"(").and_then(|modes| {
            let letters = modes.iter().take_while(|byte| byte.is_ascii_lowercase()).count();
            modes.get(letters..)?.strip_prefix(b")")
        });
        modes.unwrap_or(rest).strip_prefix(end)
    }

    /// Returns the problem if the master prints a message of its own in the place of a reply.
    fn problem(&self, received: &[u8]) -> Option<Problem> {
        match self {
            Self::OfSocket => None,
            Self::OfWorker(worker, _) => match Message::read(received, *worker) {
                Message::Whole(problem) => Some(problem),
                Message::Part | Message::None => None,
            },
        }
    }
}

/// Receives bytes until the end of the connection.
async fn receive_all(
    reader: &mut ReadHalf<Box<dyn Stream>>,
    received: &mut Vec<u8>,
    deadline: &Deadline,
) -> Result<()> {
    let limit = deadline.limits().max_reply_size;
    loop {
        let reading = reader.read_buf(received);
        match deadline.timeout(RECEIVE, deadline.limits().idle_timeout, reading).await? {
            Ok(0) => return Ok(()),
            Ok(_) if received.len() > limit => return Err(Error::new(Problem::TooLarge { limit })),
            Ok(_) => {}
            Err(error) if exchange::is_gone(&error) => return Ok(()),
            Err(error) => return Err(Error::new(Problem::Io(error.into()))),
        }
    }
}

/// Receives bytes until `replies` holds `count` replies.
async fn receive(
    reader: &mut ReadHalf<Box<dyn Stream>>,
    received: &mut Vec<u8>,
    prompt: &Prompt,
    replies: &mut Vec<Vec<u8>>,
    count: usize,
    deadline: &Deadline,
) -> Result<()> {
    let limit = deadline.limits().max_reply_size;
    let (mut total, mut scanned) = (0, 0);
    loop {
        take(received, scanned, prompt, replies, count);
        scanned = received.len().saturating_sub(prompt.text().len());
        if replies.len() >= count {
            return Ok(());
        }
        if let Some(problem) = prompt.problem(received) {
            return Err(Error::new(problem));
        }
        let read =
            deadline.timeout(RECEIVE, deadline.limits().idle_timeout, reader.read_buf(received)).await?;
        match read {
            Ok(0) if received.is_empty() => return Err(Error::new(Problem::Closed)),
            // A worker shows its prompt behind each reply.
            Ok(0) if matches!(prompt, Prompt::OfWorker(..)) => {
                let text = format!("{} bytes, and no prompt at the end", received.len());
                return Err(Error::new(Problem::Truncated(text)));
            }
            // HAProxy's last message before it closes is the reply to the line.
            Ok(0) => {
                replies.push(std::mem::take(received));
                return Err(Error::new(Problem::Closed));
            }
            Ok(read) => total += read,
            Err(error) if exchange::is_gone(&error) => return Err(Error::new(Problem::Closed)),
            Err(error) => return Err(Error::new(Problem::Io(error.into()))),
        }
        if total > limit {
            return Err(Error::new(Problem::TooLarge { limit }));
        }
    }
}

/// Moves whole replies from `received` to `replies`. No prompt begins in the first `scanned` bytes.
fn take(
    received: &mut Vec<u8>,
    mut scanned: usize,
    prompt: &Prompt,
    replies: &mut Vec<Vec<u8>>,
    count: usize,
) {
    let mut start = 0;
    while replies.len() < count {
        let rest = received.get(start..).unwrap_or_default();
        let Some(end) = prompt.find(rest, scanned) else { break };
        start += end + prompt.text().len();
        scanned = 0;
        let mut reply = rest.get(..end).unwrap_or_default();
        while let Some(behind) = reply.strip_prefix(PAYLOAD_PROMPT) {
            reply = behind;
        }
        replies.push(reply.to_vec());
    }
    received.drain(..start);
}

/// Prompt for each line of a payload. From 3.2 on HAProxy prints it only if the lines arrive one
/// by one.
const PAYLOAD_PROMPT: &[u8] = b"+ ";

#[cfg(test)]
mod tests {
    use tokio_test::io::Builder;

    use super::*;
    use crate::transport::limits::Limits;

    fn connection(stream: impl Stream + 'static) -> Interactive<'static> {
        let reachability = Box::leak(Box::new(Reachability::default()));
        Interactive::new(Box::new(stream), Permit::default(), reachability)
    }

    fn texts(replies: &Replies) -> Vec<&str> {
        replies.texts.iter().map(|reply| std::str::from_utf8(reply).unwrap()).collect()
    }

    #[tokio::test]
    async fn each_line_has_its_reply_however_the_bytes_are_split() {
        let bytes = b"\n> [6]: admin\n\n> + + [3]: no\n\n> + \n> ";
        for size in 1..=bytes.len() {
            let mut builder = Builder::new();
            builder.write(b"a\nb\nc\nd\n");
            for piece in bytes.chunks(size) {
                builder.read(piece);
            }
            let mut connection = connection(builder.build());
            let replies = connection
                .send(&Request::fixed("a", &["a", "b", "c", "d"]), &Deadline::new(Limits::new()))
                .await;
            assert_eq!(texts(&replies), ["\n", "[6]: admin\n\n", "[3]: no\n\n", "\n"], "{size}");
            assert!(replies.ended.is_ok() && replies.sent == 8);
        }
    }

    #[test]
    fn the_prompts_of_a_worker_are_removed_from_its_last_replies() {
        let prompt = Prompt::OfWorker(WorkerId::Number(1), b"47> ".to_vec());
        let read = |bytes: &str, has_payload| {
            let replies = prompt.remove(bytes.as_bytes(), has_payload);
            replies.map_or_else(|error| error.to_string(), |bytes| String::from_utf8(bytes).unwrap())
        };
        for (bytes, has_payload, expected) in [
            ("admin\n\n47> 47> ", false, "admin\n\n"),
            ("47> [3]: no\n\n47> \n47> 47> ", false, "[3]: no\n\n\n"),
            ("+ + + \n47> 47> ", true, "\n"),
            ("\n47> + + \n47> 47> ", true, "\n\n"),
            ("+ a\n+ b\n\n47> 47> ", false, "+ a\n+ b\n\n"),
            ("a\n+ b\n\n47> 47> ", true, "a\n+ b\n\n"),
            ("47(e)> admin\n\n47(e)> 47(e)> ", false, "admin\n\n"),
            ("47(e)> \n47(ex)> 47(ex)> ", false, "\n"),
            ("", false, "closed without an answer"),
            ("admin\n\n47", false, "answer ended early: 9 bytes, and no prompt at the end"),
            ("Can't connect to the target CLI!\n", false, "closed without an answer"),
        ] {
            assert_eq!(read(bytes, has_payload), expected, "{bytes:?}");
        }
    }

    #[tokio::test]
    async fn replies_up_to_the_end_of_the_connection_are_kept() {
        let stream = Builder::new().write(b"a\nb\n").read(b"\n> ").build();
        let replies =
            connection(stream).send(&Request::fixed("a", &["a", "b"]), &Deadline::new(Limits::new())).await;
        assert_eq!(texts(&replies), ["\n"]);
        assert_eq!(replies.ended.unwrap_err().to_string(), "closed without an answer");
    }

    #[tokio::test(start_paused = true)]
    async fn a_process_that_hangs_ends_in_the_limit() {
        let (near, _far) = tokio::io::duplex(64);
        let replies =
            connection(near).send(&Request::fixed("a", &["a"]), &Deadline::new(Limits::new())).await;
        assert_eq!(replies.ended.unwrap_err().to_string(), "receiving: no byte within 5s");
        assert_eq!(replies.sent, 2);
    }
}
