//! The merge of some objects, some rows of each process at a time.

use std::ops::Range;

use super::adding::Adding;
use super::merged::Figure;
use super::plan::Plans;
use super::sum::Sum;
use crate::snapshot::index::{Index, RowRef};
use crate::snapshot::process::Process;

/// Bytes of accumulators that stay in the cache of the processor while rows are merged.
const CACHE: usize = 56 << 10;

/// Most rows of a process that are merged before those of the next one.
const MOST_ROWS_AT_ONCE: usize = 32;

/// A merge of some columns of some objects.
struct Part<'a, 'b> {
    processes: &'a [Process],
    plans: &'b Plans,
    /// The accumulators of all columns, object by object.
    sums: Vec<Sum<'a>>,
    /// For each block of cells of each object: what the first row has there.
    repeated: Vec<Option<Repeated<'a>>>,
    /// For each object, `true` if a process that is not stopping has it.
    is_current: Vec<bool>,
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

/// Returns the figures of the columns, object by object.
pub(super) fn of_objects(
    index: &Index,
    processes: &[Process],
    plans: &Plans,
    objects: Range<usize>,
) -> Vec<Figure> {
    // For each list of rows, the rows of these objects, and the position of the object among them.
    let rows_of_list = |list: &[u32]| -> Vec<(u32, u32)> {
        let own = (0u32..).zip(list).filter_map(|(row, object)| {
            let position = (*object as usize).checked_sub(objects.start)?;
            Some((row, u32::try_from(position).ok().filter(|_| position < objects.len())?))
        });
        own.collect()
    };
    let rows: Vec<_> = index.objects_of_lists().map(rows_of_list).collect();
    let most = rows.iter().map(Vec::len).max().unwrap_or(0);
    let mut part = Part::new(processes, plans, objects.len());
    // The rows of some objects, of one process after the other, so that their accumulators stay in the cache.
    let at_once = (CACHE / (size_of::<Sum<'_>>() * plans.columns.max(1))).clamp(1, MOST_ROWS_AT_ONCE);
    // The processes that are stopping come last: they have a say only about objects that no other process has.
    for is_stopping in [false, true] {
        for start in (0..most).step_by(at_once) {
            for (process, one) in (0u32..).zip(processes) {
                if one.is_stopping() == is_stopping {
                    let list = index.list_of(process).and_then(|list| rows.get(list as usize));
                    let rows = list.and_then(|rows| rows.get(start..rows.len().min(start + at_once)));
                    part.add(process, one, rows.unwrap_or_default());
                }
            }
        }
    }
    part.figures()
}

/// Returns the figures of the columns of one object.
pub(super) fn of_object(index: &Index, processes: &[Process], plans: &Plans, object: u32) -> Vec<Figure> {
    let mut part = Part::new(processes, plans, 1);
    for is_stopping in [false, true] {
        for RowRef { process, row } in index.row_refs(object) {
            if let Some(one) = processes.get(process as usize).filter(|one| one.is_stopping() == is_stopping)
            {
                part.add(process, one, &[(row, 0)]);
            }
        }
    }
    part.figures()
}

impl<'a, 'b> Part<'a, 'b> {
    /// Begins a merge of this number of objects.
    fn new(processes: &'a [Process], plans: &'b Plans, objects: usize) -> Self {
        Self {
            processes,
            plans,
            sums: vec![Sum::Absent; objects * plans.columns],
            repeated: vec![None; objects * plans.blocks],
            is_current: vec![false; objects],
        }
    }

    /// Adds some rows of a process, each to the object at a position. Rows of processes that are stopping come last.
    fn add(&mut self, process: u32, one: &'a Process, rows: &[(u32, u32)]) {
        let (Some(stat), Some((plan_number, plan))) = (one.stat(), self.plans.of(process)) else { return };
        for (row, object) in rows.iter().map(|(row, object)| (*row, *object as usize)) {
            let (Some(cells), Some(is_current), Some(sums), Some(repeated)) = (
                stat.row(row as usize),
                self.is_current.get_mut(object),
                values_of(&mut self.sums, object, self.plans.columns),
                values_of(&mut self.repeated, object, self.plans.blocks),
            ) else {
                continue;
            };
            *is_current |= !one.is_stopping();
            let blocks = plan.blocks(cells.kind());
            let row_ref = RowRef { process, row };
            let has_say = !one.is_stopping() || !*is_current;
            let hides = plan.hides;
            let processes = self.processes;
            let mut adding =
                Adding { processes, sums, has_say, hides, row_ref, times: 1, row: &cells, weight: None };
            let mut found = cells.found_cells();
            for (block, repeated) in blocks.iter().zip(repeated) {
                if block.is_renewable && cells.is_renewed() {
                    adding.add_newer(block);
                    continue;
                }
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

    /// Ends the merge, and returns the figures object by object.
    fn figures(mut self) -> Vec<Figure> {
        self.add_repeated();
        self.sums.into_iter().map(Sum::figure).collect()
    }

    /// Adds the blocks of cells that were only counted so far.
    fn add_repeated(&mut self) {
        let Self { processes, plans, sums, repeated, .. } = self;
        let objects =
            sums.chunks_exact_mut(plans.columns.max(1)).zip(repeated.chunks_exact(plans.blocks.max(1)));
        for (sums, repeated) in objects {
            for (at, repeated) in repeated.iter().enumerate() {
                let Some(Repeated { plan, row_ref, times, .. }) = *repeated else { continue };
                let stat = processes.get(row_ref.process as usize).and_then(Process::stat);
                let row = stat.and_then(|stat| stat.row(row_ref.row as usize));
                let (Some(row), Some(plan)) = (row, plans.get(plan)) else { continue };
                let hides = plan.hides;
                let mut adding =
                    Adding { processes, sums, has_say: true, hides, row_ref, times, row: &row, weight: None };
                if let Some(block) = plan.blocks(row.kind()).get(at) {
                    adding.add_block(block, &mut row.found_cells());
                }
            }
        }
    }
}

/// Returns the values of an object.
fn values_of<T>(all: &mut [T], object: usize, of_each: usize) -> Option<&mut [T]> {
    let first = object.checked_mul(of_each)?;
    all.get_mut(first..first + of_each)
}
