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
//!   elsewhere and [joined](Snapshot::join) with others. [`Snapshot::since`] returns the rates of all
//!   counters since an earlier one.
//! - [`StatsSocket`]: one process. Sends a command and returns its whole reply, verbatim.
//! - [`watch::Watch`]: one poll of all processes for any number of readers, with the last states and a
//!   stream of changes.
//! - [`master::Master`]: a master process. Lists its workers, old ones included, and reloads.
//! - [`stat::StatParser`]: `show stat` from bytes alone, without any I/O.
//! - [`guide`]: the operator's manual.
//!
//! The values that these types return are in modules: [`stat`], [`info`], [`server`], [`backend`], [`map`],
//! [`session`], [`table`], [`certificate`], [`membership`], [`global`], [`snapshot`] and [`field`].
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
//! ([`guide::shared_counters`]). A maximum becomes a [`snapshot::CountRange`], because the sum
//! of the maxima of all processes is an upper bound and not a fact. Ages take the youngest
//! event. Times are means, weighted by the samples of each process. A [`snapshot::Limit`] has the
//! limit of each process and the limit of all together. Values that should be the same everywhere
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
//!   [`Listener`], [`snapshot::ClusterInfo`], [`Process`], [`stat::Row`]), and for [`Error`] and
//!   [`Outcomes`].
//! - `fake`: a stats socket in the same program that answers like HAProxy, for tests of
//!   programs that use this crate.
//! - `tool`: the program `haproxytool`.

mod address;
mod cluster;
mod count;
mod error;
mod excerpt;
#[cfg(feature = "fake")]
pub mod fake;
pub mod field;
pub mod guide;
mod level;
pub mod master;
mod object;
mod operate;
mod process;
mod protocol;
mod shm;
mod show;
pub mod snapshot;
mod transport;
mod version;
pub mod watch;

pub use address::{Address, ParseAddressError};
pub use cluster::{Cluster, ClusterBuilder, Outcome, Outcomes, Selector, SnapshotStream};
pub use error::{Error, ErrorKind, Result};
pub use level::Level;
pub use object::{Acl, Backend, BackendRef, Frontend, FrontendRef, Listener, Map, Server, ServerRef, Weight};
pub use protocol::{Change, Reply};
pub use show::AdminState;
pub use show::stat::Scope;
#[doc(inline)]
pub use snapshot::{Agreement, Process, Snapshot};
pub use transport::{Limits, StatsSocket};
pub use version::Version;

/// TLS certificates, CA files, CRL files, crt-lists and OCSP responses: [`Cluster::certificate`],
/// [`Cluster::ca_file`], [`Cluster::crl_file`], [`Cluster::crt_list`] and [`Cluster::ocsp_responses`].
pub mod certificate {
    pub use crate::object::{CaFile, Certificate, CrlFile, CrtList, NewCrtListEntry};
    pub use crate::show::{
        CaFileDetails, CertificateDetails, CertificateStatus, Crl, CrlFileDetails, CrtListEntry,
        ListedCaFile, ListedCertificate, ListedCrlFile, ListedOcspResponse, OcspCertificate, OcspId,
        OcspResponse, OcspStatus, OcspUpdate, RevokedCertificate, X509,
    };
}

/// Values for the settings and counters of whole processes: [`Cluster::set_rate_limit`],
/// [`Cluster::clear_counters`].
pub mod global {
    pub use crate::object::{Counters, RateLimit};
}

/// Reports of processes about themselves: `show info` and the commands beside it, and the reports
/// that [`Cluster::show`] reads as text.
pub mod info {
    pub use crate::object::TextReport;
    pub use crate::show::{Info, InfoIter, ListedSocket, ProcessReport, SocketList};
}

/// Entries of a [`Map`] or an [`Acl`], and the differences between processes.
pub mod map {
    pub use crate::object::{Contents, Difference, Lookup, NewValue, PatternId, PatternKind, Plan};
    pub use crate::protocol::EntryRef;
    pub use crate::show::{Entry, PatternInfo};
}

