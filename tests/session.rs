//! Sessions of a process of each release: listed, counted, shown and shut down while requests are
//! held open.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "in a test a panic is the failure message")]
#![allow(clippy::indexing_slicing, reason = "the same")]

use std::time::Duration;

use haproxyadmin::session::{Session, SessionId};
use haproxyadmin::{Cluster, ErrorKind, Outcomes, fake};

#[macro_use]
mod managed;
mod support;

use managed::{all, managed, words};
use support::{Config, Held, Release, Running, every_cell, hold, info, levels, releases, until};

const CONFIG: &str = r#"
global
    nbthread 1
    maxconn 200
    stats socket "unix@${DIR}/stats/1.sock" mode 600 level admin
defaults
    mode http
    timeout connect 1s
    timeout client 1m
    timeout server 1m
frontend web
    bind "unix@${DIR}/traffic/web.1"
    bind "127.0.0.1:${PORT_WEB}"
    default_backend app
backend app
    server web1 "${SERVER_1}"
frontend pairs
    bind "unix@${DIR}/traffic/pairs.1"
    default_backend pair
backend pair
    balance roundrobin
    server one "${SERVER_1}"
    server two "${SERVER_1}"
listen raw
    mode tcp
    bind "127.0.0.1:${PORT_RAW}"
    server t1 "${SERVER_1}"
backend none
"#;

async fn one(release: &Release) -> (Running, Cluster) {
    let mut running = Running::new();
    running.add_servers(1).await;
    let config = running.fill(Config::new(CONFIG));
    running.add(release, "one", &config).await;
    let cluster = Cluster::from_dir(running.stats()).await.unwrap();
    (running, cluster)
}

/// Returns the value of the only process.
#[allow(clippy::needless_pass_by_value, reason = "a call to it stays short")]
fn only<T: Clone>(outcomes: Outcomes<T>) -> T {
    let (_, value) = outcomes.values().next().unwrap();
    value.clone()
}

/// Holds a request on a TCP port, and returns it with its session.
async fn held(running: &Running, cluster: &Cluster, port: &str, server: (&str, &str)) -> (Held, Session) {
    let old = ids(cluster, server).await;
    let held = hold(running.haproxies[0].address(port), "/hold").await;
    let look = async || {
        let list = only(cluster.sessions().await.unwrap());
        list.into_iter().find(|session| session.is_on(server.0, server.1) && !old.contains(&session.id))
    };
    (held, until("the session is listed", look).await)
}

async fn ids(cluster: &Cluster, (backend, server): (&str, &str)) -> Vec<SessionId> {
    let list = only(cluster.sessions().await.unwrap());
    list.iter().filter(|session| session.is_on(backend, server)).map(|session| session.id).collect()
}

async fn is_gone(cluster: &Cluster, server: (&str, &str), id: SessionId) {
    let look = async || (!ids(cluster, server).await.contains(&id)).then_some(());
    until("the session is gone", look).await;
}

#[tokio::test]
async fn sessions_are_listed_with_their_names_and_addresses() {
    for release in releases() {
        let (running, cluster) = one(&release).await;
        let (_http, http) = held(&running, &cluster, "PORT_WEB", ("app", "web1")).await;
        let (_tcp, tcp) = held(&running, &cluster, "PORT_RAW", ("raw", "t1")).await;
        for (session, frontend, backend) in [(&http, "web", "app"), (&tcp, "raw", "raw")] {
            assert_eq!(&*session.protocol, "tcpv4", "{}: {session}", release.version);
            assert!(session.source.unwrap().ip().is_loopback(), "{session}");
            assert_eq!(session.frontend.as_deref(), Some(frontend), "{session}");
            assert_eq!(session.backend.as_deref(), Some(backend), "{session}");
            assert!(session.age.unwrap() < Duration::from_secs(30) && session.calls > 0, "{session}");
            assert_eq!(session.get("src"), Some(session.source.unwrap().to_string().as_str()));
            let streams = if release.is_at_least("2.6") { "scf" } else { "s0" };
            assert!(session.get(streams).unwrap().starts_with('['), "{session}");
            assert_eq!(session.get("nothing"), None);
            let json = serde_json::to_string(session).unwrap();
            assert_eq!(&serde_json::from_str::<Session>(&json).unwrap(), session);
        }
        // A connection of an earlier call may still be a session for a moment.
        let look = async || Some(only(cluster.sessions().await.unwrap())).filter(|list| list.len() == 3);
        let list = until("the two and the connection that asks", look).await;
        let own: Vec<_> = list.iter().filter(|one| one.frontend.as_deref() == Some("GLOBAL")).collect();
        let [own] = own.as_slice() else { panic!("{list:?}") };
        assert_eq!((&*own.protocol, own.source, &own.backend), ("unix_stream", None, &None));
        let count = async || (only(cluster.session_count().await.unwrap()) == 3).then_some(());
        until("the same are counted", count).await;
        assert_eq!(info(&running.socket(1)).await["CurrConns"], "2");
    }
}

