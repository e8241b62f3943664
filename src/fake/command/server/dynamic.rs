//! Servers that are added and deleted.

use std::net::SocketAddr;

use super::servers_mut;
use crate::Version;
use crate::fake::command::answer::{Answer, Severity};
use crate::fake::command::call::Call;
use crate::fake::command::number::split_number;
use crate::fake::describe::{Server, numbers};

/// `add server B/S ADDRESS WORD...`
pub(in crate::fake) fn add(call: &mut Call<'_>) -> Answer {
    let version = call.version();
    let process = &mut call.state.process;
    let (backend, name) = match split(call.words.first().copied(), &version) {
        Ok(names) => names,
        Err(answer) => return answer,
    };
    let Some(servers) = servers_mut(process, backend) else {
        return Answer::bare(&version, Severity::Error, "No such backend.");
    };
    let mut words = call.words.iter().skip(1).copied();
    let Some(address) = words.next() else {
        return Answer::error("'server' expects <name> and <addr>[:<port>] as arguments.");
    };
    if servers.iter().any(|server| *server.name == *name) {
        return Answer::error("Already exists a server with the same name in backend.");
    }
    if let Some(wrong) = name.chars().find(|c| !c.is_ascii_alphanumeric() && !"_.:-".contains(*c)) {
        if name.starts_with('#') {
            return Answer::unsupported("names that look like a number");
        }
        return Answer::error(&format!("character '{wrong}' is not permitted in server name '{name}'."));
    }
    if address.parse::<SocketAddr>().is_err() {
        return Answer::unsupported("addresses of added servers that are not IP:PORT");
    }
    let mut server = Server::new(name).set("addr", address);
    let taken = numbers(servers);
    let mut id = 1;
    while taken.contains(&id) {
        id += 1;
    }
    while let Some(word) = words.next() {
        let number = |word: Option<&str>| match split_number(word?) {
            Some((number, "")) => Some(number),
            _ => None,
        };
        match word {
            "backup" => server = server.backup(),
            "check" => server = server.check("L4OK"),
            "weight" => match number(words.next()) {
                Some(weight) if (0..=256).contains(&weight) => {
                    server = server.set("weight", weight);
                    // Before 3.4, the weight applies when the server is enabled.
                    let weight = u32::try_from(weight).unwrap_or_default();
                    let now = if version < (3, 4) { 1 } else { weight };
                    server.live.weights = Some((weight, now));
                }
                Some(weight) => {
                    return Answer::error(&format!(
                        "weight of server {name} is not within 0 and 256 ({weight}).."
                    ));
                }
                None => return Answer::unsupported("weights that are not numbers"),
            },
            "maxconn" => match number(words.next()) {
                Some(limit @ 1..) => server = server.set("slim", limit),
                _ => return Answer::unsupported("limits that are not numbers above 0"),
            },
            "id" => match number(words.next()) {
                Some(number @ 1..) if !taken.contains(&number) => {
                    id = number;
                    server.live.has_own_number = true;
                }
                _ => return Answer::unsupported("numbers that are not free"),
            },
            // The fake runs no checks, so that these words change nothing.
            "inter" | "rise" | "fall" => _ = words.next(),
            "bogus" => return Answer::error("unknown keyword 'bogus'."),
            other => return Answer::unsupported(&format!("`add server ... {other}`")),
        }
    }
    server.add(id);
    servers.push(server);
    Answer::message(Severity::Info, "New server registered.")
}

/// `del server B/S`
pub(in crate::fake) fn del(call: &mut Call<'_>) -> Answer {
    let version = call.version();
    let bare = |text| Answer::bare(&version, Severity::Error, text);
    let process = &mut call.state.process;
    let (backend, name) = match split(call.words.first().copied(), &version) {
        Ok(names) => names,
        Err(answer) => return answer,
    };
    let path = format!("{backend}/{name}");
    let is_tracked = process.is_tracked(&path);
    let Some(servers) = servers_mut(process, backend) else { return bare("No such backend.") };
    let Some(at) = servers.iter().position(|server| *server.name == *name) else {
        return bare("No such server.");
    };
    let is_used = |server: &Server| server.cells.number::<u64>("scur").is_some_and(|sessions| sessions > 0);
    match servers.get(at) {
        _ if is_tracked => {
            return bare(
                "This server cannot be removed at runtime due to other configuration elements pointing to it.",
            );
        }
        Some(server) if !server.is_in_maintenance() => {
            return bare("Only servers in maintenance mode can be deleted.");
        }
        Some(server) if is_used(server) => {
            return bare("Server still has connections attached to it, cannot remove it.");
        }
        _ => {}
    }
    // The other servers keep their numbers.
    let all = numbers(servers);
    for (server, number) in servers.iter_mut().zip(all) {
        server.cells.set("sid", number.into());
    }
    drop(servers.remove(at));
    Answer::bare(&version, Severity::Info, "Server deleted.")
}

fn split<'a>(path: Option<&'a str>, version: &Version) -> Result<(&'a str, &'a str), Answer> {
    match path.unwrap_or_default().split_once('/') {
        Some((backend, server)) if !backend.is_empty() && !server.is_empty() => Ok((backend, server)),
        _ => Err(Answer::bare(version, Severity::Error, "Require 'backend/server'.")),
    }
}
