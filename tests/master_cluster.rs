//! Clusters of the workers behind a master, without the stats sockets of the workers.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "in a test a panic is the failure message")]
#![allow(clippy::indexing_slicing, reason = "the same")]
#![allow(clippy::print_stdout, reason = "the figures are for people")]

use std::collections::HashSet;
use std::fs;
use std::ops::Deref;
use std::path::Path;
use std::sync::mpsc;
use std::time::Duration;

use haproxyadmin::global::{Counters, RateLimit};
use haproxyadmin::info::TextReport;
use haproxyadmin::map::Contents;
use haproxyadmin::master::Master;
use haproxyadmin::membership::{IgnoredReason, Required};
use haproxyadmin::server::{Health, NewServer, Removal};
use haproxyadmin::table::TableEntry;
use haproxyadmin::{
    Address, AdminState, Change, Cluster, Error, ErrorKind, Limits, Outcome, Outcomes, Result, Weight,
};
use tokio::io::AsyncWriteExt;
use tokio::net::UnixStream;
use tokio::sync::oneshot;
use tokio::task::block_in_place;

mod authority;
mod support;

use authority::Authority;
use support::{
    Config, MasterWorker, Moment, Relay, Release, Running, ask, is_alive, release, releases, until,
};

/// A master with one worker, and the cluster of the master's workers.
struct Site {
    pair: MasterWorker,
    cluster: Cluster,
}

/// More lines of the frontend `web`.
const FRONTEND: &str = r#"
    acl blocked src -f "${DIR}/blocked.acl"
    http-request deny if blocked
    http-request track-sc0 req.hdr(host) table seen
"#;

const SECTIONS: &str = "
backend seen
    stick-table type string len 64 size 50k expire 1m store gpc0,conn_cnt
";

impl Deref for Site {
    type Target = MasterWorker;

    fn deref(&self) -> &MasterWorker {
        &self.pair
    }
}

impl Site {
    async fn start(release: &Release) -> Self {
        let files = [("hosts.map", "a b\n"), ("blocked.acl", "")];
        let pair = MasterWorker::start_with(release, &files, FRONTEND, SECTIONS).await;
        let cluster = Cluster::builder().master(pair.master.clone()).build().await.unwrap();
        Self { pair, cluster }
    }

    async fn pid(&self) -> u64 {
        self.pair.pid().await.into()
    }

    /// Opens a connection to the frontend, which keeps its worker alive after a reload.
    async fn visitor(&self) -> UnixStream {
        let mut visitor = UnixStream::connect(self.running.traffic("web", 1)).await.unwrap();
        visitor.write_all(b"GET / HTTP/1.1\r\n").await.unwrap();
        visitor
    }

    async fn reload(&mut self) {
        self.pair.running.haproxies[0].reload().await;
        let master = Master::new(self.master.clone());
        until("the master answers", async || master.processes().await.ok()).await;
    }

    /// Returns the worker of each label that the cluster reads.
    async fn labels(&self) -> Vec<String> {
        let snapshot = self.cluster.snapshot().await.unwrap();
        snapshot.processes().iter().map(|process| process.label().to_string()).collect()
    }
}

/// Returns a word for each process, sorted by its label.
fn words(outcomes: &Outcomes<Change>) -> Vec<String> {
    let words = outcomes.iter().map(|outcome| format!("{} {}", outcome.label(), outcome.word()));
    let mut words: Vec<_> = words.collect();
    words.sort();
    words
}

/// Returns the outcome of a change: a word and HAProxy's message, or the error.
fn changed(result: Result<Outcomes<Change>>) -> String {
    let told = |outcome: &Outcome<Change>| {
        format!("{} {}", outcome.word(), outcome.message().unwrap_or_default()).trim_end().to_owned()
    };
    result.map_or_else(
        |error| failed(&error),
        |outcomes| outcomes.iter().map(told).collect::<Vec<_>>().join(", "),
    )
}

/// Returns the outcome of a query without its value.
fn answered<T>(result: Result<Outcomes<T>>) -> String {
    let told = |outcome: &Outcome<T>| if outcome.value().is_some() { "answered" } else { "absent" };
    result.map_or_else(
        |error| failed(&error),
        |outcomes| outcomes.iter().map(told).collect::<Vec<_>>().join(", "),
    )
}

