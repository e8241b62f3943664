//! What a fake process answers to the lines it got.

use std::fmt::Write as _;

use super::state::State;
use super::{info, line, stat};
use crate::Version;
use crate::model::Level;

/// Bytes for the client, and whether that was the end.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Reply {
    pub(super) text: String,
    pub(super) closes: bool,
}

/// The reply to lines that arrived together.
///
/// Up to 2.6 all of them are run; 3.0 runs the first and forgets the rest.
pub(super) fn to_lines(state: &State, level: Level, lines: &str) -> Reply {
    let first_only = state.process.version >= (3, 0);
    let mut text = String::new();
    for line in lines.lines() {
        for words in line::commands(line) {
            match to_command(state, level, &words) {
                Some(reply) => {
                    text.push_str(&reply);
                    text.push('\n');
                }
                None => return Reply { text, closes: true },
            }
        }
        if first_only {
            return Reply { text, closes: true };
        }
    }
    Reply { text, closes: false }
}

/// What a process says of a line that is too long for it, before it closes.
pub(super) fn to_long_line(version: &Version) -> &'static str {
    if *version < (3, 0) {
        ""
    } else if *version < (3, 2) {
        "The command is too big for the buffer size. Please change tune.bufsize in the configuration to \
         use a bigger command.\n"
    } else if *version < (3, 4) {
        "The command line is too big for the buffer size. Please change tune.bufsize in the configuration \
         to use a bigger command.\n"
    } else {
        "The command line is too big for the buffer size. Please change 'tune.bufsize' in the \
         configuration to use a bigger command.\n"
    }
}

/// The reply to one command, or nothing to hang up.
fn to_command(state: &State, level: Level, words: &[String]) -> Option<String> {
    let version = &state.process.version;
    let split: Vec<&str> = words.iter().map(String::as_str).collect();
    Some(match split.as_slice() {
        ["quit", ..] => return None,
        ["show", "cli", "level", ..] => format!("{level}\n"),
        ["show", "cli", "sockets", ..] => sockets(state),
        ["show", "info" | "stat", rest @ ..] if rest.iter().any(|word| FORMATS.contains(word)) => {
            format!("Not a part of this fake: `{}`\n", words.join(" "))
        }
        ["show", "info", ..] => info::show(state),
        ["show", "stat", ..] => stat::show(state, level, words.get(2..).unwrap_or_default()),
        [] if *version >= (3, 0) => String::new(),
        [] if *version >= (2, 4) => {
            usage("Unknown command. Please enter one of the following commands only:")
        }
        [] => usage(UNKNOWN),
        [word, ..] if *version >= (2, 7) => usage(&format!(
            "Unknown command: '{word}', but maybe one of the following ones is a better match:"
        )),
        _ if *version >= (2, 4) => {
            usage("Unknown command, but maybe one of the following ones is a better match:")
        }
        _ => usage(UNKNOWN),
    })
}

fn sockets(state: &State) -> String {
    let process = &state.process;
    let processes = if process.nbproc > 1 { process.number.to_string() } else { "all".to_owned() };
    let mut text = String::from("# socket lvl processes\n");
    for (address, level) in &state.sockets {
        let family = match address {
            crate::Address::Tcp { host, .. } if host.contains(':') => "ipv6@",
            crate::Address::Tcp { .. } => "ipv4@",
            _ if address.to_string().starts_with('/') => "unix@",
            _ => "",
        };
        // Writing to a string cannot fail.
        let _ = writeln!(text, "{family}{address} {level} {processes}");
    }
    text
}

fn usage(first: &str) -> String {
    let known = [
        ("show info", "report information about the running process"),
        ("show stat", "report counters for each proxy and server"),
        ("show cli level", "display the level of the current CLI session"),
        ("show cli sockets", "dump list of cli sockets"),
        ("quit", "disconnect"),
    ];
    let mut text = format!("{first}\n");
    for (command, what) in known {
        // Writing to a string cannot fail.
        let _ = writeln!(text, "  {command:<39} : {what}");
    }
    text
}

const UNKNOWN: &str = "Unknown command. Please enter one of the following commands only :";

/// Words that ask for another form of a reply, or for other rows.
const FORMATS: &[&str] = &["typed", "json", "desc", "float", "domain"];
