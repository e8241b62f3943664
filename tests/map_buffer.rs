//! Entries of maps on processes with buffers of other sizes (`tune.bufsize`).

#![allow(clippy::unwrap_used, reason = "in a test a panic is the failure message")]

use std::fs;

use haproxyadmin::{Cluster, ErrorKind, Limits, Map};

mod support;

use support::{Config, Release, Running, Tap, ask, releases};

/// A frontend with a map.
const WEB: &str = r#"
frontend web
    bind "unix@${DIR}/traffic/web.1"
    http-request set-header X-Host %[req.hdr(host),map("${DIR}/small.map",none)]
"#;

/// One process.
struct Site {
    running: Running,
    cluster: Cluster,
    map: Map,
}

impl Site {
    async fn new(release: &Release, global: &str) -> Self {
        let mut running = Running::new();
        let file = running.dir().join("small.map");
        fs::write(&file, "key value\n").unwrap();
        let config = Config::admin(&format!("{WEB}global\n    {global}\n")).set("N", 1);
        running.add(release, "small", &config).await;
        let cluster = Cluster::from_dir(running.stats()).await.unwrap();
        let map = cluster.map(file.display().to_string()).unwrap();
        Self { running, cluster, map }
    }

    /// Returns the entries of the map.
    async fn held(&self) -> Vec<String> {
        let command = format!("show map {}", self.running.dir().join("small.map").display());
        let reply = String::from_utf8(ask(self.running.socket(1), &command).await).unwrap();
        let line = |line: &str| Some(line.strip_prefix("0x")?.split_once(' ')?.1.to_owned());
        reply.lines().filter_map(line).collect()
    }

    /// Asserts that no line of a payload was executed.
    async fn assert_nothing_else_happened(&self, version: &str) {
        let web = self.cluster.frontend("web").await.unwrap();
        assert_eq!(web.status().to_string(), "OPEN", "{version}");
    }
}

/// Entries that would be commands if HAProxy took them for some.
fn entries() -> Vec<(String, String)> {
    let key = |n: usize| if n % 3 == 0 { "disable".to_owned() } else { format!("host-{n}.example") };
    (0..3_000)
        .map(|n| (key(n), if n % 3 == 0 { "frontend web".to_owned() } else { format!("backend-{n}") }))
        .collect()
}

fn lines(entries: &[(String, String)]) -> Vec<String> {
    entries.iter().map(|(key, value)| format!("{key} {value}")).collect()
}

/// Up to 3.0 HAProxy begins to execute the line, and refuses it behind the reply to `show info`.
#[tokio::test]
async fn a_line_that_is_too_long_for_a_small_buffer_is_refused() {
    for release in releases().iter().filter(|release| release.is_at_least("3.2")) {
        let site = Site::new(release, "tune.bufsize 4096").await;
        let error = site.map.set("key", &"v".repeat(6000)).await.unwrap_err();
        let words = "refused: \"The command line is too big for the buffer size.";
        assert!(error.to_string().contains(words), "{}: {error}", release.version);
        assert_eq!(error.kind(), ErrorKind::Refused, "{}: {error}", release.version);
        assert_eq!(site.held().await, ["key value"], "{}", release.version);
    }
}

/// A payload that is larger than a buffer hangs up to 2.2, and is refused up to 3.2. Release 3.4 loses some entries,
/// and executes others as commands.
#[tokio::test]
async fn many_entries_fit_buffers_of_any_size() {
    let entries = entries();
    let pairs = || entries.iter().map(|(key, value)| (key.as_str(), value.as_str()));
    for global in ["", "tune.bufsize 4096", "tune.bufsize 8192", "tune.maxrewrite 8192"] {
        for release in releases() {
            let version = format!("{} {global}", release.version);
            let site = Site::new(&release, global).await;
            let added = site.map.add_all(pairs()).await;
            assert_eq!(added.unwrap().to_string(), "1: changed: 3000 entries", "{version}");
            let mut expected = lines(&entries);
            expected.insert(0, "key value".to_owned());
            assert_eq!(site.held().await, expected, "{version}");
            if release.is_at_least("2.4") {
                site.map.replace(pairs()).await.unwrap();
                assert_eq!(site.held().await, lines(&entries), "{version}");
            }
            site.assert_nothing_else_happened(&version).await;
        }
    }
}

