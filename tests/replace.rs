//! Replacement of whole maps and ACLs on real HAProxy: all old entries or all new entries on each
//! process, also if a process fails at any step. The tests check it on each process' own socket.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "in a test a panic is the failure message")]
#![allow(clippy::indexing_slicing, reason = "the same")]

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::UnixStream;

use haproxyadmin::{Acl, Change, Cluster, ErrorKind, Limits, Map, Outcome, Outcomes};

mod support;

use support::{Config, Moment, Relay, Release, Running, ask, http_get, managed_cluster, releases, until};

/// One process of each release that knows versions, and a relay in front of the last one.
struct Site {
    running: Running,
    relay: Relay,
    config: Config,
    /// Set if the level of the last process' usual socket is user.
    is_demoted: bool,
}

fn known() -> Vec<Release> {
    releases().into_iter().filter(|release| release.is_at_least("2.4")).collect()
}

fn all<T: Clone>(value: T) -> Vec<T> {
    vec![value; known().len()]
}

/// Returns the same value for each process but the last.
fn but_last<T: Clone>(value: T, last: T) -> Vec<T> {
    let mut values = all(value);
    values.pop();
    values.push(last);
    values
}

fn words(outcomes: &Outcomes<Change>) -> Vec<&str> {
    outcomes.iter().map(Outcome::word).collect()
}

impl Site {
    async fn start() -> Self {
        let mut running = Running::new();
        fs::write(running.dir().join("paths.map"), "/both yes\n/old yes\n").unwrap();
        fs::write(running.dir().join("paths.acl"), "/both\n/old\n").unwrap();
        let config = running.fill(Config::new(CONFIG)).set("ADMIN", "admin").set("USER", "user");
        for (n, release) in (1..).zip(known()) {
            running.add(&release, &format!("process{n}"), &config.clone().set("N", n)).await;
        }
        let last = running.socket(known().len());
        let relay = Relay::new(running.dir().join(RELAY), last);
        Self { running, relay, config, is_demoted: false }
    }

    /// Starts another process in place of the last one. Its socket has level user, and another socket
    /// has level admin.
    async fn demote_last(&mut self) {
        let n = known().len();
        let swapped = self.config.clone().set("ADMIN", "user").set("USER", "admin").set("N", n);
        self.running.haproxies[n - 1].replace(&known()[n - 1], &swapped).await;
        self.is_demoted = true;
    }

    /// Returns the socket of process `n` that has level admin.
    fn admin_socket(&self, n: usize) -> PathBuf {
        if self.is_demoted && n == known().len() {
            return self.running.dir().join(format!("user.{n}.sock"));
        }
        self.running.socket(n)
    }

    fn file(&self, name: &str) -> String {
        self.running.dir().join(name).display().to_string()
    }

    /// Returns the cluster, with this socket for the last process.
    async fn cluster(&self, last: &str) -> Cluster {
        let others = (1..known().len()).map(|n| self.running.socket(n));
        let sockets: Vec<PathBuf> = others.chain([self.running.dir().join(last)]).collect();
        let limits = Limits::new().with_idle_timeout(Duration::from_millis(400));
        let cluster = Cluster::from_addresses(sockets).await.unwrap().with_limits(limits);
        cluster.info().await.unwrap();
        cluster
    }

    async fn map(&self) -> Map {
        self.cluster(RELAY).await.map(self.file("paths.map")).unwrap()
    }

    async fn acl(&self) -> Acl {
        self.cluster(RELAY).await.acl(self.file("paths.acl")).unwrap()
    }

    /// Returns the entries that a command lists in process `n`.
    async fn listed(&self, n: usize, command: &str) -> Vec<String> {
        let reply = String::from_utf8(ask(self.admin_socket(n), command).await).unwrap();
        let line = |line: &str| Some(line.strip_prefix("0x")?.split_once(' ')?.1.to_owned());
        reply.lines().filter_map(line).collect()
    }

    /// Returns the entries of each living process.
    async fn entries(&self, kind: &str) -> Vec<Vec<String>> {
        let mut entries = Vec::new();
        for n in (1..=known().len()).filter(|n| self.running.is_alive(*n)) {
            entries
                .push(self.listed(n, &format!("show {kind} {}", self.file(&format!("paths.{kind}")))).await);
        }
        entries
    }

