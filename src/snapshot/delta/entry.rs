use std::collections::HashMap;

use super::comparison::Rows;
use crate::field::RowKind;
use crate::snapshot::index::RowRef;
use crate::snapshot::{Process, Snapshot};

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
    pub(super) parts: Vec<Part>,
}

/// The rows of an object in one process, which is given by its position in the later snapshot.
#[derive(Debug, Clone, Copy)]
pub(super) struct Part {
    pub(super) process: usize,
    pub(super) later: Option<usize>,
    pub(super) earlier: Option<usize>,
    pub(super) standing: ObjectStanding,
}

/// Groups the rows of all processes by object: first the objects of the later snapshot, by their number
/// in its index, then those that are gone. `rows` has the pairs of rows of each counted process of the
/// later snapshot.
pub(super) fn entries(later: &Snapshot, earlier: &[Option<&Process>], rows: &[Option<Rows>]) -> Vec<Entry> {
    let index = later.index();
    let of_object = |(id, kind)| {
        let parts = index.row_refs(id).map(|place| part(place, rows)).collect();
        Entry { kind, parts }
    };
    let mut entries: Vec<Entry> = (0u32..).zip(index.kinds()).map(of_object).collect();
    let mut gone: HashMap<(RowKind, &str, &str), usize> = HashMap::new();
    for (process, (rows, before)) in rows.iter().zip(earlier).enumerate() {
        let (Some(rows), Some(table)) = (rows, before.and_then(Process::stat)) else { continue };
        for place in &rows.gone {
            let Some(row) = table.row(*place as usize) else { continue };
            let names = (row.kind(), row.proxy(), row.name());
            let same = index.find(names.0, names.1, names.2).first();
            let at = same.map_or_else(
                || {
                    *gone.entry(names).or_insert_with(|| {
                        entries.push(Entry { kind: names.0, parts: Vec::new() });
                        entries.len() - 1
                    })
                },
                |id| *id as usize,
            );
            let (earlier, standing) = (Some(*place as usize), ObjectStanding::Gone);
            if let Some(entry) = entries.get_mut(at) {
                entry.parts.push(Part { process, later: None, earlier, standing });
            }
        }
    }
    entries
}

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
