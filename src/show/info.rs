mod quoted;

use std::fmt;

use super::scan;
use crate::error::{Error, Malformed, Problem};
use crate::field::{InfoKey, KEYS, Key, ValueType, for_each_key, unit};
use quoted::unquoted;

/// The reply of one process to `show info`.
///
/// Every key that this crate knows has an accessor, which returns `None` if the release or the
/// build does not print the key. Other keys are read with [`get`](Info::get).
///
/// # Example
///
/// ```no_run
/// # async fn example(cluster: haproxyadmin::Cluster) -> haproxyadmin::Result<()> {
/// let snapshot = cluster.snapshot().await?;
/// for info in snapshot.processes().iter().filter_map(|process| process.info()) {
///     println!("{:?} {:?} {:?}", info.version(), info.curr_conns(), info.get("Tainted"));
/// }
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct Info {
    /// The values, and the keys that are not known, in order and without separators.
    text: Box<str>,
    entries: Box<[Entry]>,
    /// Index of each known key in `entries`, or [`ABSENT`].
    known: [u16; KEYS.len()],
}

#[derive(Debug, Clone, Copy)]
struct Entry {
    /// Index of the key in [`KEYS`], or [`ABSENT`] for a key in `text`.
    key: u16,
    /// Start of the key in `text`.
    start: u32,
    /// Start and end of the value.
    value: u32,
    end: u32,
}

const ABSENT: u16 = u16::MAX;

impl Info {
    /// Reads a complete reply to `show info`: its lines and the empty line at the end.
    pub(crate) fn parse(reply: &[u8]) -> Result<Self, Error> {
        match Self::split(reply)? {
            (info, []) => Ok(info),
            (info, rest) => {
                let line = info.entries.len() + 2;
                Err(Malformed::new(line, None, "nothing after the end", rest).into())
            }
        }
    }

    /// Returns `true` if `reply` begins like a reply to `show info`.
    pub(crate) fn begins(reply: &[u8]) -> bool {
        reply.starts_with(b"Name: ")
    }

    /// Reads the reply to `show info` at the start of `reply`, and also returns the bytes after
    /// its empty line.
    pub(crate) fn split(reply: &[u8]) -> Result<(Self, &[u8]), Error> {
        let mut builder = Builder::default();
        let (mut rest, mut number) = (reply, 1);
        loop {
            let (lines, length) = builder.expected_lines(rest);
            rest = rest.get(length..).unwrap_or_default();
            number += lines;
            let Some(length) = scan::line_end(rest) else { break };
            let (line, behind) = rest.split_at(length);
            let line = scan::text(line);
            match line.trim_end_matches('\n') {
                "" => return Ok((builder.build(), behind)),
                line => builder.line(number, line)?,
            }
            number += line.matches('\n').count();
            rest = behind;
        }
        Err(Error::new(Problem::Truncated("in the lines of `show info`".into())))
    }

    /// Returns the text of the value of `key`, spelt as HAProxy spells it (`CumReq`).
    pub fn get(&self, key: &str) -> Option<&str> {
        self.iter().find_map(|(name, value)| (name == key).then_some(value))
    }

    /// Returns every key with the text of its value, in the order of the reply.
    pub fn iter(&self) -> InfoIter<'_> {
        InfoIter { info: self, entries: self.entries.iter() }
    }

    /// Builds an `Info` from keys and values of another source.
    #[cfg(feature = "serde")]
    pub(crate) fn from_pairs<'a>(pairs: impl Iterator<Item = (&'a str, &'a str)>) -> Result<Self, Malformed> {
        let mut builder = Builder::default();
        for (line, (name, value)) in (1..).zip(pairs) {
            builder.add(line, name, value)?;
        }
        Ok(builder.build())
    }

    /// Returns `true` if the process is stopping: it only serves its open connections, then ends.
    pub(crate) fn is_stopping(&self) -> bool {
        self.stopping().is_some_and(|stopping| stopping > 0)
    }

    /// Returns each key that this crate does not know, with the text of its value.
    pub(crate) fn unknown(&self) -> impl Iterator<Item = (&str, &str)> {
        self.entries.iter().filter(|entry| entry.key == ABSENT).map(|entry| self.pair(entry))
    }

    fn pair(&self, entry: &Entry) -> (&str, &str) {
        let known = KEYS.get(usize::from(entry.key)).map(|key| key.name);
        (known.unwrap_or_else(|| self.slice(entry.start, entry.value)), self.slice(entry.value, entry.end))
    }

    fn slice(&self, start: u32, end: u32) -> &str {
        self.text.get(start as usize..end as usize).unwrap_or_default()
    }

    pub(crate) fn number(&self, key: Key) -> Option<u64> {
        self.text(key)?.parse().ok()
    }

    pub(crate) fn text(&self, key: Key) -> Option<&str> {
        let index = *self.known.get(key as usize)?;
        let entry = self.entries.get(usize::from(index))?;
        Some(self.slice(entry.value, entry.end)).filter(|value| !value.is_empty())
    }
}

