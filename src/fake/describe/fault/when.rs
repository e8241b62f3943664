/// A choice of commands that a [`Fault`](crate::fake::Fault) is for:
/// [`Running::fail_when`](crate::fake::Running::fail_when).
///
/// The unit is a command line. Clients join commands with `;`, and this crate does so too; the fault is
/// then for the whole line, and the line counts once.
///
/// # Example
///
/// The second and third change of a server fail:
///
/// ```
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> haproxyadmin::Result<()> {
/// use std::net::SocketAddr;
/// use haproxyadmin::fake::{Fault, Process, When};
///
/// let running = Process::new("3.4").serve(SocketAddr::from(([127, 0, 0, 1], 0))).await?;
/// running.fail_when(When::command("set server").after(1).times(2), Fault::CloseUnexecuted);
/// # Ok(())
/// # }
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
#[must_use]
pub struct When {
    /// First words of the command; empty for every command.
    words: Vec<Box<str>>,
    /// Number of lines that the fault is not for yet.
    after: u64,
    /// Number of lines that the fault is still for; `None` for no limit.
    times: Option<u64>,
}

impl When {
    /// Chooses every command.
    pub fn always() -> Self {
        Self { words: Vec::new(), after: 0, times: None }
    }

    /// Chooses the lines with a command that begins with these words, such as `set server app/web1`. Blanks
    /// separate words, and words are compared as a whole.
    pub fn command(words: &str) -> Self {
        Self { words: words.split_whitespace().map(Into::into).collect(), ..Self::always() }
    }

    /// Leaves out the first `lines` of them.
    pub fn after(mut self, lines: u64) -> Self {
        self.after = lines;
        self
    }

    /// Chooses at most this many of them.
    pub fn times(mut self, lines: u64) -> Self {
        self.times = Some(lines);
        self
    }

    /// Returns `true` if this line of commands is chosen, and counts it.
    pub(super) fn meets(&mut self, commands: &[Vec<String>]) -> bool {
        let begins = |command: &Vec<String>| {
            command.len() >= self.words.len()
                && self.words.iter().zip(command).all(|(one, other)| **one == **other)
        };
        if self.is_over() || !commands.iter().any(begins) {
            return false;
        }
        if self.after > 0 {
            self.after -= 1;
            return false;
        }
        self.times = self.times.map(|times| times - 1);
        true
    }

    /// Returns `true` if no more lines are chosen.
    pub(super) fn is_over(&self) -> bool {
        self.times == Some(0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(text: &str) -> Vec<Vec<String>> {
        text.split(';').map(|command| command.split_whitespace().map(Into::into).collect()).collect()
    }

    #[test]
    fn a_command_is_known_by_its_first_words() {
        for (words, text, is_met) in [
            ("set server", "set server app/web1 state maint", true),
            ("set server", "set severity-output number;set server app/web1 state maint", true),
            ("set  server ", "set server", true),
            ("set serv", "set server app/web1 state maint", false),
            ("set server app/web1", "set server", false),
            ("set server", "show info; show stat", false),
            ("", "show info", true),
        ] {
            assert_eq!(When::command(words).meets(&line(text)), is_met, "{words:?} {text:?}");
        }
    }

    #[test]
    fn lines_are_counted() {
        let mut when = When::command("show").after(1).times(2);
        let met: Vec<_> = ["show info", "quit", "show info;show stat", "show stat", "show info"]
            .iter()
            .map(|text| when.meets(&line(text)))
            .collect();
        assert_eq!(met, [false, false, true, true, false]);
        assert!(when.is_over());
        assert!(!When::always().times(0).meets(&line("show info")));
    }
}
