use crate::error::{Error, Problem, Result};
use crate::excerpt::excerpt_of_bytes;
use crate::protocol::Command;

/// Checks that the bytes of a closed connection are a whole reply.
///
/// HAProxy prints a line feed after each answer. An answer with text therefore ends in an empty
/// line, and an answer without text is a single line feed. A process that dies, or that gives up
/// on a slow reader, closes the connection in the same way as a process that has finished: the
/// empty line is the only difference.
///
/// The check is necessary and not sufficient, because a quoted cell can contain an empty line. A
/// CSV parser must also end outside quotes.
///
/// # Errors
///
/// - `Closed` if there are no bytes.
/// - `Truncated` if the reply does not end like an answer.
pub(crate) fn check_ending(bytes: &[u8]) -> Result<()> {
    let mut rest = bytes;
    if rest.is_empty() {
        return Err(Error::new(Problem::Closed));
    }
    loop {
        if rest.is_empty() || rest == b"\n" || rest.ends_with(b"\n\n") || rest.ends_with(UNKNOWN_KEY) {
            return Ok(());
        }
        // In the reply to `a;b` each answer may be a message without an empty line.
        rest = match without_last_line(rest) {
            Some((before, line)) if is_message(line) || is_json(line) && !is_event(line, before) => before,
            _ => return Err(truncated(bytes)),
        };
    }
}

/// Checks the ending of the reply to `command`.
///
/// # Errors
///
/// - The errors of [`check_ending`].
pub(crate) fn check_ending_of(command: &Command, bytes: &[u8]) -> Result<()> {
    match check_ending(bytes) {
        Err(_) if command.is_of_one_buffer() && fills_buffer(bytes) => Ok(()),
        checked => checked,
    }
}

/// Returns `true` for a whole reply of one buffer that had no room for the line feed of its last line. The
/// line feed at its end is the one that HAProxy prints after each answer.
///
/// A reply that was cut off at this length on its way ends with a line feed only if its last line is whole,
/// and may lack the lines that a full buffer may lack too.
fn fills_buffer(bytes: &[u8]) -> bool {
    let Some(text) = bytes.strip_suffix(b"\n") else { return false };
    // Most pieces leave one byte free for a NUL, hexadecimal digits do not. A name such as `Issuer: ` is a
    // piece of its own, and HAProxy 2.2 may print nothing behind it that is short enough.
    [BUFFER - 1, BUFFER].contains(&text.len()) || text.len() > NEARLY_FULL && text.ends_with(b": ")
}

/// Splits off the last line, if it ends with a line feed.
fn without_last_line(bytes: &[u8]) -> Option<(&[u8], &[u8])> {
    let text = bytes.strip_suffix(b"\n")?;
    let start = text.iter().rposition(|&byte| byte == b'\n').map_or(0, |end| end + 1);
    bytes.split_at_checked(start).map(|(before, _)| before).zip(text.get(start..))
}

/// Returns `true` if a line is an answer that HAProxy prints without an empty line.
fn is_message(line: &[u8]) -> bool {
    // An error is never the beginning of a dump, so one line of it is enough. The text may come
    // from any configuration keyword, so the texts cannot be listed.
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
}

/// Returns `true` if HAProxy says that a command is too long. HAProxy then closes the connection
/// with a part of the command unread, so a connection reset may follow the message.
pub(crate) fn is_refusal(bytes: &[u8]) -> bool {
    TOO_BIG.iter().any(|text| bytes.starts_with(text.as_bytes()))
}

/// Returns `true` for a reply to `get var` in 2.6: `proc.x: type=sint value=<5>`.
fn is_variable(line: &[u8]) -> bool {
    let marks: &[u8] = b": type=";
    line.starts_with(b"proc.") && line.ends_with(b">") && line.windows(marks.len()).any(|part| part == marks)
}

/// Returns `true` if a line of JSON and the line `before` it are parts of a dump, such as the events of a ring.
fn is_event(line: &[u8], before: &[u8]) -> bool {
    let is_object = |line: &[u8]| line.starts_with(b"{") && is_json(line);
    is_object(line) && without_last_line(before).is_some_and(|(_, line)| is_object(line))
}

