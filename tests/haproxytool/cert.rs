use super::authority::Authority;
use super::site::{Site, errors, text};
use super::support::ask;

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
        assert_eq!(output.status.code(), Some(2), "{}", errors(&output));
        std::fs::write(&path, Authority::new("Test CA").issue(0xb1).pem()).unwrap();
        self.changed(&["cert", "set", "site.pem", file]).await;
        let shown = self.read(&["cert", "show", "site.pem"]).await;
        assert!(self.labels().iter().all(|label| shown[label]["leaf"]["serial"] == "B1"), "{shown}");
        let table = text(&self.run(&["cert", "show", "site.pem"]).await);
        assert!(table.contains("Dec 31 00:00:00 2049 GMT"), "{table}");

        self.changed(&["cert", "delete", "site.pem"]).await;
        let output = self.run(&["cert", "show", "site.pem"]).await;
        assert_eq!(output.status.code(), Some(1), "{}", errors(&output));
    }
}
