use std::fmt;

use super::super::date::date;
use super::OcspCertificate;
use crate::error::Malformed;

/// The OCSP response that a process staples to one certificate: `show ssl ocsp-response ID`.
///
/// HAProxy keeps a response only if it has exactly one certificate, a known status and a time of the
/// next response.
///
/// # Example
///
/// ```no_run
/// # async fn example(cluster: haproxyadmin::Cluster) -> haproxyadmin::Result<()> {
/// let shown = cluster.certificate("/etc/haproxy/site.pem")?.ocsp_response().await?;
/// for (label, response) in shown.values() {
///     println!("{label}: {} until {}", response.status, response.next_update_text);
/// }
/// # Ok(())
/// # }
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[non_exhaustive]
pub struct OcspResponse {
    /// Status of the certificate: `Cert Status`.
    pub status: OcspStatus,
    /// Issuer and serial number of the certificate: `Certificate ID`.
    pub subject: OcspCertificate,
    /// Name of the responder such as `CN = Example CA`, or the hash of its key in upper-case hexadecimal
    /// digits: `Responder Id`.
    pub responder: Box<str>,
    /// Time of the signature, in seconds since 1970: `Produced At`.
    pub produced_at: i64,
    /// Time of the signature, such as `Sep 13 21:20:24 2019 GMT`.
    pub produced_at_text: Box<str>,
    /// Time at which the status was known to be correct, in seconds since 1970: `This Update`.
    pub this_update: i64,
    /// Time at which the status was known to be correct, in the same form as the time of the signature.
    pub this_update_text: Box<str>,
    /// End of the validity, in seconds since 1970: `Next Update`. HAProxy staples the response until 300
    /// seconds before it.
    pub next_update: i64,
    /// End of the validity, in the same form.
    pub next_update_text: Box<str>,
    /// Time of the revocation, in seconds since 1970: `Revocation Time`. `None` unless the status is
    /// [`Revoked`](OcspStatus::Revoked).
    pub revoked_at: Option<i64>,
    /// Time of the revocation, in the same form.
    pub revoked_at_text: Option<Box<str>>,
    /// Reason of the revocation, such as `keyCompromise (0x1)`: `Revocation Reason`.
    pub revocation_reason: Option<Box<str>>,
    /// The whole output of HAProxy, with signature and certificates.
    pub text: Box<str>,
}

/// Status of a certificate in an OCSP response (RFC 6960, 4.2.1).
///
/// With the feature `serde` a status is written as HAProxy's word.
///
/// # Example
///
/// ```
/// use haproxyadmin::certificate::OcspStatus;
///
/// assert_eq!(OcspStatus::from("good"), OcspStatus::Good);
/// assert_eq!(OcspStatus::Revoked.to_string(), "revoked");
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(from = "Box<str>", into = "Box<str>"))]
#[non_exhaustive]
pub enum OcspStatus {
    /// The certificate is not revoked.
    Good,
    /// The certificate is revoked.
    Revoked,
    /// A word that this version of the crate does not know. HAProxy keeps no response with the status
    /// `unknown`.
    Other(Box<str>),
}

impl OcspResponse {
    /// Reads the reply to `show ssl ocsp-response ID`.
    pub(crate) fn read(text: &str) -> Result<Self, Malformed> {
        let lines: Vec<&str> = text.lines().map(str::trim).collect();
        let find = |name: &str| {
            let mut lines = (1..).zip(lines.iter().copied());
            lines.find_map(|(at, line)| Some((at, line.strip_prefix(name)?.strip_prefix(": ")?)))
        };
        let required = |name: &'static str| {
            find(name).ok_or_else(|| Malformed::new(1, Some(name), "a line of that name", text.as_bytes()))
        };
        let time = |name: &'static str| {
            let found = required(name)?;
            Ok((date(name, found)?, found.1.into()))
        };
        let (produced_at, produced_at_text) = time("Produced At")?;
        let (this_update, this_update_text) = time("This Update")?;
        let (next_update, next_update_text) = time("Next Update")?;
        let revoked = find("Revocation Time");
        Ok(Self {
            status: required("Cert Status")?.1.into(),
            subject: OcspCertificate::read(1, &lines)?,
            responder: required("Responder Id")?.1.into(),
            produced_at,
            produced_at_text,
            this_update,
            this_update_text,
            next_update,
            next_update_text,
            revoked_at: revoked.map(|found| date("Revocation Time", found)).transpose()?,
            revoked_at_text: revoked.map(|(_, text)| text.into()),
            revocation_reason: find("Revocation Reason").map(|(_, reason)| reason.into()),
            text: text.into(),
        })
    }
}

