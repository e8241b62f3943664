use super::CertificateStatus;
use super::block::Blocks;
use super::date::date;
use crate::error::Malformed;
use crate::protocol::NEARLY_FULL;

/// All that a process tells about one file of revoked certificates: `show ssl crl-file NAME`.
///
/// # Example
///
/// ```no_run
/// # async fn example(cluster: haproxyadmin::Cluster) -> haproxyadmin::Result<()> {
/// let shown = cluster.crl_file("/etc/haproxy/revoked.pem")?.show().await?;
/// for (label, details) in shown.values() {
///     for list in &details.lists {
///         println!("{label}: {} until {}", list.issuer, list.next_update_text);
///     }
/// }
/// # Ok(())
/// # }
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[non_exhaustive]
pub struct CrlFileDetails {
    /// Name: the path of a file, or the name that `new ssl crl-file` got.
    pub name: Box<str>,
    /// Use of the file.
    pub status: CertificateStatus,
    /// The lists of the file. HAProxy keeps them in an order of its own.
    pub lists: Vec<Crl>,
    /// `true` if revoked certificates or whole lists may be missing here.
    ///
    /// HAProxy prints all lists of a file into one buffer (`tune.bufsize`, 16,384 bytes by default), and
    /// leaves out what does not fit, without a word. The buffer has room for about 140 revoked
    /// certificates. [`lists`](Self::lists) ends before the first list that is not whole; of the last list,
    /// revoked certificates may be missing. The field is `true` if the reply fills a buffer of the default
    /// size, up to 1,024 bytes; it does not tell a cut with another size. HAProxy itself checks certificates
    /// against the whole lists.
    ///
    /// If the buffer has no room for the empty line at the end of the reply either, the read fails with
    /// [`Truncated`](crate::ErrorKind::Truncated), and so does a replacement.
    pub may_be_cut: bool,
}

/// A list of revoked certificates of one authority, as HAProxy prints it.
///
/// # Example
///
/// ```no_run
/// # async fn example(cluster: haproxyadmin::Cluster) -> haproxyadmin::Result<()> {
/// let shown = cluster.crl_file("/etc/haproxy/revoked.pem")?.show().await?;
/// let lists = shown.values().flat_map(|(_, details)| &details.lists);
/// let is_revoked = lists.flat_map(|list| &list.revoked).any(|revoked| &*revoked.serial == "1A2B");
/// # Ok(())
/// # }
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[non_exhaustive]
pub struct Crl {
    /// Version of the format, mostly 2: `Version`.
    pub version: i64,
    /// Algorithm of the signature, such as `ecdsa-with-SHA256`: `Signature Algorithm`.
    pub signature_algorithm: Box<str>,
    /// Authority that issued the list, such as `/CN=Example CA`: `Issuer`.
    pub issuer: Box<str>,
    /// Time of issue, in seconds since 1970: `Last Update`.
    pub last_update: i64,
    /// Time of issue, such as `Sep 13 21:20:24 2019 GMT`.
    pub last_update_text: Box<str>,
    /// Time of the next list, in seconds since 1970: `Next Update`. HAProxy cannot show a list without it: see
    /// [`CrlFile::show`](crate::certificate::CrlFile::show).
    pub next_update: i64,
    /// Time of the next list, such as `Sep 20 21:20:24 2019 GMT`.
    pub next_update_text: Box<str>,
    /// The revoked certificates. See [`CrlFileDetails::may_be_cut`].
    pub revoked: Vec<RevokedCertificate>,
}

/// A certificate that its authority has revoked.
///
/// # Example
///
/// ```no_run
/// # fn example(list: &haproxyadmin::certificate::Crl) {
/// for revoked in &list.revoked {
///     println!("{} since {}", revoked.serial, revoked.revoked_at_text);
/// }
/// # }
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[non_exhaustive]
pub struct RevokedCertificate {
    /// Serial number, in upper-case hexadecimal digits: `Serial Number`.
    pub serial: Box<str>,
    /// Time of the revocation, in seconds since 1970: `Revocation Date`.
    pub revoked_at: i64,
    /// Time of the revocation, such as `Sep 13 21:20:24 2019 GMT`.
    pub revoked_at_text: Box<str>,
}

impl CrlFileDetails {
    /// Reads the reply to `show ssl crl-file NAME` or `show ssl crl-file *NAME`.
    pub(crate) fn read(_: &str, text: &str) -> Result<Self, Malformed> {
        let reply = Blocks::read(text, "Certificate Revocation List #")?;
        let name = reply.required("Filename")?;
        let may_be_cut = text.len() > NEARLY_FULL;
        let mut lists = Vec::new();
        for block in &reply.blocks {
            match Crl::read(block, may_be_cut) {
                Ok(list) => lists.push(list),
                Err(_) if may_be_cut => break,
                Err(error) => return Err(error),
            }
        }
        Ok(Self {
            name: name.strip_prefix('*').unwrap_or(name).into(),
            status: reply.required("Status")?.into(),
            lists,
            may_be_cut,
        })
    }
}

