//! Settings that are remembered and restored, over the replacement of a process of each release. Each
//! result is read from the process' own socket.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "in a test a panic is the failure message")]
#![allow(clippy::indexing_slicing, reason = "the same")]

use std::fs;
use std::time::Duration;

use arbtest::arbtest;
use futures::FutureExt as _;
use haproxyadmin::server::{NewServer, ServerTemplate, Tls};
use haproxyadmin::settings::{LeftReason, Restoration, Restore, SettingName, Settings};
use haproxyadmin::{AdminState, Cluster, ErrorKind, Limits, Outcomes, Weight, fake};

mod support;

use support::{
    Config, Release, Running, Tap, ask, assert_no_leftovers, every_cell, every_state, release, releases,
};

const CONFIG: &str = r#"
global
    stats socket "unix@${DIR}/traffic/user.${N}" mode 600 level user
backend app
    balance roundrobin
    server web1 127.0.0.1:1001 weight ${WEIGHT} maxconn 10 check inter 1h
    server web2 127.0.0.1:${WEB2} weight 20 maxconn 10
    server web3 127.0.0.1:1003 disabled
    server web4 127.0.0.1:1004 weight 40 check inter 1h agent-check agent-port 9 agent-inter 1h
    server-template srv 1-2 192.0.2.1:1 disabled
backend old
    server web1 127.0.0.1:1001 ${OLD}
backend static
    balance source
    server web1 127.0.0.1:1001 weight 30
"#;

fn config(n: usize) -> Config {
    Config::admin(CONFIG).set("WEIGHT", 10).set("WEB2", 1002).set("OLD", "weight 1").set("N", n)
}

/// Two values that the configuration changes, and a setting that was not changed at run time.
fn changed(n: usize) -> Config {
    config(n).set("WEIGHT", 15).set("WEB2", 2002).set("OLD", "weight 9")
}

/// Processes with a tap in front of each stats socket.
struct Site {
    running: Running,
    taps: Vec<Tap>,
    cluster: Cluster,
    releases: Vec<Release>,
}

impl Site {
    async fn start(releases: Vec<Release>) -> Self {
        let mut running = Running::new();
        for (n, release) in (1..).zip(&releases) {
            running.add(release, &n.to_string(), &config(n)).await;
        }
        let dir = running.dir().join("taps");
        fs::create_dir(&dir).unwrap();
        let taps = (1..=releases.len()).map(|n| Tap::new(dir.join(format!("{n}.sock")), running.socket(n)));
        let taps = taps.collect();
        let cluster = Cluster::from_dir(dir).await.unwrap();
        Self { running, taps, cluster, releases }
    }

    /// Replaces each process by one with the changed configuration.
    async fn reload(&mut self) {
        for (n, (release, haproxy)) in (1..).zip(self.releases.iter().zip(&mut self.running.haproxies)) {
            haproxy.replace(release, &changed(n)).await;
        }
    }

    async fn tell(&self, lines: &[&str]) {
        for socket in self.running.sockets() {
            for line in lines {
                ask(&socket, line).await;
            }
        }
    }

    async fn state(&self, backend: &str, server: &str, column: &str) -> Vec<String> {
        every_state(&self.running, backend, server, column).await
    }

    fn all(&self, text: &str) -> Vec<String> {
        vec![text.to_owned(); self.releases.len()]
    }

    /// Commands that change something, of all processes.
    fn changes(&self) -> usize {
        let sent: Vec<String> = self.taps.iter().map(Tap::sent).collect();
        let is_change = |line: &&str| {
            let line = line.rsplit(';').next().unwrap_or_default();
            ["set ", "enable ", "disable ", "add "].iter().any(|verb| line.starts_with(verb))
                && !line.starts_with("set severity-output")
        };
        sent.iter().map(|sent| sent.lines().filter(is_change).count()).sum()
    }
}

