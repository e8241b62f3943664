use std::{
    collections::BTreeSet,
    fs::{self, File},
    net::SocketAddr,
    os::unix::process::CommandExt,
    path::{Path, PathBuf},
    process::{Child, Command, ExitStatus, Stdio},
    time::Instant,
};

use rustix::process::Signal;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::UnixStream,
    time,
};

use super::{
    Config, Release,
    ask::{LIMIT, PAUSE, try_ask, until},
    config::Rendered,
    info,
    namespace::isolated,
    process::{Guard, end, end_group, is_alive, signal},
};

/// One started configuration, with one process or, with `nbproc`, several.
///
/// Processes count from 1, as in HAProxy. All of them end when this is dropped.
#[derive(Debug)]
pub struct Haproxy {
    pub release: Release,
    name: String,
    dir: PathBuf,
    config: Config,
    master: Option<PathBuf>,
    /// Options of the socket of the master, each behind a comma.
    master_options: String,
    is_isolated: bool,
    rendered: Rendered,
    child: Option<Child>,
    pids: Vec<u32>,
    killed: Vec<u32>,
    guard: Option<Guard>,
}

impl Haproxy {
    /// Starts a configuration and waits until its stats sockets answer.
    ///
    /// `dir` is the configuration's `${DIR}`; the files `NAME.cfg` and `NAME.err` in it are
    /// HAProxy's configuration and messages.
    pub async fn start(release: &Release, dir: &Path, name: &str, config: &Config) -> Self {
        Self::start_as(release, dir, name, config, None, false).await
    }

    /// The same as [`start`](Self::start) in a pid namespace of its own, if the system permits it:
    /// HAProxy then has the same pid after each start.
    pub async fn start_isolated(release: &Release, dir: &Path, name: &str, config: &Config) -> Self {
        Self::start_as(release, dir, name, config, None, true).await
    }

    /// The same as [`start`](Self::start) with a master process, which has its own socket at
    /// `master`.
    ///
    /// Process 1 is the worker, process 2 the master. Killing one ends both.
    pub async fn start_master(
        release: &Release,
        dir: &Path,
        name: &str,
        config: &Config,
        master: &Path,
    ) -> Self {
        Self::start_as(release, dir, name, config, Some(master.to_owned()), false).await
    }

    async fn start_as(
        release: &Release,
        dir: &Path,
        name: &str,
        config: &Config,
        master: Option<PathBuf>,
        is_isolated: bool,
    ) -> Self {
        let mut haproxy = Self {
            release: release.clone(),
            name: name.to_owned(),
            dir: dir.to_owned(),
            config: config.clone(),
            master,
            master_options: String::new(),
            is_isolated,
            rendered: config.render(release, dir),
            child: None,
            pids: Vec::new(),
            killed: Vec::new(),
            guard: None,
        };
        haproxy.launch().await;
        haproxy
    }

    /// Starts the master anew with options for its socket, such as `,level,user`.
    pub async fn restart_master(&mut self, options: &str) {
        options.clone_into(&mut self.master_options);
        self.restart().await;
        self.master_ready().await;
    }

    /// Returns the stats sockets in the order of the configuration.
    pub fn sockets(&self) -> Vec<PathBuf> {
        self.rendered.sockets()
    }

    /// Returns the socket of process `n`, or the first socket if there is one process.
    pub fn socket(&self, n: usize) -> PathBuf {
        assert!((1..=self.processes()).contains(&n), "no process {n}");
        self.sockets().swap_remove(n - 1)
    }

    /// Returns the address that `127.0.0.1:${NAME}` of the configuration became.
    pub fn address(&self, name: &str) -> SocketAddr {
        let port = self.rendered.values.get(name).unwrap_or_else(|| panic!("no {name}"));
        format!("127.0.0.1:{port}").parse().unwrap()
    }

    /// Returns the number of processes that serve, without a master.
    pub fn processes(&self) -> usize {
        if self.master.is_some() { 1 } else { self.pids.len() }
    }

    /// Returns the pid of process `n`.
    pub fn pid(&self, n: usize) -> u32 {
        assert!((1..=self.pids.len()).contains(&n), "no process {n}");
        self.pids[n - 1]
    }

