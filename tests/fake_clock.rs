//! Fake processes under Tokio's paused clock, as users' tests may have them.
//!
//! No test here starts a program. A program that is being started holds the sockets of all tests for a
//! moment, so that the end of a reply comes late, and the clock moves on meanwhile.
#![cfg(unix)]
#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "in a test a panic is the failure message")]

use std::time::{Duration, Instant};

use haproxyadmin::fake::{Backend, Fault, Frontend, Process, Running, Server};
use haproxyadmin::{AdminState, Cluster, ErrorKind, wait};
use tempfile::TempDir;
use tokio::time;

/// Limit of real time for minutes of the paused clock.
const SOON: Duration = Duration::from_secs(20);

struct Fake {
    _dir: TempDir,
    running: Running,
    /// Clusters that find the process by its directory and by its address.
    clusters: [Cluster; 2],
}

async fn fake() -> Fake {
    let app = Backend::new("app").server(Server::new("app1").check("L4OK"));
    let dir = TempDir::new().unwrap();
    let path = dir.path().join("admin.sock");
    let running =
        Process::new("3.2").frontend(Frontend::new("web")).backend(app).serve(&*path).await.unwrap();
    let clusters =
        [Cluster::from_dir(dir.path()).await.unwrap(), Cluster::from_addresses([path]).await.unwrap()];
    Fake { _dir: dir, running, clusters }
}

#[tokio::test]
async fn a_fake_process_that_hangs_costs_its_limit_and_no_real_time() {
    let fake = fake().await;
    fake.running.fail(Fault::Hang);
    time::pause();
    for cluster in &fake.clusters {
        let (start, real) = (time::Instant::now(), Instant::now());
        let snapshot = cluster.allow_partial().snapshot().await.unwrap();
        let kinds: Vec<_> = snapshot.failed().map(|process| process.failure().unwrap().kind).collect();
        assert_eq!(kinds, [ErrorKind::Timeout]);
        let waited = start.elapsed();
        assert!(waited >= Duration::from_secs(5) && waited < Duration::from_secs(6), "{waited:?}");
        assert!(real.elapsed() < Duration::from_secs(4), "{:?}", real.elapsed());
    }
}

/// A cluster of two fake processes with a server that is checked every 2 seconds.
struct Site {
    processes: Vec<haproxyadmin::fake::Running>,
    cluster: Cluster,
    _dir: TempDir,
}

async fn site() -> Site {
    let dir = TempDir::new().unwrap();
    let mut processes = Vec::new();
    for version in ["2.6", "3.4"] {
        let web1 = Server::new("web1").check("L7OK").inter(Duration::from_secs(2));
        let process = Process::new(version).backend(Backend::new("app").server(web1));
        processes.push(process.serve(dir.path().join(format!("{version}.sock"))).await.unwrap());
    }
    Site { processes, cluster: Cluster::from_dir(dir.path()).await.unwrap(), _dir: dir }
}

#[tokio::test(start_paused = true)]
async fn a_server_that_leaves_maintenance_is_up_after_its_next_check() {
    let (real, site) = (Instant::now(), site().await);
    let web1 = site.cluster.server_ref("app", "web1").unwrap();
    let status = async || web1.read().await.unwrap().status().to_string();
    web1.set_state(AdminState::Maint).await.unwrap();
    time::advance(Duration::from_secs(3600)).await;
    web1.set_state(AdminState::Ready).await.unwrap();
    assert_eq!(status().await, "UP 1/3");
    let start = time::Instant::now();
    web1.wait_until(wait::is_up(), Duration::from_secs(60)).await.unwrap();
    let waited = start.elapsed().as_millis();
    assert!((1900..3000).contains(&waited), "{waited} ms");
    site.processes[1].set_check("app", "web1", "L7STS").unwrap();
    let error = web1.wait_until(wait::is_down(), Duration::from_secs(300)).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Incomplete);
    assert_eq!(status().await, "2.6: UP, 3.4: DOWN");
    assert!(real.elapsed() < SOON, "{:?}", real.elapsed());
}

#[tokio::test(start_paused = true)]
async fn a_drain_with_a_long_limit_takes_no_real_time() {
    let (real, site) = (Instant::now(), site().await);
    let web1 = site.cluster.server_ref("app", "web1").unwrap();
    let sessions = |count: u64| {
        for running in &site.processes {
            running.set_server("app", "web1", "scur", count).unwrap();
        }
    };
    sessions(3);
    let start = time::Instant::now();
    let (drained, ()) = tokio::join!(web1.drain(Duration::from_secs(30)).into_future(), async {
        time::sleep(Duration::from_secs(20)).await;
        sessions(0);
    });
    let times: Vec<_> = drained.unwrap().values().map(|(_, drained)| drained.time.as_secs()).collect();
    assert_eq!(times, [20, 20]);

    sessions(1);
    let error = web1.drain(Duration::from_secs(30)).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Timeout);
    assert_eq!(start.elapsed().as_secs(), 50, "{error}");
    assert!(real.elapsed() < SOON, "{:?}", real.elapsed());
}

/// Neither the waits for the fake nor the pauses of a fault are cut short by the clock.
#[tokio::test(start_paused = true)]
async fn a_paused_clock_stands_while_a_fake_answers() {
    let site = site().await;
    let start = time::Instant::now();
    for _ in 0..50 {
        site.cluster.snapshot().await.unwrap();
    }
    assert!(start.elapsed() < Duration::from_millis(10), "{:?}", start.elapsed());
    site.processes[0].fail(Fault::Dribble { bytes: 1000, pause: Duration::from_millis(500) });
    site.cluster.snapshot().await.unwrap();
    assert!(start.elapsed() > Duration::from_millis(500), "{:?}", start.elapsed());
}
