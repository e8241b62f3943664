//! A cluster of one process of each release, for the tests that change it, and helpers to
//! compare the outcomes.

#![allow(dead_code, reason = "every test file is a crate of its own and uses a part of this")]
#![allow(unused_macros, unreachable_pub, reason = "the same")]

use haproxyadmin::{Change, Cluster, Outcome, Outcomes};

use crate::support::{Running, managed_cluster, releases};

/// Runs the body twice: with a server reference made from names, and with a server that was
/// read.
macro_rules! named_and_read {
    ($cluster:ident, $backend:literal, $name:literal, |$server:ident| $body:block) => {
        for _ in ["named"] {
            let $server = $cluster.server_ref($backend, $name).unwrap();
            $body
        }
        for _ in ["read"] {
            let $server = $cluster.server($backend, $name).await.unwrap();
            $body
        }
    };
}

pub async fn managed() -> (Running, Cluster) {
    let running = managed_cluster().await;
    let cluster = Cluster::from_dir(running.stats()).await.unwrap();
    (running, cluster)
}

/// Returns one word for the outcome of each process.
pub fn words(outcomes: &Outcomes<Change>) -> Vec<&str> {
    outcomes.iter().map(Outcome::word).collect()
}

/// Returns the same value for each process.
pub fn all<T: Clone>(value: T) -> Vec<T> {
    vec![value; releases().len()]
}

/// Returns the numbers in a printed difference: `first` for the first processes, `rest` for
/// the processes after them.
pub fn counts(first: &[usize], rest: usize) -> String {
    let counts = first.iter().copied().chain(std::iter::repeat(rest)).zip(1..=releases().len());
    counts.map(|(count, n)| format!("{n}: {count}")).collect::<Vec<_>>().join(", ")
}

/// Returns a value for each process: `before` if its release is older than `version`,
/// otherwise `then`.
pub fn from<T: Clone>(version: &str, before: T, then: T) -> Vec<T> {
    let each = releases().into_iter();
    each.map(|release| if release.is_at_least(version) { then.clone() } else { before.clone() }).collect()
}
