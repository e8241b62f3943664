use crate::address::WorkerId;
use crate::error::{Error, Problem, Result};
use crate::transport::worker::Message;

/// Text behind each reply.
#[derive(Debug)]
pub(super) enum Prompt {
    /// The prompt of a stats socket, behind a line feed.
    OfSocket,
    /// The prompt of a worker behind its master, with its process ID. The reply is empty, without
    /// its line feed, if the master executed the command (`set severity-output` from 3.0 on), or if
    /// the worker died.
    OfWorker(WorkerId, Vec<u8>),
    /// The prompt of a worker that its master has joined to the connection. Once the worker closes, the master shows
    /// its own prompt for the worker again, and executes the bytes that follow.
    Joined(WorkerId, Vec<u8>),
}

impl Prompt {
    pub(super) fn text(&self) -> &[u8] {
        match self {
            Self::OfSocket | Self::Joined(..) => b"> ",
            Self::OfWorker(_, prompt) => prompt,
        }
    }

    /// Returns a line that selects the worker once more, or nothing if there is no master. Its reply is empty.
    ///
    /// The master of 2.2.9 dies of a command at the prompt of a worker that has ended. If this line and the command
    /// arrive together, the master refuses the line and does not execute the command.
    pub(super) fn selection(&self) -> Vec<u8> {
        let Self::OfWorker(_, prompt) = self else { return Vec::new() };
        [b"@!", process_id(prompt), b"\n"].concat()
    }

    /// Takes the prompt of a worker for that of a joined one. Returns the lines that join the worker, with two replies,
    /// or `None` if there is nothing to join.
    pub(super) fn join(&mut self) -> Option<Vec<u8>> {
        let Self::OfWorker(worker, prompt) = self else { return None };
        let lines = [b"@@!", process_id(prompt), b" prompt\nset severity-output number\n"].concat();
        *self = Self::Joined(*worker, std::mem::take(prompt));
        Some(lines)
    }

    /// Finds the next prompt; none begins in the first `scanned` bytes. Returns the length of the reply
    /// before it.
    pub(super) fn find(&self, bytes: &[u8], scanned: usize) -> Option<usize> {
        let prompt = self.text();
        if matches!(self, Self::OfWorker(..)) && bytes.starts_with(prompt) {
            return Some(0);
        }
        let is_prompt = |part: &[u8]| part.strip_prefix(b"\n") == Some(prompt);
        let at = bytes.get(scanned..)?.windows(prompt.len() + 1).position(is_prompt)?;
        // The line feed before the prompt belongs to the reply.
        Some(scanned + at + 1)
    }

