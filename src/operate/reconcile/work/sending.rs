//! Commands to the process that they were planned for.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use super::{ApplyWork, Open, own};
use crate::cluster::{Identity, OnceJob, Target};
use crate::error::{Error, ErrorKind, Problem, Result};
use crate::operate::reconcile::step::Step;
use crate::process::IdentifiedConnection;
use crate::protocol::{Command, Response};
use crate::show::stat::StatFilter;
use crate::transport::Deadline;

/// Number of orders on one connection. It bounds the time between two looks at the process behind it.
const TOGETHER: usize = 64;

/// Commands for one server.
pub(super) struct Order<'a> {
    /// Names of the backend and of the server.
    pub(super) server: (&'a str, &'a str),
    pub(super) commands: Vec<Command>,
    /// The step that has been taken when the commands were executed.
    pub(super) step: Option<&'a Step>,
}

/// The answer of a process to orders.
pub(super) enum Sent {
    /// The first refusal of each server that has one.
    All(Vec<Error>),
    /// Another process answers. It gets no order of this plan.
    Replaced,
}

impl ApplyWork {
    /// Sends orders to a process, and records the steps that were taken and the backends with a refusal.
    ///
    /// # Errors
    ///
    /// - The error of a command that is no refusal. No further command was sent.
    pub(super) async fn send(&self, process: &Open<'_>, orders: &[Order<'_>]) -> Result<Sent> {
        let refused = Mutex::default();
        let done = |step: &Step| self.done(process, step);
        // Noted at once: a reply may be lost after it.
        let fail = |backend: &str, error: &Error| self.fail_backend(process, backend, error.clone());
        let cluster = self.only(process);
        for orders in orders.chunks(TOGETHER) {
            let sending =
                &Sending { identity: process.identity, orders, refused: &refused, done: &done, fail: &fail };
            let job = |target: Target, deadline| async move { target.execute_once(sending, &deadline).await };
            // It may add servers, and is not repeated on a connection that is lost.
            let command = &Command::write_once("set server").word("...");
            let sent = cluster.fan_out().each(command, StatFilter::Nothing, job).await.map_err(own)?;
            if sent.values().any(|(_, is_same)| !is_same) {
                self.replan(process);
                return Ok(Sent::Replaced);
            }
        }
        let mut refused: Refused<'_> = refused.into_inner().unwrap_or_else(PoisonError::into_inner);
        Ok(Sent::All(orders.iter().filter_map(|order| refused.remove(&order.server)).collect()))
    }
}

/// The first refusal of each server.
type Refused<'a> = HashMap<(&'a str, &'a str), Error>;

/// Orders on one connection.
struct Sending<'a, 'b> {
    identity: &'b Identity,
    orders: &'b [Order<'a>],
    /// These servers get no further command.
    refused: &'b Mutex<Refused<'a>>,
    done: &'b (dyn Fn(&Step) + Sync),
    fail: &'b (dyn Fn(&str, &Error) + Sync),
}

impl OnceJob for Sending<'_, '_> {
    /// False if another process answers, to which nothing was sent.
    type Answer = bool;

    const HAS_LIMITS_FOR_EACH_COMMAND: bool = true;

    async fn run(
        &self,
        connection: &mut IdentifiedConnection<'_>,
        deadline: &Deadline,
    ) -> Result<Response<bool>> {
        if !Identity::of_connection(connection)?.fits(self.identity) {
            return Ok(Response::Value(false));
        }
        for order in self.orders {
            // The next step of the server may be the one that puts it into traffic.
            if !self.refused().contains_key(&order.server) {
                self.execute(order, connection, deadline).await?;
            }
        }
        Ok(Response::Value(true))
    }
}

impl<'a> Sending<'a, '_> {
    /// Executes the commands of an order, up to the first one that HAProxy refuses.
    async fn execute(
        &self,
        order: &Order<'a>,
        connection: &mut IdentifiedConnection<'_>,
        deadline: &Deadline,
    ) -> Result<()> {
        for command in &order.commands {
            // The limits apply to each command.
            let deadline = &Deadline::new(*deadline.limits());
            let error = match connection.execute(command, deadline).await {
                Ok(Response::Value(_)) => continue,
                Ok(Response::Absent(words)) => Error::new(Problem::Refused(words)).during(command.redacted()),
                Err(error) if error.refusal().is_some() || error.kind() == ErrorKind::Unsupported => error,
                Err(error) => return Err(error),
            };
            (self.fail)(order.server.0, &error);
            self.refused().insert(order.server, error);
            return Ok(());
        }
        if let Some(step) = order.step {
            (self.done)(step);
        }
        Ok(())
    }

    fn refused(&self) -> MutexGuard<'_, Refused<'a>> {
        self.refused.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
