//! Entries of maps and ACLs that are remembered and restored, over the replacement of a process of each
//! release. Each result is read from the process' own socket.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "in a test a panic is the failure message")]
#![allow(clippy::indexing_slicing, reason = "the same")]
#![allow(clippy::print_stdout, reason = "the figures are for people")]

use std::fs;
use std::time::{Duration, Instant};

use futures::FutureExt as _;
use haproxyadmin::map::PatternKind;
use haproxyadmin::settings::{LeftReason, Remember, Restore, Settings};
use haproxyadmin::{Cluster, ErrorKind, fake};

#[path = "settings_pattern/damage.rs"]
mod damage;
#[path = "settings_pattern/site.rs"]
mod site;
mod support;

use site::{HOSTS, PATHS, Site, config, left, list, patterns, restored};
use support::{Release, Running, ask, assert_no_leftovers, releases, until};

#[tokio::test]
async fn the_differences_outlive_a_reload_and_a_changed_file_wins() {
    let mut site = Site::start(releases(), HOSTS, PATHS).await;
    let clean = site.remember().await;
    for (release, patterns) in site.releases.iter().zip(patterns(&clean)) {
        assert!(patterns.lists.iter().all(|list| list.entries.is_empty() && list.unclear.is_empty()));
        assert!(patterns.unread.is_empty(), "{patterns:?}");
        // HAProxy 2.2 does not tell that the list beside `paths.acl` is empty.
        assert_eq!(patterns.without_file, if release.is_at_least("2.6") { 1 } else { 2 });
    }
    site.tell(&[
        site.on_map("set", "a 10"),
        site.on_map("del", "b"),
        site.on_map("add", "new 7"),
        site.on_map("set", "c 30"),
        site.on_map("set", r"e 50\ fifty"),
        site.on_map("set", "dup 9"),
        site.on_map("add", r"blank x\ y"),
        site.on_map("add", "taken 1"),
        site.on_map("del", "f"),
        site.on_acl("add", "/new"),
        site.on_acl("add", r"/new\ two"),
        site.on_acl("del", "/a"),
    ])
    .await;
    let is_new = |release: &Release| release.is_at_least("3.0");
    let absent = site.running.dir().join("absent.map").display().to_string();
    for (n, _) in (1..).zip(&site.releases).filter(|(_, release)| is_new(release)) {
        ask(site.running.socket(n), "add map virt@names v 1").await;
        ask(site.running.socket(n), &format!("add map {absent} o 2")).await;
    }
    let settings = site.remember().await;
    assert_remembered(&site, &settings);

    // `c` has another value in the file now, `taken` is new in it, and `f` has left it.
    fs::write(&site.hosts, "taken 5\na 1\nb 2\nc 33\nd 4\ne 5  five\ndup 1\ndup 2\n").unwrap();
    site.reload(config).await;
    let plan = site.cluster.restore_plan(&settings).await.unwrap();
    assert_eq!(site.changes(), 0);
    let outcomes = site.restore(&settings).await;
    assert_eq!(plan.to_string(), outcomes.to_string());
    for (release, (_, restoration)) in site.releases.iter().zip(outcomes.values()) {
        let hosts = restored(restoration, "hosts.map");
        let name = site.hosts.display().to_string();
        assert_eq!(
            hosts.to_string(),
            format!(
                "{name}: add 1, change 2, delete 1\n\
                 {name}: 2 entries are left: the configuration has changed\n\
                 {name}: 1 entry is left: the end of the key is not known\n\
                 {name}: 1 entry is left: the key has several entries"
            ),
            "{}",
            release.version
        );
        assert_eq!(
            left(hosts),
            [
                ("c", LeftReason::ConfigurationChanged),
                ("taken", LeftReason::ConfigurationChanged),
                ("dup", LeftReason::SeveralEntries),
                ("blank x y", LeftReason::KeyNotKnown)
            ]
        );
        let paths = restored(restoration, "paths.acl");
        assert_eq!(paths.to_string(), format!("{}: add 2, delete 1", site.paths.display()));
    }
    site.assert_map(&["taken 5", "a 10", "c 33", "d 4", "e 50 fifty", "dup 1", "dup 2", "new 7"]).await;
    site.assert_acl(&["/b c", "/d", "/new", "/new two"]).await;
    for (n, _) in (1..).zip(&site.releases).filter(|(_, release)| is_new(release)) {
        assert_eq!(site.held(n, "map virt@names").await, ["v 1"]);
        assert_eq!(site.held(n, &format!("map {absent}")).await, ["o 2"]);
    }

    let sent = site.changes();
    assert!(sent > 0);
    let again = site.restore(&settings).await;
    assert!(again.values().all(|(_, restoration)| restoration.is_empty()), "{again}");
    assert_eq!(site.changes(), sent);
}

