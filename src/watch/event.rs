//! Events of a watch.

use std::fmt;
use std::time::SystemTime;

use crate::error::Failure;
use crate::show::{AdminState, OperationalState};
use crate::snapshot::Label;

/// An event, and the time when the watch saw it: an item of [`Events`](crate::watch::Events).
///
/// With the feature `serde` it is written as one map: `at` in microseconds since 1970, `event` with the
/// name of the event in lower case (`operational`), and the fields of the event.
///
/// # Example
///
/// ```no_run
/// # async fn example(watch: haproxyadmin::watch::Watch) {
/// use futures::StreamExt as _;
///
/// let mut events = watch.events();
/// while let Some(occurrence) = events.next().await {
///     println!("{:?} {}", occurrence.at, occurrence.event);
/// }
/// # }
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[non_exhaustive]
pub struct Occurrence {
    /// Time when the watch saw the event, by the clock of this host. The watch sees a change when the
    /// process answers. Without a [ring](crate::watch::WatchOptions::ring), the change happened up to one beat
    /// before that, or longer if the process was slow to answer.
    #[cfg_attr(feature = "serde", serde(serialize_with = "micros"))]
    pub at: SystemTime,
    /// The event.
    #[cfg_attr(feature = "serde", serde(flatten))]
    pub event: Event,
}

/// A change that a [`Watch`](crate::watch::Watch) saw.
///
/// `Display` writes it as a line for people.
///
/// # Example
///
/// ```no_run
/// # fn example(event: haproxyadmin::watch::Event) {
/// use haproxyadmin::server::OperationalState;
/// use haproxyadmin::watch::Event;
///
/// match event {
///     Event::Operational { process, backend, server, to: OperationalState::Stopped, reason, .. } => {
///         println!("{process}: {backend}/{server} is down: {}", reason.unwrap_or_default());
///     }
///     Event::Restarted { process, .. } => println!("{process} has forgotten changes at run time"),
///     Event::Missed { events } => println!("{events} events missed: read the latest picture"),
///     _ => {}
/// }
/// # }
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[cfg_attr(feature = "serde", serde(tag = "event", rename_all = "snake_case"))]
#[non_exhaustive]
pub enum Event {
    /// A process answers for the first time, or again after it had [left](Event::Left).
    Joined {
        /// Label of the process.
        process: Label,
        /// Its process ID.
        pid: Option<u64>,
    },
    /// A process is gone: no process listens at its address, or the master does not list it any more. A host
    /// that cannot be reached has [failed](Event::Failed).
    Left {
        /// Label of the process.
        process: Label,
        /// The process ID that it had.
        pid: Option<u64>,
    },
    /// Another process answers at an address, after a restart or a reload. It has the states of its
    /// configuration, and has forgotten changes at run time, such as a drain.
    ///
    /// Events follow for the servers that had another state in the former process.
    Restarted {
        /// Label of the process.
        process: Label,
        /// Process ID of the former process.
        from: Option<u64>,
        /// Process ID of the process that answers now. In a container it can be the same.
        to: Option<u64>,
    },
    /// A process is stopping: it serves its last connections and then ends (`Stopping: 1`). The states of
    /// its servers are not read any more.
    Stopping {
        /// Label of the process.
        process: Label,
        /// Its process ID.
        pid: Option<u64>,
    },
    /// A process does not answer within the [`Limits`](crate::Limits) of the watch.
    Hung {
        /// Label of the process.
        process: Label,
        /// Limit that passed.
        failure: Failure,
    },
    /// The states of a process cannot be read, for another reason than those of [`Left`](Event::Left) and
    /// [`Hung`](Event::Hung), such as a socket that this program may not connect to, or the name of a host
    /// that cannot be looked up.
    Failed {
        /// Label of the process.
        process: Label,
        /// Reason.
        failure: Failure,
    },
    /// A process that hung or failed answers again. It is the same process as before.
    Back {
        /// Label of the process.
        process: Label,
    },
    /// The operational state of a server changed in a process.
    Operational {
        /// Label of the process.
        process: Label,
        /// Name of the backend.
        backend: Box<str>,
        /// Name of the server.
        server: Box<str>,
        /// State at the last look.
        from: OperationalState,
        /// State now.
        to: OperationalState,
        /// HAProxy's words, such as `is DOWN, reason: Layer4 timeout, check duration: 2000ms`, if the
        /// [ring](crate::watch::WatchOptions::ring) had a line about the server. 256 characters at most.
        #[cfg_attr(feature = "serde", serde(skip_serializing_if = "Option::is_none"))]
        reason: Option<Box<str>>,
    },
    /// The administrative state of a server changed in a process.
    Administrative {
        /// Label of the process.
        process: Label,
        /// Name of the backend.
        backend: Box<str>,
        /// Name of the server.
        server: Box<str>,
        /// State at the last look.
        from: AdminState,
        /// State now.
        to: AdminState,
        /// HAProxy's words, if the [ring](crate::watch::WatchOptions::ring) had a line about the server. 256
        /// characters at most.
        #[cfg_attr(feature = "serde", serde(skip_serializing_if = "Option::is_none"))]
        reason: Option<Box<str>>,
    },
    /// A process has a server that it did not have at the last look.
    ServerAdded {
        /// Label of the process.
        process: Label,
        /// Name of the backend.
        backend: Box<str>,
        /// Name of the server.
        server: Box<str>,
    },
    /// A process does not have a server any more.
    ServerRemoved {
        /// Label of the process.
        process: Label,
        /// Name of the backend.
        backend: Box<str>,
        /// Name of the server.
        server: Box<str>,
    },
    /// Processes have had different states of a server for two beats.
    DivergenceBegan(Divergence),
    /// The states of a server do not differ between processes any more.
    DivergenceEnded {
        /// Name of the backend.
        backend: Box<str>,
        /// Name of the server.
        server: Box<str>,
    },
    /// The [ring](crate::watch::WatchOptions::ring) of a process is followed from now on: changes are told at
    /// once, with their reasons.
    RingFollowed {
        /// Label of the process.
        process: Label,
    },
    /// The ring of a process is not followed, because it does not exist, or because the connection has ended.
    /// The watch tries again, after pauses of up to 10 seconds. Changes are told at the next beat, without
    /// reasons.
    RingFailed {
        /// Label of the process.
        process: Label,
        /// Reason.
        failure: Failure,
    },
    /// This reader was too slow and missed this many events. The poll and the other readers were not
    /// delayed. [`Watch::latest`](crate::watch::Watch::latest) has all states as they are now.
    Missed {
        /// Number of events.
        events: u64,
    },
}