    /// Checks that no process holds entries of a version that is not the live one.
    async fn assert_nothing_is_left(&self, kind: &str) {
        for n in (1..=known().len()).filter(|n| self.running.is_alive(*n)) {
            let file = self.file(&format!("paths.{kind}"));
            let list = ask(self.admin_socket(n), &format!("show {kind}")).await;
            let list = String::from_utf8(list).unwrap();
            let line = list.lines().find(|line| line.contains(&format!("({file})"))).unwrap();
            let number = |key: &str| -> usize {
                let rest = line.split_once(key).unwrap().1;
                rest.split(' ').next().unwrap().parse().unwrap()
            };
            let current = number("curr_ver=");
            for version in (0..=number("next_ver=")).filter(|version| *version != current) {
                let left = self.listed(n, &format!("show {kind} @{version} {file}")).await;
                assert_eq!(left, [""; 0], "process {n}, version {version}");
            }
        }
    }
}

const CONFIG: &str = r#"
global
    nbthread 2
    maxconn 200
    stats socket "unix@${DIR}/stats/${N}.sock" mode 600 level ${ADMIN}
    stats socket "unix@${DIR}/user.${N}.sock" mode 600 level ${USER}

defaults
    mode http
    timeout connect 1s
    timeout client 30s
    timeout server 30s

frontend web
    bind "unix@${DIR}/traffic/web.${N}"
    http-request deny unless { path,map("${DIR}/paths.map",no) -m str yes }
    http-request deny unless { path -f "${DIR}/paths.acl" }
    http-request return status 200
"#;

/// The name of the relay's socket, which comes last in the order of the cluster.
const RELAY: &str = "z.sock";

const OLD: [&str; 2] = ["/both yes", "/old yes"];
const NEW: [(&str, &str); 3] = [("/both", "yes"), ("/new", "yes"), ("/new", "again")];

fn old() -> Vec<String> {
    OLD.map(String::from).to_vec()
}

fn new() -> Vec<String> {
    NEW.map(|(key, value)| format!("{key} {value}")).to_vec()
}

#[tokio::test]
async fn a_map_is_replaced_on_each_process() {
    let site = Site::start().await;
    let map = site.map().await;
    let outcomes = map.replace(NEW).await.unwrap();
    assert_eq!(words(&outcomes), all("changed"));
    let said: Vec<_> = outcomes.iter().map(|outcome| outcome.message().unwrap()).collect();
    assert_eq!(said, all("3 entries"));
    assert!(outcomes.command().starts_with("prepare map "), "{}", outcomes.command());
    assert_eq!(site.entries("map").await, all(new()));
    site.assert_nothing_is_left("map").await;

    let none: [(&str, &str); 0] = [];
    assert_eq!(words(&map.replace(none).await.unwrap()), all("changed"));
    assert_eq!(site.entries("map").await, all(Vec::<String>::new()));
    assert_eq!(words(&map.replace([("/both", "yes"), ("/old", "yes")]).await.unwrap()), all("changed"));
    assert_eq!(site.entries("map").await, all(old()));
}

#[tokio::test]
async fn an_acl_is_replaced_on_each_process() {
    let site = Site::start().await;
    let patterns = ["/both", "/a b", "/a b", "#0x12", "/a;clear acl #1", "\\", "é", "@1", "<<x y"];
    let outcomes = site.acl().await.replace(patterns).await.unwrap();
    assert_eq!(words(&outcomes), all("changed"));
    assert_eq!(site.entries("acl").await, all(patterns.map(String::from).to_vec()));
    site.assert_nothing_is_left("acl").await;
}

#[tokio::test]
async fn thousands_of_odd_entries_replace_a_map_as_they_are() {
    let site = Site::start().await;
    let mut entries: Vec<_> = (0..5000).map(|n| (format!("key-{n}"), format!("value {n}"))).collect();
    let long = "x".repeat(13_500);
    let odd = [
        ("with blank", "v"),
        ("#0x12", "v"),
        ("> ", "> "),
        ("long", &*long),
        ("a;clear map #1", "\\"),
        ("@1", "@2"),
        ("value", "  of leading blanks"),
        ("+", "a <<"),
        ("key-1", "twice"),
    ];
    for (at, (key, value)) in odd.into_iter().enumerate() {
        entries.insert(at * 500, (key.to_owned(), value.to_owned()));
    }
    let outcomes = site.map().await.replace(entries.iter().map(|(key, value)| (key, value))).await.unwrap();
    assert_eq!(words(&outcomes), all("changed"));
    let expected: Vec<_> = entries.iter().map(|(key, value)| format!("{key} {value}")).collect();
    for held in site.entries("map").await {
        assert_eq!(held.len(), expected.len());
        let wrong = held.iter().zip(&expected).find(|(held, expected)| held != expected);
        assert_eq!(wrong, None);
    }
}

