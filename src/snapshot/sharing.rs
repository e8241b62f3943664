//! Counters that several processes keep in one file (`shm-stats-file`).

use std::collections::BTreeMap;
use std::fmt;

use super::count_range::CountRange;
use super::label::Label;
use super::process::Process;
use super::shared_counters::ShmStatsFile;
use crate::shm::RowCounters;

/// Sharing of the counters of one object among the processes that have it.
///
/// Processes with the same `shm-stats-file` keep the counters of each object with a `guid` together
/// in the file. Each of these processes prints the sum over all of them, so a merged figure counts
/// such a counter once.
///
/// # Example
///
/// ```no_run
/// # async fn example() -> haproxyadmin::Result<()> {
/// use haproxyadmin::snapshot::CounterSharing;
/// use haproxyadmin::Cluster;
///
/// let web = Cluster::from_dir("/run/haproxy").await?.frontend("web").await?;
/// match web.sharing() {
///     CounterSharing::Separate => println!("each process counts for itself"),
///     sharing => println!("counted together in {sharing}"),
/// }
/// # Ok(())
/// # }
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[cfg_attr(feature = "serde", serde(rename_all = "lowercase"))]
#[non_exhaustive]
pub enum CounterSharing {
    /// Each process counts for itself.
    Separate,
    /// Each group of processes counts together in one place. Processes that are not listed count
    /// for themselves.
    Shared(Vec<Sharers>),
    /// Each group of processes has a file for counters, and it is not known which of the processes
    /// count together. Counters that depend on this are `None` as a number, and a range in
    /// [`MetricValue`](crate::snapshot::MetricValue) and in accessors such as `requests()`.
    /// [`Process::shm_stats_file_problem`](crate::Process::shm_stats_file_problem) has the reason.
    Unknown(Vec<Sharers>),
}

/// Processes that keep counters in one file.
///
/// # Example
///
/// ```no_run
/// # async fn example() -> haproxyadmin::Result<()> {
/// use haproxyadmin::snapshot::CounterSharing;
/// use haproxyadmin::Cluster;
///
/// let web = Cluster::from_dir("/run/haproxy").await?.frontend("web").await?;
/// if let CounterSharing::Shared(groups) = web.sharing() {
///     for sharers in groups {
///         println!("{}: {}", sharers.file, sharers.processes.join(", "));
///     }
/// }
/// # Ok(())
/// # }
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[non_exhaustive]
pub struct Sharers {
    /// The file.
    pub file: ShmStatsFile,
    /// Labels of the processes, in the order of the snapshot.
    pub processes: Vec<Label>,
}

/// Identity of a file that is unique among all hosts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum FileKey<'a> {
    Declared(&'a str),
    Mapped(&'a str, u64, u64),
    /// Any of the others on this host, or none. It comes after them.
    Unknown(&'a str),
}

/// Place in which a process keeps the counters of one row.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Kept<'a> {
    Separate,
    Shared(FileKey<'a>, &'a str),
    Unknown(FileKey<'a>),
}

impl<'a> Kept<'a> {
    pub(super) fn of(process: &'a Process, row: usize) -> Self {
        let Some(shared) = process.shared_counters() else { return Self::Separate };
        let file = || match &shared.file {
            ShmStatsFile::Declared(name) => FileKey::Declared(name),
            ShmStatsFile::Mapped { device, inode, .. } => FileKey::Mapped(process.host(), *device, *inode),
            ShmStatsFile::Unknown => FileKey::Unknown(process.host()),
        };
        match shared.rows.get(row) {
            None | Some(RowCounters::Separate) => Self::Separate,
            Some(RowCounters::Shared(place)) => Self::Shared(file(), place),
            Some(RowCounters::Unknown) => Self::Unknown(file()),
        }
    }

    fn file(self) -> Option<FileKey<'a>> {
        match self {
            Self::Separate => None,
            Self::Shared(file, _) | Self::Unknown(file) => Some(file),
        }
    }
}

/// Returns the total of all rows.
///
/// The rows of one place are read at slightly different moments, and the highest value is the
/// newest.
pub(super) fn count<'a>(values: impl Iterator<Item = (Kept<'a>, u64)>) -> Option<CountRange> {
    let mut separate: Option<u64> = None;
    let mut files = Files::default();
    for (kept, value) in values {
        let separate = separate.get_or_insert_default();
        match kept {
            Kept::Separate => *separate = separate.saturating_add(value),
            _ => files.add(kept, value, u64::max),
        }
    }
    let (at_least, at_most) = files.bounds(separate?, |value| *value, u64::saturating_add);
    Some(CountRange { at_least, at_most })
}

