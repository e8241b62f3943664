//! The short examples, run as they are built. Each does its job on two fake processes and prints
//! the result.
#![cfg(unix)]
#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "in a test a panic is the failure message")]

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Output, Stdio};
use std::time::Duration;

use haproxyadmin::fake::{Backend, Fault, Map, Process, Running, Server};
use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;
use tempfile::TempDir;
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::TcpStream;
use tokio::process::{Child, ChildStdout, Command};
use tokio::time::timeout;

mod support;

use support::{Config, every_cell, releases, until_every_cell};

/// Two processes with the server `app/web1` and the map `hosts.map`.
struct Site {
    dir: TempDir,
    processes: Vec<Running>,
}

impl Site {
    async fn start() -> Self {
        let dir = TempDir::new().unwrap();
        let mut processes = Vec::new();
        for (name, requests) in [("1.sock", 5), ("2.sock", 7)] {
            let web1 = Server::new("web1").check("L4OK").set("weight", 100).set("stot", requests);
            let app = Backend::new("app").server(web1).set("stot", requests);
            let process = Process::new("3.4.7").backend(app).map(Map::new("hosts.map"));
            processes.push(process.serve(dir.path().join(name)).await.unwrap());
        }
        Self { dir, processes }
    }

    /// Returns the output of an example that gets the directory and `arguments`.
    async fn run(&self, example: &str, arguments: &[&str]) -> String {
        let dir = self.dir.path().to_str().unwrap();
        let output = run(example, &[&[dir], arguments].concat()).await;
        printed(&output).replace(dir, "DIR")
    }
}

async fn run(example: &str, arguments: &[&str]) -> Output {
    Command::new(built(example)).args(arguments).kill_on_drop(true).output().await.unwrap()
}

/// Returns the program of an example.
fn built(example: &str) -> PathBuf {
    // Cargo builds the examples beside the tests that it builds.
    let test = std::env::current_exe().unwrap();
    let built = test.parent().and_then(Path::parent).unwrap().join("examples").join(example);
    let hint = "`cargo test` builds it, `cargo test --test examples` does not";
    assert!(built.is_file(), "{} is not here: {hint}", built.display());
    built
}

/// Returns the output of an example, which must have succeeded.
fn printed(output: &Output) -> String {
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{errors}");
    String::from_utf8(output.stdout.clone()).unwrap()
}

#[tokio::test]
async fn drain_takes_a_server_out_of_service() {
    let site = Site::start().await;
    assert_eq!(site.run("drain", &["app", "web1"]).await, "1: changed\n2: changed\nDRAIN\n");
}

#[tokio::test]
async fn weights_are_set_and_read_back() {
    let site = Site::start().await;
    let printed = site.run("weights", &["app", "web1", "50%"]).await;
    assert_eq!(printed, "1: 50 (initial 100)\n2: 50 (initial 100)\n");
}

#[tokio::test]
async fn an_entry_is_added_to_a_map() {
    let site = Site::start().await;
    assert_eq!(site.run("map", &["hosts.map", "example.org", "app"]).await, "example.org app\n");
}

#[tokio::test]
async fn the_snapshots_of_two_hosts_are_joined() {
    let (here, there) = (Site::start().await, Site::start().await);
    let printed = here.run("join", &[there.dir.path().to_str().unwrap()]).await;
    assert!(printed.starts_with("app 24 ["), "{printed}");
}

#[tokio::test]
async fn a_command_line_is_sent_as_it_is() {
    let site = Site::start().await;
    assert_eq!(site.run("raw", &["show cli level"]).await, "1: admin\n\n2: admin\n\n");
}

#[tokio::test]
async fn members_and_ignored_sockets_are_listed() {
    let site = Site::start().await;
    let _other = std::os::unix::net::UnixDatagram::bind(site.dir.path().join("other.sock")).unwrap();
    let printed = site.run("members", &[]).await;
    let lines: Vec<&str> = printed.lines().collect();
    assert!(
        matches!(lines[..], [one, two, three]
        if one.starts_with("1: pid ") && two.starts_with("2: pid ")
            && three.starts_with("ignored: DIR/other.sock")),
        "{printed}"
    );
}

