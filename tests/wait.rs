//! Waiting until a server, a backend or the cluster meets a condition, on a process of each release.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "in a test a panic is the failure message")]
#![allow(clippy::indexing_slicing, reason = "the same")]

use std::time::Duration;

use futures::FutureExt as _;
use haproxyadmin::snapshot::{BackendStats, ServerStats};
use haproxyadmin::{AdminState, Cluster, ErrorKind, ServerRef, Snapshot, Weight, wait};
use tokio::io::AsyncWriteExt as _;
use tokio::net::UnixStream;
use tokio::time;

mod outcome;
mod support;

use outcome::messages;
use support::{
    Config, MasterWorker, Moment, Relay, Release, Running, Tap, ask, assert_no_leftovers, end_sessions,
    every_cell, hold, hold_at, hold_each, release, releases, releases_since, until_every_cell,
};

/// The checks of `slow` never end, those of `quick` do at once.
const CONFIG: &str = r#"
backend app
    timeout queue 1m
    use-server web1 if TRUE
    server web1 "${SERVER_1}" maxconn 1
backend checked
    server quick "${SERVER_1}" check inter 50ms fall 3
    server none "${SERVER_1}"
backend open
    timeout check 1h
    option httpchk GET /hold
    server slow "${SERVER_1}" check inter 50ms fall 3
"#;

const WEB1: (&str, &str) = ("app", "web1");

/// Enough for everything that happens.
const LONG: Duration = Duration::from_secs(30);

/// Too short for anything that does not happen.
const SHORT: Duration = Duration::from_millis(300);

async fn running(releases: &[Release]) -> (Running, Cluster) {
    let running = Running::of(1, releases, |_| Config::web(CONFIG)).await;
    let cluster = Cluster::from_dir(running.stats()).await.unwrap();
    (running, cluster)
}

fn web1(cluster: &Cluster) -> ServerRef {
    cluster.server_ref("app", "web1").unwrap()
}

/// Returns the message, without the time at its end.
fn lack(message: &str) -> &str {
    message.rsplit_once(" after ").unwrap().0
}

#[tokio::test]
async fn a_server_that_leaves_maintenance_is_up_when_a_check_has_passed() {
    let (running, cluster) = running(&releases()).await;
    let checked = |name: &str| {
        let backend = if name == "slow" { "open" } else { "checked" };
        cluster.server_ref(backend, name).unwrap()
    };
    // At the start, 3.4 prints `UP 0/3` and the others `UP 1/3`.
    checked("slow").wait_until(wait::is_up(), SHORT).await.unwrap_err();
    checked("quick").wait_until(wait::is_up(), LONG).await.unwrap();
    for name in ["slow", "quick", "none"] {
        checked(name).set_state(AdminState::Maint).await.unwrap();
        let waited = checked(name).wait_until(wait::is_drained(), LONG).await.unwrap();
        assert_eq!(waited.values().count(), releases().len());
        checked(name).set_state(AdminState::Ready).await.unwrap();
    }
    let error = checked("slow").wait_until(wait::is_up(), SHORT).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Timeout);
    assert_eq!(every_cell(&running, "open", "slow", "status").await, vec!["UP 1/3"; releases().len()]);
    let text = error.to_string();
    assert_eq!(text.matches("status UP 1/3 after 3").count(), releases().len(), "{text}");
    checked("quick").wait_until(wait::is_up(), LONG).await.unwrap();
    assert_eq!(every_cell(&running, "checked", "quick", "status").await, vec!["UP"; releases().len()]);
    checked("none").wait_until(wait::is_up(), Duration::ZERO).await.unwrap();
}

#[tokio::test]
async fn a_server_is_idle_without_sessions_and_without_a_queue() {
    let (running, cluster) = running(&releases()).await;
    let server = web1(&cluster);
    server.wait_until(wait::is_idle(), Duration::ZERO).await.unwrap();
    let _held = hold_each(&running, "web", WEB1).await;
    let mut queued = Vec::new();
    for n in 1..=running.processes() {
        queued.push(hold(running.traffic("web", n), "/").await);
    }
    until_every_cell(&running, "app", "web1", "qcur", "1").await;
    for message in messages(server.wait_until(wait::is_idle(), SHORT).await) {
        assert_eq!(lack(&message), "1 session, 1 queued request");
    }
    // A server in traffic is not drained, however idle it is.
    for message in
        messages(cluster.server_ref("checked", "none").unwrap().wait_until(wait::is_drained(), SHORT).await)
    {
        assert_eq!(lack(&message), "status no check");
    }
    let (waited, ()) = tokio::join!(server.wait_until(wait::is_idle(), LONG), async {
        time::sleep(SHORT).await;
        end_sessions(&running, WEB1).await;
    });
    assert!(waited.unwrap().values().all(|(_, waited)| waited.time >= SHORT && waited.restarts == 0));
}

