//! The program `haproxytool`, run as it is built: every action on processes of
//! every release, and the replies of the processes themselves afterwards.
#![cfg(unix)]
#![allow(
    clippy::indexing_slicing,
    clippy::unwrap_used,
    reason = "in a helper of tests too, a panic is the failure"
)]

use serde_json::{Value, json};

mod authority;
#[path = "haproxytool/backend.rs"]
mod backend;
#[path = "haproxytool/cert.rs"]
mod cert;
#[path = "haproxytool/command_line.rs"]
mod command_line;
#[path = "haproxytool/event.rs"]
mod event;
#[path = "haproxytool/failure.rs"]
mod failure;
#[path = "haproxytool/frontend.rs"]
mod frontend;
#[path = "haproxytool/master.rs"]
mod master;
#[path = "haproxytool/ocsp.rs"]
mod ocsp;
#[path = "haproxytool/pattern.rs"]
mod pattern;
#[path = "haproxytool/process.rs"]
mod process;
#[path = "haproxytool/rates.rs"]
mod rates;
#[path = "haproxytool/reconcile.rs"]
mod reconcile;
#[path = "haproxytool/server.rs"]
mod server;
#[path = "haproxytool/session.rs"]
mod session;
#[path = "haproxytool/settings.rs"]
mod settings;
#[path = "haproxytool/site.rs"]
mod site;
mod support;
#[path = "haproxytool/table.rs"]
mod table;
#[path = "haproxytool/watch.rs"]
mod watch;

use site::{Site, errors, results, text, tool, tool_with, value};
use support::{
    Inside, Member, ancestor_cluster, ask, contained, every_cell, release, releases, row,
    send_shared_traffic, shared_cluster, until,
};

#[tokio::test]
async fn every_action_works_on_2_2() {
    Site::pair("2.2").await.every_action().await;
}

#[tokio::test]
async fn every_action_works_on_2_6() {
    Site::pair("2.6").await.every_action().await;
}

#[tokio::test]
async fn every_action_works_on_3_0() {
    Site::pair("3.0").await.every_action().await;
}

#[tokio::test]
async fn every_action_works_on_3_2() {
    Site::pair("3.2").await.every_action().await;
}

#[tokio::test]
async fn every_action_works_on_3_4() {
    Site::pair("3.4").await.every_action().await;
}

#[tokio::test]
async fn every_action_works_on_all_releases_together() {
    Site::new(releases()).await.every_action().await;
}

#[tokio::test]
async fn settings_are_saved_and_restored() {
    Site::new(releases()).await.settings().await;
}

#[tokio::test]
async fn a_change_is_a_table_of_processes() {
    let site = Site::pair("3.2").await;
    let output = site.run(&["frontend", "disable", "web", "nope"]).await;
    assert_eq!((output.status.code(), errors(&output)), (Some(1), String::new()));
    assert_eq!(
        text(&output),
        "disable frontend web\n\
         PROCESS  RESULT   MESSAGE\n\
         1        changed\n\
         2        changed\n\
         \n\
         disable frontend nope\n\
         PROCESS  RESULT  MESSAGE\n\
         1        absent  No such frontend.\n\
         2        absent  No such frontend.\n"
    );
    let output = site.run(&["--json", "frontend", "disable", "web"]).await;
    assert_eq!(output.status.code(), Some(0));
    let message = "All sockets are already disabled.";
    let already = |label: &str| json!({"label": label, "result": "unchanged", "message": message});
    assert_eq!(
        value(&output),
        json!({"command": "disable frontend web", "outcomes": [already("1"), already("2")]})
    );
}

#[tokio::test]
async fn what_is_elsewhere_is_no_failure() {
    for release in [release("2.2"), release("3.0")] {
        let running = ancestor_cluster(&release).await;
        let dir = running.stats();
        let output = tool(&dir, &["--json", "frontend", "disable", "frontend1_proc34"]).await;
        assert_eq!((output.status.code(), errors(&output)), (Some(0), String::new()));
        assert_eq!(results(&value(&output)), ["absent", "absent", "changed", "changed"]);

        let output = tool(&dir, &["--json", "server", "disable", "bck_all_srv1"]).await;
        assert_eq!((output.status.code(), errors(&output)), (Some(0), String::new()));
        let all: Vec<_> = value(&output).as_array().unwrap().iter().map(results).collect();
        assert_eq!(
            all,
            [
                ["changed", "absent", "absent", "absent"],
                ["absent", "absent", "changed", "changed"],
                ["absent", "absent", "changed", "changed"],
            ]
        );
        for (n, backend) in [(1, "backend_proc1"), (3, "backend1_proc34"), (4, "backend2_proc34")] {
            assert_eq!(row(running.socket(n), backend, "bck_all_srv1").await.cell("status"), "MAINT");
        }

        let output = tool(&dir, &["backend", "process"]).await;
        assert_eq!(output.status.code(), Some(0));
        assert!(text(&output).contains("backend1_proc34  3 4\n"), "{}", text(&output));
    }
}

