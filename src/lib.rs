//! Manage HAProxy through its stats sockets: many processes, one object for each
//! frontend, backend and server.
//!
//! HAProxy runs as many processes: workers of `nbproc` on old releases, several
//! instances on a host, one on each host of a fleet. Every process has its own stats
//! socket and its own counters. This crate is given the sockets, finds the processes,
//! and presents each frontend, backend and server as one object: a read returns the
//! figures of the whole cluster, and a change reaches every process that has the object.
//!
//! ```no_run
//! # async fn example() -> haproxyadmin::Result<()> {
//! use haproxyadmin::Cluster;
//!
//! let cluster = Cluster::from_dir("/run/haproxy").await?;
//! for frontend in cluster.frontends().await? {
//!     println!("{} {} {:?}", frontend.name(), frontend.requests(), frontend.processes());
//! }
//! let web1 = cluster.server("app", "web1").await?;
//! println!("{} weight {:?}", web1.status(), web1.weight());
//! web1.set_state(haproxyadmin::AdminState::Drain).await?;
//! # Ok(())
//! # }
//! ```
//!
//! # Overview
//!
//! - [`Cluster`]: many processes. Finds them, reads all of them at the same time, and
//!   returns [`Frontend`], [`Backend`], [`Server`] and [`Listener`] with their figures. Makes
//!   [`FrontendRef`], [`BackendRef`], [`ServerRef`], [`Map`] and [`Acl`] from their
//!   names alone, without I/O.
//! - [`Outcomes`]: the outcome of a command on each process.
//! - [`Snapshot`]: the replies of all processes at one moment, a value that can be kept, sent
//!   elsewhere and [joined](Snapshot::join) with others.
//! - [`StatsSocket`]: one process. Sends a command and returns its whole reply, verbatim.
//! - [`StatParser`]: `show stat` from bytes alone, without any I/O.
//! - [`guide`]: the operator's manual.
//!
//! # Accessors
//!
//! Every column of `show stat` and every key of `show info` has an accessor with HAProxy's
//! name for it. The accessor is documented with its unit, its release and its merge rule;
//! [`field`] has the tables from which the accessors are made. An accessor never waits.
//! `None` is an empty cell, or a cell that the release does not have. A malformed cell is an
//! error of the whole read, never a `None`. Columns that are newer than this crate are kept
//! as text and found by name.
//!
//! # Merged values
//!
//! Counters, gauges and rates are summed; counters that processes share count once
//! ([`guide::shared_counters`]). A maximum becomes a [range](CountRange), because the sum of
//! the maxima of all processes is an upper bound and not a fact. Ages take the youngest
//! event. Times are means, weighted by the samples of each process. A [`Limit`] has the limit
//! of each process and the limit of all together. Values that should be the same everywhere
//! (states, weights, addresses) become an [`Agreement`]: the common value, or the value of
//! each process. There is no majority vote.
//!
//! # Partial failure
//!
//! A process that is down, hung or cut off never hides the others, and costs no more than its
//! own [`Limits`]. Reads fail unless every member answered, with [`ErrorKind::Incomplete`] or
//! the kind that all failures have in common. The error holds the answers of the other
//! processes; [`Cluster::allow_partial`] returns them instead of the error. A reply is complete
//! or it is an error: a dump that was cut short is never read as a smaller cluster.
//! [`guide::fan_out`] describes the outcomes of changes, [`guide::cancellation`] the effect of
//! dropping a future.
//!
//! # Strings from outside
//!
//! No name, key or value can run a second command or reach another object: see
//! [`guide::arguments`]. [`guide::commands`] lists the commands that are sent, and
//! [`guide::versions`] the differences between releases of HAProxy.
//!
//! # Features
//!
//! - `serde` (default): `Serialize` and `Deserialize` for [`Snapshot`] and the values that it
//!   consists of; `Serialize` for the views of it ([`Frontend`], [`Backend`], [`Server`],
//!   [`Listener`], [`ClusterInfo`], [`Process`], [`Row`]), and for [`Error`] and
//!   [`Outcomes`].
//! - `fake`: a stats socket in the same program that answers like HAProxy, for tests of
//!   programs that use this crate.
//! - `tool`: the program `haproxytool`.

mod address;
mod cluster;
mod error;
mod excerpt;
#[cfg(feature = "fake")]
pub mod fake;
pub mod field;
pub mod guide;
mod level;
mod object;
mod process;
mod protocol;
mod shm;
mod show;
pub mod snapshot;
mod transport;
mod version;

pub use address::{Address, ParseAddressError};
pub use cluster::{Cluster, ClusterBuilder, Ignored, IgnoredReason, Outcome, Outcomes, Selector};
pub use error::{Error, ErrorKind, Failure, Result};
pub use field::RowKind;
pub use level::Level;
pub use object::{
    Acl, AgentState, Backend, BackendRef, Contents, Counters, Difference, Frontend, FrontendRef, Health,
    Listener, Lookup, Map, PatternId, RateLimit, Server, ServerRef, ServerWeight, Weight,
};
pub use protocol::{Change, EntryRef, Reply};
pub use show::stat::{
    CheckResult, CheckStatus, Header, Mode, Row, ServerAddress, StatParser, StatTable, State, Status,
    StatusDetail,
};
pub use show::{
    AdminFlags, AdminState, Entry, Info, ListedSocket, OperationalState, PatternInfo, ProcessReport,
    ServerState, SocketList,
};
pub use snapshot::{
    Agreement, Bound, ClusterInfo, CountRange, CounterSharing, Label, Limit, MetricValue, Process, Required,
    Requirement, Sharers, ShmStatsFile, Snapshot, Uptime,
};
pub use transport::{Limits, StatsSocket};
pub use version::Version;

/// Compiles the examples of the README.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
