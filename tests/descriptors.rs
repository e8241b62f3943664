//! A program without free file descriptors. It is a test file of its own because the limit applies
//! to the whole program.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "in a test a panic is the failure message")]

use std::fs::File;
use std::time::{Duration, Instant};

use haproxyadmin::{Cluster, Limits, fake};
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

#[tokio::test]
async fn a_directory_is_read_when_a_file_descriptor_is_free_again() {
    let dir = tempfile::tempdir().unwrap();
    let _running = fake::Process::new("3.0.1").serve(dir.path().join("1.sock")).await.unwrap();
    let limits = Limits::new().with_command_timeout(Duration::from_secs(20));
    let cluster = Cluster::builder().dir(dir.path()).limits(limits).build().await.unwrap();
    cluster.snapshot().await.unwrap();

    let limit = Rlimit { current: Some(200), maximum: getrlimit(Resource::Nofile).maximum };
    setrlimit(Resource::Nofile, limit).unwrap();
    let mut held = Vec::new();
    while let Ok(file) = File::open("/dev/null") {
        held.push(file);
    }
    let start = Instant::now();
    let release = async {
        tokio::time::sleep(Duration::from_millis(200)).await;
        drop(held);
    };
    let (snapshot, ()) = tokio::join!(cluster.snapshot(), release);
    assert_eq!(snapshot.unwrap().processes().len(), 1);
    assert!(start.elapsed() >= Duration::from_millis(200));

    // Without a free descriptor the call ends at its limit, and the error names the reason.
    let held: Vec<_> = std::iter::from_fn(|| File::open("/dev/null").ok()).collect();
    let brief = cluster.with_limits(limits.with_command_timeout(Duration::from_millis(400))).allow_partial();
    let snapshot = brief.snapshot().await.unwrap();
    let missing: Vec<_> = snapshot.missing().map(ToString::to_string).collect();
    drop(held);
    let expected =
        format!("cannot read directory {}: Too many open files (os error 24)", dir.path().display());
    assert_eq!(missing, [expected]);
}
