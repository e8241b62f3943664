use super::{Config, Release, Running};

/// Starts four processes with the proxies of haproxyadmin's README session.
///
/// On 2.2 this is one configuration with `nbproc 4`. Later releases have no `nbproc`, so each
/// process is an instance of its own with its part of the configuration. In both cases the sockets
/// are `DIR/stats/1.sock` to `4.sock`, and process n serves the same proxies. On 2.2 any of the
/// four processes answers at `DIR/shared.sock`.
pub async fn ancestor_cluster(release: &Release) -> Running {
    let mut running = Running::new();
    running.add_servers(3).await;
    let config = running.fill(Config::new(include_str!("../../fixtures/2.2-nbproc4/haproxy.cfg")));
    if release.is_at_least("2.5") {
        for n in 1..=4 {
            running.add(release, &format!("process{n}"), &config.clone().only_process(n)).await;
        }
    } else {
        running.add(release, "four", &config).await;
    }
    running
}

/// Requests to the frontends of each process, with a different number for each.
pub const ANCESTOR_TRAFFIC: [(&str, usize, u64); 10] = [
    ("haproxy", 1, 1),
    ("haproxy", 2, 2),
    ("haproxy", 3, 3),
    ("haproxy", 4, 4),
    ("frontend_proc1", 1, 5),
    ("frontend_proc2", 2, 7),
    ("frontend1_proc34", 3, 8),
    ("frontend1_proc34", 4, 13),
    ("frontend2_proc34", 3, 11),
    ("frontend2_proc34", 4, 17),
];
