//! The merge of columns, some rows of each process at a time.

use std::ops::Range;
use std::ptr;

use super::merged::{Figure, Merged};
use crate::field::{Col, Field as _, RowKind, Rule, Underflow};
use crate::level::Level;
use crate::show::stat::{CELLS_IN_BLOCK, Cells as _, FoundCells, Header, Row, StatTable, number};
use crate::snapshot::count_range::CountRange;
use crate::snapshot::index::{Index, RowRef};
use crate::snapshot::process::Process;

/// Bytes of accumulators that stay in the cache of the processor while rows are merged.
const CACHE: usize = 56 << 10;

/// Most rows of a process that are merged before those of the next one.
const MOST_ROWS_AT_ONCE: usize = 32;

/// Most cells of a block that are looked for one after the other.
const FEW_CELLS: usize = 6;

/// The kinds of rows that are merged.
const KINDS: [RowKind; 4] = [RowKind::Frontend, RowKind::Listener, RowKind::Server, RowKind::Backend];

/// A merge of some columns of all objects.
pub(super) struct Merging<'a> {
    index: &'a Index,
    processes: &'a [Process],
    columns: usize,
    plans: Vec<Plan<'a>>,
    /// The plan of each process.
    plan_of: Vec<usize>,
    /// The accumulators of all columns, object by object.
    sums: Vec<Sum<'a>>,
    /// Most blocks of cells that a plan has.
    blocks: usize,
    /// For each block of cells of each object: what the first row has there.
    repeated: Vec<Option<Repeated<'a>>>,
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
    Same { cell: &'a [u8], row: RowRef, processes: u32 },
    Rows,
}

/// The columns of the tables with one header, for each kind of rows.
struct Plan<'a> {
    header: &'a Header,
    /// `true` if HAProxy may hide columns from the sockets.
    hides: bool,
    kinds: [Box<[Block]>; 4],
}

/// Adjacent cells of a row, some of which are merged.
struct Block {
    number: usize,
    /// The cells that are merged, in the order of the row.
    places: Box<[Place]>,
    /// Number of cells up to the last of them.
    cells: usize,
    /// `false` if a cell counts in another way in each row.
    can_repeat: bool,
}

/// A cell that is merged.
#[derive(Clone, Copy)]
struct Place {
    /// Position in the row.
    position: usize,
    /// Position in its block.
    in_block: usize,
    /// Position among the columns that are merged.
    column: usize,
    fold: Fold,
}

/// A block of cells that rows of an object have in common with its first one. It is read once for all of them: the
/// processes of a cluster have most settings and many figures in common, above all those that are zero. Rows under
/// another plan are read one by one.
#[derive(Clone, Copy)]
struct Repeated<'a> {
    plan: usize,
    bytes: &'a [u8],
    row_ref: RowRef,
    times: u32,
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
    /// Like `SameOrEmpty`; all processes have a say.
    Own,
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
            Rule::PerProcess => Self::Own,
        }
    }

    fn is_of_numbers(self) -> bool {
        matches!(self, Self::Sum(_) | Self::Range | Self::Max | Self::Min | Self::Mean)
    }

    /// Returns `true` if an empty cell changes nothing.
    fn skips_empty(self) -> bool {
        !matches!(self, Self::SameOrEmpty | Self::SameUnlessHidden | Self::Own | Self::Other)
    }

    /// Returns `true` if only the processes that are not stopping have a say, as long as there is one.
    fn is_of_current(self) -> bool {
        !matches!(self, Self::Sum(_) | Self::Range | Self::Mean | Self::Own | Self::Other)
    }
}

/// Returns `true` if HAProxy may hide columns from the socket of the process.
fn hides(process: &Process) -> bool {
    process.level().is_none_or(|level| level == Level::User)
}

impl<'a> Plan<'a> {
    fn is_for(&self, process: &Process, stat: &StatTable) -> bool {
        let header = stat.header();
        self.hides == hides(process) && (ptr::eq(self.header, header) || self.header == header)
    }

