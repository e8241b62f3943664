use super::header::Header;
use crate::field::Col;
use crate::show::scan;

/// Access to the cells of a row by column, independent of the way they are found.
pub(crate) trait Cells<'a> {
    /// Returns the header of the table.
    fn header(&self) -> &'a Header;

    /// Returns the position of the row in its table.
    fn index(&self) -> usize;

    /// Returns the cell at `position` in the row.
    fn bytes(&self, position: usize) -> Option<&'a [u8]>;

    /// Returns the cell of a known column, or `None` if it is empty or absent.
    #[inline]
    fn cell(&self, column: Col) -> Option<&'a [u8]> {
        self.bytes(self.header().position(column)?).filter(|cell| !cell.is_empty())
    }

    /// Returns the text of a known column: an empty text if the cell is empty, `None` if the
    /// release does not print the column.
    fn printed(&self, column: Col) -> Option<&'a str> {
        self.text_at(self.header().position(column)?)
    }

    /// Returns the text of the cell at `position` in the row.
    fn text_at(&self, position: usize) -> Option<&'a str> {
        self.bytes(position).map(text)
    }

    #[inline]
    fn number(&self, column: Col) -> Option<u64> {
        scan::to_u64(self.cell(column)?)
    }

    #[inline]
    fn signed(&self, column: Col) -> Option<i64> {
        scan::to_i64(self.cell(column)?)
    }

    #[inline]
    fn text(&self, column: Col) -> Option<&'a str> {
        self.cell(column).map(text)
    }
}

/// Converts a cell of digits to a number.
#[inline]
pub(crate) fn number(cell: &[u8]) -> Option<u64> {
    scan::to_u64(cell)
}

/// Converts a cell to text. The parser has already checked that rows are UTF-8.
#[inline]
pub(super) fn text(cell: &[u8]) -> &str {
    std::str::from_utf8(cell).unwrap_or_default()
}
