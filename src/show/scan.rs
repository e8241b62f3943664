//! Scanner for the ends of cells, many bytes at a time.
//!
//! Cells of `show stat` are short; most are one digit or empty. Such cells fit every column, so that
//! only their commas have to be counted: 64 bytes at a time, with the same instructions whatever
//! the number and the lengths of the cells in them. Only the other cells, a tenth of them, are looked at
//! one by one.
//!
//! # If you change this
//!
//! - Accepted cells: `cell` must accept exactly the cells that `to_u64`, `number_at` and `to_i64` can convert,
//!   apart from a signed number beyond 64 bits. Otherwise an accessor returns `None` for a
//!   malformed cell, which `None` must never mean. `stat/quoted.rs` has the same check for quoted
//!   rows and must change with it, and so must the class of each type in `stat/header.rs` and the
//!   serialisation of a row in `stat/row.rs`. `by_blocks` must accept no row that
//!   `by_cells` refuses, and must give the same end and marks. It may refuse any row: `by_cells` reads it
//!   again, and makes the errors.
//! - A new `Class` or `Stop`: `plain` in `stat/parser.rs` maps each `Stop` to an error text, which
//!   tests assert, or to the reader of quoted rows. A row with a quote must end in `Stop::Quote` or an
//!   error, never in a plain row. A row without a quote must never end in `Stop::Quote`, or it takes the
//!   slow way through the reader of quoted rows.
//! - `skip`, `until`, `Cells` and `FoundCells`: they also run over unquoted rows, with the byte 0xff as separator, and
//!   over cells with bytes above 0x7f. `matches` is exact only for its first match; a function that
//!   counts matches needs `exact_matches`, and so does `Cells`, which relies on a separator behind every
//!   cell. The marks of a row are made in three places: `by_blocks`, `by_cells`, and `mark` in
//!   `stat/parser.rs`. `StatTable::offset` goes on from them with `skip`.
//! - `LineEnd`: `stat/parser.rs` and `report/parser.rs` feed it the same bytes plus new ones; it must
//!   look at each byte once, or a reply that arrives in small pieces costs quadratic time. The lines that
//!   `report/parser.rs` reads without it hold no quotes.
//! - Vector instructions: the compiler makes them of the loop in `mask`, those that every `x86_64` has. The
//!   same loop written in another way, such as a fold that collects the bits at once, goes byte by byte, which
//!   takes eight times the instructions. The crate `safe_arch` has the one instruction that the compiler does not
//!   make of a loop; `portable_high_bits` stands for it on other processors, and must return the same.
//! - Inlining: `row` is a function of its own, and all that it calls for a row is a part of it. As a
//!   part of a larger function its values do not fit the registers, and as functions of their own its
//!   parts take half as long again. The compiler decides on both by the number of calls and by size,
//!   and a change somewhere else can turn it over, so the attributes say it.
//! - Test: the tests below compare with a loop over bytes, and `row` with a loop over `cell`. `cargo test --test
//!   parse` compares every cell with the `csv` crate, whole and in pieces.
//! - Measure: `benches/instructions` counts, and fails if a row needs more instructions than recorded.
//!   `cargo bench --bench parse` before and after, for all dumps that it lists. Idle dumps
//!   show the cost of the short cells, busy ones the cost of digits, quoted ones the change to the
//!   reader of quoted rows, and 12 rows the fixed cost of a reply. Read the ratios at the end, not the
//!   times. If they changed, update the table in `README.md`.

#![allow(clippy::inline_always, reason = "the speed of the parser hangs on it, and is measured")]

mod block;
mod cells;
mod row;

pub(super) use block::line_feeds;
pub(super) use cells::Cells;
pub(crate) use cells::FoundCells;
pub(super) use row::{Marks, STEP, row};

use std::borrow::Cow;

/// Cells that a column of `show stat` may contain.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Class {
    /// Digits, or empty.
    Number,
    /// Digits with an optional minus sign, or empty.
    Signed,
    /// Any text.
    Text,
}

/// The reason why [`cell`] did not find a whole plain cell.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Stop {
    /// A quote: this row needs the csv parser.
    Quote,
    /// The line or the buffer ended within the cell.
    End,
    /// A number column contains something else.
    NotANumber,
}