const CHANGES: &[&str] = &[
    "set server app/web1 weight 77",
    "set maxconn server app/web1 33",
    "disable health app/web1",
    "set server app/web2 weight 5",
    "set server app/web2 state drain",
    "set server app/web3 state ready",
    "set server app/web4 state maint",
    "disable agent app/web4",
    "set server app/srv1 addr 127.0.0.5 port 8080",
    "set server app/srv1 state ready",
    "set server static/web1 weight 0%",
];

/// Commands for the releases that can add servers.
const ADDITION: &[&str] = &[
    "add server app/web9 127.0.0.1:1009 weight 9 maxconn 4 check inter 1h backup",
    "enable health app/web9",
    "set server app/web9 weight 3",
    "set server app/web9 state drain",
    "add server app/tls9 127.0.0.1:1010 ssl verify none",
];

fn terms(settings: &Settings) -> Restore<'_> {
    let template = ServerTemplate::new("srv", "192.0.2.1:1".parse().unwrap()).unwrap();
    Restore::new(settings).template("app", template).dynamic("app", "web9", None)
}

fn lines(outcomes: &Outcomes<Restoration>) -> Vec<Vec<String>> {
    let changes = |plan: &Restoration| plan.changes.iter().map(ToString::to_string).collect();
    outcomes.values().map(|(_, plan)| changes(plan)).collect()
}

fn reason(plan: &Restoration, server: &str, setting: SettingName) -> Option<LeftReason> {
    let mut left = plan.left.iter().filter(|left| *left.server == *server && left.setting == setting);
    left.next().map(|left| left.reason)
}

#[tokio::test]
async fn the_settings_outlive_a_reload_and_the_configuration_wins() {
    let mut site = Site::start(releases()).await;
    site.tell(CHANGES).await;
    site.tell(ADDITION).await;
    let settings = site.cluster.settings().await.unwrap();
    let text = serde_json::to_string_pretty(&settings).unwrap();
    let settings = {
        let read: Settings = serde_json::from_str(&text).unwrap();
        assert_eq!(read, settings);
        read
    };
    site.reload().await;

    let plan = site.cluster.restore_plan(terms(&settings)).await.unwrap();
    assert_eq!(site.changes(), 0);
    let restored = site.cluster.restore(terms(&settings)).await.unwrap();
    assert_eq!(lines(&restored), lines(&plan));
    let common = [
        "app/web1: health-check on -> off",
        "app/web2: state ready -> drain",
        "app/web2: weight 20 -> 5",
        "app/web3: state maint -> ready",
        "app/web4: state ready -> maint",
        "app/web4: agent-check on -> off",
        "app/srv1: address 192.0.2.1:1 -> 127.0.0.5:8080",
        "app/srv1: state maint -> ready",
    ];
    let added = [
        "app/web9: add server 127.0.0.1:1009",
        "app/web9: state maint -> drain",
        "app/web9: weight 9 -> 3",
        "app/web9: health-check off -> on",
    ];
    for (release, lines) in site.releases.iter().zip(lines(&restored)) {
        let added: &[&str] = if release.is_at_least("2.6") { &added } else { &[] };
        let expected: Vec<&str> =
            common.iter().chain(added).chain(&["static/web1: weight 30 -> 0"]).copied().collect();
        assert_eq!(lines, expected, "{}", release.version);
    }
    for (release, (_, restored)) in site.releases.iter().zip(restored.values()) {
        let left = |server, setting| reason(restored, server, setting);
        assert_eq!(left("web1", SettingName::Weight), Some(LeftReason::ConfigurationChanged));
        assert_eq!(left("web1", SettingName::Maxconn), Some(LeftReason::ConfigurationNotShown));
        assert_eq!(left("web2", SettingName::Address), Some(LeftReason::ConfigurationNotShown));
        if release.is_at_least("2.6") {
            assert_eq!(left("tls9", SettingName::Server), Some(LeftReason::ServerGone));
            assert_eq!(left("web9", SettingName::HealthCheck), Some(LeftReason::ParametersNotShown));
        }
    }

    for (server, column, value) in [
        ("web1", "srv_uweight", "15"),
        ("web1", "srv_check_state", "2"),
        ("web2", "srv_port", "2002"),
        ("web2", "srv_uweight", "5"),
        ("web2", "srv_admin_state", "8"),
        ("web3", "srv_admin_state", "4"),
        ("web4", "srv_admin_state", "1"),
        ("web4", "srv_agent_state", "18"),
        ("srv1", "srv_addr", "127.0.0.5"),
        ("srv1", "srv_port", "8080"),
        ("srv1", "srv_admin_state", "4"),
        ("srv2", "srv_addr", "192.0.2.1"),
        ("srv2", "srv_admin_state", "5"),
    ] {
        // The bit that a check runs at the moment does not matter.
        let shown: Vec<String> = site.state("app", server, column).await;
        let shown: Vec<String> = match column {
            "srv_check_state" => {
                shown.iter().map(|bits| (bits.parse::<u32>().unwrap() & 6).to_string()).collect()
            }
            _ => shown,
        };
        assert_eq!(shown, site.all(value), "{server} {column}");
    }
    // A setting that was not changed at run time has the value of the new configuration.
    assert_eq!(site.state("old", "web1", "srv_uweight").await, site.all("9"));
    assert_eq!(every_cell(&site.running, "app", "web1", "slim").await, site.all("10"));
    let able = |value: &str| -> Vec<String> {
        let is_able = |release: &Release| release.is_at_least("2.6");
        site.releases.iter().map(|one| if is_able(one) { value.to_owned() } else { String::new() }).collect()
    };
    for (column, value) in [("srv_uweight", "3"), ("srv_iweight", "9"), ("srv_admin_state", "8")] {
        assert_eq!(site.state("app", "web9", column).await, able(value), "{column}");
    }
    for (column, value) in [("slim", "4"), ("bck", "1")] {
        assert_eq!(every_cell(&site.running, "app", "web9", column).await, able(value), "{column}");
    }

    // The second call sends nothing.
    let sent = site.changes();
    assert!(sent > 0);
    let again = site.cluster.restore(terms(&settings)).await.unwrap();
    assert!(again.values().all(|(_, restored)| restored.is_empty()), "{again}");
    assert_eq!(site.changes(), sent);
}

