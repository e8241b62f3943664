use super::session::SeverityOutput;
use crate::Version;
use crate::fake::describe::Follow;

/// The result of one command.
#[derive(Debug, PartialEq, Eq)]
pub(in crate::fake) enum Answer {
    /// The command succeeded and has no output.
    Done,
    /// Stored data, which has no severity.
    Dump(String),
    /// A text about the command itself.
    Message(Severity, String),
    /// The events of a ring from now on, until the client sends a line.
    Follow(Follow),
    /// The end of the connection.
    Quit,
}

/// The syslog severities that HAProxy gives to messages.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::fake) enum Severity {
    Error = 3,
    Warning = 4,
    Notice = 5,
    Info = 6,
}

impl Answer {
    pub(in crate::fake) fn message(severity: Severity, text: &str) -> Self {
        Self::Message(severity, format!("{text}\n"))
    }

    pub(in crate::fake) fn error(text: &str) -> Self {
        Self::message(Severity::Error, text)
    }

    /// Creates a message without a line end of its own up to 2.6, and therefore without an empty
    /// line after it. Later releases add the line end.
    pub(in crate::fake) fn bare(version: &Version, severity: Severity, text: &str) -> Self {
        if *version < (3, 0) {
            Self::Message(severity, text.to_owned())
        } else {
            Self::message(severity, text)
        }
    }

    /// Refuses a command that HAProxy would run and the fake does not model.
    pub(in crate::fake) fn unsupported(what: &str) -> Self {
        Self::error(&format!("Not a part of this fake: {what}"))
    }

    /// Returns the bytes of the reply, or `None` to close the connection.
    pub(in crate::fake) fn render(self, output: SeverityOutput) -> Option<String> {
        Some(match self {
            Self::Quit => return None,
            // A connection that does not follow the ring ends the reply at once.
            Self::Done | Self::Follow(_) => "\n".to_owned(),
            Self::Dump(text) => format!("{text}\n"),
            Self::Message(severity, text) => format!("{}{text}\n", severity.prefix(output)),
        })
    }
}

impl Severity {
    fn prefix(self, output: SeverityOutput) -> String {
        match output {
            SeverityOutput::None => String::new(),
            SeverityOutput::Number => format!("[{}]: ", self as u8),
            SeverityOutput::String => format!("[{}]: ", self.word()),
        }
    }

    fn word(self) -> &'static str {
        match self {
            Self::Error => "err",
            Self::Warning => "warning",
            Self::Notice => "notice",
            Self::Info => "info",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_messages_have_a_severity() {
        for (answer, output, bytes) in [
            (Answer::Done, SeverityOutput::Number, "\n"),
            (Answer::Dump("# name\n".into()), SeverityOutput::Number, "# name\n\n"),
            (Answer::error("No such server."), SeverityOutput::None, "No such server.\n\n"),
            (Answer::error("No such server."), SeverityOutput::Number, "[3]: No such server.\n\n"),
            (Answer::message(Severity::Notice, "a"), SeverityOutput::String, "[notice]: a\n\n"),
        ] {
            assert_eq!(answer.render(output).as_deref(), Some(bytes));
        }
        assert_eq!(Answer::Quit.render(SeverityOutput::None), None);
    }

    #[test]
    fn some_messages_end_in_one_line_end_up_to_2_6() {
        for (version, bytes) in [("2.6", "garbage\n"), ("3.0", "garbage\n\n")] {
            let answer = Answer::bare(&Version::parse(version), Severity::Error, "garbage");
            assert_eq!(answer.render(SeverityOutput::None).as_deref(), Some(bytes));
        }
    }
}
