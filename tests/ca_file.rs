//! CA files and CRL files of processes of each release: listed, shown, changed step by step, and replaced
//! on all processes or on none. HAProxy 2.2 has no such commands.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "in a test a panic is the failure message")]
#![allow(clippy::indexing_slicing, reason = "the same")]

use std::fs;
use std::ops::Deref;
use std::time::Duration;

use haproxyadmin::certificate::{CaFile, CaFileDetails, CertificateStatus, CrlFile, CrlFileDetails};
use haproxyadmin::{Change, Cluster, Error, ErrorKind, Outcome, Outcomes};

use tokio::time::{sleep, timeout};

mod authority;
mod support;

use authority::Authority;
use authority::site::{TlsSite, is_absent, only, tls_config};
use support::{Moment, Relay, Release, Running, ask, release, releases};

/// The frontend with a CA file and a CRL file.
const WEB: (&str, &str) =
    ("web", r#"ssl crt "${DIR}/site.pem" verify optional ca-file "${DIR}/ca.pem" crl-file "${DIR}/crl.pem""#);

/// Processes of several releases with a CA file and a CRL file.
struct Site(TlsSite);

/// Returns the releases with the commands.
fn able() -> Vec<Release> {
    releases().into_iter().filter(|release| release.is_at_least("2.5")).collect()
}

impl Site {
    async fn start(releases: &[Release]) -> Self {
        Self::start_with(releases, |authority| authority.revoke(&[0xa1])).await
    }

    async fn start_with(releases: &[Release], list: impl Fn(&Authority) -> String) -> Self {
        let (running, authority) = (Running::new(), Authority::new("Test CA"));
        fs::write(running.dir().join("site.pem"), authority.issue(1).pem()).unwrap();
        fs::write(running.dir().join("ca.pem"), authority.pem()).unwrap();
        fs::write(running.dir().join("crl.pem"), list(&authority)).unwrap();
        Self(TlsSite::start(running, authority, releases, &[WEB]).await)
    }

    fn ca_file(&self) -> CaFile {
        self.cluster.ca_file(&self.path("ca.pem")).unwrap()
    }

    fn crl_file(&self) -> CrlFile {
        self.cluster.crl_file(&self.path("crl.pem")).unwrap()
    }

    /// Returns the number of transactions in all processes, read without the crate.
    async fn pending(&self) -> usize {
        let mut pending = 0;
        for socket in self.running.sockets() {
            for kind in ["ca-file", "crl-file"] {
                let list = ask(&socket, &format!("show ssl {kind}")).await;
                pending += String::from_utf8(list).unwrap().matches("# transaction").count();
            }
        }
        pending
    }
}

#[allow(clippy::needless_pass_by_value, reason = "a call to it stays short")]
fn said(outcomes: Outcomes<Change>) -> String {
    let outcome = outcomes.iter().next().unwrap();
    format!("{}: {}", outcome.word(), outcome.message().unwrap_or_default())
}

fn words(error: &Error) -> Vec<&str> {
    error.outcomes::<Change>().unwrap_or_else(|| panic!("{error}")).iter().map(Outcome::word).collect()
}

fn subjects(details: &CaFileDetails) -> Vec<&str> {
    let mut subjects: Vec<_> =
        details.certificates.iter().map(|one| one.subject.as_deref().unwrap_or("-")).collect();
    subjects.sort_unstable();
    subjects
}

fn serials(details: &CrlFileDetails) -> Vec<&str> {
    details.lists.iter().flat_map(|list| &list.revoked).map(|one| &*one.serial).collect()
}

impl Deref for Site {
    type Target = TlsSite;

    fn deref(&self) -> &TlsSite {
        &self.0
    }
}

#[tokio::test]
async fn a_release_without_the_commands_is_told() {
    let mut running = Running::new();
    let config = tls_config(&[("web", "")]).set("N", 1);
    running.add(&release("2.2"), "one", &config).await;
    let cluster = Cluster::from_dir(running.stats()).await.unwrap();
    let ca_file = cluster.ca_file("ca.pem").unwrap();
    let pem = Authority::new("Test CA").pem();
    for (error, needs) in [
        (cluster.ca_files().await.unwrap_err(), "2.5"),
        (cluster.crl_files().await.unwrap_err(), "2.5"),
        (ca_file.replace(&pem).await.unwrap_err(), "2.5"),
        (ca_file.add(&pem).await.unwrap_err(), "2.7"),
        (ca_file.delete().await.unwrap_err(), "2.5"),
        (cluster.crl_file("crl.pem").unwrap().show().await.unwrap_err(), "2.5"),
    ] {
        assert_eq!(error.kind(), ErrorKind::Unsupported, "{error}");
        assert!(error.to_string().contains(&format!("needs HAProxy {needs} or later")), "{error}");
    }
}

#[tokio::test]
async fn files_are_listed_and_shown() {
    for release in able() {
        let site = Site::start(std::slice::from_ref(&release)).await;
        let listed = only(site.cluster.ca_files().await.unwrap());
        let own = listed.iter().find(|one| *one.name == *site.path("ca.pem")).unwrap();
        assert_eq!((own.certificates, own.pending), (1, None), "{}", release.version);
        let listed = only(site.cluster.crl_files().await.unwrap());
        let names: Vec<_> = listed.iter().map(|one| (&*one.name, one.is_pending)).collect();
        assert_eq!(names, [(&*site.path("crl.pem"), false)]);

        let details = only(site.ca_file().show().await.unwrap());
        assert_eq!((&*details.name, &details.status), (&*site.path("ca.pem"), &CertificateStatus::Used));
        let [authority] = details.certificates.as_slice() else { panic!("{details:?}") };
        assert_eq!(authority.subject.as_deref(), Some("/CN=Test CA"));
        assert_eq!(authority.algorithm.as_deref(), Some("EC256"));
        let json = serde_json::to_string(&details).unwrap();
        assert_eq!(serde_json::from_str::<CaFileDetails>(&json).unwrap(), details);

        let details = only(site.crl_file().show().await.unwrap());
        assert_eq!((&*details.name, &details.status), (&*site.path("crl.pem"), &CertificateStatus::Used));
        let [list] = details.lists.as_slice() else { panic!("{details:?}") };
        assert_eq!((list.version, &*list.issuer), (2, "/CN=Test CA"));
        assert_eq!(&*list.signature_algorithm, "ecdsa-with-SHA256");
        assert_eq!((list.last_update, list.next_update), (1_609_459_200, 2_493_072_000));
        assert_eq!((&*list.revoked[0].serial, list.revoked[0].revoked_at), ("A1", 1_609_459_200));
        assert!(!details.may_be_cut);
        let json = serde_json::to_string(&details).unwrap();
        assert_eq!(serde_json::from_str::<CrlFileDetails>(&json).unwrap(), details);

        assert!(is_absent(site.cluster.ca_file("none").unwrap().show().await));
        assert!(is_absent(site.cluster.crl_file("none").unwrap().show().await));
        assert!(is_absent(site.ca_file().show_pending().await));
        assert!(is_absent(site.crl_file().show_pending().await));
    }
}

#[tokio::test]
async fn a_level_that_is_too_low_is_told() {
    for release in able() {
        let site = Site::start(std::slice::from_ref(&release)).await;
        let user = site.through("x.user.1.sock").await;
        assert_eq!(user.ca_files().await.unwrap_err().kind(), ErrorKind::PermissionDenied);
        let operator = site.through("x.operator.1.sock").await;
        let ca_file = site.ca_file().on(&operator);
        assert_eq!(subjects(&only(ca_file.show().await.unwrap())), ["/CN=Test CA"]);
        let pem = site.authority.pem();
        for denied in [ca_file.set(&pem).await, ca_file.replace(&pem).await, ca_file.delete().await] {
            assert_eq!(denied.unwrap_err().kind(), ErrorKind::PermissionDenied, "{}", release.version);
        }
        assert_eq!(site.pending().await, 0);
    }
}

#[tokio::test]
async fn a_ca_file_is_changed_step_by_step() {
    let others = ["Other 1", "Other 2"].map(Authority::new);
    for release in able() {
        let site = Site::start(std::slice::from_ref(&release)).await;
        let (ca_file, path) = (site.ca_file(), site.path("ca.pem"));
        let both = format!("{}{}", site.authority.pem(), others[0].pem());
        for verb in ["created", "updated"] {
            let expected = format!("changed: transaction {verb} for CA {path}!");
            assert_eq!(said(ca_file.set(&both).await.unwrap()), expected, "{}", release.version);
        }
        let listed = only(site.cluster.ca_files().await.unwrap());
        let own = listed.iter().find(|one| *one.name == *path).unwrap();
        assert_eq!((own.certificates, own.pending), (1, Some(2)));
        let mut expected = vec!["/CN=Other 1", "/CN=Test CA"];
        let added = ca_file.add(&others[1].pem()).await;
        if release.is_at_least("2.7") {
            assert_eq!(said(added.unwrap()), format!("changed: transaction updated for CA {path}!"));
            expected.insert(1, "/CN=Other 2");
        } else {
            assert_eq!(added.unwrap_err().kind(), ErrorKind::Unsupported);
        }
        assert_eq!(subjects(&only(ca_file.show_pending().await.unwrap())), expected);
        assert_eq!(subjects(&only(ca_file.show().await.unwrap())), ["/CN=Test CA"]);
        assert!(said(ca_file.commit().await.unwrap()).starts_with("changed"));
        let details = only(ca_file.show().await.unwrap());
        assert_eq!((subjects(&details), &details.status), (expected, &CertificateStatus::Used));
        assert!(is_absent(ca_file.commit().await));

        ca_file.set(&others[0].pem()).await.unwrap();
        let other = site.cluster.ca_file("new one").unwrap();
        other.create().await.unwrap();
        let error = other.set(&others[0].pem()).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Refused, "{error}");
        let expected = format!("changed: Transaction aborted for certificate '{path}'!");
        assert_eq!(said(ca_file.abort().await.unwrap()), expected);
        assert!(is_absent(ca_file.abort().await));

        let empty = only(other.show().await.unwrap());
        assert_eq!(
            (&*empty.name, empty.status, empty.certificates.len()),
            ("new one", CertificateStatus::Empty, 0)
        );
        assert_eq!(other.create().await.unwrap_err().kind(), ErrorKind::Refused);
        other.replace(&others[0].pem()).await.unwrap();
        let details = only(other.show().await.unwrap());
        assert_eq!((subjects(&details), &details.status), (vec!["/CN=Other 1"], &CertificateStatus::Unused));
        other.delete().await.unwrap();
        assert!(is_absent(other.delete().await));
        let error = ca_file.delete().await.unwrap_err();
        assert!(error.to_string().contains("in use, can't be deleted!"), "{error}");
        assert_eq!(site.pending().await, 0);
    }
}

