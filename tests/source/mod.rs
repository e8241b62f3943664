//! Rust files as text, split into code, literals and comments.

#![allow(dead_code, reason = "every test file is a crate of its own and uses a part of this")]
#![allow(unreachable_pub, reason = "the same: nothing here leaves the test's crate")]
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "in a test a panic is the failure message")]
#![allow(clippy::missing_panics_doc, reason = "all of it panics if a file cannot be read")]

use std::fs;
use std::path::{Path, PathBuf};

/// A file of this package.
#[derive(Debug, Clone)]
pub struct Source {
    /// The path from the root of the package, with `/` as the separator.
    pub path: String,
    pub text: String,
}

impl Source {
    pub fn new(path: &str, text: &str) -> Self {
        Self { path: path.to_owned(), text: text.to_owned() }
    }

    /// Reads the file at `path`, which is relative to the root of the package.
    pub fn read(path: &str) -> Self {
        let text = fs::read_to_string(root().join(path)).unwrap_or_else(|error| panic!("{path}: {error}"));
        Self::new(path, &text)
    }
}

pub fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// Reads every Rust file below `folder`, in the order of the paths.
pub fn sources(folder: &str) -> Vec<Source> {
    let mut paths = Vec::new();
    list(&root().join(folder), &mut paths);
    paths.sort();
    let relative = |path: PathBuf| {
        let parts = path.strip_prefix(root()).unwrap().iter().map(|part| part.to_str().unwrap());
        parts.collect::<Vec<_>>().join("/")
    };
    paths.into_iter().map(|path| Source::read(&relative(path))).collect()
}

fn list(folder: &Path, paths: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display())) {
        let path = entry.unwrap().path();
        if path.is_dir() {
            list(&path, paths);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            paths.push(path);
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Part {
    Code,
    /// A string or character literal, with its quotes.
    Literal,
    /// A comment or doc comment, with its slashes and without the line end.
    Comment,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Piece<'a> {
    pub part: Part,
    /// The line of its first character, counted from 1.
    pub line: usize,
    pub text: &'a str,
}

/// Splits the text of a Rust file into pieces without a gap between them.
pub fn pieces(text: &str) -> Vec<Piece<'_>> {
    let mut pieces = Vec::new();
    let mut rest = text;
    let mut line = 1;
    while !rest.is_empty() {
        let (part, length) = first(rest);
        let (text, behind) = rest.split_at(length);
        pieces.push(Piece { part, line, text });
        line += text.matches('\n').count();
        rest = behind;
    }
    pieces
}

/// Returns the kind and the length of the piece that `text` begins with.
fn first(text: &str) -> (Part, usize) {
    if text.starts_with("//") {
        return (Part::Comment, text.find('\n').unwrap_or(text.len()));
    }
    if text.starts_with("/*") {
        return (Part::Comment, block_comment(text));
    }
    if let Some(length) = literal(text) {
        return (Part::Literal, length);
    }
    let is_word = |c: char| c.is_alphanumeric() || c == '_';
    match text.find(|c| !is_word(c)) {
        Some(0) => (Part::Code, text.chars().next().map_or(0, char::len_utf8)),
        word => (Part::Code, word.unwrap_or(text.len())),
    }
}

fn block_comment(text: &str) -> usize {
    let mut depth = 0;
    let mut at = 0;
    while let Some(rest) = text.get(at..) {
        match rest {
            "" => break,
            _ if rest.starts_with("/*") => (depth, at) = (depth + 1, at + 2),
            _ if rest.starts_with("*/") => (depth, at) = (depth - 1, at + 2),
            _ => at += rest.chars().next().map_or(1, char::len_utf8),
        }
        if depth == 0 {
            break;
        }
    }
    at
}

/// Returns the length of the literal that `text` begins with.
///
/// The prefix of `b"..."` and `c"..."` counts as code. The prefix of a raw string is part of the
/// literal, because a raw string has no escapes and another end.
fn literal(text: &str) -> Option<usize> {
    let raw = ["r", "br", "cr"].into_iter().find_map(|prefix| {
        let rest = text.strip_prefix(prefix)?;
        let hashes = rest.len() - rest.trim_start_matches('#').len();
        let inside = rest.get(hashes..)?.strip_prefix('"')?;
        let end = format!("\"{}", "#".repeat(hashes));
        let length = inside.find(&end).unwrap_or(inside.len());
        Some(prefix.len() + hashes + 1 + length + end.len())
    });
    raw.map(|length| length.min(text.len())).or_else(|| {
        let quote = text.chars().next().filter(|quote| matches!(quote, '"' | '\''))?;
        // A lifetime has no quote after its first character.
        if quote == '\'' && !text.starts_with("'\\") && text.chars().nth(2) != Some('\'') {
            return None;
        }
        let mut escaped = false;
        let end = text.char_indices().skip(1).find(|&(_, c)| {
            let ends = c == quote && !escaped;
            escaped = c == '\\' && !escaped;
            ends
        });
        Some(end.map_or(text.len(), |(at, _)| at + 1))
    })
}
