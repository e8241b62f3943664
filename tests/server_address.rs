//! Changes of the addresses, ports and host names of servers, on a process of each release.
//! Each result is read from the process' own socket.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "in a test a panic is the failure message")]
#![allow(clippy::indexing_slicing, reason = "the same")]

use std::net::IpAddr;

use haproxyadmin::{Change, ErrorKind, Outcome, Outcomes};

#[macro_use]
mod managed;
mod support;

use managed::{all, from, managed, words};
use support::{every_cell, every_state};

/// Returns the message of the processes, which must be the same on each.
fn message(outcomes: &Outcomes<Change>) -> String {
    let messages: Vec<_> = outcomes.iter().map(Outcome::message).collect();
    assert!(messages.iter().all(|message| *message == messages[0]), "{outcomes}");
    messages.into_iter().next().flatten().expect("a message")
}

fn ip(text: &str) -> IpAddr {
    text.parse().unwrap()
}

#[tokio::test]
async fn a_server_has_the_address_that_was_set() {
    let (running, cluster) = managed().await;
    named_and_read!(cluster, "app", "web2", |server| {
        for (before, after) in
            [("127.0.0.1", "127.0.0.9"), ("127.0.0.9", "2001:db8::1"), ("2001:db8::1", "127.0.0.1")]
        {
            let outcomes = server.set_address(ip(after), None).await.unwrap();
            assert_eq!(words(&outcomes), all("changed"));
            let said = format!("IP changed from '{before}' to '{after}' by 'stats socket command'");
            assert_eq!(message(&outcomes), said);
            assert_eq!(every_state(&running, "app", "web2", "srv_addr").await, all(after));
        }
    });
}

#[tokio::test]
async fn a_server_that_has_its_address_is_unchanged() {
    let (_running, cluster) = managed().await;
    named_and_read!(cluster, "app", "web2", |server| {
        let outcomes = server.set_address(ip("127.0.0.1"), None).await.unwrap();
        assert_eq!(words(&outcomes), all("unchanged"));
        let words: Vec<_> = outcomes.iter().map(|outcome| outcome.message().unwrap()).collect();
        let old = "no need to change the addr by 'stats socket command'";
        assert_eq!(words, from("3.0", old, "nothing changed"));
    });
}

#[tokio::test]
async fn a_server_that_has_its_address_and_port_is_unchanged() {
    let (running, cluster) = managed().await;
    let port = running.servers[0].address().port();
    named_and_read!(cluster, "app", "web2", |server| {
        let outcomes = server.set_address(ip("127.0.0.1"), port).await.unwrap();
        assert_eq!(words(&outcomes), all("unchanged"));
        let words: Vec<_> = outcomes.iter().map(|outcome| outcome.message().unwrap()).collect();
        let old = "no need to change the addr, no need to change the port by 'stats socket command'";
        assert_eq!(words, from("3.0", old, "nothing changed"));
    });
}

#[tokio::test]
async fn a_server_has_the_address_and_port_that_were_set_together() {
    let (running, cluster) = managed().await;
    let own = running.servers[0].address().port();
    named_and_read!(cluster, "app", "web2", |server| {
        for ((before, old), (after, new)) in
            [(("127.0.0.1", own), ("::1", 81)), (("::1", 81), ("127.0.0.1", own))]
        {
            let outcomes = server.set_address(ip(after), new).await.unwrap();
            assert_eq!(words(&outcomes), all("changed"));
            assert_eq!(
                message(&outcomes),
                format!(
                    "IP changed from '{before}' to '{after}', port changed from '{old}' to '{new}' by 'stats \
                    socket command'"
                )
            );
            assert_eq!(every_state(&running, "app", "web2", "srv_addr").await, all(after));
            assert_eq!(every_state(&running, "app", "web2", "srv_port").await, all(new.to_string()));
        }
    });
}

#[tokio::test]
async fn a_new_address_beside_the_old_port_is_a_change() {
    let (running, cluster) = managed().await;
    let port = running.servers[0].address().port();
    let server = cluster.server_ref("app", "web2").unwrap();
    let outcomes = server.set_address(ip("127.0.0.2"), port).await.unwrap();
    assert_eq!(words(&outcomes), all("changed"));
    assert_eq!(every_state(&running, "app", "web2", "srv_addr").await, all("127.0.0.2"));
}

#[tokio::test]
async fn a_port_is_set_beside_the_address_that_each_process_has() {
    let (running, cluster) = managed().await;
    let one = cluster.only(["2"]).server_ref("app", "web2").unwrap();
    one.set_address(ip("::1"), None).await.unwrap();
    let addresses = every_state(&running, "app", "web2", "srv_addr").await;
    assert_eq!(addresses[..3], ["127.0.0.1", "::1", "127.0.0.1"]);
    let own = running.servers[0].address().port();
    for port in [8081, own] {
        let before = every_state(&running, "app", "web2", "srv_port").await;
        named_and_read!(cluster, "app", "web2", |server| {
            let outcomes = server.set_port(port).await.unwrap();
            let now = every_state(&running, "app", "web2", "srv_port").await;
            assert_eq!(now, all(port.to_string()));
            assert_eq!(
                outcomes.command(),
                "set server app/web2 addr ... port 8081".replace("8081", &port.to_string())
            );
        });
        assert_ne!(before, all(port.to_string()));
        assert_eq!(every_state(&running, "app", "web2", "srv_addr").await, addresses);
    }
}

