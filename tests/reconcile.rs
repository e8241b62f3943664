//! The desired state of a cluster: plans, their application from any point, budgets, differences between
//! processes, and the loop. Each result is read from the process' own socket.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "in a test a panic is the failure message")]
#![allow(clippy::indexing_slicing, reason = "the same")]

use std::fs;
use std::time::Duration;

use futures::channel::mpsc::unbounded;
use futures::{FutureExt as _, StreamExt as _};
use haproxyadmin::reconcile::{
    Applied, Apply, BlockedReason, Desired, DesiredBackend, DesiredServer, Plan, Reconcile, ReconcileEvent,
    Reference, ServerChange, Step,
};
use haproxyadmin::{AdminState, Cluster, ErrorKind, Limits, Outcomes};

mod authority;
mod support;

use authority::{Authority, Issued, served};
use support::{
    Config, Random, Release, Running, Tap, ask, every_cell, every_reply, every_state, hold_each, release,
    releases, releases_since, until,
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
    server web1 ${SERVER_1} weight 10
    server web2 127.0.0.1:1002 weight 20
    server web3 127.0.0.1:1003 weight 30 disabled
backend checked
    balance roundrobin
    server old1 ${SERVER_1} check inter 50 rise 1
    server old2 ${SERVER_2} check inter 50 rise 1
backend static
    balance source
    server web1 127.0.0.1:1001 weight 30
"#;

/// Processes, and a tap in front of each stats socket.
struct Site {
    running: Running,
    taps: Vec<Tap>,
    cluster: Cluster,
    authority: Authority,
}

impl Site {
    async fn start(releases: Vec<Release>) -> Self {
        let mut running = Running::new();
        running.add_servers(2).await;
        let authority = Authority::new("Test CA");
        fs::write(running.dir().join("site.pem"), authority.issue(0xa1).pem()).unwrap();
        fs::write(running.dir().join("hosts.map"), "a.example one\nb.example two\n").unwrap();
        fs::write(running.dir().join("paths.acl"), "/admin\n").unwrap();
        let config = running.fill(Config::admin(CONFIG));
        for (n, release) in (1..).zip(&releases) {
            running.add(release, &n.to_string(), &config.clone().set("N", n)).await;
        }
        let dir = running.dir().join("taps");
        fs::create_dir(&dir).unwrap();
        let taps = (1..=releases.len()).map(|n| Tap::new(dir.join(format!("{n}.sock")), running.socket(n)));
        let taps = taps.collect();
        let cluster = Cluster::from_dir(dir).await.unwrap();
        Self { running, taps, cluster, authority }
    }

    fn file(&self, name: &str) -> String {
        self.running.dir().join(name).display().to_string()
    }

    async fn state(&self, backend: &str, server: &str, column: &str) -> Vec<String> {
        every_state(&self.running, backend, server, column).await
    }

    fn all(&self, text: &str) -> Vec<String> {
        vec![text.to_owned(); self.running.processes()]
    }

    async fn tell(&self, lines: &[&str]) {
        for socket in self.running.sockets() {
            for line in lines {
                ask(&socket, line).await;
            }
        }
    }

    async fn entries(&self, list: &str) -> Vec<Vec<String>> {
        let text = |line: &str| line.split_once(' ').map(|(_, text)| text.to_owned());
        let replies = every_reply(&self.running, list).await;
        replies.iter().map(|reply| reply.lines().filter_map(text).collect()).collect()
    }

    /// The commands of process `n` that change something.
    fn changes(&self, n: usize) -> Vec<String> {
        let sent = self.taps[n - 1].sent();
        let verbs =
            ["set ", "enable ", "disable ", "add ", "del ", "commit ", "prepare ", "clear ", "shutdown "];
        sent.lines()
            .map(|line| line.rsplit(';').next().unwrap_or_default().to_owned())
            .filter(|line| verbs.iter().any(|verb| line.starts_with(verb)))
            .filter(|line| !line.starts_with("set severity-output"))
            .collect()
    }

    fn certificate(&self, issued: &Issued) -> Desired {
        Desired::new().certificate(self.file("site.pem"), issued.pem())
    }

    /// Checks that each process serves this certificate.
    async fn assert_served(&self, issued: &Issued) {
        let client = self.authority.client();
        for n in 1..=self.running.processes() {
            assert_eq!(served(&client, &self.running.traffic("tls", n)).await.unwrap(), issued.der, "{n}");
        }
    }
}

/// Terms that wait for nothing that the tests do not have.
fn terms() -> Apply {
    Apply::new().max_unavailable(3).min_healthy(0).drain_within(Duration::from_secs(20)).up_within(LONG)
}

const LONG: Duration = Duration::from_secs(30);

fn backend(servers: impl IntoIterator<Item = DesiredServer>) -> Desired {
    Desired::new().backend(of("app", servers))
}

fn of(name: &str, servers: impl IntoIterator<Item = DesiredServer>) -> DesiredBackend {
    servers.into_iter().fold(DesiredBackend::new(name), DesiredBackend::server)
}

fn server(name: &str) -> DesiredServer {
    DesiredServer::new(name)
}

fn lines(plans: &Outcomes<Plan>) -> Vec<String> {
    plans.values().map(|(_, plan)| plan.to_string()).collect()
}

/// Brings a process into any state.
async fn disturb(site: &Site, n: usize, random: &mut Random) {
    let socket = site.running.socket(n);
    let (hosts, paths) = (site.file("hosts.map"), site.file("paths.acl"));
    for _ in 0..random.below(8) {
        let name = random.one_of(&["web1", "web2", "web3", "web4", "web5"]);
        let state = random.one_of(&["ready", "drain", "maint"]);
        let (number, key) = (random.below(200) + 1, random.one_of(&["a", "b", "c", "d"]));
        let line = match random.below(10) {
            0 | 1 => format!("set server app/{name} state {state}"),
            2 => format!("set server app/{name} weight {number}"),
            3 => format!("set server app/{name} addr 127.0.0.{number} port {}", 2000 + number),
            4 => format!("add server app/{name} 127.0.0.{number}:80 weight {number}"),
            5 => {
                ask(&socket, &format!("set server app/{name} state maint")).await;
                format!("del server app/{name}")
            }
            6 => format!("add map {hosts} {key}.example {number}"),
            7 => format!("del map {hosts} {key}.example"),
            8 => format!("set map {hosts} {key}.example {number}"),
            _ => format!("add acl {paths} /{key}"),
        };
        ask(&socket, &line).await;
    }
}

fn whole_state(site: &Site) -> Desired {
    let servers = [
        server("web1").address(site.running.servers[0].address()).weight(15).state(AdminState::Ready),
        server("web2").address("127.0.0.1:1002".parse().unwrap()).state(AdminState::Maint),
        server("web3").address("127.0.0.9:9".parse().unwrap()).weight(7).state(AdminState::Drain),
        server("web4").address("127.0.0.4:1004".parse().unwrap()).weight(0).options(["maxconn", "9"]),
    ];
    Desired::new()
        .backend(of("app", servers).exact())
        .map(site.file("hosts.map"), [("a.example", "one"), ("c.example", "three")])
        .acl(site.file("paths.acl"), ["/admin", "/b"])
}

async fn assert_whole_state(site: &Site, what: &str) {
    for (name, column, value) in [
        ("web1", "srv_uweight", "15"),
        ("web1", "srv_admin_state", "0"),
        ("web1", "srv_addr", "127.0.0.1"),
        ("web2", "srv_admin_state", "1"),
        ("web2", "srv_port", "1002"),
        ("web3", "srv_uweight", "7"),
        ("web3", "srv_addr", "127.0.0.9"),
        ("web4", "srv_addr", "127.0.0.4"),
        ("web4", "srv_uweight", "0"),
        ("web4", "srv_admin_state", "0"),
        ("web5", "srv_addr", ""),
    ] {
        assert_eq!(site.state("app", name, column).await, site.all(value), "{what}: {name} {column}");
    }
    for bits in site.state("app", "web3", "srv_admin_state").await {
        // The bit of the configuration may be there beside the one for drain.
        assert_eq!(bits.parse::<u8>().unwrap() & !4, 8, "{what}");
    }
    for entries in site.entries(&format!("show map {}", site.file("hosts.map"))).await {
        assert_eq!(entries, ["a.example one", "c.example three"], "{what}");
    }
    for patterns in site.entries(&format!("show acl {}", site.file("paths.acl"))).await {
        assert_eq!(patterns, ["/admin", "/b"], "{what}");
    }
}

/// Each application is given up after one step, until none is left. Another client changes everything between
/// two states.
#[tokio::test]
async fn two_hundred_random_states_reach_the_desired_one_with_a_client_that_dies_after_every_step() {
    let site = Site::start(releases_since("2.6")).await;
    assert!(site.running.processes() >= 4);
    let desired = whole_state(&site);
    let mut random = Random::new(0x9e37_79b9_7f4a_7c15);
    let (mut steps, mut most) = (0, 0);
    for start in 0..200 {
        for n in 1..=site.running.processes() {
            disturb(&site, n, &mut random).await;
        }
        let mut runs = 0;
        loop {
            let mut applying = site.cluster.apply(&desired, terms());
            let has_step = loop {
                match applying.next().await {
                    Some(progress) if progress.is_done => break true,
                    Some(_) => {}
                    None => break false,
                }
            };
            if !has_step {
                let outcomes = applying.await.unwrap_or_else(|error| panic!("start {start}: {error}"));
                assert!(outcomes.values().all(|(_, applied)| applied.steps.is_empty()));
                break;
            }
            runs += 1;
            assert!(runs < 200, "start {start} does not end");
        }
        (steps, most) = (steps + runs, most.max(runs));
        let plans = site.cluster.plan(&desired).await.unwrap();
        assert!(plans.are_in_sync(), "start {start}: {plans}");
        if start % 10 == 0 {
            assert_whole_state(&site, &format!("start {start}")).await;
        }
    }
    assert_whole_state(&site, "end").await;
    println!("200 states, {steps} clients that died after a step, {most} at most for one state");
    assert!(steps > 400, "{steps}");
}

#[tokio::test]
async fn a_plan_has_the_steps_that_are_taken_and_changes_nothing() {
    let site = Site::start(releases_since("2.6")).await;
    let desired = whole_state(&site);
    let plans = site.cluster.plan(&desired).await.unwrap();
    assert!((1..=site.taps.len()).all(|n| site.changes(n).is_empty()));
    let address = site.running.servers[0].address();
    assert_eq!(address.ip().to_string(), "127.0.0.1");
    let expected = format!(
        "app/web1: weight 10 -> 15\n\
         app/web3: address 127.0.0.1:1003 -> 127.0.0.9:9\n\
         app/web3: weight 30 -> 7\n\
         app/web3: state maint -> drain\n\
         app/web4: add 127.0.0.4:1004\n\
         {}: add 1, delete 1\n\
         {}: add 1\n\
         app/web2: state ready -> maint",
        site.file("hosts.map"),
        site.file("paths.acl")
    );
    assert_eq!(lines(&plans), site.all(&expected));
    let written = serde_json::to_value(&plans).unwrap();
    let first = &written["outcomes"][0]["value"]["steps"][0];
    let expected = serde_json::json!({
        "object": "server", "backend": "app", "server": "web1",
        "change": "weight", "from": 10, "to": 15, "configured": 10,
    });
    assert_eq!(*first, expected);

    let applied = site.cluster.apply(&desired, terms()).await.unwrap();
    for ((_, plan), (_, applied)) in plans.values().zip(applied.values()) {
        assert_eq!(plan.steps, applied.steps);
    }
    assert_whole_state(&site, "applied").await;
    let sent: Vec<_> = (1..=site.taps.len()).map(|n| site.changes(n).len()).collect();
    let again = site.cluster.apply(&desired, terms()).await.unwrap();
    assert!(again.values().all(|(_, applied)| *applied == Applied::default()), "{again}");
    let after: Vec<_> = (1..=site.taps.len()).map(|n| site.changes(n).len()).collect();
    assert_eq!(sent, after);
    assert!(site.cluster.plan(&desired).await.unwrap().are_in_sync());
}

/// The new server takes traffic before the old ones leave, one after the other.
#[tokio::test]
async fn servers_come_before_others_leave() {
    let site = Site::start(releases_since("2.6")).await;
    let new = server("new1").address(site.running.servers[1].address());
    let new = new.options(["check", "inter", "50ms", "rise", "1"]);
    let desired = Desired::new().backend(of("checked", [new]).exact());
    let terms = Apply::new().up_within(LONG);
    let mut applying = site.cluster.apply(&desired, terms);
    let mut seen = Vec::new();
    while let Some(progress) = applying.next().await {
        if *progress.label == *"1" {
            seen.push(format!("{} {}", progress.step, progress.is_done));
        }
    }
    assert_eq!(
        seen,
        [
            &format!("checked/new1: add {} true", site.running.servers[1].address()),
            "checked/old1: delete false",
            "checked/old1: delete true",
            "checked/old2: delete false",
            "checked/old2: delete true",
        ]
    );
    applying.await.unwrap();
    for n in 1..=site.running.processes() {
        let changes = site.changes(n);
        let at = |line: &str| {
            changes
                .iter()
                .position(|sent| sent.starts_with(line))
                .unwrap_or_else(|| panic!("{line}: {changes:?}"))
        };
        let order = [
            at("add server checked/new1"),
            at("enable health checked/new1"),
            at("set server checked/new1 state ready"),
            at("set server checked/old1 state drain"),
            at("del server checked/old1"),
            at("set server checked/old2 state drain"),
            at("del server checked/old2"),
        ];
        assert!(order.is_sorted(), "{changes:?}");
    }
    assert_eq!(every_cell(&site.running, "checked", "new1", "status").await, site.all("UP"));
    assert_eq!(every_cell(&site.running, "checked", "old1", "status").await, site.all(""));
}

#[tokio::test]
async fn a_server_stays_in_traffic_while_the_budgets_do_not_permit_it_to_leave() {
    let site = Site::start(releases()).await;
    let desired = Desired::new().backend(of("checked", [server("old1").state(AdminState::Maint)]));
    let short = Duration::from_millis(200);
    for (terms, lack) in [
        (
            Apply::new().min_healthy(5).up_within(short),
            "checked/old1 cannot leave: 1 other server is up, of at least 5",
        ),
        (
            Apply::new().max_unavailable(0).up_within(short),
            "checked/old1 cannot leave: 0 servers are unavailable, of at most 0",
        ),
    ] {
        let error = site.cluster.apply(&desired, terms).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Timeout, "{error}");
        assert!(error.to_string().contains(lack), "{error}");
        assert_eq!(site.state("checked", "old1", "srv_admin_state").await, site.all("0"));
    }
    // A server that should be up and is not is unavailable.
    site.tell(&["set server checked/old2 addr 127.0.0.1 port 1"]).await;
    support::until_every_cell(&site.running, "checked", "old2", "status", "DOWN").await;
    let error = site.cluster.apply(&desired, Apply::new().min_healthy(0).up_within(short)).await.unwrap_err();
    let lack = "checked/old1 cannot leave: 1 server is unavailable, of at most 1";
    assert!(error.to_string().contains(lack), "{error}");
    // With a greater budget it leaves.
    let terms = Apply::new().min_healthy(0).max_unavailable(2).up_within(LONG);
    site.cluster.apply(&desired, terms).await.unwrap();
    assert_eq!(site.state("checked", "old1", "srv_admin_state").await, site.all("1"));
}

