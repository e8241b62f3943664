use super::{Config, Release, Running, row, until};

/// Starts one process with every kind of row, with the configuration of the fixtures. Its comments
/// explain the objects.
pub async fn zoo(release: &Release) -> Running {
    let mut running = Running::new();
    let config = Config::new(include_str!("../../fixtures/haproxy.cfg"));
    running.add(release, "zoo", &config).await;
    running
}

/// Waits until the checks and agents of a zoo have reported.
pub async fn zoo_settled(running: &Running) {
    let socket = running.socket(1);
    for (backend, server, status) in SETTLED {
        let what = format!("{backend}/{server} is {status}");
        let look = async || (row(&socket, backend, server).await.cell("status") == status).then_some(());
        until(&what, look).await;
    }
}

const SETTLED: [(&str, &str, &str); 8] = [
    ("states", "failing", "DOWN"),
    ("states", "refused", "DOWN"),
    ("states", "v6", "DOWN"),
    ("states", "local", "DOWN"),
    ("states", "agent_up", "no check"),
    ("states", "agent_down", "DOWN (agent)"),
    ("states", "agent_drain", "DRAIN (agent)"),
    ("leaving", "nolb", "NOLB"),
];
