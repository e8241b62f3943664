use super::accessor::{increases, view};
use super::increase::Increase;
use super::object::Object;
use crate::field::{Col, for_each_column};

/// One listening socket of a frontend with `option socket-stats`: the increases of its counters
/// between two snapshots, over all processes that were counted.
///
/// Cheap to clone; keeps both snapshots alive.
///
/// With the feature `serde` it is written as a map of `frontend`, `name`, `processes` (a list of
/// `label` and `standing`), `covers` and `increases` (a map of
/// [`increases`](ListenerDelta::increases)).
///
/// # Example
///
/// ```no_run
/// # fn example(delta: haproxyadmin::snapshot::Delta) {
/// for listener in delta.listeners() {
///     let sessions = listener.sessions().and_then(|sessions| sessions.rate());
///     println!("{} {}: {sessions:?} per second", listener.frontend(), listener.name());
/// }
/// # }
/// ```
#[derive(Clone)]
pub struct ListenerDelta(pub(super) Object);

impl ListenerDelta {
    /// Returns its name: the name in the `bind` line, or `sock-N` if the line has no name.
    pub fn name(&self) -> &str {
        self.0.name()
    }

    /// Returns the name of its frontend.
    pub fn frontend(&self) -> &str {
        self.0.proxy()
    }

    /// Returns the increase of its sessions (`stot`).
    pub fn sessions(&self) -> Option<Increase> {
        self.stot()
    }
}

view!(ListenerDelta, "listener", frontend name);
for_each_column!(increases, "column", L, ListenerDelta, Col);
