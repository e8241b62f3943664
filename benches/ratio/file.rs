//! The counters of 64 processes, from a file that they share.

use std::fmt::Write as _;

use crate::fleet::{Fleet, cluster};
use crate::rounds::{Row, digits, rounds, seconds};
use crate::support::{Config, Running, release};

const HEAD: &str = r#"
global
    nbthread 1
    stats socket "unix@${DIR}/stats/${N}.sock" mode 600 level admin
    shm-stats-file "${DIR}/counters.shm"
    shm-stats-file-max-objects 4000
defaults
    mode http
    balance roundrobin
    timeout connect 1s
    timeout client 1m
    timeout server 1m
backend app
    guid app
"#;

pub(crate) async fn run(fleet: &Fleet) {
    let options = &fleet.options;
    let (processes, servers) = (options.size(64, 2), options.size(1_000, 10));
    let (mut running, mut config) = (Running::new(), HEAD.to_owned());
    for server in 0..servers {
        writeln!(config, "    server s{server} 127.0.0.1:1 guid s{server}").unwrap();
    }
    for n in 1..=processes {
        running.add(&release("3.4"), &n.to_string(), &Config::new(&config).set("N", n)).await;
    }
    let cluster = cluster(&running.sockets()).await;
    // The first read finds the objects of the file.
    let before = cluster.snapshot().await.unwrap().with_counters_from_files().await;
    assert!(before.is_complete(), "{before:?}");
    let times = rounds(options.rounds, 3, |contender| {
        let (cluster, before) = (cluster.clone(), before.clone());
        async move {
            match contender {
                0 | 1 => seconds(cluster.snapshot()).await,
                _ => seconds(before.with_counters_from_files()).await,
            }
        }
    })
    .await;
    let what = format!("counters of {processes} x {} servers from the shared file, 3.4", digits(servers));
    Row::of(&what, "`show stat` of all processes")
        .ratio(times.ratio(0, 2), times.ratio(1, 0))
        .at_least(100.0);
    times.print(&["snapshot", "", "file"]);
}
