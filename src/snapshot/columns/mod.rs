//! Columns that are merged for all objects at once, or all columns of one object.
//!
//! The rows of one object are scattered over the tables of all processes. With many processes, each of them is far from
//! the processor when it is needed: merging object by object costs several times the work itself. If a caller asks for
//! a figure of object after object, the column is therefore merged for all objects: some rows of each process at a time,
//! in the order of the rows in memory. If the caller asks for all columns of an object of few processes, they are merged
//! for this object, block by block of its rows. The result is the same.

mod adding;
mod merged;
mod merging;
mod part;
mod plan;
mod sum;

pub(super) use merged::Figure;

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use super::index::{Index, RowRef};
use super::label::Label;
use super::process::Process;
use crate::field::Col;
use merged::Merged;
use merging::merged;
use part::of_object;
use plan::Plans;

/// Fewest processes for which all columns are kept. The rows of an object in fewer processes take less memory than its
/// figures.
const FEWEST_PROCESSES: usize = 32;

/// Fewest rows in all processes for which columns are merged at once. The bookkeeping for all columns would take much of
/// the memory of fewer rows.
const FEWEST_ROWS: usize = 128;

/// A column is merged at once when callers have asked for it once for each of this many objects.
const PORTION: usize = 16;

/// The merged columns of a snapshot, as far as callers have needed them.
#[derive(Debug)]
pub(super) struct Columns {
    every: Wanted,
    every_plan: OnceLock<Plans>,
    single: OnceLock<Box<[Wanted]>>,
    /// Held while single columns are merged: callers on other threads wait, and do not merge the same.
    merging: Mutex<()>,
    /// Set to `true` if any process prints a column that this crate does not know.
    has_unknown: OnceLock<bool>,
}

/// The merged columns of one object.
pub(super) struct ObjectColumns<'a> {
    columns: &'a Columns,
    index: &'a Index,
    processes: &'a [Process],
    object: u32,
    /// The figures of all columns of this object, if they were merged for it alone.
    own: Vec<Figure>,
}

/// One column, or all of them.
#[derive(Debug, Default)]
struct Wanted {
    /// Number of requests for the figure of an object.
    count: AtomicUsize,
    /// The columns that were merged together, and the position of this one among them.
    merged: OnceLock<(Arc<Merged>, usize)>,
}

impl Columns {
    /// Begins with no merged column.
    pub(super) fn new() -> Self {
        Self {
            every: Wanted::default(),
            every_plan: OnceLock::new(),
            single: OnceLock::new(),
            merging: Mutex::default(),
            has_unknown: OnceLock::new(),
        }
    }

    fn single(&self, column: Col) -> Option<&Wanted> {
        let single = self.single.get_or_init(|| Col::ALL.iter().map(|_| Wanted::default()).collect());
        single.get(column as usize)
    }

    /// Merges a column, together with the others that callers are asking for: the rows are read once for all of them.
    fn merge(&self, column: Col, index: &Index, processes: &[Process]) {
        let _merging = self.merging.lock().unwrap_or_else(PoisonError::into_inner);
        if self.single(column).is_some_and(|wanted| wanted.merged.get().is_some()) {
            return;
        }
        let is_wanted = |one: &&Col| {
            let wanted = self.single(**one);
            **one == column
                || wanted
                    .is_some_and(|wanted| wanted.merged.get().is_none() && wanted.is_due(index, 2 * PORTION))
        };
        let columns: Vec<Col> = Col::ALL.iter().filter(is_wanted).copied().collect();
        let merged = Arc::new(merged(index, processes, &columns));
        for (position, column) in columns.iter().enumerate() {
            if let Some(wanted) = self.single(*column) {
                // Only the holder of the lock sets it.
                let _ = wanted.merged.set((Arc::clone(&merged), position));
            }
        }
    }

    pub(super) fn heap_size(&self) -> usize {
        let single = self.single.get().map(|single| &**single).unwrap_or_default();
        let all = || single.iter().chain([&self.every]).filter_map(|wanted| wanted.merged.get());
        // Columns that were merged together are counted once, with the first of them.
        let own = all().filter(|(_, position)| *position == 0);
        let figures: usize = own.map(|(merged, _)| merged.figures.len() * size_of::<Figure>()).sum();
        figures + size_of_val(single)
    }
}

impl<'a> ObjectColumns<'a> {
    pub(super) fn new(columns: &'a Columns, index: &'a Index, processes: &'a [Process], object: u32) -> Self {
        Self { columns, index, processes, object, own: Vec::new() }
    }

    /// Merges all columns of the object, or of all objects if callers have asked for enough of them.
    pub(super) fn with_every(mut self) -> Self {
        let every = &self.columns.every;
        if self.processes.len() >= FEWEST_PROCESSES && every.count(self.index) {
            every.merged.get_or_init(|| (Arc::new(merged(self.index, self.processes, Col::ALL)), 0));
        } else {
            let plans = self.columns.every_plan.get_or_init(|| Plans::new(self.processes, Col::ALL));
            self.own = of_object(self.index, self.processes, plans, self.object);
        }
        self
    }

    /// Returns the figure of a column. It is [`Figure::Rows`] if the column is not merged.
    pub(super) fn figure(&self, column: Col) -> Figure {
        if let Some(own) = self.own.get(column as usize) {
            return *own;
        }
        if let Some((every, _)) = self.columns.every.merged.get() {
            return every.figure(self.object, column as usize);
        }
        if self.index.len().saturating_mul(self.processes.len()) < FEWEST_ROWS {
            return Figure::Rows;
        }
        let Some(wanted) = self.columns.single(column) else { return Figure::Rows };
        if wanted.merged.get().is_none() && wanted.count(self.index) {
            self.columns.merge(column, self.index, self.processes);
        }
        wanted.merged.get().map_or(Figure::Rows, |(merged, position)| merged.figure(self.object, *position))
    }

    /// Returns the label of the process of each row of the object.
    pub(super) fn labels(&self) -> impl Iterator<Item = &'a Label> + Clone + use<'a> {
        let processes = self.processes;
        let row_refs = self.index.row_refs(self.object);
        row_refs.filter_map(|row_ref| processes.get(row_ref.process as usize).map(Process::label))
    }

    /// Returns the number of the row among the rows of the object.
    pub(super) fn position(&self, row: RowRef) -> Option<usize> {
        self.index.row_refs(self.object).position(|one| one == row)
    }

    /// Returns `true` if any process prints a column that this crate does not know.
    pub(super) fn has_unknown(&self) -> bool {
        *self.columns.has_unknown.get_or_init(|| {
            let mut tables = self.processes.iter().filter_map(Process::stat);
            tables.any(|table| table.header().unknown().next().is_some())
        })
    }
}

impl Wanted {
    /// Counts one more request. Returns `true` if it is worth to merge what is wanted.
    fn count(&self, index: &Index) -> bool {
        self.count.fetch_add(1, Ordering::Relaxed);
        self.is_due(index, PORTION)
    }

    /// Returns `true` if it was wanted once for each `portion` objects.
    fn is_due(&self, index: &Index, portion: usize) -> bool {
        self.count.load(Ordering::Relaxed).saturating_mul(portion) > index.len()
    }
}
