//! Entries of a map added and shown, compared with bare sockets.

use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use haproxyadmin::Map;

use crate::fleet::{Fleet, cluster, start};
use crate::rounds::{Options, Row, digits, keep, rounds, seconds};
use crate::support::Running;

/// A frontend with a map, which is empty.
const WEB: &str = r#"
frontend web
    bind "unix@${DIR}/traffic/web.${N}"
    http-request set-header x-a %[path,map_str(${DIR}/a.map)]
"#;

/// Bytes of a payload. A larger one does not fit into a buffer of HAProxy, which is 16 KiB. Release 2.6
/// refuses it. Release 3.4 takes 60,000 bytes, but now and then it loses some of the entries and
/// reports no error.
const SIZES: [usize; 2] = [7_000, 15_000];

/// A process with a map.
struct Process {
    version: &'static str,
    socket: PathBuf,
    file: String,
    map: Map,
}

pub(crate) async fn run(fleet: &Fleet) {
    for version in ["2.6", "3.4"] {
        let mut running = Running::new();
        let file = running.dir().join("a.map").to_str().unwrap().to_owned();
        fs::write(&file, "").unwrap();
        start(&mut running, version, WEB).await;
        let map = cluster(&running.sockets()).await.map(file.as_str()).unwrap();
        let process = Process { version, socket: running.socket(1), file, map };
        add(&fleet.options, &process).await;
        show(&fleet.options, &process).await;
    }
}

fn entries(count: usize) -> Vec<(String, String)> {
    (0..count).map(|n| (format!("host-{n}.example"), format!("backend-{}", n % 1_000))).collect()
}

async fn add(options: &Options, process: &Process) {
    let entries = Arc::new(entries(options.size(100_000, 2_000)));
    let times = rounds(options.rounds, 4, |contender| {
        let (file, socket, map) = (process.file.clone(), process.socket.clone(), process.map.clone());
        let entries = Arc::clone(&entries);
        async move {
            let time = if contender < 2 {
                seconds(add_all(&map, &entries)).await
            } else {
                seconds(add_bare(&socket, &file, &entries, SIZES[contender - 2])).await
            };
            assert_eq!(shown(&map).await, entries.len(), "every entry is added");
            map.clear().await.unwrap();
            time
        }
    })
    .await;
    let best = times.fastest(&[2, 3]);
    let what = format!("{} map entries added, {}", digits(entries.len()), process.version);
    let beside = format!("bare sockets, chunks of {} bytes", digits(SIZES[best - 2]));
    Row::of(&what, &beside).ratio(times.ratio(0, best), times.ratio(1, 0)).at_most(1.1);
    times.print(&["add_all", "", "bare, 7,000 bytes", "bare, 15,000 bytes"]);
}

async fn add_all(map: &Map, entries: &[(String, String)]) {
    let pairs = entries.iter().map(|(key, value)| (key.as_str(), value.as_str()));
    map.add_all(pairs).await.unwrap();
}

/// Adds entries in chunks, each on a connection of its own.
async fn add_bare(socket: &Path, file: &str, entries: &[(String, String)], size: usize) {
    let start = format!("set severity-output number;add map {file} <<\n");
    let mut chunk = start.clone();
    for (key, value) in entries {
        if chunk.len() + key.len() + value.len() + 3 > size {
            send(socket, &mut chunk, &start).await;
        }
        writeln!(chunk, "{key} {value}").unwrap();
    }
    send(socket, &mut chunk, &start).await;
}

async fn send(socket: &Path, chunk: &mut String, start: &str) {
    chunk.push('\n');
    let reply = keep(socket, chunk.as_bytes()).await;
    assert_eq!(String::from_utf8(reply).unwrap(), "\n\n", "an empty answer to each command");
    chunk.truncate(start.len());
}

async fn show(options: &Options, process: &Process) {
    let entries = entries(options.size(1_000_000, 2_000));
    add_all(&process.map, &entries).await;
    let line = format!("show map {}\n", process.file);
    let times = rounds(options.rounds, 3, |contender| {
        let (map, socket, line) = (process.map.clone(), process.socket.clone(), line.clone());
        async move {
            match contender {
                0 | 1 => seconds(keep(&socket, line.as_bytes())).await,
                _ => seconds(map.show()).await,
            }
        }
    })
    .await;
    assert_eq!(shown(&process.map).await, entries.len());
    Row::of(
        &format!("{} map entries shown, {}", digits(entries.len()), process.version),
        "bare socket, bytes kept",
    )
    .ratio(times.ratio(2, 0), times.ratio(1, 0))
    .at_most(1.1);
    times.print(&["bytes kept", "", "show"]);
}

/// Returns the number of entries.
async fn shown(map: &Map) -> usize {
    map.show().await.unwrap().entries().unwrap().len()
}
