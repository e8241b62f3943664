//! HAProxy's own list of commands, compared with the two tables of the guide.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "in a test a panic is the failure message")]

use std::collections::BTreeMap;

mod support;

use support::{Config, Running, ask, releases};

const CALLED: &str = include_str!("../src/guide/commands.rs");
const NOT_CALLED: &str = include_str!("../src/guide/help.rs");

const CONFIG: &str = r#"
global
    stats socket "unix@${DIR}/stats/1.sock" mode 600 level admin

defaults
    mode http
    timeout connect 5s
    timeout client 30s
    timeout server 30s

frontend web
    bind "unix@${DIR}/traffic/web.1"
"#;

/// Returns the words of a command before its arguments.
fn words(line: &str) -> String {
    let is_word = |word: &&str| {
        word.starts_with(|c: char| c.is_ascii_lowercase())
            && word.chars().all(|c| c.is_ascii_lowercase() || "-_".contains(c))
    };
    line.split_whitespace().take_while(is_word).collect::<Vec<_>>().join(" ")
}

/// Returns the rows of the tables of a page: the words of the command, and the other cells.
fn rows(page: &str) -> Vec<(String, String)> {
    let row = |line: &str| {
        let (command, rest) = line.strip_prefix("//! | `")?.split_once('`')?;
        Some((words(command), rest.trim_matches([' ', '|']).to_owned()))
    };
    page.lines().filter_map(row).collect()
}

/// Returns the row of `command`. The table of calls has `set server B/S weight W` for `set server`,
/// and `show stat [NAME]` for `show stat`.
fn find(rows: &[(String, String)], command: &str) -> Vec<String> {
    let longer = format!("{command} ");
    let is_of = |row: &&(String, String)| row.0 == command || row.0.starts_with(&longer);
    rows.iter().filter(is_of).map(|(_, cells)| cells.clone()).collect()
}

#[tokio::test]
async fn every_command_has_a_call_or_a_reason() {
    let mut running = Running::new();
    let config = running.fill(Config::new(CONFIG));
    running.add(releases().last().unwrap(), "process1", &config).await;
    let help = String::from_utf8(ask(&running.socket(1), "help").await).unwrap();
    let lines = help.lines().skip(1).filter(|line| !line.trim().is_empty());
    let commands: BTreeMap<String, &str> = lines.map(|line| (words(line), line.trim())).collect();
    assert!(commands.len() > 100, "{help}");

    let (called, not_called) = (rows(CALLED), rows(NOT_CALLED));
    let mut problems = Vec::new();
    for command in commands.keys() {
        let found = [find(&called, command), find(&not_called, command)];
        match found.each_ref().map(Vec::len) {
            [0, 0] => problems.push(format!("no row for `{command}`")),
            [calls, reasons] if calls > 0 && reasons > 0 => {
                problems.push(format!("`{command}` is called: {found:?}"));
            }
            _ => println!("| `{command}` | {} |", found.concat().join("; ")),
        }
    }
    for (command, _) in &not_called {
        if !commands.contains_key(command) {
            problems.push(format!("HAProxy does not list `{command}`"));
        }
    }
    assert!(problems.is_empty(), "\n{}", problems.join("\n"));
}