#[tokio::test]
async fn a_weight_and_a_closure_are_conditions() {
    let (_running, cluster) = running(&releases()).await;
    let server = web1(&cluster);
    for message in messages(server.wait_until(wait::has_weight(5), SHORT).await) {
        assert_eq!(lack(&message), "weight 1");
    }
    server.set_weight(Weight::absolute(5).unwrap()).await.unwrap();
    server.wait_until(wait::has_weight(5), LONG).await.unwrap();
    let is_listed = |server: &ServerStats| server.name() == "web1" && server.processes().len() == 1;
    server.wait_until(is_listed, Duration::ZERO).await.unwrap();
    let read = cluster.server("app", "web1").await.unwrap();
    for message in messages(read.wait_until(|_: &ServerStats| false, SHORT).await) {
        assert_eq!(lack(&message), "the condition is not met");
    }
}

#[tokio::test]
async fn a_backend_waits_for_some_of_its_servers() {
    let (_running, cluster) = running(&releases()).await;
    let backend = cluster.backend_ref("checked").unwrap();
    backend.wait_until(wait::servers_up(2), LONG).await.unwrap();
    backend.wait_until(wait::is_up(), LONG).await.unwrap();
    backend.server_ref("quick").unwrap().disable().await.unwrap();
    for message in messages(backend.wait_until(wait::servers_up(2), SHORT).await) {
        assert_eq!(lack(&message), "1 server up");
    }
    backend.server_ref("none").unwrap().disable().await.unwrap();
    backend.wait_until(wait::is_down(), LONG).await.unwrap();
    let read = cluster.backend("checked").await.unwrap();
    read.wait_until(|backend: &BackendStats| backend.act().is_some_and(|act| act.contains(&0)), LONG)
        .await
        .unwrap();
}

#[tokio::test]
async fn an_object_that_is_nowhere_is_not_waited_for() {
    let (_running, cluster) = running(&releases()).await;
    for (backend, server) in [("app", "web9"), ("nope", "web1")] {
        let server = cluster.server_ref(backend, server).unwrap();
        let error = server.wait_until(wait::is_up(), LONG).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::NotFound);
    }
    let error = cluster.backend_ref("nope").unwrap().wait_until(wait::is_up(), LONG).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::NotFound);
}

#[tokio::test]
async fn a_process_that_is_not_in_the_cluster_is_not_waited_for() {
    let (_running, cluster) = running(&releases()).await;
    let nowhere = cluster.only(["nowhere"]);
    let backend = nowhere.backend_ref("app").unwrap();
    let text = "no such process \"nowhere\"; there are 1, 2, 3, 4, 5";
    let error = web1(&nowhere).wait_until(wait::is_up(), Duration::MAX).await.unwrap_err();
    assert_eq!((error.kind(), error.to_string()), (ErrorKind::NotFound, text.into()));
    let error = backend.wait_until(wait::is_up(), Duration::MAX).await.unwrap_err();
    assert_eq!(error.to_string(), text);
    let error = nowhere.wait_until(wait::is_complete(), Duration::MAX).await.unwrap_err();
    assert_eq!(error.to_string(), text);
}

#[tokio::test]
async fn a_process_without_an_answer_is_told_with_the_others() {
    let (mut running, cluster) = running(&releases()).await;
    cluster.snapshot().await.unwrap();
    running.kill(1);
    running.hang(2);
    let all = running.processes();
    let limits = haproxyadmin::Limits::new().with_idle_timeout(SHORT);
    let lenient = cluster.with_limits(limits).allow_partial();
    let outcomes = web1(&lenient).wait_until(wait::is_up(), 2 * SHORT).await.unwrap();
    let kinds: Vec<_> = outcomes.failed().map(|outcome| outcome.error().unwrap().kind()).collect();
    assert_eq!(kinds, [ErrorKind::Connect, ErrorKind::Timeout]);
    assert_eq!(outcomes.values().count(), all - 2);
    running.resume(2);
    let server = web1(&cluster);
    let (waited, ()) = tokio::join!(server.wait_until(wait::is_up(), LONG), running.restart(1));
    assert_eq!(waited.unwrap().values().count(), all);
}

