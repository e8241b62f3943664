//! HAProxy's lock of all certificates, CA files, CRL files and crt-lists of a process.
//!
//! A connection holds the lock while it reads or commits. HAProxy does not let other connections wait
//! for it, and refuses their commands at once.

use std::time::Duration;

use crate::cluster::{OnceJob, Target};
use crate::error::{Error, Result};
use crate::process::IdentifiedConnection;
use crate::protocol::{Change, Command, Response};
use crate::transport::{Deadline, Step};

/// Repetition of a command while another connection holds the lock.
pub(super) struct Lock {
    pause: Duration,
}

impl Lock {
    pub(super) fn new() -> Self {
        Self { pause: FIRST_PAUSE }
    }

    /// Returns `true`, after a pause, if the command is to be repeated. Returns `false` if it was not
    /// refused because of the lock, or if the time of the call is up.
    pub(super) async fn is_held<T>(&mut self, result: &Result<T>, deadline: &Deadline) -> bool {
        let is_held = result.as_ref().is_err_and(Error::is_locked);
        let pause = self.pause;
        self.pause = (pause * 2).min(LAST_PAUSE);
        is_held && deadline.sleep(WAITING, pause).await.is_ok()
    }
}

/// Executes a command as soon as no other connection holds the lock.
pub(super) async fn execute(
    command: &Command,
    connection: &mut IdentifiedConnection<'_>,
    deadline: &Deadline,
) -> Result<Response<Change>> {
    let mut lock = Lock::new();
    loop {
        let result = connection.execute(command, deadline).await;
        if !lock.is_held(&result, deadline).await {
            return result;
        }
    }
}

/// Runs a query as soon as no other connection holds the lock.
pub(super) async fn ask(
    query: &Command,
    connection: &mut IdentifiedConnection<'_>,
    deadline: &Deadline,
) -> Result<Response<Vec<u8>>> {
    let mut lock = Lock::new();
    loop {
        let result = connection.ask(query, deadline).await;
        if !lock.is_held(&result, deadline).await {
            return result;
        }
    }
}

/// Sends a query to a process, and parses the answer with `read`, as soon as no other connection holds
/// the lock.
pub(super) async fn read<T>(
    query: &Command,
    target: &Target,
    read: impl Fn(Vec<u8>) -> Result<T> + Sync,
    deadline: &Deadline,
) -> Result<Response<T>> {
    let mut lock = Lock::new();
    loop {
        let result = target.ask(query, &read, deadline).await;
        if !lock.is_held(&result, deadline).await {
            return result;
        }
    }
}

/// A command that one process executes as soon as no other connection holds the lock.
pub(super) struct Unlocked<'a>(pub(super) &'a Command);

impl OnceJob for Unlocked<'_> {
    type Answer = Change;

    async fn run(
        &self,
        connection: &mut IdentifiedConnection<'_>,
        deadline: &Deadline,
    ) -> Result<Response<Change>> {
        execute(self.0, connection, deadline).await
    }
}

const WAITING: Step = Step::new("waiting for the lock of certificates", "end of the lock");
const FIRST_PAUSE: Duration = Duration::from_millis(2);
const LAST_PAUSE: Duration = Duration::from_millis(100);
