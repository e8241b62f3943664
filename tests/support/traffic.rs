use std::{
    io,
    net::SocketAddr,
    path::{Path, PathBuf},
};

use tokio::{
    io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt},
    net::{TcpStream, UnixStream},
    time,
};

use super::ask::LIMIT;

/// The address on which a frontend listens.
#[derive(Debug, Clone)]
pub enum Address {
    Tcp(SocketAddr),
    Unix(PathBuf),
}

impl From<SocketAddr> for Address {
    fn from(address: SocketAddr) -> Self {
        Self::Tcp(address)
    }
}

impl From<PathBuf> for Address {
    fn from(path: PathBuf) -> Self {
        Self::Unix(path)
    }
}

impl From<&Path> for Address {
    fn from(path: &Path) -> Self {
        Self::Unix(path.to_owned())
    }
}

/// Sends one request on a connection of its own and returns the status.
pub async fn http_get(to: impl Into<Address>, path: &str) -> u16 {
    try_get(to, path).await.unwrap()
}

/// Does the same, and fails if no status comes.
pub async fn try_get(to: impl Into<Address>, path: &str) -> io::Result<u16> {
    let exchange = async {
        let mut stream = send(to.into(), path).await?;
        let mut reply = Vec::new();
        stream.read_to_end(&mut reply).await?;
        Ok::<_, io::Error>(reply)
    };
    let reply = time::timeout(LIMIT, exchange).await??;
    let reply = String::from_utf8_lossy(&reply);
    let status = reply.split_whitespace().nth(1).and_then(|status| status.parse().ok());
    status.ok_or_else(|| io::Error::other(format!("{path} answered {reply:?}")))
}

/// A request under way, until this is dropped.
pub struct Held(#[allow(dead_code, reason = "holds the connection open")] Box<dyn Stream>);

/// Sends a request and keeps its connection open; with the path `/hold` no answer comes.
///
/// HAProxy may not have read the request yet when this returns: wait for the figure that the test
/// is about, with [`until`](super::until).
pub async fn hold(to: impl Into<Address>, path: &str) -> Held {
    Held(time::timeout(LIMIT, send(to.into(), path)).await.expect("a connection in time").unwrap())
}

async fn send(to: Address, path: &str) -> io::Result<Box<dyn Stream>> {
    let mut stream: Box<dyn Stream> = match to {
        Address::Tcp(address) => Box::new(TcpStream::connect(address).await?),
        Address::Unix(path) => Box::new(UnixStream::connect(path).await?),
    };
    let request = format!("GET {path} HTTP/1.1\r\nHost: test\r\nConnection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).await?;
    Ok(stream)
}

trait Stream: AsyncRead + AsyncWrite + Unpin + Send {}

impl<T: AsyncRead + AsyncWrite + Unpin + Send> Stream for T {}
