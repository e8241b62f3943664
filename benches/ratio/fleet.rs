use std::fmt::Write as _;
use std::path::PathBuf;
use std::sync::Arc;

use haproxyadmin::Cluster;

use crate::rounds::{Options, patient};
use crate::support::{Config, Running, release};

/// Processes of HAProxy 3.4 with 231 rows each, started when a group needs them.
pub(crate) struct Fleet {
    pub(crate) options: Options,
    pub(crate) running: Running,
    config: Config,
}

/// The line that reads all figures of a process, as this crate sends it.
pub(crate) const SWEEP: &str = "show info;show cli level;show cli sockets;show stat";

const GLOBAL: &str = r#"
global
    nbthread 1
    stats socket "unix@${DIR}/stats/${N}.sock" mode 600 level admin
defaults
    mode http
    balance roundrobin
    timeout connect 1s
    timeout client 1m
    timeout server 1m
"#;

impl Fleet {
    pub(crate) fn new(options: Options) -> Self {
        let mut config = GLOBAL.to_owned();
        for frontend in 0..10 {
            let bind = format!("bind \"unix@${{DIR}}/traffic/f{frontend}.${{N}}\"");
            writeln!(config, "frontend f{frontend}\n    {bind}\n    default_backend b{frontend}").unwrap();
        }
        config += &backends(20, 10);
        Self { options, running: Running::new(), config: Config::new(config) }
    }

    /// Returns the sockets of that many processes, and starts those that do not run yet.
    pub(crate) async fn sockets(&mut self, processes: usize) -> Arc<[PathBuf]> {
        for n in self.running.processes() + 1..=processes {
            let config = self.config.clone().set("N", n);
            self.running.add(&release("3.4"), &n.to_string(), &config).await;
        }
        (1..=processes).map(|n| self.running.socket(n)).collect()
    }
}

/// Returns the sections of backends with that many servers each.
pub(crate) fn backends(backends: usize, servers: usize) -> String {
    let mut text = String::new();
    for backend in 0..backends {
        writeln!(text, "backend b{backend}").unwrap();
        for server in 0..servers {
            writeln!(text, "    server s{server} 127.0.0.1:1 weight 10").unwrap();
        }
    }
    text
}

/// Starts one process of a release with `sections` behind its head.
pub(crate) async fn start(running: &mut Running, version: &str, sections: &str) {
    let config = Config::new(GLOBAL.to_owned() + sections).set("N", 1);
    running.add(&release(version), "1", &config).await;
}

/// Returns a cluster of these sockets that has read each process once.
pub(crate) async fn cluster(sockets: &[PathBuf]) -> Cluster {
    let addresses = sockets.iter().map(PathBuf::as_path);
    let cluster = Cluster::builder().addresses(addresses).limits(patient()).build().await.unwrap();
    assert_eq!(cluster.snapshot().await.unwrap().processes().len(), sockets.len());
    cluster
}
