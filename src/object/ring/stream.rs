//! The stream of events of several processes.

use std::fmt;
use std::pin::Pin;
use std::task::{Context, Poll};

use futures::stream::{BoxStream, SelectAll, unfold};
use futures::{Stream, StreamExt as _};

use super::news::{Followed, News};
use super::source::Source;
use crate::snapshot::Label;

/// Events of a ring of several processes, as they happen:
/// [`Cluster::follow_events`](crate::Cluster::follow_events).
///
/// The events of one process are in order. The stream never ends by itself. Reading is all that
/// drives it: it has no task of its own, and dropping it closes its connections at once.
///
/// Every process of the view has news. A process that could not be followed at first, because it did
/// not answer or does not have the ring, begins with [`News::Ended`](crate::ring::News::Ended) and its
/// reason. The stream goes on trying, and [`News::Connected`](crate::ring::News::Connected) tells that
/// the process is followed from now on.
///
/// # Slow readers
///
/// The stream keeps at most one line and 16 KiB of each process. If it is not read, HAProxy waits, and
/// drops events when its ring is full; [`Event::Lost`](crate::ring::Event::Lost) has their number. Events are also lost, and not
/// counted, while there is no connection to the process: see [`News::Ended`](crate::ring::News::Ended).
///
/// # Cost
///
/// Each process has one of its connections (`stats maxconn`, 10 by default) taken for as long as the
/// stream exists. It is not one of [`Limits::max_connections`](crate::Limits::max_connections), so other
/// commands do not wait for it. At most two streams at the same time follow one process; a third waits, up
/// to its limits.
///
/// # Reloads
///
/// An open connection keeps an old worker of HAProxy alive after a reload, and HAProxy does not end the
/// connection. The stream therefore sends `show info` on another connection once in a second. If the
/// process is stopping or another one answers at its address, the stream reads the last events, closes the
/// connection, and connects to the new worker. It reads the ring of that worker from the beginning. Events that
/// the old worker records after that are not seen.
///
/// **A stream that is not polled does not look, and keeps the old worker alive.** How long depends on
/// the ring. If it records more than the connection holds, HAProxy ends the connection after an hour
/// without progress (`set timeout cli 1h`), and the old worker with it. If it records little, HAProxy
/// waits: up to 2.6 for the same hour, and from 3.0 on until the stream is dropped or polled. Drop a
/// stream that is not read, or set `hard-stop-after` in HAProxy's configuration.
///
/// Up to 2.6 the same limit ends the connection of a ring that is silent for an hour. The stream then
/// connects again.
pub struct EventStream(SelectAll<BoxStream<'static, Followed>>);

impl EventStream {
    pub(super) fn new(processes: impl Iterator<Item = BoxStream<'static, Followed>>) -> Self {
        Self(processes.collect())
    }

    /// Returns the number of processes that are followed, or will be when they can be.
    pub fn processes(&self) -> usize {
        self.0.len()
    }
}

impl Stream for EventStream {
    type Item = Followed;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        Pin::new(&mut self.0).poll_next(cx)
    }
}

impl fmt::Debug for EventStream {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("EventStream").field("processes", &self.processes()).finish()
    }
}

/// Returns the news of one process with its label.
pub(super) fn of_process(process: Label, source: Source) -> BoxStream<'static, Followed> {
    Box::pin(news(source).map(move |news| Followed { process: process.clone(), news }))
}

/// Returns the news of one process.
pub(super) fn news(source: Source) -> BoxStream<'static, News> {
    Box::pin(unfold(source, |mut source| async move { Some((source.next().await, source)) }))
}
