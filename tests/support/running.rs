use std::{
    env, fs,
    path::{Path, PathBuf},
};

use tempfile::{Builder, TempDir};

use super::{Config, Haproxy, Release, Server, http_get, row, until};

/// A folder with HAProxy processes and with the servers behind them.
///
/// `DIR/stats` holds nothing but stats sockets, `DIR/traffic` the sockets that frontends listen on.
/// Processes count from 1 over all of [`haproxies`]. Dropping it ends everything.
///
/// [`haproxies`]: Self::haproxies
#[derive(Debug)]
pub struct Running {
    pub haproxies: Vec<Haproxy>,
    pub servers: Vec<Server>,
    dir: TempDir,
}

impl Running {
    /// Makes an empty folder.
    pub fn new() -> Self {
        // The whole path of a socket has at most 107 bytes.
        let top = Some(env::temp_dir()).filter(|dir| dir.as_os_str().len() <= 32).unwrap_or("/tmp".into());
        let dir = Builder::new().prefix("ha").tempdir_in(top).unwrap();
        for folder in ["stats", "traffic"] {
            fs::create_dir(dir.path().join(folder)).unwrap();
        }
        Self { haproxies: Vec::new(), servers: Vec::new(), dir }
    }

    /// Starts `servers` servers, and a process of each of these releases. Sets `${N}` to the number of
    /// the process.
    pub async fn of(servers: usize, releases: &[Release], config: impl Fn(&Release) -> Config) -> Self {
        let mut running = Self::new();
        running.add_servers(servers).await;
        for (n, release) in (1..).zip(releases) {
            let config = running.fill(config(release).set("N", n));
            running.add(release, &n.to_string(), &config).await;
        }
        running
    }

    /// Starts `count` servers; [`fill`](Self::fill) gives their addresses to a configuration.
    pub async fn add_servers(&mut self, count: usize) {
        for _ in 0..count {
            self.servers.push(Server::start().await);
        }
    }

    /// Sets `${SERVER_1}` and so on to the servers' addresses.
    #[must_use]
    pub fn fill(&self, config: Config) -> Config {
        let servers = (1..).zip(&self.servers);
        servers.fold(config, |config, (n, server)| config.set(&format!("SERVER_{n}"), server.address()))
    }

    /// Starts one more configuration in this folder.
    pub async fn add(&mut self, release: &Release, name: &str, config: &Config) {
        let haproxy = Haproxy::start(release, self.dir.path(), name, config).await;
        self.haproxies.push(haproxy);
    }

    /// The same as [`add`](Self::add) in a pid namespace of its own, if the system permits it.
    pub async fn add_isolated(&mut self, release: &Release, name: &str, config: &Config) {
        let haproxy = Haproxy::start_isolated(release, self.dir.path(), name, config).await;
        self.haproxies.push(haproxy);
    }

    /// The same as [`add`](Self::add) under a master process with a socket at
    /// `DIR/stats/master.sock`.
    pub async fn add_master(&mut self, release: &Release, name: &str, config: &Config) -> PathBuf {
        let socket = self.stats().join("master.sock");
        let haproxy = Haproxy::start_master(release, self.dir.path(), name, config, &socket).await;
        haproxy.master_ready().await;
        self.haproxies.push(haproxy);
        socket
    }

    pub fn dir(&self) -> &Path {
        self.dir.path()
    }

    /// Returns the folder of the stats sockets.
    pub fn stats(&self) -> PathBuf {
        self.dir.path().join("stats")
    }

    /// Returns the socket on which a frontend listens in process `n`.
    pub fn traffic(&self, frontend: &str, n: usize) -> PathBuf {
        self.dir.path().join("traffic").join(format!("{frontend}.{n}"))
    }

    pub fn processes(&self) -> usize {
        self.haproxies.iter().map(Haproxy::processes).sum()
    }

    /// Returns the stats socket of each process.
    pub fn sockets(&self) -> Vec<PathBuf> {
        (1..=self.processes()).map(|n| self.socket(n)).collect()
    }

    pub fn socket(&self, n: usize) -> PathBuf {
        let (haproxy, n) = self.locate(n);
        self.haproxies[haproxy].socket(n)
    }

    pub fn pid(&self, n: usize) -> u32 {
        let (haproxy, n) = self.locate(n);
        self.haproxies[haproxy].pid(n)
    }

    pub fn is_alive(&self, n: usize) -> bool {
        let (haproxy, n) = self.locate(n);
        self.haproxies[haproxy].is_alive(n)
    }

    /// Ends process `n` and leaves the file of its socket.
    pub fn kill(&mut self, n: usize) {
        let (haproxy, n) = self.locate(n);
        self.haproxies[haproxy].kill(n);
    }

    /// Makes process `n` accept connections and never answer.
    pub fn hang(&self, n: usize) {
        let (haproxy, n) = self.locate(n);
        self.haproxies[haproxy].hang(n);
    }

    pub fn resume(&self, n: usize) {
        let (haproxy, n) = self.locate(n);
        self.haproxies[haproxy].resume(n);
    }

    /// Starts the configuration of process `n` anew.
    pub async fn restart(&mut self, n: usize) {
        let (haproxy, _) = self.locate(n);
        self.haproxies[haproxy].restart().await;
    }

    /// Sends requests to a frontend of process `n` and waits until HAProxy has counted all of them.
    pub async fn send(&self, frontend: &str, n: usize, path: &str, requests: u64) {
        let socket = self.socket(n);
        let before = counted(&socket, frontend).await;
        for _ in 0..requests {
            http_get(self.traffic(frontend, n), path).await;
        }
        let what = format!("{requests} requests counted by {frontend} of process {n}");
        let count = async || (counted(&socket, frontend).await == before + requests).then_some(());
        until(&what, count).await;
    }

    /// Sends a list of (frontend, process, requests).
    pub async fn send_all(&self, traffic: &[(&str, usize, u64)]) {
        for (frontend, n, requests) in traffic {
            self.send(frontend, *n, "/", *requests).await;
        }
    }

    fn locate(&self, n: usize) -> (usize, usize) {
        let each = self.haproxies.iter().enumerate();
        let mut all = each.flat_map(|(index, haproxy)| (1..=haproxy.processes()).map(move |n| (index, n)));
        all.nth(n.checked_sub(1).expect("processes count from 1")).unwrap_or_else(|| panic!("no process {n}"))
    }
}

/// Returns the number of finished requests, whatever their status. A connection that is still open
/// is subtracted, because its requests are not final.
async fn counted(socket: &Path, frontend: &str) -> u64 {
    let row = row(socket, frontend, "FRONTEND").await;
    let classes = ["hrsp_1xx", "hrsp_2xx", "hrsp_3xx", "hrsp_4xx", "hrsp_5xx", "hrsp_other"];
    let over: u64 = classes.iter().map(|class| row.number(class)).sum();
    over - row.number("scur").min(over)
}
