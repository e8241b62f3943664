//! Files of maps and ACLs that follow a change of all processes: HAProxy of every release reads the
//! same entries from the file when it is started anew.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "in a test a panic is the failure message")]
#![allow(clippy::indexing_slicing, reason = "the same")]

use std::fs;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _, chown, symlink};
use std::path::{Path, PathBuf};
use std::time::Duration;

use haproxyadmin::{Acl, Change, Cluster, ErrorKind, Limits, Map, Outcome};

mod support;

use support::{Moment, Relay, Running, ask, managed_cluster, releases};

struct Site {
    running: Running,
    cluster: Cluster,
}

impl Site {
    async fn start() -> Self {
        let running = managed_cluster().await;
        let limits = Limits::new().with_idle_timeout(Duration::from_millis(400));
        let cluster = Cluster::from_dir(running.stats()).await.unwrap().with_limits(limits);
        Self { running, cluster }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.running.dir().join(name)
    }

    fn map(&self) -> Map {
        self.cluster.map(self.path("hosts.map").display().to_string()).unwrap()
    }

    fn acl(&self) -> Acl {
        self.cluster.acl(self.path("paths.acl").display().to_string()).unwrap()
    }

    /// Returns the processes that know versions.
    fn new_ones(&self) -> Cluster {
        let known = (1..).zip(releases()).filter(|(_, release)| release.is_at_least("2.4"));
        self.cluster.only(known.map(|(n, _)| n.to_string()))
    }

    /// Returns the entries of each process, read without the crate.
    async fn held(&self, kind: &str, name: &str) -> Vec<Vec<String>> {
        let mut held = Vec::new();
        for n in 1..=releases().len() {
            let command = format!("show {kind} {}", self.path(name).display());
            let reply = String::from_utf8(ask(self.running.socket(n), &command).await).unwrap();
            let lines = reply.split('\n').filter(|line| !line.is_empty());
            held.push(lines.map(|line| line.split_once(' ').unwrap().1.to_owned()).collect());
        }
        held
    }

    /// Checks that each process holds these entries, also when it has been started anew.
    async fn assert_stays(&mut self, kind: &str, name: &str, expected: &[String]) {
        for is_new in [false, true] {
            for n in (1..=releases().len()).filter(|_| is_new) {
                self.running.restart(n).await;
            }
            for held in self.held(kind, name).await {
                assert_eq!(held.len(), expected.len(), "started anew: {is_new}");
                let wrong = held.iter().zip(expected).find(|(held, expected)| held != expected);
                assert_eq!(wrong, None, "started anew: {is_new}");
            }
        }
        self.assert_no_new_file();
    }

    /// Checks that no file was left beside the one that is replaced.
    fn assert_no_new_file(&self) {
        let names = fs::read_dir(self.running.dir()).unwrap().map(|entry| entry.unwrap().file_name());
        let left: Vec<_> = names.filter(|name| name.to_string_lossy().starts_with(".haproxyadmin")).collect();
        assert_eq!(left, [""; 0]);
    }
}

/// Texts without blanks, with every character of ASCII that an entry can hold.
fn odd_texts() -> Vec<String> {
    let ascii = (1..=127).map(char::from).filter(|c| !matches!(c, '\t' | '\n' | '\r' | ' '));
    let odd = ascii.chain(['é', '日', '\u{a0}', '\u{85}', '\u{2028}', '\u{feff}']);
    let mut texts: Vec<String> =
        odd.flat_map(|c| [format!("{c}"), format!("a{c}b"), format!("{c}{c}k")]).collect();
    texts.extend(["#0x12", "##", "@1", "-i", "-f", "--", "\\\\", "a;clear", "dup", "dup"].map(String::from));
    texts
}

fn odd_entries() -> Vec<(String, String)> {
    let texts = odd_texts();
    let mut entries: Vec<_> = texts.iter().map(|text| (text.clone(), format!("v{text}"))).collect();
    entries.extend(texts.iter().map(|text| (format!("x{text}"), format!("{text}  {text}\t#{text}"))));
    entries.push(("long".into(), "x y ".repeat(2_000) + "z"));
    entries
}

fn lines(entries: &[(String, String)]) -> Vec<String> {
    entries.iter().map(|(key, value)| format!("{key} {value}")).collect()
}

