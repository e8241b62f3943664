//! The first certificate of a PEM text, as far as HAProxy shows it.

use std::fmt::Write as _;

use super::sha1::sha1;
use crate::error::{Error, Result};
use crate::show::X509;

/// A certificate, by what HAProxy prints of one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Leaf {
    fingerprint: String,
    serial: String,
    /// The validity, in seconds since 1970.
    not_before: i64,
    not_after: i64,
}

impl Leaf {
    /// Reads the first certificate of a PEM text, which HAProxy serves: all others are its chain.
    ///
    /// # Errors
    ///
    /// - `InvalidInput` if the text has no certificate, or one that cannot be read. The error shows no part of the text.
    pub(crate) fn of_pem(text: &str) -> Result<Self> {
        let wrong = || Error::invalid("the first section `CERTIFICATE` of the PEM text is no certificate");
        let bytes = section(text).and_then(|base64| decode(&base64)).ok_or_else(wrong)?;
        Self::of_der(&bytes).ok_or_else(wrong)
    }

    /// Reads a certificate (RFC 5280, 4.1).
    fn of_der(bytes: &[u8]) -> Option<Self> {
        let mut whole = Der(bytes);
        let certificate = whole.element(SEQUENCE)?;
        // A trusted certificate of OpenSSL has more behind the certificate.
        let end = bytes.len().checked_sub(whole.0.len())?;
        let digest = sha1(bytes.get(..end)?);
        let mut body = Der(Der(certificate).element(SEQUENCE)?);
        // A certificate of version 1 has no version.
        let _ = body.element(VERSION);
        let serial = body.element(INTEGER)?;
        let _algorithm = body.element(SEQUENCE)?;
        let _issuer = body.element(SEQUENCE)?;
        let mut validity = Der(body.element(SEQUENCE)?);
        let (not_before, not_after) = (validity.time()?, validity.time()?);
        let serial = match serial {
            // The sign of a number that begins with a bit that is set.
            [0, rest @ ..] if !rest.is_empty() => rest,
            serial => serial,
        };
        Some(Self { fingerprint: hex(&digest), serial: hex(serial), not_before, not_after })
    }

    /// Returns the SHA-1 of the certificate, as HAProxy prints it.
    pub(crate) fn fingerprint(&self) -> &str {
        &self.fingerprint
    }

    /// Returns the serial number, as HAProxy prints it.
    pub(crate) fn serial(&self) -> &str {
        &self.serial
    }

    /// Returns `true` if HAProxy has printed this certificate. If it has not printed the fingerprint, serial number and
    /// validity decide.
    pub(crate) fn is(&self, shown: &X509) -> bool {
        match &shown.fingerprint {
            // A full buffer may cut off the end.
            Some(fingerprint) if fingerprint.len() == self.fingerprint.len() => {
                **fingerprint == *self.fingerprint
            }
            _ => {
                (&*shown.serial, shown.not_before, shown.not_after)
                    == (&*self.serial, self.not_before, self.not_after)
            }
        }
    }
}

/// Returns the text of the first certificate.
fn section(text: &str) -> Option<String> {
    let mut lines = text.lines().map(str::trim);
    let begins = |line: &str| BEGINNINGS.contains(&line);
    lines.find(|line| begins(line))?;
    let inside: Vec<&str> = lines.by_ref().take_while(|line| !line.starts_with("-----")).collect();
    Some(inside.concat())
}

const BEGINNINGS: [&str; 3] = [
    "-----BEGIN CERTIFICATE-----",
    "-----BEGIN X509 CERTIFICATE-----",
    "-----BEGIN TRUSTED CERTIFICATE-----",
];

/// Decodes base64 with padding (RFC 4648, 4).
fn decode(text: &str) -> Option<Vec<u8>> {
    let digits = text.trim_end_matches('=').bytes().map(|byte| {
        Some(u32::from(match byte {
            b'A'..=b'Z' => byte - b'A',
            b'a'..=b'z' => byte - b'a' + 26,
            b'0'..=b'9' => byte - b'0' + 52,
            b'+' => 62,
            b'/' => 63,
            _ => return None,
        }))
    });
    let digits: Vec<u32> = digits.collect::<Option<_>>()?;
    let mut bytes = Vec::with_capacity(digits.len() / 4 * 3 + 2);
    for group in digits.chunks(4) {
        let missing = 4 - group.len();
        let bits = group.iter().fold(0, |bits, digit| bits << 6 | digit) << (6 * missing);
        let [_, group @ ..] = bits.to_be_bytes();
        bytes.extend(group.iter().take(3_usize.checked_sub(missing)?));
    }
    Some(bytes)
}

/// The rest of a text in DER (X.690, 8.1).
struct Der<'a>(&'a [u8]);

