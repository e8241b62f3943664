//! Snapshots as values: serialized, read back and joined.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "in a test a panic is the failure message")]
#![allow(clippy::indexing_slicing, reason = "the same")]

use arbtest::arbitrary::{Result, Unstructured};
use arbtest::arbtest;
use haproxyadmin::{Cluster, ErrorKind, Snapshot};

mod support;

use support::{
    ANCESTOR_TRAFFIC, Config, Running, ancestor_cluster, mixed_cluster, mixed_traffic, release, releases,
    zoo, zoo_settled,
};

fn written(snapshot: &Snapshot) -> String {
    serde_json::to_string(snapshot).unwrap()
}

fn read(text: &str) -> Snapshot {
    serde_json::from_str(text).unwrap()
}

async fn one_for_each_process(running: &Running, host: &str) -> Vec<Snapshot> {
    let mut snapshots = Vec::new();
    for socket in running.sockets() {
        let cluster = Cluster::builder().address(socket).host(host).build().await.unwrap();
        snapshots.push(cluster.snapshot().await.unwrap());
    }
    snapshots
}

#[tokio::test]
async fn a_snapshot_written_down_and_read_back_is_equal() {
    for release in releases() {
        let mut running = zoo(&release).await;
        zoo_settled(&running).await;
        let cluster = Cluster::from_dir(running.stats()).await.unwrap();
        let snapshot = cluster.snapshot().await.unwrap();
        assert_eq!(read(&written(&snapshot)), snapshot);

        running.kill(1);
        let failed = cluster.allow_partial().snapshot().await.unwrap();
        assert_eq!(read(&written(&failed)), failed);
        assert_ne!(failed, snapshot);
    }
}

#[tokio::test]
async fn snapshots_of_single_processes_joined_are_the_clusters() {
    for release in releases() {
        let running = ancestor_cluster(&release).await;
        running.send_all(&ANCESTOR_TRAFFIC).await;
        let parts = one_for_each_process(&running, "a").await;
        let joined = Snapshot::joined(&parts);
        let cluster = Cluster::builder().dir(running.stats()).host("a").build().await.unwrap();
        let whole = cluster.snapshot().await.unwrap();
        let processes = |snapshot: &Snapshot| -> Vec<_> {
            snapshot
                .processes()
                .iter()
                .map(|one| (one.label().clone(), one.address().clone(), one.pid()))
                .collect()
        };
        assert_eq!(processes(&joined), processes(&whole));
        for (one, other) in joined.frontends().iter().zip(whole.frontends()) {
            assert_eq!((one.name(), one.requests()), (other.name(), other.requests()));
            assert_eq!(one.processes(), other.processes());
        }
        for (one, other) in joined.servers().iter().zip(whole.servers()) {
            assert_eq!(
                (one.backend(), one.name(), one.requests()),
                (other.backend(), other.name(), other.requests())
            );
        }
        assert_eq!(joined.servers().len(), whole.servers().len());
        // The newer report of each process wins, so joining both gives the later snapshot.
        assert_eq!(joined.join(&whole), whole);
        assert_eq!(whole.join(&joined), whole);
    }
}

#[tokio::test]
async fn two_hosts_with_the_same_socket_path_stay_two() {
    let running = ancestor_cluster(&release("2.6")).await;
    let mut here = one_for_each_process(&running, "host-a").await;
    let there = one_for_each_process(&running, "host-b").await;
    here.extend(there);
    let joined: Snapshot = here.into_iter().collect();
    assert_eq!(joined.processes().len(), 8);
    let labels: Vec<_> = joined.processes().iter().map(|process| process.label().to_string()).collect();
    let path = |n| running.socket(n).display().to_string();
    assert_eq!(labels[0], format!("host-a:{}", path(1)));
    assert_eq!(labels[4], format!("host-b:{}", path(1)));
}

#[tokio::test]
async fn numbered_processes_of_two_hosts_have_labels_of_their_own() {
    let running = ancestor_cluster(&release("2.2")).await;
    let joined = Snapshot::joined(&one_for_each_process(&running, "a").await);
    let labels: Vec<_> = joined.processes().iter().map(|process| process.label().to_string()).collect();
    assert_eq!(labels, ["1", "2", "3", "4"]);
    let both = joined.join(&Snapshot::joined(&one_for_each_process(&running, "b").await));
    let mut labels: Vec<_> = both.processes().iter().map(|process| process.label().to_string()).collect();
    labels.dedup();
    assert_eq!(labels.len(), 8);
}

