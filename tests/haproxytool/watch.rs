use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;
use tokio::io::{AsyncBufReadExt as _, BufReader};
use tokio::process::Child;
use tokio::time::timeout;

use super::site::{Site, errors};
use super::support::ask;

const LIMIT: Duration = Duration::from_secs(20);

impl Site {
    pub(crate) async fn watch(&self) {
        let mut child = self.start(&["watch", "--every", "0.05", "--json"]);
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        wait_for_start(&mut child).await;
        for (state, from) in [("drain", "ready"), ("ready", "drain")] {
            ask(self.running.socket(1), &format!("set server app/web2 state {state}")).await;
            let event = loop {
                let line = timeout(LIMIT, lines.next_line()).await.unwrap().unwrap().unwrap();
                let event: Value = serde_json::from_str(&line).unwrap();
                if event["event"] == "administrative" {
                    break event;
                }
            };
            assert!(event["at"].as_u64().unwrap() > 1_700_000_000_000_000, "{event}");
            assert_eq!((&event["process"], &event["server"]), (&"1".into(), &"web2".into()), "{event}");
            assert_eq!((&event["from"], &event["to"]), (&from.into(), &state.into()), "{event}");
        }
        kill_process(Pid::from_raw(child.id().unwrap().try_into().unwrap()).unwrap(), Signal::INT).unwrap();
        assert!(timeout(LIMIT, child.wait()).await.unwrap().unwrap().success());

        // A reader that has read enough ends the tool, also if no event follows.
        let mut child = self.start(&["watch", "--every", "0.05s", "--ring", "requests"]);
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        wait_for_start(&mut child).await;
        ask(self.running.socket(1), "set server app/web2 state maint").await;
        loop {
            let line = timeout(LIMIT, lines.next_line()).await.unwrap().unwrap().unwrap();
            let (time, event) = line.split_once(' ').unwrap();
            assert!(time.starts_with("20") && time.ends_with('Z') && time.len() == 24, "{line}");
            if event == "1: app/web2: ready -> maint" {
                break;
            }
            assert!(event.contains(": ring followed"), "{line}");
        }
        drop(lines);
        let output = timeout(LIMIT, child.wait_with_output()).await.unwrap().unwrap();
        assert_eq!((output.status.code(), errors(&output)), (Some(0), String::new()));
        ask(self.running.socket(1), "set server app/web2 state ready").await;

        let output = self.run(&["watch", "--every", "0"]).await;
        assert_eq!(output.status.code(), Some(2), "{}", errors(&output));
    }
}

/// Waits until the tool has read everything once.
async fn wait_for_start(child: &mut Child) {
    let mut lines = BufReader::new(child.stderr.take().unwrap()).lines();
    let line = timeout(LIMIT, lines.next_line()).await.unwrap().unwrap().unwrap();
    assert!(line.starts_with("watching 1 running"), "{line}");
}
