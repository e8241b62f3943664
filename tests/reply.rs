//! The answers of each HAProxy release to commands that change something, word for word,
//! and the errors and outcomes that the crate makes of them. `frontend.rs`,
//! `server_address.rs`, `map.rs` and `acl.rs` have the answers for their objects.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "in a test a panic is the failure message")]
#![allow(clippy::indexing_slicing, reason = "the same")]

use std::net::IpAddr;

use haproxyadmin::global::{Counters, RateLimit};
use haproxyadmin::server::{AgentState, Health};
use haproxyadmin::{AdminState, Change, Cluster, ErrorKind, Outcomes, ServerRef, Weight};

mod managed;
mod support;

use managed::{all, from};
use support::{Running, Tap, every_cell, every_reply, managed_cluster, releases};

async fn managed() -> (Running, Cluster) {
    let running = managed_cluster().await;
    let cluster = Cluster::from_dir(running.stats()).await.unwrap().allow_partial();
    (running, cluster)
}

/// Returns the answer of each process and how the crate classified it.
fn told<T: Send + Sync + 'static>(outcomes: &Outcomes<T>) -> Vec<String> {
    let kind = |error: &haproxyadmin::Error| format!("{:?}", error.kind());
    let outcomes = outcomes.iter().map(|outcome| match (outcome.error(), outcome.absent()) {
        (Some(error), _) => error.to_string().replacen(&place(error), &kind(error), 1),
        (None, Some(words)) => format!("absent: {words}"),
        (None, None) => "here".to_owned(),
    });
    outcomes.collect()
}

/// Returns the beginning of an error's text: the command and the process.
fn place(error: &haproxyadmin::Error) -> String {
    format!("`{}` on {}", error.command().unwrap(), error.address().unwrap())
}

fn said(outcomes: &Outcomes<Change>) -> Vec<String> {
    let changes = outcomes.iter().map(|outcome| outcome.value().map(ToString::to_string));
    changes.zip(told(outcomes)).map(|(change, told)| change.unwrap_or(told)).collect()
}

fn refused(words: &str) -> String {
    format!("Refused: refused: {words:?}")
}

const TOO_OLD: &str = "Unsupported: needs HAProxy 2.4 or later, and this is ";

/// Checks that every process answers `expected` to every change of the server, or that it is
/// too old for the command.
async fn assert_is_told(server: &ServerRef, expected: &str) {
    let ip: IpAddr = "127.0.0.1".parse().unwrap();
    for outcomes in [
        server.set_state(AdminState::Maint).await,
        server.enable().await,
        server.disable().await,
        server.set_weight(Weight::percent(50)).await,
        server.set_address(ip, None).await,
        server.set_address(ip, 80).await,
        server.set_fqdn("host.example").await,
        server.set_health(Health::Down).await,
        server.set_agent(AgentState::Down).await,
        server.enable_health().await,
        server.disable_health().await,
        server.enable_agent().await,
        server.disable_agent().await,
        server.set_check_port(80).await,
        server.set_agent_address("127.0.0.1", None).await,
        server.set_agent_send("x").await,
        server.set_maxconn(3).await,
        server.shutdown_sessions().await,
    ] {
        let outcomes = outcomes.unwrap();
        assert_eq!(said(&outcomes), all(expected), "{}", outcomes.command());
    }
    for outcomes in
        [server.set_check_address(ip, 80).await, server.set_agent_port(80).await, server.set_ssl(true).await]
    {
        let outcomes = outcomes.unwrap();
        let is_told: Vec<_> = said(&outcomes).iter().map(|said| *said == expected).collect();
        assert_eq!(is_told, from("2.6", false, true), "{}", outcomes.command());
        assert!(said(&outcomes)[0].starts_with(TOO_OLD), "{outcomes}");
    }
}

#[tokio::test]
async fn a_server_that_nobody_has_is_not_here() {
    let (_running, cluster) = managed().await;
    let server = cluster.server_ref("app", "nobody").unwrap();
    assert_is_told(&server, "absent: No such server.").await;
    assert_eq!(said(&server.set_port(80).await.unwrap()), all("absent: No such server."));
    assert_eq!(told(&server.fetch_weight().await.unwrap()), all("absent: No such server."));
    assert_eq!(told(&server.fetch_state().await.unwrap()), all("absent: No such server."));
}

#[tokio::test]
async fn a_server_of_a_backend_that_nobody_has_is_not_here() {
    let (_running, cluster) = managed().await;
    let server = cluster.server_ref("nobody", "web1").unwrap();
    assert_is_told(&server, "absent: No such backend.").await;
    assert_eq!(told(&server.fetch_weight().await.unwrap()), all("absent: No such backend."));
    assert_eq!(told(&server.fetch_state().await.unwrap()), all("absent: Can't find backend."));
}

