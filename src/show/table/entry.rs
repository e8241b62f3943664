use std::borrow::Cow;
use std::fmt;
use std::time::Duration;

use crate::error::{Malformed, Problem};
use crate::level::Level;

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

/// Line that HAProxy prints in place of the entries if the level of the socket is too low.
const DENIED: &str = "# contents not dumped due to insufficient privileges";

impl<'a> TableEntry<'a> {
    /// Reads the line with number `at` of a reply.
    pub(super) fn read(at: usize, line: &'a str) -> Result<Self, Problem> {
        if line == DENIED {
            let words = DENIED.trim_start_matches("# ").into();
            return Err(Problem::PermissionDenied { needs: Level::Operator, words });
        }
        let malformed = || Malformed::new(at, None, "an entry of a stick table", line.as_bytes());
        Ok(Self::parse(line).ok_or_else(malformed)?)
    }

    /// Reads `0xPOINTER: key=KEY use=N exp=N shard=N DATA`. Releases before 3.0 print no shard.
    pub(super) fn parse(line: &'a str) -> Option<Self> {
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
