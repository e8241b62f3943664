use serde_json::Value;

use super::site::{Site, errors, text};
use super::support::{hold, until};

impl Site {
    pub(crate) async fn session(&self) {
        for action in ["session", "backend"] {
            let mut requests = Vec::new();
            for n in 1..=self.releases.len() {
                requests.push(hold(self.running.traffic("api", n), "/hold").await);
            }
            until("the sessions are listed", async || {
                (self.held().await.len() == self.releases.len()).then_some(())
            })
            .await;
            let held = self.held().await;
            assert_eq!(held.iter().map(|(label, _)| label.clone()).collect::<Vec<_>>(), self.labels());
            let counts = self.read(&["session", "count"]).await;
            assert!(self.labels().iter().all(|label| counts[label].as_u64().unwrap() >= 2), "{counts}");
            let table = text(&self.run(&["session", "list"]).await);
            assert!(held.iter().all(|(_, id)| table.contains(id)), "{table}");
            if action == "backend" {
                self.changed(&["backend", "shutdown-sessions", "static"]).await;
            } else {
                for (label, id) in &held {
                    let outcome = self.read(&["--only", label, "session", "shutdown", id]).await;
                    assert!(outcome.to_string().contains("changed"), "{outcome}");
                }
            }
            until("the sessions are gone", async || self.held().await.is_empty().then_some(())).await;
        }
        let output = self.run(&["session", "shutdown", "0x1"]).await;
        assert_eq!(output.status.code(), Some(1), "{}", errors(&output));
        let output = self.run(&["session", "shutdown", "0x"]).await;
        assert_eq!(output.status.code(), Some(2), "{}", errors(&output));
    }

    /// Returns the label and the id of each session on the server of the test.
    async fn held(&self) -> Vec<(String, String)> {
        let lists = self.read(&["session", "list"]).await;
        let is_held = |session: &&Value| session["backend"] == "static" && session["server"] == "web1";
        let ids = |label: &String| {
            let sessions = lists[label].as_array().unwrap().iter().filter(is_held);
            sessions.map(|session| session["id"].as_str().unwrap().to_owned()).collect::<Vec<_>>()
        };
        let labels = self.labels().into_iter();
        labels.flat_map(|label| ids(&label).into_iter().map(move |id| (label.clone(), id))).collect()
    }
}
