//! Stick tables: the output of `show table`.

use std::borrow::Cow;
use std::fmt;
use std::time::Duration;

use crate::error::{Malformed, Problem};
use crate::level::Level;

/// A stick table of a process: one line of the list that `show table` prints.
///
/// # Example
///
/// ```no_run
/// # async fn example(cluster: haproxyadmin::Cluster) -> haproxyadmin::Result<()> {
/// for (label, tables) in cluster.tables().await?.values() {
///     for table in tables {
///         println!("{label}: {} holds {} of {} keys", table.name, table.used, table.size);
///     }
/// }
/// # Ok(())
/// # }
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[non_exhaustive]
pub struct TableInfo {
    /// Name: that of its proxy, or `PEERS/TABLE` for a table of a `peers` section.
    pub name: Box<str>,
    /// Type of the keys.
    pub key_type: KeyType,
    /// Highest number of entries.
    pub size: u64,
    /// Number of entries.
    pub used: u64,
}

/// Type of the keys of a stick table.
///
/// # Example
///
/// ```no_run
/// # async fn example(cluster: haproxyadmin::Cluster) -> haproxyadmin::Result<()> {
/// use haproxyadmin::table::KeyType;
///
/// let lists = cluster.tables().await?;
/// let tables = lists.values().flat_map(|(_, tables)| tables);
/// println!("{} tables by client address", tables.filter(|one| one.key_type == KeyType::Ip).count());
/// # Ok(())
/// # }
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(rename_all = "lowercase"))]
#[non_exhaustive]
pub enum KeyType {
    /// IPv4 address.
    Ip,
    /// IPv6 address.
    Ipv6,
    /// Whole number of 32 bits.
    Integer,
    /// Text. HAProxy cuts a longer key to the length that the configuration sets (`len`).
    String,
    /// Bytes, which HAProxy prints in hexadecimal. HAProxy cannot look up such keys.
    Binary,
    /// A type that this crate does not know.
    Other(Box<str>),
}

/// Entries of a stick table in one process: the reply to `show table NAME`.
///
/// # Example
///
/// ```no_run
/// # async fn example(cluster: haproxyadmin::Cluster) -> haproxyadmin::Result<()> {
/// for (label, entries) in cluster.table("clients")?.show().await?.values() {
///     for entry in entries {
///         println!("{label}: {} {:?}", entry.key_text(), entry.get("conn_cur"));
///     }
/// }
/// # Ok(())
/// # }
/// ```
#[derive(Clone, PartialEq, Eq)]
pub struct TableEntries {
    /// The printed lines of the entries.
    text: Box<str>,
    /// End of each line in the text.
    ends: Box<[usize]>,
}

/// One entry of a stick table.
///
/// # Example
///
/// ```no_run
/// # fn example(entry: haproxyadmin::table::TableEntry) {
/// println!("{} for {:?} more", entry.key_text(), entry.expires_in());
/// for datum in entry.data() {
///     println!("{} {:?} {}", datum.name, datum.period, datum.value);
/// }
/// # }
/// ```
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct TableEntry<'a> {
    /// The key as HAProxy prints it.
    key: &'a str,
    in_use: u64,
    expires_in: u64,
    shard: Option<u64>,
    data: &'a str,
}

/// One stored value of an entry of a stick table.
///
/// # Example
///
/// ```no_run
/// # fn example(entry: haproxyadmin::table::TableEntry) {
/// let rates = entry.data().filter(|datum| datum.period.is_some());
/// for rate in rates {
///     println!("{}: {:?} in {:?}", rate.name, rate.number(), rate.period);
/// }
/// # }
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct Datum<'a> {
    /// Name of the data type, such as `http_req_rate`. HAProxy prints the elements of an array as
    /// types of their own: `gpc0` and `gpc1` of `gpc(2)`.
    pub name: &'a str,
    /// Period over which HAProxy counts a rate. The unit of the value is events per period.
    pub period: Option<Duration>,
    /// The value as HAProxy prints it. Only `server_key` is not a number.
    pub value: &'a str,
}

impl TableInfo {
    /// Reads the list that `show table` prints.
    pub(crate) fn read(text: &str) -> Result<Vec<Self>, Malformed> {
        let lines = text.lines().enumerate().filter(|(_, line)| !line.is_empty());
        let malformed = |at: usize, line: &str| {
            Malformed::new(at + 1, None, "a line of the list of stick tables", line.as_bytes())
        };
        lines.map(|(at, line)| Self::line(line).ok_or_else(|| malformed(at, line))).collect()
    }

