//! Differences between processes that have no step: objects with names that cannot be sent, and servers of which too
//! little is known to add them. Each difference is made on the process' own socket.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "in a test a panic is the failure message")]
#![allow(clippy::indexing_slicing, reason = "the same")]

use std::fs;

use haproxyadmin::reconcile::{BlockedReason, Plan, Reference};
use haproxyadmin::{Cluster, Outcomes};

mod authority;
mod support;

use authority::Authority;
use support::{Config, Release, Running, ask, releases, releases_since};

const CONFIG: &str = r#"frontend web
    bind "unix@${DIR}/traffic/web.${N}"
    http-request deny if { path -f "${DIR}/a<<b.acl" }
    http-request set-header X-Host %[req.hdr(host),map("${DIR}/a<<b.map",none)]
    http-request set-header X-Path %[path,map("${DIR}/paths.map",none)]
    default_backend app
frontend tls
    bind "unix@${DIR}/traffic/tls.${N}" ssl crt "${DIR}/site.key"
    http-request return status 200
backend app
    balance roundrobin
    server web1 127.0.0.1:1001 weight 10
"#;

struct Site {
    running: Running,
    cluster: Cluster,
}

impl Site {
    async fn start(releases: &[Release]) -> Self {
        let mut running = Running::new();
        for (file, text) in [("a<<b.acl", "/admin\n"), ("a<<b.map", "a one\n"), ("paths.map", "/ one\n")] {
            fs::write(running.dir().join(file), text).unwrap();
        }
        fs::write(running.dir().join("site.key"), Authority::new("Test CA").issue(1).pem()).unwrap();
        for (n, release) in (1..).zip(releases) {
            running.add(release, &n.to_string(), &Config::admin(CONFIG).set("N", n)).await;
        }
        let cluster = Cluster::from_dir(running.stats()).await.unwrap();
        Self { running, cluster }
    }

    fn file(&self, name: &str) -> String {
        self.running.dir().join(name).display().to_string()
    }

    async fn drift(&self) -> Outcomes<Plan> {
        self.cluster.drift(Reference::Majority).await.unwrap()
    }

    /// Returns the servers, maps, ACLs and certificates that differ, process by process.
    fn lines(plans: &Outcomes<Plan>) -> Vec<String> {
        plans.values().map(|(_, plan)| plan.to_string()).collect()
    }
}

#[tokio::test]
async fn objects_with_unusable_names_are_listed_and_the_others_are_compared() {
    let releases = releases();
    let mut site = Site::start(&releases).await;
    let paths = site.file("paths.map");
    ask(site.running.socket(1), "set server app/web1 weight 11").await;
    ask(site.running.socket(2), &format!("add map {paths} /x two")).await;
    let names = ["a<<b.map", "a<<b.acl", "site.key"].map(|name| site.file(name));
    let unusable = names.map(|name| format!("{name}: not compared: no command can have its name")).join("\n");
    let mut expected = vec![unusable.clone(); releases.len()];
    expected[0] = format!("app/web1: weight 11 -> 10\n{unusable}");
    expected[1] = format!("{paths}: delete 1\n{unusable}");
    let drift = site.drift().await;
    assert_eq!(Site::lines(&drift), expected);
    assert!(!drift.are_in_sync());
    let plan = drift.get("3").unwrap().value().unwrap();
    assert!(plan.blocked.iter().all(|one| one.reason == BlockedReason::UnusableName), "{plan}");

    // A process without one of them has it in its list of absent objects, as for other names.
    let without: Vec<&str> = CONFIG.lines().filter(|line| !line.contains("b.map")).collect();
    let without = Config::admin(&without.join("\n")).set("N", 3);
    site.running.haproxies[2].replace(&releases[2], &without).await;
    let plans = site.drift().await;
    let plan = plans.get("3").unwrap().value().unwrap();
    assert_eq!(plan.absent, [format!("map {}", site.file("a<<b.map")).into()]);
    assert_eq!(plan.blocked.len(), 2, "{plan}");
}

#[tokio::test]
async fn a_server_is_not_added_without_a_majority_for_its_state() {
    let releases = releases_since("2.6");
    let site = Site::start(&releases[..4]).await;
    for n in 1..=3 {
        ask(site.running.socket(n), "add server app/web9 127.0.0.9:9").await;
    }
    // The third one stays in maintenance.
    for (n, state) in [(1, "ready"), (2, "drain")] {
        ask(site.running.socket(n), &format!("set server app/web9 state {state}")).await;
    }
    let servers = |plans: &Outcomes<Plan>| {
        let lines = Site::lines(plans);
        let ours =
            lines.iter().map(|plan| plan.lines().filter(|line| line.contains("web9")).collect::<Vec<_>>());
        ours.map(|lines| lines.join("\n")).collect::<Vec<_>>()
    };
    let tie = |what: &str| format!("app/web9: {what}: the processes differ, without a majority");
    assert_eq!(
        servers(&site.drift().await),
        [tie("state ready"), tie("state drain"), tie("state maint"), tie("is not there")]
    );

    ask(site.running.socket(1), "set server app/web9 state drain").await;
    assert_eq!(
        servers(&site.drift().await),
        ["", "", "app/web9: state maint -> drain", "app/web9: add 127.0.0.9:9, in drain"]
    );
}
