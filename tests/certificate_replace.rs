//! Replacement of a certificate on processes of all releases: on each of them, or on none, also if a
//! process fails at any step. The tests check it by TLS handshakes and on each process' own socket.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "in a test a panic is the failure message")]
#![allow(clippy::indexing_slicing, reason = "the same")]

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use haproxyadmin::{Cluster, ErrorKind};

mod authority;
#[path = "certificate_replace/site.rs"]
mod site;
mod support;

use authority::{Issued, NAME, served};
use site::{RELAY, Site, all, but_last, count, last, outcomes, words};
use support::{Moment, ask};

#[tokio::test]
async fn no_handshake_fails_while_a_certificate_is_replaced_on_every_process() {
    let site = Site::start().await;
    let certificate = site.certificate().await;
    let is_over = Arc::new(AtomicBool::new(false));
    let clients: Vec<_> = (1..=count())
        .map(|n| {
            let (client, is_over) = (site.authority.client(), Arc::clone(&is_over));
            let socket = site.running.traffic("web", n);
            tokio::spawn(async move {
                let mut done = 0;
                while !is_over.load(Ordering::SeqCst) {
                    served(&client, &socket)
                        .await
                        .unwrap_or_else(|error| panic!("handshake {done}: {error}"));
                    done += 1;
                }
                done
            })
        })
        .collect();
    for round in 0..10 {
        let next = site.authority.issue(0x100 + round);
        assert_eq!(words(&certificate.replace(&next.pem()).await.unwrap()), all("changed"));
    }
    let outcomes = certificate.replace(&site.new.pem()).await.unwrap();
    is_over.store(true, Ordering::SeqCst);
    for client in clients {
        assert!(client.await.unwrap() > 0);
    }
    assert_eq!(words(&outcomes), all("changed"));
    let shown = certificate.show().await.unwrap();
    let expected: Vec<_> = shown
        .values()
        .map(|(_, details)| {
            let leaf = details.leaf.as_ref().unwrap();
            assert_eq!(&*leaf.serial, "B1");
            format!("serves certificate {} (serial B1)", leaf.fingerprint.as_ref().unwrap())
        })
        .collect();
    let said: Vec<_> = outcomes.iter().map(|outcome| outcome.message().unwrap()).collect();
    assert_eq!(said, expected);
    assert_eq!(site.served().await, all("new"));
    assert_eq!(site.pending().await, all(None));
}

/// HAProxy prints no fingerprint behind names that fill its buffer, and no line feed behind them if one byte is
/// left.
#[tokio::test]
async fn a_certificate_with_more_names_than_haproxy_prints_is_replaced() {
    let site = Site::start().await;
    let cluster = site.cluster(&format!("stats/{}.sock", count())).await;
    let certificate = cluster.certificate(&site.name()).unwrap();
    let mut without_end = all(false);
    for (serial, names, first) in [(0xd1, 1_700, NAME), (0xd2, 1_560, NAME), (0xd3, 1_700, "odd.example")] {
        let names = [first.to_owned()].into_iter().chain((1_000..1_000 + names).map(|n| n.to_string()));
        let pem = site.authority.issue_for(serial, names.collect()).pem();
        assert_eq!(words(&certificate.replace(&pem).await.unwrap()), all("changed"));
        for (_, details) in certificate.show().await.unwrap().values() {
            let leaf = details.leaf.as_ref().unwrap();
            assert_eq!((&*leaf.serial, leaf.may_be_cut), (&*format!("{serial:X}"), true));
            assert!(leaf.names.len() > 1_500, "{}", leaf.names.len());
            assert!(leaf.names.iter().all(|name| &**name == first || name.len() == 4), "{:?}", leaf.names);
        }
        for (n, seen) in (1..).zip(&mut without_end) {
            let reply = ask(site.running.socket(n), &format!("show ssl cert {}", site.name())).await;
            *seen |= !reply.ends_with(b"\n\n");
        }
    }
    assert_eq!(without_end, all(true));
    certificate.replace(&site.new.pem()).await.unwrap();
    assert_eq!(site.served().await, all("new"));
}

