use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::header::Header;
use super::recycled::Spare;
use super::table::{StatTable, marks_per_row};
use crate::error::Malformed;

/// Header, sizes and memory of the last `show stat` of a process. They save memory and time for the next one.
///
/// Processes of one release print the same header, so that all processes of a cluster can share one. The
/// next reply of a process has about as many rows and bytes as the last one. It gets the memory of a reply that
/// was dropped.
#[derive(Debug, Clone, Default)]
pub(crate) struct LastReply {
    header: Arc<Mutex<Option<Arc<Header>>>>,
    size: Arc<Size>,
    spare: Arc<Spare>,
}

#[derive(Debug, Default)]
struct Size {
    bytes: AtomicUsize,
    rows: AtomicUsize,
}

impl LastReply {
    /// Returns the same for the replies of another process, or to another command: the header is shared.
    pub(crate) fn of_others(&self) -> Self {
        Self { header: Arc::clone(&self.header), ..Self::default() }
    }

    /// Returns the header of a line: the last one, if the line is the same.
    pub(super) fn header(&self, line: &[u8]) -> Result<Arc<Header>, Malformed> {
        if let Some(header) = self.last().as_ref().filter(|header| header.is_read_from(line)) {
            return Ok(Arc::clone(header));
        }
        let header = Arc::new(Header::parse(line)?);
        *self.last() = Some(Arc::clone(&header));
        Ok(header)
    }

    /// Returns the last header, and the length of its line with the line feed, if `bytes` begin with the same
    /// line.
    pub(super) fn same_header(&self, bytes: &[u8]) -> Option<(Arc<Header>, usize)> {
        let last = self.last();
        let header = last.as_ref()?;
        Some((Arc::clone(header), header.length_at_start_of(bytes)?))
    }

    fn last(&self) -> MutexGuard<'_, Option<Arc<Header>>> {
        self.header.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Makes room for a reply as large as the last one, and for a little growth.
    pub(super) fn reserve(&self, table: &mut StatTable) {
        let with_growth = |size: usize| size.saturating_mul(17) / 16;
        let bytes = self.size.bytes.load(Ordering::Relaxed);
        let rows = with_growth(self.size.rows.load(Ordering::Relaxed));
        table.text = self.spare.recycle(bytes + bytes / 64, with_growth(bytes));
        table.rows.reserve_exact(rows);
        table.marks.reserve_exact(rows * marks_per_row(table.header.len()));
    }

    pub(super) fn remember(&self, table: &StatTable) {
        self.size.bytes.store(table.text.len(), Ordering::Relaxed);
        self.size.rows.store(table.rows.len(), Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::show::stat::StatParser;

    const HEADER: &str = "# pxname,svname,scur,type,lastsess,last_chk,novel,\n";

    #[test]
    fn replies_share_their_header_and_the_next_one_has_room() {
        let last = LastReply::default();
        let parse = |last: &LastReply, header: &str, rows: usize| {
            let mut parser = StatParser::after(last.clone());
            parser.feed(header.as_bytes()).unwrap();
            (0..rows).for_each(|_| parser.feed(b"app,web,7,2,-1,,,\n").unwrap());
            parser.feed(b"\n").unwrap();
            parser.finish().unwrap()
        };
        let first = parse(&last, HEADER, 1_000);
        let second = parse(&last, HEADER, 1_010);
        let other = parse(&last.of_others(), HEADER, 1);
        assert!(Arc::ptr_eq(&first.header, &second.header) && Arc::ptr_eq(&first.header, &other.header));
        // No more room was needed, and what is left is not given back.
        assert_eq!((second.text.capacity(), second.rows.capacity()), (19_125, 1_062));
        assert_eq!(other.text.capacity(), 18);
        // A reply that has become small takes little memory.
        assert_eq!(parse(&last, HEADER, 10).text.capacity(), 180);
        let renamed = HEADER.replace("novel", "newer");
        assert_eq!(parse(&last, &renamed, 1).header.find("newer"), Some(6));
        assert_eq!(parse(&last, HEADER, 1).header.find("novel"), Some(6));
    }
}
