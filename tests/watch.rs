//! Watches over real processes of each release: servers, processes, rings, and the end of a watch.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "in a test a panic is the failure message")]
#![allow(clippy::indexing_slicing, reason = "the same")]

use std::fs;
use std::time::Duration;

use futures::{FutureExt as _, StreamExt as _};
use haproxyadmin::server::OperationalState;
use haproxyadmin::snapshot::Failure;
use haproxyadmin::watch::{Event, Events, ProcessStatus, Watch, WatchOptions, WatchedProcess};
use haproxyadmin::{AdminState, Cluster, ErrorKind, Limits, fake};
use tokio::io::AsyncWriteExt as _;
use tokio::net::{TcpListener, UnixListener, UnixStream};
use tokio::time::{sleep, timeout};

mod support;

use support::{
    Config, Release, Running, ask, info, is_alive, levels, releases, releases_since, until, versions,
};

const CONFIG: &str = r#"
global
    nbthread 1
    stats socket "unix@${DIR}/stats/${N}.sock" mode 600 level admin expose-fd listeners
ring states
    format raw
    maxlen 1024
    size 65536
defaults
    mode http
    timeout connect 1s
    timeout client 1m
    timeout server 1m
    log ring@states format raw local0 notice
frontend web
    bind "unix@${DIR}/traffic/web.${N}"
    default_backend app
backend app
    server web1 "${CHECKED}" check inter 50ms rise 1 fall 1
    server web2 "${CHECKED}"
"#;

/// Time limit for one event.
const LIMIT: Duration = Duration::from_secs(20);

const BEAT: Duration = Duration::from_millis(50);

/// A longer time than any test takes.
const NEVER: Duration = Duration::from_secs(3600);

/// Processes, and a server that can be down.
struct Site {
    running: Running,
    server: Option<TcpListener>,
    config: Config,
}

impl Site {
    async fn new() -> Self {
        let server = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let config = Config::new(CONFIG).set("CHECKED", server.local_addr().unwrap());
        Self { running: Running::new(), server: Some(server), config }
    }

    /// Starts processes with the stats sockets `1.sock` and so on.
    async fn of(release: &Release, processes: usize) -> Self {
        let mut site = Self::new().await;
        for _ in 0..processes {
            site.add(release).await;
        }
        site
    }

    async fn add(&mut self, release: &Release) {
        let n = self.running.haproxies.len() + 1;
        self.running.add(release, &n.to_string(), &self.config.clone().set("N", n)).await;
        self.wait_for(n, "2").await;
    }

    /// Waits until the check of `web1` has this result in a process, by its operational state.
    async fn wait_for(&self, n: usize, state: &str) {
        let socket = self.running.socket(n);
        let is_so = async || {
            let states = String::from_utf8(ask(&socket, "show servers state app").await).unwrap();
            let line = states.lines().find(|line| line.contains(" web1 "))?.to_owned();
            (line.split(' ').nth(5) == Some(state)).then_some(())
        };
        until("the health check", is_so).await;
    }

    async fn cluster(&self) -> Cluster {
        Cluster::from_dir(self.running.stats()).await.unwrap()
    }

    /// Ends the server, or lets it listen again at the same address.
    async fn switch(&mut self, address: std::net::SocketAddr) {
        if self.server.take().is_none() {
            let bind = async || TcpListener::bind(address).await.ok();
            self.server = Some(until("the address is free", bind).await);
        }
    }
}

fn options() -> WatchOptions {
    WatchOptions::new().every(BEAT).without_figures().jitter(Duration::ZERO)
}

/// Returns the next event. Events about rings are skipped.
async fn next(events: &mut Events) -> Event {
    loop {
        match any(events).await {
            Event::RingFollowed { .. } | Event::RingFailed { .. } => {}
            event => return event,
        }
    }
}

/// Waits until all rings are followed.
async fn followed(watch: &Watch) {
    let are = async || watch.latest().processes().iter().all(WatchedProcess::is_ring_followed).then_some(());
    until("the rings are followed", are).await;
}

/// Returns the reason why the ring of the only process is not followed.
async fn ring_failure(watch: &Watch) -> Failure {
    let failure = async || watch.latest().processes()[0].ring_failure().cloned();
    until("the ring cannot be followed", failure).await
}

