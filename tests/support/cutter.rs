use std::{
    io,
    path::{Path, PathBuf},
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
};

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{UnixListener, UnixStream},
    task::JoinHandle,
};

/// A socket that passes everything on to another one, and hangs up within the reply to certain
/// commands. It stops when it is dropped.
#[derive(Debug)]
pub struct Cutter {
    bytes: Arc<AtomicUsize>,
    task: JoinHandle<()>,
}

impl Cutter {
    /// Listens at `path` and connects to the listener at `target`. Replies to commands that contain
    /// `command` are cut.
    pub fn new(path: impl AsRef<Path>, target: impl Into<PathBuf>, command: &'static str) -> Self {
        let (listener, target) = (UnixListener::bind(path).unwrap(), target.into());
        let bytes = Arc::new(AtomicUsize::new(usize::MAX));
        let most = Arc::clone(&bytes);
        let task = tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                tokio::spawn(relay(client, target.clone(), command, most.load(Ordering::SeqCst)));
            }
        });
        Self { bytes, task }
    }

    /// From now on, passes on only so many bytes of each such reply.
    pub fn cut_behind(&self, bytes: usize) {
        self.bytes.store(bytes, Ordering::SeqCst);
    }
}

impl Drop for Cutter {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn relay(mut client: UnixStream, target: PathBuf, command: &str, most: usize) -> io::Result<()> {
    let mut haproxy = UnixStream::connect(target).await?;
    let mut line = vec![0; 32 * 1024];
    let read = client.read(&mut line).await?;
    haproxy.write_all(&line[..read]).await?;
    let is_cut = String::from_utf8_lossy(&line[..read]).contains(command);
    let most = if is_cut { most } else { usize::MAX };
    let (mut from_client, mut to_client) = client.split();
    let (mut from_haproxy, mut to_haproxy) = haproxy.split();
    let back = async {
        let mut reply = (&mut from_haproxy).take(most as u64);
        tokio::io::copy(&mut reply, &mut to_client).await
    };
    // The side that closes first ends the connection.
    tokio::select! {
        ended = tokio::io::copy(&mut from_client, &mut to_haproxy) => ended.map(drop),
        ended = back => ended.map(drop),
    }
}
