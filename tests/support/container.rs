use std::{
    fs, io,
    path::{Path, PathBuf},
    sync::{Arc, Mutex},
};

use tokio::{
    io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader},
    net::{UnixListener, UnixStream},
    task::JoinHandle,
};

use super::Running;

/// A stats socket that passes each line on to another one, as if HAProxy ran in a container. It
/// stops when it is dropped, and its file stays.
#[derive(Debug)]
pub struct Container {
    asked: Arc<Mutex<Vec<String>>>,
    task: JoinHandle<()>,
}

/// Replies that differ inside the container.
#[derive(Debug, Clone, Default)]
pub struct Inside {
    /// Pid of the process inside the container.
    pub pid: Option<u32>,
    /// Reply to `dump stats-file`, in place of the process's own reply.
    pub list: Option<String>,
}

impl Container {
    /// Listens at `path` and connects to the process at `target`.
    pub fn new(path: impl AsRef<Path>, target: impl Into<PathBuf>, inside: Inside) -> Self {
        let (listener, target) = (UnixListener::bind(path).unwrap(), target.into());
        let asked = Arc::<Mutex<_>>::default();
        let kept = Arc::clone(&asked);
        let task = tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                tokio::spawn(relay(client, target.clone(), inside.clone(), Arc::clone(&kept)));
            }
        });
        Self { asked, task }
    }

    /// Returns the lines that were received so far.
    pub fn asked(&self) -> Vec<String> {
        self.asked.lock().unwrap().clone()
    }
}

/// Starts containers around the processes of `running`. They listen at `1.sock` and so on in the
/// returned folder.
pub fn contained(running: &Running, inside: impl Fn(usize) -> Inside) -> (PathBuf, Vec<Container>) {
    let folder = running.dir().join("containers");
    fs::create_dir(&folder).unwrap();
    let container = |n: usize| Container::new(folder.join(format!("{n}.sock")), running.socket(n), inside(n));
    let containers = (1..=running.processes()).map(container).collect();
    (folder, containers)
}

impl Drop for Container {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn relay(
    client: UnixStream,
    target: PathBuf,
    inside: Inside,
    asked: Arc<Mutex<Vec<String>>>,
) -> io::Result<()> {
    let mut client = BufReader::new(client);
    let mut line = String::new();
    client.read_line(&mut line).await?;
    asked.lock().unwrap().push(line.trim_end().to_owned());
    if let Some(list) = inside.list.filter(|_| line.contains("dump stats-file")) {
        return client.write_all(list.as_bytes()).await;
    }
    let mut haproxy = UnixStream::connect(target).await?;
    haproxy.write_all(line.as_bytes()).await?;
    let mut reply = String::new();
    haproxy.read_to_string(&mut reply).await?;
    let lines = reply.split_inclusive('\n').map(|line| match inside.pid {
        Some(pid) if line.starts_with("Pid: ") => format!("Pid: {pid}\n"),
        _ => line.to_owned(),
    });
    client.write_all(lines.collect::<String>().as_bytes()).await
}
