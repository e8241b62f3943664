//! Stick tables of a process of each release.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "in a test a panic is the failure message")]
#![allow(clippy::indexing_slicing, reason = "the same")]

use std::time::Duration;

use haproxyadmin::table::{Comparison, Condition, KeyType, StickTable, TableEntry};
use haproxyadmin::{Change, Cluster, ErrorKind, Outcomes};

mod support;

use support::{Config, Running, hold, http_get, releases, releases_since, until};

const CONFIG: &str = r#"
global
    stats socket "unix@${DIR}/stats/${N}.sock" mode 600 level admin
    stats socket "unix@${DIR}/operator.${N}.sock" mode 600 level operator
    stats socket "unix@${DIR}/user.${N}.sock" mode 600 level user

defaults
    mode http
    timeout connect 5s
    timeout client 30s
    timeout server 30s

frontend web
    bind "unix@${DIR}/traffic/web.${N}"
    http-request track-sc0 path table paths
    default_backend app

backend app
    server web1 "${SERVER_1}"

backend paths
    stick-table type string len 64 size 200k expire 1h store gpc0,conn_cur,http_req_cnt,http_req_rate(10s),bytes_in_cnt

backend clients
    stick-table type ip size 100 store gpc0,gpt0

backend clients6
    stick-table type ipv6 size 100 expire 1h store gpc0

backend numbers
    stick-table type integer size 100 expire 1h store gpc0

backend cookies
    stick-table type binary len 8 size 100 expire 1h store gpc0

backend widths
    stick-table type integer size 100 expire 1h store server_id,gpt0,gpc0,gpc0_rate(1h),conn_cnt,conn_cur,bytes_in_cnt,bytes_in_rate(1h)
"#;

const ARRAYS: &str = r#"
global
    stats socket "unix@${DIR}/stats/${N}.sock" mode 600 level admin

defaults
    mode http
    timeout connect 5s
    timeout client 30s
    timeout server 30s

backend arrays
    stick-table type integer size 100 expire 1h store gpt(3),gpc(3),gpc_rate(3,1h)
"#;

async fn start() -> (Running, Cluster) {
    let mut running = Running::new();
    running.add_servers(1).await;
    let config = running.fill(Config::new(CONFIG));
    for (n, release) in (1..).zip(releases()) {
        running.add(&release, &format!("process{n}"), &config.clone().set("N", n)).await;
    }
    let cluster = Cluster::from_dir(running.stats()).await.unwrap();
    (running, cluster)
}

/// Returns the keys that each process holds.
async fn keys(table: &StickTable) -> Vec<Vec<String>> {
    let outcomes = table.show().await.unwrap();
    let keys = outcomes.values().map(|(_, entries)| {
        let mut keys: Vec<_> = entries.iter().map(|entry| entry.key_text().into_owned()).collect();
        keys.sort();
        keys
    });
    keys.collect()
}

fn everywhere<T: Clone>(value: T) -> Vec<T> {
    vec![value; releases().len()]
}

fn changed(outcomes: &Outcomes<Change>) {
    let changed = outcomes.values().filter(|(_, change)| change.is_changed());
    assert_eq!(changed.count(), releases().len(), "{outcomes}");
}

#[tokio::test]
async fn the_tables_of_each_process_are_listed() {
    let (_running, cluster) = start().await;
    cluster.table("numbers").unwrap().set("7", [("gpc0", 1)]).await.unwrap();
    let lists = cluster.tables().await.unwrap();
    for (label, tables) in lists.values() {
        let mut found: Vec<_> =
            tables.iter().map(|table| (&*table.name, &table.key_type, table.size, table.used)).collect();
        found.sort_by_key(|(name, ..)| *name);
        let expected = [
            ("clients", &KeyType::Ip, 100, 0),
            ("clients6", &KeyType::Ipv6, 100, 0),
            ("cookies", &KeyType::Binary, 100, 0),
            ("numbers", &KeyType::Integer, 100, 1),
            ("paths", &KeyType::String, 204_800, 0),
            ("widths", &KeyType::Integer, 100, 0),
        ];
        assert_eq!(found, expected, "{label}");
    }
    assert_eq!(lists.values().count(), releases().len());
}

