//! Lists of revoked certificates that HAProxy can show.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::der::{Der, INTEGER, SEQUENCE};
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
        let list = STANDARD.decode(body.concat()).map_err(|_| unreadable())?;
        if !has_next_update(&list).ok_or_else(unreadable)? {
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

/// Returns `true` if a list has a next update. Returns `None` if the text is no list (RFC 5280, 5.1).
fn has_next_update(list: &[u8]) -> Option<bool> {
    let mut fields = Der::new(Der::new(Der::new(list).element(SEQUENCE)?).element(SEQUENCE)?);
    let _version = fields.element(INTEGER);
    let _algorithm = fields.element(SEQUENCE)?;
    let _issuer = fields.element(SEQUENCE)?;
    let _issued = fields.time_text()?;
    Some(fields.time_text().is_some())
}

pub(in crate::object::certificate) const SECTION: &str = "X509 CRL";

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