/// The map answers for `/both` in both sets; a request that sees none of them is denied.
#[tokio::test]
async fn requests_see_the_old_entries_or_the_new_ones() {
    let site = Site::start().await;
    let (map, acl) = (site.map().await, site.acl().await);
    let is_over = Arc::new(AtomicBool::new(false));
    let readers: Vec<_> = (1..=known().len())
        .map(|n| {
            let (socket, is_over) = (site.running.traffic("web", n), Arc::clone(&is_over));
            tokio::spawn(async move {
                let mut seen = 0;
                while !is_over.load(Ordering::SeqCst) {
                    assert_eq!(http_get(socket.clone(), "/both").await, 200);
                    seen += 1;
                }
                seen
            })
        })
        .collect();
    let many = |round: usize| (0..300).map(move |n| format!("/{round}/{n}")).chain(["/both".into()]);
    for round in 0..5 {
        map.replace(many(round).map(|key| (key, "yes"))).await.unwrap();
        acl.replace(many(round)).await.unwrap();
    }
    is_over.store(true, Ordering::SeqCst);
    for reader in readers {
        assert!(reader.await.unwrap() > 0);
    }
    for n in 1..=known().len() {
        let socket = site.running.traffic("web", n);
        assert_eq!((http_get(socket.clone(), "/4/7").await, http_get(socket, "/old").await), (200, 403));
    }
}

const THREADS_CONFIG: &str = r#"
global
    nbthread 4
    maxconn 200
    stats socket "unix@${DIR}/stats/${N}.sock" mode 600 level admin

defaults
    mode http
    timeout client 30s

frontend web
    bind "unix@${DIR}/traffic/web.${N}"
    http-request return status 200 content-type text/plain lf-string "%[path,map(${DIR}/g.map,none)] %[path,map_sub(${DIR}/g.map,none)]"
"#;

