use std::sync::atomic::{AtomicBool, Ordering};

use tokio::sync::{OwnedSemaphorePermit, Semaphore, SemaphorePermit};

use super::parsing_time::ParsingTime;
use crate::error::{ErrorKind, Result};

/// Permits for the connections of a whole cluster, and the time that its replies take.
///
/// An unresponsive process holds its permit until its deadline. Processes that have timed out share a
/// half of the permits, so commands to processes that answer do not wait for them. With a single
/// permit, every command waits for every other.
#[derive(Debug)]
pub(crate) struct Permits {
    all: Semaphore,
    /// Permits that a process needs, before a permit of `all`, if its last command timed out.
    unresponsive: Semaphore,
    count: usize,
    pub(super) parsing_time: ParsingTime,
}

/// Record of a process: whether its last command timed out.
#[derive(Debug, Default)]
pub(super) struct Reachability {
    timed_out: AtomicBool,
}

/// Right to have one connection open, released on drop.
#[derive(Debug, Default)]
pub(super) struct Permit<'a> {
    /// Permits of the socket.
    own: Vec<OwnedSemaphorePermit>,
    /// Permits of the cluster.
    held: Vec<SemaphorePermit<'a>>,
}

impl Permits {
    /// Makes `count` permits; 0 counts as 1.
    pub(crate) fn new(count: usize) -> Self {
        let count = count.clamp(1, Semaphore::MAX_PERMITS);
        Self {
            all: Semaphore::new(count),
            unresponsive: Semaphore::new(count.div_ceil(2)),
            count,
            parsing_time: ParsingTime::default(),
        }
    }

    /// Returns the number of all permits, including permits in use.
    pub(crate) fn count(&self) -> usize {
        self.count
    }

    /// Waits for a permit.
    pub(super) async fn acquire(&self, reachability: &Reachability) -> Permit<'_> {
        // `acquire` fails only if the semaphore is closed, which never happens.
        let mut permit = Permit::default();
        if reachability.timed_out.load(Ordering::Relaxed) {
            permit.hold(self.unresponsive.acquire().await.ok());
        }
        permit.hold(self.all.acquire().await.ok());
        permit
    }
}

impl Reachability {
    /// Waits for an exchange, and records whether it timed out. An exchange that is dropped before
    /// its end counts as timed out.
    pub(super) async fn watch<T>(&self, exchange: impl Future<Output = Result<T>>) -> Result<T> {
        let mut exchanging = Exchanging { reachability: self, timed_out: true };
        let result = exchange.await;
        exchanging.timed_out = result.as_ref().is_err_and(|error| error.kind() == ErrorKind::Timeout);
        result
    }
}

/// An exchange that has not ended yet.
struct Exchanging<'a> {
    reachability: &'a Reachability,
    timed_out: bool,
}

impl Drop for Exchanging<'_> {
    fn drop(&mut self) {
        self.reachability.timed_out.store(self.timed_out, Ordering::Relaxed);
    }
}

impl<'a> Permit<'a> {
    /// Adds a permit of the cluster, which is released together with the others.
    pub(super) fn hold(&mut self, permit: Option<SemaphorePermit<'a>>) {
        self.held.extend(permit);
    }

    /// Adds the permits of the socket, which are released together with the others.
    pub(super) fn hold_own(&mut self, permits: Vec<OwnedSemaphorePermit>) {
        self.own = permits;
    }

    /// Takes the permits of the socket out, to be released later than the others.
    pub(super) fn take_own(&mut self) -> Vec<OwnedSemaphorePermit> {
        std::mem::take(&mut self.own)
    }
}

#[cfg(test)]
mod tests {
    use futures::FutureExt as _;

    use super::*;

    #[test]
    fn processes_that_hang_never_hold_all_permits() {
        let permits = Permits::new(8);
        let (hung, well) = (Reachability::default(), Reachability::default());
        hung.timed_out.store(true, Ordering::Relaxed);
        let held: Vec<_> = (0..20).filter_map(|_| permits.acquire(&hung).now_or_never()).collect();
        assert_eq!(held.len(), 4);
        assert!(permits.acquire(&well).now_or_never().is_some());
        drop(held);
        let answered = hung.watch(async { Ok(()) }).now_or_never();
        assert!(answered.is_some());
        let held: Vec<_> = (0..20).filter_map(|_| permits.acquire(&hung).now_or_never()).collect();
        assert_eq!(held.len(), 8);
    }

    #[test]
    fn an_exchange_that_is_given_up_counts_as_too_late() {
        let process = Reachability::default();
        drop(Box::pin(process.watch(std::future::pending::<Result<()>>())).now_or_never());
        assert!(process.timed_out.load(Ordering::Relaxed));
    }

    #[test]
    fn there_is_always_a_permit() {
        assert!(Permits::new(0).acquire(&Reachability::default()).now_or_never().is_some());
    }
}