#[tokio::test]
async fn what_haproxy_does_not_show_is_restored_if_the_caller_asks() {
    let mut site = Site::start(releases()).await;
    site.tell(CHANGES).await;
    site.tell(&["set server app/web4 addr 127.0.0.7 port 7"]).await;
    let backend = site.cluster.backend_ref("app").unwrap();
    let settings = backend.settings().await.unwrap();
    assert!(settings.processes().iter().all(|process| process.server("static", "web1").is_none()));
    site.reload().await;
    let terms = Restore::new(&settings).with_maxconn().with_addresses();
    site.cluster.restore(terms).await.unwrap();
    assert_eq!(every_cell(&site.running, "app", "web1", "slim").await, site.all("33"));
    assert_eq!(site.state("app", "web4", "srv_addr").await, site.all("127.0.0.7"));
    assert_eq!(site.state("app", "web4", "srv_port").await, site.all("7"));
    assert_eq!(site.state("app", "web2", "srv_port").await, site.all("1002"));
    assert_eq!(site.state("static", "web1", "srv_uweight").await, site.all("30"));
}

#[tokio::test]
async fn a_process_that_is_the_same_gets_everything_back() {
    let site = Site::start(releases()).await;
    site.tell(&["set maxconn server app/web2 4294967295", "set server app/web2 weight 6"]).await;
    let web2 = site.cluster.server_ref("app", "web2").unwrap();
    let settings = web2.settings().await.unwrap();
    assert!(settings.processes().iter().all(|process| process.servers.len() == 1));
    site.tell(&[
        "set maxconn server app/web2 8",
        "set server app/web2 weight 20",
        "set server app/web2 addr 127.0.0.8",
        "set server app/web2 state maint",
        "set server app/web1 weight 3",
    ])
    .await;
    let restored = site.cluster.restore(&settings).await.unwrap();
    for changes in lines(&restored) {
        assert_eq!(
            changes,
            [
                "app/web2: address 127.0.0.8:1002 -> 127.0.0.1:1002",
                "app/web2: weight 20 -> 6",
                "app/web2: maxconn 8 -> 4294967295",
                "app/web2: state maint -> ready",
            ]
        );
    }
    assert_eq!(every_cell(&site.running, "app", "web2", "slim").await, site.all("4294967295"));
    assert_eq!(site.state("app", "web2", "srv_addr").await, site.all("127.0.0.1"));
    assert_eq!(site.state("app", "web1", "srv_uweight").await, site.all("3"));
}

