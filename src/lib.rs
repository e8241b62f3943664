//! Manage HAProxy through its stats sockets: many processes, one object for each
//! frontend, backend and server.

mod aggregate;
mod cluster;
mod error;
pub mod field;
mod model;
mod process;
mod transport;

pub use aggregate::{
    Agreement, Bound, ClusterInfo, Failure, Figure, Label, Limit, MaxRange, Process, Snapshot, Uptime,
};
pub use cluster::{Backend, Cluster, ClusterBuilder, Frontend, Ignored, IgnoredReason, Listener, Server};
pub use error::{Error, ErrorKind, Result};
pub use field::Kind;
pub use model::{
    CheckResult, CheckStatus, Dump, Header, Info, Level, ListedSocket, Mode, Reading, Remark, Row,
    ServerAddress, SocketList, StatParser, State, Status, Version,
};
pub use transport::{Address, Limits, Reply, StatsSocket};

/// Merged figures without a cluster: what a [`Snapshot`] holds.
pub mod snapshot {
    pub use crate::aggregate::{Backend, Frontend, Listener, Server};
}
