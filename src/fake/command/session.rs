use crate::level::Level;

/// The settings of one connection.
#[derive(Debug, Clone, Copy)]
pub(in crate::fake) struct Session {
    /// Number of the connection.
    pub(in crate::fake) connection: u64,
    pub(in crate::fake) level: Level,
    pub(in crate::fake) output: SeverityOutput,
    pub(in crate::fake) mode: Mode,
}

/// The end of a reply, and of the connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::fake) enum Mode {
    /// The connection ends after one line.
    Single,
    /// The connection stays open. Known from 3.2 on.
    Interactive,
    /// The connection stays open, and each reply ends in a prompt.
    Prompt,
}

/// The form in which messages give their severity (`set severity-output`).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::fake) enum SeverityOutput {
    None,
    Number,
    String,
}

impl Session {
    pub(in crate::fake) fn new(connection: u64, level: Level) -> Self {
        Self { connection, level, output: SeverityOutput::None, mode: Mode::Single }
    }

    pub(in crate::fake) fn is_interactive(self) -> bool {
        self.mode != Mode::Single
    }

    pub(in crate::fake) fn has_prompt(self) -> bool {
        self.mode == Mode::Prompt
    }
}

impl SeverityOutput {
    /// Reads the argument of `set severity-output`.
    pub(in crate::fake) fn read(word: &str) -> Result<Self, &'static str> {
        Ok(match word {
            "none" => Self::None,
            "number" => Self::Number,
            "string" => Self::String,
            _ => return Err("one of 'none', 'number', 'string' is a required argument"),
        })
    }
}
