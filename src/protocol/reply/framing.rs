use crate::error::{Error, Problem, Result};
use crate::excerpt::excerpt;

/// Whether the bytes of a connection that reached its end are a whole reply.
///
/// HAProxy puts a line feed behind each answer, so that one ends in an empty line
/// or, where there is nothing to say, is a lone line feed. A process that dies, or
/// that gives up on a slow reader, ends the connection in the same way as one that
/// is done: this ending is the only difference.
///
/// It is necessary and not sufficient: a quoted cell can hold an empty line. Who
/// reads cells must find itself outside of them at the end.
pub(crate) fn check_ending(bytes: &[u8]) -> Result<()> {
    let mut rest = bytes;
    if rest.is_empty() {
        return Err(Error::new(Problem::Closed));
    }
    loop {
        if rest.is_empty() || rest == b"\n" || rest.ends_with(b"\n\n") {
            return Ok(());
        }
        // In the answer to `a;b` each part may be such a message.
        rest = match without_last_line(rest) {
            Some((before, line)) if is_message(line) => before,
            _ => return Err(truncated(bytes)),
        };
    }
}

/// Splits off the last line, if it was ended.
fn without_last_line(bytes: &[u8]) -> Option<(&[u8], &[u8])> {
    let text = bytes.strip_suffix(b"\n")?;
    let start = text.iter().rposition(|&byte| byte == b'\n').map_or(0, |end| end + 1);
    bytes.split_at_checked(start).map(|(before, _)| before).zip(text.get(start..))
}

/// Whether a line is one of the answers that no empty line follows.
fn is_message(line: &[u8]) -> bool {
    // An error never begins a dump, so one line of it is all that matters. Its
    // text may be that of any configuration keyword, and cannot be listed.
    if let [b'[', b'0'..=b'4', b']', b':', b' ', ..] = line {
        return true;
    }
    let line = match line {
        [b'[', b'5'..=b'7', b']', b':', b' ', text @ ..] | text => text,
    };
    WHOLE.iter().any(|text| line == text.as_bytes())
        || BEGIN.iter().any(|text| line.starts_with(text.as_bytes()))
        || is_refusal(line)
        || is_variable(line)
        || is_json(line)
}

/// Whether HAProxy says that a command is too long for it. It closes then with a
/// part of the command unread, so that a reset may follow its words.
pub(crate) fn is_refusal(bytes: &[u8]) -> bool {
    TOO_BIG.iter().any(|text| bytes.starts_with(text.as_bytes()))
}

/// `get var` in 2.6: `proc.x: type=sint value=<5>`.
fn is_variable(line: &[u8]) -> bool {
    let marks: &[u8] = b": type=";
    line.starts_with(b"proc.") && line.ends_with(b">") && line.windows(marks.len()).any(|part| part == marks)
}

/// The JSON documents of 2.2, each on one line.
fn is_json(line: &[u8]) -> bool {
    matches!(line, [b'{', b'"', .., b'}'] | [b'[', b'{' | b'[', .., b']'])
}

/// Shows the bytes where they are one line: then they are HAProxy's words, most
/// likely. Of a dump nothing is shown, for what it holds may be secret.
fn truncated(bytes: &[u8]) -> Error {
    let length = bytes.len();
    let line = bytes.trim_ascii();
    Error::new(Problem::Truncated(if line.contains(&b'\n') {
        format!("{length} bytes, and no empty line at the end")
    } else {
        format!("no empty line after {:?}", excerpt(&String::from_utf8_lossy(line)))
    }))
}

/// Answers with one line feed, whole lines.
///
/// All are of 2.2 and 2.6: later releases end each message with an empty line.
const WHOLE: &[&str] = &[
    // `set weight`, `set server .. weight`, `set maxconn server`
    "Empty weight string empty or preceded by garbage",
    "Trailing garbage in weight string",
    "maxconn string empty or preceded by garbage",
    "Trailing garbage in maxconn string",
    // `set server`: `check-addr`, `check-port`, `agent-addr`, `agent-port`
    "provided port is not an integer",
    "provided port is invalid",
    "health checks are not enabled on this server",
    "agent checks are not enabled on this server",
    // `add server`, `del server`
    "No such backend.",
    "No such server.",
    "Require 'backend/server'.",
    "Server deleted.",
    "Only servers in maintenance mode can be deleted.",
    "This server cannot be removed at runtime due to other configuration elements pointing to it.",
    "Server still has connections attached to it, cannot remove it.",
    "Backend must use a dynamic load balancing to support dynamic servers.",
    // `show events`, `trace`, `show trace`
    "No such event sink",
    "Nothing to report for this sink",
    "unknown option",
    "No such sink",
    "No such trace source",
    "Unknown trace keyword",
];

/// Answers with one line feed, by how they begin.
const BEGIN: &[&str] = &[
    // `set server .. check-addr`, in 2.6
    "invalid addr '",
    // a master socket
    "Can't find the target PID matching the prefix '",
];

/// Answers of 3.0 and later to a command that is too long, by how they begin.
const TOO_BIG: &[&str] =
    &["The command is too big for the buffer size.", "The command line is too big", "The payload is too big"];

#[cfg(test)]
mod tests {
    use super::*;

    fn ending(text: &str) -> Result<(), String> {
        check_ending(text.as_bytes()).map_err(|error| error.to_string())
    }

    #[test]
    fn an_empty_line_ends_a_reply() {
        for text in ["\n", "admin\n\n", "\n\n", "\nadmin\n\n", "admin\n\n\n"] {
            assert_eq!(ending(text), Ok(()), "{text:?}");
        }
    }

    #[test]
    fn messages_with_one_line_feed_are_whole() {
        for text in [
            "Server deleted.\n",
            "[6]: Server deleted.\n",
            "\n[6]: Server deleted.\n",
            "Server deleted.\nNo such server.\n",
            "admin\n\nServer deleted.\n",
            "[4]: invalid addr 'bad'\n",
            "invalid addr 'bad'\n",
            "\n[3]: fetch method 'int' : expected type 'integer' at position 1, but got nothing\n",
            "[6]: proc.x: type=sint value=<5>\n",
            "The command is too big for the buffer size. Please change tune.bufsize\n",
            "[{\"field\":{\"pos\":0,\"name\":\"Name\"}}]\n",
            "[[{\"objType\":\"Server\"}]]\n",
            "{\"$schema\":\"x\"}\n",
        ] {
            assert_eq!(ending(text), Ok(()), "{text:?}");
        }
    }

    #[test]
    fn anything_else_is_truncated() {
        for (text, expected) in [
            ("admin", "answer ended early: no empty line after \"admin\""),
            ("Name: x\nPid: 1\n", "answer ended early: 15 bytes, and no empty line at the end"),
            ("Name: x\nServer deleted.\n", "answer ended early: 24 bytes, and no empty line at the end"),
            ("Server deleted.", "answer ended early: no empty line after \"Server deleted.\""),
            ("\n[6]: admin\n", "answer ended early: no empty line after \"[6]: admin\""),
            ("[{\"field\":{}}\n", "answer ended early: no empty line after \"[{\\\"field\\\":{}}\""),
            ("", "closed without an answer"),
        ] {
            assert_eq!(ending(text), Err(expected.to_owned()), "{text:?}");
        }
    }
}
