//! What the process that is reloaded has at this moment, asked without the crate.

use std::time::Duration;

use tokio::time::{self, Instant};

use crate::site::Plan;
use crate::support::try_ask;

/// One answer, and the process that gave it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Look {
    pub(crate) pid: u32,
    pub(crate) text: String,
}

/// A server's weight and what the operator wants of it, as `show servers state` has
/// them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct ServerLook {
    pub(crate) weight: u32,
    pub(crate) admin_state: u32,
}

/// What became of a change that was said to have been made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fate {
    /// It is there.
    Kept,
    /// It is not, and the process that answered before it is another one by now: the
    /// change was made by a worker that is gone.
    Replaced,
    /// It is not, and the process is the one that was there before the change.
    Missing,
}

impl Look {
    /// Asks `line` and the process' number on one connection, so that both are of one
    /// process.
    pub(crate) async fn take(plan: &Plan, line: &str) -> Self {
        let start = Instant::now();
        loop {
            let reply = try_ask(&plan.socket, &format!("show info;{line}")).await.unwrap_or_default();
            let reply = String::from_utf8(reply).unwrap();
            // A worker that goes may close before it has answered.
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

    /// How many entries of a map have this key.
    pub(crate) fn entries(&self, key: &str) -> usize {
        self.text.lines().filter(|line| line.split(' ').nth(1) == Some(key)).count()
    }
}

/// Looks whether a change is there that `before` did not have.
///
/// While a worker is replaced, both accept connections. So one look is not enough to
/// say that a change is missing: the process that made it may be the one that answers
/// next.
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

/// Longer than it takes a new worker to answer alone.
const SETTLED: Duration = Duration::from_millis(1500);

const LIMIT: Duration = Duration::from_secs(30);