#[tokio::test]
async fn sessions_end_before_a_server_goes_into_maintenance() {
    let site = Site::start(releases()).await;
    site.tell(&["set server app/web2 state maint"]).await;
    let held = hold_each(&site.running, "web", ("app", "web1")).await;
    let desired = backend([server("web1").state(AdminState::Maint)]);
    let terms = terms().drain_within(Duration::from_millis(300));
    let error = site.cluster.apply(&desired, terms.clone()).await.unwrap_err();
    assert!(error.to_string().contains("1 session,"), "{error}");
    // It is in drain, and the next call goes on from there.
    assert_eq!(site.state("app", "web1", "srv_admin_state").await, site.all("8"));
    let plans = site.cluster.plan(&desired).await.unwrap();
    assert_eq!(lines(&plans), site.all("app/web1: state drain -> maint"));
    let error = site.cluster.apply(&desired, terms.clone()).await.unwrap_err();
    assert!(error.to_string().contains("1 session,"), "{error}");
    assert_eq!(site.state("app", "web1", "srv_admin_state").await, site.all("8"));
    site.cluster.apply(&desired, terms.or_force()).await.unwrap();
    assert_eq!(site.state("app", "web1", "srv_admin_state").await, site.all("1"));
    assert_eq!(every_cell(&site.running, "app", "web1", "scur").await, site.all("0"));
    drop(held);
}

