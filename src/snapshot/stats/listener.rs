use super::accessor::figures;
use super::common::{debug, serialize, view};
use super::object::Object;
use crate::field::{Col, for_each_column};
use crate::snapshot::CountRange;

/// One listening socket of a frontend with `option socket-stats`, merged over all processes that
/// have it.
///
/// Listeners can share a name. Their address distinguishes them, or their position if a socket of
/// level `user` hides the address. The listeners that `shards` makes of one `bind` line with a name
/// share both, and are merged into one.
///
/// Holds the figures of the moment when it was read, and keeps the whole
/// [`Snapshot`](crate::Snapshot) alive; cheap to clone. Accessors never wait.
///
/// With the feature `serde` it is written as a map of `frontend`, `name`, `processes` (the labels),
/// `status` and `metrics` (a map of [`metrics`](ListenerStats::metrics)). It cannot be read back,
/// because it is a view of the [`Snapshot`](crate::Snapshot); store the snapshot instead.
///
/// # Example
///
/// ```no_run
/// # async fn example() -> haproxyadmin::Result<()> {
/// use haproxyadmin::Cluster;
///
/// let snapshot = Cluster::from_dir("/run/haproxy").await?.snapshot().await?;
/// for listener in snapshot.listeners() {
///     println!("{} {} {}", listener.frontend(), listener.name(), listener.sessions());
/// }
/// # Ok(())
/// # }
/// ```
#[derive(Clone, PartialEq)]
pub struct ListenerStats(pub(super) Object);

impl ListenerStats {
    /// Returns its name: the name in the `bind` line, or `sock-N` if the line has no name.
    pub fn name(&self) -> &str {
        self.0.name()
    }

    /// Returns the name of its frontend.
    pub fn frontend(&self) -> &str {
        self.0.proxy()
    }

    /// Returns the number of sessions so far (`stot`). The number is a range while it is not known
    /// how processes [share](Self::sharing) the counter.
    pub fn sessions(&self) -> CountRange {
        self.merge().count(Col::stot).unwrap_or_default()
    }
}

view!(ListenerStats, "listener");
for_each_column!(figures, "Column", L, ListenerStats, Col);
debug!(ListenerStats);
serialize!(ListenerStats: frontend name);
