//! Replies on the socket of a master, which HAProxy does not always end by closing.

use crate::error::{Problem, Result};
use crate::excerpt::excerpt;
use crate::level::Level;
use crate::protocol::{Next, ReplyReader};

/// Reader of a reply. It stops at a message after which the master may keep the connection open.
#[derive(Debug)]
pub(super) struct Answer {
    bytes: Vec<u8>,
    /// The message of the master for a command that the level of its socket does not permit. `None`
    /// for commands to a worker: its replies to other commands may follow, and it closes at the end.
    denied: Option<&'static str>,
}

impl Answer {
    /// Creates a reader of the reply of the master itself.
    pub(super) fn of_master() -> Self {
        Self { bytes: Vec::new(), denied: Some(DENIED) }
    }

    /// Creates a reader of the reply of a worker.
    pub(super) fn of_worker() -> Self {
        Self { bytes: Vec::new(), denied: None }
    }

    pub(super) fn into_bytes(self) -> Vec<u8> {
        self.bytes
    }
}

impl ReplyReader for Answer {
    fn feed(&mut self, bytes: &[u8]) -> Result<Next> {
        self.bytes.extend_from_slice(bytes);
        let is_denial = |denied: &str| self.bytes.starts_with(denied.as_bytes());
        let is_refused = self.denied.is_some_and(is_denial) && self.bytes.ends_with(b"\n\n");
        // From 3.0 on the master ignores the commands behind a target that it does not have.
        let is_lost = is_unknown_target(&self.bytes) || is_lost_target(&self.bytes);
        Ok(if is_refused || is_lost { Next::Stop } else { Next::More })
    }
}

/// Returns `true` if the whole reply says that the master has no such worker. The command was sent to
/// no worker.
pub(super) fn is_unknown_target(reply: &[u8]) -> bool {
    is_line(reply, "Can't find the target PID matching the prefix '")
}

/// Returns `true` if the whole reply says that the master reached no worker, or lost it. The worker may
/// have executed the command.
pub(super) fn is_lost_target(reply: &[u8]) -> bool {
    is_line(reply, "Can't connect to the target CLI!")
}

fn is_line(reply: &[u8], start: &str) -> bool {
    let line = reply.strip_suffix(b"\n").unwrap_or_default();
    line.starts_with(start.as_bytes()) && !line.contains(&b'\n')
}

/// Checks that a reply is not the message that the master does not execute the command.
pub(super) fn check(text: &str, needs: Level) -> Result<(), Problem> {
    let first = text.lines().next().unwrap_or_default();
    if first.starts_with("Unknown command") {
        return Err(Problem::Unsupported(excerpt(first).into()));
    }
    if first == DENIED {
        return Err(Problem::PermissionDenied { needs, words: first.into() });
    }
    Ok(())
}

const DENIED: &str = "Permission denied";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reply_without_an_end_is_read_up_to_its_message() {
        for (text, expected) in [
            ("Can't find the target PID matching the prefix '@!7'", Next::More),
            ("Can't find the target PID matching the prefix '@!7'\n", Next::Stop),
            ("Can't connect to the target CLI!\n", Next::Stop),
            ("Can't connect to the target CLI!\nand more\n", Next::More),
            ("Permission denied\n", Next::More),
            ("Permission denied\n\n", Next::Stop),
            ("Name: HAProxy\n\n", Next::More),
        ] {
            assert_eq!(Answer::of_master().feed(text.as_bytes()).unwrap(), expected, "{text:?}");
        }
    }

    #[test]
    fn a_denial_of_a_worker_does_not_end_its_reply() {
        assert_eq!(Answer::of_worker().feed(b"Permission denied\n\n").unwrap(), Next::More);
    }
}
