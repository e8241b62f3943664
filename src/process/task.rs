use std::io;
use std::panic::resume_unwind;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use futures::FutureExt as _;
use futures::future::BoxFuture;
use tokio::runtime::{Handle, RuntimeFlavor};
use tokio::task::JoinHandle;
use tracing::Instrument as _;
use tracing::instrument::WithSubscriber as _;

use super::{ProcessClient, now};
use crate::error::{Error, Problem, Result};
use crate::show::ProcessReport;
use crate::show::stat::StatFilter;
use crate::transport::Deadline;

/// A task that is aborted when this value is dropped.
pub(crate) struct Task<T>(JoinHandle<T>);

impl<T: Send + 'static> Task<T> {
    /// Runs a future on a task of its own, in the span and with the subscriber of the caller.
    pub(crate) fn spawn(future: impl Future<Output = T> + Send + 'static) -> Self {
        Self(tokio::spawn(future.in_current_span().with_current_subscriber()))
    }
}

impl<T> Future for Task<T> {
    type Output = Result<T>;

    /// # Errors
    ///
    /// - `Io` if the runtime shuts down.
    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Result<T>> {
        Poll::Ready(ready!(self.0.poll_unpin(context)).map_err(|error| {
            if error.is_panic() {
                resume_unwind(error.into_panic());
            }
            Error::new(Problem::Io(io::Error::other("the Tokio runtime is shutting down").into()))
        }))
    }
}

impl<T> Drop for Task<T> {
    fn drop(&mut self) {
        self.0.abort();
    }
}

/// Runs a future on a task of its own, so that all threads of the runtime take part. A runtime with one thread runs it
/// in place: there a task gains nothing, and would keep its connection until the runtime runs again.
///
/// # Errors
///
/// - `Io` if the runtime shuts down.
pub(crate) async fn on_any_thread<T: Send + 'static>(future: BoxFuture<'static, T>) -> Result<T> {
    let flavor = Handle::try_current().map(|runtime| runtime.runtime_flavor());
    match flavor {
        Ok(RuntimeFlavor::MultiThread) => Task::spawn(future).await,
        _ => Ok(future.await),
    }
}

impl ProcessClient {
    /// Reads the report as [`read_settled`](Self::read_settled) does, on any thread: the threads of a runtime parse the
    /// replies of several processes at the same time.
    ///
    /// # Cancel safety
    ///
    /// If the future is dropped, the task is aborted. If a thread is parsing a piece of the reply at this moment, the
    /// task ends after the piece.
    pub(crate) async fn read_on_task(
        &self,
        scope: &StatFilter,
        stopping: Option<u64>,
        deadline: &Deadline,
    ) -> (Result<Arc<ProcessReport>>, u64) {
        let (client, scope, deadline) = (self.clone(), scope.clone(), *deadline);
        let reading = async move { client.read_settled(&scope, stopping, &deadline).await };
        on_any_thread(reading.boxed()).await.unwrap_or_else(|error| (Err(error.at(self.address())), now()))
    }
}