/// Returns the body of the answer to a request.
async fn body(socket: &Path, path: &str) -> String {
    let mut stream = UnixStream::connect(socket).await.unwrap();
    let request = format!("GET {path} HTTP/1.1\r\nHost: test\r\nConnection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut reply = String::new();
    stream.read_to_string(&mut reply).await.unwrap();
    reply.rsplit_once("\r\n\r\n").unwrap().1.to_owned()
}

/// Sends requests until it is over, and returns their number and the number of requests with two
/// lookups that saw different entries. Panics if a lookup sees no entries, or older ones than a
/// lookup before it.
async fn see_generations(socket: PathBuf, key: String, is_over: Arc<AtomicBool>) -> (usize, usize) {
    let (mut requests, mut straddling, mut last) = (0, 0, [0; 2]);
    while !is_over.load(Ordering::SeqCst) {
        let body = body(&socket, &key).await;
        let seen: Vec<u32> = body.split(' ').map(|word| word.parse().expect(&body)).collect();
        assert!(last[0] <= seen[0] && last[1] <= seen[1], "{last:?}, then {seen:?}");
        requests += 1;
        straddling += usize::from(seen[0] != seen[1]);
        last = [seen[0], seen[1]];
    }
    (requests, straddling)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_lookup_of_any_thread_sees_one_set_and_never_an_older_one_again() {
    let mut running = Running::new();
    let entries = |generation: u32| (0..500).map(move |n| (format!("/key-{n}-"), generation.to_string()));
    let text: Vec<_> = entries(0).map(|(key, value)| format!("{key} {value}\n")).collect();
    fs::write(running.dir().join("g.map"), text.concat()).unwrap();
    let config = running.fill(Config::new(THREADS_CONFIG));
    for (n, release) in (1..).zip(known()) {
        running.add(&release, &format!("process{n}"), &config.clone().set("N", n)).await;
    }
    let cluster = Cluster::from_dir(running.stats()).await.unwrap();
    let map = cluster.map(running.dir().join("g.map").display().to_string()).unwrap();
    let is_over = Arc::new(AtomicBool::new(false));
    let places = (1..=known().len()).flat_map(|n| (0..3).map(move |key| (n, key)));
    let readers: Vec<_> = places
        .map(|(n, key)| {
            let (socket, is_over) = (running.traffic("web", n), Arc::clone(&is_over));
            tokio::spawn(see_generations(socket, format!("/key-{}-", key * 249), is_over))
        })
        .collect();
    for generation in 1..=20 {
        map.replace(entries(generation)).await.unwrap();
    }
    is_over.store(true, Ordering::SeqCst);
    let (mut requests, mut straddling) = (0, 0);
    for reader in readers {
        let seen = reader.await.unwrap();
        assert!(seen.0 > 0);
        (requests, straddling) = (requests + seen.0, straddling + seen.1);
    }
    println!("{requests} requests, {straddling} with two lookups that saw different entries");
    for n in 1..=known().len() {
        assert_eq!(body(&running.traffic("web", n), "/key-498-").await, "20 20");
    }
}

#[tokio::test]
async fn a_client_of_two_processes_can_meet_the_old_entries_after_the_new_ones() {
    let site = Site::start().await;
    let map = site.map().await;
    site.relay.mark(["commit map @"]);
    site.relay.hold(Moment::Marking);
    let call = tokio::spawn(async move { map.replace([("/new", "yes")]).await });
    site.relay.holds(1).await;
    let [first, last] = [1, known().len()].map(|n| site.running.traffic("web", n));
    let changed = async || (http_get(first.clone(), "/old").await == 403).then_some(());
    until("the first process has committed", changed).await;
    assert_eq!(http_get(last.clone(), "/old").await, 200);
    site.relay.release();
    assert_eq!(words(&call.await.unwrap().unwrap()), all("changed"));
    assert_eq!(http_get(last, "/old").await, 403);
}

/// Number of entries of the big map.
const BIG: usize = 100_000;

const BIG_CONFIG: &str = r#"
global
    nbthread 1
    maxconn 200
    stats socket "unix@${DIR}/stats/${N}.sock" mode 600 level admin

defaults
    mode http
    timeout client 30s

frontend web
    bind "unix@${DIR}/traffic/web.${N}"
    http-request return status 200 content-type text/plain lf-string "%[str(key-0),map(${DIR}/big.map)] %[str(key-50000),map(${DIR}/big.map)] %[str(key-99999),map(${DIR}/big.map)]"
"#;

/// Asks until the new entries are there, and returns the time of the first such answer and the
/// number of answers before it. Panics if an answer is neither of the old entries nor of the new ones.
async fn first_new_answer(socket: PathBuf) -> (Instant, usize) {
    for asked in 0.. {
        match &*body(&socket, "/").await {
            "old old old" => {}
            "new new new" => return (Instant::now(), asked),
            other => panic!("{other:?}"),
        }
    }
    unreachable!()
}

#[tokio::test]
async fn a_hundred_thousand_entries_are_replaced_at_once() {
    let mut running = Running::new();
    let entries = |value: &'static str| (0..BIG).map(move |n| (format!("key-{n}"), value));
    let text = entries("old").map(|(key, value)| format!("{key} {value}")).collect::<Vec<_>>().join("\n");
    fs::write(running.dir().join("big.map"), text).unwrap();
    let config = running.fill(Config::new(BIG_CONFIG));
    for (n, release) in (1..).zip(known()) {
        running.add(&release, &format!("process{n}"), &config.clone().set("N", n)).await;
    }
    let limits = Limits::new().with_command_timeout(Duration::from_secs(60));
    let cluster = Cluster::from_dir(running.stats()).await.unwrap().with_limits(limits);
    let map = cluster.map(running.dir().join("big.map").display().to_string()).unwrap();
    let readers: Vec<_> =
        (1..=known().len()).map(|n| tokio::spawn(first_new_answer(running.traffic("web", n)))).collect();
    let start = Instant::now();
    assert_eq!(words(&map.replace(entries("new")).await.unwrap()), all("changed"));
    println!("replaced in {:?}", start.elapsed());
    let mut seen = Vec::new();
    for reader in readers {
        let (at, asked) = tokio::time::timeout(Duration::from_secs(60), reader).await.unwrap().unwrap();
        assert!(asked > 0);
        seen.push(at);
    }
    let (first, last) = (seen.iter().min().unwrap(), seen.iter().max().unwrap());
    println!("between the first and the last process: {:?}", *last - *first);
    let contents = map.show().await.unwrap();
    let held = contents.entries().unwrap();
    assert_eq!(held.len(), BIG);
    assert!(held.zip(entries("new")).all(|(held, (key, value))| held.is(&key, value)));
}

/// Harm that is done to the last process.
#[derive(Debug, Clone, Copy)]
enum Fate {
    Killed,
    StartedAnew,
    /// Another process with a socket of level user takes its place.
    Demoted,
    Hung,
}

#[tokio::test]
async fn every_process_is_accounted_for_whatever_befalls_one_at_any_step() {
    for fate in [Fate::Killed, Fate::StartedAnew, Fate::Demoted, Fate::Hung] {
        for mark in BEFORE.into_iter().chain(["commit map @"]) {
            let mut site = Site::start().await;
            let (map, last) = (site.map().await, known().len());
            site.relay.mark([mark]);
            site.relay.hold(Moment::Marking);
            let own = map.clone();
            let call = tokio::spawn(async move { own.replace(NEW).await });
            site.relay.holds(1).await;
            match fate {
                Fate::Killed => site.running.kill(last),
                Fate::StartedAnew => {
                    site.running.kill(last);
                    site.running.restart(last).await;
                }
                Fate::Demoted => site.demote_last().await,
                Fate::Hung => site.running.hang(last),
            }
            site.relay.release();
            let error = call.await.unwrap().unwrap_err();
            if matches!(fate, Fate::Hung) {
                site.running.resume(last);
            }
            let outcomes = error.outcomes::<Change>().unwrap();
            let is_commit = mark == "commit map @";
            let said = outcomes.iter().last().unwrap().message().unwrap();
            match fate {
                _ if !["add map @", "show map @"].contains(&mark) => assert!(!said.contains(LEFT), "{said}"),
                Fate::Hung => assert!(said.contains(LEFT), "{said}"),
                // The relay still accepts connections in place of a killed process.
                Fate::Killed | Fate::StartedAnew | Fate::Demoted => {}
            }
            let others = if is_commit { "changed" } else { "unchanged" };
            let words = words(outcomes);
            let word = words[last - 1];
            assert_eq!(words, but_last(others, word), "{fate:?} {mark}: {error}");
            match fate {
                // The new process may not answer yet when the library asks for the live version.
                Fate::StartedAnew | Fate::Demoted if is_commit => {
                    assert!(["unknown", "failed"].contains(&word));
                }
                _ if is_commit => assert_eq!(word, "unknown", "{fate:?}"),
                _ => assert_eq!(word, "failed", "{fate:?} {mark}"),
            }
            let entries = site.entries("map").await;
            let expected = if is_commit { new() } else { old() };
            assert_eq!(entries[..last - 1], all(expected)[1..], "{fate:?} {mark}");
            match fate {
                Fate::Killed => assert_eq!(entries.len(), last - 1),
                Fate::Hung if is_commit => assert!([old(), new()].contains(&entries[last - 1])),
                _ => assert_eq!(entries[last - 1], old(), "{fate:?} {mark}"),
            }
            if !matches!(fate, Fate::Hung) {
                site.assert_nothing_is_left("map").await;
            }
            assert_next_replacement(&site, &map, fate).await;
        }
    }
}

/// Part of the message of a process that keeps entries of a version that was not committed.
const LEFT: &str = "entries of the new version may be left in memory";

/// Checks that the next replacement frees every version, or changes nothing at all.
async fn assert_next_replacement(site: &Site, map: &Map, fate: Fate) {
    let last = known().len();
    let before = site.entries("map").await;
    let result = map.replace([("/next", "yes")]).await;
    match fate {
        Fate::StartedAnew | Fate::Hung => {
            assert_eq!(words(&result.unwrap()), all("changed"), "{fate:?}");
            assert_eq!(site.entries("map").await, all(vec!["/next yes".to_owned()]), "{fate:?}");
        }
        Fate::Killed | Fate::Demoted => {
            let error = result.unwrap_err();
            let outcomes = error.outcomes::<Change>().unwrap();
            assert_eq!(words(outcomes), but_last("unchanged", "failed"), "{fate:?}: {error}");
            let kind = outcomes.iter().nth(last - 1).unwrap().error().unwrap().kind();
            let expected = match fate {
                Fate::Killed => ErrorKind::Connect,
                _ => ErrorKind::PermissionDenied,
            };
            // A killed process may close the connection that the relay opened.
            assert!(kind == expected || kind == ErrorKind::Closed, "{fate:?}: {error}");
            assert_eq!(site.entries("map").await, before, "{fate:?}");
        }
    }
    site.assert_nothing_is_left("map").await;
}

#[tokio::test]
async fn a_refused_entry_changes_nothing() {
    let running = managed_cluster().await;
    let cluster = Cluster::from_dir(running.stats()).await.unwrap();
    let labels: Vec<_> = (1..).zip(releases()).filter(|(_, release)| release.is_at_least("2.4")).collect();
    let cluster = cluster.only(labels.iter().map(|(n, _)| n.to_string()));
    let file = running.dir().join("nets.map").display().to_string();
    let entries = (0..600).map(|n| if n == 500 { "nonsense".into() } else { format!("10.0.0.{}", n % 250) });
    let error = cluster.map(&*file).unwrap().replace(entries.map(|key| (key, "v"))).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Refused, "{error}");
    for outcome in error.outcomes::<Change>().unwrap() {
        let said = outcome.message().unwrap();
        assert_eq!(said, "refused: \"'nonsense' is not a valid IPv4 or IPv6 address.\"");
    }
    for (n, _) in labels {
        for (version, count) in [("", 1), ("@1 ", 0)] {
            let reply = ask(running.socket(n), &format!("show map {version}{file}")).await;
            let reply = String::from_utf8(reply).unwrap();
            assert_eq!(reply.matches("0x").count(), count, "{n}: {version}{reply}");
        }
    }
}

/// HAProxy 2.2 has no versions.
#[tokio::test]
async fn nothing_is_replaced_if_a_process_is_too_old() {
    let running = managed_cluster().await;
    let cluster = Cluster::from_dir(running.stats()).await.unwrap();
    let file = running.dir().join("hosts.map").display().to_string();
    let map = cluster.map(&*file).unwrap();
    let error = map.replace([("k", "v")]).await.unwrap_err();
    let outcomes = error.outcomes::<Change>().unwrap();
    let is_old = |release: &Release| !release.is_at_least("2.4");
    for (outcome, release) in outcomes.iter().zip(releases()) {
        assert_eq!(outcome.error().is_some(), is_old(&release));
        let said = outcome.message().unwrap();
        if is_old(&release) {
            assert_eq!(outcome.error().unwrap().kind(), ErrorKind::Unsupported);
            assert!(said.starts_with("needs HAProxy 2.4 or later"), "{said}");
        } else {
            assert_eq!(said, "the new version was discarded");
        }
    }
    let contents = map.show().await.unwrap();
    assert_eq!(contents.entries().unwrap().len(), 2);

    let outcomes = map.on(&cluster.allow_partial()).replace([("k", "v")]).await.unwrap();
    let expected: Vec<_> =
        releases().iter().map(|release| if is_old(release) { "failed" } else { "changed" }).collect();
    assert_eq!(words(&outcomes), expected);
}

#[tokio::test]
async fn a_map_that_no_process_has_is_not_found() {
    let site = Site::start().await;
    let cluster = site.cluster(RELAY).await;
    let error = cluster.map("nobody.map").unwrap().replace(NEW).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::NotFound);
    let error = cluster.acl("nobody.acl").unwrap().replace(["k"]).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::NotFound);
}

