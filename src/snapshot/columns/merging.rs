use super::merged::Merged;
use super::part::Part;
use super::plan::Plans;
use crate::field::Col;
use crate::snapshot::index::Index;
use crate::snapshot::process::Process;

/// Merges columns of all objects.
pub(super) fn merged(index: &Index, processes: &[Process], columns: &[Col]) -> Merged {
    let plans = Plans::new(processes, columns);
    let figures = Part::new(index, processes, &plans, 0..index.len()).run();
    Merged { columns: columns.len(), figures: figures.into() }
}
