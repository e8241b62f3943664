//! Members of a cluster, and ignored sockets with their reasons.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "in a test a panic is the failure message")]
#![allow(clippy::indexing_slicing, reason = "the same")]

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use haproxyadmin::membership::IgnoredReason;
use haproxyadmin::{Address, Cluster, ErrorKind, Level, Limits};

mod support;

use support::{
    Config, Running, Stranger, ancestor_cluster, datagram, levels, plain_file, release, releases, stale,
};

const UNDER_MASTER: &str = r#"
global
    nbthread 1
    maxconn 200
    stats socket "unix@${DIR}/stats/worker.sock" mode 600 level admin

defaults
    mode http
    timeout connect 1s
    timeout client 30s
    timeout server 30s

frontend web
    bind "unix@${DIR}/traffic/web.1"
    default_backend app

backend app
    server app1 "${SERVER_1}"
"#;

fn short() -> Limits {
    Limits::new().with_command_timeout(Duration::from_millis(500))
}

fn addresses(paths: &[PathBuf]) -> Vec<Address> {
    paths.iter().map(|path| Address::from(path.clone())).collect()
}

fn reason(cluster: &Cluster, path: &Path) -> IgnoredReason {
    let address = Address::from(path);
    let found = cluster.ignored().into_iter().find(|ignored| ignored.address == address);
    found.unwrap_or_else(|| panic!("{address} is not ignored")).reason
}

#[tokio::test]
async fn sockets_of_one_process_count_once_through_the_highest_level() {
    for release in releases() {
        let running = levels(&release).await;
        running.send("web", 1, "/", 4).await;
        let cluster = Cluster::from_dir(running.stats()).await.unwrap();
        cluster.info().await.unwrap();
        let path = |name| running.stats().join(name);
        assert_eq!(cluster.members(), addresses(&[path("admin.sock")]));
        for name in ["operator.sock", "user.sock"] {
            let of = Address::from(path("admin.sock"));
            assert_eq!(reason(&cluster, &path(name)), IgnoredReason::Duplicate { of });
        }
        // The values that a socket of level `user` hides are there.
        for _ in 0..2 {
            let snapshot = cluster.snapshot().await.unwrap();
            assert_eq!(snapshot.processes().len(), 1);
            assert_eq!(snapshot.processes()[0].level(), Some(Level::Admin));
            assert_eq!(snapshot.frontend("web").unwrap().requests(), 4);
            let server = snapshot.server("app", "app1").unwrap();
            assert!(server.address().is_some() && server.cookie().is_some());
            assert!(snapshot.backend("app").unwrap().algo().is_some());
        }
    }
}

#[tokio::test]
async fn a_duplicate_takes_over_when_its_process_answers_nowhere_else() {
    let running = levels(&release("3.0")).await;
    let cluster = Cluster::from_dir(running.stats()).await.unwrap().allow_partial();
    cluster.info().await.unwrap();
    fs::remove_file(running.stats().join("admin.sock")).unwrap();
    let snapshot = cluster.snapshot().await.unwrap();
    assert_eq!(snapshot.failed().count(), 1);
    assert_eq!(snapshot.frontend("web").unwrap().processes(), ["operator"]);

    let snapshot = cluster.rediscover().await.unwrap();
    assert!(snapshot.is_complete());
    assert_eq!(cluster.members(), addresses(&[running.stats().join("operator.sock")]));
}

#[tokio::test]
async fn sockets_of_one_process_given_as_addresses_count_once_too() {
    for release in releases() {
        let running = levels(&release).await;
        let user = running.stats().join("user.sock");
        let admin = running.stats().join("admin.sock");
        let cluster = Cluster::from_addresses([user.clone(), admin.clone()]).await.unwrap();
        let snapshot = cluster.snapshot().await.unwrap();
        assert_eq!(snapshot.processes().len(), 1);
        assert_eq!(reason(&cluster, &user), IgnoredReason::Duplicate { of: admin.into() });
    }
}

