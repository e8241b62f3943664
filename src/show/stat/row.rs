use std::fmt;
use std::sync::Arc;

use super::cells::{Cells, text};
use super::header::Header;
use super::row_list::{ListedRow, ListenerId, RowList};
use super::table::{CELLS_IN_BLOCK, Entry, Renewal, StatTable};
use super::{CheckStatus, Mode, Status};
use crate::field::{Col, RowKind, for_each_column, unit};
use crate::show::scan::{self, FoundCells};

/// One row of `show stat`: the figures of one frontend, backend, server or listener in one process.
///
/// Every column has an accessor, named as HAProxy names it. An accessor returns `None` if the cell
/// is empty (the figure does not apply, or not yet) or if the release has no such column. Columns
/// that this crate does not know are read with [`get`](Row::get).
///
/// With the feature `serde`, a row is serialised as a map from column names to values, without the
/// empty columns. A value is a number if the table of columns ([`field`](crate::field)) says so,
/// otherwise text; unknown columns are always text. A row cannot be deserialised, because it is a
/// view of a [`StatTable`]: store the [`Snapshot`](crate::Snapshot) or [`StatTable::to_csv`]
/// instead.
///
/// # Example
///
/// ```
/// use haproxyadmin::stat::{RowKind, StatParser};
///
/// let mut parser = StatParser::new();
/// parser.feed(b"# pxname,svname,scur,type,\napp,web1,3,2,\n\n")?;
/// let table = parser.finish()?;
/// let row = table.row(0).unwrap();
/// assert_eq!((row.kind(), row.proxy(), row.name()), (RowKind::Server, "app", "web1"));
/// assert_eq!((row.scur(), row.get("scur")), (Some(3), Some("3")));
/// # Ok::<(), haproxyadmin::Error>(())
/// ```
#[derive(Clone, Copy)]
pub struct Row<'a> {
    /// Table with the text of the row.
    dump: &'a StatTable,
    /// Newer values of its cells.
    renewal: Option<&'a Renewal>,
    index: usize,
    entry: Entry,
}

impl StatTable {
    /// Returns the rows, in the order of the reply.
    pub fn rows(&self) -> impl ExactSizeIterator<Item = Row<'_>> + DoubleEndedIterator {
        let (original, renewal) = (self.original(), self.renewal.as_ref());
        original.rows.iter().enumerate().map(move |(index, entry)| Row::new(original, renewal, index, *entry))
    }

    /// Returns the row at `index`.
    pub fn row(&self, index: usize) -> Option<Row<'_>> {
        let original = self.original();
        original.rows.get(index).map(|entry| Row::new(original, self.renewal.as_ref(), index, *entry))
    }

    /// Returns what identifies the rows.
    pub(crate) fn list(&self) -> &Arc<RowList> {
        let original = self.original();
        original.list.get_or_init(|| original.to_list().into())
    }

    pub(super) fn to_list(&self) -> RowList {
        RowList::new(self.rows().map(|row| {
            let is_listener = row.kind() == RowKind::Listener;
            (row.kind(), [row.proxy(), row.name()], is_listener.then(|| row.listener_id()))
        }))
    }

    /// Returns `true` if the rows from `from` on are those of the list at the same positions.
    pub(super) fn goes_on_as(&self, list: &RowList, from: usize) -> bool {
        let listed = list.rows().get(from..).unwrap_or_default();
        let rows = self.rows().skip(from);
        listed.len() >= rows.len() && rows.zip(listed).all(|(row, listed)| row.is_listed(list, listed))
    }
}

impl<'a> Row<'a> {
    #[inline]
    pub(super) fn new(dump: &'a StatTable, renewal: Option<&'a Renewal>, index: usize, entry: Entry) -> Self {
        Self { dump, renewal, index, entry }
    }

    pub(super) fn entry(&self) -> Entry {
        self.entry
    }

    /// Returns `true` if there may be newer values than those that HAProxy printed.
    pub(crate) fn is_renewed(&self) -> bool {
        self.renewal.is_some()
    }

    /// Returns the kind of the row, from its `type` column.
    pub fn kind(&self) -> RowKind {
        self.entry.kind
    }

