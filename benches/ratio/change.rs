//! A weight on 64 and 256 processes, compared with bare sockets.

use std::sync::Arc;

use haproxyadmin::Weight;

use crate::fleet::{Fleet, cluster};
use crate::rounds::{Drain, Row, drain, rounds, seconds};

/// The line that this crate sends.
const LINE: &str = "set severity-output number;set server b0/s0 weight 20";

pub(crate) async fn run(fleet: &mut Fleet) {
    for processes in [fleet.options.size(64, 2), fleet.options.size(256, 3)] {
        let sockets = fleet.sockets(processes).await;
        let cluster = cluster(&sockets).await;
        let server = cluster.server_ref("b0", "s0").unwrap();
        let times = rounds(fleet.options.rounds, 5, |contender| {
            let (sockets, server) = (Arc::clone(&sockets), server.clone());
            async move {
                match contender {
                    0 | 1 => seconds(drain(&sockets, LINE, Drain::Tasks)).await,
                    2 | 3 => seconds(drain(&sockets, LINE, Drain::OneTask)).await,
                    _ => {
                        seconds(async { server.set_weight(Weight::absolute(20).unwrap()).await.unwrap() })
                            .await
                    }
                }
            }
        })
        .await;
        let base = times.fastest(&[0, 2]);
        Row::of(
            &format!("`set server .. weight` on {processes} processes of 3.4"),
            "bare sockets, all at once",
        )
        .ratio(times.ratio(4, base), times.ratio(base + 1, base))
        .at_most(1.1);
        times.print(&["bare, a task for each socket", "", "bare, one task", "", "set_weight"]);
    }
}
