//! Servers that are added and deleted at run time, on a process of each release. Each result is read
//! from the process' own socket.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "in a test a panic is the failure message")]
#![allow(clippy::indexing_slicing, reason = "the same")]

use std::time::{Duration, Instant};

use haproxyadmin::server::{AgentCheck, HealthCheck, NewServer, OperationalState, Removal, Tls};
use haproxyadmin::{Cluster, ErrorKind, Outcome, Outcomes, ServerRef};

mod support;

use support::{
    Agent, Config, Held, Parrot, Release, Running, ask, every_cell, every_state, hold_each, http_get,
    release, releases_since, until_every_cell,
};

/// `web1` takes no traffic, so that an added server takes all of it.
const CONFIG: &str = r#"
backend app
    balance roundrobin
    cookie who insert
    default-server weight 77
    server web1 "${SERVER_1}" weight 0 check inter 1h
    server web2 "${SERVER_1}" weight 0 track app/web1
backend static
    balance source
    server web1 "${SERVER_1}"
"#;

/// Processes of these releases, in which `web2` is a server without traffic.
async fn running(releases: &[Release]) -> (Running, Cluster) {
    running_at(releases, "admin").await
}

async fn running_at(releases: &[Release], level: &str) -> (Running, Cluster) {
    let running = Running::of(2, releases, |_| Config::web(CONFIG).set("LEVEL", level)).await;
    let cluster = Cluster::from_dir(running.stats()).await.unwrap();
    (running, cluster)
}

/// The releases that can add a server.
fn able() -> Vec<Release> {
    releases_since("2.6")
}

fn all(text: &str) -> Vec<String> {
    vec![text.to_owned(); able().len()]
}

fn told<T: ToString>(outcomes: &Outcomes<T>) -> Vec<String> {
    outcomes.iter().map(|outcome| outcome.value().map_or_else(|| problem(outcome), T::to_string)).collect()
}

fn problem<T>(outcome: &Outcome<T>) -> String {
    match (outcome.error(), outcome.absent()) {
        (Some(error), _) => error.to_string(),
        (None, words) => format!("absent: {}", words.unwrap_or_default()),
    }
}

/// The number of traffic sockets is the number of processes.
async fn get_everywhere(running: &Running) {
    for n in 1..=running.processes() {
        assert_eq!(http_get(running.traffic("web", n), "/").await, 200, "process {n}");
    }
}

/// Adds `web9`, and holds a request on it in each process.
async fn add_and_hold(running: &Running, cluster: &Cluster) -> Vec<Held> {
    let new = NewServer::new(running.servers[1].address());
    cluster.backend_ref("app").unwrap().add_server("web9", &new).await.unwrap();
    hold_each(running, "web", ("app", "web9")).await
}

fn web9(cluster: &Cluster) -> ServerRef {
    cluster.server_ref("app", "web9").unwrap()
}

#[tokio::test]
async fn an_added_server_takes_traffic_until_it_is_deleted() {
    let (running, cluster) = running(&able()).await;
    let backend = cluster.backend_ref("app").unwrap();
    let new = NewServer::new(running.servers[1].address()).weight(20).maxconn(30);
    let added = backend.add_server("web9", &new).await.unwrap();
    assert_eq!(added.values().count(), able().len());
    for (label, state) in added.values() {
        assert_eq!((&*state.backend, &*state.name, state.id), ("app", "web9", 3), "{label}");
        assert_eq!((state.weight, state.initial_weight), (20, 20), "{label}");
        assert_eq!(
            (state.address.unwrap().to_string(), state.port),
            ("127.0.0.1".to_owned(), Some(running.servers[1].address().port())),
            "{label}"
        );
        assert_eq!(
            (state.operational, state.administrative.bits()),
            (OperationalState::Running, 0),
            "{label}"
        );
    }
    for (column, value) in [("status", "no check"), ("weight", "20"), ("slim", "30"), ("sid", "3")] {
        assert_eq!(every_cell(&running, "app", "web9", column).await, all(value), "{column}");
    }
    let iids = every_cell(&running, "app", "web9", "iid").await;
    assert_eq!(added.values().map(|(_, state)| state.backend_id.to_string()).collect::<Vec<_>>(), iids);
    get_everywhere(&running).await;
    assert_eq!([running.servers[0].requests(), running.servers[1].requests()], [0, able().len()]);

    let deleted = web9(&cluster).delete(&Removal::new()).await.unwrap();
    assert_eq!(told(&deleted), all("changed: Server deleted."));
    assert_eq!(every_cell(&running, "app", "web9", "status").await, all(""));
    assert_eq!(every_state(&running, "app", "web9", "srv_id").await, all(""));
}