    /// Returns the last bytes of a joined worker if it has closed: behind them, the master shows its own prompt, or
    /// says that it has lost the worker.
    pub(super) fn before_parting<'a>(&self, received: &'a [u8]) -> Option<&'a [u8]> {
        let Self::Joined(_, prompt) = self else { return None };
        let text = without_payload_prompts(received);
        let mut end = 0;
        for line in text.split_inclusive(|&byte| byte == b'\n') {
            if line.starts_with(prompt) || self.problem(line).is_some() {
                return text.get(..end);
            }
            end += line.len();
        }
        None
    }

    /// Removes the prompts from the replies to several commands.
    ///
    /// # Errors
    ///
    /// - `NotFound` if the worker of a process ID has ended. No command was executed.
    /// - `Closed` and `Truncated` if the prompt behind the last reply is missing.
    pub(super) fn remove(&self, bytes: &[u8], has_payload: bool) -> Result<Vec<u8>> {
        let problem = self.problem(bytes);
        if let Some(problem @ Problem::NoWorker(_)) = problem {
            return Err(Error::new(problem));
        }
        let is_lost = matches!(problem, Some(Problem::Closed)) || bytes.is_empty();
        let mut end = bytes.rsplit(|&byte| byte == b'\n').next().unwrap_or_default();
        let has_prompt = self.strip(end).is_some();
        while let Some(rest) = self.strip(end) {
            end = rest;
        }
        if is_lost || !has_prompt || !end.is_empty() {
            let text = format!("{} bytes, and no prompt at the end", bytes.len());
            return Err(Error::new(if is_lost { Problem::Closed } else { Problem::Truncated(text) }));
        }
        // The prompt before the first reply was received before.
        let mut replies = Vec::with_capacity(bytes.len());
        let mut is_behind_prompt = true;
        for mut line in bytes.split_inclusive(|&byte| byte == b'\n') {
            loop {
                if let Some(rest) = self.strip(line) {
                    (line, is_behind_prompt) = (rest, true);
                } else if let Some(rest) =
                    line.strip_prefix(PAYLOAD_PROMPT).filter(|_| has_payload && is_behind_prompt)
                {
                    line = rest;
                } else {
                    break;
                }
            }
            is_behind_prompt = false;
            replies.extend_from_slice(line);
        }
        Ok(replies)
    }

    /// Removes a prompt from the beginning of a line. The prompt of a worker shows the modes that a command
    /// of the connection has switched on: `4711(ex)> ` for `expert-mode` and `experimental-mode`.
    fn strip<'a>(&self, line: &'a [u8]) -> Option<&'a [u8]> {
        let (prompt, end) = (self.text(), b"> ");
        let rest = line.strip_prefix(prompt.strip_suffix(end)?)?;
        let modes = rest.strip_prefix(b"(").and_then(|modes| {
            let letters = modes.iter().take_while(|byte| byte.is_ascii_lowercase()).count();
            modes.get(letters..)?.strip_prefix(b")")
        });
        modes.unwrap_or(rest).strip_prefix(end)
    }

    /// Returns the problem if the master prints a message of its own in the place of a reply.
    pub(super) fn problem(&self, received: &[u8]) -> Option<Problem> {
        match self {
            Self::OfSocket => None,
            Self::OfWorker(worker, _) | Self::Joined(worker, _) => {
                let received = received.strip_prefix(self.text()).unwrap_or(received);
                match Message::read(received, *worker) {
                    // Another worker has this number now.
                    Message::Whole(Problem::NoWorker(WorkerId::Number(_))) => Some(Problem::Closed),
                    Message::Whole(problem) => Some(problem),
                    Message::Part | Message::None => None,
                }
            }
        }
    }
}

/// Returns the process ID at the beginning of the prompt of a worker.
fn process_id(prompt: &[u8]) -> &[u8] {
    prompt.split(|byte| !byte.is_ascii_digit()).next().unwrap_or_default()
}

/// Removes the prompts for more lines of a payload in front of a reply.
pub(super) fn without_payload_prompts(mut reply: &[u8]) -> &[u8] {
    while let Some(behind) = reply.strip_prefix(PAYLOAD_PROMPT) {
        reply = behind;
    }
    reply
}

/// Prompt that HAProxy prints while it waits for the end of a payload. Up to 3.0 it prints one for each line, later
/// releases print one each time they have read lines.
pub(super) const PAYLOAD_PROMPT: &[u8] = b"+ ";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_prompts_of_a_worker_are_removed_from_its_last_replies() {
        let prompt = Prompt::OfWorker(WorkerId::Number(1), b"47> ".to_vec());
        let read = |bytes: &str, has_payload| {
            let replies = prompt.remove(bytes.as_bytes(), has_payload);
            replies.map_or_else(|error| error.to_string(), |bytes| String::from_utf8(bytes).unwrap())
        };
        for (bytes, has_payload, expected) in [
            ("admin\n\n47> 47> ", false, "admin\n\n"),
            ("47> [3]: no\n\n47> \n47> 47> ", false, "[3]: no\n\n\n"),
            ("+ + + \n47> 47> ", true, "\n"),
            ("\n47> + + \n47> 47> ", true, "\n\n"),
            ("+ a\n+ b\n\n47> 47> ", false, "+ a\n+ b\n\n"),
            ("a\n+ b\n\n47> 47> ", true, "a\n+ b\n\n"),
            ("47(e)> admin\n\n47(e)> 47(e)> ", false, "admin\n\n"),
            ("47(e)> \n47(ex)> 47(ex)> ", false, "\n"),
            ("", false, "closed without an answer"),
            ("admin\n\n47", false, "answer ended early: 9 bytes, and no prompt at the end"),
            ("Can't connect to the target CLI!\n", false, "closed without an answer"),
            ("47> Can't connect to the target CLI!\n47> 47> ", false, "closed without an answer"),
            ("Can't find the target PID matching the prefix '@!47'\n", false, "closed without an answer"),
        ] {
            assert_eq!(read(bytes, has_payload), expected, "{bytes:?}");
        }
    }
}
