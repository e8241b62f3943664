//! Plans, applications and differences that are dropped after each number of polls. It is a test file of its own because
//! it counts the descriptors of the whole program.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "in a test a panic is the failure message")]
#![allow(clippy::indexing_slicing, reason = "the same")]

use std::cell::Cell;
use std::fs;
use std::path::Path;
use std::time::Duration;

use haproxyadmin::Cluster;
use haproxyadmin::reconcile::{Apply, Desired, DesiredBackend, DesiredServer, Reference};

mod support;

use support::{Baseline, Config, Running, ask, assert_no_leftovers, every_state, release};

const CONFIG: &str = r#"frontend web
    bind "unix@${DIR}/traffic/web.${N}"
    http-request set-header X-Host %[req.hdr(host),map("${DIR}/hosts.map",none)]
    default_backend app
backend app
    balance roundrobin
    server web1 127.0.0.1:1001 weight 10
    server web2 127.0.0.1:1002 weight 20
"#;

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

    let baseline = Baseline::new();
    reset(&sockets, &map).await;
    let drops = Cell::new(0);
    let check = async |after: &str| {
        // Every permit is there: the next call succeeds.
        assert!(cluster.snapshot().await.unwrap().complete().is_ok(), "{after}");
        if drops.get() % 16 == 0 {
            cluster.apply(&desired, terms.clone()).await.unwrap();
            assert!(cluster.plan(&desired).await.unwrap().are_in_sync(), "{after}");
        }
        drops.set(drops.get() + 1);
        reset(&sockets, &map).await;
    };
    let apply = || cluster.apply(&desired, terms.clone()).into_future();
    let (polls, applied) = baseline.drop_at_every_poll("apply", apply, check).await;
    applied.unwrap();
    cluster.apply(&desired, terms.clone()).await.unwrap();
    assert_eq!(every_state(&running, "app", "web1", "srv_uweight").await, ["5", "5"]);
    let no_check = async |_: &str| ();
    let (plans, plan) = baseline.drop_at_every_poll("plan", || cluster.plan(&desired), no_check).await;
    assert!(plan.unwrap().are_in_sync());
    let drift = || cluster.drift(Reference::Majority);
    let (drifts, drift) = baseline.drop_at_every_poll("drift", drift, no_check).await;
    drift.unwrap();
    println!("dropped after each of {polls} polls (apply), {plans} (plan), {drifts} (drift)");
    assert!(polls > 20 && plans > 4 && drifts > 4, "{polls} {plans} {drifts}");
    for socket in &sockets {
        assert_no_leftovers(socket, "all calls given up").await;
    }
}
