//! Rates of real HAProxy processes under a known load, while processes restart, reload, leave, hang,
//! and have their counters cleared.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "in a test a panic is the failure message")]
#![allow(clippy::indexing_slicing, reason = "the same")]

mod support;

use std::time::{Duration, SystemTime};

use haproxyadmin::snapshot::{Delta, Increase, ObjectStanding, Standing};
use haproxyadmin::{Cluster, Limits, Process, Snapshot};
use support::{
    Config, Member, Relay, Release, Running, ask, hold_at, info, releases, releases_since, row,
    send_shared_traffic, shared_cluster, until,
};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{UnixListener, UnixStream};

const CONFIG: &str = r#"
backend app
    balance roundrobin
    server web1 "${SERVER_1}"
    server web2 "${SERVER_1}"
"#;

/// A frontend that waits for the first bytes of a session, to tell HTTP from other protocols.
const WAITING: &str = r#"
frontend waiting
    mode tcp
    bind "unix@${DIR}/traffic/waiting.${N}" name waiting
    tcp-request inspect-delay 300s
    tcp-request content switch-mode http if HTTP
    default_backend app
"#;

fn config() -> Config {
    Config::web(CONFIG).set("LEVEL", "admin expose-fd listeners")
}

async fn start(release: &Release, processes: usize) -> Running {
    Running::of(1, &vec![release.clone(); processes], |_| config()).await
}

/// Reads a snapshot, and checks the times in it against the clock of the test.
async fn read(cluster: &Cluster) -> Snapshot {
    let before = SystemTime::now();
    let snapshot = cluster.snapshot().await.unwrap();
    let after = SystemTime::now();
    // The snapshot has whole microseconds.
    let before = before - Duration::from_micros(1);
    assert!(snapshot.processes().iter().all(|one| (before..=after).contains(&one.read_at())));
    snapshot
}

fn standings(delta: &Delta) -> Vec<(String, &'static str)> {
    delta.processes().iter().map(|one| (one.label().to_string(), one.standing().as_str())).collect()
}

