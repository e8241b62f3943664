//! One server of 10,000, compared with all of them.

use std::hint::black_box;

use crate::fleet::{Fleet, backends, cluster, start};
use crate::rounds::{Row, digits, rounds, seconds};
use crate::support::Running;

/// Reads of one server for one time.
const REPEATS: usize = 5;

pub(crate) async fn run(fleet: &Fleet) {
    let options = &fleet.options;
    let all = options.size(10_000, 100);
    for servers in [10, 100, 1_000, 10_000].into_iter().filter(|servers| *servers <= all) {
        let mut running = Running::new();
        start(&mut running, "3.4", &backends(all / servers, servers)).await;
        let cluster = cluster(&running.sockets()).await;
        let (backend, server) = (format!("b{}", all / servers / 2), format!("s{}", servers / 2));
        let times = rounds(options.rounds, 3, |contender| {
            let (cluster, backend, server) = (cluster.clone(), backend.clone(), server.clone());
            async move {
                if contender == 2 {
                    return seconds(cluster.snapshot()).await;
                }
                let mut sum = 0.0;
                for _ in 0..REPEATS {
                    let read = async { black_box(cluster.server(&backend, &server).await.unwrap()) };
                    sum += seconds(read).await;
                }
                sum / REPEATS as f64
            }
        })
        .await;
        Row::of(
            &format!("one server of {} read, {} in a backend", digits(all), digits(servers)),
            "all figures of the process",
        )
        .ratio(times.ratio(2, 0), times.ratio(1, 0))
        .at_least(100.0);
        times.print(&["server", "", "snapshot"]);
    }
}
