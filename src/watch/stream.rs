//! The stream of events.

use std::fmt;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::SystemTime;

use futures::Stream;
use futures::stream::{BoxStream, unfold};
use tokio::sync::broadcast::Receiver;
use tokio::sync::broadcast::error::RecvError;

use super::Shared;
use super::event::{Event, Occurrence};
use super::output::Told;

/// Events of a [`Watch`](crate::watch::Watch), from the call of
/// [`Watch::events`](crate::watch::Watch::events) on.
///
/// The stream keeps the poll going, also without a [`Watch`](crate::watch::Watch). It ends if the poll was
/// [stopped](crate::watch::Watch::stop).
///
/// A stream that is read too slowly delays neither the poll nor the other readers. It loses the oldest
/// events, and [`Event::Missed`] tells their number at this place.
///
/// # Example
///
/// ```no_run
/// # async fn example(cluster: haproxyadmin::Cluster) -> haproxyadmin::Result<()> {
/// use futures::StreamExt as _;
/// use haproxyadmin::watch::WatchOptions;
///
/// let mut events = cluster.watch(WatchOptions::new()).await?.events();
/// while let Some(occurrence) = events.next().await {
///     println!("{}", occurrence.event);
/// }
/// # Ok(())
/// # }
/// ```
#[must_use = "a stream does nothing unless it is polled"]
pub struct Events(BoxStream<'static, Occurrence>);

impl Events {
    pub(super) fn new(receiver: Receiver<Told>, poll: Arc<Shared>) -> Self {
        let next = |(mut receiver, poll): (Receiver<Told>, _)| async move {
            let occurrence = match receiver.recv().await {
                Ok(told) => Arc::unwrap_or_clone(told?),
                Err(RecvError::Lagged(events)) => {
                    Occurrence { at: SystemTime::now(), event: Event::Missed { events } }
                }
                Err(RecvError::Closed) => return None,
            };
            Some((occurrence, (receiver, poll)))
        };
        Self(Box::pin(unfold((receiver, poll), next)))
    }

    /// Returns the stream of a poll that has ended.
    pub(super) fn ended() -> Self {
        Self(Box::pin(futures::stream::empty()))
    }
}

impl Stream for Events {
    type Item = Occurrence;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Occurrence>> {
        self.0.as_mut().poll_next(cx)
    }
}

impl fmt::Debug for Events {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Events").finish_non_exhaustive()
    }
}
