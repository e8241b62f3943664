//! Costs of operations as their input grows: no operation is quadratic.
//!
//! Each operation is timed with inputs of `n` and `8 n`. Linear work takes 8 times as long,
//! quadratic work 64 times. The time is the processor time of this thread, so other programs
//! disturb it little.
#![cfg(unix)]
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "in a test a panic is the failure message")]
#![allow(clippy::indexing_slicing, reason = "the same")]

use std::fmt::Write as _;
use std::hint::black_box;
use std::time::Duration;

use haproxyadmin::fake::{Map, Process};
use haproxyadmin::stat::StatParser;
use haproxyadmin::{Cluster, Snapshot};
use rustix::time::{ClockId, clock_gettime};
use serde_json::{Value, json};
use tokio::runtime::{Builder, Runtime};

/// An operation with a cost that may grow with `n`.
struct Operation {
    name: &'static str,
    /// Size of the smaller input, which takes at least some tenths of a millisecond.
    n: usize,
    /// Makes an input of a size and returns the operation to time.
    prepare: fn(usize) -> Box<dyn FnMut()>,
}

const OPERATIONS: &[Operation] = &[
    Operation { name: "every metric of a process with unknown keys", n: 1000, prepare: metrics_of_keys },
    Operation { name: "every metric of a server with unknown columns", n: 1000, prepare: metrics_of_columns },
    Operation { name: "every metric of a server in many processes", n: 250, prepare: metrics_of_processes },
    Operation { name: "a header with unknown columns", n: 1000, prepare: header },
    Operation { name: "rows", n: 4000, prepare: rows },
    Operation { name: "rows with quotes", n: 1000, prepare: quoted_rows },
    Operation { name: "a quoted cell that comes in small pieces", n: 7000, prepare: quoted_cell },
    Operation { name: "a snapshot of many rows to JSON and back", n: 2000, prepare: rows_as_json },
    Operation { name: "a snapshot of many keys to JSON and back", n: 1000, prepare: keys_as_json },
    Operation { name: "labels of many processes", n: 500, prepare: labels },
    Operation { name: "a label of a path with many folders", n: 4000, prepare: label_of_a_long_path },
    Operation { name: "every process by its label", n: 250, prepare: processes_by_label },
    Operation { name: "many snapshots joined", n: 500, prepare: join },
    Operation { name: "objects in another order in each process", n: 1000, prepare: index },
    Operation { name: "listeners of one name", n: 500, prepare: listeners_of_one_name },
    Operation { name: "every server by its name", n: 1000, prepare: servers_by_name },
    Operation { name: "every server of a backend by its name", n: 1000, prepare: children_by_name },
    Operation { name: "servers of one name", n: 2000, prepare: servers_of_one_name },
    Operation { name: "increases of servers in another order", n: 500, prepare: increases },
    Operation { name: "processes found at other addresses", n: 500, prepare: moved_processes },
    Operation { name: "what differs between two maps", n: 2000, prepare: differences },
    Operation { name: "a map", n: 2000, prepare: map },
    Operation { name: "a list of maps", n: 1000, prepare: maps },
    Operation { name: "many entries to be added", n: 1000, prepare: add_all },
    Operation { name: "an entry with many blanks", n: 10_000, prepare: splits },
    Operation { name: "states of servers", n: 500, prepare: states },
];

/// Limit of the ratio, between linear work (8) and quadratic work (64).
const LIMIT: f64 = 28.0;

#[test]
fn no_cost_is_quadratic() {
    let mut table = String::new();
    let mut slow = Vec::new();
    for operation in OPERATIONS {
        let [mut small, mut large] = [1, 8].map(|factor| (operation.prepare)(factor * operation.n));
        let [mut shortest, mut longest] = [Duration::MAX; 2];
        let mut ratio = f64::INFINITY;
        // Other programs share the caches of the processor, so a slow result is measured again.
        for _ in 0..5 {
            shortest = shortest.min(best(15, &mut small));
            longest = longest.min(best(3, &mut large));
            ratio = longest.as_secs_f64() / shortest.as_secs_f64();
            if ratio < LIMIT {
                break;
            }
        }
        writeln!(table, "{ratio:6.1}  {shortest:>10.1?}  {longest:>10.1?}  {}", operation.name).unwrap();
        if ratio >= LIMIT {
            slow.push(operation.name);
        }
    }
    println!("{table}");
    assert!(slow.is_empty(), "quadratic: {slow:?}\n ratio       n          8 n\n{table}");
}

/// The shortest of `times` runs.
fn best(times: usize, run: &mut Box<dyn FnMut()>) -> Duration {
    let time = |_| {
        let start = processor_time();
        run();
        processor_time().saturating_sub(start)
    };
    (0..times).map(time).min().unwrap()
}

