//! Backends that are added, published and deleted at run time. HAProxy 3.4 is the first release that
//! does it. Each result is read from the process' own socket.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "in a test a panic is the failure message")]
#![allow(clippy::indexing_slicing, reason = "the same")]

use std::time::Duration;

use haproxyadmin::backend::NewBackend;
use haproxyadmin::server::{NewServer, Removal};
use haproxyadmin::stat::Mode;
use haproxyadmin::{BackendRef, Change, Cluster, ErrorKind, Outcomes};

mod support;

use support::{
    Config, Moment, Relay, Release, Running, ask, every_cell, hold, http_get, release, releases, row, until,
};

/// The backend of a request is that of the path, `/new` for example, or `other`.
const CONFIG: &str = r#"
global
    nbthread 2
    stats socket "unix@${DIR}/stats/${N}.sock" mode 600 level ${LEVEL}
defaults base
    mode http
    timeout connect 1s
    timeout client 1m
    timeout server 1m
defaults slow
    mode http
    timeout connect 1s
    timeout client 1m
    timeout server 1m
    timeout tarpit 5s
    http-request tarpit
defaults bare
    timeout connect 1s
    timeout client 1m
    timeout server 1m
frontend web from base
    bind "unix@${DIR}/traffic/web.${N}"
    use_backend %[path,field(2,/)]
    default_backend other
backend other from base
    http-request return status 404
"#;

/// For releases that cannot do it.
const OLD: &str = r#"
global
    stats socket "unix@${DIR}/stats/${N}.sock" mode 600 level ${LEVEL}
defaults
    mode http
    timeout connect 1s
    timeout client 1m
    timeout server 1m
backend other
    server web1 "${SERVER_1}"
"#;

async fn running_at(releases: &[Release], level: &str) -> (Running, Cluster) {
    let config = |release: &Release| {
        Config::new(if release.is_at_least("3.4") { CONFIG } else { OLD }).set("LEVEL", level)
    };
    let running = Running::of(1, releases, config).await;
    let cluster = Cluster::from_dir(running.stats()).await.unwrap();
    (running, cluster)
}

/// Two processes that can do it.
async fn running() -> (Running, Cluster) {
    running_at(&[release("3.4"), release("3.4")], "admin").await
}

fn new(cluster: &Cluster) -> BackendRef {
    cluster.backend_ref("new").unwrap()
}

fn told(outcomes: &Outcomes<Change>) -> Vec<String> {
    let tell = |outcome: &haproxyadmin::Outcome<Change>| match (outcome.error(), outcome.message()) {
        (Some(error), _) => format!("{}: {}", error.kind(), error),
        (None, message) => format!("{}: {}", outcome.word(), message.unwrap_or_default()),
    };
    outcomes.iter().map(tell).collect()
}

#[tokio::test]
async fn a_backend_takes_traffic_from_its_publication_to_its_end() {
    let (running, cluster) = running().await;
    let backend = new(&cluster);
    let get = async |expected: u16| {
        for n in 1..=running.processes() {
            assert_eq!(http_get(running.traffic("web", n), "/new/").await, expected, "process {n}");
        }
    };
    assert_eq!(told(&backend.add("base").await.unwrap()), ["changed: New backend registered."; 2]);
    assert_eq!(every_cell(&running, "new", "BACKEND", "status").await, ["UP (UNPUB)"; 2]);
    let server = NewServer::new(running.servers[0].address());
    backend.add_server("web1", &server).await.unwrap();
    get(404).await;
    assert_eq!(told(&backend.publish().await.unwrap()), ["changed: Backend published."; 2]);
    assert_eq!(every_cell(&running, "new", "BACKEND", "status").await, ["UP"; 2]);
    get(200).await;
    assert_eq!(told(&backend.publish().await.unwrap()), ["changed: Backend published."; 2]);

    // The object does the same.
    let object = cluster.backend("new").await.unwrap();
    assert_eq!(told(&object.unpublish().await.unwrap()), ["changed: Backend unpublished."; 2]);
    get(404).await;
    assert_eq!(told(&object.unpublish().await.unwrap()), ["changed: Backend unpublished."; 2]);
    assert_eq!(told(&object.publish().await.unwrap()), ["changed: Backend published."; 2]);
    cluster.server_ref("new", "web1").unwrap().delete(&Removal::new()).await.unwrap();
    // HAProxy may print what it has said of the servers, too.
    let deleted = told(&object.delete(Duration::from_secs(10)).await.unwrap());
    assert!(deleted.iter().all(|said| said.ends_with("Backend deleted.")), "{deleted:?}");
    assert_eq!(every_cell(&running, "new", "BACKEND", "status").await, ["", ""]);
    assert_eq!(running.servers[0].requests(), 2);
}