fn failed(error: &Error) -> String {
    let text = error.to_string();
    format!("{:?} {}", error.kind(), text.rsplit_once(".sock: ").map_or(&*text, |(_, reason)| reason))
}

/// Runs calls, and adds their outcomes to the protocol.
macro_rules! told {
    ($protocol:ident, $($told:ident $call:expr;)*) => {$(
        let call = stringify!($call).split_whitespace().collect::<Vec<_>>().join(" ");
        $protocol.push(format!("{call}: {}", $told($call.await)));
    )*};
}

/// Runs one script of calls on a cluster of one process.
#[allow(clippy::too_many_lines, reason = "each line is a call")]
async fn protocol(cluster: &Cluster, dir: &str, [pem, ca, crl]: &[String; 3]) -> Vec<String> {
    let mut said = Vec::new();
    let web1 = cluster.server_ref("app", "web1").unwrap();
    let nope = cluster.server_ref("app", "nope").unwrap();
    let web = cluster.frontend_ref("web").unwrap();
    let app = cluster.backend_ref("app").unwrap();
    let map = cluster.map(format!("{dir}/hosts.map")).unwrap();
    let no_map = cluster.map("no.map").unwrap();
    let acl = cluster.acl(format!("{dir}/blocked.acl")).unwrap();
    let table = cluster.table("seen").unwrap();
    let certificate = cluster.certificate("extra.pem").unwrap();
    let ca_file = cluster.ca_file("extra-ca.pem").unwrap();
    let crl_file = cluster.crl_file("extra-crl.pem").unwrap();
    let weight = |number| Weight::absolute(number).unwrap();
    let server = NewServer::new("127.0.0.1:9".parse().unwrap());
    let removal = Removal::new().within(Duration::from_secs(5));
    told! { said,
        changed web1.set_weight(weight(7));
        changed nope.set_weight(weight(7));
        answered web1.fetch_weight();
        answered nope.fetch_weight();
        changed web1.set_state(AdminState::Drain);
        changed web1.set_state(AdminState::Maint);
        changed web1.set_state(AdminState::Ready);
        changed web1.disable();
        changed web1.enable();
        changed nope.enable();
        changed web1.set_address("127.0.0.1".parse().unwrap(), Some(9));
        changed web1.set_address("127.0.0.1".parse().unwrap(), Some(9));
        changed web1.set_address("::1".parse().unwrap(), None);
        changed web1.set_port(99);
        changed nope.set_port(99);
        changed web1.set_fqdn("localhost");
        changed web1.set_maxconn(5);
        changed web1.set_ssl(true);
        changed web1.set_health(Health::Down);
        changed web1.set_health(Health::Up);
        changed web1.enable_health();
        changed web1.disable_agent();
        changed web1.enable_agent();
        changed web1.set_check_port(77);
        changed web1.set_agent_port(77);
        changed web1.set_agent_send("x y;z");
        changed web1.shutdown_sessions();
        changed nope.shutdown_sessions();
        changed web.disable();
        changed web.disable();
        changed web.enable();
        changed web.enable();
        changed web.set_maxconn(50);
        changed cluster.frontend_ref("nope").unwrap().set_maxconn(50);
        changed map.add("c", "d;e \\ <<");
        changed map.set("a", "z");
        changed map.set("none", "z");
        answered map.get("c");
        answered map.get("none");
        changed map.delete("none");
        changed map.delete("a");
        changed map.add_all([("k1", "v"), ("k2", "v")]);
        changed map.delete_all(["k1", "k2"]);
        changed map.replace([("n1", "v"), ("n2", "w")]);
        changed map.sync([("n1", "v"), ("n3", "w")]);
        changed map.clear();
        changed no_map.add("c", "d");
        answered no_map.get("c");
        changed no_map.clear();
        changed acl.add("10.0.0.1");
        changed acl.add("no address");
        answered acl.get("10.0.0.1");
        changed acl.delete("10.0.0.1");
        changed acl.replace(["10.0.0.2"]);
        changed acl.clear();
        changed table.set("key 1", [("gpc0", 5)]);
        changed table.set("key 1", [("nope", 5)]);
        answered table.get("key 1");
        changed table.delete("key 1");
        changed table.delete("key 1");
        changed table.clear();
        changed cluster.table("nope").unwrap().clear();
        answered cluster.table("nope").unwrap().show();
        changed certificate.set(pem);
        changed certificate.create();
        changed certificate.create();
        changed certificate.set("no pem");
        changed certificate.set(pem);
        changed certificate.abort();
        changed certificate.abort();
        changed certificate.set(pem);
        changed certificate.commit();
        changed certificate.commit();
        changed certificate.replace(pem);
        changed certificate.delete();
        changed certificate.delete();
        changed ca_file.set(ca);
        changed ca_file.create();
        changed ca_file.set(ca);
        changed ca_file.abort();
        changed ca_file.set(ca);
        changed ca_file.commit();
        changed ca_file.replace(ca);
        changed ca_file.delete();
        changed crl_file.create();
        changed crl_file.set(crl);
        changed crl_file.set("no pem");
        changed crl_file.commit();
        changed crl_file.replace(crl);
        changed crl_file.delete();
        answered app.add_server("new", &server);
        answered app.add_server("new", &server);
        changed app.server_ref("new").unwrap().delete(&removal);
        changed app.server_ref("web1").unwrap().delete(&removal);
        changed nope.delete(&removal);
        changed app.shutdown_sessions();
        changed cluster.set_maxconn(100);
        changed cluster.set_rate_limit(RateLimit::Sessions, 9);
        changed cluster.clear_counters(Counters::All);
        answered cluster.show(TextReport::Threads);
        answered cluster.rings();
        answered cluster.peers();
        answered cluster.resolvers();
        answered cluster.sessions();
        answered cluster.certificates();
        answered cluster.tables();
        answered cluster.maps();
        answered cluster.acls();
        answered cluster.show_errors();
        changed web.shutdown();
        changed web.shutdown();
        changed web.enable();
    }
    said.iter().map(|line| line.replace(dir, "DIR")).collect()
}

