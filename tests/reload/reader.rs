use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use haproxyadmin::Cluster;

use crate::site::Plan;
use crate::tally::{Tally, count};

/// Reads all figures until it is over, and counts the processes that each read has.
pub(crate) async fn read(cluster: Cluster, plan: Arc<Plan>, over: Arc<AtomicBool>) -> Tally {
    let mut tally = Tally::default();
    let mut round = 0;
    while !over.load(Ordering::SeqCst) {
        round += 1;
        if round % 2 == 0 {
            snapshot(&cluster, &plan, &mut tally).await;
        } else {
            backends(&cluster, &plan, &mut tally).await;
        }
    }
    tally
}

async fn snapshot(cluster: &Cluster, plan: &Plan, tally: &mut Tally) {
    let snapshot = match cluster.snapshot().await {
        Ok(snapshot) => snapshot,
        Err(error) => return tally.fail("snapshot", &error, plan),
    };
    tally.read += 1;
    let mine = snapshot.processes().iter().filter(|process| plan.sockets.contains(process.address()));
    let pids: Vec<_> = mine.map(|process| (process.pid(), process.is_stopping())).collect();
    match pids.as_slice() {
        [] => count(&mut tally.missed, "snapshot"),
        [_] => {}
        [(one, _), (two, _), ..] if one == two => count(&mut tally.seen_twice, "snapshot: one worker twice"),
        [(_, one), (_, two), ..] => {
            let stopping = usize::from(*one) + usize::from(*two);
            count(
                &mut tally.seen_twice,
                format!("snapshot: two workers, {stopping} of them say that they stop"),
            );
        }
    }
}

async fn backends(cluster: &Cluster, plan: &Plan, tally: &mut Tally) {
    let backends = match cluster.backends().await {
        Ok(backends) => backends,
        Err(error) => return tally.fail("backends", &error, plan),
    };
    tally.read += 1;
    let app = backends.iter().find(|backend| backend.name() == "app");
    let processes = app.map_or(0, |backend| backend.processes().len());
    if processes < plan.processes {
        count(&mut tally.missed, format!("backends: app on {processes} of {}", plan.processes));
    } else if processes > plan.processes {
        count(&mut tally.seen_twice, format!("backends: app on {processes} of {}", plan.processes));
    }
}