#[tokio::test]
async fn a_pem_that_haproxy_cannot_read_changes_nothing() {
    let site = Site::start().await;
    let pem = site.new.pem();
    let line = pem.lines().nth(1).unwrap();
    let broken = pem.replace(line, "garbage");
    for bad in [format!("{}{broken}", site.old.key), broken] {
        let error = site.certificate().await.replace(&bad).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Refused, "{error}");
        assert!(
            outcomes(&error).iter().all(|one| one.message().unwrap().contains("unable to load certificate"))
        );
        site.assert_nothing_changed().await;
    }
}

/// HAProxy 3.0 and later would take it and keep the old certificate.
#[tokio::test]
async fn a_pem_without_a_certificate_is_refused_before_it_is_sent() {
    let site = Site::start().await;
    let certificate = site.certificate().await;
    let before = site.relay.sent();
    for bad in [&*site.new.key, "-----BEGIN A-----\n-----END A-----", "", &site.authority.revoke(&[1])] {
        let error = certificate.replace(bad).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidInput, "{error}");
        assert!(error.to_string().ends_with(": the PEM text has no section `CERTIFICATE`"), "{error}");
    }
    assert_eq!(site.relay.sent(), before);
}

#[tokio::test]
async fn a_key_that_does_not_fit_changes_nothing() {
    let site = Site::start().await;
    let bad = format!("{}{}", site.new.certificate, site.old.key);
    let error = site.certificate().await.replace(&bad).await.unwrap_err();
    let mut expected = all("unchanged");
    expected[0] = "failed";
    assert_eq!(words(outcomes(&error)), expected, "{error}");
    assert!(error.to_string().contains("inconsistencies between private key and certificate"), "{error}");
    let first = outcomes(&error).iter().next().unwrap().error().unwrap();
    assert_eq!(first.kind(), ErrorKind::Refused);
    site.assert_nothing_changed().await;
}

#[tokio::test]
async fn a_process_that_denies_the_change_keeps_all_others_from_it() {
    let site = Site::start().await;
    let cluster = site.cluster(&format!("x.operator.{}.sock", count())).await;
    let error = cluster.certificate(&site.name()).unwrap().replace(&site.new.pem()).await.unwrap_err();
    assert_eq!(words(outcomes(&error)), but_last("unchanged", "failed"));
    assert_eq!(last(&error).kind(), ErrorKind::PermissionDenied);
    let said = outcomes(&error).iter().next().unwrap().message().unwrap();
    assert_eq!(said, "the transaction was aborted");
    site.assert_nothing_changed().await;
}

#[tokio::test]
async fn a_process_without_the_certificate_keeps_all_others_from_it() {
    let site = Site::start().await;
    let name = "only some have it.pem";
    let cluster = site.cluster(RELAY).await;
    let some = cluster.only((1..count()).map(|n| n.to_string()));
    some.certificate(name).unwrap().create().await.unwrap();
    let certificate = cluster.certificate(name).unwrap();
    let error = certificate.replace(&site.new.pem()).await.unwrap_err();
    assert_eq!(words(outcomes(&error)), but_last("unchanged", "failed"), "{error}");
    assert_eq!(last(&error).kind(), ErrorKind::NotFound);
    site.assert_nothing_changed().await;

    let outcomes = certificate.on(&some).replace(&site.new.pem()).await.unwrap();
    assert_eq!(words(&outcomes), all("changed")[1..]);
    let error = cluster.certificate("none.pem").unwrap().replace(&site.new.pem()).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::NotFound);
}