#[tokio::test]
async fn a_map_is_the_same_after_a_restart() {
    let mut site = Site::start().await;
    let entries = odd_entries();
    let path = site.path("hosts.map");
    let pairs = || entries.iter().map(|(key, value)| (key, value));
    site.map().sync_mirrored(pairs(), &path).await.unwrap();
    site.assert_stays("map", "hosts.map", &lines(&entries)).await;

    let fewer = || pairs().skip(7);
    site.map().on(&site.new_ones()).replace_mirrored(fewer(), &path).await.unwrap();
    site.map().sync(fewer()).await.unwrap();
    site.assert_stays("map", "hosts.map", &lines(&entries[7..])).await;

    let none: [(&str, &str); 0] = [];
    site.map().sync_mirrored(none, &path).await.unwrap();
    site.assert_stays("map", "hosts.map", &[]).await;
}

#[tokio::test]
async fn an_acl_is_the_same_after_a_restart() {
    let mut site = Site::start().await;
    let mut patterns = odd_texts();
    // No command can express it.
    patterns.retain(|pattern| pattern != "<<k");
    patterns.extend(["/a b", "/a\tb", "/a ", "/a\t", "# ", "#"].map(String::from));
    let path = site.path("paths.acl");
    site.acl().sync_mirrored(&patterns, &path).await.unwrap();
    site.assert_stays("acl", "paths.acl", &patterns).await;
    site.acl().on(&site.new_ones()).replace_mirrored(&patterns[9..], &path).await.unwrap();
    site.acl().sync(&patterns[9..]).await.unwrap();
    site.assert_stays("acl", "paths.acl", &patterns[9..]).await;
}

/// The file may be older than the processes, such as after a `sync` without it.
#[tokio::test]
async fn the_file_is_written_if_no_process_needs_a_change() {
    let site = Site::start().await;
    let path = site.path("hosts.map");
    fs::write(&path, "# a comment\nother entry\n").unwrap();
    let wanted = [("a.example", "one"), ("b.example", "two")];
    let outcomes = site.map().sync_mirrored(wanted, &path).await.unwrap();
    assert!(outcomes.iter().all(|outcome| outcome.word() == "unchanged"));
    assert_eq!(fs::read_to_string(&path).unwrap(), "a.example one\nb.example two\n");
}

#[tokio::test]
async fn nothing_is_sent_if_the_file_cannot_hold_an_entry() {
    let site = Site::start().await;
    let (map, acl) = (site.map().on(&site.new_ones()), site.acl().on(&site.new_ones()));
    let names = ["hosts.map", "paths.acl"];
    let before = names.map(|name| fs::read(site.path(name)).unwrap());
    let held = (site.held("map", names[0]).await, site.held("acl", names[1]).await);
    let [file, acl_file] = names.map(|name| site.path(name));
    for (key, value) in [("a b", "v"), ("a\tb", "v"), (" a", "v"), ("k", " v"), ("k", "v "), ("k", "\tv")] {
        let entries = [("fine", "v"), (key, value)];
        for result in [map.replace_mirrored(entries, &file).await, map.sync_mirrored(entries, &file).await] {
            let error = result.unwrap_err();
            assert_eq!(error.kind(), ErrorKind::InvalidInput, "{error}");
            assert!(error.to_string().starts_with("entry 2 cannot be written to a file"), "{error}");
        }
    }
    for pattern in [" a", "\ta"] {
        let patterns = ["fine", pattern];
        for result in
            [acl.replace_mirrored(patterns, &acl_file).await, acl.sync_mirrored(patterns, &acl_file).await]
        {
            assert_eq!(result.unwrap_err().kind(), ErrorKind::InvalidInput);
        }
    }
    assert_eq!(names.map(|name| fs::read(site.path(name)).unwrap()), before);
    assert_eq!((site.held("map", names[0]).await, site.held("acl", names[1]).await), held);
    site.assert_no_new_file();
}

#[tokio::test]
async fn nothing_is_sent_if_the_new_file_cannot_be_written() {
    let site = Site::start().await;
    let before = site.held("map", "hosts.map").await;
    let dangling = site.path("dangling.map");
    symlink("nowhere/hosts.map", &dangling).unwrap();
    for path in [site.path("none/hosts.map"), site.path("stats"), dangling, "/dev/null".into(), "".into()] {
        let error = site.map().sync_mirrored([("k", "v")], &path).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Io, "{error}");
        let expected = format!("cannot write file {}: ", path.display());
        assert!(error.to_string().starts_with(&expected) && error.io().is_some(), "{error}");
    }
    assert_eq!(site.held("map", "hosts.map").await, before);
    site.assert_no_new_file();
}

