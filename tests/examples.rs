//! The short examples, run as they are built. Each does its job on two fake processes and prints
//! the result.
#![cfg(unix)]
#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "in a test a panic is the failure message")]

use std::path::Path;
use std::process::Output;

use haproxyadmin::fake::{Backend, Fault, Map, Process, Running, Server};
use tempfile::TempDir;
use tokio::process::Command;

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
    // Cargo builds the examples beside the tests that it builds.
    let test = std::env::current_exe().unwrap();
    let built = test.parent().and_then(Path::parent).unwrap().join("examples").join(example);
    let hint = "`cargo test` builds it, `cargo test --test examples` does not";
    assert!(built.is_file(), "{} is not here: {hint}", built.display());
    Command::new(built).args(arguments).kill_on_drop(true).output().await.unwrap()
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
