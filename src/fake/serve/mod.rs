//! The stats sockets of fake processes: connections, requests and replies.

mod connection;
mod line;
mod reply;
mod request;
mod running;
mod shared;
mod socket;

pub use running::Running;

pub(in crate::fake) use connection::{End, converse, fail};
pub(in crate::fake) use line::{commands, parts};
pub(in crate::fake) use reply::{Reply, to_requests};
pub(in crate::fake) use request::{Request, first};
pub(in crate::fake) use shared::Shared;
pub(in crate::fake) use socket::{Host, Socket, Stream};