#[tokio::test]
async fn entries_of_traffic_have_their_figures() {
    let (running, cluster) = start().await;
    for n in 1..=running.processes() {
        for _ in 0..n {
            assert_eq!(http_get(running.traffic("web", n), "/a%20b?x").await, 200);
        }
    }
    let paths = cluster.table("paths").unwrap();
    for (n, (label, entries)) in (1..).zip(paths.show().await.unwrap().values()) {
        let entry = entries.get("/a%20b").unwrap();
        assert_eq!((entries.len(), entry.get("http_req_cnt")), (1, Some(n)), "{label}");
        assert!(entry.expires_in() > Duration::from_secs(3500), "{entry:?}");
        let rate = entry.data().find(|datum| datum.name == "http_req_rate").unwrap();
        assert_eq!((rate.period, rate.number()), (Some(Duration::from_secs(10)), Some(n)), "{label}");
        assert!(entry.get("bytes_in_cnt").unwrap() > 0);
        assert_eq!((entry.get("gpc1"), entry.in_use()), (None, 0));
    }
}

#[tokio::test]
async fn keys_are_stored_and_printed_as_they_are() {
    let (_running, cluster) = start().await;
    let paths = cluster.table("paths").unwrap();
    let mut odd = [
        "plain",
        "a b",
        "a;clear table paths",
        "eq=x",
        "back\\slash",
        "\"q\"",
        "'",
        "é\u{1f600}",
        "\x01\x0b\x7f",
        "tab\t",
        "#1",
        "key",
        "data.gpc0",
        "-1",
    ];
    for (value, key) in (1..).zip(odd) {
        changed(&paths.set(key, [("gpc0", value)]).await.unwrap());
        for (label, found) in paths.get(key).await.unwrap().values() {
            let entry = found.get(key).unwrap();
            assert_eq!((found.len(), entry.get("gpc0")), (1, Some(value)), "{label} {key:?}");
        }
    }
    odd.sort_unstable();
    assert_eq!(keys(&paths).await, everywhere(odd.map(String::from).to_vec()));
    for key in odd {
        changed(&paths.delete(key).await.unwrap());
    }
    assert_eq!(keys(&paths).await, everywhere(Vec::<String>::new()));
    let error = paths.set("", [("gpc0", 1)]).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InvalidInput);
}

#[tokio::test]
async fn a_key_of_another_type_is_not_sent() {
    let (_running, cluster) = start().await;
    for (name, good, bad) in [
        ("clients", "192.0.2.7", &["2001:db8::1", "bogus", "1.2.3", "192.0.2.7 "][..]),
        ("clients6", "2001:db8::1", &["192.0.2.7", "bogus"]),
        ("numbers", "4294967295", &["4294967296", "-1", "+1", "x", "1.5"]),
        ("cookies", "", &["0a0b"]),
    ] {
        let table = cluster.table(name).unwrap();
        for key in bad {
            let errors = [
                table.set(key, [("gpc0", 1)]).await.unwrap_err(),
                table.delete(key).await.unwrap_err(),
                table.get(key).await.unwrap_err(),
            ];
            for error in errors {
                assert_eq!(error.kind(), ErrorKind::InvalidInput, "{name} {key}: {error}");
                assert!(key.len() < 3 || !error.to_string().contains(key), "{error}");
            }
        }
        if !good.is_empty() {
            changed(&table.set(good, [("gpc0", 3)]).await.unwrap());
            assert_eq!(table.get(good).await.unwrap().values().count(), releases().len());
        }
        let expected = if good.is_empty() { Vec::new() } else { vec![good.to_owned()] };
        assert_eq!(keys(&table).await, everywhere(expected));
    }
}

