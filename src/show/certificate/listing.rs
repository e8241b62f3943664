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

impl ListedCertificate {
    /// Reads the reply to `show ssl cert`.
    pub(crate) fn read(text: &str) -> Result<Vec<Self>, Malformed> {
        let mut list: Vec<Self> = Vec::new();
        let mut pending: Vec<&str> = Vec::new();
        let mut in_transaction = false;
        for (at, line) in text.lines().enumerate().filter(|(_, line)| !line.is_empty()) {
            match line {
                "# transaction" => in_transaction = true,
                "# filename" => in_transaction = false,
                _ if in_transaction => {
                    let name = line.strip_prefix('*');
                    pending.push(name.ok_or_else(|| Malformed::new(at + 1, None, STAR, line.as_bytes()))?);
                }
                name => list.push(Self { name: name.into(), is_pending: false }),
            }
        }
        for name in pending {
            match list.iter_mut().find(|listed| &*listed.name == name) {
                Some(listed) => listed.is_pending = true,
                None => list.push(Self { name: name.into(), is_pending: true }),
            }
        }
        Ok(list)
    }
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
}
