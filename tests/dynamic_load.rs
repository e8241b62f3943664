//! Servers that are added and deleted while clients send requests, on a cluster with a process of
//! each release that can do it. Its outcome is what the clients and each process' own socket say.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "in a test a panic is the failure message")]
#![allow(clippy::indexing_slicing, reason = "the same")]
#![allow(clippy::print_stdout, reason = "the figures are for people")]

use std::time::{Duration, Instant};

use haproxyadmin::server::{NewServer, OperationalState, Removal};
use haproxyadmin::{AdminState, Cluster, ErrorKind, ServerRef};

mod support;

use support::{
    Clients, Config, Moment, Relay, Release, Running, every_cell, every_state, hold, hold_each,
    releases_since, row, until, until_every_cell,
};

const CONFIG: &str = r#"
global
    nbthread 2
    stats socket "unix@${DIR}/stats/${N}.sock" mode 600 level admin
defaults
    mode http
    timeout connect 5s
    timeout client 1m
    timeout server 1m
frontend web
    bind "unix@${DIR}/traffic/web.${N}"
    default_backend app
backend app
    balance roundrobin
    server web1 "${SERVER_1}"
"#;

/// Additions, each with its deletion.
const ROUNDS: usize = 100;

fn able() -> Vec<Release> {
    releases_since("2.6")
}

async fn running(releases: &[Release]) -> Running {
    Running::of(2, releases, |_| Config::new(CONFIG)).await
}

fn web9(cluster: &Cluster) -> ServerRef {
    cluster.server_ref("app", "web9").unwrap()
}