impl<'a> IntoIterator for &'a Info {
    type Item = (&'a str, &'a str);
    type IntoIter = InfoIter<'a>;

    fn into_iter(self) -> Self::IntoIter {
        self.iter()
    }
}

/// Iterator over the keys of an [`Info`] and the texts of their values. [`Info::iter`] makes it.
///
/// # Example
///
/// ```no_run
/// # fn example(info: &haproxyadmin::info::Info) {
/// for (key, value) in info {
///     println!("{key}: {value}");
/// }
/// # }
/// ```
#[derive(Debug, Clone)]
pub struct InfoIter<'a> {
    info: &'a Info,
    entries: std::slice::Iter<'a, Entry>,
}

impl<'a> Iterator for InfoIter<'a> {
    type Item = (&'a str, &'a str);

    fn next(&mut self) -> Option<Self::Item> {
        Some(self.info.pair(self.entries.next()?))
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        self.entries.size_hint()
    }
}

impl ExactSizeIterator for InfoIter<'_> {}

macro_rules! key_accessors {
    ($(
        $accessor:ident = $name:literal, $wire:ident, $unit:ident, $nature:ident, $since:literal,
        [P] $rule:ident, $doc:literal;
    )*) => {
        /// Accessors, one for each key.
        impl Info {
            $(
                #[doc = $doc]
                #[doc = ""]
                #[doc = concat!("Key `", $name, "`", unit!($unit), "; HAProxy ", $since, " and later.")]
                pub fn $accessor(&self) -> Option<key_type!($wire)> {
                    key_value!(self, $wire, $accessor)
                }
            )*
        }
    };
}

macro_rules! key_type {
    (Text) => {
        &str
    };
    ($number:ident) => {
        u64
    };
}

macro_rules! key_value {
    ($info:ident, Text, $key:ident) => {
        $info.text(Key::$key)
    };
    ($info:ident, $number:ident, $key:ident) => {
        $info.number(Key::$key)
    };
}

for_each_key!(key_accessors);

impl PartialEq for Info {
    fn eq(&self, other: &Self) -> bool {
        self.iter().eq(other.iter())
    }
}

impl Eq for Info {}

impl fmt::Debug for Info {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_map().entries(self.iter()).finish()
    }
}

/// Collects keys and values, and checks the known keys.
#[derive(Debug)]
pub(crate) struct Builder {
    /// The texts, each of which is UTF-8 as a whole.
    text: Vec<u8>,
    entries: Vec<Entry>,
    known: [u16; KEYS.len()],
    /// Index of the key that is expected next.
    expected: usize,
}

impl Default for Builder {
    fn default() -> Self {
        Self { text: Vec::new(), entries: Vec::new(), known: [ABSENT; KEYS.len()], expected: 0 }
    }
}

impl Builder {
    /// Reads the lines at the start of `bytes` that have the expected keys and numbers, as nearly all lines have.
    /// Returns their number, and their length with the line feeds. The line behind them is for [`line`](Self::line).
    pub(crate) fn expected_lines(&mut self, bytes: &[u8]) -> (usize, usize) {
        self.reserve();
        let (mut lines, mut taken) = (0, 0);
        while let Some(length) = bytes.get(taken..).and_then(|rest| self.expected_line(rest)) {
            taken += length;
            lines += 1;
        }
        (lines, taken)
    }

