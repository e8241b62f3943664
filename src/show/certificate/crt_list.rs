use crate::error::Malformed;

/// One entry of a crt-list: one line of `show ssl crt-list -n FILE`.
///
/// # Example
///
/// ```no_run
/// # async fn example(cluster: haproxyadmin::Cluster) -> haproxyadmin::Result<()> {
/// for (label, entries) in cluster.crt_list("/etc/haproxy/sites.list")?.entries().await?.values() {
///     for entry in entries {
///         println!("{label}: {} for {:?}", entry.certificate, entry.filters);
///     }
/// }
/// # Ok(())
/// # }
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[non_exhaustive]
pub struct CrtListEntry {
    /// Name of the certificate.
    pub certificate: Box<str>,
    /// Number of the line, which tells apart the entries of one certificate. Lines that were added at
    /// run time count on from the last line of the file. 0 for an entry that was
    /// loaded from a directory.
    pub line: u64,
    /// Options of the entry as HAProxy prints them, such as `alpn h2 verify none`; empty without
    /// options.
    pub options: Box<str>,
    /// Names that the entry is for, such as `*.example.com` or `!www.example.com`. If there are none, the
    /// names of the certificate.
    pub filters: Vec<Box<str>>,
}

impl CrtListEntry {
    /// Reads the reply to `show ssl crt-list -n FILE`.
    pub(crate) fn read(text: &str) -> Result<Vec<Self>, Malformed> {
        let lines = (1..).zip(text.lines()).filter(|(_, line)| !line.is_empty());
        lines
            .skip_while(|(at, line)| *at == 1 && line.starts_with("# "))
            .map(|(at, line)| Self::line(at, line))
            .collect()
    }

    fn line(at: usize, line: &str) -> Result<Self, Malformed> {
        let wrong =
            || Malformed::new(at, None, "a line such as `a.pem:1 [alpn h2] example.com`", line.as_bytes());
        let (certificate, number, rest) = split(line).ok_or_else(wrong)?;
        let (options, filters) = match rest.strip_prefix(" [") {
            Some(rest) => rest.split_once(']').ok_or_else(wrong)?,
            None => ("", rest),
        };
        Ok(Self {
            certificate: certificate.into(),
            line: number,
            // HAProxy prints the end of a text in its memory behind the names of `alpn` and `npn`.
            options: options.replace('\0', "").into(),
            filters: filters.split(' ').filter(|filter| !filter.is_empty()).map(Into::into).collect(),
        })
    }
}

/// Splits a line at the first colon with a number that ends at a blank or at the end of the line.
fn split(line: &str) -> Option<(&str, u64, &str)> {
    line.match_indices(':').find_map(|(colon, _)| {
        let (certificate, rest) = (line.get(..colon)?, line.get(colon + 1..)?);
        let end = rest.find(' ').unwrap_or(rest.len());
        let (number, rest) = rest.split_at_checked(end)?;
        let is_number = !number.is_empty() && number.bytes().all(|byte| byte.is_ascii_digit());
        Some((certificate, number.parse().ok().filter(|_| is_number)?, rest))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn entries_have_options_and_filters() {
        let text = "# /etc/sites.list\n/etc/a.pem:1 [alpn h2,http/1.1\0 verify none] a.example !b.a.example\n\
            C:/b c.pem:3\nx:2:17 *.ec2.example\nx:18 [no-alpn\0]\n";
        let entries = CrtListEntry::read(text).unwrap();
        let seen: Vec<_> = entries
            .iter()
            .map(|one| (&*one.certificate, one.line, &*one.options, one.filters.join("|")))
            .collect();
        assert_eq!(
            seen,
            [
                ("/etc/a.pem", 1, "alpn h2,http/1.1 verify none", "a.example|!b.a.example".to_owned()),
                ("C:/b c.pem", 3, "", String::new()),
                ("x:2", 17, "", "*.ec2.example".to_owned()),
                ("x", 18, "no-alpn", String::new()),
            ]
        );
        assert_eq!(CrtListEntry::read("# a\n").unwrap(), []);
    }

    #[test]
    fn malformed_lines_are_errors() {
        for line in ["a.pem", "a.pem:x", "a.pem:", "a.pem:1 [alpn h2"] {
            let error = CrtListEntry::read(&format!("# a\n{line}\n")).unwrap_err().to_string();
            let expected =
                format!("line 2: expected a line such as `a.pem:1 [alpn h2] example.com`, found {line:?}");
            assert_eq!(error, expected);
        }
    }
}
