//! Desired states beyond servers with an IP address and a port, and the loop while processes fail. Each result is
//! read from the process' own socket.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "in a test a panic is the failure message")]
#![allow(clippy::indexing_slicing, reason = "the same")]

use std::fs;
use std::time::Duration;

use futures::channel::mpsc::unbounded;
use futures::{StreamExt as _, stream};
use haproxyadmin::reconcile::{
    Applied, Apply, Desired, DesiredBackend, DesiredServer, Plan, Reconcile, ReconcileEvent, Reconciling,
    Reference,
};
use haproxyadmin::{Cluster, ErrorKind, Outcomes};
use tokio::io::AsyncWriteExt as _;
use tokio::net::UnixStream;
use tokio::time::{Instant, timeout, timeout_at};

mod support;

use support::{Config, MasterWorker, Release, Running, ask, every_state, releases, releases_since};

const CONFIG: &str = r#"
resolvers none
    nameserver none 127.0.0.1:${PORT_NAMES}
frontend web
    bind "unix@${DIR}/traffic/web.${N}"
    http-request deny if { path -f "${DIR}/paths.acl" }
    http-request set-header X-Host %[req.hdr(host),map("${DIR}/hosts.map",none)]
    default_backend app
backend app
    server web1 127.0.0.1:1001 weight 10
    server web2 127.0.0.1:1002 weight 20
    server unix "unix@${DIR}/traffic/none"
    server abns abns@none
    server plus 127.0.0.1:+80
    server minus 127.0.0.1:-80
    server name host.invalid:80 init-addr none resolvers none
"#;

/// Time for an event.
const LONG: Duration = Duration::from_secs(60);

struct Site {
    running: Running,
    cluster: Cluster,
}

impl Site {
    async fn start(releases: &[Release]) -> Self {
        let mut running = Running::new();
        fs::write(running.dir().join("hosts.map"), "a.example one\n").unwrap();
        fs::write(running.dir().join("paths.acl"), "/admin\n").unwrap();
        for (n, release) in (1..).zip(releases) {
            running.add(release, &n.to_string(), &Config::admin(CONFIG).set("N", n)).await;
        }
        let cluster = Cluster::from_dir(running.stats()).await.unwrap();
        Self { running, cluster }
    }

    fn file(&self, name: &str) -> String {
        self.running.dir().join(name).display().to_string()
    }

    async fn state(&self, server: &str, column: &str) -> Vec<String> {
        every_state(&self.running, "app", server, column).await
    }

    /// Returns the number of a map or an ACL in a process.
    async fn number(&self, n: usize, list: &str, file: &str) -> String {
        let lists = ask(self.running.socket(n), &format!("show {list}")).await;
        let lists = String::from_utf8(lists).unwrap();
        let line = lists.lines().find(|line| line.contains(file)).unwrap();
        format!("#{}", line.split_once(' ').unwrap().0)
    }
}

fn app(servers: impl IntoIterator<Item = DesiredServer>) -> Desired {
    Desired::new().backend(servers.into_iter().fold(DesiredBackend::new("app"), DesiredBackend::server))
}

fn server(name: &str) -> DesiredServer {
    DesiredServer::new(name)
}

fn lines(plans: &Outcomes<Plan>) -> Vec<String> {
    plans.values().map(|(_, plan)| plan.to_string()).collect()
}

fn terms() -> Apply {
    Apply::new().max_unavailable(9).min_healthy(0)
}

#[tokio::test]
async fn an_address_is_set_where_haproxy_sets_one() {
    let site = Site::start(&releases()).await;
    let to = "127.0.0.9:90";
    let at = |name: &str| server(name).address(to.parse().unwrap());
    let desired = app(["unix", "abns", "plus", "minus", "name"].map(at));
    let unix = "it has a Unix socket in place of an IP address, and HAProxy does not change that";
    let unresolved = "its name is not resolved, and HAProxy sets no address then";
    let expected = format!(
        "app/plus: address 127.0.0.1:80 -> {to}\napp/minus: address none -> {to}\n\
         app/unix: address none -> {to}: {unix}\napp/abns: address none -> {to}: {unix}\n\
         app/name: address none -> {to}: {unresolved}"
    );
    let plans = site.cluster.plan(&desired).await.unwrap();
    assert_eq!(lines(&plans), vec![expected; site.running.processes()]);
    let error = site.cluster.apply(&desired, terms()).await.unwrap_err();
    for outcome in error.outcomes::<Applied>().unwrap() {
        let text = outcome.error().unwrap().to_string();
        let end = format!("2 steps were taken before: app/unix: address none -> {to}: {unix}, and 2 more");
        assert!(text.ends_with(&end), "{text}");
    }
    for name in ["plus", "minus"] {
        assert!(site.state(name, "srv_addr").await.iter().all(|address| address == "127.0.0.9"));
        assert!(site.state(name, "srv_port").await.iter().all(|port| port == "90"));
    }
    // No command has ended the maintenance of a server that has no address.
    assert!(site.state("name", "srv_admin_state").await.iter().all(|state| state == "32"));
    let settled = app(["plus", "minus"].map(at));
    assert!(site.cluster.plan(&settled).await.unwrap().are_in_sync());

    // Nor does the comparison of the processes plan what HAProxy refuses.
    let like = site.cluster.drift(Reference::process("1")).await.unwrap();
    assert!(like.are_in_sync(), "{like}");
}

