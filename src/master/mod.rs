//! Master processes: the processes that they list, and reloads.
//!
//! In master-worker mode (`haproxy -W -S ADDRESS`) a master process starts the workers and has a
//! socket of its own, the master CLI. A [`Master`] lists the processes, reloads the configuration
//! and sends a command to one worker, also to an old one that has no other socket any more.
//!
//! Figures and changes of a cluster go through the stats sockets of the workers: see
//! [`Cluster`](crate::Cluster).

mod answer;
mod reload;

pub use crate::show::{ListedProcess, ProcessList};
pub use reload::Reload;

use crate::address::Address;
use crate::error::{Error, Problem, Result};
use crate::level::Level;
use crate::protocol::{Reply, Request};
use crate::transport::{Deadline, Limits, StatsSocket};
use answer::Answer;

/// Client of the socket of a master process: `-S` on HAProxy's command line (management manual,
/// 9.4).
///
/// Like a [`StatsSocket`], it opens a connection for each command and keeps none open, so it never
/// keeps an old worker alive. HAProxy serves ten connections of a master at the same time.
///
/// **A hung worker uses up connections of its master.** If a worker does not answer, the master keeps
/// the connection until it does, even after the client has closed it. With ten of them the master
/// answers no client any more. When a command to a worker is given up, a task therefore waits for the
/// worker, and the connection goes on to count for [`Limits::max_connections`]: no more than four (by
/// default) are ever lost to hung workers, and later commands to workers end with
/// [`Timeout`](crate::ErrorKind::Timeout). Clones share these limits, so use clones of one `Master`. The
/// task ends with its runtime: programs that end and start again can lose one connection each time.
///
/// The level of the master socket (`-S ADDRESS,level,operator`) applies to the workers behind it
/// too.
///
/// # Cancel safety
///
/// Dropping the future of [`reload`](Self::reload) does not stop a reload that has begun. Dropping
/// another future is safe as it is for a [`StatsSocket`].
///
/// # Example
///
/// ```no_run
/// # async fn example() -> haproxyadmin::Result<()> {
/// use haproxyadmin::{Address, master::Master};
///
/// let master = Master::new("/run/haproxy-master.sock".parse::<Address>()?);
/// let reload = master.reload().await?;
/// for worker in &reload.processes.workers {
///     println!("worker {} serves", worker.pid);
/// }
/// # Ok(())
/// # }
/// ```
#[derive(Debug, Clone)]
#[doc(alias = "master CLI")]
#[doc(alias = "master-worker")]
pub struct Master {
    own: StatsSocket,
    /// The same socket, for commands to workers. It has permits of its own: hung workers may use
    /// up all of them, and the master still lists its processes.
    workers: StatsSocket,
}

/// Connections for commands to the master itself.
const OWN: usize = 2;

const LIST: &str = "show proc";
const LOGS: &str = "show startup-logs";

impl Master {
    /// Creates a client with the default limits. Does no I/O.
    pub fn new(address: impl Into<Address>) -> Self {
        Self::with_limits(address, Limits::new())
    }

    /// Creates a client with the given limits. Does no I/O.
    ///
    /// [`Limits::max_connections`] is the limit of the connections to workers. Two more connections
    /// are for commands to the master itself.
    pub fn with_limits(address: impl Into<Address>, limits: Limits) -> Self {
        let address = address.into();
        let own = StatsSocket::with_limits(address.clone(), limits.with_max_connections(OWN));
        Self { own, workers: StatsSocket::with_limits(address, limits) }
    }

    /// Returns the address of the socket.
    pub fn address(&self) -> &Address {
        self.own.address()
    }

    /// Returns the limits of each call.
    pub fn limits(&self) -> &Limits {
        self.workers.limits()
    }

    /// Lists the processes of the master: `show proc`. Needs level operator from 3.2 on.
    ///
    /// # Errors
    ///
    /// - [`Unsupported`](crate::ErrorKind::Unsupported) if the socket is not the one of a master.
    /// - [`PermissionDenied`](crate::ErrorKind::PermissionDenied) if the level of the socket is `user`,
    ///   from 3.2 on.
    /// - [`Malformed`](crate::ErrorKind::Malformed) if the reply is no list of processes.
    /// - The errors of [`StatsSocket::command`]. A master that has just begun a reload closes its
    ///   connections, or refuses them for a moment.
    ///
    /// # Example
    ///
    /// ```no_run
    /// # async fn example(master: haproxyadmin::master::Master) -> haproxyadmin::Result<()> {
    /// let processes = master.processes().await?;
    /// println!("{} workers, {} leaving", processes.workers.len(), processes.old_workers.len());
    /// # Ok(())
    /// # }
    /// ```
    #[doc(alias = "show proc")]
    pub async fn processes(&self) -> Result<ProcessList> {
        self.list(&Deadline::new(*self.limits())).await
    }

