//! One figure of every object of 16 processes, compared with the Python library.

use std::fs;
use std::io::{BufRead as _, BufReader, Write as _};
use std::path::Path;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::sync::{Arc, Mutex};

use crate::fleet::{Fleet, SWEEP, cluster};
use crate::rounds::{Drain, Row, drain, list, one_figure, rounds, seconds};

pub(crate) async fn run(fleet: &mut Fleet) {
    let processes = fleet.options.size(16, 2);
    let sockets = fleet.sockets(processes).await;
    // The library takes a directory, and the directory of the fleet can have more sockets.
    let dir = fleet.running.dir().join("python");
    fs::create_dir_all(&dir).unwrap();
    for socket in sockets.iter() {
        let link = dir.join(socket.file_name().unwrap());
        if !link.exists() {
            std::os::unix::fs::symlink(socket, link).unwrap();
        }
    }
    let python = Arc::new(Mutex::new(Python::start(&dir)));
    let cluster = cluster(&sockets).await;
    let objects = list(&cluster.snapshot().await.unwrap());
    let times = rounds(fleet.options.rounds, 5, |contender| {
        let (sockets, cluster, python) = (Arc::clone(&sockets), cluster.clone(), Arc::clone(&python));
        async move {
            match contender {
                0 | 1 => {
                    let work = async {
                        let snapshot = cluster.snapshot().await.unwrap();
                        one_figure(&snapshot);
                        snapshot
                    };
                    seconds(work).await
                }
                2 => python.lock().unwrap().read(objects),
                3 => seconds(drain(&sockets, SWEEP, Drain::Tasks)).await,
                _ => seconds(drain(&sockets, SWEEP, Drain::OneTask)).await,
            }
        }
    })
    .await;
    let what = format!("one figure of every object of {processes} processes of 3.4");
    // A drain of the same bytes is as fast as any client can be.
    let goal = times.ratio(2, times.fastest(&[3, 4])).median;
    Row::of(&what, "haproxyadmin 0.2.4 for Python")
        .ratio(times.ratio(2, 0), times.ratio(1, 0))
        .at_least(goal);
    times.print(&["snapshot and figure", "", "haproxyadmin", "drain, tasks", "drain, one task"]);
}

/// The Python library in a program of its own, started before it is measured.
struct Python {
    child: Child,
    input: ChildStdin,
    output: BufReader<ChildStdout>,
}

impl Python {
    fn start(dir: &Path) -> Self {
        let top = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
        let python = top.join("target/peers/venv/bin/python");
        assert!(python.exists(), "haproxyadmin for Python is not here: benches/run brings it");
        let mut child = Command::new(python)
            .arg(top.join("benches/peers/one_figure.py"))
            .arg(dir)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let (input, output) = (child.stdin.take().unwrap(), BufReader::new(child.stdout.take().unwrap()));
        Self { child, input, output }
    }

    /// Reads the figures once, and returns the seconds that the program measured. It prints the number
    /// of objects too. It knows no listeners and merges frontends and backends as this crate does.
    fn read(&mut self, objects: usize) -> f64 {
        self.input.write_all(b"read\n").unwrap();
        let mut line = String::new();
        self.output.read_line(&mut line).unwrap();
        let (seconds, read) = line.trim().split_once(' ').expect("haproxyadmin for Python failed");
        assert_eq!(read.parse(), Ok(objects), "both sides read the same objects");
        seconds.parse().unwrap()
    }
}

impl Drop for Python {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