#[tokio::test]
async fn what_a_newer_version_stored_is_kept() {
    let running = support::levels(&release("3.0")).await;
    let cluster = Cluster::from_addresses([running.socket(1)]).await.unwrap();
    let text = written(&cluster.snapshot().await.unwrap());
    let mut json: serde_json::Value = serde_json::from_str(&text).unwrap();
    json["processes"][0]["weather"] = serde_json::json!({"sun": [1, -2, 3.5, null, true, "x"]});
    json["processes"][0]["info"].as_array_mut().unwrap().push(serde_json::json!(["Novelty", "7"]));
    let snapshot: Snapshot = serde_json::from_value(json.clone()).unwrap();
    assert_eq!(serde_json::to_value(&snapshot).unwrap(), json);
    assert_eq!(snapshot.info().metric("Novelty").unwrap().unwrap().to_string(), "7");
}

#[tokio::test]
async fn a_snapshot_that_is_none_is_refused() {
    let running = support::levels(&release("3.0")).await;
    let cluster = Cluster::from_addresses([running.socket(1)]).await.unwrap();
    let json = serde_json::to_value(cluster.snapshot().await.unwrap()).unwrap();
    let refused = |change: &dyn Fn(&mut serde_json::Value)| {
        let mut json = json.clone();
        change(&mut json);
        serde_json::from_value::<Snapshot>(json).unwrap_err().to_string()
    };
    assert_eq!(refused(&|json| json["format"] = 2.into()), "snapshot format 2 is not 1");
    let cut = |json: &mut serde_json::Value| {
        let text = json["processes"][0]["stat"].as_str().unwrap();
        json["processes"][0]["stat"] = text[..text.len() - 1].into();
    };
    assert!(refused(&cut).contains("answer ended early"));
    let neither = |json: &mut serde_json::Value| {
        json["processes"][0].as_object_mut().unwrap().remove("stat");
    };
    assert!(refused(&neither).contains("either an error or `show stat`"));
}

#[tokio::test]
async fn a_snapshot_is_complete_or_an_error_that_holds_it() {
    let mut running = mixed_cluster().await;
    running.send_all(&mixed_traffic()).await;
    let cluster = Cluster::from_dir(running.stats()).await.unwrap().allow_partial();
    assert!(cluster.snapshot().await.unwrap().complete().is_ok());
    running.kill(3);
    let partial = cluster.snapshot().await.unwrap();
    let error = partial.clone().complete().unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Incomplete);
    assert_eq!(error.snapshot(), Some(&partial));
    let answered = partial.filter(|process| process.failure().is_none());
    assert_eq!(answered.complete().unwrap().processes().len(), releases().len() - 1);
}

#[test]
fn what_is_not_found_among_some_may_be_with_the_others() {
    let process = |n: usize, answers: bool| {
        let mut process = serde_json::json!({
            "host": "host", "address": format!("/run/{n}.sock"), "read_at": 1,
        });
        if answers {
            process["level"] = "admin".into();
            process["info"] = serde_json::json!([["Name", "HAProxy"]]);
            process["stat"] = "# pxname,svname,type,\napp,BACKEND,1,\n\n".into();
        } else {
            process["error"] = serde_json::json!({"kind": "closed", "message": "closed without an answer"});
        }
        process
    };
    let snapshot = |answers: &[bool]| -> Snapshot {
        let processes: Vec<_> = (1..).zip(answers).map(|(n, answers)| process(n, *answers)).collect();
        serde_json::from_value(serde_json::json!({"format": 1, "processes": processes})).unwrap()
    };
    let partial = snapshot(&[true, false, true, true]);
    let backend = partial.backend("app").unwrap();
    let among = "in the 3 processes that answered; \
                 1 of 4 processes did not answer: /run/2.sock: closed without an answer";
    for (error, what) in [
        (partial.frontend("web").unwrap_err(), "frontend \"web\""),
        (partial.backend("api").unwrap_err(), "backend \"api\""),
        (partial.server("app", "web1").unwrap_err(), "server \"app/web1\""),
        (backend.server("web1").unwrap_err(), "server \"app/web1\""),
    ] {
        assert_eq!((error.kind(), error.snapshot()), (ErrorKind::Incomplete, Some(&partial)));
        assert_eq!(error.to_string(), format!("no such {what} {among}"));
        assert_eq!((error.address(), error.command()), (None, None));
    }
    assert_eq!(
        snapshot(&[true, false]).backend("api").unwrap_err().to_string(),
        "no such backend \"api\" in the process that answered; \
         1 of 2 processes did not answer: /run/2.sock: closed without an answer"
    );
    let whole = snapshot(&[true, true]);
    assert_eq!(whole.backend("api").unwrap_err().kind(), ErrorKind::NotFound);
    let error = whole.backend("app").unwrap().server("web1").unwrap_err();
    assert_eq!(error.to_string(), "no such server \"app/web1\"");
}

