#![allow(clippy::inline_always, reason = "as in `scan`")]

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