fn processor_time() -> Duration {
    clock_gettime(ClockId::ThreadCPUTime).try_into().unwrap()
}

/// One process of a snapshot.
fn process(n: usize, info: &[(String, String)], stat: &str) -> Value {
    json!({
        "host": "host", "address": format!("/run/{n}"), "read_at": 0, "level": "admin",
        "info": info, "stat": stat,
    })
}

fn failed(address: &str) -> Value {
    json!({
        "host": "host", "address": address, "read_at": 0,
        "error": { "kind": "Closed", "message": "closed" },
    })
}

fn written(processes: &[Value]) -> Value {
    json!({"format": 1, "processes": processes})
}

fn snapshot(processes: &[Value]) -> Snapshot {
    serde_json::from_value(written(processes)).unwrap()
}

/// A copy of the snapshot without an index.
fn anew(snapshot: &Snapshot) -> Snapshot {
    snapshot.filter(|_| true)
}

fn dump(header: &str, rows: impl Iterator<Item = String>) -> String {
    let rows: String = rows.collect();
    format!("# pxname,svname,type,{header}\n{rows}\n")
}

fn servers(n: usize) -> impl DoubleEndedIterator<Item = String> {
    (0..n).map(|n| format!("app,s{n},2,\n"))
}

fn keys(n: usize) -> Vec<(String, String)> {
    (0..n).map(|n| (format!("Key{n}"), n.to_string())).collect()
}

fn metrics_of_keys(n: usize) -> Box<dyn FnMut()> {
    let processes = [1, 2].map(|one| process(one, &keys(n), &dump("", std::iter::empty())));
    let info = snapshot(&processes).info();
    Box::new(move || assert_eq!(info.metrics().len(), n))
}

/// Names and cells of `n` unknown columns.
fn columns(n: usize) -> (String, String) {
    let names: Vec<_> = (0..n).map(|n| format!("c{n},")).collect();
    (names.concat(), "1,".repeat(n))
}

fn metrics_of_columns(n: usize) -> Box<dyn FnMut()> {
    let (names, cells) = columns(n);
    let stat = dump(&names, std::iter::once(format!("app,s1,2,{cells}\n")));
    let server = snapshot(&[1, 2].map(|one| process(one, &[], &stat))).server("app", "s1").unwrap();
    Box::new(move || assert_eq!(server.metrics().len(), n + 3))
}

fn metrics_of_processes(n: usize) -> Box<dyn FnMut()> {
    let one = |n| {
        let row = format!("app,s1,2,{n},UP,{n},{n},\n");
        process(n, &[], &dump("weight,status,stot,novel,", std::iter::once(row)))
    };
    let server = snapshot(&(0..n).map(one).collect::<Vec<_>>()).server("app", "s1").unwrap();
    Box::new(move || {
        let figures: Vec<_> = server.metrics().into_iter().map(|(_, figure)| figure).collect();
        black_box((serde_json::to_string(&figures).unwrap(), server.requests_per_process()));
    })
}

/// A process with an identity that was read after that many seconds.
fn read_after(seconds: u64, pid: usize, address: usize, stat: &str) -> Value {
    let info = [("Pid", pid), ("Start_time_sec", 1)].map(|(key, value)| (key.to_owned(), value.to_string()));
    let mut process = process(address, &info, stat);
    process["read_at"] = (seconds * 1_000_000).into();
    process
}

fn increases(n: usize) -> Box<dyn FnMut()> {
    let row = |n: usize| format!("app,s{n},2,3,{n},{n},\n");
    let backend = || std::iter::once("app,BACKEND,1,3,0,1,\n".to_owned());
    let one = dump("iid,sid,stot,", backend().chain((1..n).map(row)));
    let two = dump("iid,sid,stot,", backend().chain((1..n).rev().map(row)));
    let earlier = snapshot(&[read_after(5, 7, 1, &one)]);
    let later = snapshot(&[read_after(6, 7, 1, &two)]);
    Box::new(move || {
        let servers = later.since(&earlier).backend("app").unwrap().servers();
        assert!(servers.iter().all(|server| server.rate("stot").unwrap() == Some(0.0)));
        assert_eq!(servers.len(), n - 1);
    })
}

fn moved_processes(n: usize) -> Box<dyn FnMut()> {
    let row = dump("iid,sid,stot,", std::iter::once("app,BACKEND,1,3,0,1,\n".to_owned()));
    let all = |seconds, moved| {
        snapshot(&(1..=n).map(|n| read_after(seconds, n, n + moved, &row)).collect::<Vec<_>>())
    };
    let (earlier, later) = (all(5, 0), all(6, n));
    Box::new(move || assert_eq!(later.since(&earlier).counted().count(), n))
}

