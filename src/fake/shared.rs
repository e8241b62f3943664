use std::sync::{Mutex, MutexGuard, PoisonError};

use tokio::sync::watch;

use super::state::State;

/// What the connections of a process share.
pub(super) struct Shared {
    pub(super) state: Mutex<State>,
    pub(super) paused: watch::Sender<bool>,
}

impl Shared {
    pub(super) fn state(&self) -> MutexGuard<'_, State> {
        // What it holds is whole after every statement.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
