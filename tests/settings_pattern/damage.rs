//! Files that cannot be read, entries that are refused, and settings that are damaged.

use std::fs;

use haproxyadmin::settings::{LeftReason, Remember, Restoration, Settings};
use haproxyadmin::{Cluster, ErrorKind};
use serde_json::Value;

use super::site::{CONFIG, HOSTS, PATHS, Site, config, left, patterns, restored};
use super::support::{Config, ask, releases, releases_since};

/// The lines of the unit test of `file.rs`, and more.
#[tokio::test]
async fn a_file_is_read_as_haproxy_reads_it() {
    let mut hosts =
        b"a 1\n# b 2\n#c 3\n #d 4\n\t e \t 5  6\t\n\nf\n \t\ng\r7\nh 8\r9\ni 1\0 2\n\0j 1\n".to_vec();
    let mut paths = b"a 1 \n# b\n#c\n #d\n\t e\t\n\n \t\nf\rg\nh\0i\n\0\n".to_vec();
    for byte in (1..=255u8).filter(|byte| *byte != b'\n') {
        hosts.extend([b'k', byte, b'k', b' ', b'v', byte, b'v', b'\n', byte, b'l', b' ', byte, b'w', b'\n']);
        paths.extend([b'/', byte, b'p', b'\n', byte, b'q', b'\n']);
    }
    // The longest line, with its line feed.
    hosts.extend([&b"long "[..], &b"x".repeat(16_377), b"\nlast 1"].concat());
    paths.extend([&b"/"[..], &b"y".repeat(16_381), b"\n/last"].concat());
    let site = Site::start(releases(), hosts, paths).await;
    let settings = site.remember().await;
    for (release, patterns) in site.releases.iter().zip(patterns(&settings)) {
        assert!(patterns.unread.is_empty(), "{}: {:?}", release.version, patterns.unread);
        for list in &patterns.lists {
            let name = format!("{} {}", release.version, list.file);
            assert!(list.entries.is_empty(), "{name}: {} differences", list.entries.len());
            // HAProxy has the longest one, and cannot show it.
            let reasons: Vec<_> = list.unclear.iter().map(|entry| entry.reason).collect();
            assert!(
                reasons.len() <= 1 && reasons.iter().all(|one| *one == LeftReason::NotShown),
                "{name}: {reasons:?}"
            );
        }
    }
}

#[tokio::test]
async fn a_file_that_cannot_be_read_is_reported() {
    let site = Site::start(releases(), HOSTS, PATHS).await;
    let reasons = async |terms: Remember| {
        let settings = site.cluster.settings_with(terms).await.unwrap();
        let mut all: Vec<Vec<String>> = Vec::new();
        for patterns in patterns(&settings) {
            // The others have no file at all.
            let unread = patterns.unread.iter().filter(|unread| !unread.file.contains('@'));
            all.push(unread.map(|unread| format!("{} {}", unread.kind, unread.reason)).collect());
        }
        all.dedup();
        assert_eq!(all.len(), 1, "{all:?}");
        all.remove(0)
    };
    let hosts = fs::read(&site.hosts).unwrap();
    fs::remove_file(&site.hosts).unwrap();
    assert_eq!(reasons(Remember::new().patterns()).await, ["map No such file or directory (os error 2)"]);
    fs::create_dir(&site.hosts).unwrap();
    assert_eq!(reasons(Remember::new().patterns()).await, ["map it is no regular file"]);
    fs::remove_dir(&site.hosts).unwrap();
    fs::write(&site.hosts, format!("a 1\nb {}\n", "x".repeat(20_000))).unwrap();
    let line = "map line 2 is longer than the 16383 bytes of a line";
    assert_eq!(reasons(Remember::new().patterns()).await, [line]);
    fs::write(&site.hosts, &hosts).unwrap();
    let terms = Remember::new().patterns_from(|_, file| (!file.ends_with("hosts.map")).then(|| file.into()));
    assert_eq!(reasons(terms).await, ["map the caller has no file for it"]);
    assert_eq!(reasons(Remember::new().patterns_under("/")).await, [""; 0]);
    let empty = site.running.dir().join("empty");
    fs::create_dir(&empty).unwrap();
    assert_eq!(reasons(Remember::new().patterns_under(empty)).await.len(), 2);
}

