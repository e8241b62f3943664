use std::{
    io,
    path::{Path, PathBuf},
    sync::{Arc, Mutex},
};

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{UnixListener, UnixStream},
    task::JoinHandle,
};

/// A socket that passes everything on to another one and keeps the text that clients sent. It stops
/// when it is dropped.
#[derive(Debug)]
pub struct Tap {
    sent: Arc<Mutex<Vec<Conversation>>>,
    task: JoinHandle<()>,
}

/// The text that a client sent on one connection, in parts: between two parts the client waited for
/// a reply.
pub type Conversation = Vec<Vec<u8>>;

impl Tap {
    /// Listens at `path` and connects to the socket at `target`.
    pub fn new(path: impl AsRef<Path>, target: impl Into<PathBuf>) -> Self {
        let (listener, target) = (UnixListener::bind(path).unwrap(), target.into());
        let sent = Arc::<Mutex<Vec<Conversation>>>::default();
        let kept = Arc::clone(&sent);
        let task = tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                let index = {
                    let mut all = kept.lock().unwrap();
                    all.push(Conversation::new());
                    all.len() - 1
                };
                tokio::spawn(relay(client, target.clone(), Arc::clone(&kept), index));
            }
        });
        Self { sent, task }
    }

    /// Returns everything that was sent so far, on any connection.
    pub fn sent(&self) -> String {
        String::from_utf8(self.conversations().concat().concat()).unwrap()
    }

    /// Returns the same text, connection by connection.
    pub fn conversations(&self) -> Vec<Conversation> {
        self.sent.lock().unwrap().clone()
    }
}

impl Drop for Tap {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn relay(
    mut client: UnixStream,
    target: PathBuf,
    sent: Arc<Mutex<Vec<Conversation>>>,
    index: usize,
) -> io::Result<()> {
    let mut haproxy = UnixStream::connect(target).await?;
    let (mut from_client, mut to_client) = client.split();
    let (mut from_haproxy, mut to_haproxy) = haproxy.split();
    let forth = async {
        let mut bytes = vec![0; 32 * 1024];
        loop {
            let read = from_client.read(&mut bytes).await?;
            if read == 0 {
                return Ok(());
            }
            sent.lock().unwrap()[index].push(bytes[..read].to_vec());
            to_haproxy.write_all(&bytes[..read]).await?;
        }
    };
    // The side that closes first ends the connection.
    tokio::select! {
        ended = forth => ended,
        ended = tokio::io::copy(&mut from_haproxy, &mut to_client) => ended.map(drop),
    }
}
