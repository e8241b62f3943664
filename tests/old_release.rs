//! Releases that lack commands which every read asks: 1.8 has no `show cli level`, 1.7
//! knows neither `show cli level` nor `show cli sockets`.
//!
//! The tests have no binaries of them: sockets give the answers of real processes.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "in a test a panic is the failure message")]
#![allow(clippy::indexing_slicing, reason = "the same")]

use std::fs;
use std::path::Path;
use std::sync::{Arc, Mutex};

use haproxyadmin::stat::State;
use haproxyadmin::{Backend, Cluster, ErrorKind, Snapshot};
use tempfile::TempDir;
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::net::UnixListener;

const READ: &str = "show info;show cli level;show cli sockets;show stat";
const ADMIN: &str = "admin.sock";
const USER: &str = "user.sock";

/// Returns the recorded reply of a process of `release` to the commands in `line`.
fn recorded(release: &str, socket: &str, line: &str) -> Vec<u8> {
    let is_admin = socket == ADMIN;
    let file = match (line.strip_prefix(READ), line.strip_prefix("set severity-output number;")) {
        (Some(" -1 6 -1"), _) => return backends(&recorded(release, socket, READ)),
        (Some(""), _) if is_admin => "sweep",
        (Some(""), _) => "sweep_user",
        (Some(" -1 0 -1"), _) => "sweep_nothing",
        (Some(" app 6 -1"), _) => "sweep_backend",
        (Some(" nope 6 -1"), _) => "sweep_absent",
        (_, Some("disable server app/web1")) if is_admin => "disable_server",
        (_, Some("disable server app/web1")) => "disable_server_user",
        (_, Some("disable server app/nope")) => "disable_server_absent",
        _ => panic!("{line:?} was not recorded"),
    };
    let path = format!("{}/fixtures/{release}/{file}.txt", env!("CARGO_MANIFEST_DIR"));
    fs::read(&path).unwrap_or_else(|error| panic!("{path}: {error}"))
}

/// Returns the reply without the rows of frontends and listeners.
fn backends(reply: &[u8]) -> Vec<u8> {
    let text = std::str::from_utf8(reply).unwrap();
    let (head, stat) = text.split_at(text.find("# pxname,").unwrap());
    let kind = stat.lines().next().unwrap().split(',').position(|name| name == "type").unwrap();
    let is_kept = |line: &&str| !matches!(line.split(',').nth(kind), Some("0" | "3"));
    let stat: String = stat.split_inclusive('\n').filter(is_kept).collect();
    format!("{head}{stat}").into_bytes()
}

/// A process of an old release, with one socket; the lines it was asked.
fn serve(dir: &Path, release: &'static str, socket: &'static str) -> Arc<Mutex<Vec<String>>> {
    let listener = UnixListener::bind(dir.join(socket)).unwrap();
    let lines = Arc::new(Mutex::new(Vec::new()));
    let asked = Arc::clone(&lines);
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let mut stream = BufReader::new(stream);
            let mut line = String::new();
            stream.read_line(&mut line).await.unwrap();
            let line = line.trim_end();
            asked.lock().unwrap().push(line.to_owned());
            stream.write_all(&recorded(release, socket, line)).await.unwrap();
        }
    });
    lines
}

#[tokio::test]
async fn a_process_whose_level_is_not_known_is_read() {
    for (release, sockets) in [("1.7", 0), ("1.8", 2)] {
        let dir = TempDir::new().unwrap();
        let _asked = serve(dir.path(), release, ADMIN);
        let cluster = Cluster::from_dir(dir.path()).await.unwrap();
        let snapshot = cluster.snapshot().await.unwrap();
        let process = &snapshot.processes()[0];
        assert_eq!(process.level(), None);
        assert!(process.version().unwrap().as_str().starts_with(release));
        assert_eq!(process.report().unwrap().sockets.iter().len(), sockets);
        let web3 = snapshot.server("app", "web3").unwrap();
        assert_eq!(web3.status().same().unwrap().state, State::Maint);
        assert_eq!(snapshot.listeners()[0].name(), "main");

        let json = serde_json::to_string(&snapshot).unwrap();
        assert_eq!(serde_json::from_str::<Snapshot>(&json).unwrap(), snapshot);

        let backends = cluster.backends().await.unwrap();
        assert_eq!(backends.iter().map(|backend| backend.name()).collect::<Vec<_>>(), ["app"]);
        let app: Backend = cluster.backend("app").await.unwrap();
        assert_eq!(app.servers().len(), 3);
        assert_eq!(cluster.backend("nope").await.unwrap_err().kind(), ErrorKind::NotFound);
        assert_eq!(cluster.info().await.unwrap().maxconn().unwrap().total.get(), Some(100));
    }
}

#[tokio::test]
async fn a_process_whose_level_is_not_known_is_changed() {
    let dir = TempDir::new().unwrap();
    let _asked = serve(dir.path(), "1.8", ADMIN);
    let cluster = Cluster::from_dir(dir.path()).await.unwrap();
    let outcomes = cluster.server_ref("app", "web1").unwrap().disable().await.unwrap();
    assert_eq!(outcomes.to_string(), "admin: changed");
    let error = cluster.server_ref("app", "nope").unwrap().disable().await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::NotFound);

    let dir = TempDir::new().unwrap();
    let _asked = serve(dir.path(), "1.8", USER);
    let cluster = Cluster::from_dir(dir.path()).await.unwrap();
    let error = cluster.server_ref("app", "web1").unwrap().disable().await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::PermissionDenied);
}

#[tokio::test]
async fn a_release_whose_messages_have_no_severity_is_not_sent_any_change() {
    let dir = TempDir::new().unwrap();
    let asked = serve(dir.path(), "1.7", ADMIN);
    let cluster = Cluster::from_dir(dir.path()).await.unwrap();
    let error = cluster.server_ref("app", "web1").unwrap().disable().await.unwrap_err();
    assert_eq!(
        error.to_string(),
        format!(
            "`disable server app/web1` on {}: needs HAProxy 1.8 or later, and this is 1.7.0",
            dir.path().join(ADMIN).display()
        )
    );
    assert_eq!(error.kind(), ErrorKind::Unsupported);
    assert!(asked.lock().unwrap().iter().all(|line| line.starts_with(READ)), "{asked:?}");
}