/// Different administrative or operational states of one server in several processes.
///
/// Processes that are stopping do not count. A process that hangs counts with its last known states.
///
/// # Example
///
/// ```no_run
/// # fn example(watch: haproxyadmin::watch::Watch) {
/// for divergence in watch.latest().divergences() {
///     println!("{}/{}", divergence.backend, divergence.server);
///     for state in &divergence.states {
///         println!("  {}: {} {}", state.process, state.operational, state.administrative);
///     }
/// }
/// # }
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[non_exhaustive]
pub struct Divergence {
    /// Name of the backend.
    pub backend: Box<str>,
    /// Name of the server.
    pub server: Box<str>,
    /// The state in each process that has the server, in the order of the processes.
    pub states: Vec<StateIn>,
}

/// State of a server in one process: a part of a [`Divergence`].
///
/// # Example
///
/// ```no_run
/// # fn example(state: haproxyadmin::watch::StateIn) {
/// println!("{}: {} {}", state.process, state.operational, state.administrative);
/// # }
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[non_exhaustive]
pub struct StateIn {
    /// Label of the process.
    pub process: Label,
    /// Operational state.
    pub operational: OperationalState,
    /// Administrative state.
    pub administrative: AdminState,
}

#[cfg(feature = "serde")]
fn micros<S: serde::Serializer>(at: &SystemTime, serializer: S) -> Result<S::Ok, S::Error> {
    let since = at.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    serializer.serialize_u64(u64::try_from(since.as_micros()).unwrap_or(u64::MAX))
}

impl fmt::Display for Event {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Joined { process, pid } => write!(f, "{process}: joined{}", Pid(*pid)),
            Self::Left { process, pid } => write!(f, "{process}: left{}", Pid(*pid)),
            Self::Restarted { process, from, to } => {
                write!(f, "{process}: restarted{}, before{}", Pid(*to), Pid(*from))
            }
            Self::Stopping { process, pid } => write!(f, "{process}: stopping{}", Pid(*pid)),
            Self::Hung { process, failure } => write!(f, "{process}: hung: {failure}"),
            Self::Failed { process, failure } => write!(f, "{process}: failed: {failure}"),
            Self::Back { process } => write!(f, "{process}: back"),
            Self::Operational { process, backend, server, from, to, reason } => {
                write!(f, "{process}: {backend}/{server}: {from} -> {to}{}", Reason(reason.as_deref()))
            }
            Self::Administrative { process, backend, server, from, to, reason } => {
                write!(f, "{process}: {backend}/{server}: {from} -> {to}{}", Reason(reason.as_deref()))
            }
            Self::ServerAdded { process, backend, server } => {
                write!(f, "{process}: {backend}/{server}: added")
            }
            Self::ServerRemoved { process, backend, server } => {
                write!(f, "{process}: {backend}/{server}: removed")
            }
            Self::DivergenceBegan(divergence) => divergence.fmt(f),
            Self::DivergenceEnded { backend, server } => write!(f, "{backend}/{server}: no longer differs"),
            Self::RingFollowed { process } => write!(f, "{process}: ring followed"),
            Self::RingFailed { process, failure } => write!(f, "{process}: ring not followed: {failure}"),
            Self::Missed { events } => write!(f, "{events} events missed"),
        }
    }
}

impl fmt::Display for Divergence {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}: differs", self.backend, self.server)?;
        for (at, StateIn { process, operational, administrative }) in self.states.iter().enumerate() {
            let separator = if at == 0 { ": " } else { ", " };
            write!(f, "{separator}{operational} and {administrative} on {process}")?;
        }
        Ok(())
    }
}

/// A process ID behind a word.
struct Pid(Option<u64>);

impl fmt::Display for Pid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            Some(pid) => write!(f, " as pid {pid}"),
            None => Ok(()),
        }
    }
}

/// HAProxy's words behind a change.
struct Reason<'a>(Option<&'a str>);

impl fmt::Display for Reason<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            Some(reason) => write!(f, " ({reason})"),
            None => Ok(()),
        }
    }
}
