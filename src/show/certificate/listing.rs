use crate::error::Malformed;

/// A certificate that a process has loaded: one line of `show ssl cert`.
///
/// # Example
///
/// ```no_run
/// # async fn example(cluster: haproxyadmin::Cluster) -> haproxyadmin::Result<()> {
/// for (label, certificates) in cluster.certificates().await?.values() {
///     for certificate in certificates.iter().filter(|certificate| certificate.is_pending) {
///         println!("{label}: {} has a change that is not committed", certificate.name);
///     }
/// }
/// # Ok(())
/// # }
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[non_exhaustive]
pub struct ListedCertificate {
    /// Name: the path of the file that the configuration names, or the name that `new ssl cert` got.
    pub name: Box<str>,
    /// `true` if the process holds a transaction for it: a change that is neither committed nor
    /// aborted. A process has one transaction at most, and any client may have begun it.
    pub is_pending: bool,
}

/// A CA file that a process has loaded: one line of `show ssl ca-file`.
///
/// # Example
///
/// ```no_run
/// # async fn example(cluster: haproxyadmin::Cluster) -> haproxyadmin::Result<()> {
/// for (label, files) in cluster.ca_files().await?.values() {
///     for file in files {
///         println!("{label}: {} with {} certificates", file.name, file.certificates);
///     }
/// }
/// # Ok(())
/// # }
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[non_exhaustive]
pub struct ListedCaFile {
    /// Name: the path of the file that the configuration names, `@system-ca` for the authorities of the
    /// host, or the name that `new ssl ca-file` got.
    pub name: Box<str>,
    /// Number of certificates in use, and of lists of revoked certificates (`X509 CRL`) that the file of the
    /// configuration may hold too.
    pub certificates: u64,
    /// Number of certificates in a transaction for the file that is neither committed nor aborted.
    pub pending: Option<u64>,
}

/// A CRL file that a process has loaded: one line of `show ssl crl-file`.
///
/// # Example
///
/// ```no_run
/// # async fn example(cluster: haproxyadmin::Cluster) -> haproxyadmin::Result<()> {
/// for (label, files) in cluster.crl_files().await?.values() {
///     let names: Vec<_> = files.iter().map(|file| &file.name).collect();
///     println!("{label}: {names:?}");
/// }
/// # Ok(())
/// # }
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[non_exhaustive]
pub struct ListedCrlFile {
    /// Name: the path of the file that the configuration names, or the name that `new ssl crl-file`
    /// got.
    pub name: Box<str>,
    /// `true` if the process holds a transaction for it that is neither committed nor aborted.
    pub is_pending: bool,
}

impl ListedCertificate {
    /// Reads the reply to `show ssl cert`.
    pub(crate) fn read(text: &str) -> Result<Vec<Self>, Malformed> {
        let all = entries(text, |_, line| Ok((line, ())))?.into_iter();
        let listed =
            |entry: Entry<'_, ()>| Self { name: entry.name.into(), is_pending: entry.pending.is_some() };
        Ok(all.map(listed).collect())
    }
}

impl ListedCrlFile {
    /// Reads the reply to `show ssl crl-file`.
    pub(crate) fn read(text: &str) -> Result<Vec<Self>, Malformed> {
        let listed = |one: ListedCertificate| Self { name: one.name, is_pending: one.is_pending };
        Ok(ListedCertificate::read(text)?.into_iter().map(listed).collect())
    }
}

impl ListedCaFile {
    /// Reads the reply to `show ssl ca-file`.
    pub(crate) fn read(text: &str) -> Result<Vec<Self>, Malformed> {
        let all = entries(text, |at, line| {
            let split = line.strip_suffix(" certificate(s)").and_then(|rest| rest.rsplit_once(" - "));
            let found = split.and_then(|(name, count)| Some((name, count.parse::<u64>().ok()?)));
            found.ok_or_else(|| {
                Malformed::new(at, None, "a line such as `a - 1 certificate(s)`", line.as_bytes())
            })
        })?;
        let listed = |entry: Entry<'_, u64>| Self {
            name: entry.name.into(),
            certificates: entry.loaded.unwrap_or_default(),
            pending: entry.pending,
        };
        Ok(all.into_iter().map(listed).collect())
    }
}

/// A name in a list, with what the list says about the loaded file and about a transaction.
struct Entry<'a, T> {
    name: &'a str,
    loaded: Option<T>,
    pending: Option<T>,
}

/// Reads a list with `read`, which splits a line into a name and the rest.
fn entries<'a, T>(
    text: &'a str,
    read: impl Fn(usize, &'a str) -> Result<(&'a str, T), Malformed>,
) -> Result<Vec<Entry<'a, T>>, Malformed> {
    let mut list: Vec<Entry<'_, T>> = Vec::new();
    let mut pending = Vec::new();
    let mut in_transaction = false;
    for (at, line) in (1..).zip(text.lines()).filter(|(_, line)| !line.is_empty()) {
        match line {
            "# transaction" => in_transaction = true,
            "# filename" => in_transaction = false,
            _ if in_transaction => {
                let name = line.strip_prefix('*');
                let name = name.ok_or_else(|| Malformed::new(at, None, STAR, line.as_bytes()))?;
                pending.push(read(at, name)?);
            }
            line => {
                let (name, loaded) = read(at, line)?;
                list.push(Entry { name, loaded: Some(loaded), pending: None });
            }
        }
    }
    for (name, rest) in pending {
        match list.iter_mut().find(|listed| listed.name == name) {
            Some(listed) => listed.pending = Some(rest),
            None => list.push(Entry { name, loaded: None, pending: Some(rest) }),
        }
    }
    Ok(list)
}

const STAR: &str = "a name after `*`";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_transaction_belongs_to_its_certificate() {
        let text = "# transaction\n*b.pem\n# filename\na.pem\nb.pem\n";
        let list: Vec<_> = ListedCertificate::read(text).unwrap();
        let seen: Vec<_> = list.iter().map(|one| (&*one.name, one.is_pending)).collect();
        assert_eq!(seen, [("a.pem", false), ("b.pem", true)]);
        assert_eq!(ListedCertificate::read("# filename\n").unwrap(), []);
        let error = ListedCertificate::read("# transaction\nb.pem\n").unwrap_err();
        assert_eq!(error.to_string(), "line 2: expected a name after `*`, found \"b.pem\"");
    }

    #[test]
    fn a_ca_file_has_numbers_of_certificates() {
        let text = "# transaction\n*n - 2 certificate(s)\n# filename\n@system-ca - 145 certificate(s)\n\
            a - 1 certificate(s) - 3 certificate(s)\nn - 0 certificate(s)\n";
        let list = ListedCaFile::read(text).unwrap();
        let seen: Vec<_> = list.iter().map(|one| (&*one.name, one.certificates, one.pending)).collect();
        assert_eq!(seen, [("@system-ca", 145, None), ("a - 1 certificate(s)", 3, None), ("n", 0, Some(2))]);
        let error = ListedCaFile::read("# filename\na\n").unwrap_err().to_string();
        assert_eq!(error, "line 2: expected a line such as `a - 1 certificate(s)`, found \"a\"");
    }

    #[test]
    fn a_crl_file_has_a_name() {
        let list = ListedCrlFile::read("# transaction\n*n\n# filename\na.pem\nn\n").unwrap();
        let seen: Vec<_> = list.iter().map(|one| (&*one.name, one.is_pending)).collect();
        assert_eq!(seen, [("a.pem", false), ("n", true)]);
    }
}
