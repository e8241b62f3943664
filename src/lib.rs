//! Manage HAProxy through its stats sockets: many processes, one object for each
//! frontend, backend and server.
//!
//! HAProxy runs as many processes: workers of `nbproc` on old releases, several
//! instances on a host, one on each host of a fleet. Every process has a stats
//! socket and counters of its own. This crate is given the sockets, finds out what
//! lives where, and presents each frontend, backend and server as one object: read
//! it and you get the figures of the whole cluster, act on it and the command reaches
//! every process that has it.
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
//! # From the top down
//!
//! - [`Cluster`]: many processes. Finds them, asks all of them at once, and gives
//!   [`Frontend`], [`Backend`], [`Server`] and [`Listener`] with their figures;
//!   [`FrontendRef`], [`BackendRef`], [`ServerRef`], [`Map`] and [`Acl`] from their
//!   names alone, without asking anybody.
//! - [`Outcomes`]: what became of a command on each process.
//! - [`Snapshot`]: what they said at one moment, a value that can be kept, sent
//!   elsewhere and [joined](Snapshot::join) with others.
//! - [`StatsSocket`]: one process, one command and its whole reply, verbatim.
//! - [`StatParser`]: `show stat` from bytes alone, without any I/O.
//!
//! # Accessors
//!
//! Every column of `show stat` and every key of `show info` has an accessor that
//! is named as HAProxy names it and documented with its unit, its release and its
//! merge rule; [`field`] has the tables they are made from. An accessor never
//! waits. `None` is an empty cell, or one that the release does not have; a cell
//! that is malformed is an error of the whole reading, never a `None`. Columns
//! that are newer than this crate are kept as text and found by name.
//!
//! # Many values become one
//!
//! Counters, gauges and rates are summed; counters that processes keep together count
//! once ([`guide::shared_counters`]). A maximum becomes a
//! [range](CountRange): the sum of the maxima of all processes is an upper bound and
//! not a fact. Ages take the youngest event. Times are means that weigh each
//! process by its samples. A [`Limit`] is that of each process and of all
//! together. What should be the same everywhere (states, weights, addresses) is an
//! [`Agreement`]: the common value, or what each process says. Nobody votes.
//!
//! # When a part fails
//!
//! A process that is down, hung or cut off never hides the others and costs no
//! more than its own [`Limits`]. Reads fail unless every member answered, with
//! [`ErrorKind::Incomplete`] or the kind that all failures have in common, and the error
//! holds the answers of the others;
//! [`Cluster::allow_partial`] takes what there is. A reply is complete or it is an
//! error: a dump that was cut short is never read as a smaller cluster.
//!
//! # Where strings come from outside
//!
//! No name, key or value can run a second command or reach another object: see
//! [`guide::arguments`]. What differs between releases of HAProxy is in
//! [`guide::versions`].
//!
//! # Features
//!
//! - `serde` (default): `Serialize` and `Deserialize` for [`Snapshot`] and the values it
//!   is made of; `Serialize` for the views of it ([`Frontend`], [`Backend`], [`Server`],
//!   [`Listener`], [`ClusterInfo`], [`Process`], [`Row`]), and for [`Error`] and
//!   [`Outcomes`].
//! - `fake`: an in-process stats socket that answers like HAProxy, to test what is
//!   built on this crate.

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
