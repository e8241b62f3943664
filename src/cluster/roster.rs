//! Who is in the cluster, and who is not and why.

use std::collections::HashMap;
use std::fmt;

use super::identity::Identity;
use crate::Address;
use crate::transport::{Limits, StatsSocket};

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
    /// The socket of every address that is asked: all calls share its places.
    sockets: HashMap<Address, StatsSocket>,
    /// Pairs that look like one process and have been found to be two.
    apart: HashMap<(Address, Address), (Identity, Identity)>,
}

/// What is known of one socket.
#[derive(Debug, Clone)]
pub(super) struct Known {
    /// File it is, if it is one of a directory.
    pub(super) inode: Option<(u64, u64)>,
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

    pub(super) fn set(&mut self, address: Address, inode: Option<(u64, u64)>, standing: Standing) {
        self.known.insert(address, Known { inode, standing });
    }

    pub(super) fn remove(&mut self, address: &Address) {
        self.known.remove(address);
    }

    /// Forgets what is known of the sockets for which `wanted` is false.
    pub(super) fn retain(&mut self, wanted: impl Fn(&Address, &Known) -> bool) {
        self.known.retain(|address, known| wanted(address, known));
        self.sockets.retain(|address, _| self.known.contains_key(address));
        self.apart.retain(|(one, other), _| self.known.contains_key(one) && self.known.contains_key(other));
    }

    pub(super) fn socket(&mut self, address: &Address, limits: Limits) -> StatsSocket {
        let socket = self.sockets.entry(address.clone());
        socket.or_insert_with(|| StatsSocket::with_limits(address.clone(), limits)).clone()
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
            Self::Excluded => f.write_str("excluded by name"),
            Self::Refused => f.write_str("nobody listens"),
        }
    }
}
