//! The price of a watch for HAProxy and for this program, and the time from a change to its event.
//!
//! On 64 real processes of HAProxy 3.4 with 1,000 servers each (`tests/haproxy/install` brings it):
//!
//! - *CPU*: a watch at a beat of 1 s, compared with a snapshot (`show stat`) each second, and with
//!   nothing. The ways run in turns, and the figures are medians of the rounds.
//! - *events*: servers of all processes go down (`set server .. health down`), and the time until the event
//!   is counted, at the beats alone, with a ring, and while one of the processes hangs.

#![allow(missing_docs, reason = "a program without users")]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, reason = "it may panic")]
#![allow(clippy::print_stdout, reason = "it prints its result")]
#![allow(clippy::cast_precision_loss, reason = "the numbers are small")]

#[path = "support/site.rs"]
mod site;
#[path = "../tests/support/mod.rs"]
mod support;

use std::collections::HashMap;
use std::time::{Duration, Instant, SystemTime};

use futures::StreamExt as _;
use haproxyadmin::server::OperationalState;
use haproxyadmin::watch::{Event, WatchOptions};
use haproxyadmin::{Cluster, Limits};
use site::{cpu_of, cpu_of_all, is_measured, median};
use support::{Running, ask};
use tokio::time::{MissedTickBehavior, interval, sleep, timeout};

const CONFIG: &str = r#"
global
    nbthread 1
    stats socket "unix@${DIR}/stats/${N}.sock" mode 600 level admin
ring states
    format raw
    maxlen 1024
    size 65536
defaults
    mode http
    timeout connect 1s
    timeout client 1m
    timeout server 1m
    log ring@states format raw local0 notice
frontend web
    bind "unix@${DIR}/traffic/web.${N}"
    default_backend app
backend app
"#;

const BEAT: Duration = Duration::from_secs(1);

/// The size of a run.
struct Size {
    processes: usize,
    servers: usize,
    rounds: usize,
    /// Time that each way is measured in a round.
    span: Duration,
    /// Number of servers that go down for one figure.
    changes: usize,
}

fn main() {
    let size = if is_measured() {
        Size { processes: 64, servers: 1_000, rounds: 3, span: Duration::from_secs(10), changes: 1_000 }
    } else {
        Size { processes: 2, servers: 10, rounds: 1, span: Duration::from_millis(1_500), changes: 10 }
    };
    site::run(run(&size));
}

async fn run(size: &Size) {
    let running = site::start(CONFIG, size.processes, size.servers, |_| String::new()).await;
    let cluster = Cluster::from_dir(running.stats()).await.unwrap();
    println!("\n{} processes of HAProxy 3.4 with {} servers each", size.processes, size.servers);
    cpu(&cluster, &running, size).await;
    println!("\n{:<44}{:>8}{:>8}{:>8}{:>8}", "ms from a change to its event", "p50", "p90", "p99", "max");
    let options = || WatchOptions::new().without_figures().every(BEAT);
    events(&cluster, &running, size, options(), "beats alone").await;
    events(&cluster, &running, size, options().ring("states"), "ring").await;
    running.hang(size.processes);
    let brief = cluster.with_limits(Limits::new().with_command_timeout(Duration::from_secs(3)));
    events(&brief, &running, size, options(), "beats alone, one process hangs").await;
    events(&brief, &running, size, options().ring("states"), "ring, one process hangs").await;
    running.resume(size.processes);
}

/// A way to know the states of all servers.
#[derive(Clone, Copy)]
enum Way {
    Nothing,
    Watch,
    WatchWithRing,
    WatchWithFigures,
    Snapshots,
}

