//! Maps and ACLs: the output of `show map` and `show acl`.

mod lines;

use std::borrow::Cow;
use std::fmt;

use crate::error::{Malformed, Result};
use crate::protocol::{EntryRef, Next, PromptedReply, ReplyReader};
use lines::{Lines, reference};

/// A map or an ACL of a process: one line of the list that `show map` or `show acl` prints.
///
/// # Example
///
/// ```no_run
/// # async fn example(cluster: haproxyadmin::Cluster) -> haproxyadmin::Result<()> {
/// let lists = cluster.maps().await?;
/// for (_, maps) in lists.values() {
///     for map in maps {
///         println!("#{} {:?} {:?}", map.number, map.file, map.entries);
///     }
/// }
/// # Ok(())
/// # }
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[non_exhaustive]
pub struct PatternInfo {
    /// Number of the map or ACL in this process.
    pub number: u32,
    /// File, as the configuration spells it; `None` if the patterns are listed in the configuration
    /// itself.
    pub file: Option<Box<str>>,
    /// The place that uses it, as HAProxy describes it.
    pub description: Box<str>,
    /// Number of entries, as HAProxy counts them (2.6 and later). The count is not reliable:
    /// entries of a map that is used twice count twice, and each refused pattern subtracts one. A
    /// negative count is reported as 0.
    pub entries: Option<u64>,
    /// Number of the version that requests see (2.4 and later). [`Map::replace`](crate::Map::replace)
    /// creates versions.
    #[cfg_attr(feature = "serde", serde(default))]
    pub version: Option<u32>,
}

/// An entry of a map (key and value) or of an ACL (pattern).
///
/// HAProxy prints a blank between key and value, but both may also contain blanks. The end of the
/// key is known only if the text has exactly one blank.
///
/// # Example
///
/// ```no_run
/// # async fn example(cluster: haproxyadmin::Cluster) -> haproxyadmin::Result<()> {
/// let contents = cluster.map("/etc/haproxy/hosts.map")?.show().await?;
/// for entry in contents.entries()? {
///     println!("{} {:?} {:?}", entry.reference(), entry.key(), entry.value());
/// }
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Entry<'a> {
    reference: EntryRef,
    text: &'a [u8],
}

/// All entries of a map or ACL, with their printed text.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Entries {
    /// The lines, without the line feed of the last line.
    printed: Box<[u8]>,
    /// Start of the first line of each entry. The other lines of an entry follow it.
    starts: Vec<usize>,
}

/// Reader of the reply to `show map ID` or `show acl ID` at a prompt. It finds the entries while the reply
/// arrives: HAProxy prints the next ones at the same time.
#[derive(Debug, Default)]
pub(crate) struct EntriesReader {
    reply: PromptedReply,
    lines: Lines,
}

impl PatternInfo {
    /// Reads the list that `show map` or `show acl` prints.
    pub(crate) fn read(text: &str) -> Result<Vec<Self>, Malformed> {
        let lines = text.lines().enumerate().filter(|(_, line)| !line.is_empty() && !line.starts_with('#'));
        let malformed = |at, line: &str| Malformed::new(at + 1, None, "a map or an ACL", line.as_bytes());
        lines.map(|(at, line)| Self::line(line).ok_or_else(|| malformed(at, line))).collect()
    }

    /// Reads `ID (FILE) DESCRIPTION. curr_ver=N next_ver=N entry_cnt=N`.
    fn line(line: &str) -> Option<Self> {
        let (number, rest) = line.split_once(" (")?;
        // A file name may contain parentheses; the text after it repeats the name in quotes.
        let (file, rest) = match rest.split_once(") pattern loaded from file '") {
            Some((file, _)) => (file, rest.get(file.len() + 2..)?),
            None => rest.split_once(") ")?,
        };
        let (description, versions) = rest.rsplit_once(". curr_ver=").unwrap_or((rest, ""));
        let count = versions.rsplit_once("entry_cnt=").map(|(_, count)| count);
        let entries = count.map(str::parse::<u64>).transpose().ok()?;
        let version = versions.split_once(' ').map(|(version, _)| version.parse()).transpose().ok()?;
        Some(Self {
            number: number.parse().ok()?,
            file: (!file.is_empty()).then(|| file.into()),
            description: description.into(),
            entries: entries.map(|count| if count > i64::MAX.unsigned_abs() { 0 } else { count }),
            version,
        })
    }
}

impl Entries {
    /// Reads the entries that `show map ID` or `show acl ID` printed, without the empty line after
    /// them.
    ///
    /// A line that does not begin with a reference continues the previous entry, because an entry
    /// may contain a line feed.
    pub(crate) fn read(printed: Vec<u8>) -> Result<Self, Malformed> {
        Self::new(printed, Lines::default())
    }

