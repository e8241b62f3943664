//! The behaviour of a cluster at each moment of a reload. The tests bring about each moment
//! on purpose.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "in a test a panic is the failure message")]
#![allow(clippy::indexing_slicing, reason = "the same")]

use std::fs;
use std::path::PathBuf;
use std::time::Duration;

use haproxyadmin::{Cluster, ErrorKind, Limits, Outcome, Result, Weight};

mod support;

use support::{Config, Moment, Relay, Release, Running, Tap, ask, every_state, info, releases, rows};

/// A worker under a master, a process of its own beside it, and a relay in front of
/// each of the worker's sockets.
struct Site {
    running: Running,
    admin: Relay,
    operator: Relay,
    map: PathBuf,
}

impl Site {
    async fn start(release: &Release) -> Self {
        let mut running = Running::new();
        running.add_servers(1).await;
        let map = running.dir().join("hosts.map");
        fs::write(&map, "").unwrap();
        fs::write(running.dir().join("blocked.acl"), "").unwrap();
        let config = running.fill(Config::new(CONFIG));
        running.add_master(release, "reloaded", &config.clone().set("N", 1)).await;
        running.add(release, "stable", &config.set("N", 2)).await;
        let relay = |name: &str| {
            let target = running.stats().join(format!("{name}.1.sock"));
            Relay::new(running.dir().join(format!("{name}.sock")), target)
        };
        Self { admin: relay("admin"), operator: relay("operator"), map, running }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.running.dir().join(name)
    }

    /// A cluster that has seen the worker and, if asked for, the other process too.
    async fn cluster(&self, with_stable: bool) -> Cluster {
        let worker = [self.path("admin.sock")];
        let stable = with_stable.then(|| self.path("stats/admin.2.sock"));
        let cluster = Cluster::from_addresses(worker.into_iter().chain(stable)).await.unwrap();
        cluster.info().await.unwrap();
        cluster
    }

    async fn weights(&self) -> Vec<String> {
        every_state(&self.running, "app", "web1", "srv_uweight").await
    }

    /// Returns the number of entries with a key in each process.
    async fn entries(&self, key: &str) -> Vec<usize> {
        let mut counts = Vec::new();
        for socket in self.running.sockets() {
            let reply = ask(socket, &format!("show map {}", self.map.display())).await;
            let reply = String::from_utf8(reply).unwrap();
            counts.push(reply.lines().filter(|line| line.split(' ').nth(1) == Some(key)).count());
        }
        counts
    }
}

const CONFIG: &str = r#"
global
    nbthread 1
    maxconn 200
    stats socket "unix@${DIR}/stats/admin.${N}.sock" mode 600 level admin expose-fd listeners
    stats socket "unix@${DIR}/stats/operator.${N}.sock" mode 600 level operator

defaults
    mode http
    timeout connect 1s
    timeout client 30s
    timeout server 30s

frontend web
    bind "unix@${DIR}/traffic/web.${N}"
    acl blocked src -f "${DIR}/blocked.acl"
    http-request deny if blocked
    http-request set-header X-Host %[req.hdr(host),map("${DIR}/hosts.map",none)]
    default_backend app

backend app
    server web1 "${SERVER_1}" weight 100
"#;

/// A stopping worker says of every backend `Proxy is disabled.`, which means "not here"
/// only under `nbproc`.
#[tokio::test]
async fn a_change_that_a_stopping_worker_did_not_make_is_made_by_the_new_one_or_fails() {
    let mut wrong = Vec::new();
    for release in releases() {
        for with_stable in [false, true] {
            let mut site = Site::start(&release).await;
            let cluster = site.cluster(with_stable).await;
            site.admin.hold(Moment::Connected);
            let server = cluster.server_ref("app", "web1").unwrap();
            let change = tokio::spawn(async move { server.set_weight(Weight::absolute(42).unwrap()).await });
            site.admin.holds(1).await;
            site.running.haproxies[0].reload().await;
            site.admin.release();
            let said = match change.await.unwrap() {
                Ok(outcomes) => outcomes.iter().map(Outcome::word).collect::<Vec<_>>().join(", "),
                Err(error) if error.kind() == ErrorKind::NotFound => error.to_string(),
                Err(_) => continue,
            };
            let weights = site.weights().await;
            if weights[0] != "42" {
                let stable = if with_stable { "with another process" } else { "alone" };
                wrong.push(format!("{} {stable}: {said}: weights {weights:?}", release.version));
            }
        }
    }
    assert_eq!(wrong, Vec::<String>::new());
}

