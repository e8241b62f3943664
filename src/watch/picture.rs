//! The state of all processes and servers, as a watch saw it last.

use std::fmt;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use tokio::time::Instant;

use super::event::Divergence;
use crate::address::Address;
use crate::error::Failure;
use crate::show::{Info, ServerState};
use crate::snapshot::{Label, Record, Snapshot};
use crate::version::Version;

/// The processes and the states of their servers, as a [`Watch`](crate::watch::Watch) saw them last. A
/// value that never changes.
///
/// A watch publishes a picture at the end of each beat, and after each event. The picture holds the
/// change before the event is told.
///
/// # Example
///
/// ```no_run
/// # fn example(watch: haproxyadmin::watch::Watch) {
/// let picture = watch.latest();
/// for process in picture.processes() {
///     println!("{} {:?} {:?}", process.label(), process.status(), process.age());
///     for server in process.servers() {
///         println!("  {}/{} {}", server.backend, server.name, server.operational);
///     }
/// }
/// # }
/// ```
#[derive(Debug, Clone)]
pub struct Picture {
    pub(super) processes: Vec<WatchedProcess>,
    pub(super) divergences: Arc<[Divergence]>,
    pub(super) figures: Option<Snapshot>,
}

/// One process in a [`Picture`]: its identity, and the states of its servers with their age.
///
/// Cheap to clone.
///
/// # Example
///
/// ```no_run
/// # fn example(watch: haproxyadmin::watch::Watch) {
/// use haproxyadmin::watch::ProcessStatus;
///
/// for process in watch.latest().processes() {
///     if process.status() == ProcessStatus::Hung {
///         println!("{}: last answer {:?} ago", process.label(), process.age());
///     }
/// }
/// # }
/// ```
#[derive(Clone)]
pub struct WatchedProcess(pub(super) Arc<Watched>);

/// The contents of a [`WatchedProcess`].
#[derive(Debug, Clone)]
pub(super) struct Watched {
    pub(super) label: Label,
    pub(super) address: Address,
    pub(super) status: ProcessStatus,
    pub(super) failure: Option<Failure>,
    pub(super) seen: Option<Seen>,
    pub(super) ring: Option<Result<(), Failure>>,
}

/// The last answer of a process.
#[derive(Debug, Clone)]
pub(super) struct Seen {
    pub(super) info: Arc<Info>,
    /// Time at which the answer ended, in microseconds since 1970.
    pub(super) read_at: u64,
    pub(super) at: Instant,
    pub(super) servers: Arc<[ServerState]>,
}

/// Status of a process in a watch.
///
/// # Example
///
/// ```no_run
/// # fn example(watch: haproxyadmin::watch::Watch) {
/// use haproxyadmin::watch::ProcessStatus;
///
/// let picture = watch.latest();
/// let running = picture.processes().iter().filter(|one| one.status() == ProcessStatus::Running);
/// println!("{} running", running.count());
/// # }
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[cfg_attr(feature = "serde", serde(rename_all = "lowercase"))]
#[non_exhaustive]
pub enum ProcessStatus {
    /// The process answers.
    Running,
    /// The process answers, and is stopping.
    Stopping,
    /// The process does not answer in time.
    Hung,
    /// The states of the process cannot be read for another reason.
    Failed,
    /// No process listens at the address.
    Gone,
}

impl Picture {
    /// Returns the members of the cluster, ordered by address.
    pub fn processes(&self) -> &[WatchedProcess] {
        &self.processes
    }

    /// Returns the process with this label.
    pub fn process(&self, label: &str) -> Option<&WatchedProcess> {
        self.processes.iter().find(|process| &**process.label() == label)
    }