/// HAProxy does not show if a port is an offset.
#[tokio::test]
async fn an_offset_that_looks_like_the_port_is_in_sync() {
    let site = Site::start(&releases()).await;
    let desired = app([server("plus").address("127.0.0.1:80".parse().unwrap())]);
    assert!(site.cluster.plan(&desired).await.unwrap().are_in_sync());
    for process in site.cluster.settings().await.unwrap().processes() {
        let offset = |name: &str| process.server("app", name).unwrap().shown.has_negative_offset;
        assert_eq!(["minus", "plus", "unix", "web1"].map(offset), [true, false, false, false]);
        let minus = process.server("app", "minus").unwrap();
        assert!(minus.address.is_none());
    }
}

#[tokio::test]
async fn a_state_that_cannot_be_reached_is_refused() {
    let site = Site::start(&releases_since("3.0")[..1]).await;
    for address in ["[fe80::1%2]:80"] {
        let desired = app([server("web1").address(address.parse().unwrap())]);
        let error = site.cluster.plan(&desired).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidInput);
        let text = "server app/web1: address [fe80::1%2]:80: HAProxy knows no scope and no flow label";
        assert_eq!(error.to_string(), text);
    }
    let secret = app([server("web1").options(["check-sni", "geheim"])]);
    assert!(!format!("{secret:?}").contains("geheim"), "{secret:?}");
}

/// Each of them would undo the changes of the other one.
#[tokio::test]
async fn a_map_that_is_given_twice_is_refused() {
    let site = Site::start(&releases()).await;
    let (map, acl) = (site.file("hosts.map"), site.file("paths.acl"));
    let hosts = site.number(1, "map", "hosts.map").await;
    let paths = site.number(1, "acl", "paths.acl").await;
    let by_map = |id: &str| Desired::new().map(&*map, [("a", "1")]).map(id, [("b", "2")]);
    let by_acl = |id: &str| Desired::new().acl(&*acl, ["/a"]).acl(id, ["/b"]);
    for (desired, message) in [
        (by_map(&hosts), format!("map {map} and map {hosts} are one map")),
        (by_acl(&paths), format!("ACL {acl} and ACL {paths} are one ACL")),
    ] {
        // The number may belong to another map in another process.
        let plan = site.cluster.plan(&desired).await.unwrap_err();
        let apply = site.cluster.apply(&desired, terms()).await.unwrap_err();
        for own in [
            plan.outcomes::<Plan>().unwrap().get("1").unwrap().error(),
            apply.outcomes::<Applied>().unwrap().get("1").unwrap().error(),
        ] {
            let own = own.unwrap();
            assert_eq!(own.kind(), ErrorKind::InvalidInput, "{own}");
            assert!(own.to_string().contains(&message), "{own}");
        }
    }
    let other = by_map("#9999");
    assert_eq!(site.cluster.plan(&other).await.unwrap_err().kind(), ErrorKind::NotFound);
    let spelled = Desired::new().map(&*hosts, [("a", "1")]).map(hosts.replace('#', "#0"), [("b", "2")]);
    assert_eq!(site.cluster.plan(&spelled).await.unwrap_err().kind(), ErrorKind::InvalidInput);
    let shown = ask(site.running.socket(1), &format!("show map {map}")).await;
    assert!(String::from_utf8_lossy(&shown).contains("a.example one"));
}

/// Returns the next event that is not a failure, and the number of failures before it.
async fn next_success(reconciling: &mut Reconciling) -> (ReconcileEvent, usize) {
    let mut failures = 0;
    loop {
        match timeout(LONG, reconciling.next()).await.unwrap().unwrap() {
            ReconcileEvent::Failed { retry_in: Some(_), .. } => failures += 1,
            event => return (event, failures),
        }
    }
}

