use super::line::words;

/// Redacts a raw command line for errors and traces. Returns the words that name its first
/// command if HAProxy has such a command, and `raw command` otherwise.
///
/// Any other word may be secret: an argument, or a secret that the caller put in the place of
/// the command by mistake.
pub(crate) fn verb(line: &str) -> String {
    let first = line.split(';').find(|command| words(command).next().is_some()).unwrap_or_default();
    let mut words = words(first);
    let (first, second) = (words.next().unwrap_or_default(), words.next().unwrap_or_default());
    let pair = PAIRS.iter().find(|(verb, _)| *verb == first).and_then(|(verb, objects)| {
        let object = objects.iter().find(|object| **object == second)?;
        Some(format!("{verb} {object}"))
    });
    let alone = || ALONE.iter().find(|verb| **verb == first).map(|verb| (*verb).to_owned());
    pair.or_else(alone).unwrap_or_else(|| "raw command".to_owned())
}

/// Commands of two words or more: each first word with all its second words. The table has
/// every command that `help` lists in 2.2, 2.6, 3.0, 3.2 or 3.4, on a worker or a master.
const PAIRS: &[(&str, &[&str])] = &[
    ("abort", &["ssl"]),
    ("acme", &["challenge_ready", "renew", "status"]),
    ("add", &["acl", "backend", "map", "server", "ssl"]),
    ("clear", &["acl", "counters", "map", "table"]),
    ("commit", &["acl", "map", "ssl"]),
    ("debug", &["counters", "dev"]),
    ("del", &["acl", "backend", "map", "server", "ssl"]),
    ("disable", &["agent", "dynamic-cookie", "frontend", "health", "server"]),
    ("dump", &["ssl", "stats-file"]),
    ("enable", &["agent", "dynamic-cookie", "frontend", "health", "server"]),
    ("get", &["acl", "map", "var", "weight"]),
    ("new", &["ssl"]),
    ("prepare", &["acl", "map"]),
    ("publish", &["backend"]),
    (
        "set",
        &[
            "anon",
            "dynamic-cookie-key",
            "map",
            "maxconn",
            "profiling",
            "rate-limit",
            "server",
            "severity-output",
            "ssl",
            "table",
            "timeout",
            "weight",
        ],
    ),
    (
        "show",
        &[
            "acl",
            "activity",
            "anon",
            "backend",
            "cache",
            "cli",
            "dev",
            "env",
            "errors",
            "events",
            "fd",
            "info",
            "libs",
            "map",
            "peers",
            "pools",
            "proc",
            "profiling",
            "quic",
            "resolvers",
            "schema",
            "servers",
            "sess",
            "ssl",
            "startup-logs",
            "stat",
            "table",
            "tasks",
            "threads",
            "tls-keys",
            "trace",
            "version",
        ],
    ),
    ("shutdown", &["frontend", "session", "sessions"]),
    ("unpublish", &["backend"]),
    ("update", &["ssl"]),
];

/// Commands of one word; the words after it are arguments.
const ALONE: &[&str] =
    &["echo", "hard-reload", "help", "operator", "prompt", "quit", "reload", "trace", "user", "wait"];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_words_of_a_known_command_are_shown() {
        for (line, expected) in [
            ("show stat", "show stat"),
            (" set  server web/a weight 3", "set server"),
            ("show info;show stat", "show info"),
            (";set map x", "set map"),
            ("wait 10s", "wait"),
            ("quit", "quit"),
            ("echo secretword", "echo"),
            ("show Secret", "raw command"),
            ("add secretword", "raw command"),
            ("add", "raw command"),
            ("secretword", "raw command"),
            ("map add", "raw command"),
            ("set mapx k v", "raw command"),
            ("@1 show info", "raw command"),
            ("", "raw command"),
        ] {
            assert_eq!(verb(line), expected, "{line:?}");
        }
    }

    #[test]
    fn the_tables_are_sorted() {
        assert!(PAIRS.is_sorted_by(|one, next| one.0 < next.0));
        assert!(PAIRS.iter().all(|(_, objects)| objects.is_sorted_by(|one, next| one < next)));
        assert!(ALONE.is_sorted_by(|one, next| one < next));
    }
}
