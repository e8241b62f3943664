//! The counters of many processes on one host: from the file in which they keep them, and by `show stat`.
//!
//! On 64 real processes of HAProxy 3.4 with 1,000 servers each and one `shm-stats-file`
//! (`tests/haproxy/install` brings HAProxy): the time of a read, and the CPU time that all processes of
//! HAProxy spend in it. The ways run in turns, and the figures are medians of the rounds.

#![allow(missing_docs, reason = "a program without users")]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, reason = "it may panic")]
#![allow(clippy::print_stdout, reason = "it prints its result")]
#![allow(clippy::cast_precision_loss, reason = "the numbers are small")]

#[path = "support/site.rs"]
mod site;
#[path = "../tests/support/mod.rs"]
mod support;

use std::fs;
use std::time::{Duration, Instant};

use haproxyadmin::snapshot::CounterSource;
use haproxyadmin::{Cluster, Process, Snapshot};
use site::{cpu_of_all, is_measured, median};
use support::Running;
use tokio::time::sleep;

const CONFIG: &str = r#"
global
    nbthread 1
    stats socket "unix@${DIR}/stats/${N}.sock" mode 600 level admin
    shm-stats-file "${DIR}/counters.shm"
    shm-stats-file-max-objects 4000
defaults
    mode http
    timeout connect 1s
    timeout client 1m
    timeout server 1m
frontend web
    guid web
    bind "unix@${DIR}/traffic/web.${N}"
    default_backend app
backend app
    guid app
"#;

/// The size of a run.
struct Size {
    processes: usize,
    servers: usize,
    rounds: usize,
    /// Number of reads of a round: from the file, and by `show stat`.
    reads: (usize, usize),
}

fn main() {
    let size = if is_measured() {
        Size { processes: 64, servers: 1_000, rounds: 5, reads: (500, 5) }
    } else {
        Size { processes: 2, servers: 10, rounds: 1, reads: (5, 1) }
    };
    site::run(run(&size));
}

async fn run(size: &Size) {
    let guid = |server| format!("guid s{server}");
    let running = site::start(CONFIG, size.processes, size.servers, guid).await;
    let cluster = Cluster::from_dir(running.stats()).await.unwrap();
    let snapshot = cluster.snapshot().await.unwrap();
    let start = Instant::now();
    let first = snapshot.with_counters_from_files().await;
    let first_time = start.elapsed();
    let is_from_file = |process: &Process| process.counter_source() == CounterSource::File;
    assert!(first.is_complete() && first.processes().iter().all(is_from_file), "{first:?}");
    let length = fs::metadata(running.dir().join("counters.shm")).unwrap().len();
    println!(
        "\n{} processes of HAProxy 3.4 with {} servers each, one file of {length} bytes",
        size.processes, size.servers
    );
    println!("first read from the file, which finds the objects of all rows: {:.2} ms\n", ms(first_time));

    let mut ways: [(&str, Vec<Spent>); 4] =
        ["show stat", "file", "file, and all sessions merged", "nothing, as long as 100 reads of the file"]
            .map(|name| (name, Vec::new()));
    for _ in 0..size.rounds {
        ways[0].1.push(
            spent(&running, size.reads.1, async || {
                assert_eq!(cluster.snapshot().await.unwrap().processes().len(), size.processes);
            })
            .await,
        );
        let file = spent(&running, size.reads.0, async || {
            assert!(snapshot.with_counters_from_files().await.is_complete());
        })
        .await;
        let pause = file.wall * 100;
        ways[1].1.push(file);
        ways[2].1.push(
            spent(&running, size.reads.1 * 4, async || {
                assert_eq!(sessions(&snapshot.with_counters_from_files().await), 0);
            })
            .await,
        );
        ways[3].1.push(spent(&running, 1, async || sleep(pause).await).await);
    }
    println!("{:<44}{:>12}{:>16}", "ms for each read", "wall", "HAProxy's CPU");
    for (name, spent) in &ways {
        let wall = median(spent.iter().map(|one| ms(one.wall)).collect());
        let cpu = median(spent.iter().map(|one| one.cpu).collect());
        println!("{name:<44}{wall:>12.3}{cpu:>16.3}");
    }
    let wall = |way: usize| median(ways[way].1.iter().map(|one| ms(one.wall)).collect());
    println!("show stat takes {:.0} times as long as the file", wall(0) / wall(1));
}

/// Returns the sessions of all servers.
fn sessions(snapshot: &Snapshot) -> u64 {
    snapshot.servers().iter().map(|server| server.stot().unwrap()).sum()
}

/// Time and CPU time of one read.
struct Spent {
    wall: Duration,
    /// Milliseconds.
    cpu: f64,
}

async fn spent(running: &Running, reads: usize, read: impl AsyncFn()) -> Spent {
    let (before, start) = (cpu_of_all(running), Instant::now());
    for _ in 0..reads {
        read().await;
    }
    let wall = start.elapsed() / u32::try_from(reads).unwrap();
    Spent { wall, cpu: (cpu_of_all(running) - before) / reads as f64 }
}

fn ms(time: Duration) -> f64 {
    time.as_secs_f64() * 1e3
}