#[tokio::test]
async fn a_crl_file_is_changed_step_by_step() {
    for release in able() {
        let site = Site::start(std::slice::from_ref(&release)).await;
        let (crl_file, path) = (site.crl_file(), site.path("crl.pem"));
        let expected = format!("changed: transaction created for CRL {path}!");
        let set = crl_file.set(&site.authority.revoke(&[0xb1, 0xb2])).await.unwrap();
        assert_eq!(said(set), expected, "{}", release.version);
        assert_eq!(serials(&only(crl_file.show_pending().await.unwrap())), ["B1", "B2"]);
        assert_eq!(serials(&only(crl_file.show().await.unwrap())), ["A1"]);
        crl_file.commit().await.unwrap();
        assert_eq!(serials(&only(crl_file.show().await.unwrap())), ["B1", "B2"]);
        assert!(is_absent(crl_file.commit().await));
        crl_file.set(&site.authority.revoke(&[1])).await.unwrap();
        crl_file.abort().await.unwrap();
        assert!(is_absent(crl_file.abort().await));

        let other = site.cluster.crl_file("new").unwrap();
        other.create().await.unwrap();
        assert_eq!(only(other.show().await.unwrap()).status, CertificateStatus::Empty);
        other.replace(&site.authority.revoke(&[7])).await.unwrap();
        assert_eq!(serials(&only(other.show().await.unwrap())), ["07"]);
        other.delete().await.unwrap();
        assert!(is_absent(other.delete().await));
        let error = crl_file.delete().await.unwrap_err();
        assert!(error.to_string().contains("in use, can't be deleted!"), "{error}");
        assert_eq!(site.pending().await, 0);
    }
}

