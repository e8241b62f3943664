//! HAProxy's lock of all certificates, CA files, CRL files and crt-lists of a process.
//!
//! A connection holds the lock while it reads or commits. HAProxy does not let other connections wait
//! for it, and refuses their commands at once.
//!
//! HAProxy 3.4 breaks the lock if `set ssl cert` comes while another connection holds it: it gives up a
//! lock that it did not take (`ckch_store_load_payload`), and afterwards refuses every command of this kind
//! until it is reloaded. Therefore the work of this program on one process is done in turns.

use std::time::Duration;

use tokio::sync::OwnedMutexGuard;

use crate::cluster::{OnceJob, Target};
use crate::error::{Error, Result};
use crate::process::{IdentifiedConnection, ProcessClient};
use crate::protocol::{Change, Command, Response};
use crate::transport::{Deadline, Step};

/// Awaits a call, and repeats it after a pause while another connection holds the lock and the time of
/// the call is not up. An asynchronous closure in its place does not fulfil the lifetimes of
/// [`OnceJob`].
macro_rules! unlocked {
    ($deadline:expr, $call:expr) => {{
        let mut pause = FIRST_PAUSE;
        loop {
            let result = $call.await;
            let is_locked = result.as_ref().is_err_and(Error::is_locked);
            if !is_locked || $deadline.sleep(WAITING, pause).await.is_err() {
                break result;
            }
            pause = (pause * 2).min(LAST_PAUSE);
        }
    }};
}

/// Waits until no other work of this program needs the lock of the process. Take the turn before a
/// connection.
pub(super) async fn turn(member: &ProcessClient, deadline: &Deadline) -> Result<OwnedMutexGuard<()>> {
    member.socket.turn(WAITING, deadline).await.map_err(|error| error.at(member.address()))
}

/// Executes a command as soon as no other connection holds the lock.
pub(super) async fn execute(
    command: &Command,
    connection: &mut IdentifiedConnection<'_>,
    deadline: &Deadline,
) -> Result<Response<Change>> {
    unlocked!(deadline, connection.execute(command, deadline))
}

/// Runs a query as soon as no other connection holds the lock.
pub(super) async fn ask(
    query: &Command,
    connection: &mut IdentifiedConnection<'_>,
    deadline: &Deadline,
) -> Result<Response<Vec<u8>>> {
    unlocked!(deadline, connection.ask(query, deadline))
}

/// Sends a query to a process, and parses the answer with `read`, as soon as no other connection holds
/// the lock. Takes a turn.
pub(super) async fn read<T>(
    query: &Command,
    target: &Target,
    read: impl Fn(Vec<u8>) -> Result<T> + Sync,
    deadline: &Deadline,
) -> Result<Response<T>> {
    let _turn = turn(&target.member, deadline).await?;
    unlocked!(deadline, target.ask(query, &read, deadline))
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
