//! Escapes for the bytes of an address that its text cannot hold.
//!
//! Control characters and bytes that are not UTF-8 are written `\xHH`, as in HAProxy's
//! configuration. Backslashes stand for themselves, except in front of an escape or of text
//! that looks like an escape: there, two backslashes stand for one.

use std::fmt::{self, Write as _};

/// Writes bytes as text that [`unescape`] turns back into the same bytes.
pub(super) struct Escaped<'a>(pub(super) &'a [u8]);

impl fmt::Display for Escaped<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let is_plain = |text: &&str| !text.contains(|c: char| c == '\\' || c.is_control());
        if let Some(text) = std::str::from_utf8(self.0).ok().filter(is_plain) {
            return f.write_str(text);
        }
        // Backslashes that are written once the character after them is known.
        let mut backslashes = 0;
        for chunk in self.0.utf8_chunks() {
            let mut rest = chunk.valid().chars();
            loop {
                let is_like_escape = hex_escape(rest.as_str().as_bytes()).is_some();
                match rest.next() {
                    None => break,
                    Some('\\') => backslashes += 1,
                    Some(found) if found.is_control() => {
                        repeat_backslash(f, &mut backslashes, 2)?;
                        hex(f, found.encode_utf8(&mut [0; 4]).as_bytes())?;
                    }
                    Some(found) => {
                        repeat_backslash(f, &mut backslashes, if is_like_escape { 2 } else { 1 })?;
                        f.write_char(found)?;
                    }
                }
            }
            if !chunk.invalid().is_empty() {
                repeat_backslash(f, &mut backslashes, 2)?;
                hex(f, chunk.invalid())?;
            }
        }
        repeat_backslash(f, &mut backslashes, 1)
    }
}

fn repeat_backslash(f: &mut fmt::Formatter<'_>, count: &mut usize, times: usize) -> fmt::Result {
    (0..std::mem::take(count) * times).try_for_each(|_| f.write_char('\\'))
}

fn hex(f: &mut fmt::Formatter<'_>, bytes: &[u8]) -> fmt::Result {
    bytes.iter().try_for_each(|byte| write!(f, "\\x{byte:02x}"))
}

/// Returns the bytes that `text` stands for.
pub(super) fn unescape(text: &str) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while !rest.is_empty() {
        let backslashes = rest.iter().take_while(|byte| **byte == b'\\').count();
        rest = rest.get(backslashes..).unwrap_or_default();
        let kept = match hex_escape(rest) {
            Some(byte) if backslashes % 2 == 1 => {
                bytes.resize(bytes.len() + backslashes / 2, b'\\');
                bytes.push(byte);
                rest = rest.get(3..).unwrap_or_default();
                continue;
            }
            Some(_) => backslashes / 2,
            None => backslashes,
        };
        bytes.resize(bytes.len() + kept, b'\\');
        let plain = rest.iter().position(|byte| *byte == b'\\').unwrap_or(rest.len());
        let (plain, behind) = rest.split_at(plain);
        bytes.extend_from_slice(plain);
        rest = behind;
    }
    bytes
}

/// Returns the byte that `xHH` at the beginning of `text` stands for.
fn hex_escape(text: &[u8]) -> Option<u8> {
    let [b'x', high, low, ..] = text else { return None };
    let digit = |byte: u8| char::from(byte).to_digit(16).and_then(|digit| u8::try_from(digit).ok());
    Some(digit(*high)? * 16 + digit(*low)?)
}

#[cfg(test)]
mod tests {
    use arbtest::arbitrary::Result;
    use arbtest::arbtest;

    use super::*;

    #[test]
    fn only_what_text_cannot_hold_is_escaped() {
        for (bytes, text) in [
            (&b"/run/a b'\"#.sock"[..], "/run/a b'\"#.sock"),
            ("/run/é".as_bytes(), "/run/é"),
            (b"tab\tand\x7f", r"tab\x09and\x7f"),
            ("next\u{85}line".as_bytes(), r"next\xc2\x85line"),
            (b"\xff\xc3\xa9\xc3", r"\xffé\xc3"),
            (br"a\b\\c\", r"a\b\\c\"),
            (br"a\x41", r"a\\x41"),
            (br"a\\x4F", r"a\\\\x4F"),
            (br"a\x4", r"a\x4"),
            (br"a\xg1", r"a\xg1"),
            (b"a\\\t", r"a\\\x09"),
            (b"a\\\xff", r"a\\\xff"),
            (b"", ""),
        ] {
            assert_eq!(Escaped(bytes).to_string(), text);
            assert_eq!(unescape(text), bytes, "{text}");
        }
    }

    #[test]
    fn every_text_stands_for_the_bytes_it_was_made_from() {
        arbtest(|u| {
            let choices = [None, Some(&br"\\\xx4f0/"[..]), Some(b"\\\\x4f\t\xff\xc3\xa9")];
            let choices = u.choose(&choices)?.to_owned();
            let length = u.int_in_range(0..=11)?;
            let byte = |_| match choices {
                None => u.arbitrary(),
                Some(choices) => u.choose(choices).copied(),
            };
            let bytes = (0..length).map(byte).collect::<Result<Vec<_>>>()?;
            let text = Escaped(&bytes).to_string();
            assert!(!text.chars().any(char::is_control), "{text:?}");
            assert_eq!(unescape(&text), bytes, "{text:?}");
            Ok(())
        });
    }

    #[test]
    fn text_without_hexadecimal_escapes_stands_for_itself() {
        arbtest(|u| {
            let length = u.int_in_range(0..=12)?;
            let char = |_| if u.ratio(1, 4)? { Ok('\\') } else { u.arbitrary() };
            let mut text = (0..length).map(char).collect::<Result<String>>()?;
            text.retain(|c| c != 'x' && !c.is_control());
            assert_eq!(unescape(&text), text.as_bytes(), "{text:?}");
            assert_eq!(Escaped(text.as_bytes()).to_string(), text);
            Ok(())
        });
    }
}
