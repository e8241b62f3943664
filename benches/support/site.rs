//! Processes of HAProxy 3.4 with many servers, and the CPU time that they take.

use std::fmt::Write as _;
use std::fs;

use crate::support::{Config, Running, release};

/// Returns `true` if the program is to measure. Without `--bench` this is a test run: everything runs once, and is small.
pub(crate) fn is_measured() -> bool {
    let arguments: Vec<String> = std::env::args().collect();
    let given = |wanted: &str| arguments.iter().any(|argument| argument == wanted);
    given("--bench") && !given("--test")
}

/// Runs a future on two threads.
pub(crate) fn run(future: impl Future<Output = ()>) {
    let mut runtime = tokio::runtime::Builder::new_multi_thread();
    runtime.worker_threads(2).enable_all().build().unwrap().block_on(future);
}

/// Starts processes. The last section of `config` gets the servers `s0` and so on, with these words behind
/// the address.
pub(crate) async fn start(
    config: &str,
    processes: usize,
    servers: usize,
    words: impl Fn(usize) -> String,
) -> Running {
    let (mut running, release) = (Running::new(), release("3.4"));
    let mut config = config.to_owned();
    for server in 0..servers {
        writeln!(config, "    server s{server} 127.0.0.1:{} {}", 10_000 + server, words(server)).unwrap();
    }
    for n in 1..=processes {
        running.add(&release, &n.to_string(), &Config::new(&config).set("N", n)).await;
    }
    running
}

/// Returns the CPU time of all processes, in ms.
pub(crate) fn cpu_of_all(running: &Running) -> f64 {
    (1..=running.processes()).map(|n| cpu_of(running.pid(n))).sum()
}

/// Returns the CPU time of a process, in ms.
pub(crate) fn cpu_of(pid: u32) -> f64 {
    let threads = fs::read_dir(format!("/proc/{pid}/task")).unwrap().flatten();
    let of_thread = |path: std::path::PathBuf| {
        let text = fs::read_to_string(path.join("schedstat")).unwrap_or_default();
        text.split_whitespace().next().and_then(|nanoseconds| nanoseconds.parse::<f64>().ok())
    };
    threads.filter_map(|thread| of_thread(thread.path())).sum::<f64>() / 1e6
}

pub(crate) fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}
