//! Commands on stick tables.

use std::net::{Ipv4Addr, Ipv6Addr};

use super::answer::Answer;
use super::call::Call;
use crate::fake::describe::Table;
use crate::level::Level;

/// A condition on a stored value: its position, the operator and the number.
type Condition<'a> = (usize, &'a str, u64);

/// Entries that a command chooses.
enum Choice<'a> {
    Key(&'a str),
    Values(Vec<Condition<'a>>),
}

impl Choice<'_> {
    fn fits(&self, key: &str, values: &[u64]) -> bool {
        match self {
            Self::Key(wanted) => key == *wanted,
            Self::Values(conditions) => conditions.iter().all(|(at, operator, number)| {
                let value = values.get(*at).copied().unwrap_or(0);
                match *operator {
                    "eq" => value == *number,
                    "ne" => value != *number,
                    "le" => value <= *number,
                    "ge" => value >= *number,
                    "lt" => value < *number,
                    _ => value > *number,
                }
            }),
        }
    }
}

pub(in crate::fake) fn show(call: &mut Call<'_>) -> Answer {
    if call.word(0).is_empty() {
        return Answer::Dump(call.state.process.tables.iter().rev().map(Table::describe).collect());
    }
    let (version, level) = (call.version(), call.session.level);
    let Some((table, rest)) = own(call) else { return unknown() };
    let choice = match choice(table, rest, "Showing") {
        Ok(choice) => choice,
        Err(answer) => return answer,
    };
    match choice {
        Choice::Key(_) if level == Level::User => Answer::error("Permission denied"),
        Choice::Key(key) if !table.has(key) => Answer::Done,
        _ if level == Level::User => {
            Answer::Dump(table.describe() + "# contents not dumped due to insufficient privileges\n")
        }
        choice => {
            Answer::Dump(table.describe() + &table.list(&version, |key, values| choice.fits(key, values)))
        }
    }
}

pub(in crate::fake) fn set(call: &mut Call<'_>) -> Answer {
    let is_user = call.session.level == Level::User;
    let Some((table, rest)) = own(call) else { return unknown() };
    if is_user {
        return Answer::error("Permission denied");
    }
    let [first, key, data @ ..] = rest else {
        return Answer::unsupported("`set table` without a key, which deletes all entries");
    };
    if *first != "key" {
        return Answer::unsupported("`set table` without a key, which deletes all entries");
    }
    if let Err(answer) = check_key(table, key, "Inserting") {
        return answer;
    }
    // HAProxy makes the entry before it reads the values.
    let key = table.made(key);
    let mut values = Vec::new();
    for pair in data.chunks(2) {
        let [name, value] = pair else { return Answer::unsupported("a value without a number") };
        let Some(at) = name.strip_prefix("data.").and_then(|name| table.position(name)) else {
            let is_known = name.strip_prefix("data.").is_some_and(|name| KNOWN.contains(&name));
            return Answer::error(if is_known {
                "Data type not stored in this table"
            } else {
                "Unknown data type"
            });
        };
        match value.parse() {
            Ok(value) => values.push((at, value)),
            Err(_) => return Answer::error("Require a valid integer value to store"),
        }
    }
    for (at, value) in values {
        table.put(&key, at, value);
    }
    Answer::Done
}

pub(in crate::fake) fn clear(call: &mut Call<'_>) -> Answer {
    let is_user = call.session.level == Level::User;
    // Before 3.2, level user may delete all entries, and entries by their values.
    let is_open = call.version() < (3, 2) && call.word(1) != "key";
    let Some((table, rest)) = own(call) else { return unknown() };
    if is_user && !is_open {
        return Answer::error("Permission denied");
    }
    match choice(table, rest, "Removing") {
        Ok(choice) => table.delete(|key, values| choice.fits(key, values)),
        Err(answer) => return answer,
    }
    Answer::Done
}

/// Names of stored values that HAProxy knows.
const KNOWN: &[&str] = &["gpc0", "gpc1", "gpt0", "conn_cnt", "conn_cur", "http_req_cnt", "http_req_rate"];

/// Returns the table that the first word names, and the words after it.
fn own<'a>(call: &'a mut Call<'_>) -> Option<(&'a mut Table, &'a [&'a str])> {
    let name = call.word(0);
    let rest = call.words().get(1..).unwrap_or_default();
    Some((call.state.process.tables.iter_mut().find(|table| *table.name == *name)?, rest))
}

/// Reads `key KEY`, or conditions `data.TYPE OPERATOR NUMBER`.
fn choice<'a>(table: &Table, words: &[&'a str], action: &str) -> Result<Choice<'a>, Answer> {
    if let ["key", key] = words {
        check_key(table, key, action)?;
        return Ok(Choice::Key(key));
    }
    let mut conditions = Vec::new();
    for (number, condition) in (1..).zip(words.chunks(3)) {
        let [name, operator, value] = condition else {
            return Err(Answer::unsupported("a condition without an operator and a number"));
        };
        let at = name.strip_prefix("data.").and_then(|name| table.position(name));
        let (Some(at), Ok(value)) = (at, value.parse()) else {
            let is_known = name.strip_prefix("data.").is_some_and(|name| KNOWN.contains(&name));
            let text = if is_known { "Data type not stored in this table" } else { "Unknown data type" };
            return Err(Answer::error(&format!("Filter entry #{number}: {text}")));
        };
        conditions.push((at, *operator, value));
    }
    Ok(Choice::Values(conditions))
}

fn check_key(table: &Table, key: &str, action: &str) -> Result<(), Answer> {
    let fits = match &*table.key_type {
        "ip" => key.parse::<Ipv4Addr>().is_ok(),
        "ipv6" => key.parse::<Ipv6Addr>().is_ok(),
        "integer" => key.parse::<u32>().is_ok(),
        "string" => true,
        _ => {
            return Err(Answer::error(&format!(
                "{action} keys {} tables of type other than ip, ipv6, string and integer is not supported",
                if action == "Inserting" { "into" } else { "from" }
            )));
        }
    };
    if fits { Ok(()) } else { Err(Answer::unsupported("a key that is not of the type of the table")) }
}

fn unknown() -> Answer {
    Answer::error("No such table")
}
