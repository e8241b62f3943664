//! Processes of real HAProxy that keep their counters in one file (`shm-stats-file`).

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "in a test a panic is the failure message")]
#![allow(clippy::indexing_slicing, reason = "the same")]

mod support;

use std::fs;
use std::os::unix::fs::FileExt as _;
use std::time::Duration;

use haproxyadmin::field::{COLUMNS, Nature, RowKind, Rule};
use haproxyadmin::snapshot::ServerStats;
use haproxyadmin::snapshot::{CountRange, CounterSharing, MetricValue, ShmStatsFile};
use haproxyadmin::{Cluster, ClusterBuilder, Limits, Snapshot};
use support::{
    Inside, Member, Running, ask, contained, every_cell, release, row, rows, send_raw, send_shared_traffic,
    shared_cluster, shared_config, shared_file, until,
};

const SHARING: Member = Member::Sharing;
const ALONE: Member = Member::Alone("3.4");

/// Returns every column of these natures that is merged by sum, for every object. Each name is
/// the object's name followed by the column's.
fn figures(snapshot: &Snapshot, natures: &[Nature]) -> Vec<(String, String)> {
    let mut all = Vec::new();
    let mut add = |kind: RowKind, name: String, metric: &dyn Fn(&str) -> Option<String>| {
        let adds_up = |kinds: &[(RowKind, Rule)]| kinds.contains(&(kind, Rule::Sum));
        let columns = COLUMNS.iter().filter(|one| natures.contains(&one.nature) && adds_up(one.kinds));
        all.extend(columns.filter_map(|one| Some((format!("{name} {}", one.name), metric(one.name)?))));
    };
    let text =
        |figure: haproxyadmin::Result<Option<MetricValue<'_>>>| figure.unwrap().map(|one| one.to_string());
    for one in snapshot.frontends() {
        add(RowKind::Frontend, one.name().to_owned(), &|name| text(one.metric(name)));
    }
    for one in snapshot.listeners() {
        add(RowKind::Listener, format!("{}/{}", one.frontend(), one.name()), &|name| text(one.metric(name)));
    }
    for one in snapshot.backends() {
        add(RowKind::Backend, format!("backend {}", one.name()), &|name| text(one.metric(name)));
    }
    for one in snapshot.servers() {
        add(RowKind::Server, format!("{}/{}", one.backend(), one.name()), &|name| text(one.metric(name)));
    }
    all
}

fn counters(snapshot: &Snapshot) -> Vec<(String, String)> {
    figures(snapshot, &[Nature::Counter])
}

/// Lists the entries with different values. Both lists must have the same names.
fn differences(found: &[(String, String)], truth: &[(String, String)]) -> Vec<String> {
    let names = |list: &[(String, String)]| list.iter().map(|(name, _)| name.clone()).collect::<Vec<_>>();
    assert_eq!(names(found), names(truth));
    let pairs = found.iter().zip(truth).filter(|(one, other)| one != other);
    pairs.map(|((name, found), (_, truth))| format!("{name}: {found}, not {truth}")).collect()
}

/// Returns the counters of as many processes that share nothing, after the same traffic.
async fn truth(members: &[Member], send: impl AsyncFn(&Running)) -> Vec<(String, String)> {
    let alone: Vec<_> = members.iter().map(|one| if *one == SHARING { ALONE } else { *one }).collect();
    let control = shared_cluster(&alone).await;
    send(&control).await;
    counters(&snapshot(&control).await)
}

async fn snapshot(running: &Running) -> Snapshot {
    Cluster::from_dir(running.stats()).await.unwrap().snapshot().await.unwrap()
}

fn exact(number: u64) -> CountRange {
    number.into()
}

fn range(at_least: u64, at_most: u64) -> CountRange {
    CountRange { at_least, at_most }
}

