use std::time::Duration;

use crate::error::Result;

/// Takes a reply while it arrives.
pub(crate) trait ReplyReader {
    /// Takes the next bytes, split wherever the connection split them. An error
    /// ends the exchange.
    fn feed(&mut self, bytes: &[u8]) -> Result<Next>;
}

/// What a [`ReplyReader`] wants next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Next {
    /// Read on, up to the end of the connection.
    More,
    /// Read on; if nothing arrives for that long, feed the sink with no bytes.
    Pause(Duration),
    /// Send these bytes to the peer, and read on.
    Send(&'static [u8]),
    /// The reply is whole; what follows it, and the end, are not waited for.
    Stop,
}
