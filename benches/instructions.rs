//! The number of instructions that this crate executes for a row, a process or an entry.
//!
//! Times on a shared machine vary by more than most changes to the parser; the number of instructions
//! does not. The guard is needed because the compiler inlines a function or not by the number of its
//! calls: with a second call of `scan::cell`, the same code once took twice as long.
//!
//! `benches/instructions` brings valgrind, and runs this program. The program runs itself under
//! callgrind, once for each case, and fails if a case needs more instructions or allocations than the
//! figures in `CASES` by more than [`TOLERANCE`]. If a case needs fewer, record the new figures. They
//! are of `x86_64` and of the compiler in `COMPILER`; other compilers may need other figures.

#![allow(missing_docs, reason = "a program without users")]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, reason = "it may panic")]
#![allow(clippy::print_stdout, reason = "it prints its result")]
#![allow(clippy::cast_precision_loss, reason = "the numbers are small")]

#[allow(dead_code, reason = "other programs use the rest")]
mod support;

use std::collections::HashMap;
use std::env;
use std::ffi::OsStr;
use std::fs;
use std::path::Path;
use std::process::{Command, ExitCode};

use haproxyadmin::stat::StatParser;
use haproxyadmin::{Cluster, Scope, Weight};
use support::replay::{Answers, Replay, serve};
use support::{Corpus, Load};
use tokio::runtime::Runtime;

/// Name, the thing that is counted, and the instructions and allocations for one of them.
const CASES: &[(&str, &str, f64, f64)] = &[
    ("parse 2.6 idle", "row", 2227.3, 0.006),
    ("parse 2.6 busy", "row", 3093.1, 0.006),
    ("parse 3.4 idle", "row", 2862.7, 0.006),
    ("parse 3.4 busy", "row", 3877.2, 0.006),
    ("parse 3.4 quotes", "row", 5589.3, 0.007),
    ("snapshot 3.4", "process", 238_200.0, 39.6),
    ("scope 3.4", "process", 343_500.0, 64.4),
    ("show info", "process", 77_800.0, 36.5),
    ("every column 3.4", "row", 8_553.8, 0.327),
    ("set server weight", "process", 32_700.0, 23.6),
    ("show servers state", "server", 5054.8, 2.006),
    ("show map", "entry", 269.4, 0.007),
];

/// The compiler that the figures were recorded with.
const COMPILER: &str = "rustc 1.95";

/// Part by which a figure may be exceeded. The functions of the C library that copy bytes differ from processor to
/// processor; a hot function that is no longer inlined costs about twice as much as this.
const TOLERANCE: f64 = 0.1;

/// Rows of a dump, servers of a backend, and entries of a map.
const ROWS: usize = 10_000;

/// Processes that are read at once.
const PROCESSES: usize = 32;

/// Bytes that one read from a socket brings.
const PIECE: usize = 16 * 1024;

fn main() -> ExitCode {
    let arguments: Vec<String> = env::args().skip(1).collect();
    match arguments.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        ["run", name] => {
            run(name);
            ExitCode::SUCCESS
        }
        ["serve", processes, dir] => {
            serve(Path::new(dir), (1..=processes.parse().unwrap()).map(answers));
            ExitCode::SUCCESS
        }
        // Without `--bench` this is a test run, which needs no valgrind.
        [] | ["--test"] => {
            for (name, ..) in CASES {
                run(name);
            }
            ExitCode::SUCCESS
        }
        _ => {
            let Some(valgrind) = env::var_os("VALGRIND") else {
                println!("benches/instructions brings valgrind, and counts instructions with it.");
                return ExitCode::SUCCESS;
            };
            guard(&valgrind)
        }
    }
}

/// Counts every case, and compares it with its figures.
fn guard(valgrind: &OsStr) -> ExitCode {
    let folder = tempfile::tempdir().unwrap();
    let mut failed = false;
    println!("{:<22}{:>14}{:>14}{:>14}{:>14}", "", "instructions", "recorded", "allocations", "recorded");
    for &(name, unit, instructions, allocations) in CASES {
        let counted = count(valgrind, name, folder.path());
        let exceeds = |counted: f64, recorded: f64| counted > recorded * (1.0 + TOLERANCE) + 0.005;
        let is_over = exceeds(counted.0, instructions) || exceeds(counted.1, allocations);
        let is_under = exceeds(instructions, counted.0) || exceeds(allocations, counted.1);
        failed |= is_over;
        println!(
            "{name:<22}{:>14.1}{instructions:>14.1}{:>14.3}{allocations:>14.3}  a {unit}{}",
            counted.0,
            counted.1,
            if is_over {
                ": TOO MANY"
            } else if is_under {
                ": fewer, record them"
            } else {
                ""
            },
        );
    }
    if failed {
        println!("More than recorded in benches/instructions.rs, of {COMPILER}.");
        return ExitCode::FAILURE;
    }
    ExitCode::SUCCESS
}

