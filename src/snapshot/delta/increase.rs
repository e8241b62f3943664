use std::fmt;
use std::ops::Add;
use std::time::Duration;

use crate::snapshot::sharing::{Files, Kept};
use crate::snapshot::{CountRange, Label};

/// Increase of one counter between two snapshots, over all processes that were counted.
///
/// With the feature `serde` it is written as a map of `count`, `rate` and `covers` (a map of
/// `shortest` and `longest`, in microseconds).
///
/// # Example
///
/// ```no_run
/// # fn example(delta: haproxyadmin::snapshot::Delta) -> haproxyadmin::Result<()> {
/// if let Some(requests) = delta.backend("app")?.requests() {
///     println!("{} requests, {:?} per second", requests.count(), requests.rate());
///     for process in requests.per_process() {
///         println!("{}: {} in {:?}", process.label, process.count, process.covers);
///     }
/// }
/// # Ok(())
/// # }
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct Increase {
    count: CountRange,
    rate: RateRange,
    processes: Vec<ProcessIncrease>,
}

/// Increase of one counter in one process.
///
/// # Example
///
/// ```no_run
/// # fn example(delta: haproxyadmin::snapshot::Delta) -> haproxyadmin::Result<()> {
/// let requests = delta.frontend("web")?.requests();
/// for process in requests.iter().flat_map(|requests| requests.per_process()) {
///     println!("{}: {} per second", process.label, process.rate());
/// }
/// # Ok(())
/// # }
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct ProcessIncrease {
    /// Label of the process in the later snapshot.
    pub label: Label,
    /// Increase that the process prints. Processes that share the counter all print the increase of
    /// all of them.
    pub count: u64,
    /// Time in which the counter increased so much, from the end of one reply of the process to the
    /// end of the other.
    pub covers: Duration,
}

/// Number of events per second, which may be known only within bounds.
///
/// It is not exact while it is not known which processes share the counter
/// ([`CounterSharing::Unknown`](crate::snapshot::CounterSharing::Unknown)). Prints the number, or
/// both bounds: `4.5..9`. Serialises as the number, or as a map of the two bounds.
///
/// # Example
///
/// ```
/// use haproxyadmin::snapshot::RateRange;
///
/// let rate = RateRange { at_least: 4.5, at_most: 9.0 };
/// assert_eq!(rate.exact(), None);
/// assert_eq!(format!("{rate:.1}"), "4.5..9.0");
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct RateRange {
    /// Lower bound.
    pub at_least: f64,
    /// Upper bound.
    pub at_most: f64,
}

/// The shortest and the longest time that the differences of several processes cover.
///
/// # Example
///
/// ```no_run
/// # fn example(delta: haproxyadmin::snapshot::Delta) {
/// match delta.covers() {
///     Some(covers) => println!("over {:?} to {:?}", covers.shortest, covers.longest),
///     None => println!("no process was counted"),
/// }
/// # }
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct Covers {
    /// Shortest time between the ends of two replies of one process.
    pub shortest: Duration,
    /// Longest time between the ends of two replies of one process.
    pub longest: Duration,
}

/// Increase that one row of a process prints, and the place in which the process keeps the counter.
pub(super) struct Portion<'a> {
    pub(super) kept: Kept<'a>,
    pub(super) label: &'a Label,
    pub(super) count: u64,
    pub(super) covers: Duration,
    /// Number of thread groups of the process, if it reports one.
    pub(super) thread_groups: Option<u64>,
}

