use crate::fake::describe::{Kind, Pattern};

/// The patterns of an ACL, as described: texts that match whole, or
/// [addresses](Acl::addresses).
///
/// # Example
///
/// ```
/// use haproxyadmin::fake::{Acl, Process};
///
/// let denied = Acl::new("/etc/haproxy/deny.acl").addresses().pattern("192.0.2.0/24");
/// let inline = Acl::unnamed(7).pattern("www.example");
/// let process = Process::new("3.4").acl(denied).acl(inline);
/// ```
#[derive(Debug, Clone)]
#[must_use]
pub struct Acl(pub(in crate::fake) Pattern);

impl Acl {
    /// An empty ACL, loaded from that file as the configuration names it.
    pub fn new(file: &str) -> Self {
        Self(Pattern::new(Kind::Acl, file))
    }

    /// An empty ACL without a file, which only its number tells.
    pub fn unnamed(id: u32) -> Self {
        Self::new("").id(id)
    }

    /// Its number, for `#3` instead of the file; the next free one if it is not given.
    pub fn id(mut self, id: u32) -> Self {
        self.0.id = Some(id);
        self
    }

    /// Makes its patterns addresses and networks, as those of `src` are.
    pub fn addresses(mut self) -> Self {
        self.0.has_addresses = true;
        self
    }

    /// Adds a pattern.
    pub fn pattern(mut self, pattern: &str) -> Self {
        self.0.add(0, pattern, "");
        self
    }
}