/// Replaces digits, which differ from process to process.
fn without_numbers(line: &str) -> String {
    line.replace(|c: char| c.is_ascii_digit(), "N").replace("NN", "N").replace("NN", "N").replace("NN", "N")
}

/// Before 3.0 a master prints no severities, so the outcomes are told by their texts.
#[tokio::test]
async fn a_call_has_the_same_outcome_behind_a_master_as_on_a_stats_socket() {
    let authority = Authority::new("Test CA");
    let texts = [authority.issue(1).pem(), authority.pem(), authority.revoke(&[1])];
    for release in releases() {
        let mut protocols = Vec::new();
        for is_direct in [true, false] {
            let site = Site::start(&release).await;
            let direct = Cluster::from_dir(site.running.stats()).await.unwrap();
            let cluster = if is_direct { &direct } else { &site.cluster };
            let dir = site.running.dir().display().to_string();
            let said = protocol(cluster, &dir, &texts).await;
            protocols.push(said.iter().map(|line| without_numbers(line)).collect::<Vec<_>>());
        }
        let [direct, behind] = protocols.as_slice() else { unreachable!() };
        let different: Vec<_> =
            direct.iter().zip(behind).filter(|(direct, behind)| direct != behind).collect();
        assert!(different.is_empty(), "HAProxy {}: {different:#?}", release.version);
        assert_eq!(direct.len(), behind.len());
        println!("HAProxy {}: {} calls have the same outcome", release.version, direct.len());
    }
}

#[tokio::test]
async fn figures_are_those_of_the_worker() {
    for release in releases() {
        let site = Site::start(&release).await;
        site.running.send("web", 1, "/", 3).await;
        assert_eq!(site.labels().await, ["master"], "{release:?}");
        let direct = Cluster::from_dir(site.running.stats()).await.unwrap();
        let figures = async |cluster: &Cluster| {
            let (web, app) = (cluster.frontend("web").await.unwrap(), cluster.backend("app").await.unwrap());
            (web.requests().to_string(), app.servers()[0].requests().to_string())
        };
        assert_eq!(figures(&site.cluster).await, figures(&direct).await);
        assert_eq!(figures(&site.cluster).await.0, "3");
        let map = site.cluster.map(site.map()).unwrap();
        map.add("c", "d;e").await.unwrap();
        let entries = |contents: &Contents| {
            contents.entries().unwrap().map(|entry| entry.text().into_owned()).collect::<Vec<_>>()
        };
        let direct_map = direct.map(site.map()).unwrap();
        assert_eq!(entries(&map.show().await.unwrap()), entries(&direct_map.show().await.unwrap()));
        let members = site.cluster.members();
        let worker = format!("@1@{}", site.master.display()).parse::<Address>().unwrap();
        assert_eq!(members, std::slice::from_ref(&worker));
        assert_eq!(
            Cluster::from_addresses([worker]).await.unwrap().snapshot().await.unwrap().processes().len(),
            1
        );
    }
}

