//! `show events [RING [-w] [-n]]`

use std::fmt::Write as _;

use crate::fake::command::answer::{Answer, Severity};
use crate::fake::command::call::Call;
use crate::fake::describe::Follow;
use crate::level::Level;

pub(in crate::fake) fn show(call: &mut Call<'_>) -> Answer {
    let version = call.version();
    let name = match call.word(0) {
        "" => return list(call),
        _ if call.session.level < Level::Operator => return Answer::error("Permission denied"),
        "stdout" | "stderr" => {
            return Answer::bare(&version, Severity::Notice, "Nothing to report for this sink");
        }
        name => name,
    };
    let Some(ring) = call.state.process.rings.iter().find(|ring| *ring.name == *name) else {
        return Answer::bare(&version, Severity::Error, "No such event sink");
    };
    let (mut follows, mut is_new) = (false, false);
    for option in call.words().iter().skip(1) {
        let letters = option.strip_prefix('-').filter(|letters| !letters.is_empty());
        for letter in letters.unwrap_or("?").chars() {
            match letter {
                'w' => follows = true,
                'n' => is_new = true,
                '0' if version >= (3, 2) => return Answer::unsupported("`show events` with `-0`"),
                's' if version >= (3, 4) => return Answer::unsupported("`show events` with `-s`"),
                _ => return Answer::bare(&version, Severity::Error, "unknown option"),
            }
        }
    }
    let mut follow = Follow::new(ring, is_new);
    if follows {
        return Answer::Follow(follow);
    }
    Answer::Dump(follow.read(&call.state.process.rings).unwrap_or_default())
}

fn list(call: &Call<'_>) -> Answer {
    let version = call.version();
    let options = match () {
        () if version >= (3, 4) => "-0(zero), -w(wait), -n(new), -s(anitize). Any key to stop.",
        () if version >= (3, 2) => "-0(zero), -w(wait), -n(new). Any key to stop.",
        () => "-w(wait), -n(new). Any key to stop",
    };
    let mut text = format!(
        "Supported events sinks are listed below. Add {options}\n    \
         stdout     : type=fd, 0 dropped, standard output (fd#1)\n    \
         stderr     : type=fd, 0 dropped, standard output (fd#2)\n"
    );
    for ring in &call.state.process.rings {
        // Writing to a string cannot fail.
        let _ = writeln!(
            text,
            "    {:<10} : type=buffer, {} dropped, {}",
            ring.name, ring.dropped, ring.description
        );
    }
    Answer::Message(Severity::Warning, text)
}
