use std::io;
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::time::timeout;

use super::deadline::{Deadline, RECEIVE, SEND};
use super::parsing_time::Spent;
use crate::error::{Error, Problem, Result};
use crate::protocol;
use crate::protocol::{Next, ReplyReader};

/// Numbers of bytes sent and received, also for an exchange that failed.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct ByteCounts {
    pub(super) sent: usize,
    pub(super) received: usize,
}

/// Sends `line` and feeds all received bytes to `sink`, until the peer closes or `sink` stops.
///
/// While a reply is received, the time that the sinks of the cluster need does not count as time of the command. It
/// extends the command to at most twice its limit.
///
/// The sending side stays open until the end, because the command `wait` treats a shutdown of
/// the sending side as an interruption.
pub(super) async fn exchange<T, S>(
    stream: &mut T,
    line: &[u8],
    deadline: &Deadline,
    traffic: &mut ByteCounts,
    spent: Spent<'_>,
    sink: &mut S,
) -> Result<()>
where
    T: AsyncRead + AsyncWrite + Unpin + ?Sized,
    S: ReplyReader + ?Sized,
{
    let unsent = send(stream, line, deadline, &mut traffic.sent).await?.err();
    let broken = match receive(stream, deadline, traffic, spent, sink).await? {
        Ended::Stopped => return Ok(()),
        Ended::Closed => None,
        Ended::Broken(error) => Some(error),
    };
    match (traffic.received, unsent, broken) {
        (0, None, None) => Err(Error::new(Problem::Closed)),
        (0, Some(error), _) | (0, None, Some(error)) if is_gone(&error) => Err(Error::new(Problem::Closed)),
        (0, Some(error), _) | (_, None, Some(error)) => Err(Error::new(Problem::Io(error.into()))),
        // HAProxy explains why it stopped reading, and closes: its message is the answer. It
        // executed nothing, because the end of the line was never sent.
        (_, Some(_), _) | (_, None, None) => Ok(()),
    }
}

/// Sends the rest of `line`. The outer result is the result of the limits, and the inner result is
/// the result of the connection.
pub(super) async fn send<T>(
    stream: &mut T,
    line: &[u8],
    deadline: &Deadline,
    sent: &mut usize,
) -> Result<io::Result<()>>
where
    T: AsyncWrite + Unpin + ?Sized,
{
    while let Some(rest) = line.get(*sent..).filter(|rest| !rest.is_empty()) {
        match deadline.timeout(SEND, deadline.limits().idle_timeout, stream.write(rest)).await? {
            Ok(0) => return Ok(Err(io::ErrorKind::WriteZero.into())),
            Ok(more) => *sent += more,
            Err(error) => return Ok(Err(error)),
        }
    }
    Ok(Ok(()))
}

async fn receive<T, S>(
    stream: &mut T,
    deadline: &Deadline,
    traffic: &mut ByteCounts,
    mut spent: Spent<'_>,
    sink: &mut S,
) -> Result<Ended>
where
    T: AsyncRead + AsyncWrite + Unpin + ?Sized,
    S: ReplyReader + ?Sized,
{
    let limit = deadline.limits().max_reply_size;
    let mut buffer = Vec::with_capacity(FIRST_BUFFER);
    let mut refused = false;
    let mut pause = None;
    let mut extension = Duration::ZERO;
    loop {
        if buffer.len() == buffer.capacity() && buffer.capacity() < BUFFER {
            buffer = Vec::with_capacity(BUFFER);
        }
        buffer.clear();
        let extended = deadline.later(extension);
        let read = extended.timeout(RECEIVE, deadline.limits().idle_timeout, stream.read_buf(&mut buffer));
        let waited = match pause {
            None => Some(read.await),
            Some(limit) => timeout(limit, read).await.ok(),
        };
        let read = match waited {
            Some(Err(error)) => {
                let longer = spent.time().min(deadline.limits().command_timeout);
                if extended.is_over() && longer >= extension + LEAST_EXTENSION {
                    extension = longer;
                    continue;
                }
                return Err(error);
            }
            Some(Ok(read)) => Some(read),
            None => None,
        };
        pause = None;
        match read {
            // Nothing arrived during a pause.
            None => {}
            Some(Ok(0)) => return Ok(Ended::Closed),
            Some(Ok(read)) => traffic.received += read,
            Some(Err(_)) if refused => return Ok(Ended::Closed),
            Some(Err(error)) => return Ok(Ended::Broken(error)),
        }
        if traffic.received > limit {
            return Err(Error::new(Problem::TooLarge { limit }));
        }
        refused = traffic.received == buffer.len() && protocol::is_refusal(&buffer);
        let flow = spent.count(|| sink.feed(&buffer))?;
        if flow == Next::Stop {
            return Ok(Ended::Stopped);
        }
        match flow {
            Next::More | Next::Stop => {}
            Next::Pause(limit) => pause = Some(limit),
            Next::Send(bytes) => {
                let mut taken = 0;
                // If the peer is gone, the bytes that it sent before are still read.
                let _ = send(stream, bytes, &deadline.later(extension), &mut taken).await?;
                traffic.sent += taken;
            }
        }
    }
}

