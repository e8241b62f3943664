//! The keys of `show info` that a release prints.

use super::Value;
use crate::Version;
use crate::field::{InfoKey, KEYS};

/// Returns the reason why a key cannot have that value, or `None` if it can.
pub(in crate::fake) fn problem(version: &Version, name: &str, value: &Value) -> Option<String> {
    match keys(version).find(|key| key.name == name) {
        None => Some(format!("no key {name:?} in `show info` of HAProxy {version}")),
        Some(key) => {
            let expected = value.misfit(key.value_type)?;
            Some(format!("key {name:?}: expected {expected}, found {value}"))
        }
    }
}

/// Returns the keys of a release, in the order of its `show info`.
pub(in crate::fake) fn keys(version: &Version) -> impl Iterator<Item = &'static InfoKey> {
    let branch = version.branch();
    let has = move |key: &&InfoKey| {
        // The key was renamed after 2.6.
        let gone = key.name == "TotalSplicdedBytesOut" && branch >= (3, 0);
        branch >= Version::parse(key.since).branch() && !gone
    };
    KEYS.iter().filter(has)
}

/// Returns `true` if HAProxy prints a key only when it is configured or built in.
pub(in crate::fake) fn is_optional(key: &InfoKey, version: &Version) -> bool {
    match key.name {
        "description" => true,
        // Builds of later releases usually compress without zlib.
        "ZlibMemUsage" | "MaxZlibMemUsage" => *version >= (2, 6),
        _ => false,
    }
}
