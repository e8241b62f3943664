//! Membership table: the members of the cluster, and the ignored sockets with the reasons.

use std::collections::{HashMap, HashSet};
use std::fmt;
use std::sync::Arc;

use super::directory::FileId;
use crate::address::Address;
use crate::cluster::identity::Identity;
use crate::error::{ErrorKind, Failure};
use crate::show::Info;
use crate::show::stat::LastReply;
use crate::snapshot::{Label, Record};
use crate::transport::StatsSocket;

/// A socket that was found and is not a member of the cluster.
///
/// # Example
///
/// ```no_run
/// # async fn example(cluster: haproxyadmin::Cluster) -> haproxyadmin::Result<()> {
/// cluster.rediscover().await?;
/// for ignored in cluster.ignored() {
///     println!("{}: {}", ignored.address, ignored.reason);
/// }
/// # Ok(())
/// # }
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Ignored {
    /// Address of the socket.
    pub address: Address,
    /// Reason why the socket is not a member.
    pub reason: IgnoredReason,
}

/// Reason why a socket is not a member of a cluster.
///
/// # Example
///
/// ```no_run
/// # async fn example(cluster: haproxyadmin::Cluster) -> haproxyadmin::Result<()> {
/// use haproxyadmin::membership::IgnoredReason;
///
/// cluster.rediscover().await?;
/// for ignored in cluster.ignored() {
///     if let IgnoredReason::Duplicate { of } = &ignored.reason {
///         println!("{} leads to the same process as {of}", ignored.address);
///     }
/// }
/// # Ok(())
/// # }
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum IgnoredReason {
    /// The socket leads to a process that is a member through another socket, and the other socket
    /// has the same or a higher level.
    Duplicate {
        /// Address of the socket that is the member.
        of: Address,
    },
    /// Several processes of `nbproc` share the socket. The process that accepts first answers, so
    /// its figures cannot be used. Give each process a socket of its own (`process N`).
    Shared,
    /// The process that answers is one of several (`nbproc`) and lists no stats socket with this
    /// address, so all of them may share the socket. A socket behind a forwarded port or in another
    /// mount namespace looks like this. Use the address that the process listens at.
    Unlisted,
    /// The socket is the CLI of a master process, which has no figures of its own.
    /// [`ClusterBuilder::master`](crate::ClusterBuilder::master) adds its workers.
    Master,
    /// The socket is a datagram socket.
    Datagram,
    /// Another program than HAProxy answers at the socket. The text names the program, as far as it
    /// is known, and its answer.
    NotHaproxy(Box<str>),
    /// The file is a temporary file of HAProxy, `NAME.PID.tmp` or `NAME.PID.bak`. HAProxy creates
    /// it for a moment while it takes a socket over from another process.
    Temporary,
    /// The file name matches a pattern of
    /// [`ClusterBuilder::exclude`](crate::ClusterBuilder::exclude).
    Excluded,
    /// The socket refuses connections, and
    /// [`ClusterBuilder::ignore_refused`](crate::ClusterBuilder::ignore_refused) is set.
    Refused,
}

/// The findings about every socket, kept from one read to the next.
#[derive(Debug, Default)]
pub(crate) struct MembershipTable {
    findings: HashMap<Address, Findings>,
    /// The last reply of all sockets, of which they share the header and the lists of rows.
    last: LastReply,
    /// Number of comparisons so far.
    comparisons: u64,
    /// Another number after each change that a later listing of the members may see: of classifications,
    /// identities and labels. Whether a member that has never answered is unresponsive, and the comparisons,
    /// do not matter for it.
    version: u64,
}

/// The findings about one address.
#[derive(Debug, Default)]
struct Findings {
    known: Option<Entry>,
    /// Last known identity of a member, without rows.
    last_known: Option<Arc<Record>>,
    /// Set if a member has never answered and timed out when it was last probed.
    unresponsive: Option<Failure>,
    /// The socket, if it may be probed, and its last reply. All calls share the socket and its permits,
    /// independent of the classification.
    socket: Option<(StatsSocket, LastReply)>,
    /// The label, if the address ever was that of a member. A label never changes.
    label: Option<Label>,
    /// The result of the last comparison with sockets of fitting identities.
    compared: Option<Compared>,
}

/// A socket, for as long as it leads to one process.
#[derive(Debug)]
pub(crate) struct Socket {
    pub(crate) address: Address,
    pub(crate) file: Option<FileId>,
    pub(crate) identity: Identity,
}

/// The result of a comparison for one socket.
#[derive(Debug)]
struct Compared {
    file: Option<FileId>,
    identity: Identity,
    comparison: u64,
    /// Number of the process within the comparison. Sockets with different numbers lead to
    /// different processes.
    process: usize,
}

