use std::{fs, path::Path, time::Duration};

use tokio::time;

use super::{Config, Running, releases, try_ask, until};

/// Starts one process of each release. Its dumps are longer than the part of a reply that the
/// kernel buffers for a client that does not read: `DIR/big.map` and `DIR/big.acl` have [`MANY`]
/// entries each, and `app` has three thousand servers.
///
/// Process n is the n-th of [`releases`](super::releases), and its socket is `DIR/stats/n.sock`.
/// `DIR/hosts.map`, `DIR/nets.map` and `DIR/paths.acl` are short.
pub async fn crowded_cluster() -> Running {
    let mut running = Running::new();
    let lines = |line: fn(usize) -> String| (0..MANY).map(line).collect::<String>();
    for (file, text) in [
        ("big.map", lines(|n| format!("host-{n}.example backend-{n}\n"))),
        ("big.acl", lines(|n| format!("/path/of/number/{n}\n"))),
        ("hosts.map", "a.example one\nb.example two\n".into()),
        ("nets.map", "192.0.2.0/24 test\n".into()),
        ("paths.acl", "/admin\n".into()),
    ] {
        fs::write(running.dir().join(file), text).unwrap();
    }
    for (n, release) in (1..).zip(releases()) {
        let config = running.fill(Config::new(CONFIG)).set("N", n);
        running.add(&release, &format!("process{n}"), &config).await;
    }
    running
}

/// Number of entries in each large file of [`crowded_cluster`].
pub const MANY: usize = 100_000;

/// Fails unless the stats socket answers within a second and HAProxy holds no connection to any of
/// its stats sockets except the one that asks.
pub async fn assert_no_leftovers(socket: &Path, after: &str) {
    let answer = time::timeout(Duration::from_secs(20), try_ask(socket, "show info")).await;
    let text = answer.map(Result::unwrap_or_default).unwrap_or_default();
    assert!(text.starts_with(b"Name: HAProxy"), "{after}: {} does not answer", socket.display());
    let start = time::Instant::now();
    let mut held = usize::MAX;
    // HAProxy may need a moment to notice that a client is gone.
    let gone = async || {
        let sessions = try_ask(socket, "show sess").await.ok()?;
        let sessions = String::from_utf8_lossy(&sessions);
        held = sessions.lines().filter(|line| line.contains(" fe=GLOBAL ")).count() - 1;
        (held == 0 || start.elapsed() > Duration::from_secs(20)).then_some(())
    };
    until("HAProxy lists its sessions", gone).await;
    assert_eq!(held, 0, "{after}: connections that HAProxy {} holds", socket.display());
}

const CONFIG: &str = r#"
global
    nbthread 1
    maxconn 200
    stats socket "unix@${DIR}/stats/${N}.sock" mode 600 level admin

defaults
    mode http
    timeout connect 1s
    timeout client 30s
    timeout server 30s

frontend web
    bind "unix@${DIR}/traffic/web.${N}"
    http-request deny if { path_beg -f "${DIR}/paths.acl" }
    http-request deny if { path -f "${DIR}/big.acl" }
    http-request set-header X-Host %[req.hdr(host),map("${DIR}/hosts.map",none)]
    http-request set-header X-Net %[src,map_ip("${DIR}/nets.map",none)]
    http-request set-header X-Big %[req.hdr(host),map("${DIR}/big.map",none)]
    default_backend app

frontend spare
    bind "unix@${DIR}/traffic/spare.${N}"
    default_backend app

backend app
    server-template web 3000 127.0.0.1:1 disabled weight 10
"#;
