use crate::fake::describe::{Kind, Pattern};

/// A map, as described: text keys that are looked up whole, each with its value.
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
    /// An empty map, loaded from that file as the configuration names it.
    pub fn new(file: &str) -> Self {
        Self(Pattern::new(Kind::Map, file))
    }

    /// Its number, for `#3` instead of the file; the next free one if it is not given.
    pub fn id(mut self, id: u32) -> Self {
        self.0.id = Some(id);
        self
    }

    /// Adds an entry. Equal keys may be there more than once, and the first counts.
    pub fn entry(mut self, key: &str, value: &str) -> Self {
        self.0.add(0, key, value);
        self
    }
}
