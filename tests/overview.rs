//! The example `overview`, run as it is built.
#![cfg(unix)]
#![allow(
    clippy::indexing_slicing,
    clippy::unwrap_used,
    reason = "in a helper of tests too, a panic is the failure"
)]

use std::path::{Path, PathBuf};
use std::process::Output;

use haproxyadmin::fake::{Backend, Fault, Frontend, Process, Running, Server};
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::process::Command;

mod support;

use support::{Inside, Member, contained, send_shared_traffic, shared_cluster, shared_file};

#[tokio::test]
async fn the_embedded_cluster_is_a_table() {
    let output = overview(&["--demo"]).await;
    assert_eq!(output.status.code(), Some(0));
    assert_eq!(errors(&output), "");
    assert_eq!(without_folder(&text(&output)), TABLE);
}

#[tokio::test]
async fn the_embedded_cluster_is_json() {
    let output = overview(&["--demo", "--json"]).await;
    assert_eq!(output.status.code(), Some(0));
    assert_eq!(errors(&output), "");
    let found: Value = serde_json::from_str(&without_folder(&text(&output))).unwrap();
    let process = |n: u32| {
        json!({
            "label": n.to_string(), "address": format!("DIR/{n}.sock"), "version": "2.2.9", "pid": 1000 + n,
            "error": null,
        })
    };
    let proxy = |name: &str, requests: u32, processes: &[&str]| {
        let status = if name.starts_with("frontend") || name == "haproxy" { "OPEN" } else { "UP" };
        json!({"name": name, "status": status, "requests": requests, "processes": processes})
    };
    let server = |name: &str, requests: u32, processes: &[&str]| json!({"name": name, "status": "UP", "requests": requests, "weight": 100, "processes": processes});
    let backend = |name: &str, requests: u32, processes: &[&str], servers: &[Value]| json!({"name": name, "status": "UP", "requests": requests, "processes": processes, "servers": servers});
    let mut leaving = server("bck_all_srv1", 10, &["3", "4"]);
    leaving["status"] = json!({"3": "UP", "4": "MAINT"});
    let both = &["3", "4"];
    let expected = json!({
        "processes": [process(1), process(2), process(3), process(4)],
        "frontends": [
            proxy("haproxy", 10, &["1", "2", "3", "4"]),
            proxy("frontend_proc1", 5, &["1"]),
            proxy("frontend_proc2", 7, &["2"]),
            proxy("frontend1_proc34", 24, both),
            proxy("frontend2_proc34", 30, both),
        ],
        "backends": [
            backend("haproxy", 0, &["1", "2", "3", "4"], &[]),
            backend("backend_proc1", 5, &["1"], &[
                server("member1_proc1", 2, &["1"]),
                server("member2_proc1", 2, &["1"]),
                server("bck_all_srv1", 1, &["1"]),
            ]),
            backend("backend_proc2", 7, &["2"], &[
                server("bck_proc2_srv1_proc2", 2, &["2"]),
                server("bck_proc2_srv2_proc2", 2, &["2"]),
                server("bck_proc2_srv3_proc2", 2, &["2"]),
                server("bck_proc2_srv4_proc2", 1, &["2"]),
            ]),
            backend("backend1_proc34", 24, both, &[
                server("bck1_proc34_srv1", 8, both),
                server("bck1_proc34_srv2", 8, both),
                server("bck_all_srv1", 8, both),
            ]),
            backend("backend2_proc34", 30, both, &[
                server("bck2_proc34_srv1", 10, both),
                server("bck2_proc34_srv2", 10, both),
                leaving,
            ]),
        ],
    });
    assert_eq!(found, expected);
}

