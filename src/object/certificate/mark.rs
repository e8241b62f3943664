use std::fmt;

use crate::count::counted;
use crate::error::Malformed;
use crate::show::{CaFileDetails, CertificateDetails, Crl, CrlFileDetails, X509};

/// Texts that tell one content of a file from another, in an order of their own: HAProxy sorts the
/// certificates and the lists of a file, and the entries of a list, when it first uses them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Mark {
    what: &'static str,
    texts: Vec<Text>,
    /// True if texts may be missing.
    may_be_cut: bool,
}

/// A certificate or a list.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Text {
    /// Words for the user.
    short: String,
    /// More that tells it from others.
    rest: Vec<String>,
}

impl Mark {
    /// Reads a certificate. Returns `None` if it is empty.
    pub(super) fn of_certificate(name: &str, text: &str) -> Result<Option<Self>, Malformed> {
        let leaf = CertificateDetails::read(name, text)?.leaf;
        Ok(Self::new("certificate", leaf.iter().map(certificate)))
    }

    /// Reads a CA file. Returns `None` if it is empty.
    pub(super) fn of_ca_file(name: &str, text: &str) -> Result<Option<Self>, Malformed> {
        let certificates = CaFileDetails::read(name, text)?.certificates;
        Ok(Self::new("certificate", certificates.iter().map(certificate)))
    }

    /// Reads a CRL file. Returns `None` if it is empty.
    ///
    /// A cut depends on the lengths of name and status, so nothing that can be cut off counts.
    pub(super) fn of_crl_file(name: &str, text: &str) -> Result<Option<Self>, Malformed> {
        let lists = CrlFileDetails::read(name, text)?.lists;
        let body = text.find("\nCertificate Revocation List #").map_or(0, |head| text.len() - head);
        let may_be_cut = body > SURE;
        let mark = Self::new("list", lists.iter().map(|one| list(one, may_be_cut)));
        Ok(mark.map(|mark| Self { may_be_cut, ..mark }))
    }

    fn new(what: &'static str, texts: impl Iterator<Item = Text>) -> Option<Self> {
        let mut texts: Vec<_> = texts.collect();
        texts.sort_unstable();
        (!texts.is_empty()).then_some(Self { what, texts, may_be_cut: false })
    }

    /// Returns `true` if both may be marks of the same content.
    pub(super) fn fits(&self, other: &Self) -> bool {
        if self.may_be_cut && other.may_be_cut {
            return self.texts.iter().any(|text| other.texts.contains(text));
        }
        self == other
    }
}

/// Describes a certificate by its fingerprint, or by its validity if HAProxy does not print the
/// fingerprint.
fn certificate(x509: &X509) -> Text {
    let X509 { serial, not_before_text, not_after_text, .. } = x509;
    let names: usize = x509.names.iter().map(|name| "DNS:, ".len() + name.len()).sum();
    let short = match x509.fingerprint.as_ref().filter(|_| names <= SURE) {
        Some(fingerprint) => format!("{fingerprint} (serial {serial})"),
        None => format!("of {not_before_text} to {not_after_text} (serial {serial})"),
    };
    Text { short, rest: Vec::new() }
}

fn list(list: &Crl, may_be_cut: bool) -> Text {
    let head = format!("of {} of {}", list.issuer, list.last_update_text);
    if may_be_cut {
        return Text { short: head, rest: vec![list.next_update_text.to_string()] };
    }
    let mut rest: Vec<_> =
        list.revoked.iter().map(|revoked| format!("{} {}", revoked.serial, revoked.revoked_at)).collect();
    rest.sort_unstable();
    let revoked = counted(rest.len(), "revoked certificate", "revoked certificates");
    let short = format!("{head}, with {revoked}");
    rest.push(list.next_update_text.to_string());
    Text { short, rest }
}

impl fmt::Display for Mark {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { what, texts, .. } = self;
        match texts.as_slice() {
            [one] => write!(f, "{what} {}", one.short),
            [first, ..] => write!(f, "{} {what}s, one {what} {}", texts.len(), first.short),
            [] => write!(f, "no {what}"),
        }
    }
}

