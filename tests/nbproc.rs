//! Four processes of one HAProxy while they serve, are read and are changed.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "in a test a panic is the failure message")]
#![allow(clippy::indexing_slicing, reason = "the same")]
#![allow(clippy::print_stdout, reason = "the figures are for people")]

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use haproxyadmin::{Cluster, Outcome, Weight};

mod support;

use support::{ancestor_cluster, http_get, release, row, until};

/// Requests to each place.
const REQUESTS: u64 = 400;

/// The frontend, and the process that it is asked on.
const PLACES: [(&str, usize); 6] = [
    ("haproxy", 1),
    ("haproxy", 3),
    ("frontend1_proc34", 3),
    ("frontend1_proc34", 4),
    ("frontend_proc1", 1),
    ("frontend2_proc34", 4),
];

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn sums_grow_under_traffic_and_are_the_truth_at_its_end() {
    let running = ancestor_cluster(&release("2.2")).await;
    let cluster = Cluster::from_dir(running.stats()).await.unwrap();
    let over = Arc::new(AtomicBool::new(false));
    let reader = tokio::spawn(read(cluster.clone(), over.clone()));
    let writer = tokio::spawn(write(cluster.clone(), over.clone()));
    let traffic = PLACES.map(|(frontend, n)| {
        let socket = running.traffic(frontend, n);
        tokio::spawn(async move {
            for _ in 0..REQUESTS {
                http_get(socket.as_path(), "/").await;
            }
        })
    });
    for requests in traffic {
        requests.await.unwrap();
    }
    over.store(true, Ordering::SeqCst);
    let (reads, changes) = (reader.await.unwrap(), writer.await.unwrap());
    assert!(reads > 10 && changes > 10, "{reads} reads, {changes} changes");

    for frontend in ["haproxy", "frontend1_proc34", "frontend_proc1", "frontend2_proc34"] {
        let places = PLACES.into_iter().filter(|(name, _)| *name == frontend);
        let truth: Vec<_> = places.map(|(_, n)| (n.to_string(), REQUESTS)).collect();
        let sum: u64 = truth.iter().map(|(_, requests)| requests).sum();
        // The last request is counted a moment after it was answered.
        until(&format!("{frontend} has counted {sum} requests"), async || {
            (cluster.frontend(frontend).await.unwrap().requests() == sum).then_some(())
        })
        .await;
        let read = cluster.frontend(frontend).await.unwrap();
        let each = read.requests_per_process().into_iter().filter(|(_, requests)| *requests > 0);
        let each: Vec<_> = each.map(|(label, requests)| (label.to_owned(), requests)).collect();
        assert_eq!(each, truth, "{frontend}");
        let mut raw = 0;
        for (n, socket) in (1..).zip(running.sockets()) {
            if read.processes().contains(&n.to_string().as_str()) {
                raw += row(&socket, frontend, "FRONTEND").await.number("req_tot");
            }
        }
        assert_eq!(raw, sum, "{frontend}");
    }
    println!("{reads} reads, {changes} changes, {} requests", REQUESTS * PLACES.len() as u64);
}

/// Reads until it is over, and checks that no count goes down.
async fn read(cluster: Cluster, over: Arc<AtomicBool>) -> usize {
    let (mut reads, mut before) = (0, Vec::new());
    while !over.load(Ordering::SeqCst) {
        let snapshot = cluster.snapshot().await.unwrap();
        assert_eq!(snapshot.processes().len(), 4);
        let frontends = snapshot.frontends();
        let now: Vec<_> = frontends
            .iter()
            .map(|frontend| (frontend.name().to_owned(), frontend.requests().exact()))
            .collect();
        for ((name, earlier), (same, later)) in before.iter().zip(&now) {
            assert!(name == same && earlier <= later, "{name} {earlier:?}, {same} {later:?}");
        }
        before = now;
        reads += 1;
    }
    reads
}

/// Each change is made by the two processes that run the backend, and by no other.
async fn write(cluster: Cluster, over: Arc<AtomicBool>) -> usize {
    let server = cluster.server_ref("backend1_proc34", "bck_all_srv1").unwrap();
    let mut changes = 0;
    while !over.load(Ordering::SeqCst) {
        let weight = Weight::absolute(1 + u64::try_from(changes % 100).unwrap()).unwrap();
        let outcomes = server.set_weight(weight).await.unwrap();
        let words: Vec<_> = outcomes.iter().map(Outcome::word).collect();
        assert_eq!(words, ["absent", "absent", "changed", "changed"]);
        let now: Vec<_> =
            server.fetch_weight().await.unwrap().values().map(|(_, weight)| weight.current).collect();
        assert_eq!(now, [1 + u64::try_from(changes % 100).unwrap(); 2]);
        changes += 1;
    }
    changes
}
