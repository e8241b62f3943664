use super::CertificateStatus;
use super::x509::{X509, fields};
use crate::error::Malformed;
use crate::protocol::NEARLY_FULL;

/// All that a process tells about one certificate: `show ssl cert NAME`.
///
/// # Example
///
/// ```no_run
/// # async fn example(cluster: haproxyadmin::Cluster) -> haproxyadmin::Result<()> {
/// let shown = cluster.certificate("/etc/haproxy/site.pem")?.show().await?;
/// for (label, details) in shown.values() {
///     let names = details.leaf.iter().flat_map(|leaf| &leaf.names);
///     println!("{label}: {} for {:?}", details.status, names.collect::<Vec<_>>());
/// }
/// # Ok(())
/// # }
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[non_exhaustive]
pub struct CertificateDetails {
    /// Name: the path of a file, or the name that `new ssl cert` got.
    pub name: Box<str>,
    /// Use of the certificate.
    pub status: CertificateStatus,
    /// The certificate itself; `None` if the status is [`Empty`](CertificateStatus::Empty).
    pub leaf: Option<X509>,
    /// Subject and issuer of each certificate of the chain, in order: `Chain Subject` and
    /// `Chain Issuer`. Some may be missing if the leaf [`may_be_cut`](X509::may_be_cut).
    pub chain: Vec<(Box<str>, Box<str>)>,
    /// Name and value of every line, in order.
    lines: Vec<(Box<str>, Box<str>)>,
}

impl CertificateDetails {
    /// Returns the value of a line by its name, such as `OCSP Response Key` (2.6 and later) or
    /// `Key filename` (3.2 and later). If several lines have the name, returns the first value.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.lines.iter().find(|(found, _)| &**found == name).map(|(_, value)| &**value)
    }

    /// Returns the name and the value of every line, in the order of HAProxy.
    pub fn lines(&self) -> impl Iterator<Item = (&str, &str)> {
        self.lines.iter().map(|(name, value)| (&**name, &**value))
    }

    /// Reads the reply to `show ssl cert NAME` or `show ssl cert *NAME`.
    pub(crate) fn read(_: &str, text: &str) -> Result<Self, Malformed> {
        let may_be_cut = text.len() > NEARLY_FULL;
        let lines = (1..).zip(if may_be_cut { whole_lines(text) } else { text }.lines());
        let fields = fields(lines, may_be_cut)?;
        let all = |name: &'static str| {
            fields.iter().filter(move |(_, found, _)| *found == name).map(|(_, _, value)| *value)
        };
        let required = |name: &'static str| {
            all(name)
                .next()
                .ok_or_else(|| Malformed::new(1, Some(name), "a line of that name", text.as_bytes()))
        };
        let name = required("Filename")?;
        let chain = all("Chain Subject").zip(all("Chain Issuer"));
        Ok(Self {
            name: name.strip_prefix('*').unwrap_or(name).into(),
            status: required("Status")?.into(),
            leaf: X509::read(&fields, may_be_cut)?,
            chain: chain.map(|(subject, issuer)| (subject.into(), issuer.into())).collect(),
            lines: fields.iter().map(|(_, name, value)| ((*name).into(), (*value).into())).collect(),
        })
    }
}

/// Cuts off a last line without a line feed, because a part of it may be missing. The line with the names is
/// kept: HAProxy prints each name as a whole.
fn whole_lines(text: &str) -> &str {
    let (whole, last) = text.rfind('\n').map_or(("", text), |end| text.split_at(end + 1));
    if last.starts_with(NAMES) { text } else { whole }
}

/// Name of the line with the DNS names of a certificate.
const NAMES: &str = "Subject Alternative Name";

#[cfg(test)]
mod tests {
    use super::*;

    const PRINTED: &str = "Filename: *a.pem\nCrt filename: a.pem\nStatus: Uncommitted\nSerial: 124B\n\
        notBefore: Nov 26 01:29:56 2026 GMT\nnotAfter: Apr  1 01:29:56 2027 GMT\n\
        Subject Alternative Name: DNS:a.example, , DNS:*.a.example\nAlgorithm: EC256\n\
        SHA1 FingerPrint: 2D98\nSubject: /C=DE/O=Ex: Inc/CN=a.example\nIssuer: /CN=Sub CA\n\
        Chain Subject: /CN=Sub CA\nChain Issuer: /CN=Test CA\nChain Subject: /CN=Test CA\n\
        Chain Issuer: /CN=Test CA\nOCSP Response Key: \n";