/// Length in bytes of a description that fits into a buffer of 16,384 bytes for certain, behind a name of
/// any length and before what follows.
const SURE: usize = 12_288;

#[cfg(test)]
mod tests {
    use super::*;

    const DATE: &str = "Nov 26 04:14:00 2026 GMT";

    /// Prints lists as HAProxy does: each piece is left out if it does not fit into the buffer.
    fn printed(name: &str, status: &str, lists: &[(&str, Vec<u32>)]) -> String {
        let mut pieces = vec![format!("Filename: {name}\n"), format!("Status: {status}\n")];
        for (n, (issuer, serials)) in (1..).zip(lists) {
            pieces.extend([
                format!(" \nCertificate Revocation List #{n}:\n"),
                "Version 2\n".into(),
                "Signature Algorithm: ecdsa-with-SHA256\n".into(),
                "Issuer: ".into(),
                format!("{issuer}\n"),
                "Last Update: ".into(),
                format!("{DATE}\n"),
                "Next Update: ".into(),
                format!("{DATE}\n"),
                "Revoked Certificates:\n".into(),
            ]);
            pieces.extend(
                serials.iter().map(|serial| {
                    format!("    Serial Number: {serial:X}\n        Revocation Date: {DATE}\n")
                }),
            );
        }
        let mut text = String::new();
        for piece in pieces.into_iter().chain(["\n".into()]) {
            if text.len() + piece.len() < 16_384 {
                text.push_str(&piece);
            }
        }
        text
    }

    fn mark(name: &str, status: &str, lists: &[(&str, Vec<u32>)]) -> Mark {
        Mark::of_crl_file(name, &printed(name, status, lists)).unwrap().unwrap()
    }

    fn lists(counts: &[u32]) -> Vec<(&'static str, Vec<u32>)> {
        ["/CN=A", "/CN=B"]
            .into_iter()
            .zip(counts)
            .map(|(issuer, count)| (issuer, (0..*count).collect()))
            .collect()
    }

    #[test]
    fn the_order_of_revoked_certificates_does_not_count() {
        let (one, two) =
            (mark("a", "Used", &[("/CN=A", vec![1, 3, 2])]), mark("a", "Used", &[("/CN=A", vec![1, 2, 3])]));
        assert!(one.fits(&two));
        assert_eq!(one.to_string(), "list of /CN=A of Nov 26 04:14:00 2026 GMT, with 3 revoked certificates");
        for other in [vec![1, 2], vec![1, 2, 4], vec![1, 2, 3, 4]] {
            assert!(!one.fits(&mark("a", "Used", &[("/CN=A", other)])));
        }
        assert!(!one.fits(&mark("a", "Used", &[("/CN=B", vec![1, 2, 3])])));
    }

    /// HAProxy sorts lists by issuer when it first uses them.
    #[test]
    fn a_cut_does_not_count() {
        let forward =
            [&[100][..], &[180], &[195], &[300], &[300, 2], &[185, 2], &[2, 300], &[150, 20], &[1, 1]];
        for counts in forward {
            let (before, mut after) = (lists(counts), lists(counts));
            after.reverse();
            for (_, serials) in &mut after {
                serials.reverse();
            }
            for length in 1..=1_024 {
                let name = "n".repeat(length);
                let pending = mark(&format!("*{name}"), "Uncommitted", &before);
                assert!(pending.fits(&mark(&name, "Used", &after)), "{counts:?} {length}");
                assert!(!pending.fits(&mark(&name, "Used", &[("/CN=C", vec![1])])), "{counts:?} {length}");
            }
        }
        let cut = mark("a", "Used", &lists(&[300]));
        assert_eq!(cut.to_string(), "list of /CN=A of Nov 26 04:14:00 2026 GMT");
        assert!(
            !cut.fits(&mark("a", "Used", &lists(&[2])))
                && !cut.fits(&mark("a", "Used", &[("/CN=B", (0..300).collect())]))
        );
    }
}
