use rustix::thread::{CapabilitySet, CapabilitySets, capabilities, set_capabilities};

/// Makes file permissions apply to this thread until it is dropped.
///
/// They do not apply to root, and tests often run as root. A test with a single-threaded runtime
/// connects on its own thread.
#[derive(Debug)]
pub struct CheckedAccess(CapabilitySets);

impl CheckedAccess {
    pub fn new() -> Self {
        let before = capabilities(None).unwrap();
        let mut sets = before;
        sets.effective -= CapabilitySet::DAC_OVERRIDE | CapabilitySet::DAC_READ_SEARCH;
        set_capabilities(None, sets).unwrap();
        Self(before)
    }
}

impl Drop for CheckedAccess {
    fn drop(&mut self) {
        set_capabilities(None, self.0).unwrap();
    }
}
