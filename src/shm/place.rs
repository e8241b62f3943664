//! Finds the place of the counters of each row.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::sync::Arc;

use super::file::{Object, ShmFile, Side};
use super::guid::RowGuid;
use crate::field::{COLUMNS, Col, Nature, RowKind};
use crate::show::stat::{Cells as _, Row, StatTable};
use crate::version::Version;

/// One of the processes that use the same file.
pub(crate) struct Member<'a> {
    pub(crate) guids: &'a [RowGuid],
    /// `show stat` from before and from after the guids were read. For all members together, each
    /// of these steps is complete before the next one begins.
    pub(crate) before: &'a StatTable,
    pub(crate) after: &'a StatTable,
    pub(crate) version: Option<&'a Version>,
    /// Number of thread groups. Each group counts in a place of its own, so a process with fewer
    /// groups does not see the counts of the others.
    pub(crate) thread_groups: u64,
    pub(crate) usage: Usage,
}

/// The known relation of a process to the file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Usage {
    /// The process uses this slot.
    Slot(usize),
    /// The process uses a slot, but it is not known which one.
    Some,
    /// The process may not use the file at all.
    Unknown,
}

/// The place of the counters of one row.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum RowCounters {
    /// The counters are in the process alone.
    Separate,
    /// The counters are in the file, at the place with this name. All processes with the same place
    /// in the same file count there.
    Shared(Arc<str>),
    /// The counters are in the process or in the file.
    Unknown,
}

/// Returns the place of each row of each member. `file` is the file that the members share, or
/// `None` if it cannot be read on this host.
pub(crate) fn places(members: &[Member<'_>], file: Option<&ShmFile>) -> Vec<Box<[RowCounters]>> {
    let mut places: Vec<Vec<RowCounters>> = members.iter().map(|member| member.places(file)).collect();
    let wrong = contradictions(members, &places);
    // The members share the names of their places, so that many comparisons stay in the cache of the processor.
    let mut names: HashSet<Arc<str>> = HashSet::new();
    for counters in places.iter_mut().flatten() {
        let RowCounters::Shared(place) = counters else { continue };
        if wrong.contains(&**place) {
            *counters = RowCounters::Unknown;
        } else if let Some(name) = names.get(place) {
            *place = Arc::clone(name);
        } else {
            names.insert(Arc::clone(place));
        }
    }
    places.into_iter().map(Into::into).collect()
}

impl Member<'_> {
    fn places(&self, file: Option<&ShmFile>) -> Vec<RowCounters> {
        let frontends: HashSet<&str> =
            self.before.rows().filter(|row| row.kind() == RowKind::Frontend).map(|row| row.proxy()).collect();
        let pure = |row: &Row<'_>| row.kind() == RowKind::Backend && !frontends.contains(row.proxy());
        let place = |(row, guid): (Row<'_>, &RowGuid)| {
            let found = match (guid, file) {
                (RowGuid::None, _) => return RowCounters::Separate,
                (RowGuid::Unknown, _) => None,
                (RowGuid::Is(..), _) if self.usage == Usage::Unknown => None,
                (RowGuid::Is(side, guid), Some(file)) => place_in(file, self.usage, *side, guid),
                (RowGuid::Is(..), None) if pure(&row) => match pure_backends_share(self.version) {
                    Some(false) => return RowCounters::Separate,
                    _ => None,
                },
                (RowGuid::Is(side, guid), None) => Some(name(*side, guid, None)),
            };
            found.map_or(RowCounters::Unknown, RowCounters::Shared)
        };
        self.before.rows().zip(self.guids).map(place).collect()
    }
}

/// Returns `true` if backends that are no frontends share their counters, `false` if they do not,
/// and `None` if it is not known.
///
/// HAProxy intends to share them. Release 3.4 searches for them in the file with a key that only
/// frontends have, so each process gets a place of its own; a later release may fix this.
fn pure_backends_share(version: Option<&Version>) -> Option<bool> {
    let mut numbers = version?.as_str().split(|byte: char| !byte.is_ascii_digit());
    let (major, minor, patch) = (numbers.next()?, numbers.next()?, numbers.next()?.parse::<u32>().ok()?);
    ((major, minor) == ("3", "4") && patch <= LAST_SEEN).then_some(false)
}

/// Last patch level of 3.4 for which it is known that such backends do not share.
const LAST_SEEN: u32 = 7;