/// Returns the groups of processes that share counters.
fn groups(sharing: &CounterSharing) -> Vec<Vec<String>> {
    let groups = match sharing {
        CounterSharing::Shared(groups) | CounterSharing::Unknown(groups) => groups.as_slice(),
        _ => &[],
    };
    groups.iter().map(|group| group.processes.iter().map(ToString::to_string).collect()).collect()
}

/// Returns the names of the objects for which `wanted` is true of their sharing.
fn shared(snapshot: &Snapshot, wanted: fn(&CounterSharing) -> bool) -> Vec<String> {
    let mut names = Vec::new();
    names.extend(snapshot.frontends().iter().map(|one| (one.name().to_owned(), one.sharing())));
    let listeners = snapshot.listeners();
    names.extend(listeners.iter().map(|one| (format!("{}/{}", one.frontend(), one.name()), one.sharing())));
    names.extend(snapshot.backends().iter().map(|one| (format!("backend {}", one.name()), one.sharing())));
    let servers = snapshot.servers();
    names.extend(servers.iter().map(|one| (format!("{}/{}", one.backend(), one.name()), one.sharing())));
    names.into_iter().filter(|(_, sharing)| wanted(sharing)).map(|(name, _)| name).collect()
}

/// Objects that have a guid in the configuration and exist in more than one process.
const SHARED: [&str; 9] =
    ["web", "quiet", "raw", "both", "web/main", "backend both", "both/b1", "app/a1", "raw_farm/r1"];

/// Returns the counters that are not known exactly.
fn ranges(snapshot: &Snapshot) -> Vec<String> {
    let all = counters(snapshot).into_iter();
    all.filter(|(_, value)| value.contains("..")).map(|(name, value)| format!("{name} {value}")).collect()
}

fn is_common(sharing: &CounterSharing) -> bool {
    matches!(sharing, CounterSharing::Shared(groups) if groups.iter().any(|one| one.processes.len() > 1))
}

fn is_unknown(sharing: &CounterSharing) -> bool {
    matches!(sharing, CounterSharing::Unknown(_))
}

/// Returns a process in a container, with a PID that no HAProxy outside has. The first PIDs of
/// a system belong to other processes.
fn hidden(n: usize) -> Inside {
    Inside { pid: Some(u32::try_from(n).unwrap()), list: None }
}

fn declared(running: &Running, folder: &std::path::Path) -> ClusterBuilder {
    let addresses: Vec<_> = (1..=running.processes()).map(|n| folder.join(format!("{n}.sock"))).collect();
    Cluster::builder().dir(folder).shared_counters("edge", addresses)
}

#[tokio::test]
async fn counters_that_processes_share_count_once() {
    let running = shared_cluster(&[SHARING, SHARING]).await;
    send_shared_traffic(&running).await;
    let truth = truth(&[SHARING, SHARING], send_shared_traffic).await;
    let snapshot = snapshot(&running).await;
    assert_eq!(differences(&counters(&snapshot), &truth), Vec::<String>::new());

    let web = snapshot.frontend("web").unwrap();
    assert_eq!((web.stot(), web.requests(), web.sessions()), (Some(42), exact(42), exact(42)));
    assert_eq!(web.requests_per_process(), [("1", 42), ("2", 42)]);
    // Requests of both frontends: 30 and 12 from `web`, 5 and 7 from `plain`.
    let app = snapshot.backend("app").unwrap();
    assert_eq!((app.requests(), app.requests_per_process()), (exact(54), vec![("1", 35), ("2", 19)]));
}

