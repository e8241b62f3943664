use std::fmt;
use std::sync::{Arc, OnceLock};

use super::header::Header;
use super::recycled::Recycled;
use super::row_list::RowList;
use crate::field::{Col, RowKind};
use crate::show::scan::{self, STEP};

/// All rows of the `show stat` of one process.
///
/// The table keeps the bytes of the reply. Each cell is checked once, when it arrives, and is
/// decoded on access. In addition to its bytes, a row takes eight bytes of memory and two bytes for
/// every sixteenth column. A list of the names of the rows is shared by the tables that have the same rows.
///
/// # Example
///
/// ```
/// use haproxyadmin::stat::StatParser;
///
/// let mut parser = StatParser::new();
/// parser.feed(b"# pxname,svname,scur,type,\napp,web1,3,2,\n\n")?;
/// let table = parser.finish()?;
/// assert_eq!(table.len(), 1);
/// assert_eq!(table.to_csv(), "# pxname,svname,scur,type,\napp,web1,3,2,\n\n");
/// # Ok::<(), haproxyadmin::Error>(())
/// ```
#[derive(Clone)]
pub struct StatTable {
    pub(super) header: Arc<Header>,
    /// The rows, without the header.
    pub(super) text: Recycled,
    pub(super) rows: Vec<Entry>,
    /// Start of the columns 16, 32, ... of every row, counted from the beginning of the row.
    pub(super) marks: Vec<u16>,
    /// Kinds and names of the rows, found when the reply arrives, or when they are needed.
    pub(super) list: OnceLock<Arc<RowList>>,
    /// Newer values of the cells of another table. The rows of that table stand for those of this one.
    pub(super) renewal: Option<Renewal>,
}

/// A table of `show stat`, and newer values of some of its cells.
pub(crate) trait NewerCells: Send + Sync {
    /// Returns the table. Its own cells are those that HAProxy printed.
    fn table(&self) -> Option<&StatTable>;

    /// Returns the newer value of a cell of the row at `row`, or `None` if it has none.
    fn value(&self, row: usize, column: Col) -> Option<i128>;
}

/// Newer values of a table.
///
/// Numbers are decoded when they are asked for. All texts are written when the first one is asked for.
#[derive(Clone)]
pub(super) struct Renewal {
    pub(super) newer: Arc<dyn NewerCells>,
    pub(super) written: Arc<OnceLock<StatTable>>,
}

/// Position of a row, and how to read it.
#[derive(Debug, Clone, Copy)]
pub(super) struct Entry {
    pub(super) start: u32,
    pub(super) kind: RowKind,
    /// `true` if the row contained a quote. The csv parser has unquoted its cells, and they are
    /// stored with [`UNQUOTED`] instead of commas between them.
    pub(super) unquoted: bool,
}

/// Separator of the cells in an unquoted row. This byte never occurs in UTF-8.
pub(super) const UNQUOTED: u8 = 0xff;

/// Number of cells in a block of a row, except for the last block.
pub(crate) const CELLS_IN_BLOCK: usize = STEP;

impl StatTable {
    pub(super) fn new(header: Arc<Header>) -> Self {
        Self {
            header,
            text: Recycled::default(),
            rows: Vec::new(),
            marks: Vec::new(),
            list: OnceLock::new(),
            renewal: None,
        }
    }

    /// Returns a table without rows.
    pub(crate) fn empty() -> Self {
        Self::new(Arc::new(Header::smallest()))
    }

    /// Returns the header, which lists the columns.
    pub fn header(&self) -> &Header {
        &self.header
    }

    /// Returns the header, which tables with the same columns share.
    pub(crate) fn shared_header(&self) -> &Arc<Header> {
        &self.header
    }

    /// Returns the number of rows.
    pub fn len(&self) -> usize {
        self.original().rows.len()
    }

    /// Returns `true` if the table has no rows.
    pub fn is_empty(&self) -> bool {
        self.original().rows.is_empty()
    }

    /// Returns the memory that the rows take, in bytes, without the header and the list of the names.
    pub fn heap_size(&self) -> usize {
        let original = self.original();
        let newer = self.renewal.as_ref().map_or(0, Renewal::heap_size);
        newer
            + original.text.capacity()
            + original.rows.capacity() * size_of::<Entry>()
            + original.marks.capacity() * 2
    }

