//! Bytes to and from one stats socket: where it listens, how long to wait, and
//! one command with its whole reply. What the bytes mean is not known here.

mod backoff;
mod connect;
mod deadline;
mod drain;
mod exchange;
mod framing;
mod interactive;
mod limits;
mod line;
mod permits;
mod prompt;
mod reply;
mod socket;
mod verb;

pub use limits::Limits;
pub use reply::Reply;
pub use socket::StatsSocket;

pub(crate) use deadline::{Deadline, Step};
pub(crate) use exchange::{Flow, Sink};
pub(crate) use framing::check_ending;
pub(crate) use interactive::Interactive;
pub(crate) use line::check as check_line;
pub(crate) use permits::Permits;
pub(crate) use prompt::PromptedReply;
pub(crate) use verb::verb;