    async fn list(&self, deadline: &Deadline) -> Result<ProcessList> {
        // A master closes no connection after a command. `quit` ends it behind the whole reply.
        let request = Request::fixed(LIST, &["show proc;quit"]);
        let text = self.text(&request, Level::Operator, deadline).await?;
        ProcessList::read(&text).map_err(|error| self.own.with_context(LIST)(Error::new(error)))
    }

    /// Returns the messages of the last start or reload, also of one that failed:
    /// `show startup-logs` of the master. Needs HAProxy 2.7 and level operator.
    ///
    /// The result is empty if HAProxy was built without `USE_SHM_OPEN` and kept no message.
    ///
    /// # Errors
    ///
    /// - [`Unsupported`](crate::ErrorKind::Unsupported) if the master is older than 2.7.
    /// - [`PermissionDenied`](crate::ErrorKind::PermissionDenied) if the level of the socket is `user`.
    /// - The errors of [`StatsSocket::command`].
    #[doc(alias = "show startup-logs")]
    pub async fn startup_logs(&self) -> Result<String> {
        let request = Request::fixed(LOGS, &["show startup-logs;quit"]);
        let text = self.text(&request, Level::Operator, &Deadline::new(*self.limits())).await?;
        Ok(text.strip_suffix('\n').unwrap_or(&text).to_owned())
    }

    /// Sends a command line to one worker, current or old, and returns its whole reply unchanged:
    /// `@!PID` (management manual, 9.4.1).
    ///
    /// Each call reaches the process with this ID, or fails: a reload between
    /// [`processes`](Self::processes) and the call cannot lead it to another worker. The worker may
    /// be one that no longer has a stats socket.
    ///
    /// The reply has a few differences from the reply of a stats socket. Before 3.0,
    /// `set severity-output` has no effect. A command that waits for the end of the connection, such as
    /// `wait` or `show events -w`, ends at once.
    ///
    /// # Errors
    ///
    /// - [`NotFound`](crate::ErrorKind::NotFound) if the master has no such worker. Nothing was
    ///   executed.
    /// - [`InvalidInput`](crate::ErrorKind::InvalidInput) if one of the commands of the line begins
    ///   with `@`, which would lead it to another process.
    /// - The errors of [`StatsSocket::command`]. [`Closed`](crate::ErrorKind::Closed) also if the master
    ///   cannot connect to the worker, or loses it: the worker may have executed the command.
    ///
    /// # Example
    ///
    /// ```no_run
    /// # async fn example(master: haproxyadmin::master::Master) -> haproxyadmin::Result<()> {
    /// for old in master.processes().await?.old_workers {
    ///     println!("{}", master.command_to(old.pid, "show sess").await?);
    /// }
    /// # Ok(())
    /// # }
    /// ```
    #[doc(alias = "@!pid")]
    pub async fn command_to(&self, pid: u32, line: &str) -> Result<Reply> {
        let request = Request::to_worker(pid, line).map_err(|error| error.at(self.address()))?;
        let deadline = Deadline::new(*self.limits());
        let bytes = answer(&self.workers, &request, Answer::of_worker(), &deadline).await?;
        let context = self.workers.with_context(request.name());
        if answer::is_unknown_target(&bytes) {
            return Err(context(Error::new(Problem::NotFound(format!("worker {pid} of the master")))));
        }
        if answer::is_lost_target(&bytes) {
            return Err(context(Error::new(Problem::Closed)));
        }
        Reply::new(bytes).map_err(context)
    }

    /// Returns the whole reply to a command that the master itself executes.
    async fn text(&self, request: &Request, needs: Level, deadline: &Deadline) -> Result<String> {
        let reply = Reply::new(answer(&self.own, request, Answer::of_master(), deadline).await?);
        let text = reply.and_then(|reply| {
            let text = reply.text().into_owned();
            answer::check(&text, needs).map_err(Error::new)?;
            Ok(text)
        });
        text.map_err(self.own.with_context(request.name()))
    }
}

async fn answer(
    socket: &StatsSocket,
    request: &Request,
    mut answer: Answer,
    deadline: &Deadline,
) -> Result<Vec<u8>> {
    socket.exchange(request, deadline, &mut answer).await?;
    Ok(answer.into_bytes())
}
