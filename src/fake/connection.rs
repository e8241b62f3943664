use std::io;
use std::sync::Arc;

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};

use super::Fault;
use super::reply::{self, Reply};
use super::running::Shared;
use crate::model::Level;

/// A connection, of whatever kind.
pub(super) trait Stream: AsyncRead + AsyncWrite + Send + Unpin {}

impl<T: AsyncRead + AsyncWrite + Send + Unpin> Stream for T {}

/// Answers one client, and closes.
pub(super) async fn serve(stream: Box<dyn Stream>, level: Level, shared: Arc<Shared>) {
    // A client that has gone away is none to tell about.
    let _ = talk(stream, level, &shared).await;
}

async fn talk(mut stream: Box<dyn Stream>, level: Level, shared: &Shared) -> io::Result<()> {
    let mut held = Vec::new();
    loop {
        if stream.read_buf(&mut held).await? == 0 {
            return Ok(());
        }
        let first = held.iter().position(|&byte| byte == b'\n');
        if first.unwrap_or(held.len()) >= LONGEST_LINE {
            let refusal = reply::to_long_line(&shared.state().process.version);
            return stream.write_all(refusal.as_bytes()).await;
        }
        let Some(last) = held.iter().rposition(|&byte| byte == b'\n') else { continue };
        let rest = held.split_off(last + 1);

        let mut paused = shared.paused.subscribe();
        // The sender is in `shared`, so that there is always an answer.
        let _ = paused.wait_for(|paused| !paused).await;

        let (Reply { text, closes }, fault) = {
            let state = shared.state();
            (reply::to_lines(&state, level, &String::from_utf8_lossy(&held)), state.fault.clone())
        };
        match fault {
            None => stream.write_all(text.as_bytes()).await?,
            Some(fault) => return fail(stream, fault, text.as_bytes()).await,
        }
        // Up to 2.6, who has begun another line may end it.
        if closes || rest.is_empty() {
            return Ok(());
        }
        held = rest;
    }
}

/// Gives the reply in the way of `fault`, and closes.
async fn fail(mut stream: Box<dyn Stream>, fault: Fault, reply: &[u8]) -> io::Result<()> {
    match fault {
        // Until the client has had enough.
        Fault::Hang => while stream.read(&mut [0; 1024]).await? > 0 {},
        Fault::Close => {}
        Fault::Cut(length) => stream.write_all(reply.get(..length).unwrap_or(reply)).await?,
        Fault::Dribble { bytes, pause } => {
            for piece in reply.chunks(bytes.max(1)) {
                stream.write_all(piece).await?;
                stream.flush().await?;
                tokio::time::sleep(pause).await;
            }
        }
        Fault::Answer(bytes) => stream.write_all(&bytes).await?,
    }
    Ok(())
}

/// Bytes that a line may have, without its end: `tune.bufsize`.
const LONGEST_LINE: usize = 16_384;