    fn new(header: &'a Header, hides: bool, columns: &[Col], has_files: bool) -> Self {
        let kinds = KINDS.map(|kind| Block::all(kind, header, columns, has_files));
        Self { header, hides, kinds }
    }
}

impl Block {
    /// Returns the blocks with the cells of the columns that rows of this kind have.
    fn all(kind: RowKind, header: &Header, columns: &[Col], has_files: bool) -> Box<[Self]> {
        let place = |(column, col): (usize, &Col)| {
            let (_, rule) = col.declared().kinds.iter().find(|(one, _)| *one == kind)?;
            let fold = Fold::new(*col, *rule, has_files);
            let position = header.position(*col)?;
            Some(Place { position, in_block: position % CELLS_IN_BLOCK, column, fold })
        };
        let mut places: Vec<Place> = columns.iter().enumerate().filter_map(place).collect();
        places.sort_by_key(|place| place.position);
        let block = |places: &[Place]| {
            let last = places.last()?;
            let can_repeat = places.iter().all(|place| !matches!(place.fold, Fold::Mean));
            let number = last.position / CELLS_IN_BLOCK;
            Some(Self { number, places: places.into(), cells: last.in_block + 1, can_repeat })
        };
        let is_together =
            |one: &Place, next: &Place| one.position / CELLS_IN_BLOCK == next.position / CELLS_IN_BLOCK;
        places.chunk_by(is_together).filter_map(block).collect()
    }
}

impl<'a> Merging<'a> {
    pub(super) fn new(index: &'a Index, processes: &'a [Process], columns: &[Col]) -> Self {
        let has_files = processes.iter().any(|process| process.shared_counters().is_some());
        let mut plans: Vec<Plan<'a>> = Vec::new();
        let plan_of = processes.iter().map(|process| {
            let Some(stat) = process.stat() else { return usize::MAX };
            plans.iter().position(|plan| plan.is_for(process, stat)).unwrap_or_else(|| {
                plans.push(Plan::new(stat.header(), hides(process), columns, has_files));
                plans.len() - 1
            })
        });
        let plan_of = plan_of.collect();
        let objects = index.len();
        let blocks = plans.iter().flat_map(|plan| &plan.kinds).map(|blocks| blocks.len()).max().unwrap_or(0);
        Self {
            index,
            processes,
            columns: columns.len(),
            plans,
            plan_of,
            sums: vec![Sum::Absent; objects * columns.len()],
            blocks,
            repeated: vec![None; objects * blocks],
            is_current: vec![false; objects],
        }
    }

