use std::fmt;

/// What a server's health check is made to have found (`set server .. health`).
///
/// The next checks may find otherwise.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Health {
    /// It is well.
    Up,
    /// It is about to stop: it takes only what belongs to it already.
    Stopping,
    /// It is down.
    Down,
}

impl fmt::Display for Health {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Up => "up",
            Self::Stopping => "stopping",
            Self::Down => "down",
        })
    }
}
