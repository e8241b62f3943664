use crate::snapshot::count_range::CountRange;
use crate::snapshot::index::RowRef;

/// The figures of columns, object by object.
#[derive(Debug)]
pub(super) struct Merged {
    pub(super) columns: usize,
    pub(super) figures: Box<[Figure]>,
}

/// The merged figure of one column of one object.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(in crate::snapshot) enum Figure {
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

impl Merged {
    pub(super) fn figure(&self, object: u32, column: usize) -> Figure {
        let at = (object as usize).checked_mul(self.columns).and_then(|at| at.checked_add(column));
        at.and_then(|at| self.figures.get(at)).copied().unwrap_or(Figure::Rows)
    }
}
