use std::collections::HashMap;
use std::fmt;
use std::ops::Range;

use super::number::{i32_at, u32_at, u64_at};

/// The contents of a `shm-stats-file` as far as they describe its users.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct ShmFile {
    /// The clock of the file in nanoseconds: the time at which a process was last active.
    pub(crate) now: u64,
    slots: Vec<Slot>,
    /// The objects by guid.
    objects: HashMap<Box<str>, Vec<Object>>,
}

/// The slot of one process in the file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Slot {
    pid: i32,
    /// `true` if the process still renews its heartbeat. A stopping process does not, although it
    /// still counts.
    alive: bool,
}

/// The counters of one object in one thread group.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Object {
    /// Index in the file. It stays the same as long as a process uses the object.
    pub(crate) index: usize,
    pub(crate) side: Side,
    pub(crate) thread_group: u16,
    /// One bit for each slot; it is set if the process of the slot uses the object.
    users: u64,
}

/// The side that the counters of an object belong to. A proxy with both sides has an object for
/// each.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) enum Side {
    /// Counters of a frontend or a listener.
    Front,
    /// Counters of a backend or a server.
    Back,
}

/// The reason why a file cannot be read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum ShmFileError {
    /// The version of the layout is not supported.
    Version(u8, u8),
    /// The file is shorter than its header says.
    Truncated { has: usize, needs: usize },
    /// A field has an impossible value.
    Malformed(&'static str),
}

/// Size of an object and offsets of its fields in one version of the layout.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Layout {
    pub(super) object: usize,
    pub(super) side: usize,
    /// Size of the number of the thread group in bytes; its offset is [`GROUP`].
    group: usize,
    /// Size of the counter of early hints, which later counters are behind.
    pub(super) hints: usize,
}

const HEADER: usize = 672;
const NOW: usize = 4;
pub(super) const NOW_NS: usize = 8;
pub(super) const SLOTS: usize = 24;
const SLOT_COUNT: usize = 64;
pub(super) const SLOT: usize = 8;
/// Offset of the number of objects in use; the number of allocated objects follows.
const OBJECTS: usize = SLOTS + SLOT_COUNT * SLOT;
const PLACES: usize = OBJECTS + 4;
/// The number of objects in use, and the number of allocated objects.
pub(super) const COUNTS: Range<usize> = OBJECTS..PLACES + 4;

const GUID: usize = 128;
const GROUP: usize = 128;
pub(super) const USERS: usize = 136;

impl ShmFile {
    /// Length of the header, which contains the length of the rest.
    pub(crate) const HEADER: usize = HEADER;

    /// Returns the number of bytes in use: the header and the objects that it counts.
    pub(crate) fn length(header: &[u8]) -> Result<usize, ShmFileError> {
        let layout = Layout::of(header)?;
        let number = |at| i32_at(header, at).ok_or_else(|| truncated(header, HEADER));
        let (used, places) = (number(OBJECTS)?, number(PLACES)?);
        let used = usize::try_from(used).ok().filter(|_| used <= places);
        let objects = used.and_then(|used| used.checked_mul(layout.object)?.checked_add(HEADER));
        objects.ok_or(ShmFileError::Malformed("the number of objects"))
    }

    /// Reads a file of layout 1.1 (HAProxy 3.3), 1.2 (3.4) or 1.3 (3.5). Bytes beyond those in use
    /// are room for future objects and are ignored.
    pub(crate) fn parse(bytes: &[u8]) -> Result<Self, ShmFileError> {
        let layout = Layout::of(bytes)?;
        let needs = Self::length(bytes)?;
        let (Some(all), Some(now), Some(now_ns)) =
            (bytes.get(..needs), u32_at(bytes, NOW), u64_at(bytes, NOW_NS))
        else {
            return Err(truncated(bytes, needs.max(HEADER)));
        };
        let (header, objects) = all.split_at_checked(HEADER).ok_or_else(|| truncated(bytes, HEADER))?;
        let slots = header.get(SLOTS..OBJECTS).unwrap_or_default();
        let mut by_guid: HashMap<Box<str>, Vec<Object>> = HashMap::new();
        for (index, bytes) in objects.chunks_exact(layout.object).enumerate() {
            if let Some((guid, object)) = layout.object(index, bytes)? {
                by_guid.entry(guid).or_default().push(object);
            }
        }
        let slots = slots.chunks_exact(SLOT).filter_map(|slot| Slot::parse(slot, now)).collect();
        Ok(Self { now: now_ns, slots, objects: by_guid })
    }

