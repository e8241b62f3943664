//! Bytes that arrive on a connection in interactive mode, and the replies in them.

use tokio::io::{AsyncReadExt, ReadHalf};

use super::prompt::{Prompt, without_payload_prompts};
use crate::error::{Error, Problem, Result};
use crate::transport::connect::Stream;
use crate::transport::deadline::{Deadline, RECEIVE};
use crate::transport::exchange;

/// Receives bytes until the end of the connection.
pub(super) async fn receive_all(
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
pub(super) async fn receive(
    reader: &mut ReadHalf<Box<dyn Stream>>,
    received: &mut Vec<u8>,
    prompt: &Prompt,
    replies: &mut Vec<Vec<u8>>,
    count: usize,
    deadline: &Deadline,
    note: impl Fn(&[u8]),
) -> Result<()> {
    let limit = deadline.limits().max_reply_size;
    let (mut total, mut scanned) = (0, 0);
    loop {
        take(received, scanned, prompt, replies, count)?;
        scanned = received.len().saturating_sub(prompt.text().len());
        if replies.len() >= count {
            return Ok(());
        }
        if let Some(problem) = prompt.problem(without_payload_prompts(received)) {
            return Err(Error::new(problem));
        }
        // Behind the end of the worker, the master would execute the rest of a payload.
        if let Some(last) = prompt.before_parting(received) {
            return Err(closed(last, replies));
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
            Ok(0) => return Err(closed(received, replies)),
            Ok(read) => total += read,
            Err(error) if exchange::is_gone(&error) && matches!(prompt, Prompt::OfWorker(..)) => {
                return Err(Error::new(Problem::Closed));
            }
            // HAProxy closes with bytes unread if a payload is too large, and says so before.
            Err(error) if exchange::is_gone(&error) => return Err(closed(received, replies)),
            Err(error) => return Err(Error::new(Problem::Io(error.into()))),
        }
        if total > limit {
            return Err(Error::new(Problem::TooLarge { limit }));
        }
        note(received);
    }
}

/// Adds the last message of HAProxy to the replies: it is the reply to the line. Returns the error of a connection that
/// was closed.
fn closed(last: &[u8], replies: &mut Vec<Vec<u8>>) -> Error {
    let reply = without_payload_prompts(last);
    if !reply.is_empty() {
        replies.push(reply.to_vec());
    }
    Error::new(Problem::Closed)
}

/// Moves whole replies from `received` to `replies`. No prompt begins in the first `scanned` bytes.
///
/// # Errors
///
/// - The problem that the master prints in the place of a reply.
fn take(
    received: &mut Vec<u8>,
    mut scanned: usize,
    prompt: &Prompt,
    replies: &mut Vec<Vec<u8>>,
    count: usize,
) -> Result<()> {
    let mut start = 0;
    while replies.len() < count {
        let rest = received.get(start..).unwrap_or_default();
        let Some(end) = prompt.find(rest, scanned) else { break };
        start += end + prompt.text().len();
        scanned = 0;
        let reply = without_payload_prompts(rest.get(..end).unwrap_or_default());
        if let Some(problem) = prompt.problem(reply) {
            return Err(Error::new(problem));
        }
        replies.push(reply.to_vec());
    }
    received.drain(..start);
    Ok(())
}
