//! Applications of a desired state that fail in a part, that are repeated, or that find another process: what is held
//! back, and what goes on. Each result is read from the process' own socket.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "in a test a panic is the failure message")]
#![allow(clippy::indexing_slicing, reason = "the same")]

use std::fs;
use std::net::SocketAddr;
use std::time::Duration;

use futures::StreamExt as _;
use futures::channel::mpsc::unbounded;
use haproxyadmin::reconcile::{
    Applied, Apply, Applying, BlockedReason, Desired, DesiredBackend, DesiredServer, Plan, Reconcile,
    ReconcileEvent, Reference,
};
use haproxyadmin::{AdminState, Cluster, Error, ErrorKind, Outcomes};
use tokio::io::AsyncWriteExt as _;
use tokio::net::{TcpSocket, UnixStream};

mod authority;
mod support;

use authority::{Authority, served};
use support::{
    Config, MasterWorker, Moment, Relay, Release, Running, Tap, ask, every_cell, every_reply, every_state,
    hold_each, release, releases, releases_since, until, until_every_cell,
};

const CONFIG: &str = r#"frontend web
    bind "unix@${DIR}/traffic/web.${N}"
    http-request deny if { path -f "${DIR}/paths.acl" }
    http-request set-header X-Host %[req.hdr(host),map("${DIR}/hosts.map",none)]
    default_backend app
frontend tls
    bind "unix@${DIR}/traffic/tls.${N}" ssl crt "${DIR}/site.pem"
    http-request return status 200
backend app
    balance roundrobin
    server web1 "${SERVER_1}" weight 10
    server web2 "${SERVER_2}" weight 20
    server web3 "${SERVER_2}" weight 30
backend checked
    balance roundrobin
    server old1 "${SERVER_1}" check inter 50 rise 1
    server old2 "${SERVER_2}" check inter 50 rise 1
# The checks of `late` never end.
backend slow
    balance roundrobin
    timeout check 1h
    option httpchk GET /hold
    server calm1 "${SERVER_1}"
    server calm2 "${SERVER_1}"
    server late "${SERVER_2}" check inter 50ms fall 3
backend static
    balance source
    server one "${SERVER_1}"
    server two "${SERVER_2}"
backend used
    balance roundrobin
    use-server first if { path /first }
    server first "${SERVER_1}"
    server second "${SERVER_1}"
    server third "${SERVER_1}"
backend off
    disabled
    server none "${SERVER_1}"
"#;

/// Processes, and a tap in front of each stats socket.
struct Site {
    running: Running,
    taps: Vec<Tap>,
    cluster: Cluster,
}

impl Site {
    async fn start(releases: Vec<Release>) -> Self {
        let mut running = Running::new();
        running.add_servers(2).await;
        for (file, text) in [("hosts.map", "a.example one\n"), ("paths.acl", "/admin\n")] {
            fs::write(running.dir().join(file), text).unwrap();
        }
        fs::write(running.dir().join("site.pem"), Authority::new("Test CA").issue(1).pem()).unwrap();
        let config = running.fill(Config::admin(CONFIG));
        for (n, release) in (1..).zip(&releases) {
            running.add(release, &n.to_string(), &config.clone().set("N", n)).await;
        }
        let dir = running.dir().join("taps");
        fs::create_dir(&dir).unwrap();
        let taps = (1..=releases.len()).map(|n| Tap::new(dir.join(format!("{n}.sock")), running.socket(n)));
        let taps = taps.collect();
        let cluster = Cluster::from_dir(dir).await.unwrap();
        Self { running, taps, cluster }
    }

    fn file(&self, name: &str) -> String {
        self.running.dir().join(name).display().to_string()
    }

    /// The state with one more entry of the map.
    fn with_map(&self, desired: Desired) -> Desired {
        desired.map(self.file("hosts.map"), [("a.example", "one"), ("b.example", "two")])
    }

    fn all(&self, text: &str) -> Vec<String> {
        vec![text.to_owned(); self.running.processes()]
    }

