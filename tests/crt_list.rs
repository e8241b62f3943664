//! Crt-lists of processes of each release: listed, read, and changed entry by entry.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "in a test a panic is the failure message")]
#![allow(clippy::indexing_slicing, reason = "the same")]

use std::fs;
use std::ops::Deref;

use haproxyadmin::ErrorKind;
use haproxyadmin::certificate::{CrtList, CrtListEntry, NewCrtListEntry};

mod authority;
mod support;

use authority::site::{TlsSite, is_absent, only, refusal};
use authority::{Authority, Issued, NAME};
use support::{Release, Running, releases};

/// A process with a list of two certificates for other names.
struct Site {
    tls: TlsSite,
    first: Issued,
}

impl Site {
    async fn start(release: &Release) -> Self {
        let (running, authority) = (Running::new(), Authority::new("Test CA"));
        let dir = running.dir().display().to_string();
        let first = authority.issue(0xa1);
        fs::write(running.dir().join("first.pem"), first.pem()).unwrap();
        let second = authority.issue_for(0xa2, vec!["other.example".into()]);
        fs::write(running.dir().join("second.pem"), second.pem()).unwrap();
        let lines = format!(
            "{dir}/first.pem [alpn h2,http/1.1 verify none] a.example *.b.example !c.b.example\n\
             # a comment\n{dir}/second.pem\n"
        );
        fs::write(running.dir().join("sites.list"), lines).unwrap();
        let frontends = [("web", r#"ssl crt-list "${DIR}/sites.list""#)];
        let tls = TlsSite::start(running, authority, std::slice::from_ref(release), &frontends).await;
        Self { tls, first }
    }

    fn list(&self) -> CrtList {
        self.cluster.crt_list(&self.path("sites.list")).unwrap()
    }

    async fn entries(&self) -> Vec<CrtListEntry> {
        only(self.list().entries().await.unwrap())
    }

    /// Puts a certificate into the memory of the process.
    async fn create(&self, name: &str, issued: &Issued) {
        let certificate = self.cluster.certificate(name).unwrap();
        certificate.create().await.unwrap();
        certificate.replace(&issued.pem()).await.unwrap();
    }
}

impl Deref for Site {
    type Target = TlsSite;

    fn deref(&self) -> &TlsSite {
        &self.tls
    }
}

#[tokio::test]
async fn lists_and_their_entries_are_read() {
    for release in releases() {
        let site = Site::start(&release).await;
        assert_eq!(only(site.cluster.crt_lists().await.unwrap()), [site.path("sites.list").into()]);
        let entries = site.entries().await;
        let [first, second] = entries.as_slice() else { panic!("{entries:?}") };
        assert_eq!((&*first.certificate, first.line), (&*site.path("first.pem"), 1), "{}", release.version);
        assert_eq!(&*first.options, "alpn h2,http/1.1 verify none");
        assert_eq!(first.filters, ["a.example".into(), "*.b.example".into(), "!c.b.example".into()]);
        assert_eq!((&*second.certificate, second.line), (&*site.path("second.pem"), 3));
        assert_eq!((&*second.options, second.filters.len()), ("", 0));
        let json = serde_json::to_string(&entries).unwrap();
        assert_eq!(serde_json::from_str::<Vec<CrtListEntry>>(&json).unwrap(), entries);

        let none = site.cluster.crt_list("none").unwrap();
        assert!(is_absent(none.entries().await) && is_absent(none.delete("a.pem").await));
        assert!(is_absent(none.add(&NewCrtListEntry::new("a.pem")).await));
        let operator = site.through("x.operator.1.sock").await;
        for kind in [
            operator.crt_lists().await.unwrap_err().kind(),
            site.list().on(&operator).entries().await.unwrap_err().kind(),
            site.list().on(&operator).delete("a.pem").await.unwrap_err().kind(),
        ] {
            assert_eq!(kind, ErrorKind::PermissionDenied);
        }
    }
}

#[tokio::test]
async fn an_entry_serves_its_certificate_until_it_is_deleted() {
    for release in releases() {
        let site = Site::start(&release).await;
        let (list, new) = (site.list(), site.authority.issue(0xb1));
        site.create("new.pem", &new).await;
        assert_eq!(site.serves().await, site.first.der.to_vec(), "the default");

        let entry = NewCrtListEntry::new("new.pem").option("verify", "none").flag("allow-0rtt").filter(NAME);
        list.add(&entry).await.unwrap();
        assert_eq!(site.serves().await, new.der.to_vec(), "{}", release.version);
        let added = site.entries().await.pop().unwrap();
        assert_eq!((&*added.certificate, added.line), ("new.pem", 4));
        assert_eq!((&*added.options, added.filters), ("verify none allow-0rtt", vec![NAME.into()]));
        let error = site.cluster.certificate("new.pem").unwrap().delete().await;
        assert!(refusal(&error.unwrap_err()).contains("in use"));

        list.add(&NewCrtListEntry::new("new.pem")).await.unwrap();
        let lines: Vec<_> = site.entries().await.iter().map(|entry| entry.line).collect();
        assert_eq!(lines, [1, 3, 4, 5]);
        assert!(refusal(&list.delete("new.pem").await.unwrap_err()).contains("in several entries"));
        assert!(
            refusal(&list.delete_line("new.pem", 3).await.unwrap_err())
                .contains("the line number is incorrect")
        );
        list.delete_line("new.pem", 4).await.unwrap();
        let word = list.delete("new.pem").await.unwrap().iter().next().unwrap().message();
        let expected = format!("Entry 'new.pem' deleted in crtlist '{}'!", site.path("sites.list"));
        assert_eq!(word, Some(expected));
        assert!(is_absent(list.delete("new.pem").await) && is_absent(list.delete("none.pem").await));
        assert_eq!(site.serves().await, site.first.der.to_vec());
        assert_eq!(site.entries().await.len(), 2);
        site.cluster.certificate("new.pem").unwrap().delete().await.unwrap();
    }
}

#[tokio::test]
async fn an_entry_that_haproxy_cannot_use_is_refused() {
    for release in releases() {
        let site = Site::start(&release).await;
        let list = site.list();
        assert!(
            refusal(&list.add(&NewCrtListEntry::new("none.pem")).await.unwrap_err())
                .contains("does not exist")
        );
        site.cluster.certificate("empty.pem").unwrap().create().await.unwrap();
        assert!(
            refusal(&list.add(&NewCrtListEntry::new("empty.pem")).await.unwrap_err()).contains("is empty")
        );
        let odd = NewCrtListEntry::new(site.path("second.pem")).option("no-such-option", "1");
        assert!(
            refusal(&list.add(&odd).await.unwrap_err()).contains("unknown ssl keyword no-such-option"),
            "{}",
            release.version
        );
        if release.is_at_least("2.6") {
            assert!(
                refusal(&list.delete(&site.path("first.pem")).await.unwrap_err())
                    .contains("default certificate")
            );
        }
        assert_eq!(site.entries().await.len(), 2);
    }
}

#[tokio::test]
async fn words_that_would_be_others_are_not_sent() {
    let site = Site::start(&releases().pop().unwrap()).await;
    let list = site.list();
    let second = NewCrtListEntry::new(site.path("second.pem"));
    for wrong in [
        second.clone().filter("a.example\nb.example"),
        second.clone().filter("a b"),
        second.clone().option("verify", "none] x ["),
        second.clone().flag(""),
        NewCrtListEntry::new("a b").filter("c"),
    ] {
        assert_eq!(list.add(&wrong).await.unwrap_err().kind(), ErrorKind::InvalidInput, "{wrong:?}");
    }
    for error in [
        list.delete("a:1").await.unwrap_err(),
        list.delete_line("a", 0).await.unwrap_err(),
        list.delete_line("a", 1 << 32).await.unwrap_err(),
        site.cluster.crt_list("a/").unwrap_err(),
    ] {
        assert_eq!(error.kind(), ErrorKind::InvalidInput, "{error}");
    }
    assert_eq!(site.entries().await.len(), 2);
}