    #[inline]
    fn expected_line(&mut self, bytes: &[u8]) -> Option<usize> {
        let key = KEYS.get(self.expected).filter(|key| is_number(key))?;
        let value = bytes.strip_prefix(key.name.as_bytes())?.strip_prefix(b": ")?;
        let digits = value.iter().take(FITTING_DIGITS).take_while(|byte| byte.is_ascii_digit()).count();
        if digits == 0 || value.get(digits) != Some(&b'\n') {
            return None;
        }
        let position = u16::try_from(self.entries.len()).ok().filter(|position| *position != ABSENT)?;
        let slot = self.known.get_mut(self.expected).filter(|slot| **slot == ABSENT)?;
        let start = self.text.len();
        let number = u16::try_from(self.expected).ok()?;
        let (from, end) = (u32::try_from(start).ok()?, u32::try_from(start + digits).ok()?);
        // A copy of fixed length takes no call.
        match value.first_chunk::<8>().filter(|_| digits <= 8) {
            Some(chunk) => {
                self.text.extend_from_slice(chunk);
                self.text.truncate(start + digits);
            }
            None => self.text.extend_from_slice(value.get(..digits)?),
        }
        self.entries.push(Entry { key: number, start: from, value: from, end });
        *slot = position;
        self.expected += 1;
        Some(key.name.len() + ": ".len() + digits + "\n".len())
    }

    /// Reads one line of `show info`, without its line feed and with its quotes.
    pub(crate) fn line(&mut self, number: usize, line: &str) -> Result<(), Malformed> {
        let Some((name, value)) = line.split_once(':') else {
            return Err(Malformed::new(number, None, "`key: value`", line.as_bytes()));
        };
        let value = value.strip_prefix(' ').unwrap_or(value);
        let Some(quoted) = value.strip_prefix('"') else {
            return self.add(number, name, value);
        };
        match unquoted(quoted) {
            Some(value) => self.add(number, name, &value),
            None => Err(Malformed::new(number, Some(name), "one quoted value", value.as_bytes())),
        }
    }

    fn add(&mut self, line: usize, name: &str, value: &str) -> Result<(), Malformed> {
        let known = known(name, self.expected);
        if known.is_some_and(|(_, key)| is_number(key)) && !value.is_empty() && value.parse::<u64>().is_err()
        {
            return Err(Malformed::new(line, Some(name), "a whole number", value.as_bytes()));
        }
        self.push(line, known.map(|(index, _)| index), name, value.as_bytes())
    }

    /// Adds an entry. `known` is the index of the key in [`KEYS`], and `value` is text.
    fn push(&mut self, line: usize, known: Option<usize>, name: &str, value: &[u8]) -> Result<(), Malformed> {
        let position = u16::try_from(self.entries.len()).ok().filter(|position| *position != ABSENT);
        let Some(position) = position else {
            return Err(Malformed::new(line, None, "at most 65535 keys", b"more"));
        };
        self.reserve();
        let start = self.text.len();
        match known {
            Some(index) => {
                let slot = self.known.get_mut(index).filter(|slot| **slot == ABSENT);
                *slot.ok_or_else(|| Malformed::new(line, Some(name), "each key once", value))? = position;
                self.expected = index + 1;
            }
            None => self.text.extend_from_slice(name.as_bytes()),
        }
        let middle = self.text.len();
        self.text.extend_from_slice(value);
        let key = known.and_then(|index| u16::try_from(index).ok()).unwrap_or(ABSENT);
        match [start, middle, self.text.len()].map(u32::try_from) {
            [Ok(start), Ok(value), Ok(end)] => self.entries.push(Entry { key, start, value, end }),
            _ => return Err(Malformed::new(line, None, "less than 4 GiB", b"more")),
        }
        Ok(())
    }

    /// Makes room for the usual number of keys, before the first of them.
    fn reserve(&mut self) {
        if self.entries.is_empty() {
            self.text.reserve(USUAL_LENGTH);
            self.entries.reserve(KEYS.len());
        }
    }

    pub(crate) fn build(self) -> Info {
        // `push` adds whole texts only: digits, and what `add` has as `str`.
        let text = String::from_utf8(self.text).unwrap_or_default();
        Info { text: text.into(), entries: self.entries.into(), known: self.known }
    }
}

/// Digits that fit 64 bits, whatever they are.
const FITTING_DIGITS: usize = 19;

/// Bytes that make room for the values of a process with a short description.
const USUAL_LENGTH: usize = 1024;

/// Returns the known key called `name`. The search begins at `expected`, because every release prints its
/// keys in the order of the table.
fn known(name: &str, expected: usize) -> Option<(usize, &'static InfoKey)> {
    let (before, after) = KEYS.split_at_checked(expected)?;
    let is_it = |key: &InfoKey| key.name == name;
    let (start, found) = match after.iter().position(is_it) {
        Some(found) => (expected, found),
        None => (0, before.iter().position(is_it)?),
    };
    Some((start + found, KEYS.get(start + found)?))
}

