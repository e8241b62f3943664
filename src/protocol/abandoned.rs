use super::line::words;

/// Treatment of a connection when the caller stops waiting for the reply.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Abandoned {
    /// The connection is closed at once.
    Closed,
    /// A separate task reads the connection to its end. For commands that harm HAProxy if the
    /// client closes in the middle of their reply.
    Drained,
    /// The same without a limit of time. For commands to a worker behind a master: the master frees
    /// the connection only when the worker has answered, even if the client closes.
    Awaited,
}

/// Returns the treatment of the connection if the caller stops waiting for the reply to `line`.
///
/// HAProxy 3.2 dies or hangs if the client closes during a long reply to `show servers state`
/// or `show servers conn`. HAProxy 2.6 and 3.0 never free a connection that the client closes
/// during a long reply while another command of the same line waits.
pub(super) fn abandoned(line: &str) -> Abandoned {
    let mut commands = line.split(';').map(words).peekable();
    while let Some(mut command) = commands.next() {
        let harms = match (command.next(), command.next()) {
            (Some("show"), Some("servers")) => true,
            // Their replies are short.
            (Some("show"), Some("info" | "cli") | None) => false,
            (Some("show"), Some(_)) => commands.peek().is_some(),
            _ => false,
        };
        if harms {
            return Abandoned::Drained;
        }
    }
    Abandoned::Closed
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reply_that_must_not_be_cut_is_read_to_its_end() {
        for (line, expected) in [
            ("set severity-output number;show servers state app", Abandoned::Drained),
            ("show  servers\tconn", Abandoned::Drained),
            ("show map #1;show cli level", Abandoned::Drained),
            ("show map #1;", Abandoned::Drained),
            ("show map #1", Abandoned::Closed),
            ("set severity-output number;show map #1", Abandoned::Closed),
            ("show info;show cli level;show cli sockets;show stat", Abandoned::Closed),
            ("add acl #1 show;add acl #1 servers", Abandoned::Closed),
        ] {
            assert_eq!(abandoned(line), expected, "{line}");
        }
    }
}