#[tokio::test]
async fn a_backend_has_the_mode_and_the_guid_of_its_description() {
    let (running, cluster) = running().await;
    let partial = cluster.allow_partial();
    let described = NewBackend::from("bare").guid("guid-7");
    for (mode, text) in [(Mode::Tcp, "tcp"), (Mode::Http, "http")] {
        new(&cluster).add(described.clone().mode(mode)).await.unwrap();
        assert_eq!(every_cell(&running, "new", "BACKEND", "mode").await, [text; 2]);
        for n in 1..=running.processes() {
            let dump = ask(running.socket(n), "dump stats-file").await;
            assert!(String::from_utf8_lossy(&dump).contains("\nguid-7,"), "process {n}");
        }
        let second = partial.backend_ref("second").unwrap();
        let said = told(&second.add(NewBackend::from("base").guid("guid-7")).await.unwrap());
        let words = "\"Error during backend creation : GUID insertion : duplicate entry with backend new.\"";
        assert!(said.iter().all(|said| said.starts_with("refused: ") && said.ends_with(words)), "{said:?}");
        new(&cluster).delete(Duration::ZERO).await.unwrap();
    }
    for wrong in [NewBackend::from("base").mode(Mode::Spop), NewBackend::from("base").guid("a,b")] {
        let error = new(&cluster).add(wrong).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidInput, "{error}");
    }
    assert_eq!(every_cell(&running, "new", "BACKEND", "status").await, ["", ""]);
}

#[tokio::test]
async fn a_backend_that_another_client_publishes_is_unpublished_again() {
    let (running, _) = running_at(&[release("3.4")], "admin").await;
    let path = running.dir().join("relay.sock");
    let relay = Relay::new(&path, running.socket(1));
    let cluster = Cluster::from_addresses([path.as_path()]).await.unwrap();
    let backend = new(&cluster);
    relay.mark(["del backend"]);
    for (within, said) in [
        (
            Duration::ZERO,
            "the backend was published meanwhile, and was not deleted: refused: \"Backend must be",
        ),
        (Duration::from_secs(30), "changed: Backend deleted."),
    ] {
        if within.is_zero() {
            backend.add("base").await.unwrap();
        }
        relay.hold(Moment::Marking);
        let deletion = backend.on(&cluster.allow_partial());
        let deleting = tokio::spawn(async move { deletion.delete(within).await });
        relay.holds(1).await;
        ask(running.socket(1), "publish backend new").await;
        relay.release();
        let found = told(&deleting.await.unwrap().unwrap());
        assert!(found[0].contains(said), "{found:?}");
    }
    assert_eq!(every_cell(&running, "new", "BACKEND", "status").await, [""]);
}

#[tokio::test]
async fn what_haproxy_does_not_accept_is_refused_and_leaves_nothing() {
    let (running, cluster) = running().await;
    let partial = cluster.allow_partial();
    for (name, defaults, words) in [
        ("new", "nope", "Cannot find default proxy 'nope'."),
        ("new", "bare", "Mode is required as 'bare' default proxy does not explicitly defines it."),
        (
            "web",
            "base",
            "Error during backend creation : name is already used by other proxy 'frontend web'.",
        ),
        (
            "other",
            "base",
            "Error during backend creation : name is already used by other proxy 'backend other'.",
        ),
    ] {
        let outcomes = partial.backend_ref(name).unwrap().add(defaults).await.unwrap();
        for (n, said) in (1..).zip(told(&outcomes)) {
            let socket = running.socket(n).display().to_string();
            assert_eq!(
                said,
                format!("refused: `add backend {name} from {defaults}` on {socket}: refused: {words:?}")
            );
        }
    }
    assert_eq!(every_cell(&running, "new", "BACKEND", "status").await, ["", ""]);
    let error = new(&cluster).add("no such;name").await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InvalidInput);
    for absent in [
        new(&partial).publish().await,
        new(&partial).unpublish().await,
        new(&partial).delete(Duration::ZERO).await,
    ] {
        assert_eq!(told(&absent.unwrap()), ["absent: No such backend."; 2]);
    }
    assert_eq!(new(&cluster).publish().await.unwrap_err().kind(), ErrorKind::NotFound);
}

