//! Log lines of HAProxy about its servers, as they are in a ring.

/// A log line about a server, such as `Server app/web1 is DOWN, reason: Layer4 timeout`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct ServerNotice<'a> {
    pub(crate) backend: &'a str,
    pub(crate) server: &'a str,
    /// HAProxy's words behind the name, without its counts of servers and sessions.
    pub(crate) words: &'a str,
}

impl<'a> ServerNotice<'a> {
    /// Finds the notice in a line, behind the header of any format of a ring.
    ///
    /// A client may write the same words into the line of a request, so a notice is a hint to look at the
    /// server and no proof.
    pub(crate) fn read(line: &'a str) -> Option<Self> {
        let mut starts =
            line.match_indices(MARK).filter(|(at, _)| is_start(line.get(..*at).unwrap_or_default()));
        starts.find_map(|(at, mark)| Self::of(line.get(at + mark.len()..)?))
    }

    fn of(text: &'a str) -> Option<Self> {
        let (name, words) = text.split_once(' ')?;
        let (backend, server) = name.split_once('/')?;
        let is_name = |name: &str| {
            let fits = |byte: u8| byte.is_ascii_alphanumeric() || b"_.:-".contains(&byte);
            !name.is_empty() && name.bytes().all(fits)
        };
        (is_name(backend) && is_name(server)).then(|| Self { backend, server, words: without_counts(words) })
    }
}

const MARK: &str = "Server ";

/// Returns `true` if a message can begin behind `before`: the header of the line, and the word for a
/// backup server.
fn is_start(before: &str) -> bool {
    let header = before.strip_suffix("Backup ").unwrap_or(before);
    header.is_empty() || header.ends_with([' ', '>'])
}

/// Returns the words in front of `. 1 active and 0 backup servers left.`, which the words of a health
/// check cannot follow.
fn without_counts(words: &str) -> &str {
    let words = words.trim_end_matches(['\0', ' ']);
    let cut = words.rfind(" active and ").and_then(|at| {
        let (head, count) = words.get(..at)?.rsplit_once(". ")?;
        (!count.is_empty() && count.bytes().all(|byte| byte.is_ascii_digit())).then_some(head)
    });
    cut.unwrap_or(words)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn notices_are_found_behind_every_header() {
        let line = "Server app/web1 is DOWN, reason: Layer4 connection problem, info: \"Connection refused\", \
                    check duration: 0ms. 1 active and 0 backup servers left. 0 sessions active, 0 requeued, \
                    0 remaining in queue.";
        let words =
            "is DOWN, reason: Layer4 connection problem, info: \"Connection refused\", check duration: 0ms";
        for header in [
            "",
            "Backup ",
            "<129>",
            "<129>Nov 26 01:51:21 localhost haproxy[9650]: ",
            "<129>1 2026-11-26T01:51:22.072110+00:00 - haproxy 9650 - - Backup ",
        ] {
            let line = format!("{header}{line}");
            let notice = ServerNotice::read(&line).unwrap();
            assert_eq!((notice.backend, notice.server, notice.words), ("app", "web1", words), "{header}");
        }
    }

    #[test]
    fn words_without_counts_stay_whole() {
        for (line, words) in [
            (
                "Server a/b is UP/READY (leaving forced maintenance).",
                "is UP/READY (leaving forced maintenance).",
            ),
            (
                "Server a/b enters drain state. x active and 0 backup",
                "enters drain state. x active and 0 backup",
            ),
            ("Server a/b is UP. 1 active and 0 backup\0", "is UP"),
        ] {
            assert_eq!(ServerNotice::read(line).unwrap().words, words);
        }
    }

    #[test]
    fn other_lines_are_no_notices() {
        for line in [
            "",
            "Server ",
            "Server app",
            "Server app/web1",
            "Server app/ is DOWN",
            "Server a;b/c is DOWN",
            "xServer app/web1 is DOWN",
            "backend app has no server available!",
            "Proxy app started.",
        ] {
            assert_eq!(ServerNotice::read(line), None, "{line}");
        }
    }
}
