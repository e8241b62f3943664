#![allow(clippy::inline_always, reason = "as in `scan`")]

use super::block::{Block, Commas, first_bit, has_twenty_bits, mask};
use super::{Class, MOST_DIGITS, Stop, cell};

/// Returns the position after the comma that ends the last cell of the plain row at the beginning of
/// `bytes`, which has a cell for each class. The error has the number of the wrong cell and its
/// position.
#[inline(never)]
pub(in crate::show) fn row(
    bytes: &[u8],
    classes: &[Class],
    marks: &mut Marks<'_>,
) -> Result<usize, (usize, usize, Stop)> {
    match by_blocks(bytes, classes, marks) {
        Some(end) => Ok(end),
        None => by_cells(bytes, classes, marks),
    }
}

/// Reads a row cell by cell. This is the definition of a row.
#[cold]
#[inline(never)]
fn by_cells(bytes: &[u8], classes: &[Class], marks: &mut Marks<'_>) -> Result<usize, (usize, usize, Stop)> {
    marks.restart();
    let mut at = 0;
    for (column, class) in classes.iter().enumerate() {
        if column == marks.next {
            marks.push(at);
        }
        at = cell(bytes, at, *class).map_err(|stop| (column, at, stop))?;
    }
    Ok(at)
}

/// Reads a row 64 bytes at a time. Returns the same as [`by_cells`], or `None` for a row that it leaves to `by_cells`:
/// a wrong one, one with a quote, one without a line feed behind it, or one with 20 digits side by side, also in a
/// text or at the beginning of the next row.
///
/// Commas and less than 20 digits fit every class. Only the cells with other bytes are looked at one by one.
#[inline(always)]
fn by_blocks(bytes: &[u8], classes: &[Class], marks: &mut Marks<'_>) -> Option<usize> {
    let (mut at, mut column, mut in_text, mut digits_before) = (0, 0, false, 0);
    let mut padded;
    loop {
        let mut rest = bytes.get(at..)?;
        while !in_text && marks.next - column <= STEP {
            let Some(behind) = rest.strip_prefix(&[b','; STEP]) else { break };
            marks.push(at + marks.next - column);
            (at, column, rest, digits_before) = (at + STEP, column + STEP, behind, 0);
        }
        let block = match rest.first_chunk() {
            Some(block) => block,
            None if rest.is_empty() => return None,
            None => {
                padded = [0; size_of::<Block>()];
                padded.get_mut(..rest.len())?.copy_from_slice(rest);
                &padded
            }
        };
        let commas = Commas::new(mask(block, |byte| byte == b','));
        let digits = mask(block, |byte| byte.is_ascii_digit());
        let others = !(commas.mask | digits);
        let mut reached = Reached::Cell;
        if others != 0 || in_text {
            let part = Part { bytes, at, column, block, commas, others, in_text };
            reached = part.check(classes)?;
        }
        if has_twenty_bits(digits) || digits_before + digits.trailing_ones() as usize >= MOST_DIGITS {
            return None;
        }
        let here = commas.count();
        while column + here >= marks.next {
            marks.push(at + commas.behind(marks.next - column));
        }
        if let Reached::End(end) = reached {
            return Some(end);
        }
        digits_before = digits.leading_ones() as usize;
        (at, column, in_text) = (at + size_of::<Block>(), column + here, matches!(reached, Reached::Text));
    }
}

/// The place that the end of a block is in.
enum Reached {
    /// A cell, or the beginning of one.
    Cell,
    /// A cell of a class that takes any text.
    Text,
    /// The next row. This one ends at the position.
    End(usize),
}

/// The part of a row that is in a block, with some cells that do not consist of digits.
struct Part<'a> {
    bytes: &'a [u8],
    /// Position of the block, and the number of the cell that it begins in.
    at: usize,
    column: usize,
    block: &'a Block,
    commas: Commas,
    /// Mask of the bytes that are neither digits nor commas.
    others: u64,
    /// `true` if the block begins in a cell of a class that takes any text.
    in_text: bool,
}