#[tokio::test]
async fn an_object_adds_and_deletes_as_its_reference_does() {
    let (running, cluster) = running(&able()).await;
    let new = NewServer::new(running.servers[1].address()).backup();
    let backend = cluster.backend("app").await.unwrap();
    let added = backend.add_server("web9", &new).await.unwrap();
    assert_eq!(added.values().count(), able().len());
    assert_eq!(every_cell(&running, "app", "web9", "bck").await, all("1"));
    let server = cluster.server("app", "web9").await.unwrap();
    assert_eq!(told(&server.delete(&Removal::new()).await.unwrap()), all("changed: Server deleted."));
    assert_eq!(cluster.server("app", "web9").await.unwrap_err().kind(), ErrorKind::NotFound);
}

#[tokio::test]
async fn checks_run_as_soon_as_the_server_is_enabled() {
    let (running, cluster) = running(&able()).await;
    let agent = Agent::start("127.0.0.1:0").await;
    let backend = cluster.backend_ref("app").unwrap();
    let check = HealthCheck::new().interval(Duration::from_millis(50)).rise(1).fall(1);
    let agent_check = AgentCheck::new(agent.address().port()).interval(Duration::from_millis(50));
    let good = NewServer::new(running.servers[1].address()).check(check.clone()).agent(agent_check);
    let good = good.word("agent-send").word("hello");
    backend.add_server("good", &good).await.unwrap();
    // Nothing listens on this port.
    let bad = NewServer::new(running.servers[1].address()).check(check.port(1));
    backend.add_server("bad", &bad).await.unwrap();
    for (server, column, value) in [
        ("good", "check_status", "L4OK"),
        ("good", "agent_status", "L7OK"),
        ("good", "status", "UP"),
        ("bad", "check_status", "L4CON"),
        ("bad", "status", "DOWN"),
    ] {
        until_every_cell(&running, "app", server, column, value).await;
    }
    get_everywhere(&running).await;
}

#[tokio::test]
async fn settings_are_those_of_the_description() {
    let since_3_0 = releases_since("3.0");
    let (running, cluster) = running(&since_3_0).await;
    let backend = cluster.backend_ref("app").unwrap();
    let new = NewServer::new("[::1]:81".parse().unwrap())
        .id(40)
        .guid("guid-9")
        .cookie("c9")
        .check(HealthCheck::new().address("127.0.0.1".parse().unwrap()).tls())
        .tls(Tls::unverified().sni("str(app.example)"))
        .word("slowstart")
        .word("1ms");
    let added = backend.add_server("web9", &new).await.unwrap();
    assert!(added.values().all(|(_, state)| (state.id, state.weight) == (40, 1)), "{added:?}");
    let count = since_3_0.len();
    for (column, value) in [("addr", "[::1]:81"), ("cookie", "c9"), ("sid", "40")] {
        assert_eq!(every_cell(&running, "app", "web9", column).await, vec![value; count], "{column}");
    }
    for (column, value) in [("srv_use_ssl", "1"), ("srv_check_addr", "127.0.0.1")] {
        assert_eq!(every_state(&running, "app", "web9", column).await, vec![value; count], "{column}");
    }
    for n in 1..=count {
        let reply = ask(running.socket(n), "dump stats-file").await;
        assert!(String::from_utf8_lossy(&reply).contains("\nguid-9,"), "process {n}");
    }
}