#[tokio::test]
async fn an_object_says_which_processes_share_its_counters() {
    let running = shared_cluster(&[SHARING, SHARING, ALONE]).await;
    send_shared_traffic(&running).await;
    let snapshot = snapshot(&running).await;
    assert_eq!(shared(&snapshot, is_common), SHARED);
    assert_eq!(shared(&snapshot, is_unknown), Vec::<String>::new());

    let CounterSharing::Shared(web) = snapshot.frontend("web").unwrap().sharing() else { panic!("shared") };
    assert_eq!(web.len(), 1);
    assert_eq!(web[0].processes, ["1".into(), "2".into()]);
    assert_eq!(web[0].file.to_string(), shared_file(&running).display().to_string());
    assert_eq!(snapshot.frontend("plain").unwrap().sharing(), CounterSharing::Separate);
    // HAProxy 3.4 gives each process its own slot for a proxy that is only a backend.
    assert_eq!(groups(&snapshot.backend("app").unwrap().sharing()), [["1"], ["2"]]);

    let files: Vec<_> = snapshot.processes().iter().map(|one| one.shm_stats_file().is_some()).collect();
    assert_eq!(files, [true, true, false]);
    assert!(snapshot.processes().iter().all(|one| one.shm_stats_file_problem().is_none()));
}

#[tokio::test]
async fn processes_without_the_file_and_older_ones_are_added_to_it() {
    let members = [SHARING, SHARING, ALONE, Member::Alone("2.6")];
    let send = async |running: &Running| {
        send_shared_traffic(running).await;
        running.send_all(&[("web", 3, 100), ("web", 4, 1000), ("both", 3, 10), ("plain", 4, 20)]).await;
        send_raw(running, 3, 5).await;
    };
    let running = shared_cluster(&members).await;
    send(&running).await;
    let truth = truth(&members, send).await;
    let snapshot = snapshot(&running).await;
    assert_eq!(differences(&counters(&snapshot), &truth), Vec::<String>::new());
    assert_eq!(snapshot.frontend("web").unwrap().requests(), 1142);
    assert_eq!(groups(&snapshot.frontend("web").unwrap().sharing()), [["1", "2"]]);
}

#[tokio::test]
async fn what_is_no_counter_is_merged_as_ever() {
    let running = shared_cluster(&[SHARING, SHARING]).await;
    send_shared_traffic(&running).await;
    let snapshot = snapshot(&running).await;
    let (one, two) =
        (row(running.socket(1), "web", "FRONTEND").await, row(running.socket(2), "web", "FRONTEND").await);
    let web = snapshot.frontend("web").unwrap();
    let maximum = |column: &str| {
        let (one, two) = (one.number(column), two.number(column));
        Some(MetricValue::Range(range(one.max(two), one + two)))
    };
    for column in ["smax", "rate_max", "conn_rate_max", "req_rate_max"] {
        assert_eq!(web.metric(column).unwrap(), maximum(column), "{column}");
    }
    assert_eq!(web.h1_total_connections(), Some(42));
    assert_eq!(web.slim().unwrap().total.get(), Some(400));
}

#[tokio::test]
async fn a_rate_that_processes_share_counts_once() {
    let running = shared_cluster(&[SHARING, SHARING]).await;
    running.send("web", 1, "/", 3).await;
    let cluster = Cluster::from_dir(running.stats()).await.unwrap();
    // Both processes print the same rate for a while, and it falls with each period.
    until("a rate that is the same before and after the read", async || {
        running.send("web", 1, "/", 3).await;
        let before = every_cell(&running, "web", "FRONTEND", "req_rate").await;
        let web = cluster.frontend("web").await.unwrap();
        let after = every_cell(&running, "web", "FRONTEND", "req_rate").await;
        let rates: Vec<u64> = before.iter().chain(&after).map(|rate| rate.parse().unwrap()).collect();
        let steady = rates[0] > 0 && rates.iter().all(|rate| *rate == rates[0]);
        steady.then(|| assert_eq!(web.req_rate(), Some(rates[0])))
    })
    .await;
}

