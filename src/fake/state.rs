use std::time::{SystemTime, UNIX_EPOCH};

use super::{Fault, Process};
use crate::Address;
use crate::model::Level;

/// What a fake process is at this moment.
#[derive(Debug)]
pub(super) struct State {
    pub(super) process: Process,
    pub(super) fault: Option<Fault>,
    /// Where it answers, as `show cli sockets` names it.
    pub(super) sockets: Vec<(Address, Level)>,
    /// Connections so far.
    pub(super) connections: u64,
    started_at: SystemTime,
}

impl State {
    pub(super) fn new(process: Process) -> Self {
        Self { process, fault: None, sockets: Vec::new(), connections: 0, started_at: SystemTime::now() }
    }

    /// Another process at the same sockets.
    pub(super) fn replace(&mut self, process: Process) {
        self.process = process;
        self.connections = 0;
        self.started_at = SystemTime::now();
    }

    /// Seconds since the start.
    pub(super) fn uptime(&self) -> u64 {
        self.started_at.elapsed().unwrap_or_default().as_secs()
    }

    /// Seconds from 1970 to the start.
    pub(super) fn started_at(&self) -> u64 {
        self.started_at.duration_since(UNIX_EPOCH).unwrap_or_default().as_secs()
    }
}