#[tokio::test]
async fn what_haproxy_does_not_accept_is_refused_and_leaves_nothing() {
    let (running, cluster) = running(&able()).await;
    let partial = cluster.allow_partial();
    let new = NewServer::new(running.servers[1].address());
    let refused = async |backend: &str, server: &str, new: &NewServer| {
        let outcomes = partial.backend_ref(backend).unwrap().add_server(server, new).await.unwrap();
        for outcome in &outcomes {
            assert_eq!(
                outcome.error().map(haproxyadmin::Error::kind),
                Some(ErrorKind::Refused),
                "{outcomes:?}"
            );
        }
        outcomes
    };
    let outcomes = refused("app", "web1", &new).await;
    for (n, message) in (1..).zip(messages(&outcomes)) {
        let command = format!("`add server app/web1 {}`", running.servers[1].address());
        let words = "Already exists a server with the same name in backend.";
        assert_eq!(message, format!("{command} on {}: refused: {words:?}", running.socket(n).display()));
    }
    refused("static", "web9", &new).await;
    refused("app", "web9", &new.clone().word("bogus")).await;
    refused("app", "web9", &new.clone().word("resolvers").word("dns")).await;
    refused("app", "web9", &new.clone().id(1)).await;
    refused("app", "web9", &new.clone().id(0)).await;
    refused("app", "web9", &new.clone().tls(Tls::verified("/nowhere/ca.pem"))).await;
    assert_eq!(every_state(&running, "app", "web9", "srv_id").await, all(""));

    let error = cluster.backend_ref("nope").unwrap().add_server("web9", &new).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::NotFound);
    let absent = partial.backend_ref("nope").unwrap().add_server("web9", &new).await.unwrap();
    assert_eq!(messages(&absent), all("absent: No such backend."));
}

fn messages<T>(outcomes: &Outcomes<T>) -> Vec<String> {
    outcomes.iter().map(problem).collect()
}

#[tokio::test]
async fn a_server_that_is_absent_is_absent() {
    let (_running, cluster) = running(&able()).await;
    let error = web9(&cluster).delete(&Removal::new()).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::NotFound);
    let partial = cluster.allow_partial();
    let absent = web9(&partial).delete(&Removal::new()).await.unwrap();
    assert_eq!(told(&absent), all("absent: No such server."));
    let absent = partial.server_ref("nope", "web9").unwrap().delete(&Removal::new()).await.unwrap();
    assert_eq!(told(&absent), all("absent: No such backend."));
}

#[tokio::test]
async fn each_process_has_its_own_outcome() {
    let (running, cluster) = running(&able()).await;
    let new = NewServer::new(running.servers[1].address());
    cluster.only(["2"]).backend_ref("app").unwrap().add_server("web9", &new).await.unwrap();
    let error = cluster.backend_ref("app").unwrap().add_server("web9", &new).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Incomplete);
    let outcomes: &Outcomes<haproxyadmin::server::ServerState> = error.outcomes().unwrap();
    let added: Vec<_> = outcomes.iter().map(|outcome| outcome.value().is_some()).collect();
    assert_eq!(added, [true, false, true, true]);
    cluster.only(["1", "4"]).server_ref("app", "web9").unwrap().delete(&Removal::new()).await.unwrap();
    let rest = web9(&cluster).delete(&Removal::new()).await.unwrap();
    assert_eq!(
        told(&rest),
        [
            "absent: No such server.",
            "changed: Server deleted.",
            "changed: Server deleted.",
            "absent: No such server."
        ]
    );
}

