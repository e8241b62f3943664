//! Health checks that take time.

use tokio::time::Instant;

use crate::fake::describe::Process;

/// Ends the checks that are due, and updates the servers that track others.
pub(in crate::fake) fn run(process: &mut Process) {
    if !process.has_counters {
        return;
    }
    let now = Instant::now();
    let mut changed = Vec::new();
    for backend in process.proxies.iter_mut().filter_map(|proxy| proxy.backend.as_mut()) {
        for server in backend.servers.iter_mut().filter(|server| server.counter.is_some()) {
            if server.run_checks(now) {
                changed.push(format!("{}/{}", backend.name, server.name));
            }
        }
    }
    for name in changed {
        process.follow(&name);
    }
}
