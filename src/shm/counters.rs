//! The counters of one process in a file.

use std::sync::Arc;
use std::time::Duration;

use super::field::{DATA, field};
use super::file::{ShmFile, Side};
use super::place::{RowCounters, objects_of};
use super::reading::Reading;
use crate::error::{ErrorKind, Failure};
use crate::field::Col;
use crate::show::stat::{Cells as _, Row, StatTable, number};

/// The objects that the rows of one process have in a file. They stay the same until the process adds
/// or gives up an object.
#[derive(Debug)]
pub(crate) struct Objects {
    slot: usize,
    /// The file at the moment when the objects were found.
    found_in: Arc<Reading>,
    rows: Box<[Option<RowObjects>]>,
    /// Indices of the objects of all rows; those of one row are adjacent, one for each thread group.
    indices: Vec<usize>,
}

#[derive(Debug, Clone, Copy)]
struct RowObjects {
    side: Side,
    start: usize,
    end: usize,
}

/// The counters of one process at one moment.
#[derive(Debug, Clone)]
pub(crate) struct FileCounters {
    objects: Arc<Objects>,
    reading: Arc<Reading>,
}

impl Objects {
    /// Finds the objects of the rows of `table`, which are at the places `rows`. The process with this
    /// pid is known to run, and `file` tells what the reading has of slots and objects.
    ///
    /// Fails if the process uses other objects by now, or if a counter is lower than in the table.
    pub(super) fn find(
        reading: &Arc<Reading>,
        file: &ShmFile,
        pid: u64,
        rows: &[RowCounters],
        table: &StatTable,
    ) -> Result<Self, Failure> {
        let slot = file.slot_of_running(pid).ok_or_else(|| needs_read("another process has its slot"))?;
        let mut indices = Vec::new();
        let mut all = Vec::with_capacity(rows.len());
        for counters in rows {
            let RowCounters::Shared(place) = counters else {
                all.push(None);
                continue;
            };
            let found = objects_of(file, slot, place);
            let (side, found) = found.ok_or_else(|| needs_read("it uses other objects"))?;
            let start = indices.len();
            indices.extend(found);
            all.push(Some(RowObjects { side, start, end: indices.len() }));
        }
        let objects = Self { slot, found_in: Arc::clone(reading), rows: all.into(), indices };
        let positions =
            [Col::stot, Col::bin, Col::bout].map(|column| (table.header().position(column), column));
        let mut columns: Vec<(usize, Col)> =
            positions.into_iter().filter_map(|(position, column)| Some((position?, column))).collect();
        columns.sort_unstable_by_key(|(position, _)| *position);
        let grew = |row: Row<'_>| {
            // One look at the row for all columns: with many processes, each row is far from the processor.
            let (mut cells, mut next) = (row.each_printed(), 0);
            columns.iter().all(|(position, column)| {
                let printed = cells.nth(position - next).and_then(number).map(i128::from);
                next = position + 1;
                let now = || objects.value(reading, row.index(), *column);
                printed.is_none_or(|printed| printed == 0 || now().is_none_or(|now| printed <= now))
            })
        };
        if table.rows().all(grew) { Ok(objects) } else { Err(needs_read("its counters fell")) }
    }

    fn value(&self, reading: &Reading, row: usize, column: Col) -> Option<i128> {
        let RowObjects { side, start, end } = self.rows.get(row).copied().flatten()?;
        let field = field(side, column, reading.layout().hints)?;
        let objects = self.indices.get(start..end)?.iter();
        field.value(objects.filter_map(|index| reading.object(*index)?.get(DATA..)), reading.now())
    }
}

impl FileCounters {
    /// Returns the counters of a process at the moment of `reading`. `changed` has the result of
    /// [`Reading::changed_since`] for the moment at which the objects were found.
    pub(super) fn new(
        objects: Arc<Objects>,
        pid: u64,
        reading: Arc<Reading>,
        changed: u64,
    ) -> Result<Self, Failure> {
        let is_same = u32::try_from(objects.slot).is_ok_and(|slot| changed.wrapping_shr(slot) & 1 == 0);
        if !is_same {
            return Err(needs_read("its objects changed, or its counters fell"));
        }
        if !reading.is_slot_of(objects.slot, pid) {
            return Err(needs_read("another process has its slot"));
        }
        Ok(Self { objects, reading })
    }

