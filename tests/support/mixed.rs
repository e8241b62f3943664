use super::{Config, Running, releases};

/// Starts one instance of each release in one folder, all with the same proxies.
///
/// Process n is the n-th of [`releases`](super::releases), and its socket is `DIR/stats/n.sock`.
pub async fn mixed_cluster() -> Running {
    let mut running = Running::new();
    running.add_servers(2).await;
    let config = running.fill(Config::new(CONFIG));
    for (n, release) in (1..).zip(releases()) {
        running.add(&release, &format!("process{n}"), &config.clone().set("N", n)).await;
    }
    running
}

/// Requests to the frontends of each process, with a different number for each.
pub fn mixed_traffic() -> Vec<(&'static str, usize, u64)> {
    let processes = 1..=releases().len();
    processes
        .zip(1..)
        .flat_map(|(n, requests)| [("web", n, 2 * requests), ("both", n, 2 * requests - 1)])
        .collect()
}

const CONFIG: &str = r#"
global
    nbthread 1
    maxconn 200
    node "node-${N}"
    stats socket "unix@${DIR}/stats/${N}.sock" mode 600 level admin

defaults
    mode http
    timeout connect 1s
    timeout client 30s
    timeout server 30s

frontend web
    bind "unix@${DIR}/traffic/web.${N}"
    default_backend app

listen both
    bind "unix@${DIR}/traffic/both.${N}"
    server b1 "${SERVER_1}"

backend app
    server app1 "${SERVER_1}" weight 100 check inter 500
    server app2 "${SERVER_2}" weight 50 check inter 500
    server spare "${SERVER_2}" backup
"#;
