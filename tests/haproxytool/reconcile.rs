use serde_json::{Value, json};

use super::site::{Site, errors, text, tool_with, value};
use super::support::{ask, every_state};

impl Site {
    pub(crate) async fn reconcile(&self) {
        let output = self.run(&["drift"]).await;
        assert_eq!(output.status.code(), Some(0), "{}{}", text(&output), errors(&output));
        ask(self.running.socket(1), "set server app/web1 state drain").await;
        let output = self.run(&["drift", "--like", "1", "--json"]).await;
        assert_eq!((output.status.code(), errors(&output)), (Some(3), String::new()));
        let plans = value(&output);
        assert_eq!(plans["1"]["steps"], json!([]));
        for label in self.labels().iter().skip(1) {
            let step = &plans[label]["steps"][0];
            assert_eq!((&step["server"], &step["to"]), (&"web1".into(), &"drain".into()), "{plans}");
        }
        let output = self.run(&["drift", "--like", "x"]).await;
        assert_eq!(output.status.code(), Some(1), "{}", text(&output));

        let file = self.file("desired.json");
        let entries: Vec<Value> = vec![json!(["a.example", "app"]), json!(["b.example", "other"])];
        let desired = json!({
            "backends": [{"name": "app", "servers": [{"name": "web1", "state": "ready"}]}],
            "maps": [{"id": self.file("hosts.map"), "entries": entries}],
        });
        std::fs::write(&file, desired.to_string()).unwrap();
        let output = self.run(&["plan", &file]).await;
        assert_eq!((output.status.code(), errors(&output)), (Some(3), String::new()));
        assert!(text(&output).contains("needed  app/web1: state drain -> ready"), "{}", text(&output));
        let output = self.run(&["apply", &file, "--up-within", "30", "--min-healthy", "0"]).await;
        assert_eq!(output.status.code(), Some(0), "{}{}", text(&output), errors(&output));
        assert!(text(&output).contains("done    app/web1: state drain -> ready"), "{}", text(&output));
        assert!(errors(&output).contains("1: app/web1: state drain -> ready\n"), "{}", errors(&output));
        let states = every_state(&self.running, "app", "web1", "srv_admin_state").await;
        assert_eq!(states, self.everywhere("0"));
        for action in ["plan", "apply"] {
            let read = self.read(&[action, &file]).await;
            assert!(read.as_object().unwrap().values().all(|plan| plan["steps"] == json!([])), "{read}");
        }
        let dir = self.running.stats().display().to_string();
        let output = tool_with(&["-D", &dir, "plan", "-"], &desired.to_string()).await;
        assert_eq!((output.status.code(), errors(&output)), (Some(0), String::new()));
        self.states_that_are_wrong(&file).await;
    }

    async fn states_that_are_wrong(&self, file: &str) {
        let damaged = self.file("damaged.json");
        for (state, code, message) in [
            ("{\"backend\": []}", 1, "unknown field `backend`"),
            ("{\"backends\": [{\"name\": \"a b\"}]}", 2, "a b"),
            ("{\"backends\": [{\"name\": \"nope\"}]}", 1, "no such backend nope"),
        ] {
            std::fs::write(&damaged, state).unwrap();
            for action in ["plan", "apply"] {
                let output = self.run(&[action, &damaged]).await;
                assert_eq!(output.status.code(), Some(code), "{}", errors(&output));
                assert!(errors(&output).contains(message), "{}", errors(&output));
            }
        }
        let output = self.run(&["plan", &self.file("absent.json")]).await;
        assert_eq!(output.status.code(), Some(1), "{}", errors(&output));
        for words in [&["--max-unavailable", "x"][..], &["--min-healthy", "-1"], &["--drain", "x"]] {
            let output = self.run(&[&["apply", file], words].concat()).await;
            assert_eq!(output.status.code(), Some(2), "{}", errors(&output));
        }
    }
}
