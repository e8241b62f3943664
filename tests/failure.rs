//! Errors of calls that fail on some processes or on all of them.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "in a test a panic is the failure message")]
#![allow(clippy::indexing_slicing, reason = "the same")]

use std::fs;
use std::io;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::time::Duration;

use haproxyadmin::{Address, Change, Cluster, Error, ErrorKind, Limits};

mod support;

use support::{CheckedAccess, Running, levels, mixed_cluster, release, releases};

/// Kind, address, command and cause of an error, and the number of processes that failed in its
/// snapshot.
type Parts<'a> = (ErrorKind, Option<&'a Address>, Option<&'a str>, Option<io::ErrorKind>, Option<usize>);

fn parts(error: &Error) -> Parts<'_> {
    let failed = error.snapshot().map(|snapshot| snapshot.failed().count());
    (error.kind(), error.address(), error.command(), error.io().map(io::Error::kind), failed)
}

const READING: &str = "show info;show stat";

/// A cluster of these sockets with a short time limit.
async fn cluster(sockets: impl IntoIterator<Item = impl AsRef<Path>>) -> Cluster {
    let addresses = sockets.into_iter().map(|socket| Address::from(socket.as_ref()));
    let limits = Limits::new().with_command_timeout(Duration::from_millis(700));
    Cluster::builder().addresses(addresses).limits(limits).build().await.unwrap()
}

#[tokio::test]
async fn a_read_of_one_process_fails_with_its_own_error() {
    for release in releases() {
        let mut running = levels(&release).await;
        let cluster = cluster([running.socket(1)]).await;
        cluster.snapshot().await.unwrap();
        running.kill(1);
        let address = Address::from(running.socket(1));
        let refused = io::ErrorKind::ConnectionRefused;
        for error in [
            cluster.snapshot().await.unwrap_err(),
            cluster.frontends().await.unwrap_err(),
            cluster.server("app", "app1").await.unwrap_err(),
            cluster.info().await.unwrap_err(),
            cluster.allow_partial().server("app", "app1").await.unwrap_err(),
            cluster.allow_partial().servers_named("app1").await.unwrap_err(),
        ] {
            assert_eq!(
                parts(&error),
                (ErrorKind::Connect, Some(&address), Some(READING), Some(refused), Some(1))
            );
            assert_eq!(
                error.to_string(),
                format!("`{READING}` on {address}: cannot connect: Connection refused (os error 111)")
            );
        }
    }
}

#[tokio::test]
async fn a_change_of_one_process_fails_with_its_own_error() {
    let mut running = levels(&release("2.6")).await;
    let cluster = cluster([running.socket(1)]).await;
    cluster.snapshot().await.unwrap();
    running.kill(1);
    let address = Address::from(running.socket(1));
    let error = cluster.server_ref("app", "app1").unwrap().disable().await.unwrap_err();
    let refused = io::ErrorKind::ConnectionRefused;
    assert_eq!(
        parts(&error),
        (ErrorKind::Connect, Some(&address), Some("disable server app/app1"), Some(refused), None)
    );
    assert_eq!(error.outcomes::<Change>().unwrap().failed().count(), 1);
}

#[tokio::test]
async fn processes_that_all_fail_for_one_reason_fail_the_call_for_that_reason() {
    let mut running = mixed_cluster().await;
    let cluster = cluster(running.sockets()).await;
    cluster.snapshot().await.unwrap();
    let all = running.processes();
    for n in 1..=all {
        running.kill(n);
    }
    let refused = io::ErrorKind::ConnectionRefused;
    let start =
        format!("{all} of {all} processes did not answer: {}: cannot connect: ", running.socket(1).display());
    for error in [
        cluster.snapshot().await.unwrap_err(),
        cluster.backend("app").await.unwrap_err(),
        cluster.allow_partial().backend("app").await.unwrap_err(),
    ] {
        assert_eq!(parts(&error), (ErrorKind::Connect, None, None, Some(refused), Some(all)));
        assert!(error.to_string().starts_with(&start), "{error}");
    }
    let error = cluster.server_ref("app", "app1").unwrap().disable().await.unwrap_err();
    assert_eq!(
        parts(&error),
        (ErrorKind::Connect, None, Some("disable server app/app1"), Some(refused), None)
    );
    assert_eq!(error.outcomes::<Change>().unwrap().failed().count(), all);
}

