use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _, ReadBuf};
use tokio::runtime::Handle;
use tokio::sync::OwnedSemaphorePermit;
use tokio::time::timeout;

use super::connect::Stream;
use crate::protocol::Abandoned;

/// An open connection and the permits of its socket.
pub(super) struct Connection {
    stream: Box<dyn Stream>,
    permits: Vec<OwnedSemaphorePermit>,
    abandoned: Abandoned,
    /// Number of bytes of the command that are not written yet. HAProxy executes nothing before
    /// it has received all bytes.
    unsent: usize,
}

/// Time limit for reading a reply after the caller stopped waiting for it. HAProxy itself closes
/// an idle connection after `stats timeout`, 10 seconds by default.
const PATIENCE: Duration = Duration::from_secs(60);

impl Connection {
    /// Wraps a connection on which a command of `length` bytes will be sent.
    pub(super) fn new(
        stream: Box<dyn Stream>,
        permits: Vec<OwnedSemaphorePermit>,
        abandoned: Abandoned,
        length: usize,
    ) -> Self {
        Self { stream, permits, abandoned, unsent: length }
    }

    /// Marks the reply as read to its end: dropping the connection closes it at once.
    pub(super) fn ended(&mut self) {
        self.abandoned = Abandoned::Closed;
    }
}

impl AsyncRead for Connection {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(cx, buf)
    }
}

impl AsyncWrite for Connection {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        let written = ready!(Pin::new(&mut self.stream).poll_write(cx, buf))?;
        self.unsent = self.unsent.saturating_sub(written);
        Poll::Ready(Ok(written))
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}

impl Drop for Connection {
    fn drop(&mut self) {
        if self.abandoned == Abandoned::Closed || self.unsent > 0 {
            return;
        }
        let stream = std::mem::replace(&mut self.stream, Box::new(tokio::io::empty()));
        let patience = if self.abandoned == Abandoned::Awaited { Duration::MAX } else { PATIENCE };
        in_background(stream, "", std::mem::take(&mut self.permits), patience);
    }
}

/// Starts a task that sends `last`, reads to the end, closes the connection, and then releases the
/// permits. Without a runtime, closes the connection at once.
pub(super) fn in_background(
    mut stream: Box<dyn Stream>,
    last: &'static str,
    permits: Vec<OwnedSemaphorePermit>,
    patience: Duration,
) {
    let Ok(runtime) = Handle::try_current() else { return };
    runtime.spawn(async move {
        let mut buffer = vec![0; BUFFER];
        let read = async {
            // If the peer is gone, the end of the connection is read at once.
            let _ = stream.write_all(last.as_bytes()).await;
            while matches!(stream.read(&mut buffer).await, Ok(1..)) {}
        };
        // No caller is left to receive the result.
        let _ = timeout(patience, read).await;
        drop(stream);
        drop(permits);
    });
}

const BUFFER: usize = 32 * 1024;
