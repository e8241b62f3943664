//! Calls that are given up: HAProxy keeps none of their connections.
//!
//! HAProxy 2.6.12 and 3.0.11 never free a connection that the client closes during a long dump
//! while another command waits behind it. Ten such connections fill `stats maxconn`, and then no
//! stats socket of the process answers any more.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "in a test a panic is the failure message")]
#![allow(clippy::indexing_slicing, reason = "the same")]

use std::path::Path;
use std::time::Duration;

use haproxyadmin::global::{Counters, RateLimit};
use haproxyadmin::server::{AgentState, Health};
use haproxyadmin::{AdminState, Cluster, ErrorKind, Limits, Weight};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::UnixStream;
use tokio::time;

mod support;

use support::{
    Conversation, MANY, Random, Running, Tap, assert_no_leftovers, crowded_cluster, http_get, releases,
    try_ask,
};

/// The seed of the random numbers.
const SEED: u64 = 0x2545_f491_4f6c_dd1d;

#[tokio::test]
async fn a_map_or_acl_that_is_no_longer_waited_for_leaves_no_connection() {
    let running = crowded_cluster().await;
    let mut random = Random::new(SEED);
    for (n, release) in (1..).zip(releases()) {
        let socket = running.socket(n);
        let name = |file: &str| running.dir().join(file).display().to_string();
        for round in 0..15 {
            let wait = Duration::from_micros(random.below(25_000) as u64 + 500);
            let limits = match round % 3 {
                0 => Limits::new(),
                1 => Limits::new().with_command_timeout(wait),
                // More than the reply to `show info`, less than the dump.
                _ => Limits::new().with_max_reply_size(10_000 + random.below(2_000_000)),
            };
            let cluster =
                Cluster::builder().addresses([socket.clone()]).limits(limits).build().await.unwrap();
            let (map, acl) = (cluster.map(name("big.map")).unwrap(), cluster.acl(name("big.acl")).unwrap());
            let show = async { if round % 2 == 0 { map.show().await } else { acl.show().await } };
            match round % 3 {
                0 => drop(time::timeout(wait, show).await),
                1 => drop(show.await),
                _ => {
                    let error = show.await.unwrap_err();
                    assert_eq!(error.kind(), ErrorKind::TooLarge, "{error}");
                }
            }
            let after = format!("HAProxy {}, {} calls given up", release.version, round + 1);
            assert_no_leftovers(&socket, &after).await;
        }
        let cluster = Cluster::from_addresses([socket.as_path()]).await.unwrap();
        let contents = cluster.map(name("big.map")).unwrap().show().await.unwrap();
        assert_eq!(contents.entries().unwrap().len(), MANY);
    }
}

/// The values are full of empty lines and prompts, so the dump seems to end in many places.
#[tokio::test]
async fn a_map_full_of_prompts_that_is_no_longer_waited_for_leaves_no_connection() {
    let running = crowded_cluster().await;
    let mut random = Random::new(SEED);
    let map = running.dir().join("hosts.map").display().to_string();
    let value = "\n\n> ".repeat(1800);
    let line = format!("add map {map} k {}", value.replace('\n', "\\\n").replace(' ', "\\ "));
    // In 2.2 a line feed cannot be escaped.
    for (n, release) in (1..).zip(releases()).filter(|(_, release)| release.is_at_least("2.6")) {
        let socket = running.socket(n);
        for _ in 0..100 {
            assert_eq!(try_ask(&socket, &line).await.unwrap(), b"\n");
        }
        let cluster = Cluster::from_addresses([socket.as_path()]).await.unwrap();
        let map = cluster.map(&map).unwrap();
        for round in 0..20 {
            let wait = Duration::from_micros(random.below(8_000) as u64);
            drop(time::timeout(wait, map.show()).await);
            let after = format!("HAProxy {}, {} calls given up", release.version, round + 1);
            assert_no_leftovers(&socket, &after).await;
        }
        let contents = map.show().await.unwrap();
        let entries: Vec<_> = contents.entries().unwrap().skip(2).map(|entry| entry.to_string()).collect();
        assert_eq!(entries.len(), 100);
        assert!(entries.iter().all(|entry| *entry == format!("k {value}")));
    }
}

