use std::fmt::{self, Write as _};

use super::{EntryRef, Payload, Request, SessionId, request};
use crate::error::{Error, Result};
use crate::level::Level;
use crate::version::Version;

/// A command with its arguments, as HAProxy reads it.
///
/// Every argument becomes one word: blanks, `;` and `\` are escaped. Text that no escape can
/// express (an empty word, the end of a line, the mark that begins a payload) is refused,
/// either here or by the check of the whole line.
#[derive(Clone)]
#[allow(clippy::struct_excessive_bools, reason = "each is a property of its own")]
pub(crate) struct Command {
    line: String,
    payload: Option<Payload>,
    /// The command without arguments that may be secret.
    redacted: String,
    idempotency: Idempotency,
    level: Level,
    since: Option<(u16, u16)>,
    /// True if the command has a meaning for one process only.
    single_process: bool,
    /// True if the caller wrote the line.
    raw: bool,
    refused_when_stopping: bool,
    /// True if HAProxy prints the reply into one buffer.
    of_one_buffer: bool,
}

/// Effect of a command on a process, and of its repetition (RFC 9110, 9.2).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Idempotency {
    /// The command changes nothing.
    Safe,
    /// The command changes something. Executing it twice has the same effect as once.
    Idempotent,
    /// The command changes something. Executing it twice has another effect than once.
    NonIdempotent,
}

/// Form in which a command is sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Form {
    /// On a new connection for this command alone.
    Alone,
    /// On a new connection, after `show info` on the same line: the reply identifies the
    /// process.
    Identified,
    /// On an interactive connection that already prints severities.
    AtPrompt,
    /// On a new interactive connection, because its prompt proves the end of the reply. The
    /// command is the last line, so no other command waits during its reply.
    Dump,
}

/// Makes HAProxy print the severity of each message. The command has a reply of its own, a
/// line feed.
const SEVERITY: &str = "set severity-output number";
/// First release that knows severities. Older releases answer that they do not know the
/// command, and execute the rest of the line.
const FIRST: (u16, u16) = (1, 8);

/// Identifies the process: its reply is the reply to `show info`.
const IDENTIFY: &str = "show info;";

/// Makes a connection interactive and switches severities on.
const PROMPTED: &str = "prompt\nset severity-output number\n";

impl Command {
    pub(crate) fn read(verb: &str) -> Self {
        Self::new(verb, Idempotency::Safe, Level::User)
    }

    pub(crate) fn write(verb: &str) -> Self {
        Self::new(verb, Idempotency::Idempotent, Level::Admin)
    }

    pub(crate) fn write_once(verb: &str) -> Self {
        Self::new(verb, Idempotency::NonIdempotent, Level::Admin)
    }

    /// Makes a command from a line of the caller, which is sent unchanged. The command counts as
    /// safe only if the line begins with `show ` or `get ` and contains no `;`.
    pub(crate) fn raw(line: &str, redacted: String) -> Self {
        let asks = ["show ", "get "].iter().any(|verb| line.starts_with(verb)) && !line.contains(';');
        let idempotency = if asks { Idempotency::Safe } else { Idempotency::NonIdempotent };
        Self { redacted, raw: true, since: None, ..Self::new(line, idempotency, Level::Admin) }
    }

    fn new(verb: &str, idempotency: Idempotency, level: Level) -> Self {
        Self {
            line: verb.into(),
            payload: None,
            redacted: verb.into(),
            idempotency,
            level,
            since: Some(FIRST),
            single_process: false,
            raw: false,
            refused_when_stopping: false,
            of_one_buffer: false,
        }
    }

    /// Sets the level that the command needs. The error of a denied command names it.
    pub(crate) fn needs(mut self, level: Level) -> Self {
        self.level = level;
        self
    }

    /// Marks a command that a stopping worker refuses.
    pub(crate) fn refused_when_stopping(mut self) -> Self {
        self.refused_when_stopping = true;
        self
    }

