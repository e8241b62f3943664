use std::collections::HashMap;
use std::fmt;
use std::time::Duration;

use crate::error::{Error, Problem, Result};
use crate::field::{InfoKey, KEYS, Key, Nature, Rule, ValueType, for_each_key, unit};
use crate::show::Info;
use crate::snapshot::merge::fold::{self, Underflow};
use crate::snapshot::merge::{Agreement, Bound, Limit, MetricValue};
use crate::snapshot::{CountRange, Label, Process, Snapshot};
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
        self.sum(Key::cum_req).unwrap_or(0)
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
        self.same(|info| info.version().map(Version::parse))
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
        match known(name) {
            Some((key, declared)) => Ok(self.known_figure(key, declared)),
            None if self.per_process().any(|(_, info)| info.get(name).is_some()) => {
                let texts =
                    self.current().filter_map(|(process, info)| Some((process.label(), info.get(name)?)));
                Ok(unknown_figure(texts))
            }
            None => Err(Error::new(Problem::NotFound(format!("key {name:?} in `show info`")))),
        }
    }

    /// Returns the merged figure of every key that any process prints, with the name of the key.
    pub fn metrics(&self) -> Vec<(&str, MetricValue<'_>)> {
        let mut names = Vec::new();
        // Each key with its text in each process that is not ignored. A search for every key in
        // every process would take time proportional to the square of their number.
        let mut texts: HashMap<&str, Vec<(&Label, &str)>> = HashMap::new();
        let has_say = self.has_say();
        for (process, info) in self.per_process() {
            for (name, value) in info {
                let texts = texts.entry(name).or_insert_with(|| {
                    names.push(name);
                    Vec::new()
                });
                // If a process prints a key twice, the first one counts.
                let is_first = texts.last().is_none_or(|(label, _)| *label != process.label());
                if is_first && has_say(process) {
                    texts.push((process.label(), value));
                }
            }
        }
        let figure = |name: &str| match known(name) {
            Some((key, declared)) => self.known_figure(key, declared),
            None => unknown_figure(texts.get(name)?.iter().copied()),
        };
        names.into_iter().filter_map(|name| Some((name, figure(name)?))).collect()
    }

    fn known_figure(&self, key: Key, declared: &InfoKey) -> Option<MetricValue<'_>> {
        match (declared.rule, declared.value_type) {
            (Rule::Sum, _) => self.sum(key).map(MetricValue::Number),
            (Rule::Max, _) => self.max(key).map(MetricValue::Number),
            (Rule::Min, _) => self.min(key).map(MetricValue::Number),
            (Rule::Mean, _) => self.mean(key).map(MetricValue::Mean),
            (Rule::Range, _) => self.range(key).map(MetricValue::Range),
            (Rule::Limit, _) => self.limit(key).map(MetricValue::Limit),
            (Rule::PerProcess, _) => {
                let own: Vec<(Label, &str)> = self
                    .per_process()
                    .filter_map(|(process, info)| Some((process.label().clone(), info.text(key)?)))
                    .collect();
                (!own.is_empty()).then_some(MetricValue::Own(own))
            }
            (Rule::SameOrEmpty, _) => self.same_text_or_empty(key).map(MetricValue::SameText),
            (_, ValueType::Text) => self.same_text(key).map(MetricValue::SameText),
            _ => self.same_number(key).map(MetricValue::SameNumber),
        }
    }

    /// Returns the processes that decide settings, limits and ages: the processes that are not
    /// stopping, or all processes if all of them are stopping.
    fn current(&self) -> impl Iterator<Item = (&Process, &Info)> + Clone {
        let has_say = self.has_say();
        self.per_process().filter(move |(process, _)| has_say(process))
    }

    fn has_say(&self) -> impl Fn(&Process) -> bool + Clone + use<> {
        let all = self.per_process().all(|(process, _)| process.is_stopping());
        move |process| all || !process.is_stopping()
    }

    fn sum(&self, key: Key) -> Option<u64> {
        fold::sum(self.per_process().map(|(_, info)| info.number(key)), underflow(key))
    }

    fn range(&self, key: Key) -> Option<CountRange> {
        fold::range(self.per_process().map(|(_, info)| info.number(key)))
    }

    fn max(&self, key: Key) -> Option<u64> {
        fold::max(self.current().map(|(_, info)| info.number(key)))
    }

    fn min(&self, key: Key) -> Option<u64> {
        self.current().filter_map(|(_, info)| info.number(key)).min()
    }

    /// Returns the mean of a key. The rate of TLS resumption is weighted by the handshakes that it
    /// is a share of; for all other keys, each process has the same weight.
    fn mean(&self, key: Key) -> Option<f64> {
        let weight = |info: &Info| match key {
            Key::ssl_frontend_session_reuse_pct => info.ssl_rate().unwrap_or(0),
            _ => 1,
        };
        fold::mean(self.current().map(|(_, info)| (info.number(key), weight(info))))
    }

    fn limit(&self, key: Key) -> Option<Limit> {
        fold::limit(
            self.current().filter_map(|(process, info)| {
                Some((process.label(), Bound::from_cell(Some(info.number(key)?))))
            }),
        )
    }

    fn same<'a, T: PartialEq>(&'a self, get: impl Fn(&'a Info) -> Option<T>) -> Option<Agreement<T>> {
        let values = self.current().filter_map(|(process, info)| Some((process.label(), get(info)?)));
        fold::agreement(values, T::eq)
    }

    fn same_number(&self, key: Key) -> Option<Agreement<u64>> {
        self.same(|info| info.number(key))
    }

    fn same_text(&self, key: Key) -> Option<Agreement<&str>> {
        self.same(|info| info.text(key))
    }

    /// Returns the agreement on a key that a process leaves out if it is empty.
    fn same_text_or_empty(&self, key: Key) -> Option<Agreement<&str>> {
        let texts =
            self.current().map(|(process, info)| (process.label(), info.text(key).unwrap_or_default()));
        fold::filled(texts, |text| text, |a, b| a == b)
    }
}