/// The first process meets the condition long before the second one, and forgets it by a restart.
#[tokio::test]
async fn a_process_that_restarts_has_to_meet_the_condition_again() {
    for release in releases() {
        let (mut running, cluster) = running(&[release.clone(), release]).await;
        let server = web1(&cluster);
        let _held = hold_at(&running, 2, "web", WEB1).await;
        server.set_state(AdminState::Drain).await.unwrap();
        let waiting = tokio::spawn({
            let server = server.clone();
            async move { server.wait_until(wait::is_drained(), LONG).await }
        });
        time::sleep(SHORT).await;
        running.restart(1).await;
        end_sessions(&running, WEB1).await;
        time::sleep(SHORT).await;
        assert!(!waiting.is_finished());
        server.set_state(AdminState::Drain).await.unwrap();
        let waited = waiting.await.unwrap().unwrap();
        assert_eq!(waited.values().map(|(_, waited)| waited.restarts).collect::<Vec<_>>(), [1, 0]);
    }
}

#[tokio::test]
async fn a_process_that_joins_is_waited_for() {
    let (mut running, cluster) = running(&[release("3.0")]).await;
    let server = web1(&cluster);
    let _held = hold_each(&running, "web", WEB1).await;
    let waiting = tokio::spawn(async move { server.wait_until(wait::is_idle(), LONG).await });
    time::sleep(SHORT).await;
    let config = running.fill(Config::web(CONFIG).set("N", 2));
    running.add(&release("2.6"), "new", &config).await;
    let _new = hold_at(&running, 2, "web", WEB1).await;
    ask(running.socket(1), "shutdown sessions server app/web1").await;
    time::sleep(SHORT).await;
    assert!(!waiting.is_finished());
    end_sessions(&running, WEB1).await;
    assert_eq!(waiting.await.unwrap().unwrap().values().count(), 2);
}

#[tokio::test]
async fn the_cluster_waits_for_a_whole_snapshot() {
    let (mut running, cluster) = running(&releases()).await;
    cluster.wait_until(wait::is_complete(), Duration::ZERO).await.unwrap();
    running.kill(1);
    let error = cluster.wait_until(wait::is_complete(), SHORT).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Timeout);
    assert!(error.to_string().starts_with("without an answer: "), "{error}");
    let has_web1 = |snapshot: &Snapshot| snapshot.is_complete() && snapshot.server("app", "web1").is_ok();
    let (snapshot, ()) = tokio::join!(cluster.wait_until(has_web1, LONG), running.restart(1));
    assert_eq!(snapshot.unwrap().processes().len(), running.processes());
}

/// A requirement that is not met makes a wait no faster.
#[tokio::test]
async fn a_wait_for_a_missing_process_keeps_its_pauses() {
    let running = Running::of(1, &[release("3.4")], |_| Config::web(CONFIG)).await;
    let dir = running.dir().join("taps");
    std::fs::create_dir(&dir).unwrap();
    let tap = Tap::new(dir.join("1.sock"), running.socket(1));
    let cluster = Cluster::builder().dir(&dir).expect_at_least(2).build().await.unwrap();
    let error = web1(&cluster).wait_until(wait::is_up(), 2 * SHORT).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Incomplete);
    // The pauses are 20 ms at least.
    let looks = tap.sent().matches("show stat ").count();
    assert!((2..=31).contains(&looks), "{looks}");
}

#[tokio::test]
async fn a_process_that_leaves_at_its_first_look_is_not_waited_for() {
    let running = Running::of(1, &[release("2.2"), release("3.4")], |_| Config::web(CONFIG)).await;
    let dir = running.dir().join("relays");
    std::fs::create_dir(&dir).unwrap();
    let path = |n: usize| dir.join(format!("{n}.sock"));
    let [_stays, leaves] = [1, 2].map(|n| Relay::new(path(n), running.socket(n)));
    let cluster = Cluster::from_dir(&dir).await.unwrap();
    cluster.snapshot().await.unwrap();
    leaves.hold(Moment::Accepted);
    let server = web1(&cluster);
    let waiting = tokio::spawn(async move { server.wait_until(wait::is_up(), LONG).await });
    leaves.holds(1).await;
    std::fs::remove_file(path(2)).unwrap();
    cluster.rediscover().await.unwrap();
    leaves.cut();
    let waited = time::timeout(LONG / 2, waiting).await.unwrap().unwrap().unwrap();
    assert_eq!(waited.values().count(), 1);
}

