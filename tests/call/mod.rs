//! Calls of the crate that a test can choose and compare, with the answer of each process.

#![allow(dead_code, reason = "every test file is a crate of its own and uses a part of this")]
#![allow(clippy::unwrap_used, reason = "in a test a panic is the failure message")]

use std::collections::BTreeMap;
use std::fmt::Debug;
use std::path::Path;

use haproxyadmin::global::Counters;
use haproxyadmin::map::Contents;
use haproxyadmin::{Cluster, ErrorKind, Outcomes, Result, Snapshot, Weight};

/// A call that is made to a [`Cluster`] with the server `app/web1`, a map and an ACL.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Call {
    Snapshot,
    Backend,
    Info,
    Maps,
    MapShow,
    MapGet,
    Acls,
    AclShow,
    State,
    States,
    WeightNow,
    Command,
    Errors,
    SetWeight,
    Disable,
    SetAddress,
    MapAdd,
    MapAddAll,
    MapSet,
    AclAdd,
    ClearCounters,
    SetMaxconn,
}

pub(crate) const READS: [Call; 13] = [
    Call::Snapshot,
    Call::Backend,
    Call::Info,
    Call::Maps,
    Call::MapShow,
    Call::MapGet,
    Call::Acls,
    Call::AclShow,
    Call::State,
    Call::States,
    Call::WeightNow,
    Call::Command,
    Call::Errors,
];

pub(crate) const CHANGES: [Call; 9] = [
    Call::SetWeight,
    Call::Disable,
    Call::SetAddress,
    Call::MapAdd,
    Call::MapAddAll,
    Call::MapSet,
    Call::AclAdd,
    Call::ClearCounters,
    Call::SetMaxconn,
];

/// The answer of one process: a value as text, or the error.
pub(crate) type Said = Result<String, (ErrorKind, String)>;

/// The answer of each process, by its label.
pub(crate) type Answers = BTreeMap<String, Said>;

impl Call {
    /// Returns a text that is only in the command line of this change.
    pub(crate) fn mark(self) -> &'static str {
        match self {
            Self::SetWeight => "app/web1 weight 42",
            Self::Disable => "disable server app/web1",
            Self::SetAddress => "app/web1 addr 127.0.0.2",
            Self::MapAdd => "one-key",
            Self::MapAddAll => "many-key-1 ",
            Self::MapSet => "set map",
            Self::AclAdd => "203.0.113.9",
            Self::ClearCounters => "clear counters",
            Self::SetMaxconn => "set maxconn global",
            _ => unreachable!("{self:?} changes nothing"),
        }
    }

    /// Makes the call. `cluster` must be a view of `allow_partial`, because only such a view
    /// returns partial results.
    pub(crate) async fn make(self, cluster: &Cluster, map: &Path, acl: &Path) -> Result<Answers> {
        let server = cluster.server_ref("app", "web1")?;
        let map = cluster.map(map.to_str().unwrap())?;
        let acl = cluster.acl(acl.to_str().unwrap())?;
        Ok(match self {
            Self::Snapshot => read(&cluster.snapshot().await?),
            Self::Backend => match cluster.backend("app").await {
                Ok(backend) => read(backend.snapshot()),
                Err(error) => match error.snapshot() {
                    Some(snapshot) => read(snapshot),
                    None => return Err(error),
                },
            },
            Self::Info => read(cluster.info().await?.snapshot()),
            Self::Maps => told(&cluster.maps().await?),
            Self::MapShow => listed(&map.show().await?),
            Self::MapGet => told(&map.get("k").await?),
            Self::Acls => told(&cluster.acls().await?),
            Self::AclShow => listed(&acl.show().await?),
            Self::State => told(&server.fetch_state().await?),
            Self::States => told(&cluster.backend_ref("app")?.fetch_server_states().await?),
            Self::WeightNow => told(&server.fetch_weight().await?),
            Self::Command => told(&cluster.command("show cli sockets").await?),
            Self::Errors => told(&cluster.show_errors().await?),
            Self::SetWeight => told(&server.set_weight(Weight::absolute(42)?).await?),
            Self::Disable => told(&server.disable().await?),
            Self::SetAddress => told(&server.set_address([127, 0, 0, 2].into(), None).await?),
            Self::MapAdd => told(&map.add("one-key", "one").await?),
            Self::MapAddAll => {
                let entries = (0..2000).map(|n| (format!("many-key-{n}"), "value".repeat(20)));
                told(&map.add_all(entries).await?)
            }
            Self::MapSet => told(&map.set("k", "another").await?),
            Self::AclAdd => told(&acl.add("203.0.113.9").await?),
            Self::ClearCounters => told(&cluster.clear_counters(Counters::Max).await?),
            Self::SetMaxconn => told(&cluster.set_maxconn(150).await?),
        })
    }
}

fn read(snapshot: &Snapshot) -> Answers {
    let each = snapshot.processes().iter().map(|process| {
        let said = match (process.failure(), process.report()) {
            (Some(failure), _) => Err((failure.kind, failure.to_string())),
            (None, None) => unreachable!("{process:?} neither answered nor failed"),
            (None, Some(reading)) => {
                let keys = reading.info.iter().map(|(key, value)| format!("{key}: {value}"));
                let rows = reading.stat.rows().map(|row| format!("{:?}", row.cells().collect::<Vec<_>>()));
                let sockets = reading.sockets.iter().map(|socket| format!("{socket:?}"));
                let level = [format!("{:?}", reading.level)];
                Ok(keys.chain(level).chain(sockets).chain(rows).collect::<Vec<_>>().join("\n"))
            }
        };
        (process.label().to_string(), said)
    });
    each.collect()
}

fn told<T: Debug>(outcomes: &Outcomes<T>) -> Answers {
    let each = outcomes.iter().map(|outcome| {
        let said = match outcome.result() {
            Ok(value) => Ok(format!("{value:?}")),
            Err(error) => Err((error.kind(), error.to_string())),
        };
        (outcome.label().to_string(), said)
    });
    each.collect()
}

fn listed(contents: &Contents) -> Answers {
    let lists = contents.per_process().map(|(label, entries)| {
        let texts: Vec<_> = entries.map(|entry| entry.text().into_owned()).collect();
        (label.to_string(), Ok(texts.join("\n")))
    });
    let failed =
        contents.failed().map(|(label, error)| (label.to_string(), Err((error.kind(), error.to_string()))));
    lists.chain(failed).collect()
}
