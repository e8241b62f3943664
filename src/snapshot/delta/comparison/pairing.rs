//! Finds the processes of one snapshot in an earlier one.

use std::collections::HashMap;

use crate::address::Address;
use crate::snapshot::delta::process::Standing;
use crate::snapshot::{Identity, Process};

/// A process in the later snapshot, in the earlier one, or in both, by its position.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::snapshot::delta) struct Pair {
    pub(in crate::snapshot::delta) later: Option<usize>,
    pub(in crate::snapshot::delta) earlier: Option<usize>,
    pub(in crate::snapshot::delta) standing: Standing,
}

/// Pairs the processes of two snapshots: first those of the later one, in their order, then those
/// that only the earlier one has.
pub(in crate::snapshot::delta) fn pairs(later: &[Process], earlier: &[Process]) -> Vec<Pair> {
    let found = Found::new(later, earlier);
    let mut is_listed = vec![false; earlier.len()];
    let mut pairs = Vec::with_capacity(later.len());
    for (at, process) in later.iter().enumerate() {
        let pair = found.pair(at, process);
        if let Some(listed) = pair.earlier.and_then(|earlier| is_listed.get_mut(earlier)) {
            *listed = true;
        }
        pairs.push(pair);
    }
    for (at, process) in earlier.iter().enumerate() {
        // The later snapshot has a newer record of an address that failed before.
        let is_superseded = process.failure().is_some() && found.later_places.contains_key(&place(process));
        if !is_listed.get(at).copied().unwrap_or_default() && !is_superseded {
            let standing = if found.is_ambiguous(at) { Standing::Unidentified } else { Standing::Left };
            pairs.push(Pair { later: None, earlier: Some(at), standing });
        }
    }
    pairs
}

/// Where a process was read.
type Place<'a> = (&'a str, &'a Address);

fn place(process: &Process) -> Place<'_> {
    (process.host(), process.address())
}

/// The process of the earlier snapshot for each process of the later one.
struct Found<'a> {
    earlier: &'a [Process],
    earlier_places: HashMap<Place<'a>, usize>,
    later_places: HashMap<Place<'a>, usize>,
    /// For each later process: the earlier record of the same incarnation.
    same: Vec<Option<usize>>,
    /// For each earlier process: `true` if a later record is of the same incarnation.
    is_taken: Vec<bool>,
    /// For each later process: `true` if it is not known which earlier record is of the same
    /// incarnation.
    is_unsure: Vec<bool>,
    /// The same for each earlier process.
    is_unsure_earlier: Vec<bool>,
}

impl<'a> Found<'a> {
    fn new(later: &'a [Process], earlier: &'a [Process]) -> Self {
        let places = |processes: &'a [Process]| -> HashMap<Place<'a>, usize> {
            processes.iter().enumerate().map(|(at, process)| (place(process), at)).collect()
        };
        let mut found = Self {
            earlier,
            earlier_places: places(earlier),
            later_places: places(later),
            same: vec![None; later.len()],
            is_taken: vec![false; earlier.len()],
            is_unsure: vec![false; later.len()],
            is_unsure_earlier: vec![false; earlier.len()],
        };
        let incarnations = Incarnations::new(earlier);
        for (process, same) in later.iter().zip(&mut found.same) {
            let there = found.earlier_places.get(&place(process)).copied();
            *same = there.filter(|there| {
                let before = earlier.get(*there).is_some_and(|before| ran_before(process, before));
                before || incarnations.fits(*there, process)
            });
            if let Some(is_taken) = same.and_then(|there| found.is_taken.get_mut(there)) {
                *is_taken = true;
            }
        }
        found.find_moved(later, &incarnations);
        found
    }

    /// Finds processes that were read at another address before. The address of a worker behind a
    /// master changes when it becomes an old worker.
    fn find_moved(&mut self, later: &[Process], incarnations: &Incarnations<'_>) {
        let is_free = |at: &usize| !self.is_taken.get(*at).copied().unwrap_or(true);
        let mut wanted: HashMap<usize, usize> = HashMap::new();
        let candidates: Vec<Vec<usize>> = (later.iter().zip(&self.same))
            .map(|(process, same)| match same {
                Some(_) => Vec::new(),
                None => incarnations.of(process).filter(is_free).collect(),
            })
            .collect();
        for candidate in candidates.iter().flatten() {
            *wanted.entry(*candidate).or_default() += 1;
        }
        for (at, candidates) in candidates.iter().enumerate() {
            match candidates.as_slice() {
                [] => {}
                [one] if wanted.get(one) == Some(&1) => {
                    if let (Some(same), Some(is_taken)) = (self.same.get_mut(at), self.is_taken.get_mut(*one))
                    {
                        (*same, *is_taken) = (Some(*one), true);
                    }
                }
                several => {
                    if let Some(unsure) = self.is_unsure.get_mut(at) {
                        *unsure = true;
                    }
                    for one in several {
                        if let Some(unsure) = self.is_unsure_earlier.get_mut(*one) {
                            *unsure = true;
                        }
                    }
                }
            }
        }
    }

