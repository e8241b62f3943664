mod escape;
mod parse;
mod worker;

pub use worker::WorkerId;

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::path::{Path, PathBuf};

use escape::Escaped;

/// Address of a stats socket.
///
/// The notation is the notation of the `stats socket` lines in HAProxy's configuration
/// (configuration manual, 11.1). [`Display`](fmt::Display) writes it and [`FromStr`](std::str::FromStr) reads it:
///
/// | text | meaning |
/// |---|---|
/// | `/run/haproxy/1.sock` | a UNIX socket |
/// | `./1.sock`, `unix@./1.sock`, `uxst@1.sock` | the same, relative to the working directory *of this program* |
/// | `abns@name` | an abstract socket, name padded as HAProxy does it |
/// | `abnsz@name` | an abstract socket, name not padded (HAProxy 3.1 and later) |
/// | `127.0.0.1:9999`, `ipv4@127.0.0.1:9999`, `tcp4@127.0.0.1:9999` | TCP over IPv4 |
/// | `[::1]:9999`, `ipv6@[::1]:9999`, `tcp6@::1:9999`, `::1:9999` | TCP over IPv6; without brackets, the port follows the last colon |
/// | `host:9999`, `tcp@host:9999` | TCP to a host name, resolved for each connection; each resolved address is tried |
/// | `:9999`, `*:9999`, `0.0.0.0:9999`, `:::9999` | TCP to *this* host |
/// | `@1@/run/haproxy-master.sock` | the worker that serves, behind the socket of its master |
/// | `@!4711@/run/haproxy-master.sock` | the worker with process ID 4711, behind the socket of its master |
///
/// HAProxy binds an address of the row of *this* host to all addresses of its host. A client cannot
/// connect to such an address, so this crate connects to the loopback address instead. Name
/// the host to reach another host. A family in front of a host name does not restrict its
/// lookup. The prefix `stream+` is accepted in front of every notation.
///
/// In a path or an abstract name, control characters and bytes that are not UTF-8 are written
/// `\xHH`, as in HAProxy's configuration. A backslash stands for itself, unless `xHH` follows: the
/// path `a\x41` is written `a\\x41`.
///
/// The text of an address is read back as the same address if the address was read from a text, or
/// made from a path that is not empty or from a [`SocketAddr`] with a port other than 0. A variant
/// that is made by hand can hold what no text means, such as port 0 or an empty name: then
/// [`ClusterBuilder::build`](crate::ClusterBuilder::build) refuses it. It can also hold another form
/// of what its text means: the host `0.0.0.0` is read back as `127.0.0.1`.
///
/// A stats socket over TCP asks for no password. From HAProxy 2.6 on it speaks no TLS, whatever
/// its configuration says. Put a proxy or a tunnel that authenticates clients in front of it.
///
/// Every variant exists on every platform, so addresses can be sent between platforms.
/// Connecting to an address that the platform does not support is an error.
///
/// # Example
///
/// ```
/// use haproxyadmin::Address;
///
/// let address: Address = "ipv6@::1:9999".parse()?;
/// assert_eq!(address.to_string(), "[::1]:9999");
/// assert_eq!(Address::from(std::path::Path::new("1.sock")).to_string(), "unix@1.sock");
/// # Ok::<(), haproxyadmin::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[doc(alias = "stats socket")]
#[doc(alias = "bind")]
#[doc(alias = "endpoint")]
#[non_exhaustive]
pub enum Address {
    /// Path of a UNIX socket.
    #[doc(alias = "uxst")]
    Unix(PathBuf),
    /// Name of an abstract socket (`abns@`), without its padding; Linux only.
    ///
    /// HAProxy pads the name with NULs to the full 108 bytes of `sun_path`. The kernel treats
    /// the padding as part of the name.
    #[doc(alias = "abns")]
    Abstract(String),
    /// Name of an abstract socket without padding (`abnsz@`); Linux only.
    #[doc(alias = "abnsz")]
    AbstractUnpadded(String),
    /// Host and port.
    #[doc(alias = "ipv4")]
    #[doc(alias = "ipv6")]
    Tcp {
        /// Host name or IP address, without brackets.
        host: String,
        /// Port.
        port: u16,
    },
    /// A worker without a stats socket of its own, behind the socket of its master: see
    /// [`Master`](crate::master::Master).
    #[doc(alias = "master CLI")]
    Worker {
        /// The worker.
        worker: WorkerId,
        /// Address of the master, which is not the address of a worker.
        master: Box<Self>,
    },
}

