//! Reads that ask for less than everything: kinds of rows, one proxy, some columns.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "in a test a panic is the failure message")]
#![allow(clippy::indexing_slicing, reason = "the same")]

mod support;

use std::collections::BTreeSet;

use haproxyadmin::stat::{Row, RowKind};
use haproxyadmin::{Cluster, ErrorKind, Process, Scope, Snapshot};
use support::{
    ANCESTOR_TRAFFIC, MasterWorker, Member, Running, Tap, ancestor_cluster, release, releases, row,
    send_shared_traffic, shared_cluster, zoo, zoo_settled,
};

const FRONTENDS: &[RowKind] = &[RowKind::Frontend, RowKind::Listener];
const BACKENDS: &[RowKind] = &[RowKind::Backend, RowKind::Server];

async fn cluster(running: &Running) -> Cluster {
    Cluster::from_dir(running.stats()).await.unwrap()
}

/// The cells of a row that stay the same between two reads without traffic.
fn fixed(row: &Row<'_>) -> Vec<String> {
    let names = ["pxname", "svname", "type", "iid", "sid", "slim", "mode", "addr", "cookie"];
    names.iter().map(|name| format!("{:?}", row.get(name))).collect()
}

/// The rows of each process.
fn outline(snapshot: &Snapshot, wanted: impl Fn(&Row<'_>) -> bool) -> Vec<(String, Vec<Vec<String>>)> {
    let of = |process: &Process| {
        let rows = process.stat().unwrap().rows().filter(&wanted);
        (process.label().to_string(), rows.map(|row| fixed(&row)).collect())
    };
    snapshot.processes().iter().map(of).collect()
}

/// Asserts that the objects of each kind are read without the others, and that none is lost.
async fn kinds_are_whole(cluster: &Cluster, what: &str) {
    let whole = cluster.snapshot().await.unwrap();
    let of = |kinds: &'static [RowKind]| outline(&whole, |row| kinds.contains(&row.kind()));
    let snapshots = [
        (FRONTENDS, cluster.frontends().await.unwrap().first().map(|one| one.snapshot().clone())),
        (FRONTENDS, cluster.listeners().await.unwrap().first().map(|one| one.snapshot().clone())),
        (BACKENDS, cluster.backends().await.unwrap().first().map(|one| one.snapshot().clone())),
        (BACKENDS, cluster.servers().await.unwrap().first().map(|one| one.snapshot().clone())),
        (FRONTENDS, Some(cluster.snapshot_of(&Scope::frontends().and(Scope::listeners())).await.unwrap())),
        (&[RowKind::Frontend], Some(cluster.snapshot_of(&Scope::frontends()).await.unwrap())),
        (&[RowKind::Listener], Some(cluster.snapshot_of(&Scope::listeners()).await.unwrap())),
        (&[RowKind::Backend], Some(cluster.snapshot_of(&Scope::backends()).await.unwrap())),
        (&[RowKind::Server], Some(cluster.snapshot_of(&Scope::servers()).await.unwrap())),
    ];
    let mut read = 0;
    for (kinds, snapshot) in snapshots {
        let Some(snapshot) = snapshot else { continue };
        assert_eq!(outline(&snapshot, |_| true), of(kinds), "{what}: {kinds:?}");
        read += snapshot.processes().iter().map(|process| process.stat().unwrap().len()).sum::<usize>();
        let infos = |snapshot: &Snapshot| -> Vec<_> {
            snapshot.processes().iter().map(|one| (one.pid(), one.level(), one.is_stopping())).collect()
        };
        assert_eq!(infos(&snapshot), infos(&whole));
    }
    assert!(read > 0);
    let names = |servers: Vec<haproxyadmin::snapshot::ServerStats>| -> Vec<String> {
        servers.iter().map(|one| format!("{}/{}", one.backend(), one.name())).collect()
    };
    let servers = cluster.servers().await.unwrap().iter().map(|one| (**one).clone()).collect();
    assert_eq!(names(servers), names(whole.servers()), "{what}");
    let backends: Vec<usize> =
        cluster.backends().await.unwrap().iter().map(|one| one.servers().len()).collect();
    assert_eq!(
        backends,
        whole.backends().iter().map(|one| one.servers().len()).collect::<Vec<_>>(),
        "{what}"
    );
    let frontends: Vec<usize> =
        cluster.frontends().await.unwrap().iter().map(|one| one.listeners().len()).collect();
    assert_eq!(frontends, whole.frontends().iter().map(|one| one.listeners().len()).collect::<Vec<_>>());
}

#[tokio::test]
async fn the_rows_of_a_kind_are_those_of_a_whole_snapshot() {
    for release in releases() {
        let one = zoo(&release).await;
        zoo_settled(&one).await;
        assert!(!cluster(&one).await.listeners().await.unwrap().is_empty());
        kinds_are_whole(&cluster(&one).await, &format!("HAProxy {}", release.version)).await;
        let four = ancestor_cluster(&release).await;
        four.send_all(&ANCESTOR_TRAFFIC).await;
        kinds_are_whole(&cluster(&four).await, &format!("four of HAProxy {}", release.version)).await;
    }
}

#[tokio::test]
async fn the_rows_of_a_kind_are_read_behind_a_master() {
    for release in releases() {
        let pair = MasterWorker::start(&release).await;
        pair.running.send("web", 1, "/", 3).await;
        let cluster = Cluster::builder().master(pair.master.clone()).build().await.unwrap();
        kinds_are_whole(&cluster, &format!("HAProxy {}", release.version)).await;
    }
}

#[tokio::test]
async fn a_read_sends_the_question_of_its_rows() {
    let release = release("3.4");
    let running = zoo(&release).await;
    zoo_settled(&running).await;
    let dir = tempfile::TempDir::new().unwrap();
    let tap = Tap::new(dir.path().join("tap.sock"), running.socket(1));
    let cluster = Cluster::from_addresses([dir.path().join("tap.sock").to_str().unwrap()]).await.unwrap();
    cluster.frontends().await.unwrap();
    cluster.servers().await.unwrap();
    cluster.servers_named("app1").await.unwrap_err();
    cluster.snapshot_of(&Scope::servers().proxy("states").columns(["weight"]).unwrap()).await.unwrap();
    let sent = tap.sent();
    for (line, times) in [("show stat -1 9 -1", 1), ("show stat -1 6 -1", 2), ("show stat states 4 -1", 1)] {
        assert_eq!(sent.matches(line).count(), times, "{line} in {sent}");
    }
    assert_eq!(sent.matches("show stat").count(), 4, "{sent}");
}

#[tokio::test]
async fn some_columns_of_one_backend_are_those_of_the_whole_snapshot() {
    for release in releases() {
        let running = zoo(&release).await;
        zoo_settled(&running).await;
        let cluster = cluster(&running).await;
        let whole = cluster.snapshot().await.unwrap();
        let scope = Scope::servers().proxy("states").columns(["weight", "slim", "addr"]).unwrap();
        let small = cluster.snapshot_of(&scope).await.unwrap();
        assert_eq!(outline(&small, |_| true)[0].1.len(), whole.backend("states").unwrap().servers().len());
        assert!(small.frontends().is_empty() && small.backends().is_empty());
        for server in small.servers() {
            let other = whole.server("states", server.name()).unwrap();
            assert_eq!(server.backend(), "states");
            assert_eq!((server.weight(), server.address()), (other.weight(), other.address()));
            assert_eq!(server.metric("slim").unwrap(), other.metric("slim").unwrap());
            assert_eq!((server.requests(), server.id()), (other.requests(), other.id()));
            assert_eq!((server.scur(), server.queue_time(), server.lastchg()), (None, None, None));
            assert!(other.scur().is_some() && other.lastchg().is_some());
        }
        let infos = |snapshot: &Snapshot| snapshot.processes()[0].info().unwrap().iter().count();
        assert_eq!(infos(&small), infos(&whole));
        assert!(small.heap_size() * 4 < whole.heap_size());
        println!("HAProxy {}: {} of {} bytes", release.version, small.heap_size(), whole.heap_size());
    }
}

#[tokio::test]
async fn a_proxy_is_read_alone_whatever_its_name() {
    for release in releases() {
        let running = zoo(&release).await;
        zoo_settled(&running).await;
        let cluster = cluster(&running).await;
        // A frontend and a backend have the name.
        let servers = cluster.snapshot_of(&Scope::servers().proxy("both")).await.unwrap();
        assert_eq!(servers.servers().iter().map(|one| one.name().to_owned()).collect::<Vec<_>>(), ["b1"]);
        let frontends = cluster.snapshot_of(&Scope::frontends().proxy("both")).await.unwrap();
        assert_eq!(frontends.frontends().len(), 1);
        let whole = cluster.snapshot().await.unwrap();
        let both = cluster.snapshot_of(&Scope::all().proxy("both")).await.unwrap();
        assert_eq!((both.frontends().len(), both.backends().len(), both.servers().len()), (1, 1, 1));
        assert_eq!(outline(&both, |_| true), outline(&whole, |row| row.proxy() == "both"));
        for name in ["nobody", "1", "2", "#1", "-1", "", "a b", "a;disable frontend web", "a\nb"] {
            let scope = Scope::all().proxy(name);
            let none = cluster.snapshot_of(&scope).await.unwrap();
            assert!(none.processes()[0].stat().unwrap().is_empty(), "{name:?}");
            assert!(none.is_complete());
        }
        assert_eq!(cluster.snapshot().await.unwrap().servers().len(), whole.servers().len());
    }
}

#[tokio::test]
async fn a_small_snapshot_is_written_joined_and_compared() {
    for release in releases() {
        let running = zoo(&release).await;
        zoo_settled(&running).await;
        let cluster = cluster(&running).await;
        let scope = Scope::frontends().and(Scope::servers()).columns(["stot", "bin", "rate"]).unwrap();
        let earlier = cluster.snapshot_of(&scope).await.unwrap();
        let text = serde_json::to_string(&earlier).unwrap();
        assert_eq!(serde_json::from_str::<Snapshot>(&text).unwrap(), earlier);
        let frontend = earlier.frontends()[0].name().to_owned();
        let later = cluster.snapshot_of(&scope).await.unwrap();
        assert_eq!(earlier.join(&later), later);
        let whole = cluster.snapshot().await.unwrap();
        assert_eq!(later.join(&whole), whole);
        let delta = later.since(&earlier);
        let increase = delta.frontend(&frontend).unwrap();
        assert!(increase.increase("bin").unwrap().is_some());
        assert!(increase.increase("ereq").unwrap().is_none(), "not requested");
        // The whole snapshot has more objects, and the small one fewer columns.
        let delta = whole.since(&earlier);
        assert!(delta.frontend(&frontend).unwrap().increase("bin").unwrap().is_some());
        assert!(delta.frontend(&frontend).unwrap().increase("ereq").unwrap().is_none());
    }
}

#[tokio::test]
async fn columns_of_a_file_are_renewed() {
    let running = shared_cluster(&[Member::Sharing, Member::Sharing]).await;
    send_shared_traffic(&running).await;
    let cluster = cluster(&running).await;
    cluster.snapshot().await.unwrap();
    let scope = Scope::all().columns(["bin", "scur"]).unwrap();
    let small = cluster.snapshot_of(&scope).await.unwrap();
    let whole = cluster.snapshot().await.unwrap();
    for (one, other) in small.servers().iter().zip(whole.servers()) {
        assert_eq!((one.requests(), one.bin()), (other.requests(), other.bin()), "{}", one.name());
        assert_eq!(one.sharing(), other.sharing());
    }
    running.send_all(&[("web", 1, 3)]).await;
    let renewed = small.with_counters_from_files().await;
    assert!(renewed.is_complete(), "{renewed:?}");
    let sum = row(running.socket(1), "web", "FRONTEND").await.number("req_tot");
    assert_eq!(renewed.frontend("web").unwrap().requests().exact(), Some(sum));
    assert_eq!(renewed.frontend("web").unwrap().ereq(), None);
}

#[tokio::test]
async fn a_read_of_less_fails_as_a_read_of_all() {
    let mut running = ancestor_cluster(&release("3.4")).await;
    let cluster = cluster(&running).await;
    cluster.snapshot().await.unwrap();
    running.kill(1);
    let scope = Scope::frontends().columns(["scur"]).unwrap();
    let error = cluster.snapshot_of(&scope).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Incomplete);
    assert_eq!(error.snapshot().unwrap().failed().count(), 1);
    let partial = cluster.allow_partial().snapshot_of(&scope).await.unwrap();
    let columns: BTreeSet<usize> =
        partial.processes().iter().filter_map(Process::stat).map(|stat| stat.header().len()).collect();
    assert_eq!(columns, BTreeSet::from([10]));
}
