//! Groups the rows of all processes by object.
//!
//! Processes with one configuration list the same rows. The rows of one list are grouped once, for all processes that
//! have it.

use std::collections::HashMap;
use std::slice;
use std::sync::{Arc, OnceLock};

use super::process::Process;
use crate::field::RowKind;
use crate::show::stat::{ListedRow, ListenerId, RowList};

/// Every object of a snapshot, with the positions of its rows.
#[derive(Debug, Default)]
pub(super) struct Index {
    objects: Vec<Object>,
    lists: Vec<List>,
    /// The list of each process; [`NONE`] for a process without rows.
    list_of: Vec<u32>,
    /// Processes of all lists; those of one list are adjacent.
    processes: Vec<u32>,
    /// Row positions of the objects that are not one row of one list; those of one object are adjacent.
    row_refs: Vec<RowRef>,
    /// Servers of all backends and listeners of all frontends; the children of one proxy are
    /// adjacent.
    children: Vec<u32>,
    /// Objects ordered by kind and names; built by the first look-up.
    by_name: OnceLock<Box<[u32]>>,
}

/// The rows of some processes.
#[derive(Debug)]
struct List {
    rows: Arc<RowList>,
    /// The object of each row; [`NONE`] for a row of an unknown kind.
    objects: Box<[u32]>,
    processes: Span,
}

/// Position of a row.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct RowRef {
    /// Index of the process in the snapshot.
    pub(super) process: u32,
    /// Index of the row in the table of the process.
    pub(super) row: u32,
}

/// The positions of the rows of an object, in the order of the processes.
#[derive(Debug, Clone)]
pub(super) enum RowRefs<'a> {
    /// The same row of each process.
    Same {
        processes: slice::Iter<'a, u32>,
        row: u32,
    },
    Each(slice::Iter<'a, RowRef>),
}

#[derive(Debug)]
struct Object {
    kind: RowKind,
    first: Place,
    /// Its positions in `row_refs`, unless it is the row `first` of one list and nothing else.
    row_refs: Option<Span>,
    children: Span,
}

/// Position of a row in the lists.
#[derive(Debug, Clone, Copy, Default)]
struct Place {
    list: u32,
    row: u32,
}

/// Start and end of adjacent values.
type Span = (u32, u32);

/// Kind, name of the proxy, and name of the server or listener.
type Key<'a> = (RowKind, &'a str, &'a str);

/// Objects of one kind by their names; the first object if several have the same names.
type Names<'a> = HashMap<(&'a str, &'a str, Mark<'a>), u32>;

/// Part of a look-up key that distinguishes objects with the same names: [`ListenerId::is_same`] as a key
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

/// Number of no object and of no list.
const NONE: u32 = u32::MAX;

impl Index {
    pub(super) fn new(processes: &[Process]) -> Self {
        let mut numbers: HashMap<&RowList, u32> = HashMap::new();
        let mut lists = Vec::new();
        let list_of: Vec<u32> = processes
            .iter()
            .map(|process| {
                let Some(stat) = process.stat() else { return NONE };
                let list = stat.list();
                *numbers.entry(list).or_insert_with(|| {
                    lists.push(list);
                    number(lists.len() - 1)
                })
            })
            .collect();
        let with_list = (0u32..).zip(list_of.iter().copied()).filter(|(_, list)| *list != NONE);
        let (processes, of_list) = grouped(with_list, lists.len());

        let mut grouping = Grouping::new(&lists);
        let objects: Vec<Box<[u32]>> =
            (0u32..).zip(&lists).map(|(at, list)| grouping.add(at, list)).collect();
        let lists = lists.iter().zip(objects).zip(of_list);
        let lists =
            lists.map(|((rows, objects), processes)| List { rows: Arc::clone(rows), objects, processes });
        let (objects, children, places) = grouping.finish();
        let mut index = Self {
            objects,
            lists: lists.collect(),
            list_of,
            processes,
            row_refs: Vec::new(),
            children,
            by_name: OnceLock::new(),
        };
        index.find_rows(&places);
        index
    }

    /// Finds the rows of the objects that are several rows of the lists. `places` has the rows of each object.
    fn find_rows(&mut self, (places, of_object): &(Vec<Place>, Vec<Span>)) {
        let mut objects = std::mem::take(&mut self.objects);
        for (object, span) in objects.iter_mut().zip(of_object) {
            let places = within(places, *span);
            if places.len() < 2 {
                continue;
            }
            let start = self.row_refs.len();
            for Place { list, row } in places {
                let Some(list) = self.lists.get(*list as usize) else { continue };
                let processes = within(&self.processes, list.processes).iter();
                self.row_refs.extend(processes.map(|process| RowRef { process: *process, row: *row }));
            }
            // The rows of each place are in order, and the places may take turns.
            if let Some(own) = self.row_refs.get_mut(start..) {
                own.sort();
            }
            object.row_refs = Some((number(start), number(self.row_refs.len())));
        }
        self.objects = objects;
    }

