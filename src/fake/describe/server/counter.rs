use std::time::Duration;

use tokio::time::Instant;

use super::{Health, check};
use crate::Version;
use crate::show::stat::{CheckResult, CheckStatus};

/// The health of a server, which HAProxy counts as checks end one after the other.
#[derive(Debug, Clone)]
pub(in crate::fake) struct Counter {
    /// Time from the end of a check to the end of the next one.
    pub(in crate::fake) inter: Duration,
    /// Number of passed checks that makes a server up, and of failed ones that makes it down.
    rise: i64,
    fall: i64,
    /// Set if no check has ended at the start of the process.
    pub(in crate::fake) is_starting: bool,
    /// From 0 to `rise + fall - 1`.
    health: i64,
    operation: Operation,
    /// Result of the last check that ended.
    last: Option<Box<str>>,
    /// End of the next check; `None` while checks do not run.
    next: Option<Instant>,
    is_in_maintenance: bool,
    /// Set when the servers that track this one have been told of its health.
    is_told: bool,
    /// Number of failed checks that counted, and of changes to down.
    failed: u64,
    downs: u64,
    changed_at: Option<Instant>,
}

/// Operational state, as in `srv_op_state`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Operation {
    Running,
    Stopping,
    Stopped,
}

impl Counter {
    pub(in crate::fake) fn new(inter: Duration) -> Self {
        Self {
            inter,
            rise: RISE.into(),
            fall: FALL.into(),
            is_starting: false,
            health: 0,
            operation: Operation::Running,
            last: None,
            next: None,
            is_in_maintenance: false,
            is_told: false,
            failed: 0,
            downs: 0,
            changed_at: None,
        }
    }

    /// Begins at the start of a process, with the described result of the checks.
    pub(super) fn begin(&mut self, now: Instant, status: &str, is_in_maintenance: bool, version: &Version) {
        self.is_in_maintenance = is_in_maintenance;
        self.next = now.checked_add(self.inter);
        if !self.is_starting {
            self.last = Some(status.into());
        }
        (self.health, self.operation) = match Passed::read(status) {
            _ if is_in_maintenance => (0, Operation::Stopped),
            // Before 3.4, the first check that passes makes the server up.
            _ if self.is_starting => (if *version < (3, 4) { self.rise } else { 0 }, Operation::Running),
            None => (0, Operation::Stopped),
            Some(Passed::Fully) => (self.full(), Operation::Running),
            Some(Passed::Conditionally) => (self.full(), Operation::Stopping),
        };
    }

    /// Sets the numbers of checks that make the server up, and down.
    pub(super) fn set_numbers(&mut self, rise: u32, fall: u32) {
        (self.rise, self.fall) = (rise.into(), fall.into());
    }

    /// Ends the checks that are due. `status` is their result. Returns `true` if the health has changed,
    /// and the first time.
    pub(super) fn run(
        &mut self,
        now: Instant,
        status: &str,
        is_checked: bool,
        is_in_maintenance: bool,
    ) -> bool {
        let before = (self.health, self.operation);
        let is_first = !std::mem::replace(&mut self.is_told, true);
        if is_in_maintenance && !self.is_in_maintenance {
            self.health = 0;
            self.change(Operation::Stopped, now);
        } else if self.is_in_maintenance && !is_in_maintenance {
            self.health = self.rise;
            self.change(Operation::Running, now);
        }
        self.is_in_maintenance = is_in_maintenance;
        if !is_checked || is_in_maintenance {
            self.next = None;
        } else if self.next.is_none() {
            self.next = now.checked_add(self.inter);
        }
        while let Some(next) = self.next.filter(|next| *next <= now) {
            let last = (self.health, self.operation);
            self.end(status, next);
            // Further checks with the same result change nothing, so they are left out.
            let is_settled = last == (self.health, self.operation);
            let at = if is_settled { now - rest(now - next, self.inter) } else { next };
            self.next = at.checked_add(self.inter);
        }
        is_first || before != (self.health, self.operation)
    }

    /// Ends one check.
    fn end(&mut self, status: &str, at: Instant) {
        // To a server that is down, HAProxy takes 404 for a wrong status.
        let is_wrong = self.is_stopped() && Passed::read(status) == Some(Passed::Conditionally);
        let status = if is_wrong { "L7STS" } else { status };
        self.last = Some(status.into());
        let Some(passed) = Passed::read(status) else {
            if self.health > 0 {
                self.failed += 1;
                self.health = if self.health > self.rise { self.health - 1 } else { 0 };
            }
            if self.health == 0 {
                self.change(Operation::Stopped, at);
            }
            return;
        };
        self.health = if self.health + 1 < self.rise { self.health + 1 } else { self.full() };
        if self.health == self.full() {
            let is_full = passed == Passed::Fully;
            self.change(if is_full { Operation::Running } else { Operation::Stopping }, at);
        }
    }

    /// Takes over a state given by a command.
    pub(super) fn force(&mut self, health: Health, now: Instant) {
        let (health, operation) = match health {
            Health::Up => (self.full(), Operation::Running),
            Health::Stopping => (self.full(), Operation::Stopping),
            Health::Down => (0, Operation::Stopped),
            Health::AgentDown => (self.health, Operation::Stopped),
        };
        self.health = health;
        self.change(operation, now);
    }

    fn change(&mut self, operation: Operation, at: Instant) {
        if self.operation != operation {
            self.downs += u64::from(operation == Operation::Stopped);
            (self.operation, self.changed_at) = (operation, Some(at));
        }
    }

