//! The states and the connections of all servers.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "in a test a panic is the failure message")]
#![allow(clippy::indexing_slicing, reason = "the same")]

mod support;

use haproxyadmin::{Cluster, ErrorKind};
use support::{MasterWorker, Running, ancestor_cluster, hold_at, release, releases, zoo, zoo_settled};

async fn cluster(running: &Running) -> Cluster {
    Cluster::from_dir(running.stats()).await.unwrap()
}

#[tokio::test]
async fn the_states_and_connections_of_all_servers_are_read() {
    for release in releases() {
        let running = zoo(&release).await;
        zoo_settled(&running).await;
        let cluster = cluster(&running).await;
        let what = format!("HAProxy {}", release.version);
        let whole = cluster.snapshot().await.unwrap();
        let joined = |backend: &str, name: &str| format!("{backend}/{name}");
        let mut expected: Vec<_> =
            whole.servers().iter().map(|one| (joined(one.backend(), one.name()), one.id())).collect();
        expected.sort_by(|one, other| one.0.cmp(&other.0));

        let outcomes = cluster.fetch_server_states().await.unwrap();
        let (_, states) = outcomes.values().next().unwrap();
        let mut listed: Vec<_> = states.iter().map(|one| joined(&one.backend, &one.name)).collect();
        listed.sort();
        // A server of a backend that is disabled is listed, and has no row.
        assert!(expected.iter().all(|(name, _)| listed.contains(name)), "{what}: {listed:?}");
        for state in states {
            let Ok(server) = whole.server(&state.backend, &state.name) else { continue };
            if let Some(weight) = server.weight().and_then(|weight| weight.same().copied()) {
                let drained = state.administrative.to_string() != "ready" || weight == 0;
                assert!(weight == state.weight || drained, "{what}: {} {weight}", state.name);
            }
        }

        let outcomes = cluster.fetch_server_connections().await.unwrap();
        let (_, connections) = outcomes.values().next().unwrap();
        let mut listed: Vec<_> = connections.iter().map(|one| joined(&one.backend, &one.name)).collect();
        listed.sort();
        assert!(expected.iter().all(|(name, _)| listed.contains(name)), "{what}: {listed:?}");
        let backend = cluster.backend("app").await.ok().map(|one| one.name().to_owned());
        let backend = backend.unwrap_or_else(|| "states".to_owned());
        let of_one = cluster.backend_ref(&backend).unwrap().fetch_server_connections().await.unwrap();
        let (_, of_one) = of_one.values().next().unwrap();
        let names: Vec<_> = of_one.iter().map(|one| one.name.to_string()).collect();
        let servers = whole.backend(&backend).unwrap().servers();
        assert_eq!(names, servers.iter().map(|one| one.name().to_owned()).collect::<Vec<_>>(), "{what}");
        assert!(of_one.iter().all(|one| *one.backend == *backend), "{what}");
        let error = cluster.backend_ref("nobody").unwrap().fetch_server_connections().await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::NotFound, "{what}: {error}");
    }
}

#[tokio::test]
async fn a_connection_in_use_is_counted() {
    for release in releases() {
        let pair = MasterWorker::start(&release).await;
        let held = hold_at(&pair.running, 1, "web", ("app", "web1")).await;
        let direct = Cluster::from_dir(pair.running.stats()).await.unwrap();
        let behind = Cluster::builder().master(pair.master.clone()).build().await.unwrap();
        for cluster in [direct, behind] {
            let outcomes = cluster.fetch_server_connections().await.unwrap();
            let (_, servers) = outcomes.values().next().unwrap();
            let used: Vec<_> = servers.iter().map(|one| (&*one.backend, &*one.name, one.used)).collect();
            assert_eq!(used, [("app", "web1", 1)], "HAProxy {}", release.version);
            let states = cluster.fetch_server_states().await.unwrap();
            let (_, states) = states.values().next().unwrap();
            let weights: Vec<_> = states.iter().map(|one| (&*one.name, one.weight)).collect();
            assert_eq!(weights, [("web1", 100)], "HAProxy {}", release.version);
        }
        drop(held);
    }
}

#[tokio::test]
async fn a_process_of_nbproc_lists_the_connections_of_its_own_servers() {
    let running = ancestor_cluster(&release("2.2")).await;
    let cluster = cluster(&running).await;
    let backend = cluster.backend_ref("backend1_proc34").unwrap();
    let outcomes = backend.fetch_server_connections().await.unwrap();
    let here: Vec<_> = outcomes.iter().map(|outcome| outcome.value().is_some()).collect();
    assert_eq!(here, [false, false, true, true]);
    let all = cluster.fetch_server_connections().await.unwrap();
    let states = cluster.fetch_server_states().await.unwrap();
    assert_eq!((all.values().count(), states.values().count()), (4, 4));
}
