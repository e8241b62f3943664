//! The processes that have failed, each with its own pause.

use std::collections::{HashMap, HashSet};
use std::time::Duration;

use backon::{BackoffBuilder, ExponentialBuilder};
use tokio::time::Instant;

use super::outcome::Applied;
use crate::address::Address;
use crate::cluster::Outcomes;

/// The processes that have failed in their last attempt.
#[derive(Debug)]
pub(super) struct Failing {
    longest_pause: Duration,
    processes: HashMap<Address, Retry>,
    /// Set if the cluster lacks something that belongs to no process, such as a directory.
    missing: Option<Retry>,
}

/// The next attempt after failures.
#[derive(Debug)]
pub(super) struct Retry {
    pauses: <ExponentialBuilder as BackoffBuilder>::Backoff,
    due: Instant,
    /// True if an attempt is running.
    is_running: bool,
}

impl Retry {
    pub(super) fn new(longest_pause: Duration) -> Self {
        // The jitter can double a pause.
        let longest = longest_pause / 2;
        let growing =
            ExponentialBuilder::new().with_min_delay(FIRST_PAUSE.min(longest)).with_max_delay(longest);
        let pauses = growing.without_max_times().with_jitter().build();
        Self { pauses, due: Instant::now(), is_running: false }
    }

    /// Returns `true` if the pause is not over, or if an attempt is running.
    fn is_waiting(&self, now: Instant) -> bool {
        self.is_running || self.due > now
    }

    /// Notes a failure. Returns the pause that begins.
    pub(super) fn fail(&mut self) -> Duration {
        // Without a limit of their number, the pauses do not end.
        let pause = self.pauses.next().unwrap_or(FIRST_PAUSE);
        self.due = Instant::now() + pause;
        self.is_running = false;
        pause
    }
}

/// Pause after the first failure, without the jitter.
const FIRST_PAUSE: Duration = Duration::from_millis(500);

impl Failing {
    pub(super) fn new(longest_pause: Duration) -> Self {
        Self { longest_pause, processes: HashMap::new(), missing: None }
    }

    /// Returns `true` if no process has failed, and nothing is missing.
    pub(super) fn is_empty(&self) -> bool {
        self.processes.is_empty() && self.missing.is_none()
    }

    /// Forgets all failures.
    pub(super) fn clear(&mut self) {
        self.processes.clear();
        self.missing = None;
    }

    /// Forgets processes that have left the cluster.
    pub(super) fn retain(&mut self, is_member: impl Fn(&Address) -> bool) {
        self.processes.retain(|address, _| is_member(address));
    }

    /// Returns the processes, which a beat leaves out.
    pub(super) fn processes(&self) -> HashSet<Address> {
        self.processes.keys().cloned().collect()
    }

    /// Returns `true` if a beat leaves something out.
    pub(super) fn is_apart(&self) -> bool {
        !self.processes.is_empty()
            || self.missing.as_ref().is_some_and(|retry| retry.is_waiting(Instant::now()))
    }

    /// Returns the processes with a pause that is over, and takes note that an attempt with them is running.
    pub(super) fn begin(&mut self) -> Vec<Address> {
        // One moment, so that those with a common pause begin together.
        let now = Instant::now();
        let mut due = Vec::new();
        for (address, retry) in self.processes.iter_mut().filter(|(_, retry)| !retry.is_waiting(now)) {
            retry.is_running = true;
            due.push(address.clone());
        }
        due
    }

    /// Takes note that the attempts with these processes have ended.
    pub(super) fn end(&mut self, processes: &[Address]) {
        for address in processes {
            if let Some(retry) = self.processes.get_mut(address) {
                retry.is_running = false;
            }
        }
    }

    /// Returns the end of the shortest pause of a process.
    pub(super) fn next_due(&self) -> Option<Instant> {
        self.processes.values().filter(|retry| !retry.is_running).map(|retry| retry.due).min()
    }

    /// Takes note of an attempt without outcomes. Returns the shortest pause of those of its processes that had failed
    /// before.
    pub(super) fn fail(&mut self, processes: &[Address]) -> Option<Duration> {
        let pauses = processes.iter().filter_map(|address| Some(self.processes.get_mut(address)?.fail()));
        pauses.min()
    }

