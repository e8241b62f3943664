use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use haproxyadmin::Cluster;

use crate::look::{Fate, Look, fate};
use crate::site::Plan;
use crate::tally::{Tally, count};
use crate::writer::{Done, judge};

/// Adds one key after the other until the test is over. After each call, counts how often the
/// process has the key. A reload empties the map.
pub(crate) async fn add(cluster: Cluster, plan: Arc<Plan>, over: Arc<AtomicBool>) -> Tally {
    let map = cluster.map(plan.map.to_str().unwrap()).unwrap();
    let line = &format!("show map {}", plan.map.display());
    let mut tally = Tally::default();
    let mut before = Look::take(&plan, line).await;
    let mut round = 0_u32;
    while !over.load(Ordering::SeqCst) {
        round += 1;
        let key = &format!("key{round}");
        let result = map.add(key, "value").await;
        let done = judge(result, "add", &plan, &mut tally);
        before = if done == Done::Changed {
            tally.added += 1;
            let (fate, look) = fate(&plan, line, before.pid, |look| look.entries(key) > 0).await;
            match fate {
                Fate::Kept => {}
                Fate::Replaced => tally.replaced += 1,
                Fate::Missing => count(&mut tally.wrong_successes, "add: changed, not there"),
            }
            look
        } else {
            // A failed call may still have added the key, but at most once.
            Look::take(&plan, line).await
        };
        if before.entries(key) > 1 {
            count(&mut tally.doubled, format!("{} times, {done:?}", before.entries(key)));
        }
    }
    tally
}
