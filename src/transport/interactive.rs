mod prompt;
mod receiving;
mod repetition;

use std::pin::pin;
use std::time::Duration;

use futures::FutureExt as _;
use futures::future::{Either, join, select};
use tokio::io::{ReadHalf, WriteHalf, split};

use prompt::Prompt;
use receiving::{receive, receive_all};
use repetition::Repetition;

use super::connect::Stream;
use super::deadline::Deadline;
use super::permits::{Permit, Reachability};
use super::{drain, exchange};
use crate::address::WorkerId;
use crate::error::{Error, Problem, Result};
use crate::excerpt::excerpt_of_bytes;
use crate::protocol::Request;

/// A connection in interactive mode (`prompt`). Several command lines, one after the other,
/// reach the one process that accepted the connection.
///
/// Commands use it if the caller must know which process executes them. The process cannot exit
/// after a reload while the connection is open, so the caller closes the connection as soon as
/// the operation is over. Use it only for commands with short replies: a dump may contain text
/// that looks like a prompt.
pub(crate) struct Interactive<'a> {
    reader: ReadHalf<Box<dyn Stream>>,
    writer: WriteHalf<Box<dyn Stream>>,
    /// Bytes received after the last prompt.
    received: Vec<u8>,
    prompt: Prompt,
    reachability: &'a Reachability,
    permit: Permit<'a>,
    /// True while replies are missing.
    is_waiting: bool,
    /// True if the last lines were sent to their end.
    is_sent: bool,
    /// True if nothing more is sent: HAProxy has closed, or later bytes may be the reply to an earlier line.
    is_over: bool,
}

/// Replies to one or more command lines.
#[derive(Debug)]
pub(crate) struct Replies {
    /// Reply to each line, in order. If the connection failed, the last replies are missing.
    pub(crate) texts: Vec<Vec<u8>>,
    /// Number of bytes that were sent.
    pub(crate) sent: usize,
    /// Number of times that the end of a payload was sent again. Each of them may be a command with a reply that
    /// follows.
    pub(crate) repeated: usize,
    /// Error if replies are missing.
    pub(crate) ended: Result<()>,
}

impl<'a> Interactive<'a> {
    pub(super) fn new(stream: Box<dyn Stream>, permit: Permit<'a>, reachability: &'a Reachability) -> Self {
        Self::at_prompt(stream, Prompt::OfSocket, permit, reachability)
    }

    /// Makes a connection to a worker behind its master. `stream` has just shown the `prompt`.
    pub(super) fn of_worker(
        stream: Box<dyn Stream>,
        worker: WorkerId,
        prompt: Vec<u8>,
        permit: Permit<'a>,
        reachability: &'a Reachability,
    ) -> Self {
        Self::at_prompt(stream, Prompt::OfWorker(worker, prompt), permit, reachability)
    }

    fn at_prompt(
        stream: Box<dyn Stream>,
        prompt: Prompt,
        permit: Permit<'a>,
        reachability: &'a Reachability,
    ) -> Self {
        let (reader, writer) = split(stream);
        Self {
            reader,
            writer,
            received: Vec::new(),
            prompt,
            reachability,
            permit,
            is_waiting: false,
            is_sent: false,
            is_over: false,
        }
    }

    /// Returns the text of the prompt.
    pub(crate) fn prompt(&self) -> &[u8] {
        self.prompt.text()
    }

    /// Sends a request and waits for its replies.
    ///
    /// Each reply is the text before its prompt, without the prompts that HAProxy prints for the
    /// lines of a payload. If HAProxy misses the end of the payload, the end is sent again.
    pub(crate) async fn send(&mut self, request: &Request, deadline: &Deadline) -> Replies {
        self.run(request.as_bytes(), request.end(), request.replies(), deadline).await
    }

    /// Waits for one more reply.
    pub(crate) async fn receive(&mut self, deadline: &Deadline) -> Replies {
        self.run(b"", None, 1, deadline).await
    }

    /// Marks the connection as unusable: later calls send nothing, and fail with `Closed`.
    pub(crate) fn give_up(&mut self) {
        self.is_over = true;
    }

    /// Makes the master of a worker hand on all later bytes, so that the worker itself shows the prompt. The master
    /// has this from 3.2 on. Otherwise it closes the way to the worker behind the end of a payload, and the end
    /// cannot be sent again.
    ///
    /// # Errors
    ///
    /// - `Closed` if the worker has closed, and the master itself would read the later bytes.
    /// - [`Problem::NotHaproxy`] if the worker did not do what the lines say.
    pub(crate) async fn join(&mut self, deadline: &Deadline) -> Result<()> {
        let Some(lines) = self.prompt.join() else { return Ok(()) };
        let replies = self.run(&lines, None, 2, deadline).await;
        replies.ended?;
        if let Some(reply) = replies.texts.iter().find(|reply| **reply != b"\n") {
            self.give_up();
            let text = format!("it says {:?}", excerpt_of_bytes(reply));
            return Err(Error::new(Problem::NotHaproxy(text)));
        }
        Ok(())
    }

