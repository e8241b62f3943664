use std::collections::VecDeque;

use super::header::Header;
use super::table::UNQUOTED;
use crate::error::Malformed;
use crate::show::scan::{self, Class};

/// Reads rows that hold quotes.
#[derive(Debug, Default)]
pub(super) struct Unquoter {
    /// Made for the first such row and kept: to make it takes ten times as long
    /// as to read a row with it.
    csv: Option<Box<Csv>>,
}

#[derive(Debug)]
struct Csv {
    /// Reads what is put into the queue, one whole row at a time.
    reader: csv::Reader<VecDeque<u8>>,
    record: csv::ByteRecord,
}

impl Unquoter {
    /// Replaces a row that holds quotes by its cells, [`UNQUOTED`] behind each, and
    /// fills what is left of its room with the same byte.
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
        // The cells and a byte for each are never longer than what they were read
        // from: quotes only add to it.
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

    /// Whether `row`, line feed included, is one whole record.
    fn read(&mut self, row: &[u8]) -> bool {
        let start = self.reader.position().byte();
        self.reader.get_mut().extend(row);
        let read = matches!(self.reader.read_byte_record(&mut self.record), Ok(true));
        let all = self.reader.position().byte() - start == row.len() as u64;
        // A line ends in a comma, so that there is one more, empty, field.
        read && all && self.record.iter().next_back() == Some(b"")
    }
}
