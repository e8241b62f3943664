use std::hint::black_box;

use haproxyadmin::{Cluster, Snapshot};

/// Does `$work` with every object of a snapshot, whatever its type.
macro_rules! for_each_object {
    ($snapshot:expr, $object:ident => $work:expr) => {
        for_each_object!(@ $snapshot, $object => $work; frontends listeners servers backends);
    };
    (@ $snapshot:expr, $object:ident => $work:expr; $($objects:ident)*) => {
        $(for $object in $snapshot.$objects() {
            black_box($work);
        })*
    };
}

/// Lists the objects of all processes, and returns their number.
pub(crate) fn list(snapshot: &Snapshot) -> usize {
    let servers: usize = snapshot.backends().iter().map(|backend| backend.servers().len()).sum();
    black_box(snapshot.frontends().len() + snapshot.backends().len() + snapshot.listeners().len() + servers)
}

/// Reads all figures of all processes, and lists the objects.
pub(crate) async fn snapshot_and_list(cluster: &Cluster) -> Snapshot {
    let snapshot = cluster.snapshot().await.unwrap();
    list(&snapshot);
    snapshot
}

/// Returns a snapshot of the same rows with a newly built table of objects.
pub(crate) fn grouped(snapshot: &Snapshot) -> Snapshot {
    let fresh = snapshot.filter(|_| true);
    // This call builds the table of objects.
    black_box(fresh.heap_size());
    fresh
}

/// Reads one figure of each object.
pub(crate) fn one_figure(snapshot: &Snapshot) {
    for_each_object!(snapshot, one => one.stot());
}

/// Reads five figures of each object.
pub(crate) fn five_figures(snapshot: &Snapshot) {
    for_each_object!(snapshot, one => (one.scur(), one.smax(), one.stot(), one.bin(), one.bout()));
}

/// Reads every column of each object.
pub(crate) fn every_column(snapshot: &Snapshot) {
    for_each_object!(snapshot, one => one.metrics());
}
