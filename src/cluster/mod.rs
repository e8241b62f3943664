//! Many HAProxy processes: their membership, and the calls that reach all of them.

mod builder;
mod fan_out;
mod host;
mod identity;
mod membership;
mod roster;
mod selector;
mod shared_counters;
mod snapshot_stream;
mod view;

pub use builder::ClusterBuilder;
pub use fan_out::{Outcome, Outcomes};
pub use membership::{Ignored, IgnoredReason};
pub use selector::Selector;
pub use snapshot_stream::SnapshotStream;

pub(crate) use fan_out::{OnceJob, Target};
pub(crate) use identity::Identity;
pub(crate) use roster::Listed;

use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;

use futures::channel::mpsc::UnboundedSender;
use futures::future::join_all;

use crate::address::Address;
use crate::error::Result;
use crate::protocol::Command;
use crate::show::stat::{Scope, StatFilter};
use crate::snapshot::{Process, Snapshot};
use crate::transport::{Deadline, Limits};
use fan_out::{FanOut, Targets};
use membership::Membership;
use view::View;

/// Many HAProxy processes, managed as one.
///
/// Cheap to clone; `Send` and `Sync`. The cluster holds no connection open: each call asks all
/// processes at once, with one connection to each, and waits for each process no longer than its
/// [`Limits`](crate::Limits) allow.
///
/// # Members
///
/// Sockets come from directories, which each call reads again, from addresses, and from masters, which
/// each call asks for their workers. Every socket is
/// either a *member* or [*ignored*](Cluster::ignored) for a reason. The figures of a member count,
/// and its failures are reported.
///
/// A member stays a member until [`rediscover`](Cluster::rediscover), even if it fails. An ignored
/// socket file is probed again when another file takes its name. At an address that was given
/// explicitly, a process is expected: an answer of any other program is reported as a failure, and
/// [`missing`](crate::Snapshot::missing) lists the address if its process of `nbproc` cannot be read.
///
/// # Partial failure
///
/// Reads are strict: they fail with [`ErrorKind::Incomplete`](crate::ErrorKind::Incomplete) if a
/// member does not answer, and the error [holds](crate::Error::snapshot) the answers of the others.
/// If no member answers and all of them fail for the same reason, the error has the kind of that
/// reason. Use [`allow_partial`](Cluster::allow_partial) to get partial results instead.
///
/// # Memory
///
/// When a snapshot is dropped, the memory of the last reply of each member, at most 1 MiB, is kept for the next
/// read of the member. It is given back when the member leaves or the cluster is dropped.
///
/// # Cancel safety
///
/// Dropping the future of a read closes its connections and leaves the members as they were. Some
/// releases mishandle a long reply that is cut short; a task reads such a reply to its end, for a
/// minute at most, as described at [`StatsSocket::command`](crate::StatsSocket::command).
///
/// Dropping the future of a change closes its connections. Each process may have executed the
/// command, or may still do so: see [`guide::fan_out`](crate::guide::fan_out#unknown-outcomes).
///
/// # Example
///
/// ```no_run
/// # async fn example() -> haproxyadmin::Result<()> {
/// use haproxyadmin::Cluster;
///
/// let cluster = Cluster::from_dir("/run/haproxy").await?;
/// for backend in cluster.backends().await? {
///     println!("{} {} {:?}", backend.name(), backend.requests(), backend.processes());
/// }
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct Cluster {
    membership: Arc<Membership>,
    view: View,
}

impl Cluster {
    /// Returns the cluster of every HAProxy stats socket in a directory, with the defaults of
    /// [`ClusterBuilder`]. Reads the directory, and connects to no process.
    ///
    /// **The cluster does not know a process if its socket file is absent.** If a process is down
    /// and its file is gone when the directory is first read, every call succeeds without the
    /// process, even a strict call. Use [`expect_at_least`](ClusterBuilder::expect_at_least) or
    /// [`expect`](ClusterBuilder::expect) to make calls fail in this case.
    ///
    /// # Errors
    ///
    /// - [`ErrorKind::Io`](crate::ErrorKind::Io) if the directory cannot be read.
    /// - [`ErrorKind::NotFound`](crate::ErrorKind::NotFound) if it contains no socket.
    pub async fn from_dir(path: impl Into<PathBuf>) -> Result<Self> {
        Self::builder().dir(path).build().await
    }

    /// Returns the cluster of the processes at these addresses, with the defaults of
    /// [`ClusterBuilder`]. The processes may be down at this time.
    ///
    /// # Errors
    ///
    /// - [`ErrorKind::InvalidInput`](crate::ErrorKind::InvalidInput) if an address is not valid, or
    ///   if no address is given.
    pub async fn from_addresses<A>(addresses: impl IntoIterator<Item = A>) -> Result<Self>
    where
        A: TryInto<Address>,
        A::Error: Into<crate::error::Error>,
    {
        let mut builder = Self::builder();
        for address in addresses {
            builder = builder.address(address.try_into().map_err(Into::into)?);
        }
        builder.build().await
    }

