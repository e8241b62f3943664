//! The reply to `show info`.

use std::fmt::Write as _;

use crate::fake::describe::info::{is_optional, keys};
use crate::fake::describe::{Process, State, quoted};
use crate::field::{InfoKey, ValueType};

pub(in crate::fake) fn show(state: &State) -> String {
    let version = &state.process.version;
    let mut text = String::new();
    for key in keys(version) {
        let set = state.process.info.text(key.name);
        let value = match set {
            Some(set) => set.into_owned(),
            None if is_optional(key, version) => continue,
            None => default(state, key),
        };
        let value = if key.value_type == ValueType::Text { quoted(&value) } else { value.into() };
        // Writing to a string cannot fail.
        let _ = writeln!(text, "{}: {value}", key.name);
    }
    text
}

/// Returns the highest value that `Maxconn` can be set to.
pub(in crate::fake) fn hard_maxconn(process: &Process) -> i64 {
    process.info.number("Hard_maxconn").unwrap_or(2000)
}

fn default(state: &State, key: &InfoKey) -> String {
    let process = &state.process;
    let uptime = process.info.number("Uptime_sec").unwrap_or_else(|| state.uptime());
    let number = match key.name {
        "Name" => return "HAProxy".to_owned(),
        "Version" | "Build info" => return process.version.to_string(),
        "Release_date" => return "2024/01/01".to_owned(),
        "node" => return "localhost".to_owned(),
        "Uptime" => return clock(uptime),
        "Uptime_sec" => uptime,
        // If `Uptime_sec` is set, the start is as much earlier.
        "Start_time_sec" => state.started_at().saturating_sub(process.info.number("Uptime_sec").unwrap_or(0)),
        "Pid" => process.pid.into(),
        "Process_num" => process.number.into(),
        "Nbproc" => process.nbproc.into(),
        "Nbthread" | "NbThreadGroups" => 1,
        // The connection that asks is one more.
        "CurrStreams" => process.sessions.len() as u64 + 1,
        "Maxconn" | "Hard_maxconn" => 2000,
        "Ulimit-n" | "Maxsock" => 4032,
        "CumConns" | "CumReq" | "CumStreams" => state.connections,
        "Idle_pct" => 100,
        "Listeners" => state.sockets.len() as u64,
        _ => 0,
    };
    number.to_string()
}

/// Formats a number of seconds as HAProxy does: `0d 0h02m37s`.
fn clock(seconds: u64) -> String {
    let (days, hours, minutes) = (seconds / 86400, seconds / 3600 % 24, seconds / 60 % 60);
    format!("{days}d {hours}h{minutes:02}m{:02}s", seconds % 60)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_uptime_is_written_as_haproxy_writes_it() {
        assert_eq!(clock(157), "0d 0h02m37s");
        assert_eq!(clock(90_061), "1d 1h01m01s");
    }
}
