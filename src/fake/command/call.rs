use super::session::Session;
use crate::Version;
use crate::fake::describe::State;

/// A command while it runs.
pub(in crate::fake) struct Call<'a> {
    pub(in crate::fake) state: &'a mut State,
    pub(in crate::fake) session: &'a mut Session,
    pub(in crate::fake) payload: Option<&'a str>,
    /// The words that matched the table, and the words after them.
    pub(in crate::fake) command: &'static [&'static str],
    pub(in crate::fake) words: &'a [&'a str],
}

impl<'a> Call<'a> {
    /// Returns a word after the command, or an empty text if there are fewer words.
    pub(in crate::fake) fn word(&self, index: usize) -> &'a str {
        self.words.get(index).copied().unwrap_or_default()
    }

    pub(in crate::fake) fn words(&self) -> &'a [&'a str] {
        self.words
    }

    /// Skips the first word.
    pub(in crate::fake) fn skip(&mut self) {
        self.words = self.words.get(1..).unwrap_or_default();
    }

    pub(in crate::fake) fn command(&self) -> String {
        self.command.join(" ")
    }

    pub(in crate::fake) fn version(&self) -> Version {
        self.state.process.version.clone()
    }
}
