use serde_json::{Value, json};

use super::site::{Site, errors, value};
use super::support::{every_info, info};

impl Site {
    pub(crate) async fn process(&self) {
        let mut infos = Vec::new();
        for socket in self.running.sockets() {
            infos.push(info(socket).await);
        }
        let list = self.read(&["process", "list"]).await;
        let pids = self.read(&["process", "pids"]).await;
        let versions = self.read(&["process", "version"]).await;
        let nodes = self.read(&["process", "node"]).await;
        let seconds = self.read(&["process", "uptime-seconds"]).await;
        let words = self.read(&["process", "uptime"]).await;
        let released = self.read(&["process", "released"]).await;
        for ((n, label), own) in self.labels().into_iter().enumerate().zip(&infos) {
            let pid: u64 = own["Pid"].parse().unwrap();
            assert_eq!(
                list[n],
                json!({
                    "label": label, "version": own["Version"], "pid": pid, "level": "admin",
                    "address": self.running.socket(n + 1),
                })
            );
            assert_eq!(pids[&label], pid);
            assert_eq!(nodes[&label], own["node"]);
            let is_of = |all: &Value, key: &str| *all == own[key] || all[&label] == own[key];
            assert!(is_of(&versions, "Version") && is_of(&released, "Release_date"));
            let up: u64 = own["Uptime_sec"].parse().unwrap();
            assert!(seconds[&label].as_u64().unwrap() - up <= 30);
            assert!(words[&label].as_str().unwrap().starts_with("0d 0h"));
        }
        // `CumReq` counts the commands of this test too.
        let requests = async || {
            every_info(&self.running, "CumReq")
                .await
                .iter()
                .map(|own| own.parse::<u64>().unwrap())
                .sum::<u64>()
        };
        let before = requests().await;
        let read = [
            self.read(&["process", "requests"]).await,
            self.read(&["process", "metric", "CumReq"]).await,
            self.read(&["process", "info"]).await["CumReq"].clone(),
        ];
        let after = requests().await;
        let read = read.map(|requests| requests.as_u64().unwrap());
        assert!(before < read[0] && read.is_sorted() && read[2] < after, "{before} {read:?} {after}");
        assert_eq!(self.read(&["process", "description"]).await, "a site, and more");
        let names = self.read(&["process", "metrics"]).await;
        assert!(names.as_array().unwrap().contains(&"CumReq".into()));

        for proxy in [&[][..], &["web"]] {
            let shown = self.read(&[&["process", "errors"], proxy].concat()).await;
            for label in self.labels() {
                assert!(shown[&label].as_str().unwrap().starts_with("Total events captured on ["));
            }
        }
        for (report, word) in [("threads", "Thread 1 "), ("sess-all", "frontend=GLOBAL"), ("env", "PATH=")] {
            let shown = self.read(&["process", "show", report]).await;
            for label in self.labels() {
                assert!(shown[&label].as_str().unwrap().contains(word), "{report}");
            }
        }
        let output = self.run(&["process", "show", "nope"]).await;
        assert_eq!(output.status.code(), Some(2), "{}", errors(&output));
        let output = self.run(&["command", "show version", "--json"]).await;
        let all_know = infos.iter().all(|own| !own["Version"].starts_with("2.2"));
        assert_eq!(
            (output.status.code(), errors(&output).is_empty()),
            (Some(i32::from(!all_know)), all_know),
            "{}",
            errors(&output)
        );
        let shown = value(&output);
        for (label, own) in self.labels().iter().zip(&infos) {
            let said = shown[label].as_str().unwrap();
            let knows = !own["Version"].starts_with("2.2");
            assert!(
                if knows { own["Version"] == said.trim_end() } else { said.starts_with("Unknown command") },
                "{said}"
            );
        }

        assert_eq!(self.read(&["process", "maxconn"]).await["each"], 200);
        self.changed(&["process", "maxconn", "150"]).await;
        assert_eq!(every_info(&self.running, "Maxconn").await, self.everywhere("150"));
        assert_eq!(self.read(&["process", "maxconn"]).await["each"], 150);
        for (what, key, limit, shown) in [
            ("connections", "ConnRateLimit", "70", "70"),
            ("sessions", "SessRateLimit", "100", "100"),
            ("ssl-sessions", "SslRateLimit", "90", "90"),
            ("http-compression", "CompressBpsRateLim", "10", "10240"),
        ] {
            self.changed(&["process", "ratelimit", what, limit]).await;
            assert_eq!(every_info(&self.running, key).await, self.everywhere(shown));
            let read = self.read(&["process", "ratelimit", what]).await;
            assert_eq!(read[what]["each"].to_string(), shown);
            self.changed(&["process", "ratelimit", what, "0"]).await;
        }
        let read = self.read(&["process", "ratelimit"]).await;
        assert_eq!(read.as_object().unwrap().len(), 4);
    }
}