#[tokio::test]
async fn only_the_chosen_processes_are_changed() {
    let site = Site::pair("2.6").await;
    let output = site.run(&["--only", "2", "--json", "server", "maint", "app/web2"]).await;
    assert_eq!(output.status.code(), Some(0));
    assert_eq!(value(&output)["outcomes"].as_array().unwrap().len(), 1);
    assert_eq!(every_cell(&site.running, "app", "web2", "status").await, ["no check", "MAINT"]);
    let output = site.run(&["server", "status", "app/web2"]).await;
    assert_eq!(text(&output), "app/web2  1: no check, 2: MAINT\n");
    let output = site.run(&["--only", "2.sock", "server", "status", "app/web2"]).await;
    assert_eq!(text(&output), "app/web2  MAINT\n");
    let output = site.run(&["--only", "3", "server", "maint", "app/web2"]).await;
    let expected = "haproxytool: no such process \"3\"; there are 1, 2\n";
    assert_eq!((output.status.code(), errors(&output)), (Some(1), expected.into()));
}

#[tokio::test]
async fn requests_that_processes_share_are_printed_once_or_as_a_range() {
    let running = shared_cluster(&[Member::Sharing, Member::Sharing]).await;
    send_shared_traffic(&running).await;
    let output = tool(&running.stats(), &["frontend", "requests", "web"]).await;
    assert_eq!((text(&output).trim_end(), errors(&output).as_str()), ("web  42", ""));

    let denied = || Inside { pid: None, list: Some("Permission denied\n\n".into()) };
    let (folder, _containers) = contained(&running, |_| denied());
    let output = tool(&folder, &["frontend", "requests", "web"]).await;
    assert_eq!((output.status.code(), text(&output).trim_end()), (Some(0), "web  42..84"));
    let notes = errors(&output);
    assert_eq!(notes.lines().filter(|line| line.contains("that may be shared in")).count(), 2, "{notes}");
    let output = tool(&folder, &["--json", "frontend", "metric", "web", "stot"]).await;
    assert_eq!(value(&output), json!({"web": {"at_least": 42, "at_most": 84}}));
}

#[tokio::test]
async fn a_dead_process_is_in_the_table_and_fails_the_whole() {
    let mut site = Site::pair("3.0").await;
    site.running.kill(2);
    let refused = "cannot connect: Connection refused (os error 111)";

    let output = site.run(&["server", "disable", "app/web2"]).await;
    assert_eq!((output.status.code(), errors(&output)), (Some(1), String::new()));
    assert_eq!(
        text(&output),
        format!(
            "disable server app/web2\n\
             PROCESS  RESULT   MESSAGE\n\
             1        changed\n\
             2        failed   {refused}\n"
        )
    );
    assert_eq!(row(site.running.socket(1), "app", "web2").await.cell("status"), "MAINT");
    for all in [&["frontend", "disable", "--all"][..], &["server", "maint", "web1"]] {
        let output = site.run(&[&["--json"], all].concat()).await;
        assert_eq!((output.status.code(), errors(&output)), (Some(1), String::new()));
        for outcomes in value(&output).as_array().unwrap() {
            assert_eq!(results(outcomes), ["changed", "failed"]);
        }
    }

    // Reads are strict, and use the processes that answer if that is permitted.
    for read in [
        &["frontend", "requests", "web"][..],
        &["server", "status"],
        &["process", "requests"],
        &["map", "list"],
        &["process", "errors"],
        &["server", "states", "app/web1"],
        &["backend", "states"],
        &["dump", "servers"],
    ] {
        let output = site.run(read).await;
        assert_eq!((output.status.code(), text(&output)), (Some(1), String::new()), "{read:?}");
        let said = errors(&output);
        assert_eq!(said.lines().count(), 1, "{said}");
        let socket = site.running.socket(2).display().to_string();
        assert!(
            said.starts_with("haproxytool: ") && said.contains(&socket) && said.contains(refused),
            "{said}"
        );

        let output = site.run(&[&["--allow-partial"], read].concat()).await;
        assert_eq!(output.status.code(), Some(0), "{read:?}");
        assert!(!text(&output).is_empty(), "{read:?}");
        let said = errors(&output);
        assert!(said.contains(&socket) && said.contains(refused), "{read:?}: {said}");
    }
    let output = site.run(&["--allow-partial", "frontend", "requests", "web"]).await;
    assert_eq!(text(&output), "web  0\n");

    // No process is left.
    site.running.kill(1);
    for nothing in [
        &["--allow-partial", "frontend", "list"][..],
        &["--allow-partial", "process", "list"],
        &["--allow-partial", "map", "list"],
        &["--allow-partial", "server", "states"],
        &["--allow-partial", "server", "state"],
        &["--allow-partial", "backend", "states"],
        &["server", "ready", "--all"],
        &["server", "ready", "web1"],
        &["frontend", "enable", "--all"],
        &["frontend", "enable", "web"],
        &["command", "show version"],
    ] {
        let output = site.run(nothing).await;
        assert_eq!(output.status.code(), Some(1), "{nothing:?}");
        assert!(text(&output).contains(refused) || errors(&output).contains(refused), "{nothing:?}");
    }
}

