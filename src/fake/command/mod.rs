//! The table of commands, and the search for one of them.

mod answer;
mod backend;
mod call;
mod certificate;
mod frontend;
mod info;
mod limit;
mod number;
mod pattern;
mod report;
mod server;
mod session;
mod stat;
mod stream;
mod table;

pub(in crate::fake) use answer::{Answer, Severity};
pub(in crate::fake) use server::run_checks;
pub(in crate::fake) use session::{Mode, Session, SeverityOutput};

use std::fmt::Write as _;

use super::describe::State;
use crate::Version;
use crate::level::Level;
use call::Call;
use certificate::{crt_list, file, ocsp};

/// An entry of the table of commands.
struct Command {
    words: &'static [&'static str],
    what: &'static str,
    needs: Needs,
    run: fn(&mut Call<'_>) -> Answer,
}

/// The level that a command needs.
enum Needs {
    Level(Level),
    /// A command on a map or an ACL: every level may use it before 3.4, `admin` since.
    Pattern,
    /// The same, for a command that exists since maps and ACLs have versions (2.4).
    Transaction,
    /// `admin`, for a command that exists since servers can be added (2.4).
    Dynamic,
    /// `admin`, for a command that exists since backends can be added (3.4).
    Backend,
    /// `operator`, and every level before 3.0.
    Activity,
    /// `admin`, and every level before 2.4.
    Profiling,
    /// `admin`, and every level before 3.4, for a command on OCSP responses that exists since a release.
    Ocsp((u16, u16)),
    /// A level, for a command that exists since a release.
    Since(Level, (u16, u16)),
}

/// Runs one command.
pub(in crate::fake) fn run(
    state: &mut State,
    session: &mut Session,
    words: &[String],
    payload: Option<&str>,
) -> Answer {
    let version = state.process.version.clone();
    let split: Vec<&str> = words.iter().map(String::as_str).collect();
    let exists = |command: &&Command| match command.needs {
        Needs::Level(_) | Needs::Pattern | Needs::Activity | Needs::Profiling => true,
        Needs::Transaction | Needs::Dynamic => version >= (2, 4),
        Needs::Backend => version >= (3, 4),
        Needs::Since(_, first) | Needs::Ocsp(first) => version >= first,
    };
    let mut known = COMMANDS.iter().filter(exists);
    let Some((command, rest)) = known.find_map(|command| Some((command, split.strip_prefix(command.words)?)))
    else {
        let suggested = COMMANDS.iter().map(|command| (command.words.join(" "), command.what));
        return unknown(&version, split.first().copied(), suggested);
    };
    let needed = match command.needs {
        Needs::Level(level) | Needs::Since(level, _) => level,
        Needs::Pattern | Needs::Transaction | Needs::Ocsp(_) if version < (3, 4) => Level::User,
        Needs::Activity if version < (3, 0) => Level::User,
        Needs::Profiling if version < (2, 4) => Level::User,
        Needs::Activity => Level::Operator,
        Needs::Pattern
        | Needs::Transaction
        | Needs::Dynamic
        | Needs::Backend
        | Needs::Profiling
        | Needs::Ocsp(_) => Level::Admin,
    };
    if session.level < needed {
        return Answer::error("Permission denied");
    }
    (command.run)(&mut Call { state, session, payload, command: command.words, words: rest })
}

/// Refuses a command that is not in the table, and suggests others.
pub(in crate::fake) fn unknown<'a>(
    version: &Version,
    word: Option<&str>,
    suggested: impl IntoIterator<Item = (String, &'a str)>,
) -> Answer {
    let first = match word {
        None if *version >= (3, 0) => return Answer::Done,
        None if *version >= (2, 4) => {
            "Unknown command. Please enter one of the following commands only:".into()
        }
        Some(word) if *version >= (2, 7) => {
            format!("Unknown command: '{word}', but maybe one of the following ones is a better match:")
        }
        Some(_) if *version >= (2, 4) => {
            "Unknown command, but maybe one of the following ones is a better match:".into()
        }
        _ => "Unknown command. Please enter one of the following commands only :".to_owned(),
    };
    let mut text = first;
    for (words, what) in suggested {
        // Writing to a string cannot fail.
        let _ = write!(text, "\n  {words:<39} : {what}");
    }
    Answer::message(Severity::Info, &text)
}

fn quit(_: &mut Call<'_>) -> Answer {
    Answer::Quit
}

