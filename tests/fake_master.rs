//! The socket of the fake master and of real masters, release by release. The same lines must get
//! the same replies, and leave the connection open or not, from both.
#![cfg(unix)]
#![allow(
    clippy::indexing_slicing,
    clippy::unwrap_used,
    reason = "in a helper of tests too, a panic is the failure"
)]

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::time::Duration;

use haproxyadmin::fake::{self, Backend, Frontend, Map, Process};
use haproxyadmin::master::{Master, WorkerId};
use haproxyadmin::{Cluster, ErrorKind, Level, Weight};
use tempfile::TempDir;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::UnixStream;
use tokio::time::sleep;

#[path = "fake_master/script.rs"]
mod script;
mod support;

use support::{MasterWorker, Release, info, received, release, until, versions};

/// The time in which a fake answers.
const SILENCE: Duration = Duration::from_millis(40);

#[tokio::test]
async fn lines_are_answered_alike() {
    let mut sent = 0;
    for release in versions().into_iter().map(release) {
        let pair = Pair::start(&release).await;
        sent += pair.play_all().await;
    }
    println!("{sent} lines");
}

#[tokio::test]
async fn lines_are_answered_alike_at_every_level() {
    let mut sent = 0;
    for release in versions().into_iter().map(release) {
        let mut pair = Pair::start(&release).await;
        for level in [Level::Operator, Level::User] {
            pair.real.running.haproxies[0].restart_master(&format!(",level,{level}")).await;
            pair.fake = Fake::start(&release, pair.dir.path(), &pair.version, level, &pair.real.map()).await;
            until("the master lists its worker", async || (!pair.workers().await.is_empty()).then_some(()))
                .await;
            sent += pair.play_all().await;
        }
    }
    println!("{sent} lines");
}

#[tokio::test]
async fn reloads_and_their_failures_are_reported_alike() {
    let mut sent = 0;
    for release in versions().into_iter().map(release) {
        let mut pair = Pair::start(&release).await;
        // The first worker goes on until this request ends.
        let mut held = UnixStream::connect(pair.real.running.traffic("web", 1)).await.unwrap();
        held.write_all(b"GET / HTTP/1.1\r\n").await.unwrap();
        let mut workers = Vec::new();
        let steps =
            ["reload", "reload;quit", "fail", "reload", "fail", "fail", "reload\nshow cli level", "reload x"];
        for (step, number) in steps.into_iter().zip(1..) {
            let is_failure = step == "fail";
            pair.real.append(if is_failure { "    bogus\n" } else { "" });
            if is_failure {
                pair.fake.master.fail_next_reload("config : unknown keyword 'bogus' in 'backend' section");
            } else {
                let path = pair.dir.path().join(format!("{number}.sock"));
                let worker =
                    process(&pair.version, WORKER + number, &pair.real.map()).serve(path).await.unwrap();
                pair.fake.master.next_reload(&worker);
                workers.push(worker);
            }
            let what = format!("step {number}, {step:?} of HAProxy {}", release.version);
            pair.reload(if is_failure { "reload" } else { step }, &what).await;
            if !is_failure && workers.len() > 1 {
                workers.remove(0).stop().await;
            }
            pair.lists_become_equal(&what).await;
            sent += 2 + pair.reaches_each_worker(&what).await;
        }
        drop(held);
    }
    println!("{sent} lines");
}

#[tokio::test]
async fn a_reload_ends_the_connections_of_the_others() {
    for release in versions() {
        let dir = TempDir::new().unwrap();
        let fake = Fake::start(&support::release(release), dir.path(), release, Level::Admin, "m").await;
        let mut idle = UnixStream::connect(&fake.path).await.unwrap();
        idle.write_all(b"show cli level\n").await.unwrap();
        assert_eq!(idle.read(&mut [0; 100]).await.unwrap(), 7);
        fake.master.reload();
        assert_eq!(idle.read(&mut [0; 100]).await.unwrap(), 0);
    }
}