#[tokio::test]
async fn a_server_of_a_disabled_backend_is_refused() {
    let (_running, cluster) = managed().await;
    let server = cluster.server_ref("off", "o1").unwrap();
    let refused = "Refused: refused: \"Proxy is disabled.\"";
    assert_is_told(&server, refused).await;
    assert_eq!(said(&server.set_port(80).await.unwrap()), all(refused));
}

#[tokio::test]
async fn what_nobody_has_is_an_error_of_a_strict_call() {
    let (running, _) = managed().await;
    let cluster = Cluster::from_dir(running.stats()).await.unwrap();
    let error = cluster.server_ref("app", "nobody").unwrap().disable().await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::NotFound);
    assert!(error.to_string().starts_with("`disable server app/nobody`: "), "{error}");
    assert!(error.to_string().contains("No such server."), "{error}");
    assert_eq!(said(error.outcomes().unwrap()), all("absent: No such server."));
}

#[tokio::test]
async fn a_weight_that_the_balancing_does_not_know_is_refused() {
    let (running, cluster) = managed().await;
    let server = cluster.server_ref("fixed", "f1").unwrap();
    let words = "Backend is using a static LB algorithm and only accepts weights '0%' and '100%'.";
    let outcomes = server.set_weight(Weight::absolute(10).unwrap()).await.unwrap();
    assert_eq!(said(&outcomes), all(refused(words)));
    for (percent, weight) in [(0, "0"), (100, "1")] {
        assert_eq!(said(&server.set_weight(Weight::percent(percent)).await.unwrap()), all("changed"));
        assert_eq!(every_cell(&running, "fixed", "f1", "weight").await, all(weight));
    }
}

#[tokio::test]
async fn what_a_server_without_checks_is_told_is_refused() {
    let (_running, cluster) = managed().await;
    let server = cluster.server_ref("app", "web2").unwrap();
    let ip: IpAddr = "127.0.0.1".parse().unwrap();
    let none = refused("health checks are not enabled on this server");
    let outcomes = server.set_check_port(81).await.unwrap();
    assert_eq!(said(&outcomes), from("2.6", "changed: health check port updated.", &*none));
    let outcomes = server.set_check_address(ip, 81).await.unwrap();
    assert_eq!(said(&outcomes)[1..], from("2.6", "", &*none)[1..]);
    let outcomes = server.enable_health().await.unwrap();
    let none = refused("Health check was not configured on this server, cannot enable.");
    assert_eq!(said(&outcomes), from("2.6", "changed", &*none));
    assert_eq!(said(&server.disable_health().await.unwrap()), all("changed"));
}

#[tokio::test]
async fn what_a_server_without_an_agent_is_told_is_refused() {
    let (_running, cluster) = managed().await;
    let server = cluster.server_ref("app", "web2").unwrap();
    let old = refused("agent checks are not enabled on this server.");
    let new = refused("agent checks are not enabled on this server");
    assert_eq!(said(&server.set_agent(AgentState::Up).await.unwrap()), all(&*old));
    assert_eq!(said(&server.set_agent_send("x").await.unwrap()), all(&*old));
    let outcomes = server.set_agent_address("127.0.0.1", None).await.unwrap();
    assert_eq!(said(&outcomes), from("2.6", &*old, &*new));
    assert_eq!(said(&server.set_agent_port(81).await.unwrap())[1..], from("2.6", "", &*new)[1..]);
    let none = refused("Agent was not configured on this server, cannot enable.");
    assert_eq!(said(&server.enable_agent().await.unwrap()), all(none));
    assert_eq!(said(&server.disable_agent().await.unwrap()), all("changed"));
}

#[tokio::test]
async fn the_name_of_an_agent_that_cannot_be_resolved_is_refused() {
    let (_running, cluster) = managed().await;
    let server = cluster.server_ref("checks", "agent").unwrap();
    // A name with an empty part is invalid, so HAProxy sends no DNS query.
    let outcomes = server.set_agent_address("a..b", None).await.unwrap();
    let (old, new) = (refused("incorrect addr address given for agent."), refused("invalid addr 'a..b'"));
    assert_eq!(said(&outcomes), from("2.6", old, new));
}

#[tokio::test]
async fn the_health_of_a_server_that_tracks_another_is_refused() {
    let (_running, cluster) = managed().await;
    let server = cluster.server_ref("app", "follower").unwrap();
    let outcomes = server.set_health(Health::Down).await.unwrap();
    assert_eq!(said(&outcomes), all(refused("cannot change health on a tracking server.")));
}

#[tokio::test]
async fn tls_without_settings_for_it_is_refused() {
    let (_running, cluster) = managed().await;
    let outcomes = cluster.server_ref("app", "web2").unwrap().set_ssl(true).await.unwrap();
    let words = "'set server <srv> ssl' cannot be set.  default-server should define ssl settings";
    assert_eq!(said(&outcomes)[1..], from("2.6", String::new(), refused(words))[1..]);
    assert!(said(&outcomes)[0].starts_with(TOO_OLD), "{outcomes}");
}