#[tokio::test]
async fn a_process_that_fails_holds_up_no_other() {
    let mut site = Site::start(&releases_since("2.6")).await;
    let desired = |weight| app([server("web1").weight(weight)]);
    let (sender, states) = unbounded();
    // A pause that no test waits for.
    let terms =
        Reconcile::new(terms()).every(Duration::from_millis(50)).longest_pause(Duration::from_secs(7200));
    let mut reconciling = site.cluster.reconcile(states, terms);
    sender.unbounded_send(desired(7)).unwrap();
    assert!(matches!(next_success(&mut reconciling).await, (ReconcileEvent::Applied { .. }, 0)));
    assert!(matches!(next_success(&mut reconciling).await, (ReconcileEvent::InSync, 0)));

    site.running.haproxies[0].kill(1);
    // Its pauses grow.
    let mut longest = Duration::ZERO;
    while longest < Duration::from_secs(3) {
        let event = timeout(LONG, reconciling.next()).await.unwrap().unwrap();
        let ReconcileEvent::Failed { retry_in: Some(pause), error } = event else { panic!("{event}") };
        let failed = error.outcomes::<Applied>().unwrap().failed();
        assert_eq!(failed.map(|outcome| outcome.label().to_string()).collect::<Vec<_>>(), ["1"]);
        longest = longest.max(pause);
    }
    // The others keep the beat.
    for _ in 0..3 {
        ask(site.running.socket(2), "set server app/web1 weight 1").await;
        let (event, _) = next_success(&mut reconciling).await;
        let ReconcileEvent::Applied { outcomes } = event else { panic!("{event}") };
        let labels: Vec<_> = outcomes.values().map(|(label, _)| label.to_string()).collect();
        assert!(labels.contains(&"2".to_owned()) && !labels.contains(&"1".to_owned()), "{labels:?}");
    }
    // A new state goes to all of them, though the pause of one is not over.
    site.running.restart(1).await;
    sender.unbounded_send(desired(8)).unwrap();
    loop {
        // The state of before reaches the process too, if its pause ends first.
        let (event, _) = next_success(&mut reconciling).await;
        if site.state("web1", "srv_uweight").await.iter().all(|weight| weight == "8") {
            assert!(matches!(event, ReconcileEvent::Applied { .. } | ReconcileEvent::InSync), "{event}");
            break;
        }
    }
    drop(sender);
    while let Some(event) = timeout(LONG, reconciling.next()).await.unwrap() {
        assert!(!matches!(event, ReconcileEvent::Failed { .. }), "{event}");
    }
}

#[tokio::test]
async fn a_process_that_hangs_holds_up_no_other() {
    let site = Site::start(&releases_since("3.0")).await;
    let states = stream::iter([app([server("web1").weight(7)])]).chain(stream::pending());
    let terms =
        Reconcile::new(terms()).every(Duration::from_millis(50)).longest_pause(Duration::from_millis(50));
    let mut reconciling = site.cluster.reconcile(states, terms);
    assert!(matches!(next_success(&mut reconciling).await, (ReconcileEvent::Applied { .. }, 0)));
    site.running.haproxies[0].hang(1);
    let event = loop {
        match timeout(LONG, reconciling.next()).await.unwrap().unwrap() {
            ReconcileEvent::InSync => {}
            event => break event,
        }
    };
    assert!(matches!(event, ReconcileEvent::Failed { .. }), "{event}");
    // Attempts with it are always running from now on, and each one takes seconds.
    ask(site.running.socket(2), "set server app/web1 weight 1").await;
    let (event, failures) = next_success(&mut reconciling).await;
    assert!(matches!(event, ReconcileEvent::Applied { .. }), "{event}");
    assert!(failures <= 3, "{failures}");
    site.running.haproxies[0].resume(1);
    let (event, _) = next_success(&mut reconciling).await;
    assert!(matches!(event, ReconcileEvent::InSync), "{event}");
}

