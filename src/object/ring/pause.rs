//! Pauses before the stream connects to a process again.

use std::time::Duration;

use tokio::time::sleep;

/// The pause before the next attempt. Each pause is twice as long as the one before, up to a bound.
pub(super) struct Pause(Duration);

impl Pause {
    const SHORTEST: Duration = Duration::from_millis(50);
    pub(super) const LONGEST: Duration = Duration::from_secs(10);

    pub(super) fn new() -> Self {
        Self(Self::SHORTEST)
    }

    /// Makes the next pause the shortest one.
    pub(super) fn reset(&mut self) {
        *self = Self::new();
    }

    pub(super) async fn wait(&mut self) {
        sleep(self.next()).await;
    }

    fn next(&mut self) -> Duration {
        let pause = self.0;
        self.0 = (pause * 2).min(Self::LONGEST);
        pause
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_grow_up_to_a_bound_until_they_are_reset() {
        let mut pause = Pause::new();
        let pauses: Vec<_> = (0..10).map(|_| pause.next().as_millis()).collect();
        assert_eq!(pauses, [50, 100, 200, 400, 800, 1600, 3200, 6400, 10_000, 10_000]);
        pause.reset();
        assert_eq!(pause.next(), Pause::SHORTEST);
    }
}