#[tokio::test]
async fn the_file_stays_if_a_process_fails() {
    let site = Site::start().await;
    let path = site.path("hosts.map");
    let before = fs::read(&path).unwrap();
    site.cluster.info().await.unwrap();
    site.running.hang(releases().len());
    for (cluster, is_partial) in [(site.new_ones(), false), (site.new_ones().allow_partial(), true)] {
        let map = site.map().on(&cluster);
        let result = map.replace_mirrored([("k", "v")], &path).await;
        assert_eq!(result.is_ok_and(|outcomes| !outcomes.is_complete()), is_partial);
        assert_eq!(fs::read(&path).unwrap(), before);
        site.assert_no_new_file();
    }
    site.running.resume(releases().len());
    let none = site.cluster.map("nobody.map").unwrap().on(&site.cluster.allow_partial());
    let outcomes = none.sync_mirrored([("k", "v")], &path).await.unwrap();
    assert!(outcomes.iter().all(|outcome| outcome.word() == "absent"));
    assert_eq!(fs::read(&path).unwrap(), before);
}

/// Returns the map of the last process, behind a relay that holds the commit.
async fn held_at_commit(site: &Site) -> (Map, Relay) {
    let relay = Relay::new(site.path("z.sock"), site.running.socket(releases().len()));
    let cluster = Cluster::from_addresses([site.path("z.sock")]).await.unwrap();
    relay.mark(["commit map @"]);
    relay.hold(Moment::Marking);
    (site.map().on(&cluster), relay)
}

#[tokio::test]
async fn an_error_of_the_file_says_that_the_processes_have_the_new_entries() {
    let site = Site::start().await;
    let path = site.path("hosts.map");
    let (map, relay) = held_at_commit(&site).await;
    let own = path.clone();
    let call = tokio::spawn(async move { map.replace_mirrored([("k", "v")], own).await });
    relay.holds(1).await;
    fs::remove_file(&path).unwrap();
    fs::create_dir(&path).unwrap();
    relay.release();
    let error = call.await.unwrap().unwrap_err();
    assert_eq!(error.kind(), ErrorKind::PartiallyApplied);
    let expected = format!(
        "every process holds the new entries, and the file holds the old ones: cannot write file {}: ",
        path.display()
    );
    assert!(error.to_string().starts_with(&expected), "{error}");
    assert!(error.io().is_some() && error.outcomes::<Change>().is_none());
    assert_eq!(site.held("map", "hosts.map").await.last().unwrap(), &["k v"]);
    site.assert_no_new_file();
}

#[tokio::test]
async fn the_file_stays_if_the_call_is_dropped_before_the_commit() {
    let site = Site::start().await;
    let path = site.path("hosts.map");
    let before = fs::read(&path).unwrap();
    let (map, relay) = held_at_commit(&site).await;
    let own = path.clone();
    let call = tokio::spawn(async move { map.replace_mirrored([("k", "v")], own).await });
    relay.holds(1).await;
    call.abort();
    assert!(call.await.unwrap_err().is_cancelled());
    assert_eq!(fs::read(&path).unwrap(), before);
    site.assert_no_new_file();
}

#[tokio::test]
async fn the_file_keeps_its_owner_its_mode_and_the_link_to_it() {
    let site = Site::start().await;
    let (file, link) = (site.path("hosts.map"), site.path("link.map"));
    symlink("hosts.map", &link).unwrap();
    // Only a privileged user may give a file away.
    let _ = chown(&file, Some(65_534), Some(65_534));
    for mode in [0o640, 0o400, 0o666] {
        fs::set_permissions(&file, fs::Permissions::from_mode(mode)).unwrap();
        let before = fs::metadata(&file).unwrap();
        let value = format!("{mode:o}");
        let outcomes = site.map().sync_mirrored([("mode", &value)], &link).await.unwrap();
        assert!(outcomes.iter().map(Outcome::word).all(|word| word == "changed"));
        let after = fs::metadata(&file).unwrap();
        assert_ne!(before.ino(), after.ino());
        assert_eq!((after.uid(), after.gid(), after.mode()), (before.uid(), before.gid(), before.mode()));
        assert_eq!(fs::read_link(&link).unwrap(), Path::new("hosts.map"));
        assert_eq!(fs::read_to_string(&file).unwrap(), format!("mode {value}\n"));
    }
    let new = site.path("new.map");
    site.map().sync_mirrored([("k", "v")], &new).await.unwrap();
    assert_eq!(fs::read_to_string(new).unwrap(), "k v\n");
}
