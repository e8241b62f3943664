//! Commands as text and replies as meaning, without any I/O.

mod abandoned;
mod change;
mod command;
mod entry_ref;
mod framing;
mod keyword;
mod line;
mod name;
mod nbproc;
mod payload;
mod prompt;
mod reader;
mod reply;
mod request;
mod response;
mod severity;
mod verb;

pub use change::Change;
pub use entry_ref::Reference;
pub use reply::Reply;

pub(crate) use abandoned::Abandoned;
pub(crate) use command::{Command, Form, Idempotency};
pub(crate) use framing::{check_ending, is_refusal};
pub(crate) use keyword::keywords;
pub(crate) use name::{Host, ProxyName, ServerName};
pub(crate) use nbproc::Nbproc;
pub(crate) use payload::Payload;
pub(crate) use prompt::PromptedReply;
pub(crate) use reader::{Next, ReplyReader};
pub(crate) use request::Request;
pub(crate) use response::{ReadReply, Response, malformed, read_change, read_data};
pub(crate) use severity::without_severity;
pub(crate) use verb::verb;
