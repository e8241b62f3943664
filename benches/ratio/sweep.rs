//! All figures of 64 and 256 real processes, compared with a drain of the same bytes.

use std::sync::Arc;

use crate::fleet::{Fleet, SWEEP, cluster};
use crate::rounds::{Drain, Row, drain, rounds, seconds, snapshot_and_list};

pub(crate) async fn run(fleet: &mut Fleet) {
    for processes in [fleet.options.size(64, 2), fleet.options.size(256, 3)] {
        let sockets = fleet.sockets(processes).await;
        let cluster = cluster(&sockets).await;
        let times = rounds(fleet.options.rounds, 5, |contender| {
            let (sockets, cluster) = (Arc::clone(&sockets), cluster.clone());
            async move {
                match contender {
                    0 | 1 => seconds(drain(&sockets, SWEEP, Drain::Tasks)).await,
                    2 | 3 => seconds(drain(&sockets, SWEEP, Drain::OneTask)).await,
                    _ => seconds(snapshot_and_list(&cluster)).await,
                }
            }
        })
        .await;
        let base = times.fastest(&[0, 2]);
        let what = format!("figures of {processes} processes of 3.4 read, objects listed");
        Row::of(&what, "bytes drained, all sockets at once")
            .ratio(times.ratio(4, base), times.ratio(base + 1, base))
            .at_most(1.06);
        times.print(&["drain, a task for each socket", "", "drain, one task", "", "snapshot and list"]);
    }
}
