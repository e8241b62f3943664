//! Comparison of two replies of each process.

mod pairing;
mod reset;
mod rows;

pub(super) use pairing::pairs;
pub(super) use reset::{Counters, info_increase};
pub(super) use rows::Rows;

use super::process::{ProcessDelta, Standing};
use crate::snapshot::Snapshot;
use pairing::Pair;
use reset::Fallen;

/// Compares the two replies of a process. Returns the pairs of its rows if it is counted.
pub(super) fn compare(
    pair: Pair,
    later: &Snapshot,
    earlier: &Snapshot,
    counters: &Counters,
) -> (ProcessDelta, Option<Rows>) {
    let later = pair.later.and_then(|at| later.processes().get(at));
    let earlier = pair.earlier.and_then(|at| earlier.processes().get(at));
    let mut process = ProcessDelta {
        standing: pair.standing,
        later: later.cloned(),
        earlier: earlier.cloned(),
        modules_cleared: false,
    };
    let (Some(later), Some(earlier), Standing::Counted) = (later, earlier, pair.standing) else {
        return (process, None);
    };
    let (Some(now), Some(then)) = (later.report(), earlier.report()) else { return (process, None) };
    let rows = Rows::new(&now.stat, &then.stat);
    let pairs = now.stat.rows().zip(&rows.earlier);
    let pairs = pairs.filter_map(|(row, earlier)| Some((row, then.stat.row((*earlier)? as usize)?)));
    let fallen = pairs.map(|(now, then)| counters.compare(now, then)).fold(Fallen::default(), Fallen::or);
    if fallen.own || reset::info_fell(&now.info, &then.info) {
        process.standing = Standing::Reset;
        return (process, None);
    }
    process.modules_cleared = fallen.modules;
    (process, Some(rows))
}
