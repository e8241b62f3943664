//! Five figures of each object, at 1,000 processes and at 10.

use crate::dumps::Load;
use crate::fleet::{Fleet, cluster};
use crate::rounds::{
    Replay, Row, cpu_seconds, digits, five_figures, grouped, rounds, seconds, snapshot_and_list,
};

/// Rows of a process.
const ROWS: usize = 1_000;

pub(crate) async fn run(fleet: &Fleet) {
    let options = &fleet.options;
    let (few, many) = (options.size(10, 2), options.size(1_000, 20));
    for (load, name) in [(Load::Idle, "idle"), (Load::Busy, "busy")] {
        let replay = Replay::start("3.4", load, many, ROWS);
        let sockets = replay.sockets();
        let small = cluster(&sockets[..few]).await;
        let large = cluster(&sockets).await;
        // The small cluster repeats its work, so that a time is long enough to be measured.
        let repeats = (many / few).min(30);
        let times = rounds(options.rounds, 3, |contender| {
            let (cluster, repeats, processes) =
                if contender == 2 { (large.clone(), 1, many) } else { (small.clone(), repeats, few) };
            async move {
                let mut sum = 0.0;
                for _ in 0..repeats {
                    let work = async {
                        let snapshot = snapshot_and_list(&cluster).await;
                        five_figures(&snapshot);
                        snapshot
                    };
                    sum += seconds(work).await;
                }
                sum / (repeats * processes) as f64
            }
        })
        .await;
        let what =
            format!("rows read and five figures merged, per row of {} processes, {name}", digits(many));
        let beside = format!("a row of {few} processes");
        Row::of(&what, &beside).ratio(times.ratio(2, 0), times.ratio(1, 0)).at_most(1.1);
        times.print(&["a process of few", "", "a process of many"]);

        let (few_read, many_read) = (small.snapshot().await.unwrap(), large.snapshot().await.unwrap());
        let times = rounds(options.rounds, 3, |contender| {
            let (snapshot, repeats, processes) =
                if contender == 2 { (many_read.clone(), 1, many) } else { (few_read.clone(), repeats, few) };
            async move {
                // A snapshot may remember figures that were merged, so each read has its own.
                let fresh: Vec<_> = (0..repeats).map(|_| grouped(&snapshot)).collect();
                let used = cpu_seconds(|| fresh.iter().for_each(five_figures));
                used / (repeats * processes) as f64
            }
        })
        .await;
        let what = format!("five figures merged, CPU time per row of {} processes, {name}", digits(many));
        Row::of(&what, &beside).ratio(times.ratio(2, 0), times.ratio(1, 0)).at_most(1.1);
        times.print(&["a process of few", "", "a process of many"]);
    }
}
