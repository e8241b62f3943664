use super::Ring;

/// A ring that is followed, from an event on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::fake) struct Follow {
    ring: Box<str>,
    next: usize,
}

impl Follow {
    /// Follows a ring from its beginning, or from now on.
    pub(in crate::fake) fn new(ring: &Ring, is_new: bool) -> Self {
        Self { ring: ring.name.clone(), next: if is_new { ring.lines.len() } else { 0 } }
    }

    /// Returns the events that have been added, or `None` if the process does not have the ring any
    /// more.
    pub(in crate::fake) fn read(&mut self, rings: &[Ring]) -> Option<String> {
        let ring = rings.iter().find(|ring| ring.name == self.ring)?;
        let text = ring.lines.get(self.next..)?.concat();
        self.next = ring.lines.len();
        Some(text)
    }
}