/// The master replaces its worker while the settings are restored: the old worker or the new one gets
/// them, and a call that ends without an error has restored what the process of that moment lacked.
#[tokio::test]
async fn a_reload_during_a_restore_loses_nothing_for_good() {
    for release in releases() {
        let mut running = Running::new();
        running.add_master(&release, "1", &config(1)).await;
        let cluster = Cluster::from_addresses([running.socket(1)]).await.unwrap();
        let lines = ["set server app/web2 state drain", "set server app/web2 weight 5"];
        for line in lines {
            ask(running.socket(1), line).await;
        }
        let settings = cluster.settings().await.unwrap();
        for _ in 0..3 {
            ask(running.socket(1), "set server app/web2 weight 6").await;
            let haproxy = &mut running.haproxies[0];
            let (restored, _) = tokio::join!(cluster.restore(&settings), haproxy.reload());
            if let Err(error) = restored {
                let kinds = [ErrorKind::PartiallyApplied, ErrorKind::OutcomeUnknown, ErrorKind::Refused];
                assert!(kinds.contains(&error.kind()), "{}: {error}", release.version);
            }
            cluster.restore(&settings).await.unwrap();
            assert_eq!(every_state(&running, "app", "web2", "srv_admin_state").await, ["8"]);
            assert_eq!(every_state(&running, "app", "web2", "srv_uweight").await, ["5"]);
        }
    }
}

#[tokio::test]
async fn an_absent_object_is_not_found() {
    let site = Site::start(releases()).await;
    let server = site.cluster.server_ref("app", "nope").unwrap().settings().await.unwrap_err();
    let backend = site.cluster.backend_ref("nope").unwrap().settings().await.unwrap_err();
    assert_eq!([server.kind(), backend.kind()], [ErrorKind::NotFound; 2]);
    // The settings of another process are not those of this one.
    let (other, _) = remembered().await;
    let error = site.cluster.restore(&other).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::NotFound, "{error}");
    assert_eq!(site.changes(), 0);
}

#[tokio::test]
async fn a_server_with_tls_needs_a_description() {
    let mut site = Site::start(support::releases_since("2.6")).await;
    site.tell(ADDITION).await;
    let settings = site.cluster.settings().await.unwrap();
    site.reload().await;
    let terms = Restore::new(&settings).dynamic("app", "tls9", None);
    let plan = site.cluster.restore_plan(terms).await.unwrap();
    for (_, plan) in plan.values() {
        assert_eq!(reason(plan, "tls9", SettingName::Server), Some(LeftReason::DescriptionNeeded));
    }
    let described = NewServer::new("127.0.0.1:1010".parse().unwrap()).tls(Tls::unverified());
    let terms = Restore::new(&settings).dynamic("app", "tls9", described);
    site.cluster.restore(terms).await.unwrap();
    assert_eq!(site.state("app", "tls9", "srv_use_ssl").await, site.all("1"));
    // It was in maintenance, and is so again.
    assert_eq!(site.state("app", "tls9", "srv_admin_state").await, site.all("1"));

    // A process that is the same gets what was remembered, and not what the description says.
    let settings = site.cluster.settings().await.unwrap();
    site.tell(&["del server app/tls9"]).await;
    let described = NewServer::new("127.0.0.1:1010".parse().unwrap()).tls(Tls::unverified()).weight(8);
    let terms = Restore::new(&settings).dynamic("app", "tls9", described);
    let restored = site.cluster.restore(terms).await.unwrap();
    for changes in lines(&restored) {
        assert_eq!(changes, ["app/tls9: add server 127.0.0.1:1010", "app/tls9: weight 8 -> 1"]);
    }
    assert_eq!(site.state("app", "tls9", "srv_uweight").await, site.all("1"));
}

