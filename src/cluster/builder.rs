use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::Arc;

use super::membership::Membership;
use super::selector::Selector;
use super::shared_counters::SharedCounterFinder;
use super::view::View;
use super::{Cluster, host};
use crate::address::Address;
use crate::cluster::membership::MembershipTable;
use crate::error::{Error, Result};
use crate::transport::{Deadline, Limits, Permits};

/// Where a [`Cluster`] finds its processes, and how it treats them.
///
/// # Example
///
/// ```no_run
/// # async fn example() -> haproxyadmin::Result<()> {
/// use std::time::Duration;
/// use haproxyadmin::{Address, Cluster, Limits};
///
/// let cluster = Cluster::builder()
///     .dir("/run/haproxy")
///     .address("ipv4@192.0.2.7:9999".parse::<Address>()?)
///     .exclude("*.tmp")
///     .limits(Limits::new().with_command_timeout(Duration::from_secs(3)))
///     .build()
///     .await?;
/// # Ok(())
/// # }
/// ```
#[derive(Debug, Clone)]
#[must_use]
pub struct ClusterBuilder {
    dirs: Vec<PathBuf>,
    addresses: Vec<Address>,
    labels: HashMap<Address, Box<str>>,
    host: Option<Arc<str>>,
    limits: Limits,
    excluded: Vec<Box<str>>,
    ignore_refused: bool,
    expected: Vec<Selector>,
    expected_count: usize,
    parallel: usize,
    declared_files: HashMap<Address, Arc<str>>,
}

/// Connections open at a time, over all processes.
const PARALLEL: usize = 256;

impl Default for ClusterBuilder {
    fn default() -> Self {
        Self {
            dirs: Vec::new(),
            addresses: Vec::new(),
            labels: HashMap::new(),
            host: None,
            limits: Limits::new(),
            excluded: Vec::new(),
            ignore_refused: false,
            expected: Vec::new(),
            expected_count: 0,
            parallel: PARALLEL,
            declared_files: HashMap::new(),
        }
    }
}

impl ClusterBuilder {
    /// Adds every stats socket in a directory, subdirectories not included. It is
    /// read again at each call, so that new sockets are found.
    pub fn dir(mut self, path: impl Into<PathBuf>) -> Self {
        self.dirs.push(path.into());
        self
    }

    /// Adds a process at an address. Nobody needs to be up there yet.
    pub fn address(mut self, address: impl Into<Address>) -> Self {
        self.addresses.push(address.into());
        self
    }

    /// Adds processes at addresses.
    pub fn addresses<A: Into<Address>>(mut self, addresses: impl IntoIterator<Item = A>) -> Self {
        self.addresses.extend(addresses.into_iter().map(Into::into));
        self
    }

    /// Gives the process at an address a label of its own, instead of its relative
    /// number or the end of its address.
    pub fn label(mut self, address: impl Into<Address>, label: impl Into<Box<str>>) -> Self {
        self.labels.insert(address.into(), label.into());
        self
    }

    /// Names the host that is read, which tells its processes from those of other
    /// hosts when snapshots are joined. Default: the host name of this machine.
    pub fn host(mut self, host: impl Into<Arc<str>>) -> Self {
        self.host = Some(host.into());
        self
    }

    /// How long to wait and how much to take, for each process. Default: those of
    /// [`Limits`].
    pub fn limits(mut self, limits: Limits) -> Self {
        self.limits = limits;
        self
    }

    /// Ignores sockets of directories whose file name fits `pattern`, in which `*`
    /// stands for any text. Default: none.
    pub fn exclude(mut self, pattern: impl Into<Box<str>>) -> Self {
        self.excluded.push(pattern.into());
        self
    }

    /// Whether to ignore a socket of a directory where nobody listens. Default: no.
    ///
    /// A file left behind and a process that has just died look the same, so that
    /// by default it is a member that fails. A member that has answered once is
    /// never ignored for this.
    pub fn ignore_refused(mut self, ignore: bool) -> Self {
        self.ignore_refused = ignore;
        self
    }