/// Another selected process has left the cluster meanwhile.
#[tokio::test]
async fn a_selected_process_that_never_answers_is_waited_for() {
    let running = Running::of(1, &[release("3.4"), release("3.4")], |_| Config::web(CONFIG)).await;
    let dir = running.dir().join("relays");
    std::fs::create_dir(&dir).unwrap();
    let path = |n: usize| dir.join(format!("{n}.sock"));
    let [silent, leaves] = [1, 2].map(|n| Relay::new(path(n), running.socket(n)));
    let cluster = Cluster::from_dir(&dir).await.unwrap();
    cluster.snapshot().await.unwrap();
    silent.hold(Moment::Accepted);
    leaves.hold(Moment::Accepted);
    let server = web1(&cluster.only(["1", "2"]).allow_partial());
    let waiting = tokio::spawn(async move { server.wait_until(wait::is_up(), LONG / 2).await });
    silent.holds(1).await;
    leaves.holds(1).await;
    std::fs::remove_file(path(2)).unwrap();
    cluster.rediscover().await.unwrap();
    leaves.cut();
    let outcomes = time::timeout(2 * LONG, waiting).await.unwrap().unwrap().unwrap();
    let failed: Vec<_> = outcomes.failed().map(|outcome| outcome.label().to_string()).collect();
    assert_eq!(failed, ["1"], "{outcomes:?}");
}

/// The process is not known yet, so it is identified first.
#[tokio::test]
async fn a_process_that_hangs_from_the_beginning_takes_no_longer_than_a_second() {
    let (running, cluster) = running(&[release("2.2"), release("3.4")]).await;
    running.hang(1);
    let start = time::Instant::now();
    web1(&cluster).wait_until(wait::is_up(), Duration::ZERO).await.unwrap_err();
    // The limit of a call by itself is 5 s for the identification alone.
    assert!(start.elapsed() < Duration::from_secs(3), "{:?}", start.elapsed());
    running.resume(1);
}

/// Polls a wait n times and drops it, for every n. Nothing is left that a later wait needs.
#[tokio::test]
async fn a_wait_that_is_dropped_leaves_nothing() {
    let (running, cluster) = running(&[release("2.2"), release("3.4")]).await;
    let one = cluster.with_limits(haproxyadmin::Limits::new());
    let _held = hold_each(&running, "web", WEB1).await;
    for polls in 1..60 {
        let server = web1(&one);
        let mut waiting = Box::pin(server.wait_until(wait::is_idle(), LONG));
        for _ in 0..polls {
            assert!((&mut waiting).now_or_never().is_none());
            time::sleep(Duration::from_millis(1)).await;
        }
    }
    end_sessions(&running, WEB1).await;
    web1(&one).wait_until(wait::is_idle(), LONG).await.unwrap();
    for socket in running.sockets() {
        assert_no_leftovers(&socket, "dropped waits").await;
    }
}

/// An old worker leaves the cluster when it ends, also if the call is for it alone.
#[tokio::test]
async fn a_selected_process_that_leaves_is_absent() {
    for release in releases_since("2.6") {
        let mut site = MasterWorker::start(&release).await;
        // A request that has not ended keeps the old worker alive.
        let mut visitor = UnixStream::connect(site.running.traffic("web", 1)).await.unwrap();
        visitor.write_all(b"GET / HTTP/1.1\r\n").await.unwrap();
        site.running.haproxies[0].reload().await;
        site.running.haproxies[0].master_ready().await;
        let cluster = Cluster::builder().master(site.master.clone()).build().await.unwrap();
        let snapshot = cluster.snapshot().await.unwrap();
        let old = snapshot.processes().iter().find(|process| process.is_stopping()).unwrap();
        let server = cluster.only([old]).allow_partial().server_ref("app", "web1").unwrap();
        let waiting =
            tokio::spawn(async move { server.wait_until(|_: &ServerStats| false, 20 * LONG).await });
        // The wait has begun when the old worker is asked for.
        time::sleep(SHORT).await;
        drop(visitor);
        let outcomes = time::timeout(2 * LONG, waiting).await.unwrap().unwrap().unwrap();
        let absent: Vec<_> = outcomes.iter().map(|outcome| outcome.absent()).collect();
        assert_eq!(absent, [Some("the process has left the cluster")], "{}: {outcomes:?}", release.version);
    }
}
