use std::fmt;
use std::str::FromStr;

use crate::error::{Error, Result};
use crate::excerpt::excerpt;

/// ID of a certificate in OCSP: hashes of its issuer and its serial number, encoded as DER (RFC 6960,
/// 4.1.1, `CertID`).
///
/// The text is in lower-case hexadecimal digits, as `show ssl ocsp-response` lists it. Upper-case digits
/// are read too. HAProxy's IDs have 128 bytes at most.
///
/// # Example
///
/// ```
/// use haproxyadmin::certificate::OcspId;
///
/// let id: OcspId = "303B300906052b0e".parse()?;
/// assert_eq!(id.as_str(), "303b300906052b0e");
/// assert!("site.pem".parse::<OcspId>().is_err());
/// # Ok::<(), haproxyadmin::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(try_from = "Box<str>", into = "Box<str>"))]
#[doc(alias = "certid")]
pub struct OcspId(Box<str>);

/// The certificate that an OCSP response is for: the parts of an [`OcspId`].
///
/// # Example
///
/// ```no_run
/// # async fn example(cluster: haproxyadmin::Cluster) -> haproxyadmin::Result<()> {
/// for (label, responses) in cluster.ocsp_responses().await?.values() {
///     let serials: Vec<_> = responses.iter().map(|one| &one.subject.serial).collect();
///     println!("{label}: {serials:?}");
/// }
/// # Ok(())
/// # }
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[non_exhaustive]
pub struct OcspCertificate {
    /// Hash of the name of the issuer, in upper-case hexadecimal digits: `Issuer Name Hash`.
    pub issuer_name_hash: Box<str>,
    /// Hash of the public key of the issuer, in upper-case hexadecimal digits: `Issuer Key Hash`.
    pub issuer_key_hash: Box<str>,
    /// Serial number, in upper-case hexadecimal digits: `Serial Number`.
    pub serial: Box<str>,
}

impl OcspId {
    /// Returns the lower-case hexadecimal digits.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Reads an ID, if `text` is one.
    pub(crate) fn read(text: &str) -> Option<Self> {
        let is_id = (2..=LONGEST).contains(&text.len())
            && text.len() % 2 == 0
            && text.bytes().all(|byte| byte.is_ascii_hexdigit());
        is_id.then(|| Self(text.to_ascii_lowercase().into()))
    }
}

impl FromStr for OcspId {
    type Err = Error;

    /// # Errors
    ///
    /// - [`InvalidInput`](crate::ErrorKind::InvalidInput) unless the text has 1 to 128 pairs of
    ///   hexadecimal digits.
    fn from_str(text: &str) -> Result<Self> {
        let wrong = || {
            Error::invalid(format!(
                "the ID of a certificate: expected 1 to 128 pairs of hexadecimal digits, found {:?}",
                excerpt(text)
            ))
        };
        Self::read(text).ok_or_else(wrong)
    }
}

impl TryFrom<Box<str>> for OcspId {
    type Error = Error;

    fn try_from(text: Box<str>) -> Result<Self> {
        text.parse()
    }
}

impl From<OcspId> for Box<str> {
    fn from(id: OcspId) -> Self {
        id.0
    }
}

impl fmt::Display for OcspId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

/// Number of digits of the longest ID.
const LONGEST: usize = 256;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_is_pairs_of_digits() {
        for text in ["00", "30aF", &"ab".repeat(128)] {
            assert_eq!(text.parse::<OcspId>().unwrap().as_str(), text.to_ascii_lowercase());
        }
        for text in ["", "0", "0x30", "3g", "30 ", "text", &"ab".repeat(129), "30;31", "é"] {
            assert!(text.parse::<OcspId>().is_err(), "{text:?}");
        }
        assert_eq!(
            "a.pem".parse::<OcspId>().unwrap_err().to_string(),
            "the ID of a certificate: expected 1 to 128 pairs of hexadecimal digits, found \"a.pem\""
        );
    }
}
