pub(in crate::fake) mod check;
mod live;

pub(in crate::fake) use live::{Admin, Health};

use super::cells::{Cells, setters};
use super::row::{HTTP, Row};
use crate::field::RowKind;
use live::{Inheritance, Live};

/// A server of a [`Backend`](crate::fake::Backend); idle, without checks and with weight 1 by default.
///
/// As in HAProxy, columns that depend on a setting of the server are empty until they are set:
/// `slim`, `qlimit`, `throttle`, `tracked`, `cookie`, `hanafail`, `src_ilim`. Without
/// [`check`](Server::check), the columns of health checks are empty even if they are set, and
/// without [`agent`](Server::agent) the columns of agent checks. In `MAINT` the columns of health
/// checks are empty too.
///
/// Commands change a fake server as they change a HAProxy server. Its next check runs at once and
/// has the described result: a server that is set to ready returns to its described state.
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
}

setters!(Server);

impl Server {
    /// Creates a server with this name.
    pub fn new(name: impl Into<Box<str>>) -> Self {
        Self { name: name.into(), cells: Cells::default(), live: Live::default() }
    }

    /// Adds health checks with the latest result `status`, such as `L4OK` or `L7STS`.
    ///
    /// Short for setting `check_status`. The other columns of checks and the `status` of the server
    /// follow from it.
    pub fn check(self, status: &str) -> Self {
        self.set("check_status", status)
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
        let check = self.cells.text("check_status").unwrap_or_default();
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
            row.default("check_rise", "2");
            row.default("check_fall", "3");
            row.default("check_health", if check::passes(&check) { "4" } else { "0" });
            row.default("check_code", check::code(&check).map(|code| code.to_string()).unwrap_or_default());
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

impl Server {
    /// Returns the administrative state, from a command or from the description.
    pub(in crate::fake) fn admin(&self) -> Admin {
        self.live.admin.unwrap_or_else(|| match self.described_status() {
            told if told.starts_with("MAINT") && !told.starts_with("MAINT (") => Admin::Maint,
            told if told.starts_with("DRAIN") => Admin::Drain,
            _ => Admin::Ready,
        })
    }

    /// Returns `true` if the description puts it into maintenance.
    pub(in crate::fake) fn is_disabled_by_description(&self) -> bool {
        self.described_status() == "MAINT"
    }

    /// Returns the status in the description.
    fn described_status(&self) -> std::borrow::Cow<'_, str> {
        self.cells.text("status").unwrap_or_default()
    }

    pub(in crate::fake) fn status(&self) -> String {
        let (told, live) = (self.described_status(), &self.live);
        match (live.inherited, self.admin()) {
            (Some(Admin::Maint), _) => {
                return format!("MAINT (via {})", self.cells.text("tracked").unwrap_or_default());
            }
            // The description names a tracked server, or a name that is not resolved.
            (None, _) if told.starts_with("MAINT (") => return told.into_owned(),
            (_, Admin::Maint) => return "MAINT".to_owned(),
            _ => {}
        }
        let state = self.operation();
        let drains = self.admin() == Admin::Drain || live.inherited == Some(Admin::Drain);
        if !drains || ["DOWN", "NOLB"].iter().any(|word| state.starts_with(word)) {
            state
        } else if live.admin.is_none() && told.starts_with("DRAIN") {
            told.into_owned()
        } else if self.has_agent() {
            "DRAIN (agent)".to_owned()
        } else {
            "DRAIN".to_owned()
        }
    }

    /// Returns the status without regard to the administrative state.
    fn operation(&self) -> String {
        let told = self.described_status();
        let is_checked = self.is_checked() || (self.is_tracking() && !self.live.is_unchecked);
        let said = match self.live.health {
            Some(Health::Down) if self.has_agent() && !is_checked => "DOWN 0/2",
            Some(Health::Down) => "DOWN",
            Some(Health::AgentDown) => "DOWN (agent)",
            Some(Health::Stopping) => "NOLB",
            Some(Health::Up) if is_checked => "UP",
            Some(Health::Up) => "no check",
            None if told.is_empty() || told.starts_with("MAINT") || told.starts_with("DRAIN") => {
                self.checked_status()
            }
            None if told.starts_with("UP") && self.live.is_unchecked => "no check",
            None => &told,
        };
        said.to_owned()
    }

    /// Returns `true` if no check has run outside maintenance.
    pub(in crate::fake) fn has_never_run(&self) -> bool {
        self.is_disabled_by_description() || self.live.is_new
    }

    /// Makes it a server that was just added with this number: in maintenance, and without running
    /// checks.
    pub(in crate::fake) fn add(&mut self, sid: i64) {
        self.cells.set("sid", sid.into());
        let live = &mut self.live;
        (live.is_added, live.is_new, live.is_unchecked) = (true, true, true);
        (live.admin, live.has_no_agent) = (Some(Admin::Maint), true);
    }

    /// Sets the administrative state.
    pub(in crate::fake) fn administer(&mut self, admin: Admin) {
        let before = self.admin();
        self.live.admin = Some(admin);
        self.live.is_new &= admin == Admin::Maint;
        if admin == Admin::Maint {
            self.live.check_health = Some(0);
        } else if before == Admin::Maint {
            // The server starts afresh after maintenance.
            self.live.health = None;
            self.live.weights = self.live.weights.map(|(uweight, _)| (uweight, uweight));
        }
    }

    /// Sets the operational state; has no effect in maintenance.
    pub(in crate::fake) fn heal(&mut self, health: Health) {
        if !self.is_in_maintenance() {
            self.live.health = Some(health);
            let is_down = matches!(health, Health::Down | Health::AgentDown);
            self.live.check_health = Some(if is_down { 0 } else { 4 });
        }
    }
    /// Takes over the state of the tracked server. Returns `true` if that changes anything.
    pub(in crate::fake) fn inherit(&mut self, tracked: &Inheritance) -> bool {
        let live = &mut self.live;
        let before = (live.inherited.unwrap_or(Admin::Ready), live.health, live.is_unchecked);
        (live.inherited, live.health, live.is_unchecked) =
            (Some(tracked.admin), tracked.health, tracked.is_unchecked);
        if tracked.admin == Admin::Maint {
            live.check_health = Some(0);
        }
        before != (tracked.admin, tracked.health, tracked.is_unchecked)
    }

    /// Returns the state that the servers tracking this one inherit.
    pub(in crate::fake) fn inheritance(&self) -> Inheritance {
        let inherited = self.live.inherited.filter(|admin| *admin != Admin::Ready);
        let admin = inherited.unwrap_or(self.admin());
        Inheritance { admin, health: self.live.health, is_unchecked: self.live.is_unchecked }
    }
}
