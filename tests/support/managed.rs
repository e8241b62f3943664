use std::fs;

use super::{Config, Running, releases, row, until};

/// Starts one instance of each release in one folder, with an object for every command that changes
/// something.
///
/// Process n is the n-th of [`releases`](super::releases), and its socket is `DIR/stats/n.sock`;
/// the sockets `DIR/operator.n.sock` and `DIR/user.n.sock` have those levels. Maps are
/// `DIR/hosts.map` and `DIR/nets.map` (of addresses) and, since 2.6, `DIR/late hosts.map`; ACLs are
/// `DIR/deny.acl` (addresses) and `DIR/paths.acl` (beginnings of paths).
///
/// `app/web1` has been checked once when this returns, and is not checked again.
pub async fn managed_cluster() -> Running {
    let mut running = Running::new();
    running.add_servers(1).await;
    for (file, text) in [
        ("hosts.map", "a.example one\nb.example two\n"),
        ("nets.map", "192.0.2.0/24 test\n"),
        ("late hosts.map", "/late yes\n"),
        ("deny.acl", "192.0.2.0/24\n198.51.100.7\n"),
        ("paths.acl", "/admin\n"),
    ] {
        fs::write(running.dir().join(file), text).unwrap();
    }
    let config = running.fill(Config::new(CONFIG));
    for (n, release) in (1..).zip(releases()) {
        running.add(&release, &format!("process{n}"), &config.clone().set("N", n)).await;
    }
    for socket in running.sockets() {
        let what = format!("web1 is checked by {}", socket.display());
        let look = async || (row(&socket, "app", "web1").await.cell("check_status") == "L4OK").then_some(());
        until(&what, look).await;
    }
    running
}

const CONFIG: &str = r#"
global
    nbthread 1
    maxconn 200
    max-spread-checks 10ms
    node "node-${N}"
    stats socket "unix@${DIR}/stats/${N}.sock" mode 600 level admin
    stats socket "unix@${DIR}/operator.${N}.sock" mode 600 level operator
    stats socket "unix@${DIR}/user.${N}.sock" mode 600 level user

defaults
    mode http
    timeout connect 1s
    timeout client 30s
    timeout server 30s
    timeout check 1s

resolvers nobody
    nameserver nobody "127.0.0.1:${PORT_DNS}"

frontend web
    bind "unix@${DIR}/traffic/web.${N}"
    maxconn 100
    acl inline path_beg /inline
    http-request deny if { src -f "${DIR}/deny.acl" }
    http-request deny if { path_beg -i -f "${DIR}/paths.acl" }
    http-request set-header X-Host %[req.hdr(host),map("${DIR}/hosts.map",none)]
    http-request set-header X-Net %[src,map_ip("${DIR}/nets.map",none)]
    http-request set-header X-Late %[path,map("${DIR}/late hosts.map",none)]  # since 2.6
    use_backend held if { path_beg /hold }
    default_backend app

frontend closed
    bind "unix@${DIR}/traffic/closed.${N}"
    disabled
    default_backend app

backend app
    server web1 "${SERVER_1}" check inter 1h weight 100 maxconn 50
    server web2 "${SERVER_1}" weight 50
    server follower "${SERVER_1}" track app/web1
    server local "unix@${DIR}/traffic/none"
    server named host.example:80 resolvers nobody init-addr none

# Nobody is there to be checked, or to be the agent.
backend checks
    server probed "${SERVER_1}" check inter 50ms rise 1 port "${PORT_CHECK}"
    server agent "${SERVER_1}" agent-check agent-port "${PORT_AGENT}" agent-inter 50ms agent-send "process ${N}"

backend held
    server h1 "${SERVER_1}"

backend fixed
    balance source
    server f1 "${SERVER_1}"

backend tls
    default-server ssl verify none
    server t1 "${SERVER_1}" no-ssl

backend late  # since 2.6
    server l1 "${SERVER_1}"  # since 2.6

backend off
    disabled
    server o1 "${SERVER_1}"
"#;
