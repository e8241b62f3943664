use std::fs;

use super::site::{Site, errors, text, value};
use super::support::{Config, Running, info, until};

impl Site {
    /// Runs the actions on masters of their own, one of each release of the site.
    pub(crate) async fn master(&self) {
        for release in &self.releases {
            let mut running = Running::new();
            let socket = running.add_master(release, "pair", &Config::new(CONFIG)).await;
            let socket = socket.to_str().unwrap();
            let pid = info(running.socket(1)).await["Pid"].clone();
            let list = self.read(&["master", "processes", socket]).await;
            assert_eq!(list["workers"][0]["pid"].to_string(), pid, "{list}");
            assert_eq!(list["master"]["pid"], running.haproxies[0].pid(2));

            let workers = self.read(&["-M", socket, "process", "list"]).await;
            assert!(workers.to_string().contains("\"master\""), "{workers}");
            let output = self.run(&["master", "command", socket, &pid, "show info"]).await;
            assert!(text(&output).contains(&format!("\nPid: {pid}\n")), "{}", errors(&output));
            let output = self.run(&["master", "command", socket, &pid, "bogus"]).await;
            assert_eq!(output.status.code(), Some(1));
            assert!(text(&output).contains("Unknown command") && errors(&output).contains("unknown command"));
            let output = self.run(&["master", "command", socket, "x", "show info"]).await;
            assert_eq!(output.status.code(), Some(2), "{}", errors(&output));

            let path = running.dir().join("pair.cfg");
            let config = fs::read_to_string(&path).unwrap();
            fs::write(&path, config.clone() + "    bogus\n").unwrap();
            let output = self.run(&["--json", "master", "reload", socket]).await;
            assert_eq!(output.status.code(), Some(1));
            let error: serde_json::Value = serde_json::from_str(errors(&output).trim()).unwrap();
            assert!(error.to_string().contains(&format!("in worker {pid}")), "{error}");
            let table = self.run(&["master", "processes", socket]).await;
            assert!(text(&table).contains(&pid) && errors(&table).contains("the last reload failed"));

            fs::write(&path, config).unwrap();
            let output = self.run(&["--json", "master", "reload", socket]).await;
            assert_eq!(output.status.code(), Some(0), "{}", errors(&output));
            let new = value(&output)["workers"][0]["pid"].to_string();
            assert_ne!(new, pid);
            let answers = async || (info(running.socket(1)).await["Pid"] == new).then_some(());
            until("the new worker answers", answers).await;
        }
        let output = self.run(&["--demo", "master", "processes", "/nowhere"]).await;
        assert_eq!(output.status.code(), Some(2), "{}", errors(&output));
        let output = self.run(&["master", "processes", "/nowhere/master.sock"]).await;
        assert_eq!(output.status.code(), Some(1), "{}", errors(&output));
    }
}

const CONFIG: &str = r#"
global
    nbthread 1
    stats socket "unix@${DIR}/stats/worker.sock" mode 600 level admin expose-fd listeners
defaults
    mode http
    timeout connect 1s
    timeout client 30s
    timeout server 30s
frontend web
    bind "unix@${DIR}/traffic/web.1"
"#;