#[tokio::test]
async fn the_client_sees_a_hung_and_a_dying_worker_and_a_hung_master() {
    for release in versions() {
        let dir = TempDir::new().unwrap();
        let fake = Fake::start(&support::release(release), dir.path(), release, Level::Admin, "m").await;
        let limits = haproxyadmin::Limits::new().with_command_timeout(Duration::from_millis(200));
        let master = Master::with_limits(fake.path.clone(), limits);
        let error = async |line| master.worker(WorkerId::Pid(WORKER)).command(line).await.unwrap_err().kind();
        fake.worker.pause();
        assert_eq!(error("show info").await, ErrorKind::Timeout);
        fake.worker.resume();
        assert!(master.worker(WorkerId::Pid(WORKER)).command("show info").await.is_ok());
        fake.worker.fail(fake::Fault::Close);
        assert_eq!(error("show info").await, ErrorKind::Closed);
        fake.worker.heal();
        fake.master.pause();
        assert_eq!(master.processes().await.unwrap_err().kind(), ErrorKind::Timeout);
        fake.master.resume();
        fake.master.fail(fake::Fault::Cut(30));
        assert!(master.processes().await.is_err());
        fake.master.heal();
        fake.master.fail_when(fake::When::command("show proc").times(1), fake::Fault::CloseUnexecuted);
        fake.master.take_received();
        assert!(master.processes().await.is_err());
        assert!(master.processes().await.is_ok());
        let received = fake.master.received();
        let told: Vec<_> = received.iter().map(|one| (&*one.command, one.executed)).collect();
        assert_eq!(told, [("show proc", false), ("show proc", true)]);
        fake.worker.take_received();
        master.worker(WorkerId::Pid(WORKER)).command("show info").await.unwrap();
        assert!(fake.worker.received().iter().any(|one| one.command == "show info"));
        assert_eq!(fake.master.received().len(), 2);
        let Fake { worker, .. } = fake;
        worker.pause();
        let waiting = {
            let master = master.clone();
            tokio::spawn(async move { master.worker(WorkerId::Pid(WORKER)).command("show info").await })
        };
        tokio::task::yield_now().await;
        worker.kill().await;
        let error = waiting.await.unwrap().unwrap_err().kind();
        assert!([ErrorKind::Closed, ErrorKind::NotFound, ErrorKind::Connect].contains(&error), "{error:?}");
    }
}

#[tokio::test]
async fn a_cluster_of_the_workers_of_a_master_needs_no_haproxy() {
    for release in versions() {
        let dir = TempDir::new().unwrap();
        let fake = Fake::start(&support::release(release), dir.path(), release, Level::Admin, "m").await;
        let old = process(release, 7, "m").serve(dir.path().join("old.sock")).await.unwrap();
        let path = dir.path().join("both.sock");
        let master = fake::Master::new(release)
            .worker(&fake.worker)
            .old_worker(&old, 1)
            .serve(path.clone())
            .await
            .unwrap();
        let cluster = Cluster::builder().master(path).build().await.unwrap();
        let snapshot = cluster.snapshot().await.unwrap();
        let pids: BTreeSet<_> = snapshot.processes().iter().map(haproxyadmin::Process::pid).collect();
        assert_eq!(pids, BTreeSet::from([Some(7), Some(WORKER.into())]));
        let server = cluster.server_ref("app", "web1").unwrap();
        let outcomes = server.set_weight(Weight::absolute(5).unwrap()).await.unwrap();
        assert_eq!(outcomes.values().count(), 2);
        let nope = cluster.server_ref("app", "nope").unwrap();
        assert_eq!(nope.disable().await.unwrap_err().kind(), ErrorKind::NotFound);
        old.stop().await;
        assert_eq!(cluster.snapshot().await.unwrap().processes().len(), 1);
        drop(master);
    }
}

#[tokio::test]
async fn what_no_master_could_be_is_refused() {
    let dir = TempDir::new().unwrap();
    let worker = process("3.4", 7, "m").serve(dir.path().join("w.sock")).await.unwrap();
    let master = fake::Master::new("3.4").pid(7).worker(&worker).serve(dir.path().join("m.sock")).await;
    assert_eq!(master.unwrap_err().to_string(), "there are two processes with the ID 7");
    let master = fake::Master::new("2.0").serve(dir.path().join("m.sock")).await;
    assert_eq!(master.unwrap_err().to_string(), "HAProxy \"2.0\": expected a release from 2.2 on");
}

/// The process ID of the first fake worker, and of the fake master.
const WORKER: u32 = 4001;
const MASTER: u32 = 4000;

struct Fake {
    path: PathBuf,
    master: fake::RunningMaster,
    worker: fake::Running,
}

