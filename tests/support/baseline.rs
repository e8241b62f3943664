use std::{fs, future::poll_fn, pin::pin, task::Poll, thread, time::Duration};

use tokio::{runtime::Handle, task::spawn_blocking, time};

use super::{ask::LIMIT, until};

/// The number of tasks and of open descriptors of this program before calls that are dropped.
///
/// After each drop it waits until the program has no more of them: a task that is aborted ends when the runtime runs next, and
/// a reply that must not be cut is read to its end. The test must be the only one of its program, because other tests have
/// tasks and descriptors too.
#[derive(Debug, Clone, Copy)]
pub struct Baseline {
    tasks: usize,
    descriptors: usize,
}

impl Baseline {
    pub fn new() -> Self {
        Self { tasks: tasks(), descriptors: descriptors() }
    }

    /// Returns the number of descriptors that the program has beyond those of the beginning.
    pub fn descriptors_more(&self) -> usize {
        descriptors().saturating_sub(self.descriptors)
    }

    /// Waits until the program has no more tasks and descriptors than at the beginning. The limit is shorter than
    /// the life of a task that waits for a process that hangs, if the caller has set such limits.
    pub async fn assert_reached(&self, after: &str) {
        let is_reached = async || (tasks() <= self.tasks && descriptors() <= self.descriptors).then_some(());
        until(&format!("{after}: no task and no descriptor is left"), is_reached).await;
    }

    /// Polls a future of `call` not at all, another one once, and so on, and drops each, until one ends by itself. After
    /// each drop waits for the baseline, and runs `check` with the words that say what happened. Returns the number of polls
    /// and the output of the last future.
    pub async fn drop_at_every_poll<F: Future>(
        &self,
        name: &str,
        call: impl Fn() -> F,
        check: impl AsyncFn(&str),
    ) -> (usize, F::Output) {
        let mut polls = 0;
        loop {
            let after = format!("{name}, dropped after {polls} polls");
            let polled = time::timeout(LIMIT, poll_and_drop(polls, call())).await;
            let output = polled.unwrap_or_else(|_| panic!("{after}: no end"));
            self.assert_reached(&after).await;
            check(&after).await;
            if let Some(output) = output {
                return (polls, output);
            }
            polls += 1;
        }
    }

    /// Drops futures of `call` after random times up to `longest`; `below` returns a random number below another one.
    /// After each drop waits for the baseline, and after each third one runs `check`: a call meets another state if the
    /// call before it was dropped.
    pub async fn drop_at_random_times<F: Future>(
        &self,
        name: &str,
        drops: usize,
        (below, longest): (impl Fn(usize) -> usize, Duration),
        call: impl Fn() -> F,
        check: impl AsyncFn(&str),
    ) {
        for drop in 1..=drops {
            let time = longest * u32::try_from(below(1000)).unwrap() / 1000;
            let is_ended = run_and_drop(time, call()).await;
            let what = if is_ended { "ended before" } else { "dropped after" };
            let after = format!("{name}, {what} {time:?}, the {drop}th time");
            self.assert_reached(&after).await;
            if drop % 3 == 0 || drop == drops {
                check(&after).await;
            }
        }
    }
}

/// Polls a future `polls` times, and drops it. Returns its output if it is ready before.
async fn poll_and_drop<F: Future>(polls: usize, future: F) -> Option<F::Output> {
    let (mut future, mut left) = (pin!(future), polls);
    poll_fn(|context| {
        if left == 0 {
            return Poll::Ready(None);
        }
        left -= 1;
        match future.as_mut().poll(context) {
            Poll::Ready(output) => Poll::Ready(Some(output)),
            // Dropped at once, while the tasks that this poll has woken run.
            Poll::Pending if left == 0 => Poll::Ready(None),
            Poll::Pending => Poll::Pending,
        }
    })
    .await
}

/// Runs a future for a time, and drops it. Returns `true` if it has ended before. The time comes from a thread, because the
/// timers of the runtime count milliseconds, and a call may take less.
async fn run_and_drop(time: Duration, future: impl Future) -> bool {
    let alarm = spawn_blocking(move || thread::sleep(time));
    tokio::select! {
        _ = future => true,
        _ = alarm => false,
    }
}

fn tasks() -> usize {
    Handle::current().metrics().num_alive_tasks()
}

fn descriptors() -> usize {
    fs::read_dir("/proc/self/fd").unwrap().count()
}
