//! Changes of whole processes, one of each release, checked on the stats socket of each process.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "in a test a panic is the failure message")]
#![allow(clippy::indexing_slicing, reason = "the same")]

use haproxyadmin::global::{Counters, RateLimit};
use haproxyadmin::snapshot::Bound;
use haproxyadmin::{Address, Agreement, Change, ErrorKind, StatsSocket};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::UnixStream;

mod managed;
mod support;

use managed::{all, managed, words};
use support::{Running, every_cell, every_info, every_reply, releases, until};

/// Sends each process a malformed request, and waits until HAProxy counts it as an error.
async fn send_nonsense(running: &Running) {
    for n in 1..=running.processes() {
        let mut stream = UnixStream::connect(running.traffic("web", n)).await.unwrap();
        stream.write_all(b"GET / HTTP/1.1\r\nbad\x01header: x\r\n\r\n").await.unwrap();
        let mut reply = Vec::new();
        stream.read_to_end(&mut reply).await.unwrap();
        assert!(reply.starts_with(b"HTTP/1.1 400 "));
    }
    let look = async || (every_cell(running, "web", "FRONTEND", "ereq").await == all("1")).then_some(());
    until("the request is an error", look).await;
}

#[tokio::test]
async fn a_process_takes_as_many_connections_as_it_may() {
    let (running, cluster) = managed().await;
    for connections in [77, 200, 1, 150] {
        assert_eq!(words(&cluster.set_maxconn(connections).await.unwrap()), all("changed"));
        assert_eq!(every_info(&running, "Maxconn").await, all(connections.to_string()));
    }
}

#[tokio::test]
async fn what_a_process_said_of_itself_before_is_kept_on_demand() {
    let (running, cluster) = managed().await;
    let outcomes = cluster.with_previous().set_maxconn(77).await.unwrap();
    let info = outcomes.previous().unwrap().info();
    let pids = info.pids();
    assert_eq!(pids.len(), running.processes());
    let each = info.maxconn().unwrap().each;
    assert_eq!(each, Agreement::Same(Bound::At(200)));
    assert_eq!(every_info(&running, "Maxconn").await, all("77"));
}

#[tokio::test]
async fn more_connections_than_the_process_was_started_for_are_refused() {
    let (running, cluster) = managed().await;
    let error = cluster.set_maxconn(201).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Refused);
    let outcomes = error.outcomes::<Change>().unwrap();
    let said: Vec<_> = outcomes.iter().map(|outcome| outcome.message().unwrap()).collect();
    assert_eq!(said, all("refused: \"Value out of range.\""));
    assert_eq!(every_info(&running, "Maxconn").await, all("200"));
}

/// HAProxy takes 0, and numbers that are negative in 32 bits, for its hard limit.
#[tokio::test]
async fn numbers_that_haproxy_takes_for_its_hard_limit_are_refused() {
    let (running, cluster) = managed().await;
    cluster.set_maxconn(50).await.unwrap();
    for connections in [0, 2_147_483_648, 3_000_000_000, u32::MAX] {
        let outcomes = cluster.set_maxconn(connections).await;
        assert_eq!(every_info(&running, "Maxconn").await, all("50"), "after {connections}");
        assert_eq!(outcomes.unwrap_err().kind(), ErrorKind::InvalidInput, "{connections}");
    }
}

#[tokio::test]
async fn a_process_keeps_to_the_rates_that_were_set() {
    let (running, cluster) = managed().await;
    for (what, key, unit) in [
        (RateLimit::Connections, "ConnRateLimit", 1),
        (RateLimit::Sessions, "SessRateLimit", 1),
        (RateLimit::SslSessions, "SslRateLimit", 1),
        (RateLimit::HttpCompression, "CompressBpsRateLim", 1024),
    ] {
        for limit in [33_u32, 1_000_000, 0] {
            assert_eq!(words(&cluster.set_rate_limit(what, limit).await.unwrap()), all("changed"));
            assert_eq!(every_info(&running, key).await, all((limit * unit).to_string()));
        }
    }
}

#[tokio::test]
async fn rates_that_haproxy_cannot_count_are_refused() {
    let (running, cluster) = managed().await;
    for (what, key, limit) in [
        (RateLimit::Connections, "ConnRateLimit", 2_147_483_648),
        (RateLimit::Sessions, "SessRateLimit", u32::MAX),
        (RateLimit::SslSessions, "SslRateLimit", 3_000_000_000),
        // 4 GiB overflows to 0 in the 32 bits of HAProxy's counter.
        (RateLimit::HttpCompression, "CompressBpsRateLim", 4_194_304),
    ] {
        let outcomes = cluster.set_rate_limit(what, limit).await;
        assert_eq!(every_info(&running, key).await, all("0"), "{what}");
        let error = outcomes.expect_err("a rate that cannot be set");
        assert!(matches!(error.kind(), ErrorKind::Refused | ErrorKind::InvalidInput), "{error}");
    }
}

