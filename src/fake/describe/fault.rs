use std::time::Duration;

/// How a fake process fails its clients, from the next command on.
///
/// Replies are those of the description otherwise. A process that hangs in all is
/// [`Running::pause`](crate::fake::Running::pause), one that is gone is
/// [`Running::kill`](crate::fake::Running::kill).
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Fault {
    /// Reads the command and never answers.
    Hang,
    /// Reads the command and closes without a byte.
    Close,
    /// Closes behind so many bytes of the reply.
    Cut(usize),
    /// Sends the reply piece by piece.
    Dribble {
        /// Bytes sent at a time; 0 counts as 1.
        bytes: usize,
        /// Time between two pieces.
        pause: Duration,
    },
    /// Answers with these bytes, as something else than HAProxy would.
    Answer(Box<[u8]>),
}
