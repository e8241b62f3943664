//! Master processes: the processes that they list, and reloads.
//!
//! In master-worker mode (`haproxy -W -S ADDRESS`) a master process starts the workers and has a
//! socket of its own, the master CLI. A [`Master`] lists the processes and reloads the configuration.
//! [`Master::worker`] is a client of one worker, also of an old one that has no other socket any more.
//!
//! [`ClusterBuilder::master`](crate::ClusterBuilder::master) makes a cluster of the workers of a master,
//! old workers included.

mod answer;
mod reload;

pub use crate::address::WorkerId;
pub use crate::show::{ListedProcess, ProcessList};
pub use reload::Reload;

use std::sync::Arc;

use crate::address::Address;
use crate::error::{Error, Result};
use crate::level::Level;
use crate::protocol::{Reply, Request};
use crate::transport::{Deadline, Limits, Permits, StatsSocket};
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
/// worker, and the connection goes on to count for the limits of connections: those by
/// [`WorkerId::Number`] have [`Limits::max_connections`], and those by [`WorkerId::Pid`] half of them.
/// Two more are for commands to the master itself. No more than eight (by default) are ever lost, and
/// later commands to workers end with [`Timeout`](crate::ErrorKind::Timeout). Clones share these limits,
/// so use clones of one `Master`. The task ends with its runtime: programs that end and start again can
/// lose one connection each time.
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
    /// The same socket, for commands to workers by their number. It has permits of its own: hung
    /// workers may use up all of them, and the master still lists its processes.
    serving: StatsSocket,
    /// The same for commands to workers by their process ID, most of them old workers. If they hang,
    /// the workers that serve still answer.
    leaving: StatsSocket,
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
    pub fn with_limits(address: impl Into<Address>, limits: Limits) -> Self {
        Self::make(&address.into(), limits, None)
    }

    /// Creates a client that needs one of the permits of its cluster for each connection.
    pub(crate) fn with_permits(address: &Address, limits: Limits, shared: &Arc<Permits>) -> Self {
        Self::make(address, limits, Some(shared))
    }

    fn make(address: &Address, limits: Limits, shared: Option<&Arc<Permits>>) -> Self {
        let socket = |connections| {
            let limits = limits.with_max_connections(connections);
            match shared {
                None => StatsSocket::with_limits(address.clone(), limits),
                Some(shared) => StatsSocket::with_permits(address.clone(), limits, Arc::clone(shared)),
            }
        };
        let connections = limits.max_connections;
        Self { own: socket(OWN), serving: socket(connections), leaving: socket(connections.div_ceil(2)) }
    }

    /// Returns the address of the socket.
    pub fn address(&self) -> &Address {
        self.own.address()
    }

    /// Returns the limits of each call.
    pub fn limits(&self) -> &Limits {
        self.serving.limits()
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

    pub(crate) async fn list(&self, deadline: &Deadline) -> Result<ProcessList> {
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

    /// Returns a client of one worker behind the master, which may be a worker that has no stats socket
    /// any more. Does no I/O. Keep it for all commands to this worker: an old worker that hangs
    /// then occupies one connection of the master at most.
    ///
    /// The replies have a few differences from the replies on a stats socket. Before 3.0,
    /// `set severity-output` has no effect. A command that waits, such as `wait` or `show events -w`,
    /// ends at once.
    ///
    /// Its commands have two errors besides those of [`StatsSocket::command`]:
    /// [`NotFound`](crate::ErrorKind::NotFound) if the master has no such worker, and
    /// [`InvalidInput`](crate::ErrorKind::InvalidInput) if a command of the line begins with `@`, which
    /// would lead it to another process. The error is [`Closed`](crate::ErrorKind::Closed) also if the
    /// master cannot connect to the worker, or loses it: the worker may have executed the command.
    ///
    /// # Example
    ///
    /// ```no_run
    /// # async fn example(master: haproxyadmin::master::Master) -> haproxyadmin::Result<()> {
    /// use haproxyadmin::master::WorkerId;
    ///
    /// for old in master.processes().await?.old_workers {
    ///     println!("{}", master.worker(WorkerId::Pid(old.pid)).command("show sess").await?);
    /// }
    /// # Ok(())
    /// # }
    /// ```
    #[doc(alias = "@!pid")]
    #[doc(alias = "@1")]
    pub fn worker(&self, worker: WorkerId) -> StatsSocket {
        match worker {
            WorkerId::Number(_) => self.serving.worker(worker),
            WorkerId::Pid(_) => self.leaving.worker(worker),
        }
    }

    /// Returns the whole reply to a command that the master itself executes.
    async fn text(&self, request: &Request, needs: Level, deadline: &Deadline) -> Result<String> {
        let reply = Reply::new(answer(&self.own, request, Answer::default(), deadline).await?);
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
