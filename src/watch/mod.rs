//! Watches: one poll of all processes for any number of readers.

mod beat;
mod difference;
mod divergence;
mod event;
mod member;
mod options;
mod output;
mod picture;
mod poll;
#[cfg(test)]
mod scripted;
mod source;
mod stream;
#[cfg(test)]
mod testing;

pub use event::{Divergence, Event, Occurrence, StateIn};
pub use options::WatchOptions;
pub use picture::{Picture, ProcessStatus, WatchedProcess};
pub use stream::Events;

use std::collections::HashSet;
use std::fmt;
use std::sync::Arc;

use futures::FutureExt as _;
use tokio::sync::{Notify, broadcast, watch};
use tokio::task::AbortHandle;

use crate::cluster::{Cluster, Listed};
use crate::error::Result;
use output::{Output, Told};
use poll::Poll;
use source::Source;

/// A watch over the processes of a cluster: one poll, for any number of readers.
///
/// Cheap to clone; `Send` and `Sync`. [`latest`](Self::latest) returns the last picture,
/// [`changed`](Self::changed) waits for the next one, and [`events`](Self::events) is the stream of
/// changes. [`Cluster::watch`] begins a watch, and [`guide::watch`](crate::guide::watch) describes its price
/// and its traps.
///
/// # The poll
///
/// One task asks all processes. It ends when the last clone of the watch and the last stream are dropped,
/// or with [`stop`](Self::stop). Each process is asked by a future of its own with the
/// [`Limits`](crate::Limits) of the view, and is not asked again before it has answered or failed: a process
/// that hangs delays nothing else. Readers delay nothing either.
///
/// # Example
///
/// ```no_run
/// # async fn example() -> haproxyadmin::Result<()> {
/// use futures::StreamExt as _;
/// use haproxyadmin::Cluster;
/// use haproxyadmin::watch::WatchOptions;
///
/// let cluster = Cluster::from_dir("/run/haproxy").await?;
/// let watch = cluster.watch(WatchOptions::new()).await?;
/// let mut events = watch.events();
/// for process in watch.latest().processes() {
///     println!("{}: {}, {} servers", process.label(), process.status(), process.servers().len());
/// }
/// while let Some(occurrence) = events.next().await {
///     println!("{}", occurrence.event);
/// }
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
#[doc(alias = "watcher")]
#[doc(alias = "reflector")]
pub struct Watch {
    pictures: watch::Receiver<Arc<Picture>>,
    shared: Arc<Shared>,
}

/// The part of a watch that all its handles and streams share. Dropping the last one ends the poll.
#[derive(Debug)]
struct Shared {
    events: broadcast::Sender<Told>,
    stop: Arc<Notify>,
    task: AbortHandle,
}

impl Cluster {
    /// Begins to watch the processes of this view: their identity, the states of their servers
    /// (`show info;show servers state`) and their figures. A socket of any level may read them; the
    /// [ring](WatchOptions::ring), if there is one, needs level operator.
    ///
    /// Reads everything once before it returns, within the [`Limits`](crate::Limits) of the view. Processes
    /// that do not answer are no error, and are in the [`Picture`] with their status. Processes that join the
    /// cluster later are watched too. If the view [selects processes](Cluster::only), only those are
    /// watched.
    ///
    /// # Errors
    ///
    /// - [`InvalidInput`](crate::ErrorKind::InvalidInput) if an option is out of its range, or if the ring
    ///   cannot be the name of a ring.
    /// - [`NotFound`](crate::ErrorKind::NotFound) if no socket is a member, or no member is selected.
    /// - [`Io`](crate::ErrorKind::Io) if a directory cannot be read and there is no member.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future ends the poll, if it has begun, and leaves nothing behind.
    #[doc(alias = "show servers state")]
    pub async fn watch(&self, options: WatchOptions) -> Result<Watch> {
        options.check()?;
        let view = self.allow_partial();
        if let Some(ring) = &options.ring {
            crate::object::check_ring(ring)?;
        }
        let listed = view.list(&HashSet::new(), true).await?;
        let mut watch = Watch::start(view, options, listed);
        // The first picture.
        let _ = watch.pictures.changed().await;
        Ok(watch)
    }
}

impl Watch {
    /// Starts the poll.
    fn start(source: impl Source, options: WatchOptions, listed: Vec<Listed>) -> Self {
        let empty = Picture { processes: Vec::new(), divergences: Arc::default(), figures: None };
        let (picture, pictures) = watch::channel(Arc::new(empty));
        let (events, _) = broadcast::channel(options.capacity);
        let stop = Arc::new(Notify::new());
        let stopped = Arc::clone(&stop);
        let output = Output::new(picture, events.clone());
        let poll =
            Poll::new(source, options, listed, async move { stopped.notified().await }.boxed(), output);
        let task = tokio::spawn(poll.run()).abort_handle();
        Self { pictures, shared: Arc::new(Shared { events, stop, task }) }
    }

    /// Returns the last picture. Never waits.
    pub fn latest(&self) -> Arc<Picture> {
        self.pictures.borrow().clone()
    }

    /// Waits for the next picture, and returns it. Returns `None` if the poll has been
    /// [stopped](Self::stop).
    ///
    /// The next picture of a handle is the first one that was published after its last call, or after the
    /// watch began. The picture from the beginning of the watch is not returned: [`latest`](Self::latest) has
    /// it. A clone goes on where its original is.
    ///
    /// There is a new picture at the end of each beat and after each event. A reader that is slower than the
    /// poll gets the last picture, and not those in between.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future loses no picture.
    pub async fn changed(&mut self) -> Option<Arc<Picture>> {
        self.pictures.changed().await.ok()?;
        Some(self.pictures.borrow_and_update().clone())
    }

    /// Returns a stream of the events from now on.
    ///
    /// To miss no change, call this first and [`latest`](Self::latest) after it. Events that happen between
    /// the two calls are in both.
    pub fn events(&self) -> Events {
        let receiver = self.shared.events.subscribe();
        if self.pictures.has_changed().is_err() {
            return Events::ended();
        }
        Events::new(receiver, Arc::clone(&self.shared))
    }

    /// Ends the poll for all handles and streams, and waits for its end.
    ///
    /// The questions for the states that are under way are not cut off: they end with their answers or with
    /// their limits. A read of the figures, a list of the members and the rings are cut off. Use this before the
    /// runtime shuts down; HAProxy 3.2 dies if a long reply to `show servers state` is cut
    /// ([`guide::cancellation`](crate::guide::cancellation)).
    ///
    /// # Cancel safety
    ///
    /// The poll ends too if the future is dropped after its first poll.
    pub async fn stop(&self) {
        self.shared.stop.notify_one();
        let mut pictures = self.pictures.clone();
        while pictures.changed().await.is_ok() {}
    }
}

impl Drop for Shared {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl fmt::Debug for Watch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Watch").field("latest", &self.latest()).finish_non_exhaustive()
    }
}
