use super::{
    COMMAS, Class, MOST_DIGITS, ONES, Stop, cell, first, matches, others_than_digits, skip, whole_bytes,
};

/// Returns the position after the comma that ends the last cell of the plain row at the beginning of
/// `bytes`, which has a cell for each class. The error has the number of the wrong cell and its
/// position.
#[inline(never)]
pub(in crate::show) fn row(
    bytes: &[u8],
    classes: &[Class],
    marks: &mut Marks<'_>,
) -> Result<usize, (usize, usize, Stop)> {
    let (mut at, mut column) = (0, 0);
    while column < classes.len() {
        (at, column) = digits_and_commas(bytes, at, column, marks);
        let Some(class) = classes.get(column) else { break };
        at = cell(bytes, at, *class).map_err(|stop| (column, at, stop))?;
        column += 1;
        if column == marks.next {
            marks.push(at);
        }
    }
    if column > classes.len() {
        // There are more cells, and they are digits and commas too.
        at = skip(bytes, 0, classes.len(), b',').unwrap_or(at);
    }
    Ok(at)
}

/// Reads cells of fewer than 20 digits, or of none, from the cell number `column` at `start` on. These
/// cells fit every class. Returns position and number of the first cell that was not read.
#[inline(always)]
fn digits_and_commas(bytes: &[u8], start: usize, column: usize, marks: &mut Marks<'_>) -> (usize, usize) {
    let mut rest = bytes.get(start..).unwrap_or_default();
    let (mut column, mut next) = (column, marks.next);
    while let Some((chunk, behind)) = rest.split_first_chunk::<8>() {
        let word = u64::from_le_bytes(*chunk);
        if word == COMMAS && next - column <= STEP {
            if let Some(behind) = rest.strip_prefix(&[b','; STEP]) {
                marks.push(bytes.len() - rest.len() + next - column);
                (column, next, rest) = (column + STEP, marks.next, behind);
                continue;
            }
        }
        let others = others_than_digits(word);
        let wrong = (word ^ COMMAS) & whole_bytes(others);
        if wrong != 0 {
            // The commas in front of the first byte that is neither a digit nor a comma.
            let commas = others & (wrong & wrong.wrapping_neg()).wrapping_sub(1);
            let (at, counts) = (bytes.len() - rest.len(), Counts::new(commas));
            if column + counts.all() >= next {
                marks.push(at + counts.behind(next - column));
            }
            let start = match counts.all() {
                0 => cell_start(bytes, at),
                _ => at + 8 - (commas.leading_zeros() / 8) as usize,
            };
            return (start, column + counts.all());
        }
        let counts = Counts::new(others);
        let here = counts.all();
        if column + here >= next {
            marks.push(bytes.len() - rest.len() + counts.behind(next - column));
            next = marks.next;
        }
        if here == 0 && !is_short(bytes, bytes.len() - rest.len()) {
            break;
        }
        column += here;
        rest = behind;
    }
    (cell_start(bytes, bytes.len() - rest.len()), column)
}

/// The number of commas of a word up to each of its bytes, the byte itself included.
#[derive(Clone, Copy)]
struct Counts(u64);

impl Counts {
    /// Counts the bytes with a high bit set. No other bit may be set.
    #[inline(always)]
    fn new(commas: u64) -> Self {
        Self((commas >> 7).wrapping_mul(ONES))
    }

    #[inline(always)]
    fn all(self) -> usize {
        (self.0 >> 56) as usize
    }

    /// Returns the index of the byte behind comma number `n`.
    #[inline(always)]
    fn behind(self, n: usize) -> usize {
        first(matches(self.0 ^ (ONES * n as u64), 0)) + 1
    }
}

/// Returns the start of the cell of which the digits in front of `at` were read.
#[inline(always)]
fn cell_start(bytes: &[u8], at: usize) -> usize {
    let mut start = at;
    while start > 0 && bytes.get(start - 1).is_some_and(u8::is_ascii_digit) {
        start -= 1;
    }
    start
}

