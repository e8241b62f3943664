use std::borrow::Cow;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{Mutex, OwnedMutexGuard, OwnedSemaphorePermit, Semaphore};
use tokio::time::Instant;
use tracing::Instrument;

use super::Limits;
use super::connect::{Stream, connect};
use super::deadline::{Deadline, QUEUE, Step};
use super::drain::Connection;
use super::exchange::{self, ByteCounts};
use super::follow::{Following, PLACES};
use super::interactive::Interactive;
use super::parsing_time::Spent;
use super::permits::{Permit, Permits, Reachability};
use super::worker::{self, WorkerReply};
use crate::address::{Address, WorkerId};
use crate::error::{Error, Problem, Result};
use crate::protocol::{Collect, Payload, Reply, ReplyReader, Request};

/// Client of the stats socket of one HAProxy process.
///
/// A `StatsSocket` opens a connection when it sends a command. Each command has a connection of
/// its own, which is closed after the reply. At most
/// [`max_connections`](Limits::max_connections) connections are open at the same time, and no
/// connection stays open between commands. Connections are not kept for four reasons:
///
/// - The end of a connection is the only end mark that no reply can contain.
/// - An idle connection keeps an old worker alive after a reload, and its commands go on
///   reaching that old worker.
/// - An idle connection occupies one of the ten connections that HAProxy accepts over all its
///   stats sockets (`stats maxconn`).
/// - Keeping the connection would save only 10 to 40 microseconds.
///
/// Cloning is cheap. A clone shares the connection limit of the original.
///
/// # Cancel safety
///
/// Dropping a future closes the connection and frees its permit. No later command can receive
/// the rest of the reply. A read leaves nothing behind, except as the next paragraph says. If the
/// command changes something, HAProxy may have executed it or may still do so.
///
/// Some HAProxy releases die, hang or leak a connection if the client closes during a long reply:
/// a reply to `show servers state` or `show servers conn`, and a reply to a `show` command with
/// another command after it on the same line. Once such a command has been sent, a task reads
/// the reply to its end, for a minute at most (behind a master until the worker answers), and then
/// frees the permit. The task needs the Tokio runtime of the call. See
/// [`guide::cancellation`](crate::guide::cancellation).
///
/// # Example
///
/// ```no_run
/// # async fn example() -> haproxyadmin::Result<()> {
/// use haproxyadmin::{Address, StatsSocket};
///
/// let socket = StatsSocket::new("/run/haproxy/1.sock".parse::<Address>()?);
/// let reply = socket.command("show activity").await?;
/// println!("{reply}");
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
#[doc(alias = "Runtime API")]
#[doc(alias = "stats socket")]
#[doc(alias = "admin socket")]
#[doc(alias = "socat")]
#[doc(alias = "CLI")]
#[doc(alias = "client")]
pub struct StatsSocket(Arc<Inner>);

struct Inner {
    address: Address,
    limits: Limits,
    /// Permits for the connections to this socket. Each connection needs one of each.
    permits: Vec<Arc<Semaphore>>,
    /// Places for connections that stay open, which hold no permit.
    places: Arc<Semaphore>,
    turns: Arc<Mutex<()>>,
    /// Permits of the whole cluster, shared with its other sockets.
    shared: Option<Arc<Permits>>,
    reachability: Reachability,
}

impl StatsSocket {
    /// Creates a client with the default limits. Does no I/O.
    pub fn new(address: impl Into<Address>) -> Self {
        Self::with_limits(address, Limits::new())
    }

    /// Creates a client with the given limits. Does no I/O.
    pub fn with_limits(address: impl Into<Address>, limits: Limits) -> Self {
        Self::make(address.into(), limits, None)
    }

    /// Creates a client that needs one of the permits of its cluster for each connection.
    pub(crate) fn with_permits(address: Address, limits: Limits, shared: Arc<Permits>) -> Self {
        Self::make(address, limits, Some(shared))
    }