#[tokio::test]
async fn a_process_that_cannot_do_a_step_says_why_and_does_the_others() {
    let site = Site::start(vec![release("2.2"), release("3.2")]).await;
    let web9 = server("web9").address("127.0.0.9:9".parse().unwrap());
    let desired = backend([
        server("web1").weight(3),
        server("web2"),
        web9,
        DesiredServer::absent("web3"),
        server("web8"),
    ]);
    let plans = site.cluster.plan(&desired).await.unwrap();
    let (old, new) = (plans.get("1").unwrap().value().unwrap(), plans.get("2").unwrap().value().unwrap());
    assert_eq!(
        old.to_string(),
        "app/web1: weight 10 -> 3\n\
         app/web9: add 127.0.0.9:9: needs HAProxy 2.6\n\
         app/web3: delete: needs HAProxy 2.6\n\
         app/web8: add: the process does not have the server, and no address is given to add it"
    );
    assert_eq!(new.blocked.iter().map(|one| one.reason).collect::<Vec<_>>(), [BlockedReason::NoAddress]);
    assert!(matches!(&new.steps[1], Step::Server { change: ServerChange::Add { .. }, .. }));
    let error = site.cluster.apply(&desired, terms()).await.unwrap_err();
    let outcomes = error.outcomes::<Applied>().unwrap();
    let errors: Vec<_> = outcomes.iter().map(|outcome| outcome.error().unwrap().reason_for_test()).collect();
    assert_eq!(
        errors,
        [
            "1 step was taken before: app/web9: add 127.0.0.9:9: needs HAProxy 2.6, and 2 more",
            "3 steps were taken before: app/web8: add: the process does not have the server, and no address is given \
             to add it",
        ]
    );
    assert_eq!(site.state("app", "web1", "srv_uweight").await, site.all("3"));
    assert_eq!(site.state("app", "web9", "srv_addr").await, ["", "127.0.0.9"]);
    assert_eq!(site.state("app", "web3", "srv_addr").await, ["127.0.0.1", ""]);
}

