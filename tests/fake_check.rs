//! Health checks of fake servers that rise and fall, beside those of real HAProxy processes, release by
//! release: after the same checks and commands, both print the same cells.
#![cfg(unix)]
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "in a test a panic is the failure message")]
#![allow(clippy::indexing_slicing, reason = "the same")]

use std::net::SocketAddr;
use std::path::Path;
use std::time::Duration;

use haproxyadmin::fake::{Backend, Process, Server};
use tempfile::TempDir;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::time;

mod support;

use support::{Config, Release, Running, ask, release, row, until, versions};

/// Every check waits for its answer, so the test decides when it ends.
const CONFIG: &str = r#"
global
    nbthread 1
    stats socket "unix@${DIR}/stats/admin.sock" mode 600 level admin
defaults
    mode http
    timeout connect 1m
    timeout client 1m
    timeout server 1m
    timeout check 1m
backend app
    option httpchk GET /
    http-check disable-on-404
    server web1 "${GATE}" check inter 20ms rise ${RISE} fall ${FALL}
backend follower
    option httpchk GET /
    http-check disable-on-404
    server copy "${GATE}" track app/web1
"#;

/// Checks with these results, and commands, one after the other.
const SCRIPTS: &[&[&str]] = &[
    &["L7OK", "L7STS", "L7STS", "L7OK", "L7STS", "L7STS", "L7STS", "L7STS", "L7OK", "L7STS", "L7OK", "L7OK"],
    &["L7STS", "L7STS", "L7OK", "L7OK", "L7OK", "L7STS"],
    &[
        "L7OK", "L7OK", "MAINT", "READY", "L7OK", "L7STS", "DRAIN", "L7STS", "L7STS", "L7OK", "L7OK", "L7OK",
        "READY",
    ],
    &["L7OK", "MAINT", "READY", "L7STS", "L7OK", "L7OK", "L7OK"],
    &[
        "L7OK",
        "L7OK",
        "L7OK",
        "HEALTH DOWN",
        "L7OK",
        "L7OK",
        "L7OK",
        "HEALTH STOPPING",
        "L7OK",
        "HEALTH UP",
        "L7STS",
    ],
    &[
        "L7OK", "L7OK", "L7OK", "L7OKC", "L7STS", "L7OK", "L7STS", "L7STS", "L7STS", "L7OKC", "L7OKC",
        "L7OKC", "L7OK",
    ],
];

/// Numbers of checks that make a server up and down.
const NUMBERS: &[(u32, u32)] = &[(2, 3), (1, 1), (3, 2)];

/// Returns the command of a step that is no check.
fn command(step: &str) -> Option<String> {
    if step.starts_with("L7") {
        return None;
    }
    let word = if step.starts_with("HEALTH") { "" } else { "state " };
    Some(format!("set server app/web1 {word}{}", step.to_lowercase()))
}

/// Returns the cells that follow from checks, as one line, with the status of the server that tracks the
/// other one.
async fn cells(socket: &Path) -> String {
    let row = row(socket, "app", "web1").await;
    let columns = ["status", "check_rise", "check_fall", "check_health", "chkfail", "chkdown"];
    let cells = columns.map(|column| format!("{column}={}", row.cell(column)));
    let state = state(socket, &["srv_op_state", "srv_check_health"]).await;
    let copy = support::row(socket, "follower", "copy").await;
    format!("{} {state} copy={}", cells.join(" "), copy.cell("status"))
}

/// Returns cells of `show servers state`.
async fn state(socket: &Path, columns: &[&str]) -> String {
    let reply = String::from_utf8(ask(socket, "show servers state app").await).unwrap();
    let mut lines =
        reply.lines().skip(1).map(|line| line.trim_start_matches("# ").split(' ').collect::<Vec<_>>());
    let (header, row) = (lines.next().unwrap(), lines.next().unwrap());
    let cell = |column: &str| row[header.iter().position(|name| *name == column).unwrap()];
    columns.iter().map(|column| format!("{column}={}", cell(column))).collect::<Vec<_>>().join(" ")
}

/// A server that ends a health check when it is told to.
struct Gate {
    listener: TcpListener,
    check: Option<TcpStream>,
}

