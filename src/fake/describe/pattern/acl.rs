use crate::fake::describe::{Kind, Pattern};

/// The patterns of an ACL: texts that must match as a whole, or [addresses](Acl::addresses).
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
    /// Creates an empty ACL that is loaded from this file, named as in the configuration.
    pub fn new(file: &str) -> Self {
        Self(Pattern::new(Kind::Acl, file))
    }

    /// Creates an empty ACL without a file. Commands can only name it by its number.
    pub fn unnamed(id: u32) -> Self {
        Self::new("").id(id)
    }

    /// Sets the number that commands can use instead of the file (`#3`). The default is the next
    /// free number.
    pub fn id(mut self, id: u32) -> Self {
        self.0.id = Some(id);
        self
    }

    /// Makes the patterns addresses and networks, as in an ACL on `src`.
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
