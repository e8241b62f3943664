use std::io;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use futures::future::{BoxFuture, Either, select};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpListener;

#[cfg(unix)]
use tokio::net::{UnixListener, UnixStream};
use tokio::sync::oneshot;
use tokio::task::{JoinHandle, JoinSet};

use crate::Address;
use crate::level::Level;

/// A connection over any kind of socket.
pub(in crate::fake) trait Stream: AsyncRead + AsyncWrite + Send + Unpin {}

impl<T: AsyncRead + AsyncWrite + Send + Unpin> Stream for T {}

/// A process that answers at sockets.
pub(in crate::fake) trait Host: Send + Sync + 'static {
    /// Serves one client until its connection ends.
    fn serve(self: Arc<Self>, stream: Box<dyn Stream>, level: Level) -> BoxFuture<'static, ()>;
}

/// A socket of a fake process, open until it is dropped.
pub(in crate::fake) struct Socket {
    address: Address,
    /// Removed on drop.
    file: Option<PathBuf>,
    /// Dropping the sender ends the task.
    running: Option<(oneshot::Sender<()>, JoinHandle<()>)>,
}

impl Socket {
    pub(in crate::fake) async fn listen(
        address: &Address,
        level: Level,
        is_exposed: bool,
        host: &Arc<impl Host>,
    ) -> io::Result<Self> {
        let (listener, address, file) = match address {
            Address::Tcp { host, port } => {
                let listener = bind_tcp(host, *port, is_exposed).await?;
                let address = listener.local_addr()?.into();
                (Listening::Tcp(listener), address, None)
            }
            #[cfg(unix)]
            Address::Unix(path) => {
                let listener = bind_unix(path).await?;
                (Listening::Unix(listener), address.clone(), Some(path.clone()))
            }
            _ => return Err(io::Error::other("a fake has no sockets of that kind")),
        };
        let (stop, stopped) = oneshot::channel();
        let task = tokio::spawn(accept(listener, level, Arc::clone(host), stopped));
        Ok(Self { address, file, running: Some((stop, task)) })
    }

    pub(in crate::fake) fn address(&self) -> &Address {
        &self.address
    }

    /// Closes the socket and all its connections.
    pub(in crate::fake) async fn end(&mut self) {
        if let Some((stop, task)) = self.running.take() {
            drop(stop);
            // The task neither panics nor is aborted here, and it has ended in either case.
            let _ = task.await;
        }
    }

    pub(in crate::fake) fn keep_file(&mut self) {
        self.file = None;
    }
}

impl Drop for Socket {
    fn drop(&mut self) {
        if let Some((_, task)) = &self.running {
            task.abort();
        }
        if let Some(file) = &self.file {
            let _ = std::fs::remove_file(file);
        }
    }
}

enum Listening {
    Tcp(TcpListener),
    #[cfg(unix)]
    Unix(UnixListener),
}

impl Listening {
    async fn accept(&self) -> io::Result<Box<dyn Stream>> {
        Ok(match self {
            Self::Tcp(listener) => Box::new(listener.accept().await?.0),
            #[cfg(unix)]
            Self::Unix(listener) => Box::new(listener.accept().await?.0),
        })
    }
}

/// Accepts and serves clients until `stop` is dropped.
async fn accept(listener: Listening, level: Level, host: Arc<impl Host>, mut stop: oneshot::Receiver<()>) {
    // Dropping the set ends the connections in it.
    let mut connections = JoinSet::new();
    loop {
        match select(pin!(listener.accept()), &mut stop).await {
            Either::Left((Ok(stream), _)) => {
                connections.spawn(Arc::clone(&host).serve(stream, level));
            }
            // Usually no descriptors are left; some may be free soon.
            Either::Left((Err(_), _)) => tokio::time::sleep(Duration::from_millis(10)).await,
            Either::Right(_) => break,
        }
        while connections.try_join_next().is_some() {}
    }
    connections.shutdown().await;
}

async fn bind_tcp(host: &str, port: u16, is_exposed: bool) -> io::Result<TcpListener> {
    let addresses: Vec<SocketAddr> = tokio::net::lookup_host((host, port)).await?.collect();
    if !is_exposed && addresses.iter().any(|address| !address.ip().is_loopback()) {
        return Err(io::Error::other("it can be reached from elsewhere; `exposed` permits that"));
    }
    TcpListener::bind(addresses.as_slice()).await
}

/// Binds a path. A socket file that a dead process left there is replaced.
#[cfg(unix)]
async fn bind_unix(path: &std::path::Path) -> io::Result<UnixListener> {
    use std::os::unix::fs::FileTypeExt;

    match UnixListener::bind(path) {
        Err(error) if error.kind() == io::ErrorKind::AddrInUse => {
            let is_socket = std::fs::metadata(path)?.file_type().is_socket();
            let refused = |error: &io::Error| error.kind() == io::ErrorKind::ConnectionRefused;
            if !is_socket || !UnixStream::connect(path).await.as_ref().is_err_and(refused) {
                return Err(error);
            }
            std::fs::remove_file(path)?;
            UnixListener::bind(path)
        }
        bound => bound,
    }
}
