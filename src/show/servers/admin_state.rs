use crate::protocol::keywords;

/// State of a server as requested by the operator.
///
/// It is independent of the operational state, which HAProxy derives from health checks. The status
/// of a server in `show stat` mixes both; [`ServerState`](crate::server::ServerState) keeps them apart.
///
/// # Example
///
/// ```no_run
/// use haproxyadmin::AdminState;
///
/// # async fn example(server: haproxyadmin::ServerRef) -> haproxyadmin::Result<()> {
/// server.set_state(AdminState::Drain).await?;
/// # Ok(())
/// # }
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(rename_all = "lowercase"))]
#[non_exhaustive]
pub enum AdminState {
    /// Takes all traffic.
    ///
    /// A server that leaves maintenance takes traffic at once, before any health check has passed.
    /// Its status is then `UP 1/n`, which counts down: it is known to be healthy only when the
    /// status is plain `UP`. See [`StatusDetail::Checks`](crate::stat::StatusDetail::Checks).
    Ready,
    /// Takes only requests that are bound to it by a cookie or a stick table; health checks
    /// continue.
    Drain,
    /// Takes no traffic, and its health checks stop.
    Maint,
}

keywords!(AdminState, "administrative state", { Ready = "ready", Drain = "drain", Maint = "maint" });