    /// Checks the administrative state of a server, `-` if it is not there.
    async fn assert_state(&self, backend: &str, server: &str, state: &str) {
        let found = every_state(&self.running, backend, server, "srv_admin_state").await;
        let words = found.iter().map(|bits| match bits.as_str() {
            "" => "-".to_owned(),
            bits => match bits.parse::<u8>().unwrap() & 9 {
                0 => "ready".to_owned(),
                8 => "drain".to_owned(),
                _ => "maint".to_owned(),
            },
        });
        assert_eq!(words.collect::<Vec<_>>(), self.all(state), "{backend}/{server}");
    }

    /// Checks the number of entries of the map.
    async fn assert_entries(&self, count: usize) {
        for reply in every_reply(&self.running, &format!("show map {}", self.file("hosts.map"))).await {
            assert_eq!(reply.lines().filter(|line| line.contains(".example")).count(), count, "{reply}");
        }
    }

    /// The commands of process `n` that change something, without the folder.
    fn changes(&self, n: usize) -> Vec<String> {
        let sent = self.taps[n - 1].sent();
        let verbs = ["set server ", "enable ", "disable ", "add ", "del ", "commit ", "set map "];
        sent.lines()
            .map(|line| line.rsplit(';').next().unwrap_or_default())
            .filter(|line| verbs.iter().any(|verb| line.starts_with(verb)))
            .map(|line| line.replace(&format!("{}/", self.running.dir().display()), ""))
            .collect()
    }
}

const LONG: Duration = Duration::from_secs(30);
const SHORT: Duration = Duration::from_millis(300);

fn terms() -> Apply {
    Apply::new().max_unavailable(3).min_healthy(0).drain_within(Duration::from_secs(20)).up_within(LONG)
}

fn of(name: &str, servers: impl IntoIterator<Item = DesiredServer>) -> Desired {
    Desired::new().backend(backend(name, servers))
}

fn backend(name: &str, servers: impl IntoIterator<Item = DesiredServer>) -> DesiredBackend {
    servers.into_iter().fold(DesiredBackend::new(name), DesiredBackend::server)
}

fn server(name: &str) -> DesiredServer {
    DesiredServer::new(name)
}

fn maint(name: &str) -> DesiredServer {
    server(name).state(AdminState::Maint)
}

fn lines(plans: &Outcomes<Plan>) -> Vec<String> {
    plans.values().map(|(_, plan)| plan.to_string()).collect()
}

/// The text and the kind of the error of each process.
fn errors(error: &Error) -> Vec<(ErrorKind, String)> {
    let outcomes = error.outcomes::<Applied>().unwrap();
    let own = |error: &Error| (error.kind(), serde_json::to_value(error).unwrap()["message"].to_string());
    outcomes.iter().map(|outcome| own(outcome.error().unwrap())).collect()
}

/// Checks that each process failed with a text.
fn assert_errors(error: &Error, text: &str) {
    for (_, own) in errors(error) {
        assert!(own.contains(text), "{own}");
    }
}

/// An address on which nothing listens until it is told to.
fn closed_port() -> (TcpSocket, SocketAddr) {
    let socket = TcpSocket::new_v4().unwrap();
    socket.bind("127.0.0.1:0".parse().unwrap()).unwrap();
    let address = socket.local_addr().unwrap();
    (socket, address)
}

/// Reads the progress until a step of the first process has been taken.
async fn until_done(applying: &mut Applying, step: &str) {
    loop {
        let progress = applying.next().await.unwrap_or_else(|| panic!("no step {step:?}"));
        if progress.is_done && *progress.label == *"1" && progress.step.to_string().contains(step) {
            return;
        }
    }
}

