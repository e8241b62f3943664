//! Counters of real HAProxy processes, read from the file in which they keep them (`shm-stats-file`).

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "in a test a panic is the failure message")]
#![allow(clippy::indexing_slicing, reason = "the same")]

mod support;

use std::collections::HashMap;
use std::env;
use std::fs;
use std::os::unix::fs::FileExt as _;
use std::time::{Duration, SystemTime};

use haproxyadmin::field::{COLUMNS, Column, Nature};
use haproxyadmin::snapshot::{CounterSource, Standing};
use haproxyadmin::stat::Row;
use haproxyadmin::watch::WatchOptions;
use haproxyadmin::{Cluster, ErrorKind, Process, Snapshot};
use support::{
    Clients, Inside, Member, Running, ask, contained, release, send_shared_traffic, shared_cluster,
    shared_config, shared_file, until,
};

const SHARING: Member = Member::Sharing;
const ALONE: Member = Member::Alone("3.4");

async fn cluster(running: &Running) -> Cluster {
    Cluster::from_dir(running.stats()).await.unwrap()
}

/// Returns a snapshot in which the guids of all rows are known: there is traffic that tells them apart.
async fn snapshot(running: &Running) -> Snapshot {
    send_shared_traffic(running).await;
    cluster(running).await.snapshot().await.unwrap()
}

fn shared_columns() -> impl Iterator<Item = &'static Column> {
    COLUMNS.iter().filter(|column| column.shared)
}

/// A value of a process that can be in the file.
#[derive(Debug, Clone, PartialEq)]
struct Value {
    name: String,
    column: &'static Column,
    text: String,
    is_from_file: bool,
}

fn values(process: &Process) -> Vec<Value> {
    let rows = process.stat().unwrap().rows();
    let values = rows.flat_map(|row| {
        let object = format!("{} {}/{}", process.label(), row.proxy(), row.name());
        shared_columns().filter_map(move |column| {
            let (name, text) = (format!("{object} {}", column.name), row.get(column.name)?.to_owned());
            Some(Value { name, column, text, is_from_file: process.is_from_file(&row, column) })
        })
    });
    values.collect()
}

fn failures(snapshot: &Snapshot) -> Vec<(String, ErrorKind, String)> {
    let failed = snapshot.failed().map(|process| {
        let failure = process.failure().unwrap();
        (process.label().to_string(), failure.kind, failure.message.to_string())
    });
    failed.collect()
}

fn sources(snapshot: &Snapshot) -> Vec<CounterSource> {
    snapshot.processes().iter().map(Process::counter_source).collect()
}

#[tokio::test]
async fn all_shared_values_are_those_of_show_stat() {
    let running = shared_cluster(&[SHARING, SHARING]).await;
    let earlier = snapshot(&running).await;
    running.send_all(&[("web", 1, 3), ("both", 2, 5), ("plain", 1, 2)]).await;
    running.send("web", 2, "/denied", 2).await;
    let cluster = cluster(&running).await;
    let mut rates = 0;
    // Counters are the same in three reads, and the values of the file lie between those of the replies.
    until("a quiet moment", async || {
        let before = cluster.snapshot().await.unwrap();
        let read = earlier.with_counters_from_files().await;
        let after = cluster.snapshot().await.unwrap();
        assert_eq!(failures(&read), []);
        let mut compared = 0;
        for (n, process) in read.processes().iter().enumerate() {
            let [before, after] = [&before, &after].map(|one| values(&one.processes()[n]));
            for (Value { name, column, text, is_from_file }, (before, after)) in
                values(process).into_iter().zip(before.into_iter().zip(after))
            {
                let cells = [&before.text, &text, &after.text];
                if !is_from_file || cells.iter().all(|cell| cell.is_empty()) {
                    continue;
                }
                let [before, value, after] = cells.map(|cell| cell.parse::<i64>().unwrap());
                match column.nature {
                    // An age goes on in the seconds between the replies, and a rate falls.
                    Nature::Age => assert!(before <= value && value <= after, "{name}: {cells:?}"),
                    Nature::Rate => {
                        assert!(before >= value && value >= after, "{name}: {cells:?}");
                        rates += i64::from(value > 0 && before == after);
                    }
                    _ if before != after => return None,
                    _ => assert_eq!(value, before, "{name}"),
                }
                compared += 1;
            }
        }
        assert!(compared > 400, "{compared}");
        Some(())
    })
    .await;
    assert!(rates > 0);
}

