use std::{io, path::Path, time::Duration};

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::UnixStream,
    time,
};

/// Returns the reply of a stats socket to one line, up to the end of the connection.
pub async fn ask(socket: impl AsRef<Path>, line: &str) -> Vec<u8> {
    let socket = socket.as_ref();
    match try_ask(socket, line).await {
        Ok(reply) => reply,
        Err(error) => panic!("{line:?} on {}: {error}", socket.display()),
    }
}

/// The same as [`ask`], for a socket that may not answer.
pub async fn try_ask(socket: impl AsRef<Path>, line: &str) -> io::Result<Vec<u8>> {
    let exchange = async {
        let mut stream = UnixStream::connect(socket).await?;
        stream.write_all(format!("{line}\n").as_bytes()).await?;
        let mut reply = Vec::new();
        stream.read_to_end(&mut reply).await?;
        Ok(reply)
    };
    time::timeout(LIMIT, exchange).await.unwrap_or_else(|_| Err(io::ErrorKind::TimedOut.into()))
}

/// Repeats `attempt` until it returns a value; panics with `what` if it returns no value in time.
pub async fn until<T>(what: &str, mut attempt: impl AsyncFnMut() -> Option<T>) -> T {
    let tries = async {
        loop {
            if let Some(value) = attempt().await {
                return value;
            }
            time::sleep(PAUSE).await;
        }
    };
    let outcome = time::timeout(LIMIT, tries).await;
    outcome.unwrap_or_else(|_| panic!("not within {} s: {what}", LIMIT.as_secs()))
}

/// A limit that no operation here reaches, even on a busy machine.
pub(super) const LIMIT: Duration = Duration::from_secs(30);

/// Pause between two attempts.
pub(super) const PAUSE: Duration = Duration::from_millis(10);
