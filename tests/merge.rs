//! The reports of several processes, merged by the rules of each column and key.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "in a test a panic is the failure message")]
#![allow(clippy::indexing_slicing, reason = "the same")]

use std::time::Duration;

use haproxyadmin::field::{self, Rule, ValueType};
use haproxyadmin::snapshot::ServerStats;
use haproxyadmin::snapshot::{Bound, CountRange, CounterSharing, MetricValue};
use haproxyadmin::stat::{CheckResult, CheckStatus, RowKind, ServerAddress, Status};
use haproxyadmin::{Agreement, Snapshot};
use serde_json::{Value, json};

const COLUMNS: [&str; 22] = [
    "pxname",
    "svname",
    "type",
    "stot",
    "scur",
    "smax",
    "slim",
    "weight",
    "status",
    "check_status",
    "lastchg",
    "lastsess",
    "qtime",
    "downtime",
    "chkfail",
    "req_tot",
    "addr",
    "pid",
    "h1_open_connections",
    "novel",
    "throttle",
    "sid",
];

/// Returns a row. Its cells are given as `column=value`, one blank between two; `_` is
/// a blank in a value.
fn row(proxy: &str, name: &str, kind: u8, cells: &str) -> String {
    let cells: Vec<_> = cells.split_whitespace().map(|cell| cell.split_once('=').unwrap()).collect();
    assert!(cells.iter().all(|(name, _)| COLUMNS.contains(name)), "{cells:?}");
    let value = |column: &str| match column {
        "pxname" => proxy.to_owned(),
        "svname" => name.to_owned(),
        "type" => kind.to_string(),
        _ => cells.iter().find(|(name, _)| *name == column).map_or("", |(_, value)| value).replace('_', " "),
    };
    COLUMNS.map(|column| value(column) + ",").concat() + "\n"
}

/// One process with these rows and keys.
fn process(n: usize, rows: &[String], keys: &[(&str, &str)]) -> Value {
    let stat = format!("# {},\n{}\n", COLUMNS.join(","), rows.concat());
    let pid = (100 + n).to_string();
    let mut info = vec![("Name", "HAProxy"), ("Nbproc", "1"), ("Pid", pid.as_str())];
    info.extend(keys);
    json!({
        "host": "host", "address": format!("/run/{n}"), "read_at": 5_000_000_000u64,
        "level": "admin", "info": info, "stat": stat,
    })
}

fn snapshot(processes: &[Value]) -> Snapshot {
    serde_json::from_value(json!({"format": 1, "processes": processes})).unwrap()
}

/// The server `app/web1` with these cells in processes 1, 2, ...
fn server(cells: &[&str]) -> ServerStats {
    let processes: Vec<_> =
        (1..).zip(cells).map(|(n, cells)| process(n, &[row("app", "web1", 2, cells)], &[])).collect();
    snapshot(&processes).server("app", "web1").unwrap()
}

fn differs<T: Clone>(values: &[(&str, T)]) -> Agreement<T> {
    Agreement::Differs(values.iter().map(|(label, value)| ((*label).into(), value.clone())).collect())
}

#[test]
fn counters_and_gauges_add_up_and_absent_ones_do_not_count() {
    let server = server(&["stot=10 scur=1", "stot=32", ""]);
    assert_eq!((server.stot(), server.scur(), server.req_tot()), (Some(42), Some(1), None));
    assert_eq!(server.requests_per_process(), [("1", 10), ("2", 32), ("3", 0)]);
    assert_eq!(server.metric("stot").unwrap(), Some(MetricValue::Number(42)));
}

#[test]
fn a_gauge_below_zero_does_not_poison_the_sum() {
    let below = row("app", "BACKEND", 1, "scur=4294967295 h1_open_connections=18446744073709551615");
    let above = row("app", "BACKEND", 1, "scur=7 h1_open_connections=3000000000");
    let snapshot = snapshot(&[process(1, &[below], &[]), process(2, &[above], &[])]);
    let backend = snapshot.backend("app").unwrap();
    assert_eq!((backend.scur(), backend.h1_open_connections()), (Some(7), Some(3_000_000_000)));
    let raw: Vec<_> = backend.per_process().map(|(_, row)| row.h1_open_connections()).collect();
    assert_eq!(raw, [Some(u64::MAX), Some(3_000_000_000)]);
}