#[tokio::test]
async fn figures_are_merged_to_the_truth_and_tell_their_origin() {
    let running = shared_cluster(&[SHARING, SHARING, ALONE]).await;
    let earlier = snapshot(&running).await;
    running.send_all(&[("web", 1, 3), ("web", 2, 4), ("web", 3, 50), ("plain", 1, 9)]).await;
    let begin = SystemTime::now() - Duration::from_micros(1);
    let read = earlier.with_counters_from_files().await;
    assert_eq!(sources(&read), [CounterSource::File, CounterSource::File, CounterSource::Reply]);
    assert_eq!(failures(&read), []);
    let web = read.frontend("web").unwrap();
    assert_eq!((web.requests(), web.stot()), (49.into(), Some(49)));
    assert_eq!(web.requests_per_process(), [("1", 49), ("2", 49), ("3", 0)]);
    // Each process has a backend of its own in the file; `plain` is in no file.
    let app = read.backend("app").unwrap();
    let own = [("1", 30 + 5 + 3 + 9), ("2", 12 + 7 + 4), ("3", 0)];
    assert_eq!(app.requests_per_process(), own);
    assert_eq!(read.frontend("plain").unwrap().requests(), 12);
    // The earlier snapshot is as it was.
    assert_eq!(earlier.frontend("web").unwrap().requests(), 42);
    assert_eq!(sources(&earlier), [CounterSource::Reply; 3]);

    for (process, before) in read.processes().iter().zip(earlier.processes()) {
        assert_eq!(process.read_at(), before.read_at());
        if process.counter_source() == CounterSource::File {
            assert!((begin..=SystemTime::now()).contains(&process.counters_read_at()));
            assert!(process.heartbeat_age().unwrap() < Duration::from_secs(30));
        } else {
            assert_eq!(process.counters_read_at(), before.read_at());
            assert_eq!(process.heartbeat_age(), None);
        }
        assert!(!process.is_suspended());
    }
    let column = |name: &str| COLUMNS.iter().find(|column| column.name == name).unwrap();
    let process = &read.processes()[0];
    let is_from_file = |proxy: &str, name: &str, of: &str| {
        let is_it = |row: &Row<'_>| row.proxy() == proxy && row.name() == name;
        let row = process.stat().unwrap().rows().find(is_it).unwrap();
        process.is_from_file(&row, column(of))
    };
    assert!(is_from_file("web", "FRONTEND", "stot") && is_from_file("app", "a1", "rate"));
    assert!(!is_from_file("web", "FRONTEND", "scur") && !is_from_file("plain", "FRONTEND", "stot"));

    // A second read starts from the first one as well as from the reply.
    running.send("web", 1, "/", 1).await;
    let again = read.with_counters_from_files().await;
    assert_eq!(again.frontend("web").unwrap().requests(), 50);
    assert_eq!(read.frontend("web").unwrap().requests(), 49);
    assert_eq!(earlier.join(&again).join(&read).frontend("web").unwrap().requests(), 50);
}

#[tokio::test]
async fn a_process_that_is_stopped_is_read_all_the_same() {
    let running = shared_cluster(&[SHARING, SHARING]).await;
    let earlier = snapshot(&running).await;
    running.hang(1);
    running.send("web", 2, "/", 8).await;
    let read = earlier.with_counters_from_files().await;
    assert_eq!(failures(&read), []);
    assert_eq!(read.frontend("web").unwrap().requests_per_process(), [("1", 50), ("2", 50)]);
    let suspended: Vec<_> = read.processes().iter().map(Process::is_suspended).collect();
    assert_eq!(suspended, [true, false]);
    until("its heartbeat is late", async || {
        let read = earlier.with_counters_from_files().await;
        let age = |n: usize| read.processes()[n].heartbeat_age().unwrap();
        (age(0) > Duration::from_secs(3) && age(0) > age(1)).then_some(())
    })
    .await;
    running.resume(1);
}

#[tokio::test]
async fn the_time_goes_on_in_the_file_of_a_single_process_that_is_stopped() {
    let running = shared_cluster(&[SHARING]).await;
    running.send_all(&[("web", 1, 30), ("plain", 1, 5), ("both", 1, 4)]).await;
    let earlier = cluster(&running).await.snapshot().await.unwrap();
    running.hang(1);
    until("its rate is 0, and its last session is old", async || {
        let read = earlier.with_counters_from_files().await;
        assert_eq!(failures(&read), []);
        assert_eq!(read.frontend("web").unwrap().requests(), 30);
        let age = read.processes()[0].heartbeat_age().unwrap();
        let app = read.backend("app").unwrap();
        let is_over = age > Duration::from_secs(2) && app.lastsess() >= Some(2);
        (is_over && read.frontend("web").unwrap().req_rate() == Some(0)).then_some(())
    })
    .await;
    running.resume(1);
}

