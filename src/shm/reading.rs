//! The bytes of a file at one moment.

use std::fs::File;
use std::io;
use std::time::{Duration, Instant, SystemTime};

use super::field::{self, DATA};
use super::file::{COUNTS, Layout, NOW_NS, SLOT, SLOTS, ShmFile, ShmFileError, Side, USERS};
use super::number::{i32_at, u32_at, u64_at};
use crate::error::{ErrorKind, Failure};

/// The contents of a `shm-stats-file` at one moment. No value is torn.
///
/// HAProxy writes while this crate reads, and a plain read can meet a number of which one half is
/// old and the other one new. Therefore all is read twice. The second read proves the first one, if
/// no counter fell in between, no upper half of a counter changed, and no period of a frequency
/// counter began. Objects that are not proved are read again, alone.
#[derive(Debug)]
pub(crate) struct Reading {
    bytes: Vec<u8>,
    layout: Layout,
    /// Time of the clock of the file at this moment, in nanoseconds.
    now: u64,
    /// The same moment by the clock of this host.
    pub(crate) time: SystemTime,
    pub(crate) clock: Clock,
}

/// A time of the clock of a file, and the moment at which the clock had at least this time.
///
/// The clock of a file stands while none of its processes is active. It is as fast as the clock of
/// this host, so its real time follows from the moment at which it was ahead the most.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Clock {
    at: Instant,
    /// Nanoseconds.
    time: u64,
}

/// A file that can be read from any offset.
pub(super) trait Bytes {
    fn read_at(&self, bytes: &mut [u8], offset: usize) -> io::Result<()>;
}

/// Number of further reads of an object that is not proved.
const TRIES: usize = 32;

/// Number of objects that are read at once for the proof.
const AT_ONCE: usize = 64;

impl Reading {
    /// Reads the file. `limit` is the greatest accepted length, and `clock` an earlier time of the
    /// clock of the same file.
    pub(super) fn take(file: &impl Bytes, limit: usize, clock: Option<Clock>) -> Result<Self, Failure> {
        let io = |error: io::Error| Failure::without_error(ErrorKind::Io, error.to_string());
        let mut header = vec![0; ShmFile::HEADER];
        file.read_at(&mut header, 0).map_err(io)?;
        let length = ShmFile::length(&header).map_err(|error| refused(&error))?;
        let layout = Layout::of(&header).map_err(|error| refused(&error))?;
        if length > limit {
            let text = format!("shm-stats-file is longer than the limit of {limit} bytes");
            return Err(Failure::without_error(ErrorKind::TooLarge, text));
        }
        let mut bytes = vec![0; length];
        file.read_at(&mut bytes, 0).map_err(io)?;
        // Objects that another process has added since are not in these bytes.
        if let (Some(counts), Some(read)) = (bytes.get_mut(COUNTS), header.get(COUNTS)) {
            counts.copy_from_slice(read);
        }
        let (at, time) = (Instant::now(), SystemTime::now());
        file.read_at(&mut header, 0).map_err(io)?;
        // A time that is torn is too high or too low by four seconds.
        let now =
            u64_at(&bytes, NOW_NS).zip(u64_at(&header, NOW_NS)).map_or(0, |(one, other)| one.min(other));
        let read = Clock { at, time: now };
        let clock = clock.map_or(read, |earlier| read.latest_of(earlier));
        let mut reading = Self { bytes, layout, now: clock.now(at), time, clock };
        reading.prove(file)?;
        Ok(reading)
    }

