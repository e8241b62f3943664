//! The fake stats socket compared with real HAProxy processes, release by release: a fake with the
//! same description gives the same replies.
#![cfg(unix)]
#![allow(
    clippy::indexing_slicing,
    clippy::unwrap_used,
    reason = "in a helper of tests too, a panic is the failure"
)]

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::time::Duration;

use haproxyadmin::Level;
use haproxyadmin::fake::{Backend, Frontend, Listener, Process, Running, Server};
use haproxyadmin::field::{COLUMNS, KEYS, RowKind, Rule, ValueType};
use tempfile::TempDir;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::UnixStream;
use tokio::time::timeout;

mod support;

use support::{Release, ask, levels, release, row, until, versions, zoo, zoo_settled};

#[tokio::test]
async fn a_fake_told_every_cell_prints_the_same_bytes() {
    for release in held_to() {
        let real = zoo(&release).await;
        zoo_settled(&real).await;
        let stat = text(real.socket(1), "show stat").await;
        let fake = serve(described(&release.version, &rows(&stat), &|_, _| true)).await;
        same(&text(&fake.path, "show stat").await, &stat, &release.version);
    }
}

#[tokio::test]
async fn a_fake_told_only_settings_fills_the_same_cells() {
    for release in held_to() {
        let real = zoo(&release).await;
        zoo_settled(&real).await;
        let stat = text(real.socket(1), "show stat").await;
        let fake = serve(described(&release.version, &rows(&stat), &is_setting)).await;
        let reply = text(&fake.path, "show stat").await;
        assert_eq!(reply.lines().next(), stat.lines().next(), "HAProxy {}", release.version);
        for (fake, real) in rows(&reply).iter().zip(&rows(&stat)) {
            let name = format!("{},{} of HAProxy {}", real["pxname"], real["svname"], release.version);
            assert_eq!(filled(fake), filled(real), "{name}");
        }
        assert_eq!(outline(&reply), outline(&stat), "HAProxy {}", release.version);
    }
}

#[tokio::test]
async fn level_user_hides_the_same_cells() {
    for release in held_to() {
        let real = levels(&release).await;
        let checked = async || {
            let server = row(real.socket(1), "app", "app1").await;
            server.cell("check_status").ends_with("L4OK").then_some(())
        };
        until("app1 is checked", checked).await;
        let admin = text(real.socket(1), "show stat").await;
        let fake = serve(described(&release.version, &rows(&admin), &is_setting).level(Level::User)).await;
        let reply = rows(&text(&fake.path, "show stat").await);
        let hidden = rows(&text(real.stats().join("user.sock"), "show stat").await);
        assert_eq!(reply.len(), hidden.len(), "HAProxy {}", release.version);
        for (fake, real) in reply.iter().zip(&hidden) {
            assert_eq!(filled(fake), filled(real), "{} of HAProxy {}", real["svname"], release.version);
        }
    }
}

#[tokio::test]
async fn a_fake_told_every_key_prints_the_same_bytes() {
    for release in held_to() {
        let real = zoo(&release).await;
        let info = text(real.socket(1), "show info").await;
        // One value holds line ends; no other value has a line that looks like a key.
        let lines = info.replace("\n\nthird line", "\r\rthird line");
        let pairs = lines.lines().filter_map(|line| line.split_once(": "));
        let told = pairs.fold(Process::new(&release.version), |process, (key, value)| {
            let value =
                value.replace('\r', "\n").replace("\"\"", "\u{1}").replace('"', "").replace('\u{1}', "\"");
            match KEYS.iter().find(|known| known.name == key).unwrap().value_type {
                ValueType::Text => process.info(key, value),
                _ => process.info(key, value.parse::<u64>().unwrap()),
            }
        });
        same(&text(&serve(told).await.path, "show info").await, &info, &release.version);
    }
}

#[tokio::test]
async fn a_fake_told_nothing_prints_the_same_keys() {
    for release in held_to() {
        let real = levels(&release).await;
        let keys = |info: &str| -> Vec<String> {
            info.lines().map(|line| line.split(": ").next().unwrap().to_owned()).collect()
        };
        let fake = serve(Process::new(&release.version)).await;
        let (reply, info) = (text(&fake.path, "show info").await, text(real.socket(1), "show info").await);
        assert_eq!(keys(&reply), keys(&info), "HAProxy {}", release.version);
    }
}

