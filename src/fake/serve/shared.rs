use std::sync::{Mutex, MutexGuard, PoisonError};

use tokio::sync::watch;

use crate::fake::describe::State;

/// The state that the connections of a process share.
pub(in crate::fake) struct Shared {
    pub(in crate::fake) state: Mutex<State>,
    pub(in crate::fake) paused: watch::Sender<bool>,
    /// Counts the events that were added to rings, and the processes that took the place of others.
    pub(in crate::fake) added: watch::Sender<u64>,
    /// Set when the process has ended.
    pub(in crate::fake) ended: watch::Sender<bool>,
}

impl Shared {
    pub(in crate::fake) fn new(state: State) -> Self {
        Self {
            state: Mutex::new(state),
            paused: watch::Sender::new(false),
            added: watch::Sender::new(0),
            ended: watch::Sender::new(false),
        }
    }

    pub(in crate::fake) fn state(&self) -> MutexGuard<'_, State> {
        // The state is consistent after every statement, so a poisoned lock does no harm.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
