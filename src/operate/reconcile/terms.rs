use std::time::Duration;

use crate::object::Removal;
use crate::operate::drain::Drain;

/// Terms on which a desired state is applied: [`Cluster::apply`](crate::Cluster::apply).
///
/// The budgets apply to each backend of each process by itself.
///
/// # Example
///
/// ```
/// use std::time::Duration;
/// use haproxyadmin::reconcile::Apply;
///
/// let terms = Apply::new()
///     .max_unavailable(2)
///     .min_healthy(3)
///     .drain_within(Duration::from_secs(60))
///     .or_force()
///     .up_within(Duration::from_secs(30));
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
#[must_use]
pub struct Apply {
    pub(super) max_unavailable: usize,
    pub(super) min_healthy: usize,
    pub(super) drain_within: Duration,
    pub(super) force: bool,
    pub(super) up_within: Duration,
}

impl Apply {
    /// Creates the default terms: one server of a backend leaves traffic at a time, while another one is up; its
    /// sessions may end within 30 s and are not ended by force; a server is up within 60 s.
    pub fn new() -> Self {
        Self {
            max_unavailable: 1,
            min_healthy: 1,
            drain_within: Duration::from_secs(30),
            force: false,
            up_within: Duration::from_secs(60),
        }
    }

    /// Sets the number of servers that may be unavailable at the same time: those that are leaving traffic, and those
    /// that stay in the backend and are not up. A server that is in maintenance or drain, and is not leaving, does not
    /// count. With 0, no server that takes traffic leaves it.
    pub fn max_unavailable(mut self, servers: usize) -> Self {
        self.max_unavailable = servers;
        self
    }

    /// Sets the number of other servers that must be [up](crate::wait::is_up), with a weight above 0, before a
    /// server leaves traffic.
    pub fn min_healthy(mut self, servers: usize) -> Self {
        self.min_healthy = servers;
        self
    }

    /// Sets the time in which the sessions of a server may end that is put into maintenance or deleted.
    pub fn drain_within(mut self, time: Duration) -> Self {
        self.drain_within = time;
        self
    }

    /// Ends the sessions that are left after this time: `shutdown sessions server B/S`. Clients see a cut
    /// connection or an error.
    pub fn or_force(mut self) -> Self {
        self.force = true;
        self
    }

    /// Sets the time in which the servers that should take traffic must be [up](crate::wait::is_up), and in which the
    /// budgets must permit that a server leaves it. With [`Duration::ZERO`], no server is waited for: maps change and
    /// servers leave although others are not up. The budgets are looked at once.
    pub fn up_within(mut self, time: Duration) -> Self {
        self.up_within = time;
        self
    }

    pub(super) fn drain(&self) -> Drain {
        let drain = Drain::within(self.drain_within);
        if self.force { drain.or_force() } else { drain }
    }

    pub(super) fn removal(&self) -> Removal {
        let removal = Removal::new().within(self.drain_within);
        if self.force { removal.force() } else { removal }
    }
}

impl Default for Apply {
    fn default() -> Self {
        Self::new()
    }
}

/// Terms of a loop that keeps a cluster in the desired state: [`Cluster::reconcile`](crate::Cluster::reconcile).
///
/// [`Apply`] becomes terms by itself.
///
/// # Example
///
/// ```
/// use std::time::Duration;
/// use haproxyadmin::reconcile::{Apply, Reconcile};
///
/// let terms = Reconcile::new(Apply::new()).every(Duration::from_secs(5));
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
#[must_use]
pub struct Reconcile {
    pub(super) apply: Apply,
    pub(super) every: Duration,
    pub(super) longest_pause: Duration,
}

impl Reconcile {
    /// Creates the default terms: the processes are compared every 10 s, and a process that fails is asked again after a
    /// pause of at most 60 s.
    pub fn new(apply: Apply) -> Self {
        Self { apply, every: Duration::from_secs(10), longest_pause: Duration::from_secs(60) }
    }

    /// Sets the time after which the processes are compared with the state again. A process that has restarted,
    /// reloaded or joined the cluster gets the state within this time; a process that failed before, when its pause is
    /// over. 10 ms is the shortest time, and a year the longest: any other time means the nearest of them.
    pub fn every(mut self, time: Duration) -> Self {
        self.every = time.clamp(SHORTEST, LONGEST);
        self
    }

    /// Sets the longest pause of a process that fails. The first pause is at most 1 s, each further one is about
    /// twice as long, and a random part is added. The limits are those of [`every`](Self::every).
    pub fn longest_pause(mut self, time: Duration) -> Self {
        self.longest_pause = time.clamp(SHORTEST, LONGEST);
        self
    }
}

/// Shortest time between two beats, and shortest pause.
const SHORTEST: Duration = Duration::from_millis(10);

/// Longest time, which a clock can add to any moment.
const LONGEST: Duration = Duration::from_secs(365 * 24 * 60 * 60);

impl Default for Reconcile {
    fn default() -> Self {
        Self::new(Apply::new())
    }
}

impl From<Apply> for Reconcile {
    fn from(apply: Apply) -> Self {
        Self::new(apply)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_loop_does_not_turn_without_a_pause_nor_wait_for_ever() {
        let terms = |time| Reconcile::default().every(time).longest_pause(time);
        assert_eq!(terms(Duration::ZERO), terms(Duration::from_millis(10)));
        assert_eq!(terms(Duration::MAX), terms(Duration::from_secs(31_536_000)));
        assert_ne!(terms(Duration::from_secs(1)), terms(Duration::from_secs(2)));
    }
}
