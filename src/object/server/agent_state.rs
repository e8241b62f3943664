use crate::protocol::keywords;

/// Agent check result that an operator imposes on a server (`set server .. agent`).
///
/// # Example
///
/// ```no_run
/// # async fn example(server: haproxyadmin::ServerRef) -> haproxyadmin::Result<()> {
/// use haproxyadmin::server::AgentState;
///
/// server.set_agent(AgentState::Down).await?;
/// # Ok(())
/// # }
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum AgentState {
    /// The agent reports that the server is up.
    Up,
    /// The agent reports that the server is down.
    Down,
}

keywords!(AgentState, "state of an agent", { Up = "up", Down = "down" });
