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
