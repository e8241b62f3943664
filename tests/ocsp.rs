//! OCSP responses of processes of each release: listed, shown, set, and fetched from a responder. HAProxy
//! 2.2 can only set them.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "in a test a panic is the failure message")]
#![allow(clippy::indexing_slicing, reason = "the same")]

use std::fs;
use std::ops::Deref;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use haproxyadmin::certificate::{
    Certificate, ListedOcspResponse, OcspId, OcspResponse, OcspStatus, OcspUpdate,
};
use haproxyadmin::{Change, Cluster, ErrorKind, Outcome, Outcomes};

mod authority;
mod support;

use authority::Authority;
use authority::ocsp::{Responder, Status, stapled};
use authority::site::{TlsSite, only, refusal, tls_config};
use support::{Release, Running, release, releases, releases_since, until};

/// The frontend with the certificates.
const WEB: (&str, &str) = ("web", r#"ssl crt-list "${DIR}/sites.list""#);

/// Serial numbers of the two certificates.
const SITE: u64 = 0xa1;
const PLAIN: u64 = 0xa2;

/// Processes with a certificate that has an OCSP response, and with another one that has none.
struct Site {
    tls: TlsSite,
    responder: Responder,
}

impl Site {
    async fn start(releases: &[Release]) -> Self {
        Self::start_with(releases, "").await
    }

    /// Starts processes with options for the first certificate. With options, it has no response.
    async fn start_with(releases: &[Release], options: &str) -> Self {
        let running = Running::new();
        let (authority, responder) = (Authority::new("Test CA"), Responder::start().await);
        let site = authority.issue_with_responder(SITE, &responder.url());
        let path = |name: &str| running.dir().join(name);
        fs::write(path("site.pem"), format!("{}{}", site.pem(), authority.pem())).unwrap();
        if options.is_empty() {
            fs::write(path("site.pem.ocsp"), authority.respond(&Status::good(SITE))).unwrap();
        }
        fs::write(path("plain.pem"), authority.issue_for(PLAIN, vec!["plain.example".into()]).pem()).unwrap();
        let dir = running.dir().display();
        let list = format!("{dir}/site.pem {options}\n{dir}/plain.pem\n");
        fs::write(path("sites.list"), list).unwrap();
        Self { tls: TlsSite::start(running, authority, releases, &[WEB]).await, responder }
    }

    async fn one(release: &Release) -> Self {
        Self::start(std::slice::from_ref(release)).await
    }

    fn certificate(&self, name: &str) -> Certificate {
        self.cluster.certificate(&self.path(name)).unwrap()
    }

    fn id(&self) -> OcspId {
        self.authority.certificate_id_text(SITE).parse().unwrap()
    }

    async fn shown(&self) -> OcspResponse {
        only(self.cluster.ocsp_response(&self.id()).await.unwrap())
    }

    async fn staples(&self, n: usize) -> Vec<u8> {
        stapled(&self.running.traffic("web", n)).await
    }
}

fn kind<T: std::fmt::Debug>(result: haproxyadmin::Result<T>) -> ErrorKind {
    result.unwrap_err().kind()
}

fn words(outcomes: &Outcomes<Change>) -> Vec<&'static str> {
    outcomes.iter().map(Outcome::word).collect()
}

/// Returns the time in a number of seconds, as `YYYYMMDDhhmmssZ`.
fn later(seconds: u64) -> String {
    let now = SystemTime::now() + Duration::from_secs(seconds);
    let seconds = i64::try_from(now.duration_since(UNIX_EPOCH).unwrap().as_secs()).unwrap();
    // The civil date of a day since 1970, by days of years of 365.2425 days that begin in March.
    let (days, clock) = (seconds / 86_400 + 719_468, seconds % 86_400);
    let day_of_era = days % 146_097;
    let year_of_era = (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let month = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * month + 2) / 5 + 1;
    let month = if month < 10 { month + 3 } else { month - 9 };
    let year = days / 146_097 * 400 + year_of_era + i64::from(month <= 2);
    format!("{year:04}{month:02}{day:02}{:02}{:02}{:02}Z", clock / 3600, clock / 60 % 60, clock % 60)
}

