//! Synchronization of maps and ACLs on real HAProxy of every release: each process ends with exactly
//! the wanted entries, whatever it held before. The tests check it on each process' own socket.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "in a test a panic is the failure message")]
#![allow(clippy::indexing_slicing, reason = "the same")]
#![allow(clippy::print_stdout, reason = "the figures are for people")]

use std::fs;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use haproxyadmin::map::Plan;
use haproxyadmin::{Acl, Change, Cluster, Error, ErrorKind, Limits, Map, Outcome, Outcomes};

mod support;

use support::{Config, Running, ask, http_get, managed_cluster, releases};

struct Site {
    running: Running,
    cluster: Cluster,
}

fn words(outcomes: &Outcomes<Change>) -> Vec<&str> {
    outcomes.iter().map(Outcome::word).collect()
}

fn all<T: Clone>(value: T) -> Vec<T> {
    vec![value; releases().len()]
}

/// Entries of hosts for processes with many of them.
fn hosts(numbers: impl IntoIterator<Item = usize>) -> Vec<(String, String)> {
    numbers.into_iter().map(|n| (format!("h{n}.example"), format!("app {n}"))).collect()
}

fn lines(entries: &[(String, String)]) -> Vec<String> {
    entries.iter().map(|(key, value)| format!("{key} {value}")).collect()
}

impl Site {
    async fn start() -> Self {
        let running = managed_cluster().await;
        let cluster = Cluster::from_dir(running.stats()).await.unwrap();
        Self { running, cluster }
    }

    fn file(&self, name: &str) -> String {
        self.running.dir().join(name).display().to_string()
    }

    fn map(&self) -> Map {
        self.cluster.map(self.file("hosts.map")).unwrap()
    }

    fn acl(&self) -> Acl {
        self.cluster.acl(self.file("paths.acl")).unwrap()
    }

    /// Returns the processes that know versions.
    fn new_ones(&self) -> Cluster {
        let known = (1..).zip(releases()).filter(|(_, release)| release.is_at_least("2.4"));
        self.cluster.only(known.map(|(n, _)| n.to_string()))
    }

    async fn tell(&self, n: usize, command: &str) {
        let reply = ask(self.running.socket(n), command).await;
        assert_eq!(String::from_utf8(reply).unwrap().trim(), "", "{command}");
    }

    /// Returns the entries of each process.
    async fn held(&self, kind: &str, name: &str) -> Vec<Vec<String>> {
        let mut held = Vec::new();
        for n in 1..=releases().len() {
            let reply = ask(self.running.socket(n), &format!("show {kind} {}", self.file(name))).await;
            let reply = String::from_utf8(reply).unwrap();
            let lines = reply.lines().filter(|line| !line.is_empty());
            held.push(lines.map(|line| line.split_once(' ').unwrap().1.to_owned()).collect());
        }
        held
    }
}

#[tokio::test]
async fn processes_that_hold_different_entries_end_with_the_same_ones() {
    let site = Site::start().await;
    let map = site.map();
    let before = hosts(0..20);
    map.clear().await.unwrap();
    map.add_all(before.iter().map(|(key, value)| (key, value))).await.unwrap();
    map.add("one.example", "old").await.unwrap();
    let file = site.file("hosts.map");
    site.tell(1, &format!("del map {file} h3.example")).await;
    site.tell(2, &format!("add map {file} h4.example twice")).await;
    site.tell(2, &format!("add map {file} h19.example app\\ 19")).await;
    site.tell(3, &format!("set map {file} one.example other")).await;
    if releases()[3].is_at_least("2.6") {
        site.tell(4, &format!("add map {file} odd a\\\n> b")).await;
    }

    let mut wanted = hosts(0..20);
    wanted.extend([("one.example".into(), "new".into()), ("z.example".into(), "last".into())]);
    let pairs = || wanted.iter().map(|(key, value)| (key, value));
    let plans = map.plan(pairs()).await.unwrap();
    assert!(plans.values().all(|(_, plan)| !plan.is_empty() && !plan.is_replacement));
    let second: &Plan = plans.values().nth(1).unwrap().1;
    assert_eq!(
        second.to_string(),
        "1 to add, 1 to change, 2 to delete, 20 to keep\n- h4.example twice\n- h19.example app 19\n\
         ~ one.example old -> new\n+ z.example last"
    );
    assert_eq!(words(&map.sync(pairs()).await.unwrap()), all("changed"));
    assert_eq!(site.held("map", "hosts.map").await, all(lines(&wanted)));

    let plans = map.plan(pairs()).await.unwrap();
    assert!(plans.values().all(|(_, plan)| plan.is_empty() && plan.kept == 22));
    let outcomes = map.sync(pairs()).await.unwrap();
    assert_eq!(words(&outcomes), all("unchanged"));
    assert!(outcomes.iter().all(|outcome| outcome.message().as_deref() == Some("no difference")));
}

