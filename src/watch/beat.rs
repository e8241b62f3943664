//! Beats without drift.

use std::collections::hash_map::RandomState;
use std::hash::BuildHasher as _;
use std::time::Duration;

use tokio::time::{Instant, Interval, MissedTickBehavior, interval_at};

/// Returns a beat that begins after a random time of up to `jitter`. Beats that are late are left out, and
/// move no later one.
pub(super) fn beat(every: Duration, first: Duration, jitter: Duration) -> Interval {
    let mut beat = interval_at(Instant::now() + first + random(jitter), every);
    beat.set_missed_tick_behavior(MissedTickBehavior::Skip);
    beat
}

/// Returns a random time of up to `longest`.
fn random(longest: Duration) -> Duration {
    // Each state hashes with random keys, which the standard library gets from the system.
    let number = RandomState::new().hash_one(());
    longest.mul_f64(f64::from(u32::try_from(number >> 32).unwrap_or_default()) / f64::from(u32::MAX))
}

#[cfg(test)]
mod tests {
    use tokio::time::{advance, sleep};

    use super::*;

    #[test]
    fn random_times_differ_and_are_in_range() {
        let times: Vec<_> = (0..100).map(|_| random(Duration::from_secs(1))).collect();
        assert!(times.iter().all(|time| *time <= Duration::from_secs(1)));
        assert!(times.iter().any(|time| *time != times[0]));
        assert_eq!(random(Duration::ZERO), Duration::ZERO);
    }

    #[tokio::test(start_paused = true)]
    async fn late_beats_are_left_out_and_the_next_one_is_on_time() {
        let (start, every) = (Instant::now(), Duration::from_secs(1));
        let mut beat = beat(every, every, Duration::ZERO);
        beat.tick().await;
        assert_eq!(start.elapsed(), every);
        // Slow work does not move the next beat.
        sleep(Duration::from_millis(700)).await;
        beat.tick().await;
        assert_eq!(start.elapsed(), every * 2);
        advance(Duration::from_millis(3500)).await;
        beat.tick().await;
        assert_eq!(start.elapsed(), Duration::from_millis(5500));
        beat.tick().await;
        assert_eq!(start.elapsed(), every * 6);
    }
}
