use std::time::Duration;

use super::reader::{Next, ReplyReader};
use crate::error::{Error, Malformed, Problem, Result};

/// Reader of a reply at the interactive prompt, with a proof that the reply is whole.
///
/// A reply with arbitrary content can contain an empty line, so an empty line at its end proves
/// nothing: a connection that breaks there looks complete. A second command sent together with
/// the first command would prove the end, but HAProxy 2.6 and 3.0 never free a connection that
/// the client closes during a long reply while another command waits.
///
/// The second command is therefore sent only when the reply seems to have ended: an empty line
/// and the prompt have arrived. The second command is `prompt`, which switches the prompt off.
/// HAProxy answers with a line feed and closes the connection. The line feed and the close
/// together are the proof.
#[derive(Debug, Default)]
pub(crate) struct PromptedReply {
    /// Number of bytes of [`HEAD`] that have arrived.
    head: usize,
    /// The bytes behind [`HEAD`].
    bytes: Vec<u8>,
    /// Number of bytes at the start of `bytes` that hold no `>`. Most replies do not contain the character at all.
    plain: usize,
    /// True if the second command was sent.
    asked: bool,
}

/// Replies to `prompt` and `set severity-output number`, which are sent before the command.
const HEAD: &[u8] = b"\n> \n> ";

/// End of a reply that is not empty: its empty line and the prompt.
const PROMPT: &[u8] = b"\n\n> ";

/// Silence that must follow a possible end of the reply, if the same bytes already occurred
/// earlier in the reply.
const SILENCE: Duration = Duration::from_millis(50);

impl PromptedReply {
    /// Returns the reply in the form that it has on a connection without a prompt.
    ///
    /// # Errors
    ///
    /// - `Truncated` if the end of the connection is not proved to be the end of the reply.
    pub(crate) fn finish(mut self) -> Result<Vec<u8>> {
        let length = self.bytes.len();
        let is_whole = self.asked && self.bytes.ends_with(b"> \n") && {
            self.bytes.truncate(length - 1);
            self.is_at_prompt()
        };
        if !is_whole {
            let text = format!("{} bytes, and no prompt at the end", self.head + length);
            return Err(Error::new(Problem::Truncated(text)));
        }
        self.bytes.truncate(length - b"> \n".len());
        Ok(self.bytes)
    }

    /// Returns the bytes of the reply that have arrived, with the prompt behind it.
    pub(crate) fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    fn is_at_prompt(&self) -> bool {
        self.bytes == b"\n> " || self.bytes.ends_with(PROMPT)
    }

    /// Returns `true` if the reply contains [`PROMPT`] before its end.
    fn holds_prompt(&self) -> bool {
        let before = self.bytes.len().saturating_sub(PROMPT.len());
        let start = self.plain.saturating_sub(PROMPT.len());
        let reply = self.bytes.get(start..before).unwrap_or_default();
        reply.contains(&b'>') && reply.windows(PROMPT.len()).any(|part| part == PROMPT)
    }
}

impl ReplyReader for PromptedReply {
    fn feed(&mut self, bytes: &[u8]) -> Result<Next> {
        let expected = HEAD.get(self.head..).unwrap_or_default();
        let (head, rest) = bytes.split_at(expected.len().min(bytes.len()));
        if !expected.starts_with(head) {
            let found = bytes.split(|&byte| byte == b'\n').find(|line| !line.is_empty());
            return Err(Malformed::new(1, None, "an interactive prompt", found.unwrap_or_default()).into());
        }
        self.head += head.len();
        let is_plain = self.plain == self.bytes.len() && !rest.contains(&b'>');
        self.bytes.extend_from_slice(rest);
        if is_plain {
            self.plain = self.bytes.len();
        }
        if self.asked || !self.is_at_prompt() {
            return Ok(Next::More);
        }
        if !bytes.is_empty() && self.holds_prompt() {
            return Ok(Next::Pause(SILENCE));
        }
        self.asked = true;
        Ok(Next::Send(b"prompt\n"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Reads a reply that arrives in `pieces`; `|` stands for a silence. The pieces after `!`
    /// arrive only after the second command was sent.
    fn read(pieces: &[&str]) -> Result<String, String> {
        let mut reply = PromptedReply::default();
        for piece in pieces {
            let (piece, asked) = piece.strip_prefix('!').map_or((*piece, false), |piece| (piece, true));
            assert!(!asked || reply.asked, "{pieces:?}: nothing was sent before {piece:?}");
            reply.feed(piece.trim_end_matches('|').as_bytes()).map_err(|error| error.to_string())?;
            if piece.ends_with('|') {
                reply.feed(b"").unwrap();
            }
        }
        reply.finish().map(|bytes| String::from_utf8(bytes).unwrap()).map_err(|error| error.to_string())
    }

    #[test]
    fn a_reply_is_whole_when_the_second_command_is_answered() {
        for (pieces, expected) in [
            (&["\n> \n> 0x1 a b\n\n> ", "!\n"][..], "0x1 a b\n\n"),
            (&["\n> \n> \n> ", "!\n"], "\n"),
            (&["\n", "> ", "\n>", " 0x1 a", " b\n", "\n", ">", " ", "!\n"], "0x1 a b\n\n"),
            (&["\n> \n> [3]: Permission denied\n\n> ", "!\n"], "[3]: Permission denied\n\n"),
            (&["\n> \n> 0x1 a \n\n> |", "!\n"], "0x1 a \n\n"),
        ] {
            assert_eq!(read(pieces), Ok(expected.to_owned()), "{pieces:?}");
        }
    }

    #[test]
    fn an_end_that_is_none_is_found_out() {
        // The text stands at the end of the first piece, and more text follows.
        let pieces = ["\n> \n> 0x1 a\n\n> ", "!b\n0x2 c d\n\n> ", "!\n"];
        assert_eq!(read(&pieces), Ok("0x1 a\n\n> b\n0x2 c d\n\n".to_owned()));
        // After the text occurred once, HAProxy must be silent for a moment.
        let pieces = ["\n> \n> 0x1 a\n\n> b\n0x2 c\n\n> ", "d\n\n> |", "!\n"];
        assert_eq!(read(&pieces), Ok("0x1 a\n\n> b\n0x2 c\n\n> d\n\n".to_owned()));
    }

    #[test]
    fn a_reply_that_ends_anywhere_else_is_truncated() {
        let whole = "\n> \n> 0x1 a\n\n> b\n0x2 c\n\n\n> \n";
        for end in 1..whole.len() {
            let error = format!("answer ended early: {end} bytes, and no prompt at the end");
            assert_eq!(read(&[&whole[..end]]), Err(error), "{:?}", &whole[..end]);
        }
    }

    #[test]
    fn a_peer_without_a_prompt_is_told() {
        for text in ["Unknown command.\n", "\n> Unknown command.\n\n> ", "\n\n\n\n\n\n"] {
            let error = read(&[text]).unwrap_err();
            assert!(error.starts_with("line 1: expected an interactive prompt, found "), "{error}");
        }
    }
}
