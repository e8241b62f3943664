use std::fs;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use tempfile::TempDir;
use tokio::io::{AsyncBufReadExt as _, AsyncWriteExt as _};
use tokio::net::{UnixListener, UnixStream};

use crate::dumps::{Corpus, Load};

/// A program that replays the replies of many processes from its memory, so that no HAProxy takes
/// part in the time. It is this program again, as a child, and ends when this is dropped.
pub(crate) struct Replay {
    child: Child,
    dir: TempDir,
    sockets: usize,
}

/// Different dumps; the sockets share them.
const DUMPS: usize = 16;

/// Number of the first process. No real process has it, because it exceeds Linux' highest.
const FIRST_PID: usize = 5_000_000;

/// The argument that makes this program the child.
const SERVE: &str = "--serve-replay";

impl Replay {
    /// Starts the program and waits until it listens.
    pub(crate) fn start(version: &str, load: Load, sockets: usize, rows: usize) -> Self {
        let dir = tempfile::tempdir_in("/tmp").unwrap();
        let load = if load == Load::Idle { "idle" } else { "busy" };
        let mut child = Command::new(std::env::current_exe().unwrap())
            .arg(SERVE)
            .arg(dir.path())
            .args([version, load, &sockets.to_string(), &rows.to_string()])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
        assert_eq!(line, "ready\n", "the replies are not replayed");
        Self { child, dir, sockets }
    }

    pub(crate) fn sockets(&self) -> Vec<PathBuf> {
        (1..=self.sockets).map(|number| socket(self.dir.path(), number)).collect()
    }
}

impl Drop for Replay {
    fn drop(&mut self) {
        drop(self.child.stdin.take());
        let _ = self.child.wait();
    }
}

/// Replays replies until the end of the input if this program is the child of a [`Replay`].
pub(crate) fn serve_if_asked() -> bool {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [first, dir, version, load, sockets, rows] = arguments.as_slice() else { return false };
    if first != SERVE {
        return false;
    }
    raise_limit();
    let load = if load == "idle" { Load::Idle } else { Load::Busy };
    let (sockets, rows): (usize, usize) = (sockets.parse().unwrap(), rows.parse().unwrap());
    let corpus = Corpus::of(DUMPS.min(sockets), version, load, rows);
    let dumps: Vec<Arc<str>> = corpus.dumps.into_iter().map(Arc::from).collect();
    let head = head(version);
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    let guard = runtime.enter();
    for number in 1..=sockets {
        let listener = UnixListener::bind(socket(Path::new(dir), number)).unwrap();
        let head = head.replace("${PID}", &(FIRST_PID + number).to_string());
        runtime.spawn(serve(listener, head.into(), Arc::clone(&dumps[number % dumps.len()])));
    }
    drop(guard);
    println!("ready");
    std::io::stdout().flush().unwrap();
    // The parent closes it, also if it fails.
    let _ = std::io::stdin().read_to_end(&mut Vec::new());
    true
}

/// Raises the soft limit of open files to the hard limit.
pub(crate) fn raise_limit() {
    let maximum = getrlimit(Resource::Nofile).maximum;
    setrlimit(Resource::Nofile, Rlimit { current: maximum, maximum }).unwrap();
}

async fn serve(listener: UnixListener, head: Arc<str>, dump: Arc<str>) {
    loop {
        let (stream, _) = listener.accept().await.unwrap();
        let (head, dump) = (Arc::clone(&head), Arc::clone(&dump));
        tokio::spawn(async move { answer(stream, &head, &dump).await });
    }
}

/// Answers one line, and closes. A client that has enough may close earlier.
async fn answer(mut stream: UnixStream, head: &str, dump: &str) -> Option<()> {
    let mut line = String::new();
    tokio::io::BufReader::new(&mut stream).read_line(&mut line).await.ok()?;
    stream.write_all(head.as_bytes()).await.ok()?;
    stream.write_all(dump.as_bytes()).await.ok()
}

fn socket(dir: &Path, number: usize) -> PathBuf {
    dir.join(format!("{number}.sock"))
}

/// Returns the recorded reply in front of the rows, with a placeholder for the number of the process.
/// The description of the recorded process is left out: few have one, and none have quotes in it.
/// The process has run for a day: this crate asks processes again that have just started.
fn head(version: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../fixtures").join(version).join("sweep.txt");
    let text = fs::read_to_string(path).unwrap();
    let (head, _) = text.split_once("# pxname").unwrap();
    let lines = head.lines().filter(|line| !line.starts_with("description: "));
    lines.fold(String::new(), |head, line| {
        let line = match line.split_once(": ") {
            Some(("Pid", _)) => "Pid: ${PID}",
            Some(("Uptime", _)) => "Uptime: 1d 0h00m00s",
            Some(("Uptime_sec", _)) => "Uptime_sec: 86400",
            _ => line,
        };
        head + line + "\n"
    })
}
