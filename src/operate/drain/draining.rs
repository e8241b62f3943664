use std::pin::Pin;
use std::task::{Context, Poll};

use futures::future::{BoxFuture, Either, select};
use futures::{FutureExt as _, Stream};

use super::outcome::{DrainProgress, Drained};
use super::terms::Drain;
use super::unread::Unread;
use super::work::DrainWork;
use crate::cluster::Outcomes;
use crate::error::Result;
use crate::object::ServerRef;
use crate::operate::wait::Stop;

/// A drain: [`ServerRef::drain`].
///
/// Await it for the outcome of each process. Or read it as a stream of [`DrainProgress`], which ends when
/// the drain ends, and await it then. The stream has an item for each look at a process; a reader that is
/// slow misses the looks at a process before the last one. A drain sends nothing while it is neither
/// awaited nor read.
///
/// # Example
///
/// ```no_run
/// # async fn example(cluster: haproxyadmin::Cluster) -> haproxyadmin::Result<()> {
/// use std::time::Duration;
/// use futures::StreamExt as _;
///
/// let mut draining = cluster.server_ref("app", "web1")?.drain(Duration::from_secs(60));
/// while let Some(progress) = draining.next().await {
///     println!("{}: {} sessions", progress.label, progress.sessions);
/// }
/// let outcomes = draining.await?;
/// # Ok(())
/// # }
/// ```
#[must_use = "a drain sends nothing unless it is awaited"]
pub struct Draining {
    running: BoxFuture<'static, Result<Outcomes<Drained>>>,
    result: Option<Result<Outcomes<Drained>>>,
    unread: Unread,
    stop: Stop,
}

impl Draining {
    pub(super) fn new(server: ServerRef, terms: Drain) -> Self {
        let (unread, stop) = (Unread::new(), Stop::default());
        let work = DrainWork::new(server, terms, stop.clone(), unread.clone());
        let running = async move { work.run().await }.boxed();
        Self { running, result: None, unread, stop }
    }

    /// Stops the drain when `signal` ends, such as a signal to the program. The drain then ends as at the
    /// end of its time, but ends no session by force.
    pub fn until(mut self, signal: impl Future<Output = ()> + Send + 'static) -> Self {
        let (running, stop) = (self.running, self.stop.clone());
        let stopping = async move {
            match select(running, signal.boxed()).await {
                Either::Left((result, _)) => result,
                Either::Right(((), running)) => {
                    stop.stop();
                    running.await
                }
            }
        };
        self.running = stopping.boxed();
        self
    }

    /// Returns the future of the outcome, as `.await` does, for functions that take futures.
    ///
    /// [`IntoFuture`] has the same method. This one keeps a call from being ambiguous beside the method
    /// of the same name of `StreamExt`.
    ///
    /// # Example
    ///
    /// ```no_run
    /// # async fn example(cluster: haproxyadmin::Cluster) -> haproxyadmin::Result<()> {
    /// use std::time::Duration;
    /// use futures::StreamExt as _;
    /// use futures::future::join;
    ///
    /// let mut web1 = cluster.server_ref("app", "web1")?.drain(Duration::from_secs(60));
    /// let web2 = cluster.server_ref("app", "web2")?.drain(Duration::from_secs(60));
    /// println!("first look: {:?}", web1.next().await);
    /// let (web1, web2) = join(web1.into_future(), web2.into_future()).await;
    /// # Ok(())
    /// # }
    /// ```
    pub fn into_future(self) -> BoxFuture<'static, Result<Outcomes<Drained>>> {
        IntoFuture::into_future(self)
    }
}

impl Stream for Draining {
    type Item = DrainProgress;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<DrainProgress>> {
        if self.result.is_none() {
            if let Poll::Ready(result) = self.running.poll_unpin(context) {
                self.result = Some(result);
            }
        }
        match (self.unread.take(), &self.result) {
            (None, None) => Poll::Pending,
            (look, _) => Poll::Ready(look),
        }
    }
}

impl IntoFuture for Draining {
    type Output = Result<Outcomes<Drained>>;
    type IntoFuture = BoxFuture<'static, Self::Output>;

    fn into_future(self) -> Self::IntoFuture {
        let Self { running, result, unread, stop } = self;
        unread.close();
        async move {
            // The stop must live as long as the drain.
            let _stop = stop;
            match result {
                Some(result) => result,
                None => running.await,
            }
        }
        .boxed()
    }
}

impl std::fmt::Debug for Draining {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Draining").field("result", &self.result).finish_non_exhaustive()
    }
}