impl Address {
    /// Length limit of an abstract name: the 108 bytes of `sun_path` minus the NUL before the
    /// name.
    pub(super) const NAME_LEN: usize = 107;

    /// Returns `true` if a process at this address may run on this host.
    pub(crate) fn is_local(&self) -> bool {
        match self.socket() {
            Self::Tcp { host, .. } => {
                host == "localhost" || host.parse::<IpAddr>().is_ok_and(|ip| ip.is_loopback())
            }
            _ => true,
        }
    }
}

/// Error for a text that is not an [`Address`], with the reason.
///
/// Converts into an [`Error`](crate::Error) of kind
/// [`InvalidInput`](crate::ErrorKind::InvalidInput).
///
/// # Example
///
/// ```
/// use haproxyadmin::Address;
///
/// let error = "host:0".parse::<Address>().unwrap_err();
/// assert_eq!(
///     error.to_string(),
///     "address \"host:0\": expected a port from 1 to 65535, found \"0\""
/// );
/// ```
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("address {text:?}: {reason}")]
pub struct ParseAddressError {
    text: Box<str>,
    reason: String,
}

impl TryFrom<&str> for Address {
    type Error = ParseAddressError;

    fn try_from(text: &str) -> Result<Self, ParseAddressError> {
        text.parse()
    }
}

impl From<PathBuf> for Address {
    fn from(path: PathBuf) -> Self {
        Self::Unix(path)
    }
}

impl From<&Path> for Address {
    fn from(path: &Path) -> Self {
        Self::Unix(path.to_owned())
    }
}

impl From<SocketAddr> for Address {
    /// Converts a socket address. An unspecified IP address becomes the loopback address, as
    /// in text.
    fn from(address: SocketAddr) -> Self {
        let port = address.port();
        let host = match address {
            SocketAddr::V6(v6) if v6.scope_id() != 0 => format!("{}%{}", v6.ip(), v6.scope_id()),
            _ => reachable(address.ip()).to_string(),
        };
        Self::Tcp { host, port }
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unix(path) => {
                let bytes = path.as_os_str().as_encoded_bytes();
                let prefix = if bytes.starts_with(b"/") { "" } else { "unix@" };
                write!(f, "{prefix}{}", Escaped(bytes))
            }
            Self::Abstract(name) => write!(f, "abns@{}", Escaped(name.as_bytes())),
            Self::AbstractUnpadded(name) => write!(f, "abnsz@{}", Escaped(name.as_bytes())),
            Self::Tcp { host, port } if host.contains(':') => write!(f, "[{host}]:{port}"),
            Self::Tcp { host, port } => write!(f, "{host}:{port}"),
            Self::Worker { worker, master } => write!(f, "{worker}@{master}"),
        }
    }
}

#[cfg(feature = "serde")]
impl serde::Serialize for Address {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

#[cfg(feature = "serde")]
impl<'de> serde::Deserialize<'de> for Address {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
    }
}

/// Returns the loopback address for an unspecified address, and any other address unchanged.
fn reachable(ip: IpAddr) -> IpAddr {
    match ip {
        IpAddr::V4(Ipv4Addr::UNSPECIFIED) => Ipv4Addr::LOCALHOST.into(),
        IpAddr::V6(Ipv6Addr::UNSPECIFIED) => Ipv6Addr::LOCALHOST.into(),
        ip => ip,
    }
}

#[cfg(test)]
mod tests {
    use std::ops::RangeInclusive;

    use arbtest::arbitrary::{Result, Unstructured};
    use arbtest::arbtest;

    use super::*;