fn parse(text: &[u8], piece: usize) {
    let mut parser = StatParser::new();
    text.chunks(piece).for_each(|piece| parser.feed(piece).unwrap());
    black_box(parser.finish().unwrap());
}

fn header(n: usize) -> Box<dyn FnMut()> {
    let text = dump(&columns(n).0, std::iter::empty());
    Box::new(move || parse(text.as_bytes(), 1000))
}

fn rows(n: usize) -> Box<dyn FnMut()> {
    let text = dump("", servers(n));
    Box::new(move || parse(text.as_bytes(), 1000))
}

fn quoted_rows(n: usize) -> Box<dyn FnMut()> {
    let text = dump("last_chk,", (0..n).map(|n| format!("app,s{n},2,\"a \"\"b\"\"\n\n{n}\",\n")));
    Box::new(move || parse(text.as_bytes(), 1000))
}

fn quoted_cell(n: usize) -> Box<dyn FnMut()> {
    let text = dump("last_chk,", std::iter::once(format!("app,s1,2,\"{}\",\n", "a b\n".repeat(n / 4))));
    Box::new(move || parse(text.as_bytes(), 4))
}

fn as_json(snapshot: Snapshot) -> Box<dyn FnMut()> {
    Box::new(move || {
        let text = serde_json::to_string(&snapshot).unwrap();
        black_box(serde_json::from_str::<Snapshot>(&text).unwrap());
    })
}

fn rows_as_json(n: usize) -> Box<dyn FnMut()> {
    as_json(snapshot(&[process(1, &[], &dump("", servers(n)))]))
}

fn keys_as_json(n: usize) -> Box<dyn FnMut()> {
    as_json(snapshot(&[process(1, &keys(n), &dump("", std::iter::empty()))]))
}

fn labels(n: usize) -> Box<dyn FnMut()> {
    let all: Vec<_> = (0..n).map(|n| failed(&format!("/run/haproxy{}/{n}.sock", n % 3))).collect();
    let snapshot = snapshot(&all);
    Box::new(move || assert_eq!(anew(&snapshot).processes().len(), n))
}

fn label_of_a_long_path(n: usize) -> Box<dyn FnMut()> {
    let snapshot = snapshot(&[failed(&"/a".repeat(n)), failed(&"/b".repeat(n))]);
    Box::new(move || assert_eq!(anew(&snapshot).processes().len(), 2))
}

fn processes_by_label(n: usize) -> Box<dyn FnMut()> {
    let snapshot = snapshot(&(0..n).map(|n| failed(&format!("/run/{n}.sock"))).collect::<Vec<_>>());
    let labels: Vec<_> = snapshot.processes().iter().map(|process| process.label().clone()).collect();
    // Looks up a few processes many times: the table of many processes does not fit the processor's
    // caches.
    Box::new(move || {
        for _ in 0..20 {
            assert!(labels.iter().all(|label| snapshot.process(label).is_some()));
        }
    })
}

fn join(n: usize) -> Box<dyn FnMut()> {
    let one = |n| snapshot(&[process(n / 2, &[], &dump("", servers(1)))]);
    let snapshots: Vec<_> = (0..n).map(one).collect();
    Box::new(move || assert_eq!(Snapshot::joined(&snapshots).processes().len(), n / 2))
}

fn index(n: usize) -> Box<dyn FnMut()> {
    let forward = process(1, &[], &dump("", servers(n)));
    let backward = process(2, &[], &dump("", servers(n).rev()));
    let snapshot = snapshot(&[forward, backward]);
    Box::new(move || assert_eq!(anew(&snapshot).servers().len(), n))
}

fn listeners_of_one_name(n: usize) -> Box<dyn FnMut()> {
    let one = |n| format!("web,x,3,{n},127.0.0.1:{n},\n");
    let forward = process(1, &[], &dump("sid,addr,", (0..n).map(one)));
    let backward = process(2, &[], &dump("sid,addr,", (0..n).rev().map(one)));
    let snapshot = snapshot(&[forward, backward]);
    Box::new(move || assert_eq!(anew(&snapshot).listeners().len(), n))
}

/// A backend with `n` servers in two processes.
fn backend(n: usize) -> Snapshot {
    let rows = || servers(n).chain(["app,BACKEND,1,\n".to_owned()]);
    snapshot(&[1, 2].map(|one| process(one, &[], &dump("", rows()))))
}

fn servers_by_name(n: usize) -> Box<dyn FnMut()> {
    let (snapshot, names): (_, Vec<_>) = (backend(n), (0..n).map(|n| format!("s{n}")).collect());
    Box::new(move || {
        let snapshot = anew(&snapshot);
        assert!(names.iter().all(|name| snapshot.server("app", name).is_ok()));
    })
}

