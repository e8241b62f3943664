//! Reports as text, of a process of each release and of sockets of each level.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "in a test a panic is the failure message")]
#![allow(clippy::indexing_slicing, reason = "the same")]

use haproxyadmin::info::TextReport;
use haproxyadmin::{Cluster, ErrorKind, Level};

mod managed;
mod support;

use managed::managed;
use support::{Cutter, Release, ask, levels, releases};

/// Words that stand in the report on every release; empty if it may have no entries.
fn words(report: TextReport) -> &'static [&'static str] {
    match report {
        TextReport::Activity => &["ctxsw:", "thread_id:"],
        TextReport::Environment => &["HAPROXY_", "PATH="],
        TextReport::FileDescriptors => &["st=0x"],
        TextReport::Libraries => &["/libc.so"],
        TextReport::Pools => &["Pool ", "Total: "],
        TextReport::Profiling => &["Per-task CPU profiling"],
        TextReport::AllSessions => &["proto=unix_stream", "frontend=GLOBAL"],
        TextReport::Threads => &["Thread 1 ", "curr_task="],
        TextReport::TlsKeys => &["# id (file)"],
        _ => &[],
    }
}

fn is_known(release: &Release, report: TextReport) -> bool {
    !matches!(report, TextReport::Libraries | TextReport::Version) || release.is_at_least("2.6")
}

/// The lowest level that may read the report, as it was measured on each release.
fn level(release: &Release, report: TextReport) -> Level {
    match report {
        TextReport::Pools | TextReport::Threads | TextReport::Version => Level::User,
        TextReport::Activity if !release.is_at_least("3.0") => Level::User,
        TextReport::Profiling if release.is_of("2.2") => Level::User,
        TextReport::TlsKeys if !release.is_at_least("3.4") => Level::User,
        TextReport::Cache | TextReport::Profiling | TextReport::TlsKeys => Level::Admin,
        _ => Level::Operator,
    }
}

#[tokio::test]
async fn every_report_is_printed_whole() {
    let (running, cluster) = managed().await;
    let cluster = cluster.allow_partial();
    for &report in TextReport::ALL {
        let outcomes = cluster.show(report).await.unwrap();
        for ((n, release), outcome) in (1..).zip(releases()).zip(outcomes.iter()) {
            if !is_known(&release, report) {
                assert_eq!(outcome.error().unwrap().kind(), ErrorKind::Unsupported, "{report}");
                continue;
            }
            let text = outcome.value().unwrap_or_else(|| panic!("{report} {}: {outcome}", release.version));
            for word in words(report) {
                assert!(text.contains(word), "{report} {}: {text}", release.version);
            }
            assert!(!text.starts_with('[') || report == TextReport::StartupLogs, "{report}: {text}");
            assert!(text.is_empty() || text.ends_with('\n') && !text.ends_with("\n\n"), "{report}: {text:?}");
            if report == TextReport::Version {
                let info = support::info(&running.socket(n)).await;
                assert_eq!(text.trim_end(), info["Version"]);
            }
            if report == TextReport::StartupLogs {
                let plain = String::from_utf8(ask(running.socket(n), "show startup-logs").await).unwrap();
                assert_eq!(text.trim_end(), plain.trim_end(), "{}", release.version);
            }
        }
        assert_eq!(outcomes.len(), releases().len());
    }
}

#[tokio::test]
async fn the_level_of_each_report_is_the_measured_one() {
    for release in releases() {
        let running = levels(&release).await;
        for name in ["user", "operator", "admin"] {
            let socket = running.stats().join(format!("{name}.sock"));
            let own = match name {
                "user" => Level::User,
                "operator" => Level::Operator,
                _ => Level::Admin,
            };
            let cluster = Cluster::from_addresses([socket]).await.unwrap();
            for &report in TextReport::ALL.iter().filter(|report| is_known(&release, **report)) {
                let result = cluster.show(report).await;
                let kind = result.as_ref().err().map(haproxyadmin::Error::kind);
                let denied = (own < level(&release, report)).then_some(ErrorKind::PermissionDenied);
                assert_eq!(kind, denied, "{report} at level {name} of {}", release.version);
            }
        }
    }
}

#[tokio::test]
async fn a_report_that_is_cut_is_an_error() {
    for release in releases() {
        let running = levels(&release).await;
        let admin = running.stats().join("admin.sock");
        let whole = ask(&admin, "show pools").await;
        let path = running.dir().join("cutter.sock");
        let cutter = Cutter::new(&path, &admin, "show pools");
        let cluster = Cluster::from_addresses([path]).await.unwrap();
        for after in [10, 100, whole.len(), whole.len() + 8] {
            cutter.cut_behind(after);
            let error = cluster.show(TextReport::Pools).await.unwrap_err();
            // HAProxy's end resets the connection if the next command reaches the cutter too late.
            let is_cut = matches!(error.kind(), ErrorKind::Truncated | ErrorKind::Io);
            assert!(is_cut, "{after} {}: {error}", release.version);
        }
    }
}