/// HAProxy 3.2.26 dies or hangs for good a few calls after a client closes its connection while
/// HAProxy prints `show servers state` of a large backend.
#[tokio::test]
async fn server_states_that_are_no_longer_waited_for_leave_the_process_alive() {
    let running = crowded_cluster().await;
    let mut random = Random::new(SEED);
    for (n, release) in (1..).zip(releases()) {
        let socket = running.socket(n);
        for round in 0..40 {
            let wait = Duration::from_micros(random.below(3_000) as u64 + 200);
            let limits = match round % 3 {
                0 => Limits::new(),
                1 => Limits::new().with_command_timeout(wait),
                _ => Limits::new().with_max_reply_size(10_000 + random.below(150_000)),
            };
            let cluster =
                Cluster::builder().addresses([socket.clone()]).limits(limits).build().await.unwrap();
            let (server, backend) =
                (cluster.server_ref("app", "web7").unwrap(), cluster.backend_ref("app").unwrap());
            let call = async {
                match round % 5 {
                    0 => server.fetch_state().await.map(drop),
                    1 => backend.fetch_server_states().await.map(drop),
                    2 => server.set_port(81).await.map(drop),
                    3 => cluster.command("show servers state").await.map(drop),
                    _ => cluster.command("show servers conn app").await.map(drop),
                }
            };
            drop(time::timeout(if round % 3 == 0 { wait } else { Duration::MAX }, call).await);
            let after = format!("HAProxy {}, {} calls given up", release.version, round + 1);
            assert_no_leftovers(&socket, &after).await;
        }
        let cluster = Cluster::from_addresses([socket.as_path()]).await.unwrap();
        let states = cluster.backend_ref("app").unwrap().fetch_server_states().await.unwrap();
        assert_eq!(states.values().next().unwrap().1.len(), 3000);
    }
}

/// Gives up each command of the crate and each line that a user may send, twenty times.
///
/// A payload is given up between its lines. HAProxy 3.2.26 and 3.4.7 never free a connection that
/// ends within a line of a payload. The crate writes a command and its payload at once, and they
/// are short enough for the socket to take them whole.
#[tokio::test]
async fn whatever_is_sent_and_given_up_leaves_no_connection() {
    let running = crowded_cluster().await;
    let mut random = Random::new(SEED);
    for (n, release) in (1..).zip(releases()) {
        let socket = running.socket(n);
        // A malformed request, which `show errors` prints.
        assert_eq!(http_get(running.traffic("web", n), "/ \u{1}").await, 400);
        let mut conversations = conversations(&running, n).await;
        if release.is_at_least("3.2") && !release.is_at_least("3.4") {
            // The crate never gives up these commands: see the test above.
            let kills = |sent: &Conversation| sent.concat().windows(12).any(|part| part == b"show servers");
            assert_eq!(conversations.iter().filter(|sent| kills(sent)).count(), 2);
            conversations.retain(|sent| !kills(sent));
        }
        let (mut aborts, mut longest) = (0, 0);
        for conversation in &conversations {
            let sent: usize = conversation.iter().map(Vec::len).sum();
            let received = talk(&socket, conversation, usize::MAX, usize::MAX).await;
            let text = String::from_utf8_lossy(&conversation.concat()).into_owned();
            let has_payload = text.contains(" <<\n");
            let is_whole =
                |part: &Vec<u8>| !part.windows(4).any(|bytes| bytes == b" <<\n") || part.ends_with(b"\n\n");
            assert!(conversation.iter().all(is_whole), "a payload in several parts: {text}");
            for round in 0..20 {
                let (sent, received) = match round % 4 {
                    0 => (usize::MAX, 0),
                    1 => match random.below(sent) {
                        cut if has_payload => (text[..cut].rfind('\n').map_or(0, |end| end + 1), usize::MAX),
                        cut => (cut, usize::MAX),
                    },
                    _ => (usize::MAX, random.below(received) + 1),
                };
                talk(&socket, conversation, sent, received).await;
            }
            aborts += 20;
            longest = longest.max(received);
            let text: String = text.chars().take(200).collect();
            assert_no_leftovers(&socket, &format!("HAProxy {}, {text:?}", release.version)).await;
        }
        eprintln!(
            "HAProxy {}: {} lines, {aborts} aborts, replies of up to {longest} bytes, 0 connections held",
            release.version,
            conversations.len()
        );
        assert!(conversations.len() > 70, "{}", conversations.len());
        assert!(longest > 4_000_000, "{longest}");
    }
}

