//! Certificates of processes of each release: listed, shown, and changed step by step.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "in a test a panic is the failure message")]
#![allow(clippy::indexing_slicing, reason = "the same")]

use std::fs;
use std::ops::Deref;
use std::time::Duration;

use haproxyadmin::certificate::{Certificate, CertificateDetails, CertificateStatus, ListedCertificate};
use haproxyadmin::{Change, ErrorKind, Limits};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::UnixStream;

mod authority;
mod support;

use authority::site::{TlsSite, is_absent, only, refusal, said};
use authority::{Authority, Issued, NAME};
use support::{Relay, Release, Running, ask, releases, until};

/// One process with two certificates, and the first of them.
struct Site {
    tls: TlsSite,
    first: Issued,
}

impl Site {
    async fn start(release: &Release) -> Self {
        let (running, authority) = (Running::new(), Authority::new("Test CA"));
        let first = authority.issue(0xa1);
        fs::write(running.dir().join("site.pem"), first.pem()).unwrap();
        fs::write(running.dir().join("other.pem"), authority.issue(0xa2).pem()).unwrap();
        let frontends = [("web", r#"ssl crt "${DIR}/site.pem""#), ("other", r#"ssl crt "${DIR}/other.pem""#)];
        let tls = TlsSite::start(running, authority, std::slice::from_ref(release), &frontends).await;
        Self { tls, first }
    }

    fn certificate(&self, name: &str) -> Certificate {
        self.cluster.certificate(&self.path(name)).unwrap()
    }

    async fn list(&self) -> Vec<ListedCertificate> {
        only(self.cluster.certificates().await.unwrap())
    }
}

impl Deref for Site {
    type Target = TlsSite;

    fn deref(&self) -> &TlsSite {
        &self.tls
    }
}

#[tokio::test]
async fn certificates_are_listed_and_shown() {
    for release in releases() {
        let site = Site::start(&release).await;
        let names: Vec<_> = site.list().await.into_iter().map(|one| (one.name, one.is_pending)).collect();
        let expected = [site.path("other.pem"), site.path("site.pem")].map(|path| (path.into(), false));
        assert_eq!(names, expected, "{}", release.version);

        let details = only(site.certificate("site.pem").show().await.unwrap());
        assert_eq!((&*details.name, &details.status), (&*site.path("site.pem"), &CertificateStatus::Used));
        let leaf = details.leaf.as_ref().unwrap();
        assert_eq!((&*leaf.serial, leaf.algorithm.as_deref()), ("A1", Some("EC256")));
        let names = [&leaf.subject, &leaf.issuer].map(Option::as_deref);
        assert_eq!(names, [Some("/CN=certificate 161"), Some("/CN=Test CA")]);
        assert_eq!(leaf.names, [NAME.into()]);
        assert_eq!((leaf.not_before, leaf.not_after), (1_577_836_800, 2_524_521_600));
        assert_eq!(&*leaf.not_after_text, "Dec 31 00:00:00 2049 GMT");
        assert_eq!((leaf.fingerprint.as_ref().map(|print| print.len()), details.chain.len()), (Some(40), 0));
        assert_eq!(details.get("OCSP Response Key").is_some(), release.is_at_least("2.6"));
        assert_eq!(details.get("Key filename").is_some(), release.is_at_least("3.2"));
        let json = serde_json::to_string(&details).unwrap();
        assert_eq!(serde_json::from_str::<CertificateDetails>(&json).unwrap(), details);

        for missing in
            [site.certificate("none.pem").show().await, site.certificate("site.pem").show_pending().await]
        {
            assert_eq!(missing.unwrap_err().kind(), ErrorKind::NotFound);
        }
    }
}

#[tokio::test]
async fn a_level_that_is_too_low_is_told() {
    for release in releases() {
        let site = Site::start(&release).await;
        let user = site.through("x.user.1.sock").await;
        let error = user.certificates().await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::PermissionDenied, "{}: {error}", release.version);
        let operator = site.through("x.operator.1.sock").await;
        assert_eq!(only(operator.certificates().await.unwrap()).len(), 2);
        let certificate = operator.certificate(&site.path("site.pem")).unwrap();
        let pem = site.authority.issue(1).pem();
        for denied in
            [certificate.set(&pem).await, certificate.commit().await, certificate.replace(&pem).await]
        {
            assert_eq!(denied.unwrap_err().kind(), ErrorKind::PermissionDenied);
        }
        assert!(site.list().await.iter().all(|one| !one.is_pending));
    }
}

#[tokio::test]
async fn a_certificate_is_changed_step_by_step() {
    for release in releases() {
        let site = Site::start(&release).await;
        let (certificate, new) = (site.certificate("site.pem"), site.authority.issue(0xb1));
        let chained = format!("{}{}", new.pem(), site.authority.pem());
        let path = site.path("site.pem");
        for verb in ["created", "updated"] {
            let expected = ("changed", format!("Transaction {verb} for certificate {path}!"));
            assert_eq!(said(certificate.set(&chained).await.unwrap()), expected, "{}", release.version);
        }
        let pending: Vec<_> = site.list().await.into_iter().filter(|one| one.is_pending).collect();
        assert_eq!(pending.iter().map(|one| &*one.name).collect::<Vec<_>>(), [&*path]);
        let details = only(certificate.show_pending().await.unwrap());
        assert_eq!((&*details.name, &*details.leaf.unwrap().serial), (&*path, "B1"));
        assert_eq!(details.chain, [("/CN=Test CA".into(), "/CN=Test CA".into())]);
        assert_eq!(site.serves().await, site.first.der.to_vec());

        assert_eq!(said(certificate.commit().await.unwrap()).0, "changed");
        assert_eq!(site.serves().await, new.der.to_vec());
        assert!(site.list().await.iter().all(|one| !one.is_pending));
        assert_eq!(&*only(certificate.show().await.unwrap()).leaf.unwrap().serial, "B1");
        assert!(is_absent(certificate.commit().await));

        certificate.set(&site.first.pem()).await.unwrap();
        let expected = ("changed", format!("Transaction aborted for certificate '{path}'!"));
        assert_eq!(said(certificate.abort().await.unwrap()), expected);
        assert!(is_absent(certificate.abort().await));
        assert_eq!(site.serves().await, new.der.to_vec());
        assert!(is_absent(site.certificate("none.pem").set(&new.pem()).await));
    }
}

#[tokio::test]
async fn a_certificate_is_created_and_deleted() {
    for release in releases() {
        let site = Site::start(&release).await;
        let certificate = site.cluster.certificate("new; one.pem").unwrap();
        certificate.create().await.unwrap();
        assert!(refusal(&certificate.create().await.unwrap_err()).contains("already exists"));
        let details = only(certificate.show().await.unwrap());
        assert_eq!((&details.status, &details.leaf), (&CertificateStatus::Empty, &None));
        certificate.set(&site.authority.issue(7).pem()).await.unwrap();
        certificate.commit().await.unwrap();
        assert_eq!(only(certificate.show().await.unwrap()).status, CertificateStatus::Unused);
        certificate.delete().await.unwrap();
        assert!(is_absent(certificate.delete().await), "{}", release.version);
        assert!(refusal(&site.certificate("site.pem").delete().await.unwrap_err()).contains("in use"));
        assert_eq!(site.list().await.len(), 2);
    }
}

/// HAProxy 2.6 puts the certificate into the pending transaction of another one.
#[tokio::test]
async fn a_transaction_for_another_certificate_is_left_alone() {
    for release in releases() {
        let site = Site::start(&release).await;
        let (own, other) = (site.certificate("site.pem"), site.certificate("other.pem"));
        own.set(&site.authority.issue(0xb1).pem()).await.unwrap();
        let path = site.path("site.pem");
        for refused in [other.set(&site.authority.issue(0xb2).pem()).await, other.abort().await] {
            assert!(refusal(&refused.unwrap_err()).contains(&path), "{}", release.version);
        }
        assert_eq!(&*only(own.show_pending().await.unwrap()).leaf.unwrap().serial, "B1");
    }
}

#[tokio::test]
async fn empty_lines_of_a_pem_do_no_harm() {
    for release in releases() {
        let site = Site::start(&release).await;
        let certificate = site.certificate("site.pem");
        for (serial, end) in [(0xb1, "\n\n"), (0xb2, "\r\n"), (0xb3, "\r\n\r\n"), (0xb4, " \n \t\n")] {
            let new = site.authority.issue(serial);
            let pem = format!("subject=x\n\n{}\nshow info\n\n", new.pem().replace('\n', end));
            certificate.set(&pem).await.unwrap();
            certificate.commit().await.unwrap();
            assert_eq!(site.serves().await, new.der.to_vec(), "{} {end:?}", release.version);
        }
    }
}

/// HAProxy 3.4 takes longer payloads than the others.
#[tokio::test]
async fn a_pem_that_is_too_long_for_a_release_is_refused_before_it_is_sent() {
    for release in releases() {
        let site = Site::start(&release).await;
        let (certificate, new) = (site.certificate("site.pem"), site.authority.issue(0xb1));
        let chain = |length: usize| {
            let count = (length - new.pem().len()) / site.authority.pem().len();
            (format!("{}{}", new.pem(), site.authority.pem().repeat(count)), count)
        };
        let error = certificate.replace(&chain(140_000).0).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidInput);
        assert!(error.to_string().ends_with("bytes, and HAProxy takes 130000 for certain"), "{error}");
        assert!(error.outcomes::<Change>().is_none(), "nothing was sent to any process");

        let (pem, count) = chain(129_000);
        let result = certificate.replace(&pem).await;
        if release.is_at_least("3.4") {
            result.unwrap();
            let details = only(certificate.show().await.unwrap());
            assert_eq!((details.chain.len(), &*details.leaf.unwrap().serial), (count, "B1"));
        } else {
            let error = result.unwrap_err();
            assert_eq!(error.kind(), ErrorKind::InvalidInput, "{error}");
            let said = format!("bytes, and HAProxy {} takes 15359 for certain", release.version);
            assert!(error.to_string().ends_with(&said), "{error}");
            assert_eq!(site.serves().await, site.first.der.to_vec());
        }
        assert!(site.list().await.iter().all(|one| !one.is_pending));
    }
}