    fn make(address: Address, limits: Limits, shared: Option<Arc<Permits>>) -> Self {
        let permits = vec![semaphore(limits.max_connections)];
        let places = Arc::new(Semaphore::new(PLACES));
        let (turns, reachability) = (Arc::default(), Reachability::default());
        Self(Arc::new(Inner { address, limits, permits, places, turns, shared, reachability }))
    }

    /// Creates a client of a worker behind this socket, which is the socket of a master. The limits of
    /// connections are shared. A former worker gets one connection of them at a time, because it
    /// occupies the connection as long as it hangs.
    pub(crate) fn worker(&self, worker: WorkerId) -> Self {
        let master = Box::new(self.address().clone());
        let mut permits = self.0.permits.clone();
        if matches!(worker, WorkerId::Pid(_)) {
            permits.insert(0, semaphore(1));
        }
        Self(Arc::new(Inner {
            address: Address::Worker { worker, master },
            limits: self.0.limits,
            permits,
            places: Arc::clone(&self.0.places),
            turns: Arc::default(),
            shared: self.0.shared.clone(),
            reachability: Reachability::default(),
        }))
    }

    /// Returns the address of the socket.
    pub fn address(&self) -> &Address {
        &self.0.address
    }

    /// Returns the limits of commands that are sent without limits of their own.
    pub fn limits(&self) -> &Limits {
        &self.0.limits
    }

    /// Sends a command line unchanged, and returns the whole reply unchanged.
    ///
    /// HAProxy parses the line: the caller escapes arguments with `\`, and `;` begins another
    /// command. A message with which HAProxy refuses the command is a reply too, not an error.
    ///
    /// Commands that leave the connection open (`prompt`, `show events -w`) end with
    /// [`Timeout`](crate::ErrorKind::Timeout). So does every command on a master socket, which
    /// never closes the connection: use [`Master`](crate::master::Master) for it.
    ///
    /// # Errors
    ///
    /// - [`InvalidInput`](crate::ErrorKind::InvalidInput) if the line is empty, is longer than
    ///   15,359 bytes, contains NUL, CR or LF, or would make HAProxy wait for more input: the
    ///   last word of a command (behind a master, also the last argument) begins or ends with `<<`, or
    ///   the line ends with a single `\`.
    /// - [`Connect`](crate::ErrorKind::Connect) if no process listens at the address, and
    ///   [`AccessDenied`](crate::ErrorKind::AccessDenied) if the operating system does not let
    ///   this program connect. While the socket is busy, the call tries again to connect.
    /// - [`Timeout`](crate::ErrorKind::Timeout) if a time limit passed.
    /// - [`TooLarge`](crate::ErrorKind::TooLarge) if the reply is longer than
    ///   [`Limits::max_reply_size`].
    /// - [`Closed`](crate::ErrorKind::Closed) if the connection ended without an answer.
    /// - [`Truncated`](crate::ErrorKind::Truncated) or [`Io`](crate::ErrorKind::Io) if the
    ///   connection ended during the answer.
    ///
    /// Nothing was sent if the kind is `InvalidInput`, `Connect` or `AccessDenied`. After any
    /// other kind HAProxy may have executed the command. The call never sends a command twice.
    #[doc(alias = "execute")]
    #[doc(alias = "query")]
    #[doc(alias = "raw")]
    pub async fn command(&self, line: &str) -> Result<Reply> {
        self.command_with(line, *self.limits()).await
    }

    /// Sends a command line as [`command`](Self::command) does, with limits for this call.
    ///
    /// [`Limits::max_connections`] has no effect here: the limit of the socket applies.
    ///
    /// # Errors
    ///
    /// - The errors of [`command`](Self::command).
    ///
    /// # Example
    ///
    /// ```no_run
    /// # async fn example(socket: haproxyadmin::StatsSocket) -> haproxyadmin::Result<()> {
    /// use std::time::Duration;
    ///
    /// let patient = socket.limits().with_idle_timeout(Duration::from_secs(40)).with_command_timeout(Duration::from_secs(40));
    /// socket.command_with("wait 30s srv-removable app/web1", patient).await?;
    /// # Ok(())
    /// # }
    /// ```
    pub async fn command_with(&self, line: &str, limits: Limits) -> Result<Reply> {
        self.whole_reply(Request::raw(line, None), &Deadline::new(limits)).await
    }