/// Sends a conversation, and hangs up after `most_sent` bytes sent or `most_received` bytes
/// received. Returns the number of bytes received.
async fn talk(socket: &Path, conversation: &Conversation, most_sent: usize, most_received: usize) -> usize {
    let talk = async {
        let mut stream = UnixStream::connect(socket).await.unwrap();
        let (mut sent, mut received) = (0, Vec::new());
        for part in conversation {
            // Each part but the first is sent when the reply to the part before it has ended.
            while sent > 0
                && received.len() < most_received
                && read(&mut stream, &mut received, most_received).await
            {}
            if sent > 0 && !received.ends_with(b"\n\n> ") {
                return received.len();
            }
            let part = &part[..part.len().min(most_sent - sent)];
            // HAProxy may have hung up on an earlier, incomplete part.
            if stream.write_all(part).await.is_err() {
                return received.len();
            }
            sent += part.len();
            if sent == most_sent {
                return received.len();
            }
        }
        while received.len() < most_received && read(&mut stream, &mut received, most_received).await {}
        received.len()
    };
    time::timeout(Duration::from_secs(20), talk).await.expect("an end in time")
}

/// Reads on, up to `most` bytes in all. Returns `false` at the end and when HAProxy waits for
/// another line.
async fn read(stream: &mut UnixStream, received: &mut Vec<u8>, most: usize) -> bool {
    let mut buffer = vec![0; most.saturating_sub(received.len()).min(65_536)];
    // The prompts before a dump do not end the reply.
    let waits = received.ends_with(b"\n> ") && *received != b"\n> \n> ";
    let silence = if waits { Duration::from_millis(20) } else { Duration::MAX };
    match time::timeout(silence, stream.read(&mut buffer)).await {
        Ok(Ok(read @ 1..)) => {
            received.extend_from_slice(&buffer[..read]);
            true
        }
        _ => false,
    }
}

/// Lists the lines that the crate sends to a process, each command once, and some other lines.
async fn conversations(running: &Running, n: usize) -> Vec<Conversation> {
    let path = running.dir().join(format!("tap{n}.sock"));
    let tap = Tap::new(&path, running.socket(n));
    let cluster = Cluster::from_addresses([path.as_path()]).await.unwrap().allow_partial();
    let name = |file: &str| running.dir().join(file).display().to_string();
    read_everything(&cluster).await;
    change_everything(&cluster).await;
    edit_everything(&cluster, name).await;
    let big = name("big.map");
    let lines = [
        "show stat",
        "show info;show stat",
        "show servers state",
        "show sess",
        "show errors",
        "help",
        &format!("show map {big}"),
        &format!("set severity-output number;show map {big}"),
    ]
    .map(str::to_owned);
    for line in &lines {
        cluster.command(line).await.unwrap();
    }
    let mut all = tap.conversations();
    // A dialogue at the prompt, sent in one part and in two.
    let prologue = "prompt\nset severity-output number\nshow info\nshow cli level\n".as_bytes().to_vec();
    let hosts = name("hosts.map");
    let paths = name("paths.acl");
    let lines =
        |line: &dyn Fn(usize) -> String| (0..1000).fold(String::new(), |all, n| all + &line(n) + "\n");
    let adds = lines(&|n| format!("add map {hosts} key{n} value{n}"));
    let patterns = lines(&|n| format!("add acl {paths} /pattern/{n}"));
    all.push(vec![prologue.clone()]);
    for lines in [&adds, &patterns] {
        all.push(vec![prologue.clone(), lines.as_bytes().to_vec()]);
        all.push(vec![[&prologue, lines.as_bytes()].concat()]);
    }
    all.sort();
    all.dedup();
    all.retain(|conversation| !conversation.is_empty());
    all
}

