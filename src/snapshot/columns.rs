//! Columns that are merged for all objects at once.
//!
//! The rows of one object are scattered over the tables of all processes. With many processes, each of them is far from
//! the processor when it is needed: merging object by object costs several times the work itself. If a caller asks for
//! a figure of object after object, the column is therefore merged for all objects, process by process, in the order
//! of the rows in memory. The result is the same.

use std::ops::Range;
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

/// Rows of a process that are merged before those of the next one: the accumulators of as many objects stay in the
/// cache of the processor, also if all columns are merged.
const BLOCK: usize = 32;

/// The kinds of rows that are merged.
const KINDS: [RowKind; 4] = [RowKind::Frontend, RowKind::Listener, RowKind::Server, RowKind::Backend];

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
    columns: usize,
    plans: Vec<Plan<'a>>,
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

/// The columns of the tables with one header, for each kind of rows.
struct Plan<'a> {
    header: &'a Header,
    /// `true` if HAProxy hides columns from the sockets.
    hides: bool,
    kinds: [Places; 4],
}

/// The cells of a row that are merged.
enum Places {
    /// Few, with their positions, by which they are found one by one.
    Few(Box<[(usize, Place)]>),
    /// Many, position by position. All cells are found in one pass.
    Many(Box<[Option<Place>]>),
}

/// A column that is merged.
#[derive(Clone, Copy)]
struct Place {
    /// Position among the columns that are merged.
    column: usize,
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
            Rule::Same | Rule::Identity => Self::Same,
            Rule::SameOrEmpty if column.is_hidden_from_users() => Self::SameUnlessHidden,
            Rule::SameOrEmpty | Rule::Limit => Self::SameOrEmpty,
            Rule::PerProcess => Self::Other,
        }
    }

    /// Returns `true` if an empty cell changes nothing.
    fn skips_empty(self) -> bool {
        !matches!(self, Self::SameOrEmpty | Self::SameUnlessHidden | Self::Other)
    }

    /// Returns `true` if only the processes that are not stopping have a say, as long as there is one.
    fn is_of_current(self) -> bool {
        !matches!(self, Self::Sum(_) | Self::Range | Self::Mean | Self::Other)
    }
}

/// Returns `true` if HAProxy may hide columns from the socket of the process.
fn hides(process: &Process) -> bool {
    process.level().is_none_or(|level| level == Level::User)
}

impl<'a> Plan<'a> {
    fn is_for(&self, process: &Process, stat: &StatTable) -> bool {
        std::ptr::eq(self.header, stat.header()) && self.hides == hides(process)
    }

    fn new(header: &'a Header, hides: bool, columns: &[Col], has_files: bool) -> Self {
        let kinds = KINDS.map(|kind| Places::new(kind, header, columns, has_files));
        Self { header, hides, kinds }
    }
}

impl Places {
    /// Returns the cells of the columns that rows of this kind have.
    fn new(kind: RowKind, header: &Header, columns: &[Col], has_files: bool) -> Self {
        let place = |(column, col): (usize, &Col)| {
            let (_, rule) = col.declared().kinds.iter().find(|(one, _)| *one == kind)?;
            Some((header.position(*col)?, Place { column, fold: Fold::new(*col, *rule, has_files) }))
        };
        let places: Box<[_]> = columns.iter().enumerate().filter_map(place).collect();
        if places.len() <= FEW_COLUMNS {
            return Self::Few(places);
        }
        let mut all = vec![None; header.len()];
        for (position, place) in places {
            if let Some(slot) = all.get_mut(position) {
                *slot = Some(place);
            }
        }
        Self::Many(all.into())
    }
}

impl<'a> Merging<'a> {
    fn new(index: &'a Index, processes: &'a [Process], columns: &[Col]) -> Self {
        let has_files = processes.iter().any(|process| process.shared_counters().is_some());
        let mut plans: Vec<Plan<'a>> = Vec::new();
        for (process, stat) in processes.iter().filter_map(|one| Some((one, one.stat()?))) {
            if !plans.iter().any(|plan| plan.is_for(process, stat)) {
                plans.push(Plan::new(stat.header(), hides(process), columns, has_files));
            }
        }
        let objects = index.len();
        Self {
            index,
            processes,
            columns: columns.len(),
            plans,
            sums: vec![Sum::Absent; objects * columns.len()],
            is_current: vec![false; objects],
        }
    }