    fn prove(&mut self, file: &impl Bytes) -> Result<(), Failure> {
        let io = |error: io::Error| Failure::without_error(ErrorKind::Io, error.to_string());
        let layout = self.layout;
        let objects = self.bytes.get_mut(ShmFile::HEADER..).unwrap_or_default();
        let mut second = vec![0; AT_ONCE * layout.object];
        let mut offset = ShmFile::HEADER;
        for firsts in objects.chunks_mut(AT_ONCE * layout.object) {
            let second = second.get_mut(..firsts.len()).unwrap_or_default();
            file.read_at(second, offset).map_err(io)?;
            if firsts != second {
                let pairs =
                    firsts.chunks_exact_mut(layout.object).zip(second.chunks_exact_mut(layout.object));
                for (number, (first, second)) in pairs.enumerate() {
                    let mut tries = 0;
                    while !layout.is_proved(first, second) {
                        tries += 1;
                        if tries > TRIES {
                            let text = "the counters change too fast to be read from shm-stats-file";
                            return Err(Failure::without_error(ErrorKind::Other, text));
                        }
                        first.copy_from_slice(second);
                        file.read_at(second, offset + number * layout.object).map_err(io)?;
                    }
                }
            }
            offset += firsts.len();
        }
        Ok(())
    }

    /// Returns the slots and the objects.
    pub(crate) fn file(&self) -> Result<ShmFile, Failure> {
        ShmFile::parse(&self.bytes).map_err(|error| refused(&error))
    }

    /// Returns the time of the clock of the file at this moment, in nanoseconds.
    pub(super) fn now(&self) -> u64 {
        self.now
    }

    pub(super) fn layout(&self) -> Layout {
        self.layout
    }

    /// Returns the bytes of an object.
    pub(super) fn object(&self, index: usize) -> Option<&[u8]> {
        let start = index.checked_mul(self.layout.object)?.checked_add(ShmFile::HEADER)?;
        self.bytes.get(start..start.checked_add(self.layout.object)?)
    }

    fn objects(&self) -> impl Iterator<Item = &[u8]> {
        self.bytes.get(ShmFile::HEADER..).unwrap_or_default().chunks_exact(self.layout.object)
    }

    /// Returns `true` if the slot is that of the process.
    pub(super) fn is_slot_of(&self, slot: usize, pid: u64) -> bool {
        i32_at(&self.bytes, SLOTS + slot * SLOT).is_some_and(|found| u64::try_from(found) == Ok(pid))
    }

    /// Returns the time since the process of a slot last renewed its heartbeat.
    pub(super) fn heartbeat_age(&self, slot: usize) -> Option<Duration> {
        let until = u32_at(&self.bytes, SLOTS + slot * SLOT + 4).filter(|until| *until != 0)?;
        let age = field::milliseconds(self.now()).wrapping_sub(until.wrapping_sub(LIFETIME));
        // The clock may stand a little before the heartbeat.
        Some(Duration::from_millis(if age > u32::MAX / 2 { 0 } else { age.into() }))
    }

    /// Returns one bit for each slot with a process that may not use the same objects as at an earlier
    /// moment, or for which a counter fell: an object was added, given up or counts from 0.
    pub(super) fn changed_since(&self, earlier: &Self) -> u64 {
        if self.layout != earlier.layout {
            return u64::MAX;
        }
        let (mut now, mut then) = (self.objects(), earlier.objects());
        let mut changed = 0;
        loop {
            let (users, users_then, is_same) = match (now.next(), then.next()) {
                (None, None) => return changed,
                (Some(now), Some(then)) => (users(now), users(then), self.layout.continues(now, then)),
                (now, then) => (now.map_or(0, users), then.map_or(0, users), false),
            };
            changed |= users ^ users_then;
            if !is_same {
                changed |= users | users_then;
            }
        }
    }
}

/// Time for which HAProxy takes a process for alive after a heartbeat, in milliseconds.
const LIFETIME: u32 = 60_000;

impl Clock {
    /// Notes that the clock of a file has this time now.
    pub(crate) fn now_at(time: u64) -> Self {
        Self { at: Instant::now(), time }
    }

    fn now(self, at: Instant) -> u64 {
        let nanoseconds = |time: Duration| u64::try_from(time.as_nanos()).unwrap_or(u64::MAX);
        let after = nanoseconds(at.saturating_duration_since(self.at));
        let before = nanoseconds(self.at.saturating_duration_since(at));
        self.time.wrapping_add(after).wrapping_sub(before)
    }

