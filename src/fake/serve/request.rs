//! The command lines and payloads that a client sent.

use crate::Version;

/// A command line, and the payload that it announced with a last word of `<<`.
#[derive(Debug, PartialEq, Eq)]
pub(in crate::fake) struct Request<'a> {
    pub(in crate::fake) line: &'a str,
    /// Lines with their ends, without the line that ends the payload.
    pub(in crate::fake) payload: Option<&'a str>,
}

/// Returns the lengths of the line and payload of each request in `text`, including the last
/// request, which may be incomplete.
pub(in crate::fake) fn lengths(found: &[Request<'_>], rest: &str) -> impl Iterator<Item = (usize, usize)> {
    let (line, payload) = rest.split_once('\n').unwrap_or((rest, ""));
    let last = (line.len(), payload.len());
    let whole = found.iter().map(|one| (one.line.len(), one.payload.map_or(0, str::len)));
    whole.chain([last])
}

/// Returns the complete requests in `text`, and the text after them.
pub(in crate::fake) fn requests<'a>(text: &'a str, version: &Version) -> (Vec<Request<'a>>, &'a str) {
    let mut found = Vec::new();
    let mut rest = text;
    while let Some((request, behind)) = first(rest, version) {
        found.push(request);
        rest = behind;
    }
    (found, rest)
}

/// Returns the first request in `text` if it is complete, and the text after it.
pub(in crate::fake) fn first<'a>(text: &'a str, version: &Version) -> Option<(Request<'a>, &'a str)> {
    let (line, behind) = text.split_once('\n')?;
    let Some((line, end)) = announced(line, version) else {
        return Some((Request { line, payload: None }, behind));
    };
    let (payload, behind) = split_payload(behind, end)?;
    Some((Request { line, payload: Some(payload) }, behind))
}

/// Splits a line that announces a payload into the line without its last word, and the line that
/// will end the payload.
fn announced<'a>(line: &'a str, version: &Version) -> Option<(&'a str, &'a str)> {
    if *version < (2, 9) {
        // Before 2.9 `<<` counts even if it is glued to a word or follows a backslash.
        return Some((line.strip_suffix("<<")?, ""));
    }
    let trimmed = line.trim_end_matches([' ', '\t']);
    let start = trimmed.rfind([' ', '\t']).map_or(0, |blank| blank + 1);
    let (line, word) = trimmed.split_at_checked(start)?;
    let end = word.strip_prefix("<<")?;
    let longest = if *version < (3, 4) { 7 } else { 64 };
    (end.len() <= longest).then_some((line, end))
}

/// Splits a text at the line that equals `end`.
fn split_payload<'a>(text: &'a str, end: &str) -> Option<(&'a str, &'a str)> {
    let mut at = 0;
    for line in text.split_inclusive('\n') {
        if line.strip_suffix('\n')? == end {
            let (payload, rest) = text.split_at_checked(at)?;
            return Some((payload, rest.get(line.len()..)?));
        }
        at += line.len();
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    fn split<'a>(text: &'a str, version: &str) -> (Vec<(&'a str, Option<&'a str>)>, &'a str) {
        let (found, rest) = requests(text, &Version::parse(version));
        (found.into_iter().map(|one| (one.line, one.payload)).collect(), rest)
    }

    #[test]
    fn a_payload_ends_in_an_empty_line() {
        let text = "show map\nadd map m <<\na b\nc d\n\nshow";
        for version in ["2.2", "3.4"] {
            let whole = vec![("show map", None), ("add map m ", Some("a b\nc d\n"))];
            assert_eq!(split(text, version), (whole, "show"));
        }
    }

    #[test]
    fn a_payload_that_has_not_ended_is_waited_for() {
        for text in ["add map m <<\n", "add map m <<\na b\n", "add map m <<\na b\n\u{20}\n"] {
            assert_eq!(split(text, "3.2"), (vec![], text));
        }
    }

    #[test]
    fn an_end_of_its_own_is_known_from_2_9_on() {
        let text = "add map m <<END\na b\n\nEND\n";
        assert_eq!(split(text, "3.0"), (vec![("add map m ", Some("a b\n\n"))], ""));
        let lines = ["add map m <<END", "a b", "", "END"].map(|line| (line, None)).to_vec();
        assert_eq!(split(text, "2.6"), (lines, ""));
        let text = "add map m <<12345678\n";
        assert_eq!(split(text, "3.2"), (vec![("add map m <<12345678", None)], ""));
        assert_eq!(split(text, "3.4"), (vec![], text));
    }

    #[test]
    fn a_backslash_takes_the_meaning_from_2_9_on() {
        assert_eq!(split("add map m k \\<<\n", "3.0"), (vec![("add map m k \\<<", None)], ""));
        assert_eq!(split("add map m k \\<<\n", "2.6"), (vec![], "add map m k \\<<\n"));
    }
}