    /// Takes note of the outcomes of an attempt. Returns the shortest pause of the processes that have failed in it.
    ///
    /// With `together`, they have the longest of their pauses in common.
    pub(super) fn settle(
        &mut self,
        outcomes: &Outcomes<Applied>,
        is_whole: bool,
        together: bool,
    ) -> Option<Duration> {
        let (mut pauses, mut failed) = (Vec::new(), Vec::new());
        for outcome in outcomes {
            if outcome.error().is_some() {
                let retry = self.processes.entry(outcome.address().clone());
                pauses.push(retry.or_insert_with(|| Retry::new(self.longest_pause)).fail());
                failed.push(outcome.address());
            } else {
                self.processes.remove(outcome.address());
            }
        }
        if together {
            let longest = pauses.iter().max().copied();
            let due = failed.iter().filter_map(|address| Some(self.processes.get(*address)?.due)).max();
            for address in failed {
                if let (Some(retry), Some(due)) = (self.processes.get_mut(address), due) {
                    retry.due = due;
                }
            }
            pauses = longest.into_iter().collect();
        }
        if outcomes.missing().next().is_some() {
            let retry = self.missing.get_or_insert_with(|| Retry::new(self.longest_pause));
            pauses.push(retry.fail());
        } else if is_whole {
            self.missing = None;
        }
        pauses.into_iter().min()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cluster::Outcome;
    use crate::error::{Error, ErrorKind};

    fn outcomes(failed: &[&str], well: &[&str]) -> Outcomes<Applied> {
        let address = |name: &&str| Address::from(std::path::Path::new(name));
        let error = || Error::from_kind(ErrorKind::Timeout, "late");
        let failed = failed.iter().map(|name| Outcome::from_error(*name, address(name), error()));
        let well = well.iter().map(|name| Outcome::from_value(*name, address(name), Applied::default()));
        failed.chain(well).collect()
    }

    fn names(processes: impl IntoIterator<Item = Address>) -> Vec<String> {
        let mut names: Vec<_> = processes.into_iter().map(|address| address.to_string()).collect();
        names.sort();
        names
    }

    #[tokio::test(start_paused = true)]
    async fn each_process_has_its_own_pause() {
        let mut failing = Failing::new(Duration::from_secs(60));
        let mut last = Duration::ZERO;
        for _ in 0..5 {
            last = failing.settle(&outcomes(&["/a"], &["/b"]), true, false).unwrap();
            tokio::time::advance(last).await;
        }
        assert!(last > Duration::from_secs(4), "{last:?}");
        let first = failing.settle(&outcomes(&["/b"], &[]), false, false).unwrap();
        assert!(first <= Duration::from_secs(1), "{first:?}");
        assert_eq!(names(failing.processes()), ["/a", "/b"]);
        assert_eq!(names(failing.begin()), ["/a"]);
        // It is not begun again while the attempt is running.
        assert_eq!(names(failing.begin()), [""; 0]);
        tokio::time::advance(first).await;
        assert_eq!(names(failing.begin()), ["/b"]);
        assert_eq!(failing.settle(&outcomes(&[], &["/a", "/b"]), false, false), None);
        assert!(failing.is_empty());
    }

    #[tokio::test(start_paused = true)]
    async fn processes_that_failed_together_are_begun_together() {
        let mut failing = Failing::new(Duration::from_secs(60));
        let first = failing.settle(&outcomes(&["/a"], &[]), true, true).unwrap();
        tokio::time::advance(first).await;
        let common = failing.settle(&outcomes(&["/a", "/b", "/c"], &[]), true, true).unwrap();
        tokio::time::advance(common / 2).await;
        assert_eq!(names(failing.begin()), [""; 0]);
        tokio::time::advance(common.saturating_sub(common / 2)).await;
        assert_eq!(names(failing.begin()), ["/a", "/b", "/c"]);
    }

    #[tokio::test(start_paused = true)]
    async fn an_attempt_without_outcomes_begins_a_pause() {
        let mut failing = Failing::new(Duration::from_secs(60));
        let first = failing.settle(&outcomes(&["/a"], &[]), true, false).unwrap();
        tokio::time::advance(first).await;
        let due = failing.begin();
        failing.end(&due);
        let pause = failing.fail(&due).unwrap();
        assert_eq!(names(failing.begin()), [""; 0]);
        tokio::time::advance(pause).await;
        assert_eq!(names(failing.begin()), ["/a"]);
        assert_eq!(failing.fail(&[Address::from(std::path::Path::new("/left"))]), None);
    }
}