impl Deref for Site {
    type Target = TlsSite;

    fn deref(&self) -> &TlsSite {
        &self.tls
    }
}

#[tokio::test]
async fn a_release_without_a_command_is_told() {
    let (old, middle) = (Site::one(&release("2.2")).await, Site::one(&release("2.6")).await);
    let pair = async |site: &Site| {
        let certificate = site.certificate("site.pem");
        [
            certificate.ocsp_response().await.map(drop),
            certificate.update_ocsp_response().await.map(drop),
            site.cluster.ocsp_updates().await.map(drop),
        ]
    };
    for result in pair(&old).await.into_iter().chain(pair(&middle).await) {
        let error = result.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Unsupported, "{error}");
        assert!(error.to_string().contains("needs HAProxy 2.8 or later"), "{error}");
    }
    for result in
        [old.cluster.ocsp_responses().await.map(drop), old.cluster.ocsp_response(&old.id()).await.map(drop)]
    {
        let error = result.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Unsupported, "{error}");
        assert!(error.to_string().contains("needs HAProxy 2.5 or later"), "{error}");
    }
}

#[tokio::test]
async fn responses_are_listed_and_shown() {
    for release in releases_since("2.5") {
        let site = Site::one(&release).await;
        let listed = only(site.cluster.ocsp_responses().await.unwrap());
        let [one] = listed.as_slice() else { panic!("{}: {listed:?}", release.version) };
        assert_eq!(one.id, site.id());
        assert_eq!(&*one.subject.issuer_key_hash, site.authority.key_hash_text());
        assert_eq!((&*one.subject.serial, one.subject.issuer_name_hash.len()), ("A1", 40));
        let path = release.is_at_least("2.8").then(|| site.path("site.pem"));
        assert_eq!(one.certificate.as_deref(), path.as_deref(), "{}", release.version);
        let json = serde_json::to_string(&listed).unwrap();
        assert_eq!(serde_json::from_str::<Vec<ListedOcspResponse>>(&json).unwrap(), listed);

        let shown = site.shown().await;
        assert_eq!((&shown.status, &shown.subject), (&OcspStatus::Good, &one.subject));
        assert_eq!(&*shown.responder, site.authority.key_hash_text());
        let times = [shown.this_update, shown.produced_at, shown.next_update];
        assert_eq!(times, [1_609_545_600, 1_609_632_000, 2_114_380_800]);
        assert_eq!(&*shown.next_update_text, "Jan  1 00:00:00 2037 GMT");
        assert_eq!((shown.revoked_at, &shown.revocation_reason), (None, &None));
        assert!(shown.text.contains("Signature Algorithm: ecdsa-with-SHA256"), "{}", shown.text);
        let json = serde_json::to_string(&shown).unwrap();
        assert_eq!(serde_json::from_str::<OcspResponse>(&json).unwrap(), shown);

        let other = site.authority.certificate_id_text(PLAIN).parse().unwrap();
        assert_eq!(kind(site.cluster.ocsp_response(&other).await), ErrorKind::NotFound);
        if release.is_at_least("2.8") {
            assert_eq!(only(site.certificate("site.pem").ocsp_response().await.unwrap()), shown);
            for absent in ["plain.pem", "none.pem"] {
                let result = site.certificate(absent).ocsp_response().await;
                assert_eq!(kind(result), ErrorKind::NotFound, "{absent}");
            }
        }
        let hexadecimal = site.cluster.certificate("cafe").unwrap();
        assert_eq!(kind(hexadecimal.ocsp_response().await), ErrorKind::InvalidInput);
    }
}

