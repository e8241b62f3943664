//! Old workers that still serve connections, merged with the worker that replaced them.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "in a test a panic is the failure message")]
#![allow(clippy::indexing_slicing, reason = "the same")]

use std::path::PathBuf;

use haproxyadmin::{Agreement, Cluster, ErrorKind, Weight};

mod support;

use support::{Config, Held, Release, Running, Session, ask, hold_at, info, releases, rows, try_ask, until};

/// The current worker and the old workers that still drain.
struct Site {
    running: Running,
    old: Vec<Old>,
}

struct Old {
    socket: PathBuf,
    pid: u32,
    #[allow(dead_code, reason = "ends when it is dropped")]
    session: Session,
    #[allow(dead_code, reason = "the same: what it still serves")]
    request: Held,
}

const CONFIG: &str = r#"
global
    nbthread 1
    maxconn 200
    stats timeout 1m
    stats socket "unix@${DIR}/stats/worker.sock" mode 600 level admin expose-fd listeners

defaults
    mode http
    timeout connect 1s
    timeout client 1m
    timeout server 1m

frontend web
    bind "unix@${DIR}/traffic/web.1"
    default_backend app

backend app
    server web1 "${SERVER_1}" weight 100
    server web2 "${SERVER_1}" weight 0
"#;

impl Site {
    async fn start(release: &Release) -> Self {
        let mut running = Running::new();
        running.add_servers(1).await;
        let config = running.fill(Config::new(CONFIG));
        running.add_master(release, "worker", &config).await;
        Self { running, old: Vec::new() }
    }

    /// Lets the worker serve `requests` and begin one that does not end, and replaces it.
    async fn replace(&mut self, requests: u64) {
        self.running.send("web", 1, "/", requests).await;
        let request = hold_at(&self.running, 1, "web", ("app", "web1")).await;
        let worker = self.running.socket(1);
        let socket = self.running.stats().join(format!("old.{}.sock", self.old.len()));
        let session = Session::open(&socket, &worker).await;
        let pid = self.running.haproxies[0].reload().await;
        until("the old worker stops", async || (info(&socket).await["Stopping"] == "1").then_some(())).await;
        self.old.push(Old { socket, pid, session, request });
    }
}

#[tokio::test]
async fn sums_are_those_of_old_and_new_workers_and_states_those_of_the_new_one() {
    for release in releases() {
        let mut site = Site::start(&release).await;
        site.replace(5).await;
        ask(site.running.socket(1), "set server app/web1 weight 70").await;
        site.replace(7).await;
        site.running.send("web", 1, "/", 3).await;
        ask(site.running.socket(1), "set server app/web1 weight 42").await;
        ask(site.running.socket(1), "set server app/web2 state maint").await;
        ask(site.running.socket(1), "set maxconn frontend web 150").await;

        // The master's socket refuses connections while the master executes itself anew.
        site.running.haproxies[0].master_ready().await;
        let cluster = Cluster::from_dir(site.running.stats()).await.unwrap();
        let snapshot = cluster.snapshot().await.unwrap();
        let stopping: Vec<_> = snapshot.processes().iter().map(haproxyadmin::Process::is_stopping).collect();
        assert_eq!(stopping, [true, true, false], "{}", release.version);
        let pids: Vec<_> = snapshot.processes().iter().map(|process| process.pid().unwrap()).collect();
        assert_eq!(pids, [site.old[0].pid, site.old[1].pid, site.running.pid(1)].map(u64::from));

        // Up to 2.2 an old worker lists none of the proxies that it still serves.
        let (requests, sessions) = if release.is_at_least("2.6") { (5 + 1 + 7 + 1 + 3, 2) } else { (3, 0) };
        let mut raw = 0;
        for socket in site.old.iter().map(|old| &old.socket).chain([&site.running.socket(1)]) {
            let rows = rows(socket).await;
            raw += rows.iter().find(|row| row.is("app", "BACKEND")).map_or(0, |row| row.number("stot"));
        }
        assert_eq!(raw, requests, "{}", release.version);
        let backend = snapshot.backend("app").unwrap();
        assert_eq!(
            (backend.requests().exact(), backend.scur()),
            (Some(requests), Some(sessions)),
            "{}",
            release.version
        );
        assert_eq!(snapshot.frontend("web").unwrap().requests(), requests);

        let web1 = snapshot.server("app", "web1").unwrap();
        assert_eq!(web1.weight(), Some(Agreement::Same(42)), "{}", release.version);
        let web2 = snapshot.server("app", "web2").unwrap();
        assert_eq!(web2.status().to_string(), "MAINT", "{}", release.version);
        let limit = snapshot.frontend("web").unwrap().slim().unwrap();
        assert_eq!(limit.to_string(), "150", "{}", release.version);

        // An old worker refuses changes of servers.
        let server = cluster.allow_partial().server_ref("app", "web1").unwrap();
        let outcomes = server.set_weight(Weight::absolute(43).unwrap()).await.unwrap();
        let done: Vec<_> = outcomes.iter().map(|outcome| outcome.value().is_some()).collect();
        assert_eq!(done, [false, false, true], "{}: {outcomes}", release.version);

        // An old worker that can no longer be asked is a failure until the cluster drops it.
        let first = site.old.remove(0);
        drop(first.session);
        until("the old worker cannot be asked", async || try_ask(&first.socket, "show info").await.err())
            .await;
        let left = cluster.allow_partial().snapshot().await.unwrap();
        let failed: Vec<_> = left.failed().map(|process| process.failure().unwrap().kind).collect();
        assert_eq!(failed, [ErrorKind::Connect], "{}", release.version);
        let requests = if release.is_at_least("2.6") { 7 + 1 + 3 } else { 3 };
        assert_eq!(left.frontend("web").unwrap().requests(), requests);
        let weights =
            cluster.only(["worker"]).server_ref("app", "web1").unwrap().fetch_weight().await.unwrap();
        assert_eq!(weights.values().map(|(_, weight)| weight.current).collect::<Vec<_>>(), [43]);
    }
}
