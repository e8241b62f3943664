//! Strings that act as arguments and as nothing else. On real processes of every release, each key,
//! value, pattern or name is refused before it is sent or is read back unchanged, and nothing else
//! changes.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "in a test a panic is the failure message")]
#![allow(clippy::indexing_slicing, reason = "the same")]

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use arbtest::arbitrary::{Result, Unstructured};
use arbtest::arbtest;
use haproxyadmin::backend::NewBackend;
use haproxyadmin::certificate::{NewCrtListEntry, OcspId};
use haproxyadmin::map::PatternId;
use haproxyadmin::server::{NewServer, Removal, ServerTemplate};
use haproxyadmin::stat::Mode;
use haproxyadmin::watch::WatchOptions;
use haproxyadmin::{Acl, AdminState, Cluster, Error, ErrorKind, Map, StatsSocket};

mod support;

use support::{Config, Running, ask, releases, rows};

const CONFIG: &str = r#"
global
    nbthread 1
    stats socket "unix@${DIR}/stats/1.sock" mode 600 level admin
defaults base
    mode http
    timeout connect 1s
    timeout client 30s
    timeout server 30s
defaults
    mode http
    timeout connect 1s
    timeout client 30s
    timeout server 30s
frontend web
    bind "unix@${DIR}/traffic/web.1"
    http-request set-header x-a %[path,map_str(${DIR}/a.map)]
    http-request set-header x-b %[path,map_str(${DIR}/b.map)]
    http-request deny if { path -f ${DIR}/a.acl }
    http-request deny if { path -f ${DIR}/b.acl }
    default_backend app
backend app
    server web1 "${SERVER_1}" weight 10
    server web2 "${SERVER_1}" weight 10
backend other
    server web1 "${SERVER_1}" weight 10
    stick-table type string len 30000 size 100 store gpc0
"#;

/// A process with a map and an ACL to change, and with a map and an ACL that must not change.
struct Process {
    running: Running,
    map: Map,
    acl: Acl,
    cluster: Cluster,
    release: support::Release,
}

/// Way to the process.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Way {
    StatsSocket,
    Master,
}

const WAYS: [Way; 2] = [Way::StatsSocket, Way::Master];

impl Process {
    async fn start(release: &support::Release, way: Way) -> Self {
        let mut running = Running::new();
        running.add_servers(1).await;
        for name in ["a.map", "b.map"] {
            std::fs::write(running.dir().join(name), "one 1\ntwo 2\n").unwrap();
        }
        for name in ["a.acl", "b.acl"] {
            std::fs::write(running.dir().join(name), "/one\n/two\n").unwrap();
        }
        let config = running.fill(Config::new(CONFIG));
        let builder = match way {
            Way::StatsSocket => {
                running.add(release, "one", &config).await;
                Cluster::builder().dir(running.stats())
            }
            Way::Master => Cluster::builder().master(running.add_master(release, "one", &config).await),
        };
        // If a string makes HAProxy wait, the call ends at the limits of the cluster.
        let cluster = builder.build().await.unwrap();
        let map = cluster.map(path(&running, "a.map")).unwrap();
        let acl = cluster.acl(path(&running, "a.acl")).unwrap();
        Self { running, map, acl, cluster, release: release.clone() }
    }

    fn is_at_least(&self, version: &str) -> bool {
        self.release.is_at_least(version)
    }

    /// Returns everything that a command could change: states and settings of every proxy and
    /// server, and the entries of every map and ACL, in order.
    async fn state(&self) -> BTreeMap<String, Vec<String>> {
        let socket = self.running.socket(1);
        let mut state = BTreeMap::new();
        for row in rows(&socket).await {
            let cells =
                ["status", "weight", "slim", "addr", "act", "bck", "mode"].map(|name| row.cell(name).into());
            state.insert(format!("{}/{}", row.cell("pxname"), row.cell("svname")), cells.into());
        }
        let info = support::info(&socket).await;
        let limits =
            ["Maxconn", "ConnRateLimit", "SessRateLimit", "SslRateLimit"].map(|key| info[key].clone());
        state.insert("limits".into(), limits.into());
        for (kind, name) in [("map", "a.map"), ("map", "b.map"), ("acl", "a.acl"), ("acl", "b.acl")] {
            state.insert(name.into(), self.entries(kind, name).await);
        }
        state
    }

