//! Prints every frontend, backend and server of a cluster on one line, with the figures of all
//! processes that have it.
//!
//! `--demo` starts four fake processes, which answer like a HAProxy 2.2 with `nbproc 4`, and shows
//! them; `--help` explains the rest.

use std::fmt::Write as _;
use std::io::{self, Write};
use std::path::Path;
use std::process::ExitCode;
use std::time::Duration;

use haproxyadmin::fake::{self, Running};
use haproxyadmin::snapshot::CountRange;
use haproxyadmin::{Address, Agreement, Cluster, Limits, Snapshot};
use serde::Serialize;
use tempfile::TempDir;

const HELP: &str = "\
Usage: overview [OPTION...]

Shows every frontend, backend and server of a cluster of HAProxy processes.

  -D DIR             take every stats socket in a directory; can be repeated.
                     Without -D and -F: /run/haproxy
  -F SOCKET          take a stats socket, by its path or in HAProxy's notation; can be
                     repeated
  --only LABEL       take only the process with this label; can be repeated
  --expect N         fail if there are fewer processes: an absent socket is noticed in
                     no other way
  --timeout SECONDS  limit the time of a command; 10 seconds if not given
  --allow-partial    do not fail if some processes do not answer or are missing
  --json             print JSON instead of a table
  --demo             start four embedded processes that answer like HAProxy
  --help             print this
";

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    let options = match Options::parse(std::env::args().skip(1)) {
        Ok(options) => options,
        Err(problem) => {
            let _ = writeln!(io::stderr(), "overview: {problem}\n\n{HELP}");
            return ExitCode::from(2);
        }
    };
    match run(options).await {
        Ok(code) => code,
        Err(error) => {
            let _ = writeln!(io::stderr(), "overview: {error}");
            ExitCode::FAILURE
        }
    }
}