    /// Reads `# table: NAME, type: TYPE, size:N, used:N`.
    fn line(line: &str) -> Option<Self> {
        let (name, rest) = line.strip_prefix("# table: ")?.split_once(", type: ")?;
        let (key_type, rest) = rest.split_once(", size:")?;
        let (size, rest) = rest.split_once(", used:")?;
        let used = rest.split_once(',').map_or(rest, |(used, _)| used);
        Some(Self {
            name: name.into(),
            key_type: KeyType::parse(key_type),
            size: size.parse().ok()?,
            used: used.parse().ok()?,
        })
    }
}

impl KeyType {
    fn parse(word: &str) -> Self {
        match word {
            "ip" => Self::Ip,
            "ipv6" => Self::Ipv6,
            "integer" => Self::Integer,
            "string" => Self::String,
            "binary" => Self::Binary,
            other => Self::Other(other.into()),
        }
    }
}

impl fmt::Display for KeyType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Ip => "ip",
            Self::Ipv6 => "ipv6",
            Self::Integer => "integer",
            Self::String => "string",
            Self::Binary => "binary",
            Self::Other(word) => word,
        })
    }
}

/// Line that HAProxy prints in place of the entries if the level of the socket is too low.
const DENIED: &str = "# contents not dumped due to insufficient privileges";

impl TableEntries {
    /// Reads the reply to `show table NAME`, without the empty line after it. HAProxy prints
    /// nothing if the command has a key, and the table does not have it.
    ///
    /// An entry is one line, because HAProxy escapes line feeds in keys.
    pub(crate) fn read(reply: Vec<u8>) -> Result<Self, Problem> {
        let reply = String::from_utf8(reply)
            .unwrap_or_else(|error| String::from_utf8_lossy(error.as_bytes()).into_owned());
        let (head, text) = reply.split_once('\n').unwrap_or((&reply, ""));
        if !head.is_empty() && TableInfo::line(head).is_none() {
            return Err(malformed(1, head).into());
        }
        if text.starts_with(DENIED) {
            let words = DENIED.trim_start_matches("# ").into();
            return Err(Problem::PermissionDenied { needs: Level::Operator, words });
        }
        let mut ends = Vec::new();
        let mut end = 0;
        for (at, line) in text.split_terminator('\n').enumerate() {
            if TableEntry::parse(line).is_none() {
                return Err(malformed(at + 2, line).into());
            }
            end += line.len() + 1;
            ends.push(end);
        }
        Ok(Self { text: text.into(), ends: ends.into() })
    }

    /// Returns the number of entries.
    pub fn len(&self) -> usize {
        self.ends.len()
    }

    /// Returns `true` if there is no entry.
    pub fn is_empty(&self) -> bool {
        self.ends.is_empty()
    }

    /// Returns every entry, in the order of the reply.
    pub fn iter(&self) -> TableEntriesIter<'_> {
        TableEntriesIter { entries: self, next: 0 }
    }

    /// Returns the entry with this key, compared as [`TableEntry::key`] returns it. Takes time
    /// proportional to the number of entries.
    pub fn get(&self, key: impl AsRef<[u8]>) -> Option<TableEntry<'_>> {
        self.iter().find(|entry| *entry.key() == *key.as_ref())
    }

    fn line(&self, index: usize) -> Option<&str> {
        let start = index.checked_sub(1).map_or(Some(0), |before| self.ends.get(before).copied())?;
        self.text.get(start..*self.ends.get(index)?).map(|line| line.trim_end_matches('\n'))
    }
}

impl fmt::Debug for TableEntries {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self).finish()
    }
}

impl<'a> IntoIterator for &'a TableEntries {
    type Item = TableEntry<'a>;
    type IntoIter = TableEntriesIter<'a>;

    fn into_iter(self) -> Self::IntoIter {
        self.iter()
    }
}

/// Iterator over the entries of a stick table. [`TableEntries::iter`] makes it.
///
/// # Example
///
/// ```no_run
/// # fn example(entries: &haproxyadmin::table::TableEntries) {
/// for entry in entries {
///     println!("{}", entry.key_text());
/// }
/// # }
/// ```
#[derive(Debug, Clone)]
pub struct TableEntriesIter<'a> {
    entries: &'a TableEntries,
    next: usize,
}

impl<'a> Iterator for TableEntriesIter<'a> {
    type Item = TableEntry<'a>;

