//! The cells of a row that are merged.

use std::sync::Arc;

use crate::field::{Col, Field as _, RowKind, Rule, Underflow};
use crate::level::Level;
use crate::show::stat::{CELLS_IN_BLOCK, Header, StatTable};
use crate::snapshot::process::Process;

/// The plans of all processes.
#[derive(Debug)]
pub(super) struct Plans {
    /// Number of columns that are merged.
    pub(super) columns: usize,
    /// Most blocks of cells that a plan has.
    pub(super) blocks: usize,
    all: Vec<Plan>,
    /// The plan of each process.
    plan_of: Vec<usize>,
}

/// The kinds of rows that are merged.
const KINDS: [RowKind; 4] = [RowKind::Frontend, RowKind::Listener, RowKind::Server, RowKind::Backend];

/// The columns of the tables with one header, for each kind of rows.
#[derive(Debug)]
pub(super) struct Plan {
    header: Arc<Header>,
    /// `true` if HAProxy may hide columns from the sockets.
    pub(super) hides: bool,
    kinds: [Box<[Block]>; 4],
}

/// Adjacent cells of a row, some of which are merged.
#[derive(Debug)]
pub(super) struct Block {
    pub(super) number: usize,
    /// The cells that are merged, in the order of the row.
    pub(super) places: Box<[Place]>,
    /// Number of cells up to the last of them.
    pub(super) cells: usize,
    /// `false` if a cell counts in another way in each row.
    pub(super) can_repeat: bool,
    /// `true` if a cell may have a newer value than the printed one.
    pub(super) is_renewable: bool,
}

/// A cell that is merged.
#[derive(Debug, Clone, Copy)]
pub(super) struct Place {
    pub(super) col: Col,
    /// Position in the row.
    pub(super) position: usize,
    /// Position in its block.
    pub(super) in_block: usize,
    /// Position among the columns that are merged.
    pub(super) column: usize,
    pub(super) fold: Fold,
}

#[derive(Debug, Clone, Copy)]
pub(super) enum Fold {
    Sum(Underflow),
    /// The sum of counters, some of which are in files: those in one place count once.
    Shared,
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
            Rule::Sum if has_files && column.is_shared() => Self::Shared,
            Rule::Mean if has_files => Self::Other,
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

    pub(super) fn is_of_numbers(self) -> bool {
        matches!(self, Self::Sum(_) | Self::Shared | Self::Range | Self::Max | Self::Min | Self::Mean)
    }

    /// Returns `true` if an empty cell changes nothing.
    pub(super) fn skips_empty(self) -> bool {
        !matches!(self, Self::SameOrEmpty | Self::SameUnlessHidden | Self::Own | Self::Other)
    }

    /// Returns `true` if only the processes that are not stopping have a say, as long as there is one.
    pub(super) fn is_of_current(self) -> bool {
        !matches!(self, Self::Sum(_) | Self::Shared | Self::Range | Self::Mean | Self::Own | Self::Other)
    }
}

/// Returns `true` if HAProxy may hide columns from the socket of the process.
fn hides(process: &Process) -> bool {
    process.level().is_none_or(|level| level == Level::User)
}

impl Plans {
    pub(super) fn new(processes: &[Process], columns: &[Col]) -> Self {
        let has_files = processes.iter().any(|process| process.shared_counters().is_some());
        let mut plans: Vec<Plan> = Vec::new();
        let plan_of = processes.iter().map(|process| {
            let Some(stat) = process.stat() else { return usize::MAX };
            plans.iter().position(|plan| plan.is_for(process, stat)).unwrap_or_else(|| {
                plans.push(Plan::new(Arc::clone(stat.shared_header()), hides(process), columns, has_files));
                plans.len() - 1
            })
        });
        let plan_of = plan_of.collect();
        let blocks = plans.iter().flat_map(|plan| &plan.kinds).map(|blocks| blocks.len()).max().unwrap_or(0);
        Self { columns: columns.len(), blocks, all: plans, plan_of }
    }

    /// Returns the plan of a process, and its number.
    pub(super) fn of(&self, process: u32) -> Option<(usize, &Plan)> {
        let number = *self.plan_of.get(process as usize)?;
        Some((number, self.all.get(number)?))
    }

    pub(super) fn get(&self, number: usize) -> Option<&Plan> {
        self.all.get(number)
    }
}

impl Plan {
    fn is_for(&self, process: &Process, stat: &StatTable) -> bool {
        let header = stat.shared_header();
        self.hides == hides(process) && (Arc::ptr_eq(&self.header, header) || self.header == *header)
    }

    fn new(header: Arc<Header>, hides: bool, columns: &[Col], has_files: bool) -> Self {
        let kinds = KINDS.map(|kind| Block::all(kind, &header, columns, has_files));
        Self { header, hides, kinds }
    }

    /// Returns the blocks of rows of a kind.
    pub(super) fn blocks(&self, kind: RowKind) -> &[Block] {
        let position = KINDS.iter().position(|one| *one == kind);
        position.and_then(|at| self.kinds.get(at)).map(|blocks| &**blocks).unwrap_or_default()
    }
}

impl Block {
    /// Returns the blocks with the cells of the columns that rows of this kind have.
    fn all(kind: RowKind, header: &Header, columns: &[Col], has_files: bool) -> Box<[Self]> {
        let place = |(column, col): (usize, &Col)| {
            let (_, rule) = col.declared().kinds.iter().find(|(one, _)| *one == kind)?;
            let fold = Fold::new(*col, *rule, has_files);
            let position = header.position(*col)?;
            Some(Place { col: *col, position, in_block: position % CELLS_IN_BLOCK, column, fold })
        };
        let mut places: Vec<Place> = columns.iter().enumerate().filter_map(place).collect();
        places.sort_by_key(|place| place.position);
        let block = |places: &[Place]| {
            let last = places.last()?;
            let can_repeat = places.iter().all(|place| !matches!(place.fold, Fold::Shared | Fold::Mean));
            let is_renewable = places.iter().any(|place| place.col.is_shared());
            let number = last.position / CELLS_IN_BLOCK;
            Some(Self { number, places: places.into(), cells: last.in_block + 1, can_repeat, is_renewable })
        };
        let is_together =
            |one: &Place, next: &Place| one.position / CELLS_IN_BLOCK == next.position / CELLS_IN_BLOCK;
        places.chunk_by(is_together).filter_map(block).collect()
    }
}
