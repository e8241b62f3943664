//! The answers of 63 processes beside one that hangs.

use std::time::Duration;

use futures::StreamExt as _;
use haproxyadmin::{Cluster, Process};

use crate::fleet::{Fleet, cluster};
use crate::rounds::{Row, patient, rounds, seconds};

/// The limit of a call while a process hangs.
const LIMIT: Duration = Duration::from_secs(1);

pub(crate) async fn run(fleet: &mut Fleet) {
    let processes = fleet.options.size(64, 3);
    let sockets = fleet.sockets(processes).await;
    let rest = cluster(&sockets[..processes - 1]).await;
    let all = cluster(&sockets).await.with_limits(patient().with_command_timeout(LIMIT)).allow_partial();
    fleet.running.hang(processes);
    let times = rounds(fleet.options.rounds, 3, |contender| {
        let (rest, all) = (rest.clone(), all.clone());
        async move {
            match contender {
                0 | 1 => seconds(rest.snapshot()).await,
                _ => seconds(delivered(&all, processes - 1)).await,
            }
        }
    })
    .await;
    fleet.running.resume(processes);
    let what = format!("reports of {} processes delivered, while one more hangs", processes - 1);
    Row::of(&what, "the same without the one that hangs")
        .ratio(times.ratio(2, 0), times.ratio(1, 0))
        .at_most(1.1);
    times.print(&["without", "", "with a limit of 1 s"]);
}

/// Ends when that many reports are delivered.
async fn delivered(cluster: &Cluster, reports: usize) {
    let delivered: Vec<Process> = cluster.snapshot_stream().take(reports).collect().await;
    assert_eq!(delivered.iter().filter(|process| process.report().is_some()).count(), reports);
}
