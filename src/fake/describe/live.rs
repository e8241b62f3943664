use super::server::Server;

/// What commands have made of a server, over its description.
#[derive(Debug, Clone, Default)]
pub(in crate::fake) struct Live {
    /// What it was told to be; nothing while the description holds.
    pub(in crate::fake) admin: Option<Admin>,
    /// What the server it tracks has been told to be.
    pub(in crate::fake) inherited: Option<Admin>,
    /// What it was said to be like.
    pub(in crate::fake) health: Option<Health>,
    /// `uweight`, and `weight`, which may lag behind.
    pub(in crate::fake) weights: Option<(u32, u32)>,
    /// `disable health` and `disable agent`.
    pub(in crate::fake) is_unchecked: bool,
    pub(in crate::fake) has_no_agent: bool,
    /// Of `show servers state`.
    pub(in crate::fake) check_health: Option<u32>,
    pub(in crate::fake) check_port: Option<u16>,
    pub(in crate::fake) check_addr: Option<Box<str>>,
    pub(in crate::fake) agent_port: Option<u16>,
    pub(in crate::fake) agent_addr: Option<Box<str>>,
}

/// Administrative state.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::fake) enum Admin {
    Ready,
    Drain,
    Maint,
}

/// Operational state, where it is not what checks say.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::fake) enum Health {
    Up,
    Stopping,
    Down,
    /// Down by its agent.
    AgentDown,
}

/// What a server takes over from the one that it tracks.
#[derive(Debug)]
pub(in crate::fake) struct Inheritance {
    admin: Admin,
    health: Option<Health>,
    is_unchecked: bool,
}

impl Live {
    /// Forgets what a column says that the description sets anew.
    pub(in crate::fake) fn forget(&mut self, column: &str) {
        match column {
            "status" => (self.admin, self.inherited, self.health) = (None, None, None),
            "weight" | "uweight" => self.weights = None,
            "check_status" => (self.is_unchecked, self.health) = (false, None),
            "agent_status" => self.has_no_agent = false,
            _ => {}
        }
    }
}

impl Server {
    /// What the operator wants, by command or by description.
    pub(in crate::fake) fn admin(&self) -> Admin {
        self.live.admin.unwrap_or_else(|| match self.described_status() {
            told if told.starts_with("MAINT") && !told.starts_with("MAINT (") => Admin::Maint,
            told if told.starts_with("DRAIN") => Admin::Drain,
            _ => Admin::Ready,
        })
    }

    /// Whether its description puts it into maintenance.
    pub(in crate::fake) fn is_disabled_by_description(&self) -> bool {
        self.described_status() == "MAINT"
    }

    /// What the description says of its status.
    fn described_status(&self) -> std::borrow::Cow<'_, str> {
        self.cells.text("status").unwrap_or_default()
    }

    pub(in crate::fake) fn status(&self) -> String {
        let (told, live) = (self.described_status(), &self.live);
        match (live.inherited, self.admin()) {
            (Some(Admin::Maint), _) => {
                return format!("MAINT (via {})", self.cells.text("tracked").unwrap_or_default());
            }
            // By the tracked server of the description, or by a name without address.
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

    /// Its status but for what the operator wants.
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

    /// Tells it what to be.
    pub(in crate::fake) fn administer(&mut self, admin: Admin) {
        let before = self.admin();
        self.live.admin = Some(admin);
        if admin == Admin::Maint {
            self.live.check_health = Some(0);
        } else if before == Admin::Maint {
            // It starts afresh.
            self.live.health = None;
            self.live.weights = self.live.weights.map(|(uweight, _)| (uweight, uweight));
        }
    }

    /// Says what it is like, which means nothing in maintenance.
    pub(in crate::fake) fn heal(&mut self, health: Health) {
        if !self.is_in_maintenance() {
            self.live.health = Some(health);
            let is_down = matches!(health, Health::Down | Health::AgentDown);
            self.live.check_health = Some(if is_down { 0 } else { 4 });
        }
    }
    /// Becomes like the server it tracks. Tells whether that changes anything.
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

    /// What those inherit that track it.
    pub(in crate::fake) fn inheritance(&self) -> Inheritance {
        let inherited = self.live.inherited.filter(|admin| *admin != Admin::Ready);
        let admin = inherited.unwrap_or(self.admin());
        Inheritance { admin, health: self.live.health, is_unchecked: self.live.is_unchecked }
    }
}
