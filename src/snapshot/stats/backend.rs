use std::time::Duration;

use super::ServerStats;
use super::accessor::figures;
use super::common::{debug, serialize, view};
use super::object::Object;
use crate::error::Result;
use crate::field::{Col, for_each_column};
use crate::snapshot::CountRange;
use crate::snapshot::merge::Agreement;

/// Server side of a proxy, merged over all processes that have it.
///
/// Holds the figures of the moment when it was read, and keeps the whole
/// [`Snapshot`](crate::Snapshot) alive; cheap to clone. Accessors never wait.
///
/// With the feature `serde` it is written as a map of `name`, `processes` (the labels), `status`
/// and `metrics` (a map of [`metrics`](BackendStats::metrics)). It cannot be read back, because it
/// is a view of the [`Snapshot`](crate::Snapshot); store the snapshot instead.
///
/// # Example
///
/// ```no_run
/// # async fn example() -> haproxyadmin::Result<()> {
/// use haproxyadmin::Cluster;
///
/// let snapshot = Cluster::from_dir("/run/haproxy").await?.snapshot().await?;
/// let app = snapshot.backend("app")?;
/// println!("{} {} {:?}", app.status(), app.requests(), app.queue_time());
/// for server in app.servers() {
///     println!("{} {}", server.name(), server.status());
/// }
/// # Ok(())
/// # }
/// ```
#[derive(Clone, PartialEq)]
pub struct BackendStats(pub(super) Object);

impl BackendStats {
    /// Returns its name.
    pub fn name(&self) -> &str {
        self.0.proxy()
    }

    /// Returns the number of requests, or of connections in `mode tcp`, that it received (`stot`).
    ///
    /// The number is a range while it is not known how processes [share](Self::sharing) the
    /// counter.
    pub fn requests(&self) -> CountRange {
        self.merge().count(Col::stot).unwrap_or_default()
    }

    /// Returns the number of requests that each process prints, by label. Processes that
    /// [share](Self::sharing) the counter all print the sum.
    pub fn requests_per_process(&self) -> Vec<(&str, u64)> {
        self.per_process().map(|(process, row)| (&**process.label(), row.stot().unwrap_or(0))).collect()
    }

    /// Returns the time that requests waited in the queue (`qtime`), the mean of the last 1024
    /// requests of each process.
    pub fn queue_time(&self) -> Option<Duration> {
        self.0.mean_time(Col::qtime)
    }

    /// Returns the time that servers took to answer (`rtime`), the mean of the last 1024 requests
    /// of each process.
    pub fn response_time(&self) -> Option<Duration> {
        self.0.mean_time(Col::rtime)
    }

    /// Returns its servers, in the order in which the processes list them.
    pub fn servers(&self) -> Vec<ServerStats> {
        self.0.children().map(ServerStats).collect()
    }

    /// Returns its server called `name`.
    ///
    /// # Errors
    ///
    /// - The errors of [`Snapshot::server`](crate::Snapshot::server).
    pub fn server(&self, name: &str) -> Result<ServerStats> {
        self.snapshot().server(self.name(), name)
    }

    /// Returns the number of the proxy (`iid`), which changes with the order of the configuration.
    pub fn id(&self) -> Option<Agreement<u64>> {
        self.iid()
    }
}

view!(BackendStats, "backend");
for_each_column!(figures, "Column", B, BackendStats, Col);
debug!(BackendStats);
serialize!(BackendStats: name);