/// Returns `true` for a JSON document of 2.2, which is one line. Only the one of `show schema json` is an object.
fn is_json(line: &[u8]) -> bool {
    matches!(line, [b'{', b'"', .., b'}'] | [b'[', b'{' | b'[', .., b']'])
}

/// Returns the error of a truncated reply. It shows a reply of one line with a severity, which is a
/// message of HAProxy. It shows no part of another reply, because it may hold secrets.
fn truncated(bytes: &[u8]) -> Error {
    let length = bytes.len();
    let line = bytes.trim_ascii();
    let is_message = matches!(line, [b'[', b'0'..=b'9', b']', b':', ..]) && !line.contains(&b'\n');
    Error::new(Problem::Truncated(if is_message {
        format!("no empty line after {:?}", excerpt_of_bytes(line))
    } else {
        format!("{length} bytes, and no empty line at the end")
    }))
}

/// Answers that end with one line feed, as whole lines.
///
/// HAProxy 2.2 and 2.6 print them; later releases end each message with an empty line.
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

/// Beginnings of answers that end with one line feed.
const BEGIN: &[&str] = &[
    // `set server .. check-addr`, in 2.6
    "invalid addr '",
    // a master socket
    "Can't find the target PID matching the prefix '",
];

/// Size of a buffer of HAProxy in bytes, unless `tune.bufsize` is set.
const BUFFER: usize = 16_384;
/// Length in bytes of a reply that may leave no room for the next piece in a buffer.
pub(crate) const NEARLY_FULL: usize = BUFFER - 1_024;

/// End of the description of a certificate with a key that HAProxy does not know. A description that is cut
/// there has no line feed.
const UNKNOWN_KEY: &[u8] = b"\nAlgorithm: \n";

/// Beginnings of the answers of 3.0 and later to a command that is too long.
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
            "[{\"field\":{}}]\n[[{\"objType\":\"Server\"}]]\n",
            "\nFilename: a\nAlgorithm: \n",
        ] {
            assert_eq!(ending(text), Ok(()), "{text:?}");
        }
    }

    #[test]
    fn a_full_buffer_ends_a_reply_of_one_buffer() {
        let one = Command::read("show ssl cert").of_one_buffer();
        let is_whole = |command: &Command, text: &str| check_ending_of(command, text.as_bytes()).is_ok();
        let of = |length: usize, end: &str| format!("{}{end}\n", "x".repeat(length - end.len()));
        for text in [of(BUFFER, "A0"), of(BUFFER - 1, ", "), of(BUFFER - 200, "\nIssuer: "), of(9, "\n")] {
            assert!(is_whole(&one, &text), "{}", text.len());
        }
        for text in [
            of(BUFFER - 2, "x"),
            of(BUFFER + 1, "x"),
            of(BUFFER - 200, "\nIssuer:"),
            of(NEARLY_FULL, "\nIssuer: "),
            "x".repeat(BUFFER),
        ] {
            assert!(!is_whole(&one, &text), "{}", text.len());
        }
        assert!(!is_whole(&Command::read("show ssl ca-file"), &of(BUFFER, "A0")));
    }

    #[test]
    fn anything_else_is_truncated() {
        for (text, expected) in [
            ("admin", "answer ended early: 5 bytes, and no empty line at the end"),
            ("Name: x\nPid: 1\n", "answer ended early: 15 bytes, and no empty line at the end"),
            ("Name: x\nServer deleted.\n", "answer ended early: 24 bytes, and no empty line at the end"),
            ("Serial: 1\nAlgorithm: ", "answer ended early: 21 bytes, and no empty line at the end"),
            ("Serial: 1\nAlgorithm:  \n", "answer ended early: 23 bytes, and no empty line at the end"),
            ("Server deleted.", "answer ended early: 15 bytes, and no empty line at the end"),
            ("\n[6]: admin\n", "answer ended early: no empty line after \"[6]: admin\""),
            ("{\"a\":1}\n{\"b\":2}\n", "answer ended early: 16 bytes, and no empty line at the end"),
            ("[{\"field\":{}}\n", "answer ended early: 14 bytes, and no empty line at the end"),
            ("", "closed without an answer"),
        ] {
            assert_eq!(ending(text), Err(expected.to_owned()), "{text:?}");
        }
    }
}