    /// Returns the highest health.
    fn full(&self) -> i64 {
        self.rise + self.fall - 1
    }

    /// Returns the status of the server, without regard to the administrative state.
    pub(super) fn status(&self) -> String {
        let word = match self.operation {
            Operation::Stopped if self.health == 0 => return "DOWN".to_owned(),
            Operation::Stopped => return format!("DOWN {}/{}", self.health, self.rise),
            Operation::Running => "UP",
            Operation::Stopping => "NOLB",
        };
        if self.health == self.full() {
            return word.to_owned();
        }
        format!("{word} {}/{}", self.health - self.rise + 1, self.fall)
    }

    pub(super) fn is_stopped(&self) -> bool {
        self.operation == Operation::Stopped
    }

    /// Returns the result of the last check.
    pub(super) fn last(&self) -> &str {
        self.last.as_deref().unwrap_or("INI")
    }

    pub(in crate::fake) fn health(&self) -> i64 {
        self.health
    }

    /// Returns the numbers of failed checks and of changes to down, since the start.
    pub(super) fn counts(&self) -> (u64, u64) {
        (self.failed, self.downs)
    }

    /// Returns the seconds since the last change of the operational state.
    pub(super) fn since_change(&self) -> Option<u64> {
        Some(self.changed_at?.elapsed().as_secs())
    }
}

/// Returns the remainder of a time divided by the time of a check.
fn rest(time: Duration, inter: Duration) -> Duration {
    let rest = time.as_nanos().checked_rem(inter.as_nanos()).unwrap_or_default();
    // The remainder of a time that is shorter than 584 years.
    u64::try_from(rest).map_or(time, Duration::from_nanos)
}

/// Time between two health checks, number of passed checks that makes a server up, and of failed checks
/// that makes it down, unless they are set.
pub(super) const INTER: Duration = Duration::from_secs(2);
pub(super) const RISE: u32 = 2;
pub(super) const FALL: u32 = 3;

/// A check that passed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Passed {
    Fully,
    /// The server takes no new clients.
    Conditionally,
}

impl Passed {
    fn read(status: &str) -> Option<Self> {
        match CheckStatus::parse(status).result {
            CheckResult::L7OkConditional => Some(Self::Conditionally),
            _ => check::passes(status).then_some(Self::Fully),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn counter(status: &str, version: &str, is_starting: bool) -> Counter {
        let mut counter = Counter::new(Duration::from_secs(2));
        counter.is_starting = is_starting;
        counter.begin(Instant::now(), status, false, &Version::parse(version));
        counter
    }

    /// Returns the statuses after checks with these results.
    fn after(mut counter: Counter, results: &[&str]) -> Vec<String> {
        let status = |result: &&str| {
            counter.run(counter.next.unwrap(), result, true, false);
            counter.status()
        };
        results.iter().map(status).collect()
    }

    #[test]
    fn checks_rise_and_fall() {
        let results = ["L4CON", "L4OK", "L4CON", "L4CON", "L4CON", "L4CON", "L4OK", "L4CON", "L4OK", "L4OK"];
        let statuses =
            ["UP 2/3", "UP", "UP 2/3", "UP 1/3", "DOWN", "DOWN", "DOWN 1/2", "DOWN", "DOWN 1/2", "UP"];
        assert_eq!(after(counter("L4OK", "3.2", false), &results), statuses);
        assert_eq!(
            after(counter("L7OK", "3.2", false), &["L7OKC", "L7STS", "L7OK"]),
            ["NOLB", "NOLB 2/3", "UP"]
        );
    }

    #[test]
    fn the_first_checks_after_a_start_decide() {
        for (version, start, passed) in [("3.2", "UP 1/3", "UP"), ("3.4", "UP -1/3", "UP 0/3")] {
            let counter = counter("L4OK", version, true);
            assert_eq!((&*counter.status(), counter.last()), (start, "INI"));
            assert_eq!(after(counter.clone(), &["L4OK", "L4OK"]), [passed, "UP"]);
            assert_eq!(after(counter.clone(), &["L4OK", "L4CON"])[1] == "DOWN", version == "3.4");
            assert_eq!(after(counter, &["L4CON"]), ["DOWN"]);
        }
    }

    #[test]
    fn checks_that_change_nothing_are_left_out() {
        let mut counter = counter("L4OK", "3.4", false);
        let next = counter.next.unwrap();
        let day = Duration::from_secs(86_400);
        counter.run(next + 1000 * day + Duration::from_secs(1), "L4CON", true, false);
        assert_eq!((counter.status(), counter.counts()), ("DOWN".to_owned(), (3, 1)));
        assert_eq!(counter.next, Some(next + 1000 * day + Duration::from_secs(2)));
    }

    #[test]
    fn checks_pause_in_maintenance() {
        let mut counter = counter("L4OK", "3.4", false);
        let (start, second) = (counter.next.unwrap(), Duration::from_secs(1));
        counter.run(start + second, "L4OK", true, true);
        counter.run(start + 60 * second, "L4OK", true, true);
        counter.run(start + 61 * second, "L4OK", true, false);
        assert_eq!((counter.status(), counter.counts()), ("UP 1/3".to_owned(), (0, 1)));
        assert!(!counter.run(start + 62 * second, "L4OK", true, false));
        assert!(counter.run(start + 63 * second, "L4OK", true, false));
        assert_eq!(counter.status(), "UP");
    }
}