#[tokio::test]
async fn a_server_that_has_the_number_of_a_deleted_one_is_known_to_be_dynamic() {
    let mut site = Site::start(support::releases_since("3.0")).await;
    site.tell(&["add server app/web8 127.0.0.1:1008", "del server app/web8"]).await;
    site.tell(&["add server app/web9 127.0.0.1:1009", "set server app/web9 state ready"]).await;
    let settings = site.cluster.settings().await.unwrap();
    site.reload().await;
    site.cluster.restore(&settings).await.unwrap();
    assert_eq!(site.state("app", "web9", "srv_admin_state").await, site.all("0"));
    assert_eq!(site.state("app", "web9", "srv_port").await, site.all("1009"));
}

#[tokio::test]
async fn a_process_that_hangs_has_an_outcome_and_the_others_are_restored() {
    let site = Site::start(vec![release("2.2"), release("3.4")]).await;
    let limits = Limits::new().with_command_timeout(Duration::from_millis(1500));
    let cluster = site.cluster.allow_partial().with_limits(limits);
    let settings = cluster.settings().await.unwrap();
    site.tell(&["set server app/web1 state drain"]).await;
    site.running.hang(1);
    let unread = cluster.settings().await.unwrap();
    let labels: Vec<_> = unread.unread().iter().map(|process| &*process.label).collect();
    assert_eq!((labels, unread.processes().len()), (vec!["1"], 1));
    let outcomes = cluster.restore(&settings).await.unwrap();
    assert_eq!(outcomes.get("1").unwrap().error().unwrap().kind(), ErrorKind::Timeout);
    let restored = outcomes.get("2").unwrap().value().unwrap();
    assert_eq!(restored.changes.len(), 1);
    let strict = site.cluster.with_limits(limits).settings().await.unwrap_err();
    assert_eq!(strict.kind(), ErrorKind::Incomplete);
    site.running.resume(1);
    assert_eq!(site.state("app", "web1", "srv_admin_state").await, ["8", "0"]);
}

#[tokio::test]
async fn level_user_remembers_and_does_not_restore() {
    for release in releases() {
        let running = Running::of(0, &[release], |_| config(1)).await;
        let user = Cluster::from_addresses([running.dir().join("traffic/user.1")]).await.unwrap();
        let settings = user.settings().await.unwrap();
        assert!(user.restore(&settings).await.unwrap().values().all(|(_, restored)| restored.is_empty()));
        ask(running.socket(1), "set server app/web1 weight 99").await;
        let error = user.restore(&settings).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::PermissionDenied, "{error}");
        assert_eq!(every_state(&running, "app", "web1", "srv_uweight").await, ["99"]);
    }
}

#[tokio::test]
async fn a_refused_change_keeps_the_server_out_of_traffic_and_not_the_others() {
    let site = Site::start(releases()).await;
    let mut text = serde_json::to_value(site.cluster.settings().await.unwrap()).unwrap();
    for process in text["processes"].as_array_mut().unwrap() {
        for server in process["servers"].as_array_mut().unwrap() {
            let is_static = server["backend"] == "static";
            server["weight"]["value"] = if is_static { 17.into() } else { server["weight"]["value"].clone() };
        }
    }
    let settings: Settings = serde_json::from_value(text).unwrap();
    site.tell(&["set server static/web1 state maint", "set server app/web1 state maint"]).await;
    let error = site.cluster.restore(&settings).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::PartiallyApplied, "{error}");
    assert!(error.to_string().contains("1 of 3 changes were made"), "{error}");
    assert_eq!(site.state("app", "web1", "srv_admin_state").await, site.all("0"));
    assert_eq!(site.state("static", "web1", "srv_admin_state").await, site.all("1"));
}

