use crate::error::Result;
use crate::protocol::{Command, Form, Request};

/// Commands that are sent in one piece on one connection. If one fails, HAProxy still executes the
/// commands after it.
pub(crate) struct Batch {
    commands: Vec<Command>,
    request: Request,
}

/// Most bytes of a line with its payload, and of the lines of a batch. Releases before 3.4 accept
/// 15,360, and half of that if `tune.bufsize` is half of its default. Longer lines save little.
pub(crate) const LONGEST: usize = 7_000;

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

    fn command_overhead() -> usize {
        Command::write_once("del map").word("#1").length() + 1
    }
}
