//! Plans and comparisons while a process hangs: it gets each call once, and costs its limit once. Tokio's clock is
//! paused, so that no test waits.
#![cfg(unix)]
#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "in a test a panic is the failure message")]

use std::time::Duration;

use haproxyadmin::fake::{Acl, Backend, Certificate, Fault, Map, Process, Running, Server};
use haproxyadmin::reconcile::{Desired, Plan, Reference};
use haproxyadmin::{Cluster, ErrorKind, Outcomes};
use tempfile::TempDir;
use tokio::time::Instant;

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
