//! The conditions that the other tests rely on: the processes by which they judge the crate
//! are there, serve the right replies and traffic, and go.

use std::{fs, os::unix::net::UnixStream as StdStream, path::Path};

mod support;

use support::{
    ANCESTOR_TRAFFIC, Config, MasterWorker, Row, Running, Stranger, ancestor_cluster, ask, datagram, hold,
    http_get, info, is_alive, levels, mixed_cluster, mixed_traffic, plain_file, release, releases, row, rows,
    stale, try_ask, until, zoo, zoo_settled,
};

#[tokio::test]
async fn every_release_is_of_its_branch() {
    for release in releases() {
        let running = levels(&release).await;
        let version = info(running.socket(1)).await["Version"].clone();
        assert!(version.starts_with(&release.version), "{version} is not {}", release.version);
    }
}

#[tokio::test]
async fn an_ancestor_process_lists_only_its_own_proxies() {
    for release in releases() {
        let running = ancestor_cluster(&release).await;
        assert_eq!(
            names(&running, 1).await,
            [
                "haproxy,FRONTEND",
                "haproxy,BACKEND",
                "frontend_proc1,FRONTEND",
                "backend_proc1,member1_proc1",
                "backend_proc1,member2_proc1",
                "backend_proc1,bck_all_srv1",
                "backend_proc1,BACKEND",
            ]
        );
        assert_eq!(
            names(&running, 2).await,
            [
                "haproxy,FRONTEND",
                "haproxy,BACKEND",
                "frontend_proc2,FRONTEND",
                "backend_proc2,bck_proc2_srv1_proc2",
                "backend_proc2,bck_proc2_srv2_proc2",
                "backend_proc2,bck_proc2_srv3_proc2",
                "backend_proc2,bck_proc2_srv4_proc2",
                "backend_proc2,BACKEND",
            ]
        );
        for n in [3, 4] {
            assert_eq!(
                names(&running, n).await,
                [
                    "haproxy,FRONTEND",
                    "haproxy,BACKEND",
                    "frontend1_proc34,FRONTEND",
                    "frontend2_proc34,FRONTEND",
                    "backend1_proc34,bck1_proc34_srv1",
                    "backend1_proc34,bck1_proc34_srv2",
                    "backend1_proc34,bck_all_srv1",
                    "backend1_proc34,BACKEND",
                    "backend2_proc34,bck2_proc34_srv1",
                    "backend2_proc34,bck2_proc34_srv2",
                    "backend2_proc34,bck_all_srv1",
                    "backend2_proc34,BACKEND",
                ]
            );
        }
    }
}

#[tokio::test]
async fn a_process_has_the_pid_that_it_says() {
    for release in releases() {
        let running = ancestor_cluster(&release).await;
        for n in 1..=4 {
            let info = info(running.socket(n)).await;
            assert_eq!(info["Pid"], running.pid(n).to_string());
            assert_eq!(
                info["Process_num"],
                if release.is_at_least("2.5") { "1".into() } else { n.to_string() }
            );
        }
    }
}

#[tokio::test]
async fn ancestor_traffic_differs_in_every_process() {
    for release in releases() {
        let running = ancestor_cluster(&release).await;
        running.send_all(&ANCESTOR_TRAFFIC).await;
        for (frontend, n, requests) in ANCESTOR_TRAFFIC {
            let row = row(running.socket(n), frontend, "FRONTEND").await;
            assert_eq!(
                (row.number("req_tot"), row.number("hrsp_2xx")),
                (requests, requests),
                "{frontend} in {n}"
            );
        }
        let sent: u64 =
            ANCESTOR_TRAFFIC.iter().filter(|(name, ..)| *name != "haproxy").map(|(.., n)| n).sum();
        let served: usize = running.servers.iter().map(support::Server::requests).sum();
        assert_eq!(served as u64, sent);
    }
}

#[tokio::test]
async fn mixed_processes_are_of_different_releases() {
    let running = mixed_cluster().await;
    running.send_all(&mixed_traffic()).await;
    for (n, release) in (1..).zip(releases()) {
        assert!(info(running.socket(n)).await["Version"].starts_with(&release.version));
    }
    for (frontend, n, requests) in mixed_traffic() {
        assert_eq!(row(running.socket(n), frontend, "FRONTEND").await.number("req_tot"), requests);
    }
}

#[tokio::test]
async fn a_killed_process_leaves_the_others() {
    for release in releases() {
        let mut running = ancestor_cluster(&release).await;
        running.kill(2);
        assert_eq!([1, 2, 3, 4].map(|n| running.is_alive(n)), [true, false, true, true]);
        assert!(running.socket(2).exists());
        assert!(try_ask(running.socket(2), "show info").await.is_err());
        for n in [1, 3, 4] {
            ask(running.socket(n), "show info").await;
        }
    }
}

#[tokio::test]
async fn a_restarted_process_counts_from_zero() {
    for release in releases() {
        let mut running = levels(&release).await;
        running.send("web", 1, "/", 3).await;
        let before = running.pid(1);
        running.restart(1).await;
        assert_ne!(running.pid(1), before);
        assert_eq!(row(running.socket(1), "web", "FRONTEND").await.number("req_tot"), 0);
    }
}

#[tokio::test]
async fn a_hung_process_accepts_and_goes_on_when_resumed() {
    let running = levels(&release("2.6")).await;
    running.hang(1);
    assert!(StdStream::connect(running.socket(1)).is_ok());
    running.resume(1);
    ask(running.socket(1), "show info").await;
}

#[tokio::test]
async fn nothing_is_left_after_a_drop() {
    for release in releases() {
        let running = ancestor_cluster(&release).await;
        let pids: Vec<_> = (1..=4).map(|n| running.pid(n)).collect();
        let dir = running.dir().to_owned();
        drop(running);
        assert_eq!(pids.into_iter().filter(|pid| is_alive(*pid)).count(), 0);
        assert!(!dir.exists());
    }
}