    /// Returns a builder with the default options.
    pub fn builder() -> ClusterBuilder {
        ClusterBuilder::default()
    }

    /// Reads the report of every member.
    ///
    /// Sends `show info;show cli level;show cli sockets;show stat` to all members at once, with one
    /// connection to each. Every level permits these commands. HAProxy produces the rows while they
    /// are read, so the rows of one process are not from exactly the same moment.
    ///
    /// # Errors
    ///
    /// The first two do not apply to a view of [`allow_partial`](Cluster::allow_partial).
    ///
    /// - [`ErrorKind::Incomplete`](crate::ErrorKind::Incomplete) if a member did not answer, or if
    ///   something is [missing](Snapshot::missing), such as a directory that cannot be read.
    /// - The kind of the failures if no member answered and all failures are of one kind: see
    ///   [`Snapshot::complete`].
    /// - [`ErrorKind::NotFound`](crate::ErrorKind::NotFound) if no socket is a member. The error
    ///   lists the ignored sockets and the reasons.
    /// - [`ErrorKind::Io`](crate::ErrorKind::Io) if a directory cannot be read and there is no
    ///   member.
    pub async fn snapshot(&self) -> Result<Snapshot> {
        self.read(&StatFilter::All).await
    }

    /// Reads the report of every member as [`snapshot`](Cluster::snapshot) does, with only the rows and columns in
    /// `scope`.
    ///
    /// Objects of other kinds are not in the snapshot. A column that is not in the scope reads as one that
    /// the release does not print: its figure is `None`.
    ///
    /// The snapshot is like any other one, with fewer rows. [`Snapshot::join`] keeps the newer answer of each
    /// process as it is, and fills no gaps of it with an older one.
    /// [`Snapshot::since`] compares the columns that both snapshots have; read both with the same scope,
    /// because objects that only the earlier one has count as gone. It notices a `clear counters` only by the
    /// counters that were read.
    /// [`Snapshot::with_counters_from_files`] renews the columns that are there.
    ///
    /// # Errors
    ///
    /// - The errors of [`snapshot`](Cluster::snapshot).
    ///
    /// # Example
    ///
    /// ```no_run
    /// # async fn example(cluster: haproxyadmin::Cluster) -> haproxyadmin::Result<()> {
    /// use haproxyadmin::Scope;
    ///
    /// let scope = Scope::frontends().columns(["scur", "rate", "ereq"])?;
    /// for frontend in cluster.snapshot_of(&scope).await?.frontends() {
    ///     println!("{} {:?} sessions, {} requests", frontend.name(), frontend.scur(), frontend.requests());
    /// }
    /// # Ok(())
    /// # }
    /// ```
    #[doc(alias = "show stat")]
    pub async fn snapshot_of(&self, scope: &Scope) -> Result<Snapshot> {
        self.read(&scope.filter()).await
    }

    /// Reads the report of every member as [`snapshot`](Cluster::snapshot) does, and hands each answer on when it
    /// arrives: a member that hangs delays the answers of no other member.
    ///
    /// # Errors
    ///
    /// - Awaiting the stream fails as [`snapshot`](Cluster::snapshot) does.
    #[doc(alias = "show stat")]
    pub fn snapshot_stream(&self) -> SnapshotStream {
        SnapshotStream::new(self.clone())
    }

    /// Reads the rows in `scope` from every member.
    pub(crate) async fn read(&self, scope: &StatFilter) -> Result<Snapshot> {
        self.read_and_hand_on(scope, None).await
    }

    /// Reads the rows in `scope` from every member, and hands the answers on to `sender` when they arrive.
    async fn read_and_hand_on(
        &self,
        scope: &StatFilter,
        sender: Option<&UnboundedSender<Process>>,
    ) -> Result<Snapshot> {
        let limits = self.limits();
        let snapshot = match self.view.only.as_deref() {
            None => self.membership.sweep(scope, false, limits, sender).await?,
            Some(only) => {
                let deadline = &Deadline::new(limits);
                let command = Command::read("show stat");
                let Targets { targets, .. } =
                    Targets::find(&self.membership, Some(only), &command, deadline).await?;
                let read = async |target: &Target| {
                    let record = target.read_on_task(scope, deadline).await;
                    if let (Some(sender), Ok(_)) = (sender, &record.answer) {
                        let process = Process::new(target.label().into(), Arc::new(record.clone()));
                        // Without a reader, the answer is only part of the snapshot.
                        let _ = sender.unbounded_send(process);
                    }
                    record
                };
                let mut records = join_all(targets.iter().map(read)).await;
                self.membership.find_shared_counters(&mut records, deadline).await;
                Snapshot::new(records.into_iter().map(Arc::new))
            }
        };
        if self.view.partial { Ok(snapshot) } else { snapshot.complete() }
    }

    /// Returns the addresses of the members, as the last call that asked them found. Before the
    /// first call, these are the explicitly given addresses.
    pub fn members(&self) -> Vec<Address> {
        self.membership.members()
    }

    /// Returns `true` if the socket is a member, as the last call that asked the members found.
    pub(crate) fn is_member(&self, address: &Address) -> bool {
        self.membership.table().is_member(address)
    }

