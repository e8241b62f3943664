use std::time::Duration;

/// Terms on which a server is drained: [`ServerRef::drain`](crate::ServerRef::drain).
///
/// If sessions are left at the end of the time, the server stays in drain and the outcome is an error,
/// unless the terms say [`or_force`](Drain::or_force) or [`or_undo`](Drain::or_undo). A [`Duration`]
/// becomes terms by itself.
///
/// # Example
///
/// ```
/// use std::time::Duration;
/// use haproxyadmin::drain::Drain;
///
/// let deploy = Drain::within(Duration::from_secs(60)).or_undo();
/// let shutdown = Drain::within(Duration::from_secs(10)).then_maint().or_force();
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
#[must_use]
pub struct Drain {
    pub(super) within: Duration,
    pub(super) then_maint: bool,
    pub(super) or: Or,
}

/// Measure at the end of the time, if sessions are left.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Or {
    Leave,
    Force,
    Undo,
}

impl Drain {
    /// Creates terms with a time in which the sessions may end.
    ///
    /// The time is independent of [`Limits::command_timeout`](crate::Limits::command_timeout), which
    /// applies to each command on its own here.
    pub const fn within(time: Duration) -> Self {
        Self { within: time, then_maint: false, or: Or::Leave }
    }

    /// Puts the server into maintenance on each process on which it is drained, with
    /// [`or_undo`](Drain::or_undo) as soon as it is drained on all of them. Its health checks stop.
    pub const fn then_maint(mut self) -> Self {
        self.then_maint = true;
        self
    }

    /// Ends the sessions that are left at the end of the time: `shutdown sessions server B/S`. Clients
    /// see a cut connection or an error. Requests that wait in the server's queue go to other servers.
    /// The drain then waits up to 5 s for the sessions to end. An old worker refuses the command.
    pub const fn or_force(mut self) -> Self {
        self.or = Or::Force;
        self
    }

    /// Sets every process back to the administrative state that it had before, if any process has
    /// sessions left at the end of the time or fails, or if the drain is
    /// [stopped](super::Draining::until). A process keeps a state that this drain has not set.
    ///
    /// The commands have the time of a call of their own:
    /// [`Limits::command_timeout`](crate::Limits::command_timeout).
    pub const fn or_undo(mut self) -> Self {
        self.or = Or::Undo;
        self
    }
}

impl From<Duration> for Drain {
    fn from(time: Duration) -> Self {
        Self::within(time)
    }
}
