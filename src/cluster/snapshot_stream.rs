use std::fmt;
use std::pin::Pin;
use std::task::{Context, Poll};

use futures::channel::mpsc::{UnboundedReceiver, unbounded};
use futures::future::{BoxFuture, ready};
use futures::{FutureExt as _, Stream, StreamExt as _};

use super::Cluster;
use crate::error::{Error, Result};
use crate::process::Task;
use crate::show::stat::StatFilter;
use crate::snapshot::{Process, Snapshot};

/// A read of all members that hands on each answer when it arrives: [`Cluster::snapshot_stream`].
///
/// As a stream it has one [`Process`] for each member that answers, at the moment when its answer is whole. A member
/// that hangs delays no other one. The stream ends when every member has answered or failed. Await it for the
/// [`Snapshot`], before or after the end of the stream.
///
/// The snapshot knows what no single answer tells, and a process of the stream does not have it yet:
///
/// - which members failed, and why;
/// - which sockets lead to the same process. In the first read of a cluster, each of them yields a process;
/// - whether a reload replaced a process meanwhile. The snapshot then has the answer of the new one;
/// - which counters processes [share](crate::guide::shared_counters);
/// - the final label. A process that the cluster has not met before may have another label in the stream.
///
/// # Cancel safety
///
/// As [`Cluster::snapshot`]. Nothing is read before the first poll. From then on a task reads, however slowly the
/// stream is polled; it is aborted when the stream is dropped.
///
/// # Example
///
/// ```no_run
/// # async fn example(cluster: haproxyadmin::Cluster) -> haproxyadmin::Result<()> {
/// use futures::StreamExt as _;
///
/// let mut answers = cluster.snapshot_stream();
/// while let Some(process) = answers.next().await {
///     println!("{}: {} rows", process.label(), process.stat().map_or(0, |rows| rows.len()));
/// }
/// let snapshot = answers.await?;
/// println!("{} servers", snapshot.servers().len());
/// # Ok(())
/// # }
/// ```
#[must_use = "nothing is read unless this is awaited or polled"]
pub struct SnapshotStream {
    reading: Reading,
    answers: UnboundedReceiver<Process>,
}

enum Reading {
    New(BoxFuture<'static, Result<Snapshot>>),
    /// A task of its own: a caller that is busy with an answer would otherwise hold up the others, and its own calls
    /// to the same processes.
    Running(Task<Result<Snapshot>>),
    Ended(Result<Snapshot>),
}

impl SnapshotStream {
    pub(super) fn new(cluster: Cluster) -> Self {
        let (sender, answers) = unbounded();
        let reading = async move { cluster.read_and_hand_on(&StatFilter::All, Some(&sender)).await };
        Self { reading: Reading::New(reading.boxed()), answers }
    }
}

impl Stream for SnapshotStream {
    type Item = Process;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Process>> {
        if matches!(self.reading, Reading::New(_)) {
            // The result of a stream that is polled outside of a runtime, where a task cannot be spawned.
            let unread = Err(Error::invalid("the stream needs a Tokio runtime"));
            if let Reading::New(reading) = std::mem::replace(&mut self.reading, Reading::Ended(unread)) {
                self.reading = Reading::Running(Task::spawn(reading));
            }
        }
        if let Reading::Running(task) = &mut self.reading {
            if let Poll::Ready(result) = task.poll_unpin(context) {
                self.reading = Reading::Ended(result.and_then(|snapshot| snapshot));
                self.answers.close();
            }
        }
        self.answers.poll_next_unpin(context)
    }
}

impl IntoFuture for SnapshotStream {
    type Output = Result<Snapshot>;
    type IntoFuture = BoxFuture<'static, Self::Output>;

    fn into_future(self) -> Self::IntoFuture {
        let Self { reading, answers } = self;
        // Without a reader, the answers are not kept twice.
        drop(answers);
        match reading {
            Reading::New(reading) => reading,
            Reading::Running(task) => async move { task.await? }.boxed(),
            Reading::Ended(result) => ready(result).boxed(),
        }
    }
}

impl fmt::Debug for SnapshotStream {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let result = match &self.reading {
            Reading::Ended(result) => Some(result),
            _ => None,
        };
        f.debug_struct("SnapshotStream").field("result", &result).finish_non_exhaustive()
    }
}