    /// Returns the sockets that were found and are not members, with the reason, as the last call
    /// that asked the members found.
    pub fn ignored(&self) -> Vec<Ignored> {
        self.membership.ignored()
    }

    /// Determines the membership again: drops members if their sockets are gone, and probes every
    /// ignored socket.
    ///
    /// Returns the reports of the members. Succeeds even if some members did not answer.
    ///
    /// # Errors
    ///
    /// - The errors of [`snapshot`](Cluster::snapshot) on a view of
    ///   [`allow_partial`](Cluster::allow_partial).
    pub async fn rediscover(&self) -> Result<Snapshot> {
        self.membership.sweep(&StatFilter::All, true, self.limits(), None).await
    }

    /// Returns a view of this cluster that returns partial results. Calls through the view do not
    /// fail if they fail on some members.
    ///
    /// Check [`Snapshot::failed`](crate::Snapshot::failed) and
    /// [`Outcomes::failed`](crate::Outcomes::failed): nothing else reports the failures. Objects
    /// that are made or read through the view keep using it.
    #[must_use]
    pub fn allow_partial(&self) -> Self {
        self.viewed(|view| view.partial = true)
    }

    /// Returns a view of this cluster that reaches only these processes. A process is given by its
    /// label, its address, or an [`Outcome`](crate::Outcome); see [`Selector`]. Labels stay the
    /// labels of the whole cluster.
    ///
    /// Use it to retry a command on the processes on which it failed:
    /// `cluster.only(outcomes.failed()).server_ref("app", "web1")?.disable()`.
    ///
    /// Calls fail with [`ErrorKind::NotFound`](crate::ErrorKind::NotFound) before they send
    /// the command if one of the processes is not in the cluster, or if no process is given.
    /// [`rediscover`](Cluster::rediscover) always applies to the whole cluster.
    #[must_use]
    pub fn only<S: Into<Selector>>(&self, processes: impl IntoIterator<Item = S>) -> Self {
        let only = processes.into_iter().map(Into::into).collect();
        self.viewed(|view| view.only = Some(only))
    }

    /// Returns a view of those of these processes that have not left the cluster, or `None` if all have.
    pub(crate) fn still<'a>(&self, processes: impl IntoIterator<Item = &'a Address>) -> Option<Self> {
        let still: Vec<_> = processes.into_iter().filter(|address| self.is_member(address)).collect();
        (!still.is_empty()).then(|| self.only(still))
    }

    /// Asks these processes, without the ones that have left the cluster. Returns `None` if all have.
    pub(crate) async fn ask_still<T, F>(
        &self,
        processes: &[Address],
        ask: impl Fn(Self) -> F,
    ) -> Result<Option<T>>
    where
        F: Future<Output = Result<T>>,
    {
        let Some(still) = self.still(processes) else { return Ok(None) };
        match ask(still).await {
            Err(error) if error.is_not_selected() => {
                // A selected process has left the cluster since.
                let Some(still) = self.still(processes) else { return Ok(None) };
                ask(still).await.map(Some)
            }
            answer => answer.map(Some),
        }
    }

    /// Returns a view of this cluster that reads the previous state before each change.
    ///
    /// Each process is read right before the change: the rows of the frontend, backend or server,
    /// or `show info` for global settings. [`Outcomes::previous`](crate::Outcomes::previous)
    /// returns the result. If the read of a process fails, the change is not sent to that process.
    ///
    /// The read and the change are two commands. Another client may change the object in between.
    #[must_use]
    pub fn with_previous(&self) -> Self {
        self.viewed(|view| view.previous = true)
    }

    /// Returns a view of this cluster that reads no previous state.
    pub(crate) fn without_previous(&self) -> Self {
        self.viewed(|view| view.previous = false)
    }

    /// Returns a view of this cluster with other limits. [`Limits::max_connections`] is not
    /// affected: it stays the limit of the cluster.
    #[must_use]
    pub fn with_limits(&self, limits: Limits) -> Self {
        self.viewed(|view| view.limits = Some(limits))
    }

    /// Returns a view of this cluster without partial results.
    pub(crate) fn strict(&self) -> Self {
        self.viewed(|view| view.partial = false)
    }

    fn viewed(&self, change: impl FnOnce(&mut View)) -> Self {
        let mut cluster = self.clone();
        change(&mut cluster.view);
        cluster
    }

    /// Returns `true` if a call through this view returns partial results.
    pub(crate) fn is_partial(&self) -> bool {
        self.view.partial
    }

    /// Returns the limits of a call through this view.
    pub(crate) fn limits(&self) -> Limits {
        self.view.limits.unwrap_or(self.membership.limits)
    }

    /// Returns a fan-out to the members, with the options of this view.
    pub(crate) fn fan_out(&self) -> FanOut<'_> {
        FanOut::new(&self.membership, &self.view)
    }
}

impl fmt::Debug for Cluster {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Cluster")
            .field("members", &self.members())
            .field("view", &self.view)
            .finish_non_exhaustive()
    }
}
