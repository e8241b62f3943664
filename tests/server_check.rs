//! Changes of health checks, agents and TLS of servers, on a process of each release. Each
//! result is read from the process' own socket, or seen by the agent that it connects to.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "in a test a panic is the failure message")]
#![allow(clippy::indexing_slicing, reason = "the same")]

use std::net::IpAddr;

use haproxyadmin::{Change, Cluster, ErrorKind, Outcome, Outcomes};

#[macro_use]
mod managed;
mod support;

use managed::{all, from, managed, words};
use support::{Agent, Running, Tap, every_cell, every_state, managed_cluster, release, releases, until};

/// Returns for each process whether its checks are on, which is a bit of `column`.
async fn is_checked(running: &Running, backend: &str, server: &str, column: &str) -> Vec<bool> {
    let states = every_state(running, backend, server, column).await;
    states.iter().map(|state| state.parse::<u32>().unwrap() & 4 != 0).collect()
}

/// Returns the texts that the changed processes send to their agent.
fn callers(outcomes: &Outcomes<Change>) -> Vec<String> {
    let changed = (1..).zip(words(outcomes)).filter(|(_, word)| *word == "changed");
    changed.map(|(n, _)| format!("process {n}")).collect()
}

#[tokio::test]
async fn health_checks_are_stopped_and_started() {
    let (running, cluster) = managed().await;
    named_and_read!(cluster, "app", "web1", |server| {
        assert_eq!(words(&server.disable_health().await.unwrap()), all("changed"));
        assert_eq!(is_checked(&running, "app", "web1", "srv_check_state").await, all(false));
        assert_eq!(words(&server.enable_health().await.unwrap()), all("changed"));
        assert_eq!(is_checked(&running, "app", "web1", "srv_check_state").await, all(true));
    });
}

#[tokio::test]
async fn agent_checks_are_stopped_and_started() {
    let (running, cluster) = managed().await;
    named_and_read!(cluster, "checks", "agent", |server| {
        assert_eq!(words(&server.disable_agent().await.unwrap()), all("changed"));
        assert_eq!(is_checked(&running, "checks", "agent", "srv_agent_state").await, all(false));
        assert_eq!(words(&server.enable_agent().await.unwrap()), all("changed"));
        assert_eq!(is_checked(&running, "checks", "agent", "srv_agent_state").await, all(true));
    });
}

#[tokio::test]
async fn health_checks_go_to_the_port_that_was_set() {
    let (running, cluster) = managed().await;
    let port = running.servers[0].address().port();
    let are = async |status: &str| {
        let look = async || {
            let cells = every_cell(&running, "checks", "probed", "status").await;
            cells.iter().all(|cell| cell.starts_with(status)).then_some(())
        };
        until(&format!("probed is {status}"), look).await;
    };
    are("DOWN").await;
    let server = cluster.server_ref("checks", "probed").unwrap();
    let outcomes = server.set_check_port(port).await.unwrap();
    assert_eq!(words(&outcomes), all("changed"));
    let said: Vec<_> = outcomes.iter().map(Outcome::message).collect();
    assert_eq!(said, from("2.6", Some("health check port updated.".to_owned()), None));
    let printed = every_state(&running, "checks", "probed", "srv_check_port").await;
    assert_eq!(printed, from("2.6", String::new(), port.to_string()));
    are("UP").await;
    let read = cluster.server("checks", "probed").await.unwrap();
    assert_eq!(words(&read.set_check_port(1).await.unwrap()), all("changed"));
    are("DOWN").await;
}

/// HAProxy 3.4 refuses every address of a health check.
#[tokio::test]
async fn health_checks_have_the_address_that_was_set() {
    let (running, cluster) = managed().await;
    let cluster = cluster.allow_partial();
    named_and_read!(cluster, "app", "web1", |server| {
        for (address, port) in [("127.0.0.1", None), ("127.0.0.2", Some(81)), ("::1", Some(82))] {
            let ports = every_state(&running, "app", "web1", "srv_check_port").await;
            let outcomes = server.set_check_address(address.parse::<IpAddr>().unwrap(), port).await.unwrap();
            let takes: Vec<_> = releases()
                .iter()
                .map(|release| release.is_at_least("2.6") && !release.is_at_least("3.4"))
                .collect();
            let changed: Vec<_> = outcomes.iter().map(|outcome| outcome.word() == "changed").collect();
            assert_eq!(changed, takes);
            let refused = Some(format!("refused: \"invalid addr '{address}'\""));
            for (outcome, release) in outcomes.iter().zip(releases()) {
                if release.is_at_least("3.4") {
                    assert_eq!(outcome.message(), refused, "{release:?}");
                }
            }
            let printed = every_state(&running, "app", "web1", "srv_check_addr").await;
            let now = every_state(&running, "app", "web1", "srv_check_port").await;
            for (at, takes) in takes.into_iter().enumerate() {
                assert_eq!(printed[at] == address, takes);
                let expected = port.filter(|_| takes).map_or(ports[at].clone(), |port| port.to_string());
                assert_eq!(now[at], expected);
            }
        }
    });
}

