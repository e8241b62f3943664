//! Calls to HAProxy under Tokio's paused clock.
//!
//! With a paused clock, Tokio jumps to the next timer whenever it has nothing to do, also while HAProxy
//! takes its time to answer.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "in a test a panic is the failure message")]

use std::time::{Duration, Instant};

use haproxyadmin::{Cluster, ErrorKind, Weight};
use tokio::time;

mod support;

use support::{levels, release};

/// Limit of real time for calls under the paused clock.
const SOON: Duration = Duration::from_secs(20);

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
