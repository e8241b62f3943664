use std::{
    io,
    path::{Path, PathBuf},
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
};

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{
        UnixListener, UnixStream,
        unix::{OwnedReadHalf, OwnedWriteHalf},
    },
    sync::watch,
    task::JoinHandle,
};

use super::until;

/// A socket in front of HAProxy's socket that passes everything on, and holds connections at a
/// chosen moment until it is told to continue. It stops when it is dropped, and its file stays.
#[derive(Debug)]
pub struct Relay {
    shared: Arc<Shared>,
    task: JoinHandle<()>,
}

/// The moment at which a connection is held.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Moment {
    /// The client is connected to the relay, but the relay is not yet connected to HAProxy.
    Accepted,
    /// The relay is connected to HAProxy, and has passed nothing on.
    Connected,
    /// The first line is passed on, but nothing of the reply.
    Sent,
    /// A line with one of the relay's [marks](Relay::mark) has come, but is not passed on.
    Marking,
    /// A line with a mark is passed on, but nothing of the reply to it.
    Marked,
    /// That many bytes of the reply are passed on, if the reply has more.
    Replied(usize),
}

struct Shared {
    target: PathBuf,
    gate: watch::Sender<Gate>,
    held: AtomicUsize,
    ended: AtomicUsize,
    sent: Mutex<Vec<u8>>,
    marks: Mutex<Vec<String>>,
    kept: Mutex<Option<UnixStream>>,
    /// Number of connections before the kept one is used.
    until_kept: AtomicUsize,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Gate {
    Open,
    Hold(Moment),
    /// Held connections are closed.
    Cut,
}

impl Relay {
    /// Listens at `path` and passes everything on to the socket at `target`.
    pub fn new(path: impl AsRef<Path>, target: impl Into<PathBuf>) -> Self {
        let listener = UnixListener::bind(path).unwrap();
        let shared = Arc::new(Shared {
            target: target.into(),
            gate: watch::Sender::new(Gate::Open),
            held: AtomicUsize::new(0),
            ended: AtomicUsize::new(0),
            sent: Mutex::default(),
            marks: Mutex::default(),
            kept: Mutex::default(),
            until_kept: AtomicUsize::new(usize::MAX),
        });
        let each = Arc::clone(&shared);
        let task = tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                let shared = Arc::clone(&each);
                tokio::spawn(async move {
                    let _ = shared.relay(client).await;
                    shared.ended.fetch_add(1, Ordering::SeqCst);
                });
            }
        });
        Self { shared, task }
    }

    /// From now on, holds every connection at that moment.
    pub fn hold(&self, moment: Moment) {
        self.shared.held.store(0, Ordering::SeqCst);
        self.shared.gate.send_replace(Gate::Hold(moment));
    }

    /// Adds texts that mark a line for [`Moment::Marking`] and [`Moment::Marked`].
    pub fn mark<T: Into<String>>(&self, texts: impl IntoIterator<Item = T>) {
        self.shared.marks.lock().unwrap().extend(texts.into_iter().map(Into::into));
    }

    /// Lets held connections continue, and holds every connection at the moment when it has one of these
    /// marks, which replace the others.
    pub async fn hold_next<T: Into<String>>(&self, moment: Moment, marks: impl IntoIterator<Item = T>) {
        *self.shared.marks.lock().unwrap() = marks.into_iter().map(Into::into).collect();
        self.release();
        // A connection that is held sees the gate open only when its task runs.
        tokio::task::yield_now().await;
        self.hold(moment);
    }

    /// Waits until that many connections are held.
    pub async fn holds(&self, count: usize) {
        let held = || self.shared.held.load(Ordering::SeqCst) >= count;
        until(&format!("{count} connections are held"), async || held().then_some(())).await;
    }

    /// Lets held connections continue, and holds none from now on.
    pub fn release(&self) {
        self.shared.gate.send_replace(Gate::Open);
    }

    /// Closes held connections; new connections pass.
    pub fn cut(&self) {
        self.shared.gate.send_replace(Gate::Cut);
    }

    /// Opens a connection to HAProxy and keeps it until [`use_kept`](Self::use_kept).
    pub async fn keep(&self) {
        let kept = UnixStream::connect(&self.shared.target).await.unwrap();
        *self.shared.kept.lock().unwrap() = Some(kept);
    }

    /// Passes `others` connections on as always, and the next one to the process that accepted the
    /// kept connection.
    pub fn use_kept(&self, others: usize) {
        self.shared.until_kept.store(others, Ordering::SeqCst);
    }

    /// Returns the number of connections that have ended.
    pub fn ended(&self) -> usize {
        self.shared.ended.load(Ordering::SeqCst)
    }

    /// Returns everything that clients sent so far.
    pub fn sent(&self) -> String {
        String::from_utf8_lossy(&self.shared.sent.lock().unwrap()).into_owned()
    }
}