/// The text of an error without its command and its address.
trait Reason {
    fn reason_for_test(&self) -> String;
}

impl Reason for haproxyadmin::Error {
    fn reason_for_test(&self) -> String {
        serde_json::to_value(self).unwrap()["message"].as_str().unwrap().to_owned()
    }
}

#[tokio::test]
async fn what_is_not_valid_is_refused_before_anything_is_sent() {
    let site = Site::start(vec![release("3.0")]).await;
    let issued = site.authority.issue(0xb1);
    let key = issued.pem().lines().nth(1).unwrap().to_owned();
    let damaged = "-----BEGIN CERTIFICATE-----\nsecret\n-----END CERTIFICATE-----\n";
    for (desired, message) in [
        (backend([server("web 1")]), "name of a server"),
        (backend([server("web1").weight(257)]), "weight 257"),
        (backend([server("web1").address("127.0.0.1:0".parse().unwrap())]), "port 0"),
        (backend([server("web1"), server("web1")]), "server \"web1\" occurs twice"),
        (backend([]).backend(of("app", [])), "backend \"app\" occurs twice"),
        (backend([DesiredServer::absent("web1").weight(1)]), "an absent server has no settings"),
        (backend([server("web1").options([""])]), "an empty argument"),
        (Desired::new().map("@1", [("a", "b")]), "`@` stands before a version"),
        (Desired::new().map("x", [("", "b")]), "an empty argument"),
        (Desired::new().acl("x", ["a\nb"]), ""),
        (Desired::new().certificate("a.key", issued.pem()), "HAProxy takes the end of the name"),
        (Desired::new().certificate("a", damaged), "is no certificate"),
        (Desired::new().certificate("a", "secret"), "the PEM text has no section `CERTIFICATE`"),
    ] {
        for error in [
            site.cluster.plan(&desired).await.unwrap_err(),
            site.cluster.apply(&desired, Apply::new()).await.unwrap_err(),
        ] {
            assert_eq!(error.kind(), ErrorKind::InvalidInput, "{error}");
            assert!(error.to_string().contains(message), "{error}");
            assert!(!error.to_string().contains("secret"), "{error}");
        }
    }
    assert_eq!(site.taps[0].sent(), "");
    let desired = site.certificate(&issued);
    assert!(!format!("{desired:?}").contains(&key));
    for (desired, name) in [
        (Desired::new().backend(of("nope", [])), "backend nope"),
        (Desired::new().map("/nope.map", [("a", "b")]), "map /nope.map"),
        (Desired::new().acl("/nope.acl", ["a"]), "ACL /nope.acl"),
        (Desired::new().certificate("/nope.pem", issued.pem()), "certificate /nope.pem"),
    ] {
        let error = site.cluster.plan(&desired).await.unwrap_err();
        assert_eq!((error.kind(), error.to_string()), (ErrorKind::NotFound, format!("no such {name}")));
    }
}

