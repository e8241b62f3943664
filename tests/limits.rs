//! The number of connections that a cluster opens, and the time that it waits.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "in a test a panic is the failure message")]
#![allow(clippy::indexing_slicing, reason = "the same")]

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use futures::future::join_all;
use haproxyadmin::{Cluster, ErrorKind, Limits};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{UnixListener, UnixStream};

mod support;

use support::{Config, Running, releases};

/// Connections that are open now, and the most there were.
#[derive(Debug, Default)]
struct Count {
    open: AtomicUsize,
    most: AtomicUsize,
}

/// Answers as a recorded process did, with a pid of its own, a moment after it
/// was asked.
fn serve(path: &Path, pid: usize, count: &Arc<Count>) {
    let listener = UnixListener::bind(path).unwrap();
    let count = Arc::clone(count);
    let recorded = include_str!("../fixtures/2.6/sweep.txt");
    let (before, after) = recorded.split_once("\nPid: ").unwrap();
    let (_, after) = after.split_once('\n').unwrap();
    let answer: Arc<str> = format!("{before}\nPid: {pid}\n{after}").into();
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let (count, answer) = (Arc::clone(&count), Arc::clone(&answer));
            tokio::spawn(async move {
                let open = count.open.fetch_add(1, Ordering::SeqCst) + 1;
                count.most.fetch_max(open, Ordering::SeqCst);
                let mut command = [0; 200];
                if stream.read(&mut command).await.unwrap() > 0 {
                    // Time for all others to come as well.
                    tokio::time::sleep(Duration::from_millis(20)).await;
                    // Whoever asked may have gone.
                    let _ = stream.write_all(answer.as_bytes()).await;
                }
                count.open.fetch_sub(1, Ordering::SeqCst);
            });
        }
    });
}

fn sockets(dir: &Path, n: usize, count: &Arc<Count>) -> Vec<PathBuf> {
    let paths: Vec<_> = (1..=n).map(|n| dir.join(format!("{n}.sock"))).collect();
    for (pid, path) in (1..).zip(&paths) {
        serve(path, pid, count);
    }
    paths
}

#[tokio::test]
async fn all_calls_together_open_no_more_than_the_places_of_a_process() {
    let dir = tempfile::tempdir().unwrap();
    let count = Arc::default();
    sockets(dir.path(), 1, &count);
    let cluster = Cluster::from_dir(dir.path()).await.unwrap();
    // From the very first call on, and while members are found anew.
    for rediscover in [false, true] {
        let calls = join_all((0..30).map(|_| async {
            let read = if rediscover { cluster.rediscover().await } else { cluster.snapshot().await };
            read.map(|snapshot| snapshot.processes().len())
        }));
        assert!(calls.await.into_iter().all(|processes| processes.unwrap() == 1));
    }
    assert_eq!(count.most.load(Ordering::SeqCst), Limits::new().max_connections);
}

#[tokio::test]
async fn a_hung_process_takes_no_turn_from_the_others() {
    let dir = tempfile::tempdir().unwrap();
    let count = Arc::default();
    let mut addresses = sockets(dir.path(), 1, &count);
    addresses.push(dir.path().join("hung.sock"));
    let _hung = UnixListener::bind(&addresses[1]).unwrap();
    let limits = Limits::new().with_command_timeout(Duration::from_secs(2));
    let cluster =
        Cluster::builder().addresses(addresses).limits(limits).max_connections(6).build().await.unwrap();
    let cluster = cluster.allow_partial();
    for snapshot in join_all((0..40).map(|_| cluster.snapshot())).await {
        let snapshot = snapshot.unwrap();
        let failed: Vec<_> = snapshot.failed().map(|process| process.label().to_string()).collect();
        assert_eq!(failed, ["hung"]);
    }
}

#[tokio::test]
async fn a_cluster_opens_no_more_connections_than_it_may() {
    let dir = tempfile::tempdir().unwrap();
    let count = Arc::default();
    let addresses = sockets(dir.path(), 12, &count);
    let cluster = Cluster::builder().addresses(addresses).max_connections(3).build().await.unwrap();
    let snapshot = cluster.allow_partial().snapshot().await.unwrap();
    assert!(snapshot.is_complete());
    assert_eq!(snapshot.processes().len(), 12);
    assert_eq!(count.most.load(Ordering::SeqCst), 3);
}

