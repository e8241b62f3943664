//! Plans, applications and differences that are dropped after each number of polls. It is a test file of its own because
//! it counts the descriptors of the whole program.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "in a test a panic is the failure message")]
#![allow(clippy::indexing_slicing, reason = "the same")]

use std::fs;
use std::future::poll_fn;
use std::path::Path;
use std::pin::pin;
use std::task::Poll;
use std::time::Duration;

use haproxyadmin::Cluster;
use haproxyadmin::reconcile::{Apply, Desired, DesiredBackend, DesiredServer, Reference};
use tokio::runtime::Handle;

mod support;

use support::{Config, Running, ask, assert_no_leftovers, every_state, release, until};

const CONFIG: &str = r#"frontend web
    bind "unix@${DIR}/traffic/web.${N}"
    http-request set-header X-Host %[req.hdr(host),map("${DIR}/hosts.map",none)]
    default_backend app
backend app
    balance roundrobin
    server web1 127.0.0.1:1001 weight 10
    server web2 127.0.0.1:1002 weight 20
"#;

/// Polls a future `polls` times, and drops it. Returns its output if it is ready before.
async fn poll_and_drop<T>(polls: usize, future: impl Future<Output = T>) -> Option<T> {
    let mut future = pin!(future);
    let mut left = polls;
    poll_fn(|context| {
        if left == 0 {
            return Poll::Ready(None);
        }
        left -= 1;
        future.as_mut().poll(context).map(Some)
    })
    .await
}

fn descriptors() -> usize {
    fs::read_dir("/proc/self/fd").unwrap().count()
}

/// Waits until the program has no more descriptors and tasks than before: a dump that was cut is read to its end.
async fn assert_nothing_is_left(descriptors_before: usize, after: &str) {
    let is_clean = async || {
        let tasks = Handle::current().metrics().num_alive_tasks();
        (tasks == 0 && descriptors() <= descriptors_before).then_some(())
    };
    until(&format!("{after}: no task and no descriptor"), is_clean).await;
}

async fn reset(sockets: &[impl AsRef<Path>], map: &str) {
    for socket in sockets {
        for line in [
            "set server app/web1 weight 10",
            "set server app/web2 state ready",
            "set server app/web3 state maint",
            "del server app/web3",
            &format!("del map {map} c.example"),
        ] {
            ask(socket.as_ref(), line).await;
        }
    }
}

#[tokio::test]
async fn a_call_that_is_dropped_after_any_number_of_polls_leaves_nothing() {
    let mut running = Running::new();
    let map = running.dir().join("hosts.map").display().to_string();
    fs::write(&map, "a.example one\n").unwrap();
    for (n, release) in (1..).zip([release("2.6"), release("3.4")]) {
        running.add(&release, &n.to_string(), &Config::admin(CONFIG).set("N", n)).await;
    }
    let sockets = running.sockets();
    let cluster = Cluster::from_dir(running.stats()).await.unwrap();
    let servers = [
        DesiredServer::new("web1").weight(5),
        DesiredServer::new("web2").state(haproxyadmin::AdminState::Maint),
        DesiredServer::new("web3").address("127.0.0.3:3".parse().unwrap()),
    ];
    let app = servers.into_iter().fold(DesiredBackend::new("app"), DesiredBackend::server);
    let desired = Desired::new().backend(app).map(&*map, [("a.example", "one"), ("c.example", "three")]);
    let terms = Apply::new().min_healthy(0).up_within(Duration::from_secs(20));
    cluster.plan(&desired).await.unwrap();

    let before = descriptors();
    let mut polls = 0;
    loop {
        reset(&sockets, &map).await;
        let applied = poll_and_drop(polls, cluster.apply(&desired, terms.clone()).into_future()).await;
        assert_nothing_is_left(before, &format!("apply, {polls} polls")).await;
        // Every permit is there: the next call succeeds.
        assert!(cluster.snapshot().await.unwrap().complete().is_ok());
        if let Some(applied) = applied {
            applied.unwrap();
            break;
        }
        if polls % 16 == 0 {
            cluster.apply(&desired, terms.clone()).await.unwrap();
            assert!(cluster.plan(&desired).await.unwrap().are_in_sync(), "{polls} polls");
        }
        polls += 1;
    }
    assert_eq!(every_state(&running, "app", "web1", "srv_uweight").await, ["5", "5"]);
    let (mut plans, mut drifts) = (0, 0);
    while poll_and_drop(plans, cluster.plan(&desired)).await.is_none() {
        assert_nothing_is_left(before, &format!("plan, {plans} polls")).await;
        plans += 1;
    }
    while poll_and_drop(drifts, cluster.drift(Reference::Majority)).await.is_none() {
        assert_nothing_is_left(before, &format!("drift, {drifts} polls")).await;
        drifts += 1;
    }
    println!("dropped after each of {polls} polls (apply), {plans} (plan), {drifts} (drift)");
    assert!(polls > 20 && plans > 4 && drifts > 4, "{polls} {plans} {drifts}");
    for socket in &sockets {
        assert_no_leftovers(socket, "all calls given up").await;
    }
}