/// Values of the rows that are or may be in files.
pub(super) struct Files<'a, T>(BTreeMap<FileKey<'a>, InFile<'a, T>>);

/// Values of the rows of one file: one for each place, and those of rows with an unknown place.
struct InFile<'a, T> {
    places: BTreeMap<&'a str, T>,
    unknown: Vec<T>,
}

impl<'a, T> Files<'a, T> {
    /// Adds the value of a row. `choose` returns the one of two values of one place that counts.
    pub(super) fn add(&mut self, kept: Kept<'a>, value: T, choose: impl FnOnce(T, T) -> T)
    where
        T: Copy,
    {
        let Some(file) = kept.file() else { return };
        let rows = self.0.entry(file).or_default();
        match kept {
            Kept::Shared(_, place) => {
                let first = rows.places.entry(place);
                first.and_modify(|first| *first = choose(*first, value)).or_insert(value);
            }
            _ => rows.unknown.push(value),
        }
    }

    /// Returns the lowest and the highest total of a number of all values, added to `separate`. A row with an
    /// unknown place may count in any place of its file, or for itself. A row with an unknown file may count in
    /// any file of its host.
    pub(super) fn bounds<N: Copy + Default + PartialOrd>(
        &self,
        separate: N,
        number: impl Fn(&T) -> N,
        add: impl Fn(N, N) -> N,
    ) -> (N, N) {
        let total = |values: &mut dyn Iterator<Item = &T>| values.map(&number).fold(N::default(), &add);
        let higher = |one: N, other: N| if other > one { other } else { one };
        let (mut all_lowest, mut at_most) = (Vec::new(), separate);
        for (file, InFile { places, unknown }) in &self.0 {
            let known = total(&mut places.values());
            at_most = add(at_most, add(known, total(&mut unknown.iter())));
            let lowest = unknown.iter().map(&number).fold(known, higher);
            // All of its rows may count in the file that counts the most.
            let any = match file {
                FileKey::Unknown(host) => highest_of(&mut all_lowest, host),
                _ => None,
            };
            match any {
                Some(of_file) => *of_file = higher(*of_file, lowest),
                None => all_lowest.push((file, lowest)),
            }
        }
        (all_lowest.into_iter().map(|(_, lowest)| lowest).fold(separate, add), at_most)
    }
}

/// Returns the highest of the numbers of the files that a process of `host` may have.
fn highest_of<'b, N: PartialOrd>(numbers: &'b mut [(&FileKey<'_>, N)], host: &str) -> Option<&'b mut N> {
    let may_have = |file: &FileKey<'_>| match file {
        FileKey::Declared(_) => true,
        FileKey::Mapped(of, ..) | FileKey::Unknown(of) => *of == host,
    };
    let numbers = numbers.iter_mut().filter(|(file, _)| may_have(file)).map(|(_, number)| number);
    numbers.reduce(|one, other| if *other > *one { other } else { one })
}

impl<T> Default for Files<'_, T> {
    fn default() -> Self {
        Self(BTreeMap::new())
    }
}

impl<T> Default for InFile<'_, T> {
    fn default() -> Self {
        Self { places: BTreeMap::new(), unknown: Vec::new() }
    }
}

impl CounterSharing {
    /// Returns the sharing of the counters of these rows.
    pub(super) fn of<'a>(rows: impl Iterator<Item = (&'a Process, usize)>) -> Self {
        let kept: Vec<_> = rows.map(|(process, row)| (process, Kept::of(process, row))).collect();
        let kept = || kept.iter().copied();
        if kept().any(|(_, kept)| matches!(kept, Kept::Unknown(_))) {
            return Self::Unknown(groups(kept().map(|(process, kept)| (process, (kept.file(), "")))));
        }
        let shared = groups(kept().map(|(process, kept)| match kept {
            Kept::Shared(file, place) => (process, (Some(file), place)),
            _ => (process, (None, "")),
        }));
        if shared.is_empty() { Self::Separate } else { Self::Shared(shared) }
    }
}

