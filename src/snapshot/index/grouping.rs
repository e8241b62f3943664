use std::collections::HashMap;
use std::sync::Arc;

use super::object::{Grouped, NONE, Object, Place, grouped, number};
use crate::field::RowKind;
use crate::show::stat::{ListedRow, ListenerId, RowList};

/// The index while it is being built.
pub(super) struct Grouping<'a> {
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
    pub(super) fn new(lists: &'a [&'a Arc<RowList>]) -> Self {
        Self { lists, objects: Vec::new(), found: Vec::new(), before: (0, 0), known: HashMap::new() }
    }

    /// Returns the objects of the rows of a list.
    ///
    /// Processes with nearly the same configuration list most rows in the same order. The object is
    /// therefore nearly always the one after the object that was found last.
    pub(super) fn add(&mut self, list: u32, rows: &'a RowList) -> Box<[u32]> {
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
            let names = rows.stored_names_of(row);
            let expected = if next < end { self.found.get(next).map(|(_, object)| *object) } else { None };
            let object = match expected.filter(|object| self.is(*object, row, names)) {
                Some(object) => {
                    next += 1;
                    object
                }
                None if first && row.kind != RowKind::Listener => self.create(place, row, rows),
                None => {
                    let known = self.look_up(row, rows.names_of(row));
                    let object = known.unwrap_or_else(|| self.create(place, row, rows));
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

    /// Returns the first row of an object, with its list.
    fn first(&self, object: &Object) -> Option<(&'a ListedRow, &'a RowList)> {
        let list = *self.lists.get(object.first.list as usize)?;
        Some((list.rows().get(object.first.row as usize)?, list))
    }

    /// Returns `true` if `row` belongs to the object. `names` are the stored names of the row.
    fn is(&self, object: u32, row: &ListedRow, names: &[u8]) -> bool {
        let Some(object) = self.objects.get(object as usize) else { return false };
        object.kind == row.kind
            && self.first(object).is_some_and(|(first, list)| {
                let is_same = match (&first.listener, &row.listener) {
                    (Some(one), Some(other)) => one.is_same(other),
                    _ => true,
                };
                list.stored_names_of(first) == names && is_same
            })
    }

    fn look_up(&mut self, row: &ListedRow, (proxy, name): (&str, &str)) -> Option<u32> {
        if !self.known.contains_key(&row.kind) {
            let mut known = Names::new();
            for (id, object) in (0u32..).zip(&self.objects).filter(|(_, object)| object.kind == row.kind) {
                if let Some((row, list)) = self.first(object) {
                    insert(&mut known, id, row, list.names_of(row));
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

    fn create(&mut self, place: Place, row: &'a ListedRow, list: &'a RowList) -> u32 {
        let id = number(self.objects.len());
        self.objects.push(Object { kind: row.kind, first: place, row_refs: None, children: (0, 0) });
        if let Some(known) = self.known.get_mut(&row.kind) {
            insert(known, id, row, list.names_of(row));
        }
        id
    }

    /// Returns the objects, the children of all of them, and the places of each.
    pub(super) fn finish(mut self) -> (Vec<Object>, Vec<u32>, Grouped<Place>) {
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
            if let (RowKind::Backend | RowKind::Frontend, Some((row, list))) =
                (object.kind, self.first(object))
            {
                proxies.insert((object.kind, list.names_of(row).0), id);
            }
        }
        let mut parents = Vec::new();
        // The rows of one proxy are adjacent.
        let mut found: Option<((RowKind, &str), u32)> = None;
        for (id, object) in (0u32..).zip(&self.objects) {
            let kind = match object.kind {
                RowKind::Server => RowKind::Backend,
                RowKind::Listener => RowKind::Frontend,
                _ => continue,
            };
            let Some((row, list)) = self.first(object) else { continue };
            let key = (kind, list.names_of(row).0);
            let parent = match found {
                Some((before, parent)) if before == key => Some(parent),
                _ => proxies.get(&key).copied(),
            };
            if let Some(parent) = parent {
                found = Some((key, parent));
                parents.push((id, parent));
            }
        }
        parents
    }
}

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
