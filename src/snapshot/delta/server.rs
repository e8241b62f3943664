use super::accessor::{increases, view};
use super::increase::Increase;
use super::object::Object;
use crate::field::{Col, for_each_column};

/// One server of a backend: the increases of its counters between two snapshots, over all processes
/// that were counted.
///
/// In each process it is the server with the same number (`sid`) in the same proxy, and from HAProxy
/// 3.0 on with the same revision of the number (`srid`). A server that was renamed is the same, and
/// has its later name. A server that was deleted and added anew is another one.
///
/// Cheap to clone; keeps both snapshots alive.
///
/// With the feature `serde` it is written as a map of `backend`, `name`, `processes` (a list of
/// `label` and `standing`), `covers` and `increases` (a map of
/// [`increases`](ServerDelta::increases)).
///
/// # Example
///
/// ```no_run
/// # fn example(delta: haproxyadmin::snapshot::Delta) -> haproxyadmin::Result<()> {
/// let web1 = delta.server("app", "web1")?;
/// if let Some(requests) = web1.requests() {
///     println!("{} requests in {:?}", requests.count(), requests.covers().longest);
/// }
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct ServerDelta(pub(super) Object);

impl ServerDelta {
    /// Returns its name.
    pub fn name(&self) -> &str {
        self.0.name()
    }

    /// Returns the name of its backend.
    pub fn backend(&self) -> &str {
        self.0.proxy()
    }

    /// Returns the increase of the requests, or of the connections in `mode tcp`, that were sent to
    /// it (`stot`).
    pub fn requests(&self) -> Option<Increase> {
        self.stot()
    }
}

view!(ServerDelta, "server", backend name);
for_each_column!(increases, "column", S, ServerDelta, Col);
