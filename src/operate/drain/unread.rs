use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::outcome::DrainProgress;

/// The looks that the reader of a drain has not read yet: the last one at each process. Clones are the
/// same queue.
///
/// The queue wakes no reader: a reader polls the drain, which puts looks into the queue, and takes one
/// then.
#[derive(Debug, Clone)]
pub(super) struct Unread(Arc<Mutex<Option<VecDeque<DrainProgress>>>>);

impl Unread {
    pub(super) fn new() -> Self {
        Self(Arc::new(Mutex::new(Some(VecDeque::new()))))
    }

    /// Adds a look. It takes the place of an earlier look at the same process.
    pub(super) fn put(&self, look: DrainProgress) {
        let mut queue = self.queue();
        let Some(queue) = &mut *queue else { return };
        match queue.iter_mut().find(|earlier| earlier.label == look.label) {
            Some(earlier) => *earlier = look,
            None => queue.push_back(look),
        }
    }

    /// Takes the look that has waited longest.
    pub(super) fn take(&self) -> Option<DrainProgress> {
        self.queue().as_mut()?.pop_front()
    }

    /// Drops the looks in the queue, and those that are added later: there is no reader.
    pub(super) fn close(&self) {
        *self.queue() = None;
    }

    fn queue(&self) -> MutexGuard<'_, Option<VecDeque<DrainProgress>>> {
        // The queue is consistent after every statement, so a poisoned lock does no harm.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn look(label: &str, sessions: u64) -> DrainProgress {
        DrainProgress { label: label.into(), sessions, queued: 0 }
    }

    #[test]
    fn a_process_has_one_look_in_the_queue() {
        let unread = Unread::new();
        for (label, sessions) in [("p1", 5), ("p2", 4), ("p1", 3), ("p1", 2), ("p3", 1)] {
            unread.put(look(label, sessions));
        }
        assert_eq!(unread.take(), Some(look("p1", 2)));
        unread.put(look("p1", 0));
        let rest: Vec<_> = std::iter::from_fn(|| unread.take()).collect();
        assert_eq!(rest, [look("p2", 4), look("p3", 1), look("p1", 0)]);
    }

    #[test]
    fn a_queue_without_a_reader_stays_empty() {
        let unread = Unread::new();
        unread.put(look("p1", 5));
        unread.close();
        unread.put(look("p2", 4));
        assert_eq!(unread.take(), None);
    }
}
