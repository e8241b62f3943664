//! Two processes of real HAProxy with different configurations or states: equal values,
//! differences, and sums.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "in a test a panic is the failure message")]
#![allow(clippy::indexing_slicing, reason = "the same")]

use haproxyadmin::snapshot::CountRange;
use haproxyadmin::stat::Status;
use haproxyadmin::{AdminState, Agreement, Cluster};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::UnixStream;

mod support;

use support::{Config, Release, Running, Stranger, every_cell, http_get, releases, until};

/// Starts two processes of a release with the sockets `1.sock` and `2.sock`. A line that ends in `#
/// only N` is for process N.
async fn two(running: &mut Running, release: &Release, config: &str) -> Cluster {
    for n in 1..=2 {
        let mine = |line: &&str| line.rsplit_once("# only ").is_none_or(|(_, one)| one == n.to_string());
        let lines: Vec<_> = config.lines().filter(mine).collect();
        let config = running.fill(Config::new(format!("{HEAD}{}\n", lines.join("\n")))).set("N", n);
        running.add(release, &format!("process{n}"), &config).await;
    }
    Cluster::from_dir(running.stats()).await.unwrap()
}

async fn every_status_is(running: &Running, server: &str, statuses: [&str; 2]) {
    let what = format!("app/{server} is {statuses:?}");
    until(&what, async || (every_cell(running, "app", server, "status").await == statuses).then_some(()))
        .await;
}

#[tokio::test]
async fn a_server_is_plainly_up_only_if_every_process_says_so() {
    for release in releases() {
        let mut running = Running::new();
        running.add_servers(2).await;
        let config = "
backend app
    # The first check that fails is the last one for an hour.
    default-server inter 50ms fastinter 1h rise 2 fall 3
    server web1 \"${SERVER_1}\" check  # only 1
    server web1 \"${SERVER_2}\" check  # only 2
";
        let cluster = two(&mut running, &release, config).await;
        let status = async || cluster.server("app", "web1").await.unwrap().status();
        let up = Agreement::Same(Status::parse("UP"));
        every_status_is(&running, "web1", ["UP", "UP"]).await;
        assert_eq!(status().await, up, "{}", release.version);

        drop(running.servers.pop());
        every_status_is(&running, "web1", ["UP", "UP 2/3"]).await;
        let merged = status().await;
        assert_ne!(merged, up, "{}", release.version);
        assert_eq!(merged.to_string(), "UP 2/3", "{}", release.version);
    }
}

#[tokio::test]
async fn a_server_made_ready_is_one_failed_check_from_down_before_any_check_has_passed() {
    for release in releases() {
        let mut running = Running::new();
        let silent = Stranger::is_silent(running.dir().join("traffic/silent"));
        let config = "
backend app
    # A check lasts until the other side closes.
    option httpchk
    timeout check 1h
    default-server inter 50ms rise 2
    server web1 \"unix@${DIR}/traffic/silent\" check fall 3
    server web2 \"unix@${DIR}/traffic/silent\" check fall 1
";
        let cluster = two(&mut running, &release, config).await;
        let web1 = cluster.server_ref("app", "web1").unwrap();
        let web2 = cluster.server_ref("app", "web2").unwrap();
        for server in [&web1, &web2] {
            server.set_state(AdminState::Maint).await.unwrap();
            every_status_is(&running, server.name(), ["MAINT", "MAINT"]).await;
        }
        web1.set_state(AdminState::Ready).await.unwrap();
        web2.enable().await.unwrap();
        // No wait is needed: the state is set when the command is answered.
        let read = async |server: &str| cluster.server("app", server).await.unwrap();
        let statuses = [read("web1").await.status(), read("web2").await.status()];
        assert_eq!(statuses.each_ref().map(ToString::to_string), ["UP 1/3", "UP"], "{}", release.version);
        assert_ne!(statuses[0], Agreement::Same(Status::parse("UP")));
        assert_eq!(read("web1").await.act(), Some(Agreement::Same(1)));

        drop(silent);
        every_status_is(&running, "web1", ["DOWN", "DOWN"]).await;
        every_status_is(&running, "web2", ["DOWN", "DOWN"]).await;
    }
}