fn assert_remembered(site: &Site, settings: &Settings) {
    for (release, patterns) in site.releases.iter().zip(patterns(settings)) {
        let names: Vec<_> = patterns.lists.iter().map(|list| list.file.rsplit('/').next().unwrap()).collect();
        let expected: &[&str] = if release.is_at_least("3.0") {
            &["hosts.map", "virt@names", "absent.map", "paths.acl"]
        } else {
            &["hosts.map", "paths.acl"]
        };
        let (mut names, mut expected) = (names, expected.to_vec());
        names.sort_unstable();
        expected.sort_unstable();
        assert_eq!(names, expected, "{}", release.version);
        let hosts = list(patterns, "hosts.map");
        assert_eq!((hosts.kind, hosts.is_file_changed), (PatternKind::Map, false));
        let text = |value: &Option<Box<str>>| value.as_deref().unwrap_or("-").to_owned();
        let entries: Vec<_> = hosts
            .entries
            .iter()
            .map(|entry| format!("{} {} {}", entry.key, text(&entry.configured), text(&entry.value)))
            .collect();
        assert_eq!(
            entries,
            ["a 1 10", "c 3 30", "e 5  five 50 fifty", "new - 7", "taken - 1", "b 2 -", "f 6 -"],
            "{}",
            release.version
        );
        let unclear: Vec<_> = hosts.unclear.iter().map(|entry| (&*entry.text, entry.reason)).collect();
        assert_eq!(
            unclear,
            [("dup", LeftReason::SeveralEntries), ("blank x y", LeftReason::KeyNotKnown)],
            "{}",
            release.version
        );
        assert_eq!(list(patterns, "paths.acl").kind, PatternKind::Acl);
    }
}

#[tokio::test]
async fn keys_without_blanks_are_declared() {
    let mut site = Site::start(releases(), HOSTS, PATHS).await;
    site.tell(&[site.on_map("add", r"blank x\ y")]).await;
    let terms = Remember::new().patterns().plain_keys();
    let settings = site.cluster.settings_with(terms).await.unwrap();
    site.reload(config).await;
    site.restore(&settings).await;
    for n in 1..=site.releases.len() {
        let held = site.held(n, &format!("map {}", site.hosts.display())).await;
        assert_eq!(held.last().unwrap(), "blank x y");
    }
    let found = site.cluster.map(site.hosts.display().to_string()).unwrap().get("blank").await.unwrap();
    assert!(found.values().all(|(_, lookup)| lookup.value.as_deref() == Some("x y")), "{found:?}");
}

#[tokio::test]
async fn a_process_that_is_the_same_gets_its_entries_back() {
    let site = Site::start(releases(), HOSTS, PATHS).await;
    site.tell(&[site.on_map("set", "a 10"), site.on_map("del", "b"), site.on_acl("del", "/a")]).await;
    let settings = site.remember().await;
    site.tell(&[site.on_map("set", "a 11"), site.on_map("add", "b 12"), site.on_acl("add", "/a")]).await;
    site.restore(&settings).await;
    site.assert_map(&["a 10", "c 3", "d 4", "e 5  five", "f 6", "dup 1", "dup 2"]).await;
    site.assert_acl(&["/b c", "/d"]).await;
}

