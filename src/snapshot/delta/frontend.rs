use super::accessor::{increases, view};
use super::increase::Increase;
use super::listener::ListenerDelta;
use super::object::Object;
use crate::field::{Col, RowKind, for_each_column};
use crate::snapshot::stats::requests;

/// Client side of a proxy: the increases of its counters between two snapshots, over all processes
/// that were counted.
///
/// Cheap to clone; keeps both snapshots alive.
///
/// With the feature `serde` it is written as a map of `name`, `processes` (a list of `label` and
/// `standing`), `covers` and `increases` (a map of [`increases`](FrontendDelta::increases)).
///
/// # Example
///
/// ```no_run
/// # fn example(delta: haproxyadmin::snapshot::Delta) -> haproxyadmin::Result<()> {
/// let web = delta.frontend("web")?;
/// println!("{:?} bytes per second", web.bout().and_then(|bytes| bytes.rate()));
/// println!("{:?} refused requests", web.difference("dreq")?);
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct FrontendDelta(pub(super) Object);

impl FrontendDelta {
    /// Returns its name.
    pub fn name(&self) -> &str {
        self.0.proxy()
    }

    /// Returns the increase of its HTTP requests (`req_tot`), or of its sessions (`stot`) in
    /// `mode tcp`, which has no requests. The column depends on the mode of each process.
    pub fn requests(&self) -> Option<Increase> {
        self.0.increase_of(requests)
    }

    /// Returns the increase of its sessions (`stot`).
    pub fn sessions(&self) -> Option<Increase> {
        self.stot()
    }

    /// Returns its listeners, if it has `option socket-stats`.
    pub fn listeners(&self) -> Vec<ListenerDelta> {
        self.0.delta().children(&self.0, RowKind::Listener).map(ListenerDelta).collect()
    }
}

view!(FrontendDelta, "frontend", name);
for_each_column!(increases, "column", F, FrontendDelta, Col);
