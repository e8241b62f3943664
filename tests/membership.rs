//! Members of a cluster: which ones there are, their labels, and the members that are missing.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "in a test a panic is the failure message")]
#![allow(clippy::indexing_slicing, reason = "the same")]

use std::collections::BTreeSet;
use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant, SystemTime};

use futures::future::join_all;
use haproxyadmin::membership::{IgnoredReason, Required};
use haproxyadmin::{Address, Cluster, ErrorKind, Limits, Snapshot, fake};

mod support;

use support::{Config, Running, Stranger, ancestor_cluster, release, releases};

const INSTANCE: &str = r#"
backend app
    server web1 "${SERVER_1}"
"#;

/// One instance of each of some releases.
async fn instances(versions: &[&str]) -> Running {
    let mut running = Running::new();
    running.add_servers(1).await;
    let config = running.fill(Config::web(INSTANCE));
    for (n, version) in (1..).zip(versions) {
        running.add(&release(version), &format!("process{n}"), &config.clone().set("N", n)).await;
    }
    running
}

fn brief() -> Limits {
    let part = Duration::from_millis(600);
    Limits::new()
        .with_connect_timeout(part)
        .with_idle_timeout(part)
        .with_command_timeout(Duration::from_millis(1500))
}

fn labels(snapshot: &Snapshot) -> Vec<&str> {
    snapshot.processes().iter().map(|process| &**process.label()).collect()
}

fn answered(snapshot: &Snapshot) -> BTreeSet<&str> {
    let answered = snapshot.processes().iter().filter(|process| process.failure().is_none());
    answered.map(|process| &**process.label()).collect()
}

async fn fakes(dir: &Path, count: u32, make: impl Fn(u32) -> fake::Process) -> Vec<fake::Running> {
    join_all((0..count).map(|n| {
        let path: PathBuf = dir.join(format!("{n:03}.sock"));
        let process = make(n);
        async move { process.serve(path).await.unwrap() }
    }))
    .await
}

/// The process with the relative number 1 has the socket `3.sock`, so that its label
/// as the only one of its kind would be another one's end of the address.
#[tokio::test]
async fn a_label_stays_whatever_happens_to_the_other_members() {
    let dir = tempfile::tempdir().unwrap();
    let process = |number| fake::Process::new("2.2.9").nbproc(2).number(number).pid(100 + number);
    let two = process(2).serve(dir.path().join("1")).await.unwrap();
    let one = process(1).serve(dir.path().join("2")).await.unwrap();
    let other = fake::Process::new("3.0.1").serve(dir.path().join("3")).await.unwrap();
    let cluster = Cluster::builder().dir(dir.path()).limits(brief()).build().await.unwrap().allow_partial();
    let snapshot = cluster.snapshot().await.unwrap();
    assert_eq!(labels(&snapshot), ["1", "2", "3"]);
    let address_of = |snapshot: &Snapshot, label| snapshot.process(label).unwrap().address().clone();
    assert_eq!(address_of(&snapshot, "1"), *two.address());

    other.kill().await;
    let snapshot = cluster.snapshot().await.unwrap();
    assert_eq!(answered(&snapshot), BTreeSet::from(["1", "2"]));
    assert_eq!(address_of(&snapshot, "1"), *two.address(), "`1` is another process now");
    let chosen = cluster.only(["1"]).snapshot().await.unwrap();
    assert_eq!(chosen.processes()[0].pid(), Some(102));
    one.kill().await;
    let chosen = cluster.only(["1"]).snapshot().await.unwrap();
    assert_eq!(chosen.processes()[0].pid(), Some(102));
    // A new socket gets none of the labels that others have, or had.
    cluster.rediscover().await.unwrap();
    fs::create_dir(dir.path().join("more")).unwrap();
    let snapshot = cluster.snapshot().await.unwrap();
    assert_eq!(address_of(&snapshot, "1"), *two.address());
}

