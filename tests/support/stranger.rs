use std::{
    fs,
    os::unix::net::{UnixDatagram, UnixListener as StdListener},
    path::Path,
};

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{UnixListener, UnixStream},
    task::JoinHandle,
};

/// A socket of another program than HAProxy. It stops when it is dropped, and its file stays.
#[derive(Debug)]
pub struct Stranger(JoinHandle<()>);

impl Stranger {
    /// Answers with these bytes to the first text that it reads, and closes.
    pub fn answers(path: impl AsRef<Path>, reply: impl Into<Vec<u8>>) -> Self {
        Self::listen(path.as_ref(), Manner::Answer(reply.into()))
    }

    /// Accepts connections and never answers.
    pub fn is_silent(path: impl AsRef<Path>) -> Self {
        Self::listen(path.as_ref(), Manner::Silence)
    }

    /// Accepts connections and closes them.
    pub fn hangs_up(path: impl AsRef<Path>) -> Self {
        Self::listen(path.as_ref(), Manner::HangUp)
    }

    fn listen(path: &Path, manner: Manner) -> Self {
        let listener = UnixListener::bind(path).unwrap();
        Self(tokio::spawn(async move {
            let mut silent = Vec::new();
            while let Ok((mut stream, _)) = listener.accept().await {
                match &manner {
                    Manner::Answer(reply) => answer(&mut stream, reply).await,
                    Manner::Silence => silent.push(stream),
                    Manner::HangUp => {}
                }
            }
        }))
    }
}

impl Drop for Stranger {
    fn drop(&mut self) {
        self.0.abort();
    }
}

/// Leaves the file of a socket on which no program listens.
pub fn stale(path: impl AsRef<Path>) {
    drop(StdListener::bind(path).unwrap());
}

/// Makes a socket that takes datagrams until the result is dropped.
pub fn datagram(path: impl AsRef<Path>) -> UnixDatagram {
    UnixDatagram::bind(path).unwrap()
}

/// Makes a plain file with the name of a socket.
pub fn plain_file(path: impl AsRef<Path>) {
    fs::write(path, "not a socket\n").unwrap();
}

#[derive(Debug)]
enum Manner {
    Answer(Vec<u8>),
    Silence,
    HangUp,
}

async fn answer(stream: &mut UnixStream, reply: &[u8]) {
    if matches!(stream.read(&mut [0; 4096]).await, Ok(1..)) {
        let _ = stream.write_all(reply).await;
    }
}
