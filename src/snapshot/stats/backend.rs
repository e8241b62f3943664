use std::time::Duration;

use super::ServerStats;
use super::accessor::figures;
use super::common::{debug, serialize, view};
use super::object::Object;
use crate::error::Result;
use crate::field::{Col, for_each_column};
use crate::snapshot::CountRange;
use crate::snapshot::merge::Agreement;

/// Server side of a proxy, in all processes that have it.
///
/// Holds the figures of the moment it was read and keeps the whole
/// [`Snapshot`](crate::Snapshot) alive; cheap to clone. Accessors never wait.
///
/// With the feature `serde` it is written as a map of `name`, `processes` (the labels),
/// `status` and `metrics` (a map of [`metrics`](BackendStats::metrics)). It cannot be read back,
/// since it is a view of the [`Snapshot`](crate::Snapshot): store that.
#[derive(Clone, PartialEq)]
pub struct BackendStats(pub(super) Object);

impl BackendStats {
    /// Its name.
    pub fn name(&self) -> &str {
        self.0.proxy()
    }

    /// Requests, or connections in `mode tcp`, that came to it (`stot`).
    ///
    /// A range while it is not known how processes [share](Self::sharing) the counter.
    pub fn requests(&self) -> CountRange {
        self.0.count(Col::stot).unwrap_or_default()
    }

    /// Requests that each process prints, by label. Processes that
    /// [share](Self::sharing) the counter all print the sum.
    pub fn requests_per_process(&self) -> Vec<(&str, u64)> {
        self.per_process().map(|(process, row)| (&**process.label(), row.stot().unwrap_or(0))).collect()
    }

    /// Time requests waited in the queue (`qtime`), mean of the last 1024 of each
    /// process.
    pub fn queue_time(&self) -> Option<Duration> {
        self.0.mean_time(Col::qtime)
    }

    /// Time servers took to answer (`rtime`), mean of the last 1024 requests of
    /// each process.
    pub fn response_time(&self) -> Option<Duration> {
        self.0.mean_time(Col::rtime)
    }

    /// Its servers, in the order processes list them.
    pub fn servers(&self) -> Vec<ServerStats> {
        self.0.children().map(ServerStats).collect()
    }

    /// Its server called `name`.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::NotFound`](crate::ErrorKind::NotFound) if no process lists it;
    /// [`ErrorKind::Incomplete`](crate::ErrorKind::Incomplete) if no process that
    /// answered lists it and others did not answer; the error holds the snapshot.
    pub fn server(&self, name: &str) -> Result<ServerStats> {
        self.snapshot().server(self.name(), name)
    }

    /// Number of the proxy (`iid`), which changes with the order of the
    /// configuration.
    pub fn id(&self) -> Option<Agreement<u64>> {
        self.iid()
    }
}

view!(BackendStats, "backend");
for_each_column!(figures, B, BackendStats);
debug!(BackendStats);
serialize!(BackendStats: name);
