//! Replies on the socket of a master, which HAProxy does not always end by closing.

use crate::error::{Problem, Result};
use crate::excerpt::excerpt;
use crate::level::Level;
use crate::protocol::{Next, ReplyReader};

/// Reader of a reply of the master itself. It stops at the message for a command that the level of the
/// socket does not permit: the master may keep the connection open behind it.
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
        let is_denied = self.0.starts_with(DENIED.as_bytes()) && self.0.ends_with(b"\n\n");
        Ok(if is_denied { Next::Stop } else { Next::More })
    }
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
            ("Permission denied\n", Next::More),
            ("Permission denied\n\n", Next::Stop),
            ("Name: HAProxy\n\n", Next::More),
        ] {
            assert_eq!(Answer::default().feed(text.as_bytes()).unwrap(), expected, "{text:?}");
        }
    }
}
