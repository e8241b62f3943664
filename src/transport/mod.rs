//! Bytes to and from one stats socket: where it listens, how long to wait, and
//! one command with its whole reply. What the bytes mean is not known here.

mod backoff;
mod connect;
mod deadline;
mod drain;
mod exchange;
mod interactive;
mod limits;
mod permits;
mod socket;

pub use limits::Limits;
pub use socket::StatsSocket;

pub(crate) use deadline::{Deadline, Step};
pub(crate) use interactive::Interactive;
pub(crate) use permits::Permits;
