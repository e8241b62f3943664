//! The socket of a master of each release: its processes, reloads, and commands to one worker.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "in a test a panic is the failure message")]
#![allow(clippy::indexing_slicing, reason = "the same")]

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use haproxyadmin::master::{ListedProcess, Master, ProcessList, WorkerId};
use haproxyadmin::{ErrorKind, Limits, StatsSocket};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::UnixStream;

mod support;

use support::{MasterWorker, Release, ask, info, is_alive, releases, row, until};

/// A master with one worker.
struct Site {
    pair: MasterWorker,
    master: Master,
}

impl Site {
    async fn start(release: &Release) -> Self {
        let pair = MasterWorker::start(release).await;
        // A reload takes its time while other tests run.
        let limits = Limits::new().with_command_timeout(Duration::from_secs(60));
        let master = Master::with_limits(pair.master.clone(), limits);
        Self { pair, master }
    }

    fn release(&self) -> &Release {
        &self.pair.running.haproxies[0].release
    }

    fn worker(&self, pid: u32) -> StatsSocket {
        self.master.worker(WorkerId::Pid(pid))
    }

    async fn processes(&self) -> ProcessList {
        until("the master answers", async || self.master.processes().await.ok()).await
    }

    async fn no_old_worker_is_left(&self) {
        until("the old workers have ended", async || {
            self.processes().await.old_workers.is_empty().then_some(())
        })
        .await;
    }
}

fn pids(list: &[ListedProcess]) -> Vec<u32> {
    list.iter().map(|process| process.pid).collect()
}

#[tokio::test]
async fn processes_are_listed_with_old_workers_that_a_client_holds() {
    for release in releases() {
        let site = Site::start(&release).await;
        let first = site.pair.pid().await;
        let list = site.processes().await;
        let printed = info(site.pair.running.socket(1)).await["Version"].clone();
        assert_eq!(list.master.pid, site.pair.running.haproxies[0].pid(2));
        assert_eq!((&*list.master.kind, list.master.reloads), ("master", 0));
        assert_eq!(list.master.version.as_deref(), Some(&*printed));
        assert_eq!(list.failed_reloads, release.is_at_least("2.6").then_some(0));
        let [worker] = list.workers.as_slice() else { panic!("{list:?}") };
        assert_eq!((worker.pid, &*worker.kind, worker.reloads), (first, "worker", 0));
        assert_eq!(worker.relative_pid, (!release.is_at_least("2.6")).then_some(1));
        assert_eq!(worker.version.as_deref(), Some(&*printed));
        assert!(worker.uptime < Duration::from_secs(60) && list.old_workers.is_empty());
        assert!(list.programs.is_empty() && list.old_programs.is_empty());

        // A request without an end: 2.2 does not notice that the client of a whole one has gone.
        let mut held = UnixStream::connect(site.pair.running.traffic("web", 1)).await.unwrap();
        held.write_all(b"GET / HTTP/1.1\r\n").await.unwrap();
        until("the request is held", async || {
            (row(site.pair.running.socket(1), "web", "FRONTEND").await.number("scur") == 1).then_some(())
        })
        .await;
        for reloads in 1..=2 {
            let reload = site.master.reload().await.unwrap();
            assert_eq!(reload.processes.master.reloads, reloads, "{}", release.version);
            assert_eq!(reload.messages.is_some(), release.is_at_least("3.0"));
        }
        let second = site.processes().await.workers[0].pid;
        // For a moment the worker that stops may still accept a connection.
        until("the new worker answers", async || (site.pair.pid().await == second).then_some(())).await;
        until("one old worker is left", async || {
            (pids(&site.processes().await.old_workers) == [first]).then_some(())
        })
        .await;
        let list = site.processes().await;
        assert_eq!((pids(&list.workers), list.old_workers[0].reloads), (vec![second], 2));
        assert_eq!(list.serving(), list.workers);
        let stopping = site.worker(first).command("show info").await.unwrap();
        assert!(stopping.text().contains(&format!("Pid: {first}\n")), "{stopping}");
        assert!(stopping.text().contains("\nStopping: 1\n"), "{stopping}");
        drop(held);
        site.no_old_worker_is_left().await;
        assert!(!is_alive(first));
    }
}

