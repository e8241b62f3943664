//! The earlier state that `with_previous` reports, compared with the real one.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "in a test a panic is the failure message")]
#![allow(clippy::indexing_slicing, reason = "the same")]

use std::collections::BTreeMap;

use haproxyadmin::global::{Counters, RateLimit};
use haproxyadmin::server::Health;
use haproxyadmin::stat::RowKind;
use haproxyadmin::{AdminState, Change, Cluster, ErrorKind, Outcomes, Result, Snapshot, Weight};

mod managed;
mod support;

use managed::managed;
use support::{Running, info, rows};

/// Changes one after the other, so that each has something else to find.
const CHANGES: usize = 24;

async fn change(cluster: &Cluster, round: usize) -> Result<Outcomes<Change>> {
    let web1 = cluster.server_ref("app", "web1")?;
    let web2 = cluster.server_ref("app", "web2")?;
    let frontend = cluster.frontend_ref("web")?;
    let step = u16::try_from(round).unwrap();
    match round % 12 {
        0 => web1.set_weight(Weight::absolute(10 + u64::from(step))?).await,
        1 => web2.set_state(AdminState::Drain).await,
        2 => web1.disable().await,
        3 => frontend.set_maxconn(20 + u32::from(step)).await,
        4 => web1.set_maxconn(10 + u32::from(step)).await,
        5 => web2.set_address([127, 0, 0, 2].into(), 1000 + step).await,
        6 => web1.enable().await,
        7 => web1.set_health(Health::Stopping).await,
        8 => cluster.set_maxconn(100 + u32::from(step)).await,
        9 => cluster.set_rate_limit(RateLimit::Sessions, u32::from(step)).await,
        10 => web2.set_state(AdminState::Ready).await,
        _ => cluster.clear_counters(Counters::All).await,
    }
}

/// Every cell of a process, by its row and column, and every key of `show info`, but for
/// those that differ from one moment to the next.
type Cells = BTreeMap<String, String>;

const MOVING: [&str; 6] =
    ["lastchg", "downtime", "agg_check_status", "check_duration", "last_chk", "lastsess"];

const KEYS: [&str; 4] = ["Maxconn", "SessRateLimit", "ConnRateLimit", "Pid"];

async fn truth(running: &Running) -> Vec<Cells> {
    let mut truth = Vec::new();
    for socket in running.sockets() {
        let mut cells = Cells::new();
        let said = info(&socket).await;
        for key in KEYS {
            cells.insert(key.to_owned(), said[key].clone());
        }
        for row in rows(&socket).await {
            let name = format!("{} {}", row.cell("pxname"), row.cell("svname"));
            for (column, text) in row.cells() {
                cells.insert(format!("{name} {column}"), text.to_owned());
            }
        }
        truth.push(cells);
    }
    truth
}

fn previous(snapshot: &Snapshot) -> Vec<Cells> {
    let each = snapshot.processes().iter().map(|process| {
        let mut cells = Cells::new();
        let said = process.info().unwrap();
        for key in KEYS {
            cells.insert(key.to_owned(), said.get(key).unwrap().to_owned());
        }
        for row in process.stat().unwrap().rows() {
            let name = match row.kind() {
                RowKind::Frontend | RowKind::Backend | RowKind::Server => {
                    format!("{} {}", row.proxy(), row.name())
                }
                kind => panic!("{kind:?}"),
            };
            for (column, text) in row.cells() {
                cells.insert(format!("{name} {column}"), text.to_owned());
            }
        }
        cells
    });
    each.collect()
}

#[tokio::test]
async fn what_was_there_is_what_was_read_right_before_each_change() {
    let (running, cluster) = managed().await;
    let cluster = cluster.with_previous();
    let mut compared = 0;
    for round in 0..CHANGES {
        let truth = truth(&running).await;
        let outcomes = change(&cluster, round).await.unwrap_or_else(|error| panic!("round {round}: {error}"));
        let previous = previous(outcomes.previous().unwrap());
        assert_eq!(previous.len(), truth.len());
        for (previous, truth) in previous.iter().zip(&truth) {
            for (name, text) in previous {
                let column = name.rsplit(' ').next().unwrap();
                if !MOVING.contains(&column) {
                    assert_eq!(Some(text), truth.get(name), "round {round} ({}): {name}", outcomes.command());
                    compared += 1;
                }
            }
        }
    }
    assert!(compared > 10_000, "{compared}");
}

/// Nothing is sent to a process if its state could not be read first.
#[tokio::test]
async fn what_could_not_be_read_is_not_changed() {
    let (mut running, cluster) = managed().await;
    running.kill(2);
    let cluster = cluster.with_previous();
    let error = cluster.server_ref("app", "web1").unwrap().disable().await.unwrap_err();
    let outcomes = error.outcomes::<Change>().unwrap();
    let kinds: Vec<_> =
        outcomes.iter().map(|outcome| outcome.error().map(haproxyadmin::Error::kind)).collect();
    assert_eq!(kinds, [None, Some(ErrorKind::Connect), None, None, None]);
    let read: Vec<_> =
        outcomes.previous().unwrap().processes().iter().map(|process| process.failure().is_none()).collect();
    assert_eq!(read, [true, false, true, true, true]);
}