/// Returns the position after the comma that ends the plain cell at `at`.
#[inline(always)]
pub(super) fn cell(bytes: &[u8], at: usize, class: Class) -> Result<usize, Stop> {
    match bytes.get(at) {
        Some(b',') => Ok(at + 1),
        None => Err(Stop::End),
        Some(first) => match class {
            Class::Number if first.is_ascii_digit() && bytes.get(at + 1) == Some(&b',') => Ok(at + 2),
            Class::Number => number(bytes, at),
            Class::Signed => number(bytes, at + usize::from(*first == b'-')),
            Class::Text => text_cell(bytes, at),
        },
    }
}

#[inline(always)]
fn number(bytes: &[u8], start: usize) -> Result<usize, Stop> {
    let mut at = start;
    while let Some(word) = word(bytes, at) {
        let digits = leading_digits(word);
        at += digits;
        if digits < 8 {
            break;
        }
    }
    while bytes.get(at).is_some_and(u8::is_ascii_digit) {
        at += 1;
    }
    match bytes.get(at) {
        Some(b',') if at > start && fits(bytes.get(start..at).unwrap_or_default()) => Ok(at + 1),
        Some(b'"') => Err(Stop::Quote),
        Some(b'\n') | None => Err(Stop::End),
        Some(_) => Err(Stop::NotANumber),
    }
}

/// Returns `true` if the digits are a number that fits 64 bits.
#[inline]
fn fits(digits: &[u8]) -> bool {
    digits.len() < MOST_DIGITS || to_u64(digits).is_some()
}

#[inline(always)]
fn text_cell(bytes: &[u8], start: usize) -> Result<usize, Stop> {
    let mut at = start;
    while let Some(word) = word(bytes, at) {
        let found = matches(word, b',') | matches(word, b'\n') | matches(word, b'"');
        if found != 0 {
            at += first(found);
            break;
        }
        at += 8;
    }
    loop {
        match bytes.get(at) {
            Some(b',') => return Ok(at + 1),
            Some(b'"') => return Err(Stop::Quote),
            Some(b'\n') | None => return Err(Stop::End),
            Some(_) => at += 1,
        }
    }
}

/// Returns the position after the `count`-th `separator`, counted from `at`.
#[inline]
pub(super) fn skip(bytes: &[u8], at: usize, count: usize, separator: u8) -> Option<usize> {
    let (mut at, mut left) = (at, count);
    while left > 0 {
        let Some(word) = word(bytes, at) else { break };
        let mut found = exact_matches(word, separator);
        let here = highs(found);
        if here >= left {
            for _ in 1..left {
                found &= found - 1;
            }
            return Some(at + first(found) + 1);
        }
        left -= here;
        at += 8;
    }
    while left > 0 {
        if *bytes.get(at)? == separator {
            left -= 1;
        }
        at += 1;
    }
    Some(at)
}

/// Returns the bytes from `at` to the next `separator`.
#[inline]
pub(super) fn until(bytes: &[u8], at: usize, separator: u8) -> Option<&[u8]> {
    if bytes.get(at) == Some(&separator) {
        return Some(&[]);
    }
    let mut end = at;
    while let Some(word) = word(bytes, end) {
        let found = matches(word, separator);
        if found != 0 {
            return bytes.get(at..end + first(found));
        }
        end += 8;
    }
    while *bytes.get(end)? != separator {
        end += 1;
    }
    bytes.get(at..end)
}

/// Returns the parts of a text between the `separator`s, which are ASCII.
#[inline]
pub(super) fn split(text: &str, separator: u8) -> impl Iterator<Item = &str> {
    let mut next = Some(0);
    std::iter::from_fn(move || {
        let start = next?;
        let end = until(text.as_bytes(), start, separator).map_or(text.len(), |part| start + part.len());
        next = (end < text.len()).then_some(end + 1);
        text.get(start..end)
    })
}

/// Returns the length of the first line, including its line feed. A line feed between quotes does
/// not end the line.
pub(super) fn line_end(bytes: &[u8]) -> Option<usize> {
    LineEnd::default().find(bytes)
}

/// Search for the end of a line that arrives in pieces. It looks at each byte once.
#[derive(Debug, Default)]
pub(super) struct LineEnd {
    /// Number of bytes of the line that have been looked at.
    seen: usize,
    /// `true` if these bytes end between quotes.
    quoted: bool,
}