#[tokio::test]
async fn maxima_are_cleared_without_the_rest() {
    let (running, cluster) = managed().await;
    running.send_all(&(1..=running.processes()).map(|n| ("web", n, 2)).collect::<Vec<_>>()).await;
    assert_eq!(every_cell(&running, "web", "FRONTEND", "smax").await, all("1"));
    assert_eq!(words(&cluster.clear_counters(Counters::Max).await.unwrap()), all("changed"));
    assert_eq!(every_cell(&running, "web", "FRONTEND", "smax").await, all("0"));
    assert_eq!(every_cell(&running, "web", "FRONTEND", "req_tot").await, all("2"));
}

#[tokio::test]
async fn all_counters_are_cleared() {
    let (running, cluster) = managed().await;
    running.send_all(&(1..=running.processes()).map(|n| ("web", n, 2)).collect::<Vec<_>>()).await;
    assert_eq!(words(&cluster.clear_counters(Counters::All).await.unwrap()), all("changed"));
    for column in ["req_tot", "stot", "smax", "hrsp_2xx", "bin", "bout"] {
        assert_eq!(every_cell(&running, "web", "FRONTEND", column).await, all("0"), "{column}");
    }
}

#[tokio::test]
async fn requests_that_are_refused_are_shown() {
    let (running, cluster) = managed().await;
    send_nonsense(&running).await;
    for outcomes in [cluster.show_errors().await.unwrap(), cluster.show_errors_of("web").await.unwrap()] {
        for (label, text) in outcomes.values() {
            assert!(text.starts_with("Total events captured on ["), "{label}: {text}");
            assert!(text.contains("] frontend web (#"), "{label}: {text}");
            assert!(text.contains(": invalid request\n"), "{label}: {text}");
            assert!(text.contains("bad\\x01header: x\\r\\n\n"), "{label}: {text}");
        }
        assert_eq!(outcomes.values().count(), releases().len());
    }
}

#[tokio::test]
async fn a_proxy_without_refused_requests_shows_none() {
    let (running, cluster) = managed().await;
    send_nonsense(&running).await;
    let outcomes = cluster.show_errors_of("app").await.unwrap();
    assert_eq!(outcomes.values().count(), releases().len());
    assert!(outcomes.values().all(|(_, text)| text.lines().count() == 1), "{outcomes}");
}

/// HAProxy takes a name that begins with digits for the number of a proxy, if no proxy has that
/// name.
#[tokio::test]
async fn errors_of_a_proxy_that_nobody_has_are_those_of_no_other() {
    let (running, cluster) = managed().await;
    send_nonsense(&running).await;
    let number = every_cell(&running, "web", "FRONTEND", "iid").await.swap_remove(0);
    for name in ["nobody", "99", "12ab", &number] {
        let error = cluster.show_errors_of(name).await.expect_err("no proxy has that name");
        assert_eq!(error.kind(), ErrorKind::NotFound, "{name}: {error}");
    }
}

#[tokio::test]
async fn a_line_of_ones_own_is_answered_as_it_is() {
    let (running, cluster) = managed().await;
    for line in [
        "show cli level",
        "get weight app/web2",
        "disable server app/nobody",
        "clear counters",
        "show stat;show info",
    ] {
        let outcomes = cluster.command(line).await.unwrap();
        let replies = every_reply(&running, line).await;
        assert_eq!(outcomes.values().count(), releases().len());
        for ((_, reply), own) in outcomes.values().zip(replies) {
            if line.starts_with("show stat") {
                // Figures change between the two calls, so only the header is compared. Later
                // releases end the line after the last part of the reply to the first command.
                assert_eq!(reply.text().lines().next(), own.lines().next());
            } else {
                assert_eq!(reply.text(), own, "{line}");
            }
        }
    }
}

/// Errors and traces name the first two words of a command that HAProxy has, and no word
/// of any other line.
#[tokio::test]
async fn a_line_of_ones_own_is_named_by_the_words_that_help_lists() {
    let (running, _cluster) = managed().await;
    // No process listens there.
    let socket =
        StatsSocket::new(running.dir().join("nobody.sock").to_str().unwrap().parse::<Address>().unwrap());
    let named = async |line: &str| socket.command(line).await.unwrap_err().command().unwrap().to_owned();
    let is_word = |word: &&str| {
        word.bytes().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || b"-_".contains(&c))
    };
    for (release, help) in releases().iter().zip(every_reply(&running, "help").await) {
        let commands =
            help.lines().filter_map(|line| line.strip_prefix("  ")?.split([':', '[', '<', '{', '(']).next());
        let mut count = 0;
        for command in commands.filter(|command| command.starts_with(|c: char| c.is_ascii_lowercase())) {
            let words: Vec<_> = command.split_whitespace().take_while(is_word).take(2).collect();
            assert_eq!(named(&format!("{command} secretword")).await, words.join(" "), "{}", release.version);
            count += 1;
        }
        assert!(count > 70, "HAProxy {} lists {count} commands", release.version);
    }
    for line in ["secretword", "add secretword", "show secretword", "set secretword k v", "@1 show info"] {
        assert_eq!(named(line).await, "raw command", "{line}");
    }
}
