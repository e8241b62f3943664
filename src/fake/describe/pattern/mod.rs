//! Maps and ACLs.

mod acl;
mod map;
pub(in crate::fake) mod network;

pub use acl::Acl;
pub use map::Map;

use std::fmt::Write as _;
use std::net::IpAddr;
use std::sync::atomic::{AtomicU64, Ordering};

use crate::Version;
use network::Network;

/// A map or an ACL: the entries that HAProxy keeps under one number.
#[derive(Debug, Clone)]
pub(in crate::fake) struct Pattern {
    pub(in crate::fake) kind: Kind,
    pub(in crate::fake) id: Option<u32>,
    /// Empty if it has no file.
    pub(in crate::fake) file: Box<str>,
    pub(in crate::fake) has_addresses: bool,
    entries: Vec<Entry>,
    /// The active version, and the latest prepared version.
    current: u32,
    latest: u32,
    /// Number of refused patterns. HAProxy subtracts each of them from `entry_cnt`, although it was
    /// never added.
    pub(in crate::fake) refused: usize,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::fake) enum Kind {
    Map,
    Acl,
}

#[derive(Debug, Clone)]
struct Entry {
    /// Address in memory, by which HAProxy identifies an entry.
    reference: u64,
    version: u32,
    key: Box<str>,
    value: Box<str>,
}

/// The entries that a command selects.
#[derive(Debug, Clone, Copy)]
pub(in crate::fake) enum Which<'a> {
    Key(&'a str),
    EntryRef(u64),
}

impl Pattern {
    pub(in crate::fake) fn new(kind: Kind, file: &str) -> Self {
        let file = file.into();
        Self {
            kind,
            id: None,
            file,
            has_addresses: false,
            entries: Vec::new(),
            current: 0,
            latest: 0,
            refused: 0,
        }
    }

    /// Adds an entry after all others.
    pub(in crate::fake) fn add(&mut self, version: u32, key: &str, value: &str) {
        let reference = NEXT_REFERENCE.fetch_add(0x80, Ordering::Relaxed);
        self.entries.push(Entry { reference, version, key: key.into(), value: value.into() });
    }

    /// Sets the value of the selected entries. Every release changes all of them. Returns `false`
    /// if no entry is selected.
    pub(in crate::fake) fn set(&mut self, which: Which<'_>, value: &str, release: &Version) -> bool {
        let version = self.reach(release);
        let mut found = false;
        for entry in self.entries.iter_mut().filter(|entry| entry.is(which, version)) {
            entry.value = value.into();
            found = true;
        }
        found
    }

    /// Removes the selected entries: all of them up to 3.2, only the first in 3.4. Returns `false`
    /// if no entry is selected.
    pub(in crate::fake) fn remove(&mut self, which: Which<'_>, release: &Version) -> bool {
        let version = self.reach(release);
        let first = self.entries.iter().position(|entry| entry.is(which, version));
        match first {
            Some(first) if *release >= (3, 4) => drop(self.entries.remove(first)),
            Some(_) => self.entries.retain(|entry| !entry.is(which, version)),
            None => {}
        }
        first.is_some()
    }

    /// Returns the version in which a key is searched, or `None` for all versions (up to 3.0).
    fn reach(&self, release: &Version) -> Option<u32> {
        (*release >= (3, 2)).then_some(self.current)
    }

    /// Removes the entries of a version. 3.4.7 removes them only if the command names no version.
    pub(in crate::fake) fn clear(&mut self, version: Option<u32>, release: &Version) {
        if version.is_none() || *release < (3, 4) {
            let version = version.unwrap_or(self.current);
            self.entries.retain(|entry| entry.version != version);
        }
    }

    pub(in crate::fake) fn current(&self) -> u32 {
        self.current
    }

    pub(in crate::fake) fn latest(&self) -> u32 {
        self.latest
    }

    /// Prepares a new version, and returns its number.
    pub(in crate::fake) fn prepare(&mut self) -> u32 {
        self.latest += 1;
        self.latest
    }