    /// Marks a query with a reply that HAProxy prints into one buffer. HAProxy leaves out each piece that does not
    /// fit, also the line feed of the last line.
    pub(crate) fn of_one_buffer(mut self) -> Self {
        self.of_one_buffer = true;
        self
    }

    /// Sets the first release that has the command.
    pub(crate) fn since(mut self, branch: (u16, u16)) -> Self {
        self.since = Some(branch);
        self
    }

    /// Adds a word that needs no escape: a keyword, a number or a checked name.
    pub(crate) fn word(mut self, word: impl fmt::Display) -> Self {
        // Writing to a string cannot fail.
        let _ = write!(self.line, " {word}");
        let _ = write!(self.redacted, " {word}");
        self
    }

    /// Adds any text as one word.
    pub(crate) fn text(mut self, text: &str) -> Result<Self> {
        self.redacted.push(' ');
        self.redacted.push_str(text);
        self.escaped(text)
    }

    /// Adds any text as one word that is redacted in errors and traces.
    pub(crate) fn secret(mut self, text: &str) -> Result<Self> {
        self.redacted.push_str(" ...");
        self.escaped(text)
    }

    /// Adds the key of the entry to change; the key is redacted.
    ///
    /// # Errors
    ///
    /// - `InvalidInput` if the key begins with `#`, because HAProxy reads it as a reference.
    /// - The errors of [`text`](Self::text).
    pub(crate) fn key(self, key: &str) -> Result<Self> {
        if key.starts_with('#') {
            let text =
                "HAProxy takes a key that begins with `#` for a reference: change the entry by its own";
            return Err(Error::invalid(text).during(self.redacted));
        }
        self.secret(key)
    }

    /// Adds the reference of one entry in one process.
    pub(crate) fn reference(mut self, reference: EntryRef) -> Self {
        self.single_process = true;
        self.word(format_args!("#{reference}"))
    }

    /// Adds the id of one session in one process.
    pub(crate) fn session(mut self, id: SessionId) -> Self {
        self.single_process = true;
        self.word(id)
    }

    fn escaped(mut self, text: &str) -> Result<Self> {
        if text.is_empty() {
            return Err(Error::invalid("an empty argument, which HAProxy has no way to express")
                .during(self.redacted));
        }
        self.line.push(' ');
        for found in text.chars() {
            if matches!(found, ' ' | '\t' | ';' | '\\') {
                self.line.push('\\');
            }
            self.line.push(found);
        }
        Ok(self)
    }

    /// Sets the payload of the command.
    pub(crate) fn payload(mut self, payload: Payload) -> Self {
        self.payload = Some(payload);
        self
    }

    /// Returns the lines of the payload.
    pub(crate) fn payload_text(&self) -> Option<&str> {
        self.payload.as_ref().map(Payload::as_str)
    }

    /// Returns `true` if the reply must also identify the process. During a reload a stopping
    /// worker would execute the command silently and without effect.
    pub(crate) fn is_identified(&self) -> bool {
        self.idempotency == Idempotency::Idempotent && !self.raw && !self.refused_when_stopping
    }

    /// Encodes the command as a request. A command reaches a socket only through this method.
    ///
    /// # Errors
    ///
    /// - `InvalidInput` if HAProxy would not read the line and its payload as one command.
    pub(crate) fn encode(&self, form: Form) -> Result<Request> {
        let (head, before) = match form {
            Form::Alone if self.raw => ("", String::new()),
            Form::Alone => ("", format!("{SEVERITY};")),
            Form::Identified => ("", format!("{IDENTIFY}{SEVERITY};")),
            Form::AtPrompt => ("", String::new()),
            Form::Dump => (PROMPTED, String::new()),
        };
        let (line, is_write) = (before + &self.line, self.idempotency != Idempotency::Safe);
        let request = Request::checked(head, &line, self.payload.as_ref(), self.redacted.as_str(), is_write)?;
        Ok(if self.raw { request.raw_line() } else { request })
    }

    /// Checks that the command can be encoded in its longest form.
    ///
    /// # Errors
    ///
    /// - The errors of [`encode`](Self::encode).
    pub(crate) fn check(&self) -> Result<()> {
        let longest = if self.is_identified() { Form::Identified } else { Form::Alone };
        self.encode(longest).map(drop)
    }

