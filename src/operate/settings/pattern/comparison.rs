//! The differences between the entries of a process and the entries of a file.

use std::collections::HashMap;
use std::io::{self, BufRead};

use super::super::left_reason::LeftReason;
use super::file::PatternFile;
use super::setting::{EntrySetting, UnclearEntry};
use crate::object::PatternKind;
use crate::process::LONGEST;
use crate::show::Entries;

/// A key or a value of the file.
type Text = Box<[u8]>;

/// The entries that differ.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Comparison {
    pub(super) entries: Vec<EntrySetting>,
    pub(super) unclear: Vec<UnclearEntry>,
}

/// The values of one key.
struct Key<'a> {
    /// First value in the process.
    first: &'a [u8],
    /// The values behind it, each of them another one than the value before.
    more: Vec<&'a [u8]>,
    configured: Configured,
}

/// The values of a key in the file.
enum Configured {
    Absent,
    /// The first value in the process, once or more often.
    Same,
    /// Other values, each of them another one than the value before.
    Other(Vec<Text>),
}

/// Keys of the file that the process does not have, with their values.
#[derive(Default)]
struct Deleted {
    entries: Vec<(Text, Vec<Text>)>,
    places: HashMap<Text, usize>,
}

/// Splits an entry at its first blank, as HAProxy splits a line of a file. A pattern of an ACL is a key.
pub(super) fn split(kind: PatternKind, text: &[u8]) -> (&[u8], &[u8]) {
    let end = match kind {
        PatternKind::Map => text.iter().position(|byte| *byte == b' '),
        PatternKind::Acl => None,
    };
    let (key, value) = text.split_at_checked(end.unwrap_or(text.len())).unwrap_or((text, b""));
    (key, value.get(1..).unwrap_or_default())
}

/// Compares the entries of a process with the entries of its file, of which no line is kept unless it
/// differs. Several equal entries of a key count as one.
pub(super) fn compare<R: BufRead>(
    kind: PatternKind,
    shown: &Entries,
    file: Option<PatternFile<R>>,
    has_plain_keys: bool,
) -> io::Result<Comparison> {
    let mut keys = keys(kind, shown);
    let deleted = match file {
        Some(file) => read(file, &mut keys)?,
        None => Deleted::default(),
    };
    let mut found = Comparison::default();
    for entry in shown.iter() {
        let (key, value) = split(kind, entry.as_bytes());
        if let Some(values) = keys.remove(key) {
            let is_plain = has_plain_keys || kind == PatternKind::Acl || !value.contains(&b' ');
            found.shown(key, &values, is_plain, entry.as_bytes());
        }
    }
    for (key, values) in deleted.entries {
        match values.as_slice() {
            // HAProxy may have it, and be unable to print it.
            [.., value] if key.len() + value.len() > LONGEST => found.leave(&key, LeftReason::NotShown),
            [value] => found.difference(&key, None, Some(value)),
            _ => found.leave(&key, LeftReason::SeveralEntries),
        }
    }
    Ok(found)
}

fn keys(kind: PatternKind, shown: &Entries) -> HashMap<&[u8], Key<'_>> {
    let mut keys: HashMap<&[u8], Key<'_>> = HashMap::with_capacity(shown.len());
    for entry in shown.iter() {
        let (key, value) = split(kind, entry.as_bytes());
        keys.entry(key)
            .and_modify(|key| {
                if *key.more.last().unwrap_or(&key.first) != value {
                    key.more.push(value);
                }
            })
            .or_insert(Key { first: value, more: Vec::new(), configured: Configured::Absent });
    }
    keys
}

/// Reads the file. Returns the entries that the process does not have.
fn read<R: BufRead>(mut file: PatternFile<R>, keys: &mut HashMap<&[u8], Key<'_>>) -> io::Result<Deleted> {
    let mut deleted = Deleted::default();
    while let Some((key, value)) = file.next()? {
        match keys.get_mut(key) {
            Some(key) => key.configure(value),
            None => deleted.add(key, value),
        }
    }
    Ok(deleted)
}

impl Key<'_> {
    /// Adds a value of the file.
    fn configure(&mut self, value: &[u8]) {
        let is_first = self.first == value;
        match &mut self.configured {
            Configured::Absent | Configured::Same if is_first => self.configured = Configured::Same,
            Configured::Absent => self.configured = Configured::Other(vec![value.into()]),
            Configured::Same => {
                self.configured = Configured::Other(vec![self.first.into(), value.into()]);
            }
            Configured::Other(values) => push(values, value),
        }
    }
}

impl Deleted {
    fn add(&mut self, key: &[u8], value: &[u8]) {
        let known = self.places.get(key).and_then(|at| self.entries.get_mut(*at));
        if let Some((_, values)) = known {
            return push(values, value);
        }
        self.places.insert(key.into(), self.entries.len());
        self.entries.push((key.into(), vec![value.into()]));
    }
}

/// Adds a value unless it is the last one.
fn push(values: &mut Vec<Text>, value: &[u8]) {
    if values.last().is_none_or(|last| **last != *value) {
        values.push(value.into());
    }
}

impl Comparison {
    /// Compares the values of a key that the process has. `is_plain` is `false` if the key of the
    /// entry may be longer.
    fn shown(&mut self, key: &[u8], values: &Key<'_>, is_plain: bool, text: &[u8]) {
        let Key { first, more, configured } = values;
        match configured {
            Configured::Same if more.is_empty() => {}
            Configured::Other(values)
                if values.len() == more.len() + 1
                    && values.iter().zip([first].into_iter().chain(more)).all(|(a, b)| **a == **b) => {}
            Configured::Absent if key.is_empty() || !is_plain => self.leave(text, LeftReason::KeyNotKnown),
            Configured::Absent if more.is_empty() => self.difference(key, Some(first), None),
            Configured::Other(values) if more.is_empty() && values.len() == 1 => {
                self.difference(key, Some(first), values.first().map(|value| &**value));
            }
            _ => self.leave(key, LeftReason::SeveralEntries),
        }
    }

