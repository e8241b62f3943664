//! Rings of events.

mod follow;
mod list;
mod news;
mod pause;
mod source;
mod stream;

pub use news::{Followed, News};
pub use stream::EventStream;

use futures::stream::BoxStream;

use crate::address::Address;
use crate::cluster::{Cluster, Outcomes, Target};
use crate::error::{Error, Result};
use crate::excerpt::excerpt;
use crate::level::Level;
use crate::protocol::{Command, Response};
use crate::show::stat::StatFilter;
use crate::show::{Event, Ring};
use source::Source;

impl Cluster {
    /// Reads the list of rings from each process: `show events`.
    ///
    /// # Errors
    ///
    /// - The errors of [`Outcomes::all`].
    #[doc(alias = "show events")]
    pub async fn rings(&self) -> Result<Outcomes<Vec<Ring>>> {
        self.fan_out().ask(list::command(), list::read).await
    }

    /// Reads the events that a ring holds now, oldest first, from each process: `show events RING`.
    /// Needs level operator.
    ///
    /// The outcome of a process without this ring is absent.
    ///
    /// # Errors
    ///
    /// - The errors of [`Outcomes::all`].
    /// - [`InvalidInput`](crate::ErrorKind::InvalidInput) if `ring` cannot be the name of a ring: if it
    ///   is empty, or has a character other than letters, digits and `_.:-`.
    /// - [`Refused`](crate::ErrorKind::Refused) if the ring is not kept in memory, such as `stdout`.
    #[doc(alias = "show events")]
    pub async fn events(&self, ring: &str) -> Result<Outcomes<Vec<Event>>> {
        let command = &show(ring)?;
        let job = |target: Target, deadline| async move {
            if let Some(absent) = list::look(&target, ring, &deadline).await? {
                return Ok(Response::Absent(absent));
            }
            target.list(command, |data| Ok(Event::read_all(&data)), &deadline).await
        };
        self.fan_out().each(command, StatFilter::Nothing, job).await
    }

    /// Follows a ring of each process: returns a stream of the events from now on
    /// (`show events RING -w -n`). Needs level operator.
    ///
    /// Connecting and the first answer of each process are within the [`Limits`](crate::Limits) of the
    /// call; afterwards silence is normal. A process without this ring, or without an answer if the view
    /// [allows partial results](Cluster::allow_partial), is named in the first news of the stream, and
    /// followed when it can be. [`EventStream`] describes what the stream holds, and its cost.
    ///
    /// A process behind its [master](crate::ClusterBuilder::master) is not followed: use its stats socket.
    ///
    /// # Errors
    ///
    /// - The errors of [`events`](Self::events). [`NotFound`](crate::ErrorKind::NotFound) if no process
    ///   has the ring.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future or the stream closes the connections and leaves nothing behind.
    ///
    /// # Example
    ///
    /// ```no_run
    /// # async fn example(cluster: haproxyadmin::Cluster) -> haproxyadmin::Result<()> {
    /// use futures::StreamExt as _;
    /// use haproxyadmin::ring::{Event, News};
    ///
    /// let mut events = cluster.follow_events("requests").await?;
    /// while let Some(followed) = events.next().await {
    ///     match followed.news {
    ///         News::Event(Event::Line(line)) => println!("{}: {line}", followed.process),
    ///         News::Event(Event::Lost(events)) => println!("{}: {events} lost", followed.process),
    ///         news => println!("{}: {news:?}", followed.process),
    ///     }
    /// }
    /// # Ok(())
    /// # }
    /// ```
    #[doc(alias = "show events -w")]
    pub async fn follow_events(&self, ring: &str) -> Result<EventStream> {
        let command = &show(ring)?;
        let outcomes = source::start(self, command, ring).await?.any()?;
        let source = |outcome| Source::new(outcome, self, command, ring);
        let processes =
            outcomes.iter().map(|outcome| stream::of_process(outcome.label().clone(), source(outcome)));
        Ok(EventStream::new(processes))
    }
}

/// Follows a ring of one process: the same as an [`EventStream`] of this process alone, that is not
/// connected yet.
///
/// # Errors
///
/// - `InvalidInput` if `ring` cannot be the name of a ring, or if the process is behind its master.
pub(crate) fn follow_process(
    cluster: &Cluster,
    address: &Address,
    ring: &str,
) -> Result<BoxStream<'static, News>> {
    let command = &show(ring)?;
    if address.worker().is_some() {
        return Err(Error::invalid("a ring is not followed through a master"));
    }
    let source = Source::waiting(address, cluster, command, ring);
    Ok(stream::news(source))
}

/// Checks that `ring` can be the name of a ring.
///
/// # Errors
///
/// - `InvalidInput`
pub(crate) fn check(ring: &str) -> Result<()> {
    show(ring).map(drop)
}

fn show(ring: &str) -> Result<Command> {
    let fits = |byte: u8| byte.is_ascii_alphanumeric() || b"_.:-".contains(&byte);
    if ring.is_empty() || !ring.bytes().all(fits) {
        let text = format!("ring {:?}: expected letters, digits and `_.:-`", excerpt(ring));
        return Err(Error::invalid(text));
    }
    Ok(Command::read("show events").word(ring).needs(Level::Operator))
}