/// Returns the state of `web9` in each process, or `-`.
async fn states(cluster: &Cluster) -> Vec<String> {
    let all = cluster.backend_ref("app").unwrap().fetch_server_states().await.unwrap();
    let state = |servers: &Vec<haproxyadmin::server::ServerState>| {
        let found = servers.iter().find(|server| &*server.name == "web9");
        found.map_or_else(
            || "-".to_owned(),
            |server| format!("{} {}", server.administrative, server.operational),
        )
    };
    all.values().map(|(_, servers)| state(servers)).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_request_is_lost_while_servers_come_and_go() {
    let running = running(&able()).await;
    let cluster = Cluster::from_dir(running.stats()).await.unwrap();
    let backend = cluster.backend_ref("app").unwrap();
    let new = NewServer::new(running.servers[1].address());
    let count = able().len();
    let there = vec![format!("{} {}", AdminState::Ready, OperationalState::Running); count];
    let (clients, start) = (Clients::start(&running, "web"), Instant::now());
    for round in 0..ROUNDS {
        backend.add_server("web9", &new).await.unwrap();
        assert_eq!(states(&cluster).await, there, "round {round}");
        let takes_traffic = async || {
            let taken = every_cell(&running, "app", "web9", "stot").await;
            taken.iter().all(|requests| requests.parse::<u64>().unwrap() > 0).then_some(())
        };
        until("every process has sent a request to the added server", takes_traffic).await;
        web9(&cluster).delete(&Removal::new().within(Duration::from_secs(30))).await.unwrap();
        assert_eq!(states(&cluster).await, vec!["-"; count], "round {round}");
    }
    let taken = start.elapsed();
    let (sent, lost) = clients.end().await;
    let rate = f64::from(u32::try_from(sent).unwrap()) / taken.as_secs_f64();
    println!("{ROUNDS} servers came and went in {taken:.1?}: {sent} requests, {rate:.0} a second");
    assert_eq!(lost, Vec::<String>::new(), "{sent} requests");
    assert!(running.servers[1].requests() >= ROUNDS * count);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_stuck_session_stays_until_it_is_ended_by_force() {
    let running = running(&able()).await;
    let cluster = Cluster::from_dir(running.stats()).await.unwrap();
    let new = NewServer::new(running.servers[1].address());
    cluster.server_ref("app", "web1").unwrap().set_weight("0".parse().unwrap()).await.unwrap();
    cluster.backend_ref("app").unwrap().add_server("web9", &new).await.unwrap();
    let stuck = hold_each(&running, "web", ("app", "web9")).await;
    cluster.server_ref("app", "web1").unwrap().set_weight("1".parse().unwrap()).await.unwrap();
    let clients = Clients::start(&running, "web");
    let removal = Removal::new().within(Duration::from_millis(500));
    let outcomes = web9(&cluster.allow_partial()).delete(&removal).await.unwrap();
    assert_eq!(outcomes.len(), able().len());
    for outcome in &outcomes {
        let error = outcome.error().unwrap();
        assert_eq!(error.kind(), ErrorKind::PartiallyApplied, "{error}");
        let left =
            "the server was put into maintenance, and was not deleted, with 1 connection in use after ";
        assert!(error.to_string().contains(left), "{error}");
    }
    let in_maintenance = states(&cluster).await;
    assert!(in_maintenance.iter().all(|state| state.starts_with("maint ")), "{in_maintenance:?}");

    web9(&cluster).delete(&removal.force()).await.unwrap();
    assert_eq!(states(&cluster).await, vec!["-"; able().len()]);
    let (sent, lost) = clients.end().await;
    assert!(sent > 0);
    assert_eq!(lost, Vec::<String>::new(), "{sent} requests");
    drop(stuck);
}

#[tokio::test]
async fn a_reply_that_is_lost_leaves_an_error_that_says_what_may_be_there() {
    for release in able() {
        for (command, said, state) in [
            ("add server", "outcome unknown: closed without an answer", "1"),
            (
                "enable server",
                "`enable server app/web9`: the server was added, and this command may have been executed: \
                 outcome unknown: closed without an answer",
                "0",
            ),
        ] {
            let running = running(std::slice::from_ref(&release)).await;
            let path = running.dir().join("relay.sock");
            let relay = Relay::new(&path, running.socket(1));
            let cluster = Cluster::from_addresses([path.as_path()]).await.unwrap();
            relay.mark([command]);
            relay.hold(Moment::Marked);
            let (backend, address) = (cluster.backend_ref("app").unwrap(), running.servers[1].address());
            let adding =
                tokio::spawn(async move { backend.add_server("web9", &NewServer::new(address)).await });
            relay.holds(1).await;
            relay.cut();
            let error = adding.await.unwrap().unwrap_err();
            let start = format!("`add server app/web9 {address}` on {}: ", path.display());
            assert_eq!(error.to_string(), start + said, "{}", release.version);
            assert_eq!(relay.sent().matches("add server app/web9").count(), 1, "{}", relay.sent());
            // The process has executed the command all the same.
            let is_there = async || {
                (every_state(&running, "app", "web9", "srv_admin_state").await == [state]).then_some(())
            };
            until("the server is there", is_there).await;
            web9(&cluster).delete(&Removal::new()).await.unwrap();
        }
    }
}

#[tokio::test]
async fn a_server_of_the_configuration_is_deleted_from_the_process_of_a_reload_too() {
    for release in able() {
        let (mut running, cluster, held) = deleting_is_stuck(&release).await;
        let server = cluster.server_ref("app", "web1").unwrap();
        let deleting = tokio::spawn(async move { server.delete(&patient()).await });
        is_in_maintenance(&running, "web1").await;
        running.haproxies[0].reload().await;
        deleting.await.unwrap().unwrap();
        assert_eq!(every_state(&running, "app", "web1", "srv_id").await, [""], "{}", release.version);
        drop(held);
    }
}

#[tokio::test]
async fn an_added_server_that_a_reload_removes_is_absent() {
    for release in able() {
        let (mut running, cluster, held) = deleting_is_stuck(&release).await;
        let server = web9(&cluster);
        let deleting = tokio::spawn(async move { server.delete(&patient()).await });
        is_in_maintenance(&running, "web9").await;
        running.haproxies[0].reload().await;
        let error = deleting.await.unwrap().unwrap_err();
        assert_eq!(error.kind(), ErrorKind::NotFound, "{error}");
        assert_eq!(every_state(&running, "app", "web9", "srv_id").await, [""], "{}", release.version);
        drop(held);
    }
}

fn patient() -> Removal {
    Removal::new().within(Duration::from_secs(30))
}

/// A process behind a master, with requests on its server `web1` and on the added server `web9` that
/// do not end.
async fn deleting_is_stuck(release: &Release) -> (Running, Cluster, Vec<impl Sized + use<>>) {
    let mut running = Running::new();
    running.add_servers(2).await;
    let config = running.fill(Config::new(CONFIG).set("N", 1));
    running.add_master(release, "1", &config).await;
    let cluster = Cluster::from_dir(running.stats()).await.unwrap();
    let new = NewServer::new(running.servers[1].address());
    cluster.backend_ref("app").unwrap().add_server("web9", &new).await.unwrap();
    let held =
        vec![hold(running.traffic("web", 1), "/hold").await, hold(running.traffic("web", 1), "/hold").await];
    for server in ["web1", "web9"] {
        let is_held =
            async || (row(running.socket(1), "app", server).await.number("scur") == 1).then_some(());
        until("each server has a request", is_held).await;
    }
    (running, cluster, held)
}

async fn is_in_maintenance(running: &Running, server: &str) {
    until_every_cell(running, "app", server, "status", "MAINT").await;
}