#[tokio::test]
async fn a_second_path_to_one_socket_counts_once() {
    for release in releases() {
        let running = levels(&release).await;
        let elsewhere = running.dir().join("elsewhere");
        fs::create_dir(&elsewhere).unwrap();
        fs::hard_link(running.stats().join("admin.sock"), elsewhere.join("link.sock")).unwrap();
        let cluster =
            Cluster::from_addresses([running.stats().join("user.sock"), elsewhere.join("link.sock")]);
        let cluster = cluster.await.unwrap();
        let snapshot = cluster.snapshot().await.unwrap();
        assert_eq!(snapshot.processes().len(), 1, "{}", release.version);
        assert_eq!(snapshot.processes()[0].level(), Some(Level::Admin));
    }
}

#[tokio::test]
async fn processes_that_only_look_alike_are_two() {
    // The four processes started together and have one node name: only their pids differ.
    for release in releases() {
        let running = ancestor_cluster(&release).await;
        let snapshot = Cluster::from_dir(running.stats()).await.unwrap().snapshot().await.unwrap();
        assert_eq!(snapshot.processes().len(), 4);
    }
}

#[tokio::test]
async fn every_other_socket_is_reported_for_what_it_is() {
    for release in releases() {
        let mut running = Running::new();
        running.add_servers(1).await;
        let config = running.fill(Config::new(UNDER_MASTER));
        let master = running.add_master(&release, "pair", &config).await;
        let path = |name: &str| running.stats().join(name);
        stale(path("stale.sock"));
        plain_file(path("notes.txt"));
        let _datagram = datagram(path("log.sock"));
        let _redis = Stranger::answers(path("other.sock"), "-ERR unknown command\r\n");
        let _silent = Stranger::is_silent(path("silent.sock"));
        let _closing = Stranger::hangs_up(path("closing.sock"));
        stale(path("1234.tmp"));

        let cluster = Cluster::builder().dir(running.stats()).limits(short()).exclude("*.tmp").build();
        let cluster = cluster.await.unwrap();
        assert_eq!(cluster.snapshot().await.unwrap_err().kind(), ErrorKind::Incomplete);
        assert_eq!(reason(&cluster, &master), IgnoredReason::Master, "{}", release.version);
        assert_eq!(reason(&cluster, &path("log.sock")), IgnoredReason::Datagram);
        assert_eq!(reason(&cluster, &path("1234.tmp")), IgnoredReason::Excluded);
        let words = reason(&cluster, &path("other.sock"));
        assert!(matches!(&words, IgnoredReason::NotHaproxy(words) if words.contains("-ERR")), "{words:?}");
        assert_eq!(cluster.ignored().len(), 4);
        let members = ["closing.sock", "silent.sock", "stale.sock", "worker.sock"];
        assert_eq!(cluster.members(), addresses(&members.map(path)));

        let snapshot = cluster.allow_partial().snapshot().await.unwrap();
        let outcomes: Vec<_> = snapshot
            .processes()
            .iter()
            .map(|process| (process.label().to_string(), process.failure().map(|failure| failure.kind)))
            .collect();
        let expected = [
            ("closing", Some(ErrorKind::Closed)),
            ("silent", Some(ErrorKind::Timeout)),
            ("stale", Some(ErrorKind::Connect)),
            ("worker", None),
        ];
        assert_eq!(outcomes, expected.map(|(label, kind)| (label.to_owned(), kind)));
    }
}

#[tokio::test]
async fn refused_sockets_can_be_ignored_until_they_answer() {
    let mut running = levels(&release("2.6")).await;
    running.kill(1);
    stale(running.stats().join("stale.sock"));
    let builder = Cluster::builder().dir(running.stats()).ignore_refused(true);
    let cluster = builder.clone().build().await.unwrap();
    let error = cluster.allow_partial().snapshot().await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::NotFound);
    assert!(error.to_string().contains("stale.sock: no process listens"), "{error}");

    running.restart(1).await;
    let cluster = builder.build().await.unwrap();
    cluster.snapshot().await.unwrap();
    assert_eq!(reason(&cluster, &running.stats().join("stale.sock")), IgnoredReason::Refused);
    // A member that refuses connections is a failure.
    running.kill(1);
    assert_eq!(cluster.snapshot().await.unwrap_err().kind(), ErrorKind::Connect);
}

