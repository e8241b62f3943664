use super::accessor::figures;
use super::common::{debug, serialize, view};
use super::object::Object;
use crate::field::{Col, for_each_column};
use crate::snapshot::CountRange;

/// One listening socket of a frontend with `option socket-stats`, in all
/// processes that have it.
///
/// Listeners can share a name; they are told apart by their address, and by
/// their position where a socket of level `user` hides it. Those that `shards` makes
/// of one `bind` line with a name have both in common and are one.
///
/// Holds the figures of the moment it was read and keeps the whole
/// [`Snapshot`](crate::Snapshot) alive; cheap to clone. Accessors never wait.
///
/// With the feature `serde` it is written as a map of `frontend`, `name`, `processes` (the labels),
/// `status` and `metrics` (a map of [`metrics`](ListenerStats::metrics)). It cannot be read back,
/// since it is a view of the [`Snapshot`](crate::Snapshot): store that.
#[derive(Clone, PartialEq)]
pub struct ListenerStats(pub(super) Object);

impl ListenerStats {
    /// Its name: that of the `bind` line, `sock-N` if it gives none.
    pub fn name(&self) -> &str {
        self.0.name()
    }

    /// Name of its frontend.
    pub fn frontend(&self) -> &str {
        self.0.proxy()
    }

    /// Sessions so far (`stot`); a range while it is not known how processes
    /// [share](Self::sharing) the counter.
    pub fn sessions(&self) -> CountRange {
        self.0.count(Col::stot).unwrap_or_default()
    }
}

view!(ListenerStats, "listener");
for_each_column!(figures, L, ListenerStats);
debug!(ListenerStats);
serialize!(ListenerStats: frontend name);