#[tokio::test]
async fn conditions_choose_entries() {
    let (_running, cluster) = start().await;
    let table = cluster.table("numbers").unwrap();
    for n in 1..=5 {
        changed(&table.set(&n.to_string(), [("gpc0", n)]).await.unwrap());
    }
    let gpc0 = |comparison, value| Condition::new("gpc0", comparison, value);
    for (conditions, expected) in [
        (vec![gpc0(Comparison::Equal, 2)], &["2"][..]),
        (vec![gpc0(Comparison::NotEqual, 2)], &["1", "3", "4", "5"]),
        (vec![gpc0(Comparison::Less, 2)], &["1"]),
        (vec![gpc0(Comparison::AtMost, 2)], &["1", "2"]),
        (vec![gpc0(Comparison::Greater, 4)], &["5"]),
        (vec![gpc0(Comparison::AtLeast, 4)], &["4", "5"]),
        (vec![gpc0(Comparison::Greater, 1), gpc0(Comparison::Less, 4)], &["2", "3"]),
        (vec![gpc0(Comparison::Greater, 9)], &[]),
    ] {
        for (label, entries) in table.show_where(&conditions).await.unwrap().values() {
            let mut found: Vec<_> = entries.iter().map(|entry| entry.key_text().into_owned()).collect();
            found.sort();
            assert_eq!(found, expected, "{label} {conditions:?}");
        }
    }
    changed(
        &table.clear_where(&[gpc0(Comparison::AtLeast, 2), gpc0(Comparison::NotEqual, 4)]).await.unwrap(),
    );
    assert_eq!(keys(&table).await, everywhere(vec!["1".to_owned(), "4".to_owned()]));
    changed(&table.clear().await.unwrap());
    assert_eq!(keys(&table).await, everywhere(Vec::<String>::new()));

    let five = vec![gpc0(Comparison::Equal, 1); 5];
    for error in [
        table.show_where(&five).await.unwrap_err(),
        table.clear_where(&[]).await.unwrap_err(),
        table.show_where(&[Condition::new("gpc0 gt 1", Comparison::Equal, 1)]).await.unwrap_err(),
        table.set("1", [("GPC0", 1)]).await.unwrap_err(),
        table.set("1", Vec::<(&str, u64)>::new()).await.unwrap_err(),
    ] {
        assert_eq!(error.kind(), ErrorKind::InvalidInput, "{error}");
    }
    for error in [
        table.show_where(&[Condition::new("conn_cur", Comparison::Equal, 1)]).await.unwrap_err(),
        table.set("1", [("nothing", 1)]).await.unwrap_err(),
    ] {
        assert_eq!(error.kind(), ErrorKind::Refused, "{error}");
    }

    // A refusal of a value leaves an entry that exists as it was, and free to be deleted.
    changed(&table.set("2", [("gpc0", 5)]).await.unwrap());
    let error = table.set("2", [("gpc0", 6), ("gpt0", 1)]).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Refused, "{error}");
    for (label, entries) in table.get("2").await.unwrap().values() {
        let entry = entries.get("2").unwrap();
        assert_eq!((entry.get("gpc0"), entry.in_use()), (Some(5), 0), "{label}");
    }
    changed(&table.delete("2").await.unwrap());
}