#[tokio::test]
async fn a_process_that_is_absent_is_missed_if_it_is_expected() {
    let mut site = Site::pair("3.0").await;
    site.running.kill(2);
    std::fs::remove_file(site.running.socket(2)).unwrap();
    let missing = "haproxytool: missing: at least 2 processes expected, 1 found\n";
    assert_eq!(site.run(&["frontend", "requests", "web"]).await.status.code(), Some(0));
    let output = site.run(&["--expect", "2", "frontend", "requests", "web"]).await;
    assert_eq!((output.status.code(), text(&output)), (Some(1), String::new()));
    assert!(errors(&output).contains("at least 2 processes expected, 1 found"), "{}", errors(&output));
    let output = site.run(&["--expect", "2", "--allow-partial", "map", "list"]).await;
    assert_eq!((output.status.code(), errors(&output)), (Some(0), missing.to_owned()));
    let output = site.run(&["--expect", "2", "server", "disable", "app/web2"]).await;
    assert_eq!((output.status.code(), errors(&output)), (Some(1), missing.to_owned()));
    assert_eq!(row(site.running.socket(1), "app", "web2").await.cell("status"), "MAINT");
}

#[tokio::test]
async fn what_a_hung_process_made_of_a_change_is_unknown() {
    let site = Site::pair("3.2").await;
    site.running.hang(2);
    let output = site.run(&["--timeout", "1", "--json", "frontend", "disable", "web"]).await;
    assert_eq!((output.status.code(), errors(&output)), (Some(1), String::new()));
    assert_eq!(results(&value(&output)), ["changed", "unknown"]);
    assert_eq!(
        value(&output)["outcomes"][1]["message"],
        "outcome unknown: receiving: no end of the reply within 1s"
    );

    // A change that would add a second entry if it were sent again is not sent to that process.
    let map = site.file("hosts.map");
    let output = site.run(&["--timeout", "1", "--json", "map", "add", &map, "k", "v"]).await;
    assert_eq!(output.status.code(), Some(1));
    assert_eq!(results(&value(&output)), ["changed", "failed"]);

    let output = site.run(&["--timeout", "0.5", "command", "show version"]).await;
    assert_eq!(output.status.code(), Some(1));
    assert!(text(&output).starts_with("==> 1 <==\n3.2."), "{}", text(&output));
    let place = format!("failed on 2 ({})", site.running.socket(2).display());
    assert!(errors(&output).contains(&place), "{}", errors(&output));

    site.running.resume(2);
    let socket = site.running.socket(2);
    let closed = async || (row(&socket, "web", "FRONTEND").await.cell("status") != "OPEN").then_some(());
    until("the change is made after all", closed).await;
    assert_eq!(site.entries("map", "hosts.map").await[1], ["a.example app", "b.example other"]);
}