    /// Returns the entries, read without the crate.
    async fn entries(&self, kind: &str, name: &str) -> Vec<String> {
        let file = path(&self.running, name);
        let printed = ask(self.running.socket(1), &format!("show {kind} {file}")).await;
        let printed = String::from_utf8(printed).unwrap();
        let lines =
            printed.strip_suffix("\n\n").unwrap_or_default().split('\n').filter(|line| !line.is_empty());
        lines.map(|line| line.split_once(' ').unwrap().1.to_owned()).collect()
    }
}

fn path(running: &Running, name: &str) -> String {
    running.dir().join(name).to_str().unwrap().to_owned()
}

/// Returns `true` if the call was refused before anything was sent.
fn is_refused(error: &Error) -> bool {
    error.kind() == ErrorKind::InvalidInput
}

/// Returns `true` if every release can store the text; older releases read `<<` as the start of a
/// payload in more places.
fn is_expressible(text: &str) -> bool {
    let ends = |c: char| matches!(c, ' ' | '\t' | ';' | '\u{b}' | '\u{c}');
    let last = text.rsplit(ends).next().unwrap_or_default();
    !text.is_empty()
        && !text.contains(['\0', '\r', '\n'])
        && text.len() < 7_000
        && !text.split(ends).any(|word| word.starts_with("<<") || word.ends_with("<<"))
        && !last.contains("<<")
}

/// Pieces that have a meaning in HAProxy, or had one in an earlier release.
const PIECES: &[&str] = &[
    "\0",
    "\n",
    "\r",
    "\r\n",
    ";",
    "\\",
    "\\\\",
    "\\\n",
    "<<",
    "<<%X%",
    "<<EOF",
    "<<\u{b};",
    "<<\u{c}x",
    ";<<",
    "#",
    "#0",
    "#0x1",
    "@1",
    "@1 ",
    " ",
    "  ",
    "\t",
    "\"",
    "'",
    "%",
    "$",
    "é",
    "日本",
    "\u{1b}[0m",
    "\u{7f}",
    "\u{b}",
    "disable server app/web1",
    ";disable server app/web1",
    "; shutdown frontend web",
    "\ndisable server app/web1\n",
    "\0disable server app/web1",
    "one",
    "two 2",
    "app/web1",
    "web2",
    "x",
];

/// Returns a string made of `PIECES`, or of any characters; some are very long.
fn any_text(u: &mut Unstructured<'_>) -> Result<String> {
    Ok(match u.int_in_range(0..=12)? {
        0..=3 => pieces(u)?,
        4..=7 => format!("{}{}{}", letters(u)?, pieces(u)?, letters(u)?),
        8..=10 => {
            let length = u.int_in_range(0..=32)?;
            let ascii = |u: &mut Unstructured<'_>| u.int_in_range(0..=127).map(char::from);
            let char = |_| if u.ratio(1, 2)? { ascii(u) } else { u.arbitrary() };
            (0..length).map(char).collect::<Result<_>>()?
        }
        11 => "x".repeat(u.int_in_range(1_000..=19_999)?) + &pieces(u)?,
        _ => String::new(),
    })
}

fn pieces(u: &mut Unstructured<'_>) -> Result<String> {
    (0..u.int_in_range(1..=5)?).map(|_| u.choose(PIECES).copied()).collect()
}

fn letters(u: &mut Unstructured<'_>) -> Result<String> {
    (0..u.int_in_range(0..=3)?).map(|_| u.int_in_range(b'a'..=b'z').map(char::from)).collect()
}

/// Strings from outside for the calls on one process.
#[derive(Debug)]
struct Case {
    key: String,
    value: String,
    pattern: String,
    backend: String,
    server: String,
    file: String,
}

fn any_case(u: &mut Unstructured<'_>) -> Result<Case> {
    Ok(Case {
        key: any_text(u)?,
        value: any_text(u)?,
        pattern: any_text(u)?,
        backend: any_name(u)?,
        server: any_name(u)?,
        file: any_text(u)?,
    })
}

fn any_name(u: &mut Unstructured<'_>) -> Result<String> {
    match u.int_in_range(0..=5)? {
        0 => Ok("app".to_owned()),
        1 => Ok("web1".to_owned()),
        _ => any_text(u),
    }
}

