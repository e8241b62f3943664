//! Faults that the fake stats socket produces on purpose, as the clients of this crate see them.
//! HAProxy should produce none of them.
#![cfg(unix)]
#![allow(
    clippy::indexing_slicing,
    clippy::unwrap_used,
    reason = "in a helper of tests too, a panic is the failure"
)]

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use haproxyadmin::fake::{Backend, Fault, Frontend, Map, Process, Running, Server, Table, When};
use haproxyadmin::membership::IgnoredReason;
use haproxyadmin::table::TableEntry;
use haproxyadmin::{Cluster, ErrorKind, Level, Limits, StatsSocket};
use tempfile::TempDir;
use tokio::net::UnixStream;

mod support;

#[tokio::test]
async fn a_reply_cut_anywhere_is_an_error() {
    let fake = serve(small()).await;
    let socket = StatsSocket::new(&*fake.path);
    let whole = socket.command("show info").await.unwrap().as_bytes().len();
    for length in [1, 100, whole - 1] {
        fake.running.fail(Fault::Cut(length));
        let error = socket.command("show info").await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Truncated, "cut to {length}: {error}");
    }
    fake.running.heal();
    assert_eq!(socket.command("show info").await.unwrap().as_bytes().len(), whole);
}

#[tokio::test]
async fn a_dump_that_is_cut_anywhere_tells_the_number_of_entries_that_were_handed_on() {
    let table = Table::new("seen", "ip").store("gpc0");
    let table = (1..=3).fold(table, |table, n| table.entry(&format!("192.0.2.{n}"), [("gpc0", n)]));
    let fake = serve(small().table(table)).await;
    let cluster = Cluster::from_dir(fake.dir.path()).await.unwrap();
    let seen = cluster.table("seen").unwrap();
    assert_eq!(seen.show().await.unwrap().values().next().unwrap().1.len(), 3);
    let whole = StatsSocket::new(&*fake.path).command("show table seen").await.unwrap().as_bytes().len();
    let mut numbers = BTreeSet::new();
    // The command that switches severities on adds a line feed.
    for length in 1..=whole {
        fake.running.fail(Fault::Cut(length));
        let mut entries = 0;
        let error = seen.for_each(&[], |_: &str, _: TableEntry<'_>| entries += 1).await.unwrap_err();
        let kind = if length == 1 { ErrorKind::Closed } else { ErrorKind::Truncated };
        assert_eq!(error.kind(), kind, "cut to {length}: {error}");
        let said =
            format!("the dump ended early, after entry {entries}; all entries up to it were handed on: ");
        assert_eq!(error.to_string().contains(&said), entries > 0, "cut to {length}: {error}");
        assert!(entries > 0 || !error.to_string().contains("handed on"), "cut to {length}: {error}");
        numbers.insert(entries);
    }
    assert_eq!(numbers, BTreeSet::from([0, 1, 2, 3]));
}

#[tokio::test]
async fn a_close_without_a_byte_is_told_apart() {
    let fake = serve(small()).await;
    for fault in [Fault::Close, Fault::Cut(0)] {
        fake.running.fail(fault);
        let error = StatsSocket::new(&*fake.path).command("show info").await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Closed);
    }
}

#[tokio::test]
async fn a_lost_reply_is_of_a_command_that_was_executed_or_not() {
    for (fault, scur) in [
        (Fault::Close, 0),
        (Fault::Cut(0), 0),
        (Fault::Hang, 0),
        (Fault::CloseUnexecuted, 7),
        (Fault::Answer((*b"-ERR\r\n").into()), 7),
    ] {
        let fake = serve(small()).await;
        fake.running.set_server("app", "web1", "scur", 7).unwrap();
        let limits = Limits::new().with_idle_timeout(Duration::from_millis(200));
        let socket = StatsSocket::with_limits(&*fake.path, limits);
        fake.running.fail_command("shutdown sessions", fault.clone());
        // A raw command is sent as it is; only its reply tells of the fault.
        let _ = socket.command("shutdown sessions server app/web1").await;
        let received = fake.running.take_received();
        let last = received.last().unwrap();
        assert_eq!((last.executed, last.fault.as_ref()), (scur == 0, Some(&fault)));
        let cluster = Cluster::from_dir(fake.dir.path()).await.unwrap();
        assert_eq!(cluster.server("app", "web1").await.unwrap().scur(), Some(scur), "{fault:?}");
    }
}