#[tokio::test]
async fn a_process_that_fails_is_told_and_fails_the_whole() {
    let (dir, mut running) = two().await;
    let (one, two) = (dir.path().join("one.sock"), dir.path().join("two.sock"));
    running.pop().unwrap().kill().await;
    let places = ["-F", one.to_str().unwrap(), "-F", two.to_str().unwrap()];

    let output = overview(&places).await;
    assert_eq!(output.status.code(), Some(1));
    let note = format!(
        "\n\nno answer: two ({}): cannot connect: Connection refused (os error 111)\n",
        two.display()
    );
    assert!(text(&output).ends_with(&note), "{}", text(&output));
    assert!(text(&output).contains("\napp      UP             5  one\n"), "{}", text(&output));

    let output = overview(&[&places[..], &["--allow-partial"]].concat()).await;
    assert_eq!(output.status.code(), Some(0));
    assert!(text(&output).ends_with(&note), "{}", text(&output));
}

#[tokio::test]
async fn a_process_that_fails_is_in_the_json() {
    let (dir, running) = two().await;
    running[1].fail(Fault::Close);
    let output = overview(&["--json", "-D", dir.path().to_str().unwrap()]).await;
    assert_eq!(output.status.code(), Some(1));
    let found: Value = serde_json::from_str(&text(&output)).unwrap();
    let failed = json!({
        "label": "two", "address": dir.path().join("two.sock"), "version": null, "pid": null,
        "error": "closed without an answer",
    });
    assert_eq!(found["processes"][1], failed);
    assert_eq!(found["frontends"][0]["requests"], 5);
    let output = overview(&["--allow-partial", "--json", "-D", dir.path().to_str().unwrap()]).await;
    assert_eq!(output.status.code(), Some(0));
}

#[tokio::test]
async fn what_differs_is_a_map_from_label_to_value() {
    let (dir, running) = two().await;
    running[1].set_server("app", "web1", "weight", 10).unwrap();
    let output = overview(&["--json", "-D", dir.path().to_str().unwrap()]).await;
    let found: Value = serde_json::from_str(&text(&output)).unwrap();
    let server = &found["backends"][0]["servers"][0];
    assert_eq!(server["weight"], json!({"one": 1, "two": 10}));
    assert_eq!(server["status"], "UP");
    assert_eq!(server["requests"], 10);
}

#[tokio::test]
async fn a_frontend_in_mode_tcp_shows_its_sessions() {
    let dir = TempDir::new().unwrap();
    let process = Process::new("3.2").frontend(Frontend::new("raw").mode("tcp").set("stot", 7));
    let _running = process.serve(dir.path().join("one.sock")).await.unwrap();
    let output = overview(&["-D", dir.path().to_str().unwrap()]).await;
    assert!(text(&output).contains("\nraw       OPEN           7  one\n"), "{}", text(&output));
}

#[tokio::test]
async fn a_socket_that_is_ignored_is_reported() {
    let (dir, running) = two().await;
    running[1].fail(Fault::Answer((*b"hello\n").into()));
    let note = format!(
        "ignored: {}: not a stats socket of a HAProxy process: it says \"hello\"\n",
        dir.path().join("two.sock").display()
    );
    let output = overview(&["-D", dir.path().to_str().unwrap()]).await;
    assert_eq!(output.status.code(), Some(0));
    assert!(text(&output).ends_with(&format!("\n\n{note}")), "{}", text(&output));
    let output = overview(&["--json", "-D", dir.path().to_str().unwrap()]).await;
    assert_eq!(errors(&output), note);
    assert!(serde_json::from_str::<Value>(&text(&output)).is_ok());
}

#[tokio::test]
async fn help_is_no_failure_and_an_unknown_option_is() {
    let help = overview(&["--help"]).await;
    assert_eq!(help.status.code(), Some(0));
    assert!(text(&help).starts_with("Usage: overview [OPTION...]\n"), "{}", text(&help));
    let wrong = overview(&["--jason"]).await;
    assert_eq!(wrong.status.code(), Some(2));
    assert_eq!(text(&wrong), "");
    assert!(errors(&wrong).starts_with("overview: unknown option --jason\n"), "{}", errors(&wrong));
}

