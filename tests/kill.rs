//! Processes that are stopped or killed while they are asked something.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "in a test a panic is the failure message")]
#![allow(clippy::indexing_slicing, reason = "the same")]
#![allow(clippy::print_stdout, reason = "the figures are for people")]

use std::collections::BTreeMap;
use std::env;
use std::fmt::Write as _;
use std::fs;
use std::path::PathBuf;
use std::thread;
use std::time::{Duration, Instant};

use futures::future::join_all;
use haproxyadmin::{Cluster, ErrorKind, Limits};

mod call;
mod support;

use call::{Answers, CHANGES, Call, READS, Said};
use support::{Config, Moment, Relay, Release, Running, ask, every_state, releases, until};

/// Two processes. The one that comes to harm is asked through a relay.
struct Pair {
    running: Running,
    relay: Relay,
    cluster: Cluster,
    map: PathBuf,
    acl: PathBuf,
}

impl Pair {
    async fn start(release: &Release) -> Self {
        let mut running = Running::new();
        running.add_servers(1).await;
        let (map, acl) = (running.dir().join("hosts.map"), running.dir().join("deny.acl"));
        // Its dump is longer than the buffers between HAProxy and a reader that waits.
        let mut entries = String::from("k v\n");
        for n in 0..ENTRIES - 1 {
            writeln!(entries, "key-{n} {}", "value ".repeat(8)).unwrap();
        }
        fs::write(&map, entries).unwrap();
        fs::write(&acl, "192.0.2.1\n198.51.100.2\n").unwrap();
        let config = running.fill(Config::new(CONFIG));
        for name in ["victim", "other"] {
            running.add(release, name, &config.clone().set("NAME", name)).await;
        }
        let front = running.dir().join("victim.sock");
        let relay = Relay::new(&front, running.socket(1));
        let limits = Limits::new()
            .with_idle_timeout(PROGRESS)
            .with_command_timeout(TOTAL)
            .with_max_connections(READS.len() + CHANGES.len());
        let cluster = Cluster::builder()
            .address(front.clone())
            .address(running.socket(2))
            .label(front, "victim")
            .label(running.socket(2), "other")
            .limits(limits)
            .build()
            .await
            .unwrap()
            .allow_partial();
        cluster.info().await.unwrap();
        Self { running, relay, cluster, map, acl }
    }

    /// Makes all calls at once, each within the time that it may take.
    fn make(&self, calls: &[Call]) -> tokio::task::JoinHandle<Vec<(Call, Answers)>> {
        let (calls, cluster) = (calls.to_vec(), self.cluster.clone());
        let (map, acl) = (self.map.clone(), self.acl.clone());
        tokio::spawn(async move {
            join_all(calls.into_iter().map(async |call| {
                let start = Instant::now();
                let answers =
                    call.make(&cluster, &map, &acl).await.unwrap_or_else(|error| panic!("{call:?}: {error}"));
                let took = start.elapsed();
                assert!(took < TOTAL + GRACE, "{call:?} took {took:?}");
                (call, answers)
            }))
            .await
        })
    }

    /// Returns the number of entries with `key` in the map of process `n`.
    async fn entries(&self, n: usize, key: &str) -> usize {
        let reply = ask(self.running.socket(n), &format!("show map {}", self.map.display())).await;
        let reply = String::from_utf8(reply).unwrap();
        reply.lines().filter(|line| line.split(' ').nth(1) == Some(key)).count()
    }
}

const ENTRIES: usize = 20_000;
const PROGRESS: Duration = Duration::from_secs(1);
const TOTAL: Duration = Duration::from_secs(2);
/// The time that a busy machine may add.
const GRACE: Duration = Duration::from_millis(1500);

const CONFIG: &str = r#"
global
    nbthread 1
    maxconn 200
    node "${NAME}"
    stats maxconn 60
    stats socket "unix@${DIR}/stats/${NAME}.sock" mode 600 level admin

defaults
    mode http
    timeout connect 1s
    timeout client 30s
    timeout server 30s

frontend web
    bind "unix@${DIR}/traffic/web.${NAME}"
    http-request deny if { src -f "${DIR}/deny.acl" }
    http-request set-header X-Host %[req.hdr(host),map("${DIR}/hosts.map",none)]
    default_backend app

backend app
    server web1 "${SERVER_1}" weight 100
"#;

