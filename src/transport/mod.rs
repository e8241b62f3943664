//! Transport of bytes to and from one stats socket: connections, time limits, and the exchange of
//! one command and its whole reply. The module `protocol` encodes the commands and decodes the
//! replies.

mod backoff;
mod connect;
mod deadline;
mod drain;
mod exchange;
mod follow;
mod interactive;
mod limits;
mod parsing_time;
mod permits;
mod socket;
mod worker;

pub use limits::Limits;
pub use socket::StatsSocket;

pub(crate) use deadline::{Deadline, Step};
pub(crate) use follow::Following;
pub(crate) use interactive::{Interactive, Replies};
pub(crate) use permits::Permits;