#[tokio::test]
async fn a_plan_changes_nothing() {
    let site = Site::start().await;
    let before = site.held("map", "hosts.map").await;
    let plans = site.map().plan([("b.example", "two"), ("c.example", "3")]).await.unwrap();
    for (_, plan) in plans.values() {
        assert_eq!((plan.len(), plan.kept), (2, 1));
        assert_eq!((&*plan.delete[0], &*plan.add[0]), ("a.example one", "c.example 3"));
    }
    assert_eq!(site.held("map", "hosts.map").await, before);
}

/// With HAProxy 2.2 in the cluster, the changes are made one by one; without it, all entries are
/// replaced.
#[tokio::test]
async fn many_changes_are_a_replacement_if_every_process_can_do_it() {
    let site = Site::start().await;
    let wanted = [("x.example", "1"), ("a.example", "one"), ("x.example", "2")];
    let expected = ["x.example 1", "a.example one", "x.example 2"].map(String::from).to_vec();
    let new_ones = site.map().on(&site.new_ones());
    assert!(new_ones.plan(wanted).await.unwrap().values().all(|(_, plan)| plan.is_replacement));
    let outcomes = new_ones.sync(wanted).await.unwrap();
    assert!(outcomes.command().starts_with("prepare map"), "{}", outcomes.command());
    let held = site.held("map", "hosts.map").await;
    assert_eq!((held[0].len(), &held[1..]), (2, &all(expected.clone())[1..]));

    let mut mixed = vec!["unchanged"; releases().len()];
    mixed[0] = "changed";
    assert_eq!(words(&site.map().sync(wanted).await.unwrap()), mixed);
    assert_eq!(site.held("map", "hosts.map").await, all(expected));
    let none: [(&str, &str); 0] = [];
    assert_eq!(words(&site.map().sync(none).await.unwrap()), all("changed"));
    assert_eq!(site.held("map", "hosts.map").await, all(Vec::<String>::new()));
}

#[tokio::test]
async fn the_order_of_patterns_and_their_number_are_kept() {
    let site = Site::start().await;
    let acl = site.acl();
    let many: Vec<_> = (0..10).map(|n| format!("/p{n}")).collect();
    assert_eq!(words(&acl.sync(&many).await.unwrap()), all("changed"));
    assert_eq!(site.held("acl", "paths.acl").await, all(many.clone()));
    for patterns in [
        [&many[..9], &["/p8".into(), "/p9".into(), "/p9".into(), "/a b;c".into()]].concat(),
        many.clone(),
        [&many[..8], &["/p9".into(), "/p8".into()]].concat(),
    ] {
        acl.sync(&patterns).await.unwrap();
        assert_eq!(site.held("acl", "paths.acl").await, all(patterns));
    }
}

#[tokio::test]
async fn nothing_is_sent_if_a_process_cannot_be_read() {
    let site = Site::start().await;
    let limits = Limits::new().with_idle_timeout(Duration::from_millis(400));
    let map = site.map().on(&site.cluster.with_limits(limits));
    let before = site.held("map", "hosts.map").await;
    map.show().await.unwrap();
    let last = releases().len();
    site.running.hang(last);
    let error = map.sync([("k", "v")]).await.unwrap_err();
    let outcomes = error.outcomes::<Change>().unwrap();
    let mut expected = all("unchanged");
    expected[last - 1] = "failed";
    assert_eq!(words(outcomes), expected);
    let said = outcomes.iter().next().unwrap().message().unwrap();
    assert_eq!(said, "nothing was sent, because another process failed");
    site.running.resume(last);
    assert_eq!(site.held("map", "hosts.map").await, before);
}

