//! Repetition of the end of a payload that HAProxy 3.4 may have missed.

use std::io;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use tokio::io::AsyncWrite;
use tokio::time::sleep;

use super::prompt::PAYLOAD_PROMPT;
use crate::error::Result;
use crate::transport::deadline::Deadline;
use crate::transport::exchange;

/// The end of a payload, which is sent again while HAProxy waits for it.
///
/// HAProxy has missed the end only if it has printed a prompt for more lines. It may print some before it finds the
/// end, too: the end is then a command that HAProxy does not know, with a reply of its own.
#[derive(Default)]
pub(super) struct Repetition {
    /// True if only prompts for more lines have arrived.
    is_missed: AtomicBool,
    /// True if bytes have arrived since the last look.
    is_new: AtomicBool,
}

impl Repetition {
    /// Notes the bytes that have arrived of the reply.
    pub(super) fn note(&self, received: &[u8]) {
        let are_prompts = received.chunks(PAYLOAD_PROMPT.len()).all(|piece| piece == PAYLOAD_PROMPT);
        self.is_missed.store(!received.is_empty() && are_prompts, Ordering::Relaxed);
        self.is_new.store(true, Ordering::Relaxed);
    }

    /// Sends `end` each time HAProxy has printed prompts for more lines and nothing since. Adds to `times` how often.
    /// Returns only if sending fails.
    pub(super) async fn run<T>(
        &self,
        stream: &mut T,
        end: &[u8],
        deadline: &Deadline,
        times: &mut usize,
    ) -> Result<io::Result<()>>
    where
        T: AsyncWrite + Unpin + ?Sized,
    {
        let mut pause = FIRST_PAUSE;
        loop {
            sleep(pause).await;
            if self.is_new.swap(false, Ordering::Relaxed) || !self.is_missed.load(Ordering::Relaxed) {
                continue;
            }
            *times += 1;
            match exchange::send(stream, end, deadline, &mut 0).await {
                Ok(Ok(())) => pause = (pause * 2).min(LAST_PAUSE),
                ended => return ended,
            }
        }
    }
}

const FIRST_PAUSE: Duration = Duration::from_millis(5);
const LAST_PAUSE: Duration = Duration::from_secs(1);

#[cfg(test)]
mod tests {
    use tokio::io::AsyncReadExt as _;
    use tokio::time::timeout;

    use super::*;
    use crate::transport::limits::Limits;

    #[tokio::test(start_paused = true)]
    async fn an_end_is_sent_again_only_if_it_was_missed() {
        for (received, is_sent) in
            [(&b""[..], false), (b"+ + ", true), (b"+ [6]", false), (b"\n> ", false), (b"+", false)]
        {
            let (mut near, mut far) = tokio::io::duplex(64);
            let (repetition, mut times) = (Repetition::default(), 0);
            repetition.note(received);
            let deadline = Deadline::new(Limits::new());
            let running = repetition.run(&mut near, b".\n", &deadline, &mut times);
            assert!(timeout(Duration::from_millis(12), running).await.is_err());
            assert_eq!(times, usize::from(is_sent), "{received:?}");
            drop(near);
            let mut sent = Vec::new();
            far.read_to_end(&mut sent).await.unwrap();
            assert_eq!(sent, if is_sent { &b".\n"[..] } else { b"" }, "{received:?}");
        }
    }
}