#[tokio::test]
async fn a_file_that_was_changed_after_the_start_wins_unless_the_caller_says_so() {
    let mut site = Site::start(releases(), HOSTS, PATHS).await;
    site.tell(&[site.on_acl("add", "/new")]).await;
    // The process does not know the new value of `a`.
    let flagged = async || {
        fs::write(&site.hosts, HOSTS.replace("a 1", "a 100")).unwrap();
        let settings = site.remember().await;
        let is_flagged = patterns(&settings).all(|patterns| list(patterns, "hosts.map").is_file_changed);
        is_flagged.then_some(settings)
    };
    let settings = until("the file is younger than the processes", flagged).await;
    site.reload(config).await;
    let outcomes = site.restore(&settings).await;
    for (_, restoration) in outcomes.values() {
        assert_eq!(left(restored(restoration, "hosts.map")), [("a", LeftReason::FileChanged)]);
    }
    site.assert_map(&["a 100", "b 2", "c 3", "d 4", "e 5  five", "f 6", "dup 1", "dup 2"]).await;
    site.assert_acl(&["/a", "/b c", "/d", "/new"]).await;
    site.cluster.restore(Restore::new(&settings).with_changed_files()).await.unwrap();
    site.assert_map(&["a 1", "b 2", "c 3", "d 4", "e 5  five", "f 6", "dup 1", "dup 2"]).await;
}

#[tokio::test]
async fn a_map_that_was_replaced_as_a_whole_is_restored() {
    const MANY: usize = 10_000;
    let line = |n: usize, value: &str| format!("host{n}.example {value}{n}");
    let lines = |numbers: std::ops::Range<usize>, value: &str| -> Vec<String> {
        numbers.map(|n| line(n, value)).collect()
    };
    let mut site = Site::start(releases(), lines(0..MANY, "file").join("\n"), PATHS).await;
    let map = site.cluster.map(site.hosts.display().to_string()).unwrap();
    // A half is changed, a quarter is deleted, and a quarter is added.
    let new: Vec<(String, String)> = (MANY / 4..MANY + MANY / 4)
        .map(|n| {
            (format!("host{n}.example"), format!("{}{n}", if n < MANY * 3 / 4 { "new" } else { "file" }))
        })
        .collect();
    map.clear().await.unwrap();
    map.add_all(new.iter().map(|(key, value)| (key, value))).await.unwrap();
    let started = Instant::now();
    let settings = site.remember().await;
    println!("remembered in {:?}", started.elapsed());
    site.reload(config).await;
    for (n, release) in (1..).zip(&site.releases) {
        let started = Instant::now();
        let outcomes = site.cluster.only([n.to_string()]).restore(&settings).await.unwrap();
        println!("{}: {:?}\n{outcomes}", release.version, started.elapsed());
        let restoration = outcomes.values().next().unwrap().1;
        let text = restored(restoration, "hosts.map").to_string();
        let quarter = MANY / 4;
        assert!(text.ends_with(&format!("add {quarter}, change {}, delete {quarter}", MANY / 2)), "{text}");
        let mut held = site.held(n, &format!("map {}", site.hosts.display())).await;
        let mut expected: Vec<_> = new.iter().map(|(key, value)| format!("{key} {value}")).collect();
        held.sort_unstable();
        expected.sort_unstable();
        assert!(held == expected, "{}: {} and {}", release.version, held.len(), expected.len());
    }
}

