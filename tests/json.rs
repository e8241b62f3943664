//! The JSON that programs read: snapshots as views, processes, errors and outcomes.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "in a test a panic is the failure message")]
#![allow(clippy::indexing_slicing, reason = "the same")]

use std::path::Path;

use haproxyadmin::{Address, Change, Cluster, Error, ErrorKind, Outcome, Outcomes, Snapshot};
use serde::Serialize;
use serde_json::{Value, json};

mod support;

use support::{mixed_cluster, zoo, zoo_settled};

fn value(value: impl Serialize) -> Value {
    serde_json::to_value(value).unwrap()
}

const HEADER: &str =
    "# pxname,svname,scur,smax,slim,stot,status,weight,lastchg,type,qtime,lastsess,addr,novel,";

/// Two processes that differ, and one that did not answer.
fn snapshot() -> Snapshot {
    let process = |n: u64, weight: u64, status: &str| {
        let stat = format!(
            "{HEADER}\n\
             web,FRONTEND,1,{n},10,{n}00,OPEN,,,0,,,,,\n\
             web,main,0,1,5,7,OPEN,,,3,,,,,\n\
             app,web1,1,2,,{n}0,{status},{weight},30,2,4,-1,192.0.2.1:80,new,\n\
             app,BACKEND,1,2,200,{n}0,UP,{weight},30,1,4,-1,,,\n\n"
        );
        json!({
            "host": "host", "address": format!("/run/{n}.sock"), "read_at": 1_700_000_000_123_456u64,
            "level": "admin", "stat": stat,
            "info": [
                ["Name", "HAProxy"], ["Version", "3.4.7"], ["Pid", n.to_string()], ["Uptime_sec", "60"],
                ["Maxconn", "100"], ["CumReq", "7"], ["Novelty", n.to_string()],
            ],
        })
    };
    let failed = json!({
        "host": "host", "address": "/run/3.sock", "read_at": 1_700_000_000_123_456u64,
        "error": {"kind": "closed", "message": "closed without an answer"},
    });
    let processes = [process(1, 40, "UP"), process(2, 50, "DOWN 1/2"), failed];
    serde_json::from_value(json!({"format": 1, "processes": processes})).unwrap()
}

#[test]
fn a_merged_object_is_its_names_processes_status_and_figures() {
    let snapshot = snapshot();
    assert_eq!(
        value(snapshot.server("app", "web1").unwrap()),
        json!({
            "backend": "app",
            "name": "web1",
            "processes": ["1", "2"],
            "status": {"1": "UP", "2": "DOWN 1/2"},
            "metrics": {
                "pxname": "app",
                "svname": "web1",
                "scur": 2,
                "smax": {"at_least": 2, "at_most": 4},
                "slim": {"each": null, "total": null},
                "stot": 30,
                "status": {"1": "UP", "2": "DOWN 1/2"},
                "weight": {"1": 40, "2": 50},
                "lastchg": 30,
                "type": 2,
                "qtime": 4.0,
                "addr": "192.0.2.1:80",
                "novel": "new",
            },
        })
    );
    assert_eq!(
        value(snapshot.frontend("web").unwrap()),
        json!({
            "name": "web",
            "processes": ["1", "2"],
            "status": "OPEN",
            "metrics": {
                "pxname": "web",
                "svname": "FRONTEND",
                "scur": 2,
                "smax": {"at_least": 2, "at_most": 3},
                "slim": {"each": 10, "total": 20},
                "stot": 300,
                "status": "OPEN",
                "type": 0,
            },
        })
    );
    let backend = value(snapshot.backend("app").unwrap());
    assert_eq!((&backend["name"], &backend["metrics"]["stot"]), (&json!("app"), &json!(30)));
    let listener = value(&snapshot.listeners()[0]);
    assert_eq!((&listener["frontend"], &listener["name"]), (&json!("web"), &json!("main")));
    assert_eq!(
        value(snapshot.info()),
        json!({
            "processes": ["1", "2"],
            "metrics": {
                "Name": "HAProxy",
                "Version": "3.4.7",
                "Pid": {"1": "1", "2": "2"},
                "Uptime_sec": 60,
                "Maxconn": {"each": 100, "total": 200},
                "CumReq": 14,
                "Novelty": {"1": "1", "2": "2"},
            },
        })
    );
}