    fn new(mut printed: Vec<u8>, mut lines: Lines) -> Result<Self, Malformed> {
        lines.find(&printed);
        if printed.ends_with(b"\n") {
            printed.pop();
        }
        let starts = lines.starts;
        let before = starts.first().and_then(|first| printed.get(..*first)).unwrap_or(&printed);
        if let Some(at) = before.split(|&byte| byte == b'\n').position(|line| !line.is_empty()) {
            return Err(Malformed::secret(at + 1, "an entry of a map or an ACL"));
        }
        Ok(Self { printed: printed.into(), starts })
    }

    pub(crate) fn len(&self) -> usize {
        self.starts.len()
    }

    pub(crate) fn iter(&self) -> impl ExactSizeIterator<Item = Entry<'_>> {
        self.starts.iter().enumerate().map(|(at, &start)| {
            let end = self.starts.get(at + 1).map_or(self.printed.len(), |next| next - 1);
            let lines = self.printed.get(start..end).unwrap_or_default();
            let (number, length) = reference(lines).unwrap_or_default();
            Entry { reference: EntryRef(number), text: lines.get(length..).unwrap_or_default() }
        })
    }
}

impl EntriesReader {
    /// Returns the entries, or the whole reply if it does not begin with an entry.
    ///
    /// # Errors
    ///
    /// - `Truncated` if the end of the connection is not proved to be the end of the reply.
    pub(crate) fn finish(self) -> Result<Result<Entries, Vec<u8>>> {
        let mut reply = self.reply.finish()?;
        if self.lines.starts.first() != Some(&0) {
            return Ok(Err(reply));
        }
        // The empty line behind the list.
        reply.pop();
        Ok(Ok(Entries::new(reply, self.lines)?))
    }
}

impl ReplyReader for EntriesReader {
    fn feed(&mut self, bytes: &[u8]) -> Result<Next> {
        let next = self.reply.feed(bytes)?;
        self.lines.find(self.reply.bytes());
        Ok(next)
    }
}

/// Returns the number of the version that `prepare map` or `prepare acl` created.
pub(crate) fn new_version(words: &str) -> Result<u32, Malformed> {
    let number = words.strip_prefix("New version created: ").and_then(|number| number.parse().ok());
    number.ok_or_else(|| Malformed::new(1, None, "the number of a new version", words.as_bytes()))
}

impl<'a> Entry<'a> {
    /// Returns the reference of the entry in its process.
    pub fn reference(&self) -> EntryRef {
        self.reference
    }

    /// Returns the pattern of an ACL, or key and value of a map with a blank between them. Invalid
    /// UTF-8 is replaced by U+FFFD.
    pub fn text(&self) -> Cow<'a, str> {
        String::from_utf8_lossy(self.text)
    }

    /// Returns the text as bytes.
    pub fn as_bytes(&self) -> &'a [u8] {
        self.text
    }

    /// Returns the key of a map entry, or `None` if its end is not known.
    pub fn key(&self) -> Option<Cow<'a, str>> {
        self.pair().map(|(key, _)| key)
    }

    /// Returns the value of a map entry, or `None` if its beginning is not known.
    pub fn value(&self) -> Option<Cow<'a, str>> {
        self.pair().map(|(_, value)| value)
    }

    /// Returns key and value of a map entry if there is only one way to split them.
    pub fn pair(&self) -> Option<(Cow<'a, str>, Cow<'a, str>)> {
        let mut splits = self.splits();
        splits.next().filter(|_| splits.next().is_none())
    }

    /// Returns every way to split the text into key and value, the shortest key first.
    pub fn splits(&self) -> impl Iterator<Item = (Cow<'a, str>, Cow<'a, str>)> + use<'a> {
        let bytes = self.text;
        // Checked once for the whole text, because it may contain thousands of blanks.
        let text = std::str::from_utf8(bytes).ok();
        let lossy = |part: Option<&'a [u8]>| String::from_utf8_lossy(part.unwrap_or_default());
        let blanks = bytes.iter().enumerate().filter(|(_, byte)| **byte == b' ');
        blanks.map(move |(at, _)| {
            let parts = text.and_then(|text| Some((text.get(..at)?, text.get(at + 1..)?)));
            parts.map_or_else(
                || (lossy(bytes.get(..at)), lossy(bytes.get(at + 1..))),
                |(key, value)| (key.into(), value.into()),
            )
        })
    }

    /// Returns `true` if the entry can have this key and this value.
    pub fn is(&self, key: &str, value: &str) -> bool {
        let rest = self.text.strip_prefix(key.as_bytes()).and_then(|rest| rest.strip_prefix(b" "));
        rest == Some(value.as_bytes())
    }
}