#[test]
fn a_maximum_is_a_range_and_a_duration_is_the_longest() {
    let server = server(&["smax=4 downtime=9 chkfail=3", "smax=6 downtime=2 chkfail=5"]);
    assert_eq!(server.smax(), Some(CountRange { at_least: 6, at_most: 10 }));
    assert_eq!((server.downtime(), server.chkfail()), (Some(9), Some(5)));
}

#[test]
fn a_limit_reads_back_as_it_was_set_and_unlimited_absorbs() {
    let same = server(&["slim=77", "slim=77"]).slim().unwrap();
    assert_eq!((same.each, same.total), (Agreement::Same(Bound::At(77)), Bound::At(154)));
    let mixed = server(&["slim=77", "", "slim=0"]).slim().unwrap();
    assert_eq!(mixed.total, Bound::Unlimited);
    let (limited, unlimited) = (Bound::At(77), Bound::Unlimited);
    assert_eq!(mixed.each, differs(&[("1", limited), ("2", unlimited), ("3", unlimited)]));
}

#[test]
fn the_full_connections_of_a_backend_are_no_limit() {
    let process = |n: usize| process(n, &[row("app", "BACKEND", 1, "slim=0")], &[]);
    let backend = snapshot(&[process(1), process(2)]).backend("app").unwrap();
    assert_eq!(backend.slim(), Some(Agreement::Same(0)));
}

#[test]
fn weights_differ_or_agree_and_are_never_averaged() {
    let weight = server(&["weight=40", "weight=1"]).weight().unwrap();
    assert_eq!(weight, differs(&[("1", 40), ("2", 1)]));
    assert_eq!((weight.min(), weight.max(), weight.same()), (Some(&1), Some(&40), None));
    assert_eq!(weight.to_string(), "1: 40, 2: 1");
}

#[test]
fn statuses_that_differ_in_counts_alone_agree_on_the_worst() {
    let status = |texts: &[&str]| {
        let cells: Vec<_> = texts.iter().map(|text| format!("status={}", text.replace(' ', "_"))).collect();
        server(&cells.iter().map(String::as_str).collect::<Vec<_>>()).status()
    };
    let agreed = [
        (["UP", "UP 1/3", "UP 2/3"], "UP 1/3"),
        (["UP", "UP", "UP"], "UP"),
        (["NOLB", "NOLB 2/3", "NOLB"], "NOLB 2/3"),
        (["DRAIN 1/2", "DRAIN", "DRAIN"], "DRAIN 1/2"),
        (["DOWN 1/2", "DOWN", "DOWN 1/2"], "DOWN"),
        (["DOWN 2/3", "DOWN 1/3", "DOWN 2/3"], "DOWN 1/3"),
        (["DOWN (agent)", "DOWN (agent)", "DOWN (agent)"], "DOWN (agent)"),
    ];
    for (mut texts, expected) in agreed {
        for _ in 0..3 {
            assert_eq!(status(&texts), Agreement::Same(Status::parse(expected)), "{texts:?}");
            texts.rotate_left(1);
        }
    }
    for (one, two) in [
        ("UP", "MAINT"),
        ("UP", "UP (UNPUB)"),
        ("UP 1/3", "no check"),
        ("DOWN", "DOWN (agent)"),
        ("MAINT", "MAINT (via app/web2)"),
        ("MAINT", "MAINT (resolution)"),
        ("MAINT (via app/web2)", "MAINT (via app/web3)"),
    ] {
        let expected = differs(&[("1", Status::parse(one)), ("2", Status::parse(two))]);
        assert_eq!(status(&[one, two]), expected);
    }
}

#[test]
fn a_check_under_way_is_no_disagreement() {
    let server = server(&["check_status=L4CON", "check_status=*_L4CON"]);
    let check = server.check_status().unwrap();
    let check = check.same().unwrap();
    assert_eq!((&check.result, check.running), (&CheckResult::L4Connect, true));
    let flags: Vec<_> = server.per_process().map(|(_, row)| row.check_status().unwrap().running).collect();
    assert_eq!(flags, [false, true]);
}