#[test]
fn a_row_is_its_cells_by_column() {
    let snapshot = snapshot();
    let server = snapshot.server("app", "web1").unwrap();
    let (_, row) = server.per_process().nth(1).unwrap();
    assert_eq!(
        value(row),
        json!({
            "pxname": "app",
            "svname": "web1",
            "scur": 1,
            "smax": 2,
            "stot": 20,
            "status": "DOWN 1/2",
            "weight": 50,
            "lastchg": 30,
            "type": 2,
            "qtime": 4,
            "lastsess": -1,
            "addr": "192.0.2.1:80",
            "novel": "new",
        })
    );
}

#[test]
fn a_process_is_its_identity_or_its_failure() {
    let snapshot = snapshot();
    assert_eq!(
        value(&snapshot.processes()[0]),
        json!({
            "label": "1",
            "host": "host",
            "address": "/run/1.sock",
            "pid": 1,
            "version": "3.4.7",
            "level": "admin",
            "read_at": 1_700_000_000_123_456u64,
            "started_at": 1_699_999_940_000_000u64,
            "stopping": false,
        })
    );
    assert_eq!(
        value(&snapshot.processes()[2]),
        json!({
            "label": "3",
            "host": "host",
            "address": "/run/3.sock",
            "read_at": 1_700_000_000_123_456u64,
            "stopping": false,
            "failure": {"kind": "closed", "message": "closed without an answer"},
        })
    );
}

#[test]
fn an_error_is_its_kind_command_address_and_cause() {
    let error = snapshot().complete().unwrap_err();
    assert_eq!(
        value(&error),
        json!({
            "kind": "incomplete",
            "message": "1 of 3 processes did not answer: /run/3.sock: closed without an answer",
        })
    );
    let error = Error::from("/run/\n".parse::<Address>().unwrap_err()).with_command("show info");
    let error = error.with_address("/run/1.sock".parse().unwrap());
    assert_eq!(
        value(&error),
        json!({
            "kind": "invalid_input",
            "command": "show info",
            "address": "/run/1.sock",
            "message": "address \"/run/\\n\": it holds the control character '\\n'",
        })
    );
}

#[test]
fn outcomes_are_a_result_for_each_process() {
    let path = |n: u32| Path::new("/run").join(format!("{n}.sock"));
    let error = |kind, text: &str| Error::from_kind(kind, text).with_command("set weight");
    let outcomes: Outcomes<Change> = [
        Outcome::from_value("1", path(1), Change::Changed(None)),
        Outcome::from_value("2", path(2), Change::Unchanged("nothing changed".into())).with_host("b"),
        Outcome::from_absence("3", path(3), "No such server."),
        Outcome::from_error("4", path(4), error(ErrorKind::Refused, "no")),
        Outcome::from_error("5", path(5), error(ErrorKind::OutcomeUnknown, "closed without an answer")),
    ]
    .into_iter()
    .collect();
    assert_eq!(
        value(outcomes.clone().with_command("set weight")),
        json!({
            "command": "set weight",
            "outcomes": [
                {
                    "label": "1", "host": "localhost", "address": "/run/1.sock", "result": "ok",
                    "value": {"change": "changed"},
                },
                {
                    "label": "2", "host": "b", "address": "/run/2.sock", "result": "ok",
                    "value": {"change": "unchanged", "message": "nothing changed"},
                },
                {
                    "label": "3", "host": "localhost", "address": "/run/3.sock", "result": "absent",
                    "message": "No such server.",
                },
                {
                    "label": "4", "host": "localhost", "address": "/run/4.sock", "result": "failed",
                    "error": {
                        "kind": "refused", "command": "set weight", "address": "/run/4.sock", "message": "no",
                    },
                },
                {
                    "label": "5", "host": "localhost", "address": "/run/5.sock", "result": "unknown",
                    "error": {
                        "kind": "outcome_unknown", "command": "set weight", "address": "/run/5.sock",
                        "message": "closed without an answer",
                    },
                },
            ],
        })
    );
    let words: Vec<_> = outcomes.iter().map(Outcome::word).collect();
    assert_eq!(words, ["changed", "unchanged", "absent", "failed", "unknown"]);
    let numbers: Outcomes<u32> = [Outcome::from_value("1", path(1), 7)].into_iter().collect();
    assert_eq!(value(&numbers)["outcomes"][0]["value"], 7);
}