    /// Returns `true` if the header names the process, whatever the layout of the rest.
    pub(crate) fn names_process(header: &[u8], pid: u64) -> bool {
        let slots = header.get(SLOTS..OBJECTS).unwrap_or_default();
        let named = |slot: &[u8]| i32_at(slot, 0).is_some_and(|found| u64::try_from(found) == Ok(pid));
        pid > 0 && slots.chunks_exact(SLOT).any(named)
    }

    /// Returns the slot of a process, or `None` if no slot or several slots have its pid.
    ///
    /// A stopping process does not renew its slot, but keeps it until another process takes it.
    pub(crate) fn slot(&self, pid: u64, stopping: bool) -> Option<usize> {
        let is_of = |slot: &Slot| u64::try_from(slot.pid) == Ok(pid) && (slot.alive || stopping);
        let mut found = self.slots.iter().enumerate().filter(|(_, slot)| is_of(slot));
        let (number, _) = found.next()?;
        found.next().is_none().then_some(number)
    }

    /// Returns the slot of a process that is known to run, however late its heartbeat is: a process
    /// that hangs keeps its slot until another process takes it. Returns `None` if no slot has its pid,
    /// or if several do and it is not known which one is in use.
    pub(crate) fn slot_of_running(&self, pid: u64) -> Option<usize> {
        let mut with_pid =
            self.slots.iter().enumerate().filter(|(_, slot)| u64::try_from(slot.pid) == Ok(pid));
        match (with_pid.next(), with_pid.next()) {
            (Some((number, _)), None) => Some(number),
            _ => self.slot(pid, false),
        }
    }

    /// Returns `true` if the guid is a frontend's, `false` if it is a listener's, and `None` if no
    /// frontend or listener of the file has it.
    ///
    /// HAProxy gives every frontend an object of the back side too, even if the proxy is no
    /// backend. A listener has only an object of the front side.
    pub(crate) fn is_frontend(&self, guid: &str) -> Option<bool> {
        let has = |side| self.objects(guid, side).next().is_some();
        has(Side::Front).then(|| has(Side::Back))
    }

    /// Returns the objects with this guid that a process uses or has used.
    pub(crate) fn objects(&self, guid: &str, side: Side) -> impl Iterator<Item = &Object> {
        let objects = self.objects.get(guid).map(Vec::as_slice).unwrap_or_default();
        objects.iter().filter(move |object| object.side == side)
    }
}

impl Slot {
    fn parse(bytes: &[u8], now: u32) -> Option<Self> {
        let (pid, heartbeat) = (i32_at(bytes, 0)?, u32_at(bytes, 4)?);
        // The heartbeat is a time in milliseconds that wraps around; 0 means that it was never set.
        let ahead = heartbeat.wrapping_sub(now);
        Some(Self { pid, alive: heartbeat != 0 && ahead != 0 && ahead < 1 << 31 })
    }
}

impl Object {
    pub(crate) fn is_used_by(&self, slot: usize) -> bool {
        u32::try_from(slot)
            .ok()
            .and_then(|slot| self.users.checked_shr(slot))
            .is_some_and(|bits| bits & 1 == 1)
    }
}

impl Layout {
    pub(super) fn of(header: &[u8]) -> Result<Self, ShmFileError> {
        let (Some(major), Some(minor)) = (header.first(), header.get(1)) else {
            return Err(truncated(header, HEADER));
        };
        Ok(match (*major, *minor) {
            (1, 1) => Self { object: 552, group: 1, side: 129, hints: 0 },
            (1, 2) => Self { object: 552, group: 2, side: 130, hints: 0 },
            (1, 3) => Self { object: 560, group: 2, side: 130, hints: 8 },
            (major, minor) => return Err(ShmFileError::Version(major, minor)),
        })
    }

