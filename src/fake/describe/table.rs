use std::collections::BTreeMap;
use std::fmt::Write as _;

use crate::Version;

/// A stick table. Its entries never expire, because time does not pass for them.
///
/// # Example
///
/// ```
/// use haproxyadmin::fake::{Process, Table};
///
/// let clients = Table::new("clients", "ip").store("gpc0").entry("192.0.2.7", [("gpc0", 3)]);
/// let process = Process::new("3.4").table(clients);
/// ```
#[derive(Debug, Clone)]
#[must_use]
pub struct Table {
    pub(in crate::fake) name: Box<str>,
    pub(in crate::fake) key_type: Box<str>,
    size: u64,
    /// Names of the stored values, in the order in which HAProxy prints them.
    stored: Vec<Box<str>>,
    /// Values by key. A key that is used has no other figures than its values.
    entries: BTreeMap<Box<str>, Vec<u64>>,
}

impl Table {
    /// Creates an empty table for 100 keys of a type, named as in the configuration: `ip`, `ipv6`,
    /// `integer`, `string` or `binary`.
    pub fn new(name: &str, key_type: &str) -> Self {
        Self {
            name: name.into(),
            key_type: key_type.into(),
            size: 100,
            stored: Vec::new(),
            entries: BTreeMap::new(),
        }
    }

    /// Stores one more value in each entry, such as `gpc0`. HAProxy prints values in an order of its
    /// own; store them in that order.
    pub fn store(mut self, name: &str) -> Self {
        self.stored.push(name.into());
        for values in self.entries.values_mut() {
            values.push(0);
        }
        self
    }

    /// Adds an entry. Stored values that are not named are 0, and values that are not stored are
    /// ignored.
    pub fn entry<'a>(mut self, key: &str, values: impl IntoIterator<Item = (&'a str, u64)>) -> Self {
        let entry = self.made(key);
        for (name, value) in values {
            if let Some(at) = self.position(name) {
                self.put(&entry, at, value);
            }
        }
        self
    }

    /// Returns the position of a stored value.
    pub(in crate::fake) fn position(&self, name: &str) -> Option<usize> {
        self.stored.iter().position(|stored| **stored == *name)
    }

    /// Makes the entry if it does not exist, and returns its key.
    pub(in crate::fake) fn made(&mut self, key: &str) -> Box<str> {
        let zeros = vec![0; self.stored.len()];
        self.entries.entry(key.into()).or_insert(zeros);
        key.into()
    }

    pub(in crate::fake) fn put(&mut self, key: &str, at: usize, value: u64) {
        if let Some(slot) = self.entries.get_mut(key).and_then(|values| values.get_mut(at)) {
            *slot = value;
        }
    }

    pub(in crate::fake) fn has(&self, key: &str) -> bool {
        self.entries.contains_key(key)
    }

    /// Deletes the entries that `is_gone` chooses by their key and values.
    pub(in crate::fake) fn delete(&mut self, is_gone: impl Fn(&str, &[u64]) -> bool) {
        self.entries.retain(|key, values| !is_gone(key, values));
    }

    /// Returns the line of the list of tables.
    pub(in crate::fake) fn describe(&self) -> String {
        let Self { name, key_type, size, entries, .. } = self;
        format!("# table: {name}, type: {key_type}, size:{size}, used:{}\n", entries.len())
    }

    /// Returns the lines of the entries that `fits` chooses by their key and values.
    pub(in crate::fake) fn list(&self, version: &Version, fits: impl Fn(&str, &[u64]) -> bool) -> String {
        let mut text = String::new();
        let shard = if *version >= (3, 0) { " shard=0" } else { "" };
        for (number, (key, values)) in (1..).zip(&self.entries).filter(|(_, (key, values))| fits(key, values))
        {
            // Writing to a string cannot fail.
            let _ = write!(text, "{:#x}: key={} use=0 exp=0{shard}", 0x7f00_0000 + number * 64, escaped(key));
            for (name, value) in self.stored.iter().zip(values) {
                let _ = write!(text, " {name}={value}");
            }
            text.push('\n');
        }
        text
    }
}

/// Escapes a key as HAProxy does.
fn escaped(key: &str) -> String {
    let mut text = String::new();
    for byte in key.bytes() {
        match byte {
            b'\t' => text.push_str("\\t"),
            b'\n' => text.push_str("\\n"),
            b'\r' => text.push_str("\\r"),
            0x1b => text.push_str("\\e"),
            b' ' | b'\\' | b'=' => text.extend(['\\', char::from(byte)]),
            b'!'..=b'~' => text.push(char::from(byte)),
            _ => {
                let _ = write!(text, "\\x{byte:02X}");
            }
        }
    }
    text
}