#[tokio::test]
async fn a_transaction_of_another_client_is_refused_and_kept() {
    let site = Site::start().await;
    let certificate = site.certificate().await;
    let cluster = site.cluster(RELAY).await;
    let one = cluster.only(["2"]);
    certificate.on(&one).set(&site.authority.issue(0xc1).pem()).await.unwrap();
    let error = certificate.replace(&site.new.pem()).await.unwrap_err();
    let mut expected = all("unchanged");
    expected[1] = "failed";
    assert_eq!(words(outcomes(&error)), expected, "{error}");
    let name = site.name();
    let said = format!("a transaction for '{name}' is pending, of another client or of an earlier call");
    assert!(error.to_string().contains(&said), "{error}");
    let mut pending = all(None);
    pending[1] = Some(name);
    assert_eq!(site.pending().await, pending);
    assert_eq!(site.served().await, all("old"));
    let kept = certificate.on(&one).show_pending().await.unwrap();
    assert_eq!(&*kept.values().next().unwrap().1.leaf.as_ref().unwrap().serial, "C1");
    certificate.on(&one).abort().await.unwrap();
    certificate.replace(&site.new.pem()).await.unwrap();
    assert_eq!(site.served().await, all("new"));
}

/// HAProxy would put the certificate into the transaction of the other client.
#[tokio::test]
async fn a_transaction_that_begins_in_the_same_moment_is_overwritten_and_aborted() {
    let site = Site::start().await;
    let (certificate, pem, name) = (site.certificate().await, site.new.pem(), site.name());
    site.relay.mark(["set ssl cert "]);
    site.relay.hold(Moment::Marking);
    let own = certificate.clone();
    let call = tokio::spawn(async move { own.replace(&pem).await });
    site.relay.holds(1).await;
    let other = site.authority.issue(0xc1).pem();
    let set = format!("set ssl cert {name} <<\n{other}");
    ask(site.running.socket(count()), &set).await;
    assert_eq!(site.pending().await[count() - 1], Some(name.clone()));
    site.relay.release();
    let error = call.await.unwrap().unwrap_err();
    assert_eq!(words(outcomes(&error)), but_last("unchanged", "failed"), "{error}");
    assert_eq!(last(&error).kind(), ErrorKind::PartiallyApplied);
    let expected = format!(
        "another client began a transaction in the same moment; it was overwritten and then aborted: \
         refused: \"Transaction updated for certificate {name}!\""
    );
    assert!(last(&error).to_string().ends_with(&expected), "{error}");
    site.assert_nothing_changed().await;
}

/// At most one of two calls at the same moment succeeds, and each process serves one certificate.
///
/// Two clusters, as two programs, leave out 3.4, which comes last: they would break its lock of certificates.
#[tokio::test]
async fn two_calls_at_once_leave_no_transaction_and_no_mixture() {
    let site = Site::start().await;
    let older = || async {
        let sockets = (1..count()).map(|n| site.running.socket(n));
        Cluster::from_addresses(sockets).await.unwrap().certificate(&site.name()).unwrap()
    };
    let every = site.certificate().await;
    let clients = [(older().await, older().await, count() - 1), (every.clone(), every, count())];
    for (round, (one, two, processes)) in
        (0..10).flat_map(|round| clients.each_ref().map(|each| (round, each)))
    {
        let news = [site.authority.issue(0x200 + round), site.authority.issue(0x300 + round)];
        let pems = news.each_ref().map(Issued::pem);
        let results = tokio::join!(one.replace(&pems[0]), two.replace(&pems[1]));
        let won: Vec<_> = [&results.0, &results.1]
            .into_iter()
            .zip(["2", "3"])
            .filter(|(result, _)| result.is_ok())
            .map(|(_, first)| vec![format!("0{first}0{round}"); *processes])
            .collect();
        assert_eq!(site.pending().await, all(None), "{results:?}");
        let shown = one.show().await.unwrap();
        let serials: Vec<_> =
            shown.values().map(|(_, details)| details.leaf.as_ref().unwrap().serial.to_string()).collect();
        // Of two calls, one may begin after the other has ended.
        assert!(won.is_empty() || won.contains(&serials), "{serials:?} {results:?}");
    }
}

