use std::fmt;
use std::pin::Pin;
use std::task::{Context, Poll};

use futures::channel::mpsc::{UnboundedReceiver, unbounded};
use futures::future::BoxFuture;
use futures::{FutureExt as _, Stream, StreamExt as _};

use super::Cluster;
use crate::error::Result;
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
/// - which sockets lead to the same process. A socket that is not known to be a duplicate yields a process of its
///   own, in the first read of a cluster;
/// - which counters processes [share](crate::guide::shared_counters);
/// - the final label. A process that the cluster has not met before may have another label in the stream.
///
/// # Cancel safety
///
/// As [`Cluster::snapshot`]. Nothing is read while it is neither awaited nor polled as a stream.
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
    reading: BoxFuture<'static, Result<Snapshot>>,
    result: Option<Result<Snapshot>>,
    answers: UnboundedReceiver<Process>,
}

impl SnapshotStream {
    pub(super) fn new(cluster: Cluster) -> Self {
        let (sender, answers) = unbounded();
        let reading = async move { cluster.read_and_hand_on(&StatFilter::All, Some(&sender)).await };
        Self { reading: reading.boxed(), result: None, answers }
    }
}

impl Stream for SnapshotStream {
    type Item = Process;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Process>> {
        if self.result.is_none() {
            if let Poll::Ready(result) = self.reading.poll_unpin(context) {
                self.result = Some(result);
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
        let Self { reading, result, answers } = self;
        // Without a reader, the answers are not kept twice.
        drop(answers);
        async move {
            match result {
                Some(result) => result,
                None => reading.await,
            }
        }
        .boxed()
    }
}

impl fmt::Debug for SnapshotStream {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SnapshotStream").field("result", &self.result).finish_non_exhaustive()
    }
}
