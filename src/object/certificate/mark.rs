use std::fmt;

use crate::error::Malformed;
use crate::show::{CaFileDetails, CertificateDetails, Crl, CrlFileDetails, X509};

/// Texts that tell one content of a file from another, in an order of their own: HAProxy sorts the
/// certificates of a CA file when it first uses them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Mark {
    what: &'static str,
    texts: Vec<String>,
}

impl Mark {
    /// Reads a certificate. Returns `None` if it is empty.
    pub(super) fn of_certificate(name: &str, text: &str) -> Result<Option<Self>, Malformed> {
        let leaf = CertificateDetails::read(name, text)?.leaf;
        Ok(Self::new("certificate", leaf.iter().map(certificate)))
    }

    /// Reads a CA file. Returns `None` if it is empty.
    pub(super) fn of_ca_file(name: &str, text: &str) -> Result<Option<Self>, Malformed> {
        let certificates = CaFileDetails::read(name, text)?.certificates;
        Ok(Self::new("certificate", certificates.iter().map(certificate)))
    }

    /// Reads a CRL file. Returns `None` if it is empty.
    pub(super) fn of_crl_file(name: &str, text: &str) -> Result<Option<Self>, Malformed> {
        Ok(Self::new("list", CrlFileDetails::read(name, text)?.lists.iter().map(list)))
    }

    fn new(what: &'static str, texts: impl Iterator<Item = String>) -> Option<Self> {
        let mut texts: Vec<_> = texts.collect();
        texts.sort_unstable();
        (!texts.is_empty()).then_some(Self { what, texts })
    }
}

/// Describes a certificate by its fingerprint, or by its validity if HAProxy does not print the
/// fingerprint.
fn certificate(x509: &X509) -> String {
    let X509 { serial, not_before_text, not_after_text, .. } = x509;
    match &x509.fingerprint {
        Some(fingerprint) => format!("{fingerprint} (serial {serial})"),
        None => format!("of {not_before_text} to {not_after_text} (serial {serial})"),
    }
}

fn list(list: &Crl) -> String {
    let serials = list.revoked.iter().map(|revoked| format!("{} {}", revoked.serial, revoked.revoked_at));
    let serials = serials.collect::<Vec<_>>().join(", ");
    format!("of {} of {}, with {} revoked: {serials}", list.issuer, list.last_update_text, list.revoked.len())
}

impl fmt::Display for Mark {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { what, texts } = self;
        match texts.as_slice() {
            [one] => write!(f, "{what} {}", shortened(one)),
            [first, ..] => write!(f, "{} {what}s, one {what} {}", texts.len(), shortened(first)),
            [] => write!(f, "no {what}"),
        }
    }
}

/// Returns a text without the revoked certificates.
fn shortened(text: &str) -> &str {
    text.split(" revoked: ").next().unwrap_or_default()
}