    pub(super) fn run(mut self) -> Merged {
        let rows = |process: &Process| process.stat().map_or(0, StatTable::len);
        let most = self.processes.iter().map(rows).max().unwrap_or(0);
        // The rows of some objects, of one process after the other, so that their accumulators stay in the cache.
        let at_once = (CACHE / (size_of::<Sum<'_>>() * self.columns.max(1))).clamp(1, MOST_ROWS_AT_ONCE);
        // The processes that are stopping come last: they have a say only about objects that no other process has.
        for is_stopping in [false, true] {
            for start in (0..most).step_by(at_once) {
                for (process, one) in (0u32..).zip(self.processes) {
                    if let Some(stat) = one.stat().filter(|_| one.is_stopping() == is_stopping) {
                        self.add(process, one, stat, start..stat.len().min(start + at_once));
                    }
                }
            }
        }
        self.add_repeated();
        let figures = self.sums.into_iter().map(Sum::figure).collect();
        Merged { columns: self.columns, figures }
    }

    /// Adds some rows of a process.
    fn add(&mut self, process: u32, one: &Process, stat: &'a StatTable, rows: Range<usize>) {
        let Some(&plan_number) = self.plan_of.get(process as usize) else { return };
        let Some(plan) = self.plans.get(plan_number) else { return };
        let objects = self.index.objects_of(process);
        for (row, object) in rows.clone().zip(objects.get(rows).unwrap_or_default()) {
            let (Some(cells), object) = (stat.row(row), *object as usize) else { continue };
            let kind = KINDS.iter().position(|kind| *kind == cells.kind());
            let (Some(blocks), Some(is_current)) =
                (kind.and_then(|kind| plan.kinds.get(kind)), self.is_current.get_mut(object))
            else {
                continue;
            };
            *is_current |= !one.is_stopping();
            let (Some(sums), Some(repeated)) = (
                of_object(&mut self.sums, object, self.columns),
                of_object(&mut self.repeated, object, self.blocks),
            ) else {
                continue;
            };
            let Ok(at) = u32::try_from(row) else { continue };
            let row_ref = RowRef { process, row: at };
            let has_say = !one.is_stopping() || !*is_current;
            let mut adding =
                Adding { sums, has_say, hides: plan.hides, row_ref, times: 1, row: &cells, weight: None };
            if cells.is_renewed() {
                for place in blocks.iter().flat_map(|block| &block.places) {
                    if let Some(cell) = cells.bytes(place.position) {
                        adding.add(place, cell, cell == b"0", || number(cell));
                    }
                }
                continue;
            }
            let mut found = cells.found_cells();
            for (block, repeated) in blocks.iter().zip(repeated) {
                let Some(bytes) = cells.block(block.number) else { break };
                if block.can_repeat && !one.is_stopping() {
                    match repeated {
                        Some(first) if first.plan == plan_number && first.bytes == bytes => {
                            first.times += 1;
                            continue;
                        }
                        Some(_) => {}
                        None => {
                            *repeated = Some(Repeated { plan: plan_number, bytes, row_ref, times: 1 });
                            continue;
                        }
                    }
                }
                adding.add_block(block, &mut found);
            }
        }
    }

    /// Adds the blocks of cells that were only counted so far.
    fn add_repeated(&mut self) {
        let Self { processes, plans, sums, repeated, .. } = self;
        let objects =
            sums.chunks_exact_mut(self.columns.max(1)).zip(repeated.chunks_exact(self.blocks.max(1)));
        for (sums, repeated) in objects {
            for (at, repeated) in repeated.iter().enumerate() {
                let Some(Repeated { plan, row_ref, times, .. }) = *repeated else { continue };
                let stat = processes.get(row_ref.process as usize).and_then(Process::stat);
                let row = stat.and_then(|stat| stat.row(row_ref.row as usize));
                let (Some(row), Some(plan)) = (row, plans.get(plan)) else { continue };
                let kind = KINDS.iter().position(|kind| *kind == row.kind());
                let block = kind.and_then(|kind| plan.kinds.get(kind)?.get(at));
                let hides = plan.hides;
                let mut adding =
                    Adding { sums, has_say: true, hides, row_ref, times, row: &row, weight: None };
                if let Some(block) = block {
                    adding.add_block(block, &mut row.found_cells());
                }
            }
        }
    }
}

/// Returns the values of an object.
fn of_object<T>(all: &mut [T], object: usize, of_each: usize) -> Option<&mut [T]> {
    let first = object.checked_mul(of_each)?;
    all.get_mut(first..first + of_each)
}

/// A row that is added to the accumulators of its object, or several with the same cells.
struct Adding<'a, 'b> {
    sums: &'b mut [Sum<'a>],
    has_say: bool,
    hides: bool,
    row_ref: RowRef,
    /// Number of rows.
    times: u32,
    row: &'b Row<'a>,
    /// Weight of the row in means, when it was needed.
    weight: Option<u64>,
}

impl<'a> Adding<'a, '_> {
    fn add_block(&mut self, block: &Block, cells: &mut FoundCells<'a>) {
        if block.places.len() <= FEW_CELLS {
            return self.add_few(block);
        }
        self.row.find_cells(block.number, block.cells, cells);
        for place in &block.places {
            let Some(cell) = cells.get(place.in_block) else { break };
            self.add(place, cell, cells.is_zero(place.in_block), || cells.number(place.in_block));
        }
    }

    /// Adds few cells of a block, without a look at all others.
    fn add_few(&mut self, block: &Block) {
        let Some(mut cells) = self.row.block_cells(block.number) else { return };
        let mut next = 0;
        for place in &block.places {
            let Some(cell) = cells.nth(place.in_block - next) else { break };
            next = place.in_block + 1;
            self.add(place, cell, cell == b"0", || number(cell));
        }
    }

