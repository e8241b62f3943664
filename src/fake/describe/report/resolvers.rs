/// A section `resolvers` of the configuration, with the figures of its nameservers.
///
/// # Example
///
/// ```
/// use haproxyadmin::fake::{Process, Resolvers};
///
/// let dns = Resolvers::new("dns").nameserver("one", [("sent", 7), ("valid", 6), ("timeout", 1)]);
/// let process = Process::new("3.4").resolvers(dns);
/// ```
#[derive(Debug, Clone)]
#[must_use]
pub struct Resolvers {
    pub(in crate::fake) name: Box<str>,
    pub(in crate::fake) nameservers: Vec<Nameserver>,
}

#[derive(Debug, Clone)]
pub(in crate::fake) struct Nameserver {
    pub(in crate::fake) name: Box<str>,
    set: Vec<(Box<str>, u64)>,
}

impl Resolvers {
    /// Creates a section without nameservers.
    pub fn new(name: &str) -> Self {
        Self { name: name.into(), nameservers: Vec::new() }
    }

    /// Adds a nameserver. Counters have the names that `show resolvers` prints. Those that are not
    /// named are 0, and those that HAProxy does not have are ignored.
    pub fn nameserver<'a>(mut self, name: &str, counters: impl IntoIterator<Item = (&'a str, u64)>) -> Self {
        let set = counters.into_iter().map(|(counter, value)| (counter.into(), value)).collect();
        self.nameservers.push(Nameserver { name: name.into(), set });
        self
    }
}

impl Nameserver {
    /// Returns the counters in the order of `show resolvers`.
    pub(in crate::fake) fn counters(&self) -> impl Iterator<Item = (&'static str, u64)> {
        COUNTERS.iter().map(|counter| {
            let set = self.set.iter().rev().find(|(name, _)| **name == **counter);
            (*counter, set.map_or(0, |(_, value)| *value))
        })
    }
}

const COUNTERS: [&str; 15] = [
    "sent",
    "snd_error",
    "valid",
    "update",
    "cname",
    "cname_error",
    "any_err",
    "nx",
    "timeout",
    "refused",
    "other",
    "invalid",
    "too_big",
    "truncated",
    "outdated",
];
