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
    /// The connection has ended, or an attempt to connect has failed. The stream tries to connect
    /// again, after pauses of up to 10 seconds. Further attempts that fail with the same kind of error
    /// are no news.
    ///
    /// The kind is [`Io`](crate::ErrorKind::Io) if the connection broke, or if the stream closed it
    /// because another process answers at the address, [`Connect`](crate::ErrorKind::Connect) if no
    /// process does, and [`NotFound`](crate::ErrorKind::NotFound) if the process does not have the ring.
    Ended(Error),
    /// The stream is connected again, or for the first time after a failure.
    Connected {
        /// `true` if it is connected to another process than before, or for the first time. The ring of
        /// another process is read from its beginning. Otherwise events before the connection are not
        /// seen.
        is_new: bool,
    },
    /// The process has not answered a question for the
    /// [`command_timeout`](crate::Limits::command_timeout) of the call: it hangs, or all its connections are
    /// taken. The connection stays open, and events may still arrive. The error is the one of the last
    /// question.
    Silent(Error),
    /// The process answers again. HAProxy 2.2 does not count the time in which it was stopped as uptime
    /// and prints no start time: it looks like another process then, which is told as
    /// [`Connected`](Self::Connected).
    Answering,
}
