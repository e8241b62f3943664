//! Plans and comparisons while a process hangs: it gets each call once, and costs its limit once. Applications while a
//! process is slow. Tokio's clock is paused, so that no test waits.
#![cfg(unix)]
#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "in a test a panic is the failure message")]

use std::path::PathBuf;
use std::time::Duration;

use haproxyadmin::fake::{Acl, Backend, Certificate, Fault, Map, Master, Process, Running, Server};
use haproxyadmin::reconcile::{Apply, Desired, DesiredBackend, DesiredServer, Plan, Reference};
use haproxyadmin::{Cluster, ErrorKind, Outcomes};
use tempfile::TempDir;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{UnixListener, UnixStream};
use tokio::time::{Instant, sleep};

/// The limit of silence, with the time of the work itself.
const ONCE: Duration = Duration::from_secs(6);

struct Site {
    processes: Vec<Running>,
    dir: TempDir,
}

impl Site {
    async fn start() -> Self {
        let dir = TempDir::new().unwrap();
        let mut processes = Vec::new();
        for n in 1..=3 {
            let process = Process::new("3.2").pid(n).backend(Backend::new("app").server(Server::new("web1")));
            let process = ["a.map", "b.map"].map(Map::new).into_iter().fold(process, Process::map);
            let process = ["a.acl", "b.acl"].map(Acl::new).into_iter().fold(process, Process::acl);
            let process =
                ["a.pem", "b.pem"].map(Certificate::new).into_iter().fold(process, Process::certificate);
            processes.push(process.serve(dir.path().join(format!("{n}.sock"))).await.unwrap());
        }
        Self { processes, dir }
    }

    /// Returns a cluster that has identified the processes: a first call waits for a process that hangs in its probe too.
    async fn cluster(&self) -> Cluster {
        let cluster = Cluster::from_dir(self.dir.path()).await.unwrap().allow_partial();
        assert!(cluster.snapshot().await.unwrap().is_complete());
        cluster
    }

    /// Returns the number of lines that a process has received and that begin with these words.
    fn received(&self, n: usize, words: &str) -> usize {
        self.processes[n - 1].received().iter().filter(|line| line.begins_with(words)).count()
    }

    /// Returns the connections that the last process has accepted during a call.
    async fn connections<T>(&self, call: impl Future<Output = T>) -> (u64, T) {
        let before = self.processes[2].connections();
        let answer = call.await;
        (self.processes[2].connections() - before, answer)
    }
}

/// Checks that the last of three processes has timed out, and that the others were compared.
fn assert_last_failed(plans: &Outcomes<Plan>) {
    let kinds: Vec<_> = plans.iter().map(|outcome| outcome.error().map(haproxyadmin::Error::kind)).collect();
    assert_eq!(kinds, [None, None, Some(ErrorKind::Timeout)], "{plans}");
}

#[tokio::test(start_paused = true)]
async fn a_process_that_hangs_is_not_asked_for_its_maps_and_certificates() {
    let site = Site::start().await;
    let (other, cluster) = (site.cluster().await, site.cluster().await);
    site.processes[2].pause();
    let (settings, read) = site.connections(other.settings()).await;
    assert!(settings > 0 && read.is_ok());
    let start = Instant::now();
    let (drift, plans) = site.connections(cluster.drift(Reference::Majority)).await;
    assert_last_failed(&plans.unwrap());
    assert_eq!(drift, settings);
    assert!(start.elapsed() < ONCE, "{:?}", start.elapsed());
    // The others were asked for the lists, and for each object.
    let counts = ["show map", "show acl", "show ssl cert"].map(|words| site.received(1, words));
    assert_eq!(counts, [3, 3, 3]);
}

#[tokio::test(start_paused = true)]
async fn a_process_that_begins_to_hang_is_not_asked_again() {
    let site = Site::start().await;
    let cluster = site.cluster().await;
    site.processes[2].fail_command("show map", Fault::Hang);
    let start = Instant::now();
    assert_last_failed(&cluster.drift(Reference::Majority).await.unwrap());
    assert!(start.elapsed() < ONCE, "{:?}", start.elapsed());
    assert_eq!(["show map", "show acl", "show ssl cert"].map(|words| site.received(3, words)), [1, 0, 0]);
    assert_eq!(["show map", "show acl", "show ssl cert"].map(|words| site.received(2, words)), [3, 3, 3]);
}

