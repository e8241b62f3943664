//! The counters of 64 processes, from a file that they share.

use std::fmt::Write as _;
use std::fs;
use std::hint::black_box;

use crate::fleet::{Fleet, cluster};
use crate::rounds::{Row, digits, rounds, seconds};
use crate::support::{Config, Running, release};

const HEAD: &str = r#"
global
    nbthread 1
    stats socket "unix@${DIR}/stats/${N}.sock" mode 600 level admin
    shm-stats-file "${DIR}/counters.shm"
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
    let file = running.dir().join("counters.shm");
    let times = rounds(options.rounds, 3, |contender| {
        let (cluster, file) = (cluster.clone(), file.clone());
        async move {
            match contender {
                0 | 1 => seconds(cluster.snapshot()).await,
                // No call reads counters from the file yet. It would read these bytes.
                _ => seconds(async { black_box(fs::read(&file).unwrap()) }).await,
            }
        }
    })
    .await;
    let what = format!("counters of {processes} x {} servers from the shared file, 3.4", digits(servers));
    Row::of(&what, "the figures of all processes read").at_least(100.0);
    times.print(&["snapshot", "", "bytes of the file"]);
}