    /// Returns a table with one of the rows, or with none.
    pub(crate) fn only(&self, index: Option<usize>) -> Self {
        let mut only = Self::new(Arc::clone(&self.header));
        let Some((index, entry)) = index.and_then(|index| Some((index, *self.rows.get(index)?))) else {
            return only;
        };
        let end = self.rows.get(index + 1).map_or(self.text.len(), |next| next.start as usize);
        let per_row = marks_per_row(self.header.len());
        only.text = self.text.get(entry.start as usize..end).unwrap_or_default().to_vec().into();
        only.rows = vec![Entry { start: 0, ..entry }];
        only.marks = self.marks.get(index * per_row..(index + 1) * per_row).unwrap_or_default().to_vec();
        only
    }

    /// Returns the table in the format of HAProxy: header, rows and the empty line at the end.
    ///
    /// Parsing this text gives an equal table. A cell is quoted only if necessary, which is the
    /// rule of HAProxy too.
    pub fn to_csv(&self) -> String {
        let head = self.header.to_line() + "\n";
        let lines = csv::Terminator::Any(b'\n');
        let mut writer =
            csv::WriterBuilder::new().terminator(lines).flexible(true).from_writer(head.into_bytes());
        for row in self.rows() {
            // HAProxy ends each row with a comma. Writing to memory does not fail.
            let _ = writer.write_record(row.cells().map(|(_, cell)| cell).chain([""]));
        }
        let written = writer.into_inner().unwrap_or_default();
        String::from_utf8(written).unwrap_or_default() + "\n"
    }

    /// Returns the table with the rows of this one: itself, unless it has newer values of another one.
    #[inline]
    pub(super) fn original(&self) -> &Self {
        self.renewal.as_ref().and_then(Renewal::original).unwrap_or(self)
    }

    /// Returns the bytes of the text from the beginning of the row to the end of all rows.
    #[inline]
    pub(super) fn bytes_from(&self, entry: Entry) -> &[u8] {
        self.text.get(entry.start as usize..).unwrap_or_default()
    }

    /// Returns the bytes of the cells between two marks of row `index`, or of those behind the last mark.
    #[inline]
    pub(super) fn block(&self, index: usize, entry: Entry, number: usize) -> Option<&[u8]> {
        let per_row = marks_per_row(self.header.len());
        let marks = self.marks.get(index * per_row..(index + 1) * per_row)?;
        let start = number.checked_sub(1).map_or(Some(0), |mark| marks.get(mark).copied())?;
        let row = entry.start as usize;
        let end = match marks.get(number) {
            Some(mark) => row + usize::from(*mark),
            None => self.rows.get(index + 1).map_or(self.text.len(), |next| next.start as usize),
        };
        self.text.get(row + usize::from(start)..end)
    }

    /// Returns the offset of column `position` in the bytes of row `index`.
    #[inline]
    pub(super) fn offset(&self, index: usize, entry: Entry, position: usize) -> Option<usize> {
        let per_row = marks_per_row(self.header.len());
        let at = match (position / STEP).checked_sub(1) {
            None => 0,
            Some(mark) => usize::from(*self.marks.get(index * per_row + mark)?),
        };
        scan::skip(self.bytes_from(entry), at, position % STEP, entry.separator())
    }

    /// Returns the kind that the cell of row `index` says, or `None` if the cell is empty.
    #[inline]
    pub(super) fn kind_in_cell(&self, index: usize, entry: Entry) -> Option<RowKind> {
        let separator = entry.separator();
        let start = self.offset(index, entry, self.header.position(Col::kind_code)?)?;
        match self.bytes_from(entry).get(start..)? {
            [code @ b'0'..=b'3', end, ..] if *end == separator => Some(match code {
                b'0' => RowKind::Frontend,
                b'1' => RowKind::Backend,
                b'2' => RowKind::Server,
                _ => RowKind::Listener,
            }),
            [end, ..] if *end == separator => None,
            // The cell is a number: each cell was checked.
            _ => Some(RowKind::Other),
        }
    }
}

impl Entry {
    #[inline]
    pub(super) fn separator(self) -> u8 {
        if self.unquoted { UNQUOTED } else { b',' }
    }
}

/// Returns the number of marks in a row with this number of columns.
#[inline]
pub(super) fn marks_per_row(columns: usize) -> usize {
    columns.saturating_sub(1) / STEP
}

impl PartialEq for StatTable {
    fn eq(&self, other: &Self) -> bool {
        self.header == other.header
            && self.len() == other.len()
            && self.rows().zip(other.rows()).all(|(mine, theirs)| mine.cells().eq(theirs.cells()))
    }
}

impl Eq for StatTable {}

impl fmt::Debug for StatTable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.rows()).finish()
    }
}