#[tokio::test]
async fn the_failed_rest_is_tried_again() {
    let site = Site::start().await;
    assert_eq!(site.run("retry", &["app", "web1"]).await, "disabled everywhere\n");
    site.processes[1].fail(Fault::Close);
    let printed = site.run("retry", &["app", "web1"]).await;
    assert_eq!(printed.lines().count(), 2, "{printed}");
}

#[tokio::test]
async fn code_is_tested_on_a_fake() {
    assert_eq!(printed(&run("fake", &[]).await), "DRAIN\nconnect\n");
}

#[tokio::test]
async fn the_figures_of_the_processes_that_answer_are_read() {
    let mut site = Site::start().await;
    assert_eq!(site.run("partial", &[]).await, "app 12 [\"1\", \"2\"]\n");
    site.processes.pop().unwrap().kill().await;
    let printed = site.run("partial", &[]).await;
    assert!(printed.contains("app 5 "), "{printed}");
}

#[tokio::test]
async fn a_server_is_written_as_json() {
    let site = Site::start().await;
    let printed = site.run("json", &["app", "web1"]).await;
    let server: serde_json::Value = serde_json::from_str(&printed).unwrap();
    assert_eq!(server["metrics"]["stot"], 12);
}

#[tokio::test]
async fn code_with_unit_tests_takes_a_server_out_of_service_and_back() {
    let expected = "out of service: MAINT\nin service: UP\n";
    assert_eq!(printed(&run("testing", &[]).await), expected);
    assert_eq!(Site::start().await.run("testing", &["app", "web1"]).await, expected);
}

/// Two processes with a backend of two servers.
async fn pair() -> Site {
    let dir = TempDir::new().unwrap();
    let mut processes = Vec::new();
    for name in ["1.sock", "2.sock"] {
        let app = ["web1", "web2"].map(|name| Server::new(name).check("L4OK"));
        let app = app.into_iter().fold(Backend::new("app"), Backend::server);
        processes.push(Process::new("3.4.7").backend(app).serve(dir.path().join(name)).await.unwrap());
    }
    Site { dir, processes }
}

#[tokio::test]
async fn a_deploy_takes_one_server_after_the_other() {
    let one = |name| format!("app/{name}: out of traffic\n");
    let all = ["web1", "web2", "web3"].map(one).concat();
    assert_eq!(printed(&run("deploy", &[]).await), all + "done: web1, web2, web3\n");
    let site = pair().await;
    let printed = site.run("deploy", &["app", "echo", "to"]).await;
    let expected =
        "app/web1: out of traffic\nto app web1\napp/web2: out of traffic\nto app web2\ndone: web1, web2\n";
    assert_eq!(printed, expected);
    for running in &site.processes {
        let received = running.received();
        let told: Vec<_> = received.iter().filter(|one| one.begins_with("set server")).collect();
        let states: Vec<_> = told.iter().map(|one| one.words[2..].join(" ")).collect();
        assert_eq!(
            states,
            ["app/web1 state drain", "app/web1 state ready", "app/web2 state drain", "app/web2 state ready"]
        );
    }
}

#[tokio::test]
async fn a_deploy_that_fails_sets_its_server_back() {
    let site = pair().await;
    site.processes[1].set_server("app", "web1", "status", "DRAIN").unwrap();
    let output = run("deploy", &[site.dir.path().to_str().unwrap(), "app", "false"]).await;
    assert!(!output.status.success());
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(said.contains("work of web1: false: exit status: 1"), "{said}");
    let printed = site.run("json", &["app", "web1"]).await;
    assert!(printed.contains("DRAIN") && printed.contains("UP"), "{printed}");
    for running in &site.processes {
        assert!(running.received().iter().all(|one| !one.begins_with("set server app/web2")));
    }
}

#[tokio::test]
async fn a_control_plane_brings_the_processes_to_one_state() {
    let steps = "app/web1: weight 1 -> 20\napp/web3: add 127.0.0.1:8083\nhosts.map: change 1\n\
                 app/web2: state ready -> maint\n";
    assert_eq!(printed(&run("control", &[]).await), format!("applied\n1: {steps}2: {steps}"));
}

/// The example `service`, which serves a site.
struct Service {
    child: Child,
    output: BufReader<ChildStdout>,
    address: String,
}