    /// Returns the command with its payload as a release takes it.
    ///
    /// # Errors
    ///
    /// - `InvalidInput` if line and payload are too long for it.
    pub(crate) fn for_release(&self, version: &Version) -> Result<Self> {
        let mut command = self.clone();
        let payload =
            command.payload.take().map(|payload| request::for_release(version, &self.line, payload));
        command.payload = payload.transpose().map_err(|error| error.during(self.redacted.as_str()))?;
        Ok(command)
    }

    /// Returns the length in bytes of the line, with the command that switches severities on.
    /// The command must not be raw.
    pub(crate) fn length(&self) -> usize {
        SEVERITY.len() + 1 + self.line.len()
    }

    /// Returns the redacted command, for errors and traces.
    pub(crate) fn redacted(&self) -> &str {
        &self.redacted
    }

    pub(crate) fn idempotency(&self) -> Idempotency {
        self.idempotency
    }

    pub(crate) fn level(&self) -> Level {
        self.level
    }

    /// Returns the number of bytes before the reply to the command in the whole reply to its
    /// line. They are the reply to the command that switches severities on.
    pub(crate) fn bytes_before_reply(&self, reply: &[u8]) -> usize {
        // If the first line feed is missing, HAProxy executed nothing: the line was too long.
        usize::from(!self.raw && reply.starts_with(b"\n"))
    }

    pub(crate) fn is_raw(&self) -> bool {
        self.raw
    }

    pub(crate) fn is_of_one_buffer(&self) -> bool {
        self.of_one_buffer
    }

    pub(crate) fn is_for_single_process(&self) -> bool {
        self.single_process
    }

    pub(crate) fn first_release(&self) -> Option<(u16, u16)> {
        self.since
    }
}

/// Shows the redacted command only.
impl fmt::Debug for Command {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Command").field(&self.redacted).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sent(command: &Command, form: Form) -> String {
        String::from_utf8(command.encode(form).unwrap().as_bytes().to_vec()).unwrap()
    }

    #[test]
    fn arguments_are_one_word_each() {
        let command = Command::write_once("add map").text("my map").unwrap().secret("a;b\\c\td").unwrap();
        assert_eq!(
            sent(&command, Form::Alone),
            "set severity-output number;add map my\\ map a\\;b\\\\c\\\td\n"
        );
        assert_eq!(command.redacted(), "add map my map ...");
    }

    #[test]
    fn an_empty_argument_is_refused() {
        let error = Command::write_once("add map").word("#1").secret("").unwrap_err();
        assert_eq!(
            error.to_string(),
            "`add map #1 ...`: an empty argument, which HAProxy has no way to express"
        );
    }

    #[test]
    fn the_reply_to_what_switches_severities_on_is_no_part_of_the_reply() {
        let command = Command::read("show map").word("#1");
        for (reply, own) in [
            ("\n0x1 a b\n\n", "0x1 a b\n\n"),
            ("\n\n", "\n"),
            ("\n", ""),
            ("The command is too big for\n", "The command is too big for\n"),
        ] {
            assert_eq!(&reply[command.bytes_before_reply(reply.as_bytes())..], own, "{reply:?}");
        }
        assert_eq!(Command::raw("show map", "show map".into()).bytes_before_reply(b"\n"), 0);
    }

    #[test]
    fn the_last_line_at_the_prompt_is_the_command() {
        let command = Command::read("show map").word("#1");
        assert_eq!(sent(&command, Form::Dump), "prompt\nset severity-output number\nshow map #1\n");
    }

    #[test]
    fn a_payload_follows_its_line() {
        let payload = Payload::new("a b\nc d").unwrap();
        let command = Command::write_once("add map").word("#1").payload(payload);
        assert_eq!(sent(&command, Form::Alone), "set severity-output number;add map #1 <<\na b\nc d\n\n");
        assert_eq!(sent(&command, Form::AtPrompt), "add map #1 <<\na b\nc d\n\n");
    }
}
