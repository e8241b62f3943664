//! Columns that are merged for all objects at once.
//!
//! The rows of one object are scattered over the tables of all processes. With many processes, each of them is far from
//! the processor when it is needed: merging object by object costs several times the work itself. If a caller asks for
//! a figure of object after object, the column is therefore merged for all objects, process by process, in the order
//! of the rows in memory. The result is the same.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, OnceLock};

use super::count_range::CountRange;
use super::index::{Index, RowRef};
use super::process::Process;
use crate::field::{Col, Field as _, RowKind, Rule, Underflow};
use crate::level::Level;
use crate::show::stat::{Cells as _, Header, Row, StatTable, number};

/// Fewest processes for which columns are merged at once.
const FEWEST_PROCESSES: usize = 32;

/// Most columns that are looked for one by one in a row.
const FEW_COLUMNS: usize = 16;

/// A column is merged at once when callers have asked for it once for each of this many objects.
const PORTION: usize = 16;

/// The merged columns of a snapshot, as far as callers have needed them.
#[derive(Debug)]
pub(super) struct Columns {
    every: Wanted,
    single: Box<[Wanted]>,
    /// Set to `true` if any process prints a column that this crate does not know.
    has_unknown: OnceLock<bool>,
}

/// The merged columns of one object.
#[derive(Clone, Copy)]
pub(super) struct ObjectColumns<'a> {
    columns: &'a Columns,
    index: &'a Index,
    processes: &'a [Process],
    object: u32,
}

/// One column, or all of them.
#[derive(Debug, Default)]
struct Wanted {
    /// Number of requests for the figure of an object.
    count: AtomicUsize,
    /// The columns that were merged together, and the position of this one among them.
    merged: OnceLock<(Arc<Merged>, usize)>,
}

/// The figures of columns, object by object.
#[derive(Debug)]
struct Merged {
    columns: usize,
    figures: Box<[Figure]>,
}

/// The merged figure of one column of one object.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Figure {
    /// No process has a value.
    Absent,
    /// A sum, a highest or a lowest value.
    Number(u64),
    Range(CountRange),
    Mean(f64),
    /// All processes that have a say print the same cell as this row. `processes` is their number.
    Same {
        row: RowRef,
        processes: u64,
    },
    /// The cells differ, or the rule is not one of the above. The rows must be looked at.
    Rows,
}

impl Columns {
    /// Returns `None` if there are too few processes.
    pub(super) fn new(processes: &[Process]) -> Option<Self> {
        (processes.len() >= FEWEST_PROCESSES).then(|| Self {
            every: Wanted::default(),
            single: Col::ALL.iter().map(|_| Wanted::default()).collect(),
            has_unknown: OnceLock::new(),
        })
    }

    /// Merges a column, together with the others that callers are asking for: the rows are read once for all of them.
    fn merge(&self, column: Col, index: &Index, processes: &[Process]) {
        let is_wanted = |one: &&Col| {
            let wanted = self.single.get(**one as usize);
            **one == column
                || wanted
                    .is_some_and(|wanted| wanted.merged.get().is_none() && wanted.is_due(index, 2 * PORTION))
        };
        let columns: Vec<Col> = Col::ALL.iter().filter(is_wanted).copied().collect();
        let merged = Arc::new(Merging::new(index, processes, &columns).run());
        for (position, column) in columns.iter().enumerate() {
            if let Some(wanted) = self.single.get(*column as usize) {
                // Another thread may have merged it meanwhile, with the same result.
                let _ = wanted.merged.set((Arc::clone(&merged), position));
            }
        }
    }

    pub(super) fn heap_size(&self) -> usize {
        let all = || self.single.iter().chain([&self.every]).filter_map(|wanted| wanted.merged.get());
        // Columns that were merged together are counted once, with the first of them.
        let own = all().filter(|(_, position)| *position == 0);
        let figures: usize = own.map(|(merged, _)| merged.figures.len() * size_of::<Figure>()).sum();
        figures + self.single.len() * size_of::<Wanted>()
    }
}

impl<'a> ObjectColumns<'a> {
    pub(super) fn new(columns: &'a Columns, index: &'a Index, processes: &'a [Process], object: u32) -> Self {
        Self { columns, index, processes, object }
    }

    /// Counts that all columns of the object are wanted. Returns `true` if they are merged.
    pub(super) fn want_every(&self) -> bool {
        let every = &self.columns.every;
        let is_due = every.count(self.index);
        if is_due {
            every.merged.get_or_init(|| {
                let merging = Merging::new(self.index, self.processes, Col::ALL);
                (Arc::new(merging.run()), 0)
            });
        }
        is_due
    }