async fn any(events: &mut Events) -> Event {
    timeout(LIMIT, events.next()).await.expect("an event in time").expect("the stream goes on").event
}

/// Returns the next events as words.
async fn words(events: &mut Events, count: usize) -> Vec<String> {
    let mut words = Vec::new();
    for _ in 0..count {
        words.push(next(events).await.to_string());
    }
    words
}

/// Checks that nothing happens for some beats.
async fn nothing(events: &mut Events) {
    let event = timeout(BEAT * 6, events.next()).await;
    assert!(event.is_err(), "{event:?}");
}

#[tokio::test]
async fn the_first_picture_holds_all_processes_servers_and_figures() {
    for release in releases() {
        let site = Site::of(&release, 2).await;
        let watch = site.cluster().await.watch(WatchOptions::new().every(BEAT)).await.unwrap();
        let mut events = watch.events();
        let picture = watch.latest();
        let labels: Vec<_> = picture.processes().iter().map(|process| process.label().to_string()).collect();
        assert_eq!(labels, ["1", "2"], "{}", release.version);
        for (n, process) in (1..).zip(picture.processes()) {
            assert_eq!((process.status(), process.failure()), (ProcessStatus::Running, None));
            assert_eq!(process.pid(), Some(site.running.pid(n).into()));
            let own = info(site.running.socket(n)).await;
            assert_eq!(process.version().unwrap().to_string(), own["Version"]);
            assert!(process.started_at() <= process.read_at() && process.age().unwrap() < LIMIT);
            let servers: Vec<_> = process.servers().iter().map(|server| &*server.name).collect();
            assert_eq!(servers, ["web1", "web2"]);
            let web1 = process.server("app", "web1").unwrap();
            assert_eq!(web1.operational, OperationalState::Running);
        }
        assert_eq!(picture.server("app", "web1").count(), 2);
        let figures = picture.figures().unwrap();
        assert!(figures.is_complete());
        assert_eq!(figures.backend("app").unwrap().servers().len(), 2);
        nothing(&mut events).await;
    }
}

#[tokio::test]
async fn a_server_goes_down_and_up_by_its_health_check() {
    for release in releases() {
        let mut site = Site::of(&release, 1).await;
        let address = site.server.as_ref().unwrap().local_addr().unwrap();
        let watch = site.cluster().await.watch(options()).await.unwrap();
        let mut events = watch.events();
        site.switch(address).await;
        assert_eq!(words(&mut events, 1).await, ["1: app/web1: running -> stopped"], "{}", release.version);
        let picture = watch.latest();
        assert_eq!(picture.server("app", "web1").next().unwrap().1.operational, OperationalState::Stopped);
        site.switch(address).await;
        assert_eq!(words(&mut events, 1).await, ["1: app/web1: stopped -> running"], "{}", release.version);
        nothing(&mut events).await;
    }
}

#[tokio::test]
async fn a_ring_tells_at_once_and_gives_the_reason() {
    for release in releases() {
        let mut site = Site::of(&release, 2).await;
        let address = site.server.as_ref().unwrap().local_addr().unwrap();
        let options = options().every(NEVER).ring("states");
        let watch = site.cluster().await.watch(options).await.unwrap();
        let mut events = watch.events();
        followed(&watch).await;
        site.switch(address).await;
        let mut processes = Vec::new();
        for _ in 0..2 {
            let event = next(&mut events).await;
            let Event::Operational { process, backend, server, from, to, reason } = event else {
                panic!("{}: {event:?}", release.version);
            };
            assert_eq!((&*backend, &*server), ("app", "web1"));
            assert_eq!((from, to), (OperationalState::Running, OperationalState::Stopped));
            let reason = reason.expect("a reason");
            assert!(reason.starts_with("is DOWN, reason: Layer4 connection problem"), "{reason}");
            assert!(!reason.contains("active and"), "{reason}");
            processes.push(process.to_string());
        }
        processes.sort();
        assert_eq!(processes, ["1", "2"]);
        ask(site.running.socket(2), "set server app/web2 state maint").await;
        let event = next(&mut events).await;
        let Event::Administrative { process, to, reason, .. } = event else {
            panic!("{}: {event:?}", release.version);
        };
        assert_eq!((&*process, to), ("2", AdminState::Maint));
        assert!(reason.unwrap().contains("maintenance"), "{}", release.version);
    }
}

