use super::cells::{Cells, setters};
use super::check;
use super::row::{HTTP, Row};
use crate::field::Kind;

/// A server of a [`Backend`](super::Backend), as described; idle, without checks
/// and of weight 1 if nothing else is set.
///
/// Columns that depend on a setting of the server are empty until they are set, as
/// in HAProxy: `slim`, `qlimit`, `throttle`, `tracked`, `cookie`, `hanafail`,
/// `src_ilim`.
/// Those of health and agent checks are empty, whatever is set, without
/// [`check`](Server::check) and [`agent`](Server::agent), and in `MAINT`.
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
    pub(super) name: Box<str>,
    pub(super) cells: Cells,
}

setters!(Server);

impl Server {
    /// A server of that name.
    pub fn new(name: impl Into<Box<str>>) -> Self {
        Self { name: name.into(), cells: Cells::default() }
    }

    /// Gives it health checks whose latest result is `status`, such as `L4OK` or
    /// `L7STS`: short for setting `check_status`, with which the other columns of
    /// checks and the server's own `status` follow.
    pub fn check(self, status: &str) -> Self {
        self.set("check_status", status)
    }

    /// Gives it agent checks whose latest result is `status`. The server's own
    /// `status` does not follow.
    pub fn agent(self, status: &str) -> Self {
        self.set("agent_status", status)
    }

    /// Its weight; short for setting `weight`.
    pub fn weight(self, weight: u32) -> Self {
        self.set("weight", weight)
    }

    /// Makes it a backup: `act` 0 and `bck` 1.
    pub fn backup(self) -> Self {
        self.set("act", 0).set("bck", 1)
    }

    pub(super) fn row(&self, mode: &str) -> Row<'_> {
        let mut row = Row::new(Kind::Server, &self.name, &self.cells);
        row.default("status", self.status());
        row.default("weight", "1");
        row.default("uweight", self.effective_weight().to_string());
        row.default("act", "1");
        row.default("lastsess", "-1");
        row.default("addr", "127.0.0.1:80");
        row.without(OPTIONAL);
        if mode != "http" {
            row.without(HTTP);
        }
        let check = self.cells.text("check_status").unwrap_or_default();
        if check.is_empty() {
            row.without(&["chkfail", "chkdown", "downtime"]);
        }
        if check.is_empty() || self.is_in_maintenance() {
            row.never(CHECK);
        } else {
            if check::is_first(&check) {
                row.without(&["check_duration"]);
            }
            row.default("check_desc", check::description(&check));
            row.default("check_rise", "2");
            row.default("check_fall", "3");
            row.default("check_health", if check::passes(&check) { "4" } else { "0" });
            row.default("check_code", check::code(&check).map(|code| code.to_string()).unwrap_or_default());
        }
        let agent = self.cells.text("agent_status").unwrap_or_default();
        if agent.is_empty() || self.is_in_maintenance() {
            row.never(AGENT);
        } else {
            if check::is_first(&agent) {
                row.without(&["agent_duration"]);
            }
            row.default("agent_desc", check::description(&agent));
            row.default("agent_rise", "1");
            row.default("agent_fall", "1");
            row.default("agent_health", if check::passes(&agent) { "1" } else { "0" });
            // An agent answers without a code.
            row.default("agent_code", check::code(&agent).map(|_| "0").unwrap_or_default());
        }
        row
    }

    pub(super) fn status(&self) -> String {
        if let Some(status) = self.cells.text("status") {
            return status.into_owned();
        }
        match self.cells.text("check_status").as_deref() {
            None | Some("") => "no check",
            Some("L7OKC") => "NOLB",
            Some(check) if check::passes(check) => "UP",
            Some(_) => "DOWN",
        }
        .to_owned()
    }

    pub(super) fn is_in_maintenance(&self) -> bool {
        self.status().starts_with("MAINT")
    }

    /// Whether it would at least finish what it has.
    pub(super) fn is_running(&self) -> bool {
        !self.status().starts_with("DOWN") && !self.is_in_maintenance()
    }

    /// Whether it gets new requests.
    pub(super) fn is_usable(&self) -> bool {
        let status = self.status();
        let leaving = ["DRAIN", "NOLB"].iter().any(|word| status.starts_with(word));
        self.is_running() && !leaving && self.effective_weight() > 0
    }

    pub(super) fn is_backup(&self) -> bool {
        self.cells.number::<u32>("bck").is_some_and(|backup| backup > 0)
    }

    pub(super) fn effective_weight(&self) -> u32 {
        self.cells.number("weight").unwrap_or(1)
    }
}

/// Filled only where the configuration says so, or there is something to say.
const OPTIONAL: &[&str] = &["slim", "qlimit", "throttle", "hanafail", "src_ilim"];

/// Filled while health checks run.
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

/// Filled while agent checks run.
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
