use std::time::Duration;

use super::accessor::figures;
use super::common::{debug, serialize, view};
use super::object::Object;
use crate::field::{Col, for_each_column};
use crate::show::stat::ServerAddress;
use crate::snapshot::CountRange;
use crate::snapshot::merge::Agreement;

/// One server of a backend, in all processes that have it.
///
/// Holds the figures of the moment it was read and keeps the whole
/// [`Snapshot`](crate::Snapshot) alive; cheap to clone. Accessors never wait.
///
/// With the feature `serde` it is written as a map of `backend`, `name`, `processes` (the labels),
/// `status` and `metrics` (a map of [`metrics`](ServerStats::metrics)). It cannot be read back,
/// since it is a view of the [`Snapshot`](crate::Snapshot): store that.
#[derive(Clone, PartialEq)]
pub struct ServerStats(pub(super) Object);

impl ServerStats {
    /// Its name.
    pub fn name(&self) -> &str {
        self.0.name()
    }

    /// Name of its backend.
    pub fn backend(&self) -> &str {
        self.0.proxy()
    }

    /// Requests, or connections in `mode tcp`, that were sent to it (`stot`).
    ///
    /// A range while it is not known how processes [share](Self::sharing) the counter.
    pub fn requests(&self) -> CountRange {
        self.0.count(Col::stot).unwrap_or_default()
    }

    /// Requests that each process prints, by label. Processes that
    /// [share](Self::sharing) the counter all print the sum.
    pub fn requests_per_process(&self) -> Vec<(&str, u64)> {
        self.per_process().map(|(process, row)| (&**process.label(), row.stot().unwrap_or(0))).collect()
    }

    /// Address at which it is reached (`addr`), which is
    /// [`Unresolved`](ServerAddress::Unresolved) in a process that has not resolved its
    /// name yet. Sockets of level `user` do not show it.
    ///
    /// `None` if no process has an address for it, or every socket is of level `user`.
    pub fn address(&self) -> Option<Agreement<ServerAddress>> {
        self.0.same_or_empty(Col::addr, ServerAddress::parse, ServerAddress::eq)
    }

    /// Port at which it is reached, in the processes that have an IP address for it;
    /// `None` if none has, as for a unix socket.
    pub fn port(&self) -> Option<Agreement<u16>> {
        self.0.same(|row| Some(ServerAddress::parse(row.addr()?).ip()?.port()), u16::eq)
    }

    /// What its last health check said (`last_chk`).
    pub fn last_check(&self) -> Option<Agreement<&str>> {
        self.last_chk()
    }

    /// What its last agent check said (`last_agt`).
    pub fn last_agent_check(&self) -> Option<Agreement<&str>> {
        self.last_agt()
    }

    /// Time requests waited in its queue (`qtime`), mean of the last 1024 of each
    /// process.
    pub fn queue_time(&self) -> Option<Duration> {
        self.0.mean_time(Col::qtime)
    }

    /// Time it took to answer (`rtime`), mean of the last 1024 requests of each
    /// process.
    pub fn response_time(&self) -> Option<Duration> {
        self.0.mean_time(Col::rtime)
    }

    /// Number of the server in its backend (`sid`).
    pub fn id(&self) -> Option<Agreement<u64>> {
        self.sid()
    }
}

view!(ServerStats, "server");
for_each_column!(figures, S, ServerStats);
debug!(ServerStats);
serialize!(ServerStats: backend name);
