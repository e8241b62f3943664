//! Futures that are dropped after each number of polls, at random times and while a process hangs. Other threads of the
//! runtime parse meanwhile. No task, no open descriptor and no permit is left. It is a test file of its own, with one
//! test, because it counts the tasks and the descriptors of the whole program.
//!
//! Each check finds a fault of its own:
//!
//! - tasks: a task that is not aborted with its caller. While a process hangs, it would live as long as its limit.
//! - descriptors: a connection or a file that is kept.
//! - permits: a permit that is not returned. [`Site::assert_every_permit_is_back`] uses all of them at once.
//! - figures: an answer that is taken for the answer to another call, and a change that is in the processes by halves.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "in a test a panic is the failure message")]
#![allow(clippy::indexing_slicing, reason = "the same")]

use std::cell::RefCell;
use std::fmt::Write as _;
use std::pin::pin;
use std::time::{Duration, Instant, SystemTime};
use std::{env, fs};

use futures::StreamExt as _;
use haproxyadmin::snapshot::CounterSource;
use haproxyadmin::watch::WatchOptions;
use haproxyadmin::{Change, Cluster, Limits, Map, Outcomes, Weight};
use tokio::time::timeout;

mod support;

use support::{
    Baseline, Config, Random, Running, ask, assert_no_leftovers, every_cell, release, releases, shared_file,
    until,
};

/// The backend of each process has as many servers, so a reply is parsed in ten pieces or more.
const SERVERS: usize = 1_000;

/// Number of entries that are added to a map in several commands.
const ENTRIES: usize = 2_000;

/// Requests to each process.
const REQUESTS: u64 = 3;

/// Number of futures of each call that are dropped at random times.
const DROPS: usize = 15;

/// A time that no call needs, even on a busy machine. Calls themselves have longer limits.
const LIMIT: Duration = Duration::from_secs(30);

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn nothing_is_left_of_a_future_that_is_dropped() {
    let seed = env::var("LEAK_SEED").ok().and_then(|seed| seed.parse().ok());
    let nanos = || SystemTime::UNIX_EPOCH.elapsed().unwrap().subsec_nanos().into();
    let seed: u64 = seed.unwrap_or_else(nanos);
    eprintln!("LEAK_SEED={seed}");
    let running = processes().await;
    let (baseline, random) = (Baseline::new(), RefCell::new(Random::new(seed)));
    // With one permit, the loss of any permit stops the next call. With one for each process, all threads parse.
    for permits in [1, running.processes()] {
        let cluster = cluster(&running, permits).await;
        let site = Site { running: &running, baseline, random: &random, cluster, permits };
        site.drop_reads().await;
        site.drop_changes().await;
        site.drop_watches().await;
    }
    baseline.assert_reached("without a cluster").await;
    for socket in running.sockets() {
        assert_no_leftovers(&socket, "all calls dropped").await;
    }
}

/// Starts a process of every release, and one more of the newest. The processes of the newest share their counters.
async fn processes() -> Running {
    let mut running = Running::new();
    fs::write(running.dir().join("many.map"), "").unwrap();
    fs::write(running.dir().join("whole.map"), "old one\nolder two\n").unwrap();
    let mut config = CONFIG.to_owned();
    for server in 0..SERVERS {
        let address = format!("127.0.0.1:{}", 10_000 + server);
        writeln!(config, "    server s{server} {address} guid s{server} weight 10  # since 3.0").unwrap();
        writeln!(config, "    server s{server} {address} weight 10  # until 2.6").unwrap();
    }
    let config = Config::admin(&config).set("FILE", shared_file(&running).display());
    for (n, release) in (1..).zip(releases().into_iter().chain([release("3.4")])) {
        running.add(&release, &n.to_string(), &config.clone().set("N", n)).await;
    }
    for n in 1..=running.processes() {
        running.send("web", n, "/", REQUESTS).await;
    }
    running
}

const CONFIG: &str = r#"global
    shm-stats-file "${FILE}"  # since 3.4
    shm-stats-file-max-objects 4000  # since 3.4
ring states
    format raw
    maxlen 1024
    size 65536
frontend web
    guid web  # since 3.0
    bind "unix@${DIR}/traffic/web.${N}"
    http-request set-header X-Many %[req.hdr(host),map("${DIR}/many.map",none)]
    http-request set-header X-Whole %[req.hdr(host),map("${DIR}/whole.map",none)]
    http-request return status 200 if { path / }  # since 2.6
    http-request deny if { path / }  # until 2.2
    default_backend app
backend app
    guid app  # since 3.0
    balance roundrobin
"#;