fn named(standings: &[(&str, &'static str)]) -> Vec<(String, &'static str)> {
    standings.iter().map(|(label, standing)| ((*label).to_owned(), *standing)).collect()
}

/// Checks the increase against the requests that were sent to each process, and the rates against the
/// times of both replies of the process.
fn check(delta: &Delta, increase: Option<Increase>, sent: &[(&str, u64)]) {
    let increase = increase.unwrap();
    let counts: Vec<_> = increase.per_process().iter().map(|one| (&*one.label, one.count)).collect();
    assert_eq!(counts, sent);
    let mut expected = 0.0;
    for (one, (label, sent)) in increase.per_process().iter().zip(sent) {
        let of = |snapshot: &Snapshot, pid: u64| {
            let process = snapshot.processes().iter().find(|process| process.pid() == Some(pid)).unwrap();
            process.read_at()
        };
        let pid = delta.later().process(label).unwrap().pid().unwrap();
        let time = of(delta.later(), pid).duration_since(of(delta.earlier(), pid)).unwrap();
        assert_eq!(one.covers, time);
        #[allow(clippy::cast_precision_loss, reason = "a few requests")]
        let rate = *sent as f64 / time.as_secs_f64();
        assert!((one.rate() - rate).abs() <= rate / 100.0, "{} is not {rate}", one.rate());
        expected += rate;
    }
    assert_eq!(increase.count(), sent.iter().map(|(_, sent)| sent).sum::<u64>());
    let rate = increase.rate().unwrap();
    assert!((rate - expected).abs() <= expected / 100.0, "{rate} is not {expected}");
}

/// Checks the requests of the frontend, of the backend and of its servers together.
fn check_all(delta: &Delta, sent: &[(&str, u64)]) {
    check(delta, delta.frontend("web").unwrap().requests(), sent);
    let app = delta.backend("app").unwrap();
    check(delta, app.requests(), sent);
    check(delta, app.hrsp_2xx(), sent);
    let servers = app.servers().into_iter().map(|server| server.requests().unwrap().count().exact().unwrap());
    assert_eq!(servers.sum::<u64>(), sent.iter().map(|(_, sent)| sent).sum::<u64>());
    // HAProxy counts the requests of this test alone.
    let requests = delta.info().requests().unwrap();
    assert!(requests.count() >= app.requests().unwrap().count().at_least, "{requests:?}");
}

#[tokio::test]
async fn processes_count_unless_they_restart_or_leave_or_their_counters_are_cleared() {
    for release in releases() {
        let mut running = start(&release, 4).await;
        let cluster = Cluster::from_dir(running.stats()).await.unwrap().allow_partial();
        let first = read(&cluster).await;
        running.send_all(&[("web", 1, 40), ("web", 2, 30), ("web", 3, 20), ("web", 4, 10)]).await;
        let second = read(&cluster).await;
        let delta = second.since(&first);
        assert_eq!(delta.not_counted().count(), 0, "{}", release.version);
        check_all(&delta, &[("1", 40), ("2", 30), ("3", 20), ("4", 10)]);

        running.restart(2).await;
        ask(running.socket(3), "clear counters all").await;
        running.kill(4);
        running.send_all(&[("web", 1, 25), ("web", 2, 15), ("web", 3, 5)]).await;
        let third = read(&cluster).await;
        let delta = third.since(&second);
        let expected = [("1", "counted"), ("2", "new"), ("3", "reset"), ("4", "failed"), ("2", "left")];
        assert_eq!(standings(&delta), named(&expected), "{}", release.version);
        check_all(&delta, &[("1", 25)]);
        let standings_of: Vec<_> = delta.frontend("web").unwrap().standings().map(|(_, one)| one).collect();
        assert_eq!(standings_of[0], ObjectStanding::Counted);
        assert!(standings_of[1..].iter().all(|one| *one == ObjectStanding::NotCounted));

        // The restarted and the cleared process count again, and the dead one is not expected any more.
        std::fs::remove_file(running.socket(4)).unwrap();
        running.send_all(&[("web", 1, 7), ("web", 2, 30), ("web", 3, 2)]).await;
        let fourth = cluster.rediscover().await.unwrap();
        let delta = fourth.since(&third);
        let expected = [("1", "counted"), ("2", "counted"), ("3", "counted"), ("4", "left")];
        assert_eq!(standings(&delta), named(&expected), "{}", release.version);
        check_all(&delta, &[("1", 7), ("2", 30), ("3", 2)]);

        let whole = fourth.since(&second);
        let expected = [("1", "counted"), ("2", "new"), ("3", "reset"), ("2", "left"), ("4", "left")];
        assert_eq!(standings(&whole), named(&expected), "{}", release.version);
        check_all(&whole, &[("1", 25 + 7)]);
    }
}

#[tokio::test]
async fn clearing_the_maxima_clears_the_counters_of_modules_too() {
    for release in releases() {
        let running = start(&release, 1).await;
        let cluster = Cluster::from_dir(running.stats()).await.unwrap();
        running.send("web", 1, "/", 20).await;
        let earlier = read(&cluster).await;
        ask(running.socket(1), "clear counters").await;
        running.send("web", 1, "/", 10).await;
        let delta = read(&cluster).await.since(&earlier);
        assert_eq!(standings(&delta), named(&[("1", "counted")]), "{}", release.version);
        check_all(&delta, &[("1", 10)]);
        let has_modules = release.is_at_least("2.6");
        assert_eq!(delta.processes()[0].modules_cleared(), has_modules, "{}", release.version);
        assert_eq!(delta.frontend("web").unwrap().h1_total_streams(), None);
        if has_modules {
            let before = earlier.clone();
            let earlier = read(&cluster).await;
            running.send("web", 1, "/", 10).await;
            let delta = read(&cluster).await.since(&earlier);
            check(&delta, delta.frontend("web").unwrap().h1_total_streams(), &[("1", 10)]);
            assert!(before.frontend("web").unwrap().h1_total_streams().unwrap() >= 20);
        }
    }
}

#[tokio::test]
async fn a_reload_gives_a_new_process_on_the_same_socket() {
    for release in releases() {
        let mut running = Running::new();
        running.add_servers(1).await;
        let config = running.fill(config()).set("N", 1);
        running.add_master(&release, "pair", &config).await;
        let cluster = Cluster::from_addresses([running.socket(1)]).await.unwrap();
        running.send("web", 1, "/", 10).await;
        let first = read(&cluster).await;
        running.send("web", 1, "/", 5).await;
        running.haproxies[0].reload().await;
        running.send("web", 1, "/", 30).await;
        let second = read(&cluster).await;
        let delta = second.since(&first);
        assert_eq!(standings(&delta), named(&[("1", "new"), ("1", "left")]), "{}", release.version);
        assert_eq!(delta.frontend("web").unwrap().requests(), None);
        assert_eq!(delta.covers(), None);
        running.send("web", 1, "/", 20).await;
        check_all(&read(&cluster).await.since(&second), &[("1", 20)]);
    }
}

#[tokio::test]
async fn an_old_worker_goes_on_at_another_address_of_its_master() {
    for release in releases() {
        let mut running = Running::new();
        running.add_servers(1).await;
        let config = running.fill(config()).set("N", 1);
        let master = running.add_master(&release, "pair", &config).await;
        let cluster = Cluster::builder().master(master).build().await.unwrap();
        running.send("web", 1, "/", 10).await;
        let earlier = read(&cluster).await;
        running.send("web", 1, "/", 5).await;
        // Keeps the old worker alive.
        let held = hold_at(&running, 1, "web", ("app", "BACKEND")).await;
        let old = u64::from(running.haproxies[0].reload().await);
        running.send("web", 1, "/", 30).await;
        running.haproxies[0].master_ready().await;
        let later = until("the old worker is listed", async || {
            let snapshot = cluster.snapshot().await.ok()?;
            let has_old = snapshot.processes().iter().any(|one| one.pid() == Some(old) && one.is_stopping());
            (has_old && snapshot.processes().len() == 2).then_some(snapshot)
        })
        .await;
        let delta = later.since(&earlier);
        let of = |pid: u64| {
            let pid_of = |one: &Process| one.pid() == Some(pid);
            delta.processes().iter().find(|one| one.later().is_some_and(pid_of)).unwrap()
        };
        assert_eq!(delta.processes().len(), 2, "{}: {delta:?}", release.version);
        let (before, now) = (of(old).earlier().unwrap().address(), of(old).later().unwrap().address());
        assert_eq!(of(old).standing(), Standing::Counted, "{}", release.version);
        assert_ne!(before, now, "{}", release.version);
        assert_eq!(of(u64::from(running.pid(1))).standing(), Standing::New, "{}", release.version);
        let web = delta.frontend("web").unwrap();
        let of_old =
            web.standings().find(|(process, _)| process.later().unwrap().pid() == Some(old)).unwrap().1;
        if release.is_at_least("2.6") {
            let label = of(old).label().to_string();
            check(&delta, web.requests(), &[(&label, 6)]);
            assert_eq!(of_old, ObjectStanding::Counted);
        } else {
            // Up to 2.2, an old worker lists none of its proxies.
            assert_eq!((web.requests(), of_old), (None, ObjectStanding::Gone));
        }
        drop(held);
    }
}

#[tokio::test]
async fn a_hung_neighbour_does_not_bend_the_rate_of_another_process() {
    for release in releases() {
        for is_view in [false, true] {
            let running = start(&release, 2).await;
            let relay = Relay::new(running.dir().join("relay.sock"), running.socket(1));
            let limits = Limits::new().with_command_timeout(Duration::from_secs(3));
            let sockets = [running.dir().join("relay.sock"), running.socket(2)];
            let builder = Cluster::builder().addresses(sockets.clone()).limits(limits);
            let builder = builder.label(&*sockets[0], "1").label(&*sockets[1], "2");
            let cluster = builder.build().await.unwrap().allow_partial();
            let first = read(&cluster).await;
            // A view reads its processes without a probe.
            let cluster = if is_view { cluster.only(["1", "2"]) } else { cluster };
            running.send_all(&[("web", 1, 40), ("web", 2, 10)]).await;
            running.hang(2);
            let ended = relay.ended();
            let reading = tokio::spawn(async move {
                let snapshot = cluster.snapshot().await.unwrap();
                (cluster, snapshot, SystemTime::now())
            });
            until("the first process has answered", async || (relay.ended() > ended).then_some(())).await;
            running.send("web", 1, "/", 60).await;
            let sent = SystemTime::now();
            let (cluster, second, given_up) = reading.await.unwrap();
            let delta = second.since(&first);
            assert_eq!(standings(&delta), named(&[("1", "counted"), ("2", "failed")]), "{}", release.version);
            check_all(&delta, &[("1", 40)]);
            // The reply of the first process ended before the requests that it does not count.
            let read_at = second.process("1").unwrap().read_at();
            assert!(read_at <= sent && read_at <= given_up);

            running.resume(2);
            let third = read(&cluster).await;
            let delta = third.since(&second);
            assert_eq!(standings(&delta), named(&[("1", "counted"), ("2", "failed before")]));
            check_all(&delta, &[("1", 60)]);
            let delta = third.since(&first);
            if release.is_at_least("2.6") {
                check_all(&delta, &[("1", 100), ("2", 10)]);
            } else {
                // The uptime of 2.2 does not grow while the process hangs. So soon after its start, it
                // may be another process.
                let expected = [("1", "counted"), ("2", "new"), ("2", "left")];
                assert_eq!(standings(&delta), named(&expected));
            }
            running.send_all(&[("web", 1, 9), ("web", 2, 8)]).await;
            check_all(&read(&cluster).await.since(&third), &[("1", 9), ("2", 8)]);
        }
    }
}

#[tokio::test]
async fn a_reply_keeps_its_time_if_the_process_is_asked_again_in_vain() {
    let running = Running::new();
    let path = running.dir().join("stopping.sock");
    let listener = UnixListener::bind(&path).unwrap();
    let reply =
        std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/fixtures/3.4/sweep.txt")).unwrap();
    let reply = reply.replace("\nStopping: 0\n", "\nStopping: 1\n");
    assert!(reply.contains("\nStopping: 1\n"));
    let process = tokio::spawn(async move {
        let (mut client, _) = listener.accept().await.unwrap();
        let read = client.read(&mut [0; 1024]).await.unwrap();
        assert!(read > 0);
        client.write_all(reply.as_bytes()).await.unwrap();
        drop(client);
        // The second connection is accepted and never answered.
        let (client, _) = listener.accept().await.unwrap();
        (SystemTime::now(), client, listener)
    });
    let limits = Limits::new().with_command_timeout(Duration::from_secs(1));
    let cluster = Cluster::builder().address(path).limits(limits).build().await.unwrap();
    let snapshot = cluster.snapshot().await.unwrap();
    let (asked_again, ..) = process.await.unwrap();
    let process = &snapshot.processes()[0];
    assert!(process.is_stopping());
    assert!(process.read_at() <= asked_again);
}

#[tokio::test]
async fn a_server_that_is_deleted_and_added_anew_is_another_one() {
    for release in releases_since("2.6") {
        let running = start(&release, 1).await;
        let cluster = Cluster::from_dir(running.stats()).await.unwrap();
        running.send("web", 1, "/", 20).await;
        let earlier = read(&cluster).await;
        let socket = running.socket(1);
        for line in ["disable server app/web2", "del server app/web2"] {
            ask(&socket, line).await;
        }
        let add = format!("add server app/web2 {}", running.servers[0].address());
        let said = String::from_utf8(ask(&socket, &add).await).unwrap();
        assert!(said.contains("New server registered"), "{}: {said}", release.version);
        ask(&socket, "enable server app/web2").await;
        running.send("web", 1, "/", 4).await;
        let delta = read(&cluster).await.since(&earlier);
        let web2: Vec<_> = delta.server("app", "web2").unwrap().standings().map(|(_, one)| one).collect();
        if release.is_at_least("3.0") {
            assert_eq!(standings(&delta), named(&[("1", "counted")]), "{}", release.version);
            assert_eq!(web2, [ObjectStanding::Added, ObjectStanding::Gone], "{}", release.version);
            check(&delta, delta.backend("app").unwrap().requests(), &[("1", 4)]);
        } else {
            // Nothing but the counters tells the two servers apart.
            assert_eq!(standings(&delta), named(&[("1", "reset")]), "{}", release.version);
            assert_eq!(web2, [ObjectStanding::NotCounted], "{}", release.version);
        }
    }
}

#[tokio::test]
async fn a_counter_that_processes_share_increases_once() {
    let running = shared_cluster(&[Member::Sharing, Member::Sharing]).await;
    let cluster = Cluster::from_dir(running.stats()).await.unwrap();
    send_shared_traffic(&running).await;
    let earlier = read(&cluster).await;
    send_shared_traffic(&running).await;
    let delta = read(&cluster).await.since(&earlier);
    assert_eq!(delta.counted().count(), 2);
    let web = delta.frontend("web").unwrap().requests().unwrap();
    assert_eq!(web.count(), 30 + 12);
    assert_eq!(web.per_process().iter().map(|one| one.count).collect::<Vec<_>>(), [42, 42]);
    let rate = web.rate().unwrap();
    assert!((rate - web.per_process()[0].rate()).abs() < 1e-9, "{rate}");
    assert_eq!(delta.frontend("plain").unwrap().requests().unwrap().count(), 5 + 7);
}

/// HAProxy calculates `sess_other`: sessions that have not shown their protocol yet are in it, and leave it.
#[tokio::test]
async fn sessions_that_become_http_are_no_reset() {
    let config = || Config::web(&(CONFIG.to_owned() + WAITING)).set("LEVEL", "admin expose-fd listeners");
    for release in releases_since("3.0") {
        let running = Running::of(1, std::slice::from_ref(&release), |_| config()).await;
        let cluster = Cluster::from_dir(running.stats()).await.unwrap();
        running.send_all(&[("web", 1, 5)]).await;
        let mut clients = Vec::new();
        for _ in 0..3 {
            clients.push(UnixStream::connect(running.traffic("waiting", 1)).await.unwrap());
        }
        let sessions = async |stot: u64, other: u64| {
            let what = format!("{stot} sessions, {other} without HTTP, {}", release.version);
            until(&what, async || {
                let row = row(running.socket(1), "waiting", "FRONTEND").await;
                ((row.number("stot"), row.number("sess_other")) == (stot, other)).then_some(())
            })
            .await;
        };
        sessions(3, 3).await;
        let earlier = read(&cluster).await;
        for client in &mut clients[..2] {
            client.write_all(b"GET / HTTP/1.1\r\nhost: x\r\n\r\n").await.unwrap();
        }
        sessions(3, 1).await;
        running.send_all(&[("web", 1, 7)]).await;
        let later = read(&cluster).await;
        let delta = later.since(&earlier);
        assert_eq!(standings(&delta), named(&[("1", "counted")]), "{}", release.version);
        check(&delta, delta.frontend("web").unwrap().requests(), &[("1", 7)]);
        let waiting = delta.frontend("waiting").unwrap();
        assert_eq!(waiting.increase("sess_other").unwrap(), None, "{}", release.version);
        check(&delta, waiting.increase("stot").unwrap(), &[("1", 0)]);
        check(&delta, waiting.increase("h1sess").unwrap(), &[("1", 2)]);
        // `clear counters all` is still noticed.
        ask(running.socket(1), "clear counters all").await;
        let delta = read(&cluster).await.since(&later);
        assert_eq!(standings(&delta), named(&[("1", "reset")]), "{}", release.version);
    }
}

#[tokio::test]
async fn no_command_clears_the_counters_of_a_process() {
    for release in releases() {
        let running = start(&release, 1).await;
        running.send("web", 1, "/", 20).await;
        let keys = ["CumReq", "CumConns", "TotalBytesOut"];
        let figures = async || {
            let info = info(running.socket(1)).await;
            keys.map(|key| info[key].parse::<u64>().unwrap())
        };
        let before = figures().await;
        for line in ["clear counters", "clear counters all"] {
            ask(running.socket(1), line).await;
        }
        let after = figures().await;
        assert!(before.iter().zip(after).all(|(before, after)| after >= *before), "{before:?} {after:?}");
    }
}

/// HAProxy can rename a server from 3.5 on (`HAPROXY_EXTRA`), and older releases do not know the command.
#[tokio::test]
async fn a_server_that_is_renamed_goes_on() {
    for release in releases() {
        let running = start(&release, 1).await;
        let cluster = Cluster::from_dir(running.stats()).await.unwrap();
        running.send_all(&[("web", 1, 10)]).await;
        let first = read(&cluster).await;
        running.send_all(&[("web", 1, 20)]).await;
        let lines = ["state maint", "name web9", "state ready"];
        for (line, server) in lines.iter().zip(["web1", "web1", "web9"]) {
            ask(running.socket(1), &format!("set server app/{server} {line}")).await;
        }
        let name = if release.is_at_least("3.5") { "web9" } else { "web1" };
        ask(running.socket(1), &format!("set server app/{name} state ready")).await;
        running.send_all(&[("web", 1, 20)]).await;
        let delta = read(&cluster).await.since(&first);
        check_all(&delta, &[("1", 40)]);
        let server = delta.backend("app").unwrap().server(name).unwrap();
        let count = server.requests().unwrap().count().exact().unwrap();
        // Half of the requests, or nearly so.
        assert!((18..=22).contains(&count), "{}: {count}", release.version);
    }
}