    /// Reads one object and its guid. Returns `None` if the place is empty.
    fn object(&self, index: usize, bytes: &[u8]) -> Result<Option<(Box<str>, Object)>, ShmFileError> {
        let group = bytes.get(GROUP..GROUP + self.group).unwrap_or_default();
        let thread_group = group.iter().rev().fold(0, |number, byte| number << 8 | u16::from(*byte));
        // A place without users is empty. A place without a thread group is still being filled.
        let Some(users) = u64_at(bytes, USERS).filter(|users| *users != 0 && thread_group != 0) else {
            return Ok(None);
        };
        let guid = bytes.get(..GUID).unwrap_or_default();
        let guid = guid.split(|byte| *byte == 0).next().filter(|name| name.len() < guid.len());
        let is_plain = |name: &&[u8]| !name.is_empty() && name.iter().all(u8::is_ascii_graphic);
        let guid = guid.filter(is_plain).and_then(|name| std::str::from_utf8(name).ok());
        let side = match bytes.get(self.side) {
            Some(0) => Side::Front,
            Some(1) => Side::Back,
            _ => return Err(ShmFileError::Malformed("the type of an object")),
        };
        let guid = guid.ok_or(ShmFileError::Malformed("the guid of an object"))?;
        Ok(Some((guid.into(), Object { index, side, thread_group, users })))
    }
}

pub(super) fn truncated(bytes: &[u8], needs: usize) -> ShmFileError {
    ShmFileError::Truncated { has: bytes.len(), needs }
}

impl fmt::Display for ShmFileError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Version(major, minor) => {
                write!(f, "layout {major}.{minor} of shm-stats-file is not known, only 1.1, 1.2 and 1.3 are")
            }
            Self::Truncated { has, needs } => write!(f, "shm-stats-file has {has} of {needs} bytes"),
            Self::Malformed(what) => write!(f, "shm-stats-file is malformed: {what}"),
        }
    }
}

impl std::error::Error for ShmFileError {}

#[cfg(test)]
mod tests {
    use arbtest::arbtest;

    use super::*;

    fn fixture(name: &str) -> Vec<u8> {
        std::fs::read(format!("{}/fixtures/{name}", env!("CARGO_MANIFEST_DIR"))).unwrap()
    }

    fn recorded() -> Vec<u8> {
        fixture("3.4-shared/counters.shm")
    }

    /// Returns index, thread group and slots of the objects with a guid.
    fn objects(file: &ShmFile, guid: &str, side: Side) -> Vec<(usize, u16, Vec<usize>)> {
        let slots = |object: &Object| (0..64).filter(|slot| object.is_used_by(*slot)).collect();
        file.objects(guid, side).map(|object| (object.index, object.thread_group, slots(object))).collect()
    }

    #[test]
    fn a_file_of_3_4_tells_who_uses_what() {
        let file = ShmFile::parse(&recorded()).unwrap();
        let info =
            |n: usize| String::from_utf8(fixture(&format!("3.4-shared/proc{n}/show_info.txt"))).unwrap();
        let pid =
            |n: usize| info(n).lines().find_map(|line| line.strip_prefix("Pid: ")?.parse().ok()).unwrap();
        assert_eq!([pid(1), pid(2), 1].map(|pid: u64| file.slot(pid, false)), [Some(0), Some(1), None]);
        let both = |index| vec![(index, 1, vec![0, 1]), (index + 1, 2, vec![0, 1])];
        assert_eq!(objects(&file, "web", Side::Front), both(0));
        assert_eq!(objects(&file, "main-0", Side::Front), both(4));
        assert_eq!(objects(&file, "both", Side::Front), both(10));
        assert_eq!(objects(&file, "both", Side::Back), both(12));
        assert_eq!(objects(&file, "app-a1", Side::Back), both(14));
        // HAProxy 3.4 gives a backend that is no frontend a separate place for each process.
        let app = [(16, 1, vec![0]), (17, 2, vec![0]), (18, 1, vec![1]), (19, 2, vec![1])];
        assert_eq!(objects(&file, "app", Side::Back), app);
        assert_eq!(objects(&file, "app", Side::Front), []);
        let frontends = ["web", "both", "main-0", "app", "none"].map(|guid| file.is_frontend(guid));
        assert_eq!(frontends, [Some(true), Some(true), Some(false), None, None]);
    }

