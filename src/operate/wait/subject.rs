use crate::object::{BackendRef, ServerRef};
use crate::show::stat::StatFilter;
use crate::snapshot::{BackendStats, ServerStats, Snapshot};

/// Object that is waited for.
pub(in crate::operate) trait Subject: Sync {
    type Stats: Send + Sync;

    /// Message of HAProxy if a process does not have the object.
    const ABSENT: &'static str;

    /// Requests the rows in which the object is found by its name.
    fn filter(&self) -> StatFilter;

    /// Finds the object in the snapshot of one process.
    fn stats(&self, snapshot: &Snapshot) -> Option<Self::Stats>;

    /// Requests the rows of the object by the numbers that it has in its process, if this costs less.
    fn own_filter(stats: &Self::Stats) -> Option<StatFilter>;
}

impl Subject for ServerRef {
    type Stats = ServerStats;

    const ABSENT: &'static str = "No such server.";

    fn filter(&self) -> StatFilter {
        StatFilter::backend(self.backend())
    }

    fn stats(&self, snapshot: &Snapshot) -> Option<ServerStats> {
        snapshot.server(self.backend(), self.name()).ok()
    }

    fn own_filter(stats: &ServerStats) -> Option<StatFilter> {
        let (_, row) = stats.per_process().next()?;
        // A server of a disabled backend has the number 0, which means no server.
        let server = row.sid().filter(|sid| *sid > 0)?;
        Some(StatFilter::Server { proxy: row.iid()?, server })
    }
}

impl Subject for BackendRef {
    type Stats = BackendStats;

    const ABSENT: &'static str = "No such backend.";

    fn filter(&self) -> StatFilter {
        StatFilter::backend(self.name())
    }

    fn stats(&self, snapshot: &Snapshot) -> Option<BackendStats> {
        snapshot.backend(self.name()).ok()
    }

    fn own_filter(_: &BackendStats) -> Option<StatFilter> {
        None
    }
}
