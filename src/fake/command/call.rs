use super::session::Session;
use crate::Version;
use crate::fake::describe::State;

/// One command while it runs.
pub(in crate::fake) struct Call<'a> {
    pub(in crate::fake) state: &'a mut State,
    pub(in crate::fake) session: &'a mut Session,
    pub(in crate::fake) payload: Option<&'a str>,
    /// The words that found it, and those behind.
    pub(in crate::fake) command: &'static [&'static str],
    pub(in crate::fake) words: &'a [&'a str],
}

impl<'a> Call<'a> {
    /// A word behind the command; nothing if there are not so many.
    pub(in crate::fake) fn word(&self, index: usize) -> &'a str {
        self.words.get(index).copied().unwrap_or_default()
    }

    pub(in crate::fake) fn words(&self) -> &'a [&'a str] {
        self.words
    }

    /// Leaves a word out.
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
