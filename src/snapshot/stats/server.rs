use std::time::Duration;

use super::accessor::figures;
use super::common::{debug, serialize, view};
use super::object::Object;
use crate::field::{Col, for_each_column};
use crate::show::stat::ServerAddress;
use crate::snapshot::CountRange;
use crate::snapshot::merge::Agreement;

/// One server of a backend, merged over all processes that have it.
///
/// Holds the figures of the moment when it was read, and keeps the whole
/// [`Snapshot`](crate::Snapshot) alive; cheap to clone. Accessors never wait.
///
/// With the feature `serde` it is written as a map of `backend`, `name`, `processes` (the labels),
/// `status` and `metrics` (a map of [`metrics`](ServerStats::metrics)). It cannot be read back,
/// because it is a view of the [`Snapshot`](crate::Snapshot); store the snapshot instead.
///
/// # Example
///
/// ```no_run
/// # async fn example() -> haproxyadmin::Result<()> {
/// use haproxyadmin::Cluster;
///
/// let snapshot = Cluster::from_dir("/run/haproxy").await?.snapshot().await?;
/// let web1 = snapshot.server("app", "web1")?;
/// println!("{} weight {:?}, last check {:?}", web1.status(), web1.weight(), web1.last_check());
/// # Ok(())
/// # }
/// ```
#[derive(Clone, PartialEq)]
pub struct ServerStats(pub(super) Object);

impl ServerStats {
    /// Returns its name.
    pub fn name(&self) -> &str {
        self.0.name()
    }

    /// Returns the name of its backend.
    pub fn backend(&self) -> &str {
        self.0.proxy()
    }

    /// Returns the number of requests, or of connections in `mode tcp`, that were sent to it
    /// (`stot`).
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

    /// Returns the address to which HAProxy connects (`addr`). The address is
    /// [`Unresolved`](ServerAddress::Unresolved) in a process that has not resolved its name yet.
    /// Sockets of level `user` do not show it.
    ///
    /// `None` if no process has an address for it, or if every socket is of level `user`.
    pub fn address(&self) -> Option<Agreement<ServerAddress>> {
        self.merge().same_or_empty(Col::addr, ServerAddress::parse, ServerAddress::eq)
    }

    /// Returns the port to which HAProxy connects, in the processes that have an IP address for it.
    /// `None` if no process has an IP address, for instance because the server is a unix socket.
    pub fn port(&self) -> Option<Agreement<u16>> {
        self.merge().same(|row| Some(ServerAddress::parse(row.addr()?).ip()?.port()), u16::eq)
    }

    /// Returns the text of its last health check (`last_chk`).
    pub fn last_check(&self) -> Option<Agreement<&str>> {
        self.last_chk()
    }

    /// Returns the text of its last agent check (`last_agt`).
    pub fn last_agent_check(&self) -> Option<Agreement<&str>> {
        self.last_agt()
    }

    /// Returns the time that requests waited in its queue (`qtime`), the mean of the last 1024
    /// requests of each process.
    pub fn queue_time(&self) -> Option<Duration> {
        self.0.mean_time(Col::qtime)
    }

    /// Returns the time that it took to answer (`rtime`), the mean of the last 1024 requests of
    /// each process.
    pub fn response_time(&self) -> Option<Duration> {
        self.0.mean_time(Col::rtime)
    }

    /// Returns the number of the server in its backend (`sid`).
    pub fn id(&self) -> Option<Agreement<u64>> {
        self.sid()
    }
}

view!(ServerStats, "server");
for_each_column!(figures, "Column", S, ServerStats, Col);
debug!(ServerStats);
serialize!(ServerStats: backend name);
