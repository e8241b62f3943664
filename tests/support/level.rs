use super::{Config, Release, Running};

/// Starts one process with the sockets `admin.sock`, `operator.sock` and `user.sock`. Each socket
/// has the level in its name.
pub async fn levels(release: &Release) -> Running {
    let mut running = Running::new();
    running.add_servers(1).await;
    let config = running.fill(Config::new(CONFIG));
    running.add(release, "levels", &config).await;
    running
}

const CONFIG: &str = r#"
global
    nbthread 1
    maxconn 200
    node node-a
    stats socket "unix@${DIR}/stats/admin.sock" mode 600 level admin
    stats socket "unix@${DIR}/stats/operator.sock" mode 600 level operator
    stats socket "unix@${DIR}/stats/user.sock" mode 600 level user

defaults
    mode http
    timeout connect 1s
    timeout client 30s
    timeout server 30s

frontend web
    bind "unix@${DIR}/traffic/web.1"
    default_backend app

backend app
    cookie SRV insert
    server app1 "${SERVER_1}" weight 100 cookie a check inter 500
    server app2 "${SERVER_1}" weight 50 cookie b
"#;