    fn next(&mut self) -> Option<Self::Item> {
        let line = self.entries.line(self.next)?;
        self.next += 1;
        TableEntry::parse(line)
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        let left = self.entries.len() - self.next;
        (left, Some(left))
    }
}

impl ExactSizeIterator for TableEntriesIter<'_> {}

impl<'a> TableEntry<'a> {
    /// Reads `0xPOINTER: key=KEY use=N exp=N shard=N DATA`. Releases before 3.0 print no shard.
    fn parse(line: &'a str) -> Option<Self> {
        let (pointer, rest) = line.strip_prefix("0x")?.split_once(": key=")?;
        u64::from_str_radix(pointer, 16).ok()?;
        let (key, rest) = rest.split_at(key_end(rest));
        let (in_use, rest) = number(rest, " use=")?;
        let (expires_in, rest) = number(rest, " exp=")?;
        let (shard, data) = match number(rest, " shard=") {
            Some((shard, data)) => (Some(shard), data),
            None => (None, rest),
        };
        let entry = Self { key, in_use, expires_in, shard, data };
        let is_whole = data.split_terminator(' ').skip(1).all(|word| Datum::parse(word).is_some());
        (is_whole && (data.is_empty() || data.starts_with(' '))).then_some(entry)
    }

    /// Returns the bytes of the key. The text of an address or of a number is the key as HAProxy
    /// prints it; the key of a binary table is hexadecimal.
    pub fn key(&self) -> Cow<'a, [u8]> {
        if self.key.contains('\\') { unescaped(self.key).into() } else { self.key.as_bytes().into() }
    }

    /// Returns the key as text. Bytes that are not UTF-8 become U+FFFD.
    pub fn key_text(&self) -> Cow<'a, str> {
        match self.key() {
            Cow::Borrowed(key) => String::from_utf8_lossy(key),
            Cow::Owned(key) => String::from_utf8_lossy(&key).into_owned().into(),
        }
    }

    /// Returns the number of connections and streams that track the entry now (`use`).
    pub fn in_use(&self) -> u64 {
        self.in_use
    }

    /// Returns the time after which the entry expires if it is not used, in milliseconds precision
    /// (`exp`). Zero if entries of the table never expire.
    pub fn expires_in(&self) -> Duration {
        Duration::from_millis(self.expires_in)
    }

    /// Returns the number of the shard that the entry is sent to (`shard`; HAProxy 3.0 and later). 0
    /// if entries are sent to all peers.
    pub fn shard(&self) -> Option<u64> {
        self.shard
    }

    /// Returns every stored value, in the order of the reply.
    pub fn data(&self) -> impl Iterator<Item = Datum<'a>> + Clone + use<'a> {
        self.data.split_terminator(' ').filter_map(Datum::parse)
    }

    /// Returns the stored number called `name`, such as `http_req_rate`; `None` if the table does not
    /// store it, or if it is not a number.
    pub fn get(&self, name: &str) -> Option<u64> {
        self.data().find(|datum| datum.name == name)?.number()
    }
}

impl fmt::Debug for TableEntry<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TableEntry")
            .field("key", &self.key_text())
            .field("in_use", &self.in_use)
            .field("expires_in", &self.expires_in())
            .field("shard", &self.shard)
            .field("data", &self.data.trim_start())
            .finish()
    }
}

impl<'a> Datum<'a> {
    /// Reads `NAME=VALUE` or `NAME(MILLISECONDS)=VALUE`.
    fn parse(word: &'a str) -> Option<Self> {
        let (name, value) = word.split_once('=')?;
        let (name, period) = match name.strip_suffix(')').and_then(|name| name.split_once('(')) {
            Some((name, period)) => (name, Some(Duration::from_millis(period.parse().ok()?))),
            None => (name, None),
        };
        Some(Self { name, period, value })
    }

    /// Returns the value as a number.
    pub fn number(&self) -> Option<u64> {
        self.value.parse().ok()
    }
}

/// Returns the length of the key at the start of `text`. A blank in a key has a backslash before it.
fn key_end(text: &str) -> usize {
    let mut is_escaped = false;
    let is_end = |byte: u8| {
        let ends = byte == b' ' && !is_escaped;
        is_escaped = byte == b'\\' && !is_escaped;
        ends
    };
    text.bytes().position(is_end).unwrap_or(text.len())
}

/// Returns the number after `name` at the start of `text`, and the rest.
fn number<'a>(text: &'a str, name: &str) -> Option<(u64, &'a str)> {
    let text = text.strip_prefix(name)?;
    let (digits, rest) = text.split_at(text.find(' ').unwrap_or(text.len()));
    Some((digits.parse().ok()?, rest))
}

