use serde_json::json;

use super::site::Site;
use super::support::rows;

impl Site {
    pub(crate) async fn frontend(&self) {
        assert_eq!(self.read(&["frontend", "list"]).await, json!(["web", "api", "old"]));
        assert_eq!(self.read(&["frontend", "status", "api"]).await, json!({"api": "OPEN"}));
        let requests: u64 = self.numbers("web", "FRONTEND", "req_tot").await.iter().sum();
        assert!(requests >= 3);
        let of_web = json!({"web": requests});
        assert_eq!(self.read(&["frontend", "requests", "web"]).await, of_web);
        assert_eq!(self.read(&["frontend", "metric", "web", "req_tot"]).await, of_web);
        let all = self.read(&["frontend", "metric", "req_tot"]).await;
        assert_eq!(all, json!({"web": requests, "api": 0, "old": 0}));
        let labels = self.read(&["frontend", "process", "web", "api"]).await;
        assert_eq!(labels, json!({"web": self.labels(), "api": self.labels()}));
        let iid = self.numbers("web", "FRONTEND", "iid").await;
        self.agrees(&["frontend", "iid", "web"], "web", &iid).await;
        let names = self.read(&["frontend", "metrics"]).await;
        assert!(names.as_array().unwrap().contains(&"req_tot".into()));

        assert_eq!(self.read(&["frontend", "maxconn", "web"]).await["web"]["each"], 100);
        self.changed(&["frontend", "maxconn", "web", "50"]).await;
        self.all_say("web", "FRONTEND", "slim", "50").await;
        assert_eq!(self.read(&["frontend", "maxconn", "web"]).await["web"]["each"], 50);
        self.changed(&["frontend", "set", "web", "maxconn", "60"]).await;
        self.all_say("web", "FRONTEND", "slim", "60").await;

        self.changed(&["frontend", "disable", "web"]).await;
        self.all_are_open("web", false).await;
        self.all_are_open("api", true).await;
        self.changed(&["frontend", "enable", "web"]).await;
        self.all_are_open("web", true).await;
        for (action, open) in [("disable", false), ("enable", true)] {
            let changes = self.read(&["frontend", action, "--all"]).await;
            assert_eq!(changes.as_array().unwrap().len(), 3);
            for name in ["web", "api", "old"] {
                self.all_are_open(name, open).await;
            }
        }
    }

    pub(crate) async fn shut_down(&self) {
        let maxima = self.numbers("web", "FRONTEND", "smax").await;
        assert!(maxima.iter().all(|most| *most > 0), "{maxima:?}");
        self.changed(&["process", "clear", "max"]).await;
        self.all_say("web", "FRONTEND", "smax", "0").await;
        assert!(self.numbers("web", "FRONTEND", "req_tot").await.iter().all(|requests| *requests > 0));
        self.changed(&["process", "clear", "all"]).await;
        self.all_say("web", "FRONTEND", "req_tot", "0").await;

        self.changed(&["frontend", "shutdown", "old"]).await;
        for (release, socket) in self.releases.iter().zip(self.running.sockets()) {
            let old = rows(socket).await.into_iter().find(|row| row.is("old", "FRONTEND"));
            let status = old.as_ref().map(|row| row.cell("status"));
            assert_eq!(status, release.is_at_least("2.6").then_some("STOP"), "{}", release.version);
        }
    }
}
