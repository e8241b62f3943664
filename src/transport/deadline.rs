use std::future::Future;
use std::time::Duration;

use tokio::time::{self, Instant};

use super::Limits;
use crate::error::{Error, Problem, Result};

/// Limits of one command, and the moment when its time is up.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Deadline {
    limits: Limits,
    total: Instant,
}

/// Step of a command that can time out, with the words for the error.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Step {
    name: &'static str,
    /// Name of the thing that did not arrive within the limit of the step.
    piece: &'static str,
    /// Name of the thing that did not arrive within the limit of the whole command.
    whole: &'static str,
}

pub(super) const QUEUE: Step = Step::new("waiting for a turn", "free connection");
pub(super) const CONNECT: Step = Step::new("connecting", "connection");
pub(super) const SEND: Step = Step { name: "sending", piece: "byte taken", whole: "end of the command" };
pub(super) const RECEIVE: Step = Step { name: "receiving", piece: "byte", whole: "end of the reply" };

impl Step {
    pub(crate) const fn new(name: &'static str, what: &'static str) -> Self {
        Self { name, piece: what, whole: what }
    }
}

impl Deadline {
    /// Starts the time of a command now.
    pub(crate) fn new(limits: Limits) -> Self {
        Self::starting(Instant::now(), limits)
    }

    fn starting(now: Instant, limits: Limits) -> Self {
        Self { limits, total: after(now, limits.command_timeout) }
    }

    /// Returns a deadline after half of the remaining time, for a step that must leave time for
    /// the following steps.
    pub(crate) fn half(&self) -> Self {
        let now = Instant::now();
        let left = self.total.saturating_duration_since(now);
        Self::starting(now, self.limits.with_command_timeout(left / 2))
    }

    /// Returns a deadline after half of the remaining time, for work that is done in `rounds`,
    /// one after the other. The idle and connect limits are cut to the share of one round, so a
    /// silent peer uses up no more than one share.
    pub(crate) fn share(&self, rounds: usize) -> Self {
        let half = self.half();
        let share = half.limits.command_timeout / u32::try_from(rounds.max(1)).unwrap_or(u32::MAX);
        let limits = half.limits.with_idle_timeout(half.limits.idle_timeout.min(share));
        Self { limits: limits.with_connect_timeout(limits.connect_timeout.min(share)), ..half }
    }

    /// Returns the same deadline for a reply that may have this number of bytes, whatever the limit is.
    pub(crate) fn for_reply_of(&self, bytes: usize) -> Self {
        let bytes = bytes.max(self.limits.max_reply_size);
        Self { limits: self.limits.with_max_reply_size(bytes), ..*self }
    }

    /// Returns a deadline that is later by `time`.
    pub(super) fn later(&self, time: Duration) -> Self {
        Self { total: after(self.total, time), ..*self }
    }

    /// Returns `true` if the command's time is up.
    pub(super) fn is_over(&self) -> bool {
        Instant::now() >= self.total
    }

    pub(crate) fn limits(&self) -> &Limits {
        &self.limits
    }

    /// Waits for `work`, no longer than `limit` and no longer than the remaining time of the
    /// command.
    ///
    /// This method also compares the clock with the command's time, because the timer alone is
    /// not enough: a timer is not polled while `work` is ready at each poll, so a peer that sends
    /// without end would never time out.
    pub(crate) async fn timeout<T>(
        &self,
        step: Step,
        limit: Duration,
        work: impl Future<Output = T>,
    ) -> Result<T> {
        let now = Instant::now();
        if now >= self.total {
            return Err(self.passed(step));
        }
        let end = after(now, limit);
        if end < self.total {
            time::timeout_at(end, work).await.map_err(|_| timeout(step.name, step.piece, limit))
        } else {
            time::timeout_at(self.total, work).await.map_err(|_| self.passed(step))
        }
    }

    /// Returns an error if the command's time is up.
    pub(super) fn check(&self, step: Step) -> Result<()> {
        if self.is_over() { Err(self.passed(step)) } else { Ok(()) }
    }

    /// Sleeps for `pause`. Returns an error if the command's time is up before.
    pub(crate) async fn sleep(&self, step: Step, pause: Duration) -> Result<()> {
        let end = after(Instant::now(), pause);
        time::sleep_until(end.min(self.total)).await;
        if end < self.total { Ok(()) } else { Err(self.passed(step)) }
    }

    /// Returns the error of a step during which the command's time was up.
    pub(crate) fn passed(&self, step: Step) -> Error {
        timeout(step.name, step.whole, self.limits.command_timeout)
    }
}

fn timeout(step: &'static str, what: &'static str, limit: Duration) -> Error {
    Error::new(Problem::Timeout { step, what, limit })
}

/// Returns `start` plus `limit`, or `start` plus [`NEVER`] if the clock cannot hold the sum.
fn after(start: Instant, limit: Duration) -> Instant {
    start.checked_add(limit).unwrap_or_else(|| start + NEVER)
}

const NEVER: Duration = Duration::from_secs(30 * 365 * 86_400);

#[cfg(test)]
mod tests {
    use std::future;

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn the_limit_of_the_step_is_named_when_it_is_the_shorter_one() {
        let deadline = Deadline::new(Limits::new());
        let error =
            deadline.timeout(RECEIVE, Duration::from_secs(5), future::pending::<()>()).await.unwrap_err();
        assert_eq!(error.to_string(), "receiving: no byte within 5s");
    }

    #[tokio::test(start_paused = true)]
    async fn the_limit_of_the_command_is_named_when_it_is_the_shorter_one() {
        let deadline = Deadline::new(Limits::new());
        let error =
            deadline.timeout(RECEIVE, Duration::from_secs(11), future::pending::<()>()).await.unwrap_err();
        assert_eq!(error.to_string(), "receiving: no end of the reply within 10s");
    }

    #[tokio::test(start_paused = true)]
    async fn work_that_is_always_ready_still_ends_with_the_command() {
        let deadline = Deadline::new(Limits::new());
        time::advance(Duration::from_secs(10)).await;
        let error = deadline.timeout(RECEIVE, Duration::from_secs(5), future::ready(())).await.unwrap_err();
        assert_eq!(error.to_string(), "receiving: no end of the reply within 10s");
    }

    #[tokio::test(start_paused = true)]
    async fn limits_beyond_the_clock_are_no_limits() {
        let limits = Limits::new().with_command_timeout(Duration::MAX);
        let deadline = Deadline::new(limits);
        assert!(deadline.timeout(CONNECT, Duration::MAX, future::ready(())).await.is_ok());
    }
}