#[test]
fn outcomes_made_by_hand_are_judged_as_others_are() {
    let path = |n: u32| Path::new("/run").join(format!("{n}.sock"));
    let closed = || Error::from_kind(ErrorKind::Closed, "closed without an answer");
    let done = Outcome::from_value("1", path(1), Change::Changed(None));
    let failed = Outcome::from_error("2", path(2), closed());
    let collect = |outcomes: &[&Outcome<Change>]| -> Outcomes<Change> {
        outcomes.iter().map(|outcome| (*outcome).clone()).collect()
    };
    let error = collect(&[&done, &failed]).all().unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Incomplete);
    assert_eq!(error.to_string(), "1 of 2 processes failed: /run/2.sock: closed without an answer");
    assert_eq!(error.outcomes::<Change>().unwrap().get("1").unwrap().word(), "changed");
    let error = collect(&[&failed]).all().unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Closed);
    assert_eq!(error.to_string(), "/run/2.sock: closed without an answer");
    assert_eq!(collect(&[&done, &failed]).any().unwrap().len(), 2);
    let absent = Outcome::from_absence("3", path(3), "No such server.");
    assert_eq!(collect(&[&absent]).all().unwrap_err().kind(), ErrorKind::NotFound);
}

#[test]
fn a_clone_of_an_error_keeps_what_the_original_holds() {
    let error = snapshot().complete().unwrap_err();
    let clone = error.clone().with_command("show stat");
    assert_eq!((error.command(), clone.command()), (None, Some("show stat")));
    assert_eq!(clone.snapshot(), Some(&snapshot()));
    assert_eq!(clone.kind(), error.kind());
}

#[tokio::test]
async fn an_object_of_a_cluster_is_written_as_the_one_of_its_snapshot() {
    let running = mixed_cluster().await;
    let cluster = Cluster::from_dir(running.stats()).await.unwrap();
    let server = cluster.server("app", "app1").await.unwrap();
    let json = value(&server);
    assert_eq!(json, value(server.snapshot().server("app", "app1").unwrap()));
    assert_eq!(json["processes"].as_array().unwrap().len(), running.processes());
    let figures = server.metrics();
    assert_eq!(json["metrics"].as_object().unwrap().len(), figures.len());
    for (name, figure) in figures {
        assert_eq!(json["metrics"][name], value(figure), "{name}");
    }
}

#[tokio::test]
async fn every_cell_of_every_release_is_written() {
    for release in support::releases() {
        let running = zoo(&release).await;
        zoo_settled(&running).await;
        let snapshot = Cluster::from_dir(running.stats()).await.unwrap().snapshot().await.unwrap();
        for row in snapshot.processes()[0].stat().unwrap().rows() {
            let json = value(row);
            let json = json.as_object().unwrap();
            let cells: Vec<_> = row.cells().filter(|(_, cell)| !cell.is_empty()).collect();
            assert_eq!(json.len(), cells.len());
            for (name, cell) in cells {
                let text = match &json[name] {
                    Value::String(text) => text.clone(),
                    number => number.to_string(),
                };
                assert_eq!(text, cell, "HAProxy {}, {name}", release.version);
            }
            assert!(json["type"].is_u64() && json["pxname"].is_string());
        }
    }
}