impl Gate {
    async fn start() -> Self {
        Self { listener: TcpListener::bind("127.0.0.1:0").await.unwrap(), check: None }
    }

    fn address(&self) -> SocketAddr {
        self.listener.local_addr().unwrap()
    }

    /// Waits until a check is under way.
    async fn open(&mut self) {
        while self.check.is_none() {
            let accepted = time::timeout(Duration::from_secs(30), self.listener.accept()).await;
            let (mut check, _) = accepted.expect("a health check").unwrap();
            // HAProxy may have given up a check that has not been accepted.
            let is_whole = check.read(&mut [0; 1024]).await.is_ok_and(|read| read > 0);
            self.check = is_whole.then_some(check);
        }
    }

    /// Ends the check that is under way. When the next one has begun, HAProxy has counted this one.
    async fn end(&mut self, result: &str) {
        let code = match result {
            "L7OK" => 200,
            "L7OKC" => 404,
            _ => 500,
        };
        let reply = format!("HTTP/1.1 {code} here\r\nContent-Length: 0\r\nConnection: close\r\n\r\n");
        let mut check = self.check.take().unwrap();
        check.write_all(reply.as_bytes()).await.unwrap();
        drop(check);
        self.open().await;
    }
}

/// Returns the cells after each step, in a process of HAProxy.
async fn real(release: &Release, script: &[&str], (rise, fall): (u32, u32)) -> Vec<String> {
    let mut gate = Gate::start().await;
    let config = || Config::new(CONFIG).set("GATE", gate.address()).set("RISE", rise).set("FALL", fall);
    let running = Running::of(0, std::slice::from_ref(release), |_| config()).await;
    let socket = &running.socket(1);
    gate.open().await;
    let mut all = vec![cells(socket).await];
    for step in script {
        match command(step) {
            None => gate.end(step).await,
            Some(line) => {
                ask(socket, &line).await;
                if *step == "MAINT" {
                    // Its result does not count, but it has to be there before checks begin again.
                    gate.check = None;
                    let has_ended = async || {
                        (state(socket, &["srv_check_result"]).await != "srv_check_result=0").then_some(())
                    };
                    until("the check has ended", has_ended).await;
                }
            }
        }
        all.push(cells(socket).await);
        if *step == "READY" {
            gate.open().await;
        }
    }
    all
}

/// Returns the cells after each step, in a fake process with a paused clock.
fn fake(release: &Release, script: &[&str], (rise, fall): (u32, u32)) -> Vec<String> {
    let runtime =
        tokio::runtime::Builder::new_current_thread().enable_all().start_paused(true).build().unwrap();
    runtime.block_on(async {
        let inter = Duration::from_secs(2);
        let web1 = Server::new("web1").check("L7OK").inter(inter).rise(rise).fall(fall).starting();
        let dir = TempDir::new().unwrap();
        let socket = &dir.path().join("admin.sock");
        let copy = Server::new("copy").set("tracked", "app/web1");
        let process = Process::new(&release.version)
            .backend(Backend::new("app").server(web1))
            .backend(Backend::new("follower").server(copy));
        let running = process.serve(&**socket).await.unwrap();
        let mut all = vec![cells(socket).await];
        for step in script {
            match command(step) {
                None => {
                    running.set_check("app", "web1", step).unwrap();
                    time::advance(inter).await;
                }
                Some(line) => drop(ask(socket, &line).await),
            }
            all.push(cells(socket).await);
        }
        all
    })
}

#[tokio::test]
async fn checks_rise_and_fall_alike() {
    for version in versions() {
        let release = release(version);
        for numbers in NUMBERS {
            for script in SCRIPTS {
                let real = real(&release, script, *numbers).await;
                let fake = std::thread::scope(|scope| {
                    scope.spawn(|| fake(&release, script, *numbers)).join().unwrap()
                });
                let steps = ["the start"].iter().chain(*script);
                for (at, ((step, real), fake)) in steps.zip(&real).zip(&fake).enumerate() {
                    let what = format!("HAProxy {version}, {numbers:?}, {script:?}, step {at}: {step}");
                    assert_eq!(fake, real, "{what}");
                }
                assert_eq!(fake.len(), real.len());
            }
        }
    }
}