/// After the reload, the keys of the map are networks.
#[tokio::test]
async fn a_refused_entry_does_not_keep_the_others_back() {
    let mut site = Site::start(releases(), "192.0.2.1 1\n", PATHS).await;
    site.tell(&[
        site.on_map("add", "192.0.2.2 2"),
        site.on_map("add", "no-network 3"),
        site.on_map("add", "192.0.2.4 4"),
        site.on_map("set", "192.0.2.1 5"),
        site.on_acl("add", "/new"),
    ])
    .await;
    let settings = site.remember().await;
    site.reload(|n| config(n).set("MAP", "map_ip")).await;
    let error = site.cluster.restore(&settings).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::PartiallyApplied, "{error}");
    site.assert_map(&["192.0.2.1 5", "192.0.2.2 2", "192.0.2.4 4"]).await;
    site.assert_acl(&["/a", "/b c", "/d", "/new"]).await;
}

/// After the reload, the keys of the map are networks, and the balancing algorithm accepts two weights only.
#[tokio::test]
async fn an_error_of_servers_does_not_hide_one_of_maps() {
    let mut site = Site::start(releases(), "192.0.2.1 1\n", PATHS).await;
    site.tell(&[site.on_map("add", "no-network 3"), "set server app/web1 weight 17".to_owned()]).await;
    let settings = site.remember().await;
    site.reload(|n| config(n).set("MAP", "map_ip").set("BALANCE", "source")).await;
    let error = site.cluster.restore(&settings).await.unwrap_err();
    let outcomes = error.outcomes::<Restoration>().unwrap();
    assert_eq!(outcomes.failed().count(), site.releases.len(), "{error}");
    for (_, error) in error.failed() {
        let text = error.to_string();
        assert!(text.contains("set server app/web1 weight") && text.contains("; maps and ACLs: "), "{text}");
        assert!(text.contains("map"), "{text}");
    }
}

#[tokio::test]
async fn a_list_that_is_gone_is_reported() {
    let mut site = Site::start(releases(), HOSTS, PATHS).await;
    site.tell(&[site.on_map("set", "a 10")]).await;
    let settings = site.remember().await;
    let without =
        CONFIG.replace("    http-request set-header x-host %[hdr(host),${MAP}(${DIR}/hosts.map)]\n", "");
    site.reload(|n| Config::admin(&without).set("BALANCE", "roundrobin").set("N", n)).await;
    for (_, restoration) in site.restore(&settings).await.values() {
        assert_eq!(left(restored(restoration, "hosts.map")), [("a", LeftReason::PatternsGone)]);
        assert!(restoration.is_empty());
    }
}