#[tokio::test]
async fn sessions_are_waited_for_and_ended_by_force_on_request() {
    let (running, cluster) = running(&able()).await;
    let held = add_and_hold(&running, &cluster).await;
    let time = Duration::from_millis(300);
    let before = Instant::now();
    let removal = Removal::new().within(time);
    let outcomes = web9(&cluster.allow_partial()).delete(&removal).await.unwrap();
    assert!(before.elapsed() >= time, "{:?}", before.elapsed());
    for (n, outcome) in (1..).zip(&outcomes) {
        let error = outcome.error().unwrap();
        assert_eq!(error.kind(), ErrorKind::PartiallyApplied);
        let (message, start) =
            (error.to_string(), format!("`del server app/web9` on {}: ", running.socket(n).display()));
        let rest = message.strip_prefix(&start).unwrap_or_else(|| panic!("{message}"));
        let left =
            "the server was put into maintenance, and was not deleted, with 1 connection in use after ";
        let after = rest.strip_prefix(left).unwrap_or_else(|| panic!("{message}"));
        let words = "ms: refused: \"Server still has connections attached to it, cannot remove it.\"";
        let waited: u64 = after.strip_suffix(words).unwrap_or_else(|| panic!("{message}")).parse().unwrap();
        assert!((300..5_000).contains(&waited), "{message}");
    }
    assert_eq!(every_cell(&running, "app", "web9", "status").await, all("MAINT"));
    assert_eq!(every_cell(&running, "app", "web9", "scur").await, all("1"));

    let forced = web9(&cluster).delete(&removal.force()).await.unwrap();
    assert_eq!(told(&forced), all("changed: Server deleted."));
    assert_eq!(every_state(&running, "app", "web9", "srv_id").await, all(""));
    drop(held);
}

#[tokio::test]
async fn a_server_is_deleted_when_its_last_session_ends() {
    let (running, cluster) = running(&able()).await;
    let _held = add_and_hold(&running, &cluster).await;
    let removal = Removal::new().within(Duration::from_secs(30));
    let (server, before) = (web9(&cluster), Instant::now());
    let deleting = tokio::spawn(async move { server.delete(&removal).await });
    until_every_cell(&running, "app", "web9", "status", "MAINT").await;
    assert!(!deleting.is_finished());
    for n in 1..=running.processes() {
        ask(running.socket(n), "shutdown sessions server app/web9").await;
    }
    let deleted = deleting.await.unwrap().unwrap();
    assert_eq!(told(&deleted), all("changed: Server deleted."));
    assert!(before.elapsed() < Duration::from_secs(15), "{:?}", before.elapsed());
}

#[tokio::test]
async fn a_server_that_the_configuration_refers_to_stays_in_maintenance() {
    let (running, cluster) = running(&able()).await;
    let server = cluster.allow_partial().server_ref("app", "web1").unwrap();
    let outcomes = server.delete(&Removal::new()).await.unwrap();
    for (n, message) in (1..).zip(messages(&outcomes)) {
        assert_eq!(
            message,
            format!(
                "`del server app/web1` on {}: the server was put into maintenance, and was not deleted: refused: \
                 \"This server cannot be removed at runtime due to other configuration elements pointing to it.\"",
                running.socket(n).display()
            )
        );
    }
    assert_eq!(every_state(&running, "app", "web1", "srv_admin_state").await, all("1"));
    // A server of the configuration to which nothing refers is deleted.
    let deleted = cluster.server_ref("app", "web2").unwrap().delete(&Removal::new()).await.unwrap();
    assert_eq!(told(&deleted), all("changed: Server deleted."));
}

#[tokio::test]
async fn a_server_that_takes_no_traffic_after_all_is_an_error() {
    let (running, cluster) = running(&able()).await;
    cluster.server_ref("app", "web1").unwrap().disable().await.unwrap();
    // HAProxy enables the server, but it is down, as the server that it tracks.
    let new = NewServer::new(running.servers[1].address()).word("track").word("app/web1");
    let outcomes =
        cluster.allow_partial().backend_ref("app").unwrap().add_server("web9", &new).await.unwrap();
    for (n, outcome) in (1..).zip(&outcomes) {
        assert_eq!(outcome.error().unwrap().kind(), ErrorKind::PartiallyApplied);
        assert_eq!(
            problem(outcome),
            format!(
                "`add server app/web9 {} ... ...` on {}: the server was added and enabled, and takes no \
                 traffic: refused: \"the state is ready and stopped\"",
                running.servers[1].address(),
                running.socket(n).display()
            )
        );
    }
    assert_eq!(every_cell(&running, "app", "web9", "status").await, all("DOWN"));
    let deleted = web9(&cluster).delete(&Removal::new()).await.unwrap();
    assert_eq!(told(&deleted), all("changed: Server deleted."));
}

