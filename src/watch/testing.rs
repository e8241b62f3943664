//! Values for the tests of this room.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::fmt::Write as _;
use std::io;
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use futures::future::BoxFuture;
use futures::stream::{BoxStream, unfold};
use futures::{FutureExt as _, StreamExt as _};
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use tokio::time::{Instant, sleep};

use super::picture::{ProcessStatus, Seen, Watched, WatchedProcess};
use super::source::Source;
use super::{Watch, WatchOptions};
use crate::address::Address;
use crate::cluster::Listed;
use crate::error::{Error, ErrorKind, Failure, Problem, Result};
use crate::object::News;
use crate::show::{Info, ServerState};
use crate::snapshot::Snapshot;

/// Returns servers of the backend `app`: `a=up b=down c=drain d=maint`.
pub(super) fn servers(list: &str) -> Vec<ServerState> {
    let mut text = "1\n# be_id be_name srv_id srv_name srv_addr srv_op_state srv_admin_state srv_uweight \
                    srv_iweight srv_time_since_last_change srv_check_state srv_agent_state srv_fqdn srv_port\n"
        .to_owned();
    for (n, server) in list.split_whitespace().enumerate() {
        let (name, state) = server.split_once('=').unwrap();
        let (operational, administrative) = match state {
            "up" => (2, 0),
            "down" => (0, 0),
            "drain" => (2, 8),
            "maint" => (0, 1),
            _ => panic!("{state}"),
        };
        writeln!(text, "4 app {n} {name} 127.0.0.1 {operational} {administrative} 1 1 5 6 0 - 80").unwrap();
    }
    ServerState::read(&text).unwrap()
}

/// Returns the answer of a process with these values of `show info`.
pub(super) fn seen(info: &str, list: &str) -> Seen {
    let lines = info.split_whitespace().map(|pair| pair.replacen('=', ": ", 1) + "\n");
    let info = format!("Name: HAProxy\n{}\n", lines.collect::<String>());
    Seen {
        info: Info::parse(info.as_bytes()).unwrap().into(),
        read_at: crate::process::now(),
        at: Instant::now(),
        servers: servers(list).into(),
    }
}

/// Returns a process with these servers.
pub(super) fn process(label: &str, status: ProcessStatus, list: &str) -> WatchedProcess {
    let address = format!("/run/{label}.sock").parse().unwrap();
    let seen = Some(seen("Pid=1", list));
    WatchedProcess(Arc::new(Watched {
        label: label.into(),
        address,
        status,
        failure: None,
        seen,
        ring: None,
    }))
}

/// Returns the error of a socket that cannot be connected to.
pub(super) fn cannot_connect(kind: io::ErrorKind) -> Error {
    Error::new(Problem::Connect(io::Error::from(kind).into()))
}

/// A cluster without sockets: a script of its processes, and a record of the questions.
#[derive(Clone, Default)]
pub(super) struct Script(Arc<Mutex<State>>);

#[derive(Default)]
struct State {
    start: Option<Instant>,
    processes: BTreeMap<Address, Behaviour>,
    asked: Vec<(Duration, Address)>,
    listed: Vec<Duration>,
    read: Vec<(Duration, Vec<Address>)>,
    /// Times at which counters were read from files.
    counted: Vec<Duration>,
    rings: HashMap<Address, UnboundedReceiver<News>>,
    /// Time that a list takes.
    listing: Duration,
    /// Number of questions, lists, reads and rings that exist.
    open: usize,
}

/// The answers of a process.
#[derive(Clone)]
pub(super) enum Behaviour {
    /// Values of `show info` and servers, after some time.
    Answers(&'static str, &'static str, Duration),
    /// Fails at the limit, or answers like another process if that is told before.
    Hangs,
    Refuses,
}

/// Limit of a question.
pub(super) const LIMIT: Duration = Duration::from_secs(5);

pub(super) fn address(label: &str) -> Address {
    format!("/run/{label}.sock").parse().unwrap()
}

impl Script {
    pub(super) fn new(processes: &[(&str, Behaviour)]) -> Self {
        let script = Self::default();
        script.state().start = Some(Instant::now());
        for (label, behaviour) in processes {
            script.set(label, behaviour.clone());
        }
        script
    }

    pub(super) fn set(&self, label: &str, behaviour: Behaviour) {
        self.state().processes.insert(address(label), behaviour);
    }

    pub(super) fn remove(&self, label: &str) {
        self.state().processes.remove(&address(label));
    }

    pub(super) fn list_in(&self, time: Duration) {
        self.state().listing = time;
    }

