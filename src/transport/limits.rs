use std::time::Duration;

/// How long a command may take, how large its reply may be, and how many
/// connections a process may be asked to serve at once.
///
/// Every wait of this crate has a limit. One call can have its own: see
/// [`StatsSocket::command_with`](crate::StatsSocket::command_with).
///
/// The limits count the time of Tokio. With a paused clock (`tokio::time::pause`) a call can
/// reach its limits at once, because the clock jumps ahead while a socket is waited for.
///
/// # Example
///
/// ```
/// use std::time::Duration;
/// use haproxyadmin::Limits;
///
/// let limits = Limits::new().with_idle_timeout(Duration::from_secs(2)).with_max_connections(2);
/// assert_eq!(limits.idle_timeout, Duration::from_secs(2));
/// assert_eq!(limits.command_timeout, Duration::from_secs(10));
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub struct Limits {
    /// Longest time one attempt to connect may take, name lookup included; 1 s.
    ///
    /// It tells a host that is gone from one that is busy: a UNIX socket whose
    /// queue is full refuses at once, and is tried again until `command_timeout` has passed.
    pub connect_timeout: Duration,
    /// Longest silence, sending or receiving; 5 s.
    ///
    /// HAProxy ends a connection that made no progress for its `stats timeout`,
    /// 10 s by default, without a word. A limit below that one makes the error
    /// ours, and clear.
    pub idle_timeout: Duration,
    /// Longest time for a whole command, from the first poll of the call to the
    /// last byte of the reply; 10 s.
    ///
    /// Waiting for a free connection and for a busy socket is part of it.
    pub command_timeout: Duration,
    /// Largest reply, in bytes; 256 MiB.
    ///
    /// `show stat` of 1000 servers is about 320 KB, `show map` of 100,000
    /// entries 5 MB.
    pub max_reply_size: usize,
    /// Most connections to one process at the same time; 4.
    ///
    /// HAProxy serves 10 at once, over all its stats sockets (`stats maxconn`),
    /// and others use them too. Zero counts as one. This limit belongs to the
    /// socket: it is without effect in the limits of a single call.
    pub max_connections: usize,
}

impl Limits {
    /// The defaults, as each field tells them.
    pub const fn new() -> Self {
        Self {
            connect_timeout: Duration::from_secs(1),
            idle_timeout: Duration::from_secs(5),
            command_timeout: Duration::from_secs(10),
            max_reply_size: 256 * 1024 * 1024,
            max_connections: 4,
        }
    }

    /// Sets the longest time for one attempt to connect.
    #[must_use]
    pub const fn with_connect_timeout(mut self, timeout: Duration) -> Self {
        self.connect_timeout = timeout;
        self
    }

    /// Sets the longest silence.
    #[must_use]
    pub const fn with_idle_timeout(mut self, timeout: Duration) -> Self {
        self.idle_timeout = timeout;
        self
    }

    /// Sets the longest time for a whole command.
    #[must_use]
    pub const fn with_command_timeout(mut self, timeout: Duration) -> Self {
        self.command_timeout = timeout;
        self
    }

    /// Sets the largest reply, in bytes.
    #[must_use]
    pub const fn with_max_reply_size(mut self, bytes: usize) -> Self {
        self.max_reply_size = bytes;
        self
    }

    /// Sets the most connections to one process at the same time.
    #[must_use]
    pub const fn with_max_connections(mut self, connections: usize) -> Self {
        self.max_connections = connections;
        self
    }
}

impl Default for Limits {
    fn default() -> Self {
        Self::new()
    }
}
