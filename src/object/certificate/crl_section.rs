//! Lists of revoked certificates that HAProxy can show.

use crate::error::{Error, Result};

/// Checks each list in the lines of a PEM text.
///
/// HAProxy takes a list without a next update, which X.509 allows, and dies when it shows the list.
///
/// # Errors
///
/// - `InvalidInput` if a list has no next update, or cannot be read.
pub(super) fn check(lines: &[&str]) -> Result<()> {
    let mut rest = lines.iter();
    while let Some(begin) = rest.next() {
        let name = begin.strip_prefix("-----BEGIN ").and_then(|rest| rest.strip_suffix("-----"));
        let name = name.filter(|name| !name.contains("-----")).ok_or_else(unreadable)?;
        let end = format!("-----END {name}-----");
        let body: Vec<&str> = rest.by_ref().copied().take_while(|line| *line != end).collect();
        // OpenSSL would find the begin of a section in the middle of a line that is longer than its buffer.
        if body.iter().any(|line| line.contains("-----")) {
            return Err(unreadable());
        }
        if name != SECTION {
            continue;
        }
        if !decode(&body.concat()).and_then(|list| has_next_update(&list)).ok_or_else(unreadable)? {
            return Err(Error::invalid(format!(
                "a section `{SECTION}` of the PEM text has no next update, and HAProxy would die when it shows it"
            )));
        }
    }
    Ok(())
}

fn unreadable() -> Error {
    Error::invalid(format!("a section `{SECTION}` of the PEM text cannot be read"))
}

/// Decodes Base64 (RFC 4648, 4).
fn decode(text: &str) -> Option<Vec<u8>> {
    let digits = text.strip_suffix("==").or_else(|| text.strip_suffix('=')).unwrap_or(text);
    if text.len() % 4 != 0 {
        return None;
    }
    let mut bytes = Vec::with_capacity(text.len() / 4 * 3);
    for group in digits.as_bytes().chunks(4) {
        let mut bits = 0;
        for digit in group {
            bits = bits << 6 | u32::from(value_of(*digit)?);
        }
        bits <<= 6 * (4 - group.len());
        bytes.extend(bits.to_be_bytes().into_iter().skip(1).take(group.len() - 1));
    }
    Some(bytes)
}

fn value_of(digit: u8) -> Option<u8> {
    match digit {
        b'A'..=b'Z' => Some(digit - b'A'),
        b'a'..=b'z' => Some(digit - b'a' + 26),
        b'0'..=b'9' => Some(digit - b'0' + 52),
        b'+' => Some(62),
        b'/' => Some(63),
        _ => None,
    }
}

/// Returns `true` if a list has a next update. Returns `None` if the text is no list (RFC 5280, 5.1).
fn has_next_update(list: &[u8]) -> Option<bool> {
    let (content, _) = after(list, &[SEQUENCE])?;
    let (mut fields, _) = after(content, &[SEQUENCE])?;
    if let Some((_, rest)) = after(fields, &[INTEGER]) {
        fields = rest;
    }
    // The algorithm of the signature, the issuer and the time of issue.
    for tags in [&[SEQUENCE][..], &[SEQUENCE], TIMES] {
        fields = after(fields, tags)?.1;
    }
    Some(after(fields, TIMES).is_some())
}

/// Splits a DER text into the content of its first value and the rest. Returns `None` if the value has
/// another tag.
fn after<'a>(text: &'a [u8], tags: &[u8]) -> Option<(&'a [u8], &'a [u8])> {
    let (_, rest) = text.split_first().filter(|(tag, _)| tags.contains(tag))?;
    let (&first, rest) = rest.split_first()?;
    let (length, rest) = match first {
        0..=0x7f => (usize::from(first), rest),
        0x81..=0x83 => {
            let (length, rest) = rest.split_at_checked(usize::from(first & 0x7f))?;
            (length.iter().fold(0, |sum, byte| sum << 8 | usize::from(*byte)), rest)
        }
        _ => return None,
    };
    rest.split_at_checked(length)
}

pub(super) const SECTION: &str = "X509 CRL";

const INTEGER: u8 = 0x02;
const SEQUENCE: u8 = 0x30;
/// `UTCTime` and `GeneralizedTime`.
const TIMES: &[u8] = &[0x17, 0x18];

#[cfg(test)]
mod tests {
    use super::*;

    /// A list of issue time and next update, and one of issue time and revoked certificates.
    const GOOD: &str = "MDIwKAIBATADBgEqMAAXDTIxMDEwMTAwMDAwMFoXDTQ5MDEwMTAwMDAwMFowAwYBKgMBAA==";
    const BAD: &str = "MCUwGwIBATADBgEqMAAXDTIxMDEwMTAwMDAwMFowADADBgEqAwEA";

