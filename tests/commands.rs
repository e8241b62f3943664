//! The table of commands in the guide, compared with the commands that the library sends.

use std::collections::BTreeSet;

mod source;

use source::{Part, Source, pieces, sources};

const GUIDE: &str = "src/guide/commands.rs";

/// Sources that are left out: the guide and the fake, which send nothing, the list of all commands
/// of HAProxy, and programs that use the library.
const SILENT: &[&str] = &["src/guide/", "src/fake/", "src/protocol/verb.rs", "src/bin/"];

/// First words of commands of two words or more.
const VERBS: &[&str] = &[
    "abort",
    "add",
    "clear",
    "commit",
    "del",
    "disable",
    "dump",
    "enable",
    "get",
    "new",
    "prepare",
    "publish",
    "set",
    "show",
    "shutdown",
    "unpublish",
    "update",
];

/// Commands of one word.
const ALONE: &[&str] = &["prompt", "reload"];

/// Functions that make a command from the words in their first argument.
const MAKERS: &[&str] = &["read", "write", "write_once", "verb"];

/// The parameter that such a function passes on to another function.
const PASSED_ON: &str = "verb";

#[test]
fn the_guide_lists_the_commands_that_the_library_sends() {
    let mut sent = BTreeSet::new();
    for source in sources("src") {
        if !SILENT.iter().any(|silent| source.path.starts_with(silent)) {
            sent.extend(Tokens::of(&source).commands());
        }
    }
    let sent = without_beginnings(&sent);
    assert!(sent.len() > 40, "the sources were not understood: {sent:?}");
    let problems = differences(&sent, &listed(&Source::read(GUIDE).text));
    assert!(problems.is_empty(), "\n{}", problems.join("\n"));
}

/// The code of a file, without comments, blanks and tests.
struct Tokens<'a> {
    path: &'a str,
    tokens: Vec<(Part, &'a str)>,
}

impl<'a> Tokens<'a> {
    fn of(source: &'a Source) -> Self {
        let text = source.text.split("#[cfg(test)]\nmod tests").next().unwrap_or_default();
        let pieces = pieces(text).into_iter();
        let is_code = |(part, text): &(Part, &str)| *part != Part::Comment && !text.trim().is_empty();
        Self {
            path: &source.path,
            tokens: pieces.map(|piece| (piece.part, piece.text)).filter(is_code).collect(),
        }
    }

