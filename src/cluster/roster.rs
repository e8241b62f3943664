//! Who is in the cluster, and who is not and why.

use std::collections::HashMap;
use std::fmt;
use std::sync::Arc;

use super::directory::FileId;
use super::identity::Identity;
use crate::Address;
use crate::aggregate::{Failure, Record};
use crate::error::ErrorKind;
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
    /// The command line of a master process, which has no figures of its own.
    Master,
    /// A datagram socket.
    Datagram,
    /// Something that is not HAProxy answers there; what it is and says.
    NotHaproxy(Box<str>),
    /// A file of HAProxy's own, which is there for a moment while it takes a socket
    /// over: `NAME.PID.tmp` or `NAME.PID.bak`.
    Passing,
    /// Its name was excluded by [`ClusterBuilder::exclude`](super::ClusterBuilder::exclude).
    Excluded,
    /// Nobody listens, and
    /// [`ClusterBuilder::ignore_refused`](super::ClusterBuilder::ignore_refused) is set.
    Refused,
}

/// What is known of every socket, from one sweep to the next.
#[derive(Debug, Default)]
pub(super) struct Roster {
    known: HashMap<Address, Known>,
    /// The socket of every address that may be asked: all calls share its places,
    /// whatever is known of it.
    sockets: HashMap<Address, StatsSocket>,
    /// Who the members were when they last answered, without their rows.
    heads: HashMap<Address, Arc<Record>>,
    /// Members that have never answered, and did not in time when they were asked.
    hung: HashMap<Address, Failure>,
    /// Pairs that look like one process and have been found to be two.
    apart: HashMap<(Address, Address), (Identity, Identity)>,
}

/// What is known of one socket.
#[derive(Debug, Clone)]
pub(super) struct Known {
    /// File it is, if it is one of a directory.
    pub(super) file: Option<FileId>,
    pub(super) standing: Standing,
}

#[derive(Debug, Clone)]
pub(super) enum Standing {
    /// Its figures count. It has answered once, or might.
    Member { answered: bool },
    /// It is of no use.
    Ignored(IgnoredReason),
    /// It leads to a process that is asked elsewhere.
    Duplicate { of: Address, identity: Identity },
}

impl Roster {
    pub(super) fn get(&self, address: &Address) -> Option<&Known> {
        self.known.get(address)
    }

    pub(super) fn set(&mut self, address: Address, file: Option<FileId>, standing: Standing) {
        let same = self.known.get(&address).is_some_and(|known| known.file == file);
        // In another file another process answers, and a duplicate is not to be
        // taken for a member again before it is compared.
        if !same || !matches!(standing, Standing::Member { .. }) {
            self.heads.remove(&address);
        }
        self.hung.remove(&address);
        self.known.insert(address, Known { file, standing });
    }

    /// Why a member that has never answered did not, if it hung.
    pub(super) fn hung(&self, address: &Address) -> Option<&Failure> {
        self.hung.get(address)
    }

    /// Who the member at `address` was when it last answered.
    pub(super) fn head(&self, address: &Address) -> Option<&Arc<Record>> {
        self.heads.get(address)
    }

    /// Keeps who a member is, if that is news, or that it does not say.
    pub(super) fn set_head(&mut self, record: &Record) {
        if let Some(failure) = record.answer.as_ref().err() {
            if failure.kind == ErrorKind::Timeout && self.head(&record.address).is_none() {
                self.hung.insert(record.address.clone(), failure.clone());
            }
        }
        let Some(now) = Identity::of(record) else { return };
        let known = self.heads.get(&record.address).and_then(|head| Identity::of(head));
        if !known.is_some_and(|known| known.fits(&now)) {
            self.heads.insert(record.address.clone(), Arc::new(record.without_rows()));
        }
    }

    pub(super) fn remove(&mut self, address: &Address) {
        self.known.remove(address);
        self.heads.remove(address);
        self.hung.remove(address);
    }

    /// Forgets what is known of the sockets for which `wanted` is false.
    pub(super) fn retain(&mut self, wanted: impl Fn(&Address, &Known) -> bool) {
        self.known.retain(|address, known| wanted(address, known));
        self.heads.retain(|address, _| self.known.contains_key(address));
        self.hung.retain(|address, _| self.known.contains_key(address));
        self.apart.retain(|(one, other), _| self.known.contains_key(one) && self.known.contains_key(other));
    }

    /// Lets go of the sockets for which `wanted` is false. Calls that use one keep
    /// their own.
    pub(super) fn retain_sockets(&mut self, wanted: impl Fn(&Address) -> bool) {
        self.sockets.retain(|address, _| wanted(address));
    }

    pub(super) fn socket(&mut self, address: &Address, make: impl FnOnce() -> StatsSocket) -> StatsSocket {
        self.sockets.entry(address.clone()).or_insert_with(make).clone()
    }

    /// Whether these two have been found to be two processes, as they are now.
    pub(super) fn are_apart(&self, one: (&Address, &Identity), other: (&Address, &Identity)) -> bool {
        let found = self.apart.get(&(one.0.clone(), other.0.clone()));
        found.is_some_and(|(a, b)| a.fits(one.1) && b.fits(other.1))
    }

    pub(super) fn set_apart(&mut self, one: (&Address, &Identity), other: (&Address, &Identity)) {
        let addresses = (one.0.clone(), other.0.clone());
        self.apart.insert(addresses, (one.1.clone(), other.1.clone()));
    }

    pub(super) fn members(&self) -> impl Iterator<Item = (&Address, bool)> {
        self.known.iter().filter_map(|(address, known)| match known.standing {
            Standing::Member { answered } => Some((address, answered)),
            _ => None,
        })
    }

    pub(super) fn ignored(&self) -> impl Iterator<Item = Ignored> {
        self.known.iter().filter_map(|(address, known)| {
            let reason = match &known.standing {
                Standing::Member { .. } => return None,
                Standing::Ignored(reason) => reason.clone(),
                Standing::Duplicate { of, .. } => IgnoredReason::Duplicate { of: of.clone() },
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
            Self::Master => f.write_str("command line of a master process"),
            Self::Datagram => f.write_str("a datagram socket"),
            Self::NotHaproxy(words) => f.write_str(words),
            Self::Passing => f.write_str("there for a moment, while HAProxy takes a socket over"),
            Self::Excluded => f.write_str("excluded by name"),
            Self::Refused => f.write_str("nobody listens"),
        }
    }
}