    fn run(mut self) -> Merged {
        let rows = |process: &Process| process.stat().map_or(0, StatTable::len);
        let most = self.processes.iter().map(rows).max().unwrap_or(0);
        // The processes that are stopping come last: they have a say only about objects that no other process has.
        for is_stopping in [false, true] {
            for start in (0..most).step_by(BLOCK) {
                for (process, one) in (0u32..).zip(self.processes) {
                    if let Some(stat) = one.stat().filter(|_| one.is_stopping() == is_stopping) {
                        self.add(process, one, stat, start..stat.len().min(start + BLOCK));
                    }
                }
            }
        }
        let figures = self.sums.into_iter().map(Sum::figure).collect();
        Merged { columns: self.columns, figures }
    }

    /// Adds some rows of a process.
    fn add(&mut self, process: u32, one: &Process, stat: &'a StatTable, rows: Range<usize>) {
        let Some(plan) = self.plans.iter().find(|plan| plan.is_for(one, stat)) else { return };
        let objects = self.index.objects_of(process);
        for (row, object) in rows.clone().zip(objects.get(rows).unwrap_or_default()) {
            let (Some(cells), object) = (stat.row(row), *object as usize) else { continue };
            let kind = KINDS.iter().position(|kind| *kind == cells.kind());
            let (Some(kind), Some(is_current)) =
                (kind.and_then(|kind| plan.kinds.get(kind)), self.is_current.get_mut(object))
            else {
                continue;
            };
            *is_current |= !one.is_stopping();
            let first = object * self.columns;
            let Some(sums) = self.sums.get_mut(first..first + self.columns) else { continue };
            let Ok(number) = u32::try_from(row) else { continue };
            let mut adding = Adding {
                sums,
                has_say: !one.is_stopping() || !*is_current,
                hides: plan.hides,
                place: RowRef { process, row: number },
                row: &cells,
                weight: None,
            };
            match kind {
                Places::Few(places) => {
                    for (position, place) in places {
                        if let Some(cell) = cells.bytes(*position) {
                            adding.add(*place, cell);
                        }
                    }
                }
                Places::Many(places) => {
                    for (place, cell) in places.iter().zip(cells.each()) {
                        if let Some(place) = place {
                            adding.add(*place, cell);
                        }
                    }
                }
            }
        }
    }
}

/// A row that is added to the accumulators of its object.
struct Adding<'a, 'b> {
    sums: &'b mut [Sum<'a>],
    has_say: bool,
    hides: bool,
    place: RowRef,
    row: &'b Row<'a>,
    /// Weight of the row in means, when it was needed.
    weight: Option<u64>,
}

impl<'a> Adding<'a, '_> {
    #[inline]
    fn add(&mut self, Place { column, fold }: Place, cell: &'a [u8]) {
        if cell.is_empty() && fold.skips_empty() || !self.has_say && fold.is_of_current() {
            return;
        }
        let Some(sum) = self.sums.get_mut(column) else { return };
        match fold {
            Fold::SameUnlessHidden if cell.is_empty() && self.hides => {}
            Fold::Same | Fold::SameOrEmpty | Fold::SameUnlessHidden => sum.add_same(cell, self.place),
            Fold::Sum(underflow) => {
                let Some(value) = number(cell) else { return };
                let value = underflow.mend(value);
                *sum = Sum::Number(sum.number().map_or(value, |sum| sum.saturating_add(value)));
            }
            Fold::Max => {
                let Some(value) = number(cell) else { return };
                *sum = Sum::Number(sum.number().map_or(value, |most| most.max(value)));
            }
            // A negative age stands for an event that never happened.
            Fold::Min => {
                let Some(value) = number(cell).filter(|value| i64::try_from(*value).is_ok()) else { return };
                *sum = Sum::Number(sum.number().map_or(value, |least| least.min(value)));
            }
            Fold::Range => {
                let Some(value) = number(cell) else { return };
                *sum = Sum::Range(match *sum {
                    Sum::Range(range) => CountRange {
                        at_least: range.at_least.max(value),
                        at_most: range.at_most.saturating_add(value),
                    },
                    _ => value.into(),
                });
            }
            Fold::Mean => {
                let row = self.row;
                let weight = *self.weight.get_or_insert_with(|| row.number(Col::stot).unwrap_or(0).min(1024));
                if let Some(value) = number(cell).filter(|_| weight > 0) {
                    sum.add_mean(value, weight);
                }
            }
            Fold::Other => *sum = Sum::Rows,
        }
    }
}

impl<'a> Sum<'a> {
    fn number(&self) -> Option<u64> {
        match self {
            Self::Number(number) => Some(*number),
            _ => None,
        }
    }

    #[allow(clippy::cast_precision_loss, reason = "means of milliseconds are far below 2^52")]
    fn add_mean(&mut self, value: u64, weight: u64) {
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
