//! Servers that are drained, on a process of each release.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "in a test a panic is the failure message")]
#![allow(clippy::indexing_slicing, reason = "the same")]

use std::time::Duration;

use futures::{FutureExt as _, StreamExt as _};
use haproxyadmin::drain::{Drain, DrainEnd, DrainProgress, Drained};
use haproxyadmin::{AdminState, Cluster, ErrorKind, Outcomes, Result, ServerRef, wait};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::UnixStream;
use tokio::time;

mod outcome;
mod support;

use outcome::messages;
use support::{
    Config, Held, MasterWorker, Relay, Release, Running, ask, assert_no_leftovers, end_sessions, every_cell,
    every_state, hold, hold_at, hold_each, release, releases, until, until_every_cell,
};

const CONFIG: &str = r#"
backend app
    server web1 "${SERVER_1}"
frontend stay
    bind "unix@${DIR}/traffic/stay.${N}"
    default_backend kept
backend kept
    # Also while the server drains.
    use-server web1 if TRUE
    server web1 "${SERVER_1}"
backend checked
    server down 127.0.0.1:1 check inter 50ms fall 1
    server base "${SERVER_1}" check
    server follower "${SERVER_1}" track base
"#;

const WEB1: (&str, &str) = ("app", "web1");

const COMMAND: &str = "set server app/web1 state drain";

/// Enough for everything that happens.
const LONG: Duration = Duration::from_secs(30);

/// Too short for anything that does not happen.
const SHORT: Duration = Duration::from_millis(300);

/// Bits of `srv_admin_state`.
const READY: &str = "0";
const MAINT: &str = "1";
const INHERITED_MAINT: &str = "2";
const DRAIN: &str = "8";

async fn running(releases: &[Release]) -> (Running, Cluster) {
    let running = Running::of(1, releases, |_| Config::web(CONFIG)).await;
    let cluster = Cluster::from_dir(running.stats()).await.unwrap();
    (running, cluster)
}

fn web1(cluster: &Cluster) -> ServerRef {
    cluster.server_ref("app", "web1").unwrap()
}

async fn begun(server: ServerRef) -> Result<Outcomes<Drained>> {
    server.drain(LONG).await
}

async fn undone(server: ServerRef, within: Duration) -> Result<Outcomes<Drained>> {
    server.drain(Drain::within(within).or_undo()).await
}

fn ends(drained: &Result<Outcomes<Drained>>) -> Vec<DrainEnd> {
    drained.as_ref().unwrap().values().map(|(_, drained)| drained.end).collect()
}

/// Checks that the outcomes and the errors name the command of a drain.
fn assert_named(drained: &Result<Outcomes<Drained>>) {
    let outcomes = drained.as_ref().unwrap_err().outcomes::<Drained>().unwrap();
    assert_eq!(outcomes.command(), COMMAND);
    for outcome in outcomes.failed() {
        let start = format!("`{COMMAND}` on {}: ", outcome.address());
        let error = outcome.error().unwrap().to_string();
        assert!(error.starts_with(&start), "{error}");
    }
}

async fn states(running: &Running) -> Vec<String> {
    every_state(running, "app", "web1", "srv_admin_state").await
}

fn all<T: Clone>(value: T) -> Vec<T> {
    vec![value; releases().len()]
}

#[tokio::test]
async fn a_drain_ends_with_the_last_session() {
    let (running, cluster) = running(&releases()).await;
    let _held = hold_each(&running, "web", WEB1).await;
    let draining = tokio::spawn(begun(web1(&cluster)));
    time::sleep(SHORT).await;
    assert_eq!(states(&running).await, all(DRAIN));
    assert!(!draining.is_finished());
    end_sessions(&running, WEB1).await;
    let drained = draining.await.unwrap();
    assert_eq!(ends(&drained), all(DrainEnd::Idle));
    assert!(drained.unwrap().values().all(|(_, drained)| drained.time >= SHORT && drained.restarts == 0));
    assert_eq!(states(&running).await, all(DRAIN));
}

