//! The actions on stick tables.

use serde_json::json;

use super::site::{Site, errors, text};

impl Site {
    pub(crate) async fn table(&self) {
        let lists = self.read(&["table", "list"]).await;
        for label in self.labels() {
            let expected = json!([{"name": "static", "key_type": "string", "size": 100, "used": 0}]);
            assert_eq!(lists[&label], expected, "{lists}");
        }
        self.changed(&["table", "set", "static", "a b", "gpc0", "5"]).await;
        self.changed(&["table", "set", "static", "c", "gpc0", "7"]).await;
        let keys = async |arguments: &[&str]| {
            let shown = self.read(&[&["table", "show", "static"], arguments].concat()).await;
            let keys = |label: &String| {
                let entries = shown[label].as_array().unwrap().iter();
                let mut keys: Vec<_> =
                    entries.map(|entry| entry["key"].as_str().unwrap().to_owned()).collect();
                keys.sort();
                keys.join(",")
            };
            self.labels().iter().map(keys).collect::<Vec<_>>()
        };
        assert_eq!(keys(&[]).await, self.everywhere("a b,c"));
        assert_eq!(keys(&["--key", "a b"]).await, self.everywhere("a b"));
        assert_eq!(keys(&["--data", "gpc0", "gt", "5"]).await, self.everywhere("c"));
        let between = ["--data", "gpc0", "ge", "5", "--data", "gpc0", "lt", "7"];
        assert_eq!(keys(&between).await, self.everywhere("a b"));
        let shown = self.read(&["table", "show", "static", "--key", "c"]).await;
        let data = json!([
            {"name": "gpc0", "period_ms": null, "value": 7},
            {"name": "http_req_rate", "period_ms": 10_000, "value": 0},
        ]);
        assert_eq!(shown["1"][0]["data"], data, "{shown}");
        let table = text(&self.run(&["table", "show", "static"]).await);
        assert!(table.contains("gpc0=7 http_req_rate(10s)=0"), "{table}");

        self.changed(&["table", "clear", "static", "--key", "a b"]).await;
        assert_eq!(keys(&[]).await, self.everywhere("c"));
        self.changed(&["table", "clear", "static", "--data", "gpc0", "eq", "1"]).await;
        assert_eq!(keys(&[]).await, self.everywhere("c"));
        self.changed(&["table", "clear", "static"]).await;
        assert_eq!(keys(&[]).await, self.everywhere(""));

        for (arguments, said) in [
            (
                &["show", "static", "--data", "gpc0", "above", "1"][..],
                "expected eq or ne or le or ge or lt or gt",
            ),
            (&["show", "static", "--data", "gpc0", "gt", "x"], "expected a whole number"),
            (&["clear", "static", "--key", "a", "--data", "gpc0", "gt", "1"], "--key or --data"),
            (&["set", "static", "a", "gpc0", "1", "gpc1"], "expected a value"),
        ] {
            let output = self.run(&[&["table"], arguments].concat()).await;
            assert_eq!(output.status.code(), Some(2), "{arguments:?}: {}", errors(&output));
            assert!(errors(&output).contains(said), "{}", errors(&output));
        }
    }
}