/// Runs a case under callgrind. Returns instructions and allocations for one row, process or entry.
fn count(valgrind: &OsStr, name: &str, folder: &Path) -> (f64, f64) {
    let file = folder.join("callgrind.out");
    let output = Command::new(valgrind)
        .args(["--tool=callgrind", "--quiet", "--zero-before=instructions::measured"])
        .arg("--dump-after=instructions::measured")
        .arg(format!("--callgrind-out-file={}", file.display()))
        .arg(env::current_exe().unwrap())
        .args(["run", name])
        .output()
        .unwrap_or_else(|error| panic!("{}: {error}", valgrind.to_string_lossy()));
    let printed = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{name}: {printed}{}", String::from_utf8_lossy(&output.stderr));
    let ones: f64 = printed.trim().parse().expect("the number of rows");
    let (instructions, allocations) = read(&fs::read_to_string(file.with_extension("out.1")).unwrap());
    (instructions / ones, allocations / ones)
}

/// Returns the instructions, and the calls of functions that allocate, from the file of callgrind.
fn read(text: &str) -> (f64, f64) {
    let mut names = HashMap::new();
    let (mut instructions, mut allocations, mut called) = (0.0, 0.0, "");
    for line in text.lines() {
        // A function has its name where it is mentioned first: `cfn=(12) malloc`, then `cfn=(12)`.
        if let Some(function) = line.strip_prefix("cfn=").or_else(|| line.strip_prefix("fn=")) {
            let (number, name) = function.split_once(") ").unwrap_or((function.trim_end_matches(')'), ""));
            if !name.is_empty() {
                names.insert(number, name);
            }
            called = names.get(number).copied().unwrap_or_default();
        } else if let Some(calls) = line.strip_prefix("calls=") {
            if ALLOCATING.contains(&called) {
                allocations += calls.split(' ').next().unwrap().parse::<f64>().unwrap();
            }
        } else if let Some(sum) = line.strip_prefix("totals: ").or_else(|| line.strip_prefix("summary: ")) {
            instructions = sum.trim().parse().unwrap();
        }
    }
    (instructions, allocations)
}

const ALLOCATING: [&str; 5] = ["malloc", "calloc", "realloc", "posix_memalign", "aligned_alloc"];

/// Runs a case once, and prints the number of rows, processes or entries in it.
fn run(name: &str) {
    let ones = match name {
        "parse 2.6 idle" => parse("2.6", Load::Idle),
        "parse 2.6 busy" => parse("2.6", Load::Busy),
        "parse 3.4 idle" => parse("3.4", Load::Idle),
        "parse 3.4 busy" => parse("3.4", Load::Busy),
        "parse 3.4 quotes" => parse("3.4", Load::Quoted),
        "snapshot 3.4" => ask(PROCESSES, &async |cluster| {
            assert_eq!(cluster.snapshot().await.unwrap().processes().len(), PROCESSES);
            PROCESSES
        }),
        "every column 3.4" => every_column(),
        "set server weight" => ask(PROCESSES, &async |cluster| {
            let server = cluster.server_ref("app", "web1").unwrap();
            server.set_weight(Weight::absolute(20).unwrap()).await.unwrap().len()
        }),
        "scope 3.4" => ask(PROCESSES, &async |cluster| {
            let scope = Scope::all().columns(["scur", "smax", "stot", "bin", "bout"]).unwrap();
            assert_eq!(cluster.snapshot_of(&scope).await.unwrap().processes().len(), PROCESSES);
            PROCESSES
        }),
        "show info" => ask(PROCESSES, &async |cluster| {
            assert!(cluster.info().await.unwrap().cum_req().is_some());
            PROCESSES
        }),
        "show servers state" => ask(1, &async |cluster| {
            let states = cluster.backend_ref("app").unwrap().fetch_server_states().await.unwrap();
            states.values().map(|(_, states)| states.len()).sum()
        }),
        "show map" => ask(1, &async |cluster| {
            let contents = cluster.map("a.map").unwrap().show().await.unwrap();
            contents.entries().unwrap().len()
        }),
        name => panic!("no such case: {name}"),
    };
    println!("{ones}");
}

