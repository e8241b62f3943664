use std::fmt;

use super::entry::TableEntry;
use super::info::TableInfo;
use crate::error::Problem;

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
#[derive(Clone)]
pub struct TableEntries {
    /// The whole reply, with the line of the table before the entries.
    reply: Box<str>,
    /// End of each line in the reply.
    ends: Box<[usize]>,
}

impl TableEntries {
    /// Reads the reply to `show table NAME`, without the empty line after it. HAProxy prints
    /// nothing if the command has a key, and the table does not have it.
    ///
    /// An entry is one line, because HAProxy escapes line feeds in keys.
    pub(crate) fn read(reply: Vec<u8>) -> Result<Self, Problem> {
        let reply = String::from_utf8(reply)
            .unwrap_or_else(|error| String::from_utf8_lossy(error.as_bytes()).into_owned());
        let mut ends = Vec::new();
        let mut end = 0;
        for (at, line) in reply.split_terminator('\n').enumerate() {
            match at {
                0 => TableInfo::head(line)?,
                _ => drop(TableEntry::read(at + 1, line)?),
            }
            end += line.len() + 1;
            ends.push(end);
        }
        Ok(Self { reply: reply.into(), ends: ends.into() })
    }

    /// Returns the number of entries.
    pub fn len(&self) -> usize {
        self.ends.len().saturating_sub(1)
    }

    /// Returns `true` if there is no entry.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
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

    /// Returns the line of an entry.
    fn line(&self, index: usize) -> Option<&str> {
        let line = self.reply.get(*self.ends.get(index)?..*self.ends.get(index + 1)?)?;
        Some(line.trim_end_matches('\n'))
    }
}

/// Entries are equal if their keys and figures are.
impl PartialEq for TableEntries {
    fn eq(&self, other: &Self) -> bool {
        self.iter().eq(other.iter())
    }
}

impl Eq for TableEntries {}

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

#[cfg(test)]
mod tests {
    use std::time::Duration;

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
        let denied = REPLY.split_once('\n').unwrap().0.to_owned()
            + "\n# contents not dumped due to insufficient privileges\n";
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
}
