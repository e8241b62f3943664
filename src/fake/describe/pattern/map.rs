use crate::fake::describe::{Kind, Pattern};

/// A map: text keys that must match as a whole, each with a value.
///
/// # Example
///
/// ```
/// use haproxyadmin::fake::{Map, Process};
///
/// let hosts = Map::new("/etc/haproxy/hosts.map").id(3).entry("a.example", "app").entry("b.example", "static");
/// let process = Process::new("3.4").map(hosts);
/// ```
#[derive(Debug, Clone)]
#[must_use]
pub struct Map(pub(in crate::fake) Pattern);

impl Map {
    /// Creates an empty map that is loaded from this file, named as in the configuration.
    pub fn new(file: &str) -> Self {
        Self(Pattern::new(Kind::Map, file))
    }

    /// Sets the number that commands can use instead of the file (`#3`). The default is the next
    /// free number.
    pub fn id(mut self, id: u32) -> Self {
        self.0.id = Some(id);
        self
    }

    /// Adds an entry. A key may occur several times; lookups find its first entry.
    pub fn entry(mut self, key: &str, value: &str) -> Self {
        self.0.add(0, key, value);
        self
    }
}
