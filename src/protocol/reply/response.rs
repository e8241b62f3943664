//! Meaning of a reply.

use super::framing::is_refusal;
use super::message;
use crate::error::{Malformed, Problem};
use crate::excerpt::excerpt;
use crate::level::Level;
use crate::protocol::nbproc::{DISABLED, SHUT_DOWN};
use crate::protocol::{Change, Command, Nbproc};

/// Answer of a process that did not refuse the command.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Response<T> {
    /// Value that the command returns.
    Value(T),
    /// HAProxy's message that the process does not have the object.
    Absent(Box<str>),
}

impl<T> Response<T> {
    /// Returns the value, if the process had the object a moment ago.
    ///
    /// # Errors
    ///
    /// - [`Problem::Refused`] if the process does not have it any more.
    pub(crate) fn still_present(self) -> Result<T, Problem> {
        match self {
            Self::Value(value) => Ok(value),
            Self::Absent(words) => Err(Problem::Refused(words)),
        }
    }
}

/// Function that reads the whole reply to a command.
pub(crate) type ReadReply<T> = fn(Vec<u8>, &Command, Nbproc) -> Result<Response<T>, Problem>;

/// Class of a whole reply, the same for all commands.
enum Classified<'a> {
    /// A single line feed.
    Silent,
    /// Text without a severity: the output of a command that prints something.
    Printed,
    /// Message that the command was executed.
    Done { text: &'a [u8], message: Box<str>, is_unchanged: bool },
    /// Message that the object does not exist.
    Absent(Box<str>),
}

/// Reads the reply to a command that changes something. Severities must be switched on.
#[allow(clippy::needless_pass_by_value, reason = "the shape of `ReadReply`")]
pub(crate) fn read_change(
    reply: Vec<u8>,
    command: &Command,
    nbproc: Nbproc,
) -> Result<Response<Change>, Problem> {
    let change = match classify(&reply, command, nbproc)? {
        Classified::Silent => Change::Changed(None),
        Classified::Done { message, is_unchanged: true, .. } => Change::Unchanged(message),
        Classified::Done { message, .. } => Change::Changed(Some(message)),
        Classified::Absent(message) => return Ok(Response::Absent(message)),
        Classified::Printed if is_success(&reply) => Change::Changed(progress(&reply)),
        Classified::Printed if ends_with_line(&reply, FAILED) => {
            return Err(Problem::Refused(progress(&reply).unwrap_or_else(|| shortened(&reply))));
        }
        // Any other write answers with a message or nothing, so this reply is unexpected.
        Classified::Printed => {
            return Err(Problem::OutcomeUnknown(Box::new(malformed("a message", without_end(&reply)))));
        }
    };
    Ok(Response::Value(change))
}

/// Reads the reply to a command that prints something. Severities must be switched on. The
/// result does not contain the empty line at the end of the reply.
pub(crate) fn read_data(
    mut reply: Vec<u8>,
    command: &Command,
    nbproc: Nbproc,
) -> Result<Response<Vec<u8>>, Problem> {
    match classify(&reply, command, nbproc)? {
        Classified::Silent => reply.clear(),
        Classified::Printed => reply.truncate(without_end(&reply).len()),
        Classified::Done { text, .. } => reply = text.to_vec(),
        Classified::Absent(message) => return Ok(Response::Absent(message)),
    }
    Ok(Response::Value(reply))
}