/// Up to 3.2 the level user is enough.
#[tokio::test]
async fn a_process_that_denies_the_change_keeps_all_others_from_it() {
    let site = Site::start().await;
    let cluster = site.cluster(&format!("user.{}.sock", known().len())).await;
    let map = cluster.map(site.file("paths.map")).unwrap();
    let error = map.replace(NEW).await.unwrap_err();
    let outcomes = error.outcomes::<Change>().unwrap();
    assert_eq!(words(outcomes), but_last("unchanged", "failed"));
    let denied = outcomes.failed().next().unwrap().error().unwrap();
    assert_eq!(denied.kind(), ErrorKind::PermissionDenied);
    assert_eq!(site.entries("map").await, all(old()));
    site.assert_nothing_is_left("map").await;
}

/// The marks of the steps before the commit.
const BEFORE: [&str; 3] = ["prepare map ", "add map @", "show map @"];

#[tokio::test]
async fn a_process_that_is_killed_before_the_commit_keeps_all_others_from_it() {
    for mark in BEFORE {
        let mut site = Site::start().await;
        let map = site.map().await;
        site.relay.mark([mark]);
        site.relay.hold(Moment::Marking);
        let call = tokio::spawn(async move { map.replace(NEW).await });
        site.relay.holds(1).await;
        site.running.kill(known().len());
        site.relay.release();
        let error = call.await.unwrap().unwrap_err();
        let outcomes = error.outcomes::<Change>().unwrap();
        assert_eq!(words(outcomes), but_last("unchanged", "failed"), "{mark}: {error}");
        let expected = all(old())[1..].to_vec();
        assert_eq!(site.entries("map").await, expected, "{mark}");
        site.assert_nothing_is_left("map").await;
    }
}