/// HAProxy ends the description of such a certificate at its key, up to 2.4 without an empty line.
#[tokio::test]
async fn a_certificate_with_a_key_that_haproxy_does_not_describe_is_shown_and_replaced() {
    for release in releases() {
        let site = Site::start(&release).await;
        let certificate = site.certificate("site.pem");
        let news = [site.authority.issue_ed25519(0xb1), site.authority.issue_ed25519(0xb2)];
        for (new, serial) in news.iter().zip(["B1", "B2"]) {
            let chained = format!("{}{}", new.pem(), site.authority.pem());
            let (word, message) = said(certificate.replace(&chained).await.unwrap());
            let dates = "Jan  1 00:00:00 2020 GMT to Dec 31 00:00:00 2049 GMT";
            let expected = format!("serves certificate of {dates} (serial {serial})");
            assert_eq!((word, message), ("changed", expected), "{}", release.version);
            assert_eq!(site.serves().await, new.der.to_vec());
            let details = only(certificate.show().await.unwrap());
            let leaf = details.leaf.as_ref().unwrap();
            assert_eq!((&*leaf.serial, leaf.not_after), (serial, 2_524_521_600));
            let missing = [&leaf.algorithm, &leaf.fingerprint, &leaf.subject, &leaf.issuer];
            assert_eq!((missing, details.chain.len()), ([&None; 4], 0));
            assert_eq!(details.get("OCSP Response Key").is_some(), release.is_at_least("2.6"));
            let json = serde_json::to_string(&details).unwrap();
            assert_eq!(serde_json::from_str::<CertificateDetails>(&json).unwrap(), details);
        }
    }
}