/// The server that the first call has put into traffic has no step in the second one, and is waited for all the same.
#[tokio::test]
async fn a_second_call_waits_for_a_server_that_an_earlier_call_has_put_into_traffic() {
    let site = Site::start(releases_since("2.6")).await;
    let (socket, address) = closed_port();
    let new = server("new1").address(address).options(["check", "inter", "50ms", "rise", "1"]);
    let desired = site.with_map(Desired::new().backend(backend("checked", [new]).exact()));
    let wait = terms().up_within(Duration::from_secs(1));
    for call in 1..=3 {
        let error = site.cluster.apply(&desired, wait.clone()).await.unwrap_err();
        assert_errors(&error, "checked/new1: status ");
        let plans = site.cluster.plan(&desired).await.unwrap();
        let left = format!("{}: add 1\nchecked/old1: delete\nchecked/old2: delete", site.file("hosts.map"));
        assert_eq!(lines(&plans), site.all(&left), "call {call}");
        for n in 1..=site.running.processes() {
            let changes = site.changes(n);
            assert_eq!(changes.len(), 3, "call {call}: {changes:?}");
        }
        site.assert_entries(1).await;
        site.assert_state("checked", "old1", "ready").await;
    }
    // With a time of zero, nothing is waited for: the map changes, and the servers leave.
    let desired = of("app", [server("web1").address(site.running.servers[0].address()), maint("web2")]);
    let down = backend("checked", [server("new1").address(address)]);
    site.cluster.apply(&desired.backend(down), terms().up_within(Duration::ZERO)).await.unwrap();
    site.assert_state("app", "web2", "maint").await;

    let new = server("new1").address(address).options(["check"]);
    let desired = site.with_map(Desired::new().backend(backend("checked", [new]).exact()));
    let listener = socket.listen(64).unwrap();
    let accepting = tokio::spawn(async move { while listener.accept().await.is_ok() {} });
    site.cluster.apply(&desired, terms()).await.unwrap();
    site.assert_entries(2).await;
    site.assert_state("checked", "old1", "-").await;
    assert_eq!(every_cell(&site.running, "checked", "new1", "status").await, site.all("UP"));
    accepting.abort();
}

/// A plan without steps waits for nothing. Servers that are not wanted in traffic, and those of a backend that is
/// disabled, are not waited for.
#[tokio::test]
async fn nothing_is_waited_for_without_a_step_or_without_traffic() {
    let site = Site::start(releases()).await;
    for socket in site.running.sockets() {
        ask(&socket, "set server checked/old2 addr 127.0.0.1 port 1").await;
    }
    until_every_cell(&site.running, "checked", "old2", "status", "DOWN").await;
    let wait = terms().up_within(SHORT);
    let down = || server("old2").state(AdminState::Ready);
    let idle = of("checked", [down()]);
    assert!(site.cluster.apply(&idle, wait.clone()).await.is_ok());
    let desired = |down: DesiredServer| {
        let off = backend("off", [server("none").state(AdminState::Ready)]);
        of("checked", [down]).backend(off).backend(backend("app", [maint("web2")]))
    };
    // The other backend is not concerned.
    let error = site.cluster.apply(&desired(down()), wait.clone()).await.unwrap_err();
    assert_errors(&error, "checked/old2: status DOWN");
    site.assert_state("app", "web2", "maint").await;
    for (weight, name) in [(0, "web2"), (9, "web3")] {
        let app = backend("app", [maint(name)]);
        let checked = match weight {
            0 => down().weight(0),
            _ => server("old2").weight(9),
        };
        let off = backend("off", [server("none").state(AdminState::Ready)]);
        site.cluster.apply(&of("checked", [checked]).backend(off).backend(app), wait.clone()).await.unwrap();
    }
    site.assert_state("app", "web3", "maint").await;
}

/// `UP 1/3` is neither healthy nor available.
#[tokio::test]
async fn a_server_whose_checks_have_not_settled_is_unavailable() {
    let site = Site::start(releases()).await;
    for status in every_cell(&site.running, "slow", "late", "status").await {
        assert!(status.starts_with("UP ") && status.ends_with("/3"), "{status}");
    }
    let desired = of("slow", [maint("calm1")]);
    let apply = async |terms: Apply| site.cluster.apply(&desired, terms.up_within(SHORT)).await;
    let error = apply(Apply::new()).await.unwrap_err();
    assert_errors(&error, "slow/calm1 cannot leave: 1 server is unavailable, of at most 1");
    let error = apply(Apply::new().max_unavailable(2).min_healthy(2)).await.unwrap_err();
    assert_errors(&error, "slow/calm1 cannot leave: 1 other server is up, of at least 2");
    site.assert_state("slow", "calm1", "ready").await;
    apply(Apply::new().max_unavailable(2)).await.unwrap();
    site.assert_state("slow", "calm1", "maint").await;
}

