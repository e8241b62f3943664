//! Changes of frontends in a process of each release, checked on the stats socket of each process.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "in a test a panic is the failure message")]
#![allow(clippy::indexing_slicing, reason = "the same")]

use haproxyadmin::{Change, Cluster, ErrorKind, Outcome, Outcomes};

mod managed;
mod support;

use managed::{all, from, managed, words};
use support::{ancestor_cluster, every_cell, release, releases, row, rows, try_ask};

/// Does the same with a frontend that is only named and with a frontend that was read.
macro_rules! named_and_read {
    ($cluster:ident, $name:literal, |$frontend:ident| $body:block) => {
        for _ in ["named"] {
            let $frontend = $cluster.frontend_ref($name).unwrap();
            $body
        }
        for _ in ["read"] {
            let $frontend = $cluster.frontend($name).await.unwrap();
            $body
        }
    };
}

fn messages(outcomes: &Outcomes<Change>) -> Vec<String> {
    outcomes.iter().map(|outcome| outcome.message().unwrap_or_default()).collect()
}

#[tokio::test]
async fn a_frontend_is_disabled_and_enabled() {
    let (running, cluster) = managed().await;
    named_and_read!(cluster, "web", |frontend| {
        assert_eq!(words(&frontend.disable().await.unwrap()), all("changed"));
        assert_eq!(every_cell(&running, "web", "FRONTEND", "status").await, from("2.6", "STOP", "PAUSED"));
        assert_eq!(words(&frontend.enable().await.unwrap()), all("changed"));
        assert_eq!(every_cell(&running, "web", "FRONTEND", "status").await, all("OPEN"));
    });
}

#[tokio::test]
async fn a_frontend_that_is_so_already_is_unchanged() {
    let (_running, cluster) = managed().await;
    named_and_read!(cluster, "web", |frontend| {
        let outcomes = frontend.enable().await.unwrap();
        assert_eq!(words(&outcomes), all("unchanged"));
        let (old, new) = ("Frontend is already enabled.", "All sockets are already enabled.");
        assert_eq!(messages(&outcomes), from("2.6", old, new));
        frontend.disable().await.unwrap();
        let outcomes = frontend.disable().await.unwrap();
        assert_eq!(words(&outcomes), all("unchanged"));
        let (old, new) = ("Frontend is already disabled.", "All sockets are already disabled.");
        assert_eq!(messages(&outcomes), from("2.6", old, new));
        frontend.enable().await.unwrap();
    });
}

#[tokio::test]
async fn a_frontend_is_shut_down_for_good() {
    let (running, cluster) = managed().await;
    let read = cluster.frontend("web").await.unwrap();
    assert_eq!(words(&read.shutdown().await.unwrap()), all("changed"));
    assert_eq!(every_cell(&running, "web", "FRONTEND", "status").await, from("2.6", "", "STOP"));
    for n in 1..=running.processes() {
        assert!(try_ask(running.traffic("web", n), "").await.is_err(), "process {n} still listens");
    }
    let named = cluster.frontend_ref("web").unwrap();
    let outcomes = named.shutdown().await.unwrap();
    assert_eq!(words(&outcomes), all("unchanged"));
    assert_eq!(messages(&outcomes), all("Frontend was already shut down."));
}

#[tokio::test]
async fn a_frontend_without_sockets_is_neither_enabled_nor_disabled() {
    let (_running, cluster) = managed().await;
    cluster.frontend_ref("web").unwrap().shutdown().await.unwrap();
    for name in ["closed", "web"] {
        let frontend = cluster.allow_partial().frontend_ref(name).unwrap();
        for (outcomes, verb) in [(frontend.enable().await, "enable"), (frontend.disable().await, "disable")] {
            let outcomes = outcomes.unwrap();
            let refused = format!("refused: \"Frontend was previously shut down, cannot {verb}.\"");
            assert_eq!(messages(&outcomes), all(refused));
            assert!(outcomes.failed().all(|one| one.error().unwrap().kind() == ErrorKind::Refused));
        }
    }
}

#[tokio::test]
async fn a_frontend_takes_as_many_connections_as_it_may() {
    let (running, cluster) = managed().await;
    named_and_read!(cluster, "web", |frontend| {
        for connections in [7, 0, 2_147_483_647, 100] {
            assert_eq!(words(&frontend.set_maxconn(connections).await.unwrap()), all("changed"));
            let slim = every_cell(&running, "web", "FRONTEND", "slim").await;
            assert_eq!(slim, all(connections.to_string()));
        }
    });
}

#[tokio::test]
async fn more_connections_than_haproxy_can_count_are_refused() {
    let (running, cluster) = managed().await;
    let frontend = cluster.allow_partial().frontend_ref("web").unwrap();
    for connections in [2_147_483_648, 3_000_000_000, u32::MAX] {
        let outcomes = frontend.set_maxconn(connections).await.unwrap();
        assert_eq!(messages(&outcomes), all("refused: \"Value out of range.\""));
        assert_eq!(every_cell(&running, "web", "FRONTEND", "slim").await, all("100"));
    }
}

#[tokio::test]
async fn a_frontend_that_nobody_has_is_not_found() {
    let (_running, cluster) = managed().await;
    for name in ["nobody", "app"] {
        let frontend = cluster.frontend_ref(name).unwrap();
        for outcomes in [
            frontend.enable().await,
            frontend.disable().await,
            frontend.shutdown().await,
            frontend.set_maxconn(3).await,
        ] {
            let error = outcomes.unwrap_err();
            assert_eq!(error.kind(), ErrorKind::NotFound);
            let outcomes = error.outcomes::<Change>().unwrap();
            let said: Vec<_> = outcomes.iter().map(Outcome::absent).collect();
            assert_eq!(said, all(Some("No such frontend.")));
        }
    }
}

#[tokio::test]
async fn a_process_that_does_not_run_the_frontend_is_left_alone() {
    for release in releases() {
        let running = ancestor_cluster(&release).await;
        let cluster = Cluster::from_dir(running.stats()).await.unwrap();
        named_and_read!(cluster, "frontend1_proc34", |frontend| {
            for outcomes in [frontend.disable().await, frontend.enable().await] {
                let outcomes = outcomes.unwrap();
                assert_eq!(words(&outcomes), ["absent", "absent", "changed", "changed"]);
            }
        });
        let status = row(running.socket(3), "frontend1_proc34", "FRONTEND").await.cell("status").to_owned();
        assert_eq!(status, "OPEN");
    }
}

/// HAProxy 2.2 sets the limit even of a frontend that another process runs.
#[tokio::test]
async fn a_limit_is_changed_where_the_frontend_runs() {
    let running = ancestor_cluster(&release("2.2")).await;
    let cluster = Cluster::from_dir(running.stats()).await.unwrap();
    let outcomes = cluster.frontend_ref("frontend_proc1").unwrap().set_maxconn(30).await.unwrap();
    assert_eq!(words(&outcomes), ["changed", "absent", "absent", "absent"]);
}

/// HAProxy 2.2 reports a shutdown even of a frontend that another process runs.
#[tokio::test]
async fn a_frontend_is_shut_down_where_it_runs() {
    let running = ancestor_cluster(&release("2.2")).await;
    let cluster = Cluster::from_dir(running.stats()).await.unwrap();
    let outcomes = cluster.frontend_ref("frontend_proc1").unwrap().shutdown().await.unwrap();
    let listed = rows(running.socket(1)).await.iter().any(|row| row.is("frontend_proc1", "FRONTEND"));
    assert!(!listed, "it is gone");
    assert_eq!(words(&outcomes), ["changed", "absent", "absent", "absent"]);
}
