use std::time::Duration;

use crate::error::Result;

/// Reads a reply while it arrives.
pub(crate) trait ReplyReader {
    /// Reads the next bytes, in the pieces in which the connection delivers them. An error ends
    /// the exchange.
    fn feed(&mut self, bytes: &[u8]) -> Result<Next>;
}

/// Next step that a [`ReplyReader`] asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Next {
    /// Read on, up to the end of the connection.
    More,
    /// Read on. If nothing arrives within the duration, call [`ReplyReader::feed`] with no bytes.
    Pause(Duration),
    /// Send these bytes to the peer, and read on.
    Send(&'static [u8]),
    /// Stop reading: the reply is whole. The exchange does not wait for more bytes or for the
    /// end of the connection.
    Stop,
}

/// Reader that keeps a reply unchanged.
pub(crate) struct Collect(pub(crate) Vec<u8>);

impl ReplyReader for Collect {
    fn feed(&mut self, bytes: &[u8]) -> Result<Next> {
        self.0.extend_from_slice(bytes);
        Ok(Next::More)
    }
}
