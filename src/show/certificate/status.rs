use std::fmt;

/// Use of a certificate, a CA file or a CRL file by a process, as `show ssl cert NAME` prints it.
///
/// With the feature `serde` a status is written as HAProxy's word.
///
/// # Example
///
/// ```
/// use haproxyadmin::certificate::CertificateStatus;
///
/// assert_eq!(CertificateStatus::from("Used"), CertificateStatus::Used);
/// assert_eq!(CertificateStatus::Unused.to_string(), "Unused");
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(from = "Box<str>", into = "Box<str>"))]
#[non_exhaustive]
pub enum CertificateStatus {
    /// A frontend, a server or a list of certificates uses it.
    Used,
    /// It is loaded, and is not used. Up to 3.0 also: it is part of a transaction.
    Unused,
    /// It was created and holds no certificate yet.
    Empty,
    /// It is part of a transaction that is not committed (3.2 and later).
    Uncommitted,
    /// A word that this version of the crate does not know.
    Other(Box<str>),
}

impl CertificateStatus {
    /// Returns the word of HAProxy.
    pub fn as_str(&self) -> &str {
        match self {
            Self::Used => "Used",
            Self::Unused => "Unused",
            Self::Empty => "Empty",
            Self::Uncommitted => "Uncommitted",
            Self::Other(word) => word,
        }
    }
}

impl From<&str> for CertificateStatus {
    fn from(word: &str) -> Self {
        match word {
            "Used" => Self::Used,
            "Unused" => Self::Unused,
            "Empty" => Self::Empty,
            "Uncommitted" => Self::Uncommitted,
            other => Self::Other(other.into()),
        }
    }
}

impl From<Box<str>> for CertificateStatus {
    fn from(word: Box<str>) -> Self {
        Self::from(&*word)
    }
}

impl From<CertificateStatus> for Box<str> {
    fn from(status: CertificateStatus) -> Self {
        status.as_str().into()
    }
}

impl fmt::Display for CertificateStatus {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}
