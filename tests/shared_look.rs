//! Processes with one `shm-stats-file`, while this program cannot look which file they have.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "in a test a panic is the failure message")]
#![allow(clippy::indexing_slicing, reason = "the same")]

mod support;

use std::sync::mpsc;
use std::time::Duration;

use haproxyadmin::snapshot::{CountRange, CounterSharing, ShmStatsFile};
use haproxyadmin::{Cluster, Limits, Snapshot};
use support::{Member, send_shared_traffic, shared_cluster};

/// Returns the reason why the file of each process is not known.
fn problems(snapshot: &Snapshot) -> Vec<Option<&str>> {
    snapshot.processes().iter().map(haproxyadmin::Process::shm_stats_file_problem).collect()
}

async fn all_threads_busy() {
    let running = shared_cluster(&[Member::Sharing, Member::Sharing]).await;
    send_shared_traffic(&running).await;
    let limits = Limits::new().with_command_timeout(Duration::from_secs(2));
    let cluster = Cluster::builder().addresses(running.sockets()).limits(limits).build().await.unwrap();
    // The only thread that may block does so.
    let (end, ended) = mpsc::channel::<()>();
    let busy = tokio::task::spawn_blocking(move || ended.recv());
    let snapshot = cluster.snapshot().await.unwrap();
    let reason = "looking for its file failed: ";
    let problems = problems(&snapshot);
    assert!(problems.iter().all(|one| one.is_some_and(|text| text.starts_with(reason))), "{problems:?}");
    assert!(snapshot.processes().iter().all(|one| one.shm_stats_file().is_none()));
    // Both print 42, and the truth is 42.
    let web = snapshot.frontend("web").unwrap();
    assert_eq!((web.requests(), web.stot()), (CountRange { at_least: 42, at_most: 84 }, None));
    let CounterSharing::Unknown(groups) = web.sharing() else { panic!("{:?}", web.sharing()) };
    assert_eq!((groups.len(), &groups[0].file), (1, &ShmStatsFile::Unknown));
    assert_eq!(web.sharing().to_string(), "unknown file: 1, 2 (which of them is not known)");
    // The file holds no gauges, so they are exact.
    assert_eq!(web.scur(), Some(0));

    drop(end);
    assert!(busy.await.unwrap().is_err());
    let later = cluster.snapshot().await.unwrap();
    assert_eq!(self::problems(&later), [None, None]);
    assert_eq!(later.frontend("web").unwrap().requests(), 42);

    // The cluster keeps its findings about a process.
    let (end, ended) = mpsc::channel::<()>();
    let busy = tokio::task::spawn_blocking(move || ended.recv());
    let last = cluster.snapshot().await.unwrap();
    assert_eq!(
        (self::problems(&last), last.frontend("web").unwrap().requests()),
        (vec![None, None], 42.into())
    );
    drop(end);
    assert!(busy.await.unwrap().is_err());

    #[cfg(feature = "serde")]
    {
        let text = serde_json::to_string(&snapshot).unwrap();
        let stored: Snapshot = serde_json::from_str(&text).unwrap();
        let web = stored.frontend("web").unwrap();
        assert_eq!(web.requests(), CountRange { at_least: 42, at_most: 84 });
        assert_eq!(self::problems(&stored), problems);
    }
}

#[test]
fn shared_counters_are_not_added_up_while_no_thread_is_free_to_look() {
    let mut runtime = tokio::runtime::Builder::new_current_thread();
    let runtime = runtime.enable_all().max_blocking_threads(1).build().unwrap();
    runtime.block_on(all_threads_busy());
}