#[tokio::test]
async fn hundreds_of_sessions_are_listed_whole() {
    for release in releases() {
        let (running, cluster) = one(&release).await;
        let address = running.haproxies[0].address("PORT_RAW");
        let mut requests = Vec::new();
        for _ in 0..150 {
            requests.push(hold(address, "/hold").await);
        }
        let count = async || (only(cluster.session_count().await.unwrap()) == 151).then_some(());
        until("all are counted", count).await;
        assert_eq!(ids(&cluster, ("raw", "t1")).await.len(), 150, "{}", release.version);
    }
}

#[tokio::test]
async fn a_session_is_shown_until_it_has_ended() {
    for release in releases() {
        let (running, cluster) = one(&release).await;
        let (request, session) = held(&running, &cluster, "PORT_RAW", ("raw", "t1")).await;
        let text = only(cluster.session(session.id).await.unwrap());
        assert!(text.starts_with(&format!("{}: [", session.id)), "{text}");
        assert!(
            text.contains("frontend=raw (id=") && text.ends_with('\n') && !text.contains("\n\n"),
            "{text}"
        );
        drop(request);
        is_gone(&cluster, ("raw", "t1"), session.id).await;
        let id = "0x1234".parse().unwrap();
        let error = cluster.session(id).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::NotFound, "{}: {error}", release.version);
        let outcomes = error.outcomes::<String>().unwrap();
        assert_eq!(outcomes.iter().next().unwrap().absent(), Some("Session not found."));
    }
}

#[tokio::test]
async fn one_session_is_shut_down_and_no_other() {
    for release in releases() {
        let (running, cluster) = one(&release).await;
        let (_one, one) = held(&running, &cluster, "PORT_WEB", ("app", "web1")).await;
        let (_two, two) = held(&running, &cluster, "PORT_WEB", ("app", "web1")).await;
        assert_eq!(words(&cluster.shutdown_session(&one).await.unwrap()), ["changed"]);
        is_gone(&cluster, ("app", "web1"), one.id).await;
        assert_eq!(ids(&cluster, ("app", "web1")).await, [two.id], "{}", release.version);
    }
}

#[tokio::test]
async fn an_id_that_another_session_has_by_now_ends_nothing() {
    for release in releases() {
        let (running, cluster) = one(&release).await;
        let (_one, listed) = held(&running, &cluster, "PORT_WEB", ("app", "web1")).await;
        // The id of each listed session has been given to a session of another client, or to a
        // younger session of the same client, and so on.
        let mut client = listed.clone();
        client.text = client.text.replace(" src=", " src=1").into();
        let mut older = listed.clone();
        older.age = Some(Duration::from_secs(3600));
        let mut frontend = listed.clone();
        frontend.frontend = Some("raw".into());
        let mut gone = listed.clone();
        gone.id = "0x1234".parse().unwrap();
        for (session, absent) in [
            (client, "the id is that of another session by now"),
            (older, "the id is that of another session by now"),
            (frontend, "the id is that of another session by now"),
            (gone, "Session not found."),
        ] {
            let outcomes = cluster.allow_partial().shutdown_session(&session).await.unwrap();
            assert_eq!(outcomes.iter().next().unwrap().absent(), Some(absent), "{}", release.version);
            let error = cluster.shutdown_session(&session).await.unwrap_err();
            assert_eq!(error.kind(), ErrorKind::NotFound, "{error}");
        }
        assert_eq!(ids(&cluster, ("app", "web1")).await, [listed.id], "{}", release.version);
    }
}