    /// Sends a command line with a payload: lines that HAProxy reads without escapes, such as the
    /// entries of a map or the text of a certificate.
    ///
    /// Write the line as for [`command`](Self::command), without the `<<` that announces the
    /// payload. Errors and traces do not show the payload.
    ///
    /// # Errors
    ///
    /// - The errors of [`command`](Self::command).
    /// - [`InvalidInput`](crate::ErrorKind::InvalidInput), and nothing was sent, if the payload is
    ///   empty, contains NUL or CR, or contains an empty line. An empty line ends a payload, and
    ///   HAProxy would execute the lines after it as commands.
    /// - [`InvalidInput`](crate::ErrorKind::InvalidInput), and nothing was sent, if the line contains
    ///   `<<` or more than 60 words: a master would execute the payload.
    /// - [`InvalidInput`](crate::ErrorKind::InvalidInput), and nothing was sent, if line and
    ///   payload together, with the ` <<` between them, have more than 15,359 bytes, the length
    ///   that every release accepts.
    ///
    /// # Example
    ///
    /// ```no_run
    /// # async fn example(socket: haproxyadmin::StatsSocket) -> haproxyadmin::Result<()> {
    /// let reply = socket.command_with_payload("add map #0", "/api api\n/static static").await?;
    /// # Ok(())
    /// # }
    /// ```
    #[doc(alias = "<<")]
    #[doc(alias = "heredoc")]
    pub async fn command_with_payload(&self, line: &str, payload: &str) -> Result<Reply> {
        let request = Payload::new(payload).and_then(|payload| Request::raw(line, Some(&payload)));
        self.whole_reply(request, &Deadline::new(*self.limits())).await
    }

    async fn whole_reply(&self, request: Result<Request>, deadline: &Deadline) -> Result<Reply> {
        let request = request.map_err(|error| error.at(self.address()))?;
        let mut whole = Collect(Vec::new());
        self.exchange(&request, deadline, &mut whole).await?;
        Reply::new(whole.0).map_err(self.with_context(request.name()))
    }

    /// Returns a function that names a command and this socket in an error, unless the error names
    /// others. Code that knows only one of the two sets it with `during` or `at`; the first name
    /// stays.
    pub(crate) fn with_context<'a>(&'a self, command: &'a str) -> impl Fn(Error) -> Error + 'a {
        move |error| error.during(command).at(self.address())
    }

    /// Sends a request and feeds the reply to `sink` as it arrives.
    ///
    /// `Ok` means that the reply has at least one byte, and that the peer closed the connection
    /// or `sink` stopped. `sink` must check that the reply is whole.
    ///
    /// # Errors
    ///
    /// - The errors of [`command`](Self::command), except `InvalidInput` and `Truncated`.
    /// - The errors of `sink`.
    ///
    /// # Cancel safety
    ///
    /// If the future is dropped, `sink` has received a part of the reply.
    pub(crate) async fn exchange<S: ReplyReader>(
        &self,
        request: &Request,
        deadline: &Deadline,
        sink: &mut S,
    ) -> Result<()> {
        self.counted(request, deadline, &mut ByteCounts::default(), sink).await
    }

    /// Sends a request and returns the reply, without a check that the reply is whole.
    ///
    /// # Errors
    ///
    /// - The errors of [`exchange`](Self::exchange).
    /// - [`OutcomeUnknown`](crate::ErrorKind::OutcomeUnknown) for any error of a write after the
    ///   first byte was sent.
    pub(crate) async fn reply(&self, request: &Request, deadline: &Deadline) -> Result<Vec<u8>> {
        let mut whole = Collect(Vec::new());
        self.exchange_once(request, deadline, &mut whole).await?;
        Ok(whole.0)
    }

