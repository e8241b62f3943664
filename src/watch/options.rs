use std::time::Duration;

use crate::error::{Error, Result};

/// Options of a [`Watch`](crate::watch::Watch): its beats, and the ring that it follows.
///
/// # Example
///
/// ```
/// use std::time::Duration;
/// use haproxyadmin::watch::WatchOptions;
///
/// let options = WatchOptions::new().every(Duration::from_millis(500)).without_figures().ring("states");
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
#[must_use]
pub struct WatchOptions {
    pub(super) every: Duration,
    pub(super) figures_every: Option<Duration>,
    pub(super) counters_every: Option<Duration>,
    pub(super) jitter: Option<Duration>,
    pub(super) ring: Option<Box<str>>,
    pub(super) capacity: usize,
}

/// Shortest and longest beat.
const SHORTEST: Duration = Duration::from_millis(10);
const LONGEST: Duration = Duration::from_secs(24 * 60 * 60);

/// Highest number of events that wait for a reader.
const MOST: usize = 1 << 16;

impl WatchOptions {
    /// Returns the default options, which the methods state.
    pub fn new() -> Self {
        Self {
            every: Duration::from_secs(1),
            figures_every: Some(Duration::from_secs(10)),
            counters_every: None,
            jitter: None,
            ring: None,
            capacity: 4096,
        }
    }

    /// Sets the beat at which the states of all processes and servers are read
    /// (`show info;show servers state`): from 10 ms to 24 h. Default: 1 s.
    ///
    /// Beats have no drift: the times of all beats are multiples of this after the first one. If the
    /// program is busy for longer than a beat, the beats of this time are left out.
    #[doc(alias = "interval")]
    pub fn every(mut self, beat: Duration) -> Self {
        self.every = beat;
        self
    }

    /// Sets the beat at which a whole snapshot is read: from 10 ms to 24 h. Default: 10 s.
    pub fn figures_every(mut self, beat: Duration) -> Self {
        self.figures_every = Some(beat);
        self
    }

    /// Sets the beat at which the counters of the figures are read anew from the `shm-stats-file` of each
    /// process that has one on this host: from 10 ms to 24 h. Default: never.
    ///
    /// This costs HAProxy nothing ([`Snapshot::with_counters_from_files`](crate::Snapshot::with_counters_from_files)),
    /// so the beat can be much faster than that of the [figures](Self::figures_every), which are otherwise
    /// those of the last whole snapshot. If the counters of a process do not belong to its rows any more,
    /// because it was restarted for example, a whole snapshot is read at once, at most one a second.
    /// [`Process::counter_source`](crate::Process::counter_source) and
    /// [`Process::counters_read_at`](crate::Process::counters_read_at) tell the origin and the time of the
    /// counters of each process.
    #[doc(alias = "shm-stats-file")]
    pub fn counters_from_files(mut self, beat: Duration) -> Self {
        self.counters_every = Some(beat);
        self
    }

    /// Reads no snapshots.
    pub fn without_figures(mut self) -> Self {
        self.figures_every = None;
        self
    }

    /// Sets the longest random time by which the first beat is put off, at most 24 h. Default: one beat.
    ///
    /// Without it, many programs that were started at the same moment would ask all processes at the same
    /// moments.
    pub fn jitter(mut self, longest: Duration) -> Self {
        self.jitter = Some(longest);
        self
    }

    /// Follows a ring of each process (`show events RING -w -n`), which holds the log lines of its
    /// servers. Default: no ring.
    ///
    /// A line about a server, such as `Server app/web1 is DOWN, reason: ...`, makes the watch read its
    /// process at once, and the event has HAProxy's words. The configuration of HAProxy must have the
    /// ring, and the backends must log into it:
    ///
    /// ```text
    /// ring states
    ///     format raw
    ///     maxlen 1024
    ///     size 65536
    /// defaults
    ///     log ring@states format raw local0 notice
    /// ```
    ///
    /// The level `notice` keeps the lines of requests out of the ring. The stats socket needs level
    /// operator. [`EventStream`](crate::ring::EventStream) describes the cost: one connection to each
    /// process, all the time. If the ring of a process cannot be followed, this is told
    /// ([`Event::RingFailed`](crate::watch::Event::RingFailed)), and its states are read at the beats alone. This includes all
    /// processes behind a [master](crate::ClusterBuilder::master).
    #[doc(alias = "show events -w")]
    pub fn ring(mut self, name: impl Into<Box<str>>) -> Self {
        self.ring = Some(name.into());
        self
    }

    /// Sets the number of events that are kept for the slowest reader: from 1 to 65,536, rounded up to a
    /// power of two. Default: 4096.
    ///
    /// A reader that is further behind loses the oldest ones, and is told their number:
    /// [`Event::Missed`](crate::watch::Event::Missed).
    pub fn capacity(mut self, events: usize) -> Self {
        self.capacity = events;
        self
    }

    /// Checks the ranges.
    ///
    /// # Errors
    ///
    /// - `InvalidInput`
    pub(super) fn check(&self) -> Result<()> {
        let beats = [
            ("the beat", Some(self.every)),
            ("the beat of figures", self.figures_every),
            ("the beat of counters", self.counters_every),
        ];
        for (name, beat) in beats {
            if beat.is_some_and(|beat| !(SHORTEST..=LONGEST).contains(&beat)) {
                let text = format!("{name} is {:?}: expected 10 ms to 24 h", beat.unwrap_or_default());
                return Err(Error::invalid(text));
            }
        }
        if self.counters_every.is_some() && self.figures_every.is_none() {
            return Err(Error::invalid("counters from files need figures, and there are none"));
        }
        if self.jitter.is_some_and(|jitter| jitter > LONGEST) {
            let text = format!("the jitter is {:?}: expected 24 h at most", self.jitter.unwrap_or_default());
            return Err(Error::invalid(text));
        }
        if !(1..=MOST).contains(&self.capacity) {
            let text = format!("the capacity is {} events: expected 1 to 65536", self.capacity);
            return Err(Error::invalid(text));
        }
        Ok(())
    }
}

impl Default for WatchOptions {
    fn default() -> Self {
        Self::new()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn options_out_of_range_are_refused() {
        let options = WatchOptions::new;
        for (options, message) in [
            (options().every(Duration::ZERO), "the beat is 0ns: expected 10 ms to 24 h"),
            (options().every(LONGEST * 2), "the beat is 172800s: expected 10 ms to 24 h"),
            (options().figures_every(Duration::ZERO), "the beat of figures is 0ns: expected 10 ms to 24 h"),
            (
                options().counters_from_files(Duration::ZERO),
                "the beat of counters is 0ns: expected 10 ms to 24 h",
            ),
            (
                options().without_figures().counters_from_files(SHORTEST),
                "counters from files need figures, and there are none",
            ),
            (options().jitter(LONGEST * 2), "the jitter is 172800s: expected 24 h at most"),
            (options().capacity(0), "the capacity is 0 events: expected 1 to 65536"),
            (options().capacity(MOST + 1), "the capacity is 65537 events: expected 1 to 65536"),
        ] {
            assert_eq!(options.check().unwrap_err().to_string(), message);
        }
        assert!(options().every(SHORTEST).jitter(Duration::ZERO).capacity(1).check().is_ok());
    }
}
