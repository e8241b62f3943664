use std::{
    collections::BTreeMap,
    io,
    path::{Path, PathBuf},
    sync::{Arc, Mutex},
};

use tokio::{
    io::{AsyncBufReadExt, AsyncWriteExt, BufReader},
    net::{UnixListener, UnixStream},
    task::JoinHandle,
};

use super::ask;

/// A socket that answers each line as HAProxy did the first time, or with what is made
/// of that. It goes when this is dropped.
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
    /// Listens at `path`; the first answer to each line comes from the socket at
    /// `target`.
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

    /// Where it listens.
    pub fn path(&self) -> PathBuf {
        self.path.clone()
    }

    /// The lines that were answered so far, and HAProxy's replies.
    pub fn heard(&self) -> Vec<(String, Arc<[u8]>)> {
        self.shared.heard.lock().unwrap().clone().into_iter().collect()
    }

    /// Answers from now on with what `change` makes of the line and HAProxy's reply.
    pub fn change(&self, change: impl Fn(&str, &[u8]) -> Vec<u8> + Send + Sync + 'static) {
        *self.shared.change.lock().unwrap() = Some(Arc::new(Box::new(change)));
    }

    /// Answers from now on as HAProxy did.
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
        let known = self.heard.lock().unwrap().get(line).cloned();
        let reply = if let Some(reply) = known {
            reply
        } else {
            let reply: Arc<[u8]> = ask(&self.target, line).await.into();
            self.heard.lock().unwrap().entry(line.to_owned()).or_insert(reply).clone()
        };
        let change = self.change.lock().unwrap().clone();
        let reply = change.map_or_else(|| reply.to_vec(), |change| change(line, &reply));
        stream.write_all(&reply).await
    }
}