#[tokio::test]
async fn a_label_is_found_with_the_sock_of_its_address_too() {
    let dir = tempfile::tempdir().unwrap();
    let socket = |name: &str| dir.path().join(name);
    let _running =
        join_all([(1, "1.sock"), (2, "2.sock"), (3, "3.sock"), (4, "3"), (5, "5")].map(|(n, name)| {
            let path = socket(name);
            async move { fake::Process::new("3.0.1").pid(n).serve(path).await.unwrap() }
        }))
        .await;
    let builder = Cluster::builder().dir(dir.path()).label(socket("2.sock"), "1.sock");
    let cluster = builder.build().await.unwrap();
    let whole = socket("3").display().to_string();
    assert_eq!(labels(&cluster.snapshot().await.unwrap()), ["1", "1.sock", &whole, "3.sock", "5"]);
    let pid =
        async |text: &str| cluster.only([text]).snapshot().await.map(|chosen| chosen.processes()[0].pid());
    assert_eq!(pid("1").await.unwrap(), Some(1));
    // A label takes precedence.
    assert_eq!(pid("1.sock").await.unwrap(), Some(2));
    assert_eq!(pid("3.sock").await.unwrap(), Some(3));
    assert_eq!(pid(&whole).await.unwrap(), Some(4));
    for text in ["3", "2.sock", "5.sock", "1.sock.sock", ".sock", ""] {
        assert_eq!(pid(text).await.unwrap_err().kind(), ErrorKind::NotFound, "{text:?}");
    }
}

#[tokio::test]
async fn a_process_that_joins_later_leaves_labels_and_views_alone() {
    let dir = tempfile::tempdir().unwrap();
    let [a, b] = ["a", "b"].map(|name| dir.path().join(name));
    fs::create_dir(&a).unwrap();
    fs::create_dir(&b).unwrap();
    let _first = fake::Process::new("3.0.1").pid(1).serve(a.join("1.sock")).await.unwrap();
    let builder = Cluster::builder().dir(&a).dir(&b);
    let cluster = builder.clone().build().await.unwrap();
    let held = cluster.only(["1.sock"]);
    assert_eq!(labels(&held.snapshot().await.unwrap()), ["1"]);

    let _second = fake::Process::new("3.0.1").pid(2).serve(b.join("1.sock")).await.unwrap();
    assert_eq!(labels(&cluster.snapshot().await.unwrap()), ["1", "b/1"]);
    assert_eq!(held.snapshot().await.unwrap().processes()[0].pid(), Some(1));

    // An address without its `.sock` is another address.
    let expecting = builder.expect([a.join("1").display().to_string()]).build().await.unwrap();
    assert_eq!(expecting.snapshot().await.unwrap_err().kind(), ErrorKind::Incomplete);
}

#[tokio::test]
async fn labels_of_real_processes_stay_when_a_third_stops_answering() {
    let mut running = ancestor_cluster(&release("2.2")).await;
    running.add_servers(1).await;
    // The process with the relative number 1 is not the one of `1.sock` here.
    for (n, name) in [(1, "a"), (2, "1"), (3, "2"), (4, "4")] {
        fs::rename(running.dir().join(format!("stats/{n}.sock")), running.dir().join(name)).unwrap();
    }
    for name in ["a", "1", "2", "4"] {
        fs::rename(running.dir().join(name), running.stats().join(name)).unwrap();
    }
    let mut other = instances(&["2.6"]).await;
    symlink(other.socket(1), running.stats().join("z")).unwrap();
    let cluster =
        Cluster::builder().dir(running.stats()).limits(brief()).build().await.unwrap().allow_partial();
    let before = cluster.snapshot().await.unwrap();
    let addresses = |snapshot: &Snapshot| -> Vec<(String, Address)> {
        let of = |process: &haproxyadmin::Process| (process.label().to_string(), process.address().clone());
        snapshot.processes().iter().map(of).collect()
    };
    other.kill(1);
    let after = cluster.snapshot().await.unwrap();
    assert_eq!(addresses(&after), addresses(&before));
}

#[tokio::test]
async fn one_directory_that_is_gone_hides_nothing() {
    for release in releases() {
        let one = instances(&[&release.version]).await;
        let other = instances(&[&release.version]).await;
        let builder = Cluster::builder().dir(one.stats()).dir(other.stats()).limits(brief());
        let cluster = builder.build().await.unwrap();
        assert_eq!(cluster.snapshot().await.unwrap().processes().len(), 2);
        let gone = other.stats();
        fs::rename(&gone, other.dir().join("elsewhere")).unwrap();

        let error = cluster.snapshot().await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Incomplete, "{error}");
        let words = format!("cannot read directory {}: No such file or directory", gone.display());
        assert!(error.to_string().contains(&words), "{error}");
        let there = error.snapshot().expect("the answers of the others");
        assert!(there.frontend("web").is_ok() || there.failed().count() == 1);

        let partial = cluster.allow_partial();
        let snapshot = partial.snapshot().await.unwrap();
        assert_eq!(snapshot.frontend("web").unwrap().processes().len(), 1);
        assert!(!snapshot.is_complete());
        let label = format!("{}", one.socket(1).display());
        assert!(cluster.only([label.as_str()]).snapshot().await.unwrap().is_complete());
        let disabled = partial.server_ref("app", "web1").unwrap().disable().await.unwrap();
        assert_eq!(disabled.values().count(), 1);
        assert!(!disabled.is_complete());
    }
}