    /// Returns the figure of a column. It is [`Figure::Rows`] if the column is not merged.
    pub(super) fn figure(&self, column: Col) -> Figure {
        if let Some((every, _)) = self.columns.every.merged.get() {
            return every.figure(self.object, column as usize);
        }
        let Some(wanted) = self.columns.single.get(column as usize) else { return Figure::Rows };
        if wanted.merged.get().is_none() && wanted.count(self.index) {
            self.columns.merge(column, self.index, self.processes);
        }
        wanted.merged.get().map_or(Figure::Rows, |(merged, position)| merged.figure(self.object, *position))
    }

    /// Returns the number of the row among the rows of the object.
    pub(super) fn position(&self, row: RowRef) -> Option<usize> {
        self.index.row_refs(self.object).iter().position(|one| *one == row)
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

impl Merged {
    fn figure(&self, object: u32, column: usize) -> Figure {
        let at = (object as usize).checked_mul(self.columns).and_then(|at| at.checked_add(column));
        at.and_then(|at| self.figures.get(at)).copied().unwrap_or(Figure::Rows)
    }
}

/// A merge of some columns of all objects.
struct Merging<'a> {
    index: &'a Index,
    processes: &'a [Process],
    columns: &'a [Col],
    /// `true` if counters may be kept in files.
    has_files: bool,
    /// The accumulators of all columns, object by object.
    sums: Vec<Sum<'a>>,
    /// For each object, `true` if a process that is not stopping has it.
    is_current: Vec<bool>,
}

/// Accumulator of one column of one object.
#[derive(Clone, Copy)]
enum Sum<'a> {
    Absent,
    Number(u64),
    Range(CountRange),
    Mean { total: f64, weights: f64 },
    Same { cell: &'a [u8], row: RowRef, processes: u64 },
    Rows,
}

/// A column in the rows of one kind of one table.
struct Place {
    /// Position among the columns that are merged.
    column: usize,
    /// Position in the rows.
    position: usize,
    fold: Fold,
}

#[derive(Clone, Copy)]
enum Fold {
    Sum(Underflow),
    Range,
    Max,
    Min,
    Mean,
    Same,
    /// Like `Same`, for cells that may be empty.
    SameOrEmpty,
    /// Like `SameOrEmpty`, without cells that the level of the socket hides.
    SameUnlessHidden,
    /// None of these.
    Other,
}

impl Fold {
    fn new(column: Col, rule: Rule, has_files: bool) -> Self {
        match rule {
            Rule::Sum | Rule::Mean if has_files && (column.is_shared() || rule == Rule::Mean) => Self::Other,
            Rule::Sum => Self::Sum(Underflow::of(column)),
            Rule::Range => Self::Range,
            Rule::Max => Self::Max,
            Rule::Min => Self::Min,
            Rule::Mean => Self::Mean,
            Rule::Same => Self::Same,
            Rule::SameOrEmpty if column.is_hidden_from_users() => Self::SameUnlessHidden,
            Rule::SameOrEmpty | Rule::Limit => Self::SameOrEmpty,
            Rule::PerProcess | Rule::Identity => Self::Other,
        }
    }

    /// Returns `true` if only the processes that are not stopping have a say, as long as there is one.
    fn is_of_current(self) -> bool {
        !matches!(self, Self::Sum(_) | Self::Range | Self::Mean | Self::Other)
    }
}

impl<'a> Merging<'a> {
    fn new(index: &'a Index, processes: &'a [Process], columns: &'a [Col]) -> Self {
        let objects = index.len();
        Self {
            index,
            processes,
            columns,
            has_files: processes.iter().any(|process| process.shared_counters().is_some()),
            sums: vec![Sum::Absent; objects * columns.len()],
            is_current: vec![false; objects],
        }
    }

    fn run(mut self) -> Merged {
        // The processes that are stopping come last: they have a say only about objects that no other process has.
        for stopping in [false, true] {
            for (process, one) in (0u32..).zip(self.processes) {
                if let Some(stat) = one.stat().filter(|_| one.is_stopping() == stopping) {
                    self.add(process, one, stat);
                }
            }
        }
        let figures = self.sums.into_iter().map(Sum::figure).collect();
        Merged { columns: self.columns.len(), figures }
    }