#[tokio::test(start_paused = true)]
async fn no_process_at_all_is_asked_again_if_all_hang() {
    let site = Site::start().await;
    let cluster = site.cluster().await;
    for process in &site.processes {
        process.pause();
    }
    let start = Instant::now();
    let plans = cluster.drift(Reference::Majority).await.unwrap();
    assert_eq!(plans.failed().count(), 3, "{plans}");
    assert!(start.elapsed() < ONCE, "{:?}", start.elapsed());
}

/// Objects that are given by their numbers are looked up in the lists of each process.
#[tokio::test(start_paused = true)]
async fn a_process_that_hangs_costs_a_plan_its_limit_once() {
    let site = Site::start().await;
    let cluster = site.cluster().await;
    site.processes[2].pause();
    let map = |desired: Desired, id: &str| desired.map(id, [("a", "1")]);
    let acl = |desired: Desired, id: &str| desired.acl(id, ["a"]);
    let desired = ["a.map", "#99"].into_iter().fold(Desired::new(), map);
    let desired = ["a.acl", "#98"].into_iter().fold(desired, acl);
    let start = Instant::now();
    assert_last_failed(&cluster.plan(&desired).await.unwrap());
    assert!(start.elapsed() < ONCE, "{:?}", start.elapsed());
}

/// Passes on connections, and holds up the lines with these words for 2 seconds.
async fn delay(words: &'static str, listener: UnixListener, to: PathBuf) {
    loop {
        let (near, _) = listener.accept().await.unwrap();
        let far = UnixStream::connect(&to).await.unwrap();
        tokio::spawn(async move {
            let ((mut near_read, mut near_write), (mut far_read, mut far_write)) =
                (near.into_split(), far.into_split());
            let back = tokio::spawn(async move { tokio::io::copy(&mut far_read, &mut near_write).await });
            let mut piece = Vec::new();
            while near_read.read_buf(&mut piece).await.unwrap_or(0) > 0 {
                if String::from_utf8_lossy(&piece).contains(words) {
                    sleep(Duration::from_secs(2)).await;
                }
                if far_write.write_all(&piece).await.is_err() {
                    break;
                }
                piece.clear();
            }
            drop(far_write);
            let _ = back.await;
        });
    }
}

/// The limits apply to each command. A reload closes the connections of the master, so the process is identified again
/// behind the last command, when the time of a single command is over.
#[tokio::test(start_paused = true)]
async fn many_slow_commands_behind_a_master_have_a_known_outcome() {
    let dir = TempDir::new().unwrap();
    let names = ["web1", "web2", "web3", "web4", "web5", "web6"];
    let app = names.into_iter().map(Server::new).fold(Backend::new("app"), Backend::server);
    let worker = Process::new("3.2").backend(app).serve(dir.path().join("worker.sock")).await.unwrap();
    let address = dir.path().join("master.sock");
    let _master = Master::new("3.2").worker(&worker).serve(&*address).await.unwrap();
    let slow = dir.path().join("slow.sock");
    tokio::spawn(delay("set server", UnixListener::bind(&slow).unwrap(), address));
    let cluster = Cluster::builder().master(slow).build().await.unwrap();
    let servers = names.map(|name| DesiredServer::new(name).weight(7));
    let app = servers.into_iter().fold(DesiredBackend::new("app"), DesiredBackend::server);
    let start = Instant::now();
    let applied = cluster.apply(&Desired::new().backend(app), Apply::new()).await.unwrap();
    assert!(start.elapsed() > Duration::from_secs(10), "{:?}", start.elapsed());
    let steps: Vec<_> = applied.values().map(|(_, applied)| applied.steps.len()).collect();
    assert_eq!(steps, [6]);
}