    /// Returns the pid of every process, including killed ones.
    pub fn pids(&self) -> &[u32] {
        &self.pids
    }

    pub fn is_alive(&self, n: usize) -> bool {
        is_alive(self.pid(n))
    }

    /// Ends process `n` at once. When this returns, the process is gone and its socket refuses
    /// connections. The socket's file stays, as after a crash.
    pub fn kill(&mut self, n: usize) {
        let pid = self.pid(n);
        end(pid);
        self.killed.push(pid);
        if let Some(child) = self.child.as_mut().filter(|child| child.id() == pid) {
            child.wait().unwrap();
        }
    }

    /// Makes process `n` hang: its socket still accepts connections but never answers.
    pub fn hang(&self, n: usize) {
        let pid = self.pid(n);
        signal(pid, Signal::STOP);
        // A running thread continues until the kernel stops it.
        let is_stopped = |path: PathBuf| {
            let stat = fs::read_to_string(path.join("stat")).unwrap_or_default();
            stat.rsplit_once(") ").is_none_or(|(_, rest)| rest.starts_with(['T', 'Z', 'X']))
        };
        let threads = || fs::read_dir(format!("/proc/{pid}/task")).into_iter().flatten().flatten();
        let start = Instant::now();
        while !threads().all(|thread| is_stopped(thread.path())) {
            assert!(start.elapsed() < LIMIT, "process {n} does not stop");
            std::thread::yield_now();
        }
    }

    /// Lets a hung process continue.
    pub fn resume(&self, n: usize) {
        signal(self.pid(n), Signal::CONT);
    }

    /// Tells the master to replace its worker, and returns the pid of the old worker.
    ///
    /// The old worker ends when its last connection does, including a connection to its stats
    /// socket.
    pub async fn reload(&mut self) -> u32 {
        self.master_ready().await;
        let master = self.master.as_ref().expect("a master");
        let mut stream = UnixStream::connect(master).await.unwrap();
        stream.write_all(b"reload\n").await.unwrap();
        let old = self.pids[0];
        let socket = self.socket(1);
        self.pids[0] = until("the new worker answers", async || {
            let reply = try_ask(&socket, "show info").await.ok()?;
            let text = String::from_utf8_lossy(&reply);
            let pid = text.lines().find_map(|line| line.strip_prefix("Pid: "))?.parse().ok()?;
            (pid != old).then_some(pid)
        })
        .await;
        old
    }

    /// Waits until the master answers. The master executes itself anew when a worker has started,
    /// and until then it loses the commands that it receives.
    pub async fn master_ready(&self) {
        let master = self.master.as_ref().expect("a master");
        let answers = async || {
            let mut stream = UnixStream::connect(master).await.ok()?;
            stream.write_all(b"show proc\n").await.ok()?;
            (stream.read(&mut [0; 64]).await.ok()? > 0).then_some(())
        };
        until("the master answers", answers).await;
    }

    /// Ends all processes and starts the configuration anew on the same sockets.
    pub async fn restart(&mut self) {
        self.end();
        self.launch().await;
    }

    /// Ends all processes and starts another release or another configuration in their place.
    pub async fn replace(&mut self, release: &Release, config: &Config) {
        self.end();
        self.release = release.clone();
        self.config = config.clone();
        self.launch().await;
    }

    async fn launch(&mut self) {
        for _ in 0..ATTEMPTS {
            self.rendered = self.config.render(&self.release, &self.dir);
            self.spawn();
            let Err(status) = self.ready().await else {
                self.pids = self.find_pids().await;
                if self.pids.len() > 1 {
                    self.guard = Some(Guard::new(&self.pids));
                }
                return;
            };
            let messages = self.messages();
            // Another program took a port that was free a moment ago.
            let is_clash = CLASHES.iter().any(|words| messages.contains(words));
            assert!(is_clash, "HAProxy {} did not start ({status}):\n{messages}", self.release.version);
        }
        panic!("no free ports for {} in {ATTEMPTS} attempts", self.name);
    }