#[tokio::test]
async fn an_entry_is_added_once_although_a_reload_came_between_the_reads_of_two_sockets() {
    let mut wrong = Vec::new();
    for release in releases() {
        let mut site = Site::start(&release).await;
        let paths = ["admin.sock", "operator.sock"].map(|name| site.path(name));
        let cluster = Cluster::from_addresses(paths).await.unwrap();
        site.operator.hold(Moment::Accepted);
        let read = tokio::spawn({
            let cluster = cluster.clone();
            async move { cluster.info().await.map(|info| info.pids().len()) }
        });
        site.operator.holds(1).await;
        support::until("the old worker has answered", async || (site.admin.ended() > 0).then_some(())).await;
        site.running.haproxies[0].reload().await;
        site.operator.release();
        read.await.unwrap().unwrap();

        let added = cluster.map(site.map.to_str().unwrap()).unwrap().add("key", "value").await;
        let entries = site.entries("key").await[0];
        let is_right = match &added {
            Ok(outcomes) => outcomes.len() == 1 && entries == 1,
            // The error must not come from the lower level of the other socket.
            Err(error) => entries <= 1 && !error.to_string().contains("Permission denied"),
        };
        if !is_right {
            let said = match added {
                Ok(outcomes) => outcomes.iter().map(Outcome::word).collect::<Vec<_>>().join(", "),
                Err(error) => error.to_string(),
            };
            wrong.push(format!("{}: {said}: {entries} entries", release.version));
        }
    }
    assert_eq!(wrong, Vec::<String>::new());
}

/// For a moment both workers accept connections.
#[tokio::test]
async fn two_sockets_stay_one_process_although_an_old_worker_answered_while_they_were_compared() {
    let mut wrong = Vec::new();
    for release in releases() {
        let mut site = Site::start(&release).await;
        for _ in 0..100 {
            ask(site.running.socket(1), "show info").await;
        }
        site.admin.keep().await;
        site.running.haproxies[0].reload().await;
        let paths = ["admin.sock", "operator.sock"].map(|name| site.path(name));
        let cluster = Cluster::from_addresses(paths).await.unwrap();
        site.admin.use_kept(2);
        // The result of this first call does not matter here.
        let _ = cluster.info().await;
        let pids = cluster.info().await.unwrap().pids().into_iter().map(|(_, pid)| pid).collect::<Vec<_>>();
        if pids != [u64::from(site.running.pid(1))] {
            wrong.push(format!("{}: {pids:?}", release.version));
        }
    }
    assert_eq!(wrong, Vec::<String>::new());
}

/// Up to 2.2 a stopping worker has no rows left.
#[tokio::test]
async fn a_read_that_a_stopping_worker_answers_has_its_rows_or_is_made_again() {
    let mut wrong = Vec::new();
    for release in releases() {
        let mut site = Site::start(&release).await;
        let cluster = site.cluster(false).await;
        site.admin.hold(Moment::Connected);
        let read = tokio::spawn(async move { cluster.backends().await });
        site.admin.holds(1).await;
        site.running.haproxies[0].reload().await;
        site.admin.release();
        if let Ok(backends) = read.await.unwrap() {
            let names: Vec<_> = backends.iter().map(|backend| backend.name().to_owned()).collect();
            if names != ["app"] {
                wrong.push(format!("{}: {names:?}", release.version));
            }
        }
    }
    assert_eq!(wrong, Vec::<String>::new());
}

/// Unlike changes of servers, these are executed by a worker that takes no traffic any
/// more.
#[tokio::test]
async fn a_change_that_a_stopping_worker_made_is_made_by_the_new_one_too_or_fails() {
    let mut wrong = Vec::new();
    for release in releases() {
        let mut site = Site::start(&release).await;
        let cluster = site.cluster(false).await;
        for change in [Change::Add, Change::Maxconn, Change::Shutdown] {
            site.admin.hold(Moment::Connected);
            let call = tokio::spawn(change.make(cluster.clone(), site.map.to_str().unwrap().to_owned()));
            site.admin.holds(1).await;
            site.running.haproxies[0].reload().await;
            site.admin.release();
            let Ok(said) = call.await.unwrap() else { continue };
            let now = change.look(&site).await;
            if now != change.expected() {
                wrong.push(format!("{} {change:?}: {said}: {now:?}", release.version));
            }
        }
    }
    assert_eq!(wrong, Vec::<String>::new());
}

