//! Many real processes, read as one.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "in a test a panic is the failure message")]
#![allow(clippy::indexing_slicing, reason = "the same")]

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use haproxyadmin::snapshot::FrontendStats;
use haproxyadmin::snapshot::{Bound, CountRange};
use haproxyadmin::stat::{CheckResult, Mode, RowKind, ServerAddress, State, StatusDetail};
use haproxyadmin::{Agreement, Cluster, ErrorKind, Level, Limits, Snapshot};

mod support;

use support::{
    ANCESTOR_TRAFFIC, Row, Running, ancestor_cluster, levels, mixed_cluster, mixed_traffic, release,
    releases, rows, until, zoo, zoo_settled,
};

/// Kind, proxy and name of a row, and the address if the row is a listener.
type Key = (u64, String, String, String);

/// Rows of each object by process.
type Truth = BTreeMap<Key, BTreeMap<usize, Row>>;

/// Reads the rows without the crate.
async fn by_process(running: &Running) -> Truth {
    let mut found = Truth::new();
    for n in 1..=running.processes() {
        for row in rows(running.socket(n)).await {
            let address = if row.number("type") == 3 { row.cell("addr") } else { "" };
            let text = |column| row.cell(column).to_owned();
            let key = (row.number("type"), text("pxname"), text("svname"), address.to_owned());
            found.entry(key).or_default().insert(n, row);
        }
    }
    found
}

/// Reads a snapshot, and the rows without the crate, between two requests of health checks.
async fn read(cluster: &Cluster, running: &Running) -> (Snapshot, Truth) {
    let counters = |truth: &Truth| {
        let of_one =
            |row: &Row| ["stot", "req_tot", "bin", "smax", "hrsp_2xx"].map(|name| row.cell(name).to_owned());
        truth.values().flat_map(|rows| rows.values().map(of_one)).collect::<Vec<_>>()
    };
    until("the counters stand still", async || {
        let before = by_process(running).await;
        let snapshot = cluster.snapshot().await.unwrap();
        let truth = by_process(running).await;
        (counters(&before) == counters(&truth)).then_some((snapshot, truth))
    })
    .await
}

fn sum(rows: &BTreeMap<usize, Row>, column: &str) -> u64 {
    rows.values().map(|row| row.number(column)).sum()
}

/// Asserts that the snapshot holds every object once, with the right processes and with the sums of
/// their figures.
fn assert_is_the_sum(snapshot: &Snapshot, truth: &Truth, label: impl Fn(usize) -> String) {
    let of_kind = |kind: u64| truth.iter().filter(move |((one, ..), _)| *one == kind);
    assert_eq!(snapshot.frontends().len(), of_kind(0).count());
    assert_eq!(snapshot.backends().len(), of_kind(1).count());
    assert_eq!(snapshot.servers().len(), of_kind(2).count());
    for ((_, proxy, name, _), rows) in of_kind(0) {
        let frontend = snapshot.frontend(proxy).unwrap();
        let processes: Vec<_> = rows.keys().map(|n| label(*n)).collect();
        assert_eq!(frontend.processes(), processes, "{proxy}/{name}");
        assert_eq!(frontend.requests(), sum(rows, "req_tot"), "{proxy}/{name}");
        assert_eq!(frontend.sessions(), sum(rows, "stot"), "{proxy}/{name}");
        assert_eq!(frontend.hrsp_2xx().unwrap_or(0), sum(rows, "hrsp_2xx"), "{proxy}/{name}");
        assert_eq!(frontend.bin(), Some(sum(rows, "bin")), "{proxy}/{name}");
        let own: Vec<_> = rows.iter().map(|(n, row)| (label(*n), row.number("req_tot"))).collect();
        let per_process: Vec<_> =
            frontend.requests_per_process().into_iter().map(|(label, n)| (label.to_owned(), n)).collect();
        assert_eq!(per_process, own, "{proxy}/{name}");
        let smax = frontend.smax().unwrap();
        assert_eq!(smax.at_most, sum(rows, "smax"));
        assert_eq!(Some(smax.at_least), rows.values().map(|row| row.number("smax")).max());
    }
    for ((_, proxy, _, _), rows) in of_kind(1) {
        let backend = snapshot.backend(proxy).unwrap();
        let processes: Vec<_> = rows.keys().map(|n| label(*n)).collect();
        assert_eq!(backend.processes(), processes, "{proxy}");
        assert_eq!(backend.requests(), sum(rows, "stot"), "{proxy}");
        let servers: Vec<_> = backend.servers().iter().map(|server| server.name().to_owned()).collect();
        let mut expected: Vec<_> =
            of_kind(2).filter(|((_, one, ..), _)| one == proxy).map(|((.., name, _), _)| name).collect();
        let mut sorted: Vec<_> = servers.iter().collect();
        sorted.sort();
        expected.sort();
        assert_eq!(sorted, expected, "servers of {proxy}");
    }
    for ((_, proxy, name, _), rows) in of_kind(2) {
        let server = snapshot.server(proxy, name).unwrap();
        let processes: Vec<_> = rows.keys().map(|n| label(*n)).collect();
        assert_eq!(server.processes(), processes, "{proxy}/{name}");
        assert_eq!(server.requests(), sum(rows, "stot"), "{proxy}/{name}");
    }
}

