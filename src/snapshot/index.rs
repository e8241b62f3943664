//! Groups the rows of all processes by object.

use std::collections::HashMap;
use std::sync::{Arc, OnceLock};

use super::process::Process;
use crate::field::RowKind;
use crate::show::stat::Row;

/// Every object of a snapshot, with the positions of its rows.
#[derive(Debug, Default)]
pub(super) struct Index {
    objects: Vec<Object>,
    /// Row positions of all objects; the positions of one object are adjacent.
    row_refs: Vec<RowRef>,
    /// Servers of all backends and listeners of all frontends; the children of one proxy are
    /// adjacent.
    children: Vec<u32>,
    /// The object of each row of each process; [`NO_OBJECT`] for a row of an unknown kind. Processes with the same
    /// rows share the list.
    by_row: Vec<Arc<[u32]>>,
    /// Objects ordered by kind and names; built by the first look-up.
    by_name: OnceLock<Box<[u32]>>,
}

/// Position of a row.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct RowRef {
    /// Index of the process in the snapshot.
    pub(super) process: u32,
    /// Index of the row in the table of the process.
    pub(super) row: u32,
}

#[derive(Debug)]
struct Object {
    kind: RowKind,
    first: RowRef,
    /// Length of the names at the beginning of the first row, or 0 if the names are elsewhere.
    names: u16,
    row_refs: (u32, u32),
    children: (u32, u32),
}

/// Kind, name of the proxy, and name of the server or listener.
type Key<'a> = (RowKind, &'a str, &'a str);

/// Objects of one kind by their names; the first object if several have the same names.
type Names<'a> = HashMap<(&'a str, &'a str, Mark<'a>), u32>;

/// Part of a look-up key that distinguishes objects with the same names: [`same_listener`] as a key
/// of a map.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum Mark<'a> {
    /// No distinction: only listeners share names.
    Unique,
    /// A listener with this address.
    Address(&'a str),
    /// A listener at this position, with a hidden address.
    Hidden(Option<u64>),
    /// A listener at this position, with a hidden or a visible address.
    Position(Option<u64>),
}

/// Finds rows while the index is built and used.
#[derive(Clone, Copy)]
struct Rows<'a>(&'a [Process]);

impl<'a> Rows<'a> {
    fn at(self, place: RowRef) -> Option<Row<'a>> {
        self.0.get(place.process as usize)?.stat()?.row(place.row as usize)
    }
}

/// Number of no object.
const NO_OBJECT: u32 = u32::MAX;

impl Index {
    pub(super) fn new(processes: &[Process]) -> Self {
        let mut grouping = Grouping::new(Rows(processes));
        for (index, process) in (0u32..).zip(processes) {
            match process.stat() {
                Some(stat) => grouping.add(index, stat.rows()),
                None => grouping.by_row.push(Arc::default()),
            }
        }
        grouping.finish()
    }

    /// Returns the number of objects.
    pub(super) fn len(&self) -> usize {
        self.objects.len()
    }

    /// Returns the object of each row of a process. The number of a row of an unknown kind is that of no object.
    pub(super) fn objects_of(&self, process: u32) -> &[u32] {
        self.by_row.get(process as usize).map(|objects| &**objects).unwrap_or_default()
    }

    pub(super) fn kind(&self, object: u32) -> Option<RowKind> {
        self.objects.get(object as usize).map(|object| object.kind)
    }

    /// Returns the kind of each object, in the order of their numbers.
    pub(super) fn kinds(&self) -> impl Iterator<Item = RowKind> {
        self.objects.iter().map(|object| object.kind)
    }

    /// Returns the objects of a kind, in the order in which the processes list them.
    pub(super) fn of_kind(&self, kind: RowKind) -> impl Iterator<Item = u32> {
        (0u32..).zip(&self.objects).filter(move |(_, object)| object.kind == kind).map(|(id, _)| id)
    }

    /// Returns the positions of the rows of an object. There is at most one for each process that
    /// lists the object, except for listeners that even HAProxy cannot distinguish.
    pub(super) fn row_refs(&self, object: u32) -> &[RowRef] {
        let range = self.objects.get(object as usize).map_or((0, 0), |object| object.row_refs);
        self.row_refs.get(range.0 as usize..range.1 as usize).unwrap_or_default()
    }

    /// Returns the servers of a backend, or the listeners of a frontend.
    pub(super) fn children(&self, object: u32) -> &[u32] {
        let range = self.objects.get(object as usize).map_or((0, 0), |object| object.children);
        self.children.get(range.0 as usize..range.1 as usize).unwrap_or_default()
    }