/// Does what is counted. Callgrind finds it by its name.
#[inline(never)]
fn measured(work: &mut dyn FnMut()) {
    work();
}

/// Parses a dump, in pieces as they would arrive.
fn parse(version: &str, load: Load) -> usize {
    let corpus = Corpus::of(1, version, load, ROWS);
    let dump = corpus.dumps[0].as_bytes();
    let mut table = None;
    measured(&mut || {
        let mut parser = StatParser::new();
        dump.chunks(PIECE).for_each(|piece| parser.feed(piece).unwrap());
        table = Some(parser.finish().unwrap());
    });
    table.unwrap().len()
}

/// Merges every figure of every object of a snapshot.
fn every_column() -> usize {
    let snapshot = Corpus::of(PROCESSES, "3.4", Load::Idle, ROWS / 10).snapshot();
    let mut figures = 0;
    measured(&mut || {
        figures += snapshot.frontends().iter().map(|one| one.metrics().len()).sum::<usize>();
        figures += snapshot.backends().iter().map(|one| one.metrics().len()).sum::<usize>();
        figures += snapshot.servers().iter().map(|one| one.metrics().len()).sum::<usize>();
    });
    assert!(figures > 0);
    PROCESSES * ROWS / 10
}

/// Asks replayed processes, the third time counted. In the first time the processes are identified, and the second
/// one finds the members.
fn ask(processes: usize, work: &impl AsyncFn(&Cluster) -> usize) -> usize {
    let replay = Replay::start(&["serve", &processes.to_string()]);
    let runtime: Runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let cluster = runtime.block_on(Cluster::from_dir(replay.dir())).unwrap();
    for _ in 0..2 {
        runtime.block_on(work(&cluster));
    }
    let mut ones = 0;
    measured(&mut || ones = runtime.block_on(work(&cluster)));
    ones
}

fn answers(number: usize) -> Answers {
    let read = |name: &str| {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../fixtures/3.4").join(name);
        fs::read_to_string(path).unwrap()
    };
    let info = read("show_info.txt")
        .lines()
        .map(|line| match line.split_once(": ") {
            Some(("Pid", _)) => format!("Pid: {number}\n"),
            // A process that has just started would be asked twice.
            Some(("Uptime_sec", _)) => "Uptime_sec: 1000\n".to_owned(),
            _ => format!("{line}\n"),
        })
        .collect::<String>();
    let rows = read("show_stat.txt");
    let header = rows.lines().next().unwrap();
    vec![
        ("show info", info.into()),
        ("show cli level", b"admin\n\n".to_vec()),
        ("show cli sockets", read("show_cli_sockets.txt").into()),
        ("show stat -1 0 -1", format!("{header}\n\n").into()),
        ("show stat", rows.into()),
        ("show servers state app", servers().into()),
        ("show map a.map", map().into()),
    ]
}

fn servers() -> String {
    let header = "1\n# be_id be_name srv_id srv_name srv_addr srv_op_state srv_admin_state srv_uweight \
        srv_iweight srv_time_since_last_change srv_check_status srv_check_result srv_check_health \
        srv_check_state srv_agent_state bk_f_forced_id srv_f_forced_id srv_fqdn srv_port srvrecord \
        srv_use_ssl srv_check_port srv_check_addr srv_agent_addr srv_agent_port\n";
    let server = |n: usize| {
        format!("3 app {n} web{n} 192.0.2.{} 2 0 100 100 {n} 6 3 4 6 0 0 0 - 8080 - 0 0 - - 0\n", n % 200)
    };
    header.to_owned() + &(1..=ROWS).map(server).collect::<String>() + "\n"
}

fn map() -> String {
    let entry = |n: usize| format!("0x{:x} host-{n}.example backend-{}\n", 0x5581_7a00_0000 + n * 64, n % 50);
    (1..=ROWS).map(entry).collect::<String>() + "\n"
}