/// Checks that each string acts as an argument, and that the process then has the state of `before`.
async fn check(process: &Process, case: &Case, before: &BTreeMap<String, Vec<String>>) {
    check_map(process, &case.key, &case.value, before).await;
    check_sync(process, &case.key, &case.value, before).await;
    check_acl(process, &case.pattern, before).await;
    check_acl_sync(process, &case.pattern, before).await;
    check_replacement(process, case, before).await;
    check_table(process, &case.key).await;
    check_ring(process, &case.key).await;
    check_names(process, case).await;
    check_new_server(process, &case.server, &case.value).await;
    check_certificate(process, &case.file, &case.value).await;
    check_slot(process, &case.server).await;
    check_files(process, &case.file, &case.value).await;
    check_crt_list(process, &case.file, &case.value).await;
    check_ocsp(process, &case.file, &case.value).await;
    check_new_backend(process, &case.server, &case.value).await;
    assert_eq!(process.state().await, *before, "{case:?}");
}

/// Checks that an added entry is stored unchanged, in every way of adding, and that it is gone when
/// it is deleted.
async fn check_map(process: &Process, key: &str, value: &str, before: &BTreeMap<String, Vec<String>>) {
    let map = &process.map;
    let expressible = is_expressible(value) && is_expressible(key);
    for many in [false, true] {
        let added = if many { map.add_all([(key, value)]).await } else { map.add(key, value).await };
        match added {
            Ok(_) => {
                let contents = map.show().await.unwrap();
                let last = contents.entries().unwrap().last().unwrap();
                assert!(last.is(key, value), "{last:?} is not {key:?} {value:?}");
                let reference = last.reference();
                assert!(process.entries("map", "a.map").await.len() == 3);
                check_set(process, key, value, before).await;
                map.delete_entry(reference).await.unwrap();
            }
            Err(error) => {
                assert!(is_refused(&error), "{error} for {key:?} {value:?}");
                assert!(!expressible, "{error} for {key:?} {value:?}");
            }
        }
        assert_eq!(process.entries("map", "a.map").await, before["a.map"], "{key:?} {value:?}");
    }
    if let Ok(found) = map.get(key).await {
        let (_, lookup) = found.values().next().unwrap();
        assert_eq!(lookup.found, ["one", "two"].contains(&key), "{key:?}");
    }
}

/// Checks that a wanted entry is stored unchanged, by few changes and, from 2.4 on, by a replacement.
async fn check_sync(process: &Process, key: &str, value: &str, before: &BTreeMap<String, Vec<String>>) {
    let held: Vec<(&str, &str)> =
        before["a.map"].iter().map(|entry| entry.split_once(' ').unwrap()).collect();
    for old in [&held[..], &[]] {
        let wanted = [old, &[(key, value)]].concat();
        match process.map.sync(wanted.clone()).await {
            Ok(_) => {
                let texts: Vec<_> = wanted.iter().map(|(key, value)| format!("{key} {value}")).collect();
                assert_eq!(process.entries("map", "a.map").await, texts);
            }
            Err(error) => {
                assert!(is_refused(&error), "{error} for {key:?} {value:?}");
                assert!(!(is_expressible(key) && is_expressible(value)), "{error} for {key:?} {value:?}");
            }
        }
        process.map.sync(held.clone()).await.unwrap();
        assert_eq!(process.entries("map", "a.map").await, before["a.map"], "{key:?} {value:?}");
    }
}

/// Checks the same for a wanted pattern.
async fn check_acl_sync(process: &Process, pattern: &str, before: &BTreeMap<String, Vec<String>>) {
    let held: Vec<&str> = before["a.acl"].iter().map(|entry| &**entry).collect();
    for old in [&held[..], &[]] {
        let wanted = [old, &[pattern]].concat();
        match process.acl.sync(wanted.clone()).await {
            Ok(_) => assert_eq!(process.entries("acl", "a.acl").await, wanted),
            Err(error) => {
                assert!(is_refused(&error), "{error} for {pattern:?}");
                assert!(!is_expressible(pattern), "{error} for {pattern:?}");
            }
        }
        process.acl.sync(held.clone()).await.unwrap();
        assert_eq!(process.entries("acl", "a.acl").await, before["a.acl"], "{pattern:?}");
    }
}

