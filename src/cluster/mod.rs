//! Many processes: who they are, and one object for what they have in common.

mod acl;
mod act;
mod acts;
mod backend_ref;
mod builder;
mod bulk;
mod claims;
mod classify;
mod contents;
mod directory;
mod duplicate;
mod frontend_ref;
mod global;
mod host;
mod identity;
mod listing;
mod map;
mod object;
mod outcome;
mod outcomes;
mod requirement;
mod roster;
mod selector;
mod server_check;
mod server_ref;
mod shared_answer;
mod shared_counters;
mod shared_rows;
mod sweep;
mod target;
mod view;

use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;

use futures::future::join_all;

pub use acl::Acl;
pub use backend_ref::BackendRef;
pub use builder::ClusterBuilder;
pub use contents::{Contents, Difference};
pub use frontend_ref::FrontendRef;
pub use map::Map;
pub use object::{Backend, Frontend, Listener, Server};
pub use outcome::Outcome;
pub use outcomes::Outcomes;
pub use roster::{Ignored, IgnoredReason};
pub use selector::Selector;
pub use server_ref::ServerRef;

use crate::address::Address;
use crate::error::Result;
use crate::protocol::Command;
use crate::show::stat::Scope;
use crate::snapshot::{ClusterInfo, Snapshot};
use crate::transport::Deadline;
use acts::acts;
use sweep::Shared;
use target::Targets;
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
    shared: Arc<Shared>,
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
        self.read(&Scope::All).await
    }

    async fn read(&self, scope: &Scope) -> Result<Snapshot> {
        let limits = self.limits();
        let snapshot = match self.view.only.as_deref() {
            None => self.shared.sweep(scope, false, limits).await?,
            Some(only) => {
                let deadline = &Deadline::new(limits);
                let command = Command::read("show stat");
                let Targets { targets, .. } = self.shared.targets(Some(only), &command, deadline).await?;
                let mut records = join_all(targets.iter().map(|target| target.read(scope, deadline))).await;
                self.shared.find_shared_counters(&mut records, deadline).await;
                Snapshot::new(records.into_iter().map(Arc::new))
            }
        };
        if self.view.partial { Ok(snapshot) } else { snapshot.complete() }
    }

    /// Every frontend. See [`snapshot`](Cluster::snapshot) for errors and cancel
    /// safety.
    ///
    /// # Errors
    ///
    /// Those of [`snapshot`](Cluster::snapshot).
    pub async fn frontends(&self) -> Result<Vec<Frontend>> {
        let frontends = self.snapshot().await?.frontends();
        Ok(frontends.into_iter().map(|frontend| Frontend::new(self, frontend)).collect())
    }

    /// The frontend called `name`. Only its own rows are asked for, which costs
    /// HAProxy much less than all of them; all are only where another proxy has
    /// the name. See
    /// [`snapshot`](Cluster::snapshot) for cancel safety.
    ///
    /// # Errors
    ///
    /// Those of [`snapshot`](Cluster::snapshot), and
    /// [`ErrorKind::NotFound`](crate::ErrorKind::NotFound) if no process lists it;
    /// while some did not answer nobody knows, and it is
    /// [`ErrorKind::Incomplete`](crate::ErrorKind::Incomplete).
    pub async fn frontend(&self, name: &str) -> Result<Frontend> {
        Ok(Frontend::new(self, self.read(&Scope::frontend(name)).await?.frontend(name)?))
    }

    /// Every backend. See [`snapshot`](Cluster::snapshot) for cancel safety.
    ///
    /// # Errors
    ///
    /// Those of [`snapshot`](Cluster::snapshot).
    pub async fn backends(&self) -> Result<Vec<Backend>> {
        let backends = self.snapshot().await?.backends();
        Ok(backends.into_iter().map(|backend| Backend::new(self, backend)).collect())
    }

    /// The backend called `name`. Only its own rows and those of its servers are
    /// asked for, which costs HAProxy much less than all of them; all are only where
    /// another proxy has the name. See [`snapshot`](Cluster::snapshot) for cancel safety.
    ///
    /// # Errors
    ///
    /// Those of [`snapshot`](Cluster::snapshot), and
    /// [`ErrorKind::NotFound`](crate::ErrorKind::NotFound) if no process lists it;
    /// while some did not answer nobody knows, and it is
    /// [`ErrorKind::Incomplete`](crate::ErrorKind::Incomplete).
    pub async fn backend(&self, name: &str) -> Result<Backend> {
        Ok(Backend::new(self, self.read(&Scope::backend(name)).await?.backend(name)?))
    }

    /// Every server of every backend. See [`snapshot`](Cluster::snapshot) for
    /// cancel safety.
    ///
    /// # Errors
    ///
    /// Those of [`snapshot`](Cluster::snapshot).
    pub async fn servers(&self) -> Result<Vec<Server>> {
        let servers = self.snapshot().await?.servers();
        Ok(servers.into_iter().map(|server| Server::new(self, server)).collect())
    }

    /// The server called `name` of the backend called `backend`. Only the rows of
    /// that backend are asked for, as with [`backend`](Cluster::backend). See
    /// [`snapshot`](Cluster::snapshot) for cancel safety.
    ///
    /// # Errors
    ///
    /// Those of [`snapshot`](Cluster::snapshot), and
    /// [`ErrorKind::NotFound`](crate::ErrorKind::NotFound) if no process lists it;
    /// while some did not answer nobody knows, and it is
    /// [`ErrorKind::Incomplete`](crate::ErrorKind::Incomplete).
    pub async fn server(&self, backend: &str, name: &str) -> Result<Server> {
        Ok(Server::new(self, self.read(&Scope::backend(backend)).await?.server(backend, name)?))
    }

    /// Every server called `name`, whatever its backend. See
    /// [`snapshot`](Cluster::snapshot) for cancel safety.
    ///
    /// # Errors
    ///
    /// Those of [`server`](Cluster::server).
    pub async fn servers_named(&self, name: &str) -> Result<Vec<Server>> {
        let snapshot = self.snapshot().await?;
        let servers = snapshot.servers_named(name);
        if servers.is_empty() {
            return Err(snapshot.absent(format!("server {name:?}")));
        }
        Ok(servers.into_iter().map(|server| Server::new(self, server)).collect())
    }

    /// Every listener of every frontend that has `option socket-stats`. See
    /// [`snapshot`](Cluster::snapshot) for cancel safety.
    ///
    /// # Errors
    ///
    /// Those of [`snapshot`](Cluster::snapshot).
    pub async fn listeners(&self) -> Result<Vec<Listener>> {
        let listeners = self.snapshot().await?.listeners();
        Ok(listeners.into_iter().map(|listener| Listener::new(self, listener)).collect())
    }

    /// What the processes say of themselves, as one; no rows are asked for. See
    /// [`snapshot`](Cluster::snapshot) for cancel safety.
    ///
    /// # Errors
    ///
    /// Those of [`snapshot`](Cluster::snapshot).
    pub async fn info(&self) -> Result<ClusterInfo> {
        Ok(self.read(&Scope::Nothing).await?.info())
    }

    /// Addresses of the members, as known since the last call that asked them.
    /// Before the first one only the given addresses are known.
    pub fn members(&self) -> Vec<Address> {
        self.shared.members()
    }

    /// Sockets that were found and are no members, with the reason, as known since
    /// the last call that asked the members.
    pub fn ignored(&self) -> Vec<Ignored> {
        self.shared.ignored()
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
        self.shared.sweep(&Scope::All, true, self.limits()).await
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
