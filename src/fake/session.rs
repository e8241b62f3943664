use crate::level::Level;

/// What one connection has set for itself.
#[derive(Debug, Clone, Copy)]
pub(super) struct Session {
    pub(super) level: Level,
    pub(super) output: SeverityOutput,
    /// Whether each reply ends in a prompt, and the connection stays open.
    pub(super) is_interactive: bool,
}

/// How messages tell their severity (`set severity-output`).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum SeverityOutput {
    None,
    Number,
    String,
}

impl Session {
    pub(super) fn new(level: Level) -> Self {
        Self { level, output: SeverityOutput::None, is_interactive: false }
    }
}