#[tokio::test]
async fn agent_checks_go_to_the_address_that_was_set() {
    let (running, cluster) = managed().await;
    for (n, haproxy) in (1..).zip(&running.haproxies) {
        let port = haproxy.address("PORT_AGENT").port();
        let agent = Agent::start(&format!("127.0.0.2:{port}")).await;
        let server = cluster.only([n.to_string()]).server_ref("checks", "agent").unwrap();
        let outcomes = server.set_agent_address("127.0.0.2", None).await.unwrap();
        assert_eq!(outcomes.to_string(), format!("{n}: changed"));
        agent.hears(&[format!("process {n}")]).await;
    }
    let printed = every_state(&running, "checks", "agent", "srv_agent_addr").await;
    assert_eq!(printed, from("2.6", "", "127.0.0.2"));
}

#[tokio::test]
async fn agent_checks_go_to_the_port_that_was_set() {
    let (_running, cluster) = managed().await;
    let agent = Agent::start("127.0.0.1:0").await;
    let server = cluster.server("checks", "agent").await.unwrap().on(&cluster.allow_partial());
    let outcomes = server.set_agent_port(agent.address().port()).await.unwrap();
    assert_eq!(words(&outcomes), from("2.6", "failed", "changed"));
    agent.hears(&callers(&outcomes)).await;
}

/// HAProxy 2.2 cannot set the port of an agent.
#[tokio::test]
async fn agent_checks_go_to_the_address_and_port_that_were_set_together() {
    let (_running, cluster) = managed().await;
    let agent = Agent::start("127.0.0.2:0").await;
    let server = cluster.allow_partial().server_ref("checks", "agent").unwrap();
    let outcomes = server.set_agent_address("127.0.0.2", agent.address().port()).await.unwrap();
    assert_eq!(words(&outcomes), from("2.4", "failed", "changed"));
    agent.hears(&callers(&outcomes)).await;
}

#[tokio::test]
async fn agent_checks_send_the_text_that_was_set() {
    let (running, cluster) = managed().await;
    for (n, haproxy) in (1..).zip(&running.haproxies) {
        let agent = Agent::start(&haproxy.address("PORT_AGENT").to_string()).await;
        let server = cluster.only([n.to_string()]).server_ref("checks", "agent").unwrap();
        for text in [format!("process {n}"), format!("a  b;disable server app/web1 \\n \"{n}\" #")] {
            let outcomes = server.set_agent_send(&text).await.unwrap();
            assert_eq!(outcomes.to_string(), format!("{n}: changed"));
            agent.hears(&[text]).await;
        }
    }
    assert_eq!(every_state(&running, "app", "web1", "srv_admin_state").await, all("0"), "nothing else ran");
}

#[tokio::test]
async fn tls_to_a_server_is_switched_on_and_off() {
    let (running, cluster) = managed().await;
    let cluster = cluster.allow_partial();
    named_and_read!(cluster, "tls", "t1", |server| {
        for (on, cell) in [(true, "1"), (false, "0")] {
            let outcomes = server.set_ssl(on).await.unwrap();
            assert_eq!(words(&outcomes), from("2.6", "failed", "changed"));
            let said = outcomes.iter().last().unwrap().message();
            assert_eq!(said.as_deref(), Some("server ssl setting updated."));
            assert_eq!(every_state(&running, "tls", "t1", "srv_use_ssl").await, from("2.6", "", cell));
        }
    });
}

#[tokio::test]
async fn what_a_release_does_not_know_is_not_sent_to_it() {
    let running = managed_cluster().await;
    let (path, at) = (running.dir().join("tap"), releases().iter().position(|one| *one == release("2.2")));
    let tap = Tap::new(&path, running.socket(at.unwrap() + 1));
    let cluster = Cluster::from_addresses([path.as_path()]).await.unwrap();
    cluster.info().await.unwrap();
    assert!(tap.sent().contains("show info"), "{}", tap.sent());
    named_and_read!(cluster, "checks", "agent", |server| {
        for outcomes in [
            server.set_check_address("127.0.0.1".parse::<IpAddr>().unwrap(), None).await,
            server.set_agent_port(81).await,
            server.set_ssl(true).await,
        ] {
            let error = outcomes.unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Unsupported);
            let version = "needs HAProxy 2.4 or later, and this is 2.2.";
            assert!(error.to_string().contains(version), "{error}");
        }
    });
    assert!(!tap.sent().contains("set server"), "{}", tap.sent());
}
