mod faults;
mod when;

pub(in crate::fake) use faults::Faults;
pub use when::When;

use std::time::Duration;

/// A fault that a fake process shows its clients, from the next command on.
///
/// [`Running::fail`](crate::fake::Running::fail) sets the fault of every command,
/// [`fail_next`](crate::fake::Running::fail_next) of the next ones,
/// [`fail_command`](crate::fake::Running::fail_command) of one command, and
/// [`fail_when`](crate::fake::Running::fail_when) of a choice of commands. Otherwise replies follow the
/// description.
///
/// # Execution
///
/// A client that gets no reply cannot know if its command took effect. With [`Close`](Fault::Close),
/// [`Hang`](Fault::Hang), [`Cut`](Fault::Cut) and [`Dribble`](Fault::Dribble) the command takes effect, and
/// only its reply suffers. With [`CloseUnexecuted`](Fault::CloseUnexecuted) and [`Answer`](Fault::Answer) it
/// has no effect. This crate reports [`OutcomeUnknown`](crate::ErrorKind::OutcomeUnknown) for a change in
/// both cases, and code that repeats a change must get both right.
///
/// Use [`Running::pause`](crate::fake::Running::pause) for a process that hangs as a whole, and executes its
/// commands when it wakes, and [`Running::kill`](crate::fake::Running::kill) for a process that is gone.
///
/// # Example
///
/// ```
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> haproxyadmin::Result<()> {
/// use std::net::SocketAddr;
/// use haproxyadmin::fake::{Fault, Process};
/// use haproxyadmin::{ErrorKind, StatsSocket};
///
/// let running = Process::new("3.4").serve(SocketAddr::from(([127, 0, 0, 1], 0))).await?;
/// let socket = StatsSocket::new(running.address().clone());
///
/// running.fail(Fault::Close);
/// assert_eq!(socket.command("show info").await.unwrap_err().kind(), ErrorKind::Closed);
///
/// running.heal();
/// assert!(socket.command("show info").await?.to_string().contains("Version: 3.4"));
/// # Ok(())
/// # }
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Fault {
    /// Executes the command and never answers.
    Hang,
    /// Executes the command and closes the connection without sending a byte.
    Close,
    /// Reads the command, does not execute it, and closes the connection without sending a byte.
    CloseUnexecuted,
    /// Executes the command and closes the connection after this many bytes of the reply.
    Cut(usize),
    /// Executes the command and sends the reply piece by piece.
    Dribble {
        /// Bytes sent at a time; 0 counts as 1.
        bytes: usize,
        /// Pause after each piece.
        pause: Duration,
    },
    /// Sends these bytes, as a server that is not HAProxy would, and executes nothing.
    Answer(Box<[u8]>),
}

impl Fault {
    /// Returns `true` if the command takes effect.
    pub(in crate::fake) fn executes(&self) -> bool {
        match self {
            Self::Hang | Self::Close | Self::Cut(_) | Self::Dribble { .. } => true,
            Self::CloseUnexecuted | Self::Answer(_) => false,
        }
    }
}