/// Checks that a replacement stores its entries unchanged, or is refused before anything is sent.
async fn check_replacement(process: &Process, case: &Case, before: &BTreeMap<String, Vec<String>>) {
    if !process.running.haproxies[0].release.is_at_least("2.4") {
        return;
    }
    let Case { key, value, pattern, .. } = case;
    let pairs: Vec<(&str, &str)> =
        before["a.map"].iter().map(|entry| entry.split_once(' ').unwrap()).collect();
    match process.map.replace([("k", "v"), (key, value), ("k", "w")]).await {
        Ok(_) => {
            let expected = ["k v".to_owned(), format!("{key} {value}"), "k w".to_owned()];
            assert_eq!(process.entries("map", "a.map").await, expected);
            process.map.replace(pairs).await.unwrap();
        }
        Err(error) => {
            assert!(is_refused(&error), "{error} for {key:?} {value:?}");
            assert!(!(is_expressible(key) && is_expressible(value)), "{error} for {key:?} {value:?}");
        }
    }
    assert_eq!(process.entries("map", "a.map").await, before["a.map"], "{key:?} {value:?}");
    match process.acl.replace(["/k", pattern, "/k"]).await {
        Ok(_) => {
            assert_eq!(process.entries("acl", "a.acl").await, ["/k", pattern, "/k"]);
            process.acl.replace(&before["a.acl"]).await.unwrap();
        }
        Err(error) => {
            assert!(is_refused(&error), "{error} for {pattern:?}");
            assert!(!is_expressible(pattern), "{error} for {pattern:?}");
        }
    }
    assert_eq!(process.entries("acl", "a.acl").await, before["a.acl"], "{pattern:?}");
}

/// Checks that the value of an existing entry can be set, and that the entry then has this value.
async fn check_set(process: &Process, key: &str, value: &str, before: &BTreeMap<String, Vec<String>>) {
    let other = format!("{value}'");
    match process.map.set(key, &other).await {
        Ok(_) => {
            let entries = process.entries("map", "a.map").await;
            assert!(entries.contains(&format!("{key} {other}")), "{entries:?} lacks {key:?} {other:?}");
            if ["one", "two"].contains(&key) {
                for entry in &before["a.map"] {
                    let (key, value) = entry.split_once(' ').unwrap();
                    process.map.set(key, value).await.unwrap();
                }
            }
        }
        Err(error) => {
            assert!(is_refused(&error), "{error} for {key:?} {other:?}");
            assert!(
                key.starts_with('#') || !is_expressible(key) || !is_expressible(&other),
                "{error} for {key:?} {other:?}"
            );
        }
    }
}

async fn check_acl(process: &Process, pattern: &str, before: &BTreeMap<String, Vec<String>>) {
    let acl = &process.acl;
    for many in [false, true] {
        let added = if many { acl.add_all([pattern]).await } else { acl.add(pattern).await };
        match added {
            Ok(_) => {
                let contents = acl.show().await.unwrap();
                let last = contents.entries().unwrap().last().unwrap();
                assert_eq!(last.text(), pattern);
                let found = acl.get(pattern).await.unwrap();
                assert!(found.values().all(|(_, lookup)| lookup.found), "{pattern:?}");
                let deleted = if many { acl.delete_all([pattern]).await } else { acl.delete(pattern).await };
                match deleted {
                    Ok(_) => {}
                    Err(error) => {
                        assert!(is_refused(&error) && pattern.starts_with('#'), "{error} for {pattern:?}");
                        acl.delete_entry(last.reference()).await.unwrap();
                    }
                }
            }
            Err(error) => {
                assert!(is_refused(&error), "{error} for {pattern:?}");
                assert!(!is_expressible(pattern), "{error} for {pattern:?}");
            }
        }
        assert_eq!(process.entries("acl", "a.acl").await, before["a.acl"], "{pattern:?}");
    }
}

/// Checks that a key of a stick table is stored unchanged, and that it is gone when it is deleted.
async fn check_table(process: &Process, key: &str) {
    let table = process.cluster.table("other").unwrap();
    match table.set(key, [("gpc0", 7)]).await {
        Ok(_) => {
            let outcomes = table.show().await.unwrap();
            let (_, entries) = outcomes.values().next().unwrap();
            assert_eq!(entries.len(), 1, "{key:?}");
            assert_eq!(entries.get(key).and_then(|entry| entry.get("gpc0")), Some(7), "{key:?}");
            if let Err(error) = table.delete(key).await {
                assert!(is_refused(&error) && !is_expressible(key), "{error} for {key:?}");
                table.clear().await.unwrap();
            }
        }
        Err(error) => {
            assert!(is_refused(&error), "{error} for {key:?}");
            assert!(!is_expressible(key), "{error} for {key:?}");
        }
    }
    assert!(table.show().await.unwrap().values().all(|(_, entries)| entries.is_empty()), "{key:?}");
}