#[tokio::test]
async fn a_response_that_is_set_is_stapled() {
    let site = Site::start(&releases()).await;
    let (first, count) = (site.authority.respond(&Status::good(SITE)).len(), releases().len());
    let revoked = site.authority.respond(&Status::revoked(SITE));
    for n in 1..=count {
        let before = site.staples(n).await;
        assert!(before.len().abs_diff(first) < 8 && before != revoked, "{n}: {before:?}");
    }
    let outcomes = site.cluster.set_ocsp_response(&revoked).await.unwrap();
    assert_eq!(words(&outcomes), vec!["changed"; count]);
    let message = outcomes.iter().next().unwrap().message();
    assert_eq!(message.as_deref(), Some("OCSP Response updated!"));
    for n in 1..=count {
        assert_eq!(site.staples(n).await, revoked, "{n}");
    }
    let shown = site.cluster.allow_partial().ocsp_response(&site.id()).await.unwrap();
    assert_eq!(shown.values().count(), count - 1);
    for (label, response) in shown.values() {
        assert_eq!((&response.status, response.revoked_at), (&OcspStatus::Revoked, Some(1_609_459_200)));
        assert_eq!(response.revocation_reason.as_deref(), Some("keyCompromise (0x1)"), "{label}");
    }
}

#[tokio::test]
async fn a_response_that_haproxy_cannot_use_changes_nothing() {
    for release in releases() {
        let site = Site::one(&release).await;
        let before = site.staples(1).await;
        let sign = |status: Status| site.authority.respond(&status);
        for (der, expected) in [
            (b"no DER".to_vec(), "Unable to parse OCSP response."),
            (sign(Status::unknown(SITE)), "OCSP single response: certificate status is unknown."),
            (sign(Status::good(SITE).until(None)), "OCSP single response: missing nextupdate."),
            (
                sign(Status::good(SITE).until(Some("20210201000000Z".into()))),
                // The text of HAProxy.
                "OCSP single response: no longer valid..",
            ),
        ] {
            let error = site.cluster.set_ocsp_response(&der).await.unwrap_err();
            assert_eq!(refusal(&error), format!("refused: {expected:?}"), "{}", release.version);
        }
        for der in [sign(Status::good(PLAIN)), Authority::new("Other CA").respond(&Status::good(SITE))] {
            assert_eq!(kind(site.cluster.set_ocsp_response(&der).await), ErrorKind::NotFound);
        }
        for der in [Vec::new(), vec![0; 12_000]] {
            assert_eq!(kind(site.cluster.set_ocsp_response(&der).await), ErrorKind::InvalidInput);
        }
        assert_eq!(site.staples(1).await, before, "{}", release.version);
    }
}

#[tokio::test]
async fn a_response_that_ends_soon_replaces_the_old_one() {
    for release in releases_since("3.2") {
        let site = Site::one(&release).await;
        let short = site.authority.respond(&Status::good(SITE).until(Some(later(200))));
        let error = site.cluster.set_ocsp_response(&short).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::PartiallyApplied, "{}: {error}", release.version);
        assert!(error.to_string().contains("is in the place of the old one"), "{error}");
        assert_ne!(&*site.shown().await.next_update_text, "Jan  1 00:00:00 2037 GMT");
        assert_eq!(site.staples(1).await, b"", "{}", release.version);
    }
}

#[tokio::test]
async fn a_process_without_the_certificate_is_absent() {
    let mut site = Site::start(&[release("3.0"), release("2.2")]).await;
    let config = tls_config(&[("web", "")]).set("N", 3);
    site.tls.running.add(&release("3.4"), "other", &config).await;
    let cluster = Cluster::from_dir(site.running.stats()).await.unwrap();
    let der = site.authority.respond(&Status::revoked(SITE));
    assert_eq!(words(&cluster.set_ocsp_response(&der).await.unwrap()), ["changed", "changed", "absent"]);
    let listed = cluster.allow_partial().ocsp_responses().await.unwrap();
    let counts: Vec<_> = listed.values().map(|(_, listed)| listed.len()).collect();
    assert_eq!((counts, listed.failed().count()), (vec![1, 0], 1));
}

