//! Connections to a worker behind the socket of its master.

use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite};

use super::deadline::{Deadline, RECEIVE};
use super::exchange;
use crate::address::WorkerId;
use crate::error::{Error, Malformed, Problem, Result};
use crate::protocol::{Next, ReplyReader};

/// Reader of the reply of a worker that recognises the messages of its master.
pub(super) struct WorkerReply<'a, S> {
    worker: WorkerId,
    sink: &'a mut S,
    /// The first bytes, as long as they may become a message of the master.
    first: Vec<u8>,
    is_of_worker: bool,
    /// The last bytes that were handed on.
    last: Vec<u8>,
}

impl<'a, S: ReplyReader> WorkerReply<'a, S> {
    pub(super) fn new(worker: WorkerId, sink: &'a mut S) -> Self {
        Self { worker, sink, first: Vec::new(), is_of_worker: false, last: Vec::new() }
    }

    /// Hands on the rest at the end of the connection.
    pub(super) fn finish(self) -> Result<()> {
        if !self.is_of_worker && !self.first.is_empty() {
            self.sink.feed(&self.first)?;
        }
        Ok(())
    }

    /// Hands bytes on, unless the worker was lost between two commands of the line.
    fn hand_on(&mut self, bytes: &[u8]) -> Result<Next> {
        self.last.extend_from_slice(bytes);
        if self.last.split(|&byte| byte == b'\n').any(|line| line == LOST) {
            return Err(Error::new(Problem::Closed));
        }
        self.last.drain(..self.last.len().saturating_sub(LOST.len() + 1));
        self.sink.feed(bytes)
    }
}

impl<S: ReplyReader> ReplyReader for WorkerReply<'_, S> {
    fn feed(&mut self, bytes: &[u8]) -> Result<Next> {
        if self.is_of_worker {
            return self.hand_on(bytes);
        }
        self.first.extend_from_slice(bytes);
        match Message::read(&self.first, self.worker) {
            Message::Whole(problem) => Err(Error::new(problem)),
            Message::Part => Ok(Next::More),
            Message::None => {
                self.is_of_worker = true;
                let first = std::mem::take(&mut self.first);
                self.hand_on(&first)
            }
        }
    }
}

/// Message of a master about a worker, in the place of a reply.
pub(super) enum Message {
    /// The line is whole. From 3.0 on the connection may stay open behind it.
    Whole(Problem),
    /// The bytes may be the beginning of a message.
    Part,
    None,
}

impl Message {
    pub(super) fn read(bytes: &[u8], worker: WorkerId) -> Self {
        let is_part = |message: &[u8]| bytes.starts_with(message) || message.starts_with(bytes);
        let (is_unknown, is_lost) = (is_part(UNKNOWN), is_part(LOST));
        match bytes.iter().position(|&byte| byte == b'\n') {
            None if is_unknown || is_lost => Self::Part,
            Some(_) if is_unknown => Self::Whole(Problem::NoWorker(worker)),
            Some(_) if is_lost => Self::Whole(Problem::Closed),
            _ => Self::None,
        }
    }
}

/// Beginning of the message that the master has no such worker. The command was sent to no worker.
const UNKNOWN: &[u8] = b"Can't find the target PID matching the prefix '";

/// Message that the master reached no worker, or lost it. The worker may have executed the command.
const LOST: &[u8] = b"Can't connect to the target CLI!";

/// Begins interactive mode on the socket of a master, and selects the worker. Returns the prompt of
/// the worker, with its process ID.
///
/// # Errors
///
/// - [`Problem::NoWorker`] if the master has no such worker.
/// - [`Problem::Unsupported`] if the peer is no master.
/// - The errors of [`StatsSocket::command`](super::StatsSocket::command).
pub(super) async fn enter<T>(stream: &mut T, worker: WorkerId, deadline: &Deadline) -> Result<Vec<u8>>
where
    T: AsyncRead + AsyncWrite + Unpin + ?Sized,
{
    let lines = format!("prompt\n{worker}\n");
    let sending = exchange::send(stream, lines.as_bytes(), deadline, &mut 0).await?;
    // If the peer is gone, the end of the connection is found below.
    let _ = sending;
    let mut received = Vec::new();
    loop {
        if let Some(prompt) = entered(&received, worker).map_err(Error::new)? {
            return Ok(prompt.to_vec());
        }
        let reading = stream.read_buf(&mut received);
        match deadline.timeout(RECEIVE, deadline.limits().idle_timeout, reading).await? {
            Ok(1..) => {}
            Ok(0) => return Err(Error::new(Problem::Closed)),
            Err(error) if exchange::is_gone(&error) => return Err(Error::new(Problem::Closed)),
            Err(error) => return Err(Error::new(Problem::Io(error.into()))),
        }
    }
}