/// The new worker may be busy when the change is to be repeated there.
#[tokio::test]
async fn a_change_that_a_stopping_worker_made_is_unknown_while_the_new_one_hangs() {
    let mut wrong = Vec::new();
    for release in releases() {
        let mut site = Site::start(&release).await;
        let limits = Limits::new().with_command_timeout(Duration::from_secs(2));
        let address = site.path("admin.sock");
        let cluster = Cluster::builder().address(address).limits(limits).build().await.unwrap();
        for change in [Change::Add, Change::Maxconn, Change::Shutdown] {
            cluster.info().await.unwrap();
            site.admin.hold(Moment::Connected);
            let call = tokio::spawn(change.make(cluster.clone(), site.map.to_str().unwrap().to_owned()));
            site.admin.holds(1).await;
            site.running.haproxies[0].reload().await;
            site.running.hang(1);
            site.admin.release();
            let said = call.await.unwrap();
            site.running.resume(1);
            if !said.as_ref().is_err_and(|error| {
                error.kind() == ErrorKind::OutcomeUnknown || error.kind() == ErrorKind::Timeout
            }) {
                wrong.push(format!("{} {change:?}: {said:?}", release.version));
            }
        }
    }
    assert_eq!(wrong, Vec::<String>::new());
}

/// A connection to the worker that stops is closed before the new worker is looked for.
#[tokio::test]
async fn an_entry_is_added_by_the_new_worker_although_only_one_connection_is_allowed() {
    let mut wrong = Vec::new();
    for release in releases() {
        let mut site = Site::start(&release).await;
        site.admin.mark(["add map"]);
        let builder = || Cluster::builder().address(site.path("admin.sock"));
        let clusters = [
            ("connections", builder().limits(Limits::new().with_max_connections(1)).build().await.unwrap()),
            ("parallel", builder().max_connections(1).build().await.unwrap()),
        ];
        for (limit, cluster) in clusters {
            cluster.info().await.unwrap();
            for moment in [Moment::Connected, Moment::Marking] {
                site.admin.hold(moment);
                let map = site.map.to_str().unwrap().to_owned();
                let call = tokio::spawn(Change::Add.make(cluster.clone(), map));
                site.admin.holds(1).await;
                site.running.haproxies[0].reload().await;
                site.admin.release();
                let said = call.await.unwrap();
                let now = Change::Add.look(&site).await;
                if said.is_err() || now != Change::Add.expected() {
                    wrong.push(format!("{} {limit} {moment:?}: {said:?}: {now:?}", release.version));
                }
            }
        }
    }
    assert_eq!(wrong, Vec::<String>::new());
}

/// A late reply would be taken for the reply to the next command.
#[tokio::test]
async fn nothing_is_sent_on_a_connection_on_which_a_reply_is_missing() {
    for release in releases() {
        let site = Site::start(&release).await;
        let tap = Tap::new(site.path("tap.sock"), site.path("admin.sock"));
        let limits = Limits::new().with_idle_timeout(Duration::from_secs(1));
        let cluster = Cluster::builder().address(site.path("tap.sock")).limits(limits).build().await.unwrap();
        cluster.info().await.unwrap();
        site.admin.mark(["add map"]);
        site.admin.hold(Moment::Marked);
        let map = cluster.map(site.map.to_str().unwrap()).unwrap();
        let error = map.add_all([("key", "value")]).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::OutcomeUnknown, "{}: {error}", release.version);
        let sent = tap.sent();
        let (_, added) = sent.split_once("add map").unwrap();
        assert_eq!(added, format!(" {} <<\nkey value\n\n", site.map.display()), "{}", release.version);
    }
}

/// The worker that identifies its process on the connection may begin to stop before it
/// receives the entry to add.
#[tokio::test]
async fn an_entry_that_a_worker_added_after_it_began_to_stop_is_added_by_the_new_one_too_or_fails() {
    let mut wrong = Vec::new();
    for release in releases() {
        let mut site = Site::start(&release).await;
        let cluster = site.cluster(false).await;
        site.admin.mark(["add map"]);
        site.admin.hold(Moment::Marking);
        let call = tokio::spawn(Change::Add.make(cluster.clone(), site.map.to_str().unwrap().to_owned()));
        site.admin.holds(1).await;
        site.running.haproxies[0].reload().await;
        site.admin.release();
        let Ok(said) = call.await.unwrap() else { continue };
        let now = Change::Add.look(&site).await;
        if now != Change::Add.expected() {
            wrong.push(format!("{}: {said}: {now:?}", release.version));
        }
    }
    assert_eq!(wrong, Vec::<String>::new());
}