fn is_number(key: &InfoKey) -> bool {
    !matches!(key.value_type, ValueType::Text)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn info(lines: &[&str]) -> Result<Info, Malformed> {
        let mut builder = Builder::default();
        for (number, line) in (1..).zip(lines) {
            builder.line(number, line)?;
        }
        Ok(builder.build())
    }

    #[test]
    fn values_hold_colons_and_quotes() {
        let info =
            info(&["Name: HAProxy", "CumReq: 12", "description: \"a, \"\"b\"\"\n\nc\"", "X-New: a: b"])
                .unwrap();
        assert_eq!(info.cum_req(), Some(12));
        assert_eq!(info.get("description"), Some("a, \"b\"\n\nc"));
        assert_eq!(info.get("X-New"), Some("a: b"));
        assert_eq!(info.get("Nothing"), None);
    }

    #[test]
    fn an_accessor_reads_its_own_key_however_many_there_are() {
        let others: Vec<_> = (0..70_000).map(|n| format!("X{n}: {n}")).collect();
        let others: Vec<_> = others.iter().map(String::as_str).collect();
        for before in [0, 254, 255, 256, 300, 65_533, 65_534] {
            let mut lines = others[..before].to_vec();
            let without = info(&lines).unwrap();
            assert_eq!((without.cum_req(), without.get("CumReq")), (None, None), "behind {before}");
            lines.push("CumReq: 7");
            let with = info(&lines).unwrap();
            assert_eq!((with.cum_req(), with.get("CumReq")), (Some(7), Some("7")), "behind {before}");
            assert_eq!(with.pid(), None, "behind {before}");
        }
        assert_eq!(info(&others[..65_535]).unwrap().unknown().count(), 65_535);
        assert_eq!(
            info(&others).unwrap_err().to_string(),
            "line 65536: expected at most 65535 keys, found \"more\""
        );
    }

    #[test]
    fn a_known_key_comes_once() {
        assert_eq!(
            info(&["Name: HAProxy", "CumReq: 1", "CumReq: 2"]).unwrap_err().to_string(),
            "line 3, column \"CumReq\": expected each key once, found \"2\""
        );
        assert_eq!(info(&["X-New: 1", "X-New: 2"]).unwrap().get("X-New"), Some("1"));
    }

    #[test]
    fn a_known_number_must_be_one() {
        let error = info(&["Name: HAProxy", "CumReq: many"]).unwrap_err();
        assert_eq!(error.to_string(), "line 2, column \"CumReq\": expected a whole number, found \"many\"");
        assert_eq!(
            info(&["nothing"]).unwrap_err().to_string(),
            "line 1: expected `key: value`, found \"nothing\""
        );
    }

    #[test]
    fn an_expected_line_is_read_as_any_other_line_is() {
        let values = ["0", "12", "007", "9999999999999999999", "18446744073709551615", "", " 1", "1 ", "+1"];
        for value in values.into_iter().chain(["-1", "1x", "\"1\"", "99999999999999999999", "1\r"]) {
            for key in ["CumReq", "CumConns", "X-New", "Name"] {
                let expected = || Builder { expected: Key::cum_req as usize, ..Builder::default() };
                let (line, mut fast, mut other) = (format!("{key}: {value}"), expected(), expected());
                let read = fast.expected_lines(format!("{line}\nCumReq: 5\n").as_bytes());
                let is_plain = key == "CumReq" && ["0", "12", "007", "9999999999999999999"].contains(&value);
                assert_eq!(read, if is_plain { (1, line.len() + 1) } else { (0, 0) }, "{line:?}");
                if is_plain {
                    other.line(1, &line).unwrap();
                }
                assert_eq!((fast.expected, fast.known), (other.expected, other.known), "{line:?}");
                assert_eq!(fast.build(), other.build(), "{line:?}");
                assert_eq!(expected().expected_lines(line.as_bytes()), (0, 0), "{line:?} without its end");
            }
        }
        let mut again = Builder { expected: Key::cum_req as usize, ..Builder::default() };
        again.line(1, "CumReq: 1").unwrap();
        again.expected = Key::cum_req as usize;
        assert_eq!(again.expected_lines(b"CumReq: 2\n"), (0, 0));
        assert_eq!(again.build().cum_req(), Some(1));
    }

    #[test]
    fn a_loop_gives_the_keys_in_the_order_of_the_reply() {
        let info = info(&["Name: HAProxy", "Pid: 12", "Newer: a: b"]).unwrap();
        let expected = [("Name", "HAProxy"), ("Pid", "12"), ("Newer", "a: b")];
        assert_eq!((&info).into_iter().len(), 3);
        assert_eq!(Vec::from_iter(&info), expected);
    }
}
