use std::fmt;

use crate::show::X509;

/// Text that tells one content of a file from another.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Mark(Box<str>);

impl Mark {
    /// Describes a certificate by its fingerprint, or by its validity if HAProxy does not print the
    /// fingerprint.
    pub(super) fn of_certificate(x509: &X509) -> Self {
        let X509 { serial, not_before_text, not_after_text, .. } = x509;
        Self(match &x509.fingerprint {
            Some(fingerprint) => format!("certificate {fingerprint} (serial {serial})").into(),
            None => format!("certificate of {not_before_text} to {not_after_text} (serial {serial})").into(),
        })
    }
}

impl fmt::Display for Mark {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}
