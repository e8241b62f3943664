use super::accessor::{increases, view};
use super::increase::Increase;
use super::object::Object;
use super::server::ServerDelta;
use crate::error::Result;
use crate::field::{Col, RowKind, for_each_column};

/// Server side of a proxy: the increases of its counters between two snapshots, over all processes
/// that were counted.
///
/// Cheap to clone; keeps both snapshots alive.
///
/// With the feature `serde` it is written as a map of `name`, `processes` (a list of `label` and
/// `standing`), `covers` and `increases` (a map of [`increases`](BackendDelta::increases)).
///
/// # Example
///
/// ```no_run
/// # fn example(delta: haproxyadmin::snapshot::Delta) -> haproxyadmin::Result<()> {
/// let app = delta.backend("app")?;
/// println!("{:?} responses with status 5xx per second", app.rate("hrsp_5xx")?);
/// for server in app.servers() {
///     println!("{}: {:?}", server.name(), server.requests().map(|requests| requests.count()));
/// }
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct BackendDelta(pub(super) Object);

impl BackendDelta {
    /// Returns its name.
    pub fn name(&self) -> &str {
        self.0.proxy()
    }

    /// Returns the increase of its requests, or of its connections in `mode tcp` (`stot`).
    pub fn requests(&self) -> Option<Increase> {
        self.stot()
    }

    /// Returns its servers: those of the later snapshot, then those that are gone.
    pub fn servers(&self) -> Vec<ServerDelta> {
        self.0.delta().children(&self.0, RowKind::Server).map(ServerDelta).collect()
    }

    /// Returns its server called `name`.
    ///
    /// # Errors
    ///
    /// - The errors of [`Delta::server`](crate::snapshot::Delta::server).
    pub fn server(&self, name: &str) -> Result<ServerDelta> {
        self.delta().server(self.name(), name)
    }
}

view!(BackendDelta, "backend", name);
for_each_column!(increases, "column", B, BackendDelta, Col);
