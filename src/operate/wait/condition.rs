use crate::count::counted;
use crate::show::stat::{State, Status, StatusDetail};
use crate::snapshot::{Agreement, BackendStats, ServerStats, Snapshot};

/// A condition that a wait ends with: [`ServerRef::wait_until`](crate::ServerRef::wait_until),
/// [`BackendRef::wait_until`](crate::BackendRef::wait_until),
/// [`Cluster::wait_until`](crate::Cluster::wait_until).
///
/// The functions of the module [`wait`](crate::wait) return conditions that know HAProxy's traps. A
/// closure that returns `bool` is a condition too. A condition on a server or a backend is applied to
/// each process by itself: the figures of its subject are those of one process.
///
/// # Example
///
/// ```no_run
/// # async fn example(cluster: haproxyadmin::Cluster) -> haproxyadmin::Result<()> {
/// use std::time::Duration;
/// use haproxyadmin::snapshot::ServerStats;
/// use haproxyadmin::wait;
///
/// let web1 = cluster.server_ref("app", "web1")?;
/// web1.wait_until(wait::is_up(), Duration::from_secs(30)).await?;
/// let is_quiet = |server: &ServerStats| server.scur().is_none_or(|sessions| sessions < 10);
/// web1.wait_until(is_quiet, Duration::from_secs(30)).await?;
/// # Ok(())
/// # }
/// ```
pub trait Condition<S: ?Sized>: Send + Sync {
    /// Returns what `subject` still lacks, for the message of an error, such as `status UP 1/3`. Returns
    /// `None` if the condition is met.
    fn lacks(&self, subject: &S) -> Option<String>;
}

impl<S: ?Sized, F: Fn(&S) -> bool + Send + Sync> Condition<S> for F {
    fn lacks(&self, subject: &S) -> Option<String> {
        (!self(subject)).then(|| "the condition is not met".into())
    }
}