#[tokio::test]
async fn the_ancestors_session_is_one_object_for_each_name() {
    for release in releases() {
        let running = ancestor_cluster(&release).await;
        running.send_all(&ANCESTOR_TRAFFIC).await;
        let cluster = Cluster::from_dir(running.stats()).await.unwrap();
        let (snapshot, truth) = read(&cluster, &running).await;
        assert_is_the_sum(&snapshot, &truth, |n| n.to_string());

        let all = cluster.server("backend1_proc34", "bck_all_srv1").await.unwrap();
        assert_eq!(all.processes(), ["3", "4"]);
        assert_eq!(snapshot.servers_named("bck_all_srv1").len(), 3);
        let sent: u64 = ANCESTOR_TRAFFIC.iter().map(|(.., requests)| requests).sum();
        assert_eq!(snapshot.frontends().iter().map(FrontendStats::requests).sum::<CountRange>(), sent);
        let pids: Vec<_> = (1..=4).map(|n| u64::from(running.pid(n))).collect();
        let info = snapshot.info();
        assert_eq!(info.pids().into_iter().map(|(_, pid)| pid).collect::<Vec<_>>(), pids);
        let version = info.versions().unwrap();
        assert!(version.same().unwrap().as_str().starts_with(&release.version), "{version}");
    }
}

#[tokio::test]
async fn all_releases_in_one_cluster_are_one_object_for_each_name() {
    let running = mixed_cluster().await;
    running.send_all(&mixed_traffic()).await;
    let cluster = Cluster::from_dir(running.stats()).await.unwrap();
    let (snapshot, truth) = read(&cluster, &running).await;
    assert_is_the_sum(&snapshot, &truth, |n| n.to_string());
    assert_eq!(snapshot.processes().len(), releases().len());
    // 2.2 prints no `uweight`; the others agree.
    assert_eq!(snapshot.server("app", "app1").unwrap().uweight(), Some(Agreement::Same(100)));
    assert!(!snapshot.info().versions().unwrap().is_same());
}