#[tokio::test]
async fn a_second_addition_says_that_the_backend_exists() {
    let (_running, cluster) = running().await;
    new(&cluster.only(["2"])).add("base").await.unwrap();
    let outcomes = new(&cluster.allow_partial()).add("base").await.unwrap();
    let said = told(&outcomes);
    assert_eq!(said[0], "changed: New backend registered.");
    assert!(said[1].contains("name is already used by other proxy 'backend new'"), "{said:?}");
}

#[tokio::test]
async fn a_backend_that_is_needed_stays_unpublished() {
    let (running, cluster) = running().await;
    let partial = cluster.allow_partial();
    new(&cluster).add("base").await.unwrap();
    new(&cluster).add_server("web1", &NewServer::new(running.servers[0].address())).await.unwrap();
    for (name, words) in [
        ("new", "Only a backend without server can be deleted."),
        (
            "other",
            "This proxy cannot be removed at runtime due to other configuration elements pointing to it.",
        ),
    ] {
        partial.backend_ref(name).unwrap().publish().await.unwrap();
        let outcomes = partial.backend_ref(name).unwrap().delete(Duration::from_secs(60)).await.unwrap();
        for (n, said) in (1..).zip(told(&outcomes)) {
            let socket = running.socket(n).display().to_string();
            let left = "the backend was unpublished, and was not deleted";
            assert_eq!(
                said,
                format!("partially_applied: `del backend {name}` on {socket}: {left}: refused: {words:?}")
            );
        }
        let status = every_cell(&running, name, "BACKEND", "status").await;
        assert_eq!(status, ["UP (UNPUB)"; 2]);
    }
}

#[tokio::test]
async fn sessions_are_waited_for() {
    let (running, cluster) = running().await;
    let backend = new(&cluster);
    backend.add("slow").await.unwrap();
    backend.publish().await.unwrap();
    let mut held = Vec::new();
    for n in 1..=running.processes() {
        held.push(hold(running.traffic("web", n), "/new/").await);
        let is_held =
            async || (row(running.socket(n), "new", "BACKEND").await.number("scur") == 1).then_some(());
        until("the request is held", is_held).await;
    }
    let outcomes = new(&cluster.allow_partial()).delete(Duration::from_millis(200)).await.unwrap();
    for said in told(&outcomes) {
        let words = "the backend was unpublished, and was not deleted: refused: \
                     \"Backend still has attached streams on it.\"";
        assert!(said.starts_with("partially_applied: ") && said.ends_with(words), "{said}");
    }
    // HAProxy answers the requests after five seconds.
    let deleted = backend.delete(Duration::from_secs(60)).await.unwrap();
    drop(held);
    assert_eq!(told(&deleted), ["changed: Backend deleted."; 2]);
}

#[tokio::test]
async fn a_reply_that_is_lost_is_an_unknown_outcome_and_sent_once() {
    let (running, _) = running_at(&[release("3.4")], "admin").await;
    let path = running.dir().join("relay.sock");
    let relay = Relay::new(&path, running.socket(1));
    let cluster = Cluster::from_addresses([path.as_path()]).await.unwrap();
    relay.mark(["add backend"]);
    relay.hold(Moment::Marked);
    let backend = new(&cluster);
    let adding = tokio::spawn(async move { backend.add("base").await });
    relay.holds(1).await;
    relay.cut();
    assert_eq!(adding.await.unwrap().unwrap_err().kind(), ErrorKind::OutcomeUnknown);
    assert_eq!(relay.sent().matches("add backend").count(), 1, "{}", relay.sent());
}

#[tokio::test]
async fn a_release_or_a_socket_that_cannot_do_it_changes_nothing() {
    let old: Vec<_> = releases().into_iter().filter(|release| !release.is_at_least("3.4")).collect();
    let (running, cluster) = running_at(&old, "admin").await;
    let backend = new(&cluster.allow_partial());
    for outcomes in [
        backend.add("base").await,
        backend.publish().await,
        backend.unpublish().await,
        backend.delete(Duration::ZERO).await,
    ] {
        let said = told(&outcomes.unwrap());
        assert_eq!(said.len(), old.len());
        for line in said {
            assert!(
                line.starts_with("unsupported: ") && line.contains("needs HAProxy 3.4 or later"),
                "{line}"
            );
        }
    }
    for n in 1..=running.processes() {
        let listed = ask(running.socket(n), "show backend").await;
        assert!(!String::from_utf8_lossy(&listed).contains("new"));
    }
    let (_running, cluster) = running_at(&[release("3.4")], "operator").await;
    for denied in [new(&cluster).add("base").await, cluster.backend_ref("other").unwrap().unpublish().await] {
        assert_eq!(denied.unwrap_err().kind(), ErrorKind::PermissionDenied);
    }
}
