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
    pub(super) admin: Admin,
    pub(super) health: Option<Health>,
    pub(super) is_unchecked: bool,
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
