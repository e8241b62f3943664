use std::io;
use std::sync::Arc;

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};

use super::reply::Reply;
use super::shared::Shared;
use super::{reply, request};
use crate::fake::command::Session;
use crate::fake::describe::Fault;
use crate::level::Level;

/// A connection over any kind of socket.
pub(in crate::fake) trait Stream: AsyncRead + AsyncWrite + Send + Unpin {}

impl<T: AsyncRead + AsyncWrite + Send + Unpin> Stream for T {}

/// Serves one client until its connection ends.
pub(in crate::fake) async fn serve(stream: Box<dyn Stream>, level: Level, shared: Arc<Shared>) {
    // An I/O error means that the client is gone, so the result is ignored.
    let _ = talk(stream, level, &shared).await;
}

async fn talk(mut stream: Box<dyn Stream>, level: Level, shared: &Shared) -> io::Result<()> {
    let mut held = Vec::new();
    let mut session = Session::new(level);
    loop {
        if stream.read_buf(&mut held).await? == 0 {
            return Ok(());
        }
        let version = shared.state().process.version.clone();
        let text = String::from_utf8_lossy(&held).into_owned();
        let (requests, rest) = request::requests(&text, &version);
        let mut lengths = request::lengths(&requests, rest);
        let refusal = lengths.find_map(|(line, payload)| reply::to_too_much(&version, line, payload));
        if let Some(refusal) = refusal {
            return stream.write_all(refusal.as_bytes()).await;
        }
        if requests.is_empty() {
            continue;
        }
        let mut paused = shared.paused.subscribe();
        // The sender lives in `shared`, so waiting cannot fail.
        let _ = paused.wait_for(|paused| !paused).await;

        let (Reply { text, closes }, fault) = {
            let mut state = shared.state();
            (reply::to_requests(&mut state, &mut session, &requests), state.fault.clone())
        };
        match fault {
            None => stream.write_all(text.as_bytes()).await?,
            Some(fault) => return fail(stream, fault, text.as_bytes()).await,
        }
        // Up to 2.6, a client that has begun another line may finish it.
        if closes || rest.is_empty() && !session.is_interactive {
            return Ok(());
        }
        held = rest.as_bytes().to_vec();
    }
}

/// Sends the reply with a fault, and closes the connection.
async fn fail(mut stream: Box<dyn Stream>, fault: Fault, reply: &[u8]) -> io::Result<()> {
    match fault {
        // Reads until the client closes the connection.
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