/// HAProxy prints one buffer of revoked certificates, and checks against all of them.
#[tokio::test]
async fn a_long_list_is_shown_in_part_and_told_apart_from_a_whole_one() {
    for release in able() {
        let site = Site::start(std::slice::from_ref(&release)).await;
        let crl_file = site.crl_file();
        for (count, may_be_cut) in [(100, false), (250, true)] {
            let serials: Vec<u64> = (0..count).map(|n| 0x1000_0000_0000_0000 + n).collect();
            crl_file.replace(&site.authority.revoke(&serials)).await.unwrap();
            let details = only(crl_file.show().await.unwrap());
            assert_eq!(details.may_be_cut, may_be_cut, "{}", release.version);
            let shown = details.lists[0].revoked.len();
            assert!(shown > 99 && (shown == serials.len()) != may_be_cut, "{shown} of {count}");
        }
    }
}

/// HAProxy drops the pieces of a list that do not fit, one by one.
#[tokio::test]
async fn a_list_behind_a_long_one_is_left_out_and_replaced() {
    let site = Site::start(&able()).await;
    let other = Authority::new("Other");
    for (file, count) in ["one", "two"].into_iter().zip([180, 183]) {
        let serials: Vec<u64> = (0..count).map(|n| 0x1000_0000_0000_0000 + n).collect();
        let long = format!("{}{}", site.authority.revoke(&serials), other.revoke(&[1]));
        let crl_file = site.cluster.crl_file(file).unwrap();
        crl_file.create().await.unwrap();
        for pem in [&long, &long, &site.authority.revoke(&[2]), &long] {
            crl_file.replace(pem).await.unwrap();
        }
        let shown = crl_file.show().await.unwrap();
        assert!(
            shown.values().all(|(_, details)| details.may_be_cut && !details.lists.is_empty()),
            "{count}"
        );
    }
    assert_eq!(site.pending().await, 0);
}

