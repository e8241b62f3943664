//! Commands on backends.

use super::answer::{Answer, Severity};
use super::call::Call;
use super::stat;
use crate::fake::describe::{Backend, Process, Proxy};

/// `add backend NAME from DEFAULTS [mode MODE] [guid GUID]`
pub(in crate::fake) fn add(call: &mut Call<'_>) -> Answer {
    let process = &mut call.state.process;
    let Some((name, words)) = call.words.split_first() else {
        return Answer::error("Require backend name.");
    };
    if let Some(wrong) = wrong_character(name) {
        return Answer::error(&format!("Invalid character '{wrong}' in backend name."));
    }
    let ["from", defaults, options @ ..] = words else {
        return Answer::error("Usage: add backend <name> from <defproxy>.");
    };
    let (mode, guid) = match options_of(options) {
        Ok(options) => options,
        Err(words) => return Answer::error(words),
    };
    if !process.defaults.iter().any(|known| **known == **defaults) {
        return Answer::error(&format!("Cannot find default proxy '{defaults}'."));
    }
    if let Some(other) = process.proxies.iter().find(|proxy| *proxy.name == **name) {
        let kind = match (&other.frontend, &other.backend) {
            (Some(_), Some(_)) => "proxy",
            (Some(_), None) => "frontend",
            _ => "backend",
        };
        return Answer::error(&format!(
            "Error during backend creation : name is already used by other proxy '{kind} {name}'."
        ));
    }
    if let Some(words) = guid.and_then(|guid| obstacle_to_guid(process, guid)) {
        return Answer::error(&format!("Error during backend creation : GUID insertion : {words}."));
    }
    let numbers = (stat::FIRST_IID..).zip(&process.proxies).map(|(assigned, proxy)| {
        let cells = proxy.frontend_cells().or(proxy.backend_cells());
        cells.and_then(|cells| cells.number("iid")).unwrap_or(assigned)
    });
    let numbers: Vec<_> = numbers.collect();
    let mut free = (process.last_iid.max(stat::FIRST_IID)..).filter(|number| !numbers.contains(number));
    let number = free.next().unwrap_or(stat::FIRST_IID);
    process.last_iid = number;
    let mut backend = Backend::new(*name).mode(mode.unwrap_or("http")).set("iid", number).set("slim", 0);
    (backend.is_added, backend.is_unpublished) = (true, true);
    backend.guid = guid.map(Into::into);
    process.proxies.push(Proxy { name: (*name).into(), frontend: None, backend: Some(backend) });
    Answer::message(Severity::Info, "New backend registered.")
}

/// Returns the mode and the GUID of `add backend`, or the message for other words.
fn options_of<'a>(mut words: &[&'a str]) -> Result<(Option<&'a str>, Option<&'a str>), &'static str> {
    let (mut mode, mut guid) = (None, None);
    loop {
        match words {
            [] => return Ok((mode, guid)),
            ["mode", word, ..] if mode.is_none() => match *word {
                "tcp" | "http" => mode = Some(*word),
                "log" | "spop" => return Err("Dynamic backends are compatible with only TCP or HTTP mode."),
                _ => return Err("Unknown proxy mode."),
            },
            ["guid", word, ..] if guid.is_none() => guid = Some(*word),
            _ => {
                return Err("Usage: add backend <name> from <defproxy> [mode <px_mode>] [guid <val>].");
            }
        }
        words = words.get(2..).unwrap_or_default();
    }
}

/// Returns the reason why a backend cannot have a GUID.
fn obstacle_to_guid(process: &Process, guid: &str) -> Option<String> {
    if guid.len() > LONGEST_GUID {
        return Some("invalid length".into());
    }
    if let Some(wrong) = wrong_character(guid) {
        return Some(format!("invalid character '{wrong}'"));
    }
    let mut backends = process.proxies.iter().filter_map(|proxy| proxy.backend.as_ref());
    let other = backends.find(|backend| backend.guid.as_deref() == Some(guid))?;
    Some(format!("duplicate entry with backend {}", other.name))
}

fn wrong_character(name: &str) -> Option<char> {
    name.chars().find(|c| !c.is_ascii_alphanumeric() && !"_.:-".contains(*c))
}

const LONGEST_GUID: usize = 127;

/// `publish backend NAME`
pub(in crate::fake) fn publish(call: &mut Call<'_>) -> Answer {
    set_unpublished(call, false, "Backend published.")
}

/// `unpublish backend NAME`
pub(in crate::fake) fn unpublish(call: &mut Call<'_>) -> Answer {
    set_unpublished(call, true, "Backend unpublished.")
}

fn set_unpublished(call: &mut Call<'_>, is_unpublished: bool, done: &str) -> Answer {
    let name = call.word(0);
    let mut backends = call.state.process.proxies.iter_mut().filter_map(|proxy| proxy.backend.as_mut());
    match backends.find(|backend| *backend.name == *name) {
        Some(backend) => {
            backend.is_unpublished = is_unpublished;
            Answer::message(Severity::Info, done)
        }
        None => Answer::error("No such backend."),
    }
}

/// `del backend NAME`
pub(in crate::fake) fn del(call: &mut Call<'_>) -> Answer {
    let name = call.word(0);
    let process = &mut call.state.process;
    let found = |proxy: &Proxy| proxy.backend.is_some() && *proxy.name == *name;
    let Some(at) = process.proxies.iter().position(found) else { return Answer::error("No such backend.") };
    if let Some(words) = process.proxies.get(at).and_then(|proxy| obstacle(process, proxy)) {
        return Answer::error(words);
    }
    drop(process.proxies.remove(at));
    Answer::message(Severity::Info, "Backend deleted.")
}

/// Returns the reason why a backend cannot be deleted. The configuration refers to every backend that
/// is described.
fn obstacle(process: &Process, proxy: &Proxy) -> Option<&'static str> {
    let backend = proxy.backend.as_ref()?;
    if proxy.frontend.is_some() {
        return Some("Cannot delete a listen section.");
    }
    if process.tables.iter().any(|table| *table.name == *proxy.name) {
        return Some("Cannot remove a backend with stick-table.");
    }
    if !backend.is_added {
        return Some(
            "This proxy cannot be removed at runtime due to other configuration elements pointing to it.",
        );
    }
    if !backend.is_unpublished {
        return Some("Backend must be unpublished prior to its deletion.");
    }
    (!backend.servers.is_empty()).then_some("Only a backend without server can be deleted.")
}