    /// Returns the text of the column called `name`, known to this crate or not: an empty text if
    /// the cell is empty, `None` if the release has no such column.
    pub fn get(&self, name: &str) -> Option<&'a str> {
        self.bytes(self.dump.header.find(name)?).map(text)
    }

    /// Returns every column with its text, in the order of the reply.
    pub fn cells(&self) -> impl Iterator<Item = (&'a str, &'a str)> + use<'a> {
        self.dump.header.names().zip(self.each().map(text))
    }

    /// Returns the name of the proxy that the row belongs to.
    pub fn proxy(&self) -> &'a str {
        self.text(Col::pxname).unwrap_or_default()
    }

    /// Returns the name of the server or listener; `FRONTEND` or `BACKEND` on the row of the proxy
    /// itself. A server may also be called `BACKEND`, so use [`kind`](Row::kind) to tell rows
    /// apart.
    pub fn name(&self) -> &'a str {
        self.text(Col::svname).unwrap_or_default()
    }

    /// Returns `true` if the row has these names.
    pub(crate) fn is_named(&self, proxy: &str, name: &str) -> bool {
        self.proxy() == proxy && self.name() == name
    }

    /// Returns what tells listeners with the same names apart.
    pub(crate) fn listener_id(&self) -> ListenerId {
        ListenerId { address: self.addr().map(Into::into), number: self.sid() }
    }

    /// Returns `true` if the row is identified as the row `listed` of the list.
    #[inline]
    fn is_listed(&self, list: &RowList, listed: &ListedRow) -> bool {
        let begins_with_names = || {
            !self.entry.unquoted
                && self.dump.header.begins_with_names()
                && self.dump.bytes_from(self.entry).starts_with(list.stored_names_of(listed))
        };
        let is_named = || list.names_of(listed) == (self.proxy(), self.name());
        let is_listener = |id: &ListenerId| id.address.as_deref() == self.addr() && id.number == self.sid();
        listed.kind == self.kind()
            && (begins_with_names() || is_named())
            && listed.listener.as_deref().is_none_or(is_listener)
    }

    /// Returns a cell as HAProxy printed it, or `None` if it is empty or absent.
    #[inline]
    fn printed_cell(&self, column: Col) -> Option<&'a [u8]> {
        self.printed_bytes(self.dump.header.position(column)?).filter(|cell| !cell.is_empty())
    }

    /// Returns the bytes of a cell as HAProxy printed it.
    #[inline]
    pub(crate) fn printed_bytes(&self, position: usize) -> Option<&'a [u8]> {
        let start = self.dump.offset(self.index, self.entry, position)?;
        scan::until(self.dump.bytes_from(self.entry), start, self.entry.separator())
    }

    /// Returns the newer value of a cell that is not empty.
    #[inline]
    pub(crate) fn newer(&self, column: Col) -> Option<i128> {
        self.renewal?.value(self.index, column)
    }

    /// Returns the bytes of a block of cells as HAProxy printed them: of the [`CELLS_IN_BLOCK`] cells behind
    /// `number` times as many. A separator ends each cell. The last block may have other bytes behind its cells.
    #[inline]
    pub(crate) fn block(&self, number: usize) -> Option<&'a [u8]> {
        self.dump.block(self.index, self.entry, number)
    }

    /// Returns the cells from the beginning of a block on as HAProxy printed them.
    #[inline]
    pub(crate) fn block_cells(&self, number: usize) -> Option<impl Iterator<Item = &'a [u8]> + use<'a>> {
        let start = self.dump.offset(self.index, self.entry, number * CELLS_IN_BLOCK)?;
        let bytes = self.dump.bytes_from(self.entry).get(start..)?;
        Some(scan::Cells::new(bytes, self.entry.separator()))
    }

    /// Begins to find cells as HAProxy printed them.
    #[inline]
    pub(crate) fn found_cells(&self) -> FoundCells<'a> {
        FoundCells::new(self.dump.bytes_from(self.entry), self.entry.separator())
    }

    /// Finds the first `count` cells of a block.
    #[inline(always)]
    #[allow(clippy::inline_always, reason = "as in `scan`")]
    pub(crate) fn find_cells(&self, block: usize, count: usize, found: &mut FoundCells<'a>) {
        // No cell is behind the end of the text.
        let start = self.dump.offset(self.index, self.entry, block * CELLS_IN_BLOCK);
        found.find(start.unwrap_or(self.dump.text.len()), count);
    }

    /// Returns every cell, in the order of the reply.
    pub(crate) fn each(&self) -> impl Iterator<Item = &'a [u8]> + use<'a> {
        let written = self.renewal.and_then(|renewal| renewal.written_row(self.index));
        written.unwrap_or(*self).each_printed()
    }

    /// Returns every cell as HAProxy printed it, in the order of the reply.
    pub(crate) fn each_printed(&self) -> impl Iterator<Item = &'a [u8]> + use<'a> {
        scan::Cells::new(self.dump.bytes_from(self.entry), self.entry.separator())
            .take(self.dump.header.len())
    }
}