fn classify<'a>(reply: &'a [u8], command: &Command, nbproc: Nbproc) -> Result<Classified<'a>, Problem> {
    if reply == b"\n" {
        return Ok(Classified::Silent);
    }
    let Some((severity, text)) = marked(reply) else { return Ok(Classified::Printed) };
    let message = shortened(text);
    if &*message == "Permission denied" {
        return Err(Problem::PermissionDenied { needs: command.level(), words: message });
    }
    // HAProxy 3.4 says so as a notice in the reply to `set ssl cert`.
    if message::is_locked(&message) {
        return Err(Problem::Locked(message));
    }
    if message::is_unknown_command(&message) {
        let first = message.lines().next().unwrap_or_default();
        return Err(Problem::Unsupported(excerpt(first).into()));
    }
    // HAProxy says so if the level of the socket is too low.
    if &*message == "Can't allocate memory!" && command.level() == Level::Operator {
        return Err(Problem::PermissionDenied { needs: Level::Operator, words: message });
    }
    if message::is_absent(&message) || nbproc.is_absent(&message) {
        return Ok(Classified::Absent(message));
    }
    if &*message == DISABLED {
        return Err(Problem::Stopped(message));
    }
    let is_unchanged = message::is_unchanged(&message);
    let is_done = match severity {
        b'4' => is_unchanged || message::is_changed(&message) || message::is_list_of_rings(&message),
        // `disable frontend` reports its failure for a frontend that was shut down as a notice.
        b'5' | b'6' => !message.starts_with(SHUT_DOWN),
        _ => false,
    };
    if is_done {
        Ok(Classified::Done { text, message, is_unchanged })
    } else {
        Err(Problem::Refused(message))
    }
}

/// Returns `true` if the last line reports the success of a command that reports its progress.
fn is_success(reply: &[u8]) -> bool {
    ends_with_line(reply, SUCCESS)
}

fn ends_with_line(reply: &[u8], line: &str) -> bool {
    let text = reply.trim_ascii_end();
    text.strip_suffix(line.as_bytes()).is_some_and(|before| before.is_empty() || before.ends_with(b"\n"))
}

/// Returns the lines between the first line, with the progress, and the last line, with the result.
/// They hold warnings or the reason of a failure.
fn progress(reply: &[u8]) -> Option<Box<str>> {
    let text = shortened(reply);
    let words = text.trim_end().split('\n').skip(1).filter(|line| ![SUCCESS, FAILED].contains(line));
    let words: Vec<_> = words.collect();
    (!words.is_empty()).then(|| words.join("\n").into())
}

fn without_end(reply: &[u8]) -> &[u8] {
    reply.strip_suffix(b"\n").unwrap_or(reply)
}

/// Returns the severity and the text of a message. Output that is not a message has no severity.
fn marked(reply: &[u8]) -> Option<(u8, &[u8])> {
    match reply {
        [b'[', severity @ b'0'..=b'7', b']', b':', b' ', text @ ..] => Some((*severity, text)),
        text if is_refusal(text) => Some((b'3', text)),
        _ => None,
    }
}

/// Returns the message of HAProxy, cut to [`LONGEST`] bytes. All messages of HAProxy are shorter.
fn shortened(text: &[u8]) -> Box<str> {
    let text = text.get(..LONGEST).unwrap_or(text);
    String::from_utf8_lossy(text).trim_end_matches('\n').into()
}

/// Maximum number of bytes of a message that are kept.
const LONGEST: usize = 4096;

/// Last lines of the commands that report their progress: `commit ssl`, `add ssl crt-list`.
const SUCCESS: &str = "Success!";
const FAILED: &str = "Failed!";