    fn value(tag: u8, content: &[u8]) -> Vec<u8> {
        let length = u8::try_from(content.len()).unwrap();
        let long = if length > 0x7f { &[0x81][..] } else { &[] };
        [&[tag], long, &[length], content].concat()
    }

    /// Builds a list of these fields behind the issuer.
    fn list(version: &[u8], fields: &[u8]) -> Vec<u8> {
        let issuer = value(SEQUENCE, &[0; 100]);
        let head = [version, &value(SEQUENCE, b"\x06\0"), &issuer].concat();
        let inner = value(SEQUENCE, &[&head, fields].concat());
        value(SEQUENCE, &[inner, value(SEQUENCE, b"\x06\0"), value(3, b"\0")].concat())
    }

    #[test]
    fn a_next_update_is_the_second_time() {
        let (utc, general) = (value(0x17, b"210101000000Z"), value(0x18, b"20510101000000Z"));
        let (revoked, extensions) = (value(SEQUENCE, b""), value(0xa0, b""));
        for version in [value(INTEGER, b"\x01"), Vec::new()] {
            for (fields, expected) in [
                ([&*utc, &general, &revoked].concat(), Some(true)),
                ([&*utc, &utc].concat(), Some(true)),
                (utc.clone(), Some(false)),
                ([&*general, &revoked, &utc].concat(), Some(false)),
                ([&*utc, &extensions].concat(), Some(false)),
                (revoked.clone(), None),
                (Vec::new(), None),
            ] {
                let whole = list(&version, &fields);
                assert_eq!(has_next_update(&whole), expected, "{whole:x?}");
                for end in 0..whole.len() {
                    assert_eq!(has_next_update(&whole[..end]), None, "{end} of {whole:x?}");
                }
            }
        }
        for wrong in
            [&[0x30, 0x80, 0, 0][..], &[0x30, 0xff], &[0x30, 0x84, 0xff, 0xff, 0xff, 0xff], b"secret"]
        {
            assert_eq!(has_next_update(wrong), None, "{wrong:x?}");
        }
    }

    #[test]
    fn base64_is_decoded_strictly() {
        for (text, bytes) in
            [("", ""), ("Zg==", "f"), ("Zm8=", "fo"), ("Zm9v", "foo"), ("Zm9vYmFy", "foobar")]
        {
            assert_eq!(decode(text).as_deref(), Some(bytes.as_bytes()), "{text}");
        }
        assert_eq!(decode("+/+/"), Some(vec![0xfb, 0xff, 0xbf]));
        for text in
            ["Zg", "Zg=", "Zm9v=", "Z===", "====", "Zm=v", "Zg==Zg==", "Zm9\n", "Zm-v", "Zm 9v", "Zm9v Zm9v"]
        {
            assert_eq!(decode(text), None, "{text:?}");
        }
    }

    #[test]
    fn each_list_of_a_text_is_checked() {
        let section =
            |name: &str, body: &str| format!("-----BEGIN {name}-----\n{body}\n-----END {name}-----\n");
        let (good, bad) = (section(SECTION, GOOD), section(SECTION, BAD));
        let outcome =
            |text: &str| check(&text.lines().collect::<Vec<_>>()).map_err(|error| error.to_string());
        let (first, last) = GOOD.split_at(30);
        for text in [
            good.clone(),
            format!("{good}{good}"),
            section(SECTION, &format!("{first}\n{last}")),
            format!("{}{good}", section("CERTIFICATE", "DEK-Info: x")),
            section("CRL", BAD),
        ] {
            assert_eq!(outcome(&text), Ok(()), "{text}");
        }
        for text in [bad.clone(), format!("{good}{bad}"), format!("{}{bad}", section("A", "MII"))] {
            let error = outcome(&text).unwrap_err();
            assert!(error.ends_with("has no next update, and HAProxy would die when it shows it"), "{error}");
        }
        for text in [
            section(SECTION, "secret"),
            section(SECTION, "Proc-Type: 4,ENCRYPTED"),
            section(SECTION, &format!("{BAD}\n-----BEGIN {SECTION}-----\n{GOOD}")),
            section("A", &format!("MII{}{bad}", "x".repeat(251))),
            section("A", &bad),
            format!("-----BEGIN A-----{bad}"),
            format!(
                "-----BEGIN {}-----BEGIN {SECTION}-----\n{BAD}\n-----END {SECTION}-----",
                "A".repeat(243)
            ),
        ] {
            let error = outcome(&text).unwrap_err();
            assert!(error.ends_with("a section `X509 CRL` of the PEM text cannot be read"), "{error}");
            assert!(!error.contains("secret"), "{error}");
        }
    }
}