#[tokio::test]
async fn a_wrong_command_line_is_told_before_anything_is_sent() {
    let site = Site::pair("2.2").await;
    let before = site.everything().await;
    for (arguments, message) in [
        ("frontend enable", "frontend enable: expected NAME..., or --all in place of names"),
        ("frontend disable", "frontend disable: expected NAME..., or --all in place of names"),
        ("frontend shutdown", "frontend shutdown: expected NAME..., or --all in place of names"),
        ("frontend disable --all web", "frontend disable: expected NAME..."),
        ("frontend set maxconn 5", "frontend set: expected NAME... OPTION VALUE, or --all in place of names"),
        ("frontend set web status 5", "frontend set: no such option \"status\""),
        ("frontend maxconn web abc", "expected a number, found \"abc\""),
        ("frontend maxconn web -- -5", "expected a number, found \"-5\""),
        ("frontend metric", "frontend metric: expected [NAME...] METRIC"),
        ("server ready", "server ready: expected NAME..., or --all in place of names"),
        ("server health up", "server health: expected NAME... STATE, or --all in place of names"),
        ("server health app/web1 well", "expected up or stopping or down, found \"well\""),
        ("server agent app/web1 stopping", "expected up or down, found \"stopping\""),
        ("server state app/web1 up", "expected ready or drain or maint, found \"up\""),
        ("server weight app/web1 257", "expected a weight from 0 to 256, or a percentage, found \"257\""),
        ("server address app/web1 --port 80", "server address: takes --port with a value to set only"),
        ("server address app/web1 localhost", "expected an IP address, found \"localhost\""),
        ("server address app/web1 127.0.0.1 --port x", "expected port, found \"x\""),
        ("server port app/web1 65536", "expected a port, found \"65536\""),
        ("server ssl app/web1 maybe", "expected on or off, found \"maybe\""),
        ("server ready app/web1 --backend app", "server ready: takes --backend or BACKEND/SERVER, not both"),
        ("frontend list --backend app", "frontend list: takes no --backend"),
        ("map add FILE KEY", "map add: expected FILE KEY VALUE"),
        ("map clear", "map clear: expected FILE"),
        ("map clear --all", "map clear: takes no --all"),
        ("map list FILE", "map list: expected no more words"),
        ("acl add FILE", "acl add: expected FILE PATTERN"),
        ("process maxconn many", "expected a number, found \"many\""),
        (
            "process ratelimit requests 5",
            "expected connections or sessions or ssl-sessions or http-compression, found \"requests\"",
        ),
        ("process ratelimit sessions x", "expected a number, found \"x\""),
        ("process clear", "process clear: expected WHAT"),
        ("process clear some", "expected all or max, found \"some\""),
        ("process metric", "process metric: expected KEY"),
        ("command", "command: expected LINE"),
        ("command show info", "command: expected LINE"),
        ("--timeout 0 process info", "expected seconds, found \"0\""),
        ("--timeout soon process info", "expected seconds, found \"soon\""),
        ("--demo process info", "--demo takes no -D, -F or -M"),
    ] {
        let words: Vec<&str> = arguments.split_whitespace().collect();
        let output = site.run(&words).await;
        let expected = format!("haproxytool: {message} (--help tells more)\n");
        assert_eq!((output.status.code(), errors(&output)), (Some(2), expected), "{arguments}");
        assert_eq!(text(&output), "");
    }
    // The crate refuses these arguments before it sends anything.
    for (arguments, message) in [
        (&["process", "maxconn", "0"][..], "maxconn 0: HAProxy would take it for its hard limit"),
        (&["server", "port", "app/web1", "0"], "port 0: expected 1 to 65535"),
        (&["frontend", "disable", "web", "a;b"], "name of a frontend: \"a;b\" has more than"),
        (&["server", "disable", "app/web1;x"], "name of a server: \"web1;x\" has more than"),
        (&["map", "clear", "@1"], "map or ACL \"@1\": `@` stands before a version; use its number"),
        (&["-F", "ipv4@nowhere", "process", "list"], "\"ipv4@nowhere\""),
        (&["map", "delete", "#0", "#0x1"], "a reference is that of one process, and this would reach 2"),
    ] {
        let output = site.run(arguments).await;
        assert_eq!(output.status.code(), Some(2), "{arguments:?}: {}", errors(&output));
        assert!(errors(&output).contains(message), "{}", errors(&output));
        assert_eq!(errors(&output).lines().count(), 1);
        assert_eq!(text(&output), "");
    }
    assert_eq!(site.everything().await, before);
}