/// A client that does not read the list of certificates holds the lock meanwhile.
#[tokio::test]
async fn a_command_waits_for_the_lock_of_another_client() {
    for release in releases() {
        let site = Site::start(&release).await;
        let relay = Relay::new(site.running.dir().join("relay.sock"), site.running.socket(1));
        let cluster = site.through("relay.sock").await;
        cluster.info().await.unwrap();
        for n in 0..500 {
            ask(site.running.socket(1), &format!("new ssl cert {}{n}", "n".repeat(900))).await;
        }
        let holder = Holder::start(&site).await;

        let limits = Limits::new().with_command_timeout(Duration::from_millis(300));
        let hasty = site.cluster.with_limits(limits).certificate(&site.path("site.pem")).unwrap();
        let error = hasty.show().await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Refused);
        let text = error.to_string();
        let expected = "refused: \"Can't show!\\nOperations on certificates are currently locked!\"";
        assert!(text.ends_with(expected), "{}: {text}", release.version);

        let certificate = cluster.certificate(&site.path("site.pem")).unwrap();
        let pem = site.authority.issue(0xb1).pem();
        let call = tokio::spawn(async move { certificate.replace(&pem).await });
        until("repeated questions", async || {
            (relay.sent().matches("show ssl cert").count() > 2).then_some(())
        })
        .await;
        assert!(!call.is_finished());
        drop(holder);
        assert_eq!(said(call.await.unwrap().unwrap()).0, "changed", "{}", release.version);
    }
}