#[tokio::test]
async fn a_state_is_read_from_json_and_written_so() {
    let text = r#"{
        "backends": [{"name": "app", "exact": true, "servers": [
            {"name": "web1", "weight": 20, "state": "drain"},
            {"name": "web3", "address": "10.0.0.3:8080", "options": ["check"]},
            {"name": "web9", "absent": true}]}],
        "maps": [{"id": "/h.map", "entries": [["a", "b"]]}],
        "acls": [{"id": "/p.acl", "patterns": ["/x"]}],
        "certificates": [{"name": "/s.pem", "pem": "secret"}]
    }"#;
    let desired: Desired = serde_json::from_str(text).unwrap();
    let servers = [
        server("web1").weight(20).state(AdminState::Drain),
        server("web3").address("10.0.0.3:8080".parse().unwrap()).options(["check"]),
        DesiredServer::absent("web9"),
    ];
    let built = Desired::new()
        .backend(of("app", servers).exact())
        .map("/h.map", [("a", "b")])
        .acl("/p.acl", ["/x"])
        .certificate("/s.pem", "secret");
    assert_eq!(desired, built);
    let value: serde_json::Value = serde_json::from_str(text).unwrap();
    assert_eq!(serde_json::to_value(&desired).unwrap(), value);
    assert!(!format!("{desired:?}").contains("secret"));
    for wrong in [r#"{"backend": []}"#, r#"{"backends": [{"name": "a", "server": []}]}"#] {
        assert!(serde_json::from_str::<Desired>(wrong).unwrap_err().to_string().contains("unknown field"));
    }
}

