//! Processes at a host name that does not resolve, or not in time.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "in a test a panic is the failure message")]
#![allow(clippy::indexing_slicing, reason = "the same")]

use std::env;
use std::process::Command;
use std::sync::mpsc;
use std::time::{Duration, Instant};

use haproxyadmin::{Address, Cluster, Error, ErrorKind, Limits};
use tokio::runtime::{Builder, Runtime};

mod support;

use support::{Running, levels, release};

const CONNECT: Duration = Duration::from_millis(300);
/// Time that a busy machine may add.
const GRACE: Duration = Duration::from_secs(1);

async fn cluster(running: &Running, name: &str) -> Cluster {
    let unknown: Address = name.parse().unwrap();
    let limits = Limits::new().with_connect_timeout(CONNECT);
    let builder = Cluster::builder().address(unknown.clone()).address(running.socket(1)).limits(limits);
    builder.label(unknown, "unknown").label(running.socket(1), "known").build().await.unwrap().allow_partial()
}

/// Returns the failures of one read and two changes on the process that cannot be reached.
/// Checks that the other process answers each time, and that the connect timeout limits the
/// time of the calls.
async fn failures(cluster: &Cluster) -> Vec<(ErrorKind, String)> {
    let mut failures = Vec::new();
    let start = Instant::now();
    let snapshot = cluster.snapshot().await.unwrap();
    assert!(snapshot.process("known").unwrap().report().is_some());
    let failure = snapshot.process("unknown").unwrap().failure().unwrap();
    failures.push((failure.kind, failure.to_string()));
    let server = cluster.server_ref("app", "app1").unwrap();
    for _ in 0..2 {
        let outcomes = server.disable().await.unwrap();
        assert!(outcomes.get("known").unwrap().value().is_some());
        let error = outcomes.get("unknown").unwrap().error().unwrap();
        failures.push((error.kind(), error.to_string()));
    }
    // Each of the two changes may probe the process first: five connections at most.
    assert!(start.elapsed() < 5 * CONNECT + GRACE, "{:?}", start.elapsed());
    failures
}

#[tokio::test]
async fn a_name_that_does_not_exist_fails_in_its_time_and_hides_no_other_process() {
    let running = levels(&release("3.0")).await;
    let cluster = cluster(&running, "nosuch.invalid:9999").await;
    for (kind, text) in failures(&cluster).await {
        // The resolver of the system decides how long the look-up takes.
        assert!(matches!(kind, ErrorKind::Connect | ErrorKind::Timeout), "{text}");
    }
}

/// Names are looked up on the runtime's blocking threads. Here all blocking threads are busy,
/// so a look-up never ends.
#[test]
fn a_look_up_that_hangs_ends_in_the_limit_and_hides_no_other_process() {
    let runtime =
        Builder::new_multi_thread().worker_threads(2).max_blocking_threads(1).enable_all().build().unwrap();
    let busy = Busy::new(&runtime);
    runtime.block_on(async {
        let running = levels(&release("3.0")).await;
        let cluster = cluster(&running, "haproxy.example:9999").await;
        let expected = "connecting: no connection within 300ms";
        for (kind, text) in failures(&cluster).await {
            assert_eq!(kind, ErrorKind::Timeout, "{text}");
            assert!(text.ends_with(expected), "{text}");
        }
    });
    drop(busy);
}

/// Keeps the only blocking thread of the runtime busy until this value is dropped.
struct Busy(#[allow(dead_code, reason = "its end is what the thread waits for")] mpsc::Sender<()>);

impl Busy {
    fn new(runtime: &Runtime) -> Self {
        let (sender, receiver) = mpsc::channel::<()>();
        runtime.spawn_blocking(move || {
            let _ = receiver.recv();
        });
        Self(sender)
    }
}

/// A look-up goes on after its call has ended, and the runtime has a limited number of
/// blocking threads: 512 by default, 8 here.
///
/// The C library first looks up a name without dots in the file that `HOSTALIASES` names.
/// The test starts itself again with that variable set to a pipe without a writer, which
/// makes the look-up hang.
#[test]
fn look_ups_that_hang_do_not_take_the_threads_of_others() {
    if env::var_os("HOSTALIASES").is_none() {
        let dir = tempfile::tempdir().unwrap();
        let pipe = dir.path().join("aliases");
        let made = Command::new("mkfifo").arg(&pipe).status().unwrap();
        assert!(made.success());
        let mut again = Command::new(env::current_exe().unwrap());
        again.args(["--exact", "look_ups_that_hang_do_not_take_the_threads_of_others", "--nocapture"]);
        let output = again.env("HOSTALIASES", &pipe).output().unwrap();
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{said}");
        return;
    }
    let runtime =
        Builder::new_multi_thread().worker_threads(2).max_blocking_threads(8).enable_all().build().unwrap();
    let failed = runtime.block_on(async {
        let running = levels(&release("3.0")).await;
        let limits = Limits::new()
            .with_connect_timeout(Duration::from_millis(20))
            .with_command_timeout(Duration::from_secs(1));
        let hangs: Address = "hangs:9999".parse().unwrap();
        let builder = Cluster::builder().address(hangs).dir(running.stats()).limits(limits);
        let cluster = builder.build().await.unwrap().allow_partial();
        for call in 1..=20 {
            match cluster.snapshot().await {
                Ok(snapshot) if snapshot.failed().count() == 1 => {}
                other => return Some(format!("call {call}: {other:?}")),
            }
        }
        None
    });
    // Dropping the runtime would wait for the look-ups.
    runtime.shutdown_background();
    assert_eq!(failed, None);
}

#[test]
fn what_was_not_sent_for_want_of_an_address_is_not_unknown() {
    let kind = |error: &Error| error.kind();
    let runtime = Builder::new_current_thread().max_blocking_threads(1).enable_all().build().unwrap();
    let busy = Busy::new(&runtime);
    let error = runtime.block_on(async {
        let limits = Limits::new().with_connect_timeout(CONNECT);
        let builder = Cluster::builder().address("haproxy.example:9999".parse::<Address>().unwrap());
        let cluster = builder.limits(limits).build().await.unwrap();
        cluster.map("#0").unwrap().add("key", "value").await.unwrap_err()
    });
    drop(busy);
    assert_eq!(kind(&error), ErrorKind::Timeout, "{error}");
}
