use crate::level::Level;

/// What one connection has set for itself.
#[derive(Debug, Clone, Copy)]
pub(in crate::fake) struct Session {
    pub(in crate::fake) level: Level,
    pub(in crate::fake) output: SeverityOutput,
    /// Whether each reply ends in a prompt, and the connection stays open.
    pub(in crate::fake) is_interactive: bool,
}

/// How messages tell their severity (`set severity-output`).
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