impl Drop for Relay {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl std::fmt::Debug for Shared {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Shared")
            .field("target", &self.target)
            .field("held", &self.held)
            .finish_non_exhaustive()
    }
}

impl Shared {
    async fn relay(&self, client: UnixStream) -> io::Result<()> {
        self.pass(Moment::Accepted).await?;
        let haproxy = match self.kept() {
            Some(kept) => kept,
            None => UnixStream::connect(&self.target).await?,
        };
        self.pass(Moment::Connected).await?;
        let (from_client, to_client) = client.into_split();
        let (from_haproxy, to_haproxy) = haproxy.into_split();
        let is_marked = AtomicBool::new(false);
        // The side that closes first ends the connection.
        tokio::select! {
            // A connection that is cut must not pass a reply on.
            biased;
            ended = self.forth(from_client, to_haproxy, &is_marked) => ended,
            ended = self.back(from_haproxy, to_client, &is_marked) => ended,
        }
    }

    async fn forth(
        &self,
        mut from: OwnedReadHalf,
        mut to: OwnedWriteHalf,
        is_marked: &AtomicBool,
    ) -> io::Result<()> {
        let (mut bytes, mut all) = (vec![0; 64 * 1024], Vec::new());
        loop {
            let read = from.read(&mut bytes).await?;
            if read == 0 {
                return Ok(());
            }
            self.sent.lock().unwrap().extend_from_slice(&bytes[..read]);
            all.extend_from_slice(&bytes[..read]);
            let text = String::from_utf8_lossy(&all);
            let is_now = self.marks.lock().unwrap().iter().any(|mark| text.contains(mark));
            // This is set before HAProxy can answer.
            is_marked.store(is_now, Ordering::SeqCst);
            if is_now {
                self.pass(Moment::Marking).await?;
            }
            to.write_all(&bytes[..read]).await?;
            self.pass(Moment::Sent).await?;
            if is_now && self.pass(Moment::Marked).await? {
                // The reply may come when the relay holds connections again.
                is_marked.store(false, Ordering::SeqCst);
            }
        }
    }

    async fn back(
        &self,
        mut from: OwnedReadHalf,
        mut to: OwnedWriteHalf,
        is_marked: &AtomicBool,
    ) -> io::Result<()> {
        let mut bytes = vec![0; 64 * 1024];
        let mut passed = 0;
        loop {
            let read = from.read(&mut bytes).await?;
            if read == 0 {
                return Ok(());
            }
            let gate = *self.gate.borrow();
            let now = match gate {
                Gate::Hold(Moment::Replied(most)) => read.min(most.saturating_sub(passed)),
                Gate::Hold(Moment::Sent) => 0,
                Gate::Hold(Moment::Marked) if is_marked.load(Ordering::SeqCst) => 0,
                _ => read,
            };
            to.write_all(&bytes[..now]).await?;
            if let Gate::Hold(moment @ Moment::Replied(_)) = gate {
                if now < read {
                    self.pass(moment).await?;
                }
            } else if now < read {
                // The connection is counted as held by the side that passed the line on.
                self.opened().await?;
            }
            to.write_all(&bytes[now..read]).await?;
            passed += read;
        }
    }

    /// Returns the kept connection if its turn has come.
    fn kept(&self) -> Option<UnixStream> {
        let count = |left: usize| Some(left.checked_sub(1).unwrap_or(usize::MAX));
        let left = self.until_kept.fetch_update(Ordering::SeqCst, Ordering::SeqCst, count);
        (left == Ok(0)).then(|| self.kept.lock().unwrap().take()).flatten()
    }

    /// Waits if connections are held at this moment. Returns `true` if the connection was held.
    async fn pass(&self, moment: Moment) -> io::Result<bool> {
        if *self.gate.borrow() != Gate::Hold(moment) {
            return Ok(false);
        }
        self.held.fetch_add(1, Ordering::SeqCst);
        self.opened().await?;
        Ok(true)
    }

    async fn opened(&self) -> io::Result<()> {
        let mut gate = self.gate.subscribe();
        let gate = gate.wait_for(|gate| !matches!(gate, Gate::Hold(_))).await;
        match gate.map(|gate| *gate) {
            Ok(Gate::Open) => Ok(()),
            _ => Err(io::ErrorKind::ConnectionAborted.into()),
        }
    }
}