#[tokio::test]
async fn an_entry_that_nobody_has_is_not_here() {
    let (running, cluster) = managed().await;
    let path = |name: &str| running.dir().join(name).display().to_string();
    let reference = "0x12".parse().unwrap();
    for n in 1..=running.processes() {
        let one = cluster.only([n.to_string()]);
        let (map, acl) = (one.map(path("hosts.map")).unwrap(), one.acl(path("paths.acl")).unwrap());
        for (outcomes, words) in [
            (map.set_entry(reference, "v").await, "key or pattern not found."),
            (map.delete_entry(reference).await, "Key not found."),
            (acl.delete_entry(reference).await, "Key not found."),
        ] {
            assert_eq!(said(&outcomes.unwrap()), [format!("absent: {words}")]);
        }
    }
}

#[tokio::test]
async fn a_map_that_nobody_has_is_not_here() {
    let (_running, cluster) = managed().await;
    let absent = "absent: Unknown map identifier. Please use #<id> or <file>.";
    for map in [cluster.map("nobody.map").unwrap(), cluster.map(9999).unwrap()] {
        for outcomes in [
            map.add("k", "v").await,
            map.add_all([("k", "v"), ("k l", "v")]).await,
            map.set("k", "v").await,
            map.delete("k").await,
            map.clear().await,
        ] {
            let outcomes = outcomes.unwrap();
            assert_eq!(said(&outcomes), all(absent), "{}", outcomes.command());
        }
        assert_eq!(told(&map.get("k").await.unwrap()), all(absent));
        assert_eq!(map.show().await.unwrap().absent().count(), releases().len());
    }
}

#[tokio::test]
async fn nothing_is_sent_of_what_haproxy_would_take_for_something_else() {
    let running = managed_cluster().await;
    let path = running.dir().join("tap");
    let tap = Tap::new(&path, running.socket(1));
    let cluster = Cluster::from_addresses([path.as_path()]).await.unwrap();
    cluster.info().await.unwrap();
    let before = tap.sent();
    let ip: IpAddr = "127.0.0.1".parse().unwrap();
    let server = cluster.server_ref("app", "web1").unwrap();
    for outcomes in [
        server.set_address(ip, 0).await,
        server.set_port(0).await,
        server.set_check_port(0).await,
        server.set_check_address(ip, 0).await,
        server.set_agent_port(0).await,
        server.set_agent_address("127.0.0.1", 0).await,
        server.set_agent_address("a b", None).await,
        server.set_agent_address("", None).await,
        server.set_fqdn("a;b").await,
        server.set_fqdn("a\nb").await,
        server.set_agent_send("").await,
        server.set_agent_send("a\nb").await,
        server.set_agent_send("a <<").await,
        cluster.set_maxconn(0).await,
    ] {
        assert_eq!(outcomes.unwrap_err().kind(), ErrorKind::InvalidInput);
    }
    for line in ["", "show info\nshow stat", "add map #1 <<", "show info\\"] {
        assert_eq!(cluster.command(line).await.unwrap_err().kind(), ErrorKind::InvalidInput, "{line:?}");
    }
    for name in ["", "#1", "a b", "a/b", "a;b", "a\nb", "a\\"] {
        assert_eq!(
            cluster.show_errors_of(name).await.unwrap_err().kind(),
            ErrorKind::InvalidInput,
            "{name:?}"
        );
        assert_eq!(cluster.frontend_ref(name).unwrap_err().kind(), ErrorKind::InvalidInput, "{name:?}");
        assert_eq!(cluster.backend_ref(name).unwrap_err().kind(), ErrorKind::InvalidInput, "{name:?}");
        assert_eq!(cluster.server_ref(name, "a").unwrap_err().kind(), ErrorKind::InvalidInput, "{name:?}");
        assert_eq!(cluster.server_ref("a", name).unwrap_err().kind(), ErrorKind::InvalidInput, "{name:?}");
    }
    for text in ["abc", "300", "-1", "", "1.5"] {
        assert_eq!(text.parse::<Weight>().unwrap_err().kind(), ErrorKind::InvalidInput, "{text:?}");
    }
    assert_eq!(tap.sent(), before);
}

/// Builds a cluster from the sockets of one level.
async fn of_level(running: &Running, level: &str) -> Cluster {
    let path = |n: usize| running.dir().join(format!("{level}.{n}.sock"));
    Cluster::from_addresses((1..=running.processes()).map(path)).await.unwrap().allow_partial()
}

fn denied(level: &str) -> String {
    format!("PermissionDenied: needs level {level} of the stats socket: \"Permission denied\"")
}

