use std::sync::Arc;

use tokio::io::AsyncReadExt as _;
use tokio::sync::OwnedSemaphorePermit;

use super::connect::Stream;
use super::deadline::{Deadline, RECEIVE};
use crate::error::{Error, Problem, Result};

/// A connection on which HAProxy prints lines until the connection is closed.
///
/// It holds one of the few places for such connections to its socket, and no permit of other
/// commands. At most one line and one piece of the next lines are kept: if the caller does not read
/// on, HAProxy waits. Dropping it closes the connection at once.
pub(crate) struct Following {
    stream: Box<dyn Stream>,
    received: Vec<u8>,
    /// Number of bytes of `received` that were handed on.
    taken: usize,
    _place: Option<OwnedSemaphorePermit>,
}

/// Maximum number of such connections to one socket at the same time.
pub(super) const PLACES: usize = 2;

/// Maximum number of bytes of a line. The largest `maxlen` of a ring that HAProxy documents is
/// smaller than `tune.bufsize`, which is 16 KiB by default.
const LONGEST_LINE: usize = 256 * 1024;

/// Number of bytes that are read at once.
const PIECE: usize = 16 * 1024;

impl Following {
    pub(super) fn new(stream: Box<dyn Stream>, place: Option<OwnedSemaphorePermit>) -> Self {
        Self { stream, received: Vec::new(), taken: 0, _place: place }
    }

    /// Returns the next line without its line feed.
    ///
    /// # Errors
    ///
    /// - `Io` if the connection has ended. The beginning of a line at its end is dropped.
    /// - `TooLarge` if the line is longer than any line of HAProxy.
    ///
    /// # Cancel safety
    ///
    /// If the future is dropped, nothing is lost.
    pub(crate) async fn line(&mut self) -> Result<&[u8]> {
        let length = loop {
            let rest = self.received.get(self.taken..).unwrap_or_default();
            match rest.iter().position(|&byte| byte == b'\n') {
                Some(length) => break length,
                None if rest.len() > LONGEST_LINE => {
                    return Err(Error::new(Problem::TooLarge { limit: LONGEST_LINE }));
                }
                None => self.receive().await?,
            }
        };
        let start = self.taken;
        self.taken += length + 1;
        Ok(self.received.get(start..start + length).unwrap_or_default())
    }

    /// Returns the next line as [`line`](Self::line) does, within the limits of a command.
    pub(crate) async fn line_within(&mut self, deadline: &Deadline) -> Result<&[u8]> {
        deadline.timeout(RECEIVE, deadline.limits().idle_timeout, self.line()).await?
    }

    async fn receive(&mut self) -> Result<()> {
        self.received.drain(..self.taken);
        self.taken = 0;
        self.received.reserve(PIECE);
        let mut piece = (&mut self.stream).take(PIECE as u64);
        match piece.read_buf(&mut self.received).await {
            Ok(1..) => Ok(()),
            Ok(0) => Err(Error::new(Problem::Io(Arc::new(std::io::ErrorKind::UnexpectedEof.into())))),
            Err(error) => Err(Error::new(Problem::Io(Arc::new(error)))),
        }
    }
}
