use std::time::Duration;

/// Terms on which a server is deleted or a slot is given back:
/// [`ServerRef::delete`](crate::ServerRef::delete),
/// [`ServerRef::release_slot`](crate::ServerRef::release_slot).
///
/// # Example
///
/// ```
/// use std::time::Duration;
/// use haproxyadmin::server::Removal;
///
/// let patient = Removal::new().within(Duration::from_secs(60));
/// let at_once = Removal::new().within(Duration::ZERO).force();
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
#[must_use]
pub struct Removal {
    within: Duration,
    force: bool,
}

impl Removal {
    /// Creates the default terms: sessions may end within 10 s, and are not ended by force.
    pub fn new() -> Self {
        Self { within: Duration::from_secs(10), force: false }
    }

    /// Sets the time in which the sessions on the server may end.
    ///
    /// It is independent of [`Limits::command_timeout`](crate::Limits::command_timeout), which
    /// applies to each command on its own here.
    pub fn within(mut self, time: Duration) -> Self {
        self.within = time;
        self
    }

    /// Ends the sessions that are left after this time: `shutdown sessions server B/S`. Clients see
    /// a cut connection or an error.
    pub fn force(mut self) -> Self {
        self.force = true;
        self
    }

    pub(super) fn time(&self) -> Duration {
        self.within
    }

    pub(super) fn is_forced(&self) -> bool {
        self.force
    }
}

impl Default for Removal {
    fn default() -> Self {
        Self::new()
    }
}
