//! Differences between the states of servers at two moments.

use std::collections::HashMap;

use crate::show::ServerState;

/// Names of a backend and a server.
pub(super) type Name = (Box<str>, Box<str>);

/// A difference between two lists of servers.
#[derive(Debug, Clone, Copy)]
pub(super) enum Difference<'a> {
    /// A server with another administrative or operational state.
    Changed(&'a ServerState, &'a ServerState),
    Added(&'a ServerState),
    Removed(&'a ServerState),
}

/// Compares two lists of servers by their names. The differences come in the order of the lists; servers
/// that were removed come last.
pub(super) fn differences<'a>(before: &'a [ServerState], now: &'a [ServerState]) -> Vec<Difference<'a>> {
    let is_same = |(before, now): (&ServerState, &ServerState)| name(before) == name(now);
    if before.len() == now.len() && before.iter().zip(now).all(is_same) {
        let pairs = before.iter().zip(now).filter(|(before, now)| is_other(before, now));
        return pairs.map(|(before, now)| Difference::Changed(before, now)).collect();
    }
    let mut former: HashMap<_, _> = before.iter().map(|server| (name(server), server)).collect();
    let mut differences = Vec::new();
    for server in now {
        match former.remove(&name(server)) {
            Some(before) if is_other(before, server) => {
                differences.push(Difference::Changed(before, server));
            }
            Some(_) => {}
            None => differences.push(Difference::Added(server)),
        }
    }
    let removed = before.iter().filter(|server| former.contains_key(&name(server)));
    differences.extend(removed.map(Difference::Removed));
    differences
}

pub(super) fn name(server: &ServerState) -> (&str, &str) {
    (&server.backend, &server.name)
}

/// Returns `true` if the administrative or the operational states differ.
pub(super) fn is_other(one: &ServerState, other: &ServerState) -> bool {
    one.operational != other.operational || one.administrative.state() != other.administrative.state()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::watch::testing::servers;

    fn words(before: &str, now: &str) -> Vec<String> {
        let (before, now) = (servers(before), servers(now));
        let word = |difference: &Difference<'_>| match difference {
            Difference::Changed(before, now) => format!("{} {}", before.name, now.operational),
            Difference::Added(server) => format!("+{}", server.name),
            Difference::Removed(server) => format!("-{}", server.name),
        };
        differences(&before, &now).iter().map(word).collect()
    }

    #[test]
    fn servers_are_compared_by_name() {
        assert_eq!(words("a=up b=up", "a=up b=up"), [""; 0]);
        assert_eq!(words("a=up b=up", "a=up b=down"), ["b stopped"]);
        assert_eq!(words("a=up b=up", "b=up a=drain"), ["a running"]);
        assert_eq!(words("a=up b=up", "c=up b=down"), ["+c", "b stopped", "-a"]);
        assert_eq!(words("", "a=up"), ["+a"]);
        assert_eq!(words("a=up", ""), ["-a"]);
    }
}