#[tokio::test]
async fn a_failed_reload_has_the_reasons_and_the_worker_that_goes_on() {
    for release in releases() {
        let site = Site::start(&release).await;
        let worker = site.pair.pid().await;
        site.pair.append("    bogus\n");
        let error = site.master.reload().await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Refused, "{error}");
        assert_eq!((error.command(), error.address()), (Some("reload"), Some(site.master.address())));
        let text = error.to_string();
        let serving = format!("reload failed, the former configuration goes on, in worker {worker}");
        assert!(text.contains(&serving), "{text}");
        let reason = if release.is_at_least("3.0") { "unknown keyword 'bogus'" } else { "only stderr" };
        assert!(text.contains(reason), "{text}");
        assert_eq!(site.pair.pid().await, worker);

        let list = site.processes().await;
        assert!(list.has_failed_reload());
        assert_eq!((pids(list.serving()), list.master.reloads), (vec![worker], 1), "{list:?}");
        let logs = site.master.startup_logs().await;
        if release.is_at_least("3.0") {
            assert!(logs.unwrap().contains("unknown keyword 'bogus'"));
        } else {
            assert_eq!(logs.unwrap_err().kind(), ErrorKind::Unsupported);
        }

        site.pair.append("");
        let reload = site.master.reload().await.unwrap();
        assert!(!reload.processes.has_failed_reload());
        let [new] = reload.processes.workers.as_slice() else { panic!("{reload:?}") };
        assert_ne!(new.pid, worker);
        until("the new worker answers", async || (site.pair.pid().await == new.pid).then_some(())).await;
        site.no_old_worker_is_left().await;
    }
}

#[tokio::test]
async fn a_reply_of_a_worker_is_whole_through_its_master() {
    for release in releases() {
        let site = Site::start(&release).await;
        let worker = site.pair.pid().await;
        let map = site.pair.running.dir().join("hosts.map");
        let socket = haproxyadmin::StatsSocket::new(site.pair.running.socket(1));
        for block in 0..20 {
            let entries: Vec<_> =
                (0..200).map(|n| format!("{block}.{n}.example {}", "x".repeat(40))).collect();
            let line = format!("add map {}", map.display());
            assert_eq!(socket.command_with_payload(&line, &entries.join("\n")).await.unwrap().text(), "\n");
        }
        for line in
            [format!("show map {}", map.display()), "show servers state app;get weight app/web1".into()]
        {
            let direct = String::from_utf8(ask(site.pair.running.socket(1), &line).await).unwrap();
            let through = site.worker(worker).command(&line).await.unwrap();
            assert!(!direct.is_empty());
            // The last change is printed in seconds.
            if line.starts_with("show map") {
                assert!(direct.len() > 200_000);
                assert_eq!(through.text(), direct, "{}", release.version);
            } else {
                assert_eq!(through.text().lines().count(), direct.lines().count(), "{through}");
                assert!(through.text().ends_with("100 (initial 100)\n\n"));
            }
        }
        assert_eq!(site.worker(worker).command("set server app/web1 weight 7").await.unwrap().text(), "\n");
        assert_eq!(row(site.pair.running.socket(1), "app", "web1").await.number("weight"), 7);
        let error = site.worker(worker).command("\n").await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidInput);
    }
}

#[tokio::test]
async fn a_command_reaches_the_worker_of_its_number_or_none() {
    for release in releases() {
        let site = Site::start(&release).await;
        let worker = site.pair.pid().await;
        let start = Instant::now();
        let error = site.worker(1).command("set server app/web1 weight 3").await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::NotFound, "{error}");
        assert!(start.elapsed() < site.master.limits().idle_timeout, "it waited for an end");
        for line in [
            format!("@!{worker} set server app/web1 weight 3"),
            "@;reload".to_owned(),
            "show info; @1 set server app/web1 weight 3".to_owned(),
            "show info\n@1 set server app/web1 weight 3".to_owned(),
            "show info;\t@1;reload".to_owned(),
            "add map #0 a b <<".to_owned(),
            "show info\\".to_owned(),
        ] {
            let error = site.worker(worker).command(&line).await.unwrap_err();
            assert_eq!(error.kind(), ErrorKind::InvalidInput, "{line:?}: {error}");
        }
        // These are words for the worker, which knows neither.
        for line in ["reload", "show proc", "show info;reload"] {
            let reply = site.worker(worker).command(line).await.unwrap();
            assert!(reply.text().contains("Unknown command"), "{line}: {reply}");
        }
        assert_eq!(row(site.pair.running.socket(1), "app", "web1").await.number("weight"), 100);
        assert_eq!((site.pair.pid().await, site.processes().await.master.reloads), (worker, 0));
    }
}

