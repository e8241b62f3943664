//! The stream of events of several processes.

use std::fmt;
use std::pin::Pin;
use std::task::{Context, Poll};

use futures::Stream;
use futures::stream::{BoxStream, SelectAll, unfold};

use super::follow::{Follower, State};
use super::news::Followed;
use crate::snapshot::Label;

/// Events of a ring of several processes, as they happen:
/// [`Cluster::follow_events`](crate::Cluster::follow_events).
///
/// The events of one process are in order. The stream never ends by itself, unless no process is
/// followed. Reading is all that drives it: it has no task of its own, and dropping it closes its
/// connections at once.
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
/// the old worker records after that are not seen. A stream that is not polled does not look, and keeps the old
/// worker alive.
pub struct EventStream(SelectAll<BoxStream<'static, Followed>>);

impl EventStream {
    pub(super) fn new(processes: impl Iterator<Item = BoxStream<'static, Followed>>) -> Self {
        Self(processes.collect())
    }

    /// Returns the number of processes that are followed.
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

/// Returns the news of one process.
pub(super) fn of_process(process: Label, follower: Follower, state: State) -> BoxStream<'static, Followed> {
    let news = unfold((process, follower, state), |(process, follower, mut state)| async move {
        let news = follower.next(&mut state).await;
        Some((Followed { process: process.clone(), news }, (process, follower, state)))
    });
    Box::pin(news)
}
