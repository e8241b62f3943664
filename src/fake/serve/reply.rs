//! The reply of a fake process to the requests of a client.

use super::line;
use super::request::Request;
use crate::Version;
use crate::fake::command;
use crate::fake::command::{Answer, Session};
use crate::fake::describe::{Fault, Follow, Received, State};

/// The bytes for the client. If `closes` is set, the connection is closed after them.
#[derive(Debug, Default, PartialEq, Eq)]
pub(in crate::fake) struct Reply {
    pub(in crate::fake) text: String,
    pub(in crate::fake) closes: bool,
    /// Set if the reply goes on.
    pub(in crate::fake) follows: Option<Followed>,
    /// The fault with which the bytes are sent. The connection is closed afterwards.
    pub(in crate::fake) fault: Option<Fault>,
}

/// A reply that goes on until the client sends a line.
#[derive(Debug, PartialEq, Eq)]
pub(in crate::fake) struct Followed {
    pub(in crate::fake) follow: Follow,
    /// The commands behind it on its line.
    pub(in crate::fake) rest: String,
}

/// Runs requests that arrived together, and returns their reply.
///
/// Interactive mode runs all of them. In the other mode, HAProxy up to 2.6 runs all of them; 3.0
/// runs the first one and discards the others. A fault that prevents the execution of a request
/// prevents it for those behind it too; any other fault is for the whole reply.
pub(in crate::fake) fn to_requests(
    state: &mut State,
    session: &mut Session,
    requests: &[Request<'_>],
) -> Reply {
    let version = state.process.version.clone();
    let mut reply = Reply::default();
    command::run_checks(&mut state.process);
    for request in requests {
        let commands = line::commands(request.line);
        let last = commands.len().saturating_sub(1);
        if !reply.closes && reply.fault.is_none() {
            reply.fault = state.faults.take(&commands);
        }
        let mut runs = !reply.closes && reply.fault.as_ref().is_none_or(Fault::executes);
        if runs && session.has_prompt() && version < (3, 2) {
            // Later releases print this only for lines that arrive one by one.
            let lines = request.payload.map_or(0, |payload| payload.lines().count() + 1);
            reply.text.push_str(&"+ ".repeat(lines));
        }
        for (index, (words, text)) in commands.iter().zip(line::parts(request.line)).enumerate() {
            let payload = request.payload.filter(|_| index == last);
            record(state, *session, (text, words), payload, (runs, reply.fault.as_ref()));
            if !runs {
                continue;
            }
            let answer = command::run(state, session, words, payload);
            command::run_checks(&mut state.process);
            if let Answer::Follow(mut follow) = answer {
                reply.text.push_str(&follow.read(&state.process.rings).unwrap_or_default());
                let rest = line::parts(request.line).get(index + 1..).unwrap_or_default().join(";");
                reply.follows = Some(Followed { follow, rest });
                return reply;
            }
            if let Some(text) = answer.render(session.output) {
                reply.text.push_str(&text);
            } else {
                (reply.closes, runs) = (true, false);
            }
            // Since 3.2 HAProxy prints one prompt for a line, instead of one for each of its
            // commands.
            if runs && session.has_prompt() && (index == last || version < (3, 2)) {
                reply.text.push_str("> ");
            }
        }
        reply.closes |= !session.is_interactive() && version >= (3, 0);
    }
    reply
}

/// Notes a command that was received, unless it is empty.
fn record(
    state: &mut State,
    session: Session,
    (command, words): (&str, &[String]),
    payload: Option<&str>,
    (executed, fault): (bool, Option<&Fault>),
) {
    if words.is_empty() {
        return;
    }
    let received = Received {
        connection: session.connection,
        at: state.log.elapsed(),
        level: session.level,
        command: command.trim().to_owned(),
        words: words.to_vec(),
        payload: payload.map(Into::into),
        executed,
        fault: fault.cloned(),
    };
    state.log.push(received);
}

/// Returns the text that a release sends before it closes the connection if a line or payload is
/// too long.
pub(in crate::fake) fn to_too_much(version: &Version, line: usize, payload: usize) -> Option<&'static str> {
    // Before 3.4 the line and its payload had to fit into one buffer.
    let buffered = if *version < (3, 4) { line + payload } else { line };
    let is_too_long = buffered >= LONGEST_LINE;
    Some(match () {
        () if is_too_long && *version < (3, 0) => "",
        () if is_too_long && *version < (3, 2) => {
            "The command is too big for the buffer size. Please change tune.bufsize in the configuration to \
             use a bigger command.\n"
        }
        () if is_too_long && *version < (3, 4) => {
            "The command line is too big for the buffer size. Please change tune.bufsize in the \
             configuration to use a bigger command.\n"
        }
        () if is_too_long => {
            "The command line is too big for the buffer size. Please change 'tune.bufsize' in the \
             configuration to use a bigger command.\n"
        }
        () if payload > LONGEST_PAYLOAD => {
            "The payload is too big. Please change 'tune.cli.max-payload-size' in the configuration to use a \
             bigger payload.\n"
        }
        () => return None,
    })
}

/// Maximum length of a line without its end, in bytes: `tune.bufsize`.
const LONGEST_LINE: usize = 16_384;

/// Maximum length of a payload since 3.4, in bytes: `tune.cli.max-payload-size`.
const LONGEST_PAYLOAD: usize = 131_072;