    /// Returns the value of a column, or `None` if the row is not in the file.
    pub(crate) fn value(&self, row: usize, column: Col) -> Option<i128> {
        self.objects.value(&self.reading, row, column)
    }

    /// Returns the time since the process last renewed its heartbeat.
    pub(crate) fn heartbeat_age(&self) -> Option<Duration> {
        self.reading.heartbeat_age(self.objects.slot)
    }
}

impl Objects {
    pub(super) fn found_in(&self) -> &Arc<Reading> {
        &self.found_in
    }
}

/// Returns the failure of a process that must be read through its socket again.
fn needs_read(reason: &str) -> Failure {
    let text = format!("its counters in shm-stats-file do not belong to its rows any more: {reason}");
    Failure::without_error(ErrorKind::NotFound, text)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::field::{COLUMNS, Nature};
    use crate::shm::reading::Bytes;
    use crate::shm::{Member, Usage, join, places};
    use crate::show::GuidList;
    use crate::show::stat::StatParser;

    fn fixture(name: &str) -> Vec<u8> {
        std::fs::read(format!("{}/fixtures/3.4-shared/{name}", env!("CARGO_MANIFEST_DIR"))).unwrap()
    }

    /// Returns the recorded file of HAProxy 3.4 in the layout of another release.
    fn recorded(minor: u8) -> Vec<u8> {
        let mut bytes = fixture("counters.shm");
        bytes[1] = minor;
        let (header, objects) = bytes.split_at(ShmFile::HEADER);
        let object = |object: &[u8]| {
            let mut object = object.to_vec();
            match minor {
                1 => object.swap(129, 130),
                3 => {
                    // The new counter is after `cache_lookups`.
                    let at = DATA + if object[130] == 0 { 280 } else { 224 };
                    object.splice(at..at, [0; 8]);
                }
                _ => {}
            }
            object
        };
        header.iter().copied().chain(objects.chunks_exact(552).flat_map(object)).collect()
    }

    impl Bytes for Vec<u8> {
        fn read_at(&self, bytes: &mut [u8], offset: usize) -> std::io::Result<()> {
            bytes.copy_from_slice(&self[offset..offset + bytes.len()]);
            Ok(())
        }
    }

    fn reading(bytes: &Vec<u8>) -> Arc<Reading> {
        Arc::new(Reading::take(bytes, 1 << 20, None).unwrap())
    }

    fn stat(n: usize) -> StatTable {
        let mut parser = StatParser::new();
        parser.feed(&fixture(&format!("proc{n}/show_stat.txt"))).unwrap();
        parser.finish().unwrap()
    }

    fn pid(n: usize) -> u64 {
        let info = String::from_utf8(fixture(&format!("proc{n}/show_info.txt"))).unwrap();
        info.lines().find_map(|line| line.strip_prefix("Pid: ")?.parse().ok()).unwrap()
    }

    /// Returns the place of each row of a recorded process.
    fn rows(n: usize, file: &ShmFile) -> Box<[RowCounters]> {
        let stat = stat(n);
        let list = GuidList::parse(&fixture(&format!("proc{n}/dump_stats-file.txt"))).unwrap();
        let guids = join(&stat, &list, &stat, |guid| file.is_frontend(guid)).unwrap();
        let member = Member {
            guids: &guids,
            before: &stat,
            after: &stat,
            version: None,
            thread_groups: 2,
            usage: Usage::Slot(file.slot(pid(n), false).unwrap()),
        };
        places(&[member], Some(file)).pop().unwrap()
    }

    fn find(n: usize, reading: &Arc<Reading>) -> Result<Objects, Failure> {
        let file = reading.file().unwrap();
        Objects::find(reading, &file, pid(n), &rows(n, &file), &stat(n))
    }

    #[test]
    fn all_layouts_have_what_show_stat_prints() {
        for minor in [1, 2, 3] {
            let reading = reading(&recorded(minor));
            for n in [1, 2] {
                let objects = Arc::new(find(n, &reading).unwrap());
                let counters = FileCounters::new(objects, pid(n), Arc::clone(&reading), 0).unwrap();
                assert_eq!(counters.heartbeat_age().map(|age| age.as_secs()), Some(0));
                let (mut compared, mut alone) = (0, 0);
                for row in stat(n).rows() {
                    for (column, declared) in Col::ALL.iter().zip(COLUMNS).filter(|(_, one)| one.shared) {
                        let (Some(cell), Some(value)) =
                            (row.text(*column), counters.value(row.index(), *column))
                        else {
                            alone += 1;
                            continue;
                        };
                        let printed: i128 = cell.parse().unwrap();
                        // The replies are older than the file by less than two seconds.
                        let is_right = match declared.nature {
                            Nature::Age => (printed..=printed + 2).contains(&value),
                            Nature::Rate => value <= printed,
                            _ => value == printed,
                        };
                        assert!(is_right, "1.{minor} {n} {row:?} {}: {value}", declared.name);
                        compared += 1;
                    }
                }
                assert!(compared > 200 && alone > 0, "{compared} {alone}");
            }
        }
    }

    #[test]
    fn processes_whose_objects_changed_are_told() {
        let before = recorded(2);
        let first = reading(&before);
        let objects = [1, 2].map(|n| Arc::new(find(n, &first).unwrap()));
        // Both processes use the first object, and only the second one uses the last object.
        let (shared, own) = (ShmFile::HEADER, ShmFile::HEADER + 18 * 552);
        let cases: [(&str, usize, &[u8], [bool; 2]); 8] = [
            ("nothing", 0, &[1], [true, true]),
            ("a counter grew", shared + DATA + 80, &[255], [true, true]),
            ("a counter fell", shared + DATA + 80, &[1], [false, false]),
            ("an own counter fell", own + DATA + 80, &[0], [true, false]),
            ("another guid", own, b"x", [true, false]),
            ("given up", own + 136, &[0], [true, false]),
            ("used by one more", own + 136, &[0b110], [true, true]),
            ("another pid", 24, &[1, 0, 0, 0], [false, true]),
        ];
        for (what, at, patch, expected) in cases {
            let mut bytes = before.clone();
            bytes[at..at + patch.len()].copy_from_slice(patch);
            let now = reading(&bytes);
            let found = [1, 2].map(|n| {
                let slots = now.changed_since(&first);
                FileCounters::new(Arc::clone(&objects[n - 1]), pid(n), Arc::clone(&now), slots).is_ok()
            });
            assert_eq!(found, expected, "{what}");
        }
        // One more object of the first process.
        let mut bytes = before;
        bytes[536] = 21;
        let added = ShmFile::HEADER + 20 * 552;
        bytes[added] = b'x';
        bytes[added + 128] = 1;
        bytes[added + 136] = 1;
        assert_eq!(reading(&bytes).changed_since(&first), 1);
    }

    #[test]
    fn rows_that_the_file_does_not_fit_are_told() {
        let mut bytes = recorded(2);
        let text = |failure: Failure| failure.message.to_string();
        let rows = rows(1, &reading(&bytes).file().unwrap());
        bytes[ShmFile::HEADER + DATA + 80] -= 1;
        let find = |bytes: &Vec<u8>| {
            let reading = reading(bytes);
            Objects::find(&reading, &reading.file().unwrap(), pid(1), &rows, &stat(1)).unwrap_err()
        };
        let failure = find(&bytes);
        let start = "its counters in shm-stats-file do not belong to its rows any more: ";
        assert_eq!(text(failure), format!("{start}its counters fell"));
        (bytes[ShmFile::HEADER], bytes[ShmFile::HEADER + 552]) = (b'x', b'x');
        let failure = find(&bytes);
        assert_eq!(text(failure), format!("{start}it uses other objects"));
        bytes[24..28].fill(1);
        let failure = find(&bytes);
        assert_eq!(text(failure), format!("{start}another process has its slot"));
    }
}