#[tokio::test]
async fn a_filter_takes_the_same_rows() {
    for release in held_to() {
        let real = zoo(&release).await;
        zoo_settled(&real).await;
        let stat = text(real.socket(1), "show stat").await;
        let fake = serve(described(&release.version, &rows(&stat), &is_setting)).await;
        for filter in FILTERS {
            let command = format!("show stat {filter}");
            let (reply, stat) = (text(&fake.path, &command).await, text(real.socket(1), &command).await);
            assert_eq!(outline(&reply), outline(&stat), "{command} of HAProxy {}", release.version);
        }
    }
}

#[tokio::test]
async fn states_of_servers_are_listed_alike() {
    for release in held_to() {
        let real = zoo(&release).await;
        zoo_settled(&real).await;
        // A check that has not ended would be described by its initial state.
        let checked = async || {
            let stat = text(real.socket(1), "show stat").await;
            let ended = |row: &Row| !row["check_status"].ends_with("INI");
            rows(&stat).iter().all(ended).then_some(stat)
        };
        let stat = until("every server is checked", checked).await;
        let fake = serve(described(&release.version, &rows(&stat), &is_setting)).await;
        for command in ["show servers state", "show servers state states", "show servers state nope"] {
            let reply = servers(&text(&fake.path, command).await);
            let look = async || servers(&text(real.socket(1), command).await);
            // A check under way has no result. If the replies stay different, the assertions below
            // fail.
            let same = async || (look().await == reply).then_some(());
            if timeout(Duration::from_secs(5), until("the same", same)).await.is_ok() {
                continue;
            }
            let state = look().await;
            for (reply, state) in reply.iter().zip(&state) {
                assert_eq!(reply, state, "{command} of HAProxy {}", release.version);
            }
            assert_eq!(reply.len(), state.len(), "{command} of HAProxy {}", release.version);
        }
    }
}

#[tokio::test]
async fn lines_are_framed_alike() {
    for release in held_to() {
        let real = levels(&release).await;
        let stat = text(real.socket(1), "show stat").await;
        let mut fake = serve(described(&release.version, &rows(&stat), &is_setting)).await;
        for (level, name) in [(Level::Operator, "operator.sock"), (Level::User, "user.sock")] {
            fake.running.also(fake.dir.path().join(name), level).await.unwrap();
        }
        for name in ["admin.sock", "operator.sock", "user.sock"] {
            for line in LINES {
                let reply = text(fake.dir.path().join(name), line).await;
                let expected = text(real.stats().join(name), line).await;
                let reply = framing(&reply, fake.dir.path());
                assert_eq!(
                    reply,
                    framing(&expected, &real.stats()),
                    "{line:?} to {name} of HAProxy {}",
                    release.version
                );
            }
        }
    }
}

#[tokio::test]
async fn a_line_that_is_too_long_is_refused_alike() {
    // 2.2 and 2.6 sometimes hang and sometimes close; a fake of these releases always closes.
    for release in held_to() {
        let real = levels(&release).await;
        let expected =
            if release.is_at_least("3.0") { endless_line(&real.socket(1)).await } else { String::new() };
        let fake = serve(Process::new(&release.version)).await;
        assert_eq!(endless_line(&fake.path).await, expected, "HAProxy {}", release.version);
    }
}

#[tokio::test]
async fn a_process_of_nbproc_says_its_number() {
    let process = Process::new("2.2.9").number(3).nbproc(4).backend(Backend::new("app"));
    let fake = serve(process).await;
    let reply = text(&fake.path, "show stat;show cli sockets").await;
    assert_eq!(rows(&reply)[0]["pid"], "3");
    assert!(reply.ends_with(&format!("unix@{} admin 3\n\n", fake.path.display())), "{reply}");
    let info = text(&fake.path, "show info").await;
    assert!(info.contains("\nNbproc: 4\nProcess_num: 3\n"), "{info}");
}

/// The releases that a fake is compared with; the replies for other releases are a guess.
fn held_to() -> Vec<Release> {
    versions().into_iter().map(release).collect()
}

/// A fake process at `admin.sock` in a folder of its own.
struct Fake {
    dir: TempDir,
    running: Running,
    path: PathBuf,
}

async fn serve(process: Process) -> Fake {
    let dir = TempDir::new().unwrap();
    let path = dir.path().join("admin.sock");
    let running = process.serve(&*path).await.unwrap();
    Fake { dir, running, path }
}

async fn text(path: impl AsRef<Path>, line: &str) -> String {
    String::from_utf8(ask(path, line).await).unwrap()
}