/// HAProxy 3.4 breaks its lock of certificates if a `set ssl cert` meets another command on certificates.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn reads_and_changes_of_one_cluster_leave_the_lock_of_haproxy_whole() {
    let site = Site::start().await;
    let certificate =
        site.cluster(&format!("stats/{}.sock", count())).await.certificate(&site.name()).unwrap();
    let pem: Arc<str> = site.new.pem().into();
    let tasks = (0..4).map(|n| {
        let (certificate, pem) = (certificate.clone(), Arc::clone(&pem));
        tokio::spawn(async move {
            for _ in 0..100 {
                if n == 0 {
                    certificate.set(&pem).await.unwrap();
                    certificate.abort().await.unwrap();
                } else {
                    certificate.show().await.unwrap();
                }
            }
        })
    });
    for task in tasks.collect::<Vec<_>>() {
        task.await.unwrap();
    }
    site.assert_nothing_changed().await;
}

/// The steps before the commit, as the commands that the last process gets.
const BEFORE: [&str; 2] = ["set ssl cert ", "show ssl cert *"];

#[tokio::test]
async fn a_process_that_is_killed_before_the_commit_keeps_all_others_from_it() {
    for mark in BEFORE {
        let mut site = Site::start().await;
        let (certificate, pem) = (site.certificate().await, site.new.pem());
        site.relay.mark([mark]);
        site.relay.hold(Moment::Marking);
        let call = tokio::spawn(async move { certificate.replace(&pem).await });
        site.relay.holds(1).await;
        site.running.kill(count());
        site.relay.release();
        let error = call.await.unwrap().unwrap_err();
        assert_eq!(words(outcomes(&error)), but_last("unchanged", "failed"), "{mark}: {error}");
        site.assert_nothing_changed().await;
    }
}

#[tokio::test]
async fn a_process_that_is_stopped_before_the_commit_keeps_all_others_from_it() {
    for mark in BEFORE {
        let site = Site::start().await;
        let (certificate, pem) = (site.certificate().await, site.new.pem());
        site.relay.mark([mark]);
        site.relay.hold(Moment::Marking);
        let own = certificate.clone();
        let call = tokio::spawn(async move { own.replace(&pem).await });
        site.relay.holds(1).await;
        site.running.hang(count());
        site.relay.release();
        let error = call.await.unwrap().unwrap_err();
        assert_eq!(words(outcomes(&error)), but_last("unchanged", "failed"), "{mark}: {error}");
        assert_eq!(last(&error).kind(), ErrorKind::Timeout, "{error}");
        let left = "; a transaction may be left, because it could not be aborted";
        assert!(last(&error).to_string().ends_with(left), "{error}");
        site.running.resume(count());
        assert_eq!(site.served().await, all("old"));
        // The process that was stopped may have a transaction.
        assert_eq!(site.pending().await[..count() - 1], all(None)[1..]);
        let _ = certificate.abort().await;
        site.assert_nothing_changed().await;
        certificate.replace(&site.new.pem()).await.unwrap();
        assert_eq!(site.served().await, all("new"));
    }
}

/// The process keeps its transaction until the call aborts it on a new connection.
#[tokio::test]
async fn a_connection_that_is_lost_before_the_commit_keeps_all_others_from_it() {
    for mark in BEFORE {
        let site = Site::start().await;
        let (certificate, pem) = (site.certificate().await, site.new.pem());
        site.relay.mark([mark]);
        site.relay.hold(Moment::Marked);
        let call = tokio::spawn(async move { certificate.replace(&pem).await });
        site.relay.holds(1).await;
        site.relay.cut();
        let error = call.await.unwrap().unwrap_err();
        assert_eq!(words(outcomes(&error)), but_last("unchanged", "failed"), "{mark}: {error}");
        assert_eq!(last(&error).kind(), ErrorKind::Closed, "{mark}: {error}");
        site.assert_nothing_changed().await;
    }
}

#[tokio::test]
async fn the_other_processes_commit_through_a_partial_view() {
    let site = Site::start().await;
    let cluster = site.cluster(&format!("x.operator.{}.sock", count())).await.allow_partial();
    let outcomes = cluster.certificate(&site.name()).unwrap().replace(&site.new.pem()).await.unwrap();
    assert_eq!(words(&outcomes), but_last("changed", "failed"));
    assert_eq!(site.served().await, but_last("new", "old"));
    assert_eq!(site.pending().await, all(None));
}

