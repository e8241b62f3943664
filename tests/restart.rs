//! Processes that are killed and started again at the same address, most of them with the
//! PID of the killed process.
//!
//! If the system permits no PID namespace, the PID differs and everything else is the same.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "in a test a panic is the failure message")]
#![allow(clippy::indexing_slicing, reason = "the same")]
#![allow(clippy::print_stdout, reason = "the figures are for people")]

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::UNIX_EPOCH;

use haproxyadmin::{Address, Cluster, ErrorKind, Weight};

mod support;

use support::{Config, Release, Running, every_state, info, release, releases};

const CONFIG: &str = r#"
global
    nbthread 1
    maxconn 200
    node same
    description "generation ${GENERATION}"
    SOCKETS

defaults
    mode http
    timeout connect 1s
    timeout client 30s
    timeout server 30s

frontend web
    bind "unix@${DIR}/traffic/web.${NAME}"
    default_backend app

backend app
    default-server ssl verify none
    server web1 "${SERVER_1}" weight 100 no-ssl
"#;

/// Returns a configuration with these stats sockets.
fn config(running: &Running, sockets: &[&str], generation: usize) -> Config {
    let sockets: Vec<_> = sockets.iter().map(|socket| format!("stats socket {socket} level admin")).collect();
    let config = Config::new(CONFIG.replace("SOCKETS", &sockets.join("\n    ")));
    running.fill(config).set("GENERATION", generation).set("NAME", 1)
}