impl Part<'_> {
    /// Checks these cells up to the end of the row. Returns `None` if one does not fit its class, or has a quote.
    #[inline(always)]
    fn check(self, classes: &[Class]) -> Option<Reached> {
        let stops = mask(self.block, |byte| matches!(byte, b'"' | b'\n'));
        let mut others = self.others | (u64::from(self.in_text) & !self.commas.mask);
        let mut reached = Reached::Cell;
        while others != 0 {
            let other = first_bit(others);
            let column = self.column + self.commas.before(other);
            let class = classes.get(column);
            if class == Some(&Class::Text) {
                let comma = first_bit(self.commas.mask & other.wrapping_neg());
                let text = comma.wrapping_sub(other);
                if stops & text != 0 {
                    return None;
                }
                if comma == 0 {
                    reached = Reached::Text;
                }
                others &= !text;
                continue;
            }
            let position = self.at + other.trailing_zeros() as usize;
            match (class, self.bytes.get(position.checked_sub(1)?..)?) {
                (Some(Class::Signed), [b',', b'-', b'0'..=b'9', ..]) => others &= !other,
                (None, [b',', b'\n', ..]) if column == classes.len() => return Some(Reached::End(position)),
                _ => return None,
            }
        }
        Some(reached)
    }
}

/// The marks of a row: the positions of every [`STEP`]-th of its cells.
#[derive(Debug)]
pub(in crate::show) struct Marks<'a> {
    positions: &'a mut Vec<u16>,
    /// Cell of the next mark.
    next: usize,
    /// Number of marks of the rows before.
    before: usize,
    columns: usize,
}

/// Number of cells from one mark of a row to the next. [`row`] reads that many empty cells at once.
pub(in crate::show) const STEP: usize = 16;

impl<'a> Marks<'a> {
    /// Creates the marks of one row, which are appended.
    #[inline(always)]
    pub(in crate::show) fn new(positions: &'a mut Vec<u16>, columns: usize) -> Self {
        let before = positions.len();
        Self { positions, next: if STEP < columns { STEP } else { usize::MAX }, before, columns }
    }

    /// Takes back the marks of this row.
    fn restart(&mut self) {
        self.positions.truncate(self.before);
        self.next = if STEP < self.columns { STEP } else { usize::MAX };
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
            let columns = u.int_in_range(1..=120)?;
            let classes = [Class::Number, Class::Number, Class::Signed, Class::Text];
            let classes = (0..columns).map(|_| u.choose(&classes).copied()).collect::<Result<Vec<_>>>()?;
            let mut bytes = Vec::new();
            // In some rows most cells are empty.
            let most = *u.choose(&[19, 19, 200])?;
            for class in &classes {
                match (u.int_in_range(0..=most)?, class) {
                    (0..=8 | 20.., _) => {}
                    (9, _) if u.ratio(1, 20)? => bytes.extend(bytes_of(u, b",\"\n-x7", 3)?),
                    (_, Class::Text) => bytes.extend(bytes_of(u, b"019 xyz-\0\xff", 90)?),
                    (10, Class::Signed) => bytes.extend_from_slice(b"-1"),
                    (11, _) => bytes.extend(bytes_of(u, b"0123456789", 25)?),
                    (12, _) => bytes.extend(bytes_of(u, b"0", 45)?),
                    _ => bytes.extend(bytes_of(u, b"0123456789", 2)?),
                }
                bytes.push(b',');
            }
            if u.ratio(19, 20)? {
                bytes.push(b'\n');
                bytes.extend(bytes_of(u, b"00,,\n\n\"-x9", 90)?);
            }
            let mut marks = Vec::new();
            let read = row(&bytes, &classes, &mut Marks::new(&mut marks, columns)).map(|at| (at, marks));
            let line = String::from_utf8_lossy(&bytes);
            assert_eq!(read, row_by_cells(&bytes, &classes), "{line:?} {classes:?}");
            // Only rows that are rare are left to the slow loop.
            let is_rare = bytes.first() == Some(&b'-')
                || bytes.windows(MOST_DIGITS).any(|bytes| bytes.iter().all(u8::is_ascii_digit));
            if read.is_ok_and(|(end, _)| bytes.get(end) == Some(&b'\n')) && !is_rare {
                let fast = by_blocks(&bytes, &classes, &mut Marks::new(&mut Vec::new(), columns));
                assert!(fast.is_some(), "{line:?} {classes:?}");
            }
            Ok(())
        })
        .budget_ms(3_000);
    }
}
