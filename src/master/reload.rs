//! Reloads of the configuration.

use std::time::Duration;

use super::{Answer, LIST, Master, ProcessList, answer};
use crate::error::{Error, ErrorKind, Problem, Result};
use crate::level::Level;
use crate::protocol::{self, Request};
use crate::transport::{Deadline, Step};

/// A reload that succeeded.
///
/// # Example
///
/// ```no_run
/// # async fn example(master: haproxyadmin::master::Master) -> haproxyadmin::Result<()> {
/// let reload = master.reload().await?;
/// for message in reload.messages.iter().flat_map(|messages| messages.lines()) {
///     println!("{message}");
/// }
/// # Ok(())
/// # }
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[non_exhaustive]
pub struct Reload {
    /// Messages of the start of the new worker, one on each line. `None` before 2.7, which prints
    /// them only on stderr of the master, and if HAProxy was built without `USE_SHM_OPEN`.
    pub messages: Option<Box<str>>,
    /// Processes of the master after the reload, with the new workers.
    pub processes: ProcessList,
}

impl Master {
    /// Reloads the configuration, and waits until it has succeeded or failed: `reload`. Needs level
    /// operator.
    ///
    /// The master starts new workers. The former ones accept no new connections and end when their
    /// connections have ended. From 2.7 on the master reports the outcome itself. Before, this call
    /// asks for the processes until the master has counted one more reload.
    ///
    /// The new worker begins anew: states, weights and entries that were changed at run time are
    /// those of the configuration again.
    ///
    /// The whole call ends within [`Limits::command_timeout`](crate::Limits::command_timeout), 10
    /// seconds by default. A large configuration may take longer to load: give such a master more
    /// time. The idle limit has no effect, because the master is silent while it loads.
    ///
    /// # Errors
    ///
    /// - [`Refused`](crate::ErrorKind::Refused) if the new configuration could not be loaded. The
    ///   text has HAProxy's messages, and the worker that goes on serving with the former
    ///   configuration. Before 2.7 HAProxy prints the messages only on stderr of the master.
    /// - [`PermissionDenied`](crate::ErrorKind::PermissionDenied) if the level of the socket is
    ///   `user`.
    /// - [`OutcomeUnknown`](crate::ErrorKind::OutcomeUnknown) if the command was sent, and the
    ///   outcome was not known before the time was up. [`processes`](Self::processes) tells it
    ///   later.
    /// - The errors of [`processes`](Self::processes), and nothing was sent.
    ///
    /// If another client reloads at the same time, the result may be the outcome of its reload.
    ///
    /// # Example
    ///
    /// ```no_run
    /// # async fn example(master: haproxyadmin::master::Master) -> haproxyadmin::Result<()> {
    /// use haproxyadmin::ErrorKind;
    ///
    /// match master.reload().await {
    ///     Ok(reload) => println!("{} reloads so far", reload.processes.master.reloads),
    ///     Err(error) if error.kind() == ErrorKind::Refused => eprintln!("bad configuration: {error}"),
    ///     Err(error) => return Err(error),
    /// }
    /// # Ok(())
    /// # }
    /// ```
    #[doc(alias = "SIGUSR2")]
    pub async fn reload(&self) -> Result<Reload> {
        let limits = *self.limits();
        let deadline = &Deadline::new(limits.with_idle_timeout(limits.command_timeout));
        let before = self.list(deadline).await?;
        let report = self.report(deadline).await?;
        let context = self.own.with_context(RELOAD);
        let after = self.reloaded(&before, deadline).await.map_err(Error::into_unknown).map_err(&context)?;
        let (is_loaded, messages) = match report {
            Some(Report { is_loaded, messages }) => (is_loaded, messages),
            None => (!after.has_failed_reload(), None),
        };
        if is_loaded {
            return Ok(Reload { messages, processes: after });
        }
        Err(context(Error::new(Problem::ReloadFailed(failure(messages.as_deref(), &after)))))
    }