/// The reply of a process to a line that does not end.
async fn endless_line(path: &Path) -> String {
    let mut stream = UnixStream::connect(path).await.unwrap();
    // The process may close before it has taken the whole line.
    let _ = stream.write_all(&vec![b'x'; 20_000]).await;
    let mut reply = Vec::new();
    let _ = stream.read_to_end(&mut reply).await;
    String::from_utf8(reply).unwrap()
}

/// One row of a dump: its cells by column.
type Row = BTreeMap<String, String>;

fn rows(stat: &str) -> Vec<Row> {
    let dump = stat.strip_prefix("# ").unwrap().split("\n\n#").next().unwrap();
    let mut reader = csv::ReaderBuilder::new().flexible(true).from_reader(dump.as_bytes());
    let header = reader.headers().unwrap().clone();
    let whole = reader.records().map(Result::unwrap).filter(|record| record.len() == header.len());
    whole
        .map(|record| header.iter().map(str::to_owned).zip(record.iter().map(str::to_owned)).collect())
        .collect()
}

/// Sets a cell of a described row to the value that the real row has.
macro_rules! tell {
    ($object:ident, $kind:expr) => {
        |object: $object, (column, cell): (&String, &String)| {
            // The column after the last comma has no name.
            let Some(declared) = COLUMNS.iter().find(|declared| declared.name == column) else {
                return object;
            };
            let settable =
                declared.kinds.iter().any(|(kind, rule)| *kind == $kind && *rule != Rule::Identity);
            match declared.value_type {
                _ if !settable => object,
                _ if cell.is_empty() => object.empty(column),
                ValueType::U32 | ValueType::U64 => object.set(column, cell.parse::<u64>().unwrap()),
                ValueType::I32 => object.set(column, cell.parse::<i64>().unwrap()),
                _ => object.set(column, cell.as_str()),
            }
        }
    };
}

/// Returns `true` if the cell is a setting of the object or a result of past events, so the fake
/// has to be told. The fake must fill all other cells, or leave them empty, by itself.
fn is_setting(row: &Row, column: &str) -> bool {
    let told = match column {
        // Empty until a host name is resolved.
        "addr" => return true,
        "status" | "mode" | "check_status" | "agent_status" | "last_chk" | "last_agt" | "cookie"
        | "tracked" | "throttle" | "qlimit" | "hanafail" | "src_ilim" | "iid" | "weight" => true,
        "slim" => row["type"] == "2",
        _ => false,
    };
    told && !row[column].is_empty()
}

/// Describes a process with these rows, and sets the cells that `wanted` selects.
fn described(version: &str, rows: &[Row], wanted: &dyn Fn(&Row, &str) -> bool) -> Process {
    let mut process = Process::new(version);
    let mut servers = Vec::new();
    let mut frontend: Option<Frontend> = None;
    for row in rows {
        if row["type"] != "3" {
            process = frontend.take().into_iter().fold(process, Process::frontend);
        }
        let cells = row.iter().filter(|(column, _)| wanted(row, column));
        match row["type"].as_str() {
            "0" => {
                frontend =
                    Some(cells.fold(Frontend::new(&*row["pxname"]), tell!(Frontend, RowKind::Frontend)));
            }
            "1" => {
                let backend = servers.drain(..).fold(Backend::new(&*row["pxname"]), Backend::server);
                process = process.backend(cells.fold(backend, tell!(Backend, RowKind::Backend)));
            }
            "2" => {
                let server = Server::new(&*row["svname"]);
                // Checks pause in maintenance, and only their counters show.
                let server = if row["chkfail"].is_empty() { server } else { server.check("UNK") };
                servers.push(cells.fold(server, tell!(Server, RowKind::Server)));
            }
            _ => {
                let listener = cells.fold(Listener::new(&*row["svname"]), tell!(Listener, RowKind::Listener));
                frontend = frontend.map(|frontend| frontend.listener(listener));
            }
        }
    }
    process
}

/// Names of the columns that are not empty in a row.
fn filled(row: &Row) -> BTreeSet<&str> {
    row.iter().filter(|(_, cell)| !cell.is_empty()).map(|(column, _)| column.as_str()).collect()
}

/// The status of every row of a dump, without its figures; a reply that is no dump stays whole.
fn outline(stat: &str) -> Vec<String> {
    if !stat.starts_with("# pxname,") {
        return vec![stat.to_owned()];
    }
    assert!(stat.ends_with("\n\n"), "{stat:?}");
    let line = |row: &Row| {
        // Checks go on between two reads, so their counts are left out.
        let status = row["status"].split(' ').filter(|word| word.starts_with('(') || !word.contains('/'));
        format!("{},{},{}", row["pxname"], row["svname"], status.collect::<Vec<_>>().join(" "))
    };
    rows(stat).iter().map(line).collect()
}

