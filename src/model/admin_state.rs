use std::fmt;

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
    Ready,
    /// Takes only what belongs to it already, through a cookie or stick table;
    /// health checks go on.
    Drain,
    /// Takes no traffic, and health checks stop.
    Maint,
}

impl AdminState {
    /// The word that HAProxy has for it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Ready => "ready",
            Self::Drain => "drain",
            Self::Maint => "maint",
        }
    }
}

impl fmt::Display for AdminState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}
