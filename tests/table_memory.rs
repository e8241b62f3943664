//! A stick table of 100,000 entries: the figures, and the memory that reading it takes.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "in a test a panic is the failure message")]
#![allow(clippy::indexing_slicing, reason = "the same")]

use haproxyadmin::Cluster;
use haproxyadmin::table::TableEntry;
use peak_alloc::PeakAlloc;

mod support;

use support::{Config, Running, ask, releases};

#[global_allocator]
static MEMORY: PeakAlloc = PeakAlloc;

const CONFIG: &str = r#"
global
    stats socket "unix@${DIR}/stats/${N}.sock" mode 600 level admin

defaults
    mode http
    timeout connect 5s
    timeout client 30s
    timeout server 30s

frontend web
    bind "unix@${DIR}/traffic/web.${N}"

backend paths
    stick-table type string len 64 size 200k expire 1h store gpc0,http_req_rate(10s)
"#;

const ENTRIES: usize = 100_000;

/// Returns the bytes of memory that are in use.
fn in_use() -> usize {
    MEMORY.current_usage()
}

/// Reads the reply without the crate, and returns its length and the value of each key.
async fn independent(socket: &std::path::Path) -> (usize, Vec<u64>) {
    let reply = String::from_utf8(ask(socket, "show table paths").await).unwrap();
    let mut values = vec![0; ENTRIES];
    for line in reply.lines() {
        if let Some((_, rest)) = line.split_once("key=k") {
            let (number, rest) = rest.split_once(' ').unwrap();
            let value = rest.split_once("gpc0=").unwrap().1.split_once(' ').unwrap().0;
            values[number.parse::<usize>().unwrap()] = value.parse().unwrap();
        }
    }
    (reply.len(), values)
}

#[tokio::test]
async fn many_entries_are_read_as_haproxy_prints_them_in_little_memory() {
    let mut running = Running::new();
    let config = running.fill(Config::new(CONFIG));
    for (n, release) in (1..).zip(releases()) {
        running.add(&release, &format!("process{n}"), &config.clone().set("N", n)).await;
    }
    for n in 1..=running.processes() {
        let socket = running.socket(n);
        for start in (0..ENTRIES).step_by(200) {
            let line: Vec<_> = (start..start + 200)
                .map(|key| format!("set table paths key k{key} data.gpc0 {}", key + 1))
                .collect();
            ask(&socket, &line.join(";")).await;
        }
        let (length, expected) = independent(&socket).await;
        let table = Cluster::from_addresses([socket.as_path()]).await.unwrap().table("paths").unwrap();
        // The first call identifies the process.
        table.get("k0").await.unwrap();

        let before = in_use();
        MEMORY.reset_peak_usage();
        let entries = table.show().await.unwrap();
        let (peak, kept) = (MEMORY.peak_usage() - before, in_use() - before);
        let (_, entries) = entries.values().next().unwrap();
        assert_eq!(entries.len(), ENTRIES);
        for entry in entries {
            let number: usize = entry.key_text()[1..].parse().unwrap();
            assert_eq!(Some(expected[number]), entry.get("gpc0"));
        }
        assert!(kept < length + 8 * ENTRIES + 64 * 1024, "process {n}: {kept} bytes for a reply of {length}");
        println!("process {n}: reply {length}, show: at most {peak}, kept {kept}");

        let before = in_use();
        MEMORY.reset_peak_usage();
        let mut seen = 0;
        let visit = |_: &str, entry: TableEntry<'_>| {
            let number: usize = entry.key_text()[1..].parse().unwrap();
            assert_eq!(Some(expected[number]), entry.get("gpc0"));
            seen += 1;
        };
        table.for_each(&[], visit).await.unwrap();
        let peak = MEMORY.peak_usage() - before;
        println!("process {n}: for_each: at most {peak}");
        assert_eq!(seen, ENTRIES);
        assert!(peak < 512 * 1024, "process {n}: {peak} bytes");
    }
}