#[tokio::test]
async fn a_process_that_ended_or_was_restarted_has_failed() {
    let mut running = shared_cluster(&[SHARING, SHARING]).await;
    let earlier = snapshot(&running).await;
    running.restart(2).await;
    running.send("web", 2, "/", 3).await;
    let read = earlier.with_counters_from_files().await;
    let gone = |n: &str| (n.to_owned(), ErrorKind::NotFound, "the process is gone".to_owned());
    assert_eq!(failures(&read), [gone("2")]);
    assert_eq!(read.frontend("web").unwrap().requests(), 45);
    let error = read.clone().complete().unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Incomplete);
    assert_eq!(read.since(&earlier).processes()[1].standing(), Standing::Failed);
    let anew = cluster(&running).await.snapshot().await.unwrap();
    assert_eq!(failures(&anew.with_counters_from_files().await), []);

    running.kill(1);
    assert_eq!(failures(&earlier.with_counters_from_files().await), [gone("1"), gone("2")]);
    assert_eq!(failures(&anew.with_counters_from_files().await), [gone("1")]);
    // A process that failed in an earlier read is read again, from its reply.
    assert_eq!(failures(&read.with_counters_from_files().await), [gone("1"), gone("2")]);
}

#[tokio::test]
async fn a_process_that_added_a_server_must_be_read_anew() {
    let running = shared_cluster(&[SHARING, SHARING]).await;
    let earlier = snapshot(&running).await;
    assert_eq!(failures(&earlier.with_counters_from_files().await), []);
    let add = format!("add server app/a3 {} guid app-a3", running.servers[0].address());
    let reply = ask(running.socket(1), &add).await;
    assert!(reply.starts_with(b"New server registered."), "{}", String::from_utf8_lossy(&reply));
    let read = earlier.with_counters_from_files().await;
    let text = "its counters in shm-stats-file do not belong to its rows any more: its objects changed, or \
                its counters fell";
    assert_eq!(failures(&read), [("1".to_owned(), ErrorKind::NotFound, text.to_owned())]);
    let anew = cluster(&running).await.snapshot().await.unwrap();
    assert_eq!(failures(&anew.with_counters_from_files().await), []);
    assert_eq!(anew.servers().len(), earlier.servers().len() + 1);
}

#[tokio::test]
async fn a_layout_that_is_not_known_is_refused_by_name() {
    let running = shared_cluster(&[SHARING, SHARING]).await;
    let earlier = snapshot(&running).await;
    // HAProxy checks the version only when it starts.
    let file = fs::OpenOptions::new().write(true).open(shared_file(&running)).unwrap();
    file.write_all_at(&[1, 9], 0).unwrap();
    let text = "layout 1.9 of shm-stats-file is not known, only 1.1, 1.2 and 1.3 are";
    let refused = |n: &str| (n.to_owned(), ErrorKind::Unsupported, text.to_owned());
    assert_eq!(failures(&earlier.with_counters_from_files().await), [refused("1"), refused("2")]);
    let late = cluster(&running).await.snapshot().await.unwrap();
    assert_eq!(failures(&late.with_counters_from_files().await), [refused("1"), refused("2")]);
}

#[tokio::test]
async fn a_file_that_was_replaced_is_not_read() {
    let running = shared_cluster(&[SHARING]).await;
    running.send_all(&[("web", 1, 30), ("plain", 1, 5), ("both", 1, 4)]).await;
    let earlier = cluster(&running).await.snapshot().await.unwrap();
    let (path, other) = (shared_file(&running), running.dir().join("other"));
    fs::write(&other, fs::read(&path).unwrap()).unwrap();
    fs::rename(&other, &path).unwrap();
    running.send("web", 1, "/", 1).await;
    let read = earlier.with_counters_from_files().await;
    // Only some users may read `/proc/PID/map_files`, which leads to the file of the process.
    match failures(&read).as_slice() {
        [] => assert_eq!(read.frontend("web").unwrap().requests(), 31),
        [(_, kind, text)] => {
            let expected = format!("{} is another file now", path.display());
            assert_eq!((*kind, text), (ErrorKind::Io, &expected));
        }
        several => panic!("{several:?}"),
    }
}