#[tokio::test]
async fn an_old_worker_is_a_member_until_it_ends() {
    for release in releases() {
        let mut site = Site::start(&release).await;
        let old = site.pid().await;
        assert_eq!(site.labels().await, ["master"]);
        let visitor = site.visitor().await;
        site.reload().await;
        let (new, old_label) = (site.pid().await, format!("master@!{old}"));
        assert_ne!(new, old);
        let snapshot = site.cluster.snapshot().await.unwrap();
        let mut found: Vec<_> = snapshot
            .processes()
            .iter()
            .map(|process| (process.label().to_string(), process.pid(), process.is_stopping()))
            .collect();
        found.sort();
        assert_eq!(
            found,
            [("master".to_owned(), Some(new), false), (old_label.clone(), Some(old), true)],
            "{release:?}"
        );

        // It runs no proxy any more, and a map still changes the requests of its connections.
        let server = site.cluster.server_ref("app", "web1").unwrap();
        let outcomes = server.set_weight(Weight::absolute(9).unwrap()).await.unwrap();
        assert_eq!(words(&outcomes), ["master changed", &format!("{old_label} absent")]);
        let web = site.cluster.frontend_ref("web").unwrap();
        assert_eq!(words(&web.disable().await.unwrap()), ["master changed", &format!("{old_label} absent")]);
        assert_eq!(words(&web.enable().await.unwrap()), ["master changed", &format!("{old_label} absent")]);
        let map = site.cluster.map(site.map()).unwrap();
        assert_eq!(
            words(&map.add("c", "d").await.unwrap()),
            ["master changed", &format!("{old_label} changed")]
        );
        // Its figures count, from 2.6 on.
        let web = site.cluster.frontend("web").await.unwrap();
        let mut processes = web.processes();
        processes.sort_unstable();
        let expected = if release.is_at_least("2.6") { vec!["master", &*old_label] } else { vec!["master"] };
        assert_eq!(processes, expected);
        let only_old = site.cluster.only([old_label.as_str()]);
        assert_eq!(answered(map.on(&only_old).get("c").await), "answered");

        drop(visitor);
        let old_pid = u32::try_from(old).unwrap();
        until("the old worker has ended", async || (!is_alive(old_pid)).then_some(())).await;
        assert_eq!(words(&map.add("e", "f").await.unwrap()), ["master changed"]);
        assert_eq!(site.labels().await, ["master"]);
        assert_eq!(site.cluster.members().len(), 1);
    }
}

/// Reads without a pause between them, each of which connects to the old worker.
#[tokio::test]
async fn reads_do_not_keep_an_old_worker_alive() {
    for release in releases() {
        let mut site = Site::start(&release).await;
        let old = u32::try_from(site.pid().await).unwrap();
        let visitor = site.visitor().await;
        site.reload().await;
        let reading: Vec<_> = (0..6)
            .map(|_| {
                let cluster = site.cluster.allow_partial();
                tokio::spawn(async move {
                    loop {
                        let _ = cluster.snapshot().await;
                    }
                })
            })
            .collect();
        tokio::time::sleep(Duration::from_millis(300)).await;
        assert!(is_alive(old));
        drop(visitor);
        until("the old worker has ended", async || (!is_alive(old)).then_some(())).await;
        for task in reading {
            task.abort();
        }
    }
}

#[tokio::test]
async fn a_failed_reload_leaves_the_worker_in_its_place() {
    for release in releases() {
        let site = Site::start(&release).await;
        let path = site.running.dir().join("pair.cfg");
        let config = fs::read_to_string(&path).unwrap();
        fs::write(&path, format!("{config}\nnonsense\n")).unwrap();
        let master = Master::new(site.master.clone());
        let error = master.reload().await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Refused, "{error}");
        assert_eq!(site.labels().await, ["master"], "{release:?}");
        let server = site.cluster.server_ref("app", "web1").unwrap();
        assert_eq!(words(&server.disable().await.unwrap()), ["master changed"]);
    }
}

