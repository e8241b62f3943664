//! All figures of 1,000 processes that are replayed from memory.

use std::path::PathBuf;
use std::sync::Arc;

use haproxyadmin::Cluster;

use crate::dumps::Load;
use crate::fleet::{Fleet, SWEEP, cluster};
use crate::rounds::{Drain, Replay, Row, digits, drain, every_column, rounds, seconds, snapshot_and_list};

/// Rows of a process.
const ROWS: usize = 1_000;

pub(crate) async fn run(fleet: &Fleet) {
    let options = &fleet.options;
    let processes = options.size(1_000, 20);
    for (load, name, goals) in [(Load::Idle, "idle", (4.0, 9.0)), (Load::Busy, "busy", (4.5, 11.0))] {
        let replay = Replay::start("3.4", load, processes, ROWS);
        let sockets: Arc<[PathBuf]> = replay.sockets().into();
        let cluster = cluster(&sockets).await;
        let times =
            rounds(options.rounds, 6, |contender| contend(contender, Arc::clone(&sockets), cluster.clone()))
                .await;
        let base = times.fastest(&[0, 2]);
        let again = times.ratio(base + 1, base);
        let beside = "bytes drained, all sockets at once";
        let what =
            format!("{} x {} rows from memory read, objects listed, {name}", digits(processes), digits(ROWS));
        Row::of(&what, beside).ratio(times.ratio(4, base), again).at_most(goals.0);
        let what = format!("the same, and every column of every object, {name}");
        Row::of(&what, beside).ratio(times.ratio(5, base), again).at_most(goals.1);
        times.print(&[
            "drain, a task for each socket",
            "",
            "drain, one task",
            "",
            "snapshot and list",
            "and every column",
        ]);
    }
}

async fn contend(contender: usize, sockets: Arc<[PathBuf]>, cluster: Cluster) -> f64 {
    match contender {
        0 | 1 => seconds(drain(&sockets, SWEEP, Drain::Tasks)).await,
        2 | 3 => seconds(drain(&sockets, SWEEP, Drain::OneTask)).await,
        4 => seconds(snapshot_and_list(&cluster)).await,
        _ => {
            let work = async {
                let snapshot = snapshot_and_list(&cluster).await;
                every_column(&snapshot);
                snapshot
            };
            seconds(work).await
        }
    }
}