#[tokio::test]
async fn an_error_names_the_command_that_failed_and_what_is_left() {
    for release in able() {
        let (running, _) = running(&[release]).await;
        let parrot = Parrot::new(running.dir().join("parrot.sock"), running.socket(1));
        let cluster = Cluster::from_addresses([parrot.path()]).await.unwrap();
        let backend = cluster.backend_ref("app").unwrap();
        let new =
            NewServer::new(running.servers[1].address()).check(HealthCheck::new()).agent(AgentCheck::new(9));
        for (command, left) in [
            ("enable health", "the server was added, and is in maintenance without checks"),
            ("enable agent", "the server was added, and is in maintenance without agent checks"),
            ("enable server", "the server was added, and is in maintenance"),
        ] {
            parrot.change(move |line, reply| {
                if line.starts_with(command) { b"[3]: Not today.\n\n".to_vec() } else { reply.to_vec() }
            });
            let error = backend.add_server("web9", &new).await.unwrap_err();
            assert_eq!(error.kind(), ErrorKind::PartiallyApplied, "{error}");
            assert_eq!(
                error.to_string(),
                format!(
                    "`add server app/web9 {} check agent-check agent-port 9` on {}: `{command} app/web9`: {left}: \
                     refused: \"Not today.\"",
                    running.servers[1].address(),
                    parrot.path().display()
                )
            );
        }
    }
}

#[tokio::test]
async fn a_release_that_cannot_do_it_gets_nothing() {
    let (running, cluster) = running(&[release("2.2"), release("2.6")]).await;
    let backend = cluster.allow_partial().backend_ref("app").unwrap();
    let new = NewServer::new(running.servers[1].address());
    let address = running.servers[1].address();
    let socket = |n| running.socket(n).display().to_string();
    let version = support::info(running.socket(1)).await["Version"].clone();
    let needs = |command: &str, release: &str, n: usize, version: &str| {
        format!("`{command}` on {}: needs HAProxy {release} or later, and this is {version}", socket(n))
    };

    let added = backend.add_server("web9", &new).await.unwrap();
    let outcome = added.iter().next().unwrap();
    assert_eq!(outcome.error().unwrap().kind(), ErrorKind::Unsupported);
    assert_eq!(problem(outcome), needs(&format!("add server app/web9 {address}"), "2.6", 1, &version));
    assert!(added.iter().nth(1).unwrap().value().is_some(), "{added:?}");
    let deleted = backend.server_ref("web9").unwrap().delete(&Removal::new()).await.unwrap();
    assert_eq!(
        told(&deleted),
        [needs("del server app/web9", "2.6", 1, &version), "changed: Server deleted.".into()]
    );
    assert_eq!(every_cell(&running, "app", "web2", "status").await.len(), 2);

    let version = support::info(running.socket(2)).await["Version"].clone();
    for new in [new.clone().guid("g"), new.clone().cookie("c")] {
        let outcomes =
            backend.on(&cluster.allow_partial().only(["2"])).add_server("web9", &new).await.unwrap();
        let message = problem(outcomes.iter().next().unwrap());
        assert!(
            message.ends_with(&format!("needs HAProxy 3.0 or later, and this is {version}")),
            "{message}"
        );
    }
    assert_eq!(every_state(&running, "app", "web9", "srv_id").await, ["", ""]);
}

#[tokio::test]
async fn a_socket_without_the_level_changes_nothing() {
    let (running, cluster) = running_at(&able(), "operator").await;
    let new = NewServer::new(running.servers[1].address());
    let error = cluster.backend_ref("app").unwrap().add_server("web9", &new).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::PermissionDenied);
    let error = cluster.server_ref("app", "web1").unwrap().delete(&Removal::new()).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::PermissionDenied);
    assert_eq!(every_state(&running, "app", "web1", "srv_admin_state").await, all("0"));
}
