/// The changes that commands have made to a described server.
#[derive(Debug, Clone, Default)]
#[allow(clippy::struct_excessive_bools, reason = "each is a property of its own")]
pub(in crate::fake) struct Live {
    /// Administrative state set by a command; `None` while the description applies.
    pub(in crate::fake) admin: Option<Admin>,
    /// Administrative state inherited from the tracked server.
    pub(in crate::fake) inherited: Option<Admin>,
    /// Status that follows from the health checks of the tracked server, if they take time.
    pub(in crate::fake) tracked: Option<Box<str>>,
    /// Operational state set by a command.
    pub(in crate::fake) health: Option<Health>,
    /// `uweight` and `weight`; the second may lag behind the first.
    pub(in crate::fake) weights: Option<(u32, u32)>,
    /// Set by `disable health`; the next field is set by `disable agent`.
    pub(in crate::fake) is_unchecked: bool,
    pub(in crate::fake) has_no_agent: bool,
    /// Set for a server that was added by a command; the next field is set until it is first enabled.
    pub(in crate::fake) is_added: bool,
    pub(in crate::fake) is_new: bool,
    /// Set if the command chose the number (`sid`).
    pub(in crate::fake) has_own_number: bool,
    /// Columns of `show servers state`, from here on.
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

/// Operational state that overrides the result of checks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::fake) enum Health {
    Up,
    Stopping,
    Down,
    /// Down according to its agent.
    AgentDown,
}

/// The state that a server inherits from the server it tracks.
#[derive(Debug)]
pub(in crate::fake) struct Inheritance {
    pub(super) admin: Admin,
    pub(super) health: Option<Health>,
    pub(super) is_unchecked: bool,
    /// Status that follows from its health checks, if they take time.
    pub(super) counted: Option<Box<str>>,
}

impl Live {
    /// Discards the changes to a column, because the description sets it again.
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