impl Crl {
    fn read(block: &[(usize, &str)], may_be_cut: bool) -> Result<Self, Malformed> {
        let at = block.first().map_or(1, |(at, _)| *at);
        let find =
            |prefix: &str| block.iter().find_map(|(at, line)| Some((*at, line.strip_prefix(prefix)?.trim())));
        let required = |prefix: &'static str| {
            find(prefix).ok_or_else(|| Malformed::new(at, Some(prefix.trim()), "a line of that name", b""))
        };
        let (version_at, version) = required("Version ")?;
        let last_update = required("Last Update: ")?;
        let next_update = required("Next Update: ")?;
        Ok(Self {
            version: version.parse().map_err(|_| {
                Malformed::new(version_at, Some("Version"), "a whole number", version.as_bytes())
            })?,
            signature_algorithm: required("Signature Algorithm: ")?.1.into(),
            issuer: required("Issuer: ")?.1.into(),
            last_update: date("Last Update", last_update)?,
            last_update_text: last_update.1.into(),
            next_update: date("Next Update", next_update)?,
            next_update_text: next_update.1.into(),
            revoked: revoked(block, may_be_cut)?,
        })
    }
}

fn revoked(block: &[(usize, &str)], may_be_cut: bool) -> Result<Vec<RevokedCertificate>, Malformed> {
    let mut revoked = Vec::new();
    let mut lines = block.iter();
    while let Some((at, line)) = lines.next() {
        let Some(serial) = line.strip_prefix("    Serial Number: ") else { continue };
        let found =
            lines.next().and_then(|(at, line)| Some((*at, line.strip_prefix("        Revocation Date: ")?)));
        let Some((at, text)) = found else {
            if may_be_cut {
                break;
            }
            return Err(Malformed::new(*at + 1, Some("Revocation Date"), "a line of that name", b""));
        };
        let revoked_at = date("Revocation Date", (at, text))?;
        revoked.push(RevokedCertificate { serial: serial.into(), revoked_at, revoked_at_text: text.into() });
    }
    Ok(revoked)
}

#[cfg(test)]
mod tests {
    use super::*;

    const HEAD: &str = "Filename: *a.pem\nStatus: Uncommitted\n";
    const LIST: &str = " \nCertificate Revocation List #1:\nVersion 2\n\
        Signature Algorithm: ecdsa-with-SHA256\nIssuer: /CN=Test CA\nLast Update: Nov 26 04:14:00 2026 GMT\n\
        Next Update: Nov 23 04:14:00 2036 GMT\n";
    const REVOKED: &str = "Revoked Certificates:\n    Serial Number: 6E7C\n        \
        Revocation Date: Nov 26 04:14:00 2026 GMT\n";

    #[test]
    fn each_list_has_its_revoked_certificates() {
        let second = LIST.replace("#1", "#2");
        let text = format!("{HEAD}{LIST}{REVOKED}{second}");
        let details = CrlFileDetails::read("asked", &text).unwrap();
        assert_eq!((&*details.name, details.status), ("a.pem", CertificateStatus::Uncommitted));
        assert!(!details.may_be_cut);
        let [first, second] = details.lists.as_slice() else { panic!("{:?}", details.lists) };
        assert_eq!((first.version, &*first.signature_algorithm), (2, "ecdsa-with-SHA256"));
        assert_eq!((&*first.issuer, first.last_update), ("/CN=Test CA", 1_795_666_440));
        assert_eq!(
            (first.next_update, &*first.next_update_text),
            (2_111_026_440, "Nov 23 04:14:00 2036 GMT")
        );
        assert_eq!((first.revoked.len(), second.revoked.len()), (1, 0));
        assert_eq!((&*first.revoked[0].serial, first.revoked[0].revoked_at), ("6E7C", 1_795_666_440));
    }

    /// HAProxy leaves out each piece that does not fit.
    #[test]
    fn what_a_full_buffer_leaves_out_is_told() {
        let text = format!("{HEAD}{LIST}{REVOKED}");
        let entry = REVOKED.split_once('\n').unwrap().1;
        let count = (16_200 - text.len()) / entry.len();
        let many = text + &entry.repeat(count);
        let second = LIST.replace("#1", "#2");
        for rest in [
            String::new(),
            " \nCertificate Revocation List #2:\nVersion 2\nIssuer: ".to_owned(),
            second.replace("Nov 23 04:14:00 2036 GMT\n", ""),
            "Version 2\n\n\n".to_owned(),
            "    Serial Number: 6E7C\n".to_owned(),
        ] {
            let details = CrlFileDetails::read("asked", &format!("{many}{rest}")).unwrap();
            assert!(details.may_be_cut);
            let shown: Vec<_> = details.lists.iter().map(|list| list.revoked.len()).collect();
            assert_eq!(shown, [count + 1], "{rest}");
        }
        let whole = CrlFileDetails::read("asked", &format!("{many}{second}")).unwrap();
        assert!(whole.may_be_cut && whole.lists.len() == 2);
    }

    #[test]
    fn malformed_lists_are_errors() {
        for (text, message) in [
            (
                format!("{HEAD}{}", LIST.replace("Version 2", "Version x")),
                "line 5, column \"Version\": expected a whole number, found \"x\"",
            ),
            (
                format!("{HEAD}{LIST}Revoked Certificates:\n    Serial Number: 6E7C\n"),
                "line 12, column \"Revocation Date\": expected a line of that name, found \"\"",
            ),
            (
                format!("{HEAD}{}", LIST.replace("Nov 23 04:14:00 2036 GMT\n", "")),
                "line 9, column \"Next Update\": expected a date in GMT, found \"\"",
            ),
            (
                format!("{HEAD}{}", LIST.replace("Issuer", "Other")),
                "line 5, column \"Issuer:\": expected a line of that name, found \"\"",
            ),
        ] {
            assert_eq!(CrlFileDetails::read("asked", &text).unwrap_err().to_string(), message);
        }
    }
}