/// The classification of one socket.
#[derive(Debug, Clone)]
pub(crate) struct Entry {
    /// Identity of the file, if the socket is a file.
    pub(crate) file: Option<FileId>,
    pub(crate) classification: Classification,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Classification {
    /// The figures of the socket count. `answered` tells if the socket has answered as a member
    /// before.
    Member { answered: bool },
    /// The socket cannot be used.
    Ignored(IgnoredReason),
    /// Several processes of `nbproc` may answer at the socket. `identity` is the process that answered
    /// last.
    Shared { reason: IgnoredReason, identity: Option<Identity> },
    /// The socket leads to a process that is read through another socket.
    Duplicate { of: Address, identity: Identity },
}

impl MembershipTable {
    /// Returns an empty table with the labels that the user gave, each to one address.
    pub(crate) fn new(given: HashMap<Address, Box<str>>) -> Self {
        let labelled = given.into_iter().map(|(address, label)| {
            let label = Some(Label::from(label));
            (address, Findings { label, ..Findings::default() })
        });
        Self { findings: labelled.collect(), last: LastReply::of_cluster(), ..Self::default() }
    }

    pub(super) fn version(&self) -> u64 {
        self.version
    }

    pub(crate) fn get(&self, address: &Address) -> Option<&Entry> {
        self.findings.get(address)?.known.as_ref()
    }

    pub(crate) fn is_member(&self, address: &Address) -> bool {
        self.get(address).is_some_and(|known| matches!(known.classification, Classification::Member { .. }))
    }

    pub(super) fn set(&mut self, address: Address, file: Option<FileId>, classification: Classification) {
        let findings = self.findings.entry(address).or_default();
        findings.unresponsive = None;
        let same = findings.known.as_ref().filter(|known| known.file == file);
        if same.is_some_and(|known| known.classification == classification) {
            return;
        }
        self.version += 1;
        // If the file is another one, another process answers. A duplicate must be compared again
        // before it can become a member.
        if same.is_none() || !matches!(classification, Classification::Member { .. }) {
            findings.last_known = None;
        }
        findings.known = Some(Entry { file, classification });
    }

    /// Returns the failure of the member at `address` if the member has never answered and is
    /// unresponsive.
    pub(crate) fn unresponsive(&self, address: &Address) -> Option<&Failure> {
        self.findings.get(address)?.unresponsive.as_ref()
    }

    /// Returns the last known identity of the member at `address`.
    pub(crate) fn last_known(&self, address: &Address) -> Option<&Arc<Record>> {
        self.findings.get(address)?.last_known.as_ref()
    }

    /// Stores the identity of a member if it changed, or the fact that the member timed out.
    pub(super) fn set_last_known(&mut self, record: &Record) {
        let Some(findings) = self.findings.get_mut(&record.address) else { return };
        if let Some(failure) = record.answer.as_ref().err() {
            if failure.kind == ErrorKind::Timeout && findings.last_known.is_none() {
                findings.unresponsive = Some(failure.clone());
            }
        }
        let Some(now) = Identity::of(record) else { return };
        let is_known = findings.last_known.as_ref().is_some_and(|head| {
            head.is_stopping() == record.is_stopping()
                && head.info().map(Info::version) == record.info().map(Info::version)
                && Identity::of(head).is_some_and(|known| known.fits(&now))
        });
        if !is_known {
            self.version += 1;
            findings.last_known = Some(Arc::new(record.without_rows()));
        }
    }

    pub(super) fn remove(&mut self, address: &Address) {
        let known = self.findings.get_mut(address).and_then(Findings::forget);
        self.version += u64::from(known.is_some());
    }

    pub(super) fn has_duplicates(&self) -> bool {
        self.known().any(|(_, known)| matches!(known.classification, Classification::Duplicate { .. }))
    }

    /// Removes the sockets for which `wanted` returns `false`, together with the results of their
    /// comparisons.
    pub(super) fn retain(&mut self, mut wanted: impl FnMut(&Address, &Entry) -> bool) {
        self.findings.retain(|address, findings| {
            if findings.known.as_ref().is_some_and(|known| !wanted(address, known)) {
                findings.forget();
                self.version += 1;
            }
            if findings.known.is_none() {
                findings.compared = None;
                // Each reload may leave an old worker, and another one may get its process ID later.
                findings.label.take_if(|_| address.is_of_old_worker());
            }
            findings.known.is_some() || findings.socket.is_some() || findings.label.is_some()
        });
    }

    /// Clears the classification of every socket. Keeps the results of comparisons: they are valid
    /// as long as the sockets and their processes stay the same.
    pub(super) fn forget(&mut self) {
        self.version += 1;
        for findings in self.findings.values_mut() {
            findings.forget();
        }
    }

