use super::site::{Site, errors, labelled, text, value};
use super::support::{Release, ask};
use serde_json::Value;

impl Site {
    pub(crate) async fn cert(&self) {
        for socket in self.running.sockets() {
            ask(socket, "new ssl cert site.pem").await;
        }
        let table = text(&self.run(&["cert", "list"]).await);
        assert_eq!(table.matches("site.pem").count(), self.releases.len(), "{table}");
        let shown = self.read(&["cert", "show", "site.pem"]).await;
        assert!(self.labels().iter().all(|label| shown[label]["status"] == "Empty"), "{shown}");

        let path = self.running.dir().join("new.pem");
        let file = path.to_str().unwrap();
        let output = self.run(&["cert", "set", "site.pem", file]).await;
        assert_eq!(output.status.code(), Some(1), "{}", errors(&output));
        std::fs::write(&path, self.authority.issue(0xb1).pem()).unwrap();
        self.changed(&["cert", "set", "site.pem", file]).await;
        let shown = self.read(&["cert", "show", "site.pem"]).await;
        assert!(self.labels().iter().all(|label| shown[label]["leaf"]["serial"] == "B1"), "{shown}");
        let table = text(&self.run(&["cert", "show", "site.pem"]).await);
        assert!(table.contains("Dec 31 00:00:00 2049 GMT"), "{table}");

        self.changed(&["cert", "delete", "site.pem"]).await;
        let output = self.run(&["cert", "show", "site.pem"]).await;
        assert_eq!(output.status.code(), Some(1), "{}", errors(&output));
    }

    pub(crate) async fn ca(&self) {
        let authority = self.authority.pem();
        self.files("ca", "ca-file", &authority, |shown| {
            assert_eq!(shown["certificates"][0]["subject"], "/CN=Test CA");
        })
        .await;
    }

    pub(crate) async fn crl(&self) {
        let list = self.authority.revoke(&[0xc1]);
        self.files("crl", "crl-file", &list, |shown| {
            assert_eq!(shown["lists"][0]["revoked"][0]["serial"], "C1");
        })
        .await;
    }

    /// Runs the actions of a kind of file, which HAProxy has from 2.5 on.
    async fn files(&self, object: &str, kind: &str, pem: &str, check: impl Fn(&Value)) {
        let is_new = |release: &Release| release.is_at_least("2.5");
        for socket in self.running.sockets() {
            ask(socket, &format!("new ssl {kind} new.pem")).await;
        }
        let path = self.running.dir().join("new.pem");
        std::fs::write(&path, pem).unwrap();
        let file = path.to_str().unwrap();
        let able = self.releases.iter().filter(|release| is_new(release)).count();
        let labels: Vec<_> = self.labels().into_iter().zip(&self.releases).collect();
        for (arguments, is_change) in [
            (&["list"][..], false),
            (&["set", "new.pem", file], true),
            (&["show", "new.pem"], false),
            (&["delete", "new.pem"], true),
        ] {
            let arguments = [&[object], arguments, &["--json", "--allow-partial"]].concat();
            let output = self.run(&arguments).await;
            let is_failure = if is_change { able < labels.len() } else { able == 0 };
            let code = Some(i32::from(is_failure));
            assert_eq!(output.status.code(), code, "{arguments:?}: {}", errors(&output));
            let shown = value(&output);
            for (label, release) in &labels {
                let found = &shown[label];
                match is_new(release) {
                    _ if is_change => {
                        let word = if is_new(release) { "changed" } else { "failed" };
                        assert!(labelled(&shown).contains(&(label.clone(), word.to_owned())), "{shown}");
                    }
                    false => assert!(found.is_null(), "{shown}"),
                    true if arguments[1] == "show" => check(found),
                    true => assert!(found.to_string().contains("new.pem"), "{shown}"),
                }
            }
        }
        let table = text(&self.run(&[object, "list", "--allow-partial"]).await);
        assert!(!table.contains("new.pem"), "{table}");
    }

    pub(crate) async fn crtlist(&self) {
        let [list, more] = ["sites.list", "more.pem"].map(|name| self.file(name));
        let table = text(&self.run(&["crtlist", "list"]).await);
        assert_eq!(table.matches("sites.list").count(), self.releases.len(), "{table}");
        self.changed(&[
            "crtlist",
            "add",
            &list,
            &more,
            "*.a.example",
            "!b.a.example",
            "--option",
            "verify",
            "none",
        ])
        .await;
        let shown = self.read(&["crtlist", "show", &list]).await;
        for label in self.labels() {
            let entry = &shown[&label][2];
            assert_eq!((&entry["line"], &entry["options"]), (&3.into(), &"verify none".into()), "{shown}");
            assert_eq!(entry["filters"], serde_json::json!(["*.a.example", "!b.a.example"]));
        }
        let output = self.run(&["crtlist", "delete", &list, &more]).await;
        assert_eq!(output.status.code(), Some(1), "two entries: {}", text(&output));
        self.changed(&["crtlist", "delete", &list, &format!("{more}:3")]).await;
        self.changed(&["crtlist", "delete", &list, &more]).await;
        let table = text(&self.run(&["crtlist", "show", &list]).await);
        assert!(table.contains("listed.pem") && !table.contains("more.pem"), "{table}");
        for wrong in [&["add", &*list][..], &["delete", &list, "a:b"], &["add", &list, "a", "b c"]] {
            let output = self.run(&[&["crtlist"], wrong].concat()).await;
            assert_eq!(output.status.code(), Some(2), "{wrong:?}: {}", errors(&output));
        }
    }
}