/// A client that has asked for a list that is longer than the buffers of its connection, and reads
/// nothing.
struct Holder {
    _stream: UnixStream,
}

impl Holder {
    async fn start(site: &Site) -> Self {
        let mut stream = UnixStream::connect(site.running.socket(1)).await.unwrap();
        stream.write_all(b"show ssl cert\n").await.unwrap();
        // The list has begun: no other question may hold the lock before it.
        assert_eq!(stream.read_u8().await.unwrap(), b'#');
        let name = site.path("site.pem");
        until("a lock", async || {
            let reply = ask(site.running.socket(1), &format!("show ssl cert {name}")).await;
            String::from_utf8_lossy(&reply).contains("currently locked").then_some(())
        })
        .await;
        Self { _stream: stream }
    }
}

/// The longest PEM that is sent reaches each release whole.
#[tokio::test]
async fn a_long_chain_arrives_whole() {
    for release in releases() {
        let site = Site::start(&release).await;
        let new = site.authority.issue(0xb1);
        let count = (14_900 - new.pem().len()) / site.authority.pem().len();
        let pem = format!("{}{}", new.pem(), site.authority.pem().repeat(count));
        site.certificate("site.pem").replace(&pem).await.unwrap();
        let details = only(site.certificate("site.pem").show().await.unwrap());
        assert_eq!(details.chain.len(), count, "{}", release.version);
        assert_eq!(site.serves().await, new.der.to_vec());
    }
}

#[tokio::test]
async fn no_error_shows_a_private_key() {
    for release in releases() {
        let site = Site::start(&release).await;
        let new = site.authority.issue(1);
        let secret = new.key.lines().nth(1).unwrap().to_owned();
        let broken = new.pem().replace(&secret, &format!("{secret}?"));
        let certificate = site.certificate("site.pem");
        for pem in
            [broken, new.key.clone(), new.pem().repeat(300), new.pem().replace("-----END", "\0-----END")]
        {
            let error = certificate.replace(&pem).await.unwrap_err();
            let shown = format!("{error} {error:?} {:?} {certificate:?}", error.outcomes::<Change>());
            assert!(!shown.contains(&secret[..20]), "{}: {shown}", release.version);
        }
        let printed = String::from_utf8(ask(site.running.socket(1), "show ssl cert").await).unwrap();
        assert!(!printed.contains("# transaction"), "{printed}");
    }
}
