//! Commands on maps and ACLs.

use super::answer::{Answer, Severity};
use super::call::Call;
use super::number::leading_number;
use crate::fake::describe::{Kind, Pattern, Which};

pub(in crate::fake) fn show_map(call: &mut Call<'_>) -> Answer {
    show(call, Kind::Map)
}

pub(in crate::fake) fn show_acl(call: &mut Call<'_>) -> Answer {
    show(call, Kind::Acl)
}

fn show(call: &mut Call<'_>, kind: Kind) -> Answer {
    let version = take_version(call);
    if call.word(0).is_empty() && version.is_none() {
        let process = &call.state.process;
        let mut text = "# id (file) description\n".to_owned();
        for pattern in process.patterns.iter().filter(|pattern| pattern.kind == kind) {
            text.push_str(&pattern.describe(&process.version));
            text.push('\n');
        }
        return Answer::Dump(text);
    }
    match own(call, kind) {
        Some(pattern) => Answer::Dump(pattern.list(version)),
        None => unknown(kind),
    }
}

pub(in crate::fake) fn add_map(call: &mut Call<'_>) -> Answer {
    let version = take_version(call);
    let (name, key, value) = (call.word(0), call.word(1), call.word(2));
    let payload = call.payload;
    if name.is_empty() || (payload.is_none() && value.is_empty()) {
        return Answer::error(
            "'add map' expects three parameters (map identifier, key and value) or one parameter (map \
             identifier) and a payload",
        );
    }
    let pattern = match any(call, Kind::Map) {
        Ok(pattern) => pattern,
        Err(answer) => return answer,
    };
    let version = match check_version(pattern, version, Kind::Map) {
        Ok(version) => version,
        Err(answer) => return answer,
    };
    let Some(payload) = payload else {
        pattern.add(version, key, value);
        return Answer::Done;
    };
    // HAProxy adds one entry after the other, and the entries before a bad one stay. A key ends at
    // a blank: a line without a blank is the beginning of a key that goes on in the next line.
    let mut rest = payload.strip_suffix('\n').unwrap_or(payload);
    while !rest.is_empty() {
        let Some((key, behind)) = rest.split_once([' ', '\t']) else {
            return Answer::error(&format!("Missing value for key '{rest}'."));
        };
        let behind = behind.trim_start_matches([' ', '\t']);
        let (value, next) = behind.split_once('\n').unwrap_or((behind, ""));
        pattern.add(version, key, value);
        rest = next;
    }
    Answer::Done
}

pub(in crate::fake) fn add_acl(call: &mut Call<'_>) -> Answer {
    let version = take_version(call);
    let key = call.word(1);
    // If there is a payload, the pattern is the whole payload instead of the word.
    let key = match call.payload {
        Some(payload) if !key.is_empty() => payload.strip_suffix('\n').unwrap_or(payload),
        _ => key,
    };
    if key.is_empty() {
        return Answer::error("'add acl' expects two parameters: ACL identifier and pattern.");
    }
    let pattern = match any(call, Kind::Acl) {
        Ok(pattern) => pattern,
        Err(answer) => return answer,
    };
    match check_version(pattern, version, Kind::Acl) {
        Err(answer) => answer,
        Ok(_)
            if pattern.has_addresses
                && crate::fake::describe::pattern::network::Network::parse(key).is_none() =>
        {
            pattern.refused += 1;
            Answer::error(&format!("'{key}' is not a valid IPv4 or IPv6 address."))
        }
        Ok(version) => {
            pattern.add(version, key, "");
            Answer::Done
        }
    }
}

pub(in crate::fake) fn set_map(call: &mut Call<'_>) -> Answer {
    let (key, value) = (call.word(1), call.word(2));
    if value.is_empty() {
        return Answer::error("'set map' expects three parameters: map identifier, key and value.");
    }
    let release = call.version();
    let pattern = match any(call, Kind::Map) {
        Ok(pattern) => pattern,
        Err(answer) => return answer,
    };
    match which(key) {
        Err(answer) => answer,
        Ok(which) if pattern.set(which, value, &release) => Answer::Done,
        Ok(Which::Key(_)) => Answer::error("entry not found."),
        Ok(Which::EntryRef(_)) => Answer::error("key or pattern not found."),
    }
}

pub(in crate::fake) fn del_map(call: &mut Call<'_>) -> Answer {
    delete(call, Kind::Map)
}

pub(in crate::fake) fn del_acl(call: &mut Call<'_>) -> Answer {
    delete(call, Kind::Acl)
}

fn delete(call: &mut Call<'_>, kind: Kind) -> Answer {
    let key = call.word(1);
    if key.is_empty() {
        let word = kind.word();
        return Answer::error(&format!("This command expects two parameters: {word} identifier and key."));
    }
    let release = call.state.process.version.clone();
    let Some(pattern) = own(call, kind) else {
        // Up to 3.0 the message names a map, even for an ACL.
        return unknown(if release < (3, 2) { Kind::Map } else { kind });
    };
    match which(key) {
        Err(answer) => answer,
        Ok(which) if pattern.remove(which, &release) => Answer::Done,
        Ok(_) => Answer::error("Key not found."),
    }
}

pub(in crate::fake) fn get_map(call: &mut Call<'_>) -> Answer {
    get(call, Kind::Map)
}

pub(in crate::fake) fn get_acl(call: &mut Call<'_>) -> Answer {
    get(call, Kind::Acl)
}

