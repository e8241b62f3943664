//! Many processes: who they are, and one object for what they have in common.

mod builder;
mod fan_out;
mod host;
mod identity;
mod membership;
mod selector;
mod shared_counters;
mod view;

pub use builder::ClusterBuilder;
pub use fan_out::{Outcome, Outcomes};
pub use membership::{Ignored, IgnoredReason};
pub use selector::Selector;

pub(crate) use fan_out::Target;

use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;

use futures::future::join_all;

use crate::address::Address;
use crate::error::Result;
use crate::protocol::Command;
use crate::show::stat::StatFilter;
use crate::snapshot::Snapshot;
use crate::transport::{Deadline, Limits};
use fan_out::{FanOut, Targets};
use membership::Membership;
use view::View;

/// Many HAProxy processes, managed as one.
///
/// Cheap to clone; `Send` and `Sync`. It holds no connection open: each call
/// asks every process at once, one connection each, and waits for none of them
/// longer than its [`Limits`](crate::Limits) allow.
///
/// # Who is in it
///
/// Sockets come from directories, which are read again at each call, and from
/// addresses. Every socket found is either a *member*, whose figures count and
/// whose failure is reported, or [*ignored*](Cluster::ignored) with the reason. A
/// member stays one, whatever becomes of it, until
/// [`rediscover`](Cluster::rediscover); a file that was ignored is looked at again
/// when another takes its name. At a given address a process is expected: what
/// else answers there is a failure.
///
/// # When a part fails
///
/// Reads are strict: if a member does not answer, they fail with
/// [`ErrorKind::Incomplete`](crate::ErrorKind::Incomplete), and the error
/// [holds](crate::Error::snapshot) the answers of the others. If no member answers and all
/// of them fail for one reason, the error has the kind of that reason.
/// [`allow_partial`](Cluster::allow_partial) gives a view that takes what there
/// is.
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
    /// Every HAProxy stats socket in a directory, with the defaults of
    /// [`ClusterBuilder`].
    ///
    /// **A process whose socket file is absent is not known to the cluster.** If a process
    /// is down and its file is gone when the directory is first read, every call succeeds
    /// without it, strict calls too. Use
    /// [`expect_at_least`](ClusterBuilder::expect_at_least) or
    /// [`expect`](ClusterBuilder::expect) to have calls fail then.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Io`](crate::ErrorKind::Io) if the directory cannot be read,
    /// [`ErrorKind::NotFound`](crate::ErrorKind::NotFound) if there is no socket in
    /// it. Nobody is asked anything yet.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future leaves nothing behind.
    pub async fn from_dir(path: impl Into<PathBuf>) -> Result<Self> {
        Self::builder().dir(path).build().await
    }

    /// The processes at these addresses, with the defaults of [`ClusterBuilder`].
    /// Nobody needs to be up yet.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::InvalidInput`](crate::ErrorKind::InvalidInput) for an address
    /// that is none, or if there is none at all.
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

    /// Everything that can be set.
    pub fn builder() -> ClusterBuilder {
        ClusterBuilder::default()
    }

    /// What every member says at this moment.
    ///
    /// Sends `show info;show cli level;show cli sockets;show stat` to each member,
    /// all at once, one connection each, which every level permits. HAProxy makes
    /// the rows while they are read, so that those of one process are not all of
    /// exactly one moment.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Incomplete`](crate::ErrorKind::Incomplete) if a member did not
    /// answer, unless [`allow_partial`](Cluster::allow_partial), or the kind of the
    /// failures as [`Snapshot::complete`] tells;
    /// [`ErrorKind::NotFound`](crate::ErrorKind::NotFound) if no socket is a member,
    /// with what was ignored and why; [`ErrorKind::Io`](crate::ErrorKind::Io) if a
    /// directory cannot be read and there is no other member. A directory that cannot be
    /// read beside other members is [missing](Snapshot::missing).
    ///
    /// # Cancel safety
    ///
    /// Dropping the future closes the connections and leaves nothing behind.
    pub async fn snapshot(&self) -> Result<Snapshot> {
        self.read(&StatFilter::All).await
    }

    /// Reads the rows in `scope` of every member.
    pub(crate) async fn read(&self, scope: &StatFilter) -> Result<Snapshot> {
        let limits = self.limits();
        let snapshot = match self.view.only.as_deref() {
            None => self.membership.sweep(scope, false, limits).await?,
            Some(only) => {
                let deadline = &Deadline::new(limits);
                let command = Command::read("show stat");
                let Targets { targets, .. } =
                    Targets::find(&self.membership, Some(only), &command, deadline).await?;
                let mut records = join_all(targets.iter().map(|target| target.read(scope, deadline))).await;
                self.membership.find_shared_counters(&mut records, deadline).await;
                Snapshot::new(records.into_iter().map(Arc::new))
            }
        };
        if self.view.partial { Ok(snapshot) } else { snapshot.complete() }
    }

    /// Addresses of the members, as known since the last call that asked them.
    /// Before the first one only the given addresses are known.
    pub fn members(&self) -> Vec<Address> {
        self.membership.members()
    }

    /// Sockets that were found and are no members, with the reason, as known since
    /// the last call that asked the members.
    pub fn ignored(&self) -> Vec<Ignored> {
        self.membership.ignored()
    }

    /// Finds out anew who is in the cluster: lets go of members whose sockets are
    /// gone, and looks again at every ignored one.
    ///
    /// Returns what the members say, whether or not all of them answered.
    ///
    /// # Errors
    ///
    /// Those of a partial [`snapshot`](Cluster::snapshot).
    ///
    /// # Cancel safety
    ///
    /// Dropping the future closes the connections and leaves the members as they were.
    pub async fn rediscover(&self) -> Result<Snapshot> {
        self.membership.sweep(&StatFilter::All, true, self.limits()).await
    }

    /// The same cluster, whose calls take what there is instead of failing when
    /// they fail on some members: [`Snapshot::failed`](crate::Snapshot::failed) and
    /// [`Outcomes::failed`](crate::Outcomes::failed) say on which, and nothing else
    /// does. What is made or read through a view acts through it.
    #[must_use]
    pub fn allow_partial(&self) -> Self {
        self.viewed(|view| view.partial = true)
    }

    /// The same cluster, of which calls reach only these processes: by label, by
    /// address, or as an [`Outcome`](crate::Outcome) names them. Labels stay those
    /// of the whole cluster.
    ///
    /// So is the failed rest tried again:
    /// `cluster.only(outcomes.failed()).server_ref("app", "web1")?.disable()`. A call
    /// that finds one of them not to be in the cluster fails with
    /// [`ErrorKind::NotFound`](crate::ErrorKind::NotFound) before it sends
    /// anything, and so does one for which none was chosen; [`rediscover`](Cluster::rediscover) is for the whole cluster always.
    #[must_use]
    pub fn only<S: Into<Selector>>(&self, processes: impl IntoIterator<Item = S>) -> Self {
        let only = processes.into_iter().map(Into::into).collect();
        self.viewed(|view| view.only = Some(only))
    }

    /// The same cluster, whose changes are preceded by a read of the frontend,
    /// backend or server (of `show info` for what is global), process by process:
    /// [`Outcomes::previous`](crate::Outcomes::previous) has what was read. To a
    /// process that could not be read nothing is sent.
    ///
    /// The read and the change are two commands; somebody else may come between.
    #[must_use]
    pub fn with_previous(&self) -> Self {
        self.viewed(|view| view.previous = true)
    }

    /// The same cluster with other time limits. [`Limits::max_connections`] stays that
    /// of the cluster.
    #[must_use]
    pub fn with_limits(&self, limits: Limits) -> Self {
        self.viewed(|view| view.limits = Some(limits))
    }

    fn viewed(&self, change: impl FnOnce(&mut View)) -> Self {
        let mut cluster = self.clone();
        change(&mut cluster.view);
        cluster
    }

    /// The limits of a call.
    fn limits(&self) -> Limits {
        self.view.limits.unwrap_or(self.membership.limits)
    }

    /// A call to the members, with the options of this view.
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
