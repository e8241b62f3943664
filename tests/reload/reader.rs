use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use haproxyadmin::{Backend, Cluster, Snapshot};

use crate::site::Plan;
use crate::tally::{Tally, count};

/// Reads all figures until the test is over, and counts the processes in each read.
pub(crate) async fn read(cluster: Cluster, plan: Arc<Plan>, over: Arc<AtomicBool>) -> Tally {
    let mut tally = Tally::default();
    let mut round = 0;
    while !over.load(Ordering::SeqCst) {
        round += 1;
        if round % 2 == 0 {
            match cluster.snapshot().await {
                Ok(snapshot) => judge("snapshot", &snapshot, &plan, &mut tally),
                Err(error) => tally.fail("snapshot", &error, &plan),
            }
        } else {
            match cluster.backends().await {
                Ok(backends) => backend(&backends, &plan, &mut tally),
                Err(error) => tally.fail("backends", &error, &plan),
            }
        }
    }
    tally
}

fn backend(backends: &[Backend], plan: &Plan, tally: &mut Tally) {
    let Some(app) = backends.iter().find(|backend| backend.name() == "app") else {
        return count(&mut tally.missed, "backends: no app");
    };
    let processes = app.processes().len();
    if processes < plan.processes {
        count(&mut tally.missed, format!("backends: app on {processes} of {}", plan.processes));
    }
    judge("backends", app.snapshot(), plan, tally);
}

/// Counts how often the reloaded process is in a snapshot.
fn judge(what: &str, snapshot: &Snapshot, plan: &Plan, tally: &mut Tally) {
    tally.read += 1;
    let mine = snapshot.processes().iter().filter(|process| plan.sockets.contains(process.address()));
    let workers: Vec<_> = mine.map(|process| (process.pid(), process.is_stopping())).collect();
    match workers.as_slice() {
        [] => count(&mut tally.missed, what),
        [_] => {}
        [(one, _), (two, _), ..] if one == two => count(&mut tally.counted_twice, what),
        [(_, one), (_, two), ..] => {
            let stopping = usize::from(*one) + usize::from(*two);
            count(&mut tally.seen_twice, format!("{what}: {stopping} of two say that they stop"));
        }
    }
}