#[tokio::test]
async fn a_process_that_refuses_an_entry_keeps_what_it_held() {
    let site = Site::start().await;
    let map = site.cluster.map(site.file("nets.map")).unwrap();
    let many: Vec<_> = (0..20).map(|n| (format!("10.0.0.{n}"), "secret".to_owned())).collect();
    map.sync(many.iter().map(|(key, value)| (key, value))).await.unwrap();
    let wanted = many.iter().map(|(key, value)| (&**key, &**value)).chain([("nonsense", "v")]);
    let refused = |error: &Error| {
        assert!(!error.to_string().contains("secret"), "{error}");
        let errors =
            error.outcomes::<Change>().unwrap().iter().map(|outcome| outcome.error().unwrap().kind());
        errors.collect::<Vec<_>>()
    };
    let error = map.sync(wanted).await.unwrap_err();
    assert_eq!(refused(&error), all(ErrorKind::Refused), "{error}");
    assert_eq!(site.held("map", "nets.map").await, all(lines(&many)));
    // HAProxy executes the commands behind the refused one, each time.
    for _ in 0..2 {
        let wanted = ["10.1.0.1", "nonsense", "10.1.0.2"].map(|key| (key, "secret"));
        let error = map.sync(wanted).await.unwrap_err();
        assert_eq!(refused(&error), all(ErrorKind::Refused), "{error}");
        assert_eq!(site.held("map", "nets.map").await, all(lines(&many)));
    }
}

/// `set map` has a longer line than `add map`, because a reference is longer than the key.
#[tokio::test]
async fn a_value_that_no_command_can_set_is_added_anew() {
    let site = Site::start().await;
    let line = format!("set severity-output number;add map {} a.example ", site.file("hosts.map"));
    let longest = 15_359 - line.len();
    let wanted = [("a.example".to_owned(), "x".repeat(longest)), ("new.example".to_owned(), "v".to_owned())];
    for cluster in [site.cluster.clone(), site.cluster.only(["1"])] {
        let map = site.map().on(&cluster);
        map.sync([("a.example", "one"), ("b.example", "two")]).await.unwrap();
        map.sync(wanted.iter().map(|(key, value)| (key, value))).await.unwrap();
    }
    assert_eq!(site.held("map", "hosts.map").await, all(lines(&wanted)));
}

#[tokio::test]
async fn a_map_that_no_process_has_is_not_found() {
    let site = Site::start().await;
    let map = site.cluster.map("nobody.map").unwrap();
    assert_eq!(map.sync([("k", "v")]).await.unwrap_err().kind(), ErrorKind::NotFound);
    assert_eq!(map.plan([("k", "v")]).await.unwrap_err().kind(), ErrorKind::NotFound);
}

#[tokio::test]
async fn nothing_is_sent_of_what_cannot_be_an_entry() {
    let site = Site::start().await;
    let before = site.held("map", "hosts.map").await;
    for text in ["", "a\nb", "a\rb", "a\0b", &"x".repeat(15_400)] {
        let error = site.map().sync([("a.example", "one"), ("k", text)]).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidInput, "{text:?}");
        let error = site.acl().sync([text]).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidInput, "{text:?}");
    }
    assert_eq!(site.held("map", "hosts.map").await, before);
}

/// A request is answered with 200 if `/both` is in the map and in the ACL, and with 403 otherwise.
const BIG_CONFIG: &str = r#"
global
    nbproc 2  # until 2.2
    nbthread 1  # since 2.6
    maxconn 200
    stats socket "unix@${DIR}/stats/${N}.sock" mode 600 level admin process 1  # until 2.2
    stats socket "unix@${DIR}/stats/2.sock" mode 600 level admin process 2  # until 2.2
    stats socket "unix@${DIR}/stats/${N}.sock" mode 600 level admin  # since 2.6

defaults
    mode http
    timeout connect 1s
    timeout client 30s
    timeout server 30s

frontend web
    bind "unix@${DIR}/traffic/web.${N}" process 1  # until 2.2
    bind "unix@${DIR}/traffic/web.2" process 2  # until 2.2
    bind "unix@${DIR}/traffic/web.${N}"  # since 2.6
    http-request deny unless { path,map("${DIR}/big.map",no) -m str yes }
    http-request deny unless { path -f "${DIR}/big.acl" }
    http-request return status 200
"#;

const BIG: usize = 100_000;

type Pairs = Vec<(String, String)>;

