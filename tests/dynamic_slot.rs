//! Slots of a `server-template` that are taken and released at run time, on a process of each
//! release. Each result is read from the process' own socket.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "in a test a panic is the failure message")]
#![allow(clippy::indexing_slicing, reason = "the same")]

use std::collections::BTreeSet;
use std::net::SocketAddr;
use std::time::Duration;

use haproxyadmin::server::{
    AgentCheck, HealthCheck, NewServer, OperationalState, Removal, ServerState, ServerTemplate, Tls,
};
use haproxyadmin::{Cluster, ErrorKind, Limits, Outcome, Outcomes, fake};

mod support;

use support::{
    Clients, Config, Moment, Relay, Release, Running, ask, every_cell, every_state, hold_each, http_get,
    release, releases, until, until_every_cell,
};

/// `web1` takes no traffic, so that a taken slot takes all of it.
const CONFIG: &str = r#"
backend app
    balance roundrobin
    server web1 "${SERVER_1}" weight ${WEIGHT}
    server-template srv 1-${SLOTS} 127.0.0.1:1 weight 10 ${CHECK} disabled
backend fixed
    balance source
    server-template srv 1-2 127.0.0.1:1 disabled
backend bare
    server web1 "${SERVER_1}"
"#;

fn config() -> Config {
    Config::web(CONFIG).set("WEIGHT", 0).set("SLOTS", 3).set("CHECK", "")
}

async fn running(releases: &[Release], config: Config) -> (Running, Cluster) {
    let running = Running::of(2, releases, |_| config.clone()).await;
    let cluster = Cluster::from_dir(running.stats()).await.unwrap();
    (running, cluster)
}

fn all<T: Clone>(value: T) -> Vec<T> {
    vec![value; releases().len()]
}

fn template() -> ServerTemplate {
    ServerTemplate::new("srv", "127.0.0.1:1".parse().unwrap()).unwrap()
}

async fn take(cluster: &Cluster, address: SocketAddr) -> haproxyadmin::Result<Outcomes<ServerState>> {
    cluster.backend_ref("app").unwrap().take_slot(&template(), &NewServer::new(address)).await
}

/// Returns the name of the slot that each process has taken.
fn slot(taken: &Outcomes<ServerState>) -> String {
    let names: BTreeSet<_> = taken.values().map(|(_, state)| state.name.to_string()).collect();
    assert_eq!(names.len(), 1, "{taken:?}");
    names.into_iter().next().unwrap()
}

fn told<T: ToString>(outcomes: &Outcomes<T>) -> Vec<String> {
    let tell = |outcome: &Outcome<T>| match (outcome.value(), outcome.error(), outcome.absent()) {
        (Some(value), ..) => value.to_string(),
        (_, Some(error), _) => format!("{}: {error}", error.kind()),
        (_, _, words) => format!("absent: {}", words.unwrap_or_default()),
    };
    outcomes.iter().map(tell).collect()
}

fn told_states(outcomes: &Outcomes<ServerState>) -> Vec<String> {
    let tell = |error: &haproxyadmin::Error| format!("{}: {error}", error.kind());
    outcomes.iter().map(|outcome| outcome.error().map_or_else(String::new, tell)).collect()
}

/// The addresses of the slots in each process.
async fn addresses(running: &Running, slots: usize) -> Vec<Vec<String>> {
    let mut every = vec![Vec::new(); running.processes()];
    for n in 1..=slots {
        let name = format!("srv{n}");
        let ips = every_state(running, "app", &name, "srv_addr").await;
        let ports = every_state(running, "app", &name, "srv_port").await;
        for (each, (ip, port)) in every.iter_mut().zip(ips.iter().zip(ports)) {
            each.push(format!("{ip}:{port}"));
        }
    }
    every
}

const FREE: &str = "127.0.0.1:1";

