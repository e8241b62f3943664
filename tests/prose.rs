//! The English of all that people read: doc comments, comments, the README and its
//! neighbours.
//!
//! `cargo test --test prose -- --nocapture` prints the figures.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "in a test a panic is the failure message")]

use std::fmt::Write as _;

mod source;

use source::{Part, Source, pieces, root, sources};

/// Words that begin a doc comment if its first line is a question instead of a noun or a verb.
const QUESTIONS: &[&str] = &["what", "who", "whom", "whose", "whether", "how"];

/// The most doc comments of a hundred that begin with one of them.
const MOST_QUESTIONS: f64 = 3.0;

/// The limit of this word in a thousand words.
const MOST_WHATS: f64 = 2.0;

/// Words for people. A process, a socket and a caller have nouns.
const PEOPLE: &[&str] = &["nobody", "anybody", "who", "whom", "whose"];

/// Exact phrases that may hold one of [`PEOPLE`], with the reason: they are about people.
const ALLOWED: &[(&str, &str)] = &[];

/// Words that no sentence begins with.
const OPENINGS: &[&str] = &["of a", "of an", "such a", "such an"];

/// Words that follow each other in no sentence.
const PHRASES: &[&str] = &["is none", "such a one", "that of all"];

/// Files with tables: their strings become doc comments.
const TABLES: &[&str] = &["src/field/column.rs", "src/field/info.rs"];

/// Texts beside the source; those that are missing do not exist yet.
const TEXTS: &[&str] = &["README.md", "CHANGELOG.md", "CONTRIBUTING.md"];

#[test]
fn the_english_is_plain() {
    let (mut library, mut fake, mut guide) = (Prose::default(), Prose::default(), Prose::default());
    for source in sources("src") {
        match source.path.split('/').nth(1).unwrap() {
            "fake" => fake.read(&source),
            "guide" => guide.read(&source),
            _ => library.read(&source),
        }
    }
    for text in TEXTS.iter().filter(|text| root().join(text).exists()) {
        guide.read_text(&Source::read(text));
    }
    let mut total = Prose::default();
    for part in [&library, &fake, &guide] {
        total.add(part);
    }
    let around = ["tests", "examples", "benches"].map(|folder| {
        let mut prose = Prose::default();
        for source in sources(folder) {
            prose.read(&source);
        }
        prose
    });

    let head = [
        "doc comments",
        "open with what",
        "per cent",
        "words",
        "what",
        "in 1,000",
        "who, nobody",
        "not plain",
    ];
    println!("{}", row("", &head));
    let published = [("library", &library), ("fake", &fake), ("README, guide", &guide), ("total", &total)];
    let beside = ["tests", "examples", "benches"].into_iter().zip(&around);
    for (name, prose) in published.into_iter().chain(beside) {
        println!("{}", row(name, &prose.figures()));
    }

    let problems: String = [&total].into_iter().chain(&around).map(Prose::problems).collect();
    assert!(problems.is_empty(), "\n{problems}");
}

/// Returns a line of the table of figures.
fn row(name: &str, cells: &[impl AsRef<str>]) -> String {
    cells.iter().fold(format!("{name:<13}"), |row, cell| format!("{row}{:>15}", cell.as_ref()))
}

/// The words of some texts, and the places that break a rule.
#[derive(Debug, Default)]
struct Prose {
    docs: usize,
    words: usize,
    /// Doc comments that begin with a question.
    questions: Vec<String>,
    whats: Vec<String>,
    people: Vec<String>,
    phrases: Vec<String>,
}

impl Prose {
    fn add(&mut self, other: &Self) {
        self.docs += other.docs;
        self.words += other.words;
        self.questions.extend_from_slice(&other.questions);
        self.whats.extend_from_slice(&other.whats);
        self.people.extend_from_slice(&other.people);
        self.phrases.extend_from_slice(&other.phrases);
    }