#[tokio::test]
async fn a_port_that_is_set_twice_is_unchanged() {
    let (_running, cluster) = managed().await;
    let server = cluster.server_ref("app", "web2").unwrap();
    assert_eq!(words(&server.set_port(8081).await.unwrap()), all("changed"));
    assert_eq!(words(&server.set_port(8081).await.unwrap()), all("unchanged"));
}

#[tokio::test]
async fn a_server_without_an_address_takes_no_port() {
    let (running, cluster) = managed().await;
    for name in ["local", "named"] {
        let server = cluster.allow_partial().server_ref("app", name).unwrap();
        let ports = every_state(&running, "app", name, "srv_port").await;
        let outcomes = server.set_port(81).await.unwrap();
        for outcome in &outcomes {
            assert_eq!(outcome.error().unwrap().kind(), ErrorKind::Refused);
            let reason = "refused: \"the server has no address to go with a port\"";
            assert_eq!(outcome.message().as_deref(), Some(reason));
        }
        assert_eq!(every_state(&running, "app", name, "srv_port").await, ports);
    }
}

/// HAProxy before 3.0 refuses the address but ends the maintenance all the same: the server
/// would be up without an address.
#[tokio::test]
async fn a_server_that_is_not_resolved_stays_in_maintenance() {
    let (running, cluster) = managed().await;
    let maint = || all("MAINT (resolution)");
    assert_eq!(every_cell(&running, "app", "named", "status").await, maint());
    let server = cluster.allow_partial().server_ref("app", "named").unwrap();
    for (address, port) in [("127.0.0.1", None), ("127.0.0.1", Some(80)), ("::1", Some(81))] {
        let outcomes = server.set_address(ip(address), port).await.unwrap();
        assert_eq!(every_cell(&running, "app", "named", "status").await, maint());
        assert_eq!(every_state(&running, "app", "named", "srv_admin_state").await, all("32"));
        let said: Vec<_> = outcomes.iter().map(|outcome| outcome.message().unwrap()).collect();
        let old = "refused: \"the server is in MAINT (resolution) and has no address: HAProxy before 3.0 would not set \
                   one, and would take the server out of maintenance, so that nothing was sent\"";
        let new = "refused: \"Update for the current server address family is only supported through configuration \
                   file.\"";
        assert_eq!(said, from("3.0", old, new));
        assert!(outcomes.iter().all(|outcome| outcome.error().unwrap().kind() == ErrorKind::Refused));
    }
    server.set_port(81).await.unwrap();
    server.set_fqdn("other.example").await.unwrap();
    assert_eq!(every_cell(&running, "app", "named", "status").await, maint());
}

#[tokio::test]
async fn a_unix_server_keeps_its_address() {
    let (running, cluster) = managed().await;
    let server = cluster.allow_partial().server_ref("app", "local").unwrap();
    let outcomes = server.set_address(ip("127.0.0.1"), 80).await.unwrap();
    let said: Vec<_> = outcomes.iter().map(|outcome| outcome.message().unwrap()).collect();
    let words = "Update for the current server address family is only supported through configuration file";
    let old = format!("refused: \"{words} by 'stats socket command'\"");
    assert_eq!(said, from("3.0", old, format!("refused: \"{words}.\"")));
    assert!(outcomes.iter().all(|outcome| outcome.error().unwrap().kind() == ErrorKind::Refused));
    assert_eq!(every_cell(&running, "app", "local", "addr").await, all("unix"));
}

#[tokio::test]
async fn a_resolved_server_has_the_name_that_was_set() {
    let (running, cluster) = managed().await;
    named_and_read!(cluster, "app", "named", |server| {
        for (before, after) in [("host.example", "other-1.example"), ("other-1.example", "host.example")] {
            let outcomes = server.set_fqdn(after).await.unwrap();
            assert_eq!(words(&outcomes), all("changed"));
            let said =
                format!("app/named changed its FQDN from {before} to {after} by 'stats socket command'");
            assert_eq!(message(&outcomes), said);
            assert_eq!(every_state(&running, "app", "named", "srv_fqdn").await, all(after));
        }
    });
}

#[tokio::test]
async fn a_server_that_has_its_name_is_unchanged() {
    let (_running, cluster) = managed().await;
    let server = cluster.server_ref("app", "named").unwrap();
    let outcomes = server.set_fqdn("host.example").await.unwrap();
    assert_eq!(words(&outcomes), all("unchanged"));
    assert_eq!(message(&outcomes), "no need to change the FDQN by 'stats socket command'");
}

#[tokio::test]
async fn a_server_that_is_not_resolved_takes_no_name() {
    let (running, cluster) = managed().await;
    let server = cluster.allow_partial().server_ref("app", "web2").unwrap();
    let outcomes = server.set_fqdn("host.example").await.unwrap();
    let said: Vec<_> = outcomes.iter().map(|outcome| outcome.message().unwrap()).collect();
    let old = "refused: \"could not update app/web2 FQDN by 'stats socket command'\"";
    let new = "refused: \"set server <b>/<s> fqdn failed because no resolution is configured.\"";
    assert_eq!(said, from("2.6", old, new));
    assert_eq!(every_state(&running, "app", "web2", "srv_fqdn").await, all("-"));
}