    #[test]
    fn layouts_1_1_and_1_3_are_read_alike() {
        for minor in [1, 3] {
            let file = ShmFile::parse(&fixture(&format!("handmade/layout_1.{minor}.shm"))).unwrap();
            assert_eq!(objects(&file, "web", Side::Front), [(0, 1, vec![0, 1, 3]), (2, 2, vec![0])]);
            assert_eq!(objects(&file, "web", Side::Back), [(1, 1, vec![0, 1, 3])]);
            assert_eq!(objects(&file, "app", Side::Back), [(4, 1, vec![0]), (5, 1, vec![1])]);
            for guid in ["gone", "half", ""] {
                assert_eq!(objects(&file, guid, Side::Back), [], "{guid:?}");
            }
            // A stopping process does not renew its heartbeat.
            assert_eq!([101, 102, 103].map(|pid| file.slot(pid, false)), [Some(0), None, None]);
            assert_eq!([101, 102, 103].map(|pid| file.slot(pid, true)), [Some(0), Some(1), Some(3)]);
            assert_eq!(file.slot(u64::from(u32::MAX), true), None);
        }
    }

    #[test]
    fn a_number_that_two_slots_have_is_no_slot() {
        let mut bytes = fixture("handmade/layout_1.3.shm");
        let (first, second) = (SLOTS..SLOTS + SLOT, SLOTS + SLOT);
        bytes.copy_within(first, second);
        assert_eq!(ShmFile::parse(&bytes).unwrap().slot(101, false), None);
    }

    #[test]
    fn any_other_layout_is_refused_by_name() {
        for (major, minor) in [(0, 0), (1, 0), (1, 4), (2, 1), (255, 255)] {
            let mut bytes = recorded();
            bytes[..2].copy_from_slice(&[major, minor]);
            assert_eq!(ShmFile::parse(&bytes), Err(ShmFileError::Version(major, minor)));
        }
        assert_eq!(
            ShmFileError::Version(1, 4).to_string(),
            "layout 1.4 of shm-stats-file is not known, only 1.1, 1.2 and 1.3 are"
        );
    }

    #[test]
    fn a_file_that_ends_early_is_an_error() {
        let bytes = recorded();
        let needs = ShmFile::length(&bytes).unwrap();
        assert_eq!((needs, bytes.len()), (672 + 20 * 552, 672 + 24 * 552));
        assert!(ShmFile::parse(&bytes[..needs]).is_ok());
        for end in 0..needs {
            let error = ShmFile::parse(&bytes[..end]).unwrap_err();
            assert!(matches!(error, ShmFileError::Truncated { has, .. } if has == end), "{end}: {error}");
        }
        let error = ShmFile::parse(&bytes[..1000]).unwrap_err();
        assert_eq!(error.to_string(), "shm-stats-file has 1000 of 11712 bytes");
    }

    #[test]
    fn what_cannot_be_is_an_error() {
        let changed = |at: usize, bytes: &[u8]| {
            let mut file = recorded();
            file[at..at + bytes.len()].copy_from_slice(bytes);
            ShmFile::parse(&file).unwrap_err().to_string()
        };
        let object = HEADER + 552;
        for (at, bytes, what) in [
            (OBJECTS, &(-1i32).to_le_bytes()[..], "the number of objects"),
            (OBJECTS, &i32::MAX.to_le_bytes(), "the number of objects"),
            (PLACES, &19i32.to_le_bytes(), "the number of objects"),
            (object, &[0], "the guid of an object"),
            (object, &[b'x'; GUID], "the guid of an object"),
            (object, b"a b", "the guid of an object"),
            (object, b"\xff", "the guid of an object"),
            (object + 130, &[2], "the type of an object"),
        ] {
            assert_eq!(changed(at, bytes), format!("shm-stats-file is malformed: {what}"));
        }
        // The file has no room for this many objects: no memory is allocated for them.
        let mut file = recorded();
        file[OBJECTS..OBJECTS + 8].copy_from_slice(&[0xff, 0xff, 0xff, 0x7f, 0xff, 0xff, 0xff, 0x7f]);
        let needs = HEADER + 552 * 0x7fff_ffff;
        assert_eq!(ShmFile::parse(&file), Err(ShmFileError::Truncated { has: 13_920, needs }));
    }

    #[test]
    fn no_bytes_make_it_panic() {
        let recorded = recorded();
        arbtest(|u| {
            let mut bytes = recorded.clone();
            bytes.truncate(u.int_in_range(0..=recorded.len())?);
            for _ in 0..u.int_in_range(0..=40)? {
                let at = u.choose_index(recorded.len())?;
                let byte = u.arbitrary()?;
                if let Some(old) = bytes.get_mut(at) {
                    *old = byte;
                }
            }
            let _ = ShmFile::parse(&bytes);
            let _ = ShmFile::names_process(&bytes, 1);
            Ok(())
        });
    }
}
