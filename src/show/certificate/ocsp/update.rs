use super::super::date::seconds_of_log;
use super::OcspId;
use crate::error::Malformed;

/// An OCSP response that a process updates by itself: one line of `show ssl ocsp-updates`.
///
/// HAProxy lists a response with `ocsp-update on`, and for a moment a response that
/// [`Certificate::update_ocsp_response`](crate::certificate::Certificate::update_ocsp_response) updates once.
///
/// # Example
///
/// ```no_run
/// # async fn example(cluster: haproxyadmin::Cluster) -> haproxyadmin::Result<()> {
/// for (label, updates) in cluster.ocsp_updates().await?.values() {
///     for update in updates.iter().filter(|update| update.failures > 0) {
///         println!("{label}: {}: {}", update.certificate, update.last_result_text);
///     }
/// }
/// # Ok(())
/// # }
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[non_exhaustive]
pub struct OcspUpdate {
    /// ID of the certificate: `OCSP Certid`.
    pub id: OcspId,
    /// Name of the certificate: `Path`.
    pub certificate: Box<str>,
    /// Time of the next update, in seconds since 1970: `Next Update`. If an update is under way or due, the
    /// present.
    pub next_update: i64,
    /// Time of the next update in the local time of the process, such as `26/Nov/2026:05:28:25 +0000`.
    pub next_update_text: Box<str>,
    /// Time of the last successful update, in seconds since 1970: `Last Update`. `None` before the first
    /// one.
    pub last_update: Option<i64>,
    /// Time of the last successful update, in the form of the next one.
    pub last_update_text: Option<Box<str>>,
    /// Number of successful updates: `Successes`.
    pub successes: u64,
    /// Number of updates that failed: `Failures`.
    pub failures: u64,
    /// Number of the last result: `Last Update Status`. 0 before the first update has ended, 1 for a
    /// success, and other numbers for failures.
    pub last_result: u64,
    /// The last result in words, such as `Update successful` or `HTTP error`.
    pub last_result_text: Box<str>,
}

impl OcspUpdate {
    /// Reads the reply to `show ssl ocsp-updates`.
    pub(crate) fn read(text: &str) -> Result<Vec<Self>, Malformed> {
        let lines = (1..).zip(text.lines()).filter(|(_, line)| !line.is_empty());
        lines
            .filter(|(at, line)| *at > 1 || !line.starts_with(HEADER))
            .map(|(at, line)| {
                let wrong = || Malformed::new(at, None, "an ID and seven columns", line.as_bytes());
                Self::line(line).ok_or_else(wrong)
            })
            .collect()
    }

    /// Reads a line. The path and the words may hold the text that separates the columns.
    fn line(line: &str) -> Option<Self> {
        let columns: Vec<&str> = line.split(SEPARATOR).collect();
        let (id, rest) = columns.split_first()?;
        let id = OcspId::read(id)?;
        (1..rest.len()).find_map(|at| {
            let (path, [next, last, successes, failures, result, words @ ..]) = rest.split_at_checked(at)?
            else {
                return None;
            };
            let last = Some(*last).filter(|last| *last != "-");
            Some(Self {
                id: id.clone(),
                certificate: path.join(SEPARATOR).into(),
                next_update: seconds_of_log(next)?,
                next_update_text: (*next).into(),
                last_update: match last {
                    Some(last) => Some(seconds_of_log(last)?),
                    None => None,
                },
                last_update_text: last.map(Into::into),
                successes: successes.parse().ok()?,
                failures: failures.parse().ok()?,
                last_result: result.parse().ok()?,
                last_result_text: Some(words).filter(|words| !words.is_empty())?.join(SEPARATOR).into(),
            })
        })
    }
}

const SEPARATOR: &str = " | ";
/// Beginning of the first line.
const HEADER: &str = "OCSP Certid | ";

#[cfg(test)]
mod tests {
    use super::*;

    const HEAD: &str = "OCSP Certid | Path | Next Update | Last Update | Successes | Failures | \
        Last Update Status | Last Update Status (str)\n";
    const FIRST: &str = "304d0a | /etc/a.pem | 26/Nov/2026:05:28:25 +0000 | - | 0 | 1 | 2 | HTTP error\n";
    const SECOND: &str = "304d0b | a | 1 | b.pem | 26/Nov/2026:07:28:25 +0200 | \
        26/Nov/2026:05:28:24 +0000 | 12 | 0 | 1 | Update successful (a | b)\n";

    #[test]
    fn each_column_has_its_place() {
        let updates = OcspUpdate::read(&format!("{HEAD}{FIRST}{SECOND}")).unwrap();
        let [first, second] = updates.as_slice() else { panic!("{updates:?}") };
        assert_eq!((first.id.as_str(), &*first.certificate), ("304d0a", "/etc/a.pem"));
        assert_eq!((first.next_update, first.last_update), (1_795_670_905, None));
        assert_eq!((first.successes, first.failures, first.last_result), (0, 1, 2));
        assert_eq!((&*first.last_result_text, &first.last_update_text), ("HTTP error", &None));
        assert_eq!(&*second.certificate, "a | 1 | b.pem");
        assert_eq!((second.next_update, second.last_update), (1_795_670_905, Some(1_795_670_904)));
        assert_eq!(&*second.next_update_text, "26/Nov/2026:07:28:25 +0200");
        assert_eq!((second.successes, &*second.last_result_text), (12, "Update successful (a | b)"));
        assert_eq!(OcspUpdate::read(HEAD).unwrap(), []);
    }

    #[test]
    fn malformed_lines_are_errors() {
        for line in [
            "x",
            &FIRST.replace("304d0a", "x"),
            &FIRST.replace("Nov", "Foo"),
            &FIRST.replace(" | - | ", " | x | "),
            &FIRST.replace("| 1 |", "| x |"),
            &FIRST.replace(" | HTTP error", ""),
        ] {
            let error = OcspUpdate::read(&format!("{HEAD}{line}")).unwrap_err().to_string();
            assert!(error.starts_with("line 2: expected an ID and seven columns, found \""), "{error}");
        }
    }
}
