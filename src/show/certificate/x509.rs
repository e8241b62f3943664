use super::date::seconds_since_1970;
use crate::error::Malformed;

/// Fields of an X.509 certificate, as HAProxy prints them.
///
/// # Example
///
/// ```no_run
/// # async fn example(cluster: haproxyadmin::Cluster) -> haproxyadmin::Result<()> {
/// let shown = cluster.certificate("/etc/haproxy/site.pem")?.show().await?;
/// for (label, details) in shown.values() {
///     if let Some(leaf) = &details.leaf {
///         println!("{label}: {} until {}, {}", leaf.subject, leaf.not_after_text, leaf.fingerprint);
///     }
/// }
/// # Ok(())
/// # }
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[non_exhaustive]
pub struct X509 {
    /// Serial number, in upper-case hexadecimal digits: `Serial`.
    pub serial: Box<str>,
    /// Start of the validity, in seconds since 1970: `notBefore`.
    pub not_before: i64,
    /// Start of the validity, such as `Sep 13 21:20:24 2019 GMT`.
    pub not_before_text: Box<str>,
    /// End of the validity, in seconds since 1970: `notAfter`.
    pub not_after: i64,
    /// End of the validity, such as `Dec 12 21:20:24 2019 GMT`.
    pub not_after_text: Box<str>,
    /// DNS names of the certificate: `Subject Alternative Name`. HAProxy prints names of other kinds,
    /// such as IP addresses, as empty texts, which are left out here.
    pub names: Vec<Box<str>>,
    /// Algorithm and length of the key, such as `RSA2048` or `EC256`: `Algorithm`.
    pub algorithm: Box<str>,
    /// SHA-1 of the certificate, in upper-case hexadecimal digits: `SHA1 FingerPrint`.
    pub fingerprint: Box<str>,
    /// Subject, such as `/C=DE/CN=www.example.com`: `Subject`.
    pub subject: Box<str>,
    /// Issuer, in the same form: `Issuer`.
    pub issuer: Box<str>,
}

/// One line of a reply: its number, its name and its value.
pub(super) type Field<'a> = (usize, &'a str, &'a str);

impl X509 {
    /// Reads the fields of one certificate. Returns `None` if there is no serial number.
    pub(super) fn read(fields: &[Field<'_>]) -> Result<Option<Self>, Malformed> {
        let find = |name: &str| fields.iter().find(|(_, found, _)| *found == name);
        let Some((at, ..)) = find("Serial") else { return Ok(None) };
        let required = |name: &'static str| {
            let found = find(name).map(|(at, _, value)| (*at, *value));
            found.ok_or_else(|| Malformed::new(*at, Some(name), "a line of that name", b""))
        };
        let date = |name| {
            let (at, text) = required(name)?;
            let seconds = seconds_since_1970(text)
                .ok_or_else(|| Malformed::new(at, Some(name), "a date in GMT", text.as_bytes()))?;
            Ok((seconds, text.into()))
        };
        let text = |name| Ok(required(name)?.1.into());
        let (not_before, not_before_text) = date("notBefore")?;
        let (not_after, not_after_text) = date("notAfter")?;
        let names = required("Subject Alternative Name")?.1.split(", ").filter(|name| !name.is_empty());
        Ok(Some(Self {
            serial: text("Serial")?,
            not_before,
            not_before_text,
            not_after,
            not_after_text,
            names: names.map(|name| name.strip_prefix("DNS:").unwrap_or(name).into()).collect(),
            algorithm: text("Algorithm")?,
            fingerprint: text("SHA1 FingerPrint")?,
            subject: text("Subject")?,
            issuer: text("Issuer")?,
        }))
    }
}