#[tokio::test]
async fn a_list_without_a_next_update_is_refused_because_haproxy_dies_of_it() {
    let site = Site::start(&able()).await;
    let bad = site.authority.revoke_without_end(&[1, 2]);
    let crl_file = site.crl_file();
    for pem in [bad.clone(), format!("{}{bad}", site.authority.revoke(&[1]))] {
        for error in [crl_file.replace(&pem).await.unwrap_err(), crl_file.set(&pem).await.unwrap_err()] {
            assert_eq!(error.kind(), ErrorKind::InvalidInput, "{error}");
            assert!(error.to_string().contains("has no next update"), "{error}");
        }
    }
    assert_eq!(site.pending().await, 0);
    assert!(crl_file.show().await.unwrap().values().all(|(_, details)| serials(details) == ["A1"]));
    for n in 1..=able().len() {
        let socket = site.running.socket(n);
        ask(&socket, "new ssl crl-file n").await;
        let set = ask(&socket, &format!("set ssl crl-file n <<\n{bad}")).await;
        assert!(String::from_utf8_lossy(&set).contains("transaction created"), "{set:?}");
        assert_eq!(ask(&socket, "show ssl crl-file *n").await, b"");
        let is_dead = async {
            while site.running.is_alive(n) {
                sleep(Duration::from_millis(10)).await;
            }
        };
        timeout(Duration::from_secs(20), is_dead).await.unwrap_or_else(|_| panic!("process {n}"));
    }
}

