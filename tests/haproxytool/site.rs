//! Real HAProxy processes with an object for each action of the tool, and helpers that run
//! the tool on them.

use std::collections::BTreeSet;
use std::fmt;
use std::path::Path;
use std::process::{Output, Stdio};
use std::sync::Mutex;
use std::time::Duration;

use serde_json::Value;
use tokio::io::AsyncWriteExt;
use tokio::process::{Child, Command};
use tokio::time::timeout;

use super::authority::Authority;
use super::authority::ocsp::{Responder, Status};
use super::support::{Config, Release, Running, every_cell, every_info, every_reply, release, until};

/// Real HAProxy processes with an object for each action of the tool.
pub(crate) struct Site {
    pub(crate) releases: Vec<Release>,
    pub(crate) running: Running,
    pub(crate) authority: Authority,
    pub(crate) responder: Responder,
    /// The actions that were run, each with its object.
    seen: Mutex<BTreeSet<String>>,
}

impl Site {
    /// Starts two processes of a release.
    pub(crate) async fn pair(version: &str) -> Self {
        Self::new(vec![release(version), release(version)]).await
    }

    /// Starts a process of each release, at `1.sock` and so on.
    pub(crate) async fn new(releases: Vec<Release>) -> Self {
        let mut running = Running::new();
        running.add_servers(1).await;
        std::fs::write(running.dir().join("hosts.map"), "a.example app\nb.example other\n").unwrap();
        std::fs::write(running.dir().join("deny.acl"), "192.0.2.0/24\n").unwrap();
        let (authority, responder) = (Authority::new("Test CA"), Responder::start().await);
        let listed = authority.issue_with_responder(LISTED, &responder.url()).pem() + &authority.pem();
        std::fs::write(running.dir().join("listed.pem"), listed).unwrap();
        let response = authority.respond(&Status::good(LISTED));
        std::fs::write(running.dir().join("listed.pem.ocsp"), response).unwrap();
        std::fs::write(running.dir().join("more.pem"), authority.issue(2).pem()).unwrap();
        let dir = running.dir().display();
        std::fs::write(running.dir().join("sites.list"), format!("{dir}/listed.pem\n{dir}/more.pem\n"))
            .unwrap();
        let config = running.fill(Config::new(CONFIG));
        for (n, release) in (1..).zip(&releases) {
            running.add(release, &format!("process{n}"), &config.clone().set("N", n)).await;
        }
        let site = Self { releases, running, authority, responder, seen: Mutex::default() };
        let checked = async || {
            let found = every_cell(&site.running, "app", "web1", "check_status").await;
            (found == site.everywhere("L4OK")).then_some(())
        };
        until("the first health check", checked).await;
        site
    }

    pub(crate) async fn every_action(&self) {
        for n in 1..=self.releases.len() {
            self.running.send("web", n, "/", n as u64).await;
        }
        self.process().await;
        self.frontend().await;
        self.backend().await;
        self.backend_additions().await;
        self.server_figures().await;
        self.server_settings().await;
        self.fetch_server_states().await;
        self.server_waits().await;
        self.server_checks().await;
        self.server_additions().await;
        self.server_slots().await;
        self.rates().await;
        self.settings().await;
        self.reconcile().await;
        self.session().await;
        self.cert().await;
        self.ca().await;
        self.crl().await;
        self.crtlist().await;
        self.ocsp().await;
        self.master().await;
        self.events().await;
        self.watch().await;
        self.table().await;
        self.map().await;
        self.acl().await;
        self.dump().await;
        self.shut_down().await;

        let mut actions = BTreeSet::new();
        for object in OBJECTS {
            for action in actions_of(object).await {
                actions.insert(format!("{object} {action}"));
            }
        }
        assert!(actions.len() > 110, "{actions:?}");
        let seen = self.seen.lock().unwrap();
        let missing: Vec<_> = actions.difference(&seen).collect();
        assert!(missing.is_empty(), "not run: {missing:?}");
    }

    pub(crate) async fn run(&self, arguments: &[&str]) -> Output {
        self.see(arguments);
        tool(&self.running.stats(), arguments).await
    }

    /// Starts an action that does not end by itself.
    pub(crate) fn start(&self, arguments: &[&str]) -> Child {
        self.see(arguments);
        let mut command = Command::new(env!("CARGO_BIN_EXE_haproxytool"));
        command.arg("-D").arg(self.running.stats()).args(arguments);
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        command.kill_on_drop(true).spawn().unwrap()
    }

    fn see(&self, arguments: &[&str]) {
        let mut words = arguments.iter().filter(|word| !word.starts_with('-'));
        if let (Some(object), action) = (words.next(), words.next().unwrap_or(&"")) {
            self.seen.lock().unwrap().insert(format!("{object} {action}"));
        }
    }