/// Declares a condition without parameters, and the function that returns it.
macro_rules! conditions {
    ($( $(#[$doc:meta])* $function:ident -> $name:ident; )*) => { $(
        #[doc = concat!("The condition of [`", stringify!($function), "`].")]
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        #[non_exhaustive]
        pub struct $name;

        $(#[$doc])*
        pub const fn $function() -> $name {
            $name
        }
    )* };
}

conditions! {
    /// Returns the condition that a server is up and its health is known: its status is plain `UP`, or
    /// `no check`. A server of weight 0 meets it too, although it is not balanced. A backend meets it if it is
    /// `UP`.
    ///
    /// `UP 1/3` does not meet the condition: a server has this status when it leaves maintenance, before
    /// any check has passed, and when a check has failed. If `fall` is 1, HAProxy prints plain `UP` even
    /// before the first check; the condition cannot tell the difference.
    ///
    /// A process that is stopping meets this condition, because its checks do not run any more. So it does
    /// with [`is_down`], [`has_weight`] and [`servers_up`].
    is_up -> IsUp;

    /// Returns the condition that health checks or an agent hold a server for down: its status is
    /// `DOWN`, and no check has passed since. A backend meets it if it is `DOWN`.
    is_down -> IsDown;

    /// Returns the condition that a server has no session and no request in its queue (`scur` and
    /// `qcur`, which every release prints for every server). New traffic may arrive at any moment; see
    /// [`is_drained`].
    is_idle -> IsIdle;

    /// Returns the condition that a server takes no new traffic and is [idle](is_idle): its status is
    /// `DRAIN`, `MAINT`, `NOLB` or `DOWN`, or the process is stopping, as an old worker.
    ///
    /// Persistence (`option persist`, `force-persist`) can still lead requests to a server in drain.
    is_drained -> IsDrained;

    /// Returns the condition that every member of the cluster answers, and that nothing is
    /// [missing](crate::Snapshot::missing).
    is_complete -> IsComplete;
}

/// The condition of [`has_weight`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct HasWeight(u64);

/// Returns the condition that a server is balanced with this weight (`weight`).
///
/// While `slowstart` lets the weight grow, HAProxy prints the weight that it has reached. The weight of a
/// server in drain is 0.
pub const fn has_weight(weight: u64) -> HasWeight {
    HasWeight(weight)
}

/// The condition of [`servers_up`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ServersUp(usize);

/// Returns the condition that at least `count` servers of a backend are [up](is_up) and have a weight above
/// 0, in each process that has the backend.
pub const fn servers_up(count: usize) -> ServersUp {
    ServersUp(count)
}

impl Condition<ServerStats> for IsUp {
    fn lacks(&self, server: &ServerStats) -> Option<String> {
        let is_up = |status: &Status| is_settled(status, &[State::Up, State::NoCheck]);
        unless(&server.status(), |status| is_up(status) || is_stopping(server))
    }
}

impl Condition<BackendStats> for IsUp {
    fn lacks(&self, backend: &BackendStats) -> Option<String> {
        unless(&backend.status(), |status| status.state == State::Up)
    }
}

impl Condition<ServerStats> for IsDown {
    fn lacks(&self, server: &ServerStats) -> Option<String> {
        unless(&server.status(), |status| is_settled(status, &[State::Down]) || is_stopping(server))
    }
}

impl Condition<BackendStats> for IsDown {
    fn lacks(&self, backend: &BackendStats) -> Option<String> {
        unless(&backend.status(), |status| status.state == State::Down)
    }
}

impl Condition<ServerStats> for IsIdle {
    fn lacks(&self, server: &ServerStats) -> Option<String> {
        // HAProxy prints both for every server. The sums would pass over a process that does not.
        let is_known = server.per_process().all(|(_, row)| row.scur().and(row.qcur()).is_some());
        let (true, Some(sessions), Some(queued)) = (is_known, server.scur(), server.qcur()) else {
            return Some("number of sessions unknown".into());
        };
        let is_busy = sessions > 0 || queued > 0;
        is_busy.then(|| {
            let sessions = counted(sessions, "session", "sessions");
            format!("{sessions}, {}", counted(queued, "queued request", "queued requests"))
        })
    }
}

impl Condition<ServerStats> for IsDrained {
    fn lacks(&self, server: &ServerStats) -> Option<String> {
        let takes_none = [State::Drain, State::Maint, State::Nolb, State::Down];
        let is_out = |status: &Status| is_stopping(server) || takes_none.contains(&status.state);
        unless(&server.status(), is_out).or_else(|| is_idle().lacks(server))
    }
}

impl Condition<ServerStats> for HasWeight {
    fn lacks(&self, server: &ServerStats) -> Option<String> {
        let Some(weight) = server.weight() else { return Some("weight unknown".into()) };
        let is_met = is_stopping(server) || weight.values().all(|weight| *weight == self.0);
        (!is_met).then(|| format!("weight {weight}"))
    }
}

/// The condition that a server is up and balanced.
#[derive(Debug, Clone, Copy)]
pub(in crate::operate) struct IsServing;

pub(in crate::operate) const fn is_serving() -> IsServing {
    IsServing
}

impl Condition<ServerStats> for IsServing {
    fn lacks(&self, server: &ServerStats) -> Option<String> {
        let has_weight = |weight: &Agreement<u64>| weight.values().all(|weight| *weight > 0);
        let is_balanced = is_stopping(server) || server.weight().as_ref().is_none_or(has_weight);
        is_up().lacks(server).or_else(|| (!is_balanced).then(|| "weight 0".into()))
    }
}

impl Condition<BackendStats> for ServersUp {
    fn lacks(&self, backend: &BackendStats) -> Option<String> {
        let up = backend.servers().iter().filter(|server| is_serving().lacks(*server).is_none()).count();
        (up < self.0).then(|| format!("{} up", counted(up, "server", "servers")))
    }
}

impl Condition<Snapshot> for IsComplete {
    fn lacks(&self, snapshot: &Snapshot) -> Option<String> {
        let failed = snapshot.failed().map(|process| process.label().to_string());
        let missing = snapshot.missing().map(ToString::to_string);
        let all: Vec<_> = failed.chain(missing).collect();
        (!all.is_empty()).then(|| format!("without an answer: {}", all.join(", ")))
    }
}

/// Returns the status, unless each process has a status for which `is_wanted` returns `true`.
fn unless(status: &Agreement<Status>, is_wanted: impl Fn(&Status) -> bool) -> Option<String> {
    (!status.values().all(is_wanted)).then(|| format!("status {status}"))
}

/// Returns `true` if the processes are old workers: they take no new traffic, and their checks do not run.
fn is_stopping(server: &ServerStats) -> bool {
    server.per_process().all(|(process, _)| process.is_stopping())
}

/// Returns `true` if no health check speaks against the state, as far as the remark is known.
fn is_settled(status: &Status, wanted: &[State]) -> bool {
    let is_open = matches!(status.remark, Some(StatusDetail::Checks { .. } | StatusDetail::Other(_)));
    wanted.contains(&status.state) && !is_open
}

#[cfg(test)]
#[cfg(feature = "serde")]
mod tests {
    use super::*;

    /// Returns the snapshot of one process for each text of `show stat`.
    fn snapshot(stats: &[&str]) -> Snapshot {
        let processes = stats.iter().enumerate().map(|(number, stat)| {
            serde_json::json!({
                "host": "here", "address": format!("/{number}.sock"), "read_at": 0, "level": "admin",
                "info": [], "stat": stat,
            })
        });
        let written = serde_json::json!({ "format": 1, "processes": processes.collect::<Vec<_>>() });
        serde_json::from_value(written).unwrap()
    }

    fn server(stats: &[&str]) -> ServerStats {
        snapshot(stats).server("app", "web1").unwrap()
    }

    #[test]
    fn a_server_without_a_figure_is_not_idle() {
        let (header, unknown) =
            ("# pxname,svname,qcur,scur,type,status,", Some("number of sessions unknown".into()));
        let with = |cells: &str| format!("{header}\napp,web1,{cells},2,DRAIN,\n\n");
        let idle = with("0,0");
        assert_eq!(is_idle().lacks(&server(&[&idle])), None);
        for cells in [",0", "0,", ","] {
            assert_eq!(is_idle().lacks(&server(&[&with(cells)])), unknown, "{cells}");
            assert_eq!(is_drained().lacks(&server(&[&idle, &with(cells)])), unknown, "{cells}");
        }
        let without = "# pxname,svname,type,status,\napp,web1,2,DRAIN,\n\n";
        assert_eq!(is_idle().lacks(&server(&[without])), unknown);
        let busy = Some("3 sessions, 1 queued request".into());
        assert_eq!(is_idle().lacks(&server(&[&idle, &with("1,3")])), busy);
    }

    #[test]
    fn every_release_prints_the_figures_of_every_server() {
        for version in ["2.2", "2.6", "3.0", "3.2", "3.4"] {
            let path = format!("{}/fixtures/{version}/show_stat.txt", env!("CARGO_MANIFEST_DIR"));
            let servers = snapshot(&[&std::fs::read_to_string(path).unwrap()]).servers();
            assert!(servers.len() > 20, "{version}");
            let lacks = servers.iter().filter_map(|server| is_idle().lacks(server));
            assert_eq!(lacks.filter(|lack| lack.contains("unknown")).count(), 0, "{version}");
        }
    }
}
