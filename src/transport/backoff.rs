use std::time::Duration;

use backon::{BackoffBuilder, ExponentialBuilder};

/// Pauses between attempts to use a busy resource.
///
/// Each pause is about twice as long as the previous pause, from 1 ms up to 50 ms. A random part
/// keeps callers of the same busy socket from trying again at the same moment.
#[derive(Debug)]
pub(super) struct Backoff(<ExponentialBuilder as BackoffBuilder>::Backoff);

impl Backoff {
    pub(super) fn new() -> Self {
        let growing = ExponentialBuilder::new().with_min_delay(SHORTEST).with_max_delay(LONGEST / 2);
        // The jitter can double a pause.
        Self(growing.without_max_times().with_jitter().build())
    }

    /// Returns the next pause.
    pub(super) fn pause(&mut self) -> Duration {
        self.0.next().unwrap_or(LONGEST)
    }
}

const SHORTEST: Duration = Duration::from_millis(1);
const LONGEST: Duration = Duration::from_millis(50);

#[cfg(test)]
mod tests {
    use super::*;

    fn pauses(count: usize) -> Vec<Duration> {
        let mut backoff = Backoff::new();
        (0..count).map(|_| backoff.pause()).collect()
    }

    #[test]
    fn two_waits_do_not_pause_alike() {
        let (one, other) = (pauses(20), pauses(20));
        let alike = one.iter().zip(&other).filter(|(one, other)| one == other).count();
        assert!(alike < 5, "{one:?}\n{other:?}");
    }

    #[test]
    fn pauses_grow_and_stay_within_bounds() {
        for _ in 0..100 {
            let pauses = pauses(1000);
            assert!(pauses.iter().all(|pause| (SHORTEST..=LONGEST).contains(pause)), "{pauses:?}");
            assert!(pauses[0] < SHORTEST * 2, "{:?}", pauses[0]);
            assert!(pauses[10..].iter().all(|pause| *pause >= LONGEST / 2), "{pauses:?}");
        }
    }
}