#[tokio::test]
async fn a_drain_by_hand_on_one_process_is_a_divergence() {
    for release in releases() {
        let site = Site::of(&release, 2).await;
        let watch = site.cluster().await.watch(options()).await.unwrap();
        let mut events = watch.events();
        ask(site.running.socket(1), "set server app/web2 state drain").await;
        let first = next(&mut events).await;
        assert!(matches!(first, Event::Administrative { to: AdminState::Drain, .. }), "{first}");
        let began = loop {
            match next(&mut events).await {
                Event::DivergenceBegan(began) => break began,
                // Up to some release, a server that is drained is also `stopping`.
                Event::Operational { .. } => {}
                event => panic!("{}: {event}", release.version),
            }
        };
        assert_eq!((&*began.backend, &*began.server), ("app", "web2"));
        let states: Vec<_> = began.states.iter().map(|one| (&*one.process, one.administrative)).collect();
        assert_eq!(states, [("1", AdminState::Drain), ("2", AdminState::Ready)], "{}", release.version);
        assert_eq!(watch.latest().divergences(), [began]);
        ask(site.running.socket(2), "set server app/web2 state drain").await;
        loop {
            match next(&mut events).await {
                Event::DivergenceEnded { backend, server } => {
                    assert_eq!((&*backend, &*server), ("app", "web2"));
                    break;
                }
                Event::Administrative { process, .. } => assert_eq!(&*process, "2"),
                Event::Operational { .. } => {}
                event => panic!("{}: {event}", release.version),
            }
        }
        assert!(watch.latest().divergences().is_empty());
        nothing(&mut events).await;
    }
}

#[tokio::test]
async fn a_process_that_restarts_has_forgotten_its_drain() {
    for release in releases() {
        let mut site = Site::of(&release, 2).await;
        for n in [1, 2] {
            ask(site.running.socket(n), "set server app/web2 state maint").await;
        }
        let watch = site.cluster().await.watch(options()).await.unwrap();
        let mut events = watch.events();
        let before = u64::from(site.running.pid(1));
        site.running.kill(1);
        assert_eq!(next(&mut events).await, left("1", before), "{}", release.version);
        assert_eq!(watch.latest().process("1").unwrap().status(), ProcessStatus::Gone);
        site.running.restart(1).await;
        let event = next(&mut events).await;
        let Event::Joined { process, pid } = event else { panic!("{}: {event}", release.version) };
        assert_eq!((&*process, pid), ("1", Some(site.running.pid(1).into())));
        let mut told = words(&mut events, 2).await;
        told.sort();
        assert_eq!(told, ["1: app/web2: maint -> ready", "1: app/web2: stopped -> running"]);
        let event = next(&mut events).await;
        assert!(matches!(event, Event::DivergenceBegan(_)), "{event}");
    }
}

/// Returns the event of a process that has left.
fn left(label: &str, pid: u64) -> Event {
    Event::Left { process: label.into(), pid: Some(pid) }
}

#[tokio::test]
async fn a_reload_is_a_restart_at_the_socket_of_the_worker() {
    for release in releases() {
        let mut site = Site::new().await;
        let config = site.config.clone().set("N", 1);
        site.running.add_master(&release, "one", &config).await;
        site.wait_for(1, "2").await;
        let cluster = Cluster::from_addresses([site.running.socket(1)]).await.unwrap();
        for ring in [false, true] {
            let options = if ring { options().ring("states") } else { options() };
            let watch = cluster.watch(options).await.unwrap();
            let mut events = watch.events();
            if ring {
                followed(&watch).await;
            }
            let old = site.running.haproxies[0].reload().await;
            let (from, to) = (Some(old.into()), Some(site.running.pid(1).into()));
            let process = watch.latest().processes()[0].label().clone();
            assert_eq!(
                next(&mut events).await,
                Event::Restarted { process, from, to },
                "{}",
                release.version
            );
            until("the old worker ends", async || (!is_alive(old)).then_some(())).await;
            // A watch holds no old worker, and its ring is followed in the new one.
            while let Ok(event) = timeout(BEAT * 6, events.next()).await {
                let event = event.unwrap().event;
                let is_ring = matches!(event, Event::RingFollowed { .. } | Event::RingFailed { .. });
                assert!(ring && is_ring, "{}: {event}", release.version);
            }
            if ring {
                followed(&watch).await;
            }
            site.running.haproxies[0].master_ready().await;
        }
    }
}