/// End of receiving.
enum Ended {
    Stopped,
    Closed,
    Broken(io::Error),
}

/// Returns `true` if the error means that the peer is gone. A process that is killed before it
/// reads the command resets the connection; a process that has read the command closes it.
pub(super) fn is_gone(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::BrokenPipe
            | io::ErrorKind::ConnectionReset
            | io::ErrorKind::ConnectionAborted
            | io::ErrorKind::NotConnected
            | io::ErrorKind::WriteZero
    )
}

/// Shortest time for which a command goes on after its time was up.
const LEAST_EXTENSION: Duration = Duration::from_millis(10);

/// Size of the first buffer: room for a report without rows. Most replies are shorter.
const FIRST_BUFFER: usize = 8 * 1024;

/// Size of the buffers after the first one is full: twice the number of bytes that HAProxy sends at once
/// (`tune.bufsize`).
const BUFFER: usize = 32 * 1024;

#[cfg(test)]
mod tests {
    use tokio::io::{DuplexStream, duplex};
    use tokio::time::{Instant, sleep};
    use tokio_test::io::Builder;

    use super::*;
    use crate::transport::limits::Limits;

    /// Keeps the bytes, and stops when they end with `stop`.
    struct Kept {
        bytes: Vec<u8>,
        stop: &'static [u8],
    }

    impl ReplyReader for Kept {
        fn feed(&mut self, bytes: &[u8]) -> Result<Next> {
            self.bytes.extend_from_slice(bytes);
            let stop = !self.stop.is_empty() && self.bytes.ends_with(self.stop);
            Ok(if stop { Next::Stop } else { Next::More })
        }
    }

    /// Sends `a`, and returns the reply and the result of the exchange.
    async fn outcome(stream: impl AsyncRead + AsyncWrite + Unpin, limits: Limits) -> (String, String) {
        outcome_until(stream, limits, b"").await
    }

    async fn outcome_until(
        mut stream: impl AsyncRead + AsyncWrite + Unpin,
        limits: Limits,
        stop: &'static [u8],
    ) -> (String, String) {
        let mut sink = Kept { bytes: Vec::new(), stop };
        let mut traffic = ByteCounts::default();
        let deadline = Deadline::new(limits);
        let result =
            exchange(&mut stream, b"a\n", &deadline, &mut traffic, Spent::new(None), &mut sink).await;
        let ended = result.map_or_else(|error| error.to_string(), |()| "ok".to_owned());
        (String::from_utf8(sink.bytes).unwrap(), ended)
    }

    fn ended(bytes: &str, how: &str) -> (String, String) {
        (bytes.to_owned(), how.to_owned())
    }

