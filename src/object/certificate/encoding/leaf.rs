//! The first certificate of a PEM text, as far as HAProxy shows it.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use sha1_smol::Sha1;

use super::der::{Der, INTEGER, SEQUENCE, VERSION};
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
        let bytes = section(text).and_then(|text| STANDARD.decode(text).ok()).ok_or_else(wrong)?;
        Self::of_der(&bytes).ok_or_else(wrong)
    }

    /// Reads a certificate (RFC 5280, 4.1).
    fn of_der(bytes: &[u8]) -> Option<Self> {
        let mut whole = Der::new(bytes);
        let certificate = whole.element(SEQUENCE)?;
        // A trusted certificate of OpenSSL has more behind the certificate.
        let end = bytes.len().checked_sub(whole.rest().len())?;
        let fingerprint = Sha1::from(bytes.get(..end)?).hexdigest().to_uppercase();
        let mut body = Der::new(Der::new(certificate).element(SEQUENCE)?);
        // A certificate of version 1 has no version.
        let _ = body.element(VERSION);
        let serial = body.element(INTEGER)?;
        let _algorithm = body.element(SEQUENCE)?;
        let _issuer = body.element(SEQUENCE)?;
        let mut validity = Der::new(body.element(SEQUENCE)?);
        let (not_before, not_after) = (validity.time()?, validity.time()?);
        let serial = match serial {
            // The sign of a number that begins with a bit that is set.
            [0, rest @ ..] if !rest.is_empty() => rest,
            serial => serial,
        };
        Some(Self { fingerprint, serial: hex(serial), not_before, not_after })
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

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02X}")).collect::<Vec<_>>().concat()
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
}
