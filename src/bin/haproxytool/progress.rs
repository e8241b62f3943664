use std::collections::BTreeMap;
use std::io::{self, Write as _};
use std::sync::{Mutex, PoisonError};

/// Lines about long work on stderr. On a terminal with room for all of them, each is drawn again when it
/// changes.
pub(crate) struct Progress {
    is_shown: bool,
    lines: Mutex<Lines>,
}

impl Progress {
    pub(crate) fn new(is_shown: bool) -> Self {
        Self { is_shown, lines: Mutex::default() }
    }

    /// Prints the text of one process, unless it is the same as before.
    pub(crate) fn show(&self, name: &str, text: &str) {
        if !self.is_shown {
            return;
        }
        let mut lines = self.lines.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(drawn) = lines.draw(name, text, Size::of_stderr()) {
            // Progress that cannot be printed stops nothing.
            let _ = io::stderr().write_all(drawn.as_bytes());
        }
    }
}

/// The last text of each process.
#[derive(Default)]
struct Lines {
    texts: BTreeMap<String, String>,
    /// Number of lines above the cursor that can be drawn again.
    drawn: usize,
}

/// Size of a terminal, in characters.
#[derive(Clone, Copy)]
struct Size {
    rows: usize,
    columns: usize,
}

impl Lines {
    /// Returns the characters that show a text, or `None` if it is the same as before.
    fn draw(&mut self, name: &str, text: &str, size: Option<Size>) -> Option<String> {
        if self.texts.insert(name.to_owned(), text.to_owned()).is_some_and(|old| old == text) {
            return None;
        }
        // Lines that have left the screen, or that take several rows, cannot be reached again.
        if !size.is_some_and(|size| self.fit(size)) {
            self.drawn = 0;
            return Some(format!("{name}: {text}\n"));
        }
        let up = if self.drawn > 0 { format!("\x1b[{}A", self.drawn) } else { String::new() };
        self.drawn = self.texts.len();
        let line = |(name, text): (&String, &String)| format!("\x1b[2K{name}: {text}\n");
        Some(up + &self.texts.iter().map(line).collect::<String>())
    }

    /// Returns `true` if all lines and the cursor fit.
    fn fit(&self, size: Size) -> bool {
        let length = |(name, text): (&String, &String)| name.chars().count() + 2 + text.chars().count();
        self.texts.len() < size.rows && self.texts.iter().map(length).all(|length| length < size.columns)
    }
}

impl Size {
    /// Returns the size of the terminal, or `None` if stderr is no terminal.
    #[cfg(unix)]
    fn of_stderr() -> Option<Self> {
        let size = rustix::termios::tcgetwinsize(io::stderr()).ok()?;
        Some(Self { rows: size.ws_row.into(), columns: size.ws_col.into() })
    }

    #[cfg(not(unix))]
    fn of_stderr() -> Option<Self> {
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SIZE: Size = Size { rows: 3, columns: 12 };

    #[test]
    fn lines_are_drawn_again_while_they_fit() {
        let mut lines = Lines::default();
        let mut draw = |name: &str, text: &str| lines.draw(name, text, Some(SIZE));
        assert_eq!(draw("b", "2").unwrap(), "\x1b[2Kb: 2\n");
        assert_eq!(draw("b", "2"), None);
        assert_eq!(draw("a", "1").unwrap(), "\x1b[1A\x1b[2Ka: 1\n\x1b[2Kb: 2\n");
        assert_eq!(draw("a", "0").unwrap(), "\x1b[2A\x1b[2Ka: 0\n\x1b[2Kb: 2\n");
        // A line that takes two rows.
        assert_eq!(draw("a", "123456789").unwrap(), "a: 123456789\n");
        assert_eq!(draw("b", "1").unwrap(), "b: 1\n");
        // From here on there is room again.
        assert_eq!(draw("a", "3").unwrap(), "\x1b[2Ka: 3\n\x1b[2Kb: 1\n");
        assert_eq!(draw("b", "0").unwrap(), "\x1b[2A\x1b[2Ka: 3\n\x1b[2Kb: 0\n");
        // More lines than rows.
        assert_eq!(draw("c", "5").unwrap(), "c: 5\n");
        assert_eq!(draw("a", "2").unwrap(), "a: 2\n");
    }

    #[test]
    fn without_a_terminal_each_change_is_a_line() {
        let mut lines = Lines::default();
        assert_eq!(lines.draw("a", "1", None).unwrap(), "a: 1\n");
        assert_eq!(lines.draw("a", "1", None), None);
        assert_eq!(lines.draw("a", "0", None).unwrap(), "a: 0\n");
    }
}
