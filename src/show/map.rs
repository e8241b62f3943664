//! Maps and ACLs: what `show map` and `show acl` print.

use std::borrow::Cow;
use std::fmt;

use crate::error::Malformed;
use crate::protocol::EntryRef;

/// A map or an ACL of a process: one line of the list that `show map` or
/// `show acl` prints.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[non_exhaustive]
pub struct PatternInfo {
    /// Its number in this process.
    pub number: u32,
    /// Its file, as the configuration spells it; `None` for the patterns that the
    /// configuration itself lists.
    pub file: Option<Box<str>>,
    /// What uses it, in HAProxy's words.
    pub description: Box<str>,
    /// How many entries HAProxy thinks it has; it says so since 2.6. It counts wrong:
    /// entries of a map that is used twice count twice, and each pattern that was
    /// refused takes one off. Below zero is 0.
    pub entries: Option<u64>,
}

/// An entry of a map, a key and a value, or of an ACL, a pattern.
///
/// HAProxy prints key and value with a blank between them, and either may hold
/// blanks. Only where there is one blank is it known where the key ends.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Entry<'a> {
    reference: EntryRef,
    text: &'a [u8],
}

/// All entries of a map or ACL, as they were printed.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Entries {
    printed: Box<[u8]>,
    /// Where each entry is: its reference, and the range of its text.
    entries: Vec<(u64, usize, usize)>,
}

impl PatternInfo {
    /// Reads the list that `show map` or `show acl` prints.
    pub(crate) fn read(text: &str) -> Result<Vec<Self>, Malformed> {
        let lines = text.lines().enumerate().filter(|(_, line)| !line.is_empty() && !line.starts_with('#'));
        lines.map(|(at, line)| Self::line(line).ok_or_else(|| malformed(at + 1, line.as_bytes()))).collect()
    }

    /// Reads `ID (FILE) DESCRIPTION. curr_ver=N next_ver=N entry_cnt=N`.
    fn line(line: &str) -> Option<Self> {
        let (number, rest) = line.split_once(" (")?;
        // A file may hold parentheses; what follows names it again, in quotes.
        let (file, rest) = match rest.split_once(") pattern loaded from file '") {
            Some((file, _)) => (file, rest.get(file.len() + 2..)?),
            None => rest.split_once(") ")?,
        };
        let (description, count) = match rest.rsplit_once(". curr_ver=") {
            Some((description, versions)) => {
                (description, versions.rsplit_once("entry_cnt=").map(|(_, n)| n))
            }
            None => (rest, None),
        };
        let entries = count.map(str::parse::<u64>).transpose().ok()?;
        Some(Self {
            number: number.parse().ok()?,
            file: (!file.is_empty()).then(|| file.into()),
            description: description.into(),
            entries: entries.map(|count| if count > i64::MAX.unsigned_abs() { 0 } else { count }),
        })
    }
}

impl Entries {
    /// Takes the entries that `show map ID` or `show acl ID` printed, without the
    /// empty line behind them.
    ///
    /// A line that does not begin with a reference goes on with the entry before
    /// it: an entry may hold the end of a line.
    pub(crate) fn read(printed: Vec<u8>) -> Result<Self, Malformed> {
        let mut entries: Vec<(u64, usize, usize)> = Vec::new();
        let end = printed.len() - usize::from(printed.ends_with(b"\n"));
        let mut start = 0;
        for line in printed.get(..end).unwrap_or_default().split(|&byte| byte == b'\n') {
            let stop = start + line.len();
            match (reference(line), entries.last_mut()) {
                (Some((reference, length)), _) => entries.push((reference, start + length, stop)),
                (None, Some(last)) => last.2 = stop,
                (None, None) if line.is_empty() => {}
                (None, None) => return Err(malformed(1, line)),
            }
            start = stop + 1;
        }
        Ok(Self { printed: printed.into(), entries })
    }

    pub(crate) fn len(&self) -> usize {
        self.entries.len()
    }

    pub(crate) fn iter(&self) -> impl ExactSizeIterator<Item = Entry<'_>> {
        self.entries.iter().map(|&(reference, start, end)| Entry {
            reference: EntryRef(reference),
            text: self.printed.get(start..end).unwrap_or_default(),
        })
    }
}

/// The reference at the start of a line, and how long it is with its blank.
fn reference(line: &[u8]) -> Option<(u64, usize)> {
    let rest = line.strip_prefix(b"0x")?;
    let length = rest.iter().position(|&byte| byte == b' ')?;
    let digits = std::str::from_utf8(rest.get(..length)?).ok()?;
    let number = u64::from_str_radix(digits, 16).ok()?;
    Some((number, "0x".len() + length + 1))
}

fn malformed(line: usize, found: &[u8]) -> Malformed {
    Malformed::new(line, None, "an entry of a list of maps or ACLs, or of one of them", found)
}

impl<'a> Entry<'a> {
    /// What stands for it in its process.
    pub fn reference(&self) -> EntryRef {
        self.reference
    }

    /// The pattern of an ACL; key and value of a map with a blank between them.
    /// U+FFFD for what is not UTF-8.
    pub fn text(&self) -> Cow<'a, str> {
        String::from_utf8_lossy(self.text)
    }

    /// The text, byte for byte.
    pub fn as_bytes(&self) -> &'a [u8] {
        self.text
    }

    /// The key of a map; `None` where it is not known where it ends.
    pub fn key(&self) -> Option<Cow<'a, str>> {
        self.pair().map(|(key, _)| key)
    }

    /// The value of a map; `None` where it is not known where it begins.
    pub fn value(&self) -> Option<Cow<'a, str>> {
        self.pair().map(|(_, value)| value)
    }

    /// Key and value of a map, if there is but one way to tell them apart.
    pub fn pair(&self) -> Option<(Cow<'a, str>, Cow<'a, str>)> {
        let mut splits = self.splits();
        splits.next().filter(|_| splits.next().is_none())
    }

    /// Every way to tell key and value apart, the shortest key first.
    pub fn splits(&self) -> impl Iterator<Item = (Cow<'a, str>, Cow<'a, str>)> + use<'a> {
        let bytes = self.text;
        // Checked once and not for each blank, of which there may be thousands.
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

    /// Whether it may be this key of a map with this value.
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
        assert!(Entries::read(b"a b\n".to_vec()).is_err());
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
        assert_eq!(&*list[1].description, "acl 'src' file '/etc/h.cfg' line 11");
        assert!(PatternInfo::read("x (a) b\n").is_err());
    }
}