    #[test]
    fn each_line_has_its_place() {
        let details = CertificateDetails::read("asked", PRINTED).unwrap();
        assert_eq!((&*details.name, &details.status), ("a.pem", &CertificateStatus::Uncommitted));
        let leaf = details.leaf.as_ref().unwrap();
        assert_eq!((leaf.not_before, leaf.not_after), (1_795_656_596, 1_806_542_996));
        assert_eq!(leaf.names, ["a.example".into(), "*.a.example".into()]);
        assert_eq!((&*leaf.serial, leaf.fingerprint.as_deref()), ("124B", Some("2D98")));
        let names = [&leaf.subject, &leaf.issuer].map(Option::as_deref);
        assert_eq!(names, [Some("/C=DE/O=Ex: Inc/CN=a.example"), Some("/CN=Sub CA")]);
        let chain: Vec<_> = details.chain.iter().map(|(subject, issuer)| (&**subject, &**issuer)).collect();
        assert_eq!(chain, [("/CN=Sub CA", "/CN=Test CA"), ("/CN=Test CA", "/CN=Test CA")]);
        assert_eq!((details.get("OCSP Response Key"), details.get("none")), (Some(""), None));
        assert_eq!(details.lines().count(), 16);
    }

    /// 2.2 ends the reply there, and later releases go on with the next line of the description.
    #[test]
    fn a_key_that_haproxy_does_not_know_ends_the_description() {
        let end = PRINTED.find("EC256").unwrap();
        for (rest, key) in [("\n", None), ("OCSP Response Key: 30\n", Some("30"))] {
            let details = CertificateDetails::read("asked", &format!("{}{rest}", &PRINTED[..end])).unwrap();
            let leaf = details.leaf.as_ref().unwrap();
            let missing = [&leaf.algorithm, &leaf.fingerprint, &leaf.subject, &leaf.issuer];
            assert_eq!((missing, &*leaf.serial), ([&None; 4], "124B"));
            assert_eq!((details.get("OCSP Response Key"), details.get("Algorithm")), (key, Some("")));
        }
        let cut = PRINTED.split("SHA1").next().unwrap();
        let error = CertificateDetails::read("asked", cut).unwrap_err().to_string();
        assert!(error.contains("column \"SHA1 FingerPrint\""), "{error}");
    }

    /// HAProxy leaves out each piece that does not fit.
    #[test]
    fn fields_that_a_full_buffer_leaves_out_are_missing() {
        let many = "DNS:b.example, ".repeat(1_040);
        let (head, rest) = PRINTED.split_once("DNS:a.example").unwrap();
        let (_, rest) = rest.split_once('\n').unwrap();
        let end = rest.find("Chain").unwrap();
        for (rest, known) in [
            ("", [None; 4]),
            ("\n\n", [None; 4]),
            ("\nAlgorithm: ", [None; 4]),
            ("\nAlgorithm: EC256\n2D98\nSubject: ", [Some("EC256"), None, None, None]),
            (", , ", [None; 4]),
            ("\nAlgorithm: 2D98", [None; 4]),
            ("\nAlgorithm: EC256\nSHA1 FingerPrint: 2D", [Some("EC256"), None, None, None]),
            (
                &format!("\n{}", &rest[..end]),
                ["EC256", "2D98", "/C=DE/O=Ex: Inc/CN=a.example", "/CN=Sub CA"].map(Some),
            ),
        ] {
            let details = CertificateDetails::read("asked", &format!("{head}{many}{rest}")).unwrap();
            let leaf = details.leaf.as_ref().unwrap();
            let found = [&leaf.algorithm, &leaf.fingerprint, &leaf.subject, &leaf.issuer];
            assert_eq!(found.map(Option::as_deref), known, "{rest:?}");
            assert_eq!((&*leaf.serial, leaf.names.len(), leaf.may_be_cut), ("124B", 1_040, true));
            assert!(leaf.names.iter().all(|name| &**name == "b.example"), "{rest:?}");
        }
        let details = CertificateDetails::read("asked", PRINTED).unwrap();
        assert!(!details.leaf.unwrap().may_be_cut);
    }

    #[test]
    fn an_empty_store_has_no_certificate() {
        let details = CertificateDetails::read("asked", "Filename: a.pem\nStatus: Empty\n").unwrap();
        assert_eq!((details.status, details.leaf), (CertificateStatus::Empty, None));
    }

    #[test]
    fn malformed_lines_are_errors() {
        for (text, message) in [
            ("", "line 1, column \"Filename\": expected a line of that name, found \"\""),
            ("x\n", "line 1: expected a line such as `Status: Used`, found \"x\""),
            (
                &PRINTED.replace("Nov 26", "Nov 32"),
                "line 5, column \"notBefore\": expected a date in GMT, found \"Nov 32 01:29:56 2026 GMT\"",
            ),
            (
                &PRINTED.replace("Algorithm", "Other"),
                "line 4, column \"Algorithm\": expected a line of that name, found \"\"",
            ),
        ] {
            assert_eq!(CertificateDetails::read("asked", text).unwrap_err().to_string(), message);
        }
    }
}