    /// Returns the one of two times of a clock that is ahead.
    pub(super) fn latest_of(self, other: Self) -> Self {
        if other.now(self.at) > self.time { other } else { self }
    }
}

impl Layout {
    /// Returns `true` if the second read of an object proves that no value of the first one is torn.
    fn is_proved(self, first: &[u8], second: &[u8]) -> bool {
        if first == second {
            return true;
        }
        let Some(side) = self.same_object(first, second) else { return false };
        let halves = |one: u64, other: u64| one <= other && one >> 32 == other >> 32;
        let rate = |at: &usize| match (u32_at(first, DATA + at), u32_at(second, DATA + at)) {
            (Some(one), Some(other)) => one == other && one & 1 == 0,
            _ => false,
        };
        self.compare(side, first, second, halves) && field::rates(side).iter().all(rate)
    }

    /// Returns `true` if both are one object, and no counter fell.
    fn continues(self, now: &[u8], then: &[u8]) -> bool {
        now == then
            || self
                .same_object(now, then)
                .is_some_and(|side| self.compare(side, then, now, |then, now| then <= now))
    }

    /// Returns the side of an object, or `None` if these are two objects.
    fn same_object(self, one: &[u8], other: &[u8]) -> Option<Side> {
        if one.get(..USERS) != other.get(..USERS) {
            return None;
        }
        match one.get(self.side) {
            Some(0) => Some(Side::Front),
            Some(1) => Some(Side::Back),
            _ => None,
        }
    }

    fn compare(self, side: Side, one: &[u8], other: &[u8], is_right: impl Fn(u64, u64) -> bool) -> bool {
        let numbers = one.iter().skip(DATA).step_by(8).enumerate().map(|(number, _)| number * 8);
        let mut counters = numbers.filter(|at| field::is_counter(side, *at, self.hints));
        counters.all(|at| match (u64_at(one, DATA + at), u64_at(other, DATA + at)) {
            (Some(one), Some(other)) => is_right(one, other),
            _ => false,
        })
    }
}

fn users(object: &[u8]) -> u64 {
    u64_at(object, USERS).unwrap_or(0)
}

fn refused(error: &ShmFileError) -> Failure {
    let kind = match error {
        ShmFileError::Version(..) => ErrorKind::Unsupported,
        ShmFileError::Truncated { .. } => ErrorKind::Truncated,
        ShmFileError::Malformed(_) => ErrorKind::Malformed,
    };
    Failure::without_error(kind, error.to_string())
}

#[cfg(unix)]
impl Bytes for File {
    fn read_at(&self, bytes: &mut [u8], offset: usize) -> io::Result<()> {
        use std::os::unix::fs::FileExt as _;

        self.read_exact_at(bytes, offset as u64)
    }
}

#[cfg(not(unix))]
impl Bytes for File {
    fn read_at(&self, _: &mut [u8], _: usize) -> io::Result<()> {
        Err(io::ErrorKind::Unsupported.into())
    }
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;

    use super::*;

    const OBJECT: usize = 552;

    /// Builds a file of layout 1.2 with servers that have these sessions.
    fn file(sessions: &[u64]) -> Vec<u8> {
        let mut bytes = vec![0; ShmFile::HEADER];
        bytes[..2].copy_from_slice(&[1, 2]);
        let count = i32::try_from(sessions.len()).unwrap().to_le_bytes();
        bytes[536..544].copy_from_slice(&[count, count].concat());
        for sessions in sessions {
            let mut object = vec![0; OBJECT];
            (object[0], object[128], object[130], object[136]) = (b's', 1, 1, 1);
            object[DATA + 80..DATA + 88].copy_from_slice(&sessions.to_le_bytes());
            bytes.extend(object);
        }
        bytes
    }