#[tokio::test]
async fn waiting_for_a_turn_counts() {
    let dir = tempfile::tempdir().unwrap();
    let hung: Vec<_> = (1..=3).map(|n| dir.path().join(format!("{n}.sock"))).collect();
    let _listeners: Vec<_> = hung.iter().map(|path| UnixListener::bind(path).unwrap()).collect();
    let limits = Limits::new().with_command_timeout(Duration::from_millis(200));
    let cluster = Cluster::builder().addresses(hung).max_connections(1).limits(limits).build().await.unwrap();
    let start = Instant::now();
    let snapshot = cluster.allow_partial().snapshot().await.unwrap();
    assert!(start.elapsed() < Duration::from_millis(600), "{:?}", start.elapsed());
    let failures: Vec<_> = snapshot.failed().map(|process| process.failure().unwrap().to_string()).collect();
    assert_eq!(failures.len(), 3);
    assert_eq!(
        failures.iter().filter(|text| text.starts_with("waiting for a turn")).count(),
        2,
        "{failures:?}"
    );
}

#[tokio::test]
async fn a_dropped_call_leaves_nothing_behind() {
    let dir = tempfile::tempdir().unwrap();
    let count = Arc::default();
    let cluster = Cluster::from_addresses(sockets(dir.path(), 2, &count)).await.unwrap();
    for wait in 0..30 {
        let limit = Duration::from_millis(wait);
        let _ = tokio::time::timeout(limit, cluster.snapshot()).await;
    }
    let snapshot = cluster.allow_partial().snapshot().await.unwrap();
    assert!(snapshot.is_complete());
    let gone = async {
        while count.open.load(Ordering::SeqCst) > 0 {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(Duration::from_secs(5), gone).await.unwrap();
}

#[tokio::test]
async fn limits_without_end_and_without_time_are_taken_at_their_word() {
    let dir = tempfile::tempdir().unwrap();
    let count = Arc::default();
    let addresses = sockets(dir.path(), 1, &count);
    let endless = Limits::new()
        .with_connect_timeout(Duration::MAX)
        .with_idle_timeout(Duration::MAX)
        .with_command_timeout(Duration::MAX)
        .with_max_reply_size(usize::MAX)
        .with_max_connections(0);
    let cluster =
        Cluster::builder().addresses(addresses.clone()).limits(endless).max_connections(0).build().await;
    assert!(cluster.unwrap().snapshot().await.is_ok());
    let none = Limits::new().with_command_timeout(Duration::ZERO);
    let cluster = Cluster::builder().addresses(addresses.clone()).limits(none).build().await.unwrap();
    assert_eq!(cluster.snapshot().await.unwrap_err().kind(), ErrorKind::Timeout);
    let small = Limits::new().with_max_reply_size(1000);
    let cluster = Cluster::builder().addresses(addresses).limits(small).build().await.unwrap();
    let text = cluster.snapshot().await.unwrap_err().to_string();
    assert!(text.ends_with("answer is longer than the limit of 1000 bytes"), "{text}");
}

#[tokio::test]
async fn calls_wait_for_a_haproxy_whose_backlog_is_full() {
    for release in releases() {
        let mut running = Running::new();
        running.add(&release, "backlog", &Config::new(BACKLOG)).await;
        let cluster = Cluster::from_addresses([running.socket(1)]).await.unwrap();
        cluster.snapshot().await.unwrap();
        running.hang(1);
        let mut waiting = Vec::new();
        let error = loop {
            match UnixStream::connect(running.socket(1)).await {
                Ok(stream) => waiting.push(stream),
                Err(error) => break error,
            }
        };
        assert_eq!(error.kind(), std::io::ErrorKind::WouldBlock, "HAProxy {}", release.version);
        let calls = join_all((0..4).map(|_| cluster.info()));
        let awake = async {
            // Every call has tried to connect by now.
            tokio::task::yield_now().await;
            drop(waiting);
            running.resume(1);
        };
        let (calls, ()) = tokio::join!(calls, awake);
        assert!(calls.iter().all(Result::is_ok), "HAProxy {}: {calls:?}", release.version);
    }
}

const BACKLOG: &str = r#"
global
    nbthread 1
    stats socket "unix@${DIR}/stats/1.sock" mode 600 level admin backlog 2

frontend web
    mode http
    timeout client 30s
    bind "unix@${DIR}/traffic/web.1"
"#;