#[tokio::test]
async fn the_progress_of_a_drain_is_a_stream() {
    let (running, cluster) = running(&releases()).await;
    let _held = hold_each(&running, "web", WEB1).await;
    let mut draining = cluster.server("app", "web1").await.unwrap().drain(LONG).unwrap();
    let mut last = std::collections::BTreeMap::new();
    while let Some(DrainProgress { label, sessions, queued, .. }) = draining.next().await {
        assert_eq!(queued, 0);
        last.insert(label, sessions);
        if last.len() == releases().len() {
            end_sessions(&running, WEB1).await;
        }
    }
    assert_eq!(last.into_values().collect::<Vec<_>>(), all(0));
    assert_eq!(ends(&draining.await), all(DrainEnd::Idle));
}

#[tokio::test]
async fn a_slow_reader_gets_the_last_look_at_each_process() {
    let (running, cluster) = running(&releases()).await;
    let _held = hold_each(&running, "web", WEB1).await;
    let mut draining = web1(&cluster).drain(LONG);
    // Each read looks at all processes, and takes one look.
    for _ in 0..30 {
        assert_eq!(draining.next().await.unwrap().sessions, 1);
        time::sleep(Duration::from_millis(50)).await;
    }
    end_sessions(&running, WEB1).await;
    let rest: Vec<_> = draining.by_ref().collect().await;
    // Of each process: the look that was not read yet, one under way, and one before the session has ended.
    let earlier = rest.iter().filter(|look| look.sessions == 1).count();
    assert!(earlier <= 3 * releases().len(), "{rest:?}");
    assert_eq!(ends(&draining.into_future().await), all(DrainEnd::Idle));
}

#[tokio::test]
async fn a_drain_that_takes_too_long_says_what_is_left() {
    let (running, cluster) = running(&releases()).await;
    let _held = hold_each(&running, "web", WEB1).await;
    let late = web1(&cluster).drain(SHORT).await;
    assert_named(&late);
    let messages = messages(late);
    assert_eq!(messages.len(), releases().len());
    assert!(
        messages.iter().all(|text| text.starts_with("1 session, 0 queued requests after ")),
        "{messages:?}"
    );
    assert_eq!(states(&running).await, all(DRAIN));
    end_sessions(&running, WEB1).await;
    let drained = web1(&cluster).drain(Drain::within(LONG).then_maint()).await;
    assert_eq!(ends(&drained), all(DrainEnd::Idle));
    assert_eq!(states(&running).await, all(MAINT));
}

#[tokio::test]
async fn sessions_are_ended_by_force_when_the_time_is_over() {
    let (running, cluster) = running(&releases()).await;
    let _held = hold_each(&running, "web", WEB1).await;
    let drained = web1(&cluster).drain(Drain::within(SHORT).or_force()).await;
    assert_eq!(ends(&drained), all(DrainEnd::Forced { sessions: 1 }));
    assert!(drained.unwrap().values().all(|(_, drained)| drained.time >= SHORT));
    assert_eq!(every_cell(&running, "app", "web1", "scur").await, all("0"));
}

/// Holds a request, and two more when HAProxy has ended it.
async fn hold_on(running: &Running, n: usize) -> [Held; 2] {
    let path = running.traffic("stay", n);
    let mut visitor = UnixStream::connect(&path).await.unwrap();
    visitor.write_all(b"GET /hold HTTP/1.1\r\nHost: test\r\nConnection: close\r\n\r\n").await.unwrap();
    time::timeout(LONG, visitor.read_to_end(&mut Vec::new())).await.unwrap().unwrap();
    [hold(path.clone(), "/hold").await, hold(path, "/hold").await]
}

#[tokio::test]
async fn sessions_that_come_after_the_force_do_not_count() {
    let (running, cluster) = running(&releases()).await;
    let holding = futures::future::join_all((1..=running.processes()).map(|n| hold_on(&running, n)));
    let draining = async {
        until_every_cell(&running, "kept", "web1", "scur", "1").await;
        cluster.server_ref("kept", "web1").unwrap().drain(Drain::within(SHORT).or_force()).await
    };
    let (_held, drained) = tokio::join!(holding, draining);
    assert_eq!(ends(&drained), all(DrainEnd::Forced { sessions: 1 }));
}