impl Service {
    async fn start(dir: &Path) -> Self {
        let mut command = Command::new(built("service"));
        command.arg("127.0.0.1:0").arg(dir).stdout(Stdio::piped()).kill_on_drop(true);
        let mut child = command.spawn().unwrap();
        let mut output = BufReader::new(child.stdout.take().unwrap());
        let mut line = String::new();
        timeout(LONG, output.read_line(&mut line)).await.unwrap().unwrap();
        let address = line.trim().strip_prefix("http://").unwrap().to_owned();
        Self { child, output, address }
    }

    /// Sends a request, and returns the connection.
    async fn open(&self, method: &str, path: &str) -> TcpStream {
        let mut stream = TcpStream::connect(&self.address).await.unwrap();
        let request = format!("{method} {path} HTTP/1.1\r\nHost: here\r\nConnection: close\r\n\r\n");
        stream.write_all(request.as_bytes()).await.unwrap();
        stream
    }

    /// Returns the status and the body of a reply.
    async fn ask(&self, method: &str, path: &str) -> (u16, String) {
        let mut reply = String::new();
        let mut stream = self.open(method, path).await;
        timeout(LONG, stream.read_to_string(&mut reply)).await.unwrap().unwrap();
        let (head, body) = reply.split_once("\r\n\r\n").unwrap();
        (head.split(' ').nth(1).unwrap().parse().unwrap(), body.to_owned())
    }

    async fn json(&self, method: &str, path: &str) -> (u16, Value) {
        let (status, body) = self.ask(method, path).await;
        (status, serde_json::from_str(&body).unwrap_or_else(|error| panic!("{error}: {body}")))
    }

    /// Ends the service with a signal.
    async fn end(mut self) -> String {
        let pid = Pid::from_raw(self.child.id().unwrap().try_into().unwrap()).unwrap();
        kill_process(pid, Signal::TERM).unwrap();
        assert!(timeout(LONG, self.child.wait()).await.unwrap().unwrap().success());
        let mut rest = String::new();
        self.output.read_to_string(&mut rest).await.unwrap();
        rest
    }
}

/// Enough for everything that happens.
const LONG: Duration = Duration::from_secs(60);

#[tokio::test]
async fn a_service_shows_the_state_of_a_cluster() {
    let mut site = pair().await;
    let service = Service::start(site.dir.path()).await;
    let (status, health) = service.json("GET", "/health").await;
    assert_eq!((status, &health["processes"], &health["away"]), (200, &2.into(), &Value::Array(Vec::new())));
    let (_, servers) = service.json("GET", "/servers").await;
    assert_eq!(servers.as_array().unwrap().len(), 4);
    let web1 = &servers[0]["server"];
    assert_eq!((&web1["name"], &web1["operational"]), (&"web1".into(), &"running".into()));
    let (_, backends) = service.json("GET", "/backends").await;
    assert_eq!(backends["backends"][0]["name"], "app");
    let (status, metrics) = service.ask("GET", "/metrics").await;
    assert_eq!(status, 200);
    let row = "haproxy_server_up{process=\"2\",backend=\"app\",server=\"web2\"} 1\n";
    assert!(metrics.contains(row), "{metrics}");
    site.processes.pop().unwrap().kill().await;
    support::until("the process is missed", async || {
        (service.ask("GET", "/health").await.0 == 503).then_some(())
    })
    .await;
    assert_eq!(service.end().await, "ended\n");
}