#[tokio::test]
async fn a_remembered_text_is_no_second_command() {
    let site = Site::start(support::releases_since("3.0")).await;
    site.tell(&["add server app/web9 127.0.0.1:1009", "set server app/web9 state ready"]).await;
    let settings = site.cluster.settings().await.unwrap();
    for cookie in ["c; disable server app/web1", "c disabled", "c\\", "<<", "c <<"] {
        let mut value = serde_json::to_value(&settings).unwrap();
        for process in value["processes"].as_array_mut().unwrap() {
            let servers = process["servers"].as_array_mut().unwrap();
            let web9 = servers.iter_mut().find(|server| server["name"] == "web9").unwrap();
            web9["shown"]["cookie"] = cookie.into();
        }
        let hostile: Settings = serde_json::from_value(value).unwrap();
        site.tell(&["set server app/web9 state maint", "del server app/web9"]).await;
        let terms = Restore::new(&hostile).dynamic("app", "web9", None);
        let restored = site.cluster.allow_partial().restore(terms).await;
        assert_eq!(site.state("app", "web1", "srv_admin_state").await, site.all("0"), "{cookie:?}");
        // The whole text is the cookie, or nothing was sent.
        let (is_sent, is_added) = match restored {
            Ok(outcomes) => (outcomes.is_complete(), site.all(cookie)),
            Err(error) => {
                assert_eq!(error.kind(), ErrorKind::InvalidInput, "{error}");
                (false, site.all(""))
            }
        };
        let cookies = every_cell(&site.running, "app", "web9", "cookie").await;
        assert_eq!(cookies, if is_sent { is_added } else { site.all("") }, "{cookie:?}");
    }
}

fn fake_process(version: &str) -> fake::Process {
    let servers = [fake::Server::new("web1").check("L4OK").weight(10), fake::Server::new("web2").weight(20)];
    let backend = servers.into_iter().fold(fake::Backend::new("app"), fake::Backend::server);
    fake::Process::new(version).frontend(fake::Frontend::new("web")).backend(backend)
}

#[tokio::test]
async fn the_fake_forgets_and_gets_its_settings_back() {
    let dir = tempfile::tempdir().unwrap();
    for release in releases() {
        let path = dir.path().join(format!("{}.sock", release.version));
        let running = fake_process(&release.version).serve(path.as_path()).await.unwrap();
        let cluster = Cluster::from_addresses([path]).await.unwrap();
        let web1 = cluster.server_ref("app", "web1").unwrap();
        web1.set_weight(Weight::absolute(7).unwrap()).await.unwrap();
        web1.set_state(AdminState::Drain).await.unwrap();
        web1.disable_health().await.unwrap();
        web1.set_maxconn(5).await.unwrap();
        let settings = cluster.settings().await.unwrap();
        web1.set_weight(Weight::percent(100)).await.unwrap();
        web1.enable_health().await.unwrap();
        web1.enable().await.unwrap();
        web1.set_maxconn(6).await.unwrap();
        let restored = cluster.restore(&settings).await.unwrap();
        assert_eq!(
            lines(&restored)[0],
            [
                "app/web1: state ready -> drain",
                "app/web1: weight 10 -> 7",
                "app/web1: maxconn 6 -> 5",
                "app/web1: health-check on -> off",
            ],
            "{}",
            release.version
        );
        assert!(lines(&cluster.restore_plan(&settings).await.unwrap())[0].is_empty());
        drop(running);
    }
}

async fn remembered() -> (Settings, String) {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("remembered.sock");
    let _running = fake_process("3.4").serve(path.as_path()).await.unwrap();
    let settings = Cluster::from_addresses([path]).await.unwrap().settings().await.unwrap();
    let text = serde_json::to_string(&settings).unwrap();
    (settings, text)
}