#[tokio::test]
async fn the_socket_that_nbproc_shares_is_not_counted() {
    let running = ancestor_cluster(&release("2.2")).await;
    let shared = running.dir().join("shared.sock");
    let own = running.sockets().into_iter().chain([shared.clone()]);
    let cluster = Cluster::from_addresses(own).await.unwrap();
    let snapshot = cluster.snapshot().await.unwrap();
    assert_eq!(snapshot.processes().len(), 4);
    assert_eq!(reason(&cluster, &shared), IgnoredReason::Shared);
}

#[tokio::test]
async fn a_new_socket_is_found_and_a_gone_one_stays_until_rediscovered() {
    let mut running = Running::new();
    running.add_servers(1).await;
    let config = |n: usize| {
        let text =
            UNDER_MASTER.replace("worker.sock", &format!("{n}.sock")).replace("web.1", &format!("web.{n}"));
        Config::new(text)
    };
    let release = release("3.2");
    running.add(&release, "one", &running.fill(config(1))).await;
    let cluster = Cluster::from_dir(running.stats()).await.unwrap();
    assert_eq!(cluster.snapshot().await.unwrap().processes().len(), 1);
    running.add(&release, "two", &running.fill(config(2))).await;
    assert_eq!(cluster.snapshot().await.unwrap().processes().len(), 2);

    running.kill(2);
    fs::remove_file(running.stats().join("2.sock")).unwrap();
    let error = cluster.snapshot().await.unwrap_err();
    assert!(error.to_string().contains("2.sock: cannot connect: No such file"), "{error}");
    assert_eq!(cluster.rediscover().await.unwrap().processes().len(), 1);
    assert!(cluster.snapshot().await.is_ok());
}

#[tokio::test]
async fn a_reload_disturbs_no_reading() {
    for release in releases() {
        let mut running = Running::new();
        running.add_servers(1).await;
        let second = "    stats socket \"unix@${DIR}/stats/user.sock\" mode 600 level user\n\ndefaults";
        let config = running.fill(Config::new(UNDER_MASTER.replace("\ndefaults", second)));
        running.add_master(&release, "pair", &config).await;
        let cluster = Cluster::from_dir(running.stats()).await.unwrap();
        assert_eq!(cluster.snapshot().await.unwrap().processes().len(), 1);

        let reloaded = AtomicBool::new(false);
        let read = async {
            let mut times = 0;
            while !reloaded.load(Ordering::SeqCst) {
                if let Err(error) = cluster.snapshot().await {
                    panic!("{}: {error}", release.version);
                }
                times += 1;
            }
            times
        };
        let reload = async {
            for _ in 0..3 {
                running.haproxies[0].reload().await;
            }
            reloaded.store(true, Ordering::SeqCst);
        };
        let (times, ()) = tokio::join!(read, reload);
        assert!(times > 3, "{times}");
        let snapshot = cluster.snapshot().await.unwrap();
        assert_eq!(snapshot.processes().len(), 1, "{}", release.version);
        assert_eq!(snapshot.processes()[0].level(), Some(Level::Admin));
    }
}

#[tokio::test]
async fn a_file_that_takes_the_name_of_an_ignored_one_is_looked_at() {
    let running = levels(&release("3.0")).await;
    let path = running.stats().join("other.sock");
    let other = Stranger::answers(&path, "-ERR unknown\r\n");
    let cluster = Cluster::from_dir(running.stats()).await.unwrap();
    cluster.snapshot().await.unwrap();
    assert!(matches!(reason(&cluster, &path), IgnoredReason::NotHaproxy(_)));
    drop(other);
    fs::remove_file(&path).unwrap();
    fs::rename(running.stats().join("admin.sock"), &path).unwrap();
    let snapshot = cluster.allow_partial().snapshot().await.unwrap();
    assert!(snapshot.process("other").unwrap().report().is_some());
}

#[tokio::test]
async fn at_a_given_address_a_process_is_expected() {
    let running = levels(&release("3.0")).await;
    let path = running.dir().join("tunnel.sock");
    let tunnel = Stranger::answers(&path, "upstream connect error");
    let cluster = Cluster::from_addresses([running.socket(1), path.clone()]).await.unwrap();
    let error = cluster.snapshot().await.unwrap_err();
    assert!(error.to_string().contains("it says \"upstream connect error\""), "{error}");
    assert_eq!(cluster.ignored(), []);
    drop(tunnel);
    fs::remove_file(&path).unwrap();
    fs::hard_link(running.stats().join("user.sock"), &path).unwrap();
    assert_eq!(cluster.snapshot().await.unwrap().processes().len(), 1);
}

