//! Replies on the socket of a master, which HAProxy does not always end by closing.

use crate::error::{Problem, Result};
use crate::excerpt::excerpt;
use crate::level::Level;
use crate::protocol::{Next, ReplyReader};

/// Reader of a reply. It stops at a message after which the master may keep the connection open.
#[derive(Debug, Default)]
pub(super) struct Answer(Vec<u8>);

impl Answer {
    pub(super) fn into_bytes(self) -> Vec<u8> {
        self.0
    }
}

impl ReplyReader for Answer {
    fn feed(&mut self, bytes: &[u8]) -> Result<Next> {
        self.0.extend_from_slice(bytes);
        let is_refused = self.0.starts_with(DENIED.as_bytes()) && self.0.ends_with(b"\n\n");
        // From 3.0 on the master ignores the commands behind a target that it does not have.
        Ok(if is_refused || is_lost_target(&self.0) { Next::Stop } else { Next::More })
    }
}

/// Returns `true` if the whole reply says that the master has no such worker.
pub(super) fn is_lost_target(reply: &[u8]) -> bool {
    let line = reply.strip_suffix(b"\n").unwrap_or_default();
    LOST.iter().any(|start| line.starts_with(start.as_bytes())) && !line.contains(&b'\n')
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

/// Beginnings of the messages for a worker that does not exist, or has just ended.
const LOST: &[&str] =
    &["Can't find the target PID matching the prefix '", "Can't connect to the target CLI!"];

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
            assert_eq!(Answer::default().feed(text.as_bytes()).unwrap(), expected, "{text:?}");
        }
    }
}