#[tokio::test]
async fn a_drain_that_fails_is_undone_on_each_process() {
    let (running, cluster) = running(&releases()).await;
    let _held = hold_at(&running, 1, "web", WEB1).await;
    ask(running.socket(2), "set server app/web1 state maint").await;
    ask(running.socket(3), "set server app/web1 state drain").await;
    let before = states(&running).await;
    assert_eq!(before[..4], [READY, MAINT, DRAIN, READY]);
    let undone = web1(&cluster).drain(Drain::within(SHORT).then_maint().or_undo()).await;
    assert_named(&undone);
    let messages = messages(undone);
    assert_eq!(states(&running).await, before);
    assert_eq!(messages.len(), releases().len());
    assert!(messages[0].starts_with("1 session, 0 queued requests after "), "{messages:?}");
    assert!(messages[0].ends_with("; it is set back to ready"), "{messages:?}");
    assert_eq!(messages[1], "drained, but other processes were not; it stays in maint");
    assert_eq!(messages[2], "drained, but other processes were not; it stays in drain");
}

#[tokio::test]
async fn a_drain_is_undone_though_a_selected_process_has_left() {
    let running = Running::of(1, &[release("3.4"), release("3.4")], |_| Config::web(CONFIG)).await;
    let dir = running.dir().join("relays");
    std::fs::create_dir(&dir).unwrap();
    let path = |n: usize| dir.join(format!("{n}.sock"));
    let _relays = [1, 2].map(|n| Relay::new(path(n), running.socket(n)));
    let cluster = Cluster::from_dir(&dir).await.unwrap();
    let _held = hold_at(&running, 1, "web", WEB1).await;
    let server = web1(&cluster.only(["1", "2"]));
    let draining = tokio::spawn(undone(server, Duration::from_secs(5)));
    let is_begun = async || (states(&running).await == [DRAIN, DRAIN]).then_some(());
    until("both processes drain", is_begun).await;
    std::fs::remove_file(path(2)).unwrap();
    cluster.rediscover().await.unwrap();
    let messages = messages(draining.await.unwrap());
    assert!(messages[0].ends_with("; it is set back to ready"), "{messages:?}");
    assert_eq!(states(&running).await, [READY, DRAIN]);
}

#[tokio::test]
async fn an_undo_leaves_states_that_the_drain_has_not_set() {
    let (running, cluster) = running(&releases()).await;
    let _held = hold_at(&running, 1, "web", WEB1).await;
    // The follower is in maintenance because `base` is.
    for socket in running.sockets() {
        ask(socket, "set server checked/base state maint").await;
    }
    let follower = cluster.server_ref("checked", "follower").unwrap();
    let inherited = every_state(&running, "checked", "follower", "srv_admin_state").await;
    assert_eq!(inherited, all(INHERITED_MAINT));
    let stopped = follower.drain(Drain::within(LONG).or_undo()).until(async {}).await;
    assert_eq!(stopped.unwrap_err().kind(), ErrorKind::Timeout);
    assert_eq!(every_state(&running, "checked", "follower", "srv_admin_state").await, inherited);

    let draining = tokio::spawn(undone(web1(&cluster), 2 * SHORT));
    let is_begun = async || (states(&running).await == all(DRAIN)).then_some(());
    until("all processes drain", is_begun).await;
    ask(running.socket(2), "set server app/web1 state maint").await;
    let messages = messages(draining.await.unwrap());
    assert!(messages[1].ends_with("; it stays in maint"), "{messages:?}");
    let mut left = all(READY);
    left[1] = MAINT;
    assert_eq!(states(&running).await, left);
}

/// The second drain has found the server in drain, and has put it into drain again after the first one
/// had set it back.
#[tokio::test]
async fn two_drains_that_are_undone_leave_the_server_ready() {
    let (running, cluster) = running(&releases()).await;
    let _held = hold_each(&running, "web", WEB1).await;
    let first = tokio::spawn(undone(web1(&cluster), 2 * SHORT));
    let is_begun = async || (states(&running).await == all(DRAIN)).then_some(());
    until("all processes drain", is_begun).await;
    let second = undone(web1(&cluster), 6 * SHORT).await;
    for text in messages(first.await.unwrap()).iter().chain(&messages(second)) {
        assert!(text.ends_with("; it is set back to ready"), "{text}");
    }
    assert_eq!(states(&running).await, all(READY));
}

