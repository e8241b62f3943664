#![allow(clippy::inline_always, reason = "as in `scan`")]

use super::block::{Block, mask};
use super::row::STEP;
use super::{exact_matches, first, highs, number_at, until, word};

/// The cells of a row one by one; a separator ends each of them. [`nth`](Iterator::nth) passes over many cells at a
/// time.
#[derive(Debug)]
pub(in crate::show) struct Cells<'a> {
    bytes: &'a [u8],
    separator: u8,
    /// Start of the next cell.
    start: usize,
    /// Position of eight bytes, and the ends of cells among them that lie behind `start`.
    at: usize,
    ends: u64,
}

impl<'a> Cells<'a> {
    #[inline(always)]
    pub(in crate::show) fn new(bytes: &'a [u8], separator: u8) -> Self {
        let ends = word(bytes, 0).map_or(0, |word| exact_matches(word, separator));
        Self { bytes, separator, start: 0, at: 0, ends }
    }

    /// Goes on to the next eight bytes, when all ends in these are taken. Returns `false` if fewer bytes are left.
    #[inline(always)]
    fn advance(&mut self) -> bool {
        let Some(word) = word(self.bytes, self.at + 8) else { return false };
        self.at += 8;
        self.ends = exact_matches(word, self.separator);
        true
    }
}

impl<'a> Iterator for Cells<'a> {
    type Item = &'a [u8];

    #[inline(always)]
    fn next(&mut self) -> Option<&'a [u8]> {
        while self.ends == 0 {
            if !self.advance() {
                let cell = until(self.bytes, self.start, self.separator)?;
                self.start += cell.len() + 1;
                return Some(cell);
            }
        }
        let end = self.at + first(self.ends);
        self.ends &= self.ends - 1;
        let cell = self.bytes.get(self.start..end)?;
        self.start = end + 1;
        Some(cell)
    }

    #[inline(always)]
    fn nth(&mut self, count: usize) -> Option<&'a [u8]> {
        let mut left = count;
        while left > 0 {
            let here = highs(self.ends);
            if here > left {
                break;
            }
            if here > 0 {
                self.start = self.at + 8 - (self.ends.leading_zeros() / 8) as usize;
                self.ends = 0;
                left -= here;
            }
            if !self.advance() {
                break;
            }
        }
        for _ in 0..left {
            self.next()?;
        }
        self.next()
    }
}

/// Some adjacent cells of a row, with their positions; a separator ends each of them.
#[derive(Debug)]
pub(crate) struct FoundCells<'a> {
    row: &'a [u8],
    separator: u8,
    /// Position of a block of bytes, and the mask of the separators in it.
    at: usize,
    ends: u64,
    /// Number of the cells.
    count: usize,
    /// The start of each cell, and of the one behind the last.
    starts: [usize; STEP + 1],
}

impl<'a> FoundCells<'a> {
    /// Begins with no cells.
    #[inline(always)]
    pub(in crate::show) fn new(row: &'a [u8], separator: u8) -> Self {
        // No start is less than a block behind it, so that the first search looks at the row.
        let nowhere = usize::MAX - size_of::<Block>();
        Self { row, separator, at: nowhere, ends: 0, count: 0, starts: [0; STEP + 1] }
    }

    /// Finds up to `count` cells from `start` on, at most [`STEP`].
    #[inline(always)]
    pub(in crate::show) fn find(&mut self, start: usize, count: usize) {
        self.count = 0;
        self.starts[0] = start;
        if start.wrapping_sub(self.at) >= size_of::<Block>() {
            self.look_at(start);
        }
        let mut ends = self.ends & (u64::MAX << (start - self.at));
        loop {
            while ends != 0 && self.count < count {
                self.count += 1;
                if let Some(start) = self.starts.get_mut(self.count) {
                    *start = self.at + ends.trailing_zeros() as usize + 1;
                }
                ends &= ends - 1;
            }
            let next = self.at + size_of::<Block>();
            if self.count >= count || next >= self.row.len() {
                return;
            }
            self.look_at(next);
            ends = self.ends;
        }
    }