/// Checks that a certificate is created under its name or refused before anything is sent, and that no
/// text is read as anything but PEM.
async fn check_certificate(process: &Process, name: &str, text: &str) {
    if let Ok(certificate) = process.cluster.certificate(name) {
        match certificate.create().await {
            Ok(_) => {
                let begin = "-----BEGIN CERTIFICATE-----";
                for pem in [text.to_owned(), format!("{begin}\n{text}\n-----END CERTIFICATE-----")] {
                    match certificate.set(&pem).await {
                        // HAProxy 3.0 and later take an empty section for no change.
                        Ok(_) => drop(certificate.abort().await.unwrap()),
                        Err(error) => assert!(
                            is_refused(&error) || error.kind() == ErrorKind::Refused,
                            "{error} for {pem:?}"
                        ),
                    }
                }
                let listed = process.cluster.certificates().await.unwrap();
                let names: Vec<_> = listed.values().next().unwrap().1.iter().map(|one| &*one.name).collect();
                assert_eq!(names, [name]);
                certificate.delete().await.unwrap();
            }
            Err(error) => assert!(is_refused(&error), "{error} for {name:?}"),
        }
    }
    let listed = process.cluster.certificates().await.unwrap();
    assert!(listed.values().all(|(_, list)| list.is_empty()), "{name:?}");
}

/// Checks that a CA file and a CRL file are created under their name or refused before anything is sent,
/// and that no text is read as anything but PEM.
async fn check_files(process: &Process, name: &str, text: &str) {
    let is_able = process.is_at_least("2.5");
    if let Ok(file) = process.cluster.ca_file(name) {
        match file.create().await {
            Ok(_) => {
                let pem = format!("-----BEGIN CERTIFICATE-----\n{text}\n-----END CERTIFICATE-----");
                for pem in [text, &pem] {
                    let error = file.set(pem).await.unwrap_err();
                    assert!(is_refused(&error) || error.kind() == ErrorKind::Refused, "{error} for {pem:?}");
                }
                let listed = process.cluster.ca_files().await.unwrap();
                let listed = &listed.values().next().unwrap().1;
                assert_eq!(listed.iter().filter(|one| &*one.name == name).count(), 1, "{name:?}");
                assert!(listed.iter().all(|one| one.pending.is_none()));
                file.show().await.unwrap();
                file.delete().await.unwrap();
            }
            Err(error) if is_able => assert!(is_refused(&error), "{error} for {name:?}"),
            Err(error) => assert!(is_refused(&error) || error.kind() == ErrorKind::Unsupported, "{error}"),
        }
    }
    if let Ok(file) = process.cluster.crl_file(name) {
        match file.create().await {
            Ok(_) => {
                let pem = format!("-----BEGIN X509 CRL-----\n{text}\n-----END X509 CRL-----");
                for pem in [text, &pem] {
                    let error = file.set(pem).await.unwrap_err();
                    assert!(is_refused(&error) || error.kind() == ErrorKind::Refused, "{error} for {pem:?}");
                }
                let listed = process.cluster.crl_files().await.unwrap();
                let names: Vec<_> = listed.values().next().unwrap().1.iter().map(|one| &*one.name).collect();
                assert_eq!(names, [name]);
                file.delete().await.unwrap();
            }
            Err(error) if is_able => assert!(is_refused(&error), "{error} for {name:?}"),
            Err(error) => assert!(is_refused(&error) || error.kind() == ErrorKind::Unsupported, "{error}"),
        }
    }
}