fn toggle_prompt(call: &mut Call<'_>) -> Answer {
    call.session.mode = if call.session.has_prompt() { Mode::Single } else { Mode::Prompt };
    // Releases before 3.2 ignore arguments.
    let arguments = if call.version() >= (3, 2) { call.words() } else { &[] };
    for argument in arguments {
        call.session.mode = match *argument {
            "n" => Mode::Single,
            "i" => Mode::Interactive,
            "p" => Mode::Prompt,
            _ => return Answer::unsupported(&format!("`prompt {}`", arguments.join(" "))),
        };
    }
    Answer::Done
}

fn show_info(call: &mut Call<'_>) -> Answer {
    other_format(call).unwrap_or_else(|| Answer::Dump(info::show(call.state)))
}

fn show_stat(call: &mut Call<'_>) -> Answer {
    other_format(call).unwrap_or_else(|| stat::show(call.state, call.session.level, call.words()))
}

fn other_format(call: &Call<'_>) -> Option<Answer> {
    let is_other = call.words().iter().any(|word| FORMATS.contains(word));
    is_other.then(|| Answer::unsupported(&format!("`{} {}`", call.command(), call.words().join(" "))))
}

fn show_level(call: &mut Call<'_>) -> Answer {
    Answer::message(Severity::Info, &call.session.level.to_string())
}

fn show_sockets(call: &mut Call<'_>) -> Answer {
    Answer::Dump(call.state.list_sockets())
}

fn show_backend(call: &mut Call<'_>) -> Answer {
    let backends = call.state.process.proxies.iter().filter(|proxy| proxy.backend.is_some());
    Answer::Dump(backends.fold("# name\n".to_owned(), |text, proxy| text + &proxy.name + "\n"))
}

fn show_errors(_: &mut Call<'_>) -> Answer {
    // The fake gets no traffic that could be invalid.
    Answer::Dump(format!("Total events captured on [{}] : 0\n", State::clock()))
}

fn show_version(call: &mut Call<'_>) -> Answer {
    let version = call.version();
    if version < (2, 5) {
        return unknown(&version, Some("show"), []);
    }
    Answer::message(Severity::Info, &version.to_string())
}

fn show_tls_keys(_: &mut Call<'_>) -> Answer {
    Answer::Dump("# id (file)\n".to_owned())
}

/// Lists nothing: a fake has no caches and no peers.
fn show_nothing(_: &mut Call<'_>) -> Answer {
    Answer::Dump(String::new())
}

fn lower(call: &mut Call<'_>) -> Answer {
    call.session.level = if call.command == ["user"] { Level::User } else { Level::Operator };
    Answer::Done
}

fn set_severity_output(call: &mut Call<'_>) -> Answer {
    match SeverityOutput::read(call.word(0)) {
        Ok(output) => call.session.output = output,
        Err(text) => return Answer::error(text),
    }
    Answer::Done
}

/// `set timeout cli DELAY`, of a connection that never times out anyway.
fn set_timeout(call: &mut Call<'_>) -> Answer {
    let number = call.word(1).trim_end_matches(|unit: char| unit.is_ascii_alphabetic());
    match call.word(0) {
        "cli" if call.word(1).is_empty() => Answer::error("Expects an integer value."),
        "cli" if number.parse::<u32>().is_ok_and(|number| number > 0) => Answer::Done,
        "cli" => Answer::error("Invalid timeout value."),
        _ => Answer::error("'set timeout' only supports 'cli'."),
    }
}

const USER: Needs = Needs::Level(Level::User);
const OPERATOR: Needs = Needs::Level(Level::Operator);
const ADMIN: Needs = Needs::Level(Level::Admin);
const DYNAMIC: Needs = Needs::Dynamic;
const BACKEND: Needs = Needs::Backend;
/// Commands on CA files and CRL files.
const FILE: Needs = Needs::Since(Level::Admin, (2, 5));

/// Builds the table. Each row has the words of a command, its description, its level and its
/// function.
macro_rules! commands {
    ($($($word:literal)+ : $what:literal, $needs:expr, $run:path;)*) => {
        &[$(Command { words: &[$($word),+], what: $what, needs: $needs, run: $run }),*]
    };
}

