#![allow(clippy::inline_always, reason = "as in `scan`")]

use super::row::STEP;
use super::{exact_matches, first, highs, until, word};

/// The cells of a row one by one; a separator ends each of them. [`nth`](Iterator::nth) passes over many cells at a
/// time.
#[derive(Debug, Clone)]
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

/// The cells at the beginning of a text, with their positions; a separator ends each of them.
#[derive(Debug)]
pub(in crate::show) struct FoundCells<'a> {
    bytes: &'a [u8],
    /// The start of each cell, and of the one behind the last.
    starts: [usize; STEP + 1],
}

impl<'a> FoundCells<'a> {
    /// Finds the first `count` cells, at most [`STEP`].
    #[inline(always)]
    pub(in crate::show) fn new(bytes: &'a [u8], separator: u8, count: usize) -> Self {
        let mut starts = [0; STEP + 1];
        let (mut at, mut found) = (0, 0);
        while found < count {
            let Some(word) = word(bytes, at) else { break };
            let mut ends = exact_matches(word, separator);
            while let (true, Some(start)) = (ends != 0, starts.get_mut(found + 1)) {
                *start = at + first(ends) + 1;
                ends &= ends - 1;
                found += 1;
            }
            at += 8;
        }
        while let (true, Some(byte)) = (found < count, bytes.get(at)) {
            at += 1;
            if let (true, Some(start)) = (*byte == separator, starts.get_mut(found + 1)) {
                *start = at;
                found += 1;
            }
        }
        Self { bytes, starts }
    }

    /// Returns a cell, or `None` if the text has fewer.
    #[inline(always)]
    pub(in crate::show) fn get(&self, number: usize) -> Option<&'a [u8]> {
        let end = self.starts.get(number + 1)?.checked_sub(1)?;
        self.bytes.get(*self.starts.get(number)?..end)
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
            let count = u.int_in_range(0..=STEP)?;
            let found = FoundCells::new(text.as_bytes(), b',', count);
            for number in 0..count {
                assert_eq!(found.get(number), cells.get(number).map(|cell| cell.as_bytes()), "{text:?}");
            }
            assert_eq!(found.get(STEP), None);
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
