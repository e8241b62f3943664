use futures::future::join;
use tokio::io::{AsyncReadExt, ReadHalf, WriteHalf, split};

use super::connect::Stream;
use super::deadline::{Deadline, RECEIVE};
use super::exchange;
use super::permits::{Permit, Reachability};
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
    reachability: &'a Reachability,
    _permit: Permit<'a>,
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
        let (reader, writer) = split(stream);
        Self { reader, writer, received: Vec::new(), reachability, _permit: permit }
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

    async fn run(&mut self, lines: &[u8], count: usize, deadline: &Deadline) -> Replies {
        let mut sent = 0;
        let mut replies = Vec::with_capacity(count);
        let Self { reader, writer, received, reachability, .. } = self;
        let exchange = async {
            // Concurrently, because HAProxy stops reading while its replies are not read.
            let sending = exchange::send(writer, lines, deadline, &mut sent);
            let receiving = receive(reader, received, &mut replies, count, deadline);
            let (sending, receiving) = join(sending, receiving).await;
            // The error of receiving comes first: it says more than a broken connection.
            receiving?;
            sending?.map_err(|error| Error::new(Problem::Io(error.into())))
        };
        let ended = reachability.watch(exchange).await;
        let ended = if replies.len() == count { Ok(()) } else { ended };
        Replies { texts: replies, sent, ended }
    }
}

/// Receives bytes until `replies` holds `count` replies.
async fn receive(
    reader: &mut ReadHalf<Box<dyn Stream>>,
    received: &mut Vec<u8>,
    replies: &mut Vec<Vec<u8>>,
    count: usize,
    deadline: &Deadline,
) -> Result<()> {
    let limit = deadline.limits().max_reply_size;
    let (mut total, mut scanned) = (0, 0);
    loop {
        take(received, scanned, replies, count);
        scanned = received.len().saturating_sub(PROMPT.len() - 1);
        if replies.len() >= count {
            return Ok(());
        }
        let read =
            deadline.timeout(RECEIVE, deadline.limits().idle_timeout, reader.read_buf(received)).await?;
        match read {
            Ok(0) if received.is_empty() => return Err(Error::new(Problem::Closed)),
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
fn take(received: &mut Vec<u8>, scanned: usize, replies: &mut Vec<Vec<u8>>, count: usize) {
    let (mut start, mut scanned) = (0, scanned);
    while replies.len() < count {
        let new = received.get(start + scanned..).unwrap_or_default();
        let Some(at) = new.windows(PROMPT.len()).position(|bytes| bytes == PROMPT) else { break };
        let end = scanned + at;
        let mut rest = received.get(start..).unwrap_or_default();
        start += end + PROMPT.len();
        scanned = 0;
        // The line feed before the prompt belongs to the reply.
        rest = rest.get(..=end).unwrap_or_default();
        while let Some(behind) = rest.strip_prefix(PAYLOAD_PROMPT) {
            rest = behind;
        }
        replies.push(rest.to_vec());
    }
    received.drain(..start);
}

const PROMPT: &[u8] = b"\n> ";

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