/// A process loads such a list at its start, and lives as long as it does not show the list.
#[tokio::test]
async fn a_list_without_a_next_update_is_replaced_and_not_shown() {
    let releases = able();
    let bad = |authority: &Authority| authority.revoke_without_end(&[0xa1]);
    let site = Site::start_with(&releases, bad).await;
    let good = site.authority.revoke(&[0xb1]);
    let outcomes = site.crl_file().replace(&good).await.unwrap();
    assert!(outcomes.iter().all(|outcome| outcome.word() == "changed"));
    let shown = site.crl_file().show().await.unwrap();
    assert_eq!(shown.values().filter(|(_, details)| serials(details) == ["B1"]).count(), releases.len());

    // The commit of the last process is refused, or its reply is lost.
    for (moment, word, said) in [
        (Moment::Marking, "failed", "the process used the CRL file in use before, "),
        (Moment::Marked, "unknown", "the process uses the CRL file in use before or "),
    ] {
        let site = Site::start_with(&releases, bad).await;
        let count = releases.len();
        let relay = Relay::new(site.running.dir().join("z.sock"), site.running.socket(count));
        let others = (1..count).map(|n| site.running.socket(n));
        let sockets = others.chain([site.running.dir().join("z.sock")]);
        let cluster = Cluster::from_addresses(sockets.collect::<Vec<_>>()).await.unwrap();
        let crl_file = site.crl_file().on(&cluster);
        relay.mark(["commit ssl crl-file "]);
        relay.hold(moment);
        let crl = good.clone();
        let call = tokio::spawn(async move { crl_file.replace(&crl).await });
        relay.holds(1).await;
        if moment == Moment::Marking {
            let abort = format!("abort ssl crl-file {}", site.path("crl.pem"));
            ask(site.running.socket(count), &abort).await;
            relay.release();
        } else {
            relay.cut();
        }
        let error = call.await.unwrap().unwrap_err();
        let mut expected = vec!["changed"; count];
        expected[count - 1] = word;
        assert_eq!(words(&error), expected, "{error}");
        assert!(error.to_string().contains(said), "{error}");
        assert!((1..=count).all(|n| site.running.is_alive(n)));
    }
}

/// HAProxy would put a CA into a CRL file of the name, or delete the CRL file.
#[tokio::test]
async fn a_file_of_the_other_kind_is_absent() {
    for release in able() {
        let site = Site::start(std::slice::from_ref(&release)).await;
        site.cluster.crl_file("spare").unwrap().create().await.unwrap();
        for name in ["spare", &site.path("crl.pem")] {
            let as_ca = site.cluster.ca_file(name).unwrap();
            assert!(is_absent(as_ca.show().await) && is_absent(as_ca.set(&site.authority.pem()).await));
            assert!(is_absent(as_ca.replace(&site.authority.pem()).await) && is_absent(as_ca.delete().await));
        }
        let as_crl = site.cluster.crl_file(&site.path("ca.pem")).unwrap();
        let crl = site.authority.revoke(&[1]);
        assert!(is_absent(as_crl.set(&crl).await) && is_absent(as_crl.delete().await));
        assert_eq!(as_crl.create().await.unwrap_err().kind(), ErrorKind::Refused);
        let names: Vec<_> =
            only(site.cluster.crl_files().await.unwrap()).into_iter().map(|one| one.name).collect();
        assert!(names.contains(&"spare".into()), "{}: {names:?}", release.version);
        assert_eq!(site.pending().await, 0);
    }
}

#[tokio::test]
async fn an_authority_with_a_key_that_haproxy_does_not_describe_is_shown_and_replaced() {
    for release in able() {
        let site = Site::start(std::slice::from_ref(&release)).await;
        let (ca_file, odd) = (site.ca_file(), site.authority.issue_ed25519(0xe1).certificate);
        for pem in
            [odd.clone(), format!("{odd}{}", site.authority.pem()), format!("{}{odd}", site.authority.pem())]
        {
            ca_file.replace(&pem).await.unwrap();
            let details = only(ca_file.show().await.unwrap());
            let found = details.certificates.iter().find(|one| &*one.serial == "E1").unwrap();
            assert_eq!((&found.algorithm, &found.fingerprint), (&None, &None), "{}", release.version);
            assert_eq!(details.certificates.len(), pem.matches("BEGIN").count());
        }
    }
}