#[tokio::test]
async fn damaged_settings_are_errors_that_name_the_damage() {
    let (settings, text) = remembered().await;
    for end in 0..text.len() {
        assert!(serde_json::from_str::<Settings>(&text[..end]).is_err(), "{end}");
    }
    let problem = |text: &str| serde_json::from_str::<Settings>(text).unwrap_err().to_string();
    let other = text.replacen("\"format\":1", "\"format\":2,\"news\":true", 1);
    assert!(problem(&other).starts_with("settings of format 2: expected format 1"), "{}", problem(&other));
    let unknown = text.replacen("\"pid\":", "\"news\":1,\"pid\":", 1);
    assert!(problem(&unknown).starts_with("unknown field `news`"), "{}", problem(&unknown));
    let word = text.replacen("\"ready\"", "\"asleep\"", 1);
    assert!(problem(&word).contains("unknown variant `asleep`"), "{}", problem(&word));

    let cluster = Cluster::from_addresses(["/nonexistent/1.sock"]).await.unwrap();
    for (from, to, message) in [
        ("\"web1\"", "\"web1;shutdown\"", "name of a server"),
        ("\"app\"", "\"a b\"", "name of a backend"),
        ("\"value\":10", "\"value\":257", "weight 257: expected 0 to 256"),
        ("\"maxconn\":{\"value\":0", "\"maxconn\":{\"value\":4294967296", "maxconn 4294967296: expected"),
    ] {
        let damaged = text.replacen(from, to, 1);
        assert_ne!(damaged, text, "{from}");
        let damaged: Settings = serde_json::from_str(&damaged).unwrap();
        let error = cluster.restore(&damaged).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidInput, "{error}");
        assert!(error.to_string().contains(message), "{error}");
        assert_eq!(cluster.restore_plan(&damaged).await.unwrap_err().kind(), ErrorKind::InvalidInput);
    }
    assert_eq!(serde_json::from_str::<Settings>(&text).unwrap(), settings);
}

/// Bytes of the settings are replaced at random. What can still be read must neither panic nor send more
/// than one command for each change.
#[test]
fn fuzzed_settings_do_not_panic() {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let (_, text) = runtime.block_on(remembered());
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("1.sock");
    let _running = runtime.block_on(fake_process("3.4").serve(path.as_path())).unwrap();
    let cluster = runtime.block_on(Cluster::from_addresses([path])).unwrap();
    let mut read = 0;
    arbtest(|random| {
        let mut bytes = text.clone().into_bytes();
        for _ in 0..random.int_in_range(1..=3)? {
            let at = random.int_in_range(0..=bytes.len() - 1)?;
            bytes[at] = *random.choose(b"0123456789az\"{}[],:;. \\")?;
        }
        let Ok(settings) = serde_json::from_slice::<Settings>(&bytes) else { return Ok(()) };
        read += 1;
        let terms = Restore::new(&settings).with_addresses().with_maxconn().dynamic("app", "web1", None);
        if let Err(error) = runtime.block_on(cluster.allow_partial().restore_plan(terms)) {
            assert_eq!(error.kind(), ErrorKind::InvalidInput, "{error}");
        }
        Ok(())
    })
    .budget_ms(1500);
    assert!(read > 0);
}

#[tokio::test]
async fn a_restore_that_is_dropped_leaves_nothing_and_can_be_repeated() {
    let site = Site::start(releases()).await;
    site.tell(CHANGES).await;
    let settings = site.cluster.settings().await.unwrap();
    for polls in 1..40 {
        site.tell(&["set server app/web1 weight 1", "set server app/web2 state ready"]).await;
        let mut restore = Box::pin(site.cluster.restore(&settings));
        for _ in 0..polls {
            if restore.as_mut().now_or_never().is_some() {
                break;
            }
            tokio::time::sleep(Duration::from_micros(200)).await;
        }
    }
    for socket in site.running.sockets() {
        assert_no_leftovers(&socket, "dropped restores").await;
    }
    site.cluster.restore(&settings).await.unwrap();
    assert_eq!(site.state("app", "web1", "srv_uweight").await, site.all("77"));
    assert_eq!(site.state("app", "web2", "srv_admin_state").await, site.all("8"));
    assert!(site.cluster.restore(&settings).await.unwrap().values().all(|(_, left)| left.is_empty()));
}