#[tokio::test]
async fn a_service_drains_servers_and_tells_events() {
    let site = pair().await;
    let service = Service::start(site.dir.path()).await;
    let mut events = BufReader::new(service.open("GET", "/events").await);
    let mut line = String::new();
    // The head of the reply: the stream has begun.
    while line != "\r\n" {
        line.clear();
        timeout(LONG, events.read_line(&mut line)).await.unwrap().unwrap();
    }
    let (status, drained) = service.json("POST", "/servers/app/web1/drain").await;
    assert_eq!(status, 200, "{drained}");
    while !line.contains("administrative") {
        line.clear();
        assert!(timeout(LONG, events.read_line(&mut line)).await.unwrap().unwrap() > 0, "{line}");
    }
    assert!(line.contains(r#""server":"web1""#), "{line}");
    assert_eq!(service.json("POST", "/servers/app/web1/ready").await.0, 200);

    for (path, status) in [
        ("/servers/app/web9/drain", 404),
        ("/servers/app/we%3Bb1/drain", 400),
        ("/servers/app/web1/drain?within=soon", 400),
    ] {
        assert_eq!(service.ask("POST", path).await.0, status, "{path}");
    }
    site.processes[1].set_server("app", "web1", "scur", 1).unwrap();
    let (status, late) = service.json("POST", "/servers/app/web1/drain?within=0").await;
    assert_eq!(status, 504, "{late}");
    assert!(late["error"].as_str().unwrap().contains("1 session,"), "{late}");
    site.processes[1].fail_command("set server", Fault::CloseUnexecuted);
    assert_eq!(service.json("POST", "/servers/app/web1/ready").await.0, 502);
    site.processes[1].heal();

    // A drain that is under way is undone, and the stream of events ends.
    site.processes[1].take_received();
    let drain = service.open("POST", "/servers/app/web1/drain?within=600").await;
    support::until("the server is told to drain", async || {
        let received = site.processes[1].take_received();
        received.iter().any(|one| one.begins_with("set server app/web1 state drain")).then_some(())
    })
    .await;
    assert_eq!(service.end().await, "ended\n");
    drop(drain);
    let received = site.processes[1].received();
    assert!(received.iter().any(|one| one.begins_with("set server app/web1 state ready")), "{received:?}");
}

/// A backend with two servers that are checked.
const CONFIG: &str = r#"
global
    nbthread 1
    stats socket "unix@${DIR}/stats/${N}.sock" mode 600 level admin
defaults
    mode http
    timeout connect 1s
    timeout client 1m
    timeout server 1m
backend app
    server web1 "${SERVER_1}" check inter 50ms fall 3
    server web2 "${SERVER_2}" check inter 50ms fall 3
"#;

#[tokio::test]
async fn recipes_work_on_processes_of_every_release() {
    let running = support::Running::of(2, &releases(), |_| Config::new(CONFIG)).await;
    let sockets = running.stats();
    let dir = sockets.to_str().unwrap();
    let output = printed(&run("deploy", &[dir, "app", "true"]).await);
    assert_eq!(output, "app/web1: out of traffic\napp/web2: out of traffic\ndone: web1, web2\n");
    assert!(!run("deploy", &[dir, "app", "false"]).await.status.success());
    until_every_cell(&running, "app", "web1", "status", "UP").await;
    let output = printed(&run("testing", &[dir, "app", "web1"]).await);
    assert_eq!(output, "out of service: MAINT\nin service: UP\n");

    let service = Service::start(&sockets).await;
    assert_eq!(service.ask("GET", "/health").await.0, 200);
    let (status, drained) = service.json("POST", "/servers/app/web2/drain").await;
    assert_eq!((status, drained["outcomes"].as_array().unwrap().len()), (200, releases().len()), "{drained}");
    assert_eq!(every_cell(&running, "app", "web2", "status").await, vec!["DRAIN"; releases().len()]);
    assert_eq!(service.ask("POST", "/servers/app/web2/ready").await.0, 200);
    assert_eq!(service.json("GET", "/servers").await.1.as_array().unwrap().len(), 2 * releases().len());
    assert_eq!(service.end().await, "ended\n");

    // The file of a control plane is read again when it changes.
    let file = running.dir().join("desired.json");
    let weigh = |weight: u8| {
        let web1 = serde_json::json!({ "name": "web1", "weight": weight });
        let app = serde_json::json!({ "name": "app", "servers": [web1] });
        fs::write(&file, serde_json::json!({ "backends": [app] }).to_string()).unwrap();
    };
    weigh(20);
    let mut command = Command::new(built("control"));
    let _control = command.arg(dir).arg(&file).stdout(Stdio::null()).kill_on_drop(true).spawn().unwrap();
    until_every_cell(&running, "app", "web1", "weight", "20").await;
    fs::write(&file, "{").unwrap();
    weigh(30);
    until_every_cell(&running, "app", "web1", "weight", "30").await;
}
