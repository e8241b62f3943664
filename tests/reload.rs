//! Reads and changes while a master replaces its worker every 400 ms.
//!
//! `RELOAD_SECONDS=120 cargo test --test reload -- --test-threads=1 --nocapture` runs
//! each test for two minutes and prints its counts; without the variable each takes six
//! seconds.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "in a test a panic is the failure message")]
#![allow(clippy::indexing_slicing, reason = "the same")]
#![allow(clippy::print_stdout, reason = "the figures are for people")]

#[path = "reload/adder.rs"]
mod adder;
#[path = "reload/look.rs"]
mod look;
#[path = "reload/reader.rs"]
mod reader;
#[path = "reload/site.rs"]
mod site;
mod support;
#[path = "reload/tally.rs"]
mod tally;
#[path = "reload/writer.rs"]
mod writer;

use std::env;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use tokio::time::{self, Instant, MissedTickBehavior};

use site::{Members, Site, Sockets};
use support::release;
use tally::Tally;

/// Time between two reloads.
const PERIOD: Duration = Duration::from_millis(400);

/// Duration of a test if `RELOAD_SECONDS` is not set.
const SECONDS: u64 = 6;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_is_lost_or_done_twice_while_2_6_reloads_with_one_socket() {
    soak("2.6", Sockets::One).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_is_lost_or_done_twice_while_2_6_reloads_with_two_sockets() {
    soak("2.6", Sockets::Two).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_is_lost_or_done_twice_while_3_0_reloads_with_one_socket() {
    soak("3.0", Sockets::One).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_is_lost_or_done_twice_while_3_0_reloads_with_two_sockets() {
    soak("3.0", Sockets::Two).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_is_lost_or_done_twice_while_3_4_reloads_with_one_socket() {
    soak("3.4", Sockets::One).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_is_lost_or_done_twice_while_3_4_reloads_with_two_sockets() {
    soak("3.4", Sockets::Two).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_is_lost_or_done_twice_while_2_2_reloads_with_the_socket_of_its_master() {
    soak("2.2", Sockets::Master).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_is_lost_or_done_twice_while_2_6_reloads_with_the_socket_of_its_master() {
    soak("2.6", Sockets::Master).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_is_lost_or_done_twice_while_3_0_reloads_with_the_socket_of_its_master() {
    soak("3.0", Sockets::Master).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_is_lost_or_done_twice_while_3_2_reloads_with_the_socket_of_its_master() {
    soak("3.2", Sockets::Master).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_is_lost_or_done_twice_while_3_4_reloads_with_the_socket_of_its_master() {
    soak("3.4", Sockets::Master).await;
}

/// Runs the tasks for half of the time with the reloading process alone in the cluster, and
/// for the other half beside a process that stays. The answers of that process can hide a
/// command that the reloading process did not execute.
async fn soak(version: &str, sockets: Sockets) {
    let seconds = env::var("RELOAD_SECONDS").map_or(SECONDS, |text| text.parse().expect("whole seconds"));
    let half = Duration::from_secs(seconds) / 2;
    let mut whole = Tally::default();
    for members in [Members::Alone, Members::WithStable] {
        let mut site = Site::start(&release(version), sockets, members).await;
        let tally = run(&mut site, half).await;
        println!("HAProxy {version}, {sockets:?}, {members:?}, {} s:\n{tally}", half.as_secs_f32());
        whole.add(tally);
    }
    assert!(whole.reloads > 1 && whole.written > 0 && whole.added > 0 && whole.read > 0, "{whole}");
    // A reload undoes at most the last change of each task.
    assert!(whole.replaced <= whole.reloads * (site::SERVERS.len() + 1), "{whole}");
    assert_eq!(whole.wrong(), Vec::<String>::new(), "HAProxy {version}, {sockets:?}:\n{whole}");
}

async fn run(site: &mut Site, duration: Duration) -> Tally {
    let cluster = site.cluster.clone();
    let plan = Arc::new(site.plan());
    let over = Arc::new(AtomicBool::new(false));
    let mut tasks = Vec::new();
    for server in site::SERVERS {
        tasks.push(tokio::spawn(writer::write(cluster.clone(), plan.clone(), server, over.clone())));
    }
    tasks.push(tokio::spawn(adder::add(cluster.clone(), plan.clone(), over.clone())));
    tasks.push(tokio::spawn(reader::read(cluster, plan, over.clone())));

    let mut whole = Tally::default();
    let end = Instant::now() + duration;
    let mut ticks = time::interval_at(Instant::now() + PERIOD, PERIOD);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    while ticks.tick().await < end {
        site.running.haproxies[0].reload().await;
        whole.reloads += 1;
    }
    over.store(true, Ordering::SeqCst);
    for task in tasks {
        whole.add(task.await.unwrap());
    }
    whole
}
