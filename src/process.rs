//! Client of one HAProxy process: sends commands and reads their replies.

mod batch;
mod entries;
mod identified;
mod server_numbers;
mod task;

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use futures::FutureExt as _;
use futures::future::BoxFuture;
use tokio::time::Instant;

pub(crate) use batch::{Batch, LONGEST};
pub(crate) use identified::{Executed, IdentifiedConnection};
pub(crate) use server_numbers::ServerNumbers;
pub(crate) use task::{Task, on_any_thread};

use crate::address::Address;
use crate::error::{Error, ErrorKind, Failure, Problem, Result};
use crate::protocol::{
    self, Command, Form, Idempotency, Nbproc, PromptedReply, ReadReply, Reply, Request, Response, malformed,
    read_data,
};
use crate::show::stat::{LastReply, StatFilter};
use crate::show::{self, EntryReader, Info, ProcessReport, ReportParser, TableEntry};
use crate::snapshot::Record;
use crate::transport::{Deadline, StatsSocket, Step};

/// Command that identifies a process, on any connection.
const IDENTIFYING: &str = "show info";

/// Maximum number of times that an idempotent command is sent because the connection broke.
const ATTEMPTS: usize = 3;

const STOPPING: Step = Step::new("waiting for the new worker", "answer");
const RELOADING: Step = Step::new("waiting for the master", "connection");

/// Pauses before a stopping process is probed again.
const FIRST_PAUSE: Duration = Duration::from_millis(2);
const LAST_PAUSE: Duration = Duration::from_millis(100);

/// Client of a stats socket of the cluster.
#[derive(Debug, Clone)]
pub(crate) struct ProcessClient {
    pub(crate) socket: StatsSocket,
    pub(crate) host: Arc<str>,
    pub(crate) numbers: Arc<ServerNumbers>,
    pub(crate) last: LastReply,
}

impl ProcessClient {
    pub(crate) fn address(&self) -> &Address {
        self.socket.address()
    }

    /// Returns `true` if the process is a worker behind its master.
    fn is_behind_master(&self) -> bool {
        self.address().worker().is_some()
    }

    /// Returns `true` if another process may answer at the address after a reload.
    pub(crate) fn may_be_replaced(&self) -> bool {
        !self.address().is_of_old_worker()
    }

    /// Returns the behaviour of the process that has answered with `info`.
    pub(crate) fn nbproc(&self, info: &Info) -> Nbproc {
        if info.is_stopping() && !self.may_be_replaced() {
            return Nbproc::of_old_worker();
        }
        Nbproc::new(info.nbproc())
    }

