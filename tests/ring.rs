//! Rings of events of a process of each release: read once, and followed by slow readers, through
//! reloads and after the end of a process.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "in a test a panic is the failure message")]
#![allow(clippy::indexing_slicing, reason = "the same")]

use std::path::Path;
use std::time::Duration;

use futures::StreamExt as _;
use haproxyadmin::ring::{Event, EventStream, News};
use haproxyadmin::{Cluster, ErrorKind, Limits, fake};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::UnixStream;
use tokio::time::{sleep, timeout};

mod support;

use support::{Config, Release, Running, is_alive, levels, releases, until, versions};

const CONFIG: &str = r#"
global
    nbthread 1
    stats timeout 1s
    stats socket "unix@${DIR}/stats/1.sock" mode 600 level admin
ring small
    description "a small ring"
    format raw
    maxlen 200
    size 20000
ring large
    format raw
    maxlen 200
    size 8000000
defaults
    mode http
    timeout connect 1s
    timeout client 1m
    timeout server 1m
frontend web
    bind "unix@${DIR}/traffic/web.1"
    log ring@small format raw local0
    log ring@large format raw local0
    log-format "%HP"
    http-request return status 200
"#;

/// Time limit for one item of a stream.
const LIMIT: Duration = Duration::from_secs(20);

async fn one(release: &Release) -> (Running, Cluster) {
    let mut running = Running::new();
    running.add(release, "one", &Config::new(CONFIG)).await;
    let cluster = Cluster::from_dir(running.stats()).await.unwrap();
    (running, cluster)
}

/// Sends requests for `/FIRST`, and so on, on one connection.
async fn send(socket: &Path, first: u64, count: u64) {
    let mut stream = UnixStream::connect(socket).await.unwrap();
    let numbers: Vec<_> = (first..first + count).collect();
    for numbers in numbers.chunks(50) {
        let requests = numbers.iter().map(|n| format!("GET /{n} HTTP/1.1\r\nHost: test\r\n\r\n"));
        stream.write_all(requests.collect::<String>().as_bytes()).await.unwrap();
        let mut replies = Vec::new();
        while replies.windows(13).filter(|part| part == b"HTTP/1.1 200 ").count() < numbers.len()
            || !replies.ends_with(b"\n")
        {
            assert!(timeout(LIMIT, stream.read_buf(&mut replies)).await.unwrap().unwrap() > 0);
        }
    }
}

async fn next(events: &mut EventStream) -> News {
    timeout(LIMIT, events.next()).await.expect("an event in time").unwrap().news
}

/// Returns the next line. Lines of HAProxy about its own start and end are skipped.
async fn line(events: &mut EventStream) -> String {
    loop {
        match next(events).await {
            News::Event(Event::Line(line)) if line.starts_with('/') => return line.into(),
            News::Event(Event::Line(_)) => {}
            news => panic!("{news:?}"),
        }
    }
}

/// Checks that every number up to `count` has arrived in order, or was lost. Returns the number of
/// losses.
async fn read_slowly(events: &mut EventStream, count: u64) -> u64 {
    let (mut expected, mut lost, mut lines) = (1, 0, 0);
    while expected <= count {
        match next(events).await {
            News::Event(Event::Line(line)) => {
                let Some(number) = line.strip_prefix('/') else { continue };
                assert_eq!(number.parse::<u64>().unwrap(), expected);
                expected += 1;
                lines += 1;
                if lines % 1000 == 0 {
                    sleep(Duration::from_millis(5)).await;
                }
            }
            News::Event(Event::Lost(events)) => {
                expected += events;
                lost += events;
            }
            news => panic!("{news:?}"),
        }
    }
    assert_eq!(lines + lost, count);
    lost
}