    /// Returns the JSON that the tool prints. Panics if the tool fails or prints an error.
    pub(crate) async fn read(&self, arguments: &[&str]) -> Value {
        let output = self.run(&[arguments, &["--json"]].concat()).await;
        let said = (output.status.code(), errors(&output));
        assert_eq!(said, (Some(0), String::new()), "{arguments:?} on {self}: {}", text(&output));
        value(&output)
    }

    /// Runs an action and checks that its outcome is `changed` on every process.
    pub(crate) async fn changed(&self, arguments: &[&str]) {
        let outcomes = self.read(arguments).await;
        let expected: Vec<_> = self.labels().into_iter().map(|label| (label, "changed".to_owned())).collect();
        assert_eq!(labelled(&outcomes), expected, "{arguments:?} on {self}: {outcomes}");
        assert_eq!(outcomes.as_object().unwrap().len(), 2);
    }

    pub(crate) fn labels(&self) -> Vec<String> {
        (1..=self.releases.len()).map(|n| n.to_string()).collect()
    }

    pub(crate) fn file(&self, name: &str) -> String {
        self.running.dir().join(name).to_str().unwrap().to_owned()
    }

    /// Returns `true` if every process knows versions of maps and ACLs.
    pub(crate) fn can_replace(&self) -> bool {
        self.releases.iter().all(|release| release.is_at_least("2.4"))
    }

    pub(crate) fn everywhere(&self, value: &str) -> Vec<String> {
        vec![value.to_owned(); self.releases.len()]
    }

    pub(crate) async fn numbers(&self, proxy: &str, name: &str, column: &str) -> Vec<u64> {
        every_cell(&self.running, proxy, name, column)
            .await
            .iter()
            .map(|cell| cell.parse().unwrap())
            .collect()
    }

    pub(crate) async fn all_say(&self, proxy: &str, name: &str, column: &str, cell: &str) {
        let cells = every_cell(&self.running, proxy, name, column).await;
        assert_eq!(cells, self.everywhere(cell), "{column} of {proxy},{name} on {self}");
    }

    /// Checks the status of a frontend in every process. HAProxy 2.2 prints `STOP` for a disabled
    /// frontend, later releases `PAUSED`.
    pub(crate) async fn all_are_open(&self, frontend: &str, open: bool) {
        let status = |release: &Release| match (open, release.is_at_least("2.6")) {
            (true, _) => "OPEN",
            (false, true) => "PAUSED",
            (false, false) => "STOP",
        };
        let expected: Vec<_> = self.releases.iter().map(status).collect();
        assert_eq!(
            every_cell(&self.running, frontend, "FRONTEND", "status").await,
            expected,
            "{frontend} on {self}"
        );
    }

    /// Returns the entries of a map or an ACL in each process, sorted.
    pub(crate) async fn entries(&self, kind: &str, file: &str) -> Vec<Vec<String>> {
        let mut entries = Vec::new();
        for reply in every_reply(&self.running, &format!("show {kind} {}", self.file(file))).await {
            let lines = reply.lines().filter_map(|line| line.split_once(' '));
            let mut lines: Vec<_> = lines.map(|(_, entry)| entry.to_owned()).collect();
            lines.sort();
            entries.push(lines);
        }
        entries
    }

    pub(crate) async fn all_have(&self, kind: &str, entries: &[&str]) {
        let file = if kind == "map" { "hosts.map" } else { "deny.acl" };
        for found in self.entries(kind, file).await {
            assert_eq!(found, entries, "{kind} on {self}");
        }
    }

    /// Returns `#` and the number of a file in a list. The number must be the same in each
    /// process.
    pub(crate) fn number(&self, list: &Value, file: &str) -> String {
        let number = |label: &String| {
            let list = list[label].as_array().unwrap();
            list.iter().find(|one| one["file"] == file).unwrap()["number"].as_u64().unwrap()
        };
        let numbers: BTreeSet<u64> = self.labels().iter().map(number).collect();
        assert_eq!(numbers.len(), 1, "{list}");
        format!("#{}", numbers.first().unwrap())
    }

    /// Checks a read against the value of each process. The tool prints one value if all agree,
    /// or a map from label to value.
    pub(crate) async fn agrees(&self, arguments: &[&str], name: &str, own: &[u64]) {
        let read = self.read(arguments).await;
        for (label, own) in self.labels().iter().zip(own) {
            assert!(read[name] == *own || read[name][label] == *own, "{read} is not {own} in {label}");
        }
    }

    /// Returns every figure and entry that a change of this test could affect.
    pub(crate) async fn everything(&self) -> Vec<String> {
        let mut all = every_cell(&self.running, "web", "FRONTEND", "status").await;
        all.extend(every_cell(&self.running, "web", "FRONTEND", "slim").await);
        for column in ["status", "weight", "addr", "slim"] {
            all.extend(every_cell(&self.running, "app", "web1", column).await);
        }
        all.extend(every_info(&self.running, "Maxconn").await);
        all.extend(every_info(&self.running, "SessRateLimit").await);
        all.extend(self.entries("map", "hosts.map").await.into_iter().flatten());
        all
    }
}

