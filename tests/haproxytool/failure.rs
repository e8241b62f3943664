//! The output of the tool when some processes fail.

use haproxyadmin::fake::{Fault, Frontend, Map, Process, Running};
use serde_json::{Value, json};
use tempfile::TempDir;

use super::site::{Site, errors, text, tool, tool_with, value};
use super::support::release;

const REFUSED: &str = "cannot connect: Connection refused (os error 111)";

/// Three fake processes. The second is dead.
struct Three {
    dir: TempDir,
    running: Vec<Running>,
}

impl Three {
    async fn new() -> Self {
        let dir = TempDir::new().unwrap();
        let mut running = Vec::new();
        for n in 1..=3 {
            let process = Process::new("3.2.4").pid(1000 + n).frontend(Frontend::new("web"));
            let process = process.map(Map::new("/hosts.map"));
            running.push(process.serve(dir.path().join(format!("{n}.sock"))).await.unwrap());
        }
        running.remove(1).kill().await;
        Self { dir, running }
    }

    fn socket(&self, n: u32) -> String {
        self.dir.path().join(format!("{n}.sock")).to_str().unwrap().to_owned()
    }

    fn place(&self, n: u32) -> String {
        format!("{n} ({})", self.socket(n))
    }

    async fn run(&self, arguments: &[&str]) -> (Option<i32>, String, String) {
        let output = tool(self.dir.path(), arguments).await;
        (output.status.code(), text(&output), errors(&output))
    }
}

fn parsed(text: &str) -> Value {
    serde_json::from_str(text).unwrap()
}

#[tokio::test]
async fn the_list_of_processes_has_the_dead_ones_with_their_reason() {
    let three = Three::new().await;
    let width = three.socket(1).len();
    let row = |label: &str, version: &str, pid: &str, level: &str, address: &str, failure: &str| {
        let row = format!("{label:7}  {version:7}  {pid:4}  {level:5}  {address:width$}  {failure}");
        row.trim_end().to_owned() + "\n"
    };
    let table = [
        row("PROCESS", "VERSION", "PID", "LEVEL", "ADDRESS", "FAILURE"),
        row("1", "3.2.4", "1001", "admin", &three.socket(1), ""),
        row("2", "-", "-", "-", &three.socket(2), REFUSED),
        row("3", "3.2.4", "1003", "admin", &three.socket(3), ""),
    ]
    .concat();
    assert_eq!(three.run(&["process", "list"]).await, (Some(1), table.clone(), String::new()));
    assert_eq!(three.run(&["--allow-partial", "process", "list"]).await, (Some(0), table, String::new()));

    let alive = |n: u32| {
        json!({
            "label": n.to_string(), "address": three.socket(n), "version": "3.2.4", "pid": 1000 + n,
            "level": "admin",
        })
    };
    let dead = json!({
        "label": "2", "address": three.socket(2), "version": null, "pid": null, "level": null,
        "failure": {"kind": "connect", "message": REFUSED},
    });
    let (code, printed, said) = three.run(&["--json", "process", "list"]).await;
    assert_eq!((code, said), (Some(1), String::new()));
    assert_eq!(parsed(&printed), json!([alive(1), dead, alive(3)]));
}

#[tokio::test]
async fn a_process_that_is_missing_fails_the_list_too() {
    let three = Three::new().await;
    std::fs::remove_file(three.socket(2)).unwrap();
    let missing = "haproxytool: missing: at least 3 processes expected, 2 found\n";
    let (code, printed, said) = three.run(&["--expect", "3", "process", "list"]).await;
    assert_eq!((code, printed.lines().count(), said.as_str()), (Some(1), 3, missing));
    let (code, _, said) = three.run(&["--expect", "3", "--allow-partial", "process", "list"]).await;
    assert_eq!((code, said.as_str()), (Some(0), missing));
}

#[tokio::test]
async fn equal_failures_are_one_line() {
    let mut three = Three::new().await;
    let last = three.running.pop().unwrap();
    last.kill().await;
    let both = format!("{}, {}: {REFUSED}\n", three.place(2), three.place(3));
    for options in [&[][..], &["--allow-partial"]] {
        let code = Some(i32::from(options.is_empty()));
        let web = if options.is_empty() { "" } else { "web\n" };
        let expected = (code, web.to_owned(), format!("haproxytool: no answer from {both}"));
        assert_eq!(three.run(&[options, &["frontend", "list"]].concat()).await, expected);
        for (action, command) in [
            (&["process", "errors"][..], "show errors"),
            (&["map", "show", "/hosts.map"], "show map /hosts.map"),
            (&["map", "count", "/hosts.map"], "show map /hosts.map"),
            (&["session", "list"], "show sess"),
            (&["session", "count"], "show info"),
        ] {
            let (code_found, _, said) = three.run(&[options, action].concat()).await;
            assert_eq!((code_found, said), (code, format!("haproxytool: `{command}` failed on {both}")));
        }
    }

    three.running[0].fail(Fault::Close);
    let (code, _, said) = three.run(&["frontend", "list"]).await;
    let lines = format!(
        "haproxytool: no answer from {}: closed without an answer\n\
         haproxytool: no answer from {both}",
        three.place(1)
    );
    assert_eq!((code, said), (Some(1), lines));
}