    fn is_ambiguous(&self, earlier: usize) -> bool {
        self.is_unsure_earlier.get(earlier).copied().unwrap_or_default()
    }

    fn pair(&self, at: usize, process: &Process) -> Pair {
        let of = |earlier, standing| Pair { later: Some(at), earlier, standing };
        let there = self.earlier_places.get(&place(process)).copied();
        if process.failure().is_some() {
            // The process that was there may have been read at another address now.
            let is_elsewhere = |there: &usize| self.is_taken.get(*there).copied().unwrap_or_default();
            return of(there.filter(|there| !is_elsewhere(there)), Standing::Failed);
        }
        if let Some(same) = self.same.get(at).copied().flatten() {
            let standing = self.earlier.get(same).map_or(Standing::Counted, |before| order(process, before));
            return of(Some(same), standing);
        }
        let is_unsure = self.is_unsure.get(at).copied().unwrap_or_default();
        if is_unsure || Identity::of(&process.record).is_none() {
            return of(None, Standing::Unidentified);
        }
        let failed = there.filter(|there| {
            self.earlier.get(*there).is_some_and(|before| {
                before.failure().is_some() && !started_after(process, before.record.read_at)
            })
        });
        of(failed, if failed.is_some() { Standing::FailedBefore } else { Standing::New })
    }
}

/// Compares the times of two records of one process: those of the replies, and those of the counters
/// that were read from a file after the replies.
fn order(later: &Process, earlier: &Process) -> Standing {
    let (now, then) = (&later.record, &earlier.record);
    let replies = now.read_at.cmp(&then.read_at);
    let counters = now.counters_read_at().cmp(&then.counters_read_at());
    if replies.is_lt() || counters.is_lt() {
        Standing::Backwards
    } else if replies.is_eq() && counters.is_eq() {
        Standing::SameReply
    } else {
        Standing::Counted
    }
}

/// Returns `true` if the process certainly started after `time`, in microseconds since 1970.
fn started_after(process: &Process, time: u64) -> bool {
    let started = process.record.started_at();
    started.is_some_and(|seconds| seconds.saturating_sub(SLACK).saturating_mul(1_000_000) > time)
}

/// Seconds by which the start of a process may be later in its own report than by the clock of this
/// host: clocks of several hosts, and starts that are derived from the uptime.
const SLACK: u64 = 2;

/// The earlier processes by their incarnation.
struct Incarnations<'a> {
    earlier: &'a [Process],
    identities: Vec<Option<Identity>>,
    by_pid: HashMap<(&'a str, u64), Vec<usize>>,
}

impl<'a> Incarnations<'a> {
    fn new(earlier: &'a [Process]) -> Self {
        let identities: Vec<_> = earlier.iter().map(|process| Identity::of(&process.record)).collect();
        let mut by_pid: HashMap<_, Vec<usize>> = HashMap::new();
        for (at, (process, identity)) in earlier.iter().zip(&identities).enumerate() {
            if let Some(identity) = identity {
                by_pid.entry((process.host(), identity.pid())).or_default().push(at);
            }
        }
        Self { earlier, identities, by_pid }
    }

    /// Returns the earlier records that may be of the same incarnation.
    fn of<'b>(&'b self, process: &'b Process) -> impl Iterator<Item = usize> + use<'a, 'b> {
        let pid = process.pid().unwrap_or(0);
        let same_pid = self.by_pid.get(&(process.host(), pid)).map_or(&[][..], Vec::as_slice);
        same_pid.iter().copied().filter(|at| self.fits(*at, process))
    }

    /// Returns `true` if the record at `earlier` may be of the same incarnation as `later`.
    fn fits(&self, earlier: usize, later: &Process) -> bool {
        let (Some(Some(then)), Some(before)) = (self.identities.get(earlier), self.earlier.get(earlier))
        else {
            return false;
        };
        Identity::of(&later.record).is_some_and(|now| now.fits(then))
            && before.host() == later.host()
            && !is_younger(later, before)
    }
}

/// Returns `true` if the process that does not report its start has certainly run when `before` was
/// read with the same process id.
///
/// The uptime of HAProxy 2.2 does not grow while the process is stopped or suspended, so the start
/// that is derived from it moves.
fn ran_before(later: &Process, before: &Process) -> bool {
    let (Some(now), Some(then)) = (later.info(), before.info()) else { return false };
    let is_same = now.start_time_sec().is_none() && now.pid().is_some() && now.pid() == then.pid();
    let elapsed = later.record.read_at.saturating_sub(before.record.read_at) / 1_000_000;
    is_same && now.node() == then.node() && now.uptime_sec().is_some_and(|uptime| uptime > elapsed + SLACK)
}

/// Returns `true` if `later` has run for less time than `before` had when it was read earlier. In
/// a container, two processes that start within the same moment can have one process id.
fn is_younger(later: &Process, before: &Process) -> bool {
    let uptime = |process: &Process| process.info()?.uptime_sec();
    let (Some(now), Some(then)) = (uptime(later), uptime(before)) else { return false };
    later.record.read_at >= before.record.read_at && now < then
}
