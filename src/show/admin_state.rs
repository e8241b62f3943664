use crate::protocol::keywords;

/// What the operator wants of a server.
///
/// It says nothing about how the server is: that is its operational state, which
/// health checks find out. The state of a server in `show stat` mixes both; those
/// of [`ServerState`](crate::ServerState) are apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(rename_all = "lowercase"))]
pub enum AdminState {
    /// Takes all traffic.
    ///
    /// A server that leaves maintenance takes traffic at once, before any health check
    /// has passed. Its status is `UP 1/n` then, which counts towards down: it is known
    /// to be well only when the status is plain `UP`. See
    /// [`StatusDetail::Checks`](crate::StatusDetail::Checks).
    Ready,
    /// Takes only what belongs to it already, through a cookie or stick table;
    /// health checks go on.
    Drain,
    /// Takes no traffic, and health checks stop.
    Maint,
}

keywords!(AdminState, "administrative state", { Ready = "ready", Drain = "drain", Maint = "maint" });