#[tokio::test]
async fn a_hung_old_worker_does_not_delay_the_worker_that_serves() {
    for release in releases() {
        let mut site = Site::start(&release).await;
        let old = site.pid().await;
        let _visitor = site.visitor().await;
        site.reload().await;
        let limits = Limits::new().with_command_timeout(Duration::from_millis(700));
        let cluster = Cluster::builder().master(site.master.clone()).limits(limits).build().await.unwrap();
        assert_eq!(cluster.snapshot().await.unwrap().processes().len(), 2);
        signal(old, "-STOP");
        for _ in 0..12 {
            let snapshot = cluster.allow_partial().snapshot().await.unwrap();
            let failed: Vec<_> = snapshot.failed().map(|process| process.label().to_string()).collect();
            assert_eq!(failed, [format!("master@!{old}")], "{release:?}");
        }
        // Other clients still reach the master.
        let lists = (0..2).map(|_| Master::new(site.master.clone()));
        for master in lists {
            assert!(master.processes().await.is_ok());
        }
        signal(old, "-CONT");
        until("the old worker answers again", async || cluster.snapshot().await.ok()).await;
    }
}

fn signal(pid: u64, signal: &str) {
    let status = std::process::Command::new("kill").args([signal, &pid.to_string()]).status().unwrap();
    assert!(status.success());
}

#[tokio::test]
async fn a_worker_with_a_stats_socket_is_one_process() {
    for release in releases() {
        let site = Site::start(&release).await;
        let both =
            Cluster::builder().master(site.master.clone()).dir(site.running.stats()).build().await.unwrap();
        let snapshot = both.snapshot().await.unwrap();
        let labels: Vec<_> = snapshot.processes().iter().map(|process| process.label().to_string()).collect();
        assert_eq!(labels, ["worker"], "{release:?}");
        let ignored = both.ignored();
        let reasons: Vec<_> = ignored.iter().map(|ignored| &ignored.reason).collect();
        let of = Address::from(site.running.socket(1));
        assert!(reasons.contains(&&IgnoredReason::Duplicate { of }), "{reasons:?}");
        let map = both.map(site.map()).unwrap();
        assert_eq!(words(&map.add("x", "y").await.unwrap()), ["worker changed"]);
        let contents = map.show().await.unwrap();
        assert_eq!(contents.entries().unwrap().filter(|entry| entry.is("x", "y")).count(), 1);
    }
}

#[tokio::test]
async fn a_master_that_does_not_answer_is_told() {
    let site = Site::start(&release("3.4")).await;
    let limits = Limits::new().with_command_timeout(Duration::from_millis(600));
    let gone = site.running.dir().join("gone.sock");
    let cluster = Cluster::builder().master(gone.clone()).limits(limits).build().await.unwrap();
    let snapshot = cluster.allow_partial().snapshot().await.unwrap();
    let missing: Vec<_> = snapshot.missing().map(|missing| missing.required().clone()).collect();
    assert_eq!(missing, [Required::Master(gone.display().to_string().into())]);
    assert_eq!(cluster.snapshot().await.unwrap_err().kind(), ErrorKind::Incomplete);
    let error = cluster.server_ref("app", "web1").unwrap().disable().await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Incomplete, "{error}");

    // The stats socket of a worker is no master.
    let wrong = Cluster::builder().master(site.running.socket(1)).limits(limits).build().await.unwrap();
    let error = wrong.snapshot().await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Incomplete, "{error}");
    assert!(error.to_string().contains("`show proc`: unknown to this release"), "{error}");
    let expecting = Cluster::builder().master(site.master.clone()).expect(["master"]).expect_at_least(1);
    assert!(expecting.build().await.unwrap().snapshot().await.is_ok());
}

const ENTRIES: usize = 20_000;

/// Makes so many entries of the stick table that its dump fills every buffer on its way.
async fn fill_table(socket: &Path) {
    for start in (0..ENTRIES).step_by(100) {
        let set = |key: usize| format!("set table seen key {key:060} data.gpc0 1");
        let lines: Vec<_> = (start..start + 100).map(set).collect();
        ask(socket, &lines.join(";")).await;
    }
}

