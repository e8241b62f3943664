//! Commands on sessions, which HAProxy calls streams.

use std::fmt::Write as _;
use std::time::Duration;

use super::answer::Answer;
use super::call::Call;
use crate::Version;
use crate::fake::describe::{Session, State};
use crate::info::TextReport;

/// `show sess [ID]`
pub(in crate::fake) fn show(call: &mut Call<'_>) -> Answer {
    let version = call.version();
    match call.word(0) {
        "" => Answer::Dump(list(call.state)),
        "all" => Answer::Dump(all(call.state)),
        word @ ("help" | "older" | "susp" | "backend" | "server" | "show-uri") => {
            Answer::unsupported(&format!("`show sess {word}`"))
        }
        word => match pointer(word) {
            0 if version < (3, 2) => Answer::Dump(list(call.state)),
            0 => Answer::error(&format!("Unsupported option '{word}', try 'help' for more info.")),
            id => Answer::Dump(details(call.state, id).unwrap_or_else(|| "Session not found.\n".to_owned())),
        },
    }
}

/// `shutdown session ID`
pub(in crate::fake) fn shutdown(call: &mut Call<'_>) -> Answer {
    let (word, version) = (call.word(0), call.version());
    let id = pointer(word);
    if word.is_empty() || (id == 0 && version >= (2, 4)) {
        return Answer::error("Session pointer expected (use 'show sess').");
    }
    let sessions = &mut call.state.process.sessions;
    match sessions.iter().position(|session| session.id == id) {
        Some(at) => {
            drop(sessions.remove(at));
            Answer::Done
        }
        None => Answer::error("No such session (use 'show sess')."),
    }
}

fn list(state: &State) -> String {
    let own = Session { id: OWN, ..Session::new("GLOBAL") };
    let mut text = String::new();
    for session in state.process.sessions.iter().chain([&own]) {
        let age = if session.id == OWN { Duration::ZERO } else { age(state, session) };
        let epoch = if state.process.version < (2, 4) { "" } else { " epoch=0" };
        // Writing to a string cannot fail.
        let _ = writeln!(
            text,
            "{:#x}: proto={} src={} fe={} be={} srv={} ts=00{epoch} age={} calls=1 rate=0 cpu=0 lat=0 {}",
            session.id,
            protocol(session),
            source(session),
            session.frontend,
            session.backend.as_deref().unwrap_or("<NONE>"),
            session.server.as_deref().unwrap_or("<none>"),
            human_time(age),
            rest(&state.process.version),
        );
    }
    text
}

/// The reply to `show sess all`.
fn all(state: &State) -> String {
    if let Some(text) = state.process.report(TextReport::AllSessions) {
        return text.to_owned();
    }
    let own = Session { id: OWN, ..Session::new("GLOBAL") };
    state.process.sessions.iter().chain([&own]).map(|session| described(state, session)).collect()
}

/// The reply to `show sess ID`.
fn details(state: &State, id: u64) -> Option<String> {
    let session = state.process.sessions.iter().find(|session| session.id == id)?;
    Some(described(state, session))
}

/// The main lines of a session.
fn described(state: &State, session: &Session) -> String {
    let id = session.id;
    let number = |name: &Option<Box<str>>, none: &str| match name {
        Some(name) => format!("{name} (id=1"),
        None => format!("{none} (id=-1"),
    };
    format!(
        "{id:#x}: [{}] id=1 proto={} source={}\n  frontend={} (id=1 mode=http), listener=? (id=1)\n  \
         backend={} mode=http)\n  server={})\n  task={id:#x} (state=0x00 nice=0 calls=1 rate=0 exp=<NEVER> age={})\n",
        State::clock(),
        protocol(session),
        source(session),
        session.frontend,
        number(&session.backend, "<NONE>"),
        number(&session.server, "<none>"),
        human_time(age(state, session)),
    )
}

fn age(state: &State, session: &Session) -> Duration {
    session.age + Duration::from_secs(state.uptime())
}

fn protocol(session: &Session) -> &'static str {
    match session.source {
        Some(source) if source.is_ipv6() => "tcpv6",
        Some(_) => "tcpv4",
        None => "unix_stream",
    }
}

fn source(session: &Session) -> String {
    match session.source {
        Some(source) => format!("{}:{}", source.ip(), source.port()),
        None => "unix:1".to_owned(),
    }
}

/// The words at the end of a line, of a session in which nothing happens.
fn rest(version: &Version) -> &'static str {
    if *version < (2, 4) {
        "rq[f=400000h,i=0,an=00h,rx=,wx=,ax=] rp[f=80000000h,i=0,an=00h,rx=,wx=,ax=] \
         s0=[8,200008h,fd=16,ex=] s1=[0,10h,fd=-1,ex=] exp="
    } else if *version < (3, 0) {
        "rq[f=848000h,i=0,an=00h,rx=,wx=,ax=] rp[f=80008000h,i=0,an=00h,rx=,wx=,ax=] scf=[8,0h,fd=16] \
         scb=[8,1h,fd=-1] exp= rc=0 c_exp="
    } else {
        "rq[f=848000h,i=0,an=00h,ax=] rp[f=80008000h,i=0,an=00h,ax=] scf=[8,0h,fd=16,rex=,wex=] \
         scb=[8,1h,fd=-1,rex=,wex=] exp= rc=0 c_exp="
    }
}

/// Formats a time as HAProxy does: the two largest units, rounded down.
fn human_time(time: Duration) -> String {
    let seconds = time.as_secs();
    let units =
        [(seconds / 86_400, "d"), (seconds / 3_600 % 24, "h"), (seconds / 60 % 60, "m"), (seconds % 60, "s")];
    let used = units.into_iter().filter(|(number, _)| *number > 0).take(2);
    let text = used.fold(String::new(), |text, (number, unit)| text + &number.to_string() + unit);
    if text.is_empty() { "0s".to_owned() } else { text }
}

/// Returns the number that a word begins with, or 0 without a number, as C does: hexadecimal after
/// `0x`.
fn pointer(word: &str) -> u64 {
    let (digits, radix) = word.strip_prefix("0x").map_or((word, 10), |digits| (digits, 16));
    let end = digits.find(|c: char| !c.is_digit(radix)).unwrap_or(digits.len());
    digits.get(..end).and_then(|digits| u64::from_str_radix(digits, radix).ok()).unwrap_or(0)
}

/// The id of the connection that asks.
const OWN: u64 = 0x7f00_0000_0400;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_has_its_two_largest_units() {
        for (seconds, text) in [(0, "0s"), (59, "59s"), (184, "3m4s"), (7_201, "2h1s"), (93_605, "1d2h")] {
            assert_eq!(human_time(Duration::from_secs(seconds)), text);
        }
    }

    #[test]
    fn a_pointer_is_what_a_word_begins_with() {
        for (word, number) in
            [("0x1f", 31), ("12", 12), ("7f0c", 7), ("abc", 0), ("0x", 0), ("", 0), ("#1", 0)]
        {
            assert_eq!(pointer(word), number, "{word:?}");
        }
    }
}
