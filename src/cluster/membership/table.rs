//! The sockets that are members of the cluster, and those that are not and why.

use std::collections::{HashMap, HashSet};
use std::fmt;
use std::sync::Arc;

use super::directory::FileId;
use crate::address::Address;
use crate::cluster::identity::Identity;
use crate::error::{ErrorKind, Failure};
use crate::show::Info;
use crate::snapshot::{Label, Record};
use crate::transport::StatsSocket;

/// A socket that was found and is no member of the cluster.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Ignored {
    /// Where it was found.
    pub address: Address,
    /// Why it is no member.
    pub reason: IgnoredReason,
}

/// Why a socket is no member of a cluster.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum IgnoredReason {
    /// Another socket of a process that is in the cluster already, through one
    /// of the same or a higher level.
    Duplicate {
        /// The socket that is a member.
        of: Address,
    },
    /// Processes of `nbproc` share it: whichever accepts first answers, which is
    /// of no use for figures.
    Shared,
    /// The process that answers is one of several (`nbproc`) and lists no stats socket
    /// of this address, so that the socket may be shared by all of them. A socket
    /// behind a forwarded port or in another mount namespace looks like this.
    Unlisted,
    /// The command line of a master process, which has no figures of its own.
    Master,
    /// A datagram socket.
    Datagram,
    /// Something that is not HAProxy answers there; what it is and says.
    NotHaproxy(Box<str>),
    /// A file of HAProxy's own, which is there for a moment while it takes a socket
    /// over: `NAME.PID.tmp` or `NAME.PID.bak`.
    Temporary,
    /// Its name was excluded by [`ClusterBuilder::exclude`](crate::ClusterBuilder::exclude).
    Excluded,
    /// Nobody listens, and
    /// [`ClusterBuilder::ignore_refused`](crate::ClusterBuilder::ignore_refused) is set.
    Refused,
}

/// What is known of every socket, from one sweep to the next.
#[derive(Debug, Default)]
pub(crate) struct MembershipTable {
    known: HashMap<Address, Entry>,
    /// The socket of every address that may be asked: all calls share its places,
    /// whatever is known of it.
    sockets: HashMap<Address, StatsSocket>,
    /// Who the members were when they last answered, without their rows.
    last_known: HashMap<Address, Arc<Record>>,
    /// Members that have never answered, and did not in time when they were asked.
    unresponsive: HashMap<Address, Failure>,
    /// The label of every address that ever was a member. It never changes.
    labels: HashMap<Address, Label>,
    /// What the last comparison of sockets with equal identities found.
    compared: HashMap<Address, Compared>,
    /// Number of comparisons so far.
    comparisons: u64,
}

/// A socket while it leads to one process.
#[derive(Debug)]
pub(crate) struct Socket {
    pub(crate) address: Address,
    pub(crate) file: Option<FileId>,
    pub(crate) identity: Identity,
}

/// What a comparison found out about one socket.
#[derive(Debug)]
struct Compared {
    file: Option<FileId>,
    identity: Identity,
    comparison: u64,
    /// Sockets of one comparison lead to different processes if this differs.
    process: usize,
}

/// What is known of one socket.
#[derive(Debug, Clone)]
pub(crate) struct Entry {
    /// File it is, if it is one of a directory.
    pub(crate) file: Option<FileId>,
    pub(crate) classification: Classification,
}

#[derive(Debug, Clone)]
pub(crate) enum Classification {
    /// Its figures count. It has answered once, or might.
    Member { answered: bool },
    /// It is of no use.
    Ignored(IgnoredReason),
    /// It leads to a process that is asked elsewhere.
    Duplicate { of: Address, identity: Identity },
}

impl MembershipTable {
    /// An empty table, with the labels that were given. A label that was given to
    /// several addresses is the label of none.
    pub(crate) fn new(given: &HashMap<Address, Box<str>>) -> Self {
        let mut uses: HashMap<&str, usize> = HashMap::new();
        for label in given.values() {
            *uses.entry(label).or_default() += 1;
        }
        let is_unique = |label: &str| uses.get(label) == Some(&1);
        let unique = given.iter().filter(|(_, label)| is_unique(label));
        let labels = unique.map(|(address, label)| (address.clone(), Label::from(&**label))).collect();
        Self { labels, ..Self::default() }
    }

    pub(crate) fn get(&self, address: &Address) -> Option<&Entry> {
        self.known.get(address)
    }

    pub(super) fn set(&mut self, address: Address, file: Option<FileId>, classification: Classification) {
        let same = self.known.get(&address).is_some_and(|known| known.file == file);
        // In another file another process answers, and a duplicate is not to be
        // taken for a member again before it is compared.
        if !same || !matches!(classification, Classification::Member { .. }) {
            self.last_known.remove(&address);
        }
        self.unresponsive.remove(&address);
        self.known.insert(address, Entry { file, classification });
    }