#[tokio::test]
async fn rings_are_listed_and_read_once() {
    for release in releases() {
        let (running, cluster) = one(&release).await;
        let outcomes = cluster.rings().await.unwrap();
        let rings = outcomes.values().next().unwrap().1;
        let kept: Vec<_> = rings.iter().filter(|ring| ring.is_kept()).map(|ring| &*ring.name).collect();
        for name in ["buf0", "small", "large"] {
            assert!(kept.contains(&name), "{}: {rings:?}", release.version);
        }
        let small = rings.iter().find(|ring| &*ring.name == "small").unwrap();
        assert_eq!((&*small.description, small.dropped), ("a small ring", 0));
        send(&running.traffic("web", 1), 1, 3).await;
        let outcomes = cluster.events("small").await.unwrap();
        let lines: Vec<_> = outcomes.values().flat_map(|(_, events)| events).map(Event::to_string).collect();
        let requests: Vec<_> = lines.iter().filter(|line| line.starts_with('/')).collect();
        assert_eq!(requests, ["/1", "/2", "/3"], "{}", release.version);
        let outcomes = cluster.events("buf0").await.unwrap();
        assert_eq!(outcomes.values().map(|(_, events)| events.len()).sum::<usize>(), 0);
    }
}

#[tokio::test]
async fn a_ring_that_cannot_be_read_is_an_error_before_anything_is_followed() {
    for release in releases() {
        let (_running, cluster) = one(&release).await;
        for (ring, kind) in [
            ("nope", ErrorKind::NotFound),
            ("smal", ErrorKind::NotFound),
            ("stdout", ErrorKind::Refused),
            ("", ErrorKind::InvalidInput),
            ("small;show info", ErrorKind::InvalidInput),
            ("small -w", ErrorKind::InvalidInput),
            ("small\nshow info", ErrorKind::InvalidInput),
            ("<<", ErrorKind::InvalidInput),
        ] {
            let version = &release.version;
            assert_eq!(cluster.events(ring).await.unwrap_err().kind(), kind, "{ring:?} {version}");
            assert_eq!(cluster.follow_events(ring).await.unwrap_err().kind(), kind, "{ring:?} {version}");
        }
        let running = levels(&release).await;
        let cluster = Cluster::from_addresses([running.stats().join("user.sock")]).await.unwrap();
        assert_eq!(cluster.events("buf0").await.unwrap_err().kind(), ErrorKind::PermissionDenied);
        assert_eq!(cluster.follow_events("buf0").await.unwrap_err().kind(), ErrorKind::PermissionDenied);
    }
}

#[tokio::test]
async fn a_slow_reader_gets_every_line_of_a_large_ring() {
    for release in releases() {
        let (running, cluster) = one(&release).await;
        let mut events = cluster.follow_events("large").await.unwrap();
        let socket = running.traffic("web", 1);
        let sending = tokio::spawn(async move { send(&socket, 1, 100_000).await });
        let lost = read_slowly(&mut events, 100_000).await;
        assert_eq!(lost, 0, "{}", release.version);
        sending.await.unwrap();
    }
}

#[tokio::test]
async fn a_slow_reader_is_told_how_much_a_small_ring_has_lost() {
    for release in releases() {
        let (running, cluster) = one(&release).await;
        let mut events = cluster.follow_events("small").await.unwrap();
        let socket = running.traffic("web", 1);
        // Nothing is read at first, so the buffers of the connection and the ring are full.
        send(&socket, 1, 30_000).await;
        let sending = tokio::spawn(async move {
            send(&socket, 30_001, 69_000).await;
            for n in 99_001..=100_000 {
                send(&socket, n, 1).await;
            }
        });
        let lost = read_slowly(&mut events, 100_000).await;
        assert!(lost > 10_000, "{}: {lost}", release.version);
        sending.await.unwrap();
    }
}