/// Returns the place of an object in the file, or `None` if it is not certain that the process
/// counts there.
fn place_in(file: &ShmFile, usage: Usage, side: Side, guid: &str) -> Option<Arc<str>> {
    let all: Vec<&Object> = file.objects(guid, side).collect();
    let used = match usage {
        Usage::Slot(slot) => used_by(&all, slot)?,
        Usage::Some | Usage::Unknown => by_group(all.iter().copied())?,
    };
    if let Usage::Slot(own) = usage {
        // Processes that share one thread group must share all groups that both have.
        for slot in (0..u64::BITS as usize).filter(|slot| *slot != own) {
            let theirs = || all.iter().copied().filter(|object| object.is_used_by(slot));
            if theirs().any(|object| used.values().any(|index| *index == object.index)) {
                let differs =
                    |(group, index): (u16, usize)| used.get(&group).is_some_and(|own| *own != index);
                if by_group(theirs())?.into_iter().any(differs) {
                    return None;
                }
            }
        }
    }
    let (group, own) = used.first_key_value()?;
    let first = all.iter().filter(|object| object.thread_group == *group).map(|object| object.index).min();
    Some(name(side, guid, Some(*own).filter(|own| first != Some(*own))))
}

/// Returns the objects that a slot uses, by thread group, or `None` if one group has several
/// objects.
fn used_by(objects: &[&Object], slot: usize) -> Option<BTreeMap<u16, usize>> {
    by_group(objects.iter().copied().filter(|object| object.is_used_by(slot)))
}

fn by_group<'a>(objects: impl Iterator<Item = &'a Object>) -> Option<BTreeMap<u16, usize>> {
    let mut groups = BTreeMap::new();
    for object in objects {
        if groups.insert(object.thread_group, object.index).is_some() {
            return None;
        }
    }
    Some(groups)
}

/// Builds the name of a place. `index` is the object's index if the object is not the first one
/// with its guid.
fn name(side: Side, guid: &str, index: Option<usize>) -> Arc<str> {
    let side = match side {
        Side::Front => "fe",
        Side::Back => "be",
    };
    match index {
        None => format!("{side}:{guid}").into(),
        Some(index) => format!("{side}:{guid}#{index}").into(),
    }
}

/// Returns the side and the objects of a place that a process with this slot uses: one for each thread
/// group. Returns `None` if it uses none, or if it is not certain which ones.
pub(super) fn objects_of(file: &ShmFile, slot: usize, place: &str) -> Option<(Side, Vec<usize>)> {
    let (side, guid) = place.split_once(':')?;
    let side = if side == "fe" { Side::Front } else { Side::Back };
    let guid = guid.split_once('#').map_or(guid, |(guid, _)| guid);
    let used = used_by(&file.objects(guid, side).collect::<Vec<_>>(), slot)?;
    (!used.is_empty()).then(|| (side, used.into_values().collect()))
}

