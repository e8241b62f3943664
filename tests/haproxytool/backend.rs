use serde_json::json;

use super::site::{SERVERS, Site};

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
