use std::time::Duration;

use crate::snapshot::Label;

/// Outcome of a drain on one process.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[non_exhaustive]
pub struct Drained {
    /// The way in which the drain ended.
    pub end: DrainEnd,
    /// Time until the server was found to be drained.
    pub time: Duration,
    /// Number of times that another process took the place of this one during the drain, through a
    /// restart or a reload. The new process was told to drain again.
    pub restarts: u32,
}

/// The way in which a drain ended on one process.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[cfg_attr(feature = "serde", serde(rename_all = "snake_case"))]
#[non_exhaustive]
pub enum DrainEnd {
    /// The sessions ended by themselves, or there were none.
    Idle,
    /// Sessions were ended by force.
    Forced {
        /// Number of sessions when the command was sent first.
        sessions: u64,
    },
    /// The server was `DOWN` and had no session from the beginning.
    WasDown,
}

/// A look at a server that is drained, on one process.
#[derive(Debug, Clone, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[non_exhaustive]
pub struct DrainProgress {
    /// Label of the process.
    pub label: Label,
    /// Number of sessions on the server.
    pub sessions: u64,
    /// Number of requests in the queue of the server.
    pub queued: u64,
}
