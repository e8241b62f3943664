use crate::level::Level;

/// The settings of one connection.
#[derive(Debug, Clone, Copy)]
pub(in crate::fake) struct Session {
    pub(in crate::fake) level: Level,
    pub(in crate::fake) output: SeverityOutput,
    /// Set if the connection stays open and each reply ends in a prompt.
    pub(in crate::fake) is_interactive: bool,
}

/// The form in which messages give their severity (`set severity-output`).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::fake) enum SeverityOutput {
    None,
    Number,
    String,
}

impl Session {
    pub(in crate::fake) fn new(level: Level) -> Self {
        Self { level, output: SeverityOutput::None, is_interactive: false }
    }
}
