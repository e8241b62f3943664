//! The notation of addresses.

use std::net::{Ipv4Addr, Ipv6Addr};
use std::str::FromStr;

use super::escape::unescape;
use super::{Address, ParseAddressError, reachable, worker};
use crate::excerpt::excerpt;

/// Address family that a prefix selects.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Family {
    Any,
    V4,
    V6,
}

impl FromStr for Address {
    type Err = ParseAddressError;

    /// Reads an address in HAProxy's notation.
    fn from_str(text: &str) -> Result<Self, ParseAddressError> {
        parse(text).map_err(|reason| ParseAddressError { text: excerpt(text), reason })
    }
}

/// Reads an address in HAProxy's notation. Returns the reason if the text is not one.
fn parse(text: &str) -> Result<Address, String> {
    if text.is_empty() {
        return Err("it is empty".to_owned());
    }
    if let Some(found) = text.chars().find(|c| c.is_control()) {
        return Err(format!("it holds the control character {found:?}"));
    }
    let text = text.strip_prefix("stream+").unwrap_or(text);
    if ["/", "./", "../"].iter().any(|start| text.starts_with(start)) {
        return path(text);
    }
    match text.split_once('@') {
        None => tcp(text, Family::Any),
        Some(("", rest)) => worker::parse(rest, parse),
        Some(("unix" | "uxst", rest)) => path(rest),
        Some(("abns", rest)) => name(rest).map(Address::Abstract),
        Some(("abnsz", rest)) => name(rest).map(Address::AbstractUnpadded),
        Some(("tcp", rest)) => tcp(rest, Family::Any),
        Some(("ipv4" | "tcp4", rest)) => tcp(rest, Family::V4),
        Some(("ipv6" | "tcp6", rest)) => tcp(rest, Family::V6),
        Some((prefix, _)) if is_foreign(prefix) => {
            Err(format!("`{prefix}@` is not supported: nothing can connect to it as to a stats socket"))
        }
        Some((prefix, _)) => Err(format!("unknown prefix `{}@`", excerpt(prefix))),
    }
}

/// Returns `true` if HAProxy knows the prefix, but for sockets that cannot be stats sockets.
fn is_foreign(prefix: &str) -> bool {
    prefix.starts_with("dgram+")
        || ["fd", "sockpair", "uxdg", "rhttp"].contains(&prefix)
        || ["udp", "quic"]
            .iter()
            .any(|kind| prefix.strip_prefix(kind).is_some_and(|family| ["", "4", "6"].contains(&family)))
}

/// Reads a path of any length: the address may belong to another system, and each system has
/// its own limit.
fn path(text: &str) -> Result<Address, String> {
    if text.is_empty() {
        return Err("the path is empty".to_owned());
    }
    let path = unescape(text);
    #[cfg(unix)]
    let path: std::ffi::OsString = std::os::unix::ffi::OsStringExt::from_vec(path);
    #[cfg(not(unix))]
    let path = String::from_utf8(path)
        .map_err(|_| "the path is not UTF-8, and this system has no such paths".to_owned())?;
    Ok(Address::Unix(path.into()))
}

/// Reads an abstract name. Only Linux has abstract names, so one length limit applies.
fn name(text: &str) -> Result<String, String> {
    let name = String::from_utf8(unescape(text)).map_err(|_| "the name is not UTF-8")?;
    match name.len() {
        0 => Err("the name is empty".to_owned()),
        1..=Address::NAME_LEN => Ok(name),
        length => Err(format!("the name has {length} bytes, more than {}", Address::NAME_LEN)),
    }
}

fn tcp(text: &str, family: Family) -> Result<Address, String> {
    let (host, port) = if let Some(rest) = text.strip_prefix('[') {
        let (host, port) = rest.split_once("]:").ok_or("expected a port, as in `[::1]:9999`")?;
        (v6(host, family)?, port)
    } else {
        let (host, port) = text.rsplit_once(':').ok_or("expected a port, as in `host:9999`, or a path")?;
        (self::host(host, family)?, port)
    };
    Ok(Address::Tcp { host, port: self::port(port)? })
}

fn port(text: &str) -> Result<u16, String> {
    if text.is_empty() {
        return Err("the port is missing".to_owned());
    }
    // `parse` accepts a sign; HAProxy reads a sign as an offset.
    match text.bytes().all(|byte| byte.is_ascii_digit()).then(|| text.parse()) {
        Some(Ok(port)) if port != 0 => Ok(port),
        _ => Err(format!("expected a port from 1 to 65535, found {:?}", excerpt(text))),
    }
}

fn host(text: &str, family: Family) -> Result<String, String> {
    match (text, family) {
        ("" | "*", Family::V6) => Ok(Ipv6Addr::LOCALHOST.to_string()),
        ("" | "*", _) => Ok(Ipv4Addr::LOCALHOST.to_string()),
        _ if text.contains(':') => v6(text, family),
        _ => match text.parse::<Ipv4Addr>() {
            Ok(_) if family == Family::V6 => Err(format!("expected an IPv6 address, found {text}")),
            Ok(ip) => Ok(reachable(ip.into()).to_string()),
            Err(_) if is_host_name(text) => Ok(text.to_owned()),
            Err(_) => Err(format!("expected a host name or an IP address, found {:?}", excerpt(text))),
        },
    }
}

/// Reads an IPv6 address, with the zone that a link-local address needs.
fn v6(text: &str, family: Family) -> Result<String, String> {
    if family == Family::V4 {
        return Err(format!("expected an IPv4 address, found {:?}", excerpt(text)));
    }
    let (address, zone) = match text.split_once('%') {
        None => (text, None),
        Some((address, zone)) => (address, Some(zone).filter(|zone| is_host_name(zone))),
    };
    match (address.parse::<Ipv6Addr>(), zone) {
        (Ok(ip), None) if address == text => Ok(reachable(ip.into()).to_string()),
        (Ok(ip), Some(zone)) => Ok(format!("{ip}%{zone}")),
        _ => Err(format!("expected an IPv6 address and a port, found {:?}", excerpt(text))),
    }
}

/// Returns `true` if `text` consists of letters, digits, `-`, `_` and `.`, the characters that
/// HAProxy accepts in a host name, and does not look like a malformed IPv4 address.
fn is_host_name(text: &str) -> bool {
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.');
    (1..=253).contains(&text.len())
        && text.bytes().all(allowed)
        && (!text.contains('.') || text.bytes().any(|byte| byte.is_ascii_alphabetic()))
}
