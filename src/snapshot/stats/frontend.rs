use super::ListenerStats;
use super::accessor::figures;
use super::common::{debug, serialize, view};
use super::object::Object;
use crate::field::{Col, for_each_column};
use crate::show::stat::{Cells, Mode, Row};
use crate::snapshot::CountRange;
use crate::snapshot::merge::{Agreement, Limit};

/// Client side of a proxy, in all processes that have it.
///
/// Holds the figures of the moment it was read and keeps the whole
/// [`Snapshot`](crate::Snapshot) alive; cheap to clone. Accessors never wait.
///
/// With the feature `serde` it is written as a map of `name`, `processes` (the labels),
/// `status` and `metrics` (a map of [`metrics`](FrontendStats::metrics)). It cannot be read back,
/// since it is a view of the [`Snapshot`](crate::Snapshot): store that.
#[derive(Clone, PartialEq)]
pub struct FrontendStats(pub(super) Object);

impl FrontendStats {
    /// Its name.
    pub fn name(&self) -> &str {
        self.0.proxy()
    }

    /// HTTP requests received (`req_tot`), or sessions (`stot`) in `mode tcp`, where
    /// there are no requests.
    ///
    /// Each process counts what its own mode says. [`req_tot`](FrontendStats::req_tot) counts
    /// HTTP requests alone, and is 0 in `mode tcp`. A range while it is not known how
    /// processes [share](Self::sharing) the counter.
    pub fn requests(&self) -> CountRange {
        self.0.count_of(requests).unwrap_or_default()
    }

    /// Requests that each process prints, by label: HTTP requests, or sessions in `mode
    /// tcp`. Processes that [share](Self::sharing) the counter all print the sum.
    pub fn requests_per_process(&self) -> Vec<(&str, u64)> {
        self.per_process()
            .map(|(process, row)| (&**process.label(), row.number(requests(&row)).unwrap_or(0)))
            .collect()
    }

    /// Sessions so far (`stot`); a range while it is not known how processes
    /// [share](Self::sharing) the counter.
    pub fn sessions(&self) -> CountRange {
        self.0.count(Col::stot).unwrap_or_default()
    }

    /// Highest number of connections at a time (`slim`).
    pub fn maxconn(&self) -> Option<Limit> {
        self.0.limit(Col::slim)
    }

    /// Its listeners, if it has `option socket-stats`.
    pub fn listeners(&self) -> Vec<ListenerStats> {
        self.0.children().map(ListenerStats).collect()
    }

    /// Number of the proxy (`iid`), which changes with the order of the
    /// configuration.
    pub fn id(&self) -> Option<Agreement<u64>> {
        self.iid()
    }
}

/// The column that counts the requests of a frontend, by the mode of its row.
fn requests(row: &Row<'_>) -> Col {
    if row.mode() == Some(Mode::Tcp) { Col::stot } else { Col::req_tot }
}

view!(FrontendStats, "frontend");
for_each_column!(figures, F, FrontendStats);
debug!(FrontendStats);
serialize!(FrontendStats: name);
