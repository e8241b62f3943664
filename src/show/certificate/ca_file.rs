use super::block::Blocks;
use super::x509::fields;
use super::{CertificateStatus, X509};
use crate::error::Malformed;
use crate::protocol::NEARLY_FULL;

/// All that a process tells about one CA file: `show ssl ca-file NAME`.
///
/// # Example
///
/// ```no_run
/// # async fn example(cluster: haproxyadmin::Cluster) -> haproxyadmin::Result<()> {
/// let shown = cluster.ca_file("/etc/haproxy/clients.pem")?.show().await?;
/// for (label, details) in shown.values() {
///     for certificate in &details.certificates {
///         println!("{label}: {:?} until {}", certificate.subject, certificate.not_after_text);
///     }
/// }
/// # Ok(())
/// # }
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[non_exhaustive]
pub struct CaFileDetails {
    /// Name: the path of a file, `@system-ca`, or the name that `new ssl ca-file` got.
    pub name: Box<str>,
    /// Use of the file.
    pub status: CertificateStatus,
    /// The certificates of the authorities. HAProxy keeps them in an order of its own.
    pub certificates: Vec<X509>,
}

impl CaFileDetails {
    /// Reads the reply to `show ssl ca-file NAME` or `show ssl ca-file *NAME`. The reply is empty if the
    /// file is empty.
    pub(crate) fn read(name: &str, text: &str) -> Result<Self, Malformed> {
        if text.trim().is_empty() {
            return Ok(Self {
                name: name.into(),
                status: CertificateStatus::Empty,
                certificates: Vec::new(),
            });
        }
        let reply = Blocks::read(text, "Certificate #")?;
        let mut certificates = Vec::with_capacity(reply.blocks.len());
        for block in &reply.blocks {
            let at = block.first().map_or(1, |(at, _)| *at);
            // HAProxy prints each certificate into a buffer of its own.
            let may_be_cut = block.iter().map(|(_, line)| line.len() + 1).sum::<usize>() > NEARLY_FULL;
            let found = X509::read(&fields(block.iter().copied(), may_be_cut)?, may_be_cut)?;
            let missing = || Malformed::new(at, Some("Serial"), "a line of that name", b"");
            certificates.push(found.ok_or_else(missing)?);
        }
        let name = reply.required("Filename")?;
        Ok(Self {
            name: name.strip_prefix('*').unwrap_or(name).into(),
            status: reply.required("Status")?.into(),
            certificates,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HEAD: &str = "Filename: *ca.pem\nStatus: Uncommitted\n";
    const FIRST: &str = " \nCertificate #1:\nSerial: 3A\nnotBefore: Nov 26 04:16:49 2026 GMT\n\
        notAfter: Nov 23 04:16:49 2036 GMT\nSubject Alternative Name: \nAlgorithm: ";
    const SECOND: &str = " \nCertificate #2:\nSerial: 18\nnotBefore: Nov 26 04:13:59 2026 GMT\n\
        notAfter: Nov 23 04:13:59 2036 GMT\nSubject Alternative Name: \nAlgorithm: EC256\n\
        SHA1 FingerPrint: 6F\nSubject: /CN=Test CA\nIssuer: /CN=Test CA\n";

    fn serials(text: &str) -> Vec<String> {
        let details = CaFileDetails::read("asked", text).unwrap();
        assert_eq!((&*details.name, details.status), ("ca.pem", CertificateStatus::Uncommitted));
        details.certificates.iter().map(|one| format!("{} {:?}", one.serial, one.algorithm)).collect()
    }

    #[test]
    fn each_certificate_is_read_also_if_its_key_is_unknown() {
        assert_eq!(serials(&format!("{HEAD}{SECOND}")), ["18 Some(\"EC256\")"]);
        assert_eq!(serials(&format!("{HEAD}{FIRST}{SECOND}")), ["3A None", "18 Some(\"EC256\")"]);
        assert_eq!(serials(&format!("{HEAD}{FIRST}\n")), ["3A None"]);
        assert_eq!(serials(HEAD), [""; 0]);
    }

    #[test]
    fn an_empty_reply_is_an_empty_file() {
        let details = CaFileDetails::read("asked", "").unwrap();
        assert_eq!((&*details.name, details.status), ("asked", CertificateStatus::Empty));
    }

    #[test]
    fn malformed_replies_are_errors() {
        for (text, message) in [
            ("Filename: a\n", "line 1, column \"Status\": expected a line of that name, found \"\""),
            ("x\n", "line 1: expected a line such as `Status: Used`, found \"x\""),
            (
                &*format!("{HEAD} \nCertificate #1:\nIssuer: a\n"),
                "line 5, column \"Serial\": expected a line of that name, found \"\"",
            ),
        ] {
            assert_eq!(CaFileDetails::read("asked", text).unwrap_err().to_string(), message);
        }
    }
}