#[tokio::test]
async fn a_remembered_text_is_no_second_command() {
    let site = Site::start(releases(), HOSTS, PATHS).await;
    let (map, acl) = (site.hosts.display().to_string(), site.paths.display().to_string());
    let (map, acl) = (site.cluster.map(map).unwrap(), site.cluster.acl(acl).unwrap());
    let pairs: Vec<_> = map
        .show()
        .await
        .unwrap()
        .entries()
        .unwrap()
        .map(|entry| {
            let (key, value) = entry.splits().next().unwrap();
            (key.into_owned(), value.into_owned())
        })
        .collect();
    site.tell(&[site.on_map("add", "new 7"), site.on_acl("add", "/new")]).await;
    let mut settings = serde_json::to_value(site.remember().await).unwrap();
    for process in settings["processes"].as_array_mut().unwrap() {
        process["pid"] = 1.into();
    }
    let paths = site.paths.display().to_string();
    for hostile in [
        format!("x;clear acl {paths}"),
        format!("x\nclear acl {paths}"),
        format!("x\n\nclear acl {paths}\n"),
        "x\\".into(),
        "x<<".into(),
        "<<".into(),
        "#0x1".into(),
        "#1".into(),
        "@1".into(),
        "\u{1}\u{7f}\u{e9}".into(),
        "\t".into(),
        "\0".into(),
        "\r".into(),
    ] {
        for (name, is_key) in [("hosts.map", true), ("hosts.map", false), ("paths.acl", true)] {
            let mut value = settings.clone();
            for process in value["processes"].as_array_mut().unwrap() {
                let lists = process["patterns"]["lists"].as_array_mut().unwrap();
                let list = lists.iter_mut().find(|list| list["file"].as_str().unwrap().ends_with(name));
                let entry = &mut list.unwrap()["entries"][0];
                entry[if is_key { "key" } else { "value" }] = hostile.clone().into();
            }
            let damaged: Settings = serde_json::from_value(value).unwrap();
            map.sync(pairs.clone()).await.unwrap();
            acl.sync(PATHS.lines()).await.unwrap();
            let result = site.cluster.restore(&damaged).await;
            let is_sent = match &result {
                Ok(outcomes) => outcomes.values().all(|(_, one)| !restored(one, name).changes.is_empty()),
                Err(error) => {
                    assert_eq!(error.kind(), ErrorKind::InvalidInput, "{hostile:?}: {error}");
                    assert!(is_key && name == "hosts.map" && hostile.contains(' '), "{hostile:?}: {error}");
                    false
                }
            };
            for n in 1..=site.releases.len() {
                let acl = site.held(n, &format!("acl {paths}")).await;
                let map = ask(site.running.socket(n), &format!("show map {}", site.hosts.display())).await;
                let map = String::from_utf8_lossy(&map).into_owned();
                assert!(acl.starts_with(&["/a".into(), "/b c".into(), "/d".into()]), "{hostile:?} {acl:?}");
                assert!(map.contains("dup 2\n"), "{hostile:?} {map}");
                let expected = match (name, is_key) {
                    ("hosts.map", true) => map.contains(&format!(" {hostile} 7\n")),
                    ("hosts.map", false) => map.contains(&format!(" new {hostile}\n")),
                    _ => acl.last() == Some(&hostile),
                };
                assert_eq!(expected, is_sent, "{hostile:?} in {name}: {result:?}");
            }
        }
    }
}

/// Changes the entries of a list.
type Damage<'a> = &'a dyn Fn(&mut Value);

#[tokio::test]
async fn damaged_settings_are_refused() {
    let site = Site::start(releases_since("3.4"), HOSTS, PATHS).await;
    let plain = serde_json::to_string(&site.cluster.settings().await.unwrap()).unwrap();
    assert!(!plain.contains("patterns"), "{plain}");
    serde_json::from_str::<Settings>(&plain).unwrap();
    site.tell(&[site.on_map("set", "a 10"), site.on_acl("add", "/new")]).await;
    let settings = serde_json::to_value(site.remember().await).unwrap();
    let entries = |value: &mut Value, name: &str, change: Damage<'_>| {
        for process in value["processes"].as_array_mut().unwrap() {
            let lists = process["patterns"]["lists"].as_array_mut().unwrap();
            let list = lists.iter_mut().find(|list| list["file"].as_str().unwrap().ends_with(name));
            change(&mut list.unwrap()["entries"]);
        }
    };
    let ways: [(&str, Damage<'_>, &str); 5] = [
        ("hosts.map", &|entries| entries[0]["value"] = "1".into(), "has no difference"),
        ("hosts.map", &|entries| entries[0]["key"] = "".into(), "has an empty key"),
        ("hosts.map", &|entries| entries[0]["key"] = "a b".into(), "has a blank in its key"),
        ("paths.acl", &|entries| entries[0]["value"] = "v".into(), "of an ACL has a value"),
        (
            "hosts.map",
            &|entries| {
                let twice = entries[0].clone();
                entries.as_array_mut().unwrap().push(twice);
            },
            "is there twice",
        ),
    ];
    for (name, damage, message) in ways {
        let mut value = settings.clone();
        entries(&mut value, name, damage);
        let damaged: Settings = serde_json::from_value(value).unwrap();
        for error in [
            site.cluster.restore(&damaged).await.unwrap_err(),
            site.cluster.restore_plan(&damaged).await.unwrap_err(),
        ] {
            assert_eq!(error.kind(), ErrorKind::InvalidInput, "{error}");
            assert!(error.to_string().contains(message), "{error}");
        }
    }
}

#[tokio::test]
async fn level_user_is_told_that_it_needs_more() {
    let site = Site::start(releases_since("3.4"), HOSTS, PATHS).await;
    let user = Cluster::from_addresses([site.running.dir().join("traffic/user.1")]).await.unwrap();
    user.settings().await.unwrap();
    let error = user.settings_with(Remember::new().patterns()).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::PermissionDenied, "{error}");
}