/// A lost answer before the commit is no unknown outcome: no request sees the new version.
#[tokio::test]
async fn a_connection_that_is_lost_before_the_commit_keeps_all_others_from_it() {
    for mark in BEFORE {
        let site = Site::start().await;
        let map = site.map().await;
        site.relay.mark([mark]);
        site.relay.hold(Moment::Marked);
        let call = tokio::spawn(async move { map.replace(NEW).await });
        site.relay.holds(1).await;
        site.relay.cut();
        let error = call.await.unwrap().unwrap_err();
        let outcomes = error.outcomes::<Change>().unwrap();
        assert_eq!(words(outcomes), but_last("unchanged", "failed"), "{mark}: {error}");
        let failed = outcomes.failed().next().unwrap().error().unwrap();
        assert_eq!(failed.kind(), ErrorKind::Closed, "{mark}: {failed}");
        assert_eq!(site.entries("map").await, all(old()), "{mark}");
        site.assert_nothing_is_left("map").await;
    }
}

#[tokio::test]
async fn a_process_that_hangs_keeps_all_others_from_the_commit() {
    let site = Site::start().await;
    let map = site.map().await;
    site.running.hang(known().len());
    let error = map.replace(NEW).await.unwrap_err();
    let outcomes = error.outcomes::<Change>().unwrap();
    assert_eq!(words(outcomes), but_last("unchanged", "failed"), "{error}");
    let failed = outcomes.failed().next().unwrap().error().unwrap();
    assert_eq!(failed.kind(), ErrorKind::Timeout, "{failed}");
    site.running.resume(known().len());
    assert_eq!(site.entries("map").await, all(old()));
    site.assert_nothing_is_left("map").await;
    assert_eq!(words(&map.replace(NEW).await.unwrap()), all("changed"));
    assert_eq!(site.entries("map").await, all(new()));
}