impl Fake {
    async fn start(release: &Release, dir: &Path, version: &str, level: Level, map: &str) -> Self {
        let path = dir.join(format!("master-{level}-{}.sock", release.version));
        let socket = dir.join(format!("worker-{level}-{}.sock", release.version));
        let worker = process(version, WORKER, map).serve(socket).await.unwrap();
        let master = fake::Master::new(version).pid(MASTER).level(level).worker(&worker);
        Self { master: master.serve(path.clone()).await.unwrap(), path, worker }
    }
}

fn process(version: &str, pid: u32, map: &str) -> Process {
    let app = Backend::new("app").server(fake::Server::new("web1").weight(100));
    Process::new(version).pid(pid).frontend(Frontend::new("web")).backend(app).map(Map::new(map))
}

/// A real master with one worker, and a fake one with the same description.
struct Pair {
    release: Release,
    real: MasterWorker,
    /// IDs of the workers of the fake and of the real master, in the order of their start.
    pids: [Vec<u32>; 2],
    version: String,
    fake: Fake,
    dir: TempDir,
}

impl Pair {
    async fn start(release: &Release) -> Self {
        let real = MasterWorker::start(release).await;
        let known = info(real.running.socket(1)).await;
        let (version, real_pid) = (known["Version"].clone(), known["Pid"].parse().unwrap());
        let dir = TempDir::new().unwrap();
        let fake = Fake::start(release, dir.path(), &version, Level::Admin, &real.map()).await;
        let pids = [vec![WORKER], vec![real_pid]];
        Self { release: release.clone(), real, pids, version, fake, dir }
    }

    /// Returns the IDs of the workers through the stats socket, which each level may read.
    async fn workers(&self) -> Vec<u32> {
        info(self.real.running.socket(1))
            .await
            .get("Pid")
            .and_then(|pid| pid.parse().ok())
            .into_iter()
            .collect()
    }

    fn paths(&self) -> [PathBuf; 2] {
        [self.fake.path.clone(), self.real.master.clone()]
    }

    /// Sends a line that reloads, and compares the replies.
    async fn reload(&self, line: &str, what: &str) {
        let [fake, real] = self.paths();
        let fake = reported(&ask(&fake, line).await);
        assert_eq!(fake, reported(&ask(&real, line).await), "{what}");
        assert_eq!(fake.is_empty(), !self.release.is_at_least("3.0"), "{what}");
    }

    /// Waits until both masters list their workers alike.
    async fn lists_become_equal(&mut self, what: &str) {
        let paths = self.paths();
        let mut lists = [None, None];
        for _ in 0..200 {
            for ((list, path), pids) in lists.iter_mut().zip(&paths).zip(&mut self.pids) {
                *list = listed(path, pids).await;
            }
            if lists[0].is_some() && lists[0] == lists[1] {
                return;
            }
            sleep(SILENCE).await;
        }
        let [fake, real] = lists.map(Option::unwrap_or_default);
        panic!("{what}\nfake:\n{fake}\nreal:\n{real}");
    }

    /// Asks the worker that serves, and the first one, which is an old one. Returns the number of
    /// lines.
    async fn reaches_each_worker(&self, what: &str) -> usize {
        let lines = ["@1 show cli level;quit", "@!OLD;show info;quit"];
        for line in lines {
            let mut replies = Vec::new();
            for (path, pids) in self.paths().iter().zip(&self.pids) {
                let reply = ask(path, &line.replace("OLD", &pids[0].to_string())).await;
                let lines =
                    reply.lines().filter(|line| !line.contains(": ") || line.starts_with("Stopping: "));
                replies.push(lines.collect::<Vec<_>>().join("\n"));
            }
            assert_eq!(replies[0], replies[1], "{line:?} after {what}");
        }
        lines.len()
    }

    async fn play_all(&self) -> usize {
        let joined = if self.release.is_at_least("3.2") { script::JOINED } else { script::NOT_JOINED };
        self.play(script::ALL).await + self.play(joined).await
    }

