use std::fmt;
use std::str::FromStr;

use crate::error::{Error, Result};
use crate::excerpt::excerpt;
use crate::show::PatternInfo;

/// Identifies a map or an ACL, by its number in a process or by its file.
///
/// A number belongs to one configuration: it depends on the order of maps and ACLs in the
/// configuration, so it differs between processes with different configurations. A file is spelled
/// as in the configuration.
///
/// # Example
///
/// ```
/// use haproxyadmin::map::PatternId;
///
/// assert_eq!("#3".parse::<PatternId>()?, PatternId::number(3));
/// let hosts: PatternId = "/etc/haproxy/hosts.map".parse()?;
/// assert_eq!(hosts.to_string(), "/etc/haproxy/hosts.map");
/// # Ok::<(), haproxyadmin::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct PatternId(Which);

#[derive(Debug, Clone, PartialEq, Eq, Hash)]
enum Which {
    Number(u32),
    File(Box<str>),
}

impl PatternId {
    /// Identifies a map or an ACL by its number, which `show map` and `show acl` list.
    pub fn number(number: u32) -> Self {
        Self(Which::Number(number))
    }

    /// Identifies a map or an ACL by its file, spelled as in the configuration.
    ///
    /// # Errors
    ///
    /// - [`InvalidInput`](crate::ErrorKind::InvalidInput) if HAProxy would not read `file` as the
    ///   name of a file: if it is empty, begins with `#` (a number) or `@` (a version), or contains
    ///   NUL, CR, LF or `<<`, which can begin a payload. Use the number for such a file.
    pub fn file(file: &str) -> Result<Self> {
        let refuse = |why: &str| Err(Error::invalid(format!("map or ACL {:?}: {why}", excerpt(file))));
        match file.bytes().next() {
            None => refuse("expected a file or `#` and a number"),
            Some(b'#') => refuse("`#` stands before a number"),
            Some(b'@') => refuse("`@` stands before a version; use its number"),
            Some(_) if file.contains(['\0', '\r', '\n']) => refuse("holds NUL, CR or LF; use its number"),
            Some(_) if file.contains("<<") => refuse("`<<` begins a payload; use its number"),
            Some(_) => Ok(Self(Which::File(file.into()))),
        }
    }

    /// Returns `true` if this line of a list is the map or ACL.
    pub(crate) fn is(&self, info: &PatternInfo) -> bool {
        match &self.0 {
            Which::Number(number) => *number == info.number,
            Which::File(file) => Some(file) == info.file.as_ref(),
        }
    }
}

impl FromStr for PatternId {
    type Err = Error;

    /// Reads `#3` as a number and any other text as a file.
    fn from_str(text: &str) -> Result<Self> {
        match text.strip_prefix('#').filter(|digits| digits.bytes().all(|byte| byte.is_ascii_digit())) {
            Some(digits) if !digits.is_empty() => match digits.parse() {
                Ok(number) => Ok(Self::number(number)),
                Err(_) => Err(Error::invalid(format!("map or ACL {:?}: no such number", excerpt(text)))),
            },
            _ => Self::file(text),
        }
    }
}

impl From<u32> for PatternId {
    fn from(number: u32) -> Self {
        Self::number(number)
    }
}

impl TryFrom<&str> for PatternId {
    type Error = Error;

    fn try_from(text: &str) -> Result<Self> {
        text.parse()
    }
}

impl TryFrom<&String> for PatternId {
    type Error = Error;

    fn try_from(text: &String) -> Result<Self> {
        text.parse()
    }
}

impl TryFrom<String> for PatternId {
    type Error = Error;

    fn try_from(text: String) -> Result<Self> {
        text.parse()
    }
}

/// Writes the text that HAProxy reads, without escapes.
impl fmt::Display for PatternId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            Which::Number(number) => write!(f, "#{number}"),
            Which::File(file) => f.write_str(file),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_haproxy_takes_for_something_else_is_refused() {
        for text in ["", "#", "#x", "#1x", "#-1", "#99999999999", "@1", "@1 a", "a<<b", "a\nb", "a\0"] {
            assert!(text.parse::<PatternId>().is_err(), "{text:?}");
        }
        for text in ["#0", "/etc/my map.map", "virt@x", "a#1", "a;b"] {
            assert_eq!(text.parse::<PatternId>().unwrap().to_string(), text);
        }
    }
}