#[test]
fn ages_are_the_youngest_and_never_is_none() {
    let some = server(&["lastchg=50 lastsess=-1", "lastchg=20 lastsess=7", "lastchg=90 lastsess=9"]);
    assert_eq!((some.lastchg(), some.lastsess()), (Some(20), Some(7)));
    let never = server(&["lastsess=-1"]);
    assert_eq!(never.lastsess(), None);
    assert_eq!(never.per_process().next().unwrap().1.lastsess(), Some(-1));
    assert_eq!(server(&["throttle=30", ""]).throttle(), Some(30));
}

#[test]
fn times_weigh_by_samples_of_which_a_process_holds_1024() {
    let server = server(&["stot=1000000 qtime=10", "stot=1024 qtime=20", "stot=0 qtime=900"]);
    assert_eq!(server.qtime(), Some(15.0));
    assert_eq!(server.queue_time(), Some(Duration::from_millis(15)));
    assert_eq!(self::server(&["stot=0 qtime=5"]).qtime(), None);
}

/// A server in two processes that print this one column more, or do not print it.
/// The second one is read at `level`, or at one that it does not tell.
fn one_column(column: &str, kind: RowKind, cells: [Option<&str>; 2], level: &str) -> Snapshot {
    let name = if kind == RowKind::Backend { "BACKEND" } else { "one" };
    let code = [RowKind::Frontend, RowKind::Backend, RowKind::Server, RowKind::Listener];
    let code = code.iter().position(|one| *one == kind).unwrap();
    let processes = [1, 2].map(|n: usize| {
        let (head, cell) = match cells[n - 1] {
            Some(cell) => (format!("{column},"), format!("{cell},")),
            None => Default::default(),
        };
        let mut process = process(n, &[], &[]);
        process["stat"] = format!("# pxname,svname,type,{head}\napp,{name},{code},{cell}\n\n").into();
        process["level"] = if n == 1 { "admin" } else { level }.into();
        if process["level"] == "untold" {
            process.as_object_mut().unwrap().remove("level");
        }
        process
    });
    snapshot(&processes)
}

/// The merged figure of a column, in words.
fn metric_of(column: &str, kind: RowKind, cells: [Option<&str>; 2], level: &str) -> Option<String> {
    let snapshot = one_column(column, kind, cells, level);
    match kind {
        RowKind::Frontend => snapshot.frontends()[0].metric(column).unwrap().map(|figure| figure.to_string()),
        RowKind::Backend => snapshot.backends()[0].metric(column).unwrap().map(|figure| figure.to_string()),
        RowKind::Server => snapshot.servers()[0].metric(column).unwrap().map(|figure| figure.to_string()),
        _ => snapshot.listeners()[0].metric(column).unwrap().map(|figure| figure.to_string()),
    }
}

#[test]
fn an_empty_cell_is_passed_over_or_a_value_by_the_rule_of_its_column() {
    let mut seen = 0;
    for column in field::COLUMNS {
        for (kind, rule) in
            column.kinds.iter().filter(|(_, rule)| matches!(rule, Rule::Same | Rule::SameOrEmpty))
        {
            let value = match column.value_type {
                ValueType::Text => "x",
                ValueType::Status => "UP",
                ValueType::Check => "L4OK",
                ValueType::Mode => "http",
                _ => "7",
            };
            let is_value = *rule == Rule::SameOrEmpty;
            let is_limit = is_value && value == "7";
            let is_hidden = ["addr", "cookie", "algo"].contains(&column.name);
            let text = |text: &str| Some(text.to_owned());
            let differs = text(&format!("1: {value}, 2: {}", if is_limit { "unlimited" } else { "" }));
            let metric = |cells, level| metric_of(column.name, *kind, cells, level);
            let name = format!("{} of {kind:?}", column.name);

            let beside_empty = metric([Some(value), Some("")], "operator");
            assert_eq!(beside_empty, if is_value { differs.clone() } else { text(value) }, "{name}");
            let hides = is_hidden || !is_value;
            for level in ["user", "untold"] {
                let beside_hidden = metric([Some(value), Some("")], level);
                assert_eq!(beside_hidden, if hides { text(value) } else { differs.clone() }, "{name}");
            }
            assert_eq!(metric([Some(value), None], "admin"), text(value), "{name}");
            assert_eq!(metric([Some(value), Some(value)], "user"), text(value), "{name}");
            let nowhere = if is_limit { text("unlimited") } else { None };
            assert_eq!(metric([Some(""), Some("")], "admin"), nowhere, "{name}");
            seen += 1;
        }
    }
    assert_eq!(seen, 47, "columns of these rules, each with each kind of row");
}