    /// Sends each list of lines over a connection. Returns the number of lines.
    async fn play(&self, script: &[&[&str]]) -> usize {
        let real_pid = self.workers().await[0];
        let master_pid = self.real.running.haproxies[0].pid(2);
        let mut problems = Vec::new();
        for lines in script {
            let mut fake = Talk::new(&self.fake.path, WORKER, MASTER).await;
            let mut real = Talk::new(&self.real.master, real_pid, master_pid).await;
            for line in *lines {
                let expected = fake.say(line, None).await;
                let found = real.say(line, Some(&expected)).await;
                if expected != found {
                    problems.push(format!("{line:?} of {lines:?}\n  fake {expected:?}\n  real {found:?}"));
                }
            }
        }
        assert!(problems.is_empty(), "HAProxy {}:\n{}", self.release.version, problems.join("\n"));
        script.iter().map(|lines| lines.len()).sum()
    }
}

/// A connection to a master.
struct Talk {
    stream: UnixStream,
    pids: [(String, &'static str); 2],
}

impl Talk {
    async fn new(path: &Path, worker: u32, master: u32) -> Self {
        let stream = UnixStream::connect(path).await.unwrap();
        Self { stream, pids: [(worker.to_string(), "WORKER"), (master.to_string(), "MASTER")] }
    }

    /// Sends a line, and returns what is comparable of the reply and whether the connection has
    /// ended. Reads until the reply is the expected one, or until a silence if no reply is expected.
    async fn say(&mut self, line: &str, expected: Option<&(String, bool)>) -> (String, bool) {
        let sent = self.pids.iter().fold(line.to_owned(), |line, (pid, name)| line.replace(name, pid));
        if self.stream.write_all(format!("{sent}\n").as_bytes()).await.is_err() {
            return (String::new(), true);
        }
        let Self { stream, pids } = self;
        received(stream, SILENCE, expected, |reply| comparable(pids, reply)).await
    }
}

/// Returns a reply without the parts that may differ between two masters.
fn comparable(pids: &[(String, &str)], reply: &[u8]) -> String {
    let text = pids.iter().fold(String::from_utf8_lossy(reply).into_owned(), |text, (pid, name)| {
        // The columns are padded.
        text.replace(&format!("\n{pid:<15} "), &format!("\n{name} ")).replace(pid, name)
    });
    let lines = text.split_inclusive('\n').filter(|line| {
        !line.starts_with("  ") && (!line.starts_with('[') || !line.contains(") : ") || is_common(line))
    });
    lines.map(without_uptime).collect()
}

/// Returns `true` for the messages of a start that the fake has too.
fn is_common(line: &str) -> bool {
    ["Loading", "Failed to load worker", "Initializing new worker", "New worker", "unknown keyword"]
        .iter()
        .any(|part| line.contains(part))
}

fn without_uptime(line: &str) -> String {
    let is_uptime = |word: &str| word.len() > 9 && word.contains("d0") && word.ends_with('s');
    line.split(' ').map(|word| if is_uptime(word) { "UPTIME" } else { word }).collect::<Vec<_>>().join(" ")
}

/// Returns the reply to `reload` without the parts that may differ. The processes print their
/// messages in any order.
fn reported(reply: &str) -> Vec<String> {
    let lines = reply.lines().filter(|line| !line.starts_with('[') || is_common(line));
    let mut lines: Vec<String> = lines
        .map(|line| {
            let mut line = line.to_owned();
            // The place in the configuration, and the IDs of the processes.
            if let (Some(start), Some(end)) = (line.find("parsing ["), line.find("] : ")) {
                line.replace_range(start..end + 4, "");
            }
            if !line.starts_with("Success=") {
                line.retain(|c| !c.is_ascii_digit());
            }
            line
        })
        .collect();
    if let Some(messages) = lines.get_mut(2..) {
        messages.sort();
    }
    lines
}

/// Returns the reply to `show proc` with the names of the workers: the first one that was seen is `W0`.
async fn listed(path: &Path, pids: &mut Vec<u32>) -> Option<String> {
    let list = Master::new(path.to_owned()).processes().await.ok()?;
    for worker in &list.workers {
        if !pids.contains(&worker.pid) {
            pids.push(worker.pid);
        }
    }
    let mut text = ask(path, "show proc;quit").await;
    for (pid, name) in pids.iter().zip(0..) {
        text = text.replace(&format!("\n{pid:<15} "), &format!("\nW{name} "));
    }
    text = text.replace(&format!("\n{:<15} ", list.master.pid), "\nMASTER ");
    Some(text.split_inclusive('\n').map(without_uptime).collect())
}

async fn ask(path: &Path, line: &str) -> String {
    String::from_utf8(support::ask(path, line).await).unwrap()
}