impl fmt::Display for Entry<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text())
    }
}

impl fmt::Debug for Entry<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Entry({} {:?})", self.reference, self.text())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entries(printed: &str) -> Vec<String> {
        Entries::read(printed.into()).unwrap().iter().map(|entry| entry.to_string()).collect()
    }

    #[test]
    fn entries_are_told_by_their_references() {
        assert_eq!(entries(""), [""; 0]);
        assert_eq!(entries("0x1 a b\n0x2 c d\n"), ["a b", "c d"]);
        assert_eq!(entries("0x1 a \n0x2  b\n"), ["a ", " b"]);
        assert_eq!(entries("0x1 k\n\n> v\n0x2 c\n\n"), ["k\n\n> v", "c\n"]);
        let error = Entries::read(b"\nsecret b\n".to_vec()).unwrap_err();
        assert_eq!(error.to_string(), "line 2: expected an entry of a map or an ACL");
    }

    #[test]
    fn entries_are_the_same_however_the_reply_is_split() {
        for (list, expected) in [
            ("0x1 k\n\n> v\n0x2 c\n", Some(&["k\n\n> v", "c\n"][..])),
            ("0x1 a b\n0x", Some(&["a b\n0x"])),
            ("", None),
            ("[3]: no", None),
            ("\n0x1 a", None),
        ] {
            let printed = if list.is_empty() { "\n".to_owned() } else { format!("{list}\n\n") };
            let reply = format!("\n> \n> {printed}> \n");
            for size in 1..reply.len() {
                let mut reader = EntriesReader::default();
                let (before, last) = reply.as_bytes().split_at(reply.len() - 1);
                for piece in before.chunks(size).chain([&b""[..], last]) {
                    reader.feed(piece).unwrap();
                }
                let read = reader.finish().unwrap();
                let texts = |entries: Entries| entries.iter().map(|one| one.to_string()).collect::<Vec<_>>();
                let expected = expected.map(|texts| texts.iter().map(ToString::to_string).collect());
                assert_eq!(
                    read.map(texts),
                    expected.ok_or(printed.clone().into_bytes()),
                    "{list:?} in {size}"
                );
            }
        }
    }

    #[test]
    fn a_new_version_has_a_number() {
        assert_eq!(new_version("New version created: 17"), Ok(17));
        for words in ["", "New version created: ", "New version created: x", "17", "New version created: 1 2"]
        {
            assert!(new_version(words).is_err(), "{words}");
        }
    }

    #[test]
    fn a_key_is_known_where_there_is_one_blank() {
        let entries = Entries::read(b"0x1 k v\n0x2 k v w\n0x3 k \n".to_vec()).unwrap();
        let entries: Vec<_> = entries.iter().collect();
        let [plain, ambiguous, empty] = entries.as_slice() else { panic!("{entries:?}") };
        assert_eq!(plain.pair(), Some(("k".into(), "v".into())));
        assert_eq!((ambiguous.key(), ambiguous.splits().count()), (None, 2));
        assert!(ambiguous.is("k", "v w") && ambiguous.is("k v", "w") && !ambiguous.is("k", "v"));
        assert_eq!(empty.pair(), Some(("k".into(), "".into())));
    }

    #[test]
    fn a_list_names_files_and_counts() {
        let text = "# id (file) description\n\
            2 (/etc/my map (1).map) pattern loaded from file '/etc/my map (1).map' used by map at file 'h.cfg' line 12. \
            curr_ver=0 next_ver=1 entry_cnt=3\n\
            1 () acl 'src' file '/etc/h.cfg' line 11\n\
            0 (d.acl) pattern loaded from file 'd.acl' used by acl at file 'h.cfg' line 11. curr_ver=0 next_ver=0 \
            entry_cnt=18446744073709551615\n\n";
        let list = PatternInfo::read(text).unwrap();
        let seen: Vec<_> = list.iter().map(|one| (one.number, one.file.as_deref(), one.entries)).collect();
        assert_eq!(
            seen,
            [(2, Some("/etc/my map (1).map"), Some(3)), (1, None, None), (0, Some("d.acl"), Some(0))]
        );
        assert_eq!(list.iter().map(|one| one.version).collect::<Vec<_>>(), [Some(0), None, Some(0)]);
        assert_eq!(&*list[1].description, "acl 'src' file '/etc/h.cfg' line 11");
        let error = PatternInfo::read("x (a) b\n").unwrap_err();
        assert_eq!(error.to_string(), "line 1: expected a map or an ACL, found \"x (a) b\"");
    }
}
