#![allow(unreachable_pub, reason = "tests that start no process use this file alone")]

/// Branches of the HAProxy releases in `tests/haproxy/releases`, like `2.6`; oldest first.
pub fn versions() -> Vec<&'static str> {
    let lines = include_str!("../haproxy/releases").lines().filter(|line| !line.starts_with('#'));
    lines.filter_map(|line| line.split_whitespace().next()).collect()
}