#[tokio::test]
async fn a_process_that_is_expected_and_absent_is_missed() {
    for release in releases() {
        let mut running = Running::new();
        running.add_servers(1).await;
        let config = running.fill(Config::web(INSTANCE)).set("N", 1);
        running.add(&release, "one", &config).await;
        let builder = Cluster::builder().dir(running.stats());
        for (builder, missing) in [
            (builder.clone().expect_at_least(2), "at least 2 processes expected, 1 found"),
            (builder.clone().expect(["1", "2"]), "process \"2\" is expected and not a member"),
            (builder.clone().expect(["1.sock", "2.sock"]), "process \"2.sock\" is expected and not a member"),
        ] {
            let cluster = builder.build().await.unwrap();
            let error = cluster.backends().await.unwrap_err();
            assert_eq!((error.kind(), error.to_string()), (ErrorKind::Incomplete, missing.to_owned()));
            assert_eq!(error.snapshot().unwrap().backends().len(), 1);
            let error = cluster.server_ref("app", "web1").unwrap().enable().await.unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Incomplete);
            assert!(error.to_string().ends_with(missing), "{error}");
            let outcomes = error.outcomes::<haproxyadmin::Change>().unwrap();
            assert_eq!(outcomes.values().count(), 1);
            let snapshot = cluster.allow_partial().snapshot().await.unwrap();
            let missed: Vec<_> = snapshot.missing().map(ToString::to_string).collect();
            assert_eq!(missed, [missing]);
        }
        let met =
            builder.expect_at_least(1).expect(["1", "1.sock"]).expect([Address::from(running.socket(1))]);
        let notations =
            ["", "unix@", "stream+uxst@"].map(|prefix| format!("{prefix}{}", running.socket(1).display()));
        let cluster = met.expect(&notations).build().await.unwrap();
        assert!(cluster.snapshot().await.is_ok());
        for text in &notations {
            assert_eq!(cluster.only([text]).snapshot().await.unwrap().processes().len(), 1, "{text}");
        }
    }
}

#[cfg(feature = "serde")]
#[tokio::test]
async fn what_is_missing_is_written_down_and_the_newest_word_counts() {
    let running = instances(&["3.0"]).await;
    let builder = Cluster::builder().dir(running.stats()).expect(["2"]);
    let cluster = builder.build().await.unwrap().allow_partial();
    let before = cluster.snapshot().await.unwrap();
    let read: Snapshot = serde_json::from_str(&serde_json::to_string(&before).unwrap()).unwrap();
    assert_eq!(read, before);
    assert_eq!(read.missing().count(), 1);
    symlink(running.socket(1), running.stats().join("2.sock")).unwrap();
    // A second path to the process is a duplicate and not the process that is expected.
    assert_eq!(cluster.snapshot().await.unwrap().missing().count(), 1);
    let other = instances(&["3.0"]).await;
    fs::remove_file(running.stats().join("2.sock")).unwrap();
    symlink(other.socket(1), running.stats().join("2.sock")).unwrap();
    let after = cluster.snapshot().await.unwrap();
    assert!(after.is_complete());
    assert!(before.join(&after).is_complete() && after.join(&before).is_complete());
}

/// Half of the sockets accept and never answer.
#[tokio::test]
async fn processes_that_hang_do_not_keep_others_waiting() {
    let dir = tempfile::tempdir().unwrap();
    let _good = fakes(dir.path(), 20, |n| fake::Process::new("3.0.1").pid(1000 + n)).await;
    let silent: Vec<_> = (0..20).map(|n| dir.path().join(format!("{n:03}.a-silent.sock"))).collect();
    let _silent: Vec<_> = silent.iter().map(Stranger::is_silent).collect();
    let limits =
        Limits::new().with_idle_timeout(Duration::from_secs(2)).with_command_timeout(Duration::from_secs(4));
    let builder = Cluster::builder().dir(dir.path()).max_connections(8).limits(limits);
    let cluster = builder.build().await.unwrap().allow_partial();
    for _ in 0..3 {
        let snapshot = cluster.snapshot().await.unwrap();
        assert_eq!(answered(&snapshot).len(), 20);
    }
    // Nor does a second call that runs at the same time.
    let (one, two) = tokio::join!(cluster.snapshot(), cluster.info());
    assert_eq!(answered(&one.unwrap()).len(), 20);
    assert_eq!(two.unwrap().per_process().count(), 20);
}