    /// Sends a request and feeds the reply to `sink`, as [`exchange`](Self::exchange) does.
    ///
    /// # Errors
    ///
    /// - The errors of [`exchange`](Self::exchange).
    /// - [`OutcomeUnknown`](crate::ErrorKind::OutcomeUnknown) for any error of a write after the
    ///   first byte was sent.
    pub(crate) async fn exchange_once<S: ReplyReader>(
        &self,
        request: &Request,
        deadline: &Deadline,
        sink: &mut S,
    ) -> Result<()> {
        let mut traffic = ByteCounts::default();
        match self.counted(request, deadline, &mut traffic, sink).await {
            Err(error) if request.is_write() && traffic.sent > 0 => Err(error.into_unknown()),
            result => result,
        }
    }

    async fn counted<S: ReplyReader>(
        &self,
        request: &Request,
        deadline: &Deadline,
        traffic: &mut ByteCounts,
        sink: &mut S,
    ) -> Result<()> {
        let span = tracing::debug_span!("command", address = %self.address(), command = request.name());
        async {
            let start = Instant::now();
            let result = self.run(request, deadline, traffic, sink).await;
            tracing::debug!(
                bytes = traffic.received,
                duration = ?start.elapsed(),
                outcome = ?result.as_ref().map_err(Error::kind),
                "command"
            );
            result.map_err(self.with_context(request.name()))
        }
        .instrument(span)
        .await
    }

    async fn run<S: ReplyReader>(
        &self,
        request: &Request,
        deadline: &Deadline,
        traffic: &mut ByteCounts,
        sink: &mut S,
    ) -> Result<()> {
        if request.is_raw() && self.address().worker().is_some() {
            return self.run_at_prompt(request, deadline, traffic, sink).await;
        }
        let request = &match self.address().worker() {
            None => Cow::Borrowed(request),
            Some(worker) => Cow::Owned(request.to_worker(worker)?),
        };
        let mut permit = self.permit(deadline).await?;
        let exchange = async {
            let stream = self.connect(deadline).await?;
            let sent = request.as_bytes();
            let mut connection = Connection::new(stream, permit.take_own(), request.abandoned(), sent.len());
            let parsing = Spent::new(self.0.shared.as_deref().map(|shared| &shared.parsing_time));
            let result = match self.address().worker() {
                None => exchange::exchange(&mut connection, sent, deadline, traffic, parsing, sink).await,
                Some(worker) => {
                    let mut reply = WorkerReply::new(worker, sink);
                    let result =
                        exchange::exchange(&mut connection, sent, deadline, traffic, parsing, &mut reply)
                            .await;
                    result.and_then(|()| reply.finish())
                }
            };
            // From 3.0 on a master does not close behind its message that it has no such worker.
            if result.as_ref().map_or_else(Error::is_worker_missing, |()| true) {
                connection.ended();
            }
            result
        };
        self.0.reachability.watch(exchange).await
    }

    /// Runs a line of the caller on a worker behind its master. The line is sent when the master shows the
    /// prompt of the worker, so the master executes no part of it.
    async fn run_at_prompt<S: ReplyReader>(
        &self,
        request: &Request,
        deadline: &Deadline,
        traffic: &mut ByteCounts,
        sink: &mut S,
    ) -> Result<()> {
        if request.leads_elsewhere() {
            return Err(Error::invalid(
                "a command begins with `@`: a master would send it to another process",
            ));
        }
        request.check_for_master()?;
        let mut connection = self.interactive(deadline).await?;
        let reply = connection.send_last(request, deadline, &mut traffic.sent).await?;
        traffic.received = reply.len();
        sink.feed(&reply).map(drop)
    }