impl LineEnd {
    /// Returns the result of [`line_end`] for `bytes`, which must begin with the bytes of the
    /// previous call, unless that call found an end.
    pub(super) fn find(&mut self, bytes: &[u8]) -> Option<usize> {
        let mut at = self.seen;
        while let Some(found) = next_of(bytes, at, b'"', if self.quoted { b'"' } else { b'\n' }) {
            at = found + 1;
            if bytes.get(found) == Some(&b'\n') {
                *self = Self::default();
                return Some(at);
            }
            self.quoted = !self.quoted;
        }
        self.seen = bytes.len();
        None
    }
}

/// Returns the position of the first of two bytes, from `start` on.
#[inline]
fn next_of(bytes: &[u8], start: usize, one: u8, other: u8) -> Option<usize> {
    let mut at = start;
    while let Some(word) = word(bytes, at) {
        let found = matches(word, one) | matches(word, other);
        if found != 0 {
            return Some(at + first(found));
        }
        at += 8;
    }
    let mut rest = bytes.get(at..)?.iter();
    rest.position(|byte| *byte == one || *byte == other).map(|found| at + found)
}

/// Returns the bytes as text, borrowed if they are UTF-8. Other bytes become U+FFFD.
pub(super) fn text(bytes: &[u8]) -> Cow<'_, str> {
    // Faster than `from_utf8_lossy` alone for a text that is UTF-8, as nearly all are.
    std::str::from_utf8(bytes).map_or_else(|_| String::from_utf8_lossy(bytes), Cow::Borrowed)
}

/// Converts decimal digits to a number. Returns `None` for any other text.
#[inline]
pub(super) fn to_u64(digits: &[u8]) -> Option<u64> {
    // Most numbers have one digit.
    match digits {
        [] => return None,
        [digit] => return digit.is_ascii_digit().then(|| u64::from(digit - b'0')),
        _ => {}
    }
    if digits.len() <= 8 {
        return few_digits(digits);
    }
    if let (true, Some((front, back))) = (digits.len() < MOST_DIGITS, digits.split_last_chunk::<8>()) {
        return Some(to_u64(front)? * 100_000_000 + few_digits(back)?);
    }
    let mut value = 0u64;
    for digit in digits {
        let digit = digit.wrapping_sub(b'0');
        if digit > 9 {
            return None;
        }
        value = value.checked_mul(10)?.checked_add(u64::from(digit))?;
    }
    Some(value)
}

/// Converts two to eight decimal digits at once.
#[inline]
fn few_digits(digits: &[u8]) -> Option<u64> {
    let missing = 64u32.checked_sub(8 * u32::try_from(digits.len()).ok()?)?;
    // The first and the last digits may be the same in part.
    let (first, last) = if let (Some(first), Some(last)) = (digits.first_chunk(), digits.last_chunk()) {
        (u64::from(u32::from_le_bytes(*first)), u64::from(u32::from_le_bytes(*last)) << 32)
    } else {
        let (first, last) = (digits.first_chunk()?, digits.last_chunk()?);
        (u64::from(u16::from_le_bytes(*first)), u64::from(u16::from_le_bytes(*last)) << 48)
    };
    eight_digits((first << missing) | last, missing)
}

/// Converts the digits from `start` to `end` as [`to_u64`] does. It has fewer branches, because it can look at the bytes
/// in front of the digits too.
#[inline(always)]
fn number_at(bytes: &[u8], start: usize, end: usize) -> Option<u64> {
    let length = u32::try_from(end.checked_sub(start)?).ok()?;
    match end.checked_sub(8).and_then(|at| word(bytes, at)) {
        Some(word) if matches!(length, 1..=8) => eight_digits(word, 64 - 8 * length),
        _ => to_u64(bytes.get(start..end)?),
    }
}

/// Converts the digits in the bytes of a word, the first one in the lowest byte. The lowest `missing` bits, at most 56,
/// do not count.
#[inline(always)]
fn eight_digits(word: u64, missing: u32) -> Option<u64> {
    let digits = (word ^ (ONES * 0x30)) & (u64::MAX << missing);
    if (((digits & !HIGHS) + ONES * 0x76) | digits) & HIGHS != 0 {
        return None;
    }
    // Neighbours are joined: digits, then pairs, then fours.
    let pairs = (digits * 10 + (digits >> 8)) & 0x00ff_00ff_00ff_00ff;
    let fours = (pairs * 100 + (pairs >> 16)) & 0x0000_ffff_0000_ffff;
    Some((fours * 10_000 + (fours >> 32)) & 0xffff_ffff)
}

