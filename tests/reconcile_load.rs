//! The time of a plan for many servers on many processes, beside the time of reading them.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "in a test a panic is the failure message")]

use std::fmt::Write as _;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::time::{Duration, Instant};

use haproxyadmin::reconcile::{Desired, DesiredBackend, DesiredServer};
use haproxyadmin::{Cluster, Limits};

mod support;

use support::{Config, Running, release};

const PROCESSES: usize = 16;
const BACKENDS: usize = 10;
const SERVERS: usize = 1_000;

const CONFIG: &str = r#"
global
    nbthread 1
    stats socket "unix@${DIR}/stats/${N}.sock" mode 600 level admin
defaults
    mode http
    timeout connect 1s
    timeout client 1m
    timeout server 1m
"#;

#[tokio::test]
async fn ten_thousand_servers_on_sixteen_processes_are_planned_in_about_the_time_of_reading_them() {
    let mut config = CONFIG.to_owned();
    for backend in 0..BACKENDS {
        writeln!(config, "backend app{backend}\n    server-template web {SERVERS} 127.0.0.1:80 weight 10")
            .unwrap();
    }
    let mut running = Running::new();
    for n in 1..=PROCESSES {
        running.add(&release("3.0"), &n.to_string(), &Config::new(config.as_str()).set("N", n)).await;
    }
    let limits = Limits::new().with_command_timeout(Duration::from_secs(120));
    let cluster = Cluster::builder().dir(running.stats()).limits(limits).build().await.unwrap();
    cluster.info().await.unwrap();

    let address = SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), 80);
    let mut desired = Desired::new();
    for backend in 0..BACKENDS {
        let servers = (1..=SERVERS).map(|n| {
            // One server in a hundred differs.
            let weight = if n % 100 == 0 { 11 } else { 10 };
            DesiredServer::new(format!("web{n}")).address(address).weight(weight)
        });
        let backend = servers.fold(DesiredBackend::new(format!("app{backend}")), DesiredBackend::server);
        desired = desired.backend(backend.exact());
    }
    let (mut reading, mut planning) = (Duration::MAX, Duration::MAX);
    for _ in 0..3 {
        let start = Instant::now();
        let settings = cluster.settings().await.unwrap();
        reading = reading.min(start.elapsed());
        let servers: usize = settings.processes().iter().map(|process| process.servers.len()).sum();
        assert_eq!(servers, PROCESSES * BACKENDS * SERVERS);
        drop(settings);
        let start = Instant::now();
        let plans = cluster.plan(&desired).await.unwrap();
        planning = planning.min(start.elapsed());
        assert_eq!(plans.values().map(|(_, plan)| plan.steps.len()).sum::<usize>(), PROCESSES * 100);
    }
    println!(
        "{PROCESSES} processes of {} servers: read in {reading:.2?}, planned in {planning:.2?}",
        BACKENDS * SERVERS
    );
    // A plan that compared each server with each other one would take minutes.
    assert!(planning < reading * 4 + Duration::from_secs(2), "read in {reading:?}, planned in {planning:?}");
}
