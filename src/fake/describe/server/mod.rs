pub(in crate::fake) mod check;
mod counter;
mod live;
mod status;

pub(in crate::fake) use live::{Admin, Health};

use std::borrow::Cow;
use std::time::Duration;

use tokio::time::Instant;

use super::cells::{Cells, setters};
use super::row::{HTTP, Row};
use crate::Version;
use crate::field::RowKind;
use counter::{Counter, FALL, INTER, RISE};
use live::Live;

/// A server of a [`Backend`](crate::fake::Backend); idle, without checks and with weight 1 by default.
///
/// As in HAProxy, columns that depend on a setting of the server are empty until they are set:
/// `slim`, `qlimit`, `throttle`, `tracked`, `cookie`, `hanafail`, `src_ilim`. Without
/// [`check`](Server::check), the columns of health checks are empty even if they are set, and
/// without [`agent`](Server::agent) the columns of agent checks. In `MAINT` the columns of health
/// checks are empty too.
///
/// Commands change a fake server as they change a HAProxy server. Its next check runs at once and
/// has the described result: a server that is set to ready returns to its described state. With
/// [`inter`](Server::inter) checks take their time, as they do in HAProxy.
///
/// # Example
///
/// ```
/// use haproxyadmin::fake::Server;
///
/// let web1 = Server::new("web1").check("L7OK").weight(100).set("stot", 5).set("slim", 50);
/// let spare = Server::new("spare").check("L4CON").set("last_chk", "Connection refused").backup();
/// ```
#[derive(Debug, Clone)]
#[must_use]
pub struct Server {
    pub(in crate::fake) name: Box<str>,
    pub(in crate::fake) cells: Cells,
    pub(in crate::fake) live: Live,
    /// Set if health checks take time.
    pub(in crate::fake) counter: Option<Counter>,
}

setters!(Server);

impl Server {
    /// Creates a server with this name.
    pub fn new(name: impl Into<Box<str>>) -> Self {
        Self { name: name.into(), cells: Cells::default(), live: Live::default(), counter: None }
    }

    /// Adds health checks with the latest result `status`, such as `L4OK` or `L7STS`.
    ///
    /// Short for setting `check_status`. The other columns of checks and the `status` of the server
    /// follow from it.
    pub fn check(self, status: &str) -> Self {
        self.set("check_status", status)
    }

    /// Makes a health check end every `inter`, by Tokio's clock: HAProxy's settings `inter`, and
    /// [`rise`](Self::rise) and [`fall`](Self::fall).
    ///
    /// The status of the server then follows from the checks that have ended. All checks have the result
    /// of [`check`](Self::check), and of [`Running::set_check`](crate::fake::Running::set_check) from
    /// then on. Three that fail lead from `UP` over `UP 2/3` and `UP 1/3` to `DOWN`; two that pass lead over
    /// `DOWN 1/2` to `UP`. A server that leaves maintenance is `UP 1/3` until its next check ends, `inter`
    /// later. Until the first change of result the server is up or down in full, as long after the start of
    /// HAProxy; [`starting`](Self::starting) makes it begin as at the start.
    ///
    /// The columns `chkfail`, `chkdown` and `lastchg` count along. Checks of servers that a command added
    /// take no time.
    ///
    /// # Example
    ///
    /// ```
    /// # #[cfg(unix)]
    /// # #[tokio::main(flavor = "current_thread", start_paused = true)]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// use std::time::Duration;
    /// use haproxyadmin::fake::{Backend, Process, Server};
    /// use haproxyadmin::{Cluster, wait};
    ///
    /// let web1 = Server::new("web1").check("L7OK").inter(Duration::from_secs(2)).rise(2).fall(3);
    /// let dir = tempfile::tempdir()?;
    /// let process = Process::new("3.4").backend(Backend::new("app").server(web1));
    /// let running = process.serve(dir.path().join("1.sock")).await?;
    /// let cluster = Cluster::from_dir(dir.path()).await?;
    /// let status = async || Ok::<_, haproxyadmin::Error>(cluster.server("app", "web1").await?.status().to_string());
    ///
    /// running.set_check("app", "web1", "L7STS")?;
    /// assert_eq!(status().await?, "UP");
    /// tokio::time::advance(Duration::from_secs(2)).await;
    /// assert_eq!(status().await?, "UP 2/3");
    /// tokio::time::advance(Duration::from_secs(4)).await;
    /// assert_eq!(status().await?, "DOWN");
    ///
    /// // The clock is paused, so the wait takes no real time.
    /// running.set_check("app", "web1", "L7OK")?;
    /// cluster.server_ref("app", "web1")?.wait_until(wait::is_up(), Duration::from_secs(30)).await?;
    /// # Ok(())
    /// # }
    /// # #[cfg(not(unix))]
    /// # fn main() {}
    /// ```
    pub fn inter(mut self, inter: Duration) -> Self {
        self.counter.get_or_insert_with(|| Counter::new(inter)).inter = inter;
        self
    }