    fn add(&mut self, process: u32, one: &'a Process, stat: &'a StatTable) {
        let kinds = [RowKind::Frontend, RowKind::Listener, RowKind::Server, RowKind::Backend];
        let plans = kinds.map(|kind| (kind, self.places(kind, stat.header())));
        let hides = one.level().is_none_or(|level| level == Level::User);
        let mut cells = Vec::new();
        for ((row_index, row), object) in (0u32..).zip(stat.rows()).zip(self.index.objects_of(process)) {
            let Some((_, places)) = plans.iter().find(|(kind, _)| *kind == row.kind()) else { continue };
            let place = RowRef { process, row: row_index };
            let object = *object as usize;
            let Some(is_current) = self.is_current.get_mut(object) else { continue };
            *is_current |= !one.is_stopping();
            let has_say = !one.is_stopping() || !*is_current;
            let first = object * self.columns.len();
            let Some(sums) = self.sums.get_mut(first..first + self.columns.len()) else { continue };
            // A few cells are found by the marks of their row, many are found in one pass.
            let is_split = places.len() > FEW_COLUMNS;
            if is_split {
                cells.clear();
                cells.extend(row.each());
            }
            for Place { column, position, fold } in places {
                let cell = if is_split { cells.get(*position).copied() } else { row.bytes(*position) };
                let (Some(sum), Some(cell)) = (sums.get_mut(*column), cell) else { continue };
                if has_say || !fold.is_of_current() {
                    sum.add(*fold, cell, place, &row, hides);
                }
            }
        }
    }

    /// Returns the merged columns that rows of this kind have.
    fn places(&self, kind: RowKind, header: &Header) -> Vec<Place> {
        let place = |(column, col): (usize, &Col)| {
            let (_, rule) = col.declared().kinds.iter().find(|(one, _)| *one == kind)?;
            let fold = Fold::new(*col, *rule, self.has_files);
            Some(Place { column, position: header.position(*col)?, fold })
        };
        self.columns.iter().enumerate().filter_map(place).collect()
    }
}

impl<'a> Sum<'a> {
    #[inline]
    fn add(&mut self, fold: Fold, cell: &'a [u8], place: RowRef, row: &Row<'a>, hides: bool) {
        match fold {
            Fold::Same if cell.is_empty() => {}
            Fold::SameUnlessHidden if cell.is_empty() && hides => {}
            Fold::Same | Fold::SameOrEmpty | Fold::SameUnlessHidden => self.add_same(cell, place),
            Fold::Sum(underflow) => {
                let Some(value) = number(cell) else { return };
                let value = underflow.mend(value);
                *self = Self::Number(self.number().map_or(value, |sum| sum.saturating_add(value)));
            }
            Fold::Max => {
                let Some(value) = number(cell) else { return };
                *self = Self::Number(self.number().map_or(value, |most| most.max(value)));
            }
            // A negative age stands for an event that never happened.
            Fold::Min => {
                let Some(value) = number(cell).filter(|value| i64::try_from(*value).is_ok()) else { return };
                *self = Self::Number(self.number().map_or(value, |least| least.min(value)));
            }
            Fold::Range => {
                let Some(value) = number(cell) else { return };
                *self = Self::Range(match *self {
                    Self::Range(range) => CountRange {
                        at_least: range.at_least.max(value),
                        at_most: range.at_most.saturating_add(value),
                    },
                    _ => value.into(),
                });
            }
            Fold::Mean => self.add_mean(cell, row),
            Fold::Other => *self = Self::Rows,
        }
    }

    fn number(&self) -> Option<u64> {
        match self {
            Self::Number(number) => Some(*number),
            _ => None,
        }
    }

    #[allow(clippy::cast_precision_loss, reason = "means of milliseconds are far below 2^52")]
    fn add_mean(&mut self, cell: &[u8], row: &Row<'_>) {
        let weight = row.number(Col::stot).unwrap_or(0).min(1024);
        let Some(value) = number(cell).filter(|_| weight > 0) else { return };
        let (total, weights) = match *self {
            Self::Mean { total, weights } => (total, weights),
            _ => (0.0, 0.0),
        };
        let weight = weight as f64;
        *self = Self::Mean { total: total + value as f64 * weight, weights: weights + weight };
    }

    fn add_same(&mut self, cell: &'a [u8], place: RowRef) {
        *self = match *self {
            Self::Absent => Self::Same { cell, row: place, processes: 1 },
            Self::Same { cell: first, row, processes } if first == cell => {
                Self::Same { cell, row, processes: processes + 1 }
            }
            _ => Self::Rows,
        };
    }

    fn figure(self) -> Figure {
        match self {
            Self::Absent => Figure::Absent,
            Self::Number(number) => Figure::Number(number),
            Self::Range(range) => Figure::Range(range),
            Self::Mean { total, weights } => Figure::Mean(total / weights),
            Self::Same { row, processes, .. } => Figure::Same { row, processes },
            Self::Rows => Figure::Rows,
        }
    }
}