    fn behind(worker: WorkerId, master: Address) -> Address {
        Address::Worker { worker, master: Box::new(master) }
    }

    fn tcp_to(host: &str, port: u16) -> Address {
        Address::Tcp { host: host.to_owned(), port }
    }

    #[test]
    fn every_notation_of_haproxy_is_read() {
        let unix = |path: &str| Address::Unix(path.into());
        for (text, expected, shown) in [
            ("/run/h@1:2.sock", unix("/run/h@1:2.sock"), "/run/h@1:2.sock"),
            ("unix@/run/1.sock", unix("/run/1.sock"), "/run/1.sock"),
            ("stream+unix@/run/1.sock", unix("/run/1.sock"), "/run/1.sock"),
            ("./1.sock", unix("./1.sock"), "unix@./1.sock"),
            ("../1.sock", unix("../1.sock"), "unix@../1.sock"),
            ("uxst@1.sock", unix("1.sock"), "unix@1.sock"),
            (r"/run/a\b\\c", unix(r"/run/a\b\\c"), r"/run/a\b\\c"),
            (r"/run/\x41\x09", unix("/run/A\t"), r"/run/A\x09"),
            (r"/run/\\x41", unix(r"/run/\x41"), r"/run/\\x41"),
            (r"unix@\x2frun", unix("/run"), "/run"),
            ("abns@a b", Address::Abstract("a b".to_owned()), "abns@a b"),
            (r"abns@a\x0a", Address::Abstract("a\n".to_owned()), r"abns@a\x0a"),
            ("abnsz@ab", Address::AbstractUnpadded("ab".to_owned()), "abnsz@ab"),
            ("127.0.0.1:9999", tcp_to("127.0.0.1", 9999), "127.0.0.1:9999"),
            ("ipv4@127.0.0.1:1", tcp_to("127.0.0.1", 1), "127.0.0.1:1"),
            ("tcp4@h:1", tcp_to("h", 1), "h:1"),
            ("tcp@a.example:65535", tcp_to("a.example", 65535), "a.example:65535"),
            ("stream+tcp6@[::1]:1", tcp_to("::1", 1), "[::1]:1"),
            ("ipv6@[0:0::1]:9999", tcp_to("::1", 9999), "[::1]:9999"),
            ("ipv6@::1:9999", tcp_to("::1", 9999), "[::1]:9999"),
            ("::1:9999", tcp_to("::1", 9999), "[::1]:9999"),
            ("[fe80::1%eth0]:1", tcp_to("fe80::1%eth0", 1), "[fe80::1%eth0]:1"),
            (":9999", tcp_to("127.0.0.1", 9999), "127.0.0.1:9999"),
            ("*:9999", tcp_to("127.0.0.1", 9999), "127.0.0.1:9999"),
            ("0.0.0.0:9999", tcp_to("127.0.0.1", 9999), "127.0.0.1:9999"),
            ("ipv6@:9999", tcp_to("::1", 9999), "[::1]:9999"),
            (":::9999", tcp_to("::1", 9999), "[::1]:9999"),
            ("@1@/run/m.sock", behind(WorkerId::Number(1), unix("/run/m.sock")), "@1@/run/m.sock"),
            ("@!47@:99", behind(WorkerId::Pid(47), tcp_to("127.0.0.1", 99)), "@!47@127.0.0.1:99"),
        ] {
            let address = Address::try_from(text).unwrap();
            assert_eq!(address, expected, "{text}");
            assert_eq!(address.to_string(), shown, "{text}");
        }
    }