#[tokio::test]
async fn an_address_of_any_length_is_read_back() {
    let cluster = Cluster::from_addresses([format!("/run/{}.sock", "x".repeat(200)).as_str()]).await.unwrap();
    let snapshot = cluster.allow_partial().snapshot().await.unwrap();
    assert_eq!(snapshot.failed().count(), 1);
    assert_eq!(read(&written(&snapshot)), snapshot);
}

#[tokio::test]
async fn the_sockets_of_one_named_bind_line_are_one_listener_of_one_process() {
    for release in releases().iter().filter(|release| release.is_at_least("2.6")) {
        let mut running = Running::new();
        running.add(release, "shards", &Config::new(SHARDS)).await;
        let cluster = Cluster::from_dir(running.stats()).await.unwrap();
        let listeners = cluster.listeners().await.unwrap();
        assert_eq!(listeners.len(), 1, "HAProxy {}", release.version);
        let listener = &listeners[0];
        assert_eq!((listener.per_process().count(), listener.processes()), (2, vec!["shards"]));
        let json = serde_json::to_value(listener.metric("sid").unwrap()).unwrap();
        assert_eq!(json, serde_json::json!({"shards": ["1", "2"]}), "HAProxy {}", release.version);
    }
}

const SHARDS: &str = r#"
global
    nbthread 2
    stats socket "unix@${DIR}/stats/shards.sock" mode 600 level admin

defaults
    mode http
    timeout connect 1s
    timeout client 30s
    timeout server 30s

frontend web
    bind "127.0.0.1:${PORT_WEB}" name main shards 2
    option socket-stats
"#;

/// Dumps of one process: the fixtures of two releases, a failure (the empty text), and dumps
/// that differ only in an empty cell or a column.
const DUMPS: [&str; 6] = [
    "2.2",
    "3.4",
    "",
    "# pxname,svname,type,\nweb,FRONTEND,0,\n\n",
    "# pxname,svname,type,stot,\nweb,FRONTEND,0,,\n\n",
    "# pxname,svname,type,novel,\nweb,FRONTEND,0,,\n\n",
];

/// Returns a snapshot of a few processes at a few moments, some failed.
fn any_snapshot(u: &mut Unstructured<'_>) -> Result<Snapshot> {
    let number = u.int_in_range(0..=4)?;
    let processes = (0..number).map(|_| any_process(u)).collect::<Result<Vec<_>>>()?;
    Ok(read(&serde_json::json!({"format": 1, "processes": processes}).to_string()))
}

fn any_process(u: &mut Unstructured<'_>) -> Result<serde_json::Value> {
    let (n, at) = (u.int_in_range(0..=2)?, u.int_in_range(0..=1)?);
    let (dump, directory) = (*u.choose(&DUMPS)?, *u.choose(&["/run/", "/run//"])?);
    let mut process = serde_json::json!({
        "host": format!("host{}", n % 2), "address": format!("{directory}{n}.sock"), "read_at": at,
    });
    if dump.is_empty() {
        process["error"] = serde_json::json!({"kind": "timeout", "message": format!("late {at}")});
        return Ok(process);
    }
    process["level"] = "admin".into();
    process["info"] = serde_json::json!([["Name", "HAProxy"], ["Nbproc", "1"], ["Pid", n.to_string()]]);
    process["stat"] = if dump.starts_with('#') {
        dump.into()
    } else {
        let path = format!("{}/fixtures/{dump}/show_stat_filter_frontends.txt", env!("CARGO_MANIFEST_DIR"));
        std::fs::read_to_string(path).unwrap().into()
    };
    Ok(process)
}

#[test]
fn joining_is_associative_commutative_and_idempotent() {
    arbtest(|u| {
        let [a, b, c] = [any_snapshot(u)?, any_snapshot(u)?, any_snapshot(u)?];
        assert_eq!(a.join(&b), b.join(&a));
        assert_eq!(written(&a.join(&b)), written(&b.join(&a)));
        assert_eq!(a.join(&b).join(&c), a.join(&b.join(&c)));
        assert_eq!(&a.join(&a), &a);
        assert_eq!(Snapshot::joined([&c, &a, &b, &a, &c]), a.join(&b).join(&c));
        Ok(())
    })
    .budget_ms(1_000);
}