    /// Reads the comments of a Rust file, and the descriptions in a table.
    fn read(&mut self, source: &Source) {
        for block in blocks(source) {
            self.read_block(&source.path, &block);
        }
    }

    /// Reads a file of Markdown.
    fn read_text(&mut self, source: &Source) {
        let lines = source.text.split('\n').enumerate().map(|(at, line)| (at + 1, line.to_owned())).collect();
        self.read_block(&source.path, &Block { is_doc: false, lines });
    }

    fn read_block(&mut self, path: &str, block: &Block) {
        let words = words(&block.lines);
        let place = |line: usize| {
            let text = block.lines.iter().find(|(at, _)| *at == line).map_or("", |(_, text)| text.trim());
            format!("{path}:{line}: {text}")
        };
        self.docs += usize::from(block.is_doc);
        self.words += words.iter().filter(|word| !word.text.is_empty()).count();
        let question = words.first().filter(|word| QUESTIONS.contains(&&*word.text));
        self.questions.extend(question.filter(|_| block.is_doc).map(|word| place(word.line)));
        let allowed = |at: usize| {
            ALLOWED.iter().any(|(phrase, _)| {
                let length = phrase.split(' ').count();
                (0..length)
                    .any(|back| at.checked_sub(back).is_some_and(|start| stands_at(&words, start, phrase)))
            })
        };
        for (at, word) in words.iter().enumerate() {
            if word.text == "what" {
                self.whats.push(place(word.line));
            }
            if PEOPLE.contains(&&*word.text) && !allowed(at) {
                self.people.push(place(word.line));
            }
            let opens = word.opens && OPENINGS.iter().any(|opening| stands_at(&words, at, opening));
            if opens || PHRASES.iter().any(|phrase| stands_at(&words, at, phrase)) {
                self.phrases.push(place(word.line));
            }
        }
    }

    #[expect(clippy::cast_precision_loss, reason = "no text has so many words")]
    fn percent_of_questions(&self) -> f64 {
        100.0 * self.questions.len() as f64 / self.docs.max(1) as f64
    }

    #[expect(clippy::cast_precision_loss, reason = "no text has so many words")]
    fn whats_in_a_thousand(&self) -> f64 {
        1000.0 * self.whats.len() as f64 / self.words.max(1) as f64
    }

    fn figures(&self) -> [String; 8] {
        [
            self.docs.to_string(),
            self.questions.len().to_string(),
            format!("{:.1}", self.percent_of_questions()),
            self.words.to_string(),
            self.whats.len().to_string(),
            format!("{:.1}", self.whats_in_a_thousand()),
            self.people.len().to_string(),
            self.phrases.len().to_string(),
        ]
    }

    /// Lists all places that break a rule.
    fn problems(&self) -> String {
        let mut problems = String::new();
        let mut tell = |is_wrong: bool, rule: &str, places: &[String]| {
            if is_wrong {
                writeln!(problems, "{rule}:\n    {}", places.join("\n    ")).unwrap();
            }
        };
        let questions = self.percent_of_questions();
        let rule =
            format!("{questions:.1} % of the doc comments begin with a question, {MOST_QUESTIONS} % may");
        tell(questions > MOST_QUESTIONS, &rule, &self.questions);
        let whats = self.whats_in_a_thousand();
        let rule = format!("{whats:.1} of 1,000 words are \"what\", {MOST_WHATS} may be");
        tell(whats > MOST_WHATS, &rule, &self.whats);
        tell(!self.people.is_empty(), "these words are for people only", &self.people);
        tell(!self.phrases.is_empty(), "these phrases are not plain", &self.phrases);
        problems
    }
}

/// Consecutive lines of one kind of comment, each with its number.
#[derive(Debug)]
struct Block {
    is_doc: bool,
    lines: Vec<(usize, String)>,
}

