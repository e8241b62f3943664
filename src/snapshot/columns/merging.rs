use std::sync::OnceLock;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use tokio::runtime::{Handle, RuntimeFlavor};

use super::merged::Merged;
use super::part::of_objects;
use super::plan::Plans;
use crate::field::Col;
use crate::show::stat::StatTable;
use crate::snapshot::index::Index;
use crate::snapshot::process::Process;

/// Cells for which one more thread gains more than it takes to start it.
const CELLS_OF_A_THREAD: usize = 1 << 16;

/// Parts for each thread. Some objects take longer than others, and a thread that is done takes the next part.
const PARTS_OF_A_THREAD: usize = 4;

/// Merges columns of all objects, each thread those of some.
pub(super) fn merged(index: &Index, processes: &[Process], columns: &[Col]) -> Merged {
    let rows: usize = processes.iter().filter_map(Process::stat).map(StatTable::len).sum();
    let threads = workers().min(rows.saturating_mul(columns.len()) / CELLS_OF_A_THREAD).max(1);
    let plans = Plans::new(processes, columns);
    let parts = if threads == 1 { 1 } else { threads * PARTS_OF_A_THREAD };
    let of_part = index.len().div_ceil(parts);
    let figures = on_threads(threads, parts, |part| {
        let (first, end) = (part * of_part, (part + 1) * of_part);
        of_objects(index, processes, &plans, first.min(index.len())..end.min(index.len()))
    });
    Merged { columns: columns.len(), figures: figures.flatten().collect() }
}

/// Returns the number of threads that the runtime of the caller has for tasks.
fn workers() -> usize {
    match Handle::try_current() {
        Ok(runtime) if runtime.runtime_flavor() == RuntimeFlavor::MultiThread => {
            runtime.metrics().num_workers()
        }
        _ => 1,
    }
}

/// Does parts of some work on the thread of the caller and on others, which end before this function returns. Returns
/// the results in the order of the parts.
fn on_threads<T: Send + Sync>(
    threads: usize,
    parts: usize,
    work: impl Fn(usize) -> T + Sync,
) -> impl Iterator<Item = T> {
    let results: Vec<OnceLock<T>> = (0..parts).map(|_| OnceLock::new()).collect();
    let next = AtomicUsize::new(0);
    let work = || {
        loop {
            let part = next.fetch_add(1, Ordering::Relaxed);
            let Some(result) = results.get(part) else { break };
            // No other thread has this part.
            let _ = result.set(work(part));
        }
    };
    thread::scope(|scope| {
        for _ in 1..threads {
            // If the system has no thread left, the others do the work.
            let _ = thread::Builder::new().name("haproxy-merge".to_owned()).spawn_scoped(scope, work);
        }
        work();
    });
    results.into_iter().filter_map(OnceLock::into_inner)
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;
    use std::sync::{Barrier, Mutex};

    use super::*;

    #[test]
    fn every_part_is_done_once_and_in_order_whatever_the_number_of_threads() {
        for (threads, parts) in [(1, 0), (1, 1), (1, 7), (2, 7), (3, 1), (16, 64)] {
            let done = AtomicUsize::new(0);
            let results = on_threads(threads, parts, |part| {
                done.fetch_add(1, Ordering::Relaxed);
                part
            });
            assert!(results.eq(0..parts), "{threads} threads, {parts} parts");
            assert_eq!(done.into_inner(), parts, "{threads} threads, {parts} parts");
        }
    }

    #[test]
    fn several_threads_take_part() {
        let all_are_here = Barrier::new(4);
        let threads = Mutex::new(HashSet::new());
        let results = on_threads(4, 4, |_| {
            all_are_here.wait();
            threads.lock().unwrap().insert(thread::current().id());
        });
        assert_eq!(results.count(), 4);
        assert_eq!(threads.into_inner().unwrap().len(), 4);
    }

    #[tokio::test]
    async fn a_runtime_with_one_thread_gets_no_other() {
        assert_eq!(workers(), 1);
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 3)]
    async fn a_runtime_with_several_threads_gets_as_many() {
        assert_eq!(workers(), 3);
    }

    #[test]
    fn a_caller_without_a_runtime_gets_no_other_thread() {
        assert_eq!(workers(), 1);
    }
}