#[tokio::test]
async fn an_old_worker_behind_a_master_is_stopping_and_leaves() {
    for release in releases() {
        let mut running = Running::new();
        running.add_servers(1).await;
        let config = Config::new(CONFIG).set("CHECKED", running.servers[0].address()).set("N", 1);
        let master = running.add_master(&release, "one", &config).await;
        let cluster = Cluster::builder().master(master).build().await.unwrap();
        let watch = cluster.watch(options().every(BEAT * 4)).await.unwrap();
        let mut events = watch.events();
        let label = watch.latest().processes()[0].label().clone();
        // A request without the end of its body, which ends when its client closes.
        let mut held = UnixStream::connect(running.traffic("web", 1)).await.unwrap();
        held.write_all(b"POST /hold HTTP/1.1\r\nHost: test\r\nContent-Length: 9\r\n\r\n").await.unwrap();
        let has_request = async || {
            let sessions = String::from_utf8(ask(running.socket(1), "show sess").await).unwrap();
            sessions.contains("fe=web").then_some(())
        };
        until("the request is held", has_request).await;
        let old = running.haproxies[0].reload().await;
        let old_label = format!("{label}@!{old}");
        let (mut restarted, mut told) = (false, Vec::new());
        while !restarted || told.len() < 2 {
            match next(&mut events).await {
                Event::Restarted { process, from, to } => {
                    assert_eq!((&process, from), (&label, Some(old.into())));
                    assert_eq!(to, Some(running.pid(1).into()));
                    restarted = true;
                }
                Event::Joined { process, pid } => {
                    assert_eq!((&*process, pid), (&*old_label, Some(old.into())), "{}", release.version);
                    told.push("joined");
                }
                Event::Stopping { process, .. } => {
                    assert_eq!(&*process, &*old_label, "{}", release.version);
                    told.push("stopping");
                }
                // The check of a new worker has not run yet at its first look.
                Event::Operational { process, .. } => assert_eq!(process, label),
                event => panic!("{}: {event}", release.version),
            }
        }
        assert_eq!(told, ["joined", "stopping"], "{}", release.version);
        let status = watch.latest().process(&old_label).unwrap().status();
        assert_eq!(status, ProcessStatus::Stopping);
        drop(held);
        loop {
            match next(&mut events).await {
                Event::Left { process, pid } => {
                    assert_eq!((&*process, pid), (&*old_label, Some(old.into())), "{}", release.version);
                    break;
                }
                Event::Operational { process, .. } => assert_eq!(process, label),
                event => panic!("{}: {event}", release.version),
            }
        }
        let is_gone = async || watch.latest().process(&old_label).is_none().then_some(());
        until("the old worker is not in the picture", is_gone).await;
        watch.stop().await;
    }
}

#[tokio::test]
async fn a_process_that_hangs_is_told_and_delays_no_other() {
    for release in releases() {
        let site = Site::of(&release, 2).await;
        let limits = Limits::new().with_command_timeout(Duration::from_millis(700));
        let cluster = site.cluster().await.with_limits(limits);
        let watch = cluster.watch(options()).await.unwrap();
        let mut events = watch.events();
        site.running.hang(2);
        let event = next(&mut events).await;
        let Event::Hung { process, failure } = event else { panic!("{}: {event}", release.version) };
        assert_eq!((&*process, failure.kind), ("2", ErrorKind::Timeout));
        ask(site.running.socket(1), "set server app/web2 state maint").await;
        let event = next(&mut events).await;
        assert!(matches!(event, Event::Administrative { .. } | Event::Operational { .. }), "{event}");
        assert_eq!(watch.latest().process("2").unwrap().status(), ProcessStatus::Hung);
        site.running.resume(2);
        let back = loop {
            match next(&mut events).await {
                Event::Operational { .. } | Event::DivergenceBegan(_) => {}
                event => break event,
            }
        };
        assert_eq!(back.to_string(), "2: back", "{}", release.version);
        assert_eq!(watch.latest().process("2").unwrap().failure(), None);
    }
}

