//! The workers of a fake master, and its reloads.

use std::fmt;
use std::sync::Arc;
use std::time::SystemTime;

use crate::Version;
use crate::fake::describe::{Faults, Log};
use crate::fake::serve::Shared;

/// A worker, as the master knows it.
pub(super) type Worker = Arc<Shared>;

/// The current state of a fake master.
#[derive(Debug)]
pub(super) struct State {
    pub(super) version: Version,
    pub(super) pid: u32,
    pub(super) reloads: u64,
    /// Reloads that failed since the last one that succeeded, as HAProxy counts them.
    pub(super) failed: u64,
    /// Workers that may have exited.
    listed: Vec<Listed>,
    pub(super) logs: Box<str>,
    pub(super) faults: Faults,
    pub(super) log: Log,
    /// Number of the last connection.
    connections: u64,
    next: Option<Outcome>,
    started_at: SystemTime,
}

/// A worker in the list of its master.
#[derive(Clone)]
pub(super) struct Listed {
    pub(super) worker: Worker,
    /// Reloads since it was started.
    pub(super) reloads: u64,
    pub(super) is_old: bool,
}

/// The outcome of a reload that has not begun.
#[derive(Debug)]
pub(super) enum Outcome {
    Loaded(Listed),
    Failed(Box<str>),
}

impl Listed {
    pub(super) fn new(worker: &Worker, reloads: u64) -> Self {
        Self { worker: Arc::clone(worker), reloads, is_old: false }
    }

    pub(super) fn pid(&self) -> u32 {
        self.worker.state().process.pid
    }

    /// Makes it an old worker, which accepts no new connections.
    pub(super) fn stop(&self) {
        self.worker.state().process.info.set("Stopping", 1.into());
    }

    fn has_exited(&self) -> bool {
        *self.worker.ended.borrow()
    }
}

impl fmt::Debug for Listed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { reloads, is_old, .. } = self;
        f.debug_struct("Listed")
            .field("pid", &self.pid())
            .field("reloads", reloads)
            .field("is_old", is_old)
            .finish_non_exhaustive()
    }
}

impl State {
    pub(super) fn new(
        version: Version,
        pid: u32,
        reloads: u64,
        listed: Vec<Listed>,
        logs: Option<Box<str>>,
    ) -> Self {
        let mut state = Self {
            version,
            pid,
            reloads,
            failed: 0,
            listed,
            logs: Box::default(),
            faults: Faults::default(),
            log: Log::new(),
            connections: 0,
            next: None,
            started_at: SystemTime::now(),
        };
        state.logs = logs.unwrap_or_else(|| state.log_of_start());
        state
    }

    /// Counts a new connection, and returns its number.
    pub(super) fn connect(&mut self) -> u64 {
        self.connections += 1;
        self.connections
    }

    /// Returns the workers of the current configuration.
    pub(super) fn workers(&self) -> impl Iterator<Item = &Listed> {
        self.listed.iter().filter(|listed| !listed.is_old && !listed.has_exited())
    }

    /// Returns the workers of former configurations, the youngest first.
    pub(super) fn old_workers(&self) -> Vec<&Listed> {
        let mut old: Vec<_> =
            self.listed.iter().filter(|listed| listed.is_old && !listed.has_exited()).collect();
        old.sort_by_key(|listed| listed.reloads);
        old
    }

    /// Returns a worker, current or old.
    pub(super) fn by_pid(&self, pid: u32) -> Option<&Worker> {
        let mut running = self.listed.iter().filter(|listed| !listed.has_exited());
        running.find(|listed| listed.pid() == pid).map(|listed| &listed.worker)
    }

    /// Returns the worker with this number among those that serve, from 1.
    pub(super) fn by_number(&self, number: usize) -> Option<&Worker> {
        let index = number.checked_sub(1)?;
        let serving: Vec<_> = self.workers().collect();
        let serving = if serving.is_empty() { self.old_workers() } else { serving };
        serving.get(index).map(|listed| &listed.worker)
    }

    /// Returns the seconds since the start.
    pub(super) fn uptime(&self) -> u64 {
        self.started_at.elapsed().unwrap_or_default().as_secs()
    }

    pub(super) fn plan(&mut self, outcome: Outcome) {
        self.next = Some(outcome);
    }

    /// Reloads. Returns `true` if that succeeded.
    pub(super) fn reload(&mut self) -> bool {
        let outcome = self.next.take();
        let failed = || Outcome::Failed("Not a part of this fake: a reload without `next_reload`".into());
        self.reloads += 1;
        for listed in &mut self.listed {
            listed.reloads += 1;
        }
        // After a reload that failed, the other releases list the worker that goes on as an old one.
        let keeps = self.version >= (2, 5) && self.version < (3, 1);
        match outcome.unwrap_or_else(failed) {
            Outcome::Loaded(next) => {
                self.failed = 0;
                self.retire();
                for old in self.listed.iter().filter(|listed| listed.is_old) {
                    old.stop();
                }
                self.listed.push(next);
                self.logs = self.log_of_start();
                true
            }
            Outcome::Failed(reason) => {
                // Since 3.1 a row of failures counts once.
                self.failed = if self.version < (3, 1) { self.failed + 1 } else { 1 };
                if !keeps {
                    self.retire();
                }
                self.logs = self.log_of_failure(&reason);
                false
            }
        }
    }

    /// Makes all workers old ones.
    fn retire(&mut self) {
        self.listed.retain(|listed| !listed.has_exited());
        for listed in &mut self.listed {
            listed.is_old = true;
        }
    }

    fn log_of_start(&self) -> Box<str> {
        let pid = self.pid;
        let worker = |listed: &Listed| {
            let worker = listed.pid();
            if self.version < (3, 1) {
                format!("[NOTICE]   ({pid}) : New worker ({worker}) forked\n")
            } else {
                format!("[NOTICE]   ({pid}) : Initializing new worker ({worker})\n")
            }
        };
        let workers: String = self.workers().map(worker).collect();
        format!("{workers}[NOTICE]   ({pid}) : Loading success.\n").into()
    }

    fn log_of_failure(&self, reason: &str) -> Box<str> {
        let pid = self.pid;
        if self.version < (3, 1) {
            return format!("[ALERT]    ({pid}) : {reason}\n[WARNING]  ({pid}) : Loading failure!\n").into();
        }
        // The worker that failed has an ID of its own.
        let worker = self.listed.iter().map(Listed::pid).chain([pid]).max().unwrap_or(pid) + 1;
        format!(
            "[NOTICE]   ({pid}) : Initializing new worker ({worker})\n\
             [ALERT]    ({worker}) : {reason}\n\
             [WARNING]  ({pid}) : Failed to load worker ({worker}) exited with code 1 (Exit)\n"
        )
        .into()
    }
}