#[tokio::test]
async fn a_level_that_is_too_low_is_told() {
    for release in releases() {
        let site = Site::one(&release).await;
        let is_strict = release.is_at_least("3.4");
        let der = site.authority.respond(&Status::revoked(SITE));
        for level in ["user", "operator"] {
            let cluster = site.through(&format!("x.{level}.1.sock")).await;
            let certificate = site.certificate("site.pem").on(&cluster);
            let mut results = vec![cluster.set_ocsp_response(&der).await.map(drop)];
            if release.is_at_least("2.5") {
                results.push(cluster.ocsp_responses().await.map(drop));
                results.push(cluster.ocsp_response(&site.id()).await.map(drop));
            }
            if release.is_at_least("2.8") {
                results.push(certificate.ocsp_response().await.map(drop));
                results.push(certificate.update_ocsp_response().await.map(drop));
                results.push(cluster.ocsp_updates().await.map(drop));
            }
            for result in results {
                match result {
                    Ok(()) => assert!(!is_strict, "{}", release.version),
                    Err(error) => {
                        assert!(is_strict, "{}: {error}", release.version);
                        assert_eq!(error.kind(), ErrorKind::PermissionDenied);
                        assert!(error.to_string().contains("needs level admin"), "{error}");
                    }
                }
            }
        }
    }
}

#[tokio::test]
async fn a_response_is_fetched_from_the_responder() {
    for release in releases_since("2.8") {
        let site = Site::one(&release).await;
        let certificate = site.certificate("site.pem");
        let before = site.staples(1).await;
        let revoked = site.authority.respond(&Status::revoked(SITE));
        site.responder.serve(revoked.clone());
        assert_eq!(words(&certificate.update_ocsp_response().await.unwrap()), ["changed"]);
        let fetched = async || (site.staples(1).await != before).then_some(());
        until("the new response", fetched).await;
        assert_eq!(site.staples(1).await, revoked, "{}", release.version);
        assert_eq!(site.shown().await.status, OcspStatus::Revoked);
        for absent in ["plain.pem", "none.pem"] {
            let result = site.certificate(absent).update_ocsp_response().await;
            assert_eq!(kind(result), ErrorKind::NotFound, "{absent}");
        }
    }
}

#[tokio::test]
async fn updates_are_listed_with_their_results() {
    for release in releases_since("3.0") {
        let site = Site::start_with(std::slice::from_ref(&release), "[ocsp-update on]").await;
        let updates = async || only(site.cluster.ocsp_updates().await.unwrap());
        let failed = async || {
            let found = updates().await.into_iter().next();
            found.filter(|one| one.failures > 0)
        };
        let one: OcspUpdate = until("the first failure", failed).await;
        assert_eq!((&one.id, &*one.certificate), (&site.id(), &*site.path("site.pem")));
        assert_eq!((one.successes, one.last_update, &one.last_update_text), (0, None, &None));
        assert_eq!((one.last_result, &*one.last_result_text), (2, "HTTP error"), "{}", release.version);
        // HAProxy has the certificate and no response yet.
        assert_eq!(kind(site.cluster.ocsp_response(&site.id()).await), ErrorKind::NotFound);
        assert_eq!(only(site.cluster.ocsp_responses().await.unwrap()).len(), 1);

        site.responder.serve(site.authority.respond(&Status::good(SITE)));
        site.certificate("site.pem").update_ocsp_response().await.unwrap();
        let succeeded = async || updates().await.into_iter().find(|one| one.successes > 0);
        let one: OcspUpdate = until("the first success", succeeded).await;
        assert_eq!((one.last_result, &*one.last_result_text), (1, "Update successful"));
        let last = one.last_update.unwrap();
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs();
        assert!(last.abs_diff(i64::try_from(now).unwrap()) < 60, "{one:?}");
        assert!(one.next_update > last, "{one:?}");
        let json = serde_json::to_string(&one).unwrap();
        assert_eq!(serde_json::from_str::<OcspUpdate>(&json).unwrap(), one);
        assert_eq!(site.shown().await.status, OcspStatus::Good);
    }
}
