//! News of one process from its ring.

use crate::error::Error;
use crate::show::Event;
use crate::snapshot::Label;

/// An item of an [`EventStream`](crate::ring::EventStream): news of one process.
///
/// # Example
///
/// ```no_run
/// # fn example(followed: haproxyadmin::ring::Followed) {
/// if let haproxyadmin::ring::News::Ended(reason) = &followed.news {
///     eprintln!("{}: {reason}", followed.process);
/// }
/// # }
/// ```
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Followed {
    /// Label of the process.
    pub process: Label,
    /// The event, or the change of the connection.
    pub news: News,
}

/// An event of a ring, or a change of the connection to its process.
///
/// # Example
///
/// ```no_run
/// # fn example(news: haproxyadmin::ring::News) {
/// use haproxyadmin::ring::News;
///
/// match news {
///     News::Event(event) => println!("{event}"),
///     News::Ended(reason) => eprintln!("not connected: {reason}"),
///     News::Connected { is_new: true } => eprintln!("connected to a new process"),
///     _ => {}
/// }
/// # }
/// ```
#[derive(Debug, Clone)]
#[non_exhaustive]
pub enum News {
    /// An event of the ring.
    Event(Event),
    /// The connection has ended, or an attempt to connect again has failed. The stream tries to connect
    /// again, after pauses of up to 10 seconds.
    ///
    /// The kind is [`Io`](crate::ErrorKind::Io) if the connection broke, or if the stream closed it
    /// because another process answers at the address, and [`Connect`](crate::ErrorKind::Connect) if no
    /// process does.
    Ended(Error),
    /// The stream is connected again.
    Connected {
        /// `true` if it is connected to another process than before. Its ring is then read from the
        /// beginning. If the process is the same, events since the end of the connection are not seen.
        is_new: bool,
    },
}