    /// A file that is different in each read of its objects, up to the last of these states.
    struct Changing {
        states: Vec<Vec<u8>>,
        reads: Cell<usize>,
    }

    impl Changing {
        fn new(states: Vec<Vec<u8>>) -> Self {
            Self { states, reads: Cell::new(0) }
        }
    }

    impl Bytes for Changing {
        fn read_at(&self, bytes: &mut [u8], offset: usize) -> io::Result<()> {
            let state = &self.states[self.reads.get().min(self.states.len() - 1)];
            bytes.copy_from_slice(&state[offset..offset + bytes.len()]);
            if offset + bytes.len() > ShmFile::HEADER {
                self.reads.set(self.reads.get() + 1);
            }
            Ok(())
        }
    }

    fn sessions(states: &[&[u64]]) -> Result<Vec<u64>, Failure> {
        let file = Changing::new(states.iter().map(|sessions| file(sessions)).collect());
        let reading = Reading::take(&file, 1 << 20, None)?;
        Ok(reading.objects().map(|object| u64_at(object, DATA + 80).unwrap()).collect())
    }

    const HALF: u64 = 1 << 32;

    #[test]
    fn a_number_that_is_torn_is_not_believed() {
        assert_eq!(sessions(&[&[7, 9]]).unwrap(), [7, 9]);
        assert_eq!(sessions(&[&[7, 9], &[8, 9]]).unwrap(), [7, 9]);
        // From `HALF - 1` to `HALF`: the upper half is new and the lower one old, or the other way round.
        assert_eq!(sessions(&[&[2 * HALF - 1, 9], &[HALF, 9], &[HALF + 1, 9]]).unwrap(), [HALF, 9]);
        assert_eq!(sessions(&[&[0, 9], &[HALF, 9], &[HALF + 1, 9]]).unwrap(), [HALF, 9]);
        assert_eq!(
            sessions(&[&[HALF - 1, 9], &[2 * HALF - 1, 9], &[HALF, 9], &[HALF, 9]]).unwrap(),
            [HALF, 9]
        );
        // A counter that was cleared.
        assert_eq!(sessions(&[&[7, 9], &[0, 9], &[1, 9]]).unwrap(), [0, 9]);
        // Each object is read until it is proved.
        assert_eq!(sessions(&[&[7, 9], &[6, 9], &[5, 9], &[5, 8], &[5, 9]]).unwrap(), [5, 9]);
        let falling: Vec<[u64; 1]> = (0..100).rev().map(|sessions| [sessions]).collect();
        let falling: Vec<&[u64]> = falling.iter().map(|one| &one[..]).collect();
        let failure = sessions(&falling).unwrap_err();
        assert_eq!(failure.kind, ErrorKind::Other);
        assert_eq!(&*failure.message, "the counters change too fast to be read from shm-stats-file");
    }

    #[test]
    fn a_rate_whose_period_begins_is_read_again() {
        let state = |tick: u32, current: u32, past: u32| {
            let mut bytes = file(&[7]);
            let at = ShmFile::HEADER + DATA + 136;
            bytes[at..at + 12].copy_from_slice(&[tick, current, past].map(u32::to_le_bytes).concat());
            bytes
        };
        let read = |states: Vec<Vec<u8>>| {
            let reading = Reading::take(&Changing::new(states), 1 << 20, None).unwrap();
            let at = |at| u32_at(reading.object(0).unwrap(), DATA + 136 + at).unwrap();
            [at(0), at(4), at(8)]
        };
        assert_eq!(read(vec![state(1000, 5, 9), state(1000, 6, 9)]), [1000, 5, 9]);
        // The count of the new period with the begin of the old one.
        assert_eq!(read(vec![state(1000, 1, 9), state(2000, 1, 5)]), [2000, 1, 5]);
        assert_eq!(read(vec![state(1001, 0, 9), state(1001, 1, 5), state(2000, 1, 5)]), [2000, 1, 5]);
        // A process was stopped in between, and no other one counts.
        assert_eq!(read(vec![state(1001, 1, 9)]), [1001, 1, 9]);
    }

