//! The times of this crate, relative to those of bare sockets and of other programs.
//!
//! `benches/run` brings the other programs, runs this, and writes the table of the README.
//! `benches/run sweep map` runs two groups, and `benches/run --test` each of them once with little
//! to do:
//!
//! - *sweep*: all figures of 64 and 256 real processes, compared with a drain of the same bytes;
//! - *replay*: the same of 1,000 processes that a program replays from memory;
//! - *merge*: five figures of the objects of 1,000 processes, compared with 10 processes;
//! - *scope*: five figures of servers and nothing else, compared with a whole snapshot;
//! - *csv*: rows in memory, compared with the crates `csv` and `serde`;
//! - *haproxyadmin*, *socat*: all figures, compared with the Python library and with a loop of a shell;
//! - *server*: one server of 10,000, compared with all of them;
//! - *change*: a weight on 64 and 256 processes, compared with bare sockets;
//! - *map*: 100,000 entries added and 1,000,000 shown, compared with bare sockets;
//! - *hung*: the answers of 63 processes beside one that hangs;
//! - *info*: CPU time of a small read, compared with a bare socket;
//! - *file*: the counters of 64 processes, from a file that they share.
//!
//! The contenders of a group run in turns, in another order in each round. A ratio is that of two
//! times of the same round, so that it holds on a busy machine too; the table has the median of
//! all rounds, the tenth and the ninetieth percentile. One contender of each group runs twice in
//! each round. The ratio of its two times shows the noise of the machine.
//!
//! The processes are HAProxy of `target/haproxy` with one thread and without traffic. All of them
//! share the cores of the machine with this program. Its runtime has two threads.

#![allow(missing_docs, reason = "a program without users")]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, reason = "it may panic")]
#![allow(clippy::print_stdout, reason = "it prints its result")]
#![allow(clippy::cast_precision_loss, reason = "the numbers are small")]

mod change;
mod csv;
mod file;
mod fleet;
mod haproxyadmin_py;
mod hung;
mod info;
mod map;
mod merge;
mod replayed;
mod scope;
mod server;
mod socat;
mod sweep;

#[path = "../support/mod.rs"]
#[allow(dead_code, unused_imports, reason = "other programs use the rest")]
mod dumps;
#[path = "../rounds/mod.rs"]
#[allow(dead_code, unused_imports, reason = "other programs use the rest")]
mod rounds;
#[path = "../../tests/support/mod.rs"]
mod support;

use fleet::Fleet;
use rounds::{Options, heading, raise_limit, serve_if_asked};

/// The groups, in the order of the table.
const GROUPS: [&str; 13] = [
    "sweep",
    "replay",
    "merge",
    "scope",
    "csv",
    "haproxyadmin",
    "socat",
    "server",
    "change",
    "map",
    "hung",
    "info",
    "file",
];

fn main() {
    if serve_if_asked() {
        return;
    }
    raise_limit();
    let options = Options::read();
    let unknown = options.unknown(&GROUPS);
    assert!(unknown.is_empty(), "no group {}; the groups are {}", unknown.join(", "), GROUPS.join(", "));
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    heading();
    runtime.block_on(run(Fleet::new(options)));
}

async fn run(mut fleet: Fleet) {
    for group in GROUPS {
        if !fleet.options.runs(group) {
            continue;
        }
        match group {
            "sweep" => sweep::run(&mut fleet).await,
            "replay" => replayed::run(&fleet).await,
            "merge" => merge::run(&fleet).await,
            "scope" => scope::run(&fleet).await,
            "csv" => csv::run(&fleet).await,
            "haproxyadmin" => haproxyadmin_py::run(&mut fleet).await,
            "socat" => socat::run(&mut fleet).await,
            "server" => server::run(&fleet).await,
            "change" => change::run(&mut fleet).await,
            "map" => map::run(&fleet).await,
            "hung" => hung::run(&mut fleet).await,
            "info" => info::run(&mut fleet).await,
            _ => file::run(&fleet).await,
        }
    }
}