/// Checks that a text is the name of a crt-list or a word of an entry, or is refused before anything is
/// sent.
async fn check_crt_list(process: &Process, name: &str, text: &str) {
    let entry = NewCrtListEntry::new(name);
    let entries = [
        entry.clone(),
        entry.clone().option("alpn", text),
        entry.clone().flag(text),
        entry.clone().filter(text),
    ];
    for list in BTreeSet::from([name, text]) {
        let Ok(list) = process.cluster.crt_list(list) else { continue };
        for entry in &entries {
            // The process has no crt-list.
            let error = list.add(entry).await.unwrap_err();
            assert!(is_refused(&error) || error.kind() == ErrorKind::NotFound, "{error} for {entry:?}");
        }
        for result in [list.delete(name).await, list.delete_line(text, 1).await] {
            let error = result.unwrap_err();
            assert!(is_refused(&error) || error.kind() == ErrorKind::NotFound, "{error} for {name:?}");
        }
        let error = list.entries().await.unwrap_err();
        assert!(is_refused(&error) || error.kind() == ErrorKind::NotFound, "{error} for {name:?}");
    }
}

/// Checks that a text is the ID or the name of a certificate without an OCSP response, or is refused before
/// anything is sent, and that no text is read as a response.
async fn check_ocsp(process: &Process, name: &str, text: &str) {
    let mut results = vec![process.cluster.set_ocsp_response(text.as_bytes()).await.map(drop)];
    for word in BTreeSet::from([name, text]) {
        let is_hexadecimal = word.bytes().all(|byte| byte.is_ascii_hexdigit());
        match word.parse::<OcspId>() {
            Ok(id) => {
                assert!(is_hexadecimal, "{word:?}");
                results.push(process.cluster.ocsp_response(&id).await.map(drop));
            }
            Err(error) => assert!(is_refused(&error), "{error}"),
        }
        if let Ok(certificate) = process.cluster.certificate(word) {
            results.push(certificate.ocsp_response().await.map(drop));
            results.push(certificate.update_ocsp_response().await.map(drop));
        }
    }
    for result in results {
        let error = result.unwrap_err();
        let is_other =
            [ErrorKind::NotFound, ErrorKind::Refused, ErrorKind::Unsupported].contains(&error.kind());
        assert!(is_refused(&error) || is_other, "{error} for {name:?} and {text:?}");
    }
}

/// Checks that a text names a ring only if HAProxy lists a ring of that name.
async fn check_ring(process: &Process, name: &str) {
    let options = WatchOptions::new().without_figures().ring(name);
    match process.cluster.watch(options).await {
        // A ring that does not exist is told as an event.
        Ok(_) => assert!(!name.is_empty() && !name.contains([' ', ';', '\n']), "{name:?}"),
        Err(error) => assert!(is_refused(&error), "{error} for {name:?}"),
    }
    let followed = process.cluster.follow_events(name).await.map(drop);
    for read in [process.cluster.events(name).await.map(drop), followed] {
        match read {
            Ok(()) => assert!(["buf0", "dpapi"].contains(&name), "{name:?}"),
            Err(error) => assert!(
                is_refused(&error) || error.kind() == ErrorKind::NotFound && !name.contains([' ', ';', '\n']),
                "{error} for {name:?}"
            ),
        }
    }
}

/// Checks that a name is refused if HAProxy's grammar forbids it, and that an unknown name is not
/// found.
async fn check_names(process: &Process, case: &Case) {
    let Case { backend, server, file, .. } = case;
    let of_grammar = |name: &str| {
        !name.is_empty()
            && name.bytes().all(|b| b.is_ascii_alphanumeric() || b"_.:-".contains(&b))
            && name.len() <= 1024
    };
    let known = (backend == "app" && ["web1", "web2"].contains(&server.as_str()))
        || (backend == "other" && server == "web1");
    match process.cluster.server_ref(backend, server) {
        Err(error) => {
            assert!(is_refused(&error), "{error}");
            assert!(!(of_grammar(backend) && of_grammar(server)), "{backend:?}/{server:?}");
        }
        Ok(_) if !of_grammar(backend) || !of_grammar(server) => {
            panic!("{backend:?}/{server:?} passed for a name")
        }
        Ok(found) if known => {
            found.set_state(AdminState::Drain).await.unwrap();
            found.set_state(AdminState::Ready).await.unwrap();
        }
        Ok(unknown) => {
            let error = unknown.disable().await.unwrap_err();
            assert_eq!(error.kind(), ErrorKind::NotFound, "{error}");
        }
    }
    if let Ok(frontend) = process.cluster.frontend_ref(backend) {
        assert_eq!(frontend.shutdown().await.unwrap_err().kind(), ErrorKind::NotFound, "{backend:?}");
    }
    match PatternId::file(file) {
        Err(error) => assert!(is_refused(&error), "{error}"),
        Ok(file) => {
            let error = process.cluster.map(file.clone()).unwrap().clear().await.unwrap_err();
            assert!(is_refused(&error) || error.kind() == ErrorKind::NotFound, "{error} for {file:?}");
        }
    }
}

