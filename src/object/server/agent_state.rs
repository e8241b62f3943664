use crate::protocol::keywords;

/// What a server's agent check is made to have found (`set server .. agent`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum AgentState {
    /// The agent is well.
    Up,
    /// The agent says that the server is down.
    Down,
}

keywords!(AgentState, "state of an agent", { Up = "up", Down = "down" });
