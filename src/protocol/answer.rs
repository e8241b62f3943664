//! What a reply means.

use super::Change;
use super::command::{Command, Effect};
use crate::error::{Malformed, Problem, cut};

/// What a process made of a command, where it did not refuse.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Answer {
    /// It changed something, or had no need to.
    Change(Change),
    /// It printed what it was asked for.
    Data(Vec<u8>),
    /// It does not have the object; its words.
    NotHere(Box<str>),
}

impl Answer {
    /// Reads a whole reply, severities switched on.
    ///
    /// `several` is whether the process is one of several of the same HAProxy
    /// (`nbproc`), which know the names of proxies that they do not run.
    pub(crate) fn read(reply: &[u8], command: &Command, several: bool) -> Result<Self, Problem> {
        if reply == b"\n" {
            return Ok(match command.effect() {
                Effect::Read => Self::Data(Vec::new()),
                Effect::Change | Effect::Add => Self::Change(Change::Changed(None)),
            });
        }
        let Some((severity, text)) = message(reply) else {
            let data = reply.strip_suffix(b"\n").unwrap_or(reply);
            return match command.effect() {
                Effect::Read => Ok(Self::Data(data.to_vec())),
                Effect::Change | Effect::Add => Err(Problem::Refused(words(data))),
            };
        };
        let words = words(text);
        if &*words == "Permission denied" {
            return Err(Problem::PermissionDenied { needs: command.level(), words });
        }
        if UNKNOWN.iter().any(|start| words.starts_with(start)) {
            let first = words.lines().next().unwrap_or_default();
            return Err(Problem::Unsupported(cut(first).into()));
        }
        if is_absent(&words, several) {
            return Ok(Self::NotHere(words));
        }
        let unchanged = NOTHING_TO_DO.iter().any(|start| words.starts_with(start)) || is_same_address(&words);
        let done = match severity {
            b'4' => unchanged || is_changed(&words),
            b'5' | b'6' => true,
            _ => false,
        };
        match command.effect() {
            _ if !done => Err(Problem::Refused(words)),
            Effect::Read => Ok(Self::Data(text.to_vec())),
            _ if unchanged => Ok(Self::Change(Change::Unchanged(words))),
            _ => Ok(Self::Change(Change::Changed(Some(words)))),
        }
    }
}

/// The severity of a message and its text. What is printed on demand has none.
fn message(reply: &[u8]) -> Option<(u8, &[u8])> {
    match reply {
        [b'[', severity @ b'0'..=b'7', b']', b':', b' ', text @ ..] => Some((*severity, text)),
        text if TOO_BIG.iter().any(|start| text.starts_with(start)) => Some((b'3', text)),
        _ => None,
    }
}

fn words(text: &[u8]) -> Box<str> {
    String::from_utf8_lossy(text).trim_end_matches('\n').into()
}

/// Whether the process says that it does not have what the command is for.
fn is_absent(words: &str, several: bool) -> bool {
    ABSENT.contains(&words) || several && words.starts_with("Frontend was previously shut down")
}

/// Whether a change of an address was made. Only part of it may have been: then
/// that is refused.
fn is_changed(words: &str) -> bool {
    let changed = words.contains("changed from '") || words.contains("changed its FQDN from");
    changed && !PARTLY.iter().any(|part| words.contains(part))
}

fn is_same_address(words: &str) -> bool {
    words.contains("nothing changed") || words.starts_with("no need to change the addr by")
}

/// What HAProxy says who does not know a command, or a keyword of one.
const UNKNOWN: &[&str] = &[
    "Unknown command",
    // Of `set server`, with all that it knows, up to 2.2 and later.
    "'set server <srv>' only supports",
    "usage: set server",
];

const ABSENT: &[&str] = &[
    "No such backend.",
    "No such frontend.",
    "No such proxy.",
    "No such server.",
    // A backend that another process of `nbproc` runs, or nobody.
    "Proxy is disabled.",
    // `show servers state`
    "Can't find backend.",
    "Unknown ACL identifier. Please use #<id> or <file>.",
    "Unknown map identifier. Please use #<id> or <file>.",
    "Key not found.",
    "entry not found.",
    "key or pattern not found.",
];

const NOTHING_TO_DO: &[&str] =
    &["All sockets are already", "Frontend is already", "Frontend was already shut down."];

/// Failures that stand beside a change in one message.
const PARTLY: &[&str] = &["can't change <port>", "problem converting port", "provided port", "could not"];

const TOO_BIG: &[&[u8]] =
    &[b"The command is too big", b"The command line is too big", b"The payload is too big"];

/// For replies that are not what a command prints.
pub(crate) fn malformed(expected: &'static str, found: &[u8]) -> Problem {
    Malformed::new(1, None, expected, found).into()
}