#[tokio::test]
async fn silence_does_not_end_a_stream() {
    for release in releases() {
        let (running, cluster) = one(&release).await;
        let mut events = cluster.follow_events("small").await.unwrap();
        // Three times `stats timeout`.
        assert!(timeout(Duration::from_secs(3), events.next()).await.is_err(), "{}", release.version);
        send(&running.traffic("web", 1), 7, 1).await;
        assert_eq!(line(&mut events).await, "/7", "{}", release.version);
    }
}

#[tokio::test]
async fn a_reload_leads_to_the_new_worker_and_lets_the_old_one_end() {
    for release in releases() {
        let mut running = Running::new();
        running.add_master(&release, "one", &Config::new(CONFIG)).await;
        let cluster = Cluster::from_addresses([running.socket(1)]).await.unwrap();
        let socket = running.traffic("web", 1);
        let mut events = cluster.follow_events("small").await.unwrap();
        send(&socket, 1, 500).await;
        let old = running.pid(1);
        running.haproxies[0].reload().await;
        for n in 1..=500 {
            assert_eq!(line(&mut events).await, format!("/{n}"), "{}", release.version);
        }
        send(&socket, 501, 1).await;
        let ended = loop {
            match next(&mut events).await {
                News::Event(Event::Line(line)) => assert!(!line.starts_with('/'), "{line}"),
                News::Ended(error) => break error,
                news => panic!("{news:?}"),
            }
        };
        assert_eq!(ended.kind(), ErrorKind::Io, "{ended}");
        until("the old worker ends", async || (!is_alive(old)).then_some(())).await;
        let connected = next(&mut events).await;
        assert!(matches!(connected, News::Connected { is_new: true }), "{connected:?}");
        assert_eq!(line(&mut events).await, "/501", "{}", release.version);
    }
}

#[tokio::test]
async fn a_process_that_ends_and_returns_is_followed_again() {
    for release in releases() {
        let (mut running, cluster) = one(&release).await;
        let mut events = cluster.follow_events("small").await.unwrap();
        running.kill(1);
        let News::Ended(error) = next(&mut events).await else { panic!("no end") };
        assert_eq!(error.kind(), ErrorKind::Io, "{error}");
        let News::Ended(error) = next(&mut events).await else { panic!("no attempt") };
        assert_eq!(error.kind(), ErrorKind::Connect, "{error}");
        running.restart(1).await;
        send(&running.traffic("web", 1), 1, 1).await;
        let connected = loop {
            match next(&mut events).await {
                News::Ended(error) => assert_eq!(error.kind(), ErrorKind::Connect, "{error}"),
                news => break news,
            }
        };
        assert!(matches!(connected, News::Connected { is_new: true }), "{connected:?}");
        assert_eq!(line(&mut events).await, "/1", "{}", release.version);
    }
}

#[tokio::test]
async fn streams_take_no_permit_of_other_commands_and_close_when_dropped() {
    for release in releases() {
        let (running, _) = one(&release).await;
        let limits = Limits::new().with_max_connections(1).with_command_timeout(Duration::from_secs(1));
        let builder = Cluster::builder().dir(running.stats()).limits(limits).max_connections(1);
        let cluster = builder.build().await.unwrap();
        let one = cluster.follow_events("small").await.unwrap();
        let two = cluster.follow_events("large").await.unwrap();
        assert_eq!((one.processes(), two.processes()), (1, 1));
        for _ in 0..5 {
            cluster.rings().await.unwrap();
        }
        let error = cluster.follow_events("small").await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Timeout, "{}: {error}", release.version);
        drop((one, two));
        let look = async || {
            let outcomes = cluster.sessions().await.unwrap();
            let sessions = outcomes.values().flat_map(|(_, sessions)| sessions);
            (sessions.filter(|one| one.frontend.as_deref() == Some("GLOBAL")).count() == 1).then_some(())
        };
        until("only the connection that asks is left", look).await;
        cluster.follow_events("small").await.unwrap();
    }
}