async fn run(options: Options) -> Result<ExitCode, Box<dyn std::error::Error>> {
    if options.help {
        io::stdout().write_all(HELP.as_bytes())?;
        return Ok(ExitCode::SUCCESS);
    }
    // The fake processes answer for as long as they are held.
    let embedded = if options.demo { Some(embedded().await?) } else { None };
    let cluster = options.cluster(embedded.as_ref().map(|(dir, _)| dir.path())).await?;
    let snapshot = cluster.allow_partial().snapshot().await?;
    let overview = Overview::new(&snapshot);
    let mut notes = String::new();
    for process in snapshot.failed() {
        let why = process.failure().map(ToString::to_string).unwrap_or_default();
        writeln!(notes, "no answer: {} ({}): {why}", process.label(), process.address())?;
    }
    for missing in snapshot.missing() {
        writeln!(notes, "missing: {missing}")?;
    }
    for process in snapshot.processes() {
        if let (Some(file), Some(why)) = (process.shm_stats_file(), process.shm_stats_file_problem()) {
            writeln!(notes, "counters of {} that may be shared in {file}: {why}", process.label())?;
        }
    }
    for socket in cluster.ignored() {
        writeln!(notes, "ignored: {socket}")?;
    }
    if options.json {
        writeln!(io::stdout(), "{}", serde_json::to_string_pretty(&overview)?)?;
        io::stderr().write_all(notes.as_bytes())?;
    } else {
        let gap = if notes.is_empty() { "" } else { "\n" };
        write!(io::stdout(), "{}{gap}{notes}", overview.table())?;
    }
    let fine = snapshot.is_complete() || options.allow_partial;
    Ok(if fine { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// Options; those for sockets are the same as in `haproxytool`.
#[derive(Default)]
#[allow(clippy::struct_excessive_bools, reason = "each is a flag of the command line")]
struct Options {
    help: bool,
    json: bool,
    demo: bool,
    allow_partial: bool,
    dirs: Vec<String>,
    sockets: Vec<String>,
    only: Vec<String>,
    expect: usize,
    timeout: Option<Duration>,
}

impl Options {
    fn parse(mut arguments: impl Iterator<Item = String>) -> Result<Self, String> {
        let mut options = Self::default();
        while let Some(argument) = arguments.next() {
            let mut value = || arguments.next().ok_or(format!("{argument}: expected a value"));
            match argument.as_str() {
                "--help" | "-h" => options.help = true,
                "--json" => options.json = true,
                "--demo" => options.demo = true,
                "--allow-partial" => options.allow_partial = true,
                "-D" => options.dirs.push(value()?),
                "-F" => options.sockets.push(value()?),
                "--only" => options.only.push(value()?),
                "--expect" => options.expect = parse("a number of processes", &value()?, |n| n.parse().ok())?,
                "--timeout" => options.timeout = Some(parse("seconds", &value()?, seconds)?),
                option if option.starts_with('-') => return Err(format!("unknown option {option}")),
                word => return Err(format!("expected an option, found {word:?}")),
            }
        }
        if options.demo && !(options.dirs.is_empty() && options.sockets.is_empty()) {
            return Err("--demo takes neither -D nor -F".into());
        }
        Ok(options)
    }

    async fn cluster(&self, demo: Option<&Path>) -> haproxyadmin::Result<Cluster> {
        let mut builder = Cluster::builder().expect_at_least(self.expect);
        for dir in &self.dirs {
            builder = builder.dir(dir);
        }
        for socket in &self.sockets {
            let path = Path::new(socket);
            builder = if path.exists() {
                builder.address(path)
            } else {
                builder.address(socket.parse::<Address>()?)
            };
        }
        if self.dirs.is_empty() && self.sockets.is_empty() {
            builder = builder.dir(demo.unwrap_or(Path::new("/run/haproxy")));
        }
        if let Some(timeout) = self.timeout {
            builder = builder.limits(Limits::new().with_command_timeout(timeout).with_idle_timeout(timeout));
        }
        let cluster = builder.build().await?;
        Ok(if self.only.is_empty() { cluster } else { cluster.only(&self.only) })
    }
}

fn parse<T>(what: &str, word: &str, read: impl FnOnce(&str) -> Option<T>) -> Result<T, String> {
    read(word).ok_or(format!("expected {what}, found {word:?}"))
}

fn seconds(word: &str) -> Option<Duration> {
    let timeout = Duration::try_from_secs_f64(word.parse().ok()?).ok()?;
    (!timeout.is_zero()).then_some(timeout)
}

/// The overview that is shown, and that `--json` prints.
#[derive(Serialize)]
struct Overview {
    processes: Vec<Process>,
    frontends: Vec<Frontend>,
    backends: Vec<Backend>,
}

#[derive(Serialize)]
struct Process {
    label: String,
    address: String,
    version: Option<String>,
    pid: Option<u64>,
    error: Option<String>,
}

#[derive(Serialize)]
struct Frontend {
    name: String,
    status: Agreement<String>,
    /// A number, or its bounds if it is not known exactly.
    requests: CountRange,
    processes: Vec<String>,
}

#[derive(Serialize)]
struct Backend {
    #[serde(flatten)]
    proxy: Frontend,
    servers: Vec<Server>,
}

#[derive(Serialize)]
struct Server {
    name: String,
    status: Agreement<String>,
    requests: CountRange,
    weight: Option<Agreement<u64>>,
    processes: Vec<String>,
}

impl Overview {
    fn new(snapshot: &Snapshot) -> Self {
        let processes = snapshot.processes().iter().map(|process| Process {
            label: process.label().to_string(),
            address: process.address().to_string(),
            version: process.version().map(|version| version.to_string()),
            pid: process.pid(),
            error: process.failure().map(ToString::to_string),
        });
        let frontends = snapshot.frontends().into_iter().map(|frontend| Frontend {
            name: frontend.name().to_owned(),
            status: frontend.status().map(|status| status.to_string()),
            requests: frontend.requests(),
            processes: owned(&frontend.processes()),
        });
        let backends = snapshot.backends().into_iter().map(|backend| Backend {
            proxy: Frontend {
                name: backend.name().to_owned(),
                status: backend.status().map(|status| status.to_string()),
                requests: backend.requests(),
                processes: owned(&backend.processes()),
            },
            servers: backend.servers().iter().map(Server::new).collect(),
        });
        Self { processes: processes.collect(), frontends: frontends.collect(), backends: backends.collect() }
    }

    fn table(&self) -> String {
        let mut processes = vec![["PROCESS", "VERSION", "PID", "ADDRESS"].map(String::from)];
        processes.extend(self.processes.iter().map(Process::cells));
        let mut frontends = vec![["FRONTEND", "STATUS", "REQUESTS", "PROCESSES"].map(String::from)];
        frontends.extend(self.frontends.iter().map(Frontend::cells));
        let mut backends = vec![["BACKEND", "STATUS", "REQUESTS", "PROCESSES"].map(String::from)];
        for backend in &self.backends {
            backends.push(backend.proxy.cells());
            backends.extend(backend.servers.iter().map(Server::cells));
        }
        [processes, frontends, backends].map(|rows| aligned(&rows)).join("\n")
    }
}

impl Process {
    fn cells(&self) -> [String; 4] {
        let or_none = |text: Option<String>| text.unwrap_or_else(|| "-".to_owned());
        let pid = self.pid.map(|pid| pid.to_string());
        [self.label.clone(), or_none(self.version.clone()), or_none(pid), self.address.clone()]
    }
}

impl Frontend {
    fn cells(&self) -> [String; 4] {
        [self.name.clone(), self.status.to_string(), self.requests.to_string(), self.processes.join(" ")]
    }
}

impl Server {
    fn new(server: &haproxyadmin::snapshot::ServerStats) -> Self {
        Self {
            name: server.name().to_owned(),
            status: server.status().map(|status| status.to_string()),
            requests: server.requests(),
            weight: server.weight(),
            processes: owned(&server.processes()),
        }
    }

    fn cells(&self) -> [String; 4] {
        let name = format!("  {}", self.name);
        [name, self.status.to_string(), self.requests.to_string(), self.processes.join(" ")]
    }
}

fn owned(labels: &[&str]) -> Vec<String> {
    labels.iter().map(ToString::to_string).collect()
}

/// Formats rows as lines, with each column as wide as its widest cell.
fn aligned(rows: &[[String; 4]]) -> String {
    let width = |at: usize| rows.iter().filter_map(|row| row.get(at)).map(|cell| cell.chars().count()).max();
    let [one, two, three] = [0, 1, 2].map(|at| width(at).unwrap_or(0));
    let line = |[a, b, c, d]: &[String; 4]| format!("{a:one$}  {b:two$}  {c:>three$}  {d}\n");
    rows.iter().map(line).collect()
}

/// Starts four processes in a folder of their own.
async fn embedded() -> Result<(TempDir, Vec<Running>), Box<dyn std::error::Error>> {
    let dir = TempDir::new()?;
    let mut running = Vec::new();
    for number in 1..=4 {
        running.push(described(number).serve(dir.path().join(format!("{number}.sock"))).await?);
    }
    // The server is out of service in one process alone.
    if let Some(last) = running.last() {
        last.set_server("backend2_proc34", "bck_all_srv1", "status", "MAINT")?;
    }
    Ok((dir, running))
}

/// Describes the process of that number. Each has its own proxies, figures and states.
fn described(number: u32) -> fake::Process {
    let process = fake::Process::new("2.2.9").number(number).nbproc(4).pid(1000 + number);
    let process = with_frontend(process, "haproxy", number).backend(fake::Backend::new("haproxy"));
    match number {
        1 => {
            let servers = [("member1_proc1", 2), ("member2_proc1", 2), ("bck_all_srv1", 1)];
            with_backend(with_frontend(process, "frontend_proc1", 5), "backend_proc1", &servers)
        }
        2 => {
            let servers = [
                ("bck_proc2_srv1_proc2", 2),
                ("bck_proc2_srv2_proc2", 2),
                ("bck_proc2_srv3_proc2", 2),
                ("bck_proc2_srv4_proc2", 1),
            ];
            with_backend(with_frontend(process, "frontend_proc2", 7), "backend_proc2", &servers)
        }
        _ => {
            let [one, two] = if number == 3 { [3, 4] } else { [5, 6] };
            let process = with_frontend(process, "frontend1_proc34", 3 * one);
            let process = with_frontend(process, "frontend2_proc34", 3 * two);
            let servers = [("bck1_proc34_srv1", one), ("bck1_proc34_srv2", one), ("bck_all_srv1", one)];
            let process = with_backend(process, "backend1_proc34", &servers);
            let servers = [("bck2_proc34_srv1", two), ("bck2_proc34_srv2", two), ("bck_all_srv1", two)];
            with_backend(process, "backend2_proc34", &servers)
        }
    }
}

fn with_frontend(process: fake::Process, name: &str, requests: u32) -> fake::Process {
    process.frontend(fake::Frontend::new(name).set("req_tot", requests))
}

fn with_backend(process: fake::Process, name: &str, servers: &[(&str, u32)]) -> fake::Process {
    let total: u32 = servers.iter().map(|(_, requests)| requests).sum();
    let servers = servers.iter().map(|(server, requests)| {
        fake::Server::new(*server).check("L4OK").weight(100).set("stot", *requests)
    });
    process.backend(servers.fold(fake::Backend::new(name).set("stot", total), fake::Backend::server))
}
