use std::fmt;
use std::sync::Arc;

use super::header::Header;
use crate::field::RowKind;
use crate::show::scan;

/// Every row of one process's `show stat`.
///
/// The reply's own bytes are kept; each cell was checked once, while they
/// arrived, and is decoded when it is asked for. Beside the bytes a row costs
/// eight bytes and two for every sixteenth column.
#[derive(Clone)]
pub struct StatTable {
    pub(super) header: Arc<Header>,
    /// The rows, one after the other, without the header.
    pub(super) text: Vec<u8>,
    pub(super) rows: Vec<Entry>,
    /// For every row, where its columns 16, 32, ... begin, counted from the
    /// beginning of the row.
    pub(super) marks: Vec<u16>,
}

/// Where a row is, and how to read it.
#[derive(Debug, Clone, Copy)]
pub(super) struct Entry {
    pub(super) start: u32,
    pub(super) kind: RowKind,
    /// The row held a quote: the csv parser has unquoted its cells, and they are
    /// kept with [`UNQUOTED`] between them instead of commas.
    pub(super) unquoted: bool,
}

/// Separator of a row whose cells were quoted. It never occurs in UTF-8.
pub(super) const UNQUOTED: u8 = 0xff;

/// Every so many columns a row has a mark.
pub(super) const STEP: usize = 16;

impl StatTable {
    pub(super) fn new(header: Arc<Header>) -> Self {
        Self { header, text: Vec::new(), rows: Vec::new(), marks: Vec::new() }
    }

    /// A dump without rows.
    pub(crate) fn empty() -> Self {
        Self::new(Arc::new(Header::smallest()))
    }

    /// The columns.
    pub fn header(&self) -> &Header {
        &self.header
    }

    /// Number of rows.
    pub fn len(&self) -> usize {
        self.rows.len()
    }

    /// Whether the process listed nothing.
    pub fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    /// Bytes of memory that the rows take, the header not counted.
    pub fn heap_size(&self) -> usize {
        self.text.capacity() + self.rows.capacity() * size_of::<Entry>() + self.marks.capacity() * 2
    }

    /// The dump as HAProxy prints it: header, rows and the empty line at the end.
    ///
    /// Reading this text gives an equal dump. A cell is quoted where it must be,
    /// which is also where HAProxy quotes.
    pub fn to_csv(&self) -> String {
        let mut out = self.header.to_line();
        out.push('\n');
        out.reserve(self.text.len() + 1);
        for row in self.rows() {
            for (_, cell) in row.cells() {
                if cell.contains(['"', ',', '\n', '\r']) {
                    out.push('"');
                    out.push_str(&cell.replace('"', "\"\""));
                    out.push('"');
                } else {
                    out.push_str(cell);
                }
                out.push(',');
            }
            out.push('\n');
        }
        out.push('\n');
        out
    }

    /// Bytes of the row at `index`, up to the end of the text.
    #[inline]
    pub(super) fn bytes_from(&self, entry: Entry) -> &[u8] {
        self.text.get(entry.start as usize..).unwrap_or_default()
    }

    /// Where column `position` of row `index` begins in its bytes.
    #[inline]
    pub(super) fn offset(&self, index: usize, entry: Entry, position: usize) -> Option<usize> {
        let per_row = marks_per_row(self.header.len());
        let at = match (position / STEP).checked_sub(1) {
            None => 0,
            Some(mark) => usize::from(*self.marks.get(index * per_row + mark)?),
        };
        scan::skip(self.bytes_from(entry), at, position % STEP, entry.separator())
    }
}

impl Entry {
    #[inline]
    pub(super) fn separator(self) -> u8 {
        if self.unquoted { UNQUOTED } else { b',' }
    }
}

/// Number of marks that a row of so many columns has.
#[inline]
pub(super) fn marks_per_row(columns: usize) -> usize {
    columns.saturating_sub(1) / STEP
}

impl PartialEq for StatTable {
    fn eq(&self, other: &Self) -> bool {
        self.header == other.header
            && self.rows.len() == other.rows.len()
            && self.rows().zip(other.rows()).all(|(mine, theirs)| mine.cells().eq(theirs.cells()))
    }
}

impl Eq for StatTable {}

impl fmt::Debug for StatTable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.rows()).finish()
    }
}