/// Returns the next news with the label of its process. Lines of HAProxy about itself are skipped.
async fn told(events: &mut EventStream) -> (String, News) {
    loop {
        let followed = timeout(LIMIT, events.next()).await.expect("news in time").unwrap();
        match &followed.news {
            News::Event(Event::Line(line)) if !line.starts_with('/') => {}
            _ => return (followed.process.to_string(), followed.news),
        }
    }
}

#[tokio::test]
async fn a_process_that_is_not_followed_is_named_and_followed_when_it_can_be() {
    for release in releases() {
        let mut running = Running::new();
        let second = CONFIG.replace("stats/1.sock", "stats/2.sock").replace("web.1", "web.2");
        let third = CONFIG.replace("stats/1.sock", "stats/3.sock").replace("web.1", "web.3");
        let configs = [CONFIG.to_owned(), second, third.replace("small", "other")];
        for (name, config) in ["one", "two", "three"].into_iter().zip(configs) {
            running.add(&release, name, &Config::new(&config)).await;
        }
        let cluster = Cluster::from_dir(running.stats()).await.unwrap();
        running.kill(2);
        assert!(cluster.follow_events("small").await.is_err());
        let mut events = cluster.allow_partial().follow_events("small").await.unwrap();
        assert_eq!(events.processes(), 3);
        let mut reasons = Vec::new();
        for _ in 0..2 {
            let (process, News::Ended(reason)) = told(&mut events).await else { panic!("no reason") };
            reasons.push((process, reason.kind()));
        }
        reasons.sort_by(|one, other| one.0.cmp(&other.0));
        let expected = [("2", ErrorKind::Connect), ("3", ErrorKind::NotFound)];
        assert_eq!(reasons, expected.map(|(label, kind)| (label.to_owned(), kind)), "{}", release.version);
        // Attempts that fail alike are no news.
        assert!(timeout(Duration::from_secs(1), told(&mut events)).await.is_err());
        running.restart(2).await;
        let (process, news) = told(&mut events).await;
        assert!(process == "2" && matches!(news, News::Connected { is_new: true }), "{process} {news:?}");
        for n in [1, 2] {
            send(&running.traffic("web", n), 7, 1).await;
            let (process, news) = told(&mut events).await;
            assert!(process == n.to_string() && matches!(news, News::Event(_)), "{process} {news:?}");
        }
    }
}

/// The process is a fake: a real 2.2 that is stopped and goes on has another uptime than before.
#[tokio::test]
async fn a_process_that_hangs_is_told_once_and_when_it_answers_again() {
    for release in versions() {
        let dir = tempfile::tempdir().unwrap();
        let process = fake::Process::new(release).ring(fake::Ring::new("small"));
        let running = process.serve(dir.path().join("1.sock")).await.unwrap();
        let limits = Limits::new().with_command_timeout(Duration::from_secs(1));
        let cluster = Cluster::builder().dir(dir.path()).limits(limits).build().await.unwrap();
        let mut events = cluster.follow_events("small").await.unwrap();
        running.pause();
        let (_, news) = told(&mut events).await;
        let News::Silent(error) = news else { panic!("{release}: {news:?}") };
        assert_eq!((error.kind(), error.command()), (ErrorKind::Timeout, Some("show info")), "{error}");
        running.push_event("small", "/1").unwrap();
        assert_eq!(line(&mut events).await, "/1");
        assert!(timeout(Duration::from_secs(3), told(&mut events)).await.is_err(), "it is told once");
        running.resume();
        let (_, news) = told(&mut events).await;
        assert!(matches!(news, News::Answering), "{release}: {news:?}");
    }
}

#[tokio::test]
async fn a_worker_behind_a_master_is_not_followed() {
    for release in releases() {
        let mut running = Running::new();
        let master = running.add_master(&release, "one", &Config::new(CONFIG)).await;
        let cluster = Cluster::builder().master(master).build().await.unwrap();
        assert!(cluster.events("large").await.is_ok());
        let error = cluster.follow_events("large").await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidInput, "{error}");
    }
}
