use std::fmt;
use std::net::SocketAddr;

/// Address of a server: the `addr` column.
///
/// # Example
///
/// ```
/// use haproxyadmin::stat::ServerAddress;
///
/// let address = ServerAddress::parse("192.0.2.1:80");
/// assert_eq!(address.ip(), Some("192.0.2.1:80".parse().unwrap()));
/// assert_eq!(ServerAddress::parse("unix"), ServerAddress::Unix);
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ServerAddress {
    /// Address and port. With port 0, the server is reached on the port that the client connected
    /// to.
    Ip(SocketAddr),
    /// A unix socket; `show stat` does not print its path.
    Unix,
    /// No address, because the server's name has not been resolved yet. The cell is empty.
    Unresolved,
    /// A text that this crate does not know.
    Other(Box<str>),
}

impl ServerAddress {
    /// Reads the text of an `addr` cell, such as `192.0.2.1:80`, `[2001:db8::1]:80`, `unix` or an
    /// empty one.
    pub fn parse(text: &str) -> Self {
        match text {
            "unix" => Self::Unix,
            "" => Self::Unresolved,
            _ => text.parse().map_or_else(|_| Self::Other(text.into()), Self::Ip),
        }
    }

    /// Returns address and port if this is an IP address.
    pub fn ip(&self) -> Option<SocketAddr> {
        match self {
            Self::Ip(address) => Some(*address),
            _ => None,
        }
    }
}

impl fmt::Display for ServerAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Ip(address) => address.fmt(f),
            Self::Unix => f.pad("unix"),
            Self::Unresolved => f.pad(""),
            Self::Other(text) => f.pad(text),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_families_and_unix_are_understood() {
        for text in ["192.0.2.1:80", "[2001:db8::1]:8080", "unix", "", "strange"] {
            assert_eq!(ServerAddress::parse(text).to_string(), text);
        }
        assert_eq!(ServerAddress::parse("[::1]:80").ip(), "[::1]:80".parse().ok());
        assert_eq!(ServerAddress::parse("unix").ip(), None);
        assert_eq!(ServerAddress::parse(""), ServerAddress::Unresolved);
    }
}