    fn difference(&mut self, key: &[u8], value: Option<&[u8]>, configured: Option<&[u8]>) {
        let text = |bytes: &[u8]| std::str::from_utf8(bytes).map(Box::<str>::from);
        let (value, configured) = (value.map(text).transpose(), configured.map(text).transpose());
        match (text(key), value, configured) {
            (Ok(key), Ok(value), Ok(configured)) => {
                self.entries.push(EntrySetting { key, value, configured });
            }
            _ => self.leave(key, LeftReason::NotUtf8),
        }
    }

    fn leave(&mut self, text: &[u8], reason: LeftReason) {
        self.unclear.push(UnclearEntry { text: String::from_utf8_lossy(text).into(), reason });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn differences(kind: PatternKind, shown: &[&[u8]], file: &[u8], has_plain_keys: bool) -> Vec<String> {
        let lines: Vec<Vec<u8>> = shown.iter().map(|text| [b"0x1 ", *text].concat()).collect();
        let shown = Entries::read(lines.join(&b'\n')).unwrap();
        let file = PatternFile::new(file, kind);
        let found = compare(kind, &shown, Some(file), has_plain_keys).unwrap();
        let text = |value: &Option<Box<str>>| value.as_deref().unwrap_or("-").to_owned();
        let entry = |entry: &EntrySetting| {
            format!("{}: {} > {}", entry.key, text(&entry.configured), text(&entry.value))
        };
        let unclear = |entry: &UnclearEntry| format!("{}: {}", entry.text, entry.reason);
        found.entries.iter().map(entry).chain(found.unclear.iter().map(unclear)).collect()
    }

    fn map(shown: &[&str], file: &str) -> Vec<String> {
        let shown: Vec<_> = shown.iter().map(|text| text.as_bytes()).collect();
        differences(PatternKind::Map, &shown, file.as_bytes(), false)
    }

    #[test]
    fn added_changed_and_deleted_entries_differ() {
        assert_eq!(map(&["a 1", "b 2"], "a 1\nb 2\n"), [""; 0]);
        assert_eq!(map(&["b 2", "a 1"], "a  1 \nb\t2"), [""; 0]);
        assert_eq!(
            map(&["d 4", "a 1", "b 5", "e 6"], "x 0\na 1\nb 2\nc 3\n"),
            ["d: - > 4", "b: 2 > 5", "e: - > 6", "x: 0 > -", "c: 3 > -"]
        );
        assert_eq!(map(&["a "], "a\n"), [""; 0]);
        assert_eq!(map(&[], "a\n"), ["a:  > -"]);
        let shown: [&[u8]; 3] = [b"a b ", b"c", b"a"];
        assert_eq!(
            differences(PatternKind::Acl, &shown, b" a b \nd e\na\n", false),
            ["c: - > ", "d e:  > -"]
        );
    }

    #[test]
    fn an_entry_that_is_too_long_to_be_shown_may_be_there() {
        let long = "x".repeat(LONGEST);
        assert_eq!(map(&[], &format!("k {long}\n")), ["k: HAProxy shows no entry of this length"]);
        assert_eq!(map(&[&format!("k {long}")], &format!("k {long}\n")), [""; 0]);
        assert_eq!(map(&[], &format!("k {}\n", &long[..LONGEST - 1])).len(), 1);
    }

    #[test]
    fn equal_entries_of_a_key_count_as_one_and_other_ones_are_unclear() {
        let several = ["a: the key has several entries"];
        assert_eq!(map(&["a 1", "a 1"], "a 1\n"), [""; 0]);
        assert_eq!(map(&["a 2", "a 2"], "a 1\nb 3\na 1\n"), ["a: 1 > 2", "b: 3 > -"]);
        assert_eq!(map(&["a 1", "a 2"], "a 1\na 2\n"), [""; 0]);
        assert_eq!(map(&["a 2", "a 1"], "a 1\na 2\n"), several);
        assert_eq!(map(&["a 1", "a 2"], "a 1\n"), several);
        assert_eq!(map(&["a 1", "a 2"], ""), several);
        assert_eq!(map(&["a 1"], "a 1\na 2\n"), several);
        assert_eq!(map(&["a 3"], "a 1\na 2\n"), several);
        assert_eq!(map(&[], "a 1\na 2\n"), several);
        assert_eq!(map(&["a 1", "a 2", "a 1"], "a 1\na 2\na 1\n"), [""; 0]);
    }

    #[test]
    fn a_key_with_a_blank_is_not_guessed() {
        let unclear = ["a b c: the end of the key is not known"];
        assert_eq!(map(&["a b c"], ""), unclear);
        assert_eq!(map(&["a b c"], "a b d\n"), ["a: b d > b c"]);
        assert_eq!(map(&["a b c"], "a b  d\n"), ["a: b  d > b c"]);
        assert_eq!(map(&["a b c"], "a b c\n"), [""; 0]);
        assert_eq!(map(&[" b"], ""), [" b: the end of the key is not known"]);
        assert_eq!(differences(PatternKind::Map, &[b"a b c"], b"", true), ["a: - > b c"]);
        assert_eq!(differences(PatternKind::Map, &[b"a \xff"], b"", true), ["a: the entry is not UTF-8"]);
        assert_eq!(differences(PatternKind::Acl, &[], b"\xff\n", true), ["\u{fffd}: the entry is not UTF-8"]);
    }
}