/// Checks that a server is added under its name with its words, or refused before anything is sent.
async fn check_new_server(process: &Process, name: &str, word: &str) {
    let release = &process.running.haproxies[0].release;
    if !release.is_at_least("2.6") || ["web1", "web2"].contains(&name) {
        return;
    }
    // A row of `show stat` has to fit into a buffer of HAProxy.
    let with_cookie = release.is_at_least("3.0") && word.len() < 1_000;
    let mut new =
        NewServer::new("192.0.2.1:80".parse().unwrap()).word("agent-send").word(word).word("backup");
    if with_cookie {
        new = new.cookie(word);
    }
    let backend = process.cluster.backend_ref("app").unwrap();
    match backend.add_server(name, &new).await {
        Ok(_) => {
            let row = support::row(process.running.socket(1), "app", name).await;
            assert_eq!(row.cell("bck"), "1", "{name:?} {word:?}");
            if with_cookie {
                // HAProxy prints the cells of `show stat` without blanks at their ends.
                let is_blank = |c: char| c.is_ascii_whitespace() || c == '\u{b}';
                let cookie = row.cell("cookie").trim_matches(is_blank);
                assert_eq!(cookie, word.trim_matches(is_blank), "{name:?}");
            }
            let server = backend.server_ref(name).unwrap();
            server.delete(&Removal::new()).await.unwrap();
        }
        Err(error) => {
            assert!(is_refused(&error), "{error} for {name:?} {word:?}");
            let is_name = process.cluster.server_ref("app", name).is_ok();
            let is_check = ["check", "agent-check"].contains(&word);
            assert!(!is_name || is_check || !is_expressible(word), "{error} for {name:?} {word:?}");
        }
    }
}

/// Checks that the prefix of slots is that of no server, or is refused before anything is sent.
async fn check_slot(process: &Process, prefix: &str) {
    let template = match ServerTemplate::new(prefix, "192.0.2.1:1".parse().unwrap()) {
        Ok(template) => template,
        Err(error) => return assert!(is_refused(&error), "{error} for {prefix:?}"),
    };
    let new = NewServer::new("192.0.2.9:80".parse().unwrap());
    let error = process.cluster.backend_ref("app").unwrap().take_slot(&template, &new).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::NotFound, "{prefix:?}");
    let server = process.cluster.server_ref("app", &format!("{prefix}9"));
    let error = match server {
        Ok(server) => server.release_slot(&template, &Removal::new()).await.unwrap_err(),
        Err(error) => error,
    };
    assert!(error.kind() == ErrorKind::NotFound || is_refused(&error), "{error} for {prefix:?}");
}

/// Checks that a backend is made under its name, or refused before anything is sent.
async fn check_new_backend(process: &Process, name: &str, defaults: &str) {
    if !process.running.haproxies[0].release.is_at_least("3.4") || ["app", "web", "other"].contains(&name) {
        return;
    }
    match process.cluster.backend_ref(name) {
        Ok(backend) => {
            backend.add("base").await.unwrap();
            let row = support::row(process.running.socket(1), name, "BACKEND").await;
            assert_eq!(row.cell("status"), "UP (UNPUB)", "{name:?}");
            backend.publish().await.unwrap();
            backend.unpublish().await.unwrap();
            backend.delete(Duration::ZERO).await.unwrap();
        }
        Err(error) => assert!(is_refused(&error), "{error} for {name:?}"),
    }
    let error = process.cluster.backend_ref("new").unwrap().add(defaults).await.unwrap_err();
    let is_name = process.cluster.backend_ref(defaults).is_ok();
    let is_unknown = is_name && error.kind() == ErrorKind::Refused;
    assert!(is_unknown || is_refused(&error), "{error} for {defaults:?}");
    check_guid(process, defaults).await;
}

/// Checks that a backend gets its GUID, or that the GUID is refused before anything is sent.
async fn check_guid(process: &Process, guid: &str) {
    let backend = process.cluster.backend_ref("new").unwrap();
    match backend.add(NewBackend::from("base").mode(Mode::Tcp).guid(guid)).await {
        Ok(_) => {
            let dump = ask(process.running.socket(1), "dump stats-file").await;
            assert!(String::from_utf8_lossy(&dump).contains(&format!("\n{guid},")), "{guid:?}");
            backend.delete(Duration::ZERO).await.unwrap();
        }
        Err(error) => assert!(is_refused(&error), "{error} for {guid:?}"),
    }
}

fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap()
}

/// Runs cases against one release for [`TIME`].
fn run(release: &support::Release, way: Way) {
    let runtime = runtime();
    let process = runtime.block_on(Process::start(release, way));
    let before = runtime.block_on(process.state());
    arbtest(|u| {
        let case = any_case(u)?;
        runtime.block_on(check(&process, &case, &before));
        Ok(())
    })
    .size_min(256)
    .budget(TIME)
    .run();
}

/// Time for the cases of each release, which run at once: some hundred on two cores.
const TIME: Duration = Duration::from_secs(6);

#[test]
fn no_string_is_anything_but_an_argument() {
    let releases = releases();
    std::thread::scope(|scope| {
        for release in &releases {
            for way in WAYS {
                scope.spawn(move || run(release, way));
            }
        }
    });
}

/// Strings that once hung, were cut, or ran as a command of their own.
#[test]
fn what_is_known_to_be_special_is_none_here() {
    let releases = releases();
    std::thread::scope(|scope| {
        for release in &releases {
            for way in WAYS {
                scope.spawn(move || check_special(release, way));
            }
        }
    });
}

fn check_special(release: &support::Release, way: Way) {
    let runtime = runtime();
    let process = runtime.block_on(Process::start(release, way));
    let before = runtime.block_on(process.state());
    let texts: BTreeSet<String> = PIECES
        .iter()
        .flat_map(|piece| {
            ["", "x", "x ", " x", "x;", "x\\"]
                .into_iter()
                .flat_map(move |with| [format!("{with}{piece}"), format!("{piece}{with}")])
        })
        .collect();
    for text in texts {
        let case = Case {
            key: text.clone(),
            value: text.clone(),
            pattern: text.clone(),
            backend: text.clone(),
            server: "web1".into(),
            file: text,
        };
        runtime.block_on(check(&process, &case, &before));
    }
}

/// A payload is refused before it is sent, or HAProxy stores its lines as they were given.
#[tokio::test]
async fn a_payload_runs_no_command() {
    let releases = releases();
    for (release, way) in releases.iter().flat_map(|release| WAYS.map(|way| (release, way))) {
        let process = Process::start(release, way).await;
        process.cluster.info().await.unwrap();
        let members = process.cluster.members();
        let socket = StatsSocket::new(members[0].clone());
        let line = format!("add map {}", path(&process.running, "a.map"));
        let before = process.state().await;
        for (payload, expected) in [
            ("k v\n\ndisable server app/web1\n", "line 2 of the payload is empty"),
            ("k v\n\n", "line 2 of the payload is empty"),
            ("\ndisable server app/web1", "line 1 of the payload is empty"),
            ("k v\r\ndisable server app/web1", "the payload holds '\\r'"),
            ("k v\0disable server app/web1", "the payload holds '\\0'"),
            (&"k v\n".repeat(25_000), "bytes, and HAProxy takes 15359 for certain"),
        ] {
            let error = socket.command_with_payload(&line, payload).await.unwrap_err();
            let text = error.to_string();
            assert!(is_refused(&error) && text.contains(expected), "{release:?}: {text}");
            assert_eq!(process.state().await, before, "{release:?}: {payload:.40}");
        }

        // Marks of other payloads, escapes and separators have no meaning within a line.
        let lines = ["%EOF% v", "<< v", "a <<", "b <<%EOF%", "c ;disable server app/web1", "d \\", "#0 v"];
        let long: Vec<String> = (0..1_000).map(|number| format!("key{number} value")).collect();
        for payload in [lines.join("\n"), lines.join("\n") + "\n", long.join("\n")] {
            let reply = socket.command_with_payload(&line, &payload).await.unwrap();
            assert_eq!(reply.as_bytes(), b"\n", "{release:?}: {reply}");
        }
        let given = lines.iter().chain(&lines).map(|line| (*line).to_owned()).chain(long);
        let mut expected = before;
        expected.get_mut("a.map").unwrap().extend(given);
        assert_eq!(process.state().await, expected, "{release:?}");
    }
}