    #[test]
    fn what_is_no_address_is_refused_with_the_reason() {
        for (text, reason) in [
            ("", "it is empty"),
            ("/run/\0", "it holds the control character '\\0'"),
            ("abns@a\nb", "it holds the control character '\\n'"),
            ("unix@", "the path is empty"),
            ("abns@", "the name is empty"),
            (r"abns@\xff", "the name is not UTF-8"),
            ("haproxy.sock", "expected a port, as in `host:9999`, or a path"),
            ("[::1]", "expected a port, as in `[::1]:9999`"),
            ("host:", "the port is missing"),
            ("host:0", "expected a port from 1 to 65535, found \"0\""),
            ("host:65536", "expected a port from 1 to 65535, found \"65536\""),
            ("host:+80", "expected a port from 1 to 65535, found \"+80\""),
            ("host:1-9", "expected a port from 1 to 65535, found \"1-9\""),
            ("a b:1", "expected a host name or an IP address, found \"a b\""),
            ("1.2.3.4.5:1", "expected a host name or an IP address, found \"1.2.3.4.5\""),
            ("::1", "expected an IPv6 address and a port, found \":\""),
            ("[::1%]:1", "expected an IPv6 address and a port, found \"::1%\""),
            ("ipv4@::1:1", "expected an IPv4 address, found \"::1\""),
            ("ipv6@127.0.0.1:1", "expected an IPv6 address, found 127.0.0.1"),
            ("fd@3", "`fd@` is not supported: nothing can connect to it as to a stats socket"),
            ("sockpair@3", "`sockpair@` is not supported: nothing can connect to it as to a stats socket"),
            ("udp4@h:1", "`udp4@` is not supported: nothing can connect to it as to a stats socket"),
            ("quic6@h:1", "`quic6@` is not supported: nothing can connect to it as to a stats socket"),
            (
                "dgram+unix@/x",
                "`dgram+unix@` is not supported: nothing can connect to it as to a stats socket",
            ),
            ("http@h:1", "unknown prefix `http@`"),
            ("@1", "expected the address of a master behind the worker"),
            ("@0@/m", "expected a worker, as in `@1@` or `@!4711@`"),
            ("@!+1@/m", "expected a worker, as in `@1@` or `@!4711@`"),
            ("@99999999999@/m", "expected a worker, as in `@1@` or `@!4711@`"),
            ("@1@@2@/m", "expected the address of a master, found the one of a worker"),
            ("@1@stream+@2@/m", "expected the address of a master, found the one of a worker"),
            ("@1@", "it is empty"),
        ] {
            let error = text.parse::<Address>().unwrap_err();
            assert_eq!(error.to_string(), format!("address {text:?}: {reason}"));
        }
    }

    #[test]
    fn names_longer_than_the_kernel_takes_are_refused() {
        for prefix in ["abns@", "abnsz@"] {
            assert!(format!("{prefix}{}", "x".repeat(107)).parse::<Address>().is_ok());
            let error = format!("{prefix}{}", "x".repeat(108)).parse::<Address>().unwrap_err();
            assert!(error.to_string().ends_with("the name has 108 bytes, more than 107"), "{error}");
        }
    }

    #[test]
    fn a_path_of_any_length_is_read() {
        let path = format!("/{}", "x".repeat(300));
        assert_eq!(path.parse::<Address>().unwrap(), Address::Unix(path.into()));
    }

    #[test]
    fn socket_addresses_convert() {
        for (text, shown) in [
            ("192.0.2.1:80", "192.0.2.1:80"),
            ("[::1]:80", "[::1]:80"),
            ("[fe80::1%3]:80", "[fe80::1%3]:80"),
            ("0.0.0.0:80", "127.0.0.1:80"),
        ] {
            assert_eq!(Address::from(text.parse::<SocketAddr>().unwrap()).to_string(), shown);
        }
    }

    #[cfg(feature = "serde")]
    #[test]
    fn serde_uses_the_text() {
        let address: Address = "abns@x".parse().unwrap();
        let json = serde_json::to_string(&address).unwrap();
        assert_eq!(json, "\"abns@x\"");
        assert_eq!(serde_json::from_str::<Address>(&json).unwrap(), address);
        assert!(serde_json::from_str::<Address>("\"fd@1\"").is_err());
    }