fn kind(said: &Said) -> Option<ErrorKind> {
    said.as_ref().err().map(|(kind, _)| *kind)
}

/// Checks that the other process answered every call, and returns the answers of the victim.
fn victim(answers: Vec<(Call, Answers)>) -> Vec<(Call, Said)> {
    let mut said = Vec::new();
    for (call, mut answers) in answers {
        assert_eq!(kind(&answers["other"]), None, "{call:?}: {answers:?}");
        said.push((call, answers.remove("victim").unwrap()));
    }
    said
}

/// Returns `true` if the outcome of a change is unknown: its line was sent and no reply came.
fn is_unknown(call: Call, said: &Said) -> bool {
    match said {
        Err((ErrorKind::OutcomeUnknown, _)) => true,
        Err((ErrorKind::PartiallyApplied, text)) => {
            call == Call::MapAddAll && text.contains("outcome unknown")
        }
        _ => false,
    }
}

#[tokio::test]
async fn a_stopped_process_costs_its_limit_and_may_execute_what_it_was_sent() {
    let mut executed = 0;
    for release in releases() {
        let pair = Pair::start(&release).await;
        pair.running.hang(1);
        let all: Vec<_> = READS.into_iter().chain(CHANGES).collect();
        for (call, said) in victim(pair.make(&all).await.unwrap()) {
            let is_right = if READS.contains(&call) || !pair.relay.sent().contains(call.mark()) {
                kind(&said) == Some(ErrorKind::Timeout)
            } else {
                is_unknown(call, &said)
            };
            assert!(is_right, "{} {call:?}: {said:?}", release.version);
        }
        pair.running.resume(1);
        // Connections are accepted in turn: those that wait come before this one.
        let added = pair.entries(1, "one-key").await;
        assert!(added <= 1, "{added}");
        let weights = every_state(&pair.running, "app", "web1", "srv_uweight").await;
        executed += usize::from(weights[0] == "42");
        assert_eq!((pair.entries(2, "one-key").await, &*weights[1]), (1, "42"));
    }
    // HAProxy 3.0 drops the commands of a client that is gone; the others execute them.
    assert!(executed > 0);
}

#[tokio::test]
async fn a_process_that_dies_before_it_reads_the_line_gives_no_answer() {
    for release in releases() {
        let mut pair = Pair::start(&release).await;
        pair.running.hang(1);
        let all: Vec<_> = READS.into_iter().chain(CHANGES).collect();
        pair.relay.hold(Moment::Sent);
        let start = Instant::now();
        let calls = pair.make(&all);
        pair.relay.holds(all.len()).await;
        pair.running.kill(1);
        pair.relay.release();
        for (call, said) in victim(calls.await.unwrap()) {
            let is_right = if READS.contains(&call) || !pair.relay.sent().contains(call.mark()) {
                kind(&said) == Some(ErrorKind::Closed)
            } else {
                is_unknown(call, &said)
            };
            assert!(is_right, "{} {call:?}: {said:?}", release.version);
        }
        assert!(start.elapsed() < PROGRESS, "{:?}", start.elapsed());
    }
}

#[tokio::test]
async fn a_process_that_dies_after_it_executed_a_change_leaves_its_outcome_unknown() {
    for release in releases() {
        let mut pair = Pair::start(&release).await;
        pair.relay.mark(CHANGES.map(Call::mark));
        pair.relay.hold(Moment::Marked);
        let calls = pair.make(&CHANGES);
        pair.relay.holds(CHANGES.len()).await;
        let added = async || (pair.entries(1, "one-key").await == 1).then_some(());
        until("the entry is added", added).await;
        pair.running.kill(1);
        pair.relay.cut();
        for (call, said) in victim(calls.await.unwrap()) {
            assert!(is_unknown(call, &said), "{} {call:?}: {said:?}", release.version);
        }
    }
}

#[tokio::test]
async fn a_process_that_dies_in_the_middle_of_its_reply_is_not_read() {
    for release in releases() {
        let mut pair = Pair::start(&release).await;
        pair.relay.hold(Moment::Replied(10));
        let calls = pair.make(&READS);
        pair.relay.holds(READS.len()).await;
        pair.running.kill(1);
        pair.relay.cut();
        for (call, said) in victim(calls.await.unwrap()) {
            let is_right = matches!(kind(&said), Some(ErrorKind::Truncated | ErrorKind::Malformed));
            assert!(is_right, "{} {call:?}: {said:?}", release.version);
        }
    }
}

