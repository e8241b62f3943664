//! Messages without a severity: up to 2.6, workers print none behind the socket of their master.

use super::message::{is_address_change, is_refused_read};
use crate::protocol::{Command, Idempotency};

/// Adds the severity that the message would have on a stats socket. Replies of other kinds are
/// returned unchanged.
///
/// The messages of a change that was made are known, because the releases in question change no
/// more. Any other text in reply to a change is a refusal.
pub(crate) fn with_severity(reply: Vec<u8>, command: &Command) -> Vec<u8> {
    let text = String::from_utf8_lossy(&reply);
    let text = text.trim_end_matches('\n');
    let is_marked = matches!(reply.as_slice(), [b'[', b'0'..=b'7', b']', b':', b' ', ..]);
    if is_marked || text.is_empty() || command.is_raw() {
        return reply;
    }
    let severity: &[u8] = match command.idempotency() {
        Idempotency::Safe if is_refused_read(text) => b"[3]: ",
        Idempotency::Safe => return reply,
        _ if PROGRESS.iter().any(|end| text.ends_with(end)) => return reply,
        _ if is_address_change(text) => b"[4]: ",
        _ if DONE.iter().any(|start| text.starts_with(start)) || is_deletion(text) => b"[6]: ",
        _ => b"[3]: ",
    };
    [severity, &reply].concat()
}

/// Returns `true` for `Certificate 'a.pem' deleted!` and its likes. `Certificate 'a.pem' already exists!`
/// is a refusal.
fn is_deletion(text: &str) -> bool {
    let is_named =
        ["CA file '", "CRL file '", "Certificate '", "Entry '"].iter().any(|start| text.starts_with(start));
    is_named && text.contains("' deleted")
}

/// Last lines of the commands that print their progress, without a severity on every socket.
const PROGRESS: &[&str] = &["\nSuccess!", "\nFailed!"];

/// Beginnings of the messages about changes that were made, or that were not necessary.
const DONE: &[&str] = &[
    "All sockets are already ",
    "Frontend is already ",
    "Frontend was already shut down.",
    "New CA file created ",
    "New CRL file created ",
    "New empty certificate store ",
    "New server registered.",
    "New version created: ",
    "OCSP Response updated!",
    "Server deleted.",
    "Transaction ",
    "health check ",
    "server ssl setting updated.",
    "transaction ",
];

#[cfg(test)]
mod tests {
    use super::*;

    fn marked(command: &Command, reply: &str) -> String {
        String::from_utf8(with_severity(reply.into(), command)).unwrap()
    }

    #[test]
    fn a_message_about_a_change_gets_its_severity() {
        let command = Command::write("set server");
        for (reply, expected) in [
            ("\n", "\n"),
            ("No such server.\n\n", "[3]: No such server.\n\n"),
            ("[3]: No such server.\n\n", "[3]: No such server.\n\n"),
            ("Server deleted.\n\n", "[6]: Server deleted.\n\n"),
            (
                "IP changed from '127.0.0.1' to '127.0.0.2' by 'stats socket command'\n\n",
                "[4]: IP changed from '127.0.0.1' to '127.0.0.2' by 'stats socket command'\n\n",
            ),
            ("nothing changed\n\n", "[4]: nothing changed\n\n"),
            ("transaction created for CA a!\n\n", "[6]: transaction created for CA a!\n\n"),
            ("Certificate 'a' deleted!\n\n", "[6]: Certificate 'a' deleted!\n\n"),
            ("Certificate 'a' already exists!\n\n", "[3]: Certificate 'a' already exists!\n\n"),
            (
                "health checks are not enabled on this server\n",
                "[3]: health checks are not enabled on this server\n",
            ),
            ("Committing a.pem.\nSuccess!\n\n", "Committing a.pem.\nSuccess!\n\n"),
            ("words of no known message\n\n", "[3]: words of no known message\n\n"),
        ] {
            assert_eq!(marked(&command, reply), expected);
        }
    }

    #[test]
    fn data_stays_data() {
        let command = Command::read("get weight");
        for (reply, expected) in [
            ("100 (initial 100)\n\n", "100 (initial 100)\n\n"),
            ("No such server.\n\n", "[3]: No such server.\n\n"),
            ("Permission denied\n\n", "[3]: Permission denied\n\n"),
            ("Unknown command. Please enter\n  help\n\n", "[3]: Unknown command. Please enter\n  help\n\n"),
            ("0x1 No such server.\n\n", "0x1 No such server.\n\n"),
        ] {
            assert_eq!(marked(&command, reply), expected);
        }
    }
}