fn blocks(source: &Source) -> Vec<Block> {
    let mut blocks: Vec<(&str, Block)> = Vec::new();
    for piece in pieces(&source.text) {
        let is_description = TABLES.contains(&&*source.path) && piece.text.ends_with(".\"");
        let (mark, text) = match piece.part {
            Part::Comment => {
                let marks = ["////", "///", "//!", "//", "/*"];
                let mark = marks.into_iter().find(|mark| piece.text.starts_with(mark)).unwrap();
                (mark, piece.text.trim_start_matches(mark).trim_end_matches("*/"))
            }
            Part::Literal if is_description => ("\"", piece.text.trim_matches('"')),
            _ => continue,
        };
        let lines = text
            .split('\n')
            .enumerate()
            .map(|(at, line)| (piece.line + at, line.trim_end_matches('\\').to_owned()));
        match blocks.last_mut() {
            // The line behind the last one, with the same mark, goes on with the comment.
            Some((last, block))
                if *last == mark
                    && mark != "\""
                    && block.lines.last().is_some_and(|(at, _)| at + 1 == piece.line) =>
            {
                block.lines.extend(lines);
            }
            _ => blocks.push((mark, Block { is_doc: matches!(mark, "///" | "//!"), lines: lines.collect() })),
        }
    }
    blocks.into_iter().map(|(_, block)| block).collect()
}

/// A word of a text, or code in it, which is empty.
#[derive(Debug, PartialEq)]
struct Word {
    line: usize,
    /// In lower case.
    text: String,
    /// True if a sentence begins with it.
    opens: bool,
}

fn stands_at(words: &[Word], start: usize, phrase: &str) -> bool {
    let length = phrase.split(' ').count();
    let found = words.get(start..start + length);
    found.is_some_and(|found| {
        found.iter().map(|word| &*word.text).eq(phrase.split(' '))
            && !found.iter().skip(1).any(|word| word.opens)
    })
}

/// Returns the words of a text in Markdown, without code blocks, tables and links.
fn words(lines: &[(usize, String)]) -> Vec<Word> {
    let mut words = Vec::new();
    let mut opens = true;
    let mut fence = None;
    // Code that is not closed goes on in the next line of its paragraph.
    let mut is_code = false;
    for (line, text) in lines {
        let text = text.trim();
        let mark = ["```", "~~~"].into_iter().find(|mark| text.starts_with(mark));
        if mark.is_some() || fence.is_some() {
            fence = if fence.is_none() { mark } else { fence.filter(|open| mark != Some(*open)) };
            (opens, is_code) = (true, false);
            continue;
        }
        let is_target = text.starts_with('[') && text.contains("]: ");
        if text.is_empty() || text.starts_with('|') || is_target {
            (opens, is_code) = (true, false);
            continue;
        }
        let item = text.trim_start_matches(|c: char| c.is_ascii_digit());
        if text.starts_with(['#', '-', '*', '>']) && !text.starts_with("**") || item.starts_with(". ") {
            opens = true;
        }
        for token in without_code(text, &mut is_code).split_whitespace() {
            let bare = token.trim_matches(|c: char| !c.is_alphanumeric() && c != '\u{0}');
            if token.contains("://") || token.starts_with("](") || bare.is_empty() {
                continue;
            }
            for part in bare.split(|c: char| !c.is_alphanumeric() && c != '\'' && c != '\u{0}') {
                let is_word = part.contains(char::is_alphabetic) && !part.contains('\u{0}');
                let text = if is_word { part.trim_end_matches("'s").to_lowercase() } else { String::new() };
                words.push(Word { line: *line, text, opens });
                opens = false;
            }
            let end = token.trim_end_matches([')', '"', '\'', '*', '_', ']']);
            opens = end.ends_with(['.', '!', '?']);
        }
        // A heading is a sentence of its own.
        opens |= text.starts_with("# ") || text.starts_with("##");
    }
    words
}

