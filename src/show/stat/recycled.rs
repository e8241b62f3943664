use std::mem::take;
use std::ops::{Deref, DerefMut};
use std::sync::{Arc, Mutex, PoisonError, Weak};

/// The memory of one reply, for a later one. A new allocation of this size is slow: the system clears its pages
/// one by one, when the reply arrives.
#[derive(Debug, Default)]
pub(super) struct Spare(Mutex<Vec<u8>>);

/// Bytes that leave their memory to a [`Spare`] when they are dropped.
#[derive(Debug, Default)]
pub(super) struct Recycled {
    bytes: Vec<u8>,
    spare: Weak<Spare>,
}

/// Most bytes that are kept for a later reply.
const MOST: usize = 1 << 20;

impl Spare {
    /// Returns the spare memory if it has room for `least` bytes and is not much too large, or else new memory of
    /// `size` bytes.
    pub(super) fn recycle(self: &Arc<Self>, least: usize, size: usize) -> Recycled {
        let mut bytes = take(&mut *self.0.lock().unwrap_or_else(PoisonError::into_inner));
        if bytes.capacity() < least || bytes.capacity() / 2 > size {
            bytes = Vec::with_capacity(size);
        }
        Recycled { bytes, spare: Arc::downgrade(self) }
    }
}

impl Drop for Recycled {
    fn drop(&mut self) {
        let Some(spare) = self.spare.upgrade().filter(|_| self.bytes.capacity() <= MOST) else { return };
        self.bytes.clear();
        *spare.0.lock().unwrap_or_else(PoisonError::into_inner) = take(&mut self.bytes);
    }
}

impl Clone for Recycled {
    fn clone(&self) -> Self {
        self.bytes.clone().into()
    }
}

impl From<Vec<u8>> for Recycled {
    fn from(bytes: Vec<u8>) -> Self {
        Self { bytes, spare: Weak::new() }
    }
}

impl Deref for Recycled {
    type Target = Vec<u8>;

    #[inline]
    fn deref(&self) -> &Vec<u8> {
        &self.bytes
    }
}

impl DerefMut for Recycled {
    #[inline]
    fn deref_mut(&mut self) -> &mut Vec<u8> {
        &mut self.bytes
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn memory_is_kept_once_and_only_if_it_fits() {
        let spare = Arc::new(Spare::default());
        let address = |bytes: &Recycled| bytes.as_ptr();
        let (first, second) = (spare.recycle(1000, 1000), spare.recycle(1000, 1000));
        let kept = address(&second);
        assert_ne!(address(&first), kept);
        drop(first);
        drop(second);
        let mut third = spare.recycle(900, 950);
        assert_eq!((address(&third), third.len(), third.capacity()), (kept, 0, 1000));
        third.extend_from_slice(b"abc");
        let copy = third.clone();
        drop(third);
        drop(copy);
        assert_eq!(address(&spare.recycle(1000, 1000)), kept);
        assert_eq!(spare.recycle(1001, 1060).capacity(), 1060);
        assert_eq!(spare.recycle(380, 400).capacity(), 400);
        drop(spare.recycle(1, MOST + 1));
        assert_eq!(spare.recycle(MOST, MOST).capacity(), MOST);
        let left = spare.recycle(10, 10);
        drop(spare);
        drop(left);
    }
}