/// Returns a cluster with one connection to each process, and `permits` connections to all processes. Its limits are so
/// long that a task which is not aborted outlives the test, also with one permit, where a process that hangs has a
/// share of the time.
async fn cluster(running: &Running, permits: usize) -> Cluster {
    let longest = LIMIT * 20;
    let limits =
        Limits::new().with_max_connections(1).with_command_timeout(longest).with_idle_timeout(longest);
    Cluster::builder().dir(running.stats()).max_connections(permits).limits(limits).build().await.unwrap()
}

/// Processes, and a cluster with a number of permits.
struct Site<'a> {
    running: &'a Running,
    baseline: Baseline,
    random: &'a RefCell<Random>,
    cluster: Cluster,
    permits: usize,
}

impl Site<'_> {
    async fn drop_reads(&self) {
        let cluster = &self.cluster;
        let read = self.drop_each("snapshot", || cluster.snapshot()).await.unwrap();
        self.drop_while_a_process_hangs("snapshot", || cluster.snapshot()).await;
        let stream = async || {
            let mut answers = cluster.snapshot_stream();
            let mut count = 0;
            while answers.next().await.is_some() {
                count += 1;
            }
            (count, answers.await.unwrap())
        };
        let (count, streamed) = self.drop_each("snapshot_stream", &stream).await;
        assert_eq!((count, streamed.processes().len()), (self.running.processes(), read.processes().len()));
        self.drop_while_a_process_hangs("snapshot_stream", &stream).await;
        self.drop_each("info", || cluster.info()).await.unwrap();
        self.drop_while_a_process_hangs("info", || cluster.info()).await;
        // The first read finds the numbers of the server, and the others ask with them.
        assert_eq!(cluster.server("app", "s7").await.unwrap().processes().len(), self.running.processes());
        let server = self.drop_each("server", || cluster.server("app", "s7")).await.unwrap();
        assert_eq!((server.name(), server.processes().len()), ("s7", self.running.processes()));
        self.drop_while_a_process_hangs("server", || cluster.server("app", "s7")).await;

        let newer = self.drop_each("with_counters_from_files", || read.with_counters_from_files()).await;
        let from_file = newer.processes().iter().filter(|one| one.counter_source() == CounterSource::File);
        assert!(newer.is_complete());
        assert_eq!(from_file.count(), 2);
    }

    async fn drop_changes(&self) {
        let cluster = &self.cluster;
        let (s7, weight) = (cluster.server_ref("app", "s7").unwrap(), 10 + self.permits);
        let set = Weight::absolute(u8::try_from(weight).unwrap().into()).unwrap();
        self.drop_each("set_weight", || s7.set_weight(set)).await.unwrap();
        self.drop_while_a_process_hangs("set_weight", || s7.set_weight(set)).await;
        let weights = vec![weight.to_string(); self.running.processes()];
        assert_eq!(every_cell(self.running, "app", "s7", "weight").await, weights);

        let entries: Vec<_> =
            (0..ENTRIES).map(|n| (format!("host-{n}.example"), format!("app-{n}"))).collect();
        let pairs = || entries.iter().map(|(key, value)| (key, value));
        let many = cluster.map(self.file("many.map")).unwrap();
        let clear = async || {
            for socket in self.running.sockets() {
                ask(socket, &format!("clear map {}", self.file("many.map"))).await;
            }
        };
        clear().await;
        let add = || many.add_all(pairs());
        let checked = async |after: &str| {
            let sizes = sizes(&many).await;
            assert!(sizes.iter().all(|size| *size <= 3 * ENTRIES), "{after}: {sizes:?}");
            clear().await;
        };
        self.drop_and_check("add_all", add, checked).await.unwrap();
        assert_eq!(add().await.unwrap().values().count(), self.running.processes());
        assert_eq!(sizes(&many).await, vec![ENTRIES; self.running.processes()]);

        // HAProxy 2.2 replaces no map.
        let known: Vec<_> = (2..=self.running.processes()).map(|n| n.to_string()).collect();
        let whole = cluster.only(known.iter().map(String::as_str)).map(self.file("whole.map")).unwrap();
        let old = sizes(&whole).await[0];
        let new = ENTRIES + self.permits;
        let pairs = || (0..new).map(|n| (format!("host-{n}.example"), "app"));
        let checked = async |after: &str| {
            let sizes = sizes(&whole).await;
            assert!(sizes.iter().all(|size| [old, new].contains(size)), "{after}: {sizes:?}");
        };
        let replaced: Outcomes<Change> =
            self.drop_and_check("replace", || whole.replace(pairs()), checked).await.unwrap();
        assert_eq!(replaced.values().count(), known.len());
        assert_eq!(sizes(&whole).await, vec![new; known.len()]);
    }

    async fn drop_watches(&self) {
        let beat = Duration::from_millis(20);
        let options =
            || WatchOptions::new().every(beat).figures_every(beat).jitter(Duration::ZERO).ring("states");
        let states = async || {
            let mut watch = self.cluster.watch(options()).await.unwrap();
            for _ in 0..3 {
                watch.changed().await.unwrap();
            }
            watch.latest().processes().iter().map(|process| process.servers().len()).collect::<Vec<_>>()
        };
        let servers = self.drop_each("watch", states).await;
        assert_eq!(servers, vec![SERVERS; self.running.processes()]);
    }

    /// Drops futures of `call` after each number of polls, and at random times. Returns the output of one that was not
    /// dropped.
    async fn drop_each<F: Future>(&self, name: &str, call: impl Fn() -> F) -> F::Output {
        self.drop_and_check(name, call, async |_| ()).await
    }

    /// The same with another check after each drop, or after some drops in a row.
    async fn drop_and_check<F: Future>(
        &self,
        name: &str,
        call: impl Fn() -> F,
        check: impl AsyncFn(&str),
    ) -> F::Output {
        let name = format!("{name} (permits: {})", self.permits);
        let check = async |after: &str| {
            self.assert_no_socket_is_blocked(after).await;
            check(after).await;
        };
        let begin = Instant::now();
        let (polls, output) = self.baseline.drop_at_every_poll(&name, &call, &check).await;
        let start = Instant::now();
        call().await;
        let longest = start.elapsed();
        check(&name).await;
        let below = |end| self.random.borrow_mut().below(end);
        self.baseline.drop_at_random_times(&name, DROPS, (below, longest), &call, &check).await;
        self.assert_every_permit_is_back(&name).await;
        self.assert_figures(&name).await;
        eprintln!("{name}: {polls} polls, a call in {longest:?}, all drops in {:?}", begin.elapsed());
        output
    }

    /// Drops futures of `call` while a process hangs, so that none of them ends. A task that is not aborted lives on.
    async fn drop_while_a_process_hangs<F: Future>(&self, name: &str, call: impl Fn() -> F) {
        let name = format!("{name} while a process hangs (permits: {})", self.permits);
        let n = self.random.borrow_mut().below(self.running.processes()) + 1;
        self.running.hang(n);
        let below = |end| self.random.borrow_mut().below(end);
        let longest = Duration::from_millis(50);
        self.baseline.drop_at_random_times(&name, DROPS / 3, (below, longest), call, async |_| ()).await;
        self.running.resume(n);
        self.assert_every_permit_is_back(&name).await;
    }

    /// Fails if a call waits for the permit of a process, or for the only permit of the cluster.
    async fn assert_no_socket_is_blocked(&self, after: &str) {
        let info = timeout(LIMIT, self.cluster.info()).await;
        info.unwrap_or_else(|_| panic!("{after}: a permit is not back, and a call waits for it")).unwrap();
    }

    /// Fails unless as many connections as there are permits are open at the same time. All processes hang meanwhile,
    /// so none of the connections ends before the others.
    async fn assert_every_permit_is_back(&self, after: &str) {
        // Processes share a part of the permits if their last call was dropped. This call ends.
        self.assert_no_socket_is_blocked(after).await;
        let processes = 1..=self.running.processes();
        processes.clone().for_each(|n| self.running.hang(n));
        let are_open = async || (self.baseline.descriptors_more() >= self.permits).then_some(());
        let mut info = pin!(self.cluster.info());
        let what = format!("{after}: {} permits are free", self.permits);
        tokio::select! {
            _ = &mut info => panic!("{after}: an answer of a process that hangs"),
            () = until(&what, are_open) => {}
        }
        processes.for_each(|n| self.running.resume(n));
        info.await.unwrap();
        self.baseline.assert_reached(after).await;
    }

    /// Fails unless the figures of the cluster are those of the processes.
    async fn assert_figures(&self, after: &str) {
        let snapshot = self.cluster.snapshot().await.unwrap();
        assert!(snapshot.is_complete(), "{after}");
        assert_eq!(snapshot.processes().len(), self.running.processes(), "{after}");
        assert_eq!(snapshot.servers().len(), SERVERS, "{after}");
        let requests = REQUESTS * u64::try_from(self.running.processes()).unwrap();
        assert_eq!(snapshot.frontend("web").unwrap().requests(), requests, "{after}");
    }

    fn file(&self, name: &str) -> String {
        self.running.dir().join(name).display().to_string()
    }
}

/// Returns the number of entries in each process.
async fn sizes(map: &Map) -> Vec<usize> {
    let contents = map.show().await.unwrap();
    contents.per_process().map(|(_, entries)| entries.len()).collect()
}
