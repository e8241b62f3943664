use super::date;
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
///         println!("{label}: {} until {}", leaf.serial, leaf.not_after_text);
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
    ///
    /// `None` if the key is neither of RSA nor of an elliptic curve such as P-256: HAProxy ends its
    /// description of a certificate of Ed25519, Ed448 or RSA-PSS here. The following fields are then
    /// `None` too, and the chain is not printed. Each of these fields is also `None` if it did not fit into the
    /// buffer: see [`may_be_cut`](Self::may_be_cut).
    pub algorithm: Option<Box<str>>,
    /// SHA-1 of the certificate, in upper-case hexadecimal digits: `SHA1 FingerPrint`.
    pub fingerprint: Option<Box<str>>,
    /// Subject, such as `/C=DE/CN=www.example.com`: `Subject`.
    pub subject: Option<Box<str>>,
    /// Issuer, in the same form: `Issuer`.
    pub issuer: Option<Box<str>>,
    /// `true` if names and the fields behind them may be missing here.
    ///
    /// HAProxy prints a certificate into one buffer (`tune.bufsize`, 16,384 bytes by default), and leaves out
    /// what does not fit, without a word. The field is `true` if the reply fills a buffer of the default size,
    /// up to 1,024 bytes.
    ///
    /// If the buffer has no room for the line feed of the last line either, the read of a CA file fails with
    /// [`Truncated`](crate::ErrorKind::Truncated), and so does a replacement.
    pub may_be_cut: bool,
}

/// One field of a reply: the number of its line, its name and its value.
pub(super) type Field<'a> = (usize, &'a str, &'a str);

/// Splits lines such as `Serial: 0A`, with the number of each line. Other lines are errors, unless the
/// reply `may_be_cut`.
///
/// HAProxy does not end the line `Algorithm: ` if it does not know the kind of the key, so the next
/// field follows on the same line.
pub(super) fn fields<'a>(
    lines: impl Iterator<Item = (usize, &'a str)>,
    may_be_cut: bool,
) -> Result<Vec<Field<'a>>, Malformed> {
    let mut fields = Vec::new();
    for (at, line) in lines.filter(|(_, line)| !line.trim().is_empty()) {
        if let Some(rest) = line.strip_prefix(ALGORITHM).filter(|rest| rest.starts_with(KEY)) {
            fields.push((at, "Algorithm", ""));
            fields.push(field(at, rest)?);
        } else {
            match field(at, line) {
                Err(_) if may_be_cut => {}
                found => fields.push(found?),
            }
        }
    }
    Ok(fields)
}

fn field(at: usize, line: &str) -> Result<Field<'_>, Malformed> {
    let split = line.split_once(": ").or_else(|| Some((line.strip_suffix(':')?, "")));
    let (name, value) =
        split.ok_or_else(|| Malformed::new(at, None, "a line such as `Status: Used`", line.as_bytes()))?;
    Ok((at, name, value))
}

const ALGORITHM: &str = "Algorithm: ";
/// Beginning of the line behind the description of a certificate.
const KEY: &str = "OCSP Response Key: ";

impl X509 {
    /// Reads the fields of one certificate. Returns `None` if there is no serial number.
    pub(super) fn read(fields: &[Field<'_>], may_be_cut: bool) -> Result<Option<Self>, Malformed> {
        let find = |name: &str| fields.iter().find(|(_, found, _)| *found == name);
        let Some((at, ..)) = find("Serial") else { return Ok(None) };
        let required = |name: &'static str| {
            let found = find(name).map(|(at, _, value)| (*at, *value));
            found.ok_or_else(|| Malformed::new(*at, Some(name), "a line of that name", b""))
        };
        let date = |name| {
            let found = required(name)?;
            Ok((date::date(name, found)?, found.1.into()))
        };
        let text = |name| Ok(required(name)?.1.into());
        let (not_before, not_before_text) = date("notBefore")?;
        let (not_after, not_after_text) = date("notAfter")?;
        // A field behind the names, of which a full buffer may lack any part.
        let late = |name: &'static str| match required(name) {
            Err(_) if may_be_cut => Ok(None),
            found => found.map(|(_, value)| Some(value.trim()).filter(|value| !value.is_empty())),
        };
        // The names that do not fit leave their commas.
        let names = late("Subject Alternative Name")?.unwrap_or_default().trim_end_matches([',', ' ']);
        let names = names.split(", ").filter(|name| !name.is_empty());
        let algorithm = late("Algorithm")?;
        let known = |name| match algorithm {
            Some(_) => Ok(late(name)?.map(Into::into)),
            None => Ok(None),
        };
        Ok(Some(Self {
            serial: text("Serial")?,
            not_before,
            not_before_text,
            not_after,
            not_after_text,
            names: names.map(|name| name.strip_prefix("DNS:").unwrap_or(name).into()).collect(),
            algorithm: algorithm.map(Into::into),
            fingerprint: known("SHA1 FingerPrint")?,
            subject: known("Subject")?,
            issuer: known("Issuer")?,
            may_be_cut,
        }))
    }
}
