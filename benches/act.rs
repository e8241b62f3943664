//! The cost of changes, compared with bare sockets that send and read the same bytes.
//!
//! On real HAProxy of `target/haproxy` (`tests/haproxy/install` brings it), with four processes of
//! each release. Both sides run in turns and the figures are medians, so the ratios hold on a busy
//! machine too:
//!
//! - *change*: `set server .. weight` on all four, compared with the same line on four bare
//!   connections at once, and on one after the other as haproxyadmin for Python does;
//! - *add*: many entries with `Map::add_all`, compared with a connection for each entry;
//! - *show*: a large map of one process with `Map::show`, compared with reading its bytes.

#![allow(missing_docs, reason = "a program without users")]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, reason = "it may panic")]
#![allow(clippy::print_stdout, reason = "it prints its result")]
#![allow(clippy::cast_precision_loss, reason = "numbers of entries are small")]

#[path = "../tests/support/mod.rs"]
mod support;

use std::path::Path;
use std::time::Instant;

use futures::future::join_all;
use haproxyadmin::{Cluster, Weight};
use support::{Config, Release, Running, release};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::UnixStream;

const CONFIG: &str = r#"
global
    stats socket "unix@${DIR}/stats/${N}.sock" mode 600 level admin
defaults
    mode http
    timeout connect 1s
    timeout client 30s
    timeout server 30s
frontend web
    bind "unix@${DIR}/traffic/web.${N}"
    http-request set-header x-a %[path,map_str(${DIR}/a.map)]
    default_backend app
backend app
    server web1 127.0.0.1:1 weight 10
"#;

const PROCESSES: usize = 4;

fn main() {
    // Without `--bench` this is a test run: everything runs once, with few entries.
    let arguments: Vec<String> = std::env::args().collect();
    let given = |wanted: &str| arguments.iter().any(|argument| argument == wanted);
    let (rounds, entries) = if given("--bench") && !given("--test") { (31, 100_000) } else { (1, 1_000) };
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    println!("\nMicroseconds on real HAProxy; medians of {rounds} rounds.");
    println!("{:<36}{:>10}{:>24}{:>10}{:>7}", "", "ours", "beside", "", "ratio");
    for version in ["2.6", "3.4"] {
        runtime.block_on(run(&release(version), version, rounds, entries));
    }
}

async fn run(release: &Release, version: &str, rounds: usize, entries: usize) {
    let mut running = Running::new();
    std::fs::write(running.dir().join("a.map"), "").unwrap();
    for n in 1..=PROCESSES {
        let config = running.fill(Config::new(CONFIG)).set("N", n);
        running.add(release, &format!("instance{n}"), &config).await;
    }
    let cluster = Cluster::from_dir(running.stats()).await.unwrap();
    cluster.snapshot().await.unwrap();
    change(&cluster, &running, version, rounds).await;
    let file = running.dir().join("a.map").to_str().unwrap().to_owned();
    let one = cluster.only(["1"]);
    add(&one, &running, &file, version, rounds.min(5)).await;
    show(&one, &running, &file, version, rounds.min(7), entries).await;
}

async fn change(cluster: &Cluster, running: &Running, version: &str, rounds: usize) {
    let server = cluster.server_ref("app", "web1").unwrap();
    let line = "set severity-output number;set server app/web1 weight 20";
    let sockets = running.sockets();
    let (mut ours, mut together, mut in_turn) = (Vec::new(), Vec::new(), Vec::new());
    for _ in 0..rounds {
        ours.push(
            time(async { drop(server.set_weight(Weight::absolute(20).unwrap()).await.unwrap()) }).await,
        );
        together.push(
            time(async { drop(join_all(sockets.iter().map(|socket| bare(socket, line))).await) }).await,
        );
        in_turn.push(
            time(async {
                for socket in &sockets {
                    bare(socket, line).await;
                }
            })
            .await,
        );
    }
    let ours = median(ours);
    print(&format!("{version} change on {PROCESSES} processes"), ours, "bare, at once", median(together));
    print(&format!("{version} change on {PROCESSES} processes"), ours, "bare, one by one", median(in_turn));
}

/// Prints the microseconds for a thousand entries.
async fn add(cluster: &Cluster, running: &Running, file: &str, version: &str, rounds: usize) {
    let map = cluster.map(file).unwrap();
    let (mut ours, mut each) = (Vec::new(), Vec::new());
    for round in 0..rounds {
        let entries: Vec<_> =
            (0..1000).map(|n| (format!("host-{round}-{n}.example"), format!("backend-{n}"))).collect();
        ours.push(time(async { drop(map.add_all(pairs(&entries)).await.unwrap()) }).await);
        each.push(
            time(async {
                for (key, value) in &entries {
                    bare(&running.socket(1), &format!("add map {file} {key} {value}")).await;
                }
            })
            .await,
        );
    }
    print(&format!("{version} add 1000 entries"), median(ours), "bare, each by itself", median(each));
    map.clear().await.unwrap();
}

async fn show(
    cluster: &Cluster,
    running: &Running,
    file: &str,
    version: &str,
    rounds: usize,
    entries: usize,
) {
    let map = cluster.map(file).unwrap();
    let entries: Vec<_> =
        (0..entries).map(|n| (format!("host-{n}.example"), format!("backend-{n}"))).collect();
    map.add_all(pairs(&entries)).await.unwrap();
    let (mut ours, mut bytes) = (Vec::new(), Vec::new());
    for _ in 0..rounds {
        ours.push(
            time(async { assert_eq!(map.show().await.unwrap().entries().unwrap().len(), entries.len()) })
                .await,
        );
        bytes.push(time(async { drop(bare(&running.socket(1), &format!("show map {file}")).await) }).await);
    }
    print(
        &format!("{version} show {} entries", entries.len()),
        median(ours),
        "bare, bytes only",
        median(bytes),
    );
}

fn pairs(entries: &[(String, String)]) -> Vec<(&str, &str)> {
    entries.iter().map(|(key, value)| (key.as_str(), value.as_str())).collect()
}

/// Sends a line and reads to the end of the reply.
async fn bare(socket: &Path, line: &str) -> Vec<u8> {
    let mut stream = UnixStream::connect(socket).await.unwrap();
    stream.write_all(format!("{line}\n").as_bytes()).await.unwrap();
    let mut reply = Vec::new();
    stream.read_to_end(&mut reply).await.unwrap();
    reply
}

/// Returns the time in microseconds.
async fn time(work: impl Future<Output = ()>) -> f64 {
    let start = Instant::now();
    work.await;
    start.elapsed().as_secs_f64() * 1e6
}

fn median(mut times: Vec<f64>) -> f64 {
    times.sort_by(f64::total_cmp);
    times[times.len() / 2]
}

fn print(what: &str, ours: f64, beside: &str, other: f64) {
    println!("{what:<36}{ours:>10.0}{beside:>24}{other:>10.0}{:>6.2}x", other / ours);
}
