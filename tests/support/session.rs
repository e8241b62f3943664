use std::{io, path::Path};

use tokio::{
    io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader},
    net::{UnixListener, UnixStream},
    task::JoinHandle,
};

/// A socket in front of a process that accepts no connections any more. All commands go over one
/// connection, which was opened before. It stops when it is dropped, and its file stays.
#[derive(Debug)]
pub struct Session(JoinHandle<()>);

impl Session {
    /// Opens the connection to the socket at `target` and listens at `path`.
    pub async fn open(path: impl AsRef<Path>, target: impl AsRef<Path>) -> Self {
        let mut haproxy = UnixStream::connect(target).await.unwrap();
        haproxy.write_all(b"prompt\n").await.unwrap();
        answer(&mut haproxy).await.unwrap();
        let listener = UnixListener::bind(path).unwrap();
        Self(tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                // A client that is gone does not end the session.
                let _ = serve(client, &mut haproxy).await;
            }
        }))
    }
}

impl Drop for Session {
    fn drop(&mut self) {
        self.0.abort();
    }
}

async fn serve(client: UnixStream, haproxy: &mut UnixStream) -> io::Result<()> {
    let mut client = BufReader::new(client);
    let mut line = String::new();
    client.read_line(&mut line).await?;
    // Some releases print the prompt once for each command, others once for each line.
    for command in line.trim_end().split(';') {
        haproxy.write_all(format!("{command}\n").as_bytes()).await?;
        let reply = answer(haproxy).await?;
        client.write_all(&reply).await?;
    }
    Ok(())
}

/// Returns the text before the prompt that asks for the next command.
async fn answer(haproxy: &mut UnixStream) -> io::Result<Vec<u8>> {
    const MARK: &[u8] = b"\n> ";
    let mut reply = Vec::new();
    while !reply.ends_with(MARK) {
        if haproxy.read_buf(&mut reply).await? == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
    }
    reply.truncate(reply.len() - MARK.len() + 1);
    Ok(reply)
}
