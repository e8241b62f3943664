//! Whole calls under tokio's paused clock, as users' tests may make them.
//!
//! With a paused clock, tokio jumps to the next deadline whenever it has nothing to do. A fake
//! process in the same runtime keeps tokio busy; a real HAProxy process that takes time to answer
//! does not.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "in a test a panic is the failure message")]

use std::time::{Duration, Instant};

use haproxyadmin::fake::{Backend, Fault, Frontend, Process, Running, Server};
use haproxyadmin::{Cluster, ErrorKind, Weight};
use tempfile::TempDir;
use tokio::time;

mod support;

use support::{levels, release};

/// Limit of real time for calls under the paused clock.
const SOON: Duration = Duration::from_secs(20);

struct Fake {
    #[allow(dead_code, reason = "goes when it is dropped")]
    dir: TempDir,
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
    Fake { dir, running, clusters }
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

/// Each call either answers or reports a timeout; which of the two is not predictable.
#[tokio::test]
async fn a_haproxy_process_answers_or_times_out_and_nothing_hangs() {
    let running = levels(&release("3.0")).await;
    let cluster = Cluster::from_dir(running.stats()).await.unwrap();
    cluster.info().await.unwrap();
    let cluster = cluster.allow_partial();
    let begun = Instant::now();
    for weight in 1..=50 {
        time::pause();
        let read = cluster.info().await.map(|info| {
            let failed = info.snapshot().failed();
            failed.map(|process| process.failure().unwrap().kind).collect::<Vec<_>>()
        });
        let server = cluster.server_ref("app", "app1").unwrap();
        let change = server.set_weight(Weight::absolute(weight).unwrap()).await;
        time::resume();
        match read {
            Ok(kinds) => assert!(kinds.iter().all(|kind| *kind == ErrorKind::Timeout), "{kinds:?}"),
            Err(error) => assert_eq!(error.kind(), ErrorKind::Timeout, "{error}"),
        }
        match change {
            Ok(outcomes) => {
                for error in outcomes.failed().filter_map(haproxyadmin::Outcome::error) {
                    assert!(
                        matches!(error.kind(), ErrorKind::Timeout | ErrorKind::OutcomeUnknown),
                        "{error}"
                    );
                }
            }
            Err(error) => assert_eq!(error.kind(), ErrorKind::Timeout, "{error}"),
        }
        assert!(begun.elapsed() < SOON, "{:?}", begun.elapsed());
    }
}
