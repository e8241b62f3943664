use std::io;
use std::pin::pin;
use std::sync::Arc;

use futures::future::{BoxFuture, Either, select};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::sync::watch;

use super::reply::{Followed, Reply};
use super::shared::Shared;
use super::socket::{Host, Stream};
use super::{reply, request};
use crate::fake::command::Session;
use crate::fake::describe::{Fault, Follow};
use crate::level::Level;

impl Host for Shared {
    fn serve(self: Arc<Self>, mut stream: Box<dyn Stream>, level: Level) -> BoxFuture<'static, ()> {
        let connection = self.state().connect();
        Box::pin(async move {
            // An I/O error means that the client is gone, so the result is ignored.
            let _ = converse(&mut *stream, Vec::new(), Session::new(connection, level), &self).await;
        })
    }
}

/// The end of a conversation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::fake) enum End {
    /// The process ended it. Whatever else the client has sent is discarded.
    Process,
    /// The client ended it, or a fault did.
    Connection,
}

/// Answers one client, which has already sent `held`.
pub(in crate::fake) async fn converse(
    stream: &mut dyn Stream,
    mut held: Vec<u8>,
    mut session: Session,
    shared: &Shared,
) -> io::Result<End> {
    let mut is_read = !held.is_empty();
    loop {
        if !is_read && stream.read_buf(&mut held).await? == 0 {
            return Ok(End::Connection);
        }
        is_read = false;
        let version = shared.state().process.version.clone();
        let text = String::from_utf8_lossy(&held).into_owned();
        let (requests, rest) = request::requests(&text, &version);
        let mut lengths = request::lengths(&requests, rest);
        let refusal = lengths.find_map(|(line, payload)| reply::to_too_much(&version, line, payload));
        if let Some(refusal) = refusal {
            stream.write_all(refusal.as_bytes()).await?;
            return Ok(End::Process);
        }
        if requests.is_empty() {
            continue;
        }
        let mut paused = shared.paused.subscribe();
        // The sender lives in `shared`, so waiting cannot fail.
        let _ = paused.wait_for(|paused| !paused).await;

        let mut added = shared.added.subscribe();
        let Reply { text, closes, follows, fault } =
            reply::to_requests(&mut shared.state(), &mut session, &requests);
        match fault {
            None => stream.write_all(text.as_bytes()).await?,
            Some(fault) => {
                fail(stream, fault, text.as_bytes()).await?;
                return Ok(End::Connection);
            }
        }
        if let Some(Followed { follow, rest: behind }) = follows {
            // Up to 3.0 the rest of the line counts as a line of the client.
            let is_over = !behind.is_empty() && version < (3, 2);
            let mut rest = rest.as_bytes().to_vec();
            if !is_over && !print(stream, &mut rest, follow, shared, &mut added).await? {
                return Ok(End::Connection);
            }
            stream.write_all(b"\n").await?;
            held = if is_over { Vec::new() } else { behind.into_bytes() };
            if !held.is_empty() {
                held.push(b'\n');
            } else if session.has_prompt() {
                stream.write_all(b"> ").await?;
            } else if !session.is_interactive() {
                return Ok(End::Process);
            }
            held.append(&mut rest);
            is_read = !held.is_empty();
            continue;
        }
        // Up to 2.6, a client that has begun another line may finish it.
        if closes || rest.is_empty() && !session.is_interactive() {
            return Ok(End::Process);
        }
        held = rest.as_bytes().to_vec();
    }
}

/// Prints the events of a ring as they are added, until the client sends a line. Returns `false` if
/// the connection has ended, or if the process does not have the ring any more.
async fn print(
    stream: &mut dyn Stream,
    held: &mut Vec<u8>,
    mut follow: Follow,
    shared: &Shared,
    added: &mut watch::Receiver<u64>,
) -> io::Result<bool> {
    loop {
        let text = {
            let state = shared.state();
            let version = &state.process.version;
            let end = held.iter().position(|&byte| byte == b'\n').map(|end| end + 1);
            // 2.6 reads no line while it prints.
            if let Some(end) = end.filter(|_| *version < (2, 4) || *version >= (3, 0)) {
                held.drain(..end);
                return Ok(true);
            }
            follow.read(&state.process.rings)
        };
        let Some(text) = text else { return Ok(false) };
        stream.write_all(text.as_bytes()).await?;
        match select(pin!(stream.read_buf(held)), pin!(added.changed())).await {
            Either::Left((Ok(1..), _)) | Either::Right((Ok(()), _)) => {}
            Either::Left((Err(error), _)) => return Err(error),
            _ => return Ok(false),
        }
    }
}

/// Sends the reply with a fault. The connection is closed afterwards.
pub(in crate::fake) async fn fail(stream: &mut dyn Stream, fault: Fault, reply: &[u8]) -> io::Result<()> {
    match fault {
        // Reads until the client closes the connection.
        Fault::Hang => while stream.read(&mut [0; 1024]).await? > 0 {},
        Fault::Close | Fault::CloseUnexecuted => {}
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
