//! Tables with counters that were read anew from elsewhere.

use std::io::Write as _;
use std::sync::Arc;

use super::cells::Cells as _;
use super::header::Header;
use super::row::Row;
use super::table::{Entry, NewerCells, Renewal, StatTable};
use crate::field::Col;
use crate::show::scan::STEP;

impl StatTable {
    /// Returns a table with newer values. A cell that is empty in the original stays empty: the row
    /// has no such value.
    pub(crate) fn renewed(newer: Arc<dyn NewerCells>) -> Self {
        let header = newer.table().map_or_else(|| Arc::new(Header::smallest()), |table| table.header.clone());
        let mut table = Self::new(header);
        table.renewal = Some(Renewal { newer, written: Arc::default() });
        table
    }
}

impl Renewal {
    /// Returns the original table.
    pub(super) fn original(&self) -> Option<&StatTable> {
        self.newer.table()
    }

    /// Returns the newer value of a cell that is not empty in the original.
    #[inline]
    pub(super) fn value(&self, row: usize, column: Col) -> Option<i128> {
        if column.declared().shared { self.newer.value(row, column) } else { None }
    }

    /// Returns the row at `index` with the texts of all newer values.
    pub(super) fn written_row(&self, index: usize) -> Option<Row<'_>> {
        self.written().row(index)
    }

    /// Returns the memory that the texts take, in bytes.
    pub(super) fn heap_size(&self) -> usize {
        self.written.get().map_or(0, StatTable::heap_size)
    }

    fn written(&self) -> &StatTable {
        self.written.get_or_init(|| {
            let Some(original) = self.original() else { return StatTable::empty() };
            let mut columns = vec![None; original.header.len()];
            for column in Col::ALL.iter().filter(|column| column.declared().shared) {
                let slot = original.header.position(*column).and_then(|position| columns.get_mut(position));
                if let Some(slot) = slot {
                    *slot = Some(*column);
                }
            }
            self.write(original, &columns)
        })
    }

    /// Writes the table. `columns` has the column of each position that may have newer values.
    fn write(&self, original: &StatTable, columns: &[Option<Col>]) -> StatTable {
        let mut table = StatTable::new(Arc::clone(&original.header));
        table.text.reserve(original.text.len() + original.text.len() / 8);
        for row in original.rows() {
            let Ok(start) = u32::try_from(table.text.len()) else { break };
            let (entry, begin) = (row.entry(), table.text.len());
            for (position, (cell, column)) in row.each_printed().zip(columns).enumerate() {
                if position > 0 && position % STEP == 0 {
                    let mark = table.text.len() - begin;
                    table.marks.push(u16::try_from(mark).unwrap_or(u16::MAX));
                }
                let newer = column.filter(|_| !cell.is_empty());
                match newer.and_then(|column| self.newer.value(row.index(), column)) {
                    // Writing to memory cannot fail.
                    Some(value) => drop(write!(table.text, "{value}")),
                    None => table.text.extend_from_slice(cell),
                }
                table.text.push(entry.separator());
            }
            table.text.push(b'\n');
            table.rows.push(Entry { start, ..entry });
        }
        table
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::show::stat::StatParser;

    /// Newer values of two rows of a table: `stot` of the first one and `lastsess` of both.
    struct Newer(StatTable);

    impl NewerCells for Newer {
        fn table(&self) -> Option<&StatTable> {
            Some(&self.0)
        }

        fn value(&self, row: usize, column: Col) -> Option<i128> {
            match (row, column) {
                (0, Col::stot) => Some(12_345),
                (_, Col::lastsess) => Some(-1),
                _ => None,
            }
        }
    }

    fn parse(text: &str) -> StatTable {
        let mut parser = StatParser::new();
        parser.feed(text.as_bytes()).unwrap();
        parser.finish().unwrap()
    }

    #[test]
    fn numbers_and_texts_are_the_newer_ones() {
        let filler = "x0,x1,x2,x3,x4,x5,x6,x7,x8,x9,xa,xb,xc,xd,xe,xf,xg,xh,xi,xj,";
        let header = format!("# pxname,svname,type,stot,{filler}lastsess,last_chk,\n");
        let cells = |from: &str| from.repeat(20);
        let before = format!(
            "{header}a,b,2,7,{}3,\"q, r\",\na,c,2,,{},s,\na,d,2,9,{}4,,\n\n",
            cells("y,"),
            cells("z,"),
            cells(",")
        );
        let after = format!(
            "{header}a,b,2,12345,{}-1,\"q, r\",\na,c,2,,{},s,\na,d,2,9,{}-1,,\n\n",
            cells("y,"),
            cells("z,"),
            cells(",")
        );
        let table = StatTable::renewed(Arc::new(Newer(parse(&before))));
        let numbers: Vec<_> = table.rows().map(|row| (row.stot(), row.lastsess())).collect();
        assert_eq!(numbers, [(Some(12_345), Some(-1)), (None, None), (Some(9), Some(-1))]);
        assert!(table.heap_size() < parse(&before).heap_size() * 2, "no text is written for numbers");
        assert_eq!(table, parse(&after));
        assert_eq!(table.to_csv(), after);
        assert_eq!((table.len(), table.is_empty()), (3, false));
        let row = table.row(0).unwrap();
        assert_eq!((row.get("stot"), row.get("last_chk")), (Some("12345"), Some("q, r")));
        let split = &crate::show::stat::SplitRow::new(row);
        assert_eq!((split.number(Col::stot), split.signed(Col::lastsess)), (Some(12_345), Some(-1)));
        assert_eq!(split.text(Col::stot), Some("12345"));
    }
}