    /// Why a member that has never answered did not, if it unresponsive.
    pub(crate) fn unresponsive(&self, address: &Address) -> Option<&Failure> {
        self.unresponsive.get(address)
    }

    /// Who the member at `address` was when it last answered.
    pub(crate) fn last_known(&self, address: &Address) -> Option<&Arc<Record>> {
        self.last_known.get(address)
    }

    /// Stores the identity of a member if it changed, or the fact that the member timed
    /// out.
    pub(super) fn set_last_known(&mut self, record: &Record) {
        if let Some(failure) = record.answer.as_ref().err() {
            if failure.kind == ErrorKind::Timeout && self.last_known(&record.address).is_none() {
                self.unresponsive.insert(record.address.clone(), failure.clone());
            }
        }
        let Some(now) = Identity::of(record) else { return };
        let is_known = self.last_known.get(&record.address).is_some_and(|head| {
            head.is_stopping() == record.is_stopping()
                && head.info().map(Info::version) == record.info().map(Info::version)
                && Identity::of(head).is_some_and(|known| known.fits(&now))
        });
        if !is_known {
            self.last_known.insert(record.address.clone(), Arc::new(record.without_rows()));
        }
    }

    pub(super) fn remove(&mut self, address: &Address) {
        self.known.remove(address);
        self.last_known.remove(address);
        self.unresponsive.remove(address);
    }

    /// Forgets what is known of the sockets for which `wanted` is false.
    pub(super) fn retain(&mut self, wanted: impl Fn(&Address, &Entry) -> bool) {
        self.known.retain(|address, known| wanted(address, known));
        self.last_known.retain(|address, _| self.known.contains_key(address));
        self.unresponsive.retain(|address, _| self.known.contains_key(address));
        self.compared.retain(|address, _| self.known.contains_key(address));
    }

    /// Forgets what each socket was found to be. The results of comparisons stay, because
    /// they hold for as long as the sockets and their processes do.
    pub(super) fn forget(&mut self) {
        self.known.clear();
        self.last_known.clear();
        self.unresponsive.clear();
    }

    /// Lets go of the sockets for which `wanted` is false. Calls that use one keep
    /// their own.
    pub(super) fn retain_sockets(&mut self, wanted: impl Fn(&Address) -> bool) {
        self.sockets.retain(|address, _| wanted(address));
    }

    pub(super) fn socket(&mut self, address: &Address, make: impl FnOnce() -> StatsSocket) -> StatsSocket {
        self.sockets.entry(address.clone()).or_insert_with(make).clone()
    }

    /// Whether one comparison found that all of these lead to different processes.
    pub(crate) fn are_all_distinct(&self, sockets: impl IntoIterator<Item = Socket>) -> bool {
        let mut comparison = None;
        let mut processes = HashSet::new();
        sockets.into_iter().all(|Socket { address, file, identity }| {
            self.compared.get(&address).is_some_and(|compared| {
                compared.file == file
                    && compared.identity.fits(&identity)
                    && *comparison.get_or_insert(compared.comparison) == compared.comparison
                    && processes.insert(compared.process)
            })
        })
    }

    /// Keeps the result of a comparison: sockets, and the process that each leads to.
    pub(super) fn set_compared(&mut self, sockets: impl IntoIterator<Item = (Socket, usize)>) {
        self.comparisons += 1;
        for (Socket { address, file, identity }, process) in sockets {
            let compared = Compared { file, identity, comparison: self.comparisons, process };
            self.compared.insert(address, compared);
        }
    }

    /// The label of an address, if it has one.
    pub(crate) fn label(&self, address: &Address) -> Option<&Label> {
        self.labels.get(address)
    }

    pub(super) fn set_label(&mut self, address: Address, label: Label) {
        self.labels.insert(address, label);
    }

    /// Every label that is in use, or was.
    pub(super) fn labels(&self) -> HashSet<Label> {
        self.labels.values().cloned().collect()
    }

    pub(super) fn members(&self) -> impl Iterator<Item = (&Address, bool)> {
        self.known.iter().filter_map(|(address, known)| match known.classification {
            Classification::Member { answered } => Some((address, answered)),
            _ => None,
        })
    }

    pub(super) fn ignored(&self) -> impl Iterator<Item = Ignored> {
        self.known.iter().filter_map(|(address, known)| {
            let reason = match &known.classification {
                Classification::Member { .. } => return None,
                Classification::Ignored(reason) => reason.clone(),
                Classification::Duplicate { of, .. } => IgnoredReason::Duplicate { of: of.clone() },
            };
            Some(Ignored { address: address.clone(), reason })
        })
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
            Self::Refused => f.write_str("nobody listens"),
        }
    }
}
