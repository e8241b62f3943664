//! Five figures of the servers of 64 processes, of a `Scope` and of a whole snapshot.

use std::hint::black_box;

use haproxyadmin::{Scope, Snapshot};

use crate::dumps::Load;
use crate::fleet::{Fleet, cluster};
use crate::rounds::{Replay, Row, Spread, cpu, digits, rounds};

/// Rows of a process.
const ROWS: usize = 1_000;

pub(crate) async fn run(fleet: &Fleet) {
    let options = &fleet.options;
    let processes = options.size(64, 2);
    for (load, name) in [(Load::Idle, "idle"), (Load::Busy, "busy")] {
        let replay = Replay::start("3.4", load, processes, ROWS);
        let cluster = cluster(&replay.sockets()).await;
        let scope = Scope::servers().columns(["scur", "smax", "stot", "bin", "bout"]).unwrap();
        let times = rounds(options.rounds, 3, |contender| {
            let (cluster, scope) = (cluster.clone(), scope.clone());
            async move {
                let start = cpu();
                let snapshot = match contender {
                    2 => cluster.snapshot_of(&scope).await.unwrap(),
                    _ => cluster.snapshot().await.unwrap(),
                };
                five_figures_of_servers(&snapshot);
                cpu() - start
            }
        })
        .await;
        let what =
            format!("five figures of the servers of {processes} x {} rows by `Scope`, {name}", digits(ROWS));
        let beside = "`Cluster::snapshot`";
        Row::of(&format!("{what}, CPU time"), beside)
            .ratio(times.ratio(2, 0), times.ratio(1, 0))
            .at_most(1.0);
        let (whole, small) = (cluster.snapshot().await.unwrap(), cluster.snapshot_of(&scope).await.unwrap());
        let memory = Spread::of(vec![small.heap_size() as f64 / whole.heap_size() as f64]);
        Row::of(&format!("{what}, memory"), beside).ratio(memory, Spread::of(vec![1.0])).at_most(0.25);
        times.print(&["snapshot", "", "scope"]);
    }
}

fn five_figures_of_servers(snapshot: &Snapshot) {
    for one in snapshot.servers() {
        black_box((one.scur(), one.smax(), one.stot(), one.bin(), one.bout()));
    }
}