/// The map is in no process any more, and the state still names it.
#[tokio::test]
async fn a_map_that_is_removed_everywhere_is_asked_for_with_pauses() {
    let releases = &releases_since("3.0")[..2];
    let mut site = Site::start(releases).await;
    let desired = app([server("web1").weight(7)]).map(site.file("hosts.map"), [("a.example", "one")]);
    let states = stream::iter([desired]).chain(stream::pending());
    let terms =
        Reconcile::new(terms()).every(Duration::from_millis(50)).longest_pause(Duration::from_secs(3600));
    let mut reconciling = site.cluster.reconcile(states, terms);
    assert!(matches!(next_success(&mut reconciling).await, (ReconcileEvent::Applied { .. }, 0)));
    site.running.haproxies[0].kill(1);
    while !matches!(timeout(LONG, reconciling.next()).await.unwrap().unwrap(), ReconcileEvent::Failed { .. })
    {
    }
    let without: Vec<&str> = CONFIG.lines().filter(|line| !line.contains("hosts.map")).collect();
    let config = Config::admin(&without.join("\n"));
    for (n, release) in (1..).zip(releases) {
        site.running.haproxies[n - 1].replace(release, &config.clone().set("N", n)).await;
    }
    loop {
        let event = timeout(LONG, reconciling.next()).await.unwrap().unwrap();
        if matches!(&event, ReconcileEvent::Failed { error, .. } if error.kind() == ErrorKind::NotFound) {
            break;
        }
    }
    assert_eq!(site.state("web1", "srv_uweight").await, ["7", "7"]);
    let (end, mut events) = (Instant::now() + Duration::from_secs(3), 0);
    while timeout_at(end, reconciling.next()).await.is_ok() {
        events += 1;
    }
    assert!((1..=6).contains(&events), "{events}");
}

/// The stream does not end before all processes were asked together.
#[tokio::test]
async fn the_last_state_is_applied_when_all_processes_have_it() {
    let mut site = Site::start(&releases_since("3.0")[..2]).await;
    site.running.haproxies[0].kill(1);
    let states = stream::iter([app([server("web1").weight(7)])]);
    let terms = Reconcile::new(terms()).every(Duration::from_secs(3600));
    let mut reconciling = site.cluster.reconcile(states, terms);
    let event = timeout(LONG, reconciling.next()).await.unwrap().unwrap();
    assert!(matches!(event, ReconcileEvent::Failed { retry_in: Some(_), .. }), "{event}");
    site.running.restart(1).await;
    let mut last = event;
    while let Some(event) = timeout(LONG, reconciling.next()).await.unwrap() {
        last = event;
    }
    assert!(matches!(last, ReconcileEvent::InSync), "{last}");
    assert_eq!(site.state("web1", "srv_uweight").await, ["7", "7"]);
}

/// Most processes have a Unix socket in its place.
#[tokio::test]
async fn an_address_that_the_others_do_not_have_is_a_difference() {
    let releases = &releases_since("3.0")[..3];
    let mut site = Site::start(releases).await;
    let other = CONFIG.replace("server unix \"unix@${DIR}/traffic/none\"", "server unix 127.0.0.1:1003");
    site.running.haproxies[2].replace(&releases[2], &Config::admin(&other).set("N", 3)).await;
    let drift = site.cluster.drift(Reference::Majority).await.unwrap();
    let text =
        "app/unix: address 127.0.0.1:1003: the others have none, and no command of HAProxy takes it away";
    assert_eq!(lines(&drift), ["nothing to do", "nothing to do", text]);
    assert!(!drift.are_in_sync());
}

#[tokio::test]
async fn a_source_that_always_has_a_state_is_served() {
    let site = Site::start(&releases_since("3.0")[..1]).await;
    let states = stream::repeat_with(|| app([server("web1").weight(7)]));
    let mut reconciling = site.cluster.reconcile(states, Reconcile::default().every(Duration::ZERO));
    let event = timeout(LONG, reconciling.next()).await.unwrap().unwrap();
    assert!(matches!(event, ReconcileEvent::Applied { .. }), "{event}");
    assert_eq!(site.state("web1", "srv_uweight").await, ["7"]);
}

/// An old worker refuses changes, and gets no step.
#[tokio::test]
async fn a_state_for_processes_that_are_stopping_has_no_outcome() {
    for release in releases() {
        let mut site = MasterWorker::start(&release).await;
        // A request that has not ended keeps the old worker alive.
        let mut visitor = UnixStream::connect(site.running.traffic("web", 1)).await.unwrap();
        visitor.write_all(b"GET / HTTP/1.1\r\n").await.unwrap();
        site.running.haproxies[0].reload().await;
        site.running.haproxies[0].master_ready().await;
        let cluster = Cluster::builder().master(site.master.clone()).build().await.unwrap();
        let snapshot = cluster.snapshot().await.unwrap();
        let old = snapshot.processes().iter().find(|process| process.is_stopping()).unwrap();
        let (old, desired) = (cluster.only([old]), app([server("web1").weight(5)]));
        let outcomes = old.allow_partial().apply(&desired, terms()).await.unwrap();
        let absent: Vec<_> = outcomes.iter().map(|outcome| outcome.absent()).collect();
        assert_eq!(absent, [Some("the process is stopping")]);
        let error = old.apply(&desired, terms()).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::NotFound, "{error}");
        drop(visitor);
    }
}