/// A server that was refused holds back what may lead to it, and the servers that carry its traffic.
#[tokio::test]
async fn a_refused_server_holds_back_its_backend_and_the_maps() {
    let site = Site::start(releases_since("2.6")).await;
    let new = server("three").address(site.running.servers[0].address());
    let refused = |name: &str, of_app: DesiredServer| {
        of("static", [new.clone(), maint("one")]).backend(backend("app", [server(name).weight(7), of_app]))
    };
    // The other backend goes on.
    let error = site.cluster.apply(&refused("web1", maint("web2")), terms()).await.unwrap_err();
    assert_errors(&error, "2 steps were taken before: ");
    site.assert_state("static", "three", "-").await;
    site.assert_state("static", "one", "ready").await;
    site.assert_state("app", "web2", "maint").await;
    // A map that should change may lead to a server that should leave, of any backend.
    let desired = site.with_map(refused("web3", maint("web1")));
    for weight_steps in ["1 step was taken before: ", ""] {
        let error = site.cluster.apply(&desired, terms()).await.unwrap_err();
        assert_errors(&error, weight_steps);
        site.assert_entries(1).await;
        site.assert_state("app", "web1", "ready").await;
        site.assert_state("static", "one", "ready").await;
    }
    assert_eq!(every_state(&site.running, "app", "web3", "srv_uweight").await, site.all("7"));
    let without = of("app", [maint("web1")]).backend(backend("static", [maint("one")]));
    site.cluster.apply(&site.with_map(without), terms()).await.unwrap();
    site.assert_entries(2).await;
    site.assert_state("app", "web1", "maint").await;
}

/// A process that cannot add a server is in the same position.
#[tokio::test]
async fn a_server_without_a_step_holds_back_its_backend_and_the_maps() {
    let site = Site::start(vec![release("2.2")]).await;
    let new = server("web9").address(site.running.servers[0].address());
    let app = [new, server("web1").weight(3), maint("web2")];
    let desired = of("app", app.clone()).backend(backend("used", [maint("third")]));
    let error = site.cluster.apply(&desired, terms()).await.unwrap_err();
    assert_errors(&error, "2 steps were taken before: app/web9: add ");
    site.assert_state("app", "web2", "ready").await;
    site.assert_state("used", "third", "maint").await;
    let error = site.cluster.apply(&site.with_map(desired), terms()).await.unwrap_err();
    assert_errors(&error, "app/web9: add ");
    site.assert_entries(1).await;
    // A server that is not wanted in traffic is not missed.
    let spare = server("web9").address(site.running.servers[0].address()).state(AdminState::Maint);
    let desired = site.with_map(of("app", [spare, maint("web2")]));
    site.cluster.apply(&desired, terms()).await.unwrap_err();
    site.assert_entries(2).await;
    site.assert_state("app", "web2", "maint").await;
}

/// HAProxy takes the second word for the value of the first one, and adds the server without a check.
#[tokio::test]
async fn a_server_whose_check_is_refused_never_enters_traffic() {
    let site = Site::start(releases_since("3.0")).await;
    let new = server("web9").address(site.running.servers[0].address()).options(["cookie", "check"]);
    let desired = site.with_map(of("app", [new, maint("web2")]));
    let error = site.cluster.apply(&desired, terms()).await.unwrap_err();
    assert_errors(&error, "Health check was not configured on this server");
    let plans = site.cluster.plan(&desired).await.unwrap();
    for (_, plan) in plans.values() {
        assert_eq!(plan.blocked.iter().map(|one| one.reason).collect::<Vec<_>>(), [BlockedReason::NoCheck]);
    }
    for _ in 0..2 {
        let error = site.cluster.apply(&desired, terms()).await.unwrap_err();
        let text = "app/web9: state maint -> ready: its options have a check, and the process has the server without";
        assert_errors(&error, text);
        site.assert_state("app", "web9", "maint").await;
        site.assert_state("app", "web2", "ready").await;
        site.assert_entries(1).await;
    }
}