/// In containers every process can have the same number, start and node name.
#[tokio::test]
async fn many_processes_that_look_alike_are_told_apart_in_one_call() {
    let dir = tempfile::tempdir().unwrap();
    let _running = fakes(dir.path(), 120, |_| {
        fake::Process::new("3.0.1").pid(1).node("app").info("Start_time_sec", 1_700_000_000_u64)
    })
    .await;
    let cluster = Cluster::from_dir(dir.path()).await.unwrap();
    let snapshot = cluster.snapshot().await.unwrap();
    assert_eq!(snapshot.processes().len(), 120);
    assert_eq!(cluster.snapshot().await.unwrap().processes().len(), 120);
}

#[tokio::test]
async fn sockets_of_some_processes_that_look_alike_are_found_to_be_theirs() {
    let dir = tempfile::tempdir().unwrap();
    let alike = |_| fake::Process::new("3.0.1").pid(1).node("app").info("Start_time_sec", 1_700_000_000_u64);
    let mut running = fakes(dir.path(), 12, alike).await;
    for (n, process) in running.iter_mut().enumerate() {
        for second in 0..n % 3 {
            let path = dir.path().join(format!("{n:03}.{second}.sock"));
            process.also(path, haproxyadmin::Level::Admin).await.unwrap();
        }
    }
    let cluster = Cluster::from_dir(dir.path()).await.unwrap();
    assert_eq!(cluster.snapshot().await.unwrap().processes().len(), 12);
    assert_eq!(cluster.ignored().len(), 12);
}

#[tokio::test]
async fn the_time_of_an_answer_is_the_time_it_ended() {
    let running = instances(&["2.6", "3.4"]).await;
    let cluster =
        Cluster::builder().dir(running.stats()).limits(brief()).build().await.unwrap().allow_partial();
    running.hang(1);
    let start = SystemTime::now();
    let snapshot = cluster.snapshot().await.unwrap();
    let after = |label| snapshot.process(label).unwrap().read_at().duration_since(start).unwrap();
    assert!(after("1") >= Duration::from_millis(600), "{:?}", after("1"));
    assert!(after("2") < Duration::from_millis(500), "{:?}", after("2"));
}

#[tokio::test]
async fn a_rediscovery_that_is_given_up_changes_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let process = || fake::Process::new("3.0.1").pid(7).info("Start_time_sec", 1_700_000_000_u64);
    let mut running = process().serve(dir.path().join("1.sock")).await.unwrap();
    running.also(dir.path().join("2.sock"), haproxyadmin::Level::Admin).await.unwrap();
    let cluster = Cluster::builder().dir(dir.path()).limits(brief()).build().await.unwrap();
    cluster.snapshot().await.unwrap();
    let members = cluster.members();
    assert_eq!(members.len(), 1);
    // Each at another moment: while the sockets are asked, and while they are compared.
    for step in 0..40 {
        let rediscovery = cluster.rediscover();
        let _ = tokio::time::timeout(Duration::from_micros(step * 100), rediscovery).await;
        assert_eq!(cluster.members(), members, "given up after {} us", step * 100);
    }
    let start = Instant::now();
    assert!(cluster.rediscover().await.is_ok());
    assert!(start.elapsed() < Duration::from_secs(10));
}

#[tokio::test]
async fn a_socket_that_nbproc_shares_is_no_member_under_any_name() {
    let running = ancestor_cluster(&release("2.2")).await;
    let shared = running.dir().join("shared.sock");
    let linked = running.dir().join("linked");
    symlink(running.dir(), &linked).unwrap();
    let alias = running.dir().join("alias.sock");
    symlink(&shared, &alias).unwrap();
    let hard = running.dir().join("hard.sock");
    fs::hard_link(&shared, &hard).unwrap();
    for path in [linked.join("shared.sock"), alias, hard] {
        let own = running.sockets().into_iter().chain([path.clone()]);
        let cluster = Cluster::from_addresses(own).await.unwrap();
        assert_eq!(cluster.snapshot().await.unwrap().processes().len(), 4, "{}", path.display());
        let ignored = cluster.ignored();
        let of = |one: &haproxyadmin::membership::Ignored| (one.address.clone(), one.reason.clone());
        let of: Vec<_> = ignored.iter().map(of).collect();
        assert_eq!(of, [(Address::from(path), IgnoredReason::Shared)]);
    }
    // A process behind a link of its own is one.
    let own = linked.join("stats/1.sock");
    let cluster = Cluster::from_addresses([own]).await.unwrap();
    assert_eq!(cluster.snapshot().await.unwrap().processes().len(), 1);
}