    #[test]
    fn many_objects_are_proved_in_pieces() {
        let first: Vec<u64> = (0..300).collect();
        let mut second = first.clone();
        (second[63], second[64], second[299]) = (0, 0, 0);
        let mut expected = first.clone();
        (expected[63], expected[64], expected[299]) = (0, 0, 0);
        let file = Changing::new(vec![file(&first), file(&second)]);
        let reading = Reading::take(&file, 1 << 20, None).unwrap();
        let found: Vec<_> = reading.objects().map(|object| u64_at(object, DATA + 80).unwrap()).collect();
        assert_eq!(found, expected);
        let failure = Reading::take(&file, 1000, None).unwrap_err();
        assert_eq!(failure.kind, ErrorKind::TooLarge);
    }

    #[test]
    fn an_object_that_is_added_during_the_read_is_left_out() {
        /// A file to which objects are added after each read of its header.
        struct Growing(Cell<usize>);

        impl Bytes for Growing {
            fn read_at(&self, bytes: &mut [u8], offset: usize) -> io::Result<()> {
                let state = file(&vec![7; self.0.get()]);
                bytes.copy_from_slice(&state[offset..offset + bytes.len()]);
                self.0.set(self.0.get() + 2);
                Ok(())
            }
        }

        let growing = Growing(Cell::new(3));
        let first = Reading::take(&growing, 1 << 20, None).unwrap();
        assert_eq!(first.objects().count(), 3);
        assert_eq!(first.file().unwrap().objects("s", Side::Back).count(), 3);
        // The next read has them, and tells their users.
        let second = Reading::take(&growing, 1 << 20, None).unwrap();
        assert!(second.objects().count() > 3);
        assert_eq!(second.changed_since(&first), 1);
    }

    #[test]
    fn the_clock_goes_on_while_the_file_stands() {
        let mut bytes = file(&[7]);
        bytes[NOW_NS..NOW_NS + 8].copy_from_slice(&5_000_000_000u64.to_le_bytes());
        let file = Changing::new(vec![bytes]);
        let first = Reading::take(&file, 1 << 20, None).unwrap();
        assert_eq!(first.now(), 5_000_000_000);
        let earlier =
            Clock { at: first.clock.at.checked_sub(Duration::from_secs(3)).unwrap(), time: 6_000_000_000 };
        let later = Reading::take(&file, 1 << 20, Some(earlier)).unwrap();
        assert!((9_000_000_000..20_000_000_000).contains(&later.now()), "{}", later.now());
        let behind = Clock { time: 1_000_000_000, ..earlier };
        assert_eq!(Reading::take(&file, 1 << 20, Some(behind)).unwrap().now(), 5_000_000_000);
    }

    #[test]
    fn every_layout_is_known_by_its_version_alone() {
        for (name, layout) in [("1.1", 552), ("1.3", 560)] {
            let path = format!("{}/fixtures/handmade/layout_{name}.shm", env!("CARGO_MANIFEST_DIR"));
            let bytes = std::fs::read(path).unwrap();
            let reading = Reading::take(&Changing::new(vec![bytes.clone()]), 1 << 20, None).unwrap();
            assert_eq!((reading.layout.object, reading.objects().count()), (layout, 7));
            assert_eq!(u64_at(reading.object(0).unwrap(), DATA + 80), Some(42));
            assert_eq!(reading.heartbeat_age(2), None);
            let mut later = bytes;
            later[1] = 4;
            let failure = Reading::take(&Changing::new(vec![later]), 1 << 20, None).unwrap_err();
            assert_eq!(failure.kind, ErrorKind::Unsupported);
            assert_eq!(
                &*failure.message,
                "layout 1.4 of shm-stats-file is not known, only 1.1, 1.2 and 1.3 are"
            );
        }
    }
}