    /// Reads the report of the process, `show info` and the rows in `scope`, on one connection.
    pub(crate) fn read<'a>(
        &'a self,
        scope: &'a StatFilter,
        deadline: &'a Deadline,
    ) -> BoxFuture<'a, Result<Arc<ProcessReport>>> {
        match scope {
            StatFilter::NamedServer { backend, name } => self.read_server(backend, name, deadline).boxed(),
            _ if self.is_behind_master() => {
                self.during_reload(deadline, || self.sweep(scope, deadline).boxed()).boxed()
            }
            _ => self.sweep(scope, deadline).boxed(),
        }
    }

    /// Runs a query. Behind a master, runs it again as [`outlast_reload`] does.
    async fn during_reload<'a, T>(
        &'a self,
        deadline: &'a Deadline,
        query: impl Fn() -> BoxFuture<'a, Result<T>>,
    ) -> Result<T> {
        if !self.is_behind_master() {
            return query().await;
        }
        // The number leads to no worker for a moment.
        let may_pass = |error: &Error| error.kind() == ErrorKind::NotFound && self.may_be_replaced();
        outlast_reload(&deadline.half(), may_pass, query).await
    }

    /// Reads the report as [`read`](Self::read) does, and once more if the process is stopping,
    /// unless it is the process with the ID `stopping`, which is known to be stopping. Also returns the
    /// time at which the reply ended, or the read was given up, in microseconds since 1970.
    ///
    /// After a reload, the worker that is stopping may have accepted the connection; the next
    /// connection leads to the new worker.
    pub(crate) async fn read_settled(
        &self,
        scope: &StatFilter,
        stopping: Option<u64>,
        deadline: &Deadline,
    ) -> (Result<Arc<ProcessReport>>, u64) {
        let (first, ended_at) = (self.read(scope, deadline).await, now());
        let is_known = |info: &Info| stopping.is_some() && info.pid() == stopping;
        let is_settled = |info: &Info| !info.is_stopping() || is_known(info) || !self.may_be_replaced();
        if first.as_ref().map_or(true, |reading| is_settled(&reading.info)) {
            return (first, ended_at);
        }
        match self.read(scope, deadline).await {
            Ok(second) => (Ok(second), now()),
            // The figures of the first reply are not newer because the second read took its time.
            Err(_) => (first, ended_at),
        }
    }

    async fn sweep(&self, scope: &StatFilter, deadline: &Deadline) -> Result<Arc<ProcessReport>> {
        let is_all = matches!(scope, StatFilter::All);
        let last = if is_all { self.last.clone() } else { self.last.of_others() };
        let request = ReportParser::request(scope)?;
        let mut parser = ReportParser::after(last).keeping(scope.selection());
        self.socket.exchange(&request, deadline, &mut parser).await?;
        let absent = parser.is_absent();
        let reading = parser.finish().map_err(|error| error.at(self.address()))?;
        if !absent && scope.may_lack_rows(&reading.stat, reading.info.version()) {
            if let Some(all) = scope.of_all_proxies() {
                return self.read(&all, deadline).await;
            }
        }
        Ok(Arc::new(reading))
    }

    /// Runs a command on a connection of its own.
    ///
    /// During a reload, the worker that is about to stop may accept the connection. It refuses some
    /// commands, because it no longer runs any proxy, and executes others without effect on the new
    /// worker. In both cases the command is sent again to the new worker.
    pub(crate) async fn execute<T>(
        &self,
        command: &Command,
        nbproc: Nbproc,
        read: ReadReply<T>,
        deadline: &Deadline,
    ) -> Result<Response<T>> {
        if self.is_behind_master() {
            return self.execute_behind_master(command, read, deadline).await;
        }
        if command.is_identified() {
            return self.execute_in_successor(command, read, deadline).await;
        }
        let reply = self.reply(command, deadline).await?;
        match read(self.own_reply(command, &reply)?.to_vec(), command, nbproc) {
            Err(Problem::Stopped(_)) => self.execute_in_successor(command, read, deadline).await,
            response => response.map_err(Error::new).map_err(self.with_context(command)),
        }
    }

    /// Runs a command on connections that identify the process in the same reply, until the process
    /// is not stopping, or no other process answers at its address.
    async fn execute_in_successor<T>(
        &self,
        command: &Command,
        read: ReadReply<T>,
        deadline: &Deadline,
    ) -> Result<Response<T>> {
        let request = command.encode(Form::Identified)?;
        let mut pause = FIRST_PAUSE;
        loop {
            let reply = self.socket.reply(&request, deadline).boxed().await?;
            if !Info::begins(&reply) {
                // HAProxy has executed no part of the line, for example because it is too long.
                let response = self.own_reply(command, &reply).and_then(|own| {
                    let response = read(own.to_vec(), command, Nbproc::default());
                    response.map_err(Error::new).map_err(self.with_context(command))
                });
                let unidentified = || self.lost(command, Error::new(malformed("`show info`", &reply)));
                return Err(response.err().unwrap_or_else(unidentified));
            }
            let (info, rest) = Info::split(&reply).map_err(|error| self.lost(command, error))?;
            let own = self.own_reply(command, rest)?;
            let response = read(own.to_vec(), command, Nbproc::new(info.nbproc()));
            let response = response.map_err(Error::new).map_err(self.with_context(command));
            if !info.is_stopping() {
                return response;
            }
            match (self.has_successor(&info, pause, deadline).await, &response) {
                (Ok(true), _) => {}
                (Err(error), Ok(_)) if command.idempotency() != Idempotency::Safe => {
                    return Err(self.lost(command, error));
                }
                _ => return response,
            }
            pause = (pause * 2).min(LAST_PAUSE);
        }
    }

    /// Runs a command on interactive connections that identify the worker, until no reload has
    /// replaced it. A reload cuts these connections, so the worker is asked again on another one.
    async fn execute_behind_master<T>(
        &self,
        command: &Command,
        read: ReadReply<T>,
        deadline: &Deadline,
    ) -> Result<Response<T>> {
        if command.idempotency() == Idempotency::Safe {
            let run = || async { self.identified(deadline).await?.run(command, read, deadline).await };
            return self.during_reload(deadline, || run().boxed()).await;
        }
        let mut attempts = 0;
        loop {
            attempts += 1;
            let mut connection = self.identified(deadline).await?;
            let result = connection.run(command, read, deadline).await;
            // A reload cuts off connections, and the command may be sent again.
            let is_cut_off = result.as_ref().is_err_and(Error::is_cut_off);
            if is_cut_off && command.idempotency() == Idempotency::Idempotent && attempts < ATTEMPTS {
                continue;
            }
            if result.as_ref().is_err_and(Error::is_unknown) {
                return result;
            }
            match (connection.was_replaced(deadline).await, &result) {
                (Ok(true), _) => {}
                (Err(error), Ok(_)) => return Err(error),
                _ => return result,
            }
        }
    }

    /// Runs a query on a connection that also identifies the process. Returns `show info`, the time at
    /// which the reply ended, in microseconds since 1970, and the answer.
    pub(crate) async fn identified_query(
        &self,
        command: &Command,
        deadline: &Deadline,
    ) -> Result<(Info, u64, Response<Vec<u8>>)> {
        let (info, response) = if self.is_behind_master() {
            let run = || async {
                let mut connection = self.identified(deadline).await?;
                let response = connection.run(command, read_data, deadline).await?;
                Ok((connection.close(), response))
            };
            self.during_reload(deadline, || run().boxed()).await?
        } else {
            let reply = self.socket.reply(&command.encode(Form::Identified)?, deadline).boxed().await?;
            if !Info::begins(&reply) {
                return Err(self.lost(command, Error::new(malformed("`show info`", &reply))));
            }
            let (info, rest) = Info::split(&reply).map_err(|error| self.lost(command, error))?;
            let own = self.own_reply(command, rest)?.to_vec();
            let response = read_data(own, command, self.nbproc(&info)).map_err(Error::new);
            (info, response.map_err(self.with_context(command))?)
        };
        Ok((info, now(), response))
    }

    /// Returns the part of a whole reply that belongs to the command itself.
    fn own_reply<'a>(&self, command: &Command, reply: &'a [u8]) -> Result<&'a [u8]> {
        let own = reply.get(command.bytes_before_reply(reply)..).unwrap_or_default();
        protocol::check_ending_of(command, own).map_err(|error| self.lost(command, error))?;
        Ok(own)
    }

    /// Returns `true` if the process that answers now is not the process of `before`; `false` if no
    /// process listens any more.
    ///
    /// # Errors
    ///
    /// - The errors of [`info`](Self::info): the process that listens did not say which one it is.
    async fn has_successor(&self, before: &Info, pause: Duration, deadline: &Deadline) -> Result<bool> {
        deadline.sleep(STOPPING, pause).await?;
        match self.info(deadline).await {
            Ok((now, _)) => Ok(now.pid() != before.pid()),
            // A master without an answer may still be loading the configuration.
            Err(error) if self.is_behind_master() => Err(error),
            Err(error) if matches!(error.kind(), ErrorKind::Connect | ErrorKind::Closed) => Ok(false),
            Err(error) => Err(error),
        }
    }

    /// Connects to the process and identifies it on the connection. If the process is stopping and
    /// another process answers in its place, connects to that process instead.
    pub(crate) fn identified<'a>(
        &'a self,
        deadline: &'a Deadline,
    ) -> BoxFuture<'a, Result<IdentifiedConnection<'a>>> {
        let identify = async move {
            let mut pause = FIRST_PAUSE;
            loop {
                let identified = self.opened(deadline).await?;
                if !identified.info.is_stopping() || !self.may_be_replaced() {
                    return Ok(identified);
                }
                // The next probe needs a connection too, and the limit may allow only one.
                let info = identified.close();
                if !self.has_successor(&info, pause, deadline).await? {
                    return self.opened(deadline).await;
                }
                pause = (pause * 2).min(LAST_PAUSE);
            }
        };
        async move { identify.await.map_err(self.socket.with_context(IDENTIFYING)) }.boxed()
    }

    async fn opened<'a>(&'a self, deadline: &'a Deadline) -> Result<IdentifiedConnection<'a>> {
        self.during_reload(deadline, || IdentifiedConnection::open(self, deadline).boxed()).await
    }

    /// Runs a command on a connection of its own, and checks that the reply is complete. The reply
    /// may contain any text, including empty lines.
    pub(crate) fn dump<'a>(
        &'a self,
        command: &'a Command,
        nbproc: Nbproc,
        deadline: &'a Deadline,
    ) -> BoxFuture<'a, Result<Response<Vec<u8>>>> {
        async move {
            if self.is_behind_master() {
                let dump = || async { self.identified(deadline).await?.dump(command, deadline).await };
                return self.during_reload(deadline, || dump().boxed()).await;
            }
            let mut reply = PromptedReply::default();
            self.socket.exchange(&command.encode(Form::Dump)?, deadline, &mut reply).await?;
            let answer =
                reply.finish().and_then(|reply| read_data(reply, command, nbproc).map_err(Error::new));
            answer.map_err(self.with_context(command))
        }
        .boxed()
    }

    /// Runs `show table NAME` on a connection of its own, and hands each entry to `visit` when it
    /// arrives. Returns the number of entries.
    ///
    /// The command is sent again during a reload of the master only if `visit` has got no entry: it
    /// would get the entries twice.
    pub(crate) async fn visit_table(
        &self,
        command: &Command,
        nbproc: Nbproc,
        visit: impl Fn(TableEntry<'_>) + Sync,
        deadline: &Deadline,
    ) -> Result<Response<u64>> {
        let entries = &AtomicU64::new(0);
        let visit = &|entry: TableEntry<'_>| {
            entries.fetch_add(1, Ordering::Relaxed);
            visit(entry);
        };
        let run = || async move {
            let visited = self.visit_table_once(command, nbproc, visit, deadline).await;
            visited.map_err(|error| error.after_entries(entries.load(Ordering::Relaxed)))
        };
        self.during_reload(deadline, || run().boxed()).await
    }

    async fn visit_table_once(
        &self,
        command: &Command,
        nbproc: Nbproc,
        visit: &(impl Fn(TableEntry<'_>) + Sync),
        deadline: &Deadline,
    ) -> Result<Response<u64>> {
        let mut reader = EntryReader::new(visit);
        self.socket.exchange(&command.encode(Form::Alone)?, deadline, &mut reader).boxed().await?;
        match reader.finish().map_err(self.with_context(command))? {
            Ok(entries) => Ok(Response::Value(entries)),
            Err(reply) => {
                let own = self.own_reply(command, &reply)?;
                let own = &*self.with_severity(own.to_vec(), command);
                let response = read_data(own.to_vec(), command, nbproc).map_err(Error::new);
                match response.map_err(self.with_context(command))? {
                    Response::Absent(message) => Ok(Response::Absent(message)),
                    Response::Value(_) => {
                        Err(self.with_context(command)(Error::new(malformed("a stick table", own))))
                    }
                }
            }
        }
    }

    /// Returns the whole, unparsed reply to a command.
    pub(crate) async fn verbatim(&self, command: &Command, deadline: &Deadline) -> Result<Reply> {
        let reply = if command.idempotency() == Idempotency::Safe {
            self.during_reload(deadline, || self.reply(command, deadline)).await?
        } else {
            self.reply(command, deadline).await?
        };
        Reply::new(reply).map_err(|error| self.lost(command, error))
    }

    /// Returns the reply to a command on a connection of its own.
    ///
    /// Boxed like [`read`](Self::read): the future is deeply nested, and would otherwise be part of
    /// the type of every future that a user creates.
    fn reply<'a>(&'a self, command: &'a Command, deadline: &'a Deadline) -> BoxFuture<'a, Result<Vec<u8>>> {
        async move { self.socket.reply(&command.encode(Form::Alone)?, deadline).await }.boxed()
    }

    /// Returns the reply with a severity, also if a master prints none.
    fn with_severity(&self, reply: Vec<u8>, command: &Command) -> Vec<u8> {
        if self.is_behind_master() { protocol::with_severity(reply, command) } else { reply }
    }

    /// Returns the error for a reply that did not arrive completely.
    fn lost(&self, command: &Command, error: Error) -> Error {
        let error = self.with_context(command)(error);
        if command.idempotency() == Idempotency::Safe { error } else { error.into_unknown() }
    }

    /// Returns a function that names a command and this process in an error, unless the error names
    /// others.
    pub(crate) fn with_context<'a>(&'a self, command: &'a Command) -> impl Fn(Error) -> Error + 'a {
        self.socket.with_context(command.redacted())
    }

    /// Returns the reply to `show info`, and the time at which it ended, in microseconds since
    /// 1970.
    pub(crate) fn info<'a>(&'a self, deadline: &'a Deadline) -> BoxFuture<'a, Result<(Info, u64)>> {
        let ask = move || async move {
            let reply = self.socket.reply(&Request::fixed(IDENTIFYING, &[IDENTIFYING]), deadline).await?;
            let info = protocol::check_ending(&reply).and_then(|()| Info::parse(&reply));
            Ok((info.map_err(self.socket.with_context(IDENTIFYING))?, now()))
        };
        self.during_reload(deadline, move || ask().boxed()).boxed()
    }

    /// Returns the record of a reply that ended, or of a read that was given up, at `read_at`, in
    /// microseconds since 1970.
    pub(crate) fn record(&self, answer: Result<Arc<ProcessReport>>, read_at: u64) -> Record {
        let mut record = self.to_record(answer.map_err(|error| Failure::new(error, show::READING)));
        record.read_at = read_at;
        record
    }

    /// Returns the record of a reply that ended, or of a process that was given up, just now.
    pub(crate) fn to_record(&self, answer: Result<Arc<ProcessReport>, Failure>) -> Record {
        let mut record = Record::new(self.host.clone(), self.address().clone(), answer);
        record.read_at = now();
        record
    }
}