#[tokio::test]
async fn changes_are_for_level_admin() {
    let (running, _) = managed().await;
    for level in ["user", "operator"] {
        let cluster = of_level(&running, level).await;
        let server = cluster.server_ref("app", "web2").unwrap();
        let frontend = cluster.frontend_ref("web").unwrap();
        for outcomes in [
            server.set_state(AdminState::Maint).await,
            server.enable().await,
            server.disable().await,
            server.set_weight(Weight::percent(50)).await,
            server.set_address("127.0.0.3".parse().unwrap(), 81).await,
            server.set_port(81).await,
            server.set_fqdn("host.example").await,
            server.set_health(Health::Down).await,
            server.set_agent(AgentState::Down).await,
            server.enable_health().await,
            server.disable_health().await,
            server.enable_agent().await,
            server.disable_agent().await,
            server.set_check_port(81).await,
            server.set_agent_address("127.0.0.1", None).await,
            server.set_agent_send("x").await,
            server.set_maxconn(3).await,
            server.shutdown_sessions().await,
            frontend.enable().await,
            frontend.disable().await,
            frontend.shutdown().await,
            frontend.set_maxconn(3).await,
            cluster.set_maxconn(3).await,
            cluster.set_rate_limit(RateLimit::Connections, 3).await,
            cluster.clear_counters(Counters::All).await,
        ] {
            let outcomes = outcomes.unwrap();
            assert_eq!(said(&outcomes), all(denied("admin")), "{} as {level}", outcomes.command());
        }
    }
    assert_eq!(every_cell(&running, "web", "FRONTEND", "status").await, all("OPEN"));
    assert_eq!(every_cell(&running, "app", "web2", "status").await, all("no check"));
}

#[tokio::test]
async fn reading_errors_and_clearing_maxima_are_for_level_operator() {
    let (running, _) = managed().await;
    for (level, expected) in [("user", denied("operator")), ("operator", "here".into())] {
        let cluster = of_level(&running, level).await;
        assert_eq!(told(&cluster.show_errors().await.unwrap()), all(&*expected));
        assert_eq!(told(&cluster.show_errors_of("web").await.unwrap()), all(&*expected));
        assert_eq!(told(&cluster.clear_counters(Counters::Max).await.unwrap()), all(&*expected));
    }
}

#[tokio::test]
async fn weights_and_states_are_for_every_level() {
    let (running, _) = managed().await;
    for level in ["user", "operator"] {
        let cluster = of_level(&running, level).await;
        let server = cluster.server_ref("app", "web2").unwrap();
        assert_eq!(told(&server.fetch_weight().await.unwrap()), all("here"));
        assert_eq!(told(&server.fetch_state().await.unwrap()), all("here"));
        let backend = cluster.backend_ref("app").unwrap();
        assert_eq!(told(&backend.fetch_server_states().await.unwrap()), all("here"));
    }
}

/// Before 3.4 every level may change maps and ACLs.
#[tokio::test]
async fn maps_and_acls_are_for_level_admin_from_3_4_on() {
    let (running, _) = managed().await;
    let path = |name: &str| running.dir().join(name).display().to_string();
    for level in ["user", "operator"] {
        let cluster = of_level(&running, level).await;
        let (map, acl) = (cluster.map(path("hosts.map")).unwrap(), cluster.acl(path("paths.acl")).unwrap());
        for outcomes in [
            map.add("k", "v").await,
            map.add_all([("l", "v"), ("l m", "v")]).await,
            map.set("k", "w").await,
            map.delete("k").await,
            map.clear().await,
            acl.add("/k").await,
            acl.add_all(["/l", "/m"]).await,
            acl.delete("/k").await,
            acl.clear().await,
        ] {
            let outcomes = outcomes.unwrap();
            // The error of `add_all` begins with the number of entries that were added.
            let told: Vec<_> =
                told(&outcomes).iter().map(|told| told.replace("after 0 of 2 entries: ", "")).collect();
            assert_eq!(
                told,
                from("3.4", "here".into(), denied("admin")),
                "{} as {level}",
                outcomes.command()
            );
        }
        let expected = from("3.4", "here".into(), denied("admin"));
        assert_eq!(told(&cluster.maps().await.unwrap()), expected);
        assert_eq!(told(&cluster.acls().await.unwrap()), expected);
        assert_eq!(told(&map.get("k").await.unwrap()), expected);
        assert_eq!(told(&acl.get("k").await.unwrap()), expected);
        let newest = from("3.4", 0, 1).iter().sum();
        assert_eq!(map.show().await.unwrap().failed().count(), newest);
        assert_eq!(acl.show().await.unwrap().failed().count(), newest);
    }
    let entries = every_reply(&running, &format!("show map {}", path("hosts.map"))).await;
    assert_eq!(entries.iter().map(|text| text == "\n").collect::<Vec<_>>(), from("3.4", true, false));
}