#[tokio::test]
async fn a_taken_slot_takes_traffic_until_it_is_released() {
    let (running, cluster) = running(&releases(), config()).await;
    let backend = cluster.backend("app").await.unwrap();
    let address = running.servers[1].address();
    let taken = backend.take_slot(&template(), &NewServer::new(address).weight(20)).await.unwrap();
    let name = slot(&taken);
    assert_eq!(taken.values().count(), releases().len());
    assert_eq!(taken.command(), format!("set server app/{name} addr 127.0.0.1 port {}", address.port()));
    for (label, state) in taken.values() {
        assert_eq!((state.address, state.port), (Some(address.ip()), Some(address.port())), "{label}");
        assert_eq!((state.weight, state.initial_weight), (20, 10), "{label}");
        assert_eq!(state.operational, OperationalState::Running, "{label}");
    }
    for (column, value) in [("status", "no check"), ("weight", "20")] {
        assert_eq!(every_cell(&running, "app", &name, column).await, all(value), "{column}");
    }
    assert_eq!(every_cell(&running, "app", &name, "addr").await, all(address.to_string()));
    assert_eq!(cluster.server("app", &name).await.unwrap().processes().len(), releases().len());
    for n in 1..=running.processes() {
        assert_eq!(http_get(running.traffic("web", n), "/").await, 200, "process {n}");
    }
    assert_eq!([running.servers[0].requests(), running.servers[1].requests()], [0, releases().len()]);

    let server = cluster.server("app", &name).await.unwrap();
    let released = server.release_slot(&template(), &Removal::new()).await.unwrap();
    assert!(told(&released).iter().all(|said| said.starts_with("changed: ")), "{released}");
    assert_eq!(every_cell(&running, "app", &name, "status").await, all("MAINT"));
    assert_eq!(every_state(&running, "app", &name, "srv_uweight").await, all("10"));
    assert_eq!(addresses(&running, 3).await, all(vec![FREE; 3]));
    let again = server.release_slot(&template(), &Removal::new()).await.unwrap();
    assert!(told(&again).iter().all(|said| said.starts_with("unchanged: ")), "{again}");

    // A slot keeps nothing of its last use.
    let taken = take(&cluster, address).await.unwrap();
    assert!(taken.values().all(|(_, state)| state.weight == 10), "{taken:?}");
}

#[tokio::test]
async fn checks_of_the_template_run_as_soon_as_the_slot_is_enabled() {
    let (running, cluster) =
        running(&releases(), config().set("CHECK", "check inter 50ms rise 1 fall 1")).await;
    let good = slot(&take(&cluster, running.servers[1].address()).await.unwrap());
    // Nothing listens on this port.
    let bad = slot(&take(&cluster, "127.0.0.1:2".parse().unwrap()).await.unwrap());
    for (server, column, value) in [
        (&good, "check_status", "L4OK"),
        (&good, "status", "UP"),
        (&bad, "check_status", "L4CON"),
        (&bad, "status", "DOWN"),
    ] {
        until_every_cell(&running, "app", server, column, value).await;
    }
    cluster.server_ref("app", &bad).unwrap().release_slot(&template(), &Removal::new()).await.unwrap();
    assert_eq!(every_cell(&running, "app", &bad, "status").await, all("MAINT"));
}

#[tokio::test]
async fn a_slot_is_free_on_every_process_or_not_at_all() {
    let (running, cluster) = running(&releases(), config()).await;
    let count = running.processes();
    ask(running.socket(1), "set server app/srv1 addr 192.0.2.1 port 80").await;
    // A server of the template that an operator has enabled is in use, too.
    ask(running.socket(count), "set server app/srv2 state ready").await;
    let taken = take(&cluster, running.servers[1].address()).await.unwrap();
    assert_eq!(slot(&taken), "srv3");
    let before = addresses(&running, 3).await;
    for cluster in [&cluster, &cluster.allow_partial()] {
        let error = take(cluster, "192.0.2.9:80".parse().unwrap()).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::NotFound);
        let said = "`set server app/srv... addr 192.0.2.9`: no free slot: none of 3 servers is free on every process";
        assert_eq!(error.to_string(), said);
    }
    // Maintenance alone does not make a slot free.
    cluster.server_ref("app", "srv3").unwrap().disable().await.unwrap();
    let error = take(&cluster, "192.0.2.9:80".parse().unwrap()).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::NotFound);
    assert_eq!(addresses(&running, 3).await, before);
}

