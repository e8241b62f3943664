//! Work that may wait for the disk, one piece at a time.

use std::collections::BTreeMap;
use std::sync::{self, Arc, PoisonError, Weak};

use tokio::sync::{Mutex, OwnedMutexGuard};
use tokio::task::JoinHandle;

/// The right to do work that may wait for the disk.
///
/// If the disk does not answer, the callers give up, but the thread of the work cannot be ended. The
/// work has the turn until it ends, so it keeps one thread and no more, however often it is tried.
#[derive(Debug, Default)]
pub(crate) struct Turn(Arc<Mutex<()>>);

/// The turn of one piece of work.
pub(crate) struct Taken(OwnedMutexGuard<()>);

/// The turns of all files of this program that are waited for, by device and number of the file.
static FILES: sync::Mutex<Files> = sync::Mutex::new(Files::new());

type Files = BTreeMap<(u64, u64), Weak<Mutex<()>>>;

impl Turn {
    /// Returns the turn for reads of a file, given by its device and number.
    pub(crate) fn of_file(file: (u64, u64)) -> Self {
        // The map is consistent after every statement, so a poisoned lock does no harm.
        let mut files = FILES.lock().unwrap_or_else(PoisonError::into_inner);
        files.retain(|_, turn| turn.strong_count() > 0);
        let known = files.get(&file).and_then(Weak::upgrade);
        let turn = known.unwrap_or_default();
        files.insert(file, Arc::downgrade(&turn));
        Self(turn)
    }

    /// Waits until the work before has ended.
    pub(crate) async fn wait(&self) -> Taken {
        Taken(Arc::clone(&self.0).lock_owned().await)
    }
}

impl Taken {
    /// Does the work on a thread that may block.
    pub(crate) fn run<T: Send + 'static>(self, work: impl FnOnce() -> T + Send + 'static) -> JoinHandle<T> {
        tokio::task::spawn_blocking(move || {
            let Self(turn) = self;
            let done = work();
            drop(turn);
            done
        })
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};
    use std::sync::mpsc;
    use std::time::Duration;

    use tokio::time::timeout;

    use super::*;

    #[tokio::test]
    async fn work_that_does_not_end_keeps_one_thread() {
        let started = Arc::new(AtomicUsize::new(0));
        let (end, ended) = mpsc::channel::<()>();
        let (running, runs) = mpsc::channel();
        let first = Turn::of_file((0, 1)).wait().await.run(move || {
            let _ = running.send(());
            ended.recv()
        });
        // The caller gives up.
        runs.recv().unwrap();
        drop(first);
        let work = || {
            let started = Arc::clone(&started);
            async move {
                let turn = Turn::of_file((0, 1)).wait().await;
                turn.run(move || started.fetch_add(1, Ordering::SeqCst)).await.unwrap()
            }
        };
        for _ in 0..20 {
            assert!(timeout(Duration::from_millis(1), work()).await.is_err());
        }
        assert_eq!(started.load(Ordering::SeqCst), 0);
        // Another file has a turn of its own.
        assert_eq!(Turn::of_file((0, 2)).wait().await.run(|| 7).await.unwrap(), 7);
        drop(end);
        assert_eq!(work().await, 0);
        assert_eq!(started.load(Ordering::SeqCst), 1);
    }
}
