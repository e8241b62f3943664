//! Replies: when one is whole, and what it means.

mod framing;
mod prompt;
mod reader;
mod response;
mod severity;

pub(crate) use framing::{check_ending, is_refusal};
pub(crate) use prompt::PromptedReply;
pub(crate) use reader::{Next, ReplyReader};
pub(crate) use response::{ReadReply, Response, malformed, read_change, read_data};
pub(crate) use severity::without_severity;

use std::borrow::Cow;
use std::fmt;

use crate::error::Result;

/// All that HAProxy answered to one command line, byte for byte.
///
/// The reply is whole: one that ended early is an error instead. It ends as
/// HAProxy ended it, nearly always in an empty line; that of a command which
/// succeeds in silence is a single line feed.
///
/// What a quoted cell holds is not looked at here, and such a cell can hold an
/// empty line: a `show stat` that was cut right behind one passes for whole. The
/// typed reads of this crate find that out, as would any CSV parser at the end
/// of the text.
///
/// [`Display`](fmt::Display) and [`text`](Self::text) show U+FFFD for bytes that
/// are not UTF-8: map values, for one, are any bytes.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct Reply(Vec<u8>);

impl Reply {
    /// Takes the bytes of a connection that reached its end.
    pub(crate) fn new(bytes: Vec<u8>) -> Result<Self> {
        framing::check_ending(&bytes)?;
        Ok(Self(bytes))
    }

    /// The bytes.
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }

    /// The bytes, without a copy.
    pub fn into_bytes(self) -> Vec<u8> {
        self.0
    }

    /// The bytes as text; borrowed if they are UTF-8.
    pub fn text(&self) -> Cow<'_, str> {
        String::from_utf8_lossy(&self.0)
    }
}

impl fmt::Display for Reply {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text())
    }
}

impl fmt::Debug for Reply {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Reply").field(&self.text()).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_are_kept_and_text_is_lossy() {
        let reply = Reply::new(b"k\xff v\n\n".to_vec()).unwrap();
        assert_eq!(reply.to_string(), "k\u{fffd} v\n\n");
        assert_eq!(format!("{reply:?}"), "Reply(\"k\u{fffd} v\\n\\n\")");
        assert_eq!(reply.into_bytes(), b"k\xff v\n\n");
    }
}