/// Returns `text` with a NUL for each piece of code, and without the targets of links.
fn without_code(text: &str, is_code: &mut bool) -> String {
    let mut plain = String::new();
    let mut at = text;
    while let Some(c) = at.chars().next() {
        let length = match c {
            '`' => {
                let ticks = at.len() - at.trim_start_matches('`').len();
                *is_code = !*is_code;
                if *is_code {
                    plain.push('\u{0}');
                }
                ticks
            }
            ']' if !*is_code && at.starts_with("](") => at.find(')').map_or(at.len(), |end| end + 1),
            _ => {
                if !*is_code {
                    plain.push(c);
                }
                c.len_utf8()
            }
        };
        at = at.get(length..).unwrap_or_default();
    }
    plain
}

/// Reads `text` as a Rust file.
fn prose(text: &str) -> Prose {
    let mut prose = Prose::default();
    prose.read(&Source::new("a.rs", text));
    prose
}

#[test]
fn consecutive_doc_lines_are_one_comment() {
    let prose = prose(
        "//! What it is.\n//! How it is.\n\n/// Whether `a` is b.\n// What c is.\nfn d() {} // e\n/// `Who` f.\n/// What g.\n",
    );
    assert_eq!((prose.docs, prose.words), (3, 16));
    assert_eq!(prose.questions, ["a.rs:1: What it is.", "a.rs:4: Whether `a` is b."]);
    assert_eq!(prose.whats, ["a.rs:1: What it is.", "a.rs:5: What c is.", "a.rs:8: What g."]);
    assert_eq!(prose.people, [""; 0]);
    assert!((prose.percent_of_questions() - 66.7).abs() < 0.1);
    assert!((prose.whats_in_a_thousand() - 187.5).abs() < 0.1);
}

#[test]
fn code_tables_and_targets_are_no_prose() {
    let text = "/// A [who](nobody) and [`whose`]: `who\n/// whom` b/c, <https://who.is/whom>.\n///\n\
                /// ```\n/// who();\n/// ```\n/// | who | whom |\n/// [whose]: who\nfn who() { \"nobody\" }";
    let prose = prose(text);
    assert_eq!(prose.people, ["a.rs:1: A [who](nobody) and [`whose`]: `who"]);
    assert_eq!(prose.words, 5);
}

#[test]
fn phrases_that_are_not_plain_are_found() {
    let text = "// Of a list, of an item. Such a\n// list is none: that of all. What\n// of a thing is `x` none. Is\n// none. Such\n\n// - Of an item";
    let found = [
        "a.rs:1: Of a list, of an item. Such a",
        "a.rs:1: Of a list, of an item. Such a",
        "a.rs:2: list is none: that of all. What",
        "a.rs:2: list is none: that of all. What",
        "a.rs:3: of a thing is `x` none. Is",
        "a.rs:6: - Of an item",
    ];
    assert_eq!(prose(text).phrases, found);
}

#[test]
fn rules_that_are_broken_are_told_with_their_places() {
    let prose = prose("/// What nobody\n/// is none of.");
    let all = "100.0 % of the doc comments begin with a question, 3 % may:\n    a.rs:1: What nobody\n\
               200.0 of 1,000 words are \"what\", 2 may be:\n    a.rs:1: What nobody\n\
               these words are for people only:\n    a.rs:1: What nobody\n\
               these phrases are not plain:\n    a.rs:2: is none of.\n";
    assert_eq!(prose.problems(), all);
}

#[test]
fn descriptions_in_tables_are_read() {
    let mut prose = Prose::default();
    let text = "a = \"a\", U32, \"2.2\",\n    \"Who waits \\\n     in the `queue`.\";";
    prose.read(&Source::new("src/field/column.rs", text));
    assert_eq!((prose.docs, prose.words), (0, 4));
    assert_eq!(prose.people, ["src/field/column.rs:2: Who waits"]);
    for table in TABLES {
        assert!(
            blocks(&Source::read(table)).iter().any(|block| !block.is_doc && block.lines.len() < 9),
            "{table}"
        );
    }
}