#[tokio::test]
async fn sockets_are_chosen_by_the_options_of_haproxytool() {
    let (dir, running) = two().await;
    let dir = dir.path().to_str().unwrap();
    let output = overview(&["-D", dir, "--only", "two"]).await;
    assert_eq!(output.status.code(), Some(0));
    assert!(text(&output).contains("\nweb       OPEN           5  two\n"), "{}", text(&output));
    running[1].fail(Fault::Hang);
    let output = overview(&["-D", dir, "--timeout", "0.2"]).await;
    assert_eq!(output.status.code(), Some(1));
    assert!(text(&output).contains("within 200ms"), "{}", text(&output));
    for (arguments, message) in [
        (&["--timeout", "0"][..], "expected seconds, found \"0\""),
        (&["--demo", "-D", dir], "--demo takes neither -D nor -F"),
        (&[dir], &format!("expected an option, found {dir:?}")),
        (&["-F"], "-F: expected a value"),
    ] {
        let output = overview(arguments).await;
        assert_eq!((output.status.code(), text(&output)), (Some(2), String::new()));
        assert!(errors(&output).starts_with(&format!("overview: {message}\n")), "{}", errors(&output));
    }
}

#[tokio::test]
async fn a_process_that_is_absent_is_missed_if_it_is_expected() {
    let (dir, mut running) = two().await;
    running.pop().unwrap().stop().await;
    let dir = dir.path().to_str().unwrap();
    assert_eq!(overview(&["-D", dir]).await.status.code(), Some(0));
    let output = overview(&["--expect", "2", "-D", dir]).await;
    assert_eq!(output.status.code(), Some(1));
    let note = "\n\nmissing: at least 2 processes expected, 1 found\n";
    assert!(text(&output).ends_with(note), "{}", text(&output));
    let output = overview(&["--expect", "2", "--allow-partial", "-D", dir]).await;
    assert_eq!(output.status.code(), Some(0));
    let wrong = overview(&["--expect", "two", "-D", dir]).await;
    assert_eq!(wrong.status.code(), Some(2));
    let words = "overview: expected a number of processes, found \"two\"\n";
    assert!(errors(&wrong).starts_with(words), "{}", errors(&wrong));
}

#[tokio::test]
async fn a_folder_without_sockets_is_an_error() {
    let dir = TempDir::new().unwrap();
    let output = overview(&["-D", dir.path().to_str().unwrap()]).await;
    assert_eq!(output.status.code(), Some(1));
    let expected = format!("overview: no such HAProxy stats socket in {}\n", dir.path().display());
    assert_eq!(errors(&output), expected);
}

#[tokio::test]
async fn counters_that_processes_share_are_shown_once_or_as_a_range() {
    let running = shared_cluster(&[Member::Sharing, Member::Sharing]).await;
    send_shared_traffic(&running).await;
    let output = overview(&["-D", running.stats().to_str().unwrap()]).await;
    assert_eq!((output.status.code(), errors(&output)), (Some(0), String::new()));
    let row = |output: &Output, name: &str| {
        let found = text(output).lines().find(|line| line.starts_with(name)).unwrap().to_owned();
        found.split_whitespace().map(String::from).collect::<Vec<_>>()
    };
    assert_eq!(row(&output, "web"), ["web", "OPEN", "42", "1", "2"]);
    assert_eq!(row(&output, "app"), ["app", "UP", "54", "1", "2"]);

    let denied = || Inside { pid: None, list: Some("Permission denied\n\n".into()) };
    let (folder, _containers) = contained(&running, |_| denied());
    let output = overview(&["-D", folder.to_str().unwrap()]).await;
    assert_eq!(output.status.code(), Some(0));
    assert_eq!(row(&output, "web"), ["web", "OPEN", "42..84", "1", "2"]);
    let (file, socket) = (shared_file(&running), folder.join("1.sock"));
    let note = format!(
        "counters of 1 that may be shared in {}: `dump stats-file` on {}: line 1: expected a line of \
         `dump stats-file`, found \"Permission denied\"",
        file.display(),
        socket.display()
    );
    assert!(text(&output).lines().any(|line| line == note), "{}", text(&output));
    let output = overview(&["--json", "-D", folder.to_str().unwrap()]).await;
    let json: Value = serde_json::from_str(&text(&output)).unwrap();
    assert_eq!(json["frontends"][0]["requests"], json!({"at_least": 42, "at_most": 84}));
}