#[tokio::test]
async fn a_tcp_socket_that_nbproc_shares_is_no_member_by_name_or_number() {
    let mut running = Running::new();
    let text = r#"
global
    nbproc 2
    stats socket "unix@${DIR}/stats/1.sock" mode 600 level admin process 1
    stats socket "unix@${DIR}/stats/2.sock" mode 600 level admin process 2
    stats socket "ipv4@127.0.0.1:${PORT_ALL}" level admin
    stats socket "ipv4@127.0.0.1:${PORT_ONE}" level admin process 1

defaults
    mode http
    timeout connect 1s
    timeout client 30s
    timeout server 30s

frontend web
    bind "unix@${DIR}/traffic/web.1"
    default_backend app

backend app
    server web1 127.0.0.1:1
"#;
    running.add(&release("2.2"), "two", &Config::new(text)).await;
    let port = |name| running.haproxies[0].address(name).port();
    for host in ["127.0.0.1", "localhost"] {
        let address: Address = format!("{host}:{}", port("PORT_ALL")).parse().unwrap();
        let cluster = Cluster::builder().dir(running.stats()).address(address.clone()).build().await.unwrap();
        assert_eq!(cluster.snapshot().await.unwrap().processes().len(), 2, "{host}");
        assert_eq!(cluster.ignored()[0].reason, IgnoredReason::Shared);
        let own: Address = format!("{host}:{}", port("PORT_ONE")).parse().unwrap();
        let cluster = Cluster::from_addresses([own]).await.unwrap();
        assert_eq!(cluster.snapshot().await.unwrap().processes().len(), 1, "{host}");
    }
    // A socket that forwards to a socket of an `nbproc` cannot be told from a shared one.
    let tap = running.dir().join("tap");
    let forwarded = support::Tap::new(&tap, running.socket(1));
    let cluster = Cluster::builder().dir(running.stats()).address(tap.as_path()).build().await.unwrap();
    assert_eq!(cluster.snapshot().await.unwrap().processes().len(), 2);
    assert_eq!(cluster.ignored()[0].reason, IgnoredReason::Unlisted);

    // A process that is read through no other socket is missed.
    let given = [tap.clone(), running.socket(2)];
    let cluster = Cluster::from_addresses(given.clone()).await.unwrap();
    let missed = format!(
        "address {} is expected and not a member: not listed by the process, which is one of several \
         (nbproc); the process that answered is read through no other socket",
        tap.display()
    );
    for _ in 0..2 {
        let error = cluster.snapshot().await.unwrap_err();
        assert_eq!((error.kind(), error.to_string()), (ErrorKind::Incomplete, missed.clone()));
        assert_eq!(error.snapshot().unwrap().processes().len(), 1);
        let error = cluster.server_ref("app", "web1").unwrap().disable().await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Incomplete, "{error}");
        assert!(error.to_string().ends_with(&missed), "{error}");
        assert_eq!(error.outcomes::<haproxyadmin::Change>().unwrap().values().count(), 1);
    }
    let before = cluster.allow_partial().snapshot().await.unwrap();
    let missing: Vec<_> = before.missing().collect();
    assert_eq!(missing.len(), 1, "{missing:?}");
    assert_eq!(missing[0].required(), &Required::Address(tap.as_path().into()));
    assert!(cluster.only([running.socket(2).display().to_string()]).snapshot().await.is_ok());
    // The process gets the socket as its own one, by its path.
    drop(forwarded);
    fs::remove_file(&tap).unwrap();
    symlink(running.socket(1), &tap).unwrap();
    let after = cluster.snapshot().await.unwrap();
    assert_eq!(after.processes().len(), 2);
    for joined in [before.join(&after), after.join(&before)] {
        assert!(joined.is_complete(), "{joined:?}");
    }
}
