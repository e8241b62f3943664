//! The commands that a master executes itself.

use std::fmt::Write as _;

use super::state::{Listed, State};
use crate::fake::command::{Answer, Severity, unknown};
use crate::level::Level;

/// Runs a command of the master. `None` stands for a reload, which ends the connection.
pub(super) fn run(state: &State, level: Level, words: &[&str]) -> Option<Answer> {
    let version = &state.version;
    let listing = if *version < (3, 2) { Level::User } else { Level::Operator };
    let denied = |needed| (level < needed).then(|| Answer::error("Permission denied"));
    Some(match words {
        ["show", "proc", arguments @ ..] => denied(listing).unwrap_or_else(|| show_proc(state, arguments)),
        ["reload", ..] => return denied(Level::Operator).map(Some).unwrap_or_default(),
        ["show", "startup-logs", ..] if *version >= (2, 7) => {
            denied(Level::Operator).unwrap_or_else(|| Answer::Dump(state.logs.to_string()))
        }
        ["show", "version", ..] if *version >= (2, 5) => Answer::message(Severity::Info, version.as_str()),
        ["show", "cli", "level", ..] => Answer::message(Severity::Info, &level.to_string()),
        ["show", "cli", "sockets", ..] | ["prompt" | "help", ..] => {
            Answer::unsupported(&format!("`{}` of a master", words.join(" ")))
        }
        _ => {
            unknown(version, words.first().copied(), SUGGESTED.map(|(words, what)| (words.to_owned(), what)))
        }
    })
}

fn show_proc(state: &State, arguments: &[&str]) -> Answer {
    match arguments.first() {
        Some(&"debug") if state.version >= (3, 2) => {
            return Answer::unsupported("`show proc debug`");
        }
        Some(_) if state.version >= (3, 2) => {
            return Answer::error("'show proc' only supports 'debug' as argument");
        }
        _ => {}
    }
    let is_numbered = state.version < (2, 5);
    let mut table = Table { text: String::new(), is_numbered };
    table.row(["#<PID>", "<type>", "<relative PID>", "<reloads>", "<uptime>", "<version>"]);
    let reloads = match state.reloads {
        reloads if is_numbered => reloads.to_string(),
        reloads => format!("{reloads} [failed: {}]", state.failed),
    };
    let (pid, uptime) = (state.pid.to_string(), clock(state.uptime()));
    table.row([&pid, "master", "0", &reloads, &uptime, state.version.as_str()]);
    table.text.push_str("# workers\n");
    for (worker, number) in state.workers().zip(1..) {
        table.worker(worker, &number.to_string());
    }
    let old = state.old_workers();
    if !old.is_empty() {
        table.text.push_str("# old workers\n");
    }
    for worker in old {
        let number = worker.worker.state().process.number;
        table.worker(worker, &format!("[was: {number}]"));
    }
    if state.version < (3, 2) {
        table.text.push_str("# programs\n");
    }
    Answer::Dump(table.text)
}

/// A table of `show proc`. Each cell is padded to 15 characters.
struct Table {
    text: String,
    is_numbered: bool,
}

impl Table {
    fn row(&mut self, cells: [&str; 6]) {
        let [pid, kind, number, reloads, uptime, version] = cells;
        let number = if self.is_numbered { format!("{number:<15} ") } else { String::new() };
        // Writing to a string cannot fail.
        let _ = writeln!(self.text, "{pid:<15} {kind:<15} {number}{reloads:<15} {uptime:<15} {version:<15}");
    }

    fn worker(&mut self, listed: &Listed, number: &str) {
        let state = listed.worker.state();
        let uptime = state.process.info.number("Uptime_sec").unwrap_or_else(|| state.uptime());
        let (pid, reloads) = (state.process.pid.to_string(), listed.reloads.to_string());
        self.row([&pid, "worker", number, &reloads, &clock(uptime), state.process.version.as_str()]);
    }
}

/// Formats a number of seconds as `show proc` does: `0d00h02m37s`.
fn clock(seconds: u64) -> String {
    let (days, hours, minutes) = (seconds / 86400, seconds / 3600 % 24, seconds / 60 % 60);
    format!("{days}d{hours:02}h{minutes:02}m{:02}s", seconds % 60)
}

const SUGGESTED: [(&str, &str); 4] = [
    ("@!<pid>", "send a command to the <pid> process"),
    ("@master", "send a command to the master process"),
    ("reload", "reload haproxy"),
    ("show proc", "show processes status"),
];
