use std::sync::atomic::{AtomicBool, Ordering};

use tokio::sync::{OwnedSemaphorePermit, Semaphore, SemaphorePermit};

use crate::error::{ErrorKind, Result};

/// Permits for the connections that a whole cluster may have open at a time.
///
/// A process that did not answer in time holds its permit until its deadline.
/// Such processes share a part of the permits, so that they can never hold all of
/// them: commands to processes that answer do not wait behind one that hangs.
#[derive(Debug)]
pub(crate) struct Permits {
    all: Semaphore,
    /// Taken, before one of `all`, for a process that timed out the last time.
    unresponsive: Semaphore,
    count: usize,
}

/// Whether a process answered in time when it was last asked.
#[derive(Debug, Default)]
pub(super) struct Reachability {
    timed_out: AtomicBool,
}

/// The right to have one connection open. It is given back when it is dropped.
#[derive(Debug, Default)]
pub(super) struct Permit<'a> {
    /// That of the socket.
    own: Option<OwnedSemaphorePermit>,
    /// Those of the cluster.
    held: Vec<SemaphorePermit<'a>>,
}

impl Permits {
    /// That many permits; 0 counts as 1.
    pub(crate) fn new(count: usize) -> Self {
        let count = count.clamp(1, Semaphore::MAX_PERMITS);
        Self { all: Semaphore::new(count), unresponsive: Semaphore::new(count.div_ceil(2)), count }
    }

    /// Number of the permits, taken ones included.
    pub(crate) fn count(&self) -> usize {
        self.count
    }

    /// Waits for a permit.
    pub(super) async fn acquire(&self, reachability: &Reachability) -> Permit<'_> {
        // An error would mean that the semaphore was closed, which never happens.
        let mut permit = Permit::default();
        if reachability.timed_out.load(Ordering::Relaxed) {
            permit.hold(self.unresponsive.acquire().await.ok());
        }
        permit.hold(self.all.acquire().await.ok());
        permit
    }
}

impl Reachability {
    /// Waits for an exchange, and remembers whether it ended in time. One that is
    /// given up before its end did not.
    pub(super) async fn watch<T>(&self, exchange: impl Future<Output = Result<T>>) -> Result<T> {
        let mut exchanging = Exchanging { reachability: self, timed_out: true };
        let result = exchange.await;
        exchanging.timed_out = result.as_ref().is_err_and(|error| error.kind() == ErrorKind::Timeout);
        result
    }
}

/// An exchange under way.
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
    /// Gives the permit back together with the others.
    pub(super) fn hold(&mut self, permit: Option<SemaphorePermit<'a>>) {
        self.held.extend(permit);
    }

    /// Gives the permit of the socket back together with the others.
    pub(super) fn hold_own(&mut self, permit: Option<OwnedSemaphorePermit>) {
        self.own = permit;
    }

    /// Takes the permit of the socket, to be given back later than the others.
    pub(super) fn take_own(&mut self) -> Option<OwnedSemaphorePermit> {
        self.own.take()
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
