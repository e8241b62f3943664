use std::time::Duration;

use tokio::io::AsyncReadExt as _;
use tokio::runtime::Handle;
use tokio::sync::OwnedSemaphorePermit;
use tokio::time::timeout;

use super::connect::Stream;

/// What becomes of a connection that is no longer waited for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Abandoned {
    /// It is closed at once.
    Closed,
    /// A task of its own reads it to the end. For commands that do harm to HAProxy if the
    /// client closes in the middle of their reply.
    Drained,
}

/// An open connection, and the permit of its socket.
pub(super) struct Connection {
    stream: Box<dyn Stream>,
    permit: Option<OwnedSemaphorePermit>,
    abandoned: Abandoned,
}

/// How long a reply is read that is no longer waited for. HAProxy itself ends a
/// connection that stands still after `stats timeout`, 10 seconds by default.
const PATIENCE: Duration = Duration::from_secs(60);

impl Connection {
    pub(super) fn new(
        stream: Box<dyn Stream>,
        permit: Option<OwnedSemaphorePermit>,
        abandoned: Abandoned,
    ) -> Self {
        Self { stream, permit, abandoned }
    }

    pub(super) fn stream(&mut self) -> &mut dyn Stream {
        self.stream.as_mut()
    }

    /// Says that the reply was read to its end, so that the connection may be closed.
    pub(super) fn ended(&mut self) {
        self.abandoned = Abandoned::Closed;
    }
}

impl Drop for Connection {
    fn drop(&mut self) {
        if self.abandoned == Abandoned::Closed {
            return;
        }
        // Outside of a runtime nothing can be read any more.
        if let Ok(runtime) = Handle::try_current() {
            let stream = std::mem::replace(&mut self.stream, Box::new(tokio::io::empty()));
            runtime.spawn(drain(stream, self.permit.take()));
        }
    }
}

/// Reads to the end, and gives the permit back behind the connection.
async fn drain(mut stream: Box<dyn Stream>, permit: Option<OwnedSemaphorePermit>) {
    let mut buffer = vec![0; BUFFER];
    let read = async { while matches!(stream.read(&mut buffer).await, Ok(1..)) {} };
    // The caller has gone, and is told nothing any more.
    let _ = timeout(PATIENCE, read).await;
    drop(stream);
    drop(permit);
}

const BUFFER: usize = 32 * 1024;