    /// Returns the state of a server in each process that has it.
    pub fn server<'a>(
        &'a self,
        backend: &'a str,
        name: &'a str,
    ) -> impl Iterator<Item = (&'a WatchedProcess, &'a ServerState)> {
        self.processes.iter().filter_map(move |process| Some((process, process.server(backend, name)?)))
    }

    /// Returns the servers that have had different states in several processes for two beats or longer.
    pub fn divergences(&self) -> &[Divergence] {
        &self.divergences
    }

    /// Returns the figures: the last whole snapshot. `None` if the watch reads
    /// [no figures](crate::watch::WatchOptions::without_figures), or if the first read failed.
    ///
    /// If the watch reads [counters from files](crate::watch::WatchOptions::counters_from_files), the
    /// counters of processes with a file are newer: [`Process::counter_source`](crate::Process::counter_source).
    ///
    /// A process that hung when the snapshot was read is one of its
    /// [`failed`](Snapshot::failed) processes. [`Process::read_at`](crate::Process::read_at) has the time of the
    /// figures of each process.
    pub fn figures(&self) -> Option<&Snapshot> {
        self.figures.as_ref()
    }
}

impl WatchedProcess {
    /// Returns the label of the process.
    pub fn label(&self) -> &Label {
        &self.0.label
    }

    /// Returns the address of its stats socket.
    pub fn address(&self) -> &Address {
        &self.0.address
    }

    /// Returns its status at the last look.
    pub fn status(&self) -> ProcessStatus {
        self.0.status
    }

    /// Returns the reason why it did not answer the last question, or `None` if it did.
    pub fn failure(&self) -> Option<&Failure> {
        self.0.failure.as_ref()
    }

    /// Returns `true` if its [ring](crate::watch::WatchOptions::ring) is followed, so that changes are told at
    /// once.
    pub fn is_ring_followed(&self) -> bool {
        matches!(self.0.ring, Some(Ok(())))
    }

    /// Returns the reason why its ring is not followed. `None` if it is followed, if the first attempt has not
    /// ended, or if the watch follows no ring.
    pub fn ring_failure(&self) -> Option<&Failure> {
        self.0.ring.as_ref()?.as_ref().err()
    }

    /// Returns its last `show info`, from the same moment as the states of its servers. `None` if it has
    /// never answered.
    pub fn info(&self) -> Option<&Info> {
        self.0.seen.as_ref().map(|seen| &*seen.info)
    }

    /// Returns its process ID.
    pub fn pid(&self) -> Option<u64> {
        self.info()?.pid()
    }

    /// Returns its HAProxy release.
    pub fn version(&self) -> Option<Version> {
        self.info()?.version().map(Version::parse)
    }

    /// Returns the time when it started, accurate to a second; up to 2.4, accurate to two.
    pub fn started_at(&self) -> Option<SystemTime> {
        let seen = self.0.seen.as_ref()?;
        let start = Record::start_of(&seen.info, seen.read_at)?;
        SystemTime::UNIX_EPOCH.checked_add(Duration::from_secs(start))
    }

    /// Returns the states of its servers at its last answer: `show servers state`. Empty if it has never
    /// answered. The states of a process that is stopping are those from before.
    pub fn servers(&self) -> &[ServerState] {
        self.0.seen.as_ref().map_or(&[], |seen| &seen.servers)
    }

    /// Returns the state of one of its servers.
    pub fn server(&self, backend: &str, name: &str) -> Option<&ServerState> {
        self.servers().iter().find(|server| *server.backend == *backend && *server.name == *name)
    }

    /// Returns the time of its last answer.
    pub fn read_at(&self) -> Option<SystemTime> {
        SystemTime::UNIX_EPOCH.checked_add(Duration::from_micros(self.0.seen.as_ref()?.read_at))
    }

    /// Returns the time since its last answer, measured now. While the process answers, this is about one
    /// beat at most.
    pub fn age(&self) -> Option<Duration> {
        Some(self.0.seen.as_ref()?.at.elapsed())
    }
}

impl fmt::Debug for WatchedProcess {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("WatchedProcess")
            .field("label", &self.label())
            .field("status", &self.status())
            .field("pid", &self.pid())
            .field("servers", &self.servers().len())
            .finish_non_exhaustive()
    }
}

impl fmt::Display for ProcessStatus {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Running => "running",
            Self::Stopping => "stopping",
            Self::Hung => "hung",
            Self::Failed => "failed",
            Self::Gone => "gone",
        })
    }
}