    /// Sends a request to a worker and ends the connection. Returns the replies to all its commands,
    /// without the prompts.
    ///
    /// # Errors
    ///
    /// - The errors of [`StatsSocket::command`](super::StatsSocket::command).
    pub(super) async fn send_last(
        &mut self,
        request: &Request,
        deadline: &Deadline,
        sent: &mut usize,
    ) -> Result<Vec<u8>> {
        let lines = [&self.prompt.selection(), request.as_bytes(), b"quit\n"].concat();
        (self.is_waiting, self.is_sent) = (true, false);
        let Self { reader, writer, received, prompt, reachability, is_sent, .. } = self;
        let exchange = async {
            let sending = async {
                let sending = exchange::send(writer, &lines, deadline, sent).await;
                *is_sent = matches!(sending, Ok(Ok(())));
                sending
            };
            let (sending, receiving) = join(sending, receive_all(reader, received, deadline)).await;
            receiving?;
            sending?.map_err(|error| Error::new(Problem::Io(error.into())))
        };
        reachability.watch(exchange).await?;
        self.is_waiting = false;
        let replies = prompt.remove(&std::mem::take(received), request.has_several_lines());
        if replies.as_ref().is_err_and(Error::is_worker_missing) {
            *sent = 0;
        }
        replies
    }

    async fn run(&mut self, lines: &[u8], end: Option<&[u8]>, count: usize, deadline: &Deadline) -> Replies {
        if self.is_over {
            let ended = Err(Error::new(Problem::Closed));
            return Replies { texts: Vec::new(), sent: 0, repeated: 0, ended };
        }
        let selection = if lines.is_empty() { Vec::new() } else { self.prompt.selection() };
        if selection.is_empty() {
            return self.run_lines(lines, end, count, deadline).await;
        }
        let lines = [&*selection, lines].concat();
        let mut replies = self.run_lines(&lines, end, count + 1, deadline).await;
        let is_missing = replies.ended.as_ref().is_err_and(Error::is_worker_missing);
        replies.sent = if is_missing { 0 } else { replies.sent.saturating_sub(selection.len()) };
        replies.texts.drain(..replies.texts.len().min(1));
        replies
    }

    async fn run_lines(
        &mut self,
        lines: &[u8],
        end: Option<&[u8]>,
        count: usize,
        deadline: &Deadline,
    ) -> Replies {
        let (mut sent, mut repeated, repetition) = (0, 0, Repetition::default());
        let mut replies = Vec::with_capacity(count);
        let Self { reader, writer, received, prompt, reachability, is_waiting, is_sent, is_over, .. } = self;
        (*is_waiting, *is_sent) = (true, lines.is_empty());
        let exchange = async {
            // Concurrently, because HAProxy stops reading while its replies are not read.
            let sending = async {
                let sending = exchange::send(writer, lines, deadline, &mut sent).await;
                *is_sent = matches!(sending, Ok(Ok(())));
                match end {
                    Some(end) if *is_sent => {
                        repetition.run(writer, end, deadline, &mut repeated).boxed().await
                    }
                    _ => sending,
                }
            };
            let note = |bytes: &[u8]| repetition.note(bytes);
            let receiving = receive(reader, received, prompt, &mut replies, count, deadline, note);
            let (sending, receiving) = match select(pin!(sending), pin!(receiving)).await {
                Either::Left((sending, receiving)) => (sending, receiving.await),
                Either::Right((Ok(()), sending)) if end.is_none() => (sending.await, Ok(())),
                // After an error, the rest of the lines might reach a master. The end needs no more repetition.
                Either::Right((receiving, _)) => (Ok(Ok(())), receiving),
            };
            // The error of receiving comes first: it says more than a broken connection.
            receiving?;
            sending?.map_err(|error| Error::new(Problem::Io(error.into())))
        };
        let ended = reachability.watch(exchange).await;
        *is_over = ended.is_err() || !*is_sent;
        let ended = if replies.len() == count { Ok(()) } else { ended };
        *is_waiting = ended.is_err();
        Replies { texts: replies, sent, repeated, ended }
    }
}