/// Returns the bytes of a key that HAProxy printed with escapes: `\xHH`, a letter for a control
/// character, or the character itself.
fn unescaped(printed: &str) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(printed.len());
    let mut rest = printed.as_bytes();
    while let [first, behind @ ..] = rest {
        let (byte, length) = match (first, behind) {
            (b'\\', [b'x', high, low, ..]) => match (hex(*high), hex(*low)) {
                (Some(high), Some(low)) => (high << 4 | low, 4),
                _ => (b'x', 2),
            },
            (b'\\', [b't', ..]) => (b'\t', 2),
            (b'\\', [b'n', ..]) => (b'\n', 2),
            (b'\\', [b'r', ..]) => (b'\r', 2),
            (b'\\', [b'e', ..]) => (0x1b, 2),
            (b'\\', [other, ..]) => (*other, 2),
            _ => (*first, 1),
        };
        bytes.push(byte);
        rest = rest.get(length..).unwrap_or_default();
    }
    bytes
}

fn hex(digit: u8) -> Option<u8> {
    char::from(digit).to_digit(16).and_then(|value| u8::try_from(value).ok())
}

fn malformed(line: usize, found: &str) -> Malformed {
    Malformed::new(line, None, "an entry of a stick table", found.as_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;

    const REPLY: &str = "# table: st, type: string, size:100, used:3\n\
        0x7f1: key=a\\ b\\=\\\\\\n\\x7F\\xC3\\xA9 use=2 exp=3599999 shard=0 gpc0=5 conn_rate(3000)=7 server_key=-\n\
        0x7f2: key=plain use=0 exp=0\n\
        0x7f3: key= use=0 exp=1 gpc0=1\n";

    fn read(reply: &str) -> Result<TableEntries, String> {
        TableEntries::read(reply.into()).map_err(|problem| problem.to_string())
    }

    #[test]
    fn keys_hold_any_bytes() {
        let entries = read(REPLY).unwrap();
        let keys: Vec<_> = entries.iter().map(|entry| entry.key_text().into_owned()).collect();
        assert_eq!(keys, ["a b=\\\n\u{7f}é", "plain", ""]);
        assert_eq!(entries.get("plain").unwrap().expires_in(), Duration::ZERO);
        assert_eq!((entries.len(), entries.iter().len()), (3, 3));
    }

    #[test]
    fn rates_have_their_period() {
        let entries = read(REPLY).unwrap();
        let first = entries.iter().next().unwrap();
        assert_eq!((first.in_use(), first.shard(), first.get("gpc0")), (2, Some(0), Some(5)));
        let data: Vec<_> = first.data().map(|one| (one.name, one.period, one.number())).collect();
        let period = Some(Duration::from_secs(3));
        assert_eq!(
            data,
            [("gpc0", None, Some(5)), ("conn_rate", period, Some(7)), ("server_key", None, None)]
        );
        assert_eq!(entries.get("plain").unwrap().data().count(), 0);
    }

    #[test]
    fn a_reply_of_another_form_is_an_error() {
        assert_eq!(read("").unwrap().len(), 0);
        let denied = REPLY.split_once('\n').unwrap().0.to_owned() + "\n" + DENIED + "\n";
        assert!(read(&denied).unwrap_err().contains("insufficient privileges"));
        for (line, found) in [
            ("0x1: key=a use=1 exp=2 gpc0\n", "line 2"),
            ("0x1: key=a use=x exp=2\n", "line 2"),
            ("0xz: key=a use=1 exp=2\n", "line 2"),
            ("0x1: key=a use=1\n", "line 2"),
            ("\n", "line 2"),
        ] {
            let reply = REPLY.split_once('\n').unwrap().0.to_owned() + "\n" + line;
            assert!(read(&reply).unwrap_err().starts_with(found), "{line}");
        }
        assert!(read("No such\n").unwrap_err().starts_with("line 1"));
    }

    #[test]
    fn tables_are_listed() {
        let text = "# table: st_ip6, type: ipv6, size:100, used:0\n# table: p/t, type: new, size:9, used:1\n";
        let list = TableInfo::read(text).unwrap();
        assert_eq!((&*list[1].name, list[1].size, list[1].used), ("p/t", 9, 1));
        assert_eq!((&list[0].key_type, list[1].key_type.to_string()), (&KeyType::Ipv6, "new".into()));
        assert!(TableInfo::read("# table: a, type: ip, size:x, used:1\n").is_err());
    }
}