#[test]
fn accessors_tell_an_empty_cell_that_is_a_value() {
    fn of<T: Clone>(one: T, other: T) -> Agreement<T> {
        differs(&[("1", one), ("2", other)])
    }
    let server = |column: &str, cell: &str| {
        one_column(column, RowKind::Server, [Some(cell), Some("")], "operator").servers().remove(0)
    };
    assert_eq!(server("src_ilim", "0").src_ilim(), Some(of(Bound::At(0), Bound::Unlimited)));
    assert_eq!(server("tracked", "app/web2").tracked(), Some(of("app/web2", "")));
    assert_eq!(server("cookie", "a").cookie(), Some(of("a", "")));
    assert_eq!(server("last_chk", "OK").last_check(), Some(of("OK", "")));
    assert_eq!(server("last_agt", "OK").last_agent_check(), Some(of("OK", "")));
    let [check, none] = ["* L4OK", ""].map(CheckStatus::parse);
    assert_eq!(none.result, CheckResult::NoCheck);
    assert_eq!(server("check_status", "* L4OK").check_status(), Some(of(check.clone(), none.clone())));
    assert_eq!(server("agent_status", "* L4OK").agent_status(), Some(of(check, none)));
    let named = server("addr", "192.0.2.1:80");
    let [address, none] = ["192.0.2.1:80", ""].map(ServerAddress::parse);
    assert_eq!(none, ServerAddress::Unresolved);
    assert_eq!((named.address(), named.port()), (Some(of(address, none)), Some(Agreement::Same(80))));
    assert_eq!(
        serde_json::to_string(&server("src_ilim", "10").metric("src_ilim").unwrap()).unwrap(),
        r#"{"1":10,"2":null}"#
    );

    let described = [("description", "first")];
    let info = snapshot(&[process(1, &[], &described), process(2, &[], &[])]).info();
    assert_eq!(info.description(), Some(of("first", "")));
    assert_eq!(info.metric("description").unwrap(), Some(MetricValue::SameText(of("first", ""))));
    let info = snapshot(&[process(1, &[], &[]), process(2, &[], &[])]).info();
    assert_eq!(info.description(), None);
}

#[test]
fn what_a_user_socket_hides_is_no_disagreement() {
    let snapshot = one_column("addr", RowKind::Server, [Some("192.0.2.1:80"), Some("")], "user");
    let server = &snapshot.servers()[0];
    assert_eq!(server.addr(), Some(Agreement::Same("192.0.2.1:80")));
    assert_eq!(server.port(), Some(Agreement::Same(80)));
    let snapshot = one_column("check_status", RowKind::Server, [Some("L4OK"), Some("")], "user");
    assert_eq!(snapshot.servers()[0].check_status().unwrap().to_string(), "1: L4OK, 2: ");
}

#[test]
fn columns_of_tomorrow_are_text_that_agrees_or_not() {
    let server = server(&["pid=1 novel=x", "pid=2 novel=y"]);
    assert_eq!(
        server.metric("novel").unwrap(),
        Some(MetricValue::SameText(differs(&[("1", "x"), ("2", "y")])))
    );
    assert_eq!(
        server.metric("pid").unwrap(),
        Some(MetricValue::Own(vec![("1".into(), "1"), ("2".into(), "2")]))
    );
    assert!(server.metrics().iter().any(|(name, _)| *name == "novel"));
    // Whether an empty one is a value is not known, and so it is shown.
    let server = self::server(&["novel=x", ""]);
    assert_eq!(
        server.metric("novel").unwrap(),
        Some(MetricValue::SameText(differs(&[("1", "x"), ("2", "")])))
    );
    assert_eq!(self::server(&["", ""]).metric("novel").unwrap(), None);
}

