use serde_json::{Value, json};

use super::site::{Site, errors, results, text, tool_with, value};

impl Site {
    pub(crate) async fn map(&self) {
        let file = self.file("hosts.map");
        let list = self.read(&["map", "list"]).await;
        let number = self.number(&list, &file);
        assert_eq!(self.read(&["map", "show", &file]).await, json!(["a.example app", "b.example other"]));
        assert_eq!(self.read(&["map", "show", &number]).await, json!(["a.example app", "b.example other"]));
        assert_eq!(self.read(&["map", "count", &file]).await, 2);
        let found = self.read(&["map", "get", &file, "a.example"]).await;
        let found = ["found", "key", "value"].map(|name| found[name].clone());
        assert_eq!(found, [json!(true), json!("a.example"), json!("app")]);
        let found = self.read(&["map", "get", &file, "none"]).await;
        assert_eq!((&found["found"], &found["value"]), (&json!(false), &Value::Null));

        self.changed(&["map", "add", &file, "c d;e", "v w"]).await;
        self.all_have("map", &["a.example app", "b.example other", "c d;e v w"]).await;
        self.changed(&["map", "set", &file, "b.example", "new"]).await;
        self.all_have("map", &["a.example app", "b.example new", "c d;e v w"]).await;
        self.changed(&["map", "delete", &file, "c d;e"]).await;
        self.all_have("map", &["a.example app", "b.example new"]).await;
        let output = self.run(&["map", "delete", &file, "none"]).await;
        assert_eq!((output.status.code(), errors(&output)), (Some(1), String::new()));

        self.changed(&["map", "add", &file, "e.example", "x"]).await;
        self.changed(&["map", "add", &file, "f.example", "y"]).await;
        self.changed(&["map", "delete", &file, "e.example", "f.example", "none"]).await;
        self.all_have("map", &["a.example app", "b.example new"]).await;

        let lines = "# more\nx.example  one two\n\n  y.example\tthree \t\r\n";
        let more = self.file("more.map");
        std::fs::write(&more, lines).unwrap();
        let with_more = ["a.example app", "b.example new", "x.example one two", "y.example three"];
        self.changed(&["map", "add-all", &file, &more]).await;
        self.all_have("map", &with_more).await;
        let held = self.file("held.map");
        std::fs::write(&held, "a.example app\nb.example new\nx.example 1\nz.example\ttwo\n").unwrap();
        let plan = self.read(&["map", "sync", &file, &held, "--plan"]).await;
        for label in self.labels() {
            assert_eq!(plan[&label]["add"], json!(["x.example 1", "z.example two"]), "{plan}");
            assert_eq!(plan[&label]["delete"], json!(["x.example one two", "y.example three"]));
        }
        let output = self.run(&["map", "sync", &file, &held, "--plan"]).await;
        assert!(text(&output).contains("\n- y.example three\n+ x.example 1\n"), "{}", text(&output));
        self.all_have("map", &with_more).await;
        self.changed(&["map", "sync", &file, &held]).await;
        let synced = ["a.example app", "b.example new", "x.example 1", "z.example two"];
        self.all_have("map", &synced).await;
        assert_eq!(results(&self.read(&["map", "sync", &file, &held]).await), self.everywhere("unchanged"));
        self.mirrors("map", &file, &held, "a.example app\nb.example new\nx.example 1\nz.example two\n").await;
        let output = self.run(&["--json", "map", "replace", &file, &more]).await;
        if self.can_replace() {
            assert_eq!(results(&value(&output)), self.everywhere("changed"));
            self.all_have("map", &with_more[2..]).await;
            let mirror = self.file("mirror");
            self.changed(&["map", "replace", &file, &more, "--mirror", &mirror]).await;
            let written = std::fs::read_to_string(&mirror).unwrap();
            assert_eq!(written, "x.example one two\ny.example three\n");
        } else {
            assert!(results(&value(&output)).contains(&"failed".to_owned()));
            self.all_have("map", &synced).await;
        }
        self.changed(&["map", "clear", &file]).await;
        self.all_have("map", &[]).await;
        assert_eq!(self.read(&["map", "show", &file]).await, json!([]));
        assert_eq!(self.read(&["map", "count", &file]).await, 0);
        for path in [&[][..], &["-"]] {
            let dir = self.running.stats();
            let given = ["-D", dir.to_str().unwrap(), "map", "add-all", &file];
            let output = tool_with(&[&given, path].concat(), lines).await;
            assert_eq!((output.status.code(), errors(&output)), (Some(0), String::new()));
            self.all_have("map", &with_more[2..]).await;
            self.changed(&["map", "clear", &file]).await;
        }
    }

