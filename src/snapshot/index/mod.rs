//! Groups the rows of all processes by object.
//!
//! Processes with one configuration list the same rows. The rows of one list are grouped once, for all processes that
//! have it.

mod grouping;
mod object;

use std::collections::HashMap;
use std::slice;
use std::sync::{Arc, OnceLock};

use super::process::Process;
use crate::field::RowKind;
use crate::show::stat::RowList;
use grouping::Grouping;
use object::{Grouped, NONE, Object, Place, Span, grouped, number, within};

/// Every object of a snapshot, with the positions of its rows.
#[derive(Debug, Default)]
pub(super) struct Index {
    objects: Vec<Object>,
    lists: Vec<List>,
    /// The list of each process; [`NONE`] for a process that did not answer.
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

/// Kind, name of the proxy, and name of the server or listener.
type Key<'a> = (RowKind, &'a str, &'a str);

impl Index {
    pub(super) fn new(processes: &[Process]) -> Self {
        let mut numbers: HashMap<&Arc<RowList>, u32> = HashMap::new();
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
    fn find_rows(&mut self, (places, of_object): &Grouped<Place>) {
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
                own.sort_unstable();
            }
            object.row_refs = Some((number(start), number(self.row_refs.len())));
        }
        self.objects = objects;
    }

    /// Returns the number of objects.
    pub(super) fn len(&self) -> usize {
        self.objects.len()
    }

    /// Returns the object of each row of each list. The number of a row of an unknown kind is that of no object.
    pub(super) fn objects_of_lists(&self) -> impl Iterator<Item = &[u32]> {
        self.lists.iter().map(|list| &*list.objects)
    }

    /// Returns the number of the list of a process.
    pub(super) fn list_of(&self, process: u32) -> Option<u32> {
        self.list_of.get(process as usize).copied().filter(|list| *list != NONE)
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

#[cfg(test)]
#[cfg(feature = "serde")]
mod tests {
    use arbtest::arbitrary::{Result, Unstructured};
    use arbtest::arbtest;

    use super::*;
    use crate::show::stat::StatTable;
    use crate::snapshot::Snapshot;

    const ROWS: [&str; 8] = [
        "web,FRONTEND,0,,",
        "web,sock,3,1,192.0.2.1:80",
        "web,sock,3,2,192.0.2.2:80",
        "web,sock,3,2,",
        "app,a,2,1,",
        "app,b,2,2,",
        "app,new,9,,",
        "app,BACKEND,1,,",
    ];

    /// Returns processes with some of the rows each, nearly always in order.
    fn any_snapshot(u: &mut Unstructured<'_>) -> Result<Snapshot> {
        let mut processes = Vec::new();
        for number in 0..u.int_in_range(0..=8)? {
            let mut rows = Vec::new();
            for row in ROWS {
                if u.ratio(3, 4)? {
                    rows.push(row);
                }
            }
            if u.ratio(1, 4)? {
                rows.reverse();
            }
            let rows: String = rows.into_iter().flat_map(|row| [row, ",\n"]).collect();
            processes.push(serde_json::json!({
                "host": "here", "address": format!("/{number}.sock"), "read_at": 0, "level": "admin",
                "info": [["Stopping", "0"]],
                "stat": format!("# pxname,svname,type,sid,addr,\n{rows}\n"),
            }));
        }
        let written = serde_json::json!({ "format": 1, "processes": processes });
        Ok(serde_json::from_value(written).unwrap())
    }

    #[test]
    fn each_row_belongs_to_one_object_and_no_object_has_rows_of_others() {
        arbtest(|u| {
            let snapshot = any_snapshot(u)?;
            let (index, processes) = (Index::new(snapshot.processes()), snapshot.processes());
            let row = |at: RowRef| processes[at.process as usize].stat()?.row(at.row as usize);
            let mut found = 0;
            for id in (0u32..).take(index.len()) {
                let row_refs: Vec<_> = index.row_refs(id).collect();
                assert!(row_refs.is_sorted() && !row_refs.is_empty());
                assert_eq!(index.row_refs(id).size_hint(), (row_refs.len(), Some(row_refs.len())));
                found += row_refs.len();
                let first = row(row_refs[0]).unwrap();
                for at in row_refs {
                    let own = row(at).unwrap();
                    assert_eq!(
                        (own.kind(), own.proxy(), own.name()),
                        (first.kind(), first.proxy(), first.name())
                    );
                    assert_eq!(
                        index.lists[index.list_of(at.process).unwrap() as usize].objects[at.row as usize],
                        id
                    );
                }
                let names = index.find(first.kind(), first.proxy(), first.name());
                assert!(names.contains(&id) && (names.len() == 1 || first.kind() == RowKind::Listener));
                for child in index.children(id) {
                    let child = row(index.row_refs(*child).next().unwrap()).unwrap();
                    assert_eq!(child.proxy(), first.proxy());
                }
            }
            let tables = processes.iter().filter_map(Process::stat);
            let known = tables.flat_map(StatTable::rows).filter(|row| row.kind() != RowKind::Other);
            assert_eq!(known.count(), found);
            Ok(())
        });
    }

    #[test]
    fn processes_with_the_same_rows_are_grouped_once() {
        let of = |rows: &[&str]| -> String { rows.iter().flat_map(|row| [*row, ",\n"]).collect() };
        let (all, some) = (of(&ROWS), of(&ROWS[4..]));
        let process = |(number, rows): (usize, &String)| {
            serde_json::json!({
                "host": "here", "address": format!("/{number}.sock"), "read_at": 0, "level": "admin",
                "info": [["Stopping", "0"]],
                "stat": format!("# pxname,svname,type,sid,addr,\n{rows}\n"),
            })
        };
        let processes: Vec<_> =
            [&all, &some, &all, &some, &all].into_iter().enumerate().map(process).collect();
        let written = serde_json::json!({ "format": 1, "processes": processes });
        let snapshot: Snapshot = serde_json::from_value(written).unwrap();
        let index = Index::new(snapshot.processes());
        assert_eq!(index.lists.len(), 2);
        let rows = |name: &str| -> Vec<(u32, u32)> {
            let kind = if name == "sock" { RowKind::Listener } else { RowKind::Server };
            let id = index.find(kind, if name == "sock" { "web" } else { "app" }, name)[0];
            index.row_refs(id).map(|at| (at.process, at.row)).collect()
        };
        assert_eq!(rows("sock"), [(0, 1), (2, 1), (4, 1)]);
        assert_eq!(rows("a"), [(0, 4), (1, 0), (2, 4), (3, 0), (4, 4)]);
    }
}