#[tokio::test]
async fn a_process_that_is_started_later_joins() {
    for release in releases() {
        let mut site = Site::of(&release, 1).await;
        let cluster = site.cluster().await;
        let watch = cluster.watch(options()).await.unwrap();
        let alone = cluster.only(["1"]).watch(options()).await.unwrap();
        let (mut events, mut others) = (watch.events(), alone.events());
        site.add(&release).await;
        let event = next(&mut events).await;
        let Event::Joined { process, pid } = event else { panic!("{}: {event}", release.version) };
        assert_eq!((&*process, pid), ("2", Some(site.running.pid(2).into())));
        let picture = watch.latest();
        assert_eq!(picture.process("2").unwrap().servers().len(), 2);
        // Its files are found by their names; a socket of another program is not a member.
        fs::write(site.running.stats().join("3.sock"), "").unwrap();
        site.running.kill(2);
        loop {
            match next(&mut events).await {
                Event::Operational { process, .. } => assert_eq!(&*process, "2"),
                event => break assert_eq!(event, left("2", site.running.pid(2).into())),
            }
        }
        nothing(&mut others).await;
        assert_eq!(alone.latest().processes().len(), 1);
    }
}

#[tokio::test]
async fn a_new_socket_without_an_answer_delays_no_process() {
    for release in releases() {
        let mut site = Site::of(&release, 1).await;
        let limits = Limits::new().with_command_timeout(Duration::from_secs(2));
        let watch = site.cluster().await.with_limits(limits).watch(options()).await.unwrap();
        let mut events = watch.events();
        let _silent = UnixListener::bind(site.running.stats().join("9.sock")).unwrap();
        // The list that probes the socket is under way.
        sleep(BEAT * 4).await;
        ask(site.running.socket(1), "set server app/web2 state drain").await;
        let event = next(&mut events).await;
        assert!(matches!(event, Event::Administrative { .. }), "{}: {event}", release.version);
        let event = loop {
            match next(&mut events).await {
                Event::Operational { .. } => {}
                event => break event,
            }
        };
        let Event::Hung { process, failure } = event else { panic!("{}: {event}", release.version) };
        assert_eq!((&*process, failure.kind), ("9", ErrorKind::Timeout));
        // It does not delay processes that join later.
        site.add(&release).await;
        let event = next(&mut events).await;
        assert!(matches!(&event, Event::Joined { process, .. } if &**process == "2"), "{event}");
    }
}

#[tokio::test]
async fn a_server_that_is_added_and_deleted_is_told() {
    for release in releases_since("2.6") {
        let site = Site::of(&release, 1).await;
        let watch = site.cluster().await.watch(options()).await.unwrap();
        let mut events = watch.events();
        let line = |command: &str| format!("experimental-mode on;{command}");
        ask(site.running.socket(1), &line("add server app/new 127.0.0.1:1")).await;
        assert_eq!(words(&mut events, 1).await, ["1: app/new: added"], "{}", release.version);
        ask(site.running.socket(1), &line("del server app/new")).await;
        assert_eq!(words(&mut events, 1).await, ["1: app/new: removed"], "{}", release.version);
    }
}

#[tokio::test]
async fn a_socket_of_level_user_is_enough_without_a_ring() {
    for release in releases() {
        let running = levels(&release).await;
        let cluster = Cluster::from_addresses([running.stats().join("user.sock")]).await.unwrap();
        let watch = cluster.watch(options().ring("buf0")).await.unwrap();
        let picture = watch.latest();
        let [process] = picture.processes() else { panic!("{picture:?}") };
        assert_eq!(process.status(), ProcessStatus::Running, "{}: {:?}", release.version, process.failure());
        let failure = ring_failure(&watch).await;
        assert_eq!(failure.kind, ErrorKind::PermissionDenied, "{}: {failure}", release.version);
    }
}