    /// Returns the objects with this kind and these names: one object, or several listeners.
    pub(super) fn find(&self, processes: &[Process], kind: RowKind, proxy: &str, name: &str) -> &[u32] {
        let wanted = (kind, proxy, name);
        let key = |id: &u32| self.key(Rows(processes), *id);
        let by_name = self.by_name.get_or_init(|| {
            let mut by_name: Box<[u32]> = (0u32..).take(self.objects.len()).collect();
            by_name.sort_by_cached_key(key);
            by_name
        });
        let start = by_name.partition_point(|id| key(id) < wanted);
        let found = by_name.get(start..).unwrap_or_default();
        let length = found.partition_point(|id| key(id) == wanted);
        found.get(..length).unwrap_or_default()
    }

    /// Returns the bytes of memory that the index takes.
    pub(super) fn heap_size(&self) -> usize {
        self.objects.capacity() * size_of::<Object>()
            + self.row_refs.capacity() * size_of::<RowRef>()
            + self.children.capacity() * size_of::<u32>()
            + self.by_row_size()
            + self.by_name.get().map_or(0, |by_name| by_name.len() * size_of::<u32>())
    }

    /// Returns the bytes of memory of the objects of all rows. Lists that are shared are next to each other.
    fn by_row_size(&self) -> usize {
        let is_own = |(at, list): &(usize, &Arc<[u32]>)| {
            let before = at.checked_sub(1).and_then(|before| self.by_row.get(before));
            !before.is_some_and(|before| Arc::ptr_eq(before, list))
        };
        let own = self.by_row.iter().enumerate().filter(is_own);
        own.map(|(_, list)| list.len() * size_of::<u32>()).sum::<usize>()
            + self.by_row.capacity() * size_of::<Arc<[u32]>>()
    }

    fn key<'a>(&self, rows: Rows<'a>, object: u32) -> Key<'a> {
        let found = self.objects.get(object as usize);
        let row = found.and_then(|object| rows.at(object.first));
        let kind = found.map_or(RowKind::Other, |object| object.kind);
        row.map_or((kind, "", ""), |row| (kind, row.proxy(), row.name()))
    }
}

/// The index while it is being built.
struct Grouping<'a> {
    rows: Rows<'a>,
    objects: Vec<Object>,
    /// Object of every row, process by process.
    found: Vec<(RowRef, u32)>,
    /// Start and end of the rows of the previous process in `found`.
    before: (usize, usize),
    by_row: Vec<Arc<[u32]>>,
    /// Objects by their names. The map of a kind is built when an object of that kind is first
    /// looked up.
    known: HashMap<RowKind, Names<'a>>,
}

impl<'a> Grouping<'a> {
    fn new(rows: Rows<'a>) -> Self {
        Self {
            rows,
            objects: Vec::new(),
            found: Vec::new(),
            before: (0, 0),
            by_row: Vec::new(),
            known: HashMap::new(),
        }
    }

    /// Finds the objects of the rows of one process.
    ///
    /// Processes with the same configuration list the same rows in the same order. The object is
    /// therefore nearly always the one after the object that was found last.
    fn add(&mut self, process: u32, listed: impl ExactSizeIterator<Item = Row<'a>>) {
        let start = self.found.len();
        let (mut next, end) = self.before;
        self.found.reserve(listed.len());
        let first = self.objects.is_empty();
        let mut objects = Vec::with_capacity(listed.len());
        for (row_index, row) in (0u32..).zip(listed) {
            if row.kind() == RowKind::Other {
                objects.push(NO_OBJECT);
                continue;
            }
            let place = RowRef { process, row: row_index };
            let expected = if next < end { self.found.get(next).map(|(_, object)| *object) } else { None };
            let object = match expected.filter(|object| self.is(*object, &row)) {
                Some(object) => {
                    next += 1;
                    object
                }
                None if first && row.kind() != RowKind::Listener => self.create(place, row),
                None => {
                    let object = self.look_up(&row).unwrap_or_else(|| self.create(place, row));
                    let ahead = self.found.get(next..end).unwrap_or_default();
                    if let Some(skipped) = ahead.iter().take(LOOK_AHEAD).position(|(_, one)| *one == object) {
                        next += skipped + 1;
                    }
                    object
                }
            };
            self.found.push((place, object));
            objects.push(object);
        }
        self.before = (start, self.found.len());
        let same = self.by_row.last().filter(|last| ***last == *objects).cloned();
        self.by_row.push(same.unwrap_or_else(|| objects.into()));
    }

    /// Returns `true` if `row` belongs to the object.
    #[inline]
    fn is(&self, object: u32, row: &Row<'a>) -> bool {
        let Some(object) = self.objects.get(object as usize) else { return false };
        object.kind == row.kind()
            && self.rows.at(object.first).is_some_and(|first| {
                let named = row.begins_like(&first, object.names);
                (named || row.is_named(first.proxy(), first.name()))
                    && (object.kind != RowKind::Listener || same_listener(&first, row))
            })
    }