    /// Checks the file that `sync` writes if all processes hold the entries already.
    async fn mirrors(&self, object: &str, file: &str, wanted: &str, expected: &str) {
        let mirror = self.file("mirror");
        let output = self.run(&[object, "sync", file, wanted, "--mirror", &mirror]).await;
        assert_eq!((output.status.code(), errors(&output)), (Some(0), String::new()));
        assert_eq!(std::fs::read_to_string(&mirror).unwrap(), expected);
        let output = self.run(&[object, "sync", file, wanted, "--mirror", &mirror, "--plan"]).await;
        assert_eq!(output.status.code(), Some(2));
        assert!(errors(&output).contains("sync: takes --plan or --mirror, not both"), "{}", errors(&output));
        let output = self.run(&[object, "sync", file, wanted, "--mirror", "/none/file"]).await;
        assert_eq!(output.status.code(), Some(1));
        assert!(errors(&output).contains("cannot write file /none/file: "), "{}", errors(&output));
    }

    pub(crate) async fn acl(&self) {
        let file = self.file("deny.acl");
        let list = self.read(&["acl", "list"]).await;
        let number = self.number(&list, &file);
        assert_eq!(self.read(&["acl", "show", &number]).await, json!(["192.0.2.0/24"]));
        assert_eq!(self.read(&["acl", "count", &file]).await, 1);
        let found = self.read(&["acl", "get", &file, "192.0.2.7"]).await;
        assert_eq!(found["found"], true);
        assert_eq!(self.read(&["acl", "get", &file, "192.0.3.7"]).await["found"], false);

        self.changed(&["acl", "add", &file, "198.51.100.7"]).await;
        self.all_have("acl", &["192.0.2.0/24", "198.51.100.7"]).await;
        self.changed(&["acl", "delete", &file, "198.51.100.7"]).await;
        self.all_have("acl", &["192.0.2.0/24"]).await;
        let more = self.file("more.acl");
        std::fs::write(&more, "# more\n203.0.113.1\n\n 203.0.113.2\n").unwrap();
        self.changed(&["acl", "add-all", &number, &more]).await;
        self.all_have("acl", &["192.0.2.0/24", "203.0.113.1", "203.0.113.2"]).await;
        self.changed(&["acl", "delete", &file, "203.0.113.1", "203.0.113.2"]).await;
        let plan = self.read(&["acl", "sync", &file, &more, "--plan"]).await;
        assert_eq!(plan[&self.labels()[0]]["add"], json!(["203.0.113.1", "203.0.113.2"]));
        self.changed(&["acl", "sync", &file, &more]).await;
        self.all_have("acl", &["203.0.113.1", "203.0.113.2"]).await;
        self.mirrors("acl", &file, &more, "203.0.113.1\n203.0.113.2\n").await;
        std::fs::write(&more, "192.0.2.9\n").unwrap();
        let output = self.run(&["--json", "acl", "replace", &file, &more]).await;
        let replaced = ("changed", &["192.0.2.9"][..]);
        let left = ("failed", &["203.0.113.1", "203.0.113.2"][..]);
        let (word, held) = if self.can_replace() { replaced } else { left };
        assert!(results(&value(&output)).contains(&word.to_owned()));
        self.all_have("acl", held).await;
        self.changed(&["acl", "clear", &file]).await;
        self.all_have("acl", &[]).await;
        let output = self.run(&["--json", "acl", "add", &file, "no address"]).await;
        assert_eq!((output.status.code(), errors(&output)), (Some(1), String::new()));
        assert_eq!(results(&value(&output)), vec!["failed"; self.releases.len()]);
    }
}