/// Returns the processes of each file and place, in the order in which they come.
fn groups<'a>(rows: impl Iterator<Item = (&'a Process, (Option<FileKey<'a>>, &'a str))>) -> Vec<Sharers> {
    let mut groups: Vec<((FileKey<'_>, &str), Sharers)> = Vec::new();
    for (process, (file, place)) in rows {
        let (Some(file), Some(shared)) = (file, process.shared_counters()) else { continue };
        let at = groups.iter().position(|(key, _)| *key == (file, place)).unwrap_or_else(|| {
            let sharers = Sharers { file: shared.file.clone(), processes: Vec::new() };
            groups.push(((file, place), sharers));
            groups.len() - 1
        });
        if let Some((_, sharers)) = groups.get_mut(at) {
            if sharers.processes.last() != Some(process.label()) {
                sharers.processes.push(process.label().clone());
            }
        }
    }
    groups.into_iter().map(|(_, sharers)| sharers).collect()
}

/// Prints `no`, or each file with its processes: `counters.shm: 1, 2`.
impl fmt::Display for CounterSharing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (groups, end) = match self {
            Self::Separate => return f.pad("no"),
            Self::Shared(groups) => (groups, ""),
            Self::Unknown(groups) => (groups, " (which of them is not known)"),
        };
        for (at, group) in groups.iter().enumerate() {
            let gap = if at == 0 { "" } else { "; " };
            write!(f, "{gap}{}: {}", group.file, group.processes.join(", "))?;
        }
        f.write_str(end)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const FILE: FileKey<'static> = FileKey::Declared("one");
    const OTHER: FileKey<'static> = FileKey::Mapped("host", 1, 2);

    fn range(at_least: u64, at_most: u64) -> CountRange {
        CountRange { at_least, at_most }
    }

    #[test]
    fn a_place_counts_once_and_the_rest_adds_up() {
        let values = [
            (Kept::Shared(FILE, "a"), 41),
            (Kept::Shared(FILE, "a"), 42),
            (Kept::Shared(FILE, "b"), 5),
            (Kept::Shared(OTHER, "a"), 7),
            (Kept::Separate, 100),
        ];
        assert_eq!(count(values.into_iter()).unwrap(), range(154, 154));
        assert_eq!(count(std::iter::empty()), None);
        assert_eq!(count([(Kept::Separate, 0)].into_iter()).unwrap(), range(0, 0));
    }

    #[test]
    fn what_is_not_known_lies_between_one_place_and_as_many_as_there_are_rows() {
        let unknown = |value| (Kept::Unknown(FILE), value);
        assert_eq!(count([unknown(30), unknown(12)].into_iter()).unwrap(), range(30, 42));
        assert_eq!(count([unknown(30)].into_iter()).unwrap(), range(30, 30));
        let known = (Kept::Shared(FILE, "a"), 20);
        assert_eq!(count([known, unknown(30)].into_iter()).unwrap(), range(30, 50));
        assert_eq!(count([known, unknown(3), (Kept::Separate, 1)].into_iter()).unwrap(), range(21, 24));
        let elsewhere = (Kept::Unknown(OTHER), 9);
        assert_eq!(count([unknown(30), elsewhere].into_iter()).unwrap(), range(39, 39));
    }

    #[test]
    fn a_row_of_an_unknown_file_counts_in_any_file_of_its_host_or_for_itself() {
        let any = |value| (Kept::Unknown(FileKey::Unknown("host")), value);
        assert_eq!(count([any(42), any(42)].into_iter()).unwrap(), range(42, 84));
        assert_eq!(count([any(42)].into_iter()).unwrap(), range(42, 42));
        assert_eq!(count([any(42), (Kept::Separate, 5)].into_iter()).unwrap(), range(47, 47));
        let mapped = |inode, value| (Kept::Shared(FileKey::Mapped("host", 1, inode), "a"), value);
        assert_eq!(count([mapped(2, 42), any(41), any(42)].into_iter()).unwrap(), range(42, 125));
        assert_eq!(count([mapped(2, 42), mapped(3, 10), any(50)].into_iter()).unwrap(), range(60, 102));
        // No process of another host has the file.
        let far = (Kept::Shared(FileKey::Mapped("far", 1, 2), "a"), 42);
        assert_eq!(count([far, any(42)].into_iter()).unwrap(), range(84, 84));
        assert_eq!(count([(Kept::Shared(FILE, "a"), 42), any(42)].into_iter()).unwrap(), range(42, 84));
    }
}