/// Changes 1 % of the entries: half of these get another value, a quarter is deleted, and as many
/// are added at the end. `/both` stays.
fn vary(entries: &mut Pairs) {
    for (at, (_, value)) in entries.iter_mut().enumerate() {
        if at % 200 == 0 {
            *value = format!("changed-{at}");
        }
    }
    let mut at = 0;
    entries.retain(|_| {
        at += 1;
        at % 400 != 100
    });
    entries.extend((0..BIG / 400).map(|n| (format!("/new/{n}"), "v".to_owned())));
}

async fn start_big(entries: &Pairs) -> Site {
    let mut running = Running::new();
    let map: String = entries.iter().flat_map(|(key, value)| [key, " ", value, "\n"]).collect();
    let acl: String = entries.iter().flat_map(|(key, _)| [key, "\n"]).collect();
    fs::write(running.dir().join("big.map"), map).unwrap();
    fs::write(running.dir().join("big.acl"), acl).unwrap();
    let config = running.fill(Config::new(BIG_CONFIG));
    for release in releases() {
        let n = running.processes() + 1;
        running.add(&release, &format!("process{n}"), &config.clone().set("N", n)).await;
    }
    // HAProxy 2.2 takes milliseconds for each change, and more of them on a busy machine.
    let long = Duration::from_secs(120);
    let limits = Limits::new().with_command_timeout(long).with_idle_timeout(long);
    let cluster = Cluster::from_dir(running.stats()).await.unwrap().with_limits(limits);
    Site { running, cluster }
}

/// Sends requests until it is over, and returns their number. Panics if an entry that always stays
/// is not found.
fn read_always(site: &Site, n: usize, is_over: &Arc<AtomicBool>) -> tokio::task::JoinHandle<usize> {
    let (socket, is_over) = (site.running.traffic("web", n), Arc::clone(is_over));
    tokio::spawn(async move {
        let mut seen = 0;
        while !is_over.load(Ordering::SeqCst) {
            assert_eq!(http_get(socket.clone(), "/both").await, 200, "process {n}");
            seen += 1;
        }
        seen
    })
}

/// Each process makes a thousand changes, and no request fails meanwhile: a process of each release,
/// and two processes of HAProxy 2.2 with `nbproc`.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_hundred_thousand_entries_are_synchronized_under_requests() {
    let mut entries: Pairs = (0..BIG).map(|n| (format!("/key/{n}"), format!("value-{n}"))).collect();
    entries[BIG / 2 + 3] = ("/both".into(), "yes".into());
    let site = start_big(&entries).await;
    let map = site.cluster.map(site.file("big.map")).unwrap();
    let acl = site.cluster.acl(site.file("big.acl")).unwrap();
    let is_over = Arc::new(AtomicBool::new(false));
    let readers: Vec<_> = (1..=site.running.processes()).map(|n| read_always(&site, n, &is_over)).collect();
    vary(&mut entries);
    let pairs = || entries.iter().map(|(key, value)| (key, value));
    let patterns = || entries.iter().map(|(key, _)| key);
    for process in site.cluster.snapshot().await.unwrap().processes() {
        let own = site.cluster.only([process]);
        let start = Instant::now();
        let outcomes = map.on(&own).sync(pairs()).await.unwrap();
        let for_map = start.elapsed();
        let said = outcomes.iter().next().unwrap().message().unwrap();
        assert_eq!(said, "250 added, 500 changed, 250 deleted");
        let start = Instant::now();
        let outcomes = acl.on(&own).sync(patterns()).await.unwrap();
        let for_acl = start.elapsed();
        let said = outcomes.iter().next().unwrap().message().unwrap();
        assert_eq!(said, "250 added, 0 changed, 250 deleted");
        println!("{}: map {for_map:?}, ACL {for_acl:?}", process.version().unwrap());
    }
    let processes = site.running.processes();
    assert_eq!(words(&map.sync(pairs()).await.unwrap()), vec!["unchanged"; processes]);
    assert_eq!(words(&acl.sync(patterns()).await.unwrap()), vec!["unchanged"; processes]);
    is_over.store(true, Ordering::SeqCst);
    for reader in readers {
        assert!(reader.await.unwrap() > 0);
    }
    let contents = (map.show().await.unwrap(), acl.show().await.unwrap());
    let held = contents.0.entries().unwrap().zip(contents.1.entries().unwrap());
    assert_eq!(held.len(), BIG);
    assert!(
        held.zip(&entries)
            .all(|((pair, pattern), (key, value))| pair.is(key, value) && pattern.text() == **key)
    );
}