#[tokio::test]
async fn a_fault_is_for_the_commands_that_were_chosen() {
    let fake = serve(small()).await;
    let socket = StatsSocket::new(&*fake.path);
    let kind = async |line: &str| socket.command(line).await.map_err(|error| error.kind()).err();
    fake.running.fail_command("show stat", Fault::Cut(20));
    assert_eq!(kind("show info").await, None);
    assert_eq!(kind("show stat").await, Some(ErrorKind::Truncated));
    assert_eq!(kind("show info;show stat -1 4 -1").await, Some(ErrorKind::Truncated));
    // The fault that was added last comes first, and is used up alone.
    fake.running.fail_next(2, Fault::Close);
    assert_eq!(kind("show stat").await, Some(ErrorKind::Closed));
    assert_eq!(kind("show info").await, Some(ErrorKind::Closed));
    assert_eq!(kind("show stat").await, Some(ErrorKind::Truncated));
    fake.running.fail_when(When::command("show info").after(1).times(1), Fault::Close);
    assert_eq!([kind("show info").await, kind("show info").await], [None, Some(ErrorKind::Closed)]);
    assert_eq!(kind("show info").await, None);
    // The fault of every command comes last.
    fake.running.fail(Fault::Close);
    assert_eq!(kind("show info").await, Some(ErrorKind::Closed));
    assert_eq!(kind("show stat").await, Some(ErrorKind::Truncated));
    fake.running.heal();
    assert_eq!([kind("show info").await, kind("show stat").await], [None, None]);
}

#[tokio::test]
async fn received_commands_are_listed() {
    let mut fake = serve(small().map(Map::new("hosts.map"))).await;
    let operator = fake.dir.path().join("operator.sock");
    fake.running.also(&*operator, Level::Operator).await.unwrap();
    let socket = StatsSocket::new(&*fake.path);
    socket.command(r"show  info ; set map hosts.map a\ b c;").await.unwrap();
    support::ask(&fake.path, "add map hosts.map <<\nk v\n").await;
    StatsSocket::new(&*operator).command("disable server app/web1").await.unwrap();
    let received = fake.running.received();
    let told: Vec<_> = received
        .iter()
        .map(|one| (one.connection, &*one.command, one.payload.as_deref(), one.level, one.executed))
        .collect();
    assert_eq!(
        told,
        [
            (1, "show  info", None, Level::Admin, true),
            (1, r"set map hosts.map a\ b c", None, Level::Admin, true),
            (2, "add map hosts.map", Some("k v\n"), Level::Admin, true),
            // It was refused, as a command that was run.
            (3, "disable server app/web1", None, Level::Operator, true),
        ]
    );
    assert_eq!(received[1].words, ["set", "map", "hosts.map", "a b", "c"]);
    assert!(received[1].begins_with("set map") && !received[1].begins_with("set maps"));
    assert_eq!(fake.running.take_received(), received);
    assert!(fake.running.received().is_empty());
    // The connections of a process in the same place go on counting.
    fake.running.replace(small()).unwrap();
    socket.command("show info").await.unwrap();
    let received = fake.running.received();
    assert_eq!((received.len(), received[0].connection, fake.running.connections()), (1, 4, 1));
}

/// HAProxy 3.0 and later run the first of several lines only.
#[tokio::test]
async fn a_line_that_was_discarded_is_listed_as_such() {
    for (version, executed) in [("2.6", [true, true]), ("3.0", [true, false])] {
        let fake = serve(Process::new(version)).await;
        support::ask(&fake.path, "show info\nshow stat").await;
        let received = fake.running.received();
        assert_eq!(received.iter().map(|one| one.executed).collect::<Vec<_>>(), executed, "{version}");
    }
}

#[tokio::test]
async fn a_dribbled_reply_is_whole() {
    let fake = serve(small()).await;
    let cluster = Cluster::from_dir(fake.dir.path()).await.unwrap();
    fake.running.fail(Fault::Dribble { bytes: 500, pause: Duration::from_millis(1) });
    assert_eq!(cluster.server("app", "web1").await.unwrap().requests(), 5);
}