    fn text(&self, at: usize) -> &'a str {
        self.tokens.get(at).map_or("", |(_, text)| text)
    }

    /// Lists the commands that the code makes, each with its keywords and without arguments.
    fn commands(&self) -> BTreeSet<String> {
        let mut commands = BTreeSet::new();
        for (at, (part, text)) in self.tokens.iter().enumerate() {
            match part {
                Part::Literal => commands.extend(literal_commands(text)),
                _ => commands.extend(self.call(at)),
            }
        }
        commands
    }

    /// Returns the command that the call makes if the name of its function is at `at`, with the
    /// keywords that the calls chained to it add.
    fn call(&self, at: usize) -> Option<String> {
        let name = self.text(at);
        let is_method = at > 0 && self.text(at - 1) == ".";
        let is_constructor = at > 2 && self.text(at - 1) == ":" && self.text(at - 3) == "Command";
        let (argument, mut next) = self.arguments(at + 1)?;
        let mut words = match argument {
            [] if is_method && name == "set" => "set server".to_owned(),
            [(Part::Literal, text), ..] if (is_method || is_constructor) && MAKERS.contains(&name) => {
                keywords(unquoted(text))
            }
            [(_, text), ..] if is_constructor && MAKERS.contains(&name) && *text != PASSED_ON => {
                panic!("{}: the command in `Command::{name}({text}` cannot be read", self.path)
            }
            _ => return None,
        };
        loop {
            match (self.text(next), self.arguments(next + 2)) {
                ("?", _) => next += 1,
                (".", Some((argument, end))) => {
                    if let (true, [(Part::Literal, text)]) = (self.text(next + 1) == "word", argument) {
                        words = keywords(&format!("{words} {}", unquoted(text)));
                    }
                    next = end;
                }
                _ => return (!words.is_empty()).then_some(words),
            }
        }
    }

    /// Returns the tokens in the parentheses that open at `at`, and the position after them.
    fn arguments(&self, at: usize) -> Option<(&[(Part, &'a str)], usize)> {
        if self.text(at) != "(" {
            return None;
        }
        let mut depth = 0;
        for (end, (part, text)) in self.tokens.iter().enumerate().skip(at) {
            match (part, *text) {
                (Part::Code, "(") => depth += 1,
                (Part::Code, ")") => depth -= 1,
                _ => {}
            }
            if depth == 0 {
                return Some((self.tokens.get(at + 1..end)?, end + 1));
            }
        }
        None
    }
}

/// Lists the commands in a string literal, which may hold several in one line.
fn literal_commands(literal: &str) -> Vec<String> {
    let is_command = |command: &&str| {
        let mut words = command.split_whitespace();
        let first = words.next().unwrap_or_default();
        match words.next() {
            Some(second) => VERBS.contains(&first) && is_keyword(second),
            None => ALONE.contains(&first),
        }
    };
    let text = unquoted(literal).replace("\\n", ";");
    text.split(';').filter(is_command).map(keywords).collect()
}

/// Lists the commands in the tables of the guide.
fn listed(guide: &str) -> Vec<String> {
    let cells = guide.lines().filter_map(|line| line.strip_prefix("//! | `")?.split('`').next());
    cells.map(|cell| keywords(cell.split('[').next().unwrap_or_default())).collect()
}

/// Returns the words of `text` that are keywords, without the arguments.
fn keywords(text: &str) -> String {
    text.split_whitespace().filter(|word| is_keyword(word)).collect::<Vec<_>>().join(" ")
}

fn is_keyword(word: &str) -> bool {
    word.chars().all(|c| c.is_ascii_lowercase() || c == '-') && word.starts_with(|c: char| c != '-')
}

fn unquoted(literal: &str) -> &str {
    literal.trim_matches('"')
}

/// Drops the commands that are only the beginning of another one, such as `set server`.
fn without_beginnings(commands: &BTreeSet<String>) -> BTreeSet<String> {
    let continued = |command: &String| {
        let beginning = format!("{command} ");
        commands.iter().any(|other| other.starts_with(&beginning))
    };
    commands.iter().filter(|command| !continued(command)).cloned().collect()
}

fn differences(sent: &BTreeSet<String>, listed: &[String]) -> Vec<String> {
    let table: BTreeSet<_> = listed.iter().cloned().collect();
    let missing = sent.difference(&table).map(|command| format!("{GUIDE} lacks `{command}`"));
    let stale = table.difference(sent).map(|command| format!("{GUIDE} has `{command}`, which is not sent"));
    let twice = table.iter().filter(|command| listed.iter().filter(|other| other == command).count() > 1);
    missing.chain(stale).chain(twice.map(|command| format!("{GUIDE} has `{command}` twice"))).collect()
}

// The rules themselves, on sources that break them.

fn commands(code: &str) -> Vec<String> {
    let source = Source::new("src/a.rs", code);
    without_beginnings(&Tokens::of(&source).commands()).into_iter().collect()
}

#[test]
fn commands_are_read_with_their_keywords() {
    for (code, expected) in [
        (r#"Command::read("get weight").word(name)"#, "get weight"),
        (
            r#"Command::write("set rate-limit").word(what).word("global").word(limit)"#,
            "set rate-limit global",
        ),
        (r#"run(self.set().word("addr").word(f(a, b)), port)?"#, "set server addr"),
        (r#"self.set().secret("x")?.word("addr").word("...")"#, "set server addr"),
        (r#"self.verb("enable health")"#, "enable health"),
        (r#"const LIST: &str = "dump stats-file";"#, "dump stats-file"),
        (r#"Verbs { show: "show map" } // "show acl""#, "show map"),
    ] {
        assert_eq!(commands(code), [expected], "{code}");
    }
}

#[test]
fn lines_are_parted_into_commands() {
    let code =
        r#"let line = format!("show info;show cli level;{}", "prompt\nset severity-output number\n");"#;
    assert_eq!(commands(code), ["prompt", "set severity-output number", "show cli level", "show info"]);
}

#[test]
fn texts_and_tests_are_no_commands() {
    assert_eq!(commands("let text = \"set, \"; let text = \"the show info\"; lock.set(1)"), [""; 0]);
    assert_eq!(commands("#[cfg(test)]\nmod tests { \"show info\" }"), [""; 0]);
}

#[test]
#[should_panic(expected = "src/a.rs: the command in `Command::write(LINE` cannot be read")]
fn a_command_that_cannot_be_read_is_told() {
    commands("Command::write(LINE)");
}

#[test]
fn the_table_and_the_code_are_compared_in_both_directions() {
    let sent = BTreeSet::from(["get map".to_owned(), "set server ssl".to_owned()]);
    let table = "//! | `get map ID [KEY]` | x |\n//! | `set server B/S ssl on\\|off` | x |";
    assert_eq!(differences(&sent, &listed(table)), [""; 0]);
    let table = "//! | `get map` | x |\n//! | `get map` | x |\n//! | `show stat -1 0 -1` | x |";
    assert_eq!(
        differences(&sent, &listed(table)),
        [
            "src/guide/commands.rs lacks `set server ssl`",
            "src/guide/commands.rs has `show stat`, which is not sent",
            "src/guide/commands.rs has `get map` twice",
        ]
    );
}
