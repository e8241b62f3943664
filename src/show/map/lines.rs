//! The lines of a map or an ACL that begin with a reference.

use crate::show::scan::{self, HIGHS, ONES};

/// Search for the lines that begin with a reference, in a text that may arrive in pieces.
#[derive(Debug, Default)]
pub(super) struct Lines {
    /// Start of each line with a reference.
    pub(super) starts: Vec<usize>,
    /// `false` if a line begins behind `seen`, and it is not known yet whether it has a reference.
    is_decided: bool,
    /// Number of bytes in which every line feed was found.
    seen: usize,
}

impl Lines {
    /// Looks at the bytes that were added to `text` after the last call.
    pub(super) fn find(&mut self, text: &[u8]) {
        if !self.is_decided && !self.begin(text) {
            return;
        }
        while let Some(block) = text.get(self.seen..).and_then(<[u8]>::first_chunk) {
            let (mut line_feeds, start) = (scan::line_feeds(block), self.seen);
            while line_feeds != 0 {
                self.seen = start + line_feeds.trailing_zeros() as usize + 1;
                if !self.begin(text) {
                    return;
                }
                line_feeds &= line_feeds - 1;
            }
            self.seen = start + block.len();
        }
        while let Some(byte) = text.get(self.seen) {
            self.seen += 1;
            if *byte == b'\n' && !self.begin(text) {
                return;
            }
        }
    }

    /// Looks at the line that begins behind the bytes that were seen. Returns `false` if more of it must arrive
    /// before.
    #[inline]
    fn begin(&mut self, text: &[u8]) -> bool {
        let line = text.get(self.seen..).unwrap_or_default();
        let has_reference = reference_length(line).is_some();
        if has_reference {
            self.starts.push(self.seen);
        }
        self.is_decided = has_reference || line.len() >= LONGEST || line.contains(&b'\n');
        self.is_decided
    }
}

/// Returns the reference at the start of a line, and its length including the blank.
pub(super) fn reference(line: &[u8]) -> Option<(u64, usize)> {
    let length = reference_length(line)?;
    let digits = line.get(2..length - 1)?;
    // Bit 6 is set in letters. Their low bits are 1 to 6.
    let add = |number, byte: &u8| number << 4 | u64::from((byte & 0xf) + 9 * (byte >> 6));
    Some((digits.iter().fold(0, add), length))
}

/// Returns the length of the reference at the start of a line, including the blank.
#[inline]
fn reference_length(line: &[u8]) -> Option<usize> {
    let Some([b'0', b'x', digits @ ..]) = line.first_chunk::<LONGEST>() else { return short_reference(line) };
    let (first, behind) = digits.split_first_chunk()?;
    let second = behind.first_chunk()?;
    let count = match leading_hex_digits(u64::from_le_bytes(*first)) {
        8 => 8 + leading_hex_digits(u64::from_le_bytes(*second)),
        count => count,
    };
    let length = "0x".len() + count + 1;
    (count > 0 && digits.get(count) == Some(&b' ')).then_some(length)
}

/// Like [`reference_length`], for a short line, and for one that does not begin like a reference.
fn short_reference(line: &[u8]) -> Option<usize> {
    let digits = line.strip_prefix(b"0x")?;
    let count = digits.iter().take(LONGEST).take_while(|byte| byte.is_ascii_hexdigit()).count();
    let length = "0x".len() + count + 1;
    (count > 0 && length <= LONGEST && digits.get(count) == Some(&b' ')).then_some(length)
}

/// Returns the number of bytes before the first byte that is no hexadecimal digit. A loop over the bytes of
/// all references takes a tenth of the time in which HAProxy prints the entries.
fn leading_hex_digits(word: u64) -> usize {
    // Without the high bits, no sum carries into the next byte.
    let low = word & !HIGHS;
    let digit = low ^ (ONES * 0x30);
    let is_no_digit = digit + ONES * 0x76;
    // 1 to 6 for letters of both cases.
    let letter = (low | (ONES * 0x20)) ^ (ONES * 0x60);
    let is_no_letter = !(letter + ONES * 0x7f) | (letter + ONES * 0x79);
    let others = ((is_no_digit & is_no_letter) | word) & HIGHS;
    (others.trailing_zeros() / 8) as usize
}

/// Length of the longest reference: an address of 64 bits, with `0x` and a blank.
const LONGEST: usize = 19;

#[cfg(test)]
mod tests {
    use arbtest::arbtest;

    use super::*;

    #[test]
    fn a_reference_is_a_hexadecimal_number_of_64_bits() {
        assert_eq!(reference(b"0x55d9Af a"), Some((0x55_d9af, 9)));
        assert_eq!(reference(b"0xffffffffffffffff "), Some((u64::MAX, 19)));
        assert_eq!(reference(b"0x0123456789abcdef "), Some((0x0123_4567_89ab_cdef, 19)));
        assert_eq!(reference(b"0xABCDEF "), Some((0xab_cdef, 9)));
        for line in ["0x", "0x ", "0x1", "0x1g a", "0x+1 a", "1 a", "0x10000000000000000 a", "0x1\u{2000}a"] {
            assert_eq!(reference(line.as_bytes()), None, "{line}");
        }
    }

    #[test]
    fn a_reference_is_as_long_whatever_follows() {
        for digits in 0..=20 {
            for end in [" ", "", "g", "\n", "  ", "\u{80}", ": "] {
                let line = format!("0x{}{end}", &"0123456789abcdefABCD"[..digits]);
                let expected = (end.starts_with(' ') && (1..=16).contains(&digits)).then_some(digits + 3);
                assert_eq!(reference_length(line.as_bytes()), expected, "{line:?}");
                let whole = format!("{line}key value of an entry");
                let expected = expected.filter(|_| !end.is_empty());
                assert_eq!(reference_length(whole.as_bytes()), expected, "{whole:?}");
            }
        }
    }

    #[test]
    fn the_lines_with_references_are_those_of_a_loop_over_lines() {
        arbtest(|u| {
            let mut text = String::new();
            for _ in 0..u.int_in_range(0..=12)? {
                let reference = *u.choose(&[
                    "0x1 ",
                    "0x55d9a0b1c2d3 ",
                    "0xffffffffffffffff ",
                    "",
                    "0x",
                    "0x1",
                    "0x10000000000000000 ",
                ])?;
                let longest = *u.choose(&[2, 70])?;
                let length = u.int_in_range(0..=longest)?;
                text.extend([reference, &"v".repeat(length), "\n"]);
            }
            text.truncate(text.len().saturating_sub(u.int_in_range(0..=3)?));
            let mut expected = Vec::new();
            let mut start = 0;
            for line in text.split_inclusive('\n') {
                expected.extend(short_reference(line.as_bytes()).map(|_| start));
                start += line.len();
            }
            let mut lines = Lines::default();
            let mut arrived = 0;
            while arrived < text.len() {
                arrived = text.len().min(arrived + u.int_in_range(1..=100)?);
                lines.find(&text.as_bytes()[..arrived]);
            }
            assert_eq!(lines.starts, expected, "{text:?}");
            Ok(())
        });
    }

    #[test]
    fn hexadecimal_digits_end_at_every_other_byte() {
        for byte in 0..=255u8 {
            let word = u64::from_le_bytes([b'7', b'f', byte, b'A', b'1', b'1', b'1', b'1']);
            let expected = if byte.is_ascii_hexdigit() { 8 } else { 2 };
            assert_eq!(leading_hex_digits(word), expected, "byte {byte:#x}");
        }
    }
}