/// Behind a master, the connection of a reply that the caller no longer waits for is read to its end,
/// because the master keeps it until the worker has answered. If only a part of the lines was sent, the
/// connection is closed at once: `quit` would become a part of the last line, or of a payload.
impl Drop for Interactive<'_> {
    fn drop(&mut self) {
        if !self.is_waiting || !self.is_sent || matches!(self.prompt, Prompt::OfSocket) {
            return;
        }
        let (reader, writer) = split(Box::new(tokio::io::empty()) as Box<dyn Stream>);
        let reader = std::mem::replace(&mut self.reader, reader);
        let stream = reader.unsplit(std::mem::replace(&mut self.writer, writer));
        drain::in_background(stream, "quit\n", self.permit.take_own(), Duration::MAX);
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
    use tokio::sync::Semaphore;
    use tokio_test::io::Builder;

    use super::*;
    use crate::error::ErrorKind;
    use crate::transport::limits::Limits;

    fn connection(stream: impl Stream + 'static) -> Interactive<'static> {
        let reachability = Box::leak(Box::new(Reachability::default()));
        Interactive::new(Box::new(stream), Permit::default(), reachability)
    }

    fn texts(replies: &Replies) -> Vec<&str> {
        replies.texts.iter().map(|reply| std::str::from_utf8(reply).unwrap()).collect()
    }

    #[tokio::test]
    async fn each_line_has_its_reply_however_the_bytes_are_split() {
        let bytes = b"\n> [6]: admin\n\n> + + [3]: no\n\n> + \n> ";
        for size in 1..=bytes.len() {
            let mut builder = Builder::new();
            builder.write(b"a\nb\nc\nd\n");
            for piece in bytes.chunks(size) {
                builder.read(piece);
            }
            let mut connection = connection(builder.build());
            let replies = connection
                .send(&Request::fixed("a", &["a", "b", "c", "d"]), &Deadline::new(Limits::new()))
                .await;
            assert_eq!(texts(&replies), ["\n", "[6]: admin\n\n", "[3]: no\n\n", "\n"], "{size}");
            assert!(replies.ended.is_ok() && replies.sent == 8);
        }
    }

    #[tokio::test]
    async fn the_last_words_before_a_reset_are_the_reply() {
        let reset = std::io::ErrorKind::ConnectionReset.into();
        let stream = Builder::new().write(b"a\n").read(b"+ + no\n").read_error(reset).build();
        let replies =
            connection(stream).send(&Request::fixed("a", &["a"]), &Deadline::new(Limits::new())).await;
        assert_eq!(texts(&replies), ["no\n"]);
    }

    /// A connection to the worker 47 behind its master.
    fn connection_to_worker(stream: impl Stream + 'static) -> Interactive<'static> {
        let reachability = Box::leak(Box::new(Reachability::default()));
        let (worker, prompt) = (WorkerId::Pid(47), b"47> ".to_vec());
        Interactive::of_worker(Box::new(stream), worker, prompt, Permit::default(), reachability)
    }

    #[tokio::test]
    async fn a_worker_is_selected_in_front_of_each_command() {
        let missing = b"Can't find the target PID matching the prefix '@!47'\n";
        let stream = Builder::new()
            .write(b"@!47\na\nb\n")
            .read(b"47> \n47> [6]: b\n\n47> ")
            .write(b"@!47\na\n")
            .read(missing)
            .write(b"quit\n")
            .build();
        let mut connection = connection_to_worker(stream);
        let deadline = Deadline::new(Limits::new());
        let replies = connection.send(&Request::fixed("a", &["a", "b"]), &deadline).await;
        assert_eq!((texts(&replies), replies.sent), (vec!["\n", "[6]: b\n\n"], 4));
        let replies = connection.send(&Request::fixed("a", &["a"]), &deadline).await;
        assert_eq!((texts(&replies), replies.sent), (vec![], 0));
        assert!(replies.ended.unwrap_err().is_worker_missing());
    }

    const JOINING: &[u8] = b"@@!47 prompt\nset severity-output number\n";

    #[tokio::test]
    async fn the_end_of_a_joined_worker_is_the_end_of_the_connection() {
        for (bytes, last) in [
            ("+ [6]: a\n\n> + last\n47> [6]: Unknown command: 'b'\n\n47> ", Some("last\n")),
            ("+ [6]: a\n\n> + last\nCan't connect to the target CLI!\n", Some("last\n")),
            ("+ [6]: a\n\n> + + 47> 47> ", None),
            ("+ [6]: a\n\n> + Can't connect to the target CLI!\n47> ", None),
            ("+ [6]: a\n\n> 47> ", None),
        ] {
            for size in 1..=bytes.len() {
                let mut builder = Builder::new();
                builder.write(JOINING).read(b"\n> \n> ").write(b"a\nb\n");
                let pieces: Vec<_> = bytes.as_bytes().chunks(size).collect();
                for piece in &pieces {
                    builder.read(piece);
                }
                let mut connection = connection_to_worker(builder.build());
                let deadline = Deadline::new(Limits::new());
                connection.join(&deadline).await.unwrap();
                let replies = connection.send(&Request::fixed("a", &["a", "b"]), &deadline).await;
                let expected: Vec<_> = [Some("[6]: a\n\n"), last].into_iter().flatten().collect();
                assert_eq!(texts(&replies), expected, "{bytes:?}, {size}");
                assert_eq!(replies.ended.is_ok(), last.is_some(), "{bytes:?}, {size}");

                let next = connection.send(&Request::fixed("c", &["c"]), &deadline).await;
                assert_eq!(next.ended.unwrap_err().to_string(), "closed without an answer");
                assert_eq!((next.sent, next.texts.len()), (0, 0));
                // The rest of the script is not read.
                std::mem::forget(connection);
            }
        }
    }

    #[tokio::test]
    async fn a_joined_worker_that_hangs_keeps_its_permit() {
        let (near, mut far) = tokio::io::duplex(256);
        let mut connection = connection_to_worker(near);
        let permits = Arc::new(Semaphore::new(1));
        connection.permit.hold_own(vec![Arc::clone(&permits).try_acquire_owned().unwrap()]);
        far.write_all(b"\n> \n> ").await.unwrap();
        connection.join(&Deadline::new(Limits::new())).await.unwrap();
        let limits = Limits::new().with_idle_timeout(Duration::from_millis(1));
        let replies = connection.send(&Request::fixed("a", &["a"]), &Deadline::new(limits)).await;
        assert_eq!(replies.ended.unwrap_err().kind(), ErrorKind::Timeout);
        drop(connection);
        let sent = [JOINING, b"a\nquit\n"].concat();
        let mut received = vec![0; sent.len()];
        far.read_exact(&mut received).await.unwrap();
        assert_eq!(received, sent);
        assert_eq!(permits.available_permits(), 0);
        drop(far);
        assert!(permits.acquire().await.is_ok());
    }

    #[tokio::test]
    async fn a_worker_that_is_not_joined_gets_no_payload() {
        for (bytes, expected) in [
            ("47> 47> ", "closed without an answer"),
            ("\n> 47> 47> ", "closed without an answer"),
            ("Can't connect to the target CLI!\n47> ", "closed without an answer"),
            ("Can't find the target PID matching the prefix '@@!47'\n47> ", "the master has no worker @!47"),
            ("[6]: no\n\n> \n> ", "not a stats socket of a HAProxy process: it says \"[6]: no\\n\\n\""),
        ] {
            let stream = Builder::new().write(JOINING).read(bytes.as_bytes()).build();
            let mut connection = connection_to_worker(stream);
            let deadline = Deadline::new(Limits::new());
            assert_eq!(connection.join(&deadline).await.unwrap_err().to_string(), expected, "{bytes:?}");
            let next = connection.send(&Request::fixed("a", &["a"]), &deadline).await;
            assert!(next.ended.is_err() && next.sent == 0, "{bytes:?}");
        }
    }

    #[tokio::test]
    async fn a_message_of_the_master_is_no_reply() {
        let stream =
            Builder::new().write(b"@!47\na\n").read(b"Can't connect to the target CLI!\n47> ").build();
        let replies = connection_to_worker(stream)
            .send(&Request::fixed("a", &["a"]), &Deadline::new(Limits::new()))
            .await;
        assert_eq!(replies.ended.unwrap_err().to_string(), "closed without an answer");
        assert!(replies.texts.is_empty());
    }

    #[tokio::test]
    async fn replies_up_to_the_end_of_the_connection_are_kept() {
        let stream = Builder::new().write(b"a\nb\n").read(b"\n> ").build();
        let replies =
            connection(stream).send(&Request::fixed("a", &["a", "b"]), &Deadline::new(Limits::new())).await;
        assert_eq!(texts(&replies), ["\n"]);
        assert_eq!(replies.ended.unwrap_err().to_string(), "closed without an answer");
    }

    #[tokio::test(start_paused = true)]
    async fn a_process_that_hangs_ends_in_the_limit() {
        let (near, _far) = tokio::io::duplex(64);
        let replies =
            connection(near).send(&Request::fixed("a", &["a"]), &Deadline::new(Limits::new())).await;
        assert_eq!(replies.ended.unwrap_err().to_string(), "receiving: no byte within 5s");
        assert_eq!(replies.sent, 2);
    }
}
