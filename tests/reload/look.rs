//! The current state of the reloaded process, queried without the crate.

use std::time::Duration;

use tokio::time::{self, Instant};

use crate::site::Plan;
use crate::support::try_ask;

/// One answer and the PID of the process that gave it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Look {
    pub(crate) pid: u32,
    pub(crate) text: String,
}

/// The weight and the administrative state of a server in `show servers state`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct ServerLook {
    pub(crate) weight: u32,
    pub(crate) admin_state: u32,
}

/// The state of a change that was reported as made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fate {
    /// The process has the change.
    Kept,
    /// The change is lost, and another process answers now: the worker that made the change
    /// was replaced.
    Replaced,
    /// The change is missing, although the process is the same as before the change.
    Missing,
}

impl Look {
    /// Sends `show info` and `line` on one connection, because the PID and the answer must come
    /// from the same process.
    pub(crate) async fn take(plan: &Plan, line: &str) -> Self {
        let start = Instant::now();
        loop {
            let reply = try_ask(&plan.socket, &format!("show info;{line}")).await.unwrap_or_default();
            let reply = String::from_utf8(reply).unwrap();
            // A worker that stops may close the connection before it has answered.
            if let Some((info, text)) = reply.split_once("\n\n").filter(|_| reply.ends_with('\n')) {
                let pid = info.lines().find_map(|line| line.strip_prefix("Pid: "));
                return Self { pid: pid.unwrap().parse().unwrap(), text: text.to_owned() };
            }
            assert!(start.elapsed() < LIMIT, "no answer to {line:?}: {reply:?}");
        }
    }

    pub(crate) fn server(&self, name: &str) -> Option<ServerLook> {
        let mut lines = self.text.lines().map(|line| line.split(' '));
        let mut line = lines.find(|line| line.clone().nth(3) == Some(name))?;
        let admin_state = line.nth(6)?.parse().ok()?;
        Some(ServerLook { admin_state, weight: line.next()?.parse().ok()? })
    }

    /// Counts the entries of a map with this key.
    pub(crate) fn entries(&self, key: &str) -> usize {
        self.text.lines().filter(|line| line.split(' ').nth(1) == Some(key)).count()
    }
}

/// Finds out if a change is there. `before` is the PID of the process that answered before the
/// change.
///
/// While a worker is replaced, both workers accept connections. One look cannot prove that a
/// change is missing, because the worker that made it may answer the next one.
pub(crate) async fn fate(
    plan: &Plan,
    line: &str,
    before: u32,
    is_there: impl Fn(&Look) -> bool,
) -> (Fate, Look) {
    let start = Instant::now();
    loop {
        let look = Look::take(plan, line).await;
        if is_there(&look) {
            return (Fate::Kept, look);
        }
        if look.pid != before {
            return (Fate::Replaced, look);
        }
        if start.elapsed() > SETTLED {
            return (Fate::Missing, look);
        }
        time::sleep(Duration::from_millis(5)).await;
    }
}

/// A time after which only the new worker answers.
const SETTLED: Duration = Duration::from_millis(1500);

const LIMIT: Duration = Duration::from_secs(30);
