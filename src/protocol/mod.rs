//! Encoding of commands and decoding of replies, without any I/O.

mod abandoned;
mod change;
mod command;
mod entry_ref;
mod keyword;
mod line;
mod name;
mod nbproc;
mod payload;
mod reply;
mod request;
mod session_id;
mod verb;

pub use change::Change;
pub use entry_ref::EntryRef;
pub use reply::Reply;
pub use session_id::SessionId;

pub(crate) use abandoned::Abandoned;
pub(crate) use command::{Command, Form, Idempotency};
pub(crate) use keyword::keywords;
pub(crate) use name::{Host, ProxyName, ServerName};
pub(crate) use nbproc::Nbproc;
pub(crate) use payload::Payload;
pub(crate) use reply::{
    Collect, NEARLY_FULL, Next, PromptedReply, ReadReply, ReplyReader, Response, check_ending,
    check_ending_of, is_refusal, malformed, read_change, read_data, with_severity, without_severity,
};
pub(crate) use request::Request;
pub(crate) use verb::verb;
