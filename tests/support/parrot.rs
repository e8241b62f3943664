use std::{
    collections::BTreeMap,
    io,
    path::{Path, PathBuf},
    sync::{Arc, Mutex},
};

use tokio::{
    io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader},
    net::{UnixListener, UnixStream},
    task::JoinHandle,
};

use super::ask;

/// A socket that repeats HAProxy's first answer to each line, or changes it first. It answers lines
/// of interactive mode too, but no payload. It stops when it is dropped.
#[derive(Debug)]
pub struct Parrot {
    path: PathBuf,
    shared: Arc<Shared>,
    task: JoinHandle<()>,
}

type Change = Box<dyn Fn(&str, &[u8]) -> Vec<u8> + Send + Sync>;

struct Shared {
    target: PathBuf,
    heard: Mutex<BTreeMap<String, Arc<[u8]>>>,
    change: Mutex<Option<Arc<Change>>>,
}

impl Parrot {
    /// Listens at `path`; the first answer to each line comes from the socket at `target`.
    pub fn new(path: impl AsRef<Path>, target: impl Into<PathBuf>) -> Self {
        let path = path.as_ref().to_owned();
        let listener = UnixListener::bind(&path).unwrap();
        let shared =
            Arc::new(Shared { target: target.into(), heard: Mutex::default(), change: Mutex::default() });
        let each = Arc::clone(&shared);
        let task = tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let shared = Arc::clone(&each);
                tokio::spawn(async move { shared.answer(stream).await });
            }
        });
        Self { path, shared, task }
    }

    /// Returns the path of the socket.
    pub fn path(&self) -> PathBuf {
        self.path.clone()
    }

    /// Returns the lines that were answered so far, and HAProxy's replies.
    pub fn heard(&self) -> Vec<(String, Arc<[u8]>)> {
        self.shared.heard.lock().unwrap().clone().into_iter().collect()
    }

    /// From now on, answers with the bytes that `change` returns for the line and HAProxy's reply.
    pub fn change(&self, change: impl Fn(&str, &[u8]) -> Vec<u8> + Send + Sync + 'static) {
        *self.shared.change.lock().unwrap() = Some(Arc::new(Box::new(change)));
    }

    /// From now on, answers as HAProxy did.
    pub fn repeat(&self) {
        *self.shared.change.lock().unwrap() = None;
    }
}

impl Drop for Parrot {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl std::fmt::Debug for Shared {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Shared").field("target", &self.target).finish_non_exhaustive()
    }
}

impl Shared {
    async fn answer(&self, stream: UnixStream) -> io::Result<()> {
        let mut stream = BufReader::new(stream);
        let mut line = String::new();
        stream.read_line(&mut line).await?;
        let line = line.trim_end_matches('\n');
        if line == PROMPT {
            return self.answer_each(stream).await;
        }
        let reply = self.recall(line, ask(&self.target, line)).await;
        stream.write_all(&self.changed(line, &reply)).await
    }

    /// Answers the lines of a connection in interactive mode. Closes the connection after an answer
    /// that differs from HAProxy's.
    async fn answer_each(&self, mut stream: BufReader<UnixStream>) -> io::Result<()> {
        let mut haproxy = None;
        let mut line = format!("{PROMPT}\n");
        let mut has_prompt = false;
        while !line.is_empty() {
            let shown = line.trim_end_matches('\n');
            if shown == PROMPT && std::mem::replace(&mut has_prompt, true) {
                // The second `prompt` switches the prompt off, and HAProxy closes.
                return stream.write_all(&self.changed(shown, b"\n")).await;
            }
            let asked = interactive(&mut haproxy, &self.target, shown);
            let reply = self.recall(&format!("> {shown}"), asked).await;
            let changed = self.changed(shown, &reply);
            stream.write_all(&changed).await?;
            if changed != *reply {
                return Ok(());
            }
            line.clear();
            stream.read_line(&mut line).await?;
        }
        Ok(())
    }

    /// Returns the reply that was given before, or else the reply that `asked` brings.
    async fn recall(&self, line: &str, asked: impl Future<Output = Vec<u8>>) -> Arc<[u8]> {
        let known = self.heard.lock().unwrap().get(line).cloned();
        if let Some(reply) = known {
            return reply;
        }
        let reply: Arc<[u8]> = asked.await.into();
        self.heard.lock().unwrap().entry(line.to_owned()).or_insert(reply).clone()
    }

    fn changed(&self, line: &str, reply: &[u8]) -> Vec<u8> {
        let change = self.change.lock().unwrap().clone();
        change.map_or_else(|| reply.to_vec(), |change| change(line, reply))
    }
}

/// The command after which HAProxy reads one line after the other.
const PROMPT: &str = "prompt";

/// Asks in interactive mode, on a connection that is opened on first use.
async fn interactive(haproxy: &mut Option<UnixStream>, target: &Path, line: &str) -> Vec<u8> {
    let stream = if let Some(stream) = haproxy {
        stream
    } else {
        let mut stream = UnixStream::connect(target).await.unwrap();
        if line != PROMPT {
            for before in [PROMPT, "set severity-output number"] {
                exchange(&mut stream, before).await;
            }
        }
        haproxy.insert(stream)
    };
    exchange(stream, line).await
}

async fn exchange(stream: &mut UnixStream, line: &str) -> Vec<u8> {
    stream.write_all(format!("{line}\n").as_bytes()).await.unwrap();
    let mut reply = Vec::new();
    while !reply.ends_with(b"\n> ") {
        assert!(stream.read_buf(&mut reply).await.unwrap() > 0, "{line:?} is not answered");
    }
    reply
}