    #[inline(always)]
    fn look_at(&mut self, at: usize) {
        let rest = self.row.get(at..).unwrap_or_default();
        let mut padded = [!self.separator; size_of::<Block>()];
        let block = rest.first_chunk().unwrap_or_else(|| {
            padded.iter_mut().zip(rest).for_each(|(padded, byte)| *padded = *byte);
            &padded
        });
        let separator = self.separator;
        (self.at, self.ends) = (at, mask(block, |byte| byte == separator));
    }

    /// Returns a cell, or `None` if fewer were found.
    #[inline(always)]
    pub(crate) fn get(&self, number: usize) -> Option<&'a [u8]> {
        let (start, end) = self.span(number)?;
        self.row.get(start..end)
    }

    /// Returns `true` if a cell is `0`. One comparison does not depend on the length of the cell.
    #[inline(always)]
    pub(crate) fn is_zero(&self, number: usize) -> bool {
        let rest = self.starts.get(number).and_then(|start| self.row.get(*start..)?.first_chunk());
        rest == Some(&[b'0', self.separator])
    }

    /// Converts a cell of digits to a number.
    #[inline(always)]
    pub(crate) fn number(&self, number: usize) -> Option<u64> {
        let (start, end) = self.span(number)?;
        number_at(self.row, start, end)
    }

    #[inline(always)]
    fn span(&self, number: usize) -> Option<(usize, usize)> {
        if number >= self.count {
            return None;
        }
        Some((*self.starts.get(number)?, *self.starts.get(number + 1)? - 1))
    }
}

#[cfg(test)]
mod tests {
    use arbtest::arbitrary::{Result, Unstructured};
    use arbtest::arbtest;

    use super::*;

    fn any_row(u: &mut Unstructured<'_>) -> Result<String> {
        let length = u.int_in_range(0..=90)?;
        let byte = |_| if u.ratio(2, 3)? { Ok(',') } else { Ok(*u.choose(&['0', 'x', '\u{fc}'])?) };
        (0..length).map(byte).collect()
    }

    #[test]
    fn each_of_the_first_cells_is_found() {
        arbtest(|u| {
            let text = any_row(u)?;
            let cells: Vec<_> = text.split_inclusive(',').filter_map(|cell| cell.strip_suffix(',')).collect();
            let mut found = FoundCells::new(text.as_bytes(), b',');
            for _ in 0..6 {
                let (skipped, count) = (u.int_in_range(0..=20)?, u.int_in_range(0..=STEP)?);
                let Some(start) = super::super::skip(text.as_bytes(), 0, skipped, b',') else { continue };
                found.find(start, count);
                for number in 0..=count {
                    let expected = cells.get(skipped + number).filter(|_| number < count);
                    let expected = expected.map(|cell| cell.as_bytes());
                    assert_eq!(found.get(number), expected, "{text:?}");
                    assert!(expected.is_none() || found.is_zero(number) == (expected == Some(b"0")));
                    assert_eq!(found.number(number), expected.and_then(super::super::to_u64), "{text:?}");
                }
            }
            Ok(())
        });
    }

    #[test]
    fn cells_end_at_separators_and_at_nothing_else() {
        arbtest(|u| {
            let text = any_row(u)?;
            let expected: Vec<_> =
                text.split_inclusive(',').filter_map(|cell| cell.strip_suffix(',')).collect();
            let found: Vec<_> = Cells::new(text.as_bytes(), b',').collect();
            assert_eq!(found, expected.iter().map(|cell| cell.as_bytes()).collect::<Vec<_>>(), "{text:?}");
            let (mut cells, mut expected) = (Cells::new(text.as_bytes(), b','), expected.into_iter());
            for _ in 0..20 {
                let skip = u.int_in_range(0..=30)?;
                assert_eq!(cells.nth(skip), expected.nth(skip).map(str::as_bytes), "{text:?}");
            }
            Ok(())
        });
    }
}
