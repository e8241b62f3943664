use crate::error::Result;
use crate::protocol::{Command, Form, Request};
use crate::version::Version;

/// Commands that are sent in one piece on one connection. If one fails, HAProxy still executes the
/// commands after it.
pub(crate) struct Batch {
    commands: Vec<Command>,
    request: Request,
}

/// Most bytes of a line with its payload, and of the lines of a batch, for every process with the buffers that
/// HAProxy has by default. Releases before 3.4 accept 15,360; longer lines save little there.
pub(crate) const LONGEST: usize = 7_000;

/// Bytes of a line with its payload that fit the buffers of every process with a `tune.bufsize` of 1,024 or more.
pub(super) const FITS_ALWAYS: usize = 400;

/// Most bytes of a line with its payload from 3.4 on.
const LONGEST_SINCE_3_4: usize = 15_000;

/// Returns the most bytes of a line with its payload for a process with buffers of this size.
///
/// A payload must fit one buffer with its line. Older releases refuse a larger one, or wait for its end. Release
/// 3.4 reads it in pieces, loses entries, and may execute lines of it as commands.
pub(super) fn longest(buffer: usize, version: Option<Version>) -> usize {
    if version.is_some_and(|version| version >= (3, 4)) {
        (buffer - buffer / 16).min(LONGEST_SINCE_3_4)
    } else {
        // HAProxy leaves `tune.maxrewrite` bytes of a buffer free, which is at most half of it.
        (buffer / 2).saturating_sub(64).min(LONGEST)
    }
}

impl Batch {
    /// Creates a batch of commands.
    ///
    /// # Errors
    ///
    /// - The errors of [`Command::encode`].
    pub(crate) fn new(commands: Vec<Command>) -> Result<Self> {
        let requests = commands.iter().map(|command| command.encode(Form::AtPrompt));
        let requests: Vec<Request> = requests.collect::<Result<_>>()?;
        Ok(Self { commands, request: Request::joined(&requests) })
    }

    /// Divides commands into batches that HAProxy reads at once. A longer command gets a batch of its
    /// own.
    ///
    /// # Errors
    ///
    /// - The errors of [`Command::encode`].
    pub(crate) fn divide(commands: Vec<Command>) -> Result<Vec<Self>> {
        let mut pieces: Vec<(Vec<Command>, Vec<Request>)> = Vec::new();
        let mut length = 0;
        for command in commands {
            let request = command.encode(Form::AtPrompt)?;
            let own = request.as_bytes().len();
            length += own;
            match pieces.last_mut() {
                Some((commands, requests)) if length <= LONGEST => {
                    commands.push(command);
                    requests.push(request);
                }
                _ => {
                    length = own;
                    pieces.push((vec![command], vec![request]));
                }
            }
        }
        let batch =
            |(commands, requests): (_, Vec<Request>)| Self { commands, request: Request::joined(&requests) };
        Ok(pieces.into_iter().map(batch).collect())
    }

    pub(crate) fn commands(&self) -> &[Command] {
        &self.commands
    }

    pub(super) fn request(&self) -> &Request {
        &self.request
    }

    /// Returns the number of commands.
    pub(crate) fn len(&self) -> usize {
        self.commands.len()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn batches_hold_every_command_in_order() {
        let command = |n: usize| Command::write_once("del map").word("#1").word("x".repeat(n));
        let lengths = [10, 6_900, 6_900, 10, 9_000, 10];
        let batches = Batch::divide(lengths.map(command).to_vec()).unwrap();
        let length = |command: &Command| command.length() - command_overhead();
        let lengths: Vec<Vec<usize>> =
            batches.iter().map(|batch| batch.commands().iter().map(length).collect()).collect();
        assert_eq!(lengths, [vec![10, 6_900], vec![6_900, 10], vec![9_000], vec![10]]);
    }

    #[test]
    fn a_payload_fits_the_buffers_of_its_process() {
        let at = |buffer, version| longest(buffer, Some(Version::parse(version)));
        for (buffer, since_3_4, before) in [
            (16_384, 15_000, 7_000),
            (65_536, 15_000, 7_000),
            (8_192, 7_680, 4_032),
            (4_096, 3_840, 1_984),
            (0, 0, 0),
        ] {
            assert_eq!((at(buffer, "3.4.7"), at(buffer, "3.5-dev5")), (since_3_4, since_3_4), "{buffer}");
            assert_eq!((at(buffer, "3.3.1"), longest(buffer, None)), (before, before), "{buffer}");
        }
    }

    fn command_overhead() -> usize {
        Command::write_once("del map").word("#1").length() + 1
    }
}