/// Returns the problem of a reply that does not have the format of the command's output.
pub(crate) fn malformed(expected: &'static str, found: &[u8]) -> Problem {
    Malformed::new(1, None, expected, found).into()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::protocol::Idempotency;

    /// Reads a reply of a process that is alone, or one of `several` processes.
    fn read(command: &Command, reply: &str, several: bool) -> String {
        let nbproc = Nbproc::new(Some(if several { 2 } else { 1 }));
        let absent = |message: Box<str>| format!("absent: {message}");
        let problem = |problem: Problem| problem.to_string();
        if command.idempotency() == Idempotency::Safe {
            return match read_data(reply.into(), command, nbproc) {
                Ok(Response::Value(data)) => format!("data: {:?}", String::from_utf8_lossy(&data)),
                Ok(Response::Absent(message)) => absent(message),
                Err(error) => problem(error),
            };
        }
        match read_change(reply.into(), command, nbproc) {
            Ok(Response::Value(change)) => change.to_string(),
            Ok(Response::Absent(message)) => absent(message),
            Err(error) => problem(error),
        }
    }

    /// Reads a message, which some releases end with an empty line and other releases do not.
    fn change(message: &str) -> String {
        let command = Command::write("set server");
        let [one, two] = ["\n", "\n\n"].map(|end| read(&command, &format!("{message}{end}"), false));
        assert_eq!(one, two);
        one
    }

    #[test]
    fn silence_is_a_change_or_nothing_to_tell() {
        assert_eq!(read(&Command::write("disable server"), "\n", false), "changed");
        assert_eq!(read(&Command::write_once("add map"), "\n", false), "changed");
        assert_eq!(read(&Command::read("show map"), "\n", false), "data: \"\"");
    }

    #[test]
    fn what_is_printed_on_demand_is_data() {
        let command = Command::read("get weight");
        assert_eq!(read(&command, "100 (initial 100)\n\n", false), "data: \"100 (initial 100)\\n\"");
        assert_eq!(read(&command, "type=str, found=no\n\n", false), "data: \"type=str, found=no\\n\"");
        assert_eq!(read(&command, "[6]: admin\n\n", false), "data: \"admin\\n\\n\"");
        assert_eq!(read(&command, "[3]: No such server.\n\n", false), "absent: No such server.");
        assert_eq!(
            read(&Command::write("set server"), "100 (initial 100)\n\n", false),
            "outcome unknown: line 1: expected a message, found \"100 (initial 100)\\n\""
        );
    }

    #[test]
    fn these_are_changes() {
        for message in [
            "[4]: IP changed from '127.0.0.1' to '::1' by 'stats socket command'",
            "[4]: port changed from '18001' to '18002' by 'stats socket command'",
            "[4]: no need to change the addr, port changed from '1' to '2' by 'stats socket command'",
            "[4]: IP changed from '1.1.1.1' to '2.2.2.2', no need to change the port by 'stats socket command'",
            "[4]: IP changed from '::1' to '::2', port changed from '1' to '2' by 'stats socket command'",
            "[4]: be/srv changed its FQDN from host.example to other.example by 'stats socket command'",
            "[5]: health check port updated.",
            "[5]: server ssl setting updated.",
            "[6]: New version created: 1",
        ] {
            let words = message.split_at("[4]: ".len()).1;
            assert_eq!(change(message), format!("changed: {words}"));
        }
    }

    #[test]
    fn these_say_that_there_is_nothing_to_change() {
        for message in [
            "[4]: nothing changed",
            "[4]: no need to change the addr by 'stats socket command'",
            "[4]: no need to change the addr, no need to change the port by 'stats socket command'",
            "[4]: no need to change the FDQN by 'stats socket command'",
            "[5]: Frontend is already disabled.",
            "[5]: Frontend is already enabled.",
            "[5]: All sockets are already disabled.",
            "[5]: All sockets are already enabled.",
            "[5]: Frontend was already shut down.",
        ] {
            let words = message.split_at("[4]: ".len()).1;
            assert_eq!(change(message), format!("unchanged: {words}"));
        }
    }

    #[test]
    fn these_say_that_it_is_not_here() {
        for words in [
            "No such server.",
            "No such backend.",
            "No such frontend.",
            "No such proxy.",
            "Can't find backend.",
            "Unknown map identifier. Please use #<id> or <file>.",
            "Unknown ACL identifier. Please use #<id> or <file>.",
            "Key not found.",
            "entry not found.",
            "key or pattern not found.",
            "Can't display the certificate: Not found or the certificate is a bundle!",
            "Can't remove the certificate: certificate 'a' doesn't exist!",
            "No ongoing transaction! !\nCan't commit a!",
            "Can't display the CA file : Not found!",
            "Can't display the CRL file : Not found!",
            "Can't replace a CRL file which is not referenced by the configuration!\nCan't update a!",
            "Can't remove the CA file: CA file 'a' doesn't exist!",
            "didn't find the specified filename",
            "Certificate ID does not match any certificate.",
            "'show ssl ocsp-response' expects a valid certid or certificate path.",
            "OCSP single response: Certificate ID does not match any certificate or issuer.",
            "Unknown certificate! 'update ssl ocsp-response' expects an already known certificate file name.\n\
             Can't send ocsp request for a!",
            "Can't edit the crt-list: crt-list 'a' does not exist!",
            "Can't delete the entry: crt-list 'a' does not exist!",
            "Can't delete the entry: certificate 'a' does not exist!",
            "Can't delete the entry: certificate 'a' can't be found in crt-list 'b'!",
        ] {
            assert_eq!(change(&format!("[3]: {words}")), format!("absent: {words}"));
        }
    }

    #[test]
    fn these_are_refusals() {
        for message in [
            "[3]: Absolute weight can only be between 0 and 256 inclusive.",
            "[3]: Agent was not configured on this server, cannot enable.",
            "[3]: Backend is using a static LB algorithm and only accepts weights '0%' and '100%'.",
            "[3]: Empty weight string empty or preceded by garbage",
            "[3]: Expects an integer value.",
            "[3]: Frontend was previously shut down, cannot enable.",
            "[3]: Health check was not configured on this server, cannot enable.",
            "[3]: Missing map identifier and/or key.",
            "[3]: Require 'backend/server'.",
            "[3]: Require <maxconn>.",
            "[3]: Value out of range.",
            "[3]: agent checks are not enabled on this server.",
            "[3]: cannot change health on a tracking server.",
            "[3]: incorrect addr address given for agent.",
            "[3]: maxconn string empty or preceded by garbage",
            "[3]: provided port is not valid.",
            "[3]: Can't edit the crt-list: certificate 'a' does not exist!",
            "[3]: OCSP single response: certificate status is unknown.",
            "[3]: Unable to parse OCSP response.",
            "[3]: set server <b>/<s> fqdn failed because no resolution is configured.",
            "[3]: 'notanip' is not a valid IPv4 or IPv6 address.",
            "[3]: 'set rate-limit' only supports :\n   - 'connections global' to set the maximum rate",
            "[3]: 'set server <srv> ssl' cannot be set.  default-server should define ssl settings",
            "[3]: 'set server <srv> state' expects 'ready', 'drain' and 'maint'.",
            "[4]: Invalid addr 'notanip'",
            "[4]: Invalid addr 'notanip' by 'stats socket command'",
            "[4]: Update for the current server address family is only supported through configuration file.",
            "[4]: agent checks are not enabled on this server",
            "[4]: could not update app/web2 FQDN by 'stats socket command'",
            "[4]: health checks are not enabled on this server",
            "[4]: invalid addr '127.0.0.1'",
            "[4]: problem converting port '' to an int",
            "[4]: provided port is invalid",
            "[5]: Frontend was previously shut down, cannot disable.",
        ] {
            let words = message.split_at("[4]: ".len()).1;
            assert_eq!(change(message), format!("refused: {words:?}"));
        }
    }

    #[test]
    fn a_change_that_was_made_in_part_is_refused() {
        for words in [
            "no need to change the addr, can't change <port> to port map because it is incompatible",
            "IP changed from '::1' to '::2', can't change <port> to port map because it is incompatible",
            "no need to change the addr, problem converting port '' to an int by 'stats socket command'",
            "IP changed from '::1' to '::2', provided port is not valid by 'stats socket command'",
        ] {
            assert_eq!(change(&format!("[4]: {words}")), format!("refused: {words:?}"));
        }
    }

    #[test]
    fn a_command_that_a_release_does_not_know_is_unsupported() {
        for (message, shown) in [
            (
                "[6]: Unknown command. Please enter one of the following commands only :\n  help",
                "Unknown command. Please enter one of the following commands only :",
            ),
            (
                "[6]: Unknown command, but maybe one of the following ones is a better match:\n  set map",
                "Unknown command, but maybe one of the following ones is a better match:",
            ),
            (
                "[6]: Unknown command: 'set', but maybe one of the following ones is a better match:\n  x",
                "Unknown command: 'set', but maybe one of the following ones is a better match:",
            ),
            (
                "[3]: 'set server <srv>' only supports 'agent', 'health', 'state' and 'weight'.",
                "'set server <srv>' only supports 'agent', 'health', 'state' and 'weight'.",
            ),
            (
                "[3]: usage: set server <backend>/<server> addr | agent | weight",
                "usage: set server <backend>/<server> addr | agent | weight",
            ),
        ] {
            assert_eq!(change(message), format!("unknown to this release: {shown:?}"));
        }
    }

    #[test]
    fn a_denied_command_names_the_level_that_it_needs() {
        let command = Command::write("clear counters").needs(Level::Operator);
        assert_eq!(
            read(&command, "[3]: Permission denied\n\n", false),
            "needs level operator of the stats socket: \"Permission denied\""
        );
        assert_eq!(
            change("[3]: Permission denied"),
            "needs level admin of the stats socket: \"Permission denied\""
        );
    }

    #[test]
    fn a_line_that_is_too_long_is_refused_without_a_severity() {
        let words = "The command line is too big for the buffer size. Please change tune.bufsize.";
        assert_eq!(change(words), format!("refused: {words:?}"));
    }

    #[test]
    fn a_disabled_proxy_is_elsewhere_only_if_there_are_several_processes() {
        let command = Command::write("disable server");
        let reply = "[3]: Proxy is disabled.\n\n";
        assert_eq!(read(&command, reply, true), "absent: Proxy is disabled.");
        assert!(matches!(read_change(reply.into(), &command, Nbproc::default()), Err(Problem::Stopped(_))));
    }

    #[test]
    fn one_process_of_several_says_of_a_frontend_elsewhere_that_it_was_shut_down() {
        let command = Command::write("disable frontend");
        for (severity, verb) in [(3, "enable"), (5, "disable")] {
            let words = format!("Frontend was previously shut down, cannot {verb}.");
            let reply = format!("[{severity}]: {words}\n\n");
            assert_eq!(read(&command, &reply, true), format!("absent: {words}"));
            assert_eq!(read(&command, &reply, false), format!("refused: {words:?}"));
        }
    }

    #[test]
    fn the_last_line_of_progress_tells_the_result() {
        let command = Command::write_once("commit ssl cert");
        for (reply, expected) in [
            ("Committing a.pem..\nSuccess!\n\n", "changed"),
            ("Committing a.pem\nSuccess!\n\n", "changed"),
            ("Committing a.pem.\na warning\nSuccess!\n\n", "changed: a warning"),
            ("Committing a.pem\nno key.\nFailed!\n\n", "refused: \"no key.\""),
            ("Committing a.pem\nFailed!\n\n", "refused: \"Committing a.pem\\nFailed!\""),
            (
                "Committing a.pem..\nNo Success!\n\n",
                "outcome unknown: line 1: expected a message, found \"Committing a.pem..\\nNo Success!\\n\"",
            ),
        ] {
            assert_eq!(read(&command, reply, false), expected);
        }
    }

    #[test]
    fn a_lock_of_certificates_is_a_refusal_of_its_own() {
        let command = Command::write_once("set ssl cert");
        for message in [
            "[3]: Can't show!\nOperations on certificates are currently locked!\n\n",
            "[5]: Can't update the certificate!\nOperations on certificates are currently locked!\n\n",
            "[3]: Operations on certificates are currently locked!\n\n",
        ] {
            let read = read_change(message.into(), &command, Nbproc::default());
            assert!(matches!(read, Err(Problem::Locked(_))), "{read:?}");
        }
        let message = "[5]: New empty certificate store 'Operations on certificates are currently locked!'!";
        assert!(change(message).starts_with("changed: "));
    }

    #[test]
    fn a_level_that_is_too_low_for_certificates_is_a_lack_of_memory() {
        let reply = "[3]: Can't allocate memory!\n\n";
        let expected = "needs level operator of the stats socket: \"Can't allocate memory!\"";
        assert_eq!(read(&Command::read("show ssl cert").needs(Level::Operator), reply, false), expected);
        assert_eq!(change("[3]: Can't allocate memory!"), "refused: \"Can't allocate memory!\"");
    }
}