/// Returns the prompt of the worker, if it has arrived.
fn entered(received: &[u8], worker: WorkerId) -> Result<Option<&[u8]>, Problem> {
    let mut rest = None;
    for prompt in MASTER {
        if prompt.starts_with(received) {
            return Ok(None);
        }
        rest = rest.or(received.strip_prefix(*prompt));
    }
    let rest = rest.ok_or_else(|| Problem::Unsupported("not the socket of a master".into()))?;
    let digits = rest.iter().take_while(|byte| byte.is_ascii_digit()).count();
    match rest.get(digits..).unwrap_or_default() {
        b"" | b">" if digits > 0 || rest.is_empty() => return Ok(None),
        b"> " if digits > 0 => return Ok(Some(rest)),
        _ => {}
    }
    match Message::read(rest, worker) {
        Message::Whole(problem) => Err(problem),
        Message::Part => Ok(None),
        Message::None => Err(Malformed::new(1, None, "the prompt of a worker", rest).into()),
    }
}

/// Prompts of a master. It has the second one after a reload that failed.
const MASTER: &[&[u8]] = &[b"master> ", b"master[ReloadFailed]> "];

#[cfg(test)]
mod tests {
    use super::*;

    struct Kept(Vec<u8>);

    impl ReplyReader for Kept {
        fn feed(&mut self, bytes: &[u8]) -> Result<Next> {
            self.0.extend_from_slice(bytes);
            Ok(Next::More)
        }
    }

    /// Reads a reply that arrives in pieces of each size. Returns the bytes of the worker, or the error.
    fn read(reply: &str) -> Result<String, String> {
        let mut results = (1..=reply.len()).map(|size| {
            let mut kept = Kept(Vec::new());
            let mut reader = WorkerReply::new(WorkerId::Pid(7), &mut kept);
            let fed = reply.as_bytes().chunks(size).try_for_each(|piece| reader.feed(piece).map(drop));
            fed.and_then(|()| reader.finish()).map_err(|error| error.to_string())?;
            Ok(String::from_utf8(kept.0).unwrap())
        });
        let first = results.next().unwrap();
        assert!(results.all(|other| other == first), "{reply:?}");
        first
    }

    #[test]
    fn messages_of_the_master_are_no_reply_of_the_worker() {
        let unknown = Err("the master has no worker @!7".to_owned());
        assert_eq!(read("Can't find the target PID matching the prefix '@!7'\n"), unknown);
        assert_eq!(read("Can't connect to the target CLI!\n"), Err("closed without an answer".to_owned()));
        let reply = "Name: HAProxy\n\nCan't connect to the target CLI!\n";
        assert_eq!(read(reply), Err("closed without an answer".to_owned()));
        for reply in
            ["\n", "C", "Can't find backend.\n\n", "Name: HAProxy\nx: Can't connect to the target CLI!\n"]
        {
            assert_eq!(read(reply), Ok(reply.to_owned()));
        }
    }

    #[tokio::test]
    async fn the_prompt_of_the_worker_has_its_process_id() {
        let malformed = "line 1: expected the prompt of a worker, found ";
        for (bytes, expected) in [
            ("master> 4711> ", "4711> "),
            ("master[ReloadFailed]> 4711> ", "4711> "),
            (
                "master> Can't find the target PID matching the prefix '@1'\nmaster> ",
                "the master has no worker @1",
            ),
            ("\n> Unknown command\n", "unknown to this release: \"not the socket of a master\""),
            ("master> 4711x> ", malformed),
            ("master> > ", malformed),
            ("master> 4711>", "closed without an answer"),
        ] {
            for size in [1, 3, bytes.len()] {
                let mut builder = tokio_test::io::Builder::new();
                builder.write(b"prompt\n@1\n");
                let pieces: Vec<_> = bytes.as_bytes().chunks(size).collect();
                for piece in &pieces {
                    builder.read(piece);
                }
                let mut stream = builder.build();
                let deadline = Deadline::new(crate::transport::Limits::new());
                let said = match enter(&mut stream, WorkerId::Number(1), &deadline).await {
                    Ok(prompt) => String::from_utf8(prompt).unwrap(),
                    Err(error) => error.to_string(),
                };
                // The rest of the script is not read after an error.
                std::mem::forget(stream);
                let is_expected =
                    if expected == malformed { said.starts_with(malformed) } else { said == expected };
                assert!(is_expected, "{bytes:?}: {said}");
            }
        }
    }
}