    /// Returns the number of objects.
    pub(super) fn len(&self) -> usize {
        self.objects.len()
    }

    /// Returns the object of each row of a process. The number of a row of an unknown kind is that of no object.
    pub(super) fn objects_of(&self, process: u32) -> &[u32] {
        let list = self.list_of.get(process as usize).and_then(|list| self.lists.get(*list as usize));
        list.map(|list| &*list.objects).unwrap_or_default()
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
    pub(super) fn row_refs(&self, object: u32) -> RowRefs<'_> {
        let Some(object) = self.objects.get(object as usize) else { return RowRefs::Each([].iter()) };
        if let Some(span) = object.row_refs {
            return RowRefs::Each(within(&self.row_refs, span).iter());
        }
        let processes = self.lists.get(object.first.list as usize).map_or((0, 0), |list| list.processes);
        RowRefs::Same { processes: within(&self.processes, processes).iter(), row: object.first.row }
    }

    /// Returns the servers of a backend, or the listeners of a frontend.
    pub(super) fn children(&self, object: u32) -> &[u32] {
        let span = self.objects.get(object as usize).map_or((0, 0), |object| object.children);
        within(&self.children, span)
    }

    /// Returns the objects with this kind and these names: one object, or several listeners.
    pub(super) fn find(&self, kind: RowKind, proxy: &str, name: &str) -> &[u32] {
        let wanted = (kind, proxy, name);
        let key = |id: &u32| self.key(*id);
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
        let list = |list: &List| list.rows.heap_size() + size_of_val(&*list.objects) + size_of::<List>();
        self.objects.capacity() * size_of::<Object>()
            + self.lists.iter().map(list).sum::<usize>()
            + self.row_refs.capacity() * size_of::<RowRef>()
            + (self.list_of.capacity() + self.processes.capacity() + self.children.capacity())
                * size_of::<u32>()
            + self.by_name.get().map_or(0, |by_name| size_of_val(&**by_name))
    }

    fn key(&self, object: u32) -> Key<'_> {
        let found = self.objects.get(object as usize);
        let first = found.and_then(|object| {
            let list = &self.lists.get(object.first.list as usize)?.rows;
            Some(list.names_of(list.rows().get(object.first.row as usize)?))
        });
        let ((proxy, name), kind) = (first.unwrap_or_default(), found.map(|object| object.kind));
        (kind.unwrap_or(RowKind::Other), proxy, name)
    }
}

impl Iterator for RowRefs<'_> {
    type Item = RowRef;

    fn next(&mut self) -> Option<RowRef> {
        match self {
            Self::Same { processes, row } => Some(RowRef { process: *processes.next()?, row: *row }),
            Self::Each(row_refs) => row_refs.next().copied(),
        }
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        match self {
            Self::Same { processes, .. } => processes.size_hint(),
            Self::Each(row_refs) => row_refs.size_hint(),
        }
    }
}

/// The index while it is being built.
struct Grouping<'a> {
    lists: &'a [&'a Arc<RowList>],
    objects: Vec<Object>,
    /// Object of every row of every list.
    found: Vec<(Place, u32)>,
    /// Start and end of the rows of the previous list in `found`.
    before: (usize, usize),
    /// Objects by their names. The map of a kind is built when an object of that kind is first
    /// looked up.
    known: HashMap<RowKind, Names<'a>>,
}

