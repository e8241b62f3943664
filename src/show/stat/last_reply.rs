use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::header::Header;
use super::recycled::Spare;
use super::row_list::{RowList, RowLists};
use super::table::{StatTable, marks_per_row};
use crate::error::Malformed;

/// Header, rows, sizes and memory of the last `show stat` of a process. They save memory and time for the next one.
///
/// Processes of one release print the same header, so that all processes of a cluster can share one. Most of them also
/// list the same rows. The next reply of a process has about as many rows and bytes as the last one. It gets the memory
/// of a reply that was dropped.
#[derive(Debug, Clone, Default)]
pub(crate) struct LastReply {
    shared: Arc<Shared>,
    own: Arc<Own>,
    spare: Arc<Spare>,
}

/// The header and the lists of rows that the processes of a cluster share.
#[derive(Debug, Default)]
struct Shared {
    header: Mutex<Option<Arc<Header>>>,
    /// `None` if the rows are not compared.
    lists: Option<RowLists>,
}

#[derive(Debug, Default)]
struct Own {
    list: Mutex<Option<Arc<RowList>>>,
    bytes: AtomicUsize,
    rows: AtomicUsize,
}

impl LastReply {
    /// Returns the last reply of all processes of a cluster, none so far.
    pub(crate) fn of_cluster() -> Self {
        let lists = Some(RowLists::default());
        Self { shared: Shared { lists, ..Shared::default() }.into(), ..Self::default() }
    }

    /// Returns the same for the replies of another process, or to another command: the header and the lists of rows
    /// are shared.
    pub(crate) fn of_others(&self) -> Self {
        Self { shared: Arc::clone(&self.shared), ..Self::default() }
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
        self.shared.header.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Makes room for a reply as large as the last one, and for a little growth.
    pub(super) fn reserve(&self, table: &mut StatTable) {
        let with_growth = |size: usize| size.saturating_mul(17) / 16;
        let bytes = self.own.bytes.load(Ordering::Relaxed);
        let rows = with_growth(self.own.rows.load(Ordering::Relaxed));
        table.text = self.spare.recycle(bytes + bytes / 64, with_growth(bytes));
        table.rows.reserve_exact(rows);
        table.marks.reserve_exact(rows * marks_per_row(table.header.len()));
    }

    /// Returns the rows that the next reply most probably has: those of the last one, or of another process.
    pub(super) fn expected_rows(&self) -> Option<Arc<RowList>> {
        let own = self.own_list().clone();
        own.or_else(|| self.shared.lists.as_ref()?.last())
    }

    /// Remembers a table. `list` is what identifies its rows, if that is known.
    pub(super) fn remember(&self, table: &StatTable, list: Option<Arc<RowList>>) {
        self.own.bytes.store(table.text.len(), Ordering::Relaxed);
        self.own.rows.store(table.rows.len(), Ordering::Relaxed);
        let Some(lists) = self.shared.lists.as_ref() else { return };
        let is_it = |list: &Arc<RowList>| list.rows().len() == table.len() && table.goes_on_as(list, 0);
        let known = list.or_else(|| lists.last().filter(is_it));
        let list = known.unwrap_or_else(|| lists.find(table.to_list()));
        *self.own_list() = Some(Arc::clone(&list));
        // The table had no list before.
        let _ = table.list.set(list);
    }

    fn own_list(&self) -> MutexGuard<'_, Option<Arc<RowList>>> {
        self.own.list.lock().unwrap_or_else(PoisonError::into_inner)
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