#[tokio::test]
async fn a_hang_costs_its_own_deadline_only() {
    let fast = serve(small()).await;
    let slow = small().serve(fast.dir.path().join("slow.sock")).await.unwrap();
    let limits = Limits::new().with_idle_timeout(Duration::from_millis(200));
    let cluster = Cluster::builder().dir(fast.dir.path()).limits(limits).build().await.unwrap();
    let hang = [Running::pause as fn(&Running), |running| running.fail(Fault::Hang)];
    for (hang, resume) in hang.iter().zip([Running::resume as fn(&Running), Running::heal]) {
        hang(&slow);
        let start = Instant::now();
        let snapshot = cluster.allow_partial().snapshot().await.unwrap();
        assert!(start.elapsed() < Duration::from_secs(2), "{:?}", start.elapsed());
        let failed: Vec<_> = snapshot.failed().map(|process| process.failure().unwrap().kind).collect();
        assert_eq!(failed, [ErrorKind::Timeout]);
        assert_eq!(snapshot.server("app", "web1").unwrap().requests(), 5);
        resume(&slow);
        assert_eq!(cluster.server("app", "web1").await.unwrap().requests(), 10);
    }
}

#[tokio::test]
async fn a_paused_process_answers_who_still_waits() {
    let fake = serve(small()).await;
    fake.running.pause();
    let socket = StatsSocket::new(&*fake.path);
    let (reply, ()) = tokio::join!(socket.command("show cli level"), async { fake.running.resume() });
    assert_eq!(reply.unwrap().as_bytes(), b"admin\n\n");
}

#[tokio::test]
async fn another_program_is_ignored_and_reported() {
    let fake = serve(small()).await;
    let other = small().serve(fake.dir.path().join("other.sock")).await.unwrap();
    other.fail(Fault::Answer((*b"-ERR unknown command\r\n").into()));
    let cluster = Cluster::from_dir(fake.dir.path()).await.unwrap();
    cluster.info().await.unwrap();
    let ignored = cluster.ignored();
    assert_eq!(ignored.len(), 1);
    assert!(matches!(ignored[0].reason, IgnoredReason::NotHaproxy(_)), "{}", ignored[0]);
}

#[tokio::test]
async fn two_sockets_of_one_process_are_one_member() {
    let mut fake = serve(small().level(Level::User)).await;
    let admin = fake.dir.path().join("z.sock");
    fake.running.also(&*admin, Level::Admin).await.unwrap();
    let cluster = Cluster::from_dir(fake.dir.path()).await.unwrap();
    assert_eq!(cluster.server("app", "web1").await.unwrap().requests(), 5);
    assert_eq!(cluster.members(), [(&*admin).into()]);
}

#[tokio::test]
async fn two_processes_that_look_alike_stay_two_and_are_compared_once() {
    // These processes have an uptime, because processes that have just started are asked again.
    let alike =
        || small().pid(7).node("container").info("Start_time_sec", 1_700_000_000).info("Uptime_sec", 3600);
    let one = serve(alike()).await;
    let two = alike().serve(one.dir.path().join("z.sock")).await.unwrap();
    let cluster = Cluster::from_dir(one.dir.path()).await.unwrap();
    assert_eq!(cluster.server("app", "web1").await.unwrap().requests(), 10);
    let asked = || one.running.connections() + two.connections();
    let before = asked();
    assert_eq!(cluster.snapshot().await.unwrap().processes().len(), 2);
    assert_eq!(asked() - before, 2);
}

#[tokio::test]
async fn look_alikes_stay_two_while_many_ask_at_once() {
    for _ in 0..5 {
        let alike = || small().pid(7).node("container").info("Start_time_sec", 1_700_000_000);
        let one = serve(alike()).await;
        let _two = alike().serve(one.dir.path().join("z.sock")).await.unwrap();
        let cluster = Cluster::from_dir(one.dir.path()).await.unwrap();
        let calls = (0..50).map(|_| async { cluster.snapshot().await.map(|one| one.processes().len()) });
        for processes in futures::future::join_all(calls).await {
            assert_eq!(processes.unwrap(), 2);
        }
    }
}