    #[cfg(all(feature = "serde", unix))]
    #[test]
    fn a_path_that_is_not_utf8_is_written_and_read_back() {
        let address = Address::from(path_of_bytes(b"/run/\xff\t"));
        let json = serde_json::to_string(&address).unwrap();
        assert_eq!(json, r#""/run/\\xff\\x09""#);
        assert_eq!(serde_json::from_str::<Address>(&json).unwrap(), address);
    }

    #[cfg(unix)]
    fn path_of_bytes(bytes: &[u8]) -> PathBuf {
        use std::os::unix::ffi::OsStrExt;

        std::ffi::OsStr::from_bytes(bytes).into()
    }

    #[cfg(not(unix))]
    fn path_of_bytes(bytes: &[u8]) -> PathBuf {
        String::from_utf8_lossy(bytes).into_owned().into()
    }

    fn any_address(u: &mut Unstructured<'_>) -> Result<Address> {
        Ok(match u.int_in_range(0..=7)? {
            7 => {
                let number = u.int_in_range(1..=u32::MAX)?;
                let worker = if u.ratio(1, 2)? { WorkerId::Number(number) } else { WorkerId::Pid(number) };
                match any_address(u)? {
                    master @ Address::Worker { .. } => master,
                    master => behind(worker, master),
                }
            }
            0 => {
                let length = u.int_in_range(1..=25)?;
                let bytes = (0..length).map(|_| u.arbitrary()).collect::<Result<Vec<_>>>()?;
                Address::Unix(path_of_bytes(&bytes))
            }
            1 => Address::Unix(any_name(u)?.replace(char::is_control, "/").into()),
            2 => Address::Unix(format!("/{}", some_of(u, r"\x0123456789abcdef/", 0..=26)?).into()),
            3 => Address::Abstract(any_name(u)?),
            4 => Address::AbstractUnpadded(any_name(u)?),
            5 => Address::from(SocketAddr::new(u.arbitrary()?, u.int_in_range(1..=u16::MAX)?)),
            _ => {
                let letters = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ";
                let mut host = some_of(u, letters, 1..=1)?;
                host += &some_of(u, "abcdefghijklmnopqrstuvwxyz0123456789_-", 0..=9)?;
                for _ in 0..u.int_in_range(0..=2)? {
                    host += ".";
                    host += &some_of(u, "abcdefghijklmnopqrstuvwxyz", 1..=1)?;
                    host += &some_of(u, "abcdefghijklmnopqrstuvwxyz0123456789-", 0..=9)?;
                }
                Address::Tcp { host, port: u.int_in_range(1..=u16::MAX)? }
            }
        })
    }

    /// Returns a name with backslashes, `x` and any other characters.
    fn any_name(u: &mut Unstructured<'_>) -> Result<String> {
        let length = u.int_in_range(1..=25)?;
        let char = |_| match u.int_in_range(0..=3)? {
            0 => Ok('\\'),
            1 => Ok('x'),
            2 => Ok(char::from(u.int_in_range(0..=127)?)),
            _ => u.arbitrary(),
        };
        (0..length).map(char).collect()
    }

    /// Returns some of these ASCII characters, as many as the range allows.
    fn some_of(u: &mut Unstructured<'_>, choices: &str, lengths: RangeInclusive<usize>) -> Result<String> {
        let length = u.int_in_range(lengths)?;
        (0..length).map(|_| u.choose(choices.as_bytes()).map(|byte| char::from(*byte))).collect()
    }

    #[test]
    fn what_is_shown_is_read_back() {
        arbtest(|u| {
            let address = any_address(u)?;
            assert_eq!(address.to_string().parse::<Address>().unwrap(), address);
            Ok(())
        });
    }

    #[test]
    fn what_is_read_is_shown_and_read_back() {
        arbtest(|u| {
            let mut text = String::new();
            text += u.choose(&["", "stream+"])?;
            text += u.choose(&["", "unix@", "abns@", "tcp@", "tcp6@", "ipv4@", "[", "/", "@1@", "@!7@"])?;
            text += &some_of(u, "abcdef0123456789:.%]*/@_-", 0..=20)?;
            if u.ratio(1, 2)? {
                text += ":";
                text += &some_of(u, "0123456789", 1..=5)?;
            }
            if let Ok(address) = text.parse::<Address>() {
                assert_eq!(address.to_string().parse::<Address>().unwrap(), address, "{text}");
            }
            Ok(())
        });
    }
}
