//! One figure of every object of 16 processes, and one of every server, compared with the Python library.

use std::collections::HashMap;
use std::fs;
use std::io::{BufRead as _, BufReader, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::sync::{Arc, Mutex};

use haproxyadmin::Cluster;

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
    requests(fleet, &python, &sockets, &cluster).await;
    weights(fleet, &python, processes, &cluster).await;
}

/// One figure of every object.
async fn requests(fleet: &Fleet, python: &Arc<Mutex<Python>>, sockets: &Arc<[PathBuf]>, cluster: &Cluster) {
    let objects = list(&cluster.snapshot().await.unwrap());
    let times = rounds(fleet.options.rounds, 5, |contender| {
        let (sockets, cluster, python) = (Arc::clone(sockets), cluster.clone(), Arc::clone(python));
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
                2 => python.lock().unwrap().read("requests", objects),
                3 => seconds(drain(&sockets, SWEEP, Drain::Tasks)).await,
                _ => seconds(drain(&sockets, SWEEP, Drain::OneTask)).await,
            }
        }
    })
    .await;
    let what = format!("one figure of every object of {} processes of 3.4", sockets.len());
    // A drain of the same bytes is as fast as any client can be.
    let goal = times.ratio(2, times.fastest(&[3, 4])).median;
    Row::of(&what, "haproxyadmin 0.2.4 for Python")
        .ratio(times.ratio(2, 0), times.ratio(1, 0))
        .at_least(goal);
    times.print(&["snapshot and figure", "", "haproxyadmin", "drain, tasks", "drain, one task"]);
}

/// A figure that has a cheaper command than `show stat`.
async fn weights(fleet: &Fleet, python: &Arc<Mutex<Python>>, processes: usize, cluster: &Cluster) {
    let servers = weight_of_each(cluster).await.len();
    let times = rounds(fleet.options.rounds, 3, |contender| {
        let (cluster, python) = (cluster.clone(), Arc::clone(python));
        async move {
            match contender {
                2 => python.lock().unwrap().read("weights", servers),
                _ => seconds(weight_of_each(&cluster)).await,
            }
        }
    })
    .await;
    let what = format!("weight of every server of {processes} processes of 3.4, by `show servers state`");
    Row::of(&what, "haproxyadmin 0.2.4 for Python")
        .ratio(times.ratio(2, 0), times.ratio(1, 0))
        .at_least(130.0);
    times.print(&["states and weights", "", "haproxyadmin"]);
}

/// Reads the weights that the processes have for each server.
async fn weight_of_each(cluster: &Cluster) -> HashMap<(Box<str>, Box<str>), Vec<u64>> {
    let mut weights: HashMap<_, Vec<u64>> = HashMap::new();
    let states = cluster.fetch_server_states().await.unwrap();
    for server in states.values().flat_map(|(_, servers)| servers) {
        weights.entry((server.backend.clone(), server.name.clone())).or_default().push(server.weight);
    }
    weights
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

    /// Reads a figure once, and returns the seconds that the program measured. It prints the number
    /// of objects too. It knows no listeners and merges frontends and backends as this crate does.
    fn read(&mut self, figure: &str, objects: usize) -> f64 {
        writeln!(self.input, "{figure}").unwrap();
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