fn file(name: &str) -> String {
    format!(r#""unix@${{DIR}}/stats/{name}.sock" mode 600"#)
}

async fn start(release: &Release, sockets: &[&str]) -> Running {
    let mut running = Running::new();
    running.add_servers(1).await;
    let config = config(&running, sockets, 0);
    running.add_isolated(release, "one", &config).await;
    running
}

/// Reads the cluster's only process: its PID, start time in seconds, description and the
/// requests of `web`.
async fn seen(cluster: &Cluster) -> (u64, u64, String, u64) {
    let snapshot = cluster.snapshot().await.unwrap();
    let [process] = snapshot.processes() else { panic!("{snapshot:?}") };
    let started = process.started_at().unwrap().duration_since(UNIX_EPOCH).unwrap().as_secs();
    let description = process.info().unwrap().description().unwrap_or_default().to_owned();
    (
        process.pid().unwrap(),
        started,
        description,
        snapshot.frontend("web").unwrap().requests().exact().unwrap(),
    )
}

#[tokio::test]
async fn a_process_started_anew_is_read_and_changed_as_it_is_now() {
    for release in releases() {
        let mut running = start(&release, &[&file("a")]).await;
        let cluster = Cluster::from_dir(running.stats()).await.unwrap();
        let server = cluster.server("app", "web1").await.unwrap();
        for generation in 1..=4 {
            running.send("web", 1, "/", 2).await;
            let (_, _, description, requests) = seen(&cluster).await;
            assert_eq!((description.as_str(), requests), (&*format!("generation {}", generation - 1), 2));
            running.kill(1);
            let config = config(&running, &[&file("a")], generation);
            running.haproxies[0].replace(&release, &config).await;
            if generation % 2 == 0 {
                // No read comes first: the change itself must detect the new process.
                let outcomes =
                    server.on(&cluster.with_previous()).set_weight(Weight::absolute(42).unwrap()).await;
                let outcomes = outcomes.unwrap();
                let before = outcomes.previous().unwrap().server("app", "web1").unwrap();
                assert_eq!(before.weight().map(|weight| weight.to_string()), Some("100".to_owned()));
                assert_eq!(every_state(&running, "app", "web1", "srv_uweight").await, ["42"]);
            }
            let (pid, started, description, requests) = seen(&cluster).await;
            let truth = info(running.socket(1)).await;
            assert_eq!(truth["Pid"], pid.to_string());
            let start = truth.get("Start_time_sec").map(|text| text.parse::<u64>().unwrap());
            assert!(start.is_none_or(|start| start == started), "{truth:?} {started}");
            assert_eq!((description, requests), (format!("generation {generation}"), 0));
            assert_eq!(server.refresh().await.unwrap().requests(), 0);
        }
    }
}

/// HAProxy 2.4 is the first release with `set server B/S ssl`.
#[tokio::test]
async fn a_process_of_another_release_takes_what_that_release_takes() {
    let releases = [release("2.2"), release("3.4")];
    let tcp = "ipv4@127.0.0.1:${PORT_STATS}".to_owned();
    for (name, socket) in [("file", file("a")), ("address", tcp)] {
        // The TCP address keeps its port. The test also waits for the socket file, so every
        // process has one.
        let sockets = [file("a"), socket];
        let sockets: Vec<_> = sockets.iter().map(String::as_str).collect();
        let mut running = start(&releases[0], &sockets[..if name == "file" { 1 } else { 2 }]).await;
        let address: Address = match name {
            "file" => running.socket(1).into(),
            _ => running.haproxies[0].address("PORT_STATS").into(),
        };
        let cluster = Cluster::from_addresses([address.clone()]).await.unwrap();
        let server = cluster.server_ref("app", "web1").unwrap();
        assert_eq!(server.set_ssl(true).await.unwrap_err().kind(), ErrorKind::Unsupported);
        for generation in 1..=4 {
            let release = &releases[generation % 2];
            let port = match &address {
                Address::Tcp { port, .. } => *port,
                _ => 0,
            };
            let config = config(&running, &sockets[..if name == "file" { 1 } else { 2 }], generation);
            running.kill(1);
            running.haproxies[0].replace(release, &config.set("PORT_STATS", port)).await;
            let result = server.set_ssl(true).await;
            match generation % 2 {
                0 => assert_eq!(result.unwrap_err().kind(), ErrorKind::Unsupported, "{name} {generation}"),
                _ => assert!(result.is_ok(), "{name} {generation}: {result:?}"),
            }
            // An outcome has the release that the process reported at the last read.
            cluster.info().await.unwrap();
            let outcomes =
                cluster.allow_partial().server_ref("app", "web1").unwrap().disable().await.unwrap();
            let version = outcomes.iter().next().unwrap().version().unwrap();
            assert!(version.to_string().starts_with(&release.version), "{name} {generation}: {version}");
        }
    }
}

#[tokio::test]
async fn two_sockets_of_one_process_that_are_two_processes_now_are_two() {
    let mut wrong = Vec::new();
    for release in releases() {
        let mut running = start(&release, &[&file("a"), &file("b")]).await;
        let by_dir = Cluster::from_dir(running.stats()).await.unwrap();
        let by_address = Cluster::from_addresses([path(&running, "a"), path(&running, "b")]).await.unwrap();
        for cluster in [&by_dir, &by_address] {
            assert_eq!(cluster.snapshot().await.unwrap().processes().len(), 1);
        }
        running.kill(1);
        let one = config(&running, &[&file("a")], 1);
        running.haproxies[0].replace(&release, &one).await;
        let other = config(&running, &[&file("b")], 2).set("NAME", 2);
        running.add_isolated(&release, "two", &other).await;
        for (name, cluster) in [("directory", &by_dir), ("addresses", &by_address)] {
            let read = cluster.snapshot().await.unwrap().processes().len();
            let outcomes = cluster.server_ref("app", "web1").unwrap().disable().await.unwrap();
            let told = outcomes.len();
            let bits = every_state(&running, "app", "web1", "srv_admin_state").await;
            if (read, told) != (2, 2) || bits != ["1", "1"] {
                wrong.push(format!("{} by {name}: read {read}, told {told}, {bits:?}", release.version));
            }
        }
    }
    assert_eq!(wrong, Vec::<String>::new());
}

#[tokio::test]
async fn two_processes_that_are_one_now_are_one() {
    let mut wrong = Vec::new();
    for release in releases() {
        let mut running = start(&release, &[&file("a")]).await;
        let other = config(&running, &[&file("b")], 0).set("NAME", 2);
        running.add_isolated(&release, "two", &other).await;
        let by_dir = Cluster::from_dir(running.stats()).await.unwrap();
        let by_address = Cluster::from_addresses([path(&running, "a"), path(&running, "b")]).await.unwrap();
        for cluster in [&by_dir, &by_address] {
            assert_eq!(cluster.snapshot().await.unwrap().processes().len(), 2);
        }
        running.kill(1);
        drop(running.haproxies.pop());
        let both = config(&running, &[&file("a"), &file("b")], 1);
        running.haproxies[0].replace(&release, &both).await;
        for (name, cluster) in [("directory", &by_dir), ("addresses", &by_address)] {
            let read = cluster.snapshot().await.unwrap().processes().len();
            let told = cluster.server_ref("app", "web1").unwrap().disable().await.unwrap().len();
            if (read, told) != (1, 1) {
                wrong.push(format!("{} by {name}: read {read}, told {told}", release.version));
            }
        }
    }
    assert_eq!(wrong, Vec::<String>::new());
}

/// Both processes have the same PID, start time and node most of the time.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_is_taken_for_that_of_another_process_while_one_is_started_again_and_again() {
    for release in releases() {
        let mut running = start(&release, &[&file("a")]).await;
        let other = config(&running, &[&file("b")], 0).set("NAME", 2);
        running.add_isolated(&release, "two", &other.set("GENERATION", "other")).await;
        let cluster = Cluster::from_dir(running.stats()).await.unwrap().allow_partial();
        let over = Arc::new(AtomicBool::new(false));
        let reader = tokio::spawn(read(cluster.clone(), over.clone()));
        let writer = tokio::spawn(write(cluster, over.clone()));
        for generation in 1..=10 {
            running.kill(1);
            let config = config(&running, &[&file("a")], generation);
            running.haproxies[0].replace(&release, &config).await;
        }
        over.store(true, Ordering::SeqCst);
        let (read, written) = (reader.await.unwrap(), writer.await.unwrap());
        // All changes were sent to `a.sock`; `b.sock` keeps its weight.
        assert_eq!(every_state(&running, "app", "web1", "srv_uweight").await[1], "100");
        println!("HAProxy {}: {read} reads, {written} changes, none mistaken", release.version);
    }
}

