use std::collections::HashMap;

use super::increase::{Covers, Increase, Portion};
use super::process::ProcessDelta;
use super::rows::Rows;
use super::{Delta, counter};
use crate::error::Result;
use crate::field::{Col, RowKind};
use crate::show::stat::{Cells as _, Row};
use crate::snapshot::index::RowRef;
use crate::snapshot::sharing::Kept;
use crate::snapshot::{Process, Snapshot};

/// Frontend, backend, server or listener in both snapshots.
#[derive(Clone)]
pub(super) struct Object {
    delta: Delta,
    entry: u32,
}

/// Result of the comparison of one object in one process.
///
/// # Example
///
/// ```no_run
/// # fn example(delta: haproxyadmin::snapshot::Delta) -> haproxyadmin::Result<()> {
/// use haproxyadmin::snapshot::ObjectStanding;
///
/// for (process, standing) in delta.server("app", "web1")?.standings() {
///     if standing == ObjectStanding::Added {
///         println!("added to {}", process.label());
///     }
/// }
/// # Ok(())
/// # }
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[cfg_attr(feature = "serde", serde(rename_all = "snake_case"))]
#[non_exhaustive]
pub enum ObjectStanding {
    /// The process was counted, and lists the object in both snapshots.
    Counted,
    /// The process was counted, and lists the object only in the later snapshot: the object was
    /// added, or was not listed before. Its first counts are not taken as an increase.
    Added,
    /// The process was counted, and lists the object only in the earlier snapshot. A server that was
    /// deleted and added anew is both gone and added.
    Gone,
    /// The process lists the object, and was not counted for the reason that its
    /// [`Standing`](crate::snapshot::Standing) tells.
    NotCounted,
}

/// An object of the later snapshot, or one that only the earlier snapshot has, with its rows.
#[derive(Debug)]
pub(super) struct Entry {
    pub(super) kind: RowKind,
    parts: Vec<Part>,
}

/// The rows of an object in one process, which is given by its position in the later snapshot.
#[derive(Debug, Clone, Copy)]
struct Part {
    process: usize,
    later: Option<usize>,
    earlier: Option<usize>,
    standing: ObjectStanding,
}

/// Groups the rows of all processes by object. `rows` has the pairs of rows of each counted process of
/// the later snapshot.
pub(super) fn entries(later: &Snapshot, earlier: &[Option<&Process>], rows: &[Option<Rows>]) -> Vec<Entry> {
    let index = later.index();
    let mut entries = Vec::new();
    let mut places: HashMap<u32, usize> = HashMap::new();
    for kind in KINDS {
        for id in index.of_kind(kind) {
            let parts = index.row_refs(id).iter().map(|place| part(*place, rows)).collect();
            places.insert(id, entries.len());
            entries.push(Entry { kind, parts });
        }
    }
    let mut gone: HashMap<(RowKind, &str, &str), usize> = HashMap::new();
    for (process, (rows, before)) in rows.iter().zip(earlier).enumerate() {
        let (Some(rows), Some(table)) = (rows, before.and_then(Process::stat)) else { continue };
        for place in &rows.gone {
            let Some(row) = table.row(*place as usize) else { continue };
            let names = (row.kind(), row.proxy(), row.name());
            let same = index.find(later.processes(), names.0, names.1, names.2).first();
            let at = same.and_then(|id| places.get(id).copied()).unwrap_or_else(|| {
                *gone.entry(names).or_insert_with(|| {
                    entries.push(Entry { kind: names.0, parts: Vec::new() });
                    entries.len() - 1
                })
            });
            let (earlier, standing) = (Some(*place as usize), ObjectStanding::Gone);
            if let Some(entry) = entries.get_mut(at) {
                entry.parts.push(Part { process, later: None, earlier, standing });
            }
        }
    }
    entries
}

const KINDS: [RowKind; 4] = [RowKind::Frontend, RowKind::Listener, RowKind::Server, RowKind::Backend];

