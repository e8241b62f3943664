//! Help, suggestions, completions and the manual page, which need no process.

use haproxyadmin::fake::Process;
use serde_json::json;

use super::site::{OBJECTS, actions_of, errors, text, tool, tool_with, value};

#[tokio::test]
async fn help_lists_the_objects_and_the_help_of_each_lists_its_actions() {
    for option in ["--help", "-h"] {
        let output = tool_with(&[option], "").await;
        assert_eq!((output.status.code(), errors(&output)), (Some(0), String::new()));
        let text = text(&output);
        assert!(text.contains("\nUsage: haproxytool [OPTIONS] <OBJECT>\n"), "{text}");
        assert!(text.contains("/run/haproxy"), "{text}");
        assert!(text.contains("\n  server       Servers, merged over all processes\n"), "{text}");
        for object in OBJECTS.into_iter().chain([
            "command",
            "rates",
            "plan",
            "apply",
            "drift",
            "watch",
            "completions",
            "man",
        ]) {
            assert!(text.contains(&format!("\n  {object} ")), "{text}");
        }
    }
    for object in OBJECTS {
        let output = tool_with(&[object, "--help"], "").await;
        assert_eq!((output.status.code(), errors(&output)), (Some(0), String::new()));
        let text = text(&output);
        assert!(text.contains(&format!("\nUsage: haproxytool {object} [OPTIONS] <ACTION>\n")), "{text}");
        assert!(text.lines().all(|line| line.chars().count() <= 120), "{text}");
    }
    let output = tool_with(&["server", "-h"], "").await;
    let help = text(&output);
    let lines: Vec<_> =
        help.lines().map(|line| line.split_whitespace().collect::<Vec<_>>().join(" ")).collect();
    for line in [
        "address [NAME...] [ADDRESS] [--port PORT] address, with its port",
        "delete NAME... [--drain SECONDS] [--force] delete it once its sessions have ended",
    ] {
        assert!(lines.iter().any(|one| one == line), "{help}");
    }
    let output = tool_with(&["backend", "add", "-h"], "").await;
    let option = "--from <DEFAULTS> Take the settings of this `defaults` section";
    let help = text(&output).split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(help.contains(option), "{help}");
    let output = tool_with(&["server", "weight", "-h"], "").await;
    let usage = "0 to 256, or a percentage of the initial one\n\n\
                 Usage: haproxytool server weight [OPTIONS] [NAME...] [WEIGHT]\n";
    assert!(text(&output).starts_with(usage), "{}", text(&output));
}

#[tokio::test]
async fn no_arguments_print_the_usage_and_are_an_error() {
    for (arguments, usage) in [
        (&[][..], "\nUsage: haproxytool [OPTIONS] <OBJECT>\n"),
        (&["server"], "\nUsage: haproxytool server [OPTIONS] <ACTION>\n"),
    ] {
        let output = tool_with(arguments, "").await;
        assert_eq!((output.status.code(), text(&output)), (Some(2), String::new()));
        assert!(errors(&output).contains(usage), "{}", errors(&output));
    }
}

#[tokio::test]
async fn the_version_is_that_of_the_crate() {
    for option in ["--version", "-V"] {
        let output = tool_with(&[option], "").await;
        assert_eq!(output.status.code(), Some(0));
        assert_eq!(text(&output), format!("haproxytool {}\n", env!("CARGO_PKG_VERSION")));
    }
}

#[tokio::test]
async fn a_word_that_is_wrong_is_named_with_one_that_is_similar() {
    for (arguments, message, tip) in [
        ("srever list", "unrecognized subcommand 'srever'", "a similar subcommand exists: 'server'"),
        ("server wieght", "unrecognized subcommand 'wieght'", "'weight'"),
        (
            "--jason frontend list",
            "unexpected argument '--jason' found",
            "a similar argument exists: '--json'",
        ),
        ("frontend maxconn web -5", "unexpected argument '-5' found", "to pass '-5' as a value, use '-- -5'"),
        ("server weight app/web1 50 --port 80", "unexpected argument '--port' found", ""),
        ("frontend list -D", "a value is required for '-D <DIR>' but none was supplied", ""),
        ("process stop", "unrecognized subcommand 'stop'", ""),
    ] {
        let output = tool_with(&arguments.split(' ').collect::<Vec<_>>(), "").await;
        assert_eq!((output.status.code(), text(&output)), (Some(2), String::new()), "{arguments}");
        let said = errors(&output);
        assert!(said.starts_with(&format!("error: {message}\n")) && said.contains(tip), "{said}");
    }
}