#[tokio::test]
async fn an_old_worker_is_drained_when_it_is_idle() {
    for release in releases() {
        let mut site = MasterWorker::start(&release).await;
        // A request that has not ended keeps the old worker alive.
        let mut visitor = UnixStream::connect(site.running.traffic("web", 1)).await.unwrap();
        visitor.write_all(b"GET / HTTP/1.1\r\n").await.unwrap();
        site.running.haproxies[0].reload().await;
        site.running.haproxies[0].master_ready().await;
        let cluster = Cluster::builder().master(site.master.clone()).build().await.unwrap();
        assert_eq!(cluster.snapshot().await.unwrap().processes().len(), 2);
        let drained = web1(&cluster).drain(Drain::within(4 * SHORT).then_maint()).await;
        // On 2.2 an old worker lists no servers.
        let with_server = if release.is_at_least("2.6") { 2 } else { 1 };
        assert_eq!(ends(&drained), vec![DrainEnd::Idle; with_server], "{}", release.version);
        assert_eq!(states(&site.running).await, [MAINT], "{}", release.version);
        drop(visitor);
    }
}

#[tokio::test]
async fn a_server_that_is_down_is_drained() {
    let (running, cluster) = running(&releases()).await;
    let down = cluster.server_ref("checked", "down").unwrap();
    down.wait_until(wait::is_down(), LONG).await.unwrap();
    let drained = down.drain(LONG).await;
    assert_eq!(ends(&drained), all(DrainEnd::WasDown));
    assert_eq!(every_state(&running, "checked", "down", "srv_admin_state").await, all(DRAIN));
}

#[tokio::test]
async fn a_process_that_has_forgotten_the_drain_is_told_again() {
    for release in releases() {
        let (mut running, cluster) = running(&[release.clone(), release]).await;
        let _held = hold_at(&running, 2, "web", WEB1).await;
        let draining = tokio::spawn(begun(web1(&cluster)));
        time::sleep(SHORT).await;
        running.restart(1).await;
        let is_drained = async || (states(&running).await == [DRAIN, DRAIN]).then_some(());
        until("both processes drain", is_drained).await;
        end_sessions(&running, WEB1).await;
        let drained = draining.await.unwrap().unwrap();
        assert_eq!(drained.values().map(|(_, drained)| drained.restarts).collect::<Vec<_>>(), [1, 0]);
        assert_eq!(states(&running).await, [DRAIN, DRAIN]);
    }
}

#[tokio::test]
async fn a_process_that_joins_is_told_too() {
    let (mut running, cluster) = running(&[release("3.0")]).await;
    let _held = hold_at(&running, 1, "web", WEB1).await;
    let draining = tokio::spawn(begun(web1(&cluster)));
    time::sleep(SHORT).await;
    let config = running.fill(Config::web(CONFIG).set("N", 2));
    running.add(&release("2.6"), "new", &config).await;
    end_sessions(&running, WEB1).await;
    assert_eq!(draining.await.unwrap().unwrap().values().count(), 2);
    assert_eq!(states(&running).await, [DRAIN, DRAIN]);
}

#[tokio::test]
async fn a_drain_is_stopped_by_a_signal() {
    let (running, cluster) = running(&releases()).await;
    let _held = hold_each(&running, "web", WEB1).await;
    let messages =
        messages(web1(&cluster).drain(Drain::within(LONG).or_undo()).until(time::sleep(SHORT)).await);
    assert_eq!(messages.len(), releases().len());
    assert!(messages.iter().all(|text| text.ends_with("; it is set back to ready")), "{messages:?}");
    assert_eq!(states(&running).await, all(READY));
    // No session is ended by force.
    let drained = web1(&cluster).drain(Drain::within(LONG).or_force()).until(time::sleep(SHORT)).await;
    assert_eq!(drained.unwrap_err().kind(), ErrorKind::Timeout);
    assert_eq!(every_cell(&running, "app", "web1", "scur").await, all("1"));
    assert_eq!(states(&running).await, all(DRAIN));
}

