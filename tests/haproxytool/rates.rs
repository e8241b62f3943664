use std::time::Duration;

use serde_json::Value;
use tokio::io::{AsyncBufReadExt as _, BufReader};
use tokio::time::timeout;

use super::site::{Site, errors, text};

impl Site {
    pub(crate) async fn rates(&self) {
        // Its address does not answer any more, and each request to it would take seconds.
        self.changed(&["server", "maint", "app/web2"]).await;
        let mut child = self.start(&["rates", "--every", "0.2", "--json"]);
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        // A request and its response may end in different intervals.
        let (mut requests, mut bytes) = (false, false);
        while !requests || !bytes {
            for n in 1..=self.releases.len() {
                self.running.send("web", n, "/", 1).await;
            }
            let line = timeout(Duration::from_secs(30), lines.next_line()).await.unwrap().unwrap().unwrap();
            let line: Value = serde_json::from_str(&line).unwrap();
            self.check_rates(&line);
            requests |= line["frontends"]["web"]["requests"].as_f64().unwrap() > 0.0;
            bytes |= line["backends"]["app"]["bytes_out"].as_f64().unwrap() > 0.0;
        }
        // A reader that has read enough ends the tool.
        drop(lines);
        let output = timeout(Duration::from_secs(30), child.wait_with_output()).await.unwrap().unwrap();
        assert_eq!((output.status.code(), errors(&output)), (Some(0), String::new()));

        let shown = text(&self.run(&["rates", "--every", "0.2s", "--count", "2", "--json"]).await);
        assert_eq!(shown.lines().count(), 2, "{shown}");
        shown.lines().for_each(|line| self.check_rates(&serde_json::from_str(line).unwrap()));

        let shown = text(&self.run(&["rates", "--every", "0.1", "--count", "1"]).await);
        let lines: Vec<&str> = shown.lines().collect();
        let processes = if self.releases.len() == 1 {
            "1 process"
        } else {
            &format!("{} processes", self.releases.len())
        };
        assert!(lines[0].contains(" s, ") && lines[0].ends_with(processes), "{shown}");
        let head: Vec<_> = lines[1].split_whitespace().collect();
        assert_eq!(
            head,
            ["KIND", "NAME", "REQUESTS/S", "SESSIONS/S", "BYTES", "IN/S", "BYTES", "OUT/S", "ERRORS/S"]
        );
        assert!(lines.iter().any(|line| line.starts_with("frontend  web ")), "{shown}");
        assert!(lines.iter().any(|line| line.starts_with("backend   app ")), "{shown}");

        for (option, word) in [("--every", "soon"), ("--every", "0"), ("--count", "many")] {
            let output = self.run(&["rates", option, word]).await;
            assert_eq!(output.status.code(), Some(2), "{}", errors(&output));
        }
        self.changed(&["server", "ready", "app/web2"]).await;
    }

    fn check_rates(&self, line: &Value) {
        let processes = line["processes"].as_array().unwrap();
        let labels: Vec<_> = processes.iter().map(|one| one["label"].as_str().unwrap()).collect();
        assert_eq!(labels, self.labels());
        assert!(processes.iter().all(|one| one["standing"] == "counted"), "{line}");
        let microseconds = |name: &str| line["covers"][name].as_u64().unwrap();
        assert!(0 < microseconds("shortest") && microseconds("shortest") <= microseconds("longest"));
        for (kind, name) in [("frontends", "web"), ("backends", "app")] {
            for rate in ["requests", "sessions", "bytes_in", "bytes_out", "errors"] {
                assert!(line[kind][name][rate].as_f64().unwrap() >= 0.0, "{line}");
            }
        }
    }
}