#[tokio::test]
async fn payloads_are_as_long_as_the_buffers_permit() {
    let entries = entries();
    for release in releases() {
        for (global, since_3_4, before) in [("", 15_000, 7_000), ("tune.bufsize 4096", 3_840, 1_984)] {
            let site = Site::new(&release, global).await;
            let path = site.running.dir().join("tap.sock");
            let tap = Tap::new(&path, site.running.socket(1));
            let cluster = Cluster::from_addresses([path.as_path()]).await.unwrap();
            let map = site.map.on(&cluster);
            let added = map.add_all(entries.iter().map(|(key, value)| (key.as_str(), value.as_str()))).await;
            assert!(added.is_ok(), "{} {global}: {added:?}", release.version);
            let pieces = tap.conversations().concat();
            let longest = pieces.iter().map(Vec::len).max().unwrap();
            let limit = match release.version.as_str() {
                version if version.starts_with("3.0") && !global.is_empty() => 400,
                _ if release.is_at_least("3.4") => since_3_4,
                _ => before,
            };
            assert!((limit - 100..=limit).contains(&longest), "{}: {longest} of {limit}", release.version);
            assert_eq!(tap.sent().matches("show pools").count(), 1, "{}", release.version);
        }
    }
}

#[tokio::test]
async fn few_entries_are_added_without_a_question() {
    let site = Site::new(releases().last().unwrap(), "").await;
    let path = site.running.dir().join("tap.sock");
    let tap = Tap::new(&path, site.running.socket(1));
    let map = site.map.on(&Cluster::from_addresses([path.as_path()]).await.unwrap());
    map.add_all([("one", "value"), ("two", "value")]).await.unwrap();
    assert!(!tap.sent().contains("show pools"), "{}", tap.sent());
    assert_eq!(site.held().await, ["key value", "one value", "two value"]);
}

/// A line that ends with `<<` would begin a payload, so only a payload holds this entry.
#[tokio::test]
async fn an_entry_that_fits_no_buffer_is_refused_before_anything_is_sent() {
    let long = "v".repeat(5_000) + "<<";
    let entries = [("one", "value"), ("two", long.as_str())];
    for release in releases().iter().filter(|release| release.is_at_least("3.2")) {
        let site = Site::new(release, "tune.bufsize 4096").await;
        for result in [site.map.add_all(entries).await, site.map.replace(entries).await] {
            assert_eq!(result.unwrap_err().kind(), ErrorKind::InvalidInput, "{}", release.version);
        }
        let maps = String::from_utf8(ask(site.running.socket(1), "show map").await).unwrap();
        assert!(maps.contains("next_ver=0 entry_cnt=1"), "{}: {maps}", release.version);
    }
}

/// Older releases print a prompt for each line of a payload, which exceeds the limit too.
#[tokio::test]
async fn the_size_of_buffers_is_read_whatever_the_limit_of_replies() {
    let entries = entries();
    for release in releases().iter().filter(|release| release.is_at_least("3.2")) {
        let site = Site::new(release, "").await;
        let socket = site.running.socket(1);
        let limits = Limits::new().with_max_reply_size(ask(&socket, "show pools").await.len() - 500);
        let cluster = Cluster::builder().address(socket).limits(limits).build().await.unwrap();
        let pairs = entries.iter().map(|(key, value)| (key.as_str(), value.as_str()));
        let added = site.map.on(&cluster).add_all(pairs).await;
        assert_eq!(added.unwrap().to_string(), "1: changed: 3000 entries", "{}", release.version);
    }
}