/// Returns the key called `name`, if this crate knows it.
fn known(name: &str) -> Option<(Key, &'static InfoKey)> {
    let index = KEYS.iter().position(|key| key.name == name)?;
    Some((*Key::ALL.get(index)?, KEYS.get(index)?))
}

/// Returns the merged figure of a key that this crate does not know.
fn unknown_figure<'a>(texts: impl Iterator<Item = (&'a Label, &'a str)> + Clone) -> Option<MetricValue<'a>> {
    fold::filled(texts, |text| text, |a, b| a == b).map(MetricValue::SameText)
}

/// Returns the threshold at which a figure of `key` counts as below zero.
fn underflow(key: Key) -> Underflow {
    match KEYS.get(key as usize) {
        Some(InfoKey { nature: Nature::Gauge, value_type: ValueType::U32, .. }) => Underflow::BITS_32,
        Some(InfoKey { nature: Nature::Gauge, value_type: ValueType::U64, .. }) => Underflow::BITS_64,
        _ => Underflow::NEVER,
    }
}

macro_rules! figures {
    ($(
        $accessor:ident = $name:literal, $wire:ident, $unit:ident, $nature:ident, $since:literal,
        $rule:ident, $doc:literal;
    )*) => {
        /// Accessors of the keys, merged over the processes.
        impl ClusterInfo {
            $(figure! { $rule $wire $accessor
                concat!("Key `", $name, "`", unit!($unit), "; HAProxy ", $since, " and later. "), $doc
            })*
        }
    };
}

macro_rules! figure {
    // `uptime` is written by hand.
    (PerProcess $wire:ident $accessor:ident $key:expr, $doc:literal) => {};
    (Sum $wire:ident $accessor:ident $key:expr, $doc:literal) => {
        figure! { @ $accessor sum u64, $doc, $key, "Merged: the sum over all processes." }
    };
    (Max $wire:ident $accessor:ident $key:expr, $doc:literal) => {
        figure! { @ $accessor max u64, $doc, $key, "Merged: the highest value of all processes." }
    };
    (Min $wire:ident $accessor:ident $key:expr, $doc:literal) => {
        figure! { @ $accessor min u64, $doc, $key, "Merged: the lowest value of all processes." }
    };
    (Mean $wire:ident $accessor:ident $key:expr, $doc:literal) => {
        figure! { @ $accessor mean f64, $doc, $key, "Merged: the mean over all processes." }
    };
    (Range $wire:ident $accessor:ident $key:expr, $doc:literal) => {
        figure! { @ $accessor range CountRange, $doc, $key,
        "Merged: the range between the highest value and the sum of all processes." }
    };
    (Limit $wire:ident $accessor:ident $key:expr, $doc:literal) => {
        figure! { @ $accessor limit Limit, $doc, $key,
        "Merged: the limit of each process, and of all processes together; 0 is unlimited." }
    };
    (Same Text $accessor:ident $key:expr, $doc:literal) => {
        figure! { @ $accessor same_text Agreement<&str>, $doc, $key,
        "Merged: the common value, or the value of each process." }
    };
    (SameOrEmpty Text $accessor:ident $key:expr, $doc:literal) => {
        figure! { @ $accessor same_text_or_empty Agreement<&str>, $doc, $key,
                       "Merged: the common value, or the value of each process. Some values may be empty; \
`None` if all are empty." }
    };
    (Same $wire:ident $accessor:ident $key:expr, $doc:literal) => {
        figure! { @ $accessor same_number Agreement<u64>, $doc, $key,
        "Merged: the common value, or the value of each process." }
    };
    (@ $accessor:ident $fold:ident $result:ty, $doc:literal, $key:expr, $merged:literal) => {
        #[doc = $doc]
        #[doc = ""]
        #[doc = $key]
        #[doc = $merged]
        pub fn $accessor(&self) -> Option<$result> {
            self.$fold(Key::$accessor)
        }
    };
}

for_each_key!(figures);

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