/// Reads the stick table, and returns the keys that were handed on.
async fn visited(cluster: Cluster, mut visit: impl FnMut() + Send) -> (Vec<String>, Result<Outcomes<u64>>) {
    let mut keys = Vec::new();
    let own = |_: &str, entry: TableEntry<'_>| {
        keys.push(entry.key_text().into_owned());
        visit();
    };
    let outcomes = cluster.table("seen").unwrap().for_each(&[], own).await;
    (keys, outcomes)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_dump_that_a_reload_cuts_hands_no_entry_on_twice() {
    for release in [release("2.6"), release("3.4")] {
        let mut site = Site::start(&release).await;
        fill_table(&site.running.socket(1)).await;
        let (first, started) = oneshot::channel();
        let (reloaded, reload) = mpsc::channel();
        let mut first = Some(first);
        // The first entry is held until the master has reloaded.
        let visit = move || {
            if let Some(first) = first.take() {
                first.send(()).unwrap();
                block_in_place(|| reload.recv_timeout(Duration::from_secs(30))).unwrap();
            }
        };
        let limits = Limits::new().with_command_timeout(Duration::from_secs(60));
        let visiting = tokio::spawn(visited(site.cluster.with_limits(limits), visit));
        started.await.unwrap();
        site.reload().await;
        reloaded.send(()).unwrap();
        let (keys, outcomes) = visiting.await.unwrap();
        let error = outcomes.unwrap_err();
        let said = format!(
            ": the dump ended early, after entry {}; all entries up to it were handed on: ",
            keys.len()
        );
        assert!(error.to_string().contains(&said), "{release:?}: {error}");
        let is_cut = [ErrorKind::Truncated, ErrorKind::Closed, ErrorKind::Io].contains(&error.kind());
        assert!(is_cut, "{release:?}: {error}");
        assert!((1..ENTRIES).contains(&keys.len()), "{release:?}: {} entries", keys.len());
        assert_eq!(keys.iter().collect::<HashSet<_>>().len(), keys.len());
        println!("HAProxy {}: {} entries, and {error}", release.version, keys.len());
    }
}

#[tokio::test]
async fn a_dump_is_sent_again_if_a_reload_cuts_it_before_its_first_entry() {
    for release in [release("2.6"), release("3.4")] {
        let mut site = Site::start(&release).await;
        let path = site.running.dir().join("relay.sock");
        let relay = Relay::new(&path, &site.master);
        let cluster = Cluster::builder().master(path).build().await.unwrap();
        cluster.snapshot().await.unwrap();
        relay.mark(["show table seen"]);
        relay.hold(Moment::Marking);
        let visiting = tokio::spawn(visited(cluster, || ()));
        relay.holds(1).await;
        site.reload().await;
        // The new worker has an entry that the old one has not.
        ask(site.running.socket(1), "set table seen key new data.gpc0 1").await;
        relay.release();
        let (keys, outcomes) = visiting.await.unwrap();
        let counts: Vec<_> = outcomes.unwrap().values().map(|(_, count)| *count).collect();
        assert_eq!((keys, counts), (vec!["new".to_owned()], vec![1]), "{release:?}");
        assert!(relay.sent().matches("show table seen").count() >= 2, "{release:?}");
    }
}

const NBPROC: &str = r#"
global
    nbproc 2
    stats socket "unix@${DIR}/stats/worker.sock" mode 600 level admin process 1
backend app
    server web1 "${SERVER_1}"
"#;

#[tokio::test]
async fn several_workers_of_nbproc_are_members() {
    let mut running = Running::new();
    running.add_servers(1).await;
    let config = running.fill(Config::new(NBPROC));
    let master = running.add_master(&release("2.2"), "pair", &config).await;
    let cluster = Cluster::builder().master(master).build().await.unwrap();
    let snapshot = cluster.snapshot().await.unwrap();
    let labels: Vec<_> = snapshot.processes().iter().map(|process| process.label().to_string()).collect();
    assert_eq!(labels, ["1", "2"]);
    let server = cluster.server_ref("app", "web1").unwrap();
    assert_eq!(words(&server.disable().await.unwrap()), ["1 changed", "2 changed"]);
}