#[tokio::test]
async fn certificates_are_replaced_by_fingerprint_and_after_a_client_that_died() {
    let site = Site::start(releases()).await;
    let (old, new) = (Authority::issue(&site.authority, 0xb1), site.authority.issue_ed25519(0xc1));
    let name = site.file("site.pem");
    for issued in [&old, &new] {
        let desired = site.certificate(issued);
        let plans = site.cluster.plan(&desired).await.unwrap();
        for (_, plan) in plans.values() {
            assert!(matches!(plan.steps.as_slice(), [Step::Certificate { from: Some(_), .. }]), "{plan}");
            assert!(plan.to_string().starts_with(&format!("{name}: replace (fingerprint ")), "{plan}");
        }
        // A client that has died has left its transactions.
        let certificate = site.cluster.certificate(&name).unwrap();
        certificate.set(&issued.pem()).await.unwrap();
        site.cluster.apply(&desired, terms()).await.unwrap();
        site.assert_served(issued).await;
        assert!(site.cluster.plan(&desired).await.unwrap().are_in_sync());
    }
    // A transaction of another certificate is not touched.
    let certificate = site.cluster.certificate(&name).unwrap();
    certificate.set(&site.authority.issue(0xd1).pem()).await.unwrap();
    let error = site.cluster.apply(&site.certificate(&old), terms()).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Refused, "{error}");
    assert!(error.to_string().contains("is pending"), "{error}");
    site.assert_served(&new).await;
}