    /// Sets the number of passed checks that make a server up that is down; short for setting `check_rise`.
    pub fn rise(self, checks: u32) -> Self {
        self.set("check_rise", checks)
    }

    /// Sets the number of failed checks that make a server down that is up; short for setting `check_fall`.
    pub fn fall(self, checks: u32) -> Self {
        self.set("check_fall", checks)
    }

    /// Makes it a server of a process that has just started, with checks every 2 seconds (HAProxy's default)
    /// unless [`inter`](Self::inter) sets another time: no check has ended, and its status is `UP 1/3`, or
    /// `UP -1/3` from 3.4 on.
    pub fn starting(mut self) -> Self {
        self.counter.get_or_insert_with(|| Counter::new(INTER)).is_starting = true;
        self
    }

    /// Adds agent checks with the latest result `status`. The `status` of the server does not
    /// follow from it.
    pub fn agent(self, status: &str) -> Self {
        self.set("agent_status", status)
    }

    /// Sets its weight; short for setting `weight`.
    pub fn weight(self, weight: u32) -> Self {
        self.set("weight", weight)
    }

    /// Makes it a backup: `act` is 0 and `bck` is 1.
    pub fn backup(self) -> Self {
        self.set("act", 0).set("bck", 1)
    }

    pub(in crate::fake) fn row(&self, mode: &str) -> Row<'_> {
        let mut row = Row::new(RowKind::Server, &self.name, &self.cells);
        row.force("status", self.status());
        row.default("weight", "1");
        row.default("uweight", self.effective_weight().to_string());
        if let Some((uweight, weight)) = self.live.weights {
            row.force("uweight", uweight.to_string());
            row.force("weight", weight.to_string());
        }
        row.default("act", "1");
        row.default("lastsess", "-1");
        row.default("addr", "127.0.0.1:80");
        row.without(OPTIONAL);
        if mode != "http" {
            row.without(HTTP);
        }
        let check = self.last_check();
        if check.is_empty() {
            row.without(COUNTED);
        } else if self.live.is_unchecked {
            row.never(COUNTED);
        }
        if !self.is_checked() || (self.is_in_maintenance() && !self.live.is_new) {
            row.never(CHECK);
        } else {
            if check::is_first(&check) {
                row.without(&["check_duration"]);
            }
            row.default("check_desc", check::description(&check));
            row.default("check_rise", RISE.to_string());
            row.default("check_fall", FALL.to_string());
            row.default("check_health", if check::passes(&check) { "4" } else { "0" });
            row.default("check_code", check::code(&check).map(|code| code.to_string()).unwrap_or_default());
        }
        if let Some(counter) = self.counter.as_ref().filter(|_| self.has_checks()) {
            self.count(counter, &mut row);
        }
        let agent = self.cells.text("agent_status").unwrap_or_default();
        if self.has_agent() {
            if check::is_first(&agent) {
                row.without(&["agent_duration"]);
            }
            row.default("agent_desc", check::description(&agent));
            row.default("agent_rise", "1");
            row.default("agent_fall", "1");
            row.default("agent_health", if check::passes(&agent) { "1" } else { "0" });
            // The answer of an agent has no code.
            row.default("agent_code", check::code(&agent).map(|_| "0").unwrap_or_default());
        } else {
            row.never(AGENT);
        }
        row
    }

    /// Writes the columns that follow from checks that take time.
    fn count(&self, counter: &Counter, row: &mut Row<'_>) {
        let (failed, downs) = counter.counts();
        let sum = |column, more| self.cells.number::<u64>(column).unwrap_or(0) + more;
        row.force("check_status", counter.last().to_owned());
        row.force("check_health", counter.health().to_string());
        row.force("chkfail", sum("chkfail", failed).to_string());
        row.force("chkdown", sum("chkdown", downs).to_string());
        if let Some(seconds) = counter.since_change() {
            row.force("lastchg", seconds.to_string());
        }
    }

    /// Returns the result of the last health check, or an empty text without checks.
    pub(in crate::fake) fn last_check(&self) -> Cow<'_, str> {
        match &self.counter {
            Some(counter) if self.has_checks() => counter.last().into(),
            _ => self.cells.text("check_status").unwrap_or_default(),
        }
    }

    /// Returns the seconds since the last change of the operational state, as a text.
    pub(in crate::fake) fn since_change(&self) -> Cow<'_, str> {
        let counted = self.counter.as_ref().and_then(Counter::since_change);
        counted.map_or_else(
            || self.cells.text("lastchg").unwrap_or("0".into()),
            |seconds| seconds.to_string().into(),
        )
    }

    /// Returns the reason why no HAProxy could run its checks, or `None` if one could.
    pub(in crate::fake) fn problem(&self) -> Option<&'static str> {
        let counter = self.counter.as_ref()?;
        if counter.inter < Duration::from_millis(1) {
            return Some("`inter` must be 1 ms or longer");
        }
        let is_zero = |column| self.cells.number::<u32>(column) == Some(0);
        (is_zero("check_rise") || is_zero("check_fall")).then_some("`rise` and `fall` must be 1 or more")
    }

    /// Begins the checks that take time, at the start of a process.
    pub(in crate::fake) fn begin_checks(&mut self, version: &Version) {
        let status = self.cells.text("check_status").unwrap_or_default();
        let number = |column, default| self.cells.number(column).unwrap_or(default);
        let (rise, fall) = (number("check_rise", RISE), number("check_fall", FALL));
        let is_in_maintenance = self.is_in_maintenance();
        if let Some(counter) = &mut self.counter {
            counter.set_numbers(rise, fall);
            counter.begin(Instant::now(), &status, is_in_maintenance, version);
        }
    }

    /// Ends the checks that are due. Returns `true` if the state of the server has changed.
    pub(in crate::fake) fn run_checks(&mut self, now: Instant) -> bool {
        let (is_checked, is_in_maintenance) = (self.is_checked(), self.is_in_maintenance());
        let status = self.cells.text("check_status").unwrap_or_default();
        let Some(counter) = self.counter.as_mut().filter(|_| !status.is_empty()) else { return false };
        let has_changed = counter.run(now, &status, is_checked, is_in_maintenance);
        if has_changed && self.live.health != Some(Health::AgentDown) {
            // The state given by a command lasts until a check changes it.
            self.live.health = None;
        }
        has_changed
    }

    /// Returns `true` if health checks run outside maintenance.
    pub(in crate::fake) fn is_checked(&self) -> bool {
        self.has_checks() && !self.live.is_unchecked
    }

    /// Returns `true` if health checks are configured.
    pub(in crate::fake) fn has_checks(&self) -> bool {
        self.cells.text("check_status").is_some_and(|status| !status.is_empty())
    }

    /// Returns `true` if agent checks run.
    pub(in crate::fake) fn has_agent(&self) -> bool {
        self.has_agent_checks() && !self.live.has_no_agent
    }

    /// Returns `true` if agent checks are configured.
    pub(in crate::fake) fn has_agent_checks(&self) -> bool {
        self.cells.text("agent_status").is_some_and(|status| !status.is_empty())
    }

    /// Returns `true` if it tracks another server.
    pub(in crate::fake) fn is_tracking(&self) -> bool {
        self.cells.text("tracked").is_some_and(|name| !name.is_empty())
    }

    /// Returns the status that follows from the latest health check.
    pub(in crate::fake) fn checked_status(&self) -> &'static str {
        match self.cells.text("check_status").as_deref() {
            _ if !self.is_checked() => "no check",
            Some("L7OKC") => "NOLB",
            Some(check) if check::passes(check) => "UP",
            _ => "DOWN",
        }
    }

    pub(in crate::fake) fn is_in_maintenance(&self) -> bool {
        self.status().starts_with("MAINT")
    }

    /// Returns `true` if it finishes at least its current sessions.
    pub(in crate::fake) fn is_running(&self) -> bool {
        !self.status().starts_with("DOWN") && !self.is_in_maintenance()
    }

    /// Returns `true` if it gets new requests.
    pub(in crate::fake) fn is_usable(&self) -> bool {
        let status = self.status();
        let leaving = ["DRAIN", "NOLB"].iter().any(|word| status.starts_with(word));
        self.is_running() && !leaving && self.effective_weight() > 0
    }

    pub(in crate::fake) fn is_backup(&self) -> bool {
        self.cells.number::<u32>("bck").is_some_and(|backup| backup > 0)
    }

    pub(in crate::fake) fn effective_weight(&self) -> u32 {
        self.live.weights.map_or_else(|| self.described_weight(), |(_, weight)| weight)
    }

    pub(in crate::fake) fn described_weight(&self) -> u32 {
        self.cells.number("weight").unwrap_or(1)
    }
}

/// Columns that are filled only if they are configured or have something to report.
const OPTIONAL: &[&str] = &["slim", "qlimit", "throttle", "hanafail", "src_ilim"];

/// Columns that are filled if health checks count.
const COUNTED: &[&str] = &["chkfail", "chkdown", "downtime"];

/// Columns that are filled while health checks run.
const CHECK: &[&str] = &[
    "check_status",
    "check_code",
    "check_duration",
    "check_desc",
    "check_rise",
    "check_fall",
    "check_health",
    "last_chk",
];

/// Columns that are filled while agent checks run.
const AGENT: &[&str] = &[
    "agent_status",
    "agent_code",
    "agent_duration",
    "agent_desc",
    "agent_rise",
    "agent_fall",
    "agent_health",
    "last_agt",
];