    /// Drops the sockets that are not known and for which `wanted` returns `false`. Calls that use such a
    /// socket keep their own clone.
    pub(super) fn retain_sockets(&mut self, wanted: impl Fn(&Address) -> bool) {
        for (address, findings) in &mut self.findings {
            if findings.known.is_none() && !wanted(address) {
                findings.socket = None;
            }
        }
    }

    pub(super) fn socket(
        &mut self,
        address: &Address,
        make: impl FnOnce() -> StatsSocket,
    ) -> (StatsSocket, LastReply) {
        if let Some(socket) = self.findings.get(address).and_then(|findings| findings.socket.as_ref()) {
            return socket.clone();
        }
        let socket = (make(), self.last.of_others());
        self.findings.entry(address.clone()).or_default().socket = Some(socket.clone());
        socket
    }

    /// Returns `true` if one comparison found that all of these sockets lead to different
    /// processes.
    pub(crate) fn are_all_distinct(&self, sockets: impl IntoIterator<Item = Socket>) -> bool {
        let mut comparison = None;
        let mut processes = HashSet::new();
        sockets.into_iter().all(|Socket { address, file, identity }| {
            let compared = self.findings.get(&address).and_then(|findings| findings.compared.as_ref());
            compared.is_some_and(|compared| {
                compared.file == file
                    && compared.identity.fits(&identity)
                    && *comparison.get_or_insert(compared.comparison) == compared.comparison
                    && processes.insert(compared.process)
            })
        })
    }

    /// Stores the result of a comparison: each socket, and the number of its process.
    pub(super) fn set_compared(&mut self, sockets: impl IntoIterator<Item = (Socket, usize)>) {
        self.comparisons += 1;
        for (Socket { address, file, identity }, process) in sockets {
            let compared = Compared { file, identity, comparison: self.comparisons, process };
            self.findings.entry(address).or_default().compared = Some(compared);
        }
    }

    /// Returns the label of an address.
    pub(crate) fn label(&self, address: &Address) -> Option<&Label> {
        self.findings.get(address)?.label.as_ref()
    }

    pub(super) fn set_label(&mut self, address: Address, label: Label) {
        self.version += 1;
        self.findings.entry(address).or_default().label = Some(label);
    }

    /// Returns every label that is or was in use, and every text that selects such a label: the
    /// label with the `.sock` of its address. No other process may get one of them later, because
    /// the text would then select that process.
    pub(super) fn labels(&self) -> HashSet<Label> {
        let labelled = || {
            self.findings.iter().filter_map(|(address, findings)| Some((address, findings.label.as_ref()?)))
        };
        let with_sock = |(address, label): (&Address, &Label)| {
            let long = format!("{label}.sock");
            address.to_string().ends_with(&long).then(|| Label::from(long))
        };
        labelled().map(|(_, label)| label.clone()).chain(labelled().filter_map(with_sock)).collect()
    }

    pub(super) fn members(&self) -> impl Iterator<Item = (&Address, bool)> {
        self.known().filter_map(|(address, known)| match known.classification {
            Classification::Member { answered } => Some((address, answered)),
            _ => None,
        })
    }

    pub(super) fn ignored(&self) -> impl Iterator<Item = Ignored> {
        self.known().filter_map(|(address, known)| {
            let reason = match &known.classification {
                Classification::Member { .. } => return None,
                Classification::Ignored(reason) | Classification::Shared { reason, .. } => reason.clone(),
                Classification::Duplicate { of, .. } => IgnoredReason::Duplicate { of: of.clone() },
            };
            Some(Ignored { address: address.clone(), reason })
        })
    }

    fn known(&self) -> impl Iterator<Item = (&Address, &Entry)> {
        self.findings.iter().filter_map(|(address, findings)| Some((address, findings.known.as_ref()?)))
    }
}

impl Findings {
    /// Clears the classification, and what holds only as long as the classification does. Returns the classification.
    fn forget(&mut self) -> Option<Entry> {
        (self.last_known, self.unresponsive) = (None, None);
        self.known.take()
    }
}

impl fmt::Display for Ignored {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.address, self.reason)
    }
}

impl fmt::Display for IgnoredReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Duplicate { of } => write!(f, "leads to the same process as {of}"),
            Self::Shared => f.write_str("shared by several processes of nbproc"),
            Self::Unlisted => f.write_str("not listed by the process, which is one of several (nbproc)"),
            Self::Master => f.write_str("command line of a master process"),
            Self::Datagram => f.write_str("a datagram socket"),
            Self::NotHaproxy(words) => f.write_str(words),
            Self::Temporary => f.write_str("there for a moment, while HAProxy takes a socket over"),
            Self::Excluded => f.write_str("excluded by name"),
            Self::Refused => f.write_str("no process listens"),
        }
    }
}