/// The commands. The first row with matching words is run.
const COMMANDS: &[Command] = commands! {
    "show" "info": "report information about the running process", USER, show_info;
    "show" "stat": "report counters for each proxy and server", USER, show_stat;
    "show" "cli" "level": "display the level of the current CLI session", USER, show_level;
    "show" "cli" "sockets": "dump list of cli sockets", USER, show_sockets;
    "show" "backend": "list backends in the current running config", USER, show_backend;
    "show" "errors": "report last request and/or response errors for each proxy", OPERATOR, show_errors;
    "show" "cache": "show cache status", ADMIN, show_nothing;
    "show" "events": "show event sink state", USER, report::show_events;
    "show" "peers": "dump some information about all the peers or this peers section", USER, show_nothing;
    "show" "tls-keys": "show tls keys references or dump tls ticket keys when id specified", Needs::Pattern,
        show_tls_keys;
    "show" "resolvers": "dumps counters from all resolvers section and associated name servers", USER,
        report::show_resolvers;
    "show" "activity": "show per-thread activity stats (for support/developers)", Needs::Activity,
        report::activity;
    "show" "env": "dump environment variables known to the process", OPERATOR, report::env;
    "show" "fd": "dump list of file descriptors in use or a specific one", OPERATOR, report::fd;
    "show" "libs": "show loaded object files and libraries", Needs::Since(Level::Operator, (2, 6)),
        report::libs;
    "show" "pools": "report information about the memory pools usage", USER, report::pools;
    "show" "profiling": "show CPU profiling state", Needs::Profiling, report::profiling;
    "show" "startup-logs": "report logs emitted during HAProxy startup", OPERATOR, report::startup_logs;
    "show" "threads": "show some threads debugging information", USER, report::threads;
    "show" "version": "show version of the current process", USER, show_version;
    "show" "sess": "report the list of current sessions or dump this exact session", OPERATOR, stream::show;
    "show" "servers" "state": "dump volatile server information", USER, server::show_states;
    "show" "servers" "conn": "dump server connections status", USER, server::show_connections;
    "show" "map": "report available maps or dump a map's contents", Needs::Pattern, pattern::show_map;
    "show" "acl": "report available acls or dump an acl's contents", Needs::Pattern, pattern::show_acl;
    "add" "map": "add a map entry", Needs::Pattern, pattern::add_map;
    "add" "acl": "add an acl entry", Needs::Pattern, pattern::add_acl;
    "set" "map": "modify a map entry", Needs::Pattern, pattern::set_map;
    "del" "map": "delete map entries", Needs::Pattern, pattern::del_map;
    "del" "acl": "delete acl entries", Needs::Pattern, pattern::del_acl;
    "get" "map": "report the keys and values matching a sample for a map", Needs::Pattern, pattern::get_map;
    "get" "acl": "report the patterns matching a sample for an ACL", Needs::Pattern, pattern::get_acl;
    "clear" "map": "clear the contents of this map", Needs::Pattern, pattern::clear_map;
    "clear" "acl": "clear the contents of this acl", Needs::Pattern, pattern::clear_acl;
    "prepare" "map": "prepare a new version for atomic map replacement", Needs::Transaction,
        pattern::prepare_map;
    "prepare" "acl": "prepare a new version for atomic ACL replacement", Needs::Transaction,
        pattern::prepare_acl;
    "commit" "map": "commit the map at this version", Needs::Transaction, pattern::commit_map;
    "commit" "acl": "commit the ACL at this version", Needs::Transaction, pattern::commit_acl;
    "show" "table": "report table usage stats or dump this table's contents", USER, table::show;
    "set" "table": "update or create a table entry's data", USER, table::set;
    "clear" "table": "remove an entry from a table", USER, table::clear;
    "enable" "server": "enable a disabled server", ADMIN, server::enable;
    "disable" "server": "disable a server for maintenance", ADMIN, server::disable;
    "enable" "health": "enable health checks", ADMIN, server::enable_health;
    "disable" "health": "disable health checks", ADMIN, server::disable_health;
    "enable" "agent": "enable agent checks", ADMIN, server::enable_agent;
    "disable" "agent": "disable agent checks", ADMIN, server::disable_agent;
    "add" "server": "create a new server", DYNAMIC, server::add;
    "del" "server": "remove a dynamically added server", DYNAMIC, server::del;
    "add" "backend": "add a backend", BACKEND, backend::add;
    "del" "backend": "delete a backend", BACKEND, backend::del;
    "publish" "backend": "mark backend as ready for traffic", BACKEND, backend::publish;
    "unpublish" "backend": "remove backend for any traffic processing", BACKEND, backend::unpublish;
    "set" "server": "change a server's state, weight, address or ssl", ADMIN, server::set;
    "set" "weight": "change a server's weight", ADMIN, server::set_weight;
    "get" "weight": "report a server's current weight", USER, server::get_weight;
    "set" "maxconn" "server": "change a server's maxconn setting", ADMIN, server::set_maxconn;
    "shutdown" "session": "kill a specific session", ADMIN, stream::shutdown;
    "shutdown" "sessions" "server": "kill sessions on a server", ADMIN, server::shutdown_sessions;
    "enable" "frontend": "re-enable specific frontend", ADMIN, frontend::enable;
    "disable" "frontend": "temporarily disable specific frontend", ADMIN, frontend::disable;
    "shutdown" "frontend": "stop a specific frontend", ADMIN, frontend::shutdown;
    "set" "maxconn" "frontend": "change a frontend's maxconn setting", ADMIN, frontend::set_maxconn;
    "set" "maxconn" "global": "change the per-process maxconn setting", ADMIN, limit::set_maxconn;
    "set" "rate-limit": "change a rate limiting value", ADMIN, limit::set_rate_limit;
    "show" "ssl" "cert": "display the SSL certificates used in memory", USER, certificate::show;
    "new" "ssl" "cert": "create a new certificate file", ADMIN, certificate::create;
    "set" "ssl" "cert": "replace a certificate file", ADMIN, certificate::set;
    "commit" "ssl" "cert": "commit a certificate file", ADMIN, certificate::commit;
    "abort" "ssl" "cert": "abort a transaction for a certificate file", ADMIN, certificate::abort;
    "del" "ssl" "cert": "delete an unused certificate file", ADMIN, certificate::del;
    "show" "ssl" "ca-file": "display the SSL CA files used in memory", Needs::Since(Level::User, (2, 5)),
        file::show;
    "new" "ssl" "ca-file": "create a new CA file", FILE, file::create;
    "add" "ssl" "ca-file": "add a certificate into the CA file", Needs::Since(Level::Admin, (2, 7)), file::add;
    "set" "ssl" "ca-file": "replace a CA file", FILE, file::set;
    "commit" "ssl" "ca-file": "commit a CA file", FILE, file::commit;
    "abort" "ssl" "ca-file": "abort a transaction for a CA file", FILE, file::abort;
    "del" "ssl" "ca-file": "delete an unused CA file", FILE, file::del;
    "show" "ssl" "crl-file": "display the SSL CRL files used in memory", Needs::Since(Level::User, (2, 5)),
        file::show;
    "new" "ssl" "crl-file": "create a new CRL file", FILE, file::create;
    "set" "ssl" "crl-file": "replace a CRL file", FILE, file::set;
    "commit" "ssl" "crl-file": "commit a CRL file", FILE, file::commit;
    "abort" "ssl" "crl-file": "abort a transaction for a CRL file", FILE, file::abort;
    "del" "ssl" "crl-file": "delete an unused CRL file", FILE, file::del;
    "show" "ssl" "crt-list": "show the crt-lists or the content of one", ADMIN, crt_list::show;
    "add" "ssl" "crt-list": "add a line to a crt-list", ADMIN, crt_list::add;
    "del" "ssl" "crt-list": "delete a line of a crt-list", ADMIN, crt_list::del;
    "show" "ssl" "ocsp-response": "display the IDs of the OCSP responses used in memory", Needs::Ocsp((2, 5)),
        ocsp::show;
    "set" "ssl" "ocsp-response": "update a certificate's OCSP Response", Needs::Ocsp((1, 5)), ocsp::set;
    "update" "ssl" "ocsp-response": "send ocsp request and update stored ocsp response", Needs::Ocsp((2, 8)),
        ocsp::update;
    "show" "ssl" "ocsp-updates": "display information about the next ocsp responses that will be updated",
        Needs::Ocsp((2, 8)), ocsp::updates;
    "clear" "counters" "all": "clear all statistics counters", ADMIN, limit::clear_all_counters;
    "clear" "counters": "clear max statistics counters", OPERATOR, limit::clear_counters;
    "set" "severity-output": "set presence of severity level in feedback information", USER,
        set_severity_output;
    "set" "timeout": "change a timeout setting", USER, set_timeout;
    "operator": "lower the level of the current CLI session to operator", OPERATOR, lower;
    "user": "lower the level of the current CLI session to user", USER, lower;
    "prompt": "toggle interactive mode with prompt", USER, toggle_prompt;
    "quit": "disconnect", USER, quit;
};

/// Words that ask for another format, or for other rows.
const FORMATS: &[&str] = &["typed", "json", "desc", "float", "domain"];