#[tokio::test]
async fn a_server_that_cannot_leave_does_not_stop_the_others() {
    let site = Site::start(releases_since("2.6")).await;
    // `use-server` refers to the first one.
    let used = [DesiredServer::absent("first"), DesiredServer::absent("second"), server("third")];
    let error = site.cluster.apply(&of("used", used.clone()), terms().max_unavailable(1)).await.unwrap_err();
    assert_errors(&error, "due to other configuration elements");
    site.assert_state("used", "first", "maint").await;
    site.assert_state("used", "second", "-").await;

    // The budget permits that one of two servers leaves. It is not left in drain.
    for name in ["old1", "old2"] {
        until_every_cell(&site.running, "checked", name, "status", "UP").await;
    }
    let desired = of("checked", [maint("old1"), maint("old2")]);
    let terms = Apply::new().max_unavailable(2).up_within(SHORT);
    let error = site.cluster.apply(&desired, terms).await.unwrap_err();
    assert_errors(&error, "checked/old2 cannot leave: 0 other servers are up, of at least 1");
    site.assert_state("checked", "old1", "maint").await;
    site.assert_state("checked", "old2", "ready").await;

    // A server that is out of traffic does not wait for one that the budget holds up.
    for socket in site.running.sockets() {
        ask(&socket, "set server app/web3 state drain").await;
    }
    let desired = of("app", [maint("web1"), maint("web2"), maint("web3")]);
    let terms = Apply::new().max_unavailable(0).up_within(SHORT);
    let error = site.cluster.apply(&desired, terms).await.unwrap_err();
    assert_errors(
        &error,
        "1 step was taken before: app/web1 cannot leave: 0 servers are unavailable, of at most 0",
    );
    site.assert_state("app", "web3", "maint").await;
    site.assert_state("app", "web2", "ready").await;
}

#[tokio::test]
async fn sessions_that_do_not_end_keep_the_others_in_traffic() {
    let site = Site::start(releases()).await;
    for socket in site.running.sockets() {
        ask(&socket, "set server app/web2 state maint").await;
        ask(&socket, "set server app/web3 state maint").await;
    }
    let held = hold_each(&site.running, "web", ("app", "web1")).await;
    for socket in site.running.sockets() {
        ask(&socket, "set server app/web2 state ready").await;
    }
    let desired = of("app", [maint("web1"), maint("web2")]).backend(backend("used", [maint("third")]));
    let terms = terms().max_unavailable(1).drain_within(SHORT);
    // In the second call, the server is out of traffic from the beginning.
    for before in ["1 step was taken before: 1 session, ", "1 session, "] {
        let error = site.cluster.apply(&desired, terms.clone()).await.unwrap_err();
        assert_errors(&error, before);
        site.assert_state("app", "web1", "drain").await;
        site.assert_state("app", "web2", "ready").await;
        site.assert_state("used", "third", "maint").await;
    }
    drop(held);
}

/// The process restarts between two servers that leave, and between a map and an ACL. The new one gets the steps of a
/// new plan, in their order, and no step of the old plan.
#[tokio::test]
async fn steps_of_a_process_do_not_reach_the_one_that_takes_its_place() {
    for release in releases() {
        let mut site = Site::start(vec![release]).await;
        let retire = |name: &str| {
            [
                format!("set server checked/{name} state drain"),
                format!("set server checked/{name} state maint"),
            ]
        };
        let desired = of("checked", [maint("old1"), maint("old2")]);
        let mut applying = site.cluster.apply(&desired, terms().max_unavailable(1));
        until_done(&mut applying, "checked/old1: state").await;
        assert_eq!(site.changes(1), retire("old1"));
        site.running.restart(1).await;
        let outcomes = applying.await.unwrap();
        assert_eq!(site.changes(1)[2..], [retire("old1"), retire("old2")].concat());
        let steps = &outcomes.values().next().unwrap().1.steps;
        assert_eq!(steps.len(), 2, "{outcomes}");
        site.assert_state("checked", "old2", "maint").await;

        let before = site.changes(1).len();
        let desired =
            site.with_map(of("app", [server("web1").weight(3)])).acl(site.file("paths.acl"), ["/b"]);
        let mut applying = site.cluster.apply(&desired, terms());
        until_done(&mut applying, "hosts.map").await;
        site.running.restart(1).await;
        let outcomes = applying.await.unwrap();
        assert_eq!(outcomes.values().next().unwrap().1.steps.len(), 3, "{outcomes}");
        let changes = site.changes(1).split_off(before);
        let at = |text: &str, from: usize| {
            let found = changes[from..].iter().position(|line| line.contains(text));
            from + found.unwrap_or_else(|| panic!("{text} after {from}: {changes:?}"))
        };
        let again = at("app/web1 weight", at("app/web1 weight", 0) + 1);
        assert!(at("paths.acl", 0) > at("hosts.map", again), "{changes:?}");
    }
}

