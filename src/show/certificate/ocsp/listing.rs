use super::{OcspCertificate, OcspId};
use crate::error::Malformed;

/// A certificate of which a process staples OCSP responses: one entry of `show ssl ocsp-response`.
///
/// HAProxy lists a certificate that it found a response for at its start (a file that ends with `.ocsp`), and
/// from 2.8 on a certificate with `ocsp-update on`, also before it has the first response.
///
/// # Example
///
/// ```no_run
/// # async fn example(cluster: haproxyadmin::Cluster) -> haproxyadmin::Result<()> {
/// for (label, responses) in cluster.ocsp_responses().await?.values() {
///     for listed in responses {
///         println!("{label}: {} of {:?}", listed.id, listed.certificate);
///     }
/// }
/// # Ok(())
/// # }
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[non_exhaustive]
pub struct ListedOcspResponse {
    /// ID of the certificate: `Certificate ID key`. It finds the response:
    /// [`Cluster::ocsp_response`](crate::Cluster::ocsp_response).
    pub id: OcspId,
    /// Issuer and serial number of the certificate.
    pub subject: OcspCertificate,
    /// Name of the certificate, as [`Cluster::certificates`](crate::Cluster::certificates) lists it:
    /// `Certificate path` (2.8 and later). If several files hold the certificate, the first one.
    pub certificate: Option<Box<str>>,
}

impl ListedOcspResponse {
    /// Reads the reply to `show ssl ocsp-response`. The reply is empty if there are no responses.
    pub(crate) fn read(text: &str) -> Result<Vec<Self>, Malformed> {
        let mut blocks = Vec::<(usize, &str, Vec<&str>)>::new();
        for (at, line) in (1..).zip(text.lines()).filter(|(_, line)| !line.trim().is_empty()) {
            match (line.strip_prefix("Certificate ID key : "), blocks.last_mut()) {
                (Some(id), _) => blocks.push((at, id, Vec::new())),
                (None, Some((_, _, lines))) => lines.push(line.trim()),
                (None, None) if line.starts_with("# ") => {}
                (None, None) => {
                    return Err(Malformed::new(at, None, "`Certificate ID key : `", line.as_bytes()));
                }
            }
        }
        blocks.iter().map(|(at, id, lines)| Self::block(*at, id, lines)).collect()
    }

    fn block(at: usize, id: &str, lines: &[&str]) -> Result<Self, Malformed> {
        let wrong =
            || Malformed::new(at, Some("Certificate ID key"), "pairs of hexadecimal digits", id.as_bytes());
        Ok(Self {
            id: OcspId::read(id).ok_or_else(wrong)?,
            subject: OcspCertificate::read(at, lines)?,
            certificate: lines
                .iter()
                .find_map(|line| line.strip_prefix("Certificate path : "))
                .map(Into::into),
        })
    }
}

impl OcspCertificate {
    /// Reads the first lines with the names of the parts. `at` is the number of the first line.
    pub(super) fn read(at: usize, lines: &[&str]) -> Result<Self, Malformed> {
        let part = |name: &'static str| {
            let value = |line: &&str| Some(line.strip_prefix(name)?.strip_prefix(": ")?.into());
            let missing = || Malformed::new(at, Some(name), "a line of that name", b"");
            lines.iter().find_map(value).ok_or_else(missing)
        };
        Ok(Self {
            issuer_name_hash: part("Issuer Name Hash")?,
            issuer_key_hash: part("Issuer Key Hash")?,
            serial: part("Serial Number")?,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const FIRST: &str = "# Certificate IDs\nCertificate ID key : 304d0a\n Certificate ID:\n   \
        Issuer Name Hash: BF70\n   Issuer Key Hash: 441A\n   Serial Number: 6DED\n";
    const SECOND: &str = "Certificate ID key : 304d0b\nCertificate path : /etc/a b.pem\n Certificate ID:\n   \
        Issuer Name Hash: BF71\n   Issuer Key Hash: 441B\n   Serial Number: 02\n";

    #[test]
    fn each_id_has_its_certificate() {
        let listed = ListedOcspResponse::read(&format!("{FIRST}{SECOND}")).unwrap();
        let seen: Vec<_> = listed
            .iter()
            .map(|one| {
                let OcspCertificate { issuer_name_hash, issuer_key_hash, serial } = &one.subject;
                (one.id.as_str(), [issuer_name_hash, issuer_key_hash, serial].map(|text| &**text))
            })
            .collect();
        assert_eq!(seen, [("304d0a", ["BF70", "441A", "6DED"]), ("304d0b", ["BF71", "441B", "02"])]);
        let certificates: Vec<_> = listed.iter().map(|one| one.certificate.as_deref()).collect();
        assert_eq!(certificates, [None, Some("/etc/a b.pem")]);
        assert_eq!(ListedOcspResponse::read("").unwrap(), []);
        assert_eq!(ListedOcspResponse::read("# Certificate IDs\n").unwrap(), []);
    }

    #[test]
    fn malformed_entries_are_errors() {
        for (text, message) in [
            (
                FIRST.replace("304d0a", "304d0"),
                "line 2, column \"Certificate ID key\": expected pairs of hexadecimal digits, found \"304d0\"",
            ),
            (
                FIRST.replace("Serial Number", "Other"),
                "line 2, column \"Serial Number\": expected a line of that name, found \"\"",
            ),
            ("x\n".to_owned(), "line 1: expected `Certificate ID key : `, found \"x\""),
        ] {
            assert_eq!(ListedOcspResponse::read(&text).unwrap_err().to_string(), message);
        }
    }
}
