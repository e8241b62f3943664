use std::time::Duration;

/// Limits of a command: its time, the size of its reply, and the number of connections to one
/// process at the same time.
///
/// Every wait of this crate has a limit. A single call can have limits of its own: see
/// [`StatsSocket::command_with`](crate::StatsSocket::command_with).
///
/// The limits use the clock of Tokio. With a paused clock (`tokio::time::pause`) a call can reach
/// its limits at once, because the clock jumps ahead while the call waits for a socket.
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
#[doc(alias = "timeout")]
#[doc(alias = "deadline")]
#[non_exhaustive]
pub struct Limits {
    /// Time limit of one attempt to connect, name lookup included. Default: 1 s.
    ///
    /// The limit distinguishes a host that is gone from a host that is busy. A UNIX socket with a
    /// full backlog refuses at once, and the command tries again until `command_timeout` has
    /// passed.
    pub connect_timeout: Duration,
    /// Time limit without progress in sending or receiving. Default: 5 s.
    ///
    /// HAProxy closes a connection without a message if the connection made no progress for its
    /// `stats timeout`, 10 s by default. With a shorter limit, the call ends with a clear
    /// [`Timeout`](crate::ErrorKind::Timeout) instead.
    #[doc(alias = "stats timeout")]
    #[doc(alias = "read timeout")]
    pub idle_timeout: Duration,
    /// Time limit of a whole command, from the first poll of the call to the last byte of the
    /// reply. Default: 10 s.
    ///
    /// The time includes the wait for a free connection and for a busy socket. Time in which this crate
    /// parses replies does not count, up to once more the limit.
    pub command_timeout: Duration,
    /// Size limit of a reply, in bytes. Default: 256 MiB.
    ///
    /// A reply to `show stat` for 1000 servers has about 320 KB, a reply to `show map` for
    /// 100,000 entries about 5 MB.
    pub max_reply_size: usize,
    /// Maximum number of connections to one process at the same time. Default: 4.
    ///
    /// HAProxy serves 10 connections at once over all its stats sockets (`stats maxconn`), and
    /// other clients use them too. Streams of events
    /// ([`follow_events`](crate::Cluster::follow_events)) do not count. Zero counts as one. The limit belongs to the socket: it has
    /// no effect in the limits of a single call.
    #[doc(alias = "maxconn")]
    #[doc(alias = "stats maxconn")]
    pub max_connections: usize,
}

impl Limits {
    /// Returns the default limits, which the docs of the fields state.
    pub const fn new() -> Self {
        Self {
            connect_timeout: Duration::from_secs(1),
            idle_timeout: Duration::from_secs(5),
            command_timeout: Duration::from_secs(10),
            max_reply_size: 256 * 1024 * 1024,
            max_connections: 4,
        }
    }

    /// Sets the time limit of one attempt to connect.
    #[must_use]
    pub const fn with_connect_timeout(mut self, timeout: Duration) -> Self {
        self.connect_timeout = timeout;
        self
    }

    /// Sets the time limit without progress in sending or receiving.
    #[must_use]
    pub const fn with_idle_timeout(mut self, timeout: Duration) -> Self {
        self.idle_timeout = timeout;
        self
    }

    /// Sets the time limit of a whole command.
    #[must_use]
    pub const fn with_command_timeout(mut self, timeout: Duration) -> Self {
        self.command_timeout = timeout;
        self
    }

    /// Sets the size limit of a reply, in bytes.
    #[must_use]
    pub const fn with_max_reply_size(mut self, bytes: usize) -> Self {
        self.max_reply_size = bytes;
        self
    }

    /// Sets the maximum number of connections to one process at the same time.
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
