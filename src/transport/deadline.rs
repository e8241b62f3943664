use std::future::Future;
use std::time::Duration;

use tokio::time::{self, Instant};

use super::Limits;
use crate::error::{Error, Problem, Result};

/// The limits of one command, and the moment its time is up.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Deadline {
    limits: Limits,
    total: Instant,
}

/// What a command waits for, in the words of the error when it waits too long.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Step {
    name: &'static str,
    /// What did not come within the limit of the step.
    piece: &'static str,
    /// What did not come within the limit of the whole command.
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
    /// Counts from now.
    pub(crate) fn new(limits: Limits) -> Self {
        Self { limits, total: after(Instant::now(), limits.command_timeout) }
    }

    /// Half of the time that is left, for a step that must leave time to others.
    pub(crate) fn half(&self) -> Self {
        let left = self.total.saturating_duration_since(Instant::now());
        Self::new(self.limits.with_command_timeout(left / 2))
    }

    /// Half of the time that is left, in which work is done in `rounds`, one behind the
    /// other: a silent peer gets no more than its share of it.
    pub(crate) fn share(&self, rounds: usize) -> Self {
        let half = self.half();
        let share = half.limits.command_timeout / u32::try_from(rounds.max(1)).unwrap_or(u32::MAX);
        let limits = half.limits.with_idle_timeout(half.limits.idle_timeout.min(share));
        Self { limits: limits.with_connect_timeout(limits.connect_timeout.min(share)), ..half }
    }

    pub(crate) fn limits(&self) -> &Limits {
        &self.limits
    }

    /// Waits for `work`, no longer than `limit` and no longer than the command
    /// may take.
    ///
    /// The command's time is looked at here and not left to the timer alone: a
    /// timer is not asked while `work` is ready each time, and a peer that sends
    /// without end would never meet it.
    pub(crate) async fn timeout<T>(
        &self,
        step: Step,
        limit: Duration,
        work: impl Future<Output = T>,
    ) -> Result<T> {
        self.check(step)?;
        let end = after(Instant::now(), limit);
        if end < self.total {
            time::timeout_at(end, work).await.map_err(|_| timeout(step.name, step.piece, limit))
        } else {
            time::timeout_at(self.total, work).await.map_err(|_| self.passed(step))
        }
    }

    /// An error if the command's time is up.
    pub(super) fn check(&self, step: Step) -> Result<()> {
        if Instant::now() >= self.total { Err(self.passed(step)) } else { Ok(()) }
    }

    /// Sleeps for `pause`, or until the command's time is up, which is an error.
    pub(crate) async fn sleep(&self, step: Step, pause: Duration) -> Result<()> {
        let end = after(Instant::now(), pause);
        time::sleep_until(end.min(self.total)).await;
        if end < self.total { Ok(()) } else { Err(self.passed(step)) }
    }

    /// The error for a step that the command's time was too short for.
    pub(crate) fn passed(&self, step: Step) -> Error {
        timeout(step.name, step.whole, self.limits.command_timeout)
    }
}

fn timeout(step: &'static str, what: &'static str, limit: Duration) -> Error {
    Error::new(Problem::Timeout { step, what, limit })
}

/// `start` plus `limit`; a sum the clock cannot hold is as good as never.
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