#[tokio::test]
async fn processes_whose_file_cannot_be_seen_are_as_before() {
    let running = shared_cluster(&[SHARING, SHARING]).await;
    send_shared_traffic(&running).await;
    // A container has a PID that no HAProxy outside has.
    let hidden = |n: usize| Inside { pid: Some(u32::try_from(n).unwrap()), list: None };
    let (folder, _containers) = contained(&running, hidden);
    let addresses: Vec<_> = (1..=2).map(|n| folder.join(format!("{n}.sock"))).collect();
    let declared = Cluster::builder().dir(&folder).shared_counters("edge", addresses);
    let earlier = declared.build().await.unwrap().snapshot().await.unwrap();
    let read = earlier.with_counters_from_files().await;
    assert_eq!(read, earlier);
    assert_eq!(sources(&read), [CounterSource::Reply; 2]);
}

#[tokio::test]
async fn rates_are_those_of_the_time_between_two_reads_of_the_file() {
    let running = shared_cluster(&[SHARING, SHARING]).await;
    let reply = snapshot(&running).await;
    let earlier = reply.with_counters_from_files().await;
    running.send_all(&[("web", 1, 6), ("plain", 1, 3)]).await;
    let later = reply.with_counters_from_files().await;
    let delta = later.since(&earlier);
    let requests = delta.frontend("web").unwrap().requests().unwrap();
    assert_eq!(requests.count(), 6);
    let time = |snapshot: &Snapshot| snapshot.processes()[0].counters_read_at();
    let covers = time(&later).duration_since(time(&earlier)).unwrap();
    assert_eq!(requests.per_process()[0].covers, covers);
    assert_eq!(delta.processes()[0].covers(), Some(covers));
    let rate = 6.0 / covers.as_secs_f64();
    assert!((requests.rate().unwrap() - rate).abs() < rate / 1000.0);
    // The others have one reply for both moments.
    assert_eq!(delta.frontend("plain").unwrap().requests(), None);
    assert_eq!(delta.frontend("web").unwrap().increase("h1_total_connections").unwrap(), None);
    assert_eq!(delta.info().increase("CumReq").unwrap(), None);
    assert_eq!(later.since(&later).processes()[0].standing(), Standing::SameReply);
    assert_eq!(earlier.since(&later).processes()[0].standing(), Standing::Backwards);

    // From the reply to the file, and from the file to the next reply.
    let first = earlier.since(&reply).frontend("web").unwrap().requests().unwrap();
    let from_reply = time(&earlier).duration_since(reply.processes()[0].read_at()).unwrap();
    assert_eq!((first.count(), first.per_process()[0].covers), (0.into(), from_reply));
    let last = cluster(&running).await.snapshot().await.unwrap();
    let last_delta = last.since(&earlier);
    assert_eq!(last_delta.frontend("web").unwrap().requests().unwrap().count(), 6);
    assert_eq!(last_delta.frontend("plain").unwrap().requests().unwrap().count(), 3);
}

#[tokio::test]
async fn what_was_read_from_a_file_is_stored_with_its_origin() {
    let running = shared_cluster(&[SHARING, SHARING]).await;
    let earlier = snapshot(&running).await;
    running.send("web", 1, "/", 5).await;
    let read = earlier.with_counters_from_files().await;
    let text = serde_json::to_string(&read).unwrap();
    let stored: Snapshot = serde_json::from_str(&text).unwrap();
    assert_eq!(stored, read);
    assert_ne!(stored, earlier);
    assert_eq!(stored.frontend("web").unwrap().requests(), 47);
    for (stored, read) in stored.processes().iter().zip(read.processes()) {
        assert_eq!(stored.counter_source(), CounterSource::File);
        assert_eq!(stored.counters_read_at(), read.counters_read_at());
        assert_eq!(stored.heartbeat_age(), read.heartbeat_age());
        assert_eq!(values(stored), values(read));
    }
    assert_eq!(stored.with_counters_from_files().await, stored);
    // A snapshot without the field is that of a reply.
    let mut value: serde_json::Value = serde_json::from_str(&text).unwrap();
    for process in value["processes"].as_array_mut().unwrap() {
        process.as_object_mut().unwrap().remove("counters").unwrap();
    }
    let old: Snapshot = serde_json::from_value(value).unwrap();
    assert_eq!(sources(&old), [CounterSource::Reply; 2]);
}

