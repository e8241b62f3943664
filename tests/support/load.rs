use std::{
    io,
    ops::RangeInclusive,
    path::PathBuf,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    time::Duration,
};

use tokio::{
    task::{JoinHandle, JoinSet},
    time,
};

use super::{Running, try_get};

/// Clients that send requests to every process at a steady rate, until they are told to end.
#[derive(Debug)]
pub struct Clients {
    over: Arc<AtomicBool>,
    sent: Arc<AtomicUsize>,
    tasks: Vec<JoinHandle<Vec<String>>>,
}

/// Time between two requests to one process: 640 requests a second to four processes.
const PERIOD: Duration = Duration::from_micros(6_250);

impl Clients {
    /// Starts a client of this frontend of each process.
    pub fn start(running: &Running, frontend: &str) -> Self {
        Self::start_at(running, frontend, 1..=running.processes())
    }

    /// Starts a client of this frontend of each of these processes.
    pub fn start_at(running: &Running, frontend: &str, processes: RangeInclusive<usize>) -> Self {
        let (over, sent) = (Arc::<AtomicBool>::default(), Arc::<AtomicUsize>::default());
        let tasks = processes.map(|n| {
            let to = running.traffic(frontend, n);
            tokio::spawn(send_steadily(to, Arc::clone(&over), Arc::clone(&sent)))
        });
        Self { tasks: tasks.collect(), over, sent }
    }

    /// Returns the number of requests, and the failures.
    pub async fn end(self) -> (usize, Vec<String>) {
        self.over.store(true, Ordering::SeqCst);
        let mut lost = Vec::new();
        for task in self.tasks {
            lost.extend(task.await.unwrap());
        }
        (self.sent.load(Ordering::SeqCst), lost)
    }
}

async fn send_steadily(to: PathBuf, over: Arc<AtomicBool>, sent: Arc<AtomicUsize>) -> Vec<String> {
    let mut ticks = time::interval(PERIOD);
    let (mut requests, mut lost) = (JoinSet::new(), Vec::new());
    let mut keep = |done: io::Result<u16>| match done {
        Ok(200) => {}
        Ok(status) => lost.push(format!("status {status}")),
        Err(error) => lost.push(error.to_string()),
    };
    while !over.load(Ordering::SeqCst) {
        ticks.tick().await;
        let (to, number) = (to.clone(), sent.fetch_add(1, Ordering::SeqCst));
        // Some requests take longer than the pause between two commands of a call.
        let path = if number % 8 == 0 { "/slow" } else { "/" };
        requests.spawn(async move { try_get(to, path).await });
        while let Some(done) = requests.try_join_next() {
            keep(done.unwrap());
        }
    }
    while let Some(done) = requests.join_next().await {
        keep(done.unwrap());
    }
    lost
}