    /// Opens a connection for interactive mode: see [`Interactive`].
    ///
    /// # Errors
    ///
    /// - The errors of [`command`](Self::command) that occur before a command is sent, without
    ///   command and address.
    pub(crate) async fn interactive(&self, deadline: &Deadline) -> Result<Interactive<'_>> {
        let permit = self.permit(deadline).await?;
        let reachability = &self.0.reachability;
        let mut stream = reachability.watch(self.connect(deadline)).await?;
        let Some(worker) = self.address().worker() else {
            return Ok(Interactive::new(stream, permit, reachability));
        };
        let prompt = reachability.watch(worker::enter(&mut stream, worker, deadline)).await?;
        Ok(Interactive::of_worker(stream, worker, prompt, permit, reachability))
    }

    /// Waits for a turn of its own, and keeps it until the guard is dropped. For work that must not meet
    /// other work of its kind in the same process. Take the turn before a connection: the holder of the
    /// turn needs one to go on.
    pub(crate) async fn turn(&self, step: Step, deadline: &Deadline) -> Result<OwnedMutexGuard<()>> {
        let turn = Arc::clone(&self.0.turns).lock_owned();
        deadline.timeout(step, deadline.limits().command_timeout, turn).await
    }

    /// Connects and sends a request for a reply without an end. The limits of `deadline` apply to this
    /// call, and to the first reads through [`Following::line_within`].
    ///
    /// # Errors
    ///
    /// - The errors of [`command`](Self::command) that occur before a reply is received.
    /// - `InvalidInput` behind a master: a hung worker would occupy a connection of the master after
    ///   each reply that is given up.
    pub(crate) async fn follow(&self, request: &Request, deadline: &Deadline) -> Result<Following> {
        if self.address().worker().is_some() {
            let text = "a ring is not followed through a master, which closes no connection behind it";
            return Err(Error::invalid(text));
        }
        let place = self.place(deadline).await?;
        let permit = self.permit(deadline).await?;
        let mut stream = self.0.reachability.watch(self.connect(deadline)).await?;
        let sending = exchange::send(&mut stream, request.as_bytes(), deadline, &mut 0).await?;
        sending.map_err(|error| Error::new(Problem::Io(error.into())))?;
        drop(permit);
        Ok(Following::new(stream, place))
    }

    /// Waits until one more connection may stay open.
    async fn place(&self, deadline: &Deadline) -> Result<Option<OwnedSemaphorePermit>> {
        let place = Arc::clone(&self.0.places).acquire_owned();
        // `acquire_owned` fails only if the semaphore is closed, which never happens.
        Ok(deadline.timeout(QUEUE, deadline.limits().command_timeout, place).await?.ok())
    }

    /// Waits until one more connection may be opened.
    async fn permit(&self, deadline: &Deadline) -> Result<Permit<'_>> {
        // The permit of the socket comes first: commands that wait for a hung process hold no
        // permit of the cluster.
        let total = deadline.limits().command_timeout;
        let mut own = Vec::with_capacity(self.0.permits.len());
        for permits in &self.0.permits {
            let permit = Arc::clone(permits).acquire_owned();
            own.extend(deadline.timeout(QUEUE, total, permit).await?.ok());
        }
        let mut permit = match &self.0.shared {
            Some(shared) => deadline.timeout(QUEUE, total, shared.acquire(&self.0.reachability)).await?,
            None => Permit::default(),
        };
        permit.hold_own(own);
        if self.address().is_of_old_worker() {
            deadline.sleep(QUEUE, GAP).await?;
        }
        // The wait for the permit may have used up the time of the command.
        deadline.check(QUEUE)?;
        Ok(permit)
    }

    async fn connect(&self, deadline: &Deadline) -> Result<Box<dyn Stream>> {
        async {
            let start = Instant::now();
            let connected = connect(self.address().socket(), deadline).await;
            tracing::debug!(
                duration = ?start.elapsed(),
                outcome = ?connected.as_ref().map(|_| ()).map_err(Error::kind),
                "connect"
            );
            connected
        }
        .instrument(tracing::debug_span!("connect"))
        .await
    }
}

impl fmt::Debug for StatsSocket {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("StatsSocket")
            .field("address", &self.0.address)
            .field("limits", &self.0.limits)
            .field("free", &self.0.permits.iter().map(|permits| permits.available_permits()).min())
            .finish()
    }
}

/// Pause before each connection to an old worker. The worker ends in a moment without a connection, so
/// clients that ask it again and again would keep it alive.
const GAP: Duration = Duration::from_millis(5);

fn semaphore(permits: usize) -> Arc<Semaphore> {
    Arc::new(Semaphore::new(permits.clamp(1, Semaphore::MAX_PERMITS)))
}
