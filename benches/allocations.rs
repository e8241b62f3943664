//! The allocations of a read, for each process.
//!
//! A child of this program replays 64 processes with 1,000 rows each; its allocations do not count.
//! Moving a block to make it larger counts as one more. It is a program of its own because counting
//! takes time.

#![allow(missing_docs, reason = "a program without users")]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, reason = "it may panic")]
#![allow(clippy::print_stdout, reason = "it prints its result")]
#![allow(clippy::cast_precision_loss, reason = "the numbers are small")]

#[path = "support/mod.rs"]
#[allow(dead_code, unused_imports, reason = "other programs use the rest")]
mod dumps;
#[allow(dead_code, unused_imports, reason = "other programs use the rest")]
mod rounds;

use std::alloc::System;

use dumps::Load;
use haproxyadmin::Cluster;
use rounds::{Drain, Options, Replay, Row, Spread, drain, heading, list, patient, serve_if_asked};
use stats_alloc::{INSTRUMENTED_SYSTEM, Region, StatsAlloc};

#[global_allocator]
static COUNTED: &StatsAlloc<System> = &INSTRUMENTED_SYSTEM;

const SWEEP: &str = "show info;show cli level;show cli sockets;show stat";

fn main() {
    if serve_if_asked() {
        return;
    }
    let options = Options::read();
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    heading();
    runtime.block_on(run(&options));
}

async fn run(options: &Options) {
    let processes = options.size(64, 4);
    let replay = Replay::start("3.4", Load::Idle, processes, options.size(1_000, 100));
    let sockets = replay.sockets();
    let addresses = sockets.iter().map(std::path::PathBuf::as_path);
    let cluster = Cluster::builder().addresses(addresses).limits(patient()).build().await.unwrap();
    let (mut ours, mut listed, mut bare) = (Vec::new(), Vec::new(), Vec::new());
    // The first reads leave what later ones use again.
    for round in 0..options.rounds + 2 {
        let region = Region::new(COUNTED);
        let snapshot = cluster.snapshot().await.unwrap();
        let of_snapshot = allocations(&region);
        list(&snapshot);
        let of_both = allocations(&region);
        let region = Region::new(COUNTED);
        drain(&sockets, SWEEP, Drain::OneTask).await;
        if round >= 2 {
            ours.push(of_snapshot / processes as f64);
            listed.push((of_both - of_snapshot) / processes as f64);
            bare.push(allocations(&region) / processes as f64);
        }
    }
    let what = format!("allocations for each of {processes} processes read");
    Row::of(&what, "").count(Spread::of(ours), " each").at_most(40.0);
    println!("    for the list of the objects: {}", Spread::of(listed));
    println!("    by a drain of bare sockets: {}", Spread::of(bare));
}

fn allocations(region: &Region<'_, System>) -> f64 {
    let change = region.change();
    (change.allocations + change.reallocations) as f64
}
