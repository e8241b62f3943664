use crate::error::Malformed;

/// Result of a lookup in one process: the reply to `get map` or `get acl`.
///
/// # Example
///
/// ```no_run
/// # async fn example(cluster: haproxyadmin::Cluster) -> haproxyadmin::Result<()> {
/// let hosts = cluster.map("/etc/haproxy/hosts.map")?;
/// for (label, lookup) in hosts.get("www.example.org").await?.values() {
///     println!("{label}: {}", lookup.value.as_deref().unwrap_or("not found"));
/// }
/// # Ok(())
/// # }
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[non_exhaustive]
pub struct Lookup {
    /// `true` if an entry matches.
    pub found: bool,
    /// The key of the map, or the pattern of the ACL, that matches.
    pub key: Option<Box<str>>,
    /// The value of the map.
    pub value: Option<Box<str>>,
    /// The whole reply. HAProxy does not escape quotes: if a key or value looks like another part
    /// of the reply, only this text shows it exactly.
    pub text: Box<str>,
}

impl Lookup {
    /// Reads `type=str, case=sensitive, found=yes, idx=tree, key="k", value="v", type="str"`, or a
    /// part of it. A map that is used in several ways has a line for each.
    pub(crate) fn read(data: &[u8]) -> Result<Self, Malformed> {
        let text = String::from_utf8_lossy(data);
        let is_hit = |line: &&str| line.contains(", found=yes") || line.contains(", match=yes");
        let is_line =
            |line: &&str| is_hit(line) || line.contains(", found=no") || line.contains(", match=no");
        if !text.lines().any(|line| is_line(&line)) {
            return Err(Malformed::secret(1, "found or match, and yes or no"));
        }
        let hit = text.lines().find(is_hit);
        let key = hit
            .and_then(|line| between(line, "key=\"", "\", value=\"").or(between(line, "pattern=\"", "\"")));
        let value = hit.and_then(|line| between(line, "\", value=\"", "\", type=\""));
        Ok(Self {
            found: hit.is_some(),
            key: key.map(Into::into),
            value: value.map(Into::into),
            text: text.trim_end_matches('\n').into(),
        })
    }
}

/// Returns the text between the first `start` and the last `end` after it.
fn between<'a>(line: &'a str, start: &str, end: &str) -> Option<&'a str> {
    line.split_once(start)?.1.rsplit_once(end).map(|(found, _)| found)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn maps_and_acls_say_what_they_found() {
        let lookup = |text: &str| Lookup::read(text.as_bytes()).unwrap();
        let map = lookup(
            "type=str, case=sensitive, found=yes, idx=tree, key=\"a b\", value=\"v\"w\", type=\"str\"\n",
        );
        assert_eq!((map.found, map.key.as_deref(), map.value.as_deref()), (true, Some("a b"), Some("v\"w")));
        let acl = lookup("type=ip, case=sensitive, match=yes, idx=tree, pattern=\"203.0.113.1\"\n");
        assert_eq!((acl.found, acl.key.as_deref(), acl.value), (true, Some("203.0.113.1"), None));
        let several = lookup(
            "type=ip, case=sensitive, found=no\ntype=str, case=sensitive, found=yes, idx=tree, \
            key=\"k\", value=\"v\", type=\"str\"\n",
        );
        assert_eq!((several.found, several.key.as_deref()), (true, Some("k")));
        assert!(!lookup("type=str, case=sensitive, found=no\n").found);
        let error = Lookup::read(b"secret\n").unwrap_err();
        assert_eq!(error.to_string(), "line 1: expected found or match, and yes or no");
    }
}
