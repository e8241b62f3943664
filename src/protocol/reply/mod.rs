//! Replies: the check that a reply is whole, and its meaning.

mod framing;
mod message;
mod prompt;
mod reader;
mod response;
mod severity;
mod unmarked;

pub(crate) use framing::{NEARLY_FULL, check_ending, check_ending_of, is_refusal};
pub(crate) use prompt::PromptedReply;
pub(crate) use reader::{Collect, Next, ReplyReader};
pub(crate) use response::{ReadReply, Response, malformed, read_change, read_data};
pub(crate) use severity::without_severity;
pub(crate) use unmarked::with_severity;

use std::borrow::Cow;
use std::fmt;

use crate::error::Result;

/// HAProxy's answer to one command line, byte for byte.
///
/// The reply is whole: a reply that ended early is an error instead. The bytes end as HAProxy
/// ended them, nearly always with an empty line. If a command succeeds silently, the reply is a
/// single line feed.
///
/// This type does not parse quoted cells, and a quoted cell can contain an empty line. A reply to
/// `show stat` that was cut immediately after such an empty line is therefore taken for whole.
/// The typed reads of this crate detect the cut, and so does any CSV parser at the end of the
/// text. HAProxy 2.2 prints no empty line behind a JSON document, so a dump that was cut behind its
/// first line is also taken for whole if that line is JSON.
///
/// [`Display`](fmt::Display) and [`text`](Self::text) show U+FFFD for bytes that are not UTF-8.
/// Map values, for example, may contain any bytes.
///
/// # Example
///
/// ```no_run
/// # async fn example(socket: haproxyadmin::StatsSocket) -> haproxyadmin::Result<()> {
/// let reply = socket.command("show errors").await?;
/// for line in reply.text().lines() {
///     println!("{line}");
/// }
/// # Ok(())
/// # }
/// ```
#[derive(Clone, PartialEq, Eq, Hash)]
#[doc(alias = "response")]
#[doc(alias = "answer")]
#[doc(alias = "output")]
pub struct Reply(Vec<u8>);

impl Reply {
    /// Checks the bytes of a closed connection and keeps them.
    ///
    /// # Errors
    ///
    /// - The errors of [`check_ending`].
    pub(crate) fn new(bytes: Vec<u8>) -> Result<Self> {
        framing::check_ending(&bytes)?;
        Ok(Self(bytes))
    }

    /// Returns the bytes.
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }

    /// Converts the reply into its bytes without a copy.
    pub fn into_bytes(self) -> Vec<u8> {
        self.0
    }

    /// Returns the bytes as text, borrowed if they are UTF-8.
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
