use std::collections::VecDeque;

use super::header::Header;
use super::table::UNQUOTED;
use crate::error::Malformed;
use crate::show::scan::{self, Class};

/// Reader for rows that contain quotes.
#[derive(Debug, Default)]
pub(super) struct Unquoter {
    /// Created for the first such row and kept, because creating it takes ten times as long as
    /// reading a row with it.
    csv: Option<Box<Csv>>,
}

#[derive(Debug)]
struct Csv {
    /// Reads from the queue, which is filled with one whole row at a time.
    reader: csv::Reader<VecDeque<u8>>,
    record: csv::ByteRecord,
}

impl Unquoter {
    /// Replaces a row that contains quotes by its cells, each followed by [`UNQUOTED`], and fills
    /// the rest of the row with the same byte.
    pub(super) fn unquote(&mut self, row: &mut [u8], header: &Header, line: usize) -> Result<(), Malformed> {
        let csv = self.csv.get_or_insert_with(Csv::new);
        if !csv.read(row) || csv.record.len() != header.len() + 1 {
            let expected = "as many fields as the header has";
            let found = row.strip_suffix(b"\n").unwrap_or(row);
            return Err(Malformed::new(line, None, expected, found));
        }
        for (index, (cell, class)) in csv.record.iter().zip(header.classes()).enumerate() {
            let fits = match class {
                Class::Number => cell.is_empty() || scan::to_u64(cell).is_some(),
                Class::Signed => cell.is_empty() || scan::to_i64(cell).is_some(),
                Class::Text => true,
            };
            if !fits {
                return Err(Malformed::new(line, header.name(index), "a whole number", cell));
            }
        }
        // The cells, each with one more byte, are never longer than the original row, because
        // quotes only add to it.
        let mut rest = row;
        for cell in csv.record.iter().take(header.len()) {
            let (filled, behind) = rest.split_at_mut(cell.len() + 1);
            if let Some((end, text)) = filled.split_last_mut() {
                text.copy_from_slice(cell);
                *end = UNQUOTED;
            }
            rest = behind;
        }
        rest.fill(UNQUOTED);
        Ok(())
    }
}

impl Csv {
    fn new() -> Box<Self> {
        let reader = csv::ReaderBuilder::new()
            .has_headers(false)
            .flexible(true)
            .terminator(csv::Terminator::Any(b'\n'))
            .from_reader(VecDeque::new());
        Box::new(Self { reader, record: csv::ByteRecord::new() })
    }

    /// Returns `true` if `row`, including its line feed, is exactly one record.
    fn read(&mut self, row: &[u8]) -> bool {
        let start = self.reader.position().byte();
        self.reader.get_mut().extend(row);
        let read = matches!(self.reader.read_byte_record(&mut self.record), Ok(true));
        let all = self.reader.position().byte() - start == row.len() as u64;
        // A row ends in a comma, so there is one more field, which is empty.
        read && all && self.record.iter().next_back() == Some(b"")
    }
}
