//! Commands on the addresses of a server.

use std::net::{IpAddr, SocketAddr};

use crate::Version;
use crate::fake::command::answer::{Answer, Severity};
use crate::fake::command::number::split_number;
use crate::fake::describe::Server;

/// `set server B/S addr IP [port N]`
pub(in crate::fake) fn set(server: &mut Server, ip: &str, port: Option<&str>, version: &Version) -> Answer {
    if ip.is_empty() {
        return Answer::error("set server <b>/<s> addr requires an address and optionally a port.");
    }
    let is_old = *version < (3, 0);
    // Up to 2.6 every message ends in this signature; later only the message about a change does.
    let warn = |text: &str, signs: bool| {
        let by = if signs { " by 'stats socket command'" } else { "" };
        Answer::message(Severity::Warning, &format!("{text}{by}"))
    };
    let Ok(new) = ip.parse::<IpAddr>() else { return warn(&format!("Invalid addr '{ip}'"), is_old) };
    let addr = server.address();
    let Ok(mut addr) = addr.parse::<SocketAddr>() else {
        if addr != "unix" {
            return Answer::unsupported("addresses of names that are not resolved");
        }
        let dot = if is_old { "" } else { "." };
        let text =
            "Update for the current server address family is only supported through configuration file";
        return warn(&format!("{text}{dot}"), is_old);
    };
    let mut parts = Vec::new();
    if addr.ip() != new {
        parts.push(format!("IP changed from '{}' to '{new}'", addr.ip()));
        addr.set_ip(new);
    } else if is_old {
        parts.push("no need to change the addr".to_owned());
    }
    match port.map(|port| (port, split_number(port))) {
        None => {}
        Some((port, Some(_))) if port.starts_with(['+', '-']) => return Answer::unsupported("port maps"),
        Some((port, None)) => {
            parts.push(format!("problem converting port '{port}' to an int"));
            if !is_old {
                return warn(parts.last().map_or("", String::as_str), false);
            }
        }
        Some((_, Some((port, _)))) => {
            // HAProxy keeps the lowest 16 bits of the number.
            #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
            let port = port as u16;
            if addr.port() != port {
                parts.push(format!("port changed from '{}' to '{port}'", addr.port()));
                addr.set_port(port);
            } else if is_old {
                parts.push("no need to change the port".to_owned());
            }
        }
    }
    server.cells.set("addr", addr.to_string().into());
    if parts.is_empty() { warn("nothing changed", false) } else { warn(&parts.join(", "), true) }
}

/// `set server B/S check-addr IP [port N]`
pub(in crate::fake) fn set_check(
    server: &mut Server,
    ip: &str,
    port: Option<&str>,
    version: &Version,
) -> Answer {
    let bare = |text: &str| Answer::bare(version, Severity::Warning, text);
    if ip.is_empty() {
        return Answer::error("set server <b>/<s> check-addr requires an address and optionally a port.");
    }
    if !server.is_checked() {
        return bare("health checks are not enabled on this server");
    }
    // 3.4 refuses every address.
    if ip.parse::<IpAddr>().is_err() || *version >= (3, 4) {
        return bare(&format!("invalid addr '{ip}'"));
    }
    let port = match port.map(read_port).transpose() {
        Ok(port) => port,
        Err(text) => return bare(text),
    };
    server.live.check_addr = Some(ip.into());
    server.live.check_port = port.or(server.live.check_port);
    Answer::Done
}

/// `set server B/S check-port N`
pub(in crate::fake) fn set_check_port(server: &mut Server, port: &str, version: &Version) -> Answer {
    if *version < (2, 4) {
        return match read_port(port) {
            Err(NOT_A_NUMBER) => {
                Answer::error("'set server <srv> check-port' expects an integer as argument.")
            }
            Err(_) => Answer::error("provided port is not valid."),
            Ok(_) => Answer::message(Severity::Notice, "health check port updated."),
        };
    }
    let bare = |text: &str| Answer::bare(version, Severity::Warning, text);
    match read_port(port) {
        _ if port.is_empty() => Answer::error("set server <b>/<s> check-port requires a port."),
        _ if !server.is_checked() => bare("health checks are not enabled on this server"),
        Err(text) => bare(text),
        Ok(port) => {
            server.live.check_port = Some(port);
            Answer::Done
        }
    }
}

/// `set server B/S agent-addr IP [port N]`
pub(in crate::fake) fn set_agent(
    server: &mut Server,
    ip: &str,
    port: Option<&str>,
    version: &Version,
) -> Answer {
    if *version < (2, 4) {
        return match ip.parse::<IpAddr>() {
            _ if !server.has_agent() => Answer::error("agent checks are not enabled on this server."),
            Err(_) if !ip.is_empty() => Answer::error("incorrect addr address given for agent."),
            _ => Answer::Done,
        };
    }
    let bare = |text: &str| Answer::bare(version, Severity::Warning, text);
    if ip.is_empty() {
        return Answer::error("set server <b>/<s> agent-addr requires an address and optionally a port.");
    }
    if !server.has_agent() {
        return bare("agent checks are not enabled on this server");
    }
    if ip.parse::<IpAddr>().is_err() {
        return bare(&format!("invalid addr '{ip}'"));
    }
    let port = match port.map(read_port).transpose() {
        Ok(port) => port,
        Err(text) => return bare(text),
    };
    server.live.agent_addr = Some(ip.into());
    server.live.agent_port = port.or(server.live.agent_port);
    Answer::Done
}

/// `set server B/S agent-port N`
pub(in crate::fake) fn set_agent_port(server: &mut Server, port: &str, version: &Version) -> Answer {
    let bare = |text: &str| Answer::bare(version, Severity::Warning, text);
    match read_port(port) {
        _ if port.is_empty() => Answer::error("set server <b>/<s> agent-port requires a port."),
        _ if !server.has_agent() => bare("agent checks are not enabled on this server"),
        Err(text) => bare(text),
        Ok(port) => {
            server.live.agent_port = Some(port);
            Answer::Done
        }
    }
}

impl Server {
    /// Returns its address and port in the format of the column `addr`.
    pub(in crate::fake) fn address(&self) -> String {
        self.cells.text("addr").map_or_else(|| "127.0.0.1:80".to_owned(), Into::into)
    }
}

fn read_port(text: &str) -> Result<u16, &'static str> {
    match split_number(text) {
        Some((port, "")) => port.try_into().map_err(|_| "provided port is invalid"),
        _ => Err(NOT_A_NUMBER),
    }
}

const NOT_A_NUMBER: &str = "provided port is not an integer";