/// Converts decimal digits with an optional minus sign to a number.
pub(super) fn to_i64(text: &[u8]) -> Option<i64> {
    match text.split_first() {
        Some((b'-', digits)) => 0i64.checked_sub_unsigned(to_u64(digits)?),
        _ => i64::try_from(to_u64(text)?).ok(),
    }
}

#[inline]
fn word(bytes: &[u8], at: usize) -> Option<u64> {
    let chunk = bytes.get(at..)?.first_chunk::<8>()?;
    Some(u64::from_le_bytes(*chunk))
}

/// Returns the number of bytes before the first one that is not a digit.
#[inline]
fn leading_digits(word: u64) -> usize {
    let offset = word ^ (ONES * 0x30);
    let others = (offset.wrapping_add(ONES * 0x76) | offset) & HIGHS;
    first(others)
}

/// Returns the high bits of the bytes equal to `byte`. There may be false matches above the first
/// match, never below it, so only the first match may be used.
#[inline]
fn matches(word: u64, byte: u8) -> u64 {
    let zero = word ^ (ONES * u64::from(byte));
    zero.wrapping_sub(ONES) & !zero & HIGHS
}

/// Returns the high bits of exactly the bytes equal to `byte`.
#[inline]
fn exact_matches(word: u64, byte: u8) -> u64 {
    let zero = word ^ (ONES * u64::from(byte));
    !(((zero & !HIGHS) + !HIGHS) | zero) & HIGHS
}

/// Returns the number of bytes with a high bit set. No other bit may be set.
#[inline]
fn highs(bits: u64) -> usize {
    ((bits >> 7).wrapping_mul(ONES) >> 56) as usize
}

/// Returns the index of the byte with the lowest high bit set, or 8 if no bit is set.
#[inline]
fn first(bits: u64) -> usize {
    (bits.trailing_zeros() / 8) as usize
}

pub(super) const ONES: u64 = 0x0101_0101_0101_0101;
pub(super) const HIGHS: u64 = ONES * 0x80;

/// A number with fewer digits than this always fits 64 bits.
const MOST_DIGITS: usize = 20;

#[cfg(test)]
mod tests {
    use std::ops::RangeInclusive;

    use arbtest::arbitrary::{Result, Unstructured};
    use arbtest::arbtest;

    use super::*;

    #[test]
    fn leading_digits_stops_at_every_other_byte() {
        for byte in 0..=255u8 {
            let word = u64::from_le_bytes([b'7', b'0', byte, b'1', b'1', b'1', b'1', b'1']);
            let expected = if byte.is_ascii_digit() { 8 } else { 2 };
            assert_eq!(leading_digits(word), expected, "byte {byte:#x}");
        }
    }

    #[test]
    fn numbers_of_64_bits_and_no_longer() {
        assert_eq!(cell(b"18446744073709551615,", 0, Class::Number), Ok(21));
        assert_eq!(cell(b"18446744073709551616,", 0, Class::Number), Err(Stop::NotANumber));
        assert_eq!(cell(b"00000000000000000000007,", 0, Class::Number), Ok(24));
        assert_eq!(cell(b"-1,", 0, Class::Number), Err(Stop::NotANumber));
        assert_eq!(cell(b"-1,", 0, Class::Signed), Ok(3));
        assert_eq!(cell(b"-,", 0, Class::Signed), Err(Stop::NotANumber));
        assert_eq!(to_i64(b"-9223372036854775808"), Some(i64::MIN));
        assert_eq!(to_i64(b"-9223372036854775809"), None);
        assert_eq!(to_i64(b""), None);
    }

    #[test]
    fn a_cell_ends_at_its_comma_only() {
        assert_eq!(cell(b"12\n", 0, Class::Number), Err(Stop::End));
        assert_eq!(cell(b"12", 0, Class::Number), Err(Stop::End));
        assert_eq!(cell(b"12a,", 0, Class::Number), Err(Stop::NotANumber));
        assert_eq!(cell(b"\"1\",", 0, Class::Number), Err(Stop::Quote));
        assert_eq!(cell(b"a longer text\n,", 0, Class::Text), Err(Stop::End));
        assert_eq!(cell(b"a longer \"text,", 0, Class::Text), Err(Stop::Quote));
        assert_eq!(cell(b"a longer text,b", 0, Class::Text), Ok(14));
    }

