use serde_json::json;

use super::site::{SERVERS, Site, errors, results, value};
use super::support::{Release, every_cell};

impl Site {
    pub(crate) async fn backend(&self) {
        assert_eq!(self.read(&["backend", "list"]).await, json!(["app", "static", "tls"]));
        assert_eq!(
            self.read(&["backend", "servers", "static", "tls"]).await,
            json!({"static": ["web1"], "tls": ["t1"]})
        );
        assert_eq!(self.read(&["backend", "status", "app"]).await, json!({"app": "UP"}));
        let requests: u64 = self.numbers("app", "BACKEND", "stot").await.iter().sum();
        assert_eq!(self.read(&["backend", "requests", "app"]).await, json!({"app": requests}));
        assert_eq!(self.read(&["backend", "metric", "app", "stot"]).await, json!({"app": requests}));
        assert_eq!(self.read(&["backend", "process", "app"]).await, json!({"app": self.labels()}));
        let iid = self.numbers("app", "BACKEND", "iid").await;
        self.agrees(&["backend", "iid", "app"], "app", &iid).await;
        let names = self.read(&["backend", "metrics"]).await;
        assert!(names.as_array().unwrap().contains(&"lbtot".into()));
        let states = self.read(&["backend", "states", "static"]).await;
        for label in self.labels() {
            assert_eq!(states["static/web1"][&label]["wanted"], "ready");
            assert_eq!(states["static/web1"][&label]["found"], "running");
        }
        let states = self.read(&["backend", "states"]).await;
        assert_eq!(states.as_object().unwrap().len(), SERVERS.len());
    }

    pub(crate) async fn backend_additions(&self) {
        let is_new = |release: &Release| release.is_at_least("3.4");
        let word = |release: &Release| if is_new(release) { "changed" } else { "failed" };
        let words: Vec<_> = self.releases.iter().map(word).collect();
        let code = i32::from(words.contains(&"failed"));
        for (arguments, status) in [
            (&["add", "new", "--from", "base", "--mode", "tcp", "--guid", "g"][..], "UP (UNPUB)"),
            (&["publish", "new"], "UP"),
            (&["unpublish", "new"], "UP (UNPUB)"),
            (&["delete", "new", "--drain", "5"], ""),
        ] {
            let output = self.run(&[&["backend"], arguments, &["--json"]].concat()).await;
            assert_eq!((output.status.code(), errors(&output)), (Some(code), String::new()), "{arguments:?}");
            assert_eq!(results(&value(&output)), words, "{arguments:?}");
            let status = |release: &Release| if is_new(release) { status } else { "" };
            let expected: Vec<_> = self.releases.iter().map(status).collect();
            assert_eq!(every_cell(&self.running, "new", "BACKEND", "status").await, expected);
        }
        for wrong in [
            &["add", "new"][..],
            &["add", "--from", "base"],
            &["add", "new", "--from", "base", "--mode", "spop"],
            &["add", "new", "--from", "base", "--guid", "a,b"],
            &["publish"],
            &["delete", "new", "--force"],
        ] {
            let output = self.run(&[&["backend"], wrong].concat()).await;
            assert_eq!(output.status.code(), Some(2), "{wrong:?}: {}", errors(&output));
        }
    }

    pub(crate) async fn dump(&self) {
        let requests: u64 = self.numbers("web", "FRONTEND", "req_tot").await.iter().sum();
        let frontends = self.read(&["dump", "frontends"]).await;
        assert_eq!(frontends["web"]["req_tot"], requests);
        assert_eq!(frontends["old"]["status"], "OPEN");
        let backends = self.read(&["dump", "backends"]).await;
        assert_eq!(backends["app"]["stot"], requests);
        let servers = self.read(&["dump", "servers"]).await;
        assert_eq!(servers.as_object().unwrap().len(), SERVERS.len());
        assert_eq!(servers["app/web1"]["weight"], 7);
    }
}
