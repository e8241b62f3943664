use std::fmt;

use crate::error::Malformed;

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

impl TableInfo {
    /// Reads the list that `show table` prints.
    pub(crate) fn read(text: &str) -> Result<Vec<Self>, Malformed> {
        let lines = text.lines().enumerate().filter(|(_, line)| !line.is_empty());
        let malformed = |at: usize, line: &str| {
            Malformed::new(at + 1, None, "a line of the list of stick tables", line.as_bytes())
        };
        lines.map(|(at, line)| Self::line(line).ok_or_else(|| malformed(at, line))).collect()
    }

    /// Checks the line that precedes the entries of a table.
    pub(super) fn head(line: &str) -> Result<(), Malformed> {
        let malformed = || Malformed::new(1, None, "the line of a stick table", line.as_bytes());
        Self::line(line).map(drop).ok_or_else(malformed)
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tables_are_listed() {
        let text = "# table: st_ip6, type: ipv6, size:100, used:0\n# table: p/t, type: new, size:9, used:1\n";
        let list = TableInfo::read(text).unwrap();
        assert_eq!((&*list[1].name, list[1].size, list[1].used), ("p/t", 9, 1));
        assert_eq!((&list[0].key_type, list[1].key_type.to_string()), (&KeyType::Ipv6, "new".into()));
        assert!(TableInfo::read("# table: a, type: ip, size:x, used:1\n").is_err());
    }
}
