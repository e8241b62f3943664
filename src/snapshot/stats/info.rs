use std::fmt;
use std::time::Duration;

use super::accessor::figures;
use crate::error::{Error, Problem, Result};
use crate::field::{Key, for_each_key};
use crate::show::Info;
use crate::snapshot::merge::{Agreement, Merge, MetricValue};
use crate::snapshot::{Process, Snapshot};
use crate::version::Version;

/// The `show info` of all processes of a cluster, merged into one.
///
/// Every key has an accessor, which merges by the rule that its documentation names.
/// [`per_process`](ClusterInfo::per_process) returns the values of each process.
///
/// With the feature `serde` it is written as a map of `processes` (the labels of the processes that
/// answered) and `metrics` (a map of [`metrics`](ClusterInfo::metrics)). It cannot be read back,
/// because it is a view of the [`Snapshot`](crate::Snapshot); store the snapshot instead.
///
/// # Example
///
/// ```no_run
/// # async fn example() -> haproxyadmin::Result<()> {
/// use haproxyadmin::Cluster;
///
/// let info = Cluster::from_dir("/run/haproxy").await?.snapshot().await?.info();
/// println!("{} requests, {:?}", info.requests(), info.versions());
/// # Ok(())
/// # }
/// ```
#[derive(Clone, PartialEq, Eq)]
pub struct ClusterInfo(Snapshot);

/// The shortest and the longest uptime of the processes of a cluster.
///
/// # Example
///
/// ```no_run
/// # async fn example() -> haproxyadmin::Result<()> {
/// use haproxyadmin::Cluster;
///
/// let info = Cluster::from_dir("/run/haproxy").await?.snapshot().await?.info();
/// if let Some(uptime) = info.uptime() {
///     println!("last start {:?} ago, first start {:?} ago", uptime.youngest, uptime.oldest);
/// }
/// # Ok(())
/// # }
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct Uptime {
    /// Uptime of the process that started last.
    pub youngest: Duration,
    /// Uptime of the process that started first.
    pub oldest: Duration,
}

impl ClusterInfo {
    pub(super) fn new(snapshot: Snapshot) -> Self {
        Self(snapshot)
    }

    /// Returns the snapshot that it is a part of, which has the processes that did not answer.
    pub fn snapshot(&self) -> &Snapshot {
        &self.0
    }

    /// Returns each process that answered, with its own values.
    pub fn per_process(&self) -> impl Iterator<Item = (&Process, &Info)> + Clone {
        self.0.processes().iter().filter_map(|process| Some((process, process.info()?)))
    }

    /// Returns the number of HTTP requests of all processes (`CumReq`).
    pub fn requests(&self) -> u64 {
        self.merge().sum(Key::cum_req).unwrap_or(0)
    }

    /// Returns the shortest and the longest uptime (`Uptime_sec`); `None` if no process answered.
    pub fn uptime(&self) -> Option<Uptime> {
        let seconds =
            || self.per_process().filter_map(|(_, info)| info.uptime_sec()).map(Duration::from_secs);
        Some(Uptime { youngest: seconds().min()?, oldest: seconds().max()? })
    }

    /// Returns the process id of each process that answered, by label.
    pub fn pids(&self) -> Vec<(&str, u64)> {
        self.per_process().filter_map(|(process, info)| Some((&**process.label(), info.pid()?))).collect()
    }

    /// Returns the relative number of each process that answered, by label.
    pub fn process_numbers(&self) -> Vec<(&str, u64)> {
        self.per_process()
            .filter_map(|(process, info)| Some((&**process.label(), info.process_num()?)))
            .collect()
    }

    /// Returns the HAProxy release that all processes run, or the release of each process.
    pub fn versions(&self) -> Option<Agreement<Version>> {
        self.merge().same(|info| info.version().map(Version::parse), Version::eq)
    }

    /// Returns the lowest `Idle_pct`, which is the value of the busiest process.
    pub fn lowest_idle_pct(&self) -> Option<u64> {
        self.per_process().filter_map(|(_, info)| info.idle_pct()).min()
    }

    /// Returns the merged figure of the key called `name`, spelt as HAProxy spells it, by the same
    /// rule as its accessor; `None` if no process has a value. A key that this crate does not know
    /// is a text that is the same or differs; an empty text is a value too.
    ///
    /// # Errors
    ///
    /// - [`NotFound`](crate::ErrorKind::NotFound) if there is no key called `name`.
    pub fn metric(&self, name: &str) -> Result<Option<MetricValue<'_>>> {
        match Key::named(name) {
            Some(key) => Ok(self.merge().figure(key, key.declared().rule)),
            None if self.per_process().any(|(_, info)| info.get(name).is_some()) => {
                Ok(self.merge().same_unknown(|info| info.get(name)).map(MetricValue::SameText))
            }
            None => Err(Error::new(Problem::NotFound(format!("key {name:?} in `show info`")))),
        }
    }

    /// Returns the merged figure of every key that any process prints, with the name of the key.
    pub fn metrics(&self) -> Vec<(&str, MetricValue<'_>)> {
        let known = Key::ALL.iter().map(|key| (key.declared().name, *key, key.declared().rule));
        self.merge().figures(known)
    }

    fn merge(&self) -> Merge<'_, impl Iterator<Item = (&Process, &Info)> + Clone> {
        Merge::new(self.per_process())
    }
}

for_each_key!(figures, "Key", P, ClusterInfo, Key);

impl fmt::Debug for ClusterInfo {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_map().entries(self.metrics()).finish()
    }
}

#[cfg(feature = "serde")]
impl serde::Serialize for ClusterInfo {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        use serde::ser::SerializeMap as _;

        let processes: Vec<_> = self.per_process().map(|(process, _)| &**process.label()).collect();
        let mut map = serializer.serialize_map(Some(2))?;
        map.serialize_entry("processes", &processes)?;
        map.serialize_entry("metrics", &super::common::Metrics(self.metrics()))?;
        map.end()
    }
}