impl<'a> Grouping<'a> {
    fn new(lists: &'a [&'a Arc<RowList>]) -> Self {
        Self { lists, objects: Vec::new(), found: Vec::new(), before: (0, 0), known: HashMap::new() }
    }

    /// Returns the objects of the rows of a list.
    ///
    /// Processes with nearly the same configuration list most rows in the same order. The object is
    /// therefore nearly always the one after the object that was found last.
    fn add(&mut self, list: u32, rows: &'a RowList) -> Box<[u32]> {
        let start = self.found.len();
        let (mut next, end) = self.before;
        self.found.reserve(rows.rows().len());
        let first = self.objects.is_empty();
        let mut objects = Vec::with_capacity(rows.rows().len());
        for (at, row) in (0u32..).zip(rows.rows()) {
            if row.kind == RowKind::Other {
                objects.push(NONE);
                continue;
            }
            let place = Place { list, row: at };
            let names = rows.names_of(row);
            let expected = if next < end { self.found.get(next).map(|(_, object)| *object) } else { None };
            let object = match expected.filter(|object| self.is(*object, row, names)) {
                Some(object) => {
                    next += 1;
                    object
                }
                None if first && row.kind != RowKind::Listener => self.create(place, row, names),
                None => {
                    let known = self.look_up(row, names);
                    let object = known.unwrap_or_else(|| self.create(place, row, names));
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
        objects.into()
    }

    /// Returns the first row of an object, with its names.
    fn first(&self, object: &Object) -> Option<(&'a ListedRow, (&'a str, &'a str))> {
        let list = *self.lists.get(object.first.list as usize)?;
        let row = list.rows().get(object.first.row as usize)?;
        Some((row, list.names_of(row)))
    }

    /// Returns `true` if `row` belongs to the object.
    fn is(&self, object: u32, row: &ListedRow, names: (&str, &str)) -> bool {
        let Some(object) = self.objects.get(object as usize) else { return false };
        object.kind == row.kind
            && self.first(object).is_some_and(|(first, first_names)| {
                let is_same = match (&first.listener, &row.listener) {
                    (Some(one), Some(other)) => one.is_same(other),
                    _ => true,
                };
                first_names == names && is_same
            })
    }

    fn look_up(&mut self, row: &ListedRow, (proxy, name): (&str, &str)) -> Option<u32> {
        if !self.known.contains_key(&row.kind) {
            let mut known = Names::new();
            for (id, object) in (0u32..).zip(&self.objects).filter(|(_, object)| object.kind == row.kind) {
                if let Some((row, names)) = self.first(object) {
                    insert(&mut known, id, row, names);
                }
            }
            self.known.insert(row.kind, known);
        }
        let known = self.known.get(&row.kind)?;
        let find = |mark: Mark<'_>| known.get(&(proxy, name, mark)).copied();
        match row.listener.as_deref() {
            None => find(Mark::Unique),
            Some(ListenerId { address: None, number }) => find(Mark::Position(*number)),
            Some(ListenerId { address: Some(address), number }) => {
                [Mark::Address(address), Mark::Hidden(*number)].into_iter().filter_map(find).min()
            }
        }
    }

    fn create(&mut self, place: Place, row: &'a ListedRow, names: (&'a str, &'a str)) -> u32 {
        let id = number(self.objects.len());
        self.objects.push(Object { kind: row.kind, first: place, row_refs: None, children: (0, 0) });
        if let Some(known) = self.known.get_mut(&row.kind) {
            insert(known, id, row, names);
        }
        id
    }

    /// Returns the objects, the children of all of them, and the places of each.
    fn finish(mut self) -> (Vec<Object>, Vec<u32>, (Vec<Place>, Vec<Span>)) {
        let places = grouped(self.found.iter().copied(), self.objects.len());
        let (children, of_object) = grouped(self.parents().into_iter(), self.objects.len());
        for (object, children) in self.objects.iter_mut().zip(of_object) {
            object.children = children;
        }
        (self.objects, children, places)
    }

    /// Pairs each server with its backend, and each listener with its frontend.
    fn parents(&self) -> Vec<(u32, u32)> {
        let mut proxies = HashMap::new();
        for (id, object) in (0u32..).zip(&self.objects) {
            if let (RowKind::Backend | RowKind::Frontend, Some((_, (proxy, _)))) =
                (object.kind, self.first(object))
            {
                proxies.insert((object.kind, proxy), id);
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
            let Some((_, (proxy, _))) = self.first(object) else { continue };
            let key = (kind, proxy);
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
fn insert<'a>(known: &mut Names<'a>, id: u32, row: &'a ListedRow, (proxy, name): (&'a str, &'a str)) {
    let mut insert = |mark| {
        known.entry((proxy, name, mark)).or_insert(id);
    };
    let Some(listener) = row.listener.as_deref() else { return insert(Mark::Unique) };
    insert(listener.address.as_deref().map_or(Mark::Hidden(listener.number), Mark::Address));
    insert(Mark::Position(listener.number));
}

/// Number of rows of the previous list that are searched for the row at which the shared order
/// resumes.
const LOOK_AHEAD: usize = 64;

fn number(at: usize) -> u32 {
    u32::try_from(at).unwrap_or(NONE)
}

fn within<T>(all: &[T], (start, end): Span) -> &[T] {
    all.get(start as usize..end as usize).unwrap_or_default()
}

/// Returns the values ordered by their group, and the range of each group.
fn grouped<T: Copy + Default>(
    values: impl Iterator<Item = (T, u32)> + Clone,
    groups: usize,
) -> (Vec<T>, Vec<Span>) {
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