#[tokio::test]
async fn completions_know_every_object_action_and_option() {
    for shell in ["bash", "elvish", "fish", "powershell", "zsh"] {
        let output = tool_with(&["completions", shell], "").await;
        assert_eq!((output.status.code(), errors(&output)), (Some(0), String::new()), "{shell}");
        let script = text(&output);
        for object in OBJECTS {
            assert!(script.contains(object), "{shell}: {object}");
            for action in actions_of(object).await {
                assert!(script.contains(&action), "{shell}: {object} {action}");
            }
        }
        assert!(script.contains("allow-partial"), "{shell}");
    }
    let output = tool_with(&["completions", "tcsh"], "").await;
    assert_eq!(output.status.code(), Some(2));
    assert!(errors(&output).contains("[possible values: bash, elvish, fish, powershell, zsh]"));
}

#[tokio::test]
async fn the_manual_page_has_every_action() {
    let output = tool_with(&["man"], "").await;
    assert_eq!((output.status.code(), errors(&output)), (Some(0), String::new()));
    let page = text(&output).replace("\\-", "-");
    assert!(page.contains("\n.TH haproxytool 1 "), "{page}");
    for object in OBJECTS {
        assert!(page.contains(&format!("\n.SH {}\n", object.to_uppercase())), "{page}");
        for action in actions_of(object).await {
            assert!(page.contains(&format!("\n\\fB{object} {action}\\fR ")), "{object} {action}: {page}");
        }
    }
    assert!(page.contains("--allow-partial"), "{page}");
}

#[tokio::test]
async fn options_are_taken_at_every_place_and_add_up() {
    let dir = tempfile::tempdir().unwrap();
    let socket = |name: &str| dir.path().join(name).to_str().unwrap().to_owned();
    let (one, two, three) = (socket("1.sock"), socket("2.sock"), socket("3.sock"));
    let _one = Process::new("3.2").serve(std::path::Path::new(&one)).await.unwrap();
    let _two = Process::new("3.2").serve(std::path::Path::new(&two)).await.unwrap();
    let _three = Process::new("3.2").serve(std::path::Path::new(&three)).await.unwrap();
    let arguments = ["-F", &one, "--json", "process", "-F", &two, "list", "--json", "-F", &three];
    let output = tool_with(&arguments, "").await;
    assert_eq!((output.status.code(), errors(&output)), (Some(0), String::new()));
    let labels: Vec<_> = value(&output).as_array().unwrap().iter().map(|one| one["label"].clone()).collect();
    assert_eq!(labels, ["1", "2", "3"]);
    let output = tool_with(&["--timeout", "0", "-F", &one, "process", "pids", "--timeout", "5s"], "").await;
    assert_eq!(output.status.code(), Some(0), "{}", errors(&output));
}

#[tokio::test]
async fn values_can_begin_with_a_dash() {
    let dir = tempfile::tempdir().unwrap();
    let map = haproxyadmin::fake::Map::new("/etc/hosts.map").entry("a", "b");
    let process = Process::new("3.2").map(map);
    let _running = process.serve(dir.path().join("1.sock")).await.unwrap();
    for arguments in [
        &["map", "add", "/etc/hosts.map", "-k", "-v w"][..],
        &["map", "set", "/etc/hosts.map", "a", "-"],
        &["map", "set", "/etc/hosts.map", "a", "--json"],
    ] {
        let (action, words) = arguments.split_at(2);
        let output = tool(dir.path(), &[action, &["--"], words].concat()).await;
        assert_eq!((output.status.code(), errors(&output)), (Some(0), String::new()), "{arguments:?}");
    }
    let output = tool(dir.path(), &["--json", "map", "show", "/etc/hosts.map"]).await;
    assert_eq!(value(&output), json!(["a --json", "-k -v w"]));
    let output = tool(dir.path(), &["command", "--", "--help"]).await;
    assert_eq!(output.status.code(), Some(1));
    assert!(text(&output).starts_with("Unknown command"), "{}", text(&output));
}
