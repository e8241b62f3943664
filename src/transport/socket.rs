use std::fmt;
use std::sync::Arc;

use tokio::sync::Semaphore;
use tokio::time::Instant;
use tracing::Instrument;

use super::Limits;
use super::connect::{Stream, connect};
use super::deadline::{Deadline, QUEUE};
use super::drain::Connection;
use super::exchange::{self, ByteCounts};
use super::interactive::Interactive;
use super::permits::{Permit, Permits, Reachability};
use crate::address::Address;
use crate::error::Result;
use crate::protocol::{Next, Payload, Reply, ReplyReader, Request};

/// The stats socket of one HAProxy process.
///
/// Nothing is opened until a command is sent. Each command has a connection of its
/// own, which is closed behind it: no more than
/// [`connections`](Limits::max_connections) of them at once, and none between
/// commands. That is on purpose:
///
/// - the end of a connection is the only mark of the end of a reply that no reply
///   can hold;
/// - an idle connection keeps an old worker alive after a reload, and goes on
///   talking to it;
/// - it occupies one of the ten places that HAProxy has for all its stats sockets
///   together (`stats maxconn`);
/// - it would save 10 to 40 microseconds.
///
/// A clone is cheap and shares the permits of the original.
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
pub struct StatsSocket(Arc<Inner>);

struct Inner {
    address: Address,
    limits: Limits,
    /// One permit for each connection to this socket.
    permits: Arc<Semaphore>,
    /// Permits of the whole cluster, which other sockets take from too.
    shared: Option<Arc<Permits>>,
    reachability: Reachability,
}

impl StatsSocket {
    /// A socket with the default limits. Does no I/O.
    pub fn new(address: impl Into<Address>) -> Self {
        Self::with_limits(address, Limits::new())
    }

    /// A socket with limits of its own. Does no I/O.
    pub fn with_limits(address: impl Into<Address>, limits: Limits) -> Self {
        Self::make(address.into(), limits, None)
    }

    /// A socket that opens a connection only with one of the permits of its cluster.
    pub(crate) fn with_permits(address: Address, limits: Limits, shared: Arc<Permits>) -> Self {
        Self::make(address, limits, Some(shared))
    }

    fn make(address: Address, limits: Limits, shared: Option<Arc<Permits>>) -> Self {
        let permits = Arc::new(Semaphore::new(limits.max_connections.clamp(1, Semaphore::MAX_PERMITS)));
        Self(Arc::new(Inner { address, limits, permits, shared, reachability: Reachability::default() }))
    }

    /// Where the socket listens.
    pub fn address(&self) -> &Address {
        &self.0.address
    }

    /// The limits of a command that has none of its own.
    pub fn limits(&self) -> &Limits {
        &self.0.limits
    }

    /// Sends a command line as it is, and returns the whole reply as it is.
    ///
    /// The line is for HAProxy to take apart: arguments are escaped with `\`, and
    /// `;` begins another command. What HAProxy says of it is a reply too, also
    /// where it refuses. Not for commands that leave the connection open (`prompt`,
    /// `show events -w`), nor for a master socket, which never closes: they end in
    /// the time limit.
    ///
    /// # Errors
    ///
    /// [`InvalidInput`](crate::ErrorKind::InvalidInput), before anything is sent,
    /// for a line that is empty, longer than 15,359 bytes, holds NUL, CR or LF, or
    /// would leave HAProxy waiting for more: one where the last word of a command
    /// begins or ends with `<<`, or that ends with a single `\`.
    ///
    /// [`Connect`](crate::ErrorKind::Connect) if nobody listens;
    /// [`Timeout`](crate::ErrorKind::Timeout), [`TooLarge`](crate::ErrorKind::TooLarge)
    /// where a limit was passed; [`Closed`](crate::ErrorKind::Closed) if the
    /// connection ended without an answer, [`Truncated`](crate::ErrorKind::Truncated)
    /// and [`Io`](crate::ErrorKind::Io) if it ended within one. A connection is tried
    /// again while the socket is busy; once a byte was sent, nothing is. After any
    /// of these but the first two kinds, the command may have been executed.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future closes the connection and frees its permit. No later
    /// command can meet the rest of its reply. HAProxy may have executed the
    /// command, or may still do so.
    ///
    /// Some releases do not bear that a long reply is cut: one to `show servers state` or
    /// `show servers conn`, and one with another command behind it on the line. Such a
    /// reply is read to its end by a task, for a minute at most, and the permit is freed
    /// then. The task needs the Tokio runtime that the call ran on.
    pub async fn command(&self, line: &str) -> Result<Reply> {
        self.command_with(line, *self.limits()).await
    }

    /// As [`command`](Self::command), with limits for this call.
    ///
    /// [`Limits::max_connections`] stays that of the socket.
    ///
    /// # Errors
    ///
    /// Those of [`command`](Self::command).
    ///
    /// # Cancel safety
    ///
    /// That of [`command`](Self::command).
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