#[tokio::test]
async fn a_number_is_stored_as_it_is_or_refused() {
    let (running, cluster) = start().await;
    let table = cluster.table("widths").unwrap();
    let (signed, narrow, wide) = (0x7fff_ffff, 0xffff_ffff, 0x7fff_ffff_ffff_ffff);
    for (name, greatest) in [
        ("server_id", signed),
        ("gpt0", narrow),
        ("gpc0", narrow),
        ("conn_cnt", narrow),
        ("conn_cur", narrow),
        ("gpc0_rate", narrow),
        ("bytes_in_rate", narrow),
        ("bytes_in_cnt", wide),
    ] {
        for value in [greatest + 1, u64::MAX] {
            let error = table.set("7", [("gpc0", 1), (name, value)]).await.unwrap_err();
            assert_eq!(error.kind(), ErrorKind::InvalidInput, "{error}");
        }
        assert_eq!(keys(&table).await, everywhere(Vec::<String>::new()), "{name}");
        changed(&table.set("7", [(name, greatest)]).await.unwrap());
        let outcomes = table.get("7").await.unwrap();
        assert_eq!(outcomes.values().count(), releases().len());
        for (release, (label, entries)) in releases().iter().zip(outcomes.values()) {
            let entry = entries.get("7").unwrap();
            let value = entry.data().find(|datum| datum.name == name).unwrap().value.to_owned();
            // Up to 2.4, the bits of a rate are printed as a number with a sign.
            let is_signed = !release.is_at_least("2.5") && name.ends_with("_rate");
            let expected = if is_signed { "-1".to_owned() } else { greatest.to_string() };
            assert_eq!(value, expected, "{label} {name}");
        }
        changed(&table.delete("7").await.unwrap());
    }
    // HAProxy itself takes the number, stores another one and reports success.
    for n in 1..=running.processes() {
        let process = cluster.only([n.to_string()]);
        for command in [
            "set table widths key 8 data.gpc0 4294967301",
            "set table widths key 8 data.server_id 2147483648",
        ] {
            process.command(command).await.unwrap();
        }
        let entries = process.table("widths").unwrap().get("8").await.unwrap();
        let (_, entries) = entries.values().next().unwrap();
        let entry = entries.get("8").unwrap();
        let server_id = entry.data().find(|datum| datum.name == "server_id").unwrap();
        assert_eq!((entry.get("gpc0"), server_id.value), (Some(5), "-2147483648"), "{n}");
    }
}

#[tokio::test]
async fn elements_of_arrays_are_set_twice() {
    let newer = releases_since("3.2");
    let running = Running::of(0, &newer, |_| Config::new(ARRAYS)).await;
    let cluster = Cluster::from_dir(running.stats()).await.unwrap();
    let table = cluster.table("arrays").unwrap();
    for value in [7, 8] {
        let values =
            [("gpc", value), ("gpc[1]", value + 1), ("gpt[2]", value + 2), ("gpc_rate[1]", value + 3)];
        let outcomes = table.set("7", values).await.unwrap();
        assert_eq!(outcomes.values().count(), newer.len(), "{outcomes}");
        for (label, entries) in table.get("7").await.unwrap().values() {
            let entry = entries.get("7").unwrap();
            let found = ["gpc0", "gpc1", "gpt2", "gpc1_rate"].map(|name| entry.get(name));
            assert_eq!(found, [0, 1, 2, 3].map(|more| Some(value + more)), "{label}");
        }
    }
    let error = table.set("7", [("gpc[3]", 1)]).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Refused, "{error}");
}

#[tokio::test]
async fn a_table_or_key_that_a_process_does_not_have_is_absent() {
    let (_running, cluster) = start().await;
    let partial = cluster.allow_partial();
    let nothing = partial.table("nothing").unwrap();
    assert!(nothing.show().await.unwrap().iter().all(|outcome| outcome.absent() == Some("No such table")));
    assert!(nothing.clear().await.unwrap().iter().all(|outcome| outcome.absent().is_some()));
    assert!(nothing.delete("a").await.unwrap().iter().all(|outcome| outcome.absent().is_some()));
    let key = partial.table("paths").unwrap().get("nothing").await.unwrap();
    assert!(key.iter().all(|outcome| outcome.absent().is_some()), "{key:?}");
    assert_eq!(cluster.table("nothing").unwrap().show().await.unwrap_err().kind(), ErrorKind::NotFound);
    for name in ["", "a b", "a;b", "a\nb", "é"] {
        assert_eq!(cluster.table(name).unwrap_err().kind(), ErrorKind::InvalidInput, "{name:?}");
    }
}

