use std::time::Duration;

use serde_json::Value;
use tokio::io::{AsyncBufReadExt as _, BufReader};
use tokio::time::timeout;

use super::site::{Site, errors, text};

impl Site {
    pub(crate) async fn events(&self) {
        let rings = self.read(&["events", "list"]).await;
        for label in self.labels() {
            let names: Vec<_> = rings[&label].as_array().unwrap().iter().map(|ring| &ring["name"]).collect();
            assert!(names.iter().any(|name| **name == "requests"), "{rings}");
        }
        assert!(text(&self.run(&["events", "list"]).await).contains("requests"));
        let output = self.run(&["events", "show", "nope"]).await;
        assert_eq!(output.status.code(), Some(1), "{}", errors(&output));

        let mut child = self.start(&["events", "follow", "requests", "--json"]);
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        // The tool may not follow yet when a request is sent.
        let line = loop {
            self.running.send("web", 1, "/followed", 1).await;
            match timeout(Duration::from_millis(200), lines.next_line()).await {
                Ok(line) => break line.unwrap().unwrap(),
                Err(_) => assert!(child.try_wait().unwrap().is_none(), "the tool goes on"),
            }
        };
        let news: Value = serde_json::from_str(&line).unwrap();
        assert_eq!(news["process"], "1");
        assert!(news["news"]["line"].as_str().unwrap().contains("/followed"), "{news}");
        child.kill().await.unwrap();

        // A reader that has read enough ends the tool, also if no event follows.
        let mut child = self.start(&["events", "follow", "requests"]);
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        while timeout(Duration::from_millis(200), lines.next_line()).await.is_err() {
            self.running.send("web", 1, "/read", 1).await;
        }
        drop(lines);
        let output = timeout(Duration::from_secs(10), child.wait_with_output()).await.unwrap().unwrap();
        assert_eq!((output.status.code(), errors(&output)), (Some(0), String::new()));

        let shown = self.read(&["events", "show", "requests"]).await;
        let lines = shown["1"].as_array().unwrap();
        assert!(lines.iter().any(|event| event["line"].as_str().unwrap().contains("/followed")), "{shown}");
        let shown = text(&self.run(&["events", "show", "requests"]).await);
        assert!(shown.lines().any(|line| line.starts_with("1: ") && line.contains("/followed")), "{shown}");
    }
}