#[tokio::test]
async fn a_mean_over_processes_that_share_their_counts_is_none() {
    let running = shared_cluster(&[SHARING, SHARING]).await;
    for n in [1, 2] {
        running.send("web", n, "/slow", 6).await;
    }
    // HAProxy divides by the requests of both processes: half of the real time.
    let printed = every_cell(&running, "app", "a1", "rtime").await;
    let printed: Vec<u64> = printed.iter().map(|time| time.parse().unwrap()).collect();
    assert!(printed.iter().all(|time| *time < 40), "{printed:?} of 50 ms each");
    let snapshot = snapshot(&running).await;
    let server = |name: &str| snapshot.server("app", name).unwrap();
    assert_eq!((server("a1").rtime(), server("a1").response_time()), (None, None));
    assert!(server("a2").rtime().unwrap() >= 50.0);
    // The mean of two zeros is 0.
    let queued = every_cell(&running, "app", "a1", "qtime").await.iter().any(|time| time != "0");
    assert_eq!(server("a1").qtime(), (!queued).then_some(0.0));
}

#[tokio::test]
async fn a_process_is_asked_for_its_guids_once() {
    let running = shared_cluster(&[SHARING, SHARING, ALONE]).await;
    send_shared_traffic(&running).await;
    let (folder, containers) = contained(&running, |_| Inside::default());
    let cluster = Cluster::from_dir(&folder).await.unwrap();
    for _ in 0..3 {
        assert_eq!(cluster.snapshot().await.unwrap().frontend("web").unwrap().requests(), 42);
        assert_eq!(cluster.frontend("web").await.unwrap().requests(), 42);
        assert_eq!(cluster.only(["1", "2"]).backend("app").await.unwrap().requests(), 54);
    }
    for (container, times) in containers.iter().zip([1, 1, 0]) {
        let asked = container.asked();
        // The command is alone on its line, because a command after a long list may harm
        // HAProxy.
        let lists: Vec<_> = asked.iter().filter(|line| line.contains("dump")).collect();
        assert_eq!(lists, vec!["dump stats-file"; times]);
    }
}

#[tokio::test]
async fn every_level_may_ask_for_guids() {
    let running = shared_cluster(&[SHARING, SHARING]).await;
    send_shared_traffic(&running).await;
    let sockets = [1, 2].map(|n| running.dir().join(format!("user.{n}.sock")));
    let cluster = Cluster::builder().addresses(sockets).build().await.unwrap();
    let snapshot = cluster.snapshot().await.unwrap();
    assert_eq!(snapshot.frontend("web").unwrap().requests(), 42);
    assert_eq!(shared(&snapshot, is_unknown), Vec::<String>::new());
}

#[tokio::test]
async fn what_is_declared_counts_once_where_it_cannot_be_seen() {
    let running = shared_cluster(&[SHARING, SHARING]).await;
    send_shared_traffic(&running).await;
    let truth = truth(&[SHARING, SHARING], send_shared_traffic).await;
    let (folder, _containers) = contained(&running, hidden);

    // Without the declaration, the processes seem to count separately.
    let unknowing = Cluster::from_dir(&folder).await.unwrap().snapshot().await.unwrap();
    assert_eq!(unknowing.frontend("web").unwrap().requests(), 84);
    assert!(unknowing.processes().iter().all(|one| one.shm_stats_file().is_none()));

    let cluster = declared(&running, &folder).build().await.unwrap();
    let snapshot = cluster.snapshot().await.unwrap();
    assert_eq!(differences(&counters(&snapshot), &truth), Vec::<String>::new());
    let edge = ShmStatsFile::Declared("edge".into());
    assert!(snapshot.processes().iter().all(|one| one.shm_stats_file() == Some(&edge)));
    // An idle frontend and its listener have equal counters, so only the file could tell
    // which row has which guid.
    let expected: Vec<_> = SHARED.into_iter().filter(|name| *name != "quiet").collect();
    assert_eq!(shared(&snapshot, is_common), expected);
    assert_eq!(snapshot.frontend("quiet").unwrap().requests(), 0);
    assert_eq!(snapshot.backend("app").unwrap().sharing(), CounterSharing::Separate);
}

