//! The stats sockets of fake processes: connections, requests and replies.

mod connection;
mod line;
mod reply;
mod request;
mod running;
mod shared;
mod socket;

pub use running::Running;
