use std::collections::BTreeMap;
use std::io::{self, IsTerminal as _, Write as _};
use std::sync::{Mutex, PoisonError};

/// Lines about long work on stderr: on a terminal, each is drawn again when it changes.
pub(crate) struct Progress {
    is_shown: bool,
    is_terminal: bool,
    lines: Mutex<BTreeMap<String, String>>,
}

impl Progress {
    pub(crate) fn new(is_shown: bool) -> Self {
        Self { is_shown, is_terminal: io::stderr().is_terminal(), lines: Mutex::default() }
    }

    /// Prints the text of one process, unless it is the same as before.
    pub(crate) fn show(&self, name: String, text: &str) {
        let mut lines = self.lines.lock().unwrap_or_else(PoisonError::into_inner);
        let before = lines.len();
        let line = format!("{name}: {text}\n");
        if !self.is_shown || lines.insert(name, text.to_owned()).is_some_and(|old| old == text) {
            return;
        }
        let drawn = match (self.is_terminal, before) {
            (false, _) => line,
            (true, before) => {
                let up = if before > 0 { format!("\x1b[{before}A") } else { String::new() };
                lines.iter().fold(up, |drawn, (name, text)| drawn + "\x1b[2K" + name + ": " + text + "\n")
            }
        };
        // Progress that cannot be printed stops nothing.
        let _ = io::stderr().write_all(drawn.as_bytes());
    }
}