fn get(call: &mut Call<'_>, kind: Kind) -> Answer {
    let key = call.word(1);
    if key.is_empty() {
        return Answer::error(&format!("Missing {} identifier and/or key.", kind.word()));
    }
    let pattern = match any(call, kind) {
        Ok(pattern) => pattern,
        Err(answer) => return answer,
    };
    let of_type = if pattern.has_addresses { "ip" } else { "str" };
    let found = match (kind, pattern.lookup(key)) {
        (Kind::Map, Some((key, value))) => {
            format!("found=yes, idx=tree, key=\"{key}\", value=\"{value}\", type=\"str\"")
        }
        (Kind::Acl, Some((key, _))) => format!("match=yes, idx=tree, pattern=\"{key}\""),
        (Kind::Map, None) => "found=no".to_owned(),
        (Kind::Acl, None) => "match=no".to_owned(),
    };
    Answer::Dump(format!("type={of_type}, case=sensitive, {found}\n"))
}

pub(in crate::fake) fn clear_map(call: &mut Call<'_>) -> Answer {
    clear(call, Kind::Map)
}

pub(in crate::fake) fn clear_acl(call: &mut Call<'_>) -> Answer {
    clear(call, Kind::Acl)
}

fn clear(call: &mut Call<'_>, kind: Kind) -> Answer {
    let (version, release) = (take_version(call), call.version());
    if call.word(0).is_empty() {
        return Answer::error(&format!("Missing {} identifier.", kind.word()));
    }
    on_pattern(call, kind, |pattern| {
        pattern.clear(version, &release);
        Answer::Done
    })
}

pub(in crate::fake) fn prepare_map(call: &mut Call<'_>) -> Answer {
    prepare(call, Kind::Map)
}

pub(in crate::fake) fn prepare_acl(call: &mut Call<'_>) -> Answer {
    prepare(call, Kind::Acl)
}

fn prepare(call: &mut Call<'_>, kind: Kind) -> Answer {
    on_pattern(call, kind, |pattern| {
        Answer::message(Severity::Info, &format!("New version created: {}", pattern.prepare()))
    })
}

pub(in crate::fake) fn commit_map(call: &mut Call<'_>) -> Answer {
    commit(call, Kind::Map)
}

pub(in crate::fake) fn commit_acl(call: &mut Call<'_>) -> Answer {
    commit(call, Kind::Acl)
}

fn commit(call: &mut Call<'_>, kind: Kind) -> Answer {
    let version = take_version(call);
    let Some(version) = version else { return Answer::error("Missing version number.") };
    if call.word(0).is_empty() {
        return Answer::error(&format!("Missing {} identifier.", kind.word()));
    }
    on_pattern(call, kind, |pattern| {
        if pattern.commit(version) { Answer::Done } else { Answer::error("Version number out of range.") }
    })
}

/// Removes a first word such as `@3`, and returns its version, if the release supports versions.
fn take_version(call: &mut Call<'_>) -> Option<u32> {
    let number = call.word(0).strip_prefix('@').filter(|_| call.state.process.version >= (2, 4))?;
    call.skip();
    // As in C, a word that is not a number counts as 0.
    Some(u32::try_from(leading_number(number)).unwrap_or(0))
}

/// Returns the version to which entries are added.
fn check_version(pattern: &Pattern, version: Option<u32>, kind: Kind) -> Result<u32, Answer> {
    match version {
        Some(version) if version > pattern.latest() => {
            let word = kind.word().to_lowercase();
            let text = format!("Version number in the future, please use 'prepare {word}' before.");
            Err(Answer::error(&text))
        }
        version => Ok(version.unwrap_or(pattern.current())),
    }
}

/// Runs a command that uses only the map or ACL named by the first word.
fn on_pattern(call: &mut Call<'_>, kind: Kind, run: impl FnOnce(&mut Pattern) -> Answer) -> Answer {
    own(call, kind).map_or_else(|| unknown(kind), run)
}

/// Returns the map or ACL named by the first word.
fn own<'a>(call: &'a mut Call<'_>, kind: Kind) -> Option<&'a mut Pattern> {
    named(call).filter(|pattern| pattern.kind == kind)
}

/// Returns the map or ACL named by the first word, for a command that HAProxy also runs on the
/// other kind. Each of these commands treats the other kind in its own way.
fn any<'a>(call: &'a mut Call<'_>, kind: Kind) -> Result<&'a mut Pattern, Answer> {
    let what = call.command();
    match named(call) {
        Some(pattern) if pattern.kind == kind => Ok(pattern),
        Some(_) if what == "add acl" => Err(Answer::error(
            "This ACL is shared with a map containing samples. You must use the command 'add map' to add values.",
        )),
        Some(pattern) => Err(Answer::unsupported(&format!("`{what}` on a {}", pattern.kind.word()))),
        None => Err(unknown(kind)),
    }
}

fn named<'a>(call: &'a mut Call<'_>) -> Option<&'a mut Pattern> {
    let name = call.word(0);
    let mut patterns = call.state.process.patterns.iter_mut();
    match name.strip_prefix('#') {
        // As in C, an empty number is 0.
        Some("") => patterns.find(|pattern| pattern.id == Some(0)),
        Some(id) => {
            let id = id.parse().ok()?;
            patterns.find(|pattern| pattern.id == Some(id))
        }
        None => patterns.find(|pattern| !name.is_empty() && *pattern.file == *name),
    }
}

/// Reads a key: `#0x55...` is the address of an entry, any other text is a key.
fn which(key: &str) -> Result<Which<'_>, Answer> {
    match key.strip_prefix("#0x") {
        None => Ok(Which::Key(key)),
        Some(digits) => match u64::from_str_radix(digits, 16) {
            Ok(reference) => Ok(Which::EntryRef(reference)),
            Err(_) => Err(Answer::error("Malformed identifier. Please use #<id> or <file>.")),
        },
    }
}

fn unknown(kind: Kind) -> Answer {
    Answer::error(&format!("Unknown {} identifier. Please use #<id> or <file>.", kind.word()))
}