#[tokio::test]
async fn a_hung_process_with_two_sockets_costs_one_deadline_and_is_one() {
    let running = levels(&release("3.0")).await;
    let cluster = Cluster::builder().dir(running.stats()).limits(short()).build().await.unwrap();
    cluster.snapshot().await.unwrap();
    running.hang(1);
    let start = Instant::now();
    let error = cluster.snapshot().await.unwrap_err();
    let took = start.elapsed();
    running.resume(1);
    assert!(took < Duration::from_millis(900), "{took:?}");
    assert_eq!(error.kind(), ErrorKind::Timeout);
    assert_eq!(error.snapshot().unwrap().processes().len(), 1);
}

#[tokio::test]
async fn a_directory_that_cannot_be_read_or_holds_nothing_is_an_error() {
    let running = Running::new();
    let error = Cluster::from_dir(running.dir().join("none")).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Io);
    assert!(error.to_string().contains("none: No such file"), "{error}");
    let error = Cluster::from_dir(running.stats()).await.unwrap_err();
    assert_eq!(error.to_string(), format!("no such HAProxy stats socket in {}", running.stats().display()));
    let error = Cluster::builder().build().await.unwrap_err();
    assert_eq!(error.to_string(), "a cluster needs a directory, an address or a master");
}

#[tokio::test]
async fn sockets_that_are_ignored_because_of_their_names_are_named() {
    let running = Running::new();
    let [excluded, passing] = ["1.sock", "1.sock.4711.tmp"].map(|name| running.stats().join(name));
    stale(excluded.clone());
    stale(passing.clone());
    let builder = Cluster::builder().dir(running.stats());
    let error = builder.exclude("1.sock").build().await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::NotFound);
    let expected = format!(
        "no such HAProxy stats socket in {}; ignored: {}: excluded by name, {}: there for a moment, while HAProxy takes a socket over",
        running.stats().display(),
        excluded.display(),
        passing.display()
    );
    assert_eq!(error.to_string(), expected);
}

#[tokio::test]
async fn a_label_of_two_addresses_is_refused() {
    let addresses = ["192.0.2.7:9999", "192.0.2.8:9999", "192.0.2.9:9999"];
    let [one, two, three] = addresses.map(|text| text.parse::<Address>().unwrap());
    let builder = Cluster::builder().addresses([one.clone(), two.clone(), three.clone()]);
    let builder = builder.label(two.clone(), "web").label(three, "api").label(one, "web");
    let error = builder.clone().build().await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InvalidInput);
    assert_eq!(error.to_string(), "label \"web\": given to both 192.0.2.7:9999 and 192.0.2.8:9999");
    // The last label of an address applies.
    assert!(builder.label(two, "other").build().await.is_ok());
}

#[tokio::test]
async fn an_address_that_has_no_text_is_refused() {
    let tcp = |host: &str, port| Address::Tcp { host: host.to_owned(), port };
    for (address, reason) in [
        (tcp("127.0.0.1", 0), "address \"127.0.0.1:0\": expected a port from 1 to 65535, found \"0\""),
        (tcp("a b", 1), "address \"a b:1\": expected a host name or an IP address, found \"a b\""),
        (Address::Unix("".into()), "address \"unix@\": the path is empty"),
    ] {
        let cluster = Cluster::from_addresses([address.clone()]).await;
        let behind = Cluster::builder().master(address).build().await;
        for error in [cluster.unwrap_err(), behind.unwrap_err()] {
            assert_eq!((error.kind(), error.to_string()), (ErrorKind::InvalidInput, reason.to_owned()));
        }
    }
    // The text of this address is the text of another one.
    assert!(Cluster::from_addresses([tcp("0.0.0.0", 9)]).await.is_ok());
}

#[tokio::test]
async fn addresses_need_nobody_to_be_up() {
    let mut running = levels(&release("2.6")).await;
    running.kill(1);
    let cluster = Cluster::from_addresses([running.socket(1)]).await.unwrap();
    assert_eq!(cluster.snapshot().await.unwrap_err().kind(), ErrorKind::Connect);
    running.restart(1).await;
    assert!(cluster.snapshot().await.is_ok());
}
