use super::row::Row;
use crate::field::Col;
use crate::show::scan;

/// Cells by their column, however they are found.
pub(crate) trait Cells<'a> {
    /// The row that the cells are of.
    fn row(&self) -> Row<'a>;

    /// The cell at `position` in the row.
    fn bytes(&self, position: usize) -> Option<&'a [u8]>;

    /// Cell of a known column, `None` where it is empty or absent.
    #[inline]
    fn cell(&self, column: Col) -> Option<&'a [u8]> {
        self.bytes(self.row().header().position(column)?).filter(|cell| !cell.is_empty())
    }

    /// Text of a known column, empty where the cell is; `None` where the release does
    /// not print the column.
    fn printed(&self, column: Col) -> Option<&'a str> {
        self.text_at(self.row().header().position(column)?)
    }

    /// Text of the cell at `position` in the row.
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

/// A row with all its cells found, for those who read most of them: to find them
/// one after the other costs a fraction of finding each by itself.
#[derive(Debug)]
pub(crate) struct SplitRow<'a> {
    row: Row<'a>,
    cells: Vec<&'a [u8]>,
}

impl<'a> SplitRow<'a> {
    pub(crate) fn new(row: Row<'a>) -> Self {
        let mut cells = Vec::with_capacity(row.header().len());
        cells.extend(row.each());
        Self { row, cells }
    }
}

impl<'a> Cells<'a> for &SplitRow<'a> {
    fn row(&self) -> Row<'a> {
        self.row
    }

    #[inline]
    fn bytes(&self, position: usize) -> Option<&'a [u8]> {
        self.cells.get(position).copied()
    }
}

/// The parser has made sure that rows are UTF-8.
#[inline]
pub(super) fn text(cell: &[u8]) -> &str {
    std::str::from_utf8(cell).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::show::stat::StatParser;

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
