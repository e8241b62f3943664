use crate::protocol::keywords;

/// What a server's health check is made to have found (`set server .. health`).
///
/// The next checks may find otherwise. A server without checks stays so.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Health {
    /// It is well.
    Up,
    /// It is about to stop: it takes only what belongs to it already.
    Stopping,
    /// It is down.
    Down,
}

keywords!(Health, "health", { Up = "up", Stopping = "stopping", Down = "down" });
