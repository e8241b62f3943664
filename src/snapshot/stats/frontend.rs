use super::ListenerStats;
use super::accessor::figures;
use super::common::{debug, serialize, view};
use super::object::Object;
use crate::field::{Col, for_each_column};
use crate::show::stat::{Cells, Mode, Row};
use crate::snapshot::CountRange;
use crate::snapshot::merge::{Agreement, Limit};

/// Client side of a proxy, merged over all processes that have it.
///
/// Holds the figures of the moment when it was read, and keeps the whole
/// [`Snapshot`](crate::Snapshot) alive; cheap to clone. Accessors never wait.
///
/// With the feature `serde` it is written as a map of `name`, `processes` (the labels), `status`
/// and `metrics` (a map of [`metrics`](FrontendStats::metrics)). It cannot be read back, because it
/// is a view of the [`Snapshot`](crate::Snapshot); store the snapshot instead.
///
/// # Example
///
/// ```no_run
/// # async fn example() -> haproxyadmin::Result<()> {
/// use haproxyadmin::Cluster;
///
/// let snapshot = Cluster::from_dir("/run/haproxy").await?.snapshot().await?;
/// let web = snapshot.frontend("web")?;
/// println!("{} requests, {} sessions", web.requests(), web.sessions());
/// # Ok(())
/// # }
/// ```
#[derive(Clone, PartialEq)]
pub struct FrontendStats(pub(super) Object);

impl FrontendStats {
    /// Returns its name.
    pub fn name(&self) -> &str {
        self.0.proxy()
    }

    /// Returns the number of HTTP requests received (`req_tot`), or of sessions (`stot`) in
    /// `mode tcp`, which has no requests.
    ///
    /// The column depends on the mode of each process. [`req_tot`](FrontendStats::req_tot) counts
    /// only HTTP requests, and is 0 in `mode tcp`. The number is a range while it is not known how
    /// processes [share](Self::sharing) the counter.
    pub fn requests(&self) -> CountRange {
        self.merge().count_of(requests).unwrap_or_default()
    }

    /// Returns the number of requests that each process prints, by label: HTTP requests, or
    /// sessions in `mode tcp`. Processes that [share](Self::sharing) the counter all print the sum.
    pub fn requests_per_process(&self) -> Vec<(&str, u64)> {
        self.per_process()
            .map(|(process, row)| (&**process.label(), row.number(requests(&row)).unwrap_or(0)))
            .collect()
    }

    /// Returns the number of sessions so far (`stot`). The number is a range while it is not known
    /// how processes [share](Self::sharing) the counter.
    pub fn sessions(&self) -> CountRange {
        self.merge().count(Col::stot).unwrap_or_default()
    }

    /// Returns the maximum number of simultaneous connections (`slim`).
    pub fn maxconn(&self) -> Option<Limit> {
        self.merge().limit(Col::slim)
    }

    /// Returns its listeners, if it has `option socket-stats`.
    pub fn listeners(&self) -> Vec<ListenerStats> {
        self.0.children().map(ListenerStats).collect()
    }

    /// Returns the number of the proxy (`iid`), which changes with the order of the configuration.
    pub fn id(&self) -> Option<Agreement<u64>> {
        self.iid()
    }
}

/// Returns the column that counts the requests of a frontend, by the mode of its row.
pub(in crate::snapshot) fn requests(row: &Row<'_>) -> Col {
    if row.mode() == Some(Mode::Tcp) { Col::stot } else { Col::req_tot }
}

view!(FrontendStats, "frontend");
for_each_column!(figures, "Column", F, FrontendStats, Col);
debug!(FrontendStats);
serialize!(FrontendStats: name);