#[tokio::test]
async fn a_killed_and_a_hung_process_hide_nobody_and_cost_one_deadline() {
    for release in releases() {
        let mut running = ancestor_cluster(&release).await;
        running.send_all(&ANCESTOR_TRAFFIC).await;
        let limits = Limits::new().with_command_timeout(Duration::from_millis(700));
        let cluster = Cluster::builder().dir(running.stats()).limits(limits).build().await.unwrap();
        running.kill(2);
        running.hang(4);

        let start = Instant::now();
        let error = cluster.snapshot().await.unwrap_err();
        let took = start.elapsed();
        running.resume(4);
        assert!(took < Duration::from_millis(1400), "{took:?}");

        assert_eq!(error.kind(), ErrorKind::Incomplete);
        let text = error.to_string();
        let socket = |n| running.socket(n).display().to_string();
        assert!(text.starts_with("2 of 4 processes did not answer: "), "{text}");
        assert!(text.contains(&format!("{}: ", socket(2))) && text.contains("Connection refused"), "{text}");
        assert!(text.contains(&format!("{}: ", socket(4))) && text.contains("within 700ms"), "{text}");

        let snapshot = error.snapshot().unwrap();
        let failed: Vec<_> = snapshot.failed().map(|process| process.failure().unwrap().kind).collect();
        assert_eq!(failed, [ErrorKind::Connect, ErrorKind::Timeout]);
        let row = support::row(running.socket(3), "frontend1_proc34", "FRONTEND").await;
        let frontend = snapshot.frontend("frontend1_proc34").unwrap();
        assert_eq!((frontend.processes().len(), frontend.requests()), (1, row.number("req_tot").into()));
        assert_eq!(snapshot.frontend("frontend_proc1").unwrap().requests(), 5);
        assert_eq!(snapshot.frontend("frontend_proc2").unwrap_err().kind(), ErrorKind::Incomplete);

        let partial = cluster.allow_partial().snapshot().await.unwrap();
        assert_eq!(partial.failed().count(), 1, "the hung one is back, the killed one is not");
    }
}

#[tokio::test]
async fn a_restarted_process_is_read_at_its_old_place() {
    for release in releases() {
        let mut running = levels(&release).await;
        running.send("web", 1, "/", 3).await;
        let cluster = Cluster::from_addresses([running.socket(1)]).await.unwrap();
        let before = cluster.frontend("web").await.unwrap();
        running.restart(1).await;
        let after = before.refresh().await.unwrap();
        assert_eq!((before.requests(), after.requests()), (3.into(), 0.into()));
        let pid = |frontend: &haproxyadmin::Frontend| frontend.snapshot().processes()[0].pid();
        assert_ne!(pid(&before), pid(&after));
    }
}

