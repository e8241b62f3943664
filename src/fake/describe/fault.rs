use std::time::Duration;

/// A fault that a fake process shows its clients, from the next command on.
///
/// Otherwise its replies follow the description. Use
/// [`Running::pause`](crate::fake::Running::pause) for a process that hangs as a whole, and
/// [`Running::kill`](crate::fake::Running::kill) for a process that is gone.
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
    /// Reads the command and never answers.
    Hang,
    /// Reads the command and closes the connection without sending a byte.
    Close,
    /// Closes the connection after this many bytes of the reply.
    Cut(usize),
    /// Sends the reply piece by piece.
    Dribble {
        /// Bytes sent at a time; 0 counts as 1.
        bytes: usize,
        /// Pause after each piece.
        pause: Duration,
    },
    /// Sends these bytes instead of the reply, as a server that is not HAProxy would.
    Answer(Box<[u8]>),
}