async fn read_everything(cluster: &Cluster) {
    cluster.snapshot().await.unwrap();
    cluster.info().await.unwrap();
    cluster.frontend("web").await.unwrap();
    cluster.backend("app").await.unwrap();
    cluster.server("app", "web1").await.unwrap();
    let server = cluster.server_ref("app", "web1").unwrap();
    server.fetch_weight().await.unwrap();
    server.fetch_state().await.unwrap();
    cluster.show_errors().await.unwrap();
    cluster.show_errors_of("web").await.unwrap();
    cluster.maps().await.unwrap();
    cluster.acls().await.unwrap();
}

/// Sends every change. The test does not depend on the outcomes.
async fn change_everything(cluster: &Cluster) {
    let server = cluster.server_ref("app", "web1").unwrap();
    let ip = "127.0.0.1".parse().unwrap();
    let frontend = cluster.frontend_ref("spare").unwrap();
    for outcomes in [
        server.set_state(AdminState::Ready).await,
        server.set_state(AdminState::Maint).await,
        server.enable().await,
        server.disable().await,
        server.set_weight(Weight::percent(50)).await,
        server.set_address(ip, None).await,
        server.set_address(ip, 80).await,
        server.set_port(81).await,
        server.set_fqdn("host.example").await,
        server.set_health(Health::Down).await,
        server.set_agent(AgentState::Down).await,
        server.enable_health().await,
        server.disable_health().await,
        server.enable_agent().await,
        server.disable_agent().await,
        server.set_check_port(80).await,
        server.set_check_address(ip, 80).await,
        server.set_agent_address("127.0.0.1", None).await,
        server.set_agent_port(80).await,
        server.set_agent_send("x").await,
        server.set_maxconn(3).await,
        server.set_ssl(true).await,
        server.shutdown_sessions().await,
        frontend.set_maxconn(50).await,
        frontend.disable().await,
        frontend.enable().await,
        frontend.shutdown().await,
        cluster.set_maxconn(150).await,
        cluster.set_rate_limit(RateLimit::Sessions, 0).await,
        cluster.clear_counters(Counters::Max).await,
        cluster.clear_counters(Counters::All).await,
    ] {
        outcomes.unwrap();
    }
}

async fn edit_everything(cluster: &Cluster, name: impl Fn(&str) -> String) {
    let map = cluster.map(name("hosts.map")).unwrap();
    let acl = cluster.acl(name("paths.acl")).unwrap();
    map.get("a.example").await.unwrap();
    acl.get("/admin").await.unwrap();
    map.add("k", "v").await.unwrap();
    map.set("k", "w").await.unwrap();
    map.delete("k").await.unwrap();
    acl.add("/k").await.unwrap();
    acl.delete("/k").await.unwrap();
    map.add_all((0..600).map(|n| (format!("key{n}"), format!("value {n}")))).await.unwrap();
    acl.add_all((0..600).map(|n| format!("/pattern/{n}"))).await.unwrap();
    // HAProxy refuses each of these with a message.
    let nets = cluster.map(name("nets.map")).unwrap();
    nets.add("nonsense", "v").await.unwrap();
    nets.add_all((0..600).map(|n| (format!("nonsense{n}"), "v"))).await.unwrap();
    cluster.acl("#999").unwrap().add_all((0..600).map(|n| format!("/pattern/{n}"))).await.unwrap();
    let contents = map.show().await.unwrap();
    let entry = contents.per_process().next().unwrap().1.next().unwrap().reference();
    map.set_entry(entry, "other").await.unwrap();
    map.delete_entry(entry).await.unwrap();
    let contents = acl.show().await.unwrap();
    let entry = contents.per_process().next().unwrap().1.next().unwrap().reference();
    acl.delete_entry(entry).await.unwrap();
    cluster.map(name("big.map")).unwrap().show().await.unwrap();
    cluster.acl(name("big.acl")).unwrap().show().await.unwrap();
    cluster.map("#999").unwrap().show().await.unwrap();
    map.clear().await.unwrap();
    acl.clear().await.unwrap();
}