/// Returns `true` if the number around the eight digits at `at` has fewer than 20 digits.
#[cold]
fn is_short(bytes: &[u8], at: usize) -> bool {
    let before = bytes.get(..at).unwrap_or_default().iter().rev();
    let behind = bytes.get(at..).unwrap_or_default().iter();
    let digits = |byte: &&u8| byte.is_ascii_digit();
    before.take(MOST_DIGITS).take_while(digits).count() + behind.take(MOST_DIGITS).take_while(digits).count()
        < MOST_DIGITS
}

/// The marks of a row: the positions of every [`STEP`]-th of its cells.
#[derive(Debug)]
pub(in crate::show) struct Marks<'a> {
    positions: &'a mut Vec<u16>,
    /// Cell of the next mark.
    next: usize,
    columns: usize,
}

/// Number of cells from one mark of a row to the next. [`row`] reads that many empty cells at once.
pub(in crate::show) const STEP: usize = 16;

impl<'a> Marks<'a> {
    /// Creates the marks of one row, which are appended.
    #[inline(always)]
    pub(in crate::show) fn new(positions: &'a mut Vec<u16>, columns: usize) -> Self {
        Self { positions, next: if STEP < columns { STEP } else { usize::MAX }, columns }
    }

    #[inline(always)]
    fn push(&mut self, at: usize) {
        self.positions.push(u16::try_from(at).unwrap_or(u16::MAX));
        self.next += STEP;
        if self.next >= self.columns {
            self.next = usize::MAX;
        }
    }
}

#[cfg(test)]
mod tests {
    use arbtest::arbitrary::{Result, Unstructured};
    use arbtest::arbtest;

    use super::*;

    /// Returns some of the bytes, as many as the range allows.
    fn bytes_of(u: &mut Unstructured<'_>, choices: &[u8], most: usize) -> Result<Vec<u8>> {
        (0..u.int_in_range(0..=most)?).map(|_| u.choose(choices).copied()).collect()
    }

    /// Reads a row cell by cell.
    fn row_by_cells(bytes: &[u8], classes: &[Class]) -> Ends {
        let (mut at, mut marks) = (0, Vec::new());
        for (column, class) in classes.iter().enumerate() {
            if column > 0 && column % STEP == 0 {
                marks.push(u16::try_from(at).unwrap());
            }
            at = cell(bytes, at, *class).map_err(|stop| (column, at, stop))?;
        }
        Ok((at, marks))
    }

    type Ends = std::result::Result<(usize, Vec<u16>), (usize, usize, Stop)>;

    #[test]
    fn a_row_is_read_as_cell_by_cell() {
        arbtest(|u| {
            let columns = u.int_in_range(1..=50)?;
            let classes = [Class::Number, Class::Number, Class::Signed, Class::Text];
            let classes = (0..columns).map(|_| u.choose(&classes).copied()).collect::<Result<Vec<_>>>()?;
            let mut bytes = Vec::new();
            for class in &classes {
                match (u.int_in_range(0..=19)?, class) {
                    (0..=8, _) => {}
                    (9, _) if u.ratio(1, 20)? => bytes.extend(bytes_of(u, b",\"\n-x7", 3)?),
                    (_, Class::Text) => bytes.extend(bytes_of(u, b"019 xyz\xff", 30)?),
                    (10, Class::Signed) => bytes.extend_from_slice(b"-1"),
                    (11, _) => bytes.extend(bytes_of(u, b"0123456789", 25)?),
                    (12, _) => bytes.extend(bytes_of(u, b"0", 45)?),
                    _ => bytes.extend(bytes_of(u, b"0123456789", 2)?),
                }
                bytes.push(b',');
            }
            bytes.push(b'\n');
            bytes.extend(bytes_of(u, b"0,\n", 20)?);
            bytes.push(b'\n');
            let mut marks = Vec::new();
            let read = row(&bytes, &classes, &mut Marks::new(&mut marks, columns)).map(|at| (at, marks));
            let line = String::from_utf8_lossy(&bytes);
            assert_eq!(read, row_by_cells(&bytes, &classes), "{line:?} {classes:?}");
            Ok(())
        })
        .budget_ms(3_000);
    }
}
