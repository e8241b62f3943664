//! The cost of parsing and merging `show stat`, compared with `csv` and `serde`.
//!
//! The dumps are made, not recorded: 10,000 rows made from the rows of
//! `fixtures/<version>/show_stat.txt`, for 100 proxies, each with its frontend, one listener, 97
//! servers and its backend; also the first 12 of those rows. Names are numbered. Figures differ
//! between four processes of one configuration:
//!
//! - *idle*: zeros stay zero, any other figure keeps its number of digits;
//! - *busy*: every figure that is filled is a number of one to ten digits;
//! - *busy with quotes*: 5 % of the rows have two cells with quotes, too.
//!
//! The parser is `StatParser`, which gets 16 KiB at a time and makes every check that it makes in
//! production. The other side of the comparison is in `support/peer.rs`.
//!
//! `cargo bench -p haproxyadmin-benches` runs criterion over each step, to compare with the last
//! run. At the end both sides run in turns and the medians are printed side by side; read the
//! ratios there.

#![allow(missing_docs, reason = "a program without users")]
#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "it may panic")]
#![allow(clippy::print_stdout, reason = "it prints its result")]
#![allow(clippy::cast_precision_loss, reason = "numbers of rows and bytes are small")]

#[allow(dead_code, reason = "other programs use the rest")]
mod support;

use std::hint::black_box;
use std::time::{Duration, Instant};

use criterion::{Criterion, Throughput};
use haproxyadmin::Snapshot;
use haproxyadmin::stat::{StatParser, StatTable};
use support::{Corpus, Load, PROCESSES, peer};

/// Bytes that one read from a socket brings.
const PIECE: usize = 16 * 1024;

fn main() {
    // Without `--bench` this is a test run: everything runs once.
    let arguments: Vec<String> = std::env::args().collect();
    let given = |wanted: &str| arguments.iter().any(|argument| argument == wanted);
    let rounds = if given("--bench") && !given("--test") { 11 } else { 1 };

    let mut criterion = Criterion::default()
        .sample_size(10)
        .warm_up_time(Duration::from_millis(300))
        .measurement_time(Duration::from_secs(1))
        .without_plots()
        .configure_from_args();
    let mut table = Vec::new();
    for version in ["2.6", "3.4"] {
        for (rows, load) in
            [(10_000, Load::Idle), (10_000, Load::Busy), (10_000, Load::Quoted), (12, Load::Idle)]
        {
            let corpus = Corpus::new(version, load, rows);
            each_step(&mut criterion, &corpus);
            table.push((side_by_side(&corpus, rounds), corpus.name));
        }
    }
    criterion.final_summary();

    println!("\nMicroseconds and kept bytes per row of {PROCESSES} processes; medians of {rounds} rounds.");
    println!(
        "{:<34}{:<15}{:>8}{:>11}{:>7}{:>7}{:>11}",
        "", "", "us/row", "csv+serde", "ratio", "B/row", "csv+serde"
    );
    for (lines, name) in &table {
        for line in lines {
            println!("{name:<34}{line}");
        }
    }
}

fn each_step(criterion: &mut Criterion, corpus: &Corpus) {
    let rows = (corpus.rows * PROCESSES) as u64;
    let snapshot = corpus.snapshot();
    let mut group = criterion.benchmark_group(&corpus.name);
    group.throughput(Throughput::Elements(rows));
    group.bench_function("parse", |bench| bench.iter_with_large_drop(|| parse_all(corpus)));
    group.bench_function("parse by csv+serde", |bench| {
        bench.iter_with_large_drop(|| peer::parse_all(corpus));
    });
    group.bench_function("group", |bench| bench.iter_with_large_drop(|| grouped(&snapshot)));
    group.bench_function("five figures", |bench| bench.iter(|| five_figures(&snapshot)));
    group.bench_function("every column", |bench| bench.iter(|| every_column(&snapshot)));
    group.finish();
}

/// Runs each step of both sides in turns and returns the lines of the table.
fn side_by_side(corpus: &Corpus, rounds: usize) -> Vec<String> {
    let snapshot = grouped(&corpus.snapshot());
    let peer_rows = peer::parse_all(corpus);
    let rows = corpus.rows * PROCESSES;
    let repeats = if rounds == 1 { 1 } else { 20_000usize.div_ceil(rows) };
    let mut times: [Vec<f64>; 6] = Default::default();
    for _ in 0..rounds {
        times[0].push(seconds(repeats, || parse_all(corpus)));
        times[1].push(seconds(repeats, || peer::parse_all(corpus)));
        times[2].push(seconds(repeats, || grouped(&snapshot)));
        times[3].push(seconds(repeats, || five_figures(&snapshot)));
        times[4].push(seconds(repeats, || every_column(&snapshot)));
        times[5].push(seconds(repeats, || peer::five_figures(&peer_rows)));
    }
    let [parse, peer_parse, group, five, every, peer_five] = times.map(|mut times| {
        times.sort_by(f64::total_cmp);
        times[times.len() / 2] / (repeats * rows) as f64 * 1e6
    });

    let kept = snapshot.heap_size() as f64 / rows as f64;
    let peer_kept = peer_rows.iter().map(|rows| peer::heap_size(rows)).sum::<usize>() as f64 / rows as f64;
    let line = |step, ours: f64, peer: f64| {
        let ratio = peer / ours;
        format!("{step:<15}{ours:>8.3}{peer:>11.3}{ratio:>6.1}x{kept:>7.0}{peer_kept:>11.0}")
    };
    vec![
        line("parse", parse, peer_parse),
        line("+ group", parse + group, peer_parse),
        line("+ five figures", parse + group + five, peer_parse + peer_five),
        line("+ every column", parse + group + every, peer_parse + peer_five),
    ]
}

/// Measures the time of `work`; its results are dropped afterwards.
fn seconds<T>(repeats: usize, work: impl Fn() -> T) -> f64 {
    let start = Instant::now();
    let made: Vec<T> = (0..repeats).map(|_| work()).collect();
    let elapsed = start.elapsed();
    drop(made);
    elapsed.as_secs_f64()
}

/// Parses the rows of every process, in pieces as they would arrive.
fn parse_all(corpus: &Corpus) -> Vec<StatTable> {
    let parse = |dump: &String| {
        let mut parser = StatParser::new();
        dump.as_bytes().chunks(PIECE).for_each(|piece| parser.feed(piece).unwrap());
        parser.finish().unwrap()
    };
    corpus.dumps.iter().map(parse).collect()
}

/// Returns a snapshot of the same rows with a newly built table of objects.
fn grouped(snapshot: &Snapshot) -> Snapshot {
    let fresh = snapshot.filter(|_| true);
    // This call builds the table of objects.
    black_box(fresh.heap_size());
    fresh
}

/// Does `$work` with every object of a snapshot, whatever its type.
macro_rules! for_each_object {
    ($snapshot:expr, $object:ident => $work:expr) => {
        for_each_object!(@ $snapshot, $object => $work; frontends listeners servers backends);
    };
    (@ $snapshot:expr, $object:ident => $work:expr; $($objects:ident)*) => {
        $(for $object in $snapshot.$objects() {
            black_box($work);
        })*
    };
}

fn five_figures(snapshot: &Snapshot) {
    for_each_object!(snapshot, one => (one.scur(), one.smax(), one.stot(), one.bin(), one.bout()));
}

fn every_column(snapshot: &Snapshot) {
    for_each_object!(snapshot, one => one.metrics());
}