    /// The far end of a connection: reads the command, then runs `answer`.
    fn peer<F: Future<Output = ()> + Send + 'static>(
        answer: impl FnOnce(DuplexStream) -> F + Send + 'static,
    ) -> DuplexStream {
        let (near, mut far) = duplex(64);
        tokio::spawn(async move {
            let mut command = [0; 2];
            far.read_exact(&mut command).await.unwrap();
            assert_eq!(&command, b"a\n");
            answer(far).await;
        });
        near
    }

    #[tokio::test]
    async fn a_reply_is_the_same_however_it_is_split() {
        let reply = "# pxname,svname,\nfe,FRONTEND,\n\n";
        for size in 1..=reply.len() {
            let mut builder = Builder::new();
            builder.write(b"a\n");
            for chunk in reply.as_bytes().chunks(size) {
                builder.read(chunk);
            }
            assert_eq!(outcome(builder.build(), Limits::new()).await, ended(reply, "ok"));
        }
    }

    #[tokio::test]
    async fn a_command_may_be_taken_in_pieces() {
        let stream = Builder::new().write(b"a").write(b"\n").read(b"\n").build();
        assert_eq!(outcome(stream, Limits::new()).await, ended("\n", "ok"));
    }

    #[tokio::test]
    async fn an_end_without_a_byte_is_closed() {
        let stream = Builder::new().write(b"a\n").build();
        assert_eq!(outcome(stream, Limits::new()).await, ended("", "closed without an answer"));
        let reset = io::ErrorKind::ConnectionReset.into();
        let stream = Builder::new().write(b"a\n").read_error(reset).build();
        assert_eq!(outcome(stream, Limits::new()).await, ended("", "closed without an answer"));
        let stream = Builder::new().write_error(io::ErrorKind::BrokenPipe.into()).build();
        assert_eq!(outcome(stream, Limits::new()).await, ended("", "closed without an answer"));
    }

    #[tokio::test]
    async fn a_reset_within_a_reply_is_an_error() {
        let reset = io::Error::new(io::ErrorKind::ConnectionReset, "reset");
        let stream = Builder::new().write(b"a\n").read(b"fe,\n\n").read_error(reset).build();
        assert_eq!(outcome(stream, Limits::new()).await, ended("fe,\n\n", "connection broke: reset"));
    }

    #[tokio::test]
    async fn what_was_said_before_the_command_was_refused_is_read() {
        let text = "The command is too big for the buffer size.\n";
        let stream = Builder::new()
            .write(b"a")
            .write_error(io::ErrorKind::BrokenPipe.into())
            .read(text.as_bytes())
            .read_error(io::ErrorKind::ConnectionReset.into())
            .build();
        assert_eq!(outcome(stream, Limits::new()).await, ended(text, "ok"));
    }

    #[tokio::test]
    async fn what_was_said_before_a_long_command_was_dropped_is_the_reply() {
        let text = "The payload is too big. Please change 'tune.cli.max-payload-size'\n";
        let reset = io::ErrorKind::ConnectionReset.into();
        let stream = Builder::new().write(b"a\n").read(text.as_bytes()).read_error(reset).build();
        assert_eq!(outcome(stream, Limits::new()).await, ended(text, "ok"));
    }

    #[tokio::test(start_paused = true)]
    async fn silence_ends_in_the_progress_limit() {
        let start = Instant::now();
        let stream = peer(async |mut far: DuplexStream| {
            far.write_all(b"fe").await.unwrap();
            sleep(Duration::from_secs(60)).await;
        });
        let limits = Limits::new().with_idle_timeout(Duration::from_secs(3));
        assert_eq!(outcome(stream, limits).await, ended("fe", "receiving: no byte within 3s"));
        assert_eq!(start.elapsed(), Duration::from_secs(3));
    }

    #[tokio::test(start_paused = true)]
    async fn bytes_that_dribble_end_in_the_total_limit() {
        let start = Instant::now();
        let stream = peer(async |mut far: DuplexStream| {
            while far.write_all(b"x").await.is_ok() {
                sleep(Duration::from_secs(2)).await;
            }
        });
        let (bytes, how) = outcome(stream, Limits::new()).await;
        assert_eq!((bytes.as_str(), how.as_str()), ("xxxxx", "receiving: no end of the reply within 10s"));
        assert_eq!(start.elapsed(), Duration::from_secs(10));
    }

    #[tokio::test]
    async fn the_time_that_the_sink_needs_does_not_count() {
        struct Slow(usize);
        impl ReplyReader for Slow {
            fn feed(&mut self, bytes: &[u8]) -> Result<Next> {
                std::thread::sleep(Duration::from_millis(200));
                self.0 += bytes.len();
                Ok(Next::More)
            }
        }
        let mut stream = peer(async |mut far: DuplexStream| far.write_all(&[b'x'; 64 * 6]).await.unwrap());
        let limits = Limits::new().with_command_timeout(Duration::from_secs(1));
        let (deadline, mut sink) = (Deadline::new(limits), Slow(0));
        let (traffic, spent) = (&mut ByteCounts::default(), Spent::new(None));
        exchange(&mut stream, b"a\n", &deadline, traffic, spent, &mut sink).await.unwrap();
        assert_eq!(sink.0, 64 * 6);
    }

    #[tokio::test(start_paused = true)]
    async fn a_peer_that_takes_nothing_ends_in_the_progress_limit() {
        let (near, _far) = duplex(1);
        assert_eq!(outcome(near, Limits::new()).await, ended("", "sending: no byte taken within 5s"));
    }

    #[tokio::test]
    async fn a_reply_over_the_limit_is_an_error() {
        let stream = || Builder::new().write(b"a\n").read(b"123").read(b"45").build();
        let limits = Limits::new().with_max_reply_size(5);
        assert_eq!(outcome(stream(), limits).await, ended("12345", "ok"));
        let limits = Limits::new().with_max_reply_size(4);
        assert_eq!(
            outcome(stream(), limits).await,
            ended("123", "answer is longer than the limit of 4 bytes")
        );
    }

    #[tokio::test(start_paused = true)]
    async fn a_sink_that_has_enough_does_not_wait_for_the_end() {
        let stream = peer(async |mut far: DuplexStream| {
            far.write_all(b"master\n\n").await.unwrap();
            sleep(Duration::from_secs(60)).await;
        });
        let start = Instant::now();
        assert_eq!(outcome_until(stream, Limits::new(), b"\n\n").await, ended("master\n\n", "ok"));
        assert_eq!(start.elapsed(), Duration::ZERO);
    }

    #[tokio::test]
    async fn an_error_of_the_sink_ends_the_exchange() {
        struct Picky;
        impl ReplyReader for Picky {
            fn feed(&mut self, _: &[u8]) -> Result<Next> {
                Err(Error::invalid("no"))
            }
        }
        let (mut near, mut far) = duplex(64);
        far.write_all(b"x").await.unwrap();
        let deadline = Deadline::new(Limits::new());
        let (traffic, spent) = (&mut ByteCounts::default(), Spent::new(None));
        let error = exchange(&mut near, b"a\n", &deadline, traffic, spent, &mut Picky).await.unwrap_err();
        assert_eq!(error.to_string(), "no");
    }
}