/// The lines of `show servers state` without the words that no description sets, and without the
/// servers of a backend that is not listed.
fn servers(reply: &str) -> Vec<String> {
    let lines = reply.lines().filter(|line| !line.contains(" gone "));
    lines
        .map(|line| {
            let mut words: Vec<&str> = line.split(' ').collect();
            if words.len() < 20 || line.starts_with('#') {
                return line.to_owned();
            }
            // The weight before an agent changed it; the age, the health and the flag of a check
            // under way; a name and its port; the port of an agent.
            for index in [8, 9, 12, 13, 14, 17, 18, 24] {
                if let Some(word) = words.get_mut(index) {
                    *word = "...";
                }
            }
            words.join(" ")
        })
        .collect()
}

/// A reply without the parts that may differ: figures of dumps, the commands that HAProxy suggests
/// for an unknown one, and the folder of the sockets.
fn framing(reply: &str, dir: &Path) -> String {
    let reply = reply.replace(&dir.display().to_string(), "DIR");
    let kept = reply.split_inclusive('\n').filter(|line| !line.starts_with("  "));
    kept.map(|line| match line.split_once([',', ':']) {
        Some((start, _)) if line.ends_with(",\n") => format!("{start},...\n"),
        Some((key, _)) if KEYS.iter().any(|known| known.name == key) => format!("{key}: ...\n"),
        _ => line.to_owned(),
    })
    .collect()
}

/// Compares two replies, and shows the first line that differs.
fn same(reply: &str, expected: &str, version: &str) {
    for (line, (reply, expected)) in reply.lines().zip(expected.lines()).enumerate() {
        assert_eq!(reply, expected, "line {line} of HAProxy {version}");
    }
    assert_eq!(reply.len(), expected.len(), "HAProxy {version}");
}

const FILTERS: [&str; 36] = [
    "",
    "app",
    "app 4",
    "-1 -1 -1",
    "-1 0 -1",
    "-1 1 -1",
    "-1 2 -1",
    "-1 4 -1",
    "-1 8 -1",
    "-1 9 -1",
    "-1 6 -1",
    "-1 15 -1",
    "-1 16 -1",
    "-2 4 -1",
    "-1 4 1",
    "-1 4 0",
    "-1 7 2",
    "-1 2 1",
    "web 8 2",
    "web 1 1",
    "app -1 -1",
    "app 4 1",
    "app 4x 1y",
    "both -1 -1",
    "3 -1 -1",
    "6 -1 -1",
    "99 4 -1",
    "+3 1 -1",
    "0 4 -1",
    "nope 4 -1",
    "APP 4 -1",
    "up",
    "no-maint",
    "-1 6 -1 up",
    "states -1 -1 no-maint",
    "up states 4 -1",
];

const LINES: [&str; 45] = [
    "show cli level",
    "show cli sockets",
    "show  cli\tlevel extra",
    "show cli level;show cli level",
    "show info;show cli level;show cli sockets;show stat",
    "show cli level\nshow cli level",
    "show info\nshow stat",
    "show cli level;show cli level\nshow cli level",
    "",
    " ",
    ";",
    ";;",
    ";show cli level",
    "show cli level;",
    "show cli level ; ;; show cli level;",
    "\nshow cli level",
    "show cli level\n",
    "bogus",
    "show",
    "show cli",
    "show bogus",
    "SHOW INFO",
    "# show info",
    "show cli level#",
    "bogus;show cli level",
    "show cli level;bogus;show stat",
    "quit",
    "show cli level;quit;show cli level",
    "show stat nope 4 -1",
    "show stat nope 4 -1;show cli level",
    r"show stat a\;pp 4 -1;sh\ow cli level",
    "prompt\nshow cli level\nprompt",
    "prompt\nset severity-output number\nshow cli level\nshow stat nope 4 -1\nquit",
    "prompt\nshow cli level;show cli level\nprompt",
    "show cli level;prompt\nprompt",
    "prompt\nbogus\nquit",
    "prompt\n\nprompt",
    "prompt\n;\nprompt",
    "prompt\n;;show cli level;\nprompt",
    "prompt\nprompt\nshow cli level",
    "prompt;prompt;show cli level",
    "prompt;prompt;prompt;show cli level\nquit",
    "prompt\nquit\nshow cli level",
    "prompt\nshow cli level;quit;show cli level\nshow cli level",
    "prompt\noperator;user\nshow cli level\nprompt",
];