#[tokio::test]
async fn processes_that_fail_for_two_reasons_fail_the_call_as_incomplete() {
    let mut running = mixed_cluster().await;
    let cluster = cluster([running.socket(1), running.socket(2)]).await;
    cluster.snapshot().await.unwrap();
    running.kill(1);
    running.hang(2);
    let error = cluster.backend("app").await.unwrap_err();
    let change = cluster.server_ref("app", "app1").unwrap().disable().await.unwrap_err();
    running.resume(2);
    assert_eq!(parts(&error), (ErrorKind::Incomplete, None, None, None, Some(2)));
    for (error, hung) in [(&error, ErrorKind::Timeout), (&change, ErrorKind::OutcomeUnknown)] {
        let failed = error.failed().map(|(label, error)| (label, error.kind(), error.address()));
        let addresses = [1, 2].map(|n| haproxyadmin::Address::from(running.socket(n).as_path()));
        let expected = [("1", ErrorKind::Connect, Some(&addresses[0])), ("2", hung, Some(&addresses[1]))];
        assert_eq!(failed.collect::<Vec<_>>(), expected);
        assert_eq!(error.missing().count(), 0);
    }
    assert!(error.to_string().starts_with("2 of 2 processes did not answer: "), "{error}");

    let error = cluster.backend("app").await.unwrap_err();
    assert_eq!(parts(&error), (ErrorKind::Incomplete, None, None, None, Some(1)));
}

/// Removes all permissions from the socket of process `n`.
fn deny(running: &Running, n: usize) {
    fs::set_permissions(running.socket(n), fs::Permissions::from_mode(0o000)).unwrap();
}

#[tokio::test]
async fn a_socket_without_permission_is_told_from_one_that_refuses() {
    let mut running = mixed_cluster().await;
    let cluster = cluster(running.sockets()).await;
    cluster.snapshot().await.unwrap();
    deny(&running, 1);
    running.kill(2);
    let _checked = CheckedAccess::new();

    let address = Address::from(running.socket(1));
    let denied = io::ErrorKind::PermissionDenied;
    let one = cluster.only([&address]);
    let error = one.snapshot().await.unwrap_err();
    assert_eq!(
        parts(&error),
        (ErrorKind::AccessDenied, Some(&address), Some(READING), Some(denied), Some(1))
    );
    assert_eq!(
        error.to_string(),
        format!("`{READING}` on {address}: cannot connect: Permission denied (os error 13)")
    );
    let error = one.server_ref("app", "app1").unwrap().disable().await.unwrap_err();
    assert_eq!(
        parts(&error),
        (ErrorKind::AccessDenied, Some(&address), Some("disable server app/app1"), Some(denied), None)
    );

    let error = cluster.snapshot().await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Incomplete);
    let failed = error.snapshot().unwrap().failed();
    let kinds: Vec<_> = failed.map(|process| process.failure().unwrap().kind).collect();
    assert_eq!(kinds, [ErrorKind::AccessDenied, ErrorKind::Connect]);

    for n in 3..=running.processes() {
        deny(&running, n);
    }
    let denied_all =
        cluster.only((1..=running.processes()).filter(|n| *n != 2).map(|n| Address::from(running.socket(n))));
    let error = denied_all.snapshot().await.unwrap_err();
    let all = running.processes() - 1;
    assert_eq!(parts(&error), (ErrorKind::AccessDenied, None, None, Some(denied), Some(all)));
}