    /// Sends a command line with a payload: lines that HAProxy takes as they are, such as
    /// the entries of a map or the text of a certificate.
    ///
    /// The line is that of [`command`](Self::command), without the `<<` that announces the
    /// payload. Neither errors nor traces show the payload.
    ///
    /// # Errors
    ///
    /// Those of [`command`](Self::command). Before anything is sent,
    /// [`InvalidInput`](crate::ErrorKind::InvalidInput) for a payload that is empty, that
    /// holds NUL or CR, or that holds an empty line: an empty line ends a payload, and
    /// HAProxy would run the lines behind it as commands. Line and payload may have 15,359
    /// bytes together, which is what every release takes.
    ///
    /// # Example
    ///
    /// ```no_run
    /// # async fn example(socket: haproxyadmin::StatsSocket) -> haproxyadmin::Result<()> {
    /// let reply = socket.command_with_payload("add map #0", "/api api\n/static static").await?;
    /// # Ok(())
    /// # }
    /// ```
    pub async fn command_with_payload(&self, line: &str, payload: &str) -> Result<Reply> {
        let request = Payload::new(payload).and_then(|payload| Request::raw(line, Some(&payload)));
        self.whole_reply(request, &Deadline::new(*self.limits())).await
    }

    async fn whole_reply(&self, request: Result<Request>, deadline: &Deadline) -> Result<Reply> {
        let request = request.map_err(|error| error.at(self.address()))?;
        let mut whole = Collect(Vec::new());
        self.exchange(&request, deadline, &mut whole).await?;
        Reply::new(whole.0).map_err(|error| error.during(request.name()).at(self.address()))
    }

    /// Sends a request and pushes the reply into `sink` as it arrives.
    ///
    /// Whether the reply is whole is for the sink to judge: `Ok` says that it has
    /// at least one byte, and that the peer closed or the sink had enough.
    ///
    /// # Errors
    ///
    /// Those of [`command`](Self::command) from `Connect` on, but for `Truncated`;
    /// those of the sink.
    ///
    /// # Cancel safety
    ///
    /// That of [`command`](Self::command). The sink has taken a part of the reply.
    pub(crate) async fn exchange<S: ReplyReader>(
        &self,
        request: &Request,
        deadline: &Deadline,
        sink: &mut S,
    ) -> Result<()> {
        self.counted(request, deadline, &mut ByteCounts::default(), sink).await
    }

    /// As [`exchange`](Self::exchange); returns the reply, of which the end is not
    /// looked at.
    ///
    /// # Errors
    ///
    /// Those of [`exchange`](Self::exchange). If the request is a write, whatever goes
    /// wrong once a byte was sent is
    /// [`OutcomeUnknown`](crate::ErrorKind::OutcomeUnknown).
    pub(crate) async fn reply(&self, request: &Request, deadline: &Deadline) -> Result<Vec<u8>> {
        let mut traffic = ByteCounts::default();
        let mut whole = Collect(Vec::new());
        match self.counted(request, deadline, &mut traffic, &mut whole).await {
            Ok(()) => Ok(whole.0),
            Err(error) if request.is_write() && traffic.sent > 0 => Err(error.into_unknown()),
            Err(error) => Err(error),
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
                outcome = ?result.as_ref().map_err(crate::error::Error::kind),
                "command"
            );
            result.map_err(|error| error.during(request.name()).at(self.address()))
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
        let mut permit = self.permit(deadline).await?;
        let exchange = async {
            let stream = self.connect(deadline).await?;
            let sent = request.as_bytes();
            let mut connection = Connection::new(stream, permit.take_own(), request.abandoned(), sent.len());
            let result = exchange::exchange(&mut connection, sent, deadline, traffic, sink).await;
            if result.is_ok() {
                connection.ended();
            }
            result
        };
        self.0.reachability.watch(exchange).await
    }

    /// Opens a connection for interactive mode: see [`Interactive`].
    ///
    /// # Errors
    ///
    /// Those of [`command`](Self::command) up to `Timeout`, without command and
    /// address.
    pub(crate) async fn interactive(&self, deadline: &Deadline) -> Result<Interactive<'_>> {
        let permit = self.permit(deadline).await?;
        let stream = self.0.reachability.watch(self.connect(deadline)).await?;
        Ok(Interactive::new(stream, permit, &self.0.reachability))
    }

    /// Waits until one more connection may be opened.
    async fn permit(&self, deadline: &Deadline) -> Result<Permit<'_>> {
        // The permit of the socket comes first: a command that waits for a process
        // that hangs keeps no permit of the cluster from other processes.
        let total = deadline.limits().command_timeout;
        let own = Arc::clone(&self.0.permits).acquire_owned();
        let own = deadline.timeout(QUEUE, total, own).await?.ok();
        let mut permit = match &self.0.shared {
            Some(shared) => deadline.timeout(QUEUE, total, shared.acquire(&self.0.reachability)).await?,
            None => Permit::default(),
        };
        permit.hold_own(own);
        // The permit may have come at the very end of the time.
        deadline.check(QUEUE)?;
        Ok(permit)
    }

    async fn connect(&self, deadline: &Deadline) -> Result<Box<dyn Stream>> {
        async {
            let start = Instant::now();
            let connected = connect(self.address(), deadline).await;
            tracing::debug!(
                duration = ?start.elapsed(),
                outcome = ?connected.as_ref().map(|_| ()).map_err(crate::error::Error::kind),
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
            .field("free", &self.0.permits.available_permits())
            .finish()
    }
}

/// Keeps a reply as it is.
struct Collect(Vec<u8>);

impl ReplyReader for Collect {
    fn feed(&mut self, bytes: &[u8]) -> Result<Next> {
        self.0.extend_from_slice(bytes);
        Ok(Next::More)
    }
}