#[tokio::test]
async fn a_setting_that_one_process_lacks_is_a_difference() {
    for release in releases() {
        let mut running = Running::new();
        running.add_servers(1).await;
        let config = "
global
    description first  # only 1
backend app
    cookie SRV insert  # only 1
    server kept \"${SERVER_1}\" pool-max-conn 10  # only 1
    server kept \"${SERVER_1}\"  # only 2
    server none_kept \"${SERVER_1}\" pool-max-conn 0  # only 1
    server none_kept \"${SERVER_1}\"  # only 2
    server unlimited \"${SERVER_1}\"
    server following \"${SERVER_1}\" track app/checked  # only 1
    server following \"${SERVER_1}\"  # only 2
    server sticky \"${SERVER_1}\" cookie a  # only 1
    server sticky \"${SERVER_1}\"  # only 2
    server checked \"${SERVER_1}\" check inter 50ms
    server disabled \"${SERVER_1}\" check inter 50ms
    server named 127.0.0.1:80  # only 1
    server named host.example:80 init-addr none  # only 2
";
        let cluster = two(&mut running, &release, config).await;
        every_status_is(&running, "checked", ["UP", "UP"]).await;
        every_status_is(&running, "disabled", ["UP", "UP"]).await;
        // Its status would not show the difference, because both processes print `DRAIN`.
        let disabled = cluster.server_ref("app", "disabled").unwrap();
        disabled.set_state(AdminState::Drain).await.unwrap();
        disabled.on(&cluster.only(["2"])).disable_health().await.unwrap();

        let snapshot = cluster.snapshot().await.unwrap();
        let (info, backend) = (snapshot.info(), snapshot.backend("app").unwrap());
        let mut found = vec![
            ("description".to_owned(), info.metric("description").unwrap()),
            ("app cookie".to_owned(), backend.metric("cookie").unwrap()),
        ];
        let servers = backend.servers();
        for (server, column) in [
            ("kept", "src_ilim"),
            ("none_kept", "src_ilim"),
            ("unlimited", "src_ilim"),
            ("following", "tracked"),
            ("unlimited", "tracked"),
            ("sticky", "cookie"),
            ("disabled", "check_status"),
            ("disabled", "check_rise"),
            ("checked", "check_status"),
            ("unlimited", "check_status"),
            ("named", "addr"),
        ] {
            let one = servers.iter().find(|one| one.name() == server).unwrap();
            found.push((format!("{server} {column}"), one.metric(column).unwrap()));
        }
        let found: Vec<_> = found
            .into_iter()
            .map(|(name, figure)| {
                // A star stands before the result of a check while the next one is running.
                let figure = figure.map_or("-".to_owned(), |figure| figure.to_string()).replace("* ", "");
                format!("{name}: {figure}")
            })
            .collect();
        let expected = [
            "description: 1: first, 2: ",
            "app cookie: 1: SRV, 2: ",
            "kept src_ilim: 1: 10, 2: unlimited",
            "none_kept src_ilim: 1: 0, 2: unlimited",
            "unlimited src_ilim: unlimited",
            "following tracked: 1: app/checked, 2: ",
            "unlimited tracked: -",
            "sticky cookie: 1: a, 2: ",
            "disabled check_status: 1: L4OK, 2: ",
            "disabled check_rise: 2",
            "checked check_status: L4OK",
            "unlimited check_status: -",
            "named addr: 1: 127.0.0.1:80, 2: ",
        ];
        assert_eq!(found, expected, "{}", release.version);
    }
}

#[tokio::test]
async fn a_tcp_frontend_counts_sessions_as_requests_and_an_http_frontend_its_requests() {
    for release in releases() {
        let mut running = Running::new();
        running.add_servers(1).await;
        let config = "
frontend web
    bind \"unix@${DIR}/traffic/web.${N}\"
    mode tcp  # only 1
    default_backend app
backend app
    mode tcp  # only 1
    server app1 \"${SERVER_1}\"
listen raw
    bind \"unix@${DIR}/traffic/raw.${N}\"
    mode tcp
    server raw1 \"${SERVER_1}\"
";
        let cluster = two(&mut running, &release, config).await;
        for (frontend, n, connections) in [("web", 1, 3), ("web", 2, 4), ("raw", 1, 2), ("raw", 2, 5)] {
            for _ in 0..connections {
                assert_eq!(http_get(running.traffic(frontend, n), "/").await, 200);
            }
        }
        // Two requests in one session.
        let mut stream = UnixStream::connect(running.traffic("web", 2)).await.unwrap();
        let requests =
            b"GET / HTTP/1.1\r\nHost: t\r\n\r\nGET / HTTP/1.1\r\nHost: t\r\nConnection: close\r\n\r\n";
        stream.write_all(requests).await.unwrap();
        stream.read_to_end(&mut Vec::new()).await.unwrap();

        let cells = async || {
            let mut cells = Vec::new();
            for column in ["stot", "req_tot", "scur"] {
                cells.extend(every_cell(&running, "web", "FRONTEND", column).await);
                cells.extend(every_cell(&running, "raw", "FRONTEND", column).await);
            }
            cells
        };
        let counted = ["3", "5", "2", "5", "0", "6", "0", "0", "0", "0", "0", "0"];
        let what = format!("{}: all sessions are counted", release.version);
        until(&what, async || (cells().await == counted).then_some(())).await;

        let [web, raw] = [cluster.frontend("web").await.unwrap(), cluster.frontend("raw").await.unwrap()];
        assert_eq!([web.sessions(), raw.sessions()], [8, 7].map(CountRange::from));
        assert_eq!([web.requests(), raw.requests()], [3 + 6, 7].map(CountRange::from), "{}", release.version);
        assert_eq!(web.requests_per_process(), [("1", 3), ("2", 6)]);
        assert_eq!(raw.requests_per_process(), [("1", 2), ("2", 5)]);
    }
}

const HEAD: &str = r#"
global
    nbthread 1
    maxconn 200
    max-spread-checks 10ms
    stats socket "unix@${DIR}/stats/${N}.sock" mode 600 level admin

defaults
    mode http
    timeout connect 1s
    timeout client 30s
    timeout server 30s
"#;
