//! `show resolvers [SECTION]`

use std::fmt::Write as _;

use crate::fake::command::answer::Answer;
use crate::fake::command::call::Call;

pub(in crate::fake) fn show(call: &mut Call<'_>) -> Answer {
    let name = call.word(0);
    let is_named = |section: &str| name.is_empty() || *section == *name;
    let mut sections = call.state.process.resolvers.iter().filter(|one| is_named(&one.name)).peekable();
    if sections.peek().is_none() && !name.is_empty() {
        return Answer::error("Can't find that resolvers section");
    }
    let mut text = String::new();
    for section in sections {
        // Writing to a string cannot fail.
        let _ = writeln!(text, "Resolvers section {}", section.name);
        for server in &section.nameservers {
            let _ = writeln!(text, " nameserver {}:", server.name);
            for (counter, value) in server.counters() {
                let _ = writeln!(text, "  {:<13}{value}", format!("{counter}:"));
            }
        }
        if call.version() < (2, 4) {
            text.push('\n');
        }
    }
    Answer::Dump(text)
}
