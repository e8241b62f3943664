//! Answers that arrive one by one, and reads that parse replies on several threads.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "in a test a panic is the failure message")]
#![allow(clippy::indexing_slicing, reason = "the same")]

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use futures::StreamExt as _;
use haproxyadmin::{Cluster, ErrorKind, Limits, Process};

mod support;

use support::{Config, Running, release, releases};

const CONFIG: &str = r#"frontend web
    bind "unix@${DIR}/traffic/web.${N}"
    default_backend app
backend app
    server-template web 200 127.0.0.1:1001
"#;

/// Starts a process of every release, and one more of the newest.
async fn processes() -> Running {
    let mut running = Running::new();
    for (n, release) in (1..).zip(releases().into_iter().chain([release("3.4")])) {
        running.add(&release, &n.to_string(), &Config::admin(CONFIG).set("N", n)).await;
    }
    running
}

fn labels<'a>(processes: impl IntoIterator<Item = &'a Process>) -> BTreeSet<String> {
    processes.into_iter().map(|process| process.label().to_string()).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_process_that_hangs_delays_no_other_answer() {
    let running = processes().await;
    let limits = Limits::new()
        .with_idle_timeout(Duration::from_secs(20))
        .with_command_timeout(Duration::from_secs(20));
    let cluster = Cluster::builder().dir(running.stats()).limits(limits).build().await.unwrap();
    for is_known in [false, true] {
        running.hang(2);
        let mut answers = cluster.snapshot_stream();
        let mut arrived = Vec::new();
        while arrived.len() < running.processes() - 1 {
            arrived.push(answers.next().await.expect("the stream waits for the process that hangs"));
        }
        let others = (1..=running.processes()).filter(|n| *n != 2).map(|n| n.to_string()).collect();
        assert_eq!(labels(&arrived), others, "known before: {is_known}");
        assert!(arrived.iter().all(|process| process.stat().unwrap().len() == 202));
        running.resume(2);
        assert_eq!(&**answers.next().await.unwrap().label(), "2");
        assert!(answers.next().await.is_none());
        let snapshot = answers.await.unwrap();
        assert_eq!(snapshot.processes().len(), running.processes());
        for process in &arrived {
            let own = snapshot.process(process.label()).unwrap();
            assert_eq!((own.read_at(), own.stat()), (process.read_at(), process.stat()));
        }
    }
}

#[tokio::test]
async fn calls_between_two_answers_do_not_wait_for_the_stream() {
    let running = processes().await;
    // Two sockets of one process are compared behind the reads, one call at a time.
    for n in 1..=running.processes() {
        std::os::unix::fs::symlink(running.socket(n), running.stats().join(format!("{n}.second.sock")))
            .unwrap();
    }
    let limits = Limits::new().with_max_connections(1).with_command_timeout(Duration::from_secs(30));
    let cluster = Cluster::builder().dir(running.stats()).limits(limits).build().await.unwrap();
    let (start, mut count) = (Instant::now(), 0);
    let mut answers = cluster.snapshot_stream();
    while answers.next().await.is_some() {
        assert_eq!(cluster.snapshot().await.unwrap().processes().len(), running.processes());
        count += 1;
    }
    assert!(count >= running.processes(), "{count}");
    assert_eq!(answers.await.unwrap().processes().len(), running.processes());
    assert!(start.elapsed() < Duration::from_secs(25), "{:?}", start.elapsed());
}

#[tokio::test]
async fn a_failure_is_in_the_snapshot_only() {
    let mut running = processes().await;
    let cluster = Cluster::from_dir(running.stats()).await.unwrap();
    cluster.snapshot().await.unwrap();
    running.kill(1);
    let arrived: Vec<Process> = cluster.snapshot_stream().collect().await;
    assert_eq!(arrived.len(), running.processes() - 1);
    let error = cluster.snapshot_stream().await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Incomplete);
    let mut answers = cluster.allow_partial().snapshot_stream();
    while answers.next().await.is_some() {}
    assert_eq!(labels(answers.await.unwrap().failed()), BTreeSet::from(["1".to_owned()]));
    let mut only = cluster.only(["2"]).snapshot_stream();
    assert_eq!(&**only.next().await.unwrap().label(), "2");
    assert!(only.next().await.is_none());
    assert_eq!(only.await.unwrap().processes().len(), 1);
}
