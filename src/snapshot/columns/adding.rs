use super::plan::{Block, Fold, Place};
use super::sum::Sum;
use crate::field::Col;
use crate::show::stat::{Cells as _, FoundCells, Row, number};
use crate::snapshot::count_range::CountRange;
use crate::snapshot::index::RowRef;
use crate::snapshot::process::Process;
use crate::snapshot::sharing::Kept;

/// Most cells of a block that are looked for one after the other.
const FEW_CELLS: usize = 6;

/// A row that is added to the accumulators of its object, or several with the same cells.
pub(super) struct Adding<'a, 'b> {
    pub(super) processes: &'a [Process],
    pub(super) sums: &'b mut [Sum<'a>],
    pub(super) has_say: bool,
    pub(super) hides: bool,
    pub(super) row_ref: RowRef,
    /// Number of rows.
    pub(super) times: u32,
    pub(super) row: &'b Row<'a>,
    /// Weight of the row in means, when it was needed.
    pub(super) weight: Option<u64>,
}

impl<'a> Adding<'a, '_> {
    pub(super) fn add_block(&mut self, block: &Block, cells: &mut FoundCells<'a>) {
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

    /// Adds the cells of a block of a row that may have newer values. No text is written for numbers.
    pub(super) fn add_newer(&mut self, block: &Block) {
        let row = self.row;
        for place in &block.places {
            if place.fold.is_of_numbers() {
                let newer = row.newer(place.col).map(|value| u64::try_from(value).ok());
                if newer.is_some_and(|newer| self.is_in_sum(place, newer)) {
                    continue;
                }
                if let Some(cell) = row.printed_bytes(place.position).filter(|cell| !cell.is_empty()) {
                    let number = newer.unwrap_or_else(|| number(cell));
                    self.add(place, cell, number == Some(0), || number);
                }
            } else if matches!(place.fold, Fold::Other) {
                self.add(place, b"", false, || None);
            } else if let Some(cell) = row.bytes(place.position) {
                self.add(place, cell, false, || None);
            }
        }
    }

    /// Returns `true` if the newer value of a cell changes nothing, whether the cell is empty or not. Most rows of an
    /// object in a file have one value, and only the first of them is looked at.
    fn is_in_sum(&self, place: &Place, newer: Option<u64>) -> bool {
        let (Some(value), Some(sum)) = (newer, self.sums.get(place.column)) else { return true };
        match (place.fold, sum) {
            (fold, sum) if value == 0 && sum.keeps_zero(fold) => true,
            (Fold::Shared, Sum::Kept { highest, first, .. }) => {
                value <= *highest && kept(self.processes, *first) == kept(self.processes, self.row_ref)
            }
            (Fold::Max, Sum::Number(most)) => value <= *most,
            (Fold::Min, Sum::Number(least)) => value >= *least,
            _ => false,
        }
    }

    /// Adds a cell. `is_zero` is `true` if it is `0`, and `number` converts it.
    #[inline(always)]
    #[allow(clippy::inline_always, reason = "it is most of a merge")]
    pub(super) fn add(
        &mut self,
        place: &Place,
        cell: &'a [u8],
        is_zero: bool,
        number: impl FnOnce() -> Option<u64>,
    ) {
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
            // Rows with such counters are added one by one.
            (Fold::Shared, Some(value)) => {
                let processes = self.processes;
                sum.add_kept(value, kept(processes, self.row_ref), self.row_ref, |row| kept(processes, row));
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

/// Returns the place in which the counters of a row are kept.
fn kept(processes: &[Process], row: RowRef) -> Kept<'_> {
    let process = processes.get(row.process as usize);
    process.map_or(Kept::Separate, |process| Kept::of(process, row.row as usize))
}