#[tokio::test]
async fn what_is_declared_and_seen_is_one_file() {
    let running = shared_cluster(&[SHARING, SHARING]).await;
    send_shared_traffic(&running).await;
    // The second process is in a container.
    let (folder, _containers) = contained(&running, |n| if n == 1 { Inside::default() } else { hidden(n) });
    let snapshot = declared(&running, &folder).build().await.unwrap().snapshot().await.unwrap();
    assert_eq!(snapshot.frontend("web").unwrap().requests(), 42);
    let printed = row(running.socket(1), "app", "a1").await.number("stot");
    assert_eq!(snapshot.server("app", "a1").unwrap().requests(), printed);
    // The second process has one of two slots in the file, and it is unknown which one.
    let app = snapshot.backend("app").unwrap();
    assert_eq!((app.requests(), app.stot()), (range(35, 54), None));
}

#[tokio::test]
async fn without_guids_figures_are_ranges_and_reads_do_not_fail() {
    let running = shared_cluster(&[SHARING, SHARING]).await;
    send_shared_traffic(&running).await;
    for (inside, problem) in [
        (
            None,
            "`dump stats-file` on PATH: line 1: expected a line of `dump stats-file`, found \"Permission denied\"",
        ),
        (
            Some(1),
            "`dump stats-file` on PATH: line 1: expected a line of `dump stats-file`, found \"Permission denied\"",
        ),
    ] {
        let list = Some("Permission denied\n\n".to_owned());
        let (folder, _containers) =
            contained(&running, |n| Inside { pid: inside.and(hidden(n).pid), list: list.clone() });
        let cluster = declared(&running, &folder).build().await.unwrap();
        let snapshot = cluster.snapshot().await.unwrap();
        let web = snapshot.frontend("web").unwrap();
        assert_eq!((web.requests(), web.sessions(), web.stot()), (range(42, 84), range(42, 84), None));
        assert_eq!(web.requests().to_string(), "42..84");
        assert_eq!(web.metric("stot").unwrap(), Some(MetricValue::Range(range(42, 84))));
        assert!(
            web.metrics().contains(&("bin", MetricValue::Range(range(1722, 3444)))),
            "{:?}",
            web.metrics()
        );
        assert_eq!(groups(&web.sharing()), [["1", "2"]]);
        // Objects that are not shared have ranges too, because the crate cannot know that.
        assert_eq!(snapshot.frontend("plain").unwrap().requests(), range(7, 12));
        assert_eq!(snapshot.backend("app").unwrap().requests(), range(35, 54));
        // Figures outside the file are exact: columns of modules, gauges, idle objects.
        assert_eq!((web.h1_total_connections(), web.scur()), (Some(42), Some(0)));
        assert_eq!(snapshot.frontend("quiet").unwrap().stot(), Some(0));
        for process in snapshot.processes() {
            let path = process.address().to_string();
            assert_eq!(process.shm_stats_file_problem(), Some(problem.replace("PATH", &path).as_str()));
        }
        fs::remove_dir_all(folder).unwrap();
    }
}

#[tokio::test]
async fn guids_that_do_not_fit_the_rows_are_not_believed() {
    let running = shared_cluster(&[SHARING, SHARING]).await;
    send_shared_traffic(&running).await;
    let other = String::from_utf8(ask(running.socket(1), "dump stats-file").await).unwrap();
    // A list with a higher count than the rows have.
    let list = other.replace("\napp,35,", "\napp,36,");
    assert_ne!(list, other);
    let (folder, _containers) = contained(&running, |_| Inside { pid: None, list: Some(list.clone()) });
    let snapshot = Cluster::from_dir(folder).await.unwrap().snapshot().await.unwrap();
    assert_eq!(snapshot.frontend("web").unwrap().requests(), range(42, 84));
    for process in snapshot.processes() {
        assert_eq!(process.shm_stats_file_problem(), Some("`dump stats-file` does not fit to `show stat`"));
    }
}