#[tokio::test]
async fn processes_are_compared_with_most_of_them_or_with_one() {
    // Two of four make a tie.
    let releases: Vec<_> = releases_since("2.6").into_iter().take(4).collect();
    assert_eq!(releases.len(), 4);
    let site = Site::start(releases).await;
    let drift = site.cluster.drift(Reference::Majority).await.unwrap();
    assert!(drift.are_in_sync(), "{drift}");
    let hosts = site.file("hosts.map");
    for line in [
        "set server app/web1 weight 11",
        "set server app/web2 addr 127.0.0.2",
        "set server app/web3 state ready",
        "add server app/web9 127.0.0.9:9",
        &format!("set map {hosts} a.example other"),
        &format!("add map {hosts} c.example three"),
    ] {
        ask(site.running.socket(2), line).await;
    }
    ask(site.running.socket(3), "set server static/web1 weight 0%").await;
    ask(site.running.socket(4), "set server static/web1 weight 0%").await;
    let drift = site.cluster.drift(Reference::Majority).await.unwrap();
    let odd = format!(
        "app/web1: weight 11 -> 10\n\
         app/web2: address 127.0.0.2:1002 -> 127.0.0.1:1002\n\
         {hosts}: change 1, delete 1\n\
         app/web9: delete\n\
         app/web3: state ready -> maint"
    );
    let tie = |weight: u8| format!("static/web1: weight {weight}: the processes differ, without a majority");
    assert_eq!(lines(&drift), [tie(30), format!("{odd}\n{}", tie(30)), tie(0), tie(0)]);
    assert!(!drift.are_in_sync());

    let like = site.cluster.drift(Reference::process("2")).await.unwrap();
    let plan = |label: &str| like.get(label).unwrap().value().unwrap().to_string();
    assert_eq!(plan("2"), "nothing to do");
    assert_eq!(
        plan("3"),
        format!(
            "app/web1: weight 10 -> 11\n\
             app/web2: address 127.0.0.1:1002 -> 127.0.0.2:1002\n\
             app/web3: state maint -> ready\n\
             static/web1: weight 0 -> 30\n\
             app/web9: add 127.0.0.9:9, in maint\n\
             {hosts}: add 1, change 1"
        )
    );
    let error = site.cluster.drift(Reference::process("x")).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::NotFound, "{error}");

    let new = site.authority.issue(0xe1);
    site.cluster.only(["1"]).certificate(&site.file("site.pem")).unwrap().replace(&new.pem()).await.unwrap();
    let drift = site.cluster.drift(Reference::Majority).await.unwrap();
    let first = &drift.get("1").unwrap().value().unwrap().steps;
    assert!(matches!(first.as_slice(), [Step::Certificate { .. }]), "{drift}");
}

#[tokio::test]
async fn the_loop_applies_the_newest_state_and_gives_it_to_a_process_that_restarts() {
    let mut site = Site::start(releases_since("2.6")).await;
    let state = |weight: u64| backend([server("web1").weight(weight)]);
    let (sender, states) = unbounded();
    for weight in [5, 6, 7] {
        sender.unbounded_send(state(weight)).unwrap();
    }
    let terms =
        Reconcile::new(terms()).every(Duration::from_millis(50)).longest_pause(Duration::from_millis(50));
    let cluster = site.cluster.with_limits(Limits::new().with_command_timeout(Duration::from_secs(5)));
    let mut reconciling = cluster.reconcile(states, terms);
    let event = reconciling.next().await.unwrap();
    assert!(matches!(event, ReconcileEvent::Applied { .. }), "{event}");
    assert_eq!(site.state("app", "web1", "srv_uweight").await, site.all("7"));
    // The states before the newest one were skipped.
    assert!(site.changes(1).iter().all(|line| !line.ends_with(" weight 5") && !line.ends_with(" weight 6")));
    let event = reconciling.next().await.unwrap();
    assert!(matches!(event, ReconcileEvent::InSync), "{event}");
    assert!(tokio::time::timeout(Duration::from_millis(300), reconciling.next()).await.is_err());

    site.running.haproxies[0].restart().await;
    loop {
        match reconciling.next().await.unwrap() {
            ReconcileEvent::Applied { outcomes } => {
                let steps: Vec<_> = outcomes.values().map(|(_, applied)| applied.steps.len()).collect();
                assert_eq!(steps.iter().sum::<usize>(), 1, "{outcomes}");
                break;
            }
            ReconcileEvent::Failed { retry_in, .. } => assert!(retry_in.is_some()),
            event => assert!(matches!(event, ReconcileEvent::InSync), "{event}"),
        }
    }
    assert_eq!(site.state("app", "web1", "srv_uweight").await, site.all("7"));

    // A process that does not answer is a failure, and the others get the next state.
    site.running.haproxies[0].hang(1);
    let short = cluster.with_limits(Limits::new().with_command_timeout(Duration::from_secs(3)));
    drop(reconciling);
    let (sender, states) = unbounded();
    let terms = Reconcile::new(self::terms())
        .every(Duration::from_millis(50))
        .longest_pause(Duration::from_millis(50));
    let mut reconciling = short.reconcile(states, terms);
    sender.unbounded_send(state(8)).unwrap();
    drop(sender);
    let event = reconciling.next().await.unwrap();
    let ReconcileEvent::Failed { error, retry_in: Some(_) } = event else { panic!("{event}") };
    assert_eq!(error.outcomes::<Applied>().unwrap().failed().count(), 1, "{error}");
    site.running.haproxies[0].resume(1);
    // The stream ends when the last state is applied.
    let mut last = None;
    while let Some(event) = reconciling.next().await {
        last = Some(event);
    }
    assert!(matches!(last, Some(ReconcileEvent::Applied { .. } | ReconcileEvent::InSync)), "{last:?}");
    assert_eq!(site.state("app", "web1", "srv_uweight").await, site.all("8"));
    assert!(reconciling.next().now_or_never().unwrap().is_none());
}