#[tokio::test]
async fn the_socket_of_a_worker_is_no_master() {
    for release in releases() {
        let site = Site::start(&release).await;
        let worker = Master::new(site.pair.running.socket(1));
        assert_eq!(worker.processes().await.unwrap_err().kind(), ErrorKind::Unsupported);
        assert_eq!(worker.reload().await.unwrap_err().kind(), ErrorKind::Unsupported);
    }
}

#[tokio::test]
async fn the_level_of_the_socket_applies_to_the_master_and_its_workers() {
    for release in releases() {
        let mut site = Site::start(&release).await;
        site.pair.running.haproxies[0].restart_master(",level,user").await;
        let worker = site.pair.pid().await;
        let denied = "Permission denied\n\n";
        let refused = |error: haproxyadmin::Error| {
            assert_eq!(error.kind(), ErrorKind::PermissionDenied, "{error}");
            assert!(error.to_string().contains("needs level operator"), "{error}");
        };
        let reply = until("the worker is reached", async || {
            site.worker(worker).command("set server app/web1 weight 3").await.ok()
        });
        assert_eq!(reply.await.text(), denied, "{}", release.version);
        refused(site.master.reload().await.unwrap_err());
        if release.is_at_least("3.2") {
            refused(site.master.processes().await.unwrap_err());
        } else {
            assert_eq!(site.processes().await.master.reloads, 0);
        }
        if release.is_at_least("3.0") {
            refused(site.master.startup_logs().await.unwrap_err());
        }
        site.pair.running.haproxies[0].restart_master(",level,operator").await;
        until("the master reloads", async || site.master.reload().await.ok()).await;
    }
}

#[tokio::test]
async fn a_hung_worker_costs_one_limit_and_leaves_the_master_usable() {
    for release in releases() {
        let site = Site::start(&release).await;
        let worker = site.pair.pid().await;
        let limit = Duration::from_millis(600);
        let limits = Limits::new().with_idle_timeout(limit).with_command_timeout(2 * limit);
        let hasty = Master::with_limits(site.master.address().clone(), limits);
        site.pair.running.hang(1);
        let start = Instant::now();
        let to_worker = hasty.worker(WorkerId::Pid(worker));
        let calls = (0..20).map(|_| to_worker.command("show info"));
        for error in futures::future::join_all(calls).await.into_iter().map(Result::unwrap_err) {
            assert_eq!(error.kind(), ErrorKind::Timeout, "{error}");
        }
        assert!(start.elapsed() < 8 * limit, "{} took {:?}", release.version, start.elapsed());
        for _ in 0..3 {
            assert_eq!(pids(&hasty.processes().await.unwrap().workers), [worker], "{}", release.version);
        }
        // Another client of the same master is not shut out.
        assert_eq!(pids(&site.master.processes().await.unwrap().workers), [worker]);
        site.pair.running.resume(1);
        until("the connections are free again", async || to_worker.command("show info").await.ok()).await;
        until("the worker answers again", async || site.worker(worker).command("show info").await.ok()).await;
    }
}

#[tokio::test]
async fn a_hung_master_costs_one_limit() {
    for release in releases() {
        let site = Site::start(&release).await;
        let limit = Duration::from_millis(500);
        let hasty =
            Master::with_limits(site.master.address().clone(), Limits::new().with_command_timeout(limit));
        site.pair.running.haproxies[0].hang(2);
        let start = Instant::now();
        assert_eq!(hasty.processes().await.unwrap_err().kind(), ErrorKind::Timeout);
        assert_eq!(hasty.reload().await.unwrap_err().kind(), ErrorKind::Timeout);
        assert!(start.elapsed() < 10 * limit);
        site.pair.running.haproxies[0].resume(2);
        assert_eq!(site.processes().await.master.reloads, 0, "{}", release.version);
    }
}