impl<'a> Cells<'a> for Row<'a> {
    #[inline]
    fn header(&self) -> &'a Header {
        &self.dump.header
    }

    #[inline]
    fn index(&self) -> usize {
        self.index
    }

    #[inline]
    fn bytes(&self, position: usize) -> Option<&'a [u8]> {
        match self.renewal {
            Some(renewal) if self.dump.header.is_renewable(position) => {
                renewal.written_row(self.index)?.printed_bytes(position)
            }
            _ => self.printed_bytes(position),
        }
    }

    #[inline]
    fn number(&self, column: Col) -> Option<u64> {
        let cell = self.printed_cell(column)?;
        match self.newer(column) {
            Some(value) => u64::try_from(value).ok(),
            None => scan::to_u64(cell),
        }
    }

    #[inline]
    fn signed(&self, column: Col) -> Option<i64> {
        let cell = self.printed_cell(column)?;
        match self.newer(column) {
            Some(value) => i64::try_from(value).ok(),
            None => scan::to_i64(cell),
        }
    }
}

/// A row with the positions of all its cells, for callers that read most of them. Finding all cells
/// in one pass costs a fraction of finding each one separately.
#[derive(Debug)]
pub(crate) struct SplitRow<'a> {
    row: Row<'a>,
    cells: Vec<&'a [u8]>,
}

impl<'a> SplitRow<'a> {
    pub(crate) fn new(row: Row<'a>) -> Self {
        let mut cells = Vec::with_capacity(row.header().len());
        cells.extend(row.each_printed());
        Self { row, cells }
    }

    /// Returns a cell as HAProxy printed it, or `None` if it is empty or absent.
    #[inline]
    fn printed_cell(&self, column: Col) -> Option<&'a [u8]> {
        self.cells.get(self.row.header().position(column)?).copied().filter(|cell| !cell.is_empty())
    }

    /// Returns `true` if there may be newer values than those that HAProxy printed.
    pub(crate) fn is_renewed(&self) -> bool {
        self.row.is_renewed()
    }
}

impl<'a> Cells<'a> for &SplitRow<'a> {
    #[inline]
    fn header(&self) -> &'a Header {
        self.row.header()
    }

    #[inline]
    fn index(&self) -> usize {
        self.row.index
    }

    #[inline]
    fn bytes(&self, position: usize) -> Option<&'a [u8]> {
        if self.row.is_renewed() && self.header().is_renewable(position) {
            return self.row.bytes(position);
        }
        self.cells.get(position).copied()
    }

    #[inline]
    fn number(&self, column: Col) -> Option<u64> {
        let cell = self.printed_cell(column)?;
        match self.row.newer(column) {
            Some(value) => u64::try_from(value).ok(),
            None => scan::to_u64(cell),
        }
    }

    #[inline]
    fn signed(&self, column: Col) -> Option<i64> {
        let cell = self.printed_cell(column)?;
        match self.row.newer(column) {
            Some(value) => i64::try_from(value).ok(),
            None => scan::to_i64(cell),
        }
    }
}

macro_rules! column_accessors {
    ($(
        $accessor:ident = $name:literal, $wire:ident, $unit:ident, $nature:ident, $since:literal,
        $([$($kind:ident)*] $rule:ident)*, $doc:literal;
    )*) => {
        /// Accessors, one for each column.
        impl<'a> Row<'a> {
            $(
                #[doc = $doc]
                #[doc = ""]
                #[doc = concat!("Column `", $name, "`", unit!($unit), "; HAProxy ", $since, " and later.")]
                pub fn $accessor(&self) -> Option<column_type!($wire)> {
                    column_value!(self, $wire, $accessor)
                }
            )*
        }
    };
}

