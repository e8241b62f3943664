use rustix::thread::{CapabilitySet, CapabilitySets, capabilities, set_capabilities};

/// Makes the permissions of files count for this thread, until it is dropped.
///
/// They do not count for root, and tests often run as root. A test whose runtime
/// has one thread connects on its own thread.
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