impl Increase {
    /// Adds up the increases of all processes. Returns `None` if there are none.
    ///
    /// Of the processes that share a counter in one place, one counts: see [`Shared::more`].
    pub(super) fn of<'a>(portions: impl Iterator<Item = Portion<'a>>) -> Option<Self> {
        let mut separate: Option<(u64, f64)> = None;
        let mut processes: Vec<ProcessIncrease> = Vec::new();
        let mut files = Files::default();
        for Portion { kept, label, count, covers, thread_groups } in portions {
            let process = ProcessIncrease { label: label.clone(), count, covers };
            let rate = process.rate();
            let separate = separate.get_or_insert_default();
            match kept {
                Kept::Separate => *separate = (separate.0.saturating_add(count), separate.1 + rate),
                _ => files.add(kept, Shared { count, rate, thread_groups }, Shared::more),
            }
            match processes.last_mut().filter(|last| last.label == process.label) {
                // One process with several rows.
                Some(last) if kept == Kept::Separate => last.count = last.count.saturating_add(count),
                Some(_) => {}
                None => processes.push(process),
            }
        }
        let (count, rate) = separate?;
        let count = files.bounds(count, |one| one.count, u64::saturating_add);
        let rate = files.bounds(rate, |one| one.rate, f64::add);
        let (count, rate) = (
            CountRange { at_least: count.0, at_most: count.1 },
            RateRange { at_least: rate.0, at_most: rate.1 },
        );
        Some(Self { count, rate, processes })
    }

    /// Returns the number of events: the sum over the processes that were counted. A counter that
    /// processes share counts once.
    pub fn count(&self) -> CountRange {
        self.count
    }

    /// Returns the number of events per second: the sum of the rates of the processes, each over its
    /// own time. `None` while it is not known which processes share the counter; see
    /// [`rate_range`](Self::rate_range).
    pub fn rate(&self) -> Option<f64> {
        self.rate.exact()
    }

    /// Returns the number of events per second, or its bounds.
    pub fn rate_range(&self) -> RateRange {
        self.rate
    }

    /// Returns the increase of each process that was counted, in the order of the later snapshot.
    pub fn per_process(&self) -> &[ProcessIncrease] {
        &self.processes
    }

    /// Returns the shortest and the longest time that a process covers.
    pub fn covers(&self) -> Covers {
        Covers::of(self.processes.iter().map(|process| process.covers)).unwrap_or_default()
    }
}

impl ProcessIncrease {
    /// Returns the number of events per second.
    #[allow(clippy::cast_precision_loss, reason = "a rate has less than 53 significant bits")]
    pub fn rate(&self) -> f64 {
        if self.covers.is_zero() { 0.0 } else { self.count as f64 / self.covers.as_secs_f64() }
    }
}

impl RateRange {
    /// Returns the number, or `None` if it is known only within bounds.
    #[allow(clippy::float_cmp, reason = "the bounds are the same number if the rate is exact")]
    pub fn exact(self) -> Option<f64> {
        (self.at_least == self.at_most).then_some(self.at_least)
    }
}

impl fmt::Display for RateRange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.exact() {
            Some(rate) => rate.fmt(f),
            None => match f.precision() {
                Some(digits) => {
                    f.write_fmt(format_args!("{:.digits$}..{:.digits$}", self.at_least, self.at_most))
                }
                None => write!(f, "{}..{}", self.at_least, self.at_most),
            },
        }
    }
}

impl Covers {
    pub(super) fn of(times: impl Iterator<Item = Duration>) -> Option<Self> {
        times.fold(None, |covers, time| {
            let Self { shortest, longest } = covers.unwrap_or(Self { shortest: time, longest: time });
            Some(Self { shortest: shortest.min(time), longest: longest.max(time) })
        })
    }
}

impl Default for Covers {
    fn default() -> Self {
        Self { shortest: Duration::ZERO, longest: Duration::ZERO }
    }
}

/// Increase of a counter that is or may be in a file, as one process prints it.
#[derive(Debug, Clone, Copy)]
struct Shared {
    count: u64,
    rate: f64,
    thread_groups: Option<u64>,
}

impl Shared {
    /// Returns the one of two increases of one counter that counts: the one of the process with more thread
    /// groups, or else the first one.
    ///
    /// Each process prints the sum over its own thread groups, and was read at its own time. HAProxy 3.3 does not
    /// report the number of groups, so the greater increase counts.
    fn more(self, other: Self) -> Self {
        let reach = |one: Self| (one.thread_groups, if one.thread_groups.is_none() { one.count } else { 0 });
        if reach(other) > reach(self) { other } else { self }
    }
}

/// Returns a time in microseconds.
#[cfg(feature = "serde")]
pub(super) fn microseconds(time: Duration) -> u64 {
    u64::try_from(time.as_micros()).unwrap_or(u64::MAX)
}

#[cfg(feature = "serde")]
impl serde::Serialize for Increase {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        use serde::ser::SerializeMap as _;

        let mut map = serializer.serialize_map(Some(3))?;
        map.serialize_entry("count", &self.count)?;
        map.serialize_entry("rate", &self.rate)?;
        map.serialize_entry("covers", &self.covers())?;
        map.end()
    }
}