async fn read(cluster: Cluster, over: Arc<AtomicBool>) -> usize {
    let mut reads = 0;
    while !over.load(Ordering::SeqCst) {
        let snapshot = cluster.snapshot().await.unwrap();
        let labels: Vec<_> = snapshot.processes().iter().map(|process| process.label().to_string()).collect();
        assert_eq!(labels, ["a", "b"]);
        for process in snapshot.processes() {
            let Some(info) = process.info() else { continue };
            let is_other = info.description() == Some("generation other");
            assert_eq!(is_other, &**process.label() == "b", "{process:?}");
        }
        assert!(snapshot.process("b").unwrap().failure().is_none(), "{snapshot:?}");
        reads += 1;
    }
    reads
}

async fn write(cluster: Cluster, over: Arc<AtomicBool>) -> usize {
    let server = cluster.only(["a"]).server_ref("app", "web1").unwrap();
    let mut writes = 0;
    while !over.load(Ordering::SeqCst) {
        let outcomes = server.set_weight(Weight::absolute(1).unwrap()).await.unwrap();
        let outcome = outcomes.iter().next().unwrap();
        assert_eq!((outcomes.len(), &**outcome.label()), (1, "a"));
        assert_eq!(outcome.absent(), None);
        writes += usize::from(outcome.value().is_some());
    }
    writes
}

fn path(running: &Running, name: &str) -> PathBuf {
    running.stats().join(format!("{name}.sock"))
}
