use crate::error::{Error, Result};

/// Length in bytes of the longest command line that every release accepts. With the end of the
/// line it is `tune.bufsize` minus `tune.maxrewrite`. Up to 2.6 a longer line hangs, or HAProxy
/// closes the connection without a message.
pub(super) const LONGEST: usize = 15_359;

/// Most bytes of a line with its payload for releases from [`LARGE`] on: `tune.cli.max-payload-size`
/// (131,072 by default), less a reserve.
pub(super) const LONGEST_PAYLOAD: usize = 130_000;

/// First release that reads a payload larger than its buffer.
pub(super) const LARGE: (u16, u16) = (3, 4);

/// Refuses a line that HAProxy would not execute as exactly one line.
pub(crate) fn check(line: &str) -> Result<()> {
    // CR and LF end a line, in some releases within an argument too. From 3.2 on NUL also ends
    // a line.
    if let Some(found) = line.bytes().find(|byte| matches!(byte, b'\0' | b'\r' | b'\n')) {
        return Err(Error::invalid(format!("the command line holds {:?}", char::from(found))));
    }
    if words(line).next().is_none() {
        return Err(Error::invalid("the command line is empty"));
    }
    if line.len() > LONGEST {
        let length = line.len();
        return Err(Error::invalid(format!(
            "the command line has {length} bytes, and HAProxy takes {LONGEST} for certain"
        )));
    }
    if opens_payload(line) {
        return Err(Error::invalid(
            "the last word begins or ends with `<<`: HAProxy would wait for a payload",
        ));
    }
    if line.len() % 2 != line.trim_end_matches('\\').len() % 2 {
        return Err(Error::invalid("the command line ends with a single `\\`, which takes its end away"));
    }
    Ok(())
}

/// Returns `true` if the line may open a payload.
///
/// Up to 2.6 a last word that ends with `<<` opens a payload, even if the `<<` is escaped. From
/// 2.9 on a last word that begins with `<<` does. Up to 3.0 the word may stand anywhere in the
/// line if a `;` follows it. For this rule HAProxy splits words in another way than for
/// arguments: an escaped blank ends a word too, and other white space may end a word.
fn opens_payload(line: &str) -> bool {
    if !may_open_payload(line) {
        return false;
    }
    let marked = |word: &str| word.starts_with("<<") || word.ends_with("<<");
    let of_blanks = |part: &str| part.split([' ', '\t']).rfind(|word| !word.is_empty()).is_some_and(marked);
    let parts = line.split(';').chain([line]);
    parts.into_iter().any(|part| of_blanks(part) || words(part).last().is_some_and(marked))
}

/// Returns `true` if the line may open a payload behind a master: from 3.0 on a master looks at the last
/// argument, which may hold escaped blanks.
pub(super) fn opens_payload_behind_master(line: &str) -> bool {
    may_open_payload(line)
        && line.split(';').chain([line]).any(|part| {
            let argument = last_argument(part);
            argument.starts_with("<<") || argument.ends_with("<<")
        })
}

/// Returns `true` if the line has the mark of a payload anywhere. Hardly any line has, and the others need no
/// splitting into words.
fn may_open_payload(line: &str) -> bool {
    line.as_bytes().windows(2).any(|two| two == b"<<")
}

/// Returns the last argument of a command. An escaped blank does not end an argument.
fn last_argument(part: &str) -> &str {
    let part = part.trim_end_matches([' ', '\t']);
    let (mut start, mut is_escaped) = (0, false);
    for (at, found) in part.char_indices() {
        if matches!(found, ' ' | '\t') && !is_escaped {
            start = at + 1;
        }
        is_escaped = found == '\\' && !is_escaped;
    }
    part.get(start..).unwrap_or_default()
}

/// Splits a line into words at white space of every kind.
pub(super) fn words(line: &str) -> impl Iterator<Item = &str> {
    line.split([' ', '\t', '\x0b', '\x0c']).filter(|word| !word.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ordinary_lines_pass() {
        for line in
            ["show stat", " show info;show cli level;show stat", "set map m k a\\;b", "add map m k v\\\\"]
        {
            assert!(check(line).is_ok(), "{line}");
        }
        assert!(check(&"x".repeat(LONGEST)).is_ok());
    }

    #[test]
    fn lines_that_would_not_run_as_one_are_refused() {
        for (line, text) in [
            ("show info\nshutdown frontend f", "the command line holds '\\n'"),
            ("show info\r", "the command line holds '\\r'"),
            ("show info\0show stat", "the command line holds '\\0'"),
            ("", "the command line is empty"),
            (" \t ", "the command line is empty"),
            ("add map m k v\\", "the command line ends with a single `\\`, which takes its end away"),
            ("add map m k v\\\\\\", "the command line ends with a single `\\`, which takes its end away"),
        ] {
            assert_eq!(check(line).unwrap_err().to_string(), text);
        }
        assert_eq!(
            check(&"x".repeat(LONGEST + 1)).unwrap_err().to_string(),
            "the command line has 15360 bytes, and HAProxy takes 15359 for certain"
        );
    }

    #[test]
    fn a_last_word_that_opens_a_payload_is_refused() {
        for line in [
            "add map m <<",
            "add map m << ",
            "add map m <<%EOF%",
            "add map m a<<",
            "add map m \\<<",
            "add map m <<;x",
            "add acl a <<\u{b}\\;",
            "add acl a x\\;<<y",
            "add acl a x\\ <<\u{c}y",
            "add acl a x<<\u{b}",
        ] {
            assert_eq!(
                check(line).unwrap_err().to_string(),
                "the last word begins or ends with `<<`: HAProxy would wait for a payload"
            );
        }
        for line in
            ["add map m a<<b c", "add map m <<\\ k v", "add map m k <<\\ x", "add map m k <<\\\\\\ x "]
        {
            assert!(check(line).is_ok(), "{line}");
        }
    }

    #[test]
    fn behind_a_master_the_last_argument_opens_a_payload() {
        for line in ["add map m k <<\\ x", "add map m k <<\\\\\\ x ", "add map m k <<\\ x;y", "add map m x<<"]
        {
            assert!(opens_payload_behind_master(line), "{line}");
        }
        for line in ["add map m <<\\ k v", "add map m k x<<\\ y", "add map m k v"] {
            assert!(!opens_payload_behind_master(line), "{line}");
        }
    }
}
