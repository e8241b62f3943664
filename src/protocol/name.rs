//! Names that HAProxy's configuration accepts.
//!
//! Names are checked and not escaped: HAProxy looks up `#3` by number, and `#0` is the internal
//! proxy of the stats sockets.

use std::fmt;

use crate::error::{Error, Result};
use crate::excerpt::excerpt;

/// Name of a frontend or backend.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct ProxyName(Box<str>);

/// Name of a server and name of its backend.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct ServerName {
    backend: ProxyName,
    name: ProxyName,
}

/// Name of a host that HAProxy resolves.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct Host(Box<str>);

/// Length limit of a name, in bytes.
const LONGEST: usize = 1024;

/// Length limit of a host name, in bytes (RFC 1035).
const LONGEST_HOST: usize = 253;

impl ProxyName {
    pub(crate) fn new(what: &str, name: &str) -> Result<Self> {
        let allowed = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'.' | b':' | b'-');
        check(what, name, LONGEST, allowed, "letters, digits, `_`, `.`, `:` and `-`").map(Self)
    }

    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }
}

impl ServerName {
    pub(crate) fn new(backend: &str, name: &str) -> Result<Self> {
        let backend = ProxyName::new("backend", backend)?;
        Ok(Self { backend, name: ProxyName::new("server", name)? })
    }

    pub(crate) fn backend(&self) -> &str {
        self.backend.as_str()
    }

    pub(crate) fn name(&self) -> &str {
        self.name.as_str()
    }
}

impl Host {
    pub(crate) fn new(name: &str) -> Result<Self> {
        let allowed = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'.' | b'-');
        // HAProxy reads `1` as 0.0.0.1, and `010.0.0.1` as 8.0.0.1.
        let last = name.trim_end_matches('.').rsplit('.').next().unwrap_or_default();
        if last.starts_with(|c: char| c.is_ascii_digit()) {
            return Err(Error::invalid(format!("name of a host: {:?} looks like an address", excerpt(name))));
        }
        check("host", name, LONGEST_HOST, allowed, "letters, digits, `_`, `.` and `-`").map(Self)
    }
}

fn check(
    what: &str,
    name: &str,
    longest: usize,
    allowed: impl Fn(u8) -> bool,
    those: &str,
) -> Result<Box<str>> {
    if name.is_empty() || name.len() > longest {
        return Err(Error::invalid(format!(
            "name of a {what}: expected 1 to {longest} bytes, found {}",
            name.len()
        )));
    }
    if !name.bytes().all(allowed) {
        return Err(Error::invalid(format!("name of a {what}: {:?} has more than {those}", excerpt(name))));
    }
    Ok(name.into())
}

impl fmt::Display for ProxyName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Display for ServerName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.backend, self.name)
    }
}

impl fmt::Display for Host {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_those_of_the_configuration() {
        assert_eq!(ServerName::new("be-1.x:y_z", "7").unwrap().to_string(), "be-1.x:y_z/7");
        for name in ["", "#0", "a b", "a/b", "a;b", "a\\b", "a\n", "é", "a,b", "@1", "<<"] {
            assert!(ProxyName::new("backend", name).is_err(), "{name:?}");
        }
        for host in ["1", "127.1", "010.0.0.1", "0x7f.1", "a.0x1", "1.2.3.4.", "", "a b", "::1"] {
            assert!(Host::new(host).is_err(), "{host:?}");
        }
        assert_eq!(Host::new("3com.example.").unwrap().to_string(), "3com.example.");
        assert!(ProxyName::new("backend", &"x".repeat(LONGEST + 1)).is_err());
        assert_eq!(
            ServerName::new("app", "#1").unwrap_err().to_string(),
            "name of a server: \"#1\" has more than letters, digits, `_`, `.`, `:` and `-`"
        );
    }
}
