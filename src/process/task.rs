use std::io;
use std::panic::resume_unwind;
use std::sync::Arc;

use tokio::task::JoinHandle;
use tracing::Instrument as _;

use super::{ProcessClient, now};
use crate::error::{Error, Problem, Result};
use crate::show::ProcessReport;
use crate::show::stat::StatFilter;
use crate::transport::Deadline;

/// A task that ends when this value is dropped.
struct Task<T>(JoinHandle<T>);

impl<T> Drop for Task<T> {
    fn drop(&mut self) {
        self.0.abort();
    }
}

impl ProcessClient {
    /// Reads the report as [`read_settled`](Self::read_settled) does, on a task of its own: the threads of a runtime
    /// parse the replies of several processes at the same time.
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
        let mut task = Task(tokio::spawn(reading.in_current_span()));
        match (&mut task.0).await {
            Ok(read) => read,
            Err(error) => match error.try_into_panic() {
                Ok(panic) => resume_unwind(panic),
                Err(_) => {
                    let error = io::Error::other("the Tokio runtime is shutting down");
                    (Err(Error::new(Problem::Io(error.into())).at(self.address())), now())
                }
            },
        }
    }
}