    /// Adds a cell. `is_zero` is `true` if it is `0`, and `number` converts it.
    #[inline(always)]
    #[allow(clippy::inline_always, reason = "it is most of a merge")]
    fn add(&mut self, place: &Place, cell: &'a [u8], is_zero: bool, number: impl FnOnce() -> Option<u64>) {
        let Place { column, fold, .. } = *place;
        if cell.is_empty() && fold.skips_empty() || !self.has_say && fold.is_of_current() {
            return;
        }
        let Some(sum) = self.sums.get_mut(column) else { return };
        if is_zero && sum.keeps_zero(fold) {
            return;
        }
        match (fold, if fold.is_of_numbers() { number() } else { None }) {
            (Fold::SameUnlessHidden, _) if cell.is_empty() && self.hides => {}
            (Fold::Same | Fold::SameOrEmpty | Fold::SameUnlessHidden | Fold::Own, _) => {
                sum.add_same(cell, self.row_ref, self.times);
            }
            (Fold::Other, _) => *sum = Sum::Rows,
            (_, None) => {}
            (Fold::Sum(underflow), Some(value)) => {
                let value = underflow.mend(value).saturating_mul(self.times.into());
                *sum = Sum::Number(sum.number().map_or(value, |sum| sum.saturating_add(value)));
            }
            (Fold::Max, Some(value)) => {
                *sum = Sum::Number(sum.number().map_or(value, |most| most.max(value)));
            }
            (Fold::Min, Some(value)) => {
                // A negative age stands for an event that never happened.
                if i64::try_from(value).is_ok() {
                    *sum = Sum::Number(sum.number().map_or(value, |least| least.min(value)));
                }
            }
            (Fold::Range, Some(value)) => {
                let all = value.saturating_mul(self.times.into());
                *sum = Sum::Range(match *sum {
                    Sum::Range(range) => CountRange {
                        at_least: range.at_least.max(value),
                        at_most: range.at_most.saturating_add(all),
                    },
                    _ => CountRange { at_least: value, at_most: all },
                });
            }
            (Fold::Mean, Some(value)) => {
                let row = self.row;
                let weight = *self.weight.get_or_insert_with(|| row.number(Col::stot).unwrap_or(0).min(1024));
                if weight > 0 {
                    sum.add_mean(value, weight);
                }
            }
        }
    }
}

/// Compares two cells. Most are short, so that a call of a function for long ones would take longer.
#[inline]
fn is_same(one: &[u8], other: &[u8]) -> bool {
    fn ends<const N: usize>(cell: &[u8]) -> Option<(&[u8; N], &[u8; N])> {
        cell.first_chunk().zip(cell.last_chunk())
    }
    one.len() == other.len()
        && match one.len() {
            0 => true,
            1 => one.first() == other.first(),
            2..=3 => ends::<2>(one) == ends(other),
            4..=7 => ends::<4>(one) == ends(other),
            8..=16 => ends::<8>(one) == ends(other),
            _ => one == other,
        }
}

impl<'a> Sum<'a> {
    /// Returns `true` if a zero changes nothing any more. Most figures are zero.
    #[inline]
    fn keeps_zero(&self, fold: Fold) -> bool {
        match fold {
            Fold::Sum(_) | Fold::Max => matches!(self, Self::Number(_)),
            Fold::Range => matches!(self, Self::Range(_)),
            _ => false,
        }
    }

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

    fn add_same(&mut self, cell: &'a [u8], row_ref: RowRef, times: u32) {
        *self = match *self {
            Self::Absent => Self::Same { cell, row: row_ref, processes: times },
            Self::Same { cell: first, row, processes } if is_same(first, cell) => {
                // The first row is found fastest.
                Self::Same { cell, row: row.min(row_ref), processes: processes + times }
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
            Self::Same { row, processes, .. } => Figure::Same { row, processes: processes.into() },
            Self::Rows => Figure::Rows,
        }
    }
}
