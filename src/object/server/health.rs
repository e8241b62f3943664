use crate::protocol::keywords;

/// Health check result that an operator imposes on a server (`set server .. health`).
///
/// The next checks may change it again. On a server without checks it is permanent.
///
/// # Example
///
/// ```no_run
/// # async fn example(server: haproxyadmin::ServerRef) -> haproxyadmin::Result<()> {
/// use haproxyadmin::server::Health;
///
/// server.set_health(Health::Stopping).await?;
/// # Ok(())
/// # }
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Health {
    /// The server is up.
    Up,
    /// The server is about to stop: it takes only traffic that belongs to it already.
    Stopping,
    /// The server is down.
    Down,
}

keywords!(Health, "health", { Up = "up", Stopping = "stopping", Down = "down" });