impl OcspStatus {
    /// Returns the word of HAProxy.
    pub fn as_str(&self) -> &str {
        match self {
            Self::Good => "good",
            Self::Revoked => "revoked",
            Self::Other(word) => word,
        }
    }
}

impl From<&str> for OcspStatus {
    fn from(word: &str) -> Self {
        match word {
            "good" => Self::Good,
            "revoked" => Self::Revoked,
            other => Self::Other(other.into()),
        }
    }
}

impl From<Box<str>> for OcspStatus {
    fn from(word: Box<str>) -> Self {
        Self::from(&*word)
    }
}

impl From<OcspStatus> for Box<str> {
    fn from(status: OcspStatus) -> Self {
        status.as_str().into()
    }
}

impl fmt::Display for OcspStatus {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PRINTED: &str = "OCSP Response Data:\n    OCSP Response Status: successful (0x0)\n    \
        Response Type: Basic OCSP Response\n    Version: 1 (0x0)\n    Responder Id: CN = Test CA\n    \
        Produced At: Nov 26 05:28:25 2026 GMT\n    Responses:\n    Certificate ID:\n      \
        Hash Algorithm: sha1\n      Issuer Name Hash: BF70\n      Issuer Key Hash: 441A\n      \
        Serial Number: 6DED\n    Cert Status: revoked\n    Revocation Time: Jan  1 00:00:00 2026 GMT\n    \
        Revocation Reason: keyCompromise (0x1)\n    This Update: Nov 26 05:28:26 2026 GMT\n    \
        Next Update: Nov 29 05:28:25 2026 GMT\n \n    Signature Algorithm: ecdsa-with-SHA256\n\
        Certificate:\n        Serial Number:\n            0a:51\n        Issuer: CN=Test CA\n";

    #[test]
    fn each_line_has_its_place() {
        let response = OcspResponse::read(PRINTED).unwrap();
        assert_eq!((&response.status, &*response.responder), (&OcspStatus::Revoked, "CN = Test CA"));
        let OcspCertificate { issuer_name_hash, issuer_key_hash, serial } = &response.subject;
        let parts = [issuer_name_hash, issuer_key_hash, serial].map(|text| &**text);
        assert_eq!(parts, ["BF70", "441A", "6DED"]);
        let times = [response.produced_at, response.this_update, response.next_update];
        assert_eq!(times, [1_795_670_905, 1_795_670_906, 1_795_930_105]);
        assert_eq!(&*response.next_update_text, "Nov 29 05:28:25 2026 GMT");
        assert_eq!(response.revoked_at, Some(1_767_225_600));
        assert_eq!(response.revocation_reason.as_deref(), Some("keyCompromise (0x1)"));
        assert_eq!(&*response.text, PRINTED);

        let good = PRINTED.replace("revoked", "good").replace("Revocation", "No");
        let response = OcspResponse::read(&good).unwrap();
        assert_eq!((response.status, response.revoked_at), (OcspStatus::Good, None));
        assert_eq!((response.revoked_at_text, response.revocation_reason), (None, None));
    }

    #[test]
    fn malformed_responses_are_errors() {
        for (text, message) in [
            (
                PRINTED.replace("Nov 29", "Nov 32"),
                "line 17, column \"Next Update\": expected a date in GMT, found \"Nov 32 05:28:25 2026 GMT\"",
            ),
            (
                PRINTED.replace("Jan", "Foo"),
                "line 14, column \"Revocation Time\": expected a date in GMT, found \"Foo  1 00:00:00 2026 GMT\"",
            ),
            ("x".to_owned(), "line 1, column \"Produced At\": expected a line of that name, found \"x\""),
        ] {
            assert_eq!(OcspResponse::read(&text).unwrap_err().to_string(), message);
        }
    }
}