#[tokio::test]
async fn what_does_not_exist_is_an_error() {
    let site = Site::pair("3.4").await;
    for (arguments, message) in [
        ("frontend status nope", "no such frontend \"nope\""),
        ("frontend status web nope", "no such frontend \"nope\""),
        ("backend status nope", "no such backend \"nope\""),
        ("server status nope/web1", "no such server \"nope/web1\""),
        ("server status app/nope", "no such server \"app/nope\""),
        ("server status nope", "no such server \"nope\""),
        ("server ready nope", "no such server \"nope\""),
        ("server ready app/web1 nope", "no such server \"nope\""),
        ("server ready --all --backend nope", "no such backend \"nope\""),
        ("server list --backend nope", "no such backend \"nope\""),
        ("frontend metric web nope", "no such column \"nope\" in `show stat`"),
        ("process metric nope", "no such key \"nope\" in `show info`"),
        (
            "map show /nope",
            "`show map /nope`: no such object: \"Unknown map identifier. Please use #<id> or <file>.\"",
        ),
        ("map add-all #0 /does/not/exist", "/does/not/exist: No such file or directory (os error 2)"),
    ] {
        let output = site.run(&arguments.split(' ').collect::<Vec<_>>()).await;
        let outcome = (output.status.code(), errors(&output), text(&output));
        let message = format!("haproxytool: {message}\n");
        if arguments.starts_with("map show") {
            assert_eq!((outcome.0, outcome.2), (Some(1), String::new()));
            assert!(outcome.1.contains("Unknown map identifier"), "{}", outcome.1);
        } else {
            assert_eq!(outcome, (Some(1), message, String::new()), "{arguments}");
        }
    }
    for change in
        [&["server", "ready", "nope/web1"][..], &["map", "clear", "/nope"], &["frontend", "enable", "nope"]]
    {
        let output = site.run(&[&["--json"], change].concat()).await;
        assert_eq!((output.status.code(), errors(&output)), (Some(1), String::new()));
        assert_eq!(results(&value(&output)), ["absent", "absent"]);
    }
}

#[tokio::test]
async fn maps_that_differ_are_shown_by_process() {
    let site = Site::pair("3.0").await;
    let map = site.file("hosts.map");
    let output = site.run(&["--only", "2", "map", "add", &map, "c.example", "new"]).await;
    assert_eq!(output.status.code(), Some(0));
    let output = site.run(&["map", "show", &map]).await;
    assert_eq!(output.status.code(), Some(0));
    assert_eq!(
        text(&output),
        "1  a.example app\n\
         1  b.example other\n\
         2  a.example app\n\
         2  b.example other\n\
         2  c.example new\n"
    );
    assert_eq!(
        errors(&output),
        "haproxytool: processes differ in 1 entries, first of all \"c.example new\" 1: 0, 2: 1\n"
    );
    let output = site.run(&["map", "count", &map]).await;
    assert_eq!(text(&output), "1: 2, 2: 3\n");
    let output = site.run(&["--json", "map", "get", &map, "c.example"]).await;
    let found = value(&output);
    assert_eq!((&found["1"]["value"], &found["2"]["value"]), (&Value::Null, &json!("new")));
    // A reference is that of one process.
    let list = ask(site.running.socket(2), &format!("show map {map}")).await;
    let list = String::from_utf8(list).unwrap();
    let line = list.lines().find(|line| line.ends_with(" c.example new")).unwrap();
    let reference = format!("#{}", line.split(' ').next().unwrap());
    let output = site.run(&["--only", "2", "--json", "map", "delete", &map, &reference]).await;
    assert_eq!(results(&value(&output)), ["changed"]);
    assert_eq!(text(&site.run(&["map", "count", &map]).await), "2\n");
}

#[tokio::test]
async fn the_demo_needs_no_haproxy() {
    for (arguments, expected) in [
        ("frontend list", "web\napi\n"),
        ("frontend requests", "web  240\napi  60\n"),
        ("backend servers app", "app  web1 web2 web3\n"),
        ("server weight web1", "app/web1     100\nstatic/web1  100\n"),
        ("process metric CumReq", "300\n"),
        ("process version", "1: 3.2.4, 2: 3.2.4, 3: 2.6.12\n"),
        ("map show /etc/haproxy/hosts.map", "a.example app\nb.example static\n"),
        ("acl show #0", "192.0.2.0/24\n"),
        (
            "server drain app/web1",
            "set server app/web1 state drain\n\
             PROCESS  RESULT   MESSAGE\n\
             1        changed\n\
             2        changed\n\
             3        changed\n",
        ),
    ] {
        let words: Vec<&str> = ["--demo"].into_iter().chain(arguments.split(' ')).collect();
        let output = tool_with(&words, "").await;
        assert_eq!((output.status.code(), errors(&output)), (Some(0), String::new()), "{arguments}");
        assert_eq!(text(&output), expected);
    }
}
