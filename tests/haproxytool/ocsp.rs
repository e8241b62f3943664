use super::authority::ocsp::Status;
use super::site::{LISTED, Site, errors, text, value};
use super::support::{Release, ask, until};
use serde_json::Value;

impl Site {
    pub(crate) async fn ocsp(&self) {
        let (id, file) = (self.authority.certificate_id_text(LISTED), self.file("listed.pem"));
        self.ocsp_read("2.5", &["list"], |release, list| {
            assert_eq!((&list[0]["id"], &list[0]["subject"]["serial"]), (&id.clone().into(), &"01".into()));
            let certificate = if release.is_at_least("2.8") { file.clone().into() } else { Value::Null };
            assert_eq!(list[0]["certificate"], certificate);
        })
        .await;
        self.all_have_response("good").await;
        self.ocsp_read("2.8", &["show", &file], |_, shown| assert_eq!(shown["status"], "good")).await;

        let path = self.file("response.der");
        let output = self.run(&["ocsp", "set", &path]).await;
        assert_eq!(output.status.code(), Some(1), "{}", errors(&output));
        std::fs::write(&path, self.authority.respond(&Status::revoked(LISTED))).unwrap();
        self.changed(&["ocsp", "set", &path]).await;
        self.all_have_response("revoked").await;
        let table = text(&self.run(&["ocsp", "show", &id, "--allow-partial"]).await);
        let count = self.count_since("2.5");
        assert_eq!(table.matches("Jan  1 00:00:00 2021 GMT").count(), count, "{table}");

        self.responder.serve(self.authority.respond(&Status::good(LISTED)));
        let output = self.run(&["ocsp", "update", &file, "--json"]).await;
        let able = self.count_since("2.8");
        assert_eq!(output.status.code(), Some(i32::from(able < self.releases.len())), "{}", errors(&output));
        assert_eq!(text(&output).matches("\"changed\"").count(), able, "{}", text(&output));
        let fetched = async || {
            let table = text(&self.run(&["ocsp", "show", &id, "--allow-partial"]).await);
            (table.matches(" good ").count() == able).then_some(())
        };
        until("the fetched response", fetched).await;
        self.ocsp_updates().await;
    }

    /// Adds a certificate with responses that HAProxy fetches by itself.
    async fn ocsp_updates(&self) {
        let path = self.file("updated.pem");
        let issued = self.authority.issue_with_responder(UPDATED, &self.responder.url());
        std::fs::write(&path, issued.pem() + &self.authority.pem()).unwrap();
        for socket in self.running.sockets() {
            ask(socket, "new ssl cert updated.pem").await;
        }
        self.changed(&["cert", "set", "updated.pem", &path]).await;
        let list = self.file("sites.list");
        let add = ["crtlist", "add", &list, "updated.pem", "a.example", "--option", "ocsp-update", "on"];
        let is_able = |release: &Release| release.is_at_least("3.0");
        for (label, _) in self.labels().iter().zip(&self.releases).filter(|(_, release)| is_able(release)) {
            self.read(&[&["--only", label], &add[..]].concat()).await;
        }
        let id = self.authority.certificate_id_text(UPDATED);
        self.ocsp_read("2.8", &["updates"], |release, updates| {
            let names = [("updated.pem", &*id)].into_iter().filter(|_| is_able(release));
            let found = updates.as_array().unwrap().iter();
            let found = found.map(|one| ["certificate", "id"].map(|key| one[key].as_str().unwrap()));
            assert_eq!(found.collect::<Vec<_>>(), names.map(<[&str; 2]>::from).collect::<Vec<_>>());
        })
        .await;
        let table = text(&self.run(&["ocsp", "updates", "--allow-partial"]).await);
        assert_eq!(table.matches("updated.pem").count(), self.count_since("3.0"), "{table}");
    }

    async fn all_have_response(&self, status: &str) {
        let id = self.authority.certificate_id_text(LISTED);
        self.ocsp_read("2.5", &["show", &id], |_, shown| assert_eq!(shown["status"], status)).await;
    }

    fn count_since(&self, since: &str) -> usize {
        self.releases.iter().filter(|release| release.is_at_least(since)).count()
    }

    /// Runs an action that prints, and checks the answer of each process of `since` or later.
    async fn ocsp_read(&self, since: &str, arguments: &[&str], check: impl Fn(&Release, &Value)) {
        let arguments = [&["ocsp"], arguments, &["--json", "--allow-partial"]].concat();
        let output = self.run(&arguments).await;
        let code = i32::from(self.count_since(since) == 0);
        assert_eq!(output.status.code(), Some(code), "{arguments:?}: {}", errors(&output));
        let shown = value(&output);
        for (label, release) in self.labels().iter().zip(&self.releases) {
            if release.is_at_least(since) {
                check(release, &shown[label]);
            } else {
                assert!(shown[label].is_null(), "{shown}");
            }
        }
    }
}

/// Serial number of the certificate that is added.
const UPDATED: u64 = 3;