    /// Makes a prepared version the active one. Returns `false` if that version is not prepared.
    pub(in crate::fake) fn commit(&mut self, version: u32) -> bool {
        let is_to_come = self.current < version && version <= self.latest;
        if is_to_come {
            self.entries.retain(|entry| entry.version >= version);
            self.current = version;
        }
        is_to_come
    }

    /// Finds the entry that matches a text, and returns its key and value. If several networks
    /// match, the smallest one counts.
    pub(in crate::fake) fn lookup(&self, text: &str) -> Option<(&str, &str)> {
        let mut entries = self.entries.iter().filter(|entry| entry.version == self.current);
        let found = if self.has_addresses {
            let address: IpAddr = text.parse().ok()?;
            let networks = entries.filter_map(|entry| Some((entry, Network::parse(&entry.key)?)));
            let holding = networks.filter(|(_, network)| network.contains(address));
            // The first of several equal networks counts, as for texts.
            holding.reduce(|one, other| if other.1.prefix > one.1.prefix { other } else { one })?.0
        } else {
            entries.find(|entry| *entry.key == *text)?
        };
        Some((&found.key, &found.value))
    }

    /// Returns the entries of a version in the format of `show map`.
    pub(in crate::fake) fn list(&self, version: Option<u32>) -> String {
        let version = version.unwrap_or(self.current);
        let mut text = String::new();
        for entry in self.entries.iter().filter(|entry| entry.version == version) {
            // Writing to a string cannot fail.
            let _ = match self.kind {
                Kind::Map => writeln!(text, "{:#x} {} {}", entry.reference, entry.key, entry.value),
                Kind::Acl => writeln!(text, "{:#x} {}", entry.reference, entry.key),
            };
        }
        text
    }

    /// Returns its line in the list of all maps or ACLs.
    pub(in crate::fake) fn describe(&self, version: &Version) -> String {
        let (file, id, word) = (&self.file, self.id.unwrap_or_default(), self.kind.word().to_lowercase());
        let mut text = if file.is_empty() {
            let fetch = if self.has_addresses { "src" } else { "hdr" };
            format!("{id} () acl '{fetch}' file 'haproxy.cfg' line 1")
        } else {
            format!(
                "{id} ({file}) pattern loaded from file '{file}' used by {word} at file 'haproxy.cfg' line 1"
            )
        };
        if *version >= (2, 4) {
            // Writing to a string cannot fail.
            let _ = write!(
                text,
                ". curr_ver={} next_ver={} entry_cnt={}",
                self.current,
                self.latest,
                self.entries.len().wrapping_sub(self.refused)
            );
        }
        text
    }

    /// Returns the reason why HAProxy could not load it, or `None` if it could.
    pub(in crate::fake) fn problem(&self) -> Option<String> {
        if self.file.is_empty() && (self.kind == Kind::Map || self.id.is_none()) {
            return Some("expected the name of a file".to_owned());
        }
        let text = |entry: &Entry| {
            let wrong = entry.key.is_empty() || entry.key.contains(char::is_whitespace);
            wrong
                || entry.value.contains('\n')
                || (self.has_addresses && Network::parse(&entry.key).is_none())
        };
        let entry = self.entries.iter().find(|entry| text(entry))?;
        Some(format!("no file can hold the entry {:?} {:?}", entry.key, entry.value))
    }
}

impl Kind {
    pub(in crate::fake) fn word(self) -> &'static str {
        match self {
            Self::Map => "map",
            Self::Acl => "ACL",
        }
    }
}

impl Entry {
    /// Returns `true` if a command selects this entry. An entry reference selects it in any
    /// version.
    fn is(&self, which: Which<'_>, version: Option<u32>) -> bool {
        match which {
            Which::Key(key) => version.is_none_or(|version| self.version == version) && *self.key == *key,
            Which::EntryRef(reference) => self.reference == reference,
        }
    }
}

/// The reference of the next entry. References are 0x80 apart, about the size of an entry in
/// memory.
static NEXT_REFERENCE: AtomicU64 = AtomicU64::new(0x7f5a_6c00_0000);