fn children_by_name(n: usize) -> Box<dyn FnMut()> {
    let (snapshot, names): (_, Vec<_>) = (backend(n), (0..n).map(|n| format!("s{n}")).collect());
    Box::new(move || {
        let backend = anew(&snapshot).backend("app").unwrap();
        assert!(names.iter().all(|name| backend.server(name).is_ok()));
    })
}

fn servers_of_one_name(n: usize) -> Box<dyn FnMut()> {
    let rows = (0..n).map(|n| format!("app{n},s1,2,\napp{n},s2,2,\napp{n},BACKEND,1,\n"));
    let snapshot = snapshot(&[process(1, &[], &dump("", rows))]);
    Box::new(move || assert_eq!(snapshot.servers_named("s1").len(), n))
}

fn runtime() -> Runtime {
    Builder::new_current_thread().enable_all().build().unwrap()
}

/// Runs `call` on a cluster of these processes.
fn on_fakes<F: Future<Output = ()> + 'static>(
    processes: Vec<Process>,
    call: impl Fn(Cluster) -> F + 'static,
) -> Box<dyn FnMut()> {
    let (runtime, dir) = (runtime(), tempfile::tempdir().unwrap());
    let (running, cluster) = runtime.block_on(async {
        let mut running = Vec::new();
        for (n, process) in (1..).zip(processes) {
            running.push(process.serve(dir.path().join(format!("{n}.sock"))).await.unwrap());
        }
        (running, Cluster::from_dir(dir.path()).await.unwrap())
    });
    Box::new(move || {
        black_box((&running, &dir));
        runtime.block_on(call(cluster.clone()));
    })
}

fn hosts(entries: impl Iterator<Item = usize>) -> Process {
    let map = entries.fold(Map::new("hosts"), |map, n| map.entry(&format!("k{n}"), "v"));
    Process::new("3.4").map(map)
}

fn map(n: usize) -> Box<dyn FnMut()> {
    on_fakes(vec![hosts(0..n)], move |cluster| async move {
        let contents = cluster.map("hosts").unwrap().show().await.unwrap();
        assert_eq!(contents.entries().unwrap().len(), n);
    })
}

fn differences(n: usize) -> Box<dyn FnMut()> {
    let runtime = runtime();
    let contents = runtime.block_on(async {
        let dir = tempfile::tempdir().unwrap();
        let one = hosts(0..n).serve(dir.path().join("1.sock")).await.unwrap();
        let two = hosts(n / 2..n + n / 2).serve(dir.path().join("2.sock")).await.unwrap();
        let cluster = Cluster::from_dir(dir.path()).await.unwrap();
        let contents = cluster.map("hosts").unwrap().show().await.unwrap();
        drop((one, two));
        contents
    });
    Box::new(move || assert_eq!(contents.differences().len(), n))
}

fn maps(n: usize) -> Box<dyn FnMut()> {
    let process = (0..n).fold(Process::new("3.4"), |process, n| process.map(Map::new(&format!("{n}.map"))));
    on_fakes(vec![process], move |cluster| async move {
        let maps = cluster.maps().await.unwrap();
        assert_eq!(maps.values().next().unwrap().1.len(), n);
    })
}

fn add_all(n: usize) -> Box<dyn FnMut()> {
    on_fakes(vec![hosts(0..1)], move |cluster| async move {
        let entries = (0..n).map(|n| (format!("k{n}"), "v"));
        cluster.map("hosts").unwrap().add_all(entries).await.unwrap();
    })
}

fn splits(n: usize) -> Box<dyn FnMut()> {
    let runtime = runtime();
    let contents = runtime.block_on(async {
        let dir = tempfile::tempdir().unwrap();
        let map = Map::new("hosts").entry("k", &"v ".repeat(n));
        let running = Process::new("3.4").map(map).serve(dir.path().join("1.sock")).await.unwrap();
        let cluster = Cluster::from_dir(dir.path()).await.unwrap();
        let contents = cluster.map("hosts").unwrap().show().await.unwrap();
        drop(running);
        contents
    });
    Box::new(move || {
        let entry = contents.entries().unwrap().next().unwrap();
        assert_eq!(black_box(entry.splits().collect::<Vec<_>>()).len(), n + 1);
    })
}

fn states(n: usize) -> Box<dyn FnMut()> {
    let server = |n| haproxyadmin::fake::Server::new(format!("s{n}"));
    let backend = haproxyadmin::fake::Backend::new("app");
    let backend = (0..n).map(server).fold(backend, haproxyadmin::fake::Backend::server);
    on_fakes(vec![Process::new("3.4").backend(backend)], |cluster| async move {
        cluster.server_ref("app", "s0").unwrap().fetch_state().await.unwrap();
    })
}
