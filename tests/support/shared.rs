use std::path::PathBuf;

use super::{Config, Release, Running, http_get, release, row, until};

/// The way in which a process of [`shared_cluster`] is started.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Member {
    /// HAProxy 3.4 with the `shm-stats-file` of the folder.
    Sharing,
    /// HAProxy of this branch without a `shm-stats-file`.
    Alone(&'static str),
}

impl Member {
    fn release(self) -> Release {
        match self {
            Self::Sharing => release("3.4"),
            Self::Alone(version) => release(version),
        }
    }
}

/// Starts processes with the same proxies, some of which keep their counters in one file.
///
/// These have a `guid`: the frontends `web`, `quiet` and `raw` (TCP), one of two listeners of
/// `web`, the listen `both` with its server `b1`, the backend `app` with its server `a1`. These
/// have none: the frontend `plain`, the listener `other`, the servers `a2` and `b2`.
pub async fn shared_cluster(members: &[Member]) -> Running {
    let mut running = Running::new();
    running.add_servers(1).await;
    for (n, member) in (1..).zip(members) {
        let config = shared_config(&running, n, *member);
        running.add(&member.release(), &format!("process{n}"), &config).await;
    }
    running
}

/// Returns the configuration of process `n`.
pub fn shared_config(running: &Running, n: usize, member: Member) -> Config {
    let file = match member {
        Member::Sharing => format!("shm-stats-file \"{}\"", shared_file(running).display()),
        Member::Alone(_) => String::new(),
    };
    running.fill(Config::new(CONFIG)).set("N", n).set("FILE", file).set("THREADS", "nbthread 1")
}

/// Returns the path of the file that the processes share.
pub fn shared_file(running: &Running) -> PathBuf {
    running.dir().join("counters.shm")
}

/// Requests to the frontends of the first two processes, such as 30 and 12 to `web`.
pub const SHARED_TRAFFIC: [(&str, usize, u64); 6] =
    [("web", 1, 30), ("web", 2, 12), ("plain", 1, 5), ("plain", 2, 7), ("both", 1, 4), ("both", 2, 3)];

/// Sends [`SHARED_TRAFFIC`], two connections to `raw` of the first process, and one connection to
/// `raw` of the second.
pub async fn send_shared_traffic(running: &Running) {
    running.send_all(&SHARED_TRAFFIC).await;
    for (n, connections) in [(1, 2), (2, 1)] {
        send_raw(running, n, connections).await;
    }
}

/// Sends connections to the TCP frontend of process `n`, and waits until they have ended.
pub async fn send_raw(running: &Running, n: usize, connections: u64) {
    let socket = running.socket(n);
    let before = row(&socket, "raw", "FRONTEND").await.number("stot");
    for _ in 0..connections {
        http_get(running.traffic("raw", n), "/").await;
    }
    until("connections of raw are over", async || {
        let row = row(&socket, "raw", "FRONTEND").await;
        (row.number("stot") - row.number("scur") == before + connections).then_some(())
    })
    .await;
}

const CONFIG: &str = r#"
global
    ${THREADS}
    maxconn 200
    stats socket "unix@${DIR}/stats/${N}.sock" mode 600 level admin
    stats socket "unix@${DIR}/user.${N}.sock" mode 600 level user
    ${FILE}

defaults
    mode http
    balance roundrobin
    option socket-stats
    timeout connect 1s
    timeout client 30s
    timeout server 30s

frontend web
    guid web  # since 3.0
    bind "unix@${DIR}/traffic/web.${N}" name main guid-prefix main  # since 3.0
    bind "unix@${DIR}/traffic/web.${N}" name main  # until 2.6
    bind "unix@${DIR}/traffic/other.${N}" name other
    http-request deny if { path /denied }
    default_backend app

frontend plain
    bind "unix@${DIR}/traffic/plain.${N}" name plain
    default_backend app

frontend quiet
    guid quiet  # since 3.0
    bind "unix@${DIR}/traffic/quiet.${N}" name quiet

frontend raw
    mode tcp
    guid raw  # since 3.0
    bind "unix@${DIR}/traffic/raw.${N}" name raw
    default_backend raw_farm

listen both
    guid both  # since 3.0
    bind "unix@${DIR}/traffic/both.${N}" name both
    server b1 "${SERVER_1}" guid both-b1  # since 3.0
    server b1 "${SERVER_1}"  # until 2.6
    server b2 "${SERVER_1}"

backend app
    guid app  # since 3.0
    server a1 "${SERVER_1}" guid app-a1  # since 3.0
    server a1 "${SERVER_1}"  # until 2.6
    server a2 "${SERVER_1}"

backend raw_farm
    mode tcp
    guid raw_farm  # since 3.0
    server r1 "${SERVER_1}" guid raw-r1  # since 3.0
    server r1 "${SERVER_1}"  # until 2.6
"#;
