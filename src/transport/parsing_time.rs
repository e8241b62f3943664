use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use tokio::runtime::Handle;

/// Time that this program has spent on the replies of all processes of a cluster, in nanoseconds.
///
/// A process cannot send while its reply is not read. On a machine that is busy with the replies of many
/// processes, this time is therefore not counted against the process.
#[derive(Debug, Default)]
pub(super) struct ParsingTime(AtomicU64);

/// The part of an exchange that this program has spent on replies.
pub(super) struct Spent<'a> {
    /// Time of all exchanges of the cluster, and its value when the exchange began.
    all: Option<(&'a ParsingTime, u64)>,
    own: Duration,
}

impl<'a> Spent<'a> {
    pub(super) fn new(all: Option<&'a ParsingTime>) -> Self {
        Self { all: all.map(|all| (all, all.0.load(Ordering::Relaxed))), own: Duration::ZERO }
    }

    /// Does work on a reply, and counts its time.
    pub(super) fn count<T>(&mut self, work: impl FnOnce() -> T) -> T {
        let start = Instant::now();
        let result = work();
        let time = start.elapsed();
        self.own += time;
        if let Some((all, _)) = self.all {
            let time = u64::try_from(time.as_nanos()).unwrap_or(u64::MAX);
            all.0.fetch_add(time, Ordering::Relaxed);
        }
        result
    }

    /// Returns the time since the beginning of the exchange in which the reply could not be read: the own time,
    /// or the time of all exchanges divided by the threads of the runtime, whichever is longer.
    pub(super) fn time(&self) -> Duration {
        let Some((all, before)) = self.all else { return self.own };
        let nanos = all.0.load(Ordering::Relaxed).wrapping_sub(before);
        let threads = Handle::try_current().map_or(1, |runtime| runtime.metrics().num_workers());
        let threads = u64::try_from(threads).unwrap_or(u64::MAX).max(1);
        self.own.max(Duration::from_nanos(nanos / threads))
    }
}

#[cfg(test)]
mod tests {
    use std::thread::sleep;

    use super::*;

    #[tokio::test]
    async fn the_time_of_other_exchanges_counts_too() {
        let all = ParsingTime::default();
        let (mut one, mut other) = (Spent::new(Some(&all)), Spent::new(Some(&all)));
        let pause = Duration::from_millis(3);
        assert_eq!(one.count(|| 1), 1);
        other.count(|| sleep(pause));
        assert!(one.own < other.own && one.time() >= pause && other.time() >= pause);
        assert_eq!(Spent::new(Some(&all)).time(), Duration::ZERO);
    }

    #[test]
    fn a_socket_of_its_own_counts_its_own_time() {
        let mut alone = Spent::new(None);
        alone.count(|| sleep(Duration::from_millis(3)));
        assert!(alone.time() >= Duration::from_millis(3));
    }
}