#[tokio::test]
async fn a_session_that_is_shut_down_again_is_absent_whatever_has_its_id() {
    for release in releases() {
        let (running, cluster) = one(&release).await;
        let (_one, session) = held(&running, &cluster, "PORT_RAW", ("raw", "t1")).await;
        cluster.shutdown_session(&session).await.unwrap();
        is_gone(&cluster, ("raw", "t1"), session.id).await;
        // The connection that asks may have the id now.
        let outcomes = cluster.allow_partial().shutdown_session(&session).await.unwrap();
        assert_eq!(words(&outcomes), ["absent"], "{}", release.version);
    }
}

#[tokio::test]
async fn sessions_of_a_server_are_shut_down_and_those_of_others_stay() {
    for release in releases() {
        let (running, cluster) = one(&release).await;
        let (_http, http) = held(&running, &cluster, "PORT_WEB", ("app", "web1")).await;
        let (_tcp, tcp) = held(&running, &cluster, "PORT_RAW", ("raw", "t1")).await;
        let server = cluster.server_ref("app", "web1").unwrap();
        assert_eq!(words(&server.shutdown_sessions().await.unwrap()), ["changed"]);
        is_gone(&cluster, ("app", "web1"), http.id).await;
        assert_eq!(ids(&cluster, ("raw", "t1")).await, [tcp.id], "{}", release.version);
    }
}

#[tokio::test]
async fn sessions_of_a_backend_are_shut_down_in_each_process() {
    let (running, cluster) = managed().await;
    let backend = cluster.backend_ref("held").unwrap();
    for read in [false, true] {
        let mut held = Vec::new();
        for n in 1..=running.processes() {
            held.push(hold(running.traffic("web", n), "/hold").await);
        }
        let sessions = async |number: &str| {
            let look =
                async || (every_cell(&running, "held", "h1", "scur").await == all(number)).then_some(());
            until(&format!("{number} sessions on each process"), look).await;
        };
        sessions("1").await;
        let outcomes = if read {
            cluster.backend("held").await.unwrap().shutdown_sessions().await.unwrap()
        } else {
            backend.shutdown_sessions().await.unwrap()
        };
        assert_eq!(words(&outcomes), all("changed"));
        sessions("0").await;
    }
    let error = cluster.backend_ref("nope").unwrap().shutdown_sessions().await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::NotFound, "{error}");
}

#[tokio::test]
async fn sessions_of_every_server_of_a_backend_are_shut_down() {
    for release in releases() {
        let (running, cluster) = one(&release).await;
        let mut requests = Vec::new();
        for _ in 0..6 {
            requests.push(hold(running.traffic("pairs", 1), "/hold").await);
        }
        let (_other, other) = held(&running, &cluster, "PORT_WEB", ("app", "web1")).await;
        let are_held = async |expected: [usize; 2]| {
            let list = only(cluster.sessions().await.unwrap());
            let on = |server| list.iter().filter(|session| session.is_on("pair", server)).count();
            ([on("one"), on("two")] == expected).then_some(())
        };
        until("requests are held", async || are_held([3, 3]).await).await;
        let outcomes = cluster.backend_ref("pair").unwrap().shutdown_sessions().await.unwrap();
        assert_eq!(words(&outcomes), ["changed"], "{}", release.version);
        until("none is left", async || are_held([0, 0]).await).await;
        assert_eq!(ids(&cluster, ("app", "web1")).await, [other.id], "{}", release.version);
        let outcomes = cluster.backend_ref("none").unwrap().shutdown_sessions().await.unwrap();
        assert_eq!(words(&outcomes), ["unchanged"], "{}", release.version);
    }
}