#[tokio::test]
async fn counters_never_fall_under_load() {
    // More reads by hand: `READS=1000000`.
    let reads: usize = env::var("READS").map_or(1_000, |reads| reads.parse().unwrap());
    let running = shared_cluster(&[SHARING, SHARING]).await;
    let earlier = snapshot(&running).await;
    let clients = Clients::start(&running, "web");
    let mut highest: HashMap<(usize, usize, usize), i64> = HashMap::new();
    let (mut grown, mut torn) = (0u64, 0u64);
    for _ in 0..reads {
        let read = earlier.with_counters_from_files().await;
        assert_eq!(failures(&read), []);
        for (n, process) in read.processes().iter().enumerate() {
            for (r, row) in process.stat().unwrap().rows().enumerate() {
                for (c, value) in counters(&row) {
                    let highest = highest.entry((n, r, c)).or_insert(value);
                    torn += u64::from(value < *highest);
                    grown += u64::from(value > *highest);
                    *highest = value.max(*highest);
                }
            }
        }
    }
    let (sent, lost) = clients.end().await;
    // On a busy machine, a few connections of the clients are refused.
    let answered = sent - lost.len();
    println!("{reads} reads, {answered} requests, {} counters, {grown} times grown", highest.len());
    assert_eq!(torn, 0);
    assert!(grown > 0 && highest.len() > 500, "{grown} {}", highest.len());
}

/// Returns some counters of each kind of row.
fn counters(row: &Row<'_>) -> impl Iterator<Item = (usize, i64)> {
    let values = [
        row.stot(),
        row.bin(),
        row.bout(),
        row.reqbout(),
        row.resbout(),
        row.dreq(),
        row.dresp(),
        row.ereq(),
        row.econ(),
        row.eresp(),
        row.wretr(),
        row.lbtot(),
        row.hrsp_2xx(),
        row.hrsp_4xx(),
        row.hrsp_5xx(),
        row.req_tot(),
        row.cli_abrt(),
        row.connect(),
        row.reuse(),
        row.conn_tot(),
        row.h1sess(),
        row.h1req(),
        row.intercepted(),
        row.eint(),
    ];
    let values = values.into_iter().enumerate();
    values.filter_map(|(at, value)| Some((at, i64::try_from(value?).unwrap())))
}

#[tokio::test]
async fn a_watch_reads_counters_without_asking() {
    let mut running = shared_cluster(&[SHARING, SHARING]).await;
    send_shared_traffic(&running).await;
    let options = WatchOptions::new()
        .every(Duration::from_millis(100))
        .figures_every(Duration::from_secs(3600))
        .counters_from_files(Duration::from_millis(20))
        .jitter(Duration::ZERO);
    let mut watch = cluster(&running).await.watch(options).await.unwrap();
    running.send("web", 1, "/", 8).await;
    let figures = until("the counters are those of the file", async || {
        let picture = watch.changed().await.unwrap();
        let figures = picture.figures().unwrap().clone();
        (figures.frontend("web").unwrap().requests() == 50).then_some(figures)
    })
    .await;
    assert_eq!(sources(&figures), [CounterSource::File; 2]);
    // A process that was restarted is read through its socket at once, and not an hour later.
    let before = figures.processes()[1].pid();
    running.restart(2).await;
    until("the new process is read from the file", async || {
        let picture = watch.changed().await.unwrap();
        let process = &picture.figures()?.processes()[1];
        let is_new = process.pid().is_some() && process.pid() != before;
        (is_new && process.counter_source() == CounterSource::File).then_some(())
    })
    .await;
    watch.stop().await;
}

#[tokio::test]
async fn a_process_that_joins_the_file_changes_nothing_for_the_others() {
    let mut running = shared_cluster(&[SHARING]).await;
    running.send_all(&[("web", 1, 30), ("plain", 1, 5), ("both", 1, 4)]).await;
    let earlier = cluster(&running).await.snapshot().await.unwrap();
    assert_eq!(failures(&earlier.with_counters_from_files().await), []);
    let config = shared_config(&running, 2, SHARING).set("THREADS", "nbthread 2\n    thread-groups 2");
    running.add(&release("3.4"), "process2", &config).await;
    running.send("web", 2, "/", 12).await;
    let read = earlier.with_counters_from_files().await;
    assert_eq!(failures(&read), []);
    // The first process has one thread group, and prints what it counts.
    let printed = support::row(running.socket(1), "web", "FRONTEND").await.number("stot");
    assert_eq!(read.frontend("web").unwrap().requests(), printed);
    let both = cluster(&running).await.snapshot().await.unwrap().with_counters_from_files().await;
    assert_eq!(failures(&both), []);
    assert_eq!(both.frontend("web").unwrap().requests(), 42);
}