    fn spawn(&mut self) {
        fs::write(self.file("cfg"), &self.rendered.text).unwrap();
        let mut command = if self.is_isolated {
            isolated(&self.release.binary)
        } else {
            Command::new(&self.release.binary)
        };
        command.current_dir(&self.dir).arg("-f").arg(self.file("cfg"));
        if let Some(peer) = self.rendered.values.get("PEER") {
            command.arg("-L").arg(peer);
        }
        if let Some(master) = &self.master {
            // A process group of its own, which contains the workers of every reload.
            let mut socket = master.clone().into_os_string();
            socket.push(&self.master_options);
            command.arg("-W").arg("-S").arg(socket).process_group(0);
        } else if self.rendered.has_processes() {
            // `-db` would leave one process. Under a master, the end of one worker ends all
            // workers.
            command.arg("-D").arg("-p").arg(self.file("pid"));
        } else {
            command.arg("-db");
        }
        let messages = File::create(self.file("err")).unwrap();
        let child = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(messages).spawn();
        let child = child.unwrap_or_else(|error| panic!("{}: {error}", self.release.binary.display()));
        self.guard = Some(Guard::new(&[child.id()]));
        self.child = Some(child);
    }

    /// Waits until every socket answers, or until HAProxy gives up.
    async fn ready(&mut self) -> Result<(), ExitStatus> {
        let is_daemon = self.rendered.has_processes() && self.master.is_none();
        let sockets = self.sockets();
        assert!(!sockets.is_empty(), "a configuration without a stats socket gives nothing to wait for");
        let start = Instant::now();
        while start.elapsed() < LIMIT {
            let status = self.child.as_mut().unwrap().try_wait().unwrap();
            match status {
                Some(status) if !(is_daemon && status.success()) => return Err(status),
                None if is_daemon => {}
                _ if self.answers(&sockets).await => return Ok(()),
                _ => {}
            }
            time::sleep(PAUSE).await;
        }
        panic!("HAProxy {} ({}) is not ready in time:\n{}", self.release.version, self.name, self.messages());
    }

    async fn answers(&self, sockets: &[PathBuf]) -> bool {
        for socket in sockets {
            if !try_ask(socket, "show info").await.is_ok_and(|reply| reply.starts_with(b"Name: ")) {
                return false;
            }
        }
        match &self.master {
            Some(master) => UnixStream::connect(master).await.is_ok(),
            None => true,
        }
    }

    async fn find_pids(&self) -> Vec<u32> {
        if self.rendered.has_processes() && self.master.is_none() {
            return self.daemons();
        }
        let child = self.child.as_ref().unwrap().id();
        if self.is_isolated {
            // The child made the namespace, and HAProxy is the child's child.
            let children = fs::read_to_string(format!("/proc/{child}/task/{child}/children"));
            let mut inner = children.unwrap_or_default();
            inner.truncate(inner.trim_end().len());
            return vec![inner.parse().unwrap_or(child)];
        }
        if self.master.is_none() {
            return vec![child];
        }
        let worker = &info(&self.sockets()[0]).await["Pid"];
        vec![worker.parse().unwrap(), child]
    }

    fn daemons(&self) -> Vec<u32> {
        let list = fs::read_to_string(self.file("pid")).unwrap_or_default();
        list.split_whitespace().map(|pid| pid.parse().unwrap()).collect()
    }

    fn messages(&self) -> String {
        fs::read_to_string(self.file("err")).unwrap_or_default()
    }

    fn file(&self, kind: &str) -> PathBuf {
        self.dir.join(format!("{}.{kind}", self.name))
    }

    fn end(&mut self) {
        let daemons = self.daemons();
        let mine = self.pids.drain(..).chain(daemons);
        // Another process may have the pid of one that was killed.
        let rest: BTreeSet<_> = mine.filter(|pid| !self.killed.contains(pid)).collect();
        for pid in &rest {
            signal(*pid, Signal::KILL);
        }
        if let Some(mut child) = self.child.take() {
            if self.master.is_some() {
                end_group(child.id());
            }
            let _ = child.kill();
            let _ = child.wait();
        }
        for pid in rest {
            end(pid);
        }
        self.killed.clear();
        self.guard = None;
        let _ = fs::remove_file(self.file("pid"));
    }
}

impl Drop for Haproxy {
    fn drop(&mut self) {
        self.end();
    }
}

/// Number of starts that are tried with new ports.
const ATTEMPTS: usize = 5;

const CLASHES: [&str; 2] = ["cannot bind socket", "Address already in use"];