#[test]
fn a_process_with_two_rows_of_one_listener_is_named_once() {
    let shard = |sid: usize, status| {
        row("web", "sock-1", 3, &format!("addr=192.0.2.1:80 stot=4 pid=1 sid={sid} status={status}"))
    };
    let one = process(1, &[shard(1, "OPEN"), shard(2, "FULL")], &[]);
    let two = process(2, &[shard(1, "OPEN")], &[]);
    let snapshot = snapshot(&[one, two]);
    let listeners = snapshot.listeners();
    assert_eq!(listeners.len(), 1);
    let listener = &listeners[0];
    assert_eq!((listener.processes(), listener.sessions()), (vec!["1", "2"], 12.into()));
    assert_eq!(
        listener.metric("sid").unwrap(),
        Some(MetricValue::Own(vec![("1".into(), "1"), ("1".into(), "2"), ("2".into(), "1")]))
    );
    let json = |name| serde_json::to_string(&listener.metric(name).unwrap()).unwrap();
    assert_eq!(json("sid"), r#"{"1":["1","2"],"2":"1"}"#);
    assert_eq!(json("status"), r#"{"1":["OPEN","FULL"],"2":"OPEN"}"#);
}

#[test]
fn old_workers_count_in_sums_and_have_no_say_in_states() {
    let new = row("app", "web1", 2, "stot=10 scur=1 smax=5 slim=9 weight=100 status=UP lastchg=3");
    let old = row("app", "web1", 2, "stot=7 scur=1 smax=5 slim=4 weight=1 status=MAINT lastchg=1");
    let new = process(1, &[new], &[("Stopping", "0"), ("Maxconn", "500")]);
    let old = process(2, &[old], &[("Stopping", "1"), ("Maxconn", "100")]);
    let both = snapshot(&[new, old.clone()]);
    let server = both.server("app", "web1").unwrap();
    assert_eq!((server.stot(), server.scur()), (Some(17), Some(2)));
    assert_eq!(server.smax(), Some(CountRange { at_least: 5, at_most: 10 }));
    assert_eq!((server.weight(), server.lastchg()), (Some(Agreement::Same(100)), Some(3)));
    assert_eq!(server.status().to_string(), "UP");
    assert_eq!(server.slim().unwrap().total, Bound::At(9));
    assert_eq!(server.processes(), ["1", "2"]);
    assert_eq!(both.info().maxconn().unwrap().each, Agreement::Same(Bound::At(500)));
    assert_eq!(both.info().stopping(), Some(1));

    // The old worker counts if no other process is there.
    let alone = snapshot(&[old]).server("app", "web1").unwrap();
    assert_eq!((alone.weight(), alone.status().to_string()), (Some(Agreement::Same(1)), "MAINT".into()));
}

#[test]
fn processes_are_merged_by_the_rules_of_their_keys() {
    let keys = |n: usize, keys: &[(&str, &str)]| process(n, &[], keys);
    let info = snapshot(&[
        keys(
            1,
            &[
                ("CumReq", "5"),
                ("Idle_pct", "90"),
                ("Uptime_sec", "10"),
                ("Maxconn", "0"),
                ("MaxConnRate", "4"),
                ("SslRate", "1"),
                ("SslFrontendSessionReuse_pct", "100"),
                ("node", "a"),
                ("Version", "2.6.12"),
            ],
        ),
        keys(
            2,
            &[
                ("CumReq", "7"),
                ("Idle_pct", "50"),
                ("Uptime_sec", "99"),
                ("Maxconn", "9"),
                ("MaxConnRate", "6"),
                ("SslRate", "3"),
                ("SslFrontendSessionReuse_pct", "0"),
                ("node", "b"),
                ("Version", "3.4.7"),
            ],
        ),
    ])
    .info();
    assert_eq!(info.requests(), 12);
    assert_eq!((info.idle_pct(), info.lowest_idle_pct()), (Some(70.0), Some(50)));
    let uptime = info.uptime().unwrap();
    assert_eq!((uptime.youngest.as_secs(), uptime.oldest.as_secs()), (10, 99));
    assert_eq!(info.maxconn().unwrap().total, Bound::Unlimited);
    assert_eq!(info.max_conn_rate(), Some(CountRange { at_least: 6, at_most: 10 }));
    assert_eq!(info.ssl_frontend_session_reuse_pct(), Some(25.0));
    assert_eq!(info.node(), Some(differs(&[("1", "a"), ("2", "b")])));
    assert_eq!(info.versions().unwrap().to_string(), "1: 2.6.12, 2: 3.4.7");
    assert_eq!(info.pids(), [("1", 101), ("2", 102)]);
    let idle = snapshot(&[keys(1, &[("SslRate", "0"), ("SslFrontendSessionReuse_pct", "0")])]).info();
    assert_eq!(idle.ssl_frontend_session_reuse_pct(), None);
}

#[test]
fn listeners_of_one_name_are_told_apart_by_address_or_by_position_where_it_is_hidden() {
    let listener = |sid: usize, addr: &str| {
        let addr = if addr.is_empty() { String::new() } else { format!("addr={addr}") };
        row("web", "x", 3, &format!("sid={sid} stot={sid} {addr}"))
    };
    let [one, two] = ["192.0.2.1:80", "192.0.2.2:80"];
    let visible = process(1, &[listener(1, one), listener(2, two)], &[]);
    let hidden = process(2, &[listener(2, ""), listener(1, "")], &[]);
    // The same sockets in another order, so at other positions, and one more.
    let moved = process(3, &[listener(1, two), listener(2, one), listener(3, "192.0.2.3:80")], &[]);
    let all = snapshot(&[visible, hidden, moved]);
    let found: Vec<_> = all.listeners().iter().map(|one| (one.sessions(), one.processes().len())).collect();
    assert_eq!(
        found,
        [(CountRange::from(1 + 1 + 2), 3), (CountRange::from(2 + 2 + 1), 3), (CountRange::from(3), 1)]
    );
}

#[test]
fn objects_keep_the_order_of_the_rows_and_their_own_processes() {
    let one =
        [row("a", "FRONTEND", 0, "stot=1"), row("b", "s1", 2, "stot=1"), row("b", "BACKEND", 1, "stot=1")];
    let two = [
        row("c", "FRONTEND", 0, "stot=1"),
        row("a", "FRONTEND", 0, "stot=2"),
        row("b", "s2", 2, "stot=1"),
        row("b", "s1", 2, "stot=4"),
        row("b", "BACKEND", 1, "stot=5"),
    ];
    let snapshot = snapshot(&[process(1, &one, &[]), process(2, &two, &[])]);
    let frontends: Vec<_> =
        snapshot.frontends().iter().map(|one| (one.name().to_owned(), one.sessions())).collect();
    assert_eq!(frontends, [("a".into(), 3.into()), ("c".into(), 1.into())]);
    let backend = snapshot.backend("b").unwrap();
    let servers: Vec<_> =
        backend.servers().iter().map(|one| (one.name().to_owned(), one.requests())).collect();
    assert_eq!(servers, [("s1".into(), 5.into()), ("s2".into(), 1.into())]);
    assert_eq!(backend.server("s2").unwrap().processes(), ["2"]);
}

#[test]
fn the_same_rows_in_another_order_are_the_same_objects() {
    let forward: Vec<_> = (0..40).map(|n| row("b", &format!("s{n}"), 2, &format!("stot={n}"))).collect();
    let backward: Vec<_> = forward.iter().rev().cloned().collect();
    let some: Vec<_> = forward.iter().step_by(3).cloned().collect();
    let snapshot = snapshot(&[process(1, &forward, &[]), process(2, &backward, &[]), process(3, &some, &[])]);
    assert_eq!(snapshot.servers().len(), 40);
    for n in 0..40u64 {
        let server = snapshot.server("b", &format!("s{n}")).unwrap();
        let processes = if n % 3 == 0 { 3 } else { 2 };
        assert_eq!((server.processes().len() as u64, server.requests()), (processes, (n * processes).into()));
    }
}

/// The server `app/web1` in processes 1, 2, ... with the counters that each keeps in a file.
fn sharing(processes: &[(&str, &Value)]) -> ServerStats {
    let processes: Vec<_> = (1..)
        .zip(processes)
        .map(|(n, (cells, shared))| {
            let mut process = process(n, &[row("app", "web1", 2, cells)], &[]);
            if !shared.is_null() {
                process["shared"] = (*shared).clone();
            }
            process
        })
        .collect();
    snapshot(&processes).server("app", "web1").unwrap()
}

fn in_file(inode: u64) -> Value {
    json!({
        "file": {"mapped": {"device": 1, "inode": inode, "path": "/run/counters"}},
        "places": {"be:web1": [0]},
    })
}

fn unknown() -> Value {
    json!({"file": {"declared": "edge"}, "problem": "no reply", "unknown": [0]})
}

#[test]
fn a_counter_that_processes_share_counts_once() {
    let (one, two) = (in_file(1), in_file(2));
    // The highest is the newest of one place.
    let server = sharing(&[
        ("stot=41 scur=1 h1_open_connections=3", &one),
        ("stot=42 scur=2 h1_open_connections=4", &one),
        ("stot=7", &two),
        ("stot=100", &Value::Null),
    ]);
    assert_eq!((server.stot(), server.requests()), (Some(149), 149.into()));
    // Each process has its own value of a column that is no counter.
    assert_eq!(server.scur(), Some(3));
    let CounterSharing::Shared(groups) = server.sharing() else { panic!("{:?}", server.sharing()) };
    let groups: Vec<_> =
        groups.iter().map(|group| (group.file.to_string(), group.processes.clone())).collect();
    let file = "/run/counters".to_owned();
    assert_eq!(groups, [(file.clone(), vec!["1".into(), "2".into()]), (file, vec!["3".into()])]);
}

#[test]
fn a_counter_is_a_range_while_it_is_not_known_who_shares_it() {
    let unknown = unknown();
    let server = sharing(&[("stot=30", &unknown), ("stot=12", &unknown), ("stot=5", &Value::Null)]);
    let range = CountRange { at_least: 35, at_most: 47 };
    assert_eq!((server.requests(), server.stot()), (range, None));
    assert_eq!(server.metric("stot").unwrap(), Some(MetricValue::Range(range)));
    assert!(server.metrics().contains(&("stot", MetricValue::Range(range))));
    assert_eq!(server.sharing().to_string(), "edge: 1, 2 (which of them is not known)");
    let snapshot = server.snapshot();
    let problems: Vec<_> = snapshot.processes().iter().map(|one| one.shm_stats_file_problem()).collect();
    assert_eq!(problems, [Some("no reply"), Some("no reply"), None]);
    // One alone counts for itself, wherever that is.
    assert_eq!(sharing(&[("stot=30", &unknown), ("stot=5", &Value::Null)]).stot(), Some(35));
    assert_eq!(sharing(&[("stot=0", &unknown), ("stot=0", &unknown)]).stot(), Some(0));
}

#[test]
fn a_file_is_that_of_its_host_or_of_its_name() {
    let host = |name: &str, shared: &Value| {
        let mut process = process(1, &[row("app", "web1", 2, "stot=42")], &[]);
        process["host"] = name.into();
        process["shared"] = shared.clone();
        snapshot(&[process])
    };
    let joined = |shared: &Value| host("a", shared).join(&host("b", shared));
    let mapped = joined(&in_file(1));
    assert_eq!(mapped.server("app", "web1").unwrap().stot(), Some(84));
    let declared = json!({"file": {"declared": "edge"}, "places": {"be:web1": [0]}});
    let declared = joined(&declared);
    assert_eq!(declared.server("app", "web1").unwrap().stot(), Some(42));
    for snapshot in [mapped, declared] {
        let text = serde_json::to_string(&snapshot).unwrap();
        assert_eq!(serde_json::from_str::<Snapshot>(&text).unwrap(), snapshot);
    }
}

#[test]
fn rows_that_a_snapshot_does_not_have_are_in_no_file() {
    let shared = json!({"file": {"declared": "edge"}, "places": {"be:x": [0, 1, u32::MAX]}, "unknown": [9]});
    assert_eq!(sharing(&[("stot=1", &shared), ("stot=2", &shared)]).stot(), Some(2));
}

#[test]
fn a_mean_has_no_weights_where_samples_are_counted_together() {
    let file = in_file(1);
    assert_eq!(sharing(&[("stot=20 qtime=30", &file), ("stot=20 qtime=30", &file)]).qtime(), None);
    assert_eq!(sharing(&[("stot=20 qtime=30", &file), ("stot=20 qtime=30", &Value::Null)]).qtime(), None);
    assert_eq!(sharing(&[("stot=20 qtime=30", &unknown()), ("stot=5 qtime=0", &unknown())]).qtime(), None);
    // If only one process prints a mean, that is HAProxy's value; if all print 0, it is 0.
    assert_eq!(sharing(&[("stot=20 qtime=30", &file), ("stot=0 qtime=0", &file)]).qtime(), Some(30.0));
    assert_eq!(sharing(&[("stot=20 qtime=0", &file), ("stot=20 qtime=0", &file)]).qtime(), Some(0.0));
    let separate = json!({"file": {"declared": "edge"}});
    assert_eq!(
        sharing(&[("stot=1 qtime=30", &separate), ("stot=1 qtime=10", &separate)]).qtime(),
        Some(20.0)
    );
}
