use serde_json::Value;

use super::site::{Site, errors, text, tool, value};
use super::support::{ask, every_state};

impl Site {
    pub(crate) async fn settings(&self) {
        let file = self.file("settings.json");
        let saved = self.read(&["settings", "save", &file]).await;
        let labels: Vec<_> = saved.as_object().unwrap().keys().cloned().collect();
        assert_eq!(labels, self.labels());
        assert!(saved.as_object().unwrap().values().all(|servers| servers.as_u64().unwrap() > 1), "{saved}");
        let stored: Value = serde_json::from_str(&std::fs::read_to_string(&file).unwrap()).unwrap();
        assert_eq!(stored["format"], 1);
        assert_eq!(stored["processes"].as_array().unwrap().len(), self.releases.len());

        let output = self.run(&["settings", "restore", &file, "--plan"]).await;
        assert_eq!(output.status.code(), Some(0), "{}{}", text(&output), errors(&output));
        for socket in self.running.sockets() {
            ask(&socket, "set server app/web1 state drain").await;
        }
        for json in [&["--json"][..], &[]] {
            let arguments = [&["settings", "restore", &file, "--plan"], json].concat();
            let output = self.run(&arguments).await;
            assert_eq!((output.status.code(), errors(&output)), (Some(3), String::new()));
            assert!(text(&output).contains(if json.is_empty() {
                "app/web1: state drain -> ready"
            } else {
                "web1"
            }));
        }
        let drained = every_state(&self.running, "app", "web1", "srv_admin_state").await;
        assert_eq!(drained, self.everywhere("8"));
        let options = ["--json", "--maxconn", "--dynamic", "app/web9", "--template", "app/srv=192.0.2.1:1"];
        let output = self.run(&[&["settings", "restore", &file], &options[..]].concat()).await;
        assert_eq!((output.status.code(), errors(&output)), (Some(0), String::new()));
        for label in self.labels() {
            let changes = value(&output)[&label]["changes"].clone();
            assert_eq!(changes.as_array().unwrap().len(), 1, "{changes}");
            assert_eq!((&changes[0]["from"], &changes[0]["to"]), (&"drain".into(), &"ready".into()));
        }
        let ready = every_state(&self.running, "app", "web1", "srv_admin_state").await;
        assert_eq!(ready, self.everywhere("0"));
        let output = self.run(&["settings", "restore", &file, "--plan"]).await;
        assert_eq!(output.status.code(), Some(0), "{}{}", text(&output), errors(&output));
        self.settings_that_are_wrong(&file).await;
        self.entries_of_maps().await;
    }

    async fn entries_of_maps(&self) {
        let (file, map) = (self.file("patterns.json"), self.file("hosts.map"));
        for socket in self.running.sockets() {
            ask(&socket, &format!("set map {map} a.example saved")).await;
        }
        let output =
            self.run(&["settings", "save", &file, "--patterns", "--plain-keys", "--root", "/"]).await;
        assert_eq!(output.status.code(), Some(0), "{}", errors(&output));
        assert!(errors(&output).contains(&format!("1: {map}: 1 difference\n")), "{}", errors(&output));
        for socket in self.running.sockets() {
            ask(&socket, &format!("set map {map} a.example app")).await;
        }
        let output = self.run(&["settings", "restore", &file, "--plan"]).await;
        assert_eq!((output.status.code(), errors(&output)), (Some(3), String::new()));
        assert!(text(&output).contains(&format!("{map}: change 1")), "{}", text(&output));
        let output = self.run(&["settings", "restore", &file, "--files"]).await;
        assert_eq!((output.status.code(), errors(&output)), (Some(0), String::new()));
        for socket in self.running.sockets() {
            let held = String::from_utf8(ask(&socket, &format!("show map {map}")).await).unwrap();
            assert!(held.contains(" a.example saved\n"), "{held}");
            ask(&socket, &format!("set map {map} a.example app")).await;
        }
        let output = self.run(&["settings", "save", &file, "--root", "/"]).await;
        assert_eq!(output.status.code(), Some(2), "{}", errors(&output));
    }

    async fn settings_that_are_wrong(&self, file: &str) {
        let damaged = self.file("damaged.json");
        std::fs::write(&damaged, "{\"format\": 2}").unwrap();
        let output = self.run(&["settings", "restore", &damaged]).await;
        assert_eq!(output.status.code(), Some(1));
        let message = "damaged.json: settings of format 2: expected format 1 at line 1 column 13\n";
        assert!(errors(&output).ends_with(message), "{}", errors(&output));
        let output = self.run(&["settings", "restore", &self.file("absent.json")]).await;
        assert_eq!(output.status.code(), Some(1), "{}", errors(&output));
        for words in
            [&["--dynamic", "web9"][..], &["--template", "app/srv=192.0.2.1"], &["--template", "srv"]]
        {
            let output = self.run(&[&["settings", "restore", file], words].concat()).await;
            assert_eq!(output.status.code(), Some(2), "{}", errors(&output));
        }
        // A process that was not remembered is noted, and so is a remembered process that is not there.
        let folder = self.running.dir().join("other");
        std::fs::create_dir_all(&folder).unwrap();
        let link = folder.join("other.sock");
        let _ = std::fs::remove_file(&link);
        std::os::unix::fs::symlink(self.running.socket(1), &link).unwrap();
        let output = tool(&folder, &["settings", "restore", file]).await;
        assert_eq!(output.status.code(), Some(1), "{}", errors(&output));
        assert!(errors(&output).contains("other: no settings of this process were remembered"));
        assert!(errors(&output).contains("1: remembered, and not a process of the cluster"));
    }
}
