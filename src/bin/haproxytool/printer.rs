//! Output that goes on while the program does something else.

use std::future::pending;
use std::io::{self, ErrorKind, Write};
use std::pin::pin;
use std::time::Duration;

use futures::future::select;
use tokio::sync::mpsc::{Receiver, Sender, channel};
use tokio::sync::oneshot;

use crate::problem::Problem;
use crate::report::Report;

/// Prints lines on a thread of its own, so that a slow reader of the output stops nothing else.
pub(crate) struct Printer {
    lines: Sender<Line>,
    ended: oneshot::Receiver<io::Error>,
    #[cfg(unix)]
    output: Option<tokio::io::unix::AsyncFd<io::Stdout>>,
}

pub(crate) enum Line {
    Out(String),
    Error(String),
}

/// Number of lines that wait for the reader of the output.
const WAITING: usize = 64;

/// Time for the output to take the last lines.
const LAST: Duration = Duration::from_secs(1);

impl Printer {
    /// Starts the thread. It ends with the program, even if the output takes nothing.
    pub(crate) fn start() -> Self {
        let (lines, receiver) = channel(WAITING);
        let (end, ended) = oneshot::channel();
        std::thread::spawn(move || {
            if let Err(error) = print_all(receiver) {
                // The other end is gone if the program ends.
                let _ = end.send(error);
            }
        });
        Self {
            lines,
            ended,
            #[cfg(unix)]
            output: watched(),
        }
    }

    /// Prints a line when it is its turn. Returns `false` if the output is closed.
    pub(crate) async fn print(&self, line: Line) -> bool {
        self.lines.send(line).await.is_ok()
    }

    /// Waits until the output is closed.
    pub(crate) async fn is_closed(&self) {
        select(pin!(self.lines.closed()), pin!(self.hung_up())).await;
    }

    /// Waits until the reader of a pipe is gone.
    #[cfg(unix)]
    async fn hung_up(&self) {
        match &self.output {
            Some(output) if output.ready(tokio::io::Interest::ERROR).await.is_ok() => {}
            _ => pending().await,
        }
    }

    #[cfg(not(unix))]
    async fn hung_up(&self) {
        pending().await
    }

    /// Prints the lines that wait, unless the output takes none, and returns the result.
    pub(crate) async fn end_now(self) -> Result<Report, Problem> {
        match tokio::time::timeout(LAST, self.end()).await {
            Ok(result) => result,
            Err(_) => Ok(Report::nothing()),
        }
    }

    /// Returns the result when the output is closed. A reader that has read enough is no error.
    pub(crate) async fn end(self) -> Result<Report, Problem> {
        drop(self.lines);
        match self.ended.await {
            Ok(error) if error.kind() != ErrorKind::BrokenPipe => Err(error.into()),
            _ => Ok(Report::nothing()),
        }
    }
}

/// Returns the output if it can be watched. A file cannot be watched, and is not closed by a reader.
#[cfg(unix)]
#[allow(deprecated, reason = "its new name is not in every release of Tokio that this program is built with")]
fn watched() -> Option<tokio::io::unix::AsyncFd<io::Stdout>> {
    tokio::io::unix::AsyncFd::with_interest(io::stdout(), tokio::io::Interest::ERROR).ok()
}

fn print_all(mut lines: Receiver<Line>) -> io::Result<()> {
    while let Some(line) = lines.blocking_recv() {
        match line {
            Line::Out(text) => print(&mut io::stdout(), &text)?,
            Line::Error(text) => print(&mut io::stderr(), &text)?,
        }
    }
    Ok(())
}

fn print(to: &mut impl Write, text: &str) -> io::Result<()> {
    writeln!(to, "{text}")?;
    to.flush()
}
