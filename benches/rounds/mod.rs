//! Contenders that run in turns, and the ratios of their times.

mod drain;
mod figures;
mod options;
mod replay;
mod row;

pub(crate) use drain::{Drain, drain, exchange, keep};
pub(crate) use figures::{every_column, five_figures, grouped, list, one_figure, snapshot_and_list};
pub(crate) use options::Options;
pub(crate) use replay::{Replay, raise_limit, serve_if_asked};
pub(crate) use row::{Row, digits, heading};

use std::fmt;
use std::time::{Duration, Instant};

use haproxyadmin::Limits;
use rustix::time::{ClockId, clock_gettime};

/// The times of all contenders, in the order of the rounds.
pub(crate) struct Times(Vec<Vec<f64>>);

/// Runs each contender once without counting it, and then once in each round.
///
/// `run` gets the number of the contender and returns its time. It runs as a task of the runtime, as
/// the work of a service does, and not on the thread that waits for the runtime. A round begins with another
/// contender than the one before, and every second one goes backwards: each contender then follows
/// each of its neighbours, because a contender can leave memory and caches in a better or worse
/// state.
pub(crate) async fn rounds<F>(count: usize, contenders: usize, run: impl Fn(usize) -> F) -> Times
where
    F: Future<Output = f64> + Send + 'static,
{
    let mut times = vec![Vec::new(); contenders];
    for contender in 0..contenders {
        tokio::spawn(run(contender)).await.unwrap();
    }
    for round in 0..count {
        for turn in 0..contenders {
            let turn = if round % 2 == 0 { turn } else { contenders - 1 - turn };
            let contender = (round / 2 + turn) % contenders;
            times[contender].push(tokio::spawn(run(contender)).await.unwrap());
        }
    }
    Times(times)
}

impl Times {
    /// Returns the time of one contender divided by the time of another in the same round.
    pub(crate) fn ratio(&self, above: usize, below: usize) -> Spread {
        let pairs = self.0[above].iter().zip(&self.0[below]);
        Spread::of(pairs.map(|(above, below)| above / below).collect())
    }

    /// Returns the contender with the lowest median.
    pub(crate) fn fastest(&self, contenders: &[usize]) -> usize {
        let median = |contender: &usize| Spread::of(self.0[*contender].clone()).median;
        contenders.iter().copied().min_by(|one, other| median(one).total_cmp(&median(other))).unwrap()
    }

    /// Prints the times of a group in milliseconds, a line for each contender with a name.
    pub(crate) fn print(&self, names: &[&str]) {
        for (name, times) in names.iter().zip(&self.0).filter(|(name, _)| !name.is_empty()) {
            let times = Spread::of(times.iter().map(|seconds| seconds * 1e3).collect());
            println!("    {name}: {times} ms");
        }
    }
}

/// The median of some values, and the range without the lowest and the highest tenth.
#[derive(Clone, Copy)]
pub(crate) struct Spread {
    pub(crate) median: f64,
    low: f64,
    high: f64,
}

impl Spread {
    pub(crate) fn of(mut values: Vec<f64>) -> Self {
        values.sort_by(f64::total_cmp);
        let at = |percent: usize| values[(values.len() - 1) * percent / 100];
        Self { median: at(50), low: at(10), high: at(90) }
    }
}

impl fmt::Display for Spread {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let digits = match self.median {
            ..0.1 => 4,
            ..10.0 => 2,
            ..100.0 => 1,
            _ => 0,
        };
        write!(f, "{:.digits$} ({:.digits$}-{:.digits$})", self.median, self.low, self.high)
    }
}

/// Returns the seconds of `work`. Its result is dropped afterwards.
pub(crate) async fn seconds<T>(work: impl Future<Output = T>) -> f64 {
    let start = Instant::now();
    let result = work.await;
    let elapsed = start.elapsed();
    drop(result);
    elapsed.as_secs_f64()
}

/// Returns the CPU time of `work`, in seconds, which another program on the machine hardly changes. Its
/// result is dropped afterwards.
pub(crate) fn cpu_seconds<T>(work: impl FnOnce() -> T) -> f64 {
    let start = cpu();
    let result = work();
    let used = cpu() - start;
    drop(result);
    used
}

/// Returns the CPU time of this program so far, in seconds.
pub(crate) fn cpu() -> f64 {
    let time = clock_gettime(ClockId::ProcessCPUTime);
    time.tv_sec as f64 + time.tv_nsec as f64 / 1e9
}

/// Returns limits that a busy machine does not reach.
pub(crate) fn patient() -> Limits {
    let long = Duration::from_secs(300);
    Limits::new().with_connect_timeout(long).with_idle_timeout(long).with_command_timeout(long)
}
