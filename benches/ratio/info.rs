//! CPU time of a small read of one process, compared with a bare socket.

use std::sync::Arc;

use crate::fleet::{Fleet, cluster};
use crate::rounds::{Row, cpu, exchange, rounds};

/// The line that this crate sends.
const LINE: &str = "show info;show cli level;show cli sockets;show stat -1 0 -1";

pub(crate) async fn run(fleet: &mut Fleet) {
    let sockets = fleet.sockets(1).await;
    let cluster = cluster(&sockets).await;
    let repeats = fleet.options.size(200, 5);
    let times = rounds(fleet.options.rounds, 3, |contender| {
        let (sockets, cluster) = (Arc::clone(&sockets), cluster.clone());
        async move {
            let start = cpu();
            for _ in 0..repeats {
                if contender == 2 {
                    drop(cluster.info().await.unwrap());
                } else {
                    exchange(&sockets[0], LINE).await;
                }
            }
            (cpu() - start) / repeats as f64
        }
    })
    .await;
    Row::of("`Cluster::info` of one process, CPU time", "the same line on a bare socket")
        .ratio(times.ratio(2, 0), times.ratio(1, 0))
        .at_most(1.3);
    times.print(&["bare", "", "info"]);
}
