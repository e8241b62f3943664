use super::merged::Figure;
use super::plan::Fold;
use crate::snapshot::count_range::CountRange;
use crate::snapshot::index::RowRef;
use crate::snapshot::sharing::Kept;

/// Accumulator of one column of one object.
#[derive(Clone, Copy)]
pub(super) enum Sum<'a> {
    Absent,
    Number(u64),
    /// Counters: the sum of those that processes keep for themselves, and the highest of those in one place. `first`
    /// is a row with this place.
    Kept {
        separate: u64,
        highest: u64,
        first: RowRef,
    },
    Range(CountRange),
    Mean {
        total: f64,
        weights: f64,
    },
    Same {
        cell: &'a [u8],
        row: RowRef,
        processes: u32,
    },
    Rows,
}

impl<'a> Sum<'a> {
    /// Returns `true` if a zero changes nothing any more. Most figures are zero.
    #[inline]
    pub(super) fn keeps_zero(&self, fold: Fold) -> bool {
        match fold {
            Fold::Sum(_) | Fold::Max => matches!(self, Self::Number(_)),
            Fold::Shared => matches!(self, Self::Number(_) | Self::Kept { .. }),
            Fold::Range => matches!(self, Self::Range(_)),
            _ => false,
        }
    }

    pub(super) fn number(&self) -> Option<u64> {
        match self {
            Self::Number(number) => Some(*number),
            _ => None,
        }
    }

    #[allow(clippy::cast_precision_loss, reason = "means of milliseconds are far below 2^52")]
    pub(super) fn add_mean(&mut self, value: u64, weight: u64) {
        let (total, weights) = match *self {
            Self::Mean { total, weights } => (total, weights),
            _ => (0.0, 0.0),
        };
        let weight = weight as f64;
        *self = Self::Mean { total: total + value as f64 * weight, weights: weights + weight };
    }

    /// Adds the counter of a row that is kept at a place. `place_of` finds the places of other rows.
    pub(super) fn add_kept(
        &mut self,
        value: u64,
        place: Kept<'_>,
        row: RowRef,
        place_of: impl Fn(RowRef) -> Kept<'a>,
    ) {
        let (separate, kept) = match *self {
            Self::Absent => (0, None),
            Self::Number(separate) => (separate, None),
            Self::Kept { separate, highest, first } => (separate, Some((highest, first))),
            _ => return *self = Self::Rows,
        };
        *self = match (place, kept) {
            (Kept::Separate, None) => Self::Number(separate.saturating_add(value)),
            (Kept::Separate, Some((highest, first))) => {
                Self::Kept { separate: separate.saturating_add(value), highest, first }
            }
            (Kept::Shared(..), None) => Self::Kept { separate, highest: value, first: row },
            (Kept::Shared(..), Some((highest, first))) if place_of(first) == place => {
                Self::Kept { separate, highest: highest.max(value), first }
            }
            _ => Self::Rows,
        };
    }

    pub(super) fn add_same(&mut self, cell: &'a [u8], row_ref: RowRef, times: u32) {
        *self = match *self {
            Self::Absent => Self::Same { cell, row: row_ref, processes: times },
            Self::Same { cell: first, row, processes } if is_same(first, cell) => {
                // The first row is found fastest.
                Self::Same { cell, row: row.min(row_ref), processes: processes + times }
            }
            _ => Self::Rows,
        };
    }

    pub(super) fn figure(self) -> Figure {
        match self {
            Self::Absent => Figure::Absent,
            Self::Number(number) => Figure::Number(number),
            Self::Kept { separate, highest, .. } => Figure::Number(separate.saturating_add(highest)),
            Self::Range(range) => Figure::Range(range),
            Self::Mean { total, weights } => Figure::Mean(total / weights),
            Self::Same { row, processes, .. } => Figure::Same { row, processes: processes.into() },
            Self::Rows => Figure::Rows,
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