#[tokio::test]
async fn every_kind_of_row_and_every_state_is_read() {
    for release in releases() {
        let running = zoo(&release).await;
        zoo_settled(&running).await;
        let cluster = Cluster::from_dir(running.stats()).await.unwrap();
        let (snapshot, truth) = read(&cluster, &running).await;
        assert_is_the_sum(&snapshot, &truth, |_| "zoo".into());
        let state = |backend, server| {
            snapshot.server(backend, server).unwrap().status().same().unwrap().state.clone()
        };
        let server = |backend, name| snapshot.server(backend, name).unwrap();

        // A message with a comma, quotes and line breaks.
        let failing = server("states", "failing");
        let said = if release.is_at_least("3.0") {
            "first  third line, \"q\""
        } else {
            "first\n\nthird line, \"q\""
        };
        assert_eq!(failing.last_check(), Some(Agreement::Same(said)));
        assert_eq!(failing.check_status().unwrap().same().unwrap().result, CheckResult::L7Status);
        assert_eq!(failing.check_code(), Some(Agreement::Same(500)));

        // Addresses.
        let v6 = server("states", "v6").address().unwrap().same().unwrap().ip().unwrap();
        assert!(v6.is_ipv6());
        assert_eq!(server("states", "v6").port(), Some(Agreement::Same(v6.port())));
        assert_eq!(server("states", "local").address(), Some(Agreement::Same(ServerAddress::Unix)));
        assert_eq!(server("states", "local").port(), None);
        assert_eq!(server("template", "late1").address(), None);

        // States.
        assert_eq!(state("states", "refused"), State::Down);
        assert_eq!(state("states", "maint"), State::Maint);
        assert_eq!(state("states", "zero"), State::NoCheck);
        assert_eq!(state("leaving", "nolb"), State::Nolb);
        assert_eq!(state("template", "late1"), State::Maint);
        let remark = |name| server("states", name).status().same().unwrap().remark.clone();
        assert_eq!(remark("agent_down"), Some(StatusDetail::Agent));
        let via = StatusDetail::Via { backend: "states".into(), server: "maint".into() };
        assert_eq!(remark("tracking_maint"), Some(via));

        // Names that could be mistaken for something else.
        let names: Vec<_> = snapshot
            .backend("FRONTEND")
            .unwrap()
            .servers()
            .iter()
            .map(|server| server.name().to_owned())
            .collect();
        assert_eq!(names, ["BACKEND", "FRONTEND"]);
        assert_eq!(state("FRONTEND", "BACKEND"), State::NoCheck);
        assert_eq!(state("FRONTEND", "FRONTEND"), State::Maint);
        assert!(snapshot.frontend("FRONTEND").is_err());

        // A frontend and a backend with the same name.
        let (front, back) = (snapshot.frontend("both").unwrap(), snapshot.backend("both").unwrap());
        assert_eq!(front.id() == back.id(), release.is_at_least("3.3"));
        assert_eq!(back.servers().len(), 1);

        // A backend without servers, and names that do not exist.
        assert_eq!(snapshot.backend("empty").unwrap().servers(), []);
        assert_eq!(snapshot.backend("empty").unwrap().weight(), Some(Agreement::Same(0)));
        assert_eq!(snapshot.frontend("off").unwrap_err().to_string(), "no such frontend \"off\"");
        assert_eq!(snapshot.backend("gone").unwrap_err().kind(), ErrorKind::NotFound);
        assert_eq!(
            snapshot.server("app", "nobody").unwrap_err().to_string(),
            "no such server \"app/nobody\""
        );

        // Listeners, two of them with the same name.
        let web = snapshot.frontend("web").unwrap();
        let listeners: Vec<_> = web.listeners().iter().map(|listener| listener.name().to_owned()).collect();
        assert_eq!(listeners, ["sock-1", "main", "pair", "pair"]);
        assert_eq!(snapshot.frontend("raw").unwrap().listeners(), []);
        let pair: Vec<_> = web.listeners().into_iter().filter(|one| one.name() == "pair").collect();
        assert_ne!(pair[0].addr(), pair[1].addr());

        // Limits, and objects without a limit.
        assert_eq!(web.maxconn().unwrap().each, Agreement::Same(Bound::At(200)));
        assert_eq!(server("app", "web1").slim().unwrap().total, Bound::At(50));
        assert_eq!(server("app", "web2").slim().unwrap().total, Bound::Unlimited);
        assert_eq!(server("app", "web3").src_ilim(), Some(Agreement::Same(Bound::At(10))));
        assert_eq!(web.mode(), Some(Agreement::Same(Mode::Http)));
        assert_eq!(snapshot.frontend("raw").unwrap().mode(), Some(Agreement::Same(Mode::Tcp)));
        assert_eq!(snapshot.frontend("raw").unwrap().requests(), 0);

        // Without an event there is no age.
        assert_eq!(server("states", "maint").lastsess(), None);
        let description = snapshot.info().description().unwrap().same().copied().map(String::from).unwrap();
        assert!(description.starts_with("zoo, node \"A\""), "{description}");
        assert_eq!(snapshot.info().node(), Some(Agreement::Same("node-a")));
    }
}

#[tokio::test]
async fn every_column_has_the_value_that_haproxy_printed() {
    for release in releases() {
        let running = zoo(&release).await;
        zoo_settled(&running).await;
        let snapshot = Cluster::from_dir(running.stats()).await.unwrap().snapshot().await.unwrap();
        let process = &snapshot.processes()[0];
        let reading = process.report().unwrap();
        assert_eq!(reading.level, Some(Level::Admin));
        for row in reading.stat.rows() {
            assert_ne!(row.kind(), RowKind::Other);
            for (name, cell) in row.cells() {
                assert_eq!(row.get(name), Some(cell));
            }
        }
        for server in snapshot.servers() {
            let (_, row) = server.per_process().next().unwrap();
            for (name, figure) in server.metrics() {
                let cell = row.get(name).unwrap();
                let figure = figure.to_string();
                let unlimited = figure == "unlimited" && matches!(cell, "" | "0");
                let own = figure == format!("zoo: {cell}");
                assert!(
                    figure == cell || unlimited || own || cell.starts_with("* "),
                    "{name}: {cell:?} is {figure:?}"
                );
            }
        }
    }
}