/// The master replaces its worker while the entries are restored: a call that ends without an error has
/// restored them in the process of that moment, and the next call completes them.
#[tokio::test]
async fn a_reload_during_a_restore_loses_nothing_for_good() {
    for release in releases() {
        let mut running = Running::new();
        let hosts = running.dir().join("hosts.map");
        fs::write(&hosts, HOSTS).unwrap();
        fs::write(running.dir().join("paths.acl"), PATHS).unwrap();
        running.add_master(&release, "1", &config(1)).await;
        let cluster = Cluster::from_addresses([running.socket(1)]).await.unwrap();
        ask(running.socket(1), &format!("set map {} a 10", hosts.display())).await;
        let settings = cluster.settings_with(Remember::new().patterns()).await.unwrap();
        for _ in 0..3 {
            let haproxy = &mut running.haproxies[0];
            let (restored, _) = tokio::join!(cluster.restore(&settings), haproxy.reload());
            if let Err(error) = restored {
                let kinds = [ErrorKind::PartiallyApplied, ErrorKind::OutcomeUnknown, ErrorKind::Refused];
                assert!(kinds.contains(&error.kind()), "{}: {error}", release.version);
            }
            cluster.restore(&settings).await.unwrap();
            let map = ask(running.socket(1), &format!("show map {}", hosts.display())).await;
            assert!(String::from_utf8_lossy(&map).contains(" a 10\n"), "{}", release.version);
        }
    }
}

#[tokio::test]
async fn a_restore_that_is_dropped_leaves_nothing_and_can_be_repeated() {
    let mut site = Site::start(releases(), HOSTS, PATHS).await;
    site.tell(&[site.on_map("set", "a 10"), site.on_map("add", "new 7"), site.on_acl("del", "/a")]).await;
    let settings = site.remember().await;
    site.reload(config).await;
    for polls in 1..60 {
        // Without an answer: the entry may be there or not.
        for line in [site.on_map("set", "a 1"), site.on_map("del", "new")] {
            for socket in site.running.sockets() {
                ask(&socket, &line).await;
            }
        }
        let mut restore = Box::pin(site.cluster.restore(&settings));
        for _ in 0..polls {
            if restore.as_mut().now_or_never().is_some() {
                break;
            }
            tokio::time::sleep(Duration::from_micros(200)).await;
        }
        let mut remember = Box::pin(site.cluster.settings_with(Remember::new().patterns()));
        for _ in 0..polls {
            if remember.as_mut().now_or_never().is_some() {
                break;
            }
            tokio::time::sleep(Duration::from_micros(200)).await;
        }
    }
    for socket in site.running.sockets() {
        assert_no_leftovers(&socket, "dropped restores").await;
    }
    // A dropped call may have added the entry twice, with the same value.
    site.restore(&settings).await;
    for n in 1..=site.releases.len() {
        let mut held = site.held(n, &format!("map {}", site.hosts.display())).await;
        held.dedup();
        assert_eq!(
            held,
            ["a 10", "b 2", "c 3", "d 4", "e 5  five", "f 6", "dup 1", "dup 2", "new 7"],
            "{}",
            site.releases[n - 1].version
        );
    }
    site.assert_acl(&["/b c", "/d"]).await;
}

#[tokio::test]
async fn the_fake_forgets_and_gets_its_entries_back() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("hosts.map");
    fs::write(&file, "a 1\nb 2\n").unwrap();
    for release in releases() {
        let path = dir.path().join(format!("{}.sock", release.version));
        let map = fake::Map::new("hosts.map").entry("a", "1").entry("b", "2");
        let process = fake::Process::new(&release.version).map(map);
        let _running = process.serve(path.as_path()).await.unwrap();
        let cluster = Cluster::from_addresses([path]).await.unwrap();
        let map = cluster.map("hosts.map").unwrap();
        map.set("a", "10").await.unwrap();
        map.delete("b").await.unwrap();
        map.add("c", "3").await.unwrap();
        let file = file.clone();
        let terms = Remember::new().patterns_from(move |_, name| (name == "hosts.map").then(|| file.clone()));
        let settings = cluster.settings_with(terms).await.unwrap();
        map.set("a", "1").await.unwrap();
        map.add("b", "2").await.unwrap();
        map.delete("c").await.unwrap();
        let outcomes = cluster.restore(&settings).await.unwrap();
        let text = outcomes.values().next().unwrap().1.to_string();
        assert_eq!(text, "hosts.map: add 1, change 1, delete 1", "{}", release.version);
        assert!(cluster.restore_plan(&settings).await.unwrap().values().all(|(_, plan)| plan.is_empty()));
    }
}