/// Another client aborts the transaction of one process in the last moment.
#[tokio::test]
async fn an_error_halfway_names_the_certificate_of_each_process() {
    let site = Site::start().await;
    let (certificate, pem) = (site.certificate().await, site.new.pem());
    site.relay.mark(["commit ssl cert "]);
    site.relay.hold(Moment::Marking);
    let own = certificate.clone();
    let call = tokio::spawn(async move { own.replace(&pem).await });
    site.relay.holds(1).await;
    ask(site.running.socket(count()), &format!("abort ssl cert {}", site.name())).await;
    site.relay.release();
    let error = call.await.unwrap().unwrap_err();
    assert_eq!(words(outcomes(&error)), but_last("changed", "failed"), "{error}");
    assert_eq!(last(&error).kind(), ErrorKind::PartiallyApplied);
    let shown = certificate.show().await.unwrap();
    let marks: Vec<_> = shown
        .values()
        .map(|(_, details)| {
            let leaf = details.leaf.as_ref().unwrap();
            format!("certificate {} (serial {})", leaf.fingerprint.as_ref().unwrap(), leaf.serial)
        })
        .collect();
    let labels: Vec<_> = (1..count()).map(|n| n.to_string()).collect();
    let (old, new) = (&marks[count() - 1], &marks[0]);
    let said = format!("the process serves {old}, {new} is served by {}: refused: ", labels.join(", "));
    assert!(error.to_string().contains(&said), "{error}\n{said}");
    assert_eq!(site.served().await, but_last("new", "old"));
    assert_eq!(site.pending().await, all(None));
}

#[tokio::test]
async fn a_process_that_is_lost_in_its_commit_may_serve_either_certificate() {
    let mut site = Site::start().await;
    let (certificate, pem) = (site.certificate().await, site.new.pem());
    site.relay.mark(["commit ssl cert "]);
    site.relay.hold(Moment::Marked);
    let call = tokio::spawn(async move { certificate.replace(&pem).await });
    site.relay.holds(1).await;
    site.running.kill(count());
    site.relay.release();
    let error = call.await.unwrap().unwrap_err();
    assert_eq!(words(outcomes(&error)), but_last("changed", "unknown"), "{error}");
    let said = last(&error).to_string();
    assert!(
        said.contains("the process serves certificate ") && said.contains(" (serial A1) or certificate "),
        "{said}"
    );
    assert!(said.contains(" is served by 1, 2, 3, "), "{said}");
    assert_eq!(site.served().await, all("new")[1..]);
}

/// The call reads the certificate back on a new connection.
#[tokio::test]
async fn a_commit_whose_reply_is_lost_is_read_back() {
    let site = Site::start().await;
    let (certificate, pem) = (site.certificate().await, site.new.pem());
    site.relay.mark(["commit ssl cert "]);
    site.relay.hold(Moment::Marked);
    let call = tokio::spawn(async move { certificate.replace(&pem).await });
    site.relay.holds(1).await;
    site.relay.cut();
    let outcomes = call.await.unwrap().unwrap();
    assert_eq!(words(&outcomes), all("changed"));
    assert_eq!(site.served().await, all("new"));
    assert_eq!(site.pending().await, all(None));
}

/// The reply of a commit arrives byte by byte.
#[tokio::test]
async fn the_report_of_a_commit_is_read_to_its_end() {
    let site = Site::start().await;
    let (certificate, pem) = (site.certificate().await, site.new.pem());
    let connections = site.relay.ended();
    for size in [1, 7, 20] {
        site.relay.hold(Moment::Replied(size));
        let (own, pem) = (certificate.clone(), pem.clone());
        let call = tokio::spawn(async move { own.replace(&pem).await });
        site.relay.holds(1).await;
        site.relay.release();
        assert_eq!(words(&call.await.unwrap().unwrap()), all("changed"), "{size}");
    }
    assert!(site.relay.ended() > connections);
    assert_eq!(site.served().await, all("new"));
}
