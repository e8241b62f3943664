//! Processes of each release with a map and an ACL, and their files.

use std::fs;
use std::path::PathBuf;
use std::time::Duration;

use haproxyadmin::settings::{
    LeftReason, PatternRestoration, PatternSettings, ProcessPatterns, Remember, Restoration, Settings,
};
use haproxyadmin::{Cluster, Limits, Outcomes};

use super::support::{Config, Release, Running, Tap, ask};

pub(crate) const CONFIG: &str = r#"
global
    stats socket "unix@${DIR}/traffic/user.${N}" mode 600 level user
frontend web
    bind "unix@${DIR}/traffic/web.${N}"
    acl listed path -f "${DIR}/paths.acl"
    acl inline path /inline
    http-request deny if listed or inline
    http-request set-header x-host %[hdr(host),${MAP}(${DIR}/hosts.map)]
    http-request set-header x-virt %[hdr(host),map(virt@names)] # since 3.0
    http-request set-header x-opt %[hdr(host),map(opt@${DIR}/absent.map)] # since 3.0
backend app
    balance ${BALANCE}
    server web1 127.0.0.1:1001 weight 10
"#;

pub(crate) const HOSTS: &str = "a 1\nb 2\nc 3\nd 4\ne 5  five\n# x 0\nf 6\ndup 1\ndup 2\n";
pub(crate) const PATHS: &str = "/a\n/b c\n/d\n";

pub(crate) struct Site {
    pub(crate) running: Running,
    pub(crate) cluster: Cluster,
    pub(crate) releases: Vec<Release>,
    pub(crate) hosts: PathBuf,
    pub(crate) paths: PathBuf,
    taps: Vec<Tap>,
}

impl Site {
    pub(crate) async fn start(
        releases: Vec<Release>,
        hosts: impl AsRef<[u8]>,
        paths: impl AsRef<[u8]>,
    ) -> Self {
        let mut running = Running::new();
        let (map, acl) = (running.dir().join("hosts.map"), running.dir().join("paths.acl"));
        fs::write(&map, hosts).unwrap();
        fs::write(&acl, paths).unwrap();
        for (n, release) in (1..).zip(&releases) {
            running.add(release, &n.to_string(), &config(n)).await;
        }
        let dir = running.dir().join("taps");
        fs::create_dir(&dir).unwrap();
        let taps = (1..=releases.len()).map(|n| Tap::new(dir.join(format!("{n}.sock")), running.socket(n)));
        let taps = taps.collect();
        // The machine may be loaded, and the maps are large.
        let limits = Limits::new().with_command_timeout(Duration::from_secs(120));
        let cluster = Cluster::from_dir(dir).await.unwrap().with_limits(limits);
        Self { running, cluster, releases, hosts: map, paths: acl, taps }
    }

    /// Replaces each process by a new one.
    pub(crate) async fn reload(&mut self, config: impl Fn(usize) -> Config) {
        for (n, (release, haproxy)) in (1..).zip(self.releases.iter().zip(&mut self.running.haproxies)) {
            haproxy.replace(release, &config(n)).await;
        }
    }

    pub(crate) async fn remember(&self) -> Settings {
        let settings = self.cluster.settings_with(Remember::new().patterns()).await.unwrap();
        let read: Settings = serde_json::from_str(&serde_json::to_string(&settings).unwrap()).unwrap();
        assert_eq!(read, settings);
        read
    }

    pub(crate) async fn restore(&self, settings: &Settings) -> Outcomes<Restoration> {
        self.cluster.restore(settings).await.unwrap()
    }

    /// Sends the same lines to each process, and checks that none is refused.
    pub(crate) async fn tell(&self, lines: &[String]) {
        for socket in self.running.sockets() {
            for line in lines {
                let reply = ask(&socket, line).await;
                assert!(
                    reply.iter().all(u8::is_ascii_whitespace),
                    "{line}: {}",
                    String::from_utf8_lossy(&reply)
                );
            }
        }
    }

    pub(crate) fn on_map(&self, verb: &str, words: &str) -> String {
        format!("{verb} map {} {words}", self.hosts.display())
    }

    pub(crate) fn on_acl(&self, verb: &str, words: &str) -> String {
        format!("{verb} acl {} {words}", self.paths.display())
    }

    pub(crate) async fn held(&self, n: usize, list: &str) -> Vec<String> {
        let reply = String::from_utf8(ask(self.running.socket(n), &format!("show {list}")).await).unwrap();
        let lines = reply.lines().filter(|line| !line.is_empty());
        lines.map(|line| line.split_once(' ').unwrap().1.to_owned()).collect()
    }

    pub(crate) async fn assert_map(&self, expected: &[&str]) {
        for n in 1..=self.releases.len() {
            let held = self.held(n, &format!("map {}", self.hosts.display())).await;
            assert_eq!(held, expected, "{}", self.releases[n - 1].version);
        }
    }

    pub(crate) async fn assert_acl(&self, expected: &[&str]) {
        for n in 1..=self.releases.len() {
            let held = self.held(n, &format!("acl {}", self.paths.display())).await;
            assert_eq!(held, expected, "{}", self.releases[n - 1].version);
        }
    }

    /// Commands that change something, of all processes.
    pub(crate) fn changes(&self) -> usize {
        let is_change = |line: &&str| {
            let line = line.rsplit(';').next().unwrap_or_default();
            ["set map", "add map", "del map", "add acl", "del acl"].iter().any(|verb| line.starts_with(verb))
        };
        self.taps.iter().map(|tap| tap.sent().lines().filter(is_change).count()).sum()
    }
}

pub(crate) fn config(n: usize) -> Config {
    Config::admin(CONFIG).set("MAP", "map").set("BALANCE", "roundrobin").set("N", n)
}

pub(crate) fn patterns(settings: &Settings) -> impl Iterator<Item = &ProcessPatterns> {
    settings.processes().iter().map(|process| process.patterns.as_ref().unwrap())
}

pub(crate) fn list<'a>(patterns: &'a ProcessPatterns, name: &str) -> &'a PatternSettings {
    patterns.lists.iter().find(|list| list.file.ends_with(name)).unwrap_or_else(|| panic!("{patterns:?}"))
}

pub(crate) fn restored<'a>(restoration: &'a Restoration, name: &str) -> &'a PatternRestoration {
    restoration.patterns.iter().find(|list| list.file.ends_with(name)).unwrap()
}

pub(crate) fn left(list: &PatternRestoration) -> Vec<(&str, LeftReason)> {
    list.left.iter().map(|left| (&*left.key, left.reason)).collect()
}