/// Prints the CPU time of HAProxy and of this program for each way.
async fn cpu(cluster: &Cluster, running: &Running, size: &Size) {
    let ways = [
        ("nothing", Way::Nothing),
        ("watch, states each second", Way::Watch),
        ("the same, with a ring", Way::WatchWithRing),
        ("watch, figures each 10 s too", Way::WatchWithFigures),
        ("snapshot each second", Way::Snapshots),
    ];
    let mut used = vec![Vec::new(); ways.len()];
    for _ in 0..size.rounds {
        for (way, used) in ways.iter().zip(&mut used) {
            used.push(during(cluster, running, size, way.1).await);
        }
    }
    println!("{:<44}{:>12}{:>12}", "ms of CPU in a second", "HAProxy", "ours");
    for (way, used) in ways.iter().zip(used) {
        let haproxy = median(used.iter().map(|used| used.0).collect());
        let ours = median(used.iter().map(|used| used.1).collect());
        println!("{:<44}{haproxy:>12.1}{ours:>12.1}", way.0);
    }
}

/// Returns the CPU time of all processes and of this program in a second, in ms.
async fn during(cluster: &Cluster, running: &Running, size: &Size, way: Way) -> (f64, f64) {
    let options = WatchOptions::new().every(BEAT).jitter(Duration::ZERO);
    let watch = match way {
        Way::Nothing | Way::Snapshots => None,
        Way::Watch => Some(cluster.watch(options.without_figures()).await.unwrap()),
        Way::WatchWithRing => Some(cluster.watch(options.without_figures().ring("states")).await.unwrap()),
        Way::WatchWithFigures => Some(cluster.watch(options).await.unwrap()),
    };
    let spent = || (cpu_of_all(running), cpu_of(std::process::id()));
    let (start, before) = (Instant::now(), spent());
    if matches!(way, Way::Snapshots) {
        let mut beat = interval(BEAT);
        beat.set_missed_tick_behavior(MissedTickBehavior::Skip);
        let poll = async {
            loop {
                beat.tick().await;
                let snapshot = cluster.snapshot().await.unwrap();
                assert_eq!(snapshot.processes().len(), size.processes);
            }
        };
        drop(timeout(size.span, poll).await);
    } else {
        sleep(size.span).await;
    }
    let (seconds, after) = (start.elapsed().as_secs_f64(), spent());
    if let Some(watch) = watch {
        assert_eq!(watch.latest().processes().len(), size.processes);
        watch.stop().await;
    }
    ((after.0 - before.0) / seconds, (after.1 - before.1) / seconds)
}

/// Lets servers go down one after the other, and prints the times until their events. Sends nothing to
/// the last process.
async fn events(cluster: &Cluster, running: &Running, size: &Size, options: WatchOptions, name: &str) {
    let watch = cluster.watch(options).await.unwrap();
    let mut events = watch.events();
    // The beats and the connections of the rings settle.
    sleep(2 * BEAT).await;
    let change = async {
        let mut sent = HashMap::new();
        let pause = BEAT.mul_f64(0.0213);
        for k in 0..size.changes {
            let n = k % (size.processes - 1) + 1;
            let server = format!("s{}", k / (size.processes - 1) % size.servers);
            sent.insert((n.to_string(), server.clone()), SystemTime::now());
            ask(running.socket(n), &format!("set server app/{server} health down")).await;
            sleep(pause).await;
        }
        sent
    };
    let follow = async {
        let mut seen = Vec::new();
        while seen.len() < size.changes {
            let occurrence = timeout(20 * BEAT, events.next()).await.expect("an event").expect("an event");
            if let Event::Operational { process, server, to: OperationalState::Stopped, .. } =
                occurrence.event
            {
                seen.push(((process.to_string(), server.to_string()), occurrence.at));
            }
        }
        seen
    };
    let (sent, seen) = tokio::join!(change, follow);
    let mut times: Vec<f64> =
        seen.iter().map(|(key, at)| at.duration_since(sent[key]).unwrap().as_secs_f64() * 1e3).collect();
    times.sort_by(f64::total_cmp);
    let at = |percent: usize| times[(times.len() - 1) * percent / 100];
    println!("{name:<44}{:>8.1}{:>8.1}{:>8.1}{:>8.1}", at(50), at(90), at(99), at(100));
    watch.stop().await;
    for n in 1..size.processes {
        let ups =
            (0..size.changes.div_ceil(size.processes - 1)).map(|k| format!("set server app/s{k} health up"));
        ask(running.socket(n), &ups.collect::<Vec<_>>().join(";")).await;
    }
}
