//! Commands on a whole process.

use super::answer::Answer;
use super::call::Call;
use super::info;
use super::number::leading_number;
use crate::fake::describe::Cells;
use crate::field::{COLUMNS, Column, KEYS, Nature};

pub(in crate::fake) fn set_maxconn(call: &mut Call<'_>) -> Answer {
    let number = call.word(0);
    if number.is_empty() {
        return Answer::error("Expects an integer value.");
    }
    let highest = info::hard_maxconn(&call.state.process);
    let limit = match leading_number(number) {
        limit if limit > highest => return Answer::error("Value out of range."),
        ..=0 => highest,
        limit => limit,
    };
    call.state.process.info.set("Maxconn", limit.into());
    Answer::Done
}

pub(in crate::fake) fn set_rate_limit(call: &mut Call<'_>) -> Answer {
    let (key, factor) = match (call.word(0), call.word(1)) {
        ("connections", "global") => ("ConnRateLimit", 1),
        ("sessions", "global") => ("SessRateLimit", 1),
        ("ssl-sessions", "global") => ("SslRateLimit", 1),
        // The command takes kilobytes, and `show info` prints bytes.
        ("http-compression", "global") => ("CompressBpsRateLim", 1024),
        _ => return Answer::error(RATE_LIMITS),
    };
    let number = call.word(2);
    match leading_number(number) {
        _ if number.is_empty() => Answer::error("Expects an integer value."),
        ..0 => Answer::error("Value out of range."),
        limit => {
            call.state.process.info.set(key, (limit * factor).into());
            Answer::Done
        }
    }
}

pub(in crate::fake) fn clear_counters(call: &mut Call<'_>) -> Answer {
    clear(call, false)
}

pub(in crate::fake) fn clear_all_counters(call: &mut Call<'_>) -> Answer {
    clear(call, true)
}

fn clear(call: &mut Call<'_>, all: bool) -> Answer {
    let process = &mut call.state.process;
    // The columns after `-` belong to modules, and their counters are cleared in any case.
    let modules = COLUMNS.iter().position(|column| column.name == "-").unwrap_or(COLUMNS.len());
    let is_cleared = |(index, column): &(usize, &Column)| match column.nature {
        Nature::Max => true,
        Nature::Counter => all || *index > modules,
        _ => false,
    };
    let columns: Vec<&str> =
        COLUMNS.iter().enumerate().filter(is_cleared).map(|(_, column)| column.name).collect();
    process.all_cells_mut().for_each(|cells| zero(cells, &columns));
    let keys = KEYS.iter().filter(|key| key.nature == Nature::Max);
    zero(&mut process.info, &keys.map(|key| key.name).collect::<Vec<_>>());
    Answer::Done
}

fn zero(cells: &mut Cells, names: &[&str]) {
    for name in names {
        if cells.number::<u64>(name).is_some() {
            cells.set(name, 0.into());
        }
    }
}

const RATE_LIMITS: &str = "'set rate-limit' only supports :\n   \
     - 'connections global' to set the per-process maximum connection rate\n   \
     - 'sessions global' to set the per-process maximum session rate\n   \
     - 'ssl-sessions global' to set the per-process maximum SSL session rate\n   \
     - 'http-compression global' to set the per-process maximum compression speed in kB/s";
