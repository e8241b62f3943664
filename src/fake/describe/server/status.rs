use std::borrow::Cow;

use tokio::time::Instant;

use super::live::Inheritance;
use super::{Admin, Health, Server};

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
    fn described_status(&self) -> Cow<'_, str> {
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
        let is_counted = self.counter.is_some() || live.tracked.is_some();
        let counted = state.strip_prefix("UP").filter(|_| is_counted && !self.has_agent());
        if !drains || ["DOWN", "NOLB"].iter().any(|word| state.starts_with(word)) {
            state
        } else if let Some(count) = counted {
            format!("DRAIN{count}")
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
        if let Some(counted) = self.counted_status() {
            return counted;
        }
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

    /// Returns the status that follows from checks that take time, its own or those of the tracked server.
    fn counted_status(&self) -> Option<String> {
        if self.live.health.is_some() {
            return None;
        }
        if let Some(tracked) = &self.live.tracked {
            return Some(tracked.to_string());
        }
        let counter = self.counter.as_ref().filter(|_| self.has_checks())?;
        match () {
            () if self.is_checked() => Some(counter.status()),
            () if counter.is_stopped() => Some("DOWN".to_owned()),
            () => None,
        }
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
            if let Some(counter) = &mut self.counter {
                counter.force(health, Instant::now());
            }
        }
    }

    /// Takes over the state of the tracked server. Returns `true` if that changes anything.
    pub(in crate::fake) fn inherit(&mut self, tracked: &Inheritance) -> bool {
        let live = &mut self.live;
        let before =
            (live.inherited.unwrap_or(Admin::Ready), live.health, live.is_unchecked, live.tracked.clone());
        (live.inherited, live.health, live.is_unchecked) =
            (Some(tracked.admin), tracked.health, tracked.is_unchecked);
        live.tracked.clone_from(&tracked.counted);
        if tracked.admin == Admin::Maint {
            live.check_health = Some(0);
        }
        before != (tracked.admin, tracked.health, tracked.is_unchecked, tracked.counted.clone())
    }

    /// Returns the state that the servers tracking this one inherit.
    pub(in crate::fake) fn inheritance(&self) -> Inheritance {
        let inherited = self.live.inherited.filter(|admin| *admin != Admin::Ready);
        let admin = inherited.unwrap_or(self.admin());
        let counted = self.counted_status().map(String::into_boxed_str);
        Inheritance { admin, health: self.live.health, is_unchecked: self.live.is_unchecked, counted }
    }
}