/// Runs a query behind a master again while the master reloads, until the deadline: it closes its
/// connections then, and may take none until it has loaded the configuration. A master that takes no
/// connections may also be down, so this is waited for a shorter time. Other errors that `may_pass` are
/// waited for too. A query that has handed entries on is not run again.
pub(crate) async fn outlast_reload<'a, T>(
    deadline: &Deadline,
    may_pass: impl Fn(&Error) -> bool,
    query: impl Fn() -> BoxFuture<'a, Result<T>>,
) -> Result<T> {
    let (start, mut pause, mut cuts) = (Instant::now(), FIRST_PAUSE, 0);
    loop {
        let result = query().await;
        let Err(error) = &result else { return result };
        let is_reloading = match error.kind() {
            _ if error.has_handed_entries_on() => false,
            ErrorKind::Connect => start.elapsed() < DOWN,
            ErrorKind::Closed | ErrorKind::Io => true,
            // HAProxy itself cuts a reply that does not fit into its buffer, each time.
            ErrorKind::Truncated => {
                cuts += 1;
                cuts < ATTEMPTS
            }
            _ => may_pass(error),
        };
        if !is_reloading || deadline.sleep(RELOADING, pause).await.is_err() {
            return result;
        }
        pause = (pause * 2).min(LAST_PAUSE);
    }
}

/// Time after which a master that takes no connections counts as down.
const DOWN: Duration = Duration::from_secs(1);

/// Returns the current time, in microseconds since 1970.
pub(crate) fn now() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_micros()).unwrap_or(u64::MAX)
}