macro_rules! column_type {
    (U32) => { u64 };
    (U64) => { u64 };
    (I32) => { i64 };
    (Text) => { &'a str };
    (Status) => { Status };
    (Check) => { CheckStatus };
    (Mode) => { Mode };
}

macro_rules! column_value {
    ($row:ident, U32, $column:ident) => {
        $row.number(Col::$column)
    };
    ($row:ident, U64, $column:ident) => {
        $row.number(Col::$column)
    };
    ($row:ident, I32, $column:ident) => {
        $row.signed(Col::$column)
    };
    ($row:ident, Text, $column:ident) => {
        $row.text(Col::$column)
    };
    ($row:ident, Status, $column:ident) => {
        $row.text(Col::$column).map(Status::parse)
    };
    ($row:ident, Check, $column:ident) => {
        $row.text(Col::$column).map(CheckStatus::parse)
    };
    ($row:ident, Mode, $column:ident) => {
        $row.text(Col::$column).map(Mode::parse)
    };
}

for_each_column!(column_accessors);

impl PartialEq for Row<'_> {
    fn eq(&self, other: &Self) -> bool {
        self.cells().eq(other.cells())
    }
}

#[cfg(feature = "serde")]
impl serde::Serialize for Row<'_> {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        use scan::Class;
        use serde::ser::SerializeMap as _;

        let header = &self.dump.header;
        let mut map = serializer.serialize_map(None)?;
        for ((name, class), cell) in header.names().zip(header.classes()).zip(self.each()) {
            if cell.is_empty() {
                continue;
            }
            // The parser has checked that numbers consist of digits. A number that does not fit its
            // type is written as text.
            match (class, scan::to_u64(cell), scan::to_i64(cell)) {
                (Class::Number, Some(number), _) => map.serialize_entry(name, &number)?,
                (Class::Signed, _, Some(number)) => map.serialize_entry(name, &number)?,
                _ => map.serialize_entry(name, text(cell))?,
            }
        }
        map.end()
    }
}

impl fmt::Debug for Row<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_map().entries(self.cells().filter(|(_, cell)| !cell.is_empty())).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::show::stat::StatParser;

    #[test]
    fn a_table_with_one_row_reads_as_the_row() {
        let mut parser = StatParser::new();
        let columns = (0..20).map(|n| format!("c{n},")).collect::<Vec<_>>().concat();
        parser.feed(format!("# pxname,svname,type,{columns}\n").as_bytes()).unwrap();
        for n in 0..3 {
            let cells = (0..20).map(|at| format!("{},", at * n)).collect::<Vec<_>>().concat();
            let name = ["plain", "\"a, b\"", "last"][n];
            parser.feed(format!("p,{name},2,{cells}\n").as_bytes()).unwrap();
        }
        parser.feed(b"\n").unwrap();
        let table = parser.finish().unwrap();
        for (index, row) in table.rows().enumerate() {
            let only = table.only(Some(index));
            assert_eq!((only.len(), only.row(0)), (1, Some(row)));
            assert_eq!(only.row(0).unwrap().get("c19"), row.get("c19"));
        }
        assert!(table.only(None).is_empty() && table.only(Some(3)).is_empty());
    }

    #[test]
    fn a_cut_row_has_the_cells_of_the_row() {
        let mut parser = StatParser::new();
        parser.feed(b"# new,svname,pxname,type,scur,lastsess,last_chk,\n").unwrap();
        parser.feed(b"x,b,a,2,7,-1,,\n,b,a,2,,,\"q, r\",\n\n").unwrap();
        let dump = parser.finish().unwrap();
        for row in dump.rows() {
            let cut = &SplitRow::new(row);
            for column in Col::ALL {
                assert_eq!(cut.cell(*column), row.cell(*column), "{column:?}");
            }
            assert_eq!(cut.bytes(0), row.bytes(0));
            assert_eq!(cut.bytes(7), None);
        }
    }
}