/// Writers and readers go on during ten reloads. A change that was reported is there, in the worker
/// that was named.
#[tokio::test]
async fn ten_reloads_under_load_make_no_wrong_success_and_leave_no_worker() {
    for release in releases() {
        let mut site = Site::start(&release).await;
        let over = Arc::new(AtomicBool::new(false));
        let tasks: Vec<_> =
            (1..=2).map(|task| tokio::spawn(load(site.master.clone(), over.clone(), task))).collect();
        let mut seen = BTreeSet::from([site.pair.pid().await]);
        for reloads in 1..=10 {
            let reload = site.master.reload().await.unwrap();
            assert_eq!(reload.processes.master.reloads, reloads, "{}", release.version);
            assert_eq!(reload.processes.workers.len(), 1);
            assert!(seen.insert(reload.processes.workers[0].pid), "{seen:?} {reload:?}");
        }
        over.store(true, Ordering::SeqCst);
        let mut written = 0;
        for task in tasks {
            written += task.await.unwrap();
        }
        assert!(written > 0, "no write succeeded under {}", release.version);
        site.no_old_worker_is_left().await;
        let last = site.pair.pid().await;
        assert_eq!(pids(&site.processes().await.workers), [last]);
        for pid in seen.into_iter().filter(|pid| *pid != last) {
            assert!(!is_alive(pid), "{pid} of {} is alive", site.release().version);
        }
        site.pair.running.haproxies.clear();
    }
}

/// Adds entries to a map in the current worker and reads them back until the test is over. Returns
/// the number of entries that were read back.
async fn load(master: Master, over: Arc<AtomicBool>, task: u32) -> usize {
    let mut written = 0;
    for round in 0_u32.. {
        if over.load(Ordering::SeqCst) && written > 0 {
            break;
        }
        let Ok(list) = master.processes().await.map_err(|error| passes(&error)) else { continue };
        let Some(worker) = list.serving().first() else { continue };
        let key = format!("{task}.{round}");
        let Some(id) = number(&master, worker.pid).await else { continue };
        let add = format!("add map #{id} {key} yes");
        match master.worker(WorkerId::Pid(worker.pid)).command(&add).await {
            Ok(reply) if reply.text() == "\n" => {}
            Ok(reply) => panic!("`{add}`: {reply}"),
            Err(error) => {
                passes(&error);
                continue;
            }
        }
        match master.worker(WorkerId::Pid(worker.pid)).command(&format!("show map #{id}")).await {
            Ok(reply) => {
                assert!(reply.text().contains(&format!(" {key} yes\n")), "{key} is not in {}", worker.pid);
                written += 1;
            }
            Err(error) => passes(&error),
        }
    }
    written
}

/// Returns the number of the map in a worker.
async fn number(master: &Master, pid: u32) -> Option<u64> {
    let reply =
        master.worker(WorkerId::Pid(pid)).command("show map").await.map_err(|error| passes(&error)).ok()?;
    let text = reply.text().into_owned();
    let line = text.lines().find(|line| line.contains("hosts.map"))?;
    line.split_whitespace().next()?.parse().ok()
}

/// Checks that an error is one that a reload may cause.
fn passes(error: &haproxyadmin::Error) {
    let kinds =
        [ErrorKind::Closed, ErrorKind::Connect, ErrorKind::Io, ErrorKind::NotFound, ErrorKind::Truncated];
    assert!(kinds.contains(&error.kind()), "{error}");
}

/// The connections of the client are taken when it is about to send `reload`.
#[tokio::test]
async fn a_reload_that_was_not_sent_has_no_unknown_outcome() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("master.sock");
    let listener = tokio::net::UnixListener::bind(&path).unwrap();
    let limits = Limits::new().with_command_timeout(Duration::from_secs(1));
    let master = Master::with_limits(path, limits);
    let reloading = {
        let master = master.clone();
        tokio::spawn(async move { master.reload().await })
    };
    let mut listing = listener.accept().await.unwrap().0;
    // The first of these takes the other connection, and the second one the next that is free.
    let waiting: Vec<_> = (0..2)
        .map(|_| {
            let master = master.clone();
            tokio::spawn(async move { master.processes().await })
        })
        .collect();
    let hung = listener.accept().await.unwrap().0;
    assert!(listing.read(&mut [0; 100]).await.unwrap() > 0);
    listing.write_all(b"#<PID> <type> <reloads> <uptime> <version>\n7 master 0 [failed: 0] 0d00h00m01s 3.4\n# workers\n\n").await.unwrap();
    drop(listing);
    let error = reloading.await.unwrap().unwrap_err();
    assert_eq!((error.kind(), error.command()), (ErrorKind::Timeout, Some("reload")), "{error}");
    assert!(error.to_string().contains("waiting for a turn"), "{error}");
    drop(hung);
    for call in waiting {
        assert!(call.await.unwrap().is_err());
    }
}