fn part(place: RowRef, rows: &[Option<Rows>]) -> Part {
    let (process, row) = (place.process as usize, place.row as usize);
    let (earlier, standing) = match rows.get(process) {
        Some(Some(rows)) => match rows.earlier.get(row).copied().flatten() {
            Some(earlier) => (Some(earlier as usize), ObjectStanding::Counted),
            None => (None, ObjectStanding::Added),
        },
        _ => (None, ObjectStanding::NotCounted),
    };
    Part { process, later: Some(row), earlier, standing }
}

impl Object {
    pub(super) fn new(delta: Delta, entry: u32) -> Self {
        Self { delta, entry }
    }

    pub(super) fn delta(&self) -> &Delta {
        &self.delta
    }

    fn parts(&self) -> &[Part] {
        self.delta.0.entries.get(self.entry as usize).map_or(&[], |entry| entry.parts.as_slice())
    }

    fn process(&self, part: &Part) -> Option<&ProcessDelta> {
        self.delta.0.processes.get(part.process)
    }

    fn later_row(&self, part: &Part) -> Option<Row<'_>> {
        self.process(part)?.later()?.stat()?.row(part.later?)
    }

    fn earlier_row(&self, part: &Part) -> Option<Row<'_>> {
        self.process(part)?.earlier()?.stat()?.row(part.earlier?)
    }

    /// Returns its names, as the later snapshot has them if it has the object.
    fn first_row(&self) -> Option<Row<'_>> {
        self.parts().iter().find_map(|part| self.later_row(part).or_else(|| self.earlier_row(part)))
    }

    pub(super) fn proxy(&self) -> &str {
        self.first_row().map_or("", |row| row.proxy())
    }

    pub(super) fn name(&self) -> &str {
        self.first_row().map_or("", |row| row.name())
    }

    /// Returns each process that has or had the object, with the result of the comparison.
    pub(super) fn standings(&self) -> impl Iterator<Item = (&ProcessDelta, ObjectStanding)> {
        self.parts().iter().filter_map(|part| Some((self.process(part)?, part.standing)))
    }

    pub(super) fn covers(&self) -> Option<Covers> {
        let counted = self.standings().filter(|(_, standing)| *standing == ObjectStanding::Counted);
        Covers::of(counted.filter_map(|(process, _)| process.covers()))
    }

    /// Returns the increase of a counter. `choose` names the column of the counter in each row.
    pub(super) fn increase_of(&self, choose: impl Fn(&Row<'_>) -> Col) -> Option<Increase> {
        Increase::of(self.parts().iter().filter_map(|part| {
            let process = self.process(part)?;
            let (later, earlier) = (self.later_row(part)?, self.earlier_row(part)?);
            let column = choose(&later);
            if column.is_of_module() && process.modules_cleared {
                return None;
            }
            // A cell is empty until the first event.
            let then = earlier.number(column).unwrap_or(0);
            let count = later.number(column)?.checked_sub(then)?;
            let now = process.later()?;
            let kept = if column.declared().shared { Kept::of(now, later.index()) } else { Kept::Separate };
            Some(Portion { kept, label: now.label(), count, covers: process.covers()? })
        }))
    }

    pub(super) fn increase(&self, name: &str) -> Result<Option<Increase>> {
        let kind = self.kind();
        Ok(counter::column(name, kind)?.and_then(|column| self.increase_of(|_| column)))
    }

    /// Returns the increase of each counter that a process fills, with the name of the column.
    pub(super) fn increases(&self) -> Vec<(&'static str, Increase)> {
        let columns = counter::columns(self.kind());
        columns.filter_map(|column| Some((column.declared().name, self.increase_of(|_| column)?))).collect()
    }

    fn kind(&self) -> RowKind {
        self.delta.0.entries.get(self.entry as usize).map_or(RowKind::Other, |entry| entry.kind)
    }
}