/// The ACL matches addresses in the old worker, which refuses a path, and paths in the new one.
#[tokio::test]
async fn a_pattern_that_a_worker_refused_after_it_began_to_stop_is_added_by_the_new_one() {
    let mut wrong = Vec::new();
    for release in releases() {
        for in_bulk in [false, true] {
            let mut site = Site::start(&release).await;
            let cluster = site.cluster(false).await;
            let file = site.path("blocked.acl");
            let acl = cluster.acl(file.to_str().unwrap()).unwrap();
            site.admin.mark(["add acl"]);
            site.admin.hold(Moment::Marking);
            let call = tokio::spawn(async move {
                if in_bulk { acl.add_all(["/secret"]).await } else { acl.add("/secret").await }
            });
            site.admin.holds(1).await;
            let config = site.path("reloaded.cfg");
            let text = fs::read_to_string(&config).unwrap();
            fs::write(&config, text.replace("acl blocked src", "acl blocked path")).unwrap();
            site.running.haproxies[0].reload().await;
            site.admin.release();
            let said = call.await.unwrap().map(|outcomes| outcomes.to_string());
            let shown = ask(site.running.socket(1), &format!("show acl {}", file.display())).await;
            let shown = String::from_utf8(shown).unwrap();
            let added = shown.lines().filter(|line| line.ends_with(" /secret")).count();
            if said.is_err() || added != 1 {
                wrong.push(format!("{} in bulk {in_bulk}: {said:?}: {shown:?}", release.version));
            }
        }
    }
    assert_eq!(wrong, Vec::<String>::new());
}

/// The same with the last part of many.
#[tokio::test]
async fn entries_that_a_worker_added_while_it_began_to_stop_are_added_by_the_new_one_too_or_fail() {
    let mut wrong = Vec::new();
    for release in releases() {
        let mut site = Site::start(&release).await;
        let cluster = site.cluster(false).await;
        let map = cluster.map(site.map.to_str().unwrap()).unwrap();
        site.admin.mark(["last-key"]);
        site.admin.hold(Moment::Marking);
        let call = tokio::spawn(async move {
            let entries = (0..20_000).map(|n| (format!("key-{n}"), "value".repeat(20)));
            map.add_all(entries.chain([("last-key".to_owned(), "value".to_owned())])).await.map(|_| ())
        });
        site.admin.holds(1).await;
        site.running.haproxies[0].reload().await;
        site.admin.release();
        if call.await.unwrap().is_ok() {
            let now = [site.entries("key-0").await[0], site.entries("last-key").await[0]];
            if now != [1, 1] {
                wrong.push(format!("{}: {now:?}", release.version));
            }
        }
    }
    assert_eq!(wrong, Vec::<String>::new());
}

#[derive(Debug, Clone, Copy)]
enum Change {
    Add,
    Maxconn,
    Shutdown,
}

impl Change {
    async fn make(self, cluster: Cluster, map: String) -> Result<String> {
        let outcomes = match self {
            Self::Add => cluster.map(map.as_str())?.add("key", "value").await?,
            Self::Maxconn => cluster.set_maxconn(150).await?,
            Self::Shutdown => cluster.frontend_ref("web")?.shutdown().await?,
        };
        Ok(outcomes.to_string())
    }

    /// Returns the state of the worker that serves.
    async fn look(self, site: &Site) -> String {
        let socket = site.running.socket(1);
        match self {
            Self::Add => site.entries("key").await[0].to_string(),
            Self::Maxconn => info(socket).await["Maxconn"].clone(),
            Self::Shutdown => {
                let rows = rows(socket).await;
                // Up to 2.2 one that is shut down is not listed.
                let row = rows.iter().find(|row| row.is("web", "FRONTEND"));
                row.map_or("STOP", |row| row.cell("status")).to_owned()
            }
        }
    }

    fn expected(self) -> &'static str {
        match self {
            Self::Add => "1",
            Self::Maxconn => "150",
            Self::Shutdown => "STOP",
        }
    }
}