#[tokio::test]
async fn a_held_request_is_a_current_session() {
    for release in releases() {
        let running = levels(&release).await;
        let held = hold(running.traffic("web", 1), "/hold").await;
        until("a session", async || (sessions(&running).await == (1, 1)).then_some(())).await;
        drop(held);
    }
}

#[tokio::test]
async fn a_response_has_the_status_that_its_path_says() {
    let running = levels(&release("3.0")).await;
    assert_eq!(http_get(running.traffic("web", 1), "/status/404").await, 404);
    assert_eq!(http_get(running.traffic("web", 1), "/").await, 200);
}

#[tokio::test]
async fn a_socket_has_the_level_of_its_name() {
    for release in releases() {
        let running = levels(&release).await;
        for level in ["admin", "operator", "user"] {
            let reply = ask(running.stats().join(format!("{level}.sock")), "show cli level").await;
            assert_eq!(String::from_utf8(reply).unwrap(), format!("{level}\n\n"));
        }
    }
}

#[tokio::test]
async fn a_zoo_has_every_kind_of_row() {
    for release in releases() {
        let running = zoo(&release).await;
        zoo_settled(&running).await;
        let rows = rows(running.socket(1)).await;
        for kind in ["0", "1", "2", "3"] {
            assert!(rows.iter().any(|row| row.cell("type") == kind), "no row of type {kind}");
        }
        assert_eq!(rows.iter().filter(|row| row.is("web", "pair")).count(), 2);
        assert_eq!(rows.iter().filter(|row| row.is("FRONTEND", "BACKEND")).count(), 2);
        let iids: Vec<_> =
            rows.iter().filter(|row| row.cell("pxname") == "both").map(|row| row.cell("iid")).collect();
        assert_eq!(iids[0] == iids[1], release.is_at_least("3.3"));
        let addr =
            |name: &str| rows.iter().find(|row| row.is("states", name)).unwrap().cell("addr").to_owned();
        assert!(addr("v6").starts_with("[::1]:"));
        assert_eq!(addr("local"), "unix");
    }
}

#[tokio::test]
async fn a_failed_check_of_an_old_zoo_holds_an_empty_line() {
    for release in releases() {
        let running = zoo(&release).await;
        zoo_settled(&running).await;
        let said = row(running.socket(1), "states", "failing").await.cell("last_chk").to_owned();
        if release.is_at_least("3.0") {
            assert_eq!(said, "first  third line, \"q\"");
        } else if !release.is_at_least("2.7") {
            assert_eq!(said, "first\n\nthird line, \"q\"");
        }
    }
}

#[tokio::test]
async fn a_master_goes_with_its_worker() {
    for release in releases() {
        let MasterWorker { running, master } = MasterWorker::start(&release).await;
        assert!(StdStream::connect(master).is_ok());
        let pids = running.haproxies[0].pids().to_vec();
        assert_eq!(pids.len(), 2);
        drop(running);
        assert_eq!(pids.into_iter().filter(|pid| is_alive(*pid)).count(), 0);
    }
}

#[tokio::test]
async fn a_reload_brings_a_new_worker() {
    for release in releases() {
        let mut running = MasterWorker::start(&release).await.running;
        let old = running.haproxies[0].reload().await;
        let new = running.pid(1);
        until("the old worker is gone", async || (!is_alive(old)).then_some(())).await;
        assert!(is_alive(new));
        drop(running);
        until("the new worker is gone", async || (!is_alive(new)).then_some(())).await;
    }
}

#[tokio::test]
async fn a_shared_socket_is_answered_by_any_process() {
    let running = ancestor_cluster(&release("2.2")).await;
    let shared = running.dir().join("shared.sock");
    let numbers = async || info(&shared).await["Process_num"].clone();
    let first = numbers().await;
    until("an answer of another process", async || (numbers().await != first).then_some(())).await;
}

#[tokio::test]
async fn strangers_are_what_they_are_called() {
    let running = Running::new();
    let path = |name: &str| running.stats().join(name);
    stale(path("stale"));
    assert!(StdStream::connect(path("stale")).is_err());
    let _datagram = datagram(path("datagram"));
    assert!(StdStream::connect(path("datagram")).is_err());
    plain_file(path("plain"));
    assert!(fs::metadata(path("plain")).unwrap().is_file());
    let _other = Stranger::answers(path("other"), "-ERR unknown\r\n");
    assert_eq!(ask(path("other"), "show info").await, b"-ERR unknown\r\n");
    let _silent = Stranger::is_silent(path("silent"));
    assert!(StdStream::connect(path("silent")).is_ok());
    let _closing = Stranger::hangs_up(path("closing"));
    assert_eq!(try_ask(path("closing"), "show info").await.unwrap_or_default(), b"");
}

#[tokio::test]
#[should_panic(expected = "unknown keyword 'nonsense'")]
async fn a_start_that_fails_says_why() {
    let mut running = Running::new();
    let config = Config::new("global\n    stats socket unix@${DIR}/stats/1.sock\n    nonsense\n");
    running.add(&release("2.6"), "broken", &config).await;
}

async fn names(running: &Running, n: usize) -> Vec<String> {
    let name = |row: &Row| format!("{},{}", row.cell("pxname"), row.cell("svname"));
    rows(running.socket(n)).await.iter().map(name).collect()
}

async fn sessions(running: &Running) -> (u64, u64) {
    let socket: &Path = &running.socket(1);
    let frontend = row(socket, "web", "FRONTEND").await.number("scur");
    (frontend, row(socket, "app", "BACKEND").await.number("scur"))
}
