use std::fmt;

use super::abandoned::{Abandoned, abandoned};
use super::verb::verb;
use super::{Payload, line};
use crate::address::WorkerId;
use crate::error::{Error, Result};
use crate::version::Version;

/// Bytes that are sent to HAProxy in one piece: checked lines, each with its line feed.
///
/// Only requests reach a socket. A request comes from a [`Command`](super::Command), from a line
/// of the caller, or from fixed lines of this crate.
#[derive(Clone)]
pub(crate) struct Request {
    bytes: Vec<u8>,
    name: Box<str>,
    replies: usize,
    is_write: bool,
    /// True if the caller wrote the line.
    is_raw: bool,
    /// True if a master would wait for a payload that does not follow.
    opens_payload_behind_master: bool,
    abandoned: Abandoned,
    /// Line that ends the payload, if HAProxy may not find it.
    end: Option<Box<str>>,
}

impl Request {
    /// Makes a request from a line of the caller. HAProxy splits the line into commands.
    pub(crate) fn raw(line: &str, payload: Option<&Payload>) -> Result<Self> {
        Ok(Self::checked("", line, payload, verb(line), false)?.raw_line())
    }

    /// Marks a request that holds a line of the caller.
    pub(crate) fn raw_line(self) -> Self {
        Self { is_raw: true, ..self }
    }

    /// Returns a request of one line of this crate in the form for a worker behind the socket of a
    /// master. `quit` makes the master close the connection behind the last reply.
    ///
    /// # Errors
    ///
    /// - `InvalidInput` if the line becomes too long: the master would execute its end.
    /// - The error of [`check_for_master`](Self::check_for_master).
    pub(crate) fn to_worker(&self, worker: WorkerId) -> Result<Self> {
        self.check_for_master()?;
        let line = self.bytes.strip_suffix(b"\n").unwrap_or(&self.bytes);
        let bytes = [worker.to_string().as_bytes(), b";", line, b";quit\n"].concat();
        if bytes.len() > line::LONGEST {
            let text = format!(
                "the command line has {} bytes behind a master, and HAProxy takes {} for certain",
                bytes.len(),
                line::LONGEST
            );
            return Err(Error::invalid(text).during(self.name.clone()));
        }
        Ok(Self { bytes, abandoned: Abandoned::Awaited, ..self.clone() })
    }

    /// Checks that a master executes each line as one line.
    ///
    /// # Errors
    ///
    /// - `InvalidInput` if the master would wait for a payload.
    pub(crate) fn check_for_master(&self) -> Result<()> {
        if !self.opens_payload_behind_master {
            return Ok(());
        }
        let text = "the last argument begins or ends with `<<`: a master would wait for a payload";
        Err(Error::invalid(text).during(self.name.clone()))
    }

    /// Returns `true` if a master would send a command of the line to another process.
    pub(crate) fn leads_elsewhere(&self) -> bool {
        self.bytes.split(|&byte| byte == b'\n').next().is_some_and(leads_elsewhere)
    }

