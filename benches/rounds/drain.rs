use std::path::{Path, PathBuf};
use std::sync::Arc;

use futures::StreamExt as _;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::UnixStream;

/// The way in which bare sockets are read at the same time.
#[derive(Clone, Copy)]
pub(crate) enum Drain {
    /// A task for each socket, so that the threads of the runtime share them.
    Tasks,
    /// One task for all sockets.
    OneTask,
}

/// Connections that are open at a time, as many as a cluster opens.
const PARALLEL: usize = 256;

/// Bytes of a read, as many as this crate reads at a time.
const BUFFER: usize = 32 * 1024;

/// Sends a line to all sockets at the same time, reads the replies and throws them away. Returns the
/// number of bytes.
pub(crate) async fn drain(sockets: &[PathBuf], line: &str, way: Drain) -> usize {
    let line: Arc<str> = format!("{line}\n").into();
    let each = sockets.iter().cloned().map(|socket| discard(socket, Arc::clone(&line)));
    let each = futures::stream::iter(each);
    let add = |sum, bytes| async move { sum + bytes };
    match way {
        Drain::Tasks => {
            let spawned = each.map(|one| async move { tokio::spawn(one).await.unwrap() });
            spawned.buffer_unordered(PARALLEL).fold(0, add).await
        }
        Drain::OneTask => each.buffer_unordered(PARALLEL).fold(0, add).await,
    }
}

/// Sends a line to one socket, and reads its reply.
pub(crate) async fn exchange(socket: &Path, line: &str) -> usize {
    discard(socket.to_owned(), format!("{line}\n").into()).await
}

async fn discard(socket: PathBuf, line: Arc<str>) -> usize {
    let mut stream = UnixStream::connect(socket).await.unwrap();
    stream.write_all(line.as_bytes()).await.unwrap();
    let (mut buffer, mut bytes) = (vec![0; BUFFER], 0);
    loop {
        match stream.read(&mut buffer).await.unwrap() {
            0 => return bytes,
            read => bytes += read,
        }
    }
}

/// Sends bytes to a socket, and keeps the reply.
pub(crate) async fn keep(socket: &Path, bytes: &[u8]) -> Vec<u8> {
    let mut stream = UnixStream::connect(socket).await.unwrap();
    stream.write_all(bytes).await.unwrap();
    let mut reply = Vec::with_capacity(BUFFER);
    while stream.read_buf(&mut reply).await.unwrap() > 0 {
        reply.reserve(BUFFER);
    }
    reply
}
