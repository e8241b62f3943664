use std::collections::VecDeque;
use std::time::Duration;

use tokio::time::Instant;

use super::Fault;
use crate::level::Level;

/// A command that a fake process received: [`Running::received`](crate::fake::Running::received).
///
/// Commands that a client joined with `;` are one entry each. This crate sends a few commands of its own:
/// it identifies a process with `show info`, and asks for severities with `set severity-output`.
///
/// # Example
///
/// ```
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> haproxyadmin::Result<()> {
/// use std::net::SocketAddr;
/// use haproxyadmin::fake::{Backend, Process, Server};
/// use haproxyadmin::Cluster;
///
/// let app = Backend::new("app").server(Server::new("web1"));
/// let running = Process::new("3.4").backend(app).serve(SocketAddr::from(([127, 0, 0, 1], 0))).await?;
/// let cluster = Cluster::from_addresses([running.address().clone()]).await?;
/// cluster.server_ref("app", "web1")?.disable().await?;
///
/// let received = running.received();
/// let changes: Vec<_> = received.iter().filter(|one| one.begins_with("disable server")).collect();
/// assert_eq!(changes.len(), 1);
/// assert_eq!(changes[0].command, "disable server app/web1");
/// assert!(changes[0].executed);
/// # Ok(())
/// # }
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Received {
    /// Number of the connection, from 1 on. A [replaced](crate::fake::Running::replace) process goes on
    /// counting.
    pub connection: u64,
    /// Time between the start of the process and the command, by Tokio's clock, which a test can pause.
    pub at: Duration,
    /// Level of the connection.
    pub level: Level,
    /// The command as it was sent, with its escapes, and without `<<` and the blanks around it.
    pub command: String,
    /// The words of the command, without escapes.
    pub words: Vec<String>,
    /// The lines after the command, if it announced them with `<<`.
    pub payload: Option<String>,
    /// Set if the process ran the command, which it may have refused. A command is not run if it has a
    /// [`Fault`] that prevents it, or if it came after the end of its connection: HAProxy 3.0 and later
    /// close behind the first line of a client, up to interactive mode.
    pub executed: bool,
    /// The fault that the client was shown.
    pub fault: Option<Fault>,
}

impl Received {
    /// Returns `true` if the command begins with these words, such as `set server app/web1`. Blanks separate
    /// words, and words are compared as a whole.
    pub fn begins_with(&self, words: &str) -> bool {
        let mut own = self.words.iter();
        words.split_whitespace().all(|word| own.next().is_some_and(|own| own == word))
    }

    /// Returns the number of bytes of the texts.
    fn size(&self) -> usize {
        2 * self.command.len() + self.payload.as_ref().map_or(0, String::len)
    }
}

/// The last commands that a fake process received.
#[derive(Debug)]
pub(in crate::fake) struct Log {
    entries: VecDeque<Received>,
    size: usize,
    began: Instant,
}

impl Log {
    pub(in crate::fake) fn new() -> Self {
        Self { entries: VecDeque::new(), size: 0, began: Instant::now() }
    }

    /// Returns the time since the start.
    pub(in crate::fake) fn elapsed(&self) -> Duration {
        self.began.elapsed()
    }

    /// Adds a command, and drops the oldest ones if there are too many.
    pub(in crate::fake) fn push(&mut self, received: Received) {
        self.size += received.size();
        self.entries.push_back(received);
        while self.entries.len() > MOST || self.size > MOST_BYTES {
            let Some(oldest) = self.entries.pop_front() else { break };
            self.size -= oldest.size();
        }
    }

    /// Returns the commands, the oldest first.
    pub(in crate::fake) fn entries(&self) -> Vec<Received> {
        self.entries.iter().cloned().collect()
    }

    /// Removes and returns the commands, the oldest first.
    pub(in crate::fake) fn take(&mut self) -> Vec<Received> {
        self.size = 0;
        std::mem::take(&mut self.entries).into()
    }
}

/// The highest number of commands that are kept, and of their bytes.
const MOST: usize = 10_000;
const MOST_BYTES: usize = 16 * 1024 * 1024;

#[cfg(test)]
mod tests {
    use super::*;

    fn received(command: &str, payload: usize) -> Received {
        Received {
            connection: 1,
            at: Duration::ZERO,
            level: Level::Admin,
            command: command.to_owned(),
            words: command.split(' ').map(Into::into).collect(),
            payload: Some("x".repeat(payload)),
            executed: true,
            fault: None,
        }
    }

    #[test]
    fn the_last_commands_are_kept() {
        let mut log = Log::new();
        for n in 0..MOST + 5 {
            log.push(received(&n.to_string(), 0));
        }
        let entries = log.entries();
        assert_eq!((entries.len(), &*entries[0].command), (MOST, "5"));
        for _ in 0..20 {
            log.push(received("add map m <<", 1024 * 1024));
        }
        assert_eq!(log.take().len(), 15);
        assert_eq!((log.take().len(), log.size), (0, 0));
    }

    #[test]
    fn a_command_begins_with_whole_words() {
        let received = received("set server app/web1 state maint", 0);
        for (words, begins) in [
            ("", true),
            ("set server", true),
            (" set  server app/web1 ", true),
            ("set serv", false),
            ("server", false),
        ] {
            assert_eq!(received.begins_with(words), begins, "{words:?}");
        }
        assert!(!received.begins_with("set server app/web1 state maint now"));
    }
}
