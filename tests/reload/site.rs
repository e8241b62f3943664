use std::collections::BTreeSet;
use std::fs;
use std::path::PathBuf;

use haproxyadmin::{Address, Cluster};

use crate::support::{Config, Release, Running};

/// The running processes: a master, which replaces its worker, and optionally a process that
/// stays.
pub(crate) struct Site {
    pub(crate) running: Running,
    pub(crate) cluster: Cluster,
    plan: Plan,
}

/// The stats sockets of the reloaded process.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Sockets {
    /// One socket of level admin.
    One,
    /// One socket of level admin and one of level operator.
    Two,
    /// The socket of the master. The worker has a socket too, for a look without the crate.
    Master,
}

/// The members of the cluster.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Members {
    Alone,
    WithStable,
}

/// The part of the site that the tasks need.
#[derive(Debug, Clone)]
pub(crate) struct Plan {
    /// Socket of level admin of the reloaded process.
    pub(crate) socket: PathBuf,
    /// All sockets of the reloaded process.
    pub(crate) sockets: BTreeSet<Address>,
    pub(crate) processes: usize,
    /// The map of every process.
    pub(crate) map: PathBuf,
    /// The folder of the site. It is removed from the texts of errors before they are counted.
    pub(crate) dir: PathBuf,
}

/// The servers, one for each writer.
pub(crate) const SERVERS: [&str; 4] = ["w1", "w2", "w3", "w4"];

impl Site {
    pub(crate) async fn start(release: &Release, kind: Sockets, members: Members) -> Self {
        let mut running = Running::new();
        running.add_servers(1).await;
        let map = running.dir().join("hosts.map");
        fs::write(&map, "").unwrap();
        let second = match kind {
            Sockets::One | Sockets::Master => "",
            Sockets::Two => r#"stats socket "unix@${DIR}/stats/operator.sock" mode 600 level operator"#,
        };
        let config = running.fill(Config::new(CONFIG.replace("SECOND", second)));
        let master = running.add_master(release, "reloaded", &config.set("NAME", "admin")).await;
        if members == Members::WithStable {
            let config = running.fill(Config::new(CONFIG.replace("SECOND", "")));
            running.add(release, "stable", &config.set("NAME", "stable")).await;
        }
        let sockets: Vec<_> = running.haproxies[0].sockets();
        let socket = sockets[0].clone();
        let builder = Cluster::builder();
        let (builder, sockets) = if kind == Sockets::Master {
            let stable = [running.stats().join("stable.sock")].into_iter().filter(|path| path.exists());
            let worker = format!("@1@{}", master.display()).parse().unwrap();
            (builder.master(master).addresses(stable), BTreeSet::from([worker]))
        } else {
            (builder.dir(running.stats()), sockets.into_iter().map(Address::from).collect())
        };
        let plan =
            Plan { socket, sockets, processes: running.haproxies.len(), map, dir: running.dir().to_owned() };
        Self { running, plan, cluster: builder.build().await.unwrap() }
    }

    pub(crate) fn plan(&self) -> Plan {
        self.plan.clone()
    }
}

const CONFIG: &str = r#"
global
    nbthread 1
    maxconn 200
    hard-stop-after 5s
    stats socket "unix@${DIR}/stats/${NAME}.sock" mode 600 level admin expose-fd listeners
    SECOND

defaults
    mode http
    timeout connect 1s
    timeout client 30s
    timeout server 30s

frontend web
    bind "unix@${DIR}/traffic/web.${NAME}"
    http-request set-header X-Host %[req.hdr(host),map("${DIR}/hosts.map",none)]
    default_backend app

backend app
    server w1 "${SERVER_1}" weight 100
    server w2 "${SERVER_1}" weight 100
    server w3 "${SERVER_1}" weight 100
    server w4 "${SERVER_1}" weight 100
"#;