    /// Requires that the cluster has at least that many members. Default: 0.
    ///
    /// A process whose socket file is absent when a directory is read is not known to
    /// the cluster, and no call can notice its absence by itself. With this, strict calls
    /// fail with [`ErrorKind::Incomplete`](crate::ErrorKind::Incomplete) if there are
    /// fewer members, whether or not the members answer, and
    /// [`Snapshot::missing`](crate::Snapshot::missing) and
    /// [`Outcomes::missing`](crate::Outcomes::missing) tell it.
    pub fn expect_at_least(mut self, processes: usize) -> Self {
        self.expected_count = processes;
        self
    }

    /// Requires that these processes are members: each by its label, by its address, or
    /// by the end of its address, such as `1.sock`. Default: none.
    ///
    /// See [`expect_at_least`](Self::expect_at_least) for what happens if one is not.
    pub fn expect<S: Into<Selector>>(mut self, processes: impl IntoIterator<Item = S>) -> Self {
        self.expected.extend(processes.into_iter().map(Into::into));
        self
    }

    /// Sets how many connections are open at a time, over all processes; 0 counts as 1.
    /// Default: 256. A process that has to wait for its turn has that much less of
    /// its time left. Processes that did not answer in time when they were last asked
    /// share half of the connections, and get theirs after the others.
    pub fn max_connections(mut self, connections: usize) -> Self {
        self.parallel = connections;
        self
    }

    /// Declares that the processes at these addresses keep counters together in one
    /// `shm-stats-file` (HAProxy 3.3 and later). Such counters count once.
    ///
    /// Processes of this host need no declaration if this program may read their
    /// `/proc/PID/maps`, as root may. Others do: on another host, in a container, or of
    /// another user. Addresses are those that
    /// [`Cluster::members`](super::Cluster::members) lists. The name stands for the file:
    /// it is the same in all clusters whose snapshots are joined, and tells it from other
    /// files. An address has one file, the one that it was declared to have last.
    ///
    /// Which objects are in the file is found out by their `guid`, process by process. If
    /// that fails, figures become ranges, and reads do not fail: see
    /// [`guide::shared_counters`](crate::guide::shared_counters).
    ///
    /// # Example
    ///
    /// ```no_run
    /// # async fn example() -> haproxyadmin::Result<()> {
    /// use haproxyadmin::{Address, Cluster};
    ///
    /// let containers: [Address; 2] = ["192.0.2.7:9999".parse()?, "192.0.2.7:9998".parse()?];
    /// let cluster = Cluster::builder()
    ///     .addresses(containers.clone())
    ///     .shared_counters("edge", containers)
    ///     .build()
    ///     .await?;
    /// let web = cluster.frontend("web").await?;
    /// println!("{} {:?}", web.requests(), web.sharing());
    /// # Ok(())
    /// # }
    /// ```
    pub fn shared_counters<A: Into<Address>>(
        mut self,
        name: impl Into<Arc<str>>,
        addresses: impl IntoIterator<Item = A>,
    ) -> Self {
        let name = name.into();
        let declared = addresses.into_iter().map(|address| (address.into(), name.clone()));
        self.declared_files.extend(declared);
        self
    }

    /// Makes the cluster. Directories are read, and nobody is asked anything yet.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::InvalidInput`](crate::ErrorKind::InvalidInput) if there is
    /// neither a directory nor an address;
    /// [`ErrorKind::Io`](crate::ErrorKind::Io) if a directory cannot be read;
    /// [`ErrorKind::NotFound`](crate::ErrorKind::NotFound) if there is no socket.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future leaves nothing behind.
    pub async fn build(self) -> Result<Cluster> {
        if self.dirs.is_empty() && self.addresses.is_empty() {
            return Err(Error::invalid("a cluster needs a directory or an address"));
        }
        let membership = Arc::new(Membership {
            host: self.host.unwrap_or_else(host::host_name),
            dirs: self.dirs,
            addresses: self.addresses,
            limits: self.limits,
            excluded: self.excluded,
            ignore_refused: self.ignore_refused,
            expected: self.expected,
            expected_count: self.expected_count,
            permits: Arc::new(Permits::new(self.parallel)),
            table: MembershipTable::new(&self.labels).into(),
            comparing: tokio::sync::Mutex::default(),
            shared_counters: SharedCounterFinder::new(self.declared_files),
        });
        membership.expect_addresses(&mut membership.table());
        let listing = membership.candidates(false, &Deadline::new(self.limits)).await;
        if listing.candidates.is_empty() {
            return Err(membership.no_members(&listing));
        }
        Ok(Cluster { membership, view: View::default() })
    }
}