/// One process fails while it is read for the map. The other one keeps its map for this round, so its servers stay too.
#[tokio::test]
async fn servers_stay_while_the_map_waits_for_another_process() {
    let mut running = Running::new();
    running.add_servers(2).await;
    for (file, text) in [("hosts.map", "a.example one\n"), ("paths.acl", "/admin\n")] {
        fs::write(running.dir().join(file), text).unwrap();
    }
    fs::write(running.dir().join("site.pem"), Authority::new("Test CA").issue(1).pem()).unwrap();
    let config = running.fill(Config::admin(CONFIG));
    for n in 1..=2 {
        running.add(&release("3.0"), &n.to_string(), &config.clone().set("N", n)).await;
    }
    let dir = running.dir().join("relays");
    fs::create_dir(&dir).unwrap();
    let tap = Tap::new(dir.join("1.sock"), running.socket(1));
    let relay = Relay::new(dir.join("2.sock"), running.socket(2));
    let cluster = Cluster::from_dir(dir).await.unwrap();
    let hosts = running.dir().join("hosts.map").display().to_string();
    let app = [server("web1").weight(3), maint("web2")];
    let desired = of("app", app).map(&*hosts, [("a.example", "one"), ("b.example", "two")]);
    let mut applying = cluster.apply(&desired, terms());
    until_done(&mut applying, "app/web1: weight").await;
    relay.hold_next(Moment::Marking, ["show map"]).await;
    let work = tokio::spawn(async move { applying.await });
    relay.holds(1).await;
    relay.cut();
    let error = work.await.unwrap().unwrap_err();
    let outcomes = error.outcomes::<Applied>().unwrap();
    let applied = outcomes.get("1").unwrap().value().unwrap();
    assert_eq!(applied.steps.len(), 3, "{applied}");
    assert!(outcomes.get("2").unwrap().error().is_some());
    let sent = tap.sent();
    let at = |text: &str| sent.find(text).unwrap_or_else(|| panic!("{text}: {sent}"));
    assert!(at("add map ") < at("app/web2 state drain"), "{sent}");
    let states = every_state(&running, "app", "web2", "srv_admin_state").await;
    assert_eq!(states, ["1", "0"]);
}

/// A certificate is replaced on all processes that need it or on none, also in a later round of the call.
#[tokio::test]
async fn a_certificate_that_one_process_refuses_is_replaced_on_none() {
    let site = Site::start(vec![release("2.6"), release("3.2")]).await;
    let authority = Authority::new("Another CA");
    let name = site.file("site.pem");
    let other = site.cluster.only(["2"]);
    other.certificate(&name).unwrap().set(&authority.issue(2).pem()).await.unwrap();
    let wanted = authority.issue(3);
    let desired = of("app", [maint("web2")]).certificate(&*name, wanted.pem());
    let plans = lines(&site.cluster.plan(&desired).await.unwrap());
    let error = site.cluster.apply(&desired, terms()).await.unwrap_err();
    let errors = errors(&error);
    assert!(errors[0].1.contains("nothing was done, because another process failed"), "{errors:?}");
    assert!(errors[1].1.contains("is pending"), "{errors:?}");
    assert_eq!(lines(&site.cluster.plan(&desired).await.unwrap()), plans);
    site.assert_state("app", "web2", "ready").await;
    other.certificate(&name).unwrap().abort().await.unwrap();
    site.cluster.apply(&desired, terms()).await.unwrap();
    site.assert_state("app", "web2", "maint").await;
}