#[tokio::test]
async fn a_ring_that_is_missing_is_told() {
    for release in releases() {
        let site = Site::of(&release, 1).await;
        let watch = site.cluster().await.watch(options().ring("nope")).await.unwrap();
        let failure = ring_failure(&watch).await;
        assert_eq!(failure.kind, ErrorKind::NotFound, "{}: {failure}", release.version);
    }
}

#[tokio::test]
async fn a_fake_is_watched_like_a_process() {
    for release in versions() {
        let dir = tempfile::tempdir().unwrap();
        let process = || {
            let app = fake::Backend::new("app").server(fake::Server::new("web1").check("L4OK"));
            fake::Process::new(release).backend(app).ring(fake::Ring::new("states"))
        };
        let running = process().pid(1).serve(dir.path().join("1.sock")).await.unwrap();
        let limits = Limits::new().with_command_timeout(Duration::from_millis(500));
        let cluster = Cluster::builder().dir(dir.path()).limits(limits).build().await.unwrap();
        let watch = cluster.watch(options().ring("states")).await.unwrap();
        let mut events = watch.events();
        followed(&watch).await;
        running.set_server("app", "web1", "check_status", "L4CON").unwrap();
        assert_eq!(words(&mut events, 1).await, ["1: app/web1: running -> stopped"], "{release}");
        running.pause();
        let event = next(&mut events).await;
        assert!(matches!(event, Event::Hung { .. }), "{release}: {event}");
        running.resume();
        assert_eq!(words(&mut events, 1).await, ["1: back"], "{release}");
        running.replace(process().pid(2)).unwrap();
        let restarted = ["1: restarted as pid 2, before as pid 1", "1: app/web1: stopped -> running"];
        assert_eq!(words(&mut events, 2).await, restarted, "{release}");
        running.set_info("Stopping", 1).unwrap();
        assert_eq!(words(&mut events, 1).await, ["1: stopping as pid 2"], "{release}");
        running.stop().await;
        assert_eq!(words(&mut events, 1).await, ["1: left as pid 2"], "{release}");
    }
}

#[tokio::test]
async fn readers_that_are_dropped_after_any_number_of_polls_leave_no_connection() {
    for release in releases() {
        let site = Site::of(&release, 1).await;
        let cluster = site.cluster().await;
        // HAProxy 2.2 counts the connections of health checks too.
        ask(site.running.socket(1), "disable health app/web1").await;
        for polls in 0..12 {
            let options = options().every(Duration::from_millis(10)).ring("states");
            let starting = cluster.watch(options);
            let Ok(watch) = timeout(Duration::from_millis(3 * polls), starting).await else { continue };
            let mut watch: Watch = watch.unwrap();
            let mut events = watch.events();
            for _ in 0..polls {
                let _ = watch.changed().now_or_never();
                let _ = events.next().now_or_never();
                sleep(Duration::from_millis(3)).await;
            }
            drop((watch, events));
        }
        let is_left_alone = async || {
            let sessions = String::from_utf8(ask(site.running.socket(1), "show sess").await).unwrap();
            (sessions.lines().filter(|line| line.contains("GLOBAL")).count() == 1).then_some(())
        };
        until("only the connection that asks is left", is_left_alone).await;
        let before = cumulated(&site).await;
        sleep(Duration::from_millis(200)).await;
        assert_eq!(cumulated(&site).await, before + 1, "{}: only the test asks", release.version);
    }
}

/// Returns the number of connections that the process has accepted, this one included.
async fn cumulated(site: &Site) -> u64 {
    info(site.running.socket(1)).await["CumConns"].parse().unwrap()
}

#[tokio::test]
async fn a_watch_of_nothing_and_options_out_of_range_are_errors() {
    for release in releases() {
        let site = Site::of(&release, 1).await;
        let cluster = site.cluster().await;
        for (options, kind) in [
            (options().every(Duration::ZERO), ErrorKind::InvalidInput),
            (options().ring("a b"), ErrorKind::InvalidInput),
            (options().ring("a;show info"), ErrorKind::InvalidInput),
            (options().capacity(0), ErrorKind::InvalidInput),
        ] {
            assert_eq!(cluster.watch(options).await.unwrap_err().kind(), kind);
        }
        let error = cluster.only(["nope"]).watch(options()).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::NotFound, "{error}");
    }
}