#[tokio::test]
async fn one_object_is_read_without_the_others() {
    for release in releases() {
        let running = ancestor_cluster(&release).await;
        running.send_all(&ANCESTOR_TRAFFIC).await;
        let cluster = Cluster::from_dir(running.stats()).await.unwrap();
        let whole = cluster.snapshot().await.unwrap();
        let frontend = cluster.frontend("frontend1_proc34").await.unwrap();
        assert_eq!(frontend.requests(), whole.frontend("frontend1_proc34").unwrap().requests());
        assert_eq!(frontend.processes(), whole.frontend("frontend1_proc34").unwrap().processes());
        assert_eq!(frontend.snapshot().processes().len(), 4);
        assert_eq!(frontend.snapshot().backends().len(), 0);
        // A process of `nbproc` knows the names of proxies that it does not serve, so it is asked
        // for all of its frontends.
        if release.version != "2.2" {
            assert_eq!(frontend.snapshot().frontends().len(), 1);
        }
        let server = cluster.server("backend1_proc34", "bck_all_srv1").await.unwrap();
        assert_eq!(server.requests(), whole.server("backend1_proc34", "bck_all_srv1").unwrap().requests());
        let again = server.refresh().await.unwrap();
        assert_eq!((again.requests(), again.processes()), (server.requests(), server.processes()));
        let both = cluster.frontend("haproxy").await.unwrap();
        assert_eq!((both.requests(), both.snapshot().backends().len()), (10.into(), 0));

        assert_eq!(cluster.info().await.unwrap().pids().len(), 4);
        // Unknown names, and names that HAProxy would read as something else.
        for name in ["nobody", "1", "#1", "-1", "", "a b", "a;disable frontend haproxy", "a\nb"] {
            let error = cluster.backend(name).await.unwrap_err();
            assert_eq!(error.to_string(), format!("no such backend {name:?}"));
        }
        assert_eq!(
            cluster.snapshot().await.unwrap().frontend("haproxy").unwrap().status().to_string(),
            "OPEN"
        );
    }
}

#[tokio::test]
async fn a_proxy_is_found_although_another_has_its_name() {
    for release in releases() {
        let running = zoo(&release).await;
        zoo_settled(&running).await;
        let cluster = Cluster::from_dir(running.stats()).await.unwrap();
        assert_eq!(cluster.frontend("both").await.unwrap().name(), "both");
        assert_eq!(cluster.backend("both").await.unwrap().servers().len(), 1);
        let server = cluster.server("both", "b1").await.unwrap();
        assert_eq!(server.refresh().await.unwrap().name(), "b1");
        assert_eq!(cluster.frontend("app").await.unwrap_err().kind(), ErrorKind::NotFound);
        assert_eq!(cluster.backend("gone").await.unwrap_err().kind(), ErrorKind::NotFound);
    }
}

#[tokio::test]
async fn a_metric_is_found_by_name_and_a_wrong_name_is_an_error() {
    let running = levels(&release("3.0")).await;
    running.send("web", 1, "/", 2).await;
    let snapshot = Cluster::from_addresses([running.socket(1)]).await.unwrap().snapshot().await.unwrap();
    let web = snapshot.frontend("web").unwrap();
    assert_eq!(web.metric("req_tot").unwrap().unwrap().to_string(), "2");
    assert_eq!(web.metric("qcur").unwrap(), None);
    assert_eq!(web.metric("nonsense").unwrap_err().to_string(), "no such column \"nonsense\" in `show stat`");
    let info = snapshot.info();
    assert_eq!(info.metric("Maxconn").unwrap().unwrap().to_string(), "200");
    assert_eq!(info.metric("Nonsense").unwrap_err().kind(), ErrorKind::NotFound);
    assert!(info.metrics().iter().any(|(name, _)| *name == "CumReq"));
}