#[tokio::test]
async fn a_backend_with_static_weights_has_slots_too() {
    let (running, cluster) = running(&releases(), config()).await;
    let backend = cluster.backend_ref("fixed").unwrap();
    let new = NewServer::new(running.servers[1].address());
    let name = slot(&backend.take_slot(&template(), &new).await.unwrap());
    assert_eq!(every_cell(&running, "fixed", &name, "status").await, all("no check"));
    let partial = backend.on(&cluster.allow_partial());
    let new = NewServer::new(running.servers[0].address()).weight(5);
    let refused = partial.take_slot(&template(), &new).await.unwrap();
    let other = if name == "srv1" { "srv2" } else { "srv1" };
    for (n, said) in (1..).zip(told_states(&refused)) {
        let start = format!(
            "partially_applied: `set server fixed/{other} weight 5` on {}: the slot was taken, and was not \
             enabled: refused: ",
            running.socket(n).display()
        );
        assert!(said.starts_with(&start), "{said}");
    }
    for name in ["srv1", "srv2"] {
        backend.server_ref(name).unwrap().release_slot(&template(), &Removal::new()).await.unwrap();
        assert_eq!(every_cell(&running, "fixed", name, "status").await, all("MAINT"));
        assert_eq!(every_cell(&running, "fixed", name, "addr").await, all(FREE));
    }
}

#[tokio::test]
async fn a_fake_has_slots_too() {
    let dir = tempfile::TempDir::new().unwrap();
    let mut fakes = Vec::new();
    for version in ["2.2", "3.4"] {
        let slots =
            ["srv1", "srv2"].map(|name| fake::Server::new(name).set("addr", FREE).set("status", "MAINT"));
        let backend = slots.into_iter().fold(fake::Backend::new("app"), fake::Backend::server);
        let process = fake::Process::new(version).backend(backend);
        fakes.push(process.serve(dir.path().join(format!("{version}.sock"))).await.unwrap());
    }
    let cluster = Cluster::from_dir(dir.path()).await.unwrap();
    let (first, second) = ("192.0.2.9:80".parse().unwrap(), "192.0.2.9:81".parse().unwrap());
    let taken = take(&cluster, first).await.unwrap();
    assert!(taken.values().all(|(_, state)| state.port == Some(80)), "{taken:?}");
    let other = slot(&take(&cluster, second).await.unwrap());
    assert_ne!(other, slot(&taken));
    assert_eq!(slot(&take(&cluster, second).await.unwrap()), other);
    let third = take(&cluster, "192.0.2.9:82".parse().unwrap()).await;
    assert_eq!(third.unwrap_err().kind(), ErrorKind::NotFound);
    cluster.server_ref("app", &other).unwrap().release_slot(&template(), &Removal::new()).await.unwrap();
    assert_eq!(slot(&take(&cluster, second).await.unwrap()), other);
}

#[tokio::test]
async fn what_is_not_there_is_absent() {
    let (_running, cluster) = running(&releases(), config()).await;
    let partial = cluster.allow_partial();
    let new = NewServer::new("192.0.2.9:80".parse().unwrap());
    for (backend, words) in [("bare", "no server of the template srv"), ("nope", "Can't find backend.")] {
        let taken = partial.backend_ref(backend).unwrap().take_slot(&template(), &new).await.unwrap();
        let absent: Vec<_> = taken.iter().map(Outcome::absent).collect();
        assert_eq!(absent, all(Some(words)), "{backend}: {taken:?}");
        let error = cluster.backend_ref(backend).unwrap().take_slot(&template(), &new).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::NotFound, "{backend}: {error}");
        let server = partial.server_ref(backend, "srv1").unwrap();
        let released = server.release_slot(&template(), &Removal::new()).await.unwrap();
        assert!(released.iter().all(|one| one.absent().is_some()), "{released}");
    }
}