#[tokio::test]
async fn a_socket_that_cannot_be_compared_is_a_failure_and_no_second_process() {
    let mut fake = serve(small()).await;
    let second = fake.dir.path().join("z.sock");
    fake.running.also(&*second, Level::User).await.unwrap();
    let limits = Limits::new().with_command_timeout(std::time::Duration::from_millis(300));
    let cluster = Cluster::builder().dir(fake.dir.path()).limits(limits).build().await.unwrap();
    // Slow enough that there is time for one answer of each socket, and for no more.
    fake.running.fail(Fault::Dribble { bytes: 400, pause: std::time::Duration::from_millis(20) });
    let partial = cluster.allow_partial().snapshot().await.unwrap();
    assert!(partial.processes().iter().filter(|one| one.failure().is_none()).count() <= 1);
    assert!(!partial.is_complete());
    fake.running.heal();
    let whole = cluster.snapshot().await.unwrap();
    assert_eq!((whole.processes().len(), whole.server("app", "web1").unwrap().requests()), (1, 5.into()));
}

#[tokio::test]
async fn a_figure_changes_while_it_runs() {
    let fake = serve(small()).await;
    let cluster = Cluster::from_dir(fake.dir.path()).await.unwrap();
    fake.running.set_server("app", "web1", "stot", 6).unwrap();
    fake.running.set_backend("app", "status", "DOWN").unwrap();
    let backend = cluster.backend("app").await.unwrap();
    assert_eq!(backend.server("web1").unwrap().requests(), 6);
    assert_eq!(backend.status().to_string(), "DOWN");

    let missing = fake.running.set_server("app", "web2", "stot", 1).unwrap_err();
    assert_eq!(missing.to_string(), "no such server \"app/web2\"");
    let wrong = fake.running.set_frontend("web", "req_tot", "many").unwrap_err();
    assert_eq!(
        wrong.to_string(),
        "frontend \"web\": column \"req_tot\": expected a whole number from 0 to 18446744073709551615, \
         found \"many\""
    );
    assert_eq!(
        fake.running.set_info("Stoping", 1).unwrap_err().to_string(),
        "no key \"Stoping\" in `show info` of HAProxy 3.2"
    );
    fake.running.replace(Process::new("3.4")).unwrap();
    assert_eq!(cluster.backend("app").await.unwrap_err().kind(), ErrorKind::NotFound);
}

#[tokio::test]
async fn a_killed_process_leaves_its_file_and_another_takes_it() {
    let Fake { dir, running, path } = serve(small()).await;
    running.kill().await;
    assert!(path.exists());
    assert_eq!(UnixStream::connect(&path).await.unwrap_err().kind(), std::io::ErrorKind::ConnectionRefused);
    let again = small().serve(&*path).await.unwrap();
    let taken = small().serve(&*path).await.unwrap_err().to_string();
    assert!(
        taken.starts_with(&format!("cannot listen at {}: Address already in use", path.display())),
        "{taken}"
    );
    assert!(StatsSocket::new(&*path).command("show info").await.is_ok());
    again.stop().await;
    assert_eq!(std::fs::read_dir(dir.path()).unwrap().count(), 0);
}

#[tokio::test]
async fn a_fake_stays_on_this_machine_unless_told() {
    let elsewhere = std::net::SocketAddr::from(([192, 0, 2, 1], 0));
    let error = small().serve(elsewhere).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InvalidInput);
    assert!(
        error.to_string().ends_with("it can be reached from elsewhere; `exposed` permits that"),
        "{error}"
    );
}

/// A fake process at `admin.sock` in a folder of its own.
struct Fake {
    dir: TempDir,
    running: Running,
    path: PathBuf,
}

async fn serve(process: Process) -> Fake {
    let dir = TempDir::new().unwrap();
    let path = dir.path().join("admin.sock");
    let running = process.serve(&*path).await.unwrap();
    Fake { dir, running, path }
}

fn small() -> Process {
    let app = Backend::new("app").server(Server::new("web1").check("L4OK").set("stot", 5));
    Process::new("3.2").frontend(Frontend::new("web").set("req_tot", 5)).backend(app)
}

#[tokio::test]
async fn look_alikes_that_a_rediscovery_compared_are_not_compared_again() {
    let alike =
        || small().pid(7).node("container").info("Start_time_sec", 1_700_000_000).info("Uptime_sec", 3600);
    let one = serve(alike()).await;
    let two = alike().serve(one.dir.path().join("z.sock")).await.unwrap();
    let cluster = Cluster::from_dir(one.dir.path()).await.unwrap();
    cluster.rediscover().await.unwrap();
    let asked = || one.running.connections() + two.connections();
    let before = asked();
    assert_eq!(cluster.snapshot().await.unwrap().processes().len(), 2);
    assert_eq!(asked() - before, 2);
}