#[tokio::test]
async fn the_other_processes_commit_through_a_partial_view() {
    for mark in BEFORE {
        let site = Site::start().await;
        let cluster = site.cluster(RELAY).await.allow_partial();
        let map = cluster.map(site.file("paths.map")).unwrap();
        site.relay.mark([mark]);
        site.relay.hold(Moment::Marked);
        let call = tokio::spawn(async move { map.replace(NEW).await });
        site.relay.holds(1).await;
        site.relay.cut();
        let outcomes = call.await.unwrap().unwrap();
        assert_eq!(words(&outcomes), but_last("changed", "failed"), "{mark}");
        assert_eq!(site.entries("map").await, but_last(new(), old()), "{mark}");
        site.assert_nothing_is_left("map").await;
    }
}

/// The first process has its version when it is started anew; the last one is still busy.
#[tokio::test]
async fn a_process_that_is_started_anew_before_the_commit_keeps_all_others_from_it() {
    let mut site = Site::start().await;
    let first = site.running.dir().join("a.sock");
    let relay = Relay::new(&first, site.running.socket(1));
    let others = (2..known().len()).map(|n| site.running.socket(n));
    let sockets: Vec<PathBuf> =
        [first].into_iter().chain(others).chain([site.running.dir().join(RELAY)]).collect();
    let cluster = Cluster::from_addresses(sockets).await.unwrap();
    cluster.info().await.unwrap();
    let map = cluster.map(site.file("paths.map")).unwrap();
    let before = relay.ended();
    site.relay.mark(["show map @"]);
    site.relay.hold(Moment::Marking);
    let call = tokio::spawn(async move { map.replace(NEW).await });
    site.relay.holds(1).await;
    until("the first process is ready", async || (relay.ended() > before).then_some(())).await;
    site.running.kill(1);
    site.running.restart(1).await;
    site.relay.release();
    let error = call.await.unwrap().unwrap_err();
    let outcomes = error.outcomes::<Change>().unwrap();
    let mut expected = all("unchanged");
    expected[0] = "failed";
    assert_eq!(words(outcomes), expected, "{error}");
    let said = outcomes.failed().next().unwrap().message().unwrap();
    assert_eq!(said, "another process answers at the address by now");
    assert_eq!(site.entries("map").await, all(old()));
    site.assert_nothing_is_left("map").await;
}