    /// Makes a request from fixed lines, which hold no text from outside of this crate. `name`
    /// is the command in errors and traces.
    pub(crate) fn fixed(name: &'static str, lines: &[&'static str]) -> Self {
        let mut bytes = Vec::new();
        for line in lines {
            bytes.extend_from_slice(line.as_bytes());
            bytes.push(b'\n');
        }
        Self {
            bytes,
            name: name.into(),
            replies: lines.len(),
            is_write: false,
            is_raw: false,
            opens_payload_behind_master: false,
            abandoned: abandoned(name),
            end: None,
        }
    }

    /// Makes a request from `head`, `line` and `payload`. `head` holds fixed lines, each with its
    /// line feed, or is empty.
    ///
    /// # Errors
    ///
    /// - `InvalidInput` if HAProxy would not execute `line` as exactly one line, or if line and
    ///   payload together exceed the length that every release accepts.
    pub(crate) fn checked(
        head: &str,
        line: &str,
        payload: Option<&Payload>,
        name: impl Into<Box<str>>,
        is_write: bool,
    ) -> Result<Self> {
        let name = name.into();
        let bytes = encode(head, line, payload).map_err(|error| error.during(name.clone()))?;
        let replies = head.matches('\n').count() + 1;
        let opens_payload_behind_master = payload.is_none() && line::opens_payload_behind_master(line);
        let abandoned = abandoned(line);
        let end =
            payload.map(Payload::end).filter(|end| !end.is_empty()).map(|end| format!("{end}\n").into());
        Ok(Self {
            bytes,
            name,
            replies,
            is_write,
            is_raw: false,
            opens_payload_behind_master,
            abandoned,
            end,
        })
    }

    /// Joins the requests of several commands at a prompt into one piece.
    pub(crate) fn joined(requests: &[Self]) -> Self {
        Self {
            bytes: requests.iter().map(Self::as_bytes).collect::<Vec<_>>().concat(),
            name: requests.first().map_or_else(Box::default, |request| request.name.clone()),
            replies: requests.iter().map(|request| request.replies).sum(),
            is_write: requests.iter().any(|request| request.is_write),
            is_raw: false,
            opens_payload_behind_master: requests.iter().any(|request| request.opens_payload_behind_master),
            abandoned: Abandoned::Closed,
            end: None,
        }
    }

    /// Returns the bytes to send.
    pub(crate) fn as_bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// Returns the redacted command, for errors and traces.
    pub(crate) fn name(&self) -> &str {
        &self.name
    }

    /// Returns the line that ends the payload if HAProxy may not find it, and waits for another one.
    pub(crate) fn end(&self) -> Option<&[u8]> {
        self.end.as_deref().map(str::as_bytes)
    }

    /// Returns the number of replies at a prompt.
    pub(crate) fn replies(&self) -> usize {
        self.replies
    }

    /// Returns `true` if the outcome is unknown when the reply is lost.
    pub(crate) fn is_write(&self) -> bool {
        self.is_write
    }

    /// Returns `true` if the caller wrote the line.
    pub(crate) fn is_raw(&self) -> bool {
        self.is_raw
    }

    /// Returns `true` if the request has more than one line.
    pub(crate) fn has_several_lines(&self) -> bool {
        let end = self.bytes.iter().position(|&byte| byte == b'\n');
        end.is_some_and(|end| end + 1 < self.bytes.len())
    }

    /// Returns the treatment of the connection if the caller stops waiting for the reply.
    pub(crate) fn abandoned(&self) -> Abandoned {
        self.abandoned
    }
}

/// Shows the redacted command only.
impl fmt::Debug for Request {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Request").field(&self.name).finish()
    }
}

fn encode(head: &str, line: &str, payload: Option<&Payload>) -> Result<Vec<u8>> {
    line::check(line)?;
    let Some(payload) = payload else {
        return Ok([head, line, "\n"].concat().into_bytes());
    };
    let longest = if payload.is_large() { line::LONGEST_PAYLOAD } else { line::LONGEST };
    let length = length(line, payload);
    if length > longest {
        let text =
            format!("command and payload have {length} bytes, and HAProxy takes {longest} for certain");
        return Err(Error::invalid(text));
    }
    // Behind a master, HAProxy finds the mark of the payload at the first `<<`, or among the first 64
    // words only, and would execute the payload as commands.
    if line.contains("<<") || line::words(line).count() > LONGEST_WORDS {
        let text = format!("a line with a payload holds `<<`, or more than {LONGEST_WORDS} words");
        return Err(Error::invalid(text));
    }
    let end = payload.end();
    Ok([head, line, MARK, end, "\n", payload.as_str(), "\n", end, "\n"].concat().into_bytes())
}

/// Returns the payload of a line as a release takes it.
///
/// # Errors
///
/// - `InvalidInput` if line and payload are too long for it.
pub(super) fn for_release(version: &Version, line: &str, payload: Payload) -> Result<Payload> {
    if *version >= line::LARGE {
        return payload.in_pieces();
    }
    let (length, longest) = (length(line, &payload), line::LONGEST);
    if length <= longest {
        return Ok(payload);
    }
    let text = format!(
        "command and payload have {length} bytes, and HAProxy {}.{} takes {longest} for certain",
        version.branch().0,
        version.branch().1,
    );
    Err(Error::invalid(text))
}

fn length(line: &str, payload: &Payload) -> usize {
    line.len() + MARK.len() + payload.as_str().len()
}

/// Maximum number of words of a line with a payload.
const LONGEST_WORDS: usize = 60;

/// Returns `true` if a command of the line begins with `@`. An escaped `;` does not end a command.
fn leads_elsewhere(line: &[u8]) -> bool {
    let (mut is_start, mut is_escaped) = (true, false);
    for &byte in line {
        match byte {
            b'@' if is_start => return true,
            b';' if !is_escaped => is_start = true,
            byte => is_start &= byte.is_ascii_whitespace(),
        }
        is_escaped = byte == b'\\' && !is_escaped;
    }
    false
}