impl fmt::Display for Site {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let versions: Vec<_> = self.releases.iter().map(|release| release.version.as_str()).collect();
        write!(f, "{}", versions.join(", "))
    }
}

/// Returns the actions that the help of an object lists.
pub(crate) async fn actions_of(object: &str) -> Vec<String> {
    let help = text(&tool_with(&[object, "--help"], "").await);
    let (_, actions) = help.split_once("\nActions:\n").unwrap();
    let lines = actions.lines().take_while(|line| !line.is_empty());
    lines.map(|line| line.split_whitespace().next().unwrap().to_owned()).collect()
}

pub(crate) async fn tool(dir: &Path, arguments: &[&str]) -> Output {
    tool_with(&[&["-D", dir.to_str().unwrap()], arguments].concat(), "").await
}

/// Runs the tool with `input` as its stdin.
pub(crate) async fn tool_with(arguments: &[&str], input: &str) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_haproxytool"));
    command.args(arguments).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.kill_on_drop(true).spawn().unwrap();
    let mut stdin = child.stdin.take().unwrap();
    // The tool may exit before it has read all of its stdin.
    let _ = stdin.write_all(input.as_bytes()).await;
    drop(stdin);
    let output = child.wait_with_output();
    timeout(Duration::from_secs(30), output).await.unwrap().unwrap()
}

pub(crate) fn text(output: &Output) -> String {
    String::from_utf8(output.stdout.clone()).unwrap()
}

pub(crate) fn errors(output: &Output) -> String {
    String::from_utf8(output.stderr.clone()).unwrap()
}

pub(crate) fn value(output: &Output) -> Value {
    serde_json::from_slice(&output.stdout).unwrap()
}

/// Returns the label and result of each outcome.
pub(crate) fn labelled(outcomes: &Value) -> Vec<(String, String)> {
    let one = |outcome: &Value| {
        assert_eq!(outcome.as_object().unwrap().len(), 3, "{outcome}");
        assert!(outcome["message"].is_string() || outcome["message"].is_null());
        let word = |key: &str| outcome[key].as_str().unwrap().to_owned();
        (word("label"), word("result"))
    };
    outcomes["outcomes"].as_array().unwrap().iter().map(one).collect()
}

pub(crate) fn results(outcomes: &Value) -> Vec<String> {
    labelled(outcomes).into_iter().map(|(_, result)| result).collect()
}

/// The objects that have actions.
pub(crate) const OBJECTS: [&str; 17] = [
    "process", "frontend", "backend", "server", "settings", "session", "cert", "ca", "crl", "crtlist",
    "ocsp", "master", "events", "table", "map", "acl", "dump",
];

/// Serial number of the certificate in `listed.pem`, which has an OCSP response.
pub(crate) const LISTED: u64 = 1;

pub(crate) const SERVERS: [&str; 7] =
    ["app/web1", "app/web2", "app/agent", "app/talker", "app/dyn", "static/web1", "tls/t1"];

const CONFIG: &str = r#"
global
    nbthread 1
    maxconn 200
    max-spread-checks 10ms
    node "node-${N}"
    description "a site, and more"
    stats socket "unix@${DIR}/stats/${N}.sock" mode 600 level admin

ring requests
    format raw
    maxlen 200
    size 20000

resolvers nobody
    nameserver nobody "127.0.0.1:${PORT_DNS}"

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
    bind "unix@${DIR}/traffic/web.${N}"
    bind "unix@${DIR}/traffic/tls.${N}" ssl crt-list "${DIR}/sites.list"
    log ring@requests format raw local0
    log-format "%HP"
    maxconn 100
    acl denied src -f "${DIR}/deny.acl"
    http-request deny if denied
    http-request set-header X-Host "%[hdr(host),map(${DIR}/hosts.map)]"
    default_backend app

frontend api
    bind "unix@${DIR}/traffic/api.${N}"
    default_backend static

frontend old
    bind "unix@${DIR}/traffic/old.${N}"
    default_backend app

backend app
    server web1 "${SERVER_1}" weight 100 maxconn 30 check inter 1h
    server web2 "${SERVER_1}" weight 50
    server agent "${SERVER_1}" agent-check agent-port 1 agent-inter 1h
    server talker "${SERVER_1}" agent-check agent-port "${PORT_AGENT}" agent-inter 50ms agent-send "process ${N}"
    server dyn host.example:80 resolvers nobody init-addr none

backend static
    stick-table type string len 20 size 100 expire 1h store gpc0,http_req_rate(10s)
    server web1 "${SERVER_1}"

backend tls
    default-server ssl verify none
    server t1 "${SERVER_1}" no-ssl
"#;