const SEQUENCE: u8 = 0x30;
const INTEGER: u8 = 0x02;
const VERSION: u8 = 0xa0;
const UTC_TIME: u8 = 0x17;
const GENERALIZED_TIME: u8 = 0x18;

impl<'a> Der<'a> {
    /// Takes the next element if it has this tag, and returns its content.
    fn element(&mut self, tag: u8) -> Option<&'a [u8]> {
        let [found, first, rest @ ..] = self.0 else { return None };
        if *found != tag {
            return None;
        }
        let (length, rest) = match usize::from(*first) {
            short @ ..=0x7f => (short, rest),
            long => {
                let (digits, rest) =
                    rest.split_at_checked(long & 0x7f).filter(|(digits, _)| digits.len() <= 4)?;
                (digits.iter().fold(0, |length, byte| length << 8 | usize::from(*byte)), rest)
            }
        };
        let (content, rest) = rest.split_at_checked(length)?;
        self.0 = rest;
        Some(content)
    }

    /// Takes the next time, in seconds since 1970.
    fn time(&mut self) -> Option<i64> {
        let (text, year_digits) = match self.element(UTC_TIME) {
            Some(text) => (text, 2),
            None => (self.element(GENERALIZED_TIME)?, 4),
        };
        let text = std::str::from_utf8(text).ok()?.strip_suffix('Z')?;
        let (year, rest) = text.split_at_checked(year_digits)?;
        let year: i64 = year.parse().ok()?;
        let year = match (year_digits, year) {
            (2, 50..) => year + 1900,
            (2, _) => year + 2000,
            _ => year,
        };
        let mut rest = rest;
        let mut number = || {
            let (digits, later) = rest.split_at_checked(2)?;
            rest = later;
            digits.parse::<u32>().ok()
        };
        let mut number = || number().map(i64::from);
        let (month, day, hour, minute, second) = (number()?, number()?, number()?, number()?, number()?);
        let days = days(year, month, day);
        Some(((days * 24 + hour) * 60 + minute) * 60 + second)
    }
}

/// Returns the number of days from 1970 to a date.
fn days(year: i64, month: i64, day: i64) -> i64 {
    // Years begin in March, so that a leap day is the last one. An era has 400 years.
    let (year, month) = if month > 2 { (year, month - 3) } else { (year - 1, month + 9) };
    let (era, of_era) = (year.div_euclid(400), year.rem_euclid(400));
    let of_year = (153 * month + 2) / 5 + day - 1;
    era * 146_097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719_468
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut text, byte| {
        // Writing to a string cannot fail.
        let _ = write!(text, "{byte:02X}");
        text
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_certificate_is_read() {
        let mut params = rcgen::CertificateParams::new(["a.example".to_owned()]).unwrap();
        params.not_before = rcgen::date_time_ymd(2026, 2, 28);
        params.not_after = rcgen::date_time_ymd(2051, 3, 1);
        params.serial_number = Some(rcgen::SerialNumber::from_slice(&[0x92, 0x4b]));
        let key = rcgen::KeyPair::generate().unwrap();
        let certificate = params.self_signed(&key).unwrap();
        let digest =
            ring::digest::digest(&ring::digest::SHA1_FOR_LEGACY_USE_ONLY, certificate.der().as_ref());
        let pem = format!("{}{}", key.serialize_pem(), certificate.pem());
        for text in [pem.clone(), pem.replace('\n', "\r\n")] {
            let leaf = Leaf::of_pem(&text).unwrap();
            assert_eq!((&*leaf.serial, &*leaf.fingerprint), ("924B", &*hex(digest.as_ref())));
            assert_eq!((leaf.not_before, leaf.not_after), (1_772_236_800, 2_561_241_600));
        }
    }

    #[test]
    fn what_is_no_certificate_is_refused_without_a_part_of_it() {
        let sections = ["", "secret", "MAA=", "MIIB", "MIMB", "AgEB", "\u{e9}"];
        for text in sections {
            let text = format!("-----BEGIN CERTIFICATE-----\n{text}\n-----END CERTIFICATE-----");
            let error = Leaf::of_pem(&text).unwrap_err().to_string();
            assert_eq!(error, "the first section `CERTIFICATE` of the PEM text is no certificate");
        }
        assert!(Leaf::of_pem("").is_err() && Leaf::of_pem("-----BEGIN CERTIFICATE-----").is_err());
    }

    #[test]
    fn base64_is_decoded() {
        for (text, bytes) in
            [("", ""), ("Zg==", "f"), ("Zm8=", "fo"), ("Zm9v", "foo"), ("Zm9vYmFy", "foobar")]
        {
            assert_eq!(decode(text).unwrap(), bytes.as_bytes());
        }
        assert_eq!(decode("Z").map(|bytes| bytes.len()), Some(0));
        assert_eq!(decode("Z-=="), None);
    }
}