#[tokio::test]
async fn wrong_texts_are_refused() {
    let site = Site::start(&able()).await;
    let (ca, crl) = (site.authority.pem(), site.authority.revoke(&[1]));
    for error in [
        site.ca_file().replace(&crl).await.unwrap_err(),
        site.ca_file().set("").await.unwrap_err(),
        site.crl_file().replace(&ca).await.unwrap_err(),
    ] {
        assert_eq!(error.kind(), ErrorKind::InvalidInput, "{error}");
    }
    let line = ca.lines().nth(1).unwrap();
    let error = site.ca_file().replace(&ca.replace(line, "garbage")).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Refused, "{error}");
    assert!(error.to_string().contains("Invalid payload"), "{error}");
    assert_eq!(site.pending().await, 0);
}

#[tokio::test]
async fn files_are_replaced_on_all_processes_or_on_none() {
    let releases = able();
    let count = releases.len();
    let mut site = Site::start(&releases).await;
    let other = Authority::new("Other");
    let both = format!("{}{}", other.pem(), site.authority.pem());
    let outcomes = site.ca_file().replace(&both).await.unwrap();
    let first = outcomes.iter().next().unwrap().message().unwrap();
    assert!(first.starts_with("uses 2 certificates, one certificate "), "{first}");
    let shown = site.ca_file().show().await.unwrap();
    assert!(shown.values().all(|(_, details)| subjects(details) == ["/CN=Other", "/CN=Test CA"]));
    let outcomes = site.crl_file().replace(&site.authority.revoke(&[0xb1])).await.unwrap();
    let first = outcomes.iter().next().unwrap().message().unwrap();
    assert_eq!(first, "uses list of /CN=Test CA of Jan  1 00:00:00 2021 GMT, with 1 revoked certificate");
    assert_eq!(outcomes.len(), count);

    // The last process dies when the commands reach it.
    for kind in ["ca-file", "crl-file"] {
        let mark = format!("set ssl {kind} ");
        let socket = format!("z.{kind}.sock");
        let relay = Relay::new(site.running.dir().join(&socket), site.running.socket(count));
        let sockets = (1..count).map(|n| site.running.socket(n)).chain([site.running.dir().join(&socket)]);
        let cluster = Cluster::from_addresses(sockets.collect::<Vec<_>>()).await.unwrap();
        cluster.info().await.unwrap();
        relay.mark([mark.as_str()]);
        relay.hold(Moment::Marking);
        let (ca_file, crl_file) = (site.ca_file().on(&cluster), site.crl_file().on(&cluster));
        let (pem, crl) = (other.pem(), site.authority.revoke(&[0xc1]));
        let is_ca = kind == "ca-file";
        let call = tokio::spawn(async move {
            if is_ca { ca_file.replace(&pem).await } else { crl_file.replace(&crl).await }
        });
        relay.holds(1).await;
        relay.cut();
        let error = call.await.unwrap().unwrap_err();
        let mut expected = vec!["unchanged"; count];
        expected[count - 1] = "failed";
        assert_eq!(words(&error), expected, "{error}");
        assert_eq!(site.pending().await, 0);
    }
    site.0.running.kill(count);
    let rest = site.cluster.allow_partial();
    let shown = site.ca_file().on(&rest).show().await.unwrap();
    assert_eq!(shown.values().count(), count - 1);
    assert!(shown.values().all(|(_, details)| subjects(details) == ["/CN=Other", "/CN=Test CA"]));
    let shown = site.crl_file().on(&rest).show().await.unwrap();
    assert!(shown.values().all(|(_, details)| serials(details) == ["B1"]));
}