    /// Sends `reload` and returns the report of the master. Returns `None` if the connection ended
    /// without one, as it always does before 2.7.
    async fn report(&self, deadline: &Deadline) -> Result<Option<Report>> {
        let request = Request::checked("", RELOAD, None, RELOAD, true)?;
        let mut answer = Answer::default();
        if let Err(error) = self.own.exchange_once(&request, deadline, &mut answer).await {
            let cause = error.clone().without_effect().kind();
            let is_over = matches!(cause, ErrorKind::Closed | ErrorKind::Io);
            // If nothing was sent, nothing is reloaded.
            return if error.is_unknown() && is_over { Ok(None) } else { Err(error) };
        }
        let bytes = answer.into_bytes();
        // The connection broke within the report. The list of processes has the outcome too.
        if protocol::check_ending(&bytes).is_err() {
            return Ok(None);
        }
        let text = String::from_utf8_lossy(&bytes);
        let checked = answer::check(&text, Level::Operator).map_err(Error::new);
        checked.map_err(self.own.with_context(RELOAD))?;
        // If the reply has another form, the list of processes has the outcome.
        Ok(Report::read(&text))
    }

    /// Asks for the processes until the master has counted one more reload than `before`.
    ///
    /// The master executes itself anew. Meanwhile it closes connections, and before 2.4 it also
    /// refuses them.
    async fn reloaded(&self, before: &ProcessList, deadline: &Deadline) -> Result<ProcessList> {
        let mut pause = FIRST_PAUSE;
        loop {
            // A connection that the master lost may stay open without an answer.
            match self.list(&deadline.share(2)).await {
                Ok(after) if after.master.pid != before.master.pid => {
                    return Err(self.own.with_context(LIST)(Error::new(Problem::Replaced)));
                }
                Ok(after) if after.master.reloads > before.master.reloads => return Ok(after),
                Err(error) if !is_passing(error.kind()) => return Err(error),
                Ok(_) | Err(_) => {}
            }
            deadline.sleep(WAITING, pause).await?;
            pause = (pause * 2).min(LAST_PAUSE);
        }
    }
}

/// Report of a master from 2.7 on about a reload.
struct Report {
    is_loaded: bool,
    messages: Option<Box<str>>,
}

impl Report {
    /// Reads `Success=1` or `Success=0`, and the messages behind a line `--`.
    fn read(text: &str) -> Option<Self> {
        let (outcome, rest) = text.split_once('\n')?;
        let is_loaded = match outcome {
            "Success=1" => true,
            "Success=0" => false,
            _ => return None,
        };
        let messages = rest.strip_prefix("--\n").map(|messages| messages.trim_end().into());
        Some(Self { is_loaded, messages })
    }
}

/// Describes a reload that failed: the workers that go on serving, and the reasons.
fn failure(messages: Option<&str>, processes: &ProcessList) -> String {
    let pids: Vec<_> = processes.serving().iter().map(|worker| worker.pid.to_string()).collect();
    let serving = match pids.as_slice() {
        [] => "no worker serves".to_owned(),
        pids => format!("the former configuration goes on, in worker {}", pids.join(", ")),
    };
    let Some(messages) = messages else {
        return format!("reload failed, {serving}; before 2.7 only stderr of the master has the reasons");
    };
    let alerts: Vec<_> = messages.lines().filter(|line| line.starts_with("[ALERT]")).collect();
    let reasons = if alerts.is_empty() { messages.to_owned() } else { alerts.join("\n") };
    format!("reload failed, {serving}: {reasons:?}")
}

/// Returns `true` if a master that executes itself anew causes the error.
fn is_passing(kind: ErrorKind) -> bool {
    use ErrorKind::{Closed, Connect, Io, Timeout, Truncated};
    matches!(kind, Connect | Closed | Io | Truncated | Timeout)
}

const RELOAD: &str = "reload";

const WAITING: Step = Step::new("waiting for the reload", "outcome");

/// Pauses before the processes are asked for again.
const FIRST_PAUSE: Duration = Duration::from_millis(5);
const LAST_PAUSE: Duration = Duration::from_millis(200);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_report_has_the_outcome_and_the_messages() {
        for (text, expected) in [
            ("Success=1\n--\n[NOTICE] a\n[NOTICE] b\n\n", Some((true, Some("[NOTICE] a\n[NOTICE] b")))),
            ("Success=0\n\n", Some((false, None))),
            ("Success=2\n\n", None),
            ("Success", None),
        ] {
            let report = Report::read(text);
            let found = report.as_ref().map(|report| (report.is_loaded, report.messages.as_deref()));
            assert_eq!(found, expected, "{text:?}");
        }
    }
}