    /// Returns the sender of the news of a ring that is followed later.
    pub(super) fn ring(&self, label: &str) -> UnboundedSender<News> {
        let (sender, receiver) = unbounded_channel();
        self.state().rings.insert(address(label), receiver);
        sender
    }

    /// Returns the times of the questions to a process, in milliseconds since the start.
    pub(super) fn asked(&self, label: &str) -> Vec<u128> {
        let state = self.state();
        let asked = state.asked.iter().filter(|(_, asked)| *asked == address(label));
        asked.map(|(at, _)| at.as_millis()).collect()
    }

    /// Returns the times of the reads of figures, with the processes that were left out.
    pub(super) fn read(&self) -> Vec<(u128, Vec<Address>)> {
        self.state().read.iter().map(|(at, failing)| (at.as_millis(), failing.clone())).collect()
    }

    /// Returns the times of the reads of counters from files.
    pub(super) fn counted(&self) -> Vec<u128> {
        self.state().counted.iter().map(Duration::as_millis).collect()
    }

    pub(super) fn open(&self) -> usize {
        self.state().open
    }

    /// Returns the number of clones of the script.
    pub(super) fn clones(&self) -> usize {
        Arc::strong_count(&self.0) - 1
    }

    pub(super) async fn watch(&self, options: WatchOptions) -> Watch {
        let mut watch = Watch::start(self.clone(), options, self.members());
        watch.pictures.changed().await.unwrap();
        watch
    }

    fn members(&self) -> Vec<Listed> {
        let label = |address: &Address| address.to_string().rsplit_once('/').unwrap().1.replace(".sock", "");
        let list = |address: &Address| Listed {
            address: address.clone(),
            label: label(address).into(),
            failure: None,
        };
        self.state().processes.keys().map(list).collect()
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap()
    }

    fn now(&self) -> Duration {
        self.state().start.unwrap().elapsed()
    }

    fn open_one(&self) -> Open {
        self.state().open += 1;
        Open(self.clone())
    }

    fn behaviour(&self, address: &Address) -> Behaviour {
        self.state().processes.get(address).cloned().unwrap_or(Behaviour::Refuses)
    }
}

/// Something of a watch that exists.
struct Open(Script);

impl Drop for Open {
    fn drop(&mut self) {
        self.0.state().open -= 1;
    }
}

impl Source for Script {
    fn list(&self, _: HashSet<Address>, _: bool) -> BoxFuture<'static, Result<Vec<Listed>>> {
        let (script, open) = (self.clone(), self.open_one());
        let now = self.now();
        self.state().listed.push(now);
        async move {
            let _open = open;
            let time = script.state().listing;
            sleep(time).await;
            Ok(script.members())
        }
        .boxed()
    }

    fn ask(&self, address: &Address, _: bool) -> BoxFuture<'static, Result<Seen>> {
        let (script, address, open) = (self.clone(), address.clone(), self.open_one());
        async move {
            let _open = open;
            let start = script.now();
            script.state().asked.push((start, address.clone()));
            loop {
                match script.behaviour(&address) {
                    Behaviour::Answers(info, servers, time) => {
                        sleep(time).await;
                        return Ok(seen(info, servers));
                    }
                    Behaviour::Refuses => return Err(cannot_connect(io::ErrorKind::ConnectionRefused)),
                    Behaviour::Hangs if script.now() >= start + LIMIT => {
                        return Err(Error::from_kind(ErrorKind::Timeout, "no byte within 5s"));
                    }
                    Behaviour::Hangs => sleep(Duration::from_millis(100)).await,
                }
            }
        }
        .boxed()
    }

    fn figures(&self, failing: HashMap<Address, Failure>) -> BoxFuture<'static, Result<Snapshot>> {
        let (now, open) = (self.now(), self.open_one());
        self.state().read.push((now, failing.into_keys().collect()));
        async move {
            let _open = open;
            sleep(Duration::from_millis(1)).await;
            Ok(Snapshot::new([]))
        }
        .boxed()
    }

    fn counters(&self, figures: Snapshot) -> BoxFuture<'static, Snapshot> {
        let (now, open) = (self.now(), self.open_one());
        self.state().counted.push(now);
        async move {
            let _open = open;
            sleep(Duration::from_millis(1)).await;
            figures
        }
        .boxed()
    }

    fn follow(&self, address: &Address, _: &str) -> Result<BoxStream<'static, News>> {
        let receiver = self.state().rings.remove(address).unwrap_or_else(|| unbounded_channel().1);
        let next = |(mut receiver, open): (UnboundedReceiver<News>, Open)| async move {
            match receiver.recv().await {
                Some(news) => Some((news, (receiver, open))),
                None => std::future::pending().await,
            }
        };
        Ok(unfold((receiver, self.open_one()), next).boxed())
    }
}