    /// Returns some of the bytes, as many as the range allows.
    fn bytes_of(u: &mut Unstructured<'_>, choices: &[u8], lengths: RangeInclusive<usize>) -> Result<Vec<u8>> {
        (0..u.int_in_range(lengths)?).map(|_| u.choose(choices).copied()).collect()
    }

    #[test]
    fn the_end_of_a_line_is_the_same_in_pieces() {
        arbtest(|u| {
            let bytes = bytes_of(u, b"ab\"\n", 0..=39)?;
            let piece = u.int_in_range(1..=6)?;
            let mut end = LineEnd::default();
            let lengths = (piece..bytes.len() + piece).step_by(piece).map(|length| length.min(bytes.len()));
            let found = lengths.into_iter().find_map(|length| end.find(&bytes[..length]));
            assert_eq!(found, line_end(&bytes), "{bytes:?} in pieces of {piece}");
            if found.is_some() {
                // The next search is for the end of the next line.
                assert_eq!(end.find(b"a\n"), Some(2));
            }
            let mut quotes = 0;
            let is_end = |byte: &u8| {
                quotes += usize::from(*byte == b'"');
                *byte == b'\n' && quotes % 2 == 0
            };
            assert_eq!(found, bytes.iter().position(is_end).map(|at| at + 1), "{bytes:?}");
            Ok(())
        });
    }

    #[test]
    fn a_number_is_read_whatever_is_around_it() {
        arbtest(|u| {
            let digits = *u.choose(&[b"0123456789".as_slice(), b"0123456789/:-\xb0"])?;
            let (front, text) = (bytes_of(u, b"09,x\xff", 0..=9)?, bytes_of(u, digits, 0..=22)?);
            let is_number = text.iter().all(u8::is_ascii_digit);
            let expected = String::from_utf8_lossy(&text).parse().ok().filter(|_| is_number);
            assert_eq!(to_u64(&text), expected, "{text:?}");
            let (start, end) = (front.len(), front.len() + text.len());
            let row = [front, text, bytes_of(u, b"09,", 0..=9)?].concat();
            assert_eq!(number_at(&row, start, end), expected, "{row:?} from {start} to {end}");
            Ok(())
        });
    }

    #[test]
    fn a_number_is_read_as_the_standard_library_reads_it() {
        arbtest(|u| {
            let text = String::from_utf8(bytes_of(u, b"0123456789", 1..=22)?).unwrap();
            let tail = String::from_utf8(bytes_of(u, b",a ", 1..=9)?).unwrap();
            let line = format!("{text},{tail}");
            let expected = text.parse::<u64>().ok();
            assert_eq!(to_u64(text.as_bytes()), expected, "{text}");
            let end = cell(line.as_bytes(), 0, Class::Number);
            assert_eq!(end, expected.map(|_| text.len() + 1).ok_or(Stop::NotANumber), "{line:?}");
            Ok(())
        });
    }

    #[test]
    fn parts_are_those_of_the_standard_library() {
        arbtest(|u| {
            let text = String::from_utf8(bytes_of(u, b"   abc", 0..=40)?).unwrap();
            assert!(split(&text, b' ').eq(text.split(' ')), "{text:?}");
            Ok(())
        });
    }

    #[test]
    fn skipping_and_searching_agree_with_a_byte_loop() {
        arbtest(|u| {
            let length = u.int_in_range(0..=79)?;
            let byte = |_| if u.ratio(1, 2)? { Ok(b',') } else { u.arbitrary() };
            let bytes = (0..length).map(byte).collect::<Result<Vec<_>>>()?;
            let count = u.int_in_range(0..=19)?;
            let plain = bytes.iter().enumerate().filter(|(_, byte)| **byte == b',').map(|(at, _)| at);
            let expected = if count == 0 { Some(0) } else { plain.clone().nth(count - 1).map(|at| at + 1) };
            assert_eq!(skip(&bytes, 0, count, b','), expected, "{count} in {bytes:?}");
            assert_eq!(until(&bytes, 0, b','), plain.clone().next().map(|at| &bytes[..at]), "{bytes:?}");
            Ok(())
        });
    }
}