/// The transaction of the old certificate would block the new one for ever.
#[tokio::test]
async fn a_new_state_waits_for_the_replacement_of_a_certificate() {
    let mut running = Running::new();
    running.add_servers(2).await;
    for (file, text) in [("hosts.map", "a.example one\n"), ("paths.acl", "/admin\n")] {
        fs::write(running.dir().join(file), text).unwrap();
    }
    let authority = Authority::new("Test CA");
    let site = running.dir().join("site.pem");
    fs::write(&site, authority.issue(1).pem()).unwrap();
    let config = running.fill(Config::admin(CONFIG));
    for n in 1..=2 {
        running.add(&release("3.0"), &n.to_string(), &config.clone().set("N", n)).await;
    }
    let dir = running.dir().join("relays");
    fs::create_dir(&dir).unwrap();
    let relays = [1, 2].map(|n| Relay::new(dir.join(format!("{n}.sock")), running.socket(n)));
    let cluster = Cluster::from_dir(dir).await.unwrap();
    let (old, new) = (authority.issue(2), authority.issue(3));
    let desired = |pem: String| Desired::new().certificate(site.display().to_string(), pem);
    let (sender, states) = unbounded();
    let terms = Reconcile::new(terms()).every(Duration::from_secs(3600)).longest_pause(SHORT);
    let mut reconciling = cluster.reconcile(states, terms);
    running.kill(2);
    sender.unbounded_send(desired(old.pem())).unwrap();
    let event = reconciling.next().await.unwrap();
    assert!(matches!(event, ReconcileEvent::Failed { retry_in: Some(_), .. }), "{event}");
    relays[1].mark(["commit ssl cert"]);
    relays[1].hold(Moment::Marking);
    running.restart(2).await;
    let (events, mut seen) = unbounded();
    tokio::spawn(reconciling.map(|event| Ok(event.to_string())).forward(events));
    relays[1].holds(1).await;
    sender.unbounded_send(desired(new.pem())).unwrap();
    drop(sender);
    // An attempt with the new state would be refused now.
    assert!(tokio::time::timeout(SHORT, seen.next()).await.is_err());
    relays[1].release();
    let events: Vec<_> = tokio::time::timeout(2 * LONG, seen.collect()).await.unwrap();
    assert!(events.iter().all(|event| !event.contains("is pending")), "{events:?}");
    for n in 1..=2 {
        assert_eq!(served(&authority.client(), &running.traffic("tls", n)).await.unwrap(), new.der, "{n}");
    }
}

/// An old worker refuses changes and ends soon: it is no side of the comparison.
#[tokio::test]
async fn an_old_worker_is_not_compared() {
    for release in releases() {
        let mut pair = MasterWorker::start(&release).await;
        let cluster = Cluster::builder().master(pair.master.clone()).build().await.unwrap();
        for socket in pair.running.sockets() {
            ask(socket, "set server app/web1 weight 50").await;
        }
        let mut visitor = UnixStream::connect(pair.running.traffic("web", 1)).await.unwrap();
        visitor.write_all(b"GET / HTTP/1.1\r\n").await.unwrap();
        let old = pair.pid().await;
        pair.running.haproxies[0].reload().await;
        let both = async || {
            let snapshot = cluster.snapshot().await.ok()?;
            (snapshot.processes().len() == 2).then_some(())
        };
        until("the old worker is listed", both).await;
        let drift = cluster.drift(Reference::Majority).await.unwrap();
        assert!(drift.are_in_sync(), "{release:?}: {drift}");
        let words: Vec<_> = drift.iter().map(|outcome| outcome.absent().unwrap_or("compared")).collect();
        assert_eq!(words.len(), 2, "{release:?}: {drift}");
        assert!(words.contains(&"compared"), "{release:?}: {words:?}");
        assert!(words.contains(&"the process is stopping"), "{release:?}: {words:?}");
        let error = cluster.drift(Reference::process(format!("master@!{old}"))).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::NotFound, "{release:?}: {error}");
        drop(visitor);
    }
}