#[tokio::test]
async fn a_process_that_hangs_does_not_keep_the_others_from_draining() {
    let (running, cluster) = running(&releases()).await;
    cluster.snapshot().await.unwrap();
    running.hang(1);
    let limits = haproxyadmin::Limits::new().with_idle_timeout(SHORT);
    let lenient = cluster.with_limits(limits).allow_partial();
    let outcomes = web1(&lenient).drain(2 * SHORT).await.unwrap();
    let failed: Vec<_> = outcomes.failed().map(|outcome| outcome.error().unwrap().kind()).collect();
    assert_eq!(failed, [ErrorKind::Timeout]);
    assert_eq!(outcomes.values().count(), releases().len() - 1);
    running.resume(1);
    web1(&cluster).drain(LONG).await.unwrap();
    assert_eq!(states(&running).await, all(DRAIN));
}

#[tokio::test]
async fn a_socket_that_does_not_permit_a_drain_is_not_waited_for() {
    let level_of = |release: &Release| if release.is_of("2.6") { "user" } else { "admin" };
    let config = |release: &Release| Config::web(CONFIG).set("LEVEL", level_of(release));
    let running = Running::of(1, &releases(), config).await;
    let cluster = Cluster::from_dir(running.stats()).await.unwrap().allow_partial();
    let outcomes = web1(&cluster).drain(Duration::MAX).await.unwrap();
    let failed: Vec<_> = outcomes.failed().map(|outcome| outcome.error().unwrap().kind()).collect();
    assert_eq!(failed, [ErrorKind::PermissionDenied]);
    assert_eq!(outcomes.values().count(), releases().len() - 1);
}

#[tokio::test]
async fn a_server_that_is_nowhere_is_not_found() {
    let (_running, cluster) = running(&releases()).await;
    let server = cluster.server_ref("app", "web9").unwrap();
    assert_eq!(server.drain(Drain::within(LONG).or_undo()).await.unwrap_err().kind(), ErrorKind::NotFound);
    let error = web1(&cluster.only(["nowhere"])).drain(Duration::MAX).await.unwrap_err();
    assert_eq!(error.to_string(), "no such process \"nowhere\"; there are 1, 2, 3, 4, 5");
}

/// Polls a drain n times and drops it, for every n.
#[tokio::test]
async fn a_drain_that_is_dropped_leaves_nothing_but_the_drain() {
    let (running, cluster) = running(&[release("2.2"), release("3.4")]).await;
    let _held = hold_each(&running, "web", WEB1).await;
    for polls in 1..60 {
        web1(&cluster).set_state(AdminState::Ready).await.unwrap();
        let mut draining = web1(&cluster).drain(Drain::within(LONG).then_maint().or_undo());
        for _ in 0..polls {
            // The stream polls the drain itself.
            let _ = draining.next().now_or_never();
            time::sleep(Duration::from_millis(1)).await;
        }
    }
    end_sessions(&running, WEB1).await;
    web1(&cluster).drain(LONG).await.unwrap();
    for socket in running.sockets() {
        assert_no_leftovers(&socket, "dropped drains").await;
    }
}

/// The maintenance ends with that of the server that it tracks.
#[tokio::test]
async fn a_server_in_inherited_maintenance_is_put_into_drain_and_maintenance() {
    let (running, cluster) = running(&releases()).await;
    let follower = cluster.server_ref("checked", "follower").unwrap();
    let tell_base = async |state: &str| {
        for socket in running.sockets() {
            ask(socket, &format!("set server checked/base state {state}")).await;
        }
    };
    for (terms, left) in [(Drain::within(LONG), DRAIN), (Drain::within(LONG).then_maint(), MAINT)] {
        tell_base("maint").await;
        follower.drain(terms).await.unwrap();
        tell_base("ready").await;
        assert_eq!(every_state(&running, "checked", "follower", "srv_admin_state").await, all(left));
        follower.set_state(AdminState::Ready).await.unwrap();
    }
}

#[tokio::test]
async fn a_drained_server_is_drained_at_the_first_look() {
    let (_running, cluster) = running(&releases()).await;
    let messages = messages(web1(&cluster).drain(Duration::ZERO).await);
    assert!(messages.iter().all(|text| text.starts_with("told to drain just now after ")), "{messages:?}");
    let drained = web1(&cluster).drain(Duration::ZERO).await;
    assert_eq!(ends(&drained), all(DrainEnd::Idle));
}