#[tokio::test]
async fn a_state_that_is_not_valid_waits_for_the_next_one() {
    let site = Site::start(vec![release("3.0")]).await;
    let (sender, states) = unbounded();
    let mut reconciling = site.cluster.reconcile(states, terms());
    sender.unbounded_send(backend([server("web1").weight(999)])).unwrap();
    let event = reconciling.next().await.unwrap();
    assert!(matches!(event, ReconcileEvent::Failed { retry_in: None, .. }), "{event}");
    sender.unbounded_send(backend([server("web1").weight(9)])).unwrap();
    let event = reconciling.next().await.unwrap();
    assert!(matches!(event, ReconcileEvent::Applied { .. }), "{event}");
    sender.unbounded_send(backend([server("web1").weight(999)])).unwrap();
    drop(sender);
    let event = reconciling.next().await.unwrap();
    assert!(matches!(event, ReconcileEvent::Failed { retry_in: None, .. }), "{event}");
    assert!(reconciling.next().await.is_none());
    assert_eq!(site.state("app", "web1", "srv_uweight").await, ["9"]);
}

/// A process restarts while a state is applied: it gets all steps, or the outcome is an error and the next call
/// completes them.
#[tokio::test]
async fn a_restart_during_an_application_loses_nothing_for_good() {
    for release in releases_since("2.6") {
        let mut running = Running::new();
        running.add_servers(2).await;
        fs::write(running.dir().join("site.pem"), Authority::new("CA").issue(1).pem()).unwrap();
        fs::write(running.dir().join("hosts.map"), "a.example one\n").unwrap();
        fs::write(running.dir().join("paths.acl"), "/admin\n").unwrap();
        let config = running.fill(Config::admin(CONFIG)).set("N", 1);
        running.add_master(&release, "1", &config).await;
        let cluster = Cluster::from_addresses([running.socket(1)]).await.unwrap();
        let web4 = server("web4").address("127.0.0.4:1004".parse().unwrap());
        let desired = backend([server("web1").weight(3), web4, server("web2").state(AdminState::Maint)])
            .map(running.dir().join("hosts.map").display().to_string(), [("b.example", "two")]);
        for _ in 0..3 {
            let haproxy = &mut running.haproxies[0];
            let applying = async { cluster.apply(&desired, terms()).await };
            let (_, _) = tokio::join!(applying, haproxy.reload());
            let settled = async || cluster.apply(&desired, terms()).await.ok().map(drop);
            until("the state is applied", settled).await;
            assert!(cluster.plan(&desired).await.unwrap().are_in_sync());
            assert_eq!(every_state(&running, "app", "web4", "srv_addr").await, ["127.0.0.4"]);
            assert_eq!(every_state(&running, "app", "web1", "srv_uweight").await, ["3"]);
        }
    }
}

#[tokio::test]
async fn a_view_with_partial_results_names_the_process_that_failed() {
    let mut site = Site::start(releases_since("2.6")).await;
    let desired = backend([server("web1").weight(4)]);
    site.cluster.plan(&desired).await.unwrap();
    site.running.haproxies[0].kill(1);
    let outcomes = site.cluster.allow_partial().apply(&desired, terms()).await.unwrap();
    assert_eq!(outcomes.failed().count(), 1, "{outcomes}");
    assert!(!site.cluster.allow_partial().plan(&desired).await.unwrap().are_in_sync());
    let error = site.cluster.apply(&desired, terms()).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Incomplete, "{error}");
    assert!(error.to_string().starts_with("`apply`: 1 of "), "{error}");
}