#[tokio::test]
async fn a_commit_whose_answer_is_lost_is_looked_up() {
    let cases = [(Moment::Marked, "changed", new()), (Moment::Marking, "unknown", old())];
    for (moment, word, last) in cases {
        let site = Site::start().await;
        let map = site.map().await;
        site.relay.mark(["commit map @"]);
        site.relay.hold(moment);
        let result = map.replace(NEW).await;
        let outcomes = result.as_ref().unwrap_or_else(|error| error.outcomes::<Change>().unwrap());
        assert_eq!(words(outcomes), but_last("changed", word), "{moment:?}");
        assert_eq!(site.entries("map").await, but_last(new(), last));
    }
}

#[tokio::test]
async fn the_next_replacement_frees_a_version_that_was_left() {
    let site = Site::start().await;
    let map = site.map().await;
    site.relay.mark(["show map @"]);
    site.relay.hold(Moment::Marked);
    let own = map.clone();
    let call = tokio::spawn(async move { own.replace(NEW).await });
    site.relay.holds(1).await;
    call.abort();
    assert!(call.await.unwrap_err().is_cancelled());
    assert_eq!(site.entries("map").await, all(old()));
    site.relay.release();
    map.replace([("k", "v")]).await.unwrap();
    assert_eq!(site.entries("map").await, all(vec!["k v".to_owned()]));
    site.assert_nothing_is_left("map").await;
}

/// HAProxy 3.4 can only delete the entries of a version one by one, which would take it minutes.
#[tokio::test]
async fn a_big_version_that_is_left_is_told_and_freed_by_the_next_replacement() {
    let site = Site::start().await;
    let map = site.map().await;
    let many = (0..12_000).map(|n| (format!("/many/{n}"), "yes"));
    site.relay.mark(["show map @"]);
    site.relay.hold(Moment::Marked);
    let own = map.clone();
    let call = tokio::spawn(async move { own.replace(many).await });
    site.relay.holds(1).await;
    site.relay.cut();
    let error = call.await.unwrap().unwrap_err();
    let outcomes = error.outcomes::<Change>().unwrap();
    assert_eq!(words(outcomes), but_last("unchanged", "failed"), "{error}");
    let left: Vec<_> = outcomes.iter().map(|outcome| outcome.message().unwrap().contains(LEFT)).collect();
    let expected: Vec<_> = known().iter().map(|release| release.is_at_least("3.4")).collect();
    assert_eq!(left, expected, "{error}");
    assert_eq!(outcomes.failed().next().unwrap().error().unwrap().kind(), ErrorKind::Closed);
    assert_eq!(site.entries("map").await, all(old()));
    assert_eq!(words(&map.replace(NEW).await.unwrap()), all("changed"));
    assert_eq!(site.entries("map").await, all(new()));
    site.assert_nothing_is_left("map").await;
}

#[tokio::test]
async fn nothing_is_sent_of_what_cannot_be_an_entry() {
    let site = Site::start().await;
    let (map, acl) = (site.map().await, site.acl().await);
    let before = site.relay.sent();
    for text in ["", "a\nb", "a\rb", "a\0b", &"x".repeat(15_400)] {
        for outcomes in [
            map.replace([("fine", "v"), (text, "v")]).await,
            map.replace([("fine", "v"), ("k", text)]).await,
            acl.replace(["fine", text]).await,
        ] {
            assert_eq!(outcomes.unwrap_err().kind(), ErrorKind::InvalidInput, "{text:?}");
        }
    }
    assert_eq!(site.relay.sent(), before);
}