#[tokio::test]
async fn an_id_is_that_of_one_process() {
    let (_running, cluster) = managed().await;
    let first = cluster.sessions().await.unwrap();
    let session = first.values().next().unwrap().1[0].clone();
    for error in [
        cluster.session(session.id).await.unwrap_err(),
        cluster.shutdown_session(&session).await.unwrap_err(),
    ] {
        assert_eq!(error.kind(), ErrorKind::InvalidInput, "{error}");
    }
}

#[test]
fn a_text_that_is_not_an_id_is_refused() {
    for text in
        ["", "0", "0x0", "all", "older 1s", "0x1;shutdown frontend web", "0x1\nquit", "0x1 0x2", "#0x1"]
    {
        let error = text.parse::<SessionId>().unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidInput, "{text:?}");
    }
}

#[tokio::test]
async fn each_level_permits_what_it_permits_in_haproxy() {
    for release in releases() {
        let running = levels(&release).await;
        let at = async |name: &str| Cluster::from_addresses([running.stats().join(name)]).await.unwrap();
        let (user, operator) = (at("user.sock").await, at("operator.sock").await);
        let session = only(operator.sessions().await.unwrap()).remove(0);
        let count = user.session_count().await;
        if release.is_at_least("3.0") {
            assert!(only(count.unwrap()) >= 1);
        } else {
            assert_eq!(count.unwrap_err().kind(), ErrorKind::PermissionDenied, "{}", release.version);
        }
        for (error, level) in [
            (user.sessions().await.unwrap_err(), "operator"),
            (user.session(session.id).await.unwrap_err(), "operator"),
            (user.shutdown_session(&session).await.unwrap_err(), "operator"),
            (user.backend_ref("app").unwrap().shutdown_sessions().await.unwrap_err(), "admin"),
            (operator.backend_ref("app").unwrap().shutdown_sessions().await.unwrap_err(), "admin"),
        ] {
            assert_eq!(error.kind(), ErrorKind::PermissionDenied, "{}: {error}", release.version);
            assert!(error.to_string().contains(level), "{}: {error}", release.version);
        }
    }
}

#[tokio::test]
async fn the_fake_lists_counts_and_ends_its_sessions() {
    for release in releases() {
        let dir = tempfile::tempdir().unwrap();
        let client = "[2001:db8::1]:40000".parse().unwrap();
        let process = fake::Process::new(&release.version)
            .frontend(fake::Frontend::new("web"))
            .backend(fake::Backend::new("app").server(fake::Server::new("web1")))
            .session(
                fake::Session::new("web").source(client).server("app", "web1").age(Duration::from_secs(95)),
            )
            .session(fake::Session::new("web").backend("app"));
        let _running = process.serve(dir.path().join("1.sock")).await.unwrap();
        let cluster = Cluster::from_dir(dir.path()).await.unwrap();
        let list = only(cluster.sessions().await.unwrap());
        assert_eq!(only(cluster.session_count().await.unwrap()), 3);
        assert_eq!((list[0].source, list[0].is_on("app", "web1")), (Some(client), true));
        assert!(list[0].age.unwrap() >= Duration::from_secs(95), "{}", list[0]);
        assert_eq!((list[1].backend.as_deref(), &list[1].server), (Some("app"), &None));
        assert!(only(cluster.session(list[0].id).await.unwrap()).contains("frontend=web "));
        assert_eq!(words(&cluster.shutdown_session(&list[1]).await.unwrap()), ["changed"]);
        let backend = cluster.backend_ref("app").unwrap();
        assert_eq!(words(&backend.shutdown_sessions().await.unwrap()), ["changed"]);
        let again = cluster.allow_partial().shutdown_session(&list[0]).await.unwrap();
        assert_eq!(words(&again), ["absent"]);
        assert_eq!(only(cluster.session_count().await.unwrap()), 1, "{}", release.version);
    }
}