/// Returns the places that cannot be shared, because one process first printed a higher count than
/// another one printed later.
fn contradictions(members: &[Member<'_>], places: &[Vec<RowCounters>]) -> HashSet<Arc<str>> {
    let known = Col::ALL.iter().zip(COLUMNS);
    let counters =
        known.filter(|(column, one)| one.shared && one.nature == Nature::Counter && !column.is_derived());
    let counters: Vec<Col> = counters.map(|(column, _)| *column).collect();

    let mut rows: HashMap<&Arc<str>, Vec<(u64, Row<'_>, Row<'_>)>> = HashMap::new();
    for (member, places) in members.iter().zip(places) {
        for ((before, after), counted) in member.before.rows().zip(member.after.rows()).zip(places) {
            if let RowCounters::Shared(place) = counted {
                rows.entry(place).or_default().push((member.thread_groups, before, after));
            }
        }
    }
    // A process with as many thread groups as another one or more counts all that the other one counts. The highest
    // and the lowest counter of all processes stand for all pairs of them.
    let falls = |rows: &[(u64, Row<'_>, Row<'_>)], groups: u64, counter: Col| {
        let first =
            rows.iter().filter(|(few, ..)| *few <= groups).filter_map(|(_, row, _)| row.number(counter));
        let later =
            rows.iter().filter(|(many, ..)| *many >= groups).filter_map(|(.., row)| row.number(counter));
        first.max().zip(later.min()).is_some_and(|(first, later)| first > later)
    };
    let is_wrong = |rows: &[(u64, Row<'_>, Row<'_>)]| {
        let groups: BTreeSet<u64> = rows.iter().map(|(groups, ..)| *groups).collect();
        groups.iter().any(|groups| counters.iter().any(|counter| falls(rows, *groups, *counter)))
    };
    let wrong = rows.into_iter().filter(|(_, rows)| is_wrong(rows));
    wrong.map(|(place, _)| place.clone()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::shm::join;
    use crate::show::GuidList;
    use crate::show::stat::StatParser;

    fn fixture(name: &str) -> Vec<u8> {
        std::fs::read(format!("{}/fixtures/{name}", env!("CARGO_MANIFEST_DIR"))).unwrap()
    }

    fn file() -> ShmFile {
        ShmFile::parse(&fixture("3.4-shared/counters.shm")).unwrap()
    }

    fn stat(text: &[u8]) -> StatTable {
        let mut parser = StatParser::new();
        parser.feed(text).unwrap();
        parser.finish().unwrap()
    }

    /// Returns the recorded `show stat` of a process and the guids of its rows.
    fn recorded(n: usize) -> (StatTable, Vec<RowGuid>) {
        let stat = stat(&fixture(&format!("3.4-shared/proc{n}/show_stat.txt")));
        let list = GuidList::parse(&fixture(&format!("3.4-shared/proc{n}/dump_stats-file.txt"))).unwrap();
        let guids = join(&stat, &list, &stat, |guid| file().is_frontend(guid)).unwrap();
        (stat, guids)
    }

    /// Returns the place of each row of both processes: `-` if it has none, `?` if it is unknown.
    fn found(file: Option<&ShmFile>, usages: [Usage; 2], version: &str) -> [Vec<String>; 2] {
        let recorded = [recorded(1), recorded(2)];
        let version = Version::parse(version);
        let members = recorded.iter().zip(usages).map(|((stat, guids), usage)| Member {
            guids,
            before: stat,
            after: stat,
            version: Some(&version),
            thread_groups: 2,
            usage,
        });
        let members: Vec<_> = members.collect();
        let places = places(&members, file).into_iter().map(|places| {
            let text = |counters: &RowCounters| match counters {
                RowCounters::Separate => "-".to_owned(),
                RowCounters::Shared(place) => place.to_string(),
                RowCounters::Unknown => "?".to_owned(),
            };
            places.iter().map(text).collect()
        });
        places.collect::<Vec<_>>().try_into().unwrap()
    }

    const SHARED: [&str; 9] =
        ["-", "fe:web", "fe:main-0", "fe:main-1", "fe:both", "be:both-b1", "be:both", "be:app-a1", "-"];

    #[test]
    fn rows_are_counted_where_the_file_says() {
        let [one, two] = found(Some(&file()), [Usage::Slot(0), Usage::Slot(1)], "3.4.7");
        assert_eq!(one, [&SHARED[..], &["be:app"]].concat());
        assert_eq!(two, [&SHARED[..], &["be:app#18"]].concat());
        // This slot uses no object.
        let [none, _] = found(Some(&file()), [Usage::Slot(5), Usage::Slot(1)], "3.4.7");
        assert_eq!(
            none,
            SHARED
                .map(|place| if place == "-" { "-" } else { "?" })
                .into_iter()
                .chain(["?"])
                .collect::<Vec<_>>()
        );
    }

    #[test]
    fn a_process_whose_slot_is_not_known_has_a_place_if_there_is_only_one() {
        let [one, two] = found(Some(&file()), [Usage::Slot(0), Usage::Some], "3.4.7");
        assert_eq!(one, [&SHARED[..], &["be:app"]].concat());
        assert_eq!(two, [&SHARED[..], &["?"]].concat());
        let [unknown, _] = found(Some(&file()), [Usage::Unknown, Usage::Some], "3.4.7");
        assert_eq!(unknown.iter().filter(|place| *place == "?").count(), 8);
    }

    #[test]
    fn what_is_declared_is_known_but_for_backends_of_releases_that_were_not_seen() {
        for (version, app) in
            [("3.4.7-1", "-"), ("3.4.0", "-"), ("3.4.8", "?"), ("3.3.1", "?"), ("3.5-dev5", "?")]
        {
            let [one, two] = found(None, [Usage::Some, Usage::Some], version);
            assert_eq!(one, [&SHARED[..], &[app]].concat(), "{version}");
            assert_eq!(one, two, "{version}");
        }
    }

    /// Returns the places of one backend row with the given `stot` before and after.
    fn declared(counts: [(u64, u64, u64); 2]) -> Vec<RowCounters> {
        declared_by("stot", counts)
    }

    /// Returns the places of one row with the given counter before and after.
    fn declared_by(column: &str, counts: [(u64, u64, u64); 2]) -> Vec<RowCounters> {
        let row = |count: u64| stat(format!("# pxname,svname,type,{column},\np,s,2,{count},\n\n").as_bytes());
        let dumps = counts.map(|(before, after, _)| (row(before), row(after)));
        let guids = [RowGuid::Is(Side::Back, "s".into())];
        let members = dumps.iter().zip(counts).map(|((before, after), (.., thread_groups))| Member {
            guids: &guids,
            before,
            after,
            version: None,
            thread_groups,
            usage: Usage::Some,
        });
        places(&members.collect::<Vec<_>>(), None).into_iter().flatten().collect()
    }

    #[test]
    fn counters_that_contradict_each_other_are_not_one() {
        let shared = [const { RowCounters::Unknown }; 2].map(|_| RowCounters::Shared("be:s".into()));
        let unknown = [RowCounters::Unknown, RowCounters::Unknown];
        assert_eq!(declared([(42, 42, 1), (42, 42, 1)]), shared);
        assert_eq!(declared([(30, 50, 1), (42, 42, 1)]), shared);
        assert_eq!(declared([(30, 41, 1), (42, 42, 1)]), unknown);
        // A process does not see the counts of thread groups that it does not have.
        assert_eq!(declared([(30, 41, 1), (42, 42, 2)]), shared);
        assert_eq!(declared([(43, 43, 1), (42, 42, 2)]), unknown);
        // HAProxy calculates this column, and it falls.
        assert_eq!(declared_by("h1sess", [(3, 3, 1), (1, 1, 1)]), unknown);
        assert_eq!(declared_by("sess_other", [(3, 3, 1), (1, 1, 1)]), shared);
    }

    /// Builds a file of layout 1.3 with objects of the guid `s`, given as thread group and users.
    fn made(objects: &[(u16, u64)]) -> ShmFile {
        let mut bytes = vec![0; ShmFile::HEADER];
        bytes[..2].copy_from_slice(&[1, 3]);
        let count = i32::try_from(objects.len()).unwrap().to_le_bytes();
        bytes[536..544].copy_from_slice(&[count, count].concat());
        for (group, users) in objects {
            let mut object = vec![0; 560];
            object[0] = b's';
            object[128..130].copy_from_slice(&group.to_le_bytes());
            object[130] = 1;
            object[136..144].copy_from_slice(&users.to_le_bytes());
            bytes.extend(object);
        }
        ShmFile::parse(&bytes).unwrap()
    }

    #[test]
    fn objects_that_processes_mix_are_no_place() {
        let place = |objects: &[(u16, u64)], slot| {
            place_in(&made(objects), Usage::Slot(slot), Side::Back, "s").map(|place| place.to_string())
        };
        let some = |text: &str| Some(text.to_owned());
        // One place; one for each process; one shared place and one of a third process.
        assert_eq!(place(&[(1, 0b11)], 1), some("be:s"));
        let apart = [(1, 0b01), (1, 0b10)];
        assert_eq!((place(&apart, 0), place(&apart, 1)), (some("be:s"), some("be:s#1")));
        assert_eq!(place(&[(1, 0b100), (1, 0b011)], 0), some("be:s#1"));
        // A process with fewer thread groups.
        let fewer = [(1, 0b11), (2, 0b01)];
        assert_eq!((place(&fewer, 0), place(&fewer, 1)), (some("be:s"), some("be:s")));
        // Two objects for one thread group; only a part of them is shared; no object at all.
        assert_eq!(place(&[(1, 0b01), (1, 0b01)], 0), None);
        assert_eq!(place(&[(1, 0b11), (2, 0b01), (2, 0b10)], 0), None);
        assert_eq!(place(&[(1, 0b01), (2, 0b11), (1, 0b10)], 0), None);
        assert_eq!(place(&[(1, 0b01)], 1), None);
        assert_eq!(place(&[], 0), None);
    }
}