    fn look_up(&mut self, row: &Row<'a>) -> Option<u32> {
        let (rows, objects) = (self.rows, &self.objects);
        let known = self.known.entry(row.kind()).or_insert_with(|| {
            let mut known = Names::new();
            for (id, object) in (0u32..).zip(objects).filter(|(_, object)| object.kind == row.kind()) {
                if let Some(row) = rows.at(object.first) {
                    insert(&mut known, id, &row);
                }
            }
            known
        });
        let find = |mark: Mark<'a>| known.get(&(row.proxy(), row.name(), mark)).copied();
        if row.kind() != RowKind::Listener {
            return find(Mark::Unique);
        }
        let Some(address) = row.addr() else { return find(Mark::Position(row.sid())) };
        [Mark::Address(address), Mark::Hidden(row.sid())].into_iter().filter_map(find).min()
    }

    fn create(&mut self, place: RowRef, row: Row<'a>) -> u32 {
        let id = u32::try_from(self.objects.len()).unwrap_or(u32::MAX);
        let names = row.names_length();
        self.objects.push(Object {
            kind: row.kind(),
            first: place,
            names,
            row_refs: (0, 0),
            children: (0, 0),
        });
        if let Some(known) = self.known.get_mut(&row.kind()) {
            insert(known, id, &row);
        }
        id
    }

    fn finish(mut self) -> Index {
        let row_refs = grouped(self.found.iter().copied(), self.objects.len());
        let children = grouped(self.parents().into_iter(), self.objects.len());
        for (object, (row_refs, children)) in self.objects.iter_mut().zip(row_refs.1.iter().zip(&children.1))
        {
            object.row_refs = *row_refs;
            object.children = *children;
        }
        Index {
            objects: self.objects,
            row_refs: row_refs.0,
            children: children.0,
            by_row: self.by_row,
            by_name: OnceLock::new(),
        }
    }

    /// Pairs each server with its backend, and each listener with its frontend.
    fn parents(&self) -> Vec<(u32, u32)> {
        let mut proxies = HashMap::new();
        for (id, object) in (0u32..).zip(&self.objects) {
            if let (RowKind::Backend | RowKind::Frontend, Some(row)) =
                (object.kind, self.rows.at(object.first))
            {
                proxies.insert((object.kind, row.proxy()), id);
            }
        }
        let mut parents = Vec::new();
        // The rows of one proxy are adjacent.
        let mut last: Option<((RowKind, &str), u32)> = None;
        for (id, object) in (0u32..).zip(&self.objects) {
            let kind = match object.kind {
                RowKind::Server => RowKind::Backend,
                RowKind::Listener => RowKind::Frontend,
                _ => continue,
            };
            let Some(row) = self.rows.at(object.first) else { continue };
            let key = (kind, row.proxy());
            let parent = match last {
                Some((before, parent)) if before == key => Some(parent),
                _ => proxies.get(&key).copied(),
            };
            if let Some(parent) = parent {
                last = Some((key, parent));
                parents.push((id, parent));
            }
        }
        parents
    }
}

/// Adds an object to `known` under the names of its first row, `row`.
fn insert<'a>(known: &mut Names<'a>, id: u32, row: &Row<'a>) {
    let mut insert = |mark| {
        known.entry((row.proxy(), row.name(), mark)).or_insert(id);
    };
    if row.kind() != RowKind::Listener {
        return insert(Mark::Unique);
    }
    insert(row.addr().map_or(Mark::Hidden(row.sid()), Mark::Address));
    insert(Mark::Position(row.sid()));
}

/// Number of rows of the previous process that are searched for the row at which the shared order
/// resumes.
const LOOK_AHEAD: usize = 64;

/// Returns `true` if two listener rows with the same names are one listener. Listeners can share a
/// name. Their address distinguishes them, or their position if a socket of level `user` hides the
/// address.
pub(super) fn same_listener(a: &Row<'_>, b: &Row<'_>) -> bool {
    match (a.addr(), b.addr()) {
        (Some(one), Some(other)) => one == other,
        _ => a.sid() == b.sid(),
    }
}

/// Returns the values ordered by their group, and the range of each group.
fn grouped<T: Copy + Default>(
    values: impl Iterator<Item = (T, u32)> + Clone,
    groups: usize,
) -> (Vec<T>, Vec<(u32, u32)>) {
    let mut ranges = vec![(0u32, 0u32); groups];
    for (_, group) in values.clone() {
        if let Some((_, count)) = ranges.get_mut(group as usize) {
            *count += 1;
        }
    }
    let mut start = 0;
    for range in &mut ranges {
        let count = range.1;
        *range = (start, start);
        start += count;
    }
    let mut ordered = vec![T::default(); start as usize];
    for (value, group) in values {
        if let Some((_, end)) = ranges.get_mut(group as usize) {
            if let Some(slot) = ordered.get_mut(*end as usize) {
                *slot = value;
            }
            *end += 1;
        }
    }
    (ordered, ranges)
}