#[tokio::test]
async fn a_command_that_haproxy_does_not_know_is_a_failure() {
    let site = Site::new(vec![release("2.2"), release("3.2")]).await;
    let output = site.run(&["command", "show version"]).await;
    assert_eq!(output.status.code(), Some(1));
    assert!(text(&output).contains("==> 2 <==\n3.2."), "{}", text(&output));
    let said = format!("`show version` failed on 1 ({}): unknown command", site.running.socket(1).display());
    assert_eq!(errors(&output), format!("haproxytool: {said}\n"));

    for line in ["show nothing", "show info; show nothing"] {
        let output = site.run(&["--json", "command", line]).await;
        assert_eq!(output.status.code(), Some(1), "{line}");
        assert!(value(&output)["2"].as_str().unwrap().contains("Unknown command"));
        let error = parsed(&errors(&output));
        let failures = error["failures"].as_array().unwrap();
        assert_eq!(failures.len(), 2, "{error}");
        for failure in failures {
            assert_eq!(
                (&failure["kind"], &failure["message"]),
                (&json!("unsupported"), &json!("unknown command"))
            );
        }
    }
    let output = site.run(&["--only", "2", "command", "show version"]).await;
    assert_eq!((output.status.code(), errors(&output)), (Some(0), String::new()));
}

#[tokio::test]
async fn a_file_that_is_not_written_is_noted() {
    let three = Three::new().await;
    let [entries, mirror] = ["entries", "mirror"].map(|name| three.dir.path().join(name));
    std::fs::write(&entries, "a.example app\n").unwrap();
    let [entries, mirror] = [&entries, &mirror].map(|path| path.to_str().unwrap());
    let note = format!("file {mirror} was not written, because not every process has the entries");
    for partial in [&["--allow-partial"][..], &[]] {
        let sync = ["map", "sync", "/hosts.map", entries, "--mirror", mirror];
        let (code, _, said) = three.run(&[partial, &sync].concat()).await;
        assert_eq!(code, Some(1), "{said}");
        assert!(said.contains(&note), "{said}");
        assert!(!std::path::Path::new(mirror).exists());
    }
}

#[tokio::test]
async fn errors_are_json_too() {
    let three = Three::new().await;
    let failure = json!({"label": "2", "address": three.socket(2), "kind": "connect", "message": REFUSED});
    let message = format!("no answer from {}: {REFUSED}", three.place(2));
    let error = json!({"kind": "incomplete", "message": message, "failures": [failure]});
    let (code, printed, said) = three.run(&["--json", "frontend", "list"]).await;
    assert_eq!((code, printed, parsed(&said)), (Some(1), String::new(), error.clone()));
    let (code, printed, said) = three.run(&["--json", "--allow-partial", "frontend", "list"]).await;
    assert_eq!((code, parsed(&printed), parsed(&said)), (Some(0), json!(["web"]), error));

    let (code, _, said) = three.run(&["--json", "--allow-partial", "frontend", "status", "nope"]).await;
    let message = format!("no such frontend \"nope\" in the 2 processes that answered; {message}");
    assert_eq!((code, parsed(&said)["message"].as_str()), (Some(1), Some(message.as_str())));
    assert_eq!(parsed(&said)["failures"][0]["label"], "2");

    let (code, _, said) =
        three.run(&["--json", "--expect", "4", "--only", "1", "frontend", "status", "no"]).await;
    assert_eq!(
        (code, parsed(&said)),
        (Some(1), json!({"kind": "not_found", "message": "no such frontend \"no\""}))
    );
    let (_, _, said) = three.run(&["--json", "--expect", "4", "frontend", "list"]).await;
    assert_eq!(parsed(&said)["missing"], json!(["at least 4 processes expected, 3 found"]));
    let (code, _, said) = three.run(&["--json", "server", "weight", "app/web1", "many"]).await;
    let message = "expected a weight from 0 to 256, or a percentage, found \"many\" (--help tells more)";
    assert_eq!((code, parsed(&said)), (Some(2), json!({"kind": "usage", "message": message})));
    let output = tool_with(&["srever", "list", "--json"], "").await;
    let message = "unrecognized subcommand 'srever'; tip: a similar subcommand exists: 'server'";
    assert_eq!(output.status.code(), Some(2));
    assert_eq!(parsed(&errors(&output)), json!({"kind": "usage", "message": message}));
}