#[tokio::test]
async fn rows_that_count_alike_stay_ranges_until_they_differ() {
    let running = shared_cluster(&[SHARING, SHARING]).await;
    let early = Cluster::from_dir(running.stats()).await.unwrap();
    let idle = early.snapshot().await.unwrap();
    // An idle object has 0 requests, shared or not.
    assert_eq!(idle.frontend("web").unwrap().requests(), 0);
    assert!(shared(&idle, is_unknown).contains(&"web".to_owned()), "{:?}", shared(&idle, is_unknown));
    send_shared_traffic(&running).await;
    let web = early.frontend("web").await.unwrap();
    assert_eq!((web.requests(), web.stot()), (range(42, 84), None));
    // A cluster that queries the guids now can match them to the rows by their counters.
    let late = snapshot(&running).await;
    assert_eq!(late.frontend("web").unwrap().requests(), 42);
    assert_eq!(shared(&late, is_unknown), Vec::<String>::new());
}

#[tokio::test]
async fn a_layout_that_is_not_known_is_refused_by_name() {
    let running = shared_cluster(&[SHARING, SHARING]).await;
    send_shared_traffic(&running).await;
    // HAProxy checks the version only when it starts.
    let file = fs::OpenOptions::new().write(true).open(shared_file(&running)).unwrap();
    file.write_all_at(&[1, 9], 0).unwrap();
    let snapshot = snapshot(&running).await;
    let web = snapshot.frontend("web").unwrap();
    assert_eq!((web.requests(), web.stot()), (range(42, 84), None));
    // An object without a guid has no slot in the file.
    assert_eq!(snapshot.frontend("plain").unwrap().requests(), 12);
    let problem = "layout 1.9 of shm-stats-file is not known, only 1.1, 1.2 and 1.3 are";
    for process in snapshot.processes() {
        assert_eq!(process.shm_stats_file_problem(), Some(problem));
    }
}

#[tokio::test]
async fn a_file_that_is_gone_from_its_folder_is_read_all_the_same() {
    let running = shared_cluster(&[SHARING, SHARING]).await;
    send_shared_traffic(&running).await;
    fs::remove_file(shared_file(&running)).unwrap();
    let snapshot = snapshot(&running).await;
    let web = snapshot.frontend("web").unwrap().requests();
    // Only some users may read `/proc/PID/map_files`.
    assert!(web == 42 || web == range(42, 84), "{web}");
    assert!(snapshot.processes().iter().all(|one| one.shm_stats_file().is_some()));
}

#[tokio::test]
async fn a_process_that_comes_later_shares_with_those_before() {
    let mut running = shared_cluster(&[SHARING]).await;
    running.send("web", 1, "/", 30).await;
    let cluster = Cluster::from_dir(running.stats()).await.unwrap();
    assert_eq!(cluster.frontend("web").await.unwrap().requests(), 30);
    let config = shared_config(&running, 2, SHARING);
    running.add(&release("3.4"), "process2", &config).await;
    running.send("web", 2, "/", 12).await;
    let snapshot = cluster.snapshot().await.unwrap();
    assert_eq!(snapshot.frontend("web").unwrap().requests(), 42);
    assert_eq!(snapshot.backend("app").unwrap().requests(), 42);
    assert_eq!(ranges(&snapshot), Vec::<String>::new());
}

#[tokio::test]
async fn processes_of_other_thread_groups_share_the_counters_of_those_that_both_have() {
    let mut running = shared_cluster(&[SHARING]).await;
    let config = shared_config(&running, 2, SHARING).set("THREADS", "nbthread 2\n    thread-groups 2");
    running.add(&release("3.4"), "process2", &config).await;
    running.send_all(&[("web", 1, 30), ("web", 2, 12), ("both", 2, 3)]).await;
    let snapshot = snapshot(&running).await;
    assert_eq!(snapshot.frontend("web").unwrap().requests(), 42);
    assert_eq!(snapshot.backend("both").unwrap().requests(), 3);
    assert_eq!(snapshot.backend("app").unwrap().requests(), 42);
    let servers = snapshot.backend("app").unwrap().servers();
    assert_eq!(servers.iter().map(ServerStats::requests).sum::<CountRange>(), 42);
    assert_eq!(ranges(&snapshot), Vec::<String>::new());

    // The first process prints only what the first thread group of the second process counts.
    running.send_all(&[("web", 1, 20), ("web", 2, 60)]).await;
    let delta = self::snapshot(&running).await.since(&snapshot);
    let web = delta.frontend("web").unwrap().requests().unwrap();
    assert_eq!(web.count(), 80, "{web:?}");
    assert_eq!(web.per_process()[1].count, 80);
}