/// Last word of a line with a payload.
const MARK: &str = " <<";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_payload_follows_its_line() {
        let payload = Payload::new("a b\nc d").unwrap();
        let request = Request::raw("add map #1", Some(&payload)).unwrap();
        assert_eq!(request.as_bytes(), b"add map #1 <<\na b\nc d\n\n");
        assert_eq!(request.name(), "add map");
    }

    #[test]
    fn a_line_that_hides_the_mark_of_its_payload_is_refused() {
        let payload = Payload::new("a b").unwrap();
        for line in ["show version x<<y".to_owned(), "add map #1".to_owned() + &" x".repeat(60)] {
            assert!(Request::raw(&line, Some(&payload)).is_err(), "{line}");
        }
    }

    #[test]
    fn a_payload_that_is_too_long_is_refused() {
        let payload = Payload::new(&"x".repeat(100_000)).unwrap();
        let error = Request::raw("add map #1", Some(&payload)).unwrap_err();
        assert_eq!(
            error.to_string(),
            "`add map`: command and payload have 100013 bytes, and HAProxy takes 15359 for certain"
        );
    }

    #[test]
    fn a_large_payload_is_for_the_releases_that_accept_it() {
        let payload = Payload::new(&"x".repeat(100_000)).unwrap().large();
        assert!(Request::raw("set ssl cert a", Some(&payload)).is_ok());
        for (version, ends) in [("3.4.7", None), ("3.2.26-1", Some("HAProxy 3.2 takes 15359 for certain"))] {
            let result = for_release(&Version::parse(version), "set ssl cert a", payload.clone());
            let said = result.map_err(|error| error.to_string()).err();
            assert_eq!(said.is_some(), ends.is_some(), "{said:?}");
            assert!(said.unwrap_or_default().ends_with(ends.unwrap_or_default()));
        }
        let payload = Payload::new(&"x".repeat(130_000)).unwrap().large();
        assert!(Request::raw("set ssl cert a", Some(&payload)).is_err());
    }

    #[test]
    fn a_word_that_no_line_ends_with_ends_a_payload_of_a_newer_release() {
        for (lines, sent) in [
            ("a b", "set ssl cert a <<.\na b\n.\n"),
            ("a.\nb", "set ssl cert a <<,\na.\nb\n,\n"),
            (".a", "set ssl cert a <<.\n.a\n.\n"),
        ] {
            let payload = Payload::new(lines).unwrap();
            for (version, expected) in
                [("3.4.7", sent), ("3.2.1", &format!("set ssl cert a <<\n{lines}\n\n"))]
            {
                let payload =
                    for_release(&Version::parse(version), "set ssl cert a", payload.clone()).unwrap();
                let request = Request::raw("set ssl cert a", Some(&payload)).unwrap();
                assert_eq!(String::from_utf8_lossy(request.as_bytes()), *expected, "{version}");
                let end = request.end().map(String::from_utf8_lossy);
                let is_last = |end: std::borrow::Cow<'_, str>| expected.ends_with(&format!("\n{end}"));
                assert_eq!(end.map(is_last), (version == "3.4.7").then_some(true), "{version}");
            }
        }
        let payload = Payload::new("a.\nb,\nc!\nd~\ne%").unwrap();
        assert!(for_release(&Version::parse("3.4.7"), "set ssl cert a", payload).is_err());
    }

    #[test]
    fn every_command_of_a_line_reaches_the_worker() {
        let request = Request::fixed("show map", &["show map #1;get weight a/b"]);
        let request = request.to_worker(WorkerId::Pid(7)).unwrap();
        assert_eq!(request.as_bytes(), b"@!7;show map #1;get weight a/b;quit\n");
        assert_eq!((request.name(), request.abandoned()), ("show map", Abandoned::Awaited));
        let long = Request::checked("", &"x".repeat(line::LONGEST), None, "x", false).unwrap();
        assert!(long.to_worker(WorkerId::Number(1)).is_err());
    }

    #[test]
    fn a_command_for_another_process_is_found() {
        for (line, expected) in [
            ("@1 reload", true),
            ("show info; @1", true),
            ("show info;;\t@", true),
            ("get map #0 x\\\\;@1", true),
            ("get map #0 x\\;@y", false),
            ("get map #0 @1", false),
        ] {
            assert_eq!(Request::raw(line, None).unwrap().leads_elsewhere(), expected, "{line}");
        }
    }

    #[test]
    fn lines_at_a_prompt_have_a_reply_each() {
        let request = Request::fixed("show info", &["prompt", "show info"]);
        assert_eq!((request.as_bytes(), request.replies()), (&b"prompt\nshow info\n"[..], 2));
    }
}
