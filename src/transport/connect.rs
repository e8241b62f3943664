use std::io;

use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;

use super::backoff::Backoff;
use super::deadline::{CONNECT, Deadline, Step};
use crate::address::Address;
use crate::error::{Error, Problem, Result};

/// A connection over any kind of socket.
pub(super) trait Stream: AsyncRead + AsyncWrite + Send + Unpin {}

impl<T: AsyncRead + AsyncWrite + Send + Unpin> Stream for T {}

/// Connects, and tries again while the socket is busy.
///
/// The connect limit applies to one attempt. `EAGAIN` means that the backlog of the socket is
/// full, not that HAProxy is gone, so the attempts go on until the time of the whole command is
/// up.
pub(super) async fn connect(address: &Address, deadline: &Deadline) -> Result<Box<dyn Stream>> {
    let mut backoff = Backoff::new();
    loop {
        let error =
            match deadline.timeout(CONNECT, deadline.limits().connect_timeout, attempt(address)).await? {
                Ok(stream) => return Ok(stream),
                Err(error) => error,
            };
        let Some(step) = busy(&error) else {
            return Err(Error::new(Problem::Connect(error.into())));
        };
        tracing::trace!(%address, %error, "busy, will connect again");
        deadline.sleep(step, backoff.pause()).await?;
    }
}

async fn attempt(address: &Address) -> io::Result<Box<dyn Stream>> {
    match address {
        Address::Tcp { host, port } => {
            let stream = TcpStream::connect((host.as_str(), *port)).await?;
            // A payload line must not wait for the acknowledgement of the previous line.
            stream.set_nodelay(true)?;
            Ok(Box::new(stream))
        }
        #[cfg(unix)]
        Address::Unix(path) => Ok(Box::new(tokio::net::UnixStream::connect(path).await?)),
        #[cfg(any(target_os = "linux", target_os = "android"))]
        Address::Abstract(name) => abstract_socket(name, Address::NAME_LEN).await,
        #[cfg(any(target_os = "linux", target_os = "android"))]
        Address::AbstractUnpadded(name) => abstract_socket(name, 0).await,
        #[allow(unreachable_patterns)]
        _ => Err(io::Error::new(io::ErrorKind::Unsupported, "this system has no sockets of that kind")),
    }
}

/// Connects to an abstract name, padded with NULs up to `padded` bytes.
#[cfg(any(target_os = "linux", target_os = "android"))]
async fn abstract_socket(name: &str, padded: usize) -> io::Result<Box<dyn Stream>> {
    use std::ffi::OsStr;
    use std::os::unix::ffi::OsStrExt;

    let mut path = Vec::with_capacity(padded + 1);
    path.push(0);
    path.extend_from_slice(name.as_bytes());
    path.resize(path.len().max(padded + 1), 0);
    Ok(Box::new(tokio::net::UnixStream::connect(OsStr::from_bytes(&path)).await?))
}

/// Returns the step to wait for, if the error is temporary.
fn busy(error: &io::Error) -> Option<Step> {
    match error.raw_os_error() {
        _ if error.kind() == io::ErrorKind::WouldBlock => Some(QUEUE_FULL),
        Some(EMFILE) if cfg!(unix) => Some(PROCESS_FILES),
        Some(ENFILE) if cfg!(unix) => Some(SYSTEM_FILES),
        _ => None,
    }
}

const QUEUE_FULL: Step = Step::new("connecting: socket is busy, its queue is full", "connection");
const PROCESS_FILES: Step = Step::new("connecting: this process has too many open files", "connection");
const SYSTEM_FILES: Step = Step::new("connecting: this system has too many open files", "connection");

const ENFILE: i32 = 23;
const EMFILE: i32 = 24;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_passes_is_tried_again() {
        assert!(busy(&io::ErrorKind::WouldBlock.into()).is_some());
        assert_eq!(busy(&io::Error::from_raw_os_error(EMFILE)).is_some(), cfg!(unix));
        assert_eq!(busy(&io::Error::from_raw_os_error(ENFILE)).is_some(), cfg!(unix));
        assert!(busy(&io::ErrorKind::ConnectionRefused.into()).is_none());
        assert!(busy(&io::ErrorKind::NotFound.into()).is_none());
    }
}