#[tokio::test]
async fn a_process_that_hangs_makes_no_sum_of_what_is_shared() {
    let running = shared_cluster(&[SHARING, SHARING, ALONE]).await;
    send_shared_traffic(&running).await;
    let limits = Limits::new().with_command_timeout(Duration::from_secs(2));
    let build = async || Cluster::builder().dir(running.stats()).limits(limits).build().await.unwrap();
    let before = build().await;
    assert_eq!(before.frontend("web").await.unwrap().requests(), 42);
    running.hang(3);
    assert_eq!(before.allow_partial().frontend("web").await.unwrap().requests(), 42);
    // The hung process leaves no time to query which objects are shared.
    let late = build().await.allow_partial().snapshot().await.unwrap();
    assert_eq!(late.frontend("web").unwrap().requests(), range(42, 84));
    let problem = late.processes()[0].shm_stats_file_problem().unwrap();
    assert!(problem.contains("within"), "{problem}");
    running.resume(3);
}

#[tokio::test]
async fn a_worker_that_was_reloaded_goes_on_with_what_is_in_the_file() {
    let mut running = shared_cluster(&[SHARING]).await;
    let config = shared_config(&running, 2, SHARING);
    running.add_master(&release("3.4"), "process2", &config).await;
    running.send_all(&[("web", 1, 30), ("plain", 1, 5), ("web", 2, 7), ("plain", 2, 3)]).await;
    let cluster = Cluster::from_dir(running.stats()).await.unwrap();
    assert_eq!(cluster.frontend("web").await.unwrap().requests(), 37);
    assert_eq!(cluster.backend("app").await.unwrap().requests(), 45);

    running.haproxies[1].reload().await;
    running.send_all(&[("web", 2, 5), ("plain", 2, 1)]).await;
    let snapshot = cluster.snapshot().await.unwrap();
    assert_eq!(snapshot.frontend("web").unwrap().requests(), 42);
    // Counters outside the file start at 0 in the new worker.
    assert_eq!(snapshot.frontend("plain").unwrap().requests(), 5 + 1);
    assert_eq!(snapshot.backend("app").unwrap().requests(), 35 + 6);
    let rows = rows(running.socket(1)).await;
    let printed = rows.iter().find(|row| row.is("app", "a1")).unwrap().number("stot");
    assert_eq!(snapshot.server("app", "a1").unwrap().requests(), printed);
    assert_eq!(ranges(&snapshot), Vec::<String>::new());
}

#[tokio::test]
async fn snapshots_of_single_processes_joined_count_once() {
    let running = shared_cluster(&[SHARING, SHARING]).await;
    send_shared_traffic(&running).await;
    let whole = snapshot(&running).await;
    let mut joined: Option<Snapshot> = None;
    for socket in running.sockets() {
        let one = Cluster::builder().address(socket).build().await.unwrap().snapshot().await.unwrap();
        let text = serde_json::to_string(&one).unwrap();
        let one: Snapshot = serde_json::from_str(&text).unwrap();
        joined = Some(joined.map_or_else(|| one.clone(), |other| other.join(&one)));
    }
    let joined = joined.unwrap();
    assert_eq!(differences(&counters(&joined), &counters(&whole)), Vec::<String>::new());
    assert_eq!(shared(&joined, is_common), shared(&whole, is_common));
    let text = serde_json::to_string(&whole).unwrap();
    assert_eq!(serde_json::from_str::<Snapshot>(&text).unwrap(), whole);
}