async fn overview(arguments: &[&str]) -> Output {
    // Cargo builds the examples beside the tests that it builds.
    let test = std::env::current_exe().unwrap();
    let built = test.parent().and_then(Path::parent).unwrap().join("examples/overview");
    let hint = "`cargo test` builds it, `cargo test --test overview` does not";
    assert!(built.is_file(), "{} is not here: {hint}", built.display());
    Command::new(built).args(arguments).kill_on_drop(true).output().await.unwrap()
}

/// Processes at `one.sock` and `two.sock`, alike.
async fn two() -> (TempDir, Vec<Running>) {
    let dir = TempDir::new().unwrap();
    let mut running = Vec::new();
    for name in ["one.sock", "two.sock"] {
        let server = Server::new("web1").check("L4OK").set("stot", 5);
        let process = Process::new("3.2")
            .frontend(Frontend::new("web").set("req_tot", 5))
            .backend(Backend::new("app").set("stot", 5).server(server));
        running.push(process.serve(dir.path().join(name)).await.unwrap());
    }
    (dir, running)
}

fn text(output: &Output) -> String {
    String::from_utf8(output.stdout.clone()).unwrap()
}

fn errors(output: &Output) -> String {
    String::from_utf8(output.stderr.clone()).unwrap()
}

/// Without the folder of the embedded cluster, which has another name each time.
fn without_folder(text: &str) -> String {
    let end = text.find("/1.sock").unwrap();
    let start = text[..end].rfind([' ', '"']).unwrap() + 1;
    let folder = PathBuf::from(&text[start..end]);
    text.replace(folder.to_str().unwrap(), "DIR")
}

const TABLE: &str = "\
PROCESS  VERSION   PID  ADDRESS
1        2.2.9    1001  DIR/1.sock
2        2.2.9    1002  DIR/2.sock
3        2.2.9    1003  DIR/3.sock
4        2.2.9    1004  DIR/4.sock

FRONTEND          STATUS  REQUESTS  PROCESSES
haproxy           OPEN          10  1 2 3 4
frontend_proc1    OPEN           5  1
frontend_proc2    OPEN           7  2
frontend1_proc34  OPEN          24  3 4
frontend2_proc34  OPEN          30  3 4

BACKEND                 STATUS           REQUESTS  PROCESSES
haproxy                 UP                      0  1 2 3 4
backend_proc1           UP                      5  1
  member1_proc1         UP                      2  1
  member2_proc1         UP                      2  1
  bck_all_srv1          UP                      1  1
backend_proc2           UP                      7  2
  bck_proc2_srv1_proc2  UP                      2  2
  bck_proc2_srv2_proc2  UP                      2  2
  bck_proc2_srv3_proc2  UP                      2  2
  bck_proc2_srv4_proc2  UP                      1  2
backend1_proc34         UP                     24  3 4
  bck1_proc34_srv1      UP                      8  3 4
  bck1_proc34_srv2      UP                      8  3 4
  bck_all_srv1          UP                      8  3 4
backend2_proc34         UP                     30  3 4
  bck2_proc34_srv1      UP                     10  3 4
  bck2_proc34_srv2      UP                     10  3 4
  bck_all_srv1          3: UP, 4: MAINT        10  3 4
";
