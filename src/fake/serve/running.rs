use std::fmt;
use std::sync::Arc;

use super::shared::Shared;
use super::socket::Socket;
use crate::error::{Error, Problem, Result};
use crate::fake::command::run_checks;
use crate::fake::describe::{Fault, Process, Received, Ring, State, Value, When, info, row, word};
use crate::field::RowKind;
use crate::level::Level;
use crate::{Address, Version};

/// A fake process that answers until this value is dropped.
///
/// Its figures can be changed from any thread while it runs; each reply shows the state of one
/// moment. Dropping it closes its connections and removes its socket files. [`stop`](Running::stop)
/// also waits until both are done.
///
/// # Cancel safety
///
/// Dropping the future of [`Process::serve`] or [`also`](Running::also) leaves nothing behind.
/// Dropping the future of [`stop`](Running::stop) or [`kill`](Running::kill) ends the process like
/// dropping this value. A cancelled `kill` may therefore remove socket files that it would have
/// kept.
///
/// # Example
///
/// ```
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> haproxyadmin::Result<()> {
/// use std::net::SocketAddr;
/// use haproxyadmin::fake::{Backend, Fault, Process, Server};
/// use haproxyadmin::{ErrorKind, StatsSocket};
///
/// let app = Backend::new("app").server(Server::new("web1").check("L4OK"));
/// let running = Process::new("3.4").backend(app).serve(SocketAddr::from(([127, 0, 0, 1], 0))).await?;
/// let socket = StatsSocket::new(running.address().clone());
///
/// running.set_server("app", "web1", "check_status", "L4CON")?;
/// assert!(socket.command("show stat app 4 1").await?.to_string().contains(",DOWN,"));
///
/// running.fail(Fault::Cut(100));
/// assert_eq!(socket.command("show stat").await.unwrap_err().kind(), ErrorKind::Truncated);
/// # Ok(())
/// # }
/// ```
#[must_use = "it stops when it is dropped"]
pub struct Running {
    shared: Arc<Shared>,
    sockets: Vec<Socket>,
    _life: Life,
}

impl Process {
    /// Starts to answer at an address: the path of a UNIX socket, or a TCP address. With port 0,
    /// the system chooses a free port.
    ///
    /// A socket file that a dead process left at the path is replaced.
    ///
    /// # Errors
    ///
    /// - [`InvalidInput`](crate::ErrorKind::InvalidInput) if no HAProxy of that release could match
    ///   the description: a column or key that the release does not have, a value of the wrong
    ///   type, a name that HAProxy would refuse, or a duplicate name.
    /// - [`InvalidInput`](crate::ErrorKind::InvalidInput) if the process cannot listen at the
    ///   address.
    ///
    /// # Panics
    ///
    /// Panics outside a Tokio runtime with I/O and time enabled.
    ///
    /// # Example
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> haproxyadmin::Result<()> {
    /// use std::net::SocketAddr;
    /// use haproxyadmin::fake::{Frontend, Process};
    ///
    /// let anywhere = SocketAddr::from(([127, 0, 0, 1], 0));
    /// let wrong = Process::new("2.6").frontend(Frontend::new("web").set("qcur", 1)).serve(anywhere).await;
    /// assert_eq!(
    ///     wrong.unwrap_err().to_string(),
    ///     "frontend \"web\": column \"qcur\" is always empty in such a row of HAProxy 2.6"
    /// );
    /// # Ok(())
    /// # }
    /// ```
    pub async fn serve(self, address: impl Into<Address>) -> Result<Running> {
        let level = self.level;
        let mut running = Running::new(self)?;
        running.also(address, level).await?;
        Ok(running)
    }
}

impl Running {
    pub(in crate::fake) fn new(process: Process) -> Result<Self> {
        process.check()?;
        let shared = Arc::new(Shared::new(State::new(process)));
        Ok(Self { _life: Life(Arc::clone(&shared)), shared, sockets: Vec::new() })
    }

    /// Answers at one more address, at its own level.
    ///
    /// # Errors
    ///
    /// - [`InvalidInput`](crate::ErrorKind::InvalidInput) if the process cannot listen at the
    ///   address.
    ///
    /// # Panics
    ///
    /// Panics outside a Tokio runtime with I/O and time enabled.
    pub async fn also(&mut self, address: impl Into<Address>, level: Level) -> Result<()> {
        let address = address.into();
        let is_exposed = self.shared.state().process.is_exposed;
        let socket = Socket::listen(&address, level, is_exposed, &self.shared).await;
        let socket =
            socket.map_err(|error| Error::invalid(format!("cannot listen at {address}: {error}")))?;
        self.shared.state().sockets.push((socket.address().clone(), level));
        self.sockets.push(socket);
        Ok(())
    }

    /// Returns the address given to [`Process::serve`], with the real port if the given port was 0.
    pub fn address(&self) -> &Address {
        // `serve` adds the first socket before it returns a `Running`.
        #[allow(clippy::indexing_slicing)]
        self.sockets[0].address()
    }

    /// Returns the number of connections accepted since the start, or since the process was
    /// [replaced](Running::replace).
    pub fn connections(&self) -> u64 {
        self.shared.state().connections
    }

    /// Sets a column of a frontend's row.
    ///
    /// # Errors
    ///
    /// - [`NotFound`](crate::ErrorKind::NotFound) if the process has no frontend with this name.
    /// - [`InvalidInput`](crate::ErrorKind::InvalidInput) if the column cannot have that value.
    pub fn set_frontend(&self, name: &str, column: &str, value: impl Into<Value>) -> Result<()> {
        self.set(RowKind::Frontend, name, "", column, value.into())
    }

    /// Sets a column of the row of a listener, the first of the frontend with this name.
    ///
    /// # Errors
    ///
    /// - [`NotFound`](crate::ErrorKind::NotFound) if the process has no such listener.
    /// - [`InvalidInput`](crate::ErrorKind::InvalidInput) if the column cannot have that value.
    pub fn set_listener(
        &self,
        frontend: &str,
        name: &str,
        column: &str,
        value: impl Into<Value>,
    ) -> Result<()> {
        self.set(RowKind::Listener, frontend, name, column, value.into())
    }

    /// Sets a column of a backend's row.
    ///
    /// # Errors
    ///
    /// - [`NotFound`](crate::ErrorKind::NotFound) if the process has no backend with this name.
    /// - [`InvalidInput`](crate::ErrorKind::InvalidInput) if the column cannot have that value.
    pub fn set_backend(&self, name: &str, column: &str, value: impl Into<Value>) -> Result<()> {
        self.set(RowKind::Backend, name, "", column, value.into())
    }

    /// Sets a column of a server's row.
    ///
    /// # Errors
    ///
    /// - [`NotFound`](crate::ErrorKind::NotFound) if the process has no such server.
    /// - [`InvalidInput`](crate::ErrorKind::InvalidInput) if the column cannot have that value.
    pub fn set_server(&self, backend: &str, name: &str, column: &str, value: impl Into<Value>) -> Result<()> {
        self.set(RowKind::Server, backend, name, column, value.into())
    }

    /// Gives the health checks of a server another result, such as `L4CON` or `L7OK`. Short for setting
    /// `check_status`.
    ///
    /// It shows at once, or, if the checks [take time](crate::fake::Server::inter), check by check from the
    /// next one on.
    ///
    /// # Errors
    ///
    /// - [`NotFound`](crate::ErrorKind::NotFound) if the process has no such server.
    pub fn set_check(&self, backend: &str, server: &str, status: &str) -> Result<()> {
        self.set_server(backend, server, "check_status", status)
    }

    /// Sets a key of `show info`. Setting `Stopping` to 1 makes the process an old worker.
    ///
    /// # Errors
    ///
    /// - [`InvalidInput`](crate::ErrorKind::InvalidInput) if the release does not have the key, or
    ///   the key cannot have that value.
    pub fn set_info(&self, key: &str, value: impl Into<Value>) -> Result<()> {
        let value = value.into();
        let process = &mut self.shared.state().process;
        if let Some(problem) = info::problem(&process.version, key, &value) {
            return Err(Error::invalid(problem));
        }
        process.info.set(key, value);
        Ok(())
    }

    /// Puts another process at the same sockets, as a reload or an upgrade does.
    ///
    /// # Errors
    ///
    /// - [`InvalidInput`](crate::ErrorKind::InvalidInput) if the description is one that
    ///   [`Process::serve`] refuses. The old process stays in that case.
    pub fn replace(&self, process: Process) -> Result<()> {
        process.check()?;
        self.shared.state().replace(process);
        self.shared.added.send_modify(|added| *added += 1);
        Ok(())
    }

    /// Adds an event to a ring. Clients that follow the ring (`show events RING -w`) get its line at
    /// once.
    ///
    /// # Errors
    ///
    /// - [`NotFound`](crate::ErrorKind::NotFound) if the process has no ring with this name.
    pub fn push_event(&self, ring: &str, line: &str) -> Result<()> {
        self.with_ring(ring, |ring, version| ring.push(version, line))?;
        self.shared.added.send_modify(|added| *added += 1);
        Ok(())
    }

    /// Drops events of a ring, as HAProxy does when a reader is too slow for its size. HAProxy announces
    /// them in a line before the next event.
    ///
    /// # Errors
    ///
    /// - [`NotFound`](crate::ErrorKind::NotFound) if the process has no ring with this name.
    pub fn drop_events(&self, ring: &str, events: u64) -> Result<()> {
        self.with_ring(ring, |ring, _| ring.dropped += events)
    }

    fn with_ring(&self, name: &str, change: impl FnOnce(&mut Ring, &Version)) -> Result<()> {
        let process = &mut self.shared.state().process;
        match process.rings.iter_mut().find(|ring| *ring.name == *name) {
            Some(ring) => change(ring, &process.version),
            None => return Err(Error::new(Problem::NotFound(format!("ring {name:?}")))),
        }
        Ok(())
    }

    /// Returns the commands that the process received, the oldest first. The last 10,000 commands are kept,
    /// and 16 MiB of their texts at most.
    ///
    /// Every text is shown as it is, keys and private keys included.
    ///
    /// A command that reaches a [paused](Self::pause) process is listed when the process resumes and runs
    /// it.
    pub fn received(&self) -> Vec<Received> {
        self.shared.state().log.entries()
    }

    /// Returns the same as [`received`](Self::received), and forgets these commands.
    pub fn take_received(&self) -> Vec<Received> {
        self.shared.state().log.take()
    }

    /// Makes the process fail in this way, from the next command on, until [`heal`](Self::heal). Takes the
    /// place of the fault that was set in this way before.
    ///
    /// # Several faults
    ///
    /// One fault is shown for a line. Faults of [`fail_when`](Self::fail_when),
    /// [`fail_command`](Self::fail_command) and [`fail_next`](Self::fail_next) come first, the one that was
    /// added last before the others; the fault of this method comes after them. A line counts only for
    /// faults that come before the one that is shown, and for that one.
    pub fn fail(&self, fault: Fault) {
        self.shared.state().faults.set(fault);
    }

    /// Makes the next `lines` of commands fail in this way.
    ///
    /// Short for [`fail_when`](Self::fail_when) with [`When::times`]. The first line that a
    /// [`Cluster`](crate::Cluster) sends identifies the process, so [`fail_command`](Self::fail_command)
    /// states more clearly which call fails.
    pub fn fail_next(&self, lines: u64, fault: Fault) {
        self.fail_when(When::always().times(lines), fault);
    }

    /// Makes every line with a command that begins with these words fail in this way, such as `set server`.
    ///
    /// Short for [`fail_when`](Self::fail_when) with [`When::command`].
    pub fn fail_command(&self, words: &str, fault: Fault) {
        self.fail_when(When::command(words), fault);
    }

    /// Makes some commands fail in this way. [`fail`](Self::fail) describes which of several faults is shown.
    ///
    /// # Example
    ///
    /// The reply to a change is lost, and the change took effect or did not: a client must be right in both
    /// cases.
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> haproxyadmin::Result<()> {
    /// use std::net::SocketAddr;
    /// use haproxyadmin::fake::{Backend, Fault, Process, Server, When};
    /// use haproxyadmin::{Cluster, ErrorKind};
    ///
    /// let app = Backend::new("app").server(Server::new("web1"));
    /// let running = Process::new("3.4").backend(app).serve(SocketAddr::from(([127, 0, 0, 1], 0))).await?;
    /// let cluster = Cluster::from_addresses([running.address().clone()]).await?;
    /// let web1 = cluster.server_ref("app", "web1")?;
    /// for (fault, status) in [(Fault::CloseUnexecuted, "no check"), (Fault::Close, "MAINT")] {
    ///     running.fail_when(When::command("disable server").times(1), fault);
    ///     assert_eq!(web1.disable().await.unwrap_err().kind(), ErrorKind::OutcomeUnknown);
    ///     assert_eq!(web1.read().await?.status().to_string(), status);
    /// }
    /// assert!(web1.disable().await.is_ok());
    /// # Ok(())
    /// # }
    /// ```
    pub fn fail_when(&self, when: When, fault: Fault) {
        self.shared.state().faults.add(when, fault);
    }

    /// Ends all faults: the process answers correctly again.
    pub fn heal(&self) {
        self.shared.state().faults.clear();
    }

    /// Makes the process hang: it accepts connections but answers no command until
    /// [`resume`](Running::resume).
    pub fn pause(&self) {
        self.shared.paused.send_replace(true);
    }

    /// Ends the pause, and answers the clients that still wait.
    pub fn resume(&self) {
        self.shared.paused.send_replace(false);
    }

    /// Stops the process in order: its connections are closed and its socket files are removed when
    /// this returns.
    pub async fn stop(mut self) {
        for socket in &mut self.sockets {
            socket.end().await;
        }
    }

    /// Ends the process as a crash does: it stops listening, but its socket files stay.
    pub async fn kill(mut self) {
        for socket in &mut self.sockets {
            socket.end().await;
            socket.keep_file();
        }
    }

    pub(in crate::fake) fn shared(&self) -> &Arc<Shared> {
        &self.shared
    }

    fn set(&self, kind: RowKind, proxy: &str, name: &str, column: &str, value: Value) -> Result<()> {
        let process = &mut self.shared.state().process;
        run_checks(process);
        let whole = if name.is_empty() { proxy.to_owned() } else { format!("{proxy}/{name}") };
        let what = format!("{} {whole:?}", word(kind));
        let version = process.version.clone();
        let Some(cells) = process.cells_mut(kind, proxy, name) else {
            return Err(Error::new(Problem::NotFound(what)));
        };
        if let Some(problem) = row::problem(kind, &version, column, &value) {
            return Err(Error::invalid(format!("{what}: {problem}")));
        }
        cells.set(column, value);
        if let Some(server) = process.server_mut(proxy, name).filter(|_| kind == RowKind::Server) {
            // The result of checks that take time shows when the next one ends.
            if column != "check_status" || server.counter.is_none() {
                server.live.forget(column);
            }
        }
        run_checks(process);
        Ok(())
    }
}

/// Tells the other users of the state, such as a master, that the process has ended.
struct Life(Arc<Shared>);

impl Drop for Life {
    fn drop(&mut self) {
        self.0.ended.send_replace(true);
    }
}

impl fmt::Debug for Running {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let state = self.shared.state();
        f.debug_struct("Running")
            .field("version", &state.process.version.as_str())
            .field("pid", &state.process.pid)
            .field("sockets", &state.sockets)
            .field("connections", &state.connections)
            .field("faults", &state.faults)
            .finish_non_exhaustive()
    }
}
