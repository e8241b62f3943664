use std::fmt;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use futures::channel::mpsc::{UnboundedReceiver, unbounded};
use futures::future::BoxFuture;
use futures::{FutureExt as _, Stream, StreamExt as _};

use super::desired::Desired;
use super::outcome::{Applied, ApplyProgress};
use super::terms::Apply;
use super::work::ApplyWork;
use crate::cluster::{Cluster, Outcomes};
use crate::error::Result;

/// An application of a desired state: [`Cluster::apply`](crate::Cluster::apply).
///
/// Await it for the outcome of each process. Or read it as a stream of [`ApplyProgress`], which has an item for
/// each step of each process and ends when the work ends, and await it then. It sends nothing while it is neither
/// awaited nor read.
///
/// # Example
///
/// ```no_run
/// # async fn example(
/// #     cluster: haproxyadmin::Cluster,
/// #     desired: haproxyadmin::reconcile::Desired,
/// # ) -> haproxyadmin::Result<()> {
/// use futures::StreamExt as _;
/// use haproxyadmin::reconcile::Apply;
///
/// let mut applying = cluster.apply(&desired, Apply::new());
/// while let Some(progress) = applying.next().await {
///     println!("{progress}");
/// }
/// let outcomes = applying.await?;
/// # Ok(())
/// # }
/// ```
#[must_use = "a desired state is not applied unless this is awaited"]
pub struct Applying {
    running: BoxFuture<'static, Result<Outcomes<Applied>>>,
    result: Option<Result<Outcomes<Applied>>>,
    progress: UnboundedReceiver<ApplyProgress>,
}

impl Applying {
    pub(super) fn new(cluster: &Cluster, desired: Arc<Desired>, terms: Apply) -> Self {
        Self::begin(cluster, desired, terms, false)
    }

    /// Creates an application to a part of the processes. An object that none of them has may be in the others, and is
    /// no error. Nor is it one if all of them are stopping.
    pub(super) fn of_part(cluster: &Cluster, desired: Arc<Desired>, terms: Apply) -> Self {
        Self::begin(cluster, desired, terms, true)
    }

    fn begin(cluster: &Cluster, desired: Arc<Desired>, terms: Apply, is_part: bool) -> Self {
        let (sender, progress) = unbounded();
        let work = ApplyWork::new(cluster, desired, terms, sender, is_part);
        Self { running: async move { work.run().await }.boxed(), result: None, progress }
    }
}

impl Stream for Applying {
    type Item = ApplyProgress;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<ApplyProgress>> {
        // A step that was taken is handed on before the next one is begun.
        if let Poll::Ready(Some(progress)) = self.progress.poll_next_unpin(context) {
            return Poll::Ready(Some(progress));
        }
        if self.result.is_none() {
            if let Poll::Ready(result) = self.running.poll_unpin(context) {
                self.result = Some(result);
                self.progress.close();
            }
        }
        self.progress.poll_next_unpin(context)
    }
}

impl IntoFuture for Applying {
    type Output = Result<Outcomes<Applied>>;
    type IntoFuture = BoxFuture<'static, Self::Output>;

    fn into_future(self) -> Self::IntoFuture {
        let Self { running, result, progress } = self;
        // Without a reader, the progress is not kept.
        drop(progress);
        async move {
            match result {
                Some(result) => result,
                None => running.await,
            }
        }
        .boxed()
    }
}

impl fmt::Debug for Applying {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Applying").field("result", &self.result).finish_non_exhaustive()
    }
}
