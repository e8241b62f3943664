use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::{Arc, Mutex};

use super::membership::Membership;
use super::selector::Selector;
use super::shared_counters::SharedCounterFinder;
use super::view::View;
use super::{Cluster, host};
use crate::address::Address;
use crate::cluster::membership::MembershipTable;
use crate::error::{Error, Result};
use crate::master::Master;
use crate::transport::{Deadline, Limits, Permits};

/// Builder of a [`Cluster`]: the places where it finds its processes, and its options.
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
    masters: Vec<Address>,
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

/// Default of [`ClusterBuilder::max_connections`].
const PARALLEL: usize = 256;

impl Default for ClusterBuilder {
    fn default() -> Self {
        Self {
            dirs: Vec::new(),
            addresses: Vec::new(),
            masters: Vec::new(),
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
    /// Adds every stats socket in a directory, without subdirectories. Each call of the cluster
    /// reads the directory again and finds new sockets.
    pub fn dir(mut self, path: impl Into<PathBuf>) -> Self {
        self.dirs.push(path.into());
        self
    }

    /// Adds the process at an address. The process may be down at this time.
    ///
    /// If several processes of `nbproc` (HAProxy up to 2.4) may answer at the address, as behind a forwarded
    /// port, the socket is [ignored](super::Cluster::ignored). Strict calls then fail with
    /// [`ErrorKind::Incomplete`](crate::ErrorKind::Incomplete), unless the process that answers is read
    /// through another socket: see [`Required::Address`](crate::membership::Required::Address).
    pub fn address(mut self, address: impl Into<Address>) -> Self {
        self.addresses.push(address.into());
        self
    }

    /// Adds the processes at several addresses.
    pub fn addresses<A: Into<Address>>(mut self, addresses: impl IntoIterator<Item = A>) -> Self {
        self.addresses.extend(addresses.into_iter().map(Into::into));
        self
    }

    /// Adds the workers of a master, by the socket of the master (`haproxy -W -S ADDRESS`): the workers
    /// that serve, and the old workers that have not ended. The workers need no stats sockets. Each
    /// call of the cluster lists the workers again: `show proc`, which needs level operator from
    /// HAProxy 3.2 on.
    ///
    /// The address of the worker that serves is `@1@MASTER`, and leads to the new worker after a
    /// reload. The address of an old worker is `@!PID@MASTER`. Their labels are `haproxy-master` and
    /// `haproxy-master@!4711` for a master at `/run/haproxy-master.sock`. A worker that a directory or
    /// an address adds too is one process, and its own stats socket is used.
    ///
    /// An old worker serves its last connections and takes no new ones. Its figures count, from HAProxy
    /// 2.6 on also those of its proxies and servers; its frontends have the status `STOP`. A change of a
    /// server or a frontend finds it absent there, and a change of a map reaches it.
    ///
    /// While a master reloads, it closes its connections, and may take none until it has loaded the
    /// configuration. Queries are sent again, for half of their time at most, and for a second if the
    /// master takes no connections. The entries of stick tables that are read one by one
    /// ([`StickTable::for_each`](crate::table::StickTable::for_each)) are not read again. If a reload cuts a
    /// connection, an idempotent change is sent again, and any other change has an unknown outcome. [`Master`]
    /// describes the
    /// limits of connections to one master.
    ///
    /// [`Master`]: crate::master::Master
    ///
    /// # Example
    ///
    /// ```no_run
    /// # async fn example() -> haproxyadmin::Result<()> {
    /// use haproxyadmin::{Address, Cluster};
    ///
    /// let master: Address = "/run/haproxy-master.sock".parse()?;
    /// let cluster = Cluster::builder().master(master).build().await?;
    /// println!("{} requests", cluster.frontend("web").await?.requests());
    /// # Ok(())
    /// # }
    /// ```
    #[doc(alias = "master CLI")]
    pub fn master(mut self, address: impl Into<Address>) -> Self {
        let address = address.into();
        if !self.masters.contains(&address) {
            self.masters.push(address);
        }
        self
    }

    /// Sets the label of the process at an address. Default: the relative number of the process, or
    /// the end of its address without `.sock`, such as `1`.
    ///
    /// A label is the label of one address. If an address is labelled more than once, the last label
    /// applies.
    pub fn label(mut self, address: impl Into<Address>, label: impl Into<Box<str>>) -> Self {
        self.labels.insert(address.into(), label.into());
        self
    }

    /// Sets the name of the host that the processes run on. Default: the host name of this machine.
    ///
    /// The name tells processes of different hosts apart when snapshots are joined.
    pub fn host(mut self, host: impl Into<Arc<str>>) -> Self {
        self.host = Some(host.into());
        self
    }

    /// Sets the time limits and size limits for each process. Default: the defaults of [`Limits`].
    pub fn limits(mut self, limits: Limits) -> Self {
        self.limits = limits;
        self
    }

    /// Ignores sockets in directories if their file name matches `pattern`. A `*` matches any text.
    /// Default: no pattern.
    pub fn exclude(mut self, pattern: impl Into<Box<str>>) -> Self {
        self.excluded.push(pattern.into());
        self
    }

    /// Sets whether a socket in a directory is ignored if it refuses connections. Default: no.
    ///
    /// A stale socket file and the socket of a process that has just died look the same. By
    /// default, such a socket is therefore a member that fails. A member that has answered once is
    /// never ignored because it refuses connections.
    pub fn ignore_refused(mut self, ignore: bool) -> Self {
        self.ignore_refused = ignore;
        self
    }

    /// Requires that the cluster has at least this many members. Default: 0.
    ///
    /// If the socket file of a process is absent when a directory is read, the cluster does not
    /// know the process, and no call can detect its absence by itself. With this setting, strict
    /// calls fail with [`ErrorKind::Incomplete`](crate::ErrorKind::Incomplete) if there are fewer
    /// members, even if all members answer. [`Snapshot::missing`](crate::Snapshot::missing) and
    /// [`Outcomes::missing`](crate::Outcomes::missing) list the requirement then.
    pub fn expect_at_least(mut self, processes: usize) -> Self {
        self.expected_count = processes;
        self
    }

    /// Requires that each of these processes is a member. Default: no process.
    ///
    /// A process is given by its label, its address, or the end of its address, such as `1.sock`
    /// or `1`.
    /// If it is not a member, calls fail as described at
    /// [`expect_at_least`](Self::expect_at_least).
    pub fn expect<S: Into<Selector>>(mut self, processes: impl IntoIterator<Item = S>) -> Self {
        self.expected.extend(processes.into_iter().map(Into::into));
        self
    }

    /// Sets the maximum number of connections that are open at a time, over all processes; 0 counts
    /// as 1. Default: 256.
    ///
    /// The time that a call waits for a free connection counts towards its time limits. Processes
    /// that timed out when they were last asked share half of the connections, rounded up. If a
    /// read finds more processes than connections, a process that does not answer within its share
    /// of the time is asked again after the others.
    pub fn max_connections(mut self, connections: usize) -> Self {
        self.parallel = connections;
        self
    }

    /// Declares that the processes at these addresses keep counters together in one
    /// `shm-stats-file` (HAProxy 3.3 and later). Such counters count once.
    ///
    /// Processes of this host need no declaration if this program may read their `/proc/PID/maps`,
    /// as root may. Processes on another host, in a container or of another user need one.
    ///
    /// The addresses are the ones that [`Cluster::members`](super::Cluster::members) lists. The
    /// name identifies the file. Use the same name in all clusters if their snapshots are joined,
    /// and another name for each other file. If an address is declared more than once, the last
    /// declaration applies.
    ///
    /// The cluster asks each process for the `guid` of its objects to find out which objects are in
    /// the file. If that fails, reads do not fail, and the figures become ranges: see
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

    /// Builds the cluster. Reads the directories, and connects to no process.
    ///
    /// # Errors
    ///
    /// - [`ErrorKind::InvalidInput`](crate::ErrorKind::InvalidInput) if the builder has no directory,
    ///   no address and no master, if the text of an address is not an address, as with port 0, or if
    ///   two addresses have the same [`label`](Self::label).
    /// - [`ErrorKind::Io`](crate::ErrorKind::Io) if a directory cannot be read and no socket was
    ///   found.
    /// - [`ErrorKind::NotFound`](crate::ErrorKind::NotFound) if no socket was found. The error names the
    ///   sockets that are ignored because of their names.
    pub async fn build(self) -> Result<Cluster> {
        if self.dirs.is_empty() && self.addresses.is_empty() && self.masters.is_empty() {
            return Err(Error::invalid("a cluster needs a directory, an address or a master"));
        }
        for address in self.addresses.iter().chain(&self.masters) {
            address.to_string().parse::<Address>()?;
        }
        check_labels(&self.labels)?;
        let (limits, permits) = (self.limits, Arc::new(Permits::new(self.parallel)));
        let master = |address: &Address| Master::with_permits(address, limits, &permits);
        let mut others: Vec<&Address> = Vec::new();
        for other in self.addresses.iter().filter_map(Address::master) {
            if !others.contains(&other) && !self.masters.contains(other) {
                others.push(other);
            }
        }
        let others: Vec<Master> = others.into_iter().map(master).collect();
        let membership = Arc::new(Membership {
            host: self.host.unwrap_or_else(host::host_name),
            dirs: self.dirs,
            addresses: self.addresses,
            masters: self.masters.iter().map(master).collect(),
            others,
            limits,
            excluded: self.excluded,
            ignore_refused: self.ignore_refused,
            expected: self.expected,
            expected_count: self.expected_count,
            permits,
            table: MembershipTable::new(self.labels).into(),
            last_members: Mutex::default(),
            comparing: tokio::sync::Mutex::default(),
            shared_counters: SharedCounterFinder::new(self.declared_files),
            server_numbers: Arc::default(),
        });
        membership.expect_addresses(&mut membership.table());
        // A master has a worker, whatever it lists.
        if membership.masters.is_empty() {
            let listing = membership.candidates(false, &Deadline::new(limits)).await;
            if listing.candidates.is_empty() {
                return Err(membership.no_members(&listing));
            }
        }
        Ok(Cluster { membership, view: View::default() })
    }
}

/// Checks that no label was given to two addresses.
fn check_labels(labels: &HashMap<Address, Box<str>>) -> Result<()> {
    let mut labels: Vec<_> = labels.iter().map(|(address, label)| (label, address)).collect();
    labels.sort();
    for pair in labels.windows(2) {
        if let [(label, one), (same, other)] = pair {
            if label == same {
                return Err(Error::invalid(format!("label {label:?}: given to both {one} and {other}")));
            }
        }
    }
    Ok(())
}