/// Here it is HAProxy that waits for its reader, and nothing but its death cuts the
/// dump.
#[tokio::test]
async fn a_dump_that_ends_with_its_process_is_not_taken_for_a_smaller_map() {
    for release in releases() {
        let mut pair = Pair::start(&release).await;
        pair.relay.hold(Moment::Replied(100_000));
        let calls = pair.make(&[Call::MapShow]);
        pair.relay.holds(1).await;
        pair.running.kill(1);
        pair.relay.release();
        for (call, said) in victim(calls.await.unwrap()) {
            let shown = format!("{said:.200?}");
            assert_eq!(kind(&said), Some(ErrorKind::Truncated), "{} {call:?}: {shown}", release.version);
        }
    }
}

/// At every moment, a change that is reported as done is done once, a change that is reported
/// as not sent is not done, and the outcome of the rest is unknown.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_entry_is_there_as_often_as_is_said_whenever_the_process_stops() {
    for release in releases() {
        let pair = Pair::start(&release).await;
        let limits = Limits::new()
            .with_idle_timeout(Duration::from_millis(60))
            .with_command_timeout(Duration::from_millis(120));
        let cluster = pair.cluster.with_limits(limits);
        let map = cluster.map(pair.map.to_str().unwrap()).unwrap();
        let mut said = [0; 3];
        for round in 0..rounds() {
            let key = format!("round-{round}");
            let call = tokio::spawn({
                let (map, key) = (map.clone(), key.clone());
                async move { map.add(&key, "value").await.unwrap() }
            });
            wait(round);
            pair.running.hang(1);
            let outcomes = call.await.unwrap();
            pair.running.resume(1);
            let entries = pair.entries(1, &key).await;
            let outcome = outcomes.get("victim").unwrap();
            let (at, is_right) = match outcome.error().map(haproxyadmin::Error::kind) {
                None => (0, entries == 1),
                Some(ErrorKind::OutcomeUnknown) => (1, entries <= 1),
                Some(_) => (2, entries == 0),
            };
            said[at] += 1;
            assert!(is_right, "{} round {round}: {outcome:?}: {entries} entries", release.version);
            assert_eq!(pair.entries(2, &key).await, 1);
        }
        println!("HAProxy {}: {} done, {} unknown, {} not sent", release.version, said[0], said[1], said[2]);
    }
}

/// A read is whole or an error, and a change is never said to be refused.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_is_made_up_whenever_the_process_is_killed() {
    for release in releases() {
        let mut pair = Pair::start(&release).await;
        let mut said = BTreeMap::<String, usize>::new();
        for round in 0..rounds() {
            let call = [Call::MapShow, Call::SetWeight, Call::Snapshot, Call::MapAddAll][round % 4];
            let calls = pair.make(&[call]);
            wait(round);
            pair.running.kill(1);
            let (_, found) = victim(calls.await.unwrap()).swap_remove(0);
            let is_right = match &found {
                Ok(text) => call != Call::MapShow || text.lines().count() >= ENTRIES,
                Err((ErrorKind::Closed | ErrorKind::Connect, _)) => true,
                Err((ErrorKind::Truncated, _)) => READS.contains(&call),
                // Between two of its commands nothing is unknown.
                Err((ErrorKind::PartiallyApplied, _)) => call == Call::MapAddAll,
                Err(_) => is_unknown(call, &found),
            };
            assert!(is_right, "{} {call:?}: {found:.300?}", release.version);
            let shown = kind(&found).map_or("done".to_owned(), |kind| format!("{kind:?}"));
            *said.entry(format!("{call:?} {shown}")).or_default() += 1;
            pair.running.restart(1).await;
        }
        println!("HAProxy {}: {said:?}", release.version);
    }
}

/// Returns the number of rounds of a test that depends on the moment: 12, or `KILL_ROUNDS`.
fn rounds() -> usize {
    env::var("KILL_ROUNDS").map_or(12, |text| text.parse().expect("a number"))
}

/// Lets the time between a call and the harm pass, on a thread that nothing else needs.
/// Each round has its own, and each run the same.
fn wait(round: usize) {
    thread::sleep(Duration::from_micros((round as u64).wrapping_mul(2_654_435_761) % 700));
}