/// Sockets that a [`Cluster`] ignores, and processes that it requires.
pub mod membership {
    pub use crate::cluster::{Ignored, IgnoredReason};
    pub use crate::snapshot::requirement::{Required, Requirement};
}

/// The description of a backend to make: [`BackendRef::add`].
pub mod backend {
    pub use crate::object::NewBackend;
}

/// Terms, progress and outcomes of a drain: [`ServerRef::drain`].
pub mod drain {
    pub use crate::operate::{Drain, DrainEnd, DrainProgress, Drained, Draining};
}

/// Peers, between which HAProxy copies the entries of stick tables: [`Cluster::peers`].
pub mod peers {
    pub use crate::show::{Peer, PeersSection, SharedTable};
}

/// Resolvers, and the counters of their name servers: [`Cluster::resolvers`].
pub mod resolvers {
    pub use crate::show::{Nameserver, ResolversSection};
}

/// Rings of events, such as the log lines of requests: [`Cluster::rings`], [`Cluster::events`] and
/// [`Cluster::follow_events`].
pub mod ring {
    pub use crate::object::{EventStream, Followed, News};
    pub use crate::show::{Event, Ring};
}

/// States, weights and health of a [`Server`], and the description of a server to add or delete.
pub mod server {
    pub use crate::object::{
        AgentCheck, AgentState, Health, HealthCheck, NewServer, Removal, ServerTemplate, ServerWeight, Tls,
    };
    pub use crate::show::{AdminFlags, OperationalState, ServerConnections, ServerState};
}

/// The state that a cluster should have: its plan, its application, and the loop that keeps it:
/// [`Cluster::plan`], [`Cluster::apply`], [`Cluster::reconcile`], and [`Cluster::drift`].
pub mod reconcile {
    pub use crate::operate::{
        Applied, Apply, ApplyProgress, Applying, Blocked, BlockedReason, Desired, DesiredBackend,
        DesiredServer, EntryChanges, Plan, Reconcile, ReconcileEvent, Reconciling, Reference, ServerChange,
        Step,
    };
}

/// Work on the servers of a backend, a few at a time: [`BackendRef::roll`].
pub mod rolling {
    pub use crate::operate::{Rolling, RollingError, RollingStep};
}

/// Sessions of processes: [`Cluster::sessions`], [`Cluster::shutdown_session`].
pub mod session {
    pub use crate::protocol::SessionId;
    pub use crate::show::Session;
}

/// Settings of servers and entries of maps and ACLs to remember and to restore, over a reload:
/// [`Cluster::settings`], [`Cluster::settings_with`], [`Cluster::restore`].
pub mod settings {
    pub use crate::operate::{
        EntryChange, EntryLeft, EntrySetting, LeftReason, PatternRestoration, PatternSettings,
        ProcessPatterns, ProcessSettings, Remember, Restoration, Restore, ServerSettings, Setting,
        SettingChange, SettingLeft, SettingName, Settings, ShownServer, UnclearEntry, UnreadPatterns,
        UnreadProcess,
    };
}

/// Conditions to wait for: [`ServerRef::wait_until`], [`BackendRef::wait_until`] and
/// [`Cluster::wait_until`].
pub mod wait {
    pub use crate::operate::{
        Condition, HasWeight, IsComplete, IsDown, IsDrained, IsIdle, IsUp, ServersUp, Waited, has_weight,
        is_complete, is_down, is_drained, is_idle, is_up, servers_up,
    };
}

/// Tables of `show stat`: the parser, the rows, and the values of their cells.
pub mod stat {
    pub use crate::field::RowKind;
    pub use crate::show::stat::{
        CheckResult, CheckStatus, Header, Mode, Row, ServerAddress, StatParser, StatTable, State, Status,
        StatusDetail,
    };
}

/// Stick tables: [`Cluster::table`] and [`Cluster::tables`].
pub mod table {
    pub use crate::object::{
        Comparison, Condition, MergedDatum, MergedEntry, MergedTable, MergedValue, StickTable,
    };
    pub use crate::show::{Datum, KeyType, TableEntries, TableEntriesIter, TableEntry, TableInfo};
}

/// Compiles the examples of the README.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
