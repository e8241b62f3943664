use super::header::Header;
use super::table::UNQUOTED;
use crate::error::Malformed;
use crate::show::scan::{self, Class};

/// Reader for rows that contain quotes.
#[derive(Debug, Default)]
pub(super) struct Unquoter {
    /// The row as HAProxy printed it. The memory is kept for the next such row.
    printed: Vec<u8>,
}

impl Unquoter {
    /// Replaces a row that contains quotes by its cells, each followed by [`UNQUOTED`], and fills
    /// the rest of the row with the same byte.
    pub(super) fn unquote(&mut self, row: &mut [u8], header: &Header, line: usize) -> Result<(), Malformed> {
        self.printed.clear();
        self.printed.extend_from_slice(row);
        let (mut rest, mut unquoted, mut wrong) = (&*self.printed, Unquoted { row, length: 0 }, None);
        for (index, class) in header.classes().iter().enumerate() {
            let start = unquoted.length;
            rest = unquoted.cell(rest).ok_or_else(|| self.no_row(line))?;
            let cell = unquoted.row.get(start..unquoted.length - 1).unwrap_or_default();
            let fits = match class {
                Class::Number => cell.is_empty() || scan::to_u64(cell).is_some(),
                Class::Signed => cell.is_empty() || scan::to_i64(cell).is_some(),
                Class::Text => true,
            };
            if !fits && wrong.is_none() {
                wrong = Some(Malformed::new(line, header.name(index), "a whole number", cell));
            }
        }
        if rest != b"\n" {
            return Err(self.no_row(line));
        }
        unquoted.row.get_mut(unquoted.length..).unwrap_or_default().fill(UNQUOTED);
        wrong.map_or(Ok(()), Err)
    }

    fn no_row(&self, line: usize) -> Malformed {
        let found = self.printed.strip_suffix(b"\n").unwrap_or(&self.printed);
        Malformed::new(line, None, "as many fields as the header has", found)
    }
}

/// A row of which the first `length` bytes are unquoted cells. They are never longer than the cells as
/// HAProxy printed them, because quotes only add to these.
struct Unquoted<'a> {
    row: &'a mut [u8],
    length: usize,
}

impl Unquoted<'_> {
    /// Appends the cell at the beginning of `printed`. Returns the bytes after its comma, or `None` if no
    /// comma ends the cell.
    ///
    /// As for the `csv` crate, quotes in the middle of a cell without quotes belong to its text, and so
    /// does a text after the closing quote.
    fn cell<'a>(&mut self, printed: &'a [u8]) -> Option<&'a [u8]> {
        let mut rest = printed;
        if let Some(mut quoted) = printed.strip_prefix(b"\"") {
            loop {
                let text = scan::until(quoted, 0, b'"')?;
                self.append(text);
                rest = quoted.get(text.len() + 1..)?;
                let Some(behind) = rest.strip_prefix(b"\"") else { break };
                self.append(b"\"");
                quoted = behind;
            }
        }
        let text = scan::until(rest, 0, b',')?;
        if text.contains(&b'\n') {
            return None;
        }
        self.append(text);
        self.append(&[UNQUOTED]);
        rest.get(text.len() + 1..)
    }

    fn append(&mut self, bytes: &[u8]) {
        let end = self.length + bytes.len();
        if let Some(place) = self.row.get_mut(self.length..end) {
            place.copy_from_slice(bytes);
        }
        self.length = end;
    }
}

#[cfg(test)]
mod tests {
    use arbtest::arbtest;

    use super::*;

    /// Reads the cells with the csv crate: the only record, which ends in an empty field.
    fn by_csv(row: &[u8]) -> Option<Vec<Vec<u8>>> {
        let mut reader = csv::ReaderBuilder::new()
            .has_headers(false)
            .flexible(true)
            .terminator(csv::Terminator::Any(b'\n'))
            .from_reader(row);
        let mut record = csv::ByteRecord::new();
        let is_read = reader.read_byte_record(&mut record).unwrap();
        let is_whole = reader.position().byte() == row.len() as u64;
        let cells: Vec<_> = record.iter().map(<[u8]>::to_vec).collect();
        (is_read && is_whole && cells.len() == 4 && cells[3].is_empty()).then(|| cells[..3].to_vec())
    }

    #[test]
    fn any_row_with_quotes_is_read_as_the_csv_crate_reads_it() {
        let header = Header::parse(b"# pxname,svname,type,").unwrap();
        arbtest(|u| {
            let length = u.int_in_range(0..=14)?;
            let bytes = (0..length).map(|_| u.choose(b"\"\"\",,,\n1a").copied());
            let mut row = bytes.collect::<Result<Vec<_>, _>>()?;
            row.extend_from_slice(b",\n");
            // The parser looks for a row by its first line feed outside quotes.
            if scan::line_end(&row) != Some(row.len()) || !row.contains(&b'"') {
                return Ok(());
            }
            let mut unquoted = row.clone();
            let read = Unquoter::default().unquote(&mut unquoted, &header, 1).map(|()| {
                unquoted.split(|byte| *byte == UNQUOTED).take(3).map(<[u8]>::to_vec).collect::<Vec<_>>()
            });
            let expected = by_csv(&row);
            let is_number =
                |cell: &Vec<u8>| cell.is_empty() || std::str::from_utf8(cell).unwrap().parse::<u64>().is_ok();
            match (read, expected) {
                (Ok(read), Some(expected)) => assert_eq!(read, expected, "{row:?}"),
                (Err(error), Some(expected)) => {
                    assert!(!is_number(&expected[2]), "{row:?}: {error}");
                    assert_eq!(error.expected, "a whole number");
                }
                (Err(error), None) => assert_eq!(error.expected, "as many fields as the header has"),
                (Ok(read), None) => panic!("{row:?}: {read:?}"),
            }
            Ok(())
        })
        .budget_ms(1_000);
    }
}
