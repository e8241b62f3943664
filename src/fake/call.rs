use super::session::Session;
use super::state::State;
use crate::Version;

/// One command while it runs.
pub(super) struct Call<'a> {
    pub(super) state: &'a mut State,
    pub(super) session: &'a mut Session,
    pub(super) payload: Option<&'a str>,
    /// The words that found it, and those behind.
    pub(super) command: &'static [&'static str],
    pub(super) words: &'a [&'a str],
}

impl<'a> Call<'a> {
    /// A word behind the command; nothing if there are not so many.
    pub(super) fn word(&self, index: usize) -> &'a str {
        self.words.get(index).copied().unwrap_or_default()
    }

    pub(super) fn words(&self) -> &'a [&'a str] {
        self.words
    }

    /// Leaves a word out.
    pub(super) fn skip(&mut self) {
        self.words = self.words.get(1..).unwrap_or_default();
    }

    pub(super) fn command(&self) -> String {
        self.command.join(" ")
    }

    pub(super) fn version(&self) -> Version {
        self.state.process.version.clone()
    }
}