#[cfg(feature = "serde")]
impl serde::Serialize for RateRange {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self.exact() {
            Some(rate) => rate.serialize(serializer),
            None => serializer.collect_map([("at_least", self.at_least), ("at_most", self.at_most)]),
        }
    }
}

#[cfg(feature = "serde")]
impl serde::Serialize for Covers {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let times = [("shortest", self.shortest), ("longest", self.longest)];
        serializer.collect_map(times.map(|(name, time)| (name, microseconds(time))))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::snapshot::sharing::FileKey;

    const FILE: FileKey<'static> = FileKey::Declared("one");

    fn increase(portions: &[(Kept<'static>, &str, u64, u64)]) -> Increase {
        increase_with_groups(portions, &vec![None; portions.len()])
    }

    fn increase_with_groups(
        portions: &[(Kept<'static>, &str, u64, u64)],
        thread_groups: &[Option<u64>],
    ) -> Increase {
        let labels: Vec<Label> = portions.iter().map(|(_, label, ..)| Label::from(*label)).collect();
        let portions = portions.iter().zip(&labels).zip(thread_groups);
        let portions = portions.map(|(((kept, _, count, seconds), label), thread_groups)| Portion {
            kept: *kept,
            label,
            count: *count,
            covers: Duration::from_secs(*seconds),
            thread_groups: *thread_groups,
        });
        Increase::of(portions).unwrap()
    }

    #[test]
    fn a_rate_is_the_sum_of_the_rates_over_the_time_of_each_process() {
        let both = increase(&[(Kept::Separate, "1", 10, 2), (Kept::Separate, "2", 30, 3)]);
        assert_eq!((both.count(), both.rate()), (40.into(), Some(15.0)));
        let covers = Covers { shortest: Duration::from_secs(2), longest: Duration::from_secs(3) };
        assert_eq!(both.covers(), covers);
        assert_eq!(Increase::of(std::iter::empty()), None);
    }

    #[test]
    fn a_shared_counter_counts_once_and_an_unknown_one_within_bounds() {
        let shared = Kept::Shared(FILE, "a");
        let once = increase(&[(shared, "1", 10, 2), (shared, "2", 12, 2), (Kept::Separate, "3", 2, 2)]);
        assert_eq!((once.count(), once.rate()), (14.into(), Some(7.0)));
        assert_eq!(once.per_process().iter().map(|one| one.count).collect::<Vec<_>>(), [10, 12, 2]);

        let unknown = Kept::Unknown(FILE);
        let between = increase(&[(unknown, "1", 10, 2), (unknown, "2", 12, 4), (Kept::Separate, "3", 2, 2)]);
        assert_eq!(between.count(), CountRange { at_least: 14, at_most: 24 });
        assert_eq!(between.rate(), None);
        assert_eq!(between.rate_range(), RateRange { at_least: 6.0, at_most: 9.0 });
        assert_eq!(between.rate_range().to_string(), "6..9");
    }

    #[test]
    fn the_process_with_the_most_thread_groups_counts_for_all() {
        let shared = Kept::Shared(FILE, "a");
        let portions = [(shared, "1", 10, 2), (shared, "2", 30, 3), (shared, "3", 31, 2)];
        let of = |groups: [u64; 3]| {
            let increase = increase_with_groups(&portions, &groups.map(Some));
            (increase.count().exact().unwrap(), increase.rate().unwrap())
        };
        assert_eq!(of([1, 2, 1]), (30, 10.0));
        assert_eq!(of([1, 2, 2]), (30, 10.0));
        assert_eq!(of([1, 1, 1]), (10, 5.0));
        // HAProxy 3.3 does not report the number.
        assert_eq!(increase(&portions).count(), 31);
        let counts = increase(&portions).per_process().iter().map(|one| one.count).collect::<Vec<_>>();
        assert_eq!(counts, [10, 30, 31]);
    }

    #[test]
    fn several_rows_of_a_process_are_one_entry() {
        let rows = increase(&[(Kept::Separate, "1", 10, 2), (Kept::Separate, "1", 4, 2)]);
        assert_eq!((rows.count(), rows.per_process().len()), (14.into(), 1));
        assert_eq!(rows.per_process()[0].count, 14);
        let shared = Kept::Shared(FILE, "a");
        let rows = increase(&[(shared, "1", 10, 2), (shared, "1", 10, 2)]);
        assert_eq!((rows.count(), rows.per_process()[0].count), (10.into(), 10));
    }
}