#[tokio::test]
async fn a_socket_of_level_user_shows_no_entries_and_operator_is_enough() {
    let (running, _) = start().await;
    let socket = |level: &str, n| running.dir().join(format!("{level}.{n}.sock"));
    for n in 1..=running.processes() {
        let operator = Cluster::from_addresses([socket("operator", n)]).await.unwrap();
        let table = operator.table("clients").unwrap();
        table.set("192.0.2.7", [("gpc0", 1)]).await.unwrap();
        assert_eq!(table.show().await.unwrap().values().next().unwrap().1.len(), 1);

        let user = Cluster::from_addresses([socket("user", n)]).await.unwrap();
        assert_eq!(user.tables().await.unwrap().values().count(), 1);
        let table = user.table("clients").unwrap();
        for error in [
            table.show().await.unwrap_err(),
            table.get("192.0.2.7").await.unwrap_err(),
            table.set("192.0.2.7", [("gpc0", 1)]).await.unwrap_err(),
            table.delete("192.0.2.7").await.unwrap_err(),
        ] {
            assert_eq!(error.kind(), ErrorKind::PermissionDenied, "process {n}: {error}");
        }
        // The denied changes left nothing behind, and up to 3.0 every level may clear a table.
        let own = operator.table("clients").unwrap();
        assert_eq!(own.show().await.unwrap().values().next().unwrap().1.len(), 1, "process {n}");
        let cleared = table.clear().await.map_err(|error| error.kind());
        assert_eq!(cleared.is_ok(), !releases()[n - 1].is_at_least("3.2"), "process {n}: {cleared:?}");
    }
}

#[tokio::test]
async fn an_entry_that_a_request_tracks_is_in_use() {
    let (running, cluster) = start().await;
    let paths = cluster.table("paths").unwrap();
    let mut held = Vec::new();
    for n in 1..=running.processes() {
        held.push(hold(running.traffic("web", n), "/hold").await);
    }
    until("requests are tracked", async || {
        let outcomes = cluster.allow_partial().table("paths").unwrap().get("/hold").await.unwrap();
        let tracked = outcomes.values().filter(|(_, found)| found.get("/hold").unwrap().in_use() == 1);
        (tracked.count() == releases().len()).then_some(())
    })
    .await;
    let outcomes = paths.on(&cluster.allow_partial()).delete("/hold").await.unwrap();
    let refused = outcomes.failed().filter_map(|outcome| outcome.error()).map(haproxyadmin::Error::kind);
    assert_eq!(refused.collect::<Vec<_>>(), everywhere(ErrorKind::Refused), "{outcomes}");
    changed(&paths.clear().await.unwrap());
    assert_eq!(keys(&paths).await, everywhere(vec!["/hold".to_owned()]));
}

#[tokio::test]
async fn entries_are_handed_on_one_by_one() {
    let (running, cluster) = start().await;
    let clients = cluster.table("clients").unwrap();
    for n in 1..=3 {
        clients.set(&format!("192.0.2.{n}"), [("gpc0", n)]).await.unwrap();
    }
    let mut seen = Vec::new();
    let visit = |process: &str, entry: TableEntry<'_>| {
        seen.push((process.to_owned(), entry.key_text().into_owned(), entry.get("gpc0").unwrap()));
    };
    let some = [Condition::new("gpc0", Comparison::AtLeast, 2)];
    let counts = clients.for_each(&some, visit).await.unwrap();
    assert_eq!(counts.values().map(|(_, count)| *count).collect::<Vec<_>>(), everywhere(2));
    seen.sort();
    let expected = (1..=running.processes())
        .flat_map(|n| [2, 3].map(|k| (n.to_string(), format!("192.0.2.{k}"), k)))
        .collect::<Vec<_>>();
    assert_eq!(seen, expected);

    let never = |_: &str, entry: TableEntry<'_>| panic!("{entry:?}");
    let error = cluster.table("missing").unwrap().for_each(&[], never).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::NotFound);
    let wrong = [Condition::new("gpc1", Comparison::Equal, 2)];
    let error = clients.for_each(&wrong, never).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Refused);
    let user = Cluster::from_addresses([running.dir().join("user.1.sock")]).await.unwrap();
    let error = user.table("clients").unwrap().for_each(&[], never).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::PermissionDenied);
}