#[tokio::test]
async fn settings_that_a_slot_cannot_take_are_refused_before_anything_is_sent() {
    let (running, cluster) = running(&releases(), config()).await;
    let backend = cluster.backend_ref("app").unwrap();
    let new = || NewServer::new("192.0.2.9:80".parse().unwrap());
    for (new, option) in [
        (new().maxconn(1), "maxconn"),
        (new().backup(), "backup"),
        (new().id(9), "id"),
        (new().guid("g"), "guid"),
        (new().cookie("c"), "cookie"),
        (new().check(HealthCheck::new()), "check"),
        (new().agent(AgentCheck::new(9)), "agent-check"),
        (new().tls(Tls::unverified()), "ssl"),
    ] {
        let error = backend.take_slot(&template(), &new).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidInput);
        let said = "a slot has the settings of its `server-template` line, except the address and the weight";
        assert_eq!(error.to_string(), format!("setting {option:?}: {said}"));
    }
    for new in [
        new().word("slowstart").word("5s"),
        new().weight(257),
        NewServer::new("192.0.2.9:0".parse().unwrap()),
        NewServer::new(FREE.parse().unwrap()),
    ] {
        let error = backend.take_slot(&template(), &new).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidInput, "{error}");
    }
    let error = cluster.server_ref("app", "web1").unwrap().release_slot(&template(), &Removal::new()).await;
    assert_eq!(error.unwrap_err().to_string(), "server web1: it is no slot of the template srv");
    assert_eq!(addresses(&running, 3).await, all(vec![FREE; 3]));
    assert_eq!(every_state(&running, "app", "web1", "srv_admin_state").await, all("0"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn clients_that_take_slots_at_once_get_different_ones() {
    const CLIENTS: usize = 6;
    let (running, _) = running(&releases(), config().set("SLOTS", 2 * CLIENTS)).await;
    let mut taking = Vec::new();
    for n in 1..=CLIENTS {
        let cluster = Cluster::from_dir(running.stats()).await.unwrap();
        let address = SocketAddr::new("192.0.2.9".parse().unwrap(), u16::try_from(n).unwrap());
        taking.push((address, tokio::spawn(async move { take(&cluster, address).await })));
    }
    let mut expected = vec![FREE.to_owned(); 2 * CLIENTS];
    for (address, taken) in taking {
        let name = slot(&taken.await.unwrap().unwrap());
        let at: usize = name.strip_prefix("srv").unwrap().parse().unwrap();
        assert_eq!(std::mem::replace(&mut expected[at - 1], address.to_string()), FREE, "{name} taken twice");
    }
    assert_eq!(addresses(&running, 2 * CLIENTS).await, all(expected));
}

#[tokio::test]
async fn a_slot_that_another_client_takes_first_stays_with_it() {
    let of_two = [release("2.2"), release("3.4")];
    let (running, _) = running(&of_two, config().set("SLOTS", 1)).await;
    let path = running.dir().join("relay.sock");
    let relay = Relay::new(&path, running.socket(1));
    let cluster = Cluster::from_addresses([path, running.socket(2)]).await.unwrap();
    relay.mark(["set server app/srv1 addr"]);
    relay.hold(Moment::Marking);
    let own = running.servers[1].address();
    let taking = tokio::spawn(async move { take(&cluster, own).await });
    relay.holds(1).await;
    for command in ["addr 192.0.2.7 port 70", "state ready"] {
        ask(running.socket(1), &format!("set server app/srv1 {command}")).await;
    }
    relay.release();
    let error = taking.await.unwrap().unwrap_err();
    assert_eq!(error.kind(), ErrorKind::NotFound, "{error}");
    assert!(error.to_string().contains("no free slot: none of 1 servers is free"), "{error}");
    // The other client keeps the first process, and the second one is as it was.
    assert_eq!(addresses(&running, 1).await, [["192.0.2.7:70"], [FREE]]);
    assert_eq!(every_cell(&running, "app", "srv1", "status").await, ["no check", "MAINT"]);
}

#[tokio::test]
async fn a_hung_process_keeps_a_slot_from_all_or_has_an_outcome_of_its_own() {
    let (running, cluster) = running(&releases(), config()).await;
    let cluster = cluster.with_limits(Limits::new().with_command_timeout(Duration::from_millis(1500)));
    let address = running.servers[1].address();
    running.hang(2);
    let error = take(&cluster, address).await.unwrap_err();
    let partial = take(&cluster.allow_partial(), address).await.unwrap();
    let name = slot(&partial);
    assert_eq!(partial.values().count(), releases().len() - 1);
    running.resume(2);
    assert_eq!(error.kind(), ErrorKind::Incomplete, "{error}");
    assert!(error.to_string().starts_with("`show servers state app`"), "{error}");
    let hung = partial.iter().nth(1).unwrap().error().unwrap();
    assert_eq!(hung.kind(), ErrorKind::Timeout, "{hung}");
    let status = every_cell(&running, "app", &name, "status").await;
    let expected: Vec<_> =
        (1..=running.processes()).map(|n| if n == 2 { "MAINT" } else { "no check" }).collect();
    assert_eq!(status, expected);
    cluster.server_ref("app", &name).unwrap().release_slot(&template(), &Removal::new()).await.unwrap();
    assert_eq!(addresses(&running, 3).await, all(vec![FREE; 3]));
}

#[tokio::test]
async fn a_reply_that_is_lost_leaves_an_error_that_says_what_may_be_there() {
    for release in releases() {
        for (command, said) in [
            ("addr", "outcome unknown: closed without an answer"),
            (
                "state ready",
                "`set server app/srv1 state ready`: the slot was taken, and this command may have been executed: \
                 outcome unknown: closed without an answer",
            ),
        ] {
            let (running, _) = running(std::slice::from_ref(&release), config().set("SLOTS", 1)).await;
            let path = running.dir().join("relay.sock");
            let relay = Relay::new(&path, running.socket(1));
            let cluster = Cluster::from_addresses([path.as_path()]).await.unwrap();
            relay.mark([format!("set server app/srv1 {command}")]);
            relay.hold(Moment::Marked);
            let (clone, address) = (cluster.clone(), running.servers[1].address());
            let taking = tokio::spawn(async move { take(&clone, address).await });
            relay.holds(1).await;
            relay.cut();
            let error = taking.await.unwrap().unwrap_err();
            let (ip, port) = (address.ip(), address.port());
            let start = format!("`set server app/srv1 addr {ip} port {port}` on {}: ", path.display());
            assert_eq!(error.to_string(), start + said, "{}", release.version);
            let server = cluster.server_ref("app", "srv1").unwrap();
            server.release_slot(&template(), &Removal::new()).await.unwrap();
            assert_eq!(addresses(&running, 1).await, [[FREE]]);
        }
    }
}

#[tokio::test]
async fn sessions_are_waited_for_and_ended_by_force_on_request() {
    let (running, cluster) = running(&releases(), config()).await;
    let address = running.servers[1].address();
    let name = slot(&take(&cluster, address).await.unwrap());
    let held = hold_each(&running, "web", ("app", &name)).await;
    let removal = Removal::new().within(Duration::from_millis(200));
    let server = cluster.allow_partial().server_ref("app", &name).unwrap();
    let kept = server.release_slot(&template(), &removal).await.unwrap();
    for (n, said) in (1..).zip(told(&kept)) {
        let socket = running.socket(n).display().to_string();
        let start = format!(
            "partially_applied: `set server app/{name} addr 127.0.0.1 port 1` on {socket}: the server was put \
             into maintenance, and keeps its address, with 1 connection in use after "
        );
        assert!(
            said.starts_with(&start) && said.ends_with("ms: refused: \"connections are in use\""),
            "{said}"
        );
    }
    assert_eq!(every_cell(&running, "app", &name, "status").await, all("MAINT"));
    assert_eq!(every_cell(&running, "app", &name, "addr").await, all(address.to_string()));
    let forced = server.release_slot(&template(), &removal.force()).await.unwrap();
    assert!(told(&forced).iter().all(|said| said.starts_with("changed: ")), "{forced}");
    assert_eq!(addresses(&running, 3).await, all(vec![FREE; 3]));
    drop(held);
}

/// Slots that are taken, each with its release.
const ROUNDS: usize = 20;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_request_is_lost_while_slots_are_taken_and_released() {
    let (running, cluster) = running(&releases(), config().set("WEIGHT", 10)).await;
    let clients = Clients::start(&running, "web");
    for round in 0..ROUNDS {
        let name = slot(&take(&cluster, running.servers[1].address()).await.unwrap());
        let before = every_cell(&running, "app", &name, "stot").await;
        let takes_traffic = async || {
            let taken = every_cell(&running, "app", &name, "stot").await;
            let number = |text: &String| text.parse::<u64>().unwrap();
            taken.iter().zip(&before).all(|(now, before)| number(now) > number(before)).then_some(())
        };
        until("every process has sent a request to the slot", takes_traffic).await;
        let server = cluster.server_ref("app", &name).unwrap();
        server.release_slot(&template(), &Removal::new().within(Duration::from_secs(30))).await.unwrap();
        assert_eq!(addresses(&running, 3).await, all(vec![FREE; 3]), "round {round}");
    }
    let (sent, lost) = clients.end().await;
    assert_eq!(lost, Vec::<String>::new(), "{sent} requests");
    assert!(running.servers[1].requests() >= ROUNDS * releases().len());
}

/// Two processes of one HAProxy, of which the second does not run `one`.
const NBPROC: &str = r#"
global
    nbproc 2
    stats socket "unix@${DIR}/stats/1.sock" mode 600 level admin process 1
    stats socket "unix@${DIR}/stats/2.sock" mode 600 level admin process 2
defaults
    mode http
    timeout connect 1s
    timeout client 1m
    timeout server 1m
backend app
    server-template srv 1-2 127.0.0.1:1 weight 10 disabled
backend one
    bind-process 1
    server-template srv 1-2 127.0.0.1:1 weight 10 disabled
"#;

#[tokio::test]
async fn processes_of_one_haproxy_share_the_name_of_the_slot() {
    let mut running = Running::new();
    running.add(&release("2.2"), "1", &Config::new(NBPROC)).await;
    assert_eq!(running.processes(), 2);
    let cluster = Cluster::from_dir(running.stats()).await.unwrap();
    let (address, removal) = ("192.0.2.9:80".parse().unwrap(), Removal::new());
    let name = slot(&take(&cluster, address).await.unwrap());
    assert_eq!(every_cell(&running, "app", &name, "addr").await, ["192.0.2.9:80"; 2]);
    cluster.server_ref("app", &name).unwrap().release_slot(&template(), &removal).await.unwrap();
    assert_eq!(addresses(&running, 2).await, [[FREE; 2]; 2]);

    let one = cluster.backend_ref("one").unwrap();
    let taken = one.take_slot(&template(), &NewServer::new(address)).await.unwrap();
    let is_taken: Vec<_> = taken.iter().map(|outcome| outcome.value().is_some()).collect();
    assert_eq!(is_taken, [true, false], "{taken:?}");
    let released = one.server_ref(&slot(&taken)).unwrap().release_slot(&template(), &removal).await.unwrap();
    let words: Vec<_> = released.iter().map(Outcome::word).collect();
    assert_eq!(words, ["changed", "absent"], "{released}");
}

#[tokio::test]
async fn a_socket_without_the_level_changes_nothing() {
    let (running, cluster) = running(&releases(), config().set("LEVEL", "operator")).await;
    let error = take(&cluster, running.servers[1].address()).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::PermissionDenied, "{error}");
    let server = cluster.server_ref("app", "srv1").unwrap();
    let error = server.release_slot(&template(), &Removal::new()).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::PermissionDenied, "{error}");
    assert_eq!(addresses(&running, 3).await, all(vec![FREE; 3]));
}
